// SPDX-License-Identifier: MIT
/*
 * Faults made on purpose, one a test. Not a suite: sanitizers.sh runs them one by one, and each
 * must be noticed by the tool that is there to notice it.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "common.h"
#include <kselftest_harness.h>

/* What the compiler must not know. */
static volatile int zero;

TEST(no_fault)
{
	void *block = malloc(100);

	ASSERT_NE(NULL, block);
	free(block);
}

TEST(leak)
{
	void *volatile block = malloc(100);

	ASSERT_NE(NULL, block);
	block = NULL;
}

/* Of libcrypto's memory, as most of ours is. */
TEST(leak_of_a_certificate)
{
	struct cert cert = cert_make((struct cert_spec){ 0 });

	EVP_PKEY_free(cert.key);
	cert.x509 = NULL;
}

TEST(read_past_the_end)
{
	volatile char *volatile block = malloc(100);

	block[99] = zero;
	zero = block[100];
	free((void *)block);
}

TEST(use_after_free)
{
	volatile char *volatile block = malloc(100), *volatile stale = block;

	free((void *)block);
	stale[0] = 1;
}

TEST(use_of_a_stack_that_is_gone)
{
	volatile char *volatile place;

	{
		volatile char gone[100];

		place = gone;
	}
	place[0] = 1;
}

TEST(signed_overflow)
{
	volatile int number = INT_MAX - zero;

	number++;
}

TEST(shift_too_far)
{
	volatile int number = 1 << (40 + zero);

	(void)number;
}

/* ---- what valgrind is there to notice -------------------------------------------------------- */

static volatile int outcome;

TEST(branch_on_an_uninitialised_byte)
{
	volatile uint8_t *volatile block = malloc(100);

	if (block[50] == 7)
		outcome = 1;
	free((void *)block);
}

/* As constant_time.c marks it. */
static void make_secret(uint8_t secret[static 4])
{
	memcpy(secret, "key", 4);
	VALGRIND_MAKE_MEM_UNDEFINED(secret, 4);
}

TEST(branch_on_a_secret)
{
	uint8_t secret[4];

	make_secret(secret);
	if (secret[0] & 1)
		outcome = 1;
}

TEST(address_made_of_a_secret)
{
	static volatile int table[256];
	uint8_t secret[4];

	make_secret(secret);
	outcome = table[secret[0]];
}

/* libc's branches, called by us. */
TEST(comparison_of_a_secret)
{
	uint8_t secret[4];

	make_secret(secret);
	outcome = memcmp(secret, "kez", 4);
}

TEST_HARNESS_MAIN
