/* SPDX-License-Identifier: MIT */
/*
 * What the files of uring/ share. Not installed.
 *
 * Reading order: these structs, engine.c (the loop), stream.c (a connection's life), ops.c
 * (its operations as SQEs), then ring.c, buffers.c, listener.c, pump.c, timers.c, key_pool.c.
 *
 * The loop has three steps, and each thing happens in one of them only. Completions are
 * taken: the connection learns of them, callbacks run, and the stream is marked ready. Ready
 * streams are advanced: here alone SQEs are made, here alone a stream ends. The ring is
 * entered. So no callback runs inside another, and taking a completion never needs an SQE.
 */
#ifndef UR_INTERNAL_H
#define UR_INTERNAL_H

#include <sys/queue.h>
#include <sys/socket.h>
#include <liburing.h>

#include <ringtls/uring.h>

/* ---- who has operations in flight ---------------------------------------------- */

/* Lies in the low bits of an SQE's user_data, beside the owner's address. */
enum ur_tag {
	UR_RECV,       /* of a stream */
	UR_WORK,       /* of a stream: connect, send, read a file */
	UR_FILL,       /* of a stream: file to pipe */
	UR_FLUSH,      /* of a stream: pipe to socket */
	UR_ACCEPT,     /* of a listener */
	UR_WAKE,       /* of the engine */
	UR_KEY,        /* of a stream, not in the ring: its private key is used by the pool */
	UR_CANCEL = 8, /* added to the tag of what is to be cancelled */
};
#define UR_TAG_MASK 15

/*
 * The first member of everything that has operations in flight: one bit for each tag. No
 * owner is given back while a bit is set, so a completion always finds its owner.
 */
struct ur_owner {
	struct rtls_engine *engine;
	uint16_t flying;
} __attribute__((aligned(UR_TAG_MASK + 1)));

static inline bool ur_is_flying(const struct ur_owner *owner, unsigned int tag)
{
	return owner->flying & 1U << tag;
}

/* ---- a connection -------------------------------------------------------------- */

/*
 * A stream's state is the list in which it stands. All streams of one state have the same
 * time limit, so each list is in the order in which they are due.
 */
enum ur_state {
	UR_NOWHERE,   /* in no list yet */
	UR_PARKED,    /* accepted beyond streams_max: waits for its turn, unseen by the user */
	UR_HANDSHAKE, /* from connect or accept to RTLS_EVENT_ESTABLISHED */
	UR_OPEN,
	UR_CLOSING,   /* rtls_conn_close(), or a failure whose alert goes out */
	UR_ENDED,     /* waits for what is in flight, then closed() and gone */
	UR_STATES,
};

/* What an operation needs to stand still until its completion. Made on demand. */
struct ur_aside {
	bool flush_due; /* of file: its pipe is to be flushed by an SQE of its own */
	union {
		struct {
			struct sockaddr_storage addr;
			socklen_t len;
		} peer;
		struct {
			struct msghdr header;
			struct iovec iov;
			union {
				struct cmsghdr header;
				char space[CMSG_SPACE(sizeof(uint8_t))];
			} control;
		} message;
		struct {
			int pipe[2];
			int filled, flushed; /* results of the two halves */
			size_t left, sent;   /* bytes in the pipe, and behind it */
		} file;
	};
};

struct rtls_stream {
	struct ur_owner owner;
	uint8_t state;   /* enum ur_state */
	bool connecting; /* the socket itself is not connected yet */
	bool paused;
	bool queued;     /* stands in engine->ready */
	int fd;
	int error;       /* why the engine cut it off */
	uint64_t deadline_ms;
	TAILQ_ENTRY(rtls_stream) entry;  /* of engine->streams[state] */
	STAILQ_ENTRY(rtls_stream) ready; /* of engine->ready, or of engine->slots */
	struct rtls_conn *conn;
	struct rtls_listener *listener;
	const struct rtls_stream_ops *ops;
	void *arg;
	struct rtls_op recv, work; /* under way; valid while their tags are flying */
	struct ur_aside *aside;
	struct ur_own_buffer *own; /* where there are no provided buffers */

