/*
 * Systems: list, one of them, enable and disable.  A system is named by its name, or
 * by `schedule.name` where two schedules use the same one.
 */
#include "handlers.h"
#include "views.h"

#include <stdio.h>

void reef__serve_systems_list(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    reef__systems_t systems = {.app = admin->app};

    (void)request;
    if (reef__admin_call(admin, reef__systems_collect, &systems, reply)) {
        reef__reply_json(
            reply, 200,
            reef__list_json(&(reef__list_t){.items = reef__systems_items(&systems),
                                            .total = systems.list.count,
                                            .now = systems.now}));
    }
    reef__systems_finish(&systems);
}

static bool is_named(const reef__system_copy_t *system, const char *name)
{
    size_t prefix = strlen(system->schedule);

    if (strcmp(system->desc->name, name) == 0) {
        return true;
    }
    return strncmp(name, system->schedule, prefix) == 0 && name[prefix] == '.' &&
           strcmp(name + prefix + 1, system->desc->name) == 0;
}

static const reef__system_copy_t *find_system(const reef__systems_t *systems,
                                              const char *name)
{
    for (size_t i = 0; i < systems->list.count; i++) {
        if (is_named(&systems->list.items[i], name)) {
            return &systems->list.items[i];
        }
    }
    return NULL;
}

static void
reply_system(const reef__systems_t *systems, const char *name, reef__reply_t *reply)
{
    const reef__system_copy_t *system = find_system(systems, name);

    if (system == NULL) {
        reef__problem(reply, 404, "there is no such system");
    } else {
        reef__reply_json(reply, 200, reef__system_json(system));
    }
}

void reef__serve_system_get(reef__admin_t *admin,
                            const reef__request_t *request,
                            reef__reply_t *reply)
{
    reef__systems_t systems = {.app = admin->app};

    if (reef__admin_call(admin, reef__systems_collect, &systems, reply)) {
        reply_system(&systems, request->parameters[0], reply);
    }
    reef__systems_finish(&systems);
}

typedef struct toggle {
    reef__systems_t systems; /* as they are afterwards */
    const char *name;
    bool enabled;
    bool refused; /* the admin's own way to the world */
} toggle_t;

/* Without the steps of the frame there is nobody left to enable them again. */
static bool is_step(const reef__system_copy_t *system)
{
    return strcmp(system->schedule, REEF_FRAME) == 0;
}

static void toggle_on_world(void *argument)
{
    toggle_t *toggle = argument;
    const reef__system_copy_t *system;
    reef_schedule_t *schedule;

    reef__systems_collect(&toggle->systems);
    system = find_system(&toggle->systems, toggle->name);
    if (system == NULL) {
        return;
    }
    toggle->refused = is_step(system);
    if (toggle->refused) {
        return;
    }
    schedule = reef_app_find_schedule(toggle->systems.app, system->schedule);
    reef_system_set_enabled(reef_schedule_system(schedule, system->order),
                            toggle->enabled);
    toggle->systems.list.count = 0;
    reef__systems_collect(&toggle->systems);
}

void reef__serve_system_patch(reef__admin_t *admin,
                              const reef__request_t *request,
                              reef__reply_t *reply)
{
    static const char *const known[] = {"enabled", NULL};
    toggle_t toggle = {.systems.app = admin->app, .name = request->parameters[0]};
    reef__field_errors_t errors = {0};
    const cJSON *enabled;
    cJSON *body;

    if (!reef__admin_json(request, &body, reply)) {
        return;
    }
    reef__check_members(body, known, &errors);
    enabled = cJSON_GetObjectItemCaseSensitive(body, "enabled");
    toggle.enabled = cJSON_IsTrue(enabled);
    if (errors.count == 0 && !cJSON_IsBool(enabled)) {
        reef__field_errors_add(&errors, "/enabled", "true or false is wanted");
    }
    cJSON_Delete(body);
    if (errors.count > 0) {
        reef__problem_fields(reply, &errors);
        return;
    }
    if (!reef__admin_call(admin, toggle_on_world, &toggle, reply)) {
        /* The reply says so. */
    } else if (toggle.refused) {
        reef__problem(reply, 409, "the steps of a frame cannot be disabled");
    } else {
        reply_system(&toggle.systems, toggle.name, reply);
        if (reply->status == 200) {
            reef__audit(admin, request, toggle.enabled ? "enable" : "disable",
                        toggle.name, toggle.systems.now.tick);
        }
    }
    reef__systems_finish(&toggle.systems);
}
