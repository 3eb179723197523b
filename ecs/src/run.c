/*
 * What a system's function may do.  A lookup is a scan of at most 32 entries that
 * compares the address of a description first, and its name only when the address
 * differs (descriptions are static per translation unit).
 *
 * Exclusive systems may touch what they did not declare; it is then resolved on the
 * spot.  Only events to be read are declared by everyone, because a cursor must exist
 * before the event does.
 */
#include "system.h"

#include "copy.h"
#include "event.h"
#include "world.h"

#include <reef/array.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checking --------------------------------------------------------------------- */

/* A bug in the program: say which system and what, then stop, in every build. */
REEF_NORETURN static void
refuse(const reef_system_t *system, const char *verb, const char *what, const char *why)
{
    fprintf(stderr, "system '%s' of schedule '%s' %s '%s', which it %s\n",
            system->desc.name, system->schedule_name, verb, what, why);
    abort();
}

/* What was declared for @p type, for writing when @p write, better by id than by query;
 * NULL when nothing was but the system is exclusive.  Does not return when it may not.
 */
static const reef__grant_t *find_grant(const reef_system_t *system,
                                       const reef__grant_t *grants,
                                       uint32_t count,
                                       const reef_type_t *type,
                                       bool write)
{
    const reef__grant_t *found = NULL, *too_weak = NULL;

    for (uint32_t i = 0; i < count; i++) {
        if (grants[i].type != type &&
            !reef__same_name(grants[i].type->name, type->name)) {
            continue;
        }
        if (write && !grants[i].write) {
            too_weak = &grants[i];
        } else if (found == NULL || found->by_query) {
            found = &grants[i];
        }
    }
    if (found != NULL || system->desc.exclusive) {
        return found != NULL ? found : too_weak;
    }
    if (too_weak != NULL) {
        refuse(system, "writes", type->name, "declared only to read");
    }
    refuse(system, "touches", type->name, "did not declare");
}

/* What was declared for the query is for the rows it visits: others may be touched at
 * the same time by a system whose query visits those. */
static void check_in_query(const reef_system_t *system,
                           reef_entity_t entity,
                           const reef_type_t *type)
{
    const reef__record_t *record = reef__world_record(system->world, entity);

    if (system->desc.parallel) {
        refuse(system, "touches by id", type->name, "declared only in its query");
    }
    if (record != NULL &&
        !reef__query_matches(system->query,
                             reef__world_table_of(system->world, record))) {
        refuse(system, "touches of an entity outside its query", type->name,
               "did not declare in access");
    }
}

static reef_component_t granted_component(const reef_system_t *system,
                                          reef_entity_t entity,
                                          const reef_type_t *type,
                                          bool write)
{
    const reef__grant_t *grant =
        find_grant(system, system->components, system->component_count, type, write);

    if (grant == NULL) {
        return reef_world_component(system->world, type);
    }
    if (grant->by_query && !system->desc.exclusive) {
        check_in_query(system, entity, type);
    }
    return grant->component;
}

static void *
granted_resource(const reef_system_t *system, const reef_type_t *type, bool write)
{
    const reef__grant_t *grant =
        find_grant(system, system->resources, system->resource_count, type, write);

    return grant != NULL ? grant->resource : reef_world_resource(system->world, type);
}

/* Events recorded ------------------------------------------------------------------ */

REEF_NOINLINE static void reserve_event(const reef_run_t *run, int index, size_t size)
{
    reef__recorder_t *recorder = run->recorder;

    recorder->events[index].items = reef_array_reserve(
        reef__world_alloc(run->system->world), recorder->events[index].items,
        &recorder->events[index].capacity, size, 1);
}

/* What has no room any more is kept too, when its type wants to know of it: it is
 * dropped when all are emitted, by whoever counts it. */
static bool record_event(const reef_run_t *run, int index, const void *event)
{
    const reef_event_type_t *type = run->system->desc.emits[index];
    reef__recorder_t *recorder = run->recorder;
    size_t size = recorder->events[index].size;
    bool has_room = size < reef__event_room(run->system->queues[index]) * type->size;

    if (!has_room && type->drop == NULL && type->overflow == NULL) {
        recorder->events[index].dropped++;
        return false;
    }
    if (size + type->size > recorder->events[index].capacity) {
        reserve_event(run, index, size + type->size);
    }
    reef__copy_value(recorder->events[index].items + size, event, type->size);
    recorder->events[index].size = size + type->size;
    return has_room;
}

void reef__system_emit_recorded(reef_system_t *system, reef__recorder_t *recorder)
{
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (system->queues[i] == NULL) {
            continue;
        }
        reef__event_emit_all(system->queues[i], recorder->events[i].items,
                             recorder->events[i].size / system->desc.emits[i]->size);
        reef__event_note_dropped(system->queues[i], recorder->events[i].dropped);
        recorder->events[i].size = 0;
        recorder->events[i].dropped = 0;
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

    if (system->query == NULL) {
        refuse(system, "iterates", "its query", "did not declare");
    }
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
                           granted_component(run->system, entity, type, false));
}

void *reef_run_find_mut(reef_run_t *run, reef_entity_t entity, const reef_type_t *type)
{
    return reef__world_find_mut(run->system->world, entity,
                                granted_component(run->system, entity, type, true),
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
    int index = reef__find_event(run->system->desc.reads, type);

    if (index < 0) {
        refuse(run->system, "touches", type->name, "did not declare");
    }
    return reef__event_next(run->system->readers[index]);
}

bool reef_run_emit(reef_run_t *run, const reef_event_type_t *type, const void *event)
{
    int index = reef__find_event(run->system->desc.emits, type);

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
