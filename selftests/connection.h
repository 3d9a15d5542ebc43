/* SPDX-License-Identifier: MIT */
/*
 * A connection after its keys, on a real socket: the end under test has the policy POLICY
 * (userspace.c, ktls.c), the peer keeps its records in userspace, so that what the kernel
 * seals is opened by other code and the other way round.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/tls.h>

#include "common.h"
#include <kselftest_harness.h>

#define IN_KERNEL  (POLICY == RTLS_KTLS_REQUIRE)
#define STEPS_IDLE 400 /* of 25 ms: far more than any test waits */

/* One end, driven step by step; what it has seen. */
struct end {
	int fd;
	struct rtls_conn *conn;
	uint8_t buf[70000];
	bool established, sent, peer_closed, failed, closed;
	struct rtls_key_operation *operation; /* what the private key has to do */
	unsigned int keys_used;
	size_t received;
	uint32_t sum; /* of what was received */
	uint8_t last[64];
};

static uint32_t checksum(uint32_t sum, const uint8_t *data, size_t len)
{
	while (len--)
		sum = sum * 31 + *data++;
	return sum;
}

static void take_event(struct end *end, const struct rtls_event *event)
{
	end->established |= event->type == RTLS_EVENT_ESTABLISHED;
	end->sent |= event->type == RTLS_EVENT_SENT;
	end->peer_closed |= event->type == RTLS_EVENT_PEER_CLOSED;
	end->failed |= event->type == RTLS_EVENT_FAILED;
	end->closed |= event->type == RTLS_EVENT_CLOSED;
	if (event->type == RTLS_EVENT_WANT_KEY)
		end->operation = rtls_conn_key_operation(end->conn);
	if (event->type != RTLS_EVENT_DATA)
		return;
	end->received += event->len;
	end->sum = checksum(end->sum, event->data, event->len);
	memcpy(end->last, event->data, event->len < 64 ? event->len : 64);
}

/* Only once nothing else happens: nothing but the key is awaited. */
static bool use_key(struct end *end)
{
	if (!end->operation)
		return false;
	rtls_key_operation_run(end->operation);
	rtls_conn_key_done(end->conn, end->operation);
	rtls_key_operation_free(end->operation);
	end->operation = NULL;
	end->keys_used++;
	return true;
}

/* Goes on with an end for as long as something happens without a wait. */
static bool step(struct end *end)
{
	struct rtls_event event;
	bool any = false;

	while (end->conn &&
	       rtls_drive(end->conn, end->fd, end->buf, sizeof(end->buf), 0, &event) == 1) {
		take_event(end, &event);
		any = true;
	}
	return use_key(end) || any;
}

/* Drives both until @done, or until nothing happens any more. */
static void drive(struct end *a, struct end *b, const bool *done)
{
	for (int idle = 0; !*done && idle < STEPS_IDLE; idle++) {
		bool any = step(a);

		any |= step(b);
		if (any)
			idle = 0;
		else if (idle > 2)
			poll(NULL, 0, 25);
	}
}

FIXTURE(connection)
{
	struct cert cert, client_cert;
	struct rtls_worker *worker;
	struct rtls_config *configs[2];
	struct end tested, peer;
	struct rtls_hs *hs; /* the peer's, where a test drives it by hand */
	struct rtls_keys keys;
};

FIXTURE_VARIANT(connection)
{
	const char *suite;
	enum cert_kind kind;
	enum rtls_role role; /* of the end under test */
	bool external;       /* so is its private key; a client then has one */
};

