/* SPDX-License-Identifier: MIT */
/**
 * http.h - HTTP/1.1 requests: bytes in, a request or the error to answer out
 *
 * Sans-I/O. The grammar is llhttp's; here are the limits, the rules that a server
 * has to keep (RFC 9112, 9110), the path, and the head of the response.
 */
#ifndef RINGTLS_SERVE_HTTP_H
#define RINGTLS_SERVE_HTTP_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HTTP_HEAD_MAX	16384 /* bytes of a request before its body: else 431 */
#define HTTP_TARGET_MAX 8000  /* RFC 9112 3: the least that should be taken. Else 414 */
#define HTTP_BODY_MAX	65536 /* a body, with its chunks' framing, is read and dropped: else 413 */

struct http_request {
	llhttp_t parser;
	bool complete;   /* answer it */
	uint16_t status; /* 200, or the error to answer with */
	bool close;      /* the connection ends behind the answer */
	/* What follows is known only as far as the request was read. */
	bool has_method, has_target, has_head, expects;
	uint8_t hosts;     /* Host headers seen */
	uint8_t field_len; /* stops counting behind the last name of interest */
	char field[8];     /* the name of the header being read, in lower case */
	uint32_t taken;    /* bytes of the head or, once it is complete, of the body */
	uint16_t target_len;
	char target[HTTP_TARGET_MAX + 1]; /* as the client sent it */
};

void http_request_init(struct http_request *request);

/**
 * http_request_feed - read more of a request
 *
 * The result does not depend on how the bytes are split.
 *
 * Return: bytes taken. Fewer than @len only once the request is complete: the rest
 * belongs to the next one.
 */
size_t http_request_feed(struct http_request *request, const uint8_t *data, size_t len);

/* The method's name for a log, "-" if it was not understood. */
const char *http_request_method(const struct http_request *request);
bool http_request_is_head(const struct http_request *request);

#define HTTP_PATH_SIZE (HTTP_TARGET_MAX + 1)

/**
 * http_request_path - the path that the target names
 * @path: gets it decoded, without query and without the slashes at its start;
 *	"." for the root. It may contain ".." and end in a slash.
 *
 * Return: 200, or 400 if it cannot be decoded.
 */
int http_request_path(const struct http_request *request, char path[HTTP_PATH_SIZE]);

struct http_response {
	unsigned int status;
	const char *content_type;
	uint64_t content_length;
	time_t now;
	time_t modified; /* 0: not said */
	bool close;
};

#define HTTP_RESPONSE_HEAD_MAX 512

/* The head of the response, with the empty line behind it. Return: its length. */
size_t http_response_head(const struct http_response *response, char out[HTTP_RESPONSE_HEAD_MAX]);

/* "Not Found" */
const char *http_reason(unsigned int status);

#endif
