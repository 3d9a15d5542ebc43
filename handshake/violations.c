// SPDX-License-Identifier: MIT
/* The table of violations.h as data, which the tests read too. */
#include "hs_internal.h"

const struct hs_violation_row hs_violations[HS_V_COUNT] = {
#define X(name, alert, reason, reference) \
	[HS_V_##name] = { #name, RTLS_ALERT_##alert, reason, reference },
	HS_VIOLATIONS(X)
#undef X
};

int hs_violation(struct rtls_hs *hs, enum hs_violation violation)
{
	const struct hs_violation_row *row = &hs_violations[violation];

	return hs_fail(hs, row->alert, "%s", row->reason);
}
