// SPDX-License-Identifier: MIT
/*
 * Whole connections: the input is a script by which the peer's records are changed on their way.
 * Two things must hold whatever it says. Where only borders moved, between records or between
 * calls, the connection comes about and its data arrives. And where it comes about, every byte of
 * the handshake is the one that the peer sent, and what arrives is the beginning of its data.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* ---- the script --------------------------------------------------------------------- */

/* Read from both ends: what happens to records from the front, the calls' sizes from the back. */
struct script {
	const uint8_t *data;
	size_t len;
};

static uint8_t next(struct script *script)
{
	if (!script->len)
		return 0;
	script->len--;
	return *script->data++;
}

static uint8_t last(struct script *script)
{
	return script->len ? script->data[--script->len] : 0;
}

static size_t next_below(struct script *script, size_t limit)
{
	size_t value = next(script) << 8;

	value |= next(script);
	return limit ? value % limit : 0;
}

/* What is done to the record in hand. */
enum action {
	PASS, /* what an exhausted script says */
	CUT,  /* its first part goes as a record of its own */
	JOIN, /* the next record of this kind becomes a part of it */
	CHANGE,
	INSERT,
	REMOVE,
	REPEAT,
	DROP,
	STRANGER, /* another record goes before it */
	DAMAGE,   /* on the wire, protected or not */
	ACTIONS,
};

/* ---- the state of a run ------------------------------------------------------------- */

#define APPLICATION_DATA "some data of the application's, in a few records"

static struct {
	struct script script;
	struct fuzz_side side[2]; /* by role */
	enum rtls_role tested;
	struct fuzz_record hand; /* the record that is being changed */
	bool in_hand;
	struct wire_out wire; /* to the tested side */
	struct rtls_key key; /* what seals the next record there */
	struct wire_out original, delivered; /* the handshake as sent, as passed on */
	struct wire_out application; /* data as passed on */
	bool disturbed; /* more than the handshake's content and the borders has changed */
	struct wire_out leftover; /* what came behind the handshake */
} run;

static struct fuzz_side *tested(void)
{
	return &run.side[run.tested];
}

static struct fuzz_side *peer(void)
{
	return &run.side[!run.tested];
}

/* ---- from the peer to the wire ------------------------------------------------------ */

static void emit_part(uint8_t type, bool is_protected, const uint8_t *data, size_t len)
{
	if (type == RTLS_HANDSHAKE)
		fuzz_put(&run.delivered, data, len);
	if (type == RTLS_APPLICATION_DATA && is_protected)
		fuzz_put(&run.application, data, len);
	run.disturbed |= !len;
	fuzz_frame(&run.wire, type, data, len, peer()->hs->secrets.keys.cipher,
		   is_protected ? &run.key : NULL);
}

static void emit(uint8_t type, bool is_protected, const uint8_t *data, size_t len)
{
	while (len > RTLS_PLAINTEXT_MAX) {
		emit_part(type, is_protected, data, RTLS_PLAINTEXT_MAX);
		data += RTLS_PLAINTEXT_MAX;
		len -= RTLS_PLAINTEXT_MAX;
	}
	emit_part(type, is_protected, data, len);
}

static void emit_hand(void)
{
	emit(run.hand.type, run.hand.is_protected, run.hand.data.data, run.hand.data.len);
}

/* Takes @old bytes out at @at, puts @len in their place. */
static void splice(struct wire_out *out, size_t at, size_t old, const uint8_t *data, size_t len)
{
	struct wire_out result = { 0 };

	fuzz_put(&result, out->data, at);
	fuzz_put(&result, data, len);
	if (out->len > at + old)
		fuzz_put(&result, out->data + at + old, out->len - at - old);
	wire_clear(out);
	*out = result;
}

/* Content of other records than the handshake's is not compared. */
static void content_changes(void)
{
	run.disturbed |= run.hand.type != RTLS_HANDSHAKE;
}

