// SPDX-License-Identifier: MIT
/* http.c - HTTP/1.1 requests: bytes in, a request or the error to answer out */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "http.h"

/* ---- the request: what llhttp finds -------------------------------------- */

static int end_request(struct http_request *request, int status, bool close)
{
	request->complete = true;
	request->status = status;
	request->close = close;
	return HPE_PAUSED;
}

static int on_method_complete(llhttp_t *parser)
{
	struct http_request *request = parser->data;

	request->has_method = true;
	return HPE_OK;
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *request = parser->data;

	if (request->target_len + len > HTTP_TARGET_MAX) {
		end_request(request, 414, true);
		return HPE_USER;
	}
	memcpy(request->target + request->target_len, at, len);
	request->target_len += len;
	request->target[request->target_len] = '\0';
	return HPE_OK;
}

static int on_url_complete(llhttp_t *parser)
{
	struct http_request *request = parser->data;

	request->has_target = true;
	return HPE_OK;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *request = parser->data;

	for (size_t i = 0; i < len; i++) {
		/* RFC 9112 5.1: nothing may stand between a name and its colon. */
		if (at[i] == ' ' || at[i] == '\t') {
			end_request(request, 400, true);
			return HPE_USER;
		}
		if (request->field_len < sizeof(request->field))
			request->field[request->field_len++] = at[i] | 0x20;
	}
	return HPE_OK;
}

static int on_header_field_complete(llhttp_t *parser)
{
	struct http_request *request = parser->data;

	if (request->field_len == 4 && memcmp(request->field, "host", 4) == 0)
		request->hosts += request->hosts < 2;
	if (request->field_len == 6 && memcmp(request->field, "expect", 6) == 0)
		request->expects = true;
	request->field_len = 0;
	return HPE_OK;
}

/* What of the head alone decides the answer: its status. */
static int judge_head(const struct http_request *request)
{
	const llhttp_t *parser = &request->parser;

	if (parser->http_major != 1)
		return 505;
	/* RFC 9112 3.2: exactly one. HTTP/1.0 did not know it. */
	if (request->hosts > 1 || (!request->hosts && parser->http_minor >= 1))
		return 400;
	/* RFC 9112 6.1: framed by something that HTTP/1.0 has not */
	if (parser->http_minor == 0 && (parser->flags & F_TRANSFER_ENCODING))
		return 400;
	if (parser->method != HTTP_GET && parser->method != HTTP_HEAD)
		return 405;
	return 200;
}

static int on_headers_complete(llhttp_t *parser)
{
	struct http_request *request = parser->data;
	int status = judge_head(request);
	bool has_body = (parser->flags & (F_CHUNKED | F_TRANSFER_ENCODING)) ||
			((parser->flags & F_CONTENT_LENGTH) && parser->content_length);

	request->has_head = true;
	/* We speak no other protocol: an offer to change to one is ignored. RFC 9110 7.8 */
	parser->upgrade = 0;
	if (has_body && parser->content_length > HTTP_BODY_MAX && status == 200)
		status = 413;
	/*
	 * An answer that is certain is given at once: who sends a body with the wrong
	 * method, or waits for "100 Continue", need not send it. RFC 9110 10.1.1
	 */
	if (has_body && (status != 200 || request->expects))
		return end_request(request, status, true);
	request->status = status;
	request->close = status == 400 || status == 505 || parser->http_minor == 0 ||
			 !llhttp_should_keep_alive(parser);
	return HPE_PAUSED; /* the limit for the body begins here */
}

static int on_message_complete(llhttp_t *parser)
{
	struct http_request *request = parser->data;

	return end_request(request, request->status, request->close);
}

