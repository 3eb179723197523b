/*
 * A max-heap of slot numbers: the last of the rows that are kept is on top, a row that
 * does not come before it is dismissed by one comparison, and otherwise takes its slot.
 * Rows themselves do not move.
 */
#include "row_set.h"

#include <reef/alloc.h>

#include <string.h>

void reef__row_set_init(reef__row_set_t *set,
                        const reef__row_order_t *order,
                        size_t row_size,
                        uint32_t capacity)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    size_t stride = (row_size + 15) / 16 * 16; /* aligned for any field */

    *set = (reef__row_set_t){
        .order = order, .row_size = row_size, .capacity = capacity, .stride = stride};
    set->rows = reef_resize(alloc, NULL, 0, capacity * stride);
    set->members = reef_resize(alloc, NULL, 0, capacity * sizeof(*set->members));
    set->slots = reef_resize(alloc, NULL, 0, capacity * sizeof(*set->slots));
    /* Touched here, or its memory would be mapped by the world thread. */
    memset(set->rows, 0, capacity * stride);
    memset(set->members, 0, capacity * sizeof(*set->members));
    memset(set->slots, 0, capacity * sizeof(*set->slots));
}

void reef__row_set_finish(reef__row_set_t *set)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    reef_resize(alloc, set->rows, set->capacity * set->stride, 0);
    reef_resize(alloc, set->members, set->capacity * sizeof(*set->members), 0);
    reef_resize(alloc, set->slots, set->capacity * sizeof(*set->slots), 0);
    *set = (reef__row_set_t){0};
}

static uint8_t *row_in(const reef__row_set_t *set, uint32_t slot)
{
    return set->rows + slot * set->stride;
}

/* Whether the row at heap place @p a comes behind the one at @p b. */
static bool is_behind(const reef__row_set_t *set, uint32_t a, uint32_t b)
{
    return reef__row_compare(set->order, row_in(set, set->slots[a]),
                             row_in(set, set->slots[b])) > 0;
}

static void swap(reef__row_set_t *set, uint32_t a, uint32_t b)
{
    uint32_t kept = set->slots[a];

    set->slots[a] = set->slots[b];
    set->slots[b] = kept;
}

static void sift_up(reef__row_set_t *set)
{
    uint32_t at = set->count - 1;

    while (at > 0 && is_behind(set, at, (at - 1) / 2)) {
        swap(set, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

/* Among the first @p count places. */
static void sift_down(reef__row_set_t *set, uint32_t count)
{
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < count && is_behind(set, child + 1, child)) {
            child++;
        }
        if (child >= count || !is_behind(set, child, at)) {
            return;
        }
        swap(set, child, at);
        at = child;
    }
}

uint32_t reef__row_set_offer(reef__row_set_t *set, const void *row)
{
    uint32_t slot = set->count;

    if (set->count < set->capacity) {
        set->slots[set->count++] = slot;
        memcpy(row_in(set, slot), row, set->row_size);
        sift_up(set);
        return slot;
    }
    slot = set->slots[0];
    if (reef__row_compare(set->order, row_in(set, slot), row) <= 0) {
        return UINT32_MAX;
    }
    memcpy(row_in(set, slot), row, set->row_size);
    sift_down(set, set->count);
    return slot;
}

void reef__row_set_sort(reef__row_set_t *set)
{
    for (uint32_t count = set->count; count > 1;) {
        swap(set, 0, --count);
        sift_down(set, count);
    }
}

void reef__row_set_unite(reef__row_set_t *set)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t k = 0;

        while (k < kept && !reef__row_is_same(set->order, reef__row_set_at(set, k),
                                              reef__row_set_at(set, i))) {
            k++;
        }
        if (k == kept) {
            set->slots[kept++] = set->slots[i];
        }
    }
    set->count = kept;
}

const void *reef__row_set_at(const reef__row_set_t *set, uint32_t index)
{
    return row_in(set, set->slots[index]);
}
