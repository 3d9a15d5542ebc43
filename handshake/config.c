// SPDX-License-Identifier: MIT
/* struct rtls_config: set up by one thread, frozen, then shared by all. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/err.h>

#include "hs_internal.h"

#define ALPN_MAX         4096
#define SESSION_LIFETIME 7200
#define SESSION_LIFETIME_MAX 604800 /* RFC 8446 4.6.1 has as much */

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
	config->references = config->observers = 1;
	config->verify = true;
	config->trust = X509_STORE_new();
	if (!config->trust) {
		OPENSSL_free(config);
		return NULL;
	}
	config->server_preference = true;
	config->session_lifetime = SESSION_LIFETIME;
	default_suites(config, false);
	for (size_t i = 0; i < hs_groups_len; i++)
		config->groups[config->groups_len++] = &hs_groups[i];
	for (size_t i = 0; i < hs_schemes_len; i++)
		if (!hs_schemes[i].digest || strcmp(hs_schemes[i].digest, "SHA1") != 0)
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
	hs_identity_names_clear(config);
	X509_STORE_free(config->trust);
	wire_clear(&config->alpn);
	wire_clear(&config->certificate_request);
	rtls_session_store_unref(config->session_store);
	rtls_ticket_keys_unref(config->ticket_keys);
	hs_config_let_go(config);
}

struct rtls_config *hs_config_observe(struct rtls_config *config)
{
	__atomic_fetch_add(&config->observers, 1, __ATOMIC_RELAXED);
	return config;
}

void hs_config_let_go(struct rtls_config *config)
{
	if (config && __atomic_fetch_sub(&config->observers, 1, __ATOMIC_ACQ_REL) == 1)
		OPENSSL_free(config);
}

bool hs_config_is_gone(const struct rtls_config *config)
{
	return !__atomic_load_n(&config->references, __ATOMIC_RELAXED);
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

int rtls_config_add_crl_file(struct rtls_config *config, const char *file)
{
	X509_LOOKUP *lookup;

	if (config->frozen)
		return RTLS_ERR_STATE;
	if (access(file, R_OK))
		return hs_config_refuse(config, "%s: %s", file, strerror(errno));
	lookup = X509_STORE_add_lookup(config->trust, X509_LOOKUP_file());
	if (!lookup || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) <= 0)
		return hs_config_refuse(config, "%s: no CRL in PEM could be read from it", file);
	config->crls_given = true;
	return 0;
}

int rtls_config_set_verify(struct rtls_config *config, bool verify)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->verify = verify;
	return 0;
}

int rtls_config_set_client_auth(struct rtls_config *config, enum rtls_client_auth client_auth)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->client_auth = client_auth;
	return 0;
}

int rtls_config_set_verify_callback(struct rtls_config *config, rtls_verify_callback callback,
				    void *arg)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->verify_callback = callback;
	config->verify_arg = arg;
	return 0;
}

int rtls_config_set_require_staple(struct rtls_config *config, bool require)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->require_staple = require;
	return 0;
}

int rtls_config_set_external_keys(struct rtls_config *config, bool external)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->external_keys = external;
	return 0;
}

int rtls_config_set_session_store(struct rtls_config *config, struct rtls_session_store *store)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	rtls_session_store_unref(config->session_store);
	config->session_store = store ? rtls_session_store_ref(store) : NULL;
	return 0;
}

int rtls_config_set_ticket_keys(struct rtls_config *config, struct rtls_ticket_keys *keys)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	rtls_ticket_keys_unref(config->ticket_keys);
	config->ticket_keys = keys ? rtls_ticket_keys_ref(keys) : NULL;
	return 0;
}

int rtls_config_set_tickets(struct rtls_config *config, bool tickets)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->no_tickets = !tickets;
	return 0;
}

int rtls_config_set_session_lifetime(struct rtls_config *config, unsigned int seconds)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	if (!seconds || seconds > SESSION_LIFETIME_MAX)
		return hs_config_refuse(config, "a session lives 1 to %d seconds",
					SESSION_LIFETIME_MAX);
	config->session_lifetime = seconds;
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

