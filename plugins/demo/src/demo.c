/*
 * Creatures are spawned once in the life of a world: a persistent resource remembers
 * it, so neither a restart nor a restore spawns them again, and despawning them all by
 * hand is final.  They move straight ahead and turn back at the edge.
 */
#include <reef/demo.h>

#include <reef/app.h>
#include <reef/components.h>

#include <stdio.h>

#define EDGE      100.0f /* m from the middle to each side */
#define MAX_SPEED 12.0f  /* m/s along each axis */

REEF_TAG(demo_creature, REEF_PERSISTENT);

REEF_COMPONENT(demo_state,
               REEF_PERSISTENT | REEF_READ_ONLY,
               REEF_BOOL(spawned, .doc = "the creatures have been spawned"));

typedef struct demo {
    uint32_t entities;
} demo_t;

static const char *const species[] = {
    "Turtle",    "Seahorse", "Octopus", "Parrotfish", "Manta",
    "Clownfish", "Grouper",  "Moray",   "Dolphin",    "Anemone",
};

/* SplitMix64 (Steele, Lea, Flood 2014): the same world in every first run. */
static float random_between(uint64_t *seed, float low, float high)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return low + (high - low) * (float)(z >> 40) / 16777216.0f;
}

static void spawn_creature(reef_commands_t *commands, uint32_t number, uint64_t *seed)
{
    reef_entity_t entity = reef_commands_spawn(commands, REEF_RANGE_WORLD);
    position_2d_t position = {.x = random_between(seed, -EDGE, EDGE),
                              .y = random_between(seed, -EDGE, EDGE)};
    velocity_2d_t velocity = {.x = random_between(seed, -MAX_SPEED, MAX_SPEED),
                              .y = random_between(seed, -MAX_SPEED, MAX_SPEED)};
    name_t name = {0};

    snprintf(name.value, sizeof(name.value), "%s %u",
             species[number % (sizeof(species) / sizeof(species[0]))], number + 1);
    reef_commands_add(commands, entity, &name_type, &name);
    reef_commands_add(commands, entity, &position_2d_type, &position);
    reef_commands_add(commands, entity, &velocity_2d_type, &velocity);
    reef_commands_add(commands, entity, &demo_creature_type, NULL);
}

static void spawn_all(reef_run_t *run)
{
    const demo_t *demo = reef_run_context(run);
    demo_state_t *state = reef_run_resource_mut(run, &demo_state_type);
    uint64_t seed = 1;

    if (state->spawned) {
        return;
    }
    for (uint32_t i = 0; i < demo->entities; i++) {
        spawn_creature(reef_run_commands(run), i, &seed);
    }
    state->spawned = true;
}

/* One axis: move, and swim back towards the middle from beyond the edge. */
static void move_axis(float *position, float *velocity, float dt)
{
    *position += *velocity * dt;
    if ((*position > EDGE && *velocity > 0) || (*position < -EDGE && *velocity < 0)) {
        *velocity = -*velocity;
    }
}

static void move(reef_run_t *run)
{
    const simulation_time_t *time = reef_run_resource(run, &simulation_time_type);
    float dt = (float)time->dt;
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        position_2d_t *position = reef_query_column_mut(&it, 0);
        velocity_2d_t *velocity = reef_query_column_mut(&it, 1);

        for (uint32_t i = 0; i < it.count; i++) {
            move_axis(&position[i].x, &velocity[i].x, dt);
            move_axis(&position[i].y, &velocity[i].y, dt);
        }
    }
}

static void add_systems(reef_app_t *app, demo_t *demo)
{
    reef_app_add_system(app, REEF_STARTUP,
                        &(reef_system_desc_t){
                            .name = "demo_spawn",
                            .run = spawn_all,
                            .context = demo,
                            .resources = {REEF_WRITE(demo_state)},
                            .commands = true,
                        });
    reef_app_add_system(app, REEF_FIXED_UPDATE,
                        &(reef_system_desc_t){
                            .name = "demo_move",
                            .run = move,
                            .query = {REEF_WRITE(position_2d), REEF_WRITE(velocity_2d),
                                      REEF_WITH(demo_creature)},
                            .resources = {REEF_READ(simulation_time)},
                            .parallel = true,
                        });
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef_world_t *world = reef_app_world(app);
    demo_t *demo = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*demo));

    (void)failure;
    demo->entities = ((const demo_config_t *)config)->entities;
    /* Also when it is off: what an earlier run stored can then be restored. */
    reef_world_component(world, &position_2d_type);
    reef_world_component(world, &velocity_2d_type);
    reef_world_component(world, &demo_creature_type);
    reef_world_resource(world, &demo_state_type);
    if (demo->entities > 0) {
        add_systems(app, demo);
    }
    *state = demo;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    reef_resize(reef_app_alloc(app), state, sizeof(demo_t), 0);
}

const reef_plugin_t reef_demo_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "demo",
    .config_type = &demo_config_type,
    .build = build,
    .cleanup = cleanup,
};
