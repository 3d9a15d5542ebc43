// SPDX-License-Identifier: MIT
/*
 * Private keys in the engine's pool of threads. What they have to do passes a gate here, where
 * the pool's threads wait while it is shut: then their operations take as long as a test likes.
 */
#include <errno.h>
#include <glob.h>
#include <signal.h>

#include "engine.h"

#define POOL_THREAD "ringtls-key"

FIXTURE_VARIANT_ADD(engine, sign)
{ .external = true, .kind = CERT_RSA, .suite = "ECDHE-RSA-AES128-GCM-SHA256" };
FIXTURE_VARIANT_ADD(engine, decrypt)
{ .external = true, .kind = CERT_RSA, .suite = "AES128-GCM-SHA256" };

/* ---- the gate --------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool shut;
	unsigned int wanted, waiting, pooled, alone; /* alone: on the engine's thread */
	bool open_to_signals;
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static bool is_of_the_pool(void)
{
	char name[16] = "";

	pthread_getname_np(pthread_self(), name, sizeof(name));
	return !strcmp(name, POOL_THREAD);
}

static bool takes_signals(void)
{
	sigset_t blocked;

	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	return !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGHUP) ||
	       !sigismember(&blocked, SIGCHLD) || !sigismember(&blocked, SIGPIPE);
}

static void pass_the_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.open_to_signals |= takes_signals();
	gate.pooled++;
	gate.waiting++;
	pthread_cond_broadcast(&gate.moved);
	while (gate.shut)
		pthread_cond_wait(&gate.moved, &gate.lock);
	gate.waiting--;
	pthread_mutex_unlock(&gate.lock);
}

void __real_rtls_key_operation_run(struct rtls_key_operation *operation);
void __wrap_rtls_key_operation_run(struct rtls_key_operation *operation)
{
	if (is_of_the_pool())
		pass_the_gate();
	else
		__atomic_add_fetch(&gate.alone, 1, __ATOMIC_RELAXED);
	__real_rtls_key_operation_run(operation);
}

/* The engine asks, and leaves it to the pool before it does anything else. */
struct rtls_key_operation *__real_rtls_conn_key_operation(const struct rtls_conn *conn);
struct rtls_key_operation *__wrap_rtls_conn_key_operation(const struct rtls_conn *conn)
{
	__atomic_add_fetch(&gate.wanted, 1, __ATOMIC_RELEASE);
	return __real_rtls_conn_key_operation(conn);
}

static void set_gate(bool shut)
{
	pthread_mutex_lock(&gate.lock);
	gate.shut = shut;
	pthread_cond_broadcast(&gate.moved);
	pthread_mutex_unlock(&gate.lock);
}

