// SPDX-License-Identifier: MIT
/* get.c - ringtls get: fetch one https:// URL */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringtls/uring.h>

#include "cmd.h"
#include "options.h"
#include "response.h"
#include "sessions.h"
#include "tls_options.h"

#define TIMEOUT_MS  60000 /* no byte from the server for so long */
#define CLOSE_MS    5000
#define SECONDS_MAX 86400

/* ---- options ------------------------------------------------------------- */

struct get_options {
	const char *output, *cacert, *session;
	bool insecure, verbose;
	unsigned int timeout_s; /* 0: the defaults */
	struct tls_options tls;
};

static const char *set_timeout(void *member, const char *value)
{
	return option_number(member, value, 1, SECONDS_MAX) ? NULL : "a number from 1 to 86400";
}

static const struct option_row get_table[] = {
	OPTION("output", 'o', "FILE", option_string, struct get_options, output,
	       "write the body there, not to standard output"),
	OPTION("cacert", 0, "FILE", option_string, struct get_options, cacert,
	       "trust the certificates in it, not the system's"),
	OPTION("session", 0, "FILE", option_string, struct get_options, session,
	       "resume a session kept there, and keep what can be resumed there"),
	OPTION("insecure", 0, NULL, option_flag, struct get_options, insecure,
	       "take any certificate"),
	OPTION("timeout", 0, "S", set_timeout, struct get_options, timeout_s,
	       "the longest handshake (10) and wait for data (60), in seconds"),
	OPTION("verbose", 'v', NULL, option_flag, struct get_options, verbose,
	       "say on standard error what happens"),
	OPTION_TABLE(struct get_options, tls, tls_option_table),
	OPTION_TABLE(struct get_options, tls, tls_get_option_table),
	{ 0 }
};

static const struct option_usage get_usage = {
	.operands = "https://HOST[:PORT]/PATH",
	.summary = "Fetch a URL over TLS 1.2.",
	.table = get_table,
	.notes = TLS_OPTION_NOTES
		 "Exit code: 1 as well if the server's answer is not a 2xx one, or is cut off.",
};

/* ---- the URL ------------------------------------------------------------- */

struct url {
	char host[256], port[6];
	const char *target; /* what is behind the host, without fragment; may lack the "/" */
	size_t target_len;
};

/* Return: NULL, or what is wrong with it. */
static const char *url_parse(struct url *url, const char *text)
{
	static const char scheme[] = "https://";
	const char *authority = text + strlen(scheme);
	unsigned int number;
	size_t len;

	if (strncasecmp(text, scheme, strlen(scheme)) != 0)
		return "it does not begin with https://";
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f) /* what is negative as well */
			return "spaces, control characters and what is not ASCII are written as %HH";
	}
	len = strcspn(authority, "/?#");
	url->target = authority + len;
	url->target_len = strcspn(url->target, "#");
	if (memchr(authority, '@', len))
		return "a user name in a URL is not supported";
	if (address_split(authority, len, url->host, sizeof(url->host), url->port,
			  sizeof(url->port)))
		return "behind https:// stands HOST, HOST:PORT or [IPV6]:PORT, of at most 255 bytes";
	if (!*url->host)
		return "it names no host";
	if (!*url->port)
		strcpy(url->port, "443");
	return option_number(&number, url->port, 1, 65535) ? NULL
							   : "a port is a number from 1 to 65535";
}

/* The one operand. Return: EXIT_OK or EXIT_USAGE. */
static int take_url(struct url *url, int argc, char **argv)
{
	char escaped[256];
	const char *why;

	if (argc != 2) {
		cmd_error(argc < 2 ? "a URL is missing: %s" : "one URL at a time: %s",
			  get_usage.operands);
		return EXIT_USAGE;
	}
	why = url_parse(url, argv[1]);
	if (!why)
		return EXIT_OK;
	cmd_error("'%s': %s", text_escape(escaped, sizeof(escaped), argv[1], strlen(argv[1])),
		  why);
	return EXIT_USAGE;
}

/* Return: the request, for free(), or NULL. */
static char *make_request(const struct url *url)
{
	bool is_ipv6 = strchr(url->host, ':'), is_default = strcmp(url->port, "443") == 0;
	char *request;
	int len;

	len = asprintf(&request,
		       "GET %s%.*s HTTP/1.1\r\n"
		       "Host: %s%s%s%s%s\r\n"
		       "User-Agent: ringtls/%s\r\n"
		       "Accept: */*\r\n"
		       "Connection: close\r\n\r\n",
		       *url->target == '/' ? "" : "/", (int)url->target_len, url->target,
		       is_ipv6 ? "[" : "", url->host, is_ipv6 ? "]" : "", is_default ? "" : ":",
		       is_default ? "" : url->port, RINGTLS_VERSION);
	return len < 0 ? NULL : request;
}

/* ---- what happens on the connection, whoever drives it ------------------- */

