/*
 * A system's declarations, resolved to ids, addresses, readers and queues once, when it
 * is added.  What it may do with them at run time is in run.c.
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
        if (reef_access_touches(access)) {
            system->components[system->component_count++] =
                (reef__grant_t){.type = terms[i].type,
                                .component = component,
                                .write = reef_access_writes(access),
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
    for (uint32_t i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (system->desc.reads[i] != NULL) {
            refuse_desc(system, "a parallel system reads no events");
        }
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

int reef__find_event_by_name(const reef_event_type_t *const *declared,
                             const reef_event_type_t *type)
{
    for (int i = 0; i < REEF_MAX_SYSTEM_EVENTS; i++) {
        if (declared[i] != NULL && reef__same_name(declared[i]->name, type->name)) {
            return i;
        }
    }
    return -1;
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
