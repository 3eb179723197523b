/*
 * A shared whiteboard: what Reef is for.
 *
 * A stroke is an entity with one component, so everything else follows: it is saved and
 * restored by the snapshot plugin, an operator sees it in the dashboard, recolours it
 * or deletes it there, and every board shows that at once.  For nobody here asks who
 * changed the world: one system tells the boards of strokes that changed, one observer
 * of those that go.
 *
 *     board.draw → draw() → stroke, in the world → tell_changes() → board.stroke
 *
 * A board that comes late walks through all entities, some in each frame, and is sent
 * the strokes and the people among them; what changes meanwhile it is told like
 * everybody.  When more changes at once than all boards can be told (a snapshot is
 * restored, a full board cleared), they forget everything and come late once more.
 *
 * The strokes of a client are a chain, from the newest back to the first, for undo;
 * whoever removes one, the observer closes the gap.
 *
 * Clients speak reef.v1, see docs/protocol.md; the page is
 * web/examples/whiteboard.html.
 */
#include <reef/admin.h>
#include <reef/chat.h>
#include <reef/heartbeat.h>
#include <reef/observer.h>
#include <reef/opcode.h>
#include <reef/rate_limit.h>
#include <reef/reef.h>
#include <reef/snapshot.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    WIDTH = 4000, /* the board's own units */
    HEIGHT = 2250,
    POINTS = 128,             /* of one entity; a longer stroke goes on in another */
    MAX_BATCH = 64,           /* points of one message */
    MESSAGE_COST = 64,        /* bytes of memory beside what it says */
    MAX_NEWS_BYTES = 1 << 17, /* of strokes in a frame, to all boards */
    CATCH_UP_BYTES = 1 << 15, /* on their way to a board that comes late */
    CATCH_UP_ALL_BYTES = 1 << 22, /* in a frame, to all that do */
};

/* Section `whiteboard`. */
REEF_COMPONENT(whiteboard_config,
               0,
               REEF_U32(max_strokes,
                        .initial = "20000",
                        .min = 1,
                        .max = 1000000,
                        .doc = "of a full board; a long one counts as several"));

/* World ------------------------------------------------------------------------ */

REEF_COMPONENT(board_point,
               0,
               REEF_I16(x, .min = 0, .max = WIDTH),
               REEF_I16(y, .min = 0, .max = HEIGHT));

REEF_COMPONENT(stroke,
               REEF_PERSISTENT,
               REEF_U64(number, .read_only = true, .doc = "the later, the higher"),
               REEF_U64(author, .read_only = true, .doc = "client id"),
               REEF_STRING(name, 64, .read_only = true, .doc = "of the author, then"),
               REEF_U32(pen, .read_only = true, .doc = "number the author gave it"),
               REEF_U32(color, .max = 0xffffff),
               REEF_F32(width, .min = 1, .max = 200),
               REEF_BOOL(continues, .doc = "begins with the last point of another"),
               REEF_ENTITY(previous, .doc = "the author's stroke before this"),
               REEF_ENTITY(next, .doc = "the one after it"),
               REEF_U32(count, .max = POINTS, .read_only = true),
               REEF_STRUCT_ARRAY(points, board_point, POINTS));

/* Of a stroke: what the boards know of it. */
REEF_COMPONENT(
    stroke_told, REEF_READ_ONLY, REEF_U32(color), REEF_F32(width), REEF_U32(count));

/* Of each client with a board. */
REEF_COMPONENT(board_member,
               REEF_READ_ONLY,
               REEF_U64(client, .doc = "its id"),
               REEF_ENTITY(stroke, .doc = "what it drew last"),
               REEF_U32(seen, .doc = "index of the last entity it was told of"),
               REEF_BOOL(is_ready, .doc = "it has been told of all"));

/* Resource. */
REEF_COMPONENT(board_count,
               REEF_PERSISTENT | REEF_READ_ONLY,
               REEF_U64(last_number, .doc = "of the last stroke"));

/* Messages --------------------------------------------------------------------- */

REEF_COMPONENT(board_draw,
               0,
               REEF_U32(pen, .doc = "another number begins another stroke"),
               REEF_U32(color, .max = 0xffffff),
               REEF_F32(width, .min = 1, .max = 200));
REEF_COMPONENT(board_stroke,
               0,
               REEF_U64(id),
               REEF_U64(number),
               REEF_U64(author),
               REEF_U32(pen),
               REEF_U32(color),
               REEF_F32(width),
               REEF_BOOL(continues),
               REEF_U32(first, .doc = "number of the first point that follows"));
