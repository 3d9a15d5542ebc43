// SPDX-License-Identifier: MIT
/*
 * Every violation of handshake/violations.h: a flight of a good handshake is changed on its
 * way, and the receiver must answer with the alert of that row, once, and stay failed.
 *
 * Flights: 0 ClientHello, 1 ServerHello to ServerHelloDone, 2 ClientKeyExchange to
 * Finished, 3 ChangeCipherSpec and Finished. Even ones go to the server.
 */
#include <string.h>
#include <unistd.h>

#include "violations/scene.h"
#include "violations/records.h"
#include "violations/hello.h"
#include "violations/keys.h"
#include "violations/client_auth.h"
#include "violations/resumption.h"
#include "violations/staple.h"

/* ---- the test ----------------------------------------------------------------------------------------- */

static int set_tickets(struct rtls_config *config, void *arg)
{
	struct scene *scene = arg;
	int ret = rtls_config_set_session_store(config, scene->store);

	return ret ? ret : rtls_config_set_ticket_keys(config, scene->keys);
}

static int set_staple(struct rtls_config *config, void *arg)
{
	struct scene *scene = arg;
	char file[] = "/tmp/ringtls-staple-XXXXXX";
	uint8_t der[4096];
	size_t len = staple_make((struct staple_spec){ .cert = &scene->cert, .life_s = 1000 }, der);
	int fd = mkstemp(file), ret = write(fd, der, len) != (ssize_t)len;

	close(fd);
	if (!ret)
		ret = rtls_config_set_staple_file(config, file);
	unlink(file);
	return ret;
}

static int require_staple(struct rtls_config *config, void *arg)
{
	(void)arg;
	return rtls_config_set_require_staple(config, true);
}

static int begin_handshake(struct scene *scene)
{
	int ret = 0;

	for (int role = 0; role < 2; role++) {
		rtls_hs_free(scene->hs[role]);
		ret |= rtls_hs_new(&scene->hs[role], scene->configs[role], scene->worker, role,
				   role == RTLS_CLIENT ? "localhost" : NULL);
	}
	return ret;
}

static int scene_begin(struct scene *scene, const char *suite, bool client_auth, bool tickets,
		       bool staple)
{
	const struct cert_spec spec = { .kind = suite ? CERT_RSA : CERT_ECDSA };
	const struct cert_spec client_spec = { .kind = CERT_ECDSA_P384, .subject = "client",
					       .usage = "clientAuth" };

	memset(scene, 0, sizeof(*scene));
	scene->cert = cert_make(spec);
	scene->client_cert = cert_make(client_spec);
	scene->worker = rtls_worker_new();
	scene->store = tickets ? rtls_session_store_new(1) : NULL;
	scene->keys = tickets ? rtls_ticket_keys_new() : NULL;
	scene->configs[RTLS_SERVER] = config_make((struct config_spec){
		.identity = &scene->cert, .suites = suite, .alpn = "h2",
		.more = staple ? set_staple : set_tickets, .arg = scene,
		.trust = client_auth ? &scene->client_cert : NULL,
		.client_auth = client_auth ? RTLS_CLIENT_AUTH_REQUIRE : RTLS_CLIENT_AUTH_NONE });
	scene->configs[RTLS_CLIENT] = config_make((struct config_spec){
		.identity = client_auth ? &scene->client_cert : NULL,
		.trust = &scene->cert, .suites = suite, .alpn = "h2",
		.more = staple ? require_staple : set_tickets, .arg = scene });
	return begin_handshake(scene);
}

static void scene_end(struct scene *scene)
{
	for (int role = 0; role < 2; role++) {
		rtls_hs_free(scene->hs[role]);
		rtls_config_unref(scene->configs[role]);
	}
	rtls_worker_free(scene->worker);
	rtls_session_store_unref(scene->store);
	rtls_ticket_keys_unref(scene->keys);
	cert_free(&scene->cert);
	cert_free(&scene->client_cert);
	test_end();
}

static void take_flight(struct scene *scene, struct rtls_hs *from)
{
	const uint8_t *data = rtls_hs_output(from, &scene->len);

	if (scene->len)
		memcpy(scene->flight, data, scene->len);
	rtls_hs_output_done(from, scene->len);
}

/* One without any change. */
static void run_handshake(struct scene *scene)
{
	for (int flight = 0; flight < 4; flight++) {
		take_flight(scene, scene->hs[flight % 2 ? RTLS_SERVER : RTLS_CLIENT]);
		rtls_hs_input(scene->hs[flight % 2 ? RTLS_CLIENT : RTLS_SERVER], scene->flight,
			      scene->len);
	}
}

FIXTURE_SETUP(violation)
{
	ASSERT_EQ(0, scene_begin(&self->scene, variant->suite, variant->client_auth,
				 variant->tickets, variant->staple));
	if (variant->resumed) {
		run_handshake(&self->scene);
		ASSERT_EQ(RTLS_HS_DONE, rtls_hs_status(self->scene.hs[RTLS_CLIENT]));
		ASSERT_EQ(0, begin_handshake(&self->scene));
	}
}

FIXTURE_TEARDOWN(violation)
{
	scene_end(&self->scene);
}

