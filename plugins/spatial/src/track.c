/*
 * Where a body is has two sources: `/move`, which puts it there at once, and systems
 * that write the component, which the query finds once per update.  What a command has
 * done is found, too, and is no change then.
 */
#include "state.h"

#include <reef/observer.h>
#include <reef/session.h>

enum {
    FETCH_AHEAD = 4
};

/* Cells are numbered in 32 bits, with some to spare for ranges. */
#define MAX_CELL       ((double)(1 << 30))
#define MAX_COORDINATE 1e9

static reef__numbers_t *slots_of(reef__spatial_t *spatial, reef_entity_t entity)
{
    return &spatial->slots[reef_entity_range(entity)];
}

static uint32_t index_of(reef_entity_t entity)
{
    return reef_entity_index(entity) & ~REEF_SESSION_INDEX_BASE;
}

uint32_t reef__track_slot(const reef__spatial_t *spatial, reef_entity_t entity)
{
    const reef__numbers_t *slots = &spatial->slots[reef_entity_range(entity)];
    uint32_t slot, index = index_of(entity);

    if (index >= slots->count || slots->items[index] == REEF__NOT_HERE) {
        return REEF__NOT_HERE;
    }
    slot = slots->items[index];
    return spatial->residents.items[slot].entity == entity ? slot : REEF__NOT_HERE;
}

static void remember_slot(reef__spatial_t *spatial, reef_entity_t entity, uint32_t slot)
{
    reef__numbers_t *slots = slots_of(spatial, entity);
    uint32_t index = index_of(entity);

    REEF_ARRAY_RESERVE(spatial->alloc, slots, (size_t)index + 1);
    while (slots->count <= index) {
        slots->items[slots->count++] = REEF__NOT_HERE;
    }
    slots->items[index] = slot;
}

/* Events ------------------------------------------------------------------------- */

static bool is_client(reef_entity_t entity)
{
    return reef_entity_range(entity) == REEF_RANGE_SESSION;
}

/* Written where it stays, as there are many. */
static void tell_moved(reef__spatial_t *spatial, const reef__resident_t *resident)
{
    client_moved_t *event = reef_event_add(spatial->moved), dropped;
    client_moved_t *out = REEF_LIKELY(event != NULL) ? event : &dropped;

    spatial->counts.moves++;
    *out = (client_moved_t){.entity = resident->entity,
                            .id = resident->id,
                            .x = resident->place.x,
                            .y = resident->place.y,
                            .z = resident->place.z,
                            .is_client = is_client(resident->entity)};
    if (REEF_UNLIKELY(event == NULL)) {
        (void)reef_event_emit(spatial->moved, out); /* counts it */
    }
}

static void tell_zone(reef__spatial_t *spatial,
                      const reef__resident_t *resident,
                      reef__cell_t from,
                      reef__cell_t to)
{
    (void)reef_event_emit(
        spatial->zone_changed,
        &(client_zone_changed_t){.entity = resident->entity,
                                 .id = resident->id,
                                 .from = {from.u, from.v, from.w},
                                 .to = {to.u, to.v, to.w},
                                 .is_client = is_client(resident->entity)});
}

reef__cell_t reef__track_cell(const reef__spatial_t *spatial, uint32_t slot)
{
    return reef__grid_cell(&spatial->interest.grid, spatial->interest.bodies[slot].at);
}

/* Bodies --------------------------------------------------------------------------- */

static bool is_possible(const reef__spatial_t *spatial, reef__place_t place)
{
    double limit = fmin(MAX_COORDINATE, spatial->config.cell_size * MAX_CELL);

    return reef__place_is_finite(place) && fabs((double)place.x) <= limit &&
           fabs((double)place.y) <= limit && fabs((double)place.z) <= limit;
}

static reef__form_t form_of(const reef__spatial_t *spatial, reef_entity_t entity)
{
    return reef_session_profile(spatial->app, entity) == REEF_PROFILE_V1
               ? (reef__form_t)REEF__FORM_V1
               : reef_session_framing(spatial->app, entity);
}

static void appear(reef__spatial_t *spatial,
                   reef_entity_t entity,
                   uint64_t id,
                   reef__place_t place,
                   reef__point_t point)
{
    uint32_t slot = reef__interest_add(&spatial->interest, point, is_client(entity));
    reef__resident_t *resident;
    reef__cell_t cell;

    if (slot >= spatial->residents.count) {
        *REEF_ARRAY_PUSH(spatial->alloc, &spatial->residents) =
            (reef__resident_t){.entity = 0};
    }
    resident = &spatial->residents.items[slot];
    *resident = (reef__resident_t){
        .entity = entity,
        .id = id,
        .place = place,
        .form = form_of(spatial, entity),
    };
    remember_slot(spatial, entity, slot);
    tell_moved(spatial, resident);
    cell = reef__grid_cell(&spatial->interest.grid, point);
    tell_zone(spatial, resident, cell, cell);
}

