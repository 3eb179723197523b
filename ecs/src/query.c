/*
 * A query keeps the tables that match, and for each that has rows a *slice*: entities,
 * count, and where the column of every term lies.  So an iteration walks one array, a
 * few loads per table.  Slices are written when an iteration begins and structure has
 * changed since the last one, and then only those of tables that did.
 *
 * A CHANGED or ADDED term takes a watch of its component; how the rows that changed are
 * found is in query_changes.c.
 */
#include "query.h"

#include <reef/array.h>

#include <stdio.h>
#include <stdlib.h>

/* Matching ------------------------------------------------------------------------- */

bool reef__query_matches(const reef_query_t *query, const reef_table_t *table)
{
    if (!reef__component_set_contains(&table->set, &query->with) ||
        reef__component_set_intersects(&table->set, &query->without)) {
        return false;
    }
    for (uint32_t groups = query->groups; groups != 0; groups &= groups - 1) {
        if (!reef__component_set_intersects(&table->set,
                                            &query->either[REEF_LOWEST_BIT(groups)])) {
            return false;
        }
    }
    return true;
}

void reef__query_add_table(reef_query_t *query, reef_table_t *table)
{
    size_t place = query->matches.count;
    reef__match_t *match;

    if (!reef__query_matches(query, table)) {
        return;
    }
    (void)REEF_ARRAY_PUSH(query->world->alloc, &query->matches);
    match = query->matches.items;
    for (; place > 0 && match[place - 1].table->sequence > table->sequence; place--) {
        match[place] = match[place - 1];
    }
    match = &query->matches.items[place];
    *match = (reef__match_t){.table = table};
    for (uint32_t i = 0; i < query->term_count; i++) {
        match->columns[i] = reef_access_touches(query->access[i])
                                ? reef__table_column_of(table, query->components[i])
                                : (uint8_t)REEF__NO_COLUMN;
    }
    query->structure = 0;
}

void reef__query_remove_table(reef_query_t *query, const reef_table_t *table)
{
    for (size_t i = 0; i < query->matches.count; i++) {
        if (query->matches.items[i].table == table) {
            query->matches.count--;
            memmove(&query->matches.items[i], &query->matches.items[i + 1],
                    (query->matches.count - i) * sizeof(query->matches.items[0]));
            query->structure = 0;
            return;
        }
    }
}

/* Creating ------------------------------------------------------------------------- */

/* Tell all tables of a component that its watches are others now. */
static void update_tracks(reef_world_t *world, reef_component_t component)
{
    world->structure++;
    for (size_t i = 0; i < world->graph.tables.count; i++) {
        reef_table_t *table = world->graph.tables.items[i];

        if (table != NULL &&
            reef__table_column_of(table, component) != REEF__NO_COLUMN) {
            reef__table_update_track(table, &world->components, component);
        }
    }
}

static void take_watch(reef_query_t *query, uint32_t term)
{
    reef_component_t component = query->components[term];
    reef__watches_t *watches =
        &reef__component_at(&query->world->components, component)->watches;
    uint32_t watch = 0;

    while (watch < REEF__MAX_WATCHES && (watches->used >> watch & 1)) {
        watch++;
    }
    if (watch == REEF__MAX_WATCHES) {
        fprintf(stderr, "component '%s': more than %d queries for its changes\n",
                reef_world_component_type(query->world, component)->name,
                REEF__MAX_WATCHES);
        abort();
    }
    watches->used |= 1u << watch;
    if (query->access[term] == REEF_ACCESS_CHANGED) {
        watches->written |= 1u << watch;
    }
    query->watches[term] = (uint8_t)watch;
    query->watching |= 1u << term;
    update_tracks(query->world, component);
}

static void add_term(reef_query_t *query, const reef_term_t *term)
{
    uint32_t i = query->term_count++;
    reef_component_t component = reef_world_component(query->world, term->type);

    query->access[i] = term->access;
    query->components[i] = component;
    switch (term->access) {
    case REEF_ACCESS_CHANGED:
    case REEF_ACCESS_ADDED:
        take_watch(query, i);
        reef__component_set_add(&query->with, component);
        break;
    case REEF_ACCESS_WRITE:
    case REEF_ACCESS_READ:
    case REEF_ACCESS_WITH:
        reef__component_set_add(&query->with, component);
        break;
    case REEF_ACCESS_WITHOUT:
        reef__component_set_add(&query->without, component);
        break;
    case REEF_ACCESS_EITHER_READ:
    case REEF_ACCESS_EITHER_WRITE:
        assert(term->group < sizeof(query->either) / sizeof(query->either[0]));
        query->groups |= 1u << term->group;
        reef__component_set_add(&query->either[term->group], component);
        break;
    case REEF_ACCESS_MAYBE_READ:
    case REEF_ACCESS_MAYBE_WRITE:
    case REEF_ACCESS_NONE:
        break;
    }
}

