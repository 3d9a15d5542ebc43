// SPDX-License-Identifier: MIT
/*
 * Resumption, by ticket and by session ID: that it works, what a session is bound to, key
 * files and their rotation, expiry, and the store's bounds and files.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* ---- the set-up: a store for each side, ticket keys, a clock that can be moved --------- */

enum way { TICKET, SESSION_ID };

static time_t clock_offset;

static time_t moved_now(void *arg)
{
	(void)arg;
	return time(NULL) + clock_offset;
}

struct sides {
	struct rtls_session_store *store; /* NULL: none */
	struct rtls_ticket_keys *keys;
	unsigned int lifetime;
};

static int set_sides(struct rtls_config *config, void *arg)
{
	const struct sides *sides = arg;
	int ret = rtls_config_set_now(config, moved_now, NULL);

	if (!ret)
		ret = rtls_config_set_session_store(config, sides->store);
	if (!ret)
		ret = rtls_config_set_ticket_keys(config, sides->keys);
	if (!ret && sides->lifetime)
		ret = rtls_config_set_session_lifetime(config, sides->lifetime);
	return ret;
}

struct set {
	struct cert cert, client_cert;
	struct sides server, client;
	struct pair pair;
};

static struct rtls_config *set_config(struct sides *sides, struct config_spec spec)
{
	spec.more = set_sides;
	spec.arg = sides;
	return config_make(spec);
}

static void set_begin(struct set *set, enum way way, struct config_spec server,
		      struct config_spec client)
{
	clock_offset = 0;
	set->cert = cert_make((struct cert_spec){ .kind = CERT_RSA, .host = "a.example.org" });
	set->client_cert = cert_make((struct cert_spec){ .usage = "clientAuth" });
	set->client.store = rtls_session_store_new(10);
	if (way == TICKET)
		set->server.keys = rtls_ticket_keys_new();
	else
		set->server.store = rtls_session_store_new(10);
	server.identity = &set->cert;
	client.trust = &set->cert;
	if (server.client_auth) {
		server.trust = &set->client_cert;
		client.identity = &set->client_cert;
	}
	set->pair = pair_make(set_config(&set->server, server), set_config(&set->client, client));
}

static void set_end(struct set *set)
{
	pair_free(&set->pair);
	rtls_session_store_unref(set->server.store);
	rtls_session_store_unref(set->client.store);
	rtls_ticket_keys_unref(set->server.keys);
	cert_free(&set->cert);
	cert_free(&set->client_cert);
	test_end();
}

enum outcome { BAD, FULL, RESUMED };

/* A handshake, and what it was; both sides must have the same keys and say the same. */
static enum outcome run(struct pair *pair, const char *name, size_t piece)
{
	struct rtls_peer server_peer = { 0 }, client_peer = { 0 };
	struct rtls_keys server, client;
	enum outcome outcome = BAD;

	if (pair_begin(pair, name))
		return BAD;
	pair_run(pair, piece);
	if (!rtls_hs_finish(pair->server, &server, &server_peer) &&
	    !rtls_hs_finish(pair->client, &client, &client_peer) &&
	    !memcmp(&server.tx, &client.rx, sizeof(server.tx)) &&
	    !memcmp(&server.rx, &client.tx, sizeof(server.rx)) && server.tx.seq == 1 &&
	    server.suite == client.suite && client_peer.certificate_len &&
	    server_peer.resumed == client_peer.resumed)
		outcome = server_peer.resumed ? RESUMED : FULL;
	rtls_peer_free(&server_peer);
	rtls_peer_free(&client_peer);
	return outcome;
}

#define NAME "a.example.org"

/* ---- that it works ----------------------------------------------------------------------- */

FIXTURE(resumption)
{
	struct set set;
};

FIXTURE_VARIANT(resumption)
{
	enum way way;
	const char *suite;
	enum rtls_client_auth client_auth;
};

#define WAYS(name, suite_name, auth)                                                               \
	FIXTURE_VARIANT_ADD(resumption, name##_ticket)                                             \
	{ .way = TICKET, .suite = suite_name, .client_auth = RTLS_CLIENT_AUTH_##auth };            \
	FIXTURE_VARIANT_ADD(resumption, name##_session_id)                                         \
	{ .way = SESSION_ID, .suite = suite_name, .client_auth = RTLS_CLIENT_AUTH_##auth }

WAYS(aes_128_gcm, "ECDHE-RSA-AES128-GCM-SHA256", NONE);
WAYS(aes_256_gcm, "ECDHE-RSA-AES256-GCM-SHA384", NONE);
WAYS(chacha20, "ECDHE-RSA-CHACHA20-POLY1305", NONE);
WAYS(dhe_ccm, "DHE-RSA-AES128-CCM", NONE);
WAYS(kx_rsa, "AES256-GCM-SHA384", NONE);
WAYS(client_auth, "ECDHE-RSA-AES128-GCM-SHA256", REQUIRE);
WAYS(kx_rsa_client_auth, "AES128-GCM-SHA256", REQUIRE);

FIXTURE_SETUP(resumption)
{
	memset(self, 0, sizeof(*self));
	set_begin(&self->set, variant->way,
		  (struct config_spec){ .suites = variant->suite, .alpn = "h2:http/1.1",
					.client_auth = variant->client_auth },
		  (struct config_spec){ .suites = variant->suite, .alpn = "h2" });
}

FIXTURE_TEARDOWN(resumption)
{
	set_end(&self->set);
}

TEST_F(resumption, again_and_again)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(1, rtls_session_store_count(self->set.client.store));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, 1));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, 7));
	/* The client goes by the name, in whatever case. */
	EXPECT_EQ(RESUMED, run(&self->set.pair, "A.Example.ORG", SIZE_MAX));
}

