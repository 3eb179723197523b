/*
 * What is said goes to reef_room_audience(), so to the room that a client is in by the
 * relation, whoever put it there.  Names keep out what would make one line look like
 * another: they are checked when they are taken; in texts, control characters become
 * spaces, for behind a line feed anybody's words could stand.
 *
 * Where nicknames are unique, who has taken which is noted until its connection ends; a
 * name that its client does not bear any more is given to the next who wants it.
 */
#include "part.h"

#include "named.h"

#include <reef/components.h>
#include <reef/name.h>
#include <reef/room.h>
#include <reef/router.h>
#include <reef/session.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct reef__talk {
    reef_app_t *app;
    chat_core_config_t config;
    reef__names_t *nicknames;        /* NULL = they need not be unique */
    reef_metric_t *metric_nicknames; /* where they are unique */
    reef_metric_t *metric_said;
    reef_metric_t *metric_refused;
};

REEF_PRINTF(3, 4)
static void refuse(const reef__talk_t *talk,
                   const reef_command_text_t *command,
                   const char *format,
                   ...)
{
    char text[256];
    va_list args;
    reef_buffer_t *answer;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    answer = reef_buffer_format("[Error] %s", text);
    reef_world_send(reef_app_world(talk->app),
                    &(send_message_t){.target = command->entity, .payload = answer});
    reef_metric_add(talk->metric_refused, 1);
}

/* Nicknames ------------------------------------------------------------------------ */

static const username_t *nickname_of(const reef__talk_t *talk, reef_entity_t entity)
{
    return REEF_FIND(reef_app_world(talk->app), entity, username);
}

static void show_nicknames(const reef__talk_t *talk)
{
    reef_metric_set(talk->metric_nicknames, (double)reef__names_count(talk->nicknames));
}

static void free_nickname(reef__talk_t *talk, reef_entity_t entity)
{
    if (reef__names_of(talk->nicknames, entity) != NULL) {
        reef__names_remove(talk->nicknames, entity);
        show_nicknames(talk);
    }
}

/* False when somebody else bears it. */
static bool take_nickname(reef__talk_t *talk, reef_entity_t entity, const char *name)
{
    reef__named_t taken = {.entity = entity};
    const reef__named_t *holder;
    const username_t *borne;

    if (talk->nicknames == NULL) {
        return true;
    }
    holder = reef__names_find(talk->nicknames, reef_span_text(name));
    if (holder != NULL && holder->entity != entity) {
        borne = nickname_of(talk, holder->entity);
        if (borne != NULL && strcmp(borne->value, name) == 0) {
            return false;
        }
        free_nickname(talk, holder->entity);
    }
    free_nickname(talk, entity);
    snprintf(taken.name, sizeof(taken.name), "%s", name);
    (void)reef__names_add(talk->nicknames, &taken);
    show_nicknames(talk);
    return true;
}

static void forget_gone(reef_run_t *run)
{
    reef__talk_t *talk = reef_run_context(run);
    const user_disconnected_t *event;

    while ((event = REEF_NEXT(run, user_disconnected)) != NULL) {
        free_nickname(talk, event->entity);
    }
}

static void
rename_client(reef__talk_t *talk, reef_run_t *run, const reef_command_text_t *command)
{
    reef_world_t *world = reef_run_world(run);
    const username_t *before = nickname_of(talk, command->entity);
    nick_changed_t changed = {.entity = command->entity,
                              .client_id = command->client_id};

    memcpy(changed.after, command->rest.data, command->rest.size);
    if (!take_nickname(talk, command->entity, changed.after)) {
        refuse(talk, command, "The nickname %s is taken.", changed.after);
        return;
    }
    if (before != NULL) {
        memcpy(changed.before, before->value, sizeof(changed.before));
    }
    if (strcmp(changed.before, changed.after) != 0) {
        username_t name = {0};

        memcpy(name.value, changed.after, sizeof(name.value));
        (void)reef_world_add(world, command->entity,
                             reef_world_component(world, &username_type), &name);
        (void)reef_run_emit(run, &nick_changed_event, &changed);
    }
    reef_send_text(run, command->entity, "[System] Your nickname is now: %s",
                   changed.after);
}

static bool nick(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__talk_t *talk = context;
    const reef_name_rules_t rules = {.what = "A nickname",
                                     .max_size = talk->config.max_nickname,
                                     .reserved = "User",
                                     .separator = ':'};
    reef_failure_t failure = {0};

    if (command->rest.size == 0) {
        return false;
    }
    if (reef_name_check(&rules, command->rest, &failure) != REEF_OK) {
        refuse(talk, command, "%s", failure.text);
    } else {
        rename_client(talk, run, command);
    }
    return true;
}

/* Talk ----------------------------------------------------------------------------- */

/* Bytes at `at` that are one control character: C0, DEL, or C1, which UTF-8 spells
 * c2 80 … c2 9f; 0 when they are none. */
