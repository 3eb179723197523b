/*
 * TCP peers that break the framing, are slow, greedy or deaf, many at a time.  Others
 * are served meanwhile, the server's memory stays bounded, all is counted, the log is
 * not flooded, and nothing of them is left behind.
 */
#include "socket.h"
#include "tcp_fixture.h"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MI ((size_t)1024 * 1024)

enum {
    CROWD = 200,
    BLOCKED_MS = 100,
};

static uint16_t start(server_t *server, const char *setting)
{
    SERVER_START(server, ECHO_EXAMPLE, "tcp.listen=127.0.0.1:0", setting);
    return tcp_fixture_port(server, "tcp", "127.0.0.1");
}

static void expect_service(int client)
{
    static const char frame[] = "\x0bstill here?";

    assert_true(socket_send(client, frame, sizeof(frame) - 1));
    tcp_fixture_expect(client, frame, sizeof(frame) - 1);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static size_t count_lines(const server_t *server, const char *text)
{
    size_t count = 0;

    for (const char *at = server->process.errors.text; (at = strstr(at, text)) != NULL;
         at += strlen(text)) {
        count++;
    }
    return count;
}

/* A good message, then @p bytes, which are wrong or are cut short by the end. */
static void expect_refusal(uint16_t port, const void *bytes, size_t size)
{
    int client = socket_connect(port);

    assert_true(socket_send(client, "\x04good", 5));
    assert_true(socket_send(client, bytes, size));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    tcp_fixture_expect(client, "\x04good", 5);
    tcp_fixture_expect_end(client);
    close(client);
}

/* Each gets the answer to what was good, and the end; the wrong message is not seen. */
static void refuse_all(void **state, const void *bytes, size_t size, const char *line)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    uint16_t port = start(server, "tcp.max_message=1000");
    server_base_line_t before = server_base_line(server);
    int other = socket_connect(port);
    uint64_t begin_ms = now_ms();

    for (int i = 0; i < CROWD; i++) {
        expect_refusal(port, bytes, size);
        expect_service(other);
    }
    close(other);
    server_await_base_line(server, before);
    assert_true(admin_metric(server, "reef_tcp_protocol_errors_total") == CROWD);
    assert_true(admin_metric(server, "reef_messages_received_total") == 2 * CROWD);
    server_stop(server);
    assert_in_range(count_lines(server, line), 1, 1 + (now_ms() - begin_ms) / 1000);
    assert_int_equal(count_lines(server, "protocol error"), count_lines(server, line));
}

static void test_tcp_bad_input_length_0(void **state)
{
    refuse_all(state, "\x00\x01x", 3, "reason=\"length 0\"");
}

static void test_tcp_bad_input_length_over_the_limit(void **state)
{
    refuse_all(state, "\xe9\x07xyz", 5, "reason=\"message too long\"");
}

static void test_tcp_bad_input_length_of_six_bytes(void **state)
{
    refuse_all(state, "\x81\x80\x80\x80\x80\x00x", 7,
               "reason=\"length of more than 5 bytes\"");
}

static void test_tcp_bad_input_body_cut_short(void **state)
{
    refuse_all(state, "\x05wxyz", 5, "reason=\"message cut short\"");
}

static void test_tcp_bad_input_length_cut_short(void **state)
{
    refuse_all(state, "\x85", 1, "reason=\"message cut short\"");
}

/* Slow ----------------------------------------------------------------------------- */

/* A length promises 2 MiB; memory is taken for what comes, not for what is promised,
 * and the time for it ends. */
static void test_tcp_bad_input_dripping_messages_are_cut_off(void **state)
{
    static const char head[] = "\x80\x80\x80\x01";
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    uint16_t port = start(server, "tcp.message_timeout_s=1");
    server_base_line_t before = server_base_line(server);
    size_t memory = process_memory_bytes(&server->process);
    int other = socket_connect(port);
    int crowd[CROWD];

    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = socket_connect(port);
    }
    for (size_t at = 0; at < 20; at++) {
        for (size_t i = 0; i < CROWD; i++) {
            (void)socket_send(crowd[i], at < 4 ? head + at : "x", 1);
        }
        expect_service(other);
    }
    server_expect_memory(server, memory, 4 * MI);
    for (size_t i = 0; i < CROWD; i++) {
        tcp_fixture_expect_end(crowd[i]);
        close(crowd[i]);
    }
    expect_service(other);
    close(other);
    server_await_base_line(server, before);
}

static void
test_tcp_bad_input_silent_client_is_closed_where_that_is_wanted(void **state)
{
    fixture_t *fixture = *state;
    int client = socket_connect(start(&fixture->server, "tcp.idle_timeout_s=1"));

    expect_service(client);
    tcp_fixture_expect_end(client);
    close(client);
}

/* Deaf and greedy ------------------------------------------------------------------ */

