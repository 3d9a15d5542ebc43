// SPDX-License-Identifier: MIT
/*
 * Groups of ECDHE (RFC 8422) and DHE (RFC 7919): ephemeral keys, public values, shared
 * secrets. The order is the default preference: what costs a server least goes first, by the
 * figures of make bench-handshake (RFC 7919's, which are for DHE only, by size).
 */
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "hs_internal.h"

const struct hs_group hs_groups[] = {
	/* id, name, other name, kind, libcrypto's name, public value, shared secret */
	{ 29, "x25519", "X25519", HS_GROUP_X, "X25519", 32, 32 },
	{ 23, "secp256r1", "P-256", HS_GROUP_EC, "P-256", 65, 32 },
	{ 30, "x448", "X448", HS_GROUP_X, "X448", 56, 56 },
	{ 25, "secp521r1", "P-521", HS_GROUP_EC, "P-521", 133, 66 },
	{ 24, "secp384r1", "P-384", HS_GROUP_EC, "P-384", 97, 48 },
	{ 256, "ffdhe2048", "ffdhe2048", HS_GROUP_FF, "ffdhe2048", 256, 256 },
	{ 257, "ffdhe3072", "ffdhe3072", HS_GROUP_FF, "ffdhe3072", 384, 384 },
	{ 258, "ffdhe4096", "ffdhe4096", HS_GROUP_FF, "ffdhe4096", 512, 512 },
	{ 259, "ffdhe6144", "ffdhe6144", HS_GROUP_FF, "ffdhe6144", 768, 768 },
	{ 260, "ffdhe8192", "ffdhe8192", HS_GROUP_FF, "ffdhe8192", 1024, 1024 },
};
const size_t hs_groups_len = sizeof(hs_groups) / sizeof(*hs_groups);
_Static_assert(sizeof(hs_groups) / sizeof(*hs_groups) <= HS_ROWS_MAX, "HS_ROWS_MAX");

const struct hs_group *hs_group_by_id(uint16_t id)
{
	for (size_t i = 0; i < hs_groups_len; i++)
		if (hs_groups[i].id == id)
			return &hs_groups[i];
	return NULL;
}

static const char *group_name(size_t row, bool alias)
{
	return alias ? hs_groups[row].name : hs_groups[row].alias;
}

const struct hs_names hs_group_names = {
	"group", sizeof(hs_groups) / sizeof(*hs_groups), group_name
};

const struct hs_group *hs_group_by_name(const char *name, size_t len)
{
	int row = hs_names_find(&hs_group_names, name, len);

	return row < 0 ? NULL : &hs_groups[row];
}

/* X25519 and X448 are key types of their own; the other groups are parameters of one. */
static EVP_PKEY_CTX *keygen_ctx(const struct hs_group *group)
{
	static const char *const types[] = { [HS_GROUP_EC] = "EC", [HS_GROUP_FF] = "DH" };
	bool is_type = group->kind == HS_GROUP_X;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						 (char *)group->evp_name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(
		NULL, is_type ? group->evp_name : types[group->kind], NULL);

	if (ctx && EVP_PKEY_keygen_init(ctx) > 0 &&
	    (is_type || EVP_PKEY_CTX_set_params(ctx, params) > 0))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

EVP_PKEY *hs_group_generate(struct rtls_worker *worker, const struct hs_group *group)
{
	EVP_PKEY_CTX **ctx = &worker->keygen[group - hs_groups];
	EVP_PKEY *key = NULL;

	if (!*ctx)
		*ctx = keygen_ctx(group);
	if (*ctx)
		EVP_PKEY_generate(*ctx, &key);
	return key;
}

size_t hs_public_value(EVP_PKEY *key, uint8_t value[static HS_PUBLIC_MAX])
{
	size_t len = 0;

	if (!EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, value,
					     HS_PUBLIC_MAX, &len))
		return 0;
	return len;
}

const struct hs_group *hs_key_group(EVP_PKEY *key)
{
	const struct hs_group *group;
	char name[32] = "";

	/* What a curve is called is up to the key's provider. */
	EVP_PKEY_get_group_name(key, name, sizeof(name), NULL);
	if (!strcmp(name, "prime256v1"))
		strcpy(name, "P-256");
	group = hs_group_by_name(name, strlen(name));
	return group && group->kind == HS_GROUP_EC ? group : NULL;
}

