/* SPDX-License-Identifier: MIT */
/*
 * The fuzz targets: one program, build/fuzz/targets, that goes by a target's name. All but the
 * input is fixed (keys, time, random numbers), so that an input does the same each time.
 */
#ifndef SELFTESTS_FUZZ_H
#define SELFTESTS_FUZZ_H

#include "../../handshake/hs_internal.h"

/* What both sides are configured for; world.c has the table. */
enum fuzz_scene {
	SCENE_ALL, /* whatever there is, with verification */
	SCENE_ECDHE,
	SCENE_ECDHE_RSA,
	SCENE_CCM,
	SCENE_DHE,
	SCENE_RSA,
	SCENE_CLIENT_AUTH,
	SCENE_EXTERNAL_KEYS, /* of both sides, with SCENE_CLIENT_AUTH's messages */
	SCENE_NEW_TICKET,
	SCENE_TICKET, /* resumed, with a client's certificate */
	SCENE_SESSION_ID,
	SCENE_STAPLE,
	SCENES,
};
/* A side's sessions as each input finds them: none, or the one to be resumed. */
void fuzz_renew_sessions(enum fuzz_scene scene, enum rtls_role role);
/* Once, before handshakes of this scene: makes the session that they resume. */
void fuzz_scene_begin(enum fuzz_scene scene);
struct rtls_config *fuzz_config(enum fuzz_scene scene, enum rtls_role role);

/* libcrypto's random numbers: from the start again, a row of its own for each role. */
void fuzz_random_begin(void);
void fuzz_random_restart(enum rtls_role role);

/* What is made once is made now, and counts not as an input's memory. */
extern bool fuzz_is_beginning;
extern size_t fuzz_memory_before;

struct fuzz_target {
	const char *name;
	void (*begin)(const struct fuzz_target *target); /* once */
	void (*run)(const uint8_t *data, size_t len); /* each input */
	void (*seeds)(void); /* calls fuzz_seed() for good inputs */
	/* Of handshakes: the side that gets the input, and what it expects then. */
	enum rtls_role role;
	enum fuzz_scene scene;
	enum rtls_content_type type;
	enum hs_message message;
};
/* Each table ends with a NULL name. */
extern const struct fuzz_target message_targets[], connection_targets[], parser_targets[];

/* Writes one seed: a byte in front, then the data. */
void fuzz_seed(uint8_t front, const void *data, size_t len);

/* What must hold. If it does not, the input is a finding. */
#define fuzz_require(condition, ...)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz_die(__VA_ARGS__);                                                     \
	} while (0)
void fuzz_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* A copy that ends where the data ends, so that ASan sees a read too far; free() it. */
uint8_t *fuzz_copy(const uint8_t *data, size_t len);

/* wire_put_bytes() is for callers with something to put. */
static inline void fuzz_put(struct wire_out *out, const uint8_t *data, size_t len)
{
	if (len)
		wire_put_bytes(out, data, len);
}

/* ---- one side of a connection ------------------------------------------------------------ */

struct fuzz_side {
	enum rtls_role role;
	struct rtls_hs *hs;
	struct wire_out sent; /* all that it has sent so far */
	/* For fuzz_take(): how far it has read, and the key of the next record. */
	size_t taken;
	bool is_protected;
	struct rtls_key key;
};

extern struct rtls_worker *fuzz_worker;

/* Starts the handshake; only one side a process may be @watched for reads past a message. */
void fuzz_side_begin(struct fuzz_side *side, enum rtls_role role, enum fuzz_scene scene,
		     bool watched);
void fuzz_side_end(struct fuzz_side *side);

/* A real handshake, until both sides are done. */
void fuzz_handshake(struct fuzz_side side[2], enum fuzz_scene scene);

/*
 * One call of rtls_hs_input(), what is sent then, and everything that must hold afterwards.
 * Returns how many bytes were taken: all, unless the handshake is done or has failed.
 */
size_t fuzz_input(struct fuzz_side *side, const uint8_t *data, size_t len);

static inline bool fuzz_is_done(const struct fuzz_side *side)
{
	return rtls_hs_status(side->hs) == RTLS_HS_DONE;
}

static inline bool fuzz_goes_on(const struct fuzz_side *side)
{
	return rtls_hs_status(side->hs) == RTLS_HS_WANT_INPUT;
}

/* A record's content in clear. */
struct fuzz_record {
	uint8_t type;
	bool is_protected;
	struct wire_out data;
};

/* The next record of what a side has sent, if there is one; wire_clear() its data. */
bool fuzz_take(struct fuzz_side *side, struct fuzz_record *record);

/* Appends one record to @wire, protected where @key is not NULL. */
void fuzz_frame(struct wire_out *wire, uint8_t type, const uint8_t *data, size_t len,
		enum rtls_cipher cipher, struct rtls_key *key);

#endif
