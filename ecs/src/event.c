/*
 * A queue numbers its events from 0 for ever.  Those held, head … tail - 1, lie in
 * blocks of 2^shift events:
 *
 *     blocks[0]          blocks[1]          blocks[2]
 *     [. . . head x x x] [x x x x x x x x ] [x x tail . . . . .]
 *
 * Blocks never move, so an event's address holds until it is trimmed, even when the
 * system that reads it emits into the same queue.  Trimming releases whole blocks and
 * keeps a few of them for the next frame.
 *
 * An emit that is dropped at the bound gets no number, but counts as tried.  As marks
 * (reef_event_passed()) count tries, each event keeps how many tries came before it,
 * in an array in front of the events of its block.
 */
#include "event.h"

#include "world.h"

#include <reef/array.h>
#include <reef/map.h>

#include <assert.h>
#include <string.h>

enum {
    BLOCK_SIZE = 16 * 1024, /* aimed at, bytes */
    BLOCK_ALIGNMENT = 16,
    SPARE_BLOCKS = 8, /* kept per queue */
};

struct reef_event_reader {
    reef_event_queue_t *queue;
    reef_event_reader_t *next;
    uint64_t cursor; /* number of the next event to read */
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
    struct {
        uint8_t **items;
        size_t count, capacity;
    } blocks; /* blocks.items[0] holds head, unless count is 0 */
    uint8_t *spares[SPARE_BLOCKS];
    size_t spare_count;
};

struct reef_event_registry {
    const reef_alloc_t *alloc;
    reef_world_t *world;
    reef_map_t *by_name; /* index into queues */
    struct {
        reef_event_queue_t **items;
        size_t count, capacity;
    } queues;
};

static void choose_layout(reef_event_queue_t *queue)
{
    size_t each = queue->type->size + sizeof(uint64_t);
    size_t tickets_size;

    while ((each << (queue->shift + 1)) <= BLOCK_SIZE) {
        queue->shift++;
    }
    tickets_size = sizeof(uint64_t) << queue->shift;
    queue->events_offset =
        (tickets_size + BLOCK_ALIGNMENT - 1) / BLOCK_ALIGNMENT * BLOCK_ALIGNMENT;
    queue->block_size =
        queue->events_offset + ((size_t)queue->type->size << queue->shift);
}

static reef_event_queue_t *create_queue(reef_world_t *world,
                                        const reef_event_type_t *type)
{
    const reef_alloc_t *alloc = reef__world_alloc(world);
    reef_event_queue_t *queue = reef_resize(alloc, NULL, 0, sizeof(*queue));

    assert(type->size > 0);
    *queue = (reef_event_queue_t){
        .alloc = alloc,
        .world = world,
        .type = type,
        .limit = type->limit == 0 ? REEF_EVENT_LIMIT_DEFAULT : type->limit,
    };
    choose_layout(queue);
    return queue;
}

static uint8_t *block_of(const reef_event_queue_t *queue, uint64_t number)
{
    uint64_t first = queue->head >> queue->shift;

    return queue->blocks.items[(number >> queue->shift) - first];
}

static size_t slot_of(const reef_event_queue_t *queue, uint64_t number)
{
    return (size_t)(number & (((uint64_t)1 << queue->shift) - 1));
}

static void *event_at(const reef_event_queue_t *queue, uint64_t number)
{
    return block_of(queue, number) + queue->events_offset +
           slot_of(queue, number) * queue->type->size;
}

/* How many emits were tried before event @p number. */
static uint64_t *ticket_at(const reef_event_queue_t *queue, uint64_t number)
{
    return (uint64_t *)(void *)block_of(queue, number) + slot_of(queue, number);
}

static void add_block(reef_event_queue_t *queue)
{
    uint8_t *block = queue->spare_count > 0
                         ? queue->spares[--queue->spare_count]
                         : reef_resize(queue->alloc, NULL, 0, queue->block_size);

    *REEF_ARRAY_PUSH(queue->alloc, &queue->blocks) = block;
}

static void release_block(reef_event_queue_t *queue, uint8_t *block)
{
    if (queue->spare_count < SPARE_BLOCKS) {
        queue->spares[queue->spare_count++] = block;
    } else {
        reef_resize(queue->alloc, block, queue->block_size, 0);
    }
}

/* Free the events before number @p end. */
static void trim_before(reef_event_queue_t *queue, uint64_t end)
{
    uint64_t count = (end >> queue->shift) - (queue->head >> queue->shift);

    if (queue->type->drop != NULL) {
        for (uint64_t number = queue->head; number < end; number++) {
            queue->type->drop(event_at(queue, number));
        }
    }
    queue->head = end;
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        release_block(queue, queue->blocks.items[i]);
    }
    queue->blocks.count -= count;
    memmove(queue->blocks.items, queue->blocks.items + count,
            queue->blocks.count * sizeof(queue->blocks.items[0]));
}

static uint64_t lowest_cursor(const reef_event_queue_t *queue)
{
    uint64_t lowest = queue->tail;

    for (const reef_event_reader_t *reader = queue->readers; reader != NULL;
         reader = reader->next) {
        if (reader->cursor < lowest) {
            lowest = reader->cursor;
        }
    }
    return lowest;
}