struct fetch {
	const struct get_options *options;
	struct url url;
	struct rtls_config *config;
	struct sessions sessions;
	struct rtls_engine *engine; /* NULL: plain system calls */
	struct response response;
	char *request;
	bool established;
	int error; /* what ended the connection, 0: nothing */
	char reason[256];
};

__attribute__((format(printf, 2, 3)))
static void note(const struct fetch *fetch, const char *format, ...)
{
	va_list args;

	if (!fetch->options->verbose)
		return;
	va_start(args, format);
	fputs("* ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static void note_established(struct fetch *fetch, const struct rtls_conn *conn)
{
	const struct rtls_peer *peer = rtls_conn_peer(conn);
	const char *alpn = peer && peer->alpn ? peer->alpn : "none";
	char report[256], escaped[64];

	fetch->established = true;
	rtls_report_print(rtls_conn_report(conn), report, sizeof(report));
	note(fetch, "%s", report);
	note(fetch, "%s", peer && peer->resumed ? "resumed session" : "full handshake");
	note(fetch, "group %s, ALPN %s", peer && peer->group ? peer->group : "none",
	     text_escape(escaped, sizeof(escaped), alpn, strlen(alpn)));
}

static void note_closed(struct fetch *fetch, const struct rtls_conn *conn, int error)
{
	fetch->error = error;
	snprintf(fetch->reason, sizeof(fetch->reason), "%s", conn ? rtls_conn_reason(conn) : "");
}

/* ---- driven by the ring -------------------------------------------------- */

static void ring_established(struct rtls_stream *stream)
{
	struct fetch *fetch = rtls_stream_arg(stream);

	note_established(fetch, rtls_stream_conn(stream));
	if (rtls_stream_send(stream, fetch->request, strlen(fetch->request), false))
		rtls_stream_close(stream);
}

static void ring_data(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	struct fetch *fetch = rtls_stream_arg(stream);

	if (!response_feed(&fetch->response, data, len))
		rtls_stream_close(stream);
}

static void ring_peer_closed(struct rtls_stream *stream)
{
	struct fetch *fetch = rtls_stream_arg(stream);

	response_end(&fetch->response);
	rtls_stream_close(stream);
}

static void ring_closed(struct rtls_stream *stream, int error)
{
	note_closed(rtls_stream_arg(stream), rtls_stream_conn(stream), error);
}

static const struct rtls_stream_ops ring_ops = {
	.established = ring_established,
	.data = ring_data,
	.peer_closed = ring_peer_closed,
	.closed = ring_closed,
};

/* Return: 0, fetch->error has the connection's fate; or -errno. */
static int run_ring(struct fetch *fetch, const struct addrinfo *info)
{
	int ret = rtls_connect(fetch->engine, info->ai_addr, info->ai_addrlen, fetch->config,
			       fetch->url.host, fetch->options->tls.policy, &ring_ops, fetch);

	return ret ? ret : rtls_engine_run(fetch->engine);
}

/* ---- driven by plain system calls, where there is no io_uring ------------ */

static void plain_event(struct fetch *fetch, struct rtls_conn *conn,
			const struct rtls_event *event)
{
	switch (event->type) {
	case RTLS_EVENT_ESTABLISHED:
		note_established(fetch, conn);
		if (rtls_conn_send(conn, fetch->request, strlen(fetch->request), false))
			rtls_conn_close(conn);
		break;
	case RTLS_EVENT_DATA:
		if (!response_feed(&fetch->response, event->data, event->len))
			rtls_conn_close(conn);
		break;
	case RTLS_EVENT_PEER_CLOSED:
		response_end(&fetch->response);
		rtls_conn_close(conn);
		break;
	default:
		break;
	}
}

static void drive(struct fetch *fetch, struct rtls_conn *conn, int fd)
{
	uint8_t buf[RTLS_RECORD_MAX];
	struct rtls_event event;
	int wait_ms = fetch->options->timeout_s ? fetch->options->timeout_s * 1000 : TIMEOUT_MS;
	int ret, timeout_ms;

	do {
		timeout_ms = fetch->response.complete ? CLOSE_MS : wait_ms;
		ret = rtls_drive(conn, fd, buf, sizeof(buf), timeout_ms, &event);
		if (ret > 0)
			plain_event(fetch, conn, &event);
	} while (ret > 0);
	note_closed(fetch, conn, rtls_conn_error(conn) ? rtls_conn_error(conn) : ret);
}

static int plain_handshake(struct fetch *fetch, int fd)
{
	struct rtls_worker *worker = rtls_worker_new();
	struct rtls_conn *conn;
	struct rtls_hs *hs;
	int ret = -ENOMEM;

	if (!worker)
		return ret;
	ret = rtls_hs_new(&hs, fetch->config, worker, RTLS_CLIENT, fetch->url.host);
	if (ret)
		goto out;
	conn = rtls_conn_new(hs, worker, fetch->options->tls.policy);
	ret = conn ? 0 : -ENOMEM;
	if (conn)
		drive(fetch, conn, fd);
	rtls_conn_free(conn);
out:
	rtls_worker_free(worker);
	return ret;
}

static int run_plain(struct fetch *fetch, const struct addrinfo *info)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, info->ai_addr, info->ai_addrlen))
		note_closed(fetch, NULL, -errno);
	else
		ret = plain_handshake(fetch, fd);
	close(fd);
	return ret;
}

