/*
 * Chat, lobby, presence, spatial, heartbeat, rate limit and snapshots in one server,
 * over real sockets: however a client ends or is moved about, everybody concerned is
 * told once, nobody else, and no plugin has a ghost left.
 */
#include "admin_client.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#define ALL "plugins.enabled=chat,lobby,presence,spatial,heartbeat,rate_limit,snapshot"

enum {
    CLIENTS = FIXTURE_CLIENTS,
    MAX_NEWS = 64,
    FLOOD = 100
};

/* What a client heard, and how often. */
typedef struct news {
    char texts[MAX_NEWS][160];
    uint32_t count;
} news_t;

/* The next text; pings are answered on the way. */
static void next_text(ws_client_t *client, char *text, size_t capacity)
{
    ws_frame_t frame;

    for (;;) {
        ws_client_receive(client, &frame);
        if (frame.opcode == WS_PING) {
            char payload[WS_MAX_HEAD + 125];

            memcpy(payload, frame.data, frame.size);
            ws_client_send(client, WS_FIN | WS_PONG, payload, frame.size);
            continue;
        }
        assert_int_equal(frame.opcode, WS_TEXT);
        snprintf(text, capacity, "%.*s", (int)frame.size, (const char *)frame.data);
        return;
    }
}

static void expect(ws_client_t *client, const char *expected)
{
    char text[160];

    next_text(client, text, sizeof(text));
    assert_string_equal(text, expected);
}

static void ask(ws_client_t *client, const char *text, const char *answer)
{
    ws_client_say(client, text);
    expect(client, answer);
}

static uint32_t times_heard(const news_t *news, const char *text)
{
    uint32_t times = 0;

    for (uint32_t i = 0; i < news->count; i++) {
        times += strcmp(news->texts[i], text) == 0;
    }
    return times;
}

static void hear(ws_client_t *client, news_t *news)
{
    assert_true(news->count < MAX_NEWS);
    next_text(client, news->texts[news->count], sizeof(news->texts[0]));
    news->count++;
}

/* All that was said before now; the answer that ends it is not among it. */
static void hear_all(ws_client_t *client, news_t *news)
{
    static const char end[] = "[Error] Unknown command: /nothing";

    for (int i = 0; i < 2; i++) {
        ws_client_say(client, "/nothing");
        do {
            hear(client, news);
        } while (strcmp(news->texts[news->count - 1], end) != 0);
        news->count--;
    }
}

/* Each of these once, and nothing else. */
static void expect_news(ws_client_t *client, int count, ...)
{
    news_t news = {0};
    uint32_t wanted = (uint32_t)count;
    va_list texts;

    while (news.count < wanted) {
        hear(client, &news);
    }
    hear_all(client, &news);
    va_start(texts, count);
    for (int i = 0; i < count; i++) {
        const char *text = va_arg(texts, const char *);

        if (times_heard(&news, text) != 1) {
            fail_msg("'%s' was heard %u times", text, times_heard(&news, text));
        }
    }
    va_end(texts);
    if (news.count != wanted) {
        fail_msg("heard also: '%s'", news.texts[news.count - 1]);
    }
}

static void expect_nothing(ws_client_t *client)
{
    expect_news(client, 0);
}

/* Clients 1 and 2 are in a room, in a lobby and near each other; 3 is in none. */
static void start_with(fixture_t *fixture, const char *first, const char *second)
{
    ws_client_t *clients = fixture->clients;
    char hello[16];

    SERVER_START(&fixture->server, REEFD, ALL, "snapshot.interval_s=0", first, second);
    for (int i = 0; i < CLIENTS; i++) {
        ws_client_open(&clients[i], fixture->server.port);
        snprintf(hello, sizeof(hello), "hello %d", i + 1);
        expect(&clients[i], hello);
    }
    ask(&clients[0], "/join reef", "[System] Joined room: reef");
    ask(&clients[1], "/join reef", "[System] Joined room: reef");
    ask(&clients[0], "/lobby create duel 2",
        "[Lobby] Created and joined 'duel' (1/2).");
    ask(&clients[1], "/lobby join duel", "[Lobby] Joined 'duel' (2/2).");
    ask(&clients[1], "/move 0 0", "pos 2 0 0");
    ask(&clients[0], "/move 1 1", "pos 1 1 1");
    expect(&clients[0], "pos 2 0 0");
    expect(&clients[1], "pos 1 1 1");
}

static void start(fixture_t *fixture)
{
    start_with(fixture, "server.tick_rate=60", "log.level=info");
}

static int
operate(fixture_t *fixture, const char *method, const char *path, const char *body)
{
    int status;

    cJSON_Delete(admin_request(&fixture->server, method, path, body, &status));
    return status;
}

/* The entity of the only one that has a component, or of a client. */
static void entity_path(
    fixture_t *fixture, const char *query, const char *end, char *path, size_t capacity)
{
    cJSON *found;
    char ask_path[96];

    snprintf(ask_path, sizeof(ask_path), "/api/v1/entities?query=%s", query);
    found = admin_get(&fixture->server, ask_path);
    snprintf(path, capacity, "/api/v1/entities/%s%s",
             admin_text(cJSON_GetArrayItem(
                            cJSON_GetObjectItemCaseSensitive(found, "items"), 0),
                        "id"),
             end);
    cJSON_Delete(found);
}