static size_t control_size(reef_span_t text, size_t at)
{
    uint8_t byte = text.data[at];

    if (byte < 0x20 || byte == 0x7f) {
        return 1;
    }
    return byte == 0xc2 && at + 1 < text.size && text.data[at + 1] < 0xa0 ? 2 : 0;
}

static bool has_control(reef_span_t text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (control_size(text, i) > 0) {
            return true;
        }
    }
    return false;
}

/* A copy with spaces for control characters, owned by the caller with all its bytes. */
static char *without_control(const reef__talk_t *talk, reef_span_t text)
{
    char *copy = reef_resize(reef_app_alloc(talk->app), NULL, 0, text.size);

    memcpy(copy, text.data, text.size);
    for (size_t i = 0; i < text.size; i++) {
        size_t size = control_size(text, i);

        if (size > 0) {
            memset(copy + i, ' ', size);
            i += size - 1;
        }
    }
    return copy;
}

static reef_buffer_t *make_line(const reef__talk_t *talk,
                                const reef_command_text_t *command,
                                reef_span_t said)
{
    const username_t *name = nickname_of(talk, command->entity);
    const char *text = (const char *)said.data;
    int size = (int)said.size;

    return name != NULL ? reef_buffer_format("%s: %.*s", name->value, size, text)
                        : reef_buffer_format("User %" PRIu64 ": %.*s",
                                             command->client_id, size, text);
}

static void send_line(reef__talk_t *talk,
                      reef_run_t *run,
                      const reef_command_text_t *command,
                      reef_span_t said)
{
    reef_world_t *world = reef_run_world(run);
    reef_buffer_t *line = make_line(talk, command, said);
    reef_span_t payload = reef_buffer_payload(line);

    reef_send_group(run, reef_room_audience(talk->app, command->entity), line);
    REEF_EMIT(run, chat_message_broadcast, .entity = command->entity,
              .client_id = command->client_id,
              .room_entity = REEF_TARGET(world, command->entity, in_room),
              .payload = line,
              .text = reef_span_skip(payload, payload.size - said.size));
    reef_metric_add(talk->metric_said, 1);
}

static bool say(reef_run_t *run, const reef_command_text_t *command, void *context)
{
    reef__talk_t *talk = context;
    reef_span_t said = command->rest;
    char *clean = NULL;

    if (talk->config.max_text > 0 && said.size > talk->config.max_text) {
        refuse(talk, command, "A text has at most %u bytes.", talk->config.max_text);
        return true;
    }
    if (has_control(said)) {
        clean = without_control(talk, said);
        said = reef_span_trim(reef_span(clean, said.size));
    }
    if (said.size > 0) {
        send_line(talk, run, command, said);
    }
    reef_resize(reef_app_alloc(talk->app), clean, command->rest.size, 0);
    return true;
}

/* Life ----------------------------------------------------------------------------- */

static const reef_prefix_t prefixes[] = {{"/nick", nick}, {"", say}, {NULL, NULL}};

static void add_forgetting(reef__talk_t *talk)
{
    talk->nicknames = reef__names_create(reef_app_alloc(talk->app));
    talk->metric_nicknames =
        reef_metrics_ensure(reef_app_metrics(talk->app),
                            &(reef_metric_desc_t){.name = "reef_chat_nicknames",
                                                  .help = "Nicknames that are taken.",
                                                  .kind = REEF_METRIC_GAUGE});
    reef_app_add_system(talk->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "chat_free_nicknames",
                            .run = forget_gone,
                            .context = talk,
                            .exclusive = true,
                            .reads = {&user_disconnected_event},
                            .after = {"router"},
                        });
}

reef_error_t reef__talk_create(reef_app_t *app,
                               const chat_core_config_t *config,
                               reef__talk_t **talk,
                               reef_failure_t *failure)
{
    reef__talk_t *made = reef_resize(reef_app_alloc(app), NULL, 0, sizeof(*made));
    reef_error_t error;

    *made = (reef__talk_t){
        .app = app,
        .config = *config,
        .metric_said = reef_metrics_ensure(
            reef_app_metrics(app),
            &(reef_metric_desc_t){.name = "reef_chat_messages_total",
                                  .help = "Texts said, whoever many heard them."}),
        .metric_refused =
            reef_metrics_ensure(reef_app_metrics(app),
                                &(reef_metric_desc_t){
                                    .name = "reef_chat_refused_total",
                                    .help = "Commands and texts of the chat refused.",
                                }),
    };
    error = reef_app_add_prefixes(app, prefixes, made, failure);
    if (error != REEF_OK) {
        reef__talk_destroy(made);
        return error;
    }
    reef_world_component(reef_app_world(app), &username_type);
    if (config->unique_nicknames) {
        add_forgetting(made);
    }
    *talk = made;
    return REEF_OK;
}

void reef__talk_destroy(reef__talk_t *talk)
{
    if (talk != NULL) {
        reef__names_destroy(talk->nicknames);
        reef_resize(reef_app_alloc(talk->app), talk, sizeof(*talk), 0);
    }
}
