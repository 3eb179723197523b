/**
 * @file query.h
 * @brief Cached lists of matching tables, iterated a slice of columns at a time.
 *
 *     reef_query_iter_t it = reef_query_begin(query);
 *     while (reef_query_next(&it)) {
 *         position_2d_t *position = reef_query_column_mut(&it, 0);
 *         const velocity_2d_t *velocity = reef_query_column(&it, 1);
 *         for (uint32_t i = 0; i < it.count; i++) { … }
 *     }
 *
 * The list follows the tables as they appear and vanish.  World thread, or inside a
 * system its own query; structure must not change while an iteration is under way.
 */
#ifndef REEF_QUERY_H
#define REEF_QUERY_H

#include <reef/world.h>

enum {
    REEF_MAX_TERMS = 16
};

/** What a term asks of an entity, and what the query's user does with the column. */
typedef enum reef_access {
    REEF_ACCESS_NONE,       /* ends a list of terms */
    REEF_ACCESS_READ,       /* must be there; read */
    REEF_ACCESS_WRITE,      /* must be there; read and written */
    REEF_ACCESS_MAYBE_READ, /* the column is NULL where it is not there */
    REEF_ACCESS_MAYBE_WRITE,
    REEF_ACCESS_WITH,        /* must be there; not touched */
    REEF_ACCESS_WITHOUT,     /* must not be there */
    REEF_ACCESS_EITHER_READ, /* of the terms with the same `group`, at least one must be
                                there; the column is NULL where it is not */
    REEF_ACCESS_EITHER_WRITE,
    REEF_ACCESS_CHANGED, /* read, and only rows in which it was written or to which it
                            was added since this query last visited them */
    REEF_ACCESS_ADDED,   /* read, and only rows to which it was added since then */
} reef_access_t;

/** Whether a term's column may be written. */
static inline bool reef_access_writes(reef_access_t access)
{
    return access == REEF_ACCESS_WRITE || access == REEF_ACCESS_MAYBE_WRITE ||
           access == REEF_ACCESS_EITHER_WRITE;
}

/** Whether a term hands out a column: all but NONE, WITH and WITHOUT. */
static inline bool reef_access_touches(reef_access_t access)
{
    return access != REEF_ACCESS_NONE && access != REEF_ACCESS_WITH &&
           access != REEF_ACCESS_WITHOUT;
}

typedef struct reef_term {
    reef_access_t access;
    const reef_type_t *type;
    uint32_t group; /* of an EITHER: 0 to 7 */
} reef_term_t;

#define REEF__TERM(access_, name_, group_)                                             \
    {                                                                                  \
        .access = REEF_ACCESS_##access_, .type = &name_##_type, .group = (group_)      \
    }
#define REEF_READ(name)                REEF__TERM(READ, name, 0)
#define REEF_WRITE(name)               REEF__TERM(WRITE, name, 0)
#define REEF_MAYBE_READ(name)          REEF__TERM(MAYBE_READ, name, 0)
#define REEF_MAYBE_WRITE(name)         REEF__TERM(MAYBE_WRITE, name, 0)
#define REEF_WITH(name)                REEF__TERM(WITH, name, 0)
#define REEF_WITHOUT(name)             REEF__TERM(WITHOUT, name, 0)
#define REEF_EITHER_READ(group, name)  REEF__TERM(EITHER_READ, name, group)
#define REEF_EITHER_WRITE(group, name) REEF__TERM(EITHER_WRITE, name, group)
#define REEF_CHANGED(name)             REEF__TERM(CHANGED, name, 0)
#define REEF_ADDED(name)               REEF__TERM(ADDED, name, 0)

typedef struct reef_query reef_query_t;

typedef struct reef_query_desc {
    reef_term_t terms[REEF_MAX_TERMS]; /* ended by the first empty one */
} reef_query_desc_t;

/* Private: what the inline functions below look at. */
enum {
    REEF__CHUNK_SHIFT = 10, /* rows per version of a column, as a power of two */
    REEF__WORDS_AHEAD = 16,
};

/** Private: the rows of one table, as the query keeps them. */
typedef struct reef__query_slice {
    const reef_entity_t *entities;
    uint32_t count;
    uint32_t match; /* index of its table in the query */
    uint32_t easy;  /* 1 << term, where to write is to stamp one version */
    struct {
        uint8_t *data;      /* NULL where there is nothing to hand out */
        uint64_t *versions; /* likewise */
    } columns[];            /* by term */
} reef__query_slice_t;

