/*
 * `/lobby` is cut into at most four words, more than any form takes, and a table says
 * which function gets how many.  A function that cannot make sense of them returns
 * false, and the client gets the form.  The listing is one text that is kept until a
 * public lobby changes: however many ask, it is written once.
 */
#include "lobby_state.h"

#include <reef/array.h>
#include <reef/group.h>
#include <reef/name.h>

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    MAX_WORDS = 4, /* after the subcommand; one more than any form has */
    MAX_PIECE = 192
};

typedef struct request {
    reef_run_t *run;
    reef__lobby_state_t *state;
    reef_entity_t entity;
    reef_span_t words[MAX_WORDS];
    size_t word_count;
} request_t;

typedef struct subcommand {
    const char *name;
    const char *form;
    size_t min_words, max_words;
    bool (*run)(const request_t *request);
} subcommand_t;

/* Texts that grow -------------------------------------------------------------- */

typedef struct text {
    char *items;
    size_t count, capacity;
} text_t;

REEF_PRINTF(3, 4)
static void append(const reef_alloc_t *alloc, text_t *text, const char *format, ...)
{
    char piece[MAX_PIECE];
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vsnprintf(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof(piece));
    REEF_ARRAY_RESERVE(alloc, text, text->count + (size_t)size);
    memcpy(text->items + text->count, piece, (size_t)size);
    text->count += (size_t)size;
}

/* A buffer with the text, which is released. */
static reef_buffer_t *take_text(const reef_alloc_t *alloc, text_t *text)
{
    reef_buffer_t *buffer =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(text->items, text->count));

    REEF_ARRAY_FINISH(alloc, text);
    return buffer;
}

static void append_summary(const reef__lobby_state_t *state,
                           text_t *text,
                           const reef__lobby_t *lobby)
{
    append(reef_app_alloc(state->app), text, "%s (%zu/%u)  owner:%" PRIu64, lobby->name,
           lobby->members.count, lobby->max_members, lobby->owner_id);
}

/* Words ------------------------------------------------------------------------ */

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static reef_span_t take_word(reef_span_t *rest)
{
    size_t size = 0;
    reef_span_t word;

    while (size < rest->size && !is_blank(rest->data[size])) {
        size++;
    }
    word = reef_span(rest->data, size);
    *rest = reef_span_trim(reef_span_skip(*rest, size));
    return word;
}

static bool is_word(reef_span_t word, const char *text)
{
    return reef_span_equal(word, reef_span_text(text));
}

/* Decimal digits alone, the value within bounds, so nothing overflows. */
static bool read_number(reef_span_t word, uint32_t min, uint32_t max, uint32_t *value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') {
            return false;
        }
        number = number * 10 + (word.data[i] - '0');
        if (number > max) {
            return false;
        }
    }
    *value = (uint32_t)number;
    return word.size > 0 && number >= min;
}

/* Copy the name that the first word gives; false, answered, when it can be none. */
static bool take_name(const request_t *request, char name[REEF_LOBBY_NAME])
{
    reef_failure_t failure = {0};
    reef_span_t word = request->words[0];
    reef_error_t error = reef_name_check(
        &(reef_name_rules_t){.what = "A lobby's name",
                             .max_size = request->state->config.max_name,
                             .is_one_word = true},
        word, &failure);

    if (error != REEF_OK) {
        reef_send_text(request->run, request->entity, "[Lobby] %s", failure.text);
        return false;
    }
    memcpy(name, word.data, word.size);
    name[word.size] = '\0';
    return true;
}

static reef__lobby_t *lobby_of(const request_t *request)
{
    return reef__lobby_set_of(request->state->set, request->entity);
}

/* Subcommands ------------------------------------------------------------------ */

/* The words behind the name; false when they are not of the form. */
static bool read_options(const request_t *request, reef__lobby_t *model)
{
    const lobby_config_t *config = &request->state->config;
    size_t at = 1;

    if (at < request->word_count && !is_word(request->words[at], "private") &&
        !read_number(request->words[at++], 2, config->max_members,
                     &model->max_members)) {
        return false;
    }
    if (at < request->word_count && is_word(request->words[at], "private")) {
        model->is_private = true;
        at++;
    }
    return at == request->word_count;
}

static bool create(const request_t *request)
{
    reef__lobby_state_t *state = request->state;
    reef__lobby_t model = {.max_members = state->config.default_max_members};

    if (!read_options(request, &model)) {
        return false;
    }
    if (!take_name(request, model.name)) {
        return true;
    }
    if (lobby_of(request) != NULL) {
        reef_send_text(request->run, request->entity,
                       "[Lobby] Leave your current lobby before creating one.");
    } else if (reef__lobby_set_find(state->set, reef_span_text(model.name)) != NULL) {
        reef_send_text(request->run, request->entity, "[Lobby] '%s' already exists.",
                       model.name);
    } else if (reef__lobby_set_count(state->set) >= state->config.max_lobbies) {
        reef_metric_add(state->refused, 1);
        reef_send_text(request->run, request->entity,
                       "[Lobby] There are too many lobbies.");
    } else {
        reef__lobby_found(state, request->entity, &model);
        reef_send_text(request->run, request->entity,
                       "[Lobby] Created and joined '%s' (1/%u).", model.name,
                       model.max_members);
    }
    return true;
}

