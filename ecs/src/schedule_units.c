/*
 * Cutting the rows that a group of parallel systems visits into units.  All systems of
 * the group pass over a unit before the next one, while it is in the cache.  Units
 * follow the tables in the order in which these were made; each ends at a multiple of a
 * chunk, and says for every system where that is in its query.  They depend on nothing
 * but the tables, so not on how many workers there are.
 */
#include "schedule.h"

#include <reef/array.h>

/* A unit is large enough for the memory to stream, and with its neighbours on other
 * workers small enough for the second-level cache. */
enum {
    UNITS = 32, /* aimed at, for a share that comes out even */
    LEAST_UNIT_BYTES = 64 * 1024,
    MOST_UNIT_BYTES = 768 * 1024,
};

static size_t row_bytes(const reef_table_t *table)
{
    size_t size = sizeof(reef_entity_t);

    for (uint32_t i = 0; i < table->component_count; i++) {
        size += table->columns[i].size;
    }
    return size;
}

static reef_query_t *
query_of(const reef_schedule_t *schedule, const reef__group_t *group, uint32_t system)
{
    return reef__schedule_system_at(schedule, group->first_system + system)->query;
}

/* The next table that some system of the group matches, in order of the tables; NULL
 * at the end.  `at` are the next matches of the systems. */
static const reef_table_t *next_table(const reef_schedule_t *schedule,
                                      const reef__group_t *group,
                                      const uint32_t *at)
{
    const reef_table_t *next = NULL;

    for (uint32_t i = 0; i < group->system_count; i++) {
        const reef_query_t *query = query_of(schedule, group, i);

        if (at[i] < query->matches.count) {
            const reef_table_t *table = query->matches.items[at[i]].table;

            next = next == NULL || table->sequence < next->sequence ? table : next;
        }
    }
    return next;
}

/* End a unit behind `row` rows of a table; of the systems that do not match it, behind
 * what they have passed. */
static void end_unit(reef_schedule_t *schedule,
                     reef__group_t *group,
                     const uint32_t *at,
                     const reef_table_t *table,
                     uint32_t row)
{
    size_t count = group->bounds.count;

    REEF_ARRAY_RESERVE(reef__world_alloc(schedule->world), &group->bounds,
                       count + group->system_count);
    group->bounds.count += group->system_count;
    for (uint32_t i = 0; i < group->system_count; i++) {
        const reef_query_t *query = query_of(schedule, group, i);
        reef__query_place_t place = {.slice = query->slice_count};

        if (at[i] < query->matches.count) {
            place.slice = query->matches.items[at[i]].slice;
            place.row = query->matches.items[at[i]].table == table ? row : 0;
        }
        group->bounds.items[count + i] = place;
    }
}

static void pass_table(const reef_schedule_t *schedule,
                       const reef__group_t *group,
                       const reef_table_t *table,
                       uint32_t *at)
{
    for (uint32_t i = 0; i < group->system_count; i++) {
        const reef_query_t *query = query_of(schedule, group, i);

        at[i] +=
            at[i] < query->matches.count && query->matches.items[at[i]].table == table;
    }
}

/* Choose the size of units by the bytes of all tables that the group visits. */
static void choose_size(const reef_schedule_t *schedule, reef__group_t *group)
{
    size_t largest = 0, size;

    group->fits_one = true;

    for (uint32_t i = 0; i < group->system_count; i++) {
        const reef_query_t *query = query_of(schedule, group, i);
        size_t bytes = 0;

        group->fits_one &=
            !reef__schedule_system_at(schedule, group->first_system + i)->records;
        for (size_t k = 0; k < query->matches.count; k++) {
            const reef_table_t *table = query->matches.items[k].table;

            bytes += table->row_count * row_bytes(table);
        }
        largest = bytes > largest ? bytes : largest;
    }
    size = largest / UNITS;
    size = size > LEAST_UNIT_BYTES ? size : LEAST_UNIT_BYTES;
    group->unit_bytes = size < MOST_UNIT_BYTES ? size : MOST_UNIT_BYTES;
    group->fits_one &= largest <= MOST_UNIT_BYTES;
}

/* Cut the rows of one table; gives the bytes since the last cut. */
static size_t cut_table(reef_schedule_t *schedule,
                        reef__group_t *group,
                        const uint32_t *at,
                        const reef_table_t *table,
                        size_t bytes)
{
    uint32_t chunk_count = reef__chunk_count(table->row_count);
    size_t each = row_bytes(table);

    for (uint32_t c = 0; c < chunk_count; c++) {
        bytes += reef__table_chunk_rows(table, c) * each;
        if (bytes >= group->unit_bytes && c + 1 < chunk_count) {
            end_unit(schedule, group, at, table, (c + 1) << REEF__CHUNK_SHIFT);
            bytes = 0;
        }
    }
    return bytes;
}

void reef__group_cut_units(reef_schedule_t *schedule, reef__group_t *group)
{
    const reef_alloc_t *alloc = reef__world_alloc(schedule->world);
    size_t size = group->system_count * sizeof(uint32_t);
    uint32_t *at = memset(reef_resize(alloc, NULL, 0, size), 0, size);
    const reef_table_t *table;
    size_t bytes = 0;

    for (uint32_t i = 0; i < group->system_count; i++) {
        reef__query_refresh(query_of(schedule, group, i));
    }
    group->bounds.count = 0;
    choose_size(schedule, group);
    end_unit(schedule, group, at, NULL, 0);
    while ((table = next_table(schedule, group, at)) != NULL) {
        bytes = cut_table(schedule, group, at, table, bytes);
        pass_table(schedule, group, table, at);
        if (bytes >= group->unit_bytes) {
            end_unit(schedule, group, at, NULL, 0);
            bytes = 0;
        }
    }
    if (bytes > 0) {
        end_unit(schedule, group, at, NULL, 0);
    }
    group->unit_count = (uint32_t)(group->bounds.count / group->system_count) - 1;
    group->structure = schedule->world->structure;
    reef_resize(alloc, at, size, 0);
}
