// SPDX-License-Identifier: MIT
/*
 * What --trace makes of messages: of real handshakes, of messages as data; cut at every byte,
 * with every byte changed, always at the end of readable memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <openssl/ocsp.h>

#include "pair.h"
#include "../cmd/trace/trace.h"
#include <kselftest_harness.h>

#define ROOM_LEN     (1 << 20)
#define MESSAGES_MAX 16

/* ---- a page ------------------------------------------------------------------------- */

static struct trace_page page;

/* Memory that ends where a message does: behind it is none. */
static uint8_t *room_end(void)
{
	static uint8_t *room;

	if (!room) {
		room = mmap(NULL, ROOM_LEN + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (room == MAP_FAILED || mprotect(room + ROOM_LEN, 4096, PROT_NONE))
			exit(1);
	}
	return room + ROOM_LEN;
}

/* Printable lines, and as long as it says? */
static bool is_well_formed(void)
{
	if (!page.len || page.len >= sizeof(page.text) || strlen(page.text) != page.len ||
	    page.text[page.len - 1] != '\n' || strncmp(page.text, "7: client ", 10))
		return false;
	for (size_t i = 0; i < page.len; i++)
		if (page.text[i] != '\n' && (page.text[i] < ' ' || page.text[i] > '~'))
			return false;
	return true;
}

static bool format(enum rtls_content_type type, uint16_t suite, const uint8_t *data, size_t len)
{
	struct rtls_trace message = { .conversation = 7, .type = type, .suite = suite,
				      .data = room_end() - len, .len = len };

	memcpy(room_end() - len, data, len);
	trace_format(&page, &message);
	return is_well_formed();
}

static bool says(const char *words)
{
	return strstr(page.text, words);
}

/* ---- messages as data ----------------------------------------------------------------- */

struct bytes {
	uint8_t data[8192];
	size_t len;
};

/* "0b000004 'abc'": hex and text; blanks between do not matter. */
static void add(struct bytes *bytes, const char *text)
{
	unsigned int value;

	while (*text) {
		if (*text == ' ') {
			text++;
		} else if (*text == '\'') {
			for (text++; *text != '\''; text++)
				bytes->data[bytes->len++] = *text;
			text++;
		} else {
			sscanf(text, "%2x", &value);
			bytes->data[bytes->len++] = value;
			text += 2;
		}
	}
}

#define R32   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
#define HELLO "0303" R32 "00 "

FIXTURE(message) {};

FIXTURE_VARIANT(message)
{
	enum rtls_content_type type; /* 0: handshake */
	uint8_t message;
	uint16_t suite;
	const char *body;
	const char *says[16];
	int whole; /* so many cuts leave something that can be parsed */
};

FIXTURE_SETUP(message) {}
FIXTURE_TEARDOWN(message)
{
	test_end();
}

#define MESSAGE(name) FIXTURE_VARIANT_ADD(message, name)

MESSAGE(hello_request) {
	.message = 0, .body = "", .says = { "HelloRequest, 0 bytes", "RFC 5246 7.4.1.1" },
};
MESSAGE(client_hello) {
	.message = 1, .whole = 1, /* without extensions */
	.body = HELLO "0008 c02b 5600 0a0a fefe 0100 005a "
		"0000 000e 000c 000009 'localhost' "
		"0010 000b 0009 08 'http/1.1' "
		"000a 0008 0006 001d 0017 1234 "
		"000d 0006 0004 0403 0807 "
		"0005 0005 01 0000 0000 "
		"0023 0000 0001 0001 02 001c 0002 4000 1a1a 0001 ff 5555 0002 beef",
	.says = { "ClientHello, 139 bytes", "client_version              TLS 1.2 (0x0303)",
		  "random                      00010203", "session_id                  empty",
		  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (0xc02b)", "TLS_FALLBACK_SCSV (0x5600)",
		  "GREASE (0x0a0a)", "unknown (0xfefe)", "host_name             localhost",
		  "protocol_name         http/1.1", "x25519 (0x001d), secp256r1 (0x0017), unknown",
		  "extension session_ticket (35): empty", "record_size_limit       16384",
		  "data                    beef" },
};
MESSAGE(client_hello_of_tls_1_3) {
	.message = 1, .whole = 1,
	.body = HELLO "0002 1301 0100 002e "
		"002b 0003 02 0304 "
		"0033 0014 0012 001d 0004 01020304 0a0a 0001 00 0017 0001 05 "
		"002d 0002 0101 "
		"0012 0000 ff01 0001 00",
	.says = { "TLS_AES_128_GCM_SHA256", "versions                TLS 1.3 (0x0304)",
		  "key_exchange          01020304", "psk_dhe_ke (1)",
		  "extension signed_certificate_timestamp (18): empty",
		  "renegotiated_connection empty" },
};
MESSAGE(server_hello) {
	.message = 2, .whole = 1,
	.body = "0303" R32 "04 aabbccdd c030 00 0047 "
		"0000 0000 0010 0005 0003 02 'h2' "
		"0012 0036 0034 0032 00" R32 "000001890abcdef0 0000 0403 0003 010203",
	.says = { "ServerHello", "session_id                  aabbccdd",
		  "cipher_suite                TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 (0xc030)",
		  "compression_method          null (0)", "extension server_name (0): empty",
		  "protocol_name         h2", "log_id              000102",
		  "algorithm           ecdsa_secp256r1_sha256 (0x0403)",
		  "signature           010203" },
};
MESSAGE(text_that_is_none) {
	.message = 1, .whole = 1,
	.body = HELLO "0002 c02b 0100 0010 0000 000c 000a 000007 1b 5b 32 4a 0a 5c 7f",
	.says = { "host_name             \\x1b[2J\\x0a\\x5c\\x7f\n" },
};
MESSAGE(new_session_ticket) {
	.message = 4, .body = "0000012c 0004 'abcd'",
	.says = { "NewSessionTicket", "ticket_lifetime_hint        300",
		  "ticket                      61626364" },
};
MESSAGE(server_key_exchange_ecdhe) {
	.message = 12, .suite = 0xc02f, .body = "03 001d 04 01020304 0804 0002 beef",
	.says = { "ServerKeyExchange", "named_curve (3)", "x25519 (0x001d)",
		  "public                      01020304", "rsa_pss_rsae_sha256 (0x0804)",
		  "signature                   beef" },
};
MESSAGE(server_key_exchange_of_a_curve_in_full) {
	.message = 12, .suite = 0xc02f, .body = "01 0203", .whole = 2,
	.says = { "explicit_prime (1)", "curve                       0203" },
};
MESSAGE(server_key_exchange_dhe) {
	.message = 12, .suite = 0x009e, .body = "0002 fffb 0001 02 0002 1234 0401 0002 beef",
	.says = { "dh_p                        fffb", "dh_g                        02",
		  "dh_Ys                       1234", "rsa_pkcs1_sha256 (0x0401)" },
};
MESSAGE(server_key_exchange_of_no_known_suite) {
	.message = 12, .suite = 0, .body = "03 001d", .whole = 3,
	.says = { "of an unknown suite         03001d" },
};
MESSAGE(certificate_request) {
	.message = 13, .body = "02 01 40 0004 0403 0804 001b "
			       "0019 3017 3115 3013 0603550403 0c0c 'An authority'",
	.says = { "CertificateRequest", "rsa_sign (1), ecdsa_sign (64)",
		  "ecdsa_secp256r1_sha256 (0x0403)",
		  "distinguished_name        CN = An authority" },
};
MESSAGE(server_hello_done) { .message = 14, .body = "", .says = { "ServerHelloDone, 0 bytes" }, };
MESSAGE(certificate_verify) {
	.message = 15, .body = "0807 0003 010203",
	.says = { "CertificateVerify", "ed25519 (0x0807)", "signature                   010203" },
};
MESSAGE(client_key_exchange_ecdhe) {
	.message = 16, .suite = 0xcca9, .body = "03 010203",
	.says = { "ecdh_Yc                     010203" },
};
MESSAGE(client_key_exchange_dhe) {
	.message = 16, .suite = 0x009f, .body = "0003 010203",
	.says = { "dh_Yc                       010203" },
};
MESSAGE(client_key_exchange_rsa) {
	.message = 16, .suite = 0x009c, .body = "0003 010203",
	.says = { "EncryptedPreMasterSecret    010203" },
};
MESSAGE(finished) {
	.message = 20, .body = "000102030405060708090a0b", .whole = 12,
	.says = { "Finished, 12 bytes", "verify_data                 000102030405060708090a0b" },
};
MESSAGE(certificate_of_garbage) {
	.message = 11, .body = "000006 000003 010203",
	.says = { "certificate               X.509, 3 bytes", "cannot be parsed", "010203" },
};
MESSAGE(certificate_status_of_garbage) {
	.message = 22, .body = "01 000003 010203",
	.says = { "ocsp (1)", "cannot be parsed", "010203" },
};
MESSAGE(unknown_message) {
	.message = 99, .body = "abcdef",
	.says = { "message 99, 3 bytes", "cannot be parsed", "abcdef" },
};
MESSAGE(bytes_too_many) {
	.message = 15, .body = "0807 0003 010203 ff", .whole = 1,
	.says = { "signature                   010203",
		  "cannot be parsed            1 bytes\n                                ff\n" },
};
MESSAGE(change_cipher_spec) {
	.type = RTLS_CHANGE_CIPHER_SPEC, .body = "01",
	.says = { "ChangeCipherSpec, 1 byte ", "change_cipher_spec (1)" },
};
MESSAGE(alert) {
	.type = RTLS_ALERT, .body = "02 28",
	.says = { "Alert, 2 bytes", "level                       fatal (2)",
		  "description                 handshake_failure (40)" },
};
MESSAGE(application_data) {
	.type = RTLS_APPLICATION_DATA, .body = "'not shown'",
	.says = { "ApplicationData, 9 bytes" },
};

static void set_header(struct bytes *bytes, uint8_t message, size_t len)
{
	bytes->data[0] = message;
	bytes->data[1] = len >> 16;
	bytes->data[2] = len >> 8;
	bytes->data[3] = len;
}

static size_t build(struct bytes *bytes, const FIXTURE_VARIANT(message) *variant)
{
	size_t header = variant->type ? 0 : 4;

	bytes->len = header;
	add(bytes, variant->body);
	if (header)
		set_header(bytes, variant->message, bytes->len - header);
	return header;
}

static enum rtls_content_type type_of(const FIXTURE_VARIANT(message) *variant)
{
	return variant->type ? variant->type : RTLS_HANDSHAKE;
}

TEST_F(message, is_shown)
{
	struct bytes bytes;

	build(&bytes, variant);
	ASSERT_EQ(true, format(type_of(variant), variant->suite, bytes.data, bytes.len));
	for (const char *const *words = variant->says; *words; words++) {
		EXPECT_EQ(true, says(*words))
		{
			TH_LOG("no \"%s\" in:\n%s", *words, page.text);
		}
	}
	EXPECT_EQ(false, says("not shown"));
}

/* A body that ends too early, its header being right: that is said, with what is left. */
TEST_F(message, cut_at_every_byte)
{
	struct bytes bytes;
	size_t header = build(&bytes, variant);
	int whole = 0;

	for (size_t len = header; len < bytes.len; len++) {
		if (header)
			set_header(&bytes, variant->message, len - header);
		ASSERT_EQ(true, format(type_of(variant), variant->suite, bytes.data, len));
		whole += !says("cannot be parsed");
	}
	if (variant->type != RTLS_APPLICATION_DATA)
		EXPECT_EQ(variant->whole, whole);
}

/* The header promises more than is there. */
TEST_F(message, not_all_is_there)
{
	struct bytes bytes;
	size_t header = build(&bytes, variant);

	for (size_t len = 0; header && len < bytes.len; len++) {
		ASSERT_EQ(true, format(RTLS_HANDSHAKE, variant->suite, bytes.data, len));
		EXPECT_EQ(true, says("cut short"));
	}
}

static const uint8_t masks[] = { 0xff, 0x80, 0x01, 0x10 };

TEST_F(message, with_any_byte_changed)
{
	struct bytes bytes;

	build(&bytes, variant);
	for (size_t i = 0; i < bytes.len; i++)
		for (size_t m = 0; m < sizeof(masks); m++) {
			bytes.data[i] ^= masks[m];
			ASSERT_EQ(true, format(type_of(variant), variant->suite, bytes.data,
					       bytes.len));
			bytes.data[i] ^= masks[m];
		}
}

/* ---- real ones --------------------------------------------------------------------------- */

struct seen {
	struct {
		struct rtls_trace message;
		uint8_t data[4096];
	} messages[MESSAGES_MAX];
	size_t count;
	char master[97];
};

static void note(void *arg, const struct rtls_trace *message)
{
	struct seen *seen = arg;

	if (seen->count == MESSAGES_MAX || message->len > sizeof(seen->messages[0].data))
		return;
	seen->messages[seen->count].message = *message;
	memcpy(seen->messages[seen->count++].data, message->data, message->len);
}

static void note_keys(void *arg, const char *line)
{
	struct seen *seen = arg;

	snprintf(seen->master, sizeof(seen->master), "%s", strrchr(line, ' ') + 1);
}

FIXTURE(handshake)
{
	struct cert cert;
	struct seen seen;
};

FIXTURE_VARIANT(handshake)
{
	enum cert_kind kind;
	const char *suite, *key;
	bool client_auth;
	const char *names[MESSAGES_MAX];
};

#define FIGURE(...)                                                                                \
	"ClientHello", "ServerHello", "Certificate", __VA_ARGS__ "ServerHelloDone",               \
		"ClientKeyExchange", "ChangeCipherSpec", "Finished", "ChangeCipherSpec", "Finished"

FIXTURE_VARIANT_ADD(handshake, ecdhe_ecdsa) {
	.kind = CERT_ECDSA, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256",
	.key = "EC, prime256v1, 256 bits",
	.names = { FIGURE("ServerKeyExchange",) },
};
FIXTURE_VARIANT_ADD(handshake, dhe_rsa) {
	.kind = CERT_RSA, .suite = "DHE-RSA-AES128-GCM-SHA256", .key = "RSA, 2048 bits",
	.names = { FIGURE("ServerKeyExchange",) },
};
FIXTURE_VARIANT_ADD(handshake, rsa) {
	.kind = CERT_RSA, .suite = "AES128-GCM-SHA256", .key = "RSA, 2048 bits",
	.names = { FIGURE() },
};
FIXTURE_VARIANT_ADD(handshake, with_a_client_certificate) {
	.kind = CERT_ED448, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .key = "ED448, 456 bits",
	.client_auth = true,
	.names = { "ClientHello", "ServerHello", "Certificate", "ServerKeyExchange",
		   "CertificateRequest", "ServerHelloDone", "Certificate", "ClientKeyExchange",
		   "CertificateVerify", "ChangeCipherSpec", "Finished", "ChangeCipherSpec",
		   "Finished" },
};
FIXTURE_VARIANT_ADD(handshake, ecdhe_ed25519) {
	.kind = CERT_ED25519, .suite = "ECDHE-ECDSA-AES128-GCM-SHA256", .key = "ED25519, 256 bits",
	.names = { FIGURE("ServerKeyExchange",) },
};

FIXTURE_SETUP(handshake)
{
	struct rtls_config *client = rtls_config_new(), *server = rtls_config_new();
	struct pair pair = pair_make(server, client);

	memset(self, 0, sizeof(*self));
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	rtls_config_add_identity(server, self->cert.x509, NULL, 0, self->cert.key);
	rtls_config_set_suites(server, variant->suite);
	if (variant->client_auth) {
		rtls_config_set_client_auth(server, RTLS_CLIENT_AUTH_REQUEST);
		rtls_config_set_verify(server, false);
		rtls_config_add_identity(client, self->cert.x509, NULL, 0, self->cert.key);
	}
	rtls_config_freeze(server);
	rtls_config_set_verify(client, false);
	rtls_config_set_suites(client, variant->suite);
	rtls_config_set_alpn(client, "http/1.1");
	rtls_config_set_trace(client, note, &self->seen);
	rtls_config_set_key_log(client, note_keys, &self->seen);
	rtls_config_freeze(client);
	ASSERT_EQ(0, pair_begin(&pair, "localhost"));
	pair_run(&pair, SIZE_MAX);
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(pair.client));
	pair_free(&pair);
}

