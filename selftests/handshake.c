// SPDX-License-Identifier: MIT
/*
 * The handshake against itself, carried by hand: every suite and group, whole, byte by byte
 * and cut at every byte of the last flights; choices of the server's; certificates that a
 * client must refuse.
 */
#include <string.h>
#include <valgrind/memcheck.h>

#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

FIXTURE(full_handshake)
{
	struct cert cert;
	struct rtls_config *server_config, *client_config;
	struct rtls_worker *worker;
	struct rtls_hs *server, *client;
};

FIXTURE_VARIANT(full_handshake)
{
	const char *suite;
	enum cert_kind kind;
	const char *group;
};

#define SUITE(suite_name, kind_name, group_name)                                                   \
	FIXTURE_VARIANT_ADD(full_handshake, suite_name##_##kind_name##_##group_name)               \
	{                                                                                          \
		.suite = "TLS_" #suite_name, .kind = CERT_##kind_name, .group = #group_name        \
	}

/* Every suite, and every group and kind of certificate with one of them. */
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDSA, x25519);
SUITE(ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, ECDSA, secp256r1);
SUITE(ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, ECDSA, x25519);
SUITE(ECDHE_ECDSA_WITH_AES_128_CCM, ECDSA, x25519);
SUITE(ECDHE_RSA_WITH_AES_128_GCM_SHA256, RSA, secp256r1);
SUITE(ECDHE_RSA_WITH_AES_256_GCM_SHA384, RSA, x25519);
SUITE(ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, RSA, x25519);
SUITE(DHE_RSA_WITH_AES_128_GCM_SHA256, RSA, ffdhe2048);
SUITE(DHE_RSA_WITH_AES_256_GCM_SHA384, RSA, ffdhe3072);
SUITE(DHE_RSA_WITH_CHACHA20_POLY1305_SHA256, RSA, ffdhe2048);
SUITE(DHE_RSA_WITH_AES_128_CCM, RSA, ffdhe2048);
SUITE(RSA_WITH_AES_128_GCM_SHA256, RSA, x25519);
SUITE(RSA_WITH_AES_256_GCM_SHA384, RSA, x25519);
SUITE(RSA_WITH_AES_128_CCM, RSA, x25519);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDSA, secp384r1);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDSA, secp521r1);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDSA, x448);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDSA_P384, x25519);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDSA_P521, x25519);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ED25519, x25519);
SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ED448, x25519);
SUITE(ECDHE_RSA_WITH_AES_128_GCM_SHA256, RSA_PSS, x25519);
SUITE(DHE_RSA_WITH_AES_128_GCM_SHA256, RSA_PSS, ffdhe2048);

FIXTURE_SETUP(full_handshake)
{
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	self->server_config =
		server_config(&self->cert, variant->suite, variant->group, "h2:http/1.1");
	/* A client must know the curve of an ECDSA certificate too. */
	self->client_config = client_config(&self->cert, variant->suite, NULL, "http/1.1");
	self->worker = rtls_worker_new();
	self->server = self->client = NULL;
	ASSERT_NE(self->worker, NULL);
}

FIXTURE_TEARDOWN(full_handshake)
{
	rtls_hs_free(self->server);
	rtls_hs_free(self->client);
	rtls_worker_free(self->worker);
	rtls_config_unref(self->server_config);
	rtls_config_unref(self->client_config);
	cert_free(&self->cert);
	test_end();
}

static int begin(struct _test_data_full_handshake *self)
{
	rtls_hs_free(self->server);
	rtls_hs_free(self->client);
	return rtls_hs_new(&self->server, self->server_config, self->worker, RTLS_SERVER, NULL) ||
	       rtls_hs_new(&self->client, self->client_config, self->worker, RTLS_CLIENT,
			   "localhost");
}