TEST_F(resumption, peer_is_known_as_before)
{
	struct rtls_peer peer = { 0 };
	struct rtls_keys keys;
	bool auth = variant->client_auth != RTLS_CLIENT_AUTH_NONE;

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	pair_run(&self->set.pair, SIZE_MAX);
	ASSERT_EQ(0, rtls_hs_finish(self->set.pair.server, &keys, &peer));
	EXPECT_EQ(true, peer.resumed);
	EXPECT_EQ(auth, peer.certificate_len > 0);
	EXPECT_STREQ("h2", peer.alpn);
	EXPECT_STREQ(NAME, peer.server_name);
	EXPECT_EQ(NULL, peer.group);
	rtls_peer_free(&peer);
}

/* ---- what a session is bound to ------------------------------------------------------------ */

FIXTURE(binding)
{
	struct set set;
};

FIXTURE_VARIANT(binding)
{
	enum way way;
};

FIXTURE_VARIANT_ADD(binding, ticket) { .way = TICKET };
FIXTURE_VARIANT_ADD(binding, session_id) { .way = SESSION_ID };

#define TWO_SUITES "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"

FIXTURE_SETUP(binding)
{
	memset(self, 0, sizeof(*self));
	set_begin(&self->set, variant->way, (struct config_spec){ .suites = TWO_SUITES },
		  (struct config_spec){ .suites = TWO_SUITES });
}

FIXTURE_TEARDOWN(binding)
{
	set_end(&self->set);
}

/* The server from now on, with the same store and keys. */
static void change_server(struct set *set, struct config_spec spec)
{
	rtls_config_unref(set->pair.server_config);
	set->pair.server_config = set_config(&set->server, spec);
}

static void change_client(struct set *set, struct config_spec spec)
{
	rtls_config_unref(set->pair.client_config);
	set->pair.client_config = set_config(&set->client, spec);
}

TEST_F(binding, same_server_anew)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_server(&self->set, (struct config_spec){ .identity = &self->set.cert });
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
}

/* The client trusts whoever has signed both, so it offers what it has. */
TEST_F(binding, identity)
{
	struct cert ca = cert_make((struct cert_spec){ .kind = CERT_ECDSA_P384, .subject = "ca",
						       .is_ca = true });
	struct cert one = cert_make((struct cert_spec){ .kind = CERT_RSA, .host = NAME,
							.issuer = &ca });
	struct cert other = cert_make((struct cert_spec){ .kind = CERT_RSA, .host = NAME,
							  .issuer = &ca, .serial = 2 });

	change_server(&self->set, (struct config_spec){ .identity = &one });
	change_client(&self->set, (struct config_spec){ .trust = &ca });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_server(&self->set, (struct config_spec){ .identity = &other });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(true, self->set.pair.client->session_offered);
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	cert_free(&ca);
	cert_free(&one);
	cert_free(&other);
}

TEST_F(binding, suite_of_the_server)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_server(&self->set, (struct config_spec){ .identity = &self->set.cert,
						.suites = "ECDHE-RSA-AES256-GCM-SHA384" });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(binding, suite_of_the_client)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_client(&self->set, (struct config_spec){ .trust = &self->set.cert,
						.suites = "ECDHE-RSA-AES256-GCM-SHA384" });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(binding, whom_the_client_trusts)
{
	struct cert other = cert_make((struct cert_spec){ .subject = "somebody else" });

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_client(&self->set, (struct config_spec){ .trust = &other });
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	cert_free(&other);
}

/* RFC 7301 3.1: what is spoken is agreed on for each connection, and no part of the session. */
TEST_F(binding, not_to_a_protocol)
{
	struct rtls_peer peer = { 0 };
	struct rtls_keys keys;

	change_server(&self->set, (struct config_spec){ .identity = &self->set.cert,
							.alpn = "h2:http/1.1" });
	change_client(&self->set, (struct config_spec){ .trust = &self->set.cert,
							.alpn = "http/1.1" });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_client(&self->set, (struct config_spec){ .trust = &self->set.cert, .alpn = "h2" });
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	pair_run(&self->set.pair, SIZE_MAX);
	ASSERT_EQ(0, rtls_hs_finish(self->set.pair.client, &keys, &peer));
	EXPECT_EQ(true, peer.resumed);
	EXPECT_STREQ("h2", peer.alpn);
	rtls_peer_free(&peer);
	change_client(&self->set, (struct config_spec){ .trust = &self->set.cert, .alpn = "h3" });
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(true, self->set.pair.client->session_offered);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_NO_APPLICATION_PROTOCOL),
		  rtls_hs_error(self->set.pair.server));
}