REEF_COMPONENT(board_gone, 0, REEF_U64(id));
REEF_COMPONENT(board_ready, 0, REEF_U32(strokes, .doc = "on the board now"));
REEF_COMPONENT(board_person, 0, REEF_U64(client), REEF_STRING(name, 64));
REEF_COMPONENT(board_cursor, 0, REEF_U64(client), REEF_I16(x), REEF_I16(y));
REEF_COMPONENT(board_left, 0, REEF_U64(client));

typedef struct board {
    reef_app_t *app;
    reef_world_t *world;
    whiteboard_config_t config;
    reef_group_t members;
    uint32_t stroke_count;
    size_t news_bytes; /* of strokes, since the boards were looked at last */
    const reef_opcode_t *stroke, *gone, *reset, *ready, *person, *cursor, *left;
} board_t;

static void tell_all(board_t *board, reef_buffer_t *message)
{
    reef_world_send(board->world,
                    &(send_message_t){.group = board->members, .payload = message});
}

/* What becomes of strokes, which may be too much for a frame. */
static void tell_news(board_t *board, reef_buffer_t *message)
{
    board->news_bytes += reef_buffer_payload(message).size + MESSAGE_COST;
    if (board->news_bytes <= MAX_NEWS_BYTES) {
        tell_all(board, message);
    } else {
        reef_buffer_unref(message); /* they will forget it all */
    }
}

/* From point number @p first on. */
static reef_buffer_t *encode_stroke(const board_t *board,
                                    reef_entity_t entity,
                                    const stroke_t *stroke,
                                    uint32_t first)
{
    return reef_opcode_encode(board->stroke,
                              &(board_stroke_t){.id = entity,
                                                .number = stroke->number,
                                                .author = stroke->author,
                                                .pen = stroke->pen,
                                                .color = stroke->color,
                                                .width = stroke->width,
                                                .continues = stroke->continues,
                                                .first = first},
                              stroke->points + first, stroke->count - first);
}

/* People ----------------------------------------------------------------------- */

static reef_buffer_t *
encode_person(const board_t *board, reef_entity_t client, const board_member_t *member)
{
    const username_t *name = REEF_FIND(board->world, client, username);
    board_person_t person = {.client = member->client};

    snprintf(person.name, sizeof(person.name), "%s", name ? name->value : "Somebody");
    return reef_opcode_encode(board->person, &person, NULL, 0);
}

/* Everybody learns of who comes, who will learn of everybody. */
static void join(reef_run_t *run)
{
    board_t *board = reef_run_context(run);
    const v1_agreed_t *agreed;

    while ((agreed = REEF_NEXT(run, v1_agreed)) != NULL) {
        const board_member_t member = {.client = agreed->client_id};

        if (!reef_group_add(board->app, board->members, agreed->entity)) {
            continue; /* gone again */
        }
        reef_world_add(board->world, agreed->entity,
                       reef_world_component(board->world, &board_member_type), &member);
        tell_all(board, encode_person(board, agreed->entity, &member));
    }
}

static void
on_name(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    board_t *board = context;
    const board_member_t *member = REEF_FIND(world, entity, board_member);

    (void)value;
    if (member != NULL) {
        tell_all(board, encode_person(board, entity, member));
    }
}

static void on_member_gone(reef_world_t *world,
                           reef_entity_t entity,
                           const void *value,
                           void *context)
{
    board_t *board = context;
    board_left_t left = {.client = ((const board_member_t *)value)->client};

    (void)world, (void)entity;
    tell_all(board, reef_opcode_encode(board->left, &left, NULL, 0));
}

static bool
point_at(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    board_t *board = context;
    const board_point_t *point = command->value;
    board_cursor_t cursor = {
        .client = command->client_id, .x = point->x, .y = point->y};

    (void)run;
    reef_world_send(board->world,
                    &(send_message_t){
                        .group = board->members,
                        .message_class = REEF_LATEST,
                        .key = command->client_id,
                        .payload = reef_opcode_encode(board->cursor, &cursor, NULL, 0),
                    });
    return true;
}

/* Drawing ---------------------------------------------------------------------- */

