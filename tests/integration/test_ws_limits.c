/*
 * What a server may be told to insist on: subprotocols and paths, who is believed about
 * addresses, how many connections an address has, how long a peer may be silent, slow
 * to finish a message or slow to read.
 */
#include "admin_client.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The last client's session, as the admin shows it.  The caller deletes it. */
static cJSON *newest_session(const server_t *server)
{
    cJSON *clients = admin_get(server, "/api/v1/clients");
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(clients, "items");
    int count = cJSON_GetArraySize(items);
    char path[160];

    assert_true(count > 0);
    snprintf(path, sizeof(path), "/api/v1/entities/%s/components/session",
             admin_text(cJSON_GetArrayItem(items, count - 1), "entity"));
    cJSON_Delete(clients);
    return admin_get(server, path);
}

/* What a handshake with these headers is answered with; the client stays connected. */
static int knock(ws_client_t *client, const server_t *server, const char *headers)
{
    char request[1024];
    int size = snprintf(request, sizeof(request), WS_HANDSHAKE "%s\r\n", headers);

    assert_true(size > 0 && (size_t)size < sizeof(request));
    ws_client_connect(client, server->port);
    ws_client_send_raw(client, request, (size_t)size);
    return ws_client_receive_status(client);
}

/* Subprotocols (RFC 6455 sections 4.2.2 and 11.3.4)
 * ------------------------------------- */

static void
test_ws_limits_first_offered_subprotocol_that_is_listed_is_chosen(void **state)
{
    static const struct {
        const char *offer;
        const char *chosen; /* NULL = none */
    } cases[] = {
        {"chat", "chat"},
        {"reef.v1", "reef.v1"},
        {"chat, reef.v1", "chat"}, /* the client's order, not ours */
        {"reef.v1,chat", "reef.v1"},
        {"x-unknown, chat", "chat"},
        {"x-unknown\r\nSec-WebSocket-Protocol: chat, reef.v1", "chat"},
        {"x-unknown", NULL},
        {"CHAT", NULL}, /* names are told apart by case */
        {"reef", NULL}, /* and whole */
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.subprotocols=reef.v1,chat");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ws_client_t client = {0};
        char headers[256];
        char head[2048];
        char value[64] = "";
        cJSON *session;

        snprintf(headers, sizeof(headers), "Sec-WebSocket-Protocol: %s\r\n",
                 cases[i].offer);
        ws_client_open_with(&client, server->port, headers, head, sizeof(head));
        assert_int_equal(
            ws_client_head_value(head, "Sec-WebSocket-Protocol", value, sizeof(value)),
            cases[i].chosen != NULL);
        assert_string_equal(value, cases[i].chosen ? cases[i].chosen : "");
        ws_client_expect_silence(&client);
        session = newest_session(server);
        assert_string_equal(admin_text(session, "subprotocol"), value);
        cJSON_Delete(session);
        ws_client_drop(&client);
    }
}

static void test_ws_limits_no_subprotocol_is_chosen_where_none_is_offered(void **state)
{
    fixture_t *fixture = *state;
    char head[2048];
    char value[64];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.subprotocols=reef.v1");
    ws_client_open_with(&fixture->clients[0], fixture->server.port, "", head,
                        sizeof(head));
    assert_false(
        ws_client_head_value(head, "Sec-WebSocket-Protocol", value, sizeof(value)));
    ws_client_expect_silence(&fixture->clients[0]);
}

/* Paths -------------------------------------------------------------------------------
 */

static void test_ws_limits_path_that_is_not_listed_gets_404(void **state)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {
        {"/game", 101},   {"/chat/eu", 101}, {"/game?token=1", 101}, {"/", 404},
        {"/gam", 404},    {"/games", 404},   {"/game/", 404},        {"/chat", 404},
        {"/?/game", 404}, {"/GAME", 404},    {"/x/../game", 404},    {"//game", 404},
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.paths=/game, /chat/eu");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ws_client_t client = {0};
        char request[512];
        int size = snprintf(request, sizeof(request),
                            "GET %s HTTP/1.1\r\nHost: a\r\n"
                            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            "Sec-WebSocket-Version: 13\r\n\r\n",
                            cases[i].target);
        int status;

        ws_client_connect(&client, server->port);
        ws_client_send_raw(&client, request, (size_t)size);
        status = ws_client_receive_status(&client);
        if (status != cases[i].status) {
            fail_msg("%s: %d instead of %d", cases[i].target, status, cases[i].status);
        }
        if (status != 101) {
            ws_client_discard(&client); /* the reason, as text */
        }
        ws_client_drop(&client);
    }
}

/* Proxies -----------------------------------------------------------------------------
 */

typedef struct forwarded {
    const char *headers;
    const char *peer; /* with a port behind it or not */
} forwarded_t;

