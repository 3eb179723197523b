/**
 * @file presence.h
 * @brief Who is online, away, busy or offline, told to those who can see it.
 *
 * Command: `/status online|away|busy`.  What changed in a frame is told once, at its
 * end, as `<id> <status>` to those who can see the client: the members of its room, or
 * everybody when it is in none.  A client that goes is `offline`.  Everybody is online
 * until something else was said, so nobody is told of arrivals; who arrives, or enters
 * a room, is told of those that it now sees and that are not online.  The sight of a
 * client changes with its room: a room that it comes to from another one, and everybody
 * when it leaves its room, are told what they could not see meanwhile.
 *
 * The component `presence` is there as long as the client is not offline.  An
 * application may set it like any component, by reef_world_add() or a command (not
 * through a pointer), and it is told in the same way; `since_ms` may be left 0; or
 * react to the event:
 *
 *     static void pause_games(reef_run_t *run)
 *     {
 *         const presence_changed_t *changed;
 *
 *         while ((changed = REEF_NEXT(run, presence_changed)) != NULL) {
 *             if (changed->to == REEF_PRESENCE_AWAY) {
 *                 pause_game_of(changed->entity);
 *             }
 *         }
 *     }
 *
 *     reef_app_add_system(app, REEF_UPDATE, &(reef_system_desc_t){
 *         .name = "pause_games", .run = pause_games,
 *         .reads = {&presence_changed_event}, .after = {"presence_tell"}});
 */
#ifndef REEF_PRESENCE_H
#define REEF_PRESENCE_H

#include <reef/event.h>
#include <reef/plugin.h>
#include <reef/world.h>

/** Section `presence`. */
REEF_COMPONENT(presence_config,
               0,
               REEF_U32(max_state,
                        .initial = "100",
                        .max = 10000,
                        .doc = "others of whom a client is told when it arrives or "
                               "enters a room, those who changed last"),
               REEF_U32(min_interval_ms,
                        .initial = "0",
                        .max = 60000,
                        .unit = "ms",
                        .doc = "least time between two news of one client; 0 = a "
                               "frame"));

typedef enum reef_presence_status {
    REEF_PRESENCE_ONLINE,
    REEF_PRESENCE_AWAY,
    REEF_PRESENCE_BUSY,
    REEF_PRESENCE_OFFLINE, /* in events only */
} reef_presence_status_t;

static const reef_enum_value_t reef_presence_names[] = {
    {"online", REEF_PRESENCE_ONLINE},
    {"away", REEF_PRESENCE_AWAY},
    {"busy", REEF_PRESENCE_BUSY},
};

/** Of each client. */
REEF_COMPONENT(presence,
               REEF_READ_ONLY,
               REEF_ENUM(status, reef_presence_names),
               REEF_U64(since_ms, .unit = "ms", .doc = "since 1970, UTC"));

/** At the end of the frame: what it was when it was told last, and what it is. */
typedef struct presence_changed {
    reef_entity_t entity; /* may be dead when `to` is offline */
    uint64_t client_id;
    reef_presence_status_t from, to;
} presence_changed_t;

extern const reef_event_type_t presence_changed_event;

extern const reef_plugin_t reef_presence_plugin;

#endif /* REEF_PRESENCE_H */