/* Does the output end in this alert? A protected one is as long as its record. */
static bool ends_in_alert(const struct rtls_hs *hs, uint8_t alert)
{
	size_t len;
	const uint8_t *out = rtls_hs_output(hs, &len);
	const uint8_t *record = out + len - (hs->write_protected ? 31 : 7);

	if (len < 7 || record < out || record[0] != RTLS_ALERT)
		return false;
	return hs->write_protected ? record[4] == 26
				   : record[4] == 2 && record[5] == 2 && record[6] == alert;
}

TEST_F(violation, is_answered_with_the_rfcs_alert)
{
	const struct hs_violation_row *row = &hs_violations[variant->violation];
	struct scene *scene = &self->scene;
	struct rtls_hs *receiver = NULL, *sender = NULL;

	for (int flight = 0; flight < 4; flight++) {
		sender = scene->hs[flight % 2 ? RTLS_SERVER : RTLS_CLIENT];
		receiver = scene->hs[flight % 2 ? RTLS_CLIENT : RTLS_SERVER];
		take_flight(scene, sender);
		if (flight == variant->flight)
			variant->change(scene);
		if (rtls_hs_input(receiver, scene->flight, scene->len) < 0)
			break;
		ASSERT_NE(0, scene->len);
	}
	EXPECT_EQ(RTLS_ERR_ALERT_SENT(row->alert), rtls_hs_error(receiver));
	EXPECT_STREQ(row->reason, rtls_hs_reason(receiver));
	EXPECT_EQ(true, ends_in_alert(receiver, row->alert));
	EXPECT_EQ(RTLS_HS_WANT_OUTPUT, rtls_hs_status(receiver));
	take_flight(scene, receiver);
	EXPECT_EQ(RTLS_HS_FAILED, rtls_hs_status(receiver));
	EXPECT_EQ(rtls_hs_error(receiver), rtls_hs_input(receiver, (const uint8_t *)"x", 1));
}

/* Each row of the table has a case above. */
TEST(every_violation_is_tested)
{
	bool tested[HS_V_COUNT] = { false };

	for (struct __fixture_variant_metadata *v = _violation_fixture_object.variant; v;
	     v = v->next)
		tested[((const FIXTURE_VARIANT(violation) *)v->data)->violation] = true;
	for (int i = HS_V_NONE + 1; i < HS_V_COUNT; i++) {
		EXPECT_EQ(true, tested[i])
		{
			TH_LOG("%s", hs_violations[i].name);
		}
	}
}

/* ---- alerts received ------------------------------------------------------------------------------------ */

TEST(alert_of_the_peer_ends_the_handshake)
{
	struct scene scene;
	struct rtls_hs *server;

	ASSERT_EQ(0, scene_begin(&scene, NULL, false, false, false));
	server = scene.hs[RTLS_SERVER];
	EXPECT_EQ(7, rtls_hs_input(server, (uint8_t[]){ 21, 3, 3, 0, 2, 1, 90 }, 7));
	EXPECT_EQ(RTLS_HS_WANT_INPUT, rtls_hs_status(server));
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(40),
		  rtls_hs_input(server, (uint8_t[]){ 21, 3, 3, 0, 2, 2, 40 }, 7));
	EXPECT_EQ(RTLS_HS_FAILED, rtls_hs_status(server));
	EXPECT_STREQ("the peer sent the alert handshake_failure", rtls_hs_reason(server));
	scene_end(&scene);
}

TEST(close_notify_in_the_handshake_is_answered)
{
	struct scene scene;
	struct rtls_hs *server;
	const uint8_t *out;
	size_t len;

	ASSERT_EQ(0, scene_begin(&scene, NULL, false, false, false));
	server = scene.hs[RTLS_SERVER];
	EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(0),
		  rtls_hs_input(server, (uint8_t[]){ 21, 3, 3, 0, 2, 1, 0 }, 7));
	out = rtls_hs_output(server, &len);
	ASSERT_EQ(7, len);
	EXPECT_EQ(0, memcmp(out, (uint8_t[]){ 21, 3, 3, 0, 2, 1, 0 }, 7));
	scene_end(&scene);
}

/* RFC 5246 7.4.1.1: a HelloRequest in a handshake is ignored and not hashed. */
TEST(hello_request_is_ignored_by_a_client)
{
	struct scene scene;
	struct rtls_hs *client;

	ASSERT_EQ(0, scene_begin(&scene, NULL, false, false, false));
	client = scene.hs[RTLS_CLIENT];
	for (int i = 0; i < 2; i++) {
		take_flight(&scene, client);
		EXPECT_LT(0, rtls_hs_input(scene.hs[RTLS_SERVER], scene.flight, scene.len));
		if (!i)
			EXPECT_EQ(9, rtls_hs_input(client, (uint8_t[]){ 22, 3, 3, 0, 4, 0, 0, 0, 0 },
						   9));
		take_flight(&scene, scene.hs[RTLS_SERVER]);
		EXPECT_LT(0, rtls_hs_input(client, scene.flight, scene.len));
	}
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(client));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(scene.hs[RTLS_SERVER]));
	scene_end(&scene);
}

