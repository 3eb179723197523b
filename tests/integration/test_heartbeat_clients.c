/* Heartbeat, as clients see it.  Nothing waits but for what is to come.  Whoever is to
 * live has seconds to answer, and lives for longer than the timeout. */
#include "admin_client.h"
#include "tcp_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PLUGINS "plugins.enabled=chat,heartbeat"
#define SHORT   PLUGINS, "heartbeat.interval_s=0.2", "heartbeat.timeout_s=1"
#define LONG    PLUGINS, "heartbeat.interval_s=0.2", "heartbeat.timeout_s=4"
#define QUIET   PLUGINS, "heartbeat.interval_s=3600", "heartbeat.timeout_s=7200"

enum {
    PINGS = 25, /* take longer than the long timeout */
    PIECES = 6, /* so do these … */
    PIECE_S = 1 /* … with so much time between two */
};

/* The measured quantity is silence, so time has to pass. */
static void stay_silent(void)
{
    struct itimerspec span = {.it_value = {.tv_sec = PIECE_S}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t expirations;

    assert_true(timer >= 0);
    assert_int_equal(timerfd_settime(timer, 0, &span, NULL), 0);
    assert_int_equal(read(timer, &expirations, sizeof(expirations)),
                     sizeof(expirations));
    close(timer);
}

static void expect_ping(ws_client_t *client)
{
    ws_client_expect(client, WS_PING, "ping", 4);
}

/* Answer that many pings. */
static void live(ws_client_t *client, int count)
{
    for (int i = 0; i < count; i++) {
        expect_ping(client);
        ws_client_send(client, WS_FIN | WS_PONG, "ping", 4);
    }
}

static cJSON *first_client(const server_t *server, const cJSON **client)
{
    cJSON *reply = admin_get(server, "/api/v1/clients");

    *client = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(reply, "items"), 0);
    assert_non_null(*client);
    return reply;
}

/* WebSocket -------------------------------------------------------------------- */

static void test_heartbeat_websocket_client_that_answers_pings_lives(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, LONG);
    ws_client_open_chat(client, fixture->server.port);
    live(client, PINGS);
    ws_client_say(client, "/nick Nemo");
    ws_client_expect_text(client, "[System] Your nickname is now: Nemo");
}

static void test_heartbeat_websocket_client_that_is_silent_is_closed(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, SHORT);
    ws_client_open_chat(client, fixture->server.port);
    expect_ping(client);
    ws_client_expect_close(client, 1001, "heartbeat timeout");
    ws_client_expect_end(client);
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 0);
    assert_true(admin_metric(&fixture->server, "reef_heartbeat_timeouts_total") == 1);
}

static void test_heartbeat_measures_the_round_trip_and_its_jitter(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    const cJSON *shown;
    cJSON *reply;

    SERVER_START(&fixture->server, REEFD, LONG);
    ws_client_open_chat(client, fixture->server.port);
    reply = first_client(&fixture->server, &shown);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(shown, "rtt_us")) &&
                cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(shown, "jitter_us")));
    cJSON_Delete(reply);
    live(client, 3);
    expect_ping(client); /* so the others were seen, and ticks have passed */
    reply = first_client(&fixture->server, &shown);
    assert_true(admin_number(shown, "rtt_us") > 0);
    assert_true(admin_number(shown, "jitter_us") >= 0);
    cJSON_Delete(reply);
}

/* Fault 10: the payloads of the settings were ignored. */
static void test_heartbeat_payloads_are_those_of_the_settings(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    char text[32];
    size_t size;
    int tcp;

    SERVER_START(&fixture->server, REEFD, LONG, "heartbeat.ping_payload=still there?",
                 "heartbeat.pong_payload=yes!", "tcp.listen=127.0.0.1:0",
                 "tcp.framing=lines", "tcp.payload=text");
    ws_client_open_chat(client, fixture->server.port);
    ws_client_expect(client, WS_PING, "still there?", 12);
    tcp = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    tcp_fixture_expect(tcp, "still there?\n", 13);
    assert_true(socket_send(tcp, "yes!\nstill there?\n", 18));
    do {
        size = socket_receive(tcp, text, sizeof(text) - 1);
        assert_true(size > 0);
        text[size] = '\0';
    } while (strstr(text, "yes!\n") == NULL);
    close(tcp);
}

