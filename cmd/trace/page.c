// SPDX-License-Identifier: MIT
/* page.c - lines with a name and a value, in a room that is bounded */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../cmd.h"
#include "decode.h"

#define INDENT       4
#define VALUE_COLUMN 32
#define WHERE_COLUMN 80
#define LINE_MAX_LEN 100
#define HEX_SHOWN    32  /* bytes of a long value; a line's worth */
#define BROKEN_SHOWN 256

static const char cut_note[] = "\n    ... and more than is shown here\n";

static void put(struct trace_page *page, const char *format, va_list args)
{
	size_t room = sizeof(page->text) - sizeof(cut_note) - page->len;
	int len;

	if (page->cut)
		return;
	len = vsnprintf(page->text + page->len, room, format, args);
	if (len < 0 || (size_t)len >= room) {
		page->cut = true;
		strcpy(page->text + page->len, cut_note);
		page->len += sizeof(cut_note) - 1;
	} else {
		page->len += len;
	}
}

void trace_raw(struct trace_page *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(page, format, args);
	va_end(args);
}

static size_t column(const struct trace_page *page)
{
	return page->len - page->line;
}

static void pad_to(struct trace_page *page, size_t want)
{
	if (column(page) < want)
		trace_raw(page, "%*s", (int)(want - column(page)), "");
}

void trace_begin(struct trace_page *page, const char *name)
{
	page->line = page->len;
	trace_raw(page, "%*s%s ", (int)(INDENT + 2 * page->depth), "", name);
	pad_to(page, VALUE_COLUMN);
}

void trace_item(struct trace_page *page, const char *format, ...)
{
	bool is_first = page->len && page->text[page->len - 1] == ' ';
	char item[512];
	va_list args;

	va_start(args, format);
	vsnprintf(item, sizeof(item), format, args);
	va_end(args);
	if (is_first) {
		trace_raw(page, "%s", item);
	} else if (column(page) + 2 + strlen(item) < LINE_MAX_LEN) {
		trace_raw(page, ", %s", item);
	} else {
		trace_raw(page, ",\n");
		page->line = page->len;
		pad_to(page, VALUE_COLUMN);
		trace_raw(page, "%s", item);
	}
}

void trace_end(struct trace_page *page)
{
	/* No value: no blanks where it would stand. */
	while (!page->cut && page->len && page->text[page->len - 1] == ' ')
		page->len--;
	trace_raw(page, "\n");
}

void trace_where(struct trace_page *page, const char *where)
{
	pad_to(page, WHERE_COLUMN);
	trace_raw(page, " %s\n", where);
}

void trace_line(struct trace_page *page, const char *name, const char *format, ...)
{
	va_list args;

	trace_begin(page, name);
	va_start(args, format);
	put(page, format, args);
	va_end(args);
	trace_end(page);
}

void trace_text(struct trace_page *page, const char *name, const void *text, size_t len)
{
	char escaped[512];

	trace_line(page, name, "%s", text_escape(escaped, sizeof(escaped), text, len));
}

static char *to_hex(char *out, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", data[i]);
	return out;
}

void trace_hex(struct trace_page *page, const char *name, const uint8_t *data, size_t len)
{
	char hex[2 * HEX_SHOWN + 1] = "";

	if (!len)
		trace_line(page, name, "empty");
	else if (len <= HEX_SHOWN)
		trace_line(page, name, "%s", to_hex(hex, data, len));
	else
		trace_line(page, name, "%s... (%zu bytes)", to_hex(hex, data, HEX_SHOWN), len);
}

void trace_broken(struct trace_page *page, const uint8_t *data, size_t len)
{
	size_t shown = len < BROKEN_SHOWN ? len : BROKEN_SHOWN;
	char hex[2 * HEX_SHOWN + 1] = "";

	trace_line(page, "cannot be parsed", len ? "%zu bytes" : "ends too early", len);
	for (size_t i = 0; i < shown; i += HEX_SHOWN) {
		size_t part = shown - i < HEX_SHOWN ? shown - i : HEX_SHOWN;

		trace_line(page, "", "%s", to_hex(hex, data + i, part));
	}
	if (len > shown)
		trace_line(page, "", "... and %zu more", len - shown);
}
