/* reef_main(): the whole program, given its plugins. */
#include "app.h"
#include "opcode.h"
#include "suggest.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Section `plugins`. */
REEF_COMPONENT(plugins_config,
               0,
               REEF_STRING(enabled,
                           512,
                           .doc = "the plugins that run, a comma list, or none; "
                                  "transports always do; empty = the usual ones"));

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

    printf(
        "Usage: %s [--config FILE] [--set SECTION.KEY=VALUE]…\n"
        "       %*s [--check-config] [--describe-protocol] [--version] [--help]\n\n"
        "  --config FILE            read settings from an INI file\n"
        "  --set SECTION.KEY=VALUE  one setting; goes before file and environment\n"
        "  --check-config           check all settings, then exit\n"
        "  --describe-protocol      print the typed messages of reef.v1 as tables\n\n"
        "A setting may also be given as REEF_SECTION_KEY in the environment.\n"
        "Settings:\n\n",
        slash ? slash + 1 : app->name, (int)strlen(slash ? slash + 1 : app->name), "");
    print_settings("server", &server_config_type);
    print_settings("log", &log_config_type);
    print_settings("plugins", &plugins_config_type);
    for (size_t i = 0; i < app->plugins.count; i++) {
        const reef_plugin_t *plugin = app->plugins.items[i].plugin;

        if (plugin->config_type != NULL) {
            print_settings(plugin->name, plugin->config_type);
        }
    }
}

/* Take the first word off a comma list. */
static reef_span_t next_word(reef_span_t *list)
{
    size_t size = 0;
    reef_span_t word;

    while (size < list->size && list->data[size] != ',') {
        size++;
    }
    word = reef_span_trim(reef_span(list->data, size));
    *list = reef_span_skip(*list, size < list->size ? size + 1 : size);
    return word;
}

static bool is_listed(const char *list, const char *name)
{
    reef_span_t rest = reef_span_text(list);

    while (rest.size > 0) {
        if (reef_span_equal(next_word(&rest), reef_span_text(name))) {
            return true;
        }
    }
    return false;
}

static bool is_enabled(const plugins_config_t *config, const reef_plugin_t *plugin)
{
    if (plugin->always) {
        return true;
    }
    return config->enabled[0] == '\0' ? !plugin->off
                                      : is_listed(config->enabled, plugin->name);
}

/* A list names plugins, or it is `none`. */
static reef_error_t check_words(const plugins_config_t *config, reef_failure_t *failure)
{
    reef_span_t rest = reef_span_text(config->enabled);
    uint32_t count = 0;

    while (rest.size > 0) {
        count += next_word(&rest).size > 0;
    }
    if (count == 0 && config->enabled[0] != '\0') {
        return reef_fail(failure, REEF_E_INVALID,
                         "plugins.enabled: '%s' names no plugin; for no plugins it is "
                         "'none'",
                         config->enabled);
    }
    if (count > 1 && is_listed(config->enabled, "none")) {
        return reef_fail(failure, REEF_E_INVALID,
                         "plugins.enabled: 'none' is not listed with others");
    }
    return REEF_OK;
}

/* Each listed name is that of a plugin. */
static reef_error_t check_enabled(const plugins_config_t *config,
                                  const reef_plugin_t *const *plugins,
                                  reef_failure_t *failure)
{
    reef_span_t rest = reef_span_text(config->enabled);

    while (rest.size > 0) {
        reef_span_t word = next_word(&rest);
        char name[sizeof(config->enabled)];
        reef__suggest_t suggest = {.typed = name};
        bool is_known = word.size == 0 || reef_span_equal(word, reef_span_text("none"));

        snprintf(name, sizeof(name), "%.*s", (int)word.size, (const char *)word.data);
        for (const reef_plugin_t *const *at = plugins; *at != NULL && !is_known; at++) {
            is_known = strcmp((*at)->name, name) == 0;
            reef__suggest_offer(&suggest, (*at)->name);
        }
        if (!is_known) {
            return reef_fail(failure, REEF_E_NOT_FOUND,
                             "plugins.enabled: there is no plugin '%s'%s%s%s", name,
                             suggest.nearest ? "; did you mean '" : "",
                             suggest.nearest ? suggest.nearest : "",
                             suggest.nearest ? "'?" : "");
        }
    }
    return REEF_OK;
}

/* Settings of a plugin that does not run are no mistake, but are still checked. */
static reef_error_t
check_settings(reef_app_t *app, const reef_plugin_t *plugin, reef_failure_t *failure)
{
    void *value;
    reef_error_t error;

    if (plugin->config_type == NULL) {
        return REEF_OK;
    }
    value = reef_resize(app->alloc, NULL, 0, plugin->config_type->size);
    error = reef_config_resolve(app->config, plugin->name, plugin->config_type,
                                plugin->config, value, failure);
    reef_resize(app->alloc, value, plugin->config_type->size, 0);
    return error;
}

static reef_error_t add_plugins(reef_app_t *app,
                                const reef_plugin_t *const *plugins,
                                reef_failure_t *failure)
{
    plugins_config_t config;
    reef_error_t error = reef_config_resolve(
        app->config, "plugins", &plugins_config_type, NULL, &config, failure);

    if (error == REEF_OK) {
        error = check_words(&config, failure);
    }
    if (error == REEF_OK) {
        error = check_enabled(&config, plugins, failure);
    }
    for (; *plugins != NULL && error == REEF_OK; plugins++) {
        error = is_enabled(&config, *plugins)
                    ? reef_app_add_plugin(app, *plugins, NULL, failure)
                    : check_settings(app, *plugins, failure);
    }
    return error;
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
    } else if (app->options.describe_protocol) {
        reef__opcodes_print(app->opcodes);
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
