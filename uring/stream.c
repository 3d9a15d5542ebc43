// SPDX-License-Identifier: MIT
/*
 * A connection's life: where its memory comes from, how it begins, what its user is told and
 * may ask for, how it ends.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ur_internal.h"

/* ---- memory -------------------------------------------------------------------- */

#define SLAB_STREAMS 64

struct ur_slab {
	struct ur_slab *next;
	struct rtls_stream streams[SLAB_STREAMS];
};

static bool slab_add(struct rtls_engine *engine)
{
	struct ur_slab *slab = aligned_alloc(_Alignof(struct ur_slab), sizeof(*slab));

	if (!slab)
		return false;
	slab->next = engine->slabs;
	engine->slabs = slab;
	for (size_t i = 0; i < SLAB_STREAMS; i++)
		STAILQ_INSERT_TAIL(&engine->slots, &slab->streams[i], ready);
	return true;
}

/* Takes the descriptor over. */
static struct rtls_stream *stream_new(struct rtls_engine *engine, int fd)
{
	struct rtls_stream *stream;

	if (STAILQ_EMPTY(&engine->slots) && !slab_add(engine))
		return NULL;
	stream = STAILQ_FIRST(&engine->slots);
	STAILQ_REMOVE_HEAD(&engine->slots, ready);
	*stream = (struct rtls_stream){ .owner.engine = engine, .fd = fd };
	return stream;
}

static void stream_free(struct rtls_stream *stream)
{
	struct rtls_engine *engine = stream->owner.engine;

	if (stream->state != UR_NOWHERE)
		TAILQ_REMOVE(&engine->streams[stream->state], stream, entry);
	rtls_conn_free(stream->conn);
	ur_aside_free(stream);
	close(stream->fd);
	STAILQ_INSERT_HEAD(&engine->slots, stream, ready);
}

void ur_streams_free(struct rtls_engine *engine)
{
	while (engine->slabs) {
		struct ur_slab *slab = engine->slabs;

		engine->slabs = slab->next;
		free(slab);
	}
}

/* ---- the ready queue ----------------------------------------------------------- */

void ur_stream_wake(struct rtls_stream *stream)
{
	if (stream->queued)
		return;
	stream->queued = true;
	STAILQ_INSERT_TAIL(&stream->owner.engine->ready, stream, ready);
}

void ur_stream_wake_first(struct rtls_stream *stream)
{
	if (stream->queued)
		return;
	stream->queued = true;
	STAILQ_INSERT_HEAD(&stream->owner.engine->ready, stream, ready);
}

/* ---- the beginning ------------------------------------------------------------- */

static int begin(struct rtls_stream *stream, struct rtls_config *config, enum rtls_policy policy,
		 enum rtls_role role, const char *server_name)
{
	struct rtls_engine *engine = stream->owner.engine;
	struct rtls_hs *hs;
	int ret = rtls_hs_new(&hs, config, engine->worker, role, server_name);

	if (ret)
		return ret;
	stream->conn = rtls_conn_new(hs, engine->worker, policy);
	if (!stream->conn)
		return -ENOMEM;
	engine->streams_count++;
	ur_stream_enter(stream, UR_HANDSHAKE);
	ur_stream_wake(stream);
	return 0;
}

/* What fails here costs this connection only; its user has not heard of it. */
static void begin_accepted(struct rtls_stream *stream)
{
	struct rtls_listener *listener = stream->listener;

	if (begin(stream, ur_listener_config(listener), listener->policy, RTLS_SERVER, NULL))
		stream_free(stream);
}

void ur_stream_accept(struct rtls_listener *listener, int fd)
{
	struct rtls_engine *engine = listener->owner.engine;
	struct rtls_stream *stream = engine->draining ? NULL : stream_new(engine, fd);

	if (!stream) {
		close(fd);
		return;
	}
	stream->listener = listener;
	stream->ops = listener->ops;
	if (engine->streams_count < engine->params.streams_max)
		begin_accepted(stream);
	else
		ur_stream_enter(stream, UR_PARKED);
}

