/* SPDX-License-Identifier: MIT */
/* Violations around a client's certificate: flight 1 asks for it, flight 2 brings it. */

static void remove_message(struct scene *scene, uint8_t message)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, message);
	size_t len = 5 + (record[3] << 8 | record[4]);

	scene->len -= len;
	memmove(record, record + len, scene->flight + scene->len - record);
}

CASE_AUTH(client_sends_an_empty_certificate, 2, NO_CLIENT_CERTIFICATE)
{
	replace_body(scene, HS_CERTIFICATE, "\0\0\0", 3);
}

CASE_AUTH(client_leaves_out_its_certificate, 2, UNEXPECTED_MESSAGE)
{
	remove_message(scene, HS_CERTIFICATE);
}

CASE_AUTH(client_leaves_out_certificate_verify, 2, UNEXPECTED_MESSAGE)
{
	remove_message(scene, HS_CERTIFICATE_VERIFY);
}

CASE(client_sends_a_certificate_unasked, 2, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_CLIENT_KEY_EXCHANGE)[0] = HS_CERTIFICATE;
}

CASE_AUTH(certificate_verify_changed, 2, BAD_SIGNATURE)
{
	uint8_t *message = find_message(scene, HS_CERTIFICATE_VERIFY);

	message[4 + 4 + 20] ^= 1;
}

CASE_AUTH(certificate_verify_of_another_scheme, 2, SIGNATURE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_CERTIFICATE_VERIFY) + 4, "\2\3", 2);
}

CASE_AUTH(certificate_verify_of_another_key, 2, SIGNATURE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_CERTIFICATE_VERIFY) + 4, "\4\1", 2);
}

CASE_AUTH(certificate_verify_with_a_tail, 2, MESSAGE_SYNTAX)
{
	splice_message(scene, HS_CERTIFICATE_VERIFY, message_len(scene, HS_CERTIFICATE_VERIFY), 0,
		       "x", 1);
}

CASE_AUTH(certificate_verify_too_long, 2, MESSAGE_TOO_LONG)
{
	find_message(scene, HS_CERTIFICATE_VERIFY)[2] = 9;
}

/* The signature is over what the client has sent and seen: another hello, another one. */
CASE_AUTH(hello_changed_under_certificate_verify, 0, BAD_SIGNATURE)
{
	remove_extension(scene, HS_CLIENT_HELLO, 23);
}

CASE_AUTH(client_certificate_is_no_der, 2, CERTIFICATE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE, "\0\0\6\0\0\3abc", 9);
}

CASE_AUTH(client_chain_without_end, 2, CHAIN_TOO_LONG)
{
	replace_certificate(scene, scene->client_cert, HS_CHAIN_MAX + 1);
}

CASE_AUTH(client_certificate_must_not_sign, 2, CERTIFICATE_KEY_USAGE)
{
	other_certificate(scene, (struct cert_spec){ .key_usage = "keyAgreement" });
}

CASE_AUTH(client_rsa_key_of_1024_bits, 2, KEY_TOO_SMALL)
{
	other_certificate(scene, (struct cert_spec){ .kind = CERT_RSA, .rsa_bits = 1024 });
}

CASE_AUTH(server_asks_twice, 1, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_SERVER_HELLO_DONE)[0] = HS_CERTIFICATE_REQUEST;
}

CASE_AUTH(certificate_request_before_key_exchange, 1, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[0] = HS_CERTIFICATE_REQUEST;
}

CASE_AUTH(certificate_request_without_types, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE_REQUEST, "\0\0\2\4\3\0\0", 7);
}

CASE_AUTH(certificate_request_without_schemes, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE_REQUEST, "\1\x40\0\0\0\0", 6);
}

CASE_AUTH(certificate_request_with_half_a_scheme, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE_REQUEST, "\1\x40\0\3\4\3\4\0\0", 9);
}

CASE_AUTH(certificate_request_with_an_empty_name, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE_REQUEST, "\1\x40\0\2\4\3\0\2\0\0", 10);
}

CASE_AUTH(certificate_request_with_a_name_cut, 1, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE_REQUEST, "\1\x40\0\2\4\3\0\3\0\2x", 11);
}
