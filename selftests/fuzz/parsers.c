// SPDX-License-Identifier: MIT
/*
 * The other places where bytes enter: protected records, HTTP on both sides, and the files of
 * ticket keys and of sessions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../cmd/response.h"
#include "../../cmd/serve/http.h"
#include "fuzz.h"

/* ---- records that say they are protected -------------------------------------------- */

#define RECORD_SEALED 0x80 /* the input is plaintext for us to seal, not a record */

static const struct rtls_key record_key = { .key = "a fixed key", .iv = "a fixed iv", .seq = 7 };

/* What was sealed here is opened, to what it was. */
static void run_sealed(enum rtls_cipher cipher, const uint8_t *data, size_t len)
{
	struct rtls_key tx = record_key, rx = record_key;
	struct wire_out wire = { 0 };
	uint8_t *plain = NULL, *copy;

	len = len < RTLS_PLAINTEXT_MAX ? len : RTLS_PLAINTEXT_MAX;
	fuzz_frame(&wire, RTLS_APPLICATION_DATA, data, len, cipher, &tx);
	copy = fuzz_copy(wire.data, wire.len);
	fuzz_require(rtls_record_len(cipher, copy, wire.len) == (ssize_t)wire.len,
		     "a sealed record has another length");
	fuzz_require(rtls_record_open(fuzz_worker, cipher, &rx, copy, &plain) == (ssize_t)len &&
			     !memcmp(plain, data, len) && rx.seq == tx.seq,
		     "a sealed record does not open");
	free(copy);
	wire_clear(&wire);
}

static void run_record(const uint8_t *data, size_t len)
{
	enum rtls_cipher cipher = len ? data[0] % RTLS_CIPHER_COUNT : 0;
	bool is_sealed = len && data[0] & RECORD_SEALED;
	struct rtls_key key = record_key;
	uint8_t *copy, *plain;
	ssize_t want;

	data += !!len;
	len -= !!len;
	if (is_sealed) {
		run_sealed(cipher, data, len);
		return;
	}
	copy = fuzz_copy(data, len);
	want = rtls_record_len(cipher, copy, len);
	fuzz_require(want || len < RTLS_RECORD_HEADER_LEN, "a header that says nothing");
	fuzz_require(want <= RTLS_RECORD_MAX, "a record longer than any");
	if (want > 0 && (size_t)want <= len)
		fuzz_require(rtls_record_open(fuzz_worker, cipher, &key, copy, &plain) ==
					     RTLS_ERR_ALERT_SENT(RTLS_ALERT_BAD_RECORD_MAC) &&
				     key.seq == record_key.seq,
			     "a forged record opens");
	free(copy);
}

static void seed_record(void)
{
	struct wire_out wire = { 0 };

	for (int cipher = 0; cipher < RTLS_CIPHER_COUNT; cipher++) {
		struct rtls_key key = record_key;

		key.seq++;
		fuzz_frame(&wire, RTLS_HANDSHAKE, (const uint8_t *)"seed", 4, cipher, &key);
		fuzz_seed(cipher, wire.data, wire.len);
		fuzz_seed(cipher | RECORD_SEALED, "seed", 4);
		wire_clear(&wire);
	}
}

/* ---- serve's requests --------------------------------------------------------------- */

/* Fed in parts of @part bytes. Returns how many were taken. */
static size_t feed_request(struct http_request *request, const uint8_t *data, size_t len,
			   size_t part)
{
	size_t done = 0;

	http_request_init(request);
	while (done < len && !request->complete) {
		size_t n = len - done < part ? len - done : part;
		uint8_t *copy = fuzz_copy(data + done, n);
		size_t taken = http_request_feed(request, copy, n);

		free(copy);
		fuzz_require(taken <= n && (taken == n || request->complete),
			     "a request that stands still");
		done += taken;
	}
	return done;
}

static void check_path(const struct http_request *request)
{
	char path[HTTP_PATH_SIZE];

	if (request->status != 200 || http_request_path(request, path) != 200)
		return;
	fuzz_require(path[0] && path[0] != '/', "a path that begins elsewhere");
	fuzz_require(strlen(path) <= strlen(request->target) + 1, "a path longer than its target");
}

/* The first byte says how the rest is cut; cut or not, the result is the same. */
static void run_request(const uint8_t *data, size_t len)
{
	static struct http_request whole, cut;
	size_t part = len && data[0] ? data[0] : 1, taken, taken_cut;

	data += !!len;
	len -= !!len;
	taken = feed_request(&whole, data, len, len + 1);
	taken_cut = feed_request(&cut, data, len, part);
	fuzz_require(whole.complete == cut.complete, "cut, it ends elsewhere");
	if (!whole.complete)
		return;
	fuzz_require(whole.status == cut.status && whole.close == cut.close, "cut, another answer");
	fuzz_require(taken == taken_cut || whole.close, "cut, it ends elsewhere");
	/* Of what is refused the log may know more or less. */
	fuzz_require(whole.status != 200 ||
			     (!strcmp(whole.target, cut.target) &&
			      http_request_is_head(&whole) == http_request_is_head(&cut)),
		     "cut, another request");
	check_path(&whole);
}

static void seed_request(void)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"HEAD /a%20b/../c?d#e HTTP/1.0\r\n\r\n",
		"GET http://a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		"chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
		"70000\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		fuzz_seed(i + 1, requests[i], strlen(requests[i]));
}

