/*
 * What a system may touch.  Declarations are resolved to ids, addresses, readers and
 * queues once, when the system is added; at run time a lookup is a scan of at most 16
 * entries that compares the address of a description first, and its name only when the
 * address differs (descriptions are static per translation unit).
 *
 * Exclusive systems may touch what they did not declare; it is then resolved on the
 * spot.  Only events to be read are declared by everyone, because a cursor must exist
 * before the event does.
 */
#include "system.h"

#include "event.h"
#include "world.h"

#include <reef/array.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adding ----------------------------------------------------------------------- */

static void
add_components(reef_system_t *system, const reef_term_t *terms, bool by_query)
{
    for (uint32_t i = 0; i < REEF_MAX_TERMS; i++) {
        reef_access_t access = terms[i].access;
        reef_component_t component;

        if (access == REEF_ACCESS_NONE) {
            break;
        }
        component = reef_world_component(system->world, terms[i].type);
        if (reef__access_touches(access)) {
            system->components[system->component_count++] =
                (reef__grant_t){.type = terms[i].type,
                                .component = component,
                                .write = reef__access_writes(access),
                                .by_query = by_query};
        }
    }
}

static void add_resources(reef_system_t *system, const reef_term_t *terms)
{
    for (uint32_t i = 0; i < REEF_MAX_TERMS; i++) {
        if (terms[i].access == REEF_ACCESS_NONE) {
            break;
        }
        assert(terms[i].access == REEF_ACCESS_READ ||
               terms[i].access == REEF_ACCESS_WRITE);
        system->resources[system->resource_count++] = (reef__grant_t){
            .type = terms[i].type,
            .resource = reef_world_resource(system->world, terms[i].type),
            .write = terms[i].access == REEF_ACCESS_WRITE,
        };
    }
}

static void add_events(reef_system_t *system)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        const reef_event_type_t *reads = system->desc.reads[i];
        const reef_event_type_t *emits = system->desc.emits[i];

        if (reads != NULL) {
            system->readers[i] =
                reef_event_reader_create(reef_world_events(system->world, reads));
        }
        if (emits != NULL) {
            system->records = true;
            system->queues[i] = reef_world_events(system->world, emits);
        }
    }
}

/* A declaration that cannot be: say which system and why, then stop. */
REEF_NORETURN static void refuse_desc(const reef_system_t *system, const char *why)
{
    fprintf(stderr, "system '%s' of schedule '%s': %s\n", system->desc.name,
            system->schedule_name, why);
    abort();
}

/* Slices run at the same time, so each may only write what is its own. */
static void check_parallel(const reef_system_t *system)
{
    if (system->desc.exclusive || system->query == NULL) {
        refuse_desc(system, "a parallel system has a query and is not exclusive");
    }
    if (system->desc.reads[0] != NULL) {
        refuse_desc(system, "a parallel system reads no events");
    }
    for (uint32_t i = 0; i < system->resource_count; i++) {
        if (system->resources[i].write) {
            refuse_desc(system, "a parallel system writes no resource");
        }
    }
    for (uint32_t i = 0; i < system->component_count; i++) {
        const reef__grant_t *by_id = &system->components[i];

        if (by_id->by_query) {
            continue;
        }
        if (by_id->write) {
            refuse_desc(system, "a parallel system writes nothing by id");
        }
        for (uint32_t k = 0; k < system->component_count; k++) {
            if (system->components[k].write &&
                system->components[k].component == by_id->component) {
                refuse_desc(system, "a parallel system reads nothing by id "
                                    "that it writes");
            }
        }
    }
}

