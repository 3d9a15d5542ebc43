// SPDX-License-Identifier: MIT
/*
 * Sending, with the kernel's records or our own: alerts, the application's data, files.
 *
 * In the kernel a send is handed on as it is. In userspace it goes out in batches of sealed
 * records, and a batch once sealed is sent to its end, whatever fails meanwhile: its
 * sequence numbers are spent. Alerts go between two operations, never inside a record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ktls_internal.h"

#define BATCH_RECORDS 4
#define BATCH_PLAIN   (BATCH_RECORDS * RTLS_PLAINTEXT_MAX)
/* sendfile(2) takes no more at once. */
#define FILE_PART_MAX 0x7ffff000

static bool in_kernel(const struct rtls_conn *conn)
{
	return conn->report.tx.mode == RTLS_MODE_KERNEL;
}

/* ---- sealing ------------------------------------------------------------------------- */

void ktls_sealed_clear(struct conn_sealed *sealed)
{
	if (sealed->plain)
		explicit_bzero(sealed->plain, BATCH_PLAIN);
	free(sealed->plain);
	free(sealed->data);
	*sealed = (struct conn_sealed){ 0 };
}

/* Turns at most BATCH_PLAIN bytes into records; false: the connection has failed. */
static bool seal(struct rtls_conn *conn, enum rtls_content_type type, const uint8_t *plain,
		 size_t len)
{
	struct conn_sealed *sealed = &conn->sealed;
	size_t max = conn->keys->plaintext_max, records = (len + max - 1) / max;

	free(sealed->data);
	sealed->len = sealed->sent = 0;
	sealed->data = malloc(len + records * RTLS_RECORD_OVERHEAD);
	if (!sealed->data) {
		ktls_drop(conn, -ENOMEM, "no memory to send");
		return false;
	}
	while (len) {
		size_t part = len < max ? len : max;
		ssize_t n = rtls_record_seal(conn->worker, conn->keys->cipher, &conn->keys->tx,
					     type, plain, part, sealed->data + sealed->len);

		if (n < 0) {
			ktls_drop(conn, n, "sealing a record failed");
			return false;
		}
		sealed->len += n;
		plain += part;
		len -= part;
	}
	return true;
}

static bool sealed_op(struct rtls_conn *conn, struct rtls_op *op)
{
	struct conn_sealed *sealed = &conn->sealed;

	if (sealed->sent == sealed->len)
		return false;
	op->code = RTLS_OP_SEND;
	op->buf = sealed->data + sealed->sent;
	op->len = sealed->len - sealed->sent;
	return true;
}

/* ---- alerts --------------------------------------------------------------------------- */

void ktls_queue_alert(struct rtls_conn *conn, uint8_t level, uint8_t alert)
{
	if (conn->alert_queued)
		return;
	conn->alert[0] = level;
	conn->alert[1] = alert;
	conn->alert_queued = true;
}

/* The one under way has a place of its own: another may be queued behind it. */
static bool alert_op(struct rtls_conn *conn, struct rtls_op *op)
{
	if (!conn->alert_sending) {
		if (!conn->alert_queued)
			return false;
		memcpy(conn->alert_out, conn->alert, sizeof(conn->alert));
		conn->alert_queued = false;
		if (!in_kernel(conn))
			return seal(conn, RTLS_ALERT, conn->alert_out, sizeof(conn->alert_out)) &&
			       sealed_op(conn, op);
		conn->alert_sending = true;
	}
	op->code = RTLS_OP_SEND;
	op->buf = conn->alert_out;
	op->len = sizeof(conn->alert_out);
	op->record_type = RTLS_ALERT;
	return true;
}

/* ---- the application's data -------------------------------------------------------------- */

static void request_advance(struct conn_request *request, size_t len)
{
	if (request->buf)
		request->buf += len;
	else
		request->offset += len;
	request->left -= len;
}

static bool kernel_request_op(struct rtls_conn *conn, struct rtls_op *op)
{
	struct conn_request *request = &conn->request;

	op->len = request->left;
	if (request->buf) {
		op->code = RTLS_OP_SEND;
		op->buf = (uint8_t *)request->buf;
		op->flags = request->more ? MSG_MORE : 0;
		return true;
	}
	op->code = RTLS_OP_SEND_FILE;
	op->file = request->file;
	op->offset = request->offset;
	if (op->len > FILE_PART_MAX)
		op->len = FILE_PART_MAX;
	return true;
}