/* Behind @p previous, of which it is a part when that has the same pen. */
static stroke_t *begin_stroke(board_t *board,
                              const reef_command_binary_t *command,
                              reef_entity_t previous)
{
    const board_draw_t *drawn = command->value;
    const username_t *name = REEF_FIND(board->world, command->entity, username);
    stroke_t *last = REEF_FIND_MUT(board->world, previous, stroke);
    stroke_t begun = {
        .number = ++REEF_RESOURCE(board->world, board_count)->last_number,
        .author = command->client_id,
        .pen = drawn->pen,
        .color = drawn->color,
        .width = drawn->width,
        .previous = previous,
    };
    reef_entity_t entity = reef_world_spawn(board->world, REEF_RANGE_WORLD);

    snprintf(begun.name, sizeof(begun.name), "%s", name ? name->value : "Somebody");
    if (last != NULL) {
        last->next = entity;
        begun.continues = last->pen == drawn->pen;
    }
    if (begun.continues) {
        begun.points[begun.count++] = last->points[last->count - 1];
    }
    reef_world_add(board->world, entity,
                   reef_world_component(board->world, &stroke_type), &begun);
    return REEF_FIND_MUT(board->world, entity, stroke);
}

/* The stroke to go on with: the last one, or another when that is full or done; NULL
 * when the board has no place for another. */
static stroke_t *
ensure_stroke(board_t *board, const reef_command_binary_t *command, reef_entity_t last)
{
    const board_draw_t *drawn = command->value;
    stroke_t *stroke = REEF_FIND_MUT(board->world, last, stroke);

    if (stroke != NULL && stroke->pen == drawn->pen && stroke->count < POINTS) {
        return stroke;
    }
    return board->stroke_count < board->config.max_strokes
               ? begin_stroke(board, command, last)
               : NULL;
}

static bool draw(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    board_t *board = context;
    const board_member_t *member =
        REEF_FIND(board->world, command->entity, board_member);
    const board_point_t *points = command->items;

    for (uint32_t i = 0; i < command->item_count && member != NULL; i++) {
        stroke_t *stroke = ensure_stroke(board, command, member->stroke);

        if (stroke == NULL) {
            reef_send_text(run, command->entity,
                           "[Error] The board is full: clear it, or take back some.");
            break;
        }
        stroke->points[stroke->count++] = points[i];
    }
    return member != NULL;
}

/* Take back the last stroke, all its parts. */
static bool undo(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    board_t *board = context;
    const board_member_t *member =
        REEF_FIND(board->world, command->entity, board_member);
    reef_entity_t entity = member != NULL ? member->stroke : 0;
    const stroke_t *stroke;
    bool goes_on = true;

    (void)run;
    while (goes_on && (stroke = REEF_FIND(board->world, entity, stroke)) != NULL) {
        reef_entity_t previous = stroke->previous;

        goes_on = stroke->continues;
        reef_world_despawn(board->world, entity);
        entity = previous;
    }
    return true;
}

/* Strokes come before all that a snapshot does not store. */
static bool clear(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    board_t *board = context;
    reef_entity_t entity = reef_world_next_entity(board->world, 0);

    (void)run, (void)command;
    while (board->stroke_count > 0 && entity != 0) {
        reef_entity_t next =
            reef_world_next_entity(board->world, reef_entity_index(entity));

        if (REEF_FIND(board->world, entity, stroke) != NULL) {
            reef_world_despawn(board->world, entity);
        }
        entity = next;
    }
    return true;
}

/* Strokes come and go ---------------------------------------------------------- */

/* Of whoever drew a stroke; NULL when that client has gone. */
static board_member_t *find_author(const board_t *board, const stroke_t *stroke)
{
    return REEF_FIND_MUT(board->world, reef_session_find(board->app, stroke->author),
                         board_member);
}

/* A new one, or one of a snapshot, whose author may still be there. */
static void on_stroke_come(reef_world_t *world,
                           reef_entity_t entity,
                           const void *value,
                           void *context)
{
    board_t *board = context;
    const stroke_t *stroke = value;
    board_member_t *author = find_author(board, stroke);
    const stroke_t *last =
        author != NULL ? REEF_FIND(world, author->stroke, stroke) : NULL;

    board->stroke_count++;
    if (author != NULL && (last == NULL || last->number < stroke->number)) {
        author->stroke = entity;
    }
}

static void on_stroke_gone(reef_world_t *world,
                           reef_entity_t entity,
                           const void *value,
                           void *context)
{
    board_t *board = context;
    const stroke_t gone = *(const stroke_t *)value;
    board_member_t *author = find_author(board, &gone);
    stroke_t *previous = REEF_FIND_MUT(world, gone.previous, stroke);
    stroke_t *next = REEF_FIND_MUT(world, gone.next, stroke);

    board->stroke_count--;
    if (author != NULL && author->stroke == entity) {
        author->stroke = gone.previous;
    }
    if (previous != NULL) {
        previous->next = gone.next;
    }
    if (next != NULL) {
        next->previous = gone.previous;
        next->continues = next->continues && gone.continues;
    }
    tell_news(board,
              reef_opcode_encode(board->gone, &(board_gone_t){.id = entity}, NULL, 0));
}

