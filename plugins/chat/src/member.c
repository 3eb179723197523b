/*
 * The relation `in_room` is the only truth; everything else follows from it by
 * observers, so it does not matter who changes it or how: a command, another plugin,
 * an operator, a despawn.  An observer may not change the structure of the world, so
 * what it would add, remove or despawn waits in a list of tasks for the next settling:
 *
 *     in_room added, set, removed  →  at once: group, events, what the client is told
 *                                  →  later: MIRROR (component `room`), NOTICE (to
 *                                     those who stay), EMPTY (the room goes)
 *     room removed by others       →  later: EVICT (the member leaves its room)
 *     room_channel comes or goes   →  at once: group, members in or out
 *                                  →  later: RESTORE (its fields), DISCARD (the entity)
 *
 * Settling takes place before and after each command of a client, and at the end of a
 * frame's simulation.  Notices wait too, so that a room of a thousand
 * that goes as a whole does not tell each member of each other one.
 */
#include "member.h"

#include <reef/array.h>
#include <reef/components.h>
#include <reef/group.h>
#include <reef/map.h>
#include <reef/observer.h>
#include <reef/room.h>
#include <reef/session.h>

#include <reef/chat.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

typedef enum task_kind {
    TASK_MIRROR,  /* entity: what `room` says, and that it is in a room indeed */
    TASK_EVICT,   /* entity out of `room`, if it is still there */
    TASK_NOTICE,  /* client `id` has left `room` */
    TASK_EMPTY,   /* `room` goes, if it is ours and nobody is in */
    TASK_RESTORE, /* what room_channel of `room` says */
    TASK_DISCARD, /* `room` was ours, and is no room any more */
} task_kind_t;

typedef struct task {
    task_kind_t kind;
    reef_entity_t entity;
    reef_entity_t room;
    uint64_t id;
} task_t;

struct reef__members {
    reef_app_t *app;
    reef_world_t *world;
    const reef_alloc_t *alloc;
    reef__names_t *rooms;
    reef_map_t *places; /* entity → the target of its in_room */
    struct {
        task_t *items;
        size_t count, capacity;
    } tasks;
    bool is_making; /* the room that comes is ours */
    bool is_own;    /* who moves does so by its own wish */
    bool is_mirror; /* `room` is changed by us */
    uint64_t changes;
    reef_metric_t *metric_rooms;
    reef_metric_t *metric_created;
};

static void push(reef__members_t *members, task_t task)
{
    *REEF_ARRAY_PUSH(members->alloc, &members->tasks) = task;
}

static uint64_t id_of(const reef__members_t *members, reef_entity_t entity)
{
    const client_id_t *id = REEF_FIND(members->world, entity, client_id);

    return id != NULL ? id->value : 0;
}

static void changed(reef__members_t *members)
{
    members->changes++;
    reef_metric_set(members->metric_rooms, (double)reef__names_count(members->rooms));
}

/* In and out ----------------------------------------------------------------------- */

/* "[System] Joined room: the reef" */
static void tell(const reef__members_t *members,
                 reef_entity_t client,
                 const char *what,
                 const reef__named_t *room)
{
    reef_world_send(members->world,
                    &(send_message_t){.target = client,
                                      .payload = reef_buffer_format(
                                          "[System] %s room: %s", what, room->name)});
}

static bool
is_connected(const reef__members_t *members, reef_entity_t entity, uint64_t id)
{
    return id != 0 && reef_session_find(members->app, id) == entity;
}

static void
come_in(reef__members_t *members, reef_entity_t entity, const reef__named_t *room)
{
    user_joined_room_t joined = {.entity = entity,
                                 .client_id = id_of(members, entity),
                                 .room_entity = room->entity};

    snprintf(joined.room, sizeof(joined.room), "%s", room->name);
    (void)reef_group_add(members->app, room->group, entity);
    if (is_connected(members, entity, joined.client_id)) {
        tell(members, entity, "Joined", room);
    }
    (void)reef_event_emit(reef_world_events(members->world, &user_joined_room_event),
                          &joined);
    push(members, (task_t){.kind = TASK_MIRROR, .entity = entity});
    changed(members);
}

/* `is_moving`: it comes into another room, and is told of that instead. */
static void go_out(reef__members_t *members,
                   reef_entity_t entity,
                   const reef__named_t *room,
                   bool is_moving)
{
    user_left_room_t left = {.entity = entity,
                             .client_id = id_of(members, entity),
                             .room_entity = room->entity};

    snprintf(left.room, sizeof(left.room), "%s", room->name);
    (void)reef_group_remove(members->app, room->group, entity);
    if (!is_moving && is_connected(members, entity, left.client_id)) {
        tell(members, entity, "Left", room);
    }
    (void)reef_event_emit(reef_world_events(members->world, &user_left_room_event),
                          &left);
    push(members, (task_t){.kind = TASK_MIRROR, .entity = entity});
    if (!members->is_own && left.client_id != 0) {
        push(members,
             (task_t){.kind = TASK_NOTICE, .room = room->entity, .id = left.client_id});
    }
    push(members, (task_t){.kind = TASK_EMPTY, .room = room->entity});
    changed(members);
}

