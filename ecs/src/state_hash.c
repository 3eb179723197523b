/*
 * The hash of an entity covers its id and, by ascending hash of their names (ids may
 * differ from world to world), its components' names and reflected fields.  The world's
 * is the sum, so neither tables nor the order of rows count; each resource adds one of
 * its own.  An entity of which a snapshot stores no component adds nothing to the
 * persistent hash.
 */
#include "world.h"

#include <reef/hash.h>

/* What of a table is hashed: columns in the order of the hashes of their names. */
typedef struct plan {
    const reef__component_t *components[REEF_MAX_TABLE_COMPONENTS];
    uint32_t columns[REEF_MAX_TABLE_COMPONENTS];
    uint32_t count;
} plan_t;

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return reef_hash64(&value, sizeof(value), hash);
}

/* `flags` are those a type must have. */
static void make_plan(const reef_world_t *world,
                      const reef_table_t *table,
                      uint32_t flags,
                      plan_t *plan)
{
    plan->count = 0;
    for (uint32_t i = 0; i < table->component_count; i++) {
        const reef__component_t *component =
            reef__component_at(&world->components, table->components[i]);
        uint32_t k = plan->count;

        if ((component->type->flags & flags) != flags) {
            continue;
        }
        for (; k > 0 && plan->components[k - 1]->name_hash > component->name_hash;
             k--) {
            plan->components[k] = plan->components[k - 1];
            plan->columns[k] = plan->columns[k - 1];
        }
        plan->components[k] = component;
        plan->columns[k] = i;
        plan->count++;
    }
}

static uint64_t hash_row(const reef_table_t *table, const plan_t *plan, uint32_t row)
{
    uint64_t hash = mix(0, table->entities[row]);

    for (uint32_t i = 0; i < plan->count; i++) {
        const reef__component_t *component = plan->components[i];

        hash = mix(hash, component->name_hash);
        if (component->size > 0) {
            hash = reef_type_hash(
                component->type, reef__table_value(table, row, plan->columns[i]), hash);
        }
    }
    return hash;
}

static uint64_t
hash_table(const reef_world_t *world, const reef_table_t *table, uint32_t flags)
{
    uint64_t sum = 0;
    plan_t plan;

    make_plan(world, table, flags, &plan);
    if (flags != 0 && plan.count == 0) {
        return 0;
    }
    for (uint32_t row = 0; row < table->row_count; row++) {
        reef_entity_t entity = table->entities[row];

        if (flags == 0 || reef_entity_range(entity) == REEF_RANGE_WORLD) {
            sum += hash_row(table, &plan, row);
        }
    }
    return sum;
}

static uint64_t hash_world(const reef_world_t *world, uint32_t flags)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < world->graph.tables.count; i++) {
        if (world->graph.tables.items[i] != NULL) {
            sum += hash_table(world, world->graph.tables.items[i], flags);
        }
    }
    for (size_t i = 0; i < world->resources.list.count; i++) {
        const reef__resource_t *resource = &world->resources.list.items[i];

        if ((resource->type->flags & flags) == flags) {
            sum += reef_type_hash(resource->type, resource->value,
                                  mix(0, reef__type_name_hash(resource->type)));
        }
    }
    return sum;
}

uint64_t reef_world_state_hash(const reef_world_t *world)
{
    return hash_world(world, 0);
}

uint64_t reef_world_persistent_hash(const reef_world_t *world)
{
    return hash_world(world, REEF_PERSISTENT);
}
