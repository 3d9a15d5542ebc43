/* SPDX-License-Identifier: MIT */
/* response.h - an HTTP/1.1 response: bytes in, the body into a file */
#ifndef RINGTLS_CMD_RESPONSE_H
#define RINGTLS_CMD_RESPONSE_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESPONSE_HEAD_MAX 65536

struct response {
	llhttp_t parser;
	const char *path;   /* where the body goes; NULL: standard output */
	int fd;             /* -1: not open yet */
	char *part;         /* what is written, to take the place of path; NULL: path itself */
	bool has_head;      /* of the final response, not of a 1xx */
	bool complete;      /* all of the body is there, and written */
	bool failed;        /* cmd_error() has said why */
	uint64_t body_len;  /* so far */
	uint64_t head_len;  /* so far, of all heads */
	size_t reason_len;
	char reason[64];    /* "Not Found", a stranger's text */
};

void response_init(struct response *response, const char *path);

/* More bytes. Return: whether more are wanted; no: it is complete or has failed. */
bool response_feed(struct response *response, const uint8_t *data, size_t len);

/* No more bytes will come, and nobody has cut them off. */
void response_end(struct response *response);

/* Close the file; what is not complete is removed. Return: whether all is well. */
bool response_finish(struct response *response);

#endif
