/**
 * @file grid_parts.h
 * @brief What grid.c and search.c share.
 */
#ifndef REEF_SPATIAL_GRID_PARTS_H
#define REEF_SPATIAL_GRID_PARTS_H

#include "grid.h"

/** Where a cell is along an axis of the torus. */
static inline uint32_t reef__grid_wrap(int64_t cell, uint32_t bits)
{
    return (uint32_t)((uint64_t)cell & ((UINT64_C(1) << bits) - 1));
}

/** Release the packed points. */
void reef__grid_free_pack(reef__grid_t *grid);

#endif /* REEF_SPATIAL_GRID_PARTS_H */
