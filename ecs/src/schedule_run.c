/*
 * Running.  Per stage:
 *
 *     prepare   which systems run, under which world version each, with which ids
 *     tasks     a system, or one unit of a group of parallel ones: on the world thread
 *               alone, or shared with the workers when that is expected to pay
 *     settle    events, then commands, in the order of systems and units
 *
 * Whether a stage is shared is decided by how long its systems took; what it does never
 * depends on it.
 *
 * An exclusive system may run another schedule meanwhile: all state of a run is in its
 * schedule, its systems and on the stack.
 */
#include "executor.h"
#include "schedule.h"

#include "event.h"

#include <reef/array.h>

/* A stage under way. */
typedef struct stage_run {
    reef_schedule_t *schedule;
    const reef__stage_t *stage;
    uint32_t task_count;
    bool timed;
    bool shared; /* with the workers */
} stage_run_t;

/* Prepare -------------------------------------------------------------------------- */

/* What the sets say is asked for once per run of the schedule. */
static bool sets_hold(reef_schedule_t *schedule, const reef_system_t *system)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_SETS && system->desc.sets[i] != NULL;
         i++) {
        reef__set_t *set = system->desc.sets[i] != NULL
                               ? reef__schedule_find_set(schedule, system->desc.sets[i])
                               : NULL;

        if (set == NULL || set->desc.run_if == NULL) {
            continue;
        }
        if (set->checked_run != schedule->run_count) {
            set->checked_run = schedule->run_count;
            set->holds = set->desc.run_if(schedule->world, set->desc.context);
        }
        if (!set->holds) {
            return false;
        }
    }
    return true;
}

static bool wants_to_run(reef_schedule_t *schedule, const reef_system_t *system)
{
    const reef_system_desc_t *desc = &system->desc;

    return !system->disabled && sets_hold(schedule, system) &&
           (desc->run_if == NULL || desc->run_if(schedule->world, desc->context));
}

static void prepare_system(reef_schedule_t *schedule, reef_system_t *system, bool asks)
{
    system->active =
        REEF_LIKELY(!asks) ? !system->disabled : wants_to_run(schedule, system);
    if (REEF_LIKELY(system->active)) {
        system->version = reef_world_advance_version(schedule->world);
    } else {
        reef__system_skip_events(system);
    }
}

/* Recorders of one system that will be used. */
static uint32_t recorder_count(const reef__group_t *group)
{
    return group->parallel ? group->unit_count : 1;
}

static void prepare_group(reef_schedule_t *schedule, reef__group_t *group)
{
    if (group->parallel && group->structure != schedule->world->structure) {
        reef__group_cut_units(schedule, group);
    }
    for (uint32_t i = 0; i < group->system_count && group->parallel; i++) {
        reef_system_t *system =
            reef__schedule_system_at(schedule, group->first_system + i);

        reef__system_reserve_recorders(system, system->records ? group->unit_count : 1);
    }
}

static uint32_t task_count(const reef__group_t *group)
{
    return group->parallel ? group->unit_count : 1;
}

/* No task has ended yet. */
static void reset_turns(reef_schedule_t *schedule, uint32_t count)
{
    reef__turns_t *turns = &schedule->turns;

    if (count > turns->capacity) {
        turns->done = reef_resize(reef__world_alloc(schedule->world), turns->done,
                                  turns->capacity, count);
        turns->capacity = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&turns->done[i], 0);
    }
}

/* The recorders of a group that may spawn; its first task is number `task`. */
static void
lease_group(reef_schedule_t *schedule, const reef__group_t *group, uint32_t task)
{
    for (uint32_t i = 0; i < group->system_count; i++) {
        reef_system_t *system =
            reef__schedule_system_at(schedule, group->first_system + i);

        for (uint32_t r = 0;
             r < recorder_count(group) && system->desc.commands && system->active;
             r++) {
            reef_commands_t *commands = system->recorders.items[r].commands;

            commands->task = task + r;
            *REEF_ARRAY_PUSH(reef__world_alloc(schedule->world), &schedule->leased) =
                commands;
        }
    }
}

/* Give ids to all recorders of a stage in which several may spawn at the same time. */
static void lease_ids(const stage_run_t *run)
{
    reef_schedule_t *schedule = run->schedule;
    uint32_t task = 0;

    schedule->leased.count = 0;
    for (uint32_t i = 0; i < run->stage->group_count; i++) {
        const reef__group_t *group =
            &schedule->groups.items[run->stage->first_group + i];

        lease_group(schedule, group, task);
        task += task_count(group);
    }
    if (schedule->leased.count > 0) {
        reset_turns(schedule, run->task_count);
        reef__commands_begin_lease(schedule->leased.items,
                                   (uint32_t)schedule->leased.count, &schedule->turns);
    }
}

