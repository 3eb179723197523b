/**
 * @file query.h
 * @brief Cached lists of matching tables, iterated a column slice at a time.
 *
 *     reef_query_iter_t it = reef_query_begin(query);
 *     while (reef_query_next(&it)) {
 *         position_2d_t *position = reef_query_column_mut(&it, 0);
 *         const velocity_2d_t *velocity = reef_query_column(&it, 1);
 *         for (uint32_t i = 0; i < it.count; i++) { … }
 *     }
 *
 * The list grows when a table appears; a query that is iterated allocates nothing.
 * World thread only; structure must not change while an iteration is under way.
 */
#ifndef REEF_QUERY_H
#define REEF_QUERY_H

#include <reef/world.h>

enum {
    REEF_MAX_TERMS = 8
};

typedef enum reef_access {
    REEF_ACCESS_NONE,       /* ends a list of terms */
    REEF_ACCESS_READ,       /* must be there; read */
    REEF_ACCESS_WRITE,      /* must be there; read and written */
    REEF_ACCESS_MAYBE_READ, /* the column is NULL where it is not there */
    REEF_ACCESS_MAYBE_WRITE,
    REEF_ACCESS_WITH,    /* must be there; not touched */
    REEF_ACCESS_WITHOUT, /* must not be there */
    REEF_ACCESS_CHANGED, /* read, and only chunks in which it was written since the
                            query's last iteration: never misses, may repeat */
} reef_access_t;

typedef struct reef_term {
    reef_access_t access;
    const reef_type_t *type;
} reef_term_t;

#define REEF_READ(name)                                                                \
    {                                                                                  \
        REEF_ACCESS_READ, &name##_type                                                 \
    }
#define REEF_WRITE(name)                                                               \
    {                                                                                  \
        REEF_ACCESS_WRITE, &name##_type                                                \
    }
#define REEF_MAYBE_READ(name)                                                          \
    {                                                                                  \
        REEF_ACCESS_MAYBE_READ, &name##_type                                           \
    }
#define REEF_MAYBE_WRITE(name)                                                         \
    {                                                                                  \
        REEF_ACCESS_MAYBE_WRITE, &name##_type                                          \
    }
#define REEF_WITH(name)                                                                \
    {                                                                                  \
        REEF_ACCESS_WITH, &name##_type                                                 \
    }
#define REEF_WITHOUT(name)                                                             \
    {                                                                                  \
        REEF_ACCESS_WITHOUT, &name##_type                                              \
    }
#define REEF_CHANGED(name)                                                             \
    {                                                                                  \
        REEF_ACCESS_CHANGED, &name##_type                                              \
    }

typedef struct reef_query reef_query_t;

typedef struct reef_query_desc {
    reef_term_t terms[REEF_MAX_TERMS]; /* ended by the first empty one */
} reef_query_desc_t;

typedef struct reef_query_iter {
    uint32_t count;                /* rows of this slice */
    const reef_entity_t *entities; /* [count] */

    /* private */
    reef_query_t *query;
    uint32_t match;
    uint32_t chunk;
    uint64_t since;
} reef_query_iter_t;

/** Build a query, registering component types it names.  Owned by the caller:
 *  reef_query_destroy(), before the world. */
reef_query_t *reef_query_create(reef_world_t *world, const reef_query_desc_t *desc);

/** Accepts NULL. */
void reef_query_destroy(reef_query_t *query);

/** Entities that match; ignores CHANGED. */
uint64_t reef_query_count(const reef_query_t *query);

/** Start before the first slice. */
reef_query_iter_t reef_query_begin(reef_query_t *query);

/** Move to the next non-empty slice; false at the end. */
bool reef_query_next(reef_query_iter_t *iter);

/** Column of term @p term (its position in the desc): [iter->count] values, 64-byte
 *  aligned; NULL for a tag, for WITH and WITHOUT, and for an absent MAYBE. */
const void *reef_query_column(const reef_query_iter_t *iter, uint32_t term);

/** The same to write through: marks the column changed.  The term must be a WRITE. */
void *reef_query_column_mut(const reef_query_iter_t *iter, uint32_t term);

#endif /* REEF_QUERY_H */
