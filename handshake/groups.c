// SPDX-License-Identifier: MIT
/*
 * Named groups for ECDHE, RFC 8422 5.1.1: ephemeral keys and shared secrets.
 * The order is the default preference.
 */
#include <string.h>
#include <openssl/core_names.h>

#include "hs_internal.h"

const struct hs_group hs_groups[] = {
	/* id, name, other name, libcrypto's type and group, point, shared secret, 04 x y */
	{ 29, "x25519", "X25519", "X25519", NULL, 32, 32, false },
	{ 23, "secp256r1", "P-256", "EC", "P-256", 65, 32, true },
};
const size_t hs_groups_len = sizeof(hs_groups) / sizeof(*hs_groups);

const struct hs_group *hs_group_by_id(uint16_t id)
{
	for (size_t i = 0; i < hs_groups_len; i++)
		if (hs_groups[i].id == id)
			return &hs_groups[i];
	return NULL;
}

const struct hs_group *hs_group_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < hs_groups_len; i++) {
		const struct hs_group *group = &hs_groups[i];

		if ((strlen(group->name) == len && !strncasecmp(group->name, name, len)) ||
		    (strlen(group->alias) == len && !strncasecmp(group->alias, name, len)))
			return group;
	}
	return NULL;
}

EVP_PKEY *hs_group_generate(const struct hs_group *group, uint8_t point[static HS_POINT_MAX])
{
	EVP_PKEY *key = group->evp_group ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", group->evp_group)
					 : EVP_PKEY_Q_keygen(NULL, NULL, group->evp_type);
	size_t len = 0;

	if (key && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
						   HS_POINT_MAX, &len) &&
	    len == group->point_len)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

/* The peer's key; decoding refuses a point that is not on the curve. */
static EVP_PKEY *peer_key(EVP_PKEY *own, const uint8_t *point, size_t len)
{
	EVP_PKEY *peer = EVP_PKEY_new();

	if (peer && EVP_PKEY_copy_parameters(peer, own) &&
	    EVP_PKEY_set1_encoded_public_key(peer, point, len))
		return peer;
	EVP_PKEY_free(peer);
	return NULL;
}

int hs_group_derive(const struct hs_group *group, EVP_PKEY *own, const uint8_t *point, size_t len,
		    uint8_t shared[static HS_PREMASTER_MAX])
{
	size_t shared_len = HS_PREMASTER_MAX;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *peer;
	int ret = 1;

	/* The compressed forms and the point at infinity are not to be had: RFC 8422 5.4. */
	if (len != group->point_len || (group->uncompressed && point[0] != 4))
		return 1;
	peer = peer_key(own, point, len);
	if (!peer)
		return 1;
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
	if (!ctx || EVP_PKEY_derive_init(ctx) <= 0) {
		ret = RTLS_ERR_CRYPTO;
		goto out;
	}
	/*
	 * The point has been found on the curve and the cofactor is 1, so libcrypto need not
	 * multiply by the group's order as well. X25519's all-zero secret fails here.
	 */
	if (EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) > 0 &&
	    EVP_PKEY_derive(ctx, shared, &shared_len) > 0 && shared_len == group->shared_len)
		ret = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return ret;
}