/* ---- get's responses ---------------------------------------------------------------- */

/* In cmd_error()'s place (--wrap): quiet, but every byte of the message is read. */
void __wrap_cmd_error(const char *format, ...);
void __wrap_cmd_error(const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	fuzz_require(line[0], "an error without words");
	for (const char *p = line; *p; p++)
		fuzz_require(*p >= ' ' && *p <= '~', "a control character on the terminal");
}

static uint64_t feed_response(struct response *response, const uint8_t *data, size_t len,
			      size_t part)
{
	size_t done = 0;
	bool goes_on = true;

	response_init(response, "/dev/null");
	while (goes_on && done < len) {
		size_t n = len - done < part ? len - done : part;
		uint8_t *copy = fuzz_copy(data + done, n);

		goes_on = response_feed(response, copy, n);
		free(copy);
		done += n;
	}
	response_end(response);
	return response_finish(response) ? 1 + response->body_len : 0;
}

static void run_response(const uint8_t *data, size_t len)
{
	static struct response whole, cut;
	size_t part = len && data[0] ? data[0] : 1;

	data += !!len;
	len -= !!len;
	fuzz_require(feed_response(&whole, data, len, len + 1) ==
			     feed_response(&cut, data, len, part),
		     "cut, another response");
}

static void seed_response(void)
{
	static const char *const responses[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nabc",
		"HTTP/1.1 206 P\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: "
		"v\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\nto the end",
		"HTTP/1.1 404 Not \x1b[31m Found\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
		"h2c\r\n\r\nabc",
	};

	for (size_t i = 0; i < sizeof(responses) / sizeof(*responses); i++)
		fuzz_seed(i + 1, responses[i], strlen(responses[i]));
}

/* ---- files -------------------------------------------------------------------------- */

/* The path of a file with this content. */
static const char *file_with(const uint8_t *data, size_t len)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	fuzz_require(!ftruncate(fd, len) && pwrite(fd, data, len, 0) == (ssize_t)len,
		     "no file for the input");
	return path;
}

static void run_ticket_keys(const uint8_t *data, size_t len)
{
	struct rtls_ticket_keys *keys = rtls_ticket_keys_new();
	char why[40] = "";
	int ret = rtls_ticket_keys_load(keys, file_with(data, len), why, sizeof(why));

	fuzz_require(ret == 0 || (ret == RTLS_ERR_CONFIG && *why), "refused without a reason");
	rtls_ticket_keys_unref(keys);
}

static void seed_ticket_keys(void)
{
	static const char line[] =
		"wS1iTG9uZ2xvbmdsb25nbG9uZ2xvbmdsb25nbG9uZ2xvbmdsb25nbG9uZ2xv/+12"
		"\nwS1iTG9uZ2xvbmdsb25nbG9uZ2xvbmdsb25nbG9uZ2xvbmdsb25nbG9uZ2xv"
		"bmdsb25nbG9uZ2xvbmdsb25nbG9uZ2xvbmdsb25nbG8=\r\n";

	fuzz_seed('c', line, 64);
	fuzz_seed('\n', line, sizeof(line) - 1);
}

/* A client that has loaded it says hello all the same, and with a good one offers a session. */
static void run_sessions(const uint8_t *data, size_t len)
{
	struct rtls_config *config = fuzz_config(SCENE_SESSION_ID, RTLS_CLIENT);
	struct rtls_session_store *store = rtls_session_store_new(100), *before;
	int count = rtls_session_store_load(store, file_with(data, len));
	struct rtls_hs *hs;

	fuzz_require(count == -EINVAL || (size_t)count >= rtls_session_store_count(store),
		     "%d sessions read, %zu there", count, rtls_session_store_count(store));
	before = config->session_store;
	config->session_store = store;
	fuzz_require(!rtls_hs_new(&hs, config, fuzz_worker, RTLS_CLIENT, "localhost"),
		     "a session is in the way");
	rtls_hs_free(hs);
	config->session_store = before;
	rtls_session_store_unref(store);
}

static void begin_sessions(const struct fuzz_target *target)
{
	fuzz_scene_begin(SCENE_SESSION_ID);
	(void)target;
}

static void seed_sessions(void)
{
	uint8_t content[4096];
	ssize_t len;
	struct fuzz_side side[2];
	char path[] = "/tmp/ringtls-fuzz-XXXXXX";
	int fd = mkstemp(path);

	fuzz_handshake(side, SCENE_SESSION_ID);
	fuzz_require(!rtls_session_store_save(side[RTLS_CLIENT].hs->config->session_store, path),
		     "the session cannot be kept");
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = read(fd, content, sizeof(content));
	close(fd);
	unlink(path);
	fuzz_require(len > 1, "no session");
	fuzz_seed(content[0], content + 1, len - 1);
	fuzz_side_end(&side[RTLS_CLIENT]);
	fuzz_side_end(&side[RTLS_SERVER]);
}

const struct fuzz_target parser_targets[] = {
	{ .name = "record", .run = run_record, .seeds = seed_record },
	{ .name = "http_request", .run = run_request, .seeds = seed_request },
	{ .name = "http_response", .run = run_response, .seeds = seed_response },
	{ .name = "ticket_key_file", .run = run_ticket_keys, .seeds = seed_ticket_keys },
	{ "session_file", begin_sessions, run_sessions, seed_sessions, .role = RTLS_CLIENT },
	{ 0 },
};
