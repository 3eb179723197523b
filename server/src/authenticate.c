/*
 * An admission is what becomes of one peer: it begins with the facts, collects what the
 * authenticators give, and ends as components of the peer's entity, or as a refusal.
 *
 *     loop: asks ──► world: authenticators ──► admit ──► loop: is in ──► world: opens
 *                                          └─► refuse ─► loop: says why, closes
 *
 * The link is opened only when the loop has let the peer in, for it may be gone by
 * then: so there is never an entity of a peer that was not answered.
 */
#include "authenticate.h"

#include "app.h"
#include "log_limit.h"
#include "session_table.h"

#include <reef/crypto.h>

#include <assert.h>
#include <stdio.h>
#include <strings.h>

struct reef__authenticators {
    reef_app_t *app;
    struct {
        reef_authenticator_desc_t *items;
        size_t count, capacity;
    } list;
    const char *headers[REEF_MAX_ASKED_HEADERS];
    uint32_t header_count;
    bool are_over;
    reef__log_limit_t log_limit;
    reef_metric_t *metric_refused;
};

/* Registration ----------------------------------------------------------------- */

reef__authenticators_t *reef__authenticators_create(reef_app_t *app)
{
    reef__authenticators_t *made = reef_resize(app->alloc, NULL, 0, sizeof(*made));

    *made = (reef__authenticators_t){.app = app};
    made->metric_refused =
        reef_metrics_ensure(app->metrics, &(reef_metric_desc_t){
                                              .name = "reef_peers_refused_total",
                                              .help = "Peers not let in by an "
                                                      "authenticator.",
                                          });
    return made;
}

void reef__authenticators_destroy(reef__authenticators_t *authenticators)
{
    if (authenticators != NULL) {
        REEF_ARRAY_FINISH(authenticators->app->alloc, &authenticators->list);
        reef_resize(authenticators->app->alloc, authenticators, sizeof(*authenticators),
                    0);
    }
}

void reef__authenticators_stop(reef__authenticators_t *authenticators)
{
    authenticators->are_over = true;
}

bool reef__authenticators_exist(const reef__authenticators_t *authenticators)
{
    return authenticators->list.count > 0;
}

const char *const *
reef__authenticators_headers(const reef__authenticators_t *authenticators,
                             uint32_t *count)
{
    *count = authenticators->header_count;
    return authenticators->headers;
}

static void ask_for_header(reef__authenticators_t *authenticators, const char *name)
{
    for (uint32_t i = 0; i < authenticators->header_count; i++) {
        if (strcasecmp(authenticators->headers[i], name) == 0) {
            return;
        }
    }
    assert(authenticators->header_count < REEF_MAX_ASKED_HEADERS);
    authenticators->headers[authenticators->header_count++] = name;
}

void reef_app_add_authenticator(reef_app_t *app, const reef_authenticator_desc_t *desc)
{
    reef__authenticators_t *authenticators = app->authenticators;

    assert(app->state == REEF__APP_ADDING && "loops know whom to ask from the start");
    assert(desc->name != NULL && desc->authenticate != NULL);
    for (const char *const *name = desc->headers; name && *name; name++) {
        ask_for_header(authenticators, *name);
    }
    *REEF_ARRAY_PUSH(app->alloc, &authenticators->list) = *desc;
}

/* What an authenticator may ask and say ---------------------------------------- */

const reef_peer_t *reef_admission_peer(const reef_admission_t *admission)
{
    return &admission->peer;
}

reef_span_t reef_admission_header(const reef_admission_t *admission, const char *name)
{
    const reef_link_desc_t *desc = admission->desc;

    for (uint32_t i = 0; i < desc->header_count; i++) {
        if (strcasecmp(desc->headers[i].name, name) == 0) {
            return desc->headers[i].value;
        }
    }
    return (reef_span_t){0};
}

/* Cut the next parameter off a query: its value, in @p value, is empty without a '='.
 */
