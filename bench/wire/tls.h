/**
 * @file tls.h
 * @brief The client's side of TLS: bytes in, bytes out, no I/O.
 *
 * By OpenSSL, which is another library than the server's: each checks the other.  A
 * build without it has tls_none.c, which says so.
 */
#ifndef WIRE_TLS_H
#define WIRE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What all connections share.  It holds the bytes of one connection at a time: those
 *  that were fed are read, and what there is to send is sent, before another's turn. */
typedef struct tls tls_t;

/** One connection. */
typedef struct tls_stream tls_stream_t;

/** Texts are borrowed; NULL = as the library chooses. */
typedef struct tls_desc {
    const char *host;    /* whose certificate it has to be */
    const char *ca;      /* file of authorities, NULL = the system's */
    const char *version; /* "1.2" or "1.3", and no other */
    const char *cipher;  /* of either version, as OpenSSL calls it */
    bool is_unchecked;   /* any certificate will do */
    bool is_http;        /* offer the protocol http/1.1 */
    bool is_frugal;      /* memory before time: connections are idle */
} tls_desc_t;

/** What was agreed upon. */
typedef struct tls_facts {
    char version[16];
    char cipher[64];
    bool is_checked; /* the certificate */
} tls_facts_t;

typedef enum tls_progress {
    TLS_WAITING, /* for more bytes */
    TLS_READY,   /* the handshake is done */
    TLS_ENDED,   /* the server said that no more will come */
    TLS_BROKEN   /* tls_error() */
} tls_progress_t;

/** NULL, or why there is no TLS in this build. */
const char *tls_missing(void);

/** fail() when something of @p desc is refused. */
tls_t *tls_create(const tls_desc_t *desc);
void tls_destroy(tls_t *tls);

/** A new connection; with @p resumes it offers the last session that a server gave, if
 *  there is one. */
tls_stream_t *tls_open(tls_t *tls, bool resumes);

/** Release the stream and forget its bytes.  Accepts NULL. */
void tls_close(tls_t *tls, tls_stream_t *stream);

/** The server took up the session that was offered. */
bool tls_resumed(const tls_stream_t *stream);

/** These bytes came.  Borrowed until they are read. */
void tls_feed(tls_t *tls, const uint8_t *data, size_t size);

/** Go on with the handshake: at first, and when bytes came. */
tls_progress_t tls_handshake(tls_t *tls, tls_stream_t *stream, tls_facts_t *facts);

/** Read what was fed, up to @p capacity bytes; 0 = it was all, and *progress says how
 *  things stand. */
size_t tls_read(tls_t *tls,
                tls_stream_t *stream,
                uint8_t *out,
                size_t capacity,
                tls_progress_t *progress);

/** Add a message to what is to be sent. */
void tls_write(tls_t *tls, tls_stream_t *stream, const uint8_t *data, size_t size);

/** Add that no more will follow. */
void tls_end(tls_t *tls, tls_stream_t *stream);

/** What is to be sent, which is then forgotten; borrowed until the next call. */
const uint8_t *tls_take_output(tls_t *tls, size_t *size);

/** Why the last stream broke that did. */
const char *tls_error(const tls_t *tls);

#endif /* WIRE_TLS_H */
