// SPDX-License-Identifier: MIT
/*
 * connection.c - HTTP on a connection: one request read, one answer sent, in this order
 *
 * What is needed for that is a struct exchange, which comes with the first byte of a request
 * and goes with the last byte of the answer: an idle connection keeps nothing here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "serve.h"

/*
 * What is read while an answer is sent waits for its turn. Receiving is paused at once, but what
 * the ring had in flight still comes: with a multishot receive as much as the socket's buffer
 * held. Who has sent more than this ahead is cut off.
 */
#define WAITING_MAX (4 << 20)

/* An answer that fits here is sent in one piece, and so in one record. */
#define WHOLE_ANSWER_MAX RTLS_PLAINTEXT_MAX

enum step {
	READING, /* the request */
	SENDING_HEAD, /* the file follows */
	SENDING, /* the last or only piece of the answer */
	CLOSING,
};

struct exchange {
	enum step step;
	bool peer_closed;
	unsigned int status;
	struct file file; /* fd -1: none */
	uint8_t *answer;
	uint64_t body_len; /* of the answer */
	uint8_t *waiting; /* bytes of the requests behind this one */
	size_t waiting_at, waiting_len;
	struct http_request request;
};

static const struct site *site_of(const struct rtls_stream *stream)
{
	return rtls_listener_arg(rtls_stream_listener(stream));
}

/* ---- beginning and end of an exchange ------------------------------------ */

static void exchange_begin(struct exchange *x)
{
	x->step = READING;
	x->file.fd = -1;
	x->answer = NULL;
	http_request_init(&x->request);
}

static struct exchange *exchange_new(void)
{
	struct exchange *x = malloc(sizeof(*x));

	if (!x)
		return NULL;
	memset(x, 0, offsetof(struct exchange, request));
	exchange_begin(x);
	return x;
}

/* Let go of what the answer needed. */
static void exchange_end(struct exchange *x)
{
	if (x->file.fd >= 0)
		close(x->file.fd);
	x->file.fd = -1;
	free(x->answer);
	x->answer = NULL;
}

static void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	exchange_end(x);
	free(x->waiting);
	free(x);
}

/*
 * The exchange stays until closed(): what still comes has to be ignored, and the answer and its
 * file may be under way to the peer.
 */
static void close_connection(struct rtls_stream *stream, struct exchange *x)
{
	x->step = CLOSING;
	free(x->waiting);
	x->waiting = NULL;
	x->waiting_len = 0;
	rtls_stream_close(stream);
}

/* ---- the answer ---------------------------------------------------------- */

/* Find what was asked for. Return: the status. */
static unsigned int look_up(const struct rtls_stream *stream, struct exchange *x)
{
	char path[HTTP_PATH_SIZE];
	unsigned int status = x->request.status;

	if (status == 200)
		status = http_request_path(&x->request, path);
	if (status == 200)
		status = file_open(&x->file, site_of(stream)->root, path, sizeof(path));
	return status;
}

/* The head for a file or, with a sentence for a body, for an error. Return: its length. */
static size_t write_head(const struct exchange *x, uint64_t length, uint8_t *out)
{
	struct http_response response = {
		.status = x->status,
		.content_type = "text/plain; charset=utf-8",
		.content_length = length,
		.now = time(NULL),
		.close = x->request.close,
	};

	if (x->status == 200) {
		response.content_type = x->file.content_type;
		response.modified = x->file.modified;
	}
	return http_response_head(&response, (char *)out);
}

static uint8_t *answer_alloc(struct exchange *x, size_t body_len)
{
	return x->answer = malloc(HTTP_RESPONSE_HEAD_MAX + body_len);
}

/* Each of the following leaves the length of the first piece to send, 0 on failure. */

static size_t answer_error(struct exchange *x)
{
	const char *reason = http_reason(x->status);
	size_t len, body_len = strlen(reason) + 1;

	if (!answer_alloc(x, body_len + 1))
		return 0;
	len = write_head(x, body_len, x->answer);
	if (http_request_is_head(&x->request))
		return len;
	x->body_len = body_len;
	return len + sprintf((char *)x->answer + len, "%s\n", reason);
}

static size_t answer_small_file(struct exchange *x)
{
	size_t len;

	if (!answer_alloc(x, x->file.size))
		return 0;
	len = write_head(x, x->file.size, x->answer);
	if (!file_read(&x->file, x->answer + len))
		return 0;
	x->body_len = x->file.size;
	return len + x->file.size;
}

static size_t answer_head_only(struct exchange *x)
{
	return answer_alloc(x, 0) ? write_head(x, x->file.size, x->answer) : 0;
}

