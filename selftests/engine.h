/* SPDX-License-Identifier: MIT */
/*
 * An engine on a listening socket: an echo server, clients in the same ring, clients outside.
 */
#ifndef SELFTESTS_ENGINE_H
#define SELFTESTS_ENGINE_H

#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ringtls/uring.h>
#include "common.h"
#include <kselftest_harness.h>

#define CLIENTS_MAX 64

FIXTURE(engine)
{
	struct cert cert;
	struct rtls_config *server, *client;
	struct rtls_engine *engine;
	struct rtls_listener *listener;
	struct sockaddr_in addr;
	int fd;
};

FIXTURE_VARIANT(engine)
{
	unsigned int avoid;
	bool external;       /* the server's private key */
	enum cert_kind kind;
	const char *suite;   /* NULL: the defaults */
};

static inline struct rtls_config *new_server_config(const struct cert *cert,
						    const FIXTURE_VARIANT(engine) *variant)
{
	return config_make((struct config_spec){
		.identity = cert, .suites = variant->suite, .external_keys = variant->external });
}

FIXTURE_SETUP(engine)
{
	socklen_t len = sizeof(self->addr);

	memset(self, 0, sizeof(*self));
	self->cert = cert_make((struct cert_spec){ .kind = variant->kind });
	self->server = new_server_config(&self->cert, variant);
	self->client = client_config(&self->cert, variant->suite, NULL, NULL);
	self->addr.sin_family = AF_INET;
	self->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(self->fd, (void *)&self->addr, len));
	ASSERT_EQ(0, listen(self->fd, 128));
	ASSERT_EQ(0, getsockname(self->fd, (void *)&self->addr, &len));
}

FIXTURE_TEARDOWN(engine)
{
	rtls_engine_free(self->engine);
	rtls_config_unref(self->server);
	rtls_config_unref(self->client);
	close(self->fd);
	cert_free(&self->cert);
	test_end();
}

static inline int start_engine(struct _test_data_engine *self, unsigned int avoid,
			       struct rtls_engine_params params, const struct rtls_stream_ops *ops)
{
	params.avoid = avoid;
	return rtls_engine_new(&self->engine, &params, NULL) ||
	       rtls_listen(self->engine, self->fd, self->server, RTLS_KTLS_AUTO, ops, NULL,
			   &self->listener);
}

static inline int start_client(struct _test_data_engine *self, const struct rtls_stream_ops *ops,
			       void *arg)
{
	return rtls_connect(self->engine, (void *)&self->addr, sizeof(self->addr), self->client,
			    "localhost", RTLS_KTLS_AUTO, ops, arg);
}

#define PATIENT ((struct rtls_engine_params){ .handshake_ms = 600000, .idle_ms = 600000 })

/* ---- echo ------------------------------------------------------------------------------ */

/* What came and has not gone back: one piece is being sent, the next is growing. */
struct debt {
	uint8_t *sending, *next;
	size_t next_len;
};

static inline void pay(struct rtls_stream *stream, struct debt *debt)
{
	size_t len = debt->next_len;

	free(debt->sending);
	debt->sending = debt->next;
	debt->next = NULL;
	debt->next_len = 0;
	if (len && rtls_stream_send(stream, debt->sending, len, false))
		abort();
	/* One piece on its way is enough: the client waits. */
	rtls_stream_pause(stream, len > 0);
}

static inline void echo_data(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	struct debt *debt = rtls_stream_arg(stream);

	if (!debt) {
		debt = calloc(1, sizeof(*debt));
		rtls_stream_set_arg(stream, debt);
	}
	debt->next = realloc(debt->next, debt->next_len + len);
	memcpy(debt->next + debt->next_len, data, len);
	debt->next_len += len;
	if (!debt->sending)
		pay(stream, debt);
}

static inline void echo_sent(struct rtls_stream *stream)
{
	pay(stream, rtls_stream_arg(stream));
}

