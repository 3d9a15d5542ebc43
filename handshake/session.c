// SPDX-License-Identifier: MIT
/*
 * Sessions that can be resumed: RFC 5246 7.3 figure 2. What makes one up, what it is bound
 * to, and whether it may be resumed here and now. It is kept encoded: by its ID or the
 * server's name in a store, or sealed in a ticket.
 */
#include <string.h>
#include <openssl/err.h>

#include "hs_internal.h"

#define ENCODING       1
#define FLAG_EMS       1

void hs_session_clear(struct hs_session *session)
{
	wire_clear(&session->ticket);
	wire_clear(&session->chain);
	*session = (struct hs_session){ 0 };
}

/* ---- as bytes -------------------------------------------------------------------------- */

int hs_session_encode(const struct rtls_hs *hs, struct wire_out *out)
{
	const struct hs_session *session = &hs->session;
	size_t vector;

	wire_put_u8(out, ENCODING);
	wire_put_u16(out, session->suite);
	wire_put_u8(out, session->extended_master_secret ? FLAG_EMS : 0);
	wire_put_u8(out, session->max_fragment_length);
	wire_put_u64(out, session->created);
	wire_put_u64(out, session->expires);
	wire_put_bytes(out, session->context, HS_CONTEXT_LEN);
	wire_put_bytes(out, hs->secrets.master, HS_MASTER_LEN);
	wire_put_u8(out, session->id_len);
	wire_put_bytes(out, session->id, session->id_len);
	vector = wire_begin_vector(out, 2);
	wire_put_bytes(out, session->ticket.data, session->ticket.len);
	wire_end_vector(out, vector, 2);
	vector = wire_begin_vector(out, 3);
	wire_put_bytes(out, session->chain.data, session->chain.len);
	wire_end_vector(out, vector, 3);
	return out->bad ? RTLS_ERR_CRYPTO : 0;
}

/* Into hs->session and hs->secrets.master; false, and nothing is there, if it makes no sense. */
bool hs_session_decode(struct rtls_hs *hs, struct wire_in in)
{
	struct hs_session *session = &hs->session;
	uint8_t encoding = wire_get_u8(&in);
	const uint8_t *context, *master;
	struct wire_in id, ticket, chain;

	hs_session_clear(session);
	session->suite = wire_get_u16(&in);
	session->extended_master_secret = wire_get_u8(&in) & FLAG_EMS;
	session->max_fragment_length = wire_get_u8(&in);
	session->created = wire_get_u64(&in);
	session->expires = wire_get_u64(&in);
	context = wire_get_bytes(&in, HS_CONTEXT_LEN);
	master = wire_get_bytes(&in, HS_MASTER_LEN);
	id = wire_get_vector(&in, 1, 0);
	ticket = wire_get_vector(&in, 2, 0);
	chain = wire_get_vector(&in, 3, 0);
	if (!wire_is_done(&in) || encoding != ENCODING || id.len > HS_SESSION_ID_MAX) {
		hs_session_clear(session);
		return false;
	}
	memcpy(session->context, context, HS_CONTEXT_LEN);
	memcpy(hs->secrets.master, master, HS_MASTER_LEN);
	memcpy(session->id, id.data, id.len);
	session->id_len = id.len;
	wire_put_bytes(&session->ticket, ticket.data, ticket.len);
	wire_put_bytes(&session->chain, chain.data, chain.len);
	return !session->ticket.bad && !session->chain.bad;
}

/* ---- what it is bound to --------------------------------------------------------------- */

/*
 * Everything that decides whose door it opens: of a server the name asked for (RFC 6066 3), the
 * identity shown, and whom it lets in; of a client the name, whom it trusts, and the
 * identities that it may have shown. By content, so that processes and machines agree.
 */
static int hash_context(const struct rtls_hs *hs, uint8_t context[static HS_CONTEXT_LEN])
{
	const struct rtls_config *config = hs->config;
	EVP_MD_CTX *digest = hs->worker->digest;
	bool is_client = hs->role == RTLS_CLIENT;
	uint8_t policy[4] = { hs->role, config->client_auth, config->verify,
			      is_client && config->require_staple };
	char name[HS_SERVER_NAME_MAX + 1];
	bool ok;

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = hs_lower(hs->server_name[i]);
	ok = EVP_DigestInit_ex2(digest, hs->worker->md[HS_SHA256], NULL) &&
	     EVP_DigestUpdate(digest, policy, sizeof(policy)) &&
	     EVP_DigestUpdate(digest, name, strlen(name) + 1);
	if (ok && (is_client || config->client_auth))
		ok = EVP_DigestUpdate(digest, config->trust_id, HS_CONTEXT_LEN);
	if (ok && !is_client)
		ok = EVP_DigestUpdate(digest, hs->identity->fingerprint, HS_CONTEXT_LEN);
	for (size_t i = 0; ok && is_client && i < config->identities_len; i++)
		ok = EVP_DigestUpdate(digest, config->identities[i].fingerprint, HS_CONTEXT_LEN);
	return ok && EVP_DigestFinal_ex(digest, context, NULL) ? 0 : RTLS_ERR_CRYPTO;
}

