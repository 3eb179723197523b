/*
 * Three structures that only this file changes together: rooms by name, rooms as a
 * dense array, and each member's place (room << 32 | position).  Removing from either
 * dense list moves its last element into the hole and corrects that element's place.
 */
#include "room.h"

#include <reef/array.h>
#include <reef/map.h>

#include <assert.h>

struct reef__rooms {
    const reef_alloc_t *alloc;
    size_t max_rooms;
    struct {
        reef__room_t *items;
        size_t count, capacity;
    } list;
    reef_map_t *by_name; /* name → index in list */
    reef_map_t *places;  /* entity → room << 32 | position */
};

reef__rooms_t *reef__rooms_create(const reef_alloc_t *alloc, size_t max_rooms)
{
    reef__rooms_t *rooms = reef_resize(alloc, NULL, 0, sizeof(*rooms));

    *rooms = (reef__rooms_t){
        .alloc = alloc,
        .max_rooms = max_rooms,
        .by_name = reef_map_create(alloc),
        .places = reef_map_create(alloc),
    };
    return rooms;
}

static void finish_room(reef__rooms_t *rooms, reef__room_t *room)
{
    reef_resize(rooms->alloc, room->name, room->name_size + 1, 0);
    REEF_ARRAY_FINISH(rooms->alloc, &room->members);
}

void reef__rooms_destroy(reef__rooms_t *rooms)
{
    if (rooms == NULL) {
        return;
    }
    for (size_t i = 0; i < rooms->list.count; i++) {
        finish_room(rooms, &rooms->list.items[i]);
    }
    REEF_ARRAY_FINISH(rooms->alloc, &rooms->list);
    reef_map_destroy(rooms->by_name);
    reef_map_destroy(rooms->places);
    reef_resize(rooms->alloc, rooms, sizeof(*rooms), 0);
}

static reef_span_t name_of(const reef__room_t *room)
{
    return reef_span(room->name, room->name_size);
}

static void set_place(reef__rooms_t *rooms, size_t room, size_t position)
{
    reef_entity_t entity = rooms->list.items[room].members.items[position];

    reef_map_set(rooms->places, REEF_KEY(entity), (uint64_t)room << 32 | position);
}

static size_t add_room(reef__rooms_t *rooms, reef_span_t name)
{
    reef__room_t *room = REEF_ARRAY_PUSH(rooms->alloc, &rooms->list);

    *room = (reef__room_t){
        .name = reef_resize(rooms->alloc, NULL, 0, name.size + 1),
        .name_size = name.size,
    };
    memcpy(room->name, name.data, name.size);
    room->name[name.size] = '\0';
    reef_map_set(rooms->by_name, name, rooms->list.count - 1);
    return rooms->list.count - 1;
}

static void remove_room(reef__rooms_t *rooms, size_t index)
{
    reef__room_t *room = &rooms->list.items[index];
    size_t last = --rooms->list.count;

    reef_map_remove(rooms->by_name, name_of(room));
    finish_room(rooms, room);
    if (index == last) {
        return;
    }
    *room = rooms->list.items[last];
    reef_map_set(rooms->by_name, name_of(room), index);
    for (size_t i = 0; i < room->members.count; i++) {
        set_place(rooms, index, i);
    }
}

reef_error_t
reef__rooms_join(reef__rooms_t *rooms, reef_entity_t entity, reef_span_t name)
{
    uint64_t index;
    reef__room_t *room;

    assert(!reef_map_find(rooms->places, REEF_KEY(entity), NULL));
    if (!reef_map_find(rooms->by_name, name, &index)) {
        if (rooms->list.count >= rooms->max_rooms) {
            return REEF_E_LIMIT;
        }
        index = add_room(rooms, name);
    }
    room = &rooms->list.items[index];
    *REEF_ARRAY_PUSH(rooms->alloc, &room->members) = entity;
    set_place(rooms, index, room->members.count - 1);
    return REEF_OK;
}

bool reef__rooms_leave(reef__rooms_t *rooms, reef_entity_t entity)
{
    uint64_t place;
    size_t index;
    size_t position;
    reef__room_t *room;

    if (!reef_map_find(rooms->places, REEF_KEY(entity), &place)) {
        return false;
    }
    index = (size_t)(place >> 32);
    position = (uint32_t)place;
    room = &rooms->list.items[index];
    reef_map_remove(rooms->places, REEF_KEY(entity));
    room->members.items[position] = room->members.items[--room->members.count];
    if (position < room->members.count) {
        set_place(rooms, index, position);
    }
    if (room->members.count == 0) {
        remove_room(rooms, index);
    }
    return true;
}

const reef__room_t *reef__rooms_of(const reef__rooms_t *rooms, reef_entity_t entity)
{
    uint64_t place;

    return reef_map_find(rooms->places, REEF_KEY(entity), &place)
               ? &rooms->list.items[place >> 32]
               : NULL;
}

void reef__rooms_set_group(reef__rooms_t *rooms,
                           reef_entity_t entity,
                           reef_group_t group)
{
    uint64_t place;

    if (reef_map_find(rooms->places, REEF_KEY(entity), &place)) {
        rooms->list.items[place >> 32].group = group;
    }
}

size_t reef__rooms_count(const reef__rooms_t *rooms)
{
    return rooms->list.count;
}

const reef__room_t *reef__rooms_at(const reef__rooms_t *rooms, size_t index)
{
    assert(index < rooms->list.count);
    return &rooms->list.items[index];
}
