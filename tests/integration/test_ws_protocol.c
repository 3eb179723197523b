/* RFC 6455 on the wire: what is refused and how, what is limited, what is left.  Frame
 * by frame it is gone through in test_ws_conformance*.c. */
#include "admin_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LINE "GET / HTTP/1.1\r\n"
#define REST                                                                           \
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"                                    \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"                                  \
    "Sec-WebSocket-Version: 13\r\n"

/* Handshake -------------------------------------------------------------------- */

/* Send a request; the answer has this status, and the server ends the stream. */
static void expect_refusal(const server_t *server, const char *request, int status)
{
    ws_client_t client = {0};
    char reply[4096];

    ws_client_connect(&client, server->port);
    ws_client_send_raw(&client, request, strlen(request));
    socket_receive_all(client.descriptor, reply, sizeof(reply));
    ws_client_drop(&client);
    if (socket_http_status(reply) != status) {
        fail_msg("expected %d for:\n%.200s\ngot:\n%s", status, request, reply);
    }
    assert_non_null(strstr(reply, "\r\nConnection: "));
    if (status == 426) {
        assert_non_null(strstr(reply, "\r\nSec-WebSocket-Version: 13\r\n"));
    } else if (status == 405) {
        assert_non_null(strstr(reply, "\r\nAllow: GET\r\n"));
    }
}

static void test_ws_protocol_malformed_handshake_gets_its_http_status(void **state)
{
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        {400, FIRST_LINE REST "\r\n"}, /* no Host */
        {400, FIRST_LINE "Host: a\r\nHost: b\r\n" REST "\r\n"},
        {400, FIRST_LINE "Host: a\n" REST "\r\n"},
        {400, FIRST_LINE "Host: a\r\nName\r\n" REST "\r\n"},
        {400, FIRST_LINE "Host: a\r\nName : b\r\n" REST "\r\n"},
        {400, FIRST_LINE "Host: a\r\nContent-Length: 5\r\n" REST "\r\nhello"},
        {400, FIRST_LINE "Host: a\r\nUpgrade: websocket\r\n\r\n"},
        {400, FIRST_LINE "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Version: 13\r\n\r\n"},
        {400, FIRST_LINE "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: c2hvcnQ=\r\n"
                         "Sec-WebSocket-Version: 13\r\n\r\n"},
        {400, "GET  HTTP/1.1\r\nHost: a\r\n" REST "\r\n"},
        {400, "\x16\x03\x01\x02\x01\x01\xfc\x03\x03"}, /* a TLS hello */
        {405, "POST / HTTP/1.1\r\nHost: a\r\n" REST "\r\n"},
        {426, FIRST_LINE "Host: a\r\n\r\n"},
        {426, FIRST_LINE "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                         "Sec-WebSocket-Version: 8\r\n\r\n"},
        {505, "GET / HTTP/1.0\r\nHost: a\r\n" REST "\r\n"},
    };
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, REEFD, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_refusal(&fixture->server, cases[i].request, cases[i].status);
    }
}

static void test_ws_protocol_request_head_beyond_its_limit_gets_431(void **state)
{
    fixture_t *fixture = *state;
    char request[20000] = FIRST_LINE "Host: a\r\nName: ";
    size_t size = strlen(request);

    SERVER_START(&fixture->server, REEFD, "websocket.max_handshake=8192");
    memset(request + size, 'x', sizeof(request) - size - 1);
    expect_refusal(&fixture->server, request, 431);

    size = (size_t)snprintf(request, sizeof(request), FIRST_LINE "Host: a\r\n");
    for (int i = 0; i < 100; i++) {
        size += (size_t)snprintf(request + size, sizeof(request) - size, "N: v\r\n");
    }
    snprintf(request + size, sizeof(request) - size, REST "\r\n");
    expect_refusal(&fixture->server, request, 431);
}

