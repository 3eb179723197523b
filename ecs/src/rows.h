/**
 * @file rows.h
 * @brief Spawning straight into a table.
 */
#ifndef REEF_ECS_ROWS_H
#define REEF_ECS_ROWS_H

#include "world.h"

#include <reef/bundle.h>

struct reef_bundle {
    reef_world_t *world;
    reef_table_t *table; /* pinned */
    uint32_t count;      /* types */
    /* Which of the given types is the table's i-th column: they may be in any order. */
    uint8_t source_of[REEF_MAX_TABLE_COMPONENTS];
    /* Values one after the other in the order of the columns, as commands keep them: */
    uint32_t offsets[REEF_MAX_TABLE_COMPONENTS];
    uint32_t packed_size, packed_alignment;
};

/** Where rows come from and where they go. */
typedef struct reef__fill {
    const reef_bundle_t *bundle;
    reef_entity_range_t range;
    uint32_t count;
    const void *const *columns; /* in the order of the types; NULL = initial values */
    const reef_entity_t *given; /* claimed ids, or NULL to take new ones */
    reef_entity_t *spawned;     /* receives the ids; may be NULL */
} reef__fill_t;

/** Find the table of distinct components in any order. */
void reef__bundle_init(reef_bundle_t *bundle,
                       reef_world_t *world,
                       const reef_component_t *components,
                       uint32_t count);

void reef__world_fill(reef_world_t *world, const reef__fill_t *fill);

/** Give the reserved id @p entity a row with all components of the bundle: bit i of
 *  @p given says that column i's value is in @p packed, else it gets the initial one.
 */
void reef__bundle_place(const reef_bundle_t *bundle,
                        reef__record_t *record,
                        reef_entity_t entity,
                        const uint8_t *packed,
                        uint64_t given);

/** Copy values, in the order of the types, to where packed ones go; gives the bits. */
uint64_t reef__bundle_pack(const reef_bundle_t *bundle,
                           const void *const *values,
                           uint8_t *packed);

#endif /* REEF_ECS_ROWS_H */
