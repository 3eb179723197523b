/*
 * The router calls one function per command, in order per client.  Membership follows
 * the `room` component: whoever removes it, a command, a disconnect or a despawn, the
 * same observer takes the member out of the room and its group and tells the others.
 */
#include <reef/chat.h>

#include <reef/components.h>
#include <reef/group.h>
#include <reef/observer.h>
#include <reef/router.h>
#include <reef/session.h>

#include "room.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    MAX_LISTED_ROOMS = 500,
    MAX_LIST_LINE = 160
};

typedef struct chat {
    reef_app_t *app;
    chat_config_t config;
    reef__rooms_t *rooms;
    bool is_moving; /* a client leaves by its own command: no notice */
} chat_t;

static void drop_broadcast(void *event)
{
    reef_buffer_unref(((chat_message_broadcast_t *)event)->payload);
}

const reef_event_type_t user_joined_room_event = {
    .name = "user_joined_room",
    .size = sizeof(user_joined_room_t),
};
const reef_event_type_t chat_message_broadcast_event = {
    .name = "chat_message_broadcast",
    .size = sizeof(chat_message_broadcast_t),
    .drop = drop_broadcast,
};

static void send_to(reef_world_t *world, reef_group_t group, reef_buffer_t *payload)
{
    reef_world_send(
        world, &(send_message_t){.group = group, .payload = reef_buffer_ref(payload)});
}

/* Membership ------------------------------------------------------------------- */

/* Runs before the `room` component goes, the rest of the client still readable. */
static void on_room_removed(reef_world_t *world,
                            reef_entity_t entity,
                            const void *value,
                            void *context)
{
    chat_t *chat = context;
    const client_id_t *id = REEF_FIND(world, entity, client_id);
    const reef__room_t *room = reef__rooms_of(chat->rooms, entity);
    reef_buffer_t *notice;
    reef_group_t group;

    (void)value;
    if (room == NULL) {
        return; /* in no room of the chat's, whatever the component says */
    }
    group = room->group;
    if (room->members.count == 1) {
        reef_group_destroy(chat->app, group);
    } else {
        reef_group_remove(chat->app, group, entity);
    }
    reef__rooms_leave(chat->rooms, entity);
    if (chat->is_moving || id == NULL) {
        return;
    }
    notice = reef_buffer_format("[System] User %" PRIu64 " has left.", id->value);
    send_to(world, group, notice);
    reef_buffer_unref(notice);
}

/* Take an entity into a room, which is made when it is new. */
static reef_error_t enter_room(chat_t *chat, reef_entity_t entity, reef_span_t name)
{
    reef_error_t error = reef__rooms_join(chat->rooms, entity, name);
    const reef__room_t *room;

    if (error != REEF_OK) {
        return error;
    }
    room = reef__rooms_of(chat->rooms, entity);
    if (room->members.count == 1) {
        reef__rooms_set_group(chat->rooms, entity, reef_group_create(chat->app));
    }
    reef_group_add(chat->app, room->group, entity);
    return REEF_OK;
}

static void leave_room(chat_t *chat, reef_world_t *world, reef_entity_t entity)
{
    chat->is_moving = true;
    reef_world_remove(world, entity, reef_world_component(world, &room_type));
    chat->is_moving = false;
}

static void say_goodbye(reef_run_t *run)
{
    reef_world_t *world = reef_run_world(run);
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        reef_world_remove(world, event->entity,
                          reef_world_component(world, &room_type));
    }
}

/* Commands --------------------------------------------------------------------- */

/* No control characters: C0, DEL, and C1, which UTF-8 spells c2 80 … c2 9f. */
static bool is_printable(reef_span_t text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];

        if (byte < 0x20 || byte == 0x7f ||
            (byte == 0xc2 && i + 1 < text.size && text.data[i + 1] < 0xa0)) {
            return false;
        }
    }
    return true;
}

static bool join(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    chat_t *chat = context;
    reef_world_t *world = reef_run_world(run);
    user_joined_room_t joined = {.entity = command->entity,
                                 .client_id = command->client_id};

    if (command->rest.size == 0) {
        return false;
    }
    if (command->rest.size > chat->config.max_room_name) {
        reef_send_text(run, command->entity,
                       "[Error] A room's name has at most %u bytes.",
                       chat->config.max_room_name);
        return true;
    }
    if (!is_printable(command->rest)) {
        reef_send_text(run, command->entity,
                       "[Error] A room's name has no control characters.");
        return true;
    }
    memcpy(joined.room, command->rest.data, command->rest.size);
    leave_room(chat, world, command->entity);
    if (enter_room(chat, command->entity, command->rest) != REEF_OK) {
        reef_send_text(run, command->entity, "[Error] There are too many rooms.");
        return true;
    }
    reef_world_add(world, command->entity, reef_world_component(world, &room_type),
                   joined.room);
    reef_send_text(run, command->entity, "[System] Joined room: %s", joined.room);
    reef_run_emit(run, &user_joined_room_event, &joined);
    return true;
}