static void
client_path(fixture_t *fixture, int id, const char *end, char *path, size_t capacity)
{
    cJSON *found;

    snprintf(path, capacity, "/api/v1/clients/%d", id);
    found = admin_get(&fixture->server, path);
    snprintf(path, capacity, "/api/v1/entities/%s%s", admin_text(found, "entity"), end);
    cJSON_Delete(found);
}

static double rows(fixture_t *fixture, const char *list)
{
    char path[64];

    snprintf(path, sizeof(path), "/api/v1/lists/%s", list);
    return admin_total(&fixture->server, path);
}

/* Client 1 has ended. */
static void expect_end_of_one(fixture_t *fixture)
{
    ws_client_t *clients = fixture->clients;

    expect_news(&clients[1], 3, "1 offline", "gone 1", "[System] User 1 has left.");
    expect_nothing(&clients[2]);
    ask(&clients[1], "/lobby info duel", "[Lobby] duel (1/2)  owner:2  members:2");
    ask(&clients[1], "/list", "[System] Active Rooms:\n  - reef (1 users)");
    ask(&clients[2], "/lobby join duel", "[Lobby] Joined 'duel' (2/2).");
    assert_true(rows(fixture, "presence") == 2);
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 2);
    ws_client_say(&clients[1], "still here");
    expect(&clients[1], "User 2: still here");
    expect_nothing(&clients[2]);
}

/* Ends ------------------------------------------------------------------------- */

static void test_together_vanishing_client_is_told_once(void **state)
{
    fixture_t *fixture = *state;

    start(fixture);
    ws_client_drop(&fixture->clients[0]);
    expect_end_of_one(fixture);
}

static void test_together_kicked_client_is_told_once(void **state)
{
    fixture_t *fixture = *state;

    start(fixture);
    assert_int_equal(operate(fixture, "POST", "/api/v1/clients/1:kick", NULL), 200);
    ws_client_expect_close(&fixture->clients[0], 1008, NULL);
    expect_end_of_one(fixture);
}

static void test_together_despawned_client_is_told_once(void **state)
{
    fixture_t *fixture = *state;
    char path[96];

    start(fixture);
    client_path(fixture, 1, "", path, sizeof(path));
    assert_int_equal(operate(fixture, "DELETE", path, NULL), 200);
    expect_end_of_one(fixture);
}

static void test_together_flooding_client_is_told_once(void **state)
{
    static uint8_t flood[FLOOD * 32];
    fixture_t *fixture = *state;
    ws_client_t *one = &fixture->clients[0];
    size_t size = 0;

    start_with(fixture, "rate_limit.action=disconnect", "rate_limit.max_messages=60");
    for (int i = 0; i < FLOOD; i++) { /* no news, so no answer */
        size +=
            ws_client_write_frame(flood + size, WS_FIN | WS_TEXT, "/status online", 14);
    }
    ws_client_send_raw(one, flood, size);
    expect(one, "[RateLimit] Disconnected due to rate limit violation.");
    ws_client_expect_close(one, 1008, NULL);
    expect_end_of_one(fixture);
}

static void test_together_silent_client_is_told_once(void **state)
{
    fixture_t *fixture = *state;

    start_with(fixture, "heartbeat.interval_s=0.5", "heartbeat.timeout_s=5");
    ws_client_drop(&fixture->clients[2]);
    expect(&fixture->clients[1], "3 offline");
    expect_news(&fixture->clients[1], 3, "1 offline", "gone 1",
                "[System] User 1 has left.");
    assert_true(rows(fixture, "presence") == 1);
}

/* Operators -------------------------------------------------------------------- */

static void test_together_despawned_room_sends_all_out_once(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    char path[96];

    start(fixture);
    ask(&clients[0], "/status away", "1 away");
    expect(&clients[1], "1 away");
    entity_path(fixture, "room_channel", "", path, sizeof(path));
    assert_int_equal(operate(fixture, "DELETE", path, NULL), 200);
    expect_news(&clients[0], 2, "[System] Left room: reef", "1 away");
    expect_news(&clients[1], 2, "[System] Left room: reef", "1 away");
    expect_news(&clients[2], 1, "1 away"); /* who sees it now */
    assert_true(rows(fixture, "rooms") == 0);
    ask(&clients[2], "/list", "[System] Active Rooms:\n  No active rooms right now.");
    ws_client_say(&clients[0], "to all");
    for (int i = 0; i < CLIENTS; i++) {
        expect(&clients[i], "User 1: to all");
    }
    ask(&clients[0], "/lobby info duel", "[Lobby] duel (2/2)  owner:1  members:1,2");
}