/* "[address]:port", "address:port" or "address" */
static void expect_peer(const char *peer, const forwarded_t *row)
{
    const char *start = peer[0] == '[' ? peer + 1 : peer;
    size_t length = strlen(row->peer);

    if (strncmp(start, row->peer, length) != 0 ||
        (start[length] != '\0' && start[length] != ':' && start[length] != ']')) {
        fail_msg("%s: '%s' instead of '%s'", row->headers, peer, row->peer);
    }
}

static void expect_peers(const server_t *server, const forwarded_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ws_client_t client = {0};
        cJSON *session;

        assert_int_equal(knock(&client, server, rows[i].headers), 101);
        ws_client_expect_silence(&client);
        session = newest_session(server);
        expect_peer(admin_text(session, "peer"), &rows[i]);
        cJSON_Delete(session);
        ws_client_drop(&client);
    }
}

#define FORWARDED "X-Forwarded-For: "

static void test_ws_limits_nobody_is_believed_about_addresses_by_default(void **state)
{
    static const forwarded_t rows[] = {
        {FORWARDED "198.51.100.7\r\n", "127.0.0.1"},
        {FORWARDED "198.51.100.7, 127.0.0.1\r\n", "127.0.0.1"},
        {"", "127.0.0.1"},
    };
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, ECHO_EXAMPLE, NULL);
    expect_peers(&fixture->server, rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_ws_limits_proxy_that_is_not_listed_is_not_believed(void **state)
{
    static const forwarded_t rows[] = {
        {FORWARDED "198.51.100.7\r\n", "127.0.0.1"},
        {FORWARDED "198.51.100.7, 10.1.2.3\r\n", "127.0.0.1"},
    };
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, ECHO_EXAMPLE,
                 "websocket.trusted_proxies=10.0.0.0/8, ::1, 127.0.0.2");
    expect_peers(&fixture->server, rows, sizeof(rows) / sizeof(rows[0]));
}

static void test_ws_limits_rightmost_address_that_is_no_proxy_is_the_peer(void **state)
{
    static const forwarded_t rows[] = {
        {"", "127.0.0.1"},
        {FORWARDED "198.51.100.7\r\n", "198.51.100.7"},
        {FORWARDED "203.0.113.9, 198.51.100.7\r\n", "198.51.100.7"}, /* is made up */
        {FORWARDED "203.0.113.9, 198.51.100.7, 10.1.2.3\r\n", "198.51.100.7"},
        {FORWARDED "198.51.100.7,10.1.2.3,127.0.0.9\r\n", "198.51.100.7"},
        {FORWARDED "203.0.113.9\r\n" FORWARDED "198.51.100.7\r\n", "198.51.100.7"},
        {FORWARDED "198.51.100.7\r\n" FORWARDED "10.1.2.3\r\n", "198.51.100.7"},
        {FORWARDED "11.0.0.1\r\n", "11.0.0.1"}, /* just outside of the prefix */
        {FORWARDED "2001:db8::7\r\n", "2001:db8::7"},
        {FORWARDED "2001:db8::7, ::1\r\n", "2001:db8::7"},
        {FORWARDED "2001:DB8:0:0:0:0:0:7\r\n", "2001:db8::7"},
        {FORWARDED "10.1.2.3\r\n", "10.1.2.3"}, /* all are trusted */
    };
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, ECHO_EXAMPLE,
                 "websocket.trusted_proxies=127.0.0.0/8,10.0.0.0/8,::1");
    expect_peers(&fixture->server, rows, sizeof(rows) / sizeof(rows[0]));
}

/* Connections per address -------------------------------------------------------------
 */

static void test_ws_limits_connections_beyond_those_of_an_address_get_429(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *first = &fixture->clients[0];
    ws_client_t other = {0};
    server_base_line_t before;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.max_sessions_per_address=2",
                 "websocket.trusted_proxies=127.0.0.1");
    assert_int_equal(knock(&fixture->clients[1], server, FORWARDED "198.51.100.7\r\n"),
                     101);
    before = server_base_line(server);
    assert_int_equal(knock(first, server, FORWARDED "198.51.100.7\r\n"), 101);
    assert_int_equal(knock(&other, server, FORWARDED "198.51.100.7\r\n"), 429);
    ws_client_discard(&other);
    ws_client_drop(&other);
    assert_int_equal(knock(&other, server, FORWARDED "198.51.100.8\r\n"), 101);
    ws_client_drop(&other);
    ws_client_expect_silence(first);

    ws_client_drop(first); /* gives its place back */
    server_await_base_line(server, before);
    assert_int_equal(knock(first, server, FORWARDED "198.51.100.7\r\n"), 101);
    ws_client_expect_silence(first);
}

