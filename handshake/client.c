// SPDX-License-Identifier: MIT
/* The client's side of RFC 5246 7.3, figure 1, as a table. handshake.c runs it. */
#include "hs_internal.h"

static bool has_server_key_exchange(const struct rtls_hs *hs)
{
	return hs->suite->kx != HS_KX_RSA;
}

#define CHANGE_CIPHER_SPEC RTLS_CHANGE_CIPHER_SPEC
#define HANDSHAKE          RTLS_HANDSHAKE

const struct hs_row hs_client_rows[] = {
	/* state, content type, message, allowed if, handler, next */
	{ HS_SEND_CLIENT_HELLO, HANDSHAKE, HS_CLIENT_HELLO, NULL, client_hello_send,
	  HS_WAIT_SERVER_HELLO },

	{ HS_WAIT_SERVER_HELLO, HANDSHAKE, HS_SERVER_HELLO, NULL, server_hello_recv,
	  HS_WAIT_CERTIFICATE },
	{ HS_WAIT_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, has_server_key_exchange,
	  server_certificate_recv, HS_WAIT_SERVER_KEY_EXCHANGE },
	{ HS_WAIT_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, NULL, server_certificate_recv,
	  HS_WAIT_SERVER_HELLO_DONE },
	{ HS_WAIT_SERVER_KEY_EXCHANGE, HANDSHAKE, HS_SERVER_KEY_EXCHANGE, NULL,
	  server_key_exchange_recv, HS_WAIT_SERVER_HELLO_DONE },
	{ HS_WAIT_SERVER_HELLO_DONE, HANDSHAKE, HS_SERVER_HELLO_DONE, NULL,
	  server_hello_done_recv, HS_SEND_CLIENT_KEY_EXCHANGE },

	{ HS_SEND_CLIENT_KEY_EXCHANGE, HANDSHAKE, HS_CLIENT_KEY_EXCHANGE, NULL,
	  client_key_exchange_send, HS_MASTER_SECRET },
	{ HS_MASTER_SECRET, 0, 0, NULL, hs_master_secret, HS_SEND_CHANGE_CIPHER_SPEC },
	{ HS_SEND_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_send,
	  HS_SEND_FINISHED },
	{ HS_SEND_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_send,
	  HS_WAIT_CHANGE_CIPHER_SPEC },

	{ HS_WAIT_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_recv,
	  HS_WAIT_FINISHED },
	{ HS_WAIT_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_recv, HS_DONE },
};
const size_t hs_client_rows_len = sizeof(hs_client_rows) / sizeof(*hs_client_rows);
