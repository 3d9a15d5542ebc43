// SPDX-License-Identifier: MIT
/*
 * What one thread reuses from handshake to handshake: algorithms fetched once and contexts
 * that are re-keyed. rtls_worker_forget() takes the last keys out of them.
 */
#include "hs_internal.h"

static const char *const digest_names[HS_HASH_COUNT] = {
	[HS_SHA256] = "SHA256",
	[HS_SHA384] = "SHA384",
};

static bool set_up_cipher(struct hs_keyed_cipher *keyed, const EVP_CIPHER *cipher, int encrypt)
{
	EVP_CIPHER_CTX *ctx = keyed->ctx = EVP_CIPHER_CTX_new();

	/* CCM wants to know the lengths of nonce and tag before the key. */
	return ctx && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, encrypt, NULL) &&
	       (EVP_CIPHER_get_mode(cipher) != EVP_CIPH_CCM_MODE ||
		(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) &&
		 EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, NULL)));
}

static bool set_up_ciphers(struct rtls_worker *worker)
{
	bool ok = true;

	for (int i = 0; ok && i < RTLS_CIPHER_COUNT; i++) {
		EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, hs_ciphers[i].evp_name, NULL);

		ok = cipher && set_up_cipher(&worker->seal[i], cipher, 1) &&
		     set_up_cipher(&worker->open[i], cipher, 0);
		EVP_CIPHER_free(cipher);
	}
	return ok;
}

static bool fetch_digests(struct rtls_worker *worker)
{
	for (int i = 0; i < HS_HASH_COUNT; i++) {
		worker->md[i] = EVP_MD_fetch(NULL, digest_names[i], NULL);
		if (!worker->md[i])
			return false;
	}
	worker->inner = EVP_MD_CTX_new();
	worker->outer = EVP_MD_CTX_new();
	worker->digest = EVP_MD_CTX_new();
	return worker->inner && worker->outer && worker->digest;
}

struct rtls_worker *rtls_worker_new(void)
{
	struct rtls_worker *worker = OPENSSL_zalloc(sizeof(*worker));

	if (worker && fetch_digests(worker) && set_up_ciphers(worker))
		return worker;
	rtls_worker_free(worker);
	return NULL;
}

static void forget_key(struct hs_keyed_cipher *cipher)
{
	static const uint8_t zeros[32];

	if (!cipher->keyed)
		return;
	if (!cipher->ctx || !EVP_CipherInit_ex2(cipher->ctx, NULL, zeros, zeros, -1, NULL)) {
		EVP_CIPHER_CTX_free(cipher->ctx);
		cipher->ctx = NULL;
	}
	OPENSSL_cleanse(cipher->key, sizeof(cipher->key));
	cipher->keyed = cipher->ready = false;
}

void rtls_worker_forget(struct rtls_worker *worker)
{
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++) {
		forget_key(&worker->seal[i]);
		forget_key(&worker->open[i]);
	}
}

void rtls_worker_free(struct rtls_worker *worker)
{
	if (!worker)
		return;
	rtls_worker_forget(worker);
	rtls_worker_forget_chains(worker);
	hs_signers_clear(worker, true);
	for (size_t i = 0; i < HS_ROWS_MAX; i++)
		EVP_PKEY_CTX_free(worker->keygen[i]);
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++) {
		EVP_CIPHER_CTX_free(worker->seal[i].ctx);
		EVP_CIPHER_CTX_free(worker->open[i].ctx);
	}
	for (int i = 0; i < HS_HASH_COUNT; i++)
		EVP_MD_free(worker->md[i]);
	EVP_MD_CTX_free(worker->inner);
	EVP_MD_CTX_free(worker->outer);
	EVP_MD_CTX_free(worker->digest);
	OPENSSL_free(worker);
}

__attribute__((noinline)) void hs_wipe_stack(void)
{
	uint8_t used[8192];

	OPENSSL_cleanse(used, sizeof(used));
}
