// SPDX-License-Identifier: MIT
/*
 * Signature schemes of TLS 1.2: RFC 5246 7.4.1.4.1; RSASSA-PSS by RFC 8446 4.2.3, which
 * speaks of TLS 1.2 too; EdDSA by RFC 8422 5.1.3. The order is our preference.
 */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "hs_internal.h"

const struct hs_scheme hs_schemes[] = {
	{ 0x0403, "ecdsa_secp256r1_sha256", "ECDSA+SHA256", HS_KEY_EC, "SHA256", false },
	{ 0x0503, "ecdsa_secp384r1_sha384", "ECDSA+SHA384", HS_KEY_EC, "SHA384", false },
	{ 0x0603, "ecdsa_secp521r1_sha512", "ECDSA+SHA512", HS_KEY_EC, "SHA512", false },
	{ 0x0807, "ed25519", "Ed25519", HS_KEY_ED25519, NULL, false },
	{ 0x0808, "ed448", "Ed448", HS_KEY_ED448, NULL, false },
	{ 0x0804, "rsa_pss_rsae_sha256", "RSA-PSS+SHA256", HS_KEY_RSA, "SHA256", true },
	{ 0x0805, "rsa_pss_rsae_sha384", "RSA-PSS+SHA384", HS_KEY_RSA, "SHA384", true },
	{ 0x0806, "rsa_pss_rsae_sha512", "RSA-PSS+SHA512", HS_KEY_RSA, "SHA512", true },
	{ 0x0809, "rsa_pss_pss_sha256", "rsa_pss_pss_sha256", HS_KEY_RSA_PSS, "SHA256", true },
	{ 0x080a, "rsa_pss_pss_sha384", "rsa_pss_pss_sha384", HS_KEY_RSA_PSS, "SHA384", true },
	{ 0x080b, "rsa_pss_pss_sha512", "rsa_pss_pss_sha512", HS_KEY_RSA_PSS, "SHA512", true },
	{ 0x0401, "rsa_pkcs1_sha256", "RSA+SHA256", HS_KEY_RSA, "SHA256", false },
	{ 0x0501, "rsa_pkcs1_sha384", "RSA+SHA384", HS_KEY_RSA, "SHA384", false },
	{ 0x0601, "rsa_pkcs1_sha512", "RSA+SHA512", HS_KEY_RSA, "SHA512", false },
	/* Only when asked for by name. */
	{ 0x0203, "ecdsa_sha1", "ECDSA+SHA1", HS_KEY_EC, "SHA1", false },
	{ 0x0201, "rsa_pkcs1_sha1", "RSA+SHA1", HS_KEY_RSA, "SHA1", false },
};
const size_t hs_schemes_len = sizeof(hs_schemes) / sizeof(*hs_schemes);
_Static_assert(sizeof(hs_schemes) / sizeof(*hs_schemes) <= HS_ROWS_MAX, "HS_ROWS_MAX");

const struct hs_scheme *hs_scheme_by_id(uint16_t id)
{
	for (size_t i = 0; i < hs_schemes_len; i++)
		if (hs_schemes[i].id == id)
			return &hs_schemes[i];
	return NULL;
}

static const char *scheme_name(size_t row, bool alias)
{
	return alias ? hs_schemes[row].name : hs_schemes[row].openssl_name;
}

const struct hs_names hs_scheme_names = {
	"signature algorithm", sizeof(hs_schemes) / sizeof(*hs_schemes), scheme_name
};