bool reef__track_put(reef__spatial_t *spatial,
                     reef_entity_t entity,
                     uint64_t id,
                     reef__place_t place)
{
    uint32_t slot = reef__track_slot(spatial, entity);
    reef__point_t point =
        reef__place_point((reef_spatial_mode_t)spatial->config.mode, place);
    reef__resident_t *resident;
    reef__cell_t from, to;

    if (!is_possible(spatial, place)) {
        reef_metric_add(spatial->metrics.misplaced, 1);
        reef__track_remove(spatial, entity);
        return true;
    }
    if (slot == REEF__NOT_HERE) {
        if (spatial->interest.count >= spatial->config.max_entities) {
            return false;
        }
        appear(spatial, entity, id, place, point);
        return true;
    }
    resident = &spatial->residents.items[slot];
    if (reef__place_equal(place, resident->place)) {
        return true;
    }
    from = reef__track_cell(spatial, slot);
    to = reef__grid_cell(&spatial->interest.grid, point);
    resident->place = place;
    reef__interest_move(&spatial->interest, slot, point, &to);
    tell_moved(spatial, resident);
    if (from.u != to.u || from.v != to.v || from.w != to.w) {
        tell_zone(spatial, resident, from, to);
    }
    return true;
}

void reef__track_remove(reef__spatial_t *spatial, reef_entity_t entity)
{
    uint32_t slot = reef__track_slot(spatial, entity);
    reef__resident_t *resident;

    if (slot == REEF__NOT_HERE) {
        return;
    }
    reef__interest_remove(&spatial->interest, slot);
    reef__tell_farewell(spatial, slot);
    resident = &spatial->residents.items[slot];
    slots_of(spatial, entity)->items[index_of(entity)] = REEF__NOT_HERE;
    REEF_ARRAY_FINISH(spatial->alloc, &resident->gone);
    *resident = (reef__resident_t){.entity = 0};
}

void reef__track_finish(reef__spatial_t *spatial)
{
    for (size_t i = 0; i < spatial->residents.count; i++) {
        REEF_ARRAY_FINISH(spatial->alloc, &spatial->residents.items[i].gone);
    }
    REEF_ARRAY_FINISH(spatial->alloc, &spatial->residents);
    REEF_ARRAY_FINISH(spatial->alloc, &spatial->slots[0]);
    REEF_ARRAY_FINISH(spatial->alloc, &spatial->slots[1]);
}

/* What is in the world ------------------------------------------------------------- */

static reef__place_t place_of(const reef__spatial_t *spatial, const void *position)
{
    if (spatial->config.mode == REEF_SPATIAL_2D) {
        const position_2d_t *flat = position;

        return (reef__place_t){flat->x, flat->y, 0};
    }
    return (reef__place_t){((const position_3d_t *)position)->x,
                           ((const position_3d_t *)position)->y,
                           ((const position_3d_t *)position)->z};
}

bool reef__track_place(const reef__spatial_t *spatial,
                       reef_entity_t entity,
                       reef__place_t *place)
{
    const void *position =
        reef_world_find(reef_app_world(spatial->app), entity, spatial->position);

    if (position == NULL) {
        return false;
    }
    *place = place_of(spatial, position);
    return true;
}

/* The id of an entity that is to appear; 0 when it may not. */
static uint64_t give_id(reef__spatial_t *spatial, reef_entity_t entity, uint64_t id)
{
    reef_world_t *world = reef_app_world(spatial->app);
    client_counter_t *counter = REEF_RESOURCE(world, client_counter);
    uint64_t given = id;

    if (is_client(entity)) {
        const client_id_t *client = REEF_FIND(world, entity, client_id);

        given = client != NULL ? client->value : 0;
        if (reef_session_find(spatial->app, given) != entity) {
            return 0; /* it is about to go */
        }
    } else if (given == 0) {
        given = ++counter->last;
    } else if (given > counter->last) {
        counter->last = given; /* nobody else gets it */
    }
    if (given != id) {
        ((spatial_t *)reef_world_find_mut(world, entity, spatial->spatial))->id = given;
    }
    return given;
}

static void take_over(reef__spatial_t *spatial,
                      reef_entity_t entity,
                      uint64_t id,
                      const void *position)
{
    if (reef__track_slot(spatial, entity) == REEF__NOT_HERE) {
        id = give_id(spatial, entity, id);
        if (id == 0) {
            return;
        }
    }
    if (!reef__track_put(spatial, entity, id, place_of(spatial, position))) {
        spatial->counts.refused++;
    }
}

/* Neighbours in the query are anywhere in space. */
static void fetch(const reef__spatial_t *spatial, reef_entity_t entity)
{
    uint32_t slot = reef__track_slot(spatial, entity);

    if (slot != REEF__NOT_HERE) {
        reef__grid_fetch(&spatial->interest.grid, slot);
    }
}

void reef__track_changes(reef__spatial_t *spatial)
{
    reef_query_iter_t it = reef_query_begin(spatial->changed);
    size_t size = spatial->position_type->size;

    while (reef_query_next(&it)) {
        const uint8_t *positions = reef_query_column(&it, 0);
        const spatial_t *ids = reef_query_column(&it, 1);

        for (uint32_t i = 0; i < it.count; i++) {
            if (i + FETCH_AHEAD < it.count) {
                fetch(spatial, it.entities[i + FETCH_AHEAD]);
            }
            take_over(spatial, it.entities[i], ids[i].id, positions + i * size);
        }
    }
}

static void
on_removed(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    (void)world;
    (void)value;
    reef__track_remove(context, entity);
}

void reef__track_observe(reef__spatial_t *spatial, bool on)
{
    (on ? reef_world_observe : reef_world_unobserve)(reef_app_world(spatial->app),
                                                     REEF_OBSERVE_REMOVE, &spatial_type,
                                                     on_removed, spatial);
    (on ? reef_world_observe
        : reef_world_unobserve)(reef_app_world(spatial->app), REEF_OBSERVE_REMOVE,
                                spatial->position_type, on_removed, spatial);
}
