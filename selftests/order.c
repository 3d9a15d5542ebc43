// SPDX-License-Identifier: MIT
/*
 * The order of messages: every path through the tables of client.c and server.c, against the
 * figures of the RFCs, written down here anew.
 */
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* ---- the figures ------------------------------------------------------------------------- */

/* What is known when the ServerHello is through, and what each side does of its own will. */
enum {
	RESUMED = 1,
	EPHEMERAL = 2, /* ECDHE or DHE */
	TICKET = 4,    /* a new one is promised */
	STATUS = 8,    /* an OCSP response is sent */
	ASKED = 16,    /* the server asks for a certificate, */
	SHOWN = 32,    /* and the client has one */
	FACTS = 64,
};

/* A message, sent by the client (C) or the server (S); of "*" ones, when. */
struct figure_row {
	const char *message;
	unsigned int with, without;
};

/*
 * RFC 5246 7.3 figure 1, with NewSessionTicket as in RFC 5077 3.1 figure 1 and
 * CertificateStatus as RFC 6066 8 has it: immediately after the Certificate.
 */
static const struct figure_row figure_1[] = {
	{ .message = "C:ClientHello" },
	{ .message = "S:ServerHello" },
	{ .message = "S:Certificate" },
	{ .message = "S:CertificateStatus", .with = STATUS },
	{ .message = "S:ServerKeyExchange", .with = EPHEMERAL }, /* 7.4.3 */
	{ .message = "S:CertificateRequest", .with = ASKED },
	{ .message = "S:ServerHelloDone" },
	{ .message = "C:Certificate", .with = ASKED | SHOWN },
	{ .message = "C:Certificate(empty)", .with = ASKED, .without = SHOWN }, /* 7.4.6 */
	{ .message = "C:ClientKeyExchange" },
	{ .message = "C:CertificateVerify", .with = ASKED | SHOWN }, /* 7.4.8 */
	{ .message = "C:[ChangeCipherSpec]" },
	{ .message = "C:Finished" },
	{ .message = "S:NewSessionTicket", .with = TICKET },
	{ .message = "S:[ChangeCipherSpec]" },
	{ .message = "S:Finished" },
	{ 0 }
};

/* Figure 2, and RFC 5077 3.1 figure 2. */
static const struct figure_row figure_2[] = {
	{ .message = "C:ClientHello" },
	{ .message = "S:ServerHello" },
	{ .message = "S:NewSessionTicket", .with = TICKET },
	{ .message = "S:[ChangeCipherSpec]" },
	{ .message = "S:Finished" },
	{ .message = "C:[ChangeCipherSpec]" },
	{ .message = "C:Finished" },
	{ 0 }
};

#define PATH_MAX_LEN 400
#define PATHS_MAX    32

/* A set of orders, each as its messages in a line. */
struct paths {
	char path[PATHS_MAX][PATH_MAX_LEN];
	size_t len;
};

static bool has_path(const struct paths *paths, const char *path)
{
	for (size_t i = 0; i < paths->len; i++)
		if (!strcmp(paths->path[i], path))
			return true;
	return false;
}

static void add_path(struct paths *paths, const char *path)
{
	if (!has_path(paths, path) && paths->len < PATHS_MAX)
		strcpy(paths->path[paths->len++], path);
}

static void add_figure(struct paths *paths, unsigned int facts)
{
	const struct figure_row *row = facts & RESUMED ? figure_2 : figure_1;
	char path[PATH_MAX_LEN] = "", *p = path;

	for (; row->message; row++)
		if ((row->with & facts) == row->with && !(row->without & facts))
			p += sprintf(p, "%s ", row->message);
	add_path(paths, path);
}

/* What the peer decides for itself; a server need not even send the status that it promised. */
static unsigned int up_to_the_peer(enum rtls_role role, unsigned int facts)
{
	return role == RTLS_CLIENT ? ASKED | (facts & STATUS) : SHOWN;
}

/* All figures that a side with these facts has to go along with. */
static void add_figures(struct paths *paths, enum rtls_role role, unsigned int facts)
{
	for (unsigned int others = 0; others < FACTS; others++)
		if (!((facts ^ others) & ~up_to_the_peer(role, facts)))
			add_figure(paths, others);
}

/* ---- the tables ----------------------------------------------------------------------------- */

static bool visited[2][64]; /* rows, by role */

static const struct hs_row *rows_of(enum rtls_role role, size_t *len)
{
	*len = role == RTLS_CLIENT ? hs_client_rows_len : hs_server_rows_len;
	return role == RTLS_CLIENT ? hs_client_rows : hs_server_rows;
}

static const char *message_name(const struct hs_row *row)
{
	static const char *const names[] = {
		[HS_CLIENT_HELLO] = "ClientHello",
		[HS_SERVER_HELLO] = "ServerHello",
		[HS_NEW_SESSION_TICKET] = "NewSessionTicket",
		[HS_CERTIFICATE] = "Certificate",
		[HS_SERVER_KEY_EXCHANGE] = "ServerKeyExchange",
		[HS_CERTIFICATE_STATUS] = "CertificateStatus",
		[HS_CERTIFICATE_REQUEST] = "CertificateRequest",
		[HS_SERVER_HELLO_DONE] = "ServerHelloDone",
		[HS_CERTIFICATE_VERIFY] = "CertificateVerify",
		[HS_CLIENT_KEY_EXCHANGE] = "ClientKeyExchange",
		[HS_FINISHED] = "Finished",
	};

	return row->type == RTLS_CHANGE_CIPHER_SPEC ? "[ChangeCipherSpec]" : names[row->message];
}

static bool is_message(const struct hs_row *row, enum hs_message message)
{
	return row->type == RTLS_HANDSHAKE && row->message == message;
}

