// SPDX-License-Identifier: MIT
/* The engine: what it is made of, its loop, its drain. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ur_internal.h"

#define ENTRIES_MIN 32
#define ENTRIES_MAX 32768 /* the kernel's limit */
#define BUFFERS_MAX 32768 /* the same */

/* ---- set-up -------------------------------------------------------------------- */

static unsigned int or_default(unsigned int value, unsigned int otherwise)
{
	return value ? value : otherwise;
}

static void set_params(struct rtls_engine *engine, const struct rtls_engine_params *given)
{
	struct rtls_engine_params *params = &engine->params;

	if (given)
		*params = *given;
	params->entries = or_default(params->entries, 256);
	if (params->entries < ENTRIES_MIN)
		params->entries = ENTRIES_MIN;
	if (params->entries > ENTRIES_MAX)
		params->entries = ENTRIES_MAX;
	params->buffers = or_default(params->buffers, 64);
	params->streams_max = or_default(params->streams_max, 16384);
	engine->limit_ms[UR_HANDSHAKE] = or_default(params->handshake_ms, 10000);
	engine->limit_ms[UR_OPEN] = or_default(params->idle_ms, 60000);
	engine->limit_ms[UR_CLOSING] = or_default(params->close_ms, 5000);
}

static struct rtls_engine *engine_alloc(const struct rtls_engine_params *params)
{
	struct rtls_engine *engine =
		aligned_alloc(_Alignof(struct rtls_engine), sizeof(*engine));

	if (!engine)
		return NULL;
	*engine = (struct rtls_engine){ .owner.engine = engine };
	set_params(engine, params);
	for (int state = 0; state < UR_STATES; state++)
		TAILQ_INIT(&engine->streams[state]);
	STAILQ_INIT(&engine->ready);
	STAILQ_INIT(&engine->slots);
	TAILQ_INIT(&engine->keys_done);
	SLIST_INIT(&engine->listeners);
	return engine;
}

static bool is_power_of_two(unsigned int value)
{
	return !(value & (value - 1));
}

int rtls_engine_new(struct rtls_engine **result, const struct rtls_engine_params *params,
		    const char **why)
{
	struct rtls_engine *engine = engine_alloc(params);
	const char *unused;
	int ret = -ENOMEM;

	if (!why)
		why = &unused;
	*why = "no memory for the engine";
	if (!engine)
		return ret;
	if (!is_power_of_two(engine->params.buffers) || engine->params.buffers > BUFFERS_MAX) {
		*why = "the number of buffers must be a power of two, at most 32768";
		ret = -EINVAL;
		goto out_engine;
	}
	engine->worker = rtls_worker_new();
	if (!engine->worker)
		goto out_engine;
	ret = ur_ring_init(engine, why);
	if (ret)
		goto out_worker;
	ret = ur_buffers_init(engine);
	if (ret) {
		*why = "no memory for the receive buffers: ask for fewer";
		goto out_ring;
	}
	engine->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (engine->wake_fd < 0) {
		ret = -errno;
		*why = "no file descriptor is left: raise RLIMIT_NOFILE (ulimit -n)";
		goto out_buffers;
	}
	rtls_key_pool_ref(engine->params.key_pool);
	*result = engine;
	return 0;

out_buffers:
	ur_buffers_free(engine);
out_ring:
	io_uring_queue_exit(&engine->ring);
out_worker:
	rtls_worker_free(engine->worker);
out_engine:
	free(engine);
	return ret;
}

struct rtls_worker *rtls_engine_worker(struct rtls_engine *engine)
{
	return engine->worker;
}

void ur_engine_wake(struct rtls_engine *engine)
{
	uint64_t one = 1;
	int saved = errno;

	/* Fails only if the counter is full: then it is readable anyway. */
	if (write(engine->wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
}

/* ---- drain --------------------------------------------------------------------- */

void rtls_engine_drain(struct rtls_engine *engine, unsigned int deadline_ms)
{
	__atomic_store_n(&engine->drain_request, deadline_ms + 1ULL, __ATOMIC_RELEASE);
	ur_engine_wake(engine);
}

void rtls_engine_stop(struct rtls_engine *engine)
{
	rtls_engine_drain(engine, 0);
}

bool rtls_engine_draining(const struct rtls_engine *engine)
{
	return engine->draining || __atomic_load_n(&engine->drain_request, __ATOMIC_ACQUIRE);
}

static void drain_if_asked(struct rtls_engine *engine)
{
	uint64_t request = __atomic_exchange_n(&engine->drain_request, 0, __ATOMIC_ACQ_REL);

	if (!request)
		return;
	/* Asked again, it can only become shorter. */
	if (!engine->draining || engine->now_ms + request - 1 < engine->drain_until_ms)
		engine->drain_until_ms = engine->now_ms + request - 1;
	if (!engine->draining) {
		engine->draining = true;
		ur_streams_drain(engine);
	}
}

/* ---- the loop ------------------------------------------------------------------ */

static void woken(struct rtls_engine *engine)
{
	eventfd_t count;

	eventfd_read(engine->wake_fd, &count);
}

static void complete(struct rtls_engine *engine, const struct io_uring_cqe *cqe)
{
	struct ur_owner *owner = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)UR_TAG_MASK);
	unsigned int tag = cqe->user_data & UR_TAG_MASK;

	if (!(cqe->flags & IORING_CQE_F_MORE))
		owner->flying &= ~(1U << tag);
	if (tag <= UR_FLUSH)
		ur_op_complete((struct rtls_stream *)owner, tag, cqe->res, cqe->flags);
	else if (tag == UR_ACCEPT)
		ur_accepted((struct rtls_listener *)owner, cqe->res);
	else if (tag == UR_WAKE)
		woken(engine);
	else if (tag != (UR_CANCEL | UR_ACCEPT) && !owner->flying)
		ur_stream_wake((struct rtls_stream *)owner);
}

