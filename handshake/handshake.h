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
struct rtls_session_store;
struct rtls_ticket_keys;

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

enum rtls_role { RTLS_CLIENT, RTLS_SERVER };

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

/*
 * For the identity that was added last: a stapled OCSP response in DER (RFC 6066 8), which must
 * say "good" about its certificate and is sent until it is out of date; signed certificate
 * timestamps, a SignedCertificateTimestampList as RFC 6962 3.3 has it.
 */
int rtls_config_set_staple_file(struct rtls_config *config, const char *file);
int rtls_config_set_sct_file(struct rtls_config *config, const char *file);

/* Trust the certificates in this PEM file instead of the system's; repeatable. */
int rtls_config_add_trust_file(struct rtls_config *config, const char *file);

/**
 * rtls_config_add_crl_file - certificate revocation lists in PEM (RFC 5280 5); repeatable
 *
 * Once there is one, each certificate of a peer's chain needs one of its issuer, up to date.
 */
int rtls_config_add_crl_file(struct rtls_config *config, const char *file);

/* Client: refuse a server that staples no good OCSP response to its certificate. */
int rtls_config_set_require_staple(struct rtls_config *config, bool require);

/* False accepts any certificate whose key signed the handshake. */
int rtls_config_set_verify(struct rtls_config *config, bool verify);

/*
 * Colon-separated, first is preferred; OpenSSL's or IANA's names: "ECDHE-RSA-AES128-GCM-SHA256",
 * "P-256" or "secp256r1", "RSA-PSS+SHA256" or "rsa_pss_rsae_sha256". A name that is not
 * known is refused; rtls_config_error() has the one that was probably meant.
 *
 * Signature algorithms are those of the handshake. SHA-1 is allowed there if it is named;
 * in the signature of a certificate it is refused in any case.
 */
int rtls_config_set_suites(struct rtls_config *config, const char *suites);
int rtls_config_set_groups(struct rtls_config *config, const char *groups);
int rtls_config_set_sigalgs(struct rtls_config *config, const char *sigalgs);

/* What may stand in those lists: the names in the default order, OpenSSL's or as alias IANA's. */
enum rtls_list { RTLS_LIST_SUITES, RTLS_LIST_GROUPS, RTLS_LIST_SIGALGS };
/* NULL behind the last. */
const char *rtls_list_name(enum rtls_list list, size_t index, bool alias);

/* Finds the known name that was probably meant. Start with {.given = name} and offer them all. */
struct rtls_nearest {
	const char *given;
	const char *name; /* NULL: nothing is near */
	unsigned int distance;
};
void rtls_nearest_offer(struct rtls_nearest *nearest, const char *name);

/**
 * rtls_config_set_legacy_kx - add the suites with DHE and RSA key exchange to the defaults
 *
 * Off unless asked for: RSA key transport has no forward secrecy, DHE is slow. Suites that
 * rtls_config_set_suites() names are used in either case.
 */
int rtls_config_set_legacy_kx(struct rtls_config *config, bool legacy);

/* Server: true chooses suites by our order, as is the default; false by the client's. */
int rtls_config_set_server_preference(struct rtls_config *config, bool ours);

/* Server: is a client asked for a certificate, RFC 5246 7.4.4? */
enum rtls_client_auth {
	RTLS_CLIENT_AUTH_NONE,
	RTLS_CLIENT_AUTH_REQUEST, /* it may send none, but a bad one is refused */
	RTLS_CLIENT_AUTH_REQUIRE,
};

/**
 * rtls_config_set_client_auth - whether clients have to show a certificate
 *
 * They are checked against the certificates of rtls_config_add_trust_file(), never against the
 * system's: rtls_config_freeze() refuses a server that would. A client answers with
 * the identity that fits, if its configuration has one.
 */
int rtls_config_set_client_auth(struct rtls_config *config, enum rtls_client_auth client_auth);

/* The chain that a peer has sent, its own certificate first. */
struct rtls_chain {
	enum rtls_role role;     /* whose side this is: RTLS_CLIENT looks at a server's chain */
	const char *server_name; /* the name asked for, "" if none was */
	struct x509_st *const *certificates;
	size_t len;
};

