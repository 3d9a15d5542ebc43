// SPDX-License-Identifier: MIT
/*
 * Hello extensions: one table, a row each with its four functions, RFC 5246 7.4.1.4.
 * An unknown extension of a client's is skipped; a server may answer only what was offered.
 */
#include <string.h>

#include "hs_internal.h"

#define EXTENSIONS_MAX 64 /* in one hello; browsers send about 20 */

/* ---- server_name, RFC 6066 3 -------------------------------------------------- */

static bool has_name_to_send(const struct rtls_hs *hs)
{
	return hs->server_name[0] && !hs->server_name_is_ip;
}

static void server_name_offer(struct rtls_hs *hs)
{
	size_t list = wire_begin_vector(&hs->out, 2), name;

	wire_put_u8(&hs->out, 0); /* host_name */
	name = wire_begin_vector(&hs->out, 2);
	wire_put_bytes(&hs->out, hs->server_name, strlen(hs->server_name));
	wire_end_vector(&hs->out, name, 2);
	wire_end_vector(&hs->out, list, 2);
}

bool hs_is_host_name(const char *name, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	char before = '.';

	for (size_t i = 0; i < len; before = name[i++])
		if (!name[i] || !strchr(allowed, name[i]) || (name[i] == '.' && before == '.'))
			return false;
	return before != '.' && len <= HS_SERVER_NAME_MAX;
}

static int server_name_offered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 2, 1);

	while (wire_more(&list)) {
		uint8_t type = wire_get_u8(&list);
		struct wire_in name = wire_get_vector(&list, 2, 1);

		if (list.bad || type != 0)
			continue;
		if (hs->server_name[0] || memchr(name.data, 0, name.len))
			return hs_violation(hs, HS_V_SERVER_NAME_BAD);
		/* An address, say, or a name not in ASCII: as if none had been sent. */
		if (hs_is_host_name((const char *)name.data, name.len))
			memcpy(hs->server_name, name.data, name.len);
	}
	in->bad |= list.bad;
	return 0;
}

/* RFC 6066 3: not when a session is resumed. */
static bool name_was_used(const struct rtls_hs *hs)
{
	return hs->server_name[0] && !hs->resumed;
}

/* ---- extended_master_secret, RFC 7627 ------------------------------------------- */

static int extended_master_secret_seen(struct rtls_hs *hs, struct wire_in *in)
{
	(void)in;
	hs->extended_master_secret = true;
	return 0;
}

/* ---- renegotiation_info, RFC 5746 ------------------------------------------------ */

static void renegotiation_info_put(struct rtls_hs *hs)
{
	wire_put_u8(&hs->out, 0); /* no renegotiation: nothing to bind to */
}

static int renegotiation_info_seen(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in renegotiated_connection = wire_get_vector(in, 1, 0);

	if (!in->bad && renegotiated_connection.len)
		return hs_violation(hs, HS_V_RENEGOTIATION_INFO);
	return 0;
}

static bool renegotiation_info_asked(const struct rtls_hs *hs)
{
	return hs->renegotiation_scsv || hs_extension_seen(hs, HS_EXT_RENEGOTIATION_INFO);
}

/* ---- supported_groups and ec_point_formats, RFC 8422 5.1 --------------------------- */

static void supported_groups_offer(struct rtls_hs *hs)
{
	size_t list = wire_begin_vector(&hs->out, 2);

	for (size_t i = 0; i < hs->config->groups_len; i++)
		wire_put_u16(&hs->out, hs->config->groups[i]->id);
	wire_end_vector(&hs->out, list, 2);
}

static int supported_groups_offered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 2, 2);

	hs->offered_groups = 0;
	while (wire_more(&list)) {
		uint16_t id = wire_get_u16(&list);
		const struct hs_group *group = hs_group_by_id(id);

		/* RFC 7919 2: 256 to 511 are groups of DHE. */
		hs->offered_ff |= id >> 8 == 1;
		if (group)
			hs->offered_groups |= 1u << (group - hs_groups);
	}
	in->bad |= list.bad;
	return 0;
}

