// SPDX-License-Identifier: MIT
/*
 * Chains that a worker has met before: they are found again, and nothing that would be refused
 * now is accepted because it was good once.
 */
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "crl.h"
#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

#define MINUTE 60
#define HOUR   3600

/* ---- a clock that can be set, and a library context that can be missing ------------------ */

static time_t ahead;

static time_t set_clock(void *arg)
{
	(void)arg;
	return time(NULL) + ahead;
}

static int use_clock(struct rtls_config *config, void *arg)
{
	(void)arg;
	return rtls_config_set_now(config, set_clock, NULL);
}

static bool no_library;
OSSL_LIB_CTX *__real_hs_peer_library(void);
OSSL_LIB_CTX *__wrap_hs_peer_library(void); /* by the linker: see the Makefile */

OSSL_LIB_CTX *__wrap_hs_peer_library(void)
{
	return no_library ? NULL : __real_hs_peer_library();
}

/* ---- one worker, many handshakes ------------------------------------------------------------ */

FIXTURE(chain_cache)
{
	struct cert ca, cert;
	struct rtls_config *server, *client;
	struct rtls_worker *worker;
	struct hs_chain *met; /* by the first handshake */
	char reason[320];
};

static struct rtls_config *config_with_clock(struct config_spec spec)
{
	spec.more = use_clock;
	return config_make(spec);
}

/* The client's error, 0: none; and what its chain was, for a look at the address only. */
static int shake_hands(struct _test_data_chain_cache *self, struct rtls_config *client,
		       struct rtls_config *server, const char *name, enum rtls_role looks,
		       struct hs_chain **chain)
{
	struct pair pair = { .server_config = rtls_config_ref(server),
			     .client_config = rtls_config_ref(client), .worker = self->worker };
	struct rtls_hs *hs;
	int error;

	if (pair_begin(&pair, name))
		abort();
	pair_run(&pair, SIZE_MAX);
	hs = looks == RTLS_CLIENT ? pair.client : pair.server;
	error = rtls_hs_error(hs);
	strcpy(self->reason, rtls_hs_reason(hs));
	*chain = hs->peer_chain;
	pair.worker = NULL; /* stays */
	rtls_hs_free(pair.server);
	rtls_hs_free(pair.client);
	rtls_config_unref(server);
	rtls_config_unref(client);
	return error;
}

static int meet(struct _test_data_chain_cache *self, struct rtls_config *client, const char *name)
{
	struct hs_chain *chain;

	return shake_hands(self, client, self->server, name, RTLS_CLIENT, &chain);
}

static size_t count_chains(const struct rtls_worker *worker)
{
	size_t count = 0;

	for (size_t i = 0; i < HS_CHAIN_SETS; i++)
		for (size_t j = 0; j < HS_CHAIN_WAYS; j++)
			count += !!worker->chains[i][j];
	return count;
}

static bool is_kept(const struct rtls_worker *worker, const struct hs_chain *chain)
{
	for (size_t i = 0; i < HS_CHAIN_SETS; i++)
		for (size_t j = 0; j < HS_CHAIN_WAYS; j++)
			if (worker->chains[i][j] == chain)
				return true;
	return false;
}

FIXTURE_SETUP(chain_cache)
{
	memset(self, 0, sizeof(*self));
	ahead = 0;
	self->ca = cert_make((struct cert_spec){ .kind = CERT_ECDSA_P384, .subject = "authority",
						 .is_ca = true });
	self->cert = cert_make((struct cert_spec){ .issuer = &self->ca, .serial = 2,
						   .age_s = 10 * MINUTE, .life_s = 40 * MINUTE });
	self->server = config_with_clock((struct config_spec){ .identity = &self->cert });
	self->client = config_with_clock((struct config_spec){ .trust = &self->ca });
	self->worker = rtls_worker_new();
	ASSERT_EQ(0, shake_hands(self, self->client, self->server, "localhost", RTLS_CLIENT,
				 &self->met));
	ASSERT_EQ(1, count_chains(self->worker));
	ASSERT_EQ(true, is_kept(self->worker, self->met));
}

