/* SPDX-License-Identifier: MIT */
/**
 * handshake.h - the TLS 1.2 handshake: bytes in, bytes out, keys out
 *
 * Sans-I/O: nothing here knows a socket, a kernel interface or a clock. The
 * caller carries bytes between the peer and a struct rtls_hs until its status
 * is RTLS_HS_DONE, takes the record keys out with rtls_hs_finish(), and frees
 * it. What is kept for the connection afterwards is what the caller keeps.
 *
 * Objects and threads: a frozen struct rtls_config is shared by all threads. A
 * struct rtls_worker belongs to one thread; a struct rtls_hs is used with one
 * worker, by one thread at a time.
 *
 * Errors: functions return 0 or a count on success and a negative number else,
 * either -errno or one of RTLS_ERR_*, which lie below -4096 so that the two never
 * meet. rtls_strerror() knows both.
 */
#ifndef RINGTLS_HANDSHAKE_H
#define RINGTLS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINGTLS_VERSION "0.1.0"

struct evp_pkey_st; /* libcrypto's EVP_PKEY */
struct x509_st;     /* libcrypto's X509 */

struct rtls_config;
struct rtls_worker;
struct rtls_hs;

/* ---- errors ------------------------------------------------------------- */

#define RTLS_ERR_CONFIG    (-4097) /* a setting is wrong; rtls_config_error() says which */
#define RTLS_ERR_STATE     (-4098) /* the call is not allowed in this state */
#define RTLS_ERR_CRYPTO    (-4099) /* libcrypto failed where it should not */
#define RTLS_ERR_TRUNCATED (-4101) /* the peer's stream ended without close_notify */
#define RTLS_ERR_DECLINED  (-4102) /* the kernel was required and took a direction not */
#define RTLS_ERR_TIMEOUT   (-4103) /* a time limit struck */

/* A fault of the peer's and the fatal alert it is answered with, or its alert: RFC 5246 7.2 */
#define RTLS_ERR_ALERT_SENT(alert)     (-0x1100 - (int)(alert))
#define RTLS_ERR_ALERT_RECEIVED(alert) (-0x1200 - (int)(alert))
#define RTLS_ERR_IS_ALERT_SENT(error)  ((error) <= -0x1100 && (error) > -0x1200)
#define RTLS_ERR_ALERT(error)          ((uint8_t)(-(error) & 0xff))

/**
 * rtls_strerror - one line about an error
 * @error: -errno or RTLS_ERR_*
 *
 * Return: a static string for RTLS_ERR_*, strerror(3)'s for -errno.
 */
const char *rtls_strerror(int error);

/* The name of an alert as RFC 5246 7.2 writes it, "unknown_alert" if it has none. */
const char *rtls_alert_name(uint8_t alert);

/* ---- cipher suites ------------------------------------------------------ */

enum rtls_cipher {
	RTLS_CIPHER_AES_128_GCM,
	RTLS_CIPHER_AES_256_GCM,
	RTLS_CIPHER_CHACHA20_POLY1305,
	RTLS_CIPHER_AES_128_CCM,
	RTLS_CIPHER_COUNT,
};

/* IANA's name ("TLS_ECDHE_RSA_WITH_..."), NULL for a suite not implemented here. */
const char *rtls_suite_name(uint16_t suite);

/* "AES-128-GCM" and so on. */
const char *rtls_cipher_name(enum rtls_cipher cipher);

/* ---- configuration ------------------------------------------------------ */

/**
 * rtls_config_new - an empty configuration with safe defaults
 *
 * Every suite and group of this library in its default order, no identity, the
 * system's trust store, verification on. Set what differs, then freeze it. The
 * setters return 0, -ENOMEM or RTLS_ERR_CONFIG; after that rtls_config_error() says in
 * words what is wrong and with which file or name.
 *
 * Return: a configuration with one reference, or NULL without memory.
 */
struct rtls_config *rtls_config_new(void);

/* Take and drop a reference; the last one frees it. Both are thread-safe. */
struct rtls_config *rtls_config_ref(struct rtls_config *config);
void rtls_config_unref(struct rtls_config *config);

