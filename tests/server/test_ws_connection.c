/* One WebSocket connection at its limits and at its end.  The app is stepped by the
 * test, so what a client sent before a step is there in that step, however slow the
 * machine is.  Every test runs with one loop on the world's thread and with two on
 * threads. */
#include "test.h"
#include "ws_app.h"

#include <reef/session.h>

#include "app.h"
#include "transport/io.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <zlib.h>

enum {
    MAX_ARGS = 16,
    LARGE = 3000, /* bytes, more than max_queue is */
    MANY = 600,   /* messages, more than an inbox holds */
    BOMBS = 50,
    BOMB = 1000000, /* bytes, and one more each */
};

struct fixture;

typedef struct hold {
    struct fixture *fixture;
    const reef__io_t *io;
} hold_t;

typedef struct fixture {
    reef_app_t *app;
    ws_client_t client;
    reef_entity_t entity;
    bool echoes;
    uint32_t received;        /* messages */
    uint32_t bombs;           /* that came, in order */
    reef_disconnect_t reason; /* of the last who left */
    hold_t holding[2];        /* one per loop */
    atomic_bool holds;    /* the next loop with a peer that waits for the world … */
    sem_t held, released; /* … stands still at the end of its pass */
} fixture_t;

static void hold(void *context)
{
    const hold_t *held = context;

    if (held->io->waiting.count > 0 && atomic_exchange(&held->fixture->holds, false)) {
        sem_post(&held->fixture->held);
        sem_wait(&held->fixture->released);
    }
}

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;
    const user_disconnected_t *gone;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        f->received++;
        f->bombs +=
            reef_buffer_payload(message->payload).size == (size_t)BOMB + f->bombs;
        if (f->echoes) {
            reef_send(run, message->entity, message->payload);
        }
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        f->reason = gone->reason;
    }
}

static int setup_with(void **state, const char *threads)
{
    const char *const argv[] = {"test",
                                "--set",
                                "log.level=off",
                                "--set",
                                threads,
                                "--set",
                                "websocket.message_timeout_s=1",
                                "--set",
                                "websocket.close_timeout_ms=60000",
                                "--set",
                                "websocket.max_queue=2048",
                                "--set",
                                "websocket.permessage_deflate=true"};
    fixture_t *f = calloc(1, sizeof(*f));

    sem_init(&f->held, 0, 0);
    sem_init(&f->released, 0, 0);
    f->app = loopback_app_create(sizeof(argv) / sizeof(argv[0]), argv);
    for (uint32_t i = 0; i < f->app->ios->count; i++) {
        f->holding[i] = (hold_t){.fixture = f, .io = f->app->ios->items[i]};
        reef__io_add_flush(f->app->ios->items[i], hold, &f->holding[i]);
    }
    f->echoes = true;
    ws_app_listen(f->app);
    reef_app_add_system(
        f->app, REEF_UPDATE,
        &(reef_system_desc_t){
            .name = "watch",
            .run = watch,
            .context = f,
            .reads = {&message_received_event, &user_disconnected_event},
            .emits = {&send_message_event},
        });
    loopback_app_start(f->app);
    f->entity = ws_app_open(f->app, &f->client);
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
    reef_app_destroy(f->app);
    sem_destroy(&f->held);
    sem_destroy(&f->released);
    free(f);
    return 0;
}

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

/* Have the loops read, while the world takes nothing. */
static void read_ahead(fixture_t *f)
{
    reef__loop_poll(f->app->loop, 1);
    reef__ios_pass(f->app->ios);
}

static void send_to(fixture_t *f, size_t size, char letter)
{
    reef_buffer_t *payload;
    char text[LARGE];

    memset(text, letter, size);
    payload = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(text, size));
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){.target = f->entity, .payload = payload});
}

