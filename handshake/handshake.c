// SPDX-License-Identifier: MIT
/*
 * The handshake's engine: records in, messages to the rows of client.c and server.c,
 * records out. A message without a row is out of order, and that is said here only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>

#include "hs_internal.h"

#define MESSAGE_HEADER_LEN 4
#define ALERT_WARNING      1
#define ALERT_FATAL        2

/* The longest message of each kind that anyone has a use for. */
static const struct {
	uint8_t message;
	uint32_t len_max;
} message_limits[] = {
	{ HS_HELLO_REQUEST, 0 },
	{ HS_CLIENT_HELLO, 16384 },
	{ HS_SERVER_HELLO, 16384 },
	{ HS_NEW_SESSION_TICKET, 65536 + 6 },
	{ HS_CERTIFICATE, 65536 },
	{ HS_CERTIFICATE_STATUS, 65536 },
	{ HS_SERVER_KEY_EXCHANGE, 4096 },
	{ HS_CERTIFICATE_REQUEST, 65536 },
	{ HS_SERVER_HELLO_DONE, 0 },
	{ HS_CERTIFICATE_VERIFY, 2048 },
	{ HS_CLIENT_KEY_EXCHANGE, 2048 },
	{ HS_FINISHED, HS_VERIFY_DATA_LEN },
};

/* Counted where they are traced: not by configuration, which may change under a server. */
static uint64_t conversations;

/* Shows a message to who wants to watch. */
static void trace(const struct rtls_hs *hs, bool sent, enum rtls_content_type type,
		  const uint8_t *data, size_t len)
{
	if (hs->config->trace)
		hs->config->trace(hs->config->trace_arg,
				  &(struct rtls_trace){
					  .conversation = hs->conversation,
					  .role = hs->role,
					  .sent = sent,
					  .type = type,
					  .suite = hs->suite ? hs->suite->id : 0,
					  .data = data,
					  .len = len,
				  });
}

/* ---- records out ---------------------------------------------------------------- */

/* One record, protected or not as the state has it. */
static void send_record(struct rtls_hs *hs, enum rtls_content_type type, const uint8_t *data,
			size_t len)
{
	struct rtls_keys *keys = &hs->secrets.keys;
	uint8_t *room;
	ssize_t n;

	if (!hs->write_protected) {
		room = wire_put_room(&hs->out, RTLS_RECORD_HEADER_LEN);
		if (room)
			hs_record_header(room, type, len);
		wire_put_bytes(&hs->out, data, len);
		return;
	}
	room = wire_put_room(&hs->out, len + RTLS_RECORD_OVERHEAD);
	if (!room)
		return;
	n = rtls_record_seal(hs->worker, keys->cipher, &keys->tx, type, data, len, room);
	if (n < 0)
		hs->out.bad = true;
	else
		hs->out.len -= len + RTLS_RECORD_OVERHEAD - n;
}

/*
 * Turns what a handler wrote behind @begin into records. Handlers write into hs->out, where
 * a short message stays and gets its header; only a long or a protected one is moved.
 */
static void frame_records(struct rtls_hs *hs, enum rtls_content_type type, size_t begin)
{
	size_t len = hs->out.len - begin, max = hs_plaintext_max(hs, hs->write_protected);
	uint8_t finished[MESSAGE_HEADER_LEN + HS_VERIFY_DATA_LEN];
	struct wire_out body = { 0 };

	if (hs->out.bad)
		return;
	if (!hs->write_protected && len <= max) {
		hs_record_header(hs->out.data + begin - RTLS_RECORD_HEADER_LEN, type, len);
		return;
	}
	hs->out.len = begin - RTLS_RECORD_HEADER_LEN;
	if (hs->write_protected) { /* of a handshake that is Finished alone */
		hs->out.bad = len > sizeof(finished);
		if (hs->out.bad)
			return;
		memcpy(finished, hs->out.data + begin, len);
		send_record(hs, type, finished, len);
		return;
	}
	wire_put_bytes(&body, hs->out.data + begin, len);
	hs->out.bad = body.bad;
	for (size_t done = 0; !hs->out.bad && done < len;) {
		size_t part = len - done < max ? len - done : max;

		send_record(hs, type, body.data + done, part);
		done += part;
	}
	wire_clear(&body);
}

