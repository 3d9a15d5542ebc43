// SPDX-License-Identifier: MIT
/*
 * Against libssl, by way of the programs openssl s_server and s_client: every suite and
 * group in both roles, a line there and back, the close, and alerts both ways.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include <kselftest_harness.h>

#define TIMEOUT_MS 20000

FIXTURE(openssl)
{
	struct cert cert;
	struct rtls_worker *worker;
	char dir[40], cert_file[64], key_file[64];
	pid_t pid;
	FILE *to, *from; /* the program's standard input and output */
	uint8_t buf[70000];
	char received[256];
	size_t received_len;
	struct rtls_conn *conn;
	int fd;
};

FIXTURE_VARIANT(openssl)
{
	enum cert_kind kind;
	const char *suite, *group;
};

#define GROUPS(name, kind_name, suite_name)                                                        \
	FIXTURE_VARIANT_ADD(openssl, name##_x25519)                                                \
	{ .kind = kind_name, .suite = suite_name, .group = "X25519" };                             \
	FIXTURE_VARIANT_ADD(openssl, name##_p256)                                                  \
	{ .kind = kind_name, .suite = suite_name, .group = "P-256" }

GROUPS(ecdsa_aes_128_gcm, CERT_ECDSA, "ECDHE-ECDSA-AES128-GCM-SHA256");
GROUPS(ecdsa_aes_256_gcm, CERT_ECDSA, "ECDHE-ECDSA-AES256-GCM-SHA384");
GROUPS(ecdsa_chacha20, CERT_ECDSA, "ECDHE-ECDSA-CHACHA20-POLY1305");
GROUPS(rsa_aes_128_gcm, CERT_RSA, "ECDHE-RSA-AES128-GCM-SHA256");
GROUPS(rsa_aes_256_gcm, CERT_RSA, "ECDHE-RSA-AES256-GCM-SHA384");
GROUPS(rsa_chacha20, CERT_RSA, "ECDHE-RSA-CHACHA20-POLY1305");

#define ONE(name, kind_name, suite_name, group_name)                                               \
	FIXTURE_VARIANT_ADD(openssl, name)                                                         \
	{ .kind = CERT_##kind_name, .suite = suite_name, .group = group_name }

ONE(ecdsa_aes_128_ccm, ECDSA, "ECDHE-ECDSA-AES128-CCM", "X25519");
ONE(p384, ECDSA, "ECDHE-ECDSA-AES128-GCM-SHA256", "P-384");
ONE(p521, ECDSA, "ECDHE-ECDSA-AES128-GCM-SHA256", "P-521");
ONE(x448, ECDSA, "ECDHE-ECDSA-AES128-GCM-SHA256", "X448");
ONE(ecdsa_p384, ECDSA_P384, "ECDHE-ECDSA-AES256-GCM-SHA384", "X25519");
ONE(ecdsa_p521, ECDSA_P521, "ECDHE-ECDSA-AES256-GCM-SHA384", "X25519");
ONE(ed25519, ED25519, "ECDHE-ECDSA-AES128-GCM-SHA256", "X25519");
ONE(ed448, ED448, "ECDHE-ECDSA-AES128-GCM-SHA256", "X25519");
ONE(rsa_pss, RSA_PSS, "ECDHE-RSA-AES128-GCM-SHA256", "X25519");
/* No group is named for these: s_server brings a prime of its own. */
ONE(dhe_aes_128_gcm, RSA, "DHE-RSA-AES128-GCM-SHA256", NULL);
ONE(dhe_aes_256_gcm, RSA, "DHE-RSA-AES256-GCM-SHA384", NULL);
ONE(dhe_chacha20, RSA, "DHE-RSA-CHACHA20-POLY1305", NULL);
ONE(dhe_aes_128_ccm, RSA, "DHE-RSA-AES128-CCM", NULL);
ONE(kx_rsa_aes_128_gcm, RSA, "AES128-GCM-SHA256", NULL);
ONE(kx_rsa_aes_256_gcm, RSA, "AES256-GCM-SHA384", NULL);
ONE(kx_rsa_aes_128_ccm, RSA, "AES128-CCM", NULL);

FIXTURE_SETUP(openssl)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/tmp/ringtls-openssl-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->cert_file, sizeof(self->cert_file), "%s/cert.pem", self->dir);
	snprintf(self->key_file, sizeof(self->key_file), "%s/key.pem", self->dir);
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	cert_write(&self->cert, self->cert_file, self->key_file);
	self->worker = rtls_worker_new();
	self->fd = -1;
	signal(SIGPIPE, SIG_IGN);
}

FIXTURE_TEARDOWN(openssl)
{
	if (self->to)
		fclose(self->to);
	if (self->from)
		fclose(self->from);
	if (self->pid > 0) {
		kill(self->pid, SIGKILL);
		waitpid(self->pid, NULL, 0);
	}
	if (self->fd >= 0)
		close(self->fd);
	rtls_conn_free(self->conn);
	rtls_worker_free(self->worker);
	cert_free(&self->cert);
	unlink(self->cert_file);
	unlink(self->key_file);
	rmdir(self->dir);
	test_end();
}

/* Starts "openssl ARGS" with pipes at its standard input and output (and error). */
static bool spawn(struct _test_data_openssl *self, const char *const *args)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return false;
	self->pid = fork();
	if (!self->pid) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		dup2(from[1], 2);
		execvp("openssl", (char *const *)args);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	self->to = fdopen(to[1], "w");
	self->from = fdopen(from[0], "r");
	return self->pid > 0;
}

