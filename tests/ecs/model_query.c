/*
 * Queries.  The model knows for each entity and term whether the component was written
 * or added since the query visited that entity, so what an iteration visits is known
 * exactly: of a query that watches, those with a mark; of others all that match.
 */
#include "model.h"

#include <stdio.h>

/* Terms ---------------------------------------------------------------------------- */

static bool is_write(reef_access_t access)
{
    return access == REEF_ACCESS_WRITE || access == REEF_ACCESS_MAYBE_WRITE ||
           access == REEF_ACCESS_EITHER_WRITE;
}

/* Access in the lowest four bits, type in the next four, then the group. */
static reef_term_t term_of(uint16_t arg, uint32_t *type)
{
    reef_access_t access = arg & 15;

    *type = (arg >> 4 & 15) % MODEL_TYPES;
    if (access > REEF_ACCESS_ADDED) {
        access = REEF_ACCESS_READ;
    }
    if (is_write(access) && ((unsigned)(MODEL_RELATIONS | MODEL_TAGS) >> *type & 1)) {
        access = REEF_ACCESS_MAYBE_READ;
    }
    return (reef_term_t){access, &model_types[*type], arg >> 8 & 7};
}

/* What a term asks, in the model. */
static void note_term(model_query_t *query, uint32_t term, uint32_t group)
{
    uint16_t bit = (uint16_t)(1u << query->types[term]);

    switch (query->access[term]) {
    case REEF_ACCESS_CHANGED:
    case REEF_ACCESS_ADDED:
        query->watching |= (uint8_t)(1u << term);
        query->with |= bit;
        break;
    case REEF_ACCESS_READ:
    case REEF_ACCESS_WRITE:
    case REEF_ACCESS_WITH:
        query->with |= bit;
        break;
    case REEF_ACCESS_WITHOUT:
        query->without |= bit;
        break;
    case REEF_ACCESS_EITHER_READ:
    case REEF_ACCESS_EITHER_WRITE:
        query->either[group] |= bit;
        break;
    case REEF_ACCESS_NONE:
    case REEF_ACCESS_MAYBE_READ:
    case REEF_ACCESS_MAYBE_WRITE:
        break;
    }
}

static void
make_terms(model_query_t *query, const uint16_t *args, reef_query_desc_t *desc)
{
    for (uint32_t i = 0; i < MODEL_TERMS; i++) {
        uint32_t type;
        reef_term_t term = term_of(args[i], &type);

        if (term.access != REEF_ACCESS_NONE) {
            query->types[query->term_count] = (uint8_t)type;
            query->access[query->term_count] = term.access;
            desc->terms[query->term_count] = term;
            note_term(query, query->term_count, term.group);
            query->term_count++;
        }
    }
}

void model_describe_term(uint16_t arg, char *out, size_t size)
{
    static const char *const names[] = {
        [REEF_ACCESS_READ] = "READ",
        [REEF_ACCESS_WRITE] = "WRITE",
        [REEF_ACCESS_MAYBE_READ] = "MAYBE_READ",
        [REEF_ACCESS_MAYBE_WRITE] = "MAYBE_WRITE",
        [REEF_ACCESS_WITH] = "WITH",
        [REEF_ACCESS_WITHOUT] = "WITHOUT",
        [REEF_ACCESS_EITHER_READ] = "EITHER_READ",
        [REEF_ACCESS_EITHER_WRITE] = "EITHER_WRITE",
        [REEF_ACCESS_CHANGED] = "CHANGED",
        [REEF_ACCESS_ADDED] = "ADDED",
    };
    uint32_t type;
    reef_term_t term = term_of(arg, &type);

    out[0] = '\0';
    if (term.access == REEF_ACCESS_EITHER_READ ||
        term.access == REEF_ACCESS_EITHER_WRITE) {
        snprintf(out, size, " %s(%u, %s)", names[term.access], term.group,
                 term.type->name);
    } else if (term.access != REEF_ACCESS_NONE) {
        snprintf(out, size, " %s(%s)", names[term.access], term.type->name);
    }
}