static int send_row(struct rtls_hs *hs, const struct hs_row *row)
{
	bool is_message = row->type == RTLS_HANDSHAKE;
	size_t record = wire_begin_vector(&hs->out, RTLS_RECORD_HEADER_LEN), body = 0;
	int ret;

	if (is_message) {
		wire_put_u8(&hs->out, row->message);
		body = wire_begin_vector(&hs->out, 3);
	}
	ret = row->handler(hs, NULL);
	if (ret)
		return ret;
	if (is_message) {
		wire_end_vector(&hs->out, body, 3);
		if (hs->out.bad || hs_transcript_add(&hs->transcript, hs->out.data + record,
						     hs->out.len - record))
			return hs_fault(hs, "no memory for a message");
	}
	if (!hs->out.bad)
		trace(hs, true, row->type, hs->out.data + record, hs->out.len - record);
	frame_records(hs, row->type, record);
	if (row->type == RTLS_CHANGE_CIPHER_SPEC)
		hs->write_protected = true;
	return hs->out.bad ? hs_fault(hs, "building a record failed") : 0;
}

/* ---- failure --------------------------------------------------------------------- */

static void send_alert(struct rtls_hs *hs, uint8_t level, uint8_t alert)
{
	const uint8_t content[] = { level, alert };

	hs->out.bad = false;
	trace(hs, true, RTLS_ALERT, content, sizeof(content));
	send_record(hs, RTLS_ALERT, content, sizeof(content));
}

int hs_fail(struct rtls_hs *hs, uint8_t alert, const char *format, ...)
{
	va_list ap;

	if (hs->error)
		return hs->error;
	hs_session_drop(hs);
	va_start(ap, format);
	vsnprintf(hs->reason, sizeof(hs->reason), format, ap);
	va_end(ap);
	hs->error = RTLS_ERR_ALERT_SENT(alert);
	hs->state = HS_FAILED;
	/* A message that was being built when the fault came is not sent. */
	hs->out.len = hs->out_framed;
	send_alert(hs, ALERT_FATAL, alert);
	hs->out_framed = hs->out.len;
	return hs->error;
}

int hs_fault(struct rtls_hs *hs, const char *what)
{
	ERR_clear_error();
	return hs_fail(hs, RTLS_ALERT_INTERNAL_ERROR, "%s", what);
}

void rtls_hs_abort(struct rtls_hs *hs, uint8_t alert, const char *reason)
{
	if (hs->state != HS_GONE)
		hs_fail(hs, alert, "%s", reason);
}

static int alert_recv(struct rtls_hs *hs, struct wire_in *record)
{
	uint8_t level = wire_get_u8(record), alert = wire_get_u8(record);

	if (!wire_is_done(record) || (level != ALERT_WARNING && level != ALERT_FATAL))
		return hs_violation(hs, HS_V_ALERT_SYNTAX);
	if (level == ALERT_WARNING && alert != RTLS_ALERT_CLOSE_NOTIFY)
		return ++hs->warnings > HS_WARNINGS_MAX ? hs_violation(hs, HS_V_TOO_MANY_WARNINGS)
							: 0;
	snprintf(hs->reason, sizeof(hs->reason), "the peer sent the alert %s",
		 rtls_alert_name(alert));
	hs_session_drop(hs);
	hs->error = RTLS_ERR_ALERT_RECEIVED(alert);
	hs->state = HS_FAILED;
	if (alert == RTLS_ALERT_CLOSE_NOTIFY) {
		send_alert(hs, ALERT_WARNING, RTLS_ALERT_CLOSE_NOTIFY);
		hs->out_framed = hs->out.len;
	}
	return hs->error;
}

/* ---- rows ------------------------------------------------------------------------ */

static const struct hs_row *find_row(const struct rtls_hs *hs, enum rtls_content_type type,
				     uint8_t message)
{
	const struct hs_row *rows = hs->role == RTLS_CLIENT ? hs_client_rows : hs_server_rows;
	size_t len = hs->role == RTLS_CLIENT ? hs_client_rows_len : hs_server_rows_len;

	for (size_t i = 0; i < len; i++)
		if (rows[i].state == hs->state && rows[i].type == type &&
		    (type != RTLS_HANDSHAKE || rows[i].message == message) &&
		    (!rows[i].allowed || rows[i].allowed(hs)))
			return &rows[i];
	return NULL;
}

static bool is_waiting(const struct rtls_hs *hs)
{
	return hs->state <= HS_WAIT_FINISHED;
}

