/* Sends every message to every client, its sender too. */
#include <reef/admin.h>
#include <reef/reef.h>

static void broadcast(reef_run_t *run)
{
    const reef_app_t *app = reef_run_context(run);
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_send_group(run, reef_group_everyone(app), message->payload);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "broadcast",
                                              .run = broadcast,
                                              .context = app,
                                              .reads = {&message_received_event},
                                              .emits = {&send_message_event}});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t broadcast_plugin = {REEF_PLUGIN_API, "broadcast",
                                            .build = build};
    const reef_plugin_t *plugins[] = {&reef_websocket_plugin, &reef_wss_plugin,
                                      &reef_admin_plugin, &broadcast_plugin, NULL};

    return reef_main(argc, argv, plugins);
}
