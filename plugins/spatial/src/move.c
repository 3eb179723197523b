/*
 * A move is refused for the first of: what is no number, what is not finite, a place
 * out of the world, too fast, no room.  It is applied at once, so the next command of
 * the client begins where it ended; the update sends what came of it.
 *
 * Speed is distance by the time since the last accepted move.  Moves that were made
 * evenly may arrive in a bunch, so what a move did not need of its time is kept for the
 * next one, up to speed_slack_s: over any time t nobody gets further than max_speed ·
 * (t + slack), and nobody who keeps to max_speed is refused for jitter within the
 * slack.
 */
#include "number.h"
#include "state.h"

#include <reef/router.h>
#include <reef/session.h>

#include <stdio.h>

enum {
    MAX_AXES = 3,
    REASON_SIZE = 128,
};

#define SECOND_NS 1e9
/* Coordinates are single precision: a distance is known only to within this. */
#define SPEED_TOLERANCE (1 + 1e-6)

/** The message `spatial.move` of reef.v1. */
REEF_COMPONENT(spatial_move_2d, 0, REEF_F32(x), REEF_F32(y));
REEF_COMPONENT(spatial_move_3d, 0, REEF_F32(x), REEF_F32(y), REEF_F32(z));

/* Somebody wants to be somewhere. */
typedef struct wish {
    reef_entity_t entity;
    uint64_t client_id;
    reef__place_t from, to;
    bool is_here;             /* has been somewhere: `from` */
    uint32_t slot;            /* of its body, or REEF__NOT_HERE */
    char reason[REASON_SIZE]; /* why not */
} wish_t;

/* The world's bounds ------------------------------------------------------------------
 */

static bool check_axis(wish_t *wish, char name, float value, double center, double size)
{
    double low = center - size / 2, high = center + size / 2;

    if ((double)value >= low && (double)value <= high) {
        return true;
    }
    snprintf(wish->reason, sizeof(wish->reason),
             "[Error] That is outside the world: %c is between %.10g and %.10g.", name,
             low, high);
    return false;
}

static bool is_in_world(const spatial_config_t *config, wish_t *wish)
{
    if (!reef__place_is_finite(wish->to)) {
        snprintf(wish->reason, sizeof(wish->reason),
                 "[Error] A position is made of finite numbers.");
        return false;
    }
    return check_axis(wish, 'x', wish->to.x, config->center_x, config->size_x) &&
           check_axis(wish, 'y', wish->to.y, config->center_y, config->size_y) &&
           (config->mode == REEF_SPATIAL_2D ||
            check_axis(wish, 'z', wish->to.z, config->center_z, config->size_z));
}

/* Speed
 * --------------------------------------------------------------------------------- */

static reef__pace_t *pace_of(reef__spatial_t *spatial, reef_entity_t entity)
{
    uint32_t slot = reef_session_slot(spatial->app, entity);

    if (slot == REEF_NO_SLOT) {
        return NULL;
    }
    while (spatial->paces.count <= slot) {
        *REEF_ARRAY_PUSH(spatial->alloc, &spatial->paces) =
            (reef__pace_t){.client_id = 0};
    }
    return &spatial->paces.items[slot];
}

static double distance(reef__place_t a, reef__place_t b)
{
    double x = (double)a.x - (double)b.x;
    double y = (double)a.y - (double)b.y;
    double z = (double)a.z - (double)b.z;

    return sqrt(x * x + y * y + z * z);
}

/* Whether it is slow enough; if so @p pace is brought up to date, unless it is NULL. */
static bool is_slow_enough(reef__spatial_t *spatial, wish_t *wish, reef__pace_t *pace)
{
    const spatial_config_t *config = &spatial->config;
    uint64_t now_ns = reef_app_now_ns(spatial->app);
    double time_s, needed_s, spare_s = 0;

    if (config->max_speed <= 0 || pace == NULL) {
        return true;
    }
    if (wish->is_here && pace->client_id == wish->client_id) {
        time_s = (double)(now_ns - pace->moved_ns) / SECOND_NS + pace->spare_s;
        needed_s = distance(wish->from, wish->to) / config->max_speed;
        if (needed_s > time_s * SPEED_TOLERANCE) {
            snprintf(wish->reason, sizeof(wish->reason),
                     "[Error] That is too fast: at most %.10g m/s.", config->max_speed);
            return false;
        }
        spare_s = fmin(fmax(time_s - needed_s, 0), config->speed_slack_s);
    }
    *pace = (reef__pace_t){
        .client_id = wish->client_id, .moved_ns = now_ns, .spare_s = spare_s};
    return true;
}

/* Room
 * ---------------------------------------------------------------------------------- */

/* What a crowd costs grows with its square, and clients choose where they crowd. */
static bool has_room(reef__spatial_t *spatial, wish_t *wish)
{
    const spatial_config_t *config = &spatial->config;
    const reef__interest_t *interest = &spatial->interest;
    reef__point_t point =
        reef__place_point((reef_spatial_mode_t)config->mode, wish->to);
    reef__cell_t cell = reef__grid_cell(&interest->grid, point);

    if (wish->slot == REEF__NOT_HERE) {
        if (interest->count >= config->max_entities) {
            snprintf(wish->reason, sizeof(wish->reason), "[Error] The world is full.");
            return false;
        }
    } else {
        reef__cell_t from = reef__track_cell(spatial, wish->slot);

        if (from.u == cell.u && from.v == cell.v && from.w == cell.w) {
            return true;
        }
    }
    if (interest->count < config->max_nearby ||
        reef__grid_crowd(&interest->grid, point, interest->leave) <
            config->max_nearby) {
        return true;
    }
    snprintf(wish->reason, sizeof(wish->reason),
             "[Error] There are too many near that place.");
    return false;
}