/* Carries all output, in pieces: first one of @first bytes, then of at most @piece bytes. */
static size_t carry(struct rtls_hs *from, struct rtls_hs *to, size_t first, size_t piece)
{
	size_t len, done = 0;
	const uint8_t *data = rtls_hs_output(from, &len);

	/* No byte of ours that was never set leaves. */
	VALGRIND_CHECK_MEM_IS_DEFINED(data, len);
	while (done < len) {
		size_t part = !done && first ? first : piece;
		ssize_t n;

		if (part > len - done)
			part = len - done;
		n = rtls_hs_input(to, data + done, part);
		if (n != (ssize_t)part)
			break;
		done += part;
	}
	rtls_hs_output_done(from, len);
	return len;
}

/* Both ends must have the same keys, and each other's facts. */
static int check_finish(struct _test_data_full_handshake *self, const char *suite,
			const char *group)
{
	struct rtls_keys server, client;
	struct rtls_peer peer = { 0 };
	int bad = rtls_hs_status(self->server) != RTLS_HS_DONE ||
		  rtls_hs_status(self->client) != RTLS_HS_DONE ||
		  rtls_hs_finish(self->server, &server, &peer) ||
		  rtls_hs_finish(self->client, &client, NULL);

	bad = bad || memcmp(&server.tx, &client.rx, sizeof(server.tx)) ||
	      memcmp(&server.rx, &client.tx, sizeof(server.rx)) ||
	      !memcmp(&server.rx, &server.tx, sizeof(server.rx)) || server.tx.seq != 1 ||
	      server.rx.seq != 1 || server.version != 0x0303 ||
	      strcmp(rtls_suite_name(server.suite), suite) ||
	      strcmp(peer.server_name, "localhost") || strcmp(peer.alpn, "http/1.1") ||
	      (peer.group ? strcmp(peer.group, group) : strncmp(suite, "TLS_RSA", 7)) ||
	      peer.certificate;
	rtls_peer_free(&peer);
	return bad;
}

TEST_F(full_handshake, whole)
{
	ASSERT_EQ(0, begin(self));
	for (int i = 0; i < 2; i++) {
		carry(self->client, self->server, 0, SIZE_MAX);
		carry(self->server, self->client, 0, SIZE_MAX);
	}
	EXPECT_EQ(0, check_finish(self, variant->suite, variant->group));
}

TEST_F(full_handshake, one_byte_at_a_time)
{
	ASSERT_EQ(0, begin(self));
	for (int i = 0; i < 2; i++) {
		carry(self->client, self->server, 0, 1);
		carry(self->server, self->client, 0, 1);
	}
	EXPECT_EQ(0, check_finish(self, variant->suite, variant->group));
}

TEST_F(full_handshake, last_flights_cut_at_every_byte)
{
	size_t client_len = 1, server_len = 1;

	for (size_t cut = 1; cut <= client_len || cut <= server_len; cut++) {
		ASSERT_EQ(0, begin(self));
		carry(self->client, self->server, 0, SIZE_MAX);
		carry(self->server, self->client, 0, SIZE_MAX);
		client_len = carry(self->client, self->server, cut, SIZE_MAX);
		server_len = carry(self->server, self->client, cut, SIZE_MAX);
		ASSERT_EQ(0, check_finish(self, variant->suite, variant->group))
		{
			TH_LOG("cut at %zu", cut);
		}
	}
	EXPECT_GT(client_len, 80);
	EXPECT_GT(server_len, 40);
}

/* What comes right behind Finished is not taken: it is the caller's leftover. */
TEST_F(full_handshake, leftover_is_not_taken)
{
	uint8_t flight[4096];
	const uint8_t *data;
	size_t len;

	ASSERT_EQ(0, begin(self));
	carry(self->client, self->server, 0, SIZE_MAX);
	carry(self->server, self->client, 0, SIZE_MAX);
	data = rtls_hs_output(self->client, &len);
	memcpy(flight, data, len);
	memcpy(flight + len, "behind", 6);
	EXPECT_EQ((ssize_t)len, rtls_hs_input(self->server, flight, len + 6));
	EXPECT_EQ(0, rtls_hs_input(self->server, flight, 6));
	rtls_hs_output_done(self->client, len);
	carry(self->server, self->client, 0, SIZE_MAX);
	EXPECT_EQ(0, check_finish(self, variant->suite, variant->group));
}

