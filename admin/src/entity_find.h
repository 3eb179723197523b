/**
 * @file entity_find.h
 * @brief Which entities a query means.  World thread only; a finder lives for one call.
 */
#ifndef REEF_ADMIN_ENTITY_FIND_H
#define REEF_ADMIN_ENTITY_FIND_H

#include "world_view.h"

typedef struct reef__finder {
    reef_world_t *world;
    reef_component_t with[REEF__MAX_QUERY];
    size_t with_count;
    const char *search; /* "" = everything */
    uint64_t search_id; /* the same as an id; 0 = it is none */
    reef_component_t name;
} reef__finder_t;

/** @param unknown Receives the first name that is no component; false then. */
bool reef__finder_init(reef__finder_t *finder,
                       reef_world_t *world,
                       const reef__name_list_t *query,
                       const char *search,
                       char unknown[64]);

bool reef__finder_matches(const reef__finder_t *finder, reef_entity_t entity);

/** Entities that have the components; the search is not looked at. */
uint64_t reef__finder_count(const reef__finder_t *finder);

/** The entities with the lowest indices among many; `items` has `capacity` places. */
typedef struct reef__lowest {
    reef_entity_t *items;
    size_t count, capacity;
} reef__lowest_t;

void reef__lowest_offer(reef__lowest_t *lowest, reef_entity_t entity);

/** Bring them into the order of their indices; then nothing can be offered. */
void reef__lowest_sort(reef__lowest_t *lowest);

/** The entities with the lowest indices greater than @p after, ascending, without
 *  regard to the search. */
void reef__finder_lowest(const reef__finder_t *finder,
                         uint32_t after,
                         reef__lowest_t *lowest);

#endif /* REEF_ADMIN_ENTITY_FIND_H */
