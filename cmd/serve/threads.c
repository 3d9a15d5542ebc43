// SPDX-License-Identifier: MIT
/*
 * threads.c - an engine a thread, and the main thread, which waits for signals
 *
 * All signals stay blocked and are taken by sigwaitinfo(2): no handler interrupts anything, and
 * what a signal asks for may take its time, since the main thread serves nobody.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmd.h"
#include "serve.h"

#define DRAIN_MS 10000

/* The last thread tells the main one so that all have ended. There are no child processes. */
#define SIGENDED SIGCHLD

static void drain(struct server *server, unsigned int deadline_ms)
{
	for (unsigned int i = 0; i < server->count; i++) {
		rtls_engine_drain(server->threads[i].engine, deadline_ms);
		/* Who comes now is refused, and the next server may have the port. */
		shutdown(server->threads[i].fd, SHUT_RDWR);
	}
}

/* ---- a thread ------------------------------------------------------------ */

static void run_engine(struct server_thread *thread)
{
	int error = rtls_engine_run(thread->engine);

	if (!error)
		return;
	cmd_error("io_uring failed: %s", rtls_strerror(error));
	__atomic_store_n(&thread->server->failed, true, __ATOMIC_RELAXED);
	drain(thread->server, DRAIN_MS); /* the others with it: half a server is none */
}

/*
 * All meet twice: when everybody is there, before which nobody is served; and when everybody
 * has ended, before which each may reach for every engine.
 */
static void *run_thread(void *arg)
{
	struct server_thread *thread = arg;
	struct server *server = thread->server;

	pthread_barrier_wait(&server->all);
	run_engine(thread);
	if (!__atomic_sub_fetch(&server->running, 1, __ATOMIC_ACQ_REL))
		kill(getpid(), SIGENDED);
	pthread_barrier_wait(&server->all);
	rtls_engine_free(thread->engine);
	return NULL;
}

/* ---- the beginning ------------------------------------------------------- */

static const char *make_engine(struct server *server, struct server_thread *thread)
{
	const char *why;
	int ret;

	thread->server = server;
	if (rtls_engine_new(&thread->engine, &server->params, &why))
		return why;
	ret = rtls_listen(thread->engine, thread->fd, server->config, server->policy, &http_ops,
			  &server->site, &thread->listener);
	return ret ? rtls_strerror(ret) : NULL;
}

static bool make_engines(struct server *server)
{
	const char *why = NULL;

	for (unsigned int i = 0; !why && i < server->count; i++)
		why = make_engine(server, &server->threads[i]);
	if (!why)
		return true;
	cmd_error("%s", why);
	for (unsigned int i = 0; i < server->count; i++)
		rtls_engine_free(server->threads[i].engine);
	return false;
}

static void awaited_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGENDED);
}

/* What is blocked now the threads inherit. */
static void block_signals(void)
{
	sigset_t signals;

	awaited_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int threads_start(struct server *server)
{
	if (!make_engines(server))
		return EXIT_RUNTIME;
	block_signals();
	server->running = server->count;
	pthread_barrier_init(&server->all, NULL, server->count + 1);
	for (unsigned int i = 0; i < server->count; i++) {
		struct server_thread *thread = &server->threads[i];
		int error = pthread_create(&thread->id, NULL, run_thread, thread);

		if (error) {
			cmd_error("cannot start %u threads: %s", server->count, strerror(error));
			exit(EXIT_RUNTIME); /* those that wait at the barrier, too */
		}
	}
	return EXIT_OK;
}

/* ---- until the end ------------------------------------------------------- */

static void take_signals(struct server *server)
{
	bool is_second = false;
	sigset_t signals;

	awaited_signals(&signals);
	while (__atomic_load_n(&server->running, __ATOMIC_ACQUIRE)) {
		switch (sigwaitinfo(&signals, NULL)) {
		case SIGTERM:
		case SIGINT:
			drain(server, is_second ? 0 : DRAIN_MS);
			is_second = true;
			break;
		case SIGHUP:
			server->reload(server);
			break;
		}
	}
}

int threads_set_config(struct server *server, struct rtls_config *config)
{
	int ret = 0;

	/* What one listener takes, they all take. */
	for (unsigned int i = 0; !ret && i < server->count; i++)
		ret = rtls_listener_set_config(server->threads[i].listener, config);
	return ret;
}

int threads_serve(struct server *server)
{
	pthread_barrier_wait(&server->all);
	take_signals(server);
	pthread_barrier_wait(&server->all);
	for (unsigned int i = 0; i < server->count; i++)
		pthread_join(server->threads[i].id, NULL);
	pthread_barrier_destroy(&server->all);
	return server->failed ? EXIT_RUNTIME : EXIT_OK;
}