/* Records sealed by one end are opened by the other; a flipped bit is noticed. */
TEST_F(full_handshake, records)
{
	static const size_t lengths[] = { 0, 1, 2, 15, 16, 17, 1000, 16384 };
	static uint8_t plain[16384], record[RTLS_RECORD_MAX];
	struct rtls_keys server, client;
	uint8_t *opened;

	ASSERT_EQ(0, begin(self));
	for (int i = 0; i < 2; i++) {
		carry(self->client, self->server, 0, SIZE_MAX);
		carry(self->server, self->client, 0, SIZE_MAX);
	}
	ASSERT_EQ(0, rtls_hs_finish(self->server, &server, NULL));
	ASSERT_EQ(0, rtls_hs_finish(self->client, &client, NULL));
	memset(plain, 'p', sizeof(plain));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		ssize_t len = rtls_record_seal(self->worker, server.cipher, &server.tx,
					       RTLS_APPLICATION_DATA, plain, lengths[i], record);

		ASSERT_GT(len, 0);
		EXPECT_EQ(len, rtls_record_len(client.cipher, record, len));
		EXPECT_EQ(0, rtls_record_len(client.cipher, record, 4));
		EXPECT_EQ((ssize_t)lengths[i], rtls_record_open(self->worker, client.cipher,
								&client.rx, record, &opened));
		EXPECT_EQ(0, memcmp(opened, plain, lengths[i]));
	}
	for (size_t i = 0; i < 13 + 16 + 16; i++) {
		struct rtls_key key = client.rx;
		ssize_t len = rtls_record_seal(self->worker, server.cipher, &server.tx,
					       RTLS_APPLICATION_DATA, plain, 16, record);

		/* rtls_record_len() looks at version and length; the rest is authenticated. */
		if ((i >= 1 && i <= 4) || (ssize_t)i >= len)
			continue;
		record[i] ^= 1;
		EXPECT_GT(0, rtls_record_open(self->worker, client.cipher, &key, record, &opened))
		{
			TH_LOG("byte %zu", i);
		}
		EXPECT_EQ(client.rx.seq, key.seq);
		client.rx.seq++;
	}
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_RECORD_OVERFLOW),
		  rtls_record_len(client.cipher, (const uint8_t[]){ 23, 3, 3, 0x41, 0 }, 5));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC),
		  rtls_record_len(client.cipher, (const uint8_t[]){ 23, 3, 3, 0, 15 }, 5));
}

/* ---- what a server chooses, what a client refuses ------------------------------------- */

FIXTURE(outcome)
{
	struct cert cert;
	struct rtls_worker *worker;
};

/* A handshake between a server with this certificate and these lists, and such a client. */
FIXTURE_VARIANT(outcome)
{
	struct cert_spec spec;
	const char *server_suites, *client_suites, *server_groups, *client_groups;
	const char *server_alpn, *client_alpn;
	const char *host;        /* the client asks for it; NULL: localhost */
	bool untrusted, insecure;
	uint8_t server_alert, client_alert; /* the alert that each sends, 0: none */
	const char *suite;       /* the outcome otherwise, NULL: not looked at */
	const char *alpn;
};

#define OUTCOME(name) FIXTURE_VARIANT_ADD(outcome, name)

