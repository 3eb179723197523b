/*
 * Eight bytes are looked at as one number, of which the lowest byte is the first:
 * little endian, as all machines that this is built for.
 *
 * A word that is not 0 is dirty; a dirty one may be 0, after rows have gone.  Words and
 * bytes belong to whoever works on their rows, and slices of one system begin at
 * multiples of 64 rows: so workers that mark and visit other rows never meet.
 */
#include "watch.h"

#include <string.h>

reef__track_t *reef__track_create(const reef_alloc_t *alloc)
{
    reef__track_t *track = reef_resize(alloc, NULL, 0, sizeof(*track));

    *track = (reef__track_t){.alloc = alloc};
    return track;
}

/* Bytes of bits and dirty marks together. */
static size_t size_of(uint32_t watch_count, uint32_t word_count)
{
    return (size_t)watch_count * word_count * (sizeof(uint64_t) + 1);
}

static void free_bits(reef__track_t *track)
{
    reef_resize(track->alloc, track->bits,
                size_of(track->watch_count, track->word_count), 0);
}

void reef__track_destroy(reef__track_t *track)
{
    if (track != NULL) {
        free_bits(track);
        reef_resize(track->alloc, track, sizeof(*track), 0);
    }
}

/* Bits for other numbers of watches and words, with what is there. */
static void convert(reef__track_t *track, uint32_t watch_count, uint32_t word_count)
{
    size_t size = size_of(watch_count, word_count);
    reef__track_t old = *track;
    uint32_t kept = word_count < old.word_count ? word_count : old.word_count;

    track->bits = size > 0 ? reef_resize(track->alloc, NULL, 0, size) : NULL;
    track->dirty = (uint8_t *)(track->bits + (size_t)watch_count * word_count);
    track->watch_count = watch_count;
    track->word_count = word_count;
    if (size > 0) {
        memset(track->bits, 0, size);
    }
    for (uint32_t i = 0; i < watch_count && i < old.watch_count && kept > 0; i++) {
        memcpy(reef__track_bits(track, i), reef__track_bits(&old, i),
               kept * sizeof(uint64_t));
        memcpy(reef__track_dirty(track, i), reef__track_dirty(&old, i), kept);
    }
    free_bits(&old);
}

void reef__track_resize(reef__track_t *track, reef__watches_t watches, uint32_t rows)
{
    uint32_t word_count = (rows + 511) / 512 * 8;
    uint32_t watch_count = track->watch_count;

    while (watches.used >> watch_count != 0) {
        watch_count++;
    }
    if (word_count != track->word_count || watch_count != track->watch_count) {
        convert(track, watch_count, word_count);
    }
    track->used = watches.used;
    track->written = watches.written;
}

/* The bits of one word that belong to rows [row, row + count). */
static uint64_t rows_in_word(uint32_t word, uint32_t row, uint32_t count)
{
    uint64_t first = (uint64_t)word * 64, end = (uint64_t)row + count;
    uint64_t bits = UINT64_MAX;

    if (row > first) {
        bits &= UINT64_MAX << (row - first);
    }
    if (end < first + 64) {
        bits &= UINT64_MAX >> (first + 64 - end);
    }
    return bits;
}

void reef__track_mark_rows(const reef__track_t *track,
                           uint32_t row,
                           uint32_t count,
                           uint32_t watches)
{
    uint32_t last = (row + count - 1) / 64;

    for (; watches != 0; watches &= watches - 1) {
        uint64_t *bits = reef__track_bits(track, REEF_LOWEST_BIT(watches));

        for (uint32_t word = row / 64; word <= last; word++) {
            bits[word] |= rows_in_word(word, row, count);
        }
        memset(reef__track_dirty(track, REEF_LOWEST_BIT(watches)) + row / 64, 1,
               last - row / 64 + 1);
    }
}

void reef__track_clear_rows(const reef__track_t *track,
                            uint32_t row,
                            uint32_t count,
                            uint32_t watches)
{
    uint32_t last = (row + count - 1) / 64;

    for (; watches != 0; watches &= watches - 1) {
        uint64_t *bits = reef__track_bits(track, REEF_LOWEST_BIT(watches));
        uint8_t *dirty = reef__track_dirty(track, REEF_LOWEST_BIT(watches));

        for (uint32_t word = row / 64; word <= last; word++) {
            bits[word] &= ~rows_in_word(word, row, count);
            dirty[word] = bits[word] != 0;
        }
    }
}

void reef__track_reset(const reef__track_t *track, uint32_t watch, uint32_t rows)
{
    if (track->word_count > 0) {
        reef__track_clear_rows(track, 0, track->word_count * 64, 1u << watch);
    }
    if (rows > 0) {
        reef__track_mark_rows(track, 0, rows, 1u << watch);
    }
}

uint32_t reef__track_read(const reef__track_t *track, uint32_t row)
{
    uint32_t found = 0;

    for (uint32_t left = track->used; left != 0; left &= left - 1) {
        uint32_t watch = REEF_LOWEST_BIT(left);

        if (reef__track_bits(track, watch)[row >> 6] >> (row & 63) & 1) {
            found |= 1u << watch;
        }
    }
    return found;
}
