/*
 * The relation `in_lobby` decides who is where.  Observers follow it, and the component
 * `lobby`, into the set of lobbies and emit the events; so it does not matter who
 * changes them, or when.  What the world must learn in return (a lobby without members
 * is to go, another owner) waits in `touched`, for observers may not change the world.
 *
 * Lobbies are entities of the range of sessions: they are about connected clients, so a
 * snapshot does not store them, and one that is restored leaves them alone.
 */
#include <reef/lobby.h>

#include <reef/array.h>
#include <reef/components.h>
#include <reef/list.h>
#include <reef/observer.h>
#include <reef/session.h>

#include "lobby_state.h"

static void drop_ready(void *event)
{
    lobby_ready_t *ready = event;

    reef_resize(reef_alloc_default(), ready->members,
                ready->member_count * sizeof(*ready->members), 0);
}

const reef_event_type_t player_joined_lobby_event = {
    .name = "player_joined_lobby",
    .size = sizeof(player_joined_lobby_t),
};
const reef_event_type_t player_left_lobby_event = {
    .name = "player_left_lobby",
    .size = sizeof(player_left_lobby_t),
};
const reef_event_type_t lobby_ready_event = {
    .name = "lobby_ready",
    .size = sizeof(lobby_ready_t),
    .drop = drop_ready,
};
const reef_event_type_t lobby_dissolved_event = {
    .name = "lobby_dissolved",
    .size = sizeof(lobby_dissolved_t),
};

uint64_t reef__lobby_client_id(reef_world_t *world, reef_entity_t member)
{
    const client_id_t *id = REEF_FIND(world, member, client_id);

    return id != NULL ? id->value : 0;
}

/* Changes of the set ----------------------------------------------------------- */

static void forget_listing(reef__lobby_state_t *state, const reef__lobby_t *lobby)
{
    if (!lobby->is_private) {
        reef_buffer_unref(state->listing);
        state->listing = NULL;
    }
}

static void touch(reef__lobby_state_t *state, const reef__lobby_t *lobby)
{
    *REEF_ARRAY_PUSH(reef_app_alloc(state->app), &state->touched) = lobby->entity;
}

/* Of one without members; the name is free from now on. */
static void dissolve(reef__lobby_state_t *state, reef__lobby_t *lobby)
{
    reef_world_t *world = reef_app_world(state->app);
    lobby_dissolved_t dissolved = {.lobby = lobby->entity};

    memcpy(dissolved.name, lobby->name, sizeof(dissolved.name));
    touch(state, lobby);
    reef__lobby_set_remove(state->set, lobby);
    (void)reef_event_emit(reef_world_events(world, &lobby_dissolved_event), &dissolved);
}

static void take_out(reef__lobby_state_t *state, reef_entity_t member)
{
    reef_world_t *world = reef_app_world(state->app);
    reef__lobby_t *lobby = reef__lobby_set_of(state->set, member);
    player_left_lobby_t left = {.entity = member,
                                .client_id = reef__lobby_client_id(world, member)};
    bool was_owner;

    if (lobby == NULL) {
        return;
    }
    was_owner = lobby->members.items[0] == member;
    reef__lobby_set_leave(state->set, lobby, member);
    forget_listing(state, lobby);
    left.lobby = lobby->entity;
    left.owner = lobby->members.count > 0 ? lobby->members.items[0] : 0;
    if (was_owner) {
        lobby->owner_id = reef__lobby_client_id(world, left.owner);
        touch(state, lobby);
    }
    memcpy(left.name, lobby->name, sizeof(left.name));
    (void)reef_event_emit(reef_world_events(world, &player_left_lobby_event), &left);
    if (lobby->members.count == 0) {
        dissolve(state, lobby);
    }
}

static void tell_ready(reef_world_t *world, const reef__lobby_t *lobby)
{
    size_t size = lobby->members.count * sizeof(reef_entity_t);
    lobby_ready_t ready = {
        .lobby = lobby->entity,
        .member_count = (uint32_t)lobby->members.count,
        .members = reef_resize(reef_alloc_default(), NULL, 0, size),
    };

    memcpy(ready.name, lobby->name, sizeof(ready.name));
    memcpy(ready.members, lobby->members.items, size);
    (void)reef_event_emit(reef_world_events(world, &lobby_ready_event), &ready);
}

