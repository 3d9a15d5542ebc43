/* SPDX-License-Identifier: MIT */
/* Violations in certificates, key exchange and Finished. */

/* ---- certificates and keys ------------------------------------------------------------------------- */

/* A Certificate message with this certificate. */
static void replace_certificate(struct scene *scene, struct cert cert, size_t copies)
{
	int len = i2d_X509(cert.x509, NULL);
	size_t list = copies * (3 + len);
	uint8_t body[20000] = { list >> 16, list >> 8, list }, *p = body + 3;

	for (size_t i = 0; i < copies; i++) {
		memcpy(p, (uint8_t[]){ len >> 16, len >> 8, len }, 3);
		p += 3;
		i2d_X509(cert.x509, &p);
	}
	replace_body(scene, HS_CERTIFICATE, body, p - body);
}

/* One that is made for this. */
static void other_certificate(struct scene *scene, struct cert_spec spec)
{
	struct cert cert = cert_make(spec);

	replace_certificate(scene, cert, 1);
	cert_free(&cert);
}

CASE(no_certificate, 1, NO_CERTIFICATE)
{
	replace_body(scene, HS_CERTIFICATE, "\0\0\0", 3);
}

CASE(certificate_is_no_der, 1, CERTIFICATE_SYNTAX)
{
	replace_body(scene, HS_CERTIFICATE, "\0\0\6\0\0\3abc", 9);
}

CASE(certificate_with_a_tail, 1, CERTIFICATE_SYNTAX)
{
	size_t len = message_len(scene, HS_CERTIFICATE);
	uint8_t *p;

	splice_message(scene, HS_CERTIFICATE, len, 0, "x", 1);
	p = find_message(scene, HS_CERTIFICATE) + 4;
	for (int i = 0; i < 6; i += 3) {
		size_t old = p[i + 1] << 8 | p[i + 2];

		p[i + 1] = (old + 1) >> 8;
		p[i + 2] = old + 1;
	}
}

CASE(chain_without_end, 1, CHAIN_TOO_LONG)
{
	replace_certificate(scene, scene->cert, HS_CHAIN_MAX + 1);
}

CASE(rsa_certificate_for_ecdsa, 1, CERTIFICATE_KEY)
{
	other_certificate(scene, (struct cert_spec){ .kind = CERT_RSA });
}

CASE(certificate_must_not_sign, 1, CERTIFICATE_KEY_USAGE)
{
	other_certificate(scene, (struct cert_spec){ .key_usage = "keyAgreement" });
}

/* The suite becomes an RSA one, so that the key's size is looked at. */
CASE(rsa_key_of_1024_bits, 1, KEY_TOO_SMALL)
{
	memcpy(find_message(scene, HS_SERVER_HELLO) + HELLO_SESSION_ID + 1, "\xc0\x2f", 2);
	other_certificate(scene, (struct cert_spec){ .kind = CERT_RSA, .rsa_bits = 1024 });
}

CASE(explicit_curve, 1, GROUP_NOT_OFFERED)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[4] = 1;
}

CASE(group_not_offered, 1, GROUP_NOT_OFFERED)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[6] = 26; /* brainpoolP256r1 */
}

CASE(scheme_not_offered, 1, SIGNATURE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_SERVER_KEY_EXCHANGE) + 4 + 4 + 32, "\2\3", 2);
}

CASE(scheme_of_another_key, 1, SIGNATURE_NOT_OFFERED)
{
	memcpy(find_message(scene, HS_SERVER_KEY_EXCHANGE) + 4 + 4 + 32, "\4\1", 2);
}

CASE(signature_over_other_parameters, 1, BAD_SIGNATURE)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[8] ^= 1;
}

CASE(signature_changed, 1, BAD_SIGNATURE)
{
	find_message(scene, HS_SERVER_KEY_EXCHANGE)[60] ^= 1;
}

CASE(client_point_of_zeros, 2, BAD_PUBLIC_VALUE)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 5, 0, 32);
}

CASE(client_point_too_short, 2, BAD_PUBLIC_VALUE)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\1x", 2);
}

