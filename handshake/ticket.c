// SPDX-License-Identifier: MIT
/*
 * Tickets: RFC 5077, sealed with keys from a file in HAProxy's form. A ticket is
 *
 *	key_name[16] random[32] ciphertext tag[16]
 *
 * and its AES-256-GCM key is derived from the file's secret and the random bytes,
 * so that no two tickets share a key, however many a key of the file has sealed.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>

#include "hs_internal.h"

#define NAME_LEN   16
#define SECRET_MAX 64 /* of 80 bytes; 32 of 48 */
#define RANDOM_LEN 32
#define TAG_LEN    16
#define KEY_LEN    32
#define CIPHER     RTLS_CIPHER_AES_256_GCM
#define KEYS_MAX   64
#define FILE_MAX   16384

struct ticket_key {
	uint8_t name[NAME_LEN];
	uint8_t secret[SECRET_MAX];
	size_t secret_len;
};

struct ticket_key_list {
	struct ticket_key keys[KEYS_MAX];
	size_t len;
};

struct rtls_ticket_keys {
	int references;
	pthread_rwlock_t lock;
	struct ticket_key_list list; /* all open; the last but one seals, or the only one */
	bool self_made;              /* not from a file: replaced when it is as old as a session gets */
	int64_t made;
};

static size_t sealing_key(const struct ticket_key_list *list)
{
	return list->len < 2 ? 0 : list->len - 2;
}

/* ---- the keys -------------------------------------------------------------------------------- */

static bool make_key(struct ticket_key *key)
{
	key->secret_len = SECRET_MAX;
	return RAND_bytes(key->name, NAME_LEN) == 1 &&
	       RAND_priv_bytes(key->secret, SECRET_MAX) == 1;
}

struct rtls_ticket_keys *rtls_ticket_keys_new(void)
{
	struct rtls_ticket_keys *keys = OPENSSL_zalloc(sizeof(*keys));

	if (!keys)
		return NULL;
	keys->references = 1;
	keys->self_made = true;
	keys->list.len = 1;
	pthread_rwlock_init(&keys->lock, NULL);
	if (make_key(&keys->list.keys[0]))
		return keys;
	rtls_ticket_keys_unref(keys);
	return NULL;
}

struct rtls_ticket_keys *rtls_ticket_keys_ref(struct rtls_ticket_keys *keys)
{
	__atomic_fetch_add(&keys->references, 1, __ATOMIC_RELAXED);
	return keys;
}

void rtls_ticket_keys_unref(struct rtls_ticket_keys *keys)
{
	if (!keys || __atomic_fetch_sub(&keys->references, 1, __ATOMIC_ACQ_REL) > 1)
		return;
	pthread_rwlock_destroy(&keys->lock);
	OPENSSL_clear_free(keys, sizeof(*keys));
}

/* EVP_DecodeBlock() would take more than that. */
static bool is_base64(const char *text, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";

	while (len && memchr(digits, text[len - 1], sizeof(digits) - 1))
		len--;
	return !len;
}