/* Every mark bit of every watching term, by the components it watches. */
static void note_watches(model_t *model)
{
    memset(model->changed, 0, sizeof(model->changed));
    memset(model->added, 0, sizeof(model->added));
    for (uint32_t q = 0; q < MODEL_QUERIES; q++) {
        const model_query_t *query = &model->queries[q];

        for (uint32_t i = 0; i < query->term_count; i++) {
            uint64_t bit = UINT64_C(1) << (q * 8 + i);

            model->changed[query->types[i]] |=
                query->access[i] == REEF_ACCESS_CHANGED ? bit : 0;
            model->added[query->types[i]] |=
                query->access[i] == REEF_ACCESS_ADDED ? bit : 0;
        }
    }
}

static uint64_t marks_of(const model_t *model, const model_query_t *query)
{
    return (uint64_t)query->watching << ((query - model->queries) * 8);
}

bool model_query_create(model_t *model, const uint16_t *args)
{
    uint32_t q = args[0] % MODEL_QUERIES;
    model_query_t *query = &model->queries[q];
    reef_query_desc_t desc = {0};

    if (query->query != NULL) {
        return false;
    }
    make_terms(query, &args[1], &desc);
    query->query = reef_query_create(model->world, &desc);
    note_watches(model);
    for (uint32_t i = 0; i < model->used; i++) {
        model_thing_t *thing = &model->things[i];

        for (uint32_t k = 0; k < query->term_count; k++) {
            if (thing->state == MODEL_ALIVE && (query->watching >> k & 1) &&
                (thing->has >> query->types[k] & 1)) {
                thing->marks |= UINT64_C(1) << (q * 8 + k);
            }
        }
    }
    return true;
}

bool model_query_destroy(model_t *model, const uint16_t *args)
{
    model_query_t *query = &model->queries[args[0] % MODEL_QUERIES];

    if (query->query == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < model->used; i++) {
        model->things[i].marks &= ~marks_of(model, query);
    }
    reef_query_destroy(query->query);
    *query = (model_query_t){0};
    note_watches(model);
    return true;
}