/* Others may have waited for it. */
static void end_task(const stage_run_t *run, uint32_t task)
{
    if (run->schedule->leased.count > 0) {
        atomic_store_explicit(&run->schedule->turns.done[task], 1,
                              memory_order_release);
    }
}

/* Tasks ---------------------------------------------------------------------------- */

static void call(reef_system_t *system, reef_run_t run)
{
    run.system = system;
    system->desc.run(&run);
}

/* Add to a system's time; returns the present.  Slices on other threads do the same. */
static uint64_t
add_time(const stage_run_t *run, reef_system_t *system, uint64_t since_ns)
{
    uint64_t now_ns;

    if (!run->timed) {
        return 0;
    }
    now_ns = reef__world_now(run->schedule->world);
    if (run->shared) {
        atomic_fetch_add_explicit(&system->run_ns, now_ns - since_ns,
                                  memory_order_relaxed);
    } else {
        uint64_t so_far = atomic_load_explicit(&system->run_ns, memory_order_relaxed);

        atomic_store_explicit(&system->run_ns, so_far + now_ns - since_ns,
                              memory_order_relaxed);
    }
    return now_ns;
}

/* All systems of a group over units [unit, end). */
static uint64_t run_units(const stage_run_t *run,
                          const reef__group_t *group,
                          uint32_t unit,
                          uint32_t end,
                          uint64_t now_ns)
{
    const reef__query_place_t *from =
        group->bounds.items + (size_t)unit * group->system_count;
    const reef__query_place_t *to =
        group->bounds.items + (size_t)end * group->system_count;

    for (uint32_t i = 0; i < group->system_count; i++) {
        reef_system_t *system =
            reef__schedule_system_at(run->schedule, group->first_system + i);

        if (system->active && memcmp(&from[i], &to[i], sizeof(from[i])) != 0) {
            call(system,
                 (reef_run_t){.recorder =
                                  &system->recorders.items[system->records ? unit : 0],
                              .from = from[i],
                              .to = to[i]});
            now_ns = add_time(run, system, now_ns);
        }
    }
    return now_ns;
}

static uint64_t
run_group(const stage_run_t *run, const reef__group_t *group, uint64_t now_ns)
{
    reef_system_t *system;

    if (group->parallel) {
        uint32_t step = group->fits_one ? group->unit_count : 1;

        for (uint32_t unit = 0; unit < group->unit_count; unit += step) {
            now_ns = run_units(run, group, unit, unit + step, now_ns);
        }
        return now_ns;
    }
    system = reef__schedule_system_at(run->schedule, group->first_system);
    if (system->active) {
        call(system, (reef_run_t){.recorder = &system->recorders.items[0]});
        now_ns = add_time(run, system, now_ns);
    }
    return now_ns;
}

static uint64_t begin_time(const stage_run_t *run)
{
    return run->timed ? reef__world_now(run->schedule->world) : 0;
}

static void run_inline(const stage_run_t *run)
{
    const reef__group_t *groups = &run->schedule->groups.items[run->stage->first_group];
    uint64_t now_ns = begin_time(run);

    for (uint32_t i = 0; i < run->task_count; i++) {
        end_task(run, i); /* one after the other: each is told that those before have */
    }
    for (uint32_t i = 0; i < run->stage->group_count; i++) {
        now_ns = run_group(run, &groups[i], now_ns);
    }
}

/* Called on any thread. */
static void run_task(void *context, uint32_t task)
{
    const stage_run_t *run = context;
    const reef__group_t *group = &run->schedule->groups.items[run->stage->first_group];
    uint32_t unit = task;

    while (unit >= task_count(group)) {
        unit -= task_count(group);
        group++;
    }
    if (group->parallel) {
        (void)run_units(run, group, unit, unit + 1, begin_time(run));
    } else {
        (void)run_group(run, group, begin_time(run));
    }
    end_task(run, task);
}

/* What a second thread could take over, by the last run: everything but the longest
 * task. */
