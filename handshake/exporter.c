// SPDX-License-Identifier: MIT
/* What other protocols are bound to a connection with: RFC 5705, RFC 5929. */
#include <errno.h>
#include <string.h>
#include <openssl/err.h>

#include "hs_internal.h"

/* RFC 5705 4: client_random + server_random, and the context with its length, if there is one. */
static struct wire_out seed(const struct rtls_hs *hs, const uint8_t *context, size_t context_len)
{
	struct wire_out out = { 0 };
	size_t vector;

	wire_put_bytes(&out, hs->client_random, HS_RANDOM_LEN);
	wire_put_bytes(&out, hs->server_random, HS_RANDOM_LEN);
	if (context) {
		vector = wire_begin_vector(&out, 2);
		wire_put_bytes(&out, context, context_len);
		wire_end_vector(&out, vector, 2);
	}
	return out;
}

/* Labels of TLS itself: their output is secret. */
static bool is_reserved(const char *label)
{
	static const char *const labels[] = { "client finished", "server finished",
					      "master secret", "extended master secret",
					      "key expansion" };

	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (!strcmp(label, labels[i]))
			return true;
	return false;
}

int rtls_hs_export(struct rtls_hs *hs, const char *label, const uint8_t *context,
		   size_t context_len, uint8_t *out, size_t len)
{
	struct wire_out bytes;
	int ret = -ENOMEM;

	if (rtls_hs_status(hs) != RTLS_HS_DONE || hs->state == HS_GONE)
		return RTLS_ERR_STATE;
	if (is_reserved(label) || context_len > UINT16_MAX)
		return -EINVAL;
	bytes = seed(hs, context, context_len);
	if (!bytes.bad)
		ret = hs_prf(hs->worker, hs->suite->hash, hs->secrets.master, HS_MASTER_LEN, label,
			     (struct hs_blob){ bytes.data, bytes.len }, (struct hs_blob){ 0 }, out,
			     len);
	wire_clear(&bytes);
	return ret;
}

/* The digest of the certificate's own signature; SHA-256 in the place of MD5 and SHA-1. */
static const EVP_MD *digest_of(X509 *certificate)
{
	int nid;

	if (!X509_get_signature_info(certificate, &nid, NULL, NULL, NULL) || nid == NID_undef)
		return NULL;
	return nid == NID_md5 || nid == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(nid);
}

/* Of a resumed session it lies in the session. */
static X509 *server_certificate(const struct rtls_hs *hs)
{
	X509 *certificate = hs->role == RTLS_SERVER ? hs->identity->leaf
						: hs_peer_leaf(hs);
	struct wire_in chain = wire_in(hs->session.chain.data, hs->session.chain.len), der;
	const uint8_t *p;

	if (certificate) {
		X509_up_ref(certificate);
		return certificate;
	}
	der = wire_get_vector(&chain, 3, 1);
	p = der.data;
	return der.bad ? NULL : d2i_X509(NULL, &p, der.len);
}

int rtls_hs_server_end_point(const struct rtls_hs *hs, uint8_t out[RTLS_END_POINT_MAX])
{
	X509 *certificate;
	const EVP_MD *digest;
	unsigned int len = 0;

	if (rtls_hs_status(hs) != RTLS_HS_DONE || hs->state == HS_GONE)
		return RTLS_ERR_STATE;
	certificate = server_certificate(hs);
	digest = certificate ? digest_of(certificate) : NULL;
	if (digest && !X509_digest(certificate, digest, out, &len))
		len = 0;
	X509_free(certificate);
	ERR_clear_error();
	return len ? (int)len : -ENOTSUP;
}
