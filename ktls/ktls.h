/* SPDX-License-Identifier: MIT */
/**
 * ktls.h - a TLS connection on a socket: from the first byte to the close
 *
 * struct rtls_conn decides, a driver acts. The connection never touches the
 * descriptor: rtls_conn_next() names the next operation, the driver carries it
 * out (a system call, an SQE, a fake) and reports with rtls_conn_done(), then
 * collects what happened with rtls_conn_event(). So every rule of the hand-over to
 * the kernel, of sending, receiving and closing is written once.
 *
 *	for (;;) {
 *		while (rtls_conn_event(conn, &event))
 *			handle(&event);
 *		if (rtls_conn_next(conn, &op)) {
 *			start(&op);
 *			continue;
 *		}
 *		... wait until one completes with result ...
 *		rtls_conn_done(conn, &op, result);
 *	}
 *
 * A connection carries the handshake's bytes, attaches the "tls" ULP before the
 * first byte goes out (later a half-closing peer would forbid it), and when the
 * handshake is done moves each direction into the kernel, or keeps it in userspace
 * with a reason. At most one operation that receives and one of all the others is
 * under way at a time.
 *
 * rtls_drive() is a driver made of plain system calls; uring.h has the one that
 * lives in a ring.
 *
 * Errors: -errno or RTLS_ERR_* (handshake.h).
 */
#ifndef RINGTLS_KTLS_H
#define RINGTLS_KTLS_H

#include <ringtls/handshake.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rtls_conn;

/* ---- what the kernel takes ---------------------------------------------- */

enum rtls_policy {
	RTLS_KTLS_AUTO,    /* into the kernel; what it refuses stays in userspace */
	RTLS_KTLS_REQUIRE, /* both directions into the kernel, or the connection fails */
	RTLS_KTLS_OFF,     /* userspace */
};

enum rtls_mode {
	RTLS_MODE_USERSPACE,
	RTLS_MODE_KERNEL, /* the kernel's: its software, or a NIC that it drives */
};

/* Why a direction is where it is: a closed list. rtls_reason_text() explains. */
enum rtls_reason {
	RTLS_REASON_PENDING,        /* the hand-over has not come yet */
	RTLS_REASON_INSTALLED,      /* the kernel has it */
	RTLS_REASON_OFF,            /* asked to stay in userspace */
	RTLS_REASON_NO_ULP,         /* no "tls" ULP: module or CONFIG_TLS missing */
	RTLS_REASON_NOT_TCP,        /* not a TCP socket, or a kernel without ULPs */
	RTLS_REASON_NOT_CONNECTED,  /* the socket is not ESTABLISHED */
	RTLS_REASON_OTHER_ULP,      /* the socket has another ULP already */
	RTLS_REASON_NO_CIPHER,      /* this kernel has not this cipher */
	RTLS_REASON_RECORD_LIMIT,   /* the peer takes small records only; TX */
	RTLS_REASON_REFUSED,        /* any other errno; it stands in the report */
	RTLS_REASON_COUNT,
};

/* A sentence with the remedy: "the kernel has no tls ULP: modprobe tls, ..." */
const char *rtls_reason_text(enum rtls_reason reason);

struct rtls_report_direction {
	enum rtls_mode mode;
	enum rtls_reason reason;
	int error;    /* -errno of the refusal, 0 without one */
	uint64_t seq; /* sequence number of the first record after the switch */
};

/* The hand-over report: complete from RTLS_EVENT_ESTABLISHED on. */
struct rtls_report {
	uint16_t suite;
	enum rtls_cipher cipher;
	struct rtls_report_direction tx, rx;
	uint32_t drained; /* bytes read past Finished and opened in userspace */
};

/**
 * rtls_report_print - the report on one line, without newline
 *
 * Return: what snprintf(3) returns.
 */
int rtls_report_print(const struct rtls_report *report, char *buf, size_t size);

/* ---- operations --------------------------------------------------------- */

enum rtls_op_code {
	RTLS_OP_RECV,        /* at most len bytes into a buffer of the driver's */
	RTLS_OP_SEND,        /* len bytes from buf; short counts are fine */
	RTLS_OP_SEND_FILE,   /* len bytes of file from offset into the socket (sendfile, splice) */
	RTLS_OP_READ_FILE,   /* len bytes of file from offset into buf */
	RTLS_OP_SETSOCKOPT,  /* level, name, and len bytes of value at buf */
	RTLS_OP_CLEAR_ERROR, /* getsockopt SO_ERROR: lets an alert out after a bad record */
	RTLS_OP_SHUTDOWN,    /* shutdown(SHUT_WR) */
};

