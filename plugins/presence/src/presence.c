/*
 * The component `presence` says what a client is.  Observers follow it, and `in_room`,
 * and note whose place is to be looked at; they are told at the end of the frame
 * (presence_tell.c).  Only `offline` is told at once, whoever ends a client, while it
 * can still be read who could see it.
 */
#include <reef/presence.h>

#include <reef/array.h>
#include <reef/list.h>
#include <reef/observer.h>
#include <reef/room.h>
#include <reef/router.h>
#include <reef/session.h>

#include "presence_state.h"

const reef_event_type_t presence_changed_event = {
    .name = "presence_changed",
    .size = sizeof(presence_changed_t),
};

/* What is noted ---------------------------------------------------------------- */

/* Give a client a place; `told` is what the others take it for. */
static void enrol(reef__presence_state_t *state,
                  reef_entity_t entity,
                  const presence_t *now,
                  reef_presence_status_t told)
{
    const client_id_t *id = REEF_FIND(reef_app_world(state->app), entity, client_id);
    uint32_t slot = reef_session_slot(state->app, entity);
    reef__place_t *place;

    if (slot == REEF_NO_SLOT || id == NULL ||
        reef__presence_place(state, entity) != NULL) {
        return; /* no client, or not yet */
    }
    place = reef__roster_add(state->roster, slot, entity);
    place->client_id = id->value;
    place->now = *now;
    place->told = (uint8_t)told;
    place->is_known = told != REEF_PRESENCE_ONLINE;
    reef__presence_note(state, place);
}

static bool is_connected(const reef__presence_state_t *state, reef_entity_t entity)
{
    return reef_group_has(state->app, reef_group_everyone(state->app), entity);
}

/* Whoever has been told to be offline stays so: its entity is there for a while. */
static void
on_added(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    reef__presence_state_t *state = context;

    (void)world;
    if (state->is_arriving) {
        enrol(state, entity, value, REEF_PRESENCE_ONLINE);
    } else if (is_connected(state, entity)) {
        enrol(state, entity, value, REEF_PRESENCE_OFFLINE);
    }
}

static void
on_set(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    reef__place_t *place = reef__presence_place(context, entity);

    (void)world;
    if (place != NULL) {
        place->now = *(const presence_t *)value;
        reef__presence_note(context, place);
    }
}

static void
on_moved(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world, (void)value;
    reef__presence_note(context, reef__presence_place(context, entity));
}

static void
on_gone(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world, (void)value;
    reef__presence_say_offline(context, entity);
}

/* Systems ---------------------------------------------------------------------- */

static void arrive(reef_run_t *run)
{
    reef__presence_state_t *state = reef_run_context(run);
    reef_world_t *world = reef_run_world(run);
    const user_connected_t *event;

    while ((event = REEF_NEXT(run, user_connected)) != NULL) {
        const session_t *session = REEF_FIND(world, event->entity, session);
        const presence_t *early = REEF_FIND(world, event->entity, presence);

        if (session == NULL) {
            continue; /* gone again */
        }
        state->epoch_ms =
            session->connected_at_ms - reef_app_now_ns(state->app) / 1000000;
        if (early != NULL) { /* from an authenticator */
            enrol(state, event->entity, early, REEF_PRESENCE_ONLINE);
        } else {
            state->is_arriving = true;
            REEF_ADD(world, event->entity, presence,
                     .since_ms = reef__presence_now_ms(state));
            state->is_arriving = false;
        }
        reef__presence_teach(state, event->entity, 0);
    }
}

static void say_goodbyes(reef_run_t *run)
{
    reef_world_t *world = reef_run_world(run);
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        reef_world_remove(world, event->entity,
                          reef_world_component(world, &presence_type));
    }
}

static void tell_presence(reef_run_t *run)
{
    reef__presence_state_t *state = reef_run_context(run);

    say_goodbyes(run);
    reef__presence_tell(state);
}

/* Command ---------------------------------------------------------------------- */

static bool
set_status(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__presence_state_t *state = context;
    reef_world_t *world = reef_run_world(run);
    const presence_t *presence = REEF_FIND(world, command->entity, presence);
    int32_t status = 0;

    while (status < REEF_PRESENCE_OFFLINE &&
           !reef_span_equal(command->rest, reef_span_text(reef__presence_name(
                                               (reef_presence_status_t)status)))) {
        status++;
    }
    if (status == REEF_PRESENCE_OFFLINE) {
        reef_send_text(run, command->entity,
                       "[Presence] Usage: /status online|away|busy");
    } else if (presence != NULL ? presence->status != status
                                : is_connected(state, command->entity)) {
        REEF_ADD(world, command->entity, presence, .status = status,
                 .since_ms = reef__presence_now_ms(state));
    }
    return true;
}

