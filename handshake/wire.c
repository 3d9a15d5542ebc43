// SPDX-License-Identifier: MIT
/* Numbers and vectors on the wire, RFC 5246 4. See wire.h. */
#include <string.h>
#include <openssl/crypto.h>

#include "wire.h"

const uint8_t *wire_get_bytes(struct wire_in *in, size_t len)
{
	const uint8_t *data = in->data;

	if (in->bad || in->len < len) {
		in->bad = true;
		return NULL;
	}
	in->data += len;
	in->len -= len;
	return data;
}

static uint32_t get_number(struct wire_in *in, unsigned int bytes)
{
	const uint8_t *data = wire_get_bytes(in, bytes);
	uint32_t value = 0;

	for (unsigned int i = 0; data && i < bytes; i++)
		value = value << 8 | data[i];
	return value;
}

uint8_t wire_get_u8(struct wire_in *in)
{
	return get_number(in, 1);
}

uint16_t wire_get_u16(struct wire_in *in)
{
	return get_number(in, 2);
}

uint32_t wire_get_u32(struct wire_in *in)
{
	return get_number(in, 4);
}

uint64_t wire_get_u64(struct wire_in *in)
{
	uint64_t high = get_number(in, 4);

	return high << 32 | get_number(in, 4);
}

struct wire_in wire_get_vector(struct wire_in *in, unsigned int length_bytes, size_t min)
{
	size_t len = get_number(in, length_bytes);
	const uint8_t *data = wire_get_bytes(in, len);

	if (!data || len < min) {
		in->bad = true;
		return (struct wire_in){ .bad = true };
	}
	return wire_in(data, len);
}

/* Grows by doubling; the old place is wiped, since it may hold plaintext. */
static bool grow(struct wire_out *out, size_t len)
{
	size_t size = out->size ? out->size : 1024;
	uint8_t *data;

	if (out->len + len <= out->size)
		return true;
	while (size < out->len + len)
		size *= 2;
	data = OPENSSL_malloc(size);
	if (!data)
		return false;
	if (out->len)
		memcpy(data, out->data, out->len);
	OPENSSL_clear_free(out->data, out->size);
	out->data = data;
	out->size = size;
	return true;
}

uint8_t *wire_put_room(struct wire_out *out, size_t len)
{
	if (out->bad || !grow(out, len)) {
		out->bad = true;
		return NULL;
	}
	out->len += len;
	return len ? out->data + out->len - len : out->data;
}

static void set_number(uint8_t *data, uint32_t value, unsigned int bytes)
{
	while (bytes--) {
		data[bytes] = value;
		value >>= 8;
	}
}

static void put_number(struct wire_out *out, uint32_t value, unsigned int bytes)
{
	uint8_t *data = wire_put_room(out, bytes);

	if (data)
		set_number(data, value, bytes);
}

void wire_put_u8(struct wire_out *out, uint8_t value)
{
	put_number(out, value, 1);
}

void wire_put_u16(struct wire_out *out, uint16_t value)
{
	put_number(out, value, 2);
}

void wire_put_u24(struct wire_out *out, uint32_t value)
{
	put_number(out, value, 3);
}

void wire_put_u32(struct wire_out *out, uint32_t value)
{
	put_number(out, value, 4);
}

void wire_put_u64(struct wire_out *out, uint64_t value)
{
	put_number(out, value >> 32, 4);
	put_number(out, value, 4);
}

void wire_put_bytes(struct wire_out *out, const void *data, size_t len)
{
	uint8_t *room = len ? wire_put_room(out, len) : NULL;

	if (room)
		memcpy(room, data, len);
}

size_t wire_begin_vector(struct wire_out *out, unsigned int length_bytes)
{
	wire_put_room(out, length_bytes);
	return out->len;
}

void wire_end_vector(struct wire_out *out, size_t begin, unsigned int length_bytes)
{
	size_t len = out->len - begin;

	if (out->bad)
		return;
	if (len >> (8 * length_bytes))
		out->bad = true;
	else
		set_number(out->data + begin - length_bytes, len, length_bytes);
}

void wire_clear(struct wire_out *out)
{
	OPENSSL_clear_free(out->data, out->size);
	*out = (struct wire_out){ 0 };
}