static size_t compose(struct exchange *x)
{
	if (x->status != 200)
		return answer_error(x);
	if (http_request_is_head(&x->request))
		return answer_head_only(x);
	if (x->file.size <= WHOLE_ANSWER_MAX - HTTP_RESPONSE_HEAD_MAX)
		return answer_small_file(x);
	x->step = SENDING_HEAD;
	x->body_len = x->file.size;
	return answer_head_only(x);
}

static void answer(struct rtls_stream *stream, struct exchange *x)
{
	size_t len;

	x->step = SENDING;
	x->body_len = 0;
	x->request.close |= rtls_engine_draining(rtls_stream_engine(stream));
	x->status = look_up(stream, x);
	len = compose(x);
	if (!len || rtls_stream_send(stream, x->answer, len, x->step == SENDING_HEAD))
		close_connection(stream, x);
}

static void send_file(struct rtls_stream *stream, struct exchange *x)
{
	free(x->answer);
	x->answer = NULL;
	x->step = SENDING;
	if (rtls_stream_send_file(stream, x->file.fd, 0, x->file.size))
		close_connection(stream, x);
}

/* ---- the requests -------------------------------------------------------- */

/* Keep bytes for later. Return: false if they are too many. */
static bool keep_waiting(struct exchange *x, const uint8_t *data, size_t len)
{
	size_t kept = x->waiting_len - x->waiting_at;
	uint8_t *bigger;

	if (kept + len > WAITING_MAX)
		return false;
	if (x->waiting_at)
		memmove(x->waiting, x->waiting + x->waiting_at, kept);
	x->waiting_at = 0;
	x->waiting_len = kept;
	bigger = realloc(x->waiting, kept + len);
	if (!bigger)
		return false;
	memcpy(bigger + kept, data, len);
	x->waiting = bigger;
	x->waiting_len += len;
	return true;
}

static void receive(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	struct exchange *x = rtls_stream_arg(stream);
	size_t taken = 0;

	if (!x) {
		x = exchange_new();
		rtls_stream_set_arg(stream, x);
	}
	if (!x) {
		rtls_stream_close(stream);
		return;
	}
	if (x->step == READING) {
		taken = http_request_feed(&x->request, data, len);
		if (x->request.complete)
			answer(stream, x);
	}
	/* Nothing counts any more behind the last request. */
	if (x->step == CLOSING || x->request.close || taken == len)
		return;
	if (keep_waiting(x, data + taken, len - taken))
		rtls_stream_pause(stream, true);
	else
		close_connection(stream, x);
}

/* Read on in what has waited. */
static void take_waiting(struct rtls_stream *stream, struct exchange *x)
{
	x->waiting_at += http_request_feed(&x->request, x->waiting + x->waiting_at,
					   x->waiting_len - x->waiting_at);
	if (x->waiting_at < x->waiting_len)
		return;
	free(x->waiting);
	x->waiting = NULL;
	x->waiting_at = x->waiting_len = 0;
	rtls_stream_pause(stream, false);
}

/* An answer has been sent: what now? */
static void go_on(struct rtls_stream *stream, struct exchange *x)
{
	bool more = x->waiting_len > 0;

	exchange_end(x);
	if (x->request.close || (x->peer_closed && !more)) {
		close_connection(stream, x);
		return;
	}
	if (!more) {
		rtls_stream_set_arg(stream, NULL);
		exchange_free(x);
		return;
	}
	exchange_begin(x);
	take_waiting(stream, x);
	if (x->request.complete)
		answer(stream, x);
	else if (x->peer_closed)
		close_connection(stream, x);
}

/* ---- what the engine calls ----------------------------------------------- */

static void established(struct rtls_stream *stream)
{
	if (!site_of(stream)->quiet)
		log_established(stream);
}

static void sent(struct rtls_stream *stream)
{
	struct exchange *x = rtls_stream_arg(stream);

	if (!x || x->step == CLOSING)
		return;
	if (x->step == SENDING_HEAD) {
		send_file(stream, x);
		return;
	}
	if (!site_of(stream)->quiet)
		log_request(stream, http_request_method(&x->request), x->request.target,
			    x->request.target_len, x->status, x->body_len);
	go_on(stream, x);
}

/* A client may close its side behind the last request; it still gets the answers. */
static void peer_closed(struct rtls_stream *stream)
{
	struct exchange *x = rtls_stream_arg(stream);

	if (!x)
		rtls_stream_close(stream);
	else if (x->step == READING)
		close_connection(stream, x);
	else
		x->peer_closed = true;
}

static void closed(struct rtls_stream *stream, int error)
{
	if (error)
		log_failed(stream, error);
	exchange_free(rtls_stream_arg(stream));
}

static bool is_idle(struct rtls_stream *stream)
{
	return !rtls_stream_arg(stream);
}

const struct rtls_stream_ops http_ops = {
	.established = established,
	.data = receive,
	.sent = sent,
	.peer_closed = peer_closed,
	.closed = closed,
	.idle = is_idle,
};
