// SPDX-License-Identifier: MIT
/*
 * Is this chain good for this peer, now? RFC 5280 by libcrypto: chain, time, purpose, and
 * host name or IP address. RFC 5246 7.2.2 for the alerts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
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
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_INVALID_CA, RTLS_ALERT_UNKNOWN_CA },
	{ X509_V_ERR_INVALID_PURPOSE, RTLS_ALERT_UNSUPPORTED_CERTIFICATE },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, RTLS_ALERT_BAD_CERTIFICATE },
	{ X509_V_ERR_HOSTNAME_MISMATCH, RTLS_ALERT_BAD_CERTIFICATE },
	{ X509_V_ERR_IP_ADDRESS_MISMATCH, RTLS_ALERT_BAD_CERTIFICATE },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, RTLS_ALERT_CERTIFICATE_UNKNOWN },
	{ X509_V_ERR_CRL_HAS_EXPIRED, RTLS_ALERT_CERTIFICATE_UNKNOWN },
	{ X509_V_ERR_CRL_NOT_YET_VALID, RTLS_ALERT_CERTIFICATE_UNKNOWN },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE, RTLS_ALERT_CERTIFICATE_UNKNOWN },
	{ X509_V_ERR_OUT_OF_MEM, RTLS_ALERT_INTERNAL_ERROR },
};

/* "3 days", "1 hour": what a person would say. */
static void print_duration(char *out, size_t size, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	size_t i = 0;

	while (seconds < units[i].seconds && units[i].seconds > 1)
		i++;
	seconds /= units[i].seconds;
	snprintf(out, size, "%" PRId64 " %s%s", seconds, units[i].name, seconds == 1 ? "" : "s");
}

bool hs_seconds(const ASN1_TIME *time, int64_t *seconds)
{
	struct tm tm;

	if (!time || !ASN1_TIME_to_tm(time, &tm))
		return false;
	*seconds = timegm(&tm);
	return true;
}

/* Seconds from then to now; 0 where the time cannot be read. */
static int64_t seconds_since(const struct rtls_hs *hs, const ASN1_TIME *then)
{
	int64_t t;

	return hs_seconds(then, &t) ? hs->config->now(hs->config->now_arg) - t : 0;
}

/* What is wrong, as a predicate: "expired 3 days ago". */
static void print_fault(char *out, size_t size, const struct rtls_hs *hs, int error,
			const X509 *certificate)
{
	char duration[40];

	if (error == X509_V_ERR_CERT_HAS_EXPIRED && certificate) {
		print_duration(duration, sizeof(duration),
			       seconds_since(hs, X509_get0_notAfter(certificate)));
		snprintf(out, size, "expired %s ago", duration);
	} else if (error == X509_V_ERR_CERT_NOT_YET_VALID && certificate) {
		print_duration(duration, sizeof(duration),
			       -seconds_since(hs, X509_get0_notBefore(certificate)));
		snprintf(out, size, "is not valid before %s from now", duration);
	} else if (error == X509_V_ERR_CERT_REVOKED) {
		snprintf(out, size, "was revoked by its issuer");
	} else if (error == X509_V_ERR_UNABLE_TO_GET_CRL) {
		snprintf(out, size, "cannot be checked: no CRL of its issuer was given");
	} else if (error == X509_V_ERR_CRL_HAS_EXPIRED) {
		snprintf(out, size, "cannot be checked: the CRL of its issuer is out of date");
	} else if (error == X509_V_ERR_HOSTNAME_MISMATCH ||
		   error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		snprintf(out, size, "is not for %s", hs->server_name);
	} else {
		snprintf(out, size, "is refused: %s", X509_verify_cert_error_string(error));
	}
}

/* Why a chain is not taken. */
struct refusal {
	enum rtls_alert alert;
	char reason[320];
};

static int refuse(const struct rtls_hs *hs, X509_STORE_CTX *ctx, struct refusal *refusal)
{
	int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
	const char *whose = hs->role == RTLS_CLIENT ? "server" : "client";
	char fault[300];

	refusal->alert = RTLS_ALERT_BAD_CERTIFICATE;
	for (size_t i = 0; i < sizeof(alerts) / sizeof(*alerts); i++)
		if (alerts[i].error == error)
			refusal->alert = alerts[i].alert;
	print_fault(fault, sizeof(fault), hs, error, X509_STORE_CTX_get_current_cert(ctx));
	if (depth)
		snprintf(refusal->reason, sizeof(refusal->reason),
			 "certificate %d above the %s's %.250s", depth, whose, fault);
	else
		snprintf(refusal->reason, sizeof(refusal->reason), "the %s's certificate %.250s",
			 whose, fault);
	return 1;
}

#define HOST_FLAGS (X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

/* Host name or address, which stand in subjectAltName, RFC 6125 6.4.4; the subject is for people. */
static bool expect_server_name(const struct rtls_hs *hs, X509_VERIFY_PARAM *param)
{
	X509_VERIFY_PARAM_set_hostflags(param, HOST_FLAGS);
	return hs->server_name_is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, hs->server_name)
				     : X509_VERIFY_PARAM_set1_host(param, hs->server_name, 0);
}