/* Moving
 * -------------------------------------------------------------------------------- */

static void write_position(const reef__spatial_t *spatial, const wish_t *wish)
{
    reef_world_t *world = reef_app_world(spatial->app);
    position_2d_t flat = {.x = wish->to.x, .y = wish->to.y};
    position_3d_t deep = {.x = wish->to.x, .y = wish->to.y, .z = wish->to.z};
    const void *value = spatial->config.mode == REEF_SPATIAL_2D ? (const void *)&flat
                                                                : (const void *)&deep;
    void *there = reef_world_find_mut(world, wish->entity, spatial->position);

    if (there != NULL) {
        memcpy(there, value, spatial->position_type->size);
    } else {
        reef_world_add(world, wish->entity, spatial->position, value);
    }
    if (!reef_world_has(world, wish->entity, spatial->spatial)) {
        reef_world_add(world, wish->entity, spatial->spatial,
                       &(spatial_t){.id = wish->client_id});
    }
}

/* Do it, or say why not in wish->reason. */
static bool move(reef__spatial_t *spatial, wish_t *wish)
{
    wish->slot = reef__track_slot(spatial, wish->entity);
    wish->is_here = reef__track_place(spatial, wish->entity, &wish->from) &&
                    wish->slot != REEF__NOT_HERE;
    if (!is_in_world(&spatial->config, wish) || !has_room(spatial, wish) ||
        !is_slow_enough(spatial, wish, pace_of(spatial, wish->entity))) {
        spatial->counts.refused++;
        return false;
    }
    write_position(spatial, wish);
    (void)reef__track_put(spatial, wish->entity, wish->client_id, wish->to);
    wish->slot = reef__track_slot(spatial, wish->entity);
    if (wish->slot != REEF__NOT_HERE) {
        spatial->residents.items[wish->slot].owes_self = true;
        reef__tell_visit(spatial, wish->slot);
    }
    return true;
}

/* Commands
 * ------------------------------------------------------------------------------ */

static reef_span_t next_word(reef_span_t *rest)
{
    reef_span_t word = {.data = rest->data};

    while (word.size < rest->size && rest->data[word.size] != ' ') {
        word.size++;
    }
    *rest = reef_span_trim(reef_span_skip(*rest, word.size));
    return word;
}

static reef__number_t parse(reef_span_t rest, uint32_t axes, float values[MAX_AXES])
{
    reef__number_t result = REEF__NUMBER_OK;

    for (uint32_t i = 0; i < axes; i++) {
        reef__number_t one = reef__number_parse(next_word(&rest), &values[i]);

        if (one == REEF__NUMBER_NONE) {
            return one;
        }
        result = one == REEF__NUMBER_INFINITE ? one : result;
        values[i] += 0.0f; /* there is one zero */
    }
    return rest.size == 0 ? result : REEF__NUMBER_NONE;
}

static bool on_move(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__spatial_t *spatial = context;
    uint32_t axes = reef__mode_axes((reef_spatial_mode_t)spatial->config.mode);
    float values[MAX_AXES] = {0};
    wish_t wish = {.entity = command->entity, .client_id = command->client_id};

    switch (parse(command->rest, axes, values)) {
    case REEF__NUMBER_NONE:
        spatial->counts.refused++;
        reef_send_text(run, command->entity, "[Error] Usage: /move x y%s",
                       axes == 3 ? " z" : "");
        return true;
    case REEF__NUMBER_INFINITE:
        values[0] = NAN;
        break;
    case REEF__NUMBER_OK:
        break;
    }
    wish.to = (reef__place_t){values[0], values[1], values[2]};
    if (!move(spatial, &wish)) {
        reef_send_text(run, command->entity, "%s", wish.reason);
    }
    return true;
}

/* The reason goes as a text, as all of it is for people. */
static bool
on_move_typed(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    reef__spatial_t *spatial = context;
    wish_t wish = {.entity = command->entity, .client_id = command->client_id};

    if (spatial->config.mode == REEF_SPATIAL_2D) {
        const spatial_move_2d_t *flat = command->value;

        wish.to = (reef__place_t){flat->x + 0.0f, flat->y + 0.0f, 0};
    } else {
        const spatial_move_3d_t *deep = command->value;

        wish.to = (reef__place_t){deep->x + 0.0f, deep->y + 0.0f, deep->z + 0.0f};
    }
    if (!move(spatial, &wish)) {
        reef_send_text(run, command->entity, "%s", wish.reason);
    }
    return true;
}

reef_error_t reef__move_register(reef__spatial_t *spatial, reef_failure_t *failure)
{
    bool is_flat = spatial->config.mode == REEF_SPATIAL_2D;
    reef_error_t error =
        reef_app_add_prefix(spatial->app, "/move", on_move, spatial, failure);

    if (error == REEF_OK) {
        error = reef_app_add_opcode(
            spatial->app,
            &(reef_opcode_desc_t){
                .name = "spatial.move",
                .doc = "Be there.",
                .type = is_flat ? &spatial_move_2d_type : &spatial_move_3d_type,
                .handle = on_move_typed,
                .context = spatial,
            },
            failure);
    }
    if (error == REEF_OK) {
        error = reef_app_add_opcode(
            spatial->app,
            &(reef_opcode_desc_t){
                .name = "spatial.update",
                .doc = "Who moved or came into range, oneself included, and who left "
                       "it.",
                .type = &spatial_update_type,
                .item = is_flat ? &spatial_item_2d_type : &spatial_item_3d_type,
            },
            failure);
    }
    spatial->update_opcode = reef_opcode_find(spatial->app, "spatial.update");
    return error;
}