static void wait_at_the_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	while (!gate.waiting)
		pthread_cond_wait(&gate.moved, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

/* ---- helpers ------------------------------------------------------------------------------ */

/* How many threads of a pool there are. */
static unsigned int pool_threads(void)
{
	unsigned int count = 0;
	glob_t tasks;

	glob("/proc/self/task/*/comm", 0, NULL, &tasks);
	for (size_t i = 0; i < tasks.gl_pathc; i++) {
		FILE *file = fopen(tasks.gl_pathv[i], "re");
		char name[32];

		count += file && fgets(name, sizeof(name), file) && !strcmp(name, POOL_THREAD "\n");
		if (file)
			fclose(file);
	}
	globfree(&tasks);
	return count;
}

/* The engine has the pool's only reference. */
static int start_with_pool(struct _test_data_engine *self, unsigned int threads,
			   struct rtls_engine_params params, const struct rtls_stream_ops *ops)
{
	int ret;

	params.key_pool = rtls_key_pool_new(threads);
	ret = params.key_pool ? start_engine(self, 0, params, ops) : -errno;
	rtls_key_pool_unref(params.key_pool);
	return ret;
}

/* A client's handshake, up to where the server's key is wanted: for the @wanted-th time here. */
static bool call_to_the_key(struct caller *caller, const struct _test_data_engine *self,
			    unsigned int wanted)
{
	static uint8_t buf[RTLS_RECORD_MAX];
	struct rtls_event event;

	if (!call_begin(caller, &self->addr, self->client))
		return false;
	while (__atomic_load_n(&gate.wanted, __ATOMIC_ACQUIRE) < wanted)
		if (rtls_drive(caller->conn, caller->fd, buf, sizeof(buf), 10, &event) == 1)
			return false;
	return true;
}

/* There and back. */
static bool call_echo(struct caller *caller, size_t len)
{
	static uint8_t buf[RTLS_RECORD_MAX], data[300000];
	struct rtls_event event;
	size_t received = 0;

	if (rtls_conn_send(caller->conn, data, len, false))
		return false;
	while (received < len &&
	       rtls_drive(caller->conn, caller->fd, buf, sizeof(buf), 600000, &event) == 1)
		received += event.len;
	return received == len;
}

static unsigned int closed_count;

static void count_closed(struct rtls_stream *stream, int error)
{
	(void)stream, (void)error;
	__atomic_add_fetch(&closed_count, 1, __ATOMIC_RELEASE);
}

static const struct rtls_stream_ops counting = { .closed = count_closed };

static unsigned int closed(void)
{
	return __atomic_load_n(&closed_count, __ATOMIC_ACQUIRE);
}

static void *run_and_free(void *engine)
{
	rtls_engine_run(engine);
	rtls_engine_free(engine);
	return NULL;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void echo_clients(struct __test_metadata *_metadata, struct _test_data_engine *self,
			 struct client *clients, int count)
{
	static const uint8_t data[1000];
	int open = count;

	for (int i = 0; i < count; i++) {
		clients[i] = (struct client){ data, sizeof(data), sizeof(data), .open = &open };
		ASSERT_EQ(0, start_client(self, &client_ops, &clients[i]));
	}
	EXPECT_EQ(0, rtls_engine_run(self->engine));
	EXPECT_EQ(0, open);
	for (int i = 0; i < count; i++) {
		EXPECT_EQ(sizeof(data), clients[i].received);
		EXPECT_EQ(0, clients[i].error);
	}
}

TEST_F(engine, keys_are_used_in_the_pool)
{
	struct client clients[CLIENTS_MAX];

	ASSERT_EQ(0, start_with_pool(self, 2, PATIENT, &echo));
	echo_clients(_metadata, self, clients, CLIENTS_MAX);
	EXPECT_EQ(CLIENTS_MAX, gate.pooled);
	EXPECT_EQ(0, gate.alone);
	EXPECT_EQ(false, gate.open_to_signals);
}

/* A pool without threads has room for nothing. */
TEST_F(engine, no_threads)
{
	struct client clients[4];

	ASSERT_EQ(0, start_with_pool(self, 0, PATIENT, &echo));
	echo_clients(_metadata, self, clients, 4);
	EXPECT_EQ(4, gate.alone);
}

TEST_F(engine, threads_end_with_the_last_reference)
{
	struct rtls_engine_params params = PATIENT;

	params.key_pool = rtls_key_pool_new(3);
	ASSERT_NE(NULL, params.key_pool);
	EXPECT_EQ(3, pool_threads());
	ASSERT_EQ(0, start_engine(self, 0, params, &echo));
	rtls_key_pool_unref(params.key_pool);
	EXPECT_EQ(3, pool_threads());
	rtls_engine_free(self->engine);
	self->engine = NULL;
	/* One that was joined may be listed for a moment still. */
	while (pool_threads())
		usleep(1000);
}

TEST_F(engine, others_go_on_meanwhile)
{
	struct caller other = { 0 }, waiting = { 0 };
	pthread_t thread;

	ASSERT_EQ(0, start_with_pool(self, 1, PATIENT, &echo));
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_engine, self->engine));
	ASSERT_TRUE(call_begin(&other, &self->addr, self->client));
	ASSERT_TRUE(call_until(&other, RTLS_EVENT_ESTABLISHED));
	set_gate(true);
	ASSERT_TRUE(call_to_the_key(&waiting, self, 2));
	wait_at_the_gate();
	EXPECT_TRUE(call_echo(&other, 300000));
	set_gate(false);
	EXPECT_TRUE(call_until(&waiting, RTLS_EVENT_ESTABLISHED));
	EXPECT_TRUE(call_echo(&waiting, 1000));
	rtls_engine_stop(self->engine);
	pthread_join(thread, NULL);
	EXPECT_EQ(2, gate.pooled);
	call_end(&other);
	call_end(&waiting);
}

/* What the pool has no room for is done at once, and does not wait for the others. */
#define FULL 260 /* one under way, 256 that wait */

static void *open_once_full(void *arg)
{
	while (__atomic_load_n(&gate.alone, __ATOMIC_RELAXED) < FULL - 257)
		usleep(1000);
	set_gate(false);
	return arg;
}

