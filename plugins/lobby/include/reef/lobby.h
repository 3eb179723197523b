/**
 * @file lobby.h
 * @brief Lobbies: named groups of a few clients that wait for each other.
 *
 * Commands: `/lobby create NAME [max] [private]`, `join NAME`, `leave`, `list`,
 * `info NAME`.  A lobby is an entity with `lobby`; its members point to it with
 * `in_lobby`.  Whatever ends that relation (a command, a disconnect, a despawn) takes
 * the member out, and a lobby without members ends.  The owner is the oldest member.
 *
 * The plugin says who waits with whom; what they do when they are complete is the
 * application's:
 *
 *     static void start_matches(reef_run_t *run)
 *     {
 *         const lobby_ready_t *ready;
 *
 *         while ((ready = REEF_NEXT(run, lobby_ready)) != NULL) {
 *             for (uint32_t i = 0; i < ready->member_count; i++) {
 *                 reef_send_text(run, ready->members[i], "[Match] %s", ready->name);
 *             }
 *         }
 *     }
 *
 *     reef_app_add_system(app, REEF_UPDATE, &(reef_system_desc_t){
 *         .name = "start_matches", .run = start_matches,
 *         .reads = {&lobby_ready_event}, .emits = {&send_message_event},
 *         .after = {"router"}});
 *
 * A system that is exclusive may also move clients itself, past the limit of the
 * members too: `REEF_RELATE(world, client, in_lobby, lobby)`,
 * `reef_world_remove(world, client, reef_world_component(world, &in_lobby_type))`;
 * despawning the lobby's entity sends all of them home.
 */
#ifndef REEF_LOBBY_H
#define REEF_LOBBY_H

#include <reef/event.h>
#include <reef/plugin.h>
#include <reef/relation.h>

enum {
    REEF_LOBBY_NAME = 64 /* bytes, with the NUL */
};

/** Section `lobby`. */
REEF_COMPONENT(lobby_config,
               0,
               REEF_U32(default_max_members,
                        .initial = "4",
                        .min = 2,
                        .max = 1024,
                        .doc = "members of a lobby created without a number"),
               REEF_U32(max_members,
                        .initial = "64",
                        .min = 2,
                        .max = 1024,
                        .doc = "members that a lobby may be created for"),
               REEF_U32(max_lobbies,
                        .initial = "10000",
                        .min = 1,
                        .max = 1000000,
                        .doc = "lobbies at once"),
               REEF_U32(max_name,
                        .initial = "32",
                        .min = 1,
                        .max = REEF_LOBBY_NAME - 1,
                        .unit = "B",
                        .doc = "longest name of a lobby"),
               REEF_U32(max_listed,
                        .initial = "100",
                        .min = 1,
                        .max = 400,
                        .doc = "lobbies that /lobby list names at most"));

/** Of a lobby's entity. */
REEF_COMPONENT(lobby,
               REEF_READ_ONLY,
               REEF_STRING(name, REEF_LOBBY_NAME),
               REEF_U32(max_members),
               REEF_BOOL(is_private,
                         .doc = "not listed, its members unknown to others"),
               REEF_ENTITY(owner, .doc = "its oldest member"));

/** From a member to its lobby. */
REEF_RELATION(in_lobby, REEF_READ_ONLY, REEF_DETACH);

typedef struct player_joined_lobby {
    reef_entity_t entity;
    uint64_t client_id;
    reef_entity_t lobby;
    char name[REEF_LOBBY_NAME];
} player_joined_lobby_t;

typedef struct player_left_lobby {
    reef_entity_t entity; /* may be dead */
    uint64_t client_id;
    reef_entity_t lobby;
    reef_entity_t owner; /* the lobby's from now on; 0 = that was the last member */
    char name[REEF_LOBBY_NAME];
} player_left_lobby_t;

/** A lobby has as many members as it was created for.  Emitted each time that it fills;
 *  who was in it then may have left since. */
typedef struct lobby_ready {
    reef_entity_t lobby;
    char name[REEF_LOBBY_NAME];
    uint32_t member_count;
    reef_entity_t *members; /* in order of joining; borrowed while the event lives */
} lobby_ready_t;

/** A lobby has ended: emptied, or its entity or component has gone. */
typedef struct lobby_dissolved {
    reef_entity_t lobby; /* may be dead */
    char name[REEF_LOBBY_NAME];
} lobby_dissolved_t;

extern const reef_event_type_t player_joined_lobby_event;
extern const reef_event_type_t player_left_lobby_event;
extern const reef_event_type_t lobby_ready_event;
extern const reef_event_type_t lobby_dissolved_event;

extern const reef_plugin_t reef_lobby_plugin;

#endif /* REEF_LOBBY_H */
