/**
 * @file row_set.h
 * @brief The first few of many rows, in an order.
 *
 * Rows are offered in any order and copied when they are among the first so far; the
 * memory is made beforehand, so that the world thread only fills it.
 */
#ifndef REEF_ADMIN_ROW_SET_H
#define REEF_ADMIN_ROW_SET_H

#include "row_order.h"

typedef struct reef__row_set {
    const reef__row_order_t *order; /* borrowed */
    size_t row_size;
    uint32_t capacity, count;
    uint8_t *rows;     /* in slots of `stride` bytes */
    size_t stride;     /* a multiple of 16 */
    uint32_t *members; /* by slot; the owner's to fill */
    uint32_t *slots;   /* a max-heap by `order`; once sorted, the slots in order */
} reef__row_set_t;

/** Make room for @p capacity rows; release it by reef__row_set_finish(). */
void reef__row_set_init(reef__row_set_t *set,
                        const reef__row_order_t *order,
                        size_t row_size,
                        uint32_t capacity);
void reef__row_set_finish(reef__row_set_t *set);

/** Copy @p row if it is among the first; its slot, or UINT32_MAX. */
uint32_t reef__row_set_offer(reef__row_set_t *set, const void *row);

/** Put the slots in order; nothing can be offered afterwards. */
void reef__row_set_sort(reef__row_set_t *set);

/** Leave out all but the first of rows that have the same key.  Once sorted. */
void reef__row_set_unite(reef__row_set_t *set);

/** The row at place @p index.  Once sorted. */
const void *reef__row_set_at(const reef__row_set_t *set, uint32_t index);

#endif /* REEF_ADMIN_ROW_SET_H */
