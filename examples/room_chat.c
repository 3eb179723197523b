/* Chat with rooms; people's names and rooms are to be seen in the dashboard. */
#include <reef/admin.h>
#include <reef/chat.h>
#include <reef/reef.h>
#include <reef/snapshot.h>

/* Greets who joins a room: a system of one's own beside a built-in plugin. */
static void greet(reef_run_t *run)
{
    const user_joined_room_t *joined;

    while ((joined = REEF_NEXT(run, user_joined_room)) != NULL) {
        reef_send_text(run, joined->entity, "[System] Welcome to %s!", joined->room);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "greet",
                                              .run = greet,
                                              .reads = {&user_joined_room_event},
                                              .emits = {&send_message_event},
                                              .after = {"router"}});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t greeter = {REEF_PLUGIN_API, "greeter", .build = build};
    const reef_plugin_t *plugins[] = {&reef_snapshot_plugin,
                                      &reef_chat_plugin,
                                      &reef_websocket_plugin,
                                      &reef_wss_plugin,
                                      &reef_admin_plugin,
                                      &greeter,
                                      NULL};

    return reef_main(argc, argv, plugins);
}
