/* One TCP connection at its limits and at its end.  The app is stepped by the test, so
 * what a client sent before a step is there in that step, however slow the machine is.
 * Every test runs with one loop on the world's thread and with two on threads. */
#include "test.h"
#include "ws_app.h"

#include <reef/authenticate.h>
#include <reef/metrics.h>
#include <reef/session.h>
#include <reef/tcp.h>

#include "app.h"
#include "transport/io.h"
#include "transport/tcp.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE = 2048,    /* max_queue */
    LARGE = 3000,    /* bytes, more than that */
    INBOX = 256,     /* messages of one client, as server.inbox_messages */
    HUGE = 16 << 20, /* bytes, more than sockets take */
    CROWD = 20000,   /* messages, in one read */
    TIMEOUT_MS = 1000,
};

typedef struct fixture {
    reef_app_t *app;
    int client; /* its socket; -1 = closed */
    reef_entity_t entity;
    bool echoes;
    bool refuses; /* those who ask, where they do */
    uint32_t received;
    uint32_t expected; /* see all_have_come() */
    uint32_t gone;
    reef_disconnect_t reason; /* of the last who left */
} fixture_t;

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;
    const user_disconnected_t *gone;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        f->received++;
        if (f->echoes) {
            reef_send(run, message->entity, message->payload);
        }
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        f->gone++;
        f->reason = gone->reason;
    }
}

static bool authenticate(reef_admission_t *admission, void *context)
{
    const fixture_t *f = context;
    const reef_peer_t *peer = reef_admission_peer(admission);

    assert_string_equal(peer->transport, "tcp");
    assert_true(reef_span_starts_with(peer->peer, reef_span_text("127.0.0.1:")));
    assert_true(reef_span_starts_with(peer->local, reef_span_text("127.0.0.1:")));
    return !f->refuses;
}

static uint16_t port_of(const reef_app_t *app)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    assert_int_equal(count, 1);
    return (uint16_t)strtoul(strrchr(listeners[0].address, ':') + 1, NULL, 10);
}

static bool has_client(void *context)
{
    return reef_session_count(context) == 1;
}

static bool has_two_clients(void *context)
{
    return reef_session_count(context) == 2;
}