typedef struct reef_query_iter {
    uint32_t count;                /* rows of this slice */
    const reef_entity_t *entities; /* [count] */

    /* private */
    const reef__query_slice_t *slice, *next, *end;
    uint32_t stride;  /* bytes from slice to slice */
    uint32_t first;   /* row of the table at which this slice begins */
    uint64_t version; /* to be stamped on what is written */
    reef_query_t *query;

    /* The slow way, for parts of tables and for changes; next and end are NULL then. */
    const reef__query_slice_t *coming, *stop; /* as next and end */
    const reef__query_slice_t *last;          /* ends at row `last_row` of it */
    uint32_t skip, last_row;                  /* begins at row `skip` of the first */
    uint32_t limit;                           /* of the rows of this slice's table */
    struct {
        uint64_t *bits; /* of this slice; NULL when several terms watch */
        uint8_t *dirty;
        uint32_t next; /* word of 64 rows from which on is looked */
        uint64_t mask; /* of the 64 words from there: which may have marks */
        uint32_t first, count;
        uint32_t words[REEF__WORDS_AHEAD]; /* ring: with marked rows, to come */
    } marks;                               /* with CHANGED or ADDED */
} reef_query_iter_t;

/**
 * Build a query, registering component types it names.  A CHANGED or ADDED term starts
 * with all rows unvisited; a component has at most 32 of them (more stop the program).
 * Owned by the caller: reef_query_destroy(), before the world.
 */
reef_query_t *reef_query_create(reef_world_t *world, const reef_query_desc_t *desc);

/** Accepts NULL. */
void reef_query_destroy(reef_query_t *query);

/** Entities that match; ignores CHANGED and ADDED. */
uint64_t reef_query_count(const reef_query_t *query);

/** Start before the first slice. */
reef_query_iter_t reef_query_begin(reef_query_t *query);

/** Forget all changes so far: CHANGED and ADDED report what comes from now on. */
void reef_query_skip_changes(reef_query_t *query);

/* Private: the slow ways of the functions below. */
bool reef__query_next_slow(reef_query_iter_t *iter);
void *reef__query_column_part(const reef_query_iter_t *iter, uint32_t term);
void *reef__query_column_mut_slow(const reef_query_iter_t *iter, uint32_t term);
void reef__query_check_term(const reef_query_iter_t *iter, uint32_t term, bool write);

/**
 * Move to the next non-empty slice; false at the end.
 *
 * With a CHANGED or ADDED term a slice is a run of rows of which each one changed (of
 * several such terms one suffices).  What was visited is forgotten; what an iteration
 * that is left early did not reach is kept.
 */
static inline bool reef_query_next(reef_query_iter_t *iter)
{
    const reef__query_slice_t *slice = iter->next;

    if (REEF_UNLIKELY(slice == iter->end)) {
        return reef__query_next_slow(iter);
    }
    iter->next = (const void *)((const uint8_t *)slice + iter->stride);
    iter->slice = slice;
    iter->count = slice->count;
    iter->entities = slice->entities;
    return true;
}

/**
 * Column of term @p term (its position in the desc): [iter->count] values, NULL for a
 * tag, for WITH and WITHOUT, and where it is not there.  64-byte aligned unless the
 * query has a CHANGED or ADDED term.
 */
static inline const void *reef_query_column(const reef_query_iter_t *iter,
                                            uint32_t term)
{
#ifdef REEF_DEBUG
    reef__query_check_term(iter, term, false);
#endif
    if (REEF_UNLIKELY(iter->first != 0)) {
        return reef__query_column_part(iter, term);
    }
    return iter->slice->columns[term].data;
}

/** The same to write through: marks all rows of the slice changed.  The term must be
 *  one of the WRITE kinds. */
static inline void *reef_query_column_mut(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__query_slice_t *slice = iter->slice;

#ifdef REEF_DEBUG
    reef__query_check_term(iter, term, true);
#endif
    if (REEF_UNLIKELY((slice->easy >> term & 1) == 0)) {
        return reef__query_column_mut_slow(iter, term);
    }
    slice->columns[term].versions[0] = iter->version;
    return slice->columns[term].data;
}

/** One value to write through: marks only row @p row of the slice changed.  For systems
 *  that write few of the rows they visit.  NULL as reef_query_column(). */
void *reef_query_value_mut(const reef_query_iter_t *iter, uint32_t term, uint32_t row);

#endif /* REEF_QUERY_H */
