// SPDX-License-Identifier: MIT
/*
 * The switch from the handshake to protected records, and into the kernel.
 *
 * Order of things: the ULP before our first byte (later a peer that half-closes behind its
 * Finished makes it fail); all handshake bytes sent in full; records that were read past
 * Finished completed and opened here, so that the kernel starts at a record boundary; TX;
 * RX. Nothing that can fail comes behind a successful install: a direction that the kernel
 * refuses goes on in userspace with the same key and sequence number.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "ktls_internal.h"

/* ---- the ULP --------------------------------------------------------------------- */

bool ktls_attach_wanted(const struct rtls_conn *conn)
{
	return !conn->ulp_tried && conn->policy != RTLS_KTLS_OFF && !rtls_hs_error(conn->hs);
}

void ktls_attach_op(struct rtls_conn *conn, struct rtls_op *op)
{
	static char name[] = "tls";

	conn->ulp_tried = true;
	op->code = RTLS_OP_SETSOCKOPT;
	op->level = IPPROTO_TCP;
	op->name = TCP_ULP;
	op->buf = (uint8_t *)name;
	op->len = sizeof(name) - 1;
}

/* Leaves a direction in userspace. */
static void decline(struct rtls_report_direction *direction, enum rtls_reason reason, int error)
{
	direction->reason = reason;
	direction->error = error;
}

void ktls_attach_done(struct rtls_conn *conn, int result)
{
	enum rtls_reason reason = ktls_attach_reason(result);

	if (reason == RTLS_REASON_INSTALLED)
		return;
	decline(&conn->report.tx, reason, result);
	decline(&conn->report.rx, reason, result);
	if (conn->policy == RTLS_KTLS_REQUIRE)
		ktls_fail(conn, RTLS_ERR_DECLINED, RTLS_ALERT_INTERNAL_ERROR,
			  rtls_reason_text(reason));
}

/* ---- the order of the installs ------------------------------------------------------- */

static bool wants_kernel(const struct rtls_report_direction *direction)
{
	return direction->reason == RTLS_REASON_PENDING;
}

static void established(struct rtls_conn *conn)
{
	free(conn->crypto_info); /* wiped after its last use */
	conn->crypto_info = NULL;
	conn->phase = CONN_OPEN;
	conn->tell_established = true;
	if (conn->report.tx.mode == RTLS_MODE_KERNEL && conn->report.rx.mode == RTLS_MODE_KERNEL) {
		explicit_bzero(conn->keys, sizeof(*conn->keys));
		free(conn->keys);
		conn->keys = NULL;
	}
}

static struct rtls_report_direction *installing(struct rtls_conn *conn, struct rtls_key **key)
{
	bool is_tx = conn->phase == CONN_INSTALL_TX;

	*key = is_tx ? &conn->keys->tx : &conn->keys->rx;
	return is_tx ? &conn->report.tx : &conn->report.rx;
}

/* Goes to this phase if there is something to install in it; behind the last all is established. */
static void next_install(struct rtls_conn *conn, enum conn_phase phase)
{
	struct rtls_report_direction *direction;
	struct rtls_key *key;

	conn->phase = phase;
	direction = installing(conn, &key);
	direction->seq = key->seq;
	if (wants_kernel(direction))
		return;
	if (phase == CONN_INSTALL_TX)
		next_install(conn, CONN_INSTALL_RX);
	else
		established(conn);
}

/* ---- what was read past Finished ---------------------------------------------------- */

