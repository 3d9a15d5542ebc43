// SPDX-License-Identifier: MIT
/* A connection's operations (struct rtls_op) as SQEs, or as calls where those never wait. */
#include <errno.h>
#include <stdlib.h>
#include <linux/tls.h>

#include "ur_internal.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* As much as read(2) and send(2) take at once. */
#define COUNT_MAX 0x7ffff000U

int ur_aside_new(struct rtls_stream *stream)
{
	stream->aside = calloc(1, sizeof(*stream->aside));
	return stream->aside ? 0 : -ENOMEM;
}

void ur_aside_free(struct rtls_stream *stream)
{
	free(stream->aside);
	stream->aside = NULL;
}

/* ---- starting ------------------------------------------------------------------ */

static size_t count(const struct rtls_op *op)
{
	return op->len < COUNT_MAX ? op->len : COUNT_MAX;
}

void ur_connect_start(struct rtls_stream *stream)
{
	struct ur_aside *aside = stream->aside;

	if (!ur_is_flying(&stream->owner, UR_WORK))
		io_uring_prep_connect(ur_sqe(&stream->owner, UR_WORK), stream->fd,
				      (struct sockaddr *)&aside->peer.addr, aside->peer.len);
}

/* A record of a type of its own: whole, or not at all. */
static int record_start(struct rtls_stream *stream)
{
	struct rtls_op *op = &stream->work;
	int ret = ur_aside_new(stream);
	struct ur_aside *aside = stream->aside;
	struct cmsghdr *cmsg;

	if (ret)
		return ret;
	aside->message.iov = (struct iovec){ op->buf, count(op) };
	aside->message.header = (struct msghdr){
		.msg_iov = &aside->message.iov,
		.msg_iovlen = 1,
		.msg_control = &aside->message.control,
		.msg_controllen = sizeof(aside->message.control),
	};
	cmsg = &aside->message.control.header;
	cmsg->cmsg_level = SOL_TLS;
	cmsg->cmsg_type = TLS_SET_RECORD_TYPE;
	cmsg->cmsg_len = CMSG_LEN(sizeof(uint8_t));
	*CMSG_DATA(cmsg) = op->record_type;
	io_uring_prep_sendmsg(ur_sqe(&stream->owner, UR_WORK), stream->fd,
			      &aside->message.header, op->flags | MSG_NOSIGNAL);
	return 0;
}

/* Never with MSG_WAITALL, which a socket with kernel TLS refuses: a short count is fine. */
static int send_start(struct rtls_stream *stream)
{
	struct rtls_op *op = &stream->work;

	if (op->record_type)
		return record_start(stream);
	io_uring_prep_send(ur_sqe(&stream->owner, UR_WORK), stream->fd, op->buf, count(op),
			   op->flags | MSG_NOSIGNAL);
	return 0;
}

static int read_start(struct rtls_stream *stream)
{
	struct rtls_op *op = &stream->work;

	io_uring_prep_read(ur_sqe(&stream->owner, UR_WORK), op->file, op->buf, count(op),
			   op->offset);
	return 0;
}

/* These never wait, and the ring would hand most of them to a thread. */
static int call(int fd, const struct rtls_op *op)
{
	int error, ret = -EINVAL;
	socklen_t len = sizeof(error);

	switch (op->code) {
	case RTLS_OP_SETSOCKOPT:
		ret = setsockopt(fd, op->level, op->name, op->buf, op->len) ? -errno : 0;
		break;
	case RTLS_OP_CLEAR_ERROR:
		ret = getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? -errno : 0;
		break;
	case RTLS_OP_SHUTDOWN:
		ret = shutdown(fd, SHUT_WR) ? -errno : 0;
		break;
	default:
		break;
	}
	return ret;
}

bool ur_op_next(struct rtls_stream *stream)
{
	struct rtls_op op;
	int ret;

	if (!rtls_conn_next(stream->conn, &op))
		return false;
	if (rtls_op_is_recv(&op))
		stream->recv = op;
	else
		stream->work = op;
	switch (op.code) {
	case RTLS_OP_RECV:
		ret = ur_recv_start(stream);
		break;
	case RTLS_OP_SEND:
		ret = send_start(stream);
		break;
	case RTLS_OP_SEND_FILE:
		ret = ur_file_start(stream);
		break;
	case RTLS_OP_READ_FILE:
		ret = read_start(stream);
		break;
	default:
		ur_op_done(stream, &op, call(stream->fd, &op));
		return true;
	}
	if (ret)
		ur_op_done(stream, &op, ret);
	return true;
}

/* ---- completing ---------------------------------------------------------------- */

void ur_op_done(struct rtls_stream *stream, const struct rtls_op *op, ssize_t result)
{
	rtls_conn_done(stream->conn, op, result);
	ur_stream_deliver(stream);
}

static void recv_complete(struct rtls_stream *stream, int res, unsigned int flags)
{
	if (stream->state != UR_ENDED) {
		ssize_t result = ur_recv_result(stream, res, flags);

		if (result > 0)
			ur_stream_touch(stream);
		ur_op_done(stream, &stream->recv, result);
	}
	ur_recv_release(stream, flags);
}

static void work_complete(struct rtls_stream *stream, int res)
{
	bool connecting = stream->connecting;

	ur_aside_free(stream);
	stream->connecting = false;
	if (stream->state == UR_ENDED)
		return;
	if (connecting) {
		if (res < 0)
			ur_stream_cut(stream, res);
		return;
	}
	if (res > 0)
		ur_stream_touch(stream);
	ur_op_done(stream, &stream->work, res);
}

void ur_op_complete(struct rtls_stream *stream, unsigned int tag, int res, unsigned int flags)
{
	if (tag == UR_RECV)
		recv_complete(stream, res, flags);
	else if (tag == UR_WORK)
		work_complete(stream, res);
	else
		ur_file_complete(stream, tag, res);
	/*
	 * One connection may take all buffers at once. Who came too late goes ahead of it next
	 * time, and the last comer first: the one that took them all was the first to miss one.
	 */
	if (res == -ENOBUFS)
		ur_stream_wake_first(stream);
	else
		ur_stream_wake(stream);
}

/* ---- stopping ------------------------------------------------------------------ */

void ur_ops_stop(struct rtls_stream *stream)
{
	/*
	 * The socket waits for nothing any more. That reaches also what cancelling does not
	 * find: the second of two linked SQEs, between the end of the first and its own start.
	 */
	shutdown(stream->fd, SHUT_RDWR);
	for (enum ur_tag tag = UR_RECV; tag <= UR_FLUSH; tag++)
		ur_cancel(&stream->owner, tag);
	ur_key_stop(stream);
}
