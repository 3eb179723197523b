/*
 * Memory of a world per entity: what it asked its allocator for, or what the
 * process's resident set grew by, whichever is more (the first does not see what the
 * C library keeps for itself, the second not what was there from rows before).
 */
#include "components.h"
#include "harness.h"
#include "rows.h"

#include <reef/bundle.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *
count_resize(void *context, void *pointer, size_t old_size, size_t new_size)
{
    size_t *held = context;

    *held += new_size - old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return bench_resize(pointer, new_size);
}

static size_t resident_bytes(const bench_row_t *row)
{
    char text[128];
    long long pages = -1;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, text, sizeof(text) - 1) : -1;

    if (file >= 0) {
        close(file);
    }
    if (size > 0) {
        char *rest;

        text[size] = '\0';
        strtoll(text, &rest, 10); /* the address space */
        pages = strtoll(rest, NULL, 10);
    }
    bench_require(row, pages > 0, "/proc/self/statm cannot be read");
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

double measure_bytes(const bench_row_t *row, double *floor)
{
    size_t held = 0, before = resident_bytes(row), grown;
    reef_alloc_t alloc = {.resize = count_resize, .ctx = &held};
    reef_world_t *world = reef_world_create(&(reef_world_desc_t){.alloc = &alloc});
    reef_bundle_t *bundle =
        reef_bundle_create(world, REEF_TYPES(bench_position, bench_velocity));

    for (uint32_t i = 0; i < row->count; i++) {
        reef_bundle_spawn(bundle, REEF_RANGE_WORLD,
                          (const void *[]){&(bench_position_t){(float)i, 1, 2},
                                           &(bench_velocity_t){1, 2, 3}});
    }
    bench_require(row, reef_world_entity_count(world) == row->count,
                  "entities are missing");
    grown = resident_bytes(row);
    grown = grown > before ? grown - before : 0;
    grown = grown > held ? grown : held;
    *floor = sizeof(bench_position_t) + sizeof(bench_velocity_t);
    reef_bundle_destroy(bundle);
    reef_world_destroy(world);
    bench_require(row, held == 0, "%zu bytes were not released", held);
    return (double)grown / row->count;
}
