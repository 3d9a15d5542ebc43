// SPDX-License-Identifier: MIT
/* Identities: a certificate chain and its key, read once, checked, ready to be sent. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

#define SMALL_FILE_MAX 65536

void hs_identity_clear(struct hs_identity *identity)
{
	X509_free(identity->leaf);
	for (size_t i = 0; i < identity->issuers_len; i++)
		X509_NAME_free(identity->issuers[i]);
	EVP_PKEY_free(identity->key);
	wire_clear(&identity->message);
	wire_clear(&identity->staple);
	wire_clear(&identity->sct);
}

/* ---- the names of all of them -------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	const struct hs_identity_name *one = a, *two = b;
	int order = strcmp(one->name, two->name);

	return order ? order : (one->identity > two->identity) - (one->identity < two->identity);
}

/* What is no host name, or a wildcard elsewhere than for the first label, nobody can ask for. */
static bool add_name(struct rtls_config *config, size_t identity, const ASN1_STRING *string)
{
	const char *text = (const char *)ASN1_STRING_get0_data(string);
	size_t len = ASN1_STRING_length(string), prefix = len > 2 && !memcmp(text, "*.", 2) ? 2 : 0;
	struct hs_identity_name *grown;
	char *name;

	if (!len || !hs_is_host_name(text + prefix, len - prefix))
		return true;
	grown = OPENSSL_realloc(config->names, (config->names_len + 1) * sizeof(*grown));
	if (grown)
		config->names = grown;
	name = grown ? OPENSSL_strndup(text, len) : NULL;
	if (!name)
		return false;
	for (char *p = name; *p; p++)
		*p = hs_lower(*p);
	config->names[config->names_len++] = (struct hs_identity_name){ name, identity };
	return true;
}

