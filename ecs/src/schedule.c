/*
 * The order of systems, and running them.
 *
 * The order is a topological sort that, among all systems whose predecessors have been
 * placed, takes the one added first: so systems stay in the order in which they were
 * added as far as before and after allow.
 *
 * Each system runs under a world version of its own, and what it recorded is applied
 * right after it.  An exclusive system may run another schedule meanwhile: all state
 * of a run is in its schedule, its systems and on the stack.
 */
#include "system.h"
#include "world.h"

#include <reef/array.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reef_schedule {
    reef_world_t *world;
    const char *name;
    struct {
        reef_system_t **items; /* as added */
        size_t count, capacity;
    } systems;
    struct {
        reef_system_t **items; /* as run; once built */
        size_t count, capacity;
    } order;
    reef_commands_t *commands; /* owned */
    bool built;
    bool running;
};

/* What the sort works on, released when it is done. */
typedef struct edge {
    size_t from, to; /* indices in systems: from runs before to */
} edge_t;

typedef struct sort {
    const reef_alloc_t *alloc;
    size_t count;      /* systems */
    size_t *waits_for; /* [count] predecessors not placed yet */
    bool *placed;      /* [count] */
    struct {
        edge_t *items;
        size_t count, capacity;
    } edges;
} sort_t;

reef_schedule_t *reef_schedule_create(reef_world_t *world, const char *name)
{
    reef_schedule_t *schedule =
        reef_resize(reef__world_alloc(world), NULL, 0, sizeof(*schedule));

    *schedule = (reef_schedule_t){
        .world = world,
        .name = name,
        .commands = reef_commands_create(world),
    };
    return schedule;
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
    REEF_ARRAY_FINISH(alloc, &schedule->systems);
    REEF_ARRAY_FINISH(alloc, &schedule->order);
    reef_commands_destroy(schedule->commands);
    reef_resize(alloc, schedule, sizeof(*schedule), 0);
}

const char *reef_schedule_name(const reef_schedule_t *schedule)
{
    return schedule->name;
}

