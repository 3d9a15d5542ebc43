// SPDX-License-Identifier: MIT
/* tls_options.c - the options about TLS that serve and get share */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd.h"
#include "keylog.h"
#include "probe.h"
#include "tls_options.h"
#include "trace/trace.h"

static const char *const policy_names[] = {
	[RTLS_KTLS_AUTO] = "auto",
	[RTLS_KTLS_REQUIRE] = "require",
	[RTLS_KTLS_OFF] = "off",
};

#define POLICIES (sizeof(policy_names) / sizeof(*policy_names))

static const char *set_policy(void *member, const char *value)
{
	for (size_t i = 0; i < POLICIES; i++) {
		if (strcmp(value, policy_names[i]) == 0) {
			*(enum rtls_policy *)member = i;
			return NULL;
		}
	}
	return "auto, require or off";
}

const char *tls_policy_name(enum rtls_policy policy)
{
	return policy_names[policy];
}

static const char *set_client_auth(void *member, const char *value)
{
	static const char *const names[] = {
		[RTLS_CLIENT_AUTH_NONE] = "none",
		[RTLS_CLIENT_AUTH_REQUEST] = "request",
		[RTLS_CLIENT_AUTH_REQUIRE] = "require",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(value, names[i]) == 0) {
			*(enum rtls_client_auth *)member = i;
			return NULL;
		}
	}
	return "none, request or require";
}

static const char *set_session_cache(void *member, const char *value)
{
	return option_number(member, value, 0, 10000000) ? NULL : "a number from 0 to 10000000";
}

/* ---- lists of names ------------------------------------------------------ */

/* OpenSSL's names, and IANA's where they are others. */
static const char *list_names(enum rtls_list list)
{
	const char *name, *alias;

	for (size_t i = 0; (name = rtls_list_name(list, i, false)); i++) {
		alias = rtls_list_name(list, i, true);
		if (strcasecmp(name, alias) == 0)
			printf("%s\n", name);
		else
			printf("%-30s %s\n", name, alias);
	}
	return option_done;
}

static const char *set_suites(void *member, const char *value)
{
	return strcmp(value, "list") ? option_string(member, value) : list_names(RTLS_LIST_SUITES);
}

static const char *set_groups(void *member, const char *value)
{
	return strcmp(value, "list") ? option_string(member, value) : list_names(RTLS_LIST_GROUPS);
}

static const char *set_sigalgs(void *member, const char *value)
{
	return strcmp(value, "list") ? option_string(member, value) : list_names(RTLS_LIST_SIGALGS);
}

/* ---- the table ----------------------------------------------------------- */

const struct option_row tls_option_table[] = {
	OPTION("cert", 0, "FILE", option_append, struct tls_options, certs,
	       "certificate chain in PEM, one's own first; repeatable"),
	OPTION("key", 0, "FILE", option_append, struct tls_options, keys,
	       "its private key in PEM (in the file of --cert); repeatable"),
	OPTION("crl", 0, "FILE", option_append, struct tls_options, crls,
	       "revocation lists in PEM, of every issuer; repeatable"),
	OPTION("ktls", 0, "auto|require|off", set_policy, struct tls_options, policy,
	       "records in the kernel: where it can (auto), or fail; or never"),
	OPTION("suites", 0, "LIST", set_suites, struct tls_options, suites,
	       "cipher suites, colon-separated, preferred first; \"list\" shows all"),
	OPTION("groups", 0, "LIST", set_groups, struct tls_options, groups,
	       "groups of the key exchange and, to a client, of ECDSA certificates; or \"list\""),
	OPTION("sigalgs", 0, "LIST", set_sigalgs, struct tls_options, sigalgs,
	       "signature algorithms (SHA-1 never in certificates); or \"list\""),
	OPTION("alpn", 0, "LIST", option_string, struct tls_options, alpn,
	       "application protocols, colon-separated"),
	OPTION("legacy-kx", 0, NULL, option_flag, struct tls_options, legacy_kx,
	       "RSA and DHE suites by default too (--suites may name any)"),
	OPTION("no-tickets", 0, NULL, option_flag, struct tls_options, no_tickets,
	       "no session tickets"),
	OPTION("trace", 0, NULL, option_flag, struct tls_options, trace,
	       "show every message of the handshakes on standard error"),
	{ 0 }
};

const struct option_row tls_serve_option_table[] = {
	OPTION("client-preference", 0, NULL, option_flag, struct tls_options, client_preference,
	       "choose the suite by the client's order, not by ours"),
	OPTION("staple", 0, "FILE", option_append, struct tls_options, staples,
	       "OCSP response in DER for the certificate; repeatable"),
	OPTION("sct", 0, "FILE", option_append, struct tls_options, scts,
	       "its signed certificate timestamps; repeatable"),
	OPTION("client-auth", 0, "MODE", set_client_auth, struct tls_options, client_auth,
	       "ask clients for a certificate: none (default), request, require"),
	OPTION("client-ca", 0, "FILE", option_append, struct tls_options, client_cas,
	       "who signs for clients, in PEM; repeatable"),
	OPTION("ticket-keys", 0, "FILE", option_string, struct tls_options, ticket_keys,
	       "keys that seal tickets: 48 or 80 bytes in base64 a line"),
	OPTION("session-cache", 0, "N", set_session_cache, struct tls_options, session_cache,
	       "sessions kept to be resumed without tickets (20000)"),
	{ 0 }
};

