// SPDX-License-Identifier: MIT
/*
 * The engine: an echo server and its clients in one ring, with each io_uring feature and with
 * its fallback; time limits, the drain, back-pressure, and why there may be no ring. On a
 * kernel that has kTLS the records are the kernel's.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "engine.h"
#include "../ktls/ktls_internal.h"
#include "../uring/ur_internal.h"

#define AVOID(name, bits)                                                                          \
	FIXTURE_VARIANT_ADD(engine, name)                                                          \
	{ .avoid = bits }

AVOID(all_features, 0);
AVOID(without_buffer_ring, RTLS_AVOID_BUFFER_RING);
AVOID(without_recv_multishot, RTLS_AVOID_RECV_MULTISHOT);
AVOID(without_accept_multishot, RTLS_AVOID_ACCEPT_MULTISHOT);
AVOID(without_defer_taskrun, RTLS_AVOID_DEFER_TASKRUN);
AVOID(without_anything, RTLS_AVOID_BUFFER_RING | RTLS_AVOID_RECV_MULTISHOT |
			RTLS_AVOID_ACCEPT_MULTISHOT | RTLS_AVOID_DEFER_TASKRUN);


#define EXTERNAL(name, suite_name)                                                                 \
	FIXTURE_VARIANT_ADD(engine, external_##name)                                               \
	{ .external = true, .kind = CERT_RSA, .suite = suite_name }

EXTERNAL(sign, "ECDHE-RSA-AES128-GCM-SHA256");
EXTERNAL(decrypt, "AES128-GCM-SHA256");

/* So many clients at once, each with @len bytes there and back. */
static void echo_test(struct __test_metadata *_metadata, struct _test_data_engine *self,
		      unsigned int avoid, struct rtls_engine_params params, int clients, size_t len)
{
	static struct client client[CLIENTS_MAX];
	uint8_t *data = malloc(len);
	unsigned int before = descriptors();
	int open = clients;

	for (size_t i = 0; i < len; i++)
		data[i] = i * 11 + (i >> 8);
	memset(client, 0, sizeof(client));
	ASSERT_EQ(0, start_engine(self, avoid, params, &echo));
	for (int i = 0; i < clients; i++) {
		client[i] = (struct client){ data, len, len, .open = &open };
		ASSERT_EQ(0, start_client(self, &client_ops, &client[i]));
	}
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	EXPECT_EQ(0, open);
	for (int i = 0; i < clients; i++) {
		EXPECT_EQ(len, client[i].received);
		EXPECT_EQ(0, client[i].error);
		EXPECT_EQ(false, client[i].wrong);
	}
	rtls_engine_free(self->engine);
	self->engine = NULL;
	EXPECT_EQ(before, descriptors());
	free(data);
}

TEST_F_TIMEOUT(engine, echo, 120)
{
	echo_test(_metadata, self, variant->avoid, PATIENT, 1, 10);
}

TEST_F_TIMEOUT(engine, echo_many_clients, 240)
{
	echo_test(_metadata, self, variant->avoid, PATIENT, CLIENTS_MAX, 3000);
}

TEST_F_TIMEOUT(engine, echo_large, 240)
{
	echo_test(_metadata, self, variant->avoid, PATIENT, 3, 300000);
}

/* Fewer buffers than clients, each of which wants many. */
TEST_F_TIMEOUT(engine, echo_with_few_buffers, 240)
{
	struct rtls_engine_params params = PATIENT;

	params.buffers = 2;
	echo_test(_metadata, self, variant->avoid, params, 16, 100000);
}

