// SPDX-License-Identifier: MIT
/*
 * What a handshake costs, ours and libssl's, in CPU time of each side, malloc calls and memory;
 * then what records cost in userspace.
 *
 * Each contestant meets the same peer, libssl's other side, so that both read and answer the
 * same messages; what ours has met before and does not verify again is in rows of its own, "_seen".
 * Connections go in batches, a flight of all of them at a time: so few readings
 * of the clock are spread over many handshakes. Rounds of all contestants are interleaved, each
 * ratio is of one round, and what is told is their median.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "bench.h"
#include "records.h"
#include "side.h"

#define BATCH     16
#define STEPS_MAX 8 /* flights of a side */

#define ECDSA_GCM "ECDHE-ECDSA-AES128-GCM-SHA256"

/* An ECDSA certificate's curve has to be among the groups, so X25519 is not alone. */
static const struct scenario scenarios[] = {
	{ "ecdhe_ecdsa_x25519", ECDSA_GCM, "X25519:P-256", CERT_ECDSA, false, RESUME_NEVER },
	{ "ecdhe_ecdsa_p256", ECDSA_GCM, "P-256", CERT_ECDSA, false, RESUME_NEVER },
	{ "ecdhe_rsa_x25519", "ECDHE-RSA-AES128-GCM-SHA256", "X25519", CERT_RSA, false,
	  RESUME_NEVER },
	{ "rsa_kx", "AES128-GCM-SHA256", "X25519", CERT_RSA, false, RESUME_NEVER },
	{ "mutual_ecdsa", ECDSA_GCM, "X25519:P-256", CERT_ECDSA, true, RESUME_NEVER },
	{ "ticket", ECDSA_GCM, "X25519:P-256", CERT_ECDSA, false, RESUME_TICKET },
	{ "session_id", ECDSA_GCM, "X25519:P-256", CERT_ECDSA, false, RESUME_SESSION_ID },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(*scenarios))

static const struct bench_goal goals[] = {
	{ "server_ecdhe_ecdsa_x25519", 1.35, BENCH_HIGHER },
	{ "client_ecdhe_ecdsa_x25519", 1.12, BENCH_HIGHER },
	{ "client_ecdhe_ecdsa_x25519_seen", 2.0, BENCH_HIGHER },
	{ "server_ecdhe_ecdsa_p256", 1.95, BENCH_HIGHER },
	{ "client_ecdhe_ecdsa_p256", 1.25, BENCH_HIGHER },
	{ "client_ecdhe_ecdsa_p256_seen", 2.2, BENCH_HIGHER },
	{ "server_ecdhe_rsa_x25519", 1.12, BENCH_HIGHER },
	{ "client_ecdhe_rsa_x25519", 1.25, BENCH_HIGHER },
	{ "client_ecdhe_rsa_x25519_seen", 2.2, BENCH_HIGHER },
	{ "server_rsa_kx", 1.08, BENCH_HIGHER },
	{ "client_rsa_kx", 1.25, BENCH_HIGHER },
	{ "client_rsa_kx_seen", 0, BENCH_HIGHER },
	{ "server_mutual_ecdsa", 1.10, BENCH_HIGHER },
	{ "client_mutual_ecdsa", 1.10, BENCH_HIGHER },
	{ "server_mutual_ecdsa_seen", 1.9, BENCH_HIGHER },
	{ "client_mutual_ecdsa_seen", 1.9, BENCH_HIGHER },
	{ "server_ticket", 3.5, BENCH_HIGHER },
	{ "client_ticket", 3.5, BENCH_HIGHER },
	{ "server_session_id", 3.5, BENCH_HIGHER },
	{ "client_session_id", 3.5, BENCH_HIGHER },
	{ "record_16k", 1.2, BENCH_HIGHER },
	{ "record_64", 1.5, BENCH_HIGHER },
	{ "record_16k_vs_libcrypto", 0.97, BENCH_HIGHER },
	{ "mallocs_full", 125, BENCH_LOWER },
	{ "mallocs_resumed", 40, BENCH_LOWER },
	{ "heap_live", 0, BENCH_LOWER },
	{ "peak_bytes", 16384, BENCH_LOWER },
};
static double figures[sizeof(goals) / sizeof(*goals)];
static struct bench_results results = {
	"handshake", goals, sizeof(goals) / sizeof(*goals), figures,
};

