// SPDX-License-Identifier: MIT
/* sessions.c - what is kept to resume sessions, longer than a configuration lives */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "sessions.h"

#define GET_SESSIONS 1000 /* of servers in a file */
#define WHY_LEN      512

static int no_memory(void)
{
	cmd_error("no memory");
	return EXIT_RUNTIME;
}

static int load_keys(struct sessions *sessions, const struct tls_options *options,
		     char why[WHY_LEN])
{
	if (!options->ticket_keys)
		return 0;
	return rtls_ticket_keys_load(sessions->keys, options->ticket_keys, why, WHY_LEN);
}

int sessions_serve(struct sessions *sessions, const struct tls_options *options)
{
	char why[WHY_LEN];

	if (options->session_cache) {
		sessions->store = rtls_session_store_new(options->session_cache);
		if (!sessions->store)
			return no_memory();
	}
	if (options->no_tickets && options->ticket_keys) {
		cmd_error("--no-tickets makes no sense with --ticket-keys");
		return EXIT_USAGE;
	}
	if (options->no_tickets)
		return EXIT_OK;
	sessions->keys = rtls_ticket_keys_new();
	if (!sessions->keys)
		return no_memory();
	if (!load_keys(sessions, options, why))
		return EXIT_OK;
	cmd_error("%s", why);
	return EXIT_RUNTIME;
}

void sessions_reload(struct sessions *sessions, const struct tls_options *options)
{
	char why[WHY_LEN];

	if (load_keys(sessions, options, why))
		cmd_error("reload: %s; the old ticket keys stay", why);
	else if (options->ticket_keys)
		fprintf(stderr, "ringtls: reloaded the ticket keys\n");
}

int sessions_get(struct sessions *sessions, const char *file)
{
	int ret;

	if (!file)
		return EXIT_OK;
	sessions->store = rtls_session_store_new(GET_SESSIONS);
	if (!sessions->store)
		return no_memory();
	ret = rtls_session_store_load(sessions->store, file);
	if (ret >= 0 || ret == -ENOENT)
		return EXIT_OK;
	cmd_error("%s: %s", file, ret == -EINVAL ? "not a file of saved sessions; remove it"
						 : strerror(-ret));
	return EXIT_RUNTIME;
}

bool sessions_save(const struct sessions *sessions, const char *file)
{
	int ret = file ? rtls_session_store_save(sessions->store, file) : 0;

	if (ret)
		cmd_error("%s: cannot save the session: %s", file, strerror(-ret));
	return !ret;
}

int sessions_use(const struct sessions *sessions, struct rtls_config *config)
{
	int ret = rtls_config_set_session_store(config, sessions->store);

	return ret ? ret : rtls_config_set_ticket_keys(config, sessions->keys);
}

void sessions_free(struct sessions *sessions)
{
	rtls_session_store_unref(sessions->store);
	rtls_ticket_keys_unref(sessions->keys);
	*sessions = (struct sessions){ 0 };
}