/* Let no row, or every one, of any table be marked for a term.  Of all tables with its
 * component, as a row may come to match later, and a watch was perhaps another's. */
static void reset_marks(const reef_query_t *query, uint32_t term, bool marked)
{
    const reef_world_t *world = query->world;

    for (size_t i = 0; i < world->graph.tables.count; i++) {
        const reef_table_t *table = world->graph.tables.items[i];
        uint8_t column = table != NULL
                             ? reef__table_column_of(table, query->components[term])
                             : (uint8_t)REEF__NO_COLUMN;

        if (column != REEF__NO_COLUMN) {
            reef__track_reset(table->columns[column].track, query->watches[term],
                              marked ? table->row_count : 0);
        }
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
    query->stride = (uint32_t)(sizeof(reef__query_slice_t) +
                               query->term_count *
                                   sizeof(((reef__query_slice_t *)NULL)->columns[0]));
    for (size_t i = 0; i < world->graph.tables.count; i++) {
        if (world->graph.tables.items[i] != NULL) {
            reef__query_add_table(query, world->graph.tables.items[i]);
        }
    }
    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        reset_marks(query, REEF_LOWEST_BIT(left), true);
    }
    *REEF_ARRAY_PUSH(world->alloc, &world->queries) = query;
    return query;
}

static void give_watches_back(reef_query_t *query)
{
    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);
        reef_component_t component = query->components[term];
        reef__watches_t *watches =
            &reef__component_at(&query->world->components, component)->watches;

        watches->used &= ~(1u << query->watches[term]);
        watches->written &= ~(1u << query->watches[term]);
        update_tracks(query->world, component);
    }
}