reef_system_t *reef__system_create(reef_world_t *world,
                                   const char *schedule_name,
                                   const reef_system_desc_t *desc)
{
    reef_system_t *system =
        reef_resize(reef__world_alloc(world), NULL, 0, sizeof(*system));

    assert(desc->name != NULL && desc->run != NULL);
    *system = (reef_system_t){.desc = *desc,
                              .schedule_name = schedule_name,
                              .world = world,
                              .records = desc->commands || desc->exclusive};
    if (desc->query[0].access != REEF_ACCESS_NONE) {
        reef_query_desc_t query = {0};

        memcpy(query.terms, desc->query, sizeof(query.terms));
        system->query = reef_query_create(world, &query);
    }
    add_components(system, desc->query, true);
    add_components(system, desc->access, false);
    add_resources(system, desc->resources);
    add_events(system);
    if (desc->parallel) {
        check_parallel(system);
    }
    reef__system_reserve_recorders(system, 1);
    return system;
}

void reef__system_reserve_recorders(reef_system_t *system, size_t count)
{
    while (system->recorders.count < count) {
        reef__recorder_t recorder = {0};

        if (system->desc.commands || system->desc.exclusive) {
            recorder.commands = reef_commands_create(system->world);
        }
        *REEF_ARRAY_PUSH(reef__world_alloc(system->world), &system->recorders) =
            recorder;
    }
}

static void finish_recorder(reef_system_t *system, reef__recorder_t *recorder)
{
    reef_commands_destroy(recorder->commands);
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        reef_resize(reef__world_alloc(system->world), recorder->events[i].items,
                    recorder->events[i].capacity, 0);
    }
}

void reef__system_destroy(reef_system_t *system)
{
    for (size_t i = 0; i < system->recorders.count; i++) {
        finish_recorder(system, &system->recorders.items[i]);
    }
    REEF_ARRAY_FINISH(reef__world_alloc(system->world), &system->recorders);
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        reef_event_reader_destroy(system->readers[i]);
    }
    reef_query_destroy(system->query);
    reef_resize(reef__world_alloc(system->world), system, sizeof(*system), 0);
}

void reef__system_skip_events(reef_system_t *system)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (system->readers[i] != NULL) {
            reef_event_skip(system->readers[i]);
        }
    }
}

/* Checking --------------------------------------------------------------------- */

/* A bug in the program: say which system and what, then stop, in every build. */
REEF_NORETURN static void
refuse(const reef_system_t *system, const char *verb, const char *what, const char *why)
{
    fprintf(stderr, "system '%s' of schedule '%s' %s '%s', which it %s\n",
            system->desc.name, system->schedule_name, verb, what, why);
    abort();
}

static bool same_name(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

/* What was declared for @p type, for writing when @p write; NULL when nothing was but
 * the system is exclusive.  Does not return when it may not. */
static const reef__grant_t *find_grant(const reef_system_t *system,
                                       const reef__grant_t *grants,
                                       uint32_t count,
                                       const reef_type_t *type,
                                       bool write)
{
    const reef__grant_t *found = NULL;

    for (uint32_t i = 0; i < count; i++) {
        if (grants[i].type == type || same_name(grants[i].type->name, type->name)) {
            found = &grants[i];
            if (found->write || !write) {
                return found;
            }
        }
    }
    if (system->desc.exclusive) {
        return found;
    }
    if (found != NULL) {
        refuse(system, "writes", type->name, "declared only to read");
    }
    refuse(system, "touches", type->name, "did not declare");
}

static reef_component_t
granted_component(const reef_system_t *system, const reef_type_t *type, bool write)
{
    const reef__grant_t *grant =
        find_grant(system, system->components, system->component_count, type, write);

    return grant != NULL ? grant->component : reef_world_component(system->world, type);
}

static void *
granted_resource(const reef_system_t *system, const reef_type_t *type, bool write)
{
    const reef__grant_t *grant =
        find_grant(system, system->resources, system->resource_count, type, write);

    return grant != NULL ? grant->resource : reef_world_resource(system->world, type);
}

/* Index of @p type in @p declared, or -1. */
static int find_event(const reef_event_type_t *const *declared,
                      const reef_event_type_t *type)
{
    for (int i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (declared[i] != NULL &&
            (declared[i] == type || same_name(declared[i]->name, type->name))) {
            return i;
        }
    }
    return -1;
}

/* Conflicts ------------------------------------------------------------------------ */

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
            find_event(b->desc.reads, a->desc.emits[i]) >= 0) {
            return a->desc.emits[i]->name;
        }
        if (b->desc.emits[i] != NULL &&
            find_event(a->desc.reads, b->desc.emits[i]) >= 0) {
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

/* Events recorded ------------------------------------------------------------------ */

/* What has no room any more is kept too: it is dropped when all are emitted, by whoever
 * counts it. */
static bool record_event(reef_run_t *run, int index, const void *event)
{
    reef_event_queue_t *queue = run->system->queues[index];
    size_t each = run->system->desc.emits[index]->size;
    reef__recorder_t *recorder = run->recorder;
    size_t size = recorder->events[index].size;

    recorder->events[index].items = reef_array_reserve(
        reef__world_alloc(run->system->world), recorder->events[index].items,
        &recorder->events[index].capacity, size + each, 1);
    memcpy(recorder->events[index].items + size, event, each);
    recorder->events[index].size = size + each;
    return size / each < reef__event_room(queue);
}

void reef__system_emit_recorded(reef_system_t *system, reef__recorder_t *recorder)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        size_t each;

        if (system->queues[i] == NULL) {
            continue;
        }
        each = system->desc.emits[i]->size;
        for (size_t at = 0; at < recorder->events[i].size; at += each) {
            (void)reef_event_emit(system->queues[i], recorder->events[i].items + at);
        }
        recorder->events[i].size = 0;
    }
}

