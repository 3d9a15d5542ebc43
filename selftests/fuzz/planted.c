// SPDX-License-Identifier: MIT
/*
 * Bugs for the fuzz targets to find: a harness that misses one is blind. PLANTED_BUG names the
 * one that is there; each stands in for a function of the library. (--wrap, see the Makefile)
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static bool is_planted(const char *bug)
{
	const char *planted = getenv("PLANTED_BUG");

	return planted && !strcmp(planted, bug);
}

static volatile uint8_t sink;
static void *volatile lost;

int __real_server_hello_recv(struct rtls_hs *hs, struct wire_in *body);
int __wrap_server_hello_recv(struct rtls_hs *hs, struct wire_in *body);
int __wrap_server_hello_recv(struct rtls_hs *hs, struct wire_in *body)
{
	volatile int shift = body->len;

	if (is_planted("overread"))
		sink = body->data[body->len];
	if (is_planted("undefined"))
		sink = 1 << shift;
	if (is_planted("leak"))
		lost = malloc(32);
	if (is_planted("memory"))
		lost = malloc(100 << 20);
	if (is_planted("internal_error"))
		return hs_fault(hs, "planted");
	if (is_planted("silence")) { /* fails, but does not say so to the peer */
		hs->error = RTLS_ERR_ALERT_SENT(RTLS_ALERT_DECODE_ERROR);
		hs->state = HS_FAILED;
		strcpy(hs->reason, "planted");
		return hs->error;
	}
	if (is_planted("deep") && body->len >= 4 && !memcmp(body->data, "deep", 4))
		fuzz_die("the deep one");
	return __real_server_hello_recv(hs, body);
}

int __real_finished_recv(struct rtls_hs *hs, struct wire_in *body);
int __wrap_finished_recv(struct rtls_hs *hs, struct wire_in *body);
int __wrap_finished_recv(struct rtls_hs *hs, struct wire_in *body)
{
	return is_planted("unverified") ? 0 : __real_finished_recv(hs, body);
}

ssize_t __real_rtls_hs_input(struct rtls_hs *hs, const uint8_t *buf, size_t len);
ssize_t __wrap_rtls_hs_input(struct rtls_hs *hs, const uint8_t *buf, size_t len);
ssize_t __wrap_rtls_hs_input(struct rtls_hs *hs, const uint8_t *buf, size_t len)
{
	ssize_t ret = __real_rtls_hs_input(hs, buf, len);

	if (ret >= 0 && hs->record.len == 3 && is_planted("border"))
		return hs_violation(hs, HS_V_MESSAGE_SYNTAX);
	if (ret < 0 && is_planted("forgets"))
		hs->error = 0;
	return ret;
}
