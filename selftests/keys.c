// SPDX-License-Identifier: MIT
/*
 * The PRF of RFC 5246 5: known answers, and libcrypto's own TLS1-PRF on lengths of every kind;
 * and what the record keys are made of.
 */
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include "common.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

#define LABEL "test label"

/* The vectors that the TLS working group collected for TLS 1.2, label "test label". */
static const struct {
	enum hs_hash hash;
	uint8_t secret[16], seed[16];
	size_t len;
	uint8_t out[148];
} known[] = {
	{ HS_SHA256,
	  { 0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17, 0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71,
	    0xdb, 0x35 },
	  { 0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18, 0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5,
	    0x19, 0x8c },
	  100,
	  { 0xe3, 0xf2, 0x29, 0xba, 0x72, 0x7b, 0xe1, 0x7b, 0x8d, 0x12, 0x26, 0x20, 0x55, 0x7c,
	    0xd4, 0x53, 0xc2, 0xaa, 0xb2, 0x1d, 0x07, 0xc3, 0xd4, 0x95, 0x32, 0x9b, 0x52, 0xd4,
	    0xe6, 0x1e, 0xdb, 0x5a, 0x6b, 0x30, 0x17, 0x91, 0xe9, 0x0d, 0x35, 0xc9, 0xc9, 0xa4,
	    0x6b, 0x4e, 0x14, 0xba, 0xf9, 0xaf, 0x0f, 0xa0, 0x22, 0xf7, 0x07, 0x7d, 0xef, 0x17,
	    0xab, 0xfd, 0x37, 0x97, 0xc0, 0x56, 0x4b, 0xab, 0x4f, 0xbc, 0x91, 0x66, 0x6e, 0x9d,
	    0xef, 0x9b, 0x97, 0xfc, 0xe3, 0x4f, 0x79, 0x67, 0x89, 0xba, 0xa4, 0x80, 0x82, 0xd1,
	    0x22, 0xee, 0x42, 0xc5, 0xa7, 0x2e, 0x5a, 0x51, 0x10, 0xff, 0xf7, 0x01, 0x87, 0x34,
	    0x7b, 0x66 } },
	{ HS_SHA384,
	  { 0xb8, 0x0b, 0x73, 0x3d, 0x6c, 0xee, 0xfc, 0xdc, 0x71, 0x56, 0x6e, 0xa4, 0x8e, 0x55,
	    0x67, 0xdf },
	  { 0xcd, 0x66, 0x5c, 0xf6, 0xa8, 0x44, 0x7d, 0xd6, 0xff, 0x8b, 0x27, 0x55, 0x5e, 0xdb,
	    0x74, 0x65 },
	  148,
	  { 0x7b, 0x0c, 0x18, 0xe9, 0xce, 0xd4, 0x10, 0xed, 0x18, 0x04, 0xf2, 0xcf, 0xa3, 0x4a,
	    0x33, 0x6a, 0x1c, 0x14, 0xdf, 0xfb, 0x49, 0x00, 0xbb, 0x5f, 0xd7, 0x94, 0x21, 0x07,
	    0xe8, 0x1c, 0x83, 0xcd, 0xe9, 0xca, 0x0f, 0xaa, 0x60, 0xbe, 0x9f, 0xe3, 0x4f, 0x82,
	    0xb1, 0x23, 0x3c, 0x91, 0x46, 0xa0, 0xe5, 0x34, 0xcb, 0x40, 0x0f, 0xed, 0x27, 0x00,
	    0x88, 0x4f, 0x9d, 0xc2, 0x36, 0xf8, 0x0e, 0xdd, 0x8b, 0xfa, 0x96, 0x11, 0x44, 0xc9,
	    0xe8, 0xd7, 0x92, 0xec, 0xa7, 0x22, 0xa7, 0xb3, 0x2f, 0xc3, 0xd4, 0x16, 0xd4, 0x73,
	    0xeb, 0xc2, 0xc5, 0xfd, 0x4a, 0xbf, 0xda, 0xd0, 0x5d, 0x91, 0x84, 0x25, 0x9b, 0x5b,
	    0xf8, 0xcd, 0x4d, 0x90, 0xfa, 0x0d, 0x31, 0xe2, 0xde, 0xc4, 0x79, 0xe4, 0xf1, 0xa2,
	    0x60, 0x66, 0xf2, 0xee, 0xa9, 0xa6, 0x92, 0x36, 0xa3, 0xe5, 0x26, 0x55, 0xc9, 0xe9,
	    0xae, 0xe6, 0x91, 0xc8, 0xf3, 0xa2, 0x68, 0x54, 0x30, 0x8d, 0x5e, 0xaa, 0x3b, 0xe8,
	    0x5e, 0x09, 0x90, 0x70, 0x3d, 0x73, 0xe5, 0x6f } },
};

