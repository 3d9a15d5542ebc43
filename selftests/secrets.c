// SPDX-License-Identifier: MIT
/*
 * What is left of secrets in memory: nothing. A process shakes hands with itself, frees and
 * wipes what the headers say, keeps its worker, and stands still; its parent looks through
 * all of its memory for the premaster and master secrets and the record keys. The parent
 * knows them only masked, or there would be something to find.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* ---- secrets, noted down masked ----------------------------------------------------------- */

#define PIECE     16 /* a secret is looked for in pieces, since a part of it is bad enough */
#define PIECE_MIN 12
#define NOTES_MAX 1024

struct note {
	char what[48];
	uint8_t masked[PIECE];
	size_t len;
};

static struct notes {
	size_t len;
	struct note note[NOTES_MAX];
} *notes; /* shared with the parent */

static uint8_t mask(size_t i)
{
	return 0xa7 + 31 * i;
}

/* As it is, or as HMAC's pads have it. */
static void note_secret(const char *what, const uint8_t *secret, size_t len, uint8_t pad)
{
	for (size_t at = 0; at + PIECE_MIN <= len; at += PIECE) {
		struct note *note = &notes->note[notes->len++];

		if (notes->len == NOTES_MAX)
			abort();
		note->len = len - at < PIECE ? len - at : PIECE;
		for (size_t i = 0; i < note->len; i++)
			note->masked[i] = secret[at + i] ^ pad ^ mask(i);
		snprintf(note->what, sizeof(note->what), "%s%s from byte %zu on", what,
			 pad ? " in HMAC's pad" : "", at);
	}
}

static void note_hmac_key(const char *what, const uint8_t *secret, size_t len)
{
	note_secret(what, secret, len, 0);
	note_secret(what, secret, len, 0x36);
	note_secret(what, secret, len, 0x5c);
}

static void note_keys(const struct rtls_hs *hs)
{
	const struct rtls_keys *keys = &hs->secrets.keys;
	const struct hs_cipher *cipher = &hs_ciphers[keys->cipher];

	note_hmac_key("master secret", hs->secrets.master, HS_MASTER_LEN);
	note_secret("tx key", keys->tx.key, cipher->key_len, 0);
	note_secret("rx key", keys->rx.key, cipher->key_len, 0);
	/* Of four bytes of salt any memory has a copy. */
	note_secret("tx iv", keys->tx.iv, cipher->iv_len, 0);
	note_secret("rx iv", keys->rx.iv, cipher->iv_len, 0);
}

/* The linker puts these in the place of the two steps that make secrets: see the Makefile. */
int __real_hs_master_secret(struct rtls_hs *hs, struct wire_in *body);
int __real_hs_resume_keys(struct rtls_hs *hs, struct wire_in *body);

int __wrap_hs_master_secret(struct rtls_hs *hs, struct wire_in *body)
{
	int ret;

	note_hmac_key("premaster secret", hs->secrets.premaster, hs->secrets.premaster_len);
	ret = __real_hs_master_secret(hs, body);
	note_keys(hs);
	return ret;
}

int __wrap_hs_resume_keys(struct rtls_hs *hs, struct wire_in *body)
{
	int ret = __real_hs_resume_keys(hs, body);

	note_keys(hs);
	return ret;
}

/*
 * A thread that uses keys and then sleeps: what was left there is not overwritten by what comes
 * next.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct rtls_key_operation *todo;

void __real_rtls_key_operation_run(struct rtls_key_operation *operation);
void __wrap_rtls_key_operation_run(struct rtls_key_operation *operation);

static void *use_keys(void *arg)
{
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!todo)
			pthread_cond_wait(&changed, &lock);
		/* As often as fills what an allocator keeps at hand. */
		for (int i = 0; i < 20; i++)
			__real_rtls_key_operation_run(todo);
		todo = NULL;
		pthread_cond_broadcast(&changed);
	}
	return arg;
}