/* The row of a state in which the peer has no say. */
static const struct hs_row *own_row(const struct rtls_hs *hs)
{
	const struct hs_row *rows = hs->role == RTLS_CLIENT ? hs_client_rows : hs_server_rows;

	while (rows->state != hs->state || (rows->allowed && !rows->allowed(hs)))
		rows++;
	return rows;
}

static bool is_key_idle(const struct rtls_hs *hs)
{
	return hs->key_want == RTLS_HS_WANT_INPUT;
}

/* Goes on until the peer's turn, the private key's, the end, or a failure. */
static int run_own_rows(struct rtls_hs *hs)
{
	while (!is_waiting(hs) && hs->state < HS_DONE && is_key_idle(hs)) {
		const struct hs_row *row = own_row(hs);
		int ret = 0;

		if (row->type)
			ret = send_row(hs, row);
		else if (row->handler)
			ret = row->handler(hs, NULL);
		if (ret)
			return ret;
		hs->out_framed = hs->out.len;
		hs->state = row->next;
	}
	return 0;
}

/* ---- messages in ------------------------------------------------------------------ */

/* RFC 5246 7.4.1.1: in a handshake a client ignores it, and it is not part of it. */
static bool is_ignored(const struct rtls_hs *hs, uint8_t message)
{
	return message == HS_HELLO_REQUEST && hs->role == RTLS_CLIENT;
}

/*
 * Looks at a header before its body is read, so that nobody makes us keep what we refuse.
 * @have: how much of header and body has come.
 */
static int check_header(struct rtls_hs *hs, const uint8_t *message, size_t len, size_t have)
{
	enum hs_violation violation = HS_V_MESSAGE_TOO_LONG;
	size_t len_max = 16384;

	for (size_t i = 0; i < sizeof(message_limits) / sizeof(*message_limits); i++)
		if (message_limits[i].message == message[0])
			len_max = message_limits[i].len_max;
	if (!is_ignored(hs, message[0]) && !find_row(hs, RTLS_HANDSHAKE, message[0]))
		violation = HS_V_UNEXPECTED_MESSAGE;
	else if (len <= len_max)
		return 0;
	trace(hs, false, RTLS_HANDSHAKE, message,
	      have < MESSAGE_HEADER_LEN + len ? have : MESSAGE_HEADER_LEN + len);
	return hs_violation(hs, violation);
}

/* One whole handshake message with its header, which has been checked. */
static int message_recv(struct rtls_hs *hs, const uint8_t *message, size_t len)
{
	struct wire_in body = wire_in(message + MESSAGE_HEADER_LEN, len - MESSAGE_HEADER_LEN);
	const struct hs_row *row;
	int ret;

	trace(hs, false, RTLS_HANDSHAKE, message, len);
	if (is_ignored(hs, message[0]))
		return ++hs->warnings > HS_WARNINGS_MAX ? hs_violation(hs, HS_V_TOO_MANY_WARNINGS)
							: 0;
	row = find_row(hs, RTLS_HANDSHAKE, message[0]);
	ret = row->handler(hs, &body);
	if (ret)
		return ret;
	if (hs_transcript_add(&hs->transcript, message, len))
		return hs_fault(hs, "hashing a message failed");
	hs->state = row->next;
	return run_own_rows(hs);
}

/* Takes whole messages off what has come; *@done: so many bytes. */
static int take_messages(struct rtls_hs *hs, const uint8_t *data, size_t len, size_t *done)
{
	int ret = 0;

	*done = 0;
	while (!ret && is_waiting(hs) && len - *done >= MESSAGE_HEADER_LEN) {
		const uint8_t *message = data + *done;
		size_t body_len = message[1] << 16 | message[2] << 8 | message[3];

		ret = check_header(hs, message, body_len, len - *done);
		if (ret || len - *done < MESSAGE_HEADER_LEN + body_len)
			break;
		ret = message_recv(hs, message, MESSAGE_HEADER_LEN + body_len);
		*done += MESSAGE_HEADER_LEN + body_len;
	}
	/* While the private key is busy with one message, the next may lie here already. */
	if (!ret && !is_waiting(hs) && is_key_idle(hs) && *done < len)
		ret = hs_violation(hs, HS_V_MESSAGE_GLUED);
	return ret;
}

