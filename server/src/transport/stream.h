/**
 * @file stream.h
 * @brief A connected stream socket on a loop: reading, queueing, writing, its end.
 *
 * What the bytes mean is up to a protocol, which embeds a stream as its first member.
 * Reading: one recv(2) per readiness, into the slab that all streams of the loop share.
 * Writing: messages are queued, and the end of the pass writes for all streams at once.
 *
 * Used by the thread of the loop.
 */
#ifndef REEF_SRC_TRANSPORT_STREAM_H
#define REEF_SRC_TRANSPORT_STREAM_H

#include "transport/io.h"
#include "transport/tls.h"

#include <uv.h>

typedef struct reef__stream reef__stream_t;
typedef struct reef__stream_tls reef__stream_tls_t;

/** What a protocol does with its stream. */
typedef struct reef__stream_type {
    /** Bytes have come; they may be changed in place, and are gone afterwards. */
    void (*read)(reef__stream_t *stream, uint8_t *data, size_t size);

    /** The other side has ended its half of the stream.  The protocol is to call
     *  reef__stream_close(), now or when it has said the rest; until then it is not to
     *  read. */
    void (*ended)(reef__stream_t *stream);

    /** The socket takes no more for now, see reef__stream_is_blocked(); not called
     * again before it has taken some. */
    void (*stalled)(reef__stream_t *stream);

    /** The handshake of TLS is done; only where reef__stream_secure() was called. */
    void (*secured)(reef__stream_t *stream);

    /** The stream broke.  The protocol is to call reef__stream_close() now. */
    void (*broken)(reef__stream_t *stream);

    /** Everything that was queued is written. */
    void (*flushed)(reef__stream_t *stream);

    /** The stream is closed and released: free it. */
    void (*free)(reef__stream_t *stream);
} reef__stream_type_t;

struct reef__stream {
    reef__peer_t peer; /* first: a stream is a peer */
    const reef__stream_type_t *type;
    uv_poll_t poll;
    int descriptor; /* -1 once it is closed */
    reef__outbox_t outbox;
    reef_buffer_t *block;    /* written in this pass; borrowed from the fan-out */
    uint64_t stalled_ms;     /* since when the socket takes nothing; 0 = it does */
    reef__stream_tls_t *tls; /* owned; NULL = plain */
    size_t sealed_bytes;     /* of TLS, that wait to be written */
    reef__stream_t *next_ready, *next_dirty;
    reef__stream_t *previous, *next; /* among all of the loop */
    bool is_reading;
    bool is_held;     /* nothing is read, whatever is_reading says */
    bool is_shutting; /* FIN after what is queued */
    bool is_ready;    /* in the list of those to read from */
    bool is_dirty;    /* in the list of those to write to */
    bool is_released; /* may be freed once the handle is closed */
    bool is_closed;   /* the handle is: may be freed once it is released */
};

/** A loop's streams, and what their reading and writing needs. */
typedef struct reef__streams reef__streams_t;

void reef__streams_init(reef__io_t *io);
void reef__streams_finish(reef__io_t *io);

/** Read once from every stream that is ready. */
void reef__streams_read(reef__io_t *io);

/** Write what is queued, for all streams together. */
void reef__streams_write(reef__io_t *io);

/** Call @p visit with every stream of this type on the loop that is not closed; it may
 *  close it. */
void reef__streams_visit(reef__io_t *io,
                         const reef__stream_type_t *type,
                         void (*visit)(reef__stream_t *stream, void *context),
                         void *context);

/**
 * Begin with a connected socket, which is taken over; it does not block.  Nothing is
 * read before reef__stream_resume().  @p stream is zeroed.
 *
 * @param queue_limit Bytes that may wait to be written.
 * @return false when the loop refuses the descriptor, which is closed then; the stream
 *         must be freed by the caller.
 */
REEF_NODISCARD bool reef__stream_open(reef__stream_t *stream,
                                      reef__io_t *io,
                                      const reef__peer_type_t *peer_type,
                                      const reef__stream_type_t *type,
                                      int descriptor,
                                      uint64_t queue_limit);

/** Speak TLS, as the server: between reef__stream_open() and the first
 *  reef__stream_resume().  From then on the protocol's bytes are plaintext; those that
 *  are pushed earlier wait until `secured` is called.  Takes a reference of its own. */
void reef__stream_secure(reef__stream_t *stream, reef__tls_context_t *context);

/** What TLS has agreed upon; empty texts for a stream without, or before. */
reef__tls_facts_t reef__stream_tls_facts(const reef__stream_t *stream);

/** Why TLS broke the stream: a static text, or NULL when it did not. */
const char *reef__stream_tls_cause(const reef__stream_t *stream);

/** Nothing more will be pushed: say so to the other side, after what is queued. */
void reef__stream_shut_down(reef__stream_t *stream);

/** Close the socket at once; `free` is called later, when it was released too. */
void reef__stream_close(reef__stream_t *stream);

/** Nobody else needs the stream any more. */
void reef__stream_release(reef__stream_t *stream);

static inline bool reef__stream_is_open(const reef__stream_t *stream)
{
    return stream->descriptor >= 0;
}

/** Stop and start reading. */
void reef__stream_pause(reef__stream_t *stream);
void reef__stream_resume(reef__stream_t *stream);

/** Queue a message by the rules of its class, see outbox.h; written at the end of the
 *  pass.  Takes the reference over.  @return REEF_OK or REEF_E_LIMIT. */
REEF_NODISCARD reef_error_t reef__stream_push(reef__stream_t *stream,
                                              reef_buffer_t *buffer,
                                              uint8_t message_class,
                                              uint64_t key);

/** Queue the last bytes, whatever the cap says.  Takes the reference over. */
void reef__stream_push_last(reef__stream_t *stream, reef_buffer_t *buffer);

/** Write a whole block at the end of the pass, if nothing else waits; see
 *  reef__peer_type_t.send_frames. */
bool reef__stream_send_block(reef__stream_t *stream, reef_buffer_t *block);

/** Whether something waits to be written. */
static inline bool reef__stream_has_output(const reef__stream_t *stream)
{
    return stream->outbox.bytes > 0 || stream->block != NULL ||
           stream->sealed_bytes > 0;
}

/** Whether the socket took less than it was given last. */
static inline bool reef__stream_is_blocked(const reef__stream_t *stream)
{
    return stream->stalled_ms != 0;
}

/* For stream_tls.c ------------------------------------------------------------------
 */

struct reef__stream_tls_loop *reef__streams_tls(reef__io_t *io);

/** Read nothing for now, or again, whatever the protocol says meanwhile. */
void reef__stream_hold(reef__stream_t *stream, bool is_held);

/** Something waits to be written. */
void reef__stream_note_dirty(reef__stream_t *stream);

/** Free the stream if everybody has let go of it. */
void reef__stream_free_if_over(reef__stream_t *stream);

#endif /* REEF_SRC_TRANSPORT_STREAM_H */