/* ---- the shared secret -------------------------------------------------------------- */

/*
 * The form in which the peer's value must come. Of EC neither the compressed forms nor the
 * point at infinity are to be had (RFC 8422 5.4); a number of DHE is padded to the prime's
 * length, as libcrypto wants it.
 */
static const uint8_t *normal_form(EVP_PKEY *own, enum hs_group_kind kind, const uint8_t *value,
				  size_t *len, uint8_t padded[static HS_PUBLIC_MAX])
{
	size_t want = EVP_PKEY_get_size(own);

	if (kind == HS_GROUP_EC)
		return *len && value[0] == 4 ? value : NULL;
	if (kind == HS_GROUP_X)
		return value;
	if (*len > want || want > HS_PUBLIC_MAX)
		return NULL;
	memset(padded, 0, want - *len);
	memcpy(padded + want - *len, value, *len);
	*len = want;
	return padded;
}

/* Decoding refuses a point that is not on the curve, or has the wrong length. */
static EVP_PKEY *peer_key(EVP_PKEY *own, const uint8_t *value, size_t len)
{
	EVP_PKEY *peer = EVP_PKEY_new();

	if (peer && EVP_PKEY_copy_parameters(peer, own) &&
	    EVP_PKEY_set1_encoded_public_key(peer, value, len))
		return peer;
	EVP_PKEY_free(peer);
	return NULL;
}

int hs_derive(EVP_PKEY *own, enum hs_group_kind kind, const uint8_t *value, size_t len,
	      uint8_t shared[static HS_PREMASTER_MAX], size_t *shared_len)
{
	uint8_t padded[HS_PUBLIC_MAX];
	const uint8_t *normal = normal_form(own, kind, value, &len, padded);
	EVP_PKEY *peer = normal ? peer_key(own, normal, len) : NULL;
	/* A point found on its curve needs no more; a number of DHE must lie in its range. */
	int validate = kind == HS_GROUP_FF, ret = 1;
	EVP_PKEY_CTX *ctx;

	if (!peer)
		return 1;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	*shared_len = HS_PREMASTER_MAX;
	if (!ctx || EVP_PKEY_derive_init(ctx) <= 0)
		ret = RTLS_ERR_CRYPTO;
	/* X25519's and X448's all-zero secret fails here. DHE's leading zeros go: 5246 8.1.2. */
	else if (EVP_PKEY_derive_set_peer_ex(ctx, peer, validate) > 0 &&
		 EVP_PKEY_derive(ctx, shared, shared_len) > 0)
		ret = 0;
	hs_wipe_stack(); /* X25519 leaves the shared secret there */
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return ret;
}

/* ---- DHE with the server's own prime -------------------------------------------------- */

EVP_PKEY *hs_dh_parameters(struct wire_in p, struct wire_in g)
{
	BIGNUM *prime = BN_bin2bn(p.data, p.len, NULL), *generator = BN_bin2bn(g.data, g.len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	/* An even number is no prime, and 0 and 1 generate nothing; p - 1 no value in its range. */
	if (prime && generator && build && ctx && BN_is_odd(prime) && !BN_is_zero(generator) &&
	    !BN_is_one(generator) && BN_cmp(generator, prime) < 0 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, prime) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, generator))
		params = OSSL_PARAM_BLD_to_param(build);
	if (params && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(prime);
	BN_free(generator);
	return key;
}

static bool put_number(EVP_PKEY *key, const char *name, struct wire_out *out)
{
	BIGNUM *number = NULL;
	size_t begin = wire_begin_vector(out, 2);
	uint8_t *room = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number))
		room = wire_put_room(out, BN_num_bytes(number));
	if (room)
		BN_bn2bin(number, room);
	BN_free(number);
	wire_end_vector(out, begin, 2);
	return room;
}

int hs_dh_put_parameters(EVP_PKEY *key, struct wire_out *out)
{
	return put_number(key, OSSL_PKEY_PARAM_FFC_P, out) &&
			       put_number(key, OSSL_PKEY_PARAM_FFC_G, out)
		       ? 0
		       : RTLS_ERR_CRYPTO;
}

EVP_PKEY *hs_generate_like(EVP_PKEY *parameters)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
	EVP_PKEY *key = NULL;

	if (ctx && EVP_PKEY_keygen_init(ctx) > 0)
		EVP_PKEY_generate(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}
