// SPDX-License-Identifier: MIT
/*
 * The library context in which peers' certificates and keys live.
 *
 * OpenSSL 3.0 decodes a public key by trying every decoder that a context knows, which is
 * nine tenths of the cost of a certificate. This context has one provider, and that one is the
 * default provider but for the decoders: it has those of the keys that are supported here.
 */
#include <string.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include "hs_internal.h"

#define DECODERS_MAX 16

static OSSL_PROVIDER *default_provider;
static OSSL_ALGORITHM decoders[DECODERS_MAX + 1]; /* the last one ends the list */
static OSSL_LIB_CTX *peer_library;

/* Is it one of SubjectPublicKeyInfo in DER? */
static bool is_wanted(const OSSL_ALGORITHM *decoder)
{
	static const char *const names[] = { "RSA", "RSA-PSS", "EC", "ED25519", "ED448" };
	size_t len = strcspn(decoder->algorithm_names, ":");

	if (!strstr(decoder->property_definition, "input=der") ||
	    !strstr(decoder->property_definition, "structure=SubjectPublicKeyInfo"))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len && !memcmp(names[i], decoder->algorithm_names, len))
			return true;
	return false;
}

static const OSSL_ALGORITHM *query_operation(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	if (operation != OSSL_OP_DECODER)
		return OSSL_PROVIDER_query_operation(default_provider, operation, no_cache);
	*no_cache = 0;
	return decoders;
}

/* The algorithms are the default provider's, so their context is, too. */
static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
			 const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query_operation },
		{ 0, NULL },
	};

	(void)handle, (void)in;
	*out = functions;
	*provctx = OSSL_PROVIDER_get0_provider_ctx(default_provider);
	return 1;
}

static size_t choose_decoders(void)
{
	int no_cache;
	const OSSL_ALGORITHM *all =
		OSSL_PROVIDER_query_operation(default_provider, OSSL_OP_DECODER, &no_cache);
	size_t len = 0;

	for (; all && all->algorithm_names && len < DECODERS_MAX; all++)
		if (is_wanted(all))
			decoders[len++] = *all;
	return len;
}

/* Where anything of it cannot be had, the default context serves as well, only slower. */
static void set_up(void)
{
	OSSL_LIB_CTX *library;

	/* Not where somebody has decided against the default provider. */
	if (!OSSL_PROVIDER_available(NULL, "default") ||
	    EVP_default_properties_is_fips_enabled(NULL))
		return;
	library = OSSL_LIB_CTX_new();
	default_provider = OSSL_PROVIDER_load(NULL, "default");
	if (library && default_provider && choose_decoders() &&
	    OSSL_PROVIDER_add_builtin(library, "ringtls-peers", provider_init) &&
	    OSSL_PROVIDER_load(library, "ringtls-peers"))
		peer_library = library;
	else
		OSSL_LIB_CTX_free(library);
}

OSSL_LIB_CTX *hs_peer_library(void)
{
	static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

	return CRYPTO_THREAD_run_once(&once, set_up) ? peer_library : NULL;
}
