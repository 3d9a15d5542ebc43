// SPDX-License-Identifier: MIT
/*
 * Which chains and which revocation lists are good, and the alert that answers one that is not:
 * every row of verify.c's table.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "crl.h"
#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* ---- a server's chain ------------------------------------------------------------------- */

#define LEN_MAX (HS_CHAIN_MAX + 3)

FIXTURE(chain)
{
	struct cert certs[LEN_MAX]; /* the root first, the leaf last */
	size_t len;
	const struct _fixture_variant_chain *variant;
	struct pair pair;
};

/* Sets of certificates, by their places. */
enum { ROOT = 1, INTERMEDIATE = 2, LEAF = 4 };

FIXTURE_VARIANT(chain)
{
	int intermediates; /* 0: one */
	unsigned int sent, trusted; /* sent: besides the leaf */
	struct cert_spec intermediate, leaf; /* what is not as usual */
	bool no_authority;   /* the intermediate */
	unsigned int forged; /* signed by somebody else in the issuer's name */
	unsigned int crls;   /* of these issuers */
	unsigned int revoked;
	uint8_t alert;
	const char *reason;  /* NULL: not looked at */
};

#define CHAIN(name, sent_set, trusted_set, ...)                                                    \
	FIXTURE_VARIANT_ADD(chain, name)                                                           \
	{ .sent = sent_set, .trusted = trusted_set, __VA_ARGS__ }
/* What is usual, but for what follows. */
#define USUAL(name, ...) CHAIN(name, INTERMEDIATE, ROOT, __VA_ARGS__)

USUAL(good, .alert = 0);
CHAIN(good_without_what_the_client_has, 0, ROOT | INTERMEDIATE, .alert = 0);
CHAIN(good_with_the_root, INTERMEDIATE | ROOT, ROOT, .alert = 0);

CHAIN(intermediate_not_sent, 0, ROOT, .alert = RTLS_ALERT_UNKNOWN_CA,
      .reason = "the server's certificate is refused: unable to get local issuer certificate");
CHAIN(intermediate_is_no_root, 0, INTERMEDIATE, .alert = RTLS_ALERT_UNKNOWN_CA,
      .reason = "certificate 1 above the server's is refused: unable to get issuer certificate");
CHAIN(root_of_somebody_else, INTERMEDIATE | ROOT, 0, .alert = RTLS_ALERT_UNKNOWN_CA,
      .reason = "certificate 2 above the server's is refused: "
		"self-signed certificate in certificate chain");

USUAL(leaf_used_as_authority, .no_authority = true, .alert = RTLS_ALERT_UNKNOWN_CA,
      .reason = "certificate 1 above the server's is refused: invalid CA certificate");
USUAL(authority_that_must_not_sign, .intermediate.key_usage = "cRLSign",
      .alert = RTLS_ALERT_UNKNOWN_CA,
      .reason = "certificate 1 above the server's is refused: invalid CA certificate");
USUAL(forged_leaf, .forged = LEAF, .alert = RTLS_ALERT_BAD_CERTIFICATE,
      .reason = "the server's certificate is refused: certificate signature failure");
USUAL(forged_intermediate, .forged = INTERMEDIATE, .alert = RTLS_ALERT_BAD_CERTIFICATE,
      .reason = "certificate 1 above the server's is refused: certificate signature failure");

/* As many as are allowed, and one more. The client has what the server could not send. */
CHAIN(long_chain, 0x7fc, 0x003, .intermediates = HS_CHAIN_MAX, .alert = 0);
CHAIN(chain_too_long, 0xff8, 0x007, .intermediates = HS_CHAIN_MAX + 1,
      .alert = RTLS_ALERT_UNKNOWN_CA);

/* 112 bits all the way up. */
USUAL(leaf_signed_with_sha1, .leaf.digest = "SHA1", .alert = RTLS_ALERT_BAD_CERTIFICATE);
USUAL(intermediate_signed_with_sha1, .intermediate.digest = "SHA1",
      .alert = RTLS_ALERT_BAD_CERTIFICATE);
USUAL(intermediate_of_1024_bits, .intermediate.kind = CERT_RSA, .intermediate.rsa_bits = 1024,
      .alert = RTLS_ALERT_BAD_CERTIFICATE);
USUAL(intermediate_of_2048_bits, .intermediate.kind = CERT_RSA, .alert = 0);

