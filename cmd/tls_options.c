// SPDX-License-Identifier: MIT
/* tls_options.c - the options about TLS that serve and get share */
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "probe.h"
#include "tls_options.h"

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

const struct option_row tls_option_table[] = {
	OPTION("ktls", 0, "auto|require|off", set_policy, struct tls_options, policy,
	       "records in the kernel: where it can (auto), or fail; or never"),
	OPTION("suites", 0, "LIST", option_string, struct tls_options, suites,
	       "cipher suites, colon-separated, the preferred one first"),
	OPTION("groups", 0, "LIST", option_string, struct tls_options, groups,
	       "groups for the key exchange, colon-separated"),
	OPTION("sigalgs", 0, "LIST", option_string, struct tls_options, sigalgs,
	       "signature algorithms, colon-separated"),
	OPTION("alpn", 0, "LIST", option_string, struct tls_options, alpn,
	       "application protocols, colon-separated"),
	OPTION("legacy-kx", 0, NULL, option_flag, struct tls_options, legacy_kx,
	       "RSA and DHE key exchange as well"),
	{ 0 }
};

static time_t now(void *arg)
{
	(void)arg;
	return time(NULL);
}

void tls_config_complain(const struct rtls_config *config, int error)
{
	const char *why = rtls_config_error(config);

	cmd_error("%s", *why ? why : rtls_strerror(error));
}

static int apply(struct rtls_config *config, const struct tls_options *options, const char *alpn)
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
		ret = rtls_config_set_alpn(config, options->alpn ? options->alpn : alpn);
	if (!ret)
		ret = rtls_config_set_now(config, now, NULL);
	return ret;
}

int tls_config_new(struct rtls_config **config, const struct tls_options *options,
		   const char *alpn)
{
	int ret;

	*config = rtls_config_new();
	if (!*config) {
		cmd_error("no memory");
		return EXIT_RUNTIME;
	}
	ret = apply(*config, options, alpn);
	if (!ret)
		return EXIT_OK;
	tls_config_complain(*config, ret);
	rtls_config_unref(*config);
	return EXIT_USAGE;
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
