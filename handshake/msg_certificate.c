// SPDX-License-Identifier: MIT
/* Certificate: RFC 5246 7.4.2. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

#define RSA_BITS_MIN 2048

int certificate_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	wire_put_bytes(&hs->out, hs->identity->message.data, hs->identity->message.len);
	return 0;
}

/* Can this leaf's key do what the suite asks of it? */
static int check_key(struct rtls_hs *hs, X509 *leaf, EVP_PKEY *key)
{
	uint32_t usage = hs->suite->kx == HS_KX_RSA ? KU_KEY_ENCIPHERMENT : KU_DIGITAL_SIGNATURE;
	enum hs_key_kind kind;

	if (!key || !hs_key_kind(key, &kind) || hs_key_auth(kind) != hs->suite->auth ||
	    (hs->suite->kx == HS_KX_RSA && kind != HS_KEY_RSA) ||
	    (kind == HS_KEY_EC && !hs_key_group(key)))
		return hs_violation(hs, HS_V_CERTIFICATE_KEY);
	if (!(X509_get_key_usage(leaf) & usage))
		return hs_violation(hs, HS_V_CERTIFICATE_KEY_USAGE);
	if (hs->suite->auth == HS_AUTH_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		return hs_violation(hs, HS_V_KEY_TOO_SMALL);
	return 0;
}

static int read_chain(struct rtls_hs *hs, struct wire_in *list, STACK_OF(X509) *chain)
{
	while (wire_more(list)) {
		struct wire_in der = wire_get_vector(list, 3, 1);
		const uint8_t *p = der.data;
		X509 *certificate;

		if (der.bad)
			return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
		if (sk_X509_num(chain) == HS_CHAIN_MAX)
			return hs_violation(hs, HS_V_CHAIN_TOO_LONG);
		certificate = d2i_X509(NULL, &p, der.len);
		if (!certificate || p != der.data + der.len) {
			X509_free(certificate);
			ERR_clear_error();
			return hs_violation(hs, HS_V_CERTIFICATE_SYNTAX);
		}
		if (!sk_X509_push(chain, certificate)) {
			X509_free(certificate);
			return hs_fault(hs, "no memory for the certificate chain");
		}
	}
	return 0;
}

int server_certificate_recv(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_in list = wire_get_vector(body, 3, 0);
	STACK_OF(X509) *chain;
	X509 *leaf;
	int ret;

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (!list.len)
		return hs_violation(hs, HS_V_NO_CERTIFICATE);
	chain = sk_X509_new_null();
	if (!chain)
		return hs_fault(hs, "no memory for the certificate chain");
	ret = read_chain(hs, &list, chain);
	if (ret)
		goto out;
	leaf = sk_X509_value(chain, 0);
	ret = check_key(hs, leaf, X509_get0_pubkey(leaf));
	if (!ret && hs->config->verify)
		ret = hs_verify_chain(hs, leaf, chain);
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
