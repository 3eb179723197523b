/*
 * What a system of a plan does.  Most of it runs on workers, so nothing here asserts.
 */
#include "sim_world.h"

enum {
    WRITER = 1 << 16
};

/* Guards --------------------------------------------------------------------------- */

static void enter(sim_t *sim, sim_guard_t *guard, bool write, const char *what)
{
    int before = atomic_fetch_add(guard, write ? WRITER : 1);

    if (write ? before != 0 : before >= WRITER) {
        sim_blame(sim, what);
    }
}

static void leave(sim_guard_t *guard, bool write)
{
    atomic_fetch_sub(guard, write ? WRITER : 1);
}

/* Emitters may be many, readers too, but not both. */
static void enter_queue(sim_t *sim, uint32_t queue, bool reads)
{
    int before = atomic_fetch_add(&sim->queues[queue], reads ? WRITER : 1);

    if (reads ? before % WRITER != 0 : before >= WRITER) {
        sim_blame(sim, "one reads events that another emits");
    }
}

/* Give others time to come in. */
static void linger(uint32_t salt)
{
    for (volatile uint32_t i = salt % 300; i > 0; i--) {
    }
}

/* Enter, or leave, what a system is in while it runs. */
static void pass(sim_t *sim, const sim_spec_t *spec, sim_context_t *context, bool in)
{
    bool alone = !spec->parallel;

    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        bool write = spec->resources[r] == REEF_ACCESS_WRITE;

        if (spec->resources[r] == REEF_ACCESS_NONE) {
            continue;
        }
        if (in) {
            enter(sim, &sim->resources[r], write, "two are at a resource");
        } else {
            leave(&sim->resources[r], write);
        }
    }
    for (uint32_t e = 0; e < SIM_EVENTS; e++) {
        bool reads = spec->reads >> e & 1;

        if (((spec->emits | spec->reads) >> e & 1) == 0 ||
            (spec->emits & spec->reads) >> e & 1) {
            continue; /* who does both is not told apart here */
        }
        if (in) {
            enter_queue(sim, e, reads);
        } else {
            leave(&sim->queues[e], reads);
        }
    }
    if (in) {
        enter(sim, &sim->world_guard, spec->exclusive, "one is not exclusive");
        enter(sim, &context->guard, alone, "two share a context");
    } else {
        leave(&sim->world_guard, spec->exclusive);
        leave(&context->guard, alone);
    }
}

/* The components that terms touch where they are there. */
static void touched(const sim_spec_t *spec, uint32_t *reads, uint32_t *writes)
{
    *reads = 0;
    *writes = 0;
    for (uint32_t i = 0; i < spec->term_count; i++) {
        if (spec->access[i] != REEF_ACCESS_WITH &&
            spec->access[i] != REEF_ACCESS_WITHOUT) {
            *reads |= 1u << spec->components[i];
        }
        if (sim_is_write(spec->access[i])) {
            *writes |= 1u << spec->components[i];
        }
    }
}

/* Enter, or leave, all rows of a slice; the columns say what is there. */
static void
pass_slice(sim_t *sim, const sim_spec_t *spec, const reef_query_iter_t *it, bool in)
{
    uint32_t reads, writes;

    touched(spec, &reads, &writes);
    for (uint32_t i = 0; i < spec->term_count; i++) {
        uint32_t c = spec->components[i];
        bool write = writes >> c & 1;

        if ((reads >> c & 1) == 0 || reef_query_column(it, i) == NULL) {
            continue;
        }
        reads &= ~(1u << c);
        for (uint32_t row = 0; row < it->count; row++) {
            sim_guard_t *guard = &sim->rows[c][reef_entity_index(it->entities[row])];

            if (in) {
                enter(sim, guard, write, "two are at a row");
            } else {
                leave(guard, write);
            }
        }
    }
}

/* A system ------------------------------------------------------------------------- */