/* ---- may it be resumed? ---------------------------------------------------------------- */

static int64_t now(const struct rtls_hs *hs)
{
	return hs->config->now(hs->config->now_arg);
}

static bool is_fresh(const struct rtls_hs *hs)
{
	const struct hs_session *session = &hs->session;
	int64_t t = now(hs);

	return t < (int64_t)session->expires && (int64_t)session->created <= t + HS_CLOCK_SKEW_MAX &&
	       t < (int64_t)session->created + hs->config->session_lifetime;
}

/* A client whose certificate has expired, or was revoked, since then has to show another. */
static bool is_chain_still_good(struct rtls_hs *hs)
{
	struct wire_in list = wire_in(hs->session.chain.data, hs->session.chain.len);
	bool good;

	if (!list.len)
		return hs->config->client_auth != RTLS_CLIENT_AUTH_REQUIRE;
	good = !hs_chain_get(hs, list) && !hs_check_chain(hs);
	if (good)
		hs_chain_remember(hs);
	else
		hs_chain_drop(hs);
	ERR_clear_error();
	return good;
}

static bool is_suite_offered(const struct rtls_hs *hs, const struct hs_suite *suite)
{
	return hs_is_suite_configured(hs, suite) &&
	       hs->offered_suites & 1u << (suite - hs_suites);
}

/* Fills in hs->session from the ticket or the session ID that the client has sent. */
static bool find_session(struct rtls_hs *hs)
{
	const struct rtls_config *config = hs->config;
	struct wire_out encoded = { 0 };
	bool found = false;

	/* RFC 5077 3.4: with a ticket the session ID is only an echo. */
	if (hs->offered_ticket.len && config->ticket_keys && !config->no_tickets)
		found = hs_ticket_open(hs, hs->offered_ticket, &encoded);
	else if (hs->client_id_len == HS_SESSION_ID_MAX && config->session_store)
		found = hs->session_from_store =
			hs_store_get(config->session_store, hs->client_id, now(hs), &encoded);
	found = found && hs_session_decode(hs, wire_in(encoded.data, encoded.len));
	wire_clear(&encoded);
	return found;
}

/* Does what the ClientHello asks for agree with the session? 0: it does not; or an error. */
static int fits(struct rtls_hs *hs)
{
	const struct hs_suite *suite = hs_suite_by_id(hs->session.suite);
	uint8_t context[HS_CONTEXT_LEN];

	/* RFC 7627 5.3, of all orders: with it then and without it now is an attack. */
	if (hs->session.extended_master_secret && !hs->extended_master_secret)
		return hs_violation(hs, HS_V_EXTENDED_MASTER_SECRET_DROPPED);
	if (!hs->session.extended_master_secret || !is_suite_offered(hs, suite) ||
	    hs->session.max_fragment_length != hs->max_fragment_length || !is_fresh(hs))
		return 0;
	if (hash_context(hs, context))
		return hs_fault(hs, "hashing a session's context failed");
	if (CRYPTO_memcmp(context, hs->session.context, HS_CONTEXT_LEN) ||
	    !is_chain_still_good(hs))
		return 0;
	return 1;
}

int hs_session_resume(struct rtls_hs *hs)
{
	int ret = find_session(hs) ? fits(hs) : 0;

	if (ret <= 0) {
		hs_session_clear(&hs->session);
		return ret;
	}
	hs->resumed = true;
	hs->suite = hs_suite_by_id(hs->session.suite);
	hs->group = NULL;
	hs->scheme = NULL;
	return 0;
}

/* ---- a server's new session -------------------------------------------------------------- */

/* What is known when the handshake is over, and will be checked when it is resumed. */
static int fill_in(struct rtls_hs *hs)
{
	struct hs_session *session = &hs->session;

	session->suite = hs->suite->id;
	session->extended_master_secret = hs->extended_master_secret;
	session->max_fragment_length = hs->max_fragment_length;
	session->created = now(hs);
	session->expires = session->created + hs->config->session_lifetime;
	return hash_context(hs, session->context);
}

uint32_t hs_session_time_left(const struct rtls_hs *hs)
{
	int64_t lifetime = hs->config->session_lifetime;

	if (!hs->resumed)
		return lifetime;
	lifetime -= now(hs) - (int64_t)hs->session.created;
	return lifetime > 0 ? lifetime : 1;
}