FIXTURE_TEARDOWN(handshake)
{
	cert_free(&self->cert);
	test_end();
}

TEST_F(handshake, is_shown)
{
	char title[64];

	for (size_t i = 0; i < MESSAGES_MAX && variant->names[i]; i++) {
		struct rtls_trace *message = &self->seen.messages[i].message;

		ASSERT_LT(i, self->seen.count);
		message->data = self->seen.messages[i].data;
		message->conversation = 7;
		trace_format(&page, message);
		EXPECT_EQ(true, is_well_formed());
		snprintf(title, sizeof(title), "7: client %s server  %s, ",
			 message->sent ? "-->" : "<--", variant->names[i]);
		EXPECT_EQ(0, strncmp(page.text, title, strlen(title)))
		{
			TH_LOG("%s", page.text);
		}
		EXPECT_EQ(false, says("cannot be parsed"));
		EXPECT_EQ(false, says("unknown"));
		/* What is secret is not there. */
		ASSERT_EQ(96, strlen(self->seen.master));
		EXPECT_EQ(false, says(self->seen.master));
		self->seen.master[32] = '\0';
		EXPECT_EQ(false, says(self->seen.master));
		self->seen.master[32] = '0';
		if (strcmp(variant->names[i], "Certificate") == 0) {
			EXPECT_EQ(true, says("subject                 CN = localhost"));
			EXPECT_EQ(true, says("subjectAltName          localhost, 127.0.0.1"));
			EXPECT_EQ(true, says(variant->key));
		}
	}
}

