// SPDX-License-Identifier: MIT
/*
 * The engine: an echo server and its clients in one ring, with each io_uring feature and with
 * its fallback; time limits, the drain, back-pressure, and why there may be no ring. On a
 * kernel that has kTLS the records are the kernel's.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <ringtls/uring.h>
#include "common.h"
#include <kselftest_harness.h>

#define CLIENTS_MAX 64

FIXTURE(engine)
{
	struct cert cert;
	struct rtls_config *server, *client;
	struct rtls_engine *engine;
	struct rtls_listener *listener;
	struct sockaddr_in addr;
	int fd;
};

FIXTURE_VARIANT(engine)
{
	unsigned int avoid;
};

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

FIXTURE_SETUP(engine)
{
	socklen_t len = sizeof(self->addr);

	memset(self, 0, sizeof(*self));
	self->cert = cert_make((struct cert_spec){ 0 });
	self->server = server_config(&self->cert, NULL, NULL, NULL);
	self->client = client_config(&self->cert, NULL, NULL, NULL);
	self->addr.sin_family = AF_INET;
	self->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(self->fd, (void *)&self->addr, len));
	ASSERT_EQ(0, listen(self->fd, 128));
	ASSERT_EQ(0, getsockname(self->fd, (void *)&self->addr, &len));
}

FIXTURE_TEARDOWN(engine)
{
	rtls_engine_free(self->engine);
	rtls_config_unref(self->server);
	rtls_config_unref(self->client);
	close(self->fd);
	cert_free(&self->cert);
	test_end();
}

static int start_engine(struct _test_data_engine *self, unsigned int avoid,
			struct rtls_engine_params params, const struct rtls_stream_ops *ops)
{
	params.avoid = avoid;
	return rtls_engine_new(&self->engine, &params, NULL) ||
	       rtls_listen(self->engine, self->fd, self->server, RTLS_KTLS_AUTO, ops, NULL,
			   &self->listener);
}

static int start_client(struct _test_data_engine *self, const struct rtls_stream_ops *ops,
			void *arg)
{
	return rtls_connect(self->engine, (void *)&self->addr, sizeof(self->addr), self->client,
			    "localhost", RTLS_KTLS_AUTO, ops, arg);
}

/* ---- echo ------------------------------------------------------------------------------ */

/* What came and has not gone back: one piece is being sent, the next is growing. */
struct debt {
	uint8_t *sending, *next;
	size_t next_len;
};

static void pay(struct rtls_stream *stream, struct debt *debt)
{
	size_t len = debt->next_len;

	free(debt->sending);
	debt->sending = debt->next;
	debt->next = NULL;
	debt->next_len = 0;
	if (len && rtls_stream_send(stream, debt->sending, len, false))
		abort();
	/* One piece on its way is enough: the client waits. */
	rtls_stream_pause(stream, len > 0);
}

static void echo_data(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	struct debt *debt = rtls_stream_arg(stream);

	if (!debt) {
		debt = calloc(1, sizeof(*debt));
		rtls_stream_set_arg(stream, debt);
	}
	debt->next = realloc(debt->next, debt->next_len + len);
	memcpy(debt->next + debt->next_len, data, len);
	debt->next_len += len;
	if (!debt->sending)
		pay(stream, debt);
}

static void echo_sent(struct rtls_stream *stream)
{
	pay(stream, rtls_stream_arg(stream));
}

static void echo_closed(struct rtls_stream *stream, int error)
{
	struct debt *debt = rtls_stream_arg(stream);

	(void)error;
	if (debt) {
		free(debt->sending);
		free(debt->next);
	}
	free(debt);
}

static const struct rtls_stream_ops echo = {
	.data = echo_data, .sent = echo_sent, .closed = echo_closed
};

/* ---- clients ----------------------------------------------------------------------------- */

struct client {
	const uint8_t *data;
	size_t ask, len, received; /* sends the first @ask bytes, expects @len */
	int error;
	bool wrong, peer_closed;
	int *open; /* the last one to close stops the engine */
};

static void client_established(struct rtls_stream *stream)
{
	struct client *client = rtls_stream_arg(stream);

	if (client->ask && rtls_stream_send(stream, client->data, client->ask, false))
		client->wrong = true;
}

