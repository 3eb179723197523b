/*
 * From systems as added to stages, in three steps.
 *
 * Order: a topological sort that, among all systems whose predecessors have been
 * placed, takes the one added first: so systems stay in the order in which they were
 * added as far as before and after allow.
 *
 * Ambiguities: pairs that conflict while neither is reached from the other by before
 * and after.
 *
 * Stages: going through the order, each system is put into the first stage that is
 * later than those of all systems it conflicts with or is ordered after.  A parallel
 * system that shares no more than rows with the parallel systems of one group joins
 * that group instead of waiting for the next stage.
 */
#include "schedule.h"

#include <reef/array.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What planning works on, released when it is done.  Systems are numbered as added. */
typedef struct plan {
    const reef_alloc_t *alloc;
    reef_schedule_t *schedule;
    size_t count;      /* systems */
    size_t *waits_for; /* [count] predecessors not placed yet */
    bool *placed;      /* [count] */
    bool *before;      /* [count][count]: the first runs before the second, by wish */
    bool *reaches;     /* [count][count]: the same, over others too */
    size_t *order;     /* [count] */
    uint32_t stage_count;
    uint32_t *group_of_stage; /* [count] groups in each stage so far */
} plan_t;

static reef_system_t *system_at(const plan_t *plan, size_t index)
{
    return plan->schedule->systems.items[index];
}

/* Wishes --------------------------------------------------------------------------- */

/* Whether `name` means the system `index`, for the system `by`, which is no member of
 * its own set in this. */
static bool is_called(const plan_t *plan, size_t index, const char *name, size_t by)
{
    const reef_system_t *system = system_at(plan, index);

    return strcmp(system->desc.name, name) == 0 ||
           (index != by && reef__system_is_in(system, name));
}

static void add_edge(plan_t *plan, size_t from, size_t to)
{
    if (!plan->before[from * plan->count + to]) {
        plan->before[from * plan->count + to] = true;
        plan->waits_for[to]++;
    }
}

/* System `index` goes after everything called `after`, and before what is `before`. */
static void add_wishes(plan_t *plan,
                       size_t index,
                       const char *const *after,
                       const char *const *before)
{
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t k = 0; k < REEF_MAX_SYSTEM_ORDER; k++) {
            if (after[k] != NULL && is_called(plan, i, after[k], index)) {
                add_edge(plan, i, index);
            }
            if (before[k] != NULL && is_called(plan, i, before[k], index)) {
                add_edge(plan, index, i);
            }
        }
    }
}

static void *alloc_zeroed(const plan_t *plan, size_t size)
{
    return memset(reef_resize(plan->alloc, NULL, 0, size), 0, size);
}

static void begin_plan(plan_t *plan, reef_schedule_t *schedule)
{
    size_t count = schedule->systems.count;

    *plan = (plan_t){.alloc = reef__world_alloc(schedule->world),
                     .schedule = schedule,
                     .count = count};
    plan->waits_for = alloc_zeroed(plan, count * sizeof(size_t));
    plan->placed = alloc_zeroed(plan, count * sizeof(bool));
    plan->before = alloc_zeroed(plan, count * count * sizeof(bool));
    plan->reaches = alloc_zeroed(plan, count * count * sizeof(bool));
    plan->order = alloc_zeroed(plan, count * sizeof(size_t));
    plan->group_of_stage = alloc_zeroed(plan, count * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++) {
        const reef_system_desc_t *desc = &system_at(plan, i)->desc;

        add_wishes(plan, i, desc->after, desc->before);
        for (size_t k = 0; k < REEF_MAX_SYSTEM_SETS; k++) {
            const reef__set_t *set =
                desc->sets[k] != NULL ? reef__schedule_find_set(schedule, desc->sets[k])
                                      : NULL;

            if (set != NULL) {
                add_wishes(plan, i, set->desc.after, set->desc.before);
            }
        }
    }
}

static void end_plan(plan_t *plan)
{
    size_t count = plan->count;

    reef_resize(plan->alloc, plan->waits_for, count * sizeof(size_t), 0);
    reef_resize(plan->alloc, plan->placed, count * sizeof(bool), 0);
    reef_resize(plan->alloc, plan->before, count * count * sizeof(bool), 0);
    reef_resize(plan->alloc, plan->reaches, count * count * sizeof(bool), 0);
    reef_resize(plan->alloc, plan->order, count * sizeof(size_t), 0);
    reef_resize(plan->alloc, plan->group_of_stage, count * sizeof(uint32_t), 0);
}

