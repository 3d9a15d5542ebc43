/* SPDX-License-Identifier: MIT */
/**
 * uring.h - the engine: one io_uring, its connections, their time limits
 *
 * One engine belongs to one thread; nothing is shared between engines but the
 * frozen configuration and, if they have one, the key pool. All I/O of a connection, the handshake included, goes
 * through the ring; struct rtls_conn (ktls.h) decides what, the engine carries it out.
 *
 * Everything happens in callbacks, called from rtls_engine_run() on the engine's
 * thread. A callback may call any function of this file on its own engine's
 * objects, rtls_stream_close() on its own stream included.
 *
 * Errors: -errno or RTLS_ERR_* (handshake.h).
 */
#ifndef RINGTLS_URING_H
#define RINGTLS_URING_H

#include <ringtls/ktls.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;

struct rtls_engine;
struct rtls_key_pool;
struct rtls_listener;
struct rtls_stream; /* one connection */

/* ---- engine ------------------------------------------------------------- */

/* Features not to use though the kernel has them: for tests of what replaces them. */
enum rtls_avoid {
	RTLS_AVOID_BUFFER_RING = 1 << 0,      /* each receive gets a buffer of its own */
	RTLS_AVOID_RECV_MULTISHOT = 1 << 1,
	RTLS_AVOID_ACCEPT_MULTISHOT = 1 << 2,
	RTLS_AVOID_DEFER_TASKRUN = 1 << 3,    /* a ring without any set-up flags */
};

struct rtls_engine_params {
	unsigned int entries;     /* submission queue; 0: 256 */
	unsigned int buffers;     /* receive buffers, a power of two; 0: 64 */
	unsigned int streams_max; /* connections at a time; accepting pauses there. 0: 16384 */
	unsigned int handshake_ms; /* time limit of a handshake; 0: 10,000 */
	unsigned int idle_ms;      /* no byte either way for so long: closed. 0: 60,000 */
	unsigned int close_ms;     /* from rtls_stream_close() to the end. 0: 5,000 */
	unsigned int avoid;        /* enum rtls_avoid */
	struct rtls_key_pool *key_pool; /* rtls_key_pool_new(), or NULL; gets a reference */
};

/**
 * rtls_engine_new - set up a ring
 * @params: NULL for the defaults
 * @why: if not NULL, set on failure to a static sentence that names the cause (kernel too
 *	old, kernel.io_uring_disabled, seccomp, memory lock limit) and the remedy
 *
 * Return: 0 or -errno.
 */
int rtls_engine_new(struct rtls_engine **engine, const struct rtls_engine_params *params,
		    const char **why);

/*
 * Closes what is still open; not from a callback, on run's thread. Waits for a private key that is
 * being used in the pool. NULL is allowed.
 */
void rtls_engine_free(struct rtls_engine *engine);

/* This engine's worker, for handshakes made by the caller. */
struct rtls_worker *rtls_engine_worker(struct rtls_engine *engine);

/**
 * rtls_engine_run - work until stopped, or until nothing is left to do
 *
 * Nothing is left without a connection and without a socket that listens. May be called again
 * then. The first call binds the engine to its thread. SIGPIPE is blocked for that thread
 * meanwhile, in callbacks too.
 *
 * Return: 0, or -errno if the ring itself failed.
 */
int rtls_engine_run(struct rtls_engine *engine);

/**
 * rtls_engine_drain - stop accepting, close what is idle, return from run when all are closed
 * @deadline_ms: what is still open then is cut off
 *
 * This one and rtls_engine_stop(), which is a drain with no time given, may be called by any
 * thread and by a signal handler; rtls_listener_set_config() by any thread; nothing else here.
 */
void rtls_engine_drain(struct rtls_engine *engine, unsigned int deadline_ms);
void rtls_engine_stop(struct rtls_engine *engine);

/* Is a drain under way? A server then answers with "Connection: close". */
bool rtls_engine_draining(const struct rtls_engine *engine);

/* ---- private keys in threads of their own -------------------------------- */

/**
 * rtls_key_pool_new - threads for what private keys have to do
 * @threads: so many; they block all signals, and are called "ringtls-key"
 *
 * Used where a configuration asks for it with rtls_config_set_external_keys(), by every engine
 * whose params name the pool. Without one, and where more work waits than the pool keeps, an
 * engine uses the key on its own thread, and its other connections wait meanwhile. The threads
 * pay where that takes long: RSA. A connection that ends while its key is used there is closed
 * when that is done.
 *
 * Return: a pool with one reference, or NULL: errno says why.
 */
