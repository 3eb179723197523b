/*
 * Systems as rows, in the order in which schedules were made and systems run.
 */
#include "views.h"

#include <reef/array.h>

void reef__systems_collect(void *argument)
{
    reef__systems_t *systems = argument;
    uint32_t schedules = reef_app_schedule_count(systems->app);

    systems->now = reef__admin_now(systems->app);
    for (uint32_t i = 0; i < schedules; i++) {
        const reef_schedule_t *schedule = reef_app_schedule(systems->app, i);
        uint32_t count = reef_schedule_count(schedule);

        for (uint32_t k = 0; k < count; k++) {
            const reef_system_t *system = reef_schedule_system(schedule, k);

            *REEF_ARRAY_PUSH(reef_alloc_default(), &systems->list) =
                (reef__system_copy_t){
                    .desc = reef_system_desc(system),
                    .schedule = reef_schedule_name(schedule),
                    .order = k,
                    .stage = reef_system_stage(system),
                    .enabled = reef_system_is_enabled(system),
                    .stats = reef_system_stats(system),
                };
        }
    }
}

static void add_terms(cJSON *names, const reef_term_t *terms, bool writes)
{
    for (int i = 0; i < REEF_MAX_TERMS && terms[i].access != REEF_ACCESS_NONE; i++) {
        if (reef_access_touches(terms[i].access) &&
            reef_access_writes(terms[i].access) == writes) {
            cJSON_AddItemToArray(names, cJSON_CreateString(terms[i].type->name));
        }
    }
}

static void add_events(cJSON *names, const reef_event_type_t *const *events)
{
    for (int i = 0; i < REEF_MAX_SYSTEM_EVENTS && events[i] != NULL; i++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(events[i]->name));
    }
}

static void add_access(cJSON *json, const reef_system_desc_t *desc)
{
    cJSON *reads = cJSON_AddArrayToObject(json, "reads");
    cJSON *writes = cJSON_AddArrayToObject(json, "writes");

    add_terms(reads, desc->query, false);
    add_terms(reads, desc->access, false);
    add_terms(reads, desc->resources, false);
    add_events(reads, desc->reads);
    add_terms(writes, desc->query, true);
    add_terms(writes, desc->access, true);
    add_terms(writes, desc->resources, true);
    add_events(writes, desc->emits);
    cJSON_AddBoolToObject(json, "commands", desc->commands || desc->exclusive);
    cJSON_AddBoolToObject(json, "exclusive", desc->exclusive);
    cJSON_AddBoolToObject(json, "parallel", desc->parallel);
}

static void add_us(cJSON *json, const char *name, uint64_t ns)
{
    cJSON_AddNumberToObject(json, name, (double)ns / 1e3);
}

cJSON *reef__system_json(const reef__system_copy_t *system)
{
    const reef_system_desc_t *desc = system->desc;
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "name", desc->name);
    cJSON_AddStringToObject(json, "plugin", desc->plugin != NULL ? desc->plugin : "");
    cJSON_AddStringToObject(json, "schedule", system->schedule);
    cJSON_AddNumberToObject(json, "order", system->order);
    cJSON_AddNumberToObject(json, "stage", system->stage);
    cJSON_AddBoolToObject(json, "enabled", system->enabled);
    add_access(json, desc);
    cJSON_AddNumberToObject(json, "count", (double)system->stats.count);
    add_us(json, "last_us", system->stats.last_ns);
    add_us(json, "mean_us", system->stats.mean_ns);
    add_us(json, "p50_us", system->stats.p50_ns);
    add_us(json, "p99_us", system->stats.p99_ns);
    add_us(json, "max_us", system->stats.max_ns);
    return json;
}

cJSON *reef__systems_items(const reef__systems_t *systems)
{
    cJSON *items = cJSON_CreateArray();

    for (size_t i = 0; i < systems->list.count; i++) {
        cJSON_AddItemToArray(items, reef__system_json(&systems->list.items[i]));
    }
    return items;
}

void reef__systems_finish(reef__systems_t *systems)
{
    REEF_ARRAY_FINISH(reef_alloc_default(), &systems->list);
}
