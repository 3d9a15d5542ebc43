// SPDX-License-Identifier: MIT
/*
 * One target a received message and role. A real handshake is run once and what the peer sent is
 * kept; each input then begins the same handshake anew, gives it the peer's messages up to
 * the one of the target, the input in its place, and if it still goes on the peer's rest.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* A handshake message with its header, or a ChangeCipherSpec. */
struct item {
	uint8_t type;
	struct wire_out data;
};

#define ITEMS_MAX 32

static const struct fuzz_target *row;
static struct item items[ITEMS_MAX];
static size_t items_len, fuzzed;

/* ---- the real handshake ------------------------------------------------------------- */

static void add_item(uint8_t type, const uint8_t *data, size_t len)
{
	struct item *item = &items[items_len++];

	fuzz_require(items_len < ITEMS_MAX, "more messages than fit");
	item->type = type;
	wire_put_bytes(&item->data, data, len);
	if (type == row->type && (type != RTLS_HANDSHAKE || data[0] == row->message))
		fuzzed = items_len - 1;
}

/* What the peer has sent since the last time. No message of ours spans two records. */
static void keep_items(struct fuzz_side *peer)
{
	struct fuzz_record record;

	while (fuzz_take(peer, &record)) {
		const uint8_t *p = record.data.data, *end = p + record.data.len;

		while (p < end) {
			size_t len = end - p;

			if (record.type == RTLS_HANDSHAKE)
				len = 4 + (p[1] << 16 | p[2] << 8 | p[3]);
			fuzz_require(len <= (size_t)(end - p), "a message of the peer's is cut");
			add_item(record.type, p, len);
			p += len;
		}
		wire_clear(&record.data);
	}
}

static void begin_message(const struct fuzz_target *target)
{
	struct fuzz_side side[2];

	row = target;
	fuzzed = ITEMS_MAX;
	fuzz_scene_begin(row->scene);
	fuzz_handshake(side, row->scene);
	keep_items(&side[!row->role]);
	fuzz_side_end(&side[RTLS_CLIENT]);
	fuzz_side_end(&side[RTLS_SERVER]);
	fuzz_require(fuzzed < ITEMS_MAX, "the peer has not sent the message");
}

/* ---- an input ----------------------------------------------------------------------- */

/* A part's size as a nibble of the input says it; 0: everything at once. */
static size_t part_len(uint8_t code, size_t len)
{
	static const size_t parts[16] = { 0, 1, 2, 3, 4, 5, 7, 8, 13, 16, 32, 64, 100, 256, 1000 };
	size_t part = parts[code & 15], least = len / 32 + 1;

	if (!part)
		return len ? len : 1;
	return part > least ? part : least;
}

/* Frames @len bytes as the peer would, in records and in calls cut as @cut says. */
static void deliver(struct fuzz_side *side, uint8_t type, const uint8_t *data, size_t len,
		    uint8_t cut)
{
	const struct rtls_keys *keys = &side->hs->secrets.keys;
	struct rtls_key key = keys->rx;
	struct wire_out wire = { 0 };
	size_t part = part_len(cut, len), done = 0;

	if (part > RTLS_PLAINTEXT_MAX)
		part = RTLS_PLAINTEXT_MAX;
	do {
		size_t n = len - done < part ? len - done : part;

		fuzz_frame(&wire, type, len ? data + done : NULL, n, keys->cipher,
			   side->hs->read_protected ? &key : NULL);
		done += n;
	} while (done < len);
	part = part_len(cut >> 4, wire.len);
	for (done = 0; done < wire.len && fuzz_goes_on(side);) {
		size_t n = wire.len - done < part ? wire.len - done : part;

		if (fuzz_input(side, wire.data + done, n) < n)
			break;
		done += n;
	}
	wire_clear(&wire);
	OPENSSL_cleanse(&key, sizeof(key));
}

static void deliver_item(struct fuzz_side *side, const struct item *item)
{
	if (fuzz_goes_on(side))
		deliver(side, item->type, item->data.data, item->data.len, 0);
}

#define RAW 0x88 /* both nibbles' high bits: the input has a header of its own */

/*
 * The input: a byte that says how to cut it, then the message's body, which gets the header that
 * belongs to it, or a message with the header that it bears.
 */
static struct wire_out deliver_input(struct fuzz_side *side, const uint8_t *data, size_t len)
{
	uint8_t cut = len ? data[0] : 0;
	struct wire_out message = { 0 };
	size_t body;

	data += !!len;
	len -= !!len;
	if (row->type == RTLS_HANDSHAKE && (cut & RAW) != RAW) {
		wire_put_u8(&message, row->message);
		body = wire_begin_vector(&message, 3);
		fuzz_put(&message, data, len);
		wire_end_vector(&message, body, 3);
	} else {
		fuzz_put(&message, data, len);
	}
	deliver(side, row->type, message.data, message.len, cut);
	return message;
}

/* Skips HelloRequests, which a client ignores and Finished leaves out. */
static void skip_hello_requests(const uint8_t **data, size_t *len)
{
	static const uint8_t hello_request[4] = { HS_HELLO_REQUEST };

	while (row->type == RTLS_HANDSHAKE && *len >= sizeof(hello_request) &&
	       !memcmp(*data, hello_request, sizeof(hello_request))) {
		*data += sizeof(hello_request);
		*len -= sizeof(hello_request);
	}
}

/*
 * Finished is over every byte of every message, so the real message has come, and at most
 * HelloRequests beside it. What begins a record of its own behind the last Finished is the
 * connection's and no more the handshake's.
 */
