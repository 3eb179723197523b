/* reef_main(): the whole program, given its plugins. */
#include "app.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* One line each, in the form that --set takes. */
static void print_settings(const char *section, const reef_type_t *type)
{
    for (uint32_t i = 0; i < type->field_count; i++) {
        const reef_field_t *field = &type->fields[i];
        char key[96];

        snprintf(key, sizeof(key), "%s.%s", section, field->name);
        printf("  %-32s %s; default %s%s%s\n", key, field->doc ? field->doc : "",
               field->initial && *field->initial ? field->initial
               : field->kind == REEF_KIND_STRING ? "empty"
                                                 : "0",
               field->unit ? " " : "", field->unit ? field->unit : "");
    }
}

static void print_help(const reef_app_t *app)
{
    const char *slash = strrchr(app->name, '/');

    printf("Usage: %s [--config FILE] [--set SECTION.KEY=VALUE]…\n"
           "       %*s [--check-config] [--version] [--help]\n\n"
           "  --config FILE            read settings from an INI file\n"
           "  --set SECTION.KEY=VALUE  one setting; goes before file and environment\n"
           "  --check-config           check all settings, then exit\n\n"
           "A setting may also be given as REEF_SECTION_KEY in the environment.\n"
           "Settings:\n\n",
           slash ? slash + 1 : app->name, (int)strlen(slash ? slash + 1 : app->name),
           "");
    print_settings("server", &server_config_type);
    print_settings("log", &log_config_type);
    for (size_t i = 0; i < app->plugins.count; i++) {
        const reef_plugin_t *plugin = app->plugins.items[i].plugin;

        if (plugin->config_type != NULL) {
            print_settings(plugin->name, plugin->config_type);
        }
    }
}

static reef_error_t add_plugins(reef_app_t *app,
                                const reef_plugin_t *const *plugins,
                                reef_failure_t *failure)
{
    for (; *plugins != NULL; plugins++) {
        reef_error_t error = reef_app_add_plugin(app, *plugins, NULL, failure);

        if (error != REEF_OK) {
            return error;
        }
    }
    return REEF_OK;
}

/* As many connections as the system lets this process have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int fail(const char *program, const reef_failure_t *failure)
{
    fprintf(stderr, "%s: %s\n", program, failure->text);
    return failure->error == REEF_E_USAGE ? 2 : 1;
}

/* What --version, --help and --check-config print; false when none was given. */
static bool answer_option(reef_app_t *app, reef_error_t *error, reef_failure_t *failure)
{
    if (app->options.version) {
        printf("reef %s\n", reef_version());
    } else if (app->options.help) {
        print_help(app);
    } else if (app->options.check_config) {
        *error = reef_config_check_unused(app->config, app->log, failure);
        if (*error == REEF_OK) {
            printf("the configuration is valid\n");
        }
    } else {
        return false;
    }
    return true;
}

int reef_main(int argc, char **argv, const reef_plugin_t *const *plugins)
{
    const char *program = argc > 0 ? argv[0] : "reef";
    reef_failure_t failure = {0};
    reef_app_t *app = NULL;
    int code;
    reef_error_t error = reef_app_create(
        &(reef_app_desc_t){.argc = argc, .argv = (const char *const *)argv}, &app,
        &failure);

    if (error != REEF_OK) {
        return fail(program, &failure);
    }
    error = add_plugins(app, plugins, &failure);
    if (error == REEF_OK && !answer_option(app, &error, &failure)) {
        raise_descriptor_limit();
        reef__app_watch_signals(app); /* before anybody is told how to stop it */
        error = reef_app_start(app, &failure);
        if (error == REEF_OK) {
            reef__app_print_announcements(app);
            reef_app_run(app);
        }
    }
    reef__app_clean_up(app);
    code = error == REEF_OK ? app->exit_code : fail(program, &failure);
    reef_app_destroy(app);
    return code;
}