OUTCOME(server_prefers_its_own_suite) {
	.server_suites = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256",
	.suite = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
};
OUTCOME(certificate_decides_the_suite) {
	.spec = { .kind = CERT_RSA }, .suite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
};
OUTCOME(no_common_suite) {
	.server_suites = "ECDHE-ECDSA-AES128-GCM-SHA256",
	.client_suites = "ECDHE-ECDSA-AES256-GCM-SHA384",
	.server_alert = RTLS_ALERT_HANDSHAKE_FAILURE,
};
OUTCOME(no_certificate_for_the_suite) {
	.client_suites = "ECDHE-RSA-AES128-GCM-SHA256",
	.server_alert = RTLS_ALERT_HANDSHAKE_FAILURE,
};
OUTCOME(no_common_group) {
	.spec = { .kind = CERT_RSA }, .server_groups = "x25519", .client_groups = "P-256",
	.server_alert = RTLS_ALERT_HANDSHAKE_FAILURE,
};
OUTCOME(client_without_the_certificates_curve) {
	.client_groups = "x25519", .server_alert = RTLS_ALERT_HANDSHAKE_FAILURE,
};
OUTCOME(alpn_of_the_servers_preference) {
	.server_alpn = "h2:http/1.1", .client_alpn = "http/1.1:h2", .alpn = "h2",
};
OUTCOME(alpn_not_configured_by_server) { .client_alpn = "h2", .alpn = NULL, };
OUTCOME(alpn_without_overlap) {
	.server_alpn = "h2", .client_alpn = "http/1.1",
	.server_alert = RTLS_ALERT_NO_APPLICATION_PROTOCOL,
};
OUTCOME(untrusted) { .untrusted = true, .client_alert = RTLS_ALERT_UNKNOWN_CA, };
OUTCOME(untrusted_but_insecure) { .untrusted = true, .insecure = true, };
OUTCOME(other_host) { .spec = { .host = "example.org" },
	.client_alert = RTLS_ALERT_BAD_CERTIFICATE, };
OUTCOME(wildcard_host) { .spec = { .host = "*.example.org" }, .host = "www.example.org", };
OUTCOME(wildcard_covers_one_label) { .spec = { .host = "*.example.org" }, .host = "a.b.example.org",
	.client_alert = RTLS_ALERT_BAD_CERTIFICATE, };
OUTCOME(name_in_the_subject_only) { .spec = { .no_san = true },
	.client_alert = RTLS_ALERT_BAD_CERTIFICATE, };
OUTCOME(ip_address) { .host = "127.0.0.1", };
OUTCOME(other_ip_address) { .host = "127.0.0.2", .client_alert = RTLS_ALERT_BAD_CERTIFICATE, };
OUTCOME(expired) { .spec = { .age_s = 1000000, .life_s = 500000 },
	.client_alert = RTLS_ALERT_CERTIFICATE_EXPIRED, };
OUTCOME(not_yet_valid) { .spec = { .age_s = -1000, .life_s = 500000 },
	.client_alert = RTLS_ALERT_CERTIFICATE_EXPIRED, };
OUTCOME(other_purpose) { .spec = { .usage = "clientAuth" },
	.client_alert = RTLS_ALERT_UNSUPPORTED_CERTIFICATE, };
OUTCOME(key_must_not_sign) { .spec = { .kind = CERT_RSA, .key_usage = "keyEncipherment" },
	.client_alert = RTLS_ALERT_UNSUPPORTED_CERTIFICATE, };

FIXTURE_SETUP(outcome)
{
	self->cert = cert_make(variant->spec);
	self->worker = rtls_worker_new();
}

FIXTURE_TEARDOWN(outcome)
{
	rtls_worker_free(self->worker);
	cert_free(&self->cert);
	test_end();
}

/* The error an end must have where one of the two sends @sent or @received. */
static int expected_error(uint8_t sent, uint8_t received)
{
	if (sent)
		return RTLS_ERR_ALERT_SENT(sent);
	return received ? RTLS_ERR_ALERT_RECEIVED(received) : 0;
}

static struct rtls_config *outcome_client(const FIXTURE_VARIANT(outcome) *variant,
					  const struct cert *cert)
{
	struct cert other = cert_make((struct cert_spec){ .host = "other.example" });
	struct rtls_config *config;

	if (variant->insecure) {
		config = rtls_config_new();
		rtls_config_set_verify(config, false);
		rtls_config_freeze(config);
	} else {
		config = client_config(variant->untrusted ? &other : cert, variant->client_suites,
				       variant->client_groups, variant->client_alpn);
	}
	cert_free(&other);
	return config;
}