void reef_query_destroy(reef_query_t *query)
{
    reef_world_t *world;

    if (query == NULL) {
        return;
    }
    world = query->world;
    give_watches_back(query);
    for (size_t i = 0; i < world->queries.count; i++) {
        if (world->queries.items[i] == query) {
            world->queries.items[i] = world->queries.items[--world->queries.count];
        }
    }
    REEF_ARRAY_FINISH(world->alloc, &query->matches);
    reef_resize(world->alloc, query->slices, query->slices_size, 0);
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

/* Slices --------------------------------------------------------------------------- */

/* Whether a term's column may be written through. */
static bool may_write(const reef_query_t *query, uint32_t term)
{
    return reef_access_writes(query->access[term]) &&
           !reef__component_is_relation(
               reef__component_at(&query->world->components, query->components[term]));
}

static void write_slice(const reef_query_t *query,
                        const reef__match_t *match,
                        reef__query_slice_t *slice)
{
    const reef_table_t *table = match->table;
    bool is_simple = query->watching == 0 && table->row_count <= REEF__CHUNK_ROWS;

    slice->entities = table->entities;
    slice->count = table->row_count;
    slice->match = (uint32_t)(match - query->matches.items);
    slice->easy = 0;
    for (uint32_t i = 0; i < query->term_count; i++) {
        const reef__column_t *column = &table->columns[match->columns[i]];

        slice->columns[i].data = NULL;
        slice->columns[i].versions = NULL;
        if (match->columns[i] != REEF__NO_COLUMN && column->size > 0) {
            slice->columns[i].data = column->data;
            slice->columns[i].versions = column->versions;
            slice->easy |=
                (uint32_t)(is_simple && column->track == NULL && may_write(query, i))
                << i;
        }
    }
}

static void reserve_slices(reef_query_t *query, size_t count)
{
    size_t size = query->slices_size > 0 ? query->slices_size : 1024;

    while (size < count * query->stride) {
        size *= 2;
    }
    if (size != query->slices_size) {
        query->slices =
            reef_resize(query->world->alloc, query->slices, query->slices_size, size);
        query->slices_size = size;
    }
}

void reef__query_refresh(reef_query_t *query)
{
    bool forced = query->structure == 0; /* matches came or went */
    uint32_t count = 0;

    if (query->structure == query->world->structure) {
        return;
    }
    reserve_slices(query, query->matches.count);
    for (size_t i = 0; i < query->matches.count; i++) {
        reef__match_t *match = &query->matches.items[i];

        if (forced || match->stamp != match->table->stamp || match->slice != count) {
            match->stamp = match->table->stamp;
            match->slice = count;
            if (match->table->row_count > 0) {
                write_slice(query, match,
                            (void *)(query->slices + (size_t)count * query->stride));
            }
        }
        count += match->table->row_count > 0;
    }
    query->slice_count = count;
    query->structure = query->world->structure;
}

/* Iterating ------------------------------------------------------------------------ */

static reef_query_iter_t begin(reef_query_t *query, uint64_t version)
{
    reef_query_iter_t iter;

    iter.count = 0;
    iter.entities = NULL;
    iter.slice = NULL;
    iter.next = NULL;
    iter.end = NULL;
    iter.stride = query->stride;
    iter.first = 0;
    iter.version = version;
    iter.query = query;
    iter.coming = NULL;
    iter.stop = NULL;
    iter.last = NULL;
    iter.skip = 0;
    return iter;
}

reef_query_iter_t reef_query_begin(reef_query_t *query)
{
    reef_query_iter_t iter = begin(query, query->world->version);

    reef__query_refresh(query);
    if (query->watching == 0) {
        iter.next = reef__query_slice(query, 0);
        iter.end = reef__query_slice(query, query->slice_count);
    } else {
        iter.coming = reef__query_slice(query, 0);
        iter.stop = reef__query_slice(query, query->slice_count);
    }
    return iter;
}

reef_query_iter_t reef__query_part(reef_query_t *query,
                                   reef__query_place_t from,
                                   reef__query_place_t to,
                                   uint64_t version)
{
    reef_query_iter_t iter = begin(query, version);

    iter.coming = reef__query_slice(query, from.slice);
    iter.stop = reef__query_slice(query, to.slice + (to.row > 0));
    iter.skip = from.row;
    if (to.row > 0) {
        iter.last = reef__query_slice(query, to.slice);
        iter.last_row = to.row;
    }
    return iter;
}

/* A bug in the program: say what, then stop, in every build. */
static void check_write(const reef_query_t *query, uint32_t term)
{
    if (term >= query->term_count || !may_write(query, term)) {
        fprintf(
            stderr, "a query writes term %u, '%s', which is no WRITE or a relation\n",
            term,
            term < query->term_count
                ? reef_world_component_type(query->world, query->components[term])->name
                : "none");
        abort();
    }
}

void reef__query_check_term(const reef_query_iter_t *iter, uint32_t term, bool write)
{
    const reef_query_t *query = iter->query;

    assert(term < query->term_count);
    assert(iter->count > 0);
    assert(query->structure == query->world->structure);
    if (write) {
        check_write(query, term);
    }
}

void *reef__query_column_part(const reef_query_iter_t *iter, uint32_t term)
{
    uint8_t *data = iter->slice->columns[term].data;

    return data == NULL ? NULL
                        : data + (size_t)iter->first *
                                     reef__query_table_column(iter, term)->size;
}

void *reef__query_column_mut_slow(const reef_query_iter_t *iter, uint32_t term)
{
    uint64_t *versions = iter->slice->columns[term].versions;
    uint32_t last = (iter->first + iter->count - 1) >> REEF__CHUNK_SHIFT;
    const reef__track_t *track;

    check_write(iter->query, term);
    if (versions == NULL) {
        return NULL;
    }
    for (uint32_t chunk = iter->first >> REEF__CHUNK_SHIFT; chunk <= last; chunk++) {
        versions[chunk] = iter->version;
    }
    track = reef__query_table_column(iter, term)->track;
    if (track != NULL) {
        reef__track_mark_rows(track, iter->first, iter->count, track->written);
    }
    return reef__query_column_part(iter, term);
}

void *reef_query_value_mut(const reef_query_iter_t *iter, uint32_t term, uint32_t row)
{
    uint32_t at = iter->first + row;
    const reef__column_t *column;

    reef__query_check_term(iter, term, true);
    assert(row < iter->count);
    if (iter->slice->columns[term].data == NULL) {
        return NULL;
    }
    column = reef__query_table_column(iter, term);
    column->versions[at >> REEF__CHUNK_SHIFT] = iter->version;
    if (column->track != NULL) {
        reef__track_mark(column->track, at, column->track->written);
    }
    return column->data + (size_t)at * column->size;
}

/* Go on to the next table; its rows before iter->skip are left out. */
static void open_slice(reef_query_iter_t *iter)
{
    iter->slice = iter->coming;
    iter->coming = (const void *)((const uint8_t *)iter->slice + iter->stride);
    iter->first = iter->skip;
    iter->skip = 0;
    iter->count = 0;
    iter->limit = iter->slice == iter->last ? iter->last_row : iter->slice->count;
    if (iter->query->watching != 0) {
        reef__query_open_marks(iter);
    }
}

bool reef__query_next_slow(reef_query_iter_t *iter)
{
    bool watches = iter->query->watching != 0;

    for (;;) {
        if (watches && iter->slice != NULL && reef__query_next_run(iter)) {
            return true;
        }
        if (iter->coming == iter->stop) {
            break;
        }
        open_slice(iter);
        if (!watches && iter->first < iter->limit) {
            iter->count = iter->limit - iter->first;
            iter->entities = iter->slice->entities + iter->first;
            return true;
        }
    }
    /* What was handed out is wrong by now: structure changed under way. */
    assert(iter->query->structure == iter->query->world->structure);
    iter->slice = NULL;
    iter->count = 0;
    iter->entities = NULL;
    return false;
}

void reef_query_skip_changes(reef_query_t *query)
{
    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        reset_marks(query, REEF_LOWEST_BIT(left), false);
    }
}
