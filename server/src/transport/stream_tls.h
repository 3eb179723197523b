/**
 * @file stream_tls.h
 * @brief TLS between a stream's socket and its protocol; for stream.c.
 *
 *     socket ─► slab ─► decrypt ─► plain slab ─► type->read
 *     outbox, block ─► encrypt ─► staging ─► socket ── what it did not take ─► pending
 *
 * Only what is about to be written is encrypted, so that the outbox goes on to decide
 * what is dropped or replaced.  Used by the thread of the loop.
 */
#ifndef REEF_SRC_TRANSPORT_STREAM_TLS_H
#define REEF_SRC_TRANSPORT_STREAM_TLS_H

#include "transport/stream.h"

#include <sys/uio.h>

enum {
    REEF__STREAM_TLS_MAX_WRITE = 65536, /* plaintext of one stream in one write */
    REEF__STREAM_TLS_ROOM =
        REEF__STREAM_TLS_MAX_WRITE + 4096, /* and what becomes of it */
    REEF__STREAM_TLS_MAX_SPANS = 2,
};

/** Streams, first come, first served. */
typedef struct reef__stream_tls_queue {
    reef__stream_tls_t *first, *last;
} reef__stream_tls_queue_t;

/** What the streams of one loop share. */
typedef struct reef__stream_tls_loop {
    reef__io_t *io;
    uint8_t *plain;  /* [REEF__STREAM_TLS_PLAIN]; NULL until it is needed */
    uint8_t *joined; /* [REEF__TLS_MAX_PLAIN]: small frames become one record */
    reef__stream_tls_queue_t waiting; /* for a thread */
    reef__stream_tls_queue_t worked;  /* it is done: to be gone on with */
    uint32_t working_count;           /* handshakes that have one */
    uint32_t working_limit;
} reef__stream_tls_loop_t;

void reef__stream_tls_loop_init(reef__stream_tls_loop_t *loop, reef__io_t *io);
void reef__stream_tls_loop_finish(reef__stream_tls_loop_t *loop);

/** Go on with the handshakes that threads have worked at. */
void reef__stream_tls_take_work(reef__stream_tls_loop_t *loop);

/** Bytes of the socket have come, in the loop's slab. */
void reef__stream_tls_read(reef__stream_t *stream, uint8_t *data, size_t size);

/**
 * Encrypt what is to be written next and take it out of the outbox.
 *
 * @param staging Has REEF__STREAM_TLS_ROOM bytes; receives @p staged of them.
 * @param spans   Receive what to write, in order: pending bytes, then those staged.
 * @return The number of spans; 0 when there is nothing to write, or TLS broke.
 */
uint32_t reef__stream_tls_gather(reef__stream_t *stream,
                                 uint8_t *staging,
                                 size_t *staged,
                                 struct iovec spans[REEF__STREAM_TLS_MAX_SPANS]);

/** The socket took @p taken bytes of @p spans: keep the rest. */
void reef__stream_tls_consume(reef__stream_t *stream,
                              const struct iovec *spans,
                              uint32_t span_count,
                              uint64_t taken);

/** Whether the handshake is done. */
bool reef__stream_tls_is_open(const reef__stream_t *stream);

/** Whether a thread has the session: then the stream must not be freed. */
bool reef__stream_tls_is_working(const reef__stream_t *stream);

/** The stream closes: it waits for no thread any more. */
void reef__stream_tls_close(reef__stream_t *stream);

/** Release what the stream holds. */
void reef__stream_tls_finish(reef__stream_t *stream);

/** Have a close_notify pending. */
void reef__stream_tls_shut_down(reef__stream_t *stream);

#endif /* REEF_SRC_TRANSPORT_STREAM_TLS_H */