/* Fault 9: a timed-out client stayed a ghost member. */
static void test_heartbeat_timeout_gives_the_room_its_leave_notice(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *dead = &fixture->clients[0];
    ws_client_t *living = &fixture->clients[1];
    ws_frame_t frame;

    SERVER_START(&fixture->server, REEFD, LONG);
    for (size_t i = 0; i < 2; i++) {
        ws_client_open_chat(&fixture->clients[i], fixture->server.port);
        ws_client_say(&fixture->clients[i], "/join the reef");
        do { /* pings may come between */
            ws_client_receive(&fixture->clients[i], &frame);
        } while (frame.opcode != WS_TEXT);
    }
    do {
        ws_client_receive(living, &frame);
        if (frame.opcode == WS_PING) {
            ws_client_send(living, WS_FIN | WS_PONG, "ping", 4);
        }
    } while (frame.opcode != WS_TEXT);
    assert_int_equal(frame.size, strlen("[System] User 1 has left."));
    assert_memory_equal(frame.data, "[System] User 1 has left.", frame.size);
    ws_client_say(living, "/list");
    do {
        ws_client_receive(living, &frame);
    } while (frame.opcode != WS_TEXT);
    assert_int_equal(frame.size,
                     strlen("[System] Active Rooms:\n  - the reef (1 users)"));
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 1);
    ws_client_discard(dead);
}

/* A byte of a frame now and then, and no message in all the time. */
static void test_heartbeat_byte_of_a_frame_is_a_sign_of_life(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    uint8_t bytes[32];
    size_t size = ws_client_write_frame(bytes, WS_FIN | WS_TEXT, "/leave", 6);
    ws_frame_t frame;

    SERVER_START(&fixture->server, REEFD, LONG);
    ws_client_open_chat(client, fixture->server.port);
    for (size_t i = 0; i < PIECES; i++) {
        ws_client_send_raw(client, bytes + i, 1);
        stay_silent();
    }
    ws_client_send_raw(client, bytes + PIECES, size - PIECES);
    do { /* pings are not answered */
        ws_client_receive(client, &frame);
    } while (frame.opcode == WS_PING);
    assert_int_equal(frame.opcode, WS_TEXT);
    assert_memory_equal(frame.data, "[Error] You are not in a room.", frame.size);
}

/* Both are due at the same time, and a peer is not asked twice. */
static void test_heartbeat_and_the_idle_ping_of_the_transport_get_along(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    ws_frame_t frame;

    SERVER_START(&fixture->server, REEFD, PLUGINS, "heartbeat.interval_s=1.5",
                 "heartbeat.timeout_s=30", "websocket.idle_timeout_s=3");
    ws_client_open_chat(client, fixture->server.port);
    for (int i = 0; i < 4; i++) {
        ws_client_receive(client, &frame);
        assert_int_equal(frame.opcode, WS_PING);
        ws_client_send(client, WS_FIN | WS_PONG, frame.data, frame.size);
    }
    ws_client_receive(client, &frame);
    assert_int_equal(frame.opcode, WS_PING);
    ws_client_expect_close(client, 1001, "idle");
}

/* TCP and UDP ------------------------------------------------------------------ */

static void test_heartbeat_tcp_text_client_that_answers_lives(void **state)
{
    fixture_t *fixture = *state;
    int tcp;

    SERVER_START(&fixture->server, REEFD, LONG, "tcp.listen=127.0.0.1:0",
                 "tcp.framing=lines", "tcp.payload=text");
    tcp = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    for (int i = 0; i < PINGS; i++) {
        tcp_fixture_expect(tcp, "ping\n", 5);
        assert_true(socket_send(tcp, "pong\n", 5));
    }
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 1);
    close(tcp);
}

/* Also when it answers to a room: nobody hears it. */
static void test_heartbeat_pong_reaches_no_room(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    int tcp;

    SERVER_START(&fixture->server, REEFD, QUIET, "tcp.listen=127.0.0.1:0",
                 "tcp.framing=lines", "tcp.payload=text");
    ws_client_open_chat(client, fixture->server.port);
    tcp = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    assert_true(socket_send(tcp, "pong\nhello\n", 11));
    ws_client_expect_text(client, "User 2: hello");
    tcp_fixture_expect(tcp, "User 2: hello\n", 14);
    ws_client_say(client, "pong");
    ws_client_say(client, "ping"); /* it has a ping of its own, so this is chat */
    ws_client_expect_text(client, "User 1: ping");
    tcp_fixture_expect(tcp, "User 1: ping\n", 13);
    assert_true(socket_send(tcp, "ping\n", 5));
    tcp_fixture_expect(tcp, "pong\n", 5);
    ws_client_expect_silence(client);
    close(tcp);
}

