// SPDX-License-Identifier: MIT
/*
 * What a worker keeps from handshake to handshake, and what becomes of it when libcrypto fails: no
 * record under another key, no key that is of no use for ever, no bytes that are not the PRF's.
 */
#include <string.h>

#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* ---- libcrypto that fails when told to: see the Makefile ------------------------------------ */

enum call { NONE, SIGN, INIT, COPY };
static enum call failing;
static int before; /* so many calls go well before one fails */

static bool fails(enum call call)
{
	if (failing != call || before--)
		return false;
	failing = NONE;
	return true;
}

int __real_EVP_PKEY_sign(EVP_PKEY_CTX *ctx, unsigned char *sig, size_t *siglen,
			 const unsigned char *tbs, size_t tbslen);
int __real_EVP_CipherInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
			      const unsigned char *key, const unsigned char *iv, int enc,
			      const OSSL_PARAM params[]);
int __real_EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in);
int __wrap_EVP_PKEY_sign(EVP_PKEY_CTX *ctx, unsigned char *sig, size_t *siglen,
			 const unsigned char *tbs, size_t tbslen);
int __wrap_EVP_CipherInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
			      const unsigned char *key, const unsigned char *iv, int enc,
			      const OSSL_PARAM params[]);
int __wrap_EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in);

int __wrap_EVP_PKEY_sign(EVP_PKEY_CTX *ctx, unsigned char *sig, size_t *siglen,
			 const unsigned char *tbs, size_t tbslen)
{
	return fails(SIGN) ? 0 : __real_EVP_PKEY_sign(ctx, sig, siglen, tbs, tbslen);
}

int __wrap_EVP_CipherInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
			      const unsigned char *key, const unsigned char *iv, int enc,
			      const OSSL_PARAM params[])
{
	return fails(INIT) ? 0 : __real_EVP_CipherInit_ex2(ctx, cipher, key, iv, enc, params);
}

int __wrap_EVP_MD_CTX_copy_ex(EVP_MD_CTX *out, const EVP_MD_CTX *in)
{
	return fails(COPY) ? 0 : __real_EVP_MD_CTX_copy_ex(out, in);
}

/* ---- private keys ------------------------------------------------------------------------------ */

static size_t count_signers(const struct rtls_worker *worker)
{
	size_t count = 0;

	for (size_t i = 0; i < HS_SIGNERS_MAX; i++)
		count += !!worker->signers[i].config;
	return count;
}

static void shake_hands(struct __test_metadata *_metadata, struct pair *pair)
{
	ASSERT_EQ(0, pair_begin(pair, "localhost"));
	pair_run(pair, SIZE_MAX);
	EXPECT_STREQ("", rtls_hs_reason(pair->server));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair->server));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair->client));
}

TEST(keys_go_with_their_configuration)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	struct pair pair = pair_make(server_config(&cert, NULL, NULL, NULL),
				     client_config(&cert, NULL, NULL, NULL));
	struct pair other = { .server_config = server_config(&cert, NULL, NULL, NULL),
			      .client_config = rtls_config_ref(pair.client_config) };

	for (int i = 0; i < 3; i++) {
		shake_hands(_metadata, &pair);
		EXPECT_EQ(1, count_signers(pair.worker));
	}
	/* One that is still there keeps its own. */
	other.worker = pair.worker;
	shake_hands(_metadata, &other);
	EXPECT_EQ(2 - 1, count_signers(pair.worker)); /* the same key: the same signer */
	rtls_hs_free(pair.server);
	rtls_hs_free(other.server);
	pair.server = other.server = NULL;
	rtls_config_unref(pair.server_config);
	rtls_config_unref(other.server_config);
	pair.server_config = other.server_config = NULL;
	rtls_hs_free(other.client);
	ASSERT_EQ(0, rtls_hs_new(&other.client, other.client_config, pair.worker, RTLS_CLIENT,
				 "localhost"));
	EXPECT_EQ(0, count_signers(pair.worker));
	rtls_hs_free(other.client);
	rtls_config_unref(other.client_config);
	pair_free(&pair);
	cert_free(&cert);
	test_end();
}

/* As a server does that reloads, without waiting for somebody to connect. */
TEST(keys_go_when_told_so)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	struct pair pair = pair_make(server_config(&cert, NULL, NULL, NULL),
				     client_config(&cert, NULL, NULL, NULL));

	shake_hands(_metadata, &pair);
	EXPECT_EQ(1, count_signers(pair.worker));
	rtls_worker_forget_private_keys(pair.worker);
	EXPECT_EQ(0, count_signers(pair.worker));
	shake_hands(_metadata, &pair);
	/* And with the last handshake of a configuration that has no other user. */
	rtls_config_unref(pair.server_config);
	pair.server_config = NULL;
	EXPECT_EQ(1, count_signers(pair.worker));
	rtls_hs_free(pair.server);
	pair.server = NULL;
	EXPECT_EQ(0, count_signers(pair.worker));
	pair_free(&pair);
	cert_free(&cert);
	test_end();
}

