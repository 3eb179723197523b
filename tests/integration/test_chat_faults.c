/* Clients that come too early, die or flood, and operators who move them. */
#include "talker.h"

#include "tcp_fixture.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Alone: others have more to say about who comes and goes. */
#define CHAT "plugins.enabled=chat"

static void start_with(fixture_t *fixture, talker_t *talkers, size_t count)
{
    TALKER_START_SERVER(&fixture->server, REEFD, CHAT);
    for (size_t i = 0; i < count; i++) {
        talker_open_chat(&talkers[i], &fixture->server, TALKER_WEBSOCKET);
    }
}

static void close_all(talker_t *talkers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        talker_close(&talkers[i]);
    }
}

/* Fault 9 ----------------------------------------------------------------------------
 */

/* The request and the first message in one write, before any answer. */
static void
speak_with_the_handshake(ws_client_t *client, uint16_t port, const char *first)
{
    static const char head[] = WS_HANDSHAKE "\r\n";
    uint8_t bytes[512];
    size_t size = sizeof(head) - 1;

    memcpy(bytes, head, size);
    size += ws_client_write_frame(bytes + size, WS_FIN | WS_TEXT, first, strlen(first));
    ws_client_connect(client, port);
    ws_client_send_raw(client, bytes, size);
}

static void test_chat_faults_first_message_comes_with_the_connection(void **state)
{
    enum {
        TIMES = 50
    };
    fixture_t *fixture = *state;
    char text[64];

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT);
    for (int i = 0; i < TIMES; i++) {
        ws_client_t web = {0};
        talker_t other;

        speak_with_the_handshake(&web, fixture->server.port, "hi");
        assert_int_equal(ws_client_receive_status(&web), 101);
        snprintf(text, sizeof(text), "User %d: hi", 2 * i + 1);
        ws_client_expect_text(&web, text);
        talker_open(&other, &fixture->server, i % 2 ? TALKER_TCP : TALKER_UDP);
        talker_say(&other, "/join b");
        talker_expect(&other, "[System] Joined room: b");
        ws_client_drop(&web);
        talker_close(&other);
    }
}

/* In one write, so in one frame of the server. */
static void
test_chat_faults_two_joins_in_a_tick_leave_the_client_in_one_room(void **state)
{
    static const char joins[] = "/join lagoon\n/join the reef\n/list\n";
    static const char answers[] =
        "[System] Joined room: lagoon\n[System] Joined room: the reef\n"
        "[System] Active Rooms:\n  - the reef (1 users)\n";
    fixture_t *fixture = *state;
    talker_t one;
    talker_t two;

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT);
    talker_open_chat(&one, &fixture->server, TALKER_TCP);
    talker_open_chat(&two, &fixture->server, TALKER_WEBSOCKET);
    assert_true(socket_send(one.descriptor, joins, sizeof(joins) - 1));
    tcp_fixture_expect(one.descriptor, answers, sizeof(answers) - 1);
    talker_join(&two, "lagoon");
    talker_say(&two, "who is here?");
    talker_expect(&two, "User 2: who is here?");
    talker_expect_silence(&one);
    talker_close(&one);
    talker_close(&two);
}

static void expect_alone(talker_t *talker)
{
    talker_say(talker, "/list");
    talker_expect(talker, "[System] Active Rooms:\n  - the reef (1 users)");
}

/* Comes in by its first message; nothing but silence follows. */
static void join_and_fall_silent(talker_t *talker, server_t *server, talker_kind_t kind)
{
    if (kind == TALKER_WEBSOCKET) {
        *talker = (talker_t){.kind = kind, .is_open = true};
        speak_with_the_handshake(&talker->ws, server->port, "/join the reef");
    } else {
        talker_open(talker, server, kind);
        talker_say(talker, "/join the reef");
    }
}

