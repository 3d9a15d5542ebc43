// SPDX-License-Identifier: MIT
/* ClientHello, ServerHello and ServerHelloDone: RFC 5246 7.4.1, 7.4.5. */
#include <string.h>
#include <openssl/rand.h>

#include "hs_internal.h"

#define EMPTY_RENEGOTIATION_INFO_SCSV 0x00ff /* RFC 5746 3.3 */
#define FALLBACK_SCSV                 0x5600 /* RFC 7507 */

/* ---- ClientHello ------------------------------------------------------------------ */

/* RFC 5077 3.4: an ID of our own beside a ticket, so that ServerHello tells if it was taken. */
static bool offer_session(struct rtls_hs *hs)
{
	const struct hs_session *session = &hs->session;

	hs_session_offer(hs);
	if (!hs->session_offered)
		return true;
	hs->client_id_len = session->ticket.len ? HS_SESSION_ID_MAX : session->id_len;
	memcpy(hs->client_id, session->id, session->id_len);
	return !session->ticket.len || RAND_bytes(hs->client_id, HS_SESSION_ID_MAX) == 1;
}

int client_hello_send(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_out *out = &hs->out;
	size_t suites, session_id;

	(void)body;
	if (RAND_bytes(hs->client_random, HS_RANDOM_LEN) != 1 || !offer_session(hs))
		return hs_fault(hs, "no random numbers");
	wire_put_u16(out, HS_VERSION);
	wire_put_bytes(out, hs->client_random, HS_RANDOM_LEN);
	session_id = wire_begin_vector(out, 1);
	wire_put_bytes(out, hs->client_id, hs->client_id_len);
	wire_end_vector(out, session_id, 1);
	suites = wire_begin_vector(out, 2);
	for (size_t i = 0; i < hs->config->suites_len; i++)
		wire_put_u16(out, hs->config->suites[i]->id);
	wire_end_vector(out, suites, 2);
	wire_put_u8(out, 1);
	wire_put_u8(out, 0); /* compression_methods: null */
	hs_extensions_send(hs);
	return 0;
}

static void read_suites(struct rtls_hs *hs, struct wire_in suites)
{
	while (wire_more(&suites)) {
		uint16_t id = wire_get_u16(&suites);
		const struct hs_suite *suite = hs_suite_by_id(id);
		size_t index = suite - hs_suites;

		if (suite && !(hs->offered_suites & 1u << index)) {
			hs->offered_suites |= 1u << index;
			hs->suites_order[hs->suites_order_len++] = index;
		}
		if (id == EMPTY_RENEGOTIATION_INFO_SCSV)
			hs->renegotiation_scsv = true;
		if (id == FALLBACK_SCSV)
			hs->fallback_scsv = true;
	}
}

/* ---- what the server chooses ------------------------------------------------------ */

static bool is_offered_group(const struct rtls_hs *hs, const struct hs_group *group)
{
	return hs->offered_groups & 1u << (group - hs_groups);
}

/*
 * Our first group of the suite's kind that the client has. RFC 7919 4: a client that names no
 * group of DHE at all takes any.
 */
static const struct hs_group *choose_group(const struct rtls_hs *hs, const struct hs_suite *suite)
{
	for (size_t i = 0; i < hs->config->groups_len; i++) {
		const struct hs_group *group = hs->config->groups[i];

		if ((group->kind == HS_GROUP_FF) != (suite->kx == HS_KX_DHE))
			continue;
		if (is_offered_group(hs, group) ||
		    (group->kind == HS_GROUP_FF && !hs->offered_ff))
			return group;
	}
	return NULL;
}

/* Can this identity serve this suite to this client? Then it is chosen. */
static bool try_identity(struct rtls_hs *hs, const struct hs_suite *suite,
			 const struct hs_identity *identity)
{
	hs->group = NULL;
	hs->scheme = NULL;
	/* RFC 8422 5.1: an ECDSA certificate's curve must be among the client's groups. */
	if (hs_key_auth(identity->kind) != suite->auth ||
	    (identity->group && !is_offered_group(hs, identity->group)))
		return false;
	if (suite->kx == HS_KX_RSA) {
		if (identity->kind != HS_KEY_RSA)
			return false;
	} else {
		hs->group = choose_group(hs, suite);
		hs->scheme = hs_choose_scheme(hs, identity);
		if (!hs->group || !hs->scheme)
			return false;
	}
	hs->suite = suite;
	hs->identity = identity;
	return true;
}

/* RFC 5246 7.4.2, RFC 8446 4.2.3: is the chain signed so that the client can check it? */
static bool is_chain_verifiable(const struct rtls_hs *hs, const struct hs_identity *identity)
{
	uint32_t schemes = hs->names_cert_schemes ? hs->offered_cert_schemes
						  : hs->offered_schemes;

	return !(identity->chain_schemes & ~schemes);
}

