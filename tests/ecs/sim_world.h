/**
 * @file sim_world.h
 * @brief The inside of a plan's world, which building and running share.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim.h"

#include <pthread.h>
#include <string.h>

/* Readers and, above, writers that are there. */
typedef atomic_int sim_guard_t;

typedef struct sim_context {
    struct sim *sim;
    sim_guard_t guard;
} sim_context_t;

/* What became of one system. */
typedef struct sim_trace {
    atomic_uint begin, end;         /* of the last run; moments */
    atomic_uint rows;               /* that were visited */
    uint64_t events, sequence;      /* only one thread reads events */
    atomic_uint stamp[SIM_INDICES]; /* by entity: moment of the last visit */
} sim_trace_t;

struct sim {
    const sim_plan_t *plan;
    reef_world_t *world;
    reef_schedule_t *schedule;
    reef_bundle_t *bundles[8]; /* by sim_spawn_mask() of their number */
    reef_entity_t anchors[SIM_ANCHORS];
    uint32_t run;
    uint32_t run_began; /* moment */
    atomic_uint moment;
    pthread_t main_thread;
    atomic_bool main_ran, other_ran;
    _Atomic(const char *) failure;

    sim_guard_t rows[SIM_COMPONENTS][SIM_INDICES];
    sim_guard_t resources[SIM_RESOURCES];
    sim_guard_t queues[SIM_EVENTS]; /* those that emit, and above those that read */
    sim_guard_t world_guard;        /* exclusive systems write */
    sim_context_t contexts[SIM_SYSTEMS + SIM_CONTEXTS];
    sim_trace_t traces[SIM_SYSTEMS];
};

/** Remember what is wrong, if it is the first.  Nothing may assert on a worker. */
static inline void sim_blame(sim_t *sim, const char *what)
{
    const char *none = NULL;

    atomic_compare_exchange_strong(&sim->failure, &none, what);
}

static inline uint32_t
sim_value_at(const void *column, uint32_t component, uint32_t row)
{
    uint32_t value;

    memcpy(&value,
           (const uint8_t *)column + (size_t)row * sim_components[component].size,
           sizeof(value));
    return value;
}

/** An entity with the components of @p mask, at once. */
reef_entity_t sim_spawn(sim_t *sim, uint8_t mask, uint32_t number);

/** What every system of a plan runs. */
void sim_run_system(reef_run_t *run, uint32_t system);

#endif /* SIM_WORLD_H */
