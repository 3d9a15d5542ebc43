// SPDX-License-Identifier: MIT
/* trace.c - the messages of RFC 5246 7.4 and what belongs to them, a row each */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>

#include "decode.h"

/* ---- fields: as the RFC's structs have them -------------------------------------------- */

#define FIELDS(name) static const struct trace_field name[]

FIELDS(nothing) = { { 0 } };

FIELDS(suite) = { NUMBER("", 2, trace_suite), { 0 } };
FIELDS(compression_method) = { NUMBER("", 1, trace_compression), { 0 } };
FIELDS(client_hello) = {
	NUMBER("client_version", 2, trace_version),
	BYTES("random", 32),
	OPAQUE("session_id", 1),
	LIST("cipher_suites", 2, suite),
	LIST("compression_methods", 1, compression_method),
	SHOW("extensions", trace_client_extensions),
	{ 0 },
};

FIELDS(server_hello) = {
	NUMBER("server_version", 2, trace_version),
	BYTES("random", 32),
	OPAQUE("session_id", 1),
	NUMBER("cipher_suite", 2, trace_suite),
	NUMBER("compression_method", 1, trace_compression),
	SHOW("extensions", trace_server_extensions),
	{ 0 },
};

FIELDS(new_session_ticket) = {
	NUMBER("ticket_lifetime_hint", 4, NULL),
	OPAQUE("ticket", 2),
	{ 0 },
};

FIELDS(asn1_cert) = { SHOW("", trace_certificate), { 0 } };
FIELDS(certificate) = { LIST("certificate_list", 3, asn1_cert), { 0 } };

static const char *status_type(uint32_t value)
{
	return value == 1 ? "ocsp" : NULL;
}

FIELDS(certificate_status) = {
	NUMBER("status_type", 1, status_type),
	SHOW("response", trace_ocsp_response),
	{ 0 },
};

FIELDS(certificate_type) = { NUMBER("", 1, trace_certificate_type), { 0 } };
FIELDS(scheme) = { NUMBER("", 2, trace_scheme), { 0 } };
FIELDS(distinguished_name) = { SHOW("", trace_distinguished_name), { 0 } };
FIELDS(certificate_request) = {
	LIST("certificate_types", 1, certificate_type),
	LIST("supported_signature_algorithms", 2, scheme),
	LIST("certificate_authorities", 2, distinguished_name),
	{ 0 },
};

#define SIGNATURE NUMBER("algorithm", 2, trace_scheme), OPAQUE("signature", 2)
FIELDS(certificate_verify) = { SIGNATURE, { 0 } };
FIELDS(finished) = { REST("verify_data"), { 0 } };

static const char *cipher_spec(uint32_t value)
{
	return value == 1 ? "change_cipher_spec" : NULL;
}

FIELDS(change_cipher_spec) = { NUMBER("type", 1, cipher_spec), { 0 } };

static const char *alert_level(uint32_t value)
{
	return value == 1 ? "warning" : value == 2 ? "fatal" : NULL;
}

FIELDS(alert) = {
	NUMBER("level", 1, alert_level),
	NUMBER("description", 1, trace_alert),
	{ 0 },
};

/* ---- key exchanges: the suite decides --------------------------------------------------- */

static const char *curve_type(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 1, "explicit_prime" }, { 2, "explicit_char2" }, { 3, "named_curve" }, { 0 },
	};

	return trace_find(names, value);
}

FIELDS(curve) = { NUMBER("curve_type", 1, curve_type), REST("curve"), { 0 } };
FIELDS(ecdhe_params) = {
	NUMBER("curve_type", 1, curve_type),
	NUMBER("namedcurve", 2, trace_group),
	OPAQUE("public", 1),
	SIGNATURE,
	{ 0 },
};
FIELDS(dhe_params) = {
	OPAQUE("dh_p", 2), OPAQUE("dh_g", 2), OPAQUE("dh_Ys", 2), SIGNATURE, { 0 },
};
FIELDS(ecdh_public) = { OPAQUE("ecdh_Yc", 1), { 0 } };
FIELDS(dh_public) = { OPAQUE("dh_Yc", 2), { 0 } };
FIELDS(premaster) = { OPAQUE("EncryptedPreMasterSecret", 2), { 0 } };
FIELDS(unknown) = { REST("of an unknown suite"), { 0 } };

static bool suite_begins_with(const struct trace_page *page, const char *prefix)
{
	const char *name = rtls_suite_name(page->suite);

	return name && strncmp(name, prefix, strlen(prefix)) == 0;
}

static void show_server_key_exchange(struct trace_page *page, struct trace_in *in)
{
	if (suite_begins_with(page, "TLS_DHE_"))
		trace_fields(page, in, dhe_params);
	else if (!suite_begins_with(page, "TLS_ECDHE_"))
		trace_fields(page, in, unknown);
	else if (in->len && in->data[0] != 3)
		trace_fields(page, in, curve);
	else
		trace_fields(page, in, ecdhe_params);
}

static void show_client_key_exchange(struct trace_page *page, struct trace_in *in)
{
	if (suite_begins_with(page, "TLS_ECDHE_"))
		trace_fields(page, in, ecdh_public);
	else if (suite_begins_with(page, "TLS_DHE_"))
		trace_fields(page, in, dh_public);
	else if (suite_begins_with(page, "TLS_RSA_"))
		trace_fields(page, in, premaster);
	else
		trace_fields(page, in, unknown);
}

