/* Three plugins out of two parts, and the events of both. */
#include "part.h"

static void drop_broadcast(void *event)
{
    reef_buffer_unref(((chat_message_broadcast_t *)event)->payload);
}

const reef_event_type_t user_joined_room_event = {
    .name = "user_joined_room",
    .size = sizeof(user_joined_room_t),
};
const reef_event_type_t user_left_room_event = {
    .name = "user_left_room",
    .size = sizeof(user_left_room_t),
};
const reef_event_type_t nick_changed_event = {
    .name = "nick_changed",
    .size = sizeof(nick_changed_t),
};
const reef_event_type_t chat_message_broadcast_event = {
    .name = "chat_message_broadcast",
    .size = sizeof(chat_message_broadcast_t),
    .drop = drop_broadcast,
};

/* chat_core ------------------------------------------------------------------------ */

static reef_error_t
build_core(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    return reef__talk_create(app, config, (reef__talk_t **)state, failure);
}

static void clean_core(reef_app_t *app, void *state)
{
    (void)app;
    reef__talk_destroy(state);
}

const reef_plugin_t reef_chat_core_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "chat_core",
    .off = true,
    .config_type = &chat_core_config_type,
    .build = build_core,
    .cleanup = clean_core,
};

/* chat_rooms ----------------------------------------------------------------------- */

static reef_error_t
build_rooms(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    return reef__doors_create(app, config, (reef__doors_t **)state, failure);
}

static void clean_rooms(reef_app_t *app, void *state)
{
    (void)app;
    reef__doors_destroy(state);
}

static const char *const rooms_needs[] = {"chat_core", NULL};

const reef_plugin_t reef_chat_rooms_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "chat_rooms",
    .needs = rooms_needs,
    .off = true,
    .config_type = &chat_rooms_config_type,
    .build = build_rooms,
    .cleanup = clean_rooms,
};

/* chat ----------------------------------------------------------------------------- */

typedef struct chat {
    reef__talk_t *talk;
    reef__doors_t *doors;
} chat_t;

static void clean_both(reef_app_t *app, void *state)
{
    chat_t *chat = state;

    reef__doors_destroy(chat->doors);
    reef__talk_destroy(chat->talk);
    reef_resize(reef_app_alloc(app), chat, sizeof(*chat), 0);
}

static reef_error_t
build_both(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    const chat_config_t *both = config;
    const chat_core_config_t core = {.max_nickname = both->max_nickname,
                                     .unique_nicknames = both->unique_nicknames,
                                     .max_text = both->max_text};
    const chat_rooms_config_t rooms = {.max_rooms = both->max_rooms,
                                       .max_room_name = both->max_room_name};
    chat_t *chat = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*chat));
    reef_error_t error;

    *chat = (chat_t){0};
    error = reef__talk_create(app, &core, &chat->talk, failure);
    if (error == REEF_OK) {
        error = reef__doors_create(app, &rooms, &chat->doors, failure);
    }
    if (error != REEF_OK) {
        clean_both(app, chat);
        return error;
    }
    *state = chat;
    return REEF_OK;
}

const reef_plugin_t reef_chat_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "chat",
    .config_type = &chat_config_type,
    .build = build_both,
    .cleanup = clean_both,
};
