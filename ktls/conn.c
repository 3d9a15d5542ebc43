// SPDX-License-Identifier: MIT
/*
 * A connection: which operation comes next, and what its completion means. The phases
 * run in the order of enum conn_phase; a failure in the handshake leaves it for
 * CONN_SHUTDOWN, one later on sends its alert in CONN_OPEN first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ktls_internal.h"

/* The longest read in the handshake: more would only be copied as a leftover. */
#define HANDSHAKE_READ_MAX 16384

struct rtls_conn *rtls_conn_new(struct rtls_hs *hs, struct rtls_worker *worker,
				enum rtls_policy policy)
{
	struct rtls_conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		rtls_hs_free(hs);
		return NULL;
	}
	conn->hs = hs;
	conn->worker = worker;
	conn->policy = policy;
	if (policy == RTLS_KTLS_OFF)
		conn->report.tx.reason = conn->report.rx.reason = RTLS_REASON_OFF;
	return conn;
}

void rtls_conn_free(struct rtls_conn *conn)
{
	if (!conn)
		return;
	rtls_hs_free(conn->hs);
	rtls_peer_free(&conn->peer);
	ktls_stash_clear(&conn->stash);
	ktls_sealed_clear(&conn->sealed);
	if (conn->keys) {
		explicit_bzero(conn->keys, sizeof(*conn->keys));
		rtls_worker_forget(conn->worker);
	}
	if (conn->crypto_info)
		explicit_bzero(conn->crypto_info, KTLS_CRYPTO_INFO_MAX);
	free(conn->keys);
	free(conn->crypto_info);
	free(conn);
}

/* ---- failure and close -------------------------------------------------------------- */

void ktls_closed(struct rtls_conn *conn)
{
	if (conn->phase == CONN_CLOSED)
		return;
	conn->phase = CONN_CLOSED;
	conn->tell_closed = true;
}

static bool latch(struct rtls_conn *conn, int error, const char *reason)
{
	if (conn->error || conn->phase == CONN_CLOSED)
		return false;
	conn->error = error;
	conn->reason = reason;
	conn->tell_failed = true;
	conn->request.active = false;
	return true;
}

void ktls_fail(struct rtls_conn *conn, int error, uint8_t alert, const char *reason)
{
	if (!latch(conn, error, reason))
		return;
	if (conn->phase == CONN_HANDSHAKE) {
		rtls_hs_abort(conn->hs, alert, reason); /* has sent its own if it failed */
		return;
	}
	conn->alert_queued = false;
	ktls_queue_alert(conn, ALERT_FATAL, alert);
	conn->phase = CONN_OPEN;
}

void ktls_drop(struct rtls_conn *conn, int error, const char *reason)
{
	latch(conn, error, reason);
	ktls_closed(conn);
}

/* Not while an operation is under way: it may be sending from, or installing, what this changes. */
static void close_early(struct rtls_conn *conn)
{
	if (conn->close_asked && !conn->busy && conn->phase < CONN_OPEN)
		ktls_fail(conn, -ECANCELED, RTLS_ALERT_USER_CANCELED, "closed in the handshake");
}

void rtls_conn_close(struct rtls_conn *conn)
{
	conn->close_asked = true;
	close_early(conn);
}

static void shutdown_done(struct rtls_conn *conn)
{
	/* After an error of the transport or of the kernel's records nothing can be read. */
	if (conn->eof || conn->deaf)
		ktls_closed(conn);
	else
		conn->phase = CONN_LINGER;
}

/* ---- the next operation ---------------------------------------------------------------- */

static bool next_in_handshake(struct rtls_conn *conn, struct rtls_op *op)
{
	size_t len;

	switch (rtls_hs_status(conn->hs)) {
	case RTLS_HS_WANT_OUTPUT:
		if (ktls_attach_wanted(conn)) {
			ktls_attach_op(conn, op);
			return true;
		}
		op->code = RTLS_OP_SEND;
		op->buf = (uint8_t *)rtls_hs_output(conn->hs, &len);
		op->len = len;
		return true;
	case RTLS_HS_FAILED:
		conn->phase = CONN_SHUTDOWN;
		return false;
	default:
		return false;
	}
}

/* Everything given to send is sent: is there a close to go on with? */
static bool next_in_close(struct rtls_conn *conn, struct rtls_op *op)
{
	if (!conn->error && !conn->close_asked)
		return false;
	if (!conn->error && !conn->close_notify_sent) {
		conn->close_notify_sent = true;
		ktls_queue_alert(conn, ALERT_WARNING, RTLS_ALERT_CLOSE_NOTIFY);
		return ktls_send_op(conn, op);
	}
	conn->phase = CONN_SHUTDOWN;
	return false;
}

static bool next_other(struct rtls_conn *conn, struct rtls_op *op)
{
	if (conn->phase == CONN_HANDSHAKE && next_in_handshake(conn, op))
		return true;
	if (conn->phase == CONN_INSTALL_TX || conn->phase == CONN_INSTALL_RX) {
		ktls_install_op(conn, op);
		return true;
	}
	if (conn->phase == CONN_OPEN && (ktls_send_op(conn, op) || next_in_close(conn, op)))
		return true;
	if (conn->phase != CONN_SHUTDOWN)
		return false;
	op->code = RTLS_OP_SHUTDOWN;
	return true;
}

