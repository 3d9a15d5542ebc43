// SPDX-License-Identifier: MIT
/*
 * Time limits. Every state has one, the same for all its streams, so that the stream that
 * entered first is due first: a limit costs one place in a list, and nothing in the kernel.
 */
#include <time.h>

#include "ur_internal.h"

/* The ring wakes no more often than this for limits of streams. */
#define TICK_MS 100

uint64_t ur_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

void ur_stream_enter(struct rtls_stream *stream, enum ur_state state)
{
	struct rtls_engine *engine = stream->owner.engine;

	if (stream->state != UR_NOWHERE)
		TAILQ_REMOVE(&engine->streams[stream->state], stream, entry);
	stream->state = state;
	stream->deadline_ms = engine->now_ms + engine->limit_ms[state];
	TAILQ_INSERT_TAIL(&engine->streams[state], stream, entry);
}

void ur_stream_touch(struct rtls_stream *stream)
{
	if (stream->state == UR_OPEN)
		ur_stream_enter(stream, UR_OPEN);
}

static void expire(struct rtls_stream *stream)
{
	if (stream->state == UR_OPEN)
		rtls_stream_close(stream);
	else
		ur_stream_cut_late(stream);
}

static const enum ur_state limited[] = { UR_HANDSHAKE, UR_OPEN, UR_CLOSING };
#define LIMITED (sizeof(limited) / sizeof(*limited))

void ur_timers_expire(struct rtls_engine *engine)
{
	for (size_t i = 0; i < LIMITED; i++) {
		struct ur_streams *streams = &engine->streams[limited[i]];
		struct rtls_stream *first;

		while ((first = TAILQ_FIRST(streams)) && first->deadline_ms <= engine->now_ms)
			expire(first);
	}
	if (engine->accept_at_ms <= engine->now_ms)
		engine->accept_at_ms = 0;
	if (engine->draining && engine->drain_until_ms <= engine->now_ms) {
		engine->drain_until_ms = UINT64_MAX;
		ur_streams_cut(engine);
	}
}

int64_t ur_timers_wait_ms(const struct rtls_engine *engine)
{
	uint64_t now = engine->now_ms, due = UINT64_MAX;

	for (size_t i = 0; i < LIMITED; i++) {
		const struct rtls_stream *first = TAILQ_FIRST(&engine->streams[limited[i]]);

		if (first && first->deadline_ms < due)
			due = first->deadline_ms;
	}
	if (due < now + TICK_MS)
		due = now + TICK_MS;
	if (engine->accept_at_ms && engine->accept_at_ms < due)
		due = engine->accept_at_ms;
	if (engine->draining && engine->drain_until_ms < due)
		due = engine->drain_until_ms;
	if (due == UINT64_MAX)
		return -1;
	return due > now ? due - now : 0;
}
