// SPDX-License-Identifier: MIT
/* extensions.c - hello extensions: a row each, with what a client and what a server puts in */
#include <stdio.h>

#include "decode.h"

/* ---- names that only extensions have ---------------------------------------------- */

static const char *name_type(uint32_t value)
{
	return value == 0 ? "host_name" : NULL;
}

static const char *status_type(uint32_t value)
{
	return value == 1 ? "ocsp" : NULL;
}

static const char *fragment_length(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 1, "2^9" }, { 2, "2^10" }, { 3, "2^11" }, { 4, "2^12" }, { 0 },
	};

	return trace_find(names, value);
}

static const char *point_format(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 0, "uncompressed" },
		{ 1, "ansiX962_compressed_prime" },
		{ 2, "ansiX962_compressed_char2" },
		{ 0 },
	};

	return trace_find(names, value);
}

static const char *psk_mode(uint32_t value)
{
	static const struct trace_name names[] = { { 0, "psk_ke" }, { 1, "psk_dhe_ke" }, { 0 } };

	return trace_find(names, value);
}

/* ---- what is in them --------------------------------------------------------------- */

#define FIELDS(name) static const struct trace_field name[]

FIELDS(empty) = { { 0 } };
FIELDS(bytes) = { REST("data"), { 0 } };

FIELDS(server_name) = { NUMBER("name_type", 1, name_type), TEXT("host_name", 2), { 0 } };
FIELDS(server_name_list) = { LIST("server_name_list", 2, server_name), { 0 } };

FIELDS(max_fragment_length) = { NUMBER("max_fragment_length", 1, fragment_length), { 0 } };

FIELDS(responder_id) = { OPAQUE("responder_id", 2), { 0 } };
FIELDS(status_request) = {
	NUMBER("status_type", 1, status_type),
	LIST("responder_id_list", 2, responder_id),
	OPAQUE("request_extensions", 2),
	{ 0 },
};

FIELDS(group) = { NUMBER("", 2, trace_group), { 0 } };
FIELDS(groups) = { LIST("named_group_list", 2, group), { 0 } };

FIELDS(format) = { NUMBER("", 1, point_format), { 0 } };
FIELDS(formats) = { LIST("ec_point_format_list", 1, format), { 0 } };

FIELDS(scheme) = { NUMBER("", 2, trace_scheme), { 0 } };
FIELDS(schemes) = { LIST("algorithms", 2, scheme), { 0 } };

FIELDS(protocol) = { TEXT("protocol_name", 1), { 0 } };
FIELDS(protocols) = { LIST("protocol_name_list", 2, protocol), { 0 } };

FIELDS(sct_parts) = {
	NUMBER("version", 1, NULL),
	BYTES("log_id", 32),
	NUMBER("timestamp", 8, NULL),
	OPAQUE("extensions", 2),
	NUMBER("algorithm", 2, trace_scheme),
	OPAQUE("signature", 2),
	{ 0 },
};
FIELDS(sct) = { LIST("sct", 2, sct_parts), { 0 } };
FIELDS(scts) = { LIST("sct_list", 2, sct), { 0 } };

FIELDS(padding) = { REST("zeros"), { 0 } };
FIELDS(record_size_limit) = { NUMBER("record_size_limit", 2, NULL), { 0 } };
FIELDS(session_ticket) = { REST("ticket"), { 0 } };

FIELDS(version) = { NUMBER("selected_version", 2, trace_version), { 0 } };
FIELDS(versions) = { LIST("versions", 1, version), { 0 } };

FIELDS(mode) = { NUMBER("", 1, psk_mode), { 0 } };
FIELDS(modes) = { LIST("ke_modes", 1, mode), { 0 } };

FIELDS(key_share) = { NUMBER("group", 2, trace_group), OPAQUE("key_exchange", 2), { 0 } };
FIELDS(key_shares) = { LIST("client_shares", 2, key_share), { 0 } };

FIELDS(renegotiation_info) = { OPAQUE("renegotiated_connection", 1), { 0 } };

/* ---- the table ---------------------------------------------------------------------- */

