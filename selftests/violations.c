// SPDX-License-Identifier: MIT
/*
 * Every violation of handshake/violations.h: a flight of a good handshake is changed on its
 * way, and the receiver must answer with the alert of that row, once, and stay failed.
 *
 * Flights: 0 ClientHello, 1 ServerHello to ServerHelloDone, 2 ClientKeyExchange to
 * Finished, 3 ChangeCipherSpec and Finished. Even ones go to the server.
 */
#include <string.h>

#include "common.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

struct scene {
	struct cert cert;
	struct rtls_config *configs[2];
	struct rtls_worker *worker;
	struct rtls_hs *hs[2]; /* by role */
	uint8_t flight[70000];
	size_t len;
};

FIXTURE(violation)
{
	struct scene scene;
};

FIXTURE_VARIANT(violation)
{
	int flight;
	enum hs_violation violation;
	void (*change)(struct scene *scene);
	const char *suite; /* NULL: the default ones, with an ECDSA certificate */
};

#define CASE(name, flight, violation)                CASE_WITH(NULL, name, flight, violation)
#define CASE_WITH(suite_name, name, flight_number, violation_name)                                 \
	static void name(struct scene *scene);                                                     \
	FIXTURE_VARIANT_ADD(violation, name)                                                       \
	{ .flight = flight_number, .violation = HS_V_##violation_name, .change = name,             \
	  .suite = suite_name };                                                                   \
	static void name(struct scene *scene)
#define DHE "DHE-RSA-AES128-GCM-SHA256"
#define RSA "AES128-GCM-SHA256"

/* ---- tools to change a flight ------------------------------------------------------------ */

#define HELLO_SESSION_ID (4 + 2 + 32) /* offset in a hello message with its header */

static void put_record(struct scene *scene, uint8_t type, const void *data, size_t len)
{
	uint8_t *p = scene->flight + scene->len;

	memcpy(p, (uint8_t[]){ type, 3, 3, len >> 8, len }, 5);
	memcpy(p + 5, data, len);
	scene->len += 5 + len;
}

static void only_record(struct scene *scene, uint8_t type, const void *data, size_t len)
{
	scene->len = 0;
	put_record(scene, type, data, len);
}

/* The record that begins with this handshake message (in clear), or of this type. */
static uint8_t *find_record(struct scene *scene, uint8_t type, int message)
{
	uint8_t *p = scene->flight;

	while (p[0] != type || (message >= 0 && p[5] != message)) {
		p += 5 + (p[3] << 8 | p[4]);
		if (p >= scene->flight + scene->len)
			abort();
	}
	return p;
}

static uint8_t *find_message(struct scene *scene, uint8_t message)
{
	return find_record(scene, RTLS_HANDSHAKE, message) + 5;
}

/* Puts @len bytes in the place of @old bytes at @at in a message, with all lengths around it. */
static void splice_message(struct scene *scene, uint8_t message, size_t at, size_t old,
			   const void *data, size_t len)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, message), *place = record + 5 + at;
	size_t record_len = (record[3] << 8 | record[4]) + len - old, body = record_len - 4;
	size_t tail = scene->flight + scene->len - (place + old);

	memmove(place + len, place + old, tail);
	memcpy(place, data, len);
	scene->len += len - old;
	record[3] = record_len >> 8;
	record[4] = record_len;
	record[6] = body >> 16;
	record[7] = body >> 8;
	record[8] = body;
}

static size_t message_len(struct scene *scene, uint8_t message)
{
	const uint8_t *p = find_message(scene, message);

	return 4 + (p[1] << 16 | p[2] << 8 | p[3]);
}

static void replace_body(struct scene *scene, uint8_t message, const void *data, size_t len)
{
	splice_message(scene, message, 4, message_len(scene, message) - 4, data, len);
}

/* How long the cipher suites are in a ClientHello, with their length. */
static size_t suites_len(struct scene *scene)
{
	const uint8_t *p = find_message(scene, HS_CLIENT_HELLO) + HELLO_SESSION_ID + 1;

	return 2 + (p[0] << 8 | p[1]);
}

/* Where the extensions' length stands in a hello. */
static size_t extensions_at(struct scene *scene, uint8_t message)
{
	const uint8_t *p = find_message(scene, message);
	size_t at = HELLO_SESSION_ID + 1 + p[HELLO_SESSION_ID];

	if (message == HS_SERVER_HELLO)
		return at + 3;
	at += 2 + (p[at] << 8 | p[at + 1]);
	return at + 1 + p[at];
}

static void set_extensions_len(struct scene *scene, uint8_t message)
{
	size_t at = extensions_at(scene, message);
	size_t len = message_len(scene, message) - at - 2;
	uint8_t *p = find_message(scene, message) + at;

	p[0] = len >> 8;
	p[1] = len;
}