/* A session begun without verification is none for who verifies. */
TEST_F(binding, verification)
{
	struct cert stranger = cert_make((struct cert_spec){ .subject = "stranger" });

	change_client(&self->set, (struct config_spec){ .trust = &stranger, .insecure = true });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	change_client(&self->set, (struct config_spec){ .trust = &stranger });
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	cert_free(&stranger);
}

TEST_F(binding, client_authentication)
{
	const struct config_spec strict = { .identity = &self->set.cert,
					    .trust = &self->set.client_cert,
					    .client_auth = RTLS_CLIENT_AUTH_REQUEST };

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	change_server(&self->set, strict);
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	change_server(&self->set, (struct config_spec){
		.identity = strict.identity, .trust = strict.trust,
		.client_auth = RTLS_CLIENT_AUTH_REQUIRE });
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(binding, authorities_of_clients)
{
	const struct cert other = cert_make((struct cert_spec){ .subject = "other" });
	const struct config_spec client = { .trust = &self->set.cert };

	change_server(&self->set, (struct config_spec){
		.identity = &self->set.cert, .trust = &self->set.client_cert,
		.client_auth = RTLS_CLIENT_AUTH_REQUEST });
	change_client(&self->set, client);
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	change_server(&self->set, (struct config_spec){
		.identity = &self->set.cert, .trust = &other,
		.client_auth = RTLS_CLIENT_AUTH_REQUEST });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	cert_free((struct cert *)&other);
}

/*
 * RFC 6066 3. A client of ours would not offer it, so the one session's secret and ticket are
 * put in the place of the other's: what an attacker's client can do.
 */
TEST_F(binding, server_name)
{
	enum { ENTRY_HEADER = HS_CONTEXT_LEN + 8 + 3, CONTEXT_AT = 21, MAGIC_LEN = 41 };
	struct cert both = cert_make((struct cert_spec){ .kind = CERT_RSA,
							 .host = "*.example.org" });
	char file[] = "/tmp/ringtls-sessions-XXXXXX";
	uint8_t data[20000], *first = data + MAGIC_LEN, *second;
	ssize_t len;
	int fd = mkstemp(file);
	size_t size;

	change_server(&self->set, (struct config_spec){ .identity = &both });
	change_client(&self->set, (struct config_spec){ .trust = &both });
	EXPECT_EQ(FULL, run(&self->set.pair, "a.example.org", SIZE_MAX));
	EXPECT_EQ(FULL, run(&self->set.pair, "b.example.org", SIZE_MAX));
	ASSERT_EQ(2, rtls_session_store_count(self->set.client.store));
	ASSERT_EQ(0, rtls_session_store_save(self->set.client.store, file));
	close(fd);
	fd = open(file, O_RDWR);
	len = read(fd, data, sizeof(data));
	ASSERT_LT(MAGIC_LEN + 2 * ENTRY_HEADER, len);
	size = ENTRY_HEADER + (first[41] << 8 | first[42]);
	second = first + size;
	ASSERT_EQ(len, MAGIC_LEN + 2 * (ssize_t)size);
	memcpy(first + ENTRY_HEADER + CONTEXT_AT + HS_CONTEXT_LEN,
	       second + ENTRY_HEADER + CONTEXT_AT + HS_CONTEXT_LEN,
	       size - ENTRY_HEADER - CONTEXT_AT - HS_CONTEXT_LEN);
	ASSERT_EQ(len, pwrite(fd, data, len, 0));
	close(fd);
	ASSERT_EQ(2, rtls_session_store_load(self->set.client.store, file));
	unlink(file);
	/* The second is as it was. Whichever it is, the name of the other opens nothing. */
	EXPECT_EQ(1, (run(&self->set.pair, "a.example.org", SIZE_MAX) == FULL) +
		     (run(&self->set.pair, "b.example.org", SIZE_MAX) == FULL));
	cert_free(&both);
}

/* What a client requires now was not asked for then. */
static int require_staple(struct rtls_config *config, void *arg)
{
	int ret = rtls_config_set_require_staple(config, true);

	return ret ? ret : set_sides(config, arg);
}

TEST_F(binding, staple_that_is_required)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	rtls_config_unref(self->set.pair.client_config);
	self->set.pair.client_config = config_make((struct config_spec){
		.trust = &self->set.cert, .more = require_staple, .arg = &self->set.client });
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE),
		  rtls_hs_error(self->set.pair.client));
}