const struct option_row tls_get_option_table[] = {
	OPTION("require-staple", 0, NULL, option_flag, struct tls_options, require_staple,
	       "refuse a server without a good OCSP response"),
	{ 0 }
};

int tls_serve_check(const struct tls_options *options)
{
	bool asks = options->client_auth != RTLS_CLIENT_AUTH_NONE;

	if (!asks && options->client_cas.count)
		cmd_error("--client-ca asks nobody by itself: add --client-auth request or require");
	else if (!asks && options->crls.count)
		cmd_error("--crl is about clients here: add --client-auth request or require");
	else if (asks && !options->client_cas.count)
		cmd_error("--client-auth needs --client-ca FILE: who signs for clients");
	else
		return EXIT_OK;
	return EXIT_USAGE;
}

static time_t now(void *arg)
{
	(void)arg;
	return time(NULL);
}

const char *tls_config_why(const struct rtls_config *config, int error)
{
	const char *why = config ? rtls_config_error(config) : "";

	return *why ? why : rtls_strerror(error);
}

void tls_config_complain(const struct rtls_config *config, int error)
{
	cmd_error("%s", tls_config_why(config, error));
}

int tls_config_apply(struct rtls_config *config, const struct tls_options *options,
		     const char *alpn)
{
	int ret = 0;

	if (options->legacy_kx)
		ret = rtls_config_set_legacy_kx(config, true);
	if (!ret && options->suites)
		ret = rtls_config_set_suites(config, options->suites);
	if (!ret && options->groups)
		ret = rtls_config_set_groups(config, options->groups);
	if (!ret && options->sigalgs)
		ret = rtls_config_set_sigalgs(config, options->sigalgs);
	if (!ret)
		ret = rtls_config_set_server_preference(config, !options->client_preference);
	if (!ret)
		ret = rtls_config_set_client_auth(config, options->client_auth);
	for (unsigned int i = 0; !ret && i < options->client_cas.count; i++)
		ret = rtls_config_add_trust_file(config, options->client_cas.values[i]);
	for (unsigned int i = 0; !ret && i < options->crls.count; i++)
		ret = rtls_config_add_crl_file(config, options->crls.values[i]);
	if (!ret)
		ret = rtls_config_set_alpn(config, options->alpn ? options->alpn : alpn);
	if (!ret)
		ret = rtls_config_set_now(config, now, NULL);
	if (!ret)
		ret = rtls_config_set_require_staple(config, options->require_staple);
	if (!ret)
		ret = rtls_config_set_tickets(config, !options->no_tickets);
	if (!ret && options->trace)
		ret = rtls_config_set_trace(config, trace_to_stderr, NULL);
	if (!ret)
		ret = keylog_set(config);
	return ret;
}

int tls_add_identities(struct rtls_config *config, const struct tls_options *options)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < options->certs.count; i++) {
		const char *cert = options->certs.values[i];

		ret = rtls_config_add_identity_file(
			config, cert, i < options->keys.count ? options->keys.values[i] : cert);
		if (!ret && i < options->staples.count)
			ret = rtls_config_set_staple_file(config, options->staples.values[i]);
		if (!ret && i < options->scts.count)
			ret = rtls_config_set_sct_file(config, options->scts.values[i]);
	}
	return ret;
}

int tls_config_new(struct rtls_config **config, const struct tls_options *options,
		   const char *alpn)
{
	int ret;

	*config = NULL;
	if (options->keys.count > options->certs.count ||
	    options->staples.count > options->certs.count ||
	    options->scts.count > options->certs.count) {
		cmd_error("each --key, --staple and --sct needs a --cert");
		return EXIT_USAGE;
	}
	*config = rtls_config_new();
	if (!*config) {
		cmd_error("no memory");
		return EXIT_RUNTIME;
	}
	ret = keylog_open();
	if (!ret) {
		ret = tls_config_apply(*config, options, alpn);
		if (!ret)
			return EXIT_OK;
		tls_config_complain(*config, ret);
		ret = EXIT_USAGE;
	}
	rtls_config_unref(*config);
	*config = NULL;
	return ret;
}

bool tls_kernel_check(enum rtls_policy policy, FILE *notes)
{
	struct rtls_probe probe;
	char verdict[PROBE_VERDICT_LEN];

	if (policy == RTLS_KTLS_OFF || (policy == RTLS_KTLS_AUTO && !notes))
		return true;
	if (probe_kernel(&probe, verdict) == PROBE_BOTH)
		return true;
	if (policy == RTLS_KTLS_AUTO) {
		fprintf(notes, "ringtls: records stay in userspace: %s\n", verdict);
		return true;
	}
	cmd_error("--ktls require: %s", verdict);
	return false;
}
