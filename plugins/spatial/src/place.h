/**
 * @file place.h
 * @brief Positions, and what of them counts for range and cells.
 */
#ifndef REEF_SPATIAL_PLACE_H
#define REEF_SPATIAL_PLACE_H

#include "grid.h"

#include <reef/spatial.h>

#include <math.h>

/** As in the component; z is 0 in 2d. */
typedef struct reef__place {
    float x, y, z;
} reef__place_t;

static inline uint32_t reef__mode_axes(reef_spatial_mode_t mode)
{
    return mode == REEF_SPATIAL_2D ? 2 : 3;
}

/** The point that a place is for the grid. */
static inline reef__point_t reef__place_point(reef_spatial_mode_t mode,
                                              reef__place_t place)
{
    switch (mode) {
    case REEF_SPATIAL_3D_FLAT:
        return (reef__point_t){place.x, place.z, 0};
    case REEF_SPATIAL_3D:
        return (reef__point_t){place.x, place.y, place.z};
    default:
        return (reef__point_t){place.x, place.y, 0};
    }
}

static inline bool reef__place_is_finite(reef__place_t place)
{
    return isfinite(place.x) && isfinite(place.y) && isfinite(place.z);
}

static inline bool reef__place_equal(reef__place_t a, reef__place_t b)
{
    return a.x == b.x && a.y == b.y && a.z == b.z;
}

#endif /* REEF_SPATIAL_PLACE_H */
