/**
 * @file schedule.h
 * @brief The inside of a schedule: systems, their order, and the stages.
 */
#ifndef REEF_ECS_SCHEDULE_H
#define REEF_ECS_SCHEDULE_H

#include "command.h"
#include "system.h"

#include <reef/map.h>

typedef struct reef__set {
    reef_set_desc_t desc;
    uint64_t checked_run; /* of the schedule, in which run_if was last called */
    bool holds;           /* what it said */
} reef__set_t;

/** Systems that run one after the other: a single one, or parallel ones that share no
 *  more than rows and so follow each other slice by slice, while it is in the cache. */
typedef struct reef__group {
    uint32_t first_system, system_count; /* in the order */
    bool parallel;
    uint64_t structure;  /* the world's, when the bounds were computed */
    uint32_t unit_count; /* slices of work */
    size_t unit_bytes;   /* of rows, at least, in all but the last */
    bool fits_one; /* without threads all may be one: it is little, and unrecorded */
    struct {
        reef__query_place_t *items; /* [unit_count + 1][system_count] in the queries */
        size_t count, capacity;
    } bounds;
} reef__group_t;

/** Systems without conflict, and what takes effect at their end. */
typedef struct reef__stage {
    uint32_t first_group, group_count;
    uint32_t first_system, system_count;
    bool exclusive;
    bool parallel; /* has a group of parallel systems */
    bool asks;     /* has a system with run_if or sets */
    bool commands; /* has a system that records commands */
    bool records;  /* or events */
} reef__stage_t;

struct reef_schedule {
    reef_world_t *world;
    const char *name;
    struct {
        reef_system_t **items; /* as added */
        size_t count, capacity;
    } systems;
    struct {
        reef_system_t **items; /* as run; once built, by stage and group */
        size_t count, capacity;
    } order;
    struct {
        reef__set_t *items;
        size_t count, capacity;
    } sets;
    struct {
        reef__group_t *items;
        size_t count, capacity;
    } groups;
    struct {
        reef__stage_t *items;
        size_t count, capacity;
    } stages;
    struct {
        reef_ambiguity_t *items;
        size_t count, capacity;
    } ambiguities;
    struct {
        reef_commands_t **items; /* of the stage that runs */
        size_t count, capacity;
    } leased;
    reef__turns_t turns; /* to take ids that nobody has leased */
    uint64_t run_count;
    bool strict;
    bool built;
    bool running;
};

/** The set called @p name, or NULL. */
reef__set_t *reef__schedule_find_set(const reef_schedule_t *schedule, const char *name);

/** Whether a system names a set. */
bool reef__system_is_in(const reef_system_t *system, const char *set);

/** Put all systems in order, find the ambiguities, cut stages and groups.
 *  Errors as reef_schedule_build(). */
REEF_NODISCARD reef_error_t reef__schedule_plan(reef_schedule_t *schedule,
                                                reef_failure_t *failure);

/** Forget stages and groups. */
void reef__schedule_clear_plan(reef_schedule_t *schedule);

static inline reef_system_t *reef__schedule_system_at(const reef_schedule_t *schedule,
                                                      uint32_t index)
{
    return schedule->order.items[index];
}

/** Cut what the group visits into units of whole chunks. */
void reef__group_cut_units(reef_schedule_t *schedule, reef__group_t *group);

/** Run all stages of a built schedule. */
void reef__schedule_run_stages(reef_schedule_t *schedule);

#endif /* REEF_ECS_SCHEDULE_H */