int hs_session_seal(struct rtls_hs *hs, struct wire_out *ticket)
{
	struct wire_out encoded = { 0 };
	int ret = hs->resumed ? 0 : fill_in(hs);

	if (!ret)
		ret = hs_session_encode(hs, &encoded);
	if (!ret)
		ret = hs_ticket_seal(hs, wire_in(encoded.data, encoded.len), ticket);
	wire_clear(&encoded);
	return ret;
}

static int server_keep(struct rtls_hs *hs)
{
	struct wire_out encoded = { 0 };
	int ret;

	if (!hs->session_id_len || hs->resumed)
		return 0;
	ret = fill_in(hs);
	if (!ret)
		ret = hs_session_encode(hs, &encoded);
	if (!ret && encoded.len <= HS_SESSION_MAX)
		hs_store_put(hs->config->session_store, hs->session_id, hs->session.expires,
			     wire_in(encoded.data, encoded.len));
	wire_clear(&encoded);
	return ret;
}

/* ---- a client's ---------------------------------------------------------------------------- */

/* Of a server's chain the application is asked again; a session without one is none. */
static bool is_server_still_welcome(struct rtls_hs *hs)
{
	bool welcome;

	if (!hs->config->verify_callback)
		return true;
	welcome = !hs_chain_get(hs, wire_in(hs->session.chain.data, hs->session.chain.len)) &&
		  !hs_ask_about_chain(hs);
	hs_chain_drop(hs);
	ERR_clear_error();
	return welcome;
}

void hs_session_offer(struct rtls_hs *hs)
{
	struct rtls_session_store *store = hs->config->session_store;
	struct wire_out encoded = { 0 };
	uint8_t key[HS_CONTEXT_LEN];
	bool good;

	if (!store || hash_context(hs, key) || !hs_store_get(store, key, now(hs), &encoded))
		return;
	good = hs_session_decode(hs, wire_in(encoded.data, encoded.len)) && is_fresh(hs) &&
	       !CRYPTO_memcmp(key, hs->session.context, HS_CONTEXT_LEN) &&
	       hs_is_suite_configured(hs, hs_suite_by_id(hs->session.suite)) &&
	       is_server_still_welcome(hs);
	wire_clear(&encoded);
	if (good)
		hs->session_offered = true;
	else
		hs_session_clear(&hs->session);
}

/* The session of a full handshake takes the old one's place; so does a new ticket. */
static int client_keep(struct rtls_hs *hs)
{
	struct rtls_session_store *store = hs->config->session_store;
	struct hs_session *session = &hs->session;
	struct wire_out encoded = { 0 };
	uint8_t key[HS_CONTEXT_LEN];
	int64_t until = session->expires; /* of the certificates, or as it was */
	int ret;

	if (!store || (hs->resumed && !hs->new_ticket))
		return 0;
	ret = hash_context(hs, key);
	if (ret)
		return ret;
	if (!hs->extended_master_secret || (!session->ticket.len && !session->id_len)) {
		hs_store_remove(store, key); /* not to be resumed */
		return 0;
	}
	if (!hs->resumed)
		ret = fill_in(hs);
	/* RFC 5077 3.3: from now on, also where the session is older than its new ticket. */
	if (hs->ticket_lifetime && (int64_t)session->expires > now(hs) + hs->ticket_lifetime)
		session->expires = now(hs) + hs->ticket_lifetime;
	if (until && (int64_t)session->expires > until)
		session->expires = until;
	if (!ret)
		ret = hs_session_encode(hs, &encoded);
	if (!ret && encoded.len <= HS_SESSION_MAX)
		hs_store_put(store, key, session->expires, wire_in(encoded.data, encoded.len));
	wire_clear(&encoded);
	return ret;
}

int hs_session_keep(struct rtls_hs *hs, struct wire_in *body)
{
	int ret = 0;

	(void)body;
	if (hs->config->session_store)
		ret = hs->role == RTLS_CLIENT ? client_keep(hs) : server_keep(hs);
	return ret ? hs_fault(hs, "keeping the session failed") : 0;
}

/* RFC 5246 7.2.2: what has ended in a fatal alert is not resumed again. */
void hs_session_drop(struct rtls_hs *hs)
{
	struct rtls_session_store *store = hs->config->session_store;
	uint8_t key[HS_CONTEXT_LEN];

	if (!store)
		return;
	/* Before its ChangeCipherSpec a client has proved nothing, and may be anybody. */
	if (hs->role == RTLS_SERVER && hs->session_from_store && hs->read_protected)
		hs_store_remove(store, hs->client_id);
	if (hs->role == RTLS_CLIENT && hs->session_offered && !hash_context(hs, key))
		hs_store_remove(store, key);
}