static uint32_t read_by_id(sim_t *sim, reef_run_t *run, const sim_spec_t *spec)
{
    uint32_t base = spec->salt;

    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        reef_entity_t anchor = sim->anchors[(spec->salt + c) % SIM_ANCHORS];
        sim_guard_t *guard = &sim->rows[c][reef_entity_index(anchor)];

        if (spec->by_id[c] != REEF_ACCESS_NONE) {
            enter(sim, guard, false, "one reads by id what another writes");
            base = sim_mix(
                base,
                sim_value_at(reef_run_find(run, anchor, &sim_components[c]), c, 0));
            leave(guard, false);
        }
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if (spec->resources[r] != REEF_ACCESS_NONE) {
            base = sim_mix(
                base, sim_value_at(reef_run_resource(run, &sim_resources[r]), 2, 0));
        }
    }
    return base;
}

static void write_value(void *at, uint32_t base)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    value = sim_mix(value, base);
    memcpy(at, &value, sizeof(value));
}

static void write_by_id(
    sim_t *sim, reef_run_t *run, const sim_spec_t *spec, uint32_t base, uint32_t sum)
{
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        reef_entity_t anchor = sim->anchors[(spec->salt + c) % SIM_ANCHORS];
        sim_guard_t *guard = &sim->rows[c][reef_entity_index(anchor)];

        if (spec->by_id[c] == REEF_ACCESS_WRITE) {
            enter(sim, guard, true, "one writes by id what another touches");
            write_value(reef_run_find_mut(run, anchor, &sim_components[c]), base);
            leave(guard, true);
        }
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if (spec->resources[r] == REEF_ACCESS_WRITE) {
            write_value(reef_run_resource_mut(run, &sim_resources[r]), sum);
        }
    }
}

static uint32_t read_events(sim_t *sim, reef_run_t *run, uint32_t system)
{
    sim_trace_t *trace = &sim->traces[system];
    uint32_t sum = 0;

    for (uint32_t e = 0; e < SIM_EVENTS; e++) {
        const sim_event_t *event;

        if ((sim->plan->specs[system].reads >> e & 1) == 0) {
            continue;
        }
        while ((event = reef_run_next(run, &sim_events[e])) != NULL) {
            uint32_t number = sim_mix(event->system, event->number);

            sum += number;
            trace->sequence = (trace->sequence ^ number) * UINT64_C(0x100000001b3);
        }
    }
    if (sim->plan->specs[system].reads != 0) {
        trace->events += sum;
    }
    return sum;
}

static void record(sim_t *sim, reef_run_t *run, reef_entity_t entity, uint32_t number)
{
    sim_deed_t deed = sim_deed_of(number);
    uint32_t component = number % SIM_COMPONENTS;
    reef_commands_t *commands;
    _Alignas(64) uint8_t bytes[SIM_COMPONENTS][256] = {{0}};
    const void *values[SIM_COMPONENTS];
    uint32_t count = 0;

    if (deed == SIM_NOTHING ||
        (deed != SIM_SPAWN && reef_entity_index(entity) <= SIM_ANCHORS)) {
        return;
    }
    commands = reef_run_commands(run);
    if (deed == SIM_DESPAWN) {
        reef_commands_despawn(commands, entity);
    } else if (deed == SIM_ADD) {
        memcpy(bytes[0], &number, sizeof(number));
        reef_commands_add(commands, entity, &sim_components[component], bytes[0]);
    } else if (deed == SIM_REMOVE) {
        reef_commands_remove(commands, entity, &sim_components[component]);
    } else {
        for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
            uint32_t value = sim_spawn_value(number, c);

            if (sim_spawn_mask(number) >> c & 1) {
                memcpy(bytes[c], &value, sizeof(value));
                values[count++] = bytes[c];
            }
        }
        reef_commands_spawn_bundle(commands, sim->bundles[number % 8], REEF_RANGE_WORLD,
                                   values);
    }
}