static void destroy_queue(reef_event_queue_t *queue)
{
    assert(queue->readers == NULL);
    trim_before(queue, queue->tail);
    for (size_t i = 0; i < queue->blocks.count; i++) {
        reef_resize(queue->alloc, queue->blocks.items[i], queue->block_size, 0);
    }
    for (size_t i = 0; i < queue->spare_count; i++) {
        reef_resize(queue->alloc, queue->spares[i], queue->block_size, 0);
    }
    REEF_ARRAY_FINISH(queue->alloc, &queue->blocks);
    reef_resize(queue->alloc, queue, sizeof(*queue), 0);
}

/* The contents are the queue's by now; the struct is the caller's. */
static void drop_at_bound(reef_event_queue_t *queue, const void *event)
{
    queue->dropped++;
    if (queue->type->overflow != NULL && !queue->overflows) {
        queue->overflows = true;
        queue->type->overflow(queue->world, event);
        queue->overflows = false;
    }
    if (queue->type->drop != NULL) {
        queue->type->drop((void *)event);
    }
}

bool reef_event_emit(reef_event_queue_t *queue, const void *event)
{
    uint64_t number = queue->tail;

    queue->tried++;
    if (number - queue->head >= queue->limit) {
        drop_at_bound(queue, event);
        return false;
    }
    if ((number >> queue->shift) - (queue->head >> queue->shift) ==
        queue->blocks.count) {
        add_block(queue);
    }
    queue->tail++;
    *ticket_at(queue, number) = queue->tried - 1;
    memcpy(event_at(queue, number), event, queue->type->size);
    return true;
}

uint64_t reef__event_room(const reef_event_queue_t *queue)
{
    uint64_t held = queue->tail - queue->head;

    return held < queue->limit ? queue->limit - held : 0;
}

void reef__event_note_dropped(reef_event_queue_t *queue, uint64_t count)
{
    queue->tried += count;
    queue->dropped += count;
}

reef_event_reader_t *reef_event_reader_create(reef_event_queue_t *queue)
{
    reef_event_reader_t *reader = reef_resize(queue->alloc, NULL, 0, sizeof(*reader));

    *reader = (reef_event_reader_t){
        .queue = queue, .next = queue->readers, .cursor = queue->tail};
    queue->readers = reader;
    return reader;
}

void reef_event_reader_destroy(reef_event_reader_t *reader)
{
    reef_event_reader_t **link;

    if (reader == NULL) {
        return;
    }
    link = &reader->queue->readers;
    while (*link != reader) {
        link = &(*link)->next;
    }
    *link = reader->next;
    reef_resize(reader->queue->alloc, reader, sizeof(*reader), 0);
}

const void *reef_event_next(reef_event_reader_t *reader)
{
    if (reader->cursor == reader->queue->tail) {
        return NULL;
    }
    return event_at(reader->queue, reader->cursor++);
}

void reef_event_skip(reef_event_reader_t *reader)
{
    reader->cursor = reader->queue->tail;
}

uint64_t reef_event_pending(const reef_event_reader_t *reader)
{
    return reader->queue->tail - reader->cursor;
}

uint64_t reef_event_held(const reef_event_queue_t *queue)
{
    return queue->tail - queue->head;
}

uint64_t reef_event_emitted_count(const reef_event_queue_t *queue)
{
    return queue->tried;
}

uint64_t reef_event_dropped_count(const reef_event_queue_t *queue)
{
    return queue->dropped;
}

bool reef_event_passed(const reef_event_queue_t *queue, uint64_t mark)
{
    uint64_t lowest = lowest_cursor(queue);

    return lowest == queue->tail || *ticket_at(queue, lowest) >= mark;
}

reef_event_registry_t *reef__event_registry_create(reef_world_t *world)
{
    const reef_alloc_t *alloc = reef__world_alloc(world);
    reef_event_registry_t *registry = reef_resize(alloc, NULL, 0, sizeof(*registry));

    *registry = (reef_event_registry_t){
        .alloc = alloc,
        .world = world,
        .by_name = reef_map_create(alloc),
    };
    return registry;
}

void reef__event_registry_destroy(reef_event_registry_t *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = 0; i < registry->queues.count; i++) {
        destroy_queue(registry->queues.items[i]);
    }
    REEF_ARRAY_FINISH(registry->alloc, &registry->queues);
    reef_map_destroy(registry->by_name);
    reef_resize(registry->alloc, registry, sizeof(*registry), 0);
}

reef_event_queue_t *reef__event_registry_ensure(reef_event_registry_t *registry,
                                                const reef_event_type_t *type)
{
    reef_span_t name = reef_span_text(type->name);
    uint64_t index = registry->queues.count;

    if (reef_map_find(registry->by_name, name, &index)) {
        assert(registry->queues.items[index]->type->size == type->size);
    } else {
        reef_map_set(registry->by_name, name, index);
        *REEF_ARRAY_PUSH(registry->alloc, &registry->queues) =
            create_queue(registry->world, type);
    }
    return registry->queues.items[index];
}

void reef__event_registry_trim(reef_event_registry_t *registry)
{
    for (size_t i = 0; i < registry->queues.count; i++) {
        reef_event_queue_t *queue = registry->queues.items[i];

        trim_before(queue, lowest_cursor(queue));
    }
}
