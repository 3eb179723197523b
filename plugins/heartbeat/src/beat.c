/* A binary heap in an array, and where in it each client is. */
#include "beat.h"

#include <reef/array.h>

#include <assert.h>

void reef__beats_init(reef__beats_t *beats, const reef_alloc_t *alloc)
{
    *beats = (reef__beats_t){.alloc = alloc};
}

void reef__beats_finish(reef__beats_t *beats)
{
    REEF_ARRAY_FINISH(beats->alloc, &beats->heap);
    REEF_ARRAY_FINISH(beats->alloc, &beats->places);
}

static void put(reef__beats_t *beats, size_t position, const reef__beat_t *beat)
{
    beats->heap.items[position] = *beat;
    beats->places.items[beat->slot] = (uint32_t)position + 1;
}

/* Put a beat where it belongs at or above a free position. */
static void rise(reef__beats_t *beats, size_t position, const reef__beat_t *beat)
{
    while (position > 0) {
        size_t above = (position - 1) / 2;

        if (beats->heap.items[above].due_ns <= beat->due_ns) {
            break;
        }
        put(beats, position, &beats->heap.items[above]);
        position = above;
    }
    put(beats, position, beat);
}

/* The same at or below it. */
static void sink(reef__beats_t *beats, size_t position, const reef__beat_t *beat)
{
    for (;;) {
        const reef__beat_t *items = beats->heap.items;
        size_t below = position * 2 + 1;

        if (below + 1 < beats->heap.count &&
            items[below + 1].due_ns < items[below].due_ns) {
            below++;
        }
        if (below >= beats->heap.count || items[below].due_ns >= beat->due_ns) {
            break;
        }
        put(beats, position, &items[below]);
        position = below;
    }
    put(beats, position, beat);
}

static void reserve_place(reef__beats_t *beats, uint32_t slot)
{
    REEF_ARRAY_RESERVE(beats->alloc, &beats->places, (size_t)slot + 1);
    while (beats->places.count <= slot) {
        beats->places.items[beats->places.count++] = 0;
    }
}

void reef__beats_add(reef__beats_t *beats, const reef__beat_t *beat)
{
    reef__beat_t added = *beat;

    reserve_place(beats, added.slot);
    reef__beats_remove(beats, added.slot);
    (void)REEF_ARRAY_PUSH(beats->alloc, &beats->heap);
    rise(beats, beats->heap.count - 1, &added);
}

reef__beat_t *reef__beats_find(const reef__beats_t *beats, uint32_t slot)
{
    if (slot >= beats->places.count || beats->places.items[slot] == 0) {
        return NULL;
    }
    return &beats->heap.items[beats->places.items[slot] - 1];
}

/* The last of the array takes the place that becomes free, and goes on from there. */
void reef__beats_remove(reef__beats_t *beats, uint32_t slot)
{
    const reef__beat_t *found = reef__beats_find(beats, slot);
    reef__beat_t last;
    size_t position;

    if (found == NULL) {
        return;
    }
    position = (size_t)(found - beats->heap.items);
    beats->places.items[slot] = 0;
    last = beats->heap.items[--beats->heap.count];
    if (position == beats->heap.count) {
        return;
    }
    if (position > 0 && beats->heap.items[(position - 1) / 2].due_ns > last.due_ns) {
        rise(beats, position, &last);
    } else {
        sink(beats, position, &last);
    }
}

reef__beat_t *reef__beats_first(const reef__beats_t *beats)
{
    return beats->heap.count > 0 ? &beats->heap.items[0] : NULL;
}

void reef__beats_delay_first(reef__beats_t *beats, uint64_t due_ns)
{
    reef__beat_t first;

    assert(beats->heap.count > 0 && due_ns >= beats->heap.items[0].due_ns);
    first = beats->heap.items[0];
    first.due_ns = due_ns;
    sink(beats, 0, &first);
}
