/**
 * @file row_order.h
 * @brief In which order the rows of a list are shown, and where a page goes on.
 *
 * Rows are ordered by their key, or by another field and then the key, so no two are
 * equal.  A cursor is the key (and that field) of the last row shown, not a position:
 * rows that come and go do not shift the pages behind it.
 */
#ifndef REEF_ADMIN_ROW_ORDER_H
#define REEF_ADMIN_ROW_ORDER_H

#include <reef/list.h>

enum {
    REEF__ROW_CURSOR_SIZE = 2 * 2 * REEF_LIST_KEY_SIZE + 2
};

typedef struct reef__row_order {
    const reef_field_t *key;
    const reef_field_t *field; /* compared before the key; NULL = the key alone */
    bool descending;           /* the field, or the key where it is alone */
} reef__row_order_t;

/** Order by @p sort: "" (by key), "field" or "-field"; false when rows of @p type
 * cannot be ordered so. */
bool reef__row_order_parse(reef__row_order_t *order,
                           const reef_type_t *type,
                           const char *sort);

/** Negative when row @p a comes before row @p b, 0 when they have the same key. */
int reef__row_compare(const reef__row_order_t *order, const void *a, const void *b);

/** Whether two rows have the same key. */
bool reef__row_is_same(const reef__row_order_t *order, const void *a, const void *b);

/** Print the place of @p row as an opaque text. */
void reef__row_cursor_print(const reef__row_order_t *order,
                            const void *row,
                            char cursor[REEF__ROW_CURSOR_SIZE]);

/** Write what @p cursor tells to @p row, which is zeroed; false when it is no cursor of
 *  this order. */
bool reef__row_cursor_parse(const reef__row_order_t *order,
                            const char *cursor,
                            void *row);

/** Write the key that a person typed, or read in a reply, to @p row, which is zeroed;
 *  false when no row can have it. */
bool reef__row_key_parse(const reef__row_order_t *order, const char *key, void *row);

#endif /* REEF_ADMIN_ROW_ORDER_H */
