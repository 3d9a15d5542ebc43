// SPDX-License-Identifier: MIT
/* Alerts and errors in words. RFC 5246 7.2 and IANA's registry of TLS alerts. */
#include <string.h>

#include <ringtls/handshake.h>

static const struct {
	uint8_t alert;
	const char *name;
} alerts[] = {
	{ RTLS_ALERT_CLOSE_NOTIFY, "close_notify" },
	{ RTLS_ALERT_UNEXPECTED_MESSAGE, "unexpected_message" },
	{ RTLS_ALERT_BAD_RECORD_MAC, "bad_record_mac" },
	{ 21, "decryption_failed" },
	{ RTLS_ALERT_RECORD_OVERFLOW, "record_overflow" },
	{ 30, "decompression_failure" },
	{ RTLS_ALERT_HANDSHAKE_FAILURE, "handshake_failure" },
	{ 41, "no_certificate" },
	{ RTLS_ALERT_BAD_CERTIFICATE, "bad_certificate" },
	{ RTLS_ALERT_UNSUPPORTED_CERTIFICATE, "unsupported_certificate" },
	{ RTLS_ALERT_CERTIFICATE_REVOKED, "certificate_revoked" },
	{ RTLS_ALERT_CERTIFICATE_EXPIRED, "certificate_expired" },
	{ RTLS_ALERT_CERTIFICATE_UNKNOWN, "certificate_unknown" },
	{ RTLS_ALERT_ILLEGAL_PARAMETER, "illegal_parameter" },
	{ RTLS_ALERT_UNKNOWN_CA, "unknown_ca" },
	{ RTLS_ALERT_ACCESS_DENIED, "access_denied" },
	{ RTLS_ALERT_DECODE_ERROR, "decode_error" },
	{ RTLS_ALERT_DECRYPT_ERROR, "decrypt_error" },
	{ 60, "export_restriction" },
	{ RTLS_ALERT_PROTOCOL_VERSION, "protocol_version" },
	{ RTLS_ALERT_INSUFFICIENT_SECURITY, "insufficient_security" },
	{ RTLS_ALERT_INTERNAL_ERROR, "internal_error" },
	{ RTLS_ALERT_INAPPROPRIATE_FALLBACK, "inappropriate_fallback" },
	{ RTLS_ALERT_USER_CANCELED, "user_canceled" },
	{ RTLS_ALERT_NO_RENEGOTIATION, "no_renegotiation" },
	{ RTLS_ALERT_UNSUPPORTED_EXTENSION, "unsupported_extension" },
	{ RTLS_ALERT_UNRECOGNIZED_NAME, "unrecognized_name" },
	{ RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE, "bad_certificate_status_response" },
	{ 115, "unknown_psk_identity" },
	{ 116, "certificate_required" },
	{ RTLS_ALERT_NO_APPLICATION_PROTOCOL, "no_application_protocol" },
};

const char *rtls_alert_name(uint8_t alert)
{
	for (size_t i = 0; i < sizeof(alerts) / sizeof(*alerts); i++)
		if (alerts[i].alert == alert)
			return alerts[i].name;
	return "unknown_alert";
}

const char *rtls_strerror(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case RTLS_ERR_CONFIG:
		return "a setting is wrong";
	case RTLS_ERR_STATE:
		return "the call is not allowed in this state";
	case RTLS_ERR_CRYPTO:
		return "libcrypto failed";
	case RTLS_ERR_TRUNCATED:
		return "truncated stream";
	case RTLS_ERR_DECLINED:
		return "the kernel was required to encrypt and declined";
	case RTLS_ERR_TIMEOUT:
		return "a time limit struck";
	}
	if (RTLS_ERR_IS_ALERT_SENT(error))
		return rtls_alert_name(RTLS_ERR_ALERT(error));
	if (error <= RTLS_ERR_ALERT_RECEIVED(0) && error >= RTLS_ERR_ALERT_RECEIVED(255))
		return rtls_alert_name(RTLS_ERR_ALERT(error));
	if (error < 0 && error > -4096)
		return strerror(-error);
	return "unknown error";
}