static void test_ws_limits_ipv6_counts_by_its_first_64_bits(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t other = {0};

    SERVER_START(server, ECHO_EXAMPLE, "websocket.max_sessions_per_address=2",
                 "websocket.trusted_proxies=127.0.0.1");
    assert_int_equal(knock(&fixture->clients[0], server, FORWARDED "2001:db8::1\r\n"),
                     101);
    assert_int_equal(
        knock(&fixture->clients[1], server, FORWARDED "2001:db8::ffff:0:0:1\r\n"), 101);
    assert_int_equal(knock(&other, server, FORWARDED "2001:db8:0:0:1::\r\n"), 429);
    ws_client_drop(&other);
    assert_int_equal(
        knock(&fixture->clients[2], server, FORWARDED "2001:db8:0:1::1\r\n"), 101);
}

static void test_ws_limits_loopback_itself_has_any_number_of_connections(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.max_sessions_per_address=1");
    for (size_t i = 0; i < FIXTURE_CLIENTS; i++) {
        ws_client_open(&fixture->clients[i], server->port);
        ws_client_expect_silence(&fixture->clients[i]);
    }
}

static void test_ws_limits_loopback_behind_a_proxy_is_counted(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.max_sessions_per_address=1",
                 "websocket.trusted_proxies=127.0.0.1");
    assert_int_equal(knock(&fixture->clients[0], server, FORWARDED "127.0.0.5\r\n"),
                     101);
    assert_int_equal(knock(&fixture->clients[1], server, FORWARDED "127.0.0.5\r\n"),
                     429);
}

/* Silence -----------------------------------------------------------------------------
 */

static void test_ws_limits_silent_peer_is_pinged_and_then_closed(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];
    server_base_line_t before;
    ws_frame_t frame;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.idle_timeout_s=1",
                 "websocket.close_timeout_ms=50");
    before = server_base_line(server);
    ws_client_open(client, server->port);
    ws_client_receive(client, &frame);
    assert_int_equal(frame.opcode, WS_PING);
    ws_client_expect_close(client, 1001, "idle");
    ws_client_expect_end(client);
    server_await_base_line(server, before);
}

static void test_ws_limits_peer_that_answers_pings_stays(void **state)
{
    enum {
        PINGS = 3 /* one a second: longer than the timeout */
    };
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.idle_timeout_s=2");
    ws_client_open(client, fixture->server.port);
    for (int i = 0; i < PINGS; i++) {
        ws_frame_t ping;

        ws_client_receive(client, &ping);
        assert_int_equal(ping.opcode, WS_PING);
        ws_client_send(client, WS_FIN | WS_PONG, ping.data, ping.size);
    }
    ws_client_say(client, "still here");
    ws_client_expect_text(client, "still here");
}

/* Whose other end is gone without a word: nothing comes, and nothing is read. */
static void test_ws_limits_vanished_peers_leave_nothing_behind(void **state)
{
    enum {
        CROWD = 100
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t crowd[CROWD] = {0};
    server_base_line_t before;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.idle_timeout_s=1",
                 "websocket.close_timeout_ms=50");
    before = server_base_line(server);
    for (size_t i = 0; i < CROWD; i++) {
        ws_client_open(&crowd[i], server->port);
    }
    server_await_base_line(server, before);
    for (size_t i = 0; i < CROWD; i++) {
        ws_client_drop(&crowd[i]);
    }
}

/* Slow --------------------------------------------------------------------------------
 */

static void test_ws_limits_message_that_is_never_finished_gets_1008(void **state)
{
    static const char *const beginnings[] = {
        "\x01\x82\0\0\0\0hi",                         /* a fragment */
        "\x82\xfe\x10\x00\0\0\0\0part of a payload.", /* a frame */
        "\x82\xfe",                                   /* a header */
    };
    static const size_t sizes[] = {8, 26, 2};
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.message_timeout_s=1");
    for (size_t i = 0; i < FIXTURE_CLIENTS; i++) {
        ws_client_open(&clients[i], fixture->server.port);
        ws_client_send_raw(&clients[i], beginnings[i], sizes[i]);
    }
    for (size_t i = 0; i < FIXTURE_CLIENTS; i++) {
        ws_client_expect_close(&clients[i], 1008, NULL);
        ws_client_expect_end(&clients[i]);
    }
}

/* That something comes is not enough: the message must come to its end. */
static void test_ws_limits_message_that_drips_gets_1008(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    ws_client_t *other = &fixture->clients[1];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "websocket.message_timeout_s=1",
                 "websocket.max_fragments=67108864");
    ws_client_open(other, fixture->server.port);
    ws_client_open(client, fixture->server.port);
    ws_client_send(client, WS_TEXT, "", 0);
    while (!ws_client_has_data(client)) {
        ws_client_send(client, 0, "", 0);
        ws_client_say(other, "paces the other"); /* and is served */
        ws_client_expect_text(other, "paces the other");
    }
    ws_client_expect_close(client, 1008, NULL);
}

