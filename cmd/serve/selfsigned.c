// SPDX-License-Identifier: MIT
/* selfsigned.c - a certificate for localhost, for who has none at hand */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "serve.h"

#define VALID_DAYS 30

static bool add_name(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"localhost", -1, -1, 0) &&
	       X509_set_issuer_name(cert, name);
}

/* A serial number that no other certificate of this issuer's name has: RFC 5280 4.1.2.2 */
static bool add_serial(X509 *cert)
{
	BIGNUM *serial = BN_new();
	bool ok = serial && BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));

	BN_free(serial);
	return ok;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

/* A CA, so that the file can be given to a client as one (--cacert). */
static bool fill_in(X509 *cert, EVP_PKEY *key)
{
	return X509_set_version(cert, X509_VERSION_3) && add_serial(cert) && add_name(cert) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), VALID_DAYS * 86400L) &&
	       X509_set_pubkey(cert, key) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_extension(cert, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	       add_extension(cert, NID_subject_alt_name,
			     "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1") &&
	       X509_sign(cert, key, EVP_sha256());
}

static bool print_fingerprint(const X509 *cert)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	if (!X509_digest(cert, EVP_sha256(), digest, &len))
		return false;
	printf("ringtls: self-signed certificate for localhost, SHA-256 fingerprint ");
	for (unsigned int i = 0; i < len; i++)
		printf("%s%02X", i ? ":" : "", digest[i]);
	printf("\n");
	return true;
}

int selfsigned_make(struct selfsigned *self)
{
	self->key = EVP_EC_gen("P-256");
	self->cert = X509_new();
	if (self->key && self->cert && fill_in(self->cert, self->key) &&
	    print_fingerprint(self->cert))
		return 0;
	selfsigned_free(self);
	return RTLS_ERR_CRYPTO;
}

void selfsigned_free(struct selfsigned *self)
{
	X509_free(self->cert);
	EVP_PKEY_free(self->key);
	*self = (struct selfsigned){ 0 };
}
