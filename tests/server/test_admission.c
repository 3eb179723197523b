/* WebSocket peers that ask to be let in: the answer, and what happens before it comes.
 * Every test runs with one loop on the world's thread and with two on threads. */
#include "test.h"
#include "ws_app.h"

#include <reef/authenticate.h>
#include <reef/session.h>

#include "app.h"
#include "authenticate.h"
#include "transport/io.h"
#include "transport/ws.h"

enum {
    TEXT = 512,
    EARLY = 400000, /* bytes, more than may wait */
    EARLY_MESSAGE = 1000
};

typedef struct fixture {
    reef_app_t *app;
    ws_client_t client;
    uint16_t status;  /* 0 = let in */
    char facts[TEXT]; /* what the authenticator saw */
    uint32_t asked, connected, disconnected, messages;
} fixture_t;

static void append(char *text, const char *name, reef_span_t value)
{
    size_t size = strlen(text);

    snprintf(text + size, TEXT - size, "%s=%.*s\n", name, (int)value.size,
             value.size > 0 ? (const char *)value.data : "");
}

static bool authenticate(reef_admission_t *admission, void *context)
{
    fixture_t *f = context;
    const reef_peer_t *peer = reef_admission_peer(admission);

    f->asked++;
    f->facts[0] = '\0';
    append(f->facts, "transport", reef_span_text(peer->transport));
    append(f->facts, "path", peer->path);
    append(f->facts, "query", peer->query);
    append(f->facts, "origin", reef_admission_header(admission, "Origin"));
    append(f->facts, "cookie", reef_admission_header(admission, "cookie"));
    append(f->facts, "other", reef_admission_header(admission, "x-other"));
    assert_true(reef_span_starts_with(peer->peer, reef_span_text("127.0.0.1:")));
    assert_true(reef_span_starts_with(peer->local, reef_span_text("127.0.0.1:")));
    return f->status == 0 ||
           reef_admission_refuse(admission, f->status, "for a reason");
}

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;

    while (REEF_NEXT(run, user_connected) != NULL) {
        f->connected++;
    }
    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        f->messages++;
        reef_send(run, message->entity, message->payload);
    }
    while (REEF_NEXT(run, user_disconnected) != NULL) {
        f->disconnected++;
    }
}

static int setup_with(void **state, const char *threads, const char *timeout)
{
    static const char *const headers[] = {"origin", "Cookie", "cookie", NULL};
    const char *const argv[] = {"test",  "--set", "log.level=off",
                                "--set", threads, "--set",
                                timeout, "--set", "websocket.permessage_deflate=true"};
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(sizeof(argv) / sizeof(argv[0]), argv);
    ws_app_listen(f->app);
    reef_app_add_authenticator(f->app, &(reef_authenticator_desc_t){
                                           .name = "test",
                                           .authenticate = authenticate,
                                           .context = f,
                                           .headers = headers,
                                       });
    reef_app_add_system(f->app, REEF_UPDATE,
                        &(reef_system_desc_t){
                            .name = "watch",
                            .run = watch,
                            .context = f,
                            .reads = {&user_connected_event, &message_received_event,
                                      &user_disconnected_event},
                            .emits = {&send_message_event},
                        });
    loopback_app_start(f->app);
    ws_client_connect(&f->client, ws_app_port(f->app));
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, "server.io_threads=0",
                      "websocket.handshake_timeout_ms=60000");
}

static int setup_threads(void **state)
{
    return setup_with(state, "server.io_threads=2",
                      "websocket.handshake_timeout_ms=60000");
}

static int setup_hasty(void **state)
{
    return setup_with(state, "server.io_threads=0",
                      "websocket.handshake_timeout_ms=100");
}

static int setup_hasty_threads(void **state)
{
    return setup_with(state, "server.io_threads=2",
                      "websocket.handshake_timeout_ms=100");
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    ws_client_drop(&f->client);
    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static void ask(fixture_t *f, const char *headers)
{
    char request[2048];

    snprintf(request, sizeof(request), WS_HANDSHAKE "%s\r\n", headers);
    ws_client_send_raw(&f->client, request, strlen(request));
}

static uint64_t report_count(const fixture_t *f)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < f->app->ios->count; i++) {
        const reef__spsc_t *reports = &f->app->ios->items[i]->reports;

        count += reef__spsc_published_count(reports) - reef__spsc_popped_count(reports);
    }
    return count;
}

/* Have the loops work, while the world takes nothing, until they have said this much.
 */
