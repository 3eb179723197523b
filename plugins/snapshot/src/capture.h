/*
 * A copy of what a snapshot stores, made on the world thread between two steps of a
 * frame and then handed to the writer.
 */
#ifndef REEF_SNAPSHOT_CAPTURE_H
#define REEF_SNAPSHOT_CAPTURE_H

#include "blob.h"

#include <reef/table.h>

typedef enum reef__part_kind {
    REEF__PART_SLOTS,
    REEF__PART_ROWS,
    REEF__PART_RESOURCE,
} reef__part_kind_t;

/* A content of the snapshot: one row of snapshot_chunk. */
typedef struct reef__part {
    reef__part_kind_t kind;
    uint32_t owner;    /* index into tables or resources; 0 for slots */
    uint32_t position; /* among the parts of its owner */
    uint32_t chunk;    /* of the table, of REEF__PART_ROWS */
    uint32_t rows;
    uint64_t version; /* of the chunk's last write; of REEF__PART_ROWS */
    void *data;       /* owned; NULL when it is stored already, under `hash` */
    size_t size;
    reef__blob_hash_t hash; /* set when stored */
    uint64_t stored_size;   /* compressed; set when stored */
} reef__part_t;

typedef struct reef__captured_table {
    uint32_t world_index; /* reef_world_table() */
    uint64_t rows;
    uint32_t part_count;
    const reef_type_t *types[REEF_MAX_TABLE_COMPONENTS];
    uint32_t type_count;
} reef__captured_table_t;

typedef struct reef__capture {
    int64_t id; /* given when it is handed over */
    int64_t created_at_ms;
    uint64_t tick;
    uint64_t entities;
    const char *reason; /* static */
    struct {
        reef__captured_table_t *items;
        size_t count, capacity;
    } tables;
    struct {
        const reef_type_t **items;
        size_t count, capacity;
    } resources;
    struct {
        reef__part_t *items;
        size_t count, capacity;
    } parts; /* rows by ascending world_index and chunk, resources, slots */
} reef__capture_t;

typedef struct reef__capture_desc {
    const char *reason;
    int64_t created_at_ms;
    /* The newest complete snapshot of this process, or NULL: chunks that did not change
     * since are not copied.  Borrowed. */
    const reef__capture_t *base;
} reef__capture_desc_t;

/* Copy the world.  Owned by the caller: reef__capture_destroy(). */
reef__capture_t *reef__capture_create(reef_world_t *world,
                                      const reef__capture_desc_t *desc);

/* Accepts NULL. */
void reef__capture_destroy(reef__capture_t *capture);

/* Release the copied values and keep what a later capture compares with. */
void reef__capture_drop_data(reef__capture_t *capture);

#endif /* REEF_SNAPSHOT_CAPTURE_H */