static uint64_t expected_gain_ns(const stage_run_t *run)
{
    const reef__group_t *groups = &run->schedule->groups.items[run->stage->first_group];
    uint64_t total = 0, longest = 0;

    for (uint32_t i = 0; i < run->stage->group_count; i++) {
        uint64_t sum = 0;

        for (uint32_t k = 0; k < groups[i].system_count; k++) {
            sum += reef__system_last_ns(
                reef__schedule_system_at(run->schedule, groups[i].first_system + k));
        }
        total += sum;
        sum /= task_count(&groups[i]) > 0 ? task_count(&groups[i]) : 1;
        longest = sum > longest ? sum : longest;
    }
    return total - longest;
}

static bool pays_to_share(const stage_run_t *run)
{
    const reef_world_t *world = run->schedule->world;

    return run->task_count > 1 &&
           (!run->timed || expected_gain_ns(run) >= world->inline_below_ns);
}

/* Settle --------------------------------------------------------------------------- */

static void settle_system(const reef__group_t *group, reef_system_t *system)
{
    for (uint32_t i = 0; i < recorder_count(group); i++) {
        reef__system_emit_recorded(system, &system->recorders.items[i]);
    }
    for (uint32_t i = 0; i < recorder_count(group) && system->desc.commands; i++) {
        reef_commands_apply(system->recorders.items[i].commands);
    }
}

static void settle(const stage_run_t *run)
{
    reef_schedule_t *schedule = run->schedule;

    if (schedule->leased.count > 0) {
        reef__commands_end_lease(schedule->leased.items,
                                 (uint32_t)schedule->leased.count);
        schedule->leased.count = 0;
    }
    for (uint32_t i = 0; i < run->stage->group_count; i++) {
        const reef__group_t *group =
            &schedule->groups.items[run->stage->first_group + i];

        for (uint32_t k = 0; k < group->system_count; k++) {
            reef_system_t *system =
                reef__schedule_system_at(schedule, group->first_system + k);

            if (system->active && system->records) {
                settle_system(group, system);
            }
        }
    }
}

/* Stages --------------------------------------------------------------------------- */

static void record_times(const stage_run_t *run)
{
    for (uint32_t i = 0; i < run->stage->system_count; i++) {
        reef_system_t *system =
            reef__schedule_system_at(run->schedule, run->stage->first_system + i);

        if (system->active) {
            reef__system_record(
                system, atomic_load_explicit(&system->run_ns, memory_order_relaxed));
            atomic_store_explicit(&system->run_ns, 0, memory_order_relaxed);
        }
    }
}

static void run_exclusive(reef_schedule_t *schedule, reef_system_t *system)
{
    reef_commands_t *commands = system->recorders.items[0].commands;
    uint64_t start_ns;

    prepare_system(schedule, system, true);
    if (!system->active) {
        return;
    }
    start_ns = reef__world_now(schedule->world);
    call(system, (reef_run_t){.recorder = &system->recorders.items[0]});
    reef_commands_apply(commands);
    reef__system_record(system, reef__world_now(schedule->world) - start_ns);
}

static void prepare(stage_run_t *run)
{
    reef_schedule_t *schedule = run->schedule;
    const reef__stage_t *stage = run->stage;

    for (uint32_t i = 0; i < stage->system_count; i++) {
        prepare_system(schedule,
                       reef__schedule_system_at(schedule, stage->first_system + i),
                       stage->asks);
    }
    run->task_count = stage->group_count;
    if (stage->parallel) {
        run->task_count = 0;
        for (uint32_t i = 0; i < stage->group_count; i++) {
            reef__group_t *group = &schedule->groups.items[stage->first_group + i];

            prepare_group(schedule, group);
            run->task_count += task_count(group);
        }
    }
    if (stage->commands && run->task_count > 1) {
        lease_ids(run);
    }
    run->shared = schedule->world->executor != NULL && pays_to_share(run);
}

static void run_stage(reef_schedule_t *schedule, const reef__stage_t *stage)
{
    stage_run_t run = {
        .schedule = schedule, .stage = stage, .timed = schedule->world->clock != NULL};

    prepare(&run);
    schedule->world->in_stage = true;
    if (run.shared) {
        reef__executor_run(schedule->world->executor, run_task, &run, run.task_count);
    } else {
        run_inline(&run);
    }
    schedule->world->in_stage = false;
    record_times(&run);
    if (stage->records) {
        settle(&run);
    }
}

void reef__schedule_run_stages(reef_schedule_t *schedule)
{
    schedule->run_count++;
    for (size_t i = 0; i < schedule->stages.count; i++) {
        const reef__stage_t *stage = &schedule->stages.items[i];

        if (stage->exclusive) {
            run_exclusive(schedule,
                          reef__schedule_system_at(schedule, stage->first_system));
        } else {
            run_stage(schedule, stage);
        }
    }
}