/* A line of base64 without its end: a key of 48 or of 80 bytes. */
static bool parse_key(struct ticket_key *key, const char *line, size_t len)
{
	uint8_t bytes[NAME_LEN + SECRET_MAX + 3];
	size_t want = len == 64 ? 48 : len == 108 ? 80 : 0;
	bool padded = want == 80; /* by one "=" */
	bool ok = want && is_base64(line, len - padded) && (!padded || line[len - 1] == '=') &&
		  EVP_DecodeBlock(bytes, (const uint8_t *)line, len) == (int)(want + padded);

	if (ok) {
		key->secret_len = want - NAME_LEN;
		memcpy(key->name, bytes, NAME_LEN);
		memcpy(key->secret, bytes + NAME_LEN, key->secret_len);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return ok;
}

static int refuse(char *why, size_t size, const char *file, unsigned int line, const char *what)
{
	if (line)
		snprintf(why, size, "%s:%u: %s", file, line, what);
	else
		snprintf(why, size, "%s: %s", file, what);
	return RTLS_ERR_CONFIG;
}

static bool is_name_taken(const struct ticket_key_list *list, const uint8_t *name)
{
	for (size_t i = 0; i < list->len; i++)
		if (!memcmp(list->keys[i].name, name, NAME_LEN))
			return true;
	return false;
}

static int parse_keys(struct ticket_key_list *list, const char *text, size_t len, const char *file,
		      char *why, size_t why_size)
{
	const char *end = len ? text + len : text;

	for (unsigned int number = 1; text < end; number++) {
		const char *line = text, *newline = memchr(text, '\n', end - text);
		size_t line_len = (newline ? newline : end) - line;

		text = newline ? newline + 1 : end;
		if (line_len && line[line_len - 1] == '\r')
			line_len--;
		if (!line_len)
			continue;
		if (list->len == KEYS_MAX)
			return refuse(why, why_size, file, number, "more than 64 keys");
		if (!parse_key(&list->keys[list->len], line, line_len))
			return refuse(why, why_size, file, number,
				      "not 48 or 80 bytes in base64 (openssl rand -base64 48 "
				      "makes a line)");
		if (is_name_taken(list, list->keys[list->len].name))
			return refuse(why, why_size, file, number,
				      "a key of the same name as one before: tickets of it could "
				      "not be opened");
		list->len++;
	}
	return list->len ? 0 : refuse(why, why_size, file, 0, "no ticket key in it");
}

int rtls_ticket_keys_load(struct rtls_ticket_keys *keys, const char *file, char *why, size_t size)
{
	struct ticket_key_list *list = OPENSSL_zalloc(sizeof(*list));
	struct wire_out text = { 0 };
	int ret = list ? hs_read_file(file, FILE_MAX, &text) : -ENOMEM;

	ret = ret ? refuse(why, size, file, 0, hs_file_error(ret))
		  : parse_keys(list, (const char *)text.data, text.len, file, why, size);
	if (!ret) {
		pthread_rwlock_wrlock(&keys->lock);
		keys->list = *list;
		keys->self_made = false;
		pthread_rwlock_unlock(&keys->lock);
	}
	wire_clear(&text);
	OPENSSL_clear_free(list, sizeof(*list));
	return ret;
}

/* A key of our own making gets a successor; what it has sealed can be opened as long again. */
static void renew_self_made(struct rtls_ticket_keys *keys, int64_t now, unsigned int lifetime)
{
	struct ticket_key fresh;

	pthread_rwlock_wrlock(&keys->lock);
	if (!keys->self_made) {
		; /* the keys of a file have come meanwhile */
	} else if (!keys->made) {
		keys->made = now;
	} else if (now >= keys->made + lifetime && make_key(&fresh)) {
		/* In the order old, current: the last but one would seal, so the fresh one goes there. */
		keys->list.keys[1] = keys->list.keys[0];
		keys->list.keys[0] = fresh;
		keys->list.len = 2;
		keys->made = now;
	}
	pthread_rwlock_unlock(&keys->lock);
	OPENSSL_cleanse(&fresh, sizeof(fresh));
}

static bool is_renewal_due(struct rtls_ticket_keys *keys, int64_t now, unsigned int lifetime)
{
	bool due;

	pthread_rwlock_rdlock(&keys->lock);
	due = keys->self_made && (!keys->made || now >= keys->made + lifetime);
	pthread_rwlock_unlock(&keys->lock);
	return due;
}

/* ---- sealing and opening ----------------------------------------------------------------------- */

/* One will do, since each ticket has a key of its own. */
static const uint8_t nonce[12];

/* The ticket's own key. */
static int derive(struct rtls_hs *hs, const struct ticket_key *key, const uint8_t *random,
		  uint8_t out[static KEY_LEN])
{
	return hs_prf(hs->worker, HS_SHA256, key->secret, key->secret_len, "ringtls ticket",
		      (struct hs_blob){ key->name, NAME_LEN },
		      (struct hs_blob){ random, RANDOM_LEN }, out, KEY_LEN);
}

int hs_ticket_seal(struct rtls_hs *hs, struct wire_in plain, struct wire_out *ticket)
{
	struct rtls_ticket_keys *keys = hs->config->ticket_keys;
	EVP_CIPHER_CTX *ctx;
	uint8_t own[KEY_LEN];
	int64_t now = hs->config->now(hs->config->now_arg);
	struct ticket_key key;
	uint8_t *out;
	int n;
	bool ok;

	if (is_renewal_due(keys, now, hs->config->session_lifetime))
		renew_self_made(keys, now, hs->config->session_lifetime);
	out = wire_put_room(ticket, NAME_LEN + RANDOM_LEN + plain.len + TAG_LEN);
	if (!out || RAND_bytes(out + NAME_LEN, RANDOM_LEN) != 1)
		return RTLS_ERR_CRYPTO;
	pthread_rwlock_rdlock(&keys->lock);
	key = keys->list.keys[sealing_key(&keys->list)];
	pthread_rwlock_unlock(&keys->lock);
	memcpy(out, key.name, NAME_LEN);
	ok = !derive(hs, &key, out + NAME_LEN, own) &&
	     (ctx = hs_cipher_with_key(&hs->worker->seal[CIPHER], CIPHER, own)) &&
	     EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) &&
	     EVP_EncryptUpdate(ctx, NULL, &n, out, NAME_LEN + RANDOM_LEN) &&
	     EVP_EncryptUpdate(ctx, out + NAME_LEN + RANDOM_LEN, &n, plain.data, plain.len) &&
	     EVP_EncryptFinal_ex(ctx, out, &n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN,
				 out + NAME_LEN + RANDOM_LEN + plain.len);
	OPENSSL_cleanse(own, sizeof(own));
	OPENSSL_cleanse(&key, sizeof(key));
	return ok ? 0 : RTLS_ERR_CRYPTO;
}

