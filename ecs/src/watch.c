/*
 * A summary bit may be set only while its word is not 0, and a dirty byte is set while
 * a summary is not 0; it may also be set without cause, after rows have gone.
 */
#include "watch.h"

#include <string.h>

reef__track_t *reef__track_create(const reef_alloc_t *alloc)
{
    reef__track_t *track = reef_resize(alloc, NULL, 0, sizeof(*track));

    *track = (reef__track_t){.alloc = alloc};
    return track;
}

static size_t bits_size(uint32_t watch_count, uint32_t words)
{
    return (size_t)watch_count * (1 + words) * sizeof(uint64_t);
}

static void free_chunk(reef__track_t *track, uint32_t chunk)
{
    reef_resize(track->alloc, track->bits[chunk],
                bits_size(track->watch_count, track->words), 0);
}

void reef__track_destroy(reef__track_t *track)
{
    if (track == NULL) {
        return;
    }
    for (uint32_t i = 0; i < track->chunk_count; i++) {
        free_chunk(track, i);
    }
    reef_resize(track->alloc, track->bits, track->chunk_capacity * sizeof(*track->bits),
                0);
    reef_resize(track->alloc, track->dirty,
                (size_t)track->watch_count * track->chunk_capacity, 0);
    reef_resize(track->alloc, track, sizeof(*track), 0);
}

/* The bits of a chunk in the new form, with what the old form held. */
static uint64_t *convert_chunk(const reef__track_t *track,
                               uint32_t chunk,
                               uint32_t watch_count,
                               uint32_t words)
{
    size_t size = bits_size(watch_count, words);
    uint64_t *bits = reef_resize(track->alloc, NULL, 0, size);
    uint32_t kept_words = words < track->words ? words : track->words;

    memset(bits, 0, size);
    if (chunk < track->chunk_count) {
        for (uint32_t i = 0; i < watch_count && i < track->watch_count; i++) {
            memcpy(bits + (size_t)i * (1 + words), reef__track_watch(track, chunk, i),
                   (1 + kept_words) * sizeof(*bits));
        }
    }
    return bits;
}

/* New arrays with room for `capacity` chunks. */
static void
reserve(reef__track_t *track, uint32_t watch_count, uint32_t words, uint32_t capacity)
{
    uint64_t **bits = reef_resize(track->alloc, NULL, 0, capacity * sizeof(*bits));
    uint8_t *dirty = reef_resize(track->alloc, NULL, 0, (size_t)watch_count * capacity);

    memset(dirty, 0, (size_t)watch_count * capacity);
    for (uint32_t i = 0; i < track->chunk_count; i++) {
        if (words == track->words && watch_count == track->watch_count) {
            bits[i] = track->bits[i];
        } else {
            bits[i] = convert_chunk(track, i, watch_count, words);
            free_chunk(track, i);
        }
    }
    for (uint32_t i = 0; i < watch_count && i < track->watch_count; i++) {
        memcpy(dirty + (size_t)i * capacity, reef__track_dirty(track, 0, i),
               track->chunk_count);
    }
    reef_resize(track->alloc, track->bits, track->chunk_capacity * sizeof(*track->bits),
                0);
    reef_resize(track->alloc, track->dirty,
                (size_t)track->watch_count * track->chunk_capacity, 0);
    track->bits = bits;
    track->dirty = dirty;
    track->watch_count = watch_count;
    track->words = words;
    track->chunk_capacity = capacity;
}

void reef__track_resize(reef__track_t *track,
                        reef__watches_t watches,
                        reef__track_shape_t shape)
{
    uint32_t words = (shape.chunk_rows + 63) / 64;
    uint32_t watch_count = track->watch_count;
    uint32_t capacity = track->chunk_capacity > 0 ? track->chunk_capacity : 1;

    while (watches.used >> watch_count != 0) {
        watch_count++;
    }
    while (track->chunk_count > shape.chunk_count) {
        free_chunk(track, --track->chunk_count);
        for (uint32_t i = 0; i < track->watch_count; i++) {
            *reef__track_dirty(track, track->chunk_count, i) = 0;
        }
    }
    while (capacity < shape.chunk_count) {
        capacity *= 2;
    }
    if (words != track->words || watch_count != track->watch_count ||
        capacity != track->chunk_capacity) {
        reserve(track, watch_count, words, capacity);
    }
    while (track->chunk_count < shape.chunk_count) {
        track->bits[track->chunk_count] =
            convert_chunk(track, track->chunk_count, watch_count, words);
        track->chunk_count++;
    }
    track->used = watches.used;
    track->written = watches.written;
}

/* The bits of one word that belong to rows [place, place + count). */
static uint64_t rows_in_word(uint32_t word, uint32_t place, uint32_t count)
{
    uint32_t first = word * 64;
    uint64_t bits = UINT64_MAX;

    if (place > first) {
        bits &= UINT64_MAX << (place - first);
    }
    if (place + count < first + 64) {
        bits &= UINT64_MAX >> (first + 64 - place - count);
    }
    return bits;
}

void reef__track_mark_rows(const reef__track_t *track,
                           uint32_t chunk,
                           uint32_t place,
                           uint32_t count,
                           uint32_t watches)
{
    uint32_t last = (place + count - 1) / 64;

    for (; watches != 0; watches &= watches - 1) {
        uint32_t watch = REEF_LOWEST_BIT(watches);
        uint64_t *at = reef__track_watch(track, chunk, watch);

        for (uint32_t word = place / 64; word <= last; word++) {
            at[1 + word] |= rows_in_word(word, place, count);
            at[0] |= UINT64_C(1) << word;
        }
        *reef__track_dirty(track, chunk, watch) = 1;
    }
}

void reef__track_clear_rows(const reef__track_t *track,
                            uint32_t chunk,
                            uint32_t place,
                            uint32_t count,
                            uint32_t watches)
{
    uint32_t last = (place + count - 1) / 64;

    for (; watches != 0; watches &= watches - 1) {
        uint64_t *at = reef__track_watch(track, chunk, REEF_LOWEST_BIT(watches));

        for (uint32_t word = place / 64; word <= last; word++) {
            at[1 + word] &= ~rows_in_word(word, place, count);
            if (at[1 + word] == 0) {
                at[0] &= ~(UINT64_C(1) << word);
            }
        }
    }
}

uint32_t reef__track_read(const reef__track_t *track, uint32_t chunk, uint32_t place)
{
    uint32_t found = 0;

    for (uint32_t left = track->used; left != 0; left &= left - 1) {
        uint32_t watch = REEF_LOWEST_BIT(left);
        const uint64_t *at = reef__track_watch(track, chunk, watch);

        if (at[1 + (place >> 6)] >> (place & 63) & 1) {
            found |= 1u << watch;
        }
    }
    return found;
}
