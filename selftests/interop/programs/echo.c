// SPDX-License-Identifier: MIT
/*
 * echo.c - what ringtls get is to a server of HTTP, to one that returns what it gets, line by
 * line: takes the same options, sends the file that the URL names and stores what comes back.
 */
#include <arpa/inet.h>
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <ringtls/ktls.h>

#define FILE_MAX   (1 << 20)
#define TIMEOUT_MS 600000

static struct {
	const char *cacert, *suites, *groups, *cert, *key, *session, *output;
	int no_tickets;
} options;

static char text[FILE_MAX + 1]; /* the file and a newline, which makes a last line of it */
static size_t text_len;
static uint8_t echo[FILE_MAX + 1];
static size_t echo_len;

static void parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "cacert", 1, NULL, 'a' }, { "suites", 1, NULL, 's' }, { "groups", 1, NULL, 'g' },
		{ "cert", 1, NULL, 'c' },   { "key", 1, NULL, 'k' },    { "session", 1, NULL, 'S' },
		{ "no-tickets", 0, &options.no_tickets, 1 },		{ "verbose", 0, NULL, 0 },
		{ "trace", 0, NULL, 0 },    { "timeout", 1, NULL, 0 },    { 0 }
	};
	const char **places[] = { ['a'] = &options.cacert, ['s'] = &options.suites,
				  ['g'] = &options.groups, ['c'] = &options.cert,
				  ['k'] = &options.key,	   ['S'] = &options.session,
				  ['o'] = &options.output };
	int c;

	while ((c = getopt_long(argc, argv, "o:", names, NULL)) != -1) {
		if (c == '?')
			exit(2);
		if (c)
			*places[c] = optarg;
	}
}

static uint16_t read_url(const char *url)
{
	unsigned int port;
	char name[32];
	FILE *file;

	if (sscanf(url, "https://localhost:%u/%31s", &port, name) != 2)
		errx(2, "%s: not https://localhost:PORT/FILE", url);
	file = fopen(name, "r");
	if (!file)
		err(1, "%s", name);
	text_len = fread(text, 1, FILE_MAX, file);
	fclose(file);
	text[text_len++] = '\n';
	return port;
}

static time_t now(void *arg)
{
	(void)arg;
	return time(NULL);
}

static struct rtls_config *configure(struct rtls_session_store *store)
{
	struct rtls_config *config = rtls_config_new();

	if (rtls_config_set_suites(config, options.suites) ||
	    (options.groups && rtls_config_set_groups(config, options.groups)) ||
	    (options.cert && rtls_config_add_identity_file(config, options.cert, options.key)) ||
	    rtls_config_add_trust_file(config, options.cacert) ||
	    (store && rtls_config_set_session_store(config, store)) ||
	    rtls_config_set_tickets(config, !options.no_tickets) ||
	    rtls_config_set_now(config, now, NULL) || rtls_config_freeze(config))
		errx(2, "%s", rtls_config_error(config));
	return config;
}

static void say_established(const struct rtls_conn *conn)
{
	const struct rtls_peer *peer = rtls_conn_peer(conn);
	char report[256];

	rtls_report_print(rtls_conn_report(conn), report, sizeof(report));
	fprintf(stderr, "* %s\n* group %s, ALPN none\n* %s\n", report,
		peer->group ? peer->group : "unknown",
		peer->resumed ? "resumed session" : "full handshake");
}

/* Return: false once there is nothing more to wait for. */
static bool take(struct rtls_conn *conn, const struct rtls_event *event)
{
	switch (event->type) {
	case RTLS_EVENT_ESTABLISHED:
		say_established(conn);
		rtls_conn_send(conn, text, text_len, false);
		return true;
	case RTLS_EVENT_DATA:
		if (event->len > text_len - echo_len)
			errx(1, "more came back than was sent");
		memcpy(echo + echo_len, event->data, event->len);
		echo_len += event->len;
		if (echo_len == text_len)
			rtls_conn_close(conn);
		return true;
	case RTLS_EVENT_FAILED:
		errx(1, "%s: %s", rtls_strerror(rtls_conn_error(conn)), rtls_conn_reason(conn));
	default:
		return event->type != RTLS_EVENT_CLOSED;
	}
}

static void converse(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct rtls_session_store *store = options.session ? rtls_session_store_new(1) : NULL;
	struct rtls_config *config = configure(store);
	struct rtls_worker *worker = rtls_worker_new();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	static uint8_t buf[RTLS_RECORD_MAX];
	struct rtls_event event;
	struct rtls_conn *conn;
	struct rtls_hs *hs;

	if (store)
		rtls_session_store_load(store, options.session); /* there is none at first */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "connect");
	if (!worker || rtls_hs_new(&hs, config, worker, RTLS_CLIENT, "localhost"))
		errx(1, "no handshake");
	conn = rtls_conn_new(hs, worker, RTLS_KTLS_AUTO);
	while (conn && rtls_drive(conn, fd, buf, sizeof(buf), TIMEOUT_MS, &event) == 1 &&
	       take(conn, &event))
		;
	rtls_conn_free(conn);
	close(fd);
	rtls_worker_free(worker);
	rtls_config_unref(config);
	if (store && rtls_session_store_save(store, options.session))
		errx(1, "%s: cannot be written", options.session);
	rtls_session_store_unref(store);
}

int main(int argc, char **argv)
{
	FILE *out;

	parse(argc, argv);
	if (optind != argc - 1 || !options.cacert || !options.suites || !options.output)
		errx(2, "the options of ringtls get that selftests/interop/cell uses");
	converse(read_url(argv[optind]));
	if (echo_len != text_len)
		errx(1, "%zu bytes of %zu came back", echo_len, text_len);
	out = fopen(options.output, "w");
	if (!out || !fwrite(echo, echo_len - 1, 1, out) || fclose(out))
		err(1, "%s", options.output);
	return 0;
}
