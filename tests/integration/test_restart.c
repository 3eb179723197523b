/* What a world is after the process that held it has ended, one way or the other. */
#include "admin_client.h"

#include <reef/database.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CREATURES "/api/v1/entities?query=demo_creature&limit=100"

static double tick_of(const server_t *server)
{
    cJSON *reply = admin_get(server, "/api/v1/server");
    double tick = admin_number(reply, "tick");

    cJSON_Delete(reply);
    return tick;
}

/* Ids and values of the first 100 creatures. */
static cJSON *creatures_of(const server_t *server)
{
    cJSON *reply = admin_get(server, CREATURES);
    cJSON *items = cJSON_DetachItemFromObjectCaseSensitive(reply, "items");

    cJSON_Delete(reply);
    assert_true(cJSON_IsArray(items));
    return items;
}

/* Path of the name of the first creature. */
static void name_path(const server_t *server, char *path, size_t capacity)
{
    cJSON *items = creatures_of(server);

    assert_true(cJSON_GetArraySize(items) > 0);
    snprintf(path, capacity, "/api/v1/entities/%s/components/name",
             admin_text(cJSON_GetArrayItem(items, 0), "id"));
    cJSON_Delete(items);
}

static void write_name(const server_t *server, const char *path, const char *name)
{
    char body[128];
    int status;

    snprintf(body, sizeof(body), "{\"value\": \"%s\"}", name);
    cJSON_Delete(admin_request(server, "PUT", path, body, &status));
    assert_int_equal(status, 200);
}

static void expect_name(const server_t *server, const char *path, const char *name)
{
    cJSON *reply = admin_get(server, path);

    assert_string_equal(admin_text(reply, "value"), name);
    cJSON_Delete(reply);
}

static void hold_creatures_still(const server_t *server)
{
    int status;

    cJSON_Delete(admin_request(server, "PATCH", "/api/v1/systems/demo_move",
                               "{\"enabled\": false}", &status));
    assert_int_equal(status, 200);
}

/* The second start has the demo off, so that nothing moves what was restored. */
static void test_restart_restores_ids_and_values(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    cJSON *before;
    cJSON *after;
    char *wanted;
    char *found;

    SERVER_START(server, REEFD, "demo.entities=50");
    hold_creatures_still(server);
    before = creatures_of(server);
    server_stop(server);
    SERVER_START(server, REEFD, NULL);
    after = creatures_of(server);
    assert_int_equal(cJSON_GetArraySize(before), 50);
    wanted = cJSON_PrintUnformatted(before);
    found = cJSON_PrintUnformatted(after);
    assert_string_equal(found, wanted);
    cJSON_free(wanted);
    cJSON_free(found);
    cJSON_Delete(before);
    cJSON_Delete(after);
}

static void test_restart_continues_the_tick(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    double before;

    SERVER_START(server, REEFD, "server.tick_rate=1000");
    do {
        before = tick_of(server);
    } while (before < 100);
    server_stop(server);
    SERVER_START(server, REEFD, "server.tick_rate=1");
    assert_true(tick_of(server) >= before);
}

static void test_restart_spawns_the_demo_once(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;

    SERVER_START(server, REEFD, "demo.entities=20");
    server_stop(server);
    SERVER_START(server, REEFD, "demo.entities=20");
    assert_true(admin_total(server, CREATURES) == 20);
    server_stop(server);
    SERVER_START(server, REEFD, "demo.entities=30");
    assert_true(admin_total(server, CREATURES) == 20);
}

static void test_restart_gives_new_clients_new_ids(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(server, REEFD, NULL);
    ws_client_open(client, server->port);
    ws_client_say(client, "hello");
    ws_client_expect_text(client, "User 1: hello");
    ws_client_drop(client);
    server_stop(server);
    SERVER_START(server, REEFD, NULL);
    ws_client_open(client, server->port);
    ws_client_say(client, "hello");
    ws_client_expect_text(client, "User 2: hello");
    assert_true(admin_total(server, "/api/v1/entities?limit=1") == 1);
}

static void test_restart_after_sigkill_has_the_edit_of_the_last_snapshot(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char path[128];

    SERVER_START(server, REEFD, "demo.entities=20");
    name_path(server, path, sizeof(path));
    write_name(server, path, "Edited");
    admin_take_snapshot(server);
    write_name(server, path, "Lost");
    server_kill(server);
    SERVER_START(server, REEFD, "demo.entities=20");
    expect_name(server, path, "Edited");
    assert_true(admin_total(server, CREATURES) == 20);
}

/* Have snapshots written one after the other, and kill when the first one is done. */
static void kill_while_snapshots_are_written(server_t *server)
{
    int requests[6];
    const size_t count = sizeof(requests) / sizeof(requests[0]);

    for (size_t i = 0; i < count; i++) {
        requests[i] = admin_begin(server, "POST", "/api/v1/snapshots", NULL);
    }
    socket_await(requests[0]);
    server_kill(server);
    for (size_t i = 0; i < count; i++) {
        close(requests[i]);
    }
}

static void test_restart_after_sigkill_while_writing_has_a_complete_world(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char path[128];
    char name[32];

    SERVER_START(server, REEFD, "demo.entities=5000", "snapshot.keep=3");
    name_path(server, path, sizeof(path));
    for (int round = 0; round < 5; round++) {
        snprintf(name, sizeof(name), "Round %d", round);
        write_name(server, path, name);
        admin_take_snapshot(server);
        kill_while_snapshots_are_written(server);
        SERVER_START(server, REEFD, "demo.entities=5000", "snapshot.keep=3");
        expect_name(server, path, name);
        assert_true(admin_total(server, CREATURES) == 5000);
        assert_null(strstr(server->process.errors.text, "level=error"));
    }
}

static void test_restart_end_that_was_not_kept_is_exit_code_1(void **state)
{
    fixture_t *fixture = *state;
    reef_database_t *database = NULL;
    reef_failure_t failure = {0};
    char path[128];

    SERVER_START(&fixture->server, REEFD, "snapshot.path=broken.db");
    server_path(&fixture->server, "broken.db", path, sizeof(path));
    assert_int_equal(reef_database_open(path, false, &database, &failure), REEF_OK);
    assert_int_equal(reef_database_run(database, "DROP TABLE snapshot", &failure),
                     REEF_OK);
    reef_database_close(database);
    process_signal(&fixture->server.process, SIGTERM);

    assert_int_equal(process_wait(&fixture->server.process), 1);
    assert_non_null(
        strstr(fixture->server.process.errors.text, "the last snapshot failed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_restart_restores_ids_and_values),
        TEST(test_restart_continues_the_tick),
        TEST(test_restart_spawns_the_demo_once),
        TEST(test_restart_gives_new_clients_new_ids),
        TEST(test_restart_after_sigkill_has_the_edit_of_the_last_snapshot),
        TEST(test_restart_after_sigkill_while_writing_has_a_complete_world),
        TEST(test_restart_end_that_was_not_kept_is_exit_code_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
