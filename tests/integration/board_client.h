/**
 * @file board_client.h
 * @brief A client of the whiteboard: reef.v1 over whichever transport, and a copy of
 * the drawing that is as the server told it.
 */
#ifndef BOARD_CLIENT_H
#define BOARD_CLIENT_H

#include "talker.h"

enum {
    BOARD_STROKES = 4096,
    BOARD_POINTS = 128,
    BOARD_OPCODES = 32,
    BOARD_PEOPLE = 16,
};

typedef struct board_copy {
    uint64_t id, number, author;
    uint32_t pen, color;
    uint32_t count; /* points */
    int16_t last_x;
} board_copy_t;

/** All zero: not connected. */
typedef struct board_client {
    talker_kind_t kind; /* of TCP, with lengths before its messages */
    ws_client_t ws;
    int descriptor;
    uint64_t id;
    struct {
        char name[64];
        uint16_t number;
    } opcodes[BOARD_OPCODES];
    uint32_t opcode_count;
    board_copy_t *strokes; /* [BOARD_STROKES] */
    uint32_t stroke_count;
    uint64_t people[BOARD_PEOPLE]; /* client ids; 0 = none */
    uint32_t ready, resets, errors;
    char text[256]; /* the last one heard */
    char name[64];  /* of the person told last */
} board_client_t;

/** Connect to a server that takes binary messages; whoever is asked for by UDP or TCP
 *  has said nothing yet. */
void board_open(board_client_t *board, server_t *server, talker_kind_t kind);

/** Say hello, on TCP and UDP, and hear the server's. */
void board_greet(board_client_t *board);

void board_close(board_client_t *board);

/** Take one message into the copy. */
void board_hear(board_client_t *board);

/** Hear until @p condition holds. */
#define BOARD_AWAIT(board, condition)                                                  \
    while (!(condition)) {                                                             \
        board_hear(board);                                                             \
    }

/** Hear all that was told before now, by an answer that comes behind it. */
void board_catch_up(board_client_t *board);

void board_say(board_client_t *board, const char *text);

/** Send a typed message of @p size bytes behind its head. */
void board_send(board_client_t *board, const char *name, const void *data, size_t size);

/** Draw @p count points (64 at most) with a pen, from x on to the right. */
void board_draw(board_client_t *board, uint32_t pen, int16_t x, uint16_t count);

/** A stroke of the copy, or NULL. */
const board_copy_t *board_find(const board_client_t *board, uint64_t id);

/** The newest stroke of the copy. */
const board_copy_t *board_newest(const board_client_t *board);

bool board_has_person(const board_client_t *board, uint64_t client_id);

#endif /* BOARD_CLIENT_H */
