/*
 * A round of telling, at the end of the frame:
 *
 *     rooms      who sees each of the noted clients now
 *     news       a line to them, where they know something else
 *     learners   to those who arrived or entered a room, the lines of the others in it
 *
 * So what happens in between is seen by nobody, and a change is one line to one group,
 * however many are in it.  All who learn of one room in a frame are a group for as long
 * as that takes: ten thousand arrivals cost what one does.
 */
#include "presence_state.h"

#include <reef/array.h>
#include <reef/room.h>
#include <reef/session.h>

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_names[] = {
    [REEF_PRESENCE_ONLINE] = "online",
    [REEF_PRESENCE_AWAY] = "away",
    [REEF_PRESENCE_BUSY] = "busy",
    [REEF_PRESENCE_OFFLINE] = "offline",
};

const char *reef__presence_name(reef_presence_status_t status)
{
    return status_names[status];
}

uint64_t reef__presence_now_ms(const reef__presence_state_t *state)
{
    return state->epoch_ms + reef_app_now_ns(state->app) / 1000000;
}

reef__place_t *reef__presence_place(const reef__presence_state_t *state,
                                    reef_entity_t entity)
{
    return reef__roster_find(state->roster, reef_session_slot(state->app, entity),
                             entity);
}

void reef__presence_note(reef__presence_state_t *state, reef__place_t *place)
{
    if (place != NULL && !place->is_changed) {
        place->is_changed = true;
        *REEF_ARRAY_PUSH(reef_app_alloc(state->app), &state->changed) = place->entity;
    }
}

void reef__presence_teach(reef__presence_state_t *state,
                          reef_entity_t entity,
                          reef_entity_t room)
{
    *REEF_ARRAY_PUSH(reef_app_alloc(state->app), &state->learners) =
        (reef__learner_t){.room = room, .entity = entity};
}

static void emit_change(const reef__presence_state_t *state,
                        const reef__place_t *place,
                        reef_presence_status_t to)
{
    reef_world_t *world = reef_app_world(state->app);

    (void)reef_event_emit(
        reef_world_events(world, &presence_changed_event),
        &(presence_changed_t){.entity = place->entity,
                              .client_id = place->client_id,
                              .from = (reef_presence_status_t)place->told,
                              .to = to});
}

/* A line to those who see the client; owned by the caller. */
static reef_buffer_t *tell(const reef__presence_state_t *state,
                           const reef__place_t *place,
                           reef_presence_status_t status)
{
    reef_buffer_t *line =
        reef_buffer_format("%" PRIu64 " %s", place->client_id, status_names[status]);

    reef_world_send(
        reef_app_world(state->app),
        &(send_message_t){.group = reef_room_audience(state->app, place->entity),
                          .payload = reef_buffer_ref(line)});
    reef_metric_add(state->news, 1);
    return line;
}

/* While the client's room can still be read. */
void reef__presence_say_offline(reef__presence_state_t *state, reef_entity_t entity)
{
    const reef__place_t *place = reef__presence_place(state, entity);

    if (place == NULL) {
        return;
    }
    if (place->told != REEF_PRESENCE_OFFLINE) {
        reef_buffer_unref(tell(state, place, REEF_PRESENCE_OFFLINE));
        emit_change(state, place, REEF_PRESENCE_OFFLINE);
    }
    reef__roster_remove(state->roster, reef_session_slot(state->app, entity));
}

/*
 * Newcomers are told of those who are not online; and in rooms also of those who are so
 * again, for who comes from elsewhere may believe otherwise.  Who has just arrived does
 * not.
 */
static void relist(reef__presence_state_t *state, const reef__place_t *place)
{
    reef__roster_list(state->roster, reef_session_slot(state->app, place->entity),
                      place->line != NULL &&
                          (place->room != 0 || place->told != REEF_PRESENCE_ONLINE));
}

/*
 * Who sees the client now.  Those of a room that it comes to from another one, and all
 * when it leaves one, have not seen it for a while; those of a room that it comes to
 * from none have, as everybody had.
 */
static void look_where(reef__presence_state_t *state, reef__place_t *place)
{
    reef_world_t *world = reef_app_world(state->app);
    reef_entity_t room = REEF_TARGET(world, place->entity, in_room);

    if (room != 0 && REEF_FIND(world, room, room_channel) == NULL) {
        room = 0; /* as in reef_room_audience() */
    }
    if (room == place->room) {
        return;
    }
    place->must_tell = place->must_tell || place->room != 0;
    reef__roster_set_room(state->roster, reef_session_slot(state->app, place->entity),
                          room);
    relist(state, place);
    if (room != 0) {
        reef__presence_teach(state, place->entity, room);
    }
}

