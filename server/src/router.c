/*
 * A prefix is found by hashing the first word of the text (or a short text that is no
 * command), so any number of plugins costs one look-up per message, two for plain text.
 * `owner` is fixed at admission and stays with the event; handlers run later, in
 * `update`, in one exclusive system.
 */
#include "router.h"

#include <reef/array.h>
#include <reef/group.h>
#include <reef/map.h>

#include "app.h"
#include "codec/utf8.h"
#include "opcode.h"

#include <string.h>

/* Bytes of an unknown command in the answer. */
enum {
    MAX_SHOWN_WORD = 64
};

typedef struct prefix {
    const char *text;
    const char *plugin; /* whose build() added it, or "application" */
    reef_prefix_fn handle;
    void *context;
} prefix_t;

struct reef__router {
    const reef_alloc_t *alloc;
    reef_map_t *owners; /* prefix → position + 1 */
    size_t max_word;    /* bytes of the longest whole text that is owned */
    bool answers;       /* a prefix is more than a whole text: there are commands */
    bool is_behind;     /* messages of the last frame are left */
    struct {
        prefix_t *items;
        size_t count, capacity;
    } prefixes;
};

reef__router_t *reef__router_create(const reef_alloc_t *alloc)
{
    reef__router_t *router = reef_resize(alloc, NULL, 0, sizeof(*router));

    *router = (reef__router_t){.alloc = alloc, .owners = reef_map_create(alloc)};
    return router;
}

void reef__router_destroy(reef__router_t *router)
{
    if (router == NULL) {
        return;
    }
    REEF_ARRAY_FINISH(router->alloc, &router->prefixes);
    reef_map_destroy(router->owners);
    reef_resize(router->alloc, router, sizeof(*router), 0);
}

reef_error_t reef_app_add_prefix(reef_app_t *app,
                                 const char *prefix,
                                 reef_prefix_fn handle,
                                 void *context,
                                 reef_failure_t *failure)
{
    reef__router_t *router = app->router;
    const char *plugin = app->building ? app->building : "application";
    uint64_t taken;

    if (reef_map_find(router->owners, reef_span_text(prefix), &taken)) {
        return reef_fail(failure, REEF_E_EXISTS,
                         "plugin %s: the prefix '%s' belongs to plugin %s", plugin,
                         prefix, router->prefixes.items[taken - 1].plugin);
    }
    *REEF_ARRAY_PUSH(router->alloc, &router->prefixes) = (prefix_t){
        .text = prefix, .plugin = plugin, .handle = handle, .context = context};
    reef_map_set(router->owners, reef_span_text(prefix), router->prefixes.count);
    if (prefix[0] == '/' || prefix[0] == '\0') {
        router->answers = true;
    } else if (strlen(prefix) > router->max_word) {
        router->max_word = strlen(prefix);
    }
    return REEF_OK;
}

reef_error_t reef_app_add_prefixes(reef_app_t *app,
                                   const reef_prefix_t *prefixes,
                                   void *context,
                                   reef_failure_t *failure)
{
    reef_error_t error = REEF_OK;

    for (; prefixes->prefix != NULL && error == REEF_OK; prefixes++) {
        error = reef_app_add_prefix(app, prefixes->prefix, prefixes->handle, context,
                                    failure);
    }
    return error;
}

/* The first word of a command, or an empty span for plain text. */
static reef_span_t command_word(reef_span_t text)
{
    size_t size = 0;

    if (text.size == 0 || text.data[0] != '/') {
        return reef_span(text.data, 0);
    }
    while (size < text.size && !reef__is_space(text.data[size])) {
        size++;
    }
    return reef_span(text.data, size);
}

uint32_t reef__router_owner(const reef__router_t *router, const reef_buffer_t *payload)
{
    uint64_t owner = 0;
    reef_span_t text;

    if (router->prefixes.count == 0 || reef_buffer_kind(payload) != REEF_PAYLOAD_TEXT) {
        return 0;
    }
    text = reef_span_trim(reef_buffer_payload(payload));
    if (text.size > 0 && text.data[0] != '/' && text.size <= router->max_word &&
        reef_map_find(router->owners, text, &owner)) {
        return (uint32_t)owner;
    }
    reef_map_find(router->owners, command_word(text), &owner);
    return (uint32_t)owner;
}

static void answer_unknown(reef_run_t *run, reef_entity_t entity, reef_span_t word)
{
    reef_span_t shown = reef__utf8_cut(word, MAX_SHOWN_WORD);

    reef_send_text(run, entity, "[Error] Unknown command: %.*s", (int)shown.size,
                   (const char *)shown.data);
}

static bool is_typed(const message_received_t *message)
{
    return (message->owner & REEF_OWNER_TYPED) != 0;
}

/* False when the handler declines. */
static bool call(const reef__router_t *router,
                 reef_run_t *run,
                 const message_received_t *message,
                 uint32_t owner,
                 reef_span_t rest)
{
    const prefix_t *prefix = &router->prefixes.items[owner - 1];

    return prefix->handle(run,
                          &(reef_command_text_t){.entity = message->entity,
                                                 .client_id = message->client_id,
                                                 .rest = reef_span_trim(rest)},
                          prefix->context);
}

static void
dispatch_one(reef__router_t *router, reef_run_t *run, const message_received_t *message)
{
    reef_span_t text = reef_span_trim(reef_buffer_payload(message->payload));
    reef_span_t word = command_word(text);
    uint64_t plain = 0;

    if (message->owner != 0 &&
        call(router, run, message, message->owner, reef_span_skip(text, word.size))) {
        return;
    }
    if (word.size > 0 && router->answers) {
        answer_unknown(run, message->entity, word);
    } else if (reef_map_find(router->owners, word, &plain) && plain != message->owner) {
        (void)call(router, run, message, (uint32_t)plain, text);
    }
}

bool reef__router_has_owners(const reef_world_t *world, void *context)
{
    const reef_app_t *app = context;

    (void)world;
    return app->router->prefixes.count > 0 || reef__opcodes_exist(app->opcodes);
}

/* Words of a client that waited behind its end are not heard: the plugins have taken it
 * out of its room and whatever else it was in, so they would be to somebody else. */
static bool
is_heard(const reef_app_t *app, bool has_waited, const message_received_t *message)
{
    return reef_world_is_alive(app->world, message->entity) &&
           (!has_waited ||
            reef_group_has(app, reef_group_everyone(app), message->entity));
}

void reef__router_dispatch(reef_run_t *run)
{
    reef_app_t *app = reef_run_context(run);
    reef__router_t *router = app->router;
    reef_event_queue_t *sends = reef_world_events(app->world, &send_message_event);
    const message_received_t *message;
    bool has_waited = router->is_behind;

    router->is_behind = false;
    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        bool is_text = router->prefixes.count > 0 &&
                       reef_buffer_kind(message->payload) == REEF_PAYLOAD_TEXT;

        if ((is_text || is_typed(message)) && is_heard(app, has_waited, message)) {
            if (is_text) {
                dispatch_one(router, run, message);
            } else {
                reef__opcodes_dispatch(app->opcodes, run, message);
            }
        }
        if (reef_event_held(sends) >= app->server_config.max_frame_sends) {
            reef__app_want_frame(app);
            router->is_behind = true;
            return;
        }
    }
}