static const char *const role_names[] = { [RTLS_CLIENT] = "client", [RTLS_SERVER] = "server" };

void *side_alloc(size_t len)
{
	struct bench_account *account = bench_book(NULL);
	void *memory = calloc(1, len);

	bench_require(memory, "no memory");
	bench_book(account);
	return memory;
}

void side_free(void *memory)
{
	struct bench_account *account = bench_book(NULL);

	free(memory);
	bench_book(account);
}

/* ---- handshakes --------------------------------------------------------------------------------- */

/* A client and a server of one implementation each, and what they have set up. */
struct pairing {
	const struct scenario *scenario;
	const struct side *side[2];
	void *setup[2];
};

static struct pairing pairing_make(const struct scenario *scenario, const struct side *client,
				   const struct side *server)
{
	struct cert authority = cert_make((struct cert_spec){
		.kind = scenario->kind, .subject = "bench authority", .is_ca = true });
	struct pairing pairing = { scenario,
				   { [RTLS_CLIENT] = client, [RTLS_SERVER] = server },
				   { NULL, NULL } };

	for (int role = 0; role < 2; role++) {
		struct cert cert = cert_make((struct cert_spec){
			.kind = scenario->kind,
			.issuer = &authority,
			.usage = role == RTLS_CLIENT ? "clientAuth" : "serverAuth" });

		pairing.setup[role] = pairing.side[role]->setup(scenario, role, &cert, &authority);
		cert_free(&cert);
	}
	cert_free(&authority);
	return pairing;
}

static void pairing_free(struct pairing *pairing)
{
	for (int role = 0; role < 2; role++)
		pairing->side[role]->setup_free(pairing->setup[role]);
}

/* What a batch costs each side: seconds a handshake, and memory. */
struct cost {
	double cpu[2];
	struct bench_account account[2];
	long kept[2]; /* bytes that a connection that is open has */
};

static int profiled = -1;
static bool counts_memory;

/* Books what follows to a side, until the next call; -1: to none. */
static void book(struct cost *cost, int role)
{
	static double since;
	static int booked = -1;
	double now;

	bench_book(NULL);
	now = bench_cpu();
	if (booked >= 0)
		cost->cpu[booked] += now - since;
	if (profiled >= 0 && (role == profiled) != (booked == profiled))
		CALLGRIND_TOGGLE_COLLECT;
	booked = role;
	since = now;
	/* Counting takes time, too, so it is done in runs of its own. */
	if (role >= 0 && counts_memory)
		bench_book(&cost->account[role]);
}

static bool all_done(const struct pairing *pairing, void *const connections[2][BATCH], size_t len)
{
	for (int role = 0; role < 2; role++)
		for (size_t i = 0; i < len; i++)
			if (!pairing->side[role]->is_done(connections[role][i]))
				return false;
	return true;
}

static void check_resumed(const struct pairing *pairing, void *const connections[2][BATCH],
			  size_t len, bool resumed)
{
	for (int role = 0; role < 2; role++)
		for (size_t i = 0; i < len; i++)
			bench_require(pairing->side[role]->is_resumed(connections[role][i]) ==
					      resumed,
				      "%s: the %s %s", pairing->scenario->name, role_names[role],
				      resumed ? "has not resumed" : "has resumed");
}

/* @len handshakes at once, a flight at a time. @seen: chains may be remembered. */
static struct cost run(const struct pairing *pairing, size_t len, bool seen, bool resumed)
{
	void *connections[2][BATCH];
	struct bytes flight[2][BATCH] = { 0 };
	struct cost cost = { 0 };
	int role;

