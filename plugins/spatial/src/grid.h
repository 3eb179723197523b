/**
 * @file grid.h
 * @brief Points in cells, and which of them are within a distance of a place.
 *
 * The plane of the cells is (u, v), in 3D space (u, v, w); in the plane w is 0.  What a
 * point belongs to is a *slot*, a small number of the caller's.
 */
#ifndef REEF_SPATIAL_GRID_H
#define REEF_SPATIAL_GRID_H

#include <reef/alloc.h>
#include <reef/attrs.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    REEF__GRID_LANES = 8,      /* a bucket's capacity is a multiple of it */
    REEF__GRID_HITS_SLACK = 1, /* elements of the array of hits beyond the points */
};

typedef struct reef__point {
    float u, v, w;
} reef__point_t;

/** Which cell: coordinates divided by its size, rounded down. */
typedef struct reef__cell {
    int32_t u, v, w;
} reef__cell_t;

/** The points of the cells that share its place in the torus; see grid.c. */
typedef struct reef__bucket {
    float *block; /* u[capacity], v[capacity], (w[capacity],) slot[capacity] */
    uint32_t count, capacity;
    uint32_t place; /* in the list of occupied buckets */
} reef__bucket_t;

/** All points, bucket by bucket, in arrays without gaps: rows of buckets are runs. */
typedef struct reef__packed {
    float *u, *v;     /* [capacity] */
    uint32_t *slots;  /* beside them */
    uint32_t *starts; /* of each bucket, and the end, [bucket_count + 1] */
    uint32_t bucket_count;
    size_t capacity; /* points and a vector that is no point */
} reef__packed_t;

typedef struct reef__grid {
    const reef_alloc_t *alloc;
    double cell_size;
    bool is_deep; /* cells and distances have a w */

    uint32_t bits_u, bits_v, bits_w; /* the torus has 2^(u + v + w) buckets */
    reef__bucket_t *buckets;
    struct {
        uint32_t *items; /* buckets with points, in no order */
        size_t count, capacity;
    } occupied;
    struct {
        struct reef__grid_place {
            uint32_t bucket, index;
        } * items; /* by slot */
        size_t count, capacity;
    } places;
    size_t count; /* points */
    reef__packed_t packed;
    bool is_packed; /* and nothing has moved since */
} reef__grid_t;

typedef struct reef__grid_desc {
    const reef_alloc_t *alloc; /* borrowed */
    double cell_size;
    bool is_deep;
} reef__grid_desc_t;

void reef__grid_init(reef__grid_t *grid, const reef__grid_desc_t *desc);
void reef__grid_finish(reef__grid_t *grid);

/** The cell of a coordinate along its axis. */
static inline int64_t reef__grid_cell_along(const reef__grid_t *grid, double coordinate)
{
    double quotient = coordinate / grid->cell_size;
    int64_t whole = (int64_t)quotient;
    return whole - ((double)whole > quotient); /* floor() without a call */
}

/** The cell that a point is in. */
static inline reef__cell_t reef__grid_cell(const reef__grid_t *grid,
                                           reef__point_t point)
{
    return (reef__cell_t){
        .u = (int32_t)reef__grid_cell_along(grid, (double)point.u),
        .v = (int32_t)reef__grid_cell_along(grid, (double)point.v),
        .w = grid->is_deep ? (int32_t)reef__grid_cell_along(grid, (double)point.w) : 0,
    };
}

/** Put a slot that is not in the grid at a point. */
void reef__grid_insert(reef__grid_t *grid, uint32_t slot, reef__point_t point);

/** Take out a slot that is in the grid. */
void reef__grid_remove(reef__grid_t *grid, uint32_t slot);

/** Move a slot that is in the grid.  @p cell is that of @p point. */
void reef__grid_move(reef__grid_t *grid,
                     uint32_t slot,
                     reef__point_t point,
                     const reef__cell_t *cell);

/** Have what moving a slot touches come near, in good time before. */
static inline void reef__grid_fetch(const reef__grid_t *grid, uint32_t slot)
{
    REEF_PREFETCH(&grid->buckets[grid->places.items[slot].bucket]);
}

/** Square of the distance, the same either way.  With a @p w of 0 that in the plane. */
static inline float reef__distance_squared(reef__point_t a, reef__point_t b)
{
    float du = a.u - b.u, dv = a.v - b.v, dw = a.w - b.w;

    return du * du + dv * dv + dw * dw;
}

/** Write the slots with a distance to @p center of at most @p radius to @p hits, which
 *  has room for all points and REEF__GRID_HITS_SLACK more.  Returns how many. */
uint32_t reef__grid_find(const reef__grid_t *grid,
                         reef__point_t center,
                         float radius,
                         uint32_t *hits);

/** How many there are of something, and the sum of their slots modulo 2^32. */
typedef struct reef__tally {
    uint32_t count, sum;
} reef__tally_t;

/** Those that reef__grid_find() would find; several times as fast. */
void reef__grid_count(const reef__grid_t *grid,
                      reef__point_t center,
                      float radius,
                      reef__tally_t *tally);

/** Have searches for many points be faster until something changes; costs as much as
 *  about a hundredth of a microsecond per point and bucket. */
void reef__grid_pack(reef__grid_t *grid);

/** How many points the cells within @p radius of @p center have: at least as many as
 *  reef__grid_find() would find. */
uint32_t reef__grid_crowd(const reef__grid_t *grid, reef__point_t center, float radius);

/** How many buckets there are; neighbours are near each other. */
static inline uint32_t reef__grid_buckets(const reef__grid_t *grid)
{
    return UINT32_C(1) << (grid->bits_u + grid->bits_v + grid->bits_w);
}

/** The slots of a bucket. */
static inline const uint32_t *reef__bucket_slots(const reef__grid_t *grid,
                                                 const reef__bucket_t *bucket)
{
    return (const uint32_t *)(const void *)(bucket->block +
                                            (size_t)bucket->capacity *
                                                (grid->is_deep ? 3 : 2));
}

#endif /* REEF_SPATIAL_GRID_H */