static void add_extension(struct scene *scene, uint8_t message, uint16_t type, const void *data,
			  size_t len)
{
	uint8_t extension[300] = { type >> 8, type, len >> 8, len };

	memcpy(extension + 4, data, len);
	splice_message(scene, message, message_len(scene, message), 0, extension, 4 + len);
	set_extensions_len(scene, message);
}

/* Where an extension begins (its type) in the message. */
static size_t extension_at(struct scene *scene, uint8_t message, uint16_t type)
{
	size_t at = extensions_at(scene, message) + 2, end = message_len(scene, message);
	const uint8_t *p = find_message(scene, message);

	while (at < end && (p[at] << 8 | p[at + 1]) != type)
		at += 4 + (p[at + 2] << 8 | p[at + 3]);
	if (at >= end)
		abort();
	return at;
}

static void remove_extension(struct scene *scene, uint8_t message, uint16_t type)
{
	size_t at = extension_at(scene, message, type);
	const uint8_t *p = find_message(scene, message) + at;

	splice_message(scene, message, at, 4 + (p[2] << 8 | p[3]), "", 0);
	set_extensions_len(scene, message);
}

static void replace_extension(struct scene *scene, uint8_t message, uint16_t type,
			      const void *data, size_t len)
{
	remove_extension(scene, message, type);
	add_extension(scene, message, type, data, len);
}

/* Opens the protected Finished, changes it, and seals it again: a peer with the keys. */
static void reseal_finished(struct scene *scene, enum rtls_role sender, uint8_t type, size_t grow)
{
	uint8_t *record = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) + 6, *plain;
	const struct rtls_keys *keys = &scene->hs[RTLS_CLIENT]->secrets.keys;
	struct rtls_key key = sender == RTLS_CLIENT ? keys->tx : keys->rx;
	uint8_t copy[64] = { 0 };
	ssize_t len;

	key.seq = 0;
	len = rtls_record_open(scene->worker, keys->cipher, &key, record, &plain);
	memcpy(copy, plain, len);
	if (!grow)
		copy[len - 1] ^= 1;
	key.seq = 0;
	scene->len = record - scene->flight;
	scene->len += rtls_record_seal(scene->worker, keys->cipher, &key, type, copy, len + grow,
				       scene->flight + scene->len);
}

/* ---- records ------------------------------------------------------------------------------ */

CASE(http_in_clear, 0, RECORD_NOT_TLS)
{
	scene->len = 16;
	memcpy(scene->flight, "GET / HTTP/1.1\r\n", 16);
}

CASE(record_of_tls_4, 0, RECORD_VERSION)
{
	scene->flight[1] = 4;
}

CASE(later_record_of_tls_1_1, 2, RECORD_VERSION)
{
	scene->flight[2] = 2;
}

CASE(protected_record_of_tls_1_1, 2, RECORD_VERSION)
{
	find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1)[6 + 2] = 2;
}

CASE(record_too_long, 0, RECORD_TOO_LONG)
{
	memcpy(scene->flight, (uint8_t[]){ 22, 3, 1, 0x40, 1 }, 5);
}

CASE(protected_record_too_long, 2, RECORD_TOO_LONG)
{
	memcpy(find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) + 6 + 3, "\x41\x00", 2);
}

CASE(record_of_unknown_type, 2, RECORD_TYPE)
{
	scene->flight[0] = 99;
}

CASE(protected_record_of_unknown_type, 2, RECORD_TYPE)
{
	find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1)[6] = 24;
}

CASE(empty_handshake_record, 0, RECORD_EMPTY)
{
	only_record(scene, RTLS_HANDSHAKE, "", 0);
}

CASE(empty_alert_record, 0, RECORD_EMPTY)
{
	only_record(scene, RTLS_ALERT, "", 0);
}

CASE(data_before_the_handshake, 0, DATA_IN_HANDSHAKE)
{
	only_record(scene, RTLS_APPLICATION_DATA, "GET", 3);
}

CASE(data_in_place_of_finished, 2, DATA_IN_HANDSHAKE)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_APPLICATION_DATA, 0);
}

CASE(client_finished_with_wrong_tag, 2, RECORD_BAD_MAC)
{
	scene->flight[scene->len - 1] ^= 1;
}

CASE(server_finished_with_wrong_tag, 3, RECORD_BAD_MAC)
{
	scene->flight[scene->len - 1] ^= 1;
}

CASE(protected_record_too_short, 2, RECORD_BAD_MAC)
{
	uint8_t *record = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) + 6;

	record[3] = 0;
	record[4] = 23;
	scene->len = record + 28 - scene->flight;
}

