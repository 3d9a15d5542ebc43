/* SPDX-License-Identifier: MIT */
/*
 * What the files of ktls/ share. Not installed.
 *
 * Reading order: this struct, conn.c (which operation comes next, what its completion
 * means), handover.c (the switch into the kernel), receive.c, send.c.
 */
#ifndef KTLS_INTERNAL_H
#define KTLS_INTERNAL_H

#include <ringtls/ktls.h>
#include <linux/tls.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef TCP_ULP
#define TCP_ULP 31
#endif

#define ALERT_WARNING 1
#define ALERT_FATAL   2

enum conn_phase {
	CONN_HANDSHAKE,  /* the handshake object has the say */
	CONN_DRAIN,      /* what was read past Finished is completed and opened here */
	CONN_INSTALL_TX, /* keys go into the kernel */
	CONN_INSTALL_RX,
	CONN_OPEN,       /* application data */
	CONN_SHUTDOWN,   /* all is sent: SHUT_WR */
	CONN_LINGER,     /* read and throw away until the peer's FIN, so that no RST kills the alert */
	CONN_CLOSED,
};

/*
 * Received, but not delivered: opened records, packed to {type, u16 length, plaintext} from
 * next to opened, then records as they came, from raw to len. The last may be a part.
 */
struct conn_stash {
	uint8_t *data;
	size_t size;
	size_t next, opened;
	size_t raw, len;
};

/* What the application gave to send. */
struct conn_request {
	const uint8_t *buf; /* NULL: the file */
	int file;
	uint64_t offset;
	uint64_t left;
	bool active, more;
};

/* Sealed records, and plaintext of a file, while TX is in userspace and a send is under way. */
struct conn_sealed {
	uint8_t *data;
	size_t len, sent;
	uint8_t *plain;
};

struct rtls_conn {
	struct rtls_hs *hs;      /* until established; after a failed handshake, for its reason */
	struct rtls_worker *worker;
	struct rtls_keys *keys;  /* while one direction is in userspace */
	uint8_t *crypto_info;    /* during the hand-over; holds a key while one is installed */
	const char *reason;
	int error;
	enum rtls_policy policy;
	enum conn_phase phase;
	struct rtls_report report;
	struct rtls_peer peer;

	bool recv_busy, busy;    /* an operation of this kind is under way */
	bool ulp_tried;
	bool paused;
	bool close_asked;        /* rtls_conn_close() */
	bool close_notify_sent, peer_closed, eof;
	bool clear_error;        /* a bad record blocks sends until SO_ERROR is read */
	bool cleared, deaf;      /* that was done; the kernel will open no more records */
	uint8_t warnings, renegotiations, empties;
	uint8_t alert[2];        /* level and description, to be sent next */
	uint8_t alert_out[2];    /* under way, or to be tried again */
	bool alert_queued, alert_sending;
	/* events to be told */
	bool key_told; /* RTLS_EVENT_WANT_KEY, for what the key has to do now */
	bool tell_established, tell_sent, tell_peer_closed, tell_failed, tell_closed;

	struct conn_stash stash;
	uint8_t *in;             /* the driver's buffer, while events are taken out of it */
	size_t in_len;
	uint8_t in_type;         /* the record type that the kernel told */
	bool in_opened;          /* a record that the kernel opened lies in it */
	struct conn_request request;
	struct conn_sealed sealed;
};

/* ---- conn.c ---------------------------------------------------------------------- */

/* The peer did wrong, or we cannot go on: a fatal alert, then the close. The first stays. */
void ktls_fail(struct rtls_conn *conn, int error, uint8_t alert, const char *reason);
/* The transport is gone, or the peer has given up: there is nobody to tell. */
void ktls_drop(struct rtls_conn *conn, int error, const char *reason);
/* All is said. */
void ktls_closed(struct rtls_conn *conn);

/* ---- handover.c ------------------------------------------------------------------- */

bool ktls_attach_wanted(const struct rtls_conn *conn);
void ktls_attach_op(struct rtls_conn *conn, struct rtls_op *op);
void ktls_attach_done(struct rtls_conn *conn, int result);
/* The handshake is done: takes its keys and chooses the next phase. */
void ktls_handover_begin(struct rtls_conn *conn);
/* How many bytes the last record in the stash lacks. */
size_t ktls_drain_missing(const struct rtls_conn *conn);
void ktls_drain(struct rtls_conn *conn);
void ktls_install_op(struct rtls_conn *conn, struct rtls_op *op);
void ktls_install_done(struct rtls_conn *conn, int result);

/* ---- receive.c -------------------------------------------------------------------- */

bool ktls_stash_add(struct conn_stash *stash, const uint8_t *data, size_t len);
/* Packs a record that was opened; its place lies at or behind the end of the packed ones. */
void ktls_stash_opened(struct conn_stash *stash, uint8_t type, const uint8_t *plain, size_t len);
void ktls_stash_clear(struct conn_stash *stash);
void ktls_received(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result);
/* The next piece of application data; handles the other records on its way there. */
bool ktls_next_data(struct rtls_conn *conn, struct rtls_event *event);

/* ---- send.c ------------------------------------------------------------------------ */

/* An alert behind what is being sent. */
void ktls_queue_alert(struct rtls_conn *conn, uint8_t level, uint8_t alert);
bool ktls_send_op(struct rtls_conn *conn, struct rtls_op *op);
void ktls_send_done(struct rtls_conn *conn, const struct rtls_op *op, ssize_t result);
void ktls_sealed_clear(struct conn_sealed *sealed);

/* ---- crypto_info.c ------------------------------------------------------------------ */

#define KTLS_CRYPTO_INFO_MAX 64

/* The setsockopt value for this key; returns its length. Wipe it after use. */
size_t ktls_crypto_info(enum rtls_cipher cipher, const struct rtls_key *key,
			uint8_t info[static KTLS_CRYPTO_INFO_MAX]);

/* ---- report.c ----------------------------------------------------------------------- */

enum rtls_reason ktls_attach_reason(int error);
enum rtls_reason ktls_install_reason(int error);

#endif