/* Several messages in one record, and one message over several: RFC 5246 6.2.1. */
TEST(messages_and_records_need_not_coincide)
{
	struct scene scene;
	uint8_t messages[4096], piece[5 + 7];
	size_t len = 0;

	ASSERT_EQ(0, scene_begin(&scene, NULL, false, false, false));
	take_flight(&scene, scene.hs[RTLS_CLIENT]);
	for (size_t done = 5; done < scene.len; done += 7) {
		size_t part = scene.len - done < 7 ? scene.len - done : 7;

		memcpy(piece, (uint8_t[]){ 22, 3, 1, 0, part }, 5);
		memcpy(piece + 5, scene.flight + done, part);
		ASSERT_EQ(5 + (ssize_t)part,
			  rtls_hs_input(scene.hs[RTLS_SERVER], piece, 5 + part));
	}
	take_flight(&scene, scene.hs[RTLS_SERVER]);
	for (uint8_t *p = scene.flight; p < scene.flight + scene.len;) {
		size_t part = p[3] << 8 | p[4];

		memcpy(messages + len, p + 5, part);
		len += part;
		p += 5 + part;
	}
	only_record(&scene, RTLS_HANDSHAKE, messages, len);
	EXPECT_LT(0, rtls_hs_input(scene.hs[RTLS_CLIENT], scene.flight, scene.len));
	take_flight(&scene, scene.hs[RTLS_CLIENT]);
	EXPECT_LT(0, rtls_hs_input(scene.hs[RTLS_SERVER], scene.flight, scene.len));
	take_flight(&scene, scene.hs[RTLS_SERVER]);
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(scene.hs[RTLS_SERVER]));
	scene_end(&scene);
}

/* ---- what is no violation -------------------------------------------------------------------------------- */

/* Puts it in front of what the list has that an extension of the ClientHello is. */
static void grease_list(struct scene *scene, uint16_t type, const void *grease, size_t grease_len)
{
	const uint8_t *p = find_message(scene, HS_CLIENT_HELLO) +
			   extension_at(scene, HS_CLIENT_HELLO, type) + 4;
	size_t old = p[0] << 8 | p[1], len = old + grease_len;
	uint8_t list[200] = { len >> 8, len };

	memcpy(list + 2, grease, grease_len);
	memcpy(list + 2 + grease_len, p + 2, old);
	replace_extension(scene, HS_CLIENT_HELLO, type, list, 2 + len);
}

static void grease_suites(struct scene *scene)
{
	const uint8_t *p = find_message(scene, HS_CLIENT_HELLO);
	size_t at = HELLO_SESSION_ID + 1 + p[HELLO_SESSION_ID], len = (p[at] << 8 | p[at + 1]) + 2;

	splice_message(scene, HS_CLIENT_HELLO, at, 2, (uint8_t[]){ len >> 8, len, 0x0a, 0x0a }, 4);
}

/* RFC 8701: what nobody will ever define, in each place where a client may put it. */
TEST(grease_is_ignored)
{
	struct scene scene;
	struct rtls_hs *client, *server;

	ASSERT_EQ(0, scene_begin(&scene, NULL, false, false, false));
	client = scene.hs[RTLS_CLIENT];
	server = scene.hs[RTLS_SERVER];
	take_flight(&scene, client);
	grease_suites(&scene);
	grease_list(&scene, 10, "\x1a\x1a", 2);    /* supported_groups */
	grease_list(&scene, 13, "\x2a\x2a", 2);    /* signature_algorithms */
	grease_list(&scene, 16, "\2\x3a\x3a", 3);  /* ALPN */
	add_extension(&scene, HS_CLIENT_HELLO, 43, "\4\x4a\x4a\3\3", 5); /* supported_versions */
	/* signature_algorithms_cert */
	add_extension(&scene, HS_CLIENT_HELLO, 50, "\0\4\x5a\x5a\4\3", 6);
	add_extension(&scene, HS_CLIENT_HELLO, 0x6a6a, "", 0);
	add_extension(&scene, HS_CLIENT_HELLO, 0xfafa, "\0", 1);
	/* The client has said so: Finished is over it. */
	wire_clear(&client->transcript.raw);
	wire_put_bytes(&client->transcript.raw, scene.flight + 5, scene.len - 5);
	EXPECT_EQ((ssize_t)scene.len, rtls_hs_input(server, scene.flight, scene.len));
	EXPECT_STREQ("", rtls_hs_reason(server));
	EXPECT_EQ(0xc02b, server->suite->id);
	EXPECT_EQ(29, server->group->id);
	EXPECT_EQ(0x0403, server->scheme->id);
	EXPECT_EQ(0, memcmp("\2h2", server->alpn, 3));
	for (int flight = 1; flight < 4; flight++) {
		take_flight(&scene, flight % 2 ? server : client);
		EXPECT_LT(0, rtls_hs_input(flight % 2 ? client : server, scene.flight, scene.len));
	}
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(client));
	EXPECT_EQ(RTLS_HS_DONE, rtls_hs_status(server));
	scene_end(&scene);
}

TEST_HARNESS_MAIN