/* The clients count too, so two of three wait their turn. */
TEST_F_TIMEOUT(engine, echo_with_few_streams, 240)
{
	struct rtls_engine_params params = PATIENT;

	params.streams_max = 20;
	echo_test(_metadata, self, variant->avoid, params, 16, 1000);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int served_file;
static size_t served_len;

static void file_data(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	if (rtls_stream_send_file(stream, served_file, 1, served_len - 1))
		abort();
}

static const struct rtls_stream_ops file_server = {
	.data = file_data, .sent = rtls_stream_close, .closed = echo_closed
};

TEST_F_TIMEOUT(engine, file, 120)
{
	static uint8_t data[1500000];
	static const uint8_t *expected = data + 1;
	char name[] = "/tmp/ringtls-engine-XXXXXX";
	int open = 1;
	struct client client = { expected, 1, sizeof(data) - 1, .open = &open };

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 3 + (i >> 10);
	served_file = mkstemp(name);
	served_len = sizeof(data);
	ASSERT_EQ((ssize_t)sizeof(data), write(served_file, data, sizeof(data)));
	unlink(name);
	ASSERT_EQ(0, start_engine(self, variant->avoid, PATIENT, &file_server));
	ASSERT_EQ(0, start_client(self, &client_ops, &client));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	EXPECT_EQ(sizeof(data) - 1, client.received);
	EXPECT_EQ(false, client.wrong);
	close(served_file);
}

/* ---- limits ------------------------------------------------------------------------------------ */

TEST_F(engine, silent_client_is_cut_off)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_EQ(0, connect(fd, (void *)&self->addr, sizeof(self->addr)));
	ASSERT_EQ(0, start_engine(self, variant->avoid,
				  (struct rtls_engine_params){ .handshake_ms = 200 }, &noting));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	EXPECT_EQ(true, server_closed);
	EXPECT_EQ(RTLS_ERR_TIMEOUT, server_error);
	close(fd);
}

/* A ClientHello of which a byte comes every so often, until nobody takes it any more. */
static void *trickle(void *fd)
{
	static const uint8_t record[5 + 16384] = { 22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc };

	for (size_t i = 0; i < sizeof(record); i++) {
		if (send(*(int *)fd, record + i, 1, MSG_NOSIGNAL) != 1)
			break;
		usleep(5000);
	}
	return NULL;
}

/* Bytes do not renew the limit. */
TEST_F(engine, slow_client_is_cut_off)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	ASSERT_EQ(0, connect(fd, (void *)&self->addr, sizeof(self->addr)));
	ASSERT_EQ(0, start_engine(self, variant->avoid,
				  (struct rtls_engine_params){ .handshake_ms = 200 }, &noting));
	ASSERT_EQ(0, pthread_create(&thread, NULL, trickle, &fd));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	pthread_join(thread, NULL);
	EXPECT_EQ(true, server_closed);
	EXPECT_EQ(RTLS_ERR_TIMEOUT, server_error);
	close(fd);
}

static const struct rtls_stream_ops quiet_client = {
	.peer_closed = client_peer_closed, .closed = client_closed
};

TEST_F(engine, idle_connection_is_closed_with_a_word)
{
	struct rtls_engine_params params = PATIENT;
	int open = 1;
	struct client client = { .open = &open };

	params.idle_ms = 200;
	ASSERT_EQ(0, start_engine(self, variant->avoid, params, &noting));
	ASSERT_EQ(0, start_client(self, &quiet_client, &client));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	EXPECT_EQ(true, server_closed);
	EXPECT_EQ(0, server_error);
	/* Either end may be the first to find the other idle; nobody is cut off. */
	EXPECT_EQ(0, client.error);
}

/* ---- behind a fatal alert ------------------------------------------------------------------------- */

/* A record under the connection's own key, of any type. */
static bool call_record(struct caller *caller, uint8_t type, const uint8_t *data, size_t len)
{
	struct rtls_keys *keys = caller->conn->keys;
	uint8_t record[RTLS_RECORD_MAX];
	ssize_t n = rtls_record_seal(caller->worker, keys->cipher, &keys->tx, type, data, len,
				     record);

	return n > 0 && send(caller->fd, record, n, MSG_NOSIGNAL) == n;
}

/* One that has no place there is answered with an alert, in the kernel and in userspace. */
static bool call_wrongly(struct caller *caller)
{
	return call_record(caller, RTLS_CHANGE_CIPHER_SPEC, (const uint8_t *)"\1", 1);
}

/*
 * The server has heard enough and takes the rest all the same: bytes that are unread at a close
 * make it a RST, which would overtake the alert. More is sent than the sockets hold.
 */
