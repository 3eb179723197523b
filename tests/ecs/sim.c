/*
 * The plan run by a world.  Nothing here asserts: most of it runs on workers; what is
 * wrong is remembered, and the test asks for it.
 */
#include "sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sizes differ much, so that units of work are cut at many places. */
#define COMPONENT(number_, size_)                                                      \
    typedef struct sim_##number_ {                                                     \
        uint32_t value;                                                                \
        uint8_t padding[(size_)-4];                                                    \
    } sim_##number_##_t;                                                               \
    static const reef_field_t sim_##number_##_fields[] = {                             \
        {.name = "value", .kind = REEF_KIND_U32, .size = 4}}

COMPONENT(0, 128);
COMPONENT(1, 64);
COMPONENT(2, 8);
COMPONENT(3, 256);
COMPONENT(4, 12);
COMPONENT(5, 16);

#define TYPE(number_)                                                                  \
    {                                                                                  \
        .name = "sim_" #number_, .size = sizeof(sim_##number_##_t),                    \
        .alignment = _Alignof(sim_##number_##_t), .fields = sim_##number_##_fields,    \
        .field_count = 1                                                               \
    }

const reef_type_t sim_components[SIM_COMPONENTS] = {TYPE(0), TYPE(1), TYPE(2),
                                                    TYPE(3), TYPE(4), TYPE(5)};

#define RESOURCE(name_)                                                                \
    {                                                                                  \
        .name = (name_), .size = sizeof(sim_2_t), .alignment = _Alignof(sim_2_t),      \
        .fields = sim_2_fields, .field_count = 1                                       \
    }

const reef_type_t sim_resources[SIM_RESOURCES] = {RESOURCE("r0"), RESOURCE("r1"),
                                                  RESOURCE("r2")};

const reef_event_type_t sim_events[SIM_EVENTS] = {
    {.name = "e0", .size = sizeof(sim_event_t)},
    {.name = "e1", .size = sizeof(sim_event_t)},
    {.name = "e2", .size = sizeof(sim_event_t)},
};

enum {
    WRITER = 1 << 16
};

/* Readers and, above, writers that are there. */
typedef atomic_int guard_t;

typedef struct context {
    struct sim *sim;
    guard_t guard;
} context_t;

/* What became of one system. */
typedef struct trace {
    atomic_uint begin, end;         /* of the last run; moments */
    atomic_uint rows;               /* that were visited */
    uint64_t events, sequence;      /* only one thread reads events */
    atomic_uint stamp[SIM_INDICES]; /* by entity: moment of the last visit */
} trace_t;

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

    guard_t rows[SIM_COMPONENTS][SIM_INDICES];
    guard_t resources[SIM_RESOURCES];
    guard_t queues[SIM_EVENTS]; /* those that emit, and above those that read */
    guard_t world_guard;        /* exclusive systems write */
    context_t contexts[SIM_SYSTEMS + SIM_CONTEXTS];
    trace_t traces[SIM_SYSTEMS];
};

static void blame(sim_t *sim, const char *what)
{
    const char *none = NULL;

    atomic_compare_exchange_strong(&sim->failure, &none, what);
}

/* Guards --------------------------------------------------------------------------- */

static void enter(sim_t *sim, guard_t *guard, bool write, const char *what)
{
    int before = atomic_fetch_add(guard, write ? WRITER : 1);

    if (write ? before != 0 : before >= WRITER) {
        blame(sim, what);
    }
}

static void leave(guard_t *guard, bool write)
{
    atomic_fetch_sub(guard, write ? WRITER : 1);
}

/* Emitters may be many, readers too, but not both. */
static void enter_queue(sim_t *sim, uint32_t queue, bool reads)
{
    int before = atomic_fetch_add(&sim->queues[queue], reads ? WRITER : 1);

    if (reads ? before % WRITER != 0 : before >= WRITER) {
        blame(sim, "one reads events that another emits");
    }
}

/* Give others time to come in. */
static void linger(uint32_t salt)
{
    for (volatile uint32_t i = salt % 300; i > 0; i--) {
    }
}

/* Enter, or leave, what a system is in while it runs. */
static void pass(sim_t *sim, const sim_spec_t *spec, context_t *context, bool in)
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
            guard_t *guard = &sim->rows[c][reef_entity_index(it->entities[row])];

            if (in) {
                enter(sim, guard, write, "two are at a row");
            } else {
                leave(guard, write);
            }
        }
    }
}

/* A system ------------------------------------------------------------------------- */

