/**
 * @file tls.h
 * @brief TLS without sockets: a server's side of one connection, bytes in, bytes out.
 *
 * A *context* is what connections share: certificate, key, cipher suites, the keys of
 * the session tickets.  It is immutable and counts its references, so that a reload can
 * put a new one in its place while old connections live on.
 *
 * A *session* is one connection: first reef__tls_handshake() until it is done, then
 * reef__tls_encrypt() and reef__tls_decrypt(), the only two that touch records.  What
 * TLS itself has to say (handshake, alerts, answers to key updates) waits in
 * reef__tls_pending() and goes out before anything that is encrypted later.
 *
 * A context may be used by any thread, a session by one at a time.
 */
#ifndef REEF_SRC_TRANSPORT_TLS_H
#define REEF_SRC_TRANSPORT_TLS_H

#include <reef/alloc.h>
#include <reef/error.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct reef__tls_context reef__tls_context_t;
typedef struct reef__tls reef__tls_t;

enum {
    REEF__TLS_MAX_PLAIN = 16384,  /* plaintext of one record */
    REEF__TLS_MAX_RECORD = 16640, /* what one may take on the wire, its header apart */
    REEF__TLS_HEADER = 5,
    REEF__TLS_OVERHEAD = 64,       /* header, nonce, tag and padding: at most this */
    REEF__TLS_MAX_SILENCE = 32,    /* records in a row that bring no data */
    REEF__TLS_MAX_FLIGHT = 131072, /* pending bytes of a handshake */
    REEF__TLS_MAX_ANSWERS = 2048,  /* and of what comes after it */
    REEF__TLS_SUITES_SIZE = 512,
    REEF__TLS_SUBJECT_SIZE = 128,
};

/* Certificates ------------------------------------------------------------------ */

/** What is told of a certificate. */
typedef struct reef__tls_certificate {
    char subject[REEF__TLS_SUBJECT_SIZE];
    uint8_t sha256[32];   /* of its DER */
    int64_t not_before_s; /* Unix time */
    int64_t not_after_s;
    bool is_dev; /* made by reef__tls_dev_create() */
} reef__tls_certificate_t;

/** A certificate made in memory, and its key, both DER. */
typedef struct reef__tls_dev {
    uint8_t certificate[1024];
    uint8_t key[256];
    uint32_t certificate_size, key_size;
} reef__tls_dev_t;

enum {
    REEF__TLS_DEV_DAYS = 13,     /* browsers accept 14 where they are given a hash */
    REEF__TLS_DEV_ROLL_DAYS = 2, /* before its end another one takes its place */
};

/** Make a self-signed certificate (ECDSA P-256) for localhost, 127.0.0.1 and ::1 that
 *  is valid from an hour before @p now_s, Unix time, for REEF__TLS_DEV_DAYS. */
REEF_NODISCARD reef_error_t reef__tls_dev_create(reef__tls_dev_t *dev,
                                                 int64_t now_s,
                                                 reef_failure_t *failure);

/* Suites ------------------------------------------------------------------------ */

/** What encrypts records.  With each the key exchange is ephemeral. */
typedef enum reef__tls_aead {
    REEF__TLS_AES_128_GCM,
    REEF__TLS_AES_256_GCM,
    REEF__TLS_CHACHA20_POLY1305,
    REEF__TLS_AEAD_COUNT
} reef__tls_aead_t;

typedef struct reef__tls_suites {
    reef__tls_aead_t order[REEF__TLS_AEAD_COUNT]; /* best first */
    uint32_t count;
    double mb_per_s[REEF__TLS_AEAD_COUNT]; /* by reef__tls_aead_t; 0 = not measured */
} reef__tls_suites_t;

/** As in the setting: "aes-128-gcm". */
const char *reef__tls_aead_name(reef__tls_aead_t aead);

/** Order by how fast each is on this machine; takes a few milliseconds. */
void reef__tls_suites_measure(reef__tls_suites_t *suites);

/** Read names with commas in order of preference.  @return REEF_OK, or REEF_E_INVALID
 *  with a text that names @p setting and what is accepted. */
REEF_NODISCARD reef_error_t reef__tls_suites_parse(reef__tls_suites_t *suites,
                                                   reef_span_t text,
                                                   const char *setting,
                                                   reef_failure_t *failure);

/** The registered name of a suite, "TLS_AES_128_GCM_SHA256"; "" for one that is not
 *  offered here. */
const char *reef__tls_suite_name(uint16_t number);

/** The list that wolfSSL takes. */
void reef__tls_suites_format(const reef__tls_suites_t *suites,
                             char text[REEF__TLS_SUITES_SIZE]);

/* Context ----------------------------------------------------------------------- */

typedef struct reef__tls_context_desc {
    const reef_alloc_t *alloc;
    const char *section;        /* "wss": failures name wss.cert and wss.key */
    const char *cert_path;      /* PEM: the server's certificate, then its issuers */
    const char *key_path;       /* PEM */
    const reef__tls_dev_t *dev; /* instead of the two paths */
    const reef__tls_suites_t *suites;
    const char *alpn; /* the one protocol spoken, "http/1.1"; NULL = not looked at */
    int64_t now_s;    /* Unix time, for the certificate's validity */
} reef__tls_context_desc_t;

