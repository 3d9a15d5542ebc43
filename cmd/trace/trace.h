/* SPDX-License-Identifier: MIT */
/* trace.h - a handshake's messages in words, for people who want to see TLS at work */
#ifndef RINGTLS_CMD_TRACE_H
#define RINGTLS_CMD_TRACE_H

#include <ringtls/handshake.h>

#define TRACE_PAGE_MAX 32768

/* One message in words: printable ASCII in lines. */
struct trace_page {
	char text[TRACE_PAGE_MAX];
	size_t len;
	size_t line;   /* where the current line begins */
	bool cut;      /* there was more than there is room for */
	unsigned int depth;
	uint16_t suite;
};

/* Fills in @page. The message may hold anything. */
void trace_format(struct trace_page *page, const struct rtls_trace *message);

/* For rtls_config_set_trace(): formats and writes to stderr, a message at a time. */
void trace_to_stderr(void *arg, const struct rtls_trace *message);

#endif