/* A ServerKeyExchange with these parameters, rightly signed. */
static void sign_params(struct scene *scene, const uint8_t *params, size_t len)
{
	const struct rtls_hs *server = scene->hs[RTLS_SERVER];
	uint8_t message[4000], body[4000];
	size_t signature_len = 1000;

	memcpy(message, server->client_random, 32);
	memcpy(message + 32, server->server_random, 32);
	memcpy(message + 64, params, len);
	memcpy(body, params, len);
	if (hs_sign(server->scheme, scene->cert.key, (struct hs_blob){ message, 64 + len },
		    body + len + 4, &signature_len))
		abort();
	memcpy(body + len, (uint8_t[]){ server->scheme->id >> 8, server->scheme->id,
					signature_len >> 8, signature_len }, 4);
	replace_body(scene, HS_SERVER_KEY_EXCHANGE, body, len + 4 + signature_len);
}

static void sign_point(struct scene *scene, uint16_t group, const uint8_t *point, size_t len)
{
	uint8_t params[300] = { 3, group >> 8, group, len };

	memcpy(params + 4, point, len);
	sign_params(scene, params, 4 + len);
}

CASE(server_point_of_zeros, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 29, (uint8_t[32]){ 0 }, 32);
}

CASE(server_point_off_its_curve, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 23, (uint8_t[65]){ 4, 1 }, 65);
}

CASE(server_point_compressed, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 23, (uint8_t[33]){ 2, 1 }, 33);
}

CASE(server_point_at_infinity, 1, BAD_PUBLIC_VALUE)
{
	sign_point(scene, 23, (uint8_t[1]){ 0 }, 1);
}

/* ---- DHE and RSA --------------------------------------------------------------------------- */

/* A ServerKeyExchange of DHE: prime, generator, value. */
static void sign_dhe_prime(struct scene *scene, const uint8_t *p, size_t p_len, uint8_t g,
			   const uint8_t *value, size_t value_len)
{
	uint8_t params[2000] = { p_len >> 8, p_len }, *out = params + 2;

	out = mempcpy(out, p, p_len);
	out = mempcpy(out, (uint8_t[]){ 0, 1, g, value_len >> 8, value_len }, 5);
	out = mempcpy(out, value, value_len);
	sign_params(scene, params, out - params);
}

/* The prime is that of ffdhe2048 with its end changed. */
static void sign_dhe(struct scene *scene, uint8_t p_last, uint8_t g, const uint8_t *value,
		     size_t value_len)
{
	uint8_t p[256];

	memcpy(p, find_message(scene, HS_SERVER_KEY_EXCHANGE) + 6, sizeof(p));
	p[sizeof(p) - 1] = p_last;
	sign_dhe_prime(scene, p, sizeof(p), g, value, value_len);
}

/* An odd number of so many bits: nobody gets as far as to ask if it is a prime. */
static void sign_dhe_bits(struct scene *scene, size_t bits)
{
	uint8_t p[1100];
	size_t len = (bits + 7) / 8;

	memset(p, 0xff, sizeof(p));
	p[0] >>= 8 * len - bits;
	sign_dhe_prime(scene, p, len, 2, (uint8_t[]){ 5 }, 1);
}

CASE_WITH(DHE, dhe_prime_of_1024_bits, 1, DH_SIZE)
{
	sign_dhe_bits(scene, 1024);
}

CASE_WITH(DHE, dhe_prime_of_2047_bits, 1, DH_SIZE)
{
	sign_dhe_bits(scene, 2047);
}

CASE_WITH(DHE, dhe_prime_of_8193_bits, 1, DH_SIZE)
{
	sign_dhe_bits(scene, 8193);
}

CASE_WITH(DHE, dhe_prime_is_even, 1, BAD_PUBLIC_VALUE)
{
	sign_dhe(scene, 0xfe, 2, (uint8_t[]){ 5 }, 1);
}

CASE_WITH(DHE, dhe_generator_is_one, 1, BAD_PUBLIC_VALUE)
{
	sign_dhe(scene, 0xff, 1, (uint8_t[]){ 5 }, 1);
}

CASE_WITH(DHE, dhe_value_is_one, 1, BAD_PUBLIC_VALUE)
{
	sign_dhe(scene, 0xff, 2, (uint8_t[]){ 1 }, 1);
}

