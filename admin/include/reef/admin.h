/**
 * @file admin.h
 * @brief The admin endpoint: a JSON API, a live stream and the dashboard over HTTP.
 *
 * Its threads never touch the world: whatever they need of it is asked of the world
 * thread through the app's mailbox, with a deadline.  Section `admin` of the settings.
 */
#ifndef REEF_ADMIN_H
#define REEF_ADMIN_H

#include <reef/plugin.h>

static const reef_enum_value_t reef_admin_roles[] = {
    {"viewer", 1},   /* looks */
    {"operator", 2}, /* changes the world */
    {"admin", 3},    /* restores snapshots */
};

REEF_COMPONENT(
    admin_config,
    0,
    REEF_STRING(listen,
                256,
                .initial = "127.0.0.1:9090",
                .doc = "addresses, separated by commas; port 0 picks a free one"),
    REEF_STRING(
        token,
        128,
        .secret = true,
        .doc = "token for machines, set by hand; empty = the one of token_file"),
    REEF_ENUM(token_role,
              reef_admin_roles,
              .initial = "admin",
              .doc = "what admin.token may do"),
    REEF_STRING(token_file,
                256,
                .initial = "reef.token",
                .doc = "keeps the SHA-256 of the token that the first start makes"),
    REEF_STRING(hosts,
                256,
                .doc = "further values of the Host header to answer, by commas"),
    REEF_U32(deadline_ms,
             .initial = "2000",
             .min = 10,
             .max = 60000,
             .unit = "ms",
             .doc = "time the world has to answer a request"),
    REEF_U32(max_streams,
             .initial = "32",
             .min = 1,
             .max = 1024,
             .doc = "live streams at once"),
    REEF_U32(max_body,
             .initial = "1048576",
             .min = 1024,
             .max = 67108864,
             .unit = "B",
             .doc = "largest body of a request"));

/** Config: admin_config_t. */
extern const reef_plugin_t reef_admin_plugin;

#endif /* REEF_ADMIN_H */
