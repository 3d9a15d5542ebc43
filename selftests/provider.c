// SPDX-License-Identifier: MIT
/*
 * Identities whose private key a provider of libcrypto keeps to itself, as one for a hardware
 * token does: what a handshake needs of them must be the public part and the use of the key.
 */
#include <string.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "pair.h"
#include <kselftest_harness.h>

/*
 * The provider "sealed" takes private keys, uses them, and never gives them out. The default
 * provider does its arithmetic.
 */
static int sealed_uses; /* how often a private key was used */

/* ---- keys -------------------------------------------------------------------------------- */

struct sealed_key {
	EVP_PKEY *pair, *public; /* what anybody is told comes from the latter */
};

static void *sealed_new(void *provider)
{
	(void)provider;
	return OPENSSL_zalloc(sizeof(struct sealed_key));
}

static void sealed_free(void *arg)
{
	struct sealed_key *key = arg;

	EVP_PKEY_free(key->pair);
	EVP_PKEY_free(key->public);
	OPENSSL_free(key);
}

/* It has the private part, whether or not anybody may see it. */
static int sealed_has(const void *key, int selection)
{
	(void)key, (void)selection;
	return 1;
}

/* As providers may, it has another name for a curve than the default one. */
static int sealed_params(void *arg, OSSL_PARAM params[])
{
	OSSL_PARAM *group = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_GROUP_NAME);
	int ok = EVP_PKEY_get_params(((struct sealed_key *)arg)->public, params);

	if (ok && group && !strcmp(group->data, "prime256v1"))
		ok = OSSL_PARAM_set_utf8_string(group, "P-256");
	return ok;
}

static int sealed_export(void *arg, int selection, OSSL_CALLBACK *take, void *take_arg)
{
	return !(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) &&
	       EVP_PKEY_export(((struct sealed_key *)arg)->public, selection, take, take_arg);
}

static int sealed_read(struct sealed_key *key, const char *type, const OSSL_PARAM params[])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, "provider=default");
	int ok = EVP_PKEY_fromdata_init(ctx) > 0 &&
		 EVP_PKEY_fromdata(ctx, &key->pair, EVP_PKEY_KEYPAIR, (OSSL_PARAM *)params) > 0 &&
		 EVP_PKEY_fromdata(ctx, &key->public, EVP_PKEY_PUBLIC_KEY,
				   (OSSL_PARAM *)params) > 0;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static const OSSL_PARAM *sealed_types(int selection)
{
	static const OSSL_PARAM none[] = { OSSL_PARAM_END };

	(void)selection;
	return none;
}

static const OSSL_PARAM *sealed_gettable(void *provider)
{
	(void)provider;
	return sealed_types(0);
}

#define SEALED(function) (void (*)(void))function
#define SEALED_KEYS(name, type, signature)                                                         \
	static int sealed_import_##name(void *key, int selection, const OSSL_PARAM params[])       \
	{                                                                                          \
		(void)selection;                                                                   \
		return sealed_read(key, type, params);                                             \
	}                                                                                          \
	static const char *sealed_operation_##name(int operation)                                  \
	{                                                                                          \
		return operation == OSSL_OP_SIGNATURE ? signature : type;                          \
	}                                                                                          \
	static const OSSL_DISPATCH sealed_##name[] = {                                             \
		{ OSSL_FUNC_KEYMGMT_NEW, SEALED(sealed_new) },                                     \
		{ OSSL_FUNC_KEYMGMT_FREE, SEALED(sealed_free) },                                   \
		{ OSSL_FUNC_KEYMGMT_HAS, SEALED(sealed_has) },                                     \
		{ OSSL_FUNC_KEYMGMT_GET_PARAMS, SEALED(sealed_params) },                           \
		{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, SEALED(sealed_gettable) },                    \
		{ OSSL_FUNC_KEYMGMT_IMPORT, SEALED(sealed_import_##name) },                        \
		{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, SEALED(sealed_types) },                          \
		{ OSSL_FUNC_KEYMGMT_EXPORT, SEALED(sealed_export) },                               \
		{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, SEALED(sealed_types) },                          \
		{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, SEALED(sealed_operation_##name) },       \
		{ 0, NULL },                                                                       \
	}
SEALED_KEYS(rsa, "RSA", "RSA");
SEALED_KEYS(ec, "EC", "ECDSA");
SEALED_KEYS(ed25519, "ED25519", "ED25519");

/* ---- what they do ------------------------------------------------------------------------ */

struct sealed_use {
	EVP_MD_CTX *md; /* to sign */
	EVP_PKEY_CTX *ctx; /* its, or to decrypt */
};

static void *sealed_begin_decrypt(void *provider)
{
	(void)provider;
	return OPENSSL_zalloc(sizeof(struct sealed_use));
}

static void *sealed_begin_sign(void *provider, const char *properties)
{
	(void)properties;
	return sealed_begin_decrypt(provider);
}

static void sealed_end(void *arg)
{
	struct sealed_use *use = arg;

	if (!use->md)
		EVP_PKEY_CTX_free(use->ctx);
	EVP_MD_CTX_free(use->md);
	OPENSSL_free(use);
}

static int sealed_set(void *use, const OSSL_PARAM params[])
{
	return EVP_PKEY_CTX_set_params(((struct sealed_use *)use)->ctx, params) > 0;
}

static const OSSL_PARAM *sealed_settable(void *use, void *provider)
{
	static const OSSL_PARAM padding[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_PAD_MODE, NULL),
		OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL),
		OSSL_PARAM_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, NULL), OSSL_PARAM_END
	};

	(void)use, (void)provider;
	return padding;
}

