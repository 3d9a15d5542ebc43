// SPDX-License-Identifier: MIT
/*
 * Receiving: the engine's pool of buffers, from which the kernel takes one when data comes,
 * so that an idle connection holds none; and what lies in a buffer.
 *
 * A buffer goes back as soon as the callbacks about it have returned, before the next
 * completion is looked at: no buffer is held from one turn of the loop to the next. So a
 * receive that found none (ENOBUFS) need only be started again.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <linux/tls.h>

#include "ur_internal.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

#define BUFFER_GROUP 0

/* Two full records: room for a whole one lets the kernel decrypt right into it. */
#define PAYLOAD_LEN  (2 * RTLS_PLAINTEXT_MAX)
/* In front of it: struct io_uring_recvmsg_out and the control data. */
#define HEADER_LEN   64
#define BUFFER_LEN   (HEADER_LEN + PAYLOAD_LEN)

#define CONTROL_LEN  CMSG_SPACE(sizeof(uint8_t))

_Static_assert(sizeof(struct io_uring_recvmsg_out) + CONTROL_LEN <= HEADER_LEN,
	       "a recvmsg's header must fit");

/* In place of a provided buffer: one for each receive that is armed. */
struct ur_own_buffer {
	struct msghdr header;
	struct iovec iov;
	uint8_t data[PAYLOAD_LEN];
	union {
		struct cmsghdr header;
		char space[CONTROL_LEN];
	} control;
};

/* ---- the pool ------------------------------------------------------------------ */

static size_t ring_len(const struct rtls_engine *engine)
{
	return engine->params.buffers * sizeof(struct io_uring_buf);
}

static size_t pool_len(const struct rtls_engine *engine)
{
	return (size_t)engine->params.buffers * BUFFER_LEN;
}

static void *map(size_t len)
{
	void *place = mmap(NULL, len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return place == MAP_FAILED ? NULL : place;
}

static uint8_t *buffer_at(const struct rtls_engine *engine, unsigned int id)
{
	return engine->buffers + (size_t)id * BUFFER_LEN;
}

static void give(struct rtls_engine *engine, unsigned int id)
{
	io_uring_buf_ring_add(engine->buffer_ring, buffer_at(engine, id), BUFFER_LEN, id,
			      io_uring_buf_ring_mask(engine->params.buffers), 0);
	io_uring_buf_ring_advance(engine->buffer_ring, 1);
}

static int register_ring(struct rtls_engine *engine)
{
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)engine->buffer_ring,
		.ring_entries = engine->params.buffers,
		.bgid = BUFFER_GROUP,
	};

	return io_uring_register_buf_ring(&engine->ring, &reg, 0);
}

int ur_buffers_init(struct rtls_engine *engine)
{
	int ret;

	engine->recv_header.msg_controllen = CONTROL_LEN;
	if (engine->params.avoid & RTLS_AVOID_BUFFER_RING)
		return 0;
	engine->buffer_ring = map(ring_len(engine));
	engine->buffers = map(pool_len(engine));
	if (!engine->buffer_ring || !engine->buffers) {
		ur_buffers_free(engine);
		return -ENOMEM;
	}
	ret = register_ring(engine);
	if (ret) {
		ur_buffers_free(engine);
		engine->params.avoid |= RTLS_AVOID_BUFFER_RING;
		return ret == -EINVAL ? 0 : ret;
	}
	io_uring_buf_ring_init(engine->buffer_ring);
	for (unsigned int id = 0; id < engine->params.buffers; id++)
		give(engine, id);
	return 0;
}

void ur_buffers_free(struct rtls_engine *engine)
{
	if (engine->buffer_ring)
		munmap(engine->buffer_ring, ring_len(engine));
	if (engine->buffers)
		munmap(engine->buffers, pool_len(engine));
	engine->buffer_ring = NULL;
	engine->buffers = NULL;
}

/* ---- starting a receive -------------------------------------------------------- */

static bool is_multishot(const struct rtls_stream *stream)
{
	return stream->recv.want_record_type && !stream->own;
}

static size_t payload_room(const struct rtls_op *op)
{
	return op->len < PAYLOAD_LEN ? op->len : PAYLOAD_LEN;
}

