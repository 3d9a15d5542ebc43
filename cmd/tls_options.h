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
	bool legacy_kx, client_preference;
	struct option_list certs, keys; /* the n-th key is the n-th certificate's */
	struct option_list staples, scts; /* the n-th is the n-th certificate's */
	bool require_staple;
	struct option_list crls;
	enum rtls_client_auth client_auth;
	struct option_list client_cas;
	const char *ticket_keys; /* NULL: keys of our own making */
	bool no_tickets;
	unsigned int session_cache; /* sessions; 0: none */
	bool trace;
};

/* The first one is for both; each command has one more. */
extern const struct option_row tls_option_table[];
extern const struct option_row tls_serve_option_table[], tls_get_option_table[];

/* Do a server's options make sense together? EXIT_OK, or cmd_error() has said why not. */
int tls_serve_check(const struct tls_options *options);

/* What is not zero by default. */
#define TLS_OPTION_DEFAULTS { .session_cache = 20000 }

/* For the notes below the options. */
#define TLS_OPTION_NOTES \
	"If SSLKEYLOGFILE is in the environment, the secrets of all connections are appended to the\n" \
	"file it names.\n"

const char *tls_policy_name(enum rtls_policy policy);

/**
 * tls_config_new - a configuration with these options and the clock
 * @config: gets it, not frozen; NULL on failure
 * @alpn: see rtls_config_set_alpn()
 *
 * Return: EXIT_OK, or the exit code to leave with; cmd_error() has said why.
 */
int tls_config_new(struct rtls_config **config, const struct tls_options *options,
		   const char *alpn);

/* The same to a configuration that is there. Return: 0 or an error, for tls_config_complain(). */
int tls_config_apply(struct rtls_config *config, const struct tls_options *options,
		     const char *alpn);

/**
 * tls_add_identities - the certificates of --cert with the keys of --key
 *
 * Return: 0 or a negative RTLS_ERR_*, for tls_config_complain().
 */
int tls_add_identities(struct rtls_config *config, const struct tls_options *options);

/* A setter or rtls_config_freeze() has returned @error: say what is wrong. */
void tls_config_complain(const struct rtls_config *config, int error);
/* What it says. @config: NULL if there was no memory for one. */
const char *tls_config_why(const struct rtls_config *config, int error);

/**
 * tls_kernel_check - can the policy be kept on this kernel?
 * @notes: with RTLS_KTLS_AUTO, where to say so if this kernel does not take everything; or NULL
 *
 * Return: true, or false where a required kernel TLS is missing; cmd_error() has said why.
 */
bool tls_kernel_check(enum rtls_policy policy, FILE *notes);

#endif
