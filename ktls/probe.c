// SPDX-License-Identifier: MIT
/*
 * What does this kernel take? Found by trial on a scratch connection over loopback, with
 * throw-away keys: versions lie (backports, missing crypto modules), trials do not.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ktls_internal.h"

static bool is_our_peer(const int pair[2])
{
	const struct timeval limit = { .tv_sec = 2 };
	struct sockaddr_in own, peer;
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);

	return !getsockname(pair[0], (void *)&own, &own_len) &&
	       !getpeername(pair[1], (void *)&peer, &peer_len) && own.sin_port == peer.sin_port &&
	       !setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

/* A connected TCP pair over loopback. */
static int tcp_pair(int pair[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pair[1] = -1;
	/* Whoever else connects in this moment is not ours, and must not make us wait. */
	if (listener >= 0 && pair[0] >= 0 && !bind(listener, (void *)&addr, sizeof(addr)) &&
	    !listen(listener, 1) && !getsockname(listener, (void *)&addr, &len) &&
	    !connect(pair[0], (void *)&addr, sizeof(addr)))
		pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	error = errno ? -errno : -EIO;
	if (pair[1] >= 0 && !is_our_peer(pair)) {
		close(pair[1]);
		pair[1] = -1;
		error = -EAGAIN;
	}
	if (listener >= 0)
		close(listener);
	if (pair[1] >= 0)
		return 0;
	if (pair[0] >= 0)
		close(pair[0]);
	return error;
}

static int attach(int fd)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3) ? -errno : 0;
}

static int install(int fd, int direction, enum rtls_cipher cipher)
{
	static const struct rtls_key key; /* zeros: nothing secret passes */
	uint8_t info[KTLS_CRYPTO_INFO_MAX];
	size_t len = ktls_crypto_info(cipher, &key, info);

	return setsockopt(fd, SOL_TLS, direction, info, len) ? -errno : 0;
}

/* Do the two ends understand each other? An install alone proves no crypto module. */
static int exchange(int pair[2])
{
	static const char sent[] = "probe";
	char received[sizeof(sent)];
	ssize_t n;

	if (send(pair[0], sent, sizeof(sent), MSG_NOSIGNAL) != sizeof(sent))
		return -errno;
	n = recv(pair[1], received, sizeof(received), MSG_WAITALL);
	if (n != sizeof(received))
		return n < 0 ? -errno : -EIO;
	return memcmp(sent, received, sizeof(sent)) ? -EBADMSG : 0;
}

static int probe_cipher(struct rtls_probe *probe, enum rtls_cipher cipher)
{
	int pair[2], *tx = &probe->cipher[cipher].tx, *rx = &probe->cipher[cipher].rx;
	int ret = tcp_pair(pair);

	if (ret)
		return ret;
	attach(pair[0]);
	attach(pair[1]);
	*tx = install(pair[0], TLS_TX, cipher);
	*rx = install(pair[1], TLS_RX, cipher);
	if (!*tx && !*rx)
		*tx = *rx = exchange(pair);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

int rtls_ktls_probe(struct rtls_probe *probe)
{
	int pair[2], ret = tcp_pair(pair);

	*probe = (struct rtls_probe){ 0 };
	if (ret)
		return ret;
	probe->ulp_error = attach(pair[0]);
	probe->ulp = ktls_attach_reason(probe->ulp_error);
	close(pair[0]);
	close(pair[1]);
	for (int i = 0; !ret && i < RTLS_CIPHER_COUNT; i++) {
		probe->cipher[i].tx = probe->cipher[i].rx = probe->ulp_error;
		if (!probe->ulp_error)
			ret = probe_cipher(probe, i);
	}
	return ret;
}
