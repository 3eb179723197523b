/*
 * A world for a plan, and its schedule; results.
 */
#include "sim_world.h"

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

reef_entity_t sim_spawn(sim_t *sim, uint8_t mask, uint32_t number)
{
    reef_entity_t entity = reef_world_spawn(sim->world, REEF_RANGE_WORLD);

    for (uint32_t c = 0; c < SIM_COMPONENTS; c++) {
        uint8_t bytes[256] = {0};
        uint32_t value = sim_spawn_value(number, c);

        memcpy(bytes, &value, sizeof(value));
        if (mask >> c & 1) {
            reef_world_add(sim->world, entity,
                           reef_world_component(sim->world, &sim_components[c]), bytes);
        }
    }
    return entity;
}

/* A function per system: contexts may be shared. */
#define RUN(number_)                                                                   \
    static void run_##number_(reef_run_t *run)                                         \
    {                                                                                  \
        sim_run_system(run, number_);                                                  \
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
        return ((sim_context_t *)context)->sim->run % (every_) != (every_)-1;          \
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
    sim_context_t *context =
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
        sim_blame(sim, "a system is refused");
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
    reef_failure_t failure;

    sim->plan = plan;
    sim->main_thread = pthread_self();
    atomic_store(&sim->moment, 1);
    sim->world = reef_world_create(&(reef_world_desc_t){.workers = workers});
    sim->schedule = reef_schedule_create(sim->world, "sim");
    create_bundles(sim);
    for (uint32_t i = 0; i < SIM_ANCHORS; i++) {
        sim->anchors[i] = sim_spawn(sim, (1u << SIM_COMPONENTS) - 1, i);
    }
    for (uint32_t i = 0; i < plan->entities; i++) {
        sim_spawn(sim, sim_spawn_mask(i * plan->step + 5), i);
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
        sim_blame(sim, "the schedule cannot be built");
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
        sim_trace_t *trace = &sim->traces[system];

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
    const sim_trace_t *a = &sim->traces[first], *b = &sim->traces[second];

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
            number = sim_mix(number, sim_value_at(find(sim, entity, c), c, 0));
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
            sim_value_at(reef_world_resource(sim->world, &sim_resources[r]), 2, 0);
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
