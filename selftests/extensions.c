// SPDX-License-Identifier: MIT
/*
 * Extensions that change what is sent: staples and timestamps from files, small records, the
 * choice of a chain by its signatures; exporters and channel bindings.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "ocsp.h"
#include "pair.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

static void write_file(char *file, const void *data, size_t len)
{
	int fd;

	strcpy(file, "/tmp/ringtls-file-XXXXXX");
	fd = mkstemp(file);
	if (write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
}

/* ---- a staple, by everyone who may sign it ------------------------------------------------ */

FIXTURE(staple)
{
	struct cert ca, cert, responder;
	struct pair pair;
	char file[40];
};

FIXTURE_VARIANT(staple)
{
	enum { ISSUER, DELEGATE, NO_DELEGATE, DELEGATE_OF_ANOTHER, EXPIRED_DELEGATE } signer;
	const char *suite;
	long life_s, age_s;
	uint8_t alert; /* the client's */
};

FIXTURE_VARIANT_ADD(staple, by_the_issuer) { .signer = ISSUER };
FIXTURE_VARIANT_ADD(staple, by_a_delegate) { .signer = DELEGATE };
FIXTURE_VARIANT_ADD(staple, with_kx_rsa) { .suite = "AES128-GCM-SHA256" };
FIXTURE_VARIANT_ADD(staple, without_next_update) { .life_s = -1 };
/* Nothing says that there is a newer one; a week is enough. */
FIXTURE_VARIANT_ADD(staple, old_without_next_update) {
	.life_s = -1, .age_s = 8 * 86400, .alert = RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE };
FIXTURE_VARIANT_ADD(staple, by_another_certificate_of_the_issuer) {
	.signer = NO_DELEGATE, .alert = RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE };
FIXTURE_VARIANT_ADD(staple, by_a_delegate_of_another) {
	.signer = DELEGATE_OF_ANOTHER, .alert = RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE };
FIXTURE_VARIANT_ADD(staple, by_a_delegate_that_has_expired) {
	.signer = EXPIRED_DELEGATE, .alert = RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE };

static int set_staple(struct rtls_config *config, void *file)
{
	return rtls_config_set_staple_file(config, file);
}

static int require_staple(struct rtls_config *config, void *arg)
{
	(void)arg;
	return rtls_config_set_require_staple(config, true);
}

/* With its certificate in the response, as delegates are sent. */
static size_t staple_with_delegate(struct _test_data_staple *self, uint8_t *out, long life_s)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha256(), self->cert.x509, self->ca.x509);
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0), *next = X509_gmtime_adj(NULL, life_s);
	OCSP_RESPONSE *response;
	int len;

	OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, now, next);
	OCSP_basic_sign(basic, self->responder.x509, self->responder.key, EVP_sha256(), NULL, 0);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(response, &out);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(now);
	ASN1_TIME_free(next);
	return len;
}

FIXTURE_SETUP(staple)
{
	struct cert other = cert_make((struct cert_spec){
		.kind = CERT_ECDSA_P384, .subject = "authority", .is_ca = true });
	uint8_t der[4096];
	size_t len;
	bool delegate = variant->signer != ISSUER;

	memset(self, 0, sizeof(*self));
	self->ca = cert_make((struct cert_spec){
		.kind = CERT_ECDSA_P384, .subject = "authority", .is_ca = true });
	if (variant->signer == DELEGATE_OF_ANOTHER) {
		cert_free(&other);
		other = cert_make((struct cert_spec){
			.kind = CERT_ECDSA_P521, .subject = "stranger", .is_ca = true });
	}
	self->cert = cert_make((struct cert_spec){ .kind = CERT_RSA, .issuer = &self->ca,
						   .serial = 77 });
	self->responder = cert_make((struct cert_spec){
		.subject = "responder", .serial = 78,
		.issuer = variant->signer == DELEGATE_OF_ANOTHER ? &other : &self->ca,
		.usage = variant->signer == NO_DELEGATE ? "serverAuth" : "OCSPSigning",
		.age_s = variant->signer == EXPIRED_DELEGATE ? 10000 : 0,
		.life_s = variant->signer == EXPIRED_DELEGATE ? 5000 : 0 });
	len = delegate ? staple_with_delegate(self, der, 1000)
		       : staple_make((struct staple_spec){
				 .cert = &self->cert, .issuer = &self->ca,
				 .age_s = variant->age_s,
				 .life_s = variant->life_s < 0 ? 0 : 1000 }, der);
	write_file(self->file, der, len);
	self->pair = pair_make(
		config_make((struct config_spec){ .identity = &self->cert,
						  .suites = variant->suite,
						  .more = set_staple, .arg = self->file }),
		config_make((struct config_spec){ .trust = &self->ca, .suites = variant->suite,
						  .more = require_staple }));
	cert_free(&other);
}

