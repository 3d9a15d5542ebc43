/* SPDX-License-Identifier: MIT */
/* A client and a server in one process, their bytes carried by hand. */
#ifndef SELFTESTS_PAIR_H
#define SELFTESTS_PAIR_H

#include <valgrind/memcheck.h>

#include "common.h"

struct pair {
	struct rtls_config *server_config, *client_config;
	struct rtls_worker *worker;
	struct rtls_hs *server, *client;
};

/* Takes the references of both configurations. */
static inline struct pair pair_make(struct rtls_config *server, struct rtls_config *client)
{
	return (struct pair){ .server_config = server, .client_config = client,
			      .worker = rtls_worker_new() };
}

static inline void pair_free(struct pair *pair)
{
	rtls_hs_free(pair->server);
	rtls_hs_free(pair->client);
	rtls_config_unref(pair->server_config);
	rtls_config_unref(pair->client_config);
	rtls_worker_free(pair->worker);
}

/* A new handshake between the two. */
static inline int pair_begin(struct pair *pair, const char *server_name)
{
	rtls_hs_free(pair->server);
	rtls_hs_free(pair->client);
	pair->server = pair->client = NULL;
	return rtls_hs_new(&pair->server, pair->server_config, pair->worker, RTLS_SERVER, NULL) ||
	       rtls_hs_new(&pair->client, pair->client_config, pair->worker, RTLS_CLIENT,
			   server_name);
}

/* What an external key has to do is done here. */
static inline bool pair_use_key(struct rtls_hs *hs)
{
	enum rtls_hs_status status = rtls_hs_status(hs);
	struct rtls_key_operation *operation;

	if (status != RTLS_HS_WANT_SIGN && status != RTLS_HS_WANT_DECRYPT)
		return false;
	operation = rtls_hs_key_operation(hs);
	rtls_key_operation_run(operation);
	rtls_hs_key_done(hs, operation);
	rtls_key_operation_free(operation);
	return true;
}

/* Carries all output, at most @piece bytes at a time; what is not taken is given again. */
static inline bool pair_carry(struct rtls_hs *from, struct rtls_hs *to, size_t piece)
{
	size_t len, done = 0;
	const uint8_t *data = rtls_hs_output(from, &len);

	/* No byte of ours that was never set leaves. */
	VALGRIND_CHECK_MEM_IS_DEFINED(data, len);
	while (done < len) {
		size_t part = piece < len - done ? piece : len - done;
		ssize_t n = rtls_hs_input(to, data + done, part);

		if (n < 0)
			break;
		done += n;
		if ((size_t)n < part && !pair_use_key(to))
			break;
	}
	rtls_hs_output_done(from, len);
	return len;
}

/* Until neither has anything to say. */
static inline void pair_run(struct pair *pair, size_t piece)
{
	bool moved;

	do {
		moved = pair_use_key(pair->client) | pair_use_key(pair->server);
		moved |= pair_carry(pair->client, pair->server, piece);
		moved |= pair_carry(pair->server, pair->client, piece);
	} while (moved);
}

#endif
