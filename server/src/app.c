/*
 * The life of an app: create → add plugins → start → run → destroy.
 *
 *     create   options, config file, log, world, loop, sessions, the frame's steps
 *     add      a plugin's settings are resolved, then it is built
 *     start    unknown settings refused; plugins made ready; `startup` runs
 *     run      poll the loop, run a frame, until a stop is wanted; then shut down
 *     destroy  plugins cleaned up in reverse order, then everything else
 */
#include "app.h"

#include "authenticate.h"
#include "buffer_cache.h"
#include "http_route.h"
#include "opcode.h"
#include "transport/io.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHUTDOWN_TEXT "server shutdown"

enum {
    SHUTDOWN_CODE = 1001, /* going away */
    MAX_REQUESTS = 4096, /* more than all threads of HTTP servers, so none is refused */
    KEPT_BUFFER_BYTES = 1 << 25, /* what thousands are sent in a frame */
};

static uint64_t monotonic_ns(void *context)
{
    struct timespec now;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void wake_loop(void *context)
{
    reef__loop_wake(context);
}

/* Create ----------------------------------------------------------------------- */

reef_error_t reef__app_read_config(const reef_app_t *app,
                                   reef_config_t **config,
                                   reef_failure_t *failure)
{
    bool is_info = app->options.help || app->options.version;

    return reef_config_create(
        &(reef_config_desc_t){
            .path = is_info ? NULL : app->options.config_path,
            .assignments = app->options.assignments,
            .assignment_count = is_info ? 0 : app->options.assignment_count,
            .environment = app->ignores_environment || is_info ? NULL : environ,
        },
        config, failure);
}

static reef_error_t read_config(reef_app_t *app, reef_failure_t *failure)
{
    log_config_t log_config;
    reef_error_t error = reef__app_read_config(app, &app->config, failure);

    if (error == REEF_OK) {
        error = reef_config_resolve(app->config, "server", &server_config_type, NULL,
                                    &app->server_config, failure);
    }
    if (error == REEF_OK) {
        error = reef_config_resolve(app->config, "log", &log_config_type, NULL,
                                    &log_config, failure);
    }
    if (error == REEF_OK) {
        error = reef_log_create(
            &(reef_log_desc_t){.format = log_config.format, .level = log_config.level},
            &app->log, failure);
    }
    return error;
}

/* Threads that run systems. */
static uint32_t worker_count(const server_config_t *config)
{
    enum {
        MOST = 8 /* a frame's systems seldom keep more busy */
    };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (config->workers > 0) {
        return config->workers;
    }
    return processors < 1 ? 1 : processors < MOST ? (uint32_t)processors : MOST;
}

static void create_parts(reef_app_t *app)
{
    static const char *const names[] = {REEF_STARTUP, REEF_FRAME, REEF_UPDATE,
                                        REEF_FIXED_UPDATE, REEF_SHUTDOWN};

    app->metrics = reef_metrics_create(app->alloc);
    app->loop = reef__loop_create(app->alloc);
    app->mailbox =
        reef_mailbox_create(&(reef_mailbox_desc_t){.alloc = app->alloc,
                                                   .capacity = MAX_REQUESTS,
                                                   .wake = wake_loop,
                                                   .wake_context = app->loop});
    app->world = reef_world_create(
        &(reef_world_desc_t){.alloc = app->alloc,
                             .clock = app->clock,
                             .clock_context = app->clock_context,
                             .workers = worker_count(&app->server_config)});
    reef_world_component(app->world, &name_type);
    app->buffer_cache = reef__buffer_cache_create(KEPT_BUFFER_BYTES);
    reef__buffer_cache_use(app->buffer_cache);
    app->ios = reef__ios_create(app);
    app->sessions = reef__sessions_create(app);
    reef__groups_create_first(app->sessions);
    app->router = reef__router_create(app->alloc);
    app->opcodes = reef__opcodes_create(app);
    app->http_routes = reef__http_routes_create(app->alloc);
    app->authenticators = reef__authenticators_create(app);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        *REEF_ARRAY_PUSH(app->alloc, &app->schedules) =
            reef_schedule_create(app->world, names[i]);
    }
    REEF_RESOURCE(app->world, simulation_time)->dt = 1.0 / app->server_config.tick_rate;
    REEF_RESOURCE(app->world, frame_time);
    REEF_RESOURCE(app->world, client_counter);
    reef__frame_add_steps(app);
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "router",
                            .plugin = "core",
                            .run = reef__router_dispatch,
                            .run_if = reef__router_has_owners,
                            .context = app,
                            .exclusive = true,
                            .reads = {&message_received_event},
                        });
}

