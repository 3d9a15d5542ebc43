// SPDX-License-Identifier: MIT
/* Connections whose records stay in userspace. */
#include <ringtls/ktls.h>

#define POLICY RTLS_KTLS_OFF
#include "connection.h"

/* Where the kernel declines, auto goes on in userspace and require does not go on. */
TEST(kernel_without_tls)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });
	struct rtls_config *config = server_config(&cert, NULL, NULL, NULL);
	struct rtls_config *client = client_config(&cert, NULL, NULL, NULL);
	struct rtls_worker *worker = rtls_worker_new();
	enum rtls_policy policies[] = { RTLS_KTLS_AUTO, RTLS_KTLS_REQUIRE };

	if (kernel_has_tls())
		SKIP(return, "this kernel has the tls ULP");
	for (int i = 0; i < 2; i++) {
		struct end server = { 0 }, peer = { 0 };
		struct rtls_hs *hs[2];
		int pair[2];

		tcp_pair(pair);
		ASSERT_EQ(0, rtls_hs_new(&hs[0], config, worker, RTLS_SERVER, NULL));
		ASSERT_EQ(0, rtls_hs_new(&hs[1], client, worker, RTLS_CLIENT, "localhost"));
		server.fd = pair[0];
		peer.fd = pair[1];
		server.conn = rtls_conn_new(hs[0], worker, policies[i]);
		peer.conn = rtls_conn_new(hs[1], worker, RTLS_KTLS_OFF);
		if (policies[i] == RTLS_KTLS_AUTO) {
			drive(&server, &peer, &server.established);
			EXPECT_EQ(RTLS_REASON_NO_ULP, rtls_conn_report(server.conn)->tx.reason);
			EXPECT_EQ(RTLS_MODE_USERSPACE, rtls_conn_report(server.conn)->rx.mode);
		} else {
			drive(&server, &peer, &peer.failed);
			EXPECT_EQ(RTLS_ERR_DECLINED, rtls_conn_error(server.conn));
			EXPECT_EQ(RTLS_ERR_ALERT_RECEIVED(RTLS_ALERT_INTERNAL_ERROR),
				  rtls_conn_error(peer.conn));
			EXPECT_EQ(false, server.established);
		}
		rtls_conn_free(server.conn);
		rtls_conn_free(peer.conn);
		close(pair[0]);
		close(pair[1]);
	}
	rtls_config_unref(config);
	rtls_config_unref(client);
	rtls_worker_free(worker);
	cert_free(&cert);
	test_end();
}

TEST_HARNESS_MAIN
