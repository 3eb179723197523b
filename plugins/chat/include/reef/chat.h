/**
 * @file chat.h
 * @brief Chat over text messages: nicknames, rooms, and what is said in them.
 *
 * Three plugins: `chat_core` (nicknames, and talking), `chat_rooms` (rooms, for which
 * it needs `chat_core`), and `chat`, which is both in one and has the settings of both
 * in its section.  What clients say and are told: docs/plugins/chat.md.
 *
 * A room is an entity, and its members point to it (room.h).  Whoever adds or removes
 * `in_room` moves a client: its group, its component `room`, the notices and the events
 * here all follow, and so they do when the client or the room is despawned.
 *
 * An application reacts to the events without touching the plugin:
 *
 *     static void greet(reef_run_t *run)
 *     {
 *         const user_joined_room_t *joined;
 *
 *         while ((joined = REEF_NEXT(run, user_joined_room)) != NULL) {
 *             reef_send_text(run, joined->entity, "[System] Welcome to %s!",
 *                            joined->room);
 *         }
 *     }
 *
 *     reef_app_add_system(app, REEF_UPDATE,
 *                         &(reef_system_desc_t){.name = "greet",
 *                                               .run = greet,
 *                                               .reads = {&user_joined_room_event},
 *                                               .emits = {&send_message_event},
 *                                               .after = {"router"}});
 *
 * and it may have rooms of its own, which stay when they are empty: an entity to which
 * it adds `room_channel` with a name that no other room has.
 */
#ifndef REEF_CHAT_H
#define REEF_CHAT_H

#include <reef/buffer.h>
#include <reef/event.h>
#include <reef/plugin.h>

#define REEF__CHAT_CORE_FIELDS                                                         \
    REEF_U32(max_nickname, .initial = "32", .min = 1, .max = 63, .unit = "B",          \
             .doc = "longest nickname"),                                               \
        REEF_BOOL(unique_nicknames, .initial = "false",                                \
                  .doc = "a nickname belongs to one client at a time"),                \
        REEF_U32(max_text, .initial = "0", .max = 67108864, .unit = "B",               \
                 .doc = "longest text that is said; 0 = as long as the transport "     \
                        "takes")

#define REEF__CHAT_ROOMS_FIELDS                                                        \
    REEF_U32(max_rooms, .initial = "10000", .min = 1, .max = 1000000,                  \
             .doc = "rooms at once"),                                                  \
        REEF_U32(max_room_name, .initial = "64", .min = 1, .max = 127, .unit = "B",    \
                 .doc = "longest name of a room")

/** Sections `chat_core`, `chat_rooms` and `chat`. */
REEF_COMPONENT(chat_core_config, 0, REEF__CHAT_CORE_FIELDS);
REEF_COMPONENT(chat_rooms_config, 0, REEF__CHAT_ROOMS_FIELDS);
REEF_COMPONENT(chat_config, 0, REEF__CHAT_ROOMS_FIELDS, REEF__CHAT_CORE_FIELDS);

/** A client, or whatever else points to a room, has come into it.  `user_left_room` of
 *  the room before, if there was one, comes first. */
typedef struct user_joined_room {
    reef_entity_t entity;
    uint64_t client_id; /* 0 = it is no client */
    char room[128];
    reef_entity_t room_entity;
} user_joined_room_t;

/** It is in the room no more, however that came; its entity and the room's may be
 *  despawned by now. */
typedef struct user_left_room {
    reef_entity_t entity;
    uint64_t client_id;
    char room[128];
    reef_entity_t room_entity;
} user_left_room_t;

/** A client took another nickname by `/nick`. */
typedef struct nick_changed {
    reef_entity_t entity;
    uint64_t client_id;
    char before[64]; /* empty = it had none */
    char after[64];
} nick_changed_t;

/** A client said something. */
typedef struct chat_message_broadcast {
    reef_entity_t entity;
    uint64_t client_id;
    reef_entity_t room_entity; /* where; 0 = to everybody */
    reef_buffer_t *payload; /* as sent, "NAME: text"; borrowed as long as the event */
    reef_span_t text;       /* of it, without "NAME: " */
} chat_message_broadcast_t;

extern const reef_event_type_t user_joined_room_event;
extern const reef_event_type_t user_left_room_event;
extern const reef_event_type_t nick_changed_event;
extern const reef_event_type_t chat_message_broadcast_event;

/** Both in one. */
extern const reef_plugin_t reef_chat_plugin;

/** `/nick`, and talk: to the room that a client is in, whoever put it there, or to
 *  everybody.  reef_main() runs it only where `plugins.enabled` names it; a `main` that
 *  always wants it clears `off` in a copy. */
extern const reef_plugin_t reef_chat_core_plugin;

/** `/join`, `/leave`, `/list`.  Likewise. */
extern const reef_plugin_t reef_chat_rooms_plugin;

#endif /* REEF_CHAT_H */