void ktls_handover_begin(struct rtls_conn *conn)
{
	int ret = -ENOMEM;

	conn->keys = calloc(1, sizeof(*conn->keys));
	conn->crypto_info = calloc(1, KTLS_CRYPTO_INFO_MAX);
	if (conn->keys && conn->crypto_info)
		ret = rtls_hs_finish(conn->hs, conn->keys, &conn->peer);
	if (ret) {
		/* Without keys no alert can be protected. */
		ktls_drop(conn, ret, "no memory for the connection's keys");
		return;
	}
	rtls_hs_free(conn->hs);
	conn->hs = NULL;
	conn->report.suite = conn->keys->suite;
	conn->report.cipher = conn->keys->cipher;
	conn->report.drained = conn->stash.len;
	conn->phase = CONN_DRAIN;
	if (wants_kernel(&conn->report.tx) && conn->keys->plaintext_max < RTLS_PLAINTEXT_MAX) {
		decline(&conn->report.tx, RTLS_REASON_RECORD_LIMIT, 0);
		if (conn->policy == RTLS_KTLS_REQUIRE) {
			ktls_fail(conn, RTLS_ERR_DECLINED, RTLS_ALERT_INTERNAL_ERROR,
				  rtls_reason_text(RTLS_REASON_RECORD_LIMIT));
			return;
		}
	}
	ktls_drain(conn);
}

size_t ktls_drain_missing(const struct rtls_conn *conn)
{
	const struct conn_stash *stash = &conn->stash;
	size_t have = stash->len - stash->raw;
	ssize_t len;

	if (!have)
		return 0;
	len = rtls_record_len(conn->keys->cipher, stash->data + stash->raw, have);
	return (len ? (size_t)len : RTLS_RECORD_HEADER_LEN) - have;
}

/* Opens the whole records in the stash; moves on once no part of one is left. */
void ktls_drain(struct rtls_conn *conn)
{
	struct conn_stash *stash = &conn->stash;

	while (wants_kernel(&conn->report.rx) && stash->raw < stash->len) {
		uint8_t *record = stash->data + stash->raw, type = record[0], *plain;
		size_t have = stash->len - stash->raw;
		ssize_t len = rtls_record_len(conn->keys->cipher, record, have), plain_len = len;

		if (len == 0 || (len > 0 && (size_t)len > have))
			return; /* the rest is asked for by exact length */
		if (len > 0)
			plain_len = rtls_record_open(conn->worker, conn->keys->cipher,
						     &conn->keys->rx, record, &plain);
		if (plain_len < 0) {
			ktls_fail(conn, plain_len, RTLS_ERR_ALERT(plain_len),
				  "a record behind the peer's Finished is bad");
			return;
		}
		ktls_stash_opened(stash, type, plain, plain_len);
		stash->raw += len;
	}
	next_install(conn, CONN_INSTALL_TX);
}

/* ---- keys into the kernel ------------------------------------------------------------ */

void ktls_install_op(struct rtls_conn *conn, struct rtls_op *op)
{
	struct rtls_key *key;

	installing(conn, &key);
	op->code = RTLS_OP_SETSOCKOPT;
	op->level = SOL_TLS;
	op->name = conn->phase == CONN_INSTALL_TX ? TLS_TX : TLS_RX;
	op->buf = conn->crypto_info;
	op->len = ktls_crypto_info(conn->keys->cipher, key, conn->crypto_info);
}

void ktls_install_done(struct rtls_conn *conn, int result)
{
	enum rtls_reason reason = ktls_install_reason(result);
	struct rtls_key *key;
	struct rtls_report_direction *direction = installing(conn, &key);

	explicit_bzero(conn->crypto_info, KTLS_CRYPTO_INFO_MAX);
	if (reason == RTLS_REASON_INSTALLED) {
		direction->mode = RTLS_MODE_KERNEL;
		direction->reason = reason;
		explicit_bzero(key, sizeof(*key));
		rtls_worker_forget(conn->worker);
	} else {
		decline(direction, reason, result);
	}
	if (reason != RTLS_REASON_INSTALLED && conn->policy == RTLS_KTLS_REQUIRE)
		ktls_fail(conn, RTLS_ERR_DECLINED, RTLS_ALERT_INTERNAL_ERROR,
			  rtls_reason_text(reason));
	else if (conn->phase == CONN_INSTALL_TX)
		next_install(conn, CONN_INSTALL_RX);
	else
		established(conn);
}
