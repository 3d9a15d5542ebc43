// SPDX-License-Identifier: MIT
/*
 * Client authentication: every kind of client certificate with every kind of key exchange,
 * what a server asks for and gets, who is refused and why, the callback, keys elsewhere.
 */
#include <string.h>

#include "common.h"
#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* ---- every kind of certificate ------------------------------------------------------- */

FIXTURE(client_certificate)
{
	struct cert server_cert, client_cert;
	struct pair pair;
};

FIXTURE_VARIANT(client_certificate)
{
	enum cert_kind kind;
	const char *suite;
	bool external;
};

#define KIND(name, kind_name, suite_name)                                                          \
	FIXTURE_VARIANT_ADD(client_certificate, name)                                              \
	{ .kind = CERT_##kind_name, .suite = suite_name };                                         \
	FIXTURE_VARIANT_ADD(client_certificate, name##_keys_elsewhere)                             \
	{ .kind = CERT_##kind_name, .suite = suite_name, .external = true }

KIND(ecdsa, ECDSA, "ECDHE-RSA-AES128-GCM-SHA256");
KIND(ecdsa_sha384_suite, ECDSA, "ECDHE-RSA-AES256-GCM-SHA384");
KIND(ecdsa_p384, ECDSA_P384, "ECDHE-RSA-AES128-GCM-SHA256");
KIND(ecdsa_p521, ECDSA_P521, "ECDHE-RSA-CHACHA20-POLY1305");
KIND(rsa, RSA, "ECDHE-RSA-AES128-GCM-SHA256");
KIND(rsa_pss, RSA_PSS, "ECDHE-RSA-AES256-GCM-SHA384");
KIND(ed25519, ED25519, "ECDHE-RSA-AES128-GCM-SHA256");
KIND(ed448, ED448, "ECDHE-RSA-AES256-GCM-SHA384");
KIND(ecdsa_with_dhe, ECDSA, "DHE-RSA-AES128-GCM-SHA256");
KIND(ecdsa_with_kx_rsa, ECDSA, "AES128-GCM-SHA256");
KIND(rsa_with_kx_rsa, RSA, "AES256-GCM-SHA384");

FIXTURE_SETUP(client_certificate)
{
	self->server_cert = cert_make((struct cert_spec){ .kind = CERT_RSA });
	self->client_cert = cert_make((struct cert_spec){
		.kind = variant->kind, .usage = "clientAuth", .subject = "somebody" });
	self->pair = pair_make(
		config_make((struct config_spec){
			.identity = &self->server_cert, .trust = &self->client_cert,
			.suites = variant->suite, .client_auth = RTLS_CLIENT_AUTH_REQUIRE,
			.external_keys = variant->external }),
		config_make((struct config_spec){
			.identity = &self->client_cert, .trust = &self->server_cert,
			.suites = variant->suite, .external_keys = variant->external }));
}

FIXTURE_TEARDOWN(client_certificate)
{
	pair_free(&self->pair);
	cert_free(&self->server_cert);
	cert_free(&self->client_cert);
	test_end();
}

/* Does the server know the client's certificate, to the byte? */
static bool is_peer(struct rtls_hs *server, const struct cert *cert)
{
	struct rtls_peer peer;
	struct rtls_keys keys;
	uint8_t *der = NULL;
	int len = i2d_X509(cert->x509, &der);
	bool same = !rtls_hs_finish(server, &keys, &peer);

	same = same && peer.certificate_len == (size_t)len && !memcmp(peer.certificate, der, len);
	OPENSSL_free(der);
	rtls_peer_free(&peer);
	return same;
}

TEST_F(client_certificate, whole)
{
	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_STREQ("", rtls_hs_reason(self->pair.server));
	EXPECT_STREQ("", rtls_hs_reason(self->pair.client));
	EXPECT_EQ(true, is_peer(self->pair.server, &self->client_cert));
}

TEST_F(client_certificate, one_byte_at_a_time)
{
	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, 1);
	EXPECT_STREQ("", rtls_hs_reason(self->pair.server));
	EXPECT_EQ(true, is_peer(self->pair.server, &self->client_cert));
}

/* ---- who is let in, and who is not ------------------------------------------------------ */

static int refuse_all(void *arg, const struct rtls_chain *chain)
{
	*(size_t *)arg = chain->len;
	return RTLS_ALERT_ACCESS_DENIED;
}

static int accept_all(void *arg, const struct rtls_chain *chain)
{
	*(size_t *)arg = chain->len;
	return 0;
}

FIXTURE(admission)
{
	struct cert server_cert, ca, intermediate, client_cert;
	struct pair pair;
	rtls_verify_callback callback;
	size_t asked; /* by the callback: the length of the chain that it saw */
};

FIXTURE_VARIANT(admission)
{
	enum rtls_client_auth client_auth;
	bool no_identity, trust_leaf, no_intermediate, insecure;
	const char *client_sigalgs, *server_sigalgs, *usage;
	long age_s, life_s;
	rtls_verify_callback callback;
	uint8_t alert; /* the server's; 0: welcome */
	const char *reason;
	bool anonymous; /* nobody is known to the server afterwards */
};

#define ADMISSION(name) FIXTURE_VARIANT_ADD(admission, name)

ADMISSION(by_an_intermediate) { .client_auth = RTLS_CLIENT_AUTH_REQUIRE };
ADMISSION(asked_only) { .client_auth = RTLS_CLIENT_AUTH_REQUEST };
ADMISSION(not_asked) { .client_auth = RTLS_CLIENT_AUTH_NONE, .anonymous = true };
ADMISSION(has_none_and_was_asked) {
	.client_auth = RTLS_CLIENT_AUTH_REQUEST, .no_identity = true, .anonymous = true };
ADMISSION(has_none_and_must) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .no_identity = true,
	.alert = RTLS_ALERT_HANDSHAKE_FAILURE, .reason = "the client sent no certificate" };
/* A certificate that no scheme of the server's can use is not sent. */
ADMISSION(cannot_sign_what_the_server_takes) {
	.client_auth = RTLS_CLIENT_AUTH_REQUEST, .client_sigalgs = "ECDSA+SHA256:RSA-PSS+SHA256",
	.server_sigalgs = "RSA-PSS+SHA256", .anonymous = true };
ADMISSION(intermediate_missing) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .no_intermediate = true,
	.alert = RTLS_ALERT_UNKNOWN_CA,
	.reason = "the client's certificate is refused: unable to get local issuer certificate" };
