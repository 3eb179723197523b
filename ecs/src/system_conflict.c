/*
 * Whether two systems may run at the same time.
 */
#include "system.h"

/* No entity is in both queries. */
static bool are_disjoint(const reef_system_t *a, const reef_system_t *b)
{
    return reef__component_set_intersects(&a->query->with, &b->query->without) ||
           reef__component_set_intersects(&b->query->with, &a->query->without);
}

static const char *
component_conflict(const reef_system_t *a, const reef_system_t *b, bool *by_row)
{
    const char *found = NULL;

    for (uint32_t i = 0; i < a->component_count; i++) {
        for (uint32_t k = 0; k < b->component_count; k++) {
            const reef__grant_t *x = &a->components[i], *y = &b->components[k];
            bool in_rows = x->by_query && y->by_query;

            if (x->component != y->component || !(x->write || y->write) ||
                (in_rows && are_disjoint(a, b))) {
                continue;
            }
            found = x->type->name;
            *by_row &= in_rows;
        }
    }
    return found;
}

static const char *resource_conflict(const reef_system_t *a, const reef_system_t *b)
{
    for (uint32_t i = 0; i < a->resource_count; i++) {
        for (uint32_t k = 0; k < b->resource_count; k++) {
            const reef__grant_t *x = &a->resources[i], *y = &b->resources[k];

            if (x->resource == y->resource && (x->write || y->write)) {
                return x->type->name;
            }
        }
    }
    return NULL;
}

/* One emits what the other reads.  Two that emit, or two that read, do not conflict. */
static const char *event_conflict(const reef_system_t *a, const reef_system_t *b)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (a->desc.emits[i] != NULL &&
            reef__find_event(b->desc.reads, a->desc.emits[i]) >= 0) {
            return a->desc.emits[i]->name;
        }
        if (b->desc.emits[i] != NULL &&
            reef__find_event(a->desc.reads, b->desc.emits[i]) >= 0) {
            return b->desc.emits[i]->name;
        }
    }
    return NULL;
}

const char *
reef__system_conflict(const reef_system_t *a, const reef_system_t *b, bool *by_row)
{
    const char *rows, *what = NULL;

    *by_row = a->desc.parallel && b->desc.parallel;
    rows = component_conflict(a, b, by_row);
    if (a->desc.exclusive || b->desc.exclusive) {
        what = "exclusive";
    } else if (a->desc.context != NULL && a->desc.context == b->desc.context &&
               !*by_row) {
        what = "context";
    }
    what = what == NULL ? resource_conflict(a, b) : what;
    what = what == NULL ? event_conflict(a, b) : what;
    *by_row &= what == NULL;
    return what != NULL ? what : rows;
}
