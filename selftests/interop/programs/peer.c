// SPDX-License-Identifier: MIT
/* peer.c - the part of a peer that is not TLS: PEER client OUT FILE FILE | PEER server */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

const char *order(const char *name)
{
	const char *value = getenv(name);

	if (!value)
		errx(2, "no order \"%s\"", name);
	return value;
}

bool order_is(const char *name, const char *value)
{
	return !strcmp(order(name), value);
}

bool next_name(const char **list, char name[static 32])
{
	size_t len = strcspn(*list, ":");

	snprintf(name, 32, "%.*s", (int)len, *list);
	*list += len + ((*list)[len] == ':');
	return len;
}

void check(bool ok, const char *what, int error)
{
	if (!ok)
		errx(1, "%s: error %d (-0x%x)", what, error, -error);
}

static struct sockaddr_in address(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(atoi(order("port"))),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* ---- client ------------------------------------------------------------------------- */

/* The bytes behind the header go to the file. */
static void save(FILE *out)
{
	static char answer[1 << 20];
	size_t len = 0;
	char *body;
	int n;

	while ((n = peer_read(answer + len, sizeof(answer) - 1 - len)) > 0)
		len += n;
	answer[len] = '\0';
	body = strstr(answer, "\r\n\r\n");
	if (!body)
		errx(1, "no answer: %d (-0x%x)", n, -n);
	fwrite(body + 4, 1, len - (body + 4 - answer), out);
}

static void fetch(const char *file, const char *dir, int number)
{
	struct sockaddr_in addr = address();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[512];
	FILE *out;

	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "connect");
	if (!peer_begin(fd))
		exit(1);
	snprintf(text, sizeof(text),
		 "GET /%s HTTP/1.1\r\nHost: localhost\r\n"
		 "Connection: close\r\n\r\n",
		 file);
	if (!peer_write(text, strlen(text)))
		errx(1, "cannot send the request");
	snprintf(text, sizeof(text), "%s/%d", dir, number);
	out = fopen(text, "w");
	if (!out)
		err(1, "%s", text);
	save(out);
	fclose(out);
	peer_end();
	close(fd);
}

/* ---- server ------------------------------------------------------------------------- */

static void answer(void)
{
	static char request[65536], body[1 << 20];
	char name[32] = "", header[128];
	size_t len = 0;
	FILE *file;
	int n;

	while (!strstr(request, "\r\n\r\n") &&
	       (n = peer_read(request + len, sizeof(request) - 1 - len)) > 0) {
		len += n;
		request[len] = '\0';
	}
	sscanf(request, "GET /%31[a-z0-9]", name);
	memset(request, 0, len);
	file = fopen(name, "r");
	if (!file) {
		warn("%s", name);
		return;
	}
	len = fread(body, 1, sizeof(body), file);
	fclose(file);
	snprintf(header, sizeof(header), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
	if (!peer_write(header, strlen(header)) || !peer_write(body, len))
		warnx("cannot send the answer");
}

static void serve(void)
{
	struct sockaddr_in addr = address();
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 8))
		err(1, "listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (peer_begin(fd))
			answer();
		peer_end();
		close(fd);
	}
}

int main(int argc, char **argv)
{
	bool is_client = argc > 2;

	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout);
	peer_init(is_client);
	if (!is_client)
		serve();
	for (int i = 3; i < argc; i++)
		fetch(argv[i], argv[2], i - 2);
	return 0;
}
