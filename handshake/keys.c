// SPDX-License-Identifier: MIT
/*
 * From the premaster secret to record keys: RFC 5246 5, 6.3, 8.1, and RFC 7627.
 *
 * HMAC is built here from digest contexts of the worker, because libcrypto's KDF object
 * costs four times as much as the hashing itself.
 */
#include <string.h>

#include "hs_internal.h"

#define BLOCK_MAX 128 /* SHA-384's */

/* RFC 2104: leaves inner and outer ready, keyed with @key. */
static bool hmac_key(struct rtls_worker *worker, const EVP_MD *md, const uint8_t *key, size_t len)
{
	size_t block_len = EVP_MD_get_block_size(md);
	uint8_t block[BLOCK_MAX] = { 0 };
	unsigned int hashed;
	bool ok = true;

	if (len > block_len)
		ok = EVP_Digest(key, len, block, &hashed, md, NULL);
	else
		memcpy(block, key, len);
	for (size_t i = 0; i < block_len; i++)
		block[i] ^= 0x36;
	ok = ok && EVP_DigestInit_ex2(worker->inner, md, NULL) &&
	     EVP_DigestUpdate(worker->inner, block, block_len);
	for (size_t i = 0; i < block_len; i++)
		block[i] ^= 0x36 ^ 0x5c;
	ok = ok && EVP_DigestInit_ex2(worker->outer, md, NULL) &&
	     EVP_DigestUpdate(worker->outer, block, block_len);
	OPENSSL_cleanse(block, sizeof(block));
	return ok;
}

/*
 * HMAC over some parts with the key that hmac_key() has set; libcrypto allocates for each copy
 * of a context, so the @last one uses up the keyed ones themselves.
 */
static bool hmac(struct rtls_worker *worker, bool last, const struct hs_blob *parts, size_t count,
		 uint8_t mac[static HS_HASH_MAX])
{
	EVP_MD_CTX *inner = last ? worker->inner : worker->digest;
	EVP_MD_CTX *outer = last ? worker->outer : worker->digest;
	unsigned int len;
	bool ok = last || EVP_MD_CTX_copy_ex(inner, worker->inner);

	for (size_t i = 0; ok && i < count; i++)
		ok = EVP_DigestUpdate(inner, parts[i].data, parts[i].len);
	return ok && EVP_DigestFinal_ex(inner, mac, &len) &&
	       (last || EVP_MD_CTX_copy_ex(outer, worker->outer)) &&
	       EVP_DigestUpdate(outer, mac, len) && EVP_DigestFinal_ex(outer, mac, &len);
}

int hs_prf(struct rtls_worker *worker, enum hs_hash hash, const uint8_t *secret, size_t secret_len,
	   const char *label, struct hs_blob seed1, struct hs_blob seed2, uint8_t *out, size_t len)
{
	const EVP_MD *md = worker->md[hash];
	size_t mac_len = EVP_MD_get_size(md), done = 0;
	uint8_t a[HS_HASH_MAX], mac[HS_HASH_MAX];
	struct hs_blob parts[] = {
		{ a, mac_len }, { (const uint8_t *)label, strlen(label) }, seed1, seed2
	};
	bool ok = hmac_key(worker, md, secret, secret_len) && hmac(worker, false, parts + 1, 3, a);

	for (; ok && len - done > mac_len; done += mac_len)
		ok = hmac(worker, false, parts, 4, out + done) && hmac(worker, false, parts, 1, a);
	ok = ok && hmac(worker, true, parts, 4, mac);
	if (ok)
		memcpy(out + done, mac, len - done);
	else
		OPENSSL_cleanse(out, len);
	OPENSSL_cleanse(a, sizeof(a));
	OPENSSL_cleanse(mac, sizeof(mac));
	/* The provider wipes its state when it frees it. */
	EVP_MD_CTX_reset(worker->inner);
	EVP_MD_CTX_reset(worker->outer);
	EVP_MD_CTX_reset(worker->digest);
	return ok ? 0 : RTLS_ERR_CRYPTO;
}

