/* Echo for WebSocket clients, and HTTP routes into the same world. */
#include <reef/admin.h>
#include <reef/http_plugin.h>
#include <reef/reef.h>

#include <inttypes.h>
#include <stdio.h>

enum {
    MAX_IDS = 100,
    ID_SIZE = sizeof(",18446744073709551615")
};

static void echo(reef_run_t *run)
{
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_send(run, message->entity, message->payload);
    }
}

static void get_clients(reef_http_request_t *request, void *context)
{
    (void)context;
    reef_http_reply_json(request, 200, "{\"count\":%u}",
                         reef_session_count(request->app));
}

/* Those with the lowest ids. */
static void get_ids(reef_http_request_t *request, void *context)
{
    char ids[MAX_IDS * ID_SIZE] = "";
    size_t size = 0;
    reef_entity_t client = reef_session_next(request->app, 0);

    (void)context;
    for (int i = 0; client != 0 && i < MAX_IDS; i++) {
        uint64_t id = REEF_FIND(request->world, client, client_id)->value;

        size +=
            (size_t)snprintf(ids + size, ID_SIZE, "%s%" PRIu64, i == 0 ? "" : ",", id);
        client = reef_session_next(request->app, id);
    }
    reef_http_reply_json(request, 200, "{\"count\":%u,\"ids\":[%s]}",
                         reef_session_count(request->app), ids);
}

/* As a JSON string, for a body may be anything, and a text must be UTF-8. */
static void post_message(reef_http_request_t *request, void *context)
{
    send_message_t message = {0};
    uint64_t id = 0;

    (void)context, (void)reef_http_parameter_u64(request, "id", &id);
    message.target = reef_session_find(request->app, id);
    if (message.target == 0) {
        reef_http_reply_problem(request, 404, "there is no such client");
        return;
    }
    message.payload = reef_buffer_format("%s", reef_http_quote(request, request->body));
    reef_world_send(request->world, &message);
    reef_http_reply_text(request, 202, "on its way\n");
}

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config, (void)state, (void)failure;
    reef_app_add_system(app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "echo",
                                              .run = echo,
                                              .reads = {&message_received_event},
                                              .emits = {&send_message_event}});
    reef_http_route(app, &(reef_http_route_desc_t){REEF_HTTP_GET, "/clients",
                                                   .handler = get_clients});
    reef_http_route(app, &(reef_http_route_desc_t){REEF_HTTP_GET, "/clients/ids",
                                                   .handler = get_ids});
    reef_http_route(app, &(reef_http_route_desc_t){REEF_HTTP_POST, "/clients/{id}",
                                                   .handler = post_message});
    return REEF_OK;
}

int main(int argc, char **argv)
{
    const reef_plugin_t lab = {REEF_PLUGIN_API, "lab", .build = build};
    reef_plugin_t http = reef_http_plugin;
    const reef_plugin_t *plugins[] = {&reef_websocket_plugin, &reef_admin_plugin, &http,
                                      &lab, NULL};

    /* Pages opened from a file, as web/examples/lab.html, may read what it answers. */
    http.config = &(http_config_t){.listen = "127.0.0.1:8081", .origins = "*"};
    return reef_main(argc, argv, plugins);
}