/* ---- messages and their order ----------------------------------------------------------------- */

CASE(begins_with_client_key_exchange, 0, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_HELLO)[0] = HS_CLIENT_KEY_EXCHANGE;
}

CASE(hello_request_to_a_server, 0, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_HANDSHAKE, "\0\0\0", 4);
}

CASE(message_of_unknown_type, 0, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_HELLO)[0] = 99;
}

CASE(change_cipher_spec_first, 0, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

/* CVE-2014-0224: keys are not there yet. */
CASE(early_change_cipher_spec_to_server, 2, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

CASE(early_change_cipher_spec_to_client, 1, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

CASE(change_cipher_spec_inside_a_message, 2, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1);

	memmove(record + 6, record, scene->flight + scene->len - record);
	memcpy(record, (uint8_t[]){ 22, 3, 3, 0, 1, HS_FINISHED }, 6);
	scene->len += 6;
}

CASE(client_hello_again, 2, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_KEY_EXCHANGE)[0] = HS_CLIENT_HELLO;
}

CASE(finished_in_clear, 2, UNEXPECTED_MESSAGE)
{
	scene->len = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) - scene->flight;
	put_record(scene, RTLS_HANDSHAKE, "\x14\0\0\x0c" "0123456789ab", 16);
}

CASE(server_without_certificate, 1, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, HS_CERTIFICATE);
	size_t len = 5 + (record[3] << 8 | record[4]);

	scene->len -= len;
	memmove(record, record + len, scene->flight + scene->len - record);
}

CASE(server_without_key_exchange, 1, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, HS_SERVER_KEY_EXCHANGE);
	size_t len = 5 + (record[3] << 8 | record[4]);

	scene->len -= len;
	memmove(record, record + len, scene->flight + scene->len - record);
}

CASE(client_hello_far_too_long, 0, MESSAGE_TOO_LONG)
{
	find_message(scene, HS_CLIENT_HELLO)[1] = 1;
}

CASE(client_key_exchange_too_long, 2, MESSAGE_TOO_LONG)
{
	find_message(scene, HS_CLIENT_KEY_EXCHANGE)[2] = 9;
}

/* Refused by its header: nobody waits for the rest. */
CASE(header_of_a_message_out_of_order, 0, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_HANDSHAKE, "\x0b\0\xff\xff", 4);
}

CASE(client_hello_cut, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, 20, message_len(scene, HS_CLIENT_HELLO) - 20, "", 0);
}

CASE(client_hello_with_a_tail, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, message_len(scene, HS_CLIENT_HELLO), 0, "x", 1);
}

CASE(client_hello_with_long_session_id, 0, MESSAGE_SYNTAX)
{
	char id[34] = { 33 };

	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID, 1, id, sizeof(id));
}

CASE(client_hello_with_odd_suites, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene), "\0\3\xc0\x2b\0", 5);
}

CASE(client_hello_without_suites, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene), "\0\0", 2);
}

CASE(server_hello_cut, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_SERVER_HELLO, "\3\3", 2);
}

CASE(certificate_list_cut, 1, MESSAGE_SYNTAX)
{
	find_message(scene, HS_CERTIFICATE)[6]--;
}

CASE(server_key_exchange_with_a_tail, 1, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_SERVER_KEY_EXCHANGE, message_len(scene, HS_SERVER_KEY_EXCHANGE),
		       0, "x", 1);
}

CASE(client_key_exchange_empty, 2, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "", 0);
}

CASE(server_hello_done_not_empty, 1, MESSAGE_TOO_LONG)
{
	replace_body(scene, HS_SERVER_HELLO_DONE, "x", 1);
}

CASE(more_behind_finished_in_its_record, 2, MESSAGE_GLUED)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_HANDSHAKE, 4);
}

CASE(change_cipher_spec_of_2, 2, CCS_SYNTAX)
{
	find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1)[5] = 2;
}

CASE(alert_of_three_bytes, 0, ALERT_SYNTAX)
{
	only_record(scene, RTLS_ALERT, "\1\0\0", 3);
}

CASE(alert_of_level_3, 0, ALERT_SYNTAX)
{
	only_record(scene, RTLS_ALERT, "\3\0", 2);
}

CASE(warnings_without_end, 0, TOO_MANY_WARNINGS)
{
	scene->len = 0;
	for (int i = 0; i <= HS_WARNINGS_MAX; i++)
		put_record(scene, RTLS_ALERT, "\1\x70", 2);
}

CASE(hello_requests_without_end, 1, TOO_MANY_WARNINGS)
{
	scene->len = 0;
	for (int i = 0; i <= HS_WARNINGS_MAX; i++)
		put_record(scene, RTLS_HANDSHAKE, "\0\0\0", 4);
}