/* Whoever sends without a break is in the middle of a message whenever one looks. */
static void test_ws_connection_messages_on_end_take_their_time_each(void **state)
{
    fixture_t *f = *state;
    uint8_t frames[128];
    size_t size = ws_client_write_frame(frames, WS_FIN | WS_TEXT, "ten bytes.", 10);
    uint64_t start = clock_ms();

    memcpy(frames + size, frames, size);
    ws_client_send_raw(&f->client, frames, size / 2);
    while (clock_ms() - start < 1500) { /* message_timeout_s = 1 */
        ws_client_send_raw(&f->client, frames + size / 2, size);
        ws_app_expect_text(f->app, &f->client, "ten bytes.");
    }
}

/* Nobody is late with what we do not read. */
static void test_ws_connection_time_stands_still_while_the_world_is_busy(void **state)
{
    enum {
        MESSAGES = 300 /* more than an inbox holds */
    };
    fixture_t *f = *state;
    uint8_t frames[MESSAGES * 16];
    size_t size = 0;
    uint64_t start = clock_ms();

    f->echoes = false;
    for (int i = 0; i < MESSAGES; i++) {
        size += ws_client_write_frame(frames + size, WS_FIN | WS_TEXT, "x", 1);
    }
    ws_client_send_raw(&f->client, frames, size - 1);
    while (clock_ms() - start < 1500) { /* message_timeout_s = 1 */
        read_ahead(f);
    }
    ws_client_send_raw(&f->client, frames + size - 1, 1);
    ws_client_send(&f->client, WS_FIN | WS_PING, "x", 1);
    ws_app_await(f->app, &f->client);
    ws_client_expect(&f->client, WS_PONG, "x", 1);
}

/* A reliable stream has no hole: what comes behind a lost message is lost, too. */
static void test_ws_connection_nothing_follows_a_lost_message(void **state)
{
    fixture_t *f = *state;

    send_to(f, 10, 'a');
    send_to(f, LARGE, 'b');
    send_to(f, 10, 'c');
    ws_app_expect_text(f->app, &f->client, "aaaaaaaaaa");
    ws_app_await(f->app, &f->client);
    ws_client_expect_close(&f->client, 1008, "too slow to read");
}

/* The loops see all of it before the world sees any. */
static void say_and_end(fixture_t *f)
{
    uint8_t bytes[64];
    size_t size = ws_client_write_frame(bytes, WS_FIN | WS_TEXT, "bye", 3);

    size += ws_client_write_frame(bytes + size, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
    ws_client_send_raw(&f->client, bytes, size);
    assert_int_equal(shutdown(f->client.descriptor, SHUT_WR), 0);
    while (report_count(f) < 2) { /* the message, and the good-bye */
        read_ahead(f);
    }
    read_ahead(f); /* and the end of the stream, which is not reported */
}

/* Whoever has nothing more to say may still listen. */
static void test_ws_connection_half_closed_peer_gets_its_answers(void **state)
{
    fixture_t *f = *state;

    say_and_end(f);
    ws_app_expect_text(f->app, &f->client, "bye");
    ws_app_await(f->app, &f->client);
    ws_client_expect_close(&f->client, 1000, NULL);
    ws_app_await(f->app, &f->client);
    ws_client_expect_end(&f->client);
    assert_int_equal(f->reason, REEF_DISCONNECT_PEER);
}

static bool has_gone(void *context)
{
    return reef_session_count(context) == 0;
}

static void
test_ws_connection_that_ended_in_order_and_broke_ended_in_order(void **state)
{
    static const struct linger at_once = {.l_onoff = 1};
    fixture_t *f = *state;

    say_and_end(f);
    setsockopt(f->client.descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ws_client_drop(&f->client);
    ws_app_step_until(f->app, has_gone, f->app, "the end");
    reef_app_step(f->app, 0);
    assert_int_equal(f->reason, REEF_DISCONNECT_PEER);
}

/* BOMBS frames of about a KiB each, whose messages are a MB each. */
static void send_bombs(ws_client_t *client)
{
    static uint8_t zeros[BOMB + BOMBS];
    static uint8_t packed[4096];
    static uint8_t frames[65536];
    size_t size = 0;

    for (size_t i = 0; i < BOMBS; i++) {
        z_stream stream = {.next_in = zeros,
                           .avail_in = (uInt)(BOMB + i),
                           .next_out = packed,
                           .avail_out = sizeof(packed)};

        assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, 0), Z_OK);
        assert_int_equal(deflate(&stream, Z_SYNC_FLUSH), Z_OK);
        deflateEnd(&stream);
        assert_true(size + stream.total_out + WS_MAX_HEAD < sizeof(frames));
        size += ws_client_write_frame(frames + size, WS_FIN | WS_RSV1 | WS_BINARY,
                                      packed, stream.total_out - 4);
    }
    ws_client_send_raw(client, frames, size);
}

