/*
 * The cells of an endless plane are wrapped round a torus of 2^n buckets, a bucket per
 * cell of it: cell (u, v) is in bucket (u mod 2^a, v mod 2^b).  Cells far from each
 * other may so share a bucket; that costs tests, never an answer, as every test is of
 * coordinates.  Neighbours along u are neighbours in memory.  The torus doubles with
 * the points, so a bucket has about as many as a cell.
 *
 * A bucket's points are arrays of coordinates with the slots behind them, 64-byte
 * aligned by their length; what is not used of them is infinitely far away, so that
 * loops run over whole vectors:
 *
 *     block: | u u u ∞ ∞ ∞ ∞ ∞ | v v v ∞ ∞ ∞ ∞ ∞ | slots |
 */
#include "grid_parts.h"

#include <reef/array.h>

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    FIRST_BITS = 4, /* of each axis; of two of them 6 */
    MAX_BITS = 20,  /* of all together: 24 MiB */
};

#define NO_BUCKET UINT32_MAX

static uint32_t bits_of(const reef__grid_t *grid)
{
    return grid->bits_u + grid->bits_v + grid->bits_w;
}

static void make_buckets(reef__grid_t *grid)
{
    size_t size = sizeof(*grid->buckets) << bits_of(grid);

    grid->buckets = reef_resize(grid->alloc, NULL, 0, size);
    memset(grid->buckets, 0, size);
}

void reef__grid_init(reef__grid_t *grid, const reef__grid_desc_t *desc)
{
    uint32_t bits = desc->is_deep ? FIRST_BITS : FIRST_BITS + FIRST_BITS / 2;

    assert(desc->cell_size > 0);
    *grid = (reef__grid_t){
        .alloc = desc->alloc,
        .cell_size = desc->cell_size,
        .is_deep = desc->is_deep,
        .bits_u = bits,
        .bits_v = bits,
        .bits_w = desc->is_deep ? bits : 0,
    };
    make_buckets(grid);
}

static size_t block_size(const reef__grid_t *grid, uint32_t capacity)
{
    return (size_t)capacity * (grid->is_deep ? 4 : 3) * sizeof(float);
}

void reef__grid_finish(reef__grid_t *grid)
{
    for (size_t i = 0; i < grid->occupied.count; i++) {
        reef__bucket_t *bucket = &grid->buckets[grid->occupied.items[i]];

        reef_resize(grid->alloc, bucket->block, block_size(grid, bucket->capacity), 0);
    }
    reef_resize(grid->alloc, grid->buckets, sizeof(*grid->buckets) << bits_of(grid), 0);
    reef__grid_free_pack(grid);
    REEF_ARRAY_FINISH(grid->alloc, &grid->occupied);
    REEF_ARRAY_FINISH(grid->alloc, &grid->places);
}

/* Cells ------------------------------------------------------------------------ */

static inline uint32_t bucket_at(const reef__grid_t *grid, const reef__cell_t *cell)
{
    return (reef__grid_wrap(cell->w, grid->bits_w) << grid->bits_v |
            reef__grid_wrap(cell->v, grid->bits_v))
               << grid->bits_u |
           reef__grid_wrap(cell->u, grid->bits_u);
}

static uint32_t bucket_of(const reef__grid_t *grid, reef__point_t point)
{
    reef__cell_t cell = reef__grid_cell(grid, point);

    return bucket_at(grid, &cell);
}

/* Points in buckets ------------------------------------------------------------ */

static float *axis_of(const reef__bucket_t *bucket, uint32_t axis)
{
    return bucket->block + (size_t)axis * bucket->capacity;
}

static uint32_t *slots_of(const reef__grid_t *grid, const reef__bucket_t *bucket)
{
    return (uint32_t *)(void *)axis_of(bucket, grid->is_deep ? 3 : 2);
}

/* Give the bucket room for more or less; its points stay. */
static void
resize_bucket(const reef__grid_t *grid, reef__bucket_t *bucket, uint32_t capacity)
{
    reef__bucket_t old = *bucket;
    uint32_t axes = grid->is_deep ? 3 : 2;

    bucket->block = reef_resize(grid->alloc, NULL, 0, block_size(grid, capacity));
    bucket->capacity = capacity;
    for (uint32_t axis = 0; axis < axes; axis++) {
        float *out = axis_of(bucket, axis);

        if (old.count > 0) {
            memcpy(out, axis_of(&old, axis), old.count * sizeof(*out));
        }
        for (uint32_t i = old.count; i < capacity; i++) {
            out[i] = INFINITY;
        }
    }
    memset(slots_of(grid, bucket), 0, capacity * sizeof(uint32_t));
    if (old.count > 0) {
        memcpy(slots_of(grid, bucket), slots_of(grid, &old),
               old.count * sizeof(uint32_t));
    }
    reef_resize(grid->alloc, old.block, block_size(grid, old.capacity), 0);
}

static void store(const reef__grid_t *grid,
                  const reef__bucket_t *bucket,
                  uint32_t index,
                  reef__point_t point)
{
    axis_of(bucket, 0)[index] = point.u;
    axis_of(bucket, 1)[index] = point.v;
    if (grid->is_deep) {
        axis_of(bucket, 2)[index] = point.w;
    }
}

