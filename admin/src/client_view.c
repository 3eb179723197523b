/*
 * Connected clients as rows, in the order of their ids.
 */
#include "views.h"

#include <reef/array.h>
#include <reef/session.h>

static const char *transport_name(int32_t transport)
{
    size_t count = sizeof(reef_transport_names) / sizeof(reef_transport_names[0]);

    for (size_t i = 0; i < count; i++) {
        if (reef_transport_names[i].value == transport) {
            return reef_transport_names[i].name;
        }
    }
    return "unknown";
}

void reef__clients_collect(void *argument)
{
    reef__clients_t *clients = argument;
    reef_world_t *world = reef_app_world(clients->app);
    reef_entity_t entity;

    clients->now = reef__admin_now(clients->app);
    clients->total = reef_session_count(clients->app);
    clients->more = false;
    while ((entity = reef_session_next(clients->app, clients->after)) != 0) {
        const client_id_t *id = REEF_FIND(world, entity, client_id);
        const session_t *session = REEF_FIND(world, entity, session);

        if (clients->list.count == clients->limit) {
            clients->more = true;
            return;
        }
        if (id == NULL || session == NULL) {
            return;
        }
        *REEF_ARRAY_PUSH(reef_alloc_default(), &clients->list) = (reef__client_copy_t){
            .id = id->value,
            .entity = entity,
            .session = *session,
            .queue_bytes = reef_session_queue_bytes(clients->app, entity),
        };
        clients->after = id->value;
    }
}

/* Null where there is no TLS; the length of a member of session_t is given. */
static void add_text(cJSON *json, const char *name, const char *text, size_t size)
{
    size_t length = strnlen(text, size);

    cJSON_AddItemToObject(json, name,
                          length == 0 ? cJSON_CreateNull()
                                      : reef__json_text(reef_span(text, length)));
}

/* Null where it is not known. */
static void add_measure(cJSON *json, const char *name, int64_t value)
{
    cJSON_AddItemToObject(
        json, name, value < 0 ? cJSON_CreateNull() : cJSON_CreateNumber((double)value));
}

cJSON *reef__client_json(const reef__client_copy_t *client)
{
    const session_t *session = &client->session;
    cJSON *json = cJSON_CreateObject();

    reef__json_add_id(json, "id", client->id);
    reef__json_add_id(json, "entity", client->entity);
    cJSON_AddStringToObject(json, "transport", transport_name(session->transport));
    add_text(json, "tls", session->tls_version, sizeof(session->tls_version));
    add_text(json, "cipher", session->cipher, sizeof(session->cipher));
    cJSON_AddItemToObject(
        json, "peer",
        reef__json_text(
            reef_span(session->peer, strnlen(session->peer, sizeof(session->peer)))));
    reef__json_add_time(json, "connected_at", (int64_t)session->connected_at_ms);
    cJSON_AddNumberToObject(json, "messages_in", (double)session->messages_in);
    cJSON_AddNumberToObject(json, "messages_out", (double)session->messages_out);
    cJSON_AddNumberToObject(json, "bytes_in", (double)session->bytes_in);
    cJSON_AddNumberToObject(json, "bytes_out", (double)session->bytes_out);
    cJSON_AddNumberToObject(json, "queue_bytes", (double)client->queue_bytes);
    add_measure(json, "rtt_us", session->rtt_us);
    add_measure(json, "jitter_us", session->jitter_us);
    return json;
}

cJSON *reef__clients_items(const reef__clients_t *clients)
{
    cJSON *items = cJSON_CreateArray();

    for (size_t i = 0; i < clients->list.count; i++) {
        cJSON_AddItemToArray(items, reef__client_json(&clients->list.items[i]));
    }
    return items;
}

void reef__clients_finish(reef__clients_t *clients)
{
    REEF_ARRAY_FINISH(reef_alloc_default(), &clients->list);
}
