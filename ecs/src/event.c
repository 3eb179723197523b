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

#include "copy.h"
#include "world.h"

#include <reef/array.h>
#include <reef/map.h>

#include <assert.h>
#include <string.h>

enum {
    BLOCK_SIZE = 16 * 1024, /* aimed at, bytes */
    BLOCK_ALIGNMENT = 16,
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

/* How many emits were tried before event @p number. */
static uint64_t *ticket_at(const reef_event_queue_t *queue, uint64_t number)
{
    return (uint64_t *)(void *)reef__event_block_of(queue, number) +
           reef__event_slot_of(queue, number);
}

REEF_NOINLINE static void add_block(reef_event_queue_t *queue)
{
    uint8_t *block = queue->spare_count > 0
                         ? queue->spares[--queue->spare_count]
                         : reef_resize(queue->alloc, NULL, 0, queue->block_size);

    *REEF_ARRAY_PUSH(queue->alloc, &queue->blocks) = block;
    queue->place = block + queue->events_offset;
    queue->ticket = (uint64_t *)(void *)block;
}

static void release_block(reef_event_queue_t *queue, uint8_t *block)
{
    if (queue->spare_count < REEF__EVENT_SPARE_BLOCKS) {
        queue->spares[queue->spare_count++] = block;
    } else {
        reef_resize(queue->alloc, block, queue->block_size, 0);
    }
}

static void drop_before(const reef_event_queue_t *queue, uint64_t end)
{
    const reef_event_type_t *type = queue->type;
    uint8_t *place = NULL;

    for (uint64_t number = queue->head; number < end; number++) {
        if (place == NULL || reef__event_begins_block(queue, number)) {
            place = reef__event_at(queue, number);
        }
        type->drop(place);
        place += type->size;
    }
}

/* Free the events before number @p end. */
static void trim_before(reef_event_queue_t *queue, uint64_t end)
{
    uint64_t count = (end >> queue->shift) - (queue->head >> queue->shift);

    if (queue->type->drop != NULL) {
        drop_before(queue, end);
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
REEF_NOINLINE static void drop_at_bound(reef_event_queue_t *queue, const void *event)
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

/* There is room. */
static uint8_t *add(reef_event_queue_t *queue)
{
    uint8_t *place;

    if (reef__event_begins_block(queue, queue->tail)) {
        add_block(queue);
    }
    place = queue->place;
    *queue->ticket++ = queue->tried++;
    queue->place += queue->type->size;
    queue->tail++;
    return place;
}

void *reef_event_add(reef_event_queue_t *queue)
{
    return reef__event_room(queue) > 0 ? add(queue) : NULL;
}

bool reef_event_emit(reef_event_queue_t *queue, const void *event)
{
    if (reef__event_room(queue) == 0) {
        queue->tried++;
        drop_at_bound(queue, event);
        return false;
    }
    reef__copy_value(add(queue), event, queue->type->size);
    return true;
}

/* Up to @p count events from @p events, as many as fit the bound and one block. */
static uint64_t
emit_part(reef_event_queue_t *queue, const uint8_t *events, uint64_t count)
{
    uint64_t room = reef__event_room(queue);
    uint64_t in_block =
        ((uint64_t)1 << queue->shift) - reef__event_slot_of(queue, queue->tail);

    count = count < room ? count : room;
    count = count < in_block ? count : in_block;
    if (count == 0) {
        return 0;
    }
    if (reef__event_begins_block(queue, queue->tail)) {
        add_block(queue);
    }
    for (uint64_t i = 0; i < count; i++) {
        *queue->ticket++ = queue->tried++;
    }
    memcpy(queue->place, events, count * queue->type->size);
    queue->place += count * queue->type->size;
    queue->tail += count;
    return count;
}

void reef__event_emit_all(reef_event_queue_t *queue, const void *events, uint64_t count)
{
    const uint8_t *next = events;

    while (count > 0) {
        uint64_t emitted = emit_part(queue, next, count);

        if (emitted == 0) {
            (void)reef_event_emit(queue, next); /* which counts and drops it */
            emitted = 1;
        }
        next += emitted * queue->type->size;
        count -= emitted;
    }
}

void reef__event_note_dropped(reef_event_queue_t *queue, uint64_t count)
{
    queue->tried += count;
    queue->dropped += count;
}

reef_event_reader_t *reef_event_reader_create(reef_event_queue_t *queue)
{
    reef_event_reader_t *reader = reef_resize(queue->alloc, NULL, 0, sizeof(*reader));

    *reader = (reef_event_reader_t){.queue = queue, .next = queue->readers};
    reef_event_skip(reader);
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
    return reef__event_next(reader);
}

bool reef_event_is_only_reader(const reef_event_reader_t *reader)
{
    return reader->queue->readers == reader && reader->next == NULL;
}

void *reef_event_next_mut(reef_event_reader_t *reader)
{
    return (void *)reef__event_next(reader);
}

void reef_event_skip(reef_event_reader_t *reader)
{
    reader->cursor = reader->queue->tail;
    reader->place = reader->queue->place;
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