static uint32_t value_at(const void *column, uint32_t component, uint32_t row)
{
    uint32_t value;

    memcpy(&value,
           (const uint8_t *)column + (size_t)row * sim_components[component].size,
           sizeof(value));
    return value;
}

static uint32_t read_by_id(sim_t *sim, reef_run_t *run, const sim_spec_t *spec)
{
    uint32_t base = spec->salt;

    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        reef_entity_t anchor = sim->anchors[(spec->salt + c) % SIM_ANCHORS];
        guard_t *guard = &sim->rows[c][reef_entity_index(anchor)];

        if (spec->by_id[c] != REEF_ACCESS_NONE) {
            enter(sim, guard, false, "one reads by id what another writes");
            base = sim_mix(
                base, value_at(reef_run_find(run, anchor, &sim_components[c]), c, 0));
            leave(guard, false);
        }
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if (spec->resources[r] != REEF_ACCESS_NONE) {
            base = sim_mix(base,
                           value_at(reef_run_resource(run, &sim_resources[r]), 2, 0));
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
        guard_t *guard = &sim->rows[c][reef_entity_index(anchor)];

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
    trace_t *trace = &sim->traces[system];
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
            number = sim_mix(number, value_at(reads[i], spec->components[i], row));
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
    trace_t *trace = &sim->traces[system];
    uint32_t before = atomic_exchange(&trace->stamp[reef_entity_index(entity)],
                                      atomic_fetch_add(&sim->moment, 1));

    if (before >= sim->run_began) {
        blame(sim, "a row is visited twice");
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

static void spawn(sim_t *sim, uint8_t mask, uint32_t number, reef_entity_t *out)
{
    *out = reef_world_spawn(sim->world, REEF_RANGE_WORLD);
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        uint8_t bytes[256] = {0};
        uint32_t value = sim_spawn_value(number, c);

        memcpy(bytes, &value, sizeof(value));
        if (mask >> c & 1) {
            reef_world_add(sim->world, *out,
                           reef_world_component(sim->world, &sim_components[c]), bytes);
        }
    }
}

static void note_thread(sim_t *sim)
{
    if (pthread_equal(pthread_self(), sim->main_thread)) {
        atomic_store(&sim->main_ran, true);
    } else {
        atomic_store(&sim->other_ran, true);
    }
}

static void run_system(reef_run_t *run, uint32_t system)
{
    context_t *context = reef_run_context(run);
    sim_t *sim = context->sim;
    const sim_spec_t *spec = &sim->plan->specs[system];
    trace_t *trace = &sim->traces[system];
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
        reef_entity_t entity;

        spawn(sim, sim_spawn_mask(sum), sum, &entity);
        if (reef_run_world(run) != sim->world) {
            blame(sim, "another world");
        }
    }
    pass(sim, spec, context, false);
    atomic_store(&trace->end, atomic_fetch_add(&sim->moment, 1));
}

/* A function per system: contexts may be shared. */
#define RUN(number_)                                                                   \
    static void run_##number_(reef_run_t *run)                                         \
    {                                                                                  \
        run_system(run, number_);                                                      \
    }
RUN(0)
RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)
RUN(7)
RUN(8)
RUN(9)
RUN(10)
RUN(11)
RUN(12)
RUN(13)

static const reef_system_fn functions[SIM_SYSTEMS] = {
    run_0, run_1, run_2, run_3,  run_4,  run_5,  run_6,
    run_7, run_8, run_9, run_10, run_11, run_12, run_13};

/* Building ------------------------------------------------------------------------- */

/* The part of sim_is_due() that `skips` makes; the other two are sets and enabling. */
#define RUN_IF(every_)                                                                 \
    static bool skips_##every_(const reef_world_t *world, void *context)               \
    {                                                                                  \
        (void)world;                                                                   \
        return ((context_t *)context)->sim->run % (every_) != (every_)-1;              \
    }
RUN_IF(2)
RUN_IF(3)
RUN_IF(4)

static bool set_holds(const reef_world_t *world, void *context)
{
    (void)world;
    return sim_set_holds(((sim_t *)context)->run);
}

static void add_names(const sim_plan_t *plan, uint32_t set, const char **names)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < plan->count && count < REEF_MAX_SYSTEM_ORDER; i++) {
        if (set >> i & 1) {
            names[count++] = plan->specs[i].name;
        }
    }
}

