/*
 * Tables are nodes, components label the edges.  An edge is made when it is first
 * walked and then found by an array index; it carries the plan of which columns to
 * copy where, so that adding a component looks nothing up.  One array per table does
 * for both directions: a component that the table has can only go, another only come.
 */
#include "table_graph.h"

#include <reef/array.h>

void reef__table_graph_init(reef__table_graph_t *graph, const reef_alloc_t *alloc)
{
    *graph = (reef__table_graph_t){.storage = {.alloc = alloc},
                                   .by_components = reef_map_create(alloc)};
}

static size_t edge_size(uint32_t move_count)
{
    return sizeof(reef__edge_t) + move_count * sizeof(reef__move_t);
}

static void remove_edges(const reef_alloc_t *alloc, reef_table_t *table)
{
    for (uint32_t i = 0; i < table->edge_count; i++) {
        if (table->edges[i] != NULL) {
            reef_resize(alloc, table->edges[i], edge_size(table->edges[i]->move_count),
                        0);
        }
    }
    reef_resize(alloc, table->edges, table->edge_count * sizeof(*table->edges), 0);
}

void reef__table_graph_finish(reef__table_graph_t *graph)
{
    const reef_alloc_t *alloc = graph->storage.alloc;

    for (size_t i = 0; i < graph->tables.count; i++) {
        if (graph->tables.items[i] != NULL) {
            remove_edges(alloc, graph->tables.items[i]);
            reef__table_destroy(graph->tables.items[i]);
        }
    }
    REEF_ARRAY_FINISH(alloc, &graph->tables);
    reef_map_destroy(graph->by_components);
    reef__storage_trim(&graph->storage);
}

/* An index that no table has. */
static uint32_t free_index(reef__table_graph_t *graph)
{
    for (uint32_t i = 0; i < graph->tables.count; i++) {
        if (graph->tables.items[i] == NULL) {
            return i;
        }
    }
    *REEF_ARRAY_PUSH(graph->storage.alloc, &graph->tables) = NULL;
    return (uint32_t)graph->tables.count - 1;
}

reef_table_t *reef__table_graph_ensure(reef__table_graph_t *graph,
                                       const reef__component_registry_t *registry,
                                       const reef_component_t *components,
                                       uint32_t count)
{
    reef_span_t key = reef_span(components, count * sizeof(*components));
    reef_table_t *table;
    uint64_t index;

    if (reef_map_find(graph->by_components, key, &index)) {
        return graph->tables.items[index];
    }
    table = reef__table_create(&graph->storage, registry, components, count);
    table->index = free_index(graph);
    table->sequence = graph->sequence++;
    reef_map_set(graph->by_components, key, table->index);
    graph->tables.items[table->index] = table;
    if (graph->on_table != NULL) {
        graph->on_table(graph->context, table);
    }
    return table;
}

/* The table with `component` more, or less when `from` has it. */
static reef_table_t *neighbour(reef__table_graph_t *graph,
                               const reef__component_registry_t *registry,
                               const reef_table_t *from,
                               reef_component_t component)
{
    reef_component_t ids[REEF_MAX_TABLE_COMPONENTS + 1];
    bool comes = reef__table_column_of(from, component) == REEF__NO_COLUMN;
    uint32_t count = 0;
    uint32_t i = 0;

    for (; i < from->component_count && from->components[i] < component; i++) {
        ids[count++] = from->components[i];
    }
    if (comes) {
        ids[count++] = component;
    } else {
        i++;
    }
    for (; i < from->component_count; i++) {
        ids[count++] = from->components[i];
    }
    return reef__table_graph_ensure(graph, registry, ids, count);
}

static void
reserve_edges(const reef_alloc_t *alloc, reef_table_t *table, uint32_t wanted)
{
    uint32_t count = (wanted + 15) / 16 * 16;

    if (wanted > table->edge_count) {
        table->edges =
            reef_resize(alloc, table->edges, table->edge_count * sizeof(*table->edges),
                        count * sizeof(*table->edges));
        for (uint32_t i = table->edge_count; i < count; i++) {
            table->edges[i] = NULL;
        }
        table->edge_count = count;
    }
}

uint32_t reef__table_plan_moves(const reef_table_t *from,
                                const reef_table_t *to,
                                reef__move_t *moves)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < from->component_count; i++) {
        uint8_t column = reef__table_column_of(to, from->components[i]);

        if (from->columns[i].size > 0) {
            moves[count++] = (reef__move_t){.from = (uint8_t)i, .to = column};
        }
    }
    return count;
}

const reef__edge_t *
reef__table_graph_add_edge(reef__table_graph_t *graph,
                           const reef__component_registry_t *registry,
                           reef_table_t *from,
                           reef_component_t component)
{
    const reef_alloc_t *alloc = graph->storage.alloc;
    reef_table_t *to = neighbour(graph, registry, from, component);
    bool comes = reef__table_column_of(from, component) == REEF__NO_COLUMN;
    reef__move_t moves[REEF_MAX_TABLE_COMPONENTS];
    uint32_t count = reef__table_plan_moves(from, to, moves);
    reef__edge_t *edge = reef_resize(alloc, NULL, 0, edge_size(count));

    edge->to = to;
    edge->column = reef__table_column_of(comes ? to : from, component);
    edge->move_count = count;
    memcpy(edge->moves, moves, count * sizeof(*moves));
    reserve_edges(alloc, from, component + 1u);
    from->edges[component] = edge;
    return edge;
}

/* Whether a table is of no use to anyone. */
static bool is_idle(const reef_table_t *table)
{
    return table->row_count == 0 && table->pins == 0;
}

/* Forget the edges that lead to tables that go. */
static void forget_edges(const reef_alloc_t *alloc, reef_table_t *table)
{
    for (uint32_t i = 0; i < table->edge_count; i++) {
        reef__edge_t *edge = table->edges[i];

        if (edge != NULL && is_idle(edge->to)) {
            reef_resize(alloc, edge, edge_size(edge->move_count), 0);
            table->edges[i] = NULL;
        }
    }
}

static void release_table(reef__table_graph_t *graph, reef_table_t *table)
{
    size_t size = table->component_count * sizeof(*table->components);

    if (graph->on_release != NULL) {
        graph->on_release(graph->context, table);
    }
    graph->released++;
    graph->tables.items[table->index] = NULL;
    (void)reef_map_remove(graph->by_components, reef_span(table->components, size));
    remove_edges(graph->storage.alloc, table);
    reef__table_destroy(table);
}

void reef__table_graph_trim(reef__table_graph_t *graph)
{
    for (size_t i = 0; i < graph->tables.count; i++) {
        if (graph->tables.items[i] != NULL) {
            forget_edges(graph->storage.alloc, graph->tables.items[i]);
        }
    }
    for (size_t i = 0; i < graph->tables.count; i++) {
        reef_table_t *table = graph->tables.items[i];

        if (table != NULL && is_idle(table)) {
            release_table(graph, table);
        } else if (table != NULL) {
            reef__table_trim(table);
        }
    }
    while (graph->tables.count > 0 &&
           graph->tables.items[graph->tables.count - 1] == NULL) {
        graph->tables.count--;
    }
    reef__storage_trim(&graph->storage);
}