/* From hs->message, where what comes in parts is put together. */
static int messages_go_on(struct rtls_hs *hs)
{
	size_t done;
	int ret = take_messages(hs, hs->message.data, hs->message.len, &done);

	hs->message.len -= done;
	if (done)
		memmove(hs->message.data, hs->message.data + done, hs->message.len);
	return ret;
}

/* Messages are looked at where they lie; only what is not whole is kept. */
static int messages_recv(struct rtls_hs *hs, const uint8_t *data, size_t len)
{
	bool continues = hs->message.len;
	size_t done = 0;
	int ret = continues ? 0 : take_messages(hs, data, len, &done);

	if (ret || done == len)
		return ret;
	wire_put_bytes(&hs->message, data + done, len - done);
	if (hs->message.bad)
		return hs_fault(hs, "no memory for a message");
	return continues ? messages_go_on(hs) : 0;
}

int hs_go_on(struct rtls_hs *hs)
{
	int ret = run_own_rows(hs);

	return !ret && hs->message.len ? messages_go_on(hs) : ret;
}

static int change_cipher_spec(struct rtls_hs *hs, struct wire_in *record)
{
	const struct hs_row *row = find_row(hs, RTLS_CHANGE_CIPHER_SPEC, 0);
	int ret;

	/* Not in the middle of a message either: that one would change its protection. */
	if (!row || hs->message.len)
		return hs_violation(hs, HS_V_UNEXPECTED_MESSAGE);
	ret = row->handler(hs, record);
	if (ret)
		return ret;
	hs->state = row->next;
	return run_own_rows(hs);
}

static int content_recv(struct rtls_hs *hs, uint8_t type, const uint8_t *data, size_t len)
{
	struct wire_in record = wire_in(data, len);

	if (type != RTLS_HANDSHAKE)
		trace(hs, false, type, data, len);
	switch (type) {
	case RTLS_CHANGE_CIPHER_SPEC:
		return change_cipher_spec(hs, &record);
	case RTLS_ALERT:
		return len ? alert_recv(hs, &record) : hs_violation(hs, HS_V_RECORD_EMPTY);
	case RTLS_HANDSHAKE:
		if (!len)
			return hs_violation(hs, HS_V_RECORD_EMPTY);
		return messages_recv(hs, data, len);
	default:
		return hs_violation(hs, HS_V_DATA_IN_HANDSHAKE);
	}
}

/* ---- records in ------------------------------------------------------------------- */

static bool is_first_record(const struct rtls_hs *hs)
{
	return hs->state == HS_WAIT_CLIENT_HELLO || hs->state == HS_WAIT_SERVER_HELLO;
}

/* What a header of five bytes promises: the record's length, or an error. */
static ssize_t plain_record_len(struct rtls_hs *hs, const uint8_t *header)
{
	size_t len = header[3] << 8 | header[4];
	bool first = is_first_record(hs);

	if (header[0] < RTLS_CHANGE_CIPHER_SPEC || header[0] > RTLS_APPLICATION_DATA)
		return hs_violation(hs, first ? HS_V_RECORD_NOT_TLS : HS_V_RECORD_TYPE);
	/* RFC 5246 E.1: a first ClientHello may bear any version 3.x. */
	if (header[1] != 3 || (!first && header[2] != (HS_VERSION & 0xff)))
		return hs_violation(hs, HS_V_RECORD_VERSION);
	if (len > RTLS_PLAINTEXT_MAX)
		return hs_violation(hs, HS_V_RECORD_TOO_LONG);
	return RTLS_RECORD_HEADER_LEN + len;
}

/* The violation that answers a fault of the protected record layer's. */
static int protected_record_fault(struct rtls_hs *hs, ssize_t error)
{
	switch (RTLS_ERR_ALERT(error)) {
	case RTLS_ALERT_UNEXPECTED_MESSAGE:
		return hs_violation(hs, HS_V_RECORD_TYPE);
	case RTLS_ALERT_PROTOCOL_VERSION:
		return hs_violation(hs, HS_V_RECORD_VERSION);
	case RTLS_ALERT_RECORD_OVERFLOW:
		return hs_violation(hs, HS_V_RECORD_TOO_LONG);
	default:
		return hs_violation(hs, HS_V_RECORD_BAD_MAC);
	}
}