TEST_F(engine, full_pool)
{
	static struct client clients[FULL];
	pthread_t thread;

	set_gate(true);
	ASSERT_EQ(0, listen(self->fd, 2 * FULL));
	ASSERT_EQ(0, start_with_pool(self, 1, PATIENT, &echo));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_once_full, NULL));
	echo_clients(_metadata, self, clients, FULL);
	pthread_join(thread, NULL);
	EXPECT_EQ(FULL, gate.pooled + gate.alone);
	EXPECT_LE(256, gate.pooled);
}

/* One connection's operation is under way, another's waits: then both are ended. */
static void begin_two(struct __test_metadata *_metadata, struct _test_data_engine *self,
		      struct caller callers[2], pthread_t *thread)
{
	set_gate(true);
	ASSERT_EQ(0, start_with_pool(self, 1, PATIENT, &counting));
	ASSERT_EQ(0, pthread_create(thread, NULL, run_and_free, self->engine));
	ASSERT_TRUE(call_to_the_key(&callers[0], self, 1));
	wait_at_the_gate();
	ASSERT_TRUE(call_to_the_key(&callers[1], self, 2));
}

/* The one that waits is gone at once; the other, and its engine, when the key is done. */
static void expect_ends(struct __test_metadata *_metadata, struct _test_data_engine *self,
			struct caller callers[2], pthread_t thread)
{
	call_end(&callers[0]);
	call_end(&callers[1]);
	while (!closed())
		usleep(1000);
	EXPECT_EQ(1, closed());
	self->engine = NULL;
	set_gate(false);
	pthread_join(thread, NULL);
	EXPECT_EQ(2, closed());
	EXPECT_EQ(1, gate.pooled);
	EXPECT_EQ(0, gate.alone);
}

TEST_F(engine, cut_off_meanwhile)
{
	struct caller callers[2] = { 0 };
	pthread_t thread;

	begin_two(_metadata, self, callers, &thread);
	rtls_engine_stop(self->engine);
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(call_until(&callers[i], RTLS_EVENT_FAILED));
	expect_ends(_metadata, self, callers, thread);
}

/*
 * It is noticed at once. But not behind RSA key exchange, where more of the handshake lies between,
 * which cannot be read yet.
 */
TEST_F(engine, client_gone_meanwhile)
{
	struct linger reset = { .l_onoff = 1 };
	struct caller callers[2] = { 0 };
	pthread_t thread;

	begin_two(_metadata, self, callers, &thread);
	setsockopt(callers[1].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	call_end(&callers[1]);
	callers[1] = (struct caller){ .fd = -1 };
	while (!strncmp(variant->suite, "ECDHE", 5) && !closed())
		usleep(1000);
	rtls_engine_stop(self->engine);
	expect_ends(_metadata, self, callers, thread);
}

/* With a word to the client, which does not wait for the key. */
TEST_F(engine, drained_meanwhile)
{
	struct caller callers[2] = { 0 };
	pthread_t thread;

	begin_two(_metadata, self, callers, &thread);
	rtls_engine_drain(self->engine, 600000);
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(call_until(&callers[i], RTLS_EVENT_FAILED));
		EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_USER_CANCELED),
			  rtls_conn_error(callers[i].conn));
	}
	expect_ends(_metadata, self, callers, thread);
}

/* Who gets which connection is the kernel's choice. */
TEST_F(engine, engines_share_a_pool)
{
	struct rtls_engine_params params = PATIENT;
	struct rtls_engine *engines[2];
	struct caller callers[16] = { 0 };
	pthread_t threads[2];

	params.key_pool = rtls_key_pool_new(2);
	ASSERT_NE(NULL, params.key_pool);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, start_engine(self, 0, params, &echo));
		engines[i] = self->engine;
		self->engine = NULL;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, run_and_free, engines[i]));
	}
	rtls_key_pool_unref(params.key_pool);
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		ASSERT_TRUE(call_begin(&callers[i], &self->addr, self->client));
		ASSERT_TRUE(call_a_little(&callers[i]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
		EXPECT_TRUE(call_until(&callers[i], RTLS_EVENT_ESTABLISHED));
		EXPECT_TRUE(call_echo(&callers[i], 1000));
		call_end(&callers[i]);
	}
	for (int i = 0; i < 2; i++) {
		rtls_engine_stop(engines[i]);
		pthread_join(threads[i], NULL);
	}
	EXPECT_EQ(ARRAY_SIZE(callers), gate.pooled);
}

TEST_HARNESS_MAIN