static void test_together_operator_edits_what_it_may(void **state)
{
    static const char *const refused[][2] = {
        {"/components/room", "{\"value\": \"den\"}"},
        {"/components/presence", "{\"status\": \"busy\", \"since_ms\": 0}"},
        {"/components/client_id", "{\"value\": \"7\"}"},
    };
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    char path[128];

    start(fixture);
    assert_int_equal(operate(fixture, "POST", "/api/v1/entities",
                             "{\"components\":{\"room_channel\":{\"name\":\"den\"}}}"),
                     422);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        int status;

        client_path(fixture, 1, refused[i][0], path, sizeof(path));
        status = operate(fixture, "PUT", path, refused[i][1]);
        assert_true(status >= 400 && status < 500);
    }
    client_path(fixture, 1, "/components/username", path, sizeof(path));
    assert_int_equal(operate(fixture, "PUT", path, "{\"value\": \"Ada\"}"), 201);
    ws_client_say(&clients[0], "me");
    expect(&clients[0], "Ada: me");
    expect(&clients[1], "Ada: me");
    assert_int_equal(operate(fixture, "DELETE", path, NULL), 200);
    ws_client_say(&clients[0], "me");
    expect(&clients[0], "User 1: me");
    expect(&clients[1], "User 1: me");
    expect_nothing(&clients[2]);
}

/* Snapshots -------------------------------------------------------------------- */

static void restore(fixture_t *fixture)
{
    cJSON *list = admin_get(&fixture->server, "/api/v1/snapshots");
    char path[96];

    snprintf(path, sizeof(path), "/api/v1/snapshots/%.0f:restore",
             admin_number(
                 cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(list, "items"), 0),
                 "id"));
    cJSON_Delete(list);
    assert_int_equal(operate(fixture, "POST", path, NULL), 200);
}

/* What it holds is the world without those who are connected. */
static void test_together_restore_leaves_those_who_are_there_alone(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;

    start(fixture);
    ask(&clients[0], "/status away", "1 away");
    expect(&clients[1], "1 away");
    admin_take_snapshot(&fixture->server);
    restore(fixture);
    for (int i = 0; i < CLIENTS; i++) {
        expect_nothing(&clients[i]);
    }
    ws_client_say(&clients[0], "same room");
    expect(&clients[0], "User 1: same room");
    expect(&clients[1], "User 1: same room");
    ask(&clients[0], "/lobby info duel", "[Lobby] duel (2/2)  owner:1  members:1,2");
    ask(&clients[0], "/move 2 2", "pos 1 2 2");
    expect(&clients[1], "pos 1 2 2");
    ws_client_drop(&clients[0]);
    expect_end_of_one(fixture);
}

/* A creature that was there before and is so after: those near it may hear of it again,
 * and when it goes, they are told once. */
static void test_together_restored_creature_goes_once(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *clients = fixture->clients;
    news_t news = {0};
    char path[96];
    cJSON *made;
    int status;

    start(fixture);
    made = admin_request(&fixture->server, "POST", "/api/v1/entities",
                         "{\"components\":{\"position_2d\":{\"x\":5,\"y\":5},"
                         "\"spatial\":{}}}",
                         &status);
    assert_int_equal(status, 201);
    snprintf(path, sizeof(path), "/api/v1/entities/%s", admin_text(made, "id"));
    cJSON_Delete(made);
    expect(&clients[0], "pos 4 5 5");
    expect(&clients[1], "pos 4 5 5");
    admin_take_snapshot(&fixture->server);
    restore(fixture);
    ask(&clients[2], "/move 2 2", "pos 3 2 2");
    while (times_heard(&news, "pos 4 5 5") == 0) {
        hear(&clients[2], &news); /* it is where it was */
    }
    hear_all(&clients[0], &news);
    news.count = 0;
    assert_int_equal(operate(fixture, "DELETE", path, NULL), 200);
    while (times_heard(&news, "gone 4") == 0) {
        hear(&clients[0], &news);
    }
    hear_all(&clients[0], &news);
    assert_int_equal(times_heard(&news, "gone 4"), 1);
}

/* Shutdown --------------------------------------------------------------------- */

/* Nobody is told of those who go, for all go. */
static void test_together_shutdown_closes_all_without_a_storm(void **state)
{
    fixture_t *fixture = *state;

    start(fixture);
    process_signal(&fixture->server.process, SIGTERM);
    for (int i = 0; i < CLIENTS; i++) {
        ws_client_expect_close(&fixture->clients[i], 1001, NULL);
        ws_client_drop(&fixture->clients[i]);
    }
    assert_int_equal(process_wait(&fixture->server.process), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_together_vanishing_client_is_told_once),
        TEST(test_together_kicked_client_is_told_once),
        TEST(test_together_despawned_client_is_told_once),
        TEST(test_together_flooding_client_is_told_once),
        TEST(test_together_silent_client_is_told_once),
        TEST(test_together_despawned_room_sends_all_out_once),
        TEST(test_together_operator_edits_what_it_may),
        TEST(test_together_restore_leaves_those_who_are_there_alone),
        TEST(test_together_restored_creature_goes_once),
        TEST(test_together_shutdown_closes_all_without_a_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
