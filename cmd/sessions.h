/* SPDX-License-Identifier: MIT */
/* sessions.h - what is kept to resume sessions, longer than a configuration lives */
#ifndef RINGTLS_CMD_SESSIONS_H
#define RINGTLS_CMD_SESSIONS_H

#include "tls_options.h"

struct sessions {
	struct rtls_session_store *store; /* NULL: none */
	struct rtls_ticket_keys *keys;
};

/**
 * sessions_serve - a server's store and ticket keys, as the options want them
 *
 * Return: EXIT_OK, or the exit code to leave with; cmd_error() has said why. In either case
 * sessions_free() it.
 */
int sessions_serve(struct sessions *sessions, const struct tls_options *options);

/* Read the file of --ticket-keys again, and say how it went; if it is bad the old keys stay. */
void sessions_reload(struct sessions *sessions, const struct tls_options *options);

/**
 * sessions_get - a client's store, with what the file holds, if there is one
 * @file: NULL: no store
 *
 * As sessions_serve().
 */
int sessions_get(struct sessions *sessions, const char *file);

/* Return: whether the file could be written; else cmd_error() has said why. */
bool sessions_save(const struct sessions *sessions, const char *file);

/* Lets a configuration use them. Return: 0 or a negative RTLS_ERR_*. */
int sessions_use(const struct sessions *sessions, struct rtls_config *config);

void sessions_free(struct sessions *sessions);

#endif
