// SPDX-License-Identifier: MIT
/*
 * No branch and no address in handshake/ depends on a secret. Runs under valgrind, which takes
 * each secret for uninitialised from where it comes out of libcrypto, follows it through all
 * that is computed from it, and reports a jump or an address made of it.
 *
 * What is made known on purpose is defined again, here and nowhere else: what goes to the peer,
 * what it protected with the right key, and whether its Finished is the right one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <valgrind/memcheck.h>

#include "common.h"
#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

#define SECRET(data, len) ((void)VALGRIND_MAKE_MEM_UNDEFINED(data, len))
#define PUBLIC(data, len) ((void)VALGRIND_MAKE_MEM_DEFINED(data, len))

/* The linker puts these in the place of what handshake/ calls: see the Makefile. */
int __real_RAND_priv_bytes(unsigned char *out, int len);
int __real_EVP_PKEY_derive(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *len);
int __real_EVP_PKEY_decrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *len,
			    const unsigned char *in, size_t in_len);
int __real_CRYPTO_memcmp(const void *a, const void *b, size_t len);
ssize_t __real_rtls_record_open(struct rtls_worker *worker, enum rtls_cipher id,
				struct rtls_key *key, uint8_t *record, uint8_t **plain);
const uint8_t *__real_rtls_hs_output(const struct rtls_hs *hs, size_t *len);
int __real_hs_verify_data(struct rtls_hs *hs, enum rtls_role sender, uint8_t *verify_data);
bool __real_hs_ticket_open(struct rtls_hs *hs, struct wire_in ticket, struct wire_out *plain);
int __real_hs_resume_keys(struct rtls_hs *hs, struct wire_in *body);

/* ---- where secrets come from ------------------------------------------------------------- */

/* A client's premaster secret of RSA, a server's in the place of a wrong one, ticket keys. */
int __wrap_RAND_priv_bytes(unsigned char *out, int len)
{
	int ret = __real_RAND_priv_bytes(out, len);

	SECRET(out, len);
	return ret;
}

/* DHE's length is that of a number without its leading zeros, as RFC 5246 8.1.2 wants it. */
int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *len)
{
	int ret = __real_EVP_PKEY_derive(ctx, out, len);

	SECRET(out, *len);
	return ret;
}

/* Not only what came out of it: whether it had the right length too. */
int __wrap_EVP_PKEY_decrypt(EVP_PKEY_CTX *ctx, unsigned char *out, size_t *len,
			    const unsigned char *in, size_t in_len)
{
	size_t room = *len;
	int ret = __real_EVP_PKEY_decrypt(ctx, out, len, in, in_len);

	SECRET(out, room); /* its length is the key's */
	return ret;
}

/* A session's, again: what came out of a ticket has been made known below. */
int __wrap_hs_resume_keys(struct rtls_hs *hs, struct wire_in *body)
{
	SECRET(hs->secrets.master, HS_MASTER_LEN);
	return __real_hs_resume_keys(hs, body);
}

/* ---- what is made known ------------------------------------------------------------------ */

/* sanitizers.sh asks for this, to see that the comparison is seen. */
static bool keep_verdict;

int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t len)
{
	int ret = __real_CRYPTO_memcmp(a, b, len);

	if (!keep_verdict)
		PUBLIC(&ret, sizeof(ret));
	return ret;
}

ssize_t __wrap_rtls_record_open(struct rtls_worker *worker, enum rtls_cipher id,
				struct rtls_key *key, uint8_t *record, uint8_t **plain)
{
	ssize_t n = __real_rtls_record_open(worker, id, key, record, plain);

	if (n > 0)
		PUBLIC(*plain, n);
	return n;
}

const uint8_t *__wrap_rtls_hs_output(const struct rtls_hs *hs, size_t *len)
{
	const uint8_t *out = __real_rtls_hs_output(hs, len);

	if (*len)
		PUBLIC(out, *len);
	return out;
}

/* Of a ticket that is ours all is known but the master secret. */
bool __wrap_hs_ticket_open(struct rtls_hs *hs, struct wire_in ticket, struct wire_out *plain)
{
	bool ok = __real_hs_ticket_open(hs, ticket, plain);

	if (ok)
		PUBLIC(plain->data, plain->len);
	return ok;
}

