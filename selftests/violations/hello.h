/* SPDX-License-Identifier: MIT */
/* Violations in ClientHello and ServerHello. */

/* ---- hello -------------------------------------------------------------------------------------- */

CASE(client_of_tls_1_1, 0, CLIENT_VERSION)
{
	find_message(scene, HS_CLIENT_HELLO)[5] = 2;
}

CASE(client_of_tls_1_3_only, 0, CLIENT_VERSION)
{
	add_extension(scene, HS_CLIENT_HELLO, 43, "\2\3\4", 3);
}

CASE(server_of_tls_1_1, 1, SERVER_VERSION)
{
	find_message(scene, HS_SERVER_HELLO)[5] = 2;
}

CASE(server_of_tls_1_3, 1, SERVER_VERSION)
{
	find_message(scene, HS_SERVER_HELLO)[5] = 4;
}

CASE(client_wants_compression, 0, NO_NULL_COMPRESSION)
{
	size_t at = HELLO_SESSION_ID + 1 + suites_len(scene);

	find_message(scene, HS_CLIENT_HELLO)[at + 1] = 1;
}

CASE(server_compresses, 1, SERVER_COMPRESSION)
{
	find_message(scene, HS_SERVER_HELLO)[HELLO_SESSION_ID + 3] = 1;
}

CASE(server_chooses_cbc, 1, SUITE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_SERVER_HELLO) + HELLO_SESSION_ID + 1, "\xc0\x09", 2);
}

CASE(client_with_other_suites, 0, NO_COMMON_SUITE)
{
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene), "\0\2\0\x2f", 4);
}

CASE(client_without_signature_algorithms, 0, NO_COMMON_SUITE)
{
	remove_extension(scene, HS_CLIENT_HELLO, 13);
}

CASE(extensions_of_wrong_length, 0, MESSAGE_SYNTAX)
{
	find_message(scene, HS_CLIENT_HELLO)[extensions_at(scene, HS_CLIENT_HELLO) + 1]++;
}

CASE(server_name_list_cut, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\5\0\0\3ab", 7);
}

CASE(server_name_empty, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\3\0\0\0", 5);
}

CASE(extended_master_secret_not_empty, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 23, "x", 1);
}

CASE(groups_of_odd_length, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 10, "\0\3\0\x1d\0", 5);
}

CASE(signature_algorithms_empty, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 13, "\0\0", 2);
}

CASE(alpn_with_an_empty_name, 0, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_CLIENT_HELLO, 16, "\0\4\2h2\0", 6);
}

CASE(server_name_answered_with_content, 1, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_SERVER_HELLO, 0, "x", 1);
}

CASE(alpn_answered_with_two_names, 1, EXTENSION_SYNTAX)
{
	replace_extension(scene, HS_SERVER_HELLO, 16, "\0\6\2h2\2h2", 8);
}

CASE(client_sends_an_extension_twice, 0, EXTENSION_TWICE)
{
	add_extension(scene, HS_CLIENT_HELLO, 23, "", 0);
}

CASE(client_sends_an_unknown_extension_twice, 0, EXTENSION_TWICE)
{
	add_extension(scene, HS_CLIENT_HELLO, 0x1a1a, "", 0);
	add_extension(scene, HS_CLIENT_HELLO, 0x1a1a, "", 0);
}

CASE(server_sends_an_extension_twice, 1, EXTENSION_TWICE)
{
	add_extension(scene, HS_SERVER_HELLO, 23, "", 0);
}

CASE(server_answers_an_unknown_extension, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 0x1a1a, "", 0);
}

CASE(server_answers_signature_algorithms, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 13, "\0\2\4\3", 4);
}

CASE(extensions_without_end, 0, TOO_MANY_EXTENSIONS)
{
	for (int i = 0; i < 64; i++)
		add_extension(scene, HS_CLIENT_HELLO, 0x4000 + i, "", 0);
}

