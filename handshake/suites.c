// SPDX-License-Identifier: MIT
/*
 * Cipher suites and record ciphers: a row holds everything that depends on one.
 * The order is the default preference.
 */
#include <string.h>

#include "hs_internal.h"

const struct hs_cipher hs_ciphers[RTLS_CIPHER_COUNT] = {
	/* name, libcrypto's name, key, iv, explicit nonce, tag */
	[RTLS_CIPHER_AES_128_GCM] = { "AES-128-GCM", "AES-128-GCM", 16, 4, 8, 16 },
	[RTLS_CIPHER_AES_256_GCM] = { "AES-256-GCM", "AES-256-GCM", 32, 4, 8, 16 },
	[RTLS_CIPHER_CHACHA20_POLY1305] = { "CHACHA20-POLY1305", "ChaCha20-Poly1305", 32, 12, 0,
					    16 },
	[RTLS_CIPHER_AES_128_CCM] = { "AES-128-CCM", "AES-128-CCM", 16, 4, 8, 16 },
};

#define SUITE(id, name, openssl_name, kx, auth, cipher, hash)                                      \
	{ id, "TLS_" name, openssl_name, HS_KX_##kx, HS_AUTH_##auth, RTLS_CIPHER_##cipher, HS_##hash }

const struct hs_suite hs_suites[] = {
	SUITE(0xc02b, "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256",
	      ECDHE, ECDSA, AES_128_GCM, SHA256),
	SUITE(0xc02f, "ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
	      ECDHE, RSA, AES_128_GCM, SHA256),
	SUITE(0xc02c, "ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384",
	      ECDHE, ECDSA, AES_256_GCM, SHA384),
	SUITE(0xc030, "ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
	      ECDHE, RSA, AES_256_GCM, SHA384),
	SUITE(0xcca9, "ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
	      "ECDHE-ECDSA-CHACHA20-POLY1305", ECDHE, ECDSA, CHACHA20_POLY1305, SHA256),
	SUITE(0xcca8, "ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
	      ECDHE, RSA, CHACHA20_POLY1305, SHA256),
	SUITE(0xc0ac, "ECDHE_ECDSA_WITH_AES_128_CCM", "ECDHE-ECDSA-AES128-CCM",
	      ECDHE, ECDSA, AES_128_CCM, SHA256),
	/* Only when asked for: rtls_config_set_legacy_kx(). */
	SUITE(0x009e, "DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256",
	      DHE, RSA, AES_128_GCM, SHA256),
	SUITE(0x009f, "DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384",
	      DHE, RSA, AES_256_GCM, SHA384),
	SUITE(0xccaa, "DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "DHE-RSA-CHACHA20-POLY1305",
	      DHE, RSA, CHACHA20_POLY1305, SHA256),
	SUITE(0xc09e, "DHE_RSA_WITH_AES_128_CCM", "DHE-RSA-AES128-CCM",
	      DHE, RSA, AES_128_CCM, SHA256),
	SUITE(0x009c, "RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256",
	      RSA, RSA, AES_128_GCM, SHA256),
	SUITE(0x009d, "RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384",
	      RSA, RSA, AES_256_GCM, SHA384),
	SUITE(0xc09c, "RSA_WITH_AES_128_CCM", "AES128-CCM", RSA, RSA, AES_128_CCM, SHA256),
};
const size_t hs_suites_len = sizeof(hs_suites) / sizeof(*hs_suites);
_Static_assert(sizeof(hs_suites) / sizeof(*hs_suites) <= HS_ROWS_MAX, "HS_ROWS_MAX");

const struct hs_suite *hs_suite_by_id(uint16_t id)
{
	for (size_t i = 0; i < hs_suites_len; i++)
		if (hs_suites[i].id == id)
			return &hs_suites[i];
	return NULL;
}

static const char *suite_name(size_t row, bool alias)
{
	return alias ? hs_suites[row].name : hs_suites[row].openssl_name;
}

const struct hs_names hs_suite_names = {
	"cipher suite", sizeof(hs_suites) / sizeof(*hs_suites), suite_name
};

const char *rtls_suite_name(uint16_t id)
{
	const struct hs_suite *suite = hs_suite_by_id(id);

	return suite ? suite->name : NULL;
}

const char *rtls_cipher_name(enum rtls_cipher cipher)
{
	return (unsigned int)cipher < RTLS_CIPHER_COUNT ? hs_ciphers[cipher].name : "unknown";
}