void __wrap_rtls_key_operation_run(struct rtls_key_operation *operation)
{
	static bool started;
	pthread_t thread;

	pthread_mutex_lock(&lock);
	if (!started && pthread_create(&thread, NULL, use_keys, NULL))
		abort();
	started = true;
	todo = operation;
	pthread_cond_broadcast(&changed);
	while (todo)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* ---- the search --------------------------------------------------------------------------- */

#define CHUNK (1 << 20)

static uint8_t begins[1 << 16]; /* is there a secret that begins with these two bytes? */

static void index_notes(void)
{
	for (size_t i = 0; i < notes->len; i++) {
		const uint8_t *masked = notes->note[i].masked;

		begins[(masked[0] ^ mask(0)) << 8 | (masked[1] ^ mask(1))] = 1;
	}
}

static bool is_noted(const uint8_t *data, const struct note *note)
{
	for (size_t i = 0; i < note->len; i++)
		if ((data[i] ^ mask(i)) != note->masked[i])
			return false;
	return true;
}

static unsigned int search_bytes(const uint8_t *data, size_t len, unsigned long at,
				 const char *region)
{
	unsigned int found = 0;

	for (size_t i = 0; i + PIECE <= len; i++) {
		if (!begins[data[i] << 8 | data[i + 1]])
			continue;
		for (size_t n = 0; n < notes->len; n++) {
			if (!is_noted(data + i, &notes->note[n]))
				continue;
			found++;
			printf("# %s at %lx in %s\n", notes->note[n].what, at + i, region);
		}
	}
	return found;
}

static unsigned int search_region(pid_t pid, unsigned long begin, unsigned long end,
				  const char *region)
{
	static uint8_t chunk[CHUNK];
	unsigned int found = 0;

	for (unsigned long at = begin; at < end; at += CHUNK - PIECE + 1) {
		struct iovec here = { chunk, end - at < CHUNK ? end - at : CHUNK };
		struct iovec there = { (void *)at, here.iov_len };
		ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);

		if (n > 0)
			found += search_bytes(chunk, n, at, region);
	}
	return found;
}

/* Everything that the process can read; how often a secret is there, -1 if nobody can look. */
static int search(pid_t pid, size_t *searched)
{
	char path[64], line[512], mode[8], name[256];
	unsigned long begin, end;
	int found = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		return -1;
	index_notes();
	*searched = 0;
	while (fgets(line, sizeof(line), maps)) {
		snprintf(name, sizeof(name), "memory without a name");
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &begin, &end, mode, name) < 3 ||
		    mode[0] != 'r' || !strncmp(name, "[v", 2))
			continue;
		found += search_region(pid, begin, end, name);
		*searched += end - begin;
	}
	fclose(maps);
	return found;
}

/* ---- scenes ------------------------------------------------------------------------------- */

enum way { NO_SESSION, TICKET, SESSION_ID };

struct scene {
	const char *suite, *groups;
	enum cert_kind kind;
	enum way way;
	bool client_auth, external_keys;
	bool (*play)(struct scene *scene, struct pair *pair); /* false: it did not come about */
	int found; /* what a search must come to: 0 or, -1, more */
	bool in_kernel;
};

static int set_sessions(struct rtls_config *config, void *arg)
{
	enum way *way = arg;
	struct rtls_session_store *store = rtls_session_store_new(10);
	struct rtls_ticket_keys *keys = rtls_ticket_keys_new();
	int ret = rtls_config_set_now(config, test_now, NULL);

	if (!ret)
		ret = rtls_config_set_session_store(config, *way == SESSION_ID ? store : NULL);
	if (!ret)
		ret = rtls_config_set_ticket_keys(config, *way == TICKET ? keys : NULL);
	rtls_session_store_unref(store);
	rtls_ticket_keys_unref(keys);
	return ret;
}

