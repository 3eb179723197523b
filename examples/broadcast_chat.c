/* The smallest chat: what a client says, everybody hears, with its number in front. */
#include <reef/admin.h>
#include <reef/reef.h>

#include <inttypes.h>

static void broadcast(reef_run_t *run)
{
    const reef_app_t *app = reef_run_context(run);
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_span_t text = reef_span_trim(reef_buffer_payload(message->payload));
        reef_buffer_t *line;
        size_t size = 0; /* of the first line: another could be taken for a notice */

        while (size < text.size && text.data[size] != '\n') {
            size++;
        }
        if (reef_buffer_kind(message->payload) == REEF_PAYLOAD_TEXT && size > 0) {
            line = reef_buffer_format("User %" PRIu64 ": %.*s", message->client_id,
                                      (int)size, (const char *)text.data);
            reef_send_group(run, reef_group_everyone(app), line);
            reef_buffer_unref(line);
        }
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
    const reef_plugin_t chat = {REEF_PLUGIN_API, "broadcast_chat", .build = build};
    const reef_plugin_t *plugins[] = {&reef_websocket_plugin,
                                      &reef_wss_plugin,
                                      &reef_tcp_plugin,
                                      &reef_udp_plugin,
                                      &reef_admin_plugin,
                                      &chat,
                                      NULL};

    return reef_main(argc, argv, plugins);
}