TEST_F(outcome, is)
{
	struct rtls_config *server_side = server_config(
		&self->cert, variant->server_suites, variant->server_groups, variant->server_alpn);
	struct rtls_config *client_side = outcome_client(variant, &self->cert);
	const char *host = variant->host ? variant->host : "localhost";
	struct rtls_hs *server, *client;
	struct rtls_keys keys;
	struct rtls_peer peer;

	ASSERT_EQ(0, rtls_hs_new(&server, server_side, self->worker, RTLS_SERVER, NULL));
	ASSERT_EQ(0, rtls_hs_new(&client, client_side, self->worker, RTLS_CLIENT, host));
	for (int i = 0; i < 2; i++) {
		carry(client, server, 0, SIZE_MAX);
		carry(server, client, 0, SIZE_MAX);
	}
	EXPECT_EQ(expected_error(variant->server_alert, variant->client_alert),
		  rtls_hs_error(server))
	{
		TH_LOG("server: %s", rtls_hs_reason(server));
	}
	EXPECT_EQ(expected_error(variant->client_alert, variant->server_alert),
		  rtls_hs_error(client))
	{
		TH_LOG("client: %s", rtls_hs_reason(client));
	}
	if (!rtls_hs_error(client)) {
		ASSERT_EQ(0, rtls_hs_finish(client, &keys, &peer));
		EXPECT_NE(NULL, peer.certificate);
		EXPECT_EQ(0, variant->suite && strcmp(variant->suite, rtls_suite_name(keys.suite)));
		EXPECT_STREQ(variant->alpn ? variant->alpn : "", peer.alpn ? peer.alpn : "");
		rtls_peer_free(&peer);
	} else {
		EXPECT_NE(0, strlen(rtls_hs_reason(client)));
		EXPECT_EQ(RTLS_ERR_STATE, rtls_hs_finish(client, &keys, NULL));
	}
	rtls_hs_free(server);
	rtls_hs_free(client);
	rtls_config_unref(server_side);
	rtls_config_unref(client_side);
}

/* ---- configuration ---------------------------------------------------------------------- */

/* What is refused, and what is proposed instead. */
static const struct {
	int (*set)(struct rtls_config *config, const char *list);
	const char *list, *error;
} unknown_names[] = {
	{ rtls_config_set_suites, "ECDHE-RSA-AES128-GCM-SHA25",
	  "unknown cipher suite \"ECDHE-RSA-AES128-GCM-SHA25\", did you mean "
	  "ECDHE-RSA-AES128-GCM-SHA256?" },
	{ rtls_config_set_suites, "AES128-GCM-SHA256:tls_rsa_with_aes_128_ccn",
	  "unknown cipher suite \"tls_rsa_with_aes_128_ccn\", did you mean "
	  "TLS_RSA_WITH_AES_128_CCM?" },
	{ rtls_config_set_suites, "bogus", "unknown cipher suite \"bogus\"" },
	{ rtls_config_set_suites, "", "unknown cipher suite \"\"" },
	{ rtls_config_set_suites,
	  "a-name-that-is-longer-than-any-cipher-suite-could-be-0123456789-0123456789-0123456789",
	  "unknown cipher suite \"a-name-that-is-longer-than-any-cipher-suite-could-be-0123456789-"
	  "0123456789-01234\"" },
	{ rtls_config_set_groups, "x25519:secp256r2",
	  "unknown group \"secp256r2\", did you mean secp256r1?" },
	{ rtls_config_set_groups, "p-265", "unknown group \"p-265\", did you mean P-256?" },
	{ rtls_config_set_groups, "x25519:X25519", "group \"X25519\" given twice" },
	{ rtls_config_set_sigalgs, "ECDSA-SHA256",
	  "unknown signature algorithm \"ECDSA-SHA256\", did you mean ECDSA+SHA256?" },
	{ rtls_config_set_sigalgs, "ed25518:ed448",
	  "unknown signature algorithm \"ed25518\", did you mean Ed25519?" },
};