/* ---- hello -------------------------------------------------------------------------------------- */

CASE(client_of_tls_1_1, 0, CLIENT_VERSION)
{
	find_message(scene, HS_CLIENT_HELLO)[5] = 2;
}

CASE(client_of_tls_1_3_only, 0, CLIENT_VERSION)
{
	add_extension(scene, HS_CLIENT_HELLO, 43, "\2\3\4", 3);
}

CASE(server_of_tls_1_1, 1, SERVER_VERSION)
{
	find_message(scene, HS_SERVER_HELLO)[5] = 2;
}

CASE(server_of_tls_1_3, 1, SERVER_VERSION)
{
	find_message(scene, HS_SERVER_HELLO)[5] = 4;
}

CASE(client_wants_compression, 0, NO_NULL_COMPRESSION)
{
	size_t at = HELLO_SESSION_ID + 1 + suites_len(scene);

	find_message(scene, HS_CLIENT_HELLO)[at + 1] = 1;
}

CASE(server_compresses, 1, SERVER_COMPRESSION)
{
	find_message(scene, HS_SERVER_HELLO)[HELLO_SESSION_ID + 3] = 1;
}

CASE(server_chooses_cbc, 1, SUITE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_SERVER_HELLO) + HELLO_SESSION_ID + 1, "\xc0\x09", 2);
}

CASE(client_with_other_suites, 0, NO_COMMON_SUITE)
{
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene), "\0\2\0\x2f", 4);
}

CASE(client_without_signature_algorithms, 0, NO_COMMON_SUITE)
{
	remove_extension(scene, HS_CLIENT_HELLO, 13);
}

CASE(extensions_of_wrong_length, 0, MESSAGE_SYNTAX)
{
	find_message(scene, HS_CLIENT_HELLO)[extensions_at(scene, HS_CLIENT_HELLO) + 1]++;
}

CASE(server_name_list_cut, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\5\0\0\3ab", 7);
}

CASE(server_name_empty, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\3\0\0\0", 5);
}

CASE(extended_master_secret_not_empty, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 23, "x", 1);
}

CASE(groups_of_odd_length, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 10, "\0\3\0\x1d\0", 5);
}

CASE(signature_algorithms_empty, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 13, "\0\0", 2);
}

CASE(alpn_with_an_empty_name, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 16, "\0\4\2h2\0", 6);
}

CASE(server_name_answered_with_content, 1, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_SERVER_HELLO, 0, "x", 1);
}

CASE(alpn_answered_with_two_names, 1, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_SERVER_HELLO, 16, "\0\6\2h2\2h2", 8);
}

CASE(client_sends_an_extension_twice, 0, EXTENSION_TWICE)
{
	add_extension(scene, HS_CLIENT_HELLO, 23, "", 0);
}

CASE(client_sends_an_unknown_extension_twice, 0, EXTENSION_TWICE)
{
	add_extension(scene, HS_CLIENT_HELLO, 0x1a1a, "", 0);
	add_extension(scene, HS_CLIENT_HELLO, 0x1a1a, "", 0);
}

CASE(server_sends_an_extension_twice, 1, EXTENSION_TWICE)
{
	add_extension(scene, HS_SERVER_HELLO, 23, "", 0);
}

CASE(server_answers_an_unknown_extension, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 0x1a1a, "", 0);
}

CASE(server_answers_signature_algorithms, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 13, "\0\2\4\3", 4);
}

CASE(extensions_without_end, 0, TOO_MANY_EXTENSIONS)
{
	for (int i = 0; i < 64; i++)
		add_extension(scene, HS_CLIENT_HELLO, 0x4000 + i, "", 0);
}

CASE(server_name_with_nul, 0, SERVER_NAME_BAD)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\6\0\0\3a\0b", 8);
}

CASE(two_server_names, 0, SERVER_NAME_BAD)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\x08\0\0\1a\0\0\1b", 10);
}

CASE(only_compressed_points, 0, POINT_FORMATS)
{
	replace_extension(scene, HS_CLIENT_HELLO, 11, "\1\1", 2);
}

CASE(server_with_only_compressed_points, 1, POINT_FORMATS)
{
	replace_extension(scene, HS_SERVER_HELLO, 11, "\1\1", 2);
}

CASE(client_renegotiates, 0, RENEGOTIATION_INFO)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0xff01, "\1x", 2);
}

CASE(server_renegotiates, 1, RENEGOTIATION_INFO)
{
	replace_extension(scene, HS_SERVER_HELLO, 0xff01, "\1x", 2);
}

CASE(server_without_secure_renegotiation, 1, NO_RENEGOTIATION_INFO)
{
	remove_extension(scene, HS_SERVER_HELLO, 0xff01);
}

