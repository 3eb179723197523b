/*
 * Images in memory: decoding rows, and putting an image into the world.  All checks
 * are done when an image is loaded, so that applying it either happens whole or not at
 * all.
 */
#include "image.h"

#include "memory.h"

#include <reef/array.h>
#include <reef/components.h>

#include <assert.h>

/* Catalogue -------------------------------------------------------------------- */

void reef__catalogue_init(reef__catalogue_t *catalogue, reef_world_t *world)
{
    uint32_t count = reef_world_component_count(world);

    *catalogue = (reef__catalogue_t){0};
    for (uint32_t i = 0; i < count; i++) {
        const reef_type_t *type = reef_world_component_type(world, (reef_component_t)i);

        if (type->flags & REEF_PERSISTENT) {
            *REEF_ARRAY_PUSH(reef_alloc_default(), &catalogue->components) = type;
        }
    }
    count = reef_world_resource_count(world);
    for (uint32_t i = 0; i < count; i++) {
        const reef_type_t *type = reef_world_resource_type(world, i);

        if (type->flags & REEF_PERSISTENT) {
            *REEF_ARRAY_PUSH(reef_alloc_default(), &catalogue->resources) = type;
        }
    }
}

void reef__catalogue_finish(reef__catalogue_t *catalogue)
{
    REEF_ARRAY_FINISH(reef_alloc_default(), &catalogue->components);
    REEF_ARRAY_FINISH(reef_alloc_default(), &catalogue->resources);
}

/* Rows ------------------------------------------------------------------------- */

/* Number of rows, taken from the start of *content; 0 when that is damaged. */
static uint32_t take_row_count(const reef__column_t *columns,
                               uint32_t column_count,
                               reef_span_t *content)
{
    size_t row_size = sizeof(reef_entity_t);
    bool has_texts = false;
    uint64_t count;

    for (uint32_t i = 0; i < column_count; i++) {
        row_size += columns[i].stored_size;
        has_texts = has_texts || columns[i].has_texts;
    }
    if (has_texts) { /* their size says nothing of the number of rows */
        if (content->size < sizeof(count)) {
            return 0;
        }
        memcpy(&count, content->data, sizeof(count));
        *content = reef_span_skip(*content, sizeof(count));
    } else {
        count = content->size % row_size == 0 ? content->size / row_size : 0;
    }
    return count <= content->size / row_size && count <= UINT32_MAX ? (uint32_t)count
                                                                    : 0;
}

/* Find all columns in what follows the ids, and nothing behind them. */
static bool find_columns(const reef__column_t *columns,
                         uint32_t column_count,
                         uint32_t count,
                         reef_span_t content,
                         reef__stored_column_t *found)
{
    for (uint32_t i = 0; i < column_count; i++) {
        const reef__plan_t *plan = columns[i].plan;

        if (!reef__texts_find_column(&content, count, columns[i].stored_size,
                                     columns[i].has_texts,
                                     plan != NULL ? &plan->stored : NULL, &found[i])) {
            return false;
        }
    }
    return content.size == 0;
}

static void decode_columns(const reef__column_t *columns,
                           uint32_t column_count,
                           const reef__stored_column_t *found,
                           reef__image_rows_t *rows,
                           reef_snapshot_restored_t *report)
{
    uint32_t known = 0;

    for (uint32_t i = 0; i < column_count; i++) {
        reef__plan_t *plan = columns[i].plan;

        if (plan != NULL && plan->type->size > 0) {
            rows->columns[known] =
                snapshot_alloc((size_t)rows->count * plan->type->size);
            reef__plan_apply(plan, &found[i], rows->columns[known], rows->count,
                             report);
        }
        known += plan != NULL;
    }
}

reef_error_t reef__image_rows_decode(const reef__column_t *columns,
                                     uint32_t column_count,
                                     reef_span_t content,
                                     reef__image_rows_t *rows,
                                     reef_snapshot_restored_t *report)
{
    reef__stored_column_t found[REEF_MAX_TABLE_COMPONENTS];
    uint32_t count = take_row_count(columns, column_count, &content);
    size_t ids_size = count * sizeof(reef_entity_t);
    size_t known = 0;

    assert(column_count <= REEF_MAX_TABLE_COMPONENTS);
    if (count == 0 || !find_columns(columns, column_count, count,
                                    reef_span_skip(content, ids_size), found)) {
        return REEF_E_CORRUPT;
    }
    for (uint32_t i = 0; i < column_count; i++) {
        known += columns[i].plan != NULL;
    }
    *rows = (reef__image_rows_t){
        .count = count,
        .entities = snapshot_alloc(ids_size),
        .columns = snapshot_alloc_zeroed(known * sizeof(*rows->columns))};
    memcpy(rows->entities, content.data, ids_size);
    decode_columns(columns, column_count, found, rows, report);
    return REEF_OK;
}

