/* Pings that the world asks for, and that a byte is life: over real sockets, with one
 * loop on the world's thread and with two on threads.  The clock is the test's. */
#include "test.h"
#include "ws_app.h"

#include <reef/components.h>
#include <reef/session.h>

#include "app.h"
#include "transport/io.h"

#include <sys/socket.h>

#define MS UINT64_C(1000000)

typedef struct fixture {
    reef_app_t *app;
    ws_client_t client;
    reef_entity_t entity;
    reef_buffer_t *payload;
    uint64_t begin_ns;
} fixture_t;

static int setup_with(void **state, const char *threads)
{
    const char *const argv[] = {"test",
                                "--set",
                                "log.level=off",
                                "--set",
                                threads,
                                "--set",
                                "websocket.max_queue=65536"};
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(sizeof(argv) / sizeof(argv[0]), argv);
    ws_app_listen(f->app);
    loopback_app_start(f->app);
    f->entity = ws_app_open(f->app, &f->client);
    f->payload = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text("life?"));
    f->begin_ns = reef_app_now_ns(f->app);
    *state = f;
    return 0;
}

static int setup_world(void **state)
{
    return setup_with(state, "server.io_threads=0");
}

static int setup_threads(void **state)
{
    return setup_with(state, "server.io_threads=2");
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    ws_client_drop(&f->client);
    reef_buffer_unref(f->payload);
    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static void pass_ms(const fixture_t *f, uint64_t ms)
{
    loopback_set_time_ns(f->begin_ns + ms * MS);
    reef_app_step(f->app, 1);
}

static const session_t *component(const fixture_t *f)
{
    return REEF_FIND(reef_app_world(f->app), f->entity, session);
}

static bool is_carried_out(void *context)
{
    return reef__ios_backlog(((const fixture_t *)context)->app->ios) == 0;
}

/* Before the loop reads anything else, which would be a sign of life. */
static void ask(fixture_t *f)
{
    assert_true(reef_session_ping(f->app, f->entity, f->payload));
    ws_app_step_until(f->app, is_carried_out, f, "the order");
}

static void expect_ping(fixture_t *f)
{
    ws_app_await(f->app, &f->client);
    ws_client_expect(&f->client, WS_PING, "life?", 5);
}

static bool has_rtt(void *context)
{
    reef_app_step(((fixture_t *)context)->app, 1);
    return component(context)->rtt_us >= 0;
}

/* What came before is answered, so all of it was seen; and nothing else was sent. */
static void expect_silence(fixture_t *f)
{
    ws_client_send(&f->client, WS_FIN | WS_PING, "own", 3);
    ws_app_await(f->app, &f->client);
    ws_client_expect(&f->client, WS_PONG, "own", 3);
}

static void test_ws_ping_carries_its_payload_and_measures_the_round_trip(void **state)
{
    fixture_t *f = *state;

    ask(f);
    expect_ping(f);
    assert_int_equal(component(f)->rtt_us, -1);
    pass_ms(f, 30);
    ws_client_send(&f->client, WS_FIN | WS_PONG, "life?", 5);
    ws_app_step_until(f->app, has_rtt, f, "the round trip");
    assert_int_equal(component(f)->rtt_us, 30000);
}

static void test_ws_ping_is_under_way_once(void **state)
{
    fixture_t *f = *state;

    ask(f);
    expect_ping(f);
    pass_ms(f, 10);
    ask(f);
    ask(f);
    expect_silence(f);
}

static void test_ws_ping_is_sent_anew_when_something_else_has_come(void **state)
{
    fixture_t *f = *state;

    ask(f);
    expect_ping(f);
    pass_ms(f, 10);
    expect_silence(f);
    ask(f);
    expect_ping(f);
    pass_ms(f, 25);
    ws_client_send(&f->client, WS_FIN | WS_PONG, "life?", 5);
    ws_app_step_until(f->app, has_rtt, f, "the round trip");
    assert_int_equal(component(f)->rtt_us, 15000);
}

/* Unasked, and with another payload than was asked for. */
static void test_ws_pong_of_nothing_measures_nothing(void **state)
{
    fixture_t *f = *state;

    ws_client_send(&f->client, WS_FIN | WS_PONG, "", 0);
    expect_silence(f);
    ask(f);
    expect_ping(f);
    ws_client_send(&f->client, WS_FIN | WS_PONG, "", 0);
    expect_silence(f);
    reef_app_step(f->app, 1);
    assert_int_equal(component(f)->rtt_us, -1);
}

typedef struct hearing {
    const fixture_t *fixture;
    uint64_t at_ns;
} hearing_t;

static bool was_heard(void *context)
{
    const hearing_t *hearing = context;

    return reef_session_heard_ns(hearing->fixture->app, hearing->fixture->entity) ==
           hearing->at_ns;
}

/* No message comes of it, nor a report. */
static void test_ws_byte_of_a_frame_is_a_sign_of_life(void **state)
{
    fixture_t *f = *state;
    uint8_t frame[32];
    size_t size = ws_client_write_frame(frame, WS_FIN | WS_TEXT, "slow", 4);

    for (size_t i = 0; i < size; i++) {
        hearing_t hearing = {f, f->begin_ns + (i + 1) * 1000 * MS};

        pass_ms(f, (i + 1) * 1000);
        assert_false(was_heard(&hearing));
        ws_client_send_raw(&f->client, frame + i, 1);
        ws_app_step_until(f->app, was_heard, &hearing, "a byte");
    }
}

static void test_ws_ping_of_one_that_closes_is_not_sent(void **state)
{
    fixture_t *f = *state;

    assert_true(reef_session_ping(f->app, f->entity, f->payload));
    reef_session_close(f->app, f->entity, 4001, "bye");
    assert_false(reef_session_ping(f->app, f->entity, f->payload));
    reef_app_step(f->app, 0);
    expect_ping(f);
    ws_app_await(f->app, &f->client);
    ws_client_expect_close(&f->client, 4001, "bye");
}

/* To a client that does not read: more than the system takes. */
static void send_large(fixture_t *f, reef_message_class_t message_class, size_t size)
{
    char *text = malloc(size);

    assert_non_null(text);
    memset(text, 'x', size);
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){.target = f->entity,
                                      .payload = reef_buffer_create(
                                          REEF_PAYLOAD_TEXT, reef_span(text, size)),
                                      .message_class = message_class});
    free(text);
    reef_app_step(f->app, 0);
    ws_app_step_until(f->app, is_carried_out, f, "the message");
}

