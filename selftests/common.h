/* SPDX-License-Identifier: MIT */
/*
 * What the self-tests share: throw-away certificates, configurations, the clock, a TCP pair.
 */
#ifndef SELFTESTS_COMMON_H
#define SELFTESTS_COMMON_H

#include <ringtls/ktls.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

enum cert_kind {
	CERT_ECDSA,
	CERT_RSA,
	CERT_ECDSA_P384,
	CERT_ECDSA_P521,
	CERT_ED25519,
	CERT_ED448,
	CERT_RSA_PSS,
	CERT_KINDS,
};

/* A self-signed certificate; each part has a default that makes a good one for localhost. */
struct cert_spec {
	enum cert_kind kind;
	const char *host;    /* NULL: localhost */
	long age_s, life_s;  /* valid from now - age_s for life_s; 0: a day, two days */
	const char *usage;   /* extendedKeyUsage, NULL: serverAuth */
	const char *key_usage; /* NULL: digitalSignature, keyEncipherment */
	int rsa_bits;        /* 0: 2048 */
	bool no_san;         /* the name stands in the subject only */
	const char *subject; /* NULL: the host */
	const struct cert *issuer; /* NULL: signed by itself */
	bool is_ca;
	long serial;         /* 0: 1 */
	const char *digest;  /* signed with it; NULL: SHA256. EdDSA has its own */
};

struct cert {
	X509 *x509;
	EVP_PKEY *key;
};

/* Keys are made once a process and kind; certificates each time. */
struct cert cert_make(struct cert_spec spec);
void cert_free(struct cert *cert);

/* The clock for rtls_config_set_now(). */
time_t test_now(void *arg);

/* A frozen configuration with the clock; what is NULL is left at its default. */
struct config_spec {
	const struct cert *identity, *identity2;
	const struct cert *chain;         /* sent behind the first identity's certificate */
	const struct cert *trust;
	const char *suites, *groups, *sigalgs, *alpn, *crl_file;
	enum rtls_client_auth client_auth;
	bool insecure, external_keys;
	/* For what has no field here. */
	int (*more)(struct rtls_config *config, void *arg);
	void *arg;
};
struct rtls_config *config_make(struct config_spec spec);

/* The same with less to say: a server with this identity, a client that trusts it. NULL: defaults. */
struct rtls_config *server_config(const struct cert *cert, const char *suites, const char *groups,
				  const char *alpn);
struct rtls_config *client_config(const struct cert *trust, const char *suites,
				  const char *groups, const char *alpn);

/* Writes PEM files, for foreign programs. */
void cert_write(const struct cert *cert, const char *cert_file, const char *key_file);

/* A connected TCP pair over loopback; exits on failure. */
void tcp_pair(int pair[2]);

/* Does this kernel take the "tls" ULP? */
bool kernel_has_tls(void);

/* Each test ends so, by harness/kselftest_harness.h: leaks and coverage would be lost to _exit(). */
void test_end(void);

#endif
