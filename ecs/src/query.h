/**
 * @file query.h
 * @brief The inside of a query, for what runs it in parts.
 */
#ifndef REEF_ECS_QUERY_H
#define REEF_ECS_QUERY_H

#include "world.h"

#include <reef/query.h>

/** A table that matches. */
typedef struct reef__match {
    reef_table_t *table;
    uint32_t stamp;                  /* of the table, when its slice was written */
    uint32_t slice;                  /* index of its slice, when it has rows */
    uint8_t columns[REEF_MAX_TERMS]; /* REEF__NO_COLUMN: nothing to hand out */
} reef__match_t;

struct reef_query {
    reef_world_t *world;
    struct {
        reef__match_t *items; /* by sequence of the tables */
        size_t count, capacity;
    } matches;
    uint8_t *slices;    /* [slice_count] of stride bytes, by match and chunk */
    size_t slices_size; /* bytes allocated */
    uint32_t slice_count;
    uint32_t stride;
    uint64_t structure; /* the world's, when the slices were written; 0 = never */
    uint32_t term_count;
    uint32_t watching; /* 1 << term for each CHANGED and ADDED */
    uint32_t groups;   /* 1 << group for each group of EITHER terms */
    reef_access_t access[REEF_MAX_TERMS];
    reef_component_t components[REEF_MAX_TERMS];
    uint8_t watches[REEF_MAX_TERMS]; /* of those that watch */
    reef__component_set_t with, without;
    reef__component_set_t either[8]; /* by group */
};

/** Whether the query visits the rows of a table. */
bool reef__query_matches(const reef_query_t *query, const reef_table_t *table);

/** Bring the slices up to date with the tables. */
void reef__query_refresh(reef_query_t *query);

static inline const reef__query_slice_t *reef__query_slice(const reef_query_t *query,
                                                           uint32_t index)
{
    return (const void *)(query->slices + (size_t)index * query->stride);
}

/** A place between rows of a query: behind `row` rows of a slice. */
typedef struct reef__query_place {
    uint32_t slice;
    uint32_t row;
} reef__query_place_t;

/** Iterate the rows between two places, multiples of 64 in each slice, of a query that
 *  is up to date. */
reef_query_iter_t reef__query_part(reef_query_t *query,
                                   reef__query_place_t from,
                                   reef__query_place_t to,
                                   uint64_t version);

/** The table's column of a term that has one. */
static inline const reef__column_t *
reef__query_table_column(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__match_t *match = &iter->query->matches.items[iter->slice->match];

    return &match->table->columns[match->columns[term]];
}

/** Find the marks of the slice just opened. */
void reef__query_open_marks(reef_query_iter_t *iter);

/** The next run of marked rows of the present slice, behind the last one.  It may end
 *  with a word of 64 rows. */
bool reef__query_next_run(reef_query_iter_t *iter);

#endif /* REEF_ECS_QUERY_H */