/* ---- the application's say, RFC 6066's server_name, strangers ---------------------------------- */

static size_t asked, chain_len;
static bool welcome;

static int ask(void *arg, const struct rtls_chain *chain)
{
	(void)arg;
	asked++;
	chain_len = chain->len;
	return welcome ? 0 : RTLS_ALERT_ACCESS_DENIED;
}

static int set_callback(struct rtls_config *config, void *arg)
{
	int ret = rtls_config_set_verify_callback(config, ask, NULL);

	return ret ? ret : set_sides(config, arg);
}

/* Asked again with the chain as it was; a session that is no longer welcome is not offered. */
TEST_F(binding, verify_callback_of_the_client)
{
	struct cert ca = cert_make((struct cert_spec){ .kind = CERT_ECDSA_P384, .subject = "ca",
						       .is_ca = true });
	struct cert leaf = cert_make((struct cert_spec){ .kind = CERT_RSA, .host = NAME,
							 .issuer = &ca });

	change_server(&self->set, (struct config_spec){ .identity = &leaf, .chain = &ca });
	rtls_config_unref(self->set.pair.client_config);
	self->set.pair.client_config = config_make((struct config_spec){
		.trust = &ca, .more = set_callback, .arg = &self->set.client });
	welcome = true;
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(2, chain_len);
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(2, chain_len);
	EXPECT_EQ(2, asked);
	welcome = false;
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(false, self->set.pair.client->session_offered);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_ACCESS_DENIED),
		  rtls_hs_error(self->set.pair.client));
	cert_free(&ca);
	cert_free(&leaf);
}

TEST_F(binding, no_server_name_in_an_abbreviated_handshake)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(true, hs_extension_seen(self->set.pair.client, HS_EXT_SERVER_NAME));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(false, hs_extension_seen(self->set.pair.client, HS_EXT_SERVER_NAME));
}

/* Who has seen a session ID cannot end the session with it. */
TEST_F(binding, stranger_ends_no_session)
{
	size_t before;

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	before = self->set.server.store ? rtls_session_store_count(self->set.server.store) : 0;
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	pair_carry(self->set.pair.client, self->set.pair.server, SIZE_MAX);
	EXPECT_EQ(true, self->set.pair.server->resumed);
	rtls_hs_input(self->set.pair.server, (uint8_t[]){ 21, 3, 3, 0, 2, 2, 40 }, 7);
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(40), rtls_hs_error(self->set.pair.server));
	EXPECT_EQ(before, self->set.server.store ? rtls_session_store_count(self->set.server.store)
						 : 0);
}

/* A client that shows far more certificates than its chain needs is not kept at this cost. */
TEST_F(binding, long_chains_are_not_kept)
{
	struct hs_session *session;

	change_server(&self->set, (struct config_spec){
		.identity = &self->set.cert, .trust = &self->set.client_cert,
		.client_auth = RTLS_CLIENT_AUTH_REQUIRE });
	change_client(&self->set, (struct config_spec){ .identity = &self->set.client_cert,
							.trust = &self->set.cert });
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	for (int i = 0; i < 2; i++) {
		pair_carry(self->set.pair.client, self->set.pair.server, SIZE_MAX);
		session = &self->set.pair.server->session;
		if (!i)
			pair_carry(self->set.pair.server, self->set.pair.client, SIZE_MAX);
		wire_put_room(&session->chain, i ? 0 : HS_SESSION_MAX);
	}
	pair_run(&self->set.pair, SIZE_MAX);
	EXPECT_STREQ("", rtls_hs_reason(self->set.pair.client));
	EXPECT_EQ(0, self->set.pair.client->session.ticket.len);
	if (self->set.server.store)
		EXPECT_EQ(0, rtls_session_store_count(self->set.server.store));
}

/* ---- time ------------------------------------------------------------------------------------ */

TEST_F(binding, lifetime)
{
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = 7100;
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = 7201;
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
}

/* The server's own limit counts, whatever the client thinks. */
TEST_F(binding, lifetime_of_the_server)
{
	self->set.server.lifetime = 100;
	change_server(&self->set, (struct config_spec){ .identity = &self->set.cert });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = 101;
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = -1000; /* a session from the future */
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(binding, servers_certificate_expires)
{
	struct cert brief = cert_make((struct cert_spec){ .kind = CERT_RSA, .host = NAME,
							  .age_s = 1000, .life_s = 2000 });

	change_server(&self->set, (struct config_spec){ .identity = &brief });
	change_client(&self->set, (struct config_spec){ .trust = &brief });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = 1010;
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_CERTIFICATE_EXPIRED),
		  rtls_hs_error(self->set.pair.client));
	cert_free(&brief);
}

