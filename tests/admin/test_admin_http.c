/*
 * The admin over real sockets.  The app lives on a thread of its own, which is its
 * world thread; the tests are its clients.
 */
#include "dispatch.h"
#include "http_client.h"
#include "schema_check.h"
#include "socket.h"
#include "state.h"
#include "test.h"

#include <reef/admin.h>
#include <reef/components.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEARER "Authorization: Bearer a-token\r\n"
#define MERGE  "Content-Type: application/merge-patch+json\r\n"

REEF_COMPONENT(memo, 0, REEF_TEXT(words, 32), REEF_TEXT_ARRAY(lines, 32, 2));
REEF_COMPONENT(sign, 0, REEF_TEXT(words, 32));

typedef struct server {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t started;
    bool is_started;
    const char *role; /* setting of the token's role */
    reef_app_t *app;
    reef__admin_t *admin;
    reef_entity_t first;
    uint16_t port;
    http_reply_t reply;
} server_t;

static void start(server_t *server)
{
    const char *address;
    size_t count;
    const char *arguments[] = {"test",
                               "--set",
                               "admin.listen=127.0.0.1:0",
                               "--set",
                               "admin.token=a-token",
                               "--set",
                               "admin.max_streams=2",
                               "--set",
                               "log.level=off",
                               "--set",
                               server->role,
                               NULL};
    reef_failure_t failure = {0};

    if (reef_app_create(&(reef_app_desc_t){.argc = 11,
                                           .argv = arguments,
                                           .ignore_environment = true},
                        &server->app, &failure) != REEF_OK ||
        reef_app_add_plugin(server->app, &reef_admin_plugin, NULL, &failure) !=
            REEF_OK ||
        reef_app_start(server->app, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    (void)reef_world_component(reef_app_world(server->app), &memo_type);
    (void)reef_world_resource(reef_app_world(server->app), &sign_type);
    for (int i = 0; i < 5; i++) {
        reef_world_t *world = reef_app_world(server->app);
        reef_entity_t entity = reef_world_spawn(world, REEF_RANGE_WORLD);

        REEF_ADD(world, entity, position_2d, .x = 1);
        server->first = i == 0 ? entity : server->first;
    }
    server->admin = reef_app_plugin_state(server->app, "admin");
    address = reef_app_listeners(server->app, &count)->address;
    server->port = (uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10);
}

static void *run(void *context)
{
    server_t *server = context;

    start(server);
    pthread_mutex_lock(&server->mutex);
    server->is_started = true;
    pthread_cond_signal(&server->started);
    pthread_mutex_unlock(&server->mutex);
    reef_app_run(server->app);
    reef_app_destroy(server->app);
    return NULL;
}

static int setup_role(void **state, const char *role)
{
    server_t *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    server->role = role;
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

static int setup(void **state)
{
    return setup_role(state, "admin.token_role=admin");
}

static int setup_viewer(void **state)
{
    return setup_role(state, "admin.token_role=viewer");
}

static int setup_operator(void **state)
{
    return setup_role(state, "admin.token_role=operator");
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

static int ask(server_t *server, http_request_t request)
{
    request.port = server->port;
    http_send(&request, &server->reply);
    return server->reply.status;
}

static int get(server_t *server, const char *path)
{
    return ask(server, (http_request_t){.path = path, .headers = BEARER});
}

static bool says(const server_t *server, const char *text)
{
    return strstr(server->reply.body, text) != NULL;
}

static void component_path(const server_t *server, const char *name, char path[128])
{
    snprintf(path, 128, "/api/v1/entities/%llu/components/%s",
             (unsigned long long)server->first, name);
}

static int merge(server_t *server, const char *headers, const char *body)
{
    char path[128];

    component_path(server, "position_2d", path);
    return ask(server,
               (http_request_t){
                   .method = "PATCH", .path = path, .headers = headers, .body = body});
}

/* Log in with a fresh code; *cookie becomes a header line, csrf its token. */
static void log_in(server_t *server, char cookie[160], char csrf[80])
{
    char code[REEF__SECRET_SIZE], body[128], value[256];
    cJSON *json;

    reef__auth_make_code(server->admin->auth, reef__now_ns(), code);
    snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
    assert_int_equal(ask(server, (http_request_t){.method = "POST",
                                                  .path = "/api/v1/session",
                                                  .body = body}),
                     200);
    assert_true(http_header(&server->reply, "Set-Cookie", value, sizeof(value)));
    assert_non_null(strstr(value, "HttpOnly"));
    assert_non_null(strstr(value, "SameSite=Strict"));
    snprintf(cookie, 160, "Cookie: %.*s\r\n", (int)strcspn(value, ";"), value);
    json = cJSON_Parse(server->reply.body);
    snprintf(csrf, 80, "%s", cJSON_GetObjectItem(json, "csrf")->valuestring);
    cJSON_Delete(json);
    assert_int_equal(ask(server, (http_request_t){.method = "POST",
                                                  .path = "/api/v1/session",
                                                  .body = body}),
                     401);
}

static void test_admin_http_needs_credentials(void **state)
{
    char value[128];

    assert_int_equal(ask(*state, (http_request_t){.path = "/api/v1/server"}), 401);
    assert_true(http_header(&((server_t *)*state)->reply, "WWW-Authenticate", value,
                            sizeof(value)));
    assert_int_equal(
        ask(*state, (http_request_t){.path = "/api/v1/server",
                                     .headers = "Authorization: Bearer x\r\n"}),
        401);
    assert_int_equal(ask(*state, (http_request_t){.path = "/api/v1/nothing"}), 401);
    assert_int_equal(get(*state, "/api/v1/nothing"), 404);
    assert_int_equal(get(*state, "/api/v1/server"), 200);
}

static void test_admin_http_refuses_foreign_hosts_and_origins(void **state)
{
    assert_int_equal(
        ask(*state, (http_request_t){.path = "/livez", .host = "evil.example"}), 421);
    assert_int_equal(ask(*state, (http_request_t){.path = "/api/v1/server",
                                                  .headers = BEARER
                                                  "Origin: http://evil.example\r\n"}),
                     403);
    assert_int_equal(
        ask(*state, (http_request_t){.path = "/livez", .headers = "Host: a\r\n"}), 400);
}

static void test_admin_http_refuses_raw_slashes_and_two_lengths(void **state)
{
    assert_int_equal(get(*state, "/api/v1%2fserver"), 400);
    assert_int_equal(get(*state, "/api/v1/server%00"), 400);
    assert_int_equal(
        ask(*state, (http_request_t){.method = "POST",
                                     .path = "/api/v1/entities",
                                     .headers = BEARER "Transfer-Encoding: chunked\r\n",
                                     .body = "{}"}),
        400);
}

static void test_admin_http_sends_security_headers_everywhere(void **state)
{
    static const char *const paths[] = {"/", "/livez", "/api/v1/server", "/nothing"};
    char value[512];

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        server_t *server = *state;

        get(server, paths[i]);
        assert_true(http_header(&server->reply, "Content-Security-Policy", value,
                                sizeof(value)));
        assert_true(http_header(&server->reply, "X-Content-Type-Options", value,
                                sizeof(value)));
        assert_true(http_header(&server->reply, "Cache-Control", value, sizeof(value)));
        assert_false(http_header(&server->reply, "Access-Control-Allow-Origin", value,
                                 sizeof(value)));
    }
}

static void test_admin_http_has_no_cors_preflight(void **state)
{
    server_t *server = *state;
    char value[128];

    ask(server, (http_request_t){.method = "OPTIONS",
                                 .path = "/api/v1/server",
                                 .headers = "Access-Control-Request-Method: PUT\r\n"});
    assert_int_equal(server->reply.status, 401);
    assert_false(http_header(&server->reply, "Access-Control-Allow-Methods", value,
                             sizeof(value)));
}

static void test_admin_http_answers_garbage_with_a_problem(void **state)
{
    server_t *server = *state;
    int descriptor = socket_connect(server->port);
    char text[4096];

    assert_true(socket_send(descriptor, "GARBAGE\r\n\r\n", 11));
    socket_receive_all(descriptor, text, sizeof(text));
    close(descriptor);
    assert_non_null(strstr(text, "application/problem+json"));
}

static void test_admin_http_patch_changes_the_world(void **state)
{
    server_t *server = *state;
    char path[128];

    assert_int_equal(merge(server, BEARER MERGE "If-Match: *\r\n", "{\"x\":42.5}"),
                     200);
    assert_true(says(server, "\"applied_tick\":"));
    component_path(server, "position_2d", path);
    assert_int_equal(get(server, path), 200);
    assert_string_equal(server->reply.body, "{\"x\":42.5,\"y\":0}");
}

static void test_admin_http_edits_need_the_right_precondition(void **state)
{
    server_t *server = *state;
    char path[128], etag[64], headers[256];

    assert_int_equal(merge(server, BEARER MERGE, "{\"x\":2}"), 428);
    assert_int_equal(merge(server, BEARER MERGE "If-Match: \"0\"\r\n", "{\"x\":2}"),
                     412);
    assert_true(says(server, "\"value\":{\"x\":1,\"y\":0}"));
    component_path(server, "position_2d", path);
    assert_int_equal(get(server, path), 200);
    assert_true(http_header(&server->reply, "ETag", etag, sizeof(etag)));
    snprintf(headers, sizeof(headers), BEARER MERGE "If-Match: %s\r\n", etag);
    assert_int_equal(merge(server, headers, "{\"x\":2}"), 200);
    assert_int_equal(merge(server, headers, "{\"x\":3}"), 412);
}

static void test_admin_http_refuses_bad_bodies(void **state)
{
    const char *headers = BEARER MERGE "If-Match: *\r\n";
    server_t *server = *state;

    assert_int_equal(merge(server, headers, "{\"x\":\"no\"}"), 422);
    assert_true(says(server, "\"pointer\":\"/x\""));
    assert_int_equal(merge(server, headers, "{\"z\":1}"), 422);
    assert_true(says(server, "\"pointer\":\"/z\""));
    assert_int_equal(merge(server, headers, "{\"x\":1} trailing"), 400);
    assert_int_equal(merge(server, headers, "{\"x\":1,\"x\":2}"), 400);
    assert_int_equal(merge(server, BEARER "If-Match: *\r\n", "{\"x\":1}"), 415);
}

static void test_admin_http_refuses_a_body_that_is_too_large(void **state)
{
    server_t *server = *state;

    /* Announced only: it is refused before it is sent. */
    assert_int_equal(
        ask(server, (http_request_t){.method = "POST",
                                     .path = "/api/v1/entities",
                                     .headers = BEARER "Content-Length: 99999999\r\n"}),
        413);
}

/* A body of two bytes, and what comes after them. */
typedef struct two_bytes {
    bool were_read;
    int then;
} two_bytes_t;

static int read_two_bytes(void *context, void *data, size_t size)
{
    two_bytes_t *body = context;

    if (body->were_read || size < 2) {
        return body->then;
    }
    body->were_read = true;
    memcpy(data, "{}", 2);
    return 2;
}

static int dispatch_spawn(server_t *server, const char *length, int then)
{
    char host[32];
    two_bytes_t body = {.then = then};
    reef__reply_t reply = {0};
    reef__header_t headers[] = {{"Host", host},
                                {"Authorization", "Bearer a-token"},
                                {"Content-Length", length}};
    reef__request_t request = {.method = "POST",
                               .path = "/api/v1/entities",
                               .query = "",
                               .peer = "127.0.0.1",
                               .headers = headers,
                               .header_count = 3,
                               .read = read_two_bytes,
                               .read_context = &body,
                               .now_ns = reef__now_ns()};
    int status;

    snprintf(host, sizeof(host), "127.0.0.1:%u", server->port);
    reef__dispatch(server->admin, &request, &reply);
    status = reply.status;
    reef__reply_finish(&reply);
    return status;
}

static void test_admin_http_refuses_a_body_that_stops_early_or_takes_long(void **state)
{
    assert_int_equal(dispatch_spawn(*state, "2", 0), 201);
    assert_int_equal(dispatch_spawn(*state, "20", 0), 400);
    assert_int_equal(dispatch_spawn(*state, "20", REEF__READ_BROKEN), 400);
    assert_int_equal(dispatch_spawn(*state, "20", REEF__READ_LATE), 408);
    assert_int_equal(get(*state, "/api/v1/entities"), 200);
    assert_true(says(*state, "\"total\":6,"));
}

static void test_admin_http_spawns_and_despawns(void **state)
{
    server_t *server = *state;
    char path[128], location[128];

    assert_int_equal(
        ask(server,
            (http_request_t){.method = "POST",
                             .path = "/api/v1/entities",
                             .headers = BEARER,
                             .body = "{\"components\":{\"position_2d\":{\"y\":7},"
                                     "\"name\":{\"value\":\"n\"}}}"}),
        201);
    assert_true(says(server, "\"name\":\"n\""));
    assert_true(http_header(&server->reply, "Location", location, sizeof(location)));
    assert_int_equal(get(server, location), 200);
    snprintf(path, sizeof(path), "%s", location);
    assert_int_equal(
        ask(server,
            (http_request_t){.method = "DELETE", .path = path, .headers = BEARER}),
        200);
    assert_int_equal(get(server, location), 404);
}

static void test_admin_http_unknown_things_are_not_found(void **state)
{
    assert_int_equal(get(*state, "/api/v1/entities/99"), 404);
    assert_int_equal(get(*state, "/api/v1/entities/x"), 404);
    assert_int_equal(get(*state, "/api/v1/clients/1"), 404);
    assert_int_equal(get(*state, "/api/v1/resources/nothing"), 404);
    assert_int_equal(get(*state, "/api/v1/systems/nothing"), 404);
    assert_int_equal(get(*state, "/api/v1/snapshots"), 404);
    assert_int_equal(ask(*state, (http_request_t){.method = "POST",
                                                  .path = "/api/v1/clients/7:kick",
                                                  .headers = BEARER,
                                                  .body = "{\"code\":1000}"}),
                     404);
    assert_int_equal(ask(*state, (http_request_t){.method = "POST",
                                                  .path = "/api/v1/clients/7:kick",
                                                  .headers = BEARER,
                                                  .body = "{\"code\":12}"}),
                     422);
}

static void test_admin_http_lists_are_paged(void **state)
{
    server_t *server = *state;
    char path[128], cursor[32] = "";
    int seen = 0;

    do {
        cJSON *json;
        const cJSON *next;

        snprintf(path, sizeof(path), "/api/v1/entities?query=position_2d&limit=2%s%s",
                 cursor[0] != '\0' ? "&cursor=" : "", cursor);
        assert_int_equal(get(server, path), 200);
        json = cJSON_Parse(server->reply.body);
        seen += cJSON_GetArraySize(cJSON_GetObjectItem(json, "items"));
        assert_int_equal(cJSON_GetObjectItem(json, "total")->valueint, 5);
        next = cJSON_GetObjectItem(json, "next_cursor");
        snprintf(cursor, sizeof(cursor), "%s",
                 cJSON_IsString(next) ? next->valuestring : "");
        cJSON_Delete(json);
    } while (cursor[0] != '\0');
    assert_int_equal(seen, 5);
    assert_int_equal(get(server, "/api/v1/entities?limit=1001"), 400);
    assert_int_equal(get(server, "/api/v1/entities?query=nothing"), 400);
}

static void test_admin_http_session_needs_csrf_for_writes(void **state)
{
    server_t *server = *state;
    char cookie[160], csrf[80], headers[400];

    log_in(server, cookie, csrf);
    snprintf(headers, sizeof(headers), "%s" MERGE "If-Match: *\r\n", cookie);
    assert_int_equal(merge(server, headers, "{\"x\":2}"), 403);
    snprintf(headers, sizeof(headers), "%sX-Reef-CSRF: %s\r\n", cookie, csrf);
    assert_int_equal(ask(server, (http_request_t){.method = "POST",
                                                  .path = "/api/v1/entities",
                                                  .headers = headers,
                                                  .body = "{}"}),
                     201);
    assert_int_equal(ask(server, (http_request_t){.method = "DELETE",
                                                  .path = "/api/v1/session",
                                                  .headers = headers}),
                     204);
    assert_int_equal(
        ask(server, (http_request_t){.path = "/api/v1/whoami", .headers = headers}),
        401);
}

/* Read until @p text was seen, or the end; what was read is in the reply. */
static bool read_until(server_t *server, int descriptor, const char *text)
{
    size_t used = 0;

    while (used + 1 < sizeof(server->reply.text)) {
        size_t size = socket_receive(descriptor, server->reply.text + used,
                                     sizeof(server->reply.text) - used - 1);

        used += size;
        server->reply.text[used] = '\0';
        if (strstr(server->reply.text, text) != NULL) {
            return true;
        }
        if (size == 0) {
            return false;
        }
    }
    return false;
}

static int open_stream(server_t *server, const char *headers)
{
    char path[128];

    snprintf(path, sizeof(path), "/api/v1/stream?topics=frames,entity:%llu",
             (unsigned long long)server->first);
    return http_open(
        &(http_request_t){.port = server->port, .path = path, .headers = headers});
}

static void test_admin_http_stream_brings_changes(void **state)
{
    server_t *server = *state;
    int stream = open_stream(server, BEARER "Last-Event-ID: 41\r\n");
    char path[128];

    assert_true(read_until(server, stream, "\"x\":1,"));
    assert_non_null(strstr(server->reply.text, "id: 42\nevent: resync\n"));
    assert_non_null(strstr(server->reply.text, "\"topic\":\"frames\""));
    assert_int_equal(merge(server, BEARER MERGE "If-Match: *\r\n", "{\"x\":77}"), 200);
    assert_true(read_until(server, stream, "\"x\":77,"));
    snprintf(path, sizeof(path), "/api/v1/entities/%llu",
             (unsigned long long)server->first);
    assert_int_equal(
        ask(server,
            (http_request_t){.method = "DELETE", .path = path, .headers = BEARER}),
        200);
    assert_true(read_until(server, stream, "\"data\":null"));
    close(stream);
}

static void test_admin_http_stream_ends_at_logout(void **state)
{
    server_t *server = *state;
    char cookie[160], csrf[80], headers[400];
    int stream;

    log_in(server, cookie, csrf);
    stream = open_stream(server, cookie);
    assert_true(read_until(server, stream, "event: delta"));
    snprintf(headers, sizeof(headers), "%sX-Reef-CSRF: %s\r\n", cookie, csrf);
    assert_int_equal(ask(server, (http_request_t){.method = "DELETE",
                                                  .path = "/api/v1/session",
                                                  .headers = headers}),
                     204);
    assert_false(read_until(server, stream, "never said"));
    close(stream);
}

static void test_admin_http_streams_are_bounded(void **state)
{
    server_t *server = *state;
    int first = open_stream(server, BEARER), second = open_stream(server, BEARER);

    assert_true(read_until(server, first, "event: delta"));
    assert_true(read_until(server, second, "event: delta"));
    assert_int_equal(get(server, "/api/v1/stream?topics=frames"), 503);
    assert_int_equal(get(server, "/api/v1/stream?topics=nothing"), 400);
    assert_int_equal(get(server, "/api/v1/stream?topics=query:nothing"), 400);
    close(first);
    close(second);
}

static void test_admin_http_system_can_be_looked_at_but_steps_stay(void **state)
{
    server_t *server = *state;

    assert_int_equal(get(server, "/api/v1/systems/ingress"), 200);
    assert_true(says(server, "\"schedule\":\"frame\""));
    assert_int_equal(ask(server, (http_request_t){.method = "PATCH",
                                                  .path = "/api/v1/systems/ingress",
                                                  .headers = BEARER,
                                                  .body = "{\"enabled\":false}"}),
                     409);
}

static int restore(server_t *server)
{
    return ask(server, (http_request_t){.method = "POST",
                                        .path = "/api/v1/snapshots/1:restore",
                                        .headers = BEARER});
}

static void test_admin_http_viewer_only_looks(void **state)
{
    assert_int_equal(get(*state, "/api/v1/entities"), 200);
    assert_int_equal(merge(*state, BEARER MERGE "If-Match: *\r\n", "{\"x\":2}"), 403);
    assert_int_equal(restore(*state), 403);
}

static void test_admin_http_operator_edits_but_does_not_restore(void **state)
{
    assert_int_equal(merge(*state, BEARER MERGE "If-Match: *\r\n", "{\"x\":2}"), 200);
    assert_int_equal(restore(*state), 403);
}

static void test_admin_http_reads_are_answered(void **state)
{
    static const char *const paths[] = {"/livez",
                                        "/readyz?verbose",
                                        "/metrics",
                                        "/api/v1/metrics",
                                        "/api/v1/server",
                                        "/api/v1/components",
                                        "/api/v1/entities",
                                        "/api/v1/lists",
                                        "/api/v1/resources",
                                        "/api/v1/systems",
                                        "/api/v1/clients",
                                        "/api/v1/whoami",
                                        "/api/v1/openapi.json"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(get(*state, paths[i]), 200);
        assert_true(strlen(((server_t *)*state)->reply.body) > 0);
        if (strncmp(paths[i], "/api/v1/", 8) == 0 && strstr(paths[i], "json") == NULL) {
            char wrong[256];

            schema_check_reply(paths[i] + 7, 200, ((server_t *)*state)->reply.body,
                               wrong);
            assert_string_equal(wrong, "");
        }
    }
    assert_int_equal(ask(*state, (http_request_t){.path = "/metrics"}), 401);
    assert_int_equal(ask(*state, (http_request_t){.method = "HEAD", .path = "/livez"}),
                     200);
    assert_string_equal(((server_t *)*state)->reply.body, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_admin_http_needs_credentials),
        TEST(test_admin_http_refuses_foreign_hosts_and_origins),
        TEST(test_admin_http_refuses_raw_slashes_and_two_lengths),
        TEST(test_admin_http_sends_security_headers_everywhere),
        TEST(test_admin_http_has_no_cors_preflight),
        TEST(test_admin_http_answers_garbage_with_a_problem),
        TEST(test_admin_http_patch_changes_the_world),
        TEST(test_admin_http_edits_need_the_right_precondition),
        TEST(test_admin_http_refuses_bad_bodies),
        TEST(test_admin_http_refuses_a_body_that_is_too_large),
        TEST(test_admin_http_refuses_a_body_that_stops_early_or_takes_long),
        TEST(test_admin_http_spawns_and_despawns),
        TEST(test_admin_http_unknown_things_are_not_found),
        TEST(test_admin_http_lists_are_paged),
        TEST(test_admin_http_session_needs_csrf_for_writes),
        TEST(test_admin_http_stream_brings_changes),
        TEST(test_admin_http_stream_ends_at_logout),
        TEST(test_admin_http_streams_are_bounded),
        TEST(test_admin_http_system_can_be_looked_at_but_steps_stay),
        TEST(test_admin_http_reads_are_answered),
        cmocka_unit_test_setup_teardown(test_admin_http_viewer_only_looks, setup_viewer,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_admin_http_operator_edits_but_does_not_restore, setup_operator,
            teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