FIXTURE_TEARDOWN(chain_cache)
{
	rtls_config_unref(self->server);
	rtls_config_unref(self->client);
	rtls_worker_free(self->worker);
	cert_free(&self->ca);
	cert_free(&self->cert);
	test_end();
}

TEST_F(chain_cache, met_again)
{
	struct hs_chain *again;

	EXPECT_EQ(0, shake_hands(self, self->client, self->server, "localhost", RTLS_CLIENT,
				 &again));
	EXPECT_EQ(self->met, again);
	EXPECT_EQ(1, count_chains(self->worker));
}

TEST_F(chain_cache, forgotten_when_told_so)
{
	rtls_worker_forget_chains(self->worker);
	EXPECT_EQ(0, count_chains(self->worker));
	EXPECT_EQ(0, meet(self, self->client, "localhost"));
	EXPECT_EQ(1, count_chains(self->worker));
}

/* ---- what would be refused now ---------------------------------------------------------------- */

TEST_F(chain_cache, expired)
{
	ahead = 31 * MINUTE;
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_CERTIFICATE_EXPIRED),
		  meet(self, self->client, "localhost"));
	EXPECT_EQ(0, strncmp("the server's certificate expired 1 minute ago", self->reason, 45));
	EXPECT_EQ(true, is_kept(self->worker, self->met));
}

/* A clock that is set back does not make it good either. */
TEST_F(chain_cache, not_yet_valid)
{
	self->met->kept_since -= HOUR / 2; /* as if it had been met before */
	ahead = -11 * MINUTE;
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_CERTIFICATE_EXPIRED),
		  meet(self, self->client, "localhost"));
	EXPECT_EQ(true, is_kept(self->worker, self->met));
}

TEST_F(chain_cache, other_host_name)
{
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_CERTIFICATE),
		  meet(self, self->client, "localhost.example.org"));
	EXPECT_STREQ("the server's certificate is not for localhost.example.org", self->reason);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_CERTIFICATE),
		  meet(self, self->client, "127.0.0.9"));
	EXPECT_EQ(1, count_chains(self->worker));
}

TEST_F(chain_cache, other_trust)
{
	struct cert other = cert_make((struct cert_spec){ .subject = "another", .is_ca = true });
	struct rtls_config *client = config_with_clock((struct config_spec){ .trust = &other });

	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNKNOWN_CA), meet(self, client, "localhost"));
	rtls_config_unref(client);
	cert_free(&other);
}

/* The system's bundle, from which an authority is taken before the next configuration. */
TEST_F(chain_cache, system_trust_that_changes)
{
	char bundle[] = "/tmp/ringtls-bundle-XXXXXX";
	struct rtls_config *before, *after;
	FILE *file = fdopen(mkstemp(bundle), "w");

	ASSERT_EQ(1, PEM_write_X509(file, self->ca.x509));
	fclose(file);
	setenv("SSL_CERT_FILE", bundle, 1);
	before = config_with_clock((struct config_spec){ 0 });
	EXPECT_EQ(0, meet(self, before, "localhost"));
	ASSERT_EQ(0, truncate(bundle, 0));
	after = config_with_clock((struct config_spec){ 0 });
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNKNOWN_CA), meet(self, after, "localhost"));
	EXPECT_EQ(0, meet(self, before, "localhost"));
	unlink(bundle);
	rtls_config_unref(before);
	rtls_config_unref(after);
}

/* The same authority, but not for servers any more: "openssl x509 -addreject serverAuth". */
TEST_F(chain_cache, authority_rejected_for_servers)
{
	struct cert rejected = { X509_dup(self->ca.x509), NULL };
	char file[] = "/tmp/ringtls-trust-XXXXXX";
	struct rtls_config *client = rtls_config_new();
	FILE *pem = fdopen(mkstemp(file), "w");

	X509_add1_reject_object(rejected.x509, OBJ_nid2obj(NID_server_auth));
	ASSERT_EQ(1, PEM_write_X509_AUX(pem, rejected.x509));
	fclose(pem);
	ASSERT_EQ(0, rtls_config_add_trust_file(client, file));
	ASSERT_EQ(0, rtls_config_set_now(client, set_clock, NULL));
	ASSERT_EQ(0, rtls_config_freeze(client));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_CERTIFICATE), meet(self, client, "localhost"));
	EXPECT_NE(0, memcmp(client->trust_id, self->client->trust_id, HS_CONTEXT_LEN));
	unlink(file);
	rtls_config_unref(client);
	cert_free(&rejected);
}