static void test_ws_protocol_origin_that_is_not_listed_gets_403(void **state)
{
    static const char good[] = WS_HANDSHAKE "Origin: https://reef.example\r\n\r\n";
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, "websocket.origins=https://reef.example");
    expect_refusal(&fixture->server,
                   WS_HANDSHAKE "Origin: https://other.example\r\n\r\n", 403);
    expect_refusal(&fixture->server, WS_HANDSHAKE "Origin: null\r\n\r\n", 403);
    ws_client_connect(client, fixture->server.port);
    ws_client_send_raw(client, good, strlen(good));
    assert_int_equal(ws_client_receive_status(client), 101);
    ws_client_open(&fixture->clients[1], fixture->server.port); /* no browser */
}

/* The connection that has seen the server start may not have given its place back yet.
 */
static void open_when_there_is_room(ws_client_t *client, uint16_t port)
{
    static const char request[] = WS_HANDSHAKE "\r\n";
    int status;

    do {
        ws_client_drop(client);
        ws_client_connect(client, port);
        ws_client_send_raw(client, request, strlen(request));
        status = ws_client_receive_status(client);
    } while (status == 503);
    assert_int_equal(status, 101);
}

static void test_ws_protocol_connection_beyond_the_limit_gets_503(void **state)
{
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, REEFD, "websocket.max_sessions=2");
    open_when_there_is_room(&fixture->clients[0], fixture->server.port);
    open_when_there_is_room(&fixture->clients[1], fixture->server.port);
    expect_refusal(&fixture->server, WS_HANDSHAKE "\r\n", 503);
    ws_client_expect_silence(&fixture->clients[0]);
}

static void test_ws_protocol_slow_handshake_is_cut_off(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, "websocket.handshake_timeout_ms=50");
    ws_client_connect(client, fixture->server.port);
    ws_client_send_raw(client, FIRST_LINE "Host: ", strlen(FIRST_LINE "Host: "));
    ws_client_expect_end(client);
    ws_client_open(&fixture->clients[1], fixture->server.port);
    ws_client_expect_silence(&fixture->clients[1]);
}

/* The time limit is for the handshake alone. */
static void test_ws_protocol_handshake_timeout_spares_open_connections(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *slow = &fixture->clients[1];

    SERVER_START(&fixture->server, REEFD, "websocket.handshake_timeout_ms=50");
    ws_client_open(&fixture->clients[0], fixture->server.port);
    ws_client_connect(slow, fixture->server.port);
    ws_client_expect_end(slow); /* begun later, so the first one's time is over too */
    ws_client_expect_silence(&fixture->clients[0]);
}

static void test_ws_protocol_handshake_may_come_byte_by_byte(void **state)
{
    static const char head[] = WS_HANDSHAKE "\r\n";
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, NULL);
    ws_client_connect(client, fixture->server.port);
    for (size_t i = 0; i < strlen(head); i++) {
        ws_client_send_raw(client, head + i, 1);
    }
    assert_int_equal(ws_client_receive_status(client), 101);
    ws_client_expect_silence(client);
}

static void test_ws_protocol_frames_sent_with_the_handshake_are_heard(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    uint8_t all[1024] = WS_HANDSHAKE "\r\n";
    size_t size = strlen((const char *)all);

    SERVER_START(&fixture->server, ECHO_EXAMPLE, NULL);
    size += ws_client_write_frame(all + size, WS_FIN | WS_TEXT, "first", 5);
    size += ws_client_write_frame(all + size, WS_FIN | WS_TEXT, "second", 6);
    ws_client_connect(client, fixture->server.port);
    ws_client_send_raw(client, all, size);
    assert_int_equal(ws_client_receive_status(client), 101);
    ws_client_expect_text(client, "first");
    ws_client_expect_text(client, "second");
}

/* Frames ----------------------------------------------------------------------- */

typedef struct bad_frame {
    uint16_t code; /* that the server closes with */
    size_t size;
    const char *bytes;
} bad_frame_t;

/* A mask of zeroes leaves the payload readable here. */
#define BAD(code_, bytes_)                                                             \
    {                                                                                  \
        (code_), sizeof(bytes_) - 1, (bytes_)                                          \
    }