static void test_heartbeat_tcp_text_client_that_is_silent_is_closed(void **state)
{
    fixture_t *fixture = *state;
    char text[64] = "";
    int tcp;

    SERVER_START(&fixture->server, REEFD, SHORT, "tcp.listen=127.0.0.1:0",
                 "tcp.framing=lines", "tcp.payload=text");
    tcp = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    socket_receive_all(tcp, text, sizeof(text));
    assert_memory_equal(text, "ping\n", 5);
    assert_true(admin_metric(&fixture->server, "reef_heartbeat_timeouts_total") == 1);
    close(tcp);
}

/* While another is closed for its silence, and after. */
static void test_heartbeat_tcp_binary_client_is_let_alone(void **state)
{
    fixture_t *fixture = *state;
    uint8_t message[] = {2, 'h', 'i'};
    int tcp;

    SERVER_START(&fixture->server, REEFD, SHORT, "tcp.listen=127.0.0.1:0");
    tcp = socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));
    assert_true(socket_send(tcp, message, sizeof(message)));
    for (int i = 0; i < 2; i++) {
        ws_client_t *other = &fixture->clients[i];

        ws_client_open_chat(other, fixture->server.port);
        expect_ping(other);
        ws_client_expect_close(other, 1001, "heartbeat timeout");
    }
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 1);
    close(tcp);
}

static void expect_datagram(int client, const char *text)
{
    char received[64] = "";
    ssize_t size;

    socket_await(client);
    size = recv(client, received, sizeof(received) - 1, 0);
    assert_true(size > 0);
    assert_string_equal(received, text);
}

static void test_heartbeat_udp_text_client_is_asked_by_text(void **state)
{
    fixture_t *fixture = *state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    SERVER_START(&fixture->server, REEFD, LONG, "udp.listen=127.0.0.1:0",
                 "udp.payload=text");
    address.sin_port = htons(tcp_fixture_port(&fixture->server, "udp", "127.0.0.1"));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(client, "ping", 4, 0), 4);
    expect_datagram(client, "pong");
    for (int i = 0; i < PINGS; i++) {
        expect_datagram(client, "ping");
        assert_int_equal(send(client, "pong", 4, 0), 4);
    }
    while (admin_total(&fixture->server, "/api/v1/clients") > 0) {
    }
    assert_true(admin_metric(&fixture->server, "reef_heartbeat_timeouts_total") == 1);
    close(client);
}

/* Start ------------------------------------------------------------------------ */

static void test_heartbeat_timeout_within_the_interval_is_refused(void **state)
{
    fixture_t *fixture = *state;
    process_t *process = &fixture->server.process;
    const char *const arguments[] = {REEFD, "--set", "heartbeat.timeout_s=5", NULL};

    process_start(process, &(process_desc_t){.arguments = arguments,
                                             .directory = fixture->server.directory});
    assert_int_equal(process_wait(process), 1);
    assert_non_null(strstr(process->errors.text,
                           "heartbeat.timeout_s: 5 is not more than "
                           "heartbeat.interval_s, 10"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_heartbeat_websocket_client_that_answers_pings_lives),
        TEST(test_heartbeat_websocket_client_that_is_silent_is_closed),
        TEST(test_heartbeat_measures_the_round_trip_and_its_jitter),
        TEST(test_heartbeat_payloads_are_those_of_the_settings),
        TEST(test_heartbeat_timeout_gives_the_room_its_leave_notice),
        TEST(test_heartbeat_byte_of_a_frame_is_a_sign_of_life),
        TEST(test_heartbeat_and_the_idle_ping_of_the_transport_get_along),
        TEST(test_heartbeat_tcp_text_client_that_answers_lives),
        TEST(test_heartbeat_pong_reaches_no_room),
        TEST(test_heartbeat_tcp_text_client_that_is_silent_is_closed),
        TEST(test_heartbeat_tcp_binary_client_is_let_alone),
        TEST(test_heartbeat_udp_text_client_is_asked_by_text),
        TEST(test_heartbeat_timeout_within_the_interval_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
