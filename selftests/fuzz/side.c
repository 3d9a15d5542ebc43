// SPDX-License-Identifier: MIT
/* One side of a connection, and what must hold on it whatever it is given. See fuzz.h. */
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>

#include "fuzz.h"

#define MEMORY_MAX (1 << 20) /* what both sides may hold at any time */

/* ---- reads past a message ----------------------------------------------------------- */

/*
 * A struct wire_out has room behind its end, where ASan sees no fault. Of the watched side's two
 * that are parsed in place, that room is poisoned. (--wrap, see the Makefile)
 */
static const struct rtls_hs *watched_hs;

void __real_wire_put_bytes(struct wire_out *out, const void *data, size_t len);
void __real_wire_clear(struct wire_out *out);
void __wrap_wire_put_bytes(struct wire_out *out, const void *data, size_t len);
void __wrap_wire_clear(struct wire_out *out);

static bool is_watched(const struct wire_out *out)
{
	return watched_hs && (out == &watched_hs->record || out == &watched_hs->message);
}

void __wrap_wire_put_bytes(struct wire_out *out, const void *data, size_t len)
{
	if (!is_watched(out)) {
		__real_wire_put_bytes(out, data, len);
		return;
	}
	ASAN_UNPOISON_MEMORY_REGION(out->data, out->size);
	__real_wire_put_bytes(out, data, len);
	ASAN_POISON_MEMORY_REGION(out->data + out->len, out->size - out->len);
}

void __wrap_wire_clear(struct wire_out *out)
{
	ASAN_UNPOISON_MEMORY_REGION(out->data, out->size);
	__real_wire_clear(out);
}

/* ---- certificates decoded once ------------------------------------------------------ */

/* libcrypto takes longer for a certificate's key than for the handshake: real ones are kept. */
static struct {
	struct wire_out der;
	X509 *x509;
} certificates[8];

X509 *__real_d2i_X509(X509 **out, const uint8_t **in, long len);
X509 *__wrap_d2i_X509(X509 **out, const uint8_t **in, long len);

X509 *__wrap_d2i_X509(X509 **out, const uint8_t **in, long len)
{
	const uint8_t *der = *in;
	X509 *x509;
	size_t i;

	for (i = 0; i < 8 && certificates[i].x509; i++)
		if (!out && certificates[i].der.len == (size_t)len &&
		    !memcmp(certificates[i].der.data, der, len)) {
			*in += len;
			X509_up_ref(certificates[i].x509);
			return certificates[i].x509;
		}
	x509 = __real_d2i_X509(out, in, len);
	if (fuzz_is_beginning && x509 && i < 8) {
		X509_up_ref(x509);
		certificates[i].x509 = x509;
		wire_put_bytes(&certificates[i].der, der, len);
	}
	return x509;
}

/* ---- one side ----------------------------------------------------------------------- */

static void take_output(struct fuzz_side *side)
{
	size_t len;
	const uint8_t *out = rtls_hs_output(side->hs, &len);

	if (!len)
		return;
	wire_put_bytes(&side->sent, out, len);
	rtls_hs_output_done(side->hs, len);
	rtls_hs_output(side->hs, &len);
	fuzz_require(!len, "output behind the output");
}

void fuzz_side_begin(struct fuzz_side *side, enum rtls_role role, enum fuzz_scene scene,
		     bool watched)
{
	struct rtls_config *config = fuzz_config(scene, role);

	*side = (struct fuzz_side){ .role = role };
	fuzz_renew_sessions(scene, role);
	fuzz_random_restart(role);
	if (rtls_hs_new(&side->hs, config, fuzz_worker, role,
			role == RTLS_CLIENT ? "localhost" : NULL))
		fuzz_die("a handshake that does not begin");
	if (watched)
		watched_hs = side->hs;
	take_output(side);
}

void fuzz_side_end(struct fuzz_side *side)
{
	rtls_hs_free(side->hs);
	if (side->hs == watched_hs)
		watched_hs = NULL;
	wire_clear(&side->sent);
}

/* The last record of what was sent, in clear. */
static bool last_record(struct fuzz_side *side, struct fuzz_record *last)
{
	struct fuzz_side copy = *side;
	struct fuzz_record record;
	bool found = false;

	while (fuzz_take(&copy, &record)) {
		if (found)
			wire_clear(&last->data);
		*last = record;
		found = true;
	}
	return found;
}

/* RFC 5246 7.2: the fatal alert that we say we sent is the last of what went out. */
static void check_alert(struct fuzz_side *side, int error)
{
	bool was_sent = RTLS_ERR_IS_ALERT_SENT(error);
	struct fuzz_record last = { 0 };
	bool is_alert = last_record(side, &last) && last.type == RTLS_ALERT;

	if (is_alert || was_sent) {
		fuzz_require(is_alert && last.data.len == 2, "the last record is no alert");
		fuzz_require(last.data.data[0] == (was_sent ? 2 : 1), "an alert of another level");
		fuzz_require(last.data.data[1] == RTLS_ERR_ALERT(error), "another alert than %s",
			     rtls_strerror(error));
	}
	wire_clear(&last.data);
}

/* A failure stays, and nothing more is said. */
static void check_sticky(struct fuzz_side *side, int error)
{
	size_t len;

	fuzz_require(rtls_hs_status(side->hs) == RTLS_HS_FAILED, "an error, but not failed");
	fuzz_require(rtls_hs_input(side->hs, (const uint8_t[]){ RTLS_ALERT }, 1) == error,
		     "the error does not stay");
	rtls_hs_abort(side->hs, RTLS_ALERT_USER_CANCELED, "again");
	fuzz_require(rtls_hs_error(side->hs) == error, "a second failure took its place");
	rtls_hs_output(side->hs, &len);
	fuzz_require(!len, "a failed side speaks again");
}