static int sealed_sign_init(void *arg, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct sealed_use *use = arg;

	use->md = EVP_MD_CTX_new();
	return EVP_DigestSignInit_ex(use->md, &use->ctx, digest, NULL, NULL,
				     ((struct sealed_key *)key)->pair, params) > 0;
}

static int sealed_sign(void *use, uint8_t *signature, size_t *len, size_t size,
		       const uint8_t *message, size_t message_len)
{
	sealed_uses++;
	*len = size;
	return EVP_DigestSign(((struct sealed_use *)use)->md, signature, len, message,
			      message_len) > 0;
}

static int sealed_decrypt_init(void *arg, void *key, const OSSL_PARAM params[])
{
	struct sealed_use *use = arg;

	use->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ((struct sealed_key *)key)->pair, NULL);
	return EVP_PKEY_decrypt_init_ex(use->ctx, params) > 0;
}

static int sealed_decrypt(void *use, uint8_t *out, size_t *len, size_t size, const uint8_t *in,
			  size_t in_len)
{
	sealed_uses++;
	*len = size;
	return EVP_PKEY_decrypt(((struct sealed_use *)use)->ctx, out, len, in, in_len) > 0;
}

static const OSSL_DISPATCH sealed_signature[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, SEALED(sealed_begin_sign) },
	{ OSSL_FUNC_SIGNATURE_FREECTX, SEALED(sealed_end) },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, SEALED(sealed_set) },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, SEALED(sealed_settable) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, SEALED(sealed_sign_init) },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, SEALED(sealed_sign) },
	{ 0, NULL },
};
static const OSSL_DISPATCH sealed_cipher[] = {
	{ OSSL_FUNC_ASYM_CIPHER_NEWCTX, SEALED(sealed_begin_decrypt) },
	{ OSSL_FUNC_ASYM_CIPHER_FREECTX, SEALED(sealed_end) },
	{ OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, SEALED(sealed_set) },
	{ OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, SEALED(sealed_settable) },
	{ OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, SEALED(sealed_decrypt_init) },
	{ OSSL_FUNC_ASYM_CIPHER_DECRYPT, SEALED(sealed_decrypt) },
	{ 0, NULL },
};

/* ---- the provider -------------------------------------------------------------------------- */

static const OSSL_ALGORITHM *sealed_query(void *provider, int operation, int *no_cache)
{
	static const char is[] = "provider=sealed";
	static const OSSL_ALGORITHM keys[] = { { "RSA", is, sealed_rsa, "" },
					       { "EC", is, sealed_ec, "" },
					       { "ED25519", is, sealed_ed25519, "" }, { 0 } };
	static const OSSL_ALGORITHM signatures[] = { { "RSA", is, sealed_signature, "" },
						     { "ECDSA", is, sealed_signature, "" },
						     { "ED25519", is, sealed_signature, "" }, { 0 } };
	static const OSSL_ALGORITHM ciphers[] = { { "RSA", is, sealed_cipher, "" }, { 0 } };

	(void)provider;
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT ? keys :
	       operation == OSSL_OP_SIGNATURE ? signatures :
	       operation == OSSL_OP_ASYM_CIPHER ? ciphers : NULL;
}

static int sealed_provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
			   const OSSL_DISPATCH **out, void **provider)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, SEALED(sealed_query) }, { 0, NULL }
	};

	(void)in;
	*out = functions;
	*provider = (void *)handle;
	return 1;
}