static void unpark(struct rtls_engine *engine)
{
	struct rtls_stream *stream;

	while (engine->streams_count < engine->params.streams_max &&
	       (stream = TAILQ_FIRST(&engine->streams[UR_PARKED])))
		begin_accepted(stream);
}

static int connect_later(struct rtls_stream *stream, const struct sockaddr *addr, size_t addr_len)
{
	int on = 1, ret = ur_aside_new(stream);

	if (ret)
		return ret;
	memcpy(&stream->aside->peer.addr, addr, addr_len);
	stream->aside->peer.len = addr_len;
	stream->connecting = true;
	setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return 0;
}

int rtls_connect(struct rtls_engine *engine, const struct sockaddr *addr, size_t addr_len,
		 struct rtls_config *config, const char *server_name, enum rtls_policy policy,
		 const struct rtls_stream_ops *ops, void *arg)
{
	struct rtls_stream *stream;
	int fd, ret;

	if (rtls_engine_draining(engine))
		return -ESHUTDOWN;
	if (addr_len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	stream = stream_new(engine, fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	stream->ops = ops;
	stream->arg = arg;
	engine->now_ms = ur_now_ms();
	ret = connect_later(stream, addr, addr_len);
	if (!ret)
		ret = begin(stream, config, policy, RTLS_CLIENT, server_name);
	if (ret)
		stream_free(stream);
	return ret;
}

/* ---- what the user is told ----------------------------------------------------- */

static void tell(struct rtls_stream *stream, void (*callback)(struct rtls_stream *stream))
{
	if (callback)
		callback(stream);
}

static void use_key(struct rtls_stream *stream)
{
	struct rtls_key_operation *operation = rtls_conn_key_operation(stream->conn);

	if (!operation) {
		rtls_conn_close(stream->conn);
		return;
	}
	if (ur_key_start(stream, operation))
		return;
	/* Here and now: all other connections wait. */
	rtls_key_operation_run(operation);
	rtls_conn_key_done(stream->conn, operation);
	rtls_key_operation_free(operation);
}

bool ur_stream_deliver(struct rtls_stream *stream)
{
	const struct rtls_stream_ops *ops = stream->ops;
	struct rtls_event event;
	bool any = false;

	while (stream->state != UR_ENDED && rtls_conn_event(stream->conn, &event)) {
		any = true;
		switch (event.type) {
		case RTLS_EVENT_WANT_KEY:
			use_key(stream);
			break;
		case RTLS_EVENT_ESTABLISHED:
			ur_stream_enter(stream, UR_OPEN);
			tell(stream, ops->established);
			break;
		case RTLS_EVENT_DATA:
			if (ops->data && stream->state == UR_OPEN)
				ops->data(stream, event.data, event.len);
			break;
		case RTLS_EVENT_SENT:
			tell(stream, ops->sent);
			break;
		case RTLS_EVENT_PEER_CLOSED:
			if (stream->state == UR_OPEN)
				tell(stream, ops->peer_closed ? ops->peer_closed
							      : rtls_stream_close);
			break;
		case RTLS_EVENT_FAILED:
			ur_stream_enter(stream, UR_CLOSING);
			break;
		case RTLS_EVENT_CLOSED:
			ur_stream_enter(stream, UR_ENDED);
			break;
		}
	}
	return any;
}

/* ---- going on, and the end ----------------------------------------------------- */

static bool is_idle(struct rtls_stream *stream)
{
	return !stream->ops->idle || stream->ops->idle(stream);
}

static void start_what_is_due(struct rtls_stream *stream)
{
	bool started;

	if (stream->connecting) {
		ur_connect_start(stream);
		return;
	}
	ur_stream_deliver(stream);
	do
		started = stream->state != UR_ENDED && ur_op_next(stream);
	while (ur_stream_deliver(stream) || started);

	if (stream->paused)
		ur_recv_stop(stream);
	if (stream->owner.engine->draining && stream->state == UR_OPEN && is_idle(stream))
		rtls_stream_close(stream);
}

static void give_back(struct rtls_stream *stream)
{
	struct rtls_engine *engine = stream->owner.engine;
	int error = rtls_conn_error(stream->conn);

	stream->queued = true; /* for ever: nothing can wake it */
	stream->ops->closed(stream, error ? error : stream->error);
	stream_free(stream);
	engine->streams_count--;
	engine->accept_at_ms = 0;
	unpark(engine);
}

void ur_stream_advance(struct rtls_stream *stream)
{
	ur_file_resume(stream);
	if (stream->state != UR_ENDED)
		start_what_is_due(stream);
	if (stream->state != UR_ENDED)
		return;
	if (stream->owner.flying)
		ur_ops_stop(stream);
	else
		give_back(stream);
}

void ur_stream_cut(struct rtls_stream *stream, int error)
{
	stream->error = error;
	ur_stream_enter(stream, UR_ENDED);
	ur_stream_wake(stream);
}

void ur_stream_cut_late(struct rtls_stream *stream)
{
	/* A peer that has been told everything and does not hang up is no failure. */
	ur_stream_cut(stream, rtls_conn_is_lingering(stream->conn) ? 0 : RTLS_ERR_TIMEOUT);
}

static void close_gently(struct rtls_stream *stream)
{
	rtls_conn_close(stream->conn);
	ur_stream_enter(stream, UR_CLOSING);
	ur_stream_wake(stream);
}

void ur_streams_drain(struct rtls_engine *engine)
{
	struct rtls_stream *stream;

	while ((stream = TAILQ_FIRST(&engine->streams[UR_PARKED])))
		stream_free(stream);
	while ((stream = TAILQ_FIRST(&engine->streams[UR_HANDSHAKE]))) {
		if (stream->connecting)
			ur_stream_cut(stream, -ECANCELED);
		else
			close_gently(stream);
	}
	TAILQ_FOREACH(stream, &engine->streams[UR_OPEN], entry)
		ur_stream_wake(stream);
}

void ur_streams_cut(struct rtls_engine *engine)
{
	for (enum ur_state state = UR_HANDSHAKE; state < UR_ENDED; state++) {
		struct rtls_stream *stream;

		while ((stream = TAILQ_FIRST(&engine->streams[state])))
			ur_stream_cut_late(stream);
	}
}

/* ---- what the user may ask for ------------------------------------------------- */

void rtls_stream_close(struct rtls_stream *stream)
{
	if (stream->state == UR_HANDSHAKE)
		ur_stream_cut(stream, -ECANCELED);
	else if (stream->state == UR_OPEN)
		close_gently(stream);
}

int rtls_stream_send(struct rtls_stream *stream, const void *buf, size_t len, bool more)
{
	int ret;

	if (stream->state == UR_ENDED)
		return -EPIPE;
	ret = rtls_conn_send(stream->conn, buf, len, more);
	if (!ret)
		ur_stream_wake(stream);
	return ret;
}

int rtls_stream_send_file(struct rtls_stream *stream, int file, uint64_t offset, uint64_t len)
{
	int ret;

	if (stream->state == UR_ENDED)
		return -EPIPE;
	ret = rtls_conn_send_file(stream->conn, file, offset, len);
	if (!ret)
		ur_stream_wake(stream);
	return ret;
}

void rtls_stream_pause(struct rtls_stream *stream, bool pause)
{
	stream->paused = pause;
	rtls_conn_pause(stream->conn, pause);
	ur_stream_wake(stream);
}

struct rtls_engine *rtls_stream_engine(const struct rtls_stream *stream)
{
	return stream->owner.engine;
}

struct rtls_listener *rtls_stream_listener(const struct rtls_stream *stream)
{
	return stream->listener;
}

const struct rtls_conn *rtls_stream_conn(const struct rtls_stream *stream)
{
	return stream->conn;
}

int rtls_stream_fd(const struct rtls_stream *stream)
{
	return stream->fd;
}

void rtls_stream_set_arg(struct rtls_stream *stream, void *arg)
{
	stream->arg = arg;
}

void *rtls_stream_arg(const struct rtls_stream *stream)
{
	return stream->arg;
}
