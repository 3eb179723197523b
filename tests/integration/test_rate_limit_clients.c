/* The rate limit, as clients see it.  Windows are long where a message must not pass,
 * for a slow machine may take long between two. */
#include "admin_client.h"
#include "tcp_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define THROTTLED    "[RateLimit] Too many messages. You are temporarily throttled."
#define DISCONNECTED "[RateLimit] Disconnected due to rate limit violation."

#define PLUGINS "plugins.enabled=chat,rate_limit"
/* The defaults, for the fixture has none, but for the window. */
#define LIMITED                                                                        \
    PLUGINS, "rate_limit.max_messages=30", "rate_limit.max_bytes=65536",               \
        "rate_limit.window_s=600"

enum {
    LIMIT = 30,
    FLOOD = 200
};

/* Say `count` texts in one write: "0", "1" … */
static void say_many(ws_client_t *client, int count)
{
    static uint8_t frames[FLOOD * (WS_MAX_HEAD + 16)];
    size_t size = 0;
    char text[16];

    for (int i = 0; i < count; i++) {
        int length = snprintf(text, sizeof(text), "%d", i);

        size += ws_client_write_frame(frames + size, WS_FIN | WS_TEXT, text,
                                      (size_t)length);
    }
    ws_client_send_raw(client, frames, size);
}

static void expect_said(ws_client_t *client, int from, int to)
{
    char text[32];

    for (int i = from; i < to; i++) {
        snprintf(text, sizeof(text), "User 1: %d", i);
        ws_client_expect_text(client, text);
    }
}

/* Say it until it passes; the next text is then this one. */
static void say_until_heard(ws_client_t *client, const char *text, const char *heard)
{
    ws_frame_t frame;

    do {
        ws_client_say(client, text);
        ws_client_send(client, WS_FIN | WS_PING, "", 0);
        ws_client_receive(client, &frame);
    } while (frame.opcode == WS_PONG);
    assert_int_equal(frame.opcode, WS_TEXT);
    assert_int_equal(frame.size, strlen(heard));
    assert_memory_equal(frame.data, heard, frame.size);
}

/* Fault 10: rate limiting dropped nothing. */
static void test_rate_limit_of_30_messages_drops_the_31st(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    ws_client_t *two = &fixture->clients[1];

    SERVER_START(&fixture->server, REEFD, LIMITED);
    ws_client_open(one, fixture->server.port);
    say_many(one, FLOOD);
    expect_said(one, 0, LIMIT);
    ws_client_expect_silence(one);
    ws_client_open(two, fixture->server.port);
    ws_client_say(two, "I am not limited by him");
    ws_client_expect_text(two, "User 2: I am not limited by him");
    ws_client_expect_text(one, "User 2: I am not limited by him");
    ws_client_expect_silence(two);
    assert_true(admin_metric(&fixture->server, "reef_rate_limit_dropped_total") ==
                FLOOD - LIMIT);
    assert_true(admin_metric(&fixture->server, "reef_messages_received_total") ==
                FLOOD + 1);
}

static void test_rate_limit_default_is_30_a_second(void **state)
{
    fixture_t *fixture = *state;
    process_t *process = &fixture->server.process;
    const char *const arguments[] = {REEFD, "--help", NULL};

    process_start(process, &(process_desc_t){.arguments = arguments,
                                             .directory = fixture->server.directory});
    assert_int_equal(process_wait(process), 0);
    assert_non_null(strstr(process->output.text, "messages of a client in a window; "
                                                 "default 30\n"));
    assert_non_null(strstr(process->output.text,
                           "from the first message that is counted; default 1 s\n"));
    assert_non_null(
        strstr(process->output.text, "drop, throttle or disconnect; default drop\n"));
}

static void test_rate_limit_lets_pass_again_in_the_next_window(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, PLUGINS, "rate_limit.max_messages=2",
                 "rate_limit.window_s=0.2");
    ws_client_open(client, fixture->server.port);
    say_many(client, 3);
    expect_said(client, 0, 2);
    say_until_heard(client, "again", "User 1: again");
}

static void test_rate_limit_counts_bytes(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    char text[1025] = "";
    char answer[1100];

    SERVER_START(&fixture->server, REEFD, PLUGINS, "rate_limit.max_bytes=4096",
                 "rate_limit.window_s=600");
    ws_client_open(client, fixture->server.port);
    memset(text, 'x', sizeof(text) - 1);
    snprintf(answer, sizeof(answer), "User 1: %s", text);
    for (int i = 0; i < 5; i++) {
        ws_client_say(client, text);
    }
    for (int i = 0; i < 4; i++) {
        ws_client_expect_text(client, answer);
    }
    ws_client_expect_silence(client);
}

static void test_rate_limit_throttle_tells_once_and_ends(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, PLUGINS, "rate_limit.max_messages=30",
                 "rate_limit.window_s=0.2", "rate_limit.action=throttle",
                 "rate_limit.throttle_s=1.5");
    ws_client_open(client, fixture->server.port);
    say_many(client, FLOOD);
    expect_said(client, 0, LIMIT);
    ws_client_expect_text(client, THROTTLED);
    say_until_heard(client, "free?", "User 1: free?"); /* and nothing between */
}

static void test_rate_limit_disconnect_tells_once_and_closes(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, LIMITED, "rate_limit.action=disconnect");
    ws_client_open(client, fixture->server.port);
    say_many(client, FLOOD);
    expect_said(client, 0, LIMIT);
    ws_client_expect_text(client, DISCONNECTED);
    ws_client_expect_close(client, 1008, "rate limit violation");
    ws_client_send(client, WS_FIN | WS_CLOSE, "\x03\xf0", 2);
    ws_client_expect_end(client);
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 0);
}

