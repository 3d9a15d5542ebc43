/* SPDX-License-Identifier: MIT */
/*
 * decode.h - what the files of trace/ share
 *
 * A message is described by rows as the RFC's struct lists its members; fields.c reads and
 * prints by them. Nothing here trusts a length: what does not fit is shown in hex.
 */
#ifndef RINGTLS_TRACE_DECODE_H
#define RINGTLS_TRACE_DECODE_H

#include "trace.h"

/* ---- page.c: text ------------------------------------------------------------ */

/* A line in three steps: its name; items, which go on in a new line where one is full; the end. */
void trace_begin(struct trace_page *page, const char *name);
void trace_item(struct trace_page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void trace_end(struct trace_page *page);
/* The same in one. */
void trace_line(struct trace_page *page, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* A stranger's text, escaped; bytes in hex, the first of them if they are many. */
void trace_text(struct trace_page *page, const char *name, const void *text, size_t len);
void trace_hex(struct trace_page *page, const char *name, const uint8_t *data, size_t len);
/* Bytes that are not what they should be: more of them. */
void trace_broken(struct trace_page *page, const uint8_t *data, size_t len);
/* A line's end with where to read about it, on the right. */
void trace_where(struct trace_page *page, const char *where);
/* As it is. */
void trace_raw(struct trace_page *page, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- fields.c: reading -------------------------------------------------------- */

/* A view of bytes that latches the first fault: after it every read gives nothing. */
struct trace_in {
	const uint8_t *data;
	size_t len;
	bool bad;
};

uint64_t trace_number(struct trace_in *in, unsigned int bytes);
/* A vector behind its length. */
struct trace_in trace_vector(struct trace_in *in, unsigned int length_bytes);

enum trace_kind {
	TRACE_NUMBER, /* of so many bytes */
	TRACE_BYTES,  /* so many */
	TRACE_OPAQUE, /* vectors, by the bytes of their length: bytes, */
	TRACE_TEXT,   /* text, */
	TRACE_LIST,   /* elements */
	TRACE_REST,   /* all bytes that are left */
	TRACE_SHOW,   /* a function takes it from there */
};

struct trace_field {
	const char *name; /* as the RFC has it; NULL: the end */
	enum trace_kind kind;
	unsigned int bytes;
	const char *(*meaning)(uint32_t value);   /* NUMBER: its name, NULL if unknown */
	const struct trace_field *elements;       /* LIST: the rows of one */
	void (*show)(struct trace_page *page, struct trace_in *in);
};

#define NUMBER(name, bytes, meaning)    { name, TRACE_NUMBER, bytes, meaning, NULL, NULL }
#define BYTES(name, bytes)              { name, TRACE_BYTES, bytes, NULL, NULL, NULL }
#define OPAQUE(name, bytes)             { name, TRACE_OPAQUE, bytes, NULL, NULL, NULL }
#define TEXT(name, bytes)               { name, TRACE_TEXT, bytes, NULL, NULL, NULL }
#define LIST(name, bytes, elements)     { name, TRACE_LIST, bytes, NULL, elements, NULL }
#define REST(name)                      { name, TRACE_REST, 0, NULL, NULL, NULL }
#define SHOW(name, function)            { name, TRACE_SHOW, 0, NULL, NULL, function }

/* Reads and prints what these rows describe, up to the first that does not fit. */
void trace_fields(struct trace_page *page, struct trace_in *in, const struct trace_field *fields);
/* All of @in, one step further in; what does not fit the rows in hex. */
void trace_block(struct trace_page *page, struct trace_in in, const struct trace_field *fields);

/* ---- names.c: numbers to names ------------------------------------------------- */

struct trace_name {
	uint32_t value;
	const char *name; /* NULL: the end */
};

const char *trace_find(const struct trace_name *names, uint32_t value);
const char *trace_version(uint32_t value);
const char *trace_suite(uint32_t value);
const char *trace_compression(uint32_t value);
const char *trace_group(uint32_t value);
const char *trace_scheme(uint32_t value);
const char *trace_certificate_type(uint32_t value);
const char *trace_alert(uint32_t value);
/* RFC 8701: numbers that mean nothing, to keep peers used to unknown ones. */
bool trace_is_grease(uint32_t value);

/* ---- extensions.c, certificate.c: fields of a form of their own ------------------ */

void trace_client_extensions(struct trace_page *page, struct trace_in *in);
void trace_server_extensions(struct trace_page *page, struct trace_in *in);
void trace_certificate(struct trace_page *page, struct trace_in *in);
void trace_distinguished_name(struct trace_page *page, struct trace_in *in);
void trace_ocsp_response(struct trace_page *page, struct trace_in *in);

#endif