static void
emit(reef_run_t *run, uint32_t system, const sim_spec_t *spec, uint32_t number)
{
    for (uint32_t e = 0; e < SIM_EVENTS; e++) {
        if (spec->emits >> e & 1) {
            (void)reef_run_emit(run, &sim_events[e], &(sim_event_t){system, number});
        }
    }
}

/* Mix a row, as visit() of sim_naive.c; columns as they are in the slice. */
static uint32_t visit_row(const sim_spec_t *spec,
                          const void *const *reads,
                          void *const *writes,
                          uint32_t row,
                          uint32_t base)
{
    uint32_t number = base;

    for (uint32_t i = 0; i < spec->term_count; i++) {
        if (reads[i] != NULL) {
            number = sim_mix(number, sim_value_at(reads[i], spec->components[i], row));
        }
    }
    for (uint32_t i = 0; i < spec->term_count; i++) {
        if (writes[i] != NULL) {
            write_value((uint8_t *)writes[i] +
                            (size_t)row * sim_components[spec->components[i]].size,
                        number);
        }
    }
    return number;
}

static void stamp(sim_t *sim, uint32_t system, reef_entity_t entity)
{
    sim_trace_t *trace = &sim->traces[system];
    uint32_t before = atomic_exchange(&trace->stamp[reef_entity_index(entity)],
                                      atomic_fetch_add(&sim->moment, 1));

    if (before >= sim->run_began) {
        sim_blame(sim, "a row is visited twice");
    }
    atomic_fetch_add(&trace->rows, 1);
}

/* One slice: returns the sum over its rows. */
static uint32_t visit_slice(sim_t *sim,
                            reef_run_t *run,
                            uint32_t system,
                            const reef_query_iter_t *it,
                            uint32_t base)
{
    const sim_spec_t *spec = &sim->plan->specs[system];
    const void *reads[SIM_TERMS] = {NULL};
    void *writes[SIM_TERMS] = {NULL};
    uint32_t sum = 0;

    pass_slice(sim, spec, it, true);
    for (uint32_t i = 0; i < spec->term_count; i++) {
        reads[i] = reef_query_column(it, i);
        writes[i] = sim_is_write(spec->access[i]) ? reef_query_column_mut(it, i) : NULL;
    }
    for (uint32_t row = 0; row < it->count; row++) {
        uint32_t number = visit_row(spec, reads, writes, row, base);

        stamp(sim, system, it->entities[row]);
        sum += number;
        if (sim_emits_at(number)) {
            emit(run, system, spec, number);
        }
        if (spec->commands) {
            record(sim, run, it->entities[row], number);
        }
    }
    linger(spec->salt);
    pass_slice(sim, spec, it, false);
    return sum;
}

static void note_thread(sim_t *sim)
{
    if (pthread_equal(pthread_self(), sim->main_thread)) {
        atomic_store(&sim->main_ran, true);
    } else {
        atomic_store(&sim->other_ran, true);
    }
}

void sim_run_system(reef_run_t *run, uint32_t system)
{
    sim_context_t *context = reef_run_context(run);
    sim_t *sim = context->sim;
    const sim_spec_t *spec = &sim->plan->specs[system];
    sim_trace_t *trace = &sim->traces[system];
    uint32_t base, sum, never = 0;

    note_thread(sim);
    atomic_compare_exchange_strong(&trace->begin, &never,
                                   atomic_fetch_add(&sim->moment, 1));
    pass(sim, spec, context, true);
    base = read_by_id(sim, run, spec);
    sum = read_events(sim, run, system);
    if (spec->term_count > 0) {
        reef_query_iter_t it = reef_run_query(run);

        while (reef_query_next(&it)) {
            sum += visit_slice(sim, run, system, &it, base);
        }
    }
    write_by_id(sim, run, spec, base, sum);
    if (spec->exclusive) {
        sim_spawn(sim, sim_spawn_mask(sum), sum);
        if (reef_run_world(run) != sim->world) {
            sim_blame(sim, "another world");
        }
    }
    pass(sim, spec, context, false);
    atomic_store(&trace->end, atomic_fetch_add(&sim->moment, 1));
}