/* It reads nothing: what waits for it is thrown away, and so is the connection. */
static void test_ws_limits_peer_that_does_not_read_is_cut_off(void **state)
{
    enum {
        COUNT = 256, /* more than the system's buffers take */
        SIZE = 65536
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];
    static const uint8_t payload[SIZE];
    server_base_line_t before;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.write_timeout_s=1",
                 "websocket.max_queue=67108864");
    before = server_base_line(server);
    ws_client_open(client, server->port);
    for (int i = 0; i < COUNT; i++) {
        ws_client_send(client, WS_FIN | WS_BINARY, payload, sizeof(payload));
    }
    server_await_base_line(server, before);
}

/* The same without a heartbeat, and with nothing that comes in: only the stalled socket
 * itself says that there is something to wait for. */
static void test_ws_limits_silent_peer_that_does_not_read_is_cut_off(void **state)
{
    enum {
        SIZE = 16 << 20 /* more than the system's buffers take */
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];
    uint8_t *payload = calloc(1, SIZE);
    server_base_line_t before;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.write_timeout_s=1",
                 "websocket.idle_timeout_s=0", "websocket.message_timeout_s=0",
                 "websocket.handshake_timeout_ms=600000",
                 "websocket.max_queue=67108864", "websocket.max_message=67108864",
                 "websocket.max_frame=67108864");
    before = server_base_line(server);
    ws_client_open(client, server->port);
    ws_client_send(client, WS_FIN | WS_BINARY, payload, SIZE);
    free(payload);
    server_await_base_line(server, before);
}

static bool gets_in(ws_client_t *client, const server_t *server)
{
    static const char accepted[] = "HTTP/1.1 101";
    char start[sizeof(accepted) - 1];

    ws_client_drop(client);
    ws_client_connect(client, server->port);
    (void)send(client->descriptor, WS_HANDSHAKE "\r\n", strlen(WS_HANDSHAKE "\r\n"),
               MSG_NOSIGNAL); /* it may be closed already */
    return recv(client->descriptor, start, sizeof(start), MSG_WAITALL) ==
               sizeof(start) &&
           memcmp(start, accepted, sizeof(start)) == 0;
}

/* Those who are told why they cannot come in are few, for they take descriptors, and
 * they take no place. */
static void test_ws_limits_crowd_at_the_door_takes_few_descriptors(void **state)
{
    enum {
        CROWD = 100,
        POLITE = 32
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t crowd[CROWD] = {0};
    char first;
    int told = 0;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.max_sessions=1",
                 "websocket.close_timeout_ms=60000");
    while (!gets_in(&fixture->clients[0], server)) { /* behind the fixture's own */
        poll(NULL, 0, 1);
    }
    for (int i = 0; i < CROWD; i++) {
        ws_client_connect(&crowd[i], server->port);
    }
    for (int i = 0; i < CROWD; i++) { /* the end, or an answer before it */
        told += recv(crowd[i].descriptor, &first, 1, 0) > 0;
    }
    assert_in_range(told, 1, POLITE); /* a place may not be free again yet */
    ws_client_drop(&fixture->clients[0]);
    while (!gets_in(&fixture->clients[1], server)) { /* soon, or the test's time ends */
        poll(NULL, 0, 1);
    }
    for (int i = 0; i < CROWD; i++) {
        ws_client_drop(&crowd[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ws_limits_first_offered_subprotocol_that_is_listed_is_chosen),
        TEST(test_ws_limits_no_subprotocol_is_chosen_where_none_is_offered),
        TEST(test_ws_limits_path_that_is_not_listed_gets_404),
        TEST(test_ws_limits_nobody_is_believed_about_addresses_by_default),
        TEST(test_ws_limits_proxy_that_is_not_listed_is_not_believed),
        TEST(test_ws_limits_rightmost_address_that_is_no_proxy_is_the_peer),
        TEST(test_ws_limits_connections_beyond_those_of_an_address_get_429),
        TEST(test_ws_limits_ipv6_counts_by_its_first_64_bits),
        TEST(test_ws_limits_loopback_itself_has_any_number_of_connections),
        TEST(test_ws_limits_loopback_behind_a_proxy_is_counted),
        TEST(test_ws_limits_silent_peer_is_pinged_and_then_closed),
        TEST(test_ws_limits_peer_that_answers_pings_stays),
        TEST(test_ws_limits_vanished_peers_leave_nothing_behind),
        TEST(test_ws_limits_message_that_is_never_finished_gets_1008),
        TEST(test_ws_limits_message_that_drips_gets_1008),
        TEST(test_ws_limits_peer_that_does_not_read_is_cut_off),
        TEST(test_ws_limits_silent_peer_that_does_not_read_is_cut_off),
        TEST(test_ws_limits_crowd_at_the_door_takes_few_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