/* What the boards are told ----------------------------------------------------- */

/* The number of the first point that the boards do not have as it is; as many as there
 * are when they have all. */
static uint32_t first_news(const stroke_t *stroke, const stroke_told_t *told)
{
    return told == NULL || told->color != stroke->color ||
                   told->width != stroke->width || told->count > stroke->count
               ? 0
               : told->count;
}

static void tell_changes(reef_run_t *run)
{
    board_t *board = reef_run_context(run);
    reef_query_iter_t it = reef_run_query(run);

    while (reef_query_next(&it)) {
        const stroke_t *strokes = reef_query_column(&it, 0);

        for (uint32_t i = 0; i < it.count; i++) {
            const stroke_t *stroke = &strokes[i];
            uint32_t first = first_news(
                stroke, REEF_FIND(board->world, it.entities[i], stroke_told));

            if (first == stroke->count) {
                continue; /* a neighbour has changed */
            }
            tell_news(board, encode_stroke(board, it.entities[i], stroke, first));
            REEF_COMMAND_ADD(reef_run_commands(run), it.entities[i], stroke_told,
                             .color = stroke->color, .width = stroke->width,
                             .count = stroke->count);
        }
    }
}

/* What a board that came late is told of an entity; NULL = nothing. */
static reef_buffer_t *encode_entity(const board_t *board, reef_entity_t entity)
{
    const stroke_t *stroke = REEF_FIND(board->world, entity, stroke);
    const board_member_t *member = REEF_FIND(board->world, entity, board_member);

    return stroke != NULL   ? encode_stroke(board, entity, stroke, 0)
           : member != NULL ? encode_person(board, entity, member)
                            : NULL;
}

/* Send it some more; true when it has all. */
static bool catch_up(const board_t *board,
                     reef_run_t *run,
                     reef_entity_t client,
                     board_member_t *member,
                     uint64_t *sent_bytes)
{
    uint64_t queued = reef_session_queue_bytes(board->app, client);

    while (queued < CATCH_UP_BYTES && *sent_bytes < CATCH_UP_ALL_BYTES) {
        reef_entity_t entity = reef_world_next_entity(board->world, member->seen);
        reef_buffer_t *message;

        if (entity == 0) {
            return true;
        }
        member->seen = reef_entity_index(entity);
        message = encode_entity(board, entity);
        if (message != NULL) {
            size_t size = reef_buffer_payload(message).size + MESSAGE_COST;

            queued += size;
            *sent_bytes += size;
            reef_send(run, client, message);
            reef_buffer_unref(message);
        }
    }
    return false;
}

/* Have all boards forget everything, when they were not told of all that changed. */
static bool start_over(board_t *board)
{
    bool was_too_much = board->news_bytes > MAX_NEWS_BYTES;

    board->news_bytes = 0;
    if (was_too_much) {
        tell_all(board, reef_opcode_encode(board->reset, NULL, NULL, 0));
    }
    return was_too_much;
}

static void catch_up_all(reef_run_t *run)
{
    board_t *board = reef_run_context(run);
    reef_query_iter_t it = reef_run_query(run);
    bool starts_over = start_over(board);
    uint64_t sent_bytes = 0;

    while (reef_query_next(&it)) {
        for (uint32_t i = 0; i < it.count; i++) {
            const board_member_t *members = reef_query_column(&it, 0);
            board_member_t *member;

            if (members[i].is_ready && !starts_over) {
                continue;
            }
            member = reef_query_value_mut(&it, 0, i);
            member->seen = starts_over ? 0 : member->seen;
            member->is_ready =
                catch_up(board, run, it.entities[i], member, &sent_bytes);
            if (member->is_ready) {
                reef_send_opcode(run, it.entities[i], board->ready,
                                 &(board_ready_t){.strokes = board->stroke_count}, NULL,
                                 0);
            }
        }
    }
}

/* Plugin ----------------------------------------------------------------------- */

