/*
 * Comparing a world with its model: a little after every operation, everything once in
 * a while, and in the end with worlds that were made anew.
 */
#include "model.h"

#include <reef/hash.h>

#include <inttypes.h>

/* One entity ----------------------------------------------------------------------- */

static uint16_t
mask_of(const model_t *model, const reef_component_t *ids, uint32_t count)
{
    uint16_t mask = 0;

    for (uint32_t i = 0; i < count; i++) {
        MODEL_CHECK(model, i == 0 || ids[i - 1] < ids[i], "components are not sorted");
        mask |= (uint16_t)(1u << model->type_of[ids[i]]);
    }
    return mask;
}

static void check_value(const model_t *model, const model_thing_t *thing, uint32_t type)
{
    const void *value = reef_world_find(model->world, thing->id, model->ids[type]);
    bool there = thing->has >> type & 1;

    MODEL_CHECK(model, (value != NULL) == there, "%s of %#" PRIx64 " is%s there",
                model_types[type].name, thing->id, there ? " not" : "");
    MODEL_CHECK(model,
                reef_world_has(model->world, thing->id, model->ids[type]) == there,
                "%s of %#" PRIx64, model_types[type].name, thing->id);
    MODEL_CHECK(model, !there || model_holds(type, value, thing->values[type]),
                "%s of %#" PRIx64 " is %" PRIu64 ", not %" PRIu64,
                model_types[type].name, thing->id, model_decode(type, value),
                thing->values[type]);
}

static void check_mask(const model_t *model, const model_thing_t *thing)
{
    uint32_t count;
    const reef_component_t *ids =
        reef_world_components_of(model->world, thing->id, &count);
    uint16_t mask = mask_of(model, ids, count);

    MODEL_CHECK(model, mask == thing->has, "%#" PRIx64 " has %#x, not %#x", thing->id,
                mask, thing->has);
}

static void check_dead(const model_t *model, reef_entity_t id)
{
    uint32_t count;

    MODEL_CHECK(model, !reef_world_is_alive(model->world, id), "%#" PRIx64 " lives",
                id);
    (void)reef_world_components_of(model->world, id, &count);
    MODEL_CHECK(model, count == 0, "%#" PRIx64 " has components", id);
    MODEL_CHECK(model, reef_world_find(model->world, id, model->ids[0]) == NULL,
                "%#" PRIx64 " has a value", id);
}

void model_check_cheap(model_t *model, const model_thing_t *thing)
{
    uint64_t stale = reef_world_stale_count(model->world);
    uint64_t count = reef_world_entity_count(model->world);

    model_check_events(model);
    MODEL_CHECK(model, count == model->alive, "%" PRIu64 " entities, not %u", count,
                model->alive);
    MODEL_CHECK(model, stale == model->stale, "stale %" PRIu64 ", not %" PRIu64, stale,
                model->stale);
    MODEL_CHECK(model, model_live_tokens() == model->tokens,
                "%" PRIu64 " values that own, not %" PRIu64, model_live_tokens(),
                model->tokens);
    if (thing == NULL) {
        return;
    }
    if (thing->state == MODEL_ALIVE) {
        MODEL_CHECK(model, reef_world_is_alive(model->world, thing->id),
                    "%#" PRIx64 " is dead", thing->id);
        check_mask(model, thing);
        check_value(model, thing, (uint32_t)(model->report->at % MODEL_TYPES));
    } else {
        check_dead(model, thing->state == MODEL_RESERVED ? thing->id : thing->old);
    }
}

/* Relations ------------------------------------------------------------------------ */

static void check_sources(model_t *model, const model_thing_t *target, uint32_t type)
{
    uint32_t count;
    const reef_entity_t *sources =
        reef_world_sources(model->world, target->id, &model_types[type], &count);
    uint32_t expected = target->state == MODEL_ALIVE ? target->sources[type] : 0;
    uint32_t number = ++model->iteration;

    MODEL_CHECK(model, count == expected, "%#" PRIx64 " has %u sources by %s, not %u",
                target->id, count, model_types[type].name, expected);
    for (uint32_t i = 0; i < count; i++) {
        model_thing_t *source = model_find(model, sources[i]);

        MODEL_CHECK(model,
                    source != NULL && (source->has >> type & 1) &&
                        source->values[type] == target->id,
                    "%#" PRIx64 " does not point here", sources[i]);
        MODEL_CHECK(model, source->visit[0] != number, "a source twice");
        source->visit[0] = number;
        MODEL_CHECK(model,
                    reef_world_target(model->world, source->id, &model_types[type]) ==
                        target->id,
                    "points elsewhere");
    }
}

