/* Sends every message back to the client it came from. */
#include <reef/admin.h>
#include <reef/reef.h>

static void echo(reef_run_t *run)
{
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_send(run, message->entity, message->payload);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "echo",
                                              .run = echo,
                                              .reads = {&message_received_event},
                                              .emits = {&send_message_event}});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t echo_plugin = {REEF_PLUGIN_API, "echo", .build = build};
    const reef_plugin_t *plugins[] = {
        &reef_websocket_plugin, &reef_wss_plugin,   &reef_tcp_plugin, &reef_tcps_plugin,
        &reef_udp_plugin,       &reef_admin_plugin, &echo_plugin,     NULL};

    return reef_main(argc, argv, plugins);
}
