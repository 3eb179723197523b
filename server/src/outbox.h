/**
 * @file outbox.h
 * @brief What waits to be sent to one peer, in order, under a cap on its bytes.
 *
 * Entries are references to shared frames.  The transport gathers the first ones,
 * hands them to the system and consumes what it took; a frame of which a part is sent
 * is never dropped or replaced.  Owned and used by the loop's thread.
 */
#ifndef REEF_SRC_OUTBOX_H
#define REEF_SRC_OUTBOX_H

#include <reef/alloc.h>
#include <reef/map.h>
#include <reef/message.h>

/** Beside the public classes: the answer to a ping, of which the newest suffices
 *  (RFC 6455 section 5.5.3). */
enum {
    REEF__OUTBOX_PONG = REEF_DROPPABLE + 1
};

typedef struct reef__outbox_entry {
    reef_buffer_t *buffer; /* owns one reference */
    uint64_t key;
    uint8_t message_class;
} reef__outbox_entry_t;

typedef struct reef__outbox {
    reef__outbox_entry_t *entries; /* ring of [capacity], a power of two */
    uint32_t capacity;
    uint32_t first;
    uint32_t count;
    uint32_t holes;        /* entries given up, among count */
    uint32_t droppable;    /* entries that may be given up, those begun included */
    uint32_t first_offset; /* bytes of the first entry that are sent already */
    uint64_t passed;       /* entries that ever left the front */
    uint64_t pong;         /* the last pong's number; numbers see outbox.c */
    uint64_t kept_until;   /* entries up to this number cannot be given up */
    reef_map_t *by_key;    /* numbers of the latest messages; NULL = few entries */
    uint64_t bytes;        /* still to be sent */
    uint64_t limit;        /* cap on bytes, each entry's own memory included */
    uint64_t dropped;      /* droppable and latest messages given up or replaced */
    uint64_t steps;        /* entries ever looked at to find one; tests bound it */
} reef__outbox_t;

/** Prepare an empty outbox: no memory is taken until something waits. */
void reef__outbox_init(reef__outbox_t *outbox, uint64_t limit);

/** Release all entries. */
void reef__outbox_finish(reef__outbox_t *outbox);

/**
 * Append a frame, taking the reference over, by the rules of its class.
 *
 * @param message_class A reef_message_class_t, or REEF__OUTBOX_PONG.
 * @return REEF_OK, also when a droppable message was given up; REEF_E_LIMIT when a
 *         reliable one does not fit beside what waits already.
 */
REEF_NODISCARD reef_error_t reef__outbox_push(reef__outbox_t *outbox,
                                              reef_buffer_t *buffer,
                                              uint8_t message_class,
                                              uint64_t key);

/** Append a frame whatever the cap says: the last one, a close frame.  Takes the
 *  reference over. */
void reef__outbox_push_last(reef__outbox_t *outbox, reef_buffer_t *buffer);

/** Append bytes to an outbox without any, the first @p offset of which are sent
 * already: so they are no longer dropped or replaced.  Takes the reference over. */
void reef__outbox_push_begun(reef__outbox_t *outbox,
                             reef_buffer_t *buffer,
                             uint32_t offset);

/** Frames to send now, the first without what was sent of it; at most @p max.
 *  Returns how many. */
uint32_t reef__outbox_gather(reef__outbox_t *outbox, reef_span_t *frames, uint32_t max);

/** For datagrams, of which none is sent in part: the first messages, borrowed, at most
 *  @p max.  Returns how many. */
uint32_t reef__outbox_gather_whole(const reef__outbox_t *outbox,
                                   reef_buffer_t **messages,
                                   uint32_t max);

/** The first of them is sent, or given up. */
void reef__outbox_pop(reef__outbox_t *outbox);

/** The system took @p bytes from the front. */
void reef__outbox_consume(reef__outbox_t *outbox, uint64_t bytes);

#endif /* REEF_SRC_OUTBOX_H */