static int prf(enum hs_hash hash, const uint8_t *secret, size_t secret_len, const uint8_t *seed,
	       size_t seed_len, uint8_t *out, size_t len)
{
	struct rtls_worker *worker = rtls_worker_new();
	size_t half = seed_len / 2;
	int ret = hs_prf(worker, hash, secret, secret_len, LABEL, (struct hs_blob){ seed, half },
			 (struct hs_blob){ seed + half, seed_len - half }, out, len);

	rtls_worker_free(worker);
	return ret;
}

TEST(known_answers)
{
	uint8_t out[148];

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		ASSERT_EQ(0, prf(known[i].hash, known[i].secret, 16, known[i].seed, 16, out,
				 known[i].len));
		EXPECT_EQ(0, memcmp(known[i].out, out, known[i].len));
	}
}

static bool libcrypto_prf(enum hs_hash hash, uint8_t *secret, size_t secret_len, uint8_t *seed,
			  size_t seed_len, uint8_t *out, size_t len)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
						 hash == HS_SHA256 ? "SHA256" : "SHA384", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, LABEL, strlen(LABEL)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, seed_len),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	bool ok = EVP_KDF_derive(ctx, out, len, params) > 0;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* Secrets shorter and longer than a block, outputs that end inside and at a hash. */
TEST(agrees_with_libcrypto)
{
	static const size_t secrets[] = { 1, 32, 48, 63, 64, 65, 128, 129, 256, 1024 };
	static const size_t outputs[] = { 1, 12, 31, 32, 33, 48, 56, 96, 104, 200 };
	uint8_t secret[1024], seed[64], ours[200], theirs[200];

	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = i * 7 + 1;
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = i * 5 + 3;
	for (int hash = 0; hash < HS_HASH_COUNT; hash++)
		for (size_t i = 0; i < ARRAY_SIZE(secrets) * ARRAY_SIZE(outputs); i++) {
			size_t secret_len = secrets[i / ARRAY_SIZE(outputs)];
			size_t len = outputs[i % ARRAY_SIZE(outputs)];

			ASSERT_EQ(0, prf(hash, secret, secret_len, seed, 64, ours, len));
			ASSERT_EQ(true, libcrypto_prf(hash, secret, secret_len, seed, 64, theirs,
						      len));
			EXPECT_EQ(0, memcmp(ours, theirs, len));
		}
}

/* ---- the key block, RFC 5246 6.3 ------------------------------------------------------------- */

/*
 * Master secret 00 01 .. 2f, client_random 40 .. 5f, server_random 80 .. 9f; worked out with
 * Python's hmac. The values stand in the order of the RFC.
 */
