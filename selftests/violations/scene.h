/* SPDX-License-Identifier: MIT */
/* A handshake whose flights can be changed on their way, and what changes them. */

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "../common.h"
#include "../../handshake/hs_internal.h"
#include <kselftest_harness.h>

struct scene {
	struct cert cert, client_cert;
	struct rtls_config *configs[2];
	struct rtls_worker *worker;
	struct rtls_session_store *store;
	struct rtls_ticket_keys *keys;
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
	bool client_auth;
	bool tickets; /* the client wants, the server gives them */
	bool staple;  /* the server staples, the client requires it */
	bool resumed; /* it is the second handshake of two */
};

/* A case is the function that changes the flight; the rest is the handshake's setting. */
#define CASE_IN(name, flight_number, violation_name, ...)                                          \
	static void name(struct scene *scene);                                                     \
	FIXTURE_VARIANT_ADD(violation, name)                                                       \
	{ .flight = flight_number, .violation = HS_V_##violation_name, .change = name,             \
	  __VA_ARGS__ };                                                                           \
	static void name(struct scene *scene)
#define CASE(name, flight, violation) CASE_IN(name, flight, violation, .suite = NULL)
#define CASE_WITH(name_of_suite, name, flight, violation)                                          \
	CASE_IN(name, flight, violation, .suite = name_of_suite)
#define CASE_TICKET(name, flight, violation) CASE_IN(name, flight, violation, .tickets = true)
#define CASE_STAPLE(name, flight, violation) CASE_IN(name, flight, violation, .staple = true)
#define CASE_RESUMED(name, flight, violation)                                                      \
	CASE_IN(name, flight, violation, .tickets = true, .resumed = true)
/* The server requires a client certificate, and the client has one. */
#define CASE_AUTH(name, flight, violation) CASE_IN(name, flight, violation, .client_auth = true)
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
	const struct rtls_keys *keys = &scene->hs[sender]->secrets.keys;
	struct rtls_key key = keys->tx;
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
