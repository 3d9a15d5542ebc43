// SPDX-License-Identifier: MIT
/*
 * Receiving: bytes for the handshake, records that the kernel has opened, records to open
 * here; and what a record that is not data means after the hand-over. RFC 5246 7.2.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ktls_internal.h"

#define PACKED_HEADER_LEN 3 /* type, u16 length */
#define WARNINGS_MAX      5
#define EMPTIES_MAX       32
#define CLIENT_HELLO      1 /* HelloRequest is 0 */

struct record {
	uint8_t type;
	uint8_t *data;
	size_t len;
};

/* ---- the stash ------------------------------------------------------------------- */

bool ktls_stash_add(struct conn_stash *stash, const uint8_t *data, size_t len)
{
	if (stash->len + len > stash->size) {
		/* Twice as much, so that a record that comes byte by byte is not copied as often. */
		size_t size = stash->len + len > 2 * stash->size ? stash->len + len : 2 * stash->size;
		uint8_t *grown = malloc(size);

		if (!grown)
			return false;
		if (stash->len)
			memcpy(grown, stash->data, stash->len);
		if (stash->data)
			explicit_bzero(stash->data, stash->size);
		free(stash->data);
		stash->data = grown;
		stash->size = size;
	}
	if (len)
		memcpy(stash->data + stash->len, data, len);
	stash->len += len;
	return true;
}

void ktls_stash_opened(struct conn_stash *stash, uint8_t type, const uint8_t *plain, size_t len)
{
	uint8_t *packed = stash->data + stash->opened;

	/* A record's overhead is longer than the packed header, so nothing is overtaken. */
	memmove(packed + PACKED_HEADER_LEN, plain, len);
	packed[0] = type;
	packed[1] = len >> 8;
	packed[2] = len;
	stash->opened += PACKED_HEADER_LEN + len;
}

void ktls_stash_clear(struct conn_stash *stash)
{
	if (stash->data)
		explicit_bzero(stash->data, stash->size);
	free(stash->data);
	*stash = (struct conn_stash){ 0 };
}

/* ---- completions of RECV ------------------------------------------------------------ */

static void handshake_received(struct rtls_conn *conn, const struct rtls_op *op, size_t len)
{
	ssize_t taken = rtls_hs_input(conn->hs, op->buf, len);

	if (taken < 0)
		ktls_fail(conn, taken, 0, rtls_hs_reason(conn->hs));
	else if (!ktls_stash_add(&conn->stash, op->buf + taken, len - taken))
		ktls_fail(conn, -ENOMEM, RTLS_ALERT_INTERNAL_ERROR, "no memory to receive");
	else if (rtls_hs_status(conn->hs) == RTLS_HS_DONE)
		ktls_handover_begin(conn);
}

void rtls_conn_key_done(struct rtls_conn *conn, const struct rtls_key_operation *operation)
{
	struct conn_stash *stash = &conn->stash;
	ssize_t taken;

	if (conn->phase != CONN_HANDSHAKE || rtls_hs_key_done(conn->hs, operation) == RTLS_ERR_STATE)
		return;
	conn->key_told = false;
	/* What came behind the message that the key was wanted for. */
	taken = rtls_hs_input(conn->hs, stash->data, stash->len);
	if (taken < 0) {
		ktls_fail(conn, taken, 0, rtls_hs_reason(conn->hs));
		return;
	}
	stash->len -= taken;
	if (taken)
		memmove(stash->data, stash->data + taken, stash->len);
	if (rtls_hs_status(conn->hs) == RTLS_HS_DONE)
		ktls_handover_begin(conn);
}

static void drain_received(struct rtls_conn *conn, const struct rtls_op *op, size_t len)
{
	if (!ktls_stash_add(&conn->stash, op->buf, len)) {
		ktls_fail(conn, -ENOMEM, RTLS_ALERT_INTERNAL_ERROR, "no memory to receive");
		return;
	}
	conn->report.drained += len;
	ktls_drain(conn);
}

/* The kernel's word for a bad record, and the alert that answers it. */
static const struct {
	int error;
	uint8_t alert;
	const char *reason;
} kernel_faults[] = {
	{ -EBADMSG, RTLS_ALERT_BAD_RECORD_MAC, "a record that does not authenticate" },
	{ -EMSGSIZE, RTLS_ALERT_RECORD_OVERFLOW, "a record longer than allowed" },
	{ -EINVAL, RTLS_ALERT_PROTOCOL_VERSION, "a record of another version than TLS 1.2" },
};

