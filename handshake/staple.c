// SPDX-License-Identifier: MIT
/*
 * Stapled OCSP responses: RFC 6066 8, RFC 6960. A server reads its own from a file; a client
 * checks what it gets: for this certificate, by who may say so, good, and of today.
 */
#include <string.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

#define AGE_MAX (7 * 86400) /* of a response that does not say when the next one comes */

static OCSP_BASICRESP *decode(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, len);
	OCSP_BASICRESP *basic = NULL;

	if (response && p == der + len &&
	    OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	OCSP_RESPONSE_free(response);
	return basic;
}

/* When it is out of date; what cannot be read is. */
static int64_t end_of(const ASN1_TIME *this_update, const ASN1_TIME *next_update)
{
	int64_t t;

	if (next_update)
		return hs_seconds(next_update, &t) ? t : 0;
	return hs_seconds(this_update, &t) ? t + AGE_MAX : 0;
}

/* ---- a server's file ---------------------------------------------------------------- */

/* The answer about this serial number; NULL: there is none. */
static OCSP_SINGLERESP *find_serial(OCSP_BASICRESP *basic, const X509 *leaf)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		ASN1_INTEGER *serial;

		OCSP_id_get0_info(NULL, NULL, NULL, &serial,
				  (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
		if (!ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)))
			return single;
	}
	return NULL;
}

const char *hs_staple_check(const uint8_t *der, size_t len, const X509 *leaf, int64_t *until)
{
	OCSP_BASICRESP *basic = decode(der, len);
	OCSP_SINGLERESP *single = basic ? find_serial(basic, leaf) : NULL;
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	int status = -1;

	if (single)
		status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
	*until = end_of(this_update, next_update);
	OCSP_BASICRESP_free(basic);
	ERR_clear_error();
	if (!basic)
		return "no successful OCSP response in DER in it";
	if (!single)
		return "an OCSP response about another certificate";
	return status == V_OCSP_CERTSTATUS_GOOD ? NULL : "an OCSP response that does not say \"good\"";
}

/* ---- a client's check ------------------------------------------------------------------ */

/* Was this certificate made by the issuer to speak about its others? RFC 6960 4.2.2.2. */
static bool is_delegate(struct rtls_hs *hs, X509 *signer, X509 *issuer)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new_ex(hs_peer_library(), NULL);
	X509_VERIFY_PARAM *param;
	bool ok = ctx && X509_check_issued(issuer, signer) == X509_V_OK &&
		  X509_verify(signer, X509_get0_pubkey(issuer)) == 1 &&
		  X509_get_extended_key_usage(signer) & XKU_OCSP_SIGN &&
		  X509_get_extended_key_usage(signer) != UINT32_MAX &&
		  X509_STORE_CTX_init(ctx, hs->config->trust, signer, hs->peer_chain->path);

	if (ok) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_time(param, hs->config->now(hs->config->now_arg));
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		/* RFC 6960 4.2.2.2.1: unless the issuer says that nobody need ask about it. */
		if (hs->config->crls_given &&
		    X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) < 0)
			X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK);
		ok = X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_OCSP_HELPER) &&
		     X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	return ok;
}

/* No MD5 and no SHA-1, as in a certificate. */
static bool is_digest_good(const OCSP_BASICRESP *basic)
{
	const ASN1_OBJECT *algorithm;
	int md = NID_undef;

	X509_ALGOR_get0(&algorithm, NULL, NULL, OCSP_resp_get0_tbs_sigalg(basic));
	OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &md, NULL);
	return md != NID_md5 && md != NID_sha1;
}

/* Signed by the issuer of the certificate, or by whom it has asked to. */
static bool is_signed(struct rtls_hs *hs, OCSP_BASICRESP *basic, X509 *issuer)
{
	STACK_OF(X509) *signers = sk_X509_new_null();
	X509 *signer = NULL;
	bool ok = signers && sk_X509_push(signers, issuer);

	if (ok && OCSP_resp_get0_signer(basic, &signer, signers) == 1 && signer != issuer)
		ok = is_delegate(hs, signer, issuer) && sk_X509_set(signers, 0, signer);
	/* The signer is known to be good: only the signature is left to check. */
	ok = ok && signer && OCSP_basic_verify(basic, signers, NULL, OCSP_TRUSTOTHER) == 1;
	sk_X509_free(signers);
	return ok;
}

/* The answer about exactly this certificate of this issuer. */
static OCSP_SINGLERESP *find_certificate(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single), *wanted;
		ASN1_OBJECT *digest;
		const EVP_MD *md;
		bool same;

		OCSP_id_get0_info(NULL, &digest, NULL, NULL, id);
		md = EVP_get_digestbyobj(digest);
		wanted = md ? OCSP_cert_to_id(md, leaf, issuer) : NULL;
		same = wanted && !OCSP_id_cmp(wanted, id);
		OCSP_CERTID_free(wanted);
		if (same)
			return single;
	}
	return NULL;
}

/* A session lasts no longer than what vouches for its certificate. */
static bool is_current(struct rtls_hs *hs, const ASN1_TIME *this_update,
		       const ASN1_TIME *next_update)
{
	int64_t now = hs->config->now(hs->config->now_arg), t;
	int64_t end = end_of(this_update, next_update) + HS_CLOCK_SKEW_MAX;

	if ((int64_t)hs->session.expires > end)
		hs->session.expires = end;
	return hs_seconds(this_update, &t) && t <= now + HS_CLOCK_SKEW_MAX && now < end;
}

/* Of a root that is the server's own certificate it is the issuer itself. */
static X509 *issuer_of(const struct hs_chain *chain)
{
	return sk_X509_value(chain->path, sk_X509_num(chain->path) > 1 ? 1 : 0);
}

static int judge(struct rtls_hs *hs, OCSP_BASICRESP *basic)
{
	X509 *issuer = issuer_of(hs->peer_chain);
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	OCSP_SINGLERESP *single;
	int status;

	if (!basic || !is_digest_good(basic) || !is_signed(hs, basic, issuer))
		return hs_violation(hs, HS_V_STATUS_BAD);
	single = find_certificate(basic, hs->peer_chain->leaf, issuer);
	if (!single)
		return hs_violation(hs, HS_V_STATUS_BAD);
	status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
	if (!is_current(hs, this_update, next_update))
		return hs_violation(hs, HS_V_STATUS_STALE);
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return hs_violation(hs, HS_V_STATUS_REVOKED);
	return status == V_OCSP_CERTSTATUS_GOOD ? 0 : hs_violation(hs, HS_V_STATUS_BAD);
}

int hs_staple_verify(struct rtls_hs *hs, struct wire_in der)
{
	OCSP_BASICRESP *basic = decode(der.data, der.len);
	int ret = judge(hs, basic);

	OCSP_BASICRESP_free(basic);
	ERR_clear_error();
	return ret;
}
