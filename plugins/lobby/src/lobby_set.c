/*
 * Lobbies are allocated one by one, so that pointers to them last; three maps and one
 * dense array lead to them.  The public ones are also chained in order of creation, so
 * that a listing costs what it shows.  Taking a member out moves the younger ones up:
 * a lobby is small.
 */
#include "lobby_set.h"

#include <reef/array.h>
#include <reef/map.h>

#include <assert.h>

struct reef__lobby_set {
    const reef_alloc_t *alloc;
    struct {
        reef__lobby_t **items;
        size_t count, capacity;
    } all;
    reef_map_t *by_name;   /* address of the lobby, as in the others */
    reef_map_t *by_entity; /* the lobby's own */
    reef_map_t *by_member;
    reef__lobby_t *first_public, *last_public;
    size_t public_count;
};

reef__lobby_set_t *reef__lobby_set_create(const reef_alloc_t *alloc)
{
    reef__lobby_set_t *set = reef_resize(alloc, NULL, 0, sizeof(*set));

    *set = (reef__lobby_set_t){
        .alloc = alloc,
        .by_name = reef_map_create(alloc),
        .by_entity = reef_map_create(alloc),
        .by_member = reef_map_create(alloc),
    };
    return set;
}

static void free_lobby(const reef_alloc_t *alloc, reef__lobby_t *lobby)
{
    REEF_ARRAY_FINISH(alloc, &lobby->members);
    reef_resize(alloc, lobby, sizeof(*lobby), 0);
}

void reef__lobby_set_destroy(reef__lobby_set_t *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->all.count; i++) {
        free_lobby(set->alloc, set->all.items[i]);
    }
    REEF_ARRAY_FINISH(set->alloc, &set->all);
    reef_map_destroy(set->by_name);
    reef_map_destroy(set->by_entity);
    reef_map_destroy(set->by_member);
    reef_resize(set->alloc, set, sizeof(*set), 0);
}

static reef__lobby_t *find(const reef_map_t *map, reef_span_t key)
{
    uint64_t address;

    /* A map's values are numbers. NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return reef_map_find(map, key, &address) ? (reef__lobby_t *)(uintptr_t)address
                                             : NULL;
}

static uint64_t address_of(const reef__lobby_t *lobby)
{
    return (uint64_t)(uintptr_t)lobby;
}

static void publish(reef__lobby_set_t *set, reef__lobby_t *lobby)
{
    lobby->previous = set->last_public;
    if (set->last_public != NULL) {
        set->last_public->next = lobby;
    } else {
        set->first_public = lobby;
    }
    set->last_public = lobby;
    set->public_count++;
}

static void unpublish(reef__lobby_set_t *set, reef__lobby_t *lobby)
{
    if (lobby->previous != NULL) {
        lobby->previous->next = lobby->next;
    } else {
        set->first_public = lobby->next;
    }
    if (lobby->next != NULL) {
        lobby->next->previous = lobby->previous;
    } else {
        set->last_public = lobby->previous;
    }
    set->public_count--;
}

reef__lobby_t *reef__lobby_set_add(reef__lobby_set_t *set, const reef__lobby_t *model)
{
    reef__lobby_t *lobby = reef_resize(set->alloc, NULL, 0, sizeof(*lobby));

    assert(reef__lobby_set_find(set, reef_span_text(model->name)) == NULL);
    *lobby = (reef__lobby_t){
        .entity = model->entity,
        .max_members = model->max_members,
        .is_private = model->is_private,
        .place = set->all.count,
    };
    memcpy(lobby->name, model->name, sizeof(lobby->name));
    *REEF_ARRAY_PUSH(set->alloc, &set->all) = lobby;
    reef_map_set(set->by_name, reef_span_text(lobby->name), address_of(lobby));
    reef_map_set(set->by_entity, REEF_KEY(lobby->entity), address_of(lobby));
    if (!lobby->is_private) {
        publish(set, lobby);
    }
    return lobby;
}

void reef__lobby_set_remove(reef__lobby_set_t *set, reef__lobby_t *lobby)
{
    reef__lobby_t *last = set->all.items[--set->all.count];

    assert(lobby->members.count == 0);
    set->all.items[lobby->place] = last;
    last->place = lobby->place;
    reef_map_remove(set->by_name, reef_span_text(lobby->name));
    reef_map_remove(set->by_entity, REEF_KEY(lobby->entity));
    if (!lobby->is_private) {
        unpublish(set, lobby);
    }
    free_lobby(set->alloc, lobby);
}

reef__lobby_t *reef__lobby_set_find(const reef__lobby_set_t *set, reef_span_t name)
{
    return find(set->by_name, name);
}

reef__lobby_t *reef__lobby_set_at_entity(const reef__lobby_set_t *set,
                                         reef_entity_t entity)
{
    return find(set->by_entity, REEF_KEY(entity));
}

reef__lobby_t *reef__lobby_set_of(const reef__lobby_set_t *set, reef_entity_t member)
{
    return find(set->by_member, REEF_KEY(member));
}

void reef__lobby_set_enter(reef__lobby_set_t *set,
                           reef__lobby_t *lobby,
                           reef_entity_t member)
{
    assert(reef__lobby_set_of(set, member) == NULL);
    *REEF_ARRAY_PUSH(set->alloc, &lobby->members) = member;
    reef_map_set(set->by_member, REEF_KEY(member), address_of(lobby));
}

void reef__lobby_set_leave(reef__lobby_set_t *set,
                           reef__lobby_t *lobby,
                           reef_entity_t member)
{
    reef_entity_t *items = lobby->members.items;
    size_t at = 0;

    assert(reef__lobby_set_of(set, member) == lobby);
    while (items[at] != member) {
        at++;
    }
    lobby->members.count--;
    memmove(items + at, items + at + 1, (lobby->members.count - at) * sizeof(items[0]));
    reef_map_remove(set->by_member, REEF_KEY(member));
}

size_t reef__lobby_set_count(const reef__lobby_set_t *set)
{
    return set->all.count;
}

reef__lobby_t *reef__lobby_set_at(const reef__lobby_set_t *set, size_t index)
{
    assert(index < set->all.count);
    return set->all.items[index];
}

size_t reef__lobby_set_members(const reef__lobby_set_t *set)
{
    return reef_map_count(set->by_member);
}

const reef__lobby_t *reef__lobby_set_first_public(const reef__lobby_set_t *set)
{
    return set->first_public;
}

size_t reef__lobby_set_public_count(const reef__lobby_set_t *set)
{
    return set->public_count;
}
