/*
 * A query keeps the tables that match, and for each of their chunks a *slice*:
 * entities, count, and the address of the column of every term.  So an iteration walks
 * one array, a few loads per slice.  Slices are written when an iteration begins and
 * structure has changed since the last one, and then only those of tables that did.
 *
 * A CHANGED or ADDED term takes a watch of its component (watch.h): a bit per row that
 * is set by writes and cleared by the visit.  An iteration then steps from table to
 * table by the chunks' dirty bytes, and hands out runs of set bits.  The next bit is
 * looked for after the last run was handled, so an iteration that is left early leaves
 * the rest for the next one, and a row written behind it stays marked.
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
    uint32_t chunk_count = reef__table_used_chunks(table);

    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);
        const reef__track_t *track = table->columns[match->columns[term]].track;

        for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
            reef__track_mark_rows(track, chunk, 0, reef__table_chunk_rows(table, chunk),
                                  1u << query->watches[term]);
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
    query->stride =
        (uint32_t)(sizeof(reef__query_slice_t) + query->term_count * sizeof(uint8_t *));
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

static void write_slice(reef_query_t *query,
                        const reef__match_t *match,
                        uint32_t chunk,
                        reef__query_slice_t *slice)
{
    const reef_table_t *table = match->table;
    uint8_t *block = table->chunks[chunk];

    slice->entities = (const reef_entity_t *)(const void *)block;
    slice->versions = reef__table_versions(table, chunk);
    slice->count = reef__table_chunk_rows(table, chunk);
    slice->match = (uint32_t)(match - query->matches.items);
    slice->chunk = chunk;
    slice->watched = 0;
    for (uint32_t i = 0; i < query->term_count; i++) {
        uint8_t at = match->columns[i];

        slice->slots[i] = 0;
        slice->columns[i] = NULL;
        if (at == REEF__NO_COLUMN) {
            continue;
        }
        slice->slots[i] = (uint8_t)(1 + at);
        if (table->columns[at].track != NULL) {
            slice->watched |= 1u << i;
        }
        if (table->columns[at].size > 0) {
            slice->columns[i] = block + table->columns[at].offset;
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
    size_t count = 0;
    bool forced = query->structure == 0; /* matches came or went */

    if (query->structure == query->world->structure) {
        return;
    }
    for (size_t i = 0; i < query->matches.count; i++) {
        reef__match_t *match = &query->matches.items[i];
        uint32_t chunk_count = reef__table_used_chunks(match->table);

        if (!forced && match->stamp == match->table->stamp &&
            match->first_slice == count) {
            count += match->slice_count;
            continue;
        }
        reserve_slices(query, count + chunk_count);
        match->stamp = match->table->stamp;
        match->first_slice = (uint32_t)count;
        match->slice_count = chunk_count;
        for (uint32_t chunk = 0; chunk < chunk_count; chunk++) {
            write_slice(query, match, chunk,
                        (void *)(query->slices + count * query->stride));
            count++;
        }
    }
    query->slice_count = (uint32_t)count;
    query->structure = query->world->structure;
}

/* Iterating ------------------------------------------------------------------------ */

reef_query_iter_t
reef__query_part(reef_query_t *query, uint32_t first, uint32_t end, uint64_t version)
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
    return iter;
}

