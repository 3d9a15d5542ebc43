// SPDX-License-Identifier: MIT
/* The client's side of RFC 5246 7.3, figures 1 and 2, as a table. handshake.c runs it. */
#include "hs_internal.h"

/* The server may promise a CertificateStatus and send none: RFC 6066 8. */
static bool is_status_possible(const struct rtls_hs *hs)
{
	return hs->promises_status && !hs->status_seen;
}

static bool is_status_next(const struct rtls_hs *hs)
{
	return is_status_possible(hs) && !hs_has_server_key_exchange(hs) &&
	       !hs->certificate_requested;
}

static bool is_not_asked_yet(const struct rtls_hs *hs)
{
	return !hs->certificate_requested;
}

static bool is_asked(const struct rtls_hs *hs)
{
	return hs->certificate_requested;
}

static bool has_signed(const struct rtls_hs *hs)
{
	return hs->certificate_requested && hs->identity;
}

static bool is_no_ticket_promised(const struct rtls_hs *hs)
{
	return !hs->promises_ticket;
}

#define CHANGE_CIPHER_SPEC RTLS_CHANGE_CIPHER_SPEC
#define HANDSHAKE          RTLS_HANDSHAKE

const struct hs_row hs_client_rows[] = {
	/* state, content type, message, allowed if, handler, next */
	{ HS_SEND_CLIENT_HELLO, HANDSHAKE, HS_CLIENT_HELLO, NULL, client_hello_send,
	  HS_WAIT_SERVER_HELLO },

	{ HS_WAIT_SERVER_HELLO, HANDSHAKE, HS_SERVER_HELLO, NULL, server_hello_recv,
	  HS_RESUME },
	{ HS_RESUME, 0, 0, hs_is_resumed, hs_resume_keys, HS_WAIT_NEW_SESSION_TICKET },
	{ HS_RESUME, 0, 0, NULL, NULL, HS_WAIT_CERTIFICATE },
	{ HS_WAIT_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, hs_has_server_key_exchange,
	  server_certificate_recv, HS_WAIT_SERVER_KEY_EXCHANGE },
	{ HS_WAIT_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, NULL, server_certificate_recv,
	  HS_WAIT_SERVER_HELLO_DONE },
	{ HS_WAIT_SERVER_KEY_EXCHANGE, HANDSHAKE, HS_CERTIFICATE_STATUS, is_status_possible,
	  certificate_status_recv, HS_WAIT_SERVER_KEY_EXCHANGE },
	{ HS_WAIT_SERVER_KEY_EXCHANGE, HANDSHAKE, HS_SERVER_KEY_EXCHANGE, NULL,
	  server_key_exchange_recv, HS_WAIT_SERVER_HELLO_DONE },
	{ HS_WAIT_SERVER_HELLO_DONE, HANDSHAKE, HS_CERTIFICATE_STATUS, is_status_next,
	  certificate_status_recv, HS_WAIT_SERVER_HELLO_DONE },
	{ HS_WAIT_SERVER_HELLO_DONE, HANDSHAKE, HS_CERTIFICATE_REQUEST, is_not_asked_yet,
	  certificate_request_recv, HS_WAIT_SERVER_HELLO_DONE },
	{ HS_WAIT_SERVER_HELLO_DONE, HANDSHAKE, HS_SERVER_HELLO_DONE, NULL,
	  server_hello_done_recv, HS_SEND_CLIENT_CERTIFICATE },

	{ HS_SEND_CLIENT_CERTIFICATE, HANDSHAKE, HS_CERTIFICATE, is_asked, certificate_send,
	  HS_SEND_CLIENT_KEY_EXCHANGE },
	{ HS_SEND_CLIENT_CERTIFICATE, 0, 0, NULL, NULL, HS_SEND_CLIENT_KEY_EXCHANGE },
	{ HS_SEND_CLIENT_KEY_EXCHANGE, HANDSHAKE, HS_CLIENT_KEY_EXCHANGE, NULL,
	  client_key_exchange_send, HS_MASTER_SECRET },
	{ HS_MASTER_SECRET, 0, 0, NULL, hs_master_secret, HS_SIGN_CERTIFICATE_VERIFY },
	{ HS_SIGN_CERTIFICATE_VERIFY, 0, 0, has_signed, certificate_verify_sign,
	  HS_SEND_CERTIFICATE_VERIFY },
	{ HS_SIGN_CERTIFICATE_VERIFY, 0, 0, NULL, NULL, HS_SEND_CHANGE_CIPHER_SPEC },
	{ HS_SEND_CERTIFICATE_VERIFY, HANDSHAKE, HS_CERTIFICATE_VERIFY, NULL,
	  certificate_verify_send, HS_SEND_CHANGE_CIPHER_SPEC },
	{ HS_SEND_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_send,
	  HS_SEND_FINISHED },
	{ HS_SEND_FINISHED, HANDSHAKE, HS_FINISHED, hs_is_resumed, finished_send, HS_KEEP_SESSION },
	{ HS_SEND_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_send,
	  HS_WAIT_NEW_SESSION_TICKET },

	{ HS_WAIT_NEW_SESSION_TICKET, HANDSHAKE, HS_NEW_SESSION_TICKET, hs_is_ticket_promised,
	  new_session_ticket_recv, HS_WAIT_CHANGE_CIPHER_SPEC },
	{ HS_WAIT_NEW_SESSION_TICKET, CHANGE_CIPHER_SPEC, 0, is_no_ticket_promised,
	  change_cipher_spec_recv, HS_WAIT_FINISHED },
	{ HS_WAIT_CHANGE_CIPHER_SPEC, CHANGE_CIPHER_SPEC, 0, NULL, change_cipher_spec_recv,
	  HS_WAIT_FINISHED },
	{ HS_WAIT_FINISHED, HANDSHAKE, HS_FINISHED, hs_is_resumed, finished_recv,
	  HS_SEND_CHANGE_CIPHER_SPEC },
	{ HS_WAIT_FINISHED, HANDSHAKE, HS_FINISHED, NULL, finished_recv, HS_KEEP_SESSION },
	{ HS_KEEP_SESSION, 0, 0, NULL, hs_session_keep, HS_DONE },
};
const size_t hs_client_rows_len = sizeof(hs_client_rows) / sizeof(*hs_client_rows);