CASE(alpn_of_other_protocols, 0, ALPN_NO_COMMON)
{
	replace_extension(scene, HS_CLIENT_HELLO, 16, "\0\4\3foo", 6);
}

CASE(server_chooses_another_protocol, 1, ALPN_NOT_OFFERED)
{
	replace_extension(scene, HS_SERVER_HELLO, 16, "\0\4\3foo", 6);
}

/* ---- certificates and keys ------------------------------------------------------------------------- */

/* A Certificate message with this certificate. */
static void replace_certificate(struct scene *scene, struct cert cert, size_t copies)
{
	int len = i2d_X509(cert.x509, NULL);
	size_t list = copies * (3 + len);
	uint8_t body[20000] = { list >> 16, list >> 8, list }, *p = body + 3;

	for (size_t i = 0; i < copies; i++) {
		memcpy(p, (uint8_t[]){ len >> 16, len >> 8, len }, 3);
		p += 3;
		i2d_X509(cert.x509, &p);
	}
	replace_body(scene, HS_CERTIFICATE, body, p - body);
}

CASE(no_certificate, 1, NO_CERTIFICATE)
{
	replace_body(scene, HS_CERTIFICATE, "\0\0\0", 3);
}

CASE(certificate_is_no_der, 1, CERTIFICATE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE, "\0\0\6\0\0\3abc", 9);
}

CASE(certificate_with_a_tail, 1, CERTIFICATE_SYNTAX)
{
	size_t len = message_len(scene, HS_CERTIFICATE);
	uint8_t *p;

	splice_message(scene, HS_CERTIFICATE, len, 0, "x", 1);
	p = find_message(scene, HS_CERTIFICATE) + 4;
	for (int i = 0; i < 6; i += 3) {
		size_t old = p[i + 1] << 8 | p[i + 2];

		p[i + 1] = (old + 1) >> 8;
		p[i + 2] = old + 1;
	}
}

CASE(chain_without_end, 1, CHAIN_TOO_LONG)
{
	replace_certificate(scene, scene->cert, HS_CHAIN_MAX + 1);
}

CASE(rsa_certificate_for_ecdsa, 1, CERTIFICATE_KEY)
{
	replace_certificate(scene, cert_make((struct cert_spec){ .kind = CERT_RSA }), 1);
}

CASE(certificate_must_not_sign, 1, CERTIFICATE_KEY_USAGE)
{
	replace_certificate(scene, cert_make((struct cert_spec){ .key_usage = "keyAgreement" }), 1);
}

/* The suite becomes an RSA one, so that the key's size is looked at. */
CASE(rsa_key_of_1024_bits, 1, KEY_TOO_SMALL)
{
	memcpy(find_message(scene, HS_SERVER_HELLO) + HELLO_SESSION_ID + 1, "\xc0\x2f", 2);
	replace_certificate(scene,
			    cert_make((struct cert_spec){ .kind = CERT_RSA, .rsa_bits = 1024 }), 1);
}

CASE(explicit_curve, 1, GROUP_NOT_OFFERED)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[4] = 1;
}

CASE(group_not_offered, 1, GROUP_NOT_OFFERED)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[6] = 26; /* brainpoolP256r1 */
}

CASE(scheme_not_offered, 1, SIGNATURE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_SERVER_KEY_EXCHANGE) + 4 + 4 + 32, "\2\3", 2);
}

CASE(scheme_of_another_key, 1, SIGNATURE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_SERVER_KEY_EXCHANGE) + 4 + 4 + 32, "\4\1", 2);
}

CASE(signature_over_other_parameters, 1, BAD_SIGNATURE)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[8] ^= 1;
}

CASE(signature_changed, 1, BAD_SIGNATURE)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[60] ^= 1;
}

CASE(client_point_of_zeros, 2, BAD_PUBLIC_VALUE)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 5, 0, 32);
}

CASE(client_point_too_short, 2, BAD_PUBLIC_VALUE)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\1x", 2);
}

/* A ServerKeyExchange with these parameters, rightly signed. */
static void sign_params(struct scene *scene, const uint8_t *params, size_t len)
{
	const struct rtls_hs *server = scene->hs[RTLS_SERVER];
	uint8_t message[4000], body[4000];
	size_t signature_len = 1000;

	memcpy(message, server->client_random, 32);
	memcpy(message + 32, server->server_random, 32);
	memcpy(message + 64, params, len);
	memcpy(body, params, len);
	if (hs_sign(server->scheme, scene->cert.key, (struct hs_blob){ message, 64 + len },
		    body + len + 4, &signature_len))
		abort();
	memcpy(body + len, (uint8_t[]){ server->scheme->id >> 8, server->scheme->id,
					signature_len >> 8, signature_len }, 4);
	replace_body(scene, HS_SERVER_KEY_EXCHANGE, body, len + 4 + signature_len);
}