/* subjectAltName; the subject's common name only where there is none: RFC 6125 6.4.4. */
static bool add_names(struct rtls_config *config, size_t identity)
{
	X509 *leaf = config->identities[identity].leaf;
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(leaf);
	bool ok = true, any = false;
	int i = -1;

	for (int n = 0; ok && n < sk_GENERAL_NAME_num(names); n++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, n);

		if (name->type == GEN_DNS) {
			any = true;
			ok = add_name(config, identity, name->d.dNSName);
		}
	}
	while (ok && !any && (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0)
		ok = add_name(config, identity,
			      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	GENERAL_NAMES_free(names);
	return ok;
}

int hs_names_of_identities(struct rtls_config *config)
{
	hs_identity_names_clear(config);
	for (size_t i = 0; i < config->identities_len; i++)
		if (!add_names(config, i))
			return -ENOMEM;
	if (config->names_len)
		qsort(config->names, config->names_len, sizeof(*config->names), compare_names);
	return 0;
}

void hs_identity_names_clear(struct rtls_config *config)
{
	while (config->names_len)
		OPENSSL_free(config->names[--config->names_len].name);
	OPENSSL_free(config->names);
	config->names = NULL;
}

size_t hs_identities_named(const struct rtls_config *config, const char *name,
			   const struct hs_identity_name **first)
{
	size_t low = 0, high = config->names_len, len = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(config->names[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + len < config->names_len && !strcmp(config->names[low + len].name, name))
		len++;
	*first = config->names + low;
	return len;
}

/* ---- one ------------------------------------------------------------------------------------- */

bool hs_identity_has_issuer(const struct hs_identity *identity, struct wire_in name)
{
	for (size_t i = 0; i < identity->issuers_len; i++) {
		const uint8_t *der;
		size_t len;

		if (X509_NAME_get0_der(identity->issuers[i], &der, &len) && len == name.len &&
		    !memcmp(der, name.data, len))
			return true;
	}
	return false;
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
	    (bits < HS_RSA_BITS_MIN || bits > HS_RSA_BITS_MAX))
		return "an RSA key must have 2048 to 8192 bits";
	if (identity->kind == HS_KEY_EC)
		identity->group = hs_key_group(key);
	if (identity->kind == HS_KEY_EC && !identity->group)
		return "an ECDSA key must be on the curve P-256, P-384 or P-521";
	return NULL;
}

/* A certificate of the chain: into the message, and its issuer's name to be known. */
static void add_certificate(struct hs_identity *identity, X509 *certificate)
{
	X509_NAME *issuer = X509_NAME_dup(X509_get_issuer_name(certificate));

	put_certificate(&identity->message, certificate);
	/* A root's own signature is looked at by nobody. */
	if (X509_check_issued(certificate, certificate) != X509_V_OK)
		identity->chain_schemes |= hs_schemes_of_signature(certificate);
	if (issuer)
		identity->issuers[identity->issuers_len++] = issuer;
	else
		identity->message.bad = true;
}

static bool build_identity(struct hs_identity *identity, X509 *leaf, X509 *const *chain,
			   size_t chain_len, EVP_PKEY *key)
{
	size_t begin = wire_begin_vector(&identity->message, 3);

	add_certificate(identity, leaf);
	for (size_t i = 0; i < chain_len; i++)
		add_certificate(identity, chain[i]);
	wire_end_vector(&identity->message, begin, 3);
	X509_up_ref(leaf);
	EVP_PKEY_up_ref(key);
	identity->leaf = leaf;
	identity->key = key;
	return !identity->message.bad &&
	       X509_digest(leaf, EVP_sha256(), identity->fingerprint, NULL);
}

int rtls_config_add_identity(struct rtls_config *config, X509 *leaf, X509 *const *chain,
			     size_t chain_len, EVP_PKEY *key)
{
	struct hs_identity identity = { 0 }, *grown;
	const char *fault = key_fault(key, &identity);

	if (config->frozen)
		return RTLS_ERR_STATE;
	if (fault)
		return hs_config_refuse(config, "%s", fault);
	if (chain_len >= HS_CHAIN_MAX)
		return hs_config_refuse(config, "a chain of more than %d certificates",
					HS_CHAIN_MAX);
	if (X509_check_private_key(leaf, key) != 1)
		return hs_config_refuse(config, "the key does not belong to the certificate");
	grown = OPENSSL_realloc(config->identities,
				(config->identities_len + 1) * sizeof(*grown));
	if (grown)
		config->identities = grown;
	if (!grown || !build_identity(&identity, leaf, chain, chain_len, key)) {
		hs_identity_clear(&identity);
		return -ENOMEM;
	}
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
	return hs_config_refuse(config, encrypted ? "%s: the key is encrypted; decrypt it first "
						    "(openssl pkey -in FILE -out NEW)"
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

/* ---- what goes with a certificate ------------------------------------------------------- */

static int read_small_file(struct rtls_config *config, const char *file, struct wire_out *out)
{
	int ret = hs_read_file(file, SMALL_FILE_MAX, out);

	return ret ? hs_config_refuse(config, "%s: %s", file, hs_file_error(ret)) : 0;
}

static struct hs_identity *last_identity(struct rtls_config *config)
{
	return config->identities_len ? &config->identities[config->identities_len - 1] : NULL;
}

int rtls_config_set_staple_file(struct rtls_config *config, const char *file)
{
	struct hs_identity *identity = last_identity(config);
	struct wire_out staple = { 0 };
	const char *fault;
	int ret;

	if (config->frozen || !identity)
		return RTLS_ERR_STATE;
	ret = read_small_file(config, file, &staple);
	if (!ret) {
		fault = hs_staple_check(staple.data, staple.len, identity->leaf,
					&identity->staple_until);
		if (fault)
			ret = hs_config_refuse(config, "%s: %s", file, fault);
	}
	wire_clear(ret ? &staple : &identity->staple);
	if (!ret)
		identity->staple = staple;
	return ret;
}

/* SerializedSCT sct_list<1..2^16-1>, each <1..2^16-1> */
static bool is_sct_list(struct wire_in in)
{
	struct wire_in list = wire_get_vector(&in, 2, 1);

	while (wire_more(&list))
		wire_get_vector(&list, 2, 1);
	return wire_is_done(&in) && !list.bad;
}

int rtls_config_set_sct_file(struct rtls_config *config, const char *file)
{
	struct hs_identity *identity = last_identity(config);
	struct wire_out sct = { 0 };
	int ret;

	if (config->frozen || !identity)
		return RTLS_ERR_STATE;
	ret = read_small_file(config, file, &sct);
	if (!ret && !is_sct_list(wire_in(sct.data, sct.len)))
		ret = hs_config_refuse(config, "%s: not a SignedCertificateTimestampList", file);
	wire_clear(ret ? &sct : &identity->sct);
	if (!ret)
		identity->sct = sct;
	return ret;
}
