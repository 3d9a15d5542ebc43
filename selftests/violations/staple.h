/* SPDX-License-Identifier: MIT */
/* Violations around a stapled OCSP response, which the client requires: flight 1 brings it. */
#include "../ocsp.h"

static void replace_staple(struct scene *scene, struct staple_spec spec)
{
	uint8_t body[4 + 4096] = { 1 };
	size_t len;

	spec.cert = &scene->cert;
	len = staple_make(spec, body + 4);
	body[2] = len >> 8;
	body[3] = len;
	replace_body(scene, HS_CERTIFICATE_STATUS, body, 4 + len);
}

CASE_STAPLE(staple_does_not_come, 1, STATUS_MISSING)
{
	remove_message(scene, HS_CERTIFICATE_STATUS);
}

CASE_STAPLE(staple_not_promised, 1, UNEXPECTED_MESSAGE)
{
	remove_extension(scene, HS_SERVER_HELLO, 5);
}

CASE_STAPLE(staple_behind_the_key_exchange, 1, UNEXPECTED_MESSAGE)
{
	size_t len = message_len(scene, HS_CERTIFICATE_STATUS);
	uint8_t copy[4096 + 8];

	memcpy(copy, find_message(scene, HS_CERTIFICATE_STATUS), len);
	remove_message(scene, HS_CERTIFICATE_STATUS);
	remove_message(scene, HS_SERVER_HELLO_DONE);
	put_record(scene, RTLS_HANDSHAKE, copy, len);
}

CASE_STAPLE(second_staple, 1, UNEXPECTED_MESSAGE)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[0] = HS_CERTIFICATE_STATUS;
}

CASE_STAPLE(staple_of_another_type, 1, MESSAGE_SYNTAX)
{
	find_message(scene, HS_CERTIFICATE_STATUS)[4] = 2;
}

CASE_STAPLE(staple_cut, 1, MESSAGE_SYNTAX)
{
	find_message(scene, HS_CERTIFICATE_STATUS)[7]++;
}

CASE_STAPLE(staple_is_no_der, 1, STATUS_BAD)
{
	replace_body(scene, HS_CERTIFICATE_STATUS, "\1\0\0\1x", 5);
}

CASE_STAPLE(staple_of_unknown_status, 1, STATUS_BAD)
{
	replace_staple(scene, (struct staple_spec){ .status = V_OCSP_CERTSTATUS_UNKNOWN });
}

CASE_STAPLE(staple_says_revoked, 1, STATUS_REVOKED)
{
	replace_staple(scene, (struct staple_spec){ .status = V_OCSP_CERTSTATUS_REVOKED });
}

CASE_STAPLE(staple_out_of_date, 1, STATUS_STALE)
{
	replace_staple(scene, (struct staple_spec){ .age_s = 10000, .life_s = 5000 });
}

CASE_STAPLE(staple_from_the_future, 1, STATUS_STALE)
{
	replace_staple(scene, (struct staple_spec){ .age_s = -10000 });
}

/* By a key that has nothing to do with the issuer. */
CASE_STAPLE(staple_of_a_stranger, 1, STATUS_BAD)
{
	replace_staple(scene, (struct staple_spec){ .signer = &scene->client_cert });
}

/* About the same serial number, but of another issuer's. */
CASE_STAPLE(staple_about_another_certificate, 1, STATUS_BAD)
{
	replace_staple(scene, (struct staple_spec){ .issuer = &scene->client_cert,
						    .signer = &scene->cert });
}

CASE_STAPLE(staple_changed, 1, STATUS_BAD)
{
	find_message(scene, HS_CERTIFICATE_STATUS)[100] ^= 1;
}