/* Reads the program's output up to a line that contains @what; @line holds it. */
static bool wait_for(struct _test_data_openssl *self, const char *what, char *line, int size)
{
	while (fgets(line, size, self->from))
		if (strstr(line, what))
			return true;
	return false;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* s_server on a free port, and a socket connected to it. */
static bool start_server(struct _test_data_openssl *self, const char *suite, const char *group,
			 const char *mode)
{
	const char *args[] = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1",
			       "-tls1_2", "-cert", self->cert_file, "-key", self->key_file,
			       "-cipher", suite, mode, group ? "-named_curve" : NULL, group,
			       NULL };
	char line[256];
	struct sockaddr_in addr;

	if (!spawn(self, args) || !wait_for(self, "ACCEPT", line, sizeof(line)))
		return false;
	addr = loopback(atoi(strrchr(line, ':') + 1));
	self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return !connect(self->fd, (void *)&addr, sizeof(addr));
}

/* s_client that connects to us, and the accepted socket. */
static bool start_client(struct _test_data_openssl *self, const char *suite, const char *group,
			 const char *ca_file)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addr = loopback(0);
	socklen_t len = sizeof(addr);
	char target[32];

	if (bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 1) ||
	    getsockname(listener, (void *)&addr, &len))
		return false;
	snprintf(target, sizeof(target), "127.0.0.1:%d", ntohs(addr.sin_port));
	/* A client with an ECDSA certificate in sight must offer its curve as well. */
	char groups[64] = "X25519:P-256:P-384:P-521";

	if (group && !strcmp(group, "P-256"))
		strcpy(groups, group);
	else if (group && strcmp(group, "X25519"))
		snprintf(groups, sizeof(groups), "%s:P-256", group);
	const char *args[] = { "openssl", "s_client", "-connect", target, "-tls1_2", "-CAfile",
			       ca_file, "-verify_return_error", "-verify_hostname", "localhost",
			       "-servername", "localhost", "-cipher", suite, "-groups", groups,
			       "-ign_eof", NULL };

	if (!spawn(self, args))
		return false;
	self->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return self->fd >= 0;
}

static void begin(struct _test_data_openssl *self, struct rtls_config *config, enum rtls_role role)
{
	struct rtls_hs *hs = NULL;

	rtls_hs_new(&hs, config, self->worker, role, role == RTLS_CLIENT ? "localhost" : NULL);
	self->conn = rtls_conn_new(hs, self->worker, RTLS_KTLS_AUTO);
	rtls_config_unref(config);
}

/* Drives until this event; data that comes is collected. */
static bool drive_until(struct _test_data_openssl *self, enum rtls_event_type type)
{
	struct rtls_event event;

	while (rtls_drive(self->conn, self->fd, self->buf, sizeof(self->buf), TIMEOUT_MS,
			  &event) == 1) {
		if (event.type == RTLS_EVENT_DATA &&
		    self->received_len + event.len < sizeof(self->received)) {
			memcpy(self->received + self->received_len, event.data, event.len);
			self->received_len += event.len;
		}
		if (event.type == type)
			return true;
	}
	return false;
}