/* Once there is a list, each certificate needs one. */
USUAL(lists_of_both, .crls = ROOT | INTERMEDIATE, .alert = 0);
USUAL(no_list_of_the_intermediate, .crls = ROOT, .alert = RTLS_ALERT_CERTIFICATE_UNKNOWN,
      .reason = "the server's certificate cannot be checked: no CRL of its issuer was given");
USUAL(no_list_of_the_root, .crls = INTERMEDIATE, .alert = RTLS_ALERT_CERTIFICATE_UNKNOWN,
      .reason = "certificate 1 above the server's cannot be checked: no CRL of its issuer was given");
USUAL(leaf_revoked, .crls = ROOT | INTERMEDIATE, .revoked = LEAF,
      .alert = RTLS_ALERT_CERTIFICATE_REVOKED,
      .reason = "the server's certificate was revoked by its issuer");
USUAL(intermediate_revoked, .crls = ROOT | INTERMEDIATE, .revoked = INTERMEDIATE,
      .alert = RTLS_ALERT_CERTIFICATE_REVOKED,
      .reason = "certificate 1 above the server's was revoked by its issuer");

static int add_trusted(struct rtls_config *config, const struct cert *cert)
{
	char file[] = "/tmp/ringtls-trust-XXXXXX";
	FILE *pem = fdopen(mkstemp(file), "w");
	int ret;

	if (!PEM_write_X509(pem, cert->x509) || fclose(pem))
		abort();
	ret = rtls_config_add_trust_file(config, file);
	unlink(file);
	return ret;
}

static int add_crl(struct rtls_config *config, const struct cert *issuer, long serial)
{
	char file[] = "/tmp/ringtls-crl-XXXXXX";
	int ret;

	close(mkstemp(file));
	crl_write(file, (struct crl_spec){ .issuer = issuer, .serial = serial });
	ret = rtls_config_add_crl_file(config, file);
	unlink(file);
	return ret;
}

/* Serial numbers are places, from 1 on. */
static int set_client(struct rtls_config *config, void *arg)
{
	const struct _test_data_chain *self = arg;
	struct cert stranger = cert_make((struct cert_spec){ .subject = "stranger", .is_ca = true });
	int ret = add_trusted(config, &stranger);

	cert_free(&stranger);
	for (size_t i = 0; !ret && i < self->len; i++)
		if (self->variant->trusted & 1u << i)
			ret = add_trusted(config, &self->certs[i]);
	for (size_t i = 0; !ret && i < self->len; i++)
		if (self->variant->crls & 1u << i)
			ret = add_crl(config, &self->certs[i],
				      self->variant->revoked & 2u << i ? (long)i + 2 : 99);
	return ret;
}

/* From the leaf up. */
static int set_server(struct rtls_config *config, void *arg)
{
	const struct _test_data_chain *self = arg;
	const struct cert *leaf = &self->certs[self->len - 1];
	X509 *sent[LEN_MAX];
	size_t len = 0;

	for (size_t i = self->len - 1; i-- > 0;)
		if (self->variant->sent & 1u << i)
			sent[len++] = self->certs[i].x509;
	return rtls_config_add_identity(config, leaf->x509, sent, len, leaf->key);
}

/* Each kind of level has a key of its own: a wrong signature must not be right by chance. */
static struct cert make_level(struct _test_data_chain *self, size_t i)
{
	struct cert_spec spec = { .is_ca = true };
	char subject[32];

	if (i + 1 == self->len) {
		spec = self->variant->leaf;
	} else if (i == 1) {
		spec = self->variant->intermediate;
		spec.is_ca = !self->variant->no_authority;
	}
	if (i + 1 < self->len && spec.kind == CERT_ECDSA)
		spec.kind = i ? CERT_ECDSA_P384 : CERT_ECDSA_P521;
	if (i)
		spec.issuer = &self->certs[i - 1];
	snprintf(subject, sizeof(subject), "level %zu", i);
	spec.subject = subject;
	spec.serial = i + 1;
	return cert_make(spec);
}

FIXTURE_SETUP(chain)
{
	memset(self, 0, sizeof(*self));
	self->variant = variant;
	self->len = (variant->intermediates ? variant->intermediates : 1) + 2;
	for (size_t i = 0; i < self->len; i++) {
		self->certs[i] = make_level(self, i);
		if (variant->forged & 1u << i)
			X509_sign(self->certs[i].x509, self->certs[i].key, EVP_sha256());
	}
	self->pair = pair_make(
		config_make((struct config_spec){ .more = set_server, .arg = self }),
		config_make((struct config_spec){ .more = set_client, .arg = self }));
}