/* Observers ------------------------------------------------------------------------ */

/* Of in_room, added or set: the room before is known from `places`. */
static void on_relation_put(reef_world_t *world,
                            reef_entity_t entity,
                            const void *value,
                            void *context)
{
    reef__members_t *members = context;
    reef_entity_t target = ((const in_room_t *)value)->target;
    const reef__named_t *room;
    uint64_t before = 0;

    (void)world;
    if (reef_map_find(members->places, REEF_KEY(entity), &before) && before == target) {
        return;
    }
    reef_map_set(members->places, REEF_KEY(entity), target);
    room = reef__names_of(members->rooms, before);
    if (room != NULL) {
        go_out(members, entity, room, reef__names_of(members->rooms, target) != NULL);
    }
    room = reef__names_of(members->rooms, target);
    if (room != NULL) {
        come_in(members, entity, room);
    } else {
        push(members, (task_t){.kind = TASK_MIRROR, .entity = entity});
    }
}

static void on_relation_removed(reef_world_t *world,
                                reef_entity_t entity,
                                const void *value,
                                void *context)
{
    reef__members_t *members = context;
    const reef__named_t *room;

    (void)world;
    (void)reef_map_remove(members->places, REEF_KEY(entity));
    room = reef__names_of(members->rooms, ((const in_room_t *)value)->target);
    if (room != NULL) {
        go_out(members, entity, room, false);
    }
}

static void
on_name_put(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    reef__members_t *members = context;

    (void)world, (void)value;
    if (!members->is_mirror) {
        push(members, (task_t){.kind = TASK_MIRROR, .entity = entity});
    }
}

static void on_name_removed(reef_world_t *world,
                            reef_entity_t entity,
                            const void *value,
                            void *context)
{
    reef__members_t *members = context;
    reef_entity_t room = REEF_TARGET(world, entity, in_room);

    (void)value;
    if (!members->is_mirror && room != 0) {
        push(members, (task_t){.kind = TASK_EVICT, .entity = entity, .room = room});
    }
}

/* Take an entity with room_channel as a room; those who point to it come in. */
static void
adopt(reef__members_t *members, reef_entity_t entity, const room_channel_t *channel)
{
    reef__named_t room = {.entity = entity, .is_ours = members->is_making};
    const reef_entity_t *sources;
    uint32_t count;

    snprintf(room.name, sizeof(room.name), "%s", channel->name);
    if (room.name[0] == '\0' ||
        reef__names_find(members->rooms, reef_span_text(room.name)) != NULL) {
        reef_log(reef_app_log(members->app), REEF_LOG_WARN, "chat",
                 "not taken as a room: its name is empty or that of another",
                 REEF_LOG_TEXT("name", room.name));
        return;
    }
    room.group = reef_group_create(members->app);
    (void)reef__names_add(members->rooms, &room);
    push(members, (task_t){.kind = TASK_RESTORE, .room = entity});
    sources = REEF_SOURCES(members->world, entity, in_room, &count);
    for (uint32_t i = 0; i < count; i++) {
        come_in(members, sources[i], &room);
    }
    changed(members);
}

static void on_channel_added(reef_world_t *world,
                             reef_entity_t entity,
                             const void *value,
                             void *context)
{
    (void)world;
    adopt(context, entity, value);
}

/* A room may get another name, if it is free; its group is ours. */
static void on_channel_set(reef_world_t *world,
                           reef_entity_t entity,
                           const void *value,
                           void *context)
{
    reef__members_t *members = context;
    const room_channel_t *channel = value;
    const reef__named_t *known;
    reef__named_t room;
    const reef_entity_t *sources;
    uint32_t count;

    known = reef__names_of(members->rooms, entity);
    if (known == NULL) {
        adopt(members, entity, channel);
        return;
    }
    push(members, (task_t){.kind = TASK_RESTORE, .room = entity});
    if (channel->name[0] == '\0' ||
        reef__names_find(members->rooms, reef_span_text(channel->name)) != NULL) {
        return;
    }
    room = *known;
    snprintf(room.name, sizeof(room.name), "%s", channel->name);
    reef__names_remove(members->rooms, entity);
    (void)reef__names_add(members->rooms, &room);
    sources = REEF_SOURCES(world, entity, in_room, &count);
    for (uint32_t i = 0; i < count; i++) {
        push(members, (task_t){.kind = TASK_MIRROR, .entity = sources[i]});
    }
    changed(members);
}

