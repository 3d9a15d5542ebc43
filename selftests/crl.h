/* SPDX-License-Identifier: MIT */
/* Revocation lists made for tests. */
#ifndef SELFTESTS_CRL_H
#define SELFTESTS_CRL_H

#include <stdio.h>
#include <stdlib.h>
#include <openssl/pem.h>

#include "common.h"

struct crl_spec {
	const struct cert *issuer, *signer; /* NULL: the issuer */
	long serial;        /* that is revoked */
	long age_s, life_s; /* 0: just now; two days */
};

/* As a PEM file. */
static inline void crl_write(const char *file, struct crl_spec spec)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_TIME *from = X509_gmtime_adj(NULL, -spec.age_s);
	ASN1_TIME *until = X509_gmtime_adj(NULL, (spec.life_s ? spec.life_s : 172800) - spec.age_s);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	EVP_PKEY *key = spec.signer ? spec.signer->key : spec.issuer->key;
	FILE *pem = fopen(file, "w");

	ASN1_INTEGER_set(number, spec.serial);
	X509_REVOKED_set_serialNumber(revoked, number);
	X509_REVOKED_set_revocationDate(revoked, from);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(spec.issuer->x509));
	X509_CRL_set1_lastUpdate(crl, from);
	X509_CRL_set1_nextUpdate(crl, until);
	X509_CRL_add0_revoked(crl, revoked);
	X509_CRL_sort(crl);
	if (!X509_CRL_sign(crl, key, EVP_sha256()) || !pem || !PEM_write_X509_CRL(pem, crl))
		abort();
	fclose(pem);
	X509_CRL_free(crl);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_INTEGER_free(number);
}

#endif
