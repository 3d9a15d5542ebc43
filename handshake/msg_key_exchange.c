// SPDX-License-Identifier: MIT
/*
 * ServerKeyExchange and ClientKeyExchange: ECDHE by RFC 8422 5.4 and 5.7, DHE by RFC 5246
 * 7.4.3 and 7.4.7.2, RSA by 7.4.7.1.
 */
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "hs_internal.h"

#define NAMED_CURVE       3
#define SIGNATURE_MAX     1024 /* RSA of 8192 bits */
#define DH_BITS_MIN       2048
#define DH_BITS_MAX       8192
#define RSA_PREMASTER_LEN 48

/* A public value, in a vector whose length has one byte for points and two for numbers. */
static unsigned int length_bytes(const struct rtls_hs *hs)
{
	return hs->suite->kx == HS_KX_ECDHE ? 1 : 2;
}

static int put_public_value(struct rtls_hs *hs)
{
	uint8_t value[HS_PUBLIC_MAX];
	size_t len = hs_public_value(hs->ephemeral, value);
	size_t begin = wire_begin_vector(&hs->out, length_bytes(hs));

	wire_put_bytes(&hs->out, value, len);
	wire_end_vector(&hs->out, begin, length_bytes(hs));
	return len ? 0 : hs_fault(hs, "an ephemeral key has no public value");
}

static struct wire_in get_public_value(struct rtls_hs *hs, struct wire_in *body)
{
	return wire_get_vector(body, length_bytes(hs), 1);
}

/* The premaster secret from the peer's public value. */
static int derive_premaster(struct rtls_hs *hs, struct wire_in value)
{
	int ret = hs_derive(hs->ephemeral, value.data, value.len, hs->secrets.premaster,
			    &hs->secrets.premaster_len);

	ERR_clear_error();
	if (ret < 0)
		return hs_fault(hs, "the key agreement failed");
	return ret ? hs_violation(hs, HS_V_BAD_PUBLIC_VALUE) : 0;
}

/* What a ServerKeyExchange signs: client_random + server_random + params */
static struct wire_out signed_message(const struct rtls_hs *hs, const uint8_t *params, size_t len)
{
	struct wire_out message = { 0 };

	wire_put_bytes(&message, hs->client_random, HS_RANDOM_LEN);
	wire_put_bytes(&message, hs->server_random, HS_RANDOM_LEN);
	wire_put_bytes(&message, params, len);
	return message;
}

/* ---- ServerKeyExchange, sent ----------------------------------------------------------- */

static int put_params(struct rtls_hs *hs)
{
	if (hs->suite->kx == HS_KX_ECDHE) {
		wire_put_u8(&hs->out, NAMED_CURVE);
		wire_put_u16(&hs->out, hs->group->id);
	} else if (hs_dh_put_parameters(hs->ephemeral, &hs->out)) {
		return hs_fault(hs, "a group of DHE has no parameters");
	}
	return put_public_value(hs);
}

static int put_signature(struct rtls_hs *hs, size_t params)
{
	struct wire_out *out = &hs->out;
	struct wire_out message = signed_message(hs, out->data + params, out->len - params);
	uint8_t signature[SIGNATURE_MAX];
	size_t len = sizeof(signature), vector;
	int ret = RTLS_ERR_CRYPTO;

	if (!message.bad)
		ret = hs_sign(hs->scheme, hs->identity->key,
			      (struct hs_blob){ message.data, message.len }, signature, &len);
	wire_clear(&message);
	if (ret)
		return hs_fault(hs, "signing with the private key failed");
	wire_put_u16(out, hs->scheme->id);
	vector = wire_begin_vector(out, 2);
	wire_put_bytes(out, signature, len);
	wire_end_vector(out, vector, 2);
	return 0;
}

int server_key_exchange_send(struct rtls_hs *hs, struct wire_in *body)
{
	size_t params = hs->out.len;
	int ret;

	(void)body;
	hs->ephemeral = hs_group_generate(hs->group);
	if (!hs->ephemeral)
		return hs_fault(hs, "generating an ephemeral key failed");
	ret = put_params(hs);
	if (!ret && hs->out.bad)
		ret = hs_fault(hs, "no memory for a message");
	return ret ? ret : put_signature(hs, params);
}

/* ---- ServerKeyExchange, received --------------------------------------------------------- */

static bool group_is_offered(const struct rtls_hs *hs, const struct hs_group *group)
{
	for (size_t i = 0; i < hs->config->groups_len; i++)
		if (hs->config->groups[i] == group)
			return true;
	return false;
}

/* Each of these reads the group and makes our own key in it. */

static int get_curve(struct rtls_hs *hs, struct wire_in *body)
{
	uint8_t curve_type = wire_get_u8(body);

	hs->group = hs_group_by_id(wire_get_u16(body));
	if (body->bad)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (curve_type != NAMED_CURVE || !hs->group || hs->group->kind == HS_GROUP_FF ||
	    !group_is_offered(hs, hs->group))
		return hs_violation(hs, HS_V_GROUP_NOT_OFFERED);
	hs->ephemeral = hs_group_generate(hs->group);
	return hs->ephemeral ? 0 : hs_fault(hs, "generating an ephemeral key failed");
}

static size_t bit_length(struct wire_in number)
{
	while (number.len && !*number.data)
		wire_get_u8(&number);
	return number.len ? 8 * number.len - (__builtin_clz(*number.data) - 24) : 0;
}

