/**
 * @file app.h
 * @brief A server: a world, its schedules, its plugins, and the loop that drives them.
 *
 * The shortest program is a list of plugins, one of them its own:
 *
 *     int main(int argc, char **argv)
 *     {
 *         const reef_plugin_t *plugins[] = {&reef_websocket_plugin, &echo_plugin,
 * NULL};
 *
 *         return reef_main(argc, argv, plugins);
 *     }
 *
 * Programs that embed an app, and tests, take the steps themselves: create, add
 * plugins, start, then run or tick, then destroy.  An app belongs to the thread that
 * created it, the *world thread*; only what says so may be called from others.
 */
#ifndef REEF_APP_H
#define REEF_APP_H

#include <reef/log.h>
#include <reef/mailbox.h>
#include <reef/metrics.h>
#include <reef/plugin.h>
#include <reef/schedule.h>
#include <reef/world.h>

/** Schedules.  `frame` runs once per pass of the loop and holds its named steps:
 *  ingress, admin, admission, update, fixed_update, replicate, egress, lifetimes;
 *  update and fixed_update run the schedules of those names. */
#define REEF_STARTUP      "startup" /* once, after restore and bind */
#define REEF_FRAME        "frame"
#define REEF_UPDATE       "update"       /* every frame */
#define REEF_FIXED_UPDATE "fixed_update" /* 0 to server.max_ticks_per_frame a frame */
#define REEF_SHUTDOWN     "shutdown"     /* once, before exit */

typedef struct reef_app_desc {
    const char *name;          /* of the program, for --help; NULL = argv[0] */
    int argc;                  /* options as of reefd: --config, --set …; see */
    const char *const *argv;   /* `--help`.  argc 0 = no command line */
    bool ignore_environment;   /* tests: take no setting from REEF_… */
    reef_clock_fn clock;       /* NULL = the monotonic clock.  With a clock of one's */
    void *clock_context;       /* own, reef_app_tick_n() and no run; server.io_threads
                                  read it, too */
    const reef_alloc_t *alloc; /* NULL = default; server.io_threads use it, too */
} reef_app_desc_t;

/** Run a server with @p plugins (NULL-terminated) until it is asked to stop.  Returns
 *  the exit code: 0, 1 (start failed: one line on stderr), 2 (usage). */
int reef_main(int argc, char **argv, const reef_plugin_t *const *plugins);

/** Create an app and read its options.  Owned by the caller: reef_app_destroy().
 *  @return REEF_OK, REEF_E_USAGE, or as reef_config_create(). */
REEF_NODISCARD reef_error_t reef_app_create(const reef_app_desc_t *desc,
                                            reef_app_t **app,
                                            reef_failure_t *failure);

/** Stop if it runs, clean plugins up in reverse order, release all.  Accepts NULL. */
void reef_app_destroy(reef_app_t *app);

/**
 * Resolve a plugin's settings and build it.
 *
 * @param config Its config struct, zero fields meaning default; NULL for that of the
 *               plugin itself.
 * @return REEF_OK; REEF_E_EXISTS (name taken), REEF_E_NOT_FOUND (a needed plugin is
 *         not there), REEF_E_INVALID (wrong api, or the app already started), what
 *         reef_config_resolve() or build() returned.
 */
REEF_NODISCARD reef_error_t reef_app_add_plugin(reef_app_t *app,
                                                const reef_plugin_t *plugin,
                                                const void *config,
                                                reef_failure_t *failure);

/** State of the plugin called @p name, as its build() left it; NULL when not there. */
void *reef_app_plugin_state(const reef_app_t *app, const char *name);

/** Refuse unknown settings, make plugins ready (bind, open, restore), run `startup`. */
REEF_NODISCARD reef_error_t reef_app_start(reef_app_t *app, reef_failure_t *failure);

/** Run frames until a stop is requested, then shut down in order: stop accepting,
 *  `shutdown` schedule, flush what it sent, close (1001).  After reef_app_start(). */
void reef_app_run(reef_app_t *app);

/** Ask the loop to end after the present frame.  Any thread, signal handlers
 *  excepted. */
void reef_app_stop(reef_app_t *app);

/** Have reef_main() end with @p code, which is not 0, though the start succeeded; the
 *  first code counts.  Also from a plugin's cleanup(). */
void reef_app_set_exit_code(reef_app_t *app, int code);

/** One frame with I/O that is ready now and exactly @p ticks runs of `fixed_update`,
 *  whatever the clock says: for tests and simulations. */
void reef_app_step(reef_app_t *app, uint32_t ticks);

/** @p n times reef_app_step(app, 1). */
void reef_app_tick_n(reef_app_t *app, uint32_t n);

/* Parts ------------------------------------------------------------------------ */

reef_world_t *reef_app_world(reef_app_t *app);
const reef_alloc_t *reef_app_alloc(const reef_app_t *app);

/** May be used from any thread. */
reef_log_t *reef_app_log(reef_app_t *app);
reef_metrics_t *reef_app_metrics(reef_app_t *app);

/** Post here what must happen on the world thread; drained by the `admin` step, and
 *  posting wakes the loop.  Any thread. */
reef_mailbox_t *reef_app_mailbox(reef_app_t *app);

/** Monotonic time of the present frame. */
uint64_t reef_app_now_ns(const reef_app_t *app);

/** Monotonic seconds since the app was created.  Any thread. */
double reef_app_uptime_s(const reef_app_t *app);