static void client_data(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	struct client *client = rtls_stream_arg(stream);

	if (client->received + len > client->len ||
	    memcmp(client->data + client->received, data, len))
		client->wrong = true;
	client->received += len;
	if (client->received == client->len)
		rtls_stream_close(stream);
}

static void client_peer_closed(struct rtls_stream *stream)
{
	((struct client *)rtls_stream_arg(stream))->peer_closed = true;
	rtls_stream_close(stream);
}

static void client_closed(struct rtls_stream *stream, int error)
{
	struct client *client = rtls_stream_arg(stream);

	client->error = error;
	if (!--*client->open)
		rtls_engine_drain(rtls_stream_engine(stream), 5000);
}

static const struct rtls_stream_ops client_ops = {
	.established = client_established,
	.data = client_data,
	.peer_closed = client_peer_closed,
	.closed = client_closed,
};

static unsigned int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

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

#define PATIENT ((struct rtls_engine_params){ .handshake_ms = 600000, .idle_ms = 600000 })

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

static int server_error;
static bool server_closed;

static void note_closed(struct rtls_stream *stream, int error)
{
	server_error = error;
	server_closed = true;
	rtls_engine_stop(rtls_stream_engine(stream));
}

static const struct rtls_stream_ops noting = { .closed = note_closed };

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

static void *run_engine(void *engine)
{
	return (void *)(intptr_t)rtls_engine_run(engine);
}

/* A client outside the ring, on calls that block. */
struct caller {
	struct rtls_worker *worker;
	struct rtls_conn *conn;
	int fd;
};

static bool call_begin(struct caller *caller, const struct sockaddr_in *addr,
		       struct rtls_config *config)
{
	struct rtls_hs *hs = NULL;

	caller->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	caller->worker = rtls_worker_new();
	if (connect(caller->fd, (const void *)addr, sizeof(*addr)) ||
	    rtls_hs_new(&hs, config, caller->worker, RTLS_CLIENT, "localhost"))
		return false;
	caller->conn = rtls_conn_new(hs, caller->worker, RTLS_KTLS_OFF);
	return caller->conn;
}

/* The first bytes of the ClientHello, and no more for now. */
static bool call_a_little(struct caller *caller)
{
	struct rtls_op op;

	/* A receive may be named as well: it stays under way. */
	while (rtls_conn_next(caller->conn, &op)) {
		if (op.code == RTLS_OP_SEND) {
			rtls_conn_done(caller->conn, &op, send(caller->fd, op.buf, 20, 0));
			return true;
		}
	}
	return false;
}

/* Goes on until this event; false if it does not come. */
static bool call_until(struct caller *caller, enum rtls_event_type type)
{
	static uint8_t buf[RTLS_RECORD_MAX];
	struct rtls_event event;

	while (rtls_drive(caller->conn, caller->fd, buf, sizeof(buf), 60000, &event) == 1)
		if (event.type == type)
			return true;
	return false;
}

static void call_end(struct caller *caller)
{
	rtls_conn_free(caller->conn);
	rtls_worker_free(caller->worker);
	close(caller->fd);
}

/*
 * Each client trusts one of the two certificates only. That the second has got through says
 * that the first, which came before it, has been accepted.
 */
TEST_F_TIMEOUT(engine, new_config_is_for_new_connections, 120)
{
	struct cert other = cert_make((struct cert_spec){ .kind = CERT_RSA });
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
	bool stop;
};

/* The listener holds each one's only reference. */
static void *replace(void *arg)
{
	struct replacing *replacing = arg;

	for (int i = 0; i < 20 || !__atomic_load_n(&replacing->stop, __ATOMIC_ACQUIRE); i++) {
		struct rtls_config *config = server_config(replacing->cert, NULL, NULL, NULL);

		if (rtls_listener_set_config(replacing->listener, config))
			abort();
		rtls_config_unref(config);
	}
	return NULL;
}

TEST_F_TIMEOUT(engine, config_replaced_all_the_time, 240)
{
	static const uint8_t data[100];
	struct replacing replacing = { .cert = &self->cert };
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
