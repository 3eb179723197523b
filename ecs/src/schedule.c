/*
 * A schedule is filled here, planned in schedule_plan.c and run in schedule_run.c.
 */
#include "schedule.h"

#include <reef/array.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

reef_schedule_t *reef_schedule_create(reef_world_t *world, const char *name)
{
    reef_schedule_t *schedule =
        reef_resize(reef__world_alloc(world), NULL, 0, sizeof(*schedule));

    *schedule = (reef_schedule_t){.world = world, .name = name};
    return schedule;
}

void reef__schedule_clear_plan(reef_schedule_t *schedule)
{
    const reef_alloc_t *alloc = reef__world_alloc(schedule->world);

    for (size_t i = 0; i < schedule->groups.count; i++) {
        REEF_ARRAY_FINISH(alloc, &schedule->groups.items[i].bounds);
    }
    REEF_ARRAY_FINISH(alloc, &schedule->groups);
    REEF_ARRAY_FINISH(alloc, &schedule->stages);
    REEF_ARRAY_FINISH(alloc, &schedule->ambiguities);
}

void reef_schedule_destroy(reef_schedule_t *schedule)
{
    const reef_alloc_t *alloc;

    if (schedule == NULL) {
        return;
    }
    assert(!schedule->running);
    alloc = reef__world_alloc(schedule->world);
    for (size_t i = 0; i < schedule->systems.count; i++) {
        reef__system_destroy(schedule->systems.items[i]);
    }
    reef__schedule_clear_plan(schedule);
    REEF_ARRAY_FINISH(alloc, &schedule->systems);
    REEF_ARRAY_FINISH(alloc, &schedule->order);
    REEF_ARRAY_FINISH(alloc, &schedule->sets);
    REEF_ARRAY_FINISH(alloc, &schedule->leased);
    reef_resize(alloc, schedule->turns.done, schedule->turns.capacity, 0);
    reef_resize(alloc, schedule, sizeof(*schedule), 0);
}

const char *reef_schedule_name(const reef_schedule_t *schedule)
{
    return schedule->name;
}

static bool has_system(const reef_schedule_t *schedule, const char *name)
{
    for (size_t i = 0; i < schedule->systems.count; i++) {
        if (strcmp(schedule->systems.items[i]->desc.name, name) == 0) {
            return true;
        }
    }
    return false;
}

reef__set_t *reef__schedule_find_set(const reef_schedule_t *schedule, const char *name)
{
    for (size_t i = 0; i < schedule->sets.count; i++) {
        if (strcmp(schedule->sets.items[i].desc.name, name) == 0) {
            return &schedule->sets.items[i];
        }
    }
    return NULL;
}

reef_error_t reef_schedule_add(reef_schedule_t *schedule,
                               const reef_system_desc_t *desc)
{
    const reef_alloc_t *alloc = reef__world_alloc(schedule->world);
    reef_system_t *system;

    assert(!schedule->running);
    if (has_system(schedule, desc->name) ||
        reef__schedule_find_set(schedule, desc->name) != NULL) {
        return REEF_E_EXISTS;
    }
    system = reef__system_create(schedule->world, schedule->name, desc);
    *REEF_ARRAY_PUSH(alloc, &schedule->systems) = system;
    *REEF_ARRAY_PUSH(alloc, &schedule->order) = system;
    schedule->built = false;
    return REEF_OK;
}

reef_error_t reef_schedule_add_set(reef_schedule_t *schedule,
                                   const reef_set_desc_t *desc)
{
    assert(!schedule->running);
    if (has_system(schedule, desc->name) ||
        reef__schedule_find_set(schedule, desc->name) != NULL) {
        return REEF_E_EXISTS;
    }
    *REEF_ARRAY_PUSH(reef__world_alloc(schedule->world), &schedule->sets) =
        (reef__set_t){.desc = *desc};
    schedule->built = false;
    return REEF_OK;
}

void reef_schedule_set_strict(reef_schedule_t *schedule, bool strict)
{
    schedule->strict = strict;
    schedule->built = false;
}

bool reef__system_is_in(const reef_system_t *system, const char *set)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_SETS; i++) {
        if (system->desc.sets[i] != NULL && strcmp(system->desc.sets[i], set) == 0) {
            return true;
        }
    }
    return false;
}

reef_error_t reef_schedule_build(reef_schedule_t *schedule, reef_failure_t *failure)
{
    reef_error_t error = REEF_OK;

    assert(!schedule->running);
    if (!schedule->built) {
        error = reef__schedule_plan(schedule, failure);
        schedule->built = error == REEF_OK;
    }
    return error;
}

void reef_schedule_run(reef_schedule_t *schedule)
{
    reef_failure_t failure;

    if (!schedule->built && reef_schedule_build(schedule, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    if (schedule->running || schedule->world->in_stage) {
        fprintf(stderr, "schedule '%s' is run from inside %s\n", schedule->name,
                schedule->running ? "itself" : "a system that is not exclusive");
        abort();
    }
    schedule->running = true;
    reef__schedule_run_stages(schedule);
    schedule->running = false;
    /* What is written from now on is newer than what the last system saw. */
    reef_world_advance_version(schedule->world);
}

uint32_t reef_schedule_count(const reef_schedule_t *schedule)
{
    return (uint32_t)schedule->order.count;
}

reef_system_t *reef_schedule_system(const reef_schedule_t *schedule, uint32_t index)
{
    assert(index < schedule->order.count);
    return schedule->order.items[index];
}

uint32_t reef_schedule_ambiguities(const reef_schedule_t *schedule,
                                   reef_ambiguity_t *out,
                                   uint32_t max)
{
    assert(schedule->built);
    for (uint32_t i = 0; i < max && i < schedule->ambiguities.count; i++) {
        out[i] = schedule->ambiguities.items[i];
    }
    return (uint32_t)schedule->ambiguities.count;
}
