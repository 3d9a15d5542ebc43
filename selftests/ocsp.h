/* SPDX-License-Identifier: MIT */
/* OCSP responses made for tests. */
#ifndef SELFTESTS_OCSP_H
#define SELFTESTS_OCSP_H

#include <stdlib.h>
#include <openssl/ocsp.h>

#include "common.h"

struct staple_spec {
	const struct cert *cert;   /* what it is about */
	const struct cert *issuer; /* NULL: cert, which has signed itself */
	const struct cert *signer; /* NULL: the issuer */
	int status;                /* V_OCSP_CERTSTATUS_*; 0 is good */
	long age_s, life_s;        /* this update, next update: now - age_s, and life_s later; 0: none */
};

/* In DER. Return: its length; it fits 4096 bytes. */
static inline size_t staple_make(struct staple_spec spec, uint8_t out[4096])
{
	const struct cert *issuer = spec.issuer ? spec.issuer : spec.cert;
	const struct cert *signer = spec.signer ? spec.signer : issuer;
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), spec.cert->x509, issuer->x509);
	ASN1_TIME *this_update = X509_gmtime_adj(NULL, -spec.age_s);
	ASN1_TIME *next_update = X509_gmtime_adj(NULL, spec.life_s - spec.age_s);
	ASN1_TIME *revoked = X509_gmtime_adj(NULL, -spec.age_s);
	OCSP_RESPONSE *response;
	int len;

	if (!OCSP_basic_add1_status(basic, id, spec.status, 0, revoked, this_update,
				    spec.life_s ? next_update : NULL) ||
	    !OCSP_basic_sign(basic, signer->x509, signer->key,
			     EVP_PKEY_is_a(signer->key, "ED25519") ? NULL : EVP_sha256(), NULL, 0))
		abort();
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(response, NULL);
	if (len <= 0 || len > 4096)
		abort();
	i2d_OCSP_RESPONSE(response, &out);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(this_update);
	ASN1_TIME_free(next_update);
	ASN1_TIME_free(revoked);
	return len;
}

#endif
