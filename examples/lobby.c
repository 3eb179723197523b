/* Players wait for each other in lobbies; when one is full, its match begins. */
#include <reef/admin.h>
#include <reef/lobby.h>
#include <reef/presence.h>
#include <reef/reef.h>

/* Says who plays, and that the players are busy; others see it by their presence. */
static void begin_matches(reef_run_t *run)
{
    const lobby_ready_t *ready;

    while ((ready = REEF_NEXT(run, lobby_ready)) != NULL) {
        for (uint32_t i = 0; i < ready->member_count; i++) {
            reef_send_text(run, ready->members[i], "[Match] %s begins, player %u of %u",
                           ready->name, i + 1, ready->member_count);
            REEF_COMMAND_ADD(reef_run_commands(run), ready->members[i], presence,
                             .status = REEF_PRESENCE_BUSY);
        }
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "begin_matches",
                                              .run = begin_matches,
                                              .commands = true,
                                              .reads = {&lobby_ready_event},
                                              .emits = {&send_message_event},
                                              .after = {"router"},
                                              .before = {"presence_tell"}});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const char *const needs[] = {"lobby", "presence", NULL};
    const reef_plugin_t matches = {REEF_PLUGIN_API, "matches", needs, .build = build};
    const reef_plugin_t *plugins[] = {&reef_lobby_plugin,
                                      &reef_presence_plugin,
                                      &reef_websocket_plugin,
                                      &reef_wss_plugin,
                                      &reef_admin_plugin,
                                      &matches,
                                      NULL};

    return reef_main(argc, argv, plugins);
}