#define ROLES(name, suite_name, kind_name)                                                         \
	FIXTURE_VARIANT_ADD(connection, name##_server)                                             \
	{ .suite = suite_name, .kind = kind_name, .role = RTLS_SERVER };                           \
	FIXTURE_VARIANT_ADD(connection, name##_client)                                             \
	{ .suite = suite_name, .kind = kind_name, .role = RTLS_CLIENT }

ROLES(aes_128_gcm, "ECDHE-ECDSA-AES128-GCM-SHA256", CERT_ECDSA);
ROLES(aes_256_gcm, "ECDHE-RSA-AES256-GCM-SHA384", CERT_RSA);
ROLES(chacha20_poly1305, "ECDHE-ECDSA-CHACHA20-POLY1305", CERT_ECDSA);
ROLES(aes_128_ccm, "ECDHE-ECDSA-AES128-CCM", CERT_ECDSA);

#define EXTERNAL(name, suite_name, kind_name, role_name)                                           \
	FIXTURE_VARIANT_ADD(connection, external_##name)                                           \
	{ .suite = suite_name, .kind = kind_name, .role = role_name, .external = true }

EXTERNAL(sign_server, "ECDHE-RSA-AES128-GCM-SHA256", CERT_RSA, RTLS_SERVER);
EXTERNAL(decrypt_server, "AES128-GCM-SHA256", CERT_RSA, RTLS_SERVER);
EXTERNAL(sign_client, "ECDHE-ECDSA-AES128-GCM-SHA256", CERT_ECDSA, RTLS_CLIENT);

/* With an external key of the client's the server asks for its certificate. */
static void make_configs(struct _test_data_connection *self,
			 const struct _fixture_variant_connection *variant)
{
	bool external[2] = { 0 }, asks;

	external[variant->role] = variant->external;
	asks = external[RTLS_CLIENT];
	self->configs[RTLS_SERVER] = config_make((struct config_spec){
		.identity = &self->cert, .suites = variant->suite,
		.external_keys = external[RTLS_SERVER],
		.client_auth = asks ? RTLS_CLIENT_AUTH_REQUIRE : RTLS_CLIENT_AUTH_NONE,
		.trust = asks ? &self->client_cert : NULL });
	self->configs[RTLS_CLIENT] = config_make((struct config_spec){
		.trust = &self->cert, .suites = variant->suite,
		.external_keys = external[RTLS_CLIENT],
		.identity = asks ? &self->client_cert : NULL });
}

FIXTURE_SETUP(connection)
{
	int pair[2];

	memset(self, 0, sizeof(*self));
	if (IN_KERNEL && !kernel_has_tls())
		SKIP(return, "this kernel has no tls ULP; make check-ktls runs it in the lab");
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	self->worker = rtls_worker_new();
	self->client_cert = cert_make((struct cert_spec){ .usage = "clientAuth" });
	make_configs(self, variant);
	tcp_pair(pair);
	self->tested.fd = pair[0];
	self->peer.fd = pair[1];
}

FIXTURE_TEARDOWN(connection)
{
	rtls_conn_free(self->tested.conn);
	rtls_conn_free(self->peer.conn);
	rtls_key_operation_free(self->tested.operation);
	rtls_hs_free(self->hs);
	rtls_config_unref(self->configs[0]);
	rtls_config_unref(self->configs[1]);
	rtls_worker_free(self->worker);
	close(self->tested.fd);
	close(self->peer.fd);
	cert_free(&self->cert);
	cert_free(&self->client_cert);
	test_end();
}

static struct rtls_hs *new_hs(struct _test_data_connection *self, enum rtls_role role)
{
	struct rtls_hs *hs = NULL;

	rtls_hs_new(&hs, self->configs[role], self->worker, role,
		    role == RTLS_CLIENT ? "localhost" : NULL);
	return hs;
}

static enum rtls_role other(enum rtls_role role)
{
	return role == RTLS_CLIENT ? RTLS_SERVER : RTLS_CLIENT;
}

static void begin_tested(struct _test_data_connection *self, enum rtls_role role)
{
	self->tested.conn = rtls_conn_new(new_hs(self, role), self->worker, POLICY);
}

/* Both ends are connections: shake hands. */
static void establish(struct _test_data_connection *self, enum rtls_role role)
{
	begin_tested(self, role);
	self->peer.conn =
		rtls_conn_new(new_hs(self, other(role)), self->worker, RTLS_KTLS_OFF);
	drive(&self->peer, &self->tested, &self->tested.established);
	drive(&self->peer, &self->tested, &self->peer.established);
}

/* ---- a peer made by hand ---------------------------------------------------------------- */

static bool send_all(int fd, const uint8_t *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Everything that waits on the socket, into the peer's handshake. */
static bool peer_reads(struct _test_data_connection *self)
{
	ssize_t n = recv(self->peer.fd, self->peer.buf, sizeof(self->peer.buf), MSG_DONTWAIT);

	return n > 0 && rtls_hs_input(self->hs, self->peer.buf, n) == n;
}

/* Puts one record of the peer's behind @out. */
static size_t peer_seals(struct _test_data_connection *self, uint8_t type, const void *data,
			 size_t len, uint8_t *out)
{
	ssize_t n = rtls_record_seal(self->worker, self->keys.cipher, &self->keys.tx, type, data,
				     len, out);

	return n > 0 ? n : 0;
}

static bool peer_sends(struct _test_data_connection *self, uint8_t type, const void *data,
		       size_t len)
{
	uint8_t record[RTLS_RECORD_MAX];

	return send_all(self->peer.fd, record, peer_seals(self, type, data, len, record));
}

/* Takes the handshake to where the peer's last flight is ready to be sent, in @flight. */
static size_t until_last_flight(struct _test_data_connection *self, enum rtls_role role,
				uint8_t *flight)
{
	const uint8_t *out;
	size_t len;

	begin_tested(self, role);
	self->hs = new_hs(self, other(role));
	for (int idle = 0; idle < STEPS_IDLE; idle++) {
		step(&self->tested);
		if (!peer_reads(self) && rtls_hs_status(self->hs) == RTLS_HS_WANT_INPUT)
			poll(NULL, 0, 1);
		out = rtls_hs_output(self->hs, &len);
		if (!len)
			continue;
		memcpy(flight, out, len);
		rtls_hs_output_done(self->hs, len);
		/* A ClientHello and a server's first flight begin with a handshake record in clear
		 * and leave the peer waiting; so does a client's last, whose server answers. */
		if (rtls_hs_status(self->hs) == RTLS_HS_DONE ||
		    (role == RTLS_SERVER && flight[5] == 16 /* ClientKeyExchange */))
			return len;
		send_all(self->peer.fd, flight, len);
	}
	return 0;
}

/* The keys of a peer whose handshake is over; a client first reads the server's Finished. */
static bool peer_finishes(struct _test_data_connection *self)
{
	struct end *tested = &self->tested;

	for (int idle = 0; idle < STEPS_IDLE && rtls_hs_status(self->hs) != RTLS_HS_DONE; idle++) {
		step(tested);
		if (!peer_reads(self))
			poll(NULL, 0, 1);
	}
	return !rtls_hs_finish(self->hs, &self->keys, NULL);
}

/*
 * A client can send data only behind its own Finished, and has its keys only once the server
 * has answered; a client that does not wait (False Start, resumption) seals with the same
 * keys. These are taken from a copy of its state in the internals.
 */
#include "../handshake/hs_internal.h"

static void peer_keys_early(struct _test_data_connection *self)
{
	self->keys = self->hs->secrets.keys;
}

/* An established connection whose peer is played by the test. */
static bool establish_by_hand(struct _test_data_connection *self, enum rtls_role role)
{
	uint8_t flight[8192];
	size_t len = until_last_flight(self, role, flight);
	bool ok = len && send_all(self->peer.fd, flight, len) && peer_finishes(self);

	for (int idle = 0; ok && !self->tested.established && idle < STEPS_IDLE; idle++)
		if (!step(&self->tested))
			poll(NULL, 0, 1);
	return ok && self->tested.established;
}

/* Lets the end under test work until @done. */
static void drive_tested(struct end *tested, const bool *done)
{
	struct end nobody = { .conn = NULL };

	drive(tested, &nobody, done);
}

/* The next record that the tested end sent, opened by the peer; its type, 0 at the end. */
static int peer_receives(struct _test_data_connection *self, uint8_t *data, size_t *len)
{
	uint8_t *record = self->peer.buf, *plain;
	ssize_t n;

	if (recv(self->peer.fd, record, 5, MSG_WAITALL) != 5)
		return 0;
	n = rtls_record_len(self->keys.cipher, record, 5);
	if (n < 5 || recv(self->peer.fd, record + 5, n - 5, MSG_WAITALL) != n - 5)
		return -1;
	n = rtls_record_open(self->worker, self->keys.cipher, &self->keys.rx, record, &plain);
	if (n < 0)
		return -1;
	memcpy(data, plain, n < 64 ? n : 64);
	*len = n;
	return record[0];
}

/* ---- the hand-over ------------------------------------------------------------------------- */

TEST_F(connection, install)
{
	const struct rtls_report *report;
	char line[256];

	establish(self, variant->role);
	ASSERT_EQ(true, self->tested.established && self->peer.established);
	report = rtls_conn_report(self->tested.conn);
	EXPECT_EQ(IN_KERNEL ? RTLS_MODE_KERNEL : RTLS_MODE_USERSPACE, report->tx.mode);
	EXPECT_EQ(IN_KERNEL ? RTLS_MODE_KERNEL : RTLS_MODE_USERSPACE, report->rx.mode);
	EXPECT_EQ(IN_KERNEL ? RTLS_REASON_INSTALLED : RTLS_REASON_OFF, report->tx.reason);
	EXPECT_EQ(1, report->tx.seq);
	EXPECT_EQ(1, report->rx.seq);
	EXPECT_LT(0, rtls_report_print(report, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, IN_KERNEL ? "tx kernel from record 1, rx kernel"
					       : "tx userspace (off), rx userspace (off)"));
	EXPECT_EQ(variant->external, self->tested.keys_used);
}

static void count_socket(const struct rtls_diag_socket *socket, void *arg)
{
	struct rtls_diag_socket *wanted = arg;

	if (socket->local_port == wanted->local_port && socket->remote_port == wanted->remote_port)
		*wanted = *socket;
}

/* Does the kernel itself say so? Asked by inet_diag, as ss does. */
TEST_F(connection, kernel_agrees)
{
	static const uint16_t ciphers[] = {
		[RTLS_CIPHER_AES_128_GCM] = TLS_CIPHER_AES_GCM_128,
		[RTLS_CIPHER_AES_256_GCM] = TLS_CIPHER_AES_GCM_256,
		[RTLS_CIPHER_CHACHA20_POLY1305] = TLS_CIPHER_CHACHA20_POLY1305,
		[RTLS_CIPHER_AES_128_CCM] = TLS_CIPHER_AES_CCM_128,
	};
	struct sockaddr_in local, remote;
	socklen_t len = sizeof(local);
	struct rtls_diag_socket found = { 0 };
	int ret;

	establish(self, variant->role);
	ASSERT_EQ(true, self->tested.established);
	getsockname(self->tested.fd, (void *)&local, &len);
	getpeername(self->tested.fd, (void *)&remote, &len);
	found.local_port = ntohs(local.sin_port);
	found.remote_port = ntohs(remote.sin_port);
	ret = rtls_ktls_diag(count_socket, &found);
	if (ret == -EPERM)
		SKIP(return, "inet_diag shows this to CAP_NET_ADMIN only");
	ASSERT_LE(0, ret);
	EXPECT_EQ(IN_KERNEL ? TLS_1_2_VERSION : 0, found.version);
	EXPECT_EQ(IN_KERNEL ? ciphers[rtls_conn_report(self->tested.conn)->cipher] : 0,
		  found.cipher);
	EXPECT_EQ(IN_KERNEL ? RTLS_DIAG_SOFTWARE : RTLS_DIAG_NONE, found.tx);
	EXPECT_EQ(IN_KERNEL ? RTLS_DIAG_SOFTWARE : RTLS_DIAG_NONE, found.rx);
}

TEST_F(connection, data_both_ways)
{
	static const size_t lengths[] = { 1, 100, 16383, 16384, 16385, 100000, 1 << 20 };
	static uint8_t data[1 << 20];
	struct end *ends[] = { &self->tested, &self->peer };
	uint32_t sums[2] = { 0 };
	size_t totals[2] = { 0 };

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + (i >> 8);
	establish(self, variant->role);
	ASSERT_EQ(true, self->tested.established && self->peer.established);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(lengths); i++) {
		struct end *from = ends[i % 2], *to = ends[1 - i % 2];
		size_t len = lengths[i / 2];

		from->sent = false;
		ASSERT_EQ(0, rtls_conn_send(from->conn, data, len, false));
		ASSERT_EQ(-EBUSY, rtls_conn_send(from->conn, data, len, false));
		drive(from, to, &from->sent);
		sums[1 - i % 2] = checksum(sums[1 - i % 2], data, len);
		totals[1 - i % 2] += len;
	}
	/* A close_notify comes behind all of it. */
	rtls_conn_close(self->tested.conn);
	drive(&self->tested, &self->peer, &self->peer.peer_closed);
	rtls_conn_close(self->peer.conn);
	drive(&self->tested, &self->peer, &self->peer.closed);
	drive(&self->tested, &self->peer, &self->tested.closed);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(totals[i], ends[i]->received);
		EXPECT_EQ(sums[i], ends[i]->sum);
		EXPECT_EQ(0, rtls_conn_error(ends[i]->conn));
	}
}

/* Both send at the same time, more than the sockets hold. */
TEST_F(connection, data_crossing)
{
	static uint8_t data[4 << 20];

	establish(self, variant->role);
	ASSERT_EQ(true, self->tested.established && self->peer.established);
	ASSERT_EQ(0, rtls_conn_send(self->tested.conn, data, sizeof(data), false));
	ASSERT_EQ(0, rtls_conn_send(self->peer.conn, data, sizeof(data), false));
	drive(&self->tested, &self->peer, &self->tested.sent);
	drive(&self->tested, &self->peer, &self->peer.sent);
	/* Each closes, and goes on reading until it has seen the other's close_notify. */
	rtls_conn_close(self->peer.conn);
	drive(&self->tested, &self->peer, &self->tested.peer_closed);
	EXPECT_EQ(sizeof(data), self->tested.received);
	EXPECT_EQ(0, rtls_conn_error(self->tested.conn));
	EXPECT_EQ(0, rtls_conn_error(self->peer.conn));
}

TEST_F(connection, header_and_file)
{
	static uint8_t data[300000];
	char name[] = "/tmp/ringtls-file-XXXXXX";
	int file = mkstemp(name);
	uint32_t sum = checksum(0, (const uint8_t *)"head", 4);

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 13 + (i >> 9);
	ASSERT_EQ((ssize_t)sizeof(data), write(file, data, sizeof(data)));
	unlink(name);
	establish(self, variant->role);
	ASSERT_EQ(true, self->tested.established && self->peer.established);
	ASSERT_EQ(0, rtls_conn_send(self->tested.conn, "head", 4, true));
	drive(&self->tested, &self->peer, &self->tested.sent);
	self->tested.sent = false;
	ASSERT_EQ(0, rtls_conn_send_file(self->tested.conn, file, 1000, sizeof(data) - 1000));
	drive(&self->tested, &self->peer, &self->tested.sent);
	rtls_conn_close(self->tested.conn);
	drive(&self->tested, &self->peer, &self->peer.peer_closed);
	EXPECT_EQ(4 + sizeof(data) - 1000, self->peer.received);
	EXPECT_EQ(checksum(sum, data + 1000, sizeof(data) - 1000), self->peer.sum);
	close(file);
}

TEST_F(connection, file_that_shrinks_ends_the_connection)
{
	char name[] = "/tmp/ringtls-file-XXXXXX";
	int file = mkstemp(name);

	ASSERT_EQ(4, write(file, "four", 4));
	unlink(name);
	establish(self, variant->role);
	ASSERT_EQ(0, rtls_conn_send_file(self->tested.conn, file, 0, 10));
	drive(&self->tested, &self->peer, &self->peer.failed);
	EXPECT_EQ(-EIO, rtls_conn_error(self->tested.conn));
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_INTERNAL_ERROR),
		  rtls_conn_error(self->peer.conn));
	EXPECT_EQ(4, self->peer.received);
	close(file);
}