static struct pair set_up(struct scene *scene)
{
	static enum way client_way = SESSION_ID; /* that is where a client keeps tickets too */
	struct cert cert = cert_make((struct cert_spec){ .kind = scene->kind });
	struct cert other = cert_make((struct cert_spec){ .usage = "clientAuth" });
	struct config_spec server = { .identity = &cert, .suites = scene->suite,
				      .groups = scene->groups,
				      .external_keys = scene->external_keys };
	struct config_spec client = { .trust = &cert, .suites = scene->suite };
	struct pair pair;

	if (scene->client_auth) {
		server.client_auth = RTLS_CLIENT_AUTH_REQUIRE;
		server.trust = &other;
		client.identity = &other;
	}
	if (scene->way) {
		server.more = client.more = set_sessions;
		server.arg = &scene->way;
		client.arg = &client_way;
	}
	pair = pair_make(config_make(server), config_make(client));
	cert_free(&cert);
	cert_free(&other);
	return pair;
}

static void free_handshakes(struct pair *pair)
{
	rtls_hs_free(pair->server);
	rtls_hs_free(pair->client);
	pair->server = pair->client = NULL;
}

/* Sessions hold master secrets for as long as there are any. */
static void free_configs(struct pair *pair)
{
	rtls_config_unref(pair->server_config);
	rtls_config_unref(pair->client_config);
	pair->server_config = pair->client_config = NULL;
}

/* Takes the keys out, uses them, and wipes them, as the header says. */
static bool take_and_wipe(struct pair *pair, bool *resumed)
{
	struct rtls_keys server, client;
	struct rtls_peer peer;
	uint8_t record[100], *plain;
	ssize_t n;

	if (rtls_hs_finish(pair->server, &server, NULL) ||
	    rtls_hs_finish(pair->client, &client, &peer))
		return false;
	*resumed = peer.resumed;
	rtls_peer_free(&peer);
	n = rtls_record_seal(pair->worker, server.cipher, &server.tx, RTLS_APPLICATION_DATA,
			     (const uint8_t *)"hello", 5, record);
	n = n < 0 ? n : rtls_record_open(pair->worker, client.cipher, &client.rx, record, &plain);
	OPENSSL_cleanse(&server, sizeof(server));
	OPENSSL_cleanse(&client, sizeof(client));
	return n == 5;
}

static bool handed_over(struct scene *scene, struct pair *pair)
{
	bool resumed, ok = true;

	for (int i = 0; ok && i < (scene->way ? 2 : 1); i++) {
		ok = !pair_begin(pair, "localhost");
		if (!ok)
			break;
		pair_run(pair, SIZE_MAX);
		ok = take_and_wipe(pair, &resumed) && resumed == i;
	}
	free_handshakes(pair);
	if (scene->way)
		free_configs(pair);
	return ok;
}

/* Up to where both have all the keys, and the server's Finished is on its way. */
static bool almost(struct pair *pair)
{
	if (pair_begin(pair, "localhost"))
		return false;
	pair_carry(pair->client, pair->server, SIZE_MAX);
	pair_carry(pair->server, pair->client, SIZE_MAX);
	pair_carry(pair->client, pair->server, SIZE_MAX);
	return rtls_hs_status(pair->server) == RTLS_HS_WANT_OUTPUT;
}

static bool failed(struct scene *scene, struct pair *pair)
{
	bool ok = almost(pair);

	(void)scene;
	pair->server->out.data[pair->server->out.len - 1] ^= 1;
	pair_run(pair, SIZE_MAX);
	ok = ok && rtls_hs_error(pair->client);
	free_handshakes(pair);
	return ok;
}

static bool given_up(struct scene *scene, struct pair *pair)
{
	bool ok = almost(pair);

	(void)scene;
	rtls_hs_abort(pair->client, RTLS_ALERT_USER_CANCELED, "enough");
	free_handshakes(pair);
	return ok;
}

/* ---- scenes that must be noticed ---------------------------------------------------------- */

static bool not_freed(struct scene *scene, struct pair *pair)
{
	(void)scene;
	return almost(pair);
}

/* The compiler must not see that nobody reads it. */
static void copy(volatile uint8_t *to, const uint8_t *key)
{
	for (int i = 0; i < 16; i++)
		to[i] = key[i];
}