static const struct {
	uint16_t suite;
	uint8_t client_key[32], server_key[32], client_iv[12], server_iv[12];
} key_blocks[] = {
	{ 0x009c,
	  { 0xa1, 0xc8, 0xbd, 0xbc, 0xe8, 0x83, 0x00, 0x07, 0xe5, 0x71, 0x9b, 0x5f,
	    0x97, 0x64, 0xae, 0x0c },
	  { 0x42, 0xc3, 0xa1, 0x03, 0xd0, 0x8d, 0x01, 0xb7, 0x11, 0xb2, 0x92, 0xbf,
	    0xd1, 0xf3, 0x32, 0x47 },
	  { 0x3e, 0x56, 0x67, 0xef },
	  { 0x1f, 0x21, 0xed, 0x64 } },
	{ 0x009d,
	  { 0xc0, 0x1f, 0xa6, 0x17, 0x89, 0xf5, 0x80, 0x22, 0xd7, 0x22, 0x46, 0x1a,
	    0xbc, 0xb5, 0xdf, 0x04, 0xcf, 0x98, 0x5a, 0x08, 0xf0, 0xd4, 0x61, 0xab,
	    0x4d, 0x54, 0x4d, 0xb5, 0x98, 0xb8, 0x53, 0x19 },
	  { 0x03, 0xc0, 0x47, 0x23, 0x68, 0xc1, 0x1f, 0x67, 0x51, 0xef, 0xc2, 0xd8,
	    0x1d, 0x6b, 0x89, 0x6d, 0x8d, 0xb6, 0xbe, 0x95, 0x53, 0x6a, 0xbb, 0x42,
	    0xa6, 0x6b, 0x01, 0x52, 0x59, 0xcf, 0x72, 0x64 },
	  { 0x09, 0x2e, 0xd6, 0xc5 },
	  { 0x20, 0x36, 0x94, 0x5c } },
	{ 0xccaa,
	  { 0xa1, 0xc8, 0xbd, 0xbc, 0xe8, 0x83, 0x00, 0x07, 0xe5, 0x71, 0x9b, 0x5f,
	    0x97, 0x64, 0xae, 0x0c, 0x42, 0xc3, 0xa1, 0x03, 0xd0, 0x8d, 0x01, 0xb7,
	    0x11, 0xb2, 0x92, 0xbf, 0xd1, 0xf3, 0x32, 0x47 },
	  { 0x3e, 0x56, 0x67, 0xef, 0x1f, 0x21, 0xed, 0x64, 0xb6, 0x16, 0xb5, 0x33,
	    0x92, 0x9f, 0x8e, 0x73, 0x74, 0x06, 0x93, 0x8b, 0xba, 0xe4, 0xd1, 0x38,
	    0x7d, 0xbb, 0x67, 0xa3, 0x2b, 0xbf, 0xd0, 0x3f },
	  { 0xe3, 0xf3, 0xa5, 0xe6, 0x1a, 0x43, 0x4e, 0x9c, 0x07, 0xde, 0x3b, 0x04 },
	  { 0x21, 0x8a, 0xeb, 0x81, 0x1e, 0xbe, 0xce, 0xd2, 0xda, 0x38, 0xd5, 0x6b } },
};

TEST(key_block)
{
	struct rtls_worker *worker = rtls_worker_new();

	for (size_t i = 0; i < 2 * ARRAY_SIZE(key_blocks); i++) {
		struct rtls_config config = { 0 };
		struct rtls_hs hs = { .worker = worker, .config = &config, .role = i % 2,
				      .suite = hs_suite_by_id(key_blocks[i / 2].suite) };
		const struct rtls_keys *keys = &hs.secrets.keys;
		const struct rtls_key *client = hs.role == RTLS_CLIENT ? &keys->tx : &keys->rx;
		const struct rtls_key *server = hs.role == RTLS_CLIENT ? &keys->rx : &keys->tx;

		for (size_t n = 0; n < HS_MASTER_LEN; n++)
			hs.secrets.master[n] = n;
		for (size_t n = 0; n < HS_RANDOM_LEN; n++) {
			hs.client_random[n] = 0x40 + n;
			hs.server_random[n] = 0x80 + n;
		}
		ASSERT_EQ(0, hs_resume_keys(&hs, NULL));
		/* Behind a shorter key there are zeros. */
		EXPECT_EQ(0, memcmp(key_blocks[i / 2].client_key, client->key, 32));
		EXPECT_EQ(0, memcmp(key_blocks[i / 2].server_key, server->key, 32));
		EXPECT_EQ(0, memcmp(key_blocks[i / 2].client_iv, client->iv, 12));
		EXPECT_EQ(0, memcmp(key_blocks[i / 2].server_iv, server->iv, 12));
		EXPECT_EQ(key_blocks[i / 2].suite, keys->suite);
	}
	rtls_worker_free(worker);
}

