// SPDX-License-Identifier: MIT
/*
 * The record layer in userspace: it protects Finished, opens what was read past it, and
 * serves where the kernel does not take a direction. RFC 5246 6.2.3.3, RFC 5288, RFC 6655,
 * RFC 7905.
 *
 * The explicit nonce of AES-GCM and AES-CCM is the sequence number, as the kernel's is, so records
 * sealed here and there under one key can never share a nonce.
 */
#include <endian.h>
#include <string.h>
#include <openssl/err.h>

#include "hs_internal.h"

#define NONCE_LEN 12
#define AAD_LEN   13

static void put_u64(uint8_t *out, uint64_t value)
{
	value = htobe64(value);
	memcpy(out, &value, sizeof(value));
}

void hs_record_header(uint8_t *header, uint8_t type, size_t len)
{
	header[0] = type;
	header[1] = HS_VERSION >> 8;
	header[2] = HS_VERSION & 0xff;
	header[3] = len >> 8;
	header[4] = len;
}

/* RFC 5246 6.2.3.3: seq_num + type + version + length of the plaintext */
static void make_aad(uint8_t aad[static AAD_LEN], uint64_t seq, uint8_t type, size_t len)
{
	put_u64(aad, seq);
	hs_record_header(aad + 8, type, len);
}

/* AES-GCM and -CCM: salt and explicit nonce. ChaCha20-Poly1305: IV xor sequence number. */
static void make_nonce(uint8_t nonce[static NONCE_LEN], const struct hs_cipher *cipher,
		       const struct rtls_key *key, const uint8_t *explicit)
{
	uint64_t last;

	memcpy(nonce, key->iv, NONCE_LEN);
	if (cipher->explicit_len) {
		memcpy(nonce + NONCE_LEN - sizeof(last), explicit, sizeof(last));
	} else {
		memcpy(&last, nonce + NONCE_LEN - sizeof(last), sizeof(last));
		last ^= htobe64(key->seq);
		memcpy(nonce + NONCE_LEN - sizeof(last), &last, sizeof(last));
	}
}

EVP_CIPHER_CTX *hs_cipher_with_key(struct hs_keyed_cipher *cipher, enum rtls_cipher id,
				   const uint8_t *key)
{
	size_t len = hs_ciphers[id].key_len;

	if (cipher->ready && !CRYPTO_memcmp(cipher->key, key, len))
		return cipher->ctx;
	memcpy(cipher->key, key, len);
	cipher->keyed = true;
	cipher->ready = cipher->ctx &&
			EVP_CipherInit_ex2(cipher->ctx, NULL, key, NULL, -1, NULL);
	return cipher->ready ? cipher->ctx : NULL;
}

/* RFC 6655: it has to know the length of the text before it sees the first byte. */
static bool is_ccm(enum rtls_cipher id)
{
	return id == RTLS_CIPHER_AES_128_CCM;
}

/* Nonce, additional data, and for opening the tag. @tag: NULL for sealing. */
static bool prepare(EVP_CIPHER_CTX *ctx, enum rtls_cipher id, const uint8_t *nonce,
		    const uint8_t *aad, const uint8_t *tag, int len)
{
	int n;

	return ctx && EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) &&
	       (!tag || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, hs_ciphers[id].tag_len,
					    (void *)tag)) &&
	       (!is_ccm(id) || EVP_CipherUpdate(ctx, NULL, &n, NULL, len)) &&
	       EVP_CipherUpdate(ctx, NULL, &n, aad, AAD_LEN);
}

/* ChaCha20 without AVX leaves its key on the stack. */
static void wipe_behind(enum rtls_cipher id)
{
	if (id == RTLS_CIPHER_CHACHA20_POLY1305)
		hs_wipe_stack();
}

