// SPDX-License-Identifier: MIT
/* The server's side of RFC 5246 7.3, figures 1 and 2, as a table. handshake.c runs it. */
#include "hs_internal.h"

/* The answer to status_request stands in the ServerHello that was sent. */
static bool promised_status(const struct rtls_hs *hs)
{
	return hs->extensions_sent & 1u << HS_EXT_STATUS_REQUEST;
}

static bool asks_for_certificate(const struct rtls_hs *hs)
{
	return hs->config->client_auth != RTLS_CLIENT_AUTH_NONE;
}

static bool asks_for_none(const struct rtls_hs *hs)
{
	return !asks_for_certificate(hs);
}

static bool has_client_certificate(const struct rtls_hs *hs)
{
	return hs->peer_chain;
}

#define CHANGE_CIPHER_SPEC RTLS_CHANGE_CIPHER_SPEC
#define HANDSHAKE          RTLS_HANDSHAKE

const struct hs_row hs_server_rows[] = {
	/* state, content type, message, allowed if, handler, next */
	{ HS_WAIT_CLIENT_HELLO, HANDSHAKE, HS_CLIENT_HELLO, NULL, client_hello_recv,
	  HS_SEND_SERVER_HELLO },

	{ HS_SEND_SERVER_HELLO, HANDSHAKE, HS_SERVER_HELLO, NULL, server_hello_send, HS_RESUME },
	{ HS_RESUME, 0, 0, hs_is_resumed, hs_resume_keys, HS_SEND_NEW_SESSION_TICKET },
	{ HS_RESUME, 0, 0, NULL, NULL, HS_SEND_CERTIFICATE },
	{ HS_SEND_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, NULL, certificate_send,
	  HS_SEND_CERTIFICATE_STATUS },
	{ HS_SEND_CERTIFICATE_STATUS, HANDSHAKE, HS_CERTIFICATE_STATUS, promised_status,
	  certificate_status_send, HS_SIGN_SERVER_KEY_EXCHANGE },
	{ HS_SEND_CERTIFICATE_STATUS, 0, 0, NULL, NULL, HS_SIGN_SERVER_KEY_EXCHANGE },
	{ HS_SIGN_SERVER_KEY_EXCHANGE, 0, 0, hs_has_server_key_exchange, server_key_exchange_sign,
	  HS_SEND_SERVER_KEY_EXCHANGE },
	{ HS_SIGN_SERVER_KEY_EXCHANGE, 0, 0, NULL, NULL, HS_SEND_CERTIFICATE_REQUEST },
	{ HS_SEND_SERVER_KEY_EXCHANGE, HANDSHAKE, HS_SERVER_KEY_EXCHANGE, NULL,
	  server_key_exchange_send, HS_SEND_CERTIFICATE_REQUEST },
	{ HS_SEND_CERTIFICATE_REQUEST, HANDSHAKE, HS_CERTIFICATE_REQUEST, asks_for_certificate,
	  certificate_request_send, HS_SEND_SERVER_HELLO_DONE },
	{ HS_SEND_CERTIFICATE_REQUEST, 0, 0, NULL, NULL, HS_SEND_SERVER_HELLO_DONE },
	{ HS_SEND_SERVER_HELLO_DONE, HANDSHAKE, HS_SERVER_HELLO_DONE, NULL,
	  server_hello_done_send, HS_WAIT_CLIENT_CERTIFICATE },

	{ HS_WAIT_CLIENT_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, asks_for_certificate,
	  client_certificate_recv, HS_WAIT_CLIENT_KEY_EXCHANGE },
	{ HS_WAIT_CLIENT_CERTIFICATE, HANDSHAKE, HS_CLIENT_KEY_EXCHANGE, asks_for_none,
	  client_key_exchange_recv, HS_MASTER_SECRET },
	{ HS_WAIT_CLIENT_KEY_EXCHANGE, HANDSHAKE, HS_CLIENT_KEY_EXCHANGE, NULL,
	  client_key_exchange_recv, HS_MASTER_SECRET },
	{ HS_MASTER_SECRET, 0, 0, has_client_certificate, hs_master_secret,
	  HS_WAIT_CERTIFICATE_VERIFY },
	{ HS_MASTER_SECRET, 0, 0, NULL, hs_master_secret, HS_WAIT_CHANGE_CIPHER_SPEC },
	{ HS_WAIT_CERTIFICATE_VERIFY, HANDSHAKE, HS_CERTIFICATE_VERIFY, NULL,
	  certificate_verify_recv, HS_WAIT_CHANGE_CIPHER_SPEC },
	{ HS_WAIT_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_recv,
	  HS_WAIT_FINISHED },
	{ HS_WAIT_FINISHED, HANDSHAKE, HS_FINISHED, hs_is_resumed, finished_recv, HS_DONE },
	{ HS_WAIT_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_recv,
	  HS_SEND_NEW_SESSION_TICKET },

	{ HS_SEND_NEW_SESSION_TICKET, HANDSHAKE, HS_NEW_SESSION_TICKET, hs_is_ticket_promised,
	  new_session_ticket_send, HS_SEND_CHANGE_CIPHER_SPEC },
	{ HS_SEND_NEW_SESSION_TICKET, 0, 0, NULL, NULL, HS_SEND_CHANGE_CIPHER_SPEC },
	{ HS_SEND_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_send,
	  HS_SEND_FINISHED },
	{ HS_SEND_FINISHED, HANDSHAKE, HS_FINISHED, hs_is_resumed, finished_send,
	  HS_WAIT_CHANGE_CIPHER_SPEC },
	{ HS_SEND_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_send, HS_KEEP_SESSION },
	{ HS_KEEP_SESSION, 0, 0, NULL, hs_session_keep, HS_DONE },
};
const size_t hs_server_rows_len = sizeof(hs_server_rows) / sizeof(*hs_server_rows);