static int get_prime(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in p = wire_get_vector(body, 2, 1), g = wire_get_vector(body, 2, 1);
	size_t bits = bit_length(p);
	EVP_PKEY *parameters;

	if (body->bad)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	/* Before any arithmetic: its cost grows with the cube of the length. */
	if (bits < DH_BITS_MIN || bits > DH_BITS_MAX)
		return hs_violation(hs, HS_V_DH_SIZE);
	parameters = hs_dh_parameters(p, g);
	ERR_clear_error();
	if (!parameters)
		return hs_violation(hs, HS_V_BAD_PUBLIC_VALUE);
	hs->ephemeral = hs_generate_like(parameters);
	EVP_PKEY_free(parameters);
	return hs->ephemeral ? 0 : hs_fault(hs, "generating an ephemeral key failed");
}

static bool scheme_is_offered(const struct rtls_hs *hs, const struct hs_scheme *scheme)
{
	for (size_t i = 0; i < hs->config->schemes_len; i++)
		if (hs->config->schemes[i] == scheme)
			return hs_scheme_fits(scheme, hs->peer_key);
	return false;
}

static int check_signature(struct rtls_hs *hs, const uint8_t *params, size_t params_len,
			   struct wire_in *body)
{
	const struct hs_scheme *scheme = hs_scheme_by_id(wire_get_u16(body));
	struct wire_in signature = wire_get_vector(body, 2, 0);
	struct wire_out message;
	bool ok;

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (!scheme_is_offered(hs, scheme))
		return hs_violation(hs, HS_V_SIGNATURE_NOT_OFFERED);
	message = signed_message(hs, params, params_len);
	ok = !message.bad && hs_verify_signature(scheme, hs->peer_key,
						 (struct hs_blob){ message.data, message.len },
						 (struct hs_blob){ signature.data, signature.len });
	wire_clear(&message);
	ERR_clear_error();
	hs->scheme = scheme;
	return ok ? 0 : hs_violation(hs, HS_V_BAD_SIGNATURE);
}

int server_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body)
{
	const uint8_t *params = body->data;
	struct wire_in value;
	int ret = hs->suite->kx == HS_KX_ECDHE ? get_curve(hs, body) : get_prime(hs, body);

	if (ret)
		return ret;
	value = get_public_value(hs, body);
	if (value.bad)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	ret = check_signature(hs, params, body->data - params, body);
	return ret ? ret : derive_premaster(hs, value);
}

/* ---- RSA: EncryptedPreMasterSecret ----------------------------------------------------------- */

static int encrypt_premaster(struct rtls_hs *hs)
{
	struct hs_secrets *secrets = &hs->secrets;
	uint8_t encrypted[SIGNATURE_MAX];
	size_t len = sizeof(encrypted), begin;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, hs->peer_key, NULL);
	bool ok = ctx && RAND_priv_bytes(secrets->premaster, RSA_PREMASTER_LEN) == 1;

	secrets->premaster[0] = HS_VERSION >> 8;
	secrets->premaster[1] = HS_VERSION & 0xff;
	secrets->premaster_len = RSA_PREMASTER_LEN;
	ok = ok && EVP_PKEY_encrypt_init(ctx) > 0 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
	     EVP_PKEY_encrypt(ctx, encrypted, &len, secrets->premaster, RSA_PREMASTER_LEN) > 0;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return hs_fault(hs, "encrypting the premaster secret failed");
	begin = wire_begin_vector(&hs->out, 2);
	wire_put_bytes(&hs->out, encrypted, len);
	wire_end_vector(&hs->out, begin, 2);
	return 0;
}

/*
 * RFC 5246 7.4.7.1: whatever is wrong with what comes out, padding, length or version, a
 * random premaster secret takes its place, in constant time (libcrypto's, by this padding
 * mode), and Finished will not fit. What can be seen from outside (too long, no number below
 * the modulus) ends the same way.
 */
static int decrypt_premaster(struct rtls_hs *hs, struct wire_in encrypted)
{
	struct hs_secrets *secrets = &hs->secrets;
	unsigned int version = hs->client_version;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &version),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, hs->identity->key, NULL);
	size_t len = sizeof(secrets->premaster);
	bool ok = ctx && RAND_priv_bytes(secrets->premaster, RSA_PREMASTER_LEN) == 1 &&
		  EVP_PKEY_decrypt_init(ctx) > 0 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_WITH_TLS_PADDING) > 0 &&
		  EVP_PKEY_CTX_set_params(ctx, params) > 0;

	if (ok)
		EVP_PKEY_decrypt(ctx, secrets->premaster, &len, encrypted.data, encrypted.len);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	secrets->premaster_len = RSA_PREMASTER_LEN;
	return ok ? 0 : hs_fault(hs, "setting up the decryption failed");
}

/* ---- ClientKeyExchange -------------------------------------------------------------------------- */

int client_key_exchange_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	return hs->suite->kx == HS_KX_RSA ? encrypt_premaster(hs) : put_public_value(hs);
}

int client_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body)
{
	bool is_rsa = hs->suite->kx == HS_KX_RSA;
	struct wire_in value = is_rsa ? wire_get_vector(body, 2, 0) : get_public_value(hs, body);

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	return is_rsa ? decrypt_premaster(hs, value) : derive_premaster(hs, value);
}
