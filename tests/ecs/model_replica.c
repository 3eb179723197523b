/*
 * The end of a run: the state's hash is that of a second world, which is made from the
 * model alone; and what a snapshot would store brings back the same.
 */
#include "model.h"

#include <stdlib.h>

/* From the model ------------------------------------------------------------------- */

/* Whether the component has to come with the entity: add would refuse it. */
static bool comes_first(const model_thing_t *thing, uint32_t type)
{
    return model_is_relation(type) && thing->values[type] == 0;
}

static reef_entity_t
spawn_with(const model_t *model, reef_world_t *world, const model_thing_t *thing)
{
    static const reef_relation_t nowhere;
    reef_component_t components[MODEL_TYPES];
    const void *columns[MODEL_TYPES];
    reef_entity_t id;
    uint32_t count = 0;

    for (uint32_t type = 0; type < MODEL_TYPES && thing != NULL; type++) {
        if ((thing->has >> type & 1) && comes_first(thing, type)) {
            components[count] = model->ids[type];
            columns[count++] = &nowhere;
        }
    }
    reef_world_spawn_rows(world,
                          &(reef_rows_desc_t){.range = REEF_RANGE_SESSION,
                                              .count = 1,
                                              .components = components,
                                              .component_count = count,
                                              .columns = columns},
                          &id);
    return id;
}

/* Ids of sessions can only be had by spawning until they come. */
static void replay_sessions(const model_t *model, reef_world_t *world)
{
    uint32_t count = model->peak[REEF_RANGE_SESSION];
    reef_entity_t *surplus = calloc(count + 1, sizeof(*surplus));
    uint32_t surplus_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint16_t at = model->by_index[REEF_RANGE_SESSION][i];
        const model_thing_t *thing = at != 0 ? &model->things[at - 1] : NULL;
        reef_entity_t id = spawn_with(model, world, thing);

        if (thing == NULL || thing->state != MODEL_ALIVE) {
            surplus[surplus_count++] = id;
            continue;
        }
        while (id != thing->id) {
            MODEL_CHECK(model, reef_entity_generation(id) < UINT32_C(1) << 20,
                        "%#llx does not come", (unsigned long long)thing->id);
            reef_world_despawn(world, id);
            id = spawn_with(model, world, thing);
        }
    }
    while (surplus_count > 0) {
        reef_world_despawn(world, surplus[--surplus_count]);
    }
    free(surplus);
}

/* Reserve the ids of all entities of the other range. */
static void import_slots(const model_t *model, reef_world_t *world)
{
    uint32_t count = model->peak[REEF_RANGE_WORLD] + 1;
    reef_slots_t slots = {.slot_count = count,
                          .generations = calloc(count, sizeof(uint32_t))};

    for (uint32_t i = 1; i < count; i++) {
        uint16_t at = model->by_index[REEF_RANGE_WORLD][i];

        if (at != 0 && model->things[at - 1].state == MODEL_ALIVE) {
            slots.generations[i] = reef_entity_generation(model->things[at - 1].id);
        }
    }
    MODEL_CHECK(model, reef_world_import_slots(world, &slots) == REEF_OK, "slots");
    free(slots.generations);
}

static void
add_all(const model_t *model, reef_world_t *world, const model_thing_t *thing)
{
    _Alignas(64) uint8_t bytes[MODEL_MAX_SIZE];

    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if ((thing->has >> type & 1) && !comes_first(thing, type)) {
            model_encode(type, model_is_owner(type) ? 0 : thing->values[type], bytes);
            MODEL_CHECK(model,
                        reef_world_add(world, thing->id, model->ids[type], bytes),
                        "%s in the second world", model_types[type].name);
        }
    }
}

static void restore_all(const model_t *model, reef_world_t *world)
{
    static const reef_relation_t nowhere;

    for (uint32_t i = 0; i < model->used; i++) {
        const model_thing_t *thing = &model->things[i];
        reef_component_t components[MODEL_TYPES];
        const void *columns[MODEL_TYPES];
        reef_rows_desc_t rows = {
            .count = 1, .components = components, .columns = columns};

        if (thing->state != MODEL_ALIVE ||
            reef_entity_range(thing->id) == REEF_RANGE_SESSION) {
            continue;
        }
        for (uint32_t type = 0; type < MODEL_TYPES; type++) {
            if ((thing->has >> type & 1) && comes_first(thing, type)) {
                components[rows.component_count] = model->ids[type];
                columns[rows.component_count++] = &nowhere;
            }
        }
        MODEL_CHECK(model, reef_world_restore_rows(world, &rows, &thing->id) == REEF_OK,
                    "%#llx in the second world", (unsigned long long)thing->id);
    }
    MODEL_CHECK(model, reef_world_restore_end(world) == 0, "restored");
}

