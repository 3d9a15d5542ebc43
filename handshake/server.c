// SPDX-License-Identifier: MIT
/* The server's side of RFC 5246 7.3, figure 1, as a table. handshake.c runs it. */
#include "hs_internal.h"

static bool has_server_key_exchange(const struct rtls_hs *hs)
{
	return hs->suite->kx != HS_KX_RSA;
}

#define CHANGE_CIPHER_SPEC RTLS_CHANGE_CIPHER_SPEC
#define HANDSHAKE          RTLS_HANDSHAKE

const struct hs_row hs_server_rows[] = {
	/* state, content type, message, allowed if, handler, next */
	{ HS_WAIT_CLIENT_HELLO, HANDSHAKE, HS_CLIENT_HELLO, NULL, client_hello_recv,
	  HS_SEND_SERVER_HELLO },

	{ HS_SEND_SERVER_HELLO, HANDSHAKE, HS_SERVER_HELLO, NULL, server_hello_send,
	  HS_SEND_CERTIFICATE },
	{ HS_SEND_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, has_server_key_exchange,
	  certificate_send, HS_SEND_SERVER_KEY_EXCHANGE },
	{ HS_SEND_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, NULL, certificate_send,
	  HS_SEND_SERVER_HELLO_DONE },
	{ HS_SEND_SERVER_KEY_EXCHANGE, HANDSHAKE, HS_SERVER_KEY_EXCHANGE, NULL,
	  server_key_exchange_send, HS_SEND_SERVER_HELLO_DONE },
	{ HS_SEND_SERVER_HELLO_DONE, HANDSHAKE, HS_SERVER_HELLO_DONE, NULL,
	  server_hello_done_send, HS_WAIT_CLIENT_KEY_EXCHANGE },

	{ HS_WAIT_CLIENT_KEY_EXCHANGE, HANDSHAKE, HS_CLIENT_KEY_EXCHANGE, NULL,
	  client_key_exchange_recv, HS_MASTER_SECRET },
	{ HS_MASTER_SECRET, 0, 0, NULL, hs_master_secret, HS_WAIT_CHANGE_CIPHER_SPEC },
	{ HS_WAIT_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_recv,
	  HS_WAIT_FINISHED },
	{ HS_WAIT_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_recv,
	  HS_SEND_CHANGE_CIPHER_SPEC },

	{ HS_SEND_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_send,
	  HS_SEND_FINISHED },
	{ HS_SEND_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_send, HS_DONE },
};
const size_t hs_server_rows_len = sizeof(hs_server_rows) / sizeof(*hs_server_rows);
