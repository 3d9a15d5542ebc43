// SPDX-License-Identifier: MIT
/* Our side. See side.h. */
#include <stdlib.h>

#include "bench.h"
#include "side.h"

struct setup {
	enum rtls_role role;
	struct rtls_config *config;
	struct rtls_worker *worker;
};

struct connection {
	struct rtls_hs *hs;
	size_t shown; /* of its output, by the last step */
	struct rtls_keys keys;
	bool done, resumed;
};

static int add_resumption(struct rtls_config *config, void *arg)
{
	const struct scenario *scenario = arg;
	struct rtls_session_store *store = rtls_session_store_new(1000);
	struct rtls_ticket_keys *keys = rtls_ticket_keys_new();
	int ret = rtls_config_set_tickets(config, scenario->resumption == RESUME_TICKET);

	if (!ret && scenario->resumption != RESUME_NEVER)
		ret = rtls_config_set_session_store(config, store);
	if (!ret && scenario->resumption == RESUME_TICKET)
		ret = rtls_config_set_ticket_keys(config, keys);
	rtls_session_store_unref(store);
	rtls_ticket_keys_unref(keys);
	return ret;
}

static void *setup(const struct scenario *scenario, enum rtls_role role, const struct cert *cert,
		   const struct cert *authority)
{
	struct setup *setup = calloc(1, sizeof(*setup));
	bool shows = role == RTLS_SERVER || scenario->mutual;
	bool looks = role == RTLS_CLIENT || scenario->mutual;

	setup->role = role;
	setup->config = config_make((struct config_spec){
		.identity = shows ? cert : NULL,
		.trust = looks ? authority : NULL,
		.suites = scenario->suite,
		.groups = scenario->groups,
		.client_auth = scenario->mutual ? RTLS_CLIENT_AUTH_REQUIRE : RTLS_CLIENT_AUTH_NONE,
		.more = add_resumption,
		.arg = (void *)scenario,
	});
	setup->worker = rtls_worker_new();
	bench_require(setup->worker, "no memory");
	return setup;
}

static void setup_free(void *arg)
{
	struct setup *setup = arg;

	rtls_config_unref(setup->config);
	rtls_worker_free(setup->worker);
	free(setup);
}

static void forget(void *arg)
{
	rtls_worker_forget_chains(((struct setup *)arg)->worker);
}

static void *begin(void *arg)
{
	struct setup *setup = arg;
	struct connection *connection = side_alloc(sizeof(*connection));

	bench_require(!rtls_hs_new(&connection->hs, setup->config, setup->worker, setup->role,
				   setup->role == RTLS_CLIENT ? SIDE_HOST : NULL),
		      "rtls_hs_new failed");
	return connection;
}

/* The keys move out as soon as they may, and the handshake is gone. */
static void finish(struct connection *connection)
{
	struct rtls_peer peer;

	bench_require(!rtls_hs_finish(connection->hs, &connection->keys, &peer),
		      "rtls_hs_finish failed");
	connection->done = true;
	connection->resumed = peer.resumed;
	rtls_peer_free(&peer);
	rtls_hs_free(connection->hs);
	connection->hs = NULL;
}

static struct bytes step(void *arg, struct bytes in)
{
	struct connection *connection = arg;
	struct rtls_hs *hs = connection->hs;
	struct bytes out = { 0 };

	if (!hs)
		return out;
	rtls_hs_output_done(hs, connection->shown);
	if (in.len)
		bench_require(rtls_hs_input(hs, in.data, in.len) == (ssize_t)in.len, "%s",
			      rtls_hs_reason(hs));
	out.data = rtls_hs_output(hs, &out.len);
	connection->shown = out.len;
	if (!out.len && rtls_hs_status(hs) == RTLS_HS_DONE)
		finish(connection);
	return out;
}

static bool is_done(const void *connection)
{
	return ((const struct connection *)connection)->done;
}

static bool is_resumed(const void *connection)
{
	return ((const struct connection *)connection)->resumed;
}

static void end(void *arg)
{
	struct connection *connection = arg;

	rtls_hs_free(connection->hs);
	side_free(connection);
}

const struct side side_ringtls = {
	setup, setup_free, forget, begin, step, is_done, is_resumed, end,
};