static void expect_closes(server_t *server, const bad_frame_t *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ws_client_t client = {0};

        ws_client_open(&client, server->port);
        ws_client_send_raw(&client, cases[i].bytes, cases[i].size);
        ws_client_expect_close(&client, cases[i].code, NULL);
        ws_client_expect_end(&client);
        ws_client_drop(&client);
    }
}

static void test_ws_protocol_message_beyond_the_limit_is_closed_with_1009(void **state)
{
    static const bad_frame_t cases[] = {
        BAD(1009, "\x82\xfe\x03\xe9\0\0\0\0"),           /* 1001, by its header */
        BAD(1009, "\x82\xff\0\0\0\x01\0\0\0\0\0\0\0\0"), /* 4 GiB */
    };
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    char text[1000];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.max_message=1000");
    expect_closes(&fixture->server, cases, sizeof(cases) / sizeof(cases[0]));

    memset(text, 'x', sizeof(text));
    ws_client_open(client, fixture->server.port);
    ws_client_send(client, WS_FIN | WS_TEXT, text, 1000);
    ws_client_expect(client, WS_TEXT, text, 1000);
    ws_client_send(client, WS_TEXT, text, 600); /* all fragments together count */
    ws_client_send(client, WS_FIN, text, 401);
    ws_client_expect_close(client, 1009, NULL);
}

/* The end ---------------------------------------------------------------------- */

static void test_ws_protocol_data_after_a_close_is_ignored(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    ws_client_t *other = &fixture->clients[1];
    uint8_t frames[256];
    size_t size;

    SERVER_START(&fixture->server, REEFD, NULL);
    ws_client_open_chat(other, fixture->server.port);
    ws_client_open_chat(client, fixture->server.port);
    size = ws_client_write_frame(frames, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
    size += ws_client_write_frame(frames + size, WS_FIN | WS_TEXT, "too late", 8);
    size += ws_client_write_frame(frames + size, WS_FIN | WS_PING, "ping", 4);
    ws_client_send_raw(client, frames, size);
    ws_client_expect_close(client, 1000, NULL);
    ws_client_say(client, "much too late");
    ws_client_expect_end(client);
    ws_client_say(other, "only me");
    ws_client_expect_text(other, "User 1: only me");
}

/* It sends and never reads, so what the server echoes has to wait, then too much. */
static void test_ws_protocol_client_that_does_not_read_is_closed_with_1008(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    static const char text[65536];
    ws_frame_t frame;

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.max_queue=262144",
                 "websocket.close_timeout_ms=60000");
    ws_client_open(&fixture->clients[1], fixture->server.port);
    ws_client_open(client, fixture->server.port);
    for (int i = 0; i < 400; i++) { /* more than the system's buffers take */
        ws_client_send(client, WS_FIN | WS_BINARY, text, sizeof(text));
    }
    do {
        ws_client_receive(client, &frame);
    } while (frame.opcode == WS_BINARY);
    assert_int_equal(frame.opcode, WS_CLOSE);
    assert_int_equal(frame.data[0] << 8 | frame.data[1], 1008);
    ws_client_expect_silence(&fixture->clients[1]);
}

static void test_ws_protocol_shutdown_closes_with_1001(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, NULL);
    ws_client_open(client, fixture->server.port);
    process_signal(&fixture->server.process, SIGTERM);
    ws_client_expect_close(client, 1001, "server shutdown");
    ws_client_send(client, WS_FIN | WS_CLOSE, "\x03\xe9", 2);
    ws_client_expect_end(client);
    assert_int_equal(process_wait(&fixture->server.process), 0);
}

static void test_ws_protocol_shutdown_does_not_wait_for_the_mute(void **state)
{
    fixture_t *fixture = *state;

    process_watchdog(40); /* less than shutdown_ms, which would end it too */
    SERVER_START(&fixture->server, REEFD, "websocket.close_timeout_ms=50",
                 "server.shutdown_ms=60000");
    ws_client_open(&fixture->clients[0], fixture->server.port); /* never answers */
    server_stop(&fixture->server);
}