/* RFC 5246 8.1, and RFC 7627 4, where the session hash takes the randoms' place. */
static int master_secret(struct rtls_hs *hs)
{
	struct hs_secrets *secrets = &hs->secrets;
	struct hs_blob client = { hs->client_random, HS_RANDOM_LEN };
	struct hs_blob server = { hs->server_random, HS_RANDOM_LEN };
	const char *label = "master secret";
	uint8_t hash[HS_HASH_MAX];

	if (hs->extended_master_secret) {
		int len = hs_transcript_hash(&hs->transcript, hs->worker, hash);

		if (len < 0)
			return len;
		label = "extended master secret";
		client = (struct hs_blob){ hash, len };
		server = (struct hs_blob){ 0 };
	}
	return hs_prf(hs->worker, hs->suite->hash, secrets->premaster, secrets->premaster_len,
		      label, client, server, secrets->master, HS_MASTER_LEN);
}

static char *put_hex(char *out, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*out++ = "0123456789abcdef"[data[i] >> 4];
		*out++ = "0123456789abcdef"[data[i] & 15];
	}
	return out;
}

/* By hand, since the buffers of printf() cannot be wiped. */
static void log_keys(const struct rtls_hs *hs)
{
	static const char label[] = "CLIENT_RANDOM ";
	char line[sizeof(label) + 2 * HS_RANDOM_LEN + 1 + 2 * HS_MASTER_LEN], *p = line;

	if (!hs->config->key_log)
		return;
	p = mempcpy(p, label, sizeof(label) - 1);
	p = put_hex(p, hs->client_random, HS_RANDOM_LEN);
	*p++ = ' ';
	p = put_hex(p, hs->secrets.master, HS_MASTER_LEN);
	*p = '\0';
	hs->config->key_log(hs->config->key_log_arg, line);
	OPENSSL_cleanse(line, sizeof(line));
}

/* RFC 5246 6.3. AEAD suites have no MAC keys. */
static int record_keys(struct rtls_hs *hs)
{
	const struct hs_cipher *cipher = &hs_ciphers[hs->suite->cipher];
	struct rtls_keys *keys = &hs->secrets.keys;
	bool is_client = hs->role == RTLS_CLIENT;
	struct rtls_key *client = is_client ? &keys->tx : &keys->rx;
	struct rtls_key *server = is_client ? &keys->rx : &keys->tx;
	uint8_t block[2 * (sizeof(client->key) + sizeof(client->iv))], *p = block;
	int ret = hs_prf(hs->worker, hs->suite->hash, hs->secrets.master, HS_MASTER_LEN,
			 "key expansion", (struct hs_blob){ hs->server_random, HS_RANDOM_LEN },
			 (struct hs_blob){ hs->client_random, HS_RANDOM_LEN }, block,
			 2 * (cipher->key_len + cipher->iv_len));

	keys->version = HS_VERSION;
	keys->suite = hs->suite->id;
	keys->cipher = hs->suite->cipher;
	keys->plaintext_max = hs_plaintext_max(hs, true);
	memcpy(client->key, p, cipher->key_len);
	memcpy(server->key, p += cipher->key_len, cipher->key_len);
	memcpy(client->iv, p += cipher->key_len, cipher->iv_len);
	memcpy(server->iv, p + cipher->iv_len, cipher->iv_len);
	OPENSSL_cleanse(block, sizeof(block));
	if (!ret)
		log_keys(hs);
	return ret;
}

int hs_master_secret(struct rtls_hs *hs, struct wire_in *body)
{
	int ret = master_secret(hs);

	(void)body;
	if (!ret)
		ret = record_keys(hs);
	OPENSSL_cleanse(hs->secrets.premaster, sizeof(hs->secrets.premaster));
	return ret ? hs_fault(hs, "deriving the record keys failed") : 0;
}

int hs_resume_keys(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	return record_keys(hs) ? hs_fault(hs, "deriving the record keys failed") : 0;
}

int hs_verify_data(struct rtls_hs *hs, enum rtls_role sender,
		   uint8_t verify_data[static HS_VERIFY_DATA_LEN])
{
	uint8_t hash[HS_HASH_MAX];
	int len = hs_transcript_hash(&hs->transcript, hs->worker, hash);

	if (len < 0)
		return len;
	return hs_prf(hs->worker, hs->suite->hash, hs->secrets.master, HS_MASTER_LEN,
		      sender == RTLS_CLIENT ? "client finished" : "server finished",
		      (struct hs_blob){ hash, len }, (struct hs_blob){ 0 }, verify_data,
		      HS_VERIFY_DATA_LEN);
}