static const llhttp_settings_t settings = {
	.on_method_complete = on_method_complete,
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

/* ---- the request: feeding ------------------------------------------------ */

void http_request_init(struct http_request *request)
{
	memset(request, 0, offsetof(struct http_request, target) + 1);
	llhttp_init(&request->parser, HTTP_REQUEST, &settings);
	request->parser.data = request;
}

static bool is_token(unsigned char c)
{
	/* RFC 9110 5.6.2 */
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* The status for what llhttp refuses at the byte @at. */
static int error_status(llhttp_errno_t error, const char *at)
{
	switch (error) {
	case HPE_INVALID_METHOD: /* a method that nobody knows, or not even one? */
		return is_token(*at) ? 501 : 400;
	case HPE_INVALID_VERSION:
	case HPE_PAUSED_H2_UPGRADE: /* HTTP/2 without having agreed on it */
		return 505;
	default:
		return 400;
	}
}

/* Give llhttp bytes. Return: how many it took; it stops behind the head. */
static size_t parse(struct http_request *request, const char *data, size_t len)
{
	llhttp_t *parser = &request->parser;
	llhttp_errno_t error = llhttp_execute(parser, data, len);

	if (error)
		len = llhttp_get_error_pos(parser) - data;
	if (error == HPE_PAUSED && !request->complete) {
		llhttp_resume(parser);
		/* Without a body this is the end: no further byte would come to find that. */
		error = llhttp_execute(parser, data + len, 0);
	}
	if (error && !request->complete)
		end_request(request, error_status(error, data + len), true);
	return len;
}

/* The status for a part of the request that has reached its limit. */
static int too_long(const struct http_request *request)
{
	if (request->has_head)
		return 413;
	return request->has_target ? 431 : 414;
}

size_t http_request_feed(struct http_request *request, const uint8_t *data, size_t len)
{
	size_t fed = 0, taken, room;
	bool had_head;

	while (!request->complete && fed < len) {
		had_head = request->has_head;
		room = (had_head ? HTTP_BODY_MAX : HTTP_HEAD_MAX) - request->taken;
		if (!room) {
			end_request(request, too_long(request), true);
			break;
		}
		room = len - fed < room ? len - fed : room;
		taken = parse(request, (const char *)data + fed, room);
		fed += taken;
		request->taken = had_head == request->has_head ? request->taken + taken : 0;
	}
	return fed;
}

const char *http_request_method(const struct http_request *request)
{
	return request->has_method ? llhttp_method_name(request->parser.method) : "-";
}

bool http_request_is_head(const struct http_request *request)
{
	return request->has_method && request->parser.method == HTTP_HEAD;
}

/* ---- the path ------------------------------------------------------------ */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1. A NUL would end the path early: refused. Return: whether all is well. */
static bool percent_decode(const char *in, size_t len, char *out)
{
	const char *end = in + len;
	int high, low;

	while (in < end) {
		*out = *in++;
		if (*out == '%') {
			if (end - in < 2)
				return false;
			high = hex_digit(*in++);
			low = hex_digit(*in++);
			if (high < 0 || low < 0)
				return false;
			*out = high << 4 | low;
		}
		if (!*out++)
			return false;
	}
	*out = '\0';
	return true;
}

int http_request_path(const struct http_request *request, char path[HTTP_PATH_SIZE])
{
	const char *at = request->target, *end = at + strcspn(at, "?#"), *authority;
	size_t slashes;

	/* The absolute form, "https://host/path", has to be taken: RFC 9112 3.2.2. */
	if (*at != '/' && (authority = memmem(at, end - at, "://", 3))) {
		at = memchr(authority + 3, '/', end - authority - 3);
		at = at ? at : end;
	} else if (*at != '/') {
		return 400;
	}
	if (!percent_decode(at, end - at, path))
		return 400;
	slashes = strspn(path, "/");
	memmove(path, path + slashes, strlen(path) + 1 - slashes);
	if (!*path)
		strcpy(path, ".");
	return 200;
}

/* ---- the response -------------------------------------------------------- */

const char *http_reason(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Unknown";
}

/* "Name: date", RFC 9110 5.6.7. Return: its length. */
static size_t print_date(char *out, size_t size, const char *format, time_t when)
{
	struct tm tm;

	return gmtime_r(&when, &tm) ? strftime(out, size, format, &tm) : 0;
}

size_t http_response_head(const struct http_response *response, char out[HTTP_RESPONSE_HEAD_MAX])
{
	static const char date[] = "Date: %a, %d %b %Y %T GMT\r\n";
	static const char modified[] = "Last-Modified: %a, %d %b %Y %T GMT\r\n";
	const size_t size = HTTP_RESPONSE_HEAD_MAX;
	size_t len;

	len = snprintf(out, size, "HTTP/1.1 %u %s\r\nServer: ringtls\r\n", response->status,
		       http_reason(response->status));
	len += print_date(out + len, size - len, date, response->now);
	if (response->modified)
		len += print_date(out + len, size - len, modified, response->modified);
	len += snprintf(out + len, size - len,
			"Content-Type: %s\r\nContent-Length: %llu\r\n%s%s\r\n",
			response->content_type, (unsigned long long)response->content_length,
			response->status == 405 ? "Allow: GET, HEAD\r\n" : "",
			response->close ? "Connection: close\r\n" : "");
	return len;
}
