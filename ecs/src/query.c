/*
 * A query keeps the tables that match, and for each that has rows a *slice*: entities,
 * count, and where the column of every term lies.  So an iteration walks one array, a
 * few loads per table.  Slices are written when an iteration begins and structure has
 * changed since the last one, and then only those of tables that did.
 *
 * A CHANGED or ADDED term takes a watch of its component (watch.h): a bit per row that
 * is set by writes and cleared by the visit.  An iteration then hands out runs of set
 * bits.  A bit is cleared when its row is handed out, so an iteration that is left
 * early leaves the rest for the next one, and a row written meanwhile stays marked.
 */
#include "query.h"

#include <reef/array.h>

#include <stdio.h>
#include <stdlib.h>

/* Matching ------------------------------------------------------------------------- */

static bool matches(const reef_query_t *query, const reef_table_t *table)
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

    if (!matches(query, table)) {
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
        match->columns[i] = reef__access_touches(query->access[i])
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

/* Make every row of a match one that was not visited yet. */
static void mark_all(const reef_query_t *query, const reef__match_t *match)
{
    const reef_table_t *table = match->table;

    for (uint32_t left = query->watching; left != 0 && table->row_count > 0;
         left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);

        reef__track_mark_rows(table->columns[match->columns[term]].track, 0,
                              table->row_count, 1u << query->watches[term]);
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
    for (size_t i = 0; i < query->matches.count; i++) {
        mark_all(query, &query->matches.items[i]);
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

static void write_slice(const reef_query_t *query,
                        const reef__match_t *match,
                        reef__query_slice_t *slice)
{
    const reef_table_t *table = match->table;

    slice->entities = table->entities;
    slice->count = table->row_count;
    slice->match = (uint32_t)(match - query->matches.items);
    slice->watched = 0;
    for (uint32_t i = 0; i < query->term_count; i++) {
        const reef__column_t *column = &table->columns[match->columns[i]];

        slice->columns[i].data = NULL;
        slice->columns[i].versions = NULL;
        if (match->columns[i] == REEF__NO_COLUMN) {
            continue;
        }
        if (column->track != NULL) {
            slice->watched |= 1u << i;
        }
        if (column->size > 0) {
            slice->columns[i].data = column->data;
            slice->columns[i].versions = column->versions;
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

static reef_query_iter_t
begin(reef_query_t *query, uint32_t first, uint32_t end, uint64_t version)
{
    reef_query_iter_t iter;

    iter.count = 0;
    iter.entities = NULL;
    iter.first = 0;
    iter.stride = query->watching == 0 ? query->stride : 0;
    iter.slice = NULL;
    iter.next = reef__query_slice(query, first);
    iter.end = reef__query_slice(query, end);
    iter.query = query;
    iter.version = version;
    iter.last = NULL;
    iter.skip = 0;
    return iter;
}

reef_query_iter_t reef_query_begin(reef_query_t *query)
{
    if (query->structure != query->world->structure) {
        reef__query_refresh(query);
    }
    return begin(query, 0, query->slice_count, query->world->version);
}

reef_query_iter_t reef__query_part(reef_query_t *query,
                                   reef__query_place_t from,
                                   reef__query_place_t to,
                                   uint64_t version)
{
    reef_query_iter_t iter = begin(query, from.slice, to.slice + (to.row > 0), version);

    iter.stride = 0;
    iter.skip = from.row;
    if (to.row > 0) {
        iter.last = reef__query_slice(query, to.slice);
        iter.stop = to.row;
    }
    return iter;
}

bool reef__query_end(reef_query_iter_t *iter)
{
    /* What was handed out is wrong by now: structure changed under way. */
    assert(iter->query->structure == iter->query->world->structure);
    iter->count = 0;
    iter->entities = NULL;
    return false;
}

void reef__query_check_term(const reef_query_iter_t *iter, uint32_t term, bool write)
{
    const reef_query_t *query = iter->query;

    assert(term < query->term_count);
    assert(iter->count > 0);
    assert(query->structure == query->world->structure);
    if (write) {
        assert(reef__access_writes(query->access[term]));
        assert(!reef__component_is_relation(
            reef__component_at(&query->world->components, query->components[term])));
    }
}

/* The table's column of a term that has one. */
static const reef__column_t *column_of(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__match_t *match = &iter->query->matches.items[iter->slice->match];

    return &match->table->columns[match->columns[term]];
}

void reef__query_mark(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__track_t *track = column_of(iter, term)->track;

    reef__track_mark_rows(track, iter->first, iter->count, track->written);
}

void *reef__query_column_part(const reef_query_iter_t *iter, uint32_t term)
{
    uint8_t *data = iter->slice->columns[term].data;

    return data == NULL ? NULL
                        : data + (size_t)iter->first * column_of(iter, term)->size;
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
    column = column_of(iter, term);
    column->versions[at >> REEF__CHUNK_SHIFT] = iter->version;
    if (column->track != NULL) {
        reef__track_mark(column->track, at, column->track->written);
    }
    return column->data + (size_t)at * column->size;
}

/* Changes -------------------------------------------------------------------------- */

/* The next of the terms in *left that watch: its track, and which watch. */
static const reef__track_t *
next_watch(const reef_query_iter_t *iter, uint32_t *left, uint32_t *watch)
{
    uint32_t term = REEF_LOWEST_BIT(*left);

    *left &= *left - 1;
    *watch = iter->query->watches[term];
    return column_of(iter, term)->track;
}

/* The first word from `word` on, before `end`, in which some watch is dirty. */
static uint32_t next_dirty(const reef_query_iter_t *iter, uint32_t word, uint32_t end)
{
    for (uint32_t left = iter->query->watching; left != 0;) {
        uint32_t watch;
        const reef__track_t *track = next_watch(iter, &left, &watch);

        end = reef__track_next_dirty(track, watch, word, end);
    }
    return end;
}

/* The marks of 64 rows, of any term that watches. */
static uint64_t read_word(const reef_query_iter_t *iter, uint32_t word)
{
    uint64_t bits = 0;

    for (uint32_t left = iter->query->watching; left != 0;) {
        uint32_t watch;
        const reef__track_t *track = next_watch(iter, &left, &watch);

        bits |= reef__track_bits(track, watch)[word];
    }
    return bits;
}

static void forget(const reef_query_iter_t *iter, uint32_t row, uint32_t count)
{
    for (uint32_t left = iter->query->watching; left != 0;) {
        uint32_t watch;
        const reef__track_t *track = next_watch(iter, &left, &watch);

        reef__track_clear_rows(track, row, count, 1u << watch);
    }
}

/* The first marked row from `row` on, or iter->limit. */
static uint32_t find_row(const reef_query_iter_t *iter, uint32_t row)
{
    uint32_t end = (iter->limit + 63) / 64;
    uint32_t word = row / 64;

    while (row < iter->limit) {
        uint64_t bits;

        word = next_dirty(iter, word, end);
        if (word == end) {
            break;
        }
        row = row > word * 64 ? row : word * 64;
        bits = read_word(iter, word) >> (row & 63);
        if (bits != 0) {
            row += REEF_LOWEST_BIT(bits);
            return row < iter->limit ? row : iter->limit;
        }
        word++;
    }
    return iter->limit;
}

/* How many rows from `row` on, the first of them, are marked one after the other. */
static uint32_t measure_run(const reef_query_iter_t *iter, uint32_t row)
{
    uint32_t count = 0;

    for (;;) {
        uint32_t at = row + count;
        uint64_t clear = ~(read_word(iter, at / 64) >> (at & 63));
        uint32_t run = clear == 0 ? 64 : REEF_LOWEST_BIT(clear);

        run = run < 64 - (at & 63) ? run : 64 - (at & 63);
        count += run;
        if (run == 0 || row + count >= iter->limit || ((row + count) & 63) != 0) {
            return row + count < iter->limit ? count : iter->limit - row;
        }
    }
}

static void prefetch_row(const reef_query_iter_t *iter, uint32_t row)
{
    for (uint32_t i = 0; i < iter->query->term_count; i++) {
        const uint8_t *data = iter->slice->columns[i].data;

        if (data != NULL) {
            REEF_PREFETCH(data + (size_t)row * column_of(iter, i)->size);
        }
    }
}

/* Rows that changed lie far apart: look a few runs ahead, so that their values are on
 * their way while the present ones are worked on. */
static void look_ahead(reef_query_iter_t *iter)
{
    while (iter->ahead.count < REEF__RUNS_AHEAD) {
        uint32_t row = find_row(iter, iter->ahead.row);
        uint32_t at = (iter->ahead.first + iter->ahead.count) % REEF__RUNS_AHEAD;

        iter->ahead.row = row;
        if (row == iter->limit) {
            return;
        }
        prefetch_row(iter, row);
        iter->ahead.runs[at].row = row;
        iter->ahead.runs[at].count = measure_run(iter, row);
        iter->ahead.row += iter->ahead.runs[at].count;
        iter->ahead.count++;
    }
}

/* The next run of marked rows of the present slice. */
static bool next_run(reef_query_iter_t *iter)
{
    look_ahead(iter);
    if (iter->ahead.count == 0) {
        return false;
    }
    iter->first = iter->ahead.runs[iter->ahead.first].row;
    iter->count = iter->ahead.runs[iter->ahead.first].count;
    iter->entities = iter->slice->entities + iter->first;
    iter->ahead.first = (iter->ahead.first + 1) % REEF__RUNS_AHEAD;
    iter->ahead.count--;
    forget(iter, iter->first, iter->count);
    return true;
}

/* Go on to the next table; its rows before iter->first are left out. */
static void open_slice(reef_query_iter_t *iter)
{
    iter->slice = iter->next;
    iter->next = (const void *)((const uint8_t *)iter->slice + iter->query->stride);
    iter->first = iter->skip;
    iter->skip = 0;
    iter->count = 0;
    iter->ahead.row = iter->first;
    iter->ahead.first = 0;
    iter->ahead.count = 0;
    iter->limit = iter->slice == iter->last ? iter->stop : iter->slice->count;
}

bool reef__query_next_slow(reef_query_iter_t *iter)
{
    bool watches = iter->query->watching != 0;

    for (;;) {
        if (watches && iter->slice != NULL && next_run(iter)) {
            return true;
        }
        if (iter->next == iter->end) {
            iter->slice = NULL;
            return reef__query_end(iter);
        }
        open_slice(iter);
        if (!watches && iter->first < iter->limit) {
            iter->count = iter->limit - iter->first;
            iter->entities = iter->slice->entities + iter->first;
            return true;
        }
    }
}

void reef_query_skip_changes(reef_query_t *query)
{
    for (size_t i = 0; i < query->matches.count; i++) {
        const reef__match_t *match = &query->matches.items[i];

        for (uint32_t left = query->watching; left != 0 && match->table->row_count > 0;
             left &= left - 1) {
            uint32_t term = REEF_LOWEST_BIT(left);

            reef__track_clear_rows(match->table->columns[match->columns[term]].track, 0,
                                   match->table->row_count, 1u << query->watches[term]);
        }
    }
}
