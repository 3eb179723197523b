/*
 * Two ways to find the next entities of a query.  Walking the indices finds a page at
 * once when many entities match.  When they are few among many, the tables that match
 * are scanned instead and the lowest indices kept in a heap:
 *
 *     tables ─► rows with index > after ─► max-heap of `limit` + 1 ─► sorted page
 *
 * A text search has to look at names one by one; it walks with a budget and is
 * continued by the next call, in a later frame.
 */
#include "world_view.h"

#include "entity_find.h"

#include <reef/array.h>
#include <reef/components.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    WALK_STEPS = 4096,    /* before the tables are scanned */
    SEARCH_STEPS = 16384, /* entities looked at per call, when searching: about 1 ms */
    USUAL_COMPONENTS = 8,
    USUAL_BYTES = 128, /* of all components of one entity */
};

bool reef__name_list_parse(reef__name_list_t *list, reef_span_t text)
{
    const char *at = (const char *)text.data;
    const char *end = at + text.size;

    list->count = 0;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t size = (size_t)((comma != NULL ? comma : end) - at);

        if (size >= sizeof(list->names[0]) || list->count == REEF__MAX_QUERY) {
            return false;
        }
        if (size > 0) {
            snprintf(list->names[list->count++], sizeof(list->names[0]), "%.*s",
                     (int)size, at);
        }
        at += size + (comma != NULL);
    }
    return true;
}

/* Copying ---------------------------------------------------------------------- */

static bool is_wanted(const reef__page_t *page, const char *name)
{
    for (size_t i = 0; i < page->fields.count; i++) {
        if (strcmp(page->fields.names[i], name) == 0) {
            return true;
        }
    }
    return page->fields.count == 0;
}

static uint32_t copy_bytes(reef__page_t *page, const void *value, size_t size)
{
    size_t offset = (page->bytes.count + 15) / 16 * 16; /* aligned for any field */

    REEF_ARRAY_RESERVE(reef_alloc_default(), &page->bytes, offset + size);
    memcpy(page->bytes.items + offset, value, size);
    page->bytes.count = offset + size;
    return (uint32_t)offset;
}

void reef__page_copy_value(reef__page_t *page,
                           const reef_type_t *type,
                           const void *value)
{
    uint32_t offset = type->size == 0 ? 0 : copy_bytes(page, value, type->size);

    if (type->size > 0) {
        page->text_bytes += reef_type_own_texts(type, page->bytes.items + offset);
    }
    *REEF_ARRAY_PUSH(reef_alloc_default(), &page->components) =
        (reef__component_copy_t){.type = type, .offset = offset};
}

bool reef__page_copy(reef__page_t *page, reef_entity_t entity)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    reef_world_t *world = reef_app_world(page->app);
    reef__entity_copy_t copy = {.id = entity,
                                .first = (uint32_t)page->components.count};
    const reef_component_t *components;
    const name_t *name;
    const client_id_t *client;

    if (!reef_world_is_alive(world, entity)) {
        return false;
    }
    components = reef_world_components_of(world, entity, &copy.count);
    for (uint32_t i = 0; i < copy.count; i++) {
        const reef_type_t *type = reef_world_component_type(world, components[i]);

        if (is_wanted(page, type->name)) {
            reef__page_copy_value(page, type,
                                  reef_world_find(world, entity, components[i]));
        } else {
            *REEF_ARRAY_PUSH(alloc, &page->components) =
                (reef__component_copy_t){.type = type, .offset = UINT32_MAX};
        }
    }
    name = REEF_FIND(world, entity, name);
    if (name != NULL) {
        snprintf(copy.name, sizeof(copy.name), "%s", name->value);
    }
    client = REEF_FIND(world, entity, client_id);
    copy.client_id = client != NULL ? client->value : 0;
    *REEF_ARRAY_PUSH(alloc, &page->entities) = copy;
    return true;
}

static bool is_full(const reef__page_t *page)
{
    return page->entities.count >= page->limit ||
           page->bytes.count + page->text_bytes >= REEF__PAGE_BYTES;
}