FIXTURE_TEARDOWN(staple)
{
	pair_free(&self->pair);
	unlink(self->file);
	cert_free(&self->ca);
	cert_free(&self->cert);
	cert_free(&self->responder);
	test_end();
}

TEST_F(staple, is_judged)
{
	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_EQ(variant->alert ? RTLS_ERR_ALERT_SENT(variant->alert) : 0,
		  rtls_hs_error(self->pair.client))
	{
		TH_LOG("%s", rtls_hs_reason(self->pair.client));
	}
	EXPECT_EQ(true, variant->alert || self->pair.client->status_seen);
}

/* A server with several certificates, a client that asks and one that does not. */
TEST_F(staple, is_sent_only_when_asked)
{
	struct rtls_config *plain = config_make((struct config_spec){ .trust = &self->ca });

	rtls_config_unref(self->pair.client_config);
	self->pair.client_config = plain;
	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_EQ(variant->suite ? RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_HANDSHAKE_FAILURE) : 0,
		  rtls_hs_error(self->pair.client));
	EXPECT_EQ(false, self->pair.client->status_seen);
}

static time_t server_time;

static time_t now_of_server(void *arg)
{
	(void)arg;
	return server_time;
}

static int set_staple_and_clock(struct rtls_config *config, void *file)
{
	int ret = rtls_config_set_now(config, now_of_server, NULL);

	return ret ? ret : rtls_config_set_staple_file(config, file);
}

/* By the server's clock; for the client it would be good a while longer. */
TEST(staple_is_sent_until_it_is_out_of_date)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	char file[40];
	uint8_t der[4096];
	struct pair pair;

	write_file(file, der, staple_make((struct staple_spec){ .cert = &cert, .life_s = 86400 },
					  der));
	pair = pair_make(config_make((struct config_spec){ .identity = &cert, .arg = file,
							   .more = set_staple_and_clock }),
			 config_make((struct config_spec){ .trust = &cert,
							   .more = require_staple }));
	unlink(file);
	for (int late = 0; late < 2; late++) {
		server_time = pair.server_config->identities[0].staple_until - 1 + late;
		ASSERT_EQ(0, pair_begin(&pair, "localhost"));
		pair_run(&pair, SIZE_MAX);
		EXPECT_EQ(!late, pair.client->status_seen);
		EXPECT_STREQ(late ? "the server staples no OCSP response" : "",
			     rtls_hs_reason(pair.client));
	}
	pair_free(&pair);
	cert_free(&cert);
	test_end();
}

TEST(staple_files_refused)
{
	struct cert cert = cert_make((struct cert_spec){ .serial = 5 });
	struct cert other = cert_make((struct cert_spec){ .serial = 6 });
	struct rtls_config *config = rtls_config_new();
	uint8_t der[4096];
	char file[40];
	size_t len;

	EXPECT_EQ(RTLS_ERR_STATE, rtls_config_set_staple_file(config, "/dev/null"));
	ASSERT_EQ(0, rtls_config_add_identity(config, cert.x509, NULL, 0, cert.key));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, "/nonexistent"));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, "/dev/zero"));
	EXPECT_STREQ("/dev/zero: not a regular file", rtls_config_error(config));
	/* Nobody writes to it, and nobody waits for that. */
	write_file(file, "", 0);
	unlink(file);
	ASSERT_EQ(0, mkfifo(file, 0600));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, file));
	EXPECT_EQ(true, strstr(rtls_config_error(config), "not a regular file") != NULL);
	unlink(file);
	write_file(file, "", 0);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, file));
	EXPECT_EQ(true, strstr(rtls_config_error(config), "no successful OCSP response") != NULL);
	ASSERT_EQ(0, truncate(file, 1 << 20));
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, file));
	EXPECT_EQ(true, strstr(rtls_config_error(config), "longer than anything") != NULL);
	unlink(file);
	len = staple_make((struct staple_spec){ .cert = &other }, der);
	write_file(file, der, len);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, file));
	EXPECT_EQ(true, strstr(rtls_config_error(config), "about another certificate") != NULL);
	unlink(file);
	len = staple_make((struct staple_spec){ .cert = &cert, .status = 1 }, der);
	write_file(file, der, len);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_staple_file(config, file));
	unlink(file);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_sct_file(config, "/dev/null"));
	write_file(file, "\0\4\0\1x\0", 6);
	EXPECT_EQ(RTLS_ERR_CONFIG, rtls_config_set_sct_file(config, file));
	unlink(file);
	write_file(file, "\0\3\0\1x", 5);
	EXPECT_EQ(0, rtls_config_set_sct_file(config, file));
	unlink(file);
	rtls_config_unref(config);
	cert_free(&cert);
	cert_free(&other);
	test_end();
}