static void check_relations(model_t *model, const model_thing_t *thing)
{
    for (uint32_t type = MODEL_PARENT; type <= MODEL_MEMBER; type++) {
        check_sources(model, thing, type);
        if (thing->state == MODEL_ALIVE && (thing->has >> type & 1) == 0) {
            MODEL_CHECK(
                model,
                reef_world_target(model->world, thing->id, &model_types[type]) == 0,
                "a target without a relation");
        }
    }
}

/* Storage -------------------------------------------------------------------------- */

static model_table_t *known_table(model_t *model, uint32_t index, uint16_t mask)
{
    model_table_t *known;

    while (model->tables.count <= index) {
        *REEF_ARRAY_PUSH(reef_alloc_default(), &model->tables) = (model_table_t){0};
    }
    known = &model->tables.items[index];
    if (known->mask != mask) { /* another table got the index */
        known->mask = mask;
        known->count = 0;
    }
    return known;
}

/* Every column says when it was written, wherever its rows have moved. */
static void check_versions(model_t *model,
                           const reef_table_t *table,
                           uint32_t at,
                           const reef_component_t *ids,
                           uint32_t count)
{
    reef_chunk_view_t view = reef_table_chunk(table, at);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = model->type_of[ids[i]];
        uint64_t version;
        const void *column = reef_table_column(table, at, i, &version);

        MODEL_CHECK(model, (column != NULL) == (model_types[type].size > 0),
                    "column of %s", model_types[type].name);
        MODEL_CHECK(model, ((uintptr_t)column & 63) == 0, "column is not aligned");
        MODEL_CHECK(model,
                    version <= reef_world_version(model->world) &&
                        view.rows_version <= reef_world_version(model->world),
                    "a version to come");
        for (uint32_t row = 0; row < view.count; row++) {
            const model_thing_t *thing = model_find(model, view.entities[row]);

            MODEL_CHECK(model, thing->written[type] <= version || column == NULL,
                        "%s of %#" PRIx64 " was written in %" PRIu64
                        ", its column says %" PRIu64,
                        model_types[type].name, thing->id, thing->written[type],
                        version);
        }
    }
}

/* What differs from the last look is younger than that. */
static void check_since(model_t *model,
                        model_table_t *known,
                        const reef_table_t *table,
                        uint32_t at)
{
    uint32_t count;
    const reef_component_t *ids = reef_table_components(table, &count);
    reef_chunk_view_t view = reef_table_chunk(table, at);
    bool is_new = known->count <= at;
    model_chunk_t *chunk =
        is_new ? REEF_ARRAY_PUSH(reef_alloc_default(), known) : &known->items[at];
    uint64_t hash = reef_hash64(view.entities, view.count * sizeof(reef_entity_t), 0);

    MODEL_CHECK(model,
                is_new || hash == chunk->entities || view.rows_version >= model->looked,
                "rows changed after version %" PRIu64 ", the chunk says %" PRIu64,
                model->looked, view.rows_version);
    chunk->entities = hash;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t version;
        const uint8_t *column = reef_table_column(table, at, i, &version);
        uint32_t type = model->type_of[ids[i]];
        size_t size = model_types[type].size;

        /* The largest one would take the time of all; in a relation the world itself
         * writes `place`. */
        if (size == 0 || size > 32 || model_is_relation(type)) {
            continue;
        }
        hash = reef_hash64(column, view.count * size, 0);
        MODEL_CHECK(model,
                    is_new || hash == chunk->columns[i] || version >= model->looked ||
                        view.rows_version >= model->looked,
                    "a column changed after version %" PRIu64 ", it says %" PRIu64,
                    model->looked, version);
        chunk->columns[i] = hash;
    }
}

static uint32_t check_table(model_t *model, uint32_t index, const reef_table_t *table)
{
    uint32_t count;
    const reef_component_t *ids = reef_table_components(table, &count);
    uint16_t mask = mask_of(model, ids, count);
    model_table_t *known = known_table(model, index, mask);
    uint32_t chunk_count = reef_table_chunk_count(table);
    uint32_t rows = 0;

    for (uint32_t i = 0; i < chunk_count; i++) {
        reef_chunk_view_t view = reef_table_chunk(table, i);

        for (uint32_t row = 0; row < view.count; row++) {
            const model_thing_t *thing = model_find(model, view.entities[row]);

            MODEL_CHECK(model, thing != NULL && thing->has == mask,
                        "%#" PRIx64 " is in the wrong table", view.entities[row]);
        }
        check_versions(model, table, i, ids, count);
        check_since(model, known, table, i);
        rows += view.count;
        if (view.count > 0 && i >= model->report->max_chunks) {
            model->report->max_chunks = i + 1;
        }
    }
    if (known->count > chunk_count) {
        known->count = chunk_count;
    }
    MODEL_CHECK(model, reef_table_row_count(table) == rows, "%u rows in chunks", rows);
    return rows;
}

