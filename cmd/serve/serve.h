/* SPDX-License-Identifier: MIT */
/* serve.h - what the files of ringtls serve share */
#ifndef RINGTLS_SERVE_H
#define RINGTLS_SERVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include <ringtls/uring.h>

#include "../sessions.h"

/* What all connections of the server see: the listener's arg. Nothing writes to it. */
struct site {
	int root;   /* the directory that is served */
	bool quiet; /* no log line for a connection or a request that went well */
};

/* ---- listen.c ------------------------------------------------------------ */

/* Where the server listens: one socket a thread, all on the same address. */
struct listen_address {
	struct sockaddr_storage addr;
	socklen_t len;
};

/**
 * listen_open - open the listening sockets
 * @text: "ADDR:PORT" or "[ADDR]:PORT"; port 0 lets the kernel choose
 * @address: gets the address with the real port
 * @fds: gets @count sockets
 *
 * Return: EXIT_OK, or the exit code to leave with; cmd_error() has said why.
 */
int listen_open(const char *text, struct listen_address *address, int *fds, unsigned int count);

/* ---- selfsigned.c -------------------------------------------------------- */

struct selfsigned {
	struct x509_st *cert; /* NULL: there is none */
	struct evp_pkey_st *key;
};

/**
 * selfsigned_make - a certificate for localhost, made on the spot
 *
 * Its fingerprint goes to stdout, for who wants to check what a client was shown.
 *
 * Return: 0 or a negative RTLS_ERR_*.
 */
int selfsigned_make(struct selfsigned *self);
void selfsigned_free(struct selfsigned *self);

/* ---- threads.c ----------------------------------------------------------- */

#define THREADS_MAX 256

struct server_thread {
	pthread_t id;
	int fd; /* it listens here */
	struct server *server;
	struct rtls_engine *engine;
	struct rtls_listener *listener;
};

/* The caller fills in what is above the line, the threads' fd included. */
struct server {
	const struct serve_options *options;
	struct site site;
	struct selfsigned selfsigned;
	struct rtls_config *config; /* what new connections use */
	struct sessions sessions;
	enum rtls_policy policy;
	struct rtls_engine_params params;
	struct listen_address address;
	void (*reload)(struct server *server); /* at SIGHUP; may take its time */
	unsigned int count; /* of threads */
	struct server_thread threads[THREADS_MAX];
	/* ---- */
	unsigned int running;  /* threads; atomic */
	bool failed;           /* one has ended with an error; atomic */
	pthread_barrier_t all; /* they and the main thread */
};

/* Make the engines, start the threads. Return: EXIT_OK, or what to leave with; it has said why. */
int threads_start(struct server *server);

/*
 * Serve, until SIGTERM or SIGINT ends it and all that was under way has ended: for 10 seconds at
 * most, a second signal cuts it off. Return: the exit code.
 */
int threads_serve(struct server *server);

/* New connections use this one from now on. Return: 0 or -errno. */
int threads_set_config(struct server *server, struct rtls_config *config);

/* ---- file.c -------------------------------------------------------------- */

/* A regular file below the root, open for reading. */
struct file {
	int fd;
	uint64_t size;
	time_t modified;
	const char *content_type;
};

/* The directory to serve. Return: its descriptor, or -1; cmd_error() has said why. */
int file_root_open(const char *path);

/**
 * file_open - open what a request asks for
 * @path: relative to @root, may be anything; a directory means its index.html
 * @room: bytes that @path can hold, for that
 *
 * Return: 200, or the status to answer with: then there is nothing to close.
 */
int file_open(struct file *file, int root, char *path, size_t room);

/* Read the whole file. Return: whether it still is as long as it was. */
bool file_read(const struct file *file, uint8_t *out);

/* ---- connection.c -------------------------------------------------------- */

/* HTTP on a connection. Its listener's arg is a struct site. */
extern const struct rtls_stream_ops http_ops;

/* ---- log.c --------------------------------------------------------------- */

/* A line each on stderr. What comes from the peer is escaped. */
void log_established(const struct rtls_stream *stream);
void log_failed(const struct rtls_stream *stream, int error);
void log_request(const struct rtls_stream *stream, const char *method, const char *target,
		 size_t target_len, unsigned int status, uint64_t body_len);

#endif
