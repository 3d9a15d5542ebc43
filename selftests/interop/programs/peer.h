/* SPDX-License-Identifier: MIT */
/* What a TLS library has to do for peer.c, one connection at a time. Orders: see ../cell. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* An order of the cell's; ends the program where there is none. */
const char *order(const char *name);
bool order_is(const char *name, const char *value);
/* Reads the next of a colon-separated list. Return: false at its end. */
bool next_name(const char **list, char name[static 32]);
void check(bool ok, const char *what, int error);

void peer_init(bool is_client);
/* Return: whether the handshake went well; says so, or what went wrong. */
bool peer_begin(int fd);
/* Return: bytes, 0 or less at the end. */
int peer_read(void *buf, size_t size);
bool peer_write(const void *data, size_t len);
/* Says goodbye; a session to resume is kept for the next connection. */
void peer_end(void);
