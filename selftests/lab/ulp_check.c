// SPDX-License-Identifier: MIT
/*
 * ulp_check - can a TCP socket take the "tls" ULP here?
 *
 * The kernel's kTLS selftest falls back to plain TCP when it cannot, and passes all the same, so this is
 * asked first. Exit status: 0 attached, 4 not, with the reason on standard error.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int fail(const char *what)
{
	fprintf(stderr, "ulp_check: %s: %s\n", what, strerror(errno));
	return 4;
}

int main(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char ulp[16] = "";

	if (listener < 0 || fd < 0)
		return fail("socket");
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		return fail("listen on the loopback");
	/* The ULP wants an established connection; it is one before accept() too. */
	if (connect(fd, (struct sockaddr *)&addr, len))
		return fail("connect over the loopback");
	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", strlen("tls")))
		return fail(errno == ENOENT ? "TCP_ULP \"tls\": no such module or not loaded" : "TCP_ULP \"tls\"");

	len = sizeof(ulp);
	if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, ulp, &len) || strncmp(ulp, "tls", sizeof(ulp)))
		return fail("TCP_ULP does not read back as \"tls\"");
	return 0;
}