/* ---- what comes right behind Finished -------------------------------------------------------- */

/* What is glued to the last flight: records, of which the last @late bytes come later. */
static void glue(struct __test_metadata *_metadata, struct _test_data_connection *self,
		 enum rtls_role role, const char *const *datas, bool close_notify, size_t late)
{
	static uint8_t flight[100000];
	size_t len = until_last_flight(self, role, flight), total = 0;
	uint32_t sum = 0;

	ASSERT_LT(0, len);
	peer_keys_early(self);
	for (; *datas; datas++) {
		total += strlen(*datas);
		sum = checksum(sum, (const uint8_t *)*datas, strlen(*datas));
		len += peer_seals(self, RTLS_APPLICATION_DATA, *datas, strlen(*datas),
				  flight + len);
	}
	if (close_notify)
		len += peer_seals(self, RTLS_ALERT, "\1\0", 2, flight + len);
	ASSERT_EQ(true, send_all(self->peer.fd, flight, len - late));
	for (int i = 0; i < 20; i++)
		if (!step(&self->tested))
			poll(NULL, 0, 1);
	/* The kernel cannot begin inside a record; userspace can. */
	EXPECT_EQ(late == 0 || !IN_KERNEL, self->tested.established);
	ASSERT_EQ(true, send_all(self->peer.fd, flight + len - late, late));
	/* Then something that comes by way of the kernel, where that is the mode. */
	if (!close_notify) {
		ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "more", 4));
		ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "\1\0", 2));
		total += 4;
		sum = checksum(sum, (const uint8_t *)"more", 4);
	}
	drive_tested(&self->tested, &self->tested.peer_closed);
	EXPECT_EQ(true, self->tested.established && self->tested.peer_closed);
	EXPECT_EQ(total, self->tested.received);
	EXPECT_EQ(sum, self->tested.sum);
	EXPECT_EQ(0, rtls_conn_error(self->tested.conn));
}