static bool leave(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    chat_t *chat = context;
    const reef__room_t *room = reef__rooms_of(chat->rooms, command->entity);

    if (room == NULL) {
        reef_send_text(run, command->entity, "[Error] You are not in a room.");
        return true;
    }
    reef_send_text(run, command->entity, "[System] Left room: %s", room->name);
    leave_room(chat, reef_run_world(run), command->entity);
    return true;
}

static bool nick(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    chat_t *chat = context;
    username_t name = {0};

    if (command->rest.size == 0) {
        return false;
    }
    if (command->rest.size > chat->config.max_nickname) {
        reef_send_text(run, command->entity, "[Error] A nickname has at most %u bytes.",
                       chat->config.max_nickname);
        return true;
    }
    if (command->rest.data[0] == '[' || !is_printable(command->rest)) {
        reef_send_text(run, command->entity,
                       "[Error] A nickname has no control characters and does not "
                       "begin with [.");
        return true;
    }
    memcpy(name.value, command->rest.data, command->rest.size);
    reef_world_add(reef_run_world(run), command->entity,
                   reef_world_component(reef_run_world(run), &username_type), &name);
    reef_send_text(run, command->entity, "[System] Your nickname is now: %s",
                   name.value);
    return true;
}

static bool list(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    static const char head[] = "[System] Active Rooms:";
    chat_t *chat = context;
    size_t count = reef__rooms_count(chat->rooms);
    size_t shown = count < MAX_LISTED_ROOMS ? count : MAX_LISTED_ROOMS;
    size_t capacity = sizeof(head) + (shown + 1) * MAX_LIST_LINE;
    char *text = reef_resize(reef_app_alloc(chat->app), NULL, 0, capacity);
    size_t size = (size_t)snprintf(text, capacity, "%s", head);

    for (size_t i = 0; i < shown; i++) {
        const reef__room_t *room = reef__rooms_at(chat->rooms, i);

        size += (size_t)snprintf(text + size, capacity - size, "\n  - %s (%zu users)",
                                 room->name, room->members.count);
    }
    if (count == 0) {
        snprintf(text + size, capacity - size, "\n  No active rooms right now.");
    } else if (shown < count) {
        snprintf(text + size, capacity - size, "\n  … and %zu more", count - shown);
    }
    reef_send_text(run, command->entity, "%s", text);
    reef_resize(reef_app_alloc(chat->app), text, capacity, 0);
    return true;
}

static reef_buffer_t *make_line(reef_world_t *world, const reef_command_text_t *command)
{
    const username_t *name = REEF_FIND(world, command->entity, username);
    int size = (int)command->rest.size;
    const char *text = (const char *)command->rest.data;

    return name != NULL ? reef_buffer_format("%s: %.*s", name->value, size, text)
                        : reef_buffer_format("User %" PRIu64 ": %.*s",
                                             command->client_id, size, text);
}

static bool say(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    chat_t *chat = context;
    reef_world_t *world = reef_run_world(run);
    const reef__room_t *room = reef__rooms_of(chat->rooms, command->entity);
    reef_buffer_t *line;

    if (command->rest.size == 0) {
        return true;
    }
    line = make_line(world, command);
    send_to(world, room ? room->group : reef_group_everyone(chat->app), line);
    REEF_EMIT(run, chat_message_broadcast, .entity = command->entity, .payload = line);
    return true;
}

/* Plugin ----------------------------------------------------------------------- */

static const reef_prefix_t prefixes[] = {
    {"/join", join}, {"/leave", leave}, {"/nick", nick},
    {"/list", list}, {"", say},         {NULL, NULL},
};

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    chat_t *chat = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*chat));
    reef_error_t error;

    *chat = (chat_t){.app = app};
    chat->config = *(const chat_config_t *)config;
    error = reef_app_add_prefixes(app, prefixes, chat, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), chat, sizeof(*chat), 0);
        return error;
    }
    chat->rooms = reef__rooms_create(reef_app_alloc(app), chat->config.max_rooms);
    reef_world_component(reef_app_world(app), &username_type);
    reef_world_observe(reef_app_world(app), REEF_OBSERVE_REMOVE, &room_type,
                       on_room_removed, chat);
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "chat_goodbye",
                            .run = say_goodbye,
                            .exclusive = true,
                            .reads = {&user_disconnected_event},
                            .after = {"router"},
                        });
    *state = chat;
    return REEF_OK;
}

/* The world outlives the plugin, its observer included: take every member out first. */
static void cleanup(reef_app_t *app, void *state)
{
    chat_t *chat = state;
    reef_world_t *world = reef_app_world(app);

    while (reef__rooms_count(chat->rooms) > 0) {
        leave_room(chat, world, reef__rooms_at(chat->rooms, 0)->members.items[0]);
    }
    reef__rooms_destroy(chat->rooms);
    reef_resize(reef_app_alloc(app), chat, sizeof(*chat), 0);
}

const reef_plugin_t reef_chat_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "chat",
    .config_type = &chat_config_type,
    .build = build,
    .cleanup = cleanup,
};
