/* SPDX-License-Identifier: MIT */
/*
 * What a peer can do wrong in a handshake, the alert that answers it, and where the
 * RFC says so. One row a violation; hs_violation() is the only way to fail
 * because of the peer's bytes. X(name, alert, reason, reference)
 */
#ifndef HS_VIOLATIONS_H
#define HS_VIOLATIONS_H

#define HS_VIOLATIONS(X)                                                                          \
	/* records */                                                                              \
	X(RECORD_TYPE, UNEXPECTED_MESSAGE, "a record of an unknown type", "RFC 5246 6")            \
	X(RECORD_NOT_TLS, PROTOCOL_VERSION, "the peer does not speak TLS", "RFC 5246 6.2.1")       \
	X(RECORD_VERSION, PROTOCOL_VERSION, "a record of another version than TLS 1.2",            \
	  "RFC 5246 6.2.1")                                                                        \
	X(RECORD_TOO_LONG, RECORD_OVERFLOW, "a record longer than allowed", "RFC 5246 6.2.1")      \
	X(RECORD_EMPTY, UNEXPECTED_MESSAGE, "an empty handshake or alert record",                  \
	  "RFC 5246 6.2.1")                                                                        \
	X(RECORD_BAD_MAC, BAD_RECORD_MAC, "a record that does not authenticate",                   \
	  "RFC 5246 6.2.3.3")                                                                      \
	X(DATA_IN_HANDSHAKE, UNEXPECTED_MESSAGE, "application data during the handshake",          \
	  "RFC 5246 6.2.1")                                                                        \
	/* messages */                                                                             \
	X(UNEXPECTED_MESSAGE, UNEXPECTED_MESSAGE, "a message out of order", "RFC 5246 7.3")        \
	X(MESSAGE_TOO_LONG, DECODE_ERROR, "a handshake message longer than its kind can be",       \
	  "RFC 5246 7.2.2")                                                                        \
	X(MESSAGE_SYNTAX, DECODE_ERROR, "a message that cannot be parsed", "RFC 5246 7.2.2")       \
	X(MESSAGE_GLUED, UNEXPECTED_MESSAGE, "more in a record behind the last of its keys",       \
	  "RFC 5246 7.1")                                                                          \
	X(CCS_SYNTAX, ILLEGAL_PARAMETER, "a ChangeCipherSpec other than 1", "RFC 5246 7.1")        \
	X(ALERT_SYNTAX, DECODE_ERROR, "an alert that cannot be parsed", "RFC 5246 7.2")            \
	X(TOO_MANY_WARNINGS, UNEXPECTED_MESSAGE, "too many warning alerts", "RFC 5246 7.2")        \
	/* hello */                                                                                \
	X(CLIENT_VERSION, PROTOCOL_VERSION, "the client does not offer TLS 1.2",                   \
	  "RFC 5246 E.1")                                                                          \
	X(SERVER_VERSION, PROTOCOL_VERSION, "the server chose another version than TLS 1.2",       \
	  "RFC 5246 7.4.1.3")                                                                      \
	X(NO_NULL_COMPRESSION, ILLEGAL_PARAMETER, "the client does not offer null compression",    \
	  "RFC 5246 7.4.1.2")                                                                      \
	X(SERVER_COMPRESSION, ILLEGAL_PARAMETER, "the server chose a compression",                 \
	  "RFC 5246 7.4.1.3")                                                                      \
	X(SUITE_NOT_OFFERED, ILLEGAL_PARAMETER, "the server chose a suite that was not offered",   \
	  "RFC 5246 7.4.1.3")                                                                      \
	X(NO_COMMON_SUITE, HANDSHAKE_FAILURE,                                                      \
	  "no suite in common that the certificates and groups allow", "RFC 5246 7.4.1.3")         \
	X(EXTENSION_SYNTAX, DECODE_ERROR, "an extension that cannot be parsed",                    \
	  "RFC 5246 7.4.1.4")                                                                      \
	X(EXTENSION_TWICE, ILLEGAL_PARAMETER, "the same extension twice", "RFC 5246 7.4.1.4")      \
	X(EXTENSION_NOT_OFFERED, UNSUPPORTED_EXTENSION,                                            \
	  "the server answered an extension that was not offered", "RFC 5246 7.4.1.4")             \
	X(TOO_MANY_EXTENSIONS, DECODE_ERROR, "more extensions than anyone needs",                  \
	  "RFC 5246 7.4.1.4")                                                                      \
	X(SERVER_NAME_BAD, ILLEGAL_PARAMETER, "a server_name that is no host name", "RFC 6066 3")  \
	X(POINT_FORMATS, ILLEGAL_PARAMETER, "ec_point_formats without uncompressed",               \
	  "RFC 8422 5.1.2")                                                                        \
	X(RENEGOTIATION_INFO, HANDSHAKE_FAILURE, "a renegotiation_info that is not empty",         \
	  "RFC 5746 3.4, 3.6")                                                                     \
	X(NO_RENEGOTIATION_INFO, HANDSHAKE_FAILURE,                                                \
	  "the server does not know secure renegotiation", "RFC 5746 4.1")                         \
	X(INAPPROPRIATE_FALLBACK, INAPPROPRIATE_FALLBACK,                                          \
	  "the client fell back from a version that we have", "RFC 7507 3")                        \
	X(FRAGMENT_LENGTH, ILLEGAL_PARAMETER, "a max_fragment_length that there is not",           \
	  "RFC 6066 4")                                                                            \
	X(RECORD_SIZE_LIMIT, ILLEGAL_PARAMETER, "a record_size_limit below 64", "RFC 8449 4")      \
	X(ALPN_NO_COMMON, NO_APPLICATION_PROTOCOL, "no application protocol in common",            \
	  "RFC 7301 3.2")                                                                          \
	X(ALPN_NOT_OFFERED, ILLEGAL_PARAMETER, "the server chose a protocol that was not offered", \
	  "RFC 7301 3.1")                                                                          \
	/* resumption */                                                                          \
	X(EXTENDED_MASTER_SECRET_DROPPED, HANDSHAKE_FAILURE,                                       \
	  "a session resumed without the extended master secret that it has", "RFC 7627 5.3")      \
	X(SESSION_SUITE_CHANGED, ILLEGAL_PARAMETER, "the server resumed a session with another suite", \
	  "RFC 5246 7.4.1.3")                                                                      \
	/* certificates and keys */                                                                \
	X(NO_CERTIFICATE, BAD_CERTIFICATE, "the server sent no certificate", "RFC 5246 7.4.2")     \
	X(NO_CLIENT_CERTIFICATE, HANDSHAKE_FAILURE, "the client sent no certificate",              \
	  "RFC 5246 7.4.6")                                                                        \
	X(CERTIFICATE_SYNTAX, BAD_CERTIFICATE, "a certificate that cannot be parsed",              \
	  "RFC 5246 7.4.2")                                                                        \
	X(STATUS_MISSING, BAD_CERTIFICATE_STATUS_RESPONSE,                                         \
	  "the server staples no OCSP response", "RFC 6066 8")                                     \
	X(STATUS_BAD, BAD_CERTIFICATE_STATUS_RESPONSE,                                             \
	  "a stapled OCSP response that does not vouch for the certificate", "RFC 6066 8")         \
	X(STATUS_STALE, BAD_CERTIFICATE_STATUS_RESPONSE,                                           \
	  "a stapled OCSP response that is out of date", "RFC 6066 8")                             \
	X(STATUS_REVOKED, CERTIFICATE_REVOKED,                                                     \
	  "a stapled OCSP response that says \"revoked\"", "RFC 5246 7.2.2")                       \
	X(CHAIN_TOO_LONG, BAD_CERTIFICATE, "a certificate chain longer than allowed",              \
	  "RFC 5246 7.4.2")                                                                        \
	X(CERTIFICATE_KEY, UNSUPPORTED_CERTIFICATE,                                                \
	  "a certificate whose key is not of a kind that can be used here",                        \
	  "RFC 5246 7.4.2, 7.4.6")                                                                 \
	X(CERTIFICATE_KEY_USAGE, UNSUPPORTED_CERTIFICATE,                                          \
	  "a certificate whose key usage forbids what it is needed for", "RFC 5246 7.4.2")         \
	X(KEY_TOO_SMALL, INSUFFICIENT_SECURITY, "a certificate with too small a key",              \
	  "RFC 9325 4.5")                                                                          \
	X(KEY_TOO_LARGE, UNSUPPORTED_CERTIFICATE, "a certificate with too large a key",            \
	  "RFC 5246 7.4.2")                                                                        \
	X(GROUP_NOT_OFFERED, ILLEGAL_PARAMETER, "the server chose a group that was not offered",   \
	  "RFC 8422 5.4")                                                                          \
	X(BAD_PUBLIC_VALUE, ILLEGAL_PARAMETER, "a public value that is not of its group",          \
	  "RFC 8422 5.11, RFC 7919 5.1")                                                           \
	X(DH_SIZE, INSUFFICIENT_SECURITY, "a prime of less than 2048 or more than 8192 bits",      \
	  "RFC 7919 3")                                                                            \
	X(SIGNATURE_NOT_OFFERED, ILLEGAL_PARAMETER,                                                \
	  "a signature algorithm that was not offered, or is not for this key",                    \
	  "RFC 5246 7.4.3, 7.4.8")                                                                 \
	X(BAD_SIGNATURE, DECRYPT_ERROR, "a signature that does not verify", "RFC 5246 7.2.2")      \
	X(BAD_VERIFY_DATA, DECRYPT_ERROR, "a Finished with wrong verify_data", "RFC 5246 7.4.9")

enum hs_violation {
	HS_V_NONE, /* so that 0 is none of them */
#define X(name, alert, reason, reference) HS_V_##name,
	HS_VIOLATIONS(X)
#undef X
	HS_V_COUNT,
};

struct hs_violation_row {
	const char *name;
	unsigned char alert;
	const char *reason, *reference;
};
extern const struct hs_violation_row hs_violations[HS_V_COUNT];

#endif