#define GLUE(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST_F(connection, glued_record)
{
	glue(_metadata, self, variant->role, GLUE("one"), false, 0);
}

TEST_F(connection, glued_three_records)
{
	glue(_metadata, self, variant->role, GLUE("one", "two", "three"), false, 0);
}

TEST_F(connection, glued_close_notify)
{
	glue(_metadata, self, variant->role, GLUE("one"), true, 0);
}

TEST_F(connection, glued_part_of_a_header)
{
	glue(_metadata, self, variant->role, GLUE("one"), false, 3 + 16 + 3);
}

TEST_F(connection, glued_part_of_a_record)
{
	glue(_metadata, self, variant->role, GLUE("one", "two"), false, 1);
}

TEST_F(connection, glued_part_of_an_alert)
{
	glue(_metadata, self, variant->role, GLUE("one"), true, 5);
}

/* Behind Finished comes a FIN: the ULP must have been attached before. */
TEST_F(connection, glued_half_close)
{
	uint8_t flight[8192];
	size_t len = until_last_flight(self, variant->role, flight);

	peer_keys_early(self);
	len += peer_seals(self, RTLS_APPLICATION_DATA, "bye", 3, flight + len);
	len += peer_seals(self, RTLS_ALERT, "\1\0", 2, flight + len);
	ASSERT_EQ(true, send_all(self->peer.fd, flight, len));
	shutdown(self->peer.fd, SHUT_WR);
	drive_tested(&self->tested, &self->tested.peer_closed);
	EXPECT_EQ(true, self->tested.established);
	EXPECT_EQ(3, self->tested.received);
	ASSERT_EQ(0, rtls_conn_send(self->tested.conn, "answer", 6, false));
	rtls_conn_close(self->tested.conn);
	drive_tested(&self->tested, &self->tested.closed);
	EXPECT_EQ(true, self->tested.sent);
	EXPECT_EQ(0, rtls_conn_error(self->tested.conn));
}

