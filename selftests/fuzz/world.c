// SPDX-License-Identifier: MIT
/* The fixed world: random numbers, configurations, sessions. See fuzz.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "fuzz.h"

#define NOW 1893456000 /* 2030-01-01 */

/* ---- random numbers ----------------------------------------------------------------- */

/* libcrypto's generator for tests gives out what it was given, and fails at the end of it. */
void fuzz_random_begin(void)
{
	if (!RAND_set_DRBG_type(NULL, "TEST-RAND", NULL, NULL, NULL))
		fuzz_die("libcrypto has no TEST-RAND");
}

/* From the start again, before each call: what a side draws depends on its role alone. */
void fuzz_random_restart(enum rtls_role role)
{
	static uint8_t numbers[2][4096];
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_RAND_PARAM_TEST_ENTROPY, numbers[role],
						  sizeof(numbers[role])),
		OSSL_PARAM_construct_end(),
	};
	uint32_t x = 1 + role;

	for (size_t i = 0; !numbers[role][0] || i % sizeof(*numbers); i++) {
		x = x * 1664525 + 1013904223;
		numbers[role][i] = x >> 24 | !i;
	}
	if (!EVP_RAND_CTX_set_params(RAND_get0_public(NULL), params) ||
	    !EVP_RAND_CTX_set_params(RAND_get0_private(NULL), params))
		fuzz_die("TEST-RAND takes no numbers");
}

/* ---- configurations ----------------------------------------------------------------- */

#define ECDSA_PEM "selftests/fuzz/ecdsa.pem"
#define RSA_PEM   "selftests/fuzz/rsa.pem"
#define STAPLE    "selftests/fuzz/staple.der" /* about ecdsa.pem, by its key, until 2109 */
#define ECDHE     "ECDHE-ECDSA-AES128-GCM-SHA256"

static const struct {
	const char *identities[2], *suites, *groups;
	bool client_auth, external_keys, tickets, session_ids, resumed, staple;
} scenes[SCENES] = {
	/* Not the largest groups of DHE, which take most of the time. */
	[SCENE_ALL] = { .identities = { ECDSA_PEM, RSA_PEM },
			.groups = "x25519:P-256:P-384:x448:ffdhe2048",
			.tickets = true, .session_ids = true },
	[SCENE_ECDHE] = { .identities = { ECDSA_PEM }, .suites = ECDHE },
	[SCENE_ECDHE_RSA] = { .identities = { RSA_PEM }, .suites = "ECDHE-RSA-CHACHA20-POLY1305",
			      .groups = "x25519" },
	[SCENE_CCM] = { .identities = { ECDSA_PEM }, .suites = "ECDHE-ECDSA-AES128-CCM" },
	[SCENE_DHE] = { .identities = { RSA_PEM }, .suites = "DHE-RSA-AES256-GCM-SHA384",
			.groups = "ffdhe2048" },
	[SCENE_RSA] = { .identities = { RSA_PEM }, .suites = "AES128-GCM-SHA256" },
	[SCENE_CLIENT_AUTH] = { .identities = { ECDSA_PEM }, .suites = ECDHE, .client_auth = true },
	[SCENE_EXTERNAL_KEYS] = { .identities = { RSA_PEM }, .suites = "AES256-GCM-SHA384",
				  .client_auth = true, .external_keys = true },
	[SCENE_NEW_TICKET] = { .identities = { ECDSA_PEM }, .suites = ECDHE, .tickets = true },
	[SCENE_TICKET] = { .identities = { ECDSA_PEM }, .suites = ECDHE, .tickets = true,
			   .client_auth = true, .resumed = true },
	[SCENE_SESSION_ID] = { .identities = { ECDSA_PEM }, .suites = ECDHE, .session_ids = true,
			       .resumed = true },
	[SCENE_STAPLE] = { .identities = { ECDSA_PEM }, .suites = ECDHE, .staple = true },
};

static time_t now(void *arg)
{
	(void)arg;
	return NOW;
}

/* Both sides have an identity and trust it where clients show theirs. */
static int set_identities(struct rtls_config *config, enum fuzz_scene scene, enum rtls_role role)
{
	bool both = scenes[scene].client_auth;
	int ret = 0;

	for (int i = 0; !ret && i < 2 && scenes[scene].identities[i]; i++) {
		const char *file = scenes[scene].identities[i];

		if (both || role == RTLS_SERVER)
			ret = rtls_config_add_identity_file(config, file, file);
		if (!ret && (both || role == RTLS_CLIENT))
			ret = rtls_config_add_trust_file(config, file);
	}
	if (!ret && both && role == RTLS_SERVER)
		ret = rtls_config_set_client_auth(config, RTLS_CLIENT_AUTH_REQUIRE);
	if (!ret && scenes[scene].staple)
		ret = role == RTLS_SERVER ? rtls_config_set_staple_file(config, STAPLE)
					  : rtls_config_set_require_staple(config, true);
	if (!ret && scenes[scene].external_keys)
		ret = rtls_config_set_external_keys(config, true);
	return ret;
}

