// SPDX-License-Identifier: MIT
/* listen.c - the listening sockets: one a thread, on one address */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../cmd.h"
#include "../options.h"
#include "serve.h"

static int bad_address(const char *text, const char *why)
{
	char escaped[128];

	cmd_error("--listen: '%s' %s", text_escape(escaped, sizeof(escaped), text, strlen(text)),
		  why);
	return EXIT_USAGE;
}

/* "ADDR:PORT" to an address. */
static int resolve(const char *text, struct listen_address *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	char host[256], port[6];
	unsigned int number;
	struct addrinfo *info;
	int ret;

	if (address_split(text, strlen(text), host, sizeof(host), port, sizeof(port)) || !*host ||
	    !option_number(&number, port, 0, 65535))
		return bad_address(text, "is not ADDR:PORT or [ADDR]:PORT");
	ret = getaddrinfo(host, port, &hints, &info);
	if (ret)
		return bad_address(text, gai_strerror(ret));
	memcpy(&address->addr, info->ai_addr, info->ai_addrlen);
	address->len = info->ai_addrlen;
	freeaddrinfo(info);
	return EXIT_OK;
}

static int set_flag(int fd, int name)
{
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, name, &on, sizeof(on));
}

/*
 * SO_REUSEPORT lets the threads' sockets share the port, and would let in every other server
 * of this user's as well. So the first socket is bound without it, which fails if another
 * server listens there, and gets it afterwards, for the others to join. (Two servers that
 * bind within the same microseconds, before either listens, would still both win.)
 */
static int bind_socket(int fd, struct listen_address *address, bool is_first)
{
	/* What an earlier server left in TIME_WAIT shall not count. */
	if (set_flag(fd, SO_REUSEADDR) || (!is_first && set_flag(fd, SO_REUSEPORT)) ||
	    bind(fd, (struct sockaddr *)&address->addr, address->len) ||
	    (is_first && set_flag(fd, SO_REUSEPORT)) || listen(fd, SOMAXCONN))
		return -errno;
	/* If the kernel chose the port, the others need to know it. */
	return getsockname(fd, (struct sockaddr *)&address->addr, &address->len) ? -errno : 0;
}

static int open_socket(struct listen_address *address, bool is_first)
{
	int fd = socket(address->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	ret = bind_socket(fd, address, is_first);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int cannot_listen(const struct listen_address *address, int error)
{
	char text[ADDRESS_LEN];

	address_print(text, (const struct sockaddr *)&address->addr);
	if (error == -EADDRINUSE)
		cmd_error("cannot listen on %s: address in use, another server listens there",
			  text);
	else
		cmd_error("cannot listen on %s: %s", text, strerror(-error));
	return EXIT_RUNTIME;
}

int listen_open(const char *text, struct listen_address *address, int *fds, unsigned int count)
{
	int ret = resolve(text, address);

	for (unsigned int i = 0; !ret && i < count; i++) {
		fds[i] = open_socket(address, i == 0);
		if (fds[i] >= 0)
			continue;
		ret = cannot_listen(address, fds[i]);
		while (i > 0)
			close(fds[--i]);
	}
	return ret;
}
