// SPDX-License-Identifier: MIT
/* serve.c - ringtls serve: options, start-up, one engine a thread, signals */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../cmd.h"
#include "../options.h"
#include "../tls_options.h"
#include "serve.h"

#define THREADS_MAX     256
#define THREADS_DEFAULT 16 /* at most; else one for each CPU */
#define DRAIN_MS        10000
#define SECONDS_MAX     86400

/* ---- options ------------------------------------------------------------- */

struct serve_options {
	const char *listen, *root;
	struct option_list certs, keys; /* the n-th key is the n-th certificate's */
	unsigned int threads; /* 0: by the number of CPUs */
	unsigned int handshake_s, idle_s; /* 0: the engine's defaults */
	bool quiet;
	struct tls_options tls;
};

static const char *set_threads(void *member, const char *value)
{
	return option_number(member, value, 1, THREADS_MAX) ? NULL : "a number from 1 to 256";
}

static const char *set_seconds(void *member, const char *value)
{
	return option_number(member, value, 1, SECONDS_MAX) ? NULL : "a number from 1 to 86400";
}

static const struct option_row serve_table[] = {
	OPTION("listen", 0, "ADDR:PORT", option_string, struct serve_options, listen,
	       "where to listen (127.0.0.1:8443); [::1]:8443; port 0: any"),
	OPTION("root", 0, "DIR", option_string, struct serve_options, root,
	       "the directory to serve (.)"),
	OPTION("cert", 0, "FILE", option_append, struct serve_options, certs,
	       "certificate chain in PEM, the server's own first; repeatable"),
	OPTION("key", 0, "FILE", option_append, struct serve_options, keys,
	       "its private key in PEM (in the file of --cert); repeatable"),
	OPTION("threads", 0, "N", set_threads, struct serve_options, threads,
	       "threads, an io_uring each (one a CPU, at most 16)"),
	OPTION("handshake-timeout", 0, "S", set_seconds, struct serve_options, handshake_s,
	       "the longest a handshake may take, in seconds (10)"),
	OPTION("idle-timeout", 0, "S", set_seconds, struct serve_options, idle_s,
	       "the longest a connection may be idle (60)"),
	OPTION_TABLE(struct serve_options, tls, tls_option_table),
	OPTION("quiet", 0, NULL, option_flag, struct serve_options, quiet,
	       "log only connections that fail"),
	{ 0 }
};

static const struct option_usage serve_usage = {
	.operands = "",
	.summary = "Serve the files of a directory over HTTPS (HTTP/1.1, TLS 1.2).",
	.table = serve_table,
	.notes = "Without --cert it makes a certificate for localhost and prints its fingerprint. With\n"
		 "several, a client gets the one that bears the name it asks for and that it\n"
		 "can verify.\n"
		 "SIGTERM and SIGINT let the requests under way end, for 10 seconds at most; a\n"
		 "second one cuts them off.",
};

/* ---- the server ---------------------------------------------------------- */

struct server_thread {
	pthread_t id;
	int fd; /* it listens here */
	struct rtls_engine *engine;
	const char *why; /* it could not begin; NULL: it could */
};

/* One a process: the signal handler has to find it. Thread 0 is the main thread. */
static struct server {
	struct site site;
	struct rtls_config *config;
	enum rtls_policy policy;
	struct rtls_engine_params params;
	struct listen_address address;
	pthread_barrier_t all; /* threads */
	bool go;     /* all have set up */
	bool failed; /* one has ended with an error; atomic */
	unsigned int count;
	struct server_thread threads[THREADS_MAX];
} server;

static unsigned int default_threads(void)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	return count < THREADS_DEFAULT ? count : THREADS_DEFAULT;
}

/* ---- stopping ------------------------------------------------------------ */

static void drain(unsigned int deadline_ms)
{
	for (unsigned int i = 0; i < server.count; i++) {
		rtls_engine_drain(server.threads[i].engine, deadline_ms);
		/* Who comes now is refused, and the next server may have the port. */
		shutdown(server.threads[i].fd, SHUT_RDWR);
	}
}

static void on_signal(int signo)
{
	static volatile sig_atomic_t is_second;

	(void)signo;
	drain(is_second ? 0 : DRAIN_MS);
	is_second = true;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* @how: SIG_BLOCK, SIG_UNBLOCK. Only the main thread ever lets them in. */
static void mask_signals(int how)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(how, &signals, NULL);
}

/* ---- a thread ------------------------------------------------------------ */

/* An engine has to be made by the thread that runs it. */
static void set_up_engine(struct server_thread *thread)
{
	int ret;

	if (rtls_engine_new(&thread->engine, &server.params, &thread->why)) {
		thread->engine = NULL;
		return;
	}
	ret = rtls_listen(thread->engine, thread->fd, server.config, server.policy, &http_ops,
			  &server.site, NULL);
	thread->why = ret ? rtls_strerror(ret) : NULL;
}

static void run_engine(struct server_thread *thread)
{
	int error = rtls_engine_run(thread->engine);

	if (!error)
		return;
	cmd_error("io_uring failed: %s", rtls_strerror(error));
	__atomic_store_n(&server.failed, true, __ATOMIC_RELAXED);
	drain(DRAIN_MS); /* the others with it: half a server is none */
}