static void
take_in(reef__lobby_state_t *state, reef__lobby_t *lobby, reef_entity_t member)
{
    reef_world_t *world = reef_app_world(state->app);
    player_joined_lobby_t joined = {.entity = member,
                                    .client_id = reef__lobby_client_id(world, member),
                                    .lobby = lobby->entity};

    reef__lobby_set_enter(state->set, lobby, member);
    if (lobby->members.count == 1) {
        lobby->owner_id = joined.client_id;
    }
    forget_listing(state, lobby);
    memcpy(joined.name, lobby->name, sizeof(joined.name));
    (void)reef_event_emit(reef_world_events(world, &player_joined_lobby_event),
                          &joined);
    if (lobby->members.count == lobby->max_members) {
        tell_ready(world, lobby);
    }
}

void reef__lobby_found(reef__lobby_state_t *state,
                       reef_entity_t owner,
                       const reef__lobby_t *model)
{
    reef_world_t *world = reef_app_world(state->app);
    reef__lobby_t new = *model;
    lobby_t component = {.max_members = model->max_members,
                         .is_private = model->is_private,
                         .owner = owner};

    memcpy(component.name, model->name, sizeof(component.name));
    new.entity = reef_world_spawn(world, REEF_RANGE_SESSION);
    reef_world_add(world, new.entity, reef_world_component(world, &lobby_type),
                   &component);
    reef__lobby_set_add(state->set, &new);
    REEF_RELATE(world, owner, in_lobby, new.entity);
    reef_metric_add(state->created, 1);
}

void reef__lobby_settle(reef__lobby_state_t *state)
{
    reef_world_t *world = reef_app_world(state->app);

    while (state->touched.count > 0) {
        reef_entity_t entity = state->touched.items[--state->touched.count];
        const reef__lobby_t *lobby = reef__lobby_set_at_entity(state->set, entity);

        if (lobby != NULL) {
            REEF_FIND_MUT(world, entity, lobby)->owner = lobby->members.items[0];
        } else if (reef_world_is_alive(world, entity)) {
            reef_world_despawn(world, entity);
        }
    }
}

/* What happens in the world ---------------------------------------------------- */

/* Added, or set: perhaps to another lobby, or to something that is none. */
static void
on_entered(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    reef__lobby_state_t *state = context;
    const in_lobby_t *relation = value;
    reef__lobby_t *lobby = reef__lobby_set_at_entity(state->set, relation->target);

    (void)world;
    if (lobby != NULL && lobby == reef__lobby_set_of(state->set, entity)) {
        return;
    }
    take_out(state, entity);
    if (lobby != NULL) {
        take_in(state, lobby, entity);
    }
}

static void
on_left(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world, (void)value;
    take_out(context, entity);
}

/* Of an entity that lives on, or whose members have been detached already. */
static void on_lobby_removed(reef_world_t *world,
                             reef_entity_t entity,
                             const void *value,
                             void *context)
{
    reef__lobby_state_t *state = context;
    reef__lobby_t *lobby = reef__lobby_set_at_entity(state->set, entity);

    (void)world, (void)value;
    while (lobby != NULL) {
        take_out(state, lobby->members.items[lobby->members.count - 1]);
        lobby = reef__lobby_set_at_entity(state->set, entity);
    }
}

static void say_goodbye(reef_run_t *run)
{
    reef__lobby_state_t *state = reef_run_context(run);
    reef_world_t *world = reef_run_world(run);
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        reef_world_remove(world, event->entity,
                          reef_world_component(world, &in_lobby_type));
    }
    reef__lobby_settle(state);
    reef_metric_set(state->lobbies, (double)reef__lobby_set_count(state->set));
    reef_metric_set(state->members, (double)reef__lobby_set_members(state->set));
}

/* For inspection --------------------------------------------------------------- */

REEF_COMPONENT(lobby_row,
               0,
               REEF_STRING(name, REEF_LOBBY_NAME),
               REEF_U32(members),
               REEF_U32(max_members),
               REEF_BOOL(is_private),
               REEF_U64(owner_id, .doc = "client of the oldest member"));

static uint32_t count_rows(void *context)
{
    const reef__lobby_state_t *state = context;

    return (uint32_t)reef__lobby_set_count(state->set);
}

static void get_row(void *context, uint32_t index, void *row)
{
    const reef__lobby_state_t *state = context;
    const reef__lobby_t *lobby = reef__lobby_set_at(state->set, index);
    lobby_row_t *out = row;

    memcpy(out->name, lobby->name, sizeof(out->name));
    out->members = (uint32_t)lobby->members.count;
    out->max_members = lobby->max_members;
    out->is_private = lobby->is_private;
    out->owner_id = lobby->owner_id;
}

