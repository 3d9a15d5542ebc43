// SPDX-License-Identifier: MIT
/* Certificate: RFC 5246 7.4.2. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

int certificate_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	/* A client that has none to show says so: RFC 5246 7.4.6. */
	if (hs->identity)
		wire_put_bytes(&hs->out, hs->identity->message.data, hs->identity->message.len);
	else
		wire_put_u24(&hs->out, 0);
	return 0;
}

/* Is a key of this kind what the suite asks of a server, or our schemes of a client? */
static bool is_kind_wanted(const struct rtls_hs *hs, enum hs_key_kind kind)
{
	if (hs->role == RTLS_CLIENT)
		return hs_key_auth(kind) == hs->suite->auth &&
		       (hs->suite->kx != HS_KX_RSA || kind == HS_KEY_RSA);
	for (size_t i = 0; i < hs->config->schemes_len; i++)
		if (hs->config->schemes[i]->kind == kind)
			return true;
	return false;
}

/* Can this leaf's key do what is asked of it? */
static int check_key(struct rtls_hs *hs, X509 *leaf, EVP_PKEY *key)
{
	bool encrypts = hs->role == RTLS_CLIENT && hs->suite->kx == HS_KX_RSA;
	uint32_t usage = encrypts ? KU_KEY_ENCIPHERMENT : KU_DIGITAL_SIGNATURE;
	enum hs_key_kind kind;

	if (!key || !hs_key_kind(key, &kind) || !is_kind_wanted(hs, kind) ||
	    (kind == HS_KEY_EC && !hs_key_group(key)))
		return hs_violation(hs, HS_V_CERTIFICATE_KEY);
	if (!(X509_get_key_usage(leaf) & usage))
		return hs_violation(hs, HS_V_CERTIFICATE_KEY_USAGE);
	if (hs_key_auth(kind) == HS_AUTH_RSA && EVP_PKEY_get_bits(key) < HS_RSA_BITS_MIN)
		return hs_violation(hs, HS_V_KEY_TOO_SMALL);
	if (EVP_PKEY_get_bits(key) > HS_RSA_BITS_MAX)
		return hs_violation(hs, HS_V_KEY_TOO_LARGE);
	return 0;
}

/* ASN.1Cert certificate_list<0..2^24-1>; 0, or the violation, or -ENOMEM. */
static int read_chain(struct wire_in list, STACK_OF(X509) *chain)
{
	while (wire_more(&list)) {
		struct wire_in der = wire_get_vector(&list, 3, 1);
		const uint8_t *p = der.data;
		X509 *certificate;

		if (der.bad)
			return HS_V_MESSAGE_SYNTAX;
		if (sk_X509_num(chain) == HS_CHAIN_MAX)
			return HS_V_CHAIN_TOO_LONG;
		certificate = d2i_X509(NULL, &p, der.len);
		if (!certificate || p != der.data + der.len) {
			X509_free(certificate);
			ERR_clear_error();
			return HS_V_CERTIFICATE_SYNTAX;
		}
		if (!sk_X509_push(chain, certificate)) {
			X509_free(certificate);
			return -ENOMEM;
		}
	}
	return 0;
}

STACK_OF(X509) *hs_chain_decode(struct wire_in list)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (chain && !read_chain(list, chain))
		return chain;
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

/* The first moment at which one of these is no longer valid. */
static int64_t end_of_validity(STACK_OF(X509) *chain)
{
	int64_t end = INT64_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		int64_t t = 1; /* long ago, if it cannot be read */

		hs_seconds(X509_get0_notAfter(sk_X509_value(chain, i)), &t);
		if (t < end)
			end = t;
	}
	return end;
}

/* A session remembers who the peer was: a client's chain is checked again. */
static int remember_chain(struct rtls_hs *hs, struct wire_in list, STACK_OF(X509) *chain)
{
	const struct rtls_config *config = hs->config;
	const uint8_t *begin = list.data;
	size_t len = list.len;

	if (!config->session_store && !config->ticket_keys)
		return 0;
	if (hs->role == RTLS_CLIENT) {
		/* The rest is for the application, if it wants to be asked. */
		if (!config->verify_callback)
			len = 3 + wire_get_vector(&list, 3, 0).len;
		hs->session.expires = end_of_validity(chain);
	}
	wire_put_bytes(&hs->session.chain, begin, len);
	return hs->session.chain.bad ? hs_fault(hs, "no memory for the certificate chain") : 0;
}

/* A chain that is not empty: parsed, its key looked at, verified. */
static int take_chain(struct rtls_hs *hs, struct wire_in list)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	int ret = chain ? read_chain(list, chain) : -ENOMEM;
	X509 *leaf;

	if (ret) {
		ret = ret < 0 ? hs_fault(hs, "no memory for the certificate chain")
			      : hs_violation(hs, ret);
		goto out;
	}
	leaf = sk_X509_value(chain, 0);
	ret = check_key(hs, leaf, X509_get0_pubkey(leaf));
	if (!ret)
		ret = hs_verify_chain(hs, chain);
	if (!ret)
		ret = remember_chain(hs, list, chain);
	if (!ret) {
		X509_up_ref(leaf);
		hs->peer_leaf = leaf;
		hs->peer_key = X509_get0_pubkey(leaf);
	}
out:
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return ret;
}

int server_certificate_recv(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in list = wire_get_vector(body, 3, 0);

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (!list.len)
		return hs_violation(hs, HS_V_NO_CERTIFICATE);
	return take_chain(hs, list);
}

int client_certificate_recv(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in list = wire_get_vector(body, 3, 0);

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (list.len)
		return take_chain(hs, list);
	if (hs->config->client_auth == RTLS_CLIENT_AUTH_REQUIRE)
		return hs_violation(hs, HS_V_NO_CLIENT_CERTIFICATE);
	hs_transcript_forget(&hs->transcript); /* there will be no signature */
	return 0;
}