static inline void echo_closed(struct rtls_stream *stream, int error)
{
	struct debt *debt = rtls_stream_arg(stream);

	(void)error;
	if (debt) {
		free(debt->sending);
		free(debt->next);
	}
	free(debt);
}

static const struct rtls_stream_ops echo = {
	.data = echo_data, .sent = echo_sent, .closed = echo_closed
};

/* ---- clients ----------------------------------------------------------------------------- */

struct client {
	const uint8_t *data;
	size_t ask, len, received; /* sends the first @ask bytes, expects @len */
	int error;
	bool wrong, peer_closed;
	int *open; /* the last one to close stops the engine */
};

static inline void client_established(struct rtls_stream *stream)
{
	struct client *client = rtls_stream_arg(stream);

	if (client->ask && rtls_stream_send(stream, client->data, client->ask, false))
		client->wrong = true;
}

static inline void client_data(struct rtls_stream *stream, const uint8_t *data, size_t len)
{
	struct client *client = rtls_stream_arg(stream);

	if (client->received + len > client->len ||
	    memcmp(client->data + client->received, data, len))
		client->wrong = true;
	client->received += len;
	if (client->received == client->len)
		rtls_stream_close(stream);
}

static inline void client_peer_closed(struct rtls_stream *stream)
{
	((struct client *)rtls_stream_arg(stream))->peer_closed = true;
	rtls_stream_close(stream);
}

static inline void client_closed(struct rtls_stream *stream, int error)
{
	struct client *client = rtls_stream_arg(stream);

	client->error = error;
	if (!--*client->open)
		rtls_engine_drain(rtls_stream_engine(stream), 5000);
}

static const struct rtls_stream_ops client_ops = {
	.established = client_established,
	.data = client_data,
	.peer_closed = client_peer_closed,
	.closed = client_closed,
};

static inline unsigned int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* ---- a server that says nothing ------------------------------------------------------------ */

static int server_error;
static bool server_closed;

static inline void note_closed(struct rtls_stream *stream, int error)
{
	server_error = error;
	server_closed = true;
	rtls_engine_stop(rtls_stream_engine(stream));
}

static const struct rtls_stream_ops noting = { .closed = note_closed };

/* ---- clients outside the ring -------------------------------------------------------------- */

static inline void *run_engine(void *engine)
{
	return (void *)(intptr_t)rtls_engine_run(engine);
}

/* A client outside the ring, on calls that block. */
struct caller {
	struct rtls_worker *worker;
	struct rtls_conn *conn;
	int fd;
};

static inline bool call_begin(struct caller *caller, const struct sockaddr_in *addr,
			      struct rtls_config *config)
{
	struct rtls_hs *hs = NULL;

	caller->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	caller->worker = rtls_worker_new();
	if (connect(caller->fd, (const void *)addr, sizeof(*addr)) ||
	    rtls_hs_new(&hs, config, caller->worker, RTLS_CLIENT, "localhost"))
		return false;
	caller->conn = rtls_conn_new(hs, caller->worker, RTLS_KTLS_OFF);
	return caller->conn;
}

/* The first bytes of the ClientHello, and no more for now. */
static inline bool call_a_little(struct caller *caller)
{
	struct rtls_op op;

	/* A receive may be named as well: it stays under way. */
	while (rtls_conn_next(caller->conn, &op)) {
		if (op.code == RTLS_OP_SEND) {
			rtls_conn_done(caller->conn, &op, send(caller->fd, op.buf, 20, 0));
			return true;
		}
	}
	return false;
}

/* Goes on until this event; false if it does not come. */
static inline bool call_until(struct caller *caller, enum rtls_event_type type)
{
	static uint8_t buf[RTLS_RECORD_MAX];
	struct rtls_event event;

	while (rtls_drive(caller->conn, caller->fd, buf, sizeof(buf), 60000, &event) == 1)
		if (event.type == type)
			return true;
	return false;
}

static inline void call_end(struct caller *caller)
{
	rtls_conn_free(caller->conn);
	rtls_worker_free(caller->worker);
	close(caller->fd);
}



#endif