static void sign_point(struct scene *scene, uint16_t group, const uint8_t *point, size_t len)
{
	uint8_t params[300] = { 3, group >> 8, group, len };

	memcpy(params + 4, point, len);
	sign_params(scene, params, 4 + len);
}

CASE(server_point_of_zeros, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 29, (uint8_t[32]){ 0 }, 32);
}

CASE(server_point_off_its_curve, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 23, (uint8_t[65]){ 4, 1 }, 65);
}

CASE(server_point_compressed, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 23, (uint8_t[33]){ 2, 1 }, 33);
}

CASE(server_point_at_infinity, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 23, (uint8_t[1]){ 0 }, 1);
}

/* ---- DHE and RSA --------------------------------------------------------------------------- */

/* A ServerKeyExchange of DHE: prime of ffdhe2048 with its end changed, generator, value. */
static void sign_dhe(struct scene *scene, size_t p_len, uint8_t p_last, uint8_t g,
		     const uint8_t *value, size_t value_len)
{
	const uint8_t *p = find_message(scene, HS_SERVER_KEY_EXCHANGE) + 6;
	uint8_t params[1000], *out = params;

	memcpy(out, (uint8_t[]){ p_len >> 8, p_len }, 2);
	memcpy(out + 2, p, p_len);
	out[2 + p_len - 1] = p_last;
	out += 2 + p_len;
	memcpy(out, (uint8_t[]){ 0, 1, g, value_len >> 8, value_len }, 5);
	memcpy(out + 5, value, value_len);
	sign_params(scene, params, out + 5 + value_len - params);
}

CASE_WITH(DHE, dhe_prime_of_1024_bits, 1, DH_SIZE)
{
	sign_dhe(scene, 128, 0xff, 2, (uint8_t[]){ 5 }, 1);
}

CASE_WITH(DHE, dhe_prime_is_even, 1, BAD_PUBLIC_VALUE)
{
	sign_dhe(scene, 256, 0xfe, 2, (uint8_t[]){ 5 }, 1);
}

CASE_WITH(DHE, dhe_generator_is_one, 1, BAD_PUBLIC_VALUE)
{
	sign_dhe(scene, 256, 0xff, 1, (uint8_t[]){ 5 }, 1);
}

CASE_WITH(DHE, dhe_value_is_one, 1, BAD_PUBLIC_VALUE)
{
	sign_dhe(scene, 256, 0xff, 2, (uint8_t[]){ 1 }, 1);
}

CASE_WITH(DHE, dhe_value_is_p_minus_one, 1, BAD_PUBLIC_VALUE)
{
	uint8_t value[256];

	memcpy(value, find_message(scene, HS_SERVER_KEY_EXCHANGE) + 6, 256);
	value[255]--;
	sign_dhe(scene, 256, 0xff, 2, value, 256);
}

CASE_WITH(DHE, dhe_client_value_is_zero, 2, BAD_PUBLIC_VALUE)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 6, 0, 256);
}

CASE_WITH(DHE, dhe_client_value_too_long, 2, BAD_PUBLIC_VALUE)
{
	uint8_t body[2 + 257] = { 1, 1, 1 };

	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, body, sizeof(body));
}

/* RFC 5246 7.4.7.1: no answer to any of these before Finished. */

CASE_WITH(RSA, rsa_premaster_is_noise, 2, RECORD_BAD_MAC)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 6, 7, 256);
}

CASE_WITH(RSA, rsa_premaster_above_the_modulus, 2, RECORD_BAD_MAC)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 6, 0xff, 256);
}

CASE_WITH(RSA, rsa_premaster_too_short, 2, RECORD_BAD_MAC)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\0\3abc", 5);
}

CASE_WITH(RSA, rsa_premaster_empty, 2, RECORD_BAD_MAC)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\0\0", 2);
}

/* Rightly padded text, of another version or length. */
static void encrypt_premaster(struct scene *scene, const uint8_t *text, size_t text_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, scene->cert.key, NULL);
	uint8_t body[2 + 256] = { 1, 0 };
	size_t len = 256;

	if (EVP_PKEY_encrypt_init(ctx) <= 0 ||
	    EVP_PKEY_encrypt(ctx, body + 2, &len, text, text_len) <= 0)
		abort();
	EVP_PKEY_CTX_free(ctx);
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, body, sizeof(body));
}

CASE_WITH(RSA, rsa_premaster_of_another_version, 2, RECORD_BAD_MAC)
{
	encrypt_premaster(scene, (uint8_t[48]){ 3, 2 }, 48);
}