	for (role = 0; role < 2; role++) {
		book(&cost, role);
		for (size_t i = 0; i < len; i++)
			connections[role][i] = pairing->side[role]->begin(pairing->setup[role]);
	}
	for (int step = 0; !all_done(pairing, connections, len); step++) {
		bench_require(step < STEPS_MAX, "%s does not end", pairing->scenario->name);
		role = step % 2 ? RTLS_SERVER : RTLS_CLIENT;
		book(&cost, role);
		for (size_t i = 0; i < len; i++) {
			if (!seen && !pairing->scenario->resumption)
				pairing->side[role]->forget(pairing->setup[role]);
			flight[role][i] = pairing->side[role]->step(connections[role][i],
								    flight[!role][i]);
		}
		book(&cost, -1);
	}
	check_resumed(pairing, connections, len, resumed);
	for (role = 0; role < 2; role++) {
		cost.kept[role] = cost.account[role].live;
		book(&cost, role);
		for (size_t i = 0; i < len; i++)
			pairing->side[role]->end(connections[role][i]);
		book(&cost, -1);
		cost.cpu[role] /= len;
	}
	return cost;
}

/* ---- one scenario -------------------------------------------------------------------------------- */

/* The contestants: libssl with itself, and each of our sides with libssl's other one. */
enum { LIBSSL, OUR_CLIENT, OUR_SERVER, PAIRINGS };

struct rows {
	struct bench_sample libssl[2], ours[2][2], ratio[2][2]; /* role, seen */
};

static int our_role(int pairing)
{
	return pairing == OUR_CLIENT ? RTLS_CLIENT : RTLS_SERVER;
}

/* Whose peer shows a chain can have met it before. */
static bool has_seen(const struct scenario *scenario, int role)
{
	return !scenario->resumption && (role == RTLS_CLIENT || scenario->mutual);
}

/* The first handshake of each gets the session to resume, and is not counted. */
static void begin(struct pairing pairings[PAIRINGS], const struct scenario *scenario)
{
	for (int i = 0; i < PAIRINGS; i++) {
		const struct side *client = i == OUR_CLIENT ? &side_ringtls : &side_libssl;
		const struct side *server = i == OUR_SERVER ? &side_ringtls : &side_libssl;

		pairings[i] = pairing_make(scenario, client, server);
		run(&pairings[i], 1, false, false);
	}
}

static double mean_cpu(const struct pairing *pairing, int role, bool seen, size_t batches)
{
	double cpu = 0;

	if (seen)
		run(pairing, 1, true, pairing->scenario->resumption);
	for (size_t i = 0; i < batches; i++)
		cpu += run(pairing, BATCH, seen, pairing->scenario->resumption).cpu[role];
	return cpu / batches;
}

static void measure_round(const struct pairing pairings[PAIRINGS], struct rows *rows)
{
	const struct scenario *scenario = pairings[LIBSSL].scenario;
	/* What is short is done more often. */
	size_t batches = scenario->resumption ? 16 : 3;

	for (int i = OUR_CLIENT; i <= OUR_SERVER; i++) {
		int role = our_role(i);
		double libssl = mean_cpu(&pairings[LIBSSL], role, false, batches);

		bench_add(&rows->libssl[role], libssl);
		for (int seen = 0; seen <= has_seen(scenario, role); seen++) {
			double ours = mean_cpu(&pairings[i], role, seen, batches);

			bench_add(&rows->ours[role][seen], ours);
			bench_add(&rows->ratio[role][seen], libssl / ours);
		}
	}
}

static void print_row(const char *name, double *figure, const struct bench_sample *libssl,
		      const struct bench_sample *ours, const struct bench_sample *ratio)
{
	const struct bench_goal *goal = &goals[figure - figures];

	*figure = bench_median(ratio);
	printf("%-32s %8.2f %8.2f %8.3f %4.1f %% ", name, 1e6 * bench_median(libssl),
	       1e6 * bench_median(ours), *figure, bench_spread(ratio));
	if (goal->goal)
		printf("%8.2f%s", goal->goal, bench_is_missed(goal, *figure) ? "  missed" : "");
	putchar('\n');
}

static void report(const struct scenario *scenario, const struct rows *rows)
{
	for (int role = RTLS_SERVER; role >= RTLS_CLIENT; role--)
		for (int seen = 0; seen <= has_seen(scenario, role); seen++) {
			char name[64];

			snprintf(name, sizeof(name), "%s_%s%s", role_names[role], scenario->name,
				 seen ? "_seen" : "");
			print_row(name, bench_figure(&results, name), &rows->libssl[role],
				  &rows->ours[role][seen], &rows->ratio[role][seen]);
		}
}

