// SPDX-License-Identifier: MIT
/* ServerKeyExchange and ClientKeyExchange for ECDHE: RFC 8422 5.4, 5.7. */
#include <openssl/err.h>

#include "hs_internal.h"

#define NAMED_CURVE   3
#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

/* client_random + server_random + ServerECDHParams */
static void signed_parts(const struct rtls_hs *hs, struct hs_blob params, struct hs_blob parts[3])
{
	parts[0] = (struct hs_blob){ hs->client_random, HS_RANDOM_LEN };
	parts[1] = (struct hs_blob){ hs->server_random, HS_RANDOM_LEN };
	parts[2] = params;
}

/* Our own ephemeral key; its public point goes to the peer. */
static int generate_ephemeral(struct rtls_hs *hs)
{
	hs->ephemeral = hs_group_generate(hs->group, hs->own_point);
	return hs->ephemeral ? 0 : hs_fault(hs, "generating an ephemeral key failed");
}

/* The premaster secret from the peer's point; our key has done its work then. */
static int derive_premaster(struct rtls_hs *hs, struct wire_in point)
{
	int ret = hs_group_derive(hs->group, hs->ephemeral, point.data, point.len,
				  hs->secrets.premaster);

	EVP_PKEY_free(hs->ephemeral);
	hs->ephemeral = NULL;
	ERR_clear_error();
	if (ret < 0)
		return hs_fault(hs, "the key agreement failed");
	if (ret)
		return hs_violation(hs, HS_V_BAD_POINT);
	hs->secrets.premaster_len = hs->group->shared_len;
	return 0;
}

/* ---- ServerKeyExchange ---------------------------------------------------------------- */

int server_key_exchange_send(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_out *out = &hs->out;
	uint8_t signature[SIGNATURE_MAX];
	size_t params = out->len, signature_len = sizeof(signature), vector;
	struct hs_blob parts[3];
	int ret = generate_ephemeral(hs);

	(void)body;
	if (ret)
		return ret;
	wire_put_u8(out, NAMED_CURVE);
	wire_put_u16(out, hs->group->id);
	wire_put_u8(out, hs->group->point_len);
	wire_put_bytes(out, hs->own_point, hs->group->point_len);
	if (out->bad)
		return hs_fault(hs, "no memory");
	signed_parts(hs, (struct hs_blob){ out->data + params, out->len - params }, parts);
	if (hs_sign(hs->scheme, hs->identity->key, parts, 3, signature, &signature_len))
		return hs_fault(hs, "signing with the private key failed");
	wire_put_u16(out, hs->scheme->id);
	vector = wire_begin_vector(out, 2);
	wire_put_bytes(out, signature, signature_len);
	wire_end_vector(out, vector, 2);
	return 0;
}

static bool group_is_offered(const struct rtls_hs *hs, const struct hs_group *group)
{
	for (size_t i = 0; i < hs->config->groups_len; i++)
		if (hs->config->groups[i] == group)
			return true;
	return false;
}

int server_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body)
{
	const uint8_t *params = body->data;
	uint8_t curve_type = wire_get_u8(body);
	const struct hs_group *group = hs_group_by_id(wire_get_u16(body));
	struct wire_in point = wire_get_vector(body, 1, 1);
	size_t params_len = body->data - params;
	const struct hs_scheme *scheme = hs_scheme_by_id(wire_get_u16(body));
	struct wire_in signature = wire_get_vector(body, 2, 0);
	struct hs_blob parts[3];
	int ret;

	if (curve_type != NAMED_CURVE || !group || !group_is_offered(hs, group))
		return hs_violation(hs, HS_V_GROUP_NOT_OFFERED);
	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (!scheme || !hs_scheme_fits(scheme, hs->peer_key))
		return hs_violation(hs, HS_V_SIGNATURE_NOT_OFFERED);
	signed_parts(hs, (struct hs_blob){ params, params_len }, parts);
	if (!hs_verify_signature(scheme, hs->peer_key, parts, 3, signature.data, signature.len)) {
		ERR_clear_error();
		return hs_violation(hs, HS_V_BAD_SIGNATURE);
	}
	hs->group = group;
	hs->scheme = scheme;
	ret = generate_ephemeral(hs);
	return ret ? ret : derive_premaster(hs, point);
}

/* ---- ClientKeyExchange ------------------------------------------------------------------ */

int client_key_exchange_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	wire_put_u8(&hs->out, hs->group->point_len);
	wire_put_bytes(&hs->out, hs->own_point, hs->group->point_len);
	return 0;
}

int client_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in point = wire_get_vector(body, 1, 1);

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	return derive_premaster(hs, point);
}