static void check_tables(model_t *model)
{
    bool seen[1 << MODEL_TYPES] = {false};
    uint32_t rows = 0;

    for (uint32_t i = 0; i < reef_world_table_count(model->world); i++) {
        const reef_table_t *table = reef_world_table(model->world, i);
        const reef_component_t *ids;
        uint32_t count;
        uint16_t mask;

        if (table == NULL) {
            continue;
        }
        ids = reef_table_components(table, &count);
        mask = mask_of(model, ids, count);
        MODEL_CHECK(model, !seen[mask], "two tables for %#x", mask);
        seen[mask] = true;
        rows += check_table(model, i, table);
    }
    MODEL_CHECK(model, rows == model->alive, "%u rows for %u entities", rows,
                model->alive);
    model->looked = reef_world_advance_version(model->world);
}

/* The table of a set of components; where it was last is looked at first. */
static const reef_table_t *find_table(model_t *model, uint16_t mask)
{
    uint32_t table_count = reef_world_table_count(model->world);
    uint32_t hint = model->table_of[mask];

    for (uint32_t i = 0; i <= table_count; i++) {
        uint32_t index = i == 0 ? hint : i - 1;
        const reef_table_t *table =
            index < table_count ? reef_world_table(model->world, index) : NULL;
        const reef_component_t *ids;
        uint32_t count;

        if (table == NULL) {
            continue;
        }
        ids = reef_table_components(table, &count);
        if (mask_of(model, ids, count) == mask) {
            model->table_of[mask] = (uint16_t)index;
            return table;
        }
    }
    return NULL;
}

void model_check_version(model_t *model, const model_thing_t *thing, uint32_t type)
{
    const uint8_t *value = reef_world_find(model->world, thing->id, model->ids[type]);
    const reef_table_t *table = find_table(model, thing->has);
    uint32_t size = model_types[type].size;
    uint32_t column = 0, count;
    const reef_component_t *ids;

    if (size == 0) {
        return;
    }
    MODEL_CHECK(model, table != NULL, "no table for %#x", thing->has);
    ids = reef_table_components(table, &count);
    while (ids[column] != model->ids[type]) {
        column++;
    }
    for (uint32_t chunk = 0; chunk < reef_table_chunk_count(table); chunk++) {
        uint64_t version;
        const uint8_t *from = reef_table_column(table, chunk, column, &version);

        if (value >= from &&
            value < from + (size_t)reef_table_chunk(table, chunk).count * size) {
            MODEL_CHECK(model, version == reef_world_version(model->world),
                        "%s was written, its column says %" PRIu64,
                        model_types[type].name, version);
            return;
        }
    }
    model_fail(model, "model_check_version", "is in some chunk", "%s",
               model_types[type].name);
}

/* Everything ----------------------------------------------------------------------- */

static void check_walk(const model_t *model)
{
    reef_entity_t entity = 0;
    uint32_t count = 0;

    for (;;) {
        reef_entity_t next =
            reef_world_next_entity(model->world, reef_entity_index(entity));

        if (next == 0) {
            break;
        }
        MODEL_CHECK(model, model_find(model, next) != NULL, "%#" PRIx64 " is dead",
                    next);
        MODEL_CHECK(model, reef_entity_index(next) > reef_entity_index(entity),
                    "the walk goes back");
        entity = next;
        count++;
    }
    MODEL_CHECK(model, count == model->alive, "the walk finds %u", count);
}

bool model_compare(model_t *model, const uint16_t *args)
{
    (void)args;
    for (uint32_t i = 0; i < model->used; i++) {
        const model_thing_t *thing = &model->things[i];

        if (thing->old != 0) {
            check_dead(model, thing->old);
        }
        if (thing->state == MODEL_RESERVED) {
            check_dead(model, thing->id);
        } else if (thing->state == MODEL_ALIVE) {
            check_mask(model, thing);
            for (uint32_t type = 0; type < MODEL_TYPES; type++) {
                check_value(model, thing, type);
            }
        }
        check_relations(model, thing);
    }
    check_walk(model);
    check_tables(model);
    for (uint32_t i = 0; i < MODEL_QUERIES; i++) {
        if (model->queries[i].query != NULL) {
            model_check_query(model, &model->queries[i]);
        }
    }
    return true;
}