static const struct extension {
	uint16_t type;
	const char *name, *where;
	const struct trace_field *client, *server;
} extensions[] = {
	{ 0, "server_name", "RFC 6066 3", server_name_list, empty },
	{ 1, "max_fragment_length", "RFC 6066 4", max_fragment_length, max_fragment_length },
	{ 5, "status_request", "RFC 6066 8", status_request, empty },
	{ 10, "supported_groups", "RFC 8422 5.1.1, RFC 7919", groups, groups },
	{ 11, "ec_point_formats", "RFC 8422 5.1.2", formats, formats },
	{ 13, "signature_algorithms", "RFC 5246 7.4.1.4.1", schemes, schemes },
	{ 16, "application_layer_protocol_negotiation", "RFC 7301", protocols, protocols },
	{ 17, "status_request_v2", "RFC 6961", bytes, empty },
	{ 18, "signed_certificate_timestamp", "RFC 6962 3.3.1", empty, scts },
	{ 21, "padding", "RFC 7685", padding, padding },
	{ 22, "encrypt_then_mac", "RFC 7366", empty, empty },
	{ 23, "extended_master_secret", "RFC 7627", empty, empty },
	{ 27, "compress_certificate", "RFC 8879", bytes, bytes },
	{ 28, "record_size_limit", "RFC 8449", record_size_limit, record_size_limit },
	{ 34, "delegated_credential", "RFC 9345", bytes, bytes },
	{ 35, "session_ticket", "RFC 5077 3.2", session_ticket, session_ticket },
	{ 41, "pre_shared_key", "RFC 8446 4.2.11", bytes, bytes },
	{ 42, "early_data", "RFC 8446 4.2.10", bytes, bytes },
	{ 43, "supported_versions", "RFC 8446 4.2.1", versions, version },
	{ 44, "cookie", "RFC 8446 4.2.2", bytes, bytes },
	{ 45, "psk_key_exchange_modes", "RFC 8446 4.2.9", modes, bytes },
	{ 47, "certificate_authorities", "RFC 8446 4.2.4", bytes, bytes },
	{ 49, "post_handshake_auth", "RFC 8446 4.2.6", empty, empty },
	{ 50, "signature_algorithms_cert", "RFC 8446 4.2.3", schemes, schemes },
	{ 51, "key_share", "RFC 8446 4.2.8", key_shares, key_share },
	{ 13172, "next_protocol_negotiation", "draft", bytes, bytes },
	{ 17513, "application_settings", "draft", bytes, bytes },
	{ 0xfe0d, "encrypted_client_hello", "RFC 9849", bytes, bytes },
	{ 0xff01, "renegotiation_info", "RFC 5746 3.2", renegotiation_info, renegotiation_info },
};

static const struct extension *find(uint16_t type)
{
	static const struct extension grease = { 0, "GREASE", "RFC 8701", bytes, bytes };
	static const struct extension unknown = { 0, "unknown", "?", bytes, bytes };

	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
		if (extensions[i].type == type)
			return &extensions[i];
	return trace_is_grease(type) ? &grease : &unknown;
}

static void show_extension(struct trace_page *page, struct trace_in *in, bool is_client)
{
	uint16_t type = trace_number(in, 2);
	struct trace_in content = trace_vector(in, 2);
	const struct extension *row = find(type);
	const struct trace_field *fields = is_client ? row->client : row->server;
	char title[80];

	if (content.bad)
		return;
	snprintf(title, sizeof(title), "extension %s (%u)%s", row->name, type,
		 content.len ? "" : ": empty");
	trace_begin(page, title);
	trace_where(page, row->where);
	/* Empty where it need not be: a ticket that is not there yet, say. */
	if (content.len || (fields[0].name && fields[0].kind != TRACE_REST))
		trace_block(page, content, fields);
}

static void client_extension(struct trace_page *page, struct trace_in *in)
{
	show_extension(page, in, true);
}

static void server_extension(struct trace_page *page, struct trace_in *in)
{
	show_extension(page, in, false);
}

/* A hello may end before it has any. */
void trace_client_extensions(struct trace_page *page, struct trace_in *in)
{
	FIELDS(one) = { SHOW("", client_extension), { 0 } };
	FIELDS(all) = { LIST("extensions", 2, one), { 0 } };

	if (in->len)
		trace_fields(page, in, all);
}

void trace_server_extensions(struct trace_page *page, struct trace_in *in)
{
	FIELDS(one) = { SHOW("", server_extension), { 0 } };
	FIELDS(all) = { LIST("extensions", 2, one), { 0 } };

	if (in->len)
		trace_fields(page, in, all);
}
