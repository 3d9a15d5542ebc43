// SPDX-License-Identifier: MIT
/* response.c - an HTTP/1.1 response: bytes in, the body into a file */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "response.h"

/* What is said first is the cause, the rest follows from it. */
#define fail(response, ...)                        \
	do {                                       \
		if (!(response)->failed)           \
			cmd_error(__VA_ARGS__);    \
		(response)->failed = true;         \
	} while (0)

/* ---- the file ------------------------------------------------------------ */

static const int ending_signals[] = { SIGHUP, SIGINT, SIGTERM };

#define ENDING_SIGNALS (sizeof(ending_signals) / sizeof(*ending_signals))

/* What goes when one of them ends the program; one response at a time has a part. */
static const char *unfinished;

static void on_signal(int signo)
{
	if (unfinished)
		unlink(unfinished);
	raise(signo); /* without a handler now: behind this one it ends the program */
}

/* Whether to catch the signals, or to let them do what they do by default. */
static void catch_signals(bool catch)
{
	const struct sigaction action = { .sa_handler = catch ? on_signal : SIG_DFL,
					  .sa_flags = SA_RESETHAND };
	struct sigaction old;

	for (size_t i = 0; i < ENDING_SIGNALS; i++) {
		/* nohup and the like have them ignored, and so it stays. */
		if (!sigaction(ending_signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(ending_signals[i], &action, NULL);
	}
}

static void block_signals(sigset_t *before)
{
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaddset(&signals, ending_signals[i]);
	sigprocmask(SIG_BLOCK, &signals, before);
}

/* A file beside the one wanted, so that a failure leaves what was there. */
static int make_part(struct response *response)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (asprintf(&response->part, "%s.XXXXXX", response->path) < 0) {
		response->part = NULL;
		return -1;
	}
	fd = mkostemp(response->part, O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask) == 0)
		return fd;
	if (fd >= 0) {
		unlink(response->part);
		close(fd);
	}
	free(response->part);
	response->part = NULL;
	return -1;
}

/* From the moment that there is one, a signal removes it. */
static int open_part(struct response *response)
{
	sigset_t before;
	int fd;

	block_signals(&before);
	fd = make_part(response);
	unfinished = response->part;
	catch_signals(unfinished != NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return fd;
}

/* Put it in its place, or away. */
static bool finish_part(struct response *response, bool ok)
{
	sigset_t before;

	block_signals(&before);
	if (ok && rename(response->part, response->path)) {
		cmd_error("%s: %s", response->path, strerror(errno));
		ok = false;
	}
	if (!ok)
		unlink(response->part);
	unfinished = NULL;
	catch_signals(false);
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(response->part);
	return ok;
}

/* A device, a pipe or a link was given for what it is, and is neither replaced nor removed. */
static bool open_output(struct response *response)
{
	struct stat st;

	if (!response->path)
		response->fd = STDOUT_FILENO;
	else if (lstat(response->path, &st) || S_ISREG(st.st_mode))
		response->fd = open_part(response);
	else
		response->fd = open(response->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (response->fd < 0)
		fail(response, "%s: %s", response->path, strerror(errno));
	return response->fd >= 0;
}

static bool write_all(struct response *response, const char *data, size_t len)
{
	const char *name = response->path ? response->path : "standard output";
	ssize_t written;

	while (len) {
		written = write(response->fd, data, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			fail(response, "%s: %s", name, strerror(errno));
			return false;
		}
		data += written;
		len -= written;
		response->body_len += written;
	}
	return true;
}

/* ---- what llhttp finds --------------------------------------------------- */

static int on_message_begin(llhttp_t *parser)
{
	struct response *response = parser->data;

	response->reason_len = 0;
	return HPE_OK;
}

static int on_status(llhttp_t *parser, const char *at, size_t len)
{
	struct response *response = parser->data;
	size_t room = sizeof(response->reason) - response->reason_len;

	len = len < room ? len : room;
	memcpy(response->reason + response->reason_len, at, len);
	response->reason_len += len;
	return HPE_OK;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct response *response = parser->data;
	char reason[sizeof(response->reason) * 4 + 8];

	if (parser->status_code / 100 == 1 && parser->status_code != 101)
		return HPE_OK; /* the response proper is still to come */
	response->has_head = true;
	if (parser->status_code / 100 == 2)
		return open_output(response) ? HPE_OK : HPE_USER;
	text_escape(reason, sizeof(reason), response->reason, response->reason_len);
	fail(response, "the server answered %u %s", parser->status_code, reason);
	return HPE_USER;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
	return write_all(parser->data, at, len) ? HPE_OK : HPE_USER;
}

static int on_message_complete(llhttp_t *parser)
{
	struct response *response = parser->data;

	if (!response->has_head)
		return HPE_OK;
	response->complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_message_begin,
	.on_status = on_status,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- from begin to end --------------------------------------------------- */

void response_init(struct response *response, const char *path)
{
	memset(response, 0, sizeof(*response));
	response->path = path;
	response->fd = -1;
	llhttp_init(&response->parser, HTTP_RESPONSE, &settings);
	response->parser.data = response;
}

bool response_feed(struct response *response, const uint8_t *data, size_t len)
{
	llhttp_errno_t error;

	if (response->complete || response->failed)
		return false;
	if (!response->has_head)
		response->head_len += len;
	error = llhttp_execute(&response->parser, (const char *)data, len);
	if (error && !response->complete)
		fail(response, "the response is not HTTP/1.1: %s",
		     llhttp_get_error_reason(&response->parser));
	if (!response->has_head && response->head_len > RESPONSE_HEAD_MAX)
		fail(response, "the head of the response is longer than %u bytes",
		     RESPONSE_HEAD_MAX);
	return !response->complete && !response->failed;
}

void response_end(struct response *response)
{
	if (response->complete || response->failed)
		return;
	llhttp_finish(&response->parser);
	if (!response->complete)
		fail(response, "the server closed the connection before the response was complete");
}

bool response_finish(struct response *response)
{
	bool ok = response->complete && !response->failed;

	if (response->fd < 0 || !response->path)
		return ok;
	if (close(response->fd) && ok) {
		cmd_error("%s: %s", response->path, strerror(errno));
		ok = false;
	}
	return response->part ? finish_part(response, ok) : ok;
}