static void check_failure(struct fuzz_side *side)
{
	int error = rtls_hs_error(side->hs);

	fuzz_require(error != RTLS_ERR_ALERT_SENT(RTLS_ALERT_INTERNAL_ERROR),
		     "internal_error for what a peer sent: %s", rtls_hs_reason(side->hs));
	fuzz_require(error <= RTLS_ERR_ALERT_SENT(0) && error >= RTLS_ERR_ALERT_RECEIVED(255),
		     "an error that is no alert: %d", error);
	fuzz_require(*rtls_hs_reason(side->hs), "a failure without a reason");
	check_alert(side, error);
	check_sticky(side, error);
}

/* What wants the private key gets it, and the rest of the input. */
static ssize_t input_with_keys(struct fuzz_side *side, const uint8_t *data, size_t len)
{
	ssize_t taken = rtls_hs_input(side->hs, data, len), more;
	struct rtls_key_operation *operation;

	take_output(side);
	while ((operation = rtls_hs_key_operation(side->hs))) {
		rtls_key_operation_run(operation);
		rtls_hs_key_done(side->hs, operation);
		rtls_key_operation_free(operation);
		take_output(side);
		more = rtls_hs_input(side->hs, data + taken, len - taken);
		taken = more < 0 ? more : taken + more;
		take_output(side);
	}
	return taken;
}

size_t fuzz_input(struct fuzz_side *side, const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len);
	ssize_t taken;
	size_t memory;

	fuzz_random_restart(side->role);
	taken = input_with_keys(side, copy, len);
	free(copy);
	memory = __sanitizer_get_current_allocated_bytes();
	fuzz_require(fuzz_is_beginning || memory < fuzz_memory_before + MEMORY_MAX,
		     "%zu bytes held", memory - fuzz_memory_before);
	fuzz_require(!ERR_peek_error(), "an error left in libcrypto's queue: %s",
		     ERR_reason_error_string(ERR_peek_error()));
	if (rtls_hs_error(side->hs)) {
		fuzz_require(taken == rtls_hs_error(side->hs), "another return than the error");
		check_failure(side);
		return len;
	}
	fuzz_require(!*rtls_hs_reason(side->hs), "a reason without a failure");
	fuzz_require(fuzz_is_done(side) ? (size_t)taken <= len : (size_t)taken == len,
		     "%zd bytes taken of %zu", taken, len);
	return taken;
}

static void pass_on(struct fuzz_side *from, size_t *passed, struct fuzz_side *to)
{
	size_t len = from->sent.len - *passed;

	if (len)
		fuzz_input(to, from->sent.data + *passed, len);
	*passed += len;
}

void fuzz_handshake(struct fuzz_side side[2], enum fuzz_scene scene)
{
	struct fuzz_side *client = &side[RTLS_CLIENT], *server = &side[RTLS_SERVER];
	size_t passed[2] = { 0 }, before;

	fuzz_side_begin(client, RTLS_CLIENT, scene, false);
	fuzz_side_begin(server, RTLS_SERVER, scene, false);
	while (!fuzz_is_done(client) || !fuzz_is_done(server)) {
		before = passed[0] + passed[1];
		pass_on(client, &passed[0], server);
		pass_on(server, &passed[1], client);
		fuzz_require(passed[0] + passed[1] > before, "the real handshake stands still");
	}
}

/* ---- records ------------------------------------------------------------------------ */

bool fuzz_take(struct fuzz_side *side, struct fuzz_record *record)
{
	struct rtls_keys *keys = &side->hs->secrets.keys;
	size_t left = side->sent.len - side->taken, len;
	const uint8_t *p;

	*record = (struct fuzz_record){ 0 };
	if (!left)
		return false;
	p = side->sent.data + side->taken;
	len = left < RTLS_RECORD_HEADER_LEN ? left : 5u + (p[3] << 8 | p[4]);
	fuzz_require(len >= 5 && len <= left && p[1] == 3 && p[2] == 3, "no whole record was sent");
	side->taken += len;
	record->type = p[0];
	record->is_protected = side->is_protected;
	fuzz_put(&record->data, p + 5, len - 5);
	if (side->is_protected) {
		uint8_t *copy = fuzz_copy(p, len), *plain;
		ssize_t plain_len =
			rtls_record_open(fuzz_worker, keys->cipher, &side->key, copy, &plain);

		fuzz_require(plain_len >= 0, "a record was sent that cannot be opened");
		memcpy(record->data.data, plain, plain_len);
		record->data.len = plain_len;
		free(copy);
	} else if (record->type == RTLS_CHANGE_CIPHER_SPEC) {
		side->is_protected = true;
		side->key = keys->tx;
		side->key.seq = 0;
	}
	return true;
}

void fuzz_frame(struct wire_out *wire, uint8_t type, const uint8_t *data, size_t len,
		enum rtls_cipher cipher, struct rtls_key *key)
{
	size_t room = len + RTLS_RECORD_OVERHEAD;
	ssize_t n;

	if (!key) {
		wire_put_u8(wire, type);
		wire_put_u16(wire, HS_VERSION);
		wire_put_u16(wire, len);
		wire_put_bytes(wire, data, len);
		return;
	}
	n = rtls_record_seal(fuzz_worker, cipher, key, type, len ? data : (const uint8_t *)"", len,
			     wire_put_room(wire, room));
	fuzz_require(n > 0, "a record cannot be sealed");
	wire->len -= room - n;
}
