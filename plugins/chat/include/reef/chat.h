/**
 * @file chat.h
 * @brief Chat with rooms over text messages.
 *
 * Commands: `/join ROOM`, `/leave`, `/nick NAME`, `/list`; anything else is said to the
 * sender's room, or to every client when it is in none.  A client is in one room: the
 * one its `room` component names.
 */
#ifndef REEF_CHAT_H
#define REEF_CHAT_H

#include <reef/buffer.h>
#include <reef/event.h>
#include <reef/plugin.h>

/** Section `chat`. */
REEF_COMPONENT(chat_config,
               0,
               REEF_U32(max_rooms,
                        .initial = "10000",
                        .min = 1,
                        .max = 1000000,
                        .doc = "rooms at once"),
               REEF_U32(max_room_name,
                        .initial = "64",
                        .min = 1,
                        .max = 127,
                        .unit = "B",
                        .doc = "longest name of a room"),
               REEF_U32(max_nickname,
                        .initial = "32",
                        .min = 1,
                        .max = 63,
                        .unit = "B",
                        .doc = "longest nickname"));

typedef struct user_joined_room {
    reef_entity_t entity;
    uint64_t client_id;
    char room[128];
} user_joined_room_t;

typedef struct chat_message_broadcast {
    reef_entity_t entity;
    reef_buffer_t *payload; /* as sent, "NAME: text"; borrowed while the event lives */
} chat_message_broadcast_t;

extern const reef_event_type_t user_joined_room_event;
extern const reef_event_type_t chat_message_broadcast_event;

extern const reef_plugin_t reef_chat_plugin;

#endif /* REEF_CHAT_H */