/* What is asked of the chain, besides leading to a trusted root. */
static bool set_expectations(const struct rtls_hs *hs, X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	bool is_client = hs->role == RTLS_CLIENT;

	X509_VERIFY_PARAM_set_time(param, hs->config->now(hs->config->now_arg));
	X509_VERIFY_PARAM_set_depth(param, HS_CHAIN_MAX);
	/* 112 bits all the way up: no RSA below 2048, no SHA-1 or MD5 in a signature. */
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	if (hs->config->crls_given)
		X509_VERIFY_PARAM_set_flags(param,
					    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return X509_STORE_CTX_set_purpose(ctx, is_client ? X509_PURPOSE_SSL_SERVER
							 : X509_PURPOSE_SSL_CLIENT) &&
	       (!is_client || expect_server_name(hs, param));
}

/* How long the path that was found is good, as far as dates go. */
static void note_path(struct hs_chain *chain, X509_STORE_CTX *ctx)
{
	sk_X509_pop_free(chain->path, X509_free);
	chain->path = X509_STORE_CTX_get1_chain(ctx);
	chain->valid_since = INT64_MIN;
	chain->valid_until = INT64_MAX;
	for (int i = 0; i < sk_X509_num(chain->path); i++) {
		const X509 *certificate = sk_X509_value(chain->path, i);
		int64_t since = INT64_MAX, until = INT64_MIN; /* never, if it cannot be read */

		hs_seconds(X509_get0_notBefore(certificate), &since);
		hs_seconds(X509_get0_notAfter(certificate), &until);
		if (since > chain->valid_since)
			chain->valid_since = since;
		if (until < chain->valid_until)
			chain->valid_until = until;
	}
}

/* Each of these: 0, or 1 with the refusal, or RTLS_ERR_CRYPTO. */

static int verify(struct rtls_hs *hs, struct refusal *refusal)
{
	struct hs_chain *chain = hs->peer_chain;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(hs_peer_library(), NULL);
	int ret = 0;

	if (!ctx ||
	    !X509_STORE_CTX_init(ctx, hs->config->trust, chain->leaf, chain->certificates) ||
	    !set_expectations(hs, ctx))
		ret = RTLS_ERR_CRYPTO;
	else if (X509_verify_cert(ctx) != 1)
		ret = refuse(hs, ctx, refusal);
	else
		note_path(chain, ctx);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return ret;
}

static bool bears_server_name(const struct rtls_hs *hs, X509 *leaf)
{
	return hs->server_name_is_ip
		       ? X509_check_ip_asc(leaf, hs->server_name, 0) == 1
		       : X509_check_host(leaf, hs->server_name, 0, HOST_FLAGS, NULL) == 1;
}

/*
 * Was this chain found good before, and would it be today? What may have changed is looked
 * at; if it has, verify() finds out what is wrong. With CRLs it all begins anew.
 */
static bool is_still_good(const struct rtls_hs *hs)
{
	const struct hs_chain *chain = hs->peer_chain;
	int64_t now = hs->config->now(hs->config->now_arg);

	return chain->path && !hs->config->crls_given && now >= chain->valid_since &&
	       now < chain->valid_until &&
	       (hs->role == RTLS_SERVER || bears_server_name(hs, chain->leaf));
}

static int ask_callback(const struct rtls_hs *hs, struct refusal *refusal)
{
	X509 *certificates[HS_CHAIN_MAX];
	const struct rtls_chain shown = {
		.role = hs->role,
		.server_name = hs->server_name,
		.certificates = certificates,
		.len = sk_X509_num(hs->peer_chain->certificates),
	};

	for (size_t i = 0; i < shown.len; i++)
		certificates[i] = sk_X509_value(hs->peer_chain->certificates, i);
	refusal->alert = hs->config->verify_callback(hs->config->verify_arg, &shown);
	strcpy(refusal->reason, "the certificate was refused by the application");
	return refusal->alert ? 1 : 0;
}

static int check(struct rtls_hs *hs, struct refusal *refusal)
{
	int ret = hs->config->verify && !is_still_good(hs) ? verify(hs, refusal) : 0;

	if (!ret && hs->config->verify_callback)
		ret = ask_callback(hs, refusal);
	return ret;
}

int hs_check_chain(struct rtls_hs *hs)
{
	struct refusal refusal;

	return check(hs, &refusal);
}

int hs_verify_chain(struct rtls_hs *hs)
{
	struct refusal refusal;
	int ret = check(hs, &refusal);

	if (ret < 0)
		return hs_fault(hs, "setting up the verification failed");
	return ret ? hs_fail(hs, refusal.alert, "%s", refusal.reason) : 0;
}

int hs_ask_about_chain(struct rtls_hs *hs)
{
	struct refusal refusal;

	return hs->config->verify_callback ? ask_callback(hs, &refusal) : 0;
}