/* When the entity is despawned, its members have left it already. */
static void on_channel_removed(reef_world_t *world,
                               reef_entity_t entity,
                               const void *value,
                               void *context)
{
    reef__members_t *members = context;
    const reef__named_t *known = reef__names_of(members->rooms, entity);
    reef__named_t room;
    const reef_entity_t *sources;
    uint32_t count;

    (void)value;
    if (known == NULL) {
        return;
    }
    room = *known;
    sources = REEF_SOURCES(world, entity, in_room, &count);
    for (uint32_t i = 0; i < count; i++) {
        go_out(members, sources[i], &room, false);
    }
    reef__names_remove(members->rooms, entity);
    reef_group_destroy(members->app, room.group);
    if (room.is_ours) {
        push(members, (task_t){.kind = TASK_DISCARD, .room = entity});
    }
    changed(members);
}

/* Settling ------------------------------------------------------------------------- */

static void remove_relation(reef__members_t *members, reef_entity_t entity)
{
    (void)reef_world_remove(members->world, entity,
                            reef_world_component(members->world, &in_room_type));
}

static void mirror(reef__members_t *members, reef_entity_t entity)
{
    reef_world_t *world = members->world;
    reef_component_t component = reef_world_component(world, &room_type);
    reef_entity_t target = REEF_TARGET(world, entity, in_room);
    const reef__named_t *room = reef__names_of(members->rooms, target);
    const room_t *shown = REEF_FIND(world, entity, room);
    room_t value = {0};

    if (!reef_world_is_alive(world, entity)) {
        return;
    }
    if (target != 0 && room == NULL) {
        remove_relation(members, entity); /* what it points to is no room */
    }
    members->is_mirror = true;
    if (room == NULL) {
        (void)reef_world_remove(world, entity, component);
    } else if (shown == NULL || strcmp(shown->value, room->name) != 0) {
        snprintf(value.value, sizeof(value.value), "%s", room->name);
        (void)reef_world_add(world, entity, component, &value);
    }
    members->is_mirror = false;
}

static void notice(reef__members_t *members, reef_entity_t entity, uint64_t id)
{
    const reef__named_t *room = reef__names_of(members->rooms, entity);

    if (room != NULL && reef_group_count(members->app, room->group) > 0) {
        reef_world_send(
            members->world,
            &(send_message_t){.group = room->group,
                              .payload = reef_buffer_format(
                                  "[System] User %" PRIu64 " has left.", id)});
    }
}

static void remove_if_empty(reef__members_t *members, reef_entity_t entity)
{
    const reef__named_t *room = reef__names_of(members->rooms, entity);
    uint32_t count;

    if (room != NULL && room->is_ours) {
        (void)reef__members_in(members, room, &count);
        if (count == 0) {
            (void)reef_world_despawn(members->world, entity);
        }
    }
}

static void restore(reef__members_t *members, reef_entity_t entity)
{
    const reef__named_t *room = reef__names_of(members->rooms, entity);
    room_channel_t *channel =
        room != NULL ? REEF_FIND_MUT(members->world, entity, room_channel) : NULL;

    if (channel != NULL) {
        *channel = (room_channel_t){.group = room->group};
        snprintf(channel->name, sizeof(channel->name), "%s", room->name);
    }
}

static void run(reef__members_t *members, const task_t *task)
{
    switch (task->kind) {
    case TASK_MIRROR:
        mirror(members, task->entity);
        break;
    case TASK_EVICT:
        if (REEF_TARGET(members->world, task->entity, in_room) == task->room) {
            remove_relation(members, task->entity);
        }
        break;
    case TASK_NOTICE:
        notice(members, task->room, task->id);
        break;
    case TASK_EMPTY:
        remove_if_empty(members, task->room);
        break;
    case TASK_RESTORE:
        restore(members, task->room);
        break;
    case TASK_DISCARD:
        if (reef_world_is_alive(members->world, task->room) &&
            reef__names_of(members->rooms, task->room) == NULL) {
            (void)reef_world_despawn(members->world, task->room);
        }
        break;
    }
}

void reef__members_settle(reef__members_t *members)
{
    for (size_t i = 0; i < members->tasks.count; i++) {
        task_t task = members->tasks.items[i]; /* more may come, and move them */

        run(members, &task);
    }
    members->tasks.count = 0;
}

/* Life ----------------------------------------------------------------------------- */