reef_error_t reef_app_create(const reef_app_desc_t *desc,
                             reef_app_t **result,
                             reef_failure_t *failure)
{
    const reef_alloc_t *alloc = desc->alloc ? desc->alloc : reef_alloc_default();
    reef_app_t *app = reef_resize(alloc, NULL, 0, sizeof(*app));
    reef_error_t error;

    *app = (reef_app_t){
        .alloc = alloc,
        .name = desc->name ? desc->name : (desc->argc > 0 ? desc->argv[0] : "reef"),
        .clock = desc->clock ? desc->clock : monotonic_ns,
        .clock_context = desc->clock_context,
        .ignores_environment = desc->ignore_environment,
    };
    atomic_init(&app->stop_wanted, false);
    pthread_mutex_init(&app->certificates.lock, NULL);
    error = reef__options_parse(&app->options, alloc, desc->argc, desc->argv, failure);
    if (error == REEF_OK) {
        error = read_config(app, failure);
    }
    if (error != REEF_OK) {
        reef_app_destroy(app);
        return error;
    }
    app->created_ns = reef__app_clock(app);
    app->now_ns = app->created_ns;
    app->pace.tick_ns = (uint64_t)(1e9 / app->server_config.tick_rate);
    create_parts(app);
    *result = app;
    return REEF_OK;
}

/* All of them before the first is cleaned up: they share the loops, and waiting for one
 * would wait for things of another. */
static void end_transports(reef_app_t *app)
{
    if (app->sessions != NULL && app->ios != NULL) {
        reef__sessions_end_transports(app->sessions);
        reef__ios_run_down(app->ios);
    }
}

void reef__app_clean_up(reef_app_t *app)
{
    if (app->mailbox != NULL) {
        reef_mailbox_close(app->mailbox);
    }
    if (app->authenticators != NULL) {
        reef__authenticators_stop(app->authenticators);
    }
    end_transports(app);
    while (app->plugins.count > 0) {
        reef__plugin_entry_t *entry = &app->plugins.items[--app->plugins.count];

        if (entry->plugin->cleanup && entry->built) {
            entry->plugin->cleanup(app, entry->state);
        }
        if (entry->config != NULL) {
            reef_resize(app->alloc, entry->config, entry->plugin->config_type->size, 0);
        }
    }
    REEF_ARRAY_FINISH(app->alloc, &app->plugins);
}

void reef_app_destroy(reef_app_t *app)
{
    if (app == NULL) {
        return;
    }
    reef__app_clean_up(app);
    reef__ios_destroy(app->ios);
    for (size_t i = 0; i < app->schedules.count; i++) {
        reef_schedule_destroy(app->schedules.items[i]);
    }
    REEF_ARRAY_FINISH(app->alloc, &app->schedules);
    reef__sessions_stop_reading(app->sessions);
    reef_world_destroy(app->world);
    reef__sessions_destroy(app->sessions);
    reef__router_destroy(app->router);
    reef__opcodes_destroy(app->opcodes);
    reef__http_routes_destroy(app->http_routes);
    reef__authenticators_destroy(app->authenticators);
    reef_mailbox_destroy(app->mailbox);
    reef__loop_destroy(app->loop);
    reef_metrics_destroy(app->metrics);
    reef_log_destroy(app->log);
    reef_config_destroy(app->config);
    REEF_ARRAY_FINISH(app->alloc, &app->services);
    REEF_ARRAY_FINISH(app->alloc, &app->lists);
    REEF_ARRAY_FINISH(app->alloc, &app->listeners);
    REEF_ARRAY_FINISH(app->alloc, &app->announcements);
    REEF_ARRAY_FINISH(app->alloc, &app->reloaders);
    REEF_ARRAY_FINISH(app->alloc, &app->certificates);
    pthread_mutex_destroy(&app->certificates.lock);
    reef__options_finish(&app->options, app->alloc);
    reef__buffer_cache_destroy(app->buffer_cache);
    reef_resize(app->alloc, app, sizeof(*app), 0);
}