static bool is_early(const reef__presence_state_t *state, const reef__place_t *place)
{
    uint64_t pause_ns = state->config.min_interval_ms * UINT64_C(1000000);

    return place->told_ns != 0 &&
           reef_app_now_ns(state->app) - place->told_ns < pause_ns;
}

static bool has_budget(const reef__presence_state_t *state)
{
    reef_world_t *world = reef_app_world(state->app);

    return reef_event_held(reef_world_events(world, &send_message_event)) <
           reef_app_server_config(state->app)->max_frame_sends;
}

/* An application may leave it open since when. */
static void complete(const reef__presence_state_t *state, reef__place_t *place)
{
    if (place->now.since_ms == 0) {
        place->now.since_ms = reef__presence_now_ms(state);
        *REEF_FIND_MUT(reef_app_world(state->app), place->entity, presence) =
            place->now;
    }
}

/* False when that has to wait. */
static bool tell_news(reef__presence_state_t *state, reef__place_t *place)
{
    reef_presence_status_t status = (reef_presence_status_t)place->now.status;
    bool is_online = status == REEF_PRESENCE_ONLINE;
    reef_buffer_t *line;

    assert(status < REEF_PRESENCE_OFFLINE && "who is offline has no presence");
    if (status == place->told &&
        (!place->must_tell || (is_online && !place->is_known))) {
        place->must_tell = false;
        return true;
    }
    if (is_early(state, place) || !has_budget(state)) {
        return false;
    }
    line = tell(state, place, status);
    if (status != place->told) {
        emit_change(state, place, status);
    }
    reef__roster_set_line(state->roster, reef_session_slot(state->app, place->entity),
                          line);
    reef_buffer_unref(line);
    place->told = (uint8_t)status;
    place->told_ns = reef_app_now_ns(state->app);
    place->told_round = state->round;
    place->is_known = place->is_known || !is_online;
    place->must_tell = false;
    relist(state, place);
    return true;
}

static void tell_all_news(reef__presence_state_t *state)
{
    size_t kept = 0;

    for (size_t i = 0; i < state->changed.count; i++) {
        reef__place_t *place = reef__presence_place(state, state->changed.items[i]);

        if (place == NULL || !place->is_changed) {
            continue; /* offline since; or its second life, noted behind */
        }
        complete(state, place);
        look_where(state, place);
        if (tell_news(state, place)) {
            place->is_changed = false;
        } else {
            state->changed.items[kept++] = state->changed.items[i];
        }
    }
    state->changed.count = kept;
}

static int compare_rooms(const void *left, const void *right)
{
    const reef__learner_t *a = left;
    const reef__learner_t *b = right;

    return a->room < b->room ? -1 : a->room > b->room;
}

/* Whether somebody still has to learn of the room it was put down for. */
static bool is_there(const reef__presence_state_t *state,
                     const reef__learner_t *learner)
{
    const reef__place_t *place = reef__presence_place(state, learner->entity);

    return place != NULL && (learner->room == 0 || place->room == learner->room);
}

/* Tell all who are to learn of one room, together. */
static void
teach(reef__presence_state_t *state, const reef__learner_t *learners, size_t count)
{
    const reef__place_t *place = reef__roster_first(state->roster, learners[0].room);
    reef_world_t *world = reef_app_world(state->app);
    reef_group_t group;
    uint32_t told = 0;

    if (place == NULL) {
        return;
    }
    group = reef_group_create(state->app);
    for (size_t i = 0; i < count; i++) {
        if (is_there(state, &learners[i])) {
            reef_group_add(state->app, group, learners[i].entity);
        }
    }
    for (; place != NULL && told < state->config.max_state;
         place = reef__roster_next(state->roster, place)) {
        if (place->told_round == state->round ||
            (count == 1 && place->entity == learners[0].entity)) {
            continue; /* that was news just now */
        }
        reef_world_send(
            world,
            &(send_message_t){.group = group, .payload = reef_buffer_ref(place->line)});
        told++;
    }
    reef_metric_add(state->lines, told);
    reef_group_destroy(state->app, group);
}

static void teach_all(reef__presence_state_t *state)
{
    reef__learners_t *learners = &state->learners;
    size_t first = 0;

    if (learners->count > 1) {
        qsort(learners->items, learners->count, sizeof(learners->items[0]),
              compare_rooms);
    }
    while (first < learners->count && has_budget(state)) {
        size_t end = first + 1;

        while (end < learners->count &&
               learners->items[end].room == learners->items[first].room) {
            end++;
        }
        teach(state, learners->items + first, end - first);
        first = end;
    }
    learners->count -= first;
    if (first > 0 && learners->count > 0) {
        memmove(learners->items, learners->items + first,
                learners->count * sizeof(learners->items[0]));
    }
}

void reef__presence_tell(reef__presence_state_t *state)
{
    state->round++;
    tell_all_news(state);
    teach_all(state);
}
