/* SPDX-License-Identifier: MIT */
/*
 * What the files of handshake/ share. Not installed; nothing here leaves libringtls.so.
 *
 * Reading order: hs_internal.h, server.c or client.c (the order of messages),
 * handshake.c (records and dispatch), then one msg_*.c a message.
 */
#ifndef HS_INTERNAL_H
#define HS_INTERNAL_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <ringtls/handshake.h>
#include "violations.h"
#include "wire.h"

#define HS_VERSION         0x0303 /* TLS 1.2 */
#define HS_RANDOM_LEN      32
#define HS_MASTER_LEN      48
#define HS_VERIFY_DATA_LEN 12
#define HS_HASH_MAX        48 /* SHA-384 */
#define HS_PUBLIC_MAX      1024 /* DHE of 8192 bits */
#define HS_PREMASTER_MAX   1024
#define HS_SERVER_NAME_MAX 255
#define HS_ROWS_MAX        16 /* of any table of suites, groups, signature schemes */
#define HS_CHAIN_MAX       10 /* certificates in a chain */
#define HS_CHAIN_SETS      32 /* of chains that a worker remembers */
#define HS_CHAIN_WAYS      4
#define HS_WARNINGS_MAX    5
#define HS_SESSION_ID_MAX  32
#define HS_CONTEXT_LEN     32 /* SHA-256 over what a session is bound to */
#define HS_SESSION_MAX     16384 /* bytes that are kept of one: a client's chain may be long */
#define HS_TICKET_MAX      12288
#define HS_CLOCK_SKEW_MAX  300 /* seconds between machines */
#define HS_RSA_BITS_MIN    2048
#define HS_RSA_BITS_MAX    8192
#define HS_RSA_PREMASTER_LEN 48

/* ---- names.c: the tables below as names ----------------------------------- */

/* Each row has two names, which may be the same: OpenSSL's, and as alias IANA's. */
struct hs_names {
	const char *what;
	size_t len;
	const char *(*name)(size_t row, bool alias);
};
extern const struct hs_names hs_suite_names, hs_group_names, hs_scheme_names;
/* The row with this name, which ends after @len bytes; -1: none. Case does not matter. */
int hs_names_find(const struct hs_names *names, const char *given, size_t len);
/* The name that was probably meant; NULL: none is near. */
const char *hs_names_nearest(const struct hs_names *names, const char *given, size_t len);

/* ---- file.c ------------------------------------------------------------------ */

/*
 * Appends a whole file of at most @max bytes: 0 or -errno; -EINVAL: it is no regular file,
 * -EFBIG: it is longer.
 */
int hs_read_file(const char *file, size_t max, struct wire_out *out);
const char *hs_file_error(int error);

/* ---- suites.c, groups.c, signatures.c: what is data ----------------------- */

enum hs_kx { HS_KX_ECDHE, HS_KX_DHE, HS_KX_RSA };
enum hs_auth { HS_AUTH_ECDSA, HS_AUTH_RSA }; /* ECDSA stands for EdDSA too: RFC 8422 2.3 */
enum hs_hash { HS_SHA256, HS_SHA384, HS_HASH_COUNT };

struct hs_cipher {
	const char *name;     /* for people */
	const char *evp_name; /* for EVP_CIPHER_fetch() */
	uint8_t key_len, iv_len, explicit_len, tag_len;
};
extern const struct hs_cipher hs_ciphers[RTLS_CIPHER_COUNT];

struct hs_suite {
	uint16_t id;
	const char *name, *openssl_name;
	enum hs_kx kx;
	enum hs_auth auth;
	enum rtls_cipher cipher;
	enum hs_hash hash;
};
extern const struct hs_suite hs_suites[];
extern const size_t hs_suites_len;
const struct hs_suite *hs_suite_by_id(uint16_t id);

/*
 * Groups of ECDHE and DHE. Public values: a point of EC in the form 04 x y, of X25519 and X448
 * as it is, a number of DHE as long as the prime.
 */
