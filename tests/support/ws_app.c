/* The plugin under its own name; its address is found where everybody finds it. */
#include "ws_app.h"

#include "test.h"

#include <reef/session.h>
#include <reef/websocket.h>

#include <poll.h>
#include <string.h>

enum {
    WAIT_MS = 1 /* for the client's socket, between two steps */
};

void ws_app_listen(reef_app_t *app)
{
    reef_failure_t failure = {0};

    if (reef_app_add_plugin(app, &reef_websocket_plugin,
                            &(websocket_config_t){.listen = "127.0.0.1:0"},
                            &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
}

uint16_t ws_app_port(const reef_app_t *app)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    assert_int_equal(count, 1);
    return (uint16_t)strtoul(strrchr(listeners[0].address, ':') + 1, NULL, 10);
}

static bool is_readable(int descriptor, int timeout_ms)
{
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};

    return poll(&waiting, 1, timeout_ms) == 1;
}

void ws_app_step_until(reef_app_t *app,
                       bool (*is_so)(void *context),
                       void *context,
                       const char *what)
{
    for (int left = SOCKET_DEADLINE_MS / WAIT_MS; !is_so(context); left--) {
        if (left == 0) {
            fail_msg("waited too long: %s", what);
        }
        reef_app_step(app, 0);
        poll(NULL, 0, WAIT_MS);
    }
}

static bool has_answer(void *context)
{
    return is_readable(((const ws_client_t *)context)->descriptor, 0);
}

void ws_app_await(reef_app_t *app, const ws_client_t *client)
{
    if (client->start == client->size) {
        ws_app_step_until(app, has_answer, (void *)client, "bytes for a client");
    }
}

typedef struct arrival {
    const reef_app_t *app;
    uint64_t after; /* the client ids before this one's */
} arrival_t;

static bool has_arrived(void *context)
{
    const arrival_t *arrival = context;

    return reef_session_next(arrival->app, arrival->after) != 0;
}

reef_entity_t ws_app_open(reef_app_t *app, ws_client_t *client)
{
    arrival_t arrival = {.app = app};

    while (has_arrived(&arrival)) {
        arrival.after++;
    }
    ws_client_connect(client, ws_app_port(app));
    ws_client_send_raw(client, WS_HANDSHAKE "\r\n", strlen(WS_HANDSHAKE "\r\n"));
    ws_app_step_until(app, has_arrived, &arrival, "a client");
    ws_app_await(app, client);
    assert_int_equal(ws_client_receive_status(client), 101);
    return reef_session_next(app, arrival.after);
}

void ws_app_expect_text(reef_app_t *app, ws_client_t *client, const char *text)
{
    ws_app_await(app, client);
    ws_client_expect_text(client, text);
}
