// SPDX-License-Identifier: MIT
/*
 * Is this chain good for this peer, now? RFC 5280 by libcrypto: chain, time, purpose, and
 * host name or IP address. RFC 5246 7.2.2 for the alerts.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

static const struct {
	int error;
	enum rtls_alert alert;
} alerts[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, RTLS_ALERT_CERTIFICATE_EXPIRED },
	{ X509_V_ERR_CERT_NOT_YET_VALID, RTLS_ALERT_CERTIFICATE_EXPIRED },
	{ X509_V_ERR_CERT_REVOKED, RTLS_ALERT_CERTIFICATE_REVOKED },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_INVALID_CA, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_INVALID_PURPOSE, RTLS_ALERT_UNSUPPORTED_CERTIFICATE },
	{ X509_V_ERR_CERT_UNTRUSTED, RTLS_ALERT_BAD_CERTIFICATE },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, RTLS_ALERT_DECRYPT_ERROR },
	{ X509_V_ERR_HOSTNAME_MISMATCH, RTLS_ALERT_BAD_CERTIFICATE },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, RTLS_ALERT_BAD_CERTIFICATE },
	{ X509_V_ERR_OUT_OF_MEM, RTLS_ALERT_INTERNAL_ERROR },
};

static int refuse(struct rtls_hs *hs, int error, int depth)
{
	enum rtls_alert alert = RTLS_ALERT_BAD_CERTIFICATE;
	const char *words = X509_verify_cert_error_string(error);

	for (size_t i = 0; i < sizeof(alerts) / sizeof(*alerts); i++)
		if (alerts[i].error == error)
			alert = alerts[i].alert;
	if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
		return hs_fail(hs, alert, "the certificate is not for %s", hs->server_name);
	if (depth)
		return hs_fail(hs, alert, "certificate %d above the server's: %s", depth, words);
	return hs_fail(hs, alert, "the server's certificate: %s", words);
}

/* What is asked of the chain, besides leading to a trusted root. */
static bool set_expectations(struct rtls_hs *hs, X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_time(param, hs->config->now(hs->config->now_arg));
	X509_VERIFY_PARAM_set_depth(param, HS_CHAIN_MAX);
	/* 112 bits all the way up: no RSA below 2048, no SHA-1 or MD5 in a signature. */
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	/* Names stand in subjectAltName, RFC 6125 6.4.4; the subject is for people. */
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (!X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER))
		return false;
	return hs->server_name_is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, hs->server_name)
				     : X509_VERIFY_PARAM_set1_host(param, hs->server_name, 0);
}

int hs_verify_chain(struct rtls_hs *hs, X509 *leaf, STACK_OF(X509) *chain)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int ret = 0;

	if (!ctx || !X509_STORE_CTX_init(ctx, hs->config->trust, leaf, chain) ||
	    !set_expectations(hs, ctx))
		ret = hs_fault(hs, "setting up the verification failed");
	else if (X509_verify_cert(ctx) != 1)
		ret = refuse(hs, X509_STORE_CTX_get_error(ctx),
			     X509_STORE_CTX_get_error_depth(ctx));
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ret;
}
