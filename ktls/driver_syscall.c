// SPDX-License-Identifier: MIT
/*
 * The driver of plain system calls: each operation is tried without waiting; where all of
 * them would block, poll(2) waits.
 */
#include <errno.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ktls_internal.h"

/* One record type byte of control data, aligned as the kernel wants it. */
union record_type {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(uint8_t))];
};

static ssize_t receive(int fd, struct rtls_op *op)
{
	union record_type control;
	struct iovec iov = { op->buf, op->len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	if (op->want_record_type) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	n = recvmsg(fd, &message, MSG_DONTWAIT);
	cmsg = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (cmsg && cmsg->cmsg_level == SOL_TLS && cmsg->cmsg_type == TLS_GET_RECORD_TYPE)
		op->record_type = *CMSG_DATA(cmsg);
	return n;
}

static ssize_t transmit(int fd, const struct rtls_op *op)
{
	union record_type control;
	struct iovec iov = { op->buf, op->len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (op->record_type) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_TLS;
		control.header.cmsg_type = TLS_SET_RECORD_TYPE;
		control.header.cmsg_len = CMSG_LEN(sizeof(uint8_t));
		*CMSG_DATA(&control.header) = op->record_type;
	}
	return sendmsg(fd, &message, op->flags | MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* On a blocking socket this may wait for room; the peer's data waits with it. */
static ssize_t send_file(int fd, const struct rtls_op *op)
{
	off_t offset = op->offset;

	return sendfile(fd, op->file, &offset, op->len);
}

static ssize_t clear_error(int fd)
{
	int error;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

static ssize_t carry_out(int fd, struct rtls_op *op)
{
	ssize_t n = -1;

	switch (op->code) {
	case RTLS_OP_RECV:
		n = receive(fd, op);
		break;
	case RTLS_OP_SEND:
		n = transmit(fd, op);
		break;
	case RTLS_OP_SEND_FILE:
		n = send_file(fd, op);
		break;
	case RTLS_OP_READ_FILE:
		n = pread(op->file, op->buf, op->len, op->offset);
		break;
	case RTLS_OP_SETSOCKOPT:
		n = setsockopt(fd, op->level, op->name, op->buf, op->len);
		break;
	case RTLS_OP_CLEAR_ERROR:
		n = clear_error(fd);
		break;
	case RTLS_OP_SHUTDOWN:
		n = shutdown(fd, SHUT_WR);
		break;
	}
	return n < 0 ? -errno : n;
}

/*
 * Starts whatever can be started now. Returns the poll events to wait for where nothing
 * went on, 0 where something did, -1 where there is nothing to do.
 */
static int carry_out_all(struct rtls_conn *conn, int fd, uint8_t *buf, size_t size)
{
	struct rtls_op ops[2];
	size_t count = 0;
	int wait = -1;
	bool went_on = false;

	while (count < 2 && rtls_conn_next(conn, &ops[count]))
		count++;
	for (size_t i = 0; i < count; i++) {
		struct rtls_op *op = &ops[i];
		bool is_recv = rtls_op_is_recv(op);
		ssize_t result;

		/* Data that is still to be taken as events would be overwritten. */
		if (is_recv && went_on) {
			rtls_conn_done(conn, op, -EAGAIN);
			continue;
		}
		if (is_recv) {
			op->buf = buf;
			op->len = op->len < size ? op->len : size;
		}
		result = carry_out(fd, op);
		rtls_conn_done(conn, op, result);
		if (result != -EAGAIN)
			went_on = true;
		else
			wait = (wait < 0 ? 0 : wait) | (is_recv ? POLLIN : POLLOUT);
	}
	return went_on ? 0 : wait;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int rtls_drive(struct rtls_conn *conn, int fd, uint8_t *buf, size_t size, int timeout_ms,
	       struct rtls_event *event)
{
	int64_t deadline = now_ms() + timeout_ms;
	bool woken = false;

	if (size < RTLS_PLAINTEXT_MAX)
		return -EINVAL;
	for (;;) {
		struct pollfd poll_fd = { .fd = fd };
		int64_t left = deadline - now_ms();
		int wait;

		if (rtls_conn_event(conn, event))
			return 1;
		wait = carry_out_all(conn, fd, buf, size);
		if (rtls_conn_event(conn, event))
			return 1;
		if (wait < 0)
			return 0;
		if (!wait) {
			woken = false;
			continue;
		}
		/* Linux 6.1 reports half a record as readable: do not spin on it. */
		if (woken)
			poll(NULL, 0, 1);
		if (timeout_ms >= 0 && left <= 0)
			return RTLS_ERR_TIMEOUT;
		poll_fd.events = wait;
		if (poll(&poll_fd, 1, timeout_ms < 0 ? -1 : (int)left) < 0 && errno != EINTR)
			return -errno;
		woken = true;
	}
}
