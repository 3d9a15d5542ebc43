// SPDX-License-Identifier: MIT
/*
 * The order of a connection's operations, carried out by hand: what may happen between the
 * naming of an operation and its completion.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/tls.h>

#include "common.h"
#include <kselftest_harness.h>

/* One end: bytes that wait for it, and what it has named and nobody has completed. */
struct end {
	struct rtls_conn *conn;
	uint8_t in[70000];
	size_t in_len;
	struct rtls_op held;
	bool holds, established, failed, closed;
};

FIXTURE(operations)
{
	struct cert cert;
	struct rtls_worker *worker;
	struct rtls_config *configs[2];
	struct end server, client;
};

static void begin(struct _test_data_operations *self, enum rtls_policy policy)
{
	struct rtls_hs *hs;

	rtls_hs_new(&hs, self->configs[RTLS_SERVER], self->worker, RTLS_SERVER, NULL);
	self->server.conn = rtls_conn_new(hs, self->worker, policy);
	rtls_hs_new(&hs, self->configs[RTLS_CLIENT], self->worker, RTLS_CLIENT, "localhost");
	self->client.conn = rtls_conn_new(hs, self->worker, RTLS_KTLS_OFF);
}

FIXTURE_SETUP(operations)
{
	memset(self, 0, sizeof(*self));
	self->cert = cert_make((struct cert_spec){ 0 });
	self->worker = rtls_worker_new();
	self->configs[RTLS_SERVER] = server_config(&self->cert, NULL, NULL, NULL);
	self->configs[RTLS_CLIENT] = client_config(&self->cert, NULL, NULL, NULL);
}

FIXTURE_TEARDOWN(operations)
{
	rtls_conn_free(self->server.conn);
	rtls_conn_free(self->client.conn);
	rtls_config_unref(self->configs[0]);
	rtls_config_unref(self->configs[1]);
	rtls_worker_free(self->worker);
	cert_free(&self->cert);
	test_end();
}

static void take_events(struct end *end)
{
	struct rtls_event event;

	while (rtls_conn_event(end->conn, &event)) {
		end->established |= event.type == RTLS_EVENT_ESTABLISHED;
		end->failed |= event.type == RTLS_EVENT_FAILED;
		end->closed |= event.type == RTLS_EVENT_CLOSED;
	}
}

static ssize_t receive(struct end *end, struct rtls_op *op)
{
	static uint8_t buf[70000];
	size_t len = end->in_len < op->len ? end->in_len : op->len;

	if (!len)
		return -EAGAIN;
	memcpy(buf, end->in, len);
	memmove(end->in, end->in + len, end->in_len -= len);
	op->buf = buf;
	return len;
}

static ssize_t carry_out(struct end *end, struct end *peer, struct rtls_op *op)
{
	switch (op->code) {
	case RTLS_OP_RECV:
		return receive(end, op);
	case RTLS_OP_SEND:
		memcpy(peer->in + peer->in_len, op->buf, op->len);
		peer->in_len += op->len;
		return op->len;
	default:
		return 0;
	}
}

/* Carries out what is named, up to the first operation of this code (and name), which is held. */
static bool run_until(struct end *end, struct end *peer, enum rtls_op_code code, int name)
{
	struct rtls_op op;
	bool went_on = true;

	while (went_on) {
		went_on = false;
		take_events(end);
		while (rtls_conn_next(end->conn, &op)) {
			ssize_t result;

			if (op.code == code && op.name == name) {
				end->held = op;
				return end->holds = true;
			}
			result = carry_out(end, peer, &op);
			rtls_conn_done(end->conn, &op, result);
			take_events(end);
			if (result == -EAGAIN)
				break;
			went_on = true;
		}
	}
	return false;
}

static void complete(struct end *end, ssize_t result)
{
	end->holds = false;
	rtls_conn_done(end->conn, &end->held, result);
	take_events(end);
}

#define NEVER RTLS_OP_CLEAR_ERROR

/* Both to the end of the handshake, but for an operation of the server's that is held. */
static bool run_server_until(struct _test_data_operations *self, enum rtls_op_code code, int name)
{
	for (int i = 0; i < 4; i++) {
		run_until(&self->client, &self->server, NEVER, 0);
		if (run_until(&self->server, &self->client, code, name))
			return true;
	}
	return false;
}

