// SPDX-License-Identifier: MIT
/* probe.c - ringtls probe: what does this kernel do for TLS? */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <ringtls/uring.h>

#include "cmd.h"
#include "options.h"
#include "probe.h"

/* ---- the verdict --------------------------------------------------------- */

/* The ciphers that the kernel takes in these directions, as "A, B". Return: how many. */
static unsigned int list_ciphers(const struct rtls_probe *probe, bool tx, bool rx, char *out,
				 size_t size)
{
	unsigned int count = 0;
	size_t len = 0;

	*out = '\0';
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++) {
		if ((tx && probe->cipher[i].tx) || (rx && probe->cipher[i].rx))
			continue;
		len += snprintf(out + len, size - len, "%s%s", count++ ? ", " : "",
				rtls_cipher_name(i));
	}
	return count;
}

static enum probe_level judge(const struct rtls_probe *probe, char verdict[PROBE_VERDICT_LEN])
{
	char list[128];

	if (probe->ulp != RTLS_REASON_INSTALLED) {
		snprintf(verdict, PROBE_VERDICT_LEN, "no kernel TLS here: %s",
			 rtls_reason_text(probe->ulp));
		return PROBE_NONE;
	}
	if (list_ciphers(probe, true, true, list, sizeof(list))) {
		snprintf(verdict, PROBE_VERDICT_LEN,
			 "this kernel encrypts TLS 1.2 records in both directions with %s", list);
		return PROBE_BOTH;
	}
	if (list_ciphers(probe, true, false, list, sizeof(list)) ||
	    list_ciphers(probe, false, true, list, sizeof(list))) {
		snprintf(verdict, PROBE_VERDICT_LEN,
			 "this kernel takes TLS 1.2 records in one direction only, with %s", list);
		return PROBE_PARTLY;
	}
	snprintf(verdict, PROBE_VERDICT_LEN,
		 "no kernel TLS here: the tls ULP is there, but it refuses every cipher (%s: %s)",
		 rtls_cipher_name(0), rtls_strerror(probe->cipher[0].tx));
	return PROBE_NONE;
}

enum probe_level probe_kernel(struct rtls_probe *probe, char verdict[PROBE_VERDICT_LEN])
{
	int ret = rtls_ktls_probe(probe);

	if (!ret)
		return judge(probe, verdict);
	snprintf(verdict, PROBE_VERDICT_LEN,
		 "the kernel could not be asked: no TCP connection over loopback (%s)",
		 rtls_strerror(ret));
	return PROBE_NONE;
}

/* ---- the command --------------------------------------------------------- */

struct findings {
	struct utsname system;
	enum probe_level level;
	struct rtls_probe kernel;
	char verdict[PROBE_VERDICT_LEN];
	const char *uring; /* NULL: io_uring works; else why not */
};

static void find_out(struct findings *found)
{
	struct rtls_engine *engine;

	memset(found, 0, sizeof(*found));
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++)
		found->kernel.cipher[i].tx = found->kernel.cipher[i].rx = RTLS_ERR_STATE;
	uname(&found->system);
	found->level = probe_kernel(&found->kernel, found->verdict);
	if (!rtls_engine_new(&engine, NULL, &found->uring)) {
		rtls_engine_free(engine);
		found->uring = NULL;
	}
}

static const char *direction_text(const struct findings *found, int error)
{
	if (found->kernel.ulp != RTLS_REASON_INSTALLED)
		return "no";
	return error ? rtls_strerror(error) : "yes";
}

static void print_text(const struct findings *found)
{
	printf("kernel     %s %s\n", found->system.sysname, found->system.release);
	printf("io_uring   %s\n", found->uring ? found->uring : "yes");
	printf("tls ULP    %s\n",
	       found->kernel.ulp == RTLS_REASON_INSTALLED ? "yes" : "no");
	printf("\n%-20s %-24s %s\n", "cipher", "send", "receive");
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++)
		printf("%-20s %-24s %s\n", rtls_cipher_name(i),
		       direction_text(found, found->kernel.cipher[i].tx),
		       direction_text(found, found->kernel.cipher[i].rx));
	printf("\n%s\n", found->verdict);
}

/* A JSON string. What goes in is our own text and uname(2)'s: ASCII. */
static void print_string(const char *key, const char *value, const char *behind)
{
	printf("  \"%s\": \"", key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			putchar('\\');
		if (*value >= ' ')
			putchar(*value);
	}
	printf("\"%s\n", behind);
}

static bool taken(const struct findings *found, int error)
{
	return found->kernel.ulp == RTLS_REASON_INSTALLED && !error;
}

static void print_json(const struct findings *found)
{
	static const char *const levels[] = { "both", "partly", "none" };

	printf("{\n");
	print_string("kernel", found->system.release, ",");
	printf("  \"io_uring\": %s,\n", found->uring ? "false" : "true");
	if (found->uring)
		print_string("io_uring_why", found->uring, ",");
	printf("  \"ulp\": %s,\n  \"ciphers\": {\n",
	       found->kernel.ulp == RTLS_REASON_INSTALLED ? "true" : "false");
	for (int i = 0; i < RTLS_CIPHER_COUNT; i++)
		printf("    \"%s\": { \"tx\": %s, \"rx\": %s }%s\n", rtls_cipher_name(i),
		       taken(found, found->kernel.cipher[i].tx) ? "true" : "false",
		       taken(found, found->kernel.cipher[i].rx) ? "true" : "false",
		       i + 1 < RTLS_CIPHER_COUNT ? "," : "");
	printf("  },\n");
	print_string("level", levels[found->level], ",");
	print_string("verdict", found->verdict, "");
	printf("}\n");
}

struct probe_options {
	bool json;
};

static const struct option_row probe_table[] = {
	OPTION("json", 0, NULL, option_flag, struct probe_options, json, "print one JSON object"),
	{ 0 }
};

static const struct option_usage probe_usage = {
	.operands = "",
	.summary = "Say what this kernel does for TLS, found out by trial, not by version number.",
	.table = probe_table,
	.notes = "Exit code: 0 at least one cipher is taken in both directions, 3 in one only, 4\n"
		 "none.",
};

int cmd_probe(int argc, char **argv)
{
	static const int exit_codes[] = { [PROBE_BOTH] = 0, [PROBE_PARTLY] = 3, [PROBE_NONE] = 4 };
	struct probe_options options = { 0 };
	struct findings found;
	int ret = options_parse(&probe_usage, &options, &argc, argv);

	if (ret >= 0)
		return ret;
	find_out(&found);
	if (options.json)
		print_json(&found);
	else
		print_text(&found);
	return exit_codes[found.level];
}
