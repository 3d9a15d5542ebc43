// SPDX-License-Identifier: MIT
/* CertificateRequest and CertificateVerify: RFC 5246 7.4.4, 7.4.8. */
#include <openssl/err.h>

#include "hs_internal.h"

/* ClientCertificateType, RFC 5246 7.4.4 and RFC 8422 5.5, where ecdsa_sign means EdDSA too. */
#define RSA_SIGN   1
#define ECDSA_SIGN 64

/* So many bytes of names of authorities at most; longer lists say "any". */
#define AUTHORITIES_MAX 16000

/* ---- CertificateRequest ------------------------------------------------------------ */

static bool has_scheme_for(const struct rtls_config *config, enum hs_auth auth)
{
	for (size_t i = 0; i < config->schemes_len; i++)
		if (hs_key_auth(config->schemes[i]->kind) == auth)
			return true;
	return false;
}

/* The names of those whose certificates are trusted: distinguished names in DER. */
static void put_authorities(const struct rtls_config *config, struct wire_out *out)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(config->trust);
	size_t list = wire_begin_vector(out, 2);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		const uint8_t *der;
		size_t len, name;

		if (!authority ||
		    !X509_NAME_get0_der(X509_get_subject_name(authority), &der, &len))
			continue;
		name = wire_begin_vector(out, 2);
		wire_put_bytes(out, der, len);
		wire_end_vector(out, name, 2);
	}
	if (out->len - list > AUTHORITIES_MAX)
		out->len = list;
	wire_end_vector(out, list, 2);
}

int hs_certificate_request_build(struct rtls_config *config)
{
	struct wire_out *out = &config->certificate_request;
	size_t types, schemes;

	wire_clear(out);
	types = wire_begin_vector(out, 1);

	if (has_scheme_for(config, HS_AUTH_RSA))
		wire_put_u8(out, RSA_SIGN);
	if (has_scheme_for(config, HS_AUTH_ECDSA))
		wire_put_u8(out, ECDSA_SIGN);
	wire_end_vector(out, types, 1);
	schemes = wire_begin_vector(out, 2);
	for (size_t i = 0; i < config->schemes_len; i++)
		wire_put_u16(out, config->schemes[i]->id);
	wire_end_vector(out, schemes, 2);
	put_authorities(config, out);
	return out->bad ? RTLS_ERR_CRYPTO : 0;
}

int certificate_request_send(struct rtls_hs *hs, struct wire_in *body)
{
	const struct wire_out *request = &hs->config->certificate_request;

	(void)body;
	wire_put_bytes(&hs->out, request->data, request->len);
	return 0;
}

/* Has one of these authorities issued a certificate of this chain? An empty list means any. */
static bool is_issued_by(const struct hs_identity *identity, struct wire_in authorities)
{
	if (!authorities.len)
		return true;
	while (wire_more(&authorities)) {
		struct wire_in name = wire_get_vector(&authorities, 2, 1);

		if (!name.bad && hs_identity_has_issuer(identity, name))
			return true;
	}
	return false;
}

/* Our first scheme that the server has and the key can do; NULL: the identity is of no use. */
static const struct hs_scheme *scheme_for(const struct rtls_hs *hs, uint32_t types,
					  const struct hs_identity *identity)
{
	enum hs_auth auth = hs_key_auth(identity->kind);

	return types & 1u << auth ? hs_choose_scheme(hs, identity) : NULL;
}

/*
 * The first identity issued by one of the authorities; else the first that can sign at all:
 * it was configured to be shown, and lists of authorities are often not complete.
 */
static void choose_identity(struct rtls_hs *hs, uint32_t types, struct wire_in authorities)
{
	const struct rtls_config *config = hs->config;

	for (int issued = 1; issued >= 0 && !hs->identity; issued--)
		for (size_t i = 0; i < config->identities_len && !hs->identity; i++) {
			const struct hs_identity *identity = &config->identities[i];
			const struct hs_scheme *scheme = scheme_for(hs, types, identity);

			if (scheme && (!issued || is_issued_by(identity, authorities))) {
				hs->identity = identity;
				hs->scheme = scheme;
			}
		}
}

/* Bits are enum hs_auth. */
static uint32_t read_types(struct wire_in types)
{
	uint32_t auths = 0;

	while (wire_more(&types)) {
		uint8_t type = wire_get_u8(&types);

		if (type == RSA_SIGN)
			auths |= 1u << HS_AUTH_RSA;
		if (type == ECDSA_SIGN)
			auths |= 1u << HS_AUTH_ECDSA;
	}
	return auths;
}

static bool authorities_are_good(struct wire_in authorities)
{
	while (wire_more(&authorities))
		wire_get_vector(&authorities, 2, 1);
	return !authorities.bad;
}

int certificate_request_recv(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in types = wire_get_vector(body, 1, 1);
	struct wire_in schemes = wire_get_vector(body, 2, 2);
	struct wire_in authorities = wire_get_vector(body, 2, 0);

	if (!wire_is_done(body) || schemes.len % 2 || !authorities_are_good(authorities))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	hs->certificate_requested = true;
	hs->offered_schemes = hs_read_schemes(schemes);
	choose_identity(hs, read_types(types), authorities);
	return 0;
}

/* ---- CertificateVerify --------------------------------------------------------------- */

int certificate_verify_sign(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	return hs_key_use(hs, RTLS_HS_WANT_SIGN, hs_transcript_messages(&hs->transcript));
}

int certificate_verify_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	hs_put_signature(hs);
	hs_transcript_forget(&hs->transcript);
	return 0;
}

int certificate_verify_recv(struct rtls_hs *hs, struct wire_in *body)
{
	int ret = hs_check_signature(hs, hs_transcript_messages(&hs->transcript), body);

	if (!ret)
		hs_transcript_forget(&hs->transcript);
	return ret;
}
