// SPDX-License-Identifier: MIT
/*
 * Record keys in the kernel's words: linux/tls.h, Documentation/networking/tls.rst.
 *
 * For AES-GCM and AES-CCM the kernel's iv is the explicit nonce of the next record. It is the sequence
 * number there as it is in record.c, so no nonce can come twice. ChaCha20-Poly1305 has no
 * explicit nonce; its iv is the whole write IV and must not bear the sequence number.
 */
#include <stddef.h>
#include <string.h>

#include "ktls_internal.h"

/* Every struct tls12_crypto_info_* is: version, cipher type, then iv, key, salt, rec_seq. */
struct layout {
	uint16_t cipher_type;
	uint8_t iv_len, key_len, salt_len;
};

#define LAYOUT(type)                                                                               \
	{ TLS_CIPHER_##type, TLS_CIPHER_##type##_IV_SIZE, TLS_CIPHER_##type##_KEY_SIZE,            \
	  TLS_CIPHER_##type##_SALT_SIZE }
#define CHECK(type, name)                                                                          \
	_Static_assert(offsetof(struct name, key) ==                                               \
				       sizeof(struct tls_crypto_info) +                            \
					       TLS_CIPHER_##type##_IV_SIZE &&                      \
			       offsetof(struct name, rec_seq) + 8 == sizeof(struct name) &&        \
			       sizeof(struct name) <= KTLS_CRYPTO_INFO_MAX,                        \
		       "the layout of " #name)

static const struct layout layouts[RTLS_CIPHER_COUNT] = {
	[RTLS_CIPHER_AES_128_GCM] = LAYOUT(AES_GCM_128),
	[RTLS_CIPHER_AES_256_GCM] = LAYOUT(AES_GCM_256),
	[RTLS_CIPHER_CHACHA20_POLY1305] = LAYOUT(CHACHA20_POLY1305),
	[RTLS_CIPHER_AES_128_CCM] = LAYOUT(AES_CCM_128),
};
CHECK(AES_GCM_128, tls12_crypto_info_aes_gcm_128);
CHECK(AES_GCM_256, tls12_crypto_info_aes_gcm_256);
CHECK(CHACHA20_POLY1305, tls12_crypto_info_chacha20_poly1305);
CHECK(AES_CCM_128, tls12_crypto_info_aes_ccm_128);

static void put_seq(uint8_t *out, uint64_t seq)
{
	for (int i = 7; i >= 0; i--, seq >>= 8)
		out[i] = seq;
}

size_t ktls_crypto_info(enum rtls_cipher cipher, const struct rtls_key *key,
			uint8_t info[static KTLS_CRYPTO_INFO_MAX])
{
	const struct layout *layout = &layouts[cipher];
	struct tls_crypto_info head = { TLS_1_2_VERSION, layout->cipher_type };
	uint8_t *p = info;

	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	if (layout->salt_len)
		put_seq(p, key->seq);
	else
		memcpy(p, key->iv, layout->iv_len);
	p += layout->iv_len;
	memcpy(p, key->key, layout->key_len);
	p += layout->key_len;
	memcpy(p, key->iv, layout->salt_len);
	p += layout->salt_len;
	put_seq(p, key->seq);
	return p + 8 - info;
}