/**
 * Load and check.  The caller owns one reference: reef__tls_context_unref().
 *
 * @return REEF_OK; REEF_E_IO (a file cannot be read) or REEF_E_INVALID (no PEM, a key
 *         that does not match or has a password, expired, wrong order), with a line
 *         that names setting, file and cause.
 */
REEF_NODISCARD reef_error_t
reef__tls_context_create(const reef__tls_context_desc_t *desc,
                         reef__tls_context_t **context,
                         reef_failure_t *failure);

reef__tls_context_t *reef__tls_context_ref(reef__tls_context_t *context);

/** Accepts NULL. */
void reef__tls_context_unref(reef__tls_context_t *context);

const reef__tls_certificate_t *
reef__tls_context_certificate(const reef__tls_context_t *context);

/* Session ----------------------------------------------------------------------- */

typedef enum reef__tls_status {
    REEF__TLS_MORE,   /* all input is used up; more has to come */
    REEF__TLS_OPEN,   /* handshake: done */
    REEF__TLS_CLOSED, /* decrypt: the peer has said that nothing more will come */
    REEF__TLS_FAILED, /* see reef__tls_cause(); an alert may be pending */
} reef__tls_status_t;

/** Takes a reference of its own to the context.  Owned by the caller:
 *  reef__tls_destroy().  NULL when wolfSSL cannot. */
reef__tls_t *reef__tls_create(reef__tls_context_t *context);

/** Accepts NULL. */
void reef__tls_destroy(reef__tls_t *tls);

/** What the bytes of a handshake are. */
typedef enum reef__tls_opening {
    REEF__TLS_OPENING_PARTIAL, /* no whole record yet */
    REEF__TLS_OPENING_CLEAR,   /* records, one of them a handshake in the clear */
    REEF__TLS_OPENING_SEALED,  /* records, none of which needs a costly answer */
    REEF__TLS_OPENING_HTTP,    /* somebody speaks HTTP */
    REEF__TLS_OPENING_GARBAGE,
} reef__tls_opening_t;

/** Look at the records of a handshake without touching a session.  @p whole receives
 *  the size of those that are whole, with CLEAR and SEALED. */
reef__tls_opening_t reef__tls_look(reef_span_t input, size_t *whole);

/**
 * Go on with the handshake.  May take a millisecond of computing or more: what
 * reef__tls_look() calls CLEAR is best done on a thread that nobody waits for.
 *
 * @param consumed Receives how many bytes of @p input were used: all, or when the
 *                 handshake is done, those up to its end.
 * @return MORE, OPEN or FAILED.
 */
reef__tls_status_t
reef__tls_handshake(reef__tls_t *tls, reef_span_t input, size_t *consumed);

/**
 * Records in, plaintext out.  A record that is cut is kept.
 *
 * @param out      As large as @p input and one record.
 * @param out_size Receives the bytes written, also with CLOSED and FAILED.
 * @return MORE, CLOSED or FAILED.
 */
reef__tls_status_t reef__tls_decrypt(reef__tls_t *tls,
                                     reef_span_t input,
                                     uint8_t *out,
                                     size_t capacity,
                                     size_t *out_size);

/**
 * Plaintext in, records out.
 *
 * @param out Has room for reef__tls_sealed_size(plain.size).
 * @return Bytes written; 0 when the session is broken.
 */
size_t
reef__tls_encrypt(reef__tls_t *tls, reef_span_t plain, uint8_t *out, size_t room);

/** What @p size bytes may take when they are encrypted. */
static inline size_t reef__tls_sealed_size(size_t size)
{
    return size + (size / REEF__TLS_MAX_PLAIN + 1) * REEF__TLS_OVERHEAD;
}

/** Say that nothing more will be sent: a close_notify is pending then. */
void reef__tls_shut_down(reef__tls_t *tls);

/** Bytes that have to go out before anything that is encrypted from now on. */
reef_span_t reef__tls_pending(const reef__tls_t *tls);

/** Put ciphertext that could not be written behind what is pending. */
void reef__tls_pend(reef__tls_t *tls, reef_span_t sealed);

/** @p size of the pending bytes were written. */
void reef__tls_pending_consume(reef__tls_t *tls, size_t size);

/** Why it failed: a static text. */
const char *reef__tls_cause(const reef__tls_t *tls);

/** What was agreed upon; static texts, empty before the handshake is done. */
typedef struct reef__tls_facts {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_CHACHA20_POLY1305_SHA256" */
    const char *alpn;    /* "" = none */
    bool is_resumed;
} reef__tls_facts_t;

reef__tls_facts_t reef__tls_facts(const reef__tls_t *tls);

#endif /* REEF_SRC_TRANSPORT_TLS_H */
