/*
 * The rows of a table.  A row that goes leaves a hole, which the last row fills
 * (swap-remove), so the order of rows means nothing.  Where values and versions lie is
 * in table_memory.c.
 */
#include "table.h"

/* Describing ----------------------------------------------------------------------- */

static void describe_columns(reef_table_t *table,
                             const reef__component_registry_t *registry,
                             const reef_component_t *components,
                             uint8_t *column_of)
{
    memset(column_of, REEF__NO_COLUMN, table->component_limit);
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__component_t *info = reef__component_at(registry, components[i]);

        assert(i == 0 || components[i - 1] < components[i]);
        table->components[i] = components[i];
        table->columns[i] = (reef__column_t){.size = info->size};
        table->owners[i] = info->owns ? info->type : NULL;
        table->reserved[i] = 0;
        column_of[components[i]] = (uint8_t)i;
        reef__component_set_add(&table->set, components[i]);
        table->owning |= info->owns;
        table->related |= reef__component_is_relation(info);
        table->add_observed |= (info->observed & 1u << REEF_OBSERVE_ADD) != 0;
        table->remove_observed |= (info->observed & 1u << REEF_OBSERVE_REMOVE) != 0;
        table->despawn_observed |= (info->observed & 1u << REEF_OBSERVE_DESPAWN) != 0;
    }
    table->hooked = table->remove_observed || table->despawn_observed ||
                    table->owning || table->related;
}

/* The table and its arrays are one piece of memory. */
static size_t table_size(uint32_t count, uint32_t limit)
{
    return sizeof(reef_table_t) +
           count * (sizeof(reef__column_t) + sizeof(void *) + sizeof(size_t) +
                    sizeof(reef_component_t)) +
           limit;
}

reef_table_t *reef__table_create(reef__storage_t *storage,
                                 const reef__component_registry_t *registry,
                                 const reef_component_t *components,
                                 uint32_t count)
{
    uint32_t limit = count > 0 ? components[count - 1] + 1u : 0;
    reef_table_t *table =
        reef_resize(storage->alloc, NULL, 0, table_size(count, limit));
    uint8_t *column_of;

    assert(count <= REEF_MAX_TABLE_COMPONENTS);
    *table = (reef_table_t){
        .storage = storage, .component_count = count, .component_limit = limit};
    table->columns = (void *)(table + 1);
    table->owners = (void *)(table->columns + count);
    table->reserved = (void *)(table->owners + count);
    table->components = (void *)(table->reserved + count);
    column_of = (void *)(table->components + count);
    table->column_of = column_of;
    describe_columns(table, registry, components, column_of);
    for (uint32_t i = 0; i < count; i++) {
        reef__table_update_track(table, registry, components[i]);
    }
    return table;
}

void reef__table_drop_row(reef_table_t *table, uint32_t row)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        if (table->owners[i] != NULL) {
            reef_type_drop(table->owners[i], reef__table_value(table, row, i));
        }
    }
}

void reef__table_destroy(reef_table_t *table)
{
    const reef_alloc_t *alloc = table->storage->alloc;

    for (uint32_t row = 0; row < table->row_count && table->owning; row++) {
        reef__table_drop_row(table, row);
    }
    reef__table_free_memory(table);
    for (uint32_t i = 0; i < table->component_count; i++) {
        reef__track_destroy(table->columns[i].track);
    }
    reef_resize(alloc, table,
                table_size(table->component_count, table->component_limit), 0);
}

/* Tracks --------------------------------------------------------------------------- */

void reef__table_update_track(reef_table_t *table,
                              const reef__component_registry_t *registry,
                              reef_component_t component)
{
    const reef__component_t *info = reef__component_at(registry, component);
    reef__column_t *column = &table->columns[reef__table_column_of(table, component)];

    table->stamp++;
    if (info->watches.used == 0) {
        table->track_count -= column->track != NULL;
        reef__track_destroy(column->track);
        column->track = NULL;
        return;
    }
    if (column->track == NULL) {
        column->track = reef__track_create(table->storage->alloc);
        table->track_count++;
    }
    reef__track_resize(column->track, info->watches, table->room);
}

void reef__table_track_arrival(reef_table_t *table,
                               uint32_t row,
                               const reef_table_t *from,
                               uint32_t from_row)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__track_t *track = table->columns[i].track;
        uint8_t column = REEF__NO_COLUMN;

        if (track == NULL) {
            continue;
        }
        if (from != NULL) {
            column = reef__table_column_of(from, table->components[i]);
        }
        reef__track_mark(track, row,
                         column != REEF__NO_COLUMN
                             ? reef__track_read(from->columns[column].track, from_row)
                             : track->used);
    }
}

void reef__table_move_bits(reef_table_t *table, uint32_t row, uint32_t last)
{
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__track_t *track = table->columns[i].track;
        uint32_t watches;

        if (track == NULL) {
            continue;
        }
        watches = reef__track_read(track, last);
        reef__track_clear_rows(track, last, 1, track->used);
        if (row != last) {
            reef__track_clear_rows(track, row, 1, track->used);
            reef__track_mark(track, row, watches);
        }
    }
}

void reef__table_raise_versions(reef_table_t *table,
                                uint32_t row,
                                uint32_t last,
                                uint64_t version)
{
    uint32_t to = row >> REEF__CHUNK_SHIFT, from = last >> REEF__CHUNK_SHIFT;

    table->versions[to] = version;
    for (uint32_t i = 0; i < table->component_count; i++) {
        uint64_t *versions = table->columns[i].versions;

        versions[to] = versions[to] > versions[from] ? versions[to] : versions[from];
    }
}

/* Views ---------------------------------------------------------------------------- */

const reef_component_t *reef_table_components(const reef_table_t *table,
                                              uint32_t *count)
{
    *count = table->component_count;
    return table->components;
}

uint64_t reef_table_row_count(const reef_table_t *table)
{
    return table->row_count;
}

uint32_t reef_table_chunk_count(const reef_table_t *table)
{
    return reef__chunk_count(table->row_count);
}

reef_chunk_view_t reef_table_chunk(const reef_table_t *table, uint32_t chunk)
{
    assert(chunk < reef__chunk_count(table->row_count));
    return (reef_chunk_view_t){.count = reef__table_chunk_rows(table, chunk),
                               .entities = table->entities +
                                           ((size_t)chunk << REEF__CHUNK_SHIFT),
                               .rows_version = table->versions[chunk]};
}

const void *reef_table_column(const reef_table_t *table,
                              uint32_t chunk,
                              uint32_t column,
                              uint64_t *version)
{
    const reef__column_t *at = &table->columns[column];

    assert(chunk < reef__chunk_count(table->row_count));
    assert(column < table->component_count);
    if (version != NULL) {
        *version = at->size > 0 ? at->versions[chunk] : table->versions[chunk];
    }
    return at->size > 0 ? reef__table_value(table, chunk << REEF__CHUNK_SHIFT, column)
                        : NULL;
}
