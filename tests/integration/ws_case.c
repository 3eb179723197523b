/*
 * The bytes of a case are built whole, with the ends of its frames marked, and then cut
 * as the style wants.  The server may answer and close while they are still being sent.
 *
 * The server of a suite is started by the first test, in which a failure to start is a
 * failure, and stopped behind the last one.
 */
#include "ws_case.h"

enum {
    MASK_SIZE = 4,
    SHORT_CASE = 2048, /* bytes that go one by one */
    LONG_PIECE = 997,
    TRIAL_NAME = 160,
    TRIAL_WATCHDOG_S = 120,
};

static const char *const style_labels[] = {
    "(at once) ",
    "(frame by frame) ",
    "(byte by byte) ",
};

/* Cases ------------------------------------------------------------------------ */

typedef struct script {
    uint8_t *data;
    size_t size;
    size_t ends[WS_CASE_MAX_SENT]; /* of each step */
    size_t count;
} script_t;

static size_t write_step(uint8_t *out, const ws_step_t *step)
{
    /* The header promises this much more than comes. */
    static const size_t missing = 20;
    uint8_t payload[128];
    uint8_t *whole;
    size_t size;

    switch (step->form) {
    case WS_FORM_BYTES:
        memcpy(out, step->data, step->size);
        return step->size;
    case WS_FORM_CLOSE:
        assert_true(step->size + 2 <= sizeof(payload));
        payload[0] = (uint8_t)(step->code >> 8);
        payload[1] = (uint8_t)step->code;
        memcpy(payload + 2, step->data, step->size);
        return ws_client_write_frame(out, step->first, payload, step->size + 2);
    case WS_FORM_CUT:
        whole = calloc(1, step->size + missing);
        assert_non_null(whole);
        memcpy(whole, step->data, step->size);
        size = ws_client_write_frame(out, step->first, whole, step->size + missing);
        free(whole);
        return size - missing;
    case WS_FORM_FRAME:
        break;
    }
    return ws_client_write_frame(out, step->first, step->data, step->size);
}

static void write_script(script_t *script, const ws_step_t *steps)
{
    size_t capacity = 0;

    for (const ws_step_t *step = steps; step->data != NULL; step++) {
        capacity += step->size + WS_MAX_HEAD + 32;
    }
    *script = (script_t){.data = malloc(capacity + 1)};
    assert_non_null(script->data);
    for (const ws_step_t *step = steps; step->data != NULL; step++) {
        assert_true(script->count < WS_CASE_MAX_SENT);
        script->size += write_step(script->data + script->size, step);
        script->ends[script->count++] = script->size;
    }
}

void ws_case_send(ws_client_t *client, const ws_step_t *steps, ws_style_t style)
{
    script_t script;
    size_t at = 0;
    size_t frame = 0;

    write_script(&script, steps);
    while (at < script.size) {
        size_t size = script.size - at;
        size_t piece = script.size <= SHORT_CASE ? 1 : LONG_PIECE;

        if (style == WS_BY_FRAME) {
            size = script.ends[frame++] - at;
        } else if (style == WS_BY_BYTE && size > piece) {
            size = piece;
        }
        (void)socket_send(client->descriptor, script.data + at, size);
        at += size;
    }
    free(script.data);
}

static void check_close(const ws_client_t *client,
                        const ws_step_t *expected,
                        const ws_frame_t *frame)
{
    int code = frame->size >= 2 ? frame->data[0] << 8 | frame->data[1] : -1;

    if (code != expected->code) {
        fail_msg("%sclosed with %d instead of %d: %.*s", client->label, code,
                 expected->code, frame->size > 2 ? (int)frame->size - 2 : 0,
                 (const char *)frame->data + 2);
    }
}