static bool next_recv(struct rtls_conn *conn, struct rtls_op *op)
{
	op->code = RTLS_OP_RECV;
	op->want_record_type = conn->report.rx.mode == RTLS_MODE_KERNEL;
	op->len = SIZE_MAX;
	switch (conn->phase) {
	case CONN_HANDSHAKE:
		op->len = HANDSHAKE_READ_MAX;
		/* While a key is used somewhere else it is seen that the peer has gone. */
		return rtls_hs_status(conn->hs) == RTLS_HS_WANT_INPUT ||
		       (conn->key_told && !conn->stash.len && !rtls_hs_error(conn->hs));
	case CONN_DRAIN:
		op->len = ktls_drain_missing(conn);
		return true;
	case CONN_OPEN:
		/* Not before events were taken: they may point to what a RECV would replace. */
		return !conn->paused && !conn->peer_closed && !conn->eof && !conn->error &&
		       !conn->tell_established;
	case CONN_LINGER:
		return true;
	default:
		return false;
	}
}

bool rtls_conn_next(struct rtls_conn *conn, struct rtls_op *op)
{
	*op = (struct rtls_op){ 0 };
	if (!conn->busy && next_other(conn, op))
		return conn->busy = true;
	if (!conn->recv_busy && next_recv(conn, op))
		return conn->recv_busy = true;
	return false;
}

/* ---- completions -------------------------------------------------------------------------- */

static void handshake_sent(struct rtls_conn *conn, ssize_t result)
{
	if (result < 0) {
		ktls_drop(conn, result, "sending in the handshake failed");
		return;
	}
	rtls_hs_output_done(conn->hs, result);
	if (rtls_hs_status(conn->hs) == RTLS_HS_DONE)
		ktls_handover_begin(conn);
}

static void setsockopt_done(struct rtls_conn *conn, int result)
{
	if (conn->phase == CONN_HANDSHAKE)
		ktls_attach_done(conn, result);
	else
		ktls_install_done(conn, result);
}

static void other_done(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result)
{
	switch (op->code) {
	case RTLS_OP_SETSOCKOPT:
		setsockopt_done(conn, result);
		break;
	case RTLS_OP_SHUTDOWN:
		if (result < 0)
			conn->eof = true; /* not connected any more */
		shutdown_done(conn);
		break;
	default:
		if (conn->phase == CONN_HANDSHAKE)
			handshake_sent(conn, result);
		else
			ktls_send_done(conn, op, result);
	}
}

void rtls_conn_done(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result)
{
	bool again = result == -EAGAIN || result == -EINTR;

	if (rtls_op_is_recv(op)) {
		conn->recv_busy = op->more;
		/* A multishot receive ends like this where the driver stops it. */
		again |= result == -ECANCELED || result == -ENOBUFS;
		if (!again)
			ktls_received(conn, op, result);
		return;
	}
	conn->busy = false;
	if (!again && conn->phase != CONN_CLOSED)
		other_done(conn, op, result);
	close_early(conn);
}

/* ---- events --------------------------------------------------------------------------------- */

static bool tell(bool *what, enum rtls_event_type type, struct rtls_event *event)
{
	if (!*what)
		return false;
	*what = false;
	event->type = type;
	return true;
}

struct rtls_key_operation *rtls_conn_key_operation(const struct rtls_conn *conn)
{
	return conn->phase == CONN_HANDSHAKE ? rtls_hs_key_operation(conn->hs) : NULL;
}

static bool tell_key(struct rtls_conn *conn, struct rtls_event *event)
{
	enum rtls_hs_status status;

	if (conn->phase != CONN_HANDSHAKE || conn->key_told)
		return false;
	status = rtls_hs_status(conn->hs);
	conn->key_told = status == RTLS_HS_WANT_SIGN || status == RTLS_HS_WANT_DECRYPT;
	event->type = RTLS_EVENT_WANT_KEY;
	return conn->key_told;
}

bool rtls_conn_event(struct rtls_conn *conn, struct rtls_event *event)
{
	*event = (struct rtls_event){ 0 };
	return tell_key(conn, event) ||
	       tell(&conn->tell_established, RTLS_EVENT_ESTABLISHED, event) ||
	       ktls_next_data(conn, event) ||
	       tell(&conn->tell_peer_closed, RTLS_EVENT_PEER_CLOSED, event) ||
	       tell(&conn->tell_sent, RTLS_EVENT_SENT, event) ||
	       tell(&conn->tell_failed, RTLS_EVENT_FAILED, event) ||
	       tell(&conn->tell_closed, RTLS_EVENT_CLOSED, event);
}

/* ---- facts ------------------------------------------------------------------------------------ */

void rtls_conn_pause(struct rtls_conn *conn, bool pause)
{
	conn->paused = pause;
}

bool rtls_conn_is_closed(const struct rtls_conn *conn)
{
	return conn->phase == CONN_CLOSED;
}

bool rtls_conn_is_lingering(const struct rtls_conn *conn)
{
	return conn->phase == CONN_LINGER;
}

int rtls_conn_error(const struct rtls_conn *conn)
{
	return conn->error;
}

const char *rtls_conn_reason(const struct rtls_conn *conn)
{
	return conn->reason ? conn->reason : "";
}

const struct rtls_report *rtls_conn_report(const struct rtls_conn *conn)
{
	return &conn->report;
}

const struct rtls_peer *rtls_conn_peer(const struct rtls_conn *conn)
{
	return conn->phase < CONN_OPEN || !conn->report.suite ? NULL : &conn->peer;
}