static void await_reports(fixture_t *f, uint64_t count)
{
    for (int left = SOCKET_DEADLINE_MS; report_count(f) < count; left--) {
        assert_true(left > 0);
        reef__loop_poll(f->app->loop, 1);
        reef__ios_pass(f->app->ios);
    }
}

static bool is_gone(void *context)
{
    return atomic_load(&((fixture_t *)context)->app->ios->open_count) ==
           ((fixture_t *)context)->app->ios->count; /* the listeners */
}

static bool has_come(void *context)
{
    return ((fixture_t *)context)->connected == 1;
}

static void test_admission_lets_in(void **state)
{
    fixture_t *f = *state;

    ask(f, "");
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 101);
    ws_client_say(&f->client, "hello");
    ws_app_expect_text(f->app, &f->client, "hello");
    assert_int_equal(f->asked, 1);
    assert_int_equal(f->connected, 1);
}

static void test_admission_shows_the_facts(void **state)
{
    fixture_t *f = *state;

    ask(f, "COOKIE: a=1\r\nX-Other: unseen\r\nOrigin: http://o\r\ncookie:\r\n"
           "Cookie: b=2\r\n");
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 101);
    assert_string_equal(f->facts, "transport=websocket\npath=/path\nquery=query=1\n"
                                  "origin=http://o\ncookie=a=1, , b=2\nother=\n");
}

static void test_admission_bounds_the_headers(void **state)
{
    fixture_t *f = *state;
    char headers[1024];
    size_t size = 0;

    for (int i = 0; i <= REEF__WS_MAX_HEADERS; i++) {
        size +=
            (size_t)snprintf(headers + size, sizeof(headers) - size, "Cookie: a\r\n");
    }
    ask(f, headers);
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 431);
    assert_int_equal(f->asked, 0);
}

static void expect_refusal(fixture_t *f, uint16_t status, const char *challenge)
{
    char head[2048], value[64] = "";

    f->status = status;
    ask(f, "");
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_head(&f->client, head, sizeof(head)), status);
    ws_client_head_value(head, "WWW-Authenticate", value, sizeof(value));
    assert_string_equal(value, challenge);
    while (ws_client_has_data(&f->client) == false) {
        reef_app_step(f->app, 0);
    }
    assert_memory_equal(f->client.data + f->client.start, "for a reason\n", 13);
}

static void test_admission_refuses_with_a_status(void **state)
{
    fixture_t *f = *state;

    expect_refusal(f, 403, "");
    ws_client_drop(&f->client);
    ws_app_step_until(f->app, is_gone, f, "end");
    assert_int_equal(f->connected, 0);
    assert_true(reef_world_entity_count(reef_app_world(f->app)) == 0);
}

static void test_admission_refuses_with_a_challenge(void **state)
{
    expect_refusal(*state, 401, "Bearer");
}

/* A peer that is refused may be in the middle of saying something. */
static void test_admission_a_refusal_comes_whole(void **state)
{
    fixture_t *f = *state;
    static char noise[EARLY];

    f->status = 503;
    ask(f, "");
    ws_client_send_raw(&f->client, noise, sizeof(noise));
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 503);
    ws_client_drop(&f->client);
    ws_app_step_until(f->app, is_gone, f, "end");
}

static void test_admission_keeps_what_was_agreed_on(void **state)
{
    fixture_t *f = *state;
    char head[2048], value[64];

    ask(f, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_head(&f->client, head, sizeof(head)), 101);
    assert_true(
        ws_client_head_value(head, "Sec-WebSocket-Extensions", value, sizeof(value)));
    f->client.takes_compressed = true;
    /* "Hello", RFC 7692 section 7.2.3.1 */
    ws_client_send(&f->client, WS_FIN | WS_RSV1 | WS_TEXT,
                   "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    ws_app_expect_text(f->app, &f->client, "Hello");
}

/* Messages that come with the request, and more than may wait, are heard afterwards. */
static void test_admission_early_messages_are_heard_in_order(void **state)
{
    enum {
        COUNT = EARLY / EARLY_MESSAGE
    };
    fixture_t *f = *state;
    static uint8_t frames[EARLY + COUNT * WS_MAX_HEAD];
    size_t size = 0;
    char text[EARLY_MESSAGE + 1];

    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "%0*d", EARLY_MESSAGE, i);
        size +=
            ws_client_write_frame(frames + size, WS_FIN | WS_TEXT, text, EARLY_MESSAGE);
    }
    ask(f, "");
    ws_client_send_raw(&f->client, frames, size);
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 101);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "%0*d", EARLY_MESSAGE, i);
        ws_app_expect_text(f->app, &f->client, text);
    }
}

