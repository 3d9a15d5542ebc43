// SPDX-License-Identifier: MIT
/*
 * HTTP requests as serve reads them: as data, fed whole, byte by byte and at every split; the
 * limits; the path; and noise, on which all splits must agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cmd/serve/http.h"
#include <kselftest_harness.h>

#define H "Host: a\r\n"
#define ROW(s, ...) { s, sizeof(s) - 1, __VA_ARGS__ }

static const struct request_case {
	const char *bytes;
	size_t len;
	int status; /* 0: not complete */
	bool close;
	int rest; /* bytes not taken; -1: any */
	const char *method, *target;
} request_cases[] = {
	/* plain */
	ROW("GET / HTTP/1.1\r\n" H "\r\n", 200, false, 0, "GET", "/"),
	ROW("HEAD /x?y#z HTTP/1.1\r\n" H "\r\n", 200, false, 0, "HEAD", "/x?y#z"),
	ROW("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 200, false, 0, "GET", "/"),
	ROW("GET / HTTP/1.1\r\nhOsT: a\r\n\r\n", 200, false, 0, "GET", "/"),
	ROW("GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, false, 0, "GET", "/"),
	ROW("GET / HTTP/1.1\r\nX:\r\nHost:\r\nY:\r\n\r\n", 200, false, 0, "GET", "/"),
	ROW("GET https://h/p HTTP/1.1\r\n" H "\r\n", 200, false, 0, "GET", "https://h/p"),
	ROW("GET / HTTP/1.1\r\n" H, 0, false, 0, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n", 200, false, 17, "GET", "/"),
	/* closing */
	ROW("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, true, 0, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Connection: x, Close\r\n\r\nGET", 200, true, 3, "GET", "/"),
	ROW("GET / HTTP/1.0\r\n\r\n", 200, true, 0, "GET", "/"),
	ROW("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, true, 0, "GET", "/"),
	/* bodies */
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET", 200, false, 3, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", 0, false, 0, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\nGET", 200, false, 3, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\nG",
	    200, false, 1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 65537\r\n\r\nabc", 413, true, 3, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999999\r\n\r\nabc", 400, true, -1,
	    "GET", "/"),
	ROW("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 405, true, 3, "POST", "/"),
	ROW("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\nabc", 405, false, 3, "POST", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", 200, true, 3,
	    "GET", "/"),
	/* offers that are not taken */
	ROW("GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET", 200, false, 3,
	    "GET", "/"),
	ROW("OPTIONS * HTTP/1.1\r\n" H "\r\n", 405, false, 0, "OPTIONS", "*"),
	ROW("CONNECT a:1 HTTP/1.1\r\n" H "\r\nxx", 405, false, 2, "CONNECT", "a:1"),
	/* smuggling and bad grammar */
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true, -1,
	    "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "\x01: a\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n\r\n", 400, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.1\r\n" H H "\r\n", 400, true, -1, "GET", "/"),
	ROW("GET /\0 HTTP/1.1\r\n" H "\r\n", 400, true, -1, "GET", NULL),
	ROW("GET  HTTP/1.1\r\n" H "\r\n", 400, true, -1, "GET", NULL),
	ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, true, -1, "-", ""),
	ROW("\0", 400, true, -1, "-", ""),
	ROW("GE\x80 / HTTP/1.1\r\n", 400, true, -1, "-", ""),
	ROW("GET\t/ HTTP/1.1\r\n", 400, true, -1, NULL, ""),
	/* not implemented */
	ROW("BREW / HTTP/1.1\r\n" H "\r\n", 501, true, -1, "-", ""),
	ROW("get / HTTP/1.1\r\n" H "\r\n", 501, true, -1, "-", ""),
	ROW("GETT / HTTP/1.1\r\n" H "\r\n", 501, true, -1, NULL, ""),
	ROW("GET / HTTP/2.0\r\n" H "\r\n", 505, true, -1, "GET", "/"),
	ROW("GET / HTTP/1.9\r\n" H "\r\n", 505, true, -1, "GET", "/"),
	ROW("GET / HTTP/0.9\r\n" H "\r\n", 505, true, -1, "GET", "/"),
	ROW("GET /\r\n\r\n", 505, true, -1, "GET", "/"),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true, -1, NULL, NULL),
};

/* From a copy of exactly this size, so that a sanitizer sees a read too far. */
static size_t feed(struct http_request *request, const char *bytes, size_t from, size_t to)
{
	uint8_t *copy = malloc(to - from + !(to - from));
	size_t taken;

	memcpy(copy, bytes + from, to - from);
	taken = http_request_feed(request, copy, to - from);
	free(copy);
	return taken;
}

static size_t feed_by_bytes(struct http_request *request, const char *bytes, size_t len)
{
	size_t taken = 0;

	while (taken < len && !request->complete && feed(request, bytes, taken, taken + 1))
		taken++;
	return taken;
}

static bool is_as_expected(const struct http_request *request, const struct request_case *row,
			   size_t taken)
{
	if (request->complete != !!row->status ||
	    (row->status && (request->status != row->status || request->close != row->close)))
		return false;
	return (row->rest < 0 || taken == row->len - row->rest) &&
	       (!row->method || !strcmp(http_request_method(request), row->method)) &&
	       (!row->target || !strcmp(request->target, row->target));
}

TEST(requests_at_every_split)
{
	static struct http_request request;

	for (size_t i = 0; i < ARRAY_SIZE(request_cases); i++) {
		const struct request_case *row = &request_cases[i];

		for (size_t split = 0; split <= row->len; split++) {
			size_t taken = 0;

			http_request_init(&request);
			if (split)
				taken = feed(&request, row->bytes, 0, split);
			if (taken == split && split < row->len)
				taken += feed(&request, row->bytes, split, row->len);
			EXPECT_EQ(true, is_as_expected(&request, row, taken))
			{
				TH_LOG("split at %zu: %d, %zu taken: %.60s", split, request.status,
				       taken, row->bytes);
			}
		}
		http_request_init(&request);
		EXPECT_EQ(true, is_as_expected(&request, row,
					       feed_by_bytes(&request, row->bytes, row->len)))
		{
			TH_LOG("byte by byte: %d: %.60s", request.status, row->bytes);
		}
	}
}

/* A request made of a piece that is repeated. */
static const struct {
	const char *head;
	char fill;
	size_t count;
	const char *tail;
	int status;
} limits[] = {
#define TAIL    " HTTP/1.1\r\n" H "\r\n"
#define CHUNKED "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
	{ "GET /", 'a', HTTP_TARGET_MAX - 1, TAIL, 200 },
	{ "GET /", 'a', HTTP_TARGET_MAX, TAIL, 414 },
	{ "GET /", 'a', 1 << 20, TAIL, 414 },
	{ "GET / HTTP/1.1\r\n" H "X: ", 'a', HTTP_HEAD_MAX - 32, "\r\n\r\n", 200 },
	{ "GET / HTTP/1.1\r\n" H "X: ", 'a', HTTP_HEAD_MAX - 31, "\r\n\r\n", 431 },
	{ "GET / HTTP/1.1\r\n" H, 'a', 1 << 20, ": x\r\n\r\n", 431 },
	{ "", '\r', 1 << 20, TAIL, 414 },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 65536\r\n\r\n", 'a', 65536, "", 200 },
	{ CHUNKED "1;", 'a', 100, "\r\nb\r\n0\r\n\r\n", 200 },
	{ CHUNKED "1;", 'a', 1 << 20, "\r\nb\r\n0\r\n\r\n", 413 },
	{ CHUNKED "0\r\nT: ", 'a', 1 << 20, "\r\n\r\n", 413 },
};

TEST(limits_are_kept)
{
	static const size_t steps[] = { 7, 1000, 16384, 1 << 21 };
	static struct http_request request;

	for (size_t i = 0; i < ARRAY_SIZE(limits) * ARRAY_SIZE(steps); i++) {
		size_t row = i / ARRAY_SIZE(steps), step = steps[i % ARRAY_SIZE(steps)];
		size_t head = strlen(limits[row].head), tail = strlen(limits[row].tail);
		size_t len = head + limits[row].count + tail;
		char *bytes = malloc(len);

		memcpy(bytes, limits[row].head, head);
		memset(bytes + head, limits[row].fill, limits[row].count);
		memcpy(bytes + len - tail, limits[row].tail, tail);
		http_request_init(&request);
		for (size_t at = 0; at < len && !request.complete;)
			at += feed(&request, bytes, at, at + step < len ? at + step : len);
		EXPECT_EQ(true, request.complete);
		EXPECT_EQ(limits[row].status, request.status)
		{
			TH_LOG("%zu of %s by %zu", limits[row].count, limits[row].head, step);
		}
		free(bytes);
	}
}

static const struct {
	const char *target;
	const char *path; /* NULL: 400 */
} paths[] = {
	{ "/", "." }, { "//", "." }, { "/?x", "." }, { "/a", "a" }, { "/a/?b/c", "a/" },
	{ "/a%20b", "a b" }, { "/%61%2F%2f", "a//" }, { "//etc/passwd", "etc/passwd" },
	{ "/%2fetc/passwd", "etc/passwd" }, { "/../x", "../x" }, { "/%2e%2E/x", "../x" },
	{ "/a#b", "a" }, { "/%", NULL }, { "/%4", NULL }, { "/%zz", NULL }, { "/%4g", NULL },
	{ "/%00", NULL }, { "/a%00.html", NULL }, { "*", NULL }, { "", NULL }, { "a", NULL },
	{ "https://h/p", "p" }, { "https://h", "." }, { "https://h?x/y", "." }, { "/x://y", "x://y" },
	{ "/%25%32%66", "%2f" }, { "/%c3%a9", "\xc3\xa9" }, { "/a\\b", "a\\b" },
};

TEST(paths_are_decoded)
{
	static struct http_request request;
	char path[HTTP_PATH_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		http_request_init(&request);
		strcpy(request.target, paths[i].target);
		request.target_len = strlen(request.target);
		EXPECT_EQ(paths[i].path ? 200 : 400, http_request_path(&request, path));
		if (paths[i].path)
			EXPECT_STREQ(paths[i].path, path);
	}
}

TEST(noise_is_judged_the_same_however_it_is_split)
{
	static const char *const words[] = {
		"GET", " ", "/", "HTTP/1.1", "\r\n", "Host: a", ":", "\n", "Content-Length: ", "5",
		"Transfer-Encoding: chunked", "0", "\r", "", "a", "Connection: ", "close", "%",
		"PRI * HTTP/2.0\r\n", "Upgrade: x", "\xff", ",", "RTSP/1.0", "keep-alive",
	};
	static struct http_request whole, bytewise;
	char bytes[512];

	srand(1);
	for (int i = 0; i < 100000; i++) {
		size_t len = i % 3 ? sprintf(bytes, "GET / HTTP/1.1\r\nHost: a\r\n") : 0, one, many;

		/* The empty word stands for a NUL byte. */
		while (len < 300 && rand() % 16) {
			const char *word = words[rand() % ARRAY_SIZE(words)];

			len += sprintf(bytes + len, "%s", word) + !*word;
		}
		http_request_init(&whole);
		http_request_init(&bytewise);
		one = feed(&whole, bytes, 0, len);
		many = feed_by_bytes(&bytewise, bytes, len);
		ASSERT_EQ(whole.complete, bytewise.complete);
		if (!whole.complete)
			continue;
		ASSERT_EQ(whole.status, bytewise.status);
		ASSERT_EQ(whole.close, bytewise.close);
		if (!whole.close)
			ASSERT_EQ(one, many);
	}
}

TEST_HARNESS_MAIN