static void check_done(struct fuzz_side *side, const struct wire_out *message, size_t record_len)
{
	const struct wire_out *real = &items[fuzzed].data;
	const uint8_t *data = message->data;
	size_t len = message->len;
	struct rtls_keys keys;
	struct rtls_peer peer;

	skip_hello_requests(&data, &len);
	fuzz_require(len >= real->len && !memcmp(data, real->data, real->len),
		     "done, with another message than the real one");
	data += real->len;
	len -= real->len;
	if (row->type != RTLS_HANDSHAKE || row->message != HS_FINISHED)
		skip_hello_requests(&data, &len);
	else if ((message->len - len) % record_len == 0)
		len = 0;
	fuzz_require(!len, "done, with more behind the message");
	fuzz_require(!rtls_hs_finish(side->hs, &keys, &peer), "done, but not to be finished");
	rtls_peer_free(&peer);
}

static void run_message(const uint8_t *data, size_t len)
{
	struct fuzz_side side;
	struct wire_out message;

	fuzz_side_begin(&side, row->role, row->scene, true);
	for (size_t i = 0; i < fuzzed; i++)
		deliver_item(&side, &items[i]);
	fuzz_require(fuzz_goes_on(&side), "the real messages before are refused: %s",
		     rtls_hs_reason(side.hs));
	message = deliver_input(&side, data, len);
	for (size_t i = fuzzed + 1; i < items_len; i++)
		deliver_item(&side, &items[i]);
	if (fuzz_is_done(&side))
		check_done(&side, &message, part_len(len ? data[0] : 0, message.len));
	wire_clear(&message);
	fuzz_side_end(&side);
}

/* ---- seeds -------------------------------------------------------------------------- */

static void seed_message(void)
{
	static const uint8_t cuts[] = { 0, 0x03, 0x36, 0x61 };
	const struct wire_out *data = &items[fuzzed].data;
	size_t header = row->type == RTLS_HANDSHAKE ? 4 : 0;

	for (size_t i = 0; i < sizeof(cuts); i++)
		fuzz_seed(cuts[i], data->data + header, data->len - header);
	fuzz_seed(RAW, data->data, data->len);
}

/* ---- the targets -------------------------------------------------------------------- */

#define TARGET(name, role, scene, type, message)                                                   \
	{ name, begin_message, run_message, seed_message, role, scene, type, message }
#define TO_CLIENT(name, scene, message)                                                            \
	TARGET(name, RTLS_CLIENT, scene, RTLS_HANDSHAKE, message)
#define TO_SERVER(name, scene, message)                                                            \
	TARGET(name, RTLS_SERVER, scene, RTLS_HANDSHAKE, message)
#define CHANGE_CIPHER_SPEC(name, role) TARGET(name, role, SCENE_ECDHE, RTLS_CHANGE_CIPHER_SPEC, 0)

const struct fuzz_target message_targets[] = {
	TO_CLIENT("server_hello", SCENE_ALL, HS_SERVER_HELLO),
	TO_CLIENT("server_certificate", SCENE_ALL, HS_CERTIFICATE),
	TO_CLIENT("certificate_status", SCENE_STAPLE, HS_CERTIFICATE_STATUS),
	TO_CLIENT("server_key_exchange_ecdhe", SCENE_ECDHE, HS_SERVER_KEY_EXCHANGE),
	TO_CLIENT("server_key_exchange_dhe", SCENE_DHE, HS_SERVER_KEY_EXCHANGE),
	TO_CLIENT("server_hello_done", SCENE_ECDHE, HS_SERVER_HELLO_DONE),
	TO_CLIENT("certificate_request", SCENE_CLIENT_AUTH, HS_CERTIFICATE_REQUEST),
	TO_CLIENT("new_session_ticket", SCENE_NEW_TICKET, HS_NEW_SESSION_TICKET),
	TO_CLIENT("server_hello_ticket", SCENE_TICKET, HS_SERVER_HELLO),
	TO_CLIENT("server_hello_session_id", SCENE_SESSION_ID, HS_SERVER_HELLO),
	CHANGE_CIPHER_SPEC("server_change_cipher_spec", RTLS_CLIENT),
	TO_CLIENT("server_finished", SCENE_ECDHE, HS_FINISHED),
	TO_CLIENT("server_finished_resumed", SCENE_SESSION_ID, HS_FINISHED),

	TO_SERVER("client_hello", SCENE_ALL, HS_CLIENT_HELLO),
	TO_SERVER("client_hello_ticket", SCENE_TICKET, HS_CLIENT_HELLO),
	TO_SERVER("client_hello_session_id", SCENE_SESSION_ID, HS_CLIENT_HELLO),
	TO_SERVER("client_key_exchange_ecdhe", SCENE_ECDHE, HS_CLIENT_KEY_EXCHANGE),
	TO_SERVER("client_key_exchange_dhe", SCENE_DHE, HS_CLIENT_KEY_EXCHANGE),
	TO_SERVER("client_key_exchange_rsa", SCENE_RSA, HS_CLIENT_KEY_EXCHANGE),
	TO_SERVER("client_certificate", SCENE_CLIENT_AUTH, HS_CERTIFICATE),
	TO_SERVER("certificate_verify", SCENE_CLIENT_AUTH, HS_CERTIFICATE_VERIFY),
	CHANGE_CIPHER_SPEC("client_change_cipher_spec", RTLS_SERVER),
	TO_SERVER("client_finished", SCENE_ECDHE, HS_FINISHED),
	TO_SERVER("client_finished_resumed", SCENE_TICKET, HS_FINISHED),
	{ 0 },
};