static void look_at_held(reef__stream_t *stream, void *context)
{
    const reef__ws_connection_t *connection = (reef__ws_connection_t *)stream;

    *(size_t *)context = connection->held ? connection->held->size : 0;
}

static void test_admission_early_bytes_are_bounded(void **state)
{
    fixture_t *f = *state;
    static uint8_t noise[EARLY];
    size_t held = 0;

    ask(f, "");
    ws_client_send_raw(&f->client, noise, sizeof(noise));
    for (int i = 0; i < 100; i++) {
        reef__loop_poll(f->app->loop, 1);
        reef__ios_pass(f->app->ios);
    }
    reef__streams_visit(f->app->ios->items[0], &reef__ws_stream_type, look_at_held,
                        &held);
    assert_true(held >= REEF__WS_MAX_EARLY);
    assert_true(held <= REEF__WS_MAX_EARLY + REEF__IO_SLAB_SIZE);
}

static void expect_never_was(fixture_t *f)
{
    ws_app_step_until(f->app, is_gone, f, "end");
    assert_int_equal(f->asked, 1);
    assert_int_equal(f->connected, 0);
    assert_int_equal(f->disconnected, 0);
    assert_int_equal(reef_session_count(f->app), 0);
    assert_true(reef_world_entity_count(reef_app_world(f->app)) == 0);
}

static void test_admission_who_goes_before_the_answer_never_was(void **state)
{
    fixture_t *f = *state;

    ask(f, "");
    await_reports(f, 1);
    ws_client_drop(&f->client);
    await_reports(f, 2);
    expect_never_was(f);
}

static void test_admission_who_goes_before_a_refusal_never_was(void **state)
{
    fixture_t *f = *state;

    f->status = 403;
    ask(f, "");
    await_reports(f, 1);
    ws_client_drop(&f->client);
    await_reports(f, 2);
    expect_never_was(f);
}

/* The world does not answer in time. */
static void test_admission_takes_no_longer_than_the_handshake(void **state)
{
    fixture_t *f = *state;

    ask(f, "");
    while (report_count(f) == 0) {
        reef__loop_poll(f->app->loop, 1);
        reef__ios_pass(f->app->ios);
        if (ws_client_has_data(&f->client)) { /* this machine was too slow to ask */
            ws_client_drop(&f->client);
            ws_client_connect(&f->client, ws_app_port(f->app));
            ask(f, "");
        }
    }
    await_reports(f, 2);
    ws_client_expect_end(&f->client);
    expect_never_was(f);
}

/* Whoever would be asked may be gone. */
static void test_admission_nobody_is_asked_at_the_end(void **state)
{
    fixture_t *f = *state;

    reef__authenticators_stop(f->app->authenticators);
    ask(f, "");
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 503);
}

static void test_admission_app_may_end_before_the_answer(void **state)
{
    fixture_t *f = *state;

    ask(f, "");
    await_reports(f, 1); /* the rest is up to the sanitizers */
}

static void test_admission_app_may_end_after_the_answer(void **state)
{
    fixture_t *f = *state;

    ask(f, "");
    ws_app_step_until(f->app, has_come, f, "client");
}

#define BOTH_WITH(name, one, threads)                                                  \
    {#name, name, one, teardown, NULL},                                                \
    {                                                                                  \
#name " (threads)", name, threads, teardown, NULL                              \
    }
#define BOTH(name) BOTH_WITH(name, setup, setup_threads)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_admission_lets_in),
        BOTH(test_admission_shows_the_facts),
        BOTH(test_admission_bounds_the_headers),
        BOTH(test_admission_refuses_with_a_status),
        BOTH(test_admission_refuses_with_a_challenge),
        BOTH(test_admission_a_refusal_comes_whole),
        BOTH(test_admission_keeps_what_was_agreed_on),
        BOTH(test_admission_early_messages_are_heard_in_order),
        TEST(test_admission_early_bytes_are_bounded),
        BOTH(test_admission_who_goes_before_the_answer_never_was),
        BOTH(test_admission_who_goes_before_a_refusal_never_was),
        BOTH_WITH(test_admission_takes_no_longer_than_the_handshake, setup_hasty,
                  setup_hasty_threads),
        BOTH(test_admission_nobody_is_asked_at_the_end),
        BOTH(test_admission_app_may_end_before_the_answer),
        BOTH(test_admission_app_may_end_after_the_answer),
    };

    return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
