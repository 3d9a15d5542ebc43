// SPDX-License-Identifier: MIT
/* cmd.c - what the sub-commands share: errors, text from strangers, addresses */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

const char *cmd_name;

void cmd_error(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	/* One call, so that the lines of several threads do not mix. */
	fprintf(stderr, "ringtls%s%s: %s\n", cmd_name ? " " : "", cmd_name ? cmd_name : "", line);
}

char *text_escape(char *out, size_t size, const void *in, size_t len)
{
	static const char more[] = "...";
	const unsigned char *p = in, *end = p + len;
	char *q = out, *limit = out + size - sizeof(more) - strlen("\\xHH");

	for (; p < end && q <= limit; p++) {
		if (*p >= ' ' && *p < 0x7f && *p != '\\')
			*q++ = *p;
		else
			q += sprintf(q, "\\x%02x", *p);
	}
	strcpy(q, p < end ? more : "");
	return out;
}

char *address_print(char out[ADDRESS_LEN], const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;
	char host[INET6_ADDRSTRLEN];

	if (addr->sa_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, ADDRESS_LEN, "%s:%u", host, ntohs(in->sin_port));
	} else if (addr->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, ADDRESS_LEN, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		strcpy(out, "-");
	}
	return out;
}

/* Copy a part of a text to a string of its own. */
static int copy_part(char *out, size_t size, const char *from, const char *to)
{
	size_t len = to - from;

	if (len >= size || memchr(from, '\0', len))
		return -EINVAL;
	memcpy(out, from, len);
	out[len] = '\0';
	return 0;
}

int address_split(const char *text, size_t len, char *host, size_t host_size, char *port,
		  size_t port_size)
{
	const char *end = text + len, *host_end, *port_text;

	if (len && *text == '[') {
		host_end = memchr(++text, ']', len - 1);
		if (!host_end)
			return -EINVAL;
		port_text = host_end + 1;
	} else {
		host_end = memchr(text, ':', len);
		port_text = host_end = host_end ? host_end : end;
	}
	if (port_text < end && *port_text++ != ':')
		return -EINVAL;
	if (memchr(port_text, ':', end - port_text))
		return -EINVAL; /* an IPv6 address without its brackets */
	return copy_part(host, host_size, text, host_end) ||
	       copy_part(port, port_size, port_text, end) ? -EINVAL : 0;
}