TEST_F(handshake, cut_and_changed)
{
	for (size_t i = 0; i < self->seen.count; i++) {
		struct rtls_trace message = self->seen.messages[i].message;
		uint8_t *data = self->seen.messages[i].data;

		for (size_t len = 0; len < message.len; len++)
			ASSERT_EQ(true, format(message.type, message.suite, data, len));
		for (size_t at = 0; at < message.len; at++)
			for (size_t m = 0; m < sizeof(masks); m++) {
				data[at] ^= masks[m];
				ASSERT_EQ(true,
					  format(message.type, message.suite, data, message.len));
				data[at] ^= masks[m];
			}
	}
}

/* ---- what has to be made ------------------------------------------------------------------ */

/* An OCSP response for a certificate, as CertificateStatus carries it. */
static void make_status(struct bytes *bytes, const struct cert *cert)
{
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert->x509, cert->x509);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	ASN1_TIME *from = ASN1_TIME_set(NULL, 1700000000), *to = ASN1_TIME_set(NULL, 1700086400);
	ASN1_TIME *revoked = ASN1_TIME_set(NULL, 1699999999);
	OCSP_RESPONSE *response;
	uint8_t *p = bytes->data + 8;
	int len;

	OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_REVOKED, 0, revoked, from, to);
	OCSP_basic_sign(basic, cert->x509, cert->key, EVP_sha256(), NULL, 0);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(response, &p);
	bytes->len = 8 + len;
	set_header(bytes, 22, 4 + len);
	memcpy(bytes->data + 4, (uint8_t[]){ 1, len >> 16, len >> 8, len }, 4);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_TIME_free(revoked);
}