static bool next_parameter(reef_span_t *query, reef_span_t *name, reef_span_t *value)
{
    const uint8_t *end, *equals;

    if (query->size == 0) {
        return false;
    }
    end = memchr(query->data, '&', query->size);
    *name = reef_span(query->data, end ? (size_t)(end - query->data) : query->size);
    *query = reef_span_skip(*query, name->size + (end != NULL));
    equals = name->size > 0 ? memchr(name->data, '=', name->size) : NULL;
    *value = reef_span(NULL, 0);
    if (equals != NULL) {
        *value = reef_span_skip(*name, (size_t)(equals - name->data) + 1);
        name->size = (size_t)(equals - name->data);
    }
    return true;
}

/* Cut the next byte, encoded or not, off @p text, which is not empty.  False when its
 * encoding is wrong. */
static bool next_byte(reef_span_t *text, uint8_t *byte)
{
    size_t taken = 1;

    *byte = text->data[0];
    if (*byte == '%') {
        taken = 3;
        if (text->size < taken ||
            reef_crypto_hex_decode(reef_span(text->data + 1, 2), byte, 1) != REEF_OK) {
            return false;
        }
    }
    *text = reef_span_skip(*text, taken);
    return true;
}

static bool percent_decode(reef_span_t text, char *out, size_t capacity)
{
    size_t size = 0;
    uint8_t byte;

    while (text.size > 0) {
        if (!next_byte(&text, &byte) || byte == '\0' || size + 1 >= capacity) {
            return false;
        }
        out[size++] = (char)byte;
    }
    if (size >= capacity) {
        return false;
    }
    out[size] = '\0';
    return true;
}

/* Encoded or not it is the same name: what is hidden must not be seen in disguise. */
static bool is_named(reef_span_t found, const char *name)
{
    uint8_t byte;

    for (; found.size > 0; name++) {
        if (!next_byte(&found, &byte) || byte == '\0' || byte != (uint8_t)*name) {
            return false;
        }
    }
    return *name == '\0';
}

bool reef_admission_query(const reef_admission_t *admission,
                          const char *name,
                          char *out,
                          size_t capacity)
{
    reef_span_t query = admission->peer.query, found, value;

    while (next_parameter(&query, &found, &value)) {
        if (is_named(found, name)) {
            return percent_decode(value, out, capacity);
        }
    }
    return false;
}

void reef_admission_hide_query(reef_admission_t *admission, const char *name)
{
    reef_span_t query = reef_span(admission->query, admission->query_size);
    reef_span_t found, value;
    size_t kept = 0;

    while (next_parameter(&query, &found, &value)) {
        bool is_hidden = is_named(found, name);
        size_t whole = found.size + (value.data != NULL) + value.size;
        size_t stars = value.size < 3 ? value.size : 3;
        size_t shown = is_hidden ? whole - value.size + stars : whole;

        if (kept > 0) {
            admission->query[kept++] = '&';
        }
        memmove(admission->query + kept, found.data, shown);
        if (is_hidden) {
            memset(admission->query + kept + shown - stars, '*', stars);
        }
        kept += shown;
    }
    admission->query_size = kept;
}

void reef_admission_set(reef_admission_t *admission,
                        const reef_type_t *type,
                        const void *value)
{
    reef_component_t component = reef_world_component(admission->world, type);
    uint32_t i = 0;

    assert(strcmp(type->name, client_id_type.name) != 0 &&
           strcmp(type->name, session_type.name) != 0);
    while (i < admission->count && admission->components[i] != component) {
        i++;
    }
    if (i == admission->count) {
        assert(i < REEF_MAX_ADMISSION_COMPONENTS);
        admission->components[admission->count] = component;
        admission->types[admission->count++] = type;
        admission->values[i] =
            type->size > 0 ? reef_resize(admission->alloc, NULL, 0, type->size) : NULL;
    } else {
        reef_type_drop(type, admission->values[i]);
    }
    if (value == NULL) {
        reef_type_init(type, admission->values[i]);
    } else if (type->size > 0) {
        memcpy(admission->values[i], value, type->size);
    }
}

bool reef_admission_refuse(reef_admission_t *admission,
                           uint16_t status,
                           const char *reason)
{
    assert(status >= 400 && status < 600);
    admission->refusal.status = status;
    snprintf(admission->refusal.reason, sizeof(admission->refusal.reason), "%s",
             reason ? reason : "");
    for (char *c = admission->refusal.reason; *c != '\0'; c++) {
        *c = (char)(*c < ' ' || *c > '~' ? '?' : *c); /* it goes into a response */
    }
    return false;
}

