/* What an app is made of, as others see it: accessors, schedules, services. */
#include "app.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

reef_world_t *reef_app_world(reef_app_t *app)
{
    return app->world;
}

const reef_alloc_t *reef_app_alloc(const reef_app_t *app)
{
    return app->alloc;
}

reef_log_t *reef_app_log(reef_app_t *app)
{
    return app->log;
}

reef_metrics_t *reef_app_metrics(reef_app_t *app)
{
    return app->metrics;
}

reef_mailbox_t *reef_app_mailbox(reef_app_t *app)
{
    return app->mailbox;
}

uint64_t reef_app_now_ns(const reef_app_t *app)
{
    return app->now_ns;
}

double reef_app_uptime_s(const reef_app_t *app)
{
    return (double)(reef__app_clock(app) - app->created_ns) / 1e9;
}

const server_config_t *reef_app_server_config(const reef_app_t *app)
{
    return &app->server_config;
}

const char *reef_version(void)
{
    return REEF_VERSION;
}

reef_schedule_t *reef_app_find_schedule(const reef_app_t *app, const char *name)
{
    for (size_t i = 0; i < app->schedules.count; i++) {
        if (strcmp(reef_schedule_name(app->schedules.items[i]), name) == 0) {
            return app->schedules.items[i];
        }
    }
    return NULL;
}

uint32_t reef_app_schedule_count(const reef_app_t *app)
{
    return (uint32_t)app->schedules.count;
}

reef_schedule_t *reef_app_schedule(const reef_app_t *app, uint32_t index)
{
    assert(index < app->schedules.count);
    return app->schedules.items[index];
}

void reef_app_add_system(reef_app_t *app,
                         const char *schedule_name,
                         const reef_system_desc_t *desc)
{
    reef_schedule_t *schedule = reef_app_find_schedule(app, schedule_name);
    reef_system_desc_t owned = *desc;
    reef_error_t error;

    if (schedule == NULL) {
        schedule = reef_schedule_create(app->world, schedule_name);
        *REEF_ARRAY_PUSH(app->alloc, &app->schedules) = schedule;
    }
    if (owned.plugin == NULL) {
        owned.plugin = app->building;
    }
    error = reef_schedule_add(schedule, &owned);
    assert(error == REEF_OK && "two systems of one name in a schedule");
    (void)error;
}

void reef_app_provide(reef_app_t *app, const char *name, const void *table)
{
    for (size_t i = 0; i < app->services.count; i++) {
        if (strcmp(app->services.items[i].name, name) == 0) {
            app->services.items[i].table = table;
            return;
        }
    }
    *REEF_ARRAY_PUSH(app->alloc, &app->services) =
        (reef__service_t){.name = name, .table = table};
}

const void *reef_app_service(const reef_app_t *app, const char *name)
{
    for (size_t i = 0; i < app->services.count; i++) {
        if (strcmp(app->services.items[i].name, name) == 0) {
            return app->services.items[i].table;
        }
    }
    return NULL;
}

void reef_app_add_listener(reef_app_t *app, const char *transport, const char *address)
{
    reef_listener_t *listener = REEF_ARRAY_PUSH(app->alloc, &app->listeners);

    snprintf(listener->transport, sizeof(listener->transport), "%s", transport);
    snprintf(listener->address, sizeof(listener->address), "%s", address);
    reef_log(app->log, REEF_LOG_INFO, transport, "listening",
             REEF_LOG_TEXT("transport", transport), REEF_LOG_TEXT("addr", address));
}

const reef_listener_t *reef_app_listeners(const reef_app_t *app, size_t *count)
{
    *count = app->listeners.count;
    return app->listeners.items;
}

void reef_app_announce(reef_app_t *app, const char *label, const char *format, ...)
{
    reef__announcement_t *line = REEF_ARRAY_PUSH(app->alloc, &app->announcements);
    va_list args;

    snprintf(line->label, sizeof(line->label), "%s", label);
    va_start(args, format);
    vsnprintf(line->text, sizeof(line->text), format, args);
    va_end(args);
}

void reef__app_print_announcements(const reef_app_t *app)
{
    printf("\nReef %s is running.\n\n", reef_version());
    for (size_t i = 0; i < app->announcements.count; i++) {
        printf("  %-10s %s\n", app->announcements.items[i].label,
               app->announcements.items[i].text);
    }
    printf("  %-10s Ctrl-C, or SIGTERM to process %d\n\n", "stop", (int)getpid());
    fflush(stdout);
}
