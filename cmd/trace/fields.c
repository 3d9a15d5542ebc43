// SPDX-License-Identifier: MIT
/* fields.c - messages read and printed by the rows that describe them */
#include <stdio.h>

#include "decode.h"

/* ---- reading ------------------------------------------------------------------- */

static struct trace_in take(struct trace_in *in, uint64_t len)
{
	struct trace_in taken = { .data = in->data, .len = len };

	if (in->bad || in->len < len) {
		in->bad = true;
		return (struct trace_in){ .bad = true };
	}
	in->data += len;
	in->len -= len;
	return taken;
}

uint64_t trace_number(struct trace_in *in, unsigned int bytes)
{
	struct trace_in number = take(in, bytes);
	uint64_t value = 0;

	for (size_t i = 0; i < number.len; i++)
		value = value << 8 | number.data[i];
	return value;
}

struct trace_in trace_vector(struct trace_in *in, unsigned int length_bytes)
{
	return take(in, trace_number(in, length_bytes));
}

/* ---- one field ------------------------------------------------------------------ */

static const char *number_text(char out[128], const struct trace_field *field, uint64_t value)
{
	const char *name = field->meaning ? field->meaning(value) : NULL;

	if (!field->meaning)
		snprintf(out, 128, "%llu", (unsigned long long)value);
	else if (field->bytes == 1)
		snprintf(out, 128, "%s (%u)", name ? name : "unknown", (unsigned int)value);
	else
		snprintf(out, 128, "%s (0x%04x)", name ? name : "unknown", (unsigned int)value);
	return out;
}

/* Numbers stand side by side. */
static void show_numbers(struct trace_page *page, const struct trace_field *list,
			 struct trace_in in)
{
	const struct trace_field *element = list->elements;
	char text[128];

	trace_begin(page, list->name);
	if (!in.len)
		trace_item(page, "empty");
	while (in.len >= element->bytes)
		trace_item(page, "%s",
			   number_text(text, element, trace_number(&in, element->bytes)));
	trace_end(page);
	if (in.len)
		trace_broken(page, in.data, in.len);
}

static void show_list(struct trace_page *page, const struct trace_field *list, struct trace_in in)
{
	if (list->elements->kind == TRACE_NUMBER && !list->elements[1].name) {
		show_numbers(page, list, in);
		return;
	}
	trace_line(page, list->name, in.len ? "%zu bytes" : "empty", in.len);
	page->depth++;
	while (in.len && !in.bad)
		trace_fields(page, &in, list->elements);
	if (in.bad)
		trace_broken(page, in.data, in.len);
	page->depth--;
}

static void show_field(struct trace_page *page, const struct trace_field *field,
		       struct trace_in *in)
{
	struct trace_in value;
	char text[128];

	switch (field->kind) {
	case TRACE_NUMBER:
		number_text(text, field, trace_number(in, field->bytes));
		if (!in->bad)
			trace_line(page, field->name, "%s", text);
		return;
	case TRACE_SHOW:
		field->show(page, in);
		return;
	case TRACE_BYTES:
		value = take(in, field->bytes);
		break;
	case TRACE_REST:
		value = take(in, in->len);
		break;
	default:
		value = trace_vector(in, field->bytes);
	}
	if (value.bad)
		return;
	if (field->kind == TRACE_LIST)
		show_list(page, field, value);
	else if (field->kind == TRACE_TEXT)
		trace_text(page, field->name, value.data, value.len);
	else
		trace_hex(page, field->name, value.data, value.len);
}

/* ---- several -------------------------------------------------------------------- */

void trace_fields(struct trace_page *page, struct trace_in *in, const struct trace_field *fields)
{
	for (; fields->name && !in->bad; fields++) {
		struct trace_in before = *in;

		show_field(page, fields, in);
		if (in->bad) { /* the field that does not fit is what is left */
			*in = before;
			in->bad = true;
		}
	}
}

void trace_block(struct trace_page *page, struct trace_in in, const struct trace_field *fields)
{
	page->depth++;
	trace_fields(page, &in, fields);
	if (in.bad || in.len)
		trace_broken(page, in.data, in.len);
	page->depth--;
}
