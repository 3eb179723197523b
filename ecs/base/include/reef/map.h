/**
 * @file map.h
 * @brief Hash map from a 64-bit key, or from text, to a 64-bit value.
 *
 * Open addressing with linear probing; the map copies the text of its keys.
 */
#ifndef REEF_MAP_H
#define REEF_MAP_H

#include <reef/alloc.h>
#include <reef/span.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct reef_map reef_map_t;

/** Create an empty map; @p alloc is borrowed.  Owned by the caller. */
reef_map_t *reef_map_create(const reef_alloc_t *alloc);

/** Accepts NULL. */
void reef_map_destroy(reef_map_t *map);

size_t reef_map_count(const reef_map_t *map);

/** Insert or replace. */
void reef_map_set(reef_map_t *map, reef_span_t key, uint64_t value);

/** True, with *value filled, when @p key is there; @p value may be NULL. */
bool reef_map_find(const reef_map_t *map, reef_span_t key, uint64_t *value);

/** False when it was not there. */
bool reef_map_remove(reef_map_t *map, reef_span_t key);

/** A key that is eight bytes in memory: `reef_map_find(map, REEF_KEY(id), &v)`. */
#define REEF_KEY(u64) reef_span(&(uint64_t){u64}, sizeof(uint64_t))

#endif /* REEF_MAP_H */