static void receive_failed(struct rtls_conn *conn, const struct rtls_op *op, int error)
{
	for (size_t i = 0; i < sizeof(kernel_faults) / sizeof(*kernel_faults); i++) {
		if (!op->want_record_type || kernel_faults[i].error != error)
			continue;
		/* It also stands in SO_ERROR, where the next send would meet it. */
		conn->clear_error = conn->cleared = true;
		conn->eof = conn->deaf = true;
		ktls_fail(conn, RTLS_ERR_ALERT_SENT(kernel_faults[i].alert),
			  kernel_faults[i].alert, kernel_faults[i].reason);
		return;
	}
	ktls_drop(conn, error, "receiving failed");
}

static void end_of_stream(struct rtls_conn *conn)
{
	conn->eof = true;
	if (conn->phase == CONN_HANDSHAKE || conn->phase == CONN_DRAIN)
		ktls_drop(conn, RTLS_ERR_TRUNCATED, "the peer closed during the handshake");
	else if (!conn->peer_closed && !conn->close_asked)
		ktls_drop(conn, RTLS_ERR_TRUNCATED, "the peer closed without close_notify");
}

void ktls_received(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result)
{
	bool is_end = !result && !op->record_type;

	if (conn->phase >= CONN_SHUTDOWN || conn->error) {
		/* Only the end is of interest still. */
		conn->eof |= is_end || result < 0;
		if (conn->eof && conn->phase == CONN_LINGER)
			ktls_closed(conn);
	} else if (result < 0) {
		receive_failed(conn, op, result);
	} else if (is_end) {
		end_of_stream(conn);
	} else if (conn->phase == CONN_HANDSHAKE) {
		handshake_received(conn, op, result);
	} else if (conn->phase == CONN_DRAIN) {
		drain_received(conn, op, result);
	} else {
		conn->in = op->buf;
		conn->in_len = result;
		conn->in_type = op->record_type;
		conn->in_opened = op->want_record_type;
	}
}

/* ---- records ---------------------------------------------------------------------------- */

/* Opens the whole record at @buf; false: the connection has failed. */
static bool open_record(struct rtls_conn *conn, uint8_t *buf, struct record *record)
{
	uint8_t type = buf[0];
	ssize_t len = rtls_record_open(conn->worker, conn->keys->cipher, &conn->keys->rx, buf,
				       &record->data);

	if (len < 0) {
		ktls_fail(conn, len, RTLS_ERR_ALERT(len), "a record that does not authenticate");
		return false;
	}
	record->type = type;
	record->len = len;
	return true;
}

/* The length of the record at @buf, 0 if it cannot be told yet or is bad (then it failed). */
static size_t whole_len(struct rtls_conn *conn, const uint8_t *buf, size_t have)
{
	ssize_t len = rtls_record_len(conn->keys->cipher, buf, have);

	if (len < 0)
		ktls_fail(conn, len, RTLS_ERR_ALERT(len), "a record with a bad header");
	return len > 0 ? len : 0;
}

static bool packed_record(struct conn_stash *stash, struct record *record)
{
	uint8_t *packed;

	if (stash->next == stash->opened)
		return false;
	packed = stash->data + stash->next;
	record->type = packed[0];
	record->len = packed[1] << 8 | packed[2];
	record->data = packed + PACKED_HEADER_LEN;
	stash->next += PACKED_HEADER_LEN + record->len;
	return true;
}

/* Moves bytes from the driver's buffer into the stash until it has @want of its raw record. */
static bool complete(struct rtls_conn *conn, size_t want)
{
	struct conn_stash *stash = &conn->stash;
	size_t have = stash->len - stash->raw, part = want - have;

	if (have >= want)
		return true;
	if (part > conn->in_len)
		part = conn->in_len;
	if (!ktls_stash_add(stash, conn->in, part)) {
		ktls_fail(conn, -ENOMEM, RTLS_ALERT_INTERNAL_ERROR, "no memory to receive");
		return false;
	}
	conn->in += part;
	conn->in_len -= part;
	return have + part == want;
}

/* A record that began in an earlier buffer. */
static bool stashed_record(struct rtls_conn *conn, struct record *record)
{
	struct conn_stash *stash = &conn->stash;
	size_t len;

	if (!complete(conn, RTLS_RECORD_HEADER_LEN))
		return false;
	len = whole_len(conn, stash->data + stash->raw, RTLS_RECORD_HEADER_LEN);
	if (!len || !complete(conn, len))
		return false;
	stash->raw += len;
	return open_record(conn, stash->data + stash->raw - len, record);
}

