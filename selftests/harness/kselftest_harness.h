/* SPDX-License-Identifier: MIT */
/*
 * The kernel's harness, with two changes: no test's time is bounded by 30 s of wall time, which an
 * emulated machine or valgrind make short (selftests/check bounds a suite), and a test leaves
 * by test_exit(), which looks for leaks.
 */
#ifndef SELFTESTS_KSELFTEST_HARNESS_H
#define SELFTESTS_KSELFTEST_HARNESS_H

#include <unistd.h>

/* common.c: test_end(), then _exit(). */
__attribute__((noreturn)) void test_exit(int code);
#define _exit test_exit

#include_next <kselftest_harness.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900

#endif