/* The key of this name; *@renew: it is not the one that seals. */
static bool find_key(struct rtls_ticket_keys *keys, const uint8_t *name, struct ticket_key *key,
		     bool *renew)
{
	bool found = false;

	pthread_rwlock_rdlock(&keys->lock);
	for (size_t i = 0; i < keys->list.len && !found; i++) {
		found = !memcmp(keys->list.keys[i].name, name, NAME_LEN);
		if (found) {
			*key = keys->list.keys[i];
			*renew = i != sealing_key(&keys->list);
		}
	}
	pthread_rwlock_unlock(&keys->lock);
	return found;
}

bool hs_ticket_open(struct rtls_hs *hs, struct wire_in ticket, struct wire_out *plain)
{
	EVP_CIPHER_CTX *ctx;
	const uint8_t *begin = ticket.data;
	uint8_t own[KEY_LEN], tag[TAG_LEN], *out;
	struct ticket_key key;
	size_t len;
	int n;
	bool ok;

	if (ticket.len <= NAME_LEN + RANDOM_LEN + TAG_LEN ||
	    !find_key(hs->config->ticket_keys, begin, &key, &hs->renew_ticket))
		return false;
	len = ticket.len - NAME_LEN - RANDOM_LEN - TAG_LEN;
	memcpy(tag, begin + ticket.len - TAG_LEN, TAG_LEN);
	out = wire_put_room(plain, len);
	ok = out && !derive(hs, &key, begin + NAME_LEN, own) &&
	     (ctx = hs_cipher_with_key(&hs->worker->open[CIPHER], CIPHER, own)) &&
	     EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) &&
	     EVP_DecryptUpdate(ctx, NULL, &n, begin, NAME_LEN + RANDOM_LEN) &&
	     EVP_DecryptUpdate(ctx, out, &n, begin + NAME_LEN + RANDOM_LEN, len) &&
	     EVP_DecryptFinal_ex(ctx, out + len, &n);
	OPENSSL_cleanse(own, sizeof(own));
	OPENSSL_cleanse(&key, sizeof(key));
	return ok;
}
