// SPDX-License-Identifier: MIT
/* keylog.c - the secrets of all sessions in a file, for Wireshark and its like */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <ringtls/handshake.h>

#include "cmd.h"
#include "keylog.h"

#define VARIABLE "SSLKEYLOGFILE"

/* One write, so that lines of several threads and programs do not mix; and no copy. */
static void log_line(void *arg, const char *line)
{
	static bool has_failed;
	const struct iovec parts[] = { { (void *)line, strlen(line) }, { "\n", 1 } };
	ssize_t len = parts[0].iov_len + parts[1].iov_len;

	if (writev((intptr_t)arg, parts, 2) != len &&
	    !__atomic_exchange_n(&has_failed, true, __ATOMIC_RELAXED))
		cmd_error("cannot write to " VARIABLE "'s file: %m; secrets are missing there");
}

/* In nobody's way, and not to be overlooked. */
static void warn(int fd, const char *name)
{
	struct stat stat;
	bool is_open = !fstat(fd, &stat) && S_ISREG(stat.st_mode) && stat.st_mode & 077;

	cmd_error("WARNING: " VARIABLE " is set: the secrets of all connections go to %s; who "
		  "reads it reads them%s",
		  name, is_open ? ". Others than its owner may: see chmod 600" : "");
}

/* One a process: configurations come and go, and what they log goes on in the same file. */
static int log_fd = -1;

int keylog_open(void)
{
	const char *given = getenv(VARIABLE), *file = secure_getenv(VARIABLE);
	char name[256];

	if (!given || !*given)
		return EXIT_OK;
	text_escape(name, sizeof(name), given, strlen(given));
	if (!file) {
		cmd_error(VARIABLE "=%s is ignored: the program runs with raised privileges",
			  name);
		return EXIT_OK;
	}
	log_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (log_fd < 0) {
		cmd_error(VARIABLE ": cannot open %s: %m; unset it to do without", name);
		return EXIT_RUNTIME;
	}
	warn(log_fd, name);
	return EXIT_OK;
}

int keylog_set(struct rtls_config *config)
{
	return log_fd < 0 ? 0
			  : rtls_config_set_key_log(config, log_line, (void *)(intptr_t)log_fd);
}
