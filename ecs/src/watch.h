/**
 * @file watch.h
 * @brief Which rows of a column were written since a query visited them.
 *
 * A CHANGED or ADDED term of a query takes one of a component's *watches*.  Every table
 * with that component then *tracks* its column: per watch a bit for each row, and a
 * byte for each 64-bit word of them.  So what did not change is passed over 512 rows at
 * a time, a few changed rows of a million are found in microseconds, and a component
 * that nobody watches pays one test per write.
 */
#ifndef REEF_ECS_WATCH_H
#define REEF_ECS_WATCH_H

#include <reef/alloc.h>
#include <reef/attrs.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__MAX_WATCHES = 32 /* of one component */
};

/** The watches of a component, as bit sets. */
typedef struct reef__watches {
    uint32_t used;
    uint32_t written; /* of those used, the ones that see every write: CHANGED */
} reef__watches_t;

/** A watched column of a table. */
typedef struct reef__track {
    const reef_alloc_t *alloc;
    uint32_t used, written; /* as in reef__watches_t */
    uint32_t watch_count;   /* the highest one used, plus 1 */
    uint32_t word_count;    /* of 64 rows each, per watch: a multiple of 8 */
    uint64_t *bits;         /* [watch_count][word_count] */
    uint8_t *dirty;         /* [watch_count][word_count] 1 where a word may not be 0 */
} reef__track_t;

reef__track_t *reef__track_create(const reef_alloc_t *alloc);
void reef__track_destroy(reef__track_t *track);

/** Have bits for @p rows rows, and follow the watches of the component; bits are kept,
 *  new ones are 0. */
void reef__track_resize(reef__track_t *track, reef__watches_t watches, uint32_t rows);

static inline uint64_t *reef__track_bits(const reef__track_t *track, uint32_t watch)
{
    return track->bits + (size_t)watch * track->word_count;
}

static inline uint8_t *reef__track_dirty(const reef__track_t *track, uint32_t watch)
{
    return track->dirty + (size_t)watch * track->word_count;
}

/** Set the bit of a row for every watch in @p watches. */
static inline void
reef__track_mark(const reef__track_t *track, uint32_t row, uint32_t watches)
{
    uint64_t bit = UINT64_C(1) << (row & 63);

    if (REEF_LIKELY(watches == 1)) {
        track->bits[row >> 6] |= bit;
        track->dirty[row >> 6] = 1;
        return;
    }
    for (; watches != 0; watches &= watches - 1) {
        size_t at = (size_t)REEF_LOWEST_BIT(watches) * track->word_count + (row >> 6);

        track->bits[at] |= bit;
        track->dirty[at] = 1;
    }
}

/** Set the bits of @p count rows from @p row on. */
void reef__track_mark_rows(const reef__track_t *track,
                           uint32_t row,
                           uint32_t count,
                           uint32_t watches);

/** Clear the bits of @p count rows from @p row on. */
void reef__track_clear_rows(const reef__track_t *track,
                            uint32_t row,
                            uint32_t count,
                            uint32_t watches);

/** Set the bits of the first @p rows rows of one watch, and clear all others. */
void reef__track_reset(const reef__track_t *track, uint32_t watch, uint32_t rows);

/** The watches that have a row's bit set. */
uint32_t reef__track_read(const reef__track_t *track, uint32_t row);

#endif /* REEF_ECS_WATCH_H */
