/**
 * @file array.h
 * @brief Growing a plain C array: `{T *items; size_t count, capacity;}`.
 *
 *     struct { thing_t *items; size_t count, capacity; } things = {0};
 *     *REEF_ARRAY_PUSH(alloc, &things) = thing;
 *     REEF_ARRAY_FINISH(alloc, &things);
 */
#ifndef REEF_ARRAY_H
#define REEF_ARRAY_H

#include <reef/alloc.h>

#include <stdbool.h>
#include <stddef.h>

/** Make room for at least @p count elements of @p size bytes, doubling.  Returns the
 *  (possibly moved) items and updates *capacity. */
void *reef_array_reserve(const reef_alloc_t *alloc,
                         void *items,
                         size_t *capacity,
                         size_t count,
                         size_t size);

#define REEF_ARRAY_RESERVE(alloc, array, wanted)                                       \
    ((array)->items = reef_array_reserve((alloc), (array)->items, &(array)->capacity,  \
                                         (wanted), sizeof(*(array)->items)))

/** Append one element and give its address; its content is not initialised. */
#define REEF_ARRAY_PUSH(alloc, array)                                                  \
    ((void)((array)->count < (array)->capacity ||                                      \
            (REEF_ARRAY_RESERVE((alloc), (array), (array)->count + 1), true)),         \
     &(array)->items[(array)->count++])

/** Release the items; the array is then empty and may be used again. */
#define REEF_ARRAY_FINISH(alloc, array)                                                \
    ((array)->items = reef_resize((alloc), (array)->items,                             \
                                  (array)->capacity * sizeof(*(array)->items), 0),     \
     (array)->count = 0, (array)->capacity = 0)

#endif /* REEF_ARRAY_H */
