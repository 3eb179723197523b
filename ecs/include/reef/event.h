/**
 * @file event.h
 * @brief Typed queues in which every reader has its own cursor.
 *
 * An event lives until each registered reader has passed it; reef_events_trim() frees
 * what all have passed.  A reader that is disabled skips to the end, so it holds
 * nothing up.  Each type has a bound: beyond it emitting fails and is counted.
 * World thread only; inside systems use reef_run_next() and reef_run_emit().
 */
#ifndef REEF_EVENT_H
#define REEF_EVENT_H

#include <reef/attrs.h>
#include <reef/world.h>

enum {
    REEF_EVENT_LIMIT_DEFAULT = 1 << 20
};

typedef struct reef_event_type {
    const char *name;          /* unique in a world */
    uint32_t size;             /* bytes of one event */
    uint32_t limit;            /* events held at once; 0 = REEF_EVENT_LIMIT_DEFAULT */
    void (*drop)(void *event); /* release what the event owns; may be NULL */

    /** Told on the world thread of an event that is dropped at the bound, before
     * `drop`; may emit others.  May be NULL. */
    void (*overflow)(reef_world_t *world, const void *event);
} reef_event_type_t;

/** Declare `<name>_event` for the struct `<name>_t`; initialisers may follow:
 *  `REEF_EVENT(user_joined, .limit = 1000);` */
#define REEF_EVENT(name_, ...)                                                         \
    REEF_UNUSED static const reef_event_type_t name_##_event = {                       \
        .name = #name_, .size = sizeof(name_##_t), __VA_ARGS__}

typedef struct reef_event_queue reef_event_queue_t;
typedef struct reef_event_reader reef_event_reader_t;

/** The world's queue of @p type, made on first use.  Owned by the world. */
reef_event_queue_t *reef_world_events(reef_world_t *world,
                                      const reef_event_type_t *type);

/**
 * Append a copy of @p event (type->size bytes), whose contents the queue then owns.
 * False when the bound is reached: the event was dropped and counted.
 */
bool reef_event_emit(reef_event_queue_t *queue, const void *event);

/** Room for one more event, which the caller writes before it does anything else with
 * the queue; NULL when the bound is reached: then reef_event_emit() drops and counts
 * it. */
void *reef_event_add(reef_event_queue_t *queue);

/** A cursor at the present end.  Owned by the caller: reef_event_reader_destroy(),
 *  before the world. */
reef_event_reader_t *reef_event_reader_create(reef_event_queue_t *queue);

/** Accepts NULL. */
void reef_event_reader_destroy(reef_event_reader_t *reader);

/** The next event, or NULL; borrowed until reef_events_trim(). */
const void *reef_event_next(reef_event_reader_t *reader);

/** Whether nobody else reads what @p reader reads. */
bool reef_event_is_only_reader(const reef_event_reader_t *reader);

/** The next event, for a reader that may be the only one: then it may take over what
 * the event owns, and leaves of it what the type's `drop` accepts. */
void *reef_event_next_mut(reef_event_reader_t *reader);

/** Move the cursor to the end without reading. */
void reef_event_skip(reef_event_reader_t *reader);

/** Events in the queue that @p reader has not read. */
uint64_t reef_event_pending(const reef_event_reader_t *reader);

/** Events in the queue now, read or not: those not trimmed yet. */
uint64_t reef_event_held(const reef_event_queue_t *queue);

/** Emits ever tried, and those dropped at the bound. */
uint64_t reef_event_emitted_count(const reef_event_queue_t *queue);
uint64_t reef_event_dropped_count(const reef_event_queue_t *queue);

/** True when every reader has passed all events emitted before the @p mark-th; see
 *  reef_event_emitted_count() for taking a mark. */
bool reef_event_passed(const reef_event_queue_t *queue, uint64_t mark);

/** Free, in every queue of the world, the events that all readers have passed. */
void reef_events_trim(reef_world_t *world);

#endif /* REEF_EVENT_H */