static const reef_entity_t *get_members(void *context, uint32_t index, uint32_t *count)
{
    const reef__lobby_state_t *state = context;
    const reef__lobby_t *lobby = reef__lobby_set_at(state->set, index);

    *count = (uint32_t)lobby->members.count;
    return lobby->members.items;
}

/* Plugin ----------------------------------------------------------------------- */

static const struct {
    reef_observe_t what;
    const reef_type_t *type;
    reef_observer_fn run;
} observers[] = {
    {REEF_OBSERVE_ADD, &in_lobby_type, on_entered},
    {REEF_OBSERVE_SET, &in_lobby_type, on_entered},
    {REEF_OBSERVE_REMOVE, &in_lobby_type, on_left},
    {REEF_OBSERVE_REMOVE, &lobby_type, on_lobby_removed},
};

enum {
    OBSERVER_COUNT = sizeof(observers) / sizeof(observers[0])
};

static reef_metric_t *add_metric(const reef__lobby_state_t *state,
                                 reef_metric_kind_t kind,
                                 const char *name,
                                 const char *help)
{
    return reef_metrics_ensure(
        reef_app_metrics(state->app),
        &(reef_metric_desc_t){.name = name, .help = help, .kind = kind});
}

static void register_all(reef__lobby_state_t *state)
{
    reef_app_t *app = state->app;

    state->created = add_metric(state, REEF_METRIC_COUNTER, "reef_lobby_created_total",
                                "Lobbies created.");
    state->refused = add_metric(state, REEF_METRIC_COUNTER, "reef_lobby_refused_total",
                                "Lobbies not created because there were too many.");
    state->lobbies =
        add_metric(state, REEF_METRIC_GAUGE, "reef_lobby_lobbies", "Lobbies now.");
    state->members = add_metric(state, REEF_METRIC_GAUGE, "reef_lobby_members",
                                "Members of all lobbies.");
    for (size_t i = 0; i < OBSERVER_COUNT; i++) {
        reef_world_observe(reef_app_world(app), observers[i].what, observers[i].type,
                           observers[i].run, state);
    }
    reef_app_add_list(app, &(reef_list_desc_t){.name = "lobbies",
                                               .doc = "Lobbies, and who waits in them.",
                                               .row = &lobby_row_type,
                                               .count = count_rows,
                                               .get = get_row,
                                               .members = get_members,
                                               .context = state});
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "lobby_goodbye",
                            .run = say_goodbye,
                            .context = state,
                            .exclusive = true,
                            .reads = {&user_disconnected_event},
                            .after = {"router"},
                        });
}

static reef_error_t
build(reef_app_t *app, const void *config, void **result, reef_failure_t *failure)
{
    const lobby_config_t *settings = config;
    reef__lobby_state_t *state;
    reef_error_t error;

    if (settings->default_max_members > settings->max_members) {
        return reef_fail(failure, REEF_E_RANGE,
                         "lobby.default_max_members is %u, more than "
                         "lobby.max_members, which is %u",
                         settings->default_max_members, settings->max_members);
    }
    state = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*state));
    *state = (reef__lobby_state_t){.app = app, .config = *settings};
    error = reef_app_add_prefix(app, "/lobby", reef__lobby_command, state, failure);
    if (error != REEF_OK) {
        reef_resize(reef_app_alloc(app), state, sizeof(*state), 0);
        return error;
    }
    state->set = reef__lobby_set_create(reef_app_alloc(app));
    register_all(state);
    *result = state;
    return REEF_OK;
}

/* The world outlives the plugin: take out of it what is the plugin's. */
static void cleanup(reef_app_t *app, void *pointer)
{
    reef__lobby_state_t *state = pointer;

    while (reef__lobby_set_count(state->set) > 0) {
        reef_world_despawn(reef_app_world(app),
                           reef__lobby_set_at(state->set, 0)->entity);
    }
    reef__lobby_settle(state);
    for (size_t i = 0; i < OBSERVER_COUNT; i++) {
        reef_world_unobserve(reef_app_world(app), observers[i].what, observers[i].type,
                             observers[i].run, state);
    }
    reef__lobby_set_destroy(state->set);
    reef_buffer_unref(state->listing);
    REEF_ARRAY_FINISH(reef_app_alloc(app), &state->touched);
    reef_resize(reef_app_alloc(app), state, sizeof(*state), 0);
}

const reef_plugin_t reef_lobby_plugin = {
    .api = REEF_PLUGIN_API,
    .name = "lobby",
    .config_type = &lobby_config_type,
    .build = build,
    .cleanup = cleanup,
};