bool hs_key_kind(EVP_PKEY *key, enum hs_key_kind *kind)
{
	static const struct {
		const char *name;
		enum hs_key_kind kind;
	} kinds[] = {
		{ "RSA", HS_KEY_RSA },         { "RSA-PSS", HS_KEY_RSA_PSS }, { "EC", HS_KEY_EC },
		{ "ED25519", HS_KEY_ED25519 }, { "ED448", HS_KEY_ED448 },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (EVP_PKEY_is_a(key, kinds[i].name)) {
			*kind = kinds[i].kind;
			return true;
		}
	return false;
}

/* Sets up RSASSA-PSS with a salt as long as the digest, as RFC 8446 4.2.3 has it. */
static bool set_padding(EVP_PKEY_CTX *ctx, const struct hs_scheme *scheme)
{
	return !scheme->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
				EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

int hs_sign(const struct hs_scheme *scheme, EVP_PKEY *key, struct hs_blob message,
	    uint8_t *signature, size_t *signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t capacity = *signature_len;
	EVP_PKEY_CTX *pkey_ctx;
	bool ok = ctx &&
		  EVP_DigestSignInit_ex(ctx, &pkey_ctx, scheme->digest, NULL, NULL, key, NULL) > 0 &&
		  set_padding(pkey_ctx, scheme) &&
		  EVP_DigestSign(ctx, signature, signature_len, message.data, message.len) > 0;

	EVP_MD_CTX_free(ctx);
	/* Without memory libcrypto 3.0 may say success and a length of -1. */
	return ok && *signature_len <= capacity ? 0 : RTLS_ERR_CRYPTO;
}

static void signer_clear(struct hs_signer *signer)
{
	EVP_MD_free(signer->md);
	EVP_PKEY_CTX_free(signer->ctx);
	hs_config_let_go(signer->config);
	*signer = (struct hs_signer){ 0 };
}

void hs_signers_clear(struct rtls_worker *worker, bool all)
{
	for (size_t i = 0; i < HS_SIGNERS_MAX; i++)
		if (worker->signers[i].config &&
		    (all || hs_config_is_gone(worker->signers[i].config)))
			signer_clear(&worker->signers[i]);
}

void rtls_worker_forget_private_keys(struct rtls_worker *worker)
{
	hs_signers_clear(worker, true);
}

static struct hs_signer *find_signer(struct rtls_worker *worker, const struct hs_scheme *scheme,
				     EVP_PKEY *key)
{
	for (size_t i = 0; i < HS_SIGNERS_MAX; i++)
		if (worker->signers[i].config && worker->signers[i].scheme == scheme &&
		    EVP_PKEY_CTX_get0_pkey(worker->signers[i].ctx) == key)
			return &worker->signers[i];
	return NULL;
}

/* In the place of the one that was made longest ago. NULL: it has to be done without. */
static struct hs_signer *make_signer(struct rtls_hs *hs, EVP_PKEY *key)
{
	struct rtls_worker *worker = hs->worker;
	struct hs_signer made = {
		.config = hs_config_observe(hs->config),
		.scheme = hs->scheme,
		.md = EVP_MD_fetch(NULL, hs->scheme->digest, NULL),
		.ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL),
	};
	struct hs_signer *place;

	if (!made.md || !made.ctx || EVP_PKEY_sign_init(made.ctx) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(made.ctx, made.md) <= 0 ||
	    !set_padding(made.ctx, hs->scheme)) {
		signer_clear(&made);
		return NULL;
	}
	place = &worker->signers[worker->next_signer++ % HS_SIGNERS_MAX];
	signer_clear(place);
	*place = made;
	return place;
}

static bool sign_digest(struct rtls_worker *worker, const struct hs_signer *signer,
			struct hs_blob message, uint8_t *signature, size_t *signature_len)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int len;

	return EVP_DigestInit_ex2(worker->digest, signer->md, NULL) &&
	       EVP_DigestUpdate(worker->digest, message.data, message.len) &&
	       EVP_DigestFinal_ex(worker->digest, digest, &len) &&
	       EVP_PKEY_sign(signer->ctx, signature, signature_len, digest, len) > 0;
}

