/* An operator ends a connection. */
#include "admin_client.h"

#include <stdio.h>
#include <string.h>

static int kick(const server_t *server, uint64_t client_id, const char *body)
{
    char path[64];
    int status;

    snprintf(path, sizeof(path), "/api/v1/clients/%llu:kick",
             (unsigned long long)client_id);
    cJSON_Delete(admin_request(server, "POST", path, body, &status));
    return status;
}

/* Id of the client that is listed last. */
static uint64_t newest_client(const server_t *server)
{
    cJSON *reply = admin_get(server, "/api/v1/clients");
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(reply, "items");
    int count = cJSON_GetArraySize(items);
    uint64_t id;

    assert_true(count > 0);
    id = (uint64_t)admin_number(cJSON_GetArrayItem(items, count - 1), "id");
    cJSON_Delete(reply);
    return id;
}

static void test_kick_closes_with_code_and_reason(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    ws_client_t *other = &fixture->clients[1];

    SERVER_START(&fixture->server, REEFD, NULL);
    ws_client_open_chat(other, fixture->server.port);
    ws_client_open_chat(client, fixture->server.port);
    assert_int_equal(kick(&fixture->server, newest_client(&fixture->server),
                          "{\"code\": 4001, \"reason\": \"be kind\"}"),
                     200);
    ws_client_expect_close(client, 4001, "be kind");
    ws_client_send(client, WS_FIN | WS_CLOSE, "\x0f\xa1", 2);
    ws_client_expect_end(client);
    ws_client_expect_silence(other);
    assert_true(admin_total(&fixture->server, "/api/v1/clients") == 1);
}

static void test_kick_gives_the_room_a_leave_notice(void **state)
{
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, REEFD, NULL);
    for (size_t i = 0; i < 2; i++) {
        ws_client_open_chat(&fixture->clients[i], fixture->server.port);
        ws_client_say(&fixture->clients[i], "/join the reef");
        ws_client_expect_text(&fixture->clients[i], "[System] Joined room: the reef");
    }
    assert_int_equal(kick(&fixture->server, 2, NULL), 200);
    ws_client_expect_close(&fixture->clients[1], 1008, NULL);
    ws_client_expect_text(&fixture->clients[0], "[System] User 2 has left.");
}

static void test_kick_of_nobody_is_404_and_of_a_bad_code_422(void **state)
{
    fixture_t *fixture = *state;

    SERVER_START(&fixture->server, REEFD, NULL);
    ws_client_open(&fixture->clients[0], fixture->server.port);
    assert_int_equal(kick(&fixture->server, 77, NULL), 404);
    assert_int_equal(
        kick(&fixture->server, newest_client(&fixture->server), "{\"code\": 1005}"),
        422);
    ws_client_expect_silence(&fixture->clients[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kick_closes_with_code_and_reason),
        TEST(test_kick_gives_the_room_a_leave_notice),
        TEST(test_kick_of_nobody_is_404_and_of_a_bad_code_422),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
