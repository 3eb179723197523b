/**
 * @file wss_client.h
 * @brief A WebSocket client behind `openssl s_client`, and a server that speaks TLS.
 */
#ifndef WSS_CLIENT_H
#define WSS_CLIENT_H

#include "server_fixture.h"
#include "tls_client.h"

/** All zero: not connected. */
typedef struct wss_client {
    ws_client_t ws;
    tls_client_t tls;
} wss_client_t;

/** Start @p program with a certificate of its own; @p files receives where it is.
 *  Returns the port of `wss`. */
uint16_t wss_start(server_t *server,
                   const char *program,
                   tls_files_t *files,
                   const char *const *settings);
#define WSS_START(server, program, files, ...)                                         \
    wss_start((server), (program), (files), (const char *const[]){__VA_ARGS__, NULL})

/** TLS by the further options @p words, then a handshake that must be accepted. */
void wss_client_open(wss_client_t *client, uint16_t port, const char *const *words);
#define WSS_CLIENT_OPEN(client, port, ...)                                             \
    wss_client_open((client), (port), (const char *const[]){__VA_ARGS__, NULL})

/** Accepts one that is not connected. */
void wss_client_drop(wss_client_t *client);

#endif /* WSS_CLIENT_H */
