// SPDX-License-Identifier: MIT
/*
 * The session store: encoded sessions by a key of 32 bytes, a server's by session ID, a
 * client's by what they are bound to. Bounded, shared by threads, in shards with a lock each;
 * where a shard is full, what was put in first goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "hs_internal.h"

#define SHARDS      16
#define SHARDED_MIN 4096 /* a smaller store is one shard, and so holds just as many as it should */
#define FILE_MAX    (64 << 20)

struct entry {
	TAILQ_ENTRY(entry) age;    /* the oldest first */
	LIST_ENTRY(entry) bucket;
	uint8_t key[HS_CONTEXT_LEN];
	int64_t expires;
	size_t len;
	uint8_t encoded[];
};

struct shard {
	pthread_mutex_t lock;
	size_t count;
	TAILQ_HEAD(, entry) ages;
	LIST_HEAD(, entry) *buckets;
};

struct rtls_session_store {
	int references;
	size_t shards, buckets, max; /* max: of a shard */
	struct shard shard[SHARDS];
};

static size_t power_of_two(size_t at_least)
{
	size_t n = 1;

	while (n < at_least)
		n *= 2;
	return n;
}

struct rtls_session_store *rtls_session_store_new(size_t max)
{
	struct rtls_session_store *store = OPENSSL_zalloc(sizeof(*store));

	if (!store)
		return NULL;
	store->references = 1;
	store->shards = max < SHARDED_MIN ? 1 : SHARDS;
	store->max = max < 1 ? 1 : max / store->shards;
	store->buckets = power_of_two(store->max / 2 + 1);
	for (size_t i = 0; i < store->shards; i++) {
		struct shard *shard = &store->shard[i];

		pthread_mutex_init(&shard->lock, NULL);
		TAILQ_INIT(&shard->ages);
		shard->buckets = OPENSSL_zalloc(store->buckets * sizeof(*shard->buckets));
		if (!shard->buckets) {
			rtls_session_store_unref(store);
			return NULL;
		}
	}
	return store;
}

struct rtls_session_store *rtls_session_store_ref(struct rtls_session_store *store)
{
	__atomic_fetch_add(&store->references, 1, __ATOMIC_RELAXED);
	return store;
}

/* ---- entries: under the shard's lock ------------------------------------------------------- */

static struct shard *shard_of(struct rtls_session_store *store, const uint8_t *key)
{
	return &store->shard[key[0] % store->shards];
}

static size_t bucket_of(const struct rtls_session_store *store, const uint8_t *key)
{
	return (key[1] << 16 | key[2] << 8 | key[3]) & (store->buckets - 1);
}

static struct entry *find(struct rtls_session_store *store, struct shard *shard, const uint8_t *key)
{
	struct entry *entry;

	LIST_FOREACH(entry, &shard->buckets[bucket_of(store, key)], bucket) {
		if (!CRYPTO_memcmp(entry->key, key, sizeof(entry->key)))
			return entry;
	}
	return NULL;
}

static void drop(struct shard *shard, struct entry *entry)
{
	TAILQ_REMOVE(&shard->ages, entry, age);
	LIST_REMOVE(entry, bucket);
	shard->count--;
	OPENSSL_clear_free(entry, sizeof(*entry) + entry->len);
}

void rtls_session_store_unref(struct rtls_session_store *store)
{
	if (!store || __atomic_fetch_sub(&store->references, 1, __ATOMIC_ACQ_REL) > 1)
		return;
	for (size_t i = 0; i < store->shards; i++) {
		struct shard *shard = &store->shard[i];

		while (shard->count)
			drop(shard, TAILQ_FIRST(&shard->ages));
		OPENSSL_free(shard->buckets);
		pthread_mutex_destroy(&shard->lock);
	}
	OPENSSL_free(store);
}

bool hs_store_get(struct rtls_session_store *store, const uint8_t key[static HS_CONTEXT_LEN],
		  int64_t now, struct wire_out *encoded)
{
	struct shard *shard = shard_of(store, key);
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = find(store, shard, key);
	if (entry && entry->expires <= now) {
		drop(shard, entry);
		entry = NULL;
	}
	if (entry)
		wire_put_bytes(encoded, entry->encoded, entry->len);
	pthread_mutex_unlock(&shard->lock);
	return entry && !encoded->bad;
}

