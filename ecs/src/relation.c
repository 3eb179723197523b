/*
 * Every operation that adds, replaces or removes a relation's component calls link and
 * unlink here, so a list says exactly what the components say.  A source knows its
 * place in the list of its target, so both ways cost one lookup of the target:
 *
 *     component of a source: {target, place}          list of a target: [source] …
 *                                        `--------------------^
 *
 * A record remembers whether anything ever pointed to its entity; only then is looked
 * for sources when it goes.
 */
#include "relation.h"

#include "world.h"

#include <reef/array.h>

reef__links_t *reef__links_create(const reef_alloc_t *alloc, const reef_type_t *type)
{
    reef__links_t *links;

    if ((type->flags & (REEF_DETACH | REEF_CASCADE)) == 0) {
        return NULL;
    }
    assert(type->size >= sizeof(reef_relation_t) && !reef_type_owns(type));
    links = reef_resize(alloc, NULL, 0, sizeof(*links));
    *links = (reef__links_t){.alloc = alloc,
                             .cascade = (type->flags & REEF_CASCADE) != 0,
                             .by_target = reef_map_create(alloc)};
    return links;
}

void reef__links_destroy(reef__links_t *links)
{
    if (links == NULL) {
        return;
    }
    for (size_t i = 0; i < links->lists.count; i++) {
        REEF_ARRAY_FINISH(links->alloc, &links->lists.items[i]);
    }
    REEF_ARRAY_FINISH(links->alloc, &links->lists);
    REEF_ARRAY_FINISH(links->alloc, &links->spare);
    reef_map_destroy(links->by_target);
    reef_resize(links->alloc, links, sizeof(*links), 0);
}

static reef__links_t *links_of(const reef_world_t *world, reef_component_t component)
{
    return reef__component_at(&world->components, component)->links;
}

static reef__source_list_t *find_list(const reef__links_t *links, reef_entity_t target)
{
    uint64_t index;

    return reef_map_find(links->by_target, REEF_KEY(target), &index)
               ? &links->lists.items[index]
               : NULL;
}

static reef__source_list_t *ensure_list(reef__links_t *links, reef_entity_t target)
{
    reef__source_list_t *list = find_list(links, target);
    uint32_t index;

    if (list != NULL) {
        return list;
    }
    if (links->spare.count > 0) {
        index = links->spare.items[--links->spare.count];
    } else {
        index = (uint32_t)links->lists.count;
        REEF_ARRAY_RESERVE(links->alloc, &links->lists, index + 1u);
        links->lists.items[links->lists.count++] = (reef__source_list_t){0};
    }
    reef_map_set(links->by_target, REEF_KEY(target), index);
    return &links->lists.items[index];
}

/* Record of an id that is alive or reserved, or NULL. */
static reef__record_t *find_record(const reef_world_t *world, reef_entity_t entity)
{
    reef__record_t *record = reef__world_record(world, entity);

    return record != NULL ? record
                          : reef__entity_index_find_reserved(
                                &world->entities[reef_entity_range(entity)], entity);
}

static reef_relation_t *find_relation(const reef_world_t *world,
                                      reef_entity_t source,
                                      reef_component_t component)
{
    return reef__world_value(world, source, component);
}

bool reef__relation_accepts(const reef_world_t *world,
                            reef_component_t component,
                            reef_entity_t source,
                            reef_entity_t target)
{
    const reef__record_t *record;

    if (target == 0 || target == source || find_record(world, target) == NULL) {
        return false;
    }
    /* What nothing points to has nothing below it that could be above it. */
    record = find_record(world, source);
    if (!links_of(world, component)->cascade ||
        (record != NULL && !record->is_target)) {
        return true;
    }
    while (target != 0 && target != source) {
        const reef_relation_t *next = find_relation(world, target, component);

        target = next != NULL && next->place != REEF__NOT_LINKED ? next->target : 0;
    }
    return target == 0;
}

void reef__relation_link(reef_world_t *world,
                         reef_component_t component,
                         reef_entity_t source,
                         reef_relation_t *value)
{
    reef__links_t *links = links_of(world, component);
    reef__source_list_t *list = ensure_list(links, value->target);
    reef__record_t *record = find_record(world, value->target);

    assert(record != NULL);
    record->is_target = 1;
    value->place = (uint32_t)list->count;
    *REEF_ARRAY_PUSH(links->alloc, list) = source;
}