TEST_F_TIMEOUT(engine, alert_reaches_who_has_pipelined, 120)
{
	static const uint8_t data[RTLS_PLAINTEXT_MAX];
	struct rtls_engine_params params = PATIENT;
	struct caller caller = { 0 };
	int buffered = 65536;
	pthread_t thread;
	uint8_t end;

	params.close_ms = 600000;
	ASSERT_EQ(0, start_engine(self, variant->avoid, params, &echo));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_engine, self->engine));
	ASSERT_TRUE(call_begin(&caller, &self->addr, self->client));
	ASSERT_EQ(0, setsockopt(caller.fd, SOL_SOCKET, SO_SNDBUF, &buffered, sizeof(buffered)));
	ASSERT_TRUE(call_until(&caller, RTLS_EVENT_ESTABLISHED));
	ASSERT_TRUE(call_wrongly(&caller));
	for (int i = 0; i < 64; i++)
		ASSERT_TRUE(call_record(&caller, RTLS_APPLICATION_DATA, data, sizeof(data)));
	EXPECT_TRUE(call_until(&caller, RTLS_EVENT_FAILED));
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_UNEXPECTED_MESSAGE),
		  rtls_conn_error(caller.conn));
	EXPECT_EQ(0, recv(caller.fd, &end, 1, 0));
	call_end(&caller);
	rtls_engine_stop(self->engine);
	pthread_join(thread, NULL);
}

/* Its end is awaited, but not for ever. */
TEST_F(engine, peer_that_does_not_close_is_left)
{
	struct rtls_engine_params params = PATIENT;
	struct caller caller = { 0 };
	pthread_t thread;
	uint64_t before;

	params.close_ms = 200;
	ASSERT_EQ(0, start_engine(self, variant->avoid, params, &noting));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_engine, self->engine));
	ASSERT_TRUE(call_begin(&caller, &self->addr, self->client));
	ASSERT_TRUE(call_until(&caller, RTLS_EVENT_ESTABLISHED));
	before = ur_now_ms();
	ASSERT_TRUE(call_wrongly(&caller));
	EXPECT_TRUE(call_until(&caller, RTLS_EVENT_FAILED));
	pthread_join(thread, NULL);
	EXPECT_EQ(true, server_closed);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNEXPECTED_MESSAGE), server_error);
	EXPECT_LE(100, ur_now_ms() - before);
	call_end(&caller);
}

/* ---- drain ---------------------------------------------------------------------------------------- */

static void *drain_later(void *engine)
{
	usleep(300000);
	rtls_engine_drain(engine, 5000);
	return NULL;
}

TEST_F(engine, drain_closes_what_is_idle)
{
	int open = 3;
	struct client clients[3];
	pthread_t thread;

	ASSERT_EQ(0, start_engine(self, variant->avoid, PATIENT, &echo));
	for (int i = 0; i < 3; i++) {
		clients[i] = (struct client){ .open = &open };
		ASSERT_EQ(0, start_client(self, &quiet_client, &clients[i]));
	}
	ASSERT_EQ(0, pthread_create(&thread, NULL, drain_later, self->engine));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	pthread_join(thread, NULL);
	EXPECT_EQ(true, rtls_engine_draining(self->engine));
	EXPECT_EQ(0, open);
	/* With a word: not one was cut off. */
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, clients[i].error);
}

/* An engine without anything to do does not run. */
TEST_F(engine, nothing_to_do)
{
	ASSERT_EQ(0, rtls_engine_new(&self->engine, NULL, NULL));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
}

TEST_F(engine, nobody_listens_there)
{
	int open = 1;
	struct client client = { .open = &open };

	ASSERT_EQ(0, rtls_engine_new(&self->engine, NULL, NULL));
	close(self->fd);
	self->fd = -1;
	ASSERT_EQ(0, start_client(self, &client_ops, &client));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	EXPECT_EQ(-ECONNREFUSED, client.error);
}

/* ---- another configuration ---------------------------------------------------------------------------- */

/*
 * Each client trusts one of the two certificates only. That the second has got through says
 * that the first, which came before it, has been accepted.
 */