static bool join(const request_t *request)
{
    char name[REEF_LOBBY_NAME];
    reef__lobby_t *lobby;

    if (!take_name(request, name)) {
        return true;
    }
    lobby = reef__lobby_set_find(request->state->set, reef_span_text(name));
    if (lobby_of(request) != NULL) {
        reef_send_text(request->run, request->entity,
                       "[Lobby] Leave your current lobby before joining another.");
    } else if (lobby == NULL) {
        reef_send_text(request->run, request->entity, "[Lobby] '%s' not found.", name);
    } else if (lobby->members.count >= lobby->max_members) {
        reef_send_text(request->run, request->entity, "[Lobby] '%s' is full.", name);
    } else {
        REEF_RELATE(reef_run_world(request->run), request->entity, in_lobby,
                    lobby->entity);
        reef_send_text(request->run, request->entity, "[Lobby] Joined '%s' (%zu/%u).",
                       name, lobby->members.count, lobby->max_members);
    }
    return true;
}

static bool leave(const request_t *request)
{
    reef_world_t *world = reef_run_world(request->run);
    const reef__lobby_t *lobby = lobby_of(request);

    if (lobby == NULL) {
        reef_send_text(request->run, request->entity,
                       "[Lobby] You are not in a lobby.");
        return true;
    }
    reef_send_text(request->run, request->entity, "[Lobby] Left '%s'.", lobby->name);
    reef_world_remove(world, request->entity,
                      reef_world_component(world, &in_lobby_type));
    return true;
}

static reef_buffer_t *make_listing(const reef__lobby_state_t *state)
{
    const reef_alloc_t *alloc = reef_app_alloc(state->app);
    const reef__lobby_t *lobby = reef__lobby_set_first_public(state->set);
    size_t left = reef__lobby_set_public_count(state->set);
    text_t text = {0};

    append(alloc, &text, "[Lobby] Public lobbies:%s", left == 0 ? "\n  (none)" : "");
    for (uint32_t i = 0; i < state->config.max_listed && lobby != NULL; i++) {
        append(alloc, &text, "\n  ");
        append_summary(state, &text, lobby);
        lobby = lobby->next;
        left--;
    }
    if (left > 0) {
        append(alloc, &text, "\n  … and %zu more", left);
    }
    return take_text(alloc, &text);
}

static bool list(const request_t *request)
{
    reef__lobby_state_t *state = request->state;

    if (state->listing == NULL) {
        state->listing = make_listing(state);
    }
    reef_send(request->run, request->entity, state->listing);
    return true;
}

/* Who is in a private lobby is the business of its members. */
static bool info(const request_t *request)
{
    const reef_alloc_t *alloc = reef_app_alloc(request->state->app);
    reef_world_t *world = reef_run_world(request->run);
    char name[REEF_LOBBY_NAME];
    const reef__lobby_t *lobby;
    reef_buffer_t *answer;
    text_t text = {0};

    if (!take_name(request, name)) {
        return true;
    }
    lobby = reef__lobby_set_find(request->state->set, reef_span_text(name));
    if (lobby == NULL || (lobby->is_private && lobby_of(request) != lobby)) {
        reef_send_text(request->run, request->entity, "[Lobby] '%s' not found.", name);
        return true;
    }
    append(alloc, &text, "[Lobby] ");
    append_summary(request->state, &text, lobby);
    for (size_t i = 0; i < lobby->members.count; i++) {
        append(alloc, &text, "%s%" PRIu64, i == 0 ? "  members:" : ",",
               reef__lobby_client_id(world, lobby->members.items[i]));
    }
    answer = take_text(alloc, &text);
    reef_send(request->run, request->entity, answer);
    reef_buffer_unref(answer);
    return true;
}

static const subcommand_t subcommands[] = {
    {"create", "create NAME [max] [private]", 1, 3, create},
    {"join", "join NAME", 1, 1, join},
    {"leave", "leave", 0, 0, leave},
    {"list", "list", 0, 0, list},
    {"info", "info NAME", 1, 1, info},
};

static const subcommand_t *find_subcommand(reef_span_t word)
{
    for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
        if (is_word(word, subcommands[i].name)) {
            return &subcommands[i];
        }
    }
    return NULL;
}

static void explain(const request_t *request, const subcommand_t *subcommand)
{
    if (subcommand == NULL) {
        reef_send_text(request->run, request->entity,
                       "[Lobby] Usage: /lobby create|join|leave|list|info");
    } else if (subcommand->run == create) {
        reef_send_text(request->run, request->entity,
                       "[Lobby] Usage: /lobby %s, max from 2 to %u", subcommand->form,
                       request->state->config.max_members);
    } else {
        reef_send_text(request->run, request->entity, "[Lobby] Usage: /lobby %s",
                       subcommand->form);
    }
}

bool reef__lobby_command(reef_run_t *run,
                         const reef_command_text_t *command,
                         void *context)
{
    request_t request = {.run = run, .state = context, .entity = command->entity};
    reef_span_t rest = command->rest;
    const subcommand_t *subcommand = find_subcommand(take_word(&rest));
    const reef_app_t *app = request.state->app;

    if (!reef_group_has(app, reef_group_everyone(app), command->entity)) {
        return true; /* last words: who has gone enters nothing */
    }
    while (rest.size > 0 && request.word_count < MAX_WORDS) {
        request.words[request.word_count++] = take_word(&rest);
    }
    if (subcommand == NULL || request.word_count < subcommand->min_words ||
        request.word_count > subcommand->max_words || !subcommand->run(&request)) {
        explain(&request, subcommand);
    }
    reef__lobby_settle(context);
    return true;
}
