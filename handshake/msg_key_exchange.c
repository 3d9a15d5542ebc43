// SPDX-License-Identifier: MIT
/*
 * ServerKeyExchange and ClientKeyExchange: ECDHE by RFC 8422 5.4 and 5.7, DHE by RFC 5246
 * 7.4.3 and 7.4.7.2, RSA by 7.4.7.1.
 */
#include <string.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "hs_internal.h"

#define NAMED_CURVE       3
#define DH_BITS_MIN       2048
#define DH_BITS_MAX       8192

/* A public value, in a vector whose length has one byte for points and two for numbers. */
static unsigned int length_bytes(const struct rtls_hs *hs)
{
	return hs->suite->kx == HS_KX_ECDHE ? 1 : 2;
}

static int put_public_value(struct rtls_hs *hs, struct wire_out *out)
{
	uint8_t value[HS_PUBLIC_MAX];
	size_t len = hs_public_value(hs->ephemeral, value);
	size_t begin = wire_begin_vector(out, length_bytes(hs));

	wire_put_bytes(out, value, len);
	wire_end_vector(out, begin, length_bytes(hs));
	return len ? 0 : hs_fault(hs, "an ephemeral key has no public value");
}

static struct wire_in get_public_value(struct rtls_hs *hs, struct wire_in *body)
{
	return wire_get_vector(body, length_bytes(hs), 1);
}

/* The premaster secret from the peer's public value. */
static int derive_premaster(struct rtls_hs *hs, struct wire_in value)
{
	enum hs_group_kind kind = hs->suite->kx == HS_KX_DHE ? HS_GROUP_FF : hs->group->kind;
	int ret = hs_derive(hs->ephemeral, kind, value.data, value.len, hs->secrets.premaster,
			    &hs->secrets.premaster_len);

	ERR_clear_error();
	if (ret < 0)
		return hs_fault(hs, "the key agreement failed");
	return ret ? hs_violation(hs, HS_V_BAD_PUBLIC_VALUE) : 0;
}

/* What a ServerKeyExchange signs: client_random + server_random + params. Here the former two. */
static void begin_signed_message(struct rtls_hs *hs)
{
	wire_put_bytes(&hs->key_exchange, hs->client_random, HS_RANDOM_LEN);
	wire_put_bytes(&hs->key_exchange, hs->server_random, HS_RANDOM_LEN);
}

static struct hs_blob signed_message(const struct rtls_hs *hs)
{
	return (struct hs_blob){ hs->key_exchange.data, hs->key_exchange.len };
}

/* ---- ServerKeyExchange, sent ----------------------------------------------------------- */

static int put_params(struct rtls_hs *hs)
{
	struct wire_out *out = &hs->key_exchange;

	if (hs->suite->kx == HS_KX_ECDHE) {
		wire_put_u8(out, NAMED_CURVE);
		wire_put_u16(out, hs->group->id);
	} else if (hs_dh_put_parameters(hs->ephemeral, out)) {
		return hs_fault(hs, "a group of DHE has no parameters");
	}
	return put_public_value(hs, out);
}

int server_key_exchange_sign(struct rtls_hs *hs, struct wire_in *body)
{
	int ret;

	(void)body;
	hs->ephemeral = hs_group_generate(hs->worker, hs->group);
	if (!hs->ephemeral)
		return hs_fault(hs, "generating an ephemeral key failed");
	begin_signed_message(hs);
	ret = put_params(hs);
	if (!ret && hs->key_exchange.bad)
		ret = hs_fault(hs, "no memory for a message");
	return ret ? ret : hs_key_use(hs, RTLS_HS_WANT_SIGN, signed_message(hs));
}

int server_key_exchange_send(struct rtls_hs *hs, struct wire_in *body)
{
	struct hs_blob message = signed_message(hs);

	(void)body;
	wire_put_bytes(&hs->out, message.data + 2 * HS_RANDOM_LEN,
		       message.len - 2 * HS_RANDOM_LEN);
	hs_put_signature(hs);
	wire_clear(&hs->key_exchange);
	return 0;
}

/* ---- ServerKeyExchange, received --------------------------------------------------------- */

/* Each of these reads the group and makes our own key in it. */

static int get_curve(struct rtls_hs *hs, struct wire_in *body)
{
	uint8_t curve_type = wire_get_u8(body);

	hs->group = hs_group_by_id(wire_get_u16(body));
	if (body->bad)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (curve_type != NAMED_CURVE || !hs->group || hs->group->kind == HS_GROUP_FF ||
	    !hs_is_group_configured(hs, hs->group))
		return hs_violation(hs, HS_V_GROUP_NOT_OFFERED);
	return 0;
}