/* An asked-for certificate that is bad is worse than none. */
ADMISSION(intermediate_missing_and_asked_only) {
	.client_auth = RTLS_CLIENT_AUTH_REQUEST, .no_intermediate = true,
	.alert = RTLS_ALERT_UNKNOWN_CA,
	.reason = "the client's certificate is refused: unable to get local issuer certificate" };
ADMISSION(for_servers_only) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .usage = "serverAuth",
	.alert = RTLS_ALERT_UNSUPPORTED_CERTIFICATE,
	.reason = "the client's certificate is refused: unsuitable certificate purpose" };
ADMISSION(expired) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .age_s = 1000000, .life_s = 700000,
	.alert = RTLS_ALERT_CERTIFICATE_EXPIRED,
	.reason = "the client's certificate expired 3 days ago" };
ADMISSION(not_yet_valid) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .age_s = -7300, .life_s = 700000,
	.alert = RTLS_ALERT_CERTIFICATE_EXPIRED,
	.reason = "the client's certificate is not valid before 2 hours from now" };
ADMISSION(callback_refuses) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .callback = refuse_all,
	.alert = RTLS_ALERT_ACCESS_DENIED,
	.reason = "the certificate was refused by the application" };
ADMISSION(callback_accepts) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .callback = accept_all };
ADMISSION(callback_alone_accepts) {
	.client_auth = RTLS_CLIENT_AUTH_REQUIRE, .callback = accept_all, .insecure = true,
	.no_intermediate = true };

static int set_callback(struct rtls_config *config, void *arg)
{
	struct _test_data_admission *self = arg;

	return rtls_config_set_verify_callback(config, self->callback, &self->asked);
}

FIXTURE_SETUP(admission)
{
	memset(self, 0, sizeof(*self));
	self->server_cert = cert_make((struct cert_spec){ .kind = CERT_RSA });
	self->ca = cert_make((struct cert_spec){
		.kind = CERT_ECDSA, .subject = "authority", .is_ca = true });
	self->intermediate = cert_make((struct cert_spec){
		.kind = CERT_ECDSA_P384, .subject = "intermediate", .is_ca = true,
		.issuer = &self->ca, .serial = 2 });
	self->client_cert = cert_make((struct cert_spec){
		.kind = CERT_ECDSA, .subject = "somebody", .issuer = &self->intermediate,
		.usage = variant->usage ? variant->usage : "clientAuth", .serial = 3,
		.age_s = variant->age_s, .life_s = variant->life_s });
	self->callback = variant->callback;
	self->pair = pair_make(
		config_make((struct config_spec){
			.identity = &self->server_cert, .trust = &self->ca,
			.sigalgs = variant->server_sigalgs, .client_auth = variant->client_auth,
			.insecure = variant->insecure, .more = set_callback, .arg = self }),
		config_make((struct config_spec){
			.identity = variant->no_identity ? NULL : &self->client_cert,
			.chain = variant->no_intermediate ? NULL : &self->intermediate,
			.sigalgs = variant->client_sigalgs, .trust = &self->server_cert }));
}

