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

/* "C:" is sent by the client, "S:" by the server. [ChangeCipherSpec] as the figures write it. */
static const struct {
	enum hs_kx kx;
	const char *order; /* RFC 5246 7.3 figure 1; 7.4.3: RSA has no ServerKeyExchange */
} figures[] = {
	{ HS_KX_ECDHE, "C:ClientHello S:ServerHello S:Certificate S:ServerKeyExchange "
		       "S:ServerHelloDone C:ClientKeyExchange C:[ChangeCipherSpec] C:Finished "
		       "S:[ChangeCipherSpec] S:Finished " },
	{ HS_KX_DHE, "C:ClientHello S:ServerHello S:Certificate S:ServerKeyExchange "
		     "S:ServerHelloDone C:ClientKeyExchange C:[ChangeCipherSpec] C:Finished "
		     "S:[ChangeCipherSpec] S:Finished " },
	{ HS_KX_RSA, "C:ClientHello S:ServerHello S:Certificate S:ServerHelloDone "
		     "C:ClientKeyExchange C:[ChangeCipherSpec] C:Finished "
		     "S:[ChangeCipherSpec] S:Finished " },
};

static const char *message_name(const struct hs_row *row)
{
	static const char *const names[] = {
		[HS_CLIENT_HELLO] = "ClientHello",
		[HS_SERVER_HELLO] = "ServerHello",
		[HS_CERTIFICATE] = "Certificate",
		[HS_SERVER_KEY_EXCHANGE] = "ServerKeyExchange",
		[HS_SERVER_HELLO_DONE] = "ServerHelloDone",
		[HS_CLIENT_KEY_EXCHANGE] = "ClientKeyExchange",
		[HS_FINISHED] = "Finished",
	};

	return row->type == RTLS_CHANGE_CIPHER_SPEC ? "[ChangeCipherSpec]" : names[row->message];
}

/* Walks one side's table with nothing but the key exchange known. */
static void walk(enum rtls_role role, enum hs_kx kx, char *order)
{
	const struct hs_row *rows = role == RTLS_CLIENT ? hs_client_rows : hs_server_rows;
	struct hs_suite suite = { .kx = kx };
	struct rtls_hs hs = { .role = role, .suite = &suite };
	enum hs_state state = role == RTLS_CLIENT ? HS_SEND_CLIENT_HELLO : HS_WAIT_CLIENT_HELLO;

	while (state != HS_DONE) {
		const struct hs_row *row = rows;
		bool waits = state <= HS_WAIT_FINISHED;

		while (row->state != state || (row->allowed && !row->allowed(&hs)))
			row++;
		if (row->type)
			order += sprintf(order, "%c:%s ",
					 waits == (role == RTLS_CLIENT) ? 'S' : 'C',
					 message_name(row));
		state = row->next;
	}
}

TEST(tables_are_the_rfcs_figures)
{
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		char client[512] = "", server[512] = "";

		walk(RTLS_CLIENT, figures[i].kx, client);
		walk(RTLS_SERVER, figures[i].kx, server);
		EXPECT_STREQ(figures[i].order, client);
		EXPECT_STREQ(figures[i].order, server);
	}
}

TEST_HARNESS_MAIN