/* Send the same message again and again until nothing more is taken. */
static void flood(int client, const uint8_t *frame, size_t size, size_t total)
{
    struct pollfd waiting = {.fd = client, .events = POLLOUT};
    size_t sent = 0;

    while (sent < total && poll(&waiting, 1, BLOCKED_MS) == 1) {
        size_t at = sent % size;
        ssize_t count =
            send(client, frame + at, size - at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (count <= 0) {
            return;
        }
        sent += (size_t)count;
    }
}

/* Whoever asks on and on and takes no answer is closed, with what waits for it. */
static void test_tcp_bad_input_who_never_reads_is_closed(void **state)
{
    static uint8_t frame[3 + 65536] = {0x80, 0x80, 0x04};
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    uint16_t port = start(server, "tcp.max_queue=1048576");
    server_base_line_t before = server_base_line(server);
    size_t memory = process_memory_bytes(&server->process);
    int other = socket_connect(port);
    int deaf = socket_connect(port);

    expect_service(other);
    flood(deaf, frame, sizeof(frame), 256 * MI);
    expect_service(other);
    server_expect_memory(server, memory, 16 * MI);
    close(deaf);
    close(other);
    server_await_base_line(server, before);
}

/* 65,536 bytes of the shortest messages are 32,768 of them, and each takes more. */
static void test_tcp_bad_input_crowds_of_messages_take_no_memory(void **state)
{
    static uint8_t frames[65536];
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    uint16_t port = start(server, "tcp.max_queue=1073741824");
    size_t memory = process_memory_bytes(&server->process);
    int crowd[20];

    memset(frames, 1, sizeof(frames)); /* length 1, the body 1, … */
    for (size_t i = 0; i < 20; i++) {
        crowd[i] = socket_connect(port);
        assert_true(socket_send(crowd[i], frames, sizeof(frames)));
    }
    for (size_t i = 0; i < 20; i++) {
        size_t left = sizeof(frames);

        while (left > 0) {
            static uint8_t received[65536];
            size_t count = socket_receive(crowd[i], received, left);

            assert_true(count > 0);
            left -= count;
        }
        close(crowd[i]);
    }
    server_expect_memory(server, memory, 32 * MI);
}

/* Connect until there is a place: it is given back a moment after the descriptor. */
static void await_service(uint16_t port)
{
    static const char frame[] = "\x0bstill here?";
    char answer[sizeof(frame) - 1];
    bool is_served = false;

    for (uint64_t end_ms = now_ms() + SOCKET_DEADLINE_MS; !is_served;) {
        int client = socket_connect(port);

        assert_true(now_ms() < end_ms);
        is_served = send(client, frame, sizeof(answer), MSG_NOSIGNAL) > 0 &&
                    recv(client, answer, sizeof(answer), MSG_WAITALL) ==
                        (ssize_t)sizeof(answer);
        close(client);
    }
}

static void test_tcp_bad_input_beyond_the_last_place_are_turned_away(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    uint16_t port = start(server, "tcp.max_sessions=1");
    server_base_line_t before = server_base_line(server);
    int other = socket_connect(port);
    uint64_t begin_ms = now_ms();

    expect_service(other);
    for (int i = 0; i < CROWD; i++) {
        int client = socket_connect(port);

        tcp_fixture_expect_end(client);
        close(client);
    }
    expect_service(other);
    close(other);
    assert_true(admin_metric(server, "reef_tcp_refused_total") == CROWD);
    server_await_base_line(server, before);
    await_service(port); /* the place is free again */
    server_stop(server);
    assert_in_range(count_lines(server, "too many connections"), 1,
                    1 + (now_ms() - begin_ms) / 1000);
}

/* TLS ------------------------------------------------------------------------------ */

/* Who does not speak it, and who does not speak at all. */
static void test_tcp_bad_input_without_tls_on_its_port_is_cut_off(void **state)
{
    static const char frame[] = "\x0bstill here?";
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    server_base_line_t before;
    uint16_t secure;
    int other;

    SERVER_START(server, ECHO_EXAMPLE, "tcp.listen=127.0.0.1:0",
                 "tcps.listen=127.0.0.1:0", "tcps.dev=true",
                 "tcps.handshake_timeout_ms=300");
    before = server_base_line(server);
    other = socket_connect(tcp_fixture_port(server, "tcp", "127.0.0.1"));
    secure = tcp_fixture_port(server, "tcps", "127.0.0.1");
    for (int i = 0; i < 20; i++) {
        int client = socket_connect(secure);
        uint8_t alert[64];

        if (i % 2 == 0) {
            assert_true(socket_send(client, frame, sizeof(frame) - 1));
        }
        while (socket_receive(client, alert, sizeof(alert)) > 0) {
        }
        close(client);
        expect_service(other);
    }
    close(other);
    server_await_base_line(server, before);
    assert_true(admin_metric(server, "reef_tls_handshake_failures_total") == 20);
    assert_true(admin_metric(server, "reef_sessions_opened_total") == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tcp_bad_input_length_0),
        TEST(test_tcp_bad_input_length_over_the_limit),
        TEST(test_tcp_bad_input_length_of_six_bytes),
        TEST(test_tcp_bad_input_body_cut_short),
        TEST(test_tcp_bad_input_length_cut_short),
        TEST(test_tcp_bad_input_dripping_messages_are_cut_off),
        TEST(test_tcp_bad_input_silent_client_is_closed_where_that_is_wanted),
        TEST(test_tcp_bad_input_who_never_reads_is_closed),
        TEST(test_tcp_bad_input_crowds_of_messages_take_no_memory),
        TEST(test_tcp_bad_input_beyond_the_last_place_are_turned_away),
        TEST(test_tcp_bad_input_without_tls_on_its_port_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