/* ---- what a ClientHello with more in it gets -------------------------------------------------- */

/* Our ClientHello with another extension appended. Return: its length with the record header. */
static size_t hello_with(struct rtls_hs *client, const uint8_t *extension, size_t extension_len,
			 uint8_t *out)
{
	size_t len, record, message, at = 5 + 4 + 2 + 32 + 1, extensions;
	const uint8_t *data = rtls_hs_output(client, &len);

	memcpy(out, data, len);
	memcpy(out + len, extension, extension_len);
	record = len - 5 + extension_len;
	message = record - 4;
	at += 2 + (out[at] << 8 | out[at + 1]);
	at += 1 + out[at];
	extensions = (out[at] << 8 | out[at + 1]) + extension_len;
	memcpy(out + 3, (uint8_t[]){ record >> 8, record }, 2);
	memcpy(out + 7, (uint8_t[]){ message >> 8, message }, 2);
	memcpy(out + at, (uint8_t[]){ extensions >> 8, extensions }, 2);
	return len + extension_len;
}

FIXTURE(hello)
{
	struct cert cert, cert2;
	struct pair pair;
	uint8_t hello[4096];
	size_t len;
};

FIXTURE_SETUP(hello)
{
	memset(self, 0, sizeof(*self));
	self->cert = cert_make((struct cert_spec){ .kind = CERT_RSA });
}

FIXTURE_TEARDOWN(hello)
{
	pair_free(&self->pair);
	cert_free(&self->cert);
	cert_free(&self->cert2);
	test_end();
}

static void begin(struct _test_data_hello *self, struct config_spec server, const void *extension,
		  size_t len)
{
	if (!server.identity)
		server.identity = &self->cert;
	self->pair = pair_make(config_make(server),
			       config_make((struct config_spec){ .trust = &self->cert }));
	if (pair_begin(&self->pair, "localhost"))
		abort();
	self->len = hello_with(self->pair.client, extension, len, self->hello);
	rtls_hs_input(self->pair.server, self->hello, self->len);
}

/* The longest record of a flight, and whether the server has answered this extension. */
static size_t longest_record(struct rtls_hs *hs)
{
	size_t len, longest = 0;
	const uint8_t *p = rtls_hs_output(hs, &len), *end = p + len;

	while (p < end) {
		size_t record = p[3] << 8 | p[4];

		if (record > longest)
			longest = record;
		p += 5 + record;
	}
	return longest;
}

static bool output_has(struct rtls_hs *hs, const void *bytes, size_t bytes_len)
{
	size_t len;
	const uint8_t *data = rtls_hs_output(hs, &len);

	return memmem(data, len, bytes, bytes_len);
}

TEST_F(hello, max_fragment_length)
{
	/* Each code, and the certificate's message has more than 512 bytes. record_size_limit is
	 * in our hello too, and goes first: without it these are what the records keep to. */
	for (uint8_t code = 1; code <= 4; code++) {
		pair_free(&self->pair);
		self->pair = pair_make(config_make((struct config_spec){ .identity = &self->cert }),
				       config_make((struct config_spec){ .trust = &self->cert }));
		ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
		self->len = hello_with(self->pair.client, (uint8_t[]){ 0, 1, 0, 1, code }, 5,
				       self->hello);
		/* Becomes an extension that nobody knows. */
		memcpy(memmem(self->hello, self->len, "\0\x1c\0\2\x40\0", 6), "\x7a\x7a", 2);
		EXPECT_EQ((ssize_t)self->len,
			  rtls_hs_input(self->pair.server, self->hello, self->len));
		EXPECT_LE(longest_record(self->pair.server), 256u << code);
		EXPECT_EQ(true, output_has(self->pair.server, (uint8_t[]){ 0, 1, 0, 1, code }, 5));
		EXPECT_EQ(code, self->pair.server->max_fragment_length);
		EXPECT_EQ(256u << code, hs_plaintext_max(self->pair.server, true));
	}
}