/* The app is stepped meanwhile, so that a frame may be longer than what lies in the
 * system.  @p data NULL = thrown away. */
static void read_bytes(fixture_t *f, uint8_t *data, size_t size)
{
    static uint8_t waste[1 << 16];

    while (size > 0) {
        uint8_t *to = data != NULL ? data : waste;
        ssize_t got = recv(f->client.descriptor, to,
                           data != NULL || size < sizeof(waste) ? size : sizeof(waste),
                           MSG_DONTWAIT);

        if (got > 0) {
            size -= (size_t)got;
            data += data != NULL ? got : 0;
        } else {
            ws_app_await(f->app, &f->client);
            assert_true(got < 0);
        }
    }
}

/* Returns the opcode of the next frame. */
static uint8_t skip_frame(fixture_t *f, uint64_t *size)
{
    uint8_t head[2], more[8];
    size_t count;

    read_bytes(f, head, 2);
    *size = head[1];
    count = *size == 126 ? 2 : *size == 127 ? 8 : 0;
    read_bytes(f, more, count);
    *size = count > 0 ? 0 : *size;
    for (size_t i = 0; i < count; i++) {
        *size = *size << 8 | more[i];
    }
    read_bytes(f, NULL, *size);
    return head[0] & 0xf;
}

/* Read all that waits, up to a text that is sent behind it.  Returns the pings in it.
 */
static uint32_t count_pings(fixture_t *f)
{
    uint32_t pings = 0;
    uint8_t opcode;
    uint64_t size;

    do {
        opcode = skip_frame(f, &size);
        pings += opcode == WS_PING;
    } while (opcode != WS_TEXT || size != 3);
    return pings;
}

static uint64_t queue_bytes(const fixture_t *f)
{
    return reef_session_queue_bytes(f->app, f->entity);
}

static bool is_full(void *context)
{
    return queue_bytes(context) > 65536;
}

/* What may be dropped takes its place else, and its peer would be given up unasked. */
static void test_ws_ping_is_not_dropped_for_other_messages(void **state)
{
    fixture_t *f = *state;

    while (queue_bytes(f) < 50000) {
        send_large(f, REEF_DROPPABLE, 10000);
    }
    ask(f);
    for (int i = 0; i < 20; i++) {
        send_large(f, REEF_DROPPABLE, 10000);
    }
    send_large(f, REEF_RELIABLE, 3);
    assert_int_equal(count_pings(f), 1);
}

/* A single message may be larger than the queue. */
static void test_ws_ping_waits_in_a_queue_that_is_full(void **state)
{
    fixture_t *f = *state;
    uint64_t size;

    send_large(f, REEF_RELIABLE, 32 << 20);
    ws_app_step_until(f->app, is_full, f, "the queue");
    for (int i = 1; i <= 5; i++) { /* with signs of life, so that it is asked anew */
        pass_ms(f, (uint64_t)i * 1000);
        ask(f);
        pass_ms(f, (uint64_t)i * 1000 + 500);
        ws_client_send(&f->client, WS_FIN | WS_PONG, "", 0);
        ws_app_step_until(
            f->app, was_heard,
            &(hearing_t){f, f->begin_ns + (uint64_t)i * 1000 * MS + 500 * MS},
            "a byte");
    }
    assert_int_equal(skip_frame(f, &size), WS_TEXT);
    send_large(f, REEF_RELIABLE, 3);
    assert_int_equal(count_pings(f), 1);
}

#define BOTH(name)                                                                     \
    {#name " (world)", name, setup_world, teardown, NULL},                             \
    {                                                                                  \
#name " (threads)", name, setup_threads, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_ws_ping_carries_its_payload_and_measures_the_round_trip),
        BOTH(test_ws_ping_is_under_way_once),
        BOTH(test_ws_ping_is_sent_anew_when_something_else_has_come),
        BOTH(test_ws_pong_of_nothing_measures_nothing),
        BOTH(test_ws_byte_of_a_frame_is_a_sign_of_life),
        BOTH(test_ws_ping_of_one_that_closes_is_not_sent),
        BOTH(test_ws_ping_is_not_dropped_for_other_messages),
        BOTH(test_ws_ping_waits_in_a_queue_that_is_full),
    };

    return cmocka_run_group_tests_name("ws_ping", tests, NULL, NULL);
}
