// SPDX-License-Identifier: MIT
/*
 * What do handshakes cost those who are connected already? A client asks `ringtls serve`, whose
 * key is RSA of 2048 bits, for a few bytes again and again on one connection, while others do
 * nothing but shake hands: with the key used on the ring's thread, and by --handshake-threads 1.
 *
 *	storm RINGTLS [SECONDS]
 */
#include <err.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ringtls/uring.h>

#define HANDSHAKES   64   /* at a time */
#define THINK_US     1000 /* between an answer and the next request */
#define ROUNDS       3    /* of each mode, in turn */
#define SAMPLES_MAX  100000

static const char request[] = "HEAD /cert.pem HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct mode {
	const char *threads; /* --handshake-threads */
	unsigned int count;  /* of samples */
	unsigned int handshakes;
	double ms[SAMPLES_MAX];
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* ---- the server ------------------------------------------------------------------------ */

static char dir[] = "/tmp/ringtls-storm-XXXXXX";

/* From here on only what may be called in a signal handler. */
static void clean_up(void)
{
	unlink("key.pem");
	unlink("cert.pem");
	rmdir(dir);
}

static void end(int signal)
{
	clean_up();
	_exit(128 + signal);
}

static void make_certificate(void)
{
	if (!mkdtemp(dir) || chdir(dir) ||
	    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
		   "-keyout key.pem -out cert.pem 2>/dev/null"))
		errx(1, "openssl could not make a certificate in %s", dir);
	atexit(clean_up);
	signal(SIGINT, end);
	signal(SIGTERM, end);
}

static pid_t start_server(const char *ringtls, const char *threads, struct sockaddr_in *addr)
{
	int ends[2], port = 0;
	char line[512];
	FILE *output;
	pid_t pid;

	if (pipe(ends) || (pid = fork()) < 0)
		err(1, "starting the server");
	if (!pid) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		dup2(ends[1], STDOUT_FILENO);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(ringtls, "ringtls", "serve", "--listen", "127.0.0.1:0", "--root", ".",
		      "--cert", "cert.pem", "--key", "key.pem", "--threads", "1", "--quiet",
		      "--handshake-threads", threads, NULL);
		warn("%s", ringtls);
		_exit(1);
	}
	close(ends[1]);
	output = fdopen(ends[0], "r");
	while (!port && fgets(line, sizeof(line), output))
		sscanf(line, "ringtls: serving . on https://127.0.0.1:%d/", &port);
	fclose(output);
	if (!port)
		errx(1, "the server has not started");
	*addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return pid;
}

/* ---- the storm ------------------------------------------------------------------------- */

struct storm {
	struct rtls_engine *engine;
	struct rtls_config *config;
	struct sockaddr_in addr;
	unsigned int handshakes; /* that are over */
	bool over;               /* atomic */
};

static const struct rtls_stream_ops storm_ops;

static void shake_hands(struct storm *storm)
{
	if (rtls_connect(storm->engine, (void *)&storm->addr, sizeof(storm->addr), storm->config,
			 NULL, RTLS_KTLS_OFF, &storm_ops, storm))
		errx(1, "the storm cannot connect");
}

static void storm_closed(struct rtls_stream *stream, int error)
{
	struct storm *storm = rtls_stream_arg(stream);

	if (error)
		errx(1, "a handshake failed: %s", rtls_strerror(error));
	storm->handshakes++;
	if (!__atomic_load_n(&storm->over, __ATOMIC_RELAXED))
		shake_hands(storm);
}

static const struct rtls_stream_ops storm_ops = {
	.established = rtls_stream_close,
	.closed = storm_closed,
};

static void *run_storm(void *arg)
{
	struct storm *storm = arg;

	/* They would be other machines: here they take what the server leaves. */
	setpriority(PRIO_PROCESS, 0, 19);
	for (int i = 0; i < HANDSHAKES; i++)
		shake_hands(storm);
	if (rtls_engine_run(storm->engine))
		errx(1, "the storm's ring failed");
	rtls_engine_free(storm->engine);
	return NULL;
}

/* ---- who is connected already ---------------------------------------------------------- */

struct client {
	struct rtls_conn *conn;
	int fd;
	bool answered;
	uint8_t buf[RTLS_RECORD_MAX];
};

