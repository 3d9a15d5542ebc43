/* SPDX-License-Identifier: MIT */
/* cmd.h - what the sub-commands of the ringtls program share */
#ifndef RINGTLS_CMD_H
#define RINGTLS_CMD_H

#include <stddef.h>

struct sockaddr;

/* Exit codes. A sub-command may have more of its own; its --help lists them. */
enum {
	EXIT_OK = 0,
	EXIT_RUNTIME = 1,
	EXIT_USAGE = 2,
};

/* The sub-commands: argv[0] is the sub-command's name. Return: the exit code. */
int cmd_serve(int argc, char **argv);
int cmd_get(int argc, char **argv);
int cmd_probe(int argc, char **argv);

/* The sub-command that runs, as cmd_error() says it: set once, by main(). */
extern const char *cmd_name;

/* "ringtls NAME: ..." on stderr, one line. */
void cmd_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * text_escape - bytes of a stranger's, fit for a terminal or a log
 * @out: gets printable ASCII, NUL-terminated; everything else, and the backslash, as \xHH.
 *	What does not fit ends in "..."; @size is at least 8.
 *
 * Return: @out.
 */
char *text_escape(char *out, size_t size, const void *in, size_t len);

#define ADDRESS_LEN 64 /* "[IPv6%scope]:port" and a NUL */

/* The address as "1.2.3.4:5" or "[::1]:5", "-" if there is none. Return: @out. */
char *address_print(char out[ADDRESS_LEN], const struct sockaddr *addr);

/**
 * address_split - "host:port", "[::1]:port"; the port may be absent
 * @host: gets the host without brackets, "" if there is none
 * @port: gets the port, "" if there is none
 *
 * Return: 0, or -EINVAL: a part is too long, or brackets or colons make no sense.
 */
int address_split(const char *text, size_t len, char *host, size_t host_size, char *port,
		  size_t port_size);

#endif