/* RFC 8422 5.1 has no answer, but some servers send one all the same. */
static int supported_groups_answered(struct rtls_hs *hs, struct wire_in *in)
{
	(void)hs;
	wire_get_bytes(in, in->len);
	return 0;
}

static void ec_point_formats_put(struct rtls_hs *hs)
{
	wire_put_u8(&hs->out, 1);
	wire_put_u8(&hs->out, 0); /* uncompressed */
}

static int ec_point_formats_seen(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 1, 1);

	if (!in->bad && !memchr(list.data, 0, list.len))
		return hs_violation(hs, HS_V_POINT_FORMATS);
	return 0;
}

static bool ec_point_formats_asked(const struct rtls_hs *hs)
{
	return hs_extension_seen(hs, HS_EXT_EC_POINT_FORMATS);
}

/* ---- signature_algorithms, RFC 5246 7.4.1.4.1 --------------------------------------- */

static void signature_algorithms_offer(struct rtls_hs *hs)
{
	size_t list = wire_begin_vector(&hs->out, 2);

	for (size_t i = 0; i < hs->config->schemes_len; i++)
		wire_put_u16(&hs->out, hs->config->schemes[i]->id);
	wire_end_vector(&hs->out, list, 2);
}

static int signature_algorithms_offered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 2, 2);

	in->bad |= list.len % 2;
	hs->offered_schemes = hs_read_schemes(list);
	return 0;
}

/* ---- ALPN, RFC 7301 ------------------------------------------------------------------ */

static bool has_alpn(const struct rtls_hs *hs)
{
	return hs->config->alpn.len > 0;
}

static void alpn_offer(struct rtls_hs *hs)
{
	size_t list = wire_begin_vector(&hs->out, 2);

	wire_put_bytes(&hs->out, hs->config->alpn.data, hs->config->alpn.len);
	wire_end_vector(&hs->out, list, 2);
}

/* The protocol of our list that has this name; NULL if there is none. */
static const uint8_t *own_protocol(const struct rtls_hs *hs, struct wire_in name)
{
	struct wire_in own = wire_in(hs->config->alpn.data, hs->config->alpn.len);

	while (wire_more(&own)) {
		struct wire_in candidate = wire_get_vector(&own, 1, 1);

		if (candidate.len == name.len && !memcmp(candidate.data, name.data, name.len))
			return candidate.data - 1;
	}
	return NULL;
}

/* Our first that the client has too. */
static int alpn_offered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 2, 2);

	while (wire_more(&list)) {
		const uint8_t *own = own_protocol(hs, wire_get_vector(&list, 1, 1));

		if (!list.bad && own && (!hs->alpn || own < hs->alpn))
			hs->alpn = own;
	}
	in->bad |= list.bad;
	if (!in->bad && has_alpn(hs) && !hs->alpn)
		return hs_violation(hs, HS_V_ALPN_NO_COMMON);
	return 0;
}

static bool alpn_was_chosen(const struct rtls_hs *hs)
{
	return hs->alpn;
}

static void alpn_answer(struct rtls_hs *hs)
{
	size_t list = wire_begin_vector(&hs->out, 2);

	wire_put_bytes(&hs->out, hs->alpn, 1 + hs->alpn[0]);
	wire_end_vector(&hs->out, list, 2);
}

static int alpn_answered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 2, 2);
	struct wire_in name = wire_get_vector(&list, 1, 1);

	if (!wire_is_done(&list)) {
		in->bad = true;
		return 0;
	}
	hs->alpn = own_protocol(hs, name);
	return hs->alpn ? 0 : hs_violation(hs, HS_V_ALPN_NOT_OFFERED);
}

/* ---- supported_versions, RFC 8446 4.2.1 ------------------------------------------------ */

/* Not ours to answer, but a client that lists versions without TLS 1.2 means it. */
static int supported_versions_offered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 1, 2);
	bool found = false;

	while (wire_more(&list))
		found |= wire_get_u16(&list) == HS_VERSION;
	in->bad |= list.bad;
	return in->bad || found ? 0 : hs_violation(hs, HS_V_CLIENT_VERSION);
}