FIELDS(server_key_exchange) = { SHOW("params", show_server_key_exchange), { 0 } };
FIELDS(client_key_exchange) = { SHOW("exchange_keys", show_client_key_exchange), { 0 } };

/* ---- the messages ------------------------------------------------------------------------ */

struct message {
	uint8_t type;
	const char *name, *where, *about;
	const struct trace_field *fields;
};

static const struct message messages[] = {
	{ 0, "HelloRequest", "RFC 5246 7.4.1.1", "please begin a handshake", nothing },
	{ 1, "ClientHello", "RFC 5246 7.4.1.2", "what the client can do", client_hello },
	{ 2, "ServerHello", "RFC 5246 7.4.1.3", "what the server has chosen of it", server_hello },
	{ 4, "NewSessionTicket", "RFC 5077 3.3",
	  "the session, sealed by the server, for the client to bring along next time",
	  new_session_ticket },
	{ 11, "Certificate", "RFC 5246 7.4.2",
	  "who it is: the certificate of its key, then those that vouch for it", certificate },
	{ 12, "ServerKeyExchange", "RFC 5246 7.4.3",
	  "a key made for this connection, signed with the certificate's", server_key_exchange },
	{ 13, "CertificateRequest", "RFC 5246 7.4.4", "the client, too, shall say who it is",
	  certificate_request },
	{ 14, "ServerHelloDone", "RFC 5246 7.4.5", "the client's turn", nothing },
	{ 15, "CertificateVerify", "RFC 5246 7.4.8",
	  "all messages so far, signed: it holds the certificate's key", certificate_verify },
	{ 16, "ClientKeyExchange", "RFC 5246 7.4.7",
	  "what was missing: from here on both ends can derive the keys", client_key_exchange },
	{ 20, "Finished", "RFC 5246 7.4.9",
	  "encrypted; a digest of all messages so far and the secret: nobody has changed them",
	  finished },
	{ 22, "CertificateStatus", "RFC 6066 8", "the issuer's word that the certificate stands",
	  certificate_status },
};

static const struct message change_cipher_spec_message = {
	0, "ChangeCipherSpec", "RFC 5246 7.1", "what follows is encrypted with the new keys",
	change_cipher_spec,
};
static const struct message alert_message = { 0, "Alert", "RFC 5246 7.2", NULL, alert };

static const struct message *find(uint8_t type)
{
	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		if (messages[i].type == type)
			return &messages[i];
	return NULL;
}

/* ---- a message ---------------------------------------------------------------------------- */

/* As the RFC draws it: the client on the left. */
static void show_title(struct trace_page *page, const struct rtls_trace *message, const char *name,
		       size_t len, const char *where)
{
	bool is_clients = (message->role == RTLS_CLIENT) == message->sent;

	trace_raw(page, "%llu: client %s server  %s, %zu byte%s",
		  (unsigned long long)message->conversation, is_clients ? "-->" : "<--", name, len,
		  len == 1 ? "" : "s");
	trace_where(page, where);
}

static void show_content(struct trace_page *page, const struct message *row, struct trace_in in)
{
	if (row->about)
		trace_raw(page, "   (%s)\n", row->about);
	page->depth = 0;
	trace_fields(page, &in, row->fields);
	if (in.bad || in.len)
		trace_broken(page, in.data, in.len);
}

/* Header and body. Of one that was refused by its header, the body may not have come. */
static void show_handshake(struct trace_page *page, const struct rtls_trace *message)
{
	struct trace_in in = { .data = message->data, .len = message->len };
	uint8_t type = trace_number(&in, 1);
	size_t len = trace_number(&in, 3);
	const struct message *row = find(type);
	char name[32];

	snprintf(name, sizeof(name), "message %u", type);
	show_title(page, message, row ? row->name : name, len, row ? row->where : "unknown");
	if (in.bad || in.len < len)
		trace_line(page, "cut short", "%zu of %zu bytes are here", in.len, len);
	if (row && !in.bad)
		show_content(page, row, in);
	else
		trace_broken(page, in.data, in.len);
}

void trace_format(struct trace_page *page, const struct rtls_trace *message)
{
	const struct message *row = message->type == RTLS_ALERT ? &alert_message
								: &change_cipher_spec_message;

	page->len = page->line = page->depth = 0;
	page->cut = false;
	page->suite = message->suite;
	switch (message->type) {
	case RTLS_HANDSHAKE:
		show_handshake(page, message);
		break;
	case RTLS_CHANGE_CIPHER_SPEC:
	case RTLS_ALERT:
		show_title(page, message, row->name, message->len, row->where);
		show_content(page, row,
			     (struct trace_in){ .data = message->data, .len = message->len });
		break;
	default: /* not here, and nobody's business */
		show_title(page, message, "ApplicationData", message->len, "RFC 5246 10");
	}
	ERR_clear_error();
}

void trace_to_stderr(void *arg, const struct rtls_trace *message)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct trace_page page;

	(void)arg;
	trace_format(&page, message);
	pthread_mutex_lock(&mutex);
	/* One write, but where a pipe takes less at a time. */
	for (size_t done = 0; done < page.len;) {
		ssize_t n = write(STDERR_FILENO, page.text + done, page.len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? n : 0;
	}
	pthread_mutex_unlock(&mutex);
}
