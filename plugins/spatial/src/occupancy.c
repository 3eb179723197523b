/* The list `spatial`: a row per cell with somebody in it. */
#include "state.h"

#include <reef/list.h>

#include <stdio.h>

REEF_COMPONENT(spatial_cell_row,
               0,
               REEF_STRING(cell, 40, .doc = "coordinates divided by spatial.cell_size"),
               REEF_U32(entities,
                        .doc = "of this cell and those that share its bucket"));

static const reef__bucket_t *bucket_at(const reef__spatial_t *spatial, uint32_t index)
{
    const reef__grid_t *grid = &spatial->interest.grid;

    return &grid->buckets[grid->occupied.items[index]];
}

static uint32_t count_rows(void *context)
{
    const reef__spatial_t *spatial = context;

    return (uint32_t)spatial->interest.grid.occupied.count;
}

static void get_row(void *context, uint32_t index, void *row)
{
    const reef__spatial_t *spatial = context;
    const reef__bucket_t *bucket = bucket_at(spatial, index);
    uint32_t first = reef__bucket_slots(&spatial->interest.grid, bucket)[0];
    reef__cell_t cell = reef__track_cell(spatial, first);
    spatial_cell_row_t *out = row;

    if (spatial->config.mode == REEF_SPATIAL_3D) {
        snprintf(out->cell, sizeof(out->cell), "%d %d %d", cell.u, cell.v, cell.w);
    } else {
        snprintf(out->cell, sizeof(out->cell), "%d %d", cell.u, cell.v);
    }
    out->entities = bucket->count;
}

static const reef_entity_t *get_members(void *context, uint32_t index, uint32_t *count)
{
    reef__spatial_t *spatial = context;
    const reef__bucket_t *bucket = bucket_at(spatial, index);
    const uint32_t *slots = reef__bucket_slots(&spatial->interest.grid, bucket);

    spatial->members.count = 0;
    for (uint32_t i = 0; i < bucket->count; i++) {
        *REEF_ARRAY_PUSH(spatial->alloc, &spatial->members) =
            spatial->residents.items[slots[i]].entity;
    }
    *count = bucket->count;
    return spatial->members.items;
}

void reef__occupancy_register(reef__spatial_t *spatial)
{
    reef_app_add_list(spatial->app,
                      &(reef_list_desc_t){.name = "spatial",
                                          .doc = "Cells of space, and who is in them.",
                                          .row = &spatial_cell_row_type,
                                          .count = count_rows,
                                          .get = get_row,
                                          .members = get_members,
                                          .context = spatial});
}