/* Inside a system -------------------------------------------------------------- */

reef_world_t *reef_run_world(reef_run_t *run)
{
    if (!run->system->desc.exclusive) {
        refuse(run->system, "reaches for", "the world",
               "may only when it is exclusive");
    }
    return run->system->world;
}

void *reef_run_context(reef_run_t *run)
{
    return run->system->desc.context;
}

reef_commands_t *reef_run_commands(reef_run_t *run)
{
    if (run->recorder->commands == NULL) {
        refuse(run->system, "records", "commands", "did not declare");
    }
    return run->recorder->commands;
}

reef_query_iter_t reef_run_query(reef_run_t *run)
{
    const reef_system_t *system = run->system;
    reef_query_iter_t iter;

    assert(system->query != NULL);
    if (system->desc.parallel) {
        return reef__query_part(system->query, run->from, run->to, system->version);
    }
    iter = reef_query_begin(system->query);
    iter.version = system->version;
    return iter;
}

const void *
reef_run_find(reef_run_t *run, reef_entity_t entity, const reef_type_t *type)
{
    return reef_world_find(run->system->world, entity,
                           granted_component(run->system, type, false));
}

void *reef_run_find_mut(reef_run_t *run, reef_entity_t entity, const reef_type_t *type)
{
    return reef__world_find_mut(run->system->world, entity,
                                granted_component(run->system, type, true),
                                run->system->version);
}

const void *reef_run_resource(reef_run_t *run, const reef_type_t *type)
{
    return granted_resource(run->system, type, false);
}

void *reef_run_resource_mut(reef_run_t *run, const reef_type_t *type)
{
    return granted_resource(run->system, type, true);
}

const void *reef_run_next(reef_run_t *run, const reef_event_type_t *type)
{
    int index = find_event(run->system->desc.reads, type);

    if (index < 0) {
        refuse(run->system, "touches", type->name, "did not declare");
    }
    return reef_event_next(run->system->readers[index]);
}

bool reef_run_emit(reef_run_t *run, const reef_event_type_t *type, const void *event)
{
    int index = find_event(run->system->desc.emits, type);

    if (run->system->desc.exclusive) {
        return reef_event_emit(index >= 0 ? run->system->queues[index]
                                          : reef_world_events(run->system->world, type),
                               event);
    }
    if (index < 0) {
        refuse(run->system, "touches", type->name, "did not declare");
    }
    return record_event(run, index, event);
}
