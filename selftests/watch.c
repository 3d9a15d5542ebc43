// SPDX-License-Identifier: MIT
/*
 * What may be watched of a handshake: its messages, by rtls_config_set_trace(), and its
 * secrets, by rtls_config_set_key_log().
 */
#include <string.h>

#include "pair.h"
#include <kselftest_harness.h>

#define MESSAGES_MAX 32

/* What one end has seen. */
struct record {
	struct rtls_trace messages[MESSAGES_MAX];
	uint8_t data[16384];
	size_t count, data_len;
	char keys[256];
	int keys_count;
};

static void note(void *arg, const struct rtls_trace *message)
{
	struct record *record = arg;
	struct rtls_trace *copy = &record->messages[record->count++];

	*copy = *message;
	copy->data = record->data + record->data_len;
	memcpy(record->data + record->data_len, message->data, message->len);
	record->data_len += message->len;
}

static void note_keys(void *arg, const char *line)
{
	struct record *record = arg;

	snprintf(record->keys, sizeof(record->keys), "%s", line);
	record->keys_count++;
}

FIXTURE(watch)
{
	struct cert cert;
	struct pair pair;
	struct record at_server, at_client;
};

FIXTURE_SETUP(watch)
{
	memset(self, 0, sizeof(*self));
	self->cert = cert_make((struct cert_spec){ .kind = CERT_RSA });
	self->pair = pair_make(rtls_config_new(), rtls_config_new());
	rtls_config_add_identity(self->pair.server_config, self->cert.x509, NULL, 0,
				 self->cert.key);
	rtls_config_add_identity(self->pair.client_config, self->cert.x509, NULL, 0,
				 self->cert.key);
	rtls_config_set_verify(self->pair.client_config, false);
	rtls_config_set_trace(self->pair.server_config, note, &self->at_server);
	rtls_config_set_trace(self->pair.client_config, note, &self->at_client);
	rtls_config_set_key_log(self->pair.server_config, note_keys, &self->at_server);
	rtls_config_set_key_log(self->pair.client_config, note_keys, &self->at_client);
}

FIXTURE_TEARDOWN(watch)
{
	pair_free(&self->pair);
	cert_free(&self->cert);
	test_end();
}

static int begin(struct pair *pair, const char *suites)
{
	return rtls_config_set_suites(pair->server_config, suites) ||
	       rtls_config_set_suites(pair->client_config, suites) ||
	       rtls_config_freeze(pair->server_config) ||
	       rtls_config_freeze(pair->client_config) || pair_begin(pair, "localhost");
}

/* What was seen, in words: "C1" is a client's ClientHello, "S!" a server's ChangeCipherSpec. */
static const char *story(const struct record *record, char *out)
{
	char *p = out;

	for (size_t i = 0; i < record->count; i++) {
		const struct rtls_trace *message = &record->messages[i];
		bool is_client = (message->role == RTLS_CLIENT) == message->sent;

		p += sprintf(p, "%s%c", i ? " " : "", is_client ? 'C' : 'S');
		if (message->type == RTLS_HANDSHAKE)
			p += sprintf(p, "%d", message->data[0]);
		else if (message->type == RTLS_CHANGE_CIPHER_SPEC)
			p += sprintf(p, "!");
		else
			p += sprintf(p, "x%d", message->type);
	}
	*p = '\0';
	return out;
}

#define FULL "C1 S2 S11 S12 S14 C16 C! C20 S! S20"

TEST_F(watch, both_ends_see_the_same)
{
	const struct record *a = &self->at_client, *b = &self->at_server;
	char seen[256];

	ASSERT_EQ(0, begin(&self->pair, "ECDHE-RSA-AES256-GCM-SHA384"));
	pair_run(&self->pair, SIZE_MAX);
	ASSERT_EQ(RTLS_HS_DONE, rtls_hs_status(self->pair.client));
	EXPECT_STREQ(FULL, story(a, seen));
	EXPECT_STREQ(FULL, story(b, seen));
	for (size_t i = 0; i < a->count; i++) {
		const struct rtls_trace *ours = &a->messages[i], *theirs = &b->messages[i];

		EXPECT_EQ(true, ours->sent != theirs->sent);
		EXPECT_EQ(RTLS_CLIENT, ours->role);
		EXPECT_EQ(RTLS_SERVER, theirs->role);
		EXPECT_EQ(a->messages[0].conversation, ours->conversation);
		EXPECT_EQ(b->messages[0].conversation, theirs->conversation);
		EXPECT_NE(ours->conversation, theirs->conversation);
		ASSERT_EQ(ours->len, theirs->len);
		EXPECT_EQ(0, memcmp(ours->data, theirs->data, ours->len));
		/* The client agrees by reading the ServerHello, the server by sending it. */
		EXPECT_EQ(i < 2 ? 0 : 0xc030, ours->suite);
		EXPECT_EQ(i < 1 ? 0 : 0xc030, theirs->suite);
	}
}

TEST_F(watch, without_a_server_key_exchange)
{
	char seen[256];

	ASSERT_EQ(0, begin(&self->pair, "AES128-GCM-SHA256"));
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_STREQ("C1 S2 S11 S14 C16 C! C20 S! S20", story(&self->at_client, seen));
}