TEST_F(binding, clients_certificate_expires)
{
	struct cert brief = cert_make((struct cert_spec){ .usage = "clientAuth",
							  .age_s = 1000, .life_s = 2000 });

	change_server(&self->set, (struct config_spec){
		.identity = &self->set.cert, .trust = &brief,
		.client_auth = RTLS_CLIENT_AUTH_REQUIRE });
	change_client(&self->set, (struct config_spec){ .identity = &brief,
							.trust = &self->set.cert });
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = 1010;
	EXPECT_EQ(BAD, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_CERTIFICATE_EXPIRED),
		  rtls_hs_error(self->set.pair.server));
	cert_free(&brief);
}

/* ---- failure ----------------------------------------------------------------------------------- */

/* RFC 5246 7.2.2: a session whose handshake failed is not offered, and not resumed, again. */
TEST_F(binding, failed_handshake_ends_the_session)
{
	uint8_t flight[4096];
	const uint8_t *data;
	size_t len;

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	pair_carry(self->set.pair.client, self->set.pair.server, SIZE_MAX);
	pair_carry(self->set.pair.server, self->set.pair.client, SIZE_MAX);
	data = rtls_hs_output(self->set.pair.client, &len);
	memcpy(flight, data, len);
	flight[len - 1] ^= 1; /* Finished does not authenticate */
	rtls_hs_output_done(self->set.pair.client, len);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC),
		  rtls_hs_input(self->set.pair.server, flight, len));
	/* The client was done, and noticed nothing; the next one's alert it does. */
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	rtls_hs_abort(self->set.pair.client, RTLS_ALERT_USER_CANCELED, "test");
	EXPECT_EQ(0, rtls_session_store_count(self->set.client.store));
	if (variant->way == SESSION_ID)
		EXPECT_EQ(0, rtls_session_store_count(self->set.server.store));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
}

/* ---- extended_master_secret, RFC 7627 5.3: what is stripped on the way -------------------------- */

/* Removes an empty extension from a hello in clear; false: there is none. */
static bool strip_ems(uint8_t *flight, size_t *len)
{
	for (size_t i = 5; i + 4 <= *len; i++) {
		size_t at = 5 + 4 + 2 + 32, record, message, extensions;

		if (memcmp(flight + i, "\0\x17\0\0", 4))
			continue;
		at += 1 + flight[at];
		if (flight[5] == HS_CLIENT_HELLO) {
			at += 2 + (flight[at] << 8 | flight[at + 1]);
			at += 1 + flight[at];
		} else {
			at += 3;
		}
		record = (flight[3] << 8 | flight[4]) - 4;
		message = (flight[7] << 8 | flight[8]) - 4;
		extensions = (flight[at] << 8 | flight[at + 1]) - 4;
		memmove(flight + i, flight + i + 4, *len - i - 4);
		*len -= 4;
		memcpy(flight + 3, (uint8_t[]){ record >> 8, record }, 2);
		memcpy(flight + 7, (uint8_t[]){ message >> 8, message }, 2);
		memcpy(flight + at, (uint8_t[]){ extensions >> 8, extensions }, 2);
		return true;
	}
	return false;
}

static void carry_stripped(struct rtls_hs *from, struct rtls_hs *to)
{
	uint8_t flight[8192];
	size_t len, whole;
	const uint8_t *data = rtls_hs_output(from, &len);

	whole = len;
	memcpy(flight, data, len);
	if (strip_ems(flight, &len))
		rtls_hs_input(to, flight, len);
	rtls_hs_output_done(from, whole);
}

TEST_F(binding, client_drops_extended_master_secret)
{
	const struct hs_violation_row *row = &hs_violations[HS_V_EXTENDED_MASTER_SECRET_DROPPED];

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	carry_stripped(self->set.pair.client, self->set.pair.server);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(row->alert), rtls_hs_error(self->set.pair.server));
	EXPECT_STREQ(row->reason, rtls_hs_reason(self->set.pair.server));
}

TEST_F(binding, server_drops_extended_master_secret)
{
	const struct hs_violation_row *row = &hs_violations[HS_V_EXTENDED_MASTER_SECRET_DROPPED];

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	pair_carry(self->set.pair.client, self->set.pair.server, SIZE_MAX);
	carry_stripped(self->set.pair.server, self->set.pair.client);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(row->alert), rtls_hs_error(self->set.pair.client));
	EXPECT_STREQ(row->reason, rtls_hs_reason(self->set.pair.client));
}

/* Where it never was, there is nothing to resume. */
TEST_F(binding, session_without_extended_master_secret)
{
	struct rtls_hs *server;

	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	server = self->set.pair.server;
	carry_stripped(self->set.pair.client, server);
	EXPECT_EQ(0, server->session_id_len);
	EXPECT_EQ(false, server->promises_ticket);
}

/* ---- tickets ------------------------------------------------------------------------------------- */

FIXTURE(ticket)
{
	struct set set;
	char file[40];
};

FIXTURE_SETUP(ticket)
{
	memset(self, 0, sizeof(*self));
	set_begin(&self->set, TICKET, (struct config_spec){ 0 }, (struct config_spec){ 0 });
	strcpy(self->file, "/tmp/ringtls-tickets-XXXXXX");
	close(mkstemp(self->file));
}

