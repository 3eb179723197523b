/**
 * @file table.h
 * @brief A read-only view of the storage, and putting stored rows back.
 *
 * A *table* (archetype) holds all entities with the same set of components, and for
 * each of these a *column*, an array of values.  Rows fall into *chunks* of 1024. Every
 * column has for each chunk the version of its last write, and the table that of the
 * last change of its rows: what is older than the last look need not be looked at
 * again.
 *
 * All functions belong to the world thread.
 */
#ifndef REEF_TABLE_H
#define REEF_TABLE_H

#include <reef/attrs.h>
#include <reef/world.h>

typedef struct reef_table reef_table_t;

/** Upper bound of table indices; a table keeps its index for its life. */
uint32_t reef_world_table_count(const reef_world_t *world);

/** Table @p index; NULL when it was released (reef_world_trim()). */
const reef_table_t *reef_world_table(const reef_world_t *world, uint32_t index);

/** Component ids, ascending; tags included.  Owned by the world, never changes. */
const reef_component_t *reef_table_components(const reef_table_t *table,
                                              uint32_t *count);

/** Rows in all chunks. */
uint64_t reef_table_row_count(const reef_table_t *table);
uint32_t reef_table_chunk_count(const reef_table_t *table);

typedef struct reef_chunk_view {
    uint32_t count;                /* rows in use */
    const reef_entity_t *entities; /* [count] */
    uint64_t rows_version;         /* of the last spawn, despawn or move of a row */
} reef_chunk_view_t;

/** Chunk @p chunk, borrowed until the next structural change. */
reef_chunk_view_t reef_table_chunk(const reef_table_t *table, uint32_t chunk);

/** The column of reef_table_components()[column] in a chunk: [count] values, 64-byte
 *  aligned, NULL for
 *  a tag.  @p version receives that of its last write; may be NULL. */
const void *reef_table_column(const reef_table_t *table,
                              uint32_t chunk,
                              uint32_t column,
                              uint64_t *version);

/* Restoring -----------------------------------------------------------------
 * reef_world_export_slots() when a snapshot is taken; at a restore
 * reef_world_import_slots(), then reef_world_restore_rows() per stored chunk. */

/** The id allocator of REEF_RANGE_WORLD: one generation per index, odd while alive,
 *  and the free indices, the next one to be reused last. */
typedef struct reef_slots {
    uint32_t *generations; /* [slot_count]; index 0 is never used */
    uint32_t slot_count;
    uint32_t *free_list; /* [free_count] */
    uint32_t free_count;
} reef_slots_t;

/** Copy the allocator's state.  Owned by the caller: reef_slots_finish(). */
void reef_world_export_slots(const reef_world_t *world, reef_slots_t *slots);

/** Release what reef_world_export_slots() copied. */
void reef_slots_finish(reef_slots_t *slots);

/**
 * Despawn every entity of REEF_RANGE_WORLD (observers run), then take over the
 * allocator's state.  Session entities stay, but for those that hang on one that goes
 * (relation.h).  Commands recorded before are dropped.  Slots whose generation says
 * alive must be filled by reef_world_restore_rows() before anything else happens;
 * reef_world_restore_end() frees those that were not.
 *
 * @return REEF_OK, or REEF_E_CORRUPT, the world unchanged, when the state
 *         contradicts itself (a free index that is alive, listed twice, or too big).
 */
REEF_NODISCARD reef_error_t reef_world_import_slots(reef_world_t *world,
                                                    const reef_slots_t *slots);

/**
 * Put rows back under their own ids.  `add` observers run.
 *
 * @param rows     range is ignored; columns as in reef_world_spawn_rows().
 * @param entities [rows->count] ids that the imported slots call alive.
 * @return REEF_OK, or REEF_E_CORRUPT, nothing added, when an id is dead or in use.
 */
REEF_NODISCARD reef_error_t reef_world_restore_rows(reef_world_t *world,
                                                    const reef_rows_desc_t *rows,
                                                    const reef_entity_t *entities);

/** Free the slots that were called alive but got no row.  Returns how many. */
uint32_t reef_world_restore_end(reef_world_t *world);

#endif /* REEF_TABLE_H */