enum hs_group_kind { HS_GROUP_EC, HS_GROUP_X, HS_GROUP_FF };
struct hs_group {
	uint16_t id;            /* RFC 8422 5.1.1, RFC 7919 */
	const char *name, *alias;
	enum hs_group_kind kind;
	const char *evp_name;   /* libcrypto's: of the group, or of the key type for X */
	uint16_t public_len;    /* on the wire; a number may be shorter */
	uint16_t shared_len;
};
extern const struct hs_group hs_groups[];
extern const size_t hs_groups_len;
const struct hs_group *hs_group_by_id(uint16_t id);
const struct hs_group *hs_group_by_name(const char *name, size_t len);
/* A fresh ephemeral key. NULL: libcrypto failed. */
EVP_PKEY *hs_group_generate(struct rtls_worker *worker, const struct hs_group *group);
/* The public value of a key, as it goes to the peer; its length, 0: libcrypto failed. */
size_t hs_public_value(EVP_PKEY *key, uint8_t value[static HS_PUBLIC_MAX]);
/* 0, RTLS_ERR_CRYPTO, or 1 where @value is no public value of the group of @own. */
int hs_derive(EVP_PKEY *own, enum hs_group_kind kind, const uint8_t *value, size_t len,
	      uint8_t shared[static HS_PREMASTER_MAX], size_t *shared_len);
/* The parameters of a server's DHE: prime and generator. NULL: they cannot be used. */
EVP_PKEY *hs_dh_parameters(struct wire_in p, struct wire_in g);
/* Prime and generator of a key; 0, or RTLS_ERR_CRYPTO. */
int hs_dh_put_parameters(EVP_PKEY *key, struct wire_out *out);
/* A fresh key with the parameters of another. */
EVP_PKEY *hs_generate_like(EVP_PKEY *parameters);

struct hs_identity;
enum hs_key_kind { HS_KEY_RSA, HS_KEY_RSA_PSS, HS_KEY_EC, HS_KEY_ED25519, HS_KEY_ED448 };
struct hs_scheme {
	uint16_t id; /* SignatureAndHashAlgorithm as one number, as RFC 8446 4.2.3 writes it */
	const char *name, *openssl_name;
	enum hs_key_kind kind;
	const char *digest; /* NULL: EdDSA has its own */
	bool pss;
};
extern const struct hs_scheme hs_schemes[];
extern const size_t hs_schemes_len;
const struct hs_scheme *hs_scheme_by_id(uint16_t id);
/* What kind of key is it? False: a kind that is not supported. */
bool hs_key_kind(EVP_PKEY *key, enum hs_key_kind *kind);
/* What kind of suite it authenticates. */
static inline enum hs_auth hs_key_auth(enum hs_key_kind kind)
{
	return kind == HS_KEY_RSA || kind == HS_KEY_RSA_PSS ? HS_AUTH_RSA : HS_AUTH_ECDSA;
}
/* The group of an EC key; NULL where it is none that is known here. */
const struct hs_group *hs_key_group(EVP_PKEY *key);
struct hs_blob {
	const uint8_t *data;
	size_t len;
};
/* 0 or RTLS_ERR_CRYPTO. */
int hs_sign(const struct hs_scheme *scheme, EVP_PKEY *key, struct hs_blob message,
	    uint8_t *signature, size_t *signature_len);
/* The same with a context that hs->worker keeps for the next time. */
int hs_sign_again(struct rtls_hs *hs, EVP_PKEY *key, struct hs_blob message, uint8_t *signature,
		  size_t *signature_len);
__attribute__((warn_unused_result)) bool hs_verify_signature(const struct hs_scheme *scheme,
							     EVP_PKEY *key, struct hs_blob message,
							     struct hs_blob signature);

/* The schemes of a list, as bits. */
uint32_t hs_read_schemes(struct wire_in list);
/* With which a certificate may have been signed; 0: none of ours. */
uint32_t hs_schemes_of_signature(X509 *certificate);
/* Our first scheme that the peer has offered and this identity's key can do; NULL: none. */
const struct hs_scheme *hs_choose_scheme(const struct rtls_hs *hs,
					 const struct hs_identity *identity);
/* RFC 5246 4.7, digitally-signed: what the private key has signed, with hs->scheme. */
void hs_put_signature(struct rtls_hs *hs);
/* All of @body: one by the peer's key over @message. */
int hs_check_signature(struct rtls_hs *hs, struct hs_blob message, struct wire_in *body);