static void describe_terms(const sim_spec_t *spec, reef_system_desc_t *desc)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < spec->term_count; i++) {
        desc->query[i] =
            (reef_term_t){spec->access[i], &sim_components[spec->components[i]], 0};
    }
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        if (spec->by_id[c] != REEF_ACCESS_NONE) {
            desc->access[count++] =
                (reef_term_t){spec->by_id[c], &sim_components[c], 0};
        }
    }
    count = 0;
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        if (spec->resources[r] != REEF_ACCESS_NONE) {
            desc->resources[count++] =
                (reef_term_t){spec->resources[r], &sim_resources[r], 0};
        }
    }
    for (uint32_t e = 0; e < SIM_EVENTS; e++) {
        desc->reads[e] = NULL;
        desc->emits[e] = NULL;
    }
    count = 0;
    for (uint32_t e = 0; e < SIM_EVENTS; e++) {
        if (spec->reads >> e & 1) {
            desc->reads[count++] = &sim_events[e];
        }
    }
    count = 0;
    for (uint32_t e = 0; e < SIM_EVENTS; e++) {
        if (spec->emits >> e & 1) {
            desc->emits[count++] = &sim_events[e];
        }
    }
}

static void add_system(sim_t *sim, uint32_t system)
{
    static bool (*const skips[])(const reef_world_t *, void *) = {NULL, NULL, skips_2,
                                                                  skips_3, skips_4};
    const sim_spec_t *spec = &sim->plan->specs[system];
    context_t *context =
        &sim->contexts[spec->shared_context >= 0
                           ? SIM_SYSTEMS + (uint32_t)spec->shared_context
                           : system];
    reef_system_desc_t desc = {.name = spec->name,
                               .run = functions[system],
                               .context = context,
                               .commands = spec->commands,
                               .exclusive = spec->exclusive,
                               .parallel = spec->parallel,
                               .run_if = skips[spec->skips]};

    describe_terms(spec, &desc);
    add_names(sim->plan, spec->after, desc.after);
    add_names(sim->plan, spec->before, desc.before);
    if (spec->in_set) {
        desc.sets[0] = "some";
    }
    if (reef_schedule_add(sim->schedule, &desc) != REEF_OK) {
        blame(sim, "a system is refused");
    }
}

static void create_bundles(sim_t *sim)
{
    for (uint32_t i = 0; i < 8; i++) {
        const reef_type_t *types[SIM_COMPONENTS];
        uint32_t count = 0;

        for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
            if (sim_spawn_mask(i) >> c & 1) {
                types[count++] = &sim_components[c];
            }
        }
        sim->bundles[i] = reef_bundle_create(sim->world, types, count);
    }
}

sim_t *sim_create(const sim_plan_t *plan, uint32_t workers)
{
    sim_t *sim = calloc(1, sizeof(*sim));
    reef_entity_t entity;
    reef_failure_t failure;

    sim->plan = plan;
    sim->main_thread = pthread_self();
    atomic_store(&sim->moment, 1);
    sim->world = reef_world_create(&(reef_world_desc_t){.workers = workers});
    sim->schedule = reef_schedule_create(sim->world, "sim");
    create_bundles(sim);
    for (uint32_t i = 0; i < SIM_ANCHORS; i++) {
        spawn(sim, (1u << SIM_COMPONENTS) - 1, i, &sim->anchors[i]);
    }
    for (uint32_t i = 0; i < plan->entities; i++) {
        spawn(sim, sim_spawn_mask(i * plan->step + 5), i, &entity);
    }
    for (uint32_t i = 0; i < SIM_SYSTEMS + SIM_CONTEXTS; i++) {
        sim->contexts[i].sim = sim;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        add_system(sim, i);
    }
    if (reef_schedule_add_set(
            sim->schedule,
            &(reef_set_desc_t){.name = "some", .run_if = set_holds, .context = sim}) !=
            REEF_OK ||
        reef_schedule_build(sim->schedule, &failure) != REEF_OK) {
        blame(sim, "the schedule cannot be built");
    }
    return sim;
}

void sim_destroy(sim_t *sim)
{
    reef_schedule_destroy(sim->schedule);
    for (uint32_t i = 0; i < 8; i++) {
        reef_bundle_destroy(sim->bundles[i]);
    }
    reef_world_destroy(sim->world);
    free(sim);
}

/* Running -------------------------------------------------------------------------- */

uint32_t sim_order(const sim_t *sim, uint32_t index, uint32_t *stage)
{
    const reef_system_t *system = reef_schedule_system(sim->schedule, index);

    *stage = reef_system_stage(system);
    return (uint32_t)strtoul(reef_system_desc(system)->name + 1, NULL, 10);
}