static void until(struct client *client, enum rtls_event_type type)
{
	struct rtls_event event;

	do {
		if (rtls_drive(client->conn, client->fd, client->buf, sizeof(client->buf),
			       60000, &event) != 1 || event.type == RTLS_EVENT_FAILED)
			errx(1, "the client's connection: %s", rtls_conn_reason(client->conn));
		client->answered |= event.type == RTLS_EVENT_DATA &&
				    !memcmp(event.data, "HTTP/1.1 200", 12);
	} while (event.type != type);
}

/* So short an answer comes in one record, and may come before we know that all was sent. */
static void ask(struct client *client)
{
	client->answered = false;
	if (rtls_conn_send(client->conn, request, strlen(request), false))
		errx(1, "the client cannot send");
	until(client, RTLS_EVENT_SENT);
	while (!client->answered)
		until(client, RTLS_EVENT_DATA);
}

static void measure(struct mode *mode, struct client *client, double seconds)
{
	double start, end = now() + seconds;

	while ((start = now()) < end && mode->count < SAMPLES_MAX) {
		ask(client);
		mode->ms[mode->count++] = (now() - start) * 1000;
		usleep(THINK_US);
	}
}

/* ---- a round --------------------------------------------------------------------------- */

static void run(const char *ringtls, struct mode *mode, struct rtls_config *config, double seconds)
{
	struct storm storm = { .config = config };
	struct rtls_worker *worker = rtls_worker_new();
	pid_t server = start_server(ringtls, mode->threads, &storm.addr);
	struct client client = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	struct rtls_hs *hs;
	pthread_t thread;

	if (connect(client.fd, (void *)&storm.addr, sizeof(storm.addr)) ||
	    rtls_hs_new(&hs, config, worker, RTLS_CLIENT, NULL) ||
	    !(client.conn = rtls_conn_new(hs, worker, RTLS_KTLS_OFF)) ||
	    rtls_engine_new(&storm.engine, NULL, NULL))
		errx(1, "the clients cannot begin");
	until(&client, RTLS_EVENT_ESTABLISHED);
	if (pthread_create(&thread, NULL, run_storm, &storm))
		errx(1, "no thread");
	measure(mode, &client, seconds);
	__atomic_store_n(&storm.over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	mode->handshakes += storm.handshakes;
	rtls_conn_close(client.conn);
	until(&client, RTLS_EVENT_CLOSED);
	rtls_conn_free(client.conn);
	rtls_worker_free(worker);
	close(client.fd);
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct mode modes[] = { { .threads = "0" }, { .threads = "1" } };
	struct rtls_config *config = rtls_config_new();
	double seconds = argc > 2 ? atof(argv[2]) : 3, p50[2], p99[2];
	char *ringtls = argc > 1 ? realpath(argv[1], NULL) : NULL;

	if (argc < 2 || seconds <= 0)
		errx(2, "usage: storm RINGTLS [SECONDS]");
	if (!ringtls)
		err(1, "%s", argv[1]);
	if (rtls_config_set_verify(config, false) || rtls_config_freeze(config))
		errx(1, "%s", rtls_config_error(config));
	make_certificate();
	for (int i = 0; i < 2 * ROUNDS; i++)
		run(ringtls, &modes[i % 2], config, seconds);
	printf("--handshake-threads    requests   handshakes/s     p50 ms     p99 ms\n");
	for (int i = 0; i < 2; i++) {
		struct mode *mode = &modes[i];

		qsort(mode->ms, mode->count, sizeof(*mode->ms), compare);
		p50[i] = mode->ms[mode->count / 2];
		p99[i] = mode->ms[mode->count * 99UL / 100];
		printf("%-20s %10u %14.0f %10.2f %10.2f\n", mode->threads, mode->count,
		       mode->handshakes / seconds / ROUNDS, p50[i], p99[i]);
	}
	printf("{\"bench\": \"storm\", \"ratios\": {\"p50\": %.2f, \"p99\": %.2f}, \"missed\": [%s]}\n",
	       p50[0] / p50[1], p99[0] / p99[1], p99[0] > p99[1] ? "" : "\"p99\"");
	rtls_config_unref(config);
	return 0;
}
