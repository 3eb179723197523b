/*
 * Places by slot; a dense list of the slots in use, for inspection; and for each room a
 * chain through the places that are listed, so that telling a newcomer costs what it is
 * told, however many are in the room.
 */
#include "roster.h"

#include <reef/array.h>
#include <reef/map.h>

#include <assert.h>

#define NONE UINT32_MAX

struct reef__roster {
    const reef_alloc_t *alloc;
    struct {
        reef__place_t *items; /* by slot */
        size_t count, capacity;
    } places;
    struct {
        uint32_t *items; /* slots */
        size_t count, capacity;
    } rows;
    reef_map_t *firsts; /* room → slot of the first that is listed */
};

reef__roster_t *reef__roster_create(const reef_alloc_t *alloc)
{
    reef__roster_t *roster = reef_resize(alloc, NULL, 0, sizeof(*roster));

    *roster = (reef__roster_t){.alloc = alloc, .firsts = reef_map_create(alloc)};
    return roster;
}

void reef__roster_destroy(reef__roster_t *roster)
{
    if (roster == NULL) {
        return;
    }
    for (size_t i = 0; i < roster->places.count; i++) {
        reef_buffer_unref(roster->places.items[i].line);
    }
    REEF_ARRAY_FINISH(roster->alloc, &roster->places);
    REEF_ARRAY_FINISH(roster->alloc, &roster->rows);
    reef_map_destroy(roster->firsts);
    reef_resize(roster->alloc, roster, sizeof(*roster), 0);
}

static reef__place_t *at(const reef__roster_t *roster, uint32_t slot)
{
    assert(slot < roster->places.count);
    return &roster->places.items[slot];
}

static uint32_t first_of(const reef__roster_t *roster, reef_entity_t room)
{
    uint64_t slot;

    return reef_map_find(roster->firsts, REEF_KEY(room), &slot) ? (uint32_t)slot : NONE;
}

static void chain(reef__roster_t *roster, uint32_t slot)
{
    reef__place_t *place = at(roster, slot);
    uint32_t first = first_of(roster, place->room);

    place->previous = NONE;
    place->next = first;
    if (first != NONE) {
        at(roster, first)->previous = slot;
    }
    reef_map_set(roster->firsts, REEF_KEY(place->room), slot);
}

static void unchain(reef__roster_t *roster, uint32_t slot)
{
    const reef__place_t *place = at(roster, slot);

    if (place->next != NONE) {
        at(roster, place->next)->previous = place->previous;
    }
    if (place->previous != NONE) {
        at(roster, place->previous)->next = place->next;
    } else if (place->next != NONE) {
        reef_map_set(roster->firsts, REEF_KEY(place->room), place->next);
    } else {
        reef_map_remove(roster->firsts, REEF_KEY(place->room));
    }
}

reef__place_t *
reef__roster_add(reef__roster_t *roster, uint32_t slot, reef_entity_t entity)
{
    reef__place_t *place;

    while (roster->places.count <= slot) {
        *REEF_ARRAY_PUSH(roster->alloc, &roster->places) = (reef__place_t){0};
    }
    place = at(roster, slot);
    assert(place->entity == 0);
    *place = (reef__place_t){.entity = entity,
                             .next = NONE,
                             .previous = NONE,
                             .row = (uint32_t)roster->rows.count};
    *REEF_ARRAY_PUSH(roster->alloc, &roster->rows) = slot;
    return place;
}

void reef__roster_remove(reef__roster_t *roster, uint32_t slot)
{
    reef__place_t *place = at(roster, slot);
    uint32_t last = roster->rows.items[--roster->rows.count];

    reef__roster_list(roster, slot, false);
    reef_buffer_unref(place->line);
    roster->rows.items[place->row] = last;
    at(roster, last)->row = place->row;
    *place = (reef__place_t){0};
}

reef__place_t *
reef__roster_find(reef__roster_t *roster, uint32_t slot, reef_entity_t entity)
{
    return slot < roster->places.count && entity != 0 &&
                   at(roster, slot)->entity == entity
               ? at(roster, slot)
               : NULL;
}

void reef__roster_set_line(reef__roster_t *roster, uint32_t slot, reef_buffer_t *line)
{
    reef__place_t *place = at(roster, slot);

    reef_buffer_ref(line);
    reef_buffer_unref(place->line);
    place->line = line;
}

void reef__roster_set_room(reef__roster_t *roster, uint32_t slot, reef_entity_t room)
{
    reef__roster_list(roster, slot, false);
    at(roster, slot)->room = room;
}

void reef__roster_list(reef__roster_t *roster, uint32_t slot, bool is_listed)
{
    reef__place_t *place = at(roster, slot);

    if (place->is_listed) {
        unchain(roster, slot);
    }
    if (is_listed) {
        chain(roster, slot);
    }
    place->is_listed = is_listed;
}

static const reef__place_t *place_or_null(const reef__roster_t *roster, uint32_t slot)
{
    return slot != NONE ? at(roster, slot) : NULL;
}

const reef__place_t *reef__roster_first(const reef__roster_t *roster,
                                        reef_entity_t room)
{
    return place_or_null(roster, first_of(roster, room));
}

const reef__place_t *reef__roster_next(const reef__roster_t *roster,
                                       const reef__place_t *place)
{
    return place_or_null(roster, place->next);
}

size_t reef__roster_count(const reef__roster_t *roster)
{
    return roster->rows.count;
}

const reef__place_t *reef__roster_at(const reef__roster_t *roster, size_t row)
{
    assert(row < roster->rows.count);
    return at(roster, roster->rows.items[row]);
}