static void
drop_column(const reef__image_rows_t *rows, const reef_type_t *type, void *column)
{
    if (rows->moved || !reef_type_has_texts(type)) {
        return;
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        reef_type_drop_texts(type, (uint8_t *)column + (size_t)i * type->size);
    }
}

void reef__image_rows_finish(reef__image_rows_t *rows,
                             const reef_type_t *const *types,
                             uint32_t type_count)
{
    for (uint32_t i = 0; i < type_count; i++) {
        drop_column(rows, types[i], rows->columns[i]);
        snapshot_free(rows->columns[i], (size_t)rows->count * types[i]->size);
    }
    snapshot_free(rows->columns, type_count * sizeof(*rows->columns));
    snapshot_free(rows->entities, rows->count * sizeof(*rows->entities));
    *rows = (reef__image_rows_t){0};
}

/* Images ----------------------------------------------------------------------- */

void reef__image_destroy(reef__image_t *image)
{
    if (image == NULL) {
        return;
    }
    for (size_t i = 0; i < image->tables.count; i++) {
        reef__image_table_t *table = &image->tables.items[i];

        for (size_t j = 0; j < table->chunks.count; j++) {
            reef__image_rows_finish(&table->chunks.items[j], table->types,
                                    table->type_count);
        }
        REEF_ARRAY_FINISH(reef_alloc_default(), &table->chunks);
    }
    for (size_t i = 0; i < image->resources.count; i++) {
        const reef__image_resource_t *resource = &image->resources.items[i];

        reef_type_drop_texts(resource->type, resource->value);
        snapshot_free(resource->value, resource->type->size);
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &image->tables);
    REEF_ARRAY_FINISH(reef_alloc_default(), &image->resources);
    snapshot_free(image->words, image->words_size);
    snapshot_free(image, sizeof(*image));
}

static void apply_table(reef__image_table_t *table, reef_world_t *world)
{
    reef_component_t components[REEF_MAX_TABLE_COMPONENTS];

    for (uint32_t i = 0; i < table->type_count; i++) {
        components[i] = reef_world_component(world, table->types[i]);
    }
    for (size_t i = 0; i < table->chunks.count; i++) {
        reef__image_rows_t *rows = &table->chunks.items[i];
        reef_error_t error = reef_world_restore_rows(
            world,
            &(reef_rows_desc_t){.count = rows->count,
                                .components = components,
                                .component_count = table->type_count,
                                .columns = (const void *const *)rows->columns},
            rows->entities);

        assert(error == REEF_OK); /* ids were checked against the slots */
        rows->moved = true;
    }
}

static bool is_named(const reef_type_t *type, const reef_type_t *wanted)
{
    return strcmp(type->name, wanted->name) == 0;
}

/* What must not come back: a lower counter, and the tick rate of another process. */
static void keep_present(const reef_type_t *type, const void *present, void *restored)
{
    if (is_named(type, &client_counter_type)) {
        const client_counter_t *counter = present;
        client_counter_t *to = restored;

        to->last = counter->last > to->last ? counter->last : to->last;
    } else if (is_named(type, &simulation_time_type)) {
        ((simulation_time_t *)restored)->dt = ((const simulation_time_t *)present)->dt;
    }
}

static void apply_resource(const reef__image_resource_t *resource, reef_world_t *world)
{
    void *present = reef_world_resource(world, resource->type);

    keep_present(resource->type, present, resource->value);
    reef_type_drop(resource->type, present);
    memcpy(present, resource->value, resource->type->size);
    memset(resource->value, 0, resource->type->size); /* its texts have moved */
}

reef_error_t
reef__image_apply(reef__image_t *image, reef_world_t *world, reef_failure_t *failure)
{
    reef_error_t error = reef_world_import_slots(world, &image->slots);

    if (error != REEF_OK) {
        return reef_fail(failure, error, "snapshot %lld: its ids contradict themselves",
                         (long long)image->id);
    }
    for (size_t i = 0; i < image->tables.count; i++) {
        apply_table(&image->tables.items[i], world);
    }
    (void)reef_world_restore_end(world);
    for (size_t i = 0; i < image->resources.count; i++) {
        apply_resource(&image->resources.items[i], world);
    }
    return REEF_OK;
}