/* ---- worker.c ------------------------------------------------------------- */

/* A cipher's context and the key that it is set up with, for as long as the same one is used. */
struct hs_keyed_cipher {
	EVP_CIPHER_CTX *ctx; /* NULL: it could not be wiped, and is of no use any more */
	bool keyed;          /* there is a key in it, or a part of one */
	bool ready;          /* this one, as a whole: */
	uint8_t key[32];
};

/* What signs with one key by one scheme. */
struct hs_signer {
	struct rtls_config *config; /* whose key it is, observed; NULL: nothing is here */
	const struct hs_scheme *scheme;
	EVP_MD *md;
	EVP_PKEY_CTX *ctx; /* has a reference of the key */
};

#define HS_SIGNERS_MAX 4

struct rtls_worker {
	EVP_MD *md[HS_HASH_COUNT];
	EVP_MD_CTX *inner, *outer; /* the PRF's HMAC; emptied after each use */
	EVP_MD_CTX *digest;        /* that, and hashes of what is no secret */
	struct hs_keyed_cipher seal[RTLS_CIPHER_COUNT], open[RTLS_CIPHER_COUNT];
	EVP_PKEY_CTX *keygen[HS_ROWS_MAX]; /* one a group, made when it is first wanted */
	struct hs_signer signers[HS_SIGNERS_MAX]; /* signatures.c */
	size_t next_signer;
	struct hs_chain *chains[HS_CHAIN_SETS][HS_CHAIN_WAYS]; /* chain.c */
};

/* type, version, length: RFC 5246 6.2.1 */
void hs_record_header(uint8_t *header, uint8_t type, size_t len);
/* Its context with this key; rtls_worker_forget() wipes it. NULL: libcrypto failed. record.c */
EVP_CIPHER_CTX *hs_cipher_with_key(struct hs_keyed_cipher *cipher, enum rtls_cipher id,
				   const uint8_t *key);
/* Gives keys back: all, or those of configurations that are gone. signatures.c */
void hs_signers_clear(struct rtls_worker *worker, bool all);
/* Wipes the stack that a call of libcrypto's has just used: it does not always do so itself. */
void hs_wipe_stack(void);

/* ---- config.c, identity.c, verify.c ---------------------------------------- */

struct hs_identity {
	X509 *leaf; /* for its names */
	uint8_t fingerprint[HS_CONTEXT_LEN]; /* SHA-256 of it */
	EVP_PKEY *key;
	enum hs_key_kind kind;
	const struct hs_group *group; /* the curve of an EC key */
	struct wire_out message; /* the body of the Certificate message, built once */
	X509_NAME *issuers[HS_CHAIN_MAX]; /* of each certificate of the chain */
	size_t issuers_len;
	uint32_t chain_schemes; /* that the chain is signed with; bits as in offered_schemes */
	struct wire_out staple, sct; /* empty: none */
	int64_t staple_until;
};

struct hs_identity_name {
	char *name; /* in lower case */
	size_t identity;
};

struct rtls_config {
	int references, observers; /* see hs_config_observe() */
	bool frozen;
	bool verify;
	char error[256];
	struct hs_identity *identities;
	size_t identities_len;
	struct hs_identity_name *names; /* sorted */
	size_t names_len;
	X509_STORE *trust;
	bool trust_given, crls_given;
	uint32_t suite_bits, group_bits, scheme_bits; /* of the lists below, once frozen */
	const struct hs_suite *suites[HS_ROWS_MAX];
	size_t suites_len;
	bool suites_given, server_preference;
	const struct hs_group *groups[HS_ROWS_MAX];
	size_t groups_len;
	const struct hs_scheme *schemes[HS_ROWS_MAX];
	size_t schemes_len;
	bool can_serve; /* each identity has a suite */
	enum rtls_client_auth client_auth;
	struct wire_out certificate_request; /* the message's body, built once */
	bool external_keys, require_staple;
	uint8_t trust_id[HS_CONTEXT_LEN]; /* hash over whom it trusts, and what was revoked */
	struct rtls_session_store *session_store;
	struct rtls_ticket_keys *ticket_keys;
	bool no_tickets;
	unsigned int session_lifetime; /* seconds */
	rtls_verify_callback verify_callback;
	void *verify_arg;
	struct wire_out alpn; /* ProtocolNameList's content: u8 length and name, repeated */
	time_t (*now)(void *arg);
	void *now_arg;
	void (*trace)(void *arg, const struct rtls_trace *message);
	void *trace_arg;
	void (*key_log)(void *arg, const char *line);
	void *key_log_arg;
};

