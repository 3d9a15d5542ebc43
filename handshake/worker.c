// SPDX-License-Identifier: MIT
/*
 * What one thread reuses from handshake to handshake: algorithms fetched once and contexts
 * that are re-keyed. A used context still holds a key, so its users zero it.
 */
#include "hs_internal.h"

static const char *const digest_names[HS_HASH_COUNT] = {
	[HS_SHA256] = "SHA256",
	[HS_SHA384] = "SHA384",
};

static bool fetch_ciphers(struct rtls_worker *worker)
{
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++) {
		worker->cipher[i] = EVP_CIPHER_fetch(NULL, hs_ciphers[i].evp_name, NULL);
		worker->seal[i] = EVP_CIPHER_CTX_new();
		worker->open[i] = EVP_CIPHER_CTX_new();
		if (!worker->cipher[i] || !worker->seal[i] || !worker->open[i])
			return false;
	}
	return true;
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

	if (worker && fetch_digests(worker) && fetch_ciphers(worker))
		return worker;
	rtls_worker_free(worker);
	return NULL;
}

void rtls_worker_free(struct rtls_worker *worker)
{
	if (!worker)
		return;
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++) {
		EVP_CIPHER_free(worker->cipher[i]);
		EVP_CIPHER_CTX_free(worker->seal[i]);
		EVP_CIPHER_CTX_free(worker->open[i]);
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
