/**
 * @file plugin.h
 * @brief What a plugin declares and when the app calls it.
 */
#ifndef REEF_PLUGIN_H
#define REEF_PLUGIN_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/reflect.h>

#include <stdbool.h>
#include <stdint.h>

#define REEF_PLUGIN_API 1u

typedef struct reef_app reef_app_t;

typedef struct reef_plugin {
    uint32_t api;             /* REEF_PLUGIN_API */
    const char *name;         /* unique, snake_case; section of the config file */
    const char *const *needs; /* NULL-terminated plugin names, or NULL */

    /** Runs whatever `plugins.enabled` says: transports and what guards a server, which
     *  have settings of their own to be switched off. */
    bool always;

    /** Runs only when `plugins.enabled` names it. */
    bool off;

    /** Description of the config struct: each field is a setting `<name>.<field>`.
     *  NULL = the plugin has no settings. */
    const reef_type_t *config_type;

    /** A config struct to begin with instead of the defaults: zero fields mean default.
     *  An application changes a plugin's settings in a copy of the plugin:
     *
     *      reef_plugin_t tcp = reef_tcp_plugin;
     *
     *      tcp.config = &(tcp_config_t){.listen = "127.0.0.1:7000"};
     *
     *  File, environment and command line still go before it.  NULL = the defaults. */
    const void *config;

    /**
     * Register components, events and systems.  No I/O here, but for what must fail
     * the start early.
     *
     * @param config The config struct, every field resolved: defaults < code < file <
     *               environment < command line.  Borrowed until build returns.
     * @param state  Receives what the other functions get; may be left NULL.
     */
    reef_error_t (*build)(reef_app_t *app,
                          const void *config,
                          void **state,
                          reef_failure_t *failure);

    /** Acquire what needs I/O (bind, open): after every build, before `startup`.
     *  May be NULL. */
    reef_error_t (*ready)(reef_app_t *app, void *state, reef_failure_t *failure);

    /** Undo build() and ready(), in reverse order of adding; the world is still
     *  valid.  Called once after a successful build().  May be NULL. */
    void (*cleanup)(reef_app_t *app, void *state);
} reef_plugin_t;

#endif /* REEF_PLUGIN_H */