void sim_run(sim_t *sim)
{
    for (uint32_t i = 0; i < sim->plan->count; i++) {
        uint32_t stage;
        uint32_t system = sim_order(sim, i, &stage);
        uint32_t rests = sim->plan->specs[system].rests;
        trace_t *trace = &sim->traces[system];

        reef_system_set_enabled(reef_schedule_system(sim->schedule, i),
                                rests == 0 || sim->run % rests != 0);
        atomic_store(&trace->begin, 0);
        atomic_store(&trace->end, 0);
        atomic_store(&trace->rows, 0);
        trace->events = 0;
    }
    sim->run_began = atomic_load(&sim->moment);
    reef_schedule_run(sim->schedule);
    reef_events_trim(sim->world);
    sim->run++;
}

const char *sim_failure(const sim_t *sim)
{
    return atomic_load(&sim->failure);
}

uint32_t sim_threads(const sim_t *sim)
{
    return (uint32_t)atomic_load(&sim->main_ran) + atomic_load(&sim->other_ran);
}

bool sim_ran_before(const sim_t *sim, uint32_t first, uint32_t second)
{
    const trace_t *a = &sim->traces[first], *b = &sim->traces[second];

    if (atomic_load(&a->begin) == 0 || atomic_load(&b->begin) == 0 ||
        atomic_load(&a->end) < atomic_load(&b->begin)) {
        return true;
    }
    if (!sim->plan->specs[first].parallel || !sim->plan->specs[second].parallel) {
        return false;
    }
    for (uint32_t i = 0; i < SIM_INDICES; i++) {
        uint32_t x = atomic_load(&a->stamp[i]), y = atomic_load(&b->stamp[i]);

        if (x >= sim->run_began && y >= sim->run_began && x > y) {
            return false;
        }
    }
    return true;
}

/* Results -------------------------------------------------------------------------- */

static const void *find(const sim_t *sim, reef_entity_t entity, uint32_t component)
{
    return reef_world_find(
        sim->world, entity,
        reef_world_component(sim->world, &sim_components[component]));
}

static uint32_t number_of(const sim_t *sim, reef_entity_t entity)
{
    uint32_t mask = 0, number;

    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        mask |= (uint32_t)(find(sim, entity, c) != NULL) << c;
    }
    number = mask;
    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        if (mask >> c & 1) {
            number = sim_mix(number, value_at(find(sim, entity, c), c, 0));
        }
    }
    return number;
}

sim_result_t sim_result(const sim_t *sim)
{
    sim_result_t result = {.alive = (uint32_t)reef_world_entity_count(sim->world)};
    reef_entity_t entity = 0;

    while ((entity = reef_world_next_entity(sim->world, reef_entity_index(entity))) !=
           0) {
        result.state += number_of(sim, entity);
    }
    for (uint32_t i = 0; i < sim->plan->count; i++) {
        result.rows += atomic_load(&sim->traces[i].rows);
        result.events += sim->traces[i].events * (i + 1);
    }
    for (uint32_t r = 0; r < SIM_RESOURCES; r++) {
        result.resources[r] =
            value_at(reef_world_resource(sim->world, &sim_resources[r]), 2, 0);
    }
    return result;
}

static uint64_t hash_rows(const reef_world_t *world)
{
    uint64_t hash = 0;

    for (uint32_t i = 0; i < reef_world_table_count(world); i++) {
        const reef_table_t *table = reef_world_table(world, i);

        for (uint32_t c = 0; table != NULL && c < reef_table_chunk_count(table); c++) {
            reef_chunk_view_t view = reef_table_chunk(table, c);

            for (uint32_t row = 0; row < view.count; row++) {
                hash = (hash ^ view.entities[row]) * UINT64_C(0x100000001b3);
            }
        }
    }
    return hash;
}

sim_digest_t sim_digest(const sim_t *sim)
{
    sim_digest_t digest = {.state_hash = reef_world_state_hash(sim->world),
                           .rows = hash_rows(sim->world)};
    reef_entity_t entity = 0;

    while ((entity = reef_world_next_entity(sim->world, reef_entity_index(entity))) !=
           0) {
        digest.ids = (digest.ids ^ entity) * UINT64_C(0x100000001b3);
    }
    for (uint32_t i = 0; i < sim->plan->count; i++) {
        digest.sequence = (digest.sequence ^ sim->traces[i].sequence) * 31;
    }
    return digest;
}