	/* while UR_KEY is flying: key_pool.c */
	struct rtls_key_operation *key_operation;
	bool key_queued; /* no thread has taken it yet */
	TAILQ_ENTRY(rtls_stream) key_entry; /* of the pool's queue, or of engine->keys_done */
};

TAILQ_HEAD(ur_streams, rtls_stream);
STAILQ_HEAD(ur_queue, rtls_stream);
TAILQ_HEAD(ur_keys, rtls_stream);

struct rtls_listener {
	struct ur_owner owner;
	int fd;
	bool dead; /* the socket listens no more */
	enum rtls_policy policy;
	struct rtls_config *config;      /* the engine's thread alone: ur_listener_config() */
	struct rtls_config *next_config; /* atomic: takes its place; NULL: none */
	const struct rtls_stream_ops *ops;
	void *arg;
	SLIST_ENTRY(rtls_listener) entry;
};

/* ---- the engine ---------------------------------------------------------------- */

#define UR_PIPES_KEPT 32

/* At least as many as advancing one stream takes. */
#define UR_ADVANCE_SQES 8

struct rtls_engine {
	struct ur_owner owner;
	struct io_uring ring;
	struct rtls_engine_params params; /* avoid: with what this kernel lacks */
	struct rtls_worker *worker;
	bool enabled; /* the ring runs, and belongs to a thread */
	int wake_fd;
	uint64_t now_ms;

	/* streams */
	struct ur_streams streams[UR_STATES];
	uint32_t limit_ms[UR_STATES];
	unsigned int streams_count; /* but for those parked */
	struct ur_queue ready, slots;
	struct ur_slab *slabs;
	SLIST_HEAD(, rtls_listener) listeners;
	uint64_t accept_at_ms; /* accepting has failed: not before */

	/* drain: the request may come from anywhere, the rest is the loop's */
	uint64_t drain_request; /* atomic: deadline in ms + 1, 0: none */
	bool draining;
	uint64_t drain_until_ms;

	/* key_pool.c */
	struct ur_keys keys_done; /* under the pool's lock */
	unsigned int keys_flying;

	/* buffers.c, pump.c */
	struct io_uring_buf_ring *buffer_ring;
	uint8_t *buffers;
	struct msghdr recv_header;
	int pipes[UR_PIPES_KEPT][2];
	unsigned int pipes_count;
};

/* ---- engine.c ------------------------------------------------------------------ */

/* The loop takes another turn. For any thread, and for signal handlers. */
void ur_engine_wake(struct rtls_engine *engine);

/* ---- ring.c -------------------------------------------------------------------- */

int ur_ring_init(struct rtls_engine *engine, const char **why);
/* Makes the calling thread the ring's, and tries out what the kernel has. */
int ur_ring_enable(struct rtls_engine *engine);
/* Are @count SQEs free, if need be after submitting the others? */
bool ur_ring_has_room(struct rtls_engine *engine, unsigned int count);
/* An SQE with its user_data set and counted as flying. There must be room. */
struct io_uring_sqe *ur_sqe(struct ur_owner *owner, unsigned int tag);
/* Cancels what is flying under this tag; does nothing where nothing is. */
void ur_cancel(struct ur_owner *owner, enum ur_tag tag);

/* ---- buffers.c ----------------------------------------------------------------- */

int ur_buffers_init(struct rtls_engine *engine);
void ur_buffers_free(struct rtls_engine *engine);
/* Starts stream->recv. Return: 0, or -ENOMEM with nothing started. */
int ur_recv_start(struct rtls_stream *stream);
/* Fills in what stream->recv delivered. Return: the result for rtls_conn_done(). */
ssize_t ur_recv_result(struct rtls_stream *stream, int res, unsigned int flags);
/* Nothing that was delivered is used any more. */
void ur_recv_release(struct rtls_stream *stream, unsigned int flags);