static void test_ws_protocol_second_signal_ends_the_process_at_once(void **state)
{
    fixture_t *fixture = *state;

    process_watchdog(40); /* less than the waits for a mute client */
    SERVER_START(&fixture->server, REEFD, "websocket.close_timeout_ms=60000",
                 "server.shutdown_ms=60000");
    ws_client_open(&fixture->clients[0], fixture->server.port); /* never answers */
    process_signal(&fixture->server.process, SIGTERM);
    ws_client_expect_close(&fixture->clients[0], 1001, "server shutdown");
    process_signal(&fixture->server.process, SIGTERM);

    assert_int_equal(process_wait(&fixture->server.process), -SIGTERM);
}

static void test_ws_protocol_shutdown_cuts_off_handshakes(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    process_watchdog(40); /* less than shutdown_ms, which would end it too */
    SERVER_START(&fixture->server, REEFD, "websocket.handshake_timeout_ms=600000",
                 "server.shutdown_ms=60000");
    ws_client_connect(client, fixture->server.port);
    ws_client_send_raw(client, WS_HANDSHAKE, strlen(WS_HANDSHAKE));
    ws_client_open(&fixture->clients[1], fixture->server.port); /* accepted in turn */
    ws_client_drop(&fixture->clients[1]);
    server_stop(&fixture->server);
    ws_client_expect_end(client);
}

static void test_ws_protocol_200_connections_leave_nothing_behind(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t clients[200] = {0};
    server_base_line_t before;

    SERVER_START(server, REEFD, "demo.entities=3");
    before = server_base_line(server);
    for (size_t i = 0; i < 200; i++) {
        ws_client_open(&clients[i], server->port);
        ws_client_expect_silence(&clients[i]);
    }
    assert_true(process_descriptor_count(&server->process) >= 200);
    assert_true(admin_total(server, "/api/v1/entities?limit=1") ==
                before.entities + 200);
    for (size_t i = 0; i < 200; i++) {
        if (i % 2 == 0) { /* in good order, or just gone */
            ws_client_send(&clients[i], WS_FIN | WS_CLOSE, "\x03\xe8", 2);
            ws_client_expect_close(&clients[i], 1000, NULL);
            ws_client_expect_end(&clients[i]);
        }
        ws_client_drop(&clients[i]);
    }
    server_await_base_line(server, before);
}

/* After the closing handshake it is the peer's turn to let go, but not for ever. */
static void test_ws_protocol_peer_that_stays_after_its_close_is_cut_off(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];
    ws_client_t *refused = &fixture->clients[1];
    server_base_line_t before;

    SERVER_START(server, REEFD, "websocket.close_timeout_ms=50");
    before = server_base_line(server);
    ws_client_open(client, server->port);
    ws_client_send(client, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
    ws_client_expect_close(client, 1000, NULL);
    ws_client_expect_end(client);
    ws_client_connect(refused, server->port);
    ws_client_send_raw(refused, "?\r\n\r\n", 5);
    assert_int_equal(ws_client_receive_status(refused), 400);
    server_await_base_line(server, before);
}

static void test_ws_protocol_close_comes_after_all_that_was_queued(void **state)
{
    enum {
        COUNT = 300
    };
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    static char text[65536];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.max_queue=67108864",
                 "websocket.close_timeout_ms=60000");
    ws_client_open(client, fixture->server.port);
    for (int i = 0; i < COUNT; i++) { /* more than the system's buffers take */
        text[0] = (char)i;
        ws_client_send(client, WS_FIN | WS_BINARY, text, sizeof(text));
    }
    ws_client_send(client, WS_FIN | WS_BINARY, "end", 3);
    /* What still waits to be echoed when the close is read is not queued yet. */
    while (admin_metric(&fixture->server, "reef_messages_sent_total") < COUNT + 1) {
    }
    ws_client_send(client, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
    for (int i = 0; i < COUNT; i++) {
        text[0] = (char)i;
        ws_client_expect(client, WS_BINARY, text, sizeof(text));
    }
    ws_client_expect(client, WS_BINARY, "end", 3);
    ws_client_expect_close(client, 1000, NULL);
    ws_client_expect_end(client);
}

