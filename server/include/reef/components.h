/**
 * @file components.h
 * @brief The vocabulary that the core and all plugins share: components, resources.
 */
#ifndef REEF_COMPONENTS_H
#define REEF_COMPONENTS_H

#include <reef/reflect.h>

static const reef_enum_value_t reef_transport_names[] = {
    {"loopback", 0},     {"websocket", 1}, {"wss", 2},
    {"webtransport", 3}, {"tcp", 4},       {"udp", 5},
};

/** What people call an entity; shown by the admin in every list. */
REEF_COMPONENT(name, REEF_PERSISTENT | REEF_REPLICATED, REEF_STRING(value, 64));

/** Of each connected client: unique for the life of the world, restarts included. */
REEF_COMPONENT(client_id, REEF_READ_ONLY, REEF_U64(value));

/** The connection an entity stands for.  Counters are brought up to date once a
 *  tick, those of messages to groups four times a second. */
REEF_COMPONENT(session,
               REEF_READ_ONLY,
               REEF_ENUM(transport, reef_transport_names),
               REEF_BOOL(tls),
               REEF_STRING(tls_version, 8),
               REEF_STRING(cipher, 32),
               REEF_STRING(peer, 48, .doc = "address and port of the other side"),
               REEF_STRING(local, 48, .doc = "address and port on this side"),
               REEF_STRING(path, 128),
               REEF_STRING(query, 128),
               REEF_STRING(subprotocol, 32),
               REEF_U64(connected_at_ms, .unit = "ms", .doc = "since 1970, UTC"),
               REEF_U64(messages_in),
               REEF_U64(messages_out),
               REEF_U64(bytes_in, .unit = "B"),
               REEF_U64(bytes_out, .unit = "B"),
               REEF_I64(rtt_us, .unit = "us", .doc = "-1 = not known"),
               REEF_I64(jitter_us,
                        .unit = "us",
                        .doc = "by how much round trips differ from the one before, "
                               "smoothed; -1 = not known"));

/** The room a client is in.  Written by the plugin that owns rooms. */
REEF_COMPONENT(room, REEF_READ_ONLY, REEF_STRING(value, 128));

/** The name a client chose. */
REEF_COMPONENT(username, 0, REEF_STRING(value, 64));

REEF_COMPONENT(position_2d,
               REEF_PERSISTENT | REEF_REPLICATED,
               REEF_F32(x, .unit = "m"),
               REEF_F32(y, .unit = "m"));

REEF_COMPONENT(position_3d,
               REEF_PERSISTENT | REEF_REPLICATED,
               REEF_F32(x, .unit = "m"),
               REEF_F32(y, .unit = "m"),
               REEF_F32(z, .unit = "m"));

/** Makes an entity that has a position seen by the clients near it, whatever it is: the
 *  plugin `spatial` gives it an id, unless it has one. */
REEF_COMPONENT(spatial,
               REEF_PERSISTENT,
               REEF_U64(id, .doc = "what clients call it; of a client its client id"));

REEF_COMPONENT(velocity_2d,
               REEF_PERSISTENT | REEF_REPLICATED,
               REEF_F32(x, .unit = "m/s"),
               REEF_F32(y, .unit = "m/s"));

/** Resource: simulated time.  Ticks count runs of `fixed_update` and nothing else. */
REEF_COMPONENT(simulation_time,
               REEF_PERSISTENT | REEF_READ_ONLY,
               REEF_U64(tick, .doc = "runs of fixed_update, earlier lives included"),
               REEF_F64(dt, .unit = "s", .doc = "simulated time of one tick"));

/** Resource: how real time is kept up with.  Of this process only. */
REEF_COMPONENT(frame_time,
               REEF_READ_ONLY,
               REEF_U64(frame, .doc = "passes of the loop"),
               REEF_U64(frame_us, .unit = "us", .doc = "work of the last frame"),
               REEF_U64(skipped_ticks, .doc = "ticks given up to catch up"),
               REEF_BOOL(overrun, .doc = "the last frame with ticks gave some up"));

/** Resource: the counter that client ids come from. */
REEF_COMPONENT(client_counter, REEF_PERSISTENT | REEF_READ_ONLY, REEF_U64(last));

#endif /* REEF_COMPONENTS_H */