/**
 * rtls_config_set_verify_callback - have a say about the peer's chain
 * @callback: returns 0 to accept, or the alert to refuse with (RTLS_ALERT_ACCESS_DENIED)
 *
 * Asked after the library's own checks have passed, or instead of them with
 * rtls_config_set_verify(false); for a resumed session again. From any thread.
 */
typedef int (*rtls_verify_callback)(void *arg, const struct rtls_chain *chain);
int rtls_config_set_verify_callback(struct rtls_config *config, rtls_verify_callback callback,
				    void *arg);

/**
 * rtls_config_set_external_keys - leave what private keys do to the caller
 *
 * Then a handshake stops with RTLS_HS_WANT_SIGN or RTLS_HS_WANT_DECRYPT, for a thread pool or
 * an HSM: see rtls_hs_key_operation(). An identity's key may then be its public half.
 */
int rtls_config_set_external_keys(struct rtls_config *config, bool external);

/* ---- resumption ----------------------------------------------------------- */

/*
 * A session is bound to the server's name, to the identity that was shown, to the policy and
 * the authorities of client authentication, to whom a client trusts, and to the extended master
 * secret (RFC 7627), without which none is ever resumed. ALPN is negotiated anew, and a
 * client's certificate is checked again. What does not fit leads to a full handshake.
 */

/**
 * rtls_session_store_new - sessions kept here, in memory
 * @max: so many; then the oldest goes
 *
 * A server finds them by session ID. A client keeps what it needs to resume, tickets too, so
 * it needs a store of its own. Thread-safe; lives longer than a configuration.
 *
 * Return: a store with one reference, or NULL without memory.
 */
struct rtls_session_store *rtls_session_store_new(size_t max);
struct rtls_session_store *rtls_session_store_ref(struct rtls_session_store *store);
void rtls_session_store_unref(struct rtls_session_store *store);

/* How many it holds now. */
size_t rtls_session_store_count(struct rtls_session_store *store);

/**
 * rtls_session_store_save - write all of them to a file, in the old one's place
 * @file: is secret (who has it can read the sessions' traffic) and gets mode 0600
 *
 * Return: 0 or -errno.
 */
int rtls_session_store_save(struct rtls_session_store *store, const char *file);

/* How many were read, or -errno; -EINVAL: not such a file, or damaged: nothing is taken. */
int rtls_session_store_load(struct rtls_session_store *store, const char *file);

/**
 * rtls_ticket_keys_new - keys that seal a server's tickets (RFC 5077)
 *
 * One made here, and made anew when it is as old as a session gets; or those of a file.
 * Thread-safe; lives longer than a configuration.
 */
struct rtls_ticket_keys *rtls_ticket_keys_new(void);
struct rtls_ticket_keys *rtls_ticket_keys_ref(struct rtls_ticket_keys *keys);
void rtls_ticket_keys_unref(struct rtls_ticket_keys *keys);

/**
 * rtls_ticket_keys_load - take the keys of a file in HAProxy's form instead
 * @file: a key of 48 or 80 bytes in base64 a line; all open tickets, the last but one seals
 *	them (the only one, if there is one). So a new key is added as the last line, to be known
 *	everywhere before it seals.
 * @why: gets a line about a file that cannot be used; then the old keys stay
 *
 * At any time, from any thread. Return: 0, or RTLS_ERR_CONFIG.
 */
int rtls_ticket_keys_load(struct rtls_ticket_keys *keys, const char *file, char *why, size_t size);

/* These take references of their own; NULL: none. A client needs the store only. */
int rtls_config_set_session_store(struct rtls_config *config, struct rtls_session_store *store);
int rtls_config_set_ticket_keys(struct rtls_config *config, struct rtls_ticket_keys *keys);

/* False: neither ask for tickets nor give them. */
int rtls_config_set_tickets(struct rtls_config *config, bool tickets);

/* How long after its full handshake a session can be resumed: 7200 seconds by default. */
int rtls_config_set_session_lifetime(struct rtls_config *config, unsigned int seconds);

/* ---- more settings -------------------------------------------------------- */

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
 * What makes no sense together is refused. Setters fail with RTLS_ERR_STATE afterwards. Only a frozen configuration
 * starts handshakes.
 */
