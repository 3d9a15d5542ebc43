// SPDX-License-Identifier: MIT
/* See bench.h. */
#include <malloc.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

double bench_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void bench_die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* ---- memory --------------------------------------------------------------------------------- */

/*
 * These take the place of libc's for the whole process, libcrypto and libssl included: what
 * they count is what a program pays, whoever of the libraries asks.
 */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static struct bench_account *account;

struct bench_account *bench_book(struct bench_account *to)
{
	struct bench_account *before = account;

	account = to;
	return before;
}

static void *allocated(void *memory)
{
	if (account && memory) {
		account->calls++;
		account->live += malloc_usable_size(memory);
		if (account->live > account->peak)
			account->peak = account->live;
	}
	return memory;
}

static void released(void *memory)
{
	if (account && memory)
		account->live -= malloc_usable_size(memory);
}

void *malloc(size_t size)
{
	return allocated(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return allocated(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size)
{
	released(memory);
	return allocated(__libc_realloc(memory, size));
}

void free(void *memory)
{
	released(memory);
	__libc_free(memory);
}

/* ---- samples ------------------------------------------------------------------------------------ */

void bench_add(struct bench_sample *sample, double value)
{
	bench_require(sample->len < BENCH_ROUNDS_MAX, "more than %d rounds", BENCH_ROUNDS_MAX);
	sample->values[sample->len++] = value;
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, two = *(const double *)b;

	return (one > two) - (one < two);
}

static double quantile(const struct bench_sample *sample, double part)
{
	double sorted[BENCH_ROUNDS_MAX];

	bench_require(sample->len, "no rounds");
	memcpy(sorted, sample->values, sample->len * sizeof(*sorted));
	qsort(sorted, sample->len, sizeof(*sorted), compare);
	return sorted[(size_t)((sample->len - 1) * part + 0.5)];
}

double bench_median(const struct bench_sample *sample)
{
	return quantile(sample, 0.5);
}

double bench_spread(const struct bench_sample *sample)
{
	return 50 * (quantile(sample, 0.75) - quantile(sample, 0.25)) / bench_median(sample);
}

/* ---- results ---------------------------------------------------------------------------------------- */

double *bench_figure(const struct bench_results *results, const char *name)
{
	for (size_t i = 0; i < results->len; i++)
		if (!strcmp(results->goals[i].name, name))
			return &results->figures[i];
	bench_die("no goal is called %s", name);
}

bool bench_is_missed(const struct bench_goal *goal, double figure)
{
	/* What was not measured is not reached. */
	if (!isfinite(figure))
		return true;
	return goal->better == BENCH_LOWER ? figure > goal->goal : figure < goal->goal;
}

void bench_print_json(const struct bench_results *results)
{
	const char *comma = "";

	printf("{\"bench\": \"%s\", \"ratios\": {", results->bench);
	for (size_t i = 0; i < results->len; i++) {
		printf("%s\"%s\": ", i ? ", " : "", results->goals[i].name);
		if (isfinite(results->figures[i]))
			printf("%.*f", results->goals[i].better == BENCH_LOWER ? 0 : 3,
			       results->figures[i]);
		else
			printf("null");
	}
	printf("}, \"missed\": [");
	for (size_t i = 0; i < results->len; i++)
		if (bench_is_missed(&results->goals[i], results->figures[i])) {
			printf("%s\"%s\"", comma, results->goals[i].name);
			comma = ", ";
		}
	printf("]}\n");
}