static void
expect_no_ghost(fixture_t *fixture, talker_kind_t silent, const char *setting)
{
    talker_t one;
    talker_t two;

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT, setting);
    talker_open_chat(&one, &fixture->server,
                     silent == TALKER_TCP ? TALKER_WEBSOCKET : TALKER_TCP);
    talker_join(&one, "the reef");
    join_and_fall_silent(&two, &fixture->server, silent);
    talker_expect(&one, "[System] User 2 has left.");
    expect_alone(&one);
    talker_say(&one, "alone");
    talker_expect(&one, "User 1: alone");
    talker_close(&two);
    talker_close(&one);
}

static void test_chat_faults_timed_out_websocket_is_no_ghost(void **state)
{
    expect_no_ghost(*state, TALKER_WEBSOCKET, "websocket.idle_timeout_s=2");
}

static void test_chat_faults_timed_out_tcp_client_is_no_ghost(void **state)
{
    expect_no_ghost(*state, TALKER_TCP, "tcp.idle_timeout_s=2");
}

static void test_chat_faults_timed_out_udp_client_is_no_ghost(void **state)
{
    expect_no_ghost(*state, TALKER_UDP, "udp.idle_timeout_s=2");
}

/* Deaths -----------------------------------------------------------------------------
 */

/* By a reset, whatever is under way. */
static void die(int descriptor)
{
    const struct linger at_once = {.l_onoff = 1};

    assert_int_equal(
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(descriptor);
}

/* Dies in the n-th way. */
static void live_and_die(fixture_t *fixture, int way)
{
    static const char *const texts[] = {
        "",                                       /* without a word */
        "/jo",                                    /* within one */
        "/join the reef\n",                       /* before the answer */
        "/join the reef\n/join lagoon\n/leave\n", /* somewhere in between */
        "/join the reef\nhello\n/li",
        "/nick Ada\n/join lagoon\n/list\n/list\n",
    };
    enum {
        WAYS = sizeof(texts) / sizeof(texts[0])
    };
    const char *text = texts[way % WAYS];
    int descriptor =
        socket_connect(tcp_fixture_port(&fixture->server, "tcp", "127.0.0.1"));

    (void)socket_send(descriptor, text, strlen(text));
    if (way % 3 == 0) {
        close(descriptor); /* what it said is heard */
    } else {
        die(descriptor);
    }
}

static void test_chat_faults_clients_that_die_leave_nothing_behind(void **state)
{
    enum {
        DEATHS = 300
    };
    fixture_t *fixture = *state;
    server_base_line_t before;
    talker_t watcher;

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT);
    talker_open_chat(&watcher, &fixture->server, TALKER_UDP);
    before = server_base_line(&fixture->server);
    for (int i = 0; i < DEATHS; i++) {
        live_and_die(fixture, i);
    }
    server_await_base_line(&fixture->server, before);
    assert_true(admin_metric(&fixture->server, "reef_chat_rooms") == 0);
    talker_close(&watcher);
}

/* Floods -----------------------------------------------------------------------------
 */

/* Join `count` rooms without waiting for an answer, then take all the answers. */
static void join_many(talker_t *talker, int first, int count)
{
    char text[4096];
    char answers[8192];
    size_t size = 0;
    size_t expected = 0;

    for (int i = first; i < first + count; i++) {
        size +=
            (size_t)snprintf(text + size, sizeof(text) - size, "/join room %d\n", i);
        expected += (size_t)snprintf(answers + expected, sizeof(answers) - expected,
                                     "[System] Joined room: room %d\n", i);
    }
    assert_true(socket_send(talker->descriptor, text, size));
    tcp_fixture_expect(talker->descriptor, answers, expected);
}