static size_t bit_length(struct wire_in number)
{
	while (number.len && !*number.data)
		wire_get_u8(&number);
	return number.len ? 8 * number.len - (__builtin_clz(*number.data) - 24) : 0;
}

/* The group of RFC 7919 that these numbers are, for the report; NULL: the server's own. */
static const struct hs_group *named_prime(EVP_PKEY *parameters)
{
	char name[32] = "";

	EVP_PKEY_get_group_name(parameters, name, sizeof(name), NULL);
	return hs_group_by_name(name, strlen(name));
}

static int get_prime(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in p = wire_get_vector(body, 2, 1), g = wire_get_vector(body, 2, 1);
	size_t bits = bit_length(p);

	if (body->bad)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	/* Before any arithmetic: its cost grows with the cube of the length. */
	if (bits < DH_BITS_MIN || bits > DH_BITS_MAX)
		return hs_violation(hs, HS_V_DH_SIZE);
	hs->ephemeral = hs_dh_parameters(p, g); /* no key yet */
	ERR_clear_error();
	if (!hs->ephemeral)
		return hs_violation(hs, HS_V_BAD_PUBLIC_VALUE);
	hs->group = named_prime(hs->ephemeral);
	return 0;
}

/* Our own key, once it is known that the server has chosen the group. */
static int generate(struct rtls_hs *hs)
{
	EVP_PKEY *parameters = hs->ephemeral;

	hs->ephemeral = parameters ? hs_generate_like(parameters) : hs_group_generate(hs->worker, hs->group);
	EVP_PKEY_free(parameters);
	return hs->ephemeral ? 0 : hs_fault(hs, "generating an ephemeral key failed");
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
	begin_signed_message(hs);
	wire_put_bytes(&hs->key_exchange, params, body->data - params);
	if (hs->key_exchange.bad)
		return hs_fault(hs, "no memory for a message");
	ret = hs_check_signature(hs, signed_message(hs), body);
	wire_clear(&hs->key_exchange);
	if (!ret)
		ret = generate(hs);
	return ret ? ret : derive_premaster(hs, value);
}

/* ---- RSA: EncryptedPreMasterSecret ----------------------------------------------------------- */

static int encrypt_premaster(struct rtls_hs *hs)
{
	struct hs_secrets *secrets = &hs->secrets;
	uint8_t encrypted[RTLS_KEY_OUT_MAX];
	size_t len = sizeof(encrypted), begin;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(hs_peer_library(), hs->peer_chain->key, NULL);
	bool ok = ctx && RAND_priv_bytes(secrets->premaster, HS_RSA_PREMASTER_LEN) == 1;

	secrets->premaster[0] = HS_VERSION >> 8;
	secrets->premaster[1] = HS_VERSION & 0xff;
	secrets->premaster_len = HS_RSA_PREMASTER_LEN;
	ok = ok && EVP_PKEY_encrypt_init(ctx) > 0 &&
	     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
	     EVP_PKEY_encrypt(ctx, encrypted, &len, secrets->premaster, HS_RSA_PREMASTER_LEN) > 0;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return hs_fault(hs, "encrypting the premaster secret failed");
	begin = wire_begin_vector(&hs->out, 2);
	wire_put_bytes(&hs->out, encrypted, len);
	wire_end_vector(&hs->out, begin, 2);
	return 0;
}

/* What was encrypted outlives the message, since the private key may take its time. */
static int decrypt_premaster(struct rtls_hs *hs, struct wire_in encrypted)
{
	wire_put_bytes(&hs->key_exchange, encrypted.data, encrypted.len);
	if (hs->key_exchange.bad)
		return hs_fault(hs, "no memory for a message");
	return hs_key_use(hs, RTLS_HS_WANT_DECRYPT,
			  (struct hs_blob){ hs->key_exchange.data, hs->key_exchange.len });
}

/* ---- ClientKeyExchange -------------------------------------------------------------------------- */

int client_key_exchange_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	return hs->suite->kx == HS_KX_RSA ? encrypt_premaster(hs) : put_public_value(hs, &hs->out);
}

int client_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body)
{
	bool is_rsa = hs->suite->kx == HS_KX_RSA;
	struct wire_in value = is_rsa ? wire_get_vector(body, 2, 0) : get_public_value(hs, body);

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	return is_rsa ? decrypt_premaster(hs, value) : derive_premaster(hs, value);
}