FIXTURE_TEARDOWN(admission)
{
	pair_free(&self->pair);
	cert_free(&self->server_cert);
	cert_free(&self->ca);
	cert_free(&self->intermediate);
	cert_free(&self->client_cert);
	test_end();
}

TEST_F(admission, is)
{
	struct rtls_peer peer;
	struct rtls_keys keys;

	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_EQ(variant->callback ? (variant->no_intermediate ? 1 : 2) : 0, self->asked);
	if (variant->alert) {
		EXPECT_EQ(RTLS_ERR_ALERT_SENT(variant->alert), rtls_hs_error(self->pair.server));
		EXPECT_STREQ(variant->reason, rtls_hs_reason(self->pair.server));
		EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(variant->alert),
			  rtls_hs_error(self->pair.client));
		return;
	}
	ASSERT_STREQ("", rtls_hs_reason(self->pair.server));
	ASSERT_STREQ("", rtls_hs_reason(self->pair.client));
	ASSERT_EQ(0, rtls_hs_finish(self->pair.server, &keys, &peer));
	EXPECT_EQ(variant->anonymous, !peer.certificate);
	rtls_peer_free(&peer);
}

/* ---- which identity a client shows -------------------------------------------------------- */

TEST(the_identity_that_the_authority_has_issued)
{
	struct cert server_cert = cert_make((struct cert_spec){ 0 });
	struct cert ca = cert_make((struct cert_spec){
		.kind = CERT_ECDSA_P384, .subject = "authority", .is_ca = true });
	struct cert stranger = cert_make((struct cert_spec){ .usage = "clientAuth" });
	struct cert friend = cert_make((struct cert_spec){
		.usage = "clientAuth", .subject = "friend", .issuer = &ca });
	struct pair pair = pair_make(
		config_make((struct config_spec){ .identity = &server_cert, .trust = &ca,
						  .client_auth = RTLS_CLIENT_AUTH_REQUIRE }),
		config_make((struct config_spec){ .identity = &stranger, .identity2 = &friend,
						  .trust = &server_cert }));

	ASSERT_EQ(0, pair_begin(&pair, "localhost"));
	pair_run(&pair, SIZE_MAX);
	EXPECT_STREQ("", rtls_hs_reason(pair.server));
	EXPECT_EQ(true, is_peer(pair.server, &friend));
	pair_free(&pair);
	cert_free(&server_cert);
	cert_free(&ca);
	cert_free(&stranger);
	cert_free(&friend);
	test_end();
}

/* ---- keys elsewhere: what their callers may do wrong ----------------------------------------- */

FIXTURE(elsewhere)
{
	struct cert cert;
	struct pair pair;
};

FIXTURE_VARIANT(elsewhere) { const char *suite; };
FIXTURE_VARIANT_ADD(elsewhere, sign) { .suite = "ECDHE-RSA-AES128-GCM-SHA256" };
FIXTURE_VARIANT_ADD(elsewhere, decrypt) { .suite = "AES128-GCM-SHA256" };

FIXTURE_SETUP(elsewhere)
{
	self->cert = cert_make((struct cert_spec){ .kind = CERT_RSA });
	self->pair = pair_make(
		config_make((struct config_spec){ .identity = &self->cert, .external_keys = true,
						  .suites = variant->suite }),
		config_make((struct config_spec){ .trust = &self->cert, .suites = variant->suite }));
	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
}

FIXTURE_TEARDOWN(elsewhere)
{
	pair_free(&self->pair);
	cert_free(&self->cert);
	test_end();
}

static bool wants_key(struct rtls_hs *hs)
{
	return rtls_hs_status(hs) == RTLS_HS_WANT_SIGN || rtls_hs_status(hs) == RTLS_HS_WANT_DECRYPT;
}