TEST_F(hello, record_size_limit_goes_before_max_fragment_length)
{
	begin(self, (struct config_spec){ 0 }, "\0\1\0\1\1", 5);
	EXPECT_EQ(false, output_has(self->pair.server, "\0\1\0\1\1", 5));
	EXPECT_EQ(true, output_has(self->pair.server, "\0\x1c\0\2\x40\0", 6));
	EXPECT_LT(512, longest_record(self->pair.server));
}

/* A client of TLS 1.2 that wants 100 bytes a record gets them; handshake bytes in clear do not count. */
TEST_F(hello, record_size_limit)
{
	static const struct {
		uint16_t limit, max;
	} cases[] = { { 64, 64 }, { 100, 100 }, { 16384, 16384 }, { 16385, 16384 },
		      { 65535, 16384 } };
	struct rtls_keys keys;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rtls_hs *client;
		uint8_t *place;

		pair_free(&self->pair);
		self->pair = pair_make(config_make((struct config_spec){ .identity = &self->cert }),
				       config_make((struct config_spec){ .trust = &self->cert }));
		ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
		client = self->pair.client;
		/* Changed on both sides of the transcript, so that Finished fits. */
		place = memmem(client->out.data, client->out.len, "\0\x1c\0\2\x40\0", 6);
		memcpy(place + 4, (uint8_t[]){ cases[i].limit >> 8, cases[i].limit }, 2);
		memcpy(client->transcript.raw.data, client->out.data + 5, client->out.len - 5);
		pair_run(&self->pair, SIZE_MAX);
		ASSERT_EQ(0, rtls_hs_finish(self->pair.server, &keys, NULL));
		EXPECT_EQ(cases[i].max, keys.plaintext_max);
		ASSERT_EQ(0, rtls_hs_finish(client, &keys, NULL));
		EXPECT_EQ(16384, keys.plaintext_max);
	}
}

TEST_F(hello, timestamps)
{
	char file[40];
	struct rtls_config *config = rtls_config_new();

	write_file(file, "\0\7\0\5stamp", 9);
	ASSERT_EQ(0, rtls_config_add_identity(config, self->cert.x509, NULL, 0, self->cert.key));
	ASSERT_EQ(0, rtls_config_set_sct_file(config, file));
	ASSERT_EQ(0, rtls_config_freeze(config));
	unlink(file);
	self->pair = pair_make(config, config_make((struct config_spec){ .trust = &self->cert }));
	ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
	self->len = hello_with(self->pair.client, (const uint8_t *)"\0\x12\0\0", 4, self->hello);
	rtls_hs_input(self->pair.server, self->hello, self->len);
	EXPECT_EQ(true, output_has(self->pair.server, "\0\x12\0\x09\0\7\0\5stamp", 13));
}

TEST_F(hello, timestamps_not_asked_for_or_not_there)
{
	begin(self, (struct config_spec){ 0 }, "\0\x12\0\0", 4);
	EXPECT_EQ(0, rtls_hs_error(self->pair.server));
	EXPECT_EQ(false, output_has(self->pair.server, "\0\x12\0", 3));
}

TEST_F(hello, other_status_types_are_not_ours)
{
	begin(self, (struct config_spec){ 0 }, "\0\5\0\3\2ab", 7);
	EXPECT_EQ(0, rtls_hs_error(self->pair.server));
	EXPECT_LT(0, longest_record(self->pair.server));
}

/* GREASE (RFC 8701), padding (RFC 7685), and what nobody knows. */
TEST_F(hello, unknown_extensions_are_skipped)
{
	begin(self, (struct config_spec){ 0 },
	      "\x0a\x0a\0\0\xfa\xfa\0\1\0\0\x15\0\4\0\0\0\0\x12\x34\0\2ab", 23);
	EXPECT_EQ(0, rtls_hs_error(self->pair.server));
	EXPECT_LT(0, longest_record(self->pair.server));
}

