/* A whole app, with a transport that counts what it is handed. */
#include "number.h"
#include "side.h"

#include <reef/app.h>
#include <reef/components.h>
#include <reef/event.h>
#include <reef/session.h>
#include <reef/spatial.h>
#include <reef/transport.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEBSOCKET = 1, /* the framing of texts on WebSocket */
    SETTINGS = 20,
};

struct server {
    const crowd_t *crowd;
    reef_app_t *app;
    reef_link_t *links;
    reef_entity_t *entities;
    uint64_t bytes, messages;
    uint64_t start_ns, system_ns; /* of the plugin's system in the last frame */
};

static reef_error_t take(void *connection, const send_message_t *message)
{
    server_t *server = connection;

    server->bytes += reef_buffer_payload(message->payload).size;
    server->messages++;
    reef_buffer_unref(message->payload);
    return REEF_OK;
}

static void ignore(void *connection)
{
    (void)connection;
}

static void ignore_close(void *connection, uint16_t code, const char *reason)
{
    (void)connection, (void)code, (void)reason;
}

static uint64_t no_bytes(const void *connection)
{
    (void)connection;
    return 0;
}

static uint32_t no_connections(const void *self)
{
    (void)self;
    return 0;
}

static reef_link_form_t websocket_form(const void *connection)
{
    (void)connection;
    return (reef_link_form_t){.framing = WEBSOCKET};
}

static const reef_transport_t memory_transport = {
    .name = "loopback",
    .send = take,
    .flush = ignore,
    .close = ignore_close,
    .pause = ignore,
    .resume = ignore,
    .queue_bytes = no_bytes,
    .stop_accepting = ignore,
    .connection_count = no_connections,
    .form = websocket_form,
};

static void require(reef_error_t error, const reef_failure_t *failure)
{
    if (error != REEF_OK) {
        fprintf(stderr, "bench_spatial: %s\n", failure->text);
        exit(1);
    }
}

static reef_app_t *create_app(float radius, float cell)
{
    static const char *const fixed[] = {"bench",
                                        "--set",
                                        "log.level=off",
                                        "--set",
                                        "server.workers=1",
                                        "--set",
                                        "server.io_threads=0",
                                        "--set",
                                        "server.max_frame_us=10000000",
                                        "--set",
                                        "spatial.rate_hz=1000",
                                        "--set",
                                        "spatial.max_nearby=1000000"};
    const char *argv[SETTINGS];
    char radius_text[64], cell_text[64];
    size_t count = sizeof(fixed) / sizeof(fixed[0]);
    reef_failure_t failure = {0};
    reef_app_t *app = NULL;

    memcpy(argv, fixed, sizeof(fixed));
    snprintf(radius_text, sizeof(radius_text), "spatial.interest_radius=%g",
             (double)radius);
    snprintf(cell_text, sizeof(cell_text), "spatial.cell_size=%g", (double)cell);
    argv[count++] = "--set";
    argv[count++] = radius_text;
    argv[count++] = "--set";
    argv[count++] = cell_text;
    require(reef_app_create(&(reef_app_desc_t){.argc = (int)count,
                                               .argv = argv,
                                               .ignore_environment = true},
                            &app, &failure),
            &failure);
    reef_app_add_transport(app, &memory_transport, NULL);
    require(reef_app_add_plugin(app, &reef_spatial_plugin, NULL, &failure), &failure);
    return app;
}

static void note_start(reef_run_t *run)
{
    ((server_t *)reef_run_context(run))->start_ns = cpu_ns();
}

static void note_end(reef_run_t *run)
{
    server_t *server = reef_run_context(run);

    server->system_ns = cpu_ns() - server->start_ns;
}

static void add_clocks(server_t *server)
{
    reef_app_add_system(server->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "bench_start",
                                              .run = note_start,
                                              .context = server,
                                              .exclusive = true,
                                              .after = {"replicate"},
                                              .before = {"spatial"}});
    reef_app_add_system(server->app, REEF_FRAME,
                        &(reef_system_desc_t){.name = "bench_end",
                                              .run = note_end,
                                              .context = server,
                                              .exclusive = true,
                                              .after = {"spatial"},
                                              .before = {"egress"}});
}

server_t *server_create(const crowd_t *crowd, float radius, float cell)
{
    server_t *server = calloc(1, sizeof(*server));
    reef_failure_t failure = {0};
    reef_world_t *world;

    server->crowd = crowd;
    server->app = create_app(radius, cell);
    add_clocks(server);
    require(reef_app_start(server->app, &failure), &failure);
    server->links = calloc(crowd->count, sizeof(*server->links));
    server->entities = calloc(crowd->count, sizeof(*server->entities));
    world = reef_app_world(server->app);
    for (uint32_t i = 0; i < crowd->count; i++) {
        server->links[i] = reef_link_open(
            server->app, &(reef_link_desc_t){.transport = &memory_transport,
                                             .connection = server,
                                             .peer = reef_span_text("memory"),
                                             .path = reef_span_text("/")});
    }
    while (reef_session_count(server->app) < crowd->count ||
           reef_session_find(server->app, crowd->count) == 0) {
        reef_app_step(server->app, 0);
    }
    for (uint32_t i = 0; i < crowd->count; i++) {
        reef_entity_t entity = reef_session_find(server->app, i + 1);

        server->entities[i] = entity;
        REEF_ADD(world, entity, position_2d, .x = crowd->x[i], .y = crowd->y[i]);
        REEF_ADD(world, entity, spatial, .id = 0);
    }
    for (int i = 0; i < 16; i++) {
        reef_app_step(server->app, 1);
    }
    return server;
}

void server_destroy(server_t *server)
{
    reef_app_destroy(server->app);
    free(server->links);
    free(server->entities);
    free(server);
}

uint64_t server_update(server_t *server, uint32_t movers)
{
    reef_world_t *world = reef_app_world(server->app);
    reef_component_t position = reef_world_component(world, &position_2d_type);
    uint64_t start = cpu_ns();

    for (uint32_t i = 0; i < movers; i++) {
        position_2d_t *at = reef_world_find_mut(world, server->entities[i], position);

        at->x = server->crowd->x[i];
        at->y = server->crowd->y[i];
    }
    reef_app_step(server->app, 1);
    return cpu_ns() - start;
}

static void say_move(server_t *server, uint32_t i)
{
    char text[80] = "/move ";
    char *at = reef__number_print(server->crowd->x[i], text + 6);

    *at++ = ' ';
    at = reef__number_print(server->crowd->y[i], at);
    (void)reef_link_receive(server->app, server->links[i], REEF_PAYLOAD_TEXT,
                            reef_span(text, (size_t)(at - text)));
}

uint64_t server_hear_moves(server_t *server)
{
    reef_event_queue_t *moved =
        reef_world_events(reef_app_world(server->app), &client_moved_event);
    uint64_t wanted = reef_event_emitted_count(moved) + server->crowd->count;
    uint64_t start;

    for (uint32_t i = 0; i < server->crowd->count; i++) {
        say_move(server, i);
    }
    start = cpu_ns();
    while (reef_event_emitted_count(moved) < wanted) {
        reef_app_step(server->app, 0);
    }
    return cpu_ns() - start;
}

uint64_t server_system_ns(const server_t *server)
{
    return server->system_ns;
}

uint64_t server_take_bytes(server_t *server)
{
    uint64_t bytes = server->bytes;

    server->bytes = 0;
    return bytes;
}

uint64_t server_take_messages(server_t *server)
{
    uint64_t messages = server->messages;

    server->messages = 0;
    return messages;
}
