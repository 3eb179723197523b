/*
 * A system with all its declarations resolved: what the run context looks up, and what
 * the schedule needs to place, run and time it.
 */
#ifndef REEF_ECS_SYSTEM_H
#define REEF_ECS_SYSTEM_H

#include "query.h"

#include <reef/schedule.h>

#include <stdatomic.h>
#include <string.h>

/* A component or resource that a system may touch. */
typedef struct reef__grant {
    const reef_type_t *type; /* as declared; others of its name are the same type */
    void *resource;          /* its address, of a resource */
    reef_component_t component;
    bool write;
    bool by_query; /* only in the rows that the query visits */
} reef__grant_t;

typedef struct reef__system_ring {
    uint64_t count; /* runs ever */
    uint64_t total_ns;
    uint64_t max_ns;
    uint64_t durations_ns[REEF_SYSTEM_RING]; /* run n at n % REEF_SYSTEM_RING */
} reef__system_ring_t;

/* What one run, or one slice of a parallel one, has recorded. */
typedef struct reef__recorder {
    reef_commands_t *commands; /* owned; NULL when none may be recorded */
    struct {
        uint8_t *items;
        size_t size, capacity; /* bytes */
        uint64_t dropped;
    } events[REEF_MAX_SYSTEM_EVENTS]; /* as desc.emits */
} reef__recorder_t;

struct reef_system {
    reef_system_desc_t desc;
    const char *schedule_name;
    reef_world_t *world;
    reef_query_t *query; /* owned; NULL when none was declared */
    reef__grant_t components[2 * REEF_MAX_TERMS];
    reef__grant_t resources[REEF_MAX_TERMS];
    reef_event_reader_t *readers[REEF_MAX_SYSTEM_EVENTS]; /* owned; as desc.reads */
    reef_event_queue_t *queues[REEF_MAX_SYSTEM_EVENTS];   /* as desc.emits */
    uint32_t component_count;
    uint32_t resource_count;
    struct {
        reef__recorder_t *items; /* one, or of a parallel system one per slice */
        size_t count, capacity;
    } recorders;
    uint32_t stage, group;       /* once the schedule is built */
    uint64_t version;            /* of the present run, or the last one */
    atomic_uint_fast64_t run_ns; /* of the present run, all slices together */
    bool records;                /* commands or events */
    bool active;                 /* takes part in the present run */
    bool disabled;
    reef__system_ring_t ring;
};

/* Lives for one call of a system's function, on the stack of who calls it. */
struct reef_run {
    reef_system_t *system;
    reef__recorder_t *recorder;
    reef__query_place_t from, to; /* of a parallel system's query */
};

/* Resolve everything that @p desc declares; event cursors start at the present end.
 * Destroyed before the world. */
reef_system_t *reef__system_create(reef_world_t *world,
                                   const char *schedule_name,
                                   const reef_system_desc_t *desc);
void reef__system_destroy(reef_system_t *system);

/* Whether two descriptions are of one name; mostly they are the same. */
static inline bool reef__same_name(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

/* Of a description of the same name. */
int reef__find_event_by_name(const reef_event_type_t *const *declared,
                             const reef_event_type_t *type);

/* Index of @p type in @p declared, or -1. */
static inline int reef__find_event(const reef_event_type_t *const *declared,
                                   const reef_event_type_t *type)
{
    for (int i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (declared[i] == type) {
            return i;
        }
    }
    return reef__find_event_by_name(declared, type);
}

/* Have at least @p count recorders. */
void reef__system_reserve_recorders(reef_system_t *system, size_t count);

/* Emit what the recorder holds. */
void reef__system_emit_recorded(reef_system_t *system, reef__recorder_t *recorder);

/* Move the cursors of a system that does not run to the end. */
void reef__system_skip_events(reef_system_t *system);

/* Note that a run took @p duration_ns. */
void reef__system_record(reef_system_t *system, uint64_t duration_ns);

/* Duration of the last run, 0 when there was none. */
static inline uint64_t reef__system_last_ns(const reef_system_t *system)
{
    const reef__system_ring_t *ring = &system->ring;

    return ring->count > 0 ? ring->durations_ns[(ring->count - 1) % REEF_SYSTEM_RING]
                           : 0;
}

/*
 * Whether two systems must not run at the same time, and why: the name of what both
 * touch, or NULL.  @p by_row tells whether each row is all they share: they may then
 * follow each other slice by slice.
 */
const char *
reef__system_conflict(const reef_system_t *a, const reef_system_t *b, bool *by_row);

#endif /* REEF_ECS_SYSTEM_H */