/* ---- session_ticket, RFC 5077 3.2 -------------------------------------------------------- */

static bool wants_tickets(const struct rtls_hs *hs)
{
	return hs->config->session_store && !hs->config->no_tickets;
}

static void session_ticket_offer(struct rtls_hs *hs)
{
	if (hs->session_offered)
		wire_put_bytes(&hs->out, hs->session.ticket.data, hs->session.ticket.len);
}

static int session_ticket_offered(struct rtls_hs *hs, struct wire_in *in)
{
	hs->offered_ticket = wire_in(in->data, in->len);
	wire_get_bytes(in, in->len);
	return 0;
}

static bool ticket_is_promised(const struct rtls_hs *hs)
{
	return hs->promises_ticket;
}

static int session_ticket_answered(struct rtls_hs *hs, struct wire_in *in)
{
	(void)in;
	hs->promises_ticket = true;
	return 0;
}

/* ---- status_request, RFC 6066 8 --------------------------------------------------------- */

#define OCSP 1

static bool wants_staple(const struct rtls_hs *hs)
{
	return hs->config->require_staple;
}

/* Any responder, no extensions. */
static void status_request_offer(struct rtls_hs *hs)
{
	wire_put_bytes(&hs->out, (const uint8_t[]){ OCSP, 0, 0, 0, 0 }, 5);
}

/* What else there may be than OCSP is not ours to read. */
static int status_request_offered(struct rtls_hs *hs, struct wire_in *in)
{
	uint8_t type = wire_get_u8(in);

	hs->wants_status = type == OCSP;
	if (type == OCSP) {
		wire_get_vector(in, 2, 0);
		wire_get_vector(in, 2, 0);
	} else if (!in->bad) {
		wire_get_bytes(in, in->len);
	}
	return 0;
}

/* Not in an abbreviated handshake, and not one that is out of date. */
static bool has_staple(const struct rtls_hs *hs)
{
	const struct rtls_config *config = hs->config;

	return hs->wants_status && !hs->resumed && hs->identity->staple.len &&
	       (!config->now || config->now(config->now_arg) < hs->identity->staple_until);
}

static int status_request_answered(struct rtls_hs *hs, struct wire_in *in)
{
	(void)in;
	hs->promises_status = true;
	return 0;
}

/* ---- signed_certificate_timestamp, RFC 6962 3.3.1 ------------------------------------------ */

static bool has_timestamps(const struct rtls_hs *hs)
{
	return hs_extension_seen(hs, HS_EXT_SIGNED_CERTIFICATE_TIMESTAMP) && !hs->resumed &&
	       hs->identity->sct.len;
}

static void timestamps_answer(struct rtls_hs *hs)
{
	wire_put_bytes(&hs->out, hs->identity->sct.data, hs->identity->sct.len);
}

/* ---- max_fragment_length, RFC 6066 4; record_size_limit, RFC 8449 ---------------------------- */

static int max_fragment_length_offered(struct rtls_hs *hs, struct wire_in *in)
{
	uint8_t code = wire_get_u8(in);

	if (!in->bad && (code < 1 || code > 4))
		return hs_violation(hs, HS_V_FRAGMENT_LENGTH);
	hs->max_fragment_length = code;
	return 0;
}

static bool has_max_fragment_length(const struct rtls_hs *hs)
{
	return hs->max_fragment_length;
}

static void max_fragment_length_answer(struct rtls_hs *hs)
{
	wire_put_u8(&hs->out, hs->max_fragment_length);
}

static void record_size_limit_put(struct rtls_hs *hs)
{
	wire_put_u16(&hs->out, RTLS_PLAINTEXT_MAX);
}

static int record_size_limit_seen(struct rtls_hs *hs, struct wire_in *in)
{
	hs->record_size_limit = wire_get_u16(in);
	if (!in->bad && hs->record_size_limit < 64)
		return hs_violation(hs, HS_V_RECORD_SIZE_LIMIT);
	return 0;
}

