/*
 * A group is a dense array of slots, and a link knows its place in each of its groups.
 * Connections on event loops are members there too (transport/fan.h), told by orders
 * that travel in one ring with the messages; so before a membership changes, what was
 * emitted earlier is handed on.  What a group was sent is counted for the group, and a
 * link remembers where the count stood when it came.
 */
#include <reef/group.h>

#include "session_table.h"

#include "app.h"
#include "buffer.h"
#include "transport/io.h"

#include <assert.h>

static reef_group_t handle_of(const reef__sessions_t *sessions, uint32_t number)
{
    return (uint64_t)sessions->groups.items[number].generation << 32 | number;
}

/* The group of a handle, or NULL when it has ended. */
static reef__group_t *find(const reef__sessions_t *sessions, reef_group_t handle)
{
    uint32_t number = (uint32_t)handle;
    uint32_t generation = (uint32_t)(handle >> 32);

    if (number >= sessions->groups.count || generation % 2 == 0 ||
        sessions->groups.items[number].generation != generation) {
        return NULL;
    }
    return &sessions->groups.items[number];
}

static reef__link_group_t *find_in_link(const reef__link_t *link, uint32_t number)
{
    for (size_t i = 0; i < link->groups.count; i++) {
        if (link->groups.items[i].group == number) {
            return &link->groups.items[i];
        }
    }
    return NULL;
}

reef_group_t reef_group_create(reef_app_t *app)
{
    reef__sessions_t *sessions = app->sessions;
    uint32_t number;

    if (sessions->free_groups.count > 0) {
        number = sessions->free_groups.items[--sessions->free_groups.count];
    } else {
        number = (uint32_t)sessions->groups.count;
        *REEF_ARRAY_PUSH(sessions->alloc, &sessions->groups) = (reef__group_t){0};
    }
    sessions->groups.items[number].generation++;
    return handle_of(sessions, number);
}

static void leave(reef__sessions_t *sessions, uint32_t slot, uint32_t number)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    reef__group_t *group = &sessions->groups.items[number];
    reef__link_group_t *place = find_in_link(link, number);
    uint32_t last = group->members.items[--group->members.count];

    group->members.items[place->position] = last;
    find_in_link(reef__link_at(sessions, last), number)->position = place->position;
    if (group->messages != place->messages) { /* which the group will not show now */
        link->messages_out += group->messages - place->messages;
        link->bytes_out += group->bytes - place->bytes;
        reef__link_mark_dirty(sessions, slot);
    }
    *place = link->groups.items[--link->groups.count];
    if (link->transport->leave != NULL) {
        link->transport->leave(link->connection, number);
    } else {
        group->direct_count--;
    }
}

void reef_group_destroy(reef_app_t *app, reef_group_t handle)
{
    reef__sessions_t *sessions = app->sessions;
    reef__group_t *group = find(sessions, handle);
    uint32_t number = (uint32_t)handle;
    uint32_t generation;

    if (group == NULL) {
        return;
    }
    reef__sessions_send_pending(sessions);
    while (group->members.count > 0) {
        leave(sessions, group->members.items[0], number);
    }
    reef__ios_end_group(app->ios, number);
    REEF_ARRAY_FINISH(sessions->alloc, &group->members);
    generation = group->generation + 1;
    *group = (reef__group_t){.generation = generation};
    *REEF_ARRAY_PUSH(sessions->alloc, &sessions->free_groups) = number;
}

/* Most are in one or two groups, and there are very many links. */
static reef__link_group_t *add_place(reef__sessions_t *sessions, reef__link_t *link)
{
    size_t before = link->groups.capacity;

    if (link->groups.count == before) {
        link->groups.capacity = before > 0 ? before * 2 : 1;
        link->groups.items = reef_resize(
            sessions->alloc, link->groups.items, before * sizeof(reef__link_group_t),
            link->groups.capacity * sizeof(reef__link_group_t));
    }
    return &link->groups.items[link->groups.count++];
}

bool reef_group_add(reef_app_t *app, reef_group_t handle, reef_entity_t client)
{
    reef__sessions_t *sessions = app->sessions;
    uint32_t number = (uint32_t)handle;
    uint32_t slot = reef__sessions_slot_of(sessions, client);
    reef__group_t *group = find(sessions, handle);
    reef__link_t *link;

    if (group == NULL || slot == REEF__NO_SLOT) {
        return false;
    }
    link = reef__link_at(sessions, slot);
    if (link->connection == NULL || find_in_link(link, number) != NULL) {
        return false;
    }
    reef__sessions_send_pending(sessions);
    *REEF_ARRAY_PUSH(sessions->alloc, &group->members) = slot;
    *add_place(sessions, link) = (reef__link_group_t){
        .group = number,
        .position = (uint32_t)(group->members.count - 1),
        .messages = group->messages,
        .bytes = group->bytes,
    };
    if (link->transport->join != NULL) {
        link->transport->join(link->connection, number);
    } else {
        group->direct_count++;
    }
    return true;
}

