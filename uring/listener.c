// SPDX-License-Identifier: MIT
/* Accepting: when to, when not, with which configuration, and what its failures mean. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "ur_internal.h"

/* After a failure that only time or a closed connection mends. */
#define RETRY_MS 100

/*
 * With less room than this connections are accepted one by one: what cannot be served stays
 * in the kernel's queue. A multishot accept may take more than there is room for before it
 * can be stopped; those are parked.
 */
#define MULTISHOT_ROOM 64

static bool is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) && listening;
}

int rtls_listen(struct rtls_engine *engine, int fd, struct rtls_config *config,
		enum rtls_policy policy, const struct rtls_stream_ops *ops, void *arg,
		struct rtls_listener **result)
{
	struct rtls_listener *listener;
	int on = 1;

	if (!is_listening(fd) || !rtls_config_is_frozen(config) ||
	    rtls_config_check_server(config))
		return -EINVAL;
	listener = aligned_alloc(_Alignof(struct rtls_listener), sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	*listener = (struct rtls_listener){
		.owner.engine = engine,
		.fd = fd,
		.config = rtls_config_ref(config),
		.policy = policy,
		.ops = ops,
		.arg = arg,
	};
	/* Not every socket that streams is a TCP socket. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	SLIST_INSERT_HEAD(&engine->listeners, listener, entry);
	if (result)
		*result = listener;
	return 0;
}

void *rtls_listener_arg(const struct rtls_listener *listener)
{
	return listener->arg;
}

/*
 * The new configuration is left for the engine's thread to take: no other thread touches the
 * one in use, so no handshake can begin with one that is being let go of.
 */
int rtls_listener_set_config(struct rtls_listener *listener, struct rtls_config *config)
{
	struct rtls_config *untaken;

	if (!rtls_config_is_frozen(config) || rtls_config_check_server(config))
		return -EINVAL;
	untaken = __atomic_exchange_n(&listener->next_config, rtls_config_ref(config),
				      __ATOMIC_ACQ_REL);
	rtls_config_unref(untaken);
	ur_engine_wake(listener->owner.engine);
	return 0;
}

struct rtls_config *ur_listener_config(struct rtls_listener *listener)
{
	struct rtls_config *next =
		__atomic_exchange_n(&listener->next_config, NULL, __ATOMIC_ACQ_REL);

	if (next) {
		rtls_config_unref(listener->config);
		listener->config = next;
		rtls_worker_forget_private_keys(listener->owner.engine->worker);
	}
	return listener->config;
}

static unsigned int room(const struct rtls_engine *engine)
{
	return engine->streams_count < engine->params.streams_max
		       ? engine->params.streams_max - engine->streams_count
		       : 0;
}

static void start(struct rtls_listener *listener)
{
	struct rtls_engine *engine = listener->owner.engine;
	bool one = engine->params.avoid & RTLS_AVOID_ACCEPT_MULTISHOT ||
		   room(engine) < MULTISHOT_ROOM;
	struct io_uring_sqe *sqe = ur_sqe(&listener->owner, UR_ACCEPT);

	if (one)
		io_uring_prep_accept(sqe, listener->fd, NULL, NULL, SOCK_CLOEXEC);
	else
		io_uring_prep_multishot_accept(sqe, listener->fd, NULL, NULL, SOCK_CLOEXEC);
}

static void tend(struct rtls_listener *listener)
{
	struct rtls_engine *engine = listener->owner.engine;

	if (engine->draining || listener->dead || engine->accept_at_ms || !room(engine))
		ur_cancel(&listener->owner, UR_ACCEPT);
	else if (!ur_is_flying(&listener->owner, UR_ACCEPT))
		start(listener);
}

bool ur_listeners_tend(struct rtls_engine *engine)
{
	struct rtls_listener *listener;
	bool any = false;

	SLIST_FOREACH(listener, &engine->listeners, entry) {
		ur_listener_config(listener);
		if (ur_ring_has_room(engine, 1))
			tend(listener);
		any |= listener->owner.flying || !(listener->dead || engine->draining);
	}
	return any;
}

void ur_accepted(struct rtls_listener *listener, int res)
{
	struct rtls_engine *engine = listener->owner.engine;

	if (res >= 0) {
		ur_stream_accept(listener, res);
		return;
	}
	switch (-res) {
	case ECANCELED:
	case EINTR:
	case ECONNABORTED:
		break;
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
	case EOPNOTSUPP:
		listener->dead = true;
		break;
	default: /* EMFILE, ENFILE, ENOMEM and the like */
		engine->accept_at_ms = engine->now_ms + RETRY_MS;
	}
}

void ur_listeners_free(struct rtls_engine *engine)
{
	struct rtls_listener *listener;

	while ((listener = SLIST_FIRST(&engine->listeners))) {
		SLIST_REMOVE_HEAD(&engine->listeners, entry);
		rtls_config_unref(ur_listener_config(listener));
		free(listener);
	}
}