FIXTURE_TEARDOWN(ticket)
{
	unlink(self->file);
	set_end(&self->set);
}

/* A key file: key n is made of bytes n; 'a' to 'z' have 80 bytes, 'A' to 'Z' 48. */
static void write_keys(const char *file, const char *keys)
{
	FILE *out = fopen(file, "w");

	for (; *keys; keys++) {
		size_t len = *keys >= 'a' ? 80 : 48;
		uint8_t key[80];
		char line[160];

		memset(key, *keys, sizeof(key));
		EVP_EncodeBlock((uint8_t *)line, key, len);
		fprintf(out, "%s\n", line);
	}
	fclose(out);
}

static int load(struct _test_data_ticket *self, const char *keys)
{
	char why[200];

	write_keys(self->file, keys);
	return rtls_ticket_keys_load(self->set.server.keys, self->file, why, sizeof(why));
}

/* The first byte of the name of the key that has sealed the ticket which the client holds. */
static uint8_t sealed_by(struct _test_data_ticket *self)
{
	struct rtls_hs *client;
	uint8_t name = 0;

	if (!rtls_hs_new(&client, self->set.pair.client_config, self->set.pair.worker, RTLS_CLIENT,
			 NAME) && client->session.ticket.len > 16)
		name = client->session.ticket.data[0];
	rtls_hs_free(client);
	return name;
}