/* ---- do we follow them? ------------------------------------------------------------------ */

/* Is no byte of it known? */
static bool is_secret(const void *data, size_t len)
{
	uint8_t bits[HS_PREMASTER_MAX] = { 0 };

	VALGRIND_GET_VBITS(data, bits, len);
	for (size_t i = 0; i < len; i++)
		if (!bits[i])
			return false;
	return true;
}

static int verify_data_secret, verify_data_known;

int __wrap_hs_verify_data(struct rtls_hs *hs, enum rtls_role sender, uint8_t *verify_data)
{
	int ret = __real_hs_verify_data(hs, sender, verify_data);

	if (is_secret(hs->secrets.master, HS_MASTER_LEN) &&
	    is_secret(verify_data, HS_VERIFY_DATA_LEN))
		verify_data_secret++;
	else
		verify_data_known++;
	return ret;
}

/* ---- whole handshakes -------------------------------------------------------------------- */

FIXTURE(secrets)
{
	struct cert cert;
	struct pair pair;
};

FIXTURE_VARIANT(secrets)
{
	const char *suite;
	enum cert_kind kind;
	const char *groups;
	bool tickets; /* a second handshake resumes the first */
	void (*change)(struct rtls_hs *client); /* its ClientKeyExchange */
};

/* Where a client that has no certificate to show has put the encrypted premaster secret. */
static uint8_t *encrypted(struct rtls_hs *client)
{
	return client->out.data + RTLS_RECORD_HEADER_LEN + 4 + 2;
}

/* Rightly padded, whatever it is. */
static void set_premaster(struct rtls_hs *client, const uint8_t *text, size_t text_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(hs_peer_library(), client->peer_chain->key, NULL);
	size_t len = 256;

	if (EVP_PKEY_encrypt_init(ctx) <= 0 ||
	    EVP_PKEY_encrypt(ctx, encrypted(client), &len, text, text_len) <= 0)
		abort();
	EVP_PKEY_CTX_free(ctx);
}

static void noise(struct rtls_hs *client)
{
	memset(encrypted(client), 7, 256);
}

static void above_the_modulus(struct rtls_hs *client)
{
	memset(encrypted(client), 0xff, 256);
}

static void other_version(struct rtls_hs *client)
{
	set_premaster(client, (uint8_t[48]){ 3, 2 }, 48);
}

static void byte_too_short(struct rtls_hs *client)
{
	set_premaster(client, (uint8_t[47]){ 3, 3 }, 47);
}

static void byte_too_long(struct rtls_hs *client)
{
	set_premaster(client, (uint8_t[49]){ 3, 3 }, 49);
}

static void empty_premaster(struct rtls_hs *client)
{
	set_premaster(client, (uint8_t[]){ 0 }, 0);
}

#define SECRETS(name, ...) FIXTURE_VARIANT_ADD(secrets, name) { __VA_ARGS__ }
#define RSA                .suite = "AES128-GCM-SHA256", .kind = CERT_RSA