CASE_WITH(RSA, rsa_premaster_of_47_bytes, 2, RECORD_BAD_MAC)
{
	encrypt_premaster(scene, (uint8_t[47]){ 3, 3 }, 47);
}

CASE_WITH(RSA, rsa_key_exchange_without_a_length, 2, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\1", 1);
}

CASE_WITH(RSA, rsa_server_sends_a_key_exchange, 1, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, HS_SERVER_HELLO_DONE);

	record[5] = HS_SERVER_KEY_EXCHANGE;
}

CASE(client_finished_bad_verify_data, 2, BAD_VERIFY_DATA)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_HANDSHAKE, 0);
}

CASE(server_finished_bad_verify_data, 3, BAD_VERIFY_DATA)
{
	reseal_finished(scene, RTLS_SERVER, RTLS_HANDSHAKE, 0);
}

/* A stripped extension changes the transcript, and so the Finished of who sent it. */
CASE(stripped_extended_master_secret, 0, BAD_VERIFY_DATA)
{
	remove_extension(scene, HS_CLIENT_HELLO, 23);
}

/* ---- the test ----------------------------------------------------------------------------------------- */

static int scene_begin(struct scene *scene, const char *suite)
{
	const struct cert_spec spec = { .kind = suite ? CERT_RSA : CERT_ECDSA };

	int ret = 0;

	memset(scene, 0, sizeof(*scene));
	scene->cert = cert_make(spec);
	scene->worker = rtls_worker_new();
	scene->configs[RTLS_SERVER] = server_config(&scene->cert, suite, NULL, "h2");
	scene->configs[RTLS_CLIENT] = client_config(&scene->cert, suite, NULL, "h2");
	for (int role = 0; role < 2; role++)
		ret |= rtls_hs_new(&scene->hs[role], scene->configs[role], scene->worker, role,
				   role == RTLS_CLIENT ? "localhost" : NULL);
	return ret;
}

static void scene_end(struct scene *scene)
{
	for (int role = 0; role < 2; role++) {
		rtls_hs_free(scene->hs[role]);
		rtls_config_unref(scene->configs[role]);
	}
	rtls_worker_free(scene->worker);
	cert_free(&scene->cert);
	test_end();
}

FIXTURE_SETUP(violation)
{
	ASSERT_EQ(0, scene_begin(&self->scene, variant->suite));
}

FIXTURE_TEARDOWN(violation)
{
	scene_end(&self->scene);
}

static void take_flight(struct scene *scene, struct rtls_hs *from)
{
	const uint8_t *data = rtls_hs_output(from, &scene->len);

	memcpy(scene->flight, data, scene->len);
	rtls_hs_output_done(from, scene->len);
}

/* Does the output end in this alert? A protected one is as long as its record. */
static bool ends_in_alert(const struct rtls_hs *hs, uint8_t alert)
{
	size_t len;
	const uint8_t *out = rtls_hs_output(hs, &len);
	const uint8_t *record = out + len - (hs->write_protected ? 31 : 7);

	if (len < 7 || record < out || record[0] != RTLS_ALERT)
		return false;
	return hs->write_protected ? record[4] == 26
				   : record[4] == 2 && record[5] == 2 && record[6] == alert;
}

TEST_F(violation, is_answered_with_the_rfcs_alert)
{
	const struct hs_violation_row *row = &hs_violations[variant->violation];
	struct scene *scene = &self->scene;
	struct rtls_hs *receiver = NULL, *sender = NULL;

	for (int flight = 0; flight < 4; flight++) {
		sender = scene->hs[flight % 2 ? RTLS_SERVER : RTLS_CLIENT];
		receiver = scene->hs[flight % 2 ? RTLS_CLIENT : RTLS_SERVER];
		take_flight(scene, sender);
		if (flight == variant->flight)
			variant->change(scene);
		if (rtls_hs_input(receiver, scene->flight, scene->len) < 0)
			break;
		ASSERT_NE(0, scene->len);
	}
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(row->alert), rtls_hs_error(receiver));
	EXPECT_STREQ(row->reason, rtls_hs_reason(receiver));
	EXPECT_EQ(true, ends_in_alert(receiver, row->alert));
	EXPECT_EQ(RTLS_HS_WANT_OUTPUT, rtls_hs_status(receiver));
	take_flight(scene, receiver);
	EXPECT_EQ(RTLS_HS_FAILED, rtls_hs_status(receiver));
	EXPECT_EQ(rtls_hs_error(receiver), rtls_hs_input(receiver, (const uint8_t *)"x", 1));
}

