/*
 * The figures of the present frame.
 */
#include "views.h"

#include <reef/session.h>

void reef__frame_collect(void *argument)
{
    reef__frame_view_t *frame = argument;
    reef_world_t *world = reef_app_world(frame->app);

    frame->now = reef__admin_now(frame->app);
    frame->frame_us = REEF_RESOURCE(world, frame_time)->frame_us;
    frame->entities = reef_world_entity_count(world);
    frame->clients = reef_session_count(frame->app);
}

cJSON *reef__frame_json(const reef__frame_view_t *frame)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "tick", (double)frame->now.tick);
    cJSON_AddNumberToObject(json, "frame_us", (double)frame->frame_us);
    cJSON_AddNumberToObject(json, "entities", (double)frame->entities);
    cJSON_AddNumberToObject(json, "clients", frame->clients);
    cJSON_AddNumberToObject(json, "tick_rate",
                            reef_app_server_config(frame->app)->tick_rate);
    return json;
}