static void test_chat_faults_flood_of_joins_takes_no_memory(void **state)
{
    enum {
        BATCH = 100,
        JOINS = 300 * BATCH
    };
    fixture_t *fixture = *state;
    talker_t one;
    size_t memory;
    char text[64];

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT);
    talker_open_chat(&one, &fixture->server, TALKER_TCP);
    join_many(&one, 0, BATCH);
    memory = process_memory_bytes(&fixture->server.process);
    for (int i = BATCH; i < JOINS; i += BATCH) {
        join_many(&one, i, BATCH);
    }
    talker_say(&one, "/list");
    snprintf(text, sizeof(text), "[System] Active Rooms:\n  - room %d (1 users)",
             JOINS - 1);
    talker_expect(&one, text);
    server_expect_memory(&fixture->server, memory, (size_t)4 << 20);
    assert_true(admin_metric(&fixture->server, "reef_chat_rooms") == 1);
    assert_true(admin_metric(&fixture->server, "reef_chat_rooms_created_total") ==
                JOINS);
    talker_close(&one);
}

static void test_chat_faults_rooms_have_a_cap(void **state)
{
    fixture_t *fixture = *state;
    talker_t talkers[3];

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT, "chat.max_rooms=2");
    for (size_t i = 0; i < 3; i++) {
        talker_open_chat(&talkers[i], &fixture->server, TALKER_WEBSOCKET);
    }
    talker_join(&talkers[0], "one");
    talker_join(&talkers[1], "two");
    talker_say(&talkers[2], "/join three");
    talker_expect(&talkers[2], "[Error] There are too many rooms.");
    assert_true(admin_metric(&fixture->server, "reef_chat_refused_total") == 1 + 3);
    talker_join(&talkers[2], "two");
    talker_join(&talkers[0], "another"); /* in place of the one it leaves */
    close_all(talkers, 3);
}

static void test_chat_faults_list_is_cut(void **state)
{
    enum {
        ROOMS = 520
    };
    fixture_t *fixture = *state;
    static talker_t talkers[ROOMS];
    ws_client_t *asks = &fixture->clients[0];
    static const char end[] = "(1 users)\n  … and 20 more";
    ws_frame_t frame;
    char text[32];

    TALKER_START_SERVER(&fixture->server, REEFD, CHAT);
    for (int i = 0; i < ROOMS; i++) {
        snprintf(text, sizeof(text), "room %d", i);
        talker_open(&talkers[i], &fixture->server, TALKER_TCP);
        talker_join(&talkers[i], text);
    }
    ws_client_open_chat(asks, fixture->server.port);
    ws_client_say(asks, "/list");
    ws_client_receive(asks, &frame);
    assert_true(frame.size < 32768);
    assert_memory_equal(frame.data + frame.size - strlen(end), end, strlen(end));
    close_all(talkers, ROOMS);
}

/* Operators --------------------------------------------------------------------------
 */

/* The entity of the client with this id. */
static void
find_entity(const server_t *server, const char *id, char *entity, size_t capacity)
{
    cJSON *reply = admin_get(server, "/api/v1/clients");
    const cJSON *item;

    entity[0] = '\0';
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(reply, "items"))
    {
        if (strcmp(admin_text(item, "id"), id) == 0) {
            snprintf(entity, capacity, "%s", admin_text(item, "entity"));
        }
    }
    cJSON_Delete(reply);
    assert_true(entity[0] != '\0');
}

/* The path of the relation of a client. */
static void
relation_path(const server_t *server, const char *id, char *path, size_t capacity)
{
    char entity[32];

    find_entity(server, id, entity, sizeof(entity));
    snprintf(path, capacity, "/api/v1/entities/%s/components/in_room", entity);
}

static int
edit(const server_t *server, const char *method, const char *path, const char *body)
{
    int status;

    cJSON_Delete(admin_request(server, method, path, body, &status));
    return status;
}

