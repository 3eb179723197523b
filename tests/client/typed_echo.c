/* A server for the tests of clients: it sends back every value of the message `all`,
 * with its items, and every text; `odd` is only its own. */
#include <reef/reef.h>

#include "reef_v1_fixture.h"

static bool
echo_typed(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    (void)context;
    reef_send_opcode(run, command->entity, command->opcode, command->value,
                     command->items, command->item_count);
    return true;
}

static bool refuse(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    (void)run, (void)command, (void)context;
    return false;
}

static bool echo_text(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)context;
    reef_send_text(run, text->entity, "%.*s", (int)text->rest.size,
                   (const char *)text->rest.data);
    return true;
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    static const reef_opcode_desc_t descs[] = {
        {.name = "all",
         .type = &v1_all_type,
         .item = &v1_member_type,
         .handle = echo_typed},
        {.name = "test.refused", .handle = refuse},
        {.name = "test.point", .type = &v1_point_type, .handle = echo_typed},
        {.name = "odd", .type = &v1_pose_type},
    };
    reef_error_t error = reef_app_add_prefix(app, "", echo_text, NULL, failure);

    (void)config, (void)state;
    for (size_t i = 0; i < sizeof(descs) / sizeof(descs[0]) && error == REEF_OK; i++) {
        error = reef_app_add_opcode(app, &descs[i], failure);
    }
    return error;
}

int main(int argc, char **argv)
{
    const reef_plugin_t typed_echo = {REEF_PLUGIN_API, "typed_echo", .build = build};
    const reef_plugin_t *plugins[] = {&reef_websocket_plugin, &reef_tcp_plugin,
                                      &reef_udp_plugin, &typed_echo, NULL};

    return reef_main(argc, argv, plugins);
}