static void take(reef__page_t *page, reef_entity_t entity)
{
    reef__page_copy(page, entity);
    page->after = reef_entity_index(entity);
}

/* Finding ---------------------------------------------------------------------- */

/* Walk up to @p steps entities; false when they are spent before the page is done. */
static bool walk(reef__page_t *page, const reef__finder_t *finder, uint32_t steps)
{
    while (steps-- > 0) {
        reef_entity_t entity = reef_world_next_entity(finder->world, page->after);

        if (entity == 0) {
            page->more = false;
            return true;
        }
        if (reef__finder_matches(finder, entity)) {
            if (is_full(page)) {
                page->more = true;
                return true;
            }
            take(page, entity);
        } else {
            page->after = reef_entity_index(entity);
        }
    }
    return false;
}

static void scan(reef__page_t *page, const reef__finder_t *finder)
{
    size_t wanted = page->limit - page->entities.count + 1;
    reef_entity_t found[REEF__PAGE_MAX + 1];
    reef__lowest_t lowest = {.items = found, .capacity = wanted};

    reef__finder_lowest(finder, page->after, &lowest);
    page->more = lowest.count == wanted;
    for (size_t i = 0; i < lowest.count && i + 1 < wanted; i++) {
        if (is_full(page)) {
            page->more = true;
            break;
        }
        take(page, found[i]);
    }
}

void reef__page_collect(void *argument)
{
    reef__page_t *page = argument;
    reef__finder_t finder;

    page->interrupted = false;
    page->now = reef__admin_now(page->app);
    if (!reef__finder_init(&finder, reef_app_world(page->app), &page->query,
                           page->search, page->unknown)) {
        return;
    }
    for (size_t i = 0; i < page->fields.count; i++) {
        if (reef_world_find_component(finder.world,
                                      reef_span_text(page->fields.names[i])) ==
            REEF_NO_COMPONENT) {
            snprintf(page->unknown, sizeof(page->unknown), "%s", page->fields.names[i]);
            return;
        }
    }
    if (!page->counted) {
        page->total = reef__finder_count(&finder);
        page->counted = true;
    }
    if (page->total == 0) {
        page->more = false;
    } else if (page->search[0] != '\0') {
        page->interrupted = !walk(page, &finder, SEARCH_STEPS);
        page->more = page->more || page->interrupted;
    } else if (!walk(page, &finder, WALK_STEPS)) {
        scan(page, &finder);
    }
}

void reef__page_reserve(reef__page_t *page)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    size_t components = (size_t)page->limit * USUAL_COMPONENTS;
    size_t bytes = (size_t)page->limit * USUAL_BYTES;

    REEF_ARRAY_RESERVE(alloc, &page->entities, page->limit);
    REEF_ARRAY_RESERVE(alloc, &page->components, components);
    REEF_ARRAY_RESERVE(alloc, &page->bytes, bytes);
    /* Touched here, or its memory would be mapped by the world thread. */
    memset(page->entities.items, 0, page->limit * sizeof(page->entities.items[0]));
    memset(page->components.items, 0, components * sizeof(page->components.items[0]));
    memset(page->bytes.items, 0, bytes);
}

/* Release the texts of the copies. */
static void drop_texts(reef__page_t *page)
{
    for (size_t i = 0; i < page->components.count; i++) {
        const reef__component_copy_t *copy = &page->components.items[i];

        if (copy->offset != UINT32_MAX && copy->type->size > 0) {
            reef_type_drop_texts(copy->type, page->bytes.items + copy->offset);
        }
    }
    page->text_bytes = 0;
}

void reef__page_reset(reef__page_t *page)
{
    drop_texts(page);
    page->entities.count = 0;
    page->components.count = 0;
    page->bytes.count = 0;
    page->counted = false;
    page->more = false;
    page->interrupted = false;
}

void reef__page_finish(reef__page_t *page)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    drop_texts(page);
    REEF_ARRAY_FINISH(alloc, &page->entities);
    REEF_ARRAY_FINISH(alloc, &page->components);
    REEF_ARRAY_FINISH(alloc, &page->bytes);
}
