// SPDX-License-Identifier: MIT
/* Connections whose records the kernel protects: the hand-over. Runs in the lab. */
#include <ringtls/ktls.h>

#define POLICY RTLS_KTLS_REQUIRE
#include "connection.h"

TEST(probe_finds_all_ciphers)
{
	struct rtls_probe probe;

	ASSERT_EQ(0, rtls_ktls_probe(&probe));
	if (probe.ulp != RTLS_REASON_INSTALLED)
		SKIP(return, "this kernel has no tls ULP; make check-ktls runs it in the lab");
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++) {
		EXPECT_EQ(0, probe.cipher[i].tx);
		EXPECT_EQ(0, probe.cipher[i].rx);
	}
}

TEST_HARNESS_MAIN