static size_t script_bytes(uint8_t bytes[static 32])
{
	size_t len = next(&run.script) % 32;

	for (size_t i = 0; i < len; i++)
		bytes[i] = next(&run.script);
	return len;
}

static void cut(void)
{
	size_t at = next_below(&run.script, run.hand.data.len + 1);

	emit(run.hand.type, run.hand.is_protected, run.hand.data.data, at);
	splice(&run.hand.data, 0, at, NULL, 0);
}

static void stranger(void)
{
	uint8_t bytes[32], type = next(&run.script);
	size_t len = script_bytes(bytes);

	run.disturbed |= type != RTLS_HANDSHAKE;
	emit(type, run.hand.is_protected, bytes, len);
}

static void damage(void)
{
	size_t at = run.wire.len, len;

	emit_hand();
	len = run.hand.is_protected ? run.wire.len - at : RTLS_RECORD_HEADER_LEN;
	at += next_below(&run.script, len);
	run.wire.data[at] ^= next(&run.script);
	run.disturbed = true;
}

/* The next record becomes a part of the one in hand, if there is one and of the same type. */
static void join(void)
{
	struct fuzz_side before = *peer();
	struct fuzz_record record;

	if (!fuzz_take(peer(), &record))
		return;
	if (record.type != run.hand.type || record.type == RTLS_CHANGE_CIPHER_SPEC) {
		*peer() = before;
	} else {
		if (record.type == RTLS_HANDSHAKE)
			fuzz_put(&run.original, record.data.data, record.data.len);
		fuzz_put(&run.hand.data, record.data.data, record.data.len);
		run.disturbed |= record.type == RTLS_ALERT;
	}
	wire_clear(&record.data);
}

/* Does one action. Returns false when the record has left the hand. */
static bool act(enum action action)
{
	struct wire_out *data = &run.hand.data;
	uint8_t bytes[32];
	size_t at, len;

	switch (action) {
	case CUT:
		cut();
		return true;
	case JOIN:
		join();
		return true;
	case CHANGE:
		content_changes();
		at = next_below(&run.script, data->len);
		if (data->len)
			data->data[at] ^= next(&run.script);
		return true;
	case INSERT:
		content_changes();
		at = next_below(&run.script, data->len + 1);
		len = script_bytes(bytes);
		splice(data, at, 0, bytes, len);
		return true;
	case REMOVE:
		content_changes();
		at = next_below(&run.script, data->len + 1);
		splice(data, at, next(&run.script) % (data->len - at + 1), NULL, 0);
		return true;
	case REPEAT:
		content_changes();
		emit_hand();
		return true;
	case STRANGER:
		stranger();
		return true;
	case DROP:
		content_changes();
		return false;
	case DAMAGE:
		damage();
		return false;
	default:
		emit_hand();
		return false;
	}
}

static void change_records(void)
{
	while (fuzz_take(peer(), &run.hand)) {
		if (run.hand.type == RTLS_HANDSHAKE)
			fuzz_put(&run.original, run.hand.data.data, run.hand.data.len);
		if (run.hand.type == RTLS_CHANGE_CIPHER_SPEC)
			run.key = peer()->key;
		while (act(next(&run.script) % ACTIONS))
			;
		wire_clear(&run.hand.data);
	}
}

/* ---- to the tested side ------------------------------------------------------------- */

static void feed(const struct wire_out *wire)
{
	size_t done = 0;

	while (done < wire->len && fuzz_goes_on(tested())) {
		size_t left = wire->len - done, size = last(&run.script);
		size_t part = size && size < left ? size : left;
		size_t taken = fuzz_input(tested(), wire->data + done, part);

		done += taken;
		if (taken < part)
			break;
	}
	if (done < wire->len)
		fuzz_put(&run.leftover, wire->data + done, wire->len - done);
}

/* A server sends its data right behind Finished, as far as we are concerned. */
static void send_application_data(void)
{
	struct rtls_keys *keys = &peer()->hs->secrets.keys;
	const uint8_t *data = (const uint8_t *)APPLICATION_DATA;
	size_t len = strlen(APPLICATION_DATA), part = len / 3;

	for (size_t done = 0; done < len; done += part)
		fuzz_frame(&peer()->sent, RTLS_APPLICATION_DATA, data + done,
			   len - done < part ? len - done : part, keys->cipher, &keys->tx);
}

