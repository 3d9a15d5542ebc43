// SPDX-License-Identifier: MIT
/* ChangeCipherSpec and Finished: RFC 5246 7.1, 7.4.9. */
#include "hs_internal.h"

int change_cipher_spec_send(struct rtls_hs *hs, struct wire_in *body)
{
	(void)body;
	wire_put_u8(&hs->out, 1);
	return 0;
}

int change_cipher_spec_recv(struct rtls_hs *hs, struct wire_in *body)
{
	if (wire_get_u8(body) != 1 || !wire_is_done(body))
		return hs_violation(hs, HS_V_CCS_SYNTAX);
	hs->read_protected = true;
	return 0;
}

int finished_send(struct rtls_hs *hs, struct wire_in *body)
{
	uint8_t *verify_data = wire_put_room(&hs->out, HS_VERIFY_DATA_LEN);

	(void)body;
	if (verify_data && hs_verify_data(hs, hs->role, verify_data))
		return hs_fault(hs, "computing Finished failed");
	return 0;
}

int finished_recv(struct rtls_hs *hs, struct wire_in *body)
{
	enum rtls_role peer = hs->role == RTLS_CLIENT ? RTLS_SERVER : RTLS_CLIENT;
	const uint8_t *received = wire_get_bytes(body, HS_VERIFY_DATA_LEN);
	uint8_t expected[HS_VERIFY_DATA_LEN];

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (hs_verify_data(hs, peer, expected))
		return hs_fault(hs, "computing Finished failed");
	if (CRYPTO_memcmp(received, expected, HS_VERIFY_DATA_LEN))
		return hs_violation(hs, HS_V_BAD_VERIFY_DATA);
	return 0;
}
