// SPDX-License-Identifier: MIT
/* mbedtls.c - mbedTLS 2.28 as a peer; the rest is in peer.c */
#include <stdio.h>
#include <string.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ticket.h>

#include "peer.h"

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static mbedtls_x509_crt chain, roots;
static mbedtls_pk_context key;
static mbedtls_dhm_context dhm;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_ssl_config config;
static mbedtls_ssl_context ssl;
static mbedtls_ssl_session session;
static mbedtls_net_context net;
static int suites[2];
static mbedtls_ecp_group_id groups[4];
static bool is_client, has_session;

static void set_groups(void)
{
	const char *list = order("groups");
	char name[32];

	for (size_t i = 0; i < 3 && next_name(&list, name);) {
		const mbedtls_ecp_curve_info *info = mbedtls_ecp_curve_info_from_name(name);

		if (info)
			groups[i++] = info->grp_id;
	}
	if (groups[0])
		mbedtls_ssl_conf_curves(&config, groups);
}

static void set_identity(void)
{
	int ret = mbedtls_x509_crt_parse_file(&chain, order("cert"));

	check(!ret, "certificate", ret);
	ret = mbedtls_pk_parse_keyfile(&key, order("key"), NULL);
	check(!ret, "key", ret);
	mbedtls_ssl_conf_own_cert(&config, &chain, &key);
}

static void set_server(void)
{
	char file[512];

	set_identity();
	if (!strncmp(order("group"), "ff", 2)) {
		snprintf(file, sizeof(file), "%s/%s.dh", order("pki"), order("group"));
		check(!mbedtls_dhm_parse_dhmfile(&dhm, file) &&
			      !mbedtls_ssl_conf_dh_param_ctx(&config, &dhm),
		      "DHE", 0);
	}
	if (order_is("resume", "id"))
		mbedtls_ssl_conf_session_cache(&config, &cache, mbedtls_ssl_cache_get,
					       mbedtls_ssl_cache_set);
	if (order_is("resume", "ticket")) {
		mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &random_source,
					 MBEDTLS_CIPHER_AES_256_GCM, 3600);
		mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write,
						    mbedtls_ssl_ticket_parse, &tickets);
	}
	mbedtls_ssl_conf_authmode(&config, order_is("auth", "yes") ? MBEDTLS_SSL_VERIFY_REQUIRED
							   : MBEDTLS_SSL_VERIFY_NONE);
}

void peer_init(bool client)
{
	char name[64];
	int ret;

	is_client = client;
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_source);
	mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0);
	mbedtls_x509_crt_init(&chain);
	mbedtls_x509_crt_init(&roots);
	mbedtls_pk_init(&key);
	mbedtls_dhm_init(&dhm);
	mbedtls_ssl_cache_init(&cache);
	mbedtls_ssl_ticket_init(&tickets);
	mbedtls_ssl_session_init(&session);
	mbedtls_ssl_config_init(&config);
	mbedtls_ssl_config_defaults(&config, client ? MBEDTLS_SSL_IS_CLIENT : MBEDTLS_SSL_IS_SERVER,
				    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_source);
	ret = mbedtls_x509_crt_parse_file(&roots, order("ca"));
	check(!ret, "roots", ret);
	mbedtls_ssl_conf_ca_chain(&config, &roots, NULL);
	/* Its names have dashes where the RFCs have underscores, and "WITH" all the same. */
	snprintf(name, sizeof(name), "%s", order("iana"));
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	suites[0] = mbedtls_ssl_get_ciphersuite_id(name);
	check(suites[0], name, 0);
	mbedtls_ssl_conf_ciphersuites(&config, suites);
	set_groups();
	if (!client)
		set_server();
	else if (*order("credentials"))
		set_identity();
	if (client && order_is("resume", "id"))
		mbedtls_ssl_conf_session_tickets(&config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
}

bool peer_begin(int fd)
{
	int ret;

	net.fd = fd;
	mbedtls_ssl_init(&ssl);
	check(!mbedtls_ssl_setup(&ssl, &config), "setup", 0);
	mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (is_client)
		mbedtls_ssl_set_hostname(&ssl, "localhost");
	if (has_session)
		check(!mbedtls_ssl_set_session(&ssl, &session), "session", 0);
	ret = mbedtls_ssl_handshake(&ssl);
	if (ret)
		printf("handshake: -0x%x\n", -ret);
	else
		printf("%s\n", mbedtls_ssl_get_ciphersuite(&ssl));
	if (!ret && is_client && !order_is("resume", "-"))
		has_session = !mbedtls_ssl_get_session(&ssl, &session);
	return !ret;
}

int peer_read(void *buf, size_t size)
{
	return mbedtls_ssl_read(&ssl, buf, size);
}

bool peer_write(const void *data, size_t len)
{
	for (const unsigned char *p = data; len;) {
		int ret = mbedtls_ssl_write(&ssl, p, len);

		if (ret < 0)
			return false;
		p += ret;
		len -= ret;
	}
	return true;
}

void peer_end(void)
{
	mbedtls_ssl_close_notify(&ssl);
	mbedtls_ssl_free(&ssl);
}