/* Identities to choose from: those that bear a name, or (without) all. */
struct candidates {
	const struct hs_identity_name *names;
	size_t len;
};

/* A chain that the client may not be able to check goes last, but it goes: many can. */
static bool try_suite(struct rtls_hs *hs, const struct hs_suite *suite,
		      const struct candidates *candidates)
{
	for (int strict = 1; strict >= 0; strict--)
		for (size_t i = 0; i < candidates->len; i++) {
			size_t n = candidates->names ? candidates->names[i].identity : i;
			const struct hs_identity *identity = &hs->config->identities[n];

			if ((!strict || is_chain_verifiable(hs, identity)) &&
			    try_identity(hs, suite, identity))
				return true;
		}
	return false;
}

/* The suites that both have, in the order of whose preference counts. */
static bool try_suites(struct rtls_hs *hs, const struct candidates *candidates)
{
	bool ours = hs->config->server_preference;
	size_t len = ours ? hs->config->suites_len : hs->suites_order_len;

	for (size_t i = 0; i < len; i++) {
		const struct hs_suite *suite =
			ours ? hs->config->suites[i] : &hs_suites[hs->suites_order[i]];

		if (hs->offered_suites & 1u << (suite - hs_suites) && hs_is_suite_configured(hs, suite) &&
		    try_suite(hs, suite, candidates))
			return true;
	}
	return false;
}

/* "*.example.org" for "www.example.org"; false: there is no label to leave out. */
static bool make_wildcard(const char *name, char wildcard[static HS_SERVER_NAME_MAX + 1])
{
	const char *dot = strchr(name, '.');

	if (!dot || dot == name)
		return false;
	wildcard[0] = '*';
	strcpy(wildcard + 1, dot);
	return true;
}

static bool try_name(struct rtls_hs *hs, const char *name)
{
	struct candidates candidates;

	candidates.len = hs_identities_named(hs->config, name, &candidates.names);
	return try_suites(hs, &candidates);
}