TEST_F(connection, glued_bad_record)
{
	uint8_t flight[8192];
	size_t len = until_last_flight(self, variant->role, flight);

	peer_keys_early(self);
	len += peer_seals(self, RTLS_APPLICATION_DATA, "bad", 3, flight + len);
	flight[len - 1] ^= 1;
	ASSERT_EQ(true, send_all(self->peer.fd, flight, len));
	drive_tested(&self->tested, &self->tested.failed);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC),
		  rtls_conn_error(self->tested.conn));
	EXPECT_EQ(0, self->tested.received);
}

/* ---- alerts, truncation, bad records after the hand-over ---------------------------------------- */

/* The alert that the peer gets to see, and the error of the end under test. */
static void expect_alert(struct __test_metadata *_metadata, struct _test_data_connection *self,
			 uint8_t level, uint8_t alert)
{
	uint8_t data[64] = { 0 };
	size_t len = 0;

	EXPECT_EQ(RTLS_ALERT, peer_receives(self, data, &len));
	EXPECT_EQ(2, len);
	EXPECT_EQ(level, data[0]);
	EXPECT_EQ(alert, data[1]);
}

/* The kernel opens no more records once one was bad: what comes then cannot be thrown away. */
static bool is_deaf_after(uint8_t alert)
{
	return IN_KERNEL &&
	       (alert == RTLS_ALERT_BAD_RECORD_MAC || alert == RTLS_ALERT_RECORD_OVERFLOW ||
		alert == RTLS_ALERT_PROTOCOL_VERSION);
}

