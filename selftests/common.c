// SPDX-License-Identifier: MIT
/* See common.h. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "common.h"
#include "pair.h"

#define DAY 86400

static void die(const char *what)
{
	fprintf(stderr, "selftests: %s failed\n", what);
	exit(1);
}

static EVP_PKEY *keys[CERT_KINDS];

static EVP_PKEY *make_rsa_pss(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	if (EVP_PKEY_keygen_init(ctx) > 0)
		EVP_PKEY_generate(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *generate(enum cert_kind kind)
{
	switch (kind) {
	case CERT_ECDSA:
		return EVP_EC_gen("P-256");
	case CERT_RSA:
		return EVP_RSA_gen(2048);
	case CERT_ECDSA_P384:
		return EVP_EC_gen("P-384");
	case CERT_ECDSA_P521:
		return EVP_EC_gen("P-521");
	case CERT_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case CERT_ED448:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	default:
		return make_rsa_pss();
	}
}

/* Reads the key from the folder, where it is put by the first who looks for it. */
static EVP_PKEY *kept_key(const char *folder, enum cert_kind kind)
{
	EVP_PKEY *key = NULL;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%d.pem", folder, kind);
	file = fopen(path, "r");
	if (file) {
		key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	} else if ((file = fopen(path, "w"))) {
		key = generate(kind);
		if (!PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL))
			die("writing a key");
	}
	if (!file || fclose(file))
		die("opening a key's file");
	return key;
}

/*
 * Valgrind translates a program as it runs, and a fork inherits the result: what each test would
 * have to do is done once.
 */
static void warm_up(void)
{
	for (int kind = CERT_ECDSA; kind <= CERT_RSA; kind++) {
		struct cert cert = cert_make((struct cert_spec){ .kind = kind });
		struct pair pair = pair_make(server_config(&cert, NULL, NULL, NULL),
					     client_config(&cert, NULL, NULL, NULL));

		if (pair_begin(&pair, "localhost"))
			die("warming up");
		pair_run(&pair, SIZE_MAX);
		pair_free(&pair);
		cert_free(&cert);
	}
}

/*
 * Before the harness forks a process for each test. Under valgrind that takes a minute, which
 * a folder of keys made before avoids.
 */
__attribute__((constructor)) static void make_keys(void)
{
	/* No test trusts the system's certificates, and reading them takes most of its time. */
	setenv("SSL_CERT_FILE", "/dev/null", 1);
	const char *folder = getenv("SELFTESTS_KEYS");

	for (int i = 0; i < CERT_KINDS; i++) {
		keys[i] = folder ? kept_key(folder, i) : generate(i);
		if (!keys[i])
			die("making a key");
	}
	if (RUNNING_ON_VALGRIND)
		warm_up();
}

static EVP_PKEY *make_key(enum cert_kind kind, int rsa_bits)
{
	if (rsa_bits)
		return EVP_RSA_gen(rsa_bits);
	EVP_PKEY_up_ref(keys[kind]);
	return keys[kind];
}

static void add_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (!extension || !X509_add_ext(x509, extension, -1))
		die("making a certificate's extension");
	X509_EXTENSION_free(extension);
}

struct cert cert_make(struct cert_spec spec)
{
	struct cert cert = { X509_new(), make_key(spec.kind, spec.rsa_bits) };
	const char *host = spec.host ? spec.host : "localhost";
	EVP_PKEY *signer = spec.issuer ? spec.issuer->key : cert.key;
	char san[128];
	X509_NAME *name;

	if (!cert.x509 || !cert.key)
		die("making a certificate");
	snprintf(san, sizeof(san), "DNS:%s,IP:127.0.0.1", host);
	X509_set_version(cert.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert.x509), spec.serial ? spec.serial : 1);
	X509_gmtime_adj(X509_getm_notBefore(cert.x509), -(spec.age_s ? spec.age_s : DAY));
	X509_gmtime_adj(X509_getm_notAfter(cert.x509),
			(spec.life_s ? spec.life_s : 2 * DAY) - (spec.age_s ? spec.age_s : DAY));
	X509_set_pubkey(cert.x509, cert.key);
	name = X509_get_subject_name(cert.x509);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const void *)(spec.subject ? spec.subject : host), -1, -1, 0);
	X509_set_issuer_name(cert.x509, spec.issuer ? X509_get_subject_name(spec.issuer->x509)
						    : name);
	if (spec.is_ca)
		add_extension(cert.x509, NID_basic_constraints, "critical,CA:TRUE");
	if (!spec.no_san)
		add_extension(cert.x509, NID_subject_alt_name, san);
	if (!spec.is_ca)
		add_extension(cert.x509, NID_ext_key_usage, spec.usage ? spec.usage : "serverAuth");
	add_extension(cert.x509, NID_key_usage,
		      spec.key_usage ? spec.key_usage :
		      spec.is_ca ? "keyCertSign,cRLSign" : "digitalSignature,keyEncipherment");
	if (!X509_sign(cert.x509, signer,
		       EVP_PKEY_is_a(signer, "ED25519") || EVP_PKEY_is_a(signer, "ED448")
			       ? NULL
			       : EVP_get_digestbyname(spec.digest ? spec.digest : "SHA256")))
		die("signing a certificate");
	return cert;
}