static reef_error_t add_messages(board_t *board, reef_failure_t *failure)
{
    const reef_opcode_desc_t messages[] = {
        {"board.draw", "points of a stroke", &board_draw_type, &board_point_type,
         .max_items = MAX_BATCH, .handle = draw, .context = board},
        {"board.undo", "take back the last stroke", .handle = undo, .context = board},
        {"board.clear", "take back everything", .handle = clear, .context = board},
        {"board.point", "point at a place", &board_point_type, .handle = point_at,
         .context = board},
        {"board.stroke", "a stroke, or more of it", &board_stroke_type,
         &board_point_type},
        {"board.gone", "a stroke is no more", &board_gone_type},
        {"board.reset", "forget all strokes: they come again, up to board.ready"},
        {"board.ready", "all strokes were sent", &board_ready_type},
        {"board.person", "somebody is here, by this name", &board_person_type},
        {"board.cursor", "where somebody points", &board_cursor_type},
        {"board.left", "somebody has left", &board_left_type},
    };
    reef_error_t error = REEF_OK;

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]) && error == REEF_OK;
         i++) {
        error = reef_app_add_opcode(board->app, &messages[i], failure);
    }
    board->stroke = reef_opcode_find(board->app, "board.stroke");
    board->gone = reef_opcode_find(board->app, "board.gone");
    board->reset = reef_opcode_find(board->app, "board.reset");
    board->ready = reef_opcode_find(board->app, "board.ready");
    board->person = reef_opcode_find(board->app, "board.person");
    board->cursor = reef_opcode_find(board->app, "board.cursor");
    board->left = reef_opcode_find(board->app, "board.left");
    return error;
}

static void add_systems(board_t *board)
{
    reef_app_add_system(board->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "board_join",
                                              .run = join,
                                              .context = board,
                                              .exclusive = true,
                                              .reads = {&v1_agreed_event},
                                              .before = {"router"}});
    reef_app_add_system(board->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "board_tell_changes",
                                              .run = tell_changes,
                                              .context = board,
                                              .exclusive = true,
                                              .query = {REEF_CHANGED(stroke)},
                                              .after = {"router"}});
    reef_app_add_system(board->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "board_catch_up",
                                              .run = catch_up_all,
                                              .context = board,
                                              .exclusive = true,
                                              .query = {REEF_WRITE(board_member)},
                                              .emits = {&send_message_event},
                                              .after = {"board_tell_changes"}});
}

static const struct {
    reef_observe_t what;
    const reef_type_t *type;
    reef_observer_fn run;
} observers[] = {
    {REEF_OBSERVE_ADD, &stroke_type, on_stroke_come},
    {REEF_OBSERVE_REMOVE, &stroke_type, on_stroke_gone},
    {REEF_OBSERVE_ADD, &username_type, on_name},
    {REEF_OBSERVE_SET, &username_type, on_name},
    {REEF_OBSERVE_REMOVE, &board_member_type, on_member_gone},
};

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    board_t *board = calloc(1, sizeof(*board));
    reef_error_t error;

    if (board == NULL) {
        abort();
    }
    *board = (board_t){.app = app,
                       .world = reef_app_world(app),
                       .config = *(const whiteboard_config_t *)config};
    error = add_messages(board, failure);
    if (error != REEF_OK) {
        free(board);
        return error;
    }
    board->members = reef_group_create(app);
    REEF_RESOURCE(board->world, board_count);
    for (size_t i = 0; i < sizeof(observers) / sizeof(observers[0]); i++) {
        reef_world_observe(board->world, observers[i].what, observers[i].type,
                           observers[i].run, board);
    }
    add_systems(board);
    *state = board;
    return REEF_OK;
}

static void cleanup(reef_app_t *app, void *state)
{
    for (size_t i = 0; i < sizeof(observers) / sizeof(observers[0]); i++) {
        reef_world_unobserve(reef_app_world(app), observers[i].what, observers[i].type,
                             observers[i].run, state);
    }
    free(state);
}

int main(int argc, char **argv)
{
    const reef_plugin_t whiteboard = {.api = REEF_PLUGIN_API,
                                      .name = "whiteboard",
                                      .config_type = &whiteboard_config_type,
                                      .build = build,
                                      .cleanup = cleanup};
    const reef_plugin_t *plugins[] = {&reef_snapshot_plugin,
                                      &reef_chat_plugin,
                                      &reef_heartbeat_plugin,
                                      &reef_rate_limit_plugin,
                                      &whiteboard,
                                      &reef_websocket_plugin,
                                      &reef_wss_plugin,
                                      &reef_tcp_plugin,
                                      &reef_udp_plugin,
                                      &reef_admin_plugin,
                                      NULL};

    return reef_main(argc, argv, plugins);
}
