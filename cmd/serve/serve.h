/* SPDX-License-Identifier: MIT */
/* serve.h - what the files of ringtls serve share */
#ifndef RINGTLS_SERVE_H
#define RINGTLS_SERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include <ringtls/uring.h>

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

/* ---- selfsigned.c -------------------------------------------------------- */

/**
 * selfsigned_add - give a configuration a certificate for localhost, made on the spot
 *
 * Its fingerprint goes to stdout, for who wants to check what a client was shown.
 *
 * Return: 0 or a negative RTLS_ERR_*.
 */
int selfsigned_add(struct rtls_config *config);

#endif
