/*
 * A dense array, and two maps to positions in it.  Removing moves the last one into
 * the hole and corrects both maps.
 */
#include "named.h"

#include <reef/array.h>
#include <reef/map.h>

#include <assert.h>

struct reef__names {
    const reef_alloc_t *alloc;
    struct {
        reef__named_t *items;
        size_t count, capacity;
    } list;
    reef_map_t *by_name;
    reef_map_t *by_entity;
};

reef__names_t *reef__names_create(const reef_alloc_t *alloc)
{
    reef__names_t *names = reef_resize(alloc, NULL, 0, sizeof(*names));

    *names = (reef__names_t){
        .alloc = alloc,
        .by_name = reef_map_create(alloc),
        .by_entity = reef_map_create(alloc),
    };
    return names;
}

void reef__names_destroy(reef__names_t *names)
{
    if (names == NULL) {
        return;
    }
    REEF_ARRAY_FINISH(names->alloc, &names->list);
    reef_map_destroy(names->by_name);
    reef_map_destroy(names->by_entity);
    reef_resize(names->alloc, names, sizeof(*names), 0);
}

static void set_position(reef__names_t *names, size_t position)
{
    const reef__named_t *named = &names->list.items[position];

    reef_map_set(names->by_name, reef_span_text(named->name), position);
    reef_map_set(names->by_entity, REEF_KEY(named->entity), position);
}

bool reef__names_add(reef__names_t *names, const reef__named_t *named)
{
    assert(!reef_map_find(names->by_entity, REEF_KEY(named->entity), NULL));
    if (reef_map_find(names->by_name, reef_span_text(named->name), NULL)) {
        return false;
    }
    *REEF_ARRAY_PUSH(names->alloc, &names->list) = *named;
    set_position(names, names->list.count - 1);
    return true;
}

void reef__names_remove(reef__names_t *names, reef_entity_t entity)
{
    const reef__named_t *named = reef__names_of(names, entity);
    size_t position;

    assert(named != NULL);
    position = (size_t)(named - names->list.items);
    reef_map_remove(names->by_name, reef_span_text(named->name));
    reef_map_remove(names->by_entity, REEF_KEY(entity));
    names->list.items[position] = names->list.items[--names->list.count];
    if (position < names->list.count) {
        set_position(names, position);
    }
}

const reef__named_t *reef__names_of(const reef__names_t *names, reef_entity_t entity)
{
    uint64_t position;

    return reef_map_find(names->by_entity, REEF_KEY(entity), &position)
               ? &names->list.items[position]
               : NULL;
}

const reef__named_t *reef__names_find(const reef__names_t *names, reef_span_t name)
{
    uint64_t position;

    return reef_map_find(names->by_name, name, &position) ? &names->list.items[position]
                                                          : NULL;
}

size_t reef__names_count(const reef__names_t *names)
{
    return names->list.count;
}

const reef__named_t *reef__names_at(const reef__names_t *names, size_t index)
{
    assert(index < names->list.count);
    return &names->list.items[index];
}