/* Why the last setter or rtls_config_freeze() refused; "" if none did. */
const char *rtls_config_error(const struct rtls_config *config);

/**
 * rtls_config_add_identity_file - a certificate chain and its key from PEM files
 * @cert_file: the leaf first, then its intermediates
 * @key_file: the private key, unencrypted; may be the same file
 *
 * The key must match the leaf: RSA (RSASSA-PSS too) of 2048 to 8192 bits, ECDSA over
 * P-256, P-384 or P-521, Ed25519, Ed448. Several identities may be added: one whose
 * certificate bears the name that a client asks for goes first (exactly before by a
 * wildcard), then what the client's suites, signature algorithms and groups allow, in
 * the order of adding.
 */
int rtls_config_add_identity_file(struct rtls_config *config, const char *cert_file,
				  const char *key_file);

/* The same from libcrypto's objects; takes references of its own. */
int rtls_config_add_identity(struct rtls_config *config, struct x509_st *leaf,
			     struct x509_st *const *chain, size_t chain_len,
			     struct evp_pkey_st *key);

/* Trust the certificates in this PEM file instead of the system's; repeatable. */
int rtls_config_add_trust_file(struct rtls_config *config, const char *file);

/* Client: false accepts any certificate whose key signed the handshake. */
int rtls_config_set_verify(struct rtls_config *config, bool verify);

/*
 * Colon-separated, first is preferred; OpenSSL's or IANA's names: "ECDHE-RSA-AES128-GCM-SHA256",
 * "P-256" or "secp256r1", "RSA-PSS+SHA256" or "rsa_pss_rsae_sha256".
 */
int rtls_config_set_suites(struct rtls_config *config, const char *suites);
int rtls_config_set_groups(struct rtls_config *config, const char *groups);
int rtls_config_set_sigalgs(struct rtls_config *config, const char *sigalgs);

/**
 * rtls_config_set_legacy_kx - add the suites with DHE and RSA key exchange to the defaults
 *
 * Off unless asked for: RSA key transport has no forward secrecy, DHE is slow. Suites that
 * rtls_config_set_suites() names are used in either case.
 */
int rtls_config_set_legacy_kx(struct rtls_config *config, bool legacy);

/* Server: true chooses suites by our order, as is the default; false by the client's. */
int rtls_config_set_server_preference(struct rtls_config *config, bool ours);

/* ALPN protocols (RFC 7301), colon-separated, first is preferred: "h2:http/1.1". */
int rtls_config_set_alpn(struct rtls_config *config, const char *protocols);

/**
 * rtls_config_set_now - where the time comes from
 * @now: seconds since the epoch; called from any thread that runs handshakes
 *
 * handshake/ has no clock of its own. A client that verifies certificates needs one.
 */
int rtls_config_set_now(struct rtls_config *config, time_t (*now)(void *arg), void *arg);

/**
 * rtls_config_freeze - check the whole and make it immutable
 *
 * An identity that no suite can use, or an ALPN list that fits no hello, is refused.
 * Setters fail with RTLS_ERR_STATE afterwards. Only a frozen configuration
 * starts handshakes.
 */
int rtls_config_freeze(struct rtls_config *config);

/* Can this configuration serve (has it an identity)? */
bool rtls_config_has_identity(const struct rtls_config *config);

/* ---- worker ------------------------------------------------------------- */

/* The reused libcrypto contexts of one thread. NULL without memory. */
struct rtls_worker *rtls_worker_new(void);
void rtls_worker_free(struct rtls_worker *worker);

/* ---- handshake ---------------------------------------------------------- */

enum rtls_role { RTLS_CLIENT, RTLS_SERVER };

enum rtls_hs_status {
	RTLS_HS_WANT_INPUT,  /* read from the peer, then rtls_hs_input() */
	RTLS_HS_WANT_OUTPUT, /* send what rtls_hs_output() shows */
	RTLS_HS_DONE,        /* rtls_hs_finish() */
	RTLS_HS_FAILED,      /* rtls_hs_error(), rtls_hs_reason() */
};

