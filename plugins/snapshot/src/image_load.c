/*
 * From the database to an image, in one read transaction so that pruning does not
 * interfere: slots, then tables with their chunks, then resources.
 */
#include "image.h"

#include "loader.h"
#include "memory.h"
#include "store.h"

#include <reef/array.h>
#include <reef/components.h>

enum {
    MAX_TABLES = 1 << 20,
    MAX_SLOT_PIECES = 1 << 16,
};

/* Slots ------------------------------------------------------------------------ */

static reef_error_t take_slots(reef__loader_t *load, void *context, reef_span_t content)
{
    reef__image_t *image = load->image;
    uint32_t *pieces = context;

    if (content.size % sizeof(uint32_t) != 0 || ++*pieces > MAX_SLOT_PIECES) {
        return reef__loader_fail(load, "its ids have a wrong size");
    }
    image->words = reef_resize(reef_alloc_default(), image->words, image->words_size,
                               image->words_size + content.size);
    memcpy((uint8_t *)image->words + image->words_size, content.data, content.size);
    image->words_size += content.size;
    return REEF_OK;
}

static reef_error_t load_slots(reef__loader_t *load)
{
    reef__image_t *image = load->image;
    uint32_t pieces = 0;
    uint64_t words;
    reef_error_t error = reef__loader_each_content(load, REEF__CONTENT_OF("slots"), 0,
                                                   take_slots, &pieces);

    if (error != REEF_OK) {
        return error;
    }
    words = image->words_size / sizeof(uint32_t);
    if (words < 2 || words != 2 + (uint64_t)image->words[0] + image->words[1] ||
        image->words[0] > REEF_SESSION_INDEX_BASE) {
        return reef__loader_fail(load, "its ids have a wrong size");
    }
    image->slots = (reef_slots_t){.slot_count = image->words[0],
                                  .free_count = image->words[1],
                                  .generations = image->words + 2,
                                  .free_list = image->words + 2 + image->words[0]};
    load->seen_size = image->slots.slot_count / 8 + 1;
    load->seen = snapshot_alloc_zeroed(load->seen_size);
    return REEF_OK;
}

/* Tables ----------------------------------------------------------------------- */

/* A table on its way into the image. */
typedef struct source {
    reef__column_t columns[REEF_MAX_TABLE_COMPONENTS];
    uint32_t column_count;
    reef__image_table_t *table;
} source_t;

static bool ids_are_good(reef__loader_t *load, const reef__image_rows_t *rows)
{
    const reef_slots_t *slots = &load->image->slots;

    for (uint32_t i = 0; i < rows->count; i++) {
        uint32_t index = reef_entity_index(rows->entities[i]);
        uint32_t generation = reef_entity_generation(rows->entities[i]);
        uint8_t bit = (uint8_t)(1u << (index % 8));

        if (index == 0 || index >= slots->slot_count || (generation & 1) == 0 ||
            slots->generations[index] != generation || (load->seen[index / 8] & bit)) {
            return false;
        }
        load->seen[index / 8] |= bit;
    }
    return true;
}

static reef_error_t take_rows(reef__loader_t *load, void *context, reef_span_t content)
{
    source_t *source = context;
    reef__image_rows_t *rows;
    reef__image_rows_t decoded;

    if (reef__image_rows_decode(source->columns, source->column_count, content,
                                &decoded, load->report) != REEF_OK) {
        return reef__loader_fail(load, "a chunk is damaged");
    }
    rows = REEF_ARRAY_PUSH(reef_alloc_default(), &source->table->chunks);
    *rows = decoded;
    load->image->entities += rows->count;
    return ids_are_good(load, rows)
               ? REEF_OK
               : reef__loader_fail(load, "an entity is there twice, or should be dead");
}

static bool has_type(const reef__image_table_t *table, const reef_type_t *type)
{
    for (uint32_t i = 0; i < table->type_count; i++) {
        if (table->types[i] == type) {
            return true;
        }
    }
    return false;
}

static reef_error_t
load_columns(reef__loader_t *load, int64_t position, source_t *source)
{
    reef_statement_t *statement = NULL;
    bool row = true;
    reef_error_t error = reef__loader_prepare(
        load,
        "SELECT component_type_id FROM snapshot_column "
        "WHERE snapshot_id = ?1 AND table_position = ?2 ORDER BY position",
        position, &statement);

    while (error == REEF_OK) {
        reef__stored_type_t type;

        error = reef_statement_step(statement, &row, load->failure);
        if (error != REEF_OK || !row) {
            break;
        }
        error = reef__loader_ensure_type(load, reef_statement_int(statement, 0), false,
                                         &type);
        if (error != REEF_OK) {
            break;
        }
        if (source->column_count == REEF_MAX_TABLE_COMPONENTS ||
            (type.plan != NULL && has_type(source->table, type.plan->type))) {
            error =
                reef__loader_fail(load, "a table has too many columns, or one twice");
            break;
        }
        source->columns[source->column_count++] = (reef__column_t){
            .plan = type.plan, .stored_size = type.size, .has_texts = type.has_texts};
        if (type.plan != NULL) {
            source->table->types[source->table->type_count++] = type.plan->type;
        }
    }
    reef_statement_destroy(statement);
    return error;
}