static ssize_t record_len(struct rtls_hs *hs, const uint8_t *header)
{
	ssize_t len;

	if (!hs->read_protected)
		return plain_record_len(hs, header);
	len = rtls_record_len(hs->secrets.keys.cipher, header, RTLS_RECORD_HEADER_LEN);
	return len < 0 ? protected_record_fault(hs, len) : len;
}

static int record_recv(struct rtls_hs *hs)
{
	struct rtls_keys *keys = &hs->secrets.keys;
	uint8_t *record = hs->record.data, *data = record + RTLS_RECORD_HEADER_LEN;
	ssize_t len = hs->record.len - RTLS_RECORD_HEADER_LEN;

	hs->record.len = 0;
	if (hs->read_protected) {
		len = rtls_record_open(hs->worker, keys->cipher, &keys->rx, record, &data);
		if (len < 0) {
			ERR_clear_error();
			return protected_record_fault(hs, len);
		}
	}
	return content_recv(hs, record[0], data, len);
}

/* Moves bytes into hs->record until it holds @want of them; false: more are needed. */
static bool gather(struct rtls_hs *hs, const uint8_t **buf, size_t *len, size_t want)
{
	size_t part = want - hs->record.len;

	if (part > *len)
		part = *len;
	wire_put_bytes(&hs->record, *buf, part);
	*buf += part;
	*len -= part;
	return !hs->record.bad && hs->record.len == want;
}

/* Then it need not be copied. */
static bool is_whole_and_plain(const struct rtls_hs *hs, const uint8_t *buf, size_t len)
{
	return !hs->read_protected && !hs->record.len && len >= RTLS_RECORD_HEADER_LEN &&
	       len - RTLS_RECORD_HEADER_LEN >= (size_t)(buf[3] << 8 | buf[4]);
}

ssize_t rtls_hs_input(struct rtls_hs *hs, const uint8_t *buf, size_t len)
{
	size_t given = len;

	if (hs->error)
		return hs->error;
	while (len && is_waiting(hs)) {
		ssize_t want = RTLS_RECORD_HEADER_LEN;

		if (is_whole_and_plain(hs, buf, len)) {
			want = record_len(hs, buf);
			if (want < 0 || content_recv(hs, buf[0], buf + RTLS_RECORD_HEADER_LEN,
						     want - RTLS_RECORD_HEADER_LEN))
				return hs->error;
			buf += want;
			len -= want;
			continue;
		}
		if (hs->record.len < RTLS_RECORD_HEADER_LEN && !gather(hs, &buf, &len, want))
			break;
		want = record_len(hs, hs->record.data);
		if (want < 0)
			return want;
		if (gather(hs, &buf, &len, want) && record_recv(hs))
			return hs->error;
	}
	if (hs->record.bad)
		return hs_fault(hs, "no memory for a record");
	return given - len;
}

/* ---- the rest of the public face ---------------------------------------------------- */

static int set_server_name(struct rtls_hs *hs, const char *name)
{
	uint8_t address[16];

	hs->server_name_is_ip = inet_pton(AF_INET, name, address) == 1 ||
				inet_pton(AF_INET6, name, address) == 1;
	/* To libcrypto "" means any name, and ".example.org" all below it. */
	if (!hs->server_name_is_ip && !hs_is_host_name(name, strlen(name)))
		return RTLS_ERR_CONFIG;
	strcpy(hs->server_name, name);
	return 0;
}

int rtls_hs_new(struct rtls_hs **out, struct rtls_config *config, struct rtls_worker *worker,
		enum rtls_role role, const char *server_name)
{
	struct rtls_hs *hs;
	int ret = 0;

	*out = NULL;
	if (!config->frozen || (role == RTLS_SERVER && !config->can_serve))
		return RTLS_ERR_CONFIG;
	if (role == RTLS_CLIENT && config->verify && (!config->now || !server_name))
		return RTLS_ERR_CONFIG;
	hs = OPENSSL_zalloc(sizeof(*hs));
	if (!hs)
		return -ENOMEM;
	hs->config = rtls_config_ref(config);
	hs->worker = worker;
	hs_signers_clear(worker, false);
	hs->role = role;
	if (config->trace)
		hs->conversation = __atomic_add_fetch(&conversations, 1, __ATOMIC_RELAXED);
	hs->state = role == RTLS_CLIENT ? HS_SEND_CLIENT_HELLO : HS_WAIT_CLIENT_HELLO;
	if (role == RTLS_CLIENT && server_name)
		ret = set_server_name(hs, server_name);
	if (!ret)
		ret = run_own_rows(hs);
	if (ret) {
		rtls_hs_free(hs);
		return ret;
	}
	*out = hs;
	return 0;
}