/* ---- the addresses ------------------------------------------------------- */

static void say_failure(const struct fetch *fetch, const char *address)
{
	/* Without an error: the server closed before it said anything. */
	const char *error = "the connection ended early";

	if (fetch->error)
		error = rtls_strerror(fetch->error);
	if (*fetch->reason)
		cmd_error("%s: %s: %s", address, error, fetch->reason);
	else
		cmd_error("%s: %s", address, error);
}

/* Return: whether this address has answered, well or not; else the next one may. */
static bool try_address(struct fetch *fetch, const struct addrinfo *info, bool is_last)
{
	char address[ADDRESS_LEN];
	bool is_network_error;
	int ret;

	note(fetch, "connecting to %s with %s", address_print(address, info->ai_addr),
	     fetch->engine ? "io_uring" : "plain system calls");
	fetch->error = 0;
	*fetch->reason = '\0';
	ret = fetch->engine ? run_ring(fetch, info) : run_plain(fetch, info);
	if (ret)
		note_closed(fetch, NULL, ret);
	if (fetch->response.complete || fetch->response.failed)
		return true;
	is_network_error = !fetch->established &&
			   (fetch->error > RTLS_ERR_CONFIG || fetch->error == RTLS_ERR_TIMEOUT);
	if (!is_network_error || is_last) {
		say_failure(fetch, address);
		return true;
	}
	note(fetch, "%s: %s", address, rtls_strerror(fetch->error));
	return false;
}

static int try_addresses(struct fetch *fetch)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *list, *info;
	int ret = getaddrinfo(fetch->url.host, fetch->url.port, &hints, &list);

	if (ret) {
		cmd_error("%s: %s", fetch->url.host, gai_strerror(ret));
		return EXIT_RUNTIME;
	}
	for (info = list; info && !try_address(fetch, info, !info->ai_next); info = info->ai_next)
		;
	freeaddrinfo(list);
	if (fetch->established)
		note(fetch, "status %u, %llu bytes", fetch->response.parser.status_code,
		     (unsigned long long)fetch->response.body_len);
	return response_finish(&fetch->response) ? EXIT_OK : EXIT_RUNTIME;
}

/* ---- the command --------------------------------------------------------- */

static int set_up_config(struct fetch *fetch)
{
	const struct get_options *options = fetch->options;
	int ret = tls_config_new(&fetch->config, &options->tls, "http/1.1");

	if (ret)
		return ret;
	if (options->cacert)
		ret = rtls_config_add_trust_file(fetch->config, options->cacert);
	if (!ret)
		ret = tls_add_identities(fetch->config, &options->tls);
	if (!ret)
		ret = sessions_use(&fetch->sessions, fetch->config);
	if (!ret && options->insecure)
		ret = rtls_config_set_verify(fetch->config, false);
	if (!ret)
		ret = rtls_config_freeze(fetch->config);
	if (!ret)
		return EXIT_OK;
	tls_config_complain(fetch->config, ret);
	rtls_config_unref(fetch->config);
	return EXIT_RUNTIME;
}

static int fetch_url(struct fetch *fetch)
{
	unsigned int timeout_ms = fetch->options->timeout_s * 1000; /* 0: the engine's defaults */
	const struct rtls_engine_params params = { .handshake_ms = timeout_ms,
						   .idle_ms = timeout_ms };
	const char *why;
	int ret = sessions_get(&fetch->sessions, fetch->options->session);

	if (!ret)
		ret = set_up_config(fetch);
	if (ret) {
		sessions_free(&fetch->sessions);
		return ret;
	}
	if (rtls_engine_new(&fetch->engine, &params, &why)) {
		note(fetch, "no io_uring: %s", why);
		fetch->engine = NULL;
	}
	response_init(&fetch->response, fetch->options->output);
	fetch->request = make_request(&fetch->url);
	ret = fetch->request ? try_addresses(fetch) : EXIT_RUNTIME;
	free(fetch->request);
	rtls_engine_free(fetch->engine);
	rtls_config_unref(fetch->config);
	if (!sessions_save(&fetch->sessions, fetch->options->session) && !ret)
		ret = EXIT_RUNTIME;
	sessions_free(&fetch->sessions);
	return ret;
}

int cmd_get(int argc, char **argv)
{
	struct get_options options = { .tls = TLS_OPTION_DEFAULTS };
	struct fetch fetch = { .options = &options };
	int ret = options_parse(&get_usage, &options, &argc, argv);

	if (ret >= 0)
		return ret;
	ret = take_url(&fetch.url, argc, argv);
	if (ret)
		return ret;
	if (!tls_kernel_check(options.tls.policy, NULL))
		return EXIT_RUNTIME;
	signal(SIGPIPE, SIG_IGN); /* a pipe that nobody reads is an error like others */
	return fetch_url(&fetch);
}
