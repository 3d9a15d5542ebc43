// SPDX-License-Identifier: MIT
/*
 * A file into a socket without a copy: one SQE splices a chunk into a pipe, a linked one
 * splices it on into the socket. A short fill breaks the link; then, and where the flush is
 * short, what is in the pipe is flushed by an SQE of its own. A chunk is over when its pipe
 * is empty, so pipes can be shared by all streams.
 *
 * The kernel gives each splice to a thread of its own making, which waits there for a slow
 * peer: the socket must be a blocking one.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ur_internal.h"

/* What a pipe holds: 16 pages. */
#define PAGE_LEN  4096
#define CHUNK_LEN (16 * PAGE_LEN)

/* ---- pipes --------------------------------------------------------------------- */

static int pipe_take(struct rtls_engine *engine, int ends[2])
{
	if (!engine->pipes_count)
		return pipe2(ends, O_CLOEXEC) ? -errno : 0;
	engine->pipes_count--;
	ends[0] = engine->pipes[engine->pipes_count][0];
	ends[1] = engine->pipes[engine->pipes_count][1];
	return 0;
}

static void pipe_close(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static void pipe_give(struct rtls_engine *engine, const int ends[2], bool is_empty)
{
	if (!is_empty || engine->pipes_count == UR_PIPES_KEPT) {
		pipe_close(ends);
		return;
	}
	engine->pipes[engine->pipes_count][0] = ends[0];
	engine->pipes[engine->pipes_count][1] = ends[1];
	engine->pipes_count++;
}

void ur_pipes_free(struct rtls_engine *engine)
{
	while (engine->pipes_count)
		pipe_close(engine->pipes[--engine->pipes_count]);
}

/* ---- a chunk ------------------------------------------------------------------- */

/* Up to a page's end: a pipe's slot holds no more than one page, or a part of one. */
static size_t chunk_len(const struct rtls_op *op)
{
	size_t len = CHUNK_LEN - op->offset % PAGE_LEN;

	return op->len < len ? op->len : len;
}

static void flush_start(struct rtls_stream *stream, size_t len)
{
	io_uring_prep_splice(ur_sqe(&stream->owner, UR_FLUSH), stream->aside->file.pipe[0], -1,
			     stream->fd, -1, len, 0);
}

int ur_file_start(struct rtls_stream *stream)
{
	const struct rtls_op *op = &stream->work;
	struct io_uring_sqe *sqe;
	int ret = ur_aside_new(stream);

	if (ret)
		return ret;
	ret = pipe_take(stream->owner.engine, stream->aside->file.pipe);
	if (ret) {
		ur_aside_free(stream);
		return ret;
	}
	sqe = ur_sqe(&stream->owner, UR_FILL);
	io_uring_prep_splice(sqe, op->file, op->offset, stream->aside->file.pipe[1], -1,
			     chunk_len(op), 0);
	sqe->flags |= IOSQE_IO_LINK;
	flush_start(stream, chunk_len(op));
	return 0;
}

static void finish(struct rtls_stream *stream, ssize_t result)
{
	struct ur_aside *aside = stream->aside;

	pipe_give(stream->owner.engine, aside->file.pipe, !aside->file.left);
	ur_aside_free(stream);
	if (stream->state != UR_ENDED)
		ur_op_done(stream, &stream->work, result);
}

/* Was the flush stopped by something that is over? ECANCELED: the link broke. */
static bool may_go_on(int flushed)
{
	return flushed > 0 || flushed == -ECANCELED || flushed == -EINTR || flushed == -EAGAIN;
}

/* Nothing is in flight: what was filled and flushed is known. */
static void settle(struct rtls_stream *stream)
{
	struct ur_aside *aside = stream->aside;
	int filled = aside->file.filled, flushed = aside->file.flushed;

	if (filled > 0)
		aside->file.left += filled;
	if (flushed > 0) {
		aside->file.left -= flushed;
		aside->file.sent += flushed;
		ur_stream_touch(stream);
	}
	if (!aside->file.left) {
		/* Nothing sent: the file's end (0), or why it could not be read. */
		finish(stream, aside->file.sent ? (ssize_t)aside->file.sent : filled);
	} else if (stream->state == UR_ENDED || !may_go_on(flushed)) {
		finish(stream, flushed < 0 ? flushed : -EPIPE);
	} else {
		aside->file.filled = 0;
		aside->flush_due = true; /* SQEs are made when the stream is advanced */
	}
}

void ur_file_resume(struct rtls_stream *stream)
{
	struct ur_aside *aside = stream->aside;

	if (!aside || !aside->flush_due)
		return;
	aside->flush_due = false;
	if (stream->state == UR_ENDED)
		finish(stream, -EPIPE);
	else
		flush_start(stream, aside->file.left);
}

void ur_file_complete(struct rtls_stream *stream, enum ur_tag tag, int res)
{
	if (tag == UR_FILL)
		stream->aside->file.filled = res;
	else
		stream->aside->file.flushed = res;
	if (!ur_is_flying(&stream->owner, UR_FILL) && !ur_is_flying(&stream->owner, UR_FLUSH))
		settle(stream);
}