void rtls_hs_free(struct rtls_hs *hs)
{
	if (!hs)
		return;
	rtls_worker_forget(hs->worker);
	wire_clear(&hs->record);
	wire_clear(&hs->message);
	wire_clear(&hs->out);
	hs_transcript_clear(&hs->transcript);
	wire_clear(&hs->key_exchange);
	wire_clear(&hs->signature);
	hs_session_clear(&hs->session);
	hs_chain_drop(hs);
	EVP_PKEY_free(hs->ephemeral);
	rtls_config_unref(hs->config);
	hs_signers_clear(hs->worker, false); /* it may have been the configuration's last */
	OPENSSL_clear_free(hs, sizeof(*hs));
}

enum rtls_hs_status rtls_hs_status(const struct rtls_hs *hs)
{
	if (hs->out_sent < hs->out.len)
		return RTLS_HS_WANT_OUTPUT;
	if (hs->error)
		return RTLS_HS_FAILED;
	if (!is_key_idle(hs))
		return hs->key_want;
	return is_waiting(hs) ? RTLS_HS_WANT_INPUT : RTLS_HS_DONE;
}

const uint8_t *rtls_hs_output(const struct rtls_hs *hs, size_t *len)
{
	*len = hs->out.len - hs->out_sent;
	return *len ? hs->out.data + hs->out_sent : NULL;
}

void rtls_hs_output_done(struct rtls_hs *hs, size_t len)
{
	hs->out_sent += len;
	if (hs->out_sent == hs->out.len) {
		hs->out.len = hs->out_sent = hs->out_framed = 0;
	}
}

int rtls_hs_error(const struct rtls_hs *hs)
{
	return hs->error;
}

const char *rtls_hs_reason(const struct rtls_hs *hs)
{
	return hs->reason;
}

/* In DER; its length, or negative without memory. Of a resumed session's server it is kept. */
static int copy_certificate(const struct rtls_hs *hs, uint8_t **certificate)
{
	struct wire_in chain = wire_in(hs->session.chain.data, hs->session.chain.len);
	struct wire_in leaf;

	if (hs->peer_chain)
		return i2d_X509(hs->peer_chain->leaf, certificate);
	if (!chain.len)
		return 0;
	leaf = wire_get_vector(&chain, 3, 1);
	*certificate = OPENSSL_memdup(leaf.data, leaf.len);
	return *certificate ? (int)leaf.len : -1;
}

static int fill_peer(const struct rtls_hs *hs, struct rtls_peer *peer)
{
	int len = copy_certificate(hs, &peer->certificate);

	peer->resumed = hs->resumed;
	peer->extended_master_secret = hs->extended_master_secret;
	if (hs->group)
		peer->group = hs->group->name;
	if (len > 0)
		peer->certificate_len = len;
	if (hs->server_name[0])
		peer->server_name = OPENSSL_strdup(hs->server_name);
	if (hs->alpn)
		peer->alpn = OPENSSL_strndup((const char *)hs->alpn + 1, hs->alpn[0]);
	if (len < 0 || (hs->server_name[0] && !peer->server_name) || (hs->alpn && !peer->alpn)) {
		rtls_peer_free(peer);
		return -ENOMEM;
	}
	return 0;
}

void rtls_peer_free(struct rtls_peer *peer)
{
	OPENSSL_free(peer->server_name);
	OPENSSL_free(peer->alpn);
	OPENSSL_free(peer->certificate);
	*peer = (struct rtls_peer){ 0 };
}

int rtls_hs_finish(struct rtls_hs *hs, struct rtls_keys *keys, struct rtls_peer *peer)
{
	int ret;

	if (rtls_hs_status(hs) != RTLS_HS_DONE || hs->state == HS_GONE)
		return RTLS_ERR_STATE;
	if (peer) {
		*peer = (struct rtls_peer){ 0 };
		ret = fill_peer(hs, peer);
		if (ret)
			return ret;
	}
	*keys = hs->secrets.keys;
	rtls_worker_forget(hs->worker);
	OPENSSL_cleanse(&hs->secrets, sizeof(hs->secrets));
	hs->state = HS_GONE;
	return 0;
}
