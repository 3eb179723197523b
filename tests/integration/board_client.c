/* Little-endian throughout, as the tests' machines are. */
#include "board_client.h"

#include "tcp_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_MESSAGE = 65536,
    MAX_ITEMS = 64,
    HELLO_SIZE = 9,
};

typedef struct reader {
    const uint8_t *at, *end;
} reader_t;

static uint64_t take(reader_t *reader, size_t size)
{
    uint64_t value = 0;

    assert_true((size_t)(reader->end - reader->at) >= size);
    memcpy(&value, reader->at, size);
    reader->at += size;
    return value;
}

static void take_text(reader_t *reader, char *text, size_t capacity)
{
    size_t size = take(reader, 2);

    assert_true((size_t)(reader->end - reader->at) >= size);
    snprintf(text, capacity, "%.*s", (int)size, (const char *)reader->at);
    reader->at += size;
}

/* Bytes in and out ------------------------------------------------------------------
 */

static void send_bytes(board_client_t *board, const uint8_t *data, size_t size)
{
    uint8_t framed[MAX_MESSAGE + 4];
    size_t head = 0;

    if (board->kind == TALKER_WEBSOCKET) {
        ws_client_send(&board->ws, WS_FIN | WS_BINARY, data, size);
        return;
    }
    if (board->kind == TALKER_TCP) {
        for (size_t left = size; left > 0 || head == 0; left >>= 7) {
            framed[head++] = (uint8_t)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        }
    }
    memcpy(framed + head, data, size);
    assert_true(socket_send(board->descriptor, framed, head + size));
}

static void read_exactly(int descriptor, uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t part = socket_receive(descriptor, data, size);

        assert_true(part > 0);
        data += part;
        size -= part;
    }
}

static size_t receive_bytes(board_client_t *board, uint8_t data[static MAX_MESSAGE])
{
    ws_frame_t frame;
    size_t size = 0;
    uint8_t byte;

    if (board->kind == TALKER_UDP) {
        return socket_receive(board->descriptor, data, MAX_MESSAGE);
    }
    if (board->kind == TALKER_TCP) {
        for (int shift = 0;; shift += 7) {
            read_exactly(board->descriptor, &byte, 1);
            size |= (size_t)(byte & 0x7f) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        assert_true(size <= MAX_MESSAGE);
        read_exactly(board->descriptor, data, size);
        return size;
    }
    ws_client_receive(&board->ws, &frame);
    assert_true(frame.final && frame.size <= MAX_MESSAGE);
    assert_true(frame.opcode == WS_TEXT || frame.opcode == WS_BINARY);
    memcpy(data, frame.data, frame.size);
    return frame.size;
}

/* The copy ---------------------------------------------------------------------------
 */

const board_copy_t *board_find(const board_client_t *board, uint64_t id)
{
    for (uint32_t i = 0; i < board->stroke_count; i++) {
        if (board->strokes[i].id == id) {
            return &board->strokes[i];
        }
    }
    return NULL;
}

const board_copy_t *board_newest(const board_client_t *board)
{
    const board_copy_t *newest = NULL;

    for (uint32_t i = 0; i < board->stroke_count; i++) {
        if (newest == NULL || board->strokes[i].number > newest->number) {
            newest = &board->strokes[i];
        }
    }
    return newest;
}

bool board_has_person(const board_client_t *board, uint64_t client_id)
{
    for (size_t i = 0; i < BOARD_PEOPLE; i++) {
        if (board->people[i] == client_id) {
            return true;
        }
    }
    return false;
}

/* Put @p to where @p from is. */
static void replace_person(board_client_t *board, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < BOARD_PEOPLE; i++) {
        if (board->people[i] == from) {
            board->people[i] = to;
            return;
        }
    }
}

static void hear_stroke(board_client_t *board, reader_t *reader)
{
    board_copy_t told = {.id = take(reader, 8), .number = take(reader, 8)};
    board_copy_t *known = (board_copy_t *)board_find(board, told.id);
    uint32_t first;

    told.author = take(reader, 8);
    told.pen = (uint32_t)take(reader, 4);
    told.color = (uint32_t)take(reader, 4);
    (void)take(reader, 4 + 1); /* width, continues */
    first = (uint32_t)take(reader, 4);
    told.count = first + (uint32_t)take(reader, 2);
    assert_in_range(told.count, first + 1, BOARD_POINTS);
    while (reader->end - reader->at > 4) {
        (void)take(reader, 4);
    }
    told.last_x = (int16_t)take(reader, 2);
    (void)take(reader, 2);
    if (known == NULL && first == 0) {
        assert_true(board->stroke_count < BOARD_STROKES);
        known = &board->strokes[board->stroke_count++];
    }
    if (known != NULL && (first == 0 || first == known->count)) {
        *known = told;
    } else {
        assert_null(known); /* a hole in one that is there */
    }
}

static void hear_gone(board_client_t *board, uint64_t id)
{
    board_copy_t *known = (board_copy_t *)board_find(board, id);

    if (known != NULL) {
        *known = board->strokes[--board->stroke_count];
    }
}