static void test_ws_protocol_refusals_and_errors_are_counted(void **state)
{
    static const bad_frame_t bad = BAD(1002, "\x83\x80\0\0\0\0");
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    double refused;

    SERVER_START(server, REEFD, NULL);
    refused = admin_metric(server, "reef_websocket_refused_total");
    assert_true(admin_metric(server, "reef_websocket_protocol_errors_total") == 0);
    expect_refusal(server, "GET / HTTP/1.0\r\n\r\n", 505);
    expect_closes(server, &bad, 1);

    assert_true(admin_metric(server, "reef_websocket_refused_total") == refused + 1);
    assert_true(admin_metric(server, "reef_websocket_protocol_errors_total") == 1);
}

/* What does not fit the memory of the handshake is read all the same. */
static void test_ws_protocol_much_may_follow_the_handshake_at_once(void **state)
{
    enum {
        COUNT = 40
    };
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    static uint8_t all[COUNT * (500 + WS_MAX_HEAD) + 1024] = WS_HANDSHAKE "\r\n";
    size_t size = strlen((const char *)all);
    char text[500];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.max_handshake=1024");
    for (int i = 0; i < COUNT; i++) {
        memset(text, 'a' + i % 26, sizeof(text));
        size += ws_client_write_frame(all + size, WS_FIN | WS_TEXT, text, sizeof(text));
    }
    ws_client_connect(client, fixture->server.port);
    ws_client_send_raw(client, all, size);
    assert_int_equal(ws_client_receive_status(client), 101);
    for (int i = 0; i < COUNT; i++) {
        memset(text, 'a' + i % 26, sizeof(text));
        ws_client_expect(client, WS_TEXT, text, sizeof(text));
    }
}

static void test_ws_protocol_session_knows_path_and_query(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    cJSON *reply;
    cJSON *session;
    char path[128];

    SERVER_START(server, REEFD, NULL);
    ws_client_open(&fixture->clients[0], server->port);
    ws_client_expect_silence(&fixture->clients[0]);
    reply = admin_get(server, "/api/v1/entities?query=session&limit=1");
    snprintf(
        path, sizeof(path), "/api/v1/entities/%s/components/session",
        admin_text(cJSON_GetArrayItem(cJSON_GetObjectItem(reply, "items"), 0), "id"));
    session = admin_get(server, path);
    assert_string_equal(admin_text(session, "path"), "/path");
    assert_string_equal(admin_text(session, "query"), "query=1");
    cJSON_Delete(session);
    cJSON_Delete(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ws_protocol_malformed_handshake_gets_its_http_status),
        TEST(test_ws_protocol_request_head_beyond_its_limit_gets_431),
        TEST(test_ws_protocol_origin_that_is_not_listed_gets_403),
        TEST(test_ws_protocol_connection_beyond_the_limit_gets_503),
        TEST(test_ws_protocol_slow_handshake_is_cut_off),
        TEST(test_ws_protocol_handshake_timeout_spares_open_connections),
        TEST(test_ws_protocol_handshake_may_come_byte_by_byte),
        TEST(test_ws_protocol_frames_sent_with_the_handshake_are_heard),
        TEST(test_ws_protocol_message_beyond_the_limit_is_closed_with_1009),
        TEST(test_ws_protocol_data_after_a_close_is_ignored),
        TEST(test_ws_protocol_client_that_does_not_read_is_closed_with_1008),
        TEST(test_ws_protocol_shutdown_closes_with_1001),
        TEST(test_ws_protocol_shutdown_does_not_wait_for_the_mute),
        TEST(test_ws_protocol_second_signal_ends_the_process_at_once),
        TEST(test_ws_protocol_shutdown_cuts_off_handshakes),
        TEST(test_ws_protocol_200_connections_leave_nothing_behind),
        TEST(test_ws_protocol_peer_that_stays_after_its_close_is_cut_off),
        TEST(test_ws_protocol_close_comes_after_all_that_was_queued),
        TEST(test_ws_protocol_refusals_and_errors_are_counted),
        TEST(test_ws_protocol_much_may_follow_the_handshake_at_once),
        TEST(test_ws_protocol_session_knows_path_and_query),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
