/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share: CPU time, memory booked to a side, medians over rounds, and the
 * table and line of JSON that a run ends in.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS_MAX 101

/* This thread's CPU time in seconds. */
double bench_cpu(void);

/* Ends the program: a figure of something that does not work is worth nothing. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Dies unless @ok. */
#define bench_require(ok, ...) ((ok) ? (void)0 : bench_die(__VA_ARGS__))

/* ---- memory: malloc(3) and its kin are counted in the account that is open ------------ */

struct bench_account {
	size_t calls;    /* of malloc, calloc, realloc */
	long live, peak; /* bytes, as malloc_usable_size(3) has them */
};

/* NULL: none is open from here on. Returns what was before. */
struct bench_account *bench_book(struct bench_account *account);

/* ---- samples ---------------------------------------------------------------------------- */

/* One figure, once a round. */
struct bench_sample {
	double values[BENCH_ROUNDS_MAX];
	size_t len;
};

void bench_add(struct bench_sample *sample, double value);
double bench_median(const struct bench_sample *sample);
/* Half the distance of the quartiles, in percent of the median. */
double bench_spread(const struct bench_sample *sample);

/* ---- goals and results ---------------------------------------------------------------------- */

enum bench_better { BENCH_HIGHER, BENCH_LOWER };

/* What a figure has to reach. */
struct bench_goal {
	const char *name;
	double goal; /* 0 of what should be higher: it has none */
	enum bench_better better;
};

/* The last line: every goal's figure, and the names of those that are missed. */
struct bench_results {
	const char *bench;
	const struct bench_goal *goals;
	size_t len;
	double *figures; /* one a goal; NAN until it is measured */
};

/* The figure's place; dies where no goal has this name. */
double *bench_figure(const struct bench_results *results, const char *name);
bool bench_is_missed(const struct bench_goal *goal, double figure);
void bench_print_json(const struct bench_results *results);

#endif