ssize_t rtls_record_seal(struct rtls_worker *worker, enum rtls_cipher id, struct rtls_key *key,
			 enum rtls_content_type type, const uint8_t *in, size_t len, uint8_t *out)
{
	const struct hs_cipher *cipher = &hs_ciphers[id];
	size_t fragment_len = cipher->explicit_len + len + cipher->tag_len;
	uint8_t *body = out + RTLS_RECORD_HEADER_LEN + cipher->explicit_len;
	EVP_CIPHER_CTX *ctx = hs_cipher_with_key(&worker->seal[id], id, key->key);
	uint8_t nonce[NONCE_LEN], aad[AAD_LEN];
	int n;
	bool ok;

	if (len > RTLS_PLAINTEXT_MAX)
		return RTLS_ERR_STATE;
	if (!len)
		in = (const uint8_t *)""; /* to CCM, NULL means something else */
	hs_record_header(out, type, fragment_len);
	if (cipher->explicit_len)
		put_u64(out + RTLS_RECORD_HEADER_LEN, key->seq);
	make_nonce(nonce, cipher, key, out + RTLS_RECORD_HEADER_LEN);
	make_aad(aad, key->seq, type, len);
	ok = prepare(ctx, id, nonce, aad, NULL, len) &&
	     EVP_EncryptUpdate(ctx, body, &n, in, len) && EVP_EncryptFinal_ex(ctx, body + n, &n) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, cipher->tag_len, body + len);
	wipe_behind(id);
	if (!ok)
		return RTLS_ERR_CRYPTO;
	key->seq++;
	return RTLS_RECORD_HEADER_LEN + fragment_len;
}

ssize_t rtls_record_len(enum rtls_cipher id, const uint8_t *buf, size_t len)
{
	const struct hs_cipher *cipher = &hs_ciphers[id];
	size_t overhead = cipher->explicit_len + cipher->tag_len;
	size_t fragment_len;

	if (len < RTLS_RECORD_HEADER_LEN)
		return 0;
	if (buf[0] < RTLS_CHANGE_CIPHER_SPEC || buf[0] > RTLS_APPLICATION_DATA)
		return RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNEXPECTED_MESSAGE);
	if (buf[1] != HS_VERSION >> 8 || buf[2] != (HS_VERSION & 0xff))
		return RTLS_ERR_ALERT_SENT(RTLS_ALERT_PROTOCOL_VERSION);
	fragment_len = buf[3] << 8 | buf[4];
	if (fragment_len > RTLS_PLAINTEXT_MAX + overhead)
		return RTLS_ERR_ALERT_SENT(RTLS_ALERT_RECORD_OVERFLOW);
	/* Too short for a tag: to tell it from a wrong tag helps attackers only. */
	if (fragment_len < overhead)
		return RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC);
	return RTLS_RECORD_HEADER_LEN + fragment_len;
}

ssize_t rtls_record_open(struct rtls_worker *worker, enum rtls_cipher id, struct rtls_key *key,
			 uint8_t *record, uint8_t **plain)
{
	const struct hs_cipher *cipher = &hs_ciphers[id];
	uint8_t *body = record + RTLS_RECORD_HEADER_LEN + cipher->explicit_len;
	size_t len = (record[3] << 8 | record[4]) - cipher->explicit_len - cipher->tag_len;
	EVP_CIPHER_CTX *ctx = hs_cipher_with_key(&worker->open[id], id, key->key);
	uint8_t nonce[NONCE_LEN], aad[AAD_LEN];
	int n;
	bool ok;

	make_nonce(nonce, cipher, key, record + RTLS_RECORD_HEADER_LEN);
	make_aad(aad, key->seq, record[0], len);
	/* CCM has checked the tag in the update, and knows no final. */
	ok = prepare(ctx, id, nonce, aad, body + len, len) &&
	     EVP_DecryptUpdate(ctx, body, &n, body, len) &&
	     (is_ccm(id) || EVP_DecryptFinal_ex(ctx, body + n, &n));
	wipe_behind(id);
	if (!ok) {
		OPENSSL_cleanse(body, len);
		ERR_clear_error();
		return RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC);
	}
	key->seq++;
	*plain = body;
	return len;
}