static int start_with_own_buffer(struct rtls_stream *stream)
{
	struct rtls_op *op = &stream->recv;
	struct ur_own_buffer *own = malloc(sizeof(*own));
	struct io_uring_sqe *sqe;

	if (!own)
		return -ENOMEM;
	stream->own = own;
	own->iov = (struct iovec){ own->data, payload_room(op) };
	own->header = (struct msghdr){ .msg_iov = &own->iov, .msg_iovlen = 1 };
	sqe = ur_sqe(&stream->owner, UR_RECV);
	if (!op->want_record_type) {
		io_uring_prep_recv(sqe, stream->fd, own->data, payload_room(op), 0);
		return 0;
	}
	own->header.msg_control = &own->control;
	own->header.msg_controllen = CONTROL_LEN;
	io_uring_prep_recvmsg(sqe, stream->fd, &own->header, 0);
	return 0;
}

int ur_recv_start(struct rtls_stream *stream)
{
	struct rtls_engine *engine = stream->owner.engine;
	struct rtls_op *op = &stream->recv;
	unsigned int without = RTLS_AVOID_BUFFER_RING;
	struct io_uring_sqe *sqe;

	if (op->want_record_type)
		without |= RTLS_AVOID_RECV_MULTISHOT;
	if (engine->params.avoid & without)
		return start_with_own_buffer(stream);

	sqe = ur_sqe(&stream->owner, UR_RECV);
	if (op->want_record_type)
		io_uring_prep_recvmsg_multishot(sqe, stream->fd, &engine->recv_header, 0);
	else
		io_uring_prep_recv(sqe, stream->fd, NULL, payload_room(op), 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = BUFFER_GROUP;
	return 0;
}

void ur_recv_stop(struct rtls_stream *stream)
{
	if (is_multishot(stream))
		ur_cancel(&stream->owner, UR_RECV);
}

/* ---- what has come ------------------------------------------------------------- */

/* Short control data holds no type, only the header of one: */
static uint8_t record_type(const struct cmsghdr *cmsg, size_t control_len, int flags)
{
	if (control_len < CMSG_LEN(sizeof(uint8_t)) || flags & MSG_CTRUNC ||
	    cmsg->cmsg_level != SOL_TLS || cmsg->cmsg_type != TLS_GET_RECORD_TYPE)
		return 0;
	return *CMSG_DATA(cmsg);
}

static ssize_t own_result(struct rtls_stream *stream, int res)
{
	struct ur_own_buffer *own = stream->own;

	stream->recv.buf = own->data;
	if (stream->recv.want_record_type)
		stream->recv.record_type = record_type(&own->control.header,
						       own->header.msg_controllen,
						       own->header.msg_flags);
	return res;
}

static ssize_t multishot_result(struct rtls_stream *stream, uint8_t *buf, int res)
{
	struct msghdr *header = &stream->owner.engine->recv_header;
	struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(buf, res, header);
	struct cmsghdr *cmsg;

	if (!out)
		return -EIO;
	cmsg = io_uring_recvmsg_cmsg_firsthdr(out, header);
	if (cmsg)
		stream->recv.record_type = record_type(cmsg, out->controllen, out->flags);
	stream->recv.buf = io_uring_recvmsg_payload(out, header);
	return io_uring_recvmsg_payload_length(out, res, header);
}

ssize_t ur_recv_result(struct rtls_stream *stream, int res, unsigned int flags)
{
	struct rtls_op *op = &stream->recv;
	uint8_t *buf;

	op->more = flags & IORING_CQE_F_MORE;
	op->record_type = 0;
	op->buf = NULL;
	/* No buffer was left, or ur_recv_stop(): to be started again, when it is wanted. */
	if (res == -ENOBUFS || res == -ECANCELED)
		return -EAGAIN;
	if (res < 0)
		return res;
	if (stream->own)
		return own_result(stream, res);
	if (!(flags & IORING_CQE_F_BUFFER))
		return res ? -EIO : 0;
	buf = buffer_at(stream->owner.engine, flags >> IORING_CQE_BUFFER_SHIFT);
	if (op->want_record_type)
		return multishot_result(stream, buf, res);
	op->buf = buf;
	return res;
}

void ur_recv_release(struct rtls_stream *stream, unsigned int flags)
{
	if (flags & IORING_CQE_F_BUFFER)
		give(stream->owner.engine, flags >> IORING_CQE_BUFFER_SHIFT);
	free(stream->own);
	stream->own = NULL;
}