static bool has_record_size_limit(const struct rtls_hs *hs)
{
	return hs->record_size_limit;
}

/* RFC 8449 4 speaks of protected records only, RFC 6066 4 of all. */
size_t hs_plaintext_max(const struct rtls_hs *hs, bool is_protected)
{
	size_t max = RTLS_PLAINTEXT_MAX;

	if (hs->max_fragment_length)
		max = 256u << hs->max_fragment_length;
	else if (is_protected && hs->record_size_limit && hs->record_size_limit < max)
		max = hs->record_size_limit;
	return max;
}

/* ---- signature_algorithms_cert, RFC 8446 4.2.3 ------------------------------------------------ */

static int signature_algorithms_cert_offered(struct rtls_hs *hs, struct wire_in *in)
{
	struct wire_in list = wire_get_vector(in, 2, 2);

	in->bad |= list.len % 2;
	hs->names_cert_schemes = true;
	hs->offered_cert_schemes = hs_read_schemes(list);
	return 0;
}

/* ---- the table --------------------------------------------------------------------------- */

static bool always(const struct rtls_hs *hs)
{
	(void)hs;
	return true;
}

static bool uses_extended_master_secret(const struct rtls_hs *hs)
{
	return hs->extended_master_secret;
}

struct extension {
	uint16_t type;
	/* In the ClientHello: does a client send it, with what content; how a server reads it. */
	bool (*is_offered)(const struct rtls_hs *hs);
	void (*offer)(struct rtls_hs *hs);
	int (*offered)(struct rtls_hs *hs, struct wire_in *in);
	/* In the ServerHello: does a server send it, with what content; how a client reads it. */
	bool (*is_answered)(const struct rtls_hs *hs);
	void (*answer)(struct rtls_hs *hs);
	int (*answered)(struct rtls_hs *hs, struct wire_in *in);
};

static const struct extension extensions[HS_EXT_COUNT] = {
	[HS_EXT_SERVER_NAME] = { 0, has_name_to_send, server_name_offer, server_name_offered,
				 name_was_used, NULL, NULL },
	[HS_EXT_EXTENDED_MASTER_SECRET] = { 23, always, NULL, extended_master_secret_seen,
					    uses_extended_master_secret, NULL,
					    extended_master_secret_seen },
	[HS_EXT_RENEGOTIATION_INFO] = { 0xff01, always, renegotiation_info_put,
					renegotiation_info_seen, renegotiation_info_asked,
					renegotiation_info_put, renegotiation_info_seen },
	[HS_EXT_SUPPORTED_GROUPS] = { 10, always, supported_groups_offer,
				      supported_groups_offered, NULL, NULL,
				      supported_groups_answered },
	[HS_EXT_EC_POINT_FORMATS] = { 11, always, ec_point_formats_put, ec_point_formats_seen,
				      ec_point_formats_asked, ec_point_formats_put,
				      ec_point_formats_seen },
	[HS_EXT_SIGNATURE_ALGORITHMS] = { 13, always, signature_algorithms_offer,
					  signature_algorithms_offered, NULL, NULL, NULL },
	[HS_EXT_ALPN] = { 16, has_alpn, alpn_offer, alpn_offered, alpn_was_chosen, alpn_answer,
			  alpn_answered },
	[HS_EXT_SESSION_TICKET] = { 35, wants_tickets, session_ticket_offer,
				    session_ticket_offered, ticket_is_promised, NULL,
				    session_ticket_answered },
	[HS_EXT_STATUS_REQUEST] = { 5, wants_staple, status_request_offer,
				    status_request_offered, has_staple, NULL,
				    status_request_answered },
	[HS_EXT_SIGNED_CERTIFICATE_TIMESTAMP] = { 18, NULL, NULL, NULL, has_timestamps,
						  timestamps_answer, NULL },
	[HS_EXT_MAX_FRAGMENT_LENGTH] = { 1, NULL, NULL, max_fragment_length_offered,
					 has_max_fragment_length, max_fragment_length_answer,
					 NULL },
	[HS_EXT_RECORD_SIZE_LIMIT] = { 28, always, record_size_limit_put, record_size_limit_seen,
				       has_record_size_limit, record_size_limit_put,
				       record_size_limit_seen },
	[HS_EXT_SIGNATURE_ALGORITHMS_CERT] = { 50, NULL, NULL, signature_algorithms_cert_offered,
					       NULL, NULL, NULL },
	[HS_EXT_SUPPORTED_VERSIONS] = { 43, NULL, NULL, supported_versions_offered, NULL, NULL,
					NULL },
};