static reef__point_t
load(const reef__grid_t *grid, const reef__bucket_t *bucket, uint32_t index)
{
    return (reef__point_t){
        .u = axis_of(bucket, 0)[index],
        .v = axis_of(bucket, 1)[index],
        .w = grid->is_deep ? axis_of(bucket, 2)[index] : 0,
    };
}

static void
enter_bucket(reef__grid_t *grid, uint32_t slot, reef__point_t point, uint32_t number)
{
    reef__bucket_t *bucket = &grid->buckets[number];

    if (bucket->count == bucket->capacity) {
        resize_bucket(grid, bucket,
                      bucket->capacity > 0 ? bucket->capacity * 2 : REEF__GRID_LANES);
    }
    if (bucket->count == 0) {
        bucket->place = (uint32_t)grid->occupied.count;
        *REEF_ARRAY_PUSH(grid->alloc, &grid->occupied) = number;
    }
    store(grid, bucket, bucket->count, point);
    slots_of(grid, bucket)[bucket->count] = slot;
    grid->places.items[slot] =
        (struct reef__grid_place){.bucket = number, .index = bucket->count};
    bucket->count++;
}

static void empty_bucket(reef__grid_t *grid, reef__bucket_t *bucket)
{
    uint32_t last = grid->occupied.items[--grid->occupied.count];

    grid->occupied.items[bucket->place] = last;
    grid->buckets[last].place = bucket->place;
    reef_resize(grid->alloc, bucket->block, block_size(grid, bucket->capacity), 0);
    *bucket = (reef__bucket_t){0};
}

/* The last point of the bucket takes the place of the one that goes. */
static void leave_bucket(reef__grid_t *grid, uint32_t slot)
{
    struct reef__grid_place place = grid->places.items[slot];
    reef__bucket_t *bucket = &grid->buckets[place.bucket];
    uint32_t last = --bucket->count;
    uint32_t *slots = slots_of(grid, bucket);

    if (last == 0) {
        empty_bucket(grid, bucket);
        return;
    }
    if (place.index != last) {
        store(grid, bucket, place.index, load(grid, bucket, last));
        slots[place.index] = slots[last];
        grid->places.items[slots[last]].index = place.index;
    }
    store(grid, bucket, last, (reef__point_t){INFINITY, INFINITY, INFINITY});
    if (bucket->capacity > REEF__GRID_LANES && bucket->count <= bucket->capacity / 4) {
        resize_bucket(grid, bucket, bucket->capacity / 2);
    }
}

/* Twice the buckets, along the axis that has the fewest. */
static void grow(reef__grid_t *grid)
{
    reef__grid_t old = *grid;

    if (grid->is_deep && grid->bits_w < grid->bits_u) {
        grid->bits_w++;
    } else if (grid->bits_v < grid->bits_u) {
        grid->bits_v++;
    } else {
        grid->bits_u++;
    }
    make_buckets(grid);
    memset(&grid->occupied, 0, sizeof(grid->occupied));
    for (size_t i = 0; i < old.occupied.count; i++) {
        reef__bucket_t *bucket = &old.buckets[old.occupied.items[i]];

        for (uint32_t k = 0; k < bucket->count; k++) {
            reef__point_t point = load(grid, bucket, k);

            enter_bucket(grid, slots_of(grid, bucket)[k], point,
                         bucket_of(grid, point));
        }
    }
    reef__grid_finish(&(reef__grid_t){
        .alloc = old.alloc,
        .is_deep = old.is_deep,
        .bits_u = old.bits_u,
        .bits_v = old.bits_v,
        .bits_w = old.bits_w,
        .buckets = old.buckets,
        .occupied = old.occupied,
    });
}

void reef__grid_insert(reef__grid_t *grid, uint32_t slot, reef__point_t point)
{
    grid->is_packed = false;
    while (grid->places.count <= slot) {
        *REEF_ARRAY_PUSH(grid->alloc, &grid->places) =
            (struct reef__grid_place){.bucket = NO_BUCKET};
    }
    if (grid->count >> bits_of(grid) > 0 && bits_of(grid) < MAX_BITS) {
        grow(grid);
    }
    enter_bucket(grid, slot, point, bucket_of(grid, point));
    grid->count++;
}

void reef__grid_remove(reef__grid_t *grid, uint32_t slot)
{
    grid->is_packed = false;
    leave_bucket(grid, slot);
    grid->places.items[slot].bucket = NO_BUCKET;
    grid->count--;
}

void reef__grid_move(reef__grid_t *grid,
                     uint32_t slot,
                     reef__point_t point,
                     const reef__cell_t *cell)
{
    struct reef__grid_place place = grid->places.items[slot];
    uint32_t number = bucket_at(grid, cell);

    grid->is_packed = false;
    if (place.bucket == number) {
        store(grid, &grid->buckets[number], place.index, point);
        return;
    }
    leave_bucket(grid, slot);
    enter_bucket(grid, slot, point, number);
}