/**
 * rtls_hs_new - begin a handshake
 * @config: frozen; a reference is kept until rtls_hs_free()
 * @worker: this thread's
 * @server_name: client only: the host name or IP address that the server's
 *	certificate must bear, sent as SNI if it is a name. NULL: none is sent, and
 *	none is checked, which only a configuration without verification allows. What is
 *	neither a host name nor an address (an empty string) is RTLS_ERR_CONFIG.
 *
 * Return: 0 and a handshake in *@hs. A client's status is WANT_OUTPUT, a
 * server's WANT_INPUT.
 */
int rtls_hs_new(struct rtls_hs **hs, struct rtls_config *config, struct rtls_worker *worker,
		enum rtls_role role, const char *server_name);

/* Wipes and frees; NULL is allowed. */
void rtls_hs_free(struct rtls_hs *hs);

enum rtls_hs_status rtls_hs_status(const struct rtls_hs *hs);

/**
 * rtls_hs_input - give the handshake bytes that the peer sent
 * @buf: records as read from the socket; borrowed during the call
 * @len: bytes in @buf, may end in the middle of a record
 *
 * Return: bytes taken, or a negative RTLS_ERR_*, which is final. Fewer than @len
 * are taken only once the handshake is done: the rest (the leftover) is
 * application data that came right behind the peer's Finished and is the
 * caller's to deliver. Afterwards look at rtls_hs_status(), after an error too:
 * an alert may wait to be sent. RFC 5246 6.2, 7.
 */
ssize_t rtls_hs_input(struct rtls_hs *hs, const uint8_t *buf, size_t len);

/**
 * rtls_hs_output - what has to be sent to the peer
 * @len: set to the number of bytes
 *
 * Return: the bytes. They stay valid until rtls_hs_output_done() or
 * rtls_hs_free(); do not call rtls_hs_input() before all of them are sent.
 */
const uint8_t *rtls_hs_output(const struct rtls_hs *hs, size_t *len);

/* @len bytes of the output have been sent. */
void rtls_hs_output_done(struct rtls_hs *hs, size_t len);

/**
 * rtls_hs_abort - give up, with a fatal alert to the peer
 * @alert: RFC 5246 7.2
 * @reason: static string for rtls_hs_reason()
 */
void rtls_hs_abort(struct rtls_hs *hs, uint8_t alert, const char *reason);

/* The error that ended a failed handshake, 0 if it has not failed. */
int rtls_hs_error(const struct rtls_hs *hs);

/* Why it failed, in words; "" if it has not. Valid until rtls_hs_free(). */
const char *rtls_hs_reason(const struct rtls_hs *hs);

/* ---- the result --------------------------------------------------------- */

/* One direction's record protection: everything that protects its next record. */
struct rtls_key {
	uint8_t key[32]; /* as long as the cipher's key */
	uint8_t iv[12];  /* AES-GCM and -CCM: the 4-byte salt; ChaCha20-Poly1305: all 12 */
	uint64_t seq;    /* the next record's sequence number */
};

/* Both directions as seen from this side: tx protects what we send. */
struct rtls_keys {
	uint16_t version; /* 0x0303 */
	uint16_t suite;
	enum rtls_cipher cipher;
	struct rtls_key tx, rx;
};

/* Who is at the other end. Freed by rtls_peer_free(). */
struct rtls_peer {
	char *server_name;    /* the host name asked for, or NULL */
	char *alpn;           /* the protocol agreed on, or NULL */
	const char *group;    /* the key exchange's, "x25519"; NULL: RSA, or an own prime of DHE */
	uint8_t *certificate; /* the peer's leaf in DER, or NULL */
	size_t certificate_len;
};

/**
 * rtls_hs_finish - move the keys out of a handshake that is done
 * @keys: filled in; the caller wipes it after use. The handshake's copy is gone.
 * @peer: filled in if not NULL; rtls_peer_free() it
 */
int rtls_hs_finish(struct rtls_hs *hs, struct rtls_keys *keys, struct rtls_peer *peer);

void rtls_peer_free(struct rtls_peer *peer);

/* ---- records in userspace ----------------------------------------------- */

