// SPDX-License-Identifier: MIT
/*
 * The order of messages: what the tables of client.c and server.c allow, walked row by row,
 * against the figures of the RFCs, written down here anew.
 */
#include <stdio.h>
#include <string.h>

#include "common.h"
#include "../handshake/hs_internal.h"
#include <kselftest_harness.h>

/* What a handshake is like, and the order of its messages. */
struct figure {
	enum hs_kx kx;
	enum { FULL, RESUMED } kind;
	bool ticket; /* a new one is given */
	bool status;
	bool client_auth, no_client_certificate;
	/* "C:" is sent by the client, "S:" by the server. [ChangeCipherSpec] as the figures have it. */
	const char *order;
};

#define FIRST "C:ClientHello S:ServerHello "
#define CLIENT_LAST "C:[ChangeCipherSpec] C:Finished "
#define SERVER_LAST "S:[ChangeCipherSpec] S:Finished "

#define ECDHE_SERVER "S:Certificate S:ServerKeyExchange "

static const struct figure figures[] = {
	/* RFC 5246 7.3 figure 1; 7.4.3: RSA has no ServerKeyExchange. */
	{ .kx = HS_KX_ECDHE,
	  .order = FIRST ECDHE_SERVER "S:ServerHelloDone C:ClientKeyExchange "
		   CLIENT_LAST SERVER_LAST },
	{ .kx = HS_KX_DHE,
	  .order = FIRST ECDHE_SERVER "S:ServerHelloDone C:ClientKeyExchange "
		   CLIENT_LAST SERVER_LAST },
	{ .kx = HS_KX_RSA,
	  .order = FIRST "S:Certificate S:ServerHelloDone C:ClientKeyExchange "
		   CLIENT_LAST SERVER_LAST },
	/* The same figure with what it marks as optional: client authentication. */
	{ .kx = HS_KX_ECDHE, .client_auth = true,
	  .order = FIRST ECDHE_SERVER "S:CertificateRequest S:ServerHelloDone "
		   "C:Certificate C:ClientKeyExchange C:CertificateVerify "
		   CLIENT_LAST SERVER_LAST },
	{ .kx = HS_KX_RSA, .client_auth = true,
	  .order = FIRST "S:Certificate S:CertificateRequest S:ServerHelloDone "
		   "C:Certificate C:ClientKeyExchange C:CertificateVerify "
		   CLIENT_LAST SERVER_LAST },
	/* 7.4.6: an empty Certificate, nothing to verify. */
	{ .kx = HS_KX_ECDHE, .client_auth = true, .no_client_certificate = true,
	  .order = FIRST ECDHE_SERVER "S:CertificateRequest S:ServerHelloDone "
		   "C:Certificate C:ClientKeyExchange " CLIENT_LAST SERVER_LAST },
	/* RFC 6066 8: immediately after the Certificate. */
	{ .kx = HS_KX_ECDHE, .status = true, .client_auth = true,
	  .order = FIRST "S:Certificate S:CertificateStatus S:ServerKeyExchange "
		   "S:CertificateRequest S:ServerHelloDone "
		   "C:Certificate C:ClientKeyExchange C:CertificateVerify "
		   CLIENT_LAST SERVER_LAST },
	{ .kx = HS_KX_RSA, .status = true,
	  .order = FIRST "S:Certificate S:CertificateStatus S:ServerHelloDone "
		   "C:ClientKeyExchange " CLIENT_LAST SERVER_LAST },
	/* Figure 2. */
	{ .kx = HS_KX_ECDHE, .kind = RESUMED, .order = FIRST SERVER_LAST CLIENT_LAST },
	{ .kx = HS_KX_ECDHE, .kind = RESUMED, .client_auth = true,
	  .order = FIRST SERVER_LAST CLIENT_LAST },
	/* RFC 5077 3.1 figure 1, and figure 2. */
	{ .kx = HS_KX_ECDHE, .ticket = true,
	  .order = FIRST ECDHE_SERVER "S:ServerHelloDone C:ClientKeyExchange " CLIENT_LAST
		   "S:NewSessionTicket " SERVER_LAST },
	{ .kx = HS_KX_RSA, .ticket = true, .client_auth = true,
	  .order = FIRST "S:Certificate S:CertificateRequest S:ServerHelloDone "
		   "C:Certificate C:ClientKeyExchange C:CertificateVerify " CLIENT_LAST
		   "S:NewSessionTicket " SERVER_LAST },
	{ .kx = HS_KX_ECDHE, .kind = RESUMED, .ticket = true,
	  .order = FIRST "S:NewSessionTicket " SERVER_LAST CLIENT_LAST },
};

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

/* Would the peer of this figure send that? Where it may send or not, the table has both. */
static bool is_sent(const struct figure *figure, const struct hs_row *row)
{
	if (row->type == RTLS_HANDSHAKE && row->message == HS_CERTIFICATE_STATUS)
		return figure->status;
	return row->type != RTLS_HANDSHAKE || row->message != HS_CERTIFICATE_REQUEST ||
	       figure->client_auth;
}

/* What the handlers would have noted. */
static void note(struct rtls_hs *hs, const struct hs_row *row)
{
	if (row->type == RTLS_HANDSHAKE && row->message == HS_CERTIFICATE_REQUEST)
		hs->certificate_requested = true;
	if (row->type == RTLS_HANDSHAKE && row->message == HS_CERTIFICATE_STATUS)
		hs->status_seen = true;
}

/* Walks one side's table with nothing but the figure's facts known. */
static void walk(enum rtls_role role, const struct figure *figure, char *order)
{
	const struct hs_row *rows = role == RTLS_CLIENT ? hs_client_rows : hs_server_rows;
	struct hs_suite suite = { .kx = figure->kx };
	struct rtls_config config = { .client_auth = figure->client_auth };
	struct hs_identity identity;
	bool shows = figure->client_auth && !figure->no_client_certificate;
	struct rtls_hs hs = { .role = role, .suite = &suite, .config = &config,
			      .resumed = figure->kind == RESUMED,
			      .promises_ticket = figure->ticket,
			      .promises_status = figure->status,
			      .extensions_sent = figure->status ? 1u << HS_EXT_STATUS_REQUEST
								: 0 };
	enum hs_state state = role == RTLS_CLIENT ? HS_SEND_CLIENT_HELLO : HS_WAIT_CLIENT_HELLO;

	if (role == RTLS_SERVER || shows)
		hs.identity = &identity;
	if (role == RTLS_SERVER && shows)
		hs.peer_chain = (struct hs_chain *)&identity; /* only whether it is there is looked at */
	while (state != HS_DONE) {
		const struct hs_row *row = rows;
		bool waits = state <= HS_WAIT_FINISHED;

		while (row->state != state || (row->allowed && !row->allowed(&hs)) ||
		       (waits && !is_sent(figure, row)))
			row++;
		if (row->type)
			order += sprintf(order, "%c:%s ",
					 waits == (role == RTLS_CLIENT) ? 'S' : 'C',
					 message_name(row));
		note(&hs, row);
		state = row->next;
	}
}

TEST(tables_are_the_rfcs_figures)
{
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		char client[512] = "", server[512] = "";

		walk(RTLS_CLIENT, &figures[i], client);
		walk(RTLS_SERVER, &figures[i], server);
		EXPECT_STREQ(figures[i].order, client);
		EXPECT_STREQ(figures[i].order, server);
	}
}

TEST_HARNESS_MAIN