static void hear_hello(board_client_t *board, reader_t *reader)
{
    uint16_t count;

    (void)take(reader, 2);
    board->id = take(reader, 8);
    (void)take(reader, 2);
    count = (uint16_t)take(reader, 2);
    for (uint16_t i = 0; i < count; i++) {
        char signature[512];
        uint32_t at = board->opcode_count++;

        assert_true(at < BOARD_OPCODES);
        board->opcodes[at].number = (uint16_t)take(reader, 2);
        (void)take(reader, 1);
        take_text(reader, board->opcodes[at].name, sizeof(board->opcodes[at].name));
        take_text(reader, signature, sizeof(signature));
        take_text(reader, signature, sizeof(signature));
    }
}

static const char *name_of(const board_client_t *board, uint64_t number)
{
    for (uint32_t i = 0; i < board->opcode_count; i++) {
        if (board->opcodes[i].number == number) {
            return board->opcodes[i].name;
        }
    }
    return number == 0 ? "hello" : "error";
}

static void hear_typed(board_client_t *board, reader_t *reader)
{
    const char *name = name_of(board, take(reader, 3) >> 8);

    if (strcmp(name, "hello") == 0) {
        hear_hello(board, reader);
    } else if (strcmp(name, "board.stroke") == 0) {
        hear_stroke(board, reader);
    } else if (strcmp(name, "board.gone") == 0) {
        hear_gone(board, take(reader, 8));
    } else if (strcmp(name, "board.reset") == 0) {
        board->stroke_count = 0;
        board->resets++;
    } else if (strcmp(name, "board.ready") == 0) {
        assert_int_equal(take(reader, 4), board->stroke_count);
        board->ready++;
    } else if (strcmp(name, "board.person") == 0) {
        uint64_t id = take(reader, 8);

        if (!board_has_person(board, id)) {
            replace_person(board, 0, id);
        }
        take_text(reader, board->name, sizeof(board->name));
    } else if (strcmp(name, "board.left") == 0) {
        replace_person(board, take(reader, 8), 0);
    } else if (strcmp(name, "error") == 0) {
        board->errors++;
    }
}

void board_hear(board_client_t *board)
{
    static uint8_t message[MAX_MESSAGE];
    size_t size = receive_bytes(board, message);
    reader_t reader = {message, message + size};

    assert_true(size > 0);
    if (message[0] >= 0xf8) {
        hear_typed(board, &reader);
    } else {
        snprintf(board->text, sizeof(board->text), "%.*s", (int)size,
                 (const char *)message);
    }
}

/* What it says -----------------------------------------------------------------------
 */

void board_open(board_client_t *board, server_t *server, talker_kind_t kind)
{
    char head[1024];
    talker_t talker;

    *board = (board_client_t){.kind = kind, .descriptor = -1};
    board->strokes = calloc(BOARD_STROKES, sizeof(*board->strokes));
    assert_non_null(board->strokes);
    if (kind == TALKER_WEBSOCKET) {
        ws_client_open_with(&board->ws, server->port,
                            "Sec-WebSocket-Protocol: reef.v1\r\n", head, sizeof(head));
    } else {
        talker_open(&talker, server, kind);
        board->descriptor = talker.descriptor;
    }
}

void board_greet(board_client_t *board)
{
    static const uint8_t hello[HELLO_SIZE] = {0xf8, 0, 0, 'R', 'E', 'E', 'F', 1, 0};

    if (board->kind != TALKER_WEBSOCKET) {
        send_bytes(board, hello, sizeof(hello));
    }
    BOARD_AWAIT(board, board->id != 0);
}

void board_close(board_client_t *board)
{
    ws_client_drop(&board->ws);
    if (board->descriptor > 0) {
        close(board->descriptor);
    }
    free(board->strokes);
    *board = (board_client_t){0};
}

void board_say(board_client_t *board, const char *text)
{
    send_bytes(board, (const uint8_t *)text, strlen(text));
}

/* The text is answered before the strokes of its frame are told; the next in a later
 * frame. */
void board_catch_up(board_client_t *board)
{
    for (int i = 0; i < 2; i++) {
        board->text[0] = '\0';
        board_say(board, "/nothing");
        BOARD_AWAIT(board,
                    strcmp(board->text, "[Error] Unknown command: /nothing") == 0);
    }
}

void board_send(board_client_t *board, const char *name, const void *data, size_t size)
{
    uint8_t message[MAX_MESSAGE] = {0xf8};

    assert_true(size <= sizeof(message) - 3);
    for (uint32_t i = 0; i < board->opcode_count; i++) {
        if (strcmp(board->opcodes[i].name, name) == 0) {
            memcpy(message + 1, &board->opcodes[i].number, 2);
        }
    }
    assert_true(message[1] != 0 || message[2] != 0);
    if (size > 0) {
        memcpy(message + 3, data, size);
    }
    send_bytes(board, message, 3 + size);
}

void board_draw(board_client_t *board, uint32_t pen, int16_t x, uint16_t count)
{
    const uint32_t color = 0xff0000;
    const float width = 4;
    const int16_t y = 100;
    uint8_t data[14 + 4 * MAX_ITEMS];
    size_t size = 14;

    assert_true(count <= MAX_ITEMS);
    memcpy(data, &pen, 4);
    memcpy(data + 4, &color, 4);
    memcpy(data + 8, &width, 4);
    memcpy(data + 12, &count, 2);
    for (uint16_t i = 0; i < count; i++, size += 4, x++) {
        memcpy(data + size, &x, 2);
        memcpy(data + size + 2, &y, 2);
    }
    board_send(board, "board.draw", data, size);
}