enum rtls_content_type { /* RFC 5246 6.2.1 */
	RTLS_CHANGE_CIPHER_SPEC = 20,
	RTLS_ALERT = 21,
	RTLS_HANDSHAKE = 22,
	RTLS_APPLICATION_DATA = 23,
};

enum rtls_alert { /* RFC 5246 7.2 and its successors in IANA's registry */
	RTLS_ALERT_CLOSE_NOTIFY = 0,
	RTLS_ALERT_UNEXPECTED_MESSAGE = 10,
	RTLS_ALERT_BAD_RECORD_MAC = 20,
	RTLS_ALERT_RECORD_OVERFLOW = 22,
	RTLS_ALERT_HANDSHAKE_FAILURE = 40,
	RTLS_ALERT_BAD_CERTIFICATE = 42,
	RTLS_ALERT_UNSUPPORTED_CERTIFICATE = 43,
	RTLS_ALERT_CERTIFICATE_REVOKED = 44,
	RTLS_ALERT_CERTIFICATE_EXPIRED = 45,
	RTLS_ALERT_CERTIFICATE_UNKNOWN = 46,
	RTLS_ALERT_ILLEGAL_PARAMETER = 47,
	RTLS_ALERT_UNKNOWN_CA = 48,
	RTLS_ALERT_ACCESS_DENIED = 49,
	RTLS_ALERT_DECODE_ERROR = 50,
	RTLS_ALERT_DECRYPT_ERROR = 51,
	RTLS_ALERT_PROTOCOL_VERSION = 70,
	RTLS_ALERT_INSUFFICIENT_SECURITY = 71,
	RTLS_ALERT_INTERNAL_ERROR = 80,
	RTLS_ALERT_INAPPROPRIATE_FALLBACK = 86,
	RTLS_ALERT_USER_CANCELED = 90,
	RTLS_ALERT_NO_RENEGOTIATION = 100,
	RTLS_ALERT_UNSUPPORTED_EXTENSION = 110,
	RTLS_ALERT_UNRECOGNIZED_NAME = 112,
	RTLS_ALERT_NO_APPLICATION_PROTOCOL = 120,
};

#define RTLS_RECORD_HEADER_LEN 5
#define RTLS_PLAINTEXT_MAX     16384 /* RFC 5246 6.2.1 */
#define RTLS_RECORD_OVERHEAD   29    /* header, explicit nonce, tag: at most */
#define RTLS_RECORD_MAX        (RTLS_PLAINTEXT_MAX + RTLS_RECORD_OVERHEAD)

/**
 * rtls_record_seal - protect one record
 * @key: its sequence number is advanced
 * @in: the plaintext, @len <= RTLS_PLAINTEXT_MAX bytes
 * @out: room for @len + RTLS_RECORD_OVERHEAD bytes, not overlapping @in
 *
 * Return: bytes written to @out, or a negative RTLS_ERR_*. RFC 5246 6.2.3.3,
 * RFC 5288, RFC 7905.
 */
ssize_t rtls_record_seal(struct rtls_worker *worker, enum rtls_cipher cipher,
			 struct rtls_key *key, enum rtls_content_type type, const uint8_t *in,
			 size_t len, uint8_t *out);

/**
 * rtls_record_len - how long is the record that begins here?
 *
 * Return: its whole length with header, 0 if fewer than RTLS_RECORD_HEADER_LEN
 * bytes are there to tell, RTLS_ERR_ALERT_SENT() if type, version or length cannot be
 * a protected record's of @cipher.
 */
ssize_t rtls_record_len(enum rtls_cipher cipher, const uint8_t *buf, size_t len);

/**
 * rtls_record_open - check and decrypt one whole record in place
 * @key: its sequence number is advanced on success
 * @record: rtls_record_len() bytes
 * @plain: set to the plaintext's place inside @record
 *
 * Return: bytes of plaintext, or a negative RTLS_ERR_*; then @record holds no plaintext.
 */
ssize_t rtls_record_open(struct rtls_worker *worker, enum rtls_cipher cipher,
			 struct rtls_key *key, uint8_t *record, uint8_t **plain);

#ifdef __cplusplus
}
#endif
#endif
