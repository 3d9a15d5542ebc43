// SPDX-License-Identifier: MIT
/* main.c - the ringtls program: one table of sub-commands */
#include <stdio.h>
#include <string.h>

#include <ringtls/handshake.h>

#include "cmd.h"
#include "options.h"

static int cmd_help(int argc, char **argv);

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "serve", cmd_serve, "serve a directory over HTTPS" },
	{ "get", cmd_get, "fetch an https:// URL" },
	{ "probe", cmd_probe, "say what this kernel does for TLS" },
	{ "help", cmd_help, "show this, or the help of a sub-command" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static int show_version(void)
{
	printf("ringtls %s\n", RINGTLS_VERSION);
	return EXIT_OK;
}

static int show_help(void)
{
	printf("Usage: ringtls COMMAND [OPTION]...\n\n"
	       "TLS 1.2: the handshake in userspace, every record in the kernel, all I/O by "
	       "io_uring.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	printf("\n  --help, --version\n\n"
	       "ringtls COMMAND --help lists the options of a command. Exit codes: 0 done, 1 it "
	       "failed,\n2 wrong usage; a command may have more.\n");
	return EXIT_OK;
}

/* What may stand instead of a sub-command. */
static const struct flag {
	const char *name;
	int (*show)(void);
} flags[] = {
	{ "--help", show_help },
	{ "-h", show_help },
	{ "--version", show_version },
	{ "-V", show_version },
};

#define FLAGS (sizeof(flags) / sizeof(*flags))

static int unknown_command(const char *name)
{
	struct rtls_nearest nearest = { .given = name };
	char escaped[80];

	for (size_t i = 0; i < COMMANDS; i++)
		rtls_nearest_offer(&nearest, commands[i].name);
	for (size_t i = 0; i < FLAGS; i++) {
		if (flags[i].name[1] == '-') /* near to a letter is every letter */
			rtls_nearest_offer(&nearest, flags[i].name);
	}
	text_escape(escaped, sizeof(escaped), name, strlen(name));
	if (nearest.name)
		cmd_error("unknown command %s, did you mean %s?", escaped, nearest.name);
	else
		cmd_error("unknown command %s, see ringtls --help", escaped);
	return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
	for (size_t i = 0; i < FLAGS; i++) {
		if (strcmp(argv[0], flags[i].name) == 0)
			return flags[i].show();
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[0], commands[i].name) == 0) {
			cmd_name = commands[i].name;
			return commands[i].run(argc, argv);
		}
	}
	return unknown_command(argv[0]);
}

static int cmd_help(int argc, char **argv)
{
	char *help[] = { argv[1], "--help", NULL };

	cmd_name = NULL;
	/* "help help" would come back here for ever. */
	if (argc < 2 || strcmp(argv[1], "help") == 0)
		return show_help();
	return run(2, help);
}

int main(int argc, char **argv)
{
	int ret;

	if (argc < 2) {
		cmd_error("which command? See ringtls --help");
		return EXIT_USAGE;
	}
	ret = run(argc - 1, argv + 1);
	if ((fflush(stdout) || ferror(stdout)) && ret == EXIT_OK) {
		cmd_error("cannot write to standard output: %m");
		return EXIT_RUNTIME;
	}
	return ret;
}