static bool read_file_op(struct rtls_conn *conn, struct rtls_op *op)
{
	struct conn_request *request = &conn->request;

	if (!conn->sealed.plain)
		conn->sealed.plain = malloc(BATCH_PLAIN);
	if (!conn->sealed.plain) {
		ktls_drop(conn, -ENOMEM, "no memory to send");
		return false;
	}
	op->code = RTLS_OP_READ_FILE;
	op->file = request->file;
	op->offset = request->offset;
	op->buf = conn->sealed.plain;
	op->len = request->left < BATCH_PLAIN ? request->left : BATCH_PLAIN;
	return true;
}

static bool userspace_request_op(struct rtls_conn *conn, struct rtls_op *op)
{
	struct conn_request *request = &conn->request;
	size_t part = request->left < BATCH_PLAIN ? request->left : BATCH_PLAIN;

	if (!request->buf)
		return read_file_op(conn, op);
	if (!seal(conn, RTLS_APPLICATION_DATA, request->buf, part))
		return false;
	request_advance(request, part);
	return sealed_op(conn, op);
}

bool ktls_send_op(struct rtls_conn *conn, struct rtls_op *op)
{
	if (sealed_op(conn, op))
		return true;
	if (conn->clear_error) {
		op->code = RTLS_OP_CLEAR_ERROR;
		return true;
	}
	if (alert_op(conn, op))
		return true;
	if (!conn->request.active || conn->phase == CONN_CLOSED)
		return false;
	return in_kernel(conn) ? kernel_request_op(conn, op) : userspace_request_op(conn, op);
}

/* ---- completions -------------------------------------------------------------------------- */

static void send_failed(struct rtls_conn *conn, int error)
{
	/*
	 * A bad record that the kernel met stands in SO_ERROR too: RECV will tell. But some
	 * kernels say EBADMSG for ever where the peer is just gone, so this is tried once.
	 */
	if (error == -EBADMSG && conn->report.rx.mode == RTLS_MODE_KERNEL && !conn->cleared)
		conn->cleared = conn->clear_error = true;
	else
		ktls_drop(conn, error, "sending failed");
}

static void request_done_if_sent(struct rtls_conn *conn)
{
	if (!conn->request.active || conn->request.left)
		return;
	conn->request.active = false;
	conn->tell_sent = true;
}

static void sealed_sent(struct rtls_conn *conn, size_t len)
{
	struct conn_sealed *sealed = &conn->sealed;

	sealed->sent += len;
	if (sealed->sent < sealed->len)
		return;
	request_done_if_sent(conn);
	if (!conn->request.active)
		ktls_sealed_clear(sealed);
}

static void file_shrank(struct rtls_conn *conn)
{
	ktls_fail(conn, -EIO, RTLS_ALERT_INTERNAL_ERROR, "a file shrank while it was being sent");
}

static void file_read(struct rtls_conn *conn, size_t len)
{
	if (!len)
		file_shrank(conn);
	else if (!conn->error && seal(conn, RTLS_APPLICATION_DATA, conn->sealed.plain, len))
		request_advance(&conn->request, len);
}

static void request_sent(struct rtls_conn *conn, const struct rtls_op *op, size_t len)
{
	/* It was given up while this was under way. */
	if (!conn->request.active)
		return;
	if (!len && op->code == RTLS_OP_SEND_FILE) {
		file_shrank(conn);
		return;
	}
	request_advance(&conn->request, len);
	request_done_if_sent(conn);
}

void ktls_send_done(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result)
{
	if (op->code == RTLS_OP_CLEAR_ERROR)
		conn->clear_error = false;
	else if (result < 0)
		send_failed(conn, result);
	else if (op->code == RTLS_OP_READ_FILE)
		file_read(conn, result);
	else if (op->record_type)
		conn->alert_sending = false;
	else if (conn->sealed.len)
		sealed_sent(conn, result);
	else
		request_sent(conn, op, result);
}

/* ---- what the application calls --------------------------------------------------------------- */

static int request_start(struct rtls_conn *conn, struct conn_request request)
{
	if (conn->phase < CONN_OPEN)
		return RTLS_ERR_STATE;
	if (conn->error || conn->close_asked || conn->phase != CONN_OPEN)
		return -EPIPE;
	if (conn->request.active || conn->tell_sent)
		return -EBUSY;
	/* Only bytes close a record that the last send left open. */
	if (!request.left && conn->request.more)
		return -EINVAL;
	request.active = true;
	conn->request = request;
	request_done_if_sent(conn);
	return 0;
}

int rtls_conn_send(struct rtls_conn *conn, const void *buf, size_t len, bool more)
{
	return request_start(conn,
			     (struct conn_request){ .buf = buf, .left = len, .more = more });
}

int rtls_conn_send_file(struct rtls_conn *conn, int file, uint64_t offset, uint64_t len)
{
	return request_start(conn, (struct conn_request){ .file = file, .offset = offset,
							  .left = len });
}