/* Is there one before it for the same message? Then it is never come to. */
static bool is_hidden(const struct hs_row *rows, size_t n, const struct rtls_hs *hs)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].state == rows[n].state && rows[i].type == rows[n].type &&
		    rows[i].message == rows[n].message &&
		    (!rows[i].allowed || rows[i].allowed(hs)))
			return true;
	return false;
}

static void walk(struct rtls_hs hs, enum hs_state state, const char *path, struct paths *paths);

/* Over this row and on; what its handler would have noted is noted. */
static void follow(struct rtls_hs hs, const struct hs_row *row, const char *before,
		   struct paths *paths)
{
	bool waits = row->state <= HS_WAIT_FINISHED;
	bool clients = waits != (hs.role == RTLS_CLIENT);
	bool shown = hs.role == RTLS_CLIENT ? hs.identity != NULL : hs.peer_chain != NULL;
	char path[PATH_MAX_LEN];

	snprintf(path, sizeof(path), row->type ? "%s%c:%s%s " : "%s", before, clients ? 'C' : 'S',
		 row->type ? message_name(row) : "",
		 clients && is_message(row, HS_CERTIFICATE) && !shown ? "(empty)" : "");
	if (is_message(row, HS_CERTIFICATE_REQUEST))
		hs.certificate_requested = true;
	if (is_message(row, HS_CERTIFICATE_STATUS))
		hs.status_seen = true;
	walk(hs, row->next, path, paths);
}

/*
 * All ways from here on. Where we wait, the peer has the choice of the rows that are allowed;
 * elsewhere the first one is taken.
 */
static void walk(struct rtls_hs hs, enum hs_state state, const char *path, struct paths *paths)
{
	bool waits = state <= HS_WAIT_FINISHED;
	size_t len;
	const struct hs_row *rows = rows_of(hs.role, &len);

	if (state == HS_DONE || strlen(path) > PATH_MAX_LEN - 40) {
		add_path(paths, path);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (rows[i].state != state || (rows[i].allowed && !rows[i].allowed(&hs)) ||
		    (waits && is_hidden(rows, i, &hs)))
			continue;
		visited[hs.role][i] = true;
		follow(hs, &rows[i], path, paths);
		if (waits && hs.role == RTLS_SERVER && is_message(&rows[i], HS_CERTIFICATE)) {
			struct rtls_hs shown = hs;

			shown.peer_chain = (struct hs_chain *)&hs; /* looked at is only whether it is there */
			follow(shown, &rows[i], path, paths);
		}
		if (!waits)
			return;
	}
}

/* With nothing but these facts known. */
static void add_walks(struct paths *paths, enum rtls_role role, enum hs_kx kx, unsigned int facts)
{
	struct hs_suite suite = { .kx = kx };
	struct rtls_config config = {
		.client_auth = facts & ASKED ? RTLS_CLIENT_AUTH_REQUEST : RTLS_CLIENT_AUTH_NONE };
	struct hs_identity identity;
	struct rtls_hs hs = { .role = role, .suite = &suite, .config = &config,
			      .resumed = facts & RESUMED, .promises_ticket = facts & TICKET,
			      .promises_status = facts & STATUS,
			      .extensions_sent = facts & STATUS ? 1u << HS_EXT_STATUS_REQUEST : 0 };

	if (role == RTLS_SERVER || facts & SHOWN)
		hs.identity = &identity;
	walk(hs, role == RTLS_CLIENT ? HS_SEND_CLIENT_HELLO : HS_WAIT_CLIENT_HELLO, "", paths);
}

static void compare(struct __test_metadata *_metadata, const struct paths *figures,
		    const struct paths *walks)
{
	for (size_t i = 0; i < walks->len; i++) {
		EXPECT_EQ(true, has_path(figures, walks->path[i]))
		{
			TH_LOG("no figure: %s", walks->path[i]);
		}
	}
	for (size_t i = 0; i < figures->len; i++) {
		EXPECT_EQ(true, has_path(walks, figures->path[i]))
		{
			TH_LOG("no path: %s", figures->path[i]);
		}
	}
}

TEST(tables_are_the_rfcs_figures)
{
	static struct paths figures, walks;

	for (unsigned int facts = 0; facts < FACTS; facts++)
		for (enum rtls_role role = RTLS_CLIENT; role <= RTLS_SERVER; role++)
			for (enum hs_kx kx = HS_KX_ECDHE; kx <= HS_KX_RSA; kx++) {
				if ((kx == HS_KX_RSA) == !!(facts & EPHEMERAL))
					continue;
				figures.len = walks.len = 0;
				add_figures(&figures, role, facts);
				add_walks(&walks, role, kx, facts);
				EXPECT_GT(PATHS_MAX, walks.len);
				compare(_metadata, &figures, &walks);
			}
}

/* A row that no handshake comes to would be one that nobody has thought about. */
TEST(no_row_is_there_for_nothing)
{
	static struct paths walks;

	for (unsigned int facts = 0; facts < FACTS; facts++)
		for (enum rtls_role role = RTLS_CLIENT; role <= RTLS_SERVER; role++)
			add_walks(&walks, role, facts & EPHEMERAL ? HS_KX_ECDHE : HS_KX_RSA, facts);
	for (enum rtls_role role = RTLS_CLIENT; role <= RTLS_SERVER; role++) {
		size_t len;

		rows_of(role, &len);
		ASSERT_GE(ARRAY_SIZE(visited[role]), len);
		for (size_t i = 0; i < len; i++) {
			EXPECT_EQ(true, visited[role][i])
			{
				TH_LOG("row %zu of role %d", i, role);
			}
		}
	}
}

TEST_HARNESS_MAIN
