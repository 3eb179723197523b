/*
 * Two systems of `frame`: one greets who connects, before its first command is heard;
 * the other makes an update when enough ticks have passed, after all that simulates.
 * Clients that never move have no body and cost nothing in either.
 */
#include <reef/spatial.h>

#include <reef/session.h>

#include "state.h"

#include <inttypes.h>

const reef_event_type_t client_moved_event = {
    .name = "client_moved",
    .size = sizeof(client_moved_t),
};
const reef_event_type_t client_zone_changed_event = {
    .name = "client_zone_changed",
    .size = sizeof(client_zone_changed_t),
};
const reef_event_type_t aoi_entered_event = {
    .name = "aoi_entered",
    .size = sizeof(aoi_entered_t),
};
const reef_event_type_t aoi_left_event = {
    .name = "aoi_left",
    .size = sizeof(aoi_left_t),
};

/* Systems
 * ------------------------------------------------------------------------------ */

/* In reef.v1 the protocol's own hello says it. */
static void greet(reef_run_t *run)
{
    reef__spatial_t *spatial = reef_run_context(run);
    const user_connected_t *event;

    while ((event = REEF_NEXT(run, user_connected)) != NULL) {
        if (reef_session_profile(spatial->app, event->entity) == REEF_PROFILE_TEXT) {
            reef_send_text(run, event->entity, "hello %" PRIu64, event->client_id);
        }
    }
}

static void count(uint64_t *number, reef_metric_t *metric)
{
    reef_metric_add(metric, (double)*number);
    *number = 0;
}

static void publish(reef__spatial_t *spatial)
{
    reef_metric_set(spatial->metrics.entities, spatial->interest.count);
    reef_metric_set(spatial->metrics.pairs, (double)spatial->interest.pairs / 2);
    reef_metric_set(spatial->metrics.behind, (double)spatial->behind.count);
    count(&spatial->counts.moves, spatial->metrics.moves);
    count(&spatial->counts.refused, spatial->metrics.refused);
    count(&spatial->counts.deferred, spatial->metrics.deferred);
    count(&spatial->counts.items, spatial->metrics.items);
    count(&spatial->counts.bytes, spatial->metrics.bytes);
}

static void update(reef_run_t *run)
{
    reef__spatial_t *spatial = reef_run_context(run);
    uint64_t tick = REEF_RESOURCE(reef_run_world(run), simulation_time)->tick;
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        reef__track_remove(spatial, event->entity);
    }
    if (tick == spatial->tick ||
        (tick > spatial->tick && tick - spatial->tick < spatial->tick_step)) {
        return;
    }
    spatial->tick = tick;
    reef__encoder_begin(&spatial->encoder);
    reef__track_changes(spatial);
    reef__tell_prepare(spatial);
    reef__interest_update(&spatial->interest);
    reef__tell_rest(spatial);
    publish(spatial);
}

/* Plugin
 * ------------------------------------------------------------------------------- */

static reef_metric_t *
add_metric(reef_app_t *app, reef_metric_kind_t kind, const char *name, const char *help)
{
    return reef_metrics_ensure(
        reef_app_metrics(app),
        &(reef_metric_desc_t){.name = name, .help = help, .kind = kind});
}

static void add_metrics(reef__spatial_t *spatial)
{
    reef_app_t *app = spatial->app;

    spatial->metrics.entities =
        add_metric(app, REEF_METRIC_GAUGE, "reef_spatial_entities", "Bodies in space.");
    spatial->metrics.pairs =
        add_metric(app, REEF_METRIC_GAUGE, "reef_spatial_pairs",
                   "Pairs of bodies that have each other in sight.");
    spatial->metrics.behind =
        add_metric(app, REEF_METRIC_GAUGE, "reef_spatial_behind",
                   "Clients that have not been sent all that they see.");
    spatial->metrics.moves = add_metric(
        app, REEF_METRIC_COUNTER, "reef_spatial_moves_total", "Changes of position.");
    spatial->metrics.refused =
        add_metric(app, REEF_METRIC_COUNTER, "reef_spatial_refused_total",
                   "Moves that were refused.");
    spatial->metrics.deferred =
        add_metric(app, REEF_METRIC_COUNTER, "reef_spatial_deferred_total",
                   "Positions that did not fit into an update; a client that does not "
                   "read counts as one.");
    spatial->metrics.items =
        add_metric(app, REEF_METRIC_COUNTER, "reef_spatial_items_total",
                   "Positions and departures that were sent.");
    spatial->metrics.bytes = add_metric(
        app, REEF_METRIC_COUNTER, "reef_spatial_bytes_total", "Bytes that these took.");
    spatial->metrics.misplaced =
        add_metric(app, REEF_METRIC_COUNTER, "reef_spatial_misplaced_total",
                   "Positions written by systems that are not finite or too far away.");
}