static void test_rate_limit_disconnect_gives_the_room_its_leave_notice(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    ws_client_t *two = &fixture->clients[1];

    SERVER_START(&fixture->server, REEFD, LIMITED, "rate_limit.action=disconnect");
    ws_client_open_chat(one, fixture->server.port);
    ws_client_open_chat(two, fixture->server.port);
    ws_client_say(two, "/join the reef");
    ws_client_expect_text(two, "[System] Joined room: the reef");
    ws_client_say(one, "/join the reef");
    ws_client_expect_text(one, "[System] Joined room: the reef");
    say_many(one, FLOOD);
    ws_client_discard(one);
    for (;;) { /* what passed was said */
        ws_frame_t frame;

        ws_client_receive(two, &frame);
        assert_int_equal(frame.opcode, WS_TEXT);
        if (frame.data[0] == '[') {
            assert_int_equal(frame.size, strlen("[System] User 1 has left."));
            break;
        }
    }
}

/* Two connections of one address, of 20 messages each, have 30 together. */
static void test_rate_limit_address_has_one_for_all_its_clients(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    ws_client_t *two = &fixture->clients[1];

    SERVER_START(&fixture->server, REEFD, LIMITED, "rate_limit.prefix_messages=30");
    ws_client_open(one, fixture->server.port);
    say_many(one, 20);
    expect_said(one, 0, 20);
    ws_client_open(two, fixture->server.port);
    for (int i = 0; i < 20; i++) {
        ws_client_say(two, "I");
    }
    for (int i = 0; i < 10; i++) {
        ws_client_expect_text(two, "User 2: I");
        ws_client_expect_text(one, "User 2: I");
    }
    ws_client_expect_silence(two);
    ws_client_expect_silence(one);
}

/* The example counts the windows, and closes in the third. */
static void test_rate_limit_of_the_example_counts_three_strikes(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    ws_frame_t frame = {0};

    SERVER_START(&fixture->server, GUARDED_ECHO_EXAMPLE, "rate_limit.max_messages=5",
                 "rate_limit.window_s=0.05");
    ws_client_open(client, fixture->server.port);
    while (frame.opcode != WS_CLOSE) {
        ws_client_say(client, "x");
        while (frame.opcode != WS_CLOSE && ws_client_has_data(client)) {
            ws_client_receive(client, &frame);
        }
    }
    assert_int_equal(frame.size, 2 + strlen("3 strikes"));
    assert_int_equal(frame.data[0] << 8 | frame.data[1], 1008);
    assert_memory_equal(frame.data + 2, "3 strikes", strlen("3 strikes"));
}

static void test_rate_limit_holds_for_tcp(void **state)
{
    fixture_t *fixture = *state;
    char lines[FLOOD * 2 + 1];
    char text[4096] = "";
    char *at = text;
    int tcp;

    for (size_t i = 0; i < FLOOD; i++) {
        memcpy(lines + i * 2, "x\n", 3);
    }
    SERVER_START(&fixture->server, REEFD, LIMITED, "rate_limit.action=disconnect",
                 "tcp.listen=127.0.0.1:0", "tcp.framing=lines", "tcp.payload=text");
    tcp = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    assert_true(socket_send(tcp, lines, sizeof(lines) - 1));
    socket_receive_all(tcp, text, sizeof(text));
    for (int i = 0; i < LIMIT; i++, at += strlen("User 1: x\n")) {
        assert_memory_equal(at, "User 1: x\n", strlen("User 1: x\n"));
    }
    assert_string_equal(at, DISCONNECTED "\n");
    close(tcp);
}

static void test_rate_limit_holds_for_udp(void **state)
{
    fixture_t *fixture = *state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char received[128];
    int said = 0;

    SERVER_START(&fixture->server, REEFD, LIMITED, "rate_limit.action=throttle",
                 "udp.listen=127.0.0.1:0", "udp.payload=text");
    address.sin_port = htons(tcp_fixture_port(&fixture->server, "udp", "127.0.0.1"));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    for (int i = 0; i < FLOOD; i++) {
        assert_int_equal(send(client, "x", 1, 0), 1);
    }
    for (;;) {
        ssize_t size;

        socket_await(client);
        size = recv(client, received, sizeof(received), 0);
        assert_true(size > 0);
        if (received[0] == '[') {
            assert_int_equal(size, strlen(THROTTLED));
            assert_memory_equal(received, THROTTLED, (size_t)size);
            break;
        }
        said++;
    }
    assert_int_equal(said, LIMIT);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rate_limit_of_30_messages_drops_the_31st),
        TEST(test_rate_limit_default_is_30_a_second),
        TEST(test_rate_limit_lets_pass_again_in_the_next_window),
        TEST(test_rate_limit_counts_bytes),
        TEST(test_rate_limit_throttle_tells_once_and_ends),
        TEST(test_rate_limit_disconnect_tells_once_and_closes),
        TEST(test_rate_limit_disconnect_gives_the_room_its_leave_notice),
        TEST(test_rate_limit_address_has_one_for_all_its_clients),
        TEST(test_rate_limit_of_the_example_counts_three_strikes),
        TEST(test_rate_limit_holds_for_tcp),
        TEST(test_rate_limit_holds_for_udp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