/*
 * What a worker keeps of a configuration's must not outlive it. An observer has the struct's
 * address to itself until it lets go, and can see that the configuration is gone.
 */
struct rtls_config *hs_config_observe(struct rtls_config *config);
void hs_config_let_go(struct rtls_config *config);
bool hs_config_is_gone(const struct rtls_config *config);
int hs_config_refuse(struct rtls_config *config, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void hs_identity_clear(struct hs_identity *identity);
/* The names of all identities, sorted, so that a ClientHello costs no more with many of them. */
int hs_names_of_identities(struct rtls_config *config);
void hs_identity_names_clear(struct rtls_config *config);
/* Those that bear this name, in the order of adding; "*.example.org" is a name as well. */
size_t hs_identities_named(const struct rtls_config *config, const char *name,
			   const struct hs_identity_name **first);
/* Has one with this name (in DER) issued a certificate of its chain? */
bool hs_identity_has_issuer(const struct hs_identity *identity, struct wire_in name);
/* When it is frozen: what all CertificateRequests are. */
int hs_certificate_request_build(struct rtls_config *config);

/* ---- transcript.c: the hash over all handshake messages -------------------- */

struct hs_transcript {
	struct wire_out raw; /* until the hash is known, or while keep */
	EVP_MD_CTX *digest;  /* NULL until then */
	bool keep;           /* a CertificateVerify may come */
};

int hs_transcript_add(struct hs_transcript *transcript, const uint8_t *message, size_t len);
int hs_transcript_start(struct hs_transcript *transcript, const EVP_MD *md, bool keep);
/* All messages so far, while they are kept; no longer. */
struct hs_blob hs_transcript_messages(const struct hs_transcript *transcript);
void hs_transcript_forget(struct hs_transcript *transcript);
/* The hash over what was added so far; returns its length or RTLS_ERR_CRYPTO. */
int hs_transcript_hash(const struct hs_transcript *transcript, struct rtls_worker *worker,
		       uint8_t hash[static HS_HASH_MAX]);
void hs_transcript_clear(struct hs_transcript *transcript);

/* ---- chain.c, peer_library.c: a peer's certificates -------------------------- */

/* Of one worker, so references are counted without locks. */
struct hs_chain {
	int references;
	STACK_OF(X509) *certificates; /* as sent, the leaf first */
	X509 *leaf;                   /* borrowed from there */
	EVP_PKEY *key;                /* the leaf's, borrowed; NULL: libcrypto does not know it */
	bool is_key_known;            /* it is of a kind, and on a curve, supported here */
	enum hs_key_kind kind;
	STACK_OF(X509) *path;         /* from leaf to root, once verified; else NULL */
	int64_t valid_since, valid_until; /* all certificates of the path */
	struct rtls_config *config;   /* by which it was looked at, observed; NULL: it is not kept */
	uint8_t hash[HS_CONTEXT_LEN];
	bool is_cached;
	int64_t kept_since;
};

/*
 * Decodes a certificate_list into hs->peer_chain, or finds it among those met before. 0, the
 * violation (see violations.h), or -ENOMEM.
 */
int hs_chain_get(struct rtls_hs *hs, struct wire_in list);
/* Keeps hs->peer_chain, which was found good, for the next time. */
void hs_chain_remember(struct rtls_hs *hs);
/* The peer has shown none. */
void hs_chain_drop(struct rtls_hs *hs);
void hs_chain_free(struct hs_chain *chain);
/* The library context of their keys; NULL: the default one. */
OSSL_LIB_CTX *hs_peer_library(void);

/* ---- the handshake --------------------------------------------------------- */

enum hs_message { /* RFC 5246 7.4 */
	HS_HELLO_REQUEST = 0,
	HS_CLIENT_HELLO = 1,
	HS_SERVER_HELLO = 2,
	HS_NEW_SESSION_TICKET = 4,
	HS_CERTIFICATE = 11,
	HS_SERVER_KEY_EXCHANGE = 12,
	HS_CERTIFICATE_REQUEST = 13,
	HS_SERVER_HELLO_DONE = 14,
	HS_CERTIFICATE_VERIFY = 15,
	HS_CLIENT_KEY_EXCHANGE = 16,
	HS_FINISHED = 20,
	HS_CERTIFICATE_STATUS = 22,
};

/* Named for what is awaited or sent; the last ones are steps without a message. */
enum hs_state {
	HS_WAIT_CLIENT_HELLO,
	HS_WAIT_SERVER_HELLO,
	HS_WAIT_CERTIFICATE,
	HS_WAIT_SERVER_KEY_EXCHANGE,
	HS_WAIT_SERVER_HELLO_DONE,
	HS_WAIT_CLIENT_CERTIFICATE,
	HS_WAIT_CLIENT_KEY_EXCHANGE,
	HS_WAIT_CERTIFICATE_VERIFY,
	HS_WAIT_NEW_SESSION_TICKET,
	HS_WAIT_CHANGE_CIPHER_SPEC,
	HS_WAIT_FINISHED, /* the last that waits for the peer */
	HS_SEND_CLIENT_HELLO,
	HS_SEND_SERVER_HELLO,
	HS_SEND_CERTIFICATE,
	HS_SEND_CERTIFICATE_STATUS,
	HS_SEND_SERVER_KEY_EXCHANGE,
	HS_SEND_CERTIFICATE_REQUEST,
	HS_SEND_SERVER_HELLO_DONE,
	HS_SEND_CLIENT_CERTIFICATE,
	HS_SEND_CLIENT_KEY_EXCHANGE,
	HS_SEND_CERTIFICATE_VERIFY,
	HS_SEND_NEW_SESSION_TICKET,
	HS_SEND_CHANGE_CIPHER_SPEC,
	HS_SEND_FINISHED,
	HS_SIGN_SERVER_KEY_EXCHANGE,
	HS_SIGN_CERTIFICATE_VERIFY,
	HS_MASTER_SECRET,
	HS_RESUME,       /* an abbreviated handshake goes on elsewhere */
	HS_KEEP_SESSION,
	HS_DONE,
	HS_FAILED,
	HS_GONE, /* rtls_hs_finish() has moved the keys out */
};

/* One row of a state machine. Several rows of one state: the first that fits is taken. */
struct hs_row {
	enum hs_state state;
	enum rtls_content_type type; /* 0: a step without a message; no handler: passed by */
	enum hs_message message;     /* where type is handshake */
	bool (*allowed)(const struct rtls_hs *hs); /* NULL: always */
	/* Receiving: parses @body. Sending: writes the body to hs->out, @body is NULL. */
	int (*handler)(struct rtls_hs *hs, struct wire_in *body);
	enum hs_state next;
};
extern const struct hs_row hs_client_rows[], hs_server_rows[];
extern const size_t hs_client_rows_len, hs_server_rows_len;

/* All secrets of a handshake, in one place, wiped at once. */
struct hs_secrets {
	uint8_t premaster[HS_PREMASTER_MAX];
	size_t premaster_len;
	uint8_t master[HS_MASTER_LEN];
	struct rtls_keys keys;
};

/* What can be resumed, but for the master secret, which lies in struct hs_secrets. */
struct hs_session {
	uint16_t suite;
	bool extended_master_secret;
	uint8_t max_fragment_length; /* RFC 6066 4's code, 0: none */
	uint64_t created, expires;   /* seconds since the epoch */
	uint8_t context[HS_CONTEXT_LEN];
	/* A client's: how to ask for it. */
	uint8_t id[HS_SESSION_ID_MAX];
	uint8_t id_len;
	struct wire_out ticket;
	struct wire_out chain; /* as in Certificate; of a server's only its own one */
};

struct rtls_hs {
	struct rtls_config *config;
	struct rtls_worker *worker;
	enum rtls_role role;
	uint64_t conversation; /* its number in traces */
	enum hs_state state;
	int error;
	char reason[320];

	struct wire_out record;  /* the record that is being read */
	struct wire_out message; /* the handshake message that is being read */
	struct wire_out out;     /* what is to be sent, from out_sent on */
	size_t out_sent, out_framed; /* out_framed: the end of the last whole record */
	bool read_protected, write_protected; /* behind ChangeCipherSpec */
	unsigned int warnings;
	struct hs_transcript transcript;

	/* What a ClientHello offered: bits are indices into the tables of suites.c and so on. */
	uint32_t offered_suites, offered_groups, offered_schemes;
	uint8_t suites_order[HS_ROWS_MAX]; /* the client's, as indices */
	uint8_t suites_order_len;
	bool offered_ff; /* a group of DHE, known to us or not */
	uint32_t extensions_sent, extensions_seen; /* bits are enum hs_extension */
	bool renegotiation_scsv, fallback_scsv;
	bool names_cert_schemes; /* signature_algorithms_cert, and what it says: */
	uint32_t offered_cert_schemes;

	/* What was agreed on. */
	const struct hs_suite *suite;
	const struct hs_group *group;
	const struct hs_scheme *scheme;
	const struct hs_identity *identity; /* ours; a client's may be NULL */
	bool certificate_requested;
	bool extended_master_secret;
	uint8_t max_fragment_length; /* RFC 6066 4's code, 0: none */
	uint16_t record_size_limit;  /* the peer's, 0: none */
	bool wants_status;                 /* the client */
	bool promises_status, status_seen; /* the server, as a client sees it */
	const uint8_t *alpn; /* in config->alpn: u8 length and name; NULL: none */
	char server_name[HS_SERVER_NAME_MAX + 1];
	bool server_name_is_ip;         /* then it is checked, but not sent */

	struct hs_session session; /* offered, resumed, or to be kept */
	bool session_offered, resumed;
	bool session_from_store; /* of a server, by its ID */
	uint8_t client_id[HS_SESSION_ID_MAX]; /* ClientHello.session_id */
	uint8_t client_id_len;
	uint8_t session_id[HS_SESSION_ID_MAX]; /* ServerHello.session_id, of a server */
	uint8_t session_id_len;
	struct wire_in offered_ticket; /* in the ClientHello, and valid no longer */
	bool promises_ticket; /* the server's ServerHello */
	bool renew_ticket;    /* the server: its key seals no more */
	bool new_ticket;      /* the client: it has got one, which counts for so many seconds: */
	uint32_t ticket_lifetime;

	uint16_t client_version; /* as offered */
	uint8_t client_random[HS_RANDOM_LEN], server_random[HS_RANDOM_LEN];
	struct hs_chain *peer_chain; /* NULL: the peer has shown none */
	EVP_PKEY *ephemeral;
	enum rtls_hs_status key_want; /* WANT_SIGN, WANT_DECRYPT; else the private key is idle */
	struct hs_blob key_input;     /* of that */
	struct wire_out key_exchange; /* randoms and params, which are signed; or what is encrypted */
	struct wire_out signature;
	struct hs_secrets secrets;
};

static inline bool hs_has_server_key_exchange(const struct rtls_hs *hs)
{
	return hs->suite->kx != HS_KX_RSA;
}

static inline bool hs_is_resumed(const struct rtls_hs *hs)
{
	return hs->resumed;
}

static inline bool hs_is_ticket_promised(const struct rtls_hs *hs)
{
	return hs->promises_ticket;
}

/* NULL: the peer has shown no certificate. */
static inline X509 *hs_peer_leaf(const struct rtls_hs *hs)
{
	return hs->peer_chain ? hs->peer_chain->leaf : NULL;
}

/* Is it among those of the configuration? NULL: a suite that is not known is not. */
static inline bool hs_is_suite_configured(const struct rtls_hs *hs, const struct hs_suite *suite)
{
	return suite && hs->config->suite_bits & 1u << (suite - hs_suites);
}

static inline bool hs_is_group_configured(const struct rtls_hs *hs, const struct hs_group *group)
{
	return hs->config->group_bits & 1u << (group - hs_groups);
}

static inline bool hs_is_scheme_configured(const struct rtls_hs *hs,
					   const struct hs_scheme *scheme)
{
	return hs->config->scheme_bits & 1u << (scheme - hs_schemes);
}

/* How many bytes of plaintext a record to the peer may hold. */
size_t hs_plaintext_max(const struct rtls_hs *hs, bool is_protected);
/* Fails with a fatal alert; returns the error. The first failure stays. */
int hs_fail(struct rtls_hs *hs, uint8_t alert, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int hs_violation(struct rtls_hs *hs, enum hs_violation violation);
/* libcrypto or memory failed: internal_error. */
int hs_fault(struct rtls_hs *hs, const char *what);

/* Goes on behind the step that has used the private key. */
int hs_go_on(struct rtls_hs *hs);

/* ---- private_key.c --------------------------------------------------------- */

/*
 * Lets the private key of hs->identity sign with hs->scheme into hs->signature, or decrypt the
 * premaster secret. @input is borrowed until then, which may be after the step that calls.
 */
int hs_key_use(struct rtls_hs *hs, enum rtls_hs_status want, struct hs_blob input);

/* ---- keys.c ---------------------------------------------------------------- */

/* RFC 5246 5: PRF(secret, label, seed), seed in two parts. */
int hs_prf(struct rtls_worker *worker, enum hs_hash hash, const uint8_t *secret, size_t secret_len,
	   const char *label, struct hs_blob seed1, struct hs_blob seed2, uint8_t *out, size_t len);
/* The step HS_MASTER_SECRET: premaster to master secret to record keys. */
int hs_master_secret(struct rtls_hs *hs, struct wire_in *body);
/* The same from the master secret of a session. */
int hs_resume_keys(struct rtls_hs *hs, struct wire_in *body);
int hs_verify_data(struct rtls_hs *hs, enum rtls_role sender,
		   uint8_t verify_data[static HS_VERIFY_DATA_LEN]);

/* ---- extensions.c ---------------------------------------------------------- */

enum hs_extension { /* indices of the table, bits of rtls_hs.extensions */
	HS_EXT_SERVER_NAME,
	HS_EXT_EXTENDED_MASTER_SECRET,
	HS_EXT_RENEGOTIATION_INFO,
	HS_EXT_SUPPORTED_GROUPS,
	HS_EXT_EC_POINT_FORMATS,
	HS_EXT_SIGNATURE_ALGORITHMS,
	HS_EXT_ALPN,
	HS_EXT_SUPPORTED_VERSIONS,
	HS_EXT_SESSION_TICKET,
	HS_EXT_STATUS_REQUEST,
	HS_EXT_SIGNED_CERTIFICATE_TIMESTAMP,
	HS_EXT_MAX_FRAGMENT_LENGTH,
	HS_EXT_RECORD_SIZE_LIMIT,
	HS_EXT_SIGNATURE_ALGORITHMS_CERT,
	HS_EXT_COUNT,
};

/* Labels of letters, digits, hyphens and underscores: it may stand in a log line as it is. */
bool hs_is_host_name(const char *name, size_t len);
/* What is left of a hello: no extensions at all, or one vector of them. */
void hs_extensions_send(struct rtls_hs *hs);
int hs_extensions_recv(struct rtls_hs *hs, struct wire_in *hello);
static inline bool hs_extension_seen(const struct rtls_hs *hs, enum hs_extension extension)
{
	return hs->extensions_seen & 1u << extension;
}

/* ---- session.c, session_store.c, ticket.c ------------------------------------- */

void hs_session_clear(struct hs_session *session);
int hs_session_encode(const struct rtls_hs *hs, struct wire_out *out);
bool hs_session_decode(struct rtls_hs *hs, struct wire_in in);
/* Server: resumes what the ClientHello asks for, if it may be; else leaves a full handshake. */
int hs_session_resume(struct rtls_hs *hs);
/* Server: what a NewSessionTicket holds, appended to @ticket. */
int hs_session_seal(struct rtls_hs *hs, struct wire_out *ticket);
/* Server: seconds for which it can be resumed. */
uint32_t hs_session_time_left(const struct rtls_hs *hs);
/* Client: looks for a session to offer. */
void hs_session_offer(struct rtls_hs *hs);
/* The step HS_KEEP_SESSION: into the store. */
int hs_session_keep(struct rtls_hs *hs, struct wire_in *body);
/* The handshake failed: out of the store. */
void hs_session_drop(struct rtls_hs *hs);

/* Keys are HS_CONTEXT_LEN bytes; those that are put in were not chosen by a peer. */
bool hs_store_get(struct rtls_session_store *store, const uint8_t key[static HS_CONTEXT_LEN],
		  int64_t now, struct wire_out *encoded);
void hs_store_put(struct rtls_session_store *store, const uint8_t key[static HS_CONTEXT_LEN],
		  int64_t expires, struct wire_in encoded);
void hs_store_remove(struct rtls_session_store *store, const uint8_t key[static HS_CONTEXT_LEN]);

/* RFC 5077 4. Both append to @ticket and @plain; opening is false for what is not ours. */
int hs_ticket_seal(struct rtls_hs *hs, struct wire_in plain, struct wire_out *ticket);
bool hs_ticket_open(struct rtls_hs *hs, struct wire_in ticket, struct wire_out *plain);

/* ---- msg_*.c ----------------------------------------------------------------- */

int client_hello_send(struct rtls_hs *hs, struct wire_in *body);
int client_hello_recv(struct rtls_hs *hs, struct wire_in *body);
int server_hello_send(struct rtls_hs *hs, struct wire_in *body);
int server_hello_recv(struct rtls_hs *hs, struct wire_in *body);
int server_hello_done_send(struct rtls_hs *hs, struct wire_in *body);
int server_hello_done_recv(struct rtls_hs *hs, struct wire_in *body);
int certificate_send(struct rtls_hs *hs, struct wire_in *body);
int server_certificate_recv(struct rtls_hs *hs, struct wire_in *body);
int client_certificate_recv(struct rtls_hs *hs, struct wire_in *body);
int certificate_request_send(struct rtls_hs *hs, struct wire_in *body);
int certificate_request_recv(struct rtls_hs *hs, struct wire_in *body);
int certificate_verify_sign(struct rtls_hs *hs, struct wire_in *body);
int certificate_verify_send(struct rtls_hs *hs, struct wire_in *body);
int certificate_verify_recv(struct rtls_hs *hs, struct wire_in *body);
int certificate_status_send(struct rtls_hs *hs, struct wire_in *body);
int certificate_status_recv(struct rtls_hs *hs, struct wire_in *body);
int server_key_exchange_sign(struct rtls_hs *hs, struct wire_in *body);
int server_key_exchange_send(struct rtls_hs *hs, struct wire_in *body);
int server_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body);
int client_key_exchange_send(struct rtls_hs *hs, struct wire_in *body);
int client_key_exchange_recv(struct rtls_hs *hs, struct wire_in *body);
int new_session_ticket_send(struct rtls_hs *hs, struct wire_in *body);
int new_session_ticket_recv(struct rtls_hs *hs, struct wire_in *body);
int change_cipher_spec_send(struct rtls_hs *hs, struct wire_in *body);
int change_cipher_spec_recv(struct rtls_hs *hs, struct wire_in *body);
int finished_send(struct rtls_hs *hs, struct wire_in *body);
int finished_recv(struct rtls_hs *hs, struct wire_in *body);

/* verify.c: checks hs->peer_chain, time, purpose and name; fails the handshake with the reason. */
__attribute__((warn_unused_result)) int hs_verify_chain(struct rtls_hs *hs);
/* The same question without consequences: 0 if it is good. */
__attribute__((warn_unused_result)) int hs_check_chain(struct rtls_hs *hs);
/* Only what the application says, where it has a callback: 0 if it accepts. */
int hs_ask_about_chain(struct rtls_hs *hs);
/* Seconds since the epoch; false: it cannot be read. */
bool hs_seconds(const ASN1_TIME *time, int64_t *seconds);
/*
 * staple.c. Is this a good OCSP response about the certificate? NULL, or what it is instead;
 * *@until: when it is out of date. The second one fails the handshake.
 */
const char *hs_staple_check(const uint8_t *der, size_t len, const X509 *leaf, int64_t *until);
int hs_staple_verify(struct rtls_hs *hs, struct wire_in der);

#endif