TEST_F(operations, close_while_tx_is_being_installed)
{
	struct rtls_op op;

	begin(self, RTLS_KTLS_AUTO);
	ASSERT_EQ(true, run_server_until(self, RTLS_OP_SETSOCKOPT, TLS_TX));
	rtls_conn_close(self->server.conn);
	complete(&self->server, 0);
	EXPECT_EQ(RTLS_MODE_KERNEL, rtls_conn_report(self->server.conn)->tx.mode);
	EXPECT_EQ(RTLS_MODE_USERSPACE, rtls_conn_report(self->server.conn)->rx.mode);
	EXPECT_EQ(false, self->server.established);
	/* The alert is the kernel's to seal: sealed here it would share its nonce. */
	ASSERT_EQ(true, rtls_conn_next(self->server.conn, &op));
	EXPECT_EQ(RTLS_OP_SEND, op.code);
	EXPECT_EQ(RTLS_ALERT, op.record_type);
	EXPECT_EQ(2, op.len);
}

TEST_F(operations, close_while_the_handshake_sends)
{
	uint8_t copy[4096];
	struct rtls_op op;

	begin(self, RTLS_KTLS_OFF);
	ASSERT_EQ(true, run_server_until(self, RTLS_OP_SEND, 0));
	memcpy(copy, self->server.held.buf, self->server.held.len);
	rtls_conn_close(self->server.conn);
	EXPECT_EQ(0, memcmp(copy, self->server.held.buf, self->server.held.len));
	complete(&self->server, self->server.held.len);
	EXPECT_EQ(true, self->server.failed);
	ASSERT_EQ(true, rtls_conn_next(self->server.conn, &op));
	EXPECT_EQ(RTLS_OP_SEND, op.code);
	EXPECT_EQ(7, op.len);
	EXPECT_EQ(0, memcmp(op.buf, (uint8_t[]){ 21, 3, 3, 0, 2, 2, RTLS_ALERT_USER_CANCELED }, 7));
}

/* The peer's FIN comes while a last send waits for room: it is read once, not for ever. */
TEST_F(operations, end_of_stream_behind_a_close)
{
	static uint8_t data[100000];
	struct rtls_op op;
	int receives = 0;

	begin(self, RTLS_KTLS_OFF);
	run_server_until(self, NEVER, 0);
	ASSERT_EQ(true, self->server.established);
	ASSERT_EQ(0, rtls_conn_send(self->server.conn, data, sizeof(data), false));
	rtls_conn_close(self->server.conn);
	for (int i = 0; i < 10; i++) {
		while (rtls_conn_next(self->server.conn, &op)) {
			receives += op.code == RTLS_OP_RECV;
			rtls_conn_done(self->server.conn, &op,
				       op.code == RTLS_OP_RECV ? 0 : -EAGAIN);
			if (op.code != RTLS_OP_RECV)
				break;
		}
		take_events(&self->server);
	}
	EXPECT_GE(1, receives);
	EXPECT_EQ(false, self->server.failed);
}

/* A fatal alert that comes up while a warning is under way is sent behind it. */
TEST_F(operations, alert_behind_an_alert)
{
	struct rtls_op recv = { 0 }, send, next;
	uint8_t hello[] = "\1\0\0", change[] = "\1";

	begin(self, RTLS_KTLS_AUTO);
	run_server_until(self, NEVER, 0);
	ASSERT_EQ(true, self->server.established);
	ASSERT_EQ(true, rtls_conn_next(self->server.conn, &recv));
	ASSERT_EQ(RTLS_OP_RECV, recv.code);
	recv.more = true;
	recv.buf = hello;
	recv.record_type = RTLS_HANDSHAKE;
	rtls_conn_done(self->server.conn, &recv, 4);
	take_events(&self->server);
	ASSERT_EQ(true, rtls_conn_next(self->server.conn, &send));
	EXPECT_EQ(RTLS_ALERT_NO_RENEGOTIATION, send.buf[1]);
	recv.buf = change;
	recv.record_type = RTLS_CHANGE_CIPHER_SPEC;
	rtls_conn_done(self->server.conn, &recv, 1);
	take_events(&self->server);
	EXPECT_EQ(true, self->server.failed);
	EXPECT_EQ(RTLS_ALERT_NO_RENEGOTIATION, send.buf[1]);
	rtls_conn_done(self->server.conn, &send, 2);
	ASSERT_EQ(true, rtls_conn_next(self->server.conn, &next));
	EXPECT_EQ(RTLS_OP_SEND, next.code);
	EXPECT_EQ(2, next.buf[0]);
	EXPECT_EQ(RTLS_ALERT_UNEXPECTED_MESSAGE, next.buf[1]);
}