struct rtls_key_pool *rtls_key_pool_new(unsigned int threads);

/* Take and drop a reference; with the last one the threads end. Both are thread-safe. */
struct rtls_key_pool *rtls_key_pool_ref(struct rtls_key_pool *pool);
void rtls_key_pool_unref(struct rtls_key_pool *pool);

/* ---- connections -------------------------------------------------------- */

/**
 * What a user of connections supplies. Every pointer may be NULL but closed's.
 * data stays valid during the callback only.
 */
struct rtls_stream_ops {
	/* The handshake and the hand-over are over; see rtls_stream_conn() for the report. */
	void (*established)(struct rtls_stream *stream);
	/* Bytes came. */
	void (*data)(struct rtls_stream *stream, const uint8_t *data, size_t len);
	/* What was given to send is with the kernel in full: buffer and file are free again. */
	void (*sent)(struct rtls_stream *stream);
	/* close_notify came. Without this callback the engine closes. */
	void (*peer_closed)(struct rtls_stream *stream);
	/*
	 * The connection has ended, its descriptor is about to be closed, and the stream is gone
	 * after this call. Called exactly once for each stream, and the only one called for
	 * a connection that failed. @error: 0, or the first error; rtls_conn_reason() has words.
	 */
	void (*closed)(struct rtls_stream *stream, int error);
	/*
	 * rtls_engine_drain(): is this stream between two pieces of work? Then it is
	 * closed. NULL: always.
	 */
	bool (*idle)(struct rtls_stream *stream);
};

/**
 * rtls_listen - accept connections and serve them
 * @fd: a listening socket; stays the caller's, open until the engine is freed. Gets
 *	TCP_NODELAY, which its connections inherit.
 * @config: frozen, with an identity; a reference is kept
 * @ops: valid as long as the engine
 * @arg: for rtls_listener_arg()
 */
int rtls_listen(struct rtls_engine *engine, int fd, struct rtls_config *config,
		enum rtls_policy policy, const struct rtls_stream_ops *ops, void *arg,
		struct rtls_listener **listener);

void *rtls_listener_arg(const struct rtls_listener *listener);

/**
 * rtls_listener_set_config - what new connections use from now on
 * @config: as for rtls_listen()
 *
 * Any thread may call this until rtls_engine_free(). Handshakes that have begun finish with
 * the configuration that they began with. The engine lets go of the old one soon, whether
 * somebody connects or not.
 *
 * Return: 0, or -EINVAL if it cannot serve: then nothing has changed.
 */
int rtls_listener_set_config(struct rtls_listener *listener, struct rtls_config *config);

/**
 * rtls_connect - connect through the ring and begin a client's handshake
 * @server_name: see rtls_hs_new()
 * @arg: the stream's first argument, see rtls_stream_set_arg()
 *
 * Return: 0 or -errno, -ESHUTDOWN once a drain has begun; later failures arrive at closed().
 */
int rtls_connect(struct rtls_engine *engine, const struct sockaddr *addr, size_t addr_len,
		 struct rtls_config *config, const char *server_name, enum rtls_policy policy,
		 const struct rtls_stream_ops *ops, void *arg);

struct rtls_engine *rtls_stream_engine(const struct rtls_stream *stream);
/* NULL for a stream of rtls_connect(). */
struct rtls_listener *rtls_stream_listener(const struct rtls_stream *stream);
/* The state of the TLS connection: report, peer, error, reason. Read only. */
const struct rtls_conn *rtls_stream_conn(const struct rtls_stream *stream);
int rtls_stream_fd(const struct rtls_stream *stream);

/* The user's own pointer. NULL at first for an accepted stream. */
void rtls_stream_set_arg(struct rtls_stream *stream, void *arg);
void *rtls_stream_arg(const struct rtls_stream *stream);

/* As rtls_conn_send() and rtls_conn_send_file(): one at a time, until sent(). */
int rtls_stream_send(struct rtls_stream *stream, const void *buf, size_t len, bool more);
int rtls_stream_send_file(struct rtls_stream *stream, int file, uint64_t offset, uint64_t len);

/* Stop and go on receiving: back-pressure. data() may still be called for what is in flight. */
void rtls_stream_pause(struct rtls_stream *stream, bool pause);

/*
 * close_notify behind what was sent, shut down, drain, closed(). Of the other callbacks only
 * sent() still comes; until that or closed() what is being sent stays in use. In the
 * handshake: cut off.
 */
void rtls_stream_close(struct rtls_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