/* One peer --------------------------------------------------------------------- */

static reef_admission_t *begin(reef_app_t *app, const reef_link_desc_t *desc)
{
    reef_admission_t *admission = reef_resize(app->alloc, NULL, 0, sizeof(*admission));

    *admission = (reef_admission_t){
        .alloc = app->alloc,
        .world = app->world,
        .desc = desc,
        .transport = desc->transport,
        .connection = desc->connection,
        .peer =
            {
                .transport = desc->transport->name,
                .kind = desc->transport->kind,
                .tls = desc->tls,
                .tls_version = desc->tls_version,
                .cipher = desc->cipher,
                .peer = desc->peer,
                .local = desc->local,
                .path = desc->path,
                .query = desc->query,
                .subprotocol = desc->subprotocol,
            },
    };
    if (desc->query.size > 0) {
        admission->query = reef_resize(app->alloc, NULL, 0, desc->query.size);
        memcpy(admission->query, desc->query.data, desc->query.size);
        admission->query_size = desc->query.size;
    }
    return admission;
}

/* The facts are over: what is to be seen of them later is in the component. */
static void end(reef_app_t *app, reef_admission_t *admission)
{
    reef_link_desc_t shown = *admission->desc;

    shown.query = reef_span(admission->query, admission->query_size);
    admission->opening = reef__session_component(app->sessions, &shown);
    reef_resize(admission->alloc, admission->query, admission->desc->query.size, 0);
    admission->query = NULL;
    admission->desc = NULL;
    admission->peer = (reef_peer_t){0};
}

static void tell_refusal(reef__authenticators_t *authenticators,
                         const reef_admission_t *admission,
                         const char *by)
{
    const reef_app_t *app = authenticators->app;
    uint64_t skipped = 0;

    reef_metric_add(authenticators->metric_refused, 1);
    if (reef__log_limit_pass(&authenticators->log_limit, app->now_ns / 1000000,
                             &skipped)) {
        reef_log(app->log, REEF_LOG_INFO, "session", "peer refused",
                 REEF_LOG_TEXT("by", by),
                 REEF_LOG_TEXT("transport", admission->peer.transport),
                 REEF_LOG_SPAN("peer", admission->peer.peer),
                 REEF_LOG_INT("status", admission->refusal.status),
                 REEF_LOG_TEXT("reason", admission->refusal.reason),
                 REEF_LOG_INT("skipped", skipped));
    }
}

reef_admission_t *reef__admission_ask(reef_app_t *app,
                                      const reef_link_desc_t *desc,
                                      reef_refusal_t *refusal)
{
    reef__authenticators_t *authenticators = app->authenticators;
    reef_admission_t *admission = begin(app, desc);
    const char *by = NULL;

    for (size_t i = 0; i < authenticators->list.count && by == NULL; i++) {
        const reef_authenticator_desc_t *asked = &authenticators->list.items[i];

        if (authenticators->are_over) {
            reef_admission_refuse(admission, 503, "the server is shutting down");
            by = "server";
        } else if (!asked->authenticate(admission, asked->context) ||
                   admission->refusal.status != 0) {
            by = asked->name;
        }
    }
    if (by == NULL) {
        end(app, admission);
        return admission;
    }
    if (admission->refusal.status == 0) {
        reef_admission_refuse(admission, 401, "not let in");
    }
    tell_refusal(authenticators, admission, by);
    *refusal = admission->refusal;
    reef_resize(admission->alloc, admission->query, desc->query.size, 0);
    reef__admission_drop(admission);
    return NULL;
}

void reef__admission_moved(reef_admission_t *admission)
{
    for (uint32_t i = 0; i < admission->count; i++) {
        reef_resize(admission->alloc, admission->values[i], admission->types[i]->size,
                    0);
    }
    reef_resize(admission->alloc, admission->opening, sizeof(*admission->opening), 0);
    reef_resize(admission->alloc, admission, sizeof(*admission), 0);
}

void reef__admission_drop(reef_admission_t *admission)
{
    if (admission == NULL) {
        return;
    }
    for (uint32_t i = 0; i < admission->count; i++) {
        if (admission->values[i] != NULL) {
            reef_type_drop(admission->types[i], admission->values[i]);
        }
    }
    reef__admission_moved(admission);
}