static void take_completions(struct rtls_engine *engine)
{
	struct io_uring_cqe *cqe;
	unsigned int head, count = 0;

	io_uring_for_each_cqe(&engine->ring, head, cqe) {
		complete(engine, cqe);
		count++;
	}
	io_uring_cq_advance(&engine->ring, count);
}

/* Where SQEs are lacking the rest stays in the queue, for the next turn. */
static void advance_ready(struct rtls_engine *engine)
{
	struct rtls_stream *stream;

	while ((stream = STAILQ_FIRST(&engine->ready)) &&
	       ur_ring_has_room(engine, UR_ADVANCE_SQES)) {
		STAILQ_REMOVE_HEAD(&engine->ready, ready);
		stream->queued = false;
		ur_stream_advance(stream);
	}
}

static void watch_wake_fd(struct rtls_engine *engine)
{
	if (!ur_is_flying(&engine->owner, UR_WAKE) && ur_ring_has_room(engine, 1))
		io_uring_prep_poll_add(ur_sqe(&engine->owner, UR_WAKE), engine->wake_fd, POLLIN);
}

static int enter_ring(struct rtls_engine *engine)
{
	int64_t ms = STAILQ_EMPTY(&engine->ready) ? ur_timers_wait_ms(engine) : 1;
	struct __kernel_timespec limit = { ms / 1000, ms % 1000 * 1000000 };
	struct io_uring_cqe *cqe;
	int ret = io_uring_submit_and_wait_timeout(&engine->ring, &cqe, 1, ms < 0 ? NULL : &limit,
						   NULL);

	switch (ret) {
	case -ETIME:
	case -EINTR:
	case -EAGAIN: /* the kernel has no memory now */
	case -EBUSY:  /* completions must be taken first */
		return 0;
	default:
		return ret < 0 ? ret : 0;
	}
}

static int loop(struct rtls_engine *engine)
{
	int ret = 0;

	while (!ret) {
		engine->now_ms = ur_now_ms();
		take_completions(engine);
		ur_keys_take(engine);
		ur_timers_expire(engine);
		drain_if_asked(engine);
		advance_ready(engine);
		if (!ur_listeners_tend(engine) && !engine->streams_count)
			break;
		watch_wake_fd(engine);
		ret = enter_ring(engine);
	}
	return ret;
}

/*
 * A kernel TLS socket that is closed with spliced records unsent still tries to send them,
 * without MSG_NOSIGNAL: close(2) itself then raises SIGPIPE for its thread.
 */
static void block_sigpipe(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, before);
}

static void restore_sigpipe(const sigset_t *before)
{
	const struct timespec at_once = { 0 };
	sigset_t set;

	if (sigismember(before, SIGPIPE))
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigtimedwait(&set, NULL, &at_once);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int rtls_engine_run(struct rtls_engine *engine)
{
	sigset_t before;
	int ret = ur_ring_enable(engine);

	if (ret)
		return ret;
	block_sigpipe(&before);
	ret = loop(engine);
	restore_sigpipe(&before);
	return ret;
}

/* ---- the end ------------------------------------------------------------------- */

void rtls_engine_free(struct rtls_engine *engine)
{
	if (!engine)
		return;
	rtls_engine_stop(engine);
	if (engine->enabled || engine->streams_count)
		rtls_engine_run(engine);
	io_uring_queue_exit(&engine->ring);
	/* The ring has failed: the kernel, or the pool, may still write where these told it to. */
	if (engine->streams_count) {
		/* It ends its work: what it works with may go with the program otherwise. */
		while (engine->keys_flying) {
			usleep(1000);
			ur_keys_take(engine);
		}
		return;
	}
	ur_listeners_free(engine);
	ur_streams_free(engine);
	ur_buffers_free(engine);
	ur_pipes_free(engine);
	close(engine->wake_fd);
	rtls_key_pool_unref(engine->params.key_pool);
	rtls_worker_free(engine->worker);
	free(engine);
}
