/* Counting sort, then runs of neighbouring cells, one per row. */
#include "flat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void flat_init(flat_t *flat, uint32_t count, float side, float cell, float radius)
{
    *flat = (flat_t){.count = count, .side = side, .cell = cell, .radius = radius};
    flat->cells = (uint32_t)ceilf(side / cell);
    flat->starts = calloc((size_t)flat->cells * flat->cells + 2, sizeof(uint32_t));
    flat->cell_of = calloc(count, sizeof(uint32_t));
    flat->sorted_x = calloc(count, sizeof(float));
    flat->sorted_y = calloc(count, sizeof(float));
    flat->sorted = calloc(count, sizeof(uint32_t));
    flat->neighbors = calloc((size_t)count + 16, sizeof(uint32_t));
}

void flat_finish(flat_t *flat)
{
    free(flat->starts);
    free(flat->cell_of);
    free(flat->sorted_x);
    free(flat->sorted_y);
    free(flat->sorted);
    free(flat->neighbors);
}

static uint32_t clamp(const flat_t *flat, float coordinate)
{
    int32_t cell = (int32_t)floorf(coordinate / flat->cell);

    return cell < 0                       ? 0
           : cell >= (int32_t)flat->cells ? flat->cells - 1
                                          : (uint32_t)cell;
}

void flat_fill(flat_t *flat, const float *x, const float *y)
{
    uint32_t cells = flat->cells * flat->cells;
    uint32_t *starts = flat->starts;

    flat->x = x;
    flat->y = y;
    memset(starts, 0, ((size_t)cells + 2) * sizeof(*starts));
    for (uint32_t i = 0; i < flat->count; i++) {
        flat->cell_of[i] = clamp(flat, y[i]) * flat->cells + clamp(flat, x[i]);
        starts[flat->cell_of[i] + 2]++;
    }
    for (uint32_t i = 2; i < cells + 2; i++) {
        starts[i] += starts[i - 1];
    }
    for (uint32_t i = 0; i < flat->count; i++) {
        uint32_t at = starts[flat->cell_of[i] + 1]++;

        flat->sorted_x[at] = x[i];
        flat->sorted_y[at] = y[i];
        flat->sorted[at] = i;
    }
}

uint32_t flat_search(flat_t *flat, uint32_t i)
{
    float x = flat->x[i], y = flat->y[i], limit = flat->radius * flat->radius;
    uint32_t first = clamp(flat, x - flat->radius);
    uint32_t last = clamp(flat, x + flat->radius);
    uint32_t bottom = clamp(flat, y - flat->radius);
    uint32_t top = clamp(flat, y + flat->radius);
    uint32_t *out = flat->neighbors;
    uint32_t count = 0;

    for (uint32_t row = bottom; row <= top; row++) {
        uint32_t end = flat->starts[row * flat->cells + last + 1];

        for (uint32_t k = flat->starts[row * flat->cells + first]; k < end; k++) {
            float dx = flat->sorted_x[k] - x, dy = flat->sorted_y[k] - y;

            out[count] = flat->sorted[k];
            count += dx * dx + dy * dy <= limit;
        }
    }
    return count;
}
