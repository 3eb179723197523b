/* Echo behind a rate limit and a heartbeat, with a rule of its own: three strikes. */
#include <reef/admin.h>
#include <reef/heartbeat.h>
#include <reef/rate_limit.h>
#include <reef/reef.h>

REEF_COMPONENT(strikes, 0, REEF_U32(count, .doc = "windows in which it said too much"));

static void echo(reef_run_t *run)
{
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_send(run, message->entity, message->payload);
    }
}

/* The plugin drops what is too much; who goes on is shown the door. */
static void judge(reef_run_t *run)
{
    reef_world_t *world = reef_run_world(run);
    const rate_limit_exceeded_t *event;

    while ((event = REEF_NEXT(run, rate_limit_exceeded)) != NULL) {
        const strikes_t *old = REEF_FIND(world, event->entity, strikes);

        if (old != NULL && old->count == 2) {
            reef_session_close(reef_run_context(run), event->entity, 1008, "3 strikes");
        }
        REEF_ADD(world, event->entity, strikes, .count = old ? old->count + 1 : 1);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){"echo", .run = echo,
                                              .reads = {&message_received_event},
                                              .emits = {&send_message_event}});
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){"judge", .run = judge, .context = app,
                                              .exclusive = true,
                                              .reads = {&rate_limit_exceeded_event}});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t guard = {REEF_PLUGIN_API, "guard", .build = build};

    return reef_main(argc, argv,
                     (const reef_plugin_t *const[]){
                         &reef_rate_limit_plugin, &reef_heartbeat_plugin,
                         &reef_websocket_plugin, &reef_admin_plugin, &guard, NULL});
}