/* Until neither has anything to say. */
static void connect_sides(void)
{
	size_t passed = 0, before;
	bool has_sent = false;

	do {
		before = peer()->sent.len + tested()->sent.len;
		if (fuzz_is_done(peer()) && !has_sent) {
			send_application_data();
			has_sent = true;
		}
		change_records();
		feed(&run.wire);
		run.wire.len = 0;
		if (tested()->sent.len > passed && fuzz_goes_on(peer()))
			fuzz_input(peer(), tested()->sent.data + passed,
				   tested()->sent.len - passed);
		passed = tested()->sent.len;
	} while (peer()->sent.len + tested()->sent.len > before);
}

/* ---- what must hold ----------------------------------------------------------------- */

static bool begins_with(const struct wire_out *whole, const struct wire_out *part)
{
	return part->len <= whole->len &&
	       (!part->len || !memcmp(whole->data, part->data, part->len));
}

static bool same(const struct wire_out *a, const struct wire_out *b)
{
	return a->len == b->len && begins_with(a, b);
}

/* Is it more than borders that moved? */
static bool has_changed(void)
{
	return run.disturbed || !same(&run.original, &run.delivered);
}

/* RFC 5246 7.4.1.1: a client ignores HelloRequests, and they are not hashed. */
static void remove_hello_requests(struct wire_out *messages)
{
	for (size_t at = 0; messages->len - at >= 4;) {
		const uint8_t *p = messages->data + at;
		size_t len = 4 + (p[1] << 16 | p[2] << 8 | p[3]);

		if (p[0] == HS_HELLO_REQUEST && len == 4)
			splice(messages, at, 4, NULL, 0);
		else
			at += len < messages->len - at ? len : messages->len - at;
	}
}

/* What came behind the handshake, opened: as much of it as is good. */
static struct wire_out open_leftover(struct rtls_keys *keys)
{
	uint8_t *copy = fuzz_copy(run.leftover.data, run.leftover.len), *p = copy, *plain;
	size_t left = run.leftover.len;
	struct wire_out data = { 0 };
	ssize_t len, plain_len;

	while ((len = rtls_record_len(keys->cipher, p, left)) > 0 && (size_t)len <= left) {
		plain_len = rtls_record_open(fuzz_worker, keys->cipher, &keys->rx, p, &plain);
		if (plain_len < 0 || p[0] != RTLS_APPLICATION_DATA)
			break;
		fuzz_put(&data, plain, plain_len);
		p += len;
		left -= len;
	}
	free(copy);
	return data;
}

static void check_keys(const struct rtls_keys *ours, const struct rtls_keys *theirs)
{
	fuzz_require(ours->suite == theirs->suite && ours->version == theirs->version,
		     "two suites");
	fuzz_require(!memcmp(ours->rx.key, theirs->tx.key, sizeof(ours->rx.key)) &&
			     !memcmp(ours->tx.key, theirs->rx.key, sizeof(ours->tx.key)),
		     "two keys");
}

static void check_done(void)
{
	struct rtls_keys keys, theirs;
	struct rtls_peer info;
	struct wire_out data;

	if (run.tested == RTLS_CLIENT)
		remove_hello_requests(&run.delivered);
	/* What comes behind Finished is no part of it. */
	fuzz_require(begins_with(&run.delivered, &run.original),
		     "a handshake that was changed on its way comes about");
	fuzz_require(!rtls_hs_finish(tested()->hs, &keys, &info), "done, but not to be finished");
	rtls_peer_free(&info);
	fuzz_require(!rtls_hs_finish(peer()->hs, &theirs, NULL), "done, but the peer is not");
	check_keys(&keys, &theirs);
	data = open_leftover(&keys);
	fuzz_require(begins_with(&run.application, &data), "other data than was sent");
	fuzz_require(has_changed() || same(&run.application, &data), "not all of the data");
	wire_clear(&data);
}

