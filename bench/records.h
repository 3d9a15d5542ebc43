/* SPDX-License-Identifier: MIT */
/* What a record of AES-128-GCM costs in userspace, sealed and opened. */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include <ringtls/handshake.h>

enum record_way {
	RECORD_LIBSSL,    /* SSL_write() and SSL_read() over memory BIOs */
	RECORD_LIBCRYPTO, /* the bare cipher, with contexts that keep the key */
	RECORD_OURS,      /* rtls_record_seal() and rtls_record_open() */
	RECORD_WAYS,
};

/* Seconds of CPU for one record with @len bytes of plaintext. */
double records_cost(enum record_way way, size_t len);
/* Ours, with this cipher instead. */
double records_cipher_cost(enum rtls_cipher cipher, size_t len);

#endif