/* Who is gone is never taken for one that lies at the same address. */
TEST_F(chain_cache, configuration_that_is_gone)
{
	struct rtls_config *old = self->client;

	rtls_config_unref(self->client);
	EXPECT_EQ(true, hs_config_is_gone(old));
	self->client = config_with_clock((struct config_spec){ .trust = &self->ca });
	EXPECT_NE(old, self->client);
	EXPECT_EQ(0, meet(self, self->client, "localhost"));
	EXPECT_EQ(1, count_chains(self->worker)); /* its chain has gone, too */
}

/* Decoded without being verified is not verified. */
TEST_F(chain_cache, not_verified_then)
{
	struct cert other = cert_make((struct cert_spec){ .subject = "another", .is_ca = true });
	struct rtls_config *insecure = config_with_clock((struct config_spec){
		.trust = &other, .insecure = true });
	struct rtls_config *client = config_with_clock((struct config_spec){ .trust = &other });

	EXPECT_EQ(0, meet(self, insecure, "localhost"));
	EXPECT_EQ(2, count_chains(self->worker));
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNKNOWN_CA), meet(self, client, "localhost"));
	rtls_config_unref(insecure);
	rtls_config_unref(client);
	cert_free(&other);
}

static struct rtls_config *client_with_crl(struct _test_data_chain_cache *self, long serial,
					   long life_s)
{
	char file[] = "/tmp/ringtls-crl-XXXXXX";
	struct rtls_config *client;

	close(mkstemp(file));
	crl_write(file, (struct crl_spec){ .issuer = &self->ca, .serial = serial,
					   .life_s = life_s });
	client = config_with_clock((struct config_spec){ .trust = &self->ca, .crl_file = file });
	unlink(file);
	return client;
}

TEST_F(chain_cache, revoked)
{
	struct rtls_config *client = client_with_crl(self, 2, HOUR);

	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_CERTIFICATE_REVOKED),
		  meet(self, client, "localhost"));
	rtls_config_unref(client);
}

/* A list that says nothing against it, until it is out of date. */
TEST_F(chain_cache, list_out_of_date)
{
	struct rtls_config *client = client_with_crl(self, 77, 10 * MINUTE);

	EXPECT_EQ(0, meet(self, client, "localhost"));
	EXPECT_EQ(0, meet(self, client, "localhost"));
	ahead = 11 * MINUTE;
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_CERTIFICATE_UNKNOWN),
		  meet(self, client, "localhost"));
	rtls_config_unref(client);
}

/* A server's certificate, which the same worker has met as such, is no client's. */
TEST_F(chain_cache, other_purpose)
{
	struct rtls_config *server = config_with_clock((struct config_spec){
		.identity = &self->cert, .trust = &self->ca,
		.client_auth = RTLS_CLIENT_AUTH_REQUIRE });
	struct rtls_config *client = config_with_clock((struct config_spec){
		.identity = &self->cert, .trust = &self->ca });
	struct hs_chain *chain;

	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNSUPPORTED_CERTIFICATE),
		  shake_hands(self, client, server, "localhost", RTLS_SERVER, &chain));
	rtls_config_unref(server);
	rtls_config_unref(client);
}

static int refusals;

static int refuse(void *arg, const struct rtls_chain *chain)
{
	(void)arg, (void)chain;
	refusals++;
	return RTLS_ALERT_ACCESS_DENIED;
}

static int ask(struct rtls_config *config, void *arg)
{
	(void)arg;
	return rtls_config_set_verify_callback(config, refuse, NULL) ||
	       rtls_config_set_now(config, set_clock, NULL);
}

TEST_F(chain_cache, refused_by_the_application)
{
	struct rtls_config *client = config_make((struct config_spec){
		.trust = &self->ca, .more = ask });

	refusals = 0;
	for (int i = 1; i <= 2; i++) {
		EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_ACCESS_DENIED),
			  meet(self, client, "localhost"));
		EXPECT_EQ(i, refusals);
	}
	rtls_config_unref(client);
}

