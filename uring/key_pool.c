// SPDX-License-Identifier: MIT
/*
 * Private keys in threads of their own. A stream whose key is used there has an operation in
 * flight (UR_KEY) like any other: neither the stream nor its engine is given back before the
 * thread is done with it.
 *
 * One lock guards the queue, and every engine's list of what is done. A thread wakes the engine
 * while it holds the lock, and the engine cannot have found the stream before it does not: so
 * behind that the thread touches nothing of an engine that may be gone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "ur_internal.h"

/* Operations that wait for each thread: with RSA of 2048 bits a tenth of a second's work. */
#define QUEUED_MAX 256

struct rtls_key_pool {
	unsigned int refs; /* atomic */
	pthread_mutex_t lock;
	pthread_cond_t work; /* to do, or the end */
	struct ur_keys queue;
	unsigned int queued;
	bool ending;
	unsigned int count; /* of threads */
	pthread_t threads[];
};

/* ---- a thread ------------------------------------------------------------------ */

static void dequeue(struct rtls_key_pool *pool, struct rtls_stream *stream)
{
	TAILQ_REMOVE(&pool->queue, stream, key_entry);
	stream->key_queued = false;
	pool->queued--;
}

/* Waits for work. NULL: the end. */
static struct rtls_stream *next(struct rtls_key_pool *pool)
{
	struct rtls_stream *stream;

	while (!(stream = TAILQ_FIRST(&pool->queue)) && !pool->ending)
		pthread_cond_wait(&pool->work, &pool->lock);
	if (stream)
		dequeue(pool, stream);
	return stream;
}

static void hand_back(struct rtls_stream *stream)
{
	struct rtls_engine *engine = stream->owner.engine;
	bool is_first = TAILQ_EMPTY(&engine->keys_done);

	TAILQ_INSERT_TAIL(&engine->keys_done, stream, key_entry);
	if (is_first)
		ur_engine_wake(engine);
}

static void *run_thread(void *arg)
{
	struct rtls_key_pool *pool = arg;
	struct rtls_stream *stream;

	pthread_mutex_lock(&pool->lock);
	while ((stream = next(pool))) {
		pthread_mutex_unlock(&pool->lock);
		rtls_key_operation_run(stream->key_operation);
		pthread_mutex_lock(&pool->lock);
		hand_back(stream);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* ---- the pool ------------------------------------------------------------------ */

static int start_threads(struct rtls_key_pool *pool, unsigned int count)
{
	sigset_t all, before;
	int error = 0;

	/* Signals are for the program's own threads: these inherit that they are blocked. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; pool->count < count; pool->count++) {
		pthread_t *thread = &pool->threads[pool->count];

		error = pthread_create(thread, NULL, run_thread, pool);
		if (error)
			break;
		pthread_setname_np(*thread, "ringtls-key");
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct rtls_key_pool *rtls_key_pool_new(unsigned int threads)
{
	struct rtls_key_pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(*pool->threads));
	int error;

	if (!pool)
		return NULL;
	pool->refs = 1;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	TAILQ_INIT(&pool->queue);
	error = start_threads(pool, threads);
	if (!error)
		return pool;
	rtls_key_pool_unref(pool);
	errno = error;
	return NULL;
}

struct rtls_key_pool *rtls_key_pool_ref(struct rtls_key_pool *pool)
{
	if (pool)
		__atomic_add_fetch(&pool->refs, 1, __ATOMIC_RELAXED);
	return pool;
}

void rtls_key_pool_unref(struct rtls_key_pool *pool)
{
	/* Each engine has a reference, so with the last one the queue is empty. */
	if (!pool || __atomic_sub_fetch(&pool->refs, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned int i = 0; i < pool->count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* ---- on the engine's thread ---------------------------------------------------- */

bool ur_key_start(struct rtls_stream *stream, struct rtls_key_operation *operation)
{
	struct rtls_engine *engine = stream->owner.engine;
	struct rtls_key_pool *pool = engine->params.key_pool;
	bool has_room;

	if (!pool)
		return false;
	pthread_mutex_lock(&pool->lock);
	has_room = pool->queued < pool->count * QUEUED_MAX;
	if (has_room) {
		stream->key_operation = operation;
		TAILQ_INSERT_TAIL(&pool->queue, stream, key_entry);
		stream->key_queued = true;
		pool->queued++;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!has_room)
		return false;
	stream->owner.flying |= 1U << UR_KEY;
	engine->keys_flying++;
	return true;
}

static void land(struct rtls_stream *stream)
{
	struct rtls_key_operation *operation = stream->key_operation;

	stream->owner.engine->keys_flying--;
	stream->owner.flying &= ~(1U << UR_KEY);
	stream->key_operation = NULL;
	if (stream->state != UR_ENDED)
		rtls_conn_key_done(stream->conn, operation);
	rtls_key_operation_free(operation);
	ur_stream_wake(stream);
}

void ur_key_stop(struct rtls_stream *stream)
{
	struct rtls_key_pool *pool = stream->owner.engine->params.key_pool;
	bool is_queued;

	if (!ur_is_flying(&stream->owner, UR_KEY))
		return;
	pthread_mutex_lock(&pool->lock);
	is_queued = stream->key_queued;
	if (is_queued)
		dequeue(pool, stream);
	pthread_mutex_unlock(&pool->lock);
	if (is_queued)
		land(stream);
}

void ur_keys_take(struct rtls_engine *engine)
{
	struct rtls_key_pool *pool = engine->params.key_pool;
	struct ur_keys done = TAILQ_HEAD_INITIALIZER(done);
	struct rtls_stream *stream;

	if (!engine->keys_flying)
		return;
	pthread_mutex_lock(&pool->lock);
	TAILQ_CONCAT(&done, &engine->keys_done, key_entry);
	pthread_mutex_unlock(&pool->lock);
	while ((stream = TAILQ_FIRST(&done))) {
		TAILQ_REMOVE(&done, stream, key_entry);
		land(stream);
	}
}
