/**
 * @file mailbox.h
 * @brief Requests from other threads that the world thread answers once a frame.
 *
 * Bounded: when it is full, posting fails at once.  A request is a function and its
 * argument; the caller sleeps until it was run, or takes it back when the deadline
 * passes before it was begun.  So the argument may live on the caller's stack.
 */
#ifndef REEF_MAILBOX_H
#define REEF_MAILBOX_H

#include <reef/alloc.h>
#include <reef/attrs.h>
#include <reef/error.h>

#include <stdint.h>

typedef struct reef_mailbox reef_mailbox_t;

typedef void (*reef_request_fn)(void *argument);

typedef struct reef_mailbox_desc {
    const reef_alloc_t *alloc;   /* borrowed; NULL = default */
    uint32_t capacity;           /* requests waiting at once; 0 = 256 */
    void (*wake)(void *context); /* called after a post, on the posting thread; any
                                    thread, cheap; may be NULL */
    void *wake_context;
} reef_mailbox_desc_t;

/** Owned by the caller: reef_mailbox_destroy(). */
reef_mailbox_t *reef_mailbox_create(const reef_mailbox_desc_t *desc);

/** Nobody may be waiting any more.  Accepts NULL. */
void reef_mailbox_destroy(reef_mailbox_t *mailbox);

/**
 * Have @p run called on the world thread, and wait.  Any thread but the world's.
 *
 * @return REEF_OK once it ran; REEF_E_TIMEOUT (it did not and will not), REEF_E_LIMIT
 *         (full), REEF_E_CLOSED.
 */
REEF_NODISCARD reef_error_t reef_mailbox_call(reef_mailbox_t *mailbox,
                                              reef_request_fn run,
                                              void *argument,
                                              uint32_t timeout_ms);

/** Requests waiting now.  Any thread. */
uint32_t reef_mailbox_count(reef_mailbox_t *mailbox);

/** Run what is waiting now, in order of arrival.  World thread.  Returns how many. */
uint32_t reef_mailbox_drain(reef_mailbox_t *mailbox);

/** Refuse new requests and fail the waiting ones with REEF_E_CLOSED. */
void reef_mailbox_close(reef_mailbox_t *mailbox);

#endif /* REEF_MAILBOX_H */
