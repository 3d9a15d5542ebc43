// SPDX-License-Identifier: MIT
/* wolfssl.c - wolfSSL 5.5 as a peer; the rest is in peer.c */
#include <wolfssl/options.h>
#include <stdio.h>
#include <string.h>
#include <wolfssl/ssl.h>

#include "peer.h"

static WOLFSSL_CTX *ctx;
static WOLFSSL *ssl;
static WOLFSSL_SESSION *session;
static bool is_client;

static void use_groups(void)
{
	static const struct {
		const char *name;
		word16 id;
	} ids[] = {
		{"x25519", WOLFSSL_ECC_X25519},	      {"x448", WOLFSSL_ECC_X448},
		{"secp256r1", WOLFSSL_ECC_SECP256R1}, {"secp384r1", WOLFSSL_ECC_SECP384R1},
		{"secp521r1", WOLFSSL_ECC_SECP521R1}, {"ffdhe2048", WOLFSSL_FFDHE_2048},
		{"ffdhe3072", WOLFSSL_FFDHE_3072},    {"ffdhe4096", WOLFSSL_FFDHE_4096},
		{"ffdhe6144", WOLFSSL_FFDHE_6144},    {"ffdhe8192", WOLFSSL_FFDHE_8192},
	};
	const char *list = order("groups");
	char name[32];

	while (next_name(&list, name))
		for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
			if (!strcmp(ids[i].name, name))
				wolfSSL_CTX_UseSupportedCurve(ctx, ids[i].id);
}

static void use_identity(void)
{
	int ret = wolfSSL_CTX_use_certificate_chain_file(ctx, order("cert"));

	check(ret == WOLFSSL_SUCCESS, "certificate", ret);
	ret = wolfSSL_CTX_use_PrivateKey_file(ctx, order("key"), WOLFSSL_FILETYPE_PEM);
	check(ret == WOLFSSL_SUCCESS, "key", ret);
}

static void set_server(void)
{
	char file[512];

	use_identity();
	if (!strncmp(order("group"), "ff", 2)) {
		snprintf(file, sizeof(file), "%s/%s.dh", order("pki"), order("group"));
		check(wolfSSL_CTX_SetTmpDH_file(ctx, file, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS,
		      file, 0);
	}
	/* Of what a client offers it takes the smallest that is large enough. */
	if (order_is("group", "secp384r1"))
		wolfSSL_CTX_SetTmpEC_DHE_Sz(ctx, 48);
	if (!order_is("resume", "ticket"))
		wolfSSL_CTX_NoTicketTLSv12(ctx);
	if (!order_is("resume", "id"))
		wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
}

void peer_init(bool client)
{
	int mode = WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, ret;

	is_client = client;
	wolfSSL_Init();
	ctx = wolfSSL_CTX_new(client ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method());
	ret = wolfSSL_CTX_load_verify_locations(ctx, order("ca"), NULL);
	check(ret == WOLFSSL_SUCCESS, "roots", ret);
	if (!client && !order_is("auth", "yes"))
		mode = WOLFSSL_VERIFY_NONE;
	wolfSSL_CTX_set_verify(ctx, mode, NULL);
	check(wolfSSL_CTX_set_cipher_list(ctx, order("suite")) == WOLFSSL_SUCCESS, "suite", 0);
	if (client)
		use_groups();
	if (client && order_is("resume", "ticket"))
		wolfSSL_CTX_UseSessionTicket(ctx);
	if (!client)
		set_server();
	else if (*order("credentials"))
		use_identity();
}

bool peer_begin(int fd)
{
	int ret;

	ssl = wolfSSL_new(ctx);
	wolfSSL_set_fd(ssl, fd);
	if (is_client) {
		wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, "localhost", strlen("localhost"));
		wolfSSL_check_domain_name(ssl, "localhost");
	}
	if (session)
		wolfSSL_set_session(ssl, session);
	ret = is_client ? wolfSSL_connect(ssl) : wolfSSL_accept(ssl);
	if (ret != WOLFSSL_SUCCESS) {
		char why[80];

		ret = wolfSSL_get_error(ssl, ret);
		printf("handshake: %d: %s\n", ret, wolfSSL_ERR_error_string(ret, why));
		return false;
	}
	printf("%s %s\n", wolfSSL_get_cipher_name(ssl),
	       wolfSSL_session_reused(ssl) ? "reused" : "full");
	return true;
}

int peer_read(void *buf, size_t size)
{
	return wolfSSL_read(ssl, buf, size);
}

bool peer_write(const void *data, size_t len)
{
	return wolfSSL_write(ssl, data, len) == (int)len;
}

void peer_end(void)
{
	if (is_client && !order_is("resume", "-"))
		session = wolfSSL_get1_session(ssl);
	wolfSSL_shutdown(ssl);
	wolfSSL_free(ssl);
}
