/**
 * @file table_graph.h
 * @brief The tables of a world and the ways between them.
 */
#ifndef REEF_ECS_TABLE_GRAPH_H
#define REEF_ECS_TABLE_GRAPH_H

#include "table.h"

#include <reef/map.h>

/** What becomes of one column, which is no tag, of the table that a row leaves. */
typedef struct reef__move {
    uint8_t from;
    uint8_t to; /* REEF__NO_COLUMN: the value stays behind, and is gone */
} reef__move_t;

/** What a row has to do to get from one table to another. */
typedef struct reef__edge {
    reef_table_t *to;
    uint32_t column; /* of the component: in `to` when it comes, else in the source */
    uint32_t move_count;
    reef__move_t moves[];
} reef__edge_t;

typedef struct reef__table_graph {
    reef__storage_t storage;
    reef_map_t *by_components; /* the bytes of the ascending ids → index */
    struct {
        reef_table_t **items; /* NULL where one was released */
        size_t count, capacity;
    } tables;
    uint64_t sequence;                                      /* tables ever made */
    uint64_t released;                                      /* tables ever released */
    void (*on_table)(void *context, reef_table_t *table);   /* told of a new one, */
    void (*on_release)(void *context, reef_table_t *table); /* and of one that goes */
    void *context;
} reef__table_graph_t;

void reef__table_graph_init(reef__table_graph_t *graph, const reef_alloc_t *alloc);

/** Drop all rows. */
void reef__table_graph_finish(reef__table_graph_t *graph);

/** The table of a set of distinct, ascending ids. */
reef_table_t *reef__table_graph_ensure(reef__table_graph_t *graph,
                                       const reef__component_registry_t *registry,
                                       const reef_component_t *components,
                                       uint32_t count);

/** Release every table without rows and pins, after telling of it. */
void reef__table_graph_trim(reef__table_graph_t *graph);

/** What becomes of the columns of @p from: [REEF_MAX_TABLE_COMPONENTS].  Returns how
 *  many there are, tags left out. */
uint32_t reef__table_plan_moves(const reef_table_t *from,
                                const reef_table_t *to,
                                reef__move_t *moves);

/** Find or make the edge on which @p component comes or goes. */
const reef__edge_t *
reef__table_graph_add_edge(reef__table_graph_t *graph,
                           const reef__component_registry_t *registry,
                           reef_table_t *from,
                           reef_component_t component);

static inline const reef__edge_t *
reef__table_graph_edge(reef__table_graph_t *graph,
                       const reef__component_registry_t *registry,
                       reef_table_t *from,
                       reef_component_t component)
{
    if (REEF_LIKELY(component < from->edge_count && from->edges[component] != NULL)) {
        return from->edges[component];
    }
    return reef__table_graph_add_edge(graph, registry, from, component);
}

#endif /* REEF_ECS_TABLE_GRAPH_H */