TEST_F(watch, with_a_client_certificate)
{
	struct rtls_config *config = self->pair.server_config;
	char seen[256];

	ASSERT_EQ(0, rtls_config_set_client_auth(config, RTLS_CLIENT_AUTH_REQUEST));
	ASSERT_EQ(0, rtls_config_set_verify(config, false));
	ASSERT_EQ(0, begin(&self->pair, "ECDHE-RSA-AES128-GCM-SHA256"));
	pair_run(&self->pair, 1);
	EXPECT_STREQ("C1 S2 S11 S12 S13 S14 C11 C16 C15 C! C20 S! S20",
		     story(&self->at_client, seen));
	EXPECT_STREQ(seen, story(&self->at_server, (char[256]){ 0 }));
}

TEST_F(watch, conversations_are_numbered)
{
	struct rtls_hs *second;

	ASSERT_EQ(0, begin(&self->pair, "ECDHE-RSA-AES128-GCM-SHA256"));
	ASSERT_EQ(0, rtls_hs_new(&second, self->pair.client_config, self->pair.worker,
				 RTLS_CLIENT, NULL));
	EXPECT_EQ(2, self->at_client.messages[0].conversation);
	EXPECT_EQ(3, self->at_client.messages[1].conversation);
	rtls_hs_free(second);
}

/* The line's parts: this random, which is the hello's, and what is behind the last space. */
TEST_F(watch, keys_are_logged_once)
{
	const char *line = self->at_client.keys, *random = line + strlen("CLIENT_RANDOM ");
	const uint8_t *hello = self->at_client.data + 4;
	char hex[3];

	ASSERT_EQ(0, begin(&self->pair, "ECDHE-RSA-AES128-GCM-SHA256"));
	EXPECT_EQ(RTLS_ERR_STATE, rtls_config_set_key_log(self->pair.client_config, NULL, NULL));
	pair_carry(self->pair.client, self->pair.server, SIZE_MAX);
	EXPECT_EQ(0, self->at_server.keys_count);
	pair_run(&self->pair, SIZE_MAX);
	EXPECT_EQ(1, self->at_client.keys_count);
	EXPECT_EQ(1, self->at_server.keys_count);
	EXPECT_STREQ(line, self->at_server.keys);
	ASSERT_EQ(14 + 64 + 1 + 96, strlen(line));
	EXPECT_EQ(0, strncmp(line, "CLIENT_RANDOM ", 14));
	for (int i = 0; i < 32; i++) {
		snprintf(hex, sizeof(hex), "%02x", hello[2 + i]);
		EXPECT_EQ(0, strncmp(hex, random + 2 * i, 2));
	}
	EXPECT_EQ(' ', random[64]);
	EXPECT_EQ(96, strspn(random + 65, "0123456789abcdef"));
}

/* What is refused stands before the alert that answers it. */
FIXTURE(refused)
{
	struct record seen;
};

FIXTURE_VARIANT(refused)
{
	uint8_t record[64];
	size_t len;
	const char *story;
	size_t seen_len; /* of the refused message */
};

#define REFUSED(name, words, seen, ...)                                                            \
	FIXTURE_VARIANT_ADD(refused, name)                                                         \
	{                                                                                          \
		.record = { __VA_ARGS__ }, .len = sizeof((uint8_t[]){ __VA_ARGS__ }),              \
		.story = words, .seen_len = seen                                                   \
	}

REFUSED(out_of_order, "C20 Sx21", 6, 22, 3, 3, 0, 6, 20, 0, 0, 2, 1, 2);
REFUSED(out_of_order_and_cut, "C20 Sx21", 5, 22, 3, 3, 0, 5, 20, 0, 1, 0, 9);
REFUSED(unknown_message, "C99 Sx21", 4, 22, 3, 3, 0, 5, 99, 0, 0, 0, 1);
REFUSED(too_long, "C1 Sx21", 6, 22, 3, 1, 0, 6, 1, 1, 0, 0, 1, 2);
REFUSED(bad_syntax, "C1 Sx21", 5, 22, 3, 1, 0, 5, 1, 0, 0, 1, 3);
REFUSED(change_cipher_spec, "C! Sx21", 1, 20, 3, 3, 0, 1, 1);
REFUSED(application_data, "Cx23 Sx21", 2, 23, 3, 3, 0, 2, 'h', 'i');
REFUSED(bad_alert, "Cx21 Sx21", 3, 21, 3, 3, 0, 3, 2, 40, 0);
REFUSED(fatal_alert, "Cx21", 2, 21, 3, 3, 0, 2, 2, 40);

FIXTURE_SETUP(refused)
{
	memset(self, 0, sizeof(*self));
}

FIXTURE_TEARDOWN(refused)
{
	test_end();
}

TEST_F(refused, is_shown_first)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	struct rtls_config *config = rtls_config_new();
	struct rtls_worker *worker = rtls_worker_new();
	struct rtls_hs *hs;
	char seen[64];

	rtls_config_add_identity(config, cert.x509, NULL, 0, cert.key);
	rtls_config_set_trace(config, note, &self->seen);
	rtls_config_freeze(config);
	EXPECT_EQ(RTLS_ERR_STATE, rtls_config_set_trace(config, NULL, NULL));
	ASSERT_EQ(0, rtls_hs_new(&hs, config, worker, RTLS_SERVER, NULL));
	EXPECT_GT(0, rtls_hs_input(hs, variant->record, variant->len));
	EXPECT_STREQ(variant->story, story(&self->seen, seen));
	EXPECT_EQ(variant->seen_len, self->seen.messages[0].len);
	rtls_hs_free(hs);
	rtls_worker_free(worker);
	rtls_config_unref(config);
	cert_free(&cert);
}

TEST_HARNESS_MAIN