static bool all_bombs_came(void *context)
{
    return ((const fixture_t *)context)->bombs == BOMBS;
}

/* What a read becomes is limited by what the inbox holds, a MiB, and not by what the
 * peer has put into it. */
static void test_ws_connection_bombs_wait_as_they_came(void **state)
{
    static const char offer[] =
        WS_HANDSHAKE "Sec-WebSocket-Extensions: permessage-deflate; "
                     "client_no_context_takeover\r\n\r\n";
    fixture_t *f = *state;
    ws_client_t client = {0};

    f->echoes = false;
    ws_client_connect(&client, ws_app_port(f->app));
    ws_client_send_raw(&client, offer, sizeof(offer) - 1);
    ws_app_await(f->app, &client);
    assert_int_equal(ws_client_receive_status(&client), 101);
    reef_app_step(f->app, 0);
    send_bombs(&client);
    while (report_count(f) < 2) {
        read_ahead(f);
    }
    assert_in_range(report_count(f), 2, 3);
    ws_app_step_until(f->app, all_bombs_came, f, "all of them");
    ws_client_send(&client, WS_FIN | WS_PING, "x", 1);
    ws_app_await(f->app, &client);
    ws_client_expect(&client, WS_PONG, "x", 1); /* it is read on */
    ws_client_drop(&client);
}

static bool all_came(void *context)
{
    return ((const fixture_t *)context)->received == MANY + 1;
}

/* The world reads all between the loop's look at it and the loop's sleep. */
static void test_ws_connection_is_read_on_when_the_world_was_quick(void **state)
{
    fixture_t *f = *state;
    uint8_t frames[MANY * (WS_MAX_HEAD + 1)];
    size_t size = 0;

    f->echoes = false;
    reef_app_step(f->app, 0); /* nothing is left to be ordered */
    atomic_store(&f->holds, true);
    for (size_t i = 0; i < MANY; i++) {
        size += ws_client_write_frame(frames + size, WS_FIN | WS_TEXT, "x", 1);
    }
    ws_client_send_raw(&f->client, frames, size);
    sem_wait(&f->held);
    reef_app_step(f->app, 0);
    assert_int_equal(report_count(f), 0);
    sem_post(&f->released);
    ws_client_say(&f->client, "another");
    ws_app_step_until(f->app, all_came, f, "all messages");
}

#define BOTH(name)                                                                     \
    {#name " (world)", name, setup_world, teardown, NULL},                             \
    {                                                                                  \
#name " (threads)", name, setup_threads, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_ws_connection_messages_on_end_take_their_time_each),
        BOTH(test_ws_connection_time_stands_still_while_the_world_is_busy),
        BOTH(test_ws_connection_nothing_follows_a_lost_message),
        BOTH(test_ws_connection_half_closed_peer_gets_its_answers),
        BOTH(test_ws_connection_that_ended_in_order_and_broke_ended_in_order),
        BOTH(test_ws_connection_bombs_wait_as_they_came),
        cmocka_unit_test_setup_teardown(
            test_ws_connection_is_read_on_when_the_world_was_quick, setup_threads,
            teardown),
    };

    return cmocka_run_group_tests_name("ws_connection", tests, NULL, NULL);
}
