// SPDX-License-Identifier: MIT
/* Identities: a certificate chain and its key, read once, checked, ready to be sent. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

void hs_identity_clear(struct hs_identity *identity)
{
	X509_free(identity->leaf);
	EVP_PKEY_free(identity->key);
	wire_clear(&identity->message);
}

int hs_identity_match(const struct hs_identity *identity, const char *name)
{
	if (X509_check_host(identity->leaf, name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1)
		return 2;
	return X509_check_host(identity->leaf, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
			       NULL) == 1;
}

/* RFC 5246 7.4.2: ASN.1Cert<1..2^24-1> */
static void put_certificate(struct wire_out *out, X509 *certificate)
{
	size_t begin = wire_begin_vector(out, 3);
	int len = i2d_X509(certificate, NULL);
	uint8_t *room = len > 0 ? wire_put_room(out, len) : NULL;

	if (room)
		i2d_X509(certificate, &room);
	else
		out->bad = true;
	wire_end_vector(out, begin, 3);
}

/* NULL if the key can be used, else what is wrong with it. */
static const char *key_fault(EVP_PKEY *key, struct hs_identity *identity)
{
	int bits = EVP_PKEY_get_bits(key);

	if (!hs_key_kind(key, &identity->kind))
		return "only RSA, ECDSA, Ed25519 and Ed448 keys are supported";
	if (hs_key_auth(identity->kind) == HS_AUTH_RSA &&
	    (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
		return "an RSA key must have 2048 to 8192 bits";
	if (identity->kind == HS_KEY_EC)
		identity->group = hs_key_group(key);
	if (identity->kind == HS_KEY_EC && !identity->group)
		return "an ECDSA key must be on the curve P-256, P-384 or P-521";
	return NULL;
}

int rtls_config_add_identity(struct rtls_config *config, X509 *leaf, X509 *const *chain,
			     size_t chain_len, EVP_PKEY *key)
{
	struct hs_identity identity = { 0 }, *grown;
	const char *fault = key_fault(key, &identity);
	size_t begin;

	if (config->frozen)
		return RTLS_ERR_STATE;
	if (fault)
		return hs_config_refuse(config, "%s", fault);
	if (X509_check_private_key(leaf, key) != 1)
		return hs_config_refuse(config, "the key does not belong to the certificate");
	begin = wire_begin_vector(&identity.message, 3);
	put_certificate(&identity.message, leaf);
	for (size_t i = 0; i < chain_len; i++)
		put_certificate(&identity.message, chain[i]);
	wire_end_vector(&identity.message, begin, 3);
	grown = OPENSSL_realloc(config->identities,
				(config->identities_len + 1) * sizeof(*grown));
	if (grown)
		config->identities = grown;
	if (!grown || identity.message.bad) {
		wire_clear(&identity.message);
		return -ENOMEM;
	}
	X509_up_ref(leaf);
	EVP_PKEY_up_ref(key);
	identity.leaf = leaf;
	identity.key = key;
	config->identities[config->identities_len++] = identity;
	return 0;
}

/* Never asks on a terminal for a pass phrase: a server has nobody to ask. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag;
	*(bool *)arg = true;
	return -1;
}

static int read_key(struct rtls_config *config, const char *file, EVP_PKEY **key)
{
	BIO *bio = BIO_new_file(file, "r");
	bool encrypted = false;

	if (!bio)
		return hs_config_refuse(config, "%s: %s", file, strerror(errno));
	*key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	BIO_free(bio);
	if (*key)
		return 0;
	return hs_config_refuse(config, encrypted ? "%s: the key is encrypted; decrypt it first"
						  : "%s: no private key in PEM in it",
				file);
}

static int read_chain(struct rtls_config *config, const char *file, X509 *chain[HS_CHAIN_MAX],
		      size_t *len)
{
	BIO *bio = BIO_new_file(file, "r");
	bool encrypted = false;
	X509 *certificate;

	if (!bio)
		return hs_config_refuse(config, "%s: %s", file, strerror(errno));
	for (*len = 0; *len < HS_CHAIN_MAX; chain[(*len)++] = certificate) {
		certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, &encrypted);
		if (!certificate)
			break;
	}
	BIO_free(bio);
	/* The end of the file is one thing, a damaged certificate another. */
	if (*len && *len < HS_CHAIN_MAX &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return hs_config_refuse(config, "%s: certificate %zu in it is damaged", file,
					*len + 1);
	if (!*len)
		return hs_config_refuse(config, "%s: no certificate in PEM in it", file);
	if (*len == HS_CHAIN_MAX)
		return hs_config_refuse(config, "%s: a chain of more than %d certificates", file,
					HS_CHAIN_MAX - 1);
	return 0;
}

int rtls_config_add_identity_file(struct rtls_config *config, const char *cert_file,
				  const char *key_file)
{
	X509 *chain[HS_CHAIN_MAX];
	size_t len = 0;
	EVP_PKEY *key = NULL;
	char why[128];
	int ret;

	if (config->frozen)
		return RTLS_ERR_STATE;
	ret = read_chain(config, cert_file, chain, &len);
	if (!ret)
		ret = read_key(config, key_file, &key);
	if (!ret) {
		ret = rtls_config_add_identity(config, chain[0], chain + 1, len - 1, key);
		if (ret == RTLS_ERR_CONFIG) {
			snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, config->error);
			hs_config_refuse(config, "%s, %s: %s", cert_file, key_file, why);
		}
	}
	while (len)
		X509_free(chain[--len]);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ret;
}