/* The other threads' part in run_server(). */
static void *run_thread(void *arg)
{
	struct server_thread *thread = arg;

	set_up_engine(thread);
	pthread_barrier_wait(&server.all);
	pthread_barrier_wait(&server.all);
	if (server.go)
		run_engine(thread);
	pthread_barrier_wait(&server.all);
	pthread_barrier_wait(&server.all);
	rtls_engine_free(thread->engine);
	return NULL;
}

/* ---- all threads --------------------------------------------------------- */

static void start_others(void)
{
	for (unsigned int i = 1; i < server.count; i++) {
		struct server_thread *thread = &server.threads[i];
		int error = pthread_create(&thread->id, NULL, run_thread, thread);

		if (error) {
			cmd_error("cannot start %u threads: %s", server.count, strerror(error));
			exit(EXIT_RUNTIME); /* those that wait at the barrier, too */
		}
	}
}

static bool all_are_set_up(void)
{
	for (unsigned int i = 0; i < server.count; i++) {
		if (!server.threads[i].why)
			continue;
		cmd_error("%s", server.threads[i].why);
		return false;
	}
	return true;
}

static void print_ready(const char *root)
{
	char text[ADDRESS_LEN], escaped[256];

	address_print(text, (const struct sockaddr *)&server.address.addr);
	printf("ringtls: serving %s on https://%s/ (%u thread%s, kTLS %s)\n",
	       text_escape(escaped, sizeof(escaped), root, strlen(root)), text, server.count,
	       server.count == 1 ? "" : "s", tls_policy_name(server.policy));
	fflush(stdout);
}

/*
 * The threads meet four times: when all have set up; when the main thread has found that
 * none failed, before which nobody is served; when all have ended; and when the main thread
 * takes no more signals, whose handler reaches for every engine.
 */
static int run_server(const char *root)
{
	catch_signals();
	mask_signals(SIG_BLOCK); /* which the others inherit */
	pthread_barrier_init(&server.all, NULL, server.count);
	start_others();
	set_up_engine(&server.threads[0]);
	pthread_barrier_wait(&server.all);
	server.go = all_are_set_up();
	pthread_barrier_wait(&server.all);
	if (server.go) {
		print_ready(root);
		mask_signals(SIG_UNBLOCK);
		run_engine(&server.threads[0]);
	}
	pthread_barrier_wait(&server.all);
	mask_signals(SIG_BLOCK);
	pthread_barrier_wait(&server.all);
	rtls_engine_free(server.threads[0].engine);
	for (unsigned int i = 1; i < server.count; i++)
		pthread_join(server.threads[i].id, NULL);
	pthread_barrier_destroy(&server.all);
	return server.go && !server.failed ? EXIT_OK : EXIT_RUNTIME;
}

/* ---- start-up ------------------------------------------------------------ */

static int add_identities(struct rtls_config *config, const struct serve_options *options)
{
	int ret = options->certs.count ? 0 : selfsigned_add(config);

	for (unsigned int i = 0; !ret && i < options->certs.count; i++) {
		const char *cert = options->certs.values[i];

		ret = rtls_config_add_identity_file(
			config, cert, i < options->keys.count ? options->keys.values[i] : cert);
	}
	return ret;
}

/* A connection is a descriptor, a file that is sent another one, and the default is 1024. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int open_sockets(const char *text)
{
	int fds[THREADS_MAX], ret;

	raise_descriptor_limit();
	ret = listen_open(text, &server.address, fds, server.count);
	for (unsigned int i = 0; !ret && i < server.count; i++)
		server.threads[i].fd = fds[i];
	return ret;
}

/* All that can be wrong but the rings. What prints to stdout comes last. */
static int set_up(const struct serve_options *options)
{
	int ret = tls_config_new(&server.config, &options->tls, "http/1.1:http/1.0");

	if (!ret)
		ret = open_sockets(options->listen);
	if (ret)
		return ret;
	server.site.root = file_root_open(options->root);
	if (server.site.root < 0 || !tls_kernel_check(server.policy, stdout))
		return EXIT_RUNTIME;
	ret = add_identities(server.config, options);
	if (!ret)
		ret = rtls_config_freeze(server.config);
	if (ret)
		tls_config_complain(server.config, ret);
	return ret ? EXIT_RUNTIME : EXIT_OK;
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < server.count; i++) {
		if (server.threads[i].fd >= 0)
			close(server.threads[i].fd);
	}
	if (server.site.root >= 0)
		close(server.site.root);
	rtls_config_unref(server.config);
}

int cmd_serve(int argc, char **argv)
{
	struct serve_options options = { .listen = "127.0.0.1:8443", .root = "." };
	int ret = options_parse(&serve_usage, &options, &argc, argv);

	if (ret >= 0)
		return ret;
	if (options.keys.count > options.certs.count) {
		cmd_error("each --key needs a --cert");
		return EXIT_USAGE;
	}
	server.site = (struct site){ .root = -1, .quiet = options.quiet };
	server.policy = options.tls.policy;
	server.params.handshake_ms = options.handshake_s * 1000;
	server.params.idle_ms = options.idle_s * 1000;
	server.count = options.threads ? options.threads : default_threads();
	for (unsigned int i = 0; i < server.count; i++)
		server.threads[i].fd = -1;
	ret = set_up(&options);
	if (!ret)
		ret = run_server(options.root);
	tear_down();
	return ret;
}
