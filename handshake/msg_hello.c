// SPDX-License-Identifier: MIT
/* ClientHello, ServerHello and ServerHelloDone: RFC 5246 7.4.1, 7.4.5. */
#include <string.h>
#include <openssl/rand.h>

#include "hs_internal.h"

#define EMPTY_RENEGOTIATION_INFO_SCSV 0x00ff /* RFC 5746 3.3 */

/* ---- ClientHello ------------------------------------------------------------------ */

int client_hello_send(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_out *out = &hs->out;
	size_t suites;

	(void)body;
	if (RAND_bytes(hs->client_random, HS_RANDOM_LEN) != 1)
		return hs_fault(hs, "no random numbers");
	wire_put_u16(out, HS_VERSION);
	wire_put_bytes(out, hs->client_random, HS_RANDOM_LEN);
	wire_put_u8(out, 0); /* session_id: empty */
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

static const struct hs_scheme *choose_scheme(const struct rtls_hs *hs,
					     const struct hs_identity *identity)
{
	for (size_t i = 0; i < hs->config->schemes_len; i++) {
		const struct hs_scheme *scheme = hs->config->schemes[i];

		if (hs->offered_schemes & 1u << (scheme - hs_schemes) &&
		    hs_scheme_fits(scheme, identity->key))
			return scheme;
	}
	return NULL;
}

/* Can this identity serve this suite to this client? Then it is chosen. */
static bool try_identity(struct rtls_hs *hs, const struct hs_suite *suite,
			 const struct hs_identity *identity)
{
	/* RFC 8422 5.1: an ECDSA certificate's curve must be among the client's groups. */
	if (hs_key_auth(identity->kind) != suite->auth ||
	    (identity->group && !is_offered_group(hs, identity->group)))
		return false;
	if (suite->kx == HS_KX_RSA) {
		if (identity->kind != HS_KEY_RSA)
			return false;
	} else {
		hs->group = choose_group(hs, suite);
		hs->scheme = choose_scheme(hs, identity);
		if (!hs->group || !hs->scheme)
			return false;
	}
	hs->suite = suite;
	hs->identity = identity;
	return true;
}

static bool try_suite(struct rtls_hs *hs, const struct hs_suite *suite, int match)
{
	for (size_t i = 0; i < hs->config->identities_len; i++) {
		const struct hs_identity *identity = &hs->config->identities[i];

		if ((!match || hs_identity_match(identity, hs->server_name) == match) &&
		    try_identity(hs, suite, identity))
			return true;
	}
	return false;
}

static bool is_configured(const struct rtls_hs *hs, const struct hs_suite *suite)
{
	for (size_t i = 0; i < hs->config->suites_len; i++)
		if (hs->config->suites[i] == suite)
			return true;
	return false;
}

/* The suites that both have, in the order of whose preference counts. */
static bool try_suites(struct rtls_hs *hs, int match)
{
	bool ours = hs->config->server_preference;
	size_t len = ours ? hs->config->suites_len : hs->suites_order_len;

	for (size_t i = 0; i < len; i++) {
		const struct hs_suite *suite =
			ours ? hs->config->suites[i] : &hs_suites[hs->suites_order[i]];

		if (hs->offered_suites & 1u << (suite - hs_suites) && is_configured(hs, suite) &&
		    try_suite(hs, suite, match))
			return true;
	}
	return false;
}

/* An identity that bears the name asked for goes before one that does not. */
static int negotiate(struct rtls_hs *hs)
{
	for (int match = hs->server_name[0] ? 2 : 0; match >= 0; match--)
		if (try_suites(hs, match))
			return 0;
	return hs_violation(hs, HS_V_NO_COMMON_SUITE);
}

int client_hello_recv(struct rtls_hs *hs, struct wire_in *body)
{
	uint16_t version = wire_get_u16(body);
	const uint8_t *random = wire_get_bytes(body, HS_RANDOM_LEN);
	struct wire_in session_id = wire_get_vector(body, 1, 0);
	struct wire_in suites = wire_get_vector(body, 2, 2);
	struct wire_in compressions = wire_get_vector(body, 1, 1);
	int ret;

	if (body->bad || session_id.len > 32 || suites.len % 2)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (version < HS_VERSION)
		return hs_violation(hs, HS_V_CLIENT_VERSION);
	if (!memchr(compressions.data, 0, compressions.len))
		return hs_violation(hs, HS_V_NO_NULL_COMPRESSION);
	memcpy(hs->client_random, random, HS_RANDOM_LEN);
	hs->client_version = version;
	read_suites(hs, suites);
	/* Without supported_groups any will do, RFC 8422 5.1; P-256 is what such a client knows. */
	hs->offered_groups = 1u << (hs_group_by_name("P-256", 5) - hs_groups);
	ret = hs_extensions_recv(hs, body);
	if (!ret)
		ret = negotiate(hs);
	if (!ret && hs_transcript_start(&hs->transcript, hs->worker->md[hs->suite->hash]))
		ret = hs_fault(hs, "starting the transcript failed");
	return ret;
}

/* ---- ServerHello ------------------------------------------------------------------ */

int server_hello_send(struct rtls_hs *hs, struct wire_in *body)
{
	struct wire_out *out = &hs->out;

	(void)body;
	if (RAND_bytes(hs->server_random, HS_RANDOM_LEN) != 1)
		return hs_fault(hs, "no random numbers");
	wire_put_u16(out, HS_VERSION);
	wire_put_bytes(out, hs->server_random, HS_RANDOM_LEN);
	wire_put_u8(out, 0); /* session_id: not to be resumed */
	wire_put_u16(out, hs->suite->id);
	wire_put_u8(out, 0); /* compression_method: null */
	hs_extensions_send(hs);
	return 0;
}

int server_hello_recv(struct rtls_hs *hs, struct wire_in *body)
{
	uint16_t version = wire_get_u16(body);
	const uint8_t *random = wire_get_bytes(body, HS_RANDOM_LEN);
	struct wire_in session_id = wire_get_vector(body, 1, 0);
	const struct hs_suite *suite = hs_suite_by_id(wire_get_u16(body));
	uint8_t compression = wire_get_u8(body);
	int ret;

	if (body->bad || session_id.len > 32)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (version != HS_VERSION)
		return hs_violation(hs, HS_V_SERVER_VERSION);
	if (!suite || !is_configured(hs, suite))
		return hs_violation(hs, HS_V_SUITE_NOT_OFFERED);
	if (compression)
		return hs_violation(hs, HS_V_SERVER_COMPRESSION);
	memcpy(hs->server_random, random, HS_RANDOM_LEN);
	hs->suite = suite;
	ret = hs_extensions_recv(hs, body);
	if (ret)
		return ret;
	/* RFC 5746 4.1: a server without it may be in the middle of somebody else's session. */
	if (!hs_extension_seen(hs, HS_EXT_RENEGOTIATION_INFO))
		return hs_violation(hs, HS_V_NO_RENEGOTIATION_INFO);
	if (hs_transcript_start(&hs->transcript, hs->worker->md[suite->hash]))
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
	return wire_is_done(body) ? 0 : hs_violation(hs, HS_V_MESSAGE_SYNTAX);
}
