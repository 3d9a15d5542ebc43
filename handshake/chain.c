// SPDX-License-Identifier: MIT
/*
 * A peer's certificate chain, decoded and verified: and the worker's cache of chains that were
 * met before. The cache saves work, never a check that could come out otherwise today: time, host
 * name and CRLs are looked at each time, and a chain is known to the configuration that has
 * verified it, since that is whom we trust.
 */
#include <errno.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "hs_internal.h"

#define CACHED_LEN_MAX 16384 /* bytes in DER of a chain that is kept */
#define CACHED_SECONDS 3600

/* ---- decoding --------------------------------------------------------------------------- */

/* ASN.1Cert certificate_list<0..2^24-1>; 0, or the violation, or -ENOMEM. */
static int decode_certificates(struct wire_in list, STACK_OF(X509) *certificates)
{
	while (wire_more(&list)) {
		struct wire_in der = wire_get_vector(&list, 3, 1);
		const uint8_t *p = der.data;
		X509 *certificate;

		if (der.bad)
			return HS_V_MESSAGE_SYNTAX;
		if (sk_X509_num(certificates) == HS_CHAIN_MAX)
			return HS_V_CHAIN_TOO_LONG;
		certificate = X509_new_ex(hs_peer_library(), NULL);
		if (!certificate)
			return -ENOMEM;
		/* A failure frees it. */
		if (!d2i_X509(&certificate, &p, der.len) || p != der.data + der.len) {
			X509_free(certificate);
			return HS_V_CERTIFICATE_SYNTAX;
		}
		if (!sk_X509_push(certificates, certificate)) {
			X509_free(certificate);
			return -ENOMEM;
		}
	}
	return 0;
}

static int decode(struct hs_chain *chain, struct wire_in list)
{
	int ret = decode_certificates(list, chain->certificates);

	if (ret)
		return ret;
	chain->leaf = sk_X509_value(chain->certificates, 0);
	if (!chain->leaf)
		return HS_V_MESSAGE_SYNTAX;
	chain->key = X509_get0_pubkey(chain->leaf);
	chain->is_key_known = chain->key && hs_key_kind(chain->key, &chain->kind);
	if (chain->is_key_known && chain->kind == HS_KEY_EC)
		chain->is_key_known = hs_key_group(chain->key);
	return 0;
}

void hs_chain_free(struct hs_chain *chain)
{
	if (!chain || --chain->references)
		return;
	sk_X509_pop_free(chain->certificates, X509_free);
	sk_X509_pop_free(chain->path, X509_free);
	hs_config_let_go(chain->config);
	OPENSSL_free(chain);
}

void hs_chain_drop(struct rtls_hs *hs)
{
	hs_chain_free(hs->peer_chain);
	hs->peer_chain = NULL;
}

/* ---- the cache --------------------------------------------------------------------------- */

static bool hash_chain(const struct rtls_hs *hs, struct wire_in list, uint8_t *hash)
{
	EVP_MD_CTX *digest = hs->worker->digest;
	uint8_t purpose = hs->role;

	return EVP_DigestInit_ex2(digest, hs->worker->md[HS_SHA256], NULL) &&
	       EVP_DigestUpdate(digest, &purpose, 1) &&
	       EVP_DigestUpdate(digest, list.data, list.len) &&
	       EVP_DigestFinal_ex(digest, hash, NULL);
}

static struct hs_chain **cache_set(struct rtls_worker *worker, const uint8_t *hash)
{
	return worker->chains[hash[0] % HS_CHAIN_SETS];
}

static bool is_usable(const struct hs_chain *chain, int64_t now)
{
	return !hs_config_is_gone(chain->config) && now >= chain->kept_since &&
	       now < chain->kept_since + CACHED_SECONDS;
}

/* The first place of a set is that of the one used last; empty places are at the end. */
static void take_out(struct hs_chain **set, size_t i)
{
	hs_chain_free(set[i]);
	memmove(set + i, set + i + 1, (HS_CHAIN_WAYS - 1 - i) * sizeof(*set));
	set[HS_CHAIN_WAYS - 1] = NULL;
}

static void move_to_front(struct hs_chain **set, size_t from)
{
	struct hs_chain *chain = set[from];

	memmove(set + 1, set, from * sizeof(*set));
	set[0] = chain;
}

/* Of this configuration's, since whom it trusts is a part of what was found. */
static struct hs_chain *cache_find(struct rtls_hs *hs, const uint8_t *hash)
{
	struct hs_chain **set = cache_set(hs->worker, hash);
	int64_t now = hs->config->now(hs->config->now_arg);

	for (size_t i = 0; i < HS_CHAIN_WAYS && set[i];) {
		if (!is_usable(set[i], now)) {
			take_out(set, i);
			continue;
		}
		if (set[i]->config == hs->config &&
		    !memcmp(set[i]->hash, hash, sizeof(set[i]->hash))) {
			move_to_front(set, i);
			return set[0];
		}
		i++;
	}
	return NULL;
}

void hs_chain_remember(struct rtls_hs *hs)
{
	struct hs_chain *chain = hs->peer_chain, **set = cache_set(hs->worker, chain->hash);

	if (!chain->config || chain->is_cached)
		return;
	hs_chain_free(set[HS_CHAIN_WAYS - 1]);
	set[HS_CHAIN_WAYS - 1] = chain;
	move_to_front(set, HS_CHAIN_WAYS - 1);
	chain->references++;
	chain->is_cached = true;
	chain->kept_since = hs->config->now(hs->config->now_arg);
}

void rtls_worker_forget_chains(struct rtls_worker *worker)
{
	for (size_t i = 0; i < HS_CHAIN_SETS; i++)
		for (size_t j = 0; j < HS_CHAIN_WAYS; j++) {
			hs_chain_free(worker->chains[i][j]);
			worker->chains[i][j] = NULL;
		}
}

/* ---- both --------------------------------------------------------------------------------- */

int hs_chain_get(struct rtls_hs *hs, struct wire_in list)
{
	bool may_cache = hs->config->now && list.len <= CACHED_LEN_MAX;
	uint8_t hash[HS_CONTEXT_LEN];
	struct hs_chain *chain;
	int ret;

	hs_chain_drop(hs);
	if (may_cache && !hash_chain(hs, list, hash))
		return -ENOMEM;
	chain = may_cache ? cache_find(hs, hash) : NULL;
	if (chain) {
		chain->references++;
		hs->peer_chain = chain;
		return 0;
	}
	chain = OPENSSL_zalloc(sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	chain->references = 1;
	chain->certificates = sk_X509_new_null();
	ret = chain->certificates ? decode(chain, list) : -ENOMEM;
	if (ret) {
		hs_chain_free(chain);
		return ret;
	}
	if (may_cache) {
		chain->config = hs_config_observe(hs->config);
		memcpy(chain->hash, hash, sizeof(hash));
	}
	hs->peer_chain = chain;
	return 0;
}