TEST(unknown_names_are_guessed)
{
	struct rtls_config *config = rtls_config_new();

	for (size_t i = 0; i < ARRAY_SIZE(unknown_names); i++) {
		EXPECT_EQ(RTLS_ERR_CONFIG, unknown_names[i].set(config, unknown_names[i].list));
		EXPECT_STREQ(unknown_names[i].error, rtls_config_error(config));
	}
	rtls_config_unref(config);
	test_end();
}

/* Every name that is listed is taken, by itself and in one list with all others. */
TEST(listed_names_are_known)
{
	int (*const set[])(struct rtls_config *config, const char *list) = {
		[RTLS_LIST_SUITES] = rtls_config_set_suites,
		[RTLS_LIST_GROUPS] = rtls_config_set_groups,
		[RTLS_LIST_SIGALGS] = rtls_config_set_sigalgs,
	};
	struct rtls_config *config = rtls_config_new();
	char all[2048];
	size_t i;

	for (size_t list = 0; list < ARRAY_SIZE(set); list++) {
		all[0] = '\0';
		for (i = 0; rtls_list_name(list, i, false); i++) {
			EXPECT_EQ(0, set[list](config, rtls_list_name(list, i, false)));
			EXPECT_EQ(0, set[list](config, rtls_list_name(list, i, true)));
			strcat(all, i ? ":" : "");
			strcat(all, rtls_list_name(list, i, i % 2));
		}
		EXPECT_LE(10, i);
		EXPECT_EQ(NULL, rtls_list_name(list, i, true));
		EXPECT_EQ(0, set[list](config, all));
	}
	rtls_config_unref(config);
	test_end();
}

/* ---- which certificate a name gets ------------------------------------------------------ */

static size_t named(const struct rtls_config *config, const char *name)
{
	const struct hs_identity_name *first;

	return hs_identities_named(config, name, &first) ? first->identity + 1 : 0;
}

TEST(identities_by_name)
{
	static const char *const hosts[] = { "a.example.org", "*.example.org", "B.Example.org",
					     "*.b.example.org", "a.example.org" };
	struct cert certs[ARRAY_SIZE(hosts) + 1];
	struct rtls_config *config = rtls_config_new();

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		certs[i] = cert_make((struct cert_spec){ .host = hosts[i] });
	certs[5] = cert_make((struct cert_spec){ .host = "old.example.net", .no_san = true });
	for (size_t i = 0; i < ARRAY_SIZE(certs); i++)
		ASSERT_EQ(0, rtls_config_add_identity(config, certs[i].x509, NULL, 0, certs[i].key));
	ASSERT_EQ(0, rtls_config_freeze(config));
	EXPECT_EQ(1, named(config, "a.example.org"));
	EXPECT_EQ(2, named(config, "*.example.org"));
	EXPECT_EQ(3, named(config, "b.example.org"));
	EXPECT_EQ(4, named(config, "*.b.example.org"));
	EXPECT_EQ(6, named(config, "old.example.net"));
	EXPECT_EQ(0, named(config, "example.org"));
	EXPECT_EQ(0, named(config, "zzz"));
	EXPECT_EQ(0, named(config, ""));
	rtls_config_unref(config);
	for (size_t i = 0; i < ARRAY_SIZE(certs); i++)
		cert_free(&certs[i]);
	test_end();
}