int rtls_config_freeze(struct rtls_config *config);

/* Only a frozen one can be used. */
bool rtls_config_is_frozen(const struct rtls_config *config);

/**
 * rtls_config_check_server - can this configuration serve?
 *
 * It needs an identity, and for each one a cipher suite that can use its key.
 *
 * Return: 0, or RTLS_ERR_CONFIG; before it is frozen, rtls_config_error() says why not.
 */
int rtls_config_check_server(struct rtls_config *config);

/* ---- worker ------------------------------------------------------------- */

/*
 * The reused libcrypto contexts of one thread. It outlives what is made with it, and that is used and
 * freed in its thread. It signs with contexts that it keeps, so the private keys of a
 * configuration that is gone go with the worker's next handshake; or at once, see
 * rtls_worker_forget_private_keys(). NULL without
 * memory.
 */
struct rtls_worker *rtls_worker_new(void);
void rtls_worker_free(struct rtls_worker *worker);

/**
 * rtls_worker_forget - wipe the keys of the last records
 *
 * Its contexts keep the key of the last record that was sealed or opened, which makes the next one
 * under this key cheaper. Call this when you wipe a struct rtls_keys after such use; costs
 * nothing if there is nothing. rtls_hs_finish() and rtls_hs_free() do so for a handshake.
 */
void rtls_worker_forget(struct rtls_worker *worker);

/*
 * A worker remembers up to 128 peers' certificate chains for an hour, decoded and verified: a peer
 * that shows one of them again to the same configuration costs about a third. Its dates, its host
 * name and CRLs are looked at each time. This forgets them all.
 */
void rtls_worker_forget_chains(struct rtls_worker *worker);

/* Lets go of the private keys that it keeps to sign with: to be called where one is replaced. */
void rtls_worker_forget_private_keys(struct rtls_worker *worker);

/* ---- handshake ---------------------------------------------------------- */

enum rtls_hs_status {
	RTLS_HS_WANT_INPUT,  /* read from the peer, then rtls_hs_input() */
	RTLS_HS_WANT_OUTPUT, /* send what rtls_hs_output() shows */
	RTLS_HS_WANT_SIGN,   /* rtls_hs_key_operation(); only with external keys */
	RTLS_HS_WANT_DECRYPT, /* likewise */
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
 * are taken once the handshake is done: the rest (the leftover) is
 * application data that came right behind the peer's Finished and is the
 * caller's to deliver. And while it wants the private key: then the rest is to be
 * given again when that is done. Afterwards look at rtls_hs_status(), after an error too:
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

/* ---- private keys elsewhere ---------------------------------------------- */

#define RTLS_KEY_OUT_MAX 1024

/* What a private key has to do: all that is needed to do it elsewhere. */
struct rtls_key_operation {
	enum rtls_hs_status want; /* RTLS_HS_WANT_SIGN or RTLS_HS_WANT_DECRYPT */
	struct evp_pkey_st *key;  /* the identity's, with a reference of its own */
	uint16_t scheme;          /* WANT_SIGN: RFC 8446 4.2.3's number of the SignatureScheme */
	uint16_t client_version;  /* WANT_DECRYPT: what the premaster secret has to begin with */
	const uint8_t *in;        /* the whole message to be hashed and signed, or decrypted */
	size_t in_len;
	uint8_t out[RTLS_KEY_OUT_MAX]; /* the signature, or the premaster secret */
	size_t out_len;
	int error;                /* 0, or negative: it could not be done */
};

/**
 * rtls_hs_key_operation - what the private key has to do
 *
 * Only where rtls_config_set_external_keys() asked for it, and the status is, or behind some
 * output will be, WANT_SIGN or WANT_DECRYPT. The operation stands alone: the handshake may be
 * freed before it is done.
 *
 * Return: rtls_key_operation_free() it; NULL: there is none, or no memory.
 */
struct rtls_key_operation *rtls_hs_key_operation(const struct rtls_hs *hs);

/* Wipes and frees; NULL is allowed. */
void rtls_key_operation_free(struct rtls_key_operation *operation);

/* Carries it out with libcrypto, in any thread: fills in out, out_len and error. */
void rtls_key_operation_run(struct rtls_key_operation *operation);

/**
 * rtls_hs_key_done - go on with the result
 *
 * A premaster secret that is wrong, or none, is not an error here: the handshake goes on with
 * a random one and fails at Finished, as RFC 5246 7.4.7.1 has it. Who decrypts elsewhere
 * must take care that right and wrong padding look the same in time, too.
 *
 * Return: 0 or a negative RTLS_ERR_*: RTLS_ERR_STATE unless the status is WANT_SIGN or
 * WANT_DECRYPT, so not before all output is sent. Look at rtls_hs_status() afterwards.
 */
int rtls_hs_key_done(struct rtls_hs *hs, const struct rtls_key_operation *operation);

/* ---- failure -------------------------------------------------------------- */

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
	uint16_t plaintext_max; /* bytes in a record that we send: the peer may want small ones */
	struct rtls_key tx, rx;
};