SECRETS(x25519_aes_128_gcm, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .groups = "X25519");
SECRETS(p256_aes_256_gcm, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384", .groups = "P-256");
SECRETS(p521_chacha20, .suite = "ECDHE-ECDSA-CHACHA20-POLY1305", .groups = "P-521");
SECRETS(x448_aes_128_ccm, .suite = "ECDHE-ECDSA-AES128-CCM", .groups = "X448");
SECRETS(dhe, .suite = "DHE-RSA-AES128-GCM-SHA256", .kind = CERT_RSA, .groups = "ffdhe2048");
SECRETS(resumed, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .tickets = true);
SECRETS(rsa, RSA);
SECRETS(rsa_with_noise, RSA, .change = noise);
SECRETS(rsa_above_the_modulus, RSA, .change = above_the_modulus);
SECRETS(rsa_with_another_version, RSA, .change = other_version);
SECRETS(rsa_of_47_bytes, RSA, .change = byte_too_short);
SECRETS(rsa_of_49_bytes, RSA, .change = byte_too_long);
SECRETS(rsa_of_nothing, RSA, .change = empty_premaster);

static int set_tickets(struct rtls_config *config, void *arg)
{
	struct rtls_session_store *store = rtls_session_store_new(10);
	struct rtls_ticket_keys *keys = rtls_ticket_keys_new();
	int ret = rtls_config_set_now(config, test_now, NULL);

	if (!ret && arg)
		ret = rtls_config_set_session_store(config, store);
	if (!ret && !arg)
		ret = rtls_config_set_ticket_keys(config, keys);
	rtls_session_store_unref(store);
	rtls_ticket_keys_unref(keys);
	return ret;
}

FIXTURE_SETUP(secrets)
{
	struct config_spec server = { .identity = &self->cert, .suites = variant->suite,
				      .groups = variant->groups };
	struct config_spec client = { .trust = &self->cert, .suites = variant->suite };

	if (!RUNNING_ON_VALGRIND) {
		fprintf(stderr, "# without valgrind this says nothing: use selftests/memcheck\n");
		exit(1);
	}
	keep_verdict = getenv("KEEP_VERDICT");
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	if (variant->tickets) {
		server.more = client.more = set_tickets;
		client.arg = self; /* the client: a store */
	}
	self->pair = pair_make(config_make(server), config_make(client));
}

FIXTURE_TEARDOWN(secrets)
{
	pair_free(&self->pair);
	cert_free(&self->cert);
}

/* All of it is secret, on both sides, up to its last byte. */
static bool keys_are_secret(const struct rtls_keys *keys)
{
	const struct hs_cipher *cipher = &hs_ciphers[keys->cipher];

	return is_secret(keys->tx.key, cipher->key_len) &&
	       is_secret(keys->rx.key, cipher->key_len) &&
	       is_secret(keys->tx.iv, cipher->iv_len) && is_secret(keys->rx.iv, cipher->iv_len);
}

static bool exchange_record(struct pair *pair, struct rtls_keys *from, struct rtls_keys *to)
{
	uint8_t record[RTLS_RECORD_MAX], *plain;
	ssize_t n = rtls_record_seal(pair->worker, from->cipher, &from->tx, RTLS_APPLICATION_DATA,
				     (const uint8_t *)"hello", 5, record);

	PUBLIC(record, n);
	return n > 0 &&
	       rtls_record_open(pair->worker, to->cipher, &to->rx, record, &plain) == 5 &&
	       !memcmp(plain, "hello", 5);
}

static bool run_well(struct pair *pair, bool *resumed)
{
	struct rtls_keys server, client;
	struct rtls_peer peer;

	verify_data_secret = verify_data_known = 0;
	if (pair_begin(pair, "localhost"))
		return false;
	pair_run(pair, SIZE_MAX);
	if (rtls_hs_finish(pair->server, &server, NULL) ||
	    rtls_hs_finish(pair->client, &client, &peer))
		return false;
	*resumed = peer.resumed;
	rtls_peer_free(&peer);
	return verify_data_secret == 4 && !verify_data_known && keys_are_secret(&server) &&
	       keys_are_secret(&client) && exchange_record(pair, &server, &client) &&
	       exchange_record(pair, &client, &server);
}

/* That memcheck has seen nothing is said by the exit code: see selftests/memcheck. */
TEST_F(secrets, decide_nothing)
{
	struct pair *pair = &self->pair;
	bool resumed;

	if (!variant->change) {
		EXPECT_EQ(true, run_well(pair, &resumed));
		EXPECT_EQ(false, resumed);
		EXPECT_EQ(true, !variant->tickets || (run_well(pair, &resumed) && resumed));
		return;
	}
	ASSERT_EQ(0, pair_begin(pair, "localhost"));
	pair_carry(pair->client, pair->server, SIZE_MAX);
	pair_carry(pair->server, pair->client, SIZE_MAX);
	variant->change(pair->client);
	pair_run(pair, SIZE_MAX);
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC), rtls_hs_error(pair->server));
	EXPECT_EQ(true, is_secret(pair->server->secrets.master, HS_MASTER_LEN));
	EXPECT_EQ(true, keys_are_secret(&pair->server->secrets.keys));
}

TEST_HARNESS_MAIN