bool model_query_matches(const model_query_t *query, uint16_t has)
{
    if ((has & query->with) != query->with || (has & query->without) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < 8; i++) {
        if (query->either[i] != 0 && (has & query->either[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* Visiting ------------------------------------------------------------------------- */

/* How to iterate, and what was seen. */
typedef struct visit {
    model_query_t *query;
    uint32_t number;   /* of this iteration */
    uint32_t expected; /* rows that should be visited, and were not yet */
    uint32_t rows;
    bool watching; /* marks decide, and are taken */
    bool outer;    /* another iteration writes meanwhile */
} visit_t;

static visit_t begin_visit(model_t *model, model_query_t *query, bool outer)
{
    visit_t visit = {.query = query,
                     .number = ++model->iteration,
                     .watching = query->watching != 0,
                     .outer = outer};
    uint64_t marks = marks_of(model, query);

    for (uint32_t i = 0; i < model->used; i++) {
        model_thing_t *thing = &model->things[i];

        if (thing->state == MODEL_ALIVE && model_query_matches(query, thing->has) &&
            (!visit.watching || (thing->marks & marks) != 0)) {
            thing->due[outer] = visit.number;
            visit.expected++;
        }
    }
    return visit;
}

static model_thing_t *
visit_row(model_t *model, visit_t *visit, const reef_query_iter_t *it, uint32_t row)
{
    model_thing_t *thing = model_find(model, it->entities[row]);
    uint64_t marks = marks_of(model, visit->query);

    MODEL_CHECK(model, thing != NULL, "visits %#llx, which is dead",
                (unsigned long long)it->entities[row]);
    MODEL_CHECK(model, model_query_matches(visit->query, thing->has),
                "visits %#llx, which does not match", (unsigned long long)thing->id);
    MODEL_CHECK(model, thing->visit[visit->outer] != visit->number,
                "visits %#llx twice", (unsigned long long)thing->id);
    MODEL_CHECK(model, visit->outer || thing->due[0] == visit->number,
                "visits %#llx, in which nothing changed",
                (unsigned long long)thing->id);
    MODEL_CHECK(model, !visit->watching || (thing->marks & marks) != 0,
                "visits %#llx, in which nothing changed",
                (unsigned long long)thing->id);
    thing->visit[visit->outer] = visit->number;
    visit->expected -= thing->due[visit->outer] == visit->number;
    visit->rows++;
    if (visit->watching) {
        thing->marks &= ~marks;
        model->report->visited++;
    }
    return thing;
}

static void check_column(const model_t *model,
                         const visit_t *visit,
                         const reef_query_iter_t *it,
                         uint32_t term)
{
    const model_query_t *query = visit->query;
    const uint8_t *column = reef_query_column(it, term);
    uint32_t type = query->types[term];
    uint32_t size = model_types[type].size;
    bool absent = query->access[term] == REEF_ACCESS_WITH ||
                  query->access[term] == REEF_ACCESS_WITHOUT || size == 0;
    uint32_t step = it->count < 8 ? 1 : it->count - 1;

    for (uint32_t row = 0; row < it->count; row += step) {
        const model_thing_t *thing = model_find(model, it->entities[row]);
        bool there = !absent && (thing->has >> type & 1);

        MODEL_CHECK(model, (column != NULL) == there, "column of %s is %p",
                    model_types[type].name, (const void *)column);
        MODEL_CHECK(model,
                    !there || model_holds(type, column + (size_t)row * size,
                                          thing->values[type]),
                    "%s of %#llx is not %llu", model_types[type].name,
                    (unsigned long long)thing->id,
                    (unsigned long long)thing->values[type]);
    }
    MODEL_CHECK(model, visit->watching || ((uintptr_t)column & 63) == 0,
                "column of %s is not aligned", model_types[type].name);
}

static void visit_slice(model_t *model, visit_t *visit, const reef_query_iter_t *it)
{
    MODEL_CHECK(model, it->count > 0, "an empty slice");
    for (uint32_t row = 0; row < it->count; row++) {
        visit_row(model, visit, it, row);
    }
    for (uint32_t term = 0; term < visit->query->term_count; term++) {
        check_column(model, visit, it, term);
    }
}

static void end_visit(const model_t *model, const visit_t *visit)
{
    MODEL_CHECK(model, visit->expected == 0, "%u rows were not visited",
                visit->expected);
}

/* Writing -------------------------------------------------------------------------- */

/* The term to write, or term_count: the first that writes, from `from` on. */
static uint32_t find_write(const model_query_t *query, uint32_t from)
{
    for (uint32_t i = 0; i < query->term_count; i++) {
        uint32_t term = (from + i) % query->term_count;

        if (is_write(query->access[term])) {
            return term;
        }
    }
    return query->term_count;
}

static void write_column(model_t *model,
                         const model_query_t *query,
                         const reef_query_iter_t *it,
                         uint32_t term,
                         uint16_t value)
{
    uint32_t type = query->types[term];
    uint8_t *column = reef_query_column_mut(it, term);

    for (uint32_t row = 0; row < it->count && column != NULL; row++) {
        model_thing_t *thing = model_find(model, it->entities[row]);

        if (!model_is_owner(type) && (value & 0x100) == 0) {
            thing->values[type] = (uint8_t)(value + row);
            model_encode(type, thing->values[type],
                         column + (size_t)row * model_types[type].size);
        }
        model_mark(model, thing, type);
    }
    if (column != NULL) {
        model_check_version(model, model_find(model, it->entities[0]), type);
        model_check_version(model, model_find(model, it->entities[it->count - 1]),
                            type);
    }
}

static void write_values(model_t *model,
                         const model_query_t *query,
                         const reef_query_iter_t *it,
                         uint32_t term,
                         uint16_t value)
{
    uint32_t type = query->types[term];

    for (uint32_t row = value % 3; row < it->count; row += 1 + value % 5) {
        model_thing_t *thing = model_find(model, it->entities[row]);
        void *at = reef_query_value_mut(it, term, row);

        if (at == NULL) {
            continue;
        }
        if (!model_is_owner(type)) {
            thing->values[type] = (uint8_t)(value + row);
            model_encode(type, thing->values[type], at);
        }
        if (model->fault != MODEL_MISSES_VALUE) {
            model_mark(model, thing, type);
        }
        model_check_version(model, thing, type);
    }
}

/* `how`: 0 only reads; 1 writes columns; 2 values; 3 both; from bit 2 on, which term.
 */
static void write_slice(model_t *model,
                        const model_query_t *query,
                        const reef_query_iter_t *it,
                        uint32_t how,
                        uint16_t value)
{
    uint32_t term = find_write(query, how >> 2);

    if (term == query->term_count) {
        return;
    }
    if (how & 1) {
        write_column(model, query, it, term, value);
    }
    if (how & 2) {
        write_values(model, query, it, term, value);
    }
}

/* Operations ----------------------------------------------------------------------- */

static void
iterate(model_t *model, model_query_t *query, uint32_t slices, uint32_t how, uint16_t v)
{
    visit_t visit = begin_visit(model, query, false);
    reef_query_iter_t it = reef_query_begin(query->query);

    for (uint32_t i = 0; i < slices; i++) {
        if (!reef_query_next(&it)) {
            end_visit(model, &visit);
            return;
        }
        visit_slice(model, &visit, &it);
        write_slice(model, query, &it, how, (uint16_t)(v + i));
    }
}

bool model_iterate(model_t *model, const uint16_t *args)
{
    model_query_t *query = &model->queries[args[0] % MODEL_QUERIES];
    uint32_t slices = args[1] == UINT16_MAX ? UINT32_MAX : args[1];

    if (query->query == NULL) {
        return false;
    }
    iterate(model, query, slices, args[2] & 31, args[3]);
    return true;
}

bool model_nested(model_t *model, const uint16_t *args)
{
    model_query_t *outer = &model->queries[args[0] % MODEL_QUERIES];
    model_query_t *inner = &model->queries[args[1] % MODEL_QUERIES];
    reef_query_iter_t it;
    visit_t visit;

    if (outer == inner || outer->query == NULL || inner->query == NULL) {
        return false;
    }
    visit = begin_visit(model, outer, true);
    it = reef_query_begin(outer->query);
    for (uint32_t i = 0; reef_query_next(&it); i++) {
        visit_slice(model, &visit, &it);
        write_slice(model, outer, &it, args[2] & 31, args[3]);
        if (i < 3) {
            iterate(model, inner, 2, args[2] >> 2 & 31, (uint16_t)(args[3] + i));
        }
    }
    end_visit(model, &visit);
    return true;
}

bool model_skip_changes(model_t *model, const uint16_t *args)
{
    model_query_t *query = &model->queries[args[0] % MODEL_QUERIES];

    if (query->query == NULL) {
        return false;
    }
    reef_query_skip_changes(query->query);
    for (uint32_t i = 0; i < model->used; i++) {
        model->things[i].marks &= ~marks_of(model, query);
    }
    return true;
}

void model_check_query(model_t *model, model_query_t *query)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < model->used; i++) {
        count += model->things[i].state == MODEL_ALIVE &&
                 model_query_matches(query, model->things[i].has);
    }
    MODEL_CHECK(model, reef_query_count(query->query) == count, "counts %llu, not %llu",
                (unsigned long long)reef_query_count(query->query),
                (unsigned long long)count);
    if (query->watching == 0) {
        iterate(model, query, UINT32_MAX, 0, 0);
    }
}