reef_query_iter_t reef_query_begin(reef_query_t *query)
{
    if (query->structure != query->world->structure) {
        reef__query_refresh(query);
    }
    return reef__query_part(query, 0, query->slice_count, query->world->version);
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

static const reef__match_t *match_of(const reef_query_iter_t *iter,
                                     const reef__query_slice_t *slice)
{
    return &iter->query->matches.items[slice->match];
}

static const reef__track_t *track_of(const reef__match_t *match, uint32_t term)
{
    return match->table->columns[match->columns[term]].track;
}

void reef__query_mark(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__track_t *track = track_of(match_of(iter, iter->slice), term);

    reef__track_mark_rows(track, iter->slice->chunk, iter->first, iter->count,
                          track->written);
}

void *reef__query_column_part(const reef_query_iter_t *iter, uint32_t term)
{
    const reef__match_t *match = match_of(iter, iter->slice);
    uint8_t *column = iter->slice->columns[term];

    return column == NULL
               ? NULL
               : column + (size_t)iter->first *
                              match->table->columns[match->columns[term]].size;
}

void *reef_query_value_mut(const reef_query_iter_t *iter, uint32_t term, uint32_t row)
{
    const reef__query_slice_t *slice = iter->slice;
    const reef__match_t *match = match_of(iter, slice);
    uint32_t place = iter->first + row;

    reef__query_check_term(iter, term, true);
    assert(row < iter->count);
    if (slice->columns[term] == NULL) {
        return NULL;
    }
    slice->versions[slice->slots[term]] = iter->version;
    if (slice->watched >> term & 1) {
        const reef__track_t *track = track_of(match, term);

        reef__track_mark(track, slice->chunk, place, track->written);
    }
    return slice->columns[term] +
           (size_t)place * match->table->columns[match->columns[term]].size;
}

/* Changes -------------------------------------------------------------------------- */

static const reef__query_slice_t *
step(const reef_query_t *query, const reef__query_slice_t *slice, uint32_t count)
{
    return (const void *)((const uint8_t *)slice + (size_t)count * query->stride);
}

/* The first dirty chunk from `chunk` to `end`, or `end`. */
static uint32_t
find_dirty(const reef__track_t *track, uint32_t watch, uint32_t chunk, uint32_t end)
{
    const uint8_t *dirty = reef__track_dirty(track, 0, watch);
    uint64_t eight;

    while (chunk < end && (chunk & 7) != 0 && dirty[chunk] == 0) {
        chunk++;
    }
    if (chunk < end && dirty[chunk] != 0) {
        return chunk;
    }
    for (; chunk + 8 <= end; chunk += 8) {
        memcpy(&eight, dirty + chunk, sizeof(eight));
        if (eight != 0) {
            break;
        }
    }
    while (chunk < end && dirty[chunk] == 0) {
        chunk++;
    }
    return chunk;
}

/* The next slice of iter->next's match in which some row is marked, or the match's end
 * within this iteration; no such slice when that is returned. */
static const reef__query_slice_t *find_slice(const reef_query_iter_t *iter, bool *found)
{
    const reef_query_t *query = iter->query;
    const reef__query_slice_t *slice = iter->next;
    const reef__match_t *match = match_of(iter, slice);
    uint32_t end = match->slice_count;
    uint32_t first = end;

    if (step(query, slice, end - slice->chunk) > iter->end) {
        end = slice->chunk +
              (uint32_t)((size_t)((const uint8_t *)iter->end - (const uint8_t *)slice) /
                         query->stride);
        first = end;
    }
    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);

        first = find_dirty(track_of(match, term), query->watches[term], slice->chunk,
                           first);
    }
    *found = first < end;
    return step(query, slice, first - slice->chunk);
}

/* The marks of 64 rows, of any term that watches. */
static uint64_t
read_word(const reef_query_iter_t *iter, const reef__match_t *match, uint32_t word)
{
    const reef_query_t *query = iter->query;
    uint64_t bits = 0;

    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);

        bits |= reef__track_watch(track_of(match, term), iter->slice->chunk,
                                  query->watches[term])[1 + word];
    }
    return bits;
}

/* The words of the chunk in which some row is marked. */
static uint64_t read_summary(const reef_query_iter_t *iter, const reef__match_t *match)
{
    const reef_query_t *query = iter->query;
    uint64_t words = 0;

    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);

        words |= reef__track_watch(track_of(match, term), iter->slice->chunk,
                                   query->watches[term])[0];
    }
    return words;
}