void ws_case_check(const ws_client_t *client,
                   const ws_step_t *expected,
                   const ws_frame_t *frame)
{
    if (frame->opcode != (expected->first & 0x0f) || !frame->final) {
        fail_msg("%sopcode %d instead of %d, %zu bytes: %.*s", client->label,
                 frame->opcode, expected->first & 0x0f, frame->size,
                 (int)(frame->size < 60 ? frame->size : 60), (const char *)frame->data);
    }
    if (expected->form == WS_FORM_CLOSE) {
        check_close(client, expected, frame);
    } else if (frame->size != expected->size ||
               memcmp(frame->data, expected->data, frame->size) != 0) {
        fail_msg("%s%zu bytes '%.*s' instead of %zu bytes '%.60s'", client->label,
                 frame->size, (int)(frame->size < 60 ? frame->size : 60),
                 (const char *)frame->data, expected->size,
                 (const char *)expected->data);
    }
}

void ws_case_end(ws_client_t *client, bool has_closed)
{
    if (!has_closed) {
        ws_client_expect_silence(client);
        ws_client_send(client, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
        ws_client_expect_close(client, 1000, NULL);
    }
    ws_client_expect_end(client);
    ws_client_drop(client);
}

void ws_case_run(const server_t *server, const ws_case_t *row, ws_client_t *client)
{
    for (int style = 0; style < WS_STYLE_COUNT; style++) {
        bool has_closed = false;

        ws_client_open(client, server->port);
        client->label = style_labels[style];
        ws_case_send(client, row->sent, (ws_style_t)style);
        for (const ws_step_t *step = row->expected; step->data != NULL; step++) {
            ws_frame_t frame;

            ws_client_receive(client, &frame);
            ws_case_check(client, step, &frame);
            has_closed = frame.opcode == WS_CLOSE;
        }
        ws_case_end(client, has_closed);
    }
}

/* Suites ----------------------------------------------------------------------- */

typedef struct ws_trial {
    ws_suite_t *suite;
    ws_trial_fn run;
    const void *row;
    ws_client_t client;
    char name[TRIAL_NAME];
} ws_trial_t;

void ws_suite_add(
    ws_suite_t *suite, ws_trial_fn run, const void *row, const char *format, ...)
{
    ws_trial_t *trial;
    va_list arguments;

    if (suite->count == suite->capacity) {
        suite->capacity = 2 * suite->capacity + 64;
        suite->trials =
            realloc(suite->trials, suite->capacity * sizeof(*suite->trials));
        assert_non_null(suite->trials);
    }
    trial = &suite->trials[suite->count++];
    *trial = (ws_trial_t){.suite = suite, .run = run, .row = row};
    va_start(arguments, format);
    vsnprintf(trial->name, sizeof(trial->name), format, arguments);
    va_end(arguments);
}

static void run_case(const server_t *server, const void *row, ws_client_t *client)
{
    ws_case_run(server, row, client);
}

void ws_suite_add_cases(ws_suite_t *suite, const ws_case_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ws_suite_add(suite, run_case, &rows[i], "RFC 6455 %s", rows[i].title);
    }
}

static void run_trial(void **state)
{
    ws_trial_t *trial = *state;
    ws_suite_t *suite = trial->suite;

    if (suite->fixture == NULL) {
        void *fixture;

        assert_int_equal(setup(&fixture), 0);
        suite->fixture = fixture;
        server_start(&suite->fixture->server, suite->program, suite->settings);
    }
    process_watchdog(TRIAL_WATCHDOG_S);
    trial->run(&suite->fixture->server, trial->row, &trial->client);
}

static int end_trial(void **state)
{
    ws_trial_t *trial = *state;

    ws_client_drop(&trial->client);
    return 0;
}

int ws_suite_run(ws_suite_t *suite, const char *name)
{
    struct CMUnitTest *tests = calloc(suite->count, sizeof(*tests));
    int failures;

    assert_non_null(tests);
    for (size_t i = 0; i < suite->count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = suite->trials[i].name,
            .test_func = run_trial,
            .teardown_func = end_trial,
            .initial_state = &suite->trials[i],
        };
    }
    failures = _cmocka_run_group_tests(name, tests, suite->count, NULL, NULL);
    if (suite->fixture != NULL) {
        void *fixture = suite->fixture;

        failures += teardown(&fixture) != 0;
    }
    free(tests);
    free(suite->trials);
    *suite = (ws_suite_t){0};
    return failures;
}
