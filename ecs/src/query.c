/*
 * A query keeps the tables that match, each with the column of every term, and is told
 * of each new table; so an iteration only walks an array.
 *
 * CHANGED compares the version of a column with that of the world when the last
 * complete iteration began.  Equal counts as changed, because writes may follow in the
 * version in which the query looked: it may repeat, but never misses.  Of several
 * CHANGED terms one suffices.  An iteration that is left early has not looked.
 */
#include <reef/query.h>

#include "world.h"

#include <reef/array.h>

typedef struct match {
    reef_table_t *table;
    uint8_t columns[REEF_MAX_TERMS]; /* REEF__NO_COLUMN: nothing to hand out */
} match_t;

struct reef_query {
    reef_world_t *world;
    struct {
        match_t *items;
        size_t count, capacity;
    } matches;
    uint64_t since;     /* version when the last complete iteration began */
    uint64_t begun;     /* version when the present one began */
    uint64_t structure; /* the world's, when the present one began */
    uint32_t term_count;
    uint32_t changed; /* 1 << term for each CHANGED */
    reef_access_t access[REEF_MAX_TERMS];
    reef_component_t components[REEF_MAX_TERMS];
    reef__component_set_t with, without;
};

void reef__query_add_table(reef_query_t *query, reef_table_t *table)
{
    match_t *match;

    if (!reef__component_set_contains(&table->set, &query->with) ||
        reef__component_set_intersects(&table->set, &query->without)) {
        return;
    }
    match = REEF_ARRAY_PUSH(query->world->alloc, &query->matches);
    match->table = table;
    for (uint32_t i = 0; i < query->term_count; i++) {
        bool touched = query->access[i] != REEF_ACCESS_WITH &&
                       query->access[i] != REEF_ACCESS_WITHOUT;

        match->columns[i] =
            touched ? table->column_of[query->components[i]] : REEF__NO_COLUMN;
    }
}

static void add_term(reef_query_t *query, const reef_term_t *term)
{
    uint32_t i = query->term_count++;
    reef_component_t component = reef_world_component(query->world, term->type);

    query->access[i] = term->access;
    query->components[i] = component;
    switch (term->access) {
    case REEF_ACCESS_CHANGED:
        query->changed |= 1u << i;
        reef__component_set_add(&query->with, component);
        break;
    case REEF_ACCESS_READ:
    case REEF_ACCESS_WRITE:
    case REEF_ACCESS_WITH:
        reef__component_set_add(&query->with, component);
        break;
    case REEF_ACCESS_WITHOUT:
        reef__component_set_add(&query->without, component);
        break;
    case REEF_ACCESS_MAYBE_READ:
    case REEF_ACCESS_MAYBE_WRITE:
    case REEF_ACCESS_NONE:
        break;
    }
}

reef_query_t *reef_query_create(reef_world_t *world, const reef_query_desc_t *desc)
{
    reef_query_t *query = reef_resize(world->alloc, NULL, 0, sizeof(*query));

    *query = (reef_query_t){.world = world};
    for (uint32_t i = 0;
         i < REEF_MAX_TERMS && desc->terms[i].access != REEF_ACCESS_NONE; i++) {
        add_term(query, &desc->terms[i]);
    }
    for (size_t i = 0; i < world->graph.tables.count; i++) {
        reef__query_add_table(query, world->graph.tables.items[i]);
    }
    *REEF_ARRAY_PUSH(world->alloc, &world->queries) = query;
    return query;
}

void reef_query_destroy(reef_query_t *query)
{
    reef_world_t *world;

    if (query == NULL) {
        return;
    }
    world = query->world;
    for (size_t i = 0; i < world->queries.count; i++) {
        if (world->queries.items[i] == query) {
            world->queries.items[i] = world->queries.items[--world->queries.count];
        }
    }
    REEF_ARRAY_FINISH(world->alloc, &query->matches);
    reef_resize(world->alloc, query, sizeof(*query), 0);
}

uint64_t reef_query_count(const reef_query_t *query)
{
    uint64_t count = 0;

    for (size_t i = 0; i < query->matches.count; i++) {
        count += query->matches.items[i].table->row_count;
    }
    return count;
}

reef_query_iter_t reef_query_begin(reef_query_t *query)
{
    query->begun = query->world->version;
    query->structure = query->world->structure;
    /* reef_query_next() steps from the chunk before the first. */
    return (reef_query_iter_t){
        .query = query, .chunk = UINT32_MAX, .since = query->since};
}

static bool is_changed(const reef_query_iter_t *iter, const match_t *match)
{
    const reef_query_t *query = iter->query;
    const reef__chunk_t *chunk = match->table->chunks[iter->chunk];

    for (uint32_t i = 0; i < query->term_count; i++) {
        uint8_t column = match->columns[i];

        if (query->changed & 1u << i) {
            uint64_t version = match->table->sizes[column] > 0
                                   ? chunk->columns[column].version
                                   : chunk->rows_version;

            if (version >= iter->since) {
                return true;
            }
        }
    }
    return false;
}

bool reef_query_next(reef_query_iter_t *iter)
{
    reef_query_t *query = iter->query;

    assert(query->structure == query->world->structure);
    for (; iter->match < query->matches.count; iter->match++) {
        const match_t *match = &query->matches.items[iter->match];
        uint32_t chunk_count = reef__table_used_chunks(match->table);

        for (iter->chunk++; iter->chunk < chunk_count; iter->chunk++) {
            if (query->changed == 0 || is_changed(iter, match)) {
                iter->count = reef__table_chunk_rows(match->table, iter->chunk);
                iter->entities = match->table->chunks[iter->chunk]->entities;
                return true;
            }
        }
        iter->chunk = UINT32_MAX;
    }
    iter->count = 0;
    iter->entities = NULL;
    query->since = query->begun;
    return false;
}

static reef__column_t *column_of(const reef_query_iter_t *iter, uint32_t term)
{
    const match_t *match;
    uint8_t column;

    assert(term < iter->query->term_count);
    assert(iter->count > 0);
    match = &iter->query->matches.items[iter->match];
    column = match->columns[term];
    if (column == REEF__NO_COLUMN) {
        return NULL;
    }
    return &match->table->chunks[iter->chunk]->columns[column];
}

const void *reef_query_column(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__column_t *column = column_of(iter, term);

    return column != NULL ? column->data : NULL;
}

void *reef_query_column_mut(const reef_query_iter_t *iter, uint32_t term)
{
    reef__column_t *column = column_of(iter, term);

    assert(iter->query->access[term] == REEF_ACCESS_WRITE ||
           iter->query->access[term] == REEF_ACCESS_MAYBE_WRITE);
    if (column == NULL) {
        return NULL;
    }
    column->version = iter->query->world->version;
    return column->data;
}
