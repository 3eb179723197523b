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

#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adding ----------------------------------------------------------------------- */

static void add_component(reef_system_t *system,
                          const reef_term_t *term,
                          reef_component_t component)
{
    system->components[system->component_count++] = (reef__grant_t){
        .type = term->type,
        .component = component,
        .write = term->access == REEF_ACCESS_WRITE ||
                 term->access == REEF_ACCESS_MAYBE_WRITE,
    };
}

static void add_components(reef_system_t *system, const reef_term_t *terms)
{
    for (uint32_t i = 0; i < REEF_MAX_TERMS; i++) {
        reef_component_t component;

        if (terms[i].access == REEF_ACCESS_NONE) {
            break;
        }
        component = reef_world_component(system->world, terms[i].type);
        if (terms[i].access != REEF_ACCESS_WITH &&
            terms[i].access != REEF_ACCESS_WITHOUT) {
            add_component(system, &terms[i], component);
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
            system->queues[i] = reef_world_events(system->world, emits);
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
    *system =
        (reef_system_t){.desc = *desc, .schedule_name = schedule_name, .world = world};
    if (desc->query[0].access != REEF_ACCESS_NONE) {
        reef_query_desc_t query = {0};

        memcpy(query.terms, desc->query, sizeof(query.terms));
        system->query = reef_query_create(world, &query);
    }
    add_components(system, desc->query);
    add_components(system, desc->access);
    add_resources(system, desc->resources);
    add_events(system);
    return system;
}

void reef__system_destroy(reef_system_t *system)
{
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

/* Inside a system -------------------------------------------------------------- */

reef_world_t *reef_run_world(reef_run_t *run)
{
    return run->system->world;
}

void *reef_run_context(reef_run_t *run)
{
    return run->system->desc.context;
}

reef_commands_t *reef_run_commands(reef_run_t *run)
{
    return run->commands;
}

reef_query_iter_t reef_run_query(reef_run_t *run)
{
    assert(run->system->query != NULL);
    return reef_query_begin(run->system->query);
}

const void *
reef_run_find(reef_run_t *run, reef_entity_t entity, const reef_type_t *type)
{
    return reef_world_find(run->system->world, entity,
                           granted_component(run->system, type, false));
}

void *reef_run_find_mut(reef_run_t *run, reef_entity_t entity, const reef_type_t *type)
{
    return reef_world_find_mut(run->system->world, entity,
                               granted_component(run->system, type, true));
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

    if (index >= 0) {
        return reef_event_emit(run->system->queues[index], event);
    }
    if (!run->system->desc.exclusive) {
        refuse(run->system, "touches", type->name, "did not declare");
    }
    return reef_event_emit(reef_world_events(run->system->world, type), event);
}