/** Version of the library, "0.1.0". */
const char *reef_version(void);

/** Settings of the app itself, section `server`. */
REEF_COMPONENT(
    server_config,
    0,
    REEF_F64(tick_rate,
             .initial = "60",
             .min = 1,
             .max = 1000,
             .unit = "Hz",
             .doc = "runs of fixed_update per second"),
    REEF_U32(max_ticks_per_frame,
             .initial = "5",
             .min = 1,
             .max = 1000,
             .doc = "ticks caught up at once before time is skipped"),
    REEF_U32(min_frame_us,
             .initial = "0",
             .max = 100000,
             .unit = "us",
             .doc = "least time between frames that input causes, to batch harder"),
    REEF_U32(max_frame_messages,
             .initial = "65536",
             .min = 1,
             .max = 10000000,
             .doc = "messages taken in per frame"),
    REEF_U32(max_frame_bytes,
             .initial = "67108864",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "bytes taken in per frame"),
    REEF_U32(max_frame_sends,
             .initial = "262144",
             .min = 1,
             .max = 4000000,
             .doc = "messages sent in a frame before commands must wait"),
    REEF_U32(max_frame_us,
             .initial = "10000",
             .min = 100,
             .max = 10000000,
             .unit = "us",
             .doc = "a frame that takes longer halves what the next takes in"),
    REEF_U32(workers,
             .initial = "0",
             .max = REEF_MAX_WORKERS,
             .doc = "threads that run systems; 0 = one per processor, up to 8"),
    REEF_U32(io_threads,
             .initial = "0",
             .max = 64,
             .doc = "threads that only read and write; 0 = the world's does it"),
    REEF_STRING(egress,
                8,
                .initial = "auto",
                .doc = "how to write: auto, uv (a call per client) or uring (io_uring, "
                       "one for all)"),
    REEF_U32(inbox_messages,
             .initial = "256",
             .min = 1,
             .max = 65536,
             .doc = "unread messages of one client before reading stops"),
    REEF_U32(inbox_bytes,
             .initial = "1048576",
             .min = 1024,
             .max = 1073741824,
             .unit = "B",
             .doc = "unread bytes of one client before reading stops"),
    REEF_U32(shutdown_ms,
             .initial = "2000",
             .max = 60000,
             .unit = "ms",
             .doc = "time to flush and close at shutdown"));

/** The settings in force; borrowed while the app lives. */
const server_config_t *reef_app_server_config(const reef_app_t *app);

/* Schedules -------------------------------------------------------------------- */

/** Add a system to the schedule called @p schedule, which is made when it is new.
 *  During a plugin's build() the system is marked as that plugin's.  A duplicate name
 *  stops the program: it is a bug of the caller. */
void reef_app_add_system(reef_app_t *app,
                         const char *schedule,
                         const reef_system_desc_t *desc);

/** Schedule by name, or NULL. */
reef_schedule_t *reef_app_find_schedule(const reef_app_t *app, const char *name);

/** Schedules in order of creation. */
uint32_t reef_app_schedule_count(const reef_app_t *app);
reef_schedule_t *reef_app_schedule(const reef_app_t *app, uint32_t index);

/* Services --------------------------------------------------------------------- */

/** Offer @p table, a table of functions whose type goes with @p name, to others.
 *  Borrowed; withdrawn with NULL. */
void reef_app_provide(reef_app_t *app, const char *name, const void *table);

/** The table offered under @p name, or NULL.  World thread, or any thread after the
 *  start. */
const void *reef_app_service(const reef_app_t *app, const char *name);

/** An address on which somebody listens. */
typedef struct reef_listener {
    char transport[32]; /* "websocket", "admin" */
    char address[128];  /* "127.0.0.1:8080", the port in use; "unix:/run/reef.sock" */
} reef_listener_t;

/** Tell that @p transport listens on @p address: logs the line `listening
 *  transport=… addr=…` and lists it.  Both are copied. */
void reef_app_add_listener(reef_app_t *app, const char *transport, const char *address);

/** What was told, in order; any thread after the start. */
const reef_listener_t *reef_app_listeners(const reef_app_t *app, size_t *count);

/** A certificate in use. */
typedef struct reef_certificate {
    char transport[32];  /* "wss" */
    char subject[128];   /* "/CN=example.org" */
    uint8_t sha256[32];  /* of its DER */
    int64_t not_after_s; /* Unix time */
    bool is_dev;         /* made for this run */
} reef_certificate_t;

/** Tell which certificate a transport uses from now on, in place of the one told
 * before. Copied. */
void reef_app_set_certificate(reef_app_t *app, const reef_certificate_t *certificate);

/** Copy what was told to @p certificates, @p capacity at most.  Returns how many there
 *  are.  Any thread. */
size_t reef_app_certificates(reef_app_t *app,
                             reef_certificate_t *certificates,
                             size_t capacity);

/** Call @p reload(context) whenever the operator wants files to be read again: SIGHUP.
 *  World thread, between two frames. */
void reef_app_on_reload(reef_app_t *app, void (*reload)(void *context), void *context);

/** Do it now, as SIGHUP does. */
void reef_app_reload(reef_app_t *app);

/** One start-up line for people on stdout, e.g. an address to open; printed, aligned,
 *  once everything is ready. */
REEF_PRINTF(3, 4)
void reef_app_announce(reef_app_t *app, const char *label, const char *format, ...);

#endif /* REEF_APP_H */