static void release_list(reef__links_t *links, reef_entity_t target)
{
    uint64_t index = 0;

    (void)reef_map_find(links->by_target, REEF_KEY(target), &index);
    (void)reef_map_remove(links->by_target, REEF_KEY(target));
    REEF_ARRAY_FINISH(links->alloc, &links->lists.items[index]);
    *REEF_ARRAY_PUSH(links->alloc, &links->spare) = (uint32_t)index;
}

void reef__relation_unlink(reef_world_t *world,
                           reef_component_t component,
                           const reef_relation_t *value)
{
    reef__links_t *links = links_of(world, component);
    reef__source_list_t *list;
    reef_entity_t moved;

    if (value->target == 0) {
        return;
    }
    list = find_list(links, value->target);
    assert(list != NULL && value->place < list->count);
    moved = list->items[--list->count];
    if (value->place < list->count) {
        reef_relation_t *last = find_relation(world, moved, component);

        assert(last != NULL);
        list->items[value->place] = moved;
        last->place = value->place;
    }
    if (list->count == 0) {
        release_list(links, value->target);
    }
}

/* Despawning a target ---------------------------------------------------------------
 */

typedef struct doomed {
    reef_entity_t *items;
    size_t count, capacity;
} doomed_t;

/* Add the sources of one entity by one relation, each entity once. */
static void
collect_sources(reef_world_t *world, const reef__source_list_t *list, doomed_t *doomed)
{
    for (size_t i = 0; i < list->count; i++) {
        reef__record_t *record = reef__world_record(world, list->items[i]);

        assert(record != NULL);
        if (!record->is_doomed) {
            record->is_doomed = 1;
            *REEF_ARRAY_PUSH(world->alloc, doomed) = list->items[i];
        }
    }
}

/* Add the sources of cascading relations, theirs, and so on. */
static void collect(reef_world_t *world, doomed_t *doomed)
{
    for (size_t i = 0; i < doomed->count; i++) {
        for (size_t k = 0; k < world->components.relations.count; k++) {
            const reef__links_t *links =
                links_of(world, world->components.relations.items[k]);
            const reef__source_list_t *list = find_list(links, doomed->items[i]);

            if (links->cascade && list != NULL) {
                collect_sources(world, list, doomed);
            }
        }
    }
}

/* Take the component from whoever points to `target` and stays. */
static void detach(reef_world_t *world, reef_entity_t target)
{
    for (size_t k = 0; k < world->components.relations.count; k++) {
        reef_component_t c = world->components.relations.items[k];
        const reef__source_list_t *list;

        while ((list = find_list(links_of(world, c), target)) != NULL) {
            (void)reef_world_remove(world, list->items[list->count - 1], c);
        }
    }
}

void reef__relation_despawn_tree(reef_world_t *world, reef_entity_t entity)
{
    doomed_t doomed = {0};
    reef__record_t *first = find_record(world, entity);

    assert(first != NULL);
    first->is_doomed = 1;
    *REEF_ARRAY_PUSH(world->alloc, &doomed) = entity;
    collect(world, &doomed);
    while (doomed.count > 0) {
        reef_entity_t last = doomed.items[--doomed.count];
        reef__record_t *record;

        detach(world, last);
        record = reef__world_record(world, last);
        if (record != NULL) {
            reef__world_despawn_one(world, record, last);
        } else {
            reef__entity_index_cancel(&world->entities[reef_entity_range(last)], last);
        }
    }
    REEF_ARRAY_FINISH(world->alloc, &doomed);
}

/* Looking ---------------------------------------------------------------------------
 */

const reef_entity_t *reef_world_sources(const reef_world_t *world,
                                        reef_entity_t target,
                                        const reef_type_t *type,
                                        uint32_t *count)
{
    reef_component_t component =
        reef_world_find_component(world, reef_span_text(type->name));
    const reef__source_list_t *list = NULL;

    *count = 0;
    if (component != REEF_NO_COMPONENT && reef_world_is_alive(world, target)) {
        assert(links_of(world, component) != NULL); /* the type is no relation */
        list = find_list(links_of(world, component), target);
    }
    if (list == NULL) {
        return NULL;
    }
    *count = (uint32_t)list->count;
    return list->items;
}

reef_entity_t reef_world_target(const reef_world_t *world,
                                reef_entity_t source,
                                const reef_type_t *type)
{
    reef_component_t component =
        reef_world_find_component(world, reef_span_text(type->name));
    const reef_relation_t *value = NULL;

    if (component != REEF_NO_COMPONENT) {
        value = find_relation(world, source, component);
    }
    return value != NULL ? value->target : 0;
}