/* Who is at the other end. Freed by rtls_peer_free(). */
struct rtls_peer {
	char *server_name;    /* the host name asked for, or NULL */
	char *alpn;           /* the protocol agreed on, or NULL */
	const char *group;    /* the key exchange's, "x25519"; NULL: RSA, or an own prime of DHE */
	bool extended_master_secret; /* RFC 7627 */
	bool resumed;         /* an earlier session, without certificates or key exchange */
	uint8_t *certificate; /* the peer's leaf in DER, or NULL */
	size_t certificate_len;
};

/**
 * rtls_hs_export - keying material for another protocol (RFC 5705)
 * @label: IANA's or one's own; TLS' own ones are refused (-EINVAL)
 * @context: NULL: none, which is not the same as an empty one
 * @out: gets @len bytes
 *
 * Between RTLS_HS_DONE and rtls_hs_finish(). Look at rtls_peer's extended_master_secret:
 * without it the bytes may be another connection's too (RFC 7627 1).
 *
 * Return: 0, -EINVAL, -ENOMEM or a negative RTLS_ERR_*.
 */
int rtls_hs_export(struct rtls_hs *hs, const char *label, const uint8_t *context,
		   size_t context_len, uint8_t *out, size_t len);

#define RTLS_END_POINT_MAX 64

/**
 * rtls_hs_server_end_point - the channel binding tls-server-end-point (RFC 5929 4)
 *
 * Between RTLS_HS_DONE and rtls_hs_finish().
 *
 * Return: bytes written, -ENOTSUP where the RFC defines none (an EdDSA certificate),
 * RTLS_ERR_STATE.
 */
int rtls_hs_server_end_point(const struct rtls_hs *hs, uint8_t out[RTLS_END_POINT_MAX]);

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
	RTLS_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE = 113,
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

/* ---- watching ----------------------------------------------------------- */

/* One message of a handshake as it was sent or received, in clear. */
struct rtls_trace {
	uint64_t conversation; /* 1, 2, ...: a handshake's number in this process */
	enum rtls_role role;   /* ours */
	bool sent;             /* by us; else received */
	enum rtls_content_type type;
	uint16_t suite;        /* 0 until agreed on; a key exchange looks as it has it */
	const uint8_t *data;   /* handshake: header and body; others: the record's content */
	size_t len;            /* less than the header says: refused by its header */
};

/**
 * rtls_config_set_trace - see every message of every handshake
 * @trace: called with each message in the order of the wire, before one that was received is
 *	looked at, so with those that are refused too; what is in them is the peer's to choose.
 *	From any thread that runs handshakes.
 *
 * No secrets are among it: premaster secrets are encrypted, the rest is public on the wire or
 * a digest.
 */
int rtls_config_set_trace(struct rtls_config *config,
			  void (*trace)(void *arg, const struct rtls_trace *message), void *arg);

/**
 * rtls_config_set_key_log - give away the secrets of every session
 * @log: called with "CLIENT_RANDOM", the client's random and the master secret in hex, one
 *	line in NSS's form without its end, once the keys are known; from any thread that runs
 *	handshakes. Whoever has the line reads the connection.
 */
int rtls_config_set_key_log(struct rtls_config *config,
			    void (*log)(void *arg, const char *line), void *arg);

#ifdef __cplusplus
}
#endif
#endif