static void forget_run(const reef_query_iter_t *iter, const reef__match_t *match)
{
    const reef_query_t *query = iter->query;

    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);

        reef__track_clear_rows(track_of(match, term), iter->slice->chunk, iter->first,
                               iter->count, 1u << query->watches[term]);
    }
}

/* All marks of the chunk may have gone: then it is clean. */
static void clean_chunk(const reef_query_iter_t *iter, const reef__match_t *match)
{
    const reef_query_t *query = iter->query;

    for (uint32_t left = query->watching; left != 0; left &= left - 1) {
        uint32_t term = REEF_LOWEST_BIT(left);
        const reef__track_t *track = track_of(match, term);
        uint32_t watch = query->watches[term];

        if (reef__track_watch(track, iter->slice->chunk, watch)[0] == 0) {
            *reef__track_dirty(track, iter->slice->chunk, watch) = 0;
        }
    }
}

/* Bits of a word from `bit` on. */
static uint64_t from_bit(uint64_t word, uint32_t bit)
{
    return word >> bit << bit;
}

/* The next run of marked rows in the slice from row `place` on.  It may be cut at 64
 * rows where it does not fill whole words. */
static bool
find_run(reef_query_iter_t *iter, const reef__match_t *match, uint32_t place)
{
    uint64_t words = read_summary(iter, match);
    uint32_t word = place / 64;
    uint64_t bits = 0;
    uint32_t first;

    if (word < 64) {
        words = from_bit(words, word);
    } else {
        words = 0;
    }
    for (; words != 0 && bits == 0; words &= words - 1) {
        word = REEF_LOWEST_BIT(words);
        bits = read_word(iter, match, word);
        bits = word == place / 64 ? from_bit(bits, place % 64) : bits;
    }
    if (bits == 0) {
        return false;
    }
    first = REEF_LOWEST_BIT(bits);
    iter->first = word * 64 + first;
    bits = ~(bits >> first);
    iter->count = bits == 0 ? 64 : REEF_LOWEST_BIT(bits);
    if (iter->count > 64 - first) {
        iter->count = 64 - first;
    }
    /* Whole words follow each other in what was written as a column. */
    while ((iter->first + iter->count) % 64 == 0 &&
           iter->first + iter->count + 64 <= iter->slice->count &&
           read_word(iter, match, (iter->first + iter->count) / 64) == UINT64_MAX) {
        iter->count += 64;
    }
    iter->entities = iter->slice->entities + iter->first;
    return true;
}

bool reef__query_next_changed(reef_query_iter_t *iter)
{
    uint32_t place = iter->first + iter->count;

    for (;;) {
        const reef__match_t *match;
        bool found;

        if (iter->slice != NULL) {
            match = match_of(iter, iter->slice);
            if (find_run(iter, match, place)) {
                forget_run(iter, match);
                return true;
            }
            clean_chunk(iter, match);
            iter->slice = NULL;
        }
        if (iter->next >= iter->end) {
            return reef__query_end(iter);
        }
        iter->next = find_slice(iter, &found);
        if (found) {
            iter->slice = iter->next;
            iter->next = step(iter->query, iter->slice, 1);
            place = 0;
        }
    }
}

void reef_query_skip_changes(reef_query_t *query)
{
    for (size_t i = 0; i < query->matches.count; i++) {
        const reef__match_t *match = &query->matches.items[i];
        uint32_t chunk_count = reef__table_used_chunks(match->table);

        for (uint32_t left = query->watching; left != 0; left &= left - 1) {
            uint32_t term = REEF_LOWEST_BIT(left);
            const reef__track_t *track = track_of(match, term);
            uint32_t watch = query->watches[term];

            for (uint32_t c = 0; c < chunk_count; c++) {
                if (*reef__track_dirty(track, c, watch) != 0) {
                    reef__track_clear_rows(track, c, 0,
                                           reef__table_chunk_rows(match->table, c),
                                           1u << watch);
                    *reef__track_dirty(track, c, watch) = 0;
                }
            }
        }
    }
}