static void check_built(const model_t *model)
{
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){0});

    for (uint32_t i = 0; i < MODEL_TYPES; i++) {
        MODEL_CHECK(model,
                    reef_world_component(world, &model_types[i]) == model->ids[i],
                    "component ids are not dense");
    }
    replay_sessions(model, world);
    import_slots(model, world);
    restore_all(model, world);
    for (uint32_t i = 0; i < model->used; i++) {
        if (model->things[i].state == MODEL_ALIVE) {
            add_all(model, world, &model->things[i]);
        }
    }
    MODEL_CHECK(model,
                reef_world_state_hash(world) == reef_world_state_hash(model->world),
                "state hash");
    MODEL_CHECK(model,
                reef_world_persistent_hash(world) ==
                    reef_world_persistent_hash(model->world),
                "persistent hash");
    reef_world_destroy(world);
}

/* From what a snapshot stores ------------------------------------------------------ */

/* The values of a column, without the rows of sessions.  Owned by the caller. */
static uint8_t *copy_column(reef_chunk_view_t view, const uint8_t *column, size_t size)
{
    uint8_t *out = malloc(view.count * size + 1);
    size_t used = 0;

    for (uint32_t row = 0; row < view.count && size > 0; row++) {
        if (reef_entity_range(view.entities[row]) == REEF_RANGE_WORLD) {
            memcpy(out + used, column + row * size, size);
            used += size;
        }
    }
    return out;
}

/* The persistent columns of a chunk. */
static void copy_chunk(const model_t *model,
                       reef_world_t *to,
                       const reef_table_t *table,
                       uint32_t chunk)
{
    reef_component_t components[MODEL_TYPES];
    void *columns[MODEL_TYPES];
    reef_chunk_view_t view = reef_table_chunk(table, chunk);
    reef_rows_desc_t rows = {.components = components,
                             .columns = (const void *const *)columns};
    reef_entity_t *ids = malloc(view.count * sizeof(*ids));
    uint32_t count;
    const reef_component_t *all = reef_table_components(table, &count);

    for (uint32_t i = 0; i < count; i++) {
        const reef_type_t *type = reef_world_component_type(model->world, all[i]);

        if (type->flags & REEF_PERSISTENT) {
            columns[rows.component_count] =
                copy_column(view, reef_table_column(table, chunk, i, NULL), type->size);
            components[rows.component_count++] = reef_world_component(to, type);
        }
    }
    for (uint32_t row = 0; row < view.count; row++) {
        if (reef_entity_range(view.entities[row]) == REEF_RANGE_WORLD) {
            ids[rows.count++] = view.entities[row];
        }
    }
    MODEL_CHECK(model, reef_world_restore_rows(to, &rows, ids) == REEF_OK, "a chunk");
    for (uint32_t i = 0; i < rows.component_count; i++) {
        free(columns[i]);
    }
    free(ids);
}

static void copy_world(const model_t *model, reef_world_t *to)
{
    reef_slots_t slots;

    reef_world_export_slots(model->world, &slots);
    MODEL_CHECK(model, reef_world_import_slots(to, &slots) == REEF_OK, "slots");
    reef_slots_finish(&slots);
    for (uint32_t i = 0; i < reef_world_table_count(model->world); i++) {
        const reef_table_t *table = reef_world_table(model->world, i);

        for (uint32_t k = 0; table != NULL && k < reef_table_chunk_count(table); k++) {
            copy_chunk(model, to, table, k);
        }
    }
    MODEL_CHECK(model, reef_world_restore_end(to) == 0, "restored");
}

/* A parent among the sessions is not in a snapshot: the hashes then differ. */
static bool has_session_parent(const model_t *model)
{
    for (uint32_t i = 0; i < model->used; i++) {
        const model_thing_t *thing = &model->things[i];

        if (thing->state == MODEL_ALIVE && (thing->has >> MODEL_PARENT & 1) &&
            reef_entity_range(thing->values[MODEL_PARENT]) == REEF_RANGE_SESSION) {
            return true;
        }
    }
    return false;
}

/* A world where ids of components differ, and other entities were before. */
static void check_copied(const model_t *model)
{
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){0});
    reef_entity_t session = reef_world_spawn(world, REEF_RANGE_SESSION);

    (void)reef_world_component(world, &model_types[MODEL_HUGE]);
    for (uint32_t i = 0; i < 10; i++) {
        reef_world_spawn(world, REEF_RANGE_WORLD);
    }
    copy_world(model, world);
    MODEL_CHECK(model,
                has_session_parent(model) ||
                    reef_world_persistent_hash(world) ==
                        reef_world_persistent_hash(model->world),
                "persistent hash");
    MODEL_CHECK(model, reef_world_is_alive(world, session), "the session is gone");
    for (uint32_t i = 0; i < 20; i++) {
        MODEL_CHECK(model,
                    reef_world_spawn(world, REEF_RANGE_WORLD) ==
                        reef_world_spawn(model->world, REEF_RANGE_WORLD),
                    "the next ids differ");
    }
    reef_world_destroy(world);
}

void model_check_replica(model_t *model)
{
    check_built(model);
    check_copied(model);
}
