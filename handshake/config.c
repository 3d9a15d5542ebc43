// SPDX-License-Identifier: MIT
/* struct rtls_config: set up by one thread, frozen, then shared by all. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>

#include "hs_internal.h"

#define ALPN_MAX 4096

int hs_config_refuse(struct rtls_config *config, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(config->error, sizeof(config->error), format, ap);
	va_end(ap);
	ERR_clear_error();
	return RTLS_ERR_CONFIG;
}

static void default_suites(struct rtls_config *config, bool legacy)
{
	config->suites_len = 0;
	for (size_t i = 0; i < hs_suites_len; i++)
		if (hs_suites[i].kx == HS_KX_ECDHE || legacy)
			config->suites[config->suites_len++] = &hs_suites[i];
}

struct rtls_config *rtls_config_new(void)
{
	struct rtls_config *config = OPENSSL_zalloc(sizeof(*config));

	if (!config)
		return NULL;
	config->references = 1;
	config->verify = true;
	config->trust = X509_STORE_new();
	if (!config->trust) {
		OPENSSL_free(config);
		return NULL;
	}
	config->server_preference = true;
	default_suites(config, false);
	for (size_t i = 0; i < hs_groups_len; i++)
		config->groups[config->groups_len++] = &hs_groups[i];
	for (size_t i = 0; i < hs_schemes_len; i++)
		config->schemes[config->schemes_len++] = &hs_schemes[i];
	return config;
}

struct rtls_config *rtls_config_ref(struct rtls_config *config)
{
	__atomic_fetch_add(&config->references, 1, __ATOMIC_RELAXED);
	return config;
}

void rtls_config_unref(struct rtls_config *config)
{
	if (!config || __atomic_fetch_sub(&config->references, 1, __ATOMIC_ACQ_REL) > 1)
		return;
	for (size_t i = 0; i < config->identities_len; i++)
		hs_identity_clear(&config->identities[i]);
	OPENSSL_free(config->identities);
	X509_STORE_free(config->trust);
	wire_clear(&config->alpn);
	OPENSSL_free(config);
}

const char *rtls_config_error(const struct rtls_config *config)
{
	return config->error;
}

int rtls_config_add_trust_file(struct rtls_config *config, const char *file)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	if (access(file, R_OK))
		return hs_config_refuse(config, "%s: %s", file, strerror(errno));
	if (!X509_STORE_load_file(config->trust, file))
		return hs_config_refuse(config, "%s: no certificates in PEM could be read from it",
					file);
	config->trust_given = true;
	return 0;
}

int rtls_config_set_verify(struct rtls_config *config, bool verify)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->verify = verify;
	return 0;
}

int rtls_config_set_now(struct rtls_config *config, time_t (*now)(void *arg), void *arg)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->now = now;
	config->now_arg = arg;
	return 0;
}

/* Takes the next name off a colon-separated list; false at its end. */
static bool next_name(const char **list, const char **name, size_t *len)
{
	if (!*list)
		return false;
	*name = *list;
	*len = strcspn(*list, ":");
	*list = (*name)[*len] ? *name + *len + 1 : NULL;
	return true;
}

typedef const void *(*lookup)(const char *name, size_t len);

/* Names of a list to rows of a table: no unknown one, none twice, not none. */
static int parse_list(struct rtls_config *config, const char *list, const char *what, lookup find,
		      const void **rows, size_t *rows_len)
{
	const void *found[HS_ROWS_MAX];
	const char *name;
	size_t len, count = 0;

	if (config->frozen)
		return RTLS_ERR_STATE;
	while (next_name(&list, &name, &len)) {
		const void *row = find(name, len);

		if (!row)
			return hs_config_refuse(config, "unknown %s \"%.*s\"", what, (int)len, name);
		for (size_t i = 0; i < count; i++)
			if (found[i] == row)
				return hs_config_refuse(config, "%s \"%.*s\" given twice", what,
							(int)len, name);
		found[count++] = row;
	}
	memcpy(rows, found, count * sizeof(*rows));
	*rows_len = count;
	return 0;
}

int rtls_config_set_suites(struct rtls_config *config, const char *suites)
{
	int ret = parse_list(config, suites, "cipher suite", (lookup)hs_suite_by_name,
			     (const void **)config->suites, &config->suites_len);

	if (!ret)
		config->suites_given = true;
	return ret;
}

int rtls_config_set_groups(struct rtls_config *config, const char *groups)
{
	return parse_list(config, groups, "group", (lookup)hs_group_by_name,
			  (const void **)config->groups, &config->groups_len);
}

int rtls_config_set_sigalgs(struct rtls_config *config, const char *sigalgs)
{
	return parse_list(config, sigalgs, "signature algorithm", (lookup)hs_scheme_by_name,
			  (const void **)config->schemes, &config->schemes_len);
}

int rtls_config_set_legacy_kx(struct rtls_config *config, bool legacy)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	if (!config->suites_given)
		default_suites(config, legacy);
	return 0;
}

int rtls_config_set_server_preference(struct rtls_config *config, bool ours)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->server_preference = ours;
	return 0;
}

int rtls_config_set_alpn(struct rtls_config *config, const char *list)
{
	const char *name;
	size_t len;

	if (config->frozen)
		return RTLS_ERR_STATE;
	wire_clear(&config->alpn);
	while (next_name(&list, &name, &len)) {
		if (len < 1 || len > 255)
			return hs_config_refuse(config, "an ALPN protocol has 1 to 255 bytes");
		wire_put_u8(&config->alpn, len);
		wire_put_bytes(&config->alpn, name, len);
	}
	return config->alpn.bad ? -ENOMEM : 0;
}

/* Is there a suite for this identity's kind of key? */
static bool is_usable(const struct rtls_config *config, const struct hs_identity *identity)
{
	for (size_t i = 0; i < config->suites_len; i++)
		if (config->suites[i]->auth == hs_key_auth(identity->kind))
			return true;
	return false;
}

int rtls_config_freeze(struct rtls_config *config)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	for (size_t i = 0; i < config->identities_len; i++)
		if (!is_usable(config, &config->identities[i]))
			return hs_config_refuse(config, "no cipher suite of the list can use the "
							"key of certificate %zu", i + 1);
	if (config->alpn.len > ALPN_MAX)
		return hs_config_refuse(config, "the ALPN list is longer than %d bytes", ALPN_MAX);
	/* Directories of the default path are read on demand, so a server pays nothing. */
	if (!config->trust_given && !X509_STORE_set_default_paths(config->trust))
		return hs_config_refuse(config, "the system's trust store cannot be opened");
	ERR_clear_error();
	config->frozen = true;
	return 0;
}

bool rtls_config_has_identity(const struct rtls_config *config)
{
	return config->identities_len > 0;
}
