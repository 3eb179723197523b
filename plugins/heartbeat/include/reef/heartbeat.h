/**
 * @file heartbeat.h
 * @brief Finds out which clients are still there, and closes those that are not.
 *
 * Any byte of a client is a sign of life.  One that was silent for `interval_s` is
 * asked: by a ping of the protocol where it has one (WebSocket), by the text `ping`
 * where the client takes texts (TCP and UDP with `payload = text`), to which it says
 * `pong`.  One that was silent for `timeout_s` is closed, with code 1001 and the reason
 * "heartbeat timeout".  Clients of neither kind cannot be asked and are let alone.
 *
 * An application reacts to the event without touching the plugin:
 *
 *     static void note_silence(reef_run_t *run)
 *     {
 *         const client_timed_out_t *event;
 *
 *         while ((event = REEF_NEXT(run, client_timed_out)) != NULL) {
 *             save_for_return(event->client_id);  // its components are readable still
 *         }
 *     }
 *
 *     reef_app_add_system(app, REEF_UPDATE, &(reef_system_desc_t){
 *         .name = "note_silence", .run = note_silence,
 *         .reads = {&client_timed_out_event}});
 */
#ifndef REEF_HEARTBEAT_H
#define REEF_HEARTBEAT_H

#include <reef/event.h>
#include <reef/plugin.h>

/** Section `heartbeat`. */
REEF_COMPONENT(heartbeat_config,
               0,
               REEF_F64(interval_s,
                        .initial = "10",
                        .min = 0.01,
                        .max = 86400,
                        .unit = "s",
                        .doc = "silence after which a client is asked for a sign of "
                               "life, and asked again"),
               REEF_F64(timeout_s,
                        .initial = "30",
                        .min = 0.01,
                        .max = 86400,
                        .unit = "s",
                        .doc = "silence after which it is closed; more than "
                               "interval_s"),
               REEF_STRING(ping_payload,
                           126,
                           .initial = "ping",
                           .doc = "what asks: carried by a ping of the protocol, or "
                                  "the whole text"),
               REEF_STRING(pong_payload,
                           126,
                           .initial = "pong",
                           .doc = "the text that answers such a text, both ways"));

/** A client was silent for too long; it is closed in this frame, and
 *  `user_disconnected` follows with REEF_DISCONNECT_TIMEOUT. */
typedef struct client_timed_out {
    reef_entity_t entity;
    uint64_t client_id;
    uint64_t silent_ms;
} client_timed_out_t;

extern const reef_event_type_t client_timed_out_event;

extern const reef_plugin_t reef_heartbeat_plugin;

#endif /* REEF_HEARTBEAT_H */
