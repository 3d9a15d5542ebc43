// SPDX-License-Identifier: MIT
/*
 * What a server chooses: the suite, by its own order or by the client's; of several certificates
 * the one that bears the name asked for, and that the client can use.
 */
#include <string.h>

#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

FIXTURE(choice)
{
	struct cert ca, certs[2];
	struct pair pair;
};

FIXTURE_VARIANT(choice)
{
	struct cert_spec certs[2]; /* an authority with an RSA key signs both */
	const char *server_suites, *server_sigalgs;
	bool clients_order;
	const char *client_suites, *client_groups, *client_sigalgs;
	const char *host; /* asked for; NULL: localhost */
	const char *suite, *sigalg; /* the outcome; NULL: not looked at */
	int cert;
};

#define CHOICE(name) FIXTURE_VARIANT_ADD(choice, name)

/* Both lists have what the other lacks, and nothing of them stands at the same place. */
#define SERVERS "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:" \
		"ECDHE-ECDSA-AES128-GCM-SHA256"
#define CLIENTS "ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-CHACHA20-POLY1305:" \
		"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"

CHOICE(suite_by_the_servers_order) {
	.server_suites = SERVERS, .client_suites = CLIENTS,
	.suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" };
CHOICE(suite_by_the_clients_order) {
	.server_suites = SERVERS, .client_suites = CLIENTS, .clients_order = true,
	.suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" };

CHOICE(exact_name_before_a_wildcard) {
	.certs = { { .host = "*.example.org" }, { .host = "www.example.org" } },
	.host = "WWW.example.org", .cert = 1 };
CHOICE(wildcard_before_any_other) {
	.certs = { { .host = "www.example.org" }, { .host = "*.example.org" } },
	.host = "ftp.example.org", .cert = 1 };
/* The one that bears the name cannot be used. */
CHOICE(wildcard_in_the_place_of_an_exact_name) {
	.certs = { { .kind = CERT_RSA, .host = "www.example.org" }, { .host = "*.example.org" } },
	.client_suites = "ECDHE-ECDSA-AES128-GCM-SHA256", .host = "www.example.org", .cert = 1 };

/* Certificates for the same suites: then the signature algorithms count, or the curves. */
#define TWO_KINDS(first, second) { { .kind = CERT_##first }, { .kind = CERT_##second } }

CHOICE(ecdsa_of_ed25519_and_ecdsa) {
	.certs = TWO_KINDS(ED25519, ECDSA), .client_sigalgs = "RSA+SHA256:ECDSA+SHA256",
	.sigalg = "ECDSA+SHA256", .cert = 1 };
CHOICE(ed25519_of_ecdsa_and_ed25519) {
	.certs = TWO_KINDS(ECDSA, ED25519), .client_sigalgs = "RSA+SHA256:Ed25519",
	.sigalg = "Ed25519", .cert = 1 };
CHOICE(first_of_ed25519_and_ecdsa) {
	.certs = TWO_KINDS(ED25519, ECDSA), .sigalg = "Ed25519", .cert = 0 };
CHOICE(rsa_pss_of_rsa_and_rsa_pss) {
	.certs = TWO_KINDS(RSA, RSA_PSS), .client_sigalgs = "RSA+SHA256:rsa_pss_pss_sha256",
	.client_suites = "ECDHE-RSA-AES128-GCM-SHA256", .sigalg = "RSA+SHA256", .cert = 0 };
/* Only where both name it; and only here, not in a certificate. */
CHOICE(sha1_where_both_name_it) {
	.certs = TWO_KINDS(RSA, ECDSA), .server_sigalgs = "RSA+SHA256:RSA+SHA1:ECDSA+SHA1",
	.client_sigalgs = "RSA+SHA1", .sigalg = "RSA+SHA1", .cert = 0 };
CHOICE(p256_of_p384_and_p256) {
	.certs = TWO_KINDS(ECDSA_P384, ECDSA), .client_groups = "x25519:P-256", .cert = 1 };
CHOICE(p384_of_p256_and_p384) {
	.certs = TWO_KINDS(ECDSA, ECDSA_P384), .client_groups = "x25519:P-384", .cert = 1 };
CHOICE(first_of_p384_and_p256) {
	.certs = TWO_KINDS(ECDSA_P384, ECDSA), .client_groups = "x25519:P-256:P-384",
	.cert = 0 };

static int set_preference(struct rtls_config *config, void *clients_order)
{
	return rtls_config_set_server_preference(config, !clients_order);
}

FIXTURE_SETUP(choice)
{
	self->ca = cert_make((struct cert_spec){
		.kind = CERT_RSA, .subject = "authority", .is_ca = true });
	for (size_t i = 0; i < 2; i++) {
		struct cert_spec spec = variant->certs[i];

		spec.issuer = &self->ca;
		spec.serial = 2 + i;
		self->certs[i] = cert_make(spec);
	}
	self->pair = pair_make(
		config_make((struct config_spec){
			.identity = &self->certs[0], .identity2 = &self->certs[1],
			.suites = variant->server_suites, .sigalgs = variant->server_sigalgs,
			.more = set_preference, .arg = variant->clients_order ? self : NULL }),
		config_make((struct config_spec){
			.trust = &self->ca, .suites = variant->client_suites,
			.groups = variant->client_groups, .sigalgs = variant->client_sigalgs }));
}

FIXTURE_TEARDOWN(choice)
{
	pair_free(&self->pair);
	cert_free(&self->ca);
	for (size_t i = 0; i < 2; i++)
		cert_free(&self->certs[i]);
	test_end();
}

TEST_F(choice, is)
{
	const struct rtls_hs *server;
	X509 *chosen = self->certs[variant->cert].x509;

	ASSERT_EQ(0, pair_begin(&self->pair, variant->host ? variant->host : "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	ASSERT_STREQ("", rtls_hs_reason(self->pair.client));
	server = self->pair.server;
	ASSERT_EQ(RTLS_HS_DONE, rtls_hs_status(server));
	EXPECT_EQ(0, X509_cmp(chosen, hs_peer_leaf(self->pair.client)));
	EXPECT_STREQ(variant->suite ? variant->suite : server->suite->name, server->suite->name);
	EXPECT_STREQ(variant->sigalg ? variant->sigalg : server->scheme->openssl_name,
		     server->scheme->openssl_name);
}

/* ---- a name that no certificate bears ------------------------------------------------------- */

/* RFC 6066 3: a warning would be of no use to anybody, and some clients break off at it. */
TEST(unknown_name_is_no_reason_for_an_alert)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	struct pair pair = pair_make(server_config(&cert, NULL, NULL, NULL),
				     config_make((struct config_spec){ .insecure = true }));

	ASSERT_EQ(0, pair_begin(&pair, "nobody.example.org"));
	for (int flight = 0; flight < 2; flight++) {
		const uint8_t *record, *end;
		size_t len;

		pair_carry(pair.client, pair.server, SIZE_MAX);
		record = rtls_hs_output(pair.server, &len);
		ASSERT_LT(0, len);
		for (end = record + len; record < end; record += 5 + (record[3] << 8 | record[4]))
			EXPECT_NE(RTLS_ALERT, record[0]);
		pair_carry(pair.server, pair.client, SIZE_MAX);
	}
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair.client));
	pair_free(&pair);
	cert_free(&cert);
	test_end();
}

/* ---- what there is to choose from ------------------------------------------------------------ */

/* IANA's numbers: the suites of TLS 1.2 that README promises, and no other. */
static const struct {
	uint16_t id;
	const char *name;
} suites[] = {
	{ 0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" },
	{ 0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
	{ 0xc09c, "TLS_RSA_WITH_AES_128_CCM" },
	{ 0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM" },
	{ 0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM" },
	{ 0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" },
	{ 0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256" },
};

TEST(fourteen_suites)
{
	size_t next = 0;

	EXPECT_EQ(14, ARRAY_SIZE(suites));
	EXPECT_EQ(14, hs_suites_len);
	for (uint32_t id = 0; id <= UINT16_MAX; id++) {
		bool is_ours = next < ARRAY_SIZE(suites) && suites[next].id == id;
		const char *name = rtls_suite_name(id);

		EXPECT_STREQ(is_ours ? suites[next].name : "", name ? name : "")
		{
			TH_LOG("%04x", id);
		}
		next += is_ours;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
		EXPECT_NE(NULL, rtls_list_name(RTLS_LIST_SUITES, i, true));
	EXPECT_EQ(NULL, rtls_list_name(RTLS_LIST_SUITES, ARRAY_SIZE(suites), true));
}

TEST_HARNESS_MAIN
