/*
 * A search visits the range of cells from that of the least to that of the greatest
 * coordinate that can be near enough.  The cell of a coordinate grows with it, so no
 * point in reach is outside the range, whatever the ratio of radius to cell.
 *
 * Packed, a row of that range is one run of points, and searches in the plane take
 * runs instead of buckets, each with a few points and a block of memory of its own.
 */
#include "grid_parts.h"
#include "scan.h"

#include <reef/array.h>

#include <math.h>
#include <string.h>

enum {
    MAX_RUNS = 16, /* that are looked through at once */
};

/* Distances are tested in single precision: what is a little further can pass. */
#define REACH_SLACK (1 + 1e-6)

/* Packing ---------------------------------------------------------------------- */

static void reserve_pack(reef__grid_t *grid)
{
    const reef_alloc_t *alloc = grid->alloc;
    reef__packed_t *packed = &grid->packed;
    uint32_t buckets = reef__grid_buckets(grid);
    size_t points = grid->count + REEF__GRID_LANES;

    if (packed->bucket_count != buckets) {
        packed->starts =
            reef_resize(alloc, packed->starts, packed->bucket_count * sizeof(uint32_t),
                        ((size_t)buckets + 1) * sizeof(uint32_t));
        packed->bucket_count = buckets;
    }
    if (packed->capacity < points) {
        packed->u = reef_resize(alloc, packed->u, packed->capacity * sizeof(float),
                                2 * points * sizeof(float));
        packed->v = reef_resize(alloc, packed->v, packed->capacity * sizeof(float),
                                2 * points * sizeof(float));
        packed->slots =
            reef_resize(alloc, packed->slots, packed->capacity * sizeof(uint32_t),
                        2 * points * sizeof(uint32_t));
        packed->capacity = 2 * points;
    }
}

void reef__grid_free_pack(reef__grid_t *grid)
{
    reef__packed_t *packed = &grid->packed;

    reef_resize(grid->alloc, packed->starts, packed->bucket_count * sizeof(uint32_t),
                0);
    reef_resize(grid->alloc, packed->u, packed->capacity * sizeof(float), 0);
    reef_resize(grid->alloc, packed->v, packed->capacity * sizeof(float), 0);
    reef_resize(grid->alloc, packed->slots, packed->capacity * sizeof(uint32_t), 0);
    *packed = (reef__packed_t){0};
}

/* A bucket with points has room for a whole vector, so that many are copied. */
void reef__grid_pack(reef__grid_t *grid)
{
    reef__packed_t *packed = &grid->packed;
    uint32_t at = 0;

    reserve_pack(grid);
    for (uint32_t i = 0; i < packed->bucket_count; i++) {
        const reef__bucket_t *bucket = &grid->buckets[i];
        uint32_t count = bucket->count;

        packed->starts[i] = at;
        if (count > 0) {
            size_t size = count > REEF__GRID_LANES ? count : REEF__GRID_LANES;

            size *= sizeof(float);
            memcpy(packed->u + at, bucket->block, size);
            memcpy(packed->v + at, bucket->block + bucket->capacity, size);
            memcpy(packed->slots + at, reef__bucket_slots(grid, bucket), size);
            at += count;
        }
    }
    packed->starts[packed->bucket_count] = at;
    for (uint32_t k = at; k < at + REEF__GRID_LANES; k++) {
        packed->u[k] = packed->v[k] = INFINITY;
        packed->slots[k] = 0;
    }
    grid->is_packed = true;
}

/* Searches --------------------------------------------------------------------- */

/* A range of buckets along one axis: @p count from @p first on, round the torus. */
typedef struct range {
    uint32_t first, count, mask;
} range_t;

/* The buckets within a radius, a run of neighbours after the other. */
typedef struct search {
    range_t u, v, w;
    uint32_t at_v, at_w;
    bool goes_round; /* rows have two parts, and the second is next */
} search_t;

static inline range_t
range_along(const reef__grid_t *grid, float center, float radius, uint32_t bits)
{
    double reach = (double)radius * REACH_SLACK;
    int64_t first = reef__grid_cell_along(grid, (double)center - reach);
    int64_t last = reef__grid_cell_along(grid, (double)center + reach);
    uint32_t all = UINT32_C(1) << bits;

    return (range_t){
        .first = reef__grid_wrap(first, bits),
        .count = last - first < (int64_t)all ? (uint32_t)(last - first) + 1 : all,
        .mask = all - 1,
    };
}