/* A chain signed with what the client names goes first: here ours, signed with SHA-256 by RSA. */
TEST_F(hello, signature_algorithms_cert)
{
	struct cert ecdsa_ca = cert_make((struct cert_spec){
		.kind = CERT_ECDSA_P384, .subject = "one", .is_ca = true });
	struct cert ed_ca = cert_make((struct cert_spec){
		.kind = CERT_ED25519, .subject = "two", .is_ca = true });
	struct cert first = cert_make((struct cert_spec){ .kind = CERT_RSA, .issuer = &ed_ca });
	struct cert second = cert_make((struct cert_spec){ .kind = CERT_RSA, .issuer = &ecdsa_ca });
	const struct config_spec both = { .identity = &first, .identity2 = &second };

	begin(self, both, "\0\x32\0\4\0\2\4\3", 8);
	EXPECT_EQ(second.x509, self->pair.server->identity->leaf);
	pair_free(&self->pair);
	begin(self, both, "\0\x32\0\4\0\2\x08\x07", 8);
	EXPECT_EQ(first.x509, self->pair.server->identity->leaf);
	/* None fits: the first one all the same. */
	pair_free(&self->pair);
	begin(self, both, "\0\x32\0\4\0\2\4\1", 8);
	EXPECT_EQ(first.x509, self->pair.server->identity->leaf);
	cert_free(&ecdsa_ca);
	cert_free(&ed_ca);
	cert_free(&first);
	cert_free(&second);
}

/* A ClientHello without extensions, and one that ends behind an empty block of them. */
TEST_F(hello, without_extensions)
{
	static const uint8_t ends[][2] = { { 0 }, { 0, 0 } };

	for (size_t i = 0; i < 2; i++) {
		uint8_t hello[5 + 4 + 2 + 32 + 1 + 2 + 4 + 2 + 2] = { 22, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3 };
		size_t len = sizeof(hello) - 2 + 2 * i;

		hello[4] = len - 5;
		hello[8] = len - 9;
		memcpy(hello + 44, (uint8_t[]){ 0, 4, 0, 0x9c, 0x56, 0, 1, 0 }, 8);
		memcpy(hello + 52, ends[i], 2 * i);
		pair_free(&self->pair);
		self->pair = pair_make(config_make((struct config_spec){
					       .identity = &self->cert, .suites = "AES128-GCM-SHA256" }),
				       config_make((struct config_spec){ .trust = &self->cert }));
		ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
		EXPECT_EQ((ssize_t)len, rtls_hs_input(self->pair.server, hello, len));
		EXPECT_STREQ("", rtls_hs_reason(self->pair.server));
		EXPECT_LT(500, longest_record(self->pair.server));
	}
}

/* ---- exporters and channel bindings -------------------------------------------------------------- */

FIXTURE(binding)
{
	struct cert cert;
	struct pair pair;
	struct sides { struct rtls_session_store *store; struct rtls_ticket_keys *keys; } sides;
};

FIXTURE_VARIANT(binding)
{
	enum cert_kind kind;
	const char *suite, *prf_digest, *end_point_digest; /* NULL: none is defined */
	const char *cert_digest; /* that the certificate is signed with */
	int end_point_len;
};

FIXTURE_VARIANT_ADD(binding, sha256) {
	.kind = CERT_RSA, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .prf_digest = "SHA256",
	.end_point_digest = "SHA256", .end_point_len = 32 };
FIXTURE_VARIANT_ADD(binding, sha384) {
	.kind = CERT_ECDSA, .suite = "ECDHE-ECDSA-AES256-GCM-SHA384", .prf_digest = "SHA384",
	.end_point_digest = "SHA256", .end_point_len = 32 };
/* The certificate's signature counts, not the suite; SHA-256 takes the place of SHA-1. */
FIXTURE_VARIANT_ADD(binding, signed_with_sha384) {
	.kind = CERT_ECDSA, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .prf_digest = "SHA256",
	.cert_digest = "SHA384", .end_point_digest = "SHA384", .end_point_len = 48 };
FIXTURE_VARIANT_ADD(binding, signed_with_sha512) {
	.kind = CERT_RSA, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .prf_digest = "SHA256",
	.cert_digest = "SHA512", .end_point_digest = "SHA512", .end_point_len = 64 };
FIXTURE_VARIANT_ADD(binding, signed_with_sha1) {
	.kind = CERT_RSA, .suite = "ECDHE-RSA-AES128-GCM-SHA256", .prf_digest = "SHA256",
	.cert_digest = "SHA1", .end_point_digest = "SHA256", .end_point_len = 32 };
FIXTURE_VARIANT_ADD(binding, ed25519) {
	.kind = CERT_ED25519, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .prf_digest = "SHA256" };

