// SPDX-License-Identifier: MIT
// Java's JSSE as a peer: Peer client OUT FILE FILE | Peer server. Orders: see ../cell.
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Peer {
	static final int PORT = Integer.parseInt(System.getenv("port"));
	static final String[] SUITES = { System.getenv("iana") };
	static final String[] VERSIONS = { "TLSv1.2" };

	static SSLContext context(boolean withIdentity) throws Exception {
		KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
		TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
		KeyStore store = KeyStore.getInstance("PKCS12");
		KeyStore roots = KeyStore.getInstance("PKCS12");
		SSLContext context = SSLContext.getInstance("TLS");
		char[] passphrase = "changeit".toCharArray();

		store.load(null, null);
		if (withIdentity) {
			String file = System.getenv("pki") + "/" + System.getenv("kind") + ".p12";

			try (InputStream in = Files.newInputStream(Path.of(file))) {
				store.load(in, passphrase);
			}
		}
		keys.init(store, passphrase);
		roots.load(null, null);
		try (InputStream in = Files.newInputStream(Path.of(System.getenv("ca")))) {
			roots.setCertificateEntry("ca", CertificateFactory.getInstance("X.509")
				.generateCertificate(in));
		}
		trust.init(roots);
		context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
		return context;
	}

	static void fetch(SSLSocket socket, String file, Path out) throws IOException {
		String request = "GET /" + file + " HTTP/1.1\r\nHost: localhost\r\n" +
			"Connection: close\r\n\r\n";
		byte[] answer;
		String text;

		socket.setEnabledProtocols(VERSIONS);
		socket.setEnabledCipherSuites(SUITES);
		socket.startHandshake();
		System.out.println(socket.getSession().getCipherSuite());
		socket.getOutputStream().write(request.getBytes());
		answer = socket.getInputStream().readAllBytes();
		text = new String(answer, StandardCharsets.ISO_8859_1);
		Files.write(out, Arrays.copyOfRange(answer, text.indexOf("\r\n\r\n") + 4,
			answer.length));
	}

	static void client(String[] args) throws Exception {
		boolean resume = !System.getenv("resume").equals("-");
		SSLContext context = null;

		// The context keeps sessions: a new one has nothing to resume.
		for (int i = 2; i < args.length; i++) {
			if (context == null || !resume)
				context = context(!System.getenv("credentials").isEmpty());
			try (SSLSocket socket = (SSLSocket) context.getSocketFactory()
					.createSocket("localhost", PORT)) {
				fetch(socket, args[i], Path.of(args[1], "" + (i - 1)));
			}
		}
	}

	static void answer(SSLSocket socket) throws IOException {
		ByteArrayOutputStream request = new ByteArrayOutputStream();
		byte[] buffer = new byte[65536], body;

		socket.setEnabledProtocols(VERSIONS);
		socket.setEnabledCipherSuites(SUITES);
		socket.setNeedClientAuth(System.getenv("auth").equals("yes"));
		socket.startHandshake();
		System.out.println(socket.getSession().getCipherSuite());
		while (!request.toString().contains("\r\n\r\n")) {
			int len = socket.getInputStream().read(buffer);

			if (len < 0)
				throw new IOException("the request ends early");
			request.write(buffer, 0, len);
		}
		body = Files.readAllBytes(Path.of(request.toString().split(" ")[1].substring(1)));
		socket.getOutputStream().write(("HTTP/1.1 200 OK\r\nContent-Length: " +
			body.length + "\r\n\r\n").getBytes());
		socket.getOutputStream().write(body);
	}

	static void server() throws Exception {
		SSLServerSocket listener = (SSLServerSocket) context(true).getServerSocketFactory()
			.createServerSocket(PORT, 8, InetAddress.getLoopbackAddress());

		while (true) {
			try (SSLSocket socket = (SSLSocket) listener.accept()) {
				answer(socket);
			} catch (IOException e) {
				System.out.println(e);
			}
		}
	}

	public static void main(String[] args) throws Exception {
		if (args[0].equals("client"))
			client(args);
		else
			server();
	}
}
