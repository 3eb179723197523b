/* Clients move about a plane and see who is near; so does a turtle of the server's. */
#include <reef/admin.h>
#include <reef/reef.h>
#include <reef/spatial.h>

#include <math.h>

REEF_TAG(turtle, 0);

static void spawn_turtle(reef_run_t *run)
{
    reef_commands_t *commands = reef_run_commands(run);
    reef_entity_t entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);

    REEF_COMMAND_ADD(commands, entity, position_2d, .x = 40);
    REEF_COMMAND_ADD(commands, entity, spatial); /* so that clients see it */
    reef_commands_add(commands, entity, &turtle_type, NULL);
}

/* Round and round, to whole centimetres. */
static void swim(reef_run_t *run)
{
    const simulation_time_t *time = reef_run_resource(run, &simulation_time_type);
    double angle = (double)time->tick * time->dt / 5;
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        position_2d_t *position = reef_query_column_mut(&it, 0);

        position->x = (float)(round(cos(angle) * 4000) / 100);
        position->y = (float)(round(sin(angle) * 4000) / 100);
    }
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(
        app, REEF_STARTUP,
        &(reef_system_desc_t){.name = "spawn", .run = spawn_turtle, .commands = true});
    reef_app_add_system(
        app, REEF_FIXED_UPDATE,
        &(reef_system_desc_t){.name = "swim",
                              .run = swim,
                              .query = {REEF_WRITE(position_2d), REEF_WITH(turtle)},
                              .resources = {REEF_READ(simulation_time)}});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t sea = {REEF_PLUGIN_API, "sea", .build = build};
    const reef_plugin_t *plugins[] = {&reef_spatial_plugin,   &sea,
                                      &reef_websocket_plugin, &reef_wss_plugin,
                                      &reef_admin_plugin,     NULL};

    return reef_main(argc, argv, plugins);
}