static bool left_in_heap(struct scene *scene, struct pair *pair)
{
	bool ok = almost(pair);
	uint8_t *block = malloc(4096);

	(void)scene;
	copy(block + 2000, pair->server->secrets.keys.tx.key);
	free(block);
	free_handshakes(pair);
	return ok;
}

__attribute__((noinline)) static void copy_to_stack(const uint8_t *key)
{
	uint8_t place[16];

	copy(place, key);
}

__attribute__((noinline)) static void deeper(const uint8_t *key, int depth)
{
	volatile uint8_t room[256];

	room[0] = depth;
	if (room[0])
		deeper(key, depth - 1);
	else
		copy_to_stack(key);
	room[1] = depth;
}

static bool left_on_stack(struct scene *scene, struct pair *pair)
{
	bool ok = almost(pair);
	uint8_t key[16];

	(void)scene;
	memcpy(key, pair->server->secrets.keys.tx.key, 16);
	free_handshakes(pair);
	deeper(key, 30);
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

/* ---- connections -------------------------------------------------------------------------- */

struct ends {
	struct rtls_conn *conn[2];
	int fd[2];
	bool established[2], all_received;
	size_t received;
};

/* Something happened, or there was nothing to do. */
static void drive(struct ends *ends, const bool *until)
{
	static uint8_t buf[2][RTLS_RECORD_MAX];
	struct rtls_event event;

	for (int idle = 0; !*until && idle < 4000; idle++)
		for (int i = 0; i < 2; i++)
			while (rtls_drive(ends->conn[i], ends->fd[i], buf[i], sizeof(buf[i]), 1,
					  &event) == 1) {
				idle = 0;
				ends->established[i] |= event.type == RTLS_EVENT_ESTABLISHED;
				if (event.type == RTLS_EVENT_DATA)
					ends->received += event.len;
				ends->all_received = ends->received == 10;
			}
}

/* Two connections over loopback that have said something to each other. */
static bool connect_both(struct pair *pair, enum rtls_policy policy, struct ends *ends)
{
	*ends = (struct ends){ 0 };
	tcp_pair(ends->fd);
	if (pair_begin(pair, "localhost"))
		return false;
	ends->conn[0] = rtls_conn_new(pair->server, pair->worker, policy);
	ends->conn[1] = rtls_conn_new(pair->client, pair->worker, policy);
	pair->server = pair->client = NULL;
	drive(ends, &ends->established[0]);
	drive(ends, &ends->established[1]);
	if (!ends->established[0] || !ends->established[1] ||
	    rtls_conn_send(ends->conn[0], "hello", 5, false) ||
	    rtls_conn_send(ends->conn[1], "hello", 5, false))
		return false;
	drive(ends, &ends->all_received);
	return ends->all_received;
}

static bool conn_freed(struct scene *scene, struct pair *pair)
{
	struct ends ends;
	bool ok = connect_both(pair, RTLS_KTLS_OFF, &ends);

	(void)scene;
	rtls_conn_free(ends.conn[0]);
	rtls_conn_free(ends.conn[1]);
	return ok;
}

/* In userspace the keys are there for as long as the connection is. */
static bool conn_open(struct scene *scene, struct pair *pair)
{
	struct ends ends;

	return connect_both(pair, scene->in_kernel ? RTLS_KTLS_REQUIRE : RTLS_KTLS_OFF, &ends);
}

/* ---- the tests ---------------------------------------------------------------------------- */

FIXTURE(secrets)
{
	struct scene scene;
	pid_t child;
	int done;
};

FIXTURE_VARIANT(secrets)
{
	struct scene scene;
};

#define SCENE(name, ...) FIXTURE_VARIANT_ADD(secrets, name) { .scene = { __VA_ARGS__ } }
#define GCM_128          .suite = "ECDHE-ECDSA-AES128-GCM-SHA256"
#define OVER             .play = handed_over

SCENE(x25519_aes_128_gcm, GCM_128, .groups = "X25519", OVER);
SCENE(p256_aes_256_gcm, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384", .groups = "P-256", OVER);
SCENE(p384_chacha20, .suite = "ECDHE-ECDSA-CHACHA20-POLY1305", .groups = "P-384", OVER);
SCENE(p521_aes_128_ccm, .suite = "ECDHE-ECDSA-AES128-CCM", .groups = "P-521", OVER);
SCENE(x448_rsa_certificate, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .kind = CERT_RSA,
      .groups = "X448", OVER);
SCENE(dhe, .suite = "DHE-RSA-AES128-GCM-SHA256", .kind = CERT_RSA, .groups = "ffdhe2048", OVER);
SCENE(rsa, .suite = "AES256-GCM-SHA384", .kind = CERT_RSA, OVER);
SCENE(rsa_external_key, .suite = "AES128-GCM-SHA256", .kind = CERT_RSA, .external_keys = true,
      OVER);
SCENE(client_auth, GCM_128, .client_auth = true, OVER);
SCENE(ticket, GCM_128, .way = TICKET, OVER);
SCENE(session_id, GCM_128, .way = SESSION_ID, OVER);
SCENE(failed, GCM_128, .play = failed);
SCENE(given_up, GCM_128, .play = given_up);
SCENE(connection_aes_128_gcm, GCM_128, .play = conn_freed);
SCENE(connection_aes_256_gcm, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384", .play = conn_freed);
SCENE(connection_chacha20, .suite = "ECDHE-ECDSA-CHACHA20-POLY1305", .play = conn_freed);
SCENE(connection_aes_128_ccm, .suite = "ECDHE-ECDSA-AES128-CCM", .play = conn_freed);
SCENE(in_kernel_aes_128_gcm, GCM_128, .play = conn_open, .in_kernel = true);
SCENE(in_kernel_aes_256_gcm, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384", .play = conn_open,
      .in_kernel = true);
SCENE(in_kernel_chacha20, .suite = "ECDHE-ECDSA-CHACHA20-POLY1305", .play = conn_open,
      .in_kernel = true);
SCENE(in_kernel_aes_128_ccm, .suite = "ECDHE-ECDSA-AES128-CCM", .play = conn_open,
      .in_kernel = true);

/* The search can find. */
SCENE(handshake_that_is_not_freed, GCM_128, .play = not_freed, .found = -1);
SCENE(copy_left_in_the_heap, GCM_128, .play = left_in_heap, .found = -1);
SCENE(copy_left_on_the_stack, GCM_128, .play = left_on_stack, .found = -1);
SCENE(open_connection_in_userspace, GCM_128, .play = conn_open, .found = -1);

FIXTURE_SETUP(secrets)
{
	self->scene = variant->scene;
	if (self->scene.in_kernel && !kernel_has_tls())
		SKIP(return, "this kernel has no tls ULP; the lab's have");
	notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, notes);
}

FIXTURE_TEARDOWN(secrets)
{
	munmap(notes, sizeof(*notes));
}

/* Plays the scene, says how it went, and stands still. */
__attribute__((noreturn)) static void child(struct scene *scene, int done)
{
	struct pair pair = set_up(scene);
	bool ok = scene->play(scene, &pair);

	if (write(done, &ok, 1) != 1)
		abort();
	for (;;)
		pause();
}

TEST_F(secrets, left_in_memory)
{
	int pipes[2], found = 1;
	size_t searched = 0;
	bool ok = false;
	pid_t pid;

	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		child(&self->scene, pipes[1]);
	close(pipes[1]);
	if (read(pipes[0], &ok, 1) == 1 && ok)
		found = search(pid, &searched);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	ASSERT_EQ(true, ok);
	EXPECT_LT(20, notes->len);
	EXPECT_LT(1000000, searched);
	EXPECT_EQ(self->scene.found, found > 0 ? -1 : found);
}

TEST_HARNESS_MAIN
