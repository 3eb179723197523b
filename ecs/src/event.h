/*
 * All event queues of one world, by type.
 */
#ifndef REEF_ECS_EVENT_H
#define REEF_ECS_EVENT_H

#include <reef/alloc.h>
#include <reef/event.h>

enum {
    REEF__EVENT_SPARE_BLOCKS = 8 /* kept per queue */
};

/* Both are here for the functions below, which every event of a system meets. */
struct reef_event_reader {
    reef_event_queue_t *queue;
    reef_event_reader_t *next;
    uint64_t cursor;      /* number of the next event to read */
    const uint8_t *place; /* where it is, unless it is the first of a block */
};

struct reef_event_queue {
    const reef_alloc_t *alloc;
    reef_world_t *world;
    const reef_event_type_t *type;
    reef_event_reader_t *readers; /* owned by their creators */
    uint64_t head, tail;          /* numbers of the first event held, and of the next */
    uint64_t limit;
    uint64_t tried;
    uint64_t dropped;
    bool overflows;       /* its hook runs: what that drops here is not told */
    size_t block_size;    /* bytes */
    size_t events_offset; /* bytes from a block's start to its first event */
    unsigned shift;       /* events per block, as a power of two */
    uint8_t *place;   /* where the next event goes, and what it is to know of tries */
    uint64_t *ticket; /* … unless it is the first of a block */
    struct {
        uint8_t **items;
        size_t count, capacity;
    } blocks; /* blocks.items[0] holds head, unless count is 0 */
    uint8_t *spares[REEF__EVENT_SPARE_BLOCKS];
    size_t spare_count;
};

/* The next three are of events that the queue holds. */
static inline uint8_t *reef__event_block_of(const reef_event_queue_t *queue,
                                            uint64_t number)
{
    uint64_t first = queue->head >> queue->shift;

    return queue->blocks.items[(number >> queue->shift) - first];
}

static inline size_t reef__event_slot_of(const reef_event_queue_t *queue,
                                         uint64_t number)
{
    return (size_t)(number & (((uint64_t)1 << queue->shift) - 1));
}

static inline void *reef__event_at(const reef_event_queue_t *queue, uint64_t number)
{
    return reef__event_block_of(queue, number) + queue->events_offset +
           reef__event_slot_of(queue, number) * queue->type->size;
}

/* Whether event @p number is the first of a block. */
static inline bool reef__event_begins_block(const reef_event_queue_t *queue,
                                            uint64_t number)
{
    return reef__event_slot_of(queue, number) == 0;
}

/* How many events the queue still takes. */
static inline uint64_t reef__event_room(const reef_event_queue_t *queue)
{
    uint64_t held = queue->tail - queue->head;

    return held < queue->limit ? queue->limit - held : 0;
}

/* reef_event_next() */
static inline const void *reef__event_next(reef_event_reader_t *reader)
{
    const reef_event_queue_t *queue = reader->queue;
    const uint8_t *event = reader->place;

    if (reader->cursor == queue->tail) {
        return NULL;
    }
    if (reef__event_begins_block(queue, reader->cursor)) {
        event = reef__event_at(queue, reader->cursor);
    }
    reader->cursor++;
    reader->place = event + queue->type->size;
    return event;
}

typedef struct reef_event_registry reef_event_registry_t;

reef_event_registry_t *reef__event_registry_create(reef_world_t *world);

/* Drops all events still held; every reader must be gone (asserts).  Accepts NULL. */
void reef__event_registry_destroy(reef_event_registry_t *registry);

/* The queue of @p type, made on first use; @p type is borrowed.  Two types of one name
 * must have the same size (asserts). */
reef_event_queue_t *reef__event_registry_ensure(reef_event_registry_t *registry,
                                                const reef_event_type_t *type);

/* Free, in every queue, the events that all its readers have passed. */
void reef__event_registry_trim(reef_event_registry_t *registry);

/* Emit @p count events that lie one after the other. */
void reef__event_emit_all(reef_event_queue_t *queue,
                          const void *events,
                          uint64_t count);

/* Count emits that were dropped before they came here. */
void reef__event_note_dropped(reef_event_queue_t *queue, uint64_t count);

#endif /* REEF_ECS_EVENT_H */