TEST(config_refuses)
{
	struct rtls_config *config = rtls_config_new();
	struct cert ecdsa = cert_make((struct cert_spec){ .kind = CERT_ECDSA });
	struct cert rsa = cert_make((struct cert_spec){ .kind = CERT_RSA });
	struct cert weak = cert_make((struct cert_spec){ .kind = CERT_RSA, .rsa_bits = 1024 });
	struct rtls_worker *worker = rtls_worker_new();
	struct rtls_config *insecure = rtls_config_new();
	struct rtls_hs *hs;

	rtls_config_set_verify(insecure, false);
	EXPECT_EQ(0, rtls_config_add_identity(insecure, rsa.x509, NULL, 0, rsa.key));
	EXPECT_EQ(0, rtls_config_set_suites(insecure, "ECDHE-ECDSA-AES128-GCM-SHA256"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_check_server(insecure));
	EXPECT_EQ(0, rtls_config_set_suites(insecure, "ECDHE-RSA-AES128-GCM-SHA256"));
	EXPECT_EQ(0, rtls_config_set_sigalgs(insecure, "ECDSA+SHA256"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_check_server(insecure));
	EXPECT_EQ(0, rtls_config_set_sigalgs(insecure, "RSA-PSS+SHA256"));
	EXPECT_EQ(0, rtls_config_check_server(insecure));
	EXPECT_EQ(0, rtls_config_set_suites(insecure, "ECDHE-ECDSA-AES128-GCM-SHA256"));
	/* A list that is refused changes nothing: the ECDSA suite is still the only one. */
	EXPECT_EQ(RTLS_ERR_CONFIG,
		  rtls_config_set_suites(insecure, "ECDHE-RSA-AES128-GCM-SHA256:bogus"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_check_server(insecure));
	EXPECT_EQ(0, rtls_config_set_suites(insecure, "ECDHE-RSA-AES128-GCM-SHA256"));
	EXPECT_EQ(0, rtls_config_check_server(insecure));
	EXPECT_EQ(0, rtls_config_freeze(insecure));
	EXPECT_EQ(RTLS_ERR_CONFIG,
		  rtls_config_add_identity(config, ecdsa.x509, NULL, 0, rsa.key));
	EXPECT_STREQ("the key does not belong to the certificate", rtls_config_error(config));
	EXPECT_EQ(RTLS_ERR_CONFIG,
		  rtls_config_add_identity(config, weak.x509, NULL, 0, weak.key));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_suites(config, "AES128-SHA"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_suites(config, ""));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_suites(config,
							  "ECDHE-RSA-AES128-GCM-SHA256:"
							  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_groups(config, "x25519:P-42"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_alpn(config, "h2::http/1.1"));
	EXPECT_EQ(RTLS_ERR_CONFIG,
		  rtls_config_add_identity_file(config, "/nonexistent", "/nonexistent"));
	EXPECT_STREQ("/nonexistent: No such file or directory", rtls_config_error(config));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_add_trust_file(config, "/dev/null"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_hs_new(&hs, config, worker, RTLS_SERVER, NULL));
	EXPECT_EQ(0, rtls_config_freeze(config));
	EXPECT_EQ(RTLS_ERR_STATE, rtls_config_set_suites(config, "ECDHE-RSA-AES128-GCM-SHA256"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_hs_new(&hs, config, worker, RTLS_SERVER, NULL));
	/* Names that libcrypto would take for any. */
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_hs_new(&hs, insecure, worker, RTLS_CLIENT, ""));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_hs_new(&hs, insecure, worker, RTLS_CLIENT, ".org"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_hs_new(&hs, insecure, worker, RTLS_CLIENT, "a..b"));
	EXPECT_EQ(0, rtls_hs_new(&hs, insecure, worker, RTLS_CLIENT, "a.b-c.de"));
	rtls_hs_free(hs);
	rtls_config_unref(insecure);
	/* Verification without a clock, or without a name to verify. */
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_hs_new(&hs, config, worker, RTLS_CLIENT, "localhost"));
	rtls_config_unref(config);
	rtls_worker_free(worker);
	cert_free(&ecdsa);
	cert_free(&rsa);
	cert_free(&weak);
	test_end();
}

TEST_HARNESS_MAIN