/* ---- its bounds ----------------------------------------------------------------------------------- */

TEST_F(chain_cache, after_an_hour_it_is_verified_anew)
{
	struct cert cert = cert_make((struct cert_spec){ .issuer = &self->ca });
	struct hs_chain *first, *second;
	int64_t since;

	rtls_config_unref(self->server);
	self->server = config_with_clock((struct config_spec){ .identity = &cert });
	EXPECT_EQ(0, shake_hands(self, self->client, self->server, "localhost", RTLS_CLIENT,
				 &first));
	since = first->kept_since;
	ahead = HOUR - 5 * MINUTE;
	EXPECT_EQ(0, shake_hands(self, self->client, self->server, "localhost", RTLS_CLIENT,
				 &second));
	EXPECT_EQ(first, second);
	EXPECT_EQ(since, second->kept_since);
	ahead = HOUR + 5 * MINUTE;
	EXPECT_EQ(0, shake_hands(self, self->client, self->server, "localhost", RTLS_CLIENT,
				 &second));
	EXPECT_LE(since + HOUR, second->kept_since);
	cert_free(&cert);
}

/* Chains of anybody's making: the oldest of a set goes, and its memory with it. */
TEST_F(chain_cache, flood)
{
	struct rtls_config *client = config_with_clock((struct config_spec){
		.trust = &self->ca, .insecure = true });
	struct hs_chain *chain;

	for (int i = 0; i < 4 * HS_CHAIN_SETS * HS_CHAIN_WAYS; i++) {
		struct cert cert = cert_make((struct cert_spec){ .serial = 1000 + i });
		struct rtls_config *server =
			config_with_clock((struct config_spec){ .identity = &cert });

		ASSERT_EQ(0, shake_hands(self, client, server, "localhost", RTLS_CLIENT, &chain));
		ASSERT_EQ(true, is_kept(self->worker, chain));
		ASSERT_EQ(1, chain->references);
		rtls_config_unref(server);
		cert_free(&cert);
	}
	EXPECT_GE(HS_CHAIN_SETS * HS_CHAIN_WAYS, count_chains(self->worker));
	EXPECT_LE(HS_CHAIN_SETS, count_chains(self->worker));
	EXPECT_EQ(0, meet(self, self->client, "localhost"));
	rtls_config_unref(client);
}

/* ---- decoding where the library context of the peers' own cannot be had ---------------------------- */

TEST(without_a_library_context_of_their_own)
{
	ahead = 0;
	no_library = true;
	for (int kind = 0; kind < CERT_KINDS; kind++) {
		struct cert cert = cert_make((struct cert_spec){ .kind = kind });
		struct pair pair = pair_make(server_config(&cert, NULL, NULL, NULL),
					     client_config(&cert, NULL, NULL, NULL));

		ASSERT_EQ(0, pair_begin(&pair, "localhost"));
		pair_run(&pair, SIZE_MAX);
		EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair.client));
		EXPECT_STREQ("", rtls_hs_reason(pair.client));
		pair_free(&pair);
		cert_free(&cert);
	}
	no_library = false;
	test_end();
}

/* It is there, and decodes every kind of key by itself. */
TEST(the_library_context_decodes_every_key)
{
	ASSERT_NE(NULL, hs_peer_library());
	for (int kind = 0; kind < CERT_KINDS; kind++) {
		struct cert cert = cert_make((struct cert_spec){ .kind = kind });
		X509 *certificate = X509_new_ex(hs_peer_library(), NULL);
		uint8_t *der = NULL;
		const uint8_t *p;
		int len = i2d_X509(cert.x509, &der);

		p = der;
		ASSERT_NE(NULL, d2i_X509(&certificate, &p, len));
		EXPECT_EQ(1, EVP_PKEY_eq(X509_get0_pubkey(certificate), cert.key));
		X509_free(certificate);
		OPENSSL_free(der);
		cert_free(&cert);
	}
	test_end();
}

TEST_HARNESS_MAIN