void cert_free(struct cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	*cert = (struct cert){ 0 };
}

void cert_write(const struct cert *cert, const char *cert_file, const char *key_file)
{
	FILE *file = fopen(cert_file, "w");

	if (!file || !PEM_write_X509(file, cert->x509) || fclose(file))
		die("writing a certificate");
	file = fopen(key_file, "w");
	if (!file || !PEM_write_PrivateKey(file, cert->key, NULL, NULL, 0, NULL, NULL) ||
	    fclose(file))
		die("writing a key");
}

time_t test_now(void *arg)
{
	(void)arg;
	return time(NULL);
}

static int trust(struct rtls_config *config, const struct cert *cert)
{
	char file[] = "/tmp/ringtls-trust-XXXXXX";
	int fd = mkstemp(file), ret;
	FILE *pem = fd < 0 ? NULL : fdopen(fd, "w");

	if (!pem || !PEM_write_X509(pem, cert->x509) || fclose(pem))
		die("writing a certificate");
	ret = rtls_config_add_trust_file(config, file);
	unlink(file);
	return ret;
}

static int set_lists(struct rtls_config *config, const struct config_spec *spec)
{
	int ret = 0;

	if (spec->suites)
		ret = rtls_config_set_suites(config, spec->suites);
	if (!ret && spec->groups)
		ret = rtls_config_set_groups(config, spec->groups);
	if (!ret && spec->sigalgs)
		ret = rtls_config_set_sigalgs(config, spec->sigalgs);
	if (!ret && spec->alpn)
		ret = rtls_config_set_alpn(config, spec->alpn);
	return ret;
}

struct rtls_config *config_make(struct config_spec spec)
{
	struct rtls_config *config = rtls_config_new();
	int ret = rtls_config_set_now(config, test_now, NULL);

	if (!ret && spec.identity)
		ret = rtls_config_add_identity(config, spec.identity->x509,
					       spec.chain ? &spec.chain->x509 : NULL, !!spec.chain,
					       spec.identity->key);
	if (!ret && spec.identity2)
		ret = rtls_config_add_identity(config, spec.identity2->x509, NULL, 0,
					       spec.identity2->key);
	if (!ret && spec.trust)
		ret = trust(config, spec.trust);
	if (!ret && spec.crl_file)
		ret = rtls_config_add_crl_file(config, spec.crl_file);
	if (!ret)
		ret = set_lists(config, &spec);
	if (!ret)
		ret = rtls_config_set_client_auth(config, spec.client_auth);
	if (!ret)
		ret = rtls_config_set_verify(config, !spec.insecure);
	if (!ret)
		ret = rtls_config_set_external_keys(config, spec.external_keys);
	if (!ret && spec.more)
		ret = spec.more(config, spec.arg);
	if (!ret)
		ret = rtls_config_freeze(config);
	if (ret)
		die(rtls_config_error(config));
	return config;
}

struct rtls_config *server_config(const struct cert *cert, const char *suites, const char *groups,
				  const char *alpn)
{
	return config_make((struct config_spec){
		.identity = cert, .suites = suites, .groups = groups, .alpn = alpn });
}

struct rtls_config *client_config(const struct cert *trust, const char *suites,
				  const char *groups, const char *alpn)
{
	return config_make((struct config_spec){
		.trust = trust, .suites = suites, .groups = groups, .alpn = alpn });
}

void tcp_pair(int pair[2])
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (void *)&addr, sizeof(addr)) || listen(listener, 1) ||
	    getsockname(listener, (void *)&addr, &len) ||
	    connect(pair[0], (void *)&addr, sizeof(addr)))
		die("connecting over loopback");
	pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (pair[1] < 0)
		die("accept");
	close(listener);
}

bool kernel_has_tls(void)
{
	struct rtls_probe probe;

	return !rtls_ktls_probe(&probe) && probe.ulp == RTLS_REASON_INSTALLED;
}

/* Present only where the program is built with them. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);
__attribute__((weak)) void __gcov_dump(void);

void test_end(void)
{
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		exit(1);
	if (__gcov_dump)
		__gcov_dump();
}

/* Where a test has failed already, it did not come to its clean-up. */
void test_exit(int code)
{
	if (!code)
		test_end();
	_exit(code);
}