/* A record in the driver's buffer; a part of one goes into the stash. */
static bool incoming_record(struct rtls_conn *conn, struct record *record)
{
	size_t len = whole_len(conn, conn->in, conn->in_len);
	uint8_t *buf = conn->in;

	if (conn->error)
		return false;
	if (!len || len > conn->in_len) {
		complete(conn, conn->in_len);
		return false;
	}
	conn->in += len;
	conn->in_len -= len;
	return open_record(conn, buf, record);
}

static bool kernel_record(struct rtls_conn *conn, struct record *record)
{
	conn->in_opened = false;
	*record = (struct record){ conn->in_type, conn->in, conn->in_len };
	conn->in_len = 0;
	return true;
}

/* The next record of either kind, in the order in which they came. */
static bool next_record(struct rtls_conn *conn, struct record *record)
{
	struct conn_stash *stash = &conn->stash;

	if (packed_record(stash, record))
		return true;
	if (stash->raw < stash->len)
		return stashed_record(conn, record);
	if (stash->data)
		ktls_stash_clear(stash);
	if (conn->in_opened)
		return kernel_record(conn, record);
	return conn->in_len && incoming_record(conn, record);
}

/* ---- records that are not data ------------------------------------------------------------ */

static void alert_received(struct rtls_conn *conn, const struct record *record)
{
	uint8_t level, alert;

	if (record->len != 2) {
		ktls_fail(conn, RTLS_ERR_ALERT_SENT(RTLS_ALERT_DECODE_ERROR),
			  RTLS_ALERT_DECODE_ERROR, "an alert that cannot be parsed");
		return;
	}
	level = record->data[0];
	alert = record->data[1];
	if (alert == RTLS_ALERT_CLOSE_NOTIFY) {
		conn->peer_closed = true;
		conn->tell_peer_closed = true;
	} else if (level != ALERT_WARNING) {
		ktls_drop(conn, RTLS_ERR_ALERT_RECEIVED(alert), "the peer sent a fatal alert");
	} else if (++conn->warnings > WARNINGS_MAX) {
		ktls_fail(conn, RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNEXPECTED_MESSAGE),
			  RTLS_ALERT_UNEXPECTED_MESSAGE, "too many warning alerts");
	}
}

/* No renegotiation: a warning the first time, RFC 5246 7.2.2; whoever insists must go. */
static void handshake_record_received(struct rtls_conn *conn, const struct record *record)
{
	bool asks = record->len && record->data[0] <= CLIENT_HELLO;

	if (asks && !conn->renegotiations++)
		ktls_queue_alert(conn, ALERT_WARNING, RTLS_ALERT_NO_RENEGOTIATION);
	else
		ktls_fail(conn, RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNEXPECTED_MESSAGE),
			  RTLS_ALERT_UNEXPECTED_MESSAGE,
			  asks ? "the peer insists on renegotiation"
			       : "a handshake message behind the handshake");
}

static void control_record(struct rtls_conn *conn, const struct record *record)
{
	if (record->type == RTLS_ALERT)
		alert_received(conn, record);
	else if (record->type == RTLS_HANDSHAKE)
		handshake_record_received(conn, record);
	else
		ktls_fail(conn, RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNEXPECTED_MESSAGE),
			  RTLS_ALERT_UNEXPECTED_MESSAGE,
			  "a record of a type that has no place here");
}

/* Such a record costs its sender as much as us; the kernel skips those that it opens. */
static void empty_record(struct rtls_conn *conn)
{
	if (++conn->empties > EMPTIES_MAX)
		ktls_fail(conn, RTLS_ERR_ALERT_SENT(RTLS_ALERT_UNEXPECTED_MESSAGE),
			  RTLS_ALERT_UNEXPECTED_MESSAGE, "too many empty records in a row");
}

bool ktls_next_data(struct rtls_conn *conn, struct rtls_event *event)
{
	struct record record;

	/* From CONN_SHUTDOWN on what comes is thrown away. */
	while (conn->phase == CONN_OPEN && !conn->error && next_record(conn, &record)) {
		/* RFC 5246 7.2.1: whatever follows a close_notify is ignored. */
		if (conn->peer_closed)
			continue;
		if (record.type != RTLS_APPLICATION_DATA) {
			control_record(conn, &record);
		} else if (!record.len) {
			empty_record(conn);
		} else {
			conn->empties = 0;
			event->type = RTLS_EVENT_DATA;
			event->data = record.data;
			event->len = record.len;
			return true;
		}
	}
	return false;
}