/* The name that our reports use. */
static const char *iana_group(const char *openssl_name)
{
	static const char *const names[][2] = {
		{ "X25519", "x25519" },   { "X448", "x448" },       { "P-256", "secp256r1" },
		{ "P-384", "secp384r1" }, { "P-521", "secp521r1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i][0], openssl_name))
			return names[i][1];
	return "";
}

TEST_F(openssl, s_server)
{
	const struct rtls_peer *peer;

	ASSERT_EQ(true, start_server(self, variant->suite, variant->group, "-rev"));
	begin(self, client_config(&self->cert, variant->suite, NULL, NULL), RTLS_CLIENT);
	ASSERT_EQ(true, drive_until(self, RTLS_EVENT_ESTABLISHED))
	{
		TH_LOG("%s", rtls_conn_reason(self->conn));
	}
	peer = rtls_conn_peer(self->conn);
	EXPECT_EQ(0, !variant->group != !peer->group);
	if (variant->group)
		EXPECT_STREQ(iana_group(variant->group), peer->group);
	EXPECT_EQ(i2d_X509(self->cert.x509, NULL), (int)peer->certificate_len);
	ASSERT_EQ(0, rtls_conn_send(self->conn, "hello\n", 6, false));
	while (self->received_len < 6)
		ASSERT_EQ(true, drive_until(self, RTLS_EVENT_DATA));
	EXPECT_EQ(0, memcmp(self->received, "olleh\n", 6));
	rtls_conn_close(self->conn);
	EXPECT_EQ(true, drive_until(self, RTLS_EVENT_CLOSED));
	EXPECT_EQ(0, rtls_conn_error(self->conn));
}

TEST_F(openssl, s_client)
{
	char line[256];

	ASSERT_EQ(true, start_client(self, variant->suite, variant->group, self->cert_file));
	begin(self, server_config(&self->cert, variant->suite, variant->group, NULL), RTLS_SERVER);
	ASSERT_EQ(true, drive_until(self, RTLS_EVENT_ESTABLISHED))
	{
		TH_LOG("%s", rtls_conn_reason(self->conn));
	}
	EXPECT_STREQ("localhost", rtls_conn_peer(self->conn)->server_name);
	fputs("hello\n", self->to);
	fflush(self->to);
	while (self->received_len < 6)
		ASSERT_EQ(true, drive_until(self, RTLS_EVENT_DATA));
	EXPECT_EQ(0, memcmp(self->received, "hello\n", 6));
	ASSERT_EQ(0, rtls_conn_send(self->conn, "answered\n", 9, false));
	ASSERT_EQ(true, drive_until(self, RTLS_EVENT_SENT));
	rtls_conn_close(self->conn);
	EXPECT_EQ(true, drive_until(self, RTLS_EVENT_CLOSED));
	EXPECT_EQ(0, rtls_conn_error(self->conn));
	ASSERT_EQ(true, wait_for(self, "Cipher is", line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, variant->suite));
	EXPECT_EQ(true, wait_for(self, "Secure Renegotiation IS supported", line, sizeof(line)));
	EXPECT_EQ(true, wait_for(self, "Verify return code: 0 (ok)", line, sizeof(line)));
	EXPECT_EQ(true, wait_for(self, "Extended master secret: yes", line, sizeof(line)));
	EXPECT_EQ(true, wait_for(self, "answered", line, sizeof(line)));
	/* s_client says "closed" after a close_notify, and "unexpected eof" without one. */
	EXPECT_EQ(true, wait_for(self, "closed", line, sizeof(line)));
}

/* Alerts, once each way; the suite does not matter. */

TEST_F(openssl, s_client_that_does_not_trust_us)
{
	struct cert other = cert_make((struct cert_spec){ .host = "other.example" });
	char ca_file[80], key_file[80];

	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", self->dir);
	snprintf(key_file, sizeof(key_file), "%s/ca.key", self->dir);
	cert_write(&other, ca_file, key_file);
	cert_free(&other);
	ASSERT_EQ(true, start_client(self, variant->suite, variant->group, ca_file));
	begin(self, server_config(&self->cert, variant->suite, NULL, NULL), RTLS_SERVER);
	EXPECT_EQ(true, drive_until(self, RTLS_EVENT_FAILED));
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_UNKNOWN_CA), rtls_conn_error(self->conn));
	unlink(ca_file);
	unlink(key_file);
}

TEST_F(openssl, s_server_that_we_do_not_trust)
{
	struct cert other = cert_make((struct cert_spec){ .host = "other.example" });
	char line[256];

	ASSERT_EQ(true, start_server(self, variant->suite, variant->group, "-rev"));
	begin(self, client_config(&other, variant->suite, NULL, NULL), RTLS_CLIENT);
	cert_free(&other);
	EXPECT_EQ(true, drive_until(self, RTLS_EVENT_CLOSED));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNKNOWN_CA), rtls_conn_error(self->conn));
	EXPECT_EQ(true, wait_for(self, "alert unknown ca", line, sizeof(line)));
}

TEST_HARNESS_MAIN