static reef_error_t load_tables(reef__loader_t *load)
{
    reef_statement_t *statement = NULL;
    bool row = true;
    reef_error_t error =
        reef__loader_prepare(load,
                             "SELECT position FROM snapshot_table "
                             "WHERE snapshot_id = ?1 ORDER BY position",
                             -1, &statement);

    while (error == REEF_OK) {
        source_t source = {0};
        int64_t position;

        error = reef_statement_step(statement, &row, load->failure);
        if (error != REEF_OK || !row) {
            break;
        }
        position = reef_statement_int(statement, 0);
        if (position < 0 || load->image->tables.count == MAX_TABLES) {
            error = reef__loader_fail(load, "too many tables");
            break;
        }
        source.table = REEF_ARRAY_PUSH(reef_alloc_default(), &load->image->tables);
        *source.table = (reef__image_table_t){0};
        error = load_columns(load, position, &source);
        if (error == REEF_OK) {
            error = reef__loader_each_content(load, REEF__CONTENT_OF("rows"), position,
                                              take_rows, &source);
        }
    }
    reef_statement_destroy(statement);
    return error;
}

/* Resources -------------------------------------------------------------------- */

static reef_error_t
take_resource(reef__loader_t *load, void *context, reef_span_t content)
{
    const reef__stored_type_t *type = context;
    reef__stored_column_t stored;
    reef__image_resource_t *resource;

    if (!reef__texts_find_column(&content, 1, type->size, type->has_texts,
                                 type->plan != NULL ? &type->plan->stored : NULL,
                                 &stored) ||
        content.size != 0) {
        return reef__loader_fail(load, "a resource has a wrong size");
    }
    if (type->plan == NULL || type->plan->type->size == 0) {
        return REEF_OK;
    }
    resource = REEF_ARRAY_PUSH(reef_alloc_default(), &load->image->resources);
    resource->type = type->plan->type;
    resource->value = snapshot_alloc(resource->type->size);
    reef__plan_apply(type->plan, &stored, resource->value, 1, load->report);
    if (strcmp(resource->type->name, simulation_time_type.name) == 0) {
        load->image->tick = ((const simulation_time_t *)resource->value)->tick;
    }
    return REEF_OK;
}

static reef_error_t load_resources(reef__loader_t *load)
{
    reef_statement_t *statement = NULL;
    bool row = true;
    reef_error_t error =
        reef__loader_prepare(load,
                             "SELECT position, component_type_id "
                             "FROM snapshot_resource "
                             "WHERE snapshot_id = ?1 ORDER BY position",
                             -1, &statement);

    while (error == REEF_OK) {
        reef__stored_type_t type;
        int64_t position;

        error = reef_statement_step(statement, &row, load->failure);
        if (error != REEF_OK || !row) {
            break;
        }
        position = reef_statement_int(statement, 0);
        error = reef__loader_ensure_type(load, reef_statement_int(statement, 1), true,
                                         &type);
        if (error == REEF_OK && position < 0) {
            error = reef__loader_fail(load, "a resource has no place");
        }
        if (error == REEF_OK) {
            error = reef__loader_each_content(load, REEF__CONTENT_OF("resource"),
                                              position, take_resource, &type);
        }
    }
    reef_statement_destroy(statement);
    return error;
}

/* ---------------------------------------------------------------------------------- */

static reef_error_t load_all(reef__loader_t *load)
{
    reef_snapshot_info_t info;
    reef_error_t error =
        reef__store_get(load->database, load->image->id, &info, load->failure);

    if (error != REEF_OK) {
        return error;
    }
    if (info.state != REEF_SNAPSHOT_COMPLETE) {
        return reef_fail(load->failure, REEF_E_INVALID, "snapshot %lld is not complete",
                         (long long)load->image->id);
    }
    load->image->tick = info.tick;
    error = load_slots(load);
    if (error == REEF_OK) {
        error = load_tables(load);
    }
    if (error == REEF_OK) {
        error = load_resources(load);
    }
    if (error == REEF_OK && load->image->entities != info.entities) {
        error = reef__loader_fail(load, "entities are missing");
    }
    return error;
}

reef_error_t reef__image_load(reef_database_t *database,
                              int64_t id,
                              const reef__catalogue_t *catalogue,
                              reef__image_t **image,
                              reef_snapshot_restored_t *report,
                              reef_failure_t *failure)
{
    reef__loader_t load = {.database = database,
                           .catalogue = catalogue,
                           .report = report,
                           .failure = failure};
    reef_error_t error = reef_database_run(database, "BEGIN", failure);

    if (error != REEF_OK) {
        return error;
    }
    *report = (reef_snapshot_restored_t){0};
    load.image = snapshot_alloc_zeroed(sizeof(*load.image));
    load.image->id = id;
    error = load_all(&load);
    (void)!reef_database_run(database, "ROLLBACK", NULL);
    reef__loader_finish(&load);
    if (error != REEF_OK) {
        reef__image_destroy(load.image);
        return error;
    }
    report->applied_tick = load.image->tick;
    report->entities = load.image->entities;
    *image = load.image;
    return REEF_OK;
}
