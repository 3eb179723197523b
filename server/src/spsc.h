/**
 * @file spsc.h
 * @brief A queue of fixed-size records from one thread to another, or to itself.
 *
 * Unbounded: whoever must not run ahead compares the two counts.  The producer writes
 * records in place and publishes them in batches.  Records are plain bytes that the
 * queue never looks into.  The queue stays where it is while it is in use.
 */
#ifndef REEF_SRC_SPSC_H
#define REEF_SRC_SPSC_H

#include <reef/alloc.h>
#include <reef/attrs.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    REEF__SPSC_BLOCK_RECORDS = 256,
    REEF__SPSC_SPARES = 4, /* blocks that wait for the producer to use them again */
    REEF__SPSC_CACHE_LINE = 64,
};

typedef struct reef__spsc_block reef__spsc_block_t;

/* Each side writes to cache lines of its own.  Gaps see to that wherever the queue is
 * allocated; alignas() would ask for memory that malloc() does not give. */
typedef struct reef__spsc {
    const reef_alloc_t *alloc;
    size_t record_size; /* rounded up */
    char gap_before_producer[REEF__SPSC_CACHE_LINE];

    struct {
        uint8_t *cursor; /* the next record goes here … */
        uint8_t *end;    /* … unless the block ends here */
        reef__spsc_block_t *block;
        uint64_t pushed;
        uint32_t spare; /* number of the next spare to take */
        _Atomic uint64_t published;
    } producer;
    char gap_before_consumer[REEF__SPSC_CACHE_LINE];

    struct {
        const uint8_t *cursor;
        const uint8_t *end;
        reef__spsc_block_t *block;
        uint64_t seen;  /* `published` when it was last looked at */
        uint32_t spare; /* number of the next spare to put */
        _Atomic uint64_t popped;
    } consumer;
    char gap_before_spares[REEF__SPSC_CACHE_LINE];

    /* A ring; NULL = nothing there.  The consumer puts, the producer takes. */
    _Atomic(reef__spsc_block_t *) spares[REEF__SPSC_SPARES];
    char gap_behind_spares[REEF__SPSC_CACHE_LINE];
} reef__spsc_t;

/**
 * Prepare an empty queue, with its first block.
 *
 * @param alloc Borrowed; used by both threads.
 * @param record_size Bytes; records are aligned to 8.
 */
void reef__spsc_init(reef__spsc_t *queue,
                     const reef_alloc_t *alloc,
                     size_t record_size);

/** Release all blocks, whatever is in them; once both sides are done.  Again is fine.
 */
void reef__spsc_finish(reef__spsc_t *queue);

/** For reef__spsc_push(): go on in another block. */
void reef__spsc_add_block(reef__spsc_t *queue);

/** For reef__spsc_front(): go on in the next block, giving the read one back. */
void reef__spsc_next_block(reef__spsc_t *queue);

/** Producer: add a record.  Returns where to write it; the consumer does not see it
 *  before reef__spsc_publish(). */
static inline void *reef__spsc_push(reef__spsc_t *queue)
{
    void *record;

    if (REEF_UNLIKELY(queue->producer.cursor == queue->producer.end)) {
        reef__spsc_add_block(queue);
    }
    record = queue->producer.cursor;
    queue->producer.cursor += queue->record_size;
    queue->producer.pushed++;
    return record;
}

/** Producer: records ever pushed, published or not. */
static inline uint64_t reef__spsc_pushed_count(const reef__spsc_t *queue)
{
    return queue->producer.pushed;
}

/**
 * Producer: let the consumer see all records pushed so far.  Returns whether there were
 * new ones.
 */
static inline bool reef__spsc_publish(reef__spsc_t *queue)
{
    if (queue->producer.pushed ==
        atomic_load_explicit(&queue->producer.published, memory_order_relaxed)) {
        return false;
    }
    /* Release: records, and links to new blocks, are written before they count. */
    atomic_store_explicit(&queue->producer.published, queue->producer.pushed,
                          memory_order_release);
    return true;
}

/** Consumer: the oldest published record, borrowed until it is popped; NULL = none. */
static inline const void *reef__spsc_front(reef__spsc_t *queue)
{
    /* Relaxed: only this thread writes it. */
    uint64_t popped =
        atomic_load_explicit(&queue->consumer.popped, memory_order_relaxed);

    if (popped == queue->consumer.seen) {
        /* Acquire: whatever is behind the count is read after it. */
        queue->consumer.seen =
            atomic_load_explicit(&queue->producer.published, memory_order_acquire);
        if (popped == queue->consumer.seen) {
            return NULL;
        }
    }
    if (REEF_UNLIKELY(queue->consumer.cursor == queue->consumer.end)) {
        reef__spsc_next_block(queue);
    }
    return queue->consumer.cursor;
}

/** Consumer: done with the record that reef__spsc_front() has just returned. */
static inline void reef__spsc_pop(reef__spsc_t *queue)
{
    uint64_t popped =
        atomic_load_explicit(&queue->consumer.popped, memory_order_relaxed);

    REEF_DEBUG_ASSERT(popped != queue->consumer.seen);
    queue->consumer.cursor += queue->record_size;
    /* Release: who sees the count also sees what was done with the record. */
    atomic_store_explicit(&queue->consumer.popped, popped + 1, memory_order_release);
}

/** Records ever published.  For any thread; what they hold may then be read. */
static inline uint64_t reef__spsc_published_count(const reef__spsc_t *queue)
{
    return atomic_load_explicit(&queue->producer.published, memory_order_acquire);
}

/** Records ever popped.  For any thread; what they refer to is no longer in use. */
static inline uint64_t reef__spsc_popped_count(const reef__spsc_t *queue)
{
    return atomic_load_explicit(&queue->consumer.popped, memory_order_acquire);
}

#endif /* REEF_SRC_SPSC_H */
