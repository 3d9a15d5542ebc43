// SPDX-License-Identifier: MIT
/*
 * What threads share: session stores, ticket keys that are replaced meanwhile, configurations.
 * Each thread counts what went wrong; how the threads take turns changes no result.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

#define THREADS 4

struct shared {
	struct rtls_session_store *store, *client_store;
	struct rtls_ticket_keys *keys;
	struct rtls_config *server, *client;
	char file[40];
	unsigned int rounds, failures;
	unsigned int running; /* threads */
	pthread_barrier_t start;
};

struct thread {
	struct shared *shared;
	unsigned int number;
	unsigned int (*round)(struct shared *shared, struct rtls_worker *worker, unsigned int n);
	pthread_t id;
};

static void *run_thread(void *arg)
{
	struct thread *thread = arg;
	struct shared *shared = thread->shared;
	struct rtls_worker *worker = rtls_worker_new();
	unsigned int failures = 0;

	pthread_barrier_wait(&shared->start);
	for (unsigned int i = 0; i < shared->rounds; i++)
		failures += thread->round(shared, worker, i * THREADS + thread->number);
	rtls_worker_free(worker);
	__atomic_fetch_add(&shared->failures, failures, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&shared->running, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* All at once; @meanwhile is called again and again until they are done. */
static unsigned int run(struct shared *shared,
			unsigned int (*round)(struct shared *, struct rtls_worker *, unsigned int),
			unsigned int (*meanwhile)(struct shared *shared, unsigned int n))
{
	struct thread threads[THREADS];
	unsigned int failures = 0;

	shared->running = THREADS;
	shared->failures = 0;
	pthread_barrier_init(&shared->start, NULL, THREADS + 1);
	for (unsigned int i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .shared = shared, .number = i, .round = round };
		if (pthread_create(&threads[i].id, NULL, run_thread, &threads[i]))
			abort();
	}
	pthread_barrier_wait(&shared->start);
	for (unsigned int n = 0; __atomic_load_n(&shared->running, __ATOMIC_ACQUIRE); n++)
		failures += meanwhile(shared, n);
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&shared->start);
	return failures + shared->failures;
}

static void make_file(struct shared *shared)
{
	strcpy(shared->file, "/tmp/ringtls-threads-XXXXXX");
	close(mkstemp(shared->file));
}

/* ---- a store ----------------------------------------------------------------------------- */

#define KEYS      64 /* so few that threads meet, and more than the store holds */
#define STORE_MAX 20

/* What lies under a key is known, its length too, so half an entry would be noticed. */
static unsigned int put_get_remove(struct shared *shared, struct rtls_worker *worker,
				   unsigned int n)
{
	uint8_t key[HS_CONTEXT_LEN] = { 0 }, value[600];
	size_t len = 1 + n % KEYS * 8;
	struct wire_out out = { 0 };
	unsigned int failures = 0;

	(void)worker;
	key[0] = key[3] = n % KEYS;
	memset(value, n % KEYS, sizeof(value));
	if (n % 3 == 0)
		hs_store_put(shared->store, key, 1000, wire_in(value, len));
	if (n % 11 == 0)
		hs_store_remove(shared->store, key);
	/* Now and then after its time. */
	if (hs_store_get(shared->store, key, n % 7 ? 999 : 1000, &out))
		failures += n % 7 == 0 || out.len != len || memcmp(out.data, value, len);
	wire_clear(&out);
	return failures;
}

static unsigned int count_and_save(struct shared *shared, unsigned int n)
{
	unsigned int failures = rtls_session_store_count(shared->store) > STORE_MAX;

	if (n % 8 == 0)
		failures += rtls_session_store_save(shared->store, shared->file) != 0;
	return failures;
}

TEST(store)
{
	struct shared shared = { .rounds = 20000 };

	make_file(&shared);
	shared.store = rtls_session_store_new(STORE_MAX);
	EXPECT_EQ(0, run(&shared, put_get_remove, count_and_save));
	EXPECT_LE(rtls_session_store_count(shared.store), STORE_MAX);
	rtls_session_store_unref(shared.store);
	unlink(shared.file);
	test_end();
}

/* ---- ticket keys that are replaced ----------------------------------------------------------- */

#define TICKET_KEYS 64 /* as many as there may be, so that looking for one takes a while */

/* Keys made of one byte each, in this order or the other one. */
static unsigned int load_keys(struct shared *shared, bool backwards)
{
	FILE *out = fopen(shared->file, "w");
	char line[80], why[200];
	uint8_t key[48];

	for (int i = 0; i < TICKET_KEYS; i++) {
		memset(key, backwards ? TICKET_KEYS - i : i + 1, sizeof(key));
		EVP_EncodeBlock((uint8_t *)line, key, sizeof(key));
		fprintf(out, "%s\n", line);
	}
	fclose(out);
	return rtls_ticket_keys_load(shared->keys, shared->file, why, sizeof(why)) != 0;
}

/* Another one seals then; but as all keys are always there, what one has sealed is opened. */
static unsigned int swap_keys(struct shared *shared, unsigned int n)
{
	return load_keys(shared, n % 2);
}