int rtls_config_set_trace(struct rtls_config *config,
			  void (*trace)(void *arg, const struct rtls_trace *message), void *arg)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->trace = trace;
	config->trace_arg = arg;
	return 0;
}

int rtls_config_set_key_log(struct rtls_config *config,
			    void (*log)(void *arg, const char *line), void *arg)
{
	if (config->frozen)
		return RTLS_ERR_STATE;
	config->key_log = log;
	config->key_log_arg = arg;
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

static int unknown_name(struct rtls_config *config, const struct hs_names *names,
			const char *given, size_t len)
{
	const char *nearest = hs_names_nearest(names, given, len);

	/* A long one leaves room for the rest. */
	return hs_config_refuse(config, "unknown %s \"%.*s\"%s%s%s", names->what,
				len < 80 ? (int)len : 80, given, nearest ? ", did you mean " : "",
				nearest ? nearest : "", nearest ? "?" : "");
}

/*
 * A list of names to rows of their table: no unknown one, none twice, not none.
 * Return: how many, or the error.
 */
static int parse_list(struct rtls_config *config, const char *list, const struct hs_names *names,
		      uint8_t rows[static HS_ROWS_MAX])
{
	const char *name;
	size_t len;
	int count = 0;

	if (config->frozen)
		return RTLS_ERR_STATE;
	while (next_name(&list, &name, &len)) {
		int row = hs_names_find(names, name, len);

		if (row < 0)
			return unknown_name(config, names, name, len);
		if (memchr(rows, row, count))
			return hs_config_refuse(config, "%s \"%.*s\" given twice", names->what,
						(int)len, name);
		rows[count++] = row;
	}
	return count;
}

int rtls_config_set_suites(struct rtls_config *config, const char *suites)
{
	uint8_t rows[HS_ROWS_MAX];
	int count = parse_list(config, suites, &hs_suite_names, rows);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		config->suites[i] = &hs_suites[rows[i]];
	config->suites_len = count;
	config->suites_given = true;
	return 0;
}

int rtls_config_set_groups(struct rtls_config *config, const char *groups)
{
	uint8_t rows[HS_ROWS_MAX];
	int count = parse_list(config, groups, &hs_group_names, rows);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		config->groups[i] = &hs_groups[rows[i]];
	config->groups_len = count;
	return 0;
}

int rtls_config_set_sigalgs(struct rtls_config *config, const char *sigalgs)
{
	uint8_t rows[HS_ROWS_MAX];
	int count = parse_list(config, sigalgs, &hs_scheme_names, rows);

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		config->schemes[i] = &hs_schemes[rows[i]];
	config->schemes_len = count;
	return 0;
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

static bool can_sign(const struct rtls_config *config, const struct hs_identity *identity)
{
	for (size_t i = 0; i < config->schemes_len; i++)
		if (config->schemes[i]->kind == identity->kind)
			return true;
	return false;
}

static bool has_group_for(const struct rtls_config *config, enum hs_kx kx)
{
	for (size_t i = 0; i < config->groups_len; i++)
		if ((config->groups[i]->kind == HS_GROUP_FF) == (kx == HS_KX_DHE))
			return true;
	return false;
}

/* Is there a suite for this identity's kind of key, and what else it needs? */
static bool is_usable(const struct rtls_config *config, const struct hs_identity *identity)
{
	for (size_t i = 0; i < config->suites_len; i++) {
		const struct hs_suite *suite = config->suites[i];

		if (suite->kx == HS_KX_RSA ? identity->kind == HS_KEY_RSA
					   : suite->auth == hs_key_auth(identity->kind) &&
						     can_sign(config, identity) &&
						     has_group_for(config, suite->kx))
			return true;
	}
	return false;
}

bool rtls_config_is_frozen(const struct rtls_config *config)
{
	return config->frozen;
}

int rtls_config_check_server(struct rtls_config *config)
{
	if (config->frozen)
		return config->can_serve ? 0 : RTLS_ERR_CONFIG;
	if (!config->identities_len)
		return hs_config_refuse(config, "a server needs a certificate and its key");
	for (size_t i = 0; i < config->identities_len; i++)
		if (!is_usable(config, &config->identities[i]))
			return hs_config_refuse(config, "no cipher suite with the signature "
							"algorithms and groups that are allowed can "
							"use the key of certificate %zu", i + 1);
	return 0;
}

static int check_client_auth(struct rtls_config *config)
{
	if (config->client_auth == RTLS_CLIENT_AUTH_NONE)
		return 0;
	if (config->verify && !config->trust_given)
		return hs_config_refuse(config, "client authentication needs the certificates of "
						"those who sign for clients");
	if (config->verify && !config->now)
		return hs_config_refuse(config, "client authentication needs a clock");
	return 0;
}

/* With what it is trusted for: "openssl x509 -addreject" and its like. */
static bool hash_trusted(X509 *certificate, uint8_t hash[static HS_CONTEXT_LEN])
{
	uint8_t *der = NULL;
	int len = i2d_X509_AUX(certificate, &der);
	bool ok = len > 0 && EVP_Digest(der, len, hash, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return ok;
}

/* What a session is bound to: whom we trust, and who was revoked, by content. */
static bool hash_trust(struct rtls_config *config)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(config->trust);
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	uint8_t one[HS_CONTEXT_LEN];
	bool ok = digest && EVP_DigestInit_ex2(digest, EVP_sha256(), NULL);

	for (int i = 0; ok && i < sk_X509_OBJECT_num(objects); i++) {
		const X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
		X509 *certificate = X509_OBJECT_get0_X509(object);

		ok = (certificate ? hash_trusted(certificate, one)
				  : X509_CRL_digest(X509_OBJECT_get0_X509_CRL(object),
						    EVP_sha256(), one, NULL)) &&
		     EVP_DigestUpdate(digest, one, sizeof(one));
	}
	ok = ok && EVP_DigestFinal_ex(digest, config->trust_id, NULL);
	EVP_MD_CTX_free(digest);
	return ok;
}

int rtls_config_freeze(struct rtls_config *config)
{
	int ret;

	if (config->frozen)
		return RTLS_ERR_STATE;
	if (config->alpn.len > ALPN_MAX)
		return hs_config_refuse(config, "the ALPN list is longer than %d bytes", ALPN_MAX);
	if (config->require_staple && !config->verify)
		return hs_config_refuse(config, "a staple cannot be checked without verification");
	ret = check_client_auth(config);
	if (ret)
		return ret;
	if ((config->session_store || config->ticket_keys) && !config->now)
		return hs_config_refuse(config, "resuming sessions needs a clock");
	if (!hash_trust(config))
		return hs_config_refuse(config, "hashing the trusted certificates failed");
	ret = hs_names_of_identities(config);
	if (!ret && config->client_auth)
		ret = hs_certificate_request_build(config);
	if (ret)
		return ret;
	/* Directories of the default path are read on demand, so a server pays nothing. */
	if (!config->trust_given && !X509_STORE_set_default_paths(config->trust))
		return hs_config_refuse(config, "the system's trust store cannot be opened");
	for (size_t i = 0; i < config->suites_len; i++)
		config->suite_bits |= 1u << (config->suites[i] - hs_suites);
	for (size_t i = 0; i < config->groups_len; i++)
		config->group_bits |= 1u << (config->groups[i] - hs_groups);
	for (size_t i = 0; i < config->schemes_len; i++)
		config->scheme_bits |= 1u << (config->schemes[i] - hs_schemes);
	config->can_serve = !rtls_config_check_server(config);
	config->error[0] = '\0';
	ERR_clear_error();
	config->frozen = true;
	return 0;
}
