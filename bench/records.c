// SPDX-License-Identifier: MIT
/* See records.h. */
#include <string.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "bench.h"
#include "records.h"
#include "side.h"

#define BYTES_A_ROUND (64 << 20)
#define RECORDS_MAX   100000

/* Half a page apart: an address that looks like another's to the processor costs a tenth. */
static struct {
	uint8_t plain[RTLS_PLAINTEXT_MAX], gap[2048], record[RTLS_RECORD_MAX];
} buffers __attribute__((aligned(4096)));
static uint8_t *const plain = buffers.plain, *const record = buffers.record;
static uint8_t opened[RTLS_PLAINTEXT_MAX];

/* ---- the bare cipher ---------------------------------------------------------------------- */

static EVP_CIPHER_CTX *cipher_ctx(const uint8_t key[16], int encrypt)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	bench_require(cipher && ctx && EVP_CipherInit_ex2(ctx, cipher, key, NULL, encrypt, NULL),
		      "setting up AES-GCM failed");
	EVP_CIPHER_free(cipher);
	return ctx;
}

static void libcrypto_record(size_t len)
{
	static const uint8_t key[16] = "0123456789abcde", aad[13];
	static EVP_CIPHER_CTX *seal, *open;
	static uint8_t nonce[12];
	uint8_t *tag = record + len;
	int n;

	if (!seal) {
		seal = cipher_ctx(key, 1);
		open = cipher_ctx(key, 0);
	}
	nonce[11]++;
	bench_require(EVP_CipherInit_ex2(seal, NULL, NULL, nonce, -1, NULL) &&
			      EVP_EncryptUpdate(seal, NULL, &n, aad, sizeof(aad)) &&
			      EVP_EncryptUpdate(seal, record, &n, plain, len) &&
			      EVP_EncryptFinal_ex(seal, record + n, &n) &&
			      EVP_CIPHER_CTX_ctrl(seal, EVP_CTRL_AEAD_GET_TAG, 16, tag) > 0,
		      "AES-GCM failed");
	bench_require(EVP_CipherInit_ex2(open, NULL, NULL, nonce, -1, NULL) &&
			      EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_AEAD_SET_TAG, 16, tag) > 0 &&
			      EVP_DecryptUpdate(open, NULL, &n, aad, sizeof(aad)) &&
			      EVP_DecryptUpdate(open, record, &n, record, len) &&
			      EVP_DecryptFinal_ex(open, record + n, &n),
		      "AES-GCM failed");
}

/* ---- ours -------------------------------------------------------------------------------------- */

static enum rtls_cipher our_cipher = RTLS_CIPHER_AES_128_GCM;

static void our_record(size_t len)
{
	static struct rtls_worker *worker;
	static struct rtls_key tx = { .key = "0123456789abcde" }, rx = { .key = "0123456789abcde" };
	uint8_t *data;

	if (!worker)
		worker = rtls_worker_new();
	bench_require(rtls_record_seal(worker, our_cipher, &tx, RTLS_APPLICATION_DATA, plain, len,
				       record) > 0 &&
			      rtls_record_open(worker, our_cipher, &rx, record, &data) ==
				      (ssize_t)len,
		      "our record layer failed");
}

/* ---- libssl ------------------------------------------------------------------------------------- */

/* A connection whose two sides write into each other's BIO. */
static void connect_libssl(SSL *ssl[2])
{
	static const struct scenario scenario = {
		"records", "ECDHE-ECDSA-AES128-GCM-SHA256", "P-256", CERT_ECDSA, false, RESUME_NEVER
	};
	struct cert cert = cert_make((struct cert_spec){ .kind = CERT_ECDSA });
	BIO *bio[2] = { BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()) };

	for (int role = 0; role < 2; role++) {
		ssl[role] = SSL_new(side_libssl_ctx(side_libssl.setup(&scenario, role, &cert, &cert)));
		BIO_up_ref(bio[0]);
		BIO_up_ref(bio[1]);
		SSL_set_bio(ssl[role], bio[role], bio[!role]);
	}
	SSL_set_connect_state(ssl[RTLS_CLIENT]);
	SSL_set_accept_state(ssl[RTLS_SERVER]);
	for (int i = 0; i < 6; i++)
		SSL_do_handshake(ssl[i % 2]);
	bench_require(SSL_is_init_finished(ssl[0]) && SSL_is_init_finished(ssl[1]),
		      "libssl's handshake failed");
	BIO_free(bio[0]);
	BIO_free(bio[1]);
	cert_free(&cert);
}

static void libssl_record(size_t len)
{
	static SSL *ssl[2];

	if (!ssl[0])
		connect_libssl(ssl);
	bench_require(SSL_write(ssl[RTLS_CLIENT], plain, len) == (int)len &&
			      SSL_read(ssl[RTLS_SERVER], opened, len) == (int)len,
		      "libssl's record layer failed");
}

double records_cost(enum record_way way, size_t len)
{
	static void (*const ways[RECORD_WAYS])(size_t len) = {
		[RECORD_LIBSSL] = libssl_record,
		[RECORD_LIBCRYPTO] = libcrypto_record,
		[RECORD_OURS] = our_record,
	};
	size_t count = BYTES_A_ROUND / len < RECORDS_MAX ? BYTES_A_ROUND / len : RECORDS_MAX;
	double begin;

	ways[way](len);
	begin = bench_cpu();
	for (size_t i = 0; i < count; i++)
		ways[way](len);
	return (bench_cpu() - begin) / count;
}

double records_cipher_cost(enum rtls_cipher cipher, size_t len)
{
	double cost;

	our_cipher = cipher;
	cost = records_cost(RECORD_OURS, len);
	our_cipher = RTLS_CIPHER_AES_128_GCM;
	return cost;
}
