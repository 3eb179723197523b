/**
 * @file app.h
 * @brief What the files of the server share about an app.
 */
#ifndef REEF_SRC_APP_H
#define REEF_SRC_APP_H

#include <reef/app.h>
#include <reef/array.h>
#include <reef/components.h>
#include <reef/config.h>
#include <reef/list.h>

#include "loop.h"
#include "options.h"
#include "router.h"
#include "session.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum reef__app_state {
    REEF__APP_ADDING,  /* plugins may be added */
    REEF__APP_STARTED, /* frames run */
    REEF__APP_STOPPED,
} reef__app_state_t;

typedef struct reef__plugin_entry {
    const reef_plugin_t *plugin;
    void *state;  /* as build() left it */
    void *config; /* resolved settings, owned; NULL when it has none */
    bool built;
} reef__plugin_entry_t;

typedef struct reef__service {
    const char *name;
    const void *table;
} reef__service_t;

typedef struct reef__reloader {
    void (*reload)(void *context);
    void *context;
} reef__reloader_t;

typedef struct reef__announcement {
    char label[32];
    char text[480];
} reef__announcement_t;

/** Settings of section `log`. */
REEF_COMPONENT(log_config,
               0,
               REEF_STRING(format, 16, .initial = "logfmt", .doc = "logfmt or json"),
               REEF_STRING(level,
                           256,
                           .initial = "info",
                           .doc = "debug, info, warn, error or off; also per "
                                  "module: info,websocket=debug"));

/** Real time against simulated time; see frame.c. */
typedef struct reef__pace {
    uint64_t tick_ns;       /* one tick */
    uint64_t next_tick_ns;  /* when the next tick is due */
    uint64_t next_frame_ns; /* no frame before: server.min_frame_us */
    uint64_t warned_ns;     /* last warning of skipped time */
    uint32_t forced_ticks;  /* of reef_app_step() */
    bool forced;
} reef__pace_t;

struct reef_app {
    const reef_alloc_t *alloc;
    const char *name;
    reef__app_state_t state;
    reef__options_t options;
    reef_config_t *config;
    server_config_t server_config;
    reef_log_t *log;
    reef_metrics_t *metrics;
    reef_mailbox_t *mailbox;
    reef_world_t *world;
    reef__loop_t *loop;
    struct reef__ios *ios;
    struct reef__buffer_cache *buffer_cache; /* of the world's thread */
    reef__sessions_t *sessions;
    reef__router_t *router;
    struct reef__opcodes *opcodes;
    struct reef__http_routes *http_routes;
    struct reef__authenticators *authenticators;

    reef_clock_fn clock;
    void *clock_context;
    uint64_t created_ns;
    uint64_t trimmed_ns; /* when the world last released spare memory */
    uint64_t now_ns;     /* of the present frame */
    reef__pace_t pace;
    atomic_bool stop_wanted;
    bool frame_wanted; /* input is waiting */
    bool watches_signals;
    bool ignores_environment; /* settings do not come from there */
    int exit_code;            /* of reef_main() */

    const char *building; /* plugin in build(), for its systems */
    struct {
        reef__plugin_entry_t *items;
        size_t count, capacity;
    } plugins;
    struct {
        reef_schedule_t **items;
        size_t count, capacity;
    } schedules;
    struct {
        reef__service_t *items;
        size_t count, capacity;
    } services;
    struct {
        reef_list_desc_t *items;
        size_t count, capacity;
    } lists;
    struct {
        reef_listener_t *items;
        size_t count, capacity;
    } listeners;
    struct {
        reef__announcement_t *items;
        size_t count, capacity;
    } announcements;
    struct {
        reef__reloader_t *items;
        size_t count, capacity;
    } reloaders;
    struct {
        pthread_mutex_t lock;
        reef_certificate_t *items;
        size_t count, capacity;
    } certificates;
};

/** Add the named steps of a frame to its schedule. */
void reef__frame_add_steps(reef_app_t *app);

/** Run one frame at @p now_ns. */
void reef__frame_run(reef_app_t *app, uint64_t now_ns);

/** Nanoseconds until a frame must run; 0 = now. */
uint64_t reef__frame_delay_ns(const reef_app_t *app, uint64_t now_ns);

/** Something is waiting for the next frame: do not sleep before it. */
static inline void reef__app_want_frame(reef_app_t *app)
{
    app->frame_wanted = true;
}

/** The present time of the app's clock. */
static inline uint64_t reef__app_clock(const reef_app_t *app)
{
    return app->clock(app->clock_context);
}

/** Take SIGINT and SIGTERM as a wish to stop, SIGHUP as one to reload, from now on. */
void reef__app_watch_signals(reef_app_t *app);

/** Read the sources of the settings, as they are now.  Owned by the caller. */
REEF_NODISCARD reef_error_t reef__app_read_config(const reef_app_t *app,
                                                  reef_config_t **config,
                                                  reef_failure_t *failure);

/** Clean all plugins up, in reverse order; what they still do decides the exit code. */
void reef__app_clean_up(reef_app_t *app);

/** Print the announcements, and how to stop. */
void reef__app_print_announcements(const reef_app_t *app);

#endif /* REEF_SRC_APP_H */
