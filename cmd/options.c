// SPDX-License-Identifier: MIT
/* options.c - the command line, described by tables */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringtls/handshake.h>

#include "cmd.h"
#include "options.h"

static const struct option_row help_row = {
	"help", 'h', NULL, NULL, 0, "show this and leave", NULL
};

/* ---- values -------------------------------------------------------------- */

const char *option_flag(void *member, const char *value)
{
	(void)value;
	*(bool *)member = true;
	return NULL;
}

const char *option_string(void *member, const char *value)
{
	*(const char **)member = value;
	return NULL;
}

const char *option_append(void *member, const char *value)
{
	struct option_list *list = member;

	if (list->count == OPTION_LIST_MAX)
		return "one of at most 32";
	list->values[list->count++] = value;
	return NULL;
}

const char option_done[] = "";

bool option_number(unsigned int *number, const char *value, unsigned int min, unsigned int max)
{
	unsigned long n;
	char *end;

	if (*value < '0' || *value > '9')
		return false; /* strtoul() takes spaces and a minus sign */
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *end || n < min || n > max)
		return false;
	*number = n;
	return true;
}

/* ---- the name that was probably meant ------------------------------------ */

static void offer_table(struct rtls_nearest *nearest, const struct option_row *row)
{
	for (; row->name || row->table; row++) {
		if (row->table)
			offer_table(nearest, row->table);
		else
			rtls_nearest_offer(nearest, row->name);
	}
}

static int unknown_option(const struct option_usage *usage, const char *arg, const char *name)
{
	struct rtls_nearest nearest = { .given = name };
	char escaped[80];

	rtls_nearest_offer(&nearest, help_row.name);
	offer_table(&nearest, usage->table);
	text_escape(escaped, sizeof(escaped), arg, strcspn(arg, "="));
	if (nearest.name)
		cmd_error("unknown option %s, did you mean --%s?", escaped, nearest.name);
	else
		cmd_error("unknown option %s, see ringtls %s --help", escaped, cmd_name);
	return EXIT_USAGE;
}

/* ---- help ---------------------------------------------------------------- */

static void print_row(const struct option_row *row)
{
	char left[40];

	snprintf(left, sizeof(left), "--%s%s%s", row->name, row->metavar ? " " : "",
		 row->metavar ? row->metavar : "");
	if (row->letter)
		printf("  -%c, %-26s %s\n", row->letter, left, row->help);
	else
		printf("      %-26s %s\n", left, row->help);
}

static void print_table(const struct option_row *row)
{
	for (; row->name || row->table; row++) {
		if (row->table)
			print_table(row->table);
		else
			print_row(row);
	}
}

static int print_help(const struct option_usage *usage)
{
	printf("Usage: ringtls %s [OPTION]...%s%s\n\n%s\n\n", cmd_name, *usage->operands ? " " : "",
	       usage->operands, usage->summary);
	print_table(usage->table);
	print_row(&help_row);
	if (usage->notes)
		printf("\n%s\n", usage->notes);
	return EXIT_OK;
}

/* ---- the command line ---------------------------------------------------- */

/* An argument taken apart: "--name", "--name=value", "-l", "-lvalue". */
struct argument {
	const char *text;
	const char *name; /* or the letter */
	size_t name_len;
	bool is_letter;
	const char *value; /* NULL: not in the same argument */
};

static struct argument take_apart(const char *text)
{
	struct argument arg = { .text = text, .is_letter = text[1] != '-' };

	arg.name = text + (arg.is_letter ? 1 : 2);
	arg.name_len = arg.is_letter ? 1 : strcspn(arg.name, "=");
	if (arg.name[arg.name_len])
		arg.value = arg.name + arg.name_len + !arg.is_letter;
	return arg;
}

static bool row_matches(const struct option_row *row, const struct argument *arg)
{
	if (arg->is_letter)
		return row->letter == *arg->name;
	return strlen(row->name) == arg->name_len &&
	       strncmp(row->name, arg->name, arg->name_len) == 0;
}

/* The row for an argument; *@options moves to the struct which that row's table describes. */
static const struct option_row *find_row(const struct option_row *row, const struct argument *arg,
					 char **options)
{
	const struct option_row *found;

	for (; row->name || row->table; row++) {
		if (row->table) {
			char *embedded = *options + row->offset;

			found = find_row(row->table, arg, &embedded);
			if (found) {
				*options = embedded;
				return found;
			}
		} else if (row_matches(row, arg)) {
			return row;
		}
	}
	return NULL;
}

static int set_member(const struct option_row *row, char *options, const char *value)
{
	const char *expected = row->set(options + row->offset, value);
	char escaped[80];

	if (!expected)
		return -1;
	if (expected == option_done)
		return EXIT_OK;
	cmd_error("--%s: '%s' is not %s", row->name,
		  text_escape(escaped, sizeof(escaped), value, strlen(value)), expected);
	return EXIT_USAGE;
}

/* One option; *@next is the argument behind it, and is moved on if that is its value. */
static int parse_option(const struct option_usage *usage, char *options, const char *text,
			char ***next)
{
	struct argument arg = take_apart(text);
	const struct option_row *row;
	char name[64];

	if (row_matches(&help_row, &arg) && !arg.value)
		return print_help(usage);
	row = find_row(usage->table, &arg, &options);
	if (!row) {
		snprintf(name, sizeof(name), "%.*s", (int)arg.name_len, arg.name);
		return unknown_option(usage, text, name);
	}
	if (!row->metavar && arg.value) {
		cmd_error("--%s takes no value", row->name);
		return EXIT_USAGE;
	}
	if (row->metavar && !arg.value && !(arg.value = **next ? *(*next)++ : NULL)) {
		cmd_error("--%s wants a value: %s", row->name, row->metavar);
		return EXIT_USAGE;
	}
	return set_member(row, options, arg.value);
}

int options_parse(const struct option_usage *usage, void *options, int *argc, char **argv)
{
	char **next = argv + 1, **operand = argv + 1, *text;
	bool only_operands = false;
	int ret;

	while ((text = *next)) {
		next++;
		if (only_operands || text[0] != '-' || !text[1]) {
			*operand++ = text;
		} else if (strcmp(text, "--") == 0) {
			only_operands = true;
		} else {
			ret = parse_option(usage, options, text, &next);
			if (ret >= 0)
				return ret;
		}
	}
	*operand = NULL;
	*argc = operand - argv;
	if (*argc > 1 && !*usage->operands) {
		cmd_error("takes no operand, but got '%s'",
			  text_escape((char[80]){ 0 }, 80, argv[1], strlen(argv[1])));
		return EXIT_USAGE;
	}
	return -1;
}
