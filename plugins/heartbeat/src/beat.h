/**
 * @file beat.h
 * @brief Clients by the time at which somebody has to look at them next.
 *
 * A sorted queue: the first in time is at hand, and to look at what is due costs
 * nothing for what is not.
 */
#ifndef REEF_PLUGIN_BEAT_H
#define REEF_PLUGIN_BEAT_H

#include <reef/alloc.h>
#include <reef/world.h>

#include <stdbool.h>

/** One client. */
typedef struct reef__beat {
    reef_entity_t entity;
    uint64_t client_id;
    uint64_t due_ns;    /* changed by reef__beats_delay_first() only */
    uint64_t pinged_ns; /* when it was asked last */
    uint32_t slot;      /* of its connection */
    uint32_t pings;     /* sent since it was heard */
    bool is_text;       /* the last was a text */
} reef__beat_t;

typedef struct reef__beats {
    const reef_alloc_t *alloc;
    struct {
        reef__beat_t *items; /* a heap: each is due before both at 2 i + 1, 2 i + 2 */
        size_t count, capacity;
    } heap;
    struct {
        uint32_t *items; /* position in the heap + 1, by slot; 0 = not in it */
        size_t count, capacity;
    } places;
} reef__beats_t;

/** Prepare an empty queue; takes no memory. */
void reef__beats_init(reef__beats_t *beats, const reef_alloc_t *alloc);

void reef__beats_finish(reef__beats_t *beats);

/** Add a client, copied; one with its slot is replaced. */
void reef__beats_add(reef__beats_t *beats, const reef__beat_t *beat);

/** The client with that slot, or NULL; borrowed until the queue changes. */
reef__beat_t *reef__beats_find(const reef__beats_t *beats, uint32_t slot);

/** Take a client out; nothing happens when it is not in. */
void reef__beats_remove(reef__beats_t *beats, uint32_t slot);

/** Who is due first, or NULL; borrowed until the queue changes. */
reef__beat_t *reef__beats_first(const reef__beats_t *beats);

/** The first is due at @p due_ns, which is no earlier than it was. */
void reef__beats_delay_first(reef__beats_t *beats, uint64_t due_ns);

#endif /* REEF_PLUGIN_BEAT_H */