FIXTURE_TEARDOWN(chain)
{
	pair_free(&self->pair);
	for (size_t i = 0; i < self->len; i++)
		cert_free(&self->certs[i]);
	test_end();
}

TEST_F(chain, is_judged)
{
	struct rtls_hs *client;

	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	client = self->pair.client;
	EXPECT_EQ(variant->alert ? RTLS_ERR_ALERT_SENT(variant->alert) : 0, rtls_hs_error(client))
	{
		TH_LOG("%s", rtls_hs_reason(client));
	}
	if (variant->reason || !variant->alert)
		EXPECT_STREQ(variant->reason ? variant->reason : "", rtls_hs_reason(client));
}

/* ---- lists, of either side -------------------------------------------------------------- */

FIXTURE(revocation)
{
	struct cert ca, server_cert, client_cert;
	char crl[40];
	struct pair pair;
};

FIXTURE_VARIANT(revocation)
{
	enum rtls_role looks; /* who has the CRL */
	long serial, age_s;
	bool forged;
	uint8_t alert;
	const char *reason;
};

#define REVOCATION(name) FIXTURE_VARIANT_ADD(revocation, name)

REVOCATION(of_somebody_else) { .looks = RTLS_SERVER, .serial = 77 };
REVOCATION(of_the_client) {
	.looks = RTLS_SERVER, .serial = 3, .alert = RTLS_ALERT_CERTIFICATE_REVOKED,
	.reason = "the client's certificate was revoked by its issuer" };
REVOCATION(of_the_server) {
	.looks = RTLS_CLIENT, .serial = 2, .alert = RTLS_ALERT_CERTIFICATE_REVOKED,
	.reason = "the server's certificate was revoked by its issuer" };
REVOCATION(not_of_the_server) { .looks = RTLS_CLIENT, .serial = 3 };
REVOCATION(list_out_of_date) {
	.looks = RTLS_SERVER, .serial = 77, .age_s = 200000,
	.alert = RTLS_ALERT_CERTIFICATE_UNKNOWN,
	.reason = "the client's certificate cannot be checked: the CRL of its issuer is out of date" };
REVOCATION(list_of_tomorrow) {
	.looks = RTLS_SERVER, .serial = 77, .age_s = -86400,
	.alert = RTLS_ALERT_CERTIFICATE_UNKNOWN,
	.reason = "the client's certificate is refused: CRL is not yet valid" };
/* In the issuer's name, by somebody else's key. */
REVOCATION(list_is_forged) {
	.looks = RTLS_CLIENT, .serial = 77, .forged = true,
	.alert = RTLS_ALERT_CERTIFICATE_UNKNOWN,
	.reason = "the server's certificate is refused: CRL signature failure" };

FIXTURE_SETUP(revocation)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->crl, "/tmp/ringtls-crl-XXXXXX");
	close(mkstemp(self->crl));
	self->ca = cert_make((struct cert_spec){
		.kind = CERT_ECDSA_P384, .subject = "authority", .is_ca = true });
	self->server_cert = cert_make((struct cert_spec){ .issuer = &self->ca, .serial = 2 });
	self->client_cert = cert_make((struct cert_spec){
		.issuer = &self->ca, .serial = 3, .usage = "clientAuth" });
	crl_write(self->crl, (struct crl_spec){
		.issuer = &self->ca, .signer = variant->forged ? &self->client_cert : NULL,
		.serial = variant->serial, .age_s = variant->age_s });
	self->pair = pair_make(
		config_make((struct config_spec){
			.identity = &self->server_cert, .trust = &self->ca,
			.client_auth = RTLS_CLIENT_AUTH_REQUIRE,
			.crl_file = variant->looks == RTLS_SERVER ? self->crl : NULL }),
		config_make((struct config_spec){
			.identity = &self->client_cert, .trust = &self->ca,
			.crl_file = variant->looks == RTLS_CLIENT ? self->crl : NULL }));
}

FIXTURE_TEARDOWN(revocation)
{
	unlink(self->crl);
	pair_free(&self->pair);
	cert_free(&self->ca);
	cert_free(&self->server_cert);
	cert_free(&self->client_cert);
	test_end();
}

TEST_F(revocation, is_noticed)
{
	struct rtls_hs *looks;

	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	looks = variant->looks == RTLS_SERVER ? self->pair.server : self->pair.client;
	EXPECT_EQ(variant->alert ? RTLS_ERR_ALERT_SENT(variant->alert) : 0, rtls_hs_error(looks));
	EXPECT_STREQ(variant->reason ? variant->reason : "", rtls_hs_reason(looks));
}

TEST_HARNESS_MAIN
