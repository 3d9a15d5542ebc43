// SPDX-License-Identifier: MIT
/*
 * The hash over the handshake's messages, RFC 5246 7.4.9. Until the ServerHello says which
 * hash, the messages are kept as they are; as long as a CertificateVerify may come, too, since
 * it may sign them with another hash, or as they are.
 */
#include "hs_internal.h"

int hs_transcript_add(struct hs_transcript *transcript, const uint8_t *message, size_t len)
{
	if (!transcript->digest || transcript->keep) {
		wire_put_bytes(&transcript->raw, message, len);
		if (transcript->raw.bad)
			return RTLS_ERR_CRYPTO;
	}
	if (!transcript->digest)
		return 0;
	return EVP_DigestUpdate(transcript->digest, message, len) ? 0 : RTLS_ERR_CRYPTO;
}

int hs_transcript_start(struct hs_transcript *transcript, const EVP_MD *md, bool keep)
{
	transcript->digest = EVP_MD_CTX_new();
	if (!transcript->digest || !EVP_DigestInit_ex2(transcript->digest, md, NULL) ||
	    !EVP_DigestUpdate(transcript->digest, transcript->raw.data, transcript->raw.len))
		return RTLS_ERR_CRYPTO;
	transcript->keep = keep;
	if (!keep)
		wire_clear(&transcript->raw);
	return 0;
}

struct hs_blob hs_transcript_messages(const struct hs_transcript *transcript)
{
	return (struct hs_blob){ transcript->raw.data, transcript->raw.len };
}

void hs_transcript_forget(struct hs_transcript *transcript)
{
	transcript->keep = false;
	wire_clear(&transcript->raw);
}

int hs_transcript_hash(const struct hs_transcript *transcript, struct rtls_worker *worker,
		       uint8_t hash[static HS_HASH_MAX])
{
	unsigned int len = 0;

	if (!EVP_MD_CTX_copy_ex(worker->digest, transcript->digest) ||
	    !EVP_DigestFinal_ex(worker->digest, hash, &len))
		return RTLS_ERR_CRYPTO;
	return len;
}

void hs_transcript_clear(struct hs_transcript *transcript)
{
	wire_clear(&transcript->raw);
	EVP_MD_CTX_free(transcript->digest);
	transcript->digest = NULL;
}