/* Plugins ---------------------------------------------------------------------- */

static reef__plugin_entry_t *find_plugin(const reef_app_t *app, const char *name)
{
    for (size_t i = 0; i < app->plugins.count; i++) {
        if (strcmp(app->plugins.items[i].plugin->name, name) == 0) {
            return &app->plugins.items[i];
        }
    }
    return NULL;
}

void *reef_app_plugin_state(const reef_app_t *app, const char *name)
{
    const reef__plugin_entry_t *entry = find_plugin(app, name);

    return entry ? entry->state : NULL;
}

static reef_error_t check_plugin(const reef_app_t *app,
                                 const reef_plugin_t *plugin,
                                 reef_failure_t *failure)
{
    if (plugin->api != REEF_PLUGIN_API) {
        return reef_fail(failure, REEF_E_INVALID,
                         "plugin %s: made for plugin api %u, this is %u", plugin->name,
                         plugin->api, REEF_PLUGIN_API);
    }
    if (app->state != REEF__APP_ADDING) {
        return reef_fail(failure, REEF_E_INVALID,
                         "plugin %s: added after the app was started", plugin->name);
    }
    if (find_plugin(app, plugin->name) != NULL) {
        return reef_fail(failure, REEF_E_EXISTS, "plugin %s: added twice",
                         plugin->name);
    }
    for (const char *const *need = plugin->needs; need && *need; need++) {
        if (find_plugin(app, *need) == NULL) {
            return reef_fail(
                failure, REEF_E_NOT_FOUND,
                "plugin %s: needs plugin %s, which must be added before it",
                plugin->name, *need);
        }
    }
    return REEF_OK;
}

reef_error_t reef_app_add_plugin(reef_app_t *app,
                                 const reef_plugin_t *plugin,
                                 const void *config,
                                 reef_failure_t *failure)
{
    reef__plugin_entry_t entry = {.plugin = plugin};
    reef_error_t error = check_plugin(app, plugin, failure);

    if (error != REEF_OK) {
        return error;
    }
    if (plugin->config_type != NULL) {
        size_t size = plugin->config_type->size;

        entry.config = reef_resize(app->alloc, NULL, 0, size);
        error = reef_config_resolve(app->config, plugin->name, plugin->config_type,
                                    config ? config : plugin->config, entry.config,
                                    failure);
        if (error != REEF_OK) {
            reef_resize(app->alloc, entry.config, size, 0);
            return error;
        }
    }
    *REEF_ARRAY_PUSH(app->alloc, &app->plugins) = entry;
    app->building = plugin->name;
    error = plugin->build(app, entry.config, &entry.state, failure);
    app->building = NULL;
    app->plugins.items[app->plugins.count - 1].state = entry.state;
    app->plugins.items[app->plugins.count - 1].built = error == REEF_OK;
    return error;
}

/* Start, run, stop ------------------------------------------------------------- */

