/**
 * @file talker.h
 * @brief A client that says texts and hears texts, over whichever transport.
 */
#ifndef TALKER_H
#define TALKER_H

#include "admin_client.h"

typedef enum talker_kind {
    TALKER_WEBSOCKET,
    TALKER_TCP, /* lines */
    TALKER_UDP,
    TALKER_V1, /* a WebSocket of reef.v1, which hears texts only; where the server
                  speaks it */
    TALKER_KINDS,
} talker_kind_t;

/** All zero: not connected. */
typedef struct talker {
    talker_kind_t kind;
    bool is_open;
    ws_client_t ws;
    int descriptor; /* of TCP and UDP */
} talker_t;

/** Start @p program, which listens for all kinds. */
void talker_start_server(server_t *server,
                         const char *program,
                         const char *const *settings);
#define TALKER_START_SERVER(server, program, ...)                                      \
    talker_start_server((server), (program), (const char *const[]){__VA_ARGS__, NULL})

/** What to run besides @p plugins ("plugins.enabled=…") for clients of that kind: of
 *  reef.v1, something that has typed messages.  Borrowed until the next call. */
const char *talker_plugins(talker_kind_t kind, const char *plugins);

/** Connect without a word. */
void talker_open(talker_t *talker, server_t *server, talker_kind_t kind);

/** Connect to a chat server and wait until the world has seen it, so that ids are in
 *  the order of these calls. */
void talker_open_chat(talker_t *talker, server_t *server, talker_kind_t kind);

/** Leave without a word; accepts one that is not connected.  A session of UDP does not
 *  end by that. */
void talker_close(talker_t *talker);

void talker_say(talker_t *talker, const char *text);

/** The next text is this one. */
void talker_expect(talker_t *talker, const char *text);

/** Nothing came since what was heard last, of a chat server. */
void talker_expect_silence(talker_t *talker);

/** `/join` with its answer. */
void talker_join(talker_t *talker, const char *room);

#endif /* TALKER_H */
