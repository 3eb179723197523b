/*
 * A bundle pins its table, so that the table stays while it has no rows.
 */
#include "rows.h"

#include "block.h"

void reef__bundle_init(reef_bundle_t *bundle,
                       reef_world_t *world,
                       const reef_component_t *components,
                       uint32_t count)
{
    reef_component_t sorted[REEF_MAX_TABLE_COMPONENTS];

    assert(count <= REEF_MAX_TABLE_COMPONENTS);
    bundle->world = world;
    bundle->count = count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = i;

        assert(components[i] < world->components.list.count);
        for (; k > 0 && sorted[k - 1] > components[i]; k--) {
            sorted[k] = sorted[k - 1];
            bundle->source_of[k] = bundle->source_of[k - 1];
        }
        sorted[k] = components[i];
        bundle->source_of[k] = (uint8_t)i;
    }
    bundle->table =
        reef__table_graph_ensure(&world->graph, &world->components, sorted, count);
}

static void plan_packing(reef_bundle_t *bundle)
{
    const reef_table_t *table = bundle->table;
    size_t size = 0;

    bundle->packed_alignment = 1;
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef_type_t *type =
            reef_world_component_type(bundle->world, table->components[i]);

        size = reef__align_up(size, type->alignment);
        bundle->offsets[i] = (uint32_t)size;
        size += type->size;
        if (bundle->packed_alignment < type->alignment) {
            bundle->packed_alignment = type->alignment;
        }
    }
    bundle->packed_size = (uint32_t)size;
}

reef_bundle_t *
reef_bundle_create(reef_world_t *world, const reef_type_t *const *types, uint32_t count)
{
    reef_bundle_t *bundle = reef_resize(world->alloc, NULL, 0, sizeof(*bundle));
    reef_component_t components[REEF_MAX_TABLE_COMPONENTS];

    assert(count <= REEF_MAX_TABLE_COMPONENTS);
    for (uint32_t i = 0; i < count; i++) {
        components[i] = reef_world_component(world, types[i]);
    }
    reef__bundle_init(bundle, world, components, count);
    plan_packing(bundle);
    bundle->table->pins++;
    return bundle;
}

void reef_bundle_destroy(reef_bundle_t *bundle)
{
    if (bundle != NULL) {
        bundle->table->pins--;
        reef_resize(bundle->world->alloc, bundle, sizeof(*bundle), 0);
    }
}

/* Values are in: the rest of a spawn. */
static inline void finish_place(reef_world_t *world, reef_table_t *table, uint32_t row)
{
    if (REEF_UNLIKELY(table->related || table->add_observed)) {
        reef__world_finish_rows(world, table, row, 1);
    }
}

static inline void put_value(const reef_world_t *world,
                             const reef_table_t *table,
                             uint32_t row,
                             uint32_t column,
                             const void *value)
{
    const reef__column_t *at = &table->columns[column];

    if (REEF_LIKELY(value != NULL)) {
        reef__copy_value(reef__table_value(table, row, column), value, at->size);
    } else if (at->size > 0) {
        reef__component_write(
            reef__component_at(&world->components, table->components[column]),
            reef__table_value(table, row, column), NULL);
    }
}

void reef__bundle_place(const reef_bundle_t *bundle,
                        reef__record_t *record,
                        reef_entity_t entity,
                        const uint8_t *packed,
                        uint64_t given)
{
    reef_world_t *world = bundle->world;
    reef_table_t *table = bundle->table;
    uint32_t row;

    reef__world_begin_change(world);
    reef__entity_index_activate(&world->entities[reef_entity_range(entity)], record);
    row = reef__world_place(world, table, record, entity);
    for (uint32_t i = 0; i < table->component_count; i++) {
        put_value(world, table, row, i,
                  given >> i & 1 ? packed + bundle->offsets[i] : NULL);
    }
    finish_place(world, table, row);
}

uint64_t reef__bundle_pack(const reef_bundle_t *bundle,
                           const void *const *values,
                           uint8_t *packed)
{
    const reef_table_t *table = bundle->table;
    uint64_t given = 0;

    for (uint32_t i = 0; i < table->component_count && values != NULL; i++) {
        const void *value = values[bundle->source_of[i]];

        if (value != NULL) {
            reef__copy_value(packed + bundle->offsets[i], value,
                             table->columns[i].size);
            given |= UINT64_C(1) << i;
        }
    }
    return given;
}

/* With local pointers, because after each store through a byte the table would be
 * loaded again. */
static inline void
put_values(const reef_bundle_t *bundle, uint32_t row, const void *const *values)
{
    const reef_table_t *table = bundle->table;
    const reef__column_t *column = table->columns;
    const reef__column_t *end = column + table->component_count;

    for (const uint8_t *source = bundle->source_of; column != end; column++, source++) {
        const void *value = values != NULL ? values[*source] : NULL;
        size_t size = column->size;

        if (REEF_LIKELY(value != NULL)) {
            reef__copy_value(column->data + row * size, value, size);
        } else {
            put_value(bundle->world, table, row, (uint32_t)(column - table->columns),
                      NULL);
        }
    }
}

reef_entity_t reef_bundle_spawn(reef_bundle_t *bundle,
                                reef_entity_range_t range,
                                const void *const *values)
{
    reef_world_t *world = bundle->world;
    reef__record_t *record;
    reef_entity_t entity;
    uint32_t row;

    reef__world_begin_change(world);
    entity = reef__entity_index_reserve(&world->entities[range], &record);
    reef__entity_index_activate(&world->entities[range], record);
    row = reef__world_place(world, bundle->table, record, entity);
    put_values(bundle, row, values);
    finish_place(world, bundle->table, row);
    return entity;
}

void reef_bundle_spawn_rows(reef_bundle_t *bundle,
                            reef_entity_range_t range,
                            uint32_t count,
                            const void *const *columns,
                            reef_entity_t *entities)
{
    reef__world_fill(bundle->world, &(reef__fill_t){.bundle = bundle,
                                                    .range = range,
                                                    .count = count,
                                                    .columns = columns,
                                                    .spawned = entities});
}