TEST(certificate_status)
{
	struct cert cert = cert_make((struct cert_spec){ .kind = CERT_ECDSA });
	struct bytes bytes;

	make_status(&bytes, &cert);
	ASSERT_EQ(true, format(RTLS_HANDSHAKE, 0, bytes.data, bytes.len));
	EXPECT_EQ(true, says("CertificateStatus"));
	EXPECT_EQ(true, says("responseStatus            successful"));
	EXPECT_EQ(true, says("certStatus                revoked"));
	EXPECT_EQ(true, says("from 2023-11-14 22:13:20Z, to 2023-11-15 22:13:20Z"));
	EXPECT_EQ(true, says("at 2023-11-14 22:13:19Z"));
	for (size_t i = 4; i < bytes.len; i++)
		for (size_t m = 0; m < sizeof(masks); m++) {
			bytes.data[i] ^= masks[m];
			ASSERT_EQ(true, format(RTLS_HANDSHAKE, 0, bytes.data, bytes.len));
			bytes.data[i] ^= masks[m];
		}
	cert_free(&cert);
	test_end();
}

/* As long as messages can be: the page ends, and says that there was more. */
TEST(more_than_a_page)
{
	size_t len = 65536;
	uint8_t *hello = malloc(len);

	memset(hello, 0xc0, len);
	memcpy(hello, "\x01\x00\xff\xfc\x03\x03", 6);
	hello[4 + 34] = 0;                       /* session_id */
	memcpy(hello + 4 + 35, "\xf0\x00", 2);   /* 30720 suites */
	ASSERT_EQ(true, format(RTLS_HANDSHAKE, 0, hello, len));
	EXPECT_EQ(true, page.cut);
	EXPECT_EQ(true, says("\n    ... and more than is shown here\n"));
	/* Of what cannot be parsed, a part. */
	hello[0] = 99;
	ASSERT_EQ(true, format(RTLS_HANDSHAKE, 0, hello, len));
	EXPECT_EQ(false, page.cut);
	EXPECT_EQ(true, says("... and 65276 more"));
	free(hello);
	test_end();
}

TEST_HARNESS_MAIN