/* RFC 5246 7.2: the alert of a side that fails is one that its peer can read. */
static void check_failed(void)
{
	int error = rtls_hs_error(tested()->hs);

	fuzz_require(has_changed(), "borders moved, and the handshake fails: %s",
		     rtls_hs_reason(tested()->hs));
	if (RTLS_ERR_IS_ALERT_SENT(error) && !fuzz_is_done(peer()) &&
	    !RTLS_ERR_IS_ALERT_SENT(rtls_hs_error(peer()->hs)))
		fuzz_require(rtls_hs_error(peer()->hs) ==
				     RTLS_ERR_ALERT_RECEIVED(RTLS_ERR_ALERT(error)),
			     "the alert does not reach the peer: %s", rtls_hs_reason(peer()->hs));
}

static void run_connection(enum rtls_role role, const uint8_t *data, size_t len)
{
	enum fuzz_scene scene;

	memset(&run, 0, sizeof(run));
	run.script = (struct script){ data, len };
	run.tested = role;
	scene = next(&run.script) % SCENES;
	fuzz_side_begin(&run.side[RTLS_CLIENT], RTLS_CLIENT, scene, role == RTLS_CLIENT);
	fuzz_side_begin(&run.side[RTLS_SERVER], RTLS_SERVER, scene, role == RTLS_SERVER);
	connect_sides();
	if (fuzz_is_done(tested()))
		check_done();
	else if (rtls_hs_error(tested()->hs))
		check_failed();
	else
		fuzz_require(has_changed(), "borders moved, and the handshake stands still");
	fuzz_side_end(&run.side[RTLS_CLIENT]);
	fuzz_side_end(&run.side[RTLS_SERVER]);
	wire_clear(&run.wire);
	wire_clear(&run.original);
	wire_clear(&run.delivered);
	wire_clear(&run.application);
	wire_clear(&run.leftover);
}

/* The real connections: every configuration is made, and what libcrypto makes once. */
static void begin_connection(const struct fuzz_target *target)
{
	for (uint8_t scene = 0; scene < SCENES; scene++) {
		fuzz_scene_begin(scene);
		run_connection(target->role, &scene, 1);
	}
}

static void run_client(const uint8_t *data, size_t len)
{
	run_connection(RTLS_CLIENT, data, len);
}

static void run_server(const uint8_t *data, size_t len)
{
	run_connection(RTLS_SERVER, data, len);
}

static void seed_connection(void)
{
	/*
	 * With zeros behind, for the calls. A server's Finished is its sixth record, a client's its
	 * fourth.
	 */
	static const uint8_t scripts[][40] = {
		{ PASS },
		{ CUT, 0, 3, CUT, 0, 40, PASS, JOIN, JOIN, CUT, 0, 90, PASS, CUT, 0, 1 },
		{ CUT, 0, 3, [32] = 7, 1, 200, 3, 3, 3, 3, 3 },
		{ CHANGE, 0, 9, 0x10, PASS, INSERT, 0, 3, 2, 1, 1, REMOVE, 0, 4, 2 },
		{ REPEAT, PASS, DROP, STRANGER, RTLS_ALERT, 2, 1, 90, PASS, DAMAGE, 0, 6, 1 },
		{ PASS, PASS, PASS, PASS, PASS, CHANGE, 0, 5, 1 },
		{ PASS, PASS, PASS, CHANGE, 0, 5, 1 },
	};

	for (uint8_t scene = 0; scene < SCENES; scene++)
		for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++)
			fuzz_seed(scene, scripts[i], sizeof(scripts[i]));
}

const struct fuzz_target connection_targets[] = {
	{ "connection_client", begin_connection, run_client, seed_connection, .role = RTLS_CLIENT },
	{ "connection_server", begin_connection, run_server, seed_connection, .role = RTLS_SERVER },
	{ 0 },
};
