/* SPDX-License-Identifier: MIT */
/* tls_options.h - the options about TLS that serve and get share */
#ifndef RINGTLS_CMD_TLS_OPTIONS_H
#define RINGTLS_CMD_TLS_OPTIONS_H

#include <stdio.h>

#include <ringtls/ktls.h>

#include "options.h"

struct tls_options {
	enum rtls_policy policy;
	const char *suites; /* NULL: the defaults */
	const char *groups;
	const char *sigalgs;
	const char *alpn; /* NULL: what the command speaks */
	bool legacy_kx;
};

extern const struct option_row tls_option_table[];

const char *tls_policy_name(enum rtls_policy policy);

/**
 * tls_config_new - a configuration with these options and the clock
 * @config: gets it, not frozen
 * @alpn: see rtls_config_set_alpn()
 *
 * Return: EXIT_OK, or the exit code to leave with; cmd_error() has said why.
 */
int tls_config_new(struct rtls_config **config, const struct tls_options *options,
		   const char *alpn);

/* A setter or rtls_config_freeze() has returned @error: say what is wrong. */
void tls_config_complain(const struct rtls_config *config, int error);

/**
 * tls_kernel_check - can the policy be kept on this kernel?
 * @notes: with RTLS_KTLS_AUTO, where to say so if this kernel does not take everything; or NULL
 *
 * Return: true, or false where a required kernel TLS is missing; cmd_error() has said why.
 */
bool tls_kernel_check(enum rtls_policy policy, FILE *notes);

#endif