static search_t
search_begin(const reef__grid_t *grid, reef__point_t center, float radius)
{
    return (search_t){
        .u = range_along(grid, center.u, radius, grid->bits_u),
        .v = range_along(grid, center.v, radius, grid->bits_v),
        .w = grid->is_deep ? range_along(grid, center.w, radius, grid->bits_w)
                           : (range_t){.count = 1},
    };
}

/* The next run, or NULL at the end. */
static const reef__bucket_t *
search_next(const reef__grid_t *grid, search_t *search, uint32_t *count)
{
    uint32_t v = (search->v.first + search->at_v) & search->v.mask;
    uint32_t w = (search->w.first + search->at_w) & search->w.mask;
    uint32_t ahead = search->u.mask + 1 - search->u.first;
    const reef__bucket_t *row =
        grid->buckets + ((size_t)(w << grid->bits_v | v) << grid->bits_u);

    if (search->at_w == search->w.count) {
        return NULL;
    }
    if (!search->goes_round && search->u.count > ahead) {
        search->goes_round = true;
        *count = ahead;
        return row + search->u.first;
    }
    if (++search->at_v == search->v.count) {
        search->at_v = 0;
        search->at_w++;
    }
    *count = search->goes_round ? search->u.count - ahead : search->u.count;
    row += search->goes_round ? 0 : search->u.first;
    search->goes_round = false;
    return row;
}

uint32_t reef__grid_find(const reef__grid_t *grid,
                         reef__point_t center,
                         float radius,
                         uint32_t *hits)
{
    search_t search = search_begin(grid, center, radius);
    const reef__bucket_t *run;
    uint32_t length, count = 0;

    while ((run = search_next(grid, &search, &length)) != NULL) {
        count = (grid->is_deep ? reef__scan_space : reef__scan_plane)(
            run, length, center, radius * radius, hits, count);
    }
    return count;
}

/* Plain numbers all the way: a struct that is put together in memory and read in other
 * pieces would wait for all stores before it, which are many while bundles are made. */
static void count_packed(const reef__grid_t *grid,
                         reef__point_t center,
                         float radius,
                         reef__tally_t *tally)
{
    range_t u = range_along(grid, center.u, radius, grid->bits_u);
    range_t v = range_along(grid, center.v, radius, grid->bits_v);
    uint32_t ahead = u.mask + 1 - u.first;
    uint32_t until = u.count < ahead ? u.count : ahead;
    reef__run_t runs[MAX_RUNS];
    uint32_t count = 0;

    for (uint32_t i = 0; i < v.count; i++) {
        const uint32_t *row =
            grid->packed.starts + ((size_t)((v.first + i) & v.mask) << grid->bits_u);

        runs[count].first = row[u.first];
        runs[count++].end = row[u.first + until];
        if (until < u.count) { /* round the torus */
            runs[count].first = row[0];
            runs[count++].end = row[u.count - until];
        }
        if (count > MAX_RUNS - 2) {
            reef__scan_count_runs(&grid->packed, runs, count, center, radius * radius,
                                  tally);
            count = 0;
        }
    }
    reef__scan_count_runs(&grid->packed, runs, count, center, radius * radius, tally);
}

void reef__grid_count(const reef__grid_t *grid,
                      reef__point_t center,
                      float radius,
                      reef__tally_t *tally)
{
    search_t search;
    const reef__bucket_t *run;
    uint32_t length;

    tally->count = 0;
    tally->sum = 0;
    if (grid->is_packed && !grid->is_deep) {
        count_packed(grid, center, radius, tally);
        return;
    }
    search = search_begin(grid, center, radius);
    while ((run = search_next(grid, &search, &length)) != NULL) {
        (grid->is_deep ? reef__scan_count_space : reef__scan_count_plane)(
            run, length, center, radius * radius, tally);
    }
}

uint32_t reef__grid_crowd(const reef__grid_t *grid, reef__point_t center, float radius)
{
    search_t search = search_begin(grid, center, radius);
    const reef__bucket_t *run;
    uint32_t length, count = 0;

    while ((run = search_next(grid, &search, &length)) != NULL) {
        for (uint32_t i = 0; i < length; i++) {
            count += run[i].count;
        }
    }
    return count;
}