/* Up to where the server wants its key: behind its first flight, or the client's key exchange. */
static bool reach_key(struct pair *pair)
{
	const uint8_t *data;
	size_t len;

	pair_carry(pair->client, pair->server, SIZE_MAX);
	pair_carry(pair->server, pair->client, SIZE_MAX);
	data = rtls_hs_output(pair->client, &len);
	if (len)
		rtls_hs_input(pair->server, data, 5 + (data[3] << 8 | data[4]));
	return wants_key(pair->server);
}

/* The output is borrowed until it is sent: nothing may move it meanwhile. */
TEST_F(elsewhere, not_before_the_output_is_sent)
{
	struct rtls_key_operation *operation;
	struct rtls_hs *server = self->pair.server;
	size_t len;

	pair_carry(self->pair.client, server, SIZE_MAX);
	operation = rtls_hs_key_operation(server);
	if (variant->suite[0] == 'A') {
		EXPECT_EQ(NULL, operation);
		return;
	}
	ASSERT_NE(NULL, operation);
	EXPECT_EQ(RTLS_HS_WANT_OUTPUT, rtls_hs_status(server));
	rtls_key_operation_run(operation);
	EXPECT_EQ(RTLS_ERR_STATE, rtls_hs_key_done(server, operation));
	pair_carry(server, self->pair.client, SIZE_MAX);
	EXPECT_EQ(RTLS_HS_WANT_SIGN, rtls_hs_status(server));
	EXPECT_EQ(0, rtls_hs_key_done(server, operation));
	EXPECT_EQ(RTLS_ERR_STATE, rtls_hs_key_done(server, operation));
	rtls_key_operation_free(operation);
	rtls_hs_output(server, &len);
	EXPECT_LT(0, len);
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(server));
}

/* A key that failed to sign is our fault; one that failed to decrypt looks like any wrong premaster. */
TEST_F(elsewhere, failed)
{
	struct rtls_key_operation *operation;
	struct rtls_hs *server = self->pair.server;

	ASSERT_EQ(true, reach_key(&self->pair));
	operation = rtls_hs_key_operation(server);
	operation->error = -5;
	if (operation->want == RTLS_HS_WANT_SIGN) {
		EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_INTERNAL_ERROR),
			  rtls_hs_key_done(server, operation));
	} else {
		EXPECT_EQ(0, rtls_hs_key_done(server, operation));
		EXPECT_EQ(RTLS_HS_WANT_INPUT, rtls_hs_status(server));
	}
	rtls_key_operation_free(operation);
}

TEST_F(elsewhere, freed_meanwhile)
{
	struct rtls_key_operation *operation;

	ASSERT_EQ(true, reach_key(&self->pair));
	operation = rtls_hs_key_operation(self->pair.server);
	rtls_hs_free(self->pair.server);
	self->pair.server = NULL;
	rtls_key_operation_run(operation);
	EXPECT_EQ(0, operation->error);
	rtls_key_operation_free(operation);
}

/* ---- configuration ------------------------------------------------------------------------------ */

TEST(config_refuses)
{
	struct rtls_config *config = rtls_config_new();

	EXPECT_EQ(0, rtls_config_set_client_auth(config, RTLS_CLIENT_AUTH_REQUEST));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_freeze(config));
	EXPECT_STREQ("client authentication needs the certificates of those who sign for clients",
		     rtls_config_error(config));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_add_crl_file(config, "/dev/null"));
	EXPECT_STREQ("/dev/null: no CRL in PEM could be read from it", rtls_config_error(config));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_add_crl_file(config, "/nonexistent"));
	rtls_config_unref(config);
	config = rtls_config_new();
	EXPECT_EQ(0, rtls_config_set_require_staple(config, true));
	EXPECT_EQ(0, rtls_config_set_verify(config, false));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_freeze(config));
	rtls_config_unref(config);
	test_end();
}

/* What a freeze that failed has begun is not there twice after the next one. */
TEST(freeze_again)
{
	struct rtls_session_store *store = rtls_session_store_new(1);
	struct rtls_config *config = rtls_config_new();

	rtls_config_set_client_auth(config, RTLS_CLIENT_AUTH_REQUEST);
	rtls_config_set_verify(config, false);
	rtls_config_set_session_store(config, store);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_freeze(config));
	rtls_config_set_now(config, test_now, NULL);
	EXPECT_EQ(0, rtls_config_freeze(config));
	/* Two types, the default schemes, no authority. */
	EXPECT_EQ(3 + 2 + 2 * config->schemes_len + 2, config->certificate_request.len);
	rtls_config_unref(config);
	rtls_session_store_unref(store);
	test_end();
}

TEST_HARNESS_MAIN