static void expect_failure(struct __test_metadata *_metadata, struct _test_data_connection *self,
			   uint8_t alert)
{
	drive_tested(&self->tested, &self->tested.failed);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(alert), rtls_conn_error(self->tested.conn));
	EXPECT_NE(0, strlen(rtls_conn_reason(self->tested.conn)));
	for (int i = 0; i < 20; i++)
		step(&self->tested);
	expect_alert(_metadata, self, 2, alert);
	/* Nothing comes behind it but the end; and the peer's is awaited, or a RST kills the alert. */
	EXPECT_EQ(0, recv(self->peer.fd, self->peer.buf, 1, 0));
	if (!is_deaf_after(alert))
		EXPECT_EQ(false, self->tested.closed);
	shutdown(self->peer.fd, SHUT_WR);
	drive_tested(&self->tested, &self->tested.closed);
	EXPECT_EQ(true, self->tested.closed);
}

TEST_F(connection, close_notify_is_answered)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "last", 4));
	ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "\1\0", 2));
	shutdown(self->peer.fd, SHUT_WR);
	drive_tested(&self->tested, &self->tested.peer_closed);
	EXPECT_EQ(4, self->tested.received);
	rtls_conn_close(self->tested.conn);
	drive_tested(&self->tested, &self->tested.closed);
	expect_alert(_metadata, self, 1, 0);
	EXPECT_EQ(0, rtls_conn_error(self->tested.conn));
	EXPECT_EQ(0, recv(self->peer.fd, self->peer.buf, 1, 0));
}

