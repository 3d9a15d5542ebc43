// SPDX-License-Identifier: MIT
/* The hand-over report: where each direction is, and why, in words. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ktls_internal.h"

static const struct {
	const char *name, *text;
} reasons[RTLS_REASON_COUNT] = {
	[RTLS_REASON_PENDING] = { "pending", "the hand-over has not come yet" },
	[RTLS_REASON_INSTALLED] = { "installed", "the kernel has the keys" },
	[RTLS_REASON_OFF] = { "off", "kernel TLS is turned off by --ktls off" },
	[RTLS_REASON_NO_ULP] = { "no-ulp",
				 "the kernel has no \"tls\" ULP: run modprobe tls as root, or use "
				 "a kernel with CONFIG_TLS" },
	[RTLS_REASON_NOT_TCP] = { "not-tcp", "the socket is not TCP, or the kernel older than "
					     "4.13: use a TCP socket on a newer kernel" },
	[RTLS_REASON_NOT_CONNECTED] = { "not-connected",
					"the connection was not established or half closed when "
					"the kernel was asked" },
	[RTLS_REASON_OTHER_ULP] = { "other-ulp", "the socket has another ULP than \"tls\": "
						 "detach it before the handshake" },
	[RTLS_REASON_NO_CIPHER] = { "no-cipher", "this kernel does not offer this cipher: see "
						 "ringtls probe, or choose with --suites" },
	[RTLS_REASON_RECORD_LIMIT] = { "record-limit",
				       "the peer takes small records only, which the kernel "
				       "would not keep to" },
	[RTLS_REASON_REFUSED] = { "refused", "the kernel refused the keys" },
};

const char *rtls_reason_text(enum rtls_reason reason)
{
	return (unsigned int)reason < RTLS_REASON_COUNT ? reasons[reason].text : "unknown";
}

/* EEXIST is no refusal: the socket may have been given the "tls" ULP before. */
enum rtls_reason ktls_attach_reason(int error)
{
	switch (error) {
	case 0:
	case -EEXIST:
		return RTLS_REASON_INSTALLED;
	case -ENOENT:
		return RTLS_REASON_NO_ULP;
	case -ENOTCONN:
		return RTLS_REASON_NOT_CONNECTED;
	case -ENOPROTOOPT:
	case -EOPNOTSUPP:
		return RTLS_REASON_NOT_TCP;
	default:
		return RTLS_REASON_REFUSED;
	}
}

enum rtls_reason ktls_install_reason(int error)
{
	switch (error) {
	case 0:
		return RTLS_REASON_INSTALLED;
	case -EINVAL: /* a cipher newer than the kernel */
	case -ENOENT: /* a cipher whose crypto module is missing */
		return RTLS_REASON_NO_CIPHER;
	case -ENOPROTOOPT:
		return RTLS_REASON_OTHER_ULP;
	case -ENOTCONN:
		return RTLS_REASON_NOT_CONNECTED;
	default:
		return RTLS_REASON_REFUSED;
	}
}

/* "kernel" or "userspace (no-ulp)", with the errno where the reason alone is not enough. */
static void print_direction(const struct rtls_report_direction *direction, char *buf, size_t size)
{
	const char *name = reasons[direction->reason].name;

	if (direction->mode == RTLS_MODE_KERNEL)
		snprintf(buf, size, "kernel from record %llu", (unsigned long long)direction->seq);
	else if (direction->reason == RTLS_REASON_REFUSED)
		snprintf(buf, size, "userspace (%s: %s)", name, strerror(-direction->error));
	else
		snprintf(buf, size, "userspace (%s)", name);
}

int rtls_report_print(const struct rtls_report *report, char *buf, size_t size)
{
	const char *suite = rtls_suite_name(report->suite);
	char tx[96], rx[96];

	print_direction(&report->tx, tx, sizeof(tx));
	print_direction(&report->rx, rx, sizeof(rx));
	return snprintf(buf, size, "%s tx %s, rx %s, drained %u", suite ? suite : "no suite", tx,
			rx, report->drained);
}