/* Order ---------------------------------------------------------------------------- */

/* Place the earliest system that waits for none; SIZE_MAX when all wait. */
static size_t place_next(plan_t *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->placed[i] || plan->waits_for[i] > 0) {
            continue;
        }
        plan->placed[i] = true;
        for (size_t k = 0; k < plan->count; k++) {
            plan->waits_for[k] -= plan->before[i * plan->count + k];
        }
        return i;
    }
    return SIZE_MAX;
}

/* A system that @p system waits for. */
static size_t predecessor(const plan_t *plan, size_t system)
{
    size_t i = 0;

    while (plan->placed[i] || !plan->before[i * plan->count + system]) {
        i++;
    }
    return i;
}

/* Every system that is not placed waits for one that is not: walking back from any of
 * them ends in a cycle. */
static reef_error_t fail_cycle(const plan_t *plan, reef_failure_t *failure)
{
    char names[REEF_FAILURE_TEXT_SIZE] = "";
    size_t used = 0;
    size_t first = 0;
    size_t system;

    while (plan->placed[first]) {
        first++;
    }
    for (size_t i = 0; i < plan->count; i++) {
        first = predecessor(plan, first);
    }
    system = first;
    do {
        int length;

        system = predecessor(plan, system);
        length = snprintf(names + used, sizeof(names) - used, " after '%s'",
                          system_at(plan, system)->desc.name);
        used += (size_t)length;
    } while (system != first && used < sizeof(names));
    return reef_fail(failure, REEF_E_INVALID,
                     "schedule '%s': no order has system '%s'%s", plan->schedule->name,
                     system_at(plan, first)->desc.name, names);
}

static reef_error_t sort(plan_t *plan, reef_failure_t *failure)
{
    for (size_t i = 0; i < plan->count; i++) {
        plan->order[i] = place_next(plan);
        if (plan->order[i] == SIZE_MAX) {
            return fail_cycle(plan, failure);
        }
    }
    return REEF_OK;
}

/* Ambiguities ---------------------------------------------------------------------- */

static void find_reaches(plan_t *plan)
{
    size_t count = plan->count;

    /* In reverse order, so that what a successor reaches is known. */
    for (size_t i = count; i-- > 0;) {
        size_t from = plan->order[i];

        for (size_t to = 0; to < count; to++) {
            if (!plan->before[from * count + to]) {
                continue;
            }
            plan->reaches[from * count + to] = true;
            for (size_t k = 0; k < count; k++) {
                plan->reaches[from * count + k] |= plan->reaches[to * count + k];
            }
        }
    }
}

static reef_error_t find_ambiguities(plan_t *plan, reef_failure_t *failure)
{
    reef_schedule_t *schedule = plan->schedule;

    find_reaches(plan);
    for (size_t i = 0; i < plan->count; i++) {
        for (size_t k = i + 1; k < plan->count; k++) {
            size_t a = plan->order[i], b = plan->order[k];
            bool by_row;
            const char *what;

            if (plan->reaches[a * plan->count + b]) {
                continue;
            }
            what =
                reef__system_conflict(system_at(plan, a), system_at(plan, b), &by_row);
            if (what != NULL) {
                *REEF_ARRAY_PUSH(plan->alloc, &schedule->ambiguities) =
                    (reef_ambiguity_t){system_at(plan, a), system_at(plan, b), what};
            }
        }
    }
    if (schedule->strict && schedule->ambiguities.count > 0) {
        const reef_ambiguity_t *first = &schedule->ambiguities.items[0];

        return reef_fail(
            failure, REEF_E_INVALID,
            "schedule '%s': systems '%s' and '%s' both touch '%s' and have "
            "no order, say before or after (%zu such pairs)",
            schedule->name, first->first->desc.name, first->second->desc.name,
            first->what, schedule->ambiguities.count);
    }
    return REEF_OK;
}

/* Stages --------------------------------------------------------------------------- */

typedef enum dependency {
    DEPENDENCY_NONE,
    DEPENDENCY_ROWS, /* may follow slice by slice */
    DEPENDENCY_FULL,
} dependency_t;

/* How `later` depends on `earlier`, which is placed before it. */
static dependency_t depends(const plan_t *plan, size_t later, size_t earlier)
{
    const reef_system_t *a = system_at(plan, earlier), *b = system_at(plan, later);
    bool ordered = plan->before[earlier * plan->count + later];
    bool by_row;
    const char *what = reef__system_conflict(a, b, &by_row);

    if (what == NULL && !ordered) {
        return DEPENDENCY_NONE;
    }
    /* Commands take effect at the end of a stage, which an order asks to see. */
    return by_row && !(ordered && a->desc.commands) ? DEPENDENCY_ROWS : DEPENDENCY_FULL;
}