static void extension_send(struct rtls_hs *hs, enum hs_extension index,
			   void (*content)(struct rtls_hs *hs))
{
	size_t begin;

	wire_put_u16(&hs->out, extensions[index].type);
	begin = wire_begin_vector(&hs->out, 2);
	if (content)
		content(hs);
	wire_end_vector(&hs->out, begin, 2);
	hs->extensions_sent |= 1u << index;
}

void hs_extensions_send(struct rtls_hs *hs)
{
	bool is_client = hs->role == RTLS_CLIENT;
	size_t empty = hs->out.len, begin = wire_begin_vector(&hs->out, 2);

	for (int i = 0; i < HS_EXT_COUNT; i++) {
		const struct extension *row = &extensions[i];
		bool (*wanted)(const struct rtls_hs *) = is_client ? row->is_offered
								   : row->is_answered;

		if (wanted && wanted(hs))
			extension_send(hs, i, is_client ? row->offer : row->answer);
	}
	if (hs->out.len == begin)
		hs->out.len = empty; /* none at all: old peers know no empty block */
	else
		wire_end_vector(&hs->out, begin, 2);
}

static int extension_recv(struct rtls_hs *hs, enum hs_extension index, struct wire_in *content)
{
	const struct extension *row = &extensions[index];
	int (*seen)(struct rtls_hs *, struct wire_in *) = row->offered;
	int ret = 0;

	if (hs->role == RTLS_CLIENT) {
		bool has_answer = row->is_answered || row->answered;

		if (!(hs->extensions_sent & 1u << index) || !has_answer)
			return hs_violation(hs, HS_V_EXTENSION_NOT_OFFERED);
		seen = row->answered;
	}
	hs->extensions_seen |= 1u << index;
	if (seen)
		ret = seen(hs, content);
	if (!ret && !wire_is_done(content))
		ret = hs_violation(hs, HS_V_EXTENSION_SYNTAX);
	return ret;
}

static int index_of(uint16_t type)
{
	for (int i = 0; i < HS_EXT_COUNT; i++)
		if (extensions[i].type == type)
			return i;
	return -1;
}

int hs_extensions_recv(struct rtls_hs *hs, struct wire_in *hello)
{
	uint16_t types[EXTENSIONS_MAX];
	struct wire_in list;

	if (!hello->bad && !hello->len)
		return 0;
	list = wire_get_vector(hello, 2, 0);
	for (size_t count = 0; wire_more(&list); count++) {
		uint16_t type = wire_get_u16(&list);
		struct wire_in content = wire_get_vector(&list, 2, 0);
		int index = index_of(type), ret = 0;

		if (list.bad)
			break;
		if (count == EXTENSIONS_MAX)
			return hs_violation(hs, HS_V_TOO_MANY_EXTENSIONS);
		for (size_t i = 0; i < count; i++)
			if (types[i] == type)
				return hs_violation(hs, HS_V_EXTENSION_TWICE);
		types[count] = type;
		if (index >= 0)
			ret = extension_recv(hs, index, &content);
		else if (hs->role == RTLS_CLIENT)
			ret = hs_violation(hs, HS_V_EXTENSION_NOT_OFFERED);
		if (ret)
			return ret;
	}
	if (list.bad || !wire_is_done(hello))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	return 0;
}