static const struct {
    reef_observe_t what;
    const reef_type_t *type;
    reef_observer_fn run;
} observers[] = {
    {REEF_OBSERVE_ADD, &in_room_type, on_relation_put},
    {REEF_OBSERVE_SET, &in_room_type, on_relation_put},
    {REEF_OBSERVE_REMOVE, &in_room_type, on_relation_removed},
    {REEF_OBSERVE_ADD, &room_type, on_name_put},
    {REEF_OBSERVE_SET, &room_type, on_name_put},
    {REEF_OBSERVE_REMOVE, &room_type, on_name_removed},
    {REEF_OBSERVE_ADD, &room_channel_type, on_channel_added},
    {REEF_OBSERVE_SET, &room_channel_type, on_channel_set},
    {REEF_OBSERVE_REMOVE, &room_channel_type, on_channel_removed},
};

enum {
    OBSERVERS = sizeof(observers) / sizeof(observers[0])
};

reef__members_t *reef__members_create(reef_app_t *app)
{
    const reef_alloc_t *alloc = reef_app_alloc(app);
    reef_world_t *world = reef_app_world(app);
    reef__members_t *members = reef_resize(alloc, NULL, 0, sizeof(*members));

    *members = (reef__members_t){
        .app = app,
        .world = world,
        .alloc = alloc,
        .rooms = reef__names_create(alloc),
        .places = reef_map_create(alloc),
        .metric_rooms = reef_metrics_ensure(
            reef_app_metrics(app), &(reef_metric_desc_t){.name = "reef_chat_rooms",
                                                         .help = "Rooms of the chat.",
                                                         .kind = REEF_METRIC_GAUGE}),
        .metric_created =
            reef_metrics_ensure(reef_app_metrics(app),
                                &(reef_metric_desc_t){
                                    .name = "reef_chat_rooms_created_total",
                                    .help = "Rooms that a client's join ever made.",
                                }),
    };
    for (size_t i = 0; i < OBSERVERS; i++) {
        reef_world_observe(world, observers[i].what, observers[i].type,
                           observers[i].run, members);
    }
    return members;
}

static void clear_room(reef__members_t *members, const reef__named_t *room)
{
    reef_component_t name = reef_world_component(members->world, &room_type);
    const reef_entity_t *sources;
    uint32_t count;

    while ((sources = reef__members_in(members, room, &count)) != NULL) {
        reef_entity_t member = sources[count - 1];

        remove_relation(members, member);
        (void)reef_world_remove(members->world, member, name);
    }
    reef_group_destroy(members->app, room->group);
    if (room->is_ours) {
        (void)reef_world_despawn(members->world, room->entity);
    }
}

void reef__members_destroy(reef__members_t *members)
{
    if (members == NULL) {
        return;
    }
    reef__members_settle(members);
    for (size_t i = 0; i < OBSERVERS; i++) {
        reef_world_unobserve(members->world, observers[i].what, observers[i].type,
                             observers[i].run, members);
    }
    for (size_t i = 0; i < reef__names_count(members->rooms); i++) {
        clear_room(members, reef__names_at(members->rooms, i));
    }
    reef__names_destroy(members->rooms);
    reef_map_destroy(members->places);
    REEF_ARRAY_FINISH(members->alloc, &members->tasks);
    reef_resize(members->alloc, members, sizeof(*members), 0);
}

/* What the commands do ------------------------------------------------------------- */

const reef__names_t *reef__members_rooms(const reef__members_t *members)
{
    return members->rooms;
}

const reef_entity_t *reef__members_in(const reef__members_t *members,
                                      const reef__named_t *room,
                                      uint32_t *count)
{
    return REEF_SOURCES(members->world, room->entity, in_room, count);
}

const reef__named_t *reef__members_room(const reef__members_t *members,
                                        reef_entity_t entity)
{
    return reef__names_of(members->rooms, REEF_TARGET(members->world, entity, in_room));
}

/* Its entity is in the range of sessions: a snapshot stores the other range whole, and
 * there would be an empty entity after a restore. */
const reef__named_t *reef__members_make_room(reef__members_t *members, reef_span_t name)
{
    reef_entity_t entity = reef_world_spawn(members->world, REEF_RANGE_SESSION);
    room_channel_t channel = {0};

    assert(name.size < sizeof(channel.name));
    memcpy(channel.name, name.data, name.size);
    members->is_making = true;
    (void)reef_world_add(members->world, entity,
                         reef_world_component(members->world, &room_channel_type),
                         &channel);
    members->is_making = false;
    reef_metric_add(members->metric_created, 1);
    return reef__names_of(members->rooms, entity);
}

void reef__members_move(reef__members_t *members,
                        reef_entity_t entity,
                        reef_entity_t room)
{
    members->is_own = true;
    if (room != 0) {
        (void)REEF_RELATE(members->world, entity, in_room, room);
    } else {
        remove_relation(members, entity);
    }
    members->is_own = false;
}

void reef__members_end(reef__members_t *members, reef_entity_t entity)
{
    remove_relation(members, entity);
}

uint64_t reef__members_changes(const reef__members_t *members)
{
    return members->changes;
}
