/* SPDX-License-Identifier: MIT */
/* probe.h - what this kernel takes, put into words */
#ifndef RINGTLS_CMD_PROBE_H
#define RINGTLS_CMD_PROBE_H

#include <ringtls/ktls.h>

enum probe_level {
	PROBE_BOTH,   /* at least one cipher in both directions */
	PROBE_PARTLY, /* ciphers in one direction only */
	PROBE_NONE,
};

#define PROBE_VERDICT_LEN 512

/* Ask the kernel. @verdict gets a sentence about what it takes or why it does not. */
enum probe_level probe_kernel(struct rtls_probe *probe, char verdict[PROBE_VERDICT_LEN]);

#endif