struct rtls_op {
	enum rtls_op_code code;
	/*
	 * RECV: true once the kernel opens the records: use recvmsg(2) with room
	 * for one byte of control data, and report it in record_type. Such an
	 * operation may stay armed and complete many times.
	 */
	bool want_record_type;
	bool more;           /* RECV, set by the driver: still armed, will complete again */
	uint8_t record_type; /* SEND: if not 0, SOL_TLS TLS_SET_RECORD_TYPE. RECV: set by the
				driver from TLS_GET_RECORD_TYPE, 0 if there was none */
	int flags;           /* SEND: MSG_* to add to the driver's own */
	int level, name;     /* SETSOCKOPT */
	int file;            /* SEND_FILE, READ_FILE: the descriptor */
	uint64_t offset;     /* SEND_FILE, READ_FILE */
	uint8_t *buf;        /* RECV: set by the driver, before rtls_conn_done() */
	size_t len;
};

/* Is this the operation that receives (one of them in flight), or of the others? */
static inline bool rtls_op_is_recv(const struct rtls_op *op)
{
	return op->code == RTLS_OP_RECV;
}

/* ---- a connection ------------------------------------------------------- */

/**
 * rtls_conn_new - a connection on a socket that is connected
 * @hs: a fresh handshake; it is the connection's from now on, even on failure
 * @worker: the same as @hs'
 *
 * Return: NULL without memory.
 */
struct rtls_conn *rtls_conn_new(struct rtls_hs *hs, struct rtls_worker *worker,
				enum rtls_policy policy);

/**
 * rtls_conn_free - wipe the keys and free
 *
 * Allowed at any time when no operation is in flight, in its worker's thread and before the worker
 * is freed; NULL is allowed.
 */
void rtls_conn_free(struct rtls_conn *conn);

/**
 * rtls_conn_next - the next operation to start, if there is one
 *
 * Return: true with *@op filled in, false if there is nothing to start now. What op
 * points to stays valid until rtls_conn_done() for it. It can make an event too (no
 * memory to send with), so ask rtls_conn_event() before a wait.
 */
bool rtls_conn_next(struct rtls_conn *conn, struct rtls_op *op);

/**
 * rtls_conn_done - an operation has completed
 * @op: as rtls_conn_next() filled it in, with the driver's own fields set
 * @result: the count or 0, or -errno; -EAGAIN and -EINTR start it again
 *
 * Data that a RECV delivered stays in the driver's buffer, which is used (and
 * written to) until rtls_conn_event() returns false.
 */
void rtls_conn_done(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result);

enum rtls_event_type {
	RTLS_EVENT_WANT_KEY,    /* only with external keys: rtls_conn_key_operation() */
	RTLS_EVENT_ESTABLISHED, /* the handshake and the hand-over are over: send, receive */
	RTLS_EVENT_DATA,        /* data: valid until the next call of rtls_conn_event() */
	RTLS_EVENT_SENT,        /* what was given to send is with the kernel, in full */
	RTLS_EVENT_PEER_CLOSED, /* close_notify: no more data will come */
	RTLS_EVENT_FAILED,      /* error: rtls_conn_error(), rtls_conn_reason(); an alert goes out */
	RTLS_EVENT_CLOSED,      /* all said: close the descriptor. The last event. */
};

struct rtls_event {
	enum rtls_event_type type;
	uint8_t *data;
	size_t len;
};

/**
 * rtls_conn_event - what has happened since
 *
 * Return: true with *@event filled in, false if there is nothing more.
 */
bool rtls_conn_event(struct rtls_conn *conn, struct rtls_event *event);

/**
 * rtls_conn_key_operation - what the private key has to do, for RTLS_EVENT_WANT_KEY
 *
 * As rtls_hs_key_operation(). Carry it out in any thread, then call rtls_conn_key_done() in the
 * connection's, if it still is there.
 */
struct rtls_key_operation *rtls_conn_key_operation(const struct rtls_conn *conn);
void rtls_conn_key_done(struct rtls_conn *conn, const struct rtls_key_operation *operation);

/**
 * rtls_conn_send - send application data
 * @buf: stays the caller's and unchanged until RTLS_EVENT_SENT
 * @more: the rest of a record will follow in the next send at once
 *
 * One send at a time. No bytes at all are refused (-EINVAL) behind a send with @more, since
 * nothing would end the record. Return: 0, -EBUSY while another send is under way, -EPIPE after
 * rtls_conn_close() or a failure, RTLS_ERR_STATE before RTLS_EVENT_ESTABLISHED.
 */