static void test_chat_faults_operator_moves_clients(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    talker_t talkers[3];
    char path[128];
    cJSON *relation;
    char *body;

    start_with(fixture, talkers, 3);
    talker_join(&talkers[0], "the reef");
    talker_join(&talkers[1], "the reef");
    relation_path(server, "1", path, sizeof(path));
    relation = admin_get(server, path);
    body = cJSON_PrintUnformatted(relation);
    relation_path(server, "3", path, sizeof(path));
    assert_int_equal(edit(server, "PUT", path, body), 201);
    talker_expect(&talkers[2], "[System] Joined room: the reef");
    talker_say(&talkers[2], "hello");
    for (size_t i = 0; i < 3; i++) {
        talker_expect(&talkers[i], "User 3: hello");
    }
    relation_path(server, "1", path, sizeof(path));
    assert_int_equal(edit(server, "DELETE", path, NULL), 200);
    talker_expect(&talkers[0], "[System] Left room: the reef");
    talker_expect(&talkers[1], "[System] User 1 has left.");
    talker_expect(&talkers[2], "[System] User 1 has left.");
    talker_say(&talkers[1], "secret");
    talker_expect(&talkers[2], "User 2: secret");
    talker_expect_silence(&talkers[0]);
    cJSON_free(body);
    cJSON_Delete(relation);
    close_all(talkers, 3);
}

static void test_chat_faults_operator_closes_a_room(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    talker_t talkers[2];
    char path[128];
    cJSON *relation;

    start_with(fixture, talkers, 2);
    talker_join(&talkers[0], "the reef");
    talker_join(&talkers[1], "the reef");
    relation_path(server, "1", path, sizeof(path));
    relation = admin_get(server, path);
    snprintf(path, sizeof(path), "/api/v1/entities/%s", admin_text(relation, "target"));
    assert_in_range(edit(server, "DELETE", path, NULL), 200, 204);
    for (size_t i = 0; i < 2; i++) {
        talker_expect(&talkers[i], "[System] Left room: the reef");
    }
    talker_say(&talkers[0], "/list");
    talker_expect(&talkers[0], "[System] Active Rooms:\n  No active rooms right now.");
    talker_say(&talkers[0], "to all");
    talker_expect(&talkers[1], "User 1: to all");
    cJSON_Delete(relation);
    close_all(talkers, 2);
}

static void test_chat_faults_operator_sees_rooms_and_members(void **state)
{
    fixture_t *fixture = *state;
    talker_t talkers[3];
    cJSON *reply;
    const cJSON *items;

    start_with(fixture, talkers, 3);
    talker_join(&talkers[0], "the reef");
    talker_join(&talkers[1], "the reef");
    talker_join(&talkers[2], "lagoon");
    reply = admin_get(&fixture->server, "/api/v1/lists/rooms?sort=-members");
    items = cJSON_GetObjectItemCaseSensitive(reply, "items");
    assert_int_equal(cJSON_GetArraySize(items), 2);
    assert_string_equal(admin_text(cJSON_GetArrayItem(items, 0), "key"), "the reef");
    assert_true(admin_number(cJSON_GetArrayItem(items, 0), "members") == 2);
    assert_string_equal(admin_text(cJSON_GetArrayItem(items, 1), "key"), "lagoon");
    assert_true(admin_number(cJSON_GetArrayItem(items, 1), "members") == 1);
    cJSON_Delete(reply);
    reply = admin_get(&fixture->server, "/api/v1/lists/rooms/members?key=the%20reef");
    items = cJSON_GetObjectItemCaseSensitive(reply, "items");
    assert_string_equal(admin_text(cJSON_GetArrayItem(items, 1), "client_id"), "2");
    cJSON_Delete(reply);
    close_all(talkers, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_chat_faults_first_message_comes_with_the_connection),
        TEST(test_chat_faults_two_joins_in_a_tick_leave_the_client_in_one_room),
        TEST(test_chat_faults_timed_out_websocket_is_no_ghost),
        TEST(test_chat_faults_timed_out_tcp_client_is_no_ghost),
        TEST(test_chat_faults_timed_out_udp_client_is_no_ghost),
        TEST(test_chat_faults_clients_that_die_leave_nothing_behind),
        TEST(test_chat_faults_flood_of_joins_takes_no_memory),
        TEST(test_chat_faults_rooms_have_a_cap),
        TEST(test_chat_faults_list_is_cut),
        TEST(test_chat_faults_operator_moves_clients),
        TEST(test_chat_faults_operator_closes_a_room),
        TEST(test_chat_faults_operator_sees_rooms_and_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
