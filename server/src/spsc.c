/*
 * A chain of blocks.  The producer writes into the last one, the consumer reads from
 * the first one and gives it back when it goes on to the next:
 *
 *     consumer.block                      producer.block
 *        [ r r . . ] ──► [ . . . . ] ──► [ . . w _ ]
 *             │                               ▲
 *             └──────► spares (a ring) ───────┘
 *
 * While no more blocks are under way than the ring of spares holds, none is allocated;
 * what a burst needed beyond that is freed as soon as it is read.
 */
#include "spsc.h"

#include <assert.h>

enum {
    RECORD_ALIGNMENT = 8
};

struct reef__spsc_block {
    reef__spsc_block_t *next; /* valid once a record in it is published */
    uint64_t records[];
};

static size_t records_size(const reef__spsc_t *queue)
{
    return REEF__SPSC_BLOCK_RECORDS * queue->record_size;
}

static reef__spsc_block_t *block_create(reef__spsc_t *queue)
{
    return reef_resize(queue->alloc, NULL, 0,
                       sizeof(reef__spsc_block_t) + records_size(queue));
}

static void block_destroy(reef__spsc_t *queue, reef__spsc_block_t *block)
{
    reef_resize(queue->alloc, block, sizeof(*block) + records_size(queue), 0);
}

static void write_to(reef__spsc_t *queue, reef__spsc_block_t *block)
{
    block->next = NULL;
    queue->producer.block = block;
    queue->producer.cursor = (uint8_t *)block->records;
    queue->producer.end = queue->producer.cursor + records_size(queue);
}

static void read_from(reef__spsc_t *queue, reef__spsc_block_t *block)
{
    queue->consumer.block = block;
    queue->consumer.cursor = (const uint8_t *)block->records;
    queue->consumer.end = queue->consumer.cursor + records_size(queue);
}

void reef__spsc_init(reef__spsc_t *queue, const reef_alloc_t *alloc, size_t record_size)
{
    assert(record_size > 0);
    *queue = (reef__spsc_t){
        .alloc = alloc,
        .record_size =
            (record_size + RECORD_ALIGNMENT - 1) / RECORD_ALIGNMENT * RECORD_ALIGNMENT,
    };
    write_to(queue, block_create(queue));
    read_from(queue, queue->producer.block);
}

void reef__spsc_finish(reef__spsc_t *queue)
{
    reef__spsc_block_t *block = queue->consumer.block;

    while (block != NULL) {
        reef__spsc_block_t *next = block->next;

        block_destroy(queue, block);
        block = next;
    }
    for (unsigned i = 0; i < REEF__SPSC_SPARES; i++) {
        /* Relaxed: the other thread is gone. */
        block = atomic_load_explicit(&queue->spares[i], memory_order_relaxed);
        if (block != NULL) {
            block_destroy(queue, block);
        }
    }
    *queue = (reef__spsc_t){.alloc = NULL};
}

/* A block that was read, or NULL. */
static reef__spsc_block_t *take_spare(reef__spsc_t *queue)
{
    _Atomic(reef__spsc_block_t *) *place =
        &queue->spares[queue->producer.spare % REEF__SPSC_SPARES];
    /* Acquire: the consumer has read the block before it is written to again. */
    reef__spsc_block_t *block = atomic_load_explicit(place, memory_order_acquire);

    if (block != NULL) {
        /* Relaxed: says no more than that the place is free. */
        atomic_store_explicit(place, NULL, memory_order_relaxed);
        queue->producer.spare++;
    }
    return block;
}

static void give_back(reef__spsc_t *queue, reef__spsc_block_t *block)
{
    _Atomic(reef__spsc_block_t *) *place =
        &queue->spares[queue->consumer.spare % REEF__SPSC_SPARES];

    if (atomic_load_explicit(place, memory_order_relaxed) != NULL) {
        block_destroy(queue, block);
        return;
    }
    /* Release: see take_spare(). */
    atomic_store_explicit(place, block, memory_order_release);
    queue->consumer.spare++;
}

void reef__spsc_add_block(reef__spsc_t *queue)
{
    reef__spsc_block_t *full = queue->producer.block;
    reef__spsc_block_t *block = take_spare(queue);

    write_to(queue, block ? block : block_create(queue));
    /* A plain write: the consumer follows it for a record that is yet to be published.
     */
    full->next = queue->producer.block;
}

void reef__spsc_next_block(reef__spsc_t *queue)
{
    reef__spsc_block_t *read = queue->consumer.block;

    read_from(queue, read->next);
    give_back(queue, read);
}
