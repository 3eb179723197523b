/*
 * The commands check what a client wants and change the relation; member.c does what
 * follows from it.  Each is settled at once, so that the next one sees its effect.
 *
 * The text of /list is shared by all who ask while nothing changes.  As rooms could be
 * made and listed in turn, a frame makes only so many bytes of new lists; the last one
 * has to do for the rest of it.
 */
#include "part.h"

#include "member.h"

#include <reef/components.h>
#include <reef/list.h>
#include <reef/name.h>
#include <reef/room.h>
#include <reef/router.h>

#include <stdio.h>

enum {
    MAX_LISTED_ROOMS = 500,
    MAX_LIST_LINE = 160,
    MAX_LIST_BYTES = 32768,
    MAX_FRAME_LIST_BYTES = 1048576,
};

/** A row of the list `rooms`. */
REEF_COMPONENT(room_row,
               0,
               REEF_STRING(name, 128),
               REEF_U32(members),
               REEF_BOOL(stays, .doc = "also when nobody is in"),
               REEF_ENTITY(entity));

struct reef__doors {
    reef_app_t *app;
    chat_rooms_config_t config;
    reef__members_t *members;
    struct {
        reef_buffer_t *text; /* NULL = none yet */
        uint64_t changes;    /* count of changes when it was made */
        uint64_t frame;      /* of the bytes that follow */
        size_t made;         /* bytes of new texts */
    } list;
    reef_metric_t *metric_refused;
};

/* Commands ------------------------------------------------------------------------- */

static void refuse(reef__doors_t *doors,
                   reef_run_t *run,
                   const reef_command_text_t *command,
                   const char *why)
{
    reef_send_text(run, command->entity, "[Error] %s", why);
    reef_metric_add(doors->metric_refused, 1);
}

/* One more room; not counting one that goes because the client leaves it. */
static bool has_place_for_room(const reef__doors_t *doors, reef_entity_t entity)
{
    const reef__named_t *left = reef__members_room(doors->members, entity);
    size_t count = reef__names_count(reef__members_rooms(doors->members));
    uint32_t members = 0;

    if (left != NULL && left->is_ours) {
        (void)reef__members_in(doors->members, left, &members);
    }
    return count - (members == 1) < doors->config.max_rooms;
}

static void
enter(reef__doors_t *doors, reef_run_t *run, const reef_command_text_t *command)
{
    reef__members_t *members = doors->members;
    const reef__named_t *room =
        reef__names_find(reef__members_rooms(members), command->rest);
    const reef__named_t *present = reef__members_room(members, command->entity);

    if (room != NULL && room == present) {
        reef_send_text(run, command->entity, "[System] Joined room: %s", room->name);
        return;
    }
    if (room == NULL && !has_place_for_room(doors, command->entity)) {
        refuse(doors, run, command, "There are too many rooms.");
        return;
    }
    if (room == NULL) {
        room = reef__members_make_room(members, command->rest);
    }
    reef__members_move(members, command->entity, room->entity);
}

static bool join(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__doors_t *doors = context;
    const reef_name_rules_t rules = {.what = "A room's name",
                                     .max_size = doors->config.max_room_name};
    reef_failure_t failure = {0};

    if (command->rest.size == 0) {
        return false;
    }
    reef__members_settle(doors->members);
    if (reef_name_check(&rules, command->rest, &failure) != REEF_OK) {
        refuse(doors, run, command, failure.text);
        return true;
    }
    enter(doors, run, command);
    reef__members_settle(doors->members);
    return true;
}

static bool leave(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__doors_t *doors = context;

    if (command->rest.size > 0) {
        return false;
    }
    reef__members_settle(doors->members);
    if (reef__members_room(doors->members, command->entity) == NULL) {
        refuse(doors, run, command, "You are not in a room.");
        return true;
    }
    reef__members_move(doors->members, command->entity, 0);
    reef__members_settle(doors->members);
    return true;
}

/* The list as a text --------------------------------------------------------------- */

static reef_buffer_t *make_list(const reef__doors_t *doors)
{
    static const char head[] = "[System] Active Rooms:";
    const reef__names_t *rooms = reef__members_rooms(doors->members);
    const reef_alloc_t *alloc = reef_app_alloc(doors->app);
    size_t count = reef__names_count(rooms);
    size_t capacity = MAX_LIST_BYTES + 2 * MAX_LIST_LINE;
    char *text = reef_resize(alloc, NULL, 0, capacity);
    size_t size = (size_t)snprintf(text, capacity, "%s", head);
    size_t shown = 0;
    reef_buffer_t *buffer;

    for (; shown < count && shown < MAX_LISTED_ROOMS && size < MAX_LIST_BYTES;
         shown++) {
        const reef__named_t *room = reef__names_at(rooms, shown);
        uint32_t members;

        (void)reef__members_in(doors->members, room, &members);
        size += (size_t)snprintf(text + size, capacity - size, "\n  - %s (%u users)",
                                 room->name, members);
    }
    if (count == 0) {
        size += (size_t)snprintf(text + size, capacity - size,
                                 "\n  No active rooms right now.");
    } else if (shown < count) {
        size += (size_t)snprintf(text + size, capacity - size, "\n  … and %zu more",
                                 count - shown);
    }
    buffer = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(text, size));
    reef_resize(alloc, text, capacity, 0);
    return buffer;
}