static int set_sides(struct rtls_config *config, void *arg)
{
	struct sides *sides = arg;
	int ret = rtls_config_set_session_store(config, sides->store);

	return ret ? ret : rtls_config_set_ticket_keys(config, sides->keys);
}

FIXTURE_SETUP(binding)
{
	memset(self, 0, sizeof(*self));
	self->sides.store = rtls_session_store_new(1);
	self->sides.keys = rtls_ticket_keys_new();
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind,
						   .digest = variant->cert_digest });
	self->pair = pair_make(
		config_make((struct config_spec){ .identity = &self->cert, .suites = variant->suite,
						  .more = set_sides, .arg = &self->sides }),
		config_make((struct config_spec){ .trust = &self->cert, .suites = variant->suite,
						  .more = set_sides, .arg = &self->sides }));
}

FIXTURE_TEARDOWN(binding)
{
	pair_free(&self->pair);
	cert_free(&self->cert);
	rtls_session_store_unref(self->sides.store);
	rtls_ticket_keys_unref(self->sides.keys);
	test_end();
}

/* RFC 5705 4 with libcrypto's own PRF. */
static void export(const struct rtls_hs *hs, const char *digest, const void *context, size_t len,
		   uint8_t out[50])
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	uint8_t context_len[2] = { len >> 8, len };
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET,
						  (void *)hs->secrets.master, 48),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, "EXPERIMENTAL test", 17),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)hs->client_random, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)hs->server_random, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, context_len, 2),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)context, len),
		OSSL_PARAM_construct_end(),
	};

	if (!context)
		params[5] = OSSL_PARAM_construct_end();
	else if (!len)
		params[6] = OSSL_PARAM_construct_end();
	if (EVP_KDF_derive(ctx, out, 50, params) <= 0)
		abort();
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

TEST_F(binding, exporter)
{
	static const struct {
		const char *context;
		size_t len;
	} contexts[] = { { NULL, 0 }, { "", 0 }, { "context", 7 } };
	uint8_t client[50], server[50], expected[50];

	for (int round = 0; round < 2; round++) {
		struct rtls_hs *hs;

		ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
		hs = self->pair.client;
		EXPECT_EQ(RTLS_ERR_STATE, rtls_hs_export(hs, "EXPERIMENTAL test", NULL, 0, client, 50));
		pair_run(&self->pair, SIZE_MAX);
		EXPECT_EQ(round == 1, hs->resumed);
		for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
			const uint8_t *context = (const uint8_t *)contexts[i].context;

			ASSERT_EQ(0, rtls_hs_export(hs, "EXPERIMENTAL test", context,
						    contexts[i].len, client, 50));
			ASSERT_EQ(0, rtls_hs_export(self->pair.server, "EXPERIMENTAL test", context,
						    contexts[i].len, server, 50));
			export(hs, variant->prf_digest, context, contexts[i].len, expected);
			EXPECT_EQ(0, memcmp(client, expected, 50));
			EXPECT_EQ(0, memcmp(server, expected, 50));
		}
		EXPECT_EQ(-EINVAL, rtls_hs_export(hs, "master secret", NULL, 0, client, 50));
		EXPECT_EQ(-EINVAL, rtls_hs_export(hs, "key expansion", NULL, 0, client, 50));
	}
}

TEST_F(binding, server_end_point)
{
	uint8_t client[RTLS_END_POINT_MAX], server[RTLS_END_POINT_MAX], expected[64];
	unsigned int len = 0;

	for (int round = 0; round < 2; round++) {
		ASSERT_EQ(0, pair_begin(&self->pair, "localhost"));
		pair_run(&self->pair, SIZE_MAX);
		if (!variant->end_point_digest) {
			EXPECT_EQ(-ENOTSUP, rtls_hs_server_end_point(self->pair.client, client));
			continue;
		}
		X509_digest(self->cert.x509, EVP_get_digestbyname(variant->end_point_digest),
			    expected, &len);
		EXPECT_EQ(variant->end_point_len, (int)len);
		EXPECT_EQ((int)len, rtls_hs_server_end_point(self->pair.client, client));
		EXPECT_EQ((int)len, rtls_hs_server_end_point(self->pair.server, server));
		EXPECT_EQ(0, memcmp(client, expected, len));
		EXPECT_EQ(0, memcmp(server, expected, len));
	}
}

TEST_HARNESS_MAIN
