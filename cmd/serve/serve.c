// SPDX-License-Identifier: MIT
/* serve.c - ringtls serve: options, start-up, reload */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../cmd.h"
#include "../options.h"
#include "../tls_options.h"
#include "serve.h"

#define THREADS_DEFAULT 16 /* at most; else one for each CPU */
#define ALPN            "http/1.1:http/1.0"
#define SECONDS_MAX     86400

/* ---- options ------------------------------------------------------------- */

struct serve_options {
	const char *listen, *root;
	unsigned int threads; /* 0: by the number of CPUs */
	unsigned int handshake_threads;
	unsigned int handshake_s, idle_s; /* 0: the engine's defaults */
	bool quiet;
	struct tls_options tls;
};

static const char *set_threads(void *member, const char *value)
{
	return option_number(member, value, 1, THREADS_MAX) ? NULL : "a number from 1 to 256";
}

static const char *set_handshake_threads(void *member, const char *value)
{
	return option_number(member, value, 0, THREADS_MAX) ? NULL : "a number from 0 to 256";
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
	OPTION("threads", 0, "N", set_threads, struct serve_options, threads,
	       "threads, an io_uring each (one a CPU, at most 16)"),
	OPTION("handshake-threads", 0, "N", set_handshake_threads, struct serve_options,
	       handshake_threads, "threads of their own for private keys, which pays for RSA (0)"),
	OPTION("handshake-timeout", 0, "S", set_seconds, struct serve_options, handshake_s,
	       "the longest a handshake may take, in seconds (10)"),
	OPTION("idle-timeout", 0, "S", set_seconds, struct serve_options, idle_s,
	       "the longest a connection may be idle (60)"),
	OPTION_TABLE(struct serve_options, tls, tls_option_table),
	OPTION_TABLE(struct serve_options, tls, tls_serve_option_table),
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
		 TLS_OPTION_NOTES
		 "SIGTERM and SIGINT let the requests under way end, for 10 seconds at most; a\n"
		 "second one cuts them off. SIGHUP reads the certificates and all other files anew,\n"
		 "for new connections. If a file is bad, a line says so, and the old certificates\n"
		 "and all that goes with them stay; so do the old ticket keys, for themselves.",
};

/* ---- start-up ------------------------------------------------------------ */

static unsigned int default_threads(void)
{
	cpu_set_t cpus;
	int count = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	return count < THREADS_DEFAULT ? count : THREADS_DEFAULT;
}