static unsigned int seal_and_open(struct shared *shared, struct rtls_worker *worker,
				  unsigned int n)
{
	struct rtls_hs hs = { .config = shared->server, .worker = worker };
	struct wire_out ticket = { 0 }, plain = { 0 };
	uint8_t text[4] = { n >> 24, n >> 16, n >> 8, n };
	bool good = !hs_ticket_seal(&hs, wire_in(text, 4), &ticket) &&
		    hs_ticket_open(&hs, wire_in(ticket.data, ticket.len), &plain) &&
		    plain.len == 4 && !memcmp(plain.data, text, 4);

	wire_clear(&ticket);
	wire_clear(&plain);
	return !good;
}

static int set_keys(struct rtls_config *config, void *arg)
{
	const struct shared *shared = arg;

	return rtls_config_set_ticket_keys(config, shared->keys);
}

TEST(ticket_keys)
{
	struct shared shared = { .rounds = 40000 };

	make_file(&shared);
	shared.keys = rtls_ticket_keys_new();
	shared.server = config_make((struct config_spec){ .more = set_keys, .arg = &shared });
	ASSERT_EQ(0, load_keys(&shared, false));
	EXPECT_EQ(0, run(&shared, seal_and_open, swap_keys));
	rtls_config_unref(shared.server);
	rtls_ticket_keys_unref(shared.keys);
	unlink(shared.file);
	test_end();
}

/* ---- whole handshakes -------------------------------------------------------------------------- */

static int set_server(struct rtls_config *config, void *arg)
{
	const struct shared *shared = arg;
	int ret = rtls_config_set_session_store(config, shared->store);

	return ret ? ret : rtls_config_set_ticket_keys(config, shared->keys);
}

static int set_client(struct rtls_config *config, void *arg)
{
	const struct shared *shared = arg;

	return rtls_config_set_session_store(config, shared->client_store);
}

/* More names than sessions that either side keeps. */
static unsigned int shake_hands(struct shared *shared, struct rtls_worker *worker, unsigned int n)
{
	struct pair pair = { .server_config = rtls_config_ref(shared->server),
			     .client_config = rtls_config_ref(shared->client), .worker = worker };
	char name[] = "a.example.org";
	struct rtls_keys server, client;
	bool good;

	name[0] += n % 5;
	good = !pair_begin(&pair, name);
	if (good)
		pair_run(&pair, SIZE_MAX);
	good = good && !rtls_hs_finish(pair.server, &server, NULL) &&
	       !rtls_hs_finish(pair.client, &client, NULL) &&
	       !memcmp(&server.tx, &client.rx, sizeof(server.tx));
	pair.worker = NULL; /* is the thread's */
	pair_free(&pair);
	return !good;
}

static unsigned int change_keys(struct shared *shared, unsigned int n)
{
	return n % 8 == 0 && shared->keys ? swap_keys(shared, n / 8) : 0;
}

FIXTURE(handshakes)
{
	struct cert cert;
	struct shared shared;
};

FIXTURE_VARIANT(handshakes) { bool tickets; };
FIXTURE_VARIANT_ADD(handshakes, ticket) { .tickets = true };
FIXTURE_VARIANT_ADD(handshakes, session_id) { .tickets = false };

FIXTURE_SETUP(handshakes)
{
	struct shared *shared = &self->shared;

	*shared = (struct shared){ .rounds = 100 };
	self->cert = cert_make((struct cert_spec){ .host = "*.example.org" });
	make_file(shared);
	shared->client_store = rtls_session_store_new(3);
	if (variant->tickets)
		shared->keys = rtls_ticket_keys_new();
	else
		shared->store = rtls_session_store_new(3);
	shared->server = config_make((struct config_spec){
		.identity = &self->cert, .more = set_server, .arg = shared });
	shared->client = config_make((struct config_spec){
		.trust = &self->cert, .more = set_client, .arg = shared });
}

FIXTURE_TEARDOWN(handshakes)
{
	unlink(self->shared.file);
	rtls_config_unref(self->shared.server);
	rtls_config_unref(self->shared.client);
	rtls_session_store_unref(self->shared.store);
	rtls_session_store_unref(self->shared.client_store);
	rtls_ticket_keys_unref(self->shared.keys);
	cert_free(&self->cert);
	test_end();
}

/* Full or resumed, as it happens; both stores still work afterwards. */
TEST_F(handshakes, all_succeed)
{
	struct shared *shared = &self->shared;
	struct pair pair;

	EXPECT_EQ(0, run(shared, shake_hands, change_keys));
	EXPECT_EQ(3, rtls_session_store_count(shared->client_store));
	pair = pair_make(rtls_config_ref(shared->server), rtls_config_ref(shared->client));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pair_begin(&pair, "z.example.org"));
		pair_run(&pair, SIZE_MAX);
		EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair.client));
		EXPECT_EQ(i == 1, pair.client->resumed);
	}
	pair_free(&pair);
}

TEST_HARNESS_MAIN
