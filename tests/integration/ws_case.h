/**
 * @file ws_case.h
 * @brief Conformance cases as tables: what a client sends, and what must come back.
 *
 * A suite is a program whose tests come from rows: each row is a test of its own, named
 * by the section it stands for.  One server serves them all, each on connections of
 * its own.
 */
#ifndef WS_CASE_H
#define WS_CASE_H

#include "server_fixture.h"

#include <reef/attrs.h>

/* Steps ------------------------------------------------------------------------ */

typedef enum ws_form {
    WS_FORM_FRAME, /* one masked frame */
    WS_FORM_CLOSE, /* a close frame: the code before the data */
    WS_FORM_CUT,   /* a frame of which only the data comes, and then no more */
    WS_FORM_BYTES, /* the data as they are, no frame around them */
} ws_form_t;

/** A frame to send or to expect; all zero ends a list. */
typedef struct ws_step {
    const void *data;
    size_t size;
    ws_form_t form;
    uint8_t first; /* byte of the frame: FIN, reserved bits, opcode */
    uint16_t code;
} ws_step_t;

#define WS_STEP(form_, first_, code_, text)                                            \
    {                                                                                  \
        .data = (text), .size = sizeof(text) - 1, .form = (form_), .first = (first_),  \
        .code = (code_)                                                                \
    }
#define WS_FRAME(first, text) WS_STEP(WS_FORM_FRAME, (first), 0, text)
#define TEXT(text)            WS_FRAME(WS_FIN | WS_TEXT, text)
#define TEXT_PART(text)       WS_FRAME(WS_TEXT, text)
#define BINARY(text)          WS_FRAME(WS_FIN | WS_BINARY, text)
#define BINARY_PART(text)     WS_FRAME(WS_BINARY, text)
#define MORE(text)            WS_FRAME(0, text)
#define LAST(text)            WS_FRAME(WS_FIN, text)
#define PING(text)            WS_FRAME(WS_FIN | WS_PING, text)
#define PONG(text)            WS_FRAME(WS_FIN | WS_PONG, text)
#define CLOSE_EMPTY           WS_FRAME(WS_FIN | WS_CLOSE, "")
#define CLOSE(code, text)     WS_STEP(WS_FORM_CLOSE, WS_FIN | WS_CLOSE, (code), text)
#define CUT(first, text)      WS_STEP(WS_FORM_CUT, (first), 0, text)
#define BYTES(text)           WS_STEP(WS_FORM_BYTES, 0, 0, text)
/** A frame of @p count bytes at @p pointer. */
#define WS_BLOCK(first_, pointer, count)                                               \
    {                                                                                  \
        .data = (pointer), .size = (count), .first = (first_)                          \
    }

/* Cases ------------------------------------------------------------------------ */

enum {
    WS_CASE_MAX_SENT = 24,
    WS_CASE_MAX_EXPECTED = 16
};

typedef struct ws_case {
    const char *title; /* begins with the section of RFC 6455 */
    ws_step_t sent[WS_CASE_MAX_SENT];
    ws_step_t expected[WS_CASE_MAX_EXPECTED];
} ws_case_t;

/** How the bytes of a case are cut into writes. */
typedef enum ws_style {
    WS_AT_ONCE,
    WS_BY_FRAME,
    WS_BY_BYTE, /* what is long goes in pieces of a prime size */
    WS_STYLE_COUNT
} ws_style_t;

/** Send @p steps up to the one that is all zero.  A server that has closed already is
 *  no error: what it said before is still to be read. */
void ws_case_send(ws_client_t *client, const ws_step_t *steps, ws_style_t style);

/** Fail unless the frame is the one expected.  A close is judged by its code. */
void ws_case_check(const ws_client_t *client,
                   const ws_step_t *expected,
                   const ws_frame_t *frame);

/** After a close the server ends the stream; else nothing is left to come, and a close
 *  is answered. */
void ws_case_end(ws_client_t *client, bool has_closed);

/** Run a case in every style. */
void ws_case_run(const server_t *server, const ws_case_t *row, ws_client_t *client);

/* Suites ----------------------------------------------------------------------- */

typedef void (*ws_trial_fn)(const server_t *server,
                            const void *row,
                            ws_client_t *client);

/** All zero: empty. */
typedef struct ws_suite {
    const char *program; /* of the server */
    const char *const *settings;
    fixture_t *fixture; /* once a test has run */
    struct ws_trial *trials;
    size_t count, capacity;
} ws_suite_t;

/** Add a test: @p run with @p row, which is borrowed, and a client that is dropped at
 *  its end.  The name is printf-like. */
void ws_suite_add(ws_suite_t *suite,
                  ws_trial_fn run,
                  const void *row,
                  const char *format,
                  ...) REEF_PRINTF(4, 5);

/** Add every row of a table of cases. */
void ws_suite_add_cases(ws_suite_t *suite, const ws_case_t *rows, size_t count);

/** Run all tests; returns how many failed, a server that did not end well included.
 *  The suite is empty then. */
int ws_suite_run(ws_suite_t *suite, const char *name);

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif /* WS_CASE_H */