/* Behind tls_config_apply(): the certificates, and the whole checked. */
static int complete_config(struct rtls_config *config, const struct server *server)
{
	const struct selfsigned *self = &server->selfsigned;
	int ret;

	if (self->cert)
		ret = rtls_config_add_identity(config, self->cert, NULL, 0, self->key);
	else
		ret = tls_add_identities(config, &server->options->tls);
	if (!ret)
		ret = sessions_use(&server->sessions, config);
	if (!ret && server->params.key_pool)
		ret = rtls_config_set_external_keys(config, true);
	if (!ret)
		ret = rtls_config_check_server(config);
	if (!ret)
		ret = rtls_config_freeze(config);
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

static int open_sockets(struct server *server, const char *text)
{
	int fds[THREADS_MAX], ret;

	raise_descriptor_limit();
	ret = listen_open(text, &server->address, fds, server->count);
	for (unsigned int i = 0; !ret && i < server->count; i++)
		server->threads[i].fd = fds[i];
	return ret;
}

static bool make_key_pool(struct server *server, unsigned int threads)
{
	if (!threads)
		return true;
	server->params.key_pool = rtls_key_pool_new(threads);
	if (!server->params.key_pool)
		cmd_error("cannot start %u handshake threads: %s", threads, strerror(errno));
	return server->params.key_pool;
}

/* All that can be wrong but the rings. What prints to stdout comes last. */
static int set_up(struct server *server, const struct serve_options *options)
{
	int ret = tls_config_new(&server->config, &options->tls, ALPN);

	if (!ret)
		ret = open_sockets(server, options->listen);
	if (ret)
		return ret;
	server->site.root = file_root_open(options->root);
	if (server->site.root < 0 || !tls_kernel_check(server->policy, stdout) ||
	    !make_key_pool(server, options->handshake_threads))
		return EXIT_RUNTIME;
	ret = sessions_serve(&server->sessions, &options->tls);
	if (ret)
		return ret;
	ret = options->tls.certs.count ? 0 : selfsigned_make(&server->selfsigned);
	if (!ret)
		ret = complete_config(server->config, server);
	if (ret)
		tls_config_complain(server->config, ret);
	return ret ? EXIT_RUNTIME : EXIT_OK;
}

static void print_ready(const struct server *server, const char *root)
{
	char text[ADDRESS_LEN], escaped[256];

	address_print(text, (const struct sockaddr *)&server->address.addr);
	printf("ringtls: serving %s on https://%s/ (%u thread%s, kTLS %s)\n",
	       text_escape(escaped, sizeof(escaped), root, strlen(root)), text, server->count,
	       server->count == 1 ? "" : "s", tls_policy_name(server->policy));
	fflush(stdout);
}

static void tear_down(struct server *server)
{
	for (unsigned int i = 0; i < server->count; i++) {
		if (server->threads[i].fd >= 0)
			close(server->threads[i].fd);
	}
	if (server->site.root >= 0)
		close(server->site.root);
	rtls_key_pool_unref(server->params.key_pool);
	rtls_config_unref(server->config);
	sessions_free(&server->sessions);
	selfsigned_free(&server->selfsigned);
}

/* ---- SIGHUP -------------------------------------------------------------- */

static void say_reloaded(const struct tls_options *tls)
{
	unsigned int certs = tls->certs.count, others = tls->client_cas.count + tls->crls.count +
							 tls->staples.count + tls->scts.count;

	/* One call, so that it does not mix with the threads' lines. */
	fprintf(stderr, "ringtls: reloaded %u certificate%s and %u other file%s%s\n", certs,
		certs == 1 ? "" : "s", others, others == 1 ? "" : "s",
		certs ? "" : "; the self-signed certificate stays");
}

/* All that a configuration reads from files; if one of them is bad, the old one stays. */
static void reload_config(struct server *server)
{
	const struct tls_options *tls = &server->options->tls;
	struct rtls_config *config = rtls_config_new();
	int ret = config ? tls_config_apply(config, tls, ALPN) : -ENOMEM;

	if (!ret)
		ret = complete_config(config, server);
	if (!ret)
		ret = threads_set_config(server, config);
	if (ret) {
		cmd_error("reload: %s; the old certificates stay", tls_config_why(config, ret));
		rtls_config_unref(config);
		return;
	}
	rtls_config_unref(server->config);
	server->config = config;
	say_reloaded(tls);
}

/* What outlives a configuration is used by the new one too: see sessions.h. */
static void reload(struct server *server)
{
	sessions_reload(&server->sessions, &server->options->tls);
	reload_config(server);
}

int cmd_serve(int argc, char **argv)
{
	struct serve_options options = { .listen = "127.0.0.1:8443", .root = ".",
					 .tls = TLS_OPTION_DEFAULTS };
	struct server server = { .options = &options, .reload = reload };
	int ret = options_parse(&serve_usage, &options, &argc, argv);

	if (ret >= 0)
		return ret;
	ret = tls_serve_check(&options.tls);
	if (ret)
		return ret;
	server.site = (struct site){ .root = -1, .quiet = options.quiet };
	server.policy = options.tls.policy;
	server.params.handshake_ms = options.handshake_s * 1000;
	server.params.idle_ms = options.idle_s * 1000;
	server.count = options.threads ? options.threads : default_threads();
	for (unsigned int i = 0; i < server.count; i++)
		server.threads[i].fd = -1;
	ret = set_up(&server, &options);
	if (!ret)
		ret = threads_start(&server);
	if (!ret) {
		print_ready(&server, options.root);
		ret = threads_serve(&server);
	}
	tear_down(&server);
	return ret;
}
