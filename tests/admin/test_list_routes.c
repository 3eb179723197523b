/*
 * Lists over real sockets.  The app lives on a thread of its own, which is its world
 * thread; the tests are its clients.  Every reply is checked against the description.
 */
#include "dispatch.h"
#include "state.h"

#include "den_list.h"
#include "http_client.h"
#include "schema_check.h"
#include "socket.h"
#include "test.h"

#include <reef/admin.h>
#include <reef/mailbox.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEARER "Authorization: Bearer a-token\r\n"

typedef struct server {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t started;
    bool is_started;
    reef_app_t *app;
    uint16_t port;
    dens_t dens;
    http_reply_t reply;
} server_t;

static void *run(void *context)
{
    static const char *const arguments[] = {"test",
                                            "--set",
                                            "admin.listen=127.0.0.1:0",
                                            "--set",
                                            "admin.token=a-token",
                                            "--set",
                                            "admin.token_role=viewer",
                                            "--set",
                                            "log.level=off",
                                            NULL};
    server_t *server = context;
    reef_failure_t failure = {0};
    size_t count;

    if (reef_app_create(&(reef_app_desc_t){.argc = 9,
                                           .argv = arguments,
                                           .ignore_environment = true},
                        &server->app, &failure) != REEF_OK ||
        reef_app_add_plugin(server->app, &reef_admin_plugin, NULL, &failure) !=
            REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    offer_dens(server->app, &server->dens);
    if (reef_app_start(server->app, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    server->port = (uint16_t)strtoul(
        strchr(reef_app_listeners(server->app, &count)->address, ':') + 1, NULL, 10);
    pthread_mutex_lock(&server->mutex);
    server->is_started = true;
    pthread_cond_signal(&server->started);
    pthread_mutex_unlock(&server->mutex);
    reef_app_run(server->app);
    reef_app_destroy(server->app);
    return NULL;
}

static int setup(void **state)
{
    server_t *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    pthread_mutex_init(&server->mutex, NULL);
    pthread_cond_init(&server->started, NULL);
    pthread_create(&server->thread, NULL, run, server);
    pthread_mutex_lock(&server->mutex);
    while (!server->is_started) {
        pthread_cond_wait(&server->started, &server->mutex);
    }
    pthread_mutex_unlock(&server->mutex);
    *state = server;
    return 0;
}

static int teardown(void **state)
{
    server_t *server = *state;

    reef_app_stop(server->app);
    pthread_join(server->thread, NULL);
    pthread_cond_destroy(&server->started);
    pthread_mutex_destroy(&server->mutex);
    free(server);
    return 0;
}

/* Change the world on its thread. */
static void change(server_t *server, reef_request_fn how)
{
    assert_int_equal(
        reef_mailbox_call(reef_app_mailbox(server->app), how, server, 10000), REEF_OK);
}

static void add_usual(void *argument)
{
    server_t *server = argument;
    reef_world_t *world = reef_app_world(server->app);
    reef_entity_t guest = reef_world_spawn(world, REEF_RANGE_WORLD);

    add_den(&server->dens, "coral", 3)->mood = 1;
    add_den(&server->dens, "a/b %41&c=\"<img>\" +\xc3\xbc", 2)->seen = UINT64_MAX;
    add_den(&server->dens, "Cave", 0)->owner = guest;
    REEF_ADD(world, guest, name, .value = "turtle");
    REEF_ADD(world, guest, client_id, .value = 12);
    server->dens.guests[server->dens.guest_count++] = guest;
}

/* What the description calls @p path. */
static const char *described(const char *path)
{
    if (strncmp(path, "/lists/", 7) != 0) {
        return "/lists";
    }
    path += 7 + strcspn(path + 7, "/?");
    return strncmp(path, "/row", 4) == 0       ? "/lists/{name}/row"
           : strncmp(path, "/members", 8) == 0 ? "/lists/{name}/members"
                                               : "/lists/{name}";
}

static int get(server_t *server, const char *path)
{
    char whole[1024], wrong[256];
    http_request_t request = {.port = server->port, .path = whole, .headers = BEARER};

    snprintf(whole, sizeof(whole), "/api/v1%s", path);
    http_send(&request, &server->reply);
    schema_check_reply(described(path), server->reply.status, server->reply.body,
                       wrong);
    assert_string_equal(wrong, "");
    return server->reply.status;
}

static bool says(const server_t *server, const char *text)
{
    return strstr(server->reply.body, text) != NULL;
}

static void test_list_routes_tell_which_lists_there_are(void **state)
{
    server_t *server = *state;

    change(server, add_usual);
    assert_int_equal(get(server, "/lists"), 200);
    assert_true(says(server, "{\"name\":\"dens\",\"doc\":\"Where creatures hide.\","
                             "\"rows\":3,\"key\":\"name\",\"fields\":[{\"name\":"));
    assert_true(says(server, "\"has_members\":true"));
    assert_true(says(server, "\"total\":1,\"total_exact\":true"));
}

static void test_list_routes_show_rows_in_order(void **state)
{
    server_t *server = *state;

    assert_int_equal(get(server, "/lists/dens"), 200);
    assert_true(says(server, "\"items\":[],\"next_cursor\":null,\"total\":0"));
    change(server, add_usual);
    assert_int_equal(get(server, "/lists/dens?limit=2&sort=-depth"), 200);
    assert_true(says(server, "\"items\":[{\"key\":\"coral\",\"value\":{\"name\":"
                             "\"coral\",\"depth\":3,\"mood\":\"wild\",\"seen\":\"0\","
                             "\"owner\":null},\"members\":0},{\"key\":\"a/b"));
    assert_true(says(server, "\"seen\":\"18446744073709551615\""));
    assert_true(says(server, "\"total\":3,"));
    assert_int_equal(get(server, "/lists/dens?search=CORAL"), 200);
    assert_true(says(server, "\"total\":1,\"total_exact\":true"));
}

static void test_list_routes_rows_of_hostile_keys_are_addressed(void **state)
{
    server_t *server = *state;
    const char *key = "?key=a%2Fb+%2541%26c%3D%22%3Cimg%3E%22%20%2B%c3%BC";
    char path[128];

    change(server, add_usual);
    snprintf(path, sizeof(path), "/lists/dens/row%s", key);
    assert_int_equal(get(server, path), 200);
    assert_true(says(server, "{\"key\":\"a/b %41&c=\\\"<img>\\\" +\xc3\xbc\","));
    snprintf(path, sizeof(path), "/lists/dens/members%s", key);
    assert_int_equal(get(server, path), 200);
    assert_true(says(server, "\"items\":[],"));
}

static void test_list_routes_members_lead_to_entities(void **state)
{
    server_t *server = *state;
    char expected[128];

    change(server, add_usual);
    assert_int_equal(get(server, "/lists/dens/members?key=Cave"), 200);
    snprintf(expected, sizeof(expected),
             "\"items\":[{\"id\":\"%llu\",\"client_id\":\"12\",\"name\":\"turtle\"}]",
             (unsigned long long)server->dens.guests[0]);
    assert_true(says(server, expected));
    assert_int_equal(get(server, "/lists/dens/row?key=Cave"), 200);
    assert_true(says(server, "\"members\":1}"));
}

static void test_list_routes_refuse_what_is_not_there(void **state)
{
    static const struct {
        const char *path;
        int status;
    } cases[] = {
        {"/lists/nothing", 404},
        {"/lists/nothing/row?key=a", 404},
        {"/lists/nothing/members?key=a", 404},
        {"/lists/dens/row?key=nowhere", 404},
        {"/lists/dens/row?key=coral%ff", 404},
        {"/lists/dens/row?key=CORAL", 404},
        {"/lists/dens/members?key=nowhere", 404},
        {"/lists/dens/row", 400},
        {"/lists/dens/members?key=", 400},
        {"/lists/dens?limit=1001", 400},
        {"/lists/dens?limit=0", 400},
        {"/lists/dens?sort=nothing", 400},
        {"/lists/dens?cursor=zz", 400},
        {"/lists/dens?cursor=61&sort=depth", 400},
        {"/lists/dens/members?key=coral&cursor=x", 400},
        {"/lists/dens/coral", 404},
    };
    server_t *server = *state;
    char path[1024];

    change(server, add_usual);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(get(server, cases[i].path), cases[i].status);
    }
    snprintf(path, sizeof(path), "/lists/dens/row?key=%0900d", 1);
    assert_int_equal(get(server, path), 404);
    snprintf(path, sizeof(path), "/lists/dens?search=%0200d", 1);
    assert_int_equal(get(server, path), 400);
}

static void test_list_routes_need_credentials(void **state)
{
    server_t *server = *state;

    http_send(&(http_request_t){.port = server->port, .path = "/api/v1/lists"},
              &server->reply);
    assert_int_equal(server->reply.status, 401);
}

static void test_list_routes_stream_tells_how_many_rows_there_are(void **state)
{
    server_t *server = *state;
    int stream = http_open(&(http_request_t){.port = server->port,
                                             .path = "/api/v1/stream?topics=lists",
                                             .headers = BEARER});
    const char *expected[] = {"\"data\":{\"items\":[{\"name\":\"dens\",\"rows\":0}]",
                              "\"data\":{\"items\":[{\"name\":\"dens\",\"rows\":3}]"};
    size_t used = 0;

    for (size_t i = 0; i < 2; i++) {
        do {
            size_t size = socket_receive(stream, server->reply.text + used,
                                         sizeof(server->reply.text) - used - 1);

            assert_true(size > 0);
            used += size;
            server->reply.text[used] = '\0';
        } while (strstr(server->reply.text, expected[i]) == NULL);
        if (i == 0) {
            change(server, add_usual);
        }
    }
    close(stream);
}

/* Much ------------------------------------------------------------------------- */

/* Names as long as they can be, of characters that JSON has to escape. */
static void add_many(void *argument)
{
    server_t *server = argument;

    for (uint32_t i = 0; i < 10000; i++) {
        char name[128];

        snprintf(name, sizeof(name), "%05u", (uint32_t)(i * 7919u % 10000));
        memset(name + 5, '\x01', sizeof(name) - 6);
        name[sizeof(name) - 1] = '\0';
        add_den(&server->dens, name, i);
    }
}

/* Every other row goes. */
static void remove_many(void *argument)
{
    dens_t *dens = &((server_t *)argument)->dens;

    for (uint32_t i = 0; i < dens->count; i++) {
        dens->rows[i] = dens->rows[--dens->count];
    }
}

static int count_from(const dens_t *dens, const char *name)
{
    int count = 0;

    for (uint32_t i = 0; i < dens->count; i++) {
        count += strncmp(dens->rows[i].name, name, strlen(name)) >= 0;
    }
    return count;
}

/* Ask without a socket, because the replies are large. */
static cJSON *dispatch(server_t *server, const char *query)
{
    char host[32], wrong[256];
    reef__reply_t reply = {0};
    reef__header_t headers[] = {{"Host", host}, {"Authorization", "Bearer a-token"}};
    reef__request_t request = {.method = "GET",
                               .path = "/api/v1/lists/dens",
                               .query = query,
                               .peer = "127.0.0.1",
                               .headers = headers,
                               .header_count = 2,
                               .now_ns = reef__now_ns()};
    cJSON *json;

    snprintf(host, sizeof(host), "127.0.0.1:%u", server->port);
    reef__dispatch(reef_app_plugin_state(server->app, "admin"), &request, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply.size < 4 << 20);
    schema_check_reply("/lists/{name}", reply.status, reply.body, wrong);
    assert_string_equal(wrong, "");
    json = cJSON_Parse(reply.body);
    reef__reply_finish(&reply);
    return json;
}

static void
test_list_routes_page_through_many_long_names_while_they_vanish(void **state)
{
    server_t *server = *state;
    char query[1200] = "limit=1000", last[16] = "";
    int seen = 0, pages = 0;

    change(server, add_many);
    for (bool more = true; more; pages++) {
        cJSON *json = dispatch(server, query);
        const cJSON *items = cJSON_GetObjectItem(json, "items"), *item;
        const cJSON *next = cJSON_GetObjectItem(json, "next_cursor");

        cJSON_ArrayForEach(item, items)
        {
            const char *key = cJSON_GetObjectItem(item, "key")->valuestring;

            assert_int_equal(strlen(key), 127);
            assert_true(strncmp(last, key, 5) < 0);
            snprintf(last, sizeof(last), "%.5s", key);
            seen++;
        }
        more = cJSON_IsString(next);
        if (more) {
            snprintf(query, sizeof(query), "limit=1000&cursor=%s", next->valuestring);
        }
        cJSON_Delete(json);
        if (pages == 4) {
            change(server, remove_many);
        }
    }
    /* All of the first half, and what is left of the second. */
    assert_int_equal(seen, 5000 + count_from(&server->dens, "05000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_list_routes_tell_which_lists_there_are),
        TEST(test_list_routes_show_rows_in_order),
        TEST(test_list_routes_rows_of_hostile_keys_are_addressed),
        TEST(test_list_routes_members_lead_to_entities),
        TEST(test_list_routes_refuse_what_is_not_there),
        TEST(test_list_routes_need_credentials),
        TEST(test_list_routes_stream_tells_how_many_rows_there_are),
        TEST(test_list_routes_page_through_many_long_names_while_they_vanish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