/* An identity that bears the name asked for goes before one that does not. */
static int negotiate(struct rtls_hs *hs)
{
	struct candidates all = { .len = hs->config->identities_len };
	char name[HS_SERVER_NAME_MAX + 1], wildcard[HS_SERVER_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = hs_lower(hs->server_name[i]);
	if (name[0] && (try_name(hs, name) || (make_wildcard(name, wildcard) &&
					       try_name(hs, wildcard))))
		return 0;
	return try_suites(hs, &all) ? 0 : hs_violation(hs, HS_V_NO_COMMON_SUITE);
}

int client_hello_recv(struct rtls_hs *hs, struct wire_in *body)
{
	uint16_t version = wire_get_u16(body);
	const uint8_t *random = wire_get_bytes(body, HS_RANDOM_LEN);
	struct wire_in session_id = wire_get_vector(body, 1, 0);
	struct wire_in suites = wire_get_vector(body, 2, 2);
	struct wire_in compressions = wire_get_vector(body, 1, 1);
	int ret;

	if (body->bad || session_id.len > HS_SESSION_ID_MAX || suites.len % 2)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	read_suites(hs, suites);
	if (version < HS_VERSION)
		return hs_violation(hs, hs->fallback_scsv ? HS_V_INAPPROPRIATE_FALLBACK
							  : HS_V_CLIENT_VERSION);
	if (!memchr(compressions.data, 0, compressions.len))
		return hs_violation(hs, HS_V_NO_NULL_COMPRESSION);
	memcpy(hs->client_random, random, HS_RANDOM_LEN);
	memcpy(hs->client_id, session_id.data, session_id.len);
	hs->client_id_len = session_id.len;
	hs->client_version = version;
	/* Without supported_groups any will do, RFC 8422 5.1; P-256 is what such a client knows. */
	hs->offered_groups = 1u << (hs_group_by_name("P-256", 5) - hs_groups);
	/* Without signature_algorithms it is SHA-1, RFC 5246 7.4.1.4.1, which few still allow. */
	hs->offered_schemes = hs_read_schemes(wire_in((const uint8_t[]){ 2, 1, 2, 3 }, 4));
	ret = hs_extensions_recv(hs, body);
	/* RFC 8449 5: a server that knows both goes by record_size_limit. */
	if (hs->record_size_limit)
		hs->max_fragment_length = 0;
	if (!ret)
		ret = negotiate(hs);
	if (!ret)
		ret = hs_session_resume(hs);
	if (!ret && hs_transcript_start(&hs->transcript, hs->worker->md[hs->suite->hash],
					hs->config->client_auth && !hs->resumed))
		ret = hs_fault(hs, "starting the transcript failed");
	return ret;
}

/* ---- ServerHello ------------------------------------------------------------------ */

/* A session without an extended master secret would never be resumed: RFC 7627 5.3. */
static bool choose_session_id(struct rtls_hs *hs)
{
	const struct rtls_config *config = hs->config;
	bool keeps = hs->extended_master_secret && (!hs->resumed || hs->renew_ticket);

	hs->promises_ticket = keeps && config->ticket_keys && !config->no_tickets &&
			      hs_extension_seen(hs, HS_EXT_SESSION_TICKET);
	if (hs->resumed) {
		memcpy(hs->session_id, hs->client_id, hs->client_id_len);
		hs->session_id_len = hs->client_id_len;
	} else if (keeps && config->session_store && !hs->promises_ticket) {
		hs->session_id_len = HS_SESSION_ID_MAX;
		return RAND_bytes(hs->session_id, HS_SESSION_ID_MAX) == 1;
	}
	return true;
}

int server_hello_send(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_out *out = &hs->out;
	size_t session_id;

	(void)body;
	if (RAND_bytes(hs->server_random, HS_RANDOM_LEN) != 1 || !choose_session_id(hs))
		return hs_fault(hs, "no random numbers");
	wire_put_u16(out, HS_VERSION);
	wire_put_bytes(out, hs->server_random, HS_RANDOM_LEN);
	session_id = wire_begin_vector(out, 1);
	wire_put_bytes(out, hs->session_id, hs->session_id_len);
	wire_end_vector(out, session_id, 1);
	wire_put_u16(out, hs->suite->id);
	wire_put_u8(out, 0); /* compression_method: null */
	hs_extensions_send(hs);
	return 0;
}

/* Our session, or a new one with this ID. */
static void note_session(struct rtls_hs *hs, struct wire_in session_id)
{
	hs->resumed = hs->session_offered && session_id.len == hs->client_id_len &&
		      !memcmp(session_id.data, hs->client_id, session_id.len);
	if (hs->resumed)
		return;
	hs_session_clear(&hs->session);
	memcpy(hs->session.id, session_id.data, session_id.len);
	hs->session.id_len = session_id.len;
}

static int check_resumption(struct rtls_hs *hs)
{
	if (hs->suite->id != hs->session.suite)
		return hs_violation(hs, HS_V_SESSION_SUITE_CHANGED);
	return hs->extended_master_secret ? 0
					  : hs_violation(hs, HS_V_EXTENDED_MASTER_SECRET_DROPPED);
}

int server_hello_recv(struct rtls_hs *hs, struct wire_in *body)
{
	uint16_t version = wire_get_u16(body);
	const uint8_t *random = wire_get_bytes(body, HS_RANDOM_LEN);
	struct wire_in session_id = wire_get_vector(body, 1, 0);
	const struct hs_suite *suite = hs_suite_by_id(wire_get_u16(body));
	uint8_t compression = wire_get_u8(body);
	int ret;

	if (body->bad || session_id.len > HS_SESSION_ID_MAX)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (version != HS_VERSION)
		return hs_violation(hs, HS_V_SERVER_VERSION);
	if (!hs_is_suite_configured(hs, suite))
		return hs_violation(hs, HS_V_SUITE_NOT_OFFERED);
	if (compression)
		return hs_violation(hs, HS_V_SERVER_COMPRESSION);
	memcpy(hs->server_random, random, HS_RANDOM_LEN);
	hs->suite = suite;
	note_session(hs, session_id);
	ret = hs_extensions_recv(hs, body);
	if (!ret && hs->resumed)
		ret = check_resumption(hs);
	if (ret)
		return ret;
	/* RFC 5746 4.1: a server without it may be in the middle of somebody else's session. */
	if (!hs_extension_seen(hs, HS_EXT_RENEGOTIATION_INFO))
		return hs_violation(hs, HS_V_NO_RENEGOTIATION_INFO);
	if (hs_transcript_start(&hs->transcript, hs->worker->md[suite->hash],
				hs->config->identities_len && !hs->resumed))
		return hs_fault(hs, "starting the transcript failed");
	return 0;
}

/* ---- ServerHelloDone -------------------------------------------------------------- */

int server_hello_done_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)hs, (void)body;
	return 0;
}

int server_hello_done_recv(struct rtls_hs *hs, struct wire_in *body)
{
	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (hs->config->require_staple && !hs->status_seen)
		return hs_violation(hs, HS_V_STATUS_MISSING);
	if (!hs->identity)
		hs_transcript_forget(&hs->transcript); /* nothing will be signed */
	return 0;
}
