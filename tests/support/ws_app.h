/**
 * @file ws_app.h
 * @brief An app of loopback.h that also listens for WebSocket clients.
 *
 * App and clients are on one thread: whoever waits for the other side steps the app
 * meanwhile.  A wait that takes longer than SOCKET_DEADLINE_MS fails the test.
 */
#ifndef TEST_WS_APP_H
#define TEST_WS_APP_H

#include "loopback.h"
#include "ws_client.h"

/** Add the plugin, on a free port; before the start. */
void ws_app_listen(reef_app_t *app);

/** The port, once the app is started. */
uint16_t ws_app_port(const reef_app_t *app);

/** Connect a client, and step until it is in the world.  Returns its entity. */
reef_entity_t ws_app_open(reef_app_t *app, ws_client_t *client);

/** Step until something has come for the client, or its end. */
void ws_app_await(reef_app_t *app, const ws_client_t *client);

/** Step until @p is_so; @p what says in one word what is waited for. */
void ws_app_step_until(reef_app_t *app,
                       bool (*is_so)(void *context),
                       void *context,
                       const char *what);

/** The next frame is this text; the app is stepped until it comes. */
void ws_app_expect_text(reef_app_t *app, ws_client_t *client, const char *text);

#endif /* TEST_WS_APP_H */
