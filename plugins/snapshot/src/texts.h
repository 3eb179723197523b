/*
 * Texts within stored values.
 */
#ifndef REEF_SNAPSHOT_TEXTS_H
#define REEF_SNAPSHOT_TEXTS_H

#include "layout.h"

#include <reef/array.h>

/* A content while it grows; memory.h has its memory. */
typedef struct reef__bytes {
    uint8_t *items;
    size_t count, capacity;
} reef__bytes_t;

/* Append @p size bytes and give their address, until the next call. */
uint8_t *reef__bytes_extend(reef__bytes_t *bytes, size_t size);

/* Take the bytes out: a block of just *size, which snapshot_free() releases. */
void *reef__bytes_take(reef__bytes_t *bytes, size_t *size);

/* Bytes of the texts of one value. */
size_t reef__texts_size(const reef_type_t *type, const void *value);

/* Make @p count values, copied byte by byte to the end of @p content from @p first on,
 * a column that stands for itself: their texts are appended. */
void reef__texts_encode(reef__bytes_t *content,
                        size_t first,
                        const reef_type_t *type,
                        uint32_t count);

/* A column found in a content. */
typedef struct reef__stored_column {
    const uint8_t *values; /* borrowed from the content */
    reef_span_t heap;      /* of its texts */
} reef__stored_column_t;

/*
 * Find a column of @p count values of @p size bytes at the start of *content, which is
 * advanced behind it; @p has_texts when its type has them.
 *
 * @param layout To check the texts by; NULL = unknown, only skipped.
 * @return False when the content ends before it, or a text is not where it must be.
 */
REEF_NODISCARD bool reef__texts_find_column(reef_span_t *content,
                                            uint32_t count,
                                            uint32_t size,
                                            bool has_texts,
                                            const reef__layout_t *layout,
                                            reef__stored_column_t *column);

/* The text whose stored form is at @p element, of a column that was checked.  It need
 * not be UTF-8. */
reef_span_t reef__texts_get(const uint8_t *element, reef_span_t heap);

#endif /* REEF_SNAPSHOT_TEXTS_H */
