// SPDX-License-Identifier: MIT
/* CertificateStatus: RFC 6066 8. */
#include "hs_internal.h"

#define OCSP 1

int certificate_status_send(struct rtls_hs *hs, struct wire_in *body)
{
	const struct wire_out *staple = &hs->identity->staple;
	size_t response;

	(void)body;
	wire_put_u8(&hs->out, OCSP);
	response = wire_begin_vector(&hs->out, 3);
	wire_put_bytes(&hs->out, staple->data, staple->len);
	wire_end_vector(&hs->out, response, 3);
	return 0;
}

int certificate_status_recv(struct rtls_hs *hs, struct wire_in *body)
{
	uint8_t type = wire_get_u8(body);
	struct wire_in response = wire_get_vector(body, 3, 1);

	if (!wire_is_done(body) || type != OCSP)
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	hs->status_seen = true;
	/* Who does not verify the chain knows no issuer, and asks nobody. */
	return hs->peer_chain->path ? hs_staple_verify(hs, response) : 0;
}