TEST_F_TIMEOUT(engine, new_config_is_for_new_connections, 120)
{
	struct cert other = cert_make((struct cert_spec){
		.kind = variant->kind == CERT_RSA ? CERT_ECDSA : CERT_RSA });
	struct rtls_config *server = server_config(&other, NULL, NULL, NULL);
	struct rtls_config *client = client_config(&other, NULL, NULL, NULL);
	struct caller early = { 0 }, before = { 0 }, after = { 0 }, late = { 0 };
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, start_engine(self, variant->avoid, PATIENT, &echo));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_engine, self->engine));
	ASSERT_TRUE(call_begin(&early, &self->addr, self->client));
	ASSERT_TRUE(call_a_little(&early));
	ASSERT_TRUE(call_begin(&before, &self->addr, self->client));
	EXPECT_TRUE(call_until(&before, RTLS_EVENT_ESTABLISHED));

	EXPECT_EQ(-EINVAL, rtls_listener_set_config(self->listener, client));
	EXPECT_EQ(0, rtls_listener_set_config(self->listener, server));
	ASSERT_TRUE(call_begin(&after, &self->addr, client));
	EXPECT_TRUE(call_until(&after, RTLS_EVENT_ESTABLISHED));
	ASSERT_TRUE(call_begin(&late, &self->addr, self->client));
	EXPECT_TRUE(call_until(&late, RTLS_EVENT_FAILED));

	EXPECT_TRUE(call_until(&early, RTLS_EVENT_ESTABLISHED));
	EXPECT_EQ(0, rtls_conn_send(before.conn, "x", 1, false));
	EXPECT_TRUE(call_until(&before, RTLS_EVENT_DATA));

	rtls_engine_stop(self->engine);
	pthread_join(thread, &ret);
	EXPECT_EQ(NULL, ret);
	call_end(&early);
	call_end(&before);
	call_end(&after);
	call_end(&late);
	rtls_config_unref(server);
	rtls_config_unref(client);
	cert_free(&other);
}

struct replacing {
	struct rtls_listener *listener;
	const struct cert *cert;
	const FIXTURE_VARIANT(engine) *variant;
	bool stop;
};

/* The listener holds each one's only reference. */
static void *replace(void *arg)
{
	struct replacing *replacing = arg;

	for (int i = 0; i < 20 || !__atomic_load_n(&replacing->stop, __ATOMIC_ACQUIRE); i++) {
		struct rtls_config *config = new_server_config(replacing->cert, replacing->variant);

		if (rtls_listener_set_config(replacing->listener, config))
			abort();
		rtls_config_unref(config);
	}
	return NULL;
}

TEST_F_TIMEOUT(engine, config_replaced_all_the_time, 240)
{
	static const uint8_t data[100];
	struct replacing replacing = { .cert = &self->cert, .variant = variant };
	struct client client[CLIENTS_MAX];
	int open = CLIENTS_MAX;
	pthread_t thread;

	ASSERT_EQ(0, start_engine(self, variant->avoid, PATIENT, &echo));
	for (int i = 0; i < CLIENTS_MAX; i++) {
		client[i] = (struct client){ data, sizeof(data), sizeof(data), .open = &open };
		ASSERT_EQ(0, start_client(self, &client_ops, &client[i]));
	}
	replacing.listener = self->listener;
	ASSERT_EQ(0, pthread_create(&thread, NULL, replace, &replacing));
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	__atomic_store_n(&replacing.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, open);
	for (int i = 0; i < CLIENTS_MAX; i++) {
		EXPECT_EQ(sizeof(data), client[i].received);
		EXPECT_EQ(0, client[i].error);
	}
}

/* ---- no ring ----------------------------------------------------------------------------------------- */

/* A filter like a container's: io_uring_setup() fails with @error. */
static int forbid_io_uring(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST(seccomp_is_named)
{
	struct rtls_engine *engine;
	const char *why = NULL;

	ASSERT_EQ(0, forbid_io_uring(EPERM));
	EXPECT_EQ(-EPERM, rtls_engine_new(&engine, NULL, &why));
	EXPECT_NE(NULL, strstr(why, "seccomp"));
}

TEST(too_old_a_kernel_is_named)
{
	struct rtls_engine *engine;
	const char *why = NULL;

	ASSERT_EQ(0, forbid_io_uring(ENOSYS));
	EXPECT_EQ(-ENOSYS, rtls_engine_new(&engine, NULL, &why));
	EXPECT_NE(NULL, strstr(why, "io_uring"));
}

TEST_HARNESS_MAIN