static reef_error_t build_schedules(reef_app_t *app, reef_failure_t *failure)
{
    for (size_t i = 0; i < app->schedules.count; i++) {
        reef_error_t error = reef_schedule_build(app->schedules.items[i], failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    return REEF_OK;
}

reef_error_t reef_app_start(reef_app_t *app, reef_failure_t *failure)
{
    reef_error_t error = reef_config_check_unused(app->config, app->log, failure);

    if (error == REEF_OK) {
        error = reef__http_routes_seal(app->http_routes, failure);
    }
    if (error == REEF_OK) {
        error = build_schedules(app, failure);
    }
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error code, not a signal */
    for (size_t i = 0; i < app->plugins.count && error == REEF_OK; i++) {
        const reef__plugin_entry_t *entry = &app->plugins.items[i];

        if (entry->plugin->ready) {
            error = entry->plugin->ready(app, entry->state, failure);
        }
    }
    if (error == REEF_OK) {
        error = reef__ios_start(app->ios, failure);
    }
    if (error != REEF_OK) {
        return error;
    }
    /* A restored world brings the tick, not the length of a tick. */
    REEF_RESOURCE(app->world, simulation_time)->dt = 1.0 / app->server_config.tick_rate;
    app->state = REEF__APP_STARTED;
    app->now_ns = reef__app_clock(app);
    app->pace.next_tick_ns = app->now_ns + app->pace.tick_ns;
    reef_schedule_run(reef_app_find_schedule(app, REEF_STARTUP));
    return REEF_OK;
}

static uint32_t to_timeout_ms(uint64_t ns)
{
    uint64_t ms = (ns + 999999) / 1000000; /* never wake too early */

    return ms > 60000 ? 60000 : (uint32_t)ms;
}

static void on_signal(void *context, int number)
{
    reef_app_t *app = context;

    if (number == SIGHUP) {
        reef_app_reload(app);
        return;
    }
    reef_log(app->log, REEF_LOG_INFO, "app", "stopping",
             REEF_LOG_TEXT("signal", strsignal(number)));
    reef_app_stop(app);
}

void reef__app_watch_signals(reef_app_t *app)
{
    if (!app->watches_signals) {
        app->watches_signals = true;
        reef__loop_watch_signals(app->loop, on_signal, app);
    }
}

void reef_app_set_exit_code(reef_app_t *app, int code)
{
    if (app->exit_code == 0) {
        app->exit_code = code;
    }
}

void reef_app_stop(reef_app_t *app)
{
    atomic_store(&app->stop_wanted, true);
    reef__loop_wake(app->loop);
}

/* Handle input: nothing ready, wait for it, @p timeout_ms at most. */
static void poll_once(reef_app_t *app, uint32_t timeout_ms)
{
    uint32_t deadline_ms = reef__ios_timeout_ms(app->ios);
    bool may_sleep = reef__ios_world_sleeps(app->ios);

    timeout_ms = deadline_ms < timeout_ms ? deadline_ms : timeout_ms;
    reef__loop_poll(app->loop, may_sleep ? timeout_ms : 0);
    reef__ios_world_wakes(app->ios);
    reef__ios_pass(app->ios);
    if (reef_mailbox_count(app->mailbox) > 0) {
        reef__app_want_frame(app); /* somebody waits for its answer */
    }
}

static void poll_and_run(reef_app_t *app)
{
    uint64_t now = reef__app_clock(app);

    poll_once(app, to_timeout_ms(reef__frame_delay_ns(app, now)));
    now = reef__app_clock(app);
    if (reef__frame_delay_ns(app, now) == 0) {
        reef__frame_run(app, now);
    }
}

/* Say good-bye: the `shutdown` schedule's messages are sent, then close frames. */
static void shut_down(reef_app_t *app)
{
    uint64_t deadline =
        reef__app_clock(app) + app->server_config.shutdown_ms * UINT64_C(1000000);

    reef__authenticators_stop(app->authenticators);
    reef__sessions_stop_accepting(app->sessions);
    reef_schedule_run(reef_app_find_schedule(app, REEF_SHUTDOWN));
    reef__sessions_close_all(app->sessions, SHUTDOWN_CODE, SHUTDOWN_TEXT);
    app->pace.forced = true; /* no simulation any more, only I/O */
    app->pace.forced_ticks = 0;
    reef__frame_run(app, reef__app_clock(app));
    while (reef__sessions_connection_count(app->sessions) > 0 &&
           reef__app_clock(app) < deadline) {
        poll_once(app, 10);
        /* Some had done their handshake when the others were closed. */
        reef__sessions_close_all(app->sessions, SHUTDOWN_CODE, SHUTDOWN_TEXT);
        reef__frame_run(app, reef__app_clock(app));
    }
    app->state = REEF__APP_STOPPED;
}

void reef_app_run(reef_app_t *app)
{
    assert(app->state == REEF__APP_STARTED);
    reef__app_watch_signals(app);
    while (!atomic_load(&app->stop_wanted)) {
        poll_and_run(app);
    }
    shut_down(app);
    reef_log(app->log, REEF_LOG_INFO, "app", "stopped",
             REEF_LOG_INT("tick", REEF_RESOURCE(app->world, simulation_time)->tick));
}

void reef_app_step(reef_app_t *app, uint32_t ticks)
{
    assert(app->state == REEF__APP_STARTED);
    poll_once(app, 0);
    app->pace.forced = true;
    app->pace.forced_ticks = ticks;
    reef__frame_run(app, reef__app_clock(app));
    app->pace.forced = false;
}

void reef_app_tick_n(reef_app_t *app, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        reef_app_step(app, 1);
    }
}
