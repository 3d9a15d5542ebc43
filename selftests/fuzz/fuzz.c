// SPDX-License-Identifier: MIT
/* libFuzzer's entry: which target it is, its seeds, its inputs. See fuzz.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <sanitizer/allocator_interface.h>
#include <sanitizer/asan_interface.h>

#include "fuzz.h"

struct rtls_worker *fuzz_worker;
bool fuzz_is_beginning;
size_t fuzz_memory_before;
static const struct fuzz_target *target;

void fuzz_die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("fuzz: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

uint8_t *fuzz_copy(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, data, len);
	else
		ASAN_POISON_MEMORY_REGION(copy, 1);
	return copy;
}

static const struct fuzz_target *const tables[] = {
	message_targets, connection_targets, parser_targets
};

static const struct fuzz_target *find_target(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct fuzz_target *row = tables[i]; row->name; row++)
			if (!strcmp(row->name, name))
				return row;
	return NULL;
}

static void list_targets(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct fuzz_target *row = tables[i]; row->name; row++)
			puts(row->name);
}

static const char *seeds_dir;

void fuzz_seed(uint8_t front, const void *data, size_t len)
{
	static int count;
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/seed-%02d", seeds_dir, count++);
	file = fopen(path, "w");
	if (!file || fputc(front, file) == EOF || fwrite(data, 1, len, file) != len || fclose(file))
		fuzz_die("%s: cannot be written", path);
}

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=16"; /* fresh memory takes long, and no input lives long */
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}

/* As "targets" it names them; as one of them it can write its seeds: NAME --seeds DIR */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *slash = strrchr((*argv)[0], '/'), *name = slash ? slash + 1 : (*argv)[0];

	target = find_target(name);
	if (!target) {
		list_targets();
		exit(strcmp(name, "targets") ? 2 : 0);
	}
	fuzz_random_begin();
	fuzz_random_restart(RTLS_CLIENT);
	fuzz_worker = rtls_worker_new();
	fuzz_is_beginning = true;
	if (target->begin)
		target->begin(target);
	if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
		seeds_dir = (*argv)[2];
		target->seeds();
		exit(0);
	}
	fuzz_is_beginning = false;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ERR_clear_error();
	fuzz_random_restart(target->role);
	rtls_worker_forget_chains(fuzz_worker); /* an input says the same, whatever came before */
	fuzz_memory_before = __sanitizer_get_current_allocated_bytes();
	target->run(data, len);
	return 0;
}
