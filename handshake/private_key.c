// SPDX-License-Identifier: MIT
/*
 * The private key of our identity: it signs a ServerKeyExchange or a CertificateVerify, or
 * decrypts a premaster secret. At once, or, where the configuration says so, elsewhere: then
 * the handshake waits until the caller brings the result.
 */
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "hs_internal.h"

/* 0xff if it is 0, else 0: no branch, since what is looked at is secret. */
static uint8_t mask_if_zero(uint32_t value)
{
	return (uint8_t)(((uint64_t)value - 1) >> 56);
}

/*
 * EME-PKCS1-v1_5: 00 02, random bytes none of which is 0, 00, premaster secret. What is wrong
 * is not told by a branch, since it is secret: RFC 5246 7.4.7.1.
 */
static void take_off_padding(struct rtls_key_operation *operation)
{
	uint8_t *out = operation->out, *end = out + operation->out_len - HS_RSA_PREMASTER_LEN - 1;
	uint32_t wrong = out[0] | (out[1] ^ 2) | *end;
	int right;

	for (const uint8_t *p = out + 2; p < end; p++)
		wrong |= mask_if_zero(*p);
	right = mask_if_zero(wrong) & 1;
	memmove(out, end + 1, HS_RSA_PREMASTER_LEN);
	OPENSSL_cleanse(out + HS_RSA_PREMASTER_LEN, sizeof(operation->out) - HS_RSA_PREMASTER_LEN);
	operation->out_len = HS_RSA_PREMASTER_LEN;
	operation->error = RTLS_ERR_CRYPTO & (right - 1);
}

/*
 * The bare number, because libcrypto 3.0 takes padding off in memory that it frees without
 * wiping it. It is as long as the key, whatever it is.
 */
static int decrypt(struct rtls_key_operation *operation)
{
	size_t len = EVP_PKEY_get_size(operation->key);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, operation->key, NULL);
	bool ok = ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0;

	operation->error = 0;
	/* What can be seen from outside (too long, no number below the modulus) ends the same way. */
	if (ok && EVP_PKEY_decrypt(ctx, operation->out, &operation->out_len, operation->in,
				   operation->in_len) > 0 &&
	    operation->out_len == len && len > HS_RSA_PREMASTER_LEN + 3)
		take_off_padding(operation);
	else
		operation->out_len = 0;
	EVP_PKEY_CTX_free(ctx);
	return ok ? operation->error : RTLS_ERR_CRYPTO;
}

/* @hs: whose key is used here and now; NULL: it is somewhere else. */
static void run(struct rtls_hs *hs, struct rtls_key_operation *operation)
{
	struct hs_blob in = { operation->in, operation->in_len };

	operation->out_len = sizeof(operation->out);
	if (operation->want == RTLS_HS_WANT_DECRYPT)
		operation->error = decrypt(operation);
	else if (hs)
		operation->error = hs_sign_again(hs, operation->key, in, operation->out,
						 &operation->out_len);
	else
		operation->error = hs_sign(hs_scheme_by_id(operation->scheme), operation->key, in,
					   operation->out, &operation->out_len);
	ERR_clear_error();
}

void rtls_key_operation_run(struct rtls_key_operation *operation)
{
	run(NULL, operation);
}

static void describe(const struct rtls_hs *hs, struct rtls_key_operation *operation)
{
	operation->want = hs->key_want;
	operation->key = hs->identity->key;
	operation->scheme = hs->scheme ? hs->scheme->id : 0;
	operation->client_version = hs->client_version;
	operation->in = hs->key_input.data;
	operation->in_len = hs->key_input.len;
}

/* The premaster secret, or a random one if it is not what it should be: RFC 5246 7.4.7.1. */
static int take_premaster(struct rtls_hs *hs, const struct rtls_key_operation *operation)
{
	const uint8_t *out = operation->out;
	uint8_t *premaster = hs->secrets.premaster;
	/* An HSM may call wrong padding an error: that must not be seen either. */
	uint32_t wrong = ((uint32_t)operation->out_len ^ HS_RSA_PREMASTER_LEN) |
			 (uint32_t)operation->error;
	uint8_t right;

	if (RAND_priv_bytes(premaster, HS_RSA_PREMASTER_LEN) != 1)
		return hs_fault(hs, "no random numbers");
	wrong |= out[0] ^ hs->client_version >> 8;
	wrong |= out[1] ^ (hs->client_version & 0xff);
	right = mask_if_zero(wrong);
	for (size_t i = 0; i < HS_RSA_PREMASTER_LEN; i++)
		premaster[i] ^= right & (premaster[i] ^ out[i]);
	hs->secrets.premaster_len = HS_RSA_PREMASTER_LEN;
	return 0;
}

static int take_result(struct rtls_hs *hs, const struct rtls_key_operation *operation)
{
	hs->key_want = RTLS_HS_WANT_INPUT;
	/* Whether it went well, or how long it is, may not be looked at by a branch. */
	if (operation->want == RTLS_HS_WANT_DECRYPT)
		return take_premaster(hs, operation);
	if (operation->error || operation->out_len > sizeof(operation->out))
		return hs_fault(hs, "using the private key failed");
	wire_clear(&hs->signature);
	wire_put_bytes(&hs->signature, operation->out, operation->out_len);
	return hs->signature.bad ? hs_fault(hs, "no memory for a signature") : 0;
}

int hs_key_use(struct rtls_hs *hs, enum rtls_hs_status want, struct hs_blob input)
{
	struct rtls_key_operation operation = { 0 };
	int ret;

	hs->key_want = want;
	hs->key_input = input;
	if (hs->config->external_keys)
		return 0; /* run_own_rows() stops here */
	describe(hs, &operation);
	run(hs, &operation);
	ret = take_result(hs, &operation);
	OPENSSL_cleanse(&operation, sizeof(operation));
	return ret;
}

struct rtls_key_operation *rtls_hs_key_operation(const struct rtls_hs *hs)
{
	struct rtls_key_operation *operation;
	uint8_t *input;

	if (hs->error || hs->key_want == RTLS_HS_WANT_INPUT)
		return NULL;
	operation = OPENSSL_zalloc(sizeof(*operation) + hs->key_input.len);
	if (!operation)
		return NULL;
	describe(hs, operation);
	input = (uint8_t *)(operation + 1);
	memcpy(input, hs->key_input.data, hs->key_input.len);
	operation->in = input;
	EVP_PKEY_up_ref(operation->key);
	return operation;
}

void rtls_key_operation_free(struct rtls_key_operation *operation)
{
	if (!operation)
		return;
	EVP_PKEY_free(operation->key);
	OPENSSL_clear_free(operation, sizeof(*operation) + operation->in_len);
}

int rtls_hs_key_done(struct rtls_hs *hs, const struct rtls_key_operation *operation)
{
	int ret;

	if (hs->error)
		return hs->error;
	if (hs->key_want == RTLS_HS_WANT_INPUT || operation->want != hs->key_want ||
	    rtls_hs_status(hs) != hs->key_want)
		return RTLS_ERR_STATE;
	ret = take_result(hs, operation);
	return ret ? ret : hs_go_on(hs);
}