int rtls_conn_send(struct rtls_conn *conn, const void *buf, size_t len, bool more);

/**
 * rtls_conn_send_file - send a part of a file
 * @file: open until RTLS_EVENT_SENT; must not shrink, or the connection fails
 *
 * As rtls_conn_send().
 */
int rtls_conn_send_file(struct rtls_conn *conn, int file, uint64_t offset, uint64_t len);

/**
 * rtls_conn_pause - stop and go on receiving
 *
 * While paused no new RECV is named. One that is armed may still complete.
 */
void rtls_conn_pause(struct rtls_conn *conn, bool pause);

/**
 * rtls_conn_close - close_notify behind the data, shut down, drain, RTLS_EVENT_CLOSED
 *
 * The driver bounds the time that this may take.
 */
void rtls_conn_close(struct rtls_conn *conn);

/* Is something of the close still to be awaited, or is the descriptor free to close? */
bool rtls_conn_is_closed(const struct rtls_conn *conn);

/* All is sent, close_notify too, and only the peer's end of the stream is awaited. */
bool rtls_conn_is_lingering(const struct rtls_conn *conn);

/* The first error, 0 without one; RTLS_ERR_TRUNCATED where close_notify was missing. */
int rtls_conn_error(const struct rtls_conn *conn);

/* That error in words, "" without one. */
const char *rtls_conn_reason(const struct rtls_conn *conn);

const struct rtls_report *rtls_conn_report(const struct rtls_conn *conn);

/* Who the peer is; NULL before RTLS_EVENT_ESTABLISHED. Owned by the connection. */
const struct rtls_peer *rtls_conn_peer(const struct rtls_conn *conn);

/* ---- the driver of plain system calls ------------------------------------ */

/**
 * rtls_drive - carry out operations until an event comes
 * @fd: the socket, blocking or not
 * @buf: where to receive: at least RTLS_PLAINTEXT_MAX bytes, a whole record's
 * @timeout_ms: the longest wait for the peer, -1 for ever
 *
 * Ignore or block SIGPIPE: sendfile(2) to a peer that has gone raises it, and so does
 * close(2) of a socket whose last kernel TLS records could not be sent.
 *
 * Return: 1 with *@event filled in, 0 if nothing is left to do or to await (the
 * connection is idle and paused, or closed), RTLS_ERR_TIMEOUT, or -errno of poll(2).
 */
int rtls_drive(struct rtls_conn *conn, int fd, uint8_t *buf, size_t size, int timeout_ms,
	       struct rtls_event *event);

/* ---- probe -------------------------------------------------------------- */

struct rtls_probe {
	enum rtls_reason ulp; /* INSTALLED: sockets take the "tls" ULP */
	int ulp_error;        /* -errno */
	struct {
		int tx, rx;   /* 0: taken; -errno: refused */
	} cipher[RTLS_CIPHER_COUNT];
};

/**
 * rtls_ktls_probe - what does this kernel take?
 *
 * By trial: a socket pair over loopback for each cipher, throw-away keys, one record
 * each way. Not by version numbers. Costs a few milliseconds; keep the answer.
 *
 * Return: 0, or -errno if not even a loopback socket pair can be made.
 */
int rtls_ktls_probe(struct rtls_probe *probe);

/* ---- what the kernel says --------------------------------------------------- */

enum rtls_diag_mode { RTLS_DIAG_NONE, RTLS_DIAG_SOFTWARE, RTLS_DIAG_NIC };

/* A TCP socket with the "tls" ULP, of any process in this network namespace. */
struct rtls_diag_socket {
	uint8_t family;               /* AF_INET or AF_INET6 */
	uint16_t local_port, remote_port;
	uint8_t local[16], remote[16]; /* as many bytes as the family has */
	uint32_t inode;
	uint16_t version;             /* 0x0303; 0 where only the ULP is attached */
	uint16_t cipher;              /* TLS_CIPHER_* of linux/tls.h; 0 likewise */
	enum rtls_diag_mode tx, rx;
};

/**
 * rtls_ktls_diag - every socket that the kernel does TLS for, by netlink's inet_diag
 * @each: called for each one
 *
 * Needs CAP_NET_ADMIN: without it the kernel hides all of this, and the answer is -EPERM
 * instead of an empty list.
 *
 * Return: how many there were, or -errno. ss -tie shows the same; sock_diag(7).
 */
int rtls_ktls_diag(void (*each)(const struct rtls_diag_socket *socket, void *arg), void *arg);

#ifdef __cplusplus
}
#endif
#endif