/* ---- listener.c ---------------------------------------------------------------- */

/* Starts and stops accepting as it is due. Return: are there listeners that count? */
bool ur_listeners_tend(struct rtls_engine *engine);
void ur_accepted(struct rtls_listener *listener, int res);
/* What a handshake that begins now uses. */
struct rtls_config *ur_listener_config(struct rtls_listener *listener);
void ur_listeners_free(struct rtls_engine *engine);

/* ---- stream.c ------------------------------------------------------------------ */

void ur_stream_accept(struct rtls_listener *listener, int fd);
/* Marks it for ur_stream_advance(), behind or ahead of the others. */
void ur_stream_wake(struct rtls_stream *stream);
void ur_stream_wake_first(struct rtls_stream *stream);
/* Calls the user about what has happened. Return: had anything? */
bool ur_stream_deliver(struct rtls_stream *stream);
/* Starts what is to be started; gives the stream back once it has ended. */
void ur_stream_advance(struct rtls_stream *stream);
/* Ends it without a word to the peer. */
void ur_stream_cut(struct rtls_stream *stream, int error);
/* The same as a time limit strikes. */
void ur_stream_cut_late(struct rtls_stream *stream);
/* As a drain begins: closes what is in its handshake, has the others looked at. */
void ur_streams_drain(struct rtls_engine *engine);
/* As its deadline strikes. */
void ur_streams_cut(struct rtls_engine *engine);
void ur_streams_free(struct rtls_engine *engine);

/* ---- ops.c --------------------------------------------------------------------- */

void ur_connect_start(struct rtls_stream *stream);
/* Starts the connection's next operation. False: there is none. */
bool ur_op_next(struct rtls_stream *stream);
void ur_op_done(struct rtls_stream *stream, const struct rtls_op *op, ssize_t result);
/* A completion, with its bit in flying cleared already where it was the last. */
void ur_op_complete(struct rtls_stream *stream, unsigned int tag, int res, unsigned int flags);
/* Takes back a receive that would go on delivering. */
void ur_recv_stop(struct rtls_stream *stream);
/* Stops all that is in flight, as fast as the kernel can. */
void ur_ops_stop(struct rtls_stream *stream);
/* 0, or -ENOMEM. */
int ur_aside_new(struct rtls_stream *stream);
void ur_aside_free(struct rtls_stream *stream);

/* ---- pump.c -------------------------------------------------------------------- */

/* Starts a SEND_FILE in stream->work. Return: 0, or -errno with nothing started. */
int ur_file_start(struct rtls_stream *stream);
void ur_file_complete(struct rtls_stream *stream, enum ur_tag tag, int res);
/* Goes on with a chunk whose flush was short. */
void ur_file_resume(struct rtls_stream *stream);
void ur_pipes_free(struct rtls_engine *engine);

/* ---- key_pool.c ---------------------------------------------------------------- */

/*
 * Leaves the operation to the engine's pool: it is the pool's, and ends in rtls_conn_key_done().
 * False: there is no pool, or it is full.
 */
bool ur_key_start(struct rtls_stream *stream, struct rtls_key_operation *operation);
/* Takes it back if it has not begun. */
void ur_key_stop(struct rtls_stream *stream);
/* Takes what the pool has done. */
void ur_keys_take(struct rtls_engine *engine);

/* ---- timers.c ------------------------------------------------------------------ */

uint64_t ur_now_ms(void);
/* Moves a stream to the end of this state's list: its time limit begins anew. */
void ur_stream_enter(struct rtls_stream *stream, enum ur_state state);
/* Bytes have moved: an open stream is not idle. */
void ur_stream_touch(struct rtls_stream *stream);
void ur_timers_expire(struct rtls_engine *engine);
/* How long the ring may sleep; -1: until something happens. */
int64_t ur_timers_wait_ms(const struct rtls_engine *engine);

#endif
