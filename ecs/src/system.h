/*
 * A system with all its declarations resolved: what the run context looks up, and what
 * the schedule needs to run and time it.
 */
#ifndef REEF_ECS_SYSTEM_H
#define REEF_ECS_SYSTEM_H

#include <reef/schedule.h>

/* A component or resource that a system may touch. */
typedef struct reef__grant {
    const reef_type_t *type; /* as declared; others of its name are the same type */
    void *resource;          /* its address, of a resource */
    reef_component_t component;
    bool write;
} reef__grant_t;

typedef struct reef__system_ring {
    uint64_t count; /* runs ever */
    uint64_t total_ns;
    uint64_t max_ns;
    uint64_t durations_ns[REEF_SYSTEM_RING]; /* run n at n % REEF_SYSTEM_RING */
} reef__system_ring_t;

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
    bool disabled;
    reef__system_ring_t ring;
};

/* Lives for one run of one system, on the schedule's stack. */
struct reef_run {
    reef_system_t *system;
    reef_commands_t *commands;
};

/* Resolve everything that @p desc declares; event cursors start at the present end.
 * Destroyed before the world. */
reef_system_t *reef__system_create(reef_world_t *world,
                                   const char *schedule_name,
                                   const reef_system_desc_t *desc);
void reef__system_destroy(reef_system_t *system);

/* Move the cursors of a system that does not run to the end. */
void reef__system_skip_events(reef_system_t *system);

/* Note that a run took @p duration_ns. */
void reef__system_record(reef_system_t *system, uint64_t duration_ns);

#endif /* REEF_ECS_SYSTEM_H */