/* Some kernels say EBADMSG for ever where the peer is gone. */
TEST_F(operations, sends_that_fail_with_ebadmsg_end)
{
	struct rtls_op op;
	int count = 0;

	begin(self, RTLS_KTLS_AUTO);
	run_server_until(self, NEVER, 0);
	ASSERT_EQ(0, rtls_conn_send(self->server.conn, "data", 4, false));
	while (!self->server.closed && count++ < 100) {
		if (!rtls_conn_next(self->server.conn, &op))
			break;
		rtls_conn_done(self->server.conn, &op, op.code == RTLS_OP_SEND ? -EBADMSG :
						       op.code == RTLS_OP_RECV ? -EAGAIN : 0);
		take_events(&self->server);
	}
	EXPECT_EQ(true, self->server.closed);
	EXPECT_EQ(-EBADMSG, rtls_conn_error(self->server.conn));
}

/* ---- a private key elsewhere --------------------------------------------------------- */

/* Both to where the server's key has to sign. */
static struct rtls_key_operation *until_key_is_wanted(struct _test_data_operations *self)
{
	rtls_config_unref(self->configs[RTLS_SERVER]);
	self->configs[RTLS_SERVER] = config_make(
		(struct config_spec){ .identity = &self->cert, .external_keys = true });
	begin(self, RTLS_KTLS_OFF);
	run_server_until(self, NEVER, 0);
	return rtls_conn_key_operation(self->server.conn);
}

/* As a pool would: a second result, or one that comes too late, changes nothing. */
TEST_F(operations, key_is_done_twice)
{
	struct rtls_key_operation *operation = until_key_is_wanted(self);

	ASSERT_NE(NULL, operation);
	rtls_key_operation_run(operation);
	rtls_conn_key_done(self->server.conn, operation);
	rtls_conn_key_done(self->server.conn, operation);
	run_server_until(self, NEVER, 0);
	EXPECT_EQ(true, self->server.established && self->client.established);
	rtls_conn_key_done(self->server.conn, operation);
	EXPECT_EQ(0, rtls_conn_error(self->server.conn));
	rtls_key_operation_free(operation);
}

TEST_F(operations, key_that_fails)
{
	struct rtls_key_operation *operation = until_key_is_wanted(self);

	ASSERT_NE(NULL, operation);
	operation->error = RTLS_ERR_CRYPTO;
	rtls_conn_key_done(self->server.conn, operation);
	rtls_key_operation_free(operation);
	run_server_until(self, NEVER, 0);
	run_until(&self->client, &self->server, NEVER, 0);
	EXPECT_EQ(true, self->server.failed);
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_INTERNAL_ERROR),
		  rtls_conn_error(self->client.conn));
}

TEST_F(operations, close_while_the_key_is_used)
{
	struct rtls_key_operation *operation = until_key_is_wanted(self);

	ASSERT_NE(NULL, operation);
	rtls_conn_close(self->server.conn);
	rtls_key_operation_run(operation);
	rtls_conn_key_done(self->server.conn, operation);
	rtls_key_operation_free(operation);
	EXPECT_EQ(NULL, rtls_conn_key_operation(self->server.conn));
	run_server_until(self, NEVER, 0);
	EXPECT_EQ(-ECANCELED, rtls_conn_error(self->server.conn));
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_USER_CANCELED),
		  rtls_conn_error(self->client.conn));
}

TEST_F(operations, nothing_behind_more_is_refused)
{
	begin(self, RTLS_KTLS_OFF);
	run_server_until(self, NEVER, 0);
	ASSERT_EQ(0, rtls_conn_send(self->server.conn, "head", 4, true));
	run_until(&self->server, &self->client, NEVER, 0);
	EXPECT_EQ(-EINVAL, rtls_conn_send(self->server.conn, "", 0, false));
	EXPECT_EQ(0, rtls_conn_send(self->server.conn, "body", 4, false));
	run_until(&self->server, &self->client, NEVER, 0);
	EXPECT_EQ(0, rtls_conn_send(self->server.conn, "", 0, false));
}

TEST_HARNESS_MAIN
