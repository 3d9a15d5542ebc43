// SPDX-License-Identifier: MIT
/* log.c - one line on stderr for each thing that happened */
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/bio.h>
#include <openssl/x509.h>

#include "../cmd.h"
#include "serve.h"

#define TARGET_SHOWN 512 /* of a target, escaped; it may have thousands of bytes */

/*
 * The peer's address. getpeername(2) knows it no more once the connection is closed or
 * reset, which is when it is asked for most; SO_PEERNAME does, but wants the exact length.
 */
static void print_peer(const struct rtls_stream *stream, char out[ADDRESS_LEN])
{
	static const socklen_t lengths[] = { sizeof(struct sockaddr_in6),
					     sizeof(struct sockaddr_in) };
	struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };

	for (size_t i = 0; i < 2; i++) {
		socklen_t len = lengths[i];

		if (!getsockopt(rtls_stream_fd(stream), SOL_SOCKET, SO_PEERNAME, &addr, &len))
			break;
	}
	address_print(out, (struct sockaddr *)&addr);
}

/* Time and peer in front, and one write(2), so that the threads' lines do not mix. */
__attribute__((format(printf, 2, 3)))
static void log_line(const struct rtls_stream *stream, const char *format, ...)
{
	char line[TARGET_SHOWN + 512], when[sizeof("2000-01-01T00:00:00Z")], peer[ADDRESS_LEN];
	time_t now = time(NULL);
	va_list args;
	struct tm tm;
	int len;

	strftime(when, sizeof(when), "%FT%TZ", gmtime_r(&now, &tm));
	print_peer(stream, peer);
	len = snprintf(line, sizeof(line), "%s %s ", when, peer);
	va_start(args, format);
	len += vsnprintf(line + len, sizeof(line) - len, format, args);
	va_end(args);
	if (len > (int)sizeof(line) - 1)
		len = sizeof(line) - 1;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nowhere to say it */
}

/* The name in the client's certificate, as RFC 4514 writes it, escaped; "" without one. */
static void print_subject(const struct rtls_peer *peer, char *out, size_t size)
{
	const uint8_t *der = peer->certificate;
	X509 *certificate;
	char *text;
	BIO *bio;
	long len;

	*out = '\0';
	if (!der)
		return;
	certificate = d2i_X509(NULL, &der, peer->certificate_len);
	bio = BIO_new(BIO_s_mem());
	if (certificate && bio) {
		X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
		len = BIO_get_mem_data(bio, &text);
		text_escape(out, size, text, len);
	}
	X509_free(certificate);
	BIO_free(bio);
}

void log_established(const struct rtls_stream *stream)
{
	const struct rtls_peer *peer = rtls_conn_peer(rtls_stream_conn(stream));
	char report[256], subject[160];

	rtls_report_print(rtls_conn_report(rtls_stream_conn(stream)), report, sizeof(report));
	print_subject(peer, subject, sizeof(subject));
	log_line(stream, "established %s%s%s%s%s%s", report, peer->resumed ? ", resumed" : "",
		 peer->group ? ", group " : "", peer->group ? peer->group : "",
		 *subject ? ", client " : "", subject);
}

void log_failed(const struct rtls_stream *stream, int error)
{
	const char *reason = rtls_conn_reason(rtls_stream_conn(stream));

	if (*reason)
		log_line(stream, "failed: %s: %s", rtls_strerror(error), reason);
	else
		log_line(stream, "failed: %s", rtls_strerror(error));
}

void log_request(const struct rtls_stream *stream, const char *method, const char *target,
		 size_t target_len, unsigned int status, uint64_t body_len)
{
	char escaped[TARGET_SHOWN];

	text_escape(escaped, sizeof(escaped), target, target_len);
	log_line(stream, "%s %s %u %llu", method, *escaped ? escaped : "-", status,
		 (unsigned long long)body_len);
}
