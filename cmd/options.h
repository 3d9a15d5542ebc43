/* SPDX-License-Identifier: MIT */
/**
 * options.h - the command line, described by tables
 *
 * A table describes a struct: each row names an option, the member that it sets, and
 * the function that sets it. A struct embedded in another brings its table along with
 * OPTION_TABLE, so what several sub-commands share is written once:
 *
 *	static const struct option_row serve_table[] = {
 *		OPTION("root", 0, "DIR", option_string, struct serve_options, root,
 *		       "the directory to serve"),
 *		OPTION_TABLE(struct serve_options, tls, tls_option_table),
 *		{ 0 }
 *	};
 */
#ifndef RINGTLS_CMD_OPTIONS_H
#define RINGTLS_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option_row {
	const char *name;    /* "--name" */
	char letter;         /* "-l"; 0: none */
	const char *metavar; /* what its value is called; NULL: a flag, it has none */
	/* Return: NULL; or in words what the value is not ("a number from 1 to 9"); or option_done. */
	const char *(*set)(void *member, const char *value);
	size_t offset; /* the member's */
	const char *help;
	const struct option_row *table; /* instead of a name: another table's rows */
};

#define OPTION(name, letter, metavar, set, type, member, help) \
	{ name, letter, metavar, set, offsetof(type, member), help, NULL }
#define OPTION_TABLE(type, member, rows) { .offset = offsetof(type, member), .table = (rows) }

/* An option that may be given several times. */
#define OPTION_LIST_MAX 32
struct option_list {
	const char *values[OPTION_LIST_MAX];
	unsigned int count;
};

/* The members' types: bool, const char *, struct option_list. */
const char *option_flag(void *member, const char *value);
const char *option_string(void *member, const char *value);
const char *option_append(void *member, const char *value);

/* From a set function: the option was a question, and is answered; nothing else is to be done. */
extern const char option_done[];

/* For the set functions of numbers: true if @value is a decimal number within the bounds. */
bool option_number(unsigned int *number, const char *value, unsigned int min, unsigned int max);

struct option_usage {
	const char *operands; /* "URL"; "" if there are none */
	const char *summary;  /* a sentence */
	const struct option_row *table;
	const char *notes;    /* below the options, or NULL */
};

/**
 * options_parse - read the command line of a sub-command
 * @options: the struct that the table describes, holding the defaults
 * @argc, @argv: afterwards argv[0] and the operands
 *
 * Return: -1 to go on, else the exit code to leave with: --help was asked for and is
 * printed, or something is wrong and cmd_error() has said what.
 */
int options_parse(const struct option_usage *usage, void *options, int *argc, char **argv);

#endif