/* Without memory it is not kept: the next handshake will be a full one. */
void hs_store_put(struct rtls_session_store *store, const uint8_t key[static HS_CONTEXT_LEN],
		  int64_t expires, struct wire_in encoded)
{
	struct shard *shard = shard_of(store, key);
	struct entry *entry = OPENSSL_malloc(sizeof(*entry) + encoded.len), *old;

	if (!entry)
		return;
	memcpy(entry->key, key, sizeof(entry->key));
	entry->expires = expires;
	entry->len = encoded.len;
	memcpy(entry->encoded, encoded.data, encoded.len);
	pthread_mutex_lock(&shard->lock);
	old = find(store, shard, key);
	if (!old && shard->count == store->max)
		old = TAILQ_FIRST(&shard->ages);
	if (old)
		drop(shard, old);
	TAILQ_INSERT_TAIL(&shard->ages, entry, age);
	LIST_INSERT_HEAD(&shard->buckets[bucket_of(store, key)], entry, bucket);
	shard->count++;
	pthread_mutex_unlock(&shard->lock);
}

void hs_store_remove(struct rtls_session_store *store, const uint8_t key[static HS_CONTEXT_LEN])
{
	struct shard *shard = shard_of(store, key);
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = find(store, shard, key);
	if (entry)
		drop(shard, entry);
	pthread_mutex_unlock(&shard->lock);
}

size_t rtls_session_store_count(struct rtls_session_store *store)
{
	size_t count = 0;

	for (size_t i = 0; i < store->shards; i++) {
		pthread_mutex_lock(&store->shard[i].lock);
		count += store->shard[i].count;
		pthread_mutex_unlock(&store->shard[i].lock);
	}
	return count;
}

/* ---- in a file: a line that says what it is, then key, expiry and session, again and again --- */

static const char magic[] = "ringtls sessions 1: secret, do not share\n";

static void put_entries(struct rtls_session_store *store, struct wire_out *out)
{
	wire_put_bytes(out, magic, strlen(magic));
	for (size_t i = 0; i < store->shards; i++) {
		struct shard *shard = &store->shard[i];
		struct entry *entry;

		pthread_mutex_lock(&shard->lock);
		TAILQ_FOREACH(entry, &shard->ages, age) {
			wire_put_bytes(out, entry->key, sizeof(entry->key));
			wire_put_u64(out, entry->expires);
			wire_put_u24(out, entry->len);
			wire_put_bytes(out, entry->encoded, entry->len);
		}
		pthread_mutex_unlock(&shard->lock);
	}
}

static int write_whole(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
	return 0;
}

int rtls_session_store_save(struct rtls_session_store *store, const char *file)
{
	struct wire_out out = { 0 };
	char temporary[4096];
	int fd, ret;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", file) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	put_entries(store, &out);
	if (out.bad || out.len > FILE_MAX) {
		ret = out.bad ? -ENOMEM : -EFBIG;
		wire_clear(&out);
		return ret;
	}
	fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	ret = fd < 0 ? -errno : write_whole(fd, out.data, out.len);
	wire_clear(&out);
	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(temporary, file))
		ret = -errno;
	if (ret && fd >= 0)
		unlink(temporary);
	return ret;
}

/* Nothing of a file that is damaged is taken. */
static int take_entries(struct rtls_session_store *store, struct wire_in in, bool dry)
{
	int count = 0;

	if (in.len < strlen(magic) || memcmp(in.data, magic, strlen(magic)))
		return -EINVAL;
	wire_get_bytes(&in, strlen(magic));
	for (; wire_more(&in); count++) {
		const uint8_t *key = wire_get_bytes(&in, HS_CONTEXT_LEN);
		int64_t expires = wire_get_u64(&in);
		struct wire_in encoded = wire_get_vector(&in, 3, 1);

		if (!in.bad && !dry)
			hs_store_put(store, key, expires, encoded);
	}
	return in.bad ? -EINVAL : count;
}

int rtls_session_store_load(struct rtls_session_store *store, const char *file)
{
	struct wire_out data = { 0 };
	int ret = hs_read_file(file, FILE_MAX, &data);

	if (!ret)
		ret = take_entries(store, wire_in(data.data, data.len), true);
	if (ret > 0)
		ret = take_entries(store, wire_in(data.data, data.len), false);
	wire_clear(&data);
	return ret;
}
