/* SPDX-License-Identifier: MIT */
/* Violations of the record layer and of the order and syntax of messages. */

/* ---- records ------------------------------------------------------------------------------ */

CASE(http_in_clear, 0, RECORD_NOT_TLS)
{
	scene->len = 16;
	memcpy(scene->flight, "GET / HTTP/1.1\r\n", 16);
}

CASE(record_of_tls_4, 0, RECORD_VERSION)
{
	scene->flight[1] = 4;
}

CASE(later_record_of_tls_1_1, 2, RECORD_VERSION)
{
	scene->flight[2] = 2;
}

CASE(protected_record_of_tls_1_1, 2, RECORD_VERSION)
{
	find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1)[6 + 2] = 2;
}

CASE(record_too_long, 0, RECORD_TOO_LONG)
{
	memcpy(scene->flight, (uint8_t[]){ 22, 3, 1, 0x40, 1 }, 5);
}

CASE(protected_record_too_long, 2, RECORD_TOO_LONG)
{
	memcpy(find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) + 6 + 3, "\x41\x00", 2);
}

CASE(record_of_unknown_type, 2, RECORD_TYPE)
{
	scene->flight[0] = 99;
}

CASE(protected_record_of_unknown_type, 2, RECORD_TYPE)
{
	find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1)[6] = 24;
}

CASE(empty_handshake_record, 0, RECORD_EMPTY)
{
	only_record(scene, RTLS_HANDSHAKE, "", 0);
}

CASE(empty_alert_record, 0, RECORD_EMPTY)
{
	only_record(scene, RTLS_ALERT, "", 0);
}

CASE(data_before_the_handshake, 0, DATA_IN_HANDSHAKE)
{
	only_record(scene, RTLS_APPLICATION_DATA, "GET", 3);
}

CASE(data_in_place_of_finished, 2, DATA_IN_HANDSHAKE)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_APPLICATION_DATA, 0);
}

CASE(client_finished_with_wrong_tag, 2, RECORD_BAD_MAC)
{
	scene->flight[scene->len - 1] ^= 1;
}

CASE(server_finished_with_wrong_tag, 3, RECORD_BAD_MAC)
{
	scene->flight[scene->len - 1] ^= 1;
}

CASE(protected_record_too_short, 2, RECORD_BAD_MAC)
{
	uint8_t *record = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) + 6;

	record[3] = 0;
	record[4] = 23;
	scene->len = record + 28 - scene->flight;
}

/* ---- messages and their order ----------------------------------------------------------------- */

CASE(begins_with_client_key_exchange, 0, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_HELLO)[0] = HS_CLIENT_KEY_EXCHANGE;
}

CASE(hello_request_to_a_server, 0, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_HANDSHAKE, "\0\0\0", 4);
}

CASE(message_of_unknown_type, 0, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_HELLO)[0] = 99;
}

CASE(change_cipher_spec_first, 0, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

/* CVE-2014-0224: keys are not there yet. */
CASE(early_change_cipher_spec_to_server, 2, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

CASE(early_change_cipher_spec_to_client, 1, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

CASE(change_cipher_spec_inside_a_message, 2, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1);

	memmove(record + 6, record, scene->flight + scene->len - record);
	memcpy(record, (uint8_t[]){ 22, 3, 3, 0, 1, HS_FINISHED }, 6);
	scene->len += 6;
}

CASE(client_hello_again, 2, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_KEY_EXCHANGE)[0] = HS_CLIENT_HELLO;
}

CASE(finished_in_clear, 2, UNEXPECTED_MESSAGE)
{
	scene->len = find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1) - scene->flight;
	put_record(scene, RTLS_HANDSHAKE, "\x14\0\0\x0c" "0123456789ab", 16);
}

CASE(server_without_certificate, 1, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, HS_CERTIFICATE);
	size_t len = 5 + (record[3] << 8 | record[4]);

	scene->len -= len;
	memmove(record, record + len, scene->flight + scene->len - record);
}

CASE(server_without_key_exchange, 1, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, HS_SERVER_KEY_EXCHANGE);
	size_t len = 5 + (record[3] << 8 | record[4]);

	scene->len -= len;
	memmove(record, record + len, scene->flight + scene->len - record);
}

CASE(client_hello_far_too_long, 0, MESSAGE_TOO_LONG)
{
	find_message(scene, HS_CLIENT_HELLO)[1] = 1;
}

CASE(client_key_exchange_too_long, 2, MESSAGE_TOO_LONG)
{
	find_message(scene, HS_CLIENT_KEY_EXCHANGE)[2] = 9;
}

/* Refused by its header: nobody waits for the rest. */
CASE(header_of_a_message_out_of_order, 0, UNEXPECTED_MESSAGE)
{
	only_record(scene, RTLS_HANDSHAKE, "\x0b\0\xff\xff", 4);
}

CASE(client_hello_cut, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, 20, message_len(scene, HS_CLIENT_HELLO) - 20, "", 0);
}

CASE(client_hello_with_a_tail, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, message_len(scene, HS_CLIENT_HELLO), 0, "x", 1);
}

CASE(client_hello_with_long_session_id, 0, MESSAGE_SYNTAX)
{
	char id[34] = { 33 };

	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID, 1, id, sizeof(id));
}

CASE(client_hello_with_odd_suites, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene), "\0\3\xc0\x2b\0", 5);
}

CASE(client_hello_without_suites, 0, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene), "\0\0", 2);
}

CASE(server_hello_cut, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_SERVER_HELLO, "\3\3", 2);
}

CASE(certificate_list_cut, 1, MESSAGE_SYNTAX)
{
	find_message(scene, HS_CERTIFICATE)[6]--;
}

CASE(server_key_exchange_with_a_tail, 1, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_SERVER_KEY_EXCHANGE, message_len(scene, HS_SERVER_KEY_EXCHANGE),
		       0, "x", 1);
}

CASE(client_key_exchange_empty, 2, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "", 0);
}

CASE(server_hello_done_not_empty, 1, MESSAGE_TOO_LONG)
{
	replace_body(scene, HS_SERVER_HELLO_DONE, "x", 1);
}

CASE(more_behind_finished_in_its_record, 2, MESSAGE_GLUED)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_HANDSHAKE, 4);
}

CASE(change_cipher_spec_of_2, 2, CCS_SYNTAX)
{
	find_record(scene, RTLS_CHANGE_CIPHER_SPEC, -1)[5] = 2;
}

CASE(alert_of_three_bytes, 0, ALERT_SYNTAX)
{
	only_record(scene, RTLS_ALERT, "\1\0\0", 3);
}

CASE(alert_of_level_3, 0, ALERT_SYNTAX)
{
	only_record(scene, RTLS_ALERT, "\3\0", 2);
}

CASE(warnings_without_end, 0, TOO_MANY_WARNINGS)
{
	scene->len = 0;
	for (int i = 0; i <= HS_WARNINGS_MAX; i++)
		put_record(scene, RTLS_ALERT, "\1\x70", 2);
}

CASE(hello_requests_without_end, 1, TOO_MANY_WARNINGS)
{
	scene->len = 0;
	for (int i = 0; i <= HS_WARNINGS_MAX; i++)
		put_record(scene, RTLS_HANDSHAKE, "\0\0\0", 4);
}