/* For inspection --------------------------------------------------------------- */

REEF_COMPONENT(presence_row,
               0,
               REEF_U64(client_id),
               REEF_ENUM(status, reef_presence_names),
               REEF_U64(since_ms, .unit = "ms", .doc = "since 1970, UTC"),
               REEF_ENTITY(entity),
               REEF_ENTITY(room, .doc = "where it is seen; none = everywhere"));

static uint32_t count_rows(void *context)
{
    return (uint32_t)reef__roster_count(
        ((const reef__presence_state_t *)context)->roster);
}

static void get_row(void *context, uint32_t index, void *row)
{
    const reef__presence_state_t *state = context;
    const reef__place_t *place = reef__roster_at(state->roster, index);

    *(presence_row_t *)row = (presence_row_t){
        .client_id = place->client_id,
        .status = place->now.status,
        .since_ms = place->now.since_ms,
        .entity = place->entity,
        .room = place->room,
    };
}

/* Plugin ----------------------------------------------------------------------- */

static const struct {
    reef_observe_t what;
    const reef_type_t *type;
    reef_observer_fn run;
} observers[] = {
    {REEF_OBSERVE_ADD, &presence_type, on_added},
    {REEF_OBSERVE_SET, &presence_type, on_set},
    {REEF_OBSERVE_REMOVE, &presence_type, on_gone},
    {REEF_OBSERVE_ADD, &in_room_type, on_moved},
    {REEF_OBSERVE_SET, &in_room_type, on_moved},
    {REEF_OBSERVE_REMOVE, &in_room_type, on_moved},
};

enum {
    OBSERVER_COUNT = sizeof(observers) / sizeof(observers[0])
};

static void add_systems(reef__presence_state_t *state)
{
    reef_app_add_system(state->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "presence_arrive",
                            .run = arrive,
                            .context = state,
                            .exclusive = true,
                            .reads = {&user_connected_event},
                            .before = {"router"},
                        });
    /* Before the chat takes those who have gone out of their rooms. */
    reef_app_add_system(state->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "presence_tell",
                            .run = tell_presence,
                            .context = state,
                            .exclusive = true,
                            .reads = {&user_disconnected_event},
                            .after = {"router", "presence_arrive"},
                            .before = {"chat_see_off"},
                        });
}

static void register_all(reef__presence_state_t *state)
{
    reef_app_t *app = state->app;

    state->news = reef_metrics_ensure(
        reef_app_metrics(app),
        &(reef_metric_desc_t){.name = "reef_presence_news_total",
                              .help = "Changes of presence that were told.",
                              .kind = REEF_METRIC_COUNTER});
    state->lines = reef_metrics_ensure(
        reef_app_metrics(app),
        &(reef_metric_desc_t){.name = "reef_presence_state_lines_total",
                              .help = "Lines in which newcomers, all of a frame "
                                      "together, were told of others.",
                              .kind = REEF_METRIC_COUNTER});
    for (size_t i = 0; i < OBSERVER_COUNT; i++) {
        reef_world_observe(reef_app_world(app), observers[i].what, observers[i].type,
                           observers[i].run, state);
    }
    reef_app_add_list(app, &(reef_list_desc_t){.name = "presence",
                                               .doc = "Clients, and what they said of "
                                                      "themselves.",
                                               .row = &presence_row_type,
                                               .count = count_rows,
                                               .get = get_row,
                                               .context = state});
    add_systems(state);
}

static reef_error_t
build(reef_app_t *app, const void *config, void **result, reef_failure_t *failure)
{
    reef__presence_state_t *state =
        reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*state));
    reef_error_t error;

    *state = (reef__presence_state_t){.app = app,
                                      .config = *(const presence_config_t *)config};
    error = reef_app_add_prefix(app, "/status", set_status, state, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), state, sizeof(*state), 0);
        return error;
    }
    state->roster = reef__roster_create(reef_app_alloc(app));
    register_all(state);
    *result = state;
    return REEF_OK;
}

/* The world outlives the plugin, and those who clean up later may change it. */
static void cleanup(reef_app_t *app, void *pointer)
{
    reef__presence_state_t *state = pointer;

    for (size_t i = 0; i < OBSERVER_COUNT; i++) {
        reef_world_unobserve(reef_app_world(app), observers[i].what, observers[i].type,
                             observers[i].run, state);
    }
    reef__roster_destroy(state->roster);
    REEF_ARRAY_FINISH(reef_app_alloc(app), &state->changed);
    REEF_ARRAY_FINISH(reef_app_alloc(app), &state->learners);
    reef_resize(reef_app_alloc(app), state, sizeof(*state), 0);
}

const reef_plugin_t reef_presence_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "presence",
    .config_type = &presence_config_type,
    .build = build,
    .cleanup = cleanup,
};
