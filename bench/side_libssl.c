// SPDX-License-Identifier: MIT
/* libssl's side over memory BIOs, with contexts set up once. See side.h. */
#include <stdlib.h>
#include <openssl/ssl.h>

#include "bench.h"
#include "side.h"

struct setup {
	enum rtls_role role;
	enum resumption resumption;
	SSL_CTX *ctx;
	SSL_SESSION *session; /* a client's, of the first handshake */
};

struct connection {
	struct setup *setup;
	SSL *ssl;
	bool done;
};

static void set_resumption(SSL_CTX *ctx, const struct scenario *scenario)
{
	if (scenario->resumption != RESUME_TICKET)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, scenario->resumption == RESUME_SESSION_ID
						    ? SSL_SESS_CACHE_SERVER
						    : SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"bench", 5);
}

/* A list of authorities in a CertificateRequest is what our side sends, too. */
static bool set_authority(SSL_CTX *ctx, enum rtls_role role, const struct cert *authority)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority->x509) &&
	       (role == RTLS_CLIENT || SSL_CTX_add_client_CA(ctx, authority->x509));
}

static void *setup(const struct scenario *scenario, enum rtls_role role, const struct cert *cert,
		   const struct cert *authority)
{
	bool shows = role == RTLS_SERVER || scenario->mutual;
	bool looks = role == RTLS_CLIENT || scenario->mutual;
	struct setup *setup = calloc(1, sizeof(*setup));
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	setup->role = role;
	setup->resumption = scenario->resumption;
	setup->ctx = ctx;
	/* A side with an authority and a certificate would build and send the chain each time. */
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	set_resumption(ctx, scenario);
	bench_require(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
			      SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) &&
			      SSL_CTX_set_cipher_list(ctx, scenario->suite) &&
			      SSL_CTX_set1_groups_list(ctx, scenario->groups) &&
			      (!looks || set_authority(ctx, role, authority)) &&
			      (!shows || (SSL_CTX_use_certificate(ctx, cert->x509) &&
					  SSL_CTX_use_PrivateKey(ctx, cert->key))),
		      "setting up libssl failed");
	return setup;
}

struct ssl_ctx_st *side_libssl_ctx(void *setup)
{
	return ((struct setup *)setup)->ctx;
}

static void setup_free(void *arg)
{
	struct setup *setup = arg;

	SSL_SESSION_free(setup->session);
	SSL_CTX_free(setup->ctx);
	free(setup);
}

static void forget(void *setup)
{
	(void)setup; /* it remembers none */
}

static void *begin(void *arg)
{
	struct setup *setup = arg;
	struct connection *connection = side_alloc(sizeof(*connection));
	SSL *ssl = SSL_new(setup->ctx);

	connection->setup = setup;
	connection->ssl = ssl;
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (setup->role == RTLS_SERVER) {
		SSL_set_accept_state(ssl);
		return connection;
	}
	SSL_set_connect_state(ssl);
	bench_require(SSL_set_tlsext_host_name(ssl, SIDE_HOST) && SSL_set1_host(ssl, SIDE_HOST) &&
			      (!setup->session || SSL_set_session(ssl, setup->session)),
		      "setting up a connection of libssl's failed");
	return connection;
}

static struct bytes step(void *arg, struct bytes in)
{
	struct connection *connection = arg;
	struct setup *setup = connection->setup;
	SSL *ssl = connection->ssl;
	struct bytes out;
	char *data;
	int ret;

	(void)BIO_reset(SSL_get_wbio(ssl));
	if (in.len)
		BIO_write(SSL_get_rbio(ssl), in.data, in.len);
	ret = SSL_do_handshake(ssl);
	bench_require(ret == 1 || SSL_get_error(ssl, ret) == SSL_ERROR_WANT_READ,
		      "libssl's handshake failed");
	connection->done = ret == 1;
	if (connection->done && setup->role == RTLS_CLIENT && setup->resumption && !setup->session)
		setup->session = SSL_get1_session(ssl);
	out.len = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
	out.data = (const uint8_t *)data;
	return out;
}

static bool is_done(const void *connection)
{
	return ((const struct connection *)connection)->done;
}

static bool is_resumed(const void *connection)
{
	return SSL_session_reused(((const struct connection *)connection)->ssl);
}

static void end(void *arg)
{
	struct connection *connection = arg;

	/* As after a close: else the session may not be resumed. */
	SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(connection->ssl);
	side_free(connection);
}

const struct side side_libssl = {
	setup, setup_free, forget, begin, step, is_done, is_resumed, end,
};
