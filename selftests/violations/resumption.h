/* SPDX-License-Identifier: MIT */
/*
 * Violations around resumption. The scene's second handshake is changed: flight 0 ClientHello,
 * 1 ServerHello to Finished, 2 ChangeCipherSpec and Finished.
 */

CASE_RESUMED(server_resumes_with_another_suite, 1, SESSION_SUITE_CHANGED)
{
	uint8_t *p = find_message(scene, HS_SERVER_HELLO);

	memcpy(p + HELLO_SESSION_ID + 1 + p[HELLO_SESSION_ID], "\xc0\x2c", 2);
}

CASE_RESUMED(client_resumes_without_extended_master_secret, 0, EXTENDED_MASTER_SECRET_DROPPED)
{
	remove_extension(scene, HS_CLIENT_HELLO, 23);
}

CASE_RESUMED(server_resumes_without_extended_master_secret, 1, EXTENDED_MASTER_SECRET_DROPPED)
{
	remove_extension(scene, HS_SERVER_HELLO, 23);
}

/* Not ours: then there must be a Certificate. */
CASE_RESUMED(server_resumes_another_session, 1, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_SERVER_HELLO)[HELLO_SESSION_ID + 1] ^= 1;
}

CASE_RESUMED(server_resumes_and_sends_a_certificate, 1, UNEXPECTED_MESSAGE)
{
	scene->len = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) - scene->flight;
	put_record(scene, RTLS_HANDSHAKE, "\x0b\0\0\3\0\0\0", 7);
}

CASE_RESUMED(resumed_client_finished_bad_verify_data, 2, BAD_VERIFY_DATA)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_HANDSHAKE, 0);
}

CASE_RESUMED(resumed_server_finished_bad_verify_data, 1, BAD_VERIFY_DATA)
{
	reseal_finished(scene, RTLS_SERVER, RTLS_HANDSHAKE, 0);
}

CASE_RESUMED(resumed_client_sends_a_key_exchange, 2, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_HANDSHAKE, "\x10\0\0\1x", 5);
}

/* RFC 5077 3.3: what was promised has to come, and only that. */
CASE_TICKET(promised_ticket_does_not_come, 3, UNEXPECTED_MESSAGE)
{
	remove_message(scene, HS_NEW_SESSION_TICKET);
}

CASE(ticket_without_a_promise, 3, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_HANDSHAKE, "\4\0\0\6\0\0\0\0\0\0", 10);
}

CASE_TICKET(second_ticket, 3, UNEXPECTED_MESSAGE)
{
	size_t first = message_len(scene, HS_NEW_SESSION_TICKET);

	splice_message(scene, HS_NEW_SESSION_TICKET, first, 0, "", 0);
	only_record(scene, RTLS_HANDSHAKE, "\4\0\0\6\0\0\0\0\0\0", 10);
	put_record(scene, RTLS_HANDSHAKE, "\4\0\0\6\0\0\0\0\0\0", 10);
}

CASE_TICKET(ticket_cut, 3, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_NEW_SESSION_TICKET, "\0\0\0\0\0\2x", 7);
}

CASE_TICKET(ticket_too_long, 3, MESSAGE_TOO_LONG)
{
	find_message(scene, HS_NEW_SESSION_TICKET)[1] = 2;
}

/* The ticket is part of what Finished is over. */
CASE_TICKET(ticket_changed, 3, BAD_VERIFY_DATA)
{
	find_message(scene, HS_NEW_SESSION_TICKET)[20] ^= 1;
}