int hs_sign_again(struct rtls_hs *hs, EVP_PKEY *key, struct hs_blob message, uint8_t *signature,
		  size_t *signature_len)
{
	size_t capacity = *signature_len;
	struct hs_signer *signer = NULL;

	if (hs->scheme->digest) {
		signer = find_signer(hs->worker, hs->scheme, key);
		if (!signer)
			signer = make_signer(hs, key);
	}
	if (signer) {
		if (sign_digest(hs->worker, signer, message, signature, signature_len) &&
		    *signature_len <= capacity)
			return 0;
		/* A token may have lost its session, or take whole messages only. */
		signer_clear(signer);
		*signature_len = capacity;
	}
	return hs_sign(hs->scheme, key, message, signature, signature_len);
}

bool hs_verify_signature(const struct hs_scheme *scheme, EVP_PKEY *key, struct hs_blob message,
			 struct hs_blob signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey_ctx;
	bool ok = ctx &&
		  EVP_DigestVerifyInit_ex(ctx, &pkey_ctx, scheme->digest, hs_peer_library(), NULL,
					  key, NULL) > 0 &&
		  set_padding(pkey_ctx, scheme) &&
		  EVP_DigestVerify(ctx, signature.data, signature.len, message.data,
				   message.len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* ---- in a handshake ------------------------------------------------------------------- */

uint32_t hs_read_schemes(struct wire_in list)
{
	uint32_t schemes = 0;

	while (wire_more(&list)) {
		const struct hs_scheme *scheme = hs_scheme_by_id(wire_get_u16(&list));

		if (scheme)
			schemes |= 1u << (scheme - hs_schemes);
	}
	return schemes;
}

uint32_t hs_schemes_of_signature(X509 *certificate)
{
	int md = NID_undef, pk = NID_undef;
	uint32_t schemes = 0;

	X509_get_signature_info(certificate, &md, &pk, NULL, NULL);
	for (size_t i = 0; i < hs_schemes_len; i++) {
		const struct hs_scheme *scheme = &hs_schemes[i];
		static const int pks[] = {
			[HS_KEY_RSA] = EVP_PKEY_RSA, [HS_KEY_RSA_PSS] = EVP_PKEY_RSA_PSS,
			[HS_KEY_EC] = EVP_PKEY_EC, [HS_KEY_ED25519] = EVP_PKEY_ED25519,
			[HS_KEY_ED448] = EVP_PKEY_ED448,
		};
		/* RSASSA-PSS may be by either kind of RSA key. */
		int kind = scheme->pss ? EVP_PKEY_RSA_PSS : pks[scheme->kind];

		if (kind == pk && (!scheme->digest || md == OBJ_sn2nid(scheme->digest)))
			schemes |= 1u << i;
	}
	return schemes;
}

const struct hs_scheme *hs_choose_scheme(const struct rtls_hs *hs,
					 const struct hs_identity *identity)
{
	for (size_t i = 0; i < hs->config->schemes_len; i++) {
		const struct hs_scheme *scheme = hs->config->schemes[i];

		if (hs->offered_schemes & 1u << (scheme - hs_schemes) &&
		    scheme->kind == identity->kind)
			return scheme;
	}
	return NULL;
}

void hs_put_signature(struct rtls_hs *hs)
{
	size_t vector;

	wire_put_u16(&hs->out, hs->scheme->id);
	vector = wire_begin_vector(&hs->out, 2);
	wire_put_bytes(&hs->out, hs->signature.data, hs->signature.len);
	wire_end_vector(&hs->out, vector, 2);
}

int hs_check_signature(struct rtls_hs *hs, struct hs_blob message, struct wire_in *body)
{
	const struct hs_scheme *scheme = hs_scheme_by_id(wire_get_u16(body));
	struct wire_in signature = wire_get_vector(body, 2, 0);
	bool ok;

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (!scheme || !hs_is_scheme_configured(hs, scheme) || scheme->kind != hs->peer_chain->kind)
		return hs_violation(hs, HS_V_SIGNATURE_NOT_OFFERED);
	ok = hs_verify_signature(scheme, hs->peer_chain->key, message,
				 (struct hs_blob){ signature.data, signature.len });
	ERR_clear_error();
	return ok ? 0 : hs_violation(hs, HS_V_BAD_SIGNATURE);
}