static int setup_with(void **state, const char *threads, const char *budget, bool asks)
{
    const char *const argv[] = {"test",  "--set", "log.level=off", "--set",
                                threads, "--set", budget};
    fixture_t *f = calloc(1, sizeof(*f));
    reef_failure_t failure = {0};

    f->app = loopback_app_create(sizeof(argv) / sizeof(argv[0]), argv);
    f->echoes = true;
    if (reef_app_add_plugin(f->app, &reef_tcp_plugin,
                            &(tcp_config_t){
                                .listen = "127.0.0.1:0",
                                .framing = REEF_TCP_LINES,
                                .max_message = 16,
                                .max_sessions = 2,
                                .max_queue = QUEUE,
                                .idle_timeout_s = 3600,
                                .message_timeout_s = TIMEOUT_MS / 1000,
                                .write_timeout_s = TIMEOUT_MS / 1000,
                                .close_timeout_ms = 60000,
                            },
                            &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    reef_app_add_system(
        f->app, REEF_UPDATE,
        &(reef_system_desc_t){
            .name = "watch",
            .run = watch,
            .context = f,
            .reads = {&message_received_event, &user_disconnected_event},
            .emits = {&send_message_event},
        });
    if (asks) {
        reef_app_add_authenticator(
            f->app, &(reef_authenticator_desc_t){
                        .name = "test", .authenticate = authenticate, .context = f});
    }
    loopback_app_start(f->app);
    f->client = socket_connect(port_of(f->app));
    ws_app_step_until(f->app, has_client, f->app, "a client");
    f->entity = reef_session_next(f->app, 0);
    *state = f;
    return 0;
}

static int setup_world(void **state)
{
    return setup_with(state, "server.io_threads=0", "server.max_frame_messages=65536",
                      false);
}

static int setup_threads(void **state)
{
    return setup_with(state, "server.io_threads=2", "server.max_frame_messages=65536",
                      false);
}

static int setup_slow_world(void **state)
{
    return setup_with(state, "server.io_threads=0", "server.max_frame_messages=1",
                      false);
}

static int setup_slow_threads(void **state)
{
    return setup_with(state, "server.io_threads=2", "server.max_frame_messages=1",
                      false);
}

static int setup_asking_world(void **state)
{
    return setup_with(state, "server.io_threads=0", "server.max_frame_messages=65536",
                      true);
}

static int setup_asking_threads(void **state)
{
    return setup_with(state, "server.io_threads=2", "server.max_frame_messages=65536",
                      true);
}

static int setup_raw_world(void **state)
{
    return setup_with(state, "server.io_threads=0", "tcp.framing=raw", false);
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    if (f->client >= 0) {
        close(f->client);
    }
    reef_app_destroy(f->app);
    free(f);
    return 0;
}

/* The client ----------------------------------------------------------------------- */

static void say(const fixture_t *f, const char *text)
{
    assert_true(socket_send(f->client, text, strlen(text)));
}

static bool has_bytes(void *context)
{
    uint8_t byte;

    return recv(((const fixture_t *)context)->client, &byte, 1,
                MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static void expect(fixture_t *f, const char *text)
{
    char received[4096];
    size_t size = 0;
    size_t count;

    while (size < strlen(text)) {
        ws_app_step_until(f->app, has_bytes, f, "bytes for the client");
        count = socket_receive(f->client, received + size, strlen(text) - size);
        assert_true(count > 0);
        size += count;
    }
    received[size] = '\0';
    assert_string_equal(received, text);
}

static void expect_end(fixture_t *f)
{
    char byte;

    ws_app_step_until(f->app, has_bytes, f, "the end of the stream");
    assert_int_equal(socket_receive(f->client, &byte, 1), 0);
}

/* Close with a reset, which goes before what is still to be sent. */
static void break_off(fixture_t *f)
{
    static const struct linger at_once = {.l_onoff = 1};

    setsockopt(f->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(f->client);
    f->client = -1;
}

/* The server ----------------------------------------------------------------------- */

static bool has_gone(void *context)
{
    return ((const fixture_t *)context)->gone > 0;
}

static void expect_gone(fixture_t *f, reef_disconnect_t reason)
{
    ws_app_step_until(f->app, has_gone, f, "the disconnect");
    assert_int_equal(f->reason, reason);
    assert_int_equal(f->gone, 1);
}

static bool has_no_connection(void *context)
{
    return reef__sessions_connection_count(
               ((const fixture_t *)context)->app->sessions) == 0;
}

static double metric(const fixture_t *f, const char *name)
{
    return reef_metric_value(reef_metrics_ensure(
        reef_app_metrics(f->app), &(reef_metric_desc_t){.name = name, .help = "-"}));
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

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

/* Messages ------------------------------------------------------------------------- */

static void test_tcp_connection_gives_back_what_came(void **state)
{
    fixture_t *f = *state;

    say(f, "one\ntwo\r\nth");
    expect(f, "one\ntwo\n");
    say(f, "ree\n");
    expect(f, "three\n");
}

/* TCP has no empty message, but lines have an empty line. */
static void test_tcp_connection_empty_message_is_an_empty_line(void **state)
{
    fixture_t *f = *state;

    send_to(f, 0, '-');
    send_to(f, 1, 'a');
    expect(f, "\na\n");
}

static bool all_have_come(void *context)
{
    const fixture_t *f = context;

    return f->received == f->expected;
}

static void count_queued(reef__stream_t *stream, void *context)
{
    *(uint32_t *)context += stream->outbox.count;
}

/* Raw has nothing at all, which must not pile up. */
static void test_tcp_connection_empty_raw_message_is_nothing(void **state)
{
    fixture_t *f = *state;
    uint32_t queued = 0;

    for (int i = 0; i < 10; i++) {
        send_to(f, 0, '-');
        reef_app_step(f->app, 0);
    }
    reef__streams_visit(f->app->ios->items[0], &reef__tcp_stream_type, count_queued,
                        &queued);
    assert_int_equal(queued, 0);
    send_to(f, 3, 'a');
    expect(f, "aaa");
    say(f, "bbb");
    expect(f, "bbb");
    assert_int_equal(reef_session_queue_bytes(f->app, f->entity), 0);
}

/* Limits --------------------------------------------------------------------------- */

/* Whoever sends without a break is in the middle of a message whenever one looks. */
static void test_tcp_connection_messages_on_end_take_their_time_each(void **state)
{
    fixture_t *f = *state;
    uint64_t start = clock_ms();

    say(f, "ten ");
    while (clock_ms() - start < TIMEOUT_MS * 3 / 2) {
        say(f, "bytes.\nten ");
        expect(f, "ten bytes.\n");
    }
}

static void test_tcp_connection_message_that_takes_too_long_is_the_end(void **state)
{
    fixture_t *f = *state;
    uint64_t start = clock_ms();

    say(f, "whole\nslow");
    expect(f, "whole\n");
    expect_end(f);
    assert_true(clock_ms() - start >= TIMEOUT_MS);
    expect_gone(f, REEF_DISCONNECT_TIMEOUT);
    assert_int_equal(f->received, 1);
}

static void say_many(fixture_t *f, uint32_t count)
{
    f->expected += count;
    while (count-- > 0) {
        say(f, "x\n");
    }
}

/* Have the world take in what the client has said, and one message of it. */
static void take_in(fixture_t *f, uint64_t count)
{
    while (report_count(f) < count) {
        read_ahead(f);
    }
    reef_app_step(f->app, 0);
}

/* Nobody is late with what we do not read. */
static void test_tcp_connection_time_stands_still_while_the_world_is_busy(void **state)
{
    fixture_t *f = *state;
    uint64_t start;

    f->echoes = false;
    say_many(f, INBOX - 1);
    take_in(f, INBOX - 1);
    say_many(f, 1);
    say(f, "x\nand"); /* in one piece */
    f->expected++;
    take_in(f, 2); /* now the world has as many as it may have: it is not read on */
    start = clock_ms();
    while (clock_ms() - start < TIMEOUT_MS * 3 / 2) {
        read_ahead(f);
    }
    say(f, " on\n"); /* is there when it is read on, whenever that is */
    ws_app_step_until(f->app, all_have_come, f, "all of them");
    f->echoes = true;
    expect(f, "and on\n");
}

/* What a read becomes is limited by what the inbox holds, and not by how many messages
 * the peer has put into it. */
static void test_tcp_connection_crowds_of_messages_wait_as_they_came(void **state)
{
    fixture_t *f = *state;
    char *bytes = malloc(CROWD * 2 + 1);

    f->echoes = false;
    f->expected = CROWD;
    for (size_t i = 0; i < CROWD; i++) {
        memcpy(bytes + 2 * i, "x\n", 3);
    }
    say(f, bytes);
    free(bytes);
    while (report_count(f) < INBOX) {
        read_ahead(f);
    }
    for (int i = 0; i < 10; i++) {
        read_ahead(f);
    }
    assert_int_equal(report_count(f), INBOX);
    ws_app_step_until(f->app, all_have_come, f, "all of them");
    f->echoes = true;
    say(f, "on\n"); /* it is read on */
    expect(f, "on\n");
}

/* A reliable stream has no hole: what comes behind a lost message is lost, too. */
static void test_tcp_connection_nothing_follows_a_lost_message(void **state)
{
    fixture_t *f = *state;

    send_to(f, 10, 'a');
    send_to(f, LARGE, 'b');
    send_to(f, 10, 'c');
    expect(f, "aaaaaaaaaa\n");
    expect_end(f);
    expect_gone(f, REEF_DISCONNECT_SLOW);
}

static bool is_stalled(void *context)
{
    fixture_t *f = context;

    if (f->gone == 0 && reef_session_queue_bytes(f->app, f->entity) == 0) {
        send_to(f, QUEUE - 100, 'x');
        return false;
    }
    return true;
}

static void test_tcp_connection_who_takes_nothing_is_cut_off(void **state)
{
    fixture_t *f = *state;

    ws_app_step_until(f->app, is_stalled, f, "a full socket");
    expect_gone(f, REEF_DISCONNECT_SLOW);
}

static bool one_was_refused(void *context)
{
    return metric(context, "reef_tcp_refused_total") == 1;
}

static void test_tcp_connection_beyond_the_last_place_is_closed(void **state)
{
    fixture_t *f = *state;
    int second = socket_connect(port_of(f->app));
    int third;
    char byte;

    ws_app_step_until(f->app, has_two_clients, f->app, "the second client");
    third = socket_connect(port_of(f->app));
    ws_app_step_until(f->app, one_was_refused, f, "the refusal");
    assert_int_equal(socket_receive(third, &byte, 1), 0);
    close(third);
    close(second);
    say(f, "here\n");
    expect(f, "here\n");
}

/* TCP has no words for why: the stream ends, whatever the client has said already. */
static void test_tcp_connection_that_is_not_let_in_is_closed(void **state)
{
    fixture_t *f = *state;
    int second;
    char byte;

    f->refuses = true;
    second = socket_connect(port_of(f->app));
    assert_true(socket_send(second, "early\n", 6));
    ws_app_step_until(f->app, one_was_refused, f, "the refusal");
    assert_int_equal(socket_receive(second, &byte, 1), 0);
    close(second);
    say(f, "here\n");
    expect(f, "here\n");
    assert_int_equal(f->received, 1);
    assert_int_equal(f->gone, 0);
    assert_int_equal(reef_session_count(f->app), 1);
}

static void test_tcp_connection_is_heard_once_it_is_let_in(void **state)
{
    fixture_t *f = *state;
    int second = socket_connect(port_of(f->app));

    assert_true(socket_send(second, "early\n", 6));
    ws_app_step_until(f->app, has_two_clients, f->app, "the second client");
    close(f->client);
    f->client = second;
    expect(f, "early\n");
}

/* What is wrong -------------------------------------------------------------------- */

static void test_tcp_connection_error_ends_behind_the_answers(void **state)
{
    fixture_t *f = *state;

    say(f, "good\na line of more than max_message\nlost\n");
    expect(f, "good\n");
    expect_end(f);
    expect_gone(f, REEF_DISCONNECT_PROTOCOL);
    assert_int_equal(f->received, 1);
    assert_int_equal(metric(f, "reef_tcp_protocol_errors_total"), 1);
}

static void test_tcp_connection_message_cut_short_is_an_error(void **state)
{
    fixture_t *f = *state;

    say(f, "whole\ncu");
    assert_int_equal(shutdown(f->client, SHUT_WR), 0);
    expect(f, "whole\n");
    expect_end(f);
    expect_gone(f, REEF_DISCONNECT_PROTOCOL);
    assert_int_equal(f->received, 1);
    assert_int_equal(metric(f, "reef_tcp_protocol_errors_total"), 1);
}

/* The end -------------------------------------------------------------------------- */

/* The loops see all of it before the world sees any. */
static void say_and_end(fixture_t *f)
{
    say(f, "bye\n");
    assert_int_equal(shutdown(f->client, SHUT_WR), 0);
    while (report_count(f) < 2) { /* the message, and the end */
        read_ahead(f);
    }
}

/* Whoever has nothing more to say may still listen. */
static void test_tcp_connection_half_closed_peer_gets_its_answers(void **state)
{
    fixture_t *f = *state;

    say_and_end(f);
    expect(f, "bye\n");
    expect_end(f);
    expect_gone(f, REEF_DISCONNECT_PEER);
}

/* What is left to be sent takes longer than the world does. */
static void test_tcp_connection_half_closed_peer_may_take_its_time(void **state)
{
    static char text[HUGE];
    fixture_t *f = *state;
    reef_buffer_t *payload;
    size_t size = 0;
    size_t count;

    memset(text, 'x', sizeof(text));
    f->echoes = false;
    say_and_end(f);
    payload = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span(text, sizeof(text)));
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){.target = f->entity, .payload = payload});
    expect_gone(f, REEF_DISCONNECT_PEER); /* the world's part */
    while (size < HUGE + 1) {
        ws_app_step_until(f->app, has_bytes, f, "bytes for the client");
        count = socket_receive(f->client, text, sizeof(text));
        assert_true(count > 0);
        size += count;
    }
    expect_end(f);
    ws_app_step_until(f->app, has_no_connection, f, "the end of the connection");
}

static void
test_tcp_connection_that_ended_in_order_and_broke_ended_in_order(void **state)
{
    fixture_t *f = *state;

    say_and_end(f);
    break_off(f);
    expect_gone(f, REEF_DISCONNECT_PEER);
}

/* A reset comes while there is still something to be read, and nothing to be written.
 */
static void test_tcp_connection_that_breaks_behind_its_messages_is_gone(void **state)
{
    fixture_t *f = *state;

    f->echoes = false;
    say(f, "x\ny\n");
    break_off(f);
    expect_gone(f, REEF_DISCONNECT_LOST);
}

/* Within a frame: the queue, then FIN, whatever the client still says. */
static void test_tcp_connection_that_is_closed_gets_its_queue_and_the_end(void **state)
{
    fixture_t *f = *state;

    send_to(f, 3, 'a');
    reef_app_step(f->app, 0);
    send_to(f, 3, 'b');
    assert_true(reef_session_close(f->app, f->entity, 0, "enough"));
    reef_app_step(f->app, 0);
    assert_int_equal(reef_session_count(f->app), 0);
    say(f, "too late\n");
    expect(f, "aaa\nbbb\n");
    expect_end(f);
    expect_gone(f, REEF_DISCONNECT_KICKED);
    assert_int_equal(f->received, 0);
}

#define IN(name, mode, setup_mode)                                                     \
    {                                                                                  \
#name " (" mode ")", name, setup_mode, teardown, NULL                          \
    }
#define BOTH(name) IN(name, "world", setup_world), IN(name, "threads", setup_threads)
#define SLOW(name)                                                                     \
    IN(name, "world", setup_slow_world), IN(name, "threads", setup_slow_threads)
#define ASKING(name)                                                                   \
    IN(name, "world", setup_asking_world), IN(name, "threads", setup_asking_threads)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_tcp_connection_gives_back_what_came),
        BOTH(test_tcp_connection_empty_message_is_an_empty_line),
        IN(test_tcp_connection_empty_raw_message_is_nothing, "world", setup_raw_world),
        BOTH(test_tcp_connection_messages_on_end_take_their_time_each),
        BOTH(test_tcp_connection_message_that_takes_too_long_is_the_end),
        SLOW(test_tcp_connection_time_stands_still_while_the_world_is_busy),
        BOTH(test_tcp_connection_crowds_of_messages_wait_as_they_came),
        BOTH(test_tcp_connection_nothing_follows_a_lost_message),
        BOTH(test_tcp_connection_who_takes_nothing_is_cut_off),
        BOTH(test_tcp_connection_beyond_the_last_place_is_closed),
        ASKING(test_tcp_connection_that_is_not_let_in_is_closed),
        ASKING(test_tcp_connection_is_heard_once_it_is_let_in),
        BOTH(test_tcp_connection_error_ends_behind_the_answers),
        BOTH(test_tcp_connection_message_cut_short_is_an_error),
        BOTH(test_tcp_connection_half_closed_peer_gets_its_answers),
        BOTH(test_tcp_connection_half_closed_peer_may_take_its_time),
        BOTH(test_tcp_connection_that_ended_in_order_and_broke_ended_in_order),
        BOTH(test_tcp_connection_that_breaks_behind_its_messages_is_gone),
        BOTH(test_tcp_connection_that_is_closed_gets_its_queue_and_the_end),
    };

    return cmocka_run_group_tests_name("tcp_connection", tests, NULL, NULL);
}