/* ---- records --------------------------------------------------------------------------------------- */

static void report_records(size_t rounds)
{
	struct bench_sample seconds[RECORD_WAYS] = { 0 }, ratio[RECORD_WAYS] = { 0 };
	const size_t lens[] = { 16384, 64 };

	for (int i = 0; i < 2; i++) {
		memset(seconds, 0, sizeof(seconds));
		memset(ratio, 0, sizeof(ratio));
		for (size_t round = 0; round < rounds; round++) {
			double cost[RECORD_WAYS];

			for (int way = 0; way < RECORD_WAYS; way++) {
				cost[way] = records_cost(way, lens[i]);
				bench_add(&seconds[way], cost[way]);
			}
			for (int way = 0; way < RECORD_WAYS; way++)
				bench_add(&ratio[way], cost[way] / cost[RECORD_OURS]);
		}
		print_row(i ? "record_64" : "record_16k",
			  bench_figure(&results, i ? "record_64" : "record_16k"),
			  &seconds[RECORD_LIBSSL], &seconds[RECORD_OURS], &ratio[RECORD_LIBSSL]);
		if (!i)
			print_row("record_16k_vs_libcrypto",
				  bench_figure(&results, "record_16k_vs_libcrypto"),
				  &seconds[RECORD_LIBCRYPTO], &seconds[RECORD_OURS],
				  &ratio[RECORD_LIBCRYPTO]);
	}
}

/* ---- memory ------------------------------------------------------------------------------------------ */

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < SCENARIOS; i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	bench_die("no scenario is called %s", name);
}

/* Of the second handshake: what is set up once is not counted. */
static struct cost memory_of(const char *name, int pairing)
{
	const struct scenario *scenario = find_scenario(name);
	struct pairing pairings[PAIRINGS];
	struct cost cost;

	begin(pairings, scenario);
	run(&pairings[pairing], 1, false, scenario->resumption);
	counts_memory = true;
	cost = run(&pairings[pairing], 1, false, scenario->resumption);
	counts_memory = false;
	for (int i = 0; i < PAIRINGS; i++)
		pairing_free(&pairings[i]);
	return cost;
}

static void report_memory(void)
{
	static const struct {
		const char *scenario;
		int role;
	} rows[] = {
		{ "ecdhe_ecdsa_x25519", RTLS_SERVER }, { "ecdhe_ecdsa_x25519", RTLS_CLIENT },
		{ "ecdhe_ecdsa_p256", RTLS_SERVER },   { "ecdhe_rsa_x25519", RTLS_SERVER },
		{ "mutual_ecdsa", RTLS_SERVER },       { "ticket", RTLS_SERVER },
		{ "ticket", RTLS_CLIENT },             { "session_id", RTLS_SERVER },
		{ "session_id", RTLS_CLIENT },
	};

	printf("\n%-32s %17s %17s %17s\n", "one handshake: libssl, ringtls", "malloc calls",
	       "peak bytes", "kept bytes");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int role = rows[i].role;
		struct cost libssl = memory_of(rows[i].scenario, LIBSSL);
		struct cost ours = memory_of(rows[i].scenario,
					     role == RTLS_CLIENT ? OUR_CLIENT : OUR_SERVER);
		char name[64];

		snprintf(name, sizeof(name), "%s_%s", role_names[role], rows[i].scenario);
		printf("%-32s %8zu %8zu %8ld %8ld %8ld %8ld\n", name, libssl.account[role].calls,
		       ours.account[role].calls, libssl.account[role].peak,
		       ours.account[role].peak, libssl.kept[role], ours.kept[role]);
		if (!strcmp(name, "server_ecdhe_ecdsa_x25519")) {
			*bench_figure(&results, "mallocs_full") = ours.account[role].calls;
			*bench_figure(&results, "heap_live") = ours.kept[role];
			*bench_figure(&results, "peak_bytes") = ours.account[role].peak;
		}
		if (!strcmp(name, "server_ticket"))
			*bench_figure(&results, "mallocs_resumed") = ours.account[role].calls;
	}
}

/* ---- the default order ------------------------------------------------------------------------------ */