/* The system's place, given those of all before it in the order. */
static void place_system(plan_t *plan, size_t position)
{
    reef_system_t *system = system_at(plan, plan->order[position]);
    uint32_t hard = 0;                       /* first stage after full dependencies */
    uint32_t soft_stage = 0, soft_group = 0; /* latest one to depend on by rows */
    bool joins = false;

    for (size_t i = 0; i < position; i++) {
        const reef_system_t *other = system_at(plan, plan->order[i]);
        dependency_t dependency = depends(plan, plan->order[position], plan->order[i]);

        if (dependency == DEPENDENCY_FULL && other->stage >= hard) {
            hard = other->stage + 1;
        } else if (dependency == DEPENDENCY_ROWS) {
            if (!joins || other->stage > soft_stage) {
                soft_stage = other->stage;
                soft_group = other->group;
                joins = true;
            } else if (other->stage == soft_stage && other->group != soft_group) {
                hard = hard > soft_stage ? hard : soft_stage + 1; /* two groups */
            }
        }
    }
    if (joins && soft_stage >= hard) {
        system->stage = soft_stage;
        system->group = soft_group;
        return;
    }
    system->stage = hard;
    system->group = plan->group_of_stage[hard]++;
    if (system->stage >= plan->stage_count) {
        plan->stage_count = system->stage + 1;
    }
}

/* Write down the systems of one group, in order. */
static void write_group(plan_t *plan, uint32_t stage, uint32_t group, uint32_t *written)
{
    reef_schedule_t *schedule = plan->schedule;
    reef__group_t entry = {.first_system = *written};

    for (size_t i = 0; i < plan->count; i++) {
        reef_system_t *system = system_at(plan, plan->order[i]);

        if (system->stage == stage && system->group == group) {
            entry.parallel = system->desc.parallel;
            schedule->order.items[(*written)++] = system;
        }
    }
    entry.system_count = *written - entry.first_system;
    *REEF_ARRAY_PUSH(plan->alloc, &schedule->groups) = entry;
}

/* What some system of a stage needs, so that running it can leave the rest out. */
static void summarize_stage(const reef_schedule_t *schedule, reef__stage_t *stage)
{
    for (uint32_t i = 0; i < stage->system_count; i++) {
        const reef_system_t *system = schedule->order.items[stage->first_system + i];

        stage->exclusive |= system->desc.exclusive;
        stage->parallel |= system->desc.parallel;
        stage->asks |= system->desc.run_if != NULL;
        for (uint32_t k = 0; k < REEF_MAX_SYSTEM_SETS; k++) {
            stage->asks |= system->desc.sets[k] != NULL;
        }
        stage->commands |= system->desc.commands;
        stage->records |= system->records;
    }
}

static void write_stages(plan_t *plan)
{
    reef_schedule_t *schedule = plan->schedule;
    uint32_t written = 0;

    for (uint32_t i = 0; i < plan->stage_count; i++) {
        reef__stage_t stage = {.first_group = (uint32_t)schedule->groups.count,
                               .group_count = plan->group_of_stage[i],
                               .first_system = written};

        for (uint32_t k = 0; k < stage.group_count; k++) {
            write_group(plan, i, k, &written);
        }
        stage.system_count = written - stage.first_system;
        summarize_stage(schedule, &stage);
        *REEF_ARRAY_PUSH(plan->alloc, &schedule->stages) = stage;
    }
    assert(written == plan->count);
}

reef_error_t reef__schedule_plan(reef_schedule_t *schedule, reef_failure_t *failure)
{
    reef_error_t error;
    plan_t plan;

    reef__schedule_clear_plan(schedule);
    if (schedule->systems.count == 0) {
        return REEF_OK;
    }
    begin_plan(&plan, schedule);
    error = sort(&plan, failure);
    if (error == REEF_OK) {
        error = find_ambiguities(&plan, failure);
    }
    for (size_t i = 0; i < plan.count && error == REEF_OK; i++) {
        place_system(&plan, i);
    }
    if (error == REEF_OK) {
        write_stages(&plan);
    } else { /* leave no half of an order behind */
        memcpy(schedule->order.items, schedule->systems.items,
               plan.count * sizeof(schedule->order.items[0]));
    }
    end_plan(&plan);
    return error;
}