/* A store is there only to be replaced for each input, see fuzz_renew_sessions(). */
static int set_resumption(struct rtls_config *config, enum fuzz_scene scene, enum rtls_role role)
{
	bool wants_store =
		scenes[scene].session_ids || (role == RTLS_CLIENT && scenes[scene].tickets);
	bool wants_keys = role == RTLS_SERVER && scenes[scene].tickets;
	struct rtls_session_store *store = wants_store ? rtls_session_store_new(1) : NULL;
	struct rtls_ticket_keys *keys = wants_keys ? rtls_ticket_keys_new() : NULL;
	int ret = rtls_config_set_session_store(config, store);

	if (!ret)
		ret = rtls_config_set_ticket_keys(config, keys);
	rtls_session_store_unref(store);
	rtls_ticket_keys_unref(keys);
	return ret;
}

static struct rtls_config *make_config(enum fuzz_scene scene, enum rtls_role role)
{
	struct rtls_config *config = rtls_config_new();
	const char *groups = scenes[scene].groups;
	bool all = scene == SCENE_ALL;
	int ret = rtls_config_set_now(config, now, NULL);

	if (!ret)
		ret = set_identities(config, scene, role);
	if (!ret)
		ret = set_resumption(config, scene, role);
	if (!ret && scenes[scene].suites)
		ret = rtls_config_set_suites(config, scenes[scene].suites);
	if (!ret)
		ret = rtls_config_set_groups(config, groups ? groups : "P-256:x25519");
	if (!ret && all)
		ret = rtls_config_set_legacy_kx(config, true);
	if (!ret && all)
		ret = rtls_config_set_alpn(config, "h2:http/1.1");
	if (!ret && !all && !scenes[scene].client_auth && !scenes[scene].staple)
		ret = rtls_config_set_verify(config, false);
	if (!ret)
		ret = rtls_config_freeze(config);
	if (ret)
		fuzz_die("configuration: %s (run me in the repository)", rtls_config_error(config));
	return config;
}

struct rtls_config *fuzz_config(enum fuzz_scene scene, enum rtls_role role)
{
	static struct rtls_config *configs[SCENES][2];

	if (!configs[scene][role]) {
		fuzz_random_restart(role);
		configs[scene][role] = make_config(scene, role);
	}
	return configs[scene][role];
}

/* ---- sessions ----------------------------------------------------------------------- */

static char sessions[SCENES][2][32]; /* where a store's file is, once there is one */

/* Each input begins with the same sessions: none, or the one to be resumed. */
void fuzz_renew_sessions(enum fuzz_scene scene, enum rtls_role role)
{
	struct rtls_config *config = fuzz_config(scene, role);
	const char *file = sessions[scene][role];
	struct rtls_session_store *store;

	if (!config->session_store)
		return;
	rtls_session_store_unref(config->session_store);
	store = rtls_session_store_new(1);
	config->session_store = store;
	if (*file && rtls_session_store_load(store, file) != 1)
		fuzz_die("%s holds no session", file);
}

/* The file has no name: it goes with us. */
static void keep_sessions(enum fuzz_scene scene, enum rtls_role role)
{
	struct rtls_config *config = fuzz_config(scene, role);
	char file[] = "/tmp/ringtls-fuzz-XXXXXX";
	int fd = mkstemp(file);

	if (!config->session_store)
		return;
	if (fd < 0 || rtls_session_store_save(config->session_store, file))
		fuzz_die("%s: the session cannot be kept", file);
	close(fd);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	unlink(file);
	snprintf(sessions[scene][role], sizeof(sessions[scene][role]), "/proc/self/fd/%d", fd);
}

void fuzz_scene_begin(enum fuzz_scene scene)
{
	struct fuzz_side side[2];

	if (!scenes[scene].resumed || *sessions[scene][RTLS_CLIENT])
		return;
	fuzz_handshake(side, scene);
	fuzz_side_end(&side[RTLS_CLIENT]);
	fuzz_side_end(&side[RTLS_SERVER]);
	keep_sessions(scene, RTLS_CLIENT);
	keep_sessions(scene, RTLS_SERVER);
	fuzz_handshake(side, scene);
	fuzz_require(side[RTLS_CLIENT].hs->resumed, "the session is not resumed");
	fuzz_side_end(&side[RTLS_CLIENT]);
	fuzz_side_end(&side[RTLS_SERVER]);
}