TEST_F(ticket, the_only_key_seals)
{
	ASSERT_EQ(0, load(self, "A"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('A', sealed_by(self));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(ticket, the_last_but_one_seals)
{
	ASSERT_EQ(0, load(self, "AbC"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('b', sealed_by(self));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(ticket, rotation)
{
	ASSERT_EQ(0, load(self, "AB"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('A', sealed_by(self));
	ASSERT_EQ(0, load(self, "ABC"));
	/* A opens still, and a ticket by the key that seals now comes with it. */
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('B', sealed_by(self));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, 1));
	ASSERT_EQ(0, load(self, "BCD"));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('C', sealed_by(self));
	ASSERT_EQ(0, load(self, "XYZ"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('Y', sealed_by(self));
}

/* A renewed ticket does not make the session younger. */
TEST_F(ticket, renewal_keeps_the_age)
{
	ASSERT_EQ(0, load(self, "AB"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	ASSERT_EQ(0, load(self, "ABC"));
	clock_offset = 5000;
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	clock_offset = 7300;
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
}

TEST_F(ticket, processes_share_a_file)
{
	struct rtls_ticket_keys *mine = self->set.server.keys;

	ASSERT_EQ(0, load(self, "abc"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	self->set.server.keys = rtls_ticket_keys_new();
	change_server(&self->set, (struct config_spec){ .identity = &self->set.cert });
	ASSERT_EQ(0, load(self, "abc"));
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	rtls_ticket_keys_unref(mine);
}

/* Another client, which has no session yet; the first one's store is returned. */
static struct rtls_session_store *another_client(struct set *set, struct rtls_session_store *store)
{
	struct rtls_session_store *before = set->client.store;

	set->client.store = store;
	change_client(set, (struct config_spec){ .trust = &set->cert });
	return before;
}

/* A key of our own making gets a successor, and opens for as long again. */
TEST_F(ticket, self_made_keys_are_renewed)
{
	struct rtls_session_store *first;
	uint8_t name;

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX)); /* the first key's life begins */
	clock_offset = 5000;
	first = another_client(&self->set, rtls_session_store_new(1));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	name = sealed_by(self);
	rtls_session_store_unref(first);
	clock_offset = 7300;
	first = another_client(&self->set, rtls_session_store_new(1));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_NE(name, sealed_by(self));
	name = sealed_by(self);
	rtls_session_store_unref(another_client(&self->set, first));
	/* The second client's, by the old key; it gets a new ticket. */
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(name, sealed_by(self));
}

/* Whatever is changed, it is no ticket of ours: a full handshake, and a new one. */
TEST_F(ticket, every_byte_counts)
{
	struct hs_session *session;
	size_t len = 1;

	for (size_t at = 0; at < len; at++) {
		const uint8_t *data;
		uint8_t flight[4096], *ticket = NULL;
		size_t flight_len;

		ASSERT_EQ(FULL, at ? FULL : run(&self->set.pair, NAME, SIZE_MAX));
		ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
		session = &self->set.pair.client->session;
		len = session->ticket.len;
		ASSERT_LT(16 + 32 + 16, len);
		data = rtls_hs_output(self->set.pair.client, &flight_len);
		memcpy(flight, data, flight_len);
		ticket = memmem(flight, flight_len, session->ticket.data, len);
		ASSERT_NE(NULL, ticket);
		ticket[at] ^= 1;
		EXPECT_EQ((ssize_t)flight_len,
			  rtls_hs_input(self->set.pair.server, flight, flight_len));
		EXPECT_EQ(false, self->set.pair.server->resumed);
		EXPECT_EQ(true, self->set.pair.server->promises_ticket);
	}
}

TEST_F(ticket, no_two_are_alike)
{
	uint8_t first[2000], second[2000];
	size_t len;

	run(&self->set.pair, NAME, SIZE_MAX);
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	len = self->set.pair.client->session.ticket.len;
	memcpy(first, self->set.pair.client->session.ticket.data, len);
	rtls_session_store_unref(self->set.client.store);
	self->set.client.store = rtls_session_store_new(1);
	change_client(&self->set, (struct config_spec){ .trust = &self->set.cert });
	run(&self->set.pair, NAME, SIZE_MAX);
	ASSERT_EQ(0, pair_begin(&self->set.pair, NAME));
	ASSERT_EQ(len, self->set.pair.client->session.ticket.len);
	memcpy(second, self->set.pair.client->session.ticket.data, len);
	/* One key, so one name; the random part, which makes the ticket's key, differs. */
	EXPECT_EQ(0, memcmp(first, second, 16));
	EXPECT_NE(0, memcmp(first + 16, second + 16, 32));
	EXPECT_NE(0, memcmp(first + 48, second + 48, 5));
}

TEST_F(ticket, not_wanted)
{
	rtls_config_unref(self->set.pair.client_config);
	self->set.pair.client_config = rtls_config_new();
	rtls_config_set_verify(self->set.pair.client_config, false);
	rtls_config_set_now(self->set.pair.client_config, moved_now, NULL);
	rtls_config_set_session_store(self->set.pair.client_config, self->set.client.store);
	rtls_config_set_tickets(self->set.pair.client_config, false);
	ASSERT_EQ(0, rtls_config_freeze(self->set.pair.client_config));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
}

/* ---- key files that cannot be used: the old keys stay ------------------------------------------------ */

TEST_F(ticket, bad_files)
{
	static const struct {
		const char *content, *why;
	} files[] = {
		{ "", ": no ticket key in it" },
		{ "\n\n", ": no ticket key in it" },
		{ "abc\n", ":1: not 48 or 80 bytes in base64" },
		/* 47 bytes, 48 with a wrong sign, 49 */
		{ "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\n",
		  ":1: not 48 or 80 bytes in base64" },
		{ "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU*B\n",
		  ":1: not 48 or 80 bytes in base64" },
		{ "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==\n",
		  ":1: not 48 or 80 bytes in base64" },
		{ "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\nxyz\n",
		  ":2: not 48 or 80 bytes in base64" },
	};
	char why[200];

	ASSERT_EQ(0, load(self, "A"));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *out = fopen(self->file, "w");

		fputs(files[i].content, out);
		fclose(out);
		EXPECT_EQ(RTLS_ERR_CONFIG, rtls_ticket_keys_load(self->set.server.keys, self->file,
								 why, sizeof(why)));
		EXPECT_EQ(0, strncmp(why, self->file, strlen(self->file)));
		EXPECT_EQ(0, strncmp(why + strlen(self->file), files[i].why,
				     strlen(files[i].why)))
		{
			TH_LOG("%zu: %s", i, why);
		}
	}
	/* A good line, but for what is behind a NUL; and a file that never ends. */
	FILE *out = fopen(self->file, "w");

	fwrite("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\0x\n", 1, 67, out);
	fclose(out);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_ticket_keys_load(self->set.server.keys, self->file, why,
							 sizeof(why)));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_ticket_keys_load(self->set.server.keys, "/dev/zero", why,
							 sizeof(why)));
	EXPECT_STREQ("/dev/zero: not a regular file", why);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_ticket_keys_load(self->set.server.keys, "/nonexistent",
							 why, sizeof(why)));
	EXPECT_STREQ("/nonexistent: No such file or directory", why);
	EXPECT_EQ(RESUMED, run(&self->set.pair, NAME, SIZE_MAX));
}

/* A line without its end, and one of DOS'. */
TEST_F(ticket, unusual_files)
{
	FILE *out = fopen(self->file, "w");
	char why[200];

	fputs("QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n"
	      "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC", out);
	fclose(out);
	ASSERT_EQ(0, rtls_ticket_keys_load(self->set.server.keys, self->file, why, sizeof(why)));
	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	EXPECT_EQ('A', sealed_by(self));
}

/* ---- the store ------------------------------------------------------------------------------------------- */

TEST(store_is_bounded)
{
	static const size_t sizes[] = { 1, 2, 15, 16, 17, 100, 1000, 4100 };
	uint8_t key[HS_CONTEXT_LEN];
	struct wire_out out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct rtls_session_store *store = rtls_session_store_new(sizes[i]);

		for (uint32_t n = 0; n < 9000; n++) {
			memset(key, 0, sizeof(key));
			memcpy(key, &(uint32_t){ n * 2654435761u }, 4);
			hs_store_put(store, key, 100, wire_in(key, 32));
			ASSERT_LE(rtls_session_store_count(store), sizes[i]);
		}
		/* As many as fit; a large one is in shards, which are not equally full. */
		EXPECT_LE(sizes[i] < 4096 ? sizes[i] : 9 * sizes[i] / 10,
			  rtls_session_store_count(store));
		/* The one put in last is there; at its time it is there no more. */
		EXPECT_EQ(true, hs_store_get(store, key, 99, &out));
		EXPECT_EQ(32, out.len);
		wire_clear(&out);
		EXPECT_EQ(false, hs_store_get(store, key, 100, &out));
		EXPECT_EQ(false, hs_store_get(store, key, 99, &out));
		rtls_session_store_unref(store);
	}
	test_end();
}

TEST(store_in_a_file)
{
	struct rtls_session_store *store = rtls_session_store_new(100), *other;
	char file[] = "/tmp/ringtls-sessions-XXXXXX";
	uint8_t key[HS_CONTEXT_LEN] = { 1 }, data[1000];
	struct wire_out out = { 0 };
	struct stat st;
	ssize_t len;
	int fd = mkstemp(file);

	close(fd);
	hs_store_put(store, key, 1000, wire_in((const uint8_t *)"first", 5));
	key[0] = 2;
	hs_store_put(store, key, 2000, wire_in((const uint8_t *)"second", 6));
	ASSERT_EQ(0, rtls_session_store_save(store, file));
	ASSERT_EQ(0, stat(file, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
	other = rtls_session_store_new(100);
	EXPECT_EQ(2, rtls_session_store_load(other, file));
	EXPECT_EQ(true, hs_store_get(other, key, 1999, &out));
	EXPECT_EQ(6, out.len);
	wire_clear(&out);
	rtls_session_store_unref(other);
	/* Cut at every byte: all, the first, or an error with nothing taken. */
	fd = open(file, O_RDWR);
	len = read(fd, data, sizeof(data));
	for (ssize_t cut = len - 1; cut >= 0; cut--) {
		int ret;

		ASSERT_EQ(0, ftruncate(fd, cut));
		other = rtls_session_store_new(100);
		ret = rtls_session_store_load(other, file);
		EXPECT_EQ(ret < 0 ? 0 : ret, (int)rtls_session_store_count(other));
		EXPECT_EQ(true, ret == -EINVAL || ret == 0 || ret == 1);
		rtls_session_store_unref(other);
	}
	close(fd);
	EXPECT_EQ(-ENOENT, rtls_session_store_load(store, "/nonexistent"));
	EXPECT_EQ(-EINVAL, rtls_session_store_load(store, "/dev/zero"));
	EXPECT_EQ(-ENOENT, rtls_session_store_save(store, "/nonexistent/file"));
	rtls_session_store_unref(store);
	unlink(file);
	test_end();
}

/* Sessions of a file that say anything: none is resumed, nothing breaks. */
TEST_F(binding, damaged_sessions)
{
	char file[] = "/tmp/ringtls-sessions-XXXXXX";
	uint8_t data[20000];
	ssize_t len;
	int fd = mkstemp(file);

	EXPECT_EQ(FULL, run(&self->set.pair, NAME, SIZE_MAX));
	ASSERT_EQ(0, rtls_session_store_save(self->set.client.store, file));
	close(fd);
	fd = open(file, O_RDWR);
	len = read(fd, data, sizeof(data));
	for (ssize_t i = 41 + 32 + 8 + 3; i < len; i += i < 300 ? 1 : 37) {
		uint8_t changed = data[i] ^ 0x5a;
		enum outcome outcome;

		ASSERT_EQ(1, pwrite(fd, &changed, 1, i));
		rtls_session_store_load(self->set.client.store, file);
		outcome = run(&self->set.pair, NAME, SIZE_MAX);
		/* A changed master secret is noticed at Finished. */
		EXPECT_EQ(true, outcome == FULL || outcome == BAD || outcome == RESUMED);
		if (outcome == BAD)
			EXPECT_NE(RTLS_ERR_ALERT_SENT(RTLS_ALERT_INTERNAL_ERROR),
				  rtls_hs_error(self->set.pair.client));
		ASSERT_EQ(1, pwrite(fd, &data[i], 1, i));
	}
	close(fd);
	unlink(file);
}

TEST(config_refuses)
{
	struct rtls_config *config = rtls_config_new();
	struct rtls_session_store *store = rtls_session_store_new(1);

	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_session_lifetime(config, 0));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_session_lifetime(config, 604801));
	EXPECT_EQ(0, rtls_config_set_session_store(config, store));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_freeze(config));
	EXPECT_STREQ("resuming sessions needs a clock", rtls_config_error(config));
	rtls_config_unref(config);
	rtls_session_store_unref(store);
	test_end();
}

TEST_HARNESS_MAIN
