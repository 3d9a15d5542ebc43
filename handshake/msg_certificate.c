// SPDX-License-Identifier: MIT
/* Certificate: RFC 5246 7.4.2. */
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
static int check_key(struct rtls_hs *hs)
{
	const struct hs_chain *chain = hs->peer_chain;
	bool encrypts = hs->role == RTLS_CLIENT && hs->suite->kx == HS_KX_RSA;
	uint32_t usage = encrypts ? KU_KEY_ENCIPHERMENT : KU_DIGITAL_SIGNATURE;

	if (!chain->is_key_known || !is_kind_wanted(hs, chain->kind))
		return hs_violation(hs, HS_V_CERTIFICATE_KEY);
	if (!(X509_get_key_usage(chain->leaf) & usage))
		return hs_violation(hs, HS_V_CERTIFICATE_KEY_USAGE);
	if (hs_key_auth(chain->kind) == HS_AUTH_RSA &&
	    EVP_PKEY_get_bits(chain->key) < HS_RSA_BITS_MIN)
		return hs_violation(hs, HS_V_KEY_TOO_SMALL);
	if (EVP_PKEY_get_bits(chain->key) > HS_RSA_BITS_MAX)
		return hs_violation(hs, HS_V_KEY_TOO_LARGE);
	return 0;
}

/* A session remembers who the peer was: a client's chain is checked again. */
static int keep_in_session(struct rtls_hs *hs, struct wire_in list)
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
		if (hs->peer_chain->path)
			hs->session.expires = hs->peer_chain->valid_until;
	}
	wire_put_bytes(&hs->session.chain, begin, len);
	return hs->session.chain.bad ? hs_fault(hs, "no memory for the certificate chain") : 0;
}

/* A chain that is not empty: parsed, its key looked at, verified. */
static int take_chain(struct rtls_hs *hs, struct wire_in list)
{
	int ret = hs_chain_get(hs, list);

	if (ret < 0)
		ret = hs_fault(hs, "no memory for the certificate chain");
	else if (ret)
		ret = hs_violation(hs, ret);
	if (!ret)
		ret = check_key(hs);
	if (!ret)
		ret = hs_verify_chain(hs);
	if (!ret)
		ret = keep_in_session(hs, list);
	if (!ret)
		hs_chain_remember(hs);
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