/* Index of the system called @p name, or SIZE_MAX. */
static size_t find_system(const reef_schedule_t *schedule, const char *name)
{
    for (size_t i = 0; i < schedule->systems.count; i++) {
        if (strcmp(schedule->systems.items[i]->desc.name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

reef_error_t reef_schedule_add(reef_schedule_t *schedule,
                               const reef_system_desc_t *desc)
{
    const reef_alloc_t *alloc = reef__world_alloc(schedule->world);
    reef_system_t *system;

    assert(!schedule->running);
    if (find_system(schedule, desc->name) != SIZE_MAX) {
        return REEF_E_EXISTS;
    }
    system = reef__system_create(schedule->world, schedule->name, desc);
    *REEF_ARRAY_PUSH(alloc, &schedule->systems) = system;
    *REEF_ARRAY_PUSH(alloc, &schedule->order) = system;
    schedule->built = false;
    return REEF_OK;
}

/* Order ------------------------------------------------------------------------ */

static void add_edge(sort_t *sort, size_t from, size_t to)
{
    if (from != SIZE_MAX && to != SIZE_MAX) {
        *REEF_ARRAY_PUSH(sort->alloc, &sort->edges) = (edge_t){from, to};
        sort->waits_for[to]++;
    }
}

static void begin_sort(sort_t *sort, const reef_schedule_t *schedule)
{
    size_t count = schedule->systems.count;

    *sort = (sort_t){.alloc = reef__world_alloc(schedule->world), .count = count};
    sort->waits_for = reef_resize(sort->alloc, NULL, 0, count * sizeof(size_t));
    sort->placed = reef_resize(sort->alloc, NULL, 0, count * sizeof(bool));
    memset(sort->waits_for, 0, count * sizeof(size_t));
    memset(sort->placed, 0, count * sizeof(bool));
    for (size_t i = 0; i < count; i++) {
        const reef_system_desc_t *desc = &schedule->systems.items[i]->desc;

        for (size_t j = 0; j < REEF_MAX_SYSTEM_ORDER; j++) {
            if (desc->after[j] != NULL) {
                add_edge(sort, find_system(schedule, desc->after[j]), i);
            }
            if (desc->before[j] != NULL) {
                add_edge(sort, i, find_system(schedule, desc->before[j]));
            }
        }
    }
}

static void end_sort(sort_t *sort)
{
    reef_resize(sort->alloc, sort->waits_for, sort->count * sizeof(size_t), 0);
    reef_resize(sort->alloc, sort->placed, sort->count * sizeof(bool), 0);
    REEF_ARRAY_FINISH(sort->alloc, &sort->edges);
}

/* Place the earliest system that waits for none; SIZE_MAX when all wait. */
static size_t place_next(sort_t *sort)
{
    for (size_t i = 0; i < sort->count; i++) {
        if (sort->placed[i] || sort->waits_for[i] > 0) {
            continue;
        }
        sort->placed[i] = true;
        for (size_t j = 0; j < sort->edges.count; j++) {
            if (sort->edges.items[j].from == i) {
                sort->waits_for[sort->edges.items[j].to]--;
            }
        }
        return i;
    }
    return SIZE_MAX;
}

/* A system that @p system waits for. */
static size_t predecessor(const sort_t *sort, size_t system)
{
    for (size_t i = 0; i < sort->edges.count; i++) {
        const edge_t *edge = &sort->edges.items[i];

        if (edge->to == system && !sort->placed[edge->from]) {
            return edge->from;
        }
    }
    return SIZE_MAX;
}

/* Every system that is not placed waits for one that is not: walking back from any of
 * them ends in a cycle. */
static reef_error_t
fail_cycle(const sort_t *sort, const reef_schedule_t *schedule, reef_failure_t *failure)
{
    char names[REEF_FAILURE_TEXT_SIZE] = "";
    size_t used = 0;
    size_t first = 0;
    size_t system;

    while (sort->placed[first]) {
        first++;
    }
    for (size_t i = 0; i < sort->count; i++) {
        first = predecessor(sort, first);
    }
    system = first;
    do {
        int length;

        system = predecessor(sort, system);
        length = snprintf(names + used, sizeof(names) - used, " after '%s'",
                          schedule->systems.items[system]->desc.name);
        used += (size_t)length;
    } while (system != first && used < sizeof(names));
    return reef_fail(failure, REEF_E_INVALID,
                     "schedule '%s': no order has system '%s'%s", schedule->name,
                     schedule->systems.items[first]->desc.name, names);
}

reef_error_t reef_schedule_build(reef_schedule_t *schedule, reef_failure_t *failure)
{
    reef_error_t error = REEF_OK;
    sort_t sort;

    assert(!schedule->running);
    if (schedule->built || schedule->systems.count == 0) {
        schedule->built = true;
        return REEF_OK;
    }
    begin_sort(&sort, schedule);
    for (size_t i = 0; i < sort.count; i++) {
        size_t next = place_next(&sort);

        if (next == SIZE_MAX) {
            error = fail_cycle(&sort, schedule, failure);
            break;
        }
        schedule->order.items[i] = schedule->systems.items[next];
    }
    if (error != REEF_OK) { /* leave no half of an order behind */
        memcpy(schedule->order.items, schedule->systems.items,
               sort.count * sizeof(schedule->order.items[0]));
    }
    schedule->built = error == REEF_OK;
    end_sort(&sort);
    return error;
}

/* Running ---------------------------------------------------------------------- */

static void run_system(reef_schedule_t *schedule, reef_system_t *system)
{
    const reef_system_desc_t *desc = &system->desc;
    reef_run_t run = {.system = system, .commands = schedule->commands};
    uint64_t start_ns;

    if (system->disabled ||
        (desc->run_if != NULL && !desc->run_if(schedule->world, desc->context))) {
        reef__system_skip_events(system);
        return;
    }
    reef_world_advance_version(schedule->world);
    start_ns = reef__world_now(schedule->world);
    desc->run(&run);
    reef_commands_apply(schedule->commands);
    reef__system_record(system, reef__world_now(schedule->world) - start_ns);
}

void reef_schedule_run(reef_schedule_t *schedule)
{
    if (!schedule->built) {
        reef_failure_t failure;

        if (reef_schedule_build(schedule, &failure) != REEF_OK) {
            fprintf(stderr, "%s\n", failure.text);
            abort();
        }
    }
    assert(!schedule->running);
    schedule->running = true;
    for (size_t i = 0; i < schedule->order.count; i++) {
        run_system(schedule, schedule->order.items[i]);
    }
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