bool reef_group_remove(reef_app_t *app, reef_group_t handle, reef_entity_t client)
{
    reef__sessions_t *sessions = app->sessions;
    uint32_t slot = reef__sessions_slot_of(sessions, client);

    if (!reef_group_has(app, handle, client)) {
        return false;
    }
    reef__sessions_send_pending(sessions);
    leave(sessions, slot, (uint32_t)handle);
    return true;
}

bool reef_group_has(const reef_app_t *app, reef_group_t handle, reef_entity_t client)
{
    const reef__sessions_t *sessions = app->sessions;
    uint32_t slot = reef__sessions_slot_of(sessions, client);

    return slot != REEF__NO_SLOT && find(sessions, handle) != NULL &&
           find_in_link(reef__link_at(sessions, slot), (uint32_t)handle) != NULL;
}

uint32_t reef_group_count(const reef_app_t *app, reef_group_t handle)
{
    const reef__group_t *group = find(app->sessions, handle);

    return group ? (uint32_t)group->members.count : 0;
}

reef_group_t reef_group_everyone(const reef_app_t *app)
{
    return app->sessions->everyone;
}

void reef__groups_leave_all(reef__sessions_t *sessions, uint32_t slot)
{
    const reef__link_t *link = reef__link_at(sessions, slot);

    while (link->groups.count > 0) {
        leave(sessions, slot, link->groups.items[link->groups.count - 1].group);
    }
}

/* Members whose transport knows nothing of groups. */
static void send_directly(reef__sessions_t *sessions,
                          const reef__group_t *group,
                          const send_message_t *message)
{
    for (size_t i = 0; i < group->members.count; i++) {
        uint32_t slot = group->members.items[i];

        if (reef__link_at(sessions, slot)->transport->join == NULL) {
            reef_buffer_ref(message->payload);
            reef__sessions_send_to(sessions, slot, message);
        }
    }
}

void reef__group_send(reef__sessions_t *sessions, const send_message_t *message)
{
    reef__group_t *group = find(sessions, message->group);
    size_t size = reef__buffer_size(message->payload);

    assert(!reef__buffer_is_bundle(message->payload) && "a bundle is for one client");
    if (group == NULL || group->members.count == 0) {
        return;
    }
    if (group->direct_count < group->members.count) {
        reef__ios_send_to_group(sessions->app->ios, (uint32_t)message->group, message);
    }
    if (group->direct_count > 0) {
        send_directly(sessions, group, message);
    }
    group->messages++;
    group->bytes += size;
    sessions->messages_out += group->members.count;
    sessions->bytes_out += group->members.count * size;
}

void reef__group_close(reef__sessions_t *sessions,
                       reef_group_t handle,
                       uint16_t code,
                       const char *text)
{
    const reef__group_t *group = find(sessions, handle);

    for (size_t i = 0; group != NULL && i < group->members.count; i++) {
        reef__link_want_close(sessions, group->members.items[i], code, text,
                              REEF_DISCONNECT_SLOW);
    }
}

void reef__groups_count(const reef__sessions_t *sessions,
                        const reef__link_t *link,
                        uint64_t *messages,
                        uint64_t *bytes)
{
    *messages = 0;
    *bytes = 0;
    for (size_t i = 0; i < link->groups.count; i++) {
        const reef__link_group_t *place = &link->groups.items[i];
        const reef__group_t *group = &sessions->groups.items[place->group];

        *messages += group->messages - place->messages;
        *bytes += group->bytes - place->bytes;
    }
}

void reef__groups_mark_dirty(reef__sessions_t *sessions)
{
    for (size_t i = 0; i < sessions->groups.count; i++) {
        reef__group_t *group = &sessions->groups.items[i];

        if (group->messages == group->shown_messages) {
            continue;
        }
        group->shown_messages = group->messages;
        for (size_t j = 0; j < group->members.count; j++) {
            reef__link_mark_dirty(sessions, group->members.items[j]);
        }
    }
}

void reef__groups_create_first(reef__sessions_t *sessions)
{
    sessions->everyone = reef_group_create(sessions->app);
}

void reef__groups_finish(reef__sessions_t *sessions)
{
    for (size_t i = 0; i < sessions->groups.count; i++) {
        REEF_ARRAY_FINISH(sessions->alloc, &sessions->groups.items[i].members);
    }
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->groups);
    REEF_ARRAY_FINISH(sessions->alloc, &sessions->free_groups);
}
