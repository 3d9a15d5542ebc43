// SPDX-License-Identifier: MIT
/* names.c - IANA's registries of TLS parameters, as far as one meets them in TLS 1.2 */
#include "decode.h"

const char *trace_find(const struct trace_name *names, uint32_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

bool trace_is_grease(uint32_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static const char *find_or_grease(const struct trace_name *names, uint32_t value)
{
	return trace_is_grease(value) ? "GREASE" : trace_find(names, value);
}

const char *trace_version(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 0x0300, "SSL 3.0" }, { 0x0301, "TLS 1.0" }, { 0x0302, "TLS 1.1" },
		{ 0x0303, "TLS 1.2" }, { 0x0304, "TLS 1.3" }, { 0 },
	};

	return find_or_grease(names, value);
}

/* Those that we know not, but others offer. */
const char *trace_suite(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 0x0004, "TLS_RSA_WITH_RC4_128_MD5" },
		{ 0x0005, "TLS_RSA_WITH_RC4_128_SHA" },
		{ 0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA" },
		{ 0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA" },
		{ 0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA" },
		{ 0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA" },
		{ 0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA" },
		{ 0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA" },
		{ 0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256" },
		{ 0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256" },
		{ 0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256" },
		{ 0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256" },
		{ 0x00a2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256" },
		{ 0x00a3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384" },
		{ 0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV" },
		{ 0x1301, "TLS_AES_128_GCM_SHA256" },
		{ 0x1302, "TLS_AES_256_GCM_SHA384" },
		{ 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
		{ 0x1304, "TLS_AES_128_CCM_SHA256" },
		{ 0x1305, "TLS_AES_128_CCM_8_SHA256" },
		{ 0x5600, "TLS_FALLBACK_SCSV" },
		{ 0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA" },
		{ 0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" },
		{ 0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA" },
		{ 0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA" },
		{ 0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA" },
		{ 0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" },
		{ 0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256" },
		{ 0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384" },
		{ 0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256" },
		{ 0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384" },
		{ 0xc09d, "TLS_RSA_WITH_AES_256_CCM" },
		{ 0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM" },
		{ 0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8" },
		{ 0xc0a1, "TLS_RSA_WITH_AES_256_CCM_8" },
		{ 0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8" },
		{ 0xc0a3, "TLS_DHE_RSA_WITH_AES_256_CCM_8" },
		{ 0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM" },
		{ 0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8" },
		{ 0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8" },
		{ 0 },
	};
	const char *ours = rtls_suite_name(value);

	return ours ? ours : find_or_grease(names, value);
}

const char *trace_compression(uint32_t value)
{
	static const struct trace_name names[] = { { 0, "null" }, { 1, "DEFLATE" }, { 0 } };

	return trace_find(names, value);
}

const char *trace_group(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 19, "secp192r1" },        { 21, "secp224r1" },
		{ 22, "secp256k1" },        { 23, "secp256r1" },
		{ 24, "secp384r1" },        { 25, "secp521r1" },
		{ 26, "brainpoolP256r1" },  { 27, "brainpoolP384r1" },
		{ 28, "brainpoolP512r1" },  { 29, "x25519" },
		{ 30, "x448" },             { 256, "ffdhe2048" },
		{ 257, "ffdhe3072" },       { 258, "ffdhe4096" },
		{ 259, "ffdhe6144" },       { 260, "ffdhe8192" },
		{ 0x11eb, "SecP256r1MLKEM768" }, { 0x11ec, "X25519MLKEM768" },
		{ 0x11ed, "SecP384r1MLKEM1024" }, { 0 },
	};

	return find_or_grease(names, value);
}

const char *trace_scheme(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 0x0101, "rsa_pkcs1_md5" },          { 0x0201, "rsa_pkcs1_sha1" },
		{ 0x0202, "dsa_sha1" },               { 0x0203, "ecdsa_sha1" },
		{ 0x0301, "rsa_pkcs1_sha224" },       { 0x0302, "dsa_sha224" },
		{ 0x0303, "ecdsa_sha224" },           { 0x0401, "rsa_pkcs1_sha256" },
		{ 0x0402, "dsa_sha256" },             { 0x0403, "ecdsa_secp256r1_sha256" },
		{ 0x0501, "rsa_pkcs1_sha384" },       { 0x0502, "dsa_sha384" },
		{ 0x0503, "ecdsa_secp384r1_sha384" }, { 0x0601, "rsa_pkcs1_sha512" },
		{ 0x0602, "dsa_sha512" },             { 0x0603, "ecdsa_secp521r1_sha512" },
		{ 0x0804, "rsa_pss_rsae_sha256" },    { 0x0805, "rsa_pss_rsae_sha384" },
		{ 0x0806, "rsa_pss_rsae_sha512" },    { 0x0807, "ed25519" },
		{ 0x0808, "ed448" },                  { 0x0809, "rsa_pss_pss_sha256" },
		{ 0x080a, "rsa_pss_pss_sha384" },     { 0x080b, "rsa_pss_pss_sha512" },
		{ 0 },
	};

	return find_or_grease(names, value);
}

const char *trace_certificate_type(uint32_t value)
{
	static const struct trace_name names[] = {
		{ 1, "rsa_sign" },        { 2, "dss_sign" },        { 3, "rsa_fixed_dh" },
		{ 4, "dss_fixed_dh" },    { 64, "ecdsa_sign" },     { 65, "rsa_fixed_ecdh" },
		{ 66, "ecdsa_fixed_ecdh" }, { 0 },
	};

	return trace_find(names, value);
}

const char *trace_alert(uint32_t value)
{
	return rtls_alert_name(value);
}
