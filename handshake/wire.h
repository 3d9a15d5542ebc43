/* SPDX-License-Identifier: MIT */
/*
 * The presentation language of RFC 5246 4: numbers and vectors, read and written.
 *
 * Both sides latch the first fault (short input, no memory), so a message is parsed or
 * built line by line as the RFC's struct reads, and checked once at the end.
 */
#ifndef HS_WIRE_H
#define HS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- reading: a view, nothing is copied --------------------------------------- */

struct wire_in {
	const uint8_t *data;
	size_t len;
	bool bad;
};

static inline struct wire_in wire_in(const uint8_t *data, size_t len)
{
	return (struct wire_in){ .data = data, .len = len };
}

uint8_t wire_get_u8(struct wire_in *in);
uint16_t wire_get_u16(struct wire_in *in);
uint32_t wire_get_u32(struct wire_in *in);
uint64_t wire_get_u64(struct wire_in *in);
/* The next @len bytes; NULL (and bad) where there are fewer. */
const uint8_t *wire_get_bytes(struct wire_in *in, size_t len);
/* A vector with a length of 1, 2 or 3 bytes and at least @min bytes of content. */
struct wire_in wire_get_vector(struct wire_in *in, unsigned int length_bytes, size_t min);
/* Everything read and nothing wrong? */
static inline bool wire_is_done(const struct wire_in *in)
{
	return !in->bad && !in->len;
}
/* Is there more to read (in a loop over a vector)? */
static inline bool wire_more(const struct wire_in *in)
{
	return !in->bad && in->len;
}

/* Of ASCII only, whatever the locale. */
static inline char hs_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

/* ---- writing: a buffer that grows ---------------------------------------------- */

struct wire_out {
	uint8_t *data;
	size_t len, size;
	bool bad; /* no memory */
};

/* Room for @len more bytes, which are counted as written; NULL without memory. */
uint8_t *wire_put_room(struct wire_out *out, size_t len);
void wire_put_u8(struct wire_out *out, uint8_t value);
void wire_put_u16(struct wire_out *out, uint16_t value);
void wire_put_u24(struct wire_out *out, uint32_t value);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u64(struct wire_out *out, uint64_t value);
void wire_put_bytes(struct wire_out *out, const void *data, size_t len);
/* begin leaves room for the length, end fills it in: everything between is the vector. */
size_t wire_begin_vector(struct wire_out *out, unsigned int length_bytes);
void wire_end_vector(struct wire_out *out, size_t begin, unsigned int length_bytes);
/* Wipe and free. */
void wire_clear(struct wire_out *out);

#endif
