/**
 * @file room.h
 * @brief Rooms as the world sees them, whoever makes them.
 *
 * A room is an entity with `room_channel`, and its members point to it with the
 * relation `in_room`, so a client is in one room at most and a room that goes takes
 * nobody along.  A plugin that owns rooms (the chat) makes both; others look:
 *
 *     room = REEF_TARGET(world, client, in_room);           where is it
 *     members = REEF_SOURCES(world, room, in_room, &count); who is with it
 *     group = reef_room_audience(app, client);              whom does it reach
 *
 * The component `room` of a member repeats the room's name for people and queries.
 */
#ifndef REEF_ROOM_H
#define REEF_ROOM_H

#include <reef/components.h>
#include <reef/group.h>
#include <reef/relation.h>

/** Operators may set and remove it too. */
REEF_RELATION(in_room, 0, REEF_DETACH);

/** Of a room: its name, and the group of its members. */
REEF_COMPONENT(room_channel,
               REEF_READ_ONLY,
               REEF_STRING(name, 128),
               REEF_U64(group, .doc = "handle of the group of its members"));

/** Those who can see a client: the group of its room, or everybody when it is in none.
 *  World thread. */
reef_group_t reef_room_audience(reef_app_t *app, reef_entity_t client);

#endif /* REEF_ROOM_H */
