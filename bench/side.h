/* SPDX-License-Identifier: MIT */
/* Two implementations of TLS 1.2, ours and libssl's, driven alike: bytes in, bytes out. */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <ringtls/handshake.h>

#include "../selftests/common.h"

enum resumption { RESUME_NEVER, RESUME_TICKET, RESUME_SESSION_ID };

/* What is negotiated. Both sides verify what they are shown and have not met before. */
struct scenario {
	const char *name;
	const char *suite, *groups; /* OpenSSL's names */
	enum cert_kind kind;        /* of certificate and authority */
	bool mutual;
	enum resumption resumption;
};

struct bytes {
	const uint8_t *data;
	size_t len;
};

struct side {
	/* All that is set up once: configuration, contexts, certificates. */
	void *(*setup)(const struct scenario *scenario, enum rtls_role role,
		       const struct cert *cert, const struct cert *authority);
	void (*setup_free)(void *setup);
	/* Forgets the chains that were met. */
	void (*forget)(void *setup);
	void *(*begin)(void *setup);
	/* Takes all of @in. What is to be sent stays where it is until the next step. */
	struct bytes (*step)(void *connection, struct bytes in);
	bool (*is_done)(const void *connection);
	bool (*is_resumed)(const void *connection);
	void (*end)(void *connection);
};
extern const struct side side_ringtls, side_libssl;

/* The SSL_CTX of a setup of libssl's. */
struct ssl_ctx_st *side_libssl_ctx(void *setup);

/* The struct that stands for the program's own connection, which is booked to nobody. */
void *side_alloc(size_t len);
void side_free(void *memory);

#define SIDE_HOST "localhost"

#endif
