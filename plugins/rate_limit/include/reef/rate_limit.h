/**
 * @file rate_limit.h
 * @brief Holds back clients that send too much, before anything else sees it.
 *
 * Each client has a bucket of `max_messages` tokens, filled up anew `window_s` after
 * its first was taken: so many messages pass at once, and the next within the window
 * does not.  Bytes likewise, but that a message passes while any are left; what it
 * takes too many are missing in the windows after.  All clients of an IPv4 address, or
 * of an IPv6 /64, may share another bucket besides.
 *
 * A message too many is dropped.  By `action` that is all; or all others of the client
 * are dropped for `throttle_s`, too, and it is told `[RateLimit] Too many messages. You
 * are temporarily throttled.`; or it is told `[RateLimit] Disconnected due to rate
 * limit violation.` and closed, with code 1008 and the reason "rate limit violation".
 *
 * An application reacts to the event without touching the plugin:
 *
 *     static void note_offence(reef_run_t *run)
 *     {
 *         const rate_limit_exceeded_t *event;
 *
 *         while ((event = REEF_NEXT(run, rate_limit_exceeded)) != NULL) {
 *             reputation_lower(event->client_id);
 *         }
 *     }
 *
 *     reef_app_add_system(app, REEF_UPDATE, &(reef_system_desc_t){
 *         .name = "note_offence", .run = note_offence,
 *         .reads = {&rate_limit_exceeded_event}});
 */
#ifndef REEF_RATE_LIMIT_H
#define REEF_RATE_LIMIT_H

#include <reef/event.h>
#include <reef/plugin.h>

typedef enum reef_rate_limit_action {
    REEF_RATE_LIMIT_DROP,
    REEF_RATE_LIMIT_THROTTLE,
    REEF_RATE_LIMIT_DISCONNECT,
} reef_rate_limit_action_t;

static const reef_enum_value_t reef_rate_limit_action_names[] = {
    {"drop", REEF_RATE_LIMIT_DROP},
    {"throttle", REEF_RATE_LIMIT_THROTTLE},
    {"disconnect", REEF_RATE_LIMIT_DISCONNECT},
};

/** Section `rate_limit`. */
REEF_COMPONENT(
    rate_limit_config,
    0,
    REEF_U32(max_messages,
             .initial = "30",
             .min = 1,
             .max = 10000000,
             .doc = "messages of a client in a window"),
    REEF_F64(window_s,
             .initial = "1",
             .min = 0.01,
             .max = 3600,
             .unit = "s",
             .doc = "from the first message that is counted"),
    REEF_U32(max_bytes,
             .initial = "65536",
             .max = 1073741824,
             .unit = "B",
             .doc = "of them in a window, on an average; 0 = any number"),
    REEF_ENUM(action,
              reef_rate_limit_action_names,
              .initial = "drop",
              .doc = "what is done about one that sends more: drop, throttle or "
                     "disconnect"),
    REEF_F64(throttle_s,
             .initial = "5",
             .min = 0.01,
             .max = 86400,
             .unit = "s",
             .doc = "time in which nothing passes of one that is throttled"),
    REEF_U32(prefix_messages,
             .initial = "0",
             .max = 100000000,
             .doc = "messages of all clients of an IPv4 address or IPv6 /64 in a "
                    "window; 0 = any number, for there may be many behind one"),
    REEF_U32(prefix_bytes,
             .initial = "0",
             .max = 1073741824,
             .unit = "B",
             .doc = "of them in a window, on an average; 0 = any number"),
    REEF_U32(max_prefixes,
             .initial = "65536",
             .min = 1,
             .max = 1000000,
             .doc = "addresses kept in mind at once; clients of others have just "
                    "their own limits"));

/** Which limit it was. */
typedef enum reef_rate_limit_cause {
    REEF_RATE_LIMIT_MESSAGES,
    REEF_RATE_LIMIT_BYTES,
    REEF_RATE_LIMIT_PREFIX_MESSAGES,
    REEF_RATE_LIMIT_PREFIX_BYTES,
} reef_rate_limit_cause_t;

/** A client sent too much: emitted for the first message of a window that was held
 *  back, so once per client and window at most. */
typedef struct rate_limit_exceeded {
    reef_entity_t entity;
    uint64_t client_id;
    reef_rate_limit_action_t action;
    reef_rate_limit_cause_t cause;
    uint64_t dropped; /* messages of this client so far, this one included */
} rate_limit_exceeded_t;

extern const reef_event_type_t rate_limit_exceeded_event;

extern const reef_plugin_t reef_rate_limit_plugin;

#endif /* REEF_RATE_LIMIT_H */
