/**
 * @file watch.h
 * @brief Which rows of a column were written since a query visited them.
 *
 * A CHANGED or ADDED term of a query takes one of a component's *watches*.  Every table
 * with that component then *tracks* its column: per watch a bit for each row, a word
 * that says which 64-bit words of a chunk are not 0, and a byte per chunk.  So nothing
 * changed is found in a few loads, a few changed rows of a million in a few
 * microseconds, and a component that nobody watches pays one test per write.
 */
#ifndef REEF_ECS_WATCH_H
#define REEF_ECS_WATCH_H

#include <reef/alloc.h>
#include <reef/attrs.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__MAX_WATCHES = 32,        /* of one component */
    REEF__WATCH_MAX_ROWS = 64 * 64 /* of one chunk: 64 words of 64 bits */
};

/** The watches of a component, as bit sets. */
typedef struct reef__watches {
    uint32_t used;
    uint32_t written; /* of those used, the ones that see every write: CHANGED */
} reef__watches_t;

/**
 * A watched column of a table.
 *
 *     bits[chunk]:  watch 0: [summary][word 0] … [word n-1]   watch 1: [summary] …
 */
typedef struct reef__track {
    const reef_alloc_t *alloc;
    uint32_t used, written; /* as in reef__watches_t */
    uint32_t watch_count;   /* the highest one used, plus 1 */
    uint32_t words;         /* per chunk and watch */
    uint32_t chunk_count, chunk_capacity;
    uint64_t **bits; /* [chunk_count] */
    uint8_t *dirty;  /* [watch_count][chunk_capacity]: some bit is set */
} reef__track_t;

/** What chunks a track is to cover: the first @p count rows are there. */
typedef struct reef__track_shape {
    uint32_t chunk_count;
    uint32_t chunk_rows; /* room of a chunk; of the first, when it is alone */
} reef__track_shape_t;

reef__track_t *reef__track_create(const reef_alloc_t *alloc);
void reef__track_destroy(reef__track_t *track);

/** Follow the chunks of the table and the watches of the component; bits are kept, new
 *  ones are 0.  Chunks beyond the shape are forgotten. */
void reef__track_resize(reef__track_t *track,
                        reef__watches_t watches,
                        reef__track_shape_t shape);

static inline uint64_t *
reef__track_watch(const reef__track_t *track, uint32_t chunk, uint32_t watch)
{
    return track->bits[chunk] + (size_t)watch * (1 + track->words);
}

static inline uint8_t *
reef__track_dirty(const reef__track_t *track, uint32_t chunk, uint32_t watch)
{
    return &track->dirty[(size_t)watch * track->chunk_capacity + chunk];
}

/** Set the bit of a row for every watch in @p watches. */
static inline void reef__track_mark(const reef__track_t *track,
                                    uint32_t chunk,
                                    uint32_t place,
                                    uint32_t watches)
{
    for (; watches != 0; watches &= watches - 1) {
        uint32_t watch = REEF_LOWEST_BIT(watches);
        uint64_t *at = reef__track_watch(track, chunk, watch);
        uint64_t bit = UINT64_C(1) << (place & 63);

        if ((at[1 + (place >> 6)] & bit) == 0) {
            at[1 + (place >> 6)] |= bit;
            at[0] |= UINT64_C(1) << (place >> 6);
            *reef__track_dirty(track, chunk, watch) = 1;
        }
    }
}

/** Set the bits of @p count rows from @p place on. */
void reef__track_mark_rows(const reef__track_t *track,
                           uint32_t chunk,
                           uint32_t place,
                           uint32_t count,
                           uint32_t watches);

/** Clear the bits of @p count rows from @p place on. */
void reef__track_clear_rows(const reef__track_t *track,
                            uint32_t chunk,
                            uint32_t place,
                            uint32_t count,
                            uint32_t watches);

/** The watches that have a row's bit set. */
uint32_t reef__track_read(const reef__track_t *track, uint32_t chunk, uint32_t place);

#endif /* REEF_ECS_WATCH_H */