/* Each row of the table has a case above. */
TEST(every_violation_is_tested)
{
	bool tested[HS_V_COUNT] = { false };

	for (struct __fixture_variant_metadata *v = _violation_fixture_object.variant; v;
	     v = v->next)
		tested[((const FIXTURE_VARIANT(violation) *)v->data)->violation] = true;
	for (int i = 0; i < HS_V_COUNT; i++) {
		EXPECT_EQ(true, tested[i])
		{
			TH_LOG("%s", hs_violations[i].name);
		}
	}
}

/* ---- alerts received ------------------------------------------------------------------------------------ */

TEST(alert_of_the_peer_ends_the_handshake)
{
	struct scene scene;
	struct rtls_hs *server;

	ASSERT_EQ(0, scene_begin(&scene, NULL));
	server = scene.hs[RTLS_SERVER];
	EXPECT_EQ(7, rtls_hs_input(server, (uint8_t[]){ 21, 3, 3, 0, 2, 1, 90 }, 7));
	EXPECT_EQ(RTLS_HS_WANT_INPUT, rtls_hs_status(server));
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(40),
		  rtls_hs_input(server, (uint8_t[]){ 21, 3, 3, 0, 2, 2, 40 }, 7));
	EXPECT_EQ(RTLS_HS_FAILED, rtls_hs_status(server));
	EXPECT_STREQ("the peer sent the alert handshake_failure", rtls_hs_reason(server));
	scene_end(&scene);
}

TEST(close_notify_in_the_handshake_is_answered)
{
	struct scene scene;
	struct rtls_hs *server;
	const uint8_t *out;
	size_t len;

	ASSERT_EQ(0, scene_begin(&scene, NULL));
	server = scene.hs[RTLS_SERVER];
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(0),
		  rtls_hs_input(server, (uint8_t[]){ 21, 3, 3, 0, 2, 1, 0 }, 7));
	out = rtls_hs_output(server, &len);
	ASSERT_EQ(7, len);
	EXPECT_EQ(0, memcmp(out, (uint8_t[]){ 21, 3, 3, 0, 2, 1, 0 }, 7));
	scene_end(&scene);
}

/* RFC 5246 7.4.1.1: a HelloRequest in a handshake is ignored and not hashed. */
TEST(hello_request_is_ignored_by_a_client)
{
	struct scene scene;
	struct rtls_hs *client;

	ASSERT_EQ(0, scene_begin(&scene, NULL));
	client = scene.hs[RTLS_CLIENT];
	for (int i = 0; i < 2; i++) {
		take_flight(&scene, client);
		EXPECT_LT(0, rtls_hs_input(scene.hs[RTLS_SERVER], scene.flight, scene.len));
		if (!i)
			EXPECT_EQ(9, rtls_hs_input(client, (uint8_t[]){ 22, 3, 3, 0, 4, 0, 0, 0, 0 },
						   9));
		take_flight(&scene, scene.hs[RTLS_SERVER]);
		EXPECT_LT(0, rtls_hs_input(client, scene.flight, scene.len));
	}
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(client));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(scene.hs[RTLS_SERVER]));
	scene_end(&scene);
}

/* Several messages in one record, and one message over several: RFC 5246 6.2.1. */
TEST(messages_and_records_need_not_coincide)
{
	struct scene scene;
	uint8_t messages[4096], piece[5 + 7];
	size_t len = 0;

	ASSERT_EQ(0, scene_begin(&scene, NULL));
	take_flight(&scene, scene.hs[RTLS_CLIENT]);
	for (size_t done = 5; done < scene.len; done += 7) {
		size_t part = scene.len - done < 7 ? scene.len - done : 7;

		memcpy(piece, (uint8_t[]){ 22, 3, 1, 0, part }, 5);
		memcpy(piece + 5, scene.flight + done, part);
		ASSERT_EQ(5 + (ssize_t)part,
			  rtls_hs_input(scene.hs[RTLS_SERVER], piece, 5 + part));
	}
	take_flight(&scene, scene.hs[RTLS_SERVER]);
	for (uint8_t *p = scene.flight; p < scene.flight + scene.len;) {
		size_t part = p[3] << 8 | p[4];

		memcpy(messages + len, p + 5, part);
		len += part;
		p += 5 + part;
	}
	only_record(&scene, RTLS_HANDSHAKE, messages, len);
	EXPECT_LT(0, rtls_hs_input(scene.hs[RTLS_CLIENT], scene.flight, scene.len));
	take_flight(&scene, scene.hs[RTLS_CLIENT]);
	EXPECT_LT(0, rtls_hs_input(scene.hs[RTLS_SERVER], scene.flight, scene.len));
	take_flight(&scene, scene.hs[RTLS_SERVER]);
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(scene.hs[RTLS_SERVER]));
	scene_end(&scene);
}

TEST_HARNESS_MAIN