/* ---- the premaster secret of RSA key transport: EME-PKCS1-v1_5 around 48 bytes ------------- */

#define RSA_LEN 256

static const struct {
	const char *what;
	int at;     /* of the block; negative: from its end */
	uint8_t byte;
	bool good;
} paddings[] = {
	{ "as it should be", 2, 7, true },
	{ "another first byte", 0, 1, false },
	{ "another type", 1, 1, false },
	{ "another type still", 1, 3, false },
	{ "no padding at all", 2, 0, false },
	{ "a secret of 50 bytes", -HS_RSA_PREMASTER_LEN - 3, 0, false },
	{ "a secret of 49 bytes", -HS_RSA_PREMASTER_LEN - 2, 0, false },
	{ "no end of the padding", -HS_RSA_PREMASTER_LEN - 1, 9, false },
	{ "a secret that begins with 0", -HS_RSA_PREMASTER_LEN, 0, true },
};

/* So that each of these blocks is a number below the modulus. */
static EVP_PKEY *key_with_great_modulus(void)
{
	for (;;) {
		EVP_PKEY *key = EVP_RSA_gen(8 * RSA_LEN);
		BIGNUM *n = NULL;
		uint8_t first[RSA_LEN];

		EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
		BN_bn2bin(n, first);
		BN_free(n);
		if (first[0] > 2)
			return key;
		EVP_PKEY_free(key);
	}
}

TEST(premaster_padding)
{
	EVP_PKEY *key = key_with_great_modulus();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	ASSERT_EQ(1, EVP_PKEY_encrypt_init(ctx));
	ASSERT_EQ(1, EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING));
	for (size_t i = 0; i < ARRAY_SIZE(paddings); i++) {
		uint8_t block[RSA_LEN], encrypted[RSA_LEN];
		struct rtls_key_operation operation = { .want = RTLS_HS_WANT_DECRYPT, .key = key,
							.in = encrypted, .in_len = RSA_LEN };
		size_t len = sizeof(encrypted);

		memset(block, 'p', sizeof(block));
		block[0] = 0;
		block[1] = 2;
		block[RSA_LEN - HS_RSA_PREMASTER_LEN - 1] = 0;
		block[paddings[i].at < 0 ? RSA_LEN + paddings[i].at : paddings[i].at] =
			paddings[i].byte;
		ASSERT_EQ(1, EVP_PKEY_encrypt(ctx, encrypted, &len, block, sizeof(block)));
		rtls_key_operation_run(&operation);
		EXPECT_EQ(paddings[i].good ? 0 : RTLS_ERR_CRYPTO, operation.error) {
			TH_LOG("%s", paddings[i].what);
		}
		/* It looks the same, right or wrong, and nothing lies behind it. */
		EXPECT_EQ(HS_RSA_PREMASTER_LEN, operation.out_len);
		EXPECT_EQ(0, memcmp(operation.out, block + RSA_LEN - HS_RSA_PREMASTER_LEN,
				    HS_RSA_PREMASTER_LEN));
		for (size_t n = HS_RSA_PREMASTER_LEN; n < sizeof(operation.out); n++)
			ASSERT_EQ(0, operation.out[n]);
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
}

TEST_HARNESS_MAIN