TEST_F(connection, truncation_is_told_apart)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "last", 4));
	shutdown(self->peer.fd, SHUT_WR);
	drive_tested(&self->tested, &self->tested.closed);
	EXPECT_EQ(4, self->tested.received);
	EXPECT_EQ(false, self->tested.peer_closed);
	EXPECT_EQ(RTLS_ERR_TRUNCATED, rtls_conn_error(self->tested.conn));
}

TEST_F(connection, end_inside_a_record_is_truncation)
{
	uint8_t record[100];
	size_t len;

	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	len = peer_seals(self, RTLS_APPLICATION_DATA, "last", 4, record);
	ASSERT_EQ(true, send_all(self->peer.fd, record, len - 1));
	shutdown(self->peer.fd, SHUT_WR);
	drive_tested(&self->tested, &self->tested.closed);
	EXPECT_EQ(0, self->tested.received);
	EXPECT_EQ(RTLS_ERR_TRUNCATED, rtls_conn_error(self->tested.conn));
}

TEST_F(connection, reset)
{
	struct linger linger = { .l_onoff = 1 };

	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	setsockopt(self->peer.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(self->peer.fd);
	self->peer.fd = -1;
	drive_tested(&self->tested, &self->tested.closed);
	EXPECT_EQ(-ECONNRESET, rtls_conn_error(self->tested.conn));
}

TEST_F(connection, fatal_alert_received)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "\2\x50", 2));
	drive_tested(&self->tested, &self->tested.closed);
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_INTERNAL_ERROR),
		  rtls_conn_error(self->tested.conn));
}

TEST_F(connection, warnings_are_ignored_up_to_a_limit)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "\1\x5a", 2));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "fine", 4));
	for (int i = 0; i < 100 && self->tested.received < 4; i++)
		if (!step(&self->tested))
			poll(NULL, 0, 5);
	EXPECT_EQ(4, self->tested.received);
	ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "\1\x5a", 2));
	expect_failure(_metadata, self, RTLS_ALERT_UNEXPECTED_MESSAGE);
}

