/**
 * @file sim.h
 * @brief Random schedules as data: run by a world with workers, and naively.
 *
 * A *spec* says what a system declares and, by a number, what it does: all systems mix
 * the values they read into those they write, so that any other order, a row visited
 * twice or an effect that comes too late gives other numbers.  While a system works it
 * stands in *guards* of all it touches: per row and component, resource and event type;
 * whoever meets somebody there who writes reports it.
 *
 * The naive run (sim_naive.c) does the same with arrays, one system after the other.
 */
#ifndef SIM_H
#define SIM_H

#include <reef/array.h>
#include <reef/schedule.h>
#include <reef/table.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SIM_COMPONENTS = 6,
    SIM_RESOURCES = 3,
    SIM_EVENTS = 3,
    SIM_SYSTEMS = 14,
    SIM_TERMS = 5,
    SIM_BY_ID = 2,
    SIM_CONTEXTS = 4, /* beyond those of one system each */
    SIM_ANCHORS = 32, /* entities that have everything and stay: reached by id */
    SIM_INDICES = 1 << 15,
};

extern const reef_type_t sim_components[SIM_COMPONENTS];
extern const reef_type_t sim_resources[SIM_RESOURCES];
extern const reef_event_type_t sim_events[SIM_EVENTS];

typedef struct sim_event {
    uint32_t system;
    uint32_t number;
} sim_event_t;

/** What a system declares and does. */
typedef struct sim_spec {
    char name[12];
    uint32_t salt; /* what it does, where not said below */
    bool exclusive, parallel, commands;
    uint32_t term_count; /* of the query */
    reef_access_t access[SIM_TERMS];
    uint8_t components[SIM_TERMS];
    reef_access_t by_id[SIM_COMPONENTS]; /* READ, WRITE or NONE, of anchors */
    reef_access_t resources[SIM_RESOURCES];
    uint32_t reads, emits;  /* 1 << event */
    uint32_t after, before; /* 1 << system */
    bool in_set;            /* the one that `sim_set_holds` decides about */
    uint32_t skips;         /* run_if says no in every so-manieth run; 0 = never */
    uint32_t rests;         /* disabled in every so-manieth run; 0 = never */
    int shared_context;     /* -1 = one of its own */
} sim_spec_t;

typedef struct sim_plan {
    sim_spec_t specs[SIM_SYSTEMS];
    uint32_t count;
    uint32_t entities;
    uint32_t step; /* of the numbers that they come from; 8 makes them alike */
    uint64_t seed;
} sim_plan_t;

/** A random plan that is valid. */
void sim_plan_init(sim_plan_t *plan, uint64_t seed);

/* Shared by both ways of running ----------------------------------------------------
 */

/** Numbers of entities that come to be, from one number. */
uint8_t sim_spawn_mask(uint32_t number);
uint32_t sim_spawn_value(uint32_t number, uint32_t component);

static inline uint32_t sim_mix(uint32_t a, uint32_t b)
{
    a = (a ^ b) * UINT32_C(0x85ebca6b);
    return a ^ a >> 13;
}

static inline bool sim_is_watch(reef_access_t access)
{
    return access == REEF_ACCESS_CHANGED || access == REEF_ACCESS_ADDED;
}

static inline bool sim_is_write(reef_access_t access)
{
    return access == REEF_ACCESS_WRITE || access == REEF_ACCESS_MAYBE_WRITE;
}

/** What a system does with a row, by what it found there. */
typedef enum sim_deed {
    SIM_NOTHING,
    SIM_SPAWN,
    SIM_DESPAWN,
    SIM_ADD,
    SIM_REMOVE,
} sim_deed_t;

static inline sim_deed_t sim_deed_of(uint32_t number)
{
    uint32_t dice = number >> 7 & 63;

    return dice < 4 ? (sim_deed_t)(SIM_SPAWN + dice) : SIM_NOTHING;
}

static inline bool sim_emits_at(uint32_t number)
{
    return (number >> 17 & 7) == 0;
}

static inline bool sim_set_holds(uint32_t run)
{
    return run % 3 != 1;
}

static inline bool sim_is_due(const sim_spec_t *spec, uint32_t run)
{
    return (spec->rests == 0 || run % spec->rests != 0) &&
           (!spec->in_set || sim_set_holds(run)) &&
           (spec->skips == 0 || run % spec->skips != spec->skips - 1);
}

/** What both know of the state and of one run. */
typedef struct sim_result {
    uint64_t state;  /* sum over all entities, without their ids */
    uint64_t events; /* that were read, by systems, in any order */
    uint64_t rows;   /* that were visited */
    uint32_t alive;
    uint32_t resources[SIM_RESOURCES];
} sim_result_t;

/* With a world ----------------------------------------------------------------------
 */

/** What must be the same with any number of workers. */
typedef struct sim_digest {
    uint64_t state_hash;
    uint64_t ids;      /* of all entities */
    uint64_t rows;     /* order of rows in all tables */
    uint64_t sequence; /* order of events, as each reader got them */
} sim_digest_t;

typedef struct sim sim_t;

/** A world with @p workers, and the plan's schedule, built.  Owned by the caller. */
sim_t *sim_create(const sim_plan_t *plan, uint32_t workers);
void sim_destroy(sim_t *sim);

/** Run the schedule once. */
void sim_run(sim_t *sim);

/** What went wrong while running, or NULL. */
const char *sim_failure(const sim_t *sim);

sim_result_t sim_result(const sim_t *sim);
sim_digest_t sim_digest(const sim_t *sim);

/** The system at place @p index of the order of running, and its stage. */
uint32_t sim_order(const sim_t *sim, uint32_t index, uint32_t *stage);

/** Threads that ran anything so far, at most two are told apart. */
uint32_t sim_threads(const sim_t *sim);

/** Whether @p first was done with everything, or with every row that the other visits
 *  too, before @p second came there, in the last run. */
bool sim_ran_before(const sim_t *sim, uint32_t first, uint32_t second);

/* Naively ---------------------------------------------------------------------------
 */

typedef struct naive naive_t;

naive_t *naive_create(const sim_plan_t *plan);
void naive_destroy(naive_t *naive);

/** The same, in the order and the stages of @p sim. */
void naive_run(naive_t *naive, const sim_t *sim);
sim_result_t naive_result(const naive_t *naive);

#endif /* SIM_H */