CASE(server_name_with_nul, 0, SERVER_NAME_BAD)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\6\0\0\3a\0b", 8);
}

CASE(two_server_names, 0, SERVER_NAME_BAD)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0, "\0\x08\0\0\1a\0\0\1b", 10);
}

CASE(only_compressed_points, 0, POINT_FORMATS)
{
	replace_extension(scene, HS_CLIENT_HELLO, 11, "\1\1", 2);
}

CASE(server_with_only_compressed_points, 1, POINT_FORMATS)
{
	replace_extension(scene, HS_SERVER_HELLO, 11, "\1\1", 2);
}

CASE(client_renegotiates, 0, RENEGOTIATION_INFO)
{
	replace_extension(scene, HS_CLIENT_HELLO, 0xff01, "\1x", 2);
}

CASE(server_renegotiates, 1, RENEGOTIATION_INFO)
{
	replace_extension(scene, HS_SERVER_HELLO, 0xff01, "\1x", 2);
}

CASE(server_without_secure_renegotiation, 1, NO_RENEGOTIATION_INFO)
{
	remove_extension(scene, HS_SERVER_HELLO, 0xff01);
}

CASE(alpn_of_other_protocols, 0, ALPN_NO_COMMON)
{
	replace_extension(scene, HS_CLIENT_HELLO, 16, "\0\4\3foo", 6);
}

CASE(server_chooses_another_protocol, 1, ALPN_NOT_OFFERED)
{
	replace_extension(scene, HS_SERVER_HELLO, 16, "\0\4\3foo", 6);
}

CASE(client_fell_back, 0, INAPPROPRIATE_FALLBACK)
{
	find_message(scene, HS_CLIENT_HELLO)[5] = 2;
	splice_message(scene, HS_CLIENT_HELLO, HELLO_SESSION_ID + 1, suites_len(scene),
		       "\0\4\xc0\x2b\x56\0", 6);
}

CASE(fragments_of_no_length, 0, FRAGMENT_LENGTH)
{
	add_extension(scene, HS_CLIENT_HELLO, 1, "\0", 1);
}

CASE(fragments_of_unknown_length, 0, FRAGMENT_LENGTH)
{
	add_extension(scene, HS_CLIENT_HELLO, 1, "\5", 1);
}

CASE(fragment_length_too_long, 0, EXTENSION_SYNTAX)
{
	add_extension(scene, HS_CLIENT_HELLO, 1, "\1\1", 2);
}

CASE(client_wants_tiny_records, 0, RECORD_SIZE_LIMIT)
{
	replace_extension(scene, HS_CLIENT_HELLO, 28, "\0\x3f", 2);
}

CASE(server_wants_tiny_records, 1, RECORD_SIZE_LIMIT)
{
	replace_extension(scene, HS_SERVER_HELLO, 28, "\0\x3f", 2);
}

CASE(server_limits_fragments_unasked, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 1, "\1", 1);
}

CASE(server_sends_timestamps_unasked, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 18, "\0\3\0\1x", 5);
}

CASE(server_promises_a_staple_unasked, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 5, "", 0);
}

CASE(server_answers_signature_algorithms_cert, 1, EXTENSION_NOT_OFFERED)
{
	add_extension(scene, HS_SERVER_HELLO, 50, "\0\2\4\3", 4);
}

CASE(status_request_cut, 0, EXTENSION_SYNTAX)
{
	add_extension(scene, HS_CLIENT_HELLO, 5, "\1\0\0\0", 4);
}

CASE(status_request_empty, 0, EXTENSION_SYNTAX)
{
	add_extension(scene, HS_CLIENT_HELLO, 5, "", 0);
}

CASE(signature_algorithms_cert_of_odd_length, 0, EXTENSION_SYNTAX)
{
	add_extension(scene, HS_CLIENT_HELLO, 50, "\0\3\4\3\5", 5);
}
