/*
 * A snapshot decoded for this program, ready to become the world.
 */
#ifndef REEF_SNAPSHOT_IMAGE_H
#define REEF_SNAPSHOT_IMAGE_H

#include "plan.h"

#include <reef/database.h>
#include <reef/table.h>

/* The persistent types that a world knows, collected on the world thread; the types
 * themselves are constant. */
typedef struct reef__catalogue {
    struct {
        const reef_type_t **items;
        size_t count, capacity;
    } components, resources;
} reef__catalogue_t;

void reef__catalogue_init(reef__catalogue_t *catalogue, reef_world_t *world);
void reef__catalogue_finish(reef__catalogue_t *catalogue);

/* One chunk. */
typedef struct reef__image_rows {
    uint32_t count;
    reef_entity_t *entities; /* [count] */
    void **columns; /* [types of the table] of [count] values; NULL for a tag */
    bool moved;     /* the texts of the values are the world's */
} reef__image_rows_t;

typedef struct reef__image_table {
    const reef_type_t *types[REEF_MAX_TABLE_COMPONENTS];
    uint32_t type_count;
    struct {
        reef__image_rows_t *items;
        size_t count, capacity;
    } chunks;
} reef__image_table_t;

typedef struct reef__image_resource {
    const reef_type_t *type;
    void *value; /* type->size bytes, with its texts */
} reef__image_resource_t;

typedef struct reef__image {
    int64_t id;
    uint64_t tick;
    reef_slots_t slots; /* into `words` */
    uint32_t *words;
    size_t words_size; /* bytes */
    struct {
        reef__image_table_t *items;
        size_t count, capacity;
    } tables;
    struct {
        reef__image_resource_t *items;
        size_t count, capacity;
    } resources;
    uint64_t entities;
} reef__image_t;

/*
 * Read and decode a complete snapshot.  Everything in the database is checked: ids
 * fit the slots and none is there twice.
 *
 * @param report Receives tick, count of entities and warnings.
 * @return REEF_OK with an image, owned by the caller: reef__image_destroy();
 *         REEF_E_NOT_FOUND, REEF_E_INVALID (not complete), REEF_E_CORRUPT, REEF_E_IO.
 */
REEF_NODISCARD reef_error_t reef__image_load(reef_database_t *database,
                                             int64_t id,
                                             const reef__catalogue_t *catalogue,
                                             reef__image_t **image,
                                             reef_snapshot_restored_t *report,
                                             reef_failure_t *failure);

/* Accepts NULL. */
void reef__image_destroy(reef__image_t *image);

/*
 * Make the world what the image says; entities of sessions stay.  The counter of
 * client ids never goes back, so that no id is given twice, and the length of a tick
 * stays as configured.  Texts become the world's, so an image can be applied once.
 * World thread.
 *
 * @return REEF_OK, or REEF_E_CORRUPT, the world unchanged.
 */
REEF_NODISCARD reef_error_t reef__image_apply(reef__image_t *image,
                                              reef_world_t *world,
                                              reef_failure_t *failure);

/* How the columns of a stored table are to be read. */
typedef struct reef__column {
    reef__plan_t *plan; /* borrowed; NULL = unknown here, skipped */
    uint32_t stored_size;
    bool has_texts;
} reef__column_t;

/*
 * Decode a chunk's content.
 * @return REEF_OK with rows to reef__image_rows_finish(), or REEF_E_CORRUPT.
 */
REEF_NODISCARD reef_error_t reef__image_rows_decode(const reef__column_t *columns,
                                                    uint32_t column_count,
                                                    reef_span_t content,
                                                    reef__image_rows_t *rows,
                                                    reef_snapshot_restored_t *report);

/* @p types are those of the columns that have a plan, in their order. */
void reef__image_rows_finish(reef__image_rows_t *rows,
                             const reef_type_t *const *types,
                             uint32_t type_count);

#endif /* REEF_SNAPSHOT_IMAGE_H */
