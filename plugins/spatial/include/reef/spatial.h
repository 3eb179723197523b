/**
 * @file spatial.h
 * @brief Who is near whom: positions of clients and others, told to those in range.
 *
 * A client is in space from its first `/move x y [z]` on.  It then hears `pos <id> x y
 * [z]` of whatever comes into range or moves there, itself included, and `gone <id>` of
 * what leaves it.  Clients of reef.v1 say `spatial.move` and hear `spatial.update`.
 *
 * Any other entity is in space when it has `spatial` and a position, `position_2d` or
 * in the modes of three axes `position_3d`; systems move it by writing that:
 *
 *     fish = reef_commands_spawn(commands, REEF_RANGE_WORLD);
 *     REEF_COMMAND_ADD(commands, fish, position_2d, .x = 10);
 *     REEF_COMMAND_ADD(commands, fish, spatial);
 *
 * An application reacts to the events without touching the plugin:
 *
 *     static void greet(reef_run_t *run)
 *     {
 *         const aoi_entered_t *entered;
 *
 *         while ((entered = REEF_NEXT(run, aoi_entered)) != NULL) {
 *             reef_send_text(run, entered->observer, "there is %" PRIu64, entered->id);
 *         }
 *     }
 *
 *     reef_app_add_system(app, REEF_UPDATE, &(reef_system_desc_t){
 *         .name = "greet", .run = greet, .reads = {&aoi_entered_event},
 *         .emits = {&send_message_event}});
 */
#ifndef REEF_SPATIAL_H
#define REEF_SPATIAL_H

#include <reef/event.h>
#include <reef/plugin.h>

typedef enum reef_spatial_mode {
    REEF_SPATIAL_2D,      /* x and y */
    REEF_SPATIAL_3D_FLAT, /* x, y and z; range and cells on x and z, y is passed on */
    REEF_SPATIAL_3D,      /* x, y and z */
} reef_spatial_mode_t;

static const reef_enum_value_t reef_spatial_modes[] = {
    {"2d", REEF_SPATIAL_2D},
    {"3d_flat", REEF_SPATIAL_3D_FLAT},
    {"3d", REEF_SPATIAL_3D},
};

/** Section `spatial`. */
REEF_COMPONENT(
    spatial_config,
    0,
    REEF_ENUM(mode,
              reef_spatial_modes,
              .initial = "2d",
              .doc = "axes of positions: 2d, 3d_flat (range on x and z) or 3d"),
    REEF_F64(interest_radius,
             .initial = "100",
             .min = 0.01,
             .max = 1000000,
             .unit = "m",
             .doc = "how near others come into sight"),
    REEF_F64(leave_ratio,
             .initial = "1.1",
             .min = 1,
             .max = 10,
             .doc = "they leave it this many times as far, so that nobody flickers"),
    REEF_F64(cell_size,
             .initial = "50",
             .min = 0.01,
             .max = 1000000,
             .unit = "m",
             .doc = "side of the cells of client_zone_changed and of the search"),
    REEF_F64(max_speed,
             .initial = "0",
             .min = 0,
             .max = 1000000000,
             .unit = "m/s",
             .doc = "of moves that clients ask for; 0 = none"),
    REEF_F64(speed_slack_s,
             .initial = "0.25",
             .min = 0,
             .max = 60,
             .unit = "s",
             .doc = "by how much moves may bunch up on their way"),
    REEF_F64(center_x,
             .initial = "0",
             .min = -1e7,
             .max = 1e7,
             .unit = "m",
             .doc = "middle of the world"),
    REEF_F64(center_y,
             .initial = "0",
             .min = -1e7,
             .max = 1e7,
             .unit = "m",
             .doc = "middle of the world"),
    REEF_F64(center_z,
             .initial = "0",
             .min = -1e7,
             .max = 1e7,
             .unit = "m",
             .doc = "middle of the world"),
    REEF_F64(size_x,
             .initial = "200000",
             .min = 0.01,
             .max = 2e7,
             .unit = "m",
             .doc = "length of the world in which clients may move"),
    REEF_F64(size_y,
             .initial = "200000",
             .min = 0.01,
             .max = 2e7,
             .unit = "m",
             .doc = "length of the world in which clients may move"),
    REEF_F64(size_z,
             .initial = "200000",
             .min = 0.01,
             .max = 2e7,
             .unit = "m",
             .doc = "length of the world in which clients may move"),
    REEF_F64(rate_hz,
             .initial = "20",
             .min = 0.1,
             .max = 1000,
             .unit = "Hz",
             .doc = "updates per second; at most one per tick"),
    REEF_U32(max_update_bytes,
             .initial = "16384",
             .min = 256,
             .max = 1048576,
             .unit = "B",
             .doc = "sent to one client per update, the nearest first"),
    REEF_U32(max_queue_bytes,
             .initial = "65536",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "unsent bytes of a client from which on it waits for updates"),
    REEF_U32(max_entities,
             .initial = "100000",
             .min = 1,
             .max = 10000000,
             .doc = "in space at once, clients and others"),
    REEF_U32(max_nearby,
             .initial = "2000",
             .min = 1,
             .max = 10000000,
             .doc = "in the cells in range of a place, from which on no client may "
                    "move there"));

/** An entity has another position, or its first. */
typedef struct client_moved {
    reef_entity_t entity;
    uint64_t id;
    float x, y, z; /* z is 0 in 2d */
    bool is_client;
} client_moved_t;

/** It is in another cell; also told of the first, `from` being the same then. */
typedef struct client_zone_changed {
    reef_entity_t entity;
    uint64_t id;
    int32_t from[3], to[3]; /* coordinates divided by cell_size, rounded down; in
                               3d_flat those of x and z, then 0 */
    bool is_client;
} client_zone_changed_t;

/** From now on @p observer, a client or not, has @p entity in sight.  Each of a pair
 *  has an event of its own. */
typedef struct aoi_entered {
    reef_entity_t observer, entity;
    uint64_t observer_id, id;
} aoi_entered_t;

/** No longer.  Who leaves space has no sight to leave: only the others are told. */
typedef struct aoi_left {
    reef_entity_t observer, entity; /* may be dead already */
    uint64_t observer_id, id;
} aoi_left_t;

extern const reef_event_type_t client_moved_event;
extern const reef_event_type_t client_zone_changed_event;
extern const reef_event_type_t aoi_entered_event;
extern const reef_event_type_t aoi_left_event;

extern const reef_plugin_t reef_spatial_plugin;

#endif /* REEF_SPATIAL_H */
