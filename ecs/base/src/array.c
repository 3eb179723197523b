#include <reef/array.h>

void *reef_array_reserve(
    const reef_alloc_t *alloc, void *items, size_t *capacity, size_t count, size_t size)
{
    size_t wanted = *capacity;

    if (count <= wanted) {
        return items;
    }
    if (wanted == 0) {
        wanted = 8;
    }
    while (wanted < count) {
        wanted *= 2;
    }
    items = reef_resize(alloc, items, *capacity * size, wanted * size);
    *capacity = wanted;
    return items;
}