static void add_systems(reef__spatial_t *spatial)
{
    reef_app_add_system(spatial->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "spatial_greet",
                                              .run = greet,
                                              .context = spatial,
                                              .exclusive = true,
                                              .reads = {&user_connected_event},
                                              .after = {"admission"},
                                              .before = {"update"}});
    reef_app_add_system(spatial->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "spatial",
                                              .run = update,
                                              .context = spatial,
                                              .exclusive = true,
                                              .reads = {&user_disconnected_event},
                                              .after = {"replicate"},
                                              .before = {"egress"}});
}

/* Everything that lives as long as the plugin; needs the settings. */
static void create_parts(reef__spatial_t *spatial)
{
    const spatial_config_t *config = &spatial->config;
    reef_world_t *world = reef_app_world(spatial->app);
    double rate = reef_app_server_config(spatial->app)->tick_rate;

    spatial->position_type =
        config->mode == REEF_SPATIAL_2D ? &position_2d_type : &position_3d_type;
    spatial->position = reef_world_component(world, spatial->position_type);
    spatial->spatial = reef_world_component(world, &spatial_type);
    spatial->tick_step =
        rate > config->rate_hz ? (uint64_t)(rate / config->rate_hz + 0.5) : 1;
    spatial->moved = reef_world_events(world, &client_moved_event);
    spatial->zone_changed = reef_world_events(world, &client_zone_changed_event);
    spatial->entered = reef_world_events(world, &aoi_entered_event);
    spatial->left = reef_world_events(world, &aoi_left_event);
    spatial->sends = reef_world_events(world, &send_message_event);
    reef__encoder_init(&spatial->encoder, spatial->alloc,
                       (reef_spatial_mode_t)config->mode, spatial->update_opcode);
    reef__interest_init(&spatial->interest,
                        &(reef__interest_desc_t){
                            .alloc = spatial->alloc,
                            .cell_size = config->cell_size,
                            .enter = config->interest_radius,
                            .leave = config->interest_radius * config->leave_ratio,
                            .is_deep = config->mode == REEF_SPATIAL_3D,
                            .hooks = &reef__tell_hooks,
                            .context = spatial,
                        });
    spatial->changed = reef_query_create(
        world, &(reef_query_desc_t){.terms = {{.access = REEF_ACCESS_CHANGED,
                                               .type = spatial->position_type},
                                              REEF_ADDED(spatial)}});
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    reef__spatial_t *spatial =
        reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*spatial));
    reef_error_t error;

    *spatial = (reef__spatial_t){.app = app, .alloc = reef_app_alloc(app)};
    spatial->config = *(const spatial_config_t *)config;
    error = reef__move_register(spatial, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), spatial, sizeof(*spatial), 0);
        return error;
    }
    create_parts(spatial);
    add_metrics(spatial);
    add_systems(spatial);
    reef__track_observe(spatial, true);
    reef__occupancy_register(spatial);
    *state = spatial;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    reef__spatial_t *spatial = state;
    const reef_alloc_t *alloc = spatial->alloc;

    (void)app;
    reef__track_observe(spatial, false);
    reef_query_destroy(spatial->changed);
    reef__interest_finish(&spatial->interest);
    reef__encoder_finish(&spatial->encoder);
    reef__track_finish(spatial);
    REEF_ARRAY_FINISH(alloc, &spatial->paces);
    REEF_ARRAY_FINISH(alloc, &spatial->behind);
    REEF_ARRAY_FINISH(alloc, &spatial->visits);
    REEF_ARRAY_FINISH(alloc, &spatial->members);
    REEF_ARRAY_FINISH(alloc, &spatial->candidates);
    REEF_ARRAY_FINISH(alloc, &spatial->bytes);
    REEF_ARRAY_FINISH(alloc, &spatial->message);
    reef_resize(alloc, spatial, sizeof(*spatial), 0);
}

const reef_plugin_t reef_spatial_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "spatial",
    .config_type = &spatial_config_type,
    .build = build,
    .cleanup = cleanup,
};