/* A key that is the provider's from now on; NULL is the default context. */
static EVP_PKEY *seal(OSSL_LIB_CTX *context, EVP_PKEY *open)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(context, EVP_PKEY_get0_type_name(open),
						       "provider=sealed");
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (EVP_PKEY_todata(open, EVP_PKEY_KEYPAIR, &params) && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* ---- the tests ------------------------------------------------------------------------------- */

FIXTURE(sealed)
{
	OSSL_LIB_CTX *context;
	OSSL_PROVIDER *providers[2];
	struct cert cert, client_cert;
};

FIXTURE_VARIANT(sealed)
{
	enum cert_kind kind;
	const char *suite, *sigalgs;
	bool own_context; /* where there is no other provider than this */
};

#define SEALED_CASE(name, ...)                                                                     \
	FIXTURE_VARIANT_ADD(sealed, name) { __VA_ARGS__ };                                         \
	FIXTURE_VARIANT_ADD(sealed, name##_in_a_context_of_its_own)                                \
	{                                                                                          \
		__VA_ARGS__, .own_context = true                                                   \
	}

SEALED_CASE(p256, .kind = CERT_ECDSA, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256");
SEALED_CASE(p521, .kind = CERT_ECDSA_P521, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384");
SEALED_CASE(ed25519, .kind = CERT_ED25519, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256");
SEALED_CASE(rsa_pss, .kind = CERT_RSA, .suite = "ECDHE-RSA-AES128-GCM-SHA256");
SEALED_CASE(rsa_pkcs1, .kind = CERT_RSA, .suite = "DHE-RSA-AES256-GCM-SHA384",
	    .sigalgs = "RSA+SHA256");
SEALED_CASE(rsa_decrypts, .kind = CERT_RSA, .suite = "AES128-GCM-SHA256");

FIXTURE_SETUP(sealed)
{
	EVP_PKEY *open;

	sealed_uses = 0;
	self->context = variant->own_context ? OSSL_LIB_CTX_new() : NULL;
	/* Where any provider is named, the default one has to be. */
	self->providers[0] = OSSL_PROVIDER_load(NULL, "default");
	ASSERT_EQ(1, OSSL_PROVIDER_add_builtin(self->context, "sealed", sealed_provider));
	self->providers[1] = OSSL_PROVIDER_load(self->context, "sealed");
	ASSERT_NE(NULL, self->providers[1]);
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	self->client_cert = cert_make((struct cert_spec){ .kind = variant->kind,
							  .usage = "clientAuth" });
	open = self->cert.key;
	self->cert.key = seal(self->context, open);
	EVP_PKEY_free(open);
	ASSERT_NE(NULL, self->cert.key);
}

FIXTURE_TEARDOWN(sealed)
{
	cert_free(&self->cert);
	cert_free(&self->client_cert);
	for (int i = 0; i < 2; i++)
		OSSL_PROVIDER_unload(self->providers[i]);
	OSSL_LIB_CTX_free(self->context);
	test_end();
}

/* Nothing private comes out. */
TEST_F(sealed, key_is_sealed)
{
	EVP_PKEY *key = self->cert.key;
	OSSL_PARAM *params = NULL;
	BIGNUM *number = NULL;

	EXPECT_EQ(0, EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params));
	EXPECT_EQ(0, EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number));
	EXPECT_EQ(0, EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &number));
	EXPECT_EQ(NULL, number);
}

static void shake_hands(struct __test_metadata *_metadata, struct pair *pair)
{
	ASSERT_EQ(0, pair_begin(pair, "localhost"));
	pair_run(pair, SIZE_MAX);
	EXPECT_STREQ("", rtls_hs_reason(pair->server));
	EXPECT_STREQ("", rtls_hs_reason(pair->client));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair->server));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair->client));
	/* By nothing else than the provider. */
	EXPECT_EQ(1, sealed_uses);
}

TEST_F(sealed, key_is_a_servers)
{
	for (int external = 0; external < 2; external++) {
		struct pair pair = pair_make(
			config_make((struct config_spec){
				.identity = &self->cert, .suites = variant->suite,
				.sigalgs = variant->sigalgs, .external_keys = external }),
			client_config(&self->cert, variant->suite, NULL, NULL));

		sealed_uses = 0;
		shake_hands(_metadata, &pair);
		pair_free(&pair);
	}
}

TEST_F(sealed, key_is_a_clients)
{
	struct cert server = cert_make((struct cert_spec){ .kind = variant->kind });
	EVP_PKEY *other = self->client_cert.key;
	struct pair pair;

	self->client_cert.key = self->cert.key;
	pair = pair_make(config_make((struct config_spec){
				 .identity = &server, .suites = variant->suite,
				 .sigalgs = variant->sigalgs, .trust = &self->client_cert,
				 .client_auth = RTLS_CLIENT_AUTH_REQUIRE }),
			 config_make((struct config_spec){
				 .identity = &self->client_cert, .suites = variant->suite,
				 .trust = &server }));
	self->client_cert.key = other;
	shake_hands(_metadata, &pair);
	pair_free(&pair);
	cert_free(&server);
}

/* What is public is enough to see that. */
TEST_F(sealed, key_is_of_another_certificate)
{
	struct cert other = cert_make(variant->kind == CERT_RSA
		? (struct cert_spec){ .kind = CERT_RSA, .rsa_bits = 2048 }
		: (struct cert_spec){ .kind = CERT_ECDSA_P384 });
	struct rtls_config *config = rtls_config_new();

	EXPECT_EQ(RTLS_ERR_CONFIG,
		  rtls_config_add_identity(config, other.x509, NULL, 0, self->cert.key));
	EXPECT_STREQ("the key does not belong to the certificate", rtls_config_error(config));
	rtls_config_unref(config);
	cert_free(&other);
}

TEST_HARNESS_MAIN
