// SPDX-License-Identifier: MIT
/* NewSessionTicket: RFC 5077 3.3. */
#include "hs_internal.h"

int new_session_ticket_send(struct rtls_hs *hs, struct wire_in *body)
{
	size_t vector;

	(void)body;
	wire_put_u32(&hs->out, hs_session_time_left(hs));
	vector = wire_begin_vector(&hs->out, 2);
	if (hs_session_seal(hs, &hs->out))
		return hs_fault(hs, "sealing a session ticket failed");
	if (hs->out.len - vector > HS_SESSION_MAX)
		hs->out.len = vector; /* an empty one: there will be none */
	wire_end_vector(&hs->out, vector, 2);
	return 0;
}

int new_session_ticket_recv(struct rtls_hs *hs, struct wire_in *body)
{
	uint32_t lifetime = wire_get_u32(body);
	struct wire_in ticket = wire_get_vector(body, 2, 0);

	if (!wire_is_done(body))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	hs->ticket_lifetime = lifetime;
	/* A longer one would make a ClientHello that some refuse. */
	if (!ticket.len || ticket.len > HS_TICKET_MAX)
		return 0;
	hs->new_ticket = true;
	wire_clear(&hs->session.ticket);
	wire_put_bytes(&hs->session.ticket, ticket.data, ticket.len);
	return hs->session.ticket.bad ? hs_fault(hs, "no memory for a session ticket") : 0;
}