/* More than there is room for: each signs all the same. */
TEST(many_keys)
{
	struct cert certs[CERT_KINDS];
	struct rtls_worker *worker = rtls_worker_new();

	for (int kind = 0; kind < CERT_KINDS; kind++)
		certs[kind] = cert_make((struct cert_spec){ .kind = kind });
	for (int i = 0; i < 2 * CERT_KINDS; i++) {
		struct cert *cert = &certs[i % CERT_KINDS];
		struct pair pair = { .server_config = server_config(cert, NULL, NULL, NULL),
				     .client_config = client_config(cert, NULL, NULL, NULL),
				     .worker = worker };

		shake_hands(_metadata, &pair);
		EXPECT_GE(HS_SIGNERS_MAX, count_signers(worker));
		pair.worker = NULL;
		rtls_hs_free(pair.server);
		rtls_hs_free(pair.client);
		rtls_config_unref(pair.server_config);
		rtls_config_unref(pair.client_config);
	}
	rtls_worker_free(worker);
	for (int kind = 0; kind < CERT_KINDS; kind++)
		cert_free(&certs[kind]);
	test_end();
}

/* As a token does that has lost its session. */
TEST(key_that_fails_once)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	struct pair pair = pair_make(server_config(&cert, NULL, NULL, NULL),
				     client_config(&cert, NULL, NULL, NULL));

	shake_hands(_metadata, &pair);
	failing = SIGN;
	before = 0;
	shake_hands(_metadata, &pair);
	EXPECT_EQ(NONE, failing);
	shake_hands(_metadata, &pair);
	pair_free(&pair);
	cert_free(&cert);
	test_end();
}

/* ---- records ------------------------------------------------------------------------------------ */

/* After a change of keys that failed the next record must not go out under the old one. */
TEST(change_of_keys_that_fails)
{
	for (int cipher = 0; cipher < RTLS_CIPHER_COUNT; cipher++) {
		struct rtls_worker *worker = rtls_worker_new();
		struct rtls_key a = { .key = "first" }, b = { .key = "second" }, opens = b;
		uint8_t record[64], *plain;

		ASSERT_LT(0, rtls_record_seal(worker, cipher, &a, RTLS_APPLICATION_DATA,
					      (const uint8_t *)"x", 1, record));
		failing = INIT;
		before = 0;
		EXPECT_EQ(RTLS_ERR_CRYPTO, rtls_record_seal(worker, cipher, &b,
							    RTLS_APPLICATION_DATA,
							    (const uint8_t *)"x", 1, record));
		EXPECT_EQ(0, b.seq);
		EXPECT_LT(0, rtls_record_seal(worker, cipher, &b, RTLS_APPLICATION_DATA,
					      (const uint8_t *)"x", 1, record));
		EXPECT_EQ(1, rtls_record_open(worker, cipher, &opens, record, &plain));
		rtls_worker_free(worker);
	}
	test_end();
}

/* What cannot be wiped is thrown away, and nothing is sealed with zeros. */
TEST(wiping_that_fails)
{
	struct rtls_worker *worker = rtls_worker_new();
	struct rtls_key key = { .key = "key" };
	uint8_t record[64];

	ASSERT_LT(0, rtls_record_seal(worker, RTLS_CIPHER_AES_128_GCM, &key, RTLS_APPLICATION_DATA,
				      (const uint8_t *)"x", 1, record));
	failing = INIT;
	before = 0;
	rtls_worker_forget(worker);
	EXPECT_EQ(RTLS_ERR_CRYPTO,
		  rtls_record_seal(worker, RTLS_CIPHER_AES_128_GCM, &key, RTLS_APPLICATION_DATA,
				   (const uint8_t *)"x", 1, record));
	EXPECT_EQ(1, key.seq);
	rtls_worker_forget(worker);
	rtls_worker_free(worker);
	test_end();
}

/* ---- the PRF --------------------------------------------------------------------------------------- */

TEST(prf_that_fails)
{
	struct rtls_worker *worker = rtls_worker_new();
	uint8_t out[500], good[500], nothing[500] = { 0 };
	struct hs_blob seed = { (const uint8_t *)"seed", 4 };
	int copies;

	ASSERT_EQ(0, hs_prf(worker, HS_SHA384, (const uint8_t *)"secret", 6, "label", seed, seed,
			    good, sizeof(good)));
	for (copies = 0;; copies++) {
		memset(out, 'u', sizeof(out));
		failing = COPY;
		before = copies;
		if (!hs_prf(worker, HS_SHA384, (const uint8_t *)"secret", 6, "label", seed, seed,
			    out, sizeof(out)))
			break;
		EXPECT_EQ(NONE, failing);
		EXPECT_EQ(0, memcmp(out, nothing, sizeof(out)));
	}
	failing = NONE;
	EXPECT_LT(20, copies);
	EXPECT_EQ(0, memcmp(out, good, sizeof(good)));
	rtls_worker_free(worker);
	test_end();
}

TEST_HARNESS_MAIN