CASE_WITH(DHE, dhe_value_is_p_minus_one, 1, BAD_PUBLIC_VALUE)
{
	uint8_t value[256];

	memcpy(value, find_message(scene, HS_SERVER_KEY_EXCHANGE) + 6, 256);
	value[255]--;
	sign_dhe(scene, 0xff, 2, value, 256);
}

CASE_WITH(DHE, dhe_client_value_is_zero, 2, BAD_PUBLIC_VALUE)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 6, 0, 256);
}

CASE_WITH(DHE, dhe_client_value_too_long, 2, BAD_PUBLIC_VALUE)
{
	uint8_t body[2 + 257] = { 1, 1, 1 };

	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, body, sizeof(body));
}

/* RFC 5246 7.4.7.1: no answer to any of these before Finished. */

CASE_WITH(RSA, rsa_premaster_is_noise, 2, RECORD_BAD_MAC)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 6, 7, 256);
}

CASE_WITH(RSA, rsa_premaster_above_the_modulus, 2, RECORD_BAD_MAC)
{
	memset(find_message(scene, HS_CLIENT_KEY_EXCHANGE) + 6, 0xff, 256);
}

CASE_WITH(RSA, rsa_premaster_too_short, 2, RECORD_BAD_MAC)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\0\3abc", 5);
}

CASE_WITH(RSA, rsa_premaster_empty, 2, RECORD_BAD_MAC)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\0\0", 2);
}

/* Rightly padded text, of another version or length. */
static void encrypt_premaster(struct scene *scene, const uint8_t *text, size_t text_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, scene->cert.key, NULL);
	uint8_t body[2 + 256] = { 1, 0 };
	size_t len = 256;

	if (EVP_PKEY_encrypt_init(ctx) <= 0 ||
	    EVP_PKEY_encrypt(ctx, body + 2, &len, text, text_len) <= 0)
		abort();
	EVP_PKEY_CTX_free(ctx);
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, body, sizeof(body));
}

CASE_WITH(RSA, rsa_premaster_of_another_version, 2, RECORD_BAD_MAC)
{
	encrypt_premaster(scene, (uint8_t[48]){ 3, 2 }, 48);
}

CASE_WITH(RSA, rsa_premaster_of_47_bytes, 2, RECORD_BAD_MAC)
{
	encrypt_premaster(scene, (uint8_t[47]){ 3, 3 }, 47);
}

CASE_WITH(RSA, rsa_key_exchange_without_a_length, 2, MESSAGE_SYNTAX)
{
	replace_body(scene, HS_CLIENT_KEY_EXCHANGE, "\1", 1);
}

CASE_WITH(RSA, rsa_server_sends_a_key_exchange, 1, UNEXPECTED_MESSAGE)
{
	uint8_t *record = find_record(scene, RTLS_HANDSHAKE, HS_SERVER_HELLO_DONE);

	record[5] = HS_SERVER_KEY_EXCHANGE;
}

CASE(client_finished_bad_verify_data, 2, BAD_VERIFY_DATA)
{
	reseal_finished(scene, RTLS_CLIENT, RTLS_HANDSHAKE, 0);
}

CASE(server_finished_bad_verify_data, 3, BAD_VERIFY_DATA)
{
	reseal_finished(scene, RTLS_SERVER, RTLS_HANDSHAKE, 0);
}

/* A stripped extension changes the transcript, and so the Finished of who sent it. */
CASE(stripped_extended_master_secret, 0, BAD_VERIFY_DATA)
{
	remove_extension(scene, HS_CLIENT_HELLO, 23);
}

/* An RSA certificate whose modulus nobody has the factors of; the server's key has signed it. */
CASE_WITH(RSA, rsa_key_of_8704_bits, 1, KEY_TOO_LARGE)
{
	struct cert large = cert_make((struct cert_spec){ .kind = CERT_RSA });
	uint8_t modulus[8704 / 8];
	BIGNUM *n, *e = BN_new();
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	memset(modulus, 0xa5, sizeof(modulus));
	n = BN_bin2bn(modulus, sizeof(modulus), NULL);
	BN_set_word(e, 65537);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	params = OSSL_PARAM_BLD_to_param(build);
	if (EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0 ||
	    !X509_set_pubkey(large.x509, key) ||
	    !X509_sign(large.x509, scene->cert.key, EVP_sha256()))
		abort();
	replace_certificate(scene, large, 1);
	cert_free(&large);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
}