/* Borrowed until the next one is made. */
static reef_buffer_t *list_text(reef__doors_t *doors)
{
    uint64_t frame = REEF_RESOURCE(reef_app_world(doors->app), frame_time)->frame;
    uint64_t changes = reef__members_changes(doors->members);

    if (doors->list.frame != frame) {
        doors->list.frame = frame;
        doors->list.made = 0;
    }
    if (doors->list.text == NULL ||
        (doors->list.changes != changes && doors->list.made < MAX_FRAME_LIST_BYTES)) {
        reef_buffer_unref(doors->list.text);
        doors->list.text = make_list(doors);
        doors->list.changes = changes;
        doors->list.made += reef_buffer_payload(doors->list.text).size;
    }
    return doors->list.text;
}

static bool list(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__doors_t *doors = context;

    if (command->rest.size > 0) {
        return false;
    }
    reef__members_settle(doors->members);
    reef_send(run, command->entity, list_text(doors));
    return true;
}

/* The list for inspection ---------------------------------------------------------- */

static uint32_t count_rows(void *context)
{
    const reef__doors_t *doors = context;

    return (uint32_t)reef__names_count(reef__members_rooms(doors->members));
}

static void get_row(void *context, uint32_t index, void *row)
{
    const reef__doors_t *doors = context;
    const reef__named_t *room =
        reef__names_at(reef__members_rooms(doors->members), index);
    room_row_t *value = row;

    snprintf(value->name, sizeof(value->name), "%s", room->name);
    value->stays = !room->is_ours;
    value->entity = room->entity;
    (void)reef__members_in(doors->members, room, &value->members);
}

static const reef_entity_t *
get_row_members(void *context, uint32_t index, uint32_t *count)
{
    const reef__doors_t *doors = context;

    return reef__members_in(doors->members,
                            reef__names_at(reef__members_rooms(doors->members), index),
                            count);
}

/* Life ----------------------------------------------------------------------------- */

static void see_off(reef_run_t *run)
{
    reef__doors_t *doors = reef_run_context(run);
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        reef__members_end(doors->members, event->entity);
    }
    reef__members_settle(doors->members);
}

static void settle(reef_run_t *run)
{
    reef__doors_t *doors = reef_run_context(run);

    reef__members_settle(doors->members);
}

static void add_systems(reef__doors_t *doors)
{
    reef_app_add_system(doors->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "chat_see_off",
                            .run = see_off,
                            .context = doors,
                            .exclusive = true,
                            .reads = {&user_disconnected_event},
                            .after = {"router"},
                        });
    reef_app_add_system(doors->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "chat_settle",
                                              .run = settle,
                                              .context = doors,
                                              .exclusive = true,
                                              .after = {"fixed_update"},
                                              .before = {"replicate"}});
}

static const reef_prefix_t prefixes[] = {
    {"/join", join}, {"/leave", leave}, {"/list", list}, {NULL, NULL}};

reef_error_t reef__doors_create(reef_app_t *app,
                                const chat_rooms_config_t *config,
                                reef__doors_t **doors,
                                reef_failure_t *failure)
{
    reef__doors_t *made = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*made));
    reef_error_t error;

    *made = (reef__doors_t){
        .app = app,
        .config = *config,
        .metric_refused =
            reef_metrics_ensure(reef_app_metrics(app),
                                &(reef_metric_desc_t){
                                    .name = "reef_chat_refused_total",
                                    .help = "Commands and texts of the chat refused.",
                                }),
    };
    error = reef_app_add_prefixes(app, prefixes, made, failure);
    if (error != REEF_OK) {
        reef__doors_destroy(made);
        return error;
    }
    made->members = reef__members_create(app);
    add_systems(made);
    reef_app_add_list(app,
                      &(reef_list_desc_t){.name = "rooms",
                                          .doc = "Rooms of the chat, and who is in.",
                                          .row = &room_row_type,
                                          .count = count_rows,
                                          .get = get_row,
                                          .members = get_row_members,
                                          .context = made});
    *doors = made;
    return REEF_OK;
}

void reef__doors_destroy(reef__doors_t *doors)
{
    if (doors != NULL) {
        reef__members_destroy(doors->members);
        reef_buffer_unref(doors->list.text);
        reef_resize(reef_app_alloc(doors->app), doors, sizeof(*doors), 0);
    }
}