/* Our server's CPU time by group, and a full record's by cipher: what the default order rests on. */
static void report_order(void)
{
	const char *group;

	printf("\n%-32s %8s %8s\n", "us of CPU by group, ringtls", "server", "client");
	for (size_t i = 0; (group = rtls_list_name(RTLS_LIST_GROUPS, i, true)); i++) {
		char groups[64];
		struct scenario scenario = { group, ECDSA_GCM, groups, CERT_ECDSA, false,
					     RESUME_NEVER };
		struct pairing pairings[PAIRINGS];

		if (!strncmp(group, "ffdhe", 5))
			continue;
		snprintf(groups, sizeof(groups), "%s%s", group,
			 strcmp(group, "secp256r1") ? ":P-256" : "");
		begin(pairings, &scenario);
		printf("%-32s", group);
		for (int n = OUR_SERVER; n >= OUR_CLIENT; n--) {
			struct bench_sample sample = { 0 };

			for (int round = 0; round < 9; round++)
				bench_add(&sample, mean_cpu(&pairings[n], our_role(n), false, 1));
			printf(" %8.1f", 1e6 * bench_median(&sample));
		}
		putchar('\n');
		for (int n = 0; n < PAIRINGS; n++)
			pairing_free(&pairings[n]);
	}
	printf("\n%-32s %8s %8s\n", "us of CPU by cipher, ringtls", "16 KiB", "64 bytes");
	for (int cipher = 0; cipher < RTLS_CIPHER_COUNT; cipher++)
		printf("%-32s %8.2f %8.2f\n", rtls_cipher_name(cipher),
		       1e6 * records_cipher_cost(cipher, 16384),
		       1e6 * records_cipher_cost(cipher, 64));
}

/* ---- all ----------------------------------------------------------------------------------------------- */

static void measure(size_t rounds)
{
	static struct pairing pairings[SCENARIOS][PAIRINGS];
	static struct rows rows[SCENARIOS];

	for (size_t i = 0; i < SCENARIOS; i++)
		begin(pairings[i], &scenarios[i]);
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < SCENARIOS; i++)
			measure_round(pairings[i], &rows[i]);
	printf("%-32s %8s %8s %8s %6s %8s\n", "us of CPU", "libssl", "ringtls", "ratio", "spread",
	       "goal");
	for (size_t i = 0; i < SCENARIOS; i++)
		report(&scenarios[i], &rows[i]);
	for (size_t i = 0; i < SCENARIOS; i++)
		for (int n = 0; n < PAIRINGS; n++)
			pairing_free(&pairings[i][n]);
}

/* For callgrind, which collects while our side is booked; see bench_book(). */
static void profile(const char *name, size_t count)
{
	int role = strncmp(name, "client_", 7) ? RTLS_SERVER : RTLS_CLIENT;
	const char *end = strstr(name, "_seen");
	bool seen = end && !end[strlen("_seen")];
	struct pairing pairings[PAIRINGS];
	const struct pairing *ours = &pairings[role == RTLS_CLIENT ? OUR_CLIENT : OUR_SERVER];
	char scenario[64];

	bench_require(role == RTLS_CLIENT || !strncmp(name, "server_", 7),
		      "a row's name begins with client_ or server_");
	snprintf(scenario, sizeof(scenario), "%.*s", (int)(seen ? end - name - 7 : 40), name + 7);
	begin(pairings, find_scenario(scenario));
	run(ours, 1, true, ours->scenario->resumption);
	profiled = role;
	while (count--)
		run(ours, 1, seen, ours->scenario->resumption);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "profile", required_argument, NULL, 'p' },
		{ 0 },
	};
	const char *row = NULL;
	size_t rounds = 25;
	int option;

	for (size_t i = 0; i < results.len; i++)
		figures[i] = NAN;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			rounds = strtoul(optarg, NULL, 10);
			bench_require(rounds && rounds <= BENCH_ROUNDS_MAX,
				      "--rounds takes 1 to %d", BENCH_ROUNDS_MAX);
			break;
		case 'p':
			row = optarg;
			break;
		default:
			return 2;
		}
	}
	if (row) {
		profile(row, 100);
		return 0;
	}
	measure(rounds);
	report_records(rounds);
	report_memory();
	report_order();
	bench_print_json(&results);
	return 0;
}