TEST_F(connection, corrupted_record)
{
	uint8_t record[100];
	size_t len;

	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "good", 4));
	len = peer_seals(self, RTLS_APPLICATION_DATA, "evil", 4, record);
	record[len - 1] ^= 1;
	ASSERT_EQ(true, send_all(self->peer.fd, record, len));
	expect_failure(_metadata, self, RTLS_ALERT_BAD_RECORD_MAC);
	EXPECT_EQ(4, self->tested.received);
}

TEST_F(connection, record_too_long)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	/* The kernel looks once header and explicit nonce are there. */
	ASSERT_EQ(true, send_all(self->peer.fd, (uint8_t[40]){ 23, 3, 3, 0x48, 0 }, 40));
	expect_failure(_metadata, self, RTLS_ALERT_RECORD_OVERFLOW);
}

TEST_F(connection, record_of_another_version)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, send_all(self->peer.fd, (uint8_t[40]){ 23, 3, 1, 0, 35 }, 40));
	expect_failure(_metadata, self, RTLS_ALERT_PROTOCOL_VERSION);
}

TEST_F(connection, renegotiation_is_declined_once)
{
	const char *ask = variant->role == RTLS_CLIENT ? "\0\0\0" : "\1\0\0";
	uint8_t data[64];
	size_t len;

	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_HANDSHAKE, ask, 4));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "on", 2));
	for (int i = 0; i < 100 && self->tested.received < 2; i++)
		if (!step(&self->tested))
			poll(NULL, 0, 5);
	step(&self->tested);
	EXPECT_EQ(2, self->tested.received);
	expect_alert(_metadata, self, 1, RTLS_ALERT_NO_RENEGOTIATION);
	ASSERT_EQ(0, rtls_conn_send(self->tested.conn, "alive", 5, false));
	drive_tested(&self->tested, &self->tested.sent);
	EXPECT_EQ(RTLS_APPLICATION_DATA, peer_receives(self, data, &len));
	ASSERT_EQ(true, peer_sends(self, RTLS_HANDSHAKE, ask, 4));
	expect_failure(_metadata, self, RTLS_ALERT_UNEXPECTED_MESSAGE);
}

TEST_F(connection, change_cipher_spec_after_the_handshake)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_CHANGE_CIPHER_SPEC, "\1", 1));
	expect_failure(_metadata, self, RTLS_ALERT_UNEXPECTED_MESSAGE);
}

TEST_F(connection, empty_data_is_skipped_and_an_empty_alert_is_not)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "", 0));
	ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "data", 4));
	ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "", 0));
	expect_failure(_metadata, self, RTLS_ALERT_DECODE_ERROR);
	EXPECT_EQ(4, self->tested.received);
}

/* The kernel skips those that it opens, however many. */
TEST_F(connection, empty_records_in_a_row)
{
	ASSERT_EQ(true, establish_by_hand(self, variant->role));
	for (int i = 0; i < 40; i++) {
		ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "", 0));
		if (i < 20)
			ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "x", 1));
	}
	if (IN_KERNEL) {
		ASSERT_EQ(true, peer_sends(self, RTLS_ALERT, "", 0));
		expect_failure(_metadata, self, RTLS_ALERT_DECODE_ERROR);
	} else {
		/* 19 behind the last data are good. */
		for (int i = 0; i < 20; i++)
			ASSERT_EQ(true, peer_sends(self, RTLS_APPLICATION_DATA, "", 0));
		expect_failure(_metadata, self, RTLS_ALERT_UNEXPECTED_MESSAGE);
	}
	EXPECT_EQ(20, self->tested.received);
}

TEST_F(connection, peer_that_closes_in_the_handshake)
{
	begin_tested(self, variant->role);
	shutdown(self->peer.fd, SHUT_WR);
	drive_tested(&self->tested, &self->tested.closed);
	/* A client has not attached the ULP yet, and cannot any more. */
	EXPECT_EQ(IN_KERNEL && variant->role == RTLS_CLIENT ? RTLS_ERR_DECLINED
							    : RTLS_ERR_TRUNCATED,
		  rtls_conn_error(self->tested.conn));
	EXPECT_EQ(false, self->tested.established);
}
