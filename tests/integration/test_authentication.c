/* Who is let in, over real sockets, with tokens that another program signs. */
#include "admin_client.h"
#include "server_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "integration secret of 32 bytes.."
#define SHARED "integration-shared-token"

enum {
    TOKEN = 1024,
    ROUNDS = 200
};

/* A token for @p claims, an expression of Python in which `now` is the time. */
static void sign(const char *secret, const char *claims, char token[TOKEN])
{
    char command[2048];
    FILE *python;

    snprintf(command, sizeof(command),
             "%s -c \"import base64,hashlib,hmac,json,time\n"
             "now=time.time()\n"
             "e=lambda b:base64.urlsafe_b64encode(b).rstrip(b'=')\n"
             "s=b'.'.join(e(json.dumps(o).encode()) for o in ({'alg':'HS256'},%s))\n"
             "d=hmac.new(b'%s',s,hashlib.sha256).digest()\n"
             "print((s+b'.'+e(d)).decode())\"",
             PYTHON3, claims, secret);
    python = popen(command, "r");
    assert_non_null(python);
    assert_non_null(fgets(token, TOKEN, python));
    assert_int_equal(pclose(python), 0);
    token[strcspn(token, "\n")] = '\0';
}

/* Ask to be let in; @p query begins with '?', or is empty. */
static void ask(const server_t *server,
                ws_client_t *client,
                const char *query,
                const char *authorization)
{
    char request[4 * TOKEN];

    ws_client_drop(client);
    ws_client_connect(client, server->port);
    snprintf(request, sizeof(request),
             "GET /%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
             query, authorization[0] ? "Authorization: " : "", authorization,
             authorization[0] ? "\r\n" : "");
    ws_client_send_raw(client, request, strlen(request));
}

static void expect_in(const server_t *server, ws_client_t *client)
{
    (void)server;
    assert_int_equal(ws_client_receive_status(client), 101);
    ws_client_say(client, "/list");
    ws_client_expect_text(client,
                          "[System] Active Rooms:\n  No active rooms right now.");
}

/* The whole response: status, challenge, a body that says why, and the end. */
static void expect_refusal(ws_client_t *client, int status, const char *body)
{
    char response[2048], expected[256];
    size_t size = socket_receive_all(client->descriptor, response, sizeof(response));

    assert_int_equal(socket_http_status(response), status);
    snprintf(expected, sizeof(expected), "\r\n\r\n%s\n", body);
    if (strstr(response, expected) == NULL) {
        fail_msg("\"%s\" is not the body of %s", body, response);
    }
    assert_true((strstr(response, "WWW-Authenticate: Bearer\r\n") != NULL) ==
                (status == 401));
    assert_true(size > 0);
}

static void try_header(fixture_t *f, const char *claims, const char *secret)
{
    char token[TOKEN], header[TOKEN + 16];

    sign(secret, claims, token);
    snprintf(header, sizeof(header), "Bearer %s", token);
    ask(&f->server, &f->clients[0], "", header);
}

static void start_with(fixture_t *f, const char *threads)
{
    if (PYTHON3[0] == '\0') {
        skip();
    }
    SERVER_START(&f->server, REEFD, threads, "auth.jwt_secret=" SECRET,
                 "auth.token=" SHARED, "auth.jwt_audience=reef", "auth.jwt_scope=play",
                 "log.level=info,auth=debug,session=debug,websocket=debug");
}

static void run_jwt(fixture_t *f, const char *threads)
{
    ws_client_t *client = &f->clients[0];

    start_with(f, threads);
    try_header(f, "{'sub':'é','aud':'reef','scope':'play','exp':now+60}", SECRET);
    expect_in(&f->server, client);
    try_header(f, "{'aud':'reef','scope':'play','exp':now-60}", SECRET);
    expect_refusal(client, 401, "the token has expired");
    try_header(f, "{'aud':'reef','scope':'play','nbf':now+600}", SECRET);
    expect_refusal(client, 401, "the token is not valid yet");
    try_header(f, "{'aud':'other','scope':'play'}", SECRET);
    expect_refusal(client, 401, "the token is for another audience");
    try_header(f, "{'aud':'reef','scope':'play'}", "another secret, 32 bytes long...");
    expect_refusal(client, 401, "the token's signature is wrong");
    try_header(f, "{'aud':'reef','scope':'watch'}", SECRET);
    expect_refusal(client, 403, "the token lacks the scope");
    ask(&f->server, client, "", "Bearer x.y.z");
    expect_refusal(client, 401, "the token is malformed");
    ask(&f->server, client, "", "");
    expect_refusal(client, 401, "a token is needed");
}

static void test_authentication_by_jwt(void **state)
{
    run_jwt(*state, "server.io_threads=0");
}

static void test_authentication_by_jwt_on_threads(void **state)
{
    run_jwt(*state, "server.io_threads=2");
}

static cJSON *component(const server_t *server, const char *name)
{
    cJSON *clients = admin_get(server, "/api/v1/clients");
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(clients, "items");
    char path[256];
    cJSON *value;

    assert_int_equal(cJSON_GetArraySize(items), 1);
    snprintf(path, sizeof(path), "/api/v1/entities/%s/components/%s",
             admin_text(cJSON_GetArrayItem(items, 0), "entity"), name);
    value = admin_get(server, path);
    cJSON_Delete(clients);
    return value;
}

/* By the query; what an operator then sees of it. */
static void test_authentication_by_query_shows_no_token(void **state)
{
    fixture_t *f = *state;
    char token[TOKEN], query[TOKEN + 32];
    cJSON *value;

    start_with(f, "server.io_threads=2");
    sign(SECRET, "{'sub':'me','aud':['x','reef'],'scope':'play','exp':4000000000}",
         token);
    snprintf(query, sizeof(query), "?a=1&access_token=%s", token);
    ask(&f->server, &f->clients[0], query, "");
    expect_in(&f->server, &f->clients[0]);
    value = component(&f->server, "session");
    assert_string_equal(admin_text(value, "query"), "a=1&access_token=***");
    cJSON_Delete(value);
    value = component(&f->server, "claims");
    assert_string_equal(admin_text(value, "subject"), "me");
    assert_string_equal(admin_text(value, "scope"), "play");
    assert_true(admin_number(value, "expires_at_ms") == 4000000000000.0);
    cJSON_Delete(value);
    ask(&f->server, &f->clients[1], "?access_token=" SHARED, "");
    expect_in(&f->server, &f->clients[1]);
    server_stop(&f->server);
    assert_null(strstr(f->server.process.errors.text, token));
    assert_null(strstr(f->server.process.errors.text, SHARED));
}

static void test_authentication_log_shows_no_secret(void **state)
{
    fixture_t *f = *state;

    start_with(f, "server.io_threads=0");
    try_header(f, "{'aud':'other'}", SECRET);
    expect_refusal(&f->clients[0], 401, "the token is for another audience");
    server_stop(&f->server);
    assert_non_null(strstr(f->server.process.errors.text, "clients need a token"));
    assert_non_null(strstr(f->server.process.errors.text, "peer refused"));
    assert_null(strstr(f->server.process.errors.text, SECRET));
    assert_null(strstr(f->server.process.errors.text, SHARED));
    assert_null(strstr(f->server.process.errors.text, "Bearer"));
}

/* Crowds with bad tokens, who go without waiting for the answer or not, leave nothing,
 * and those who are in are served. */
static void run_crowd(fixture_t *f, const char *threads)
{
    server_base_line_t before;

    start_with(f, threads);
    ask(&f->server, &f->clients[1], "", "Bearer " SHARED);
    expect_in(&f->server, &f->clients[1]);
    before = server_base_line(&f->server);
    for (int i = 0; i < ROUNDS; i++) {
        ask(&f->server, &f->clients[0], "?access_token=bad",
            i % 2 ? "Bearer bad" : "Bearer " SHARED);
        if (i % 4 == 1) {
            expect_refusal(&f->clients[0], 401, "the token is malformed");
        }
    }
    ws_client_drop(&f->clients[0]);
    server_await_base_line(&f->server, before);
    ws_client_say(&f->clients[1], "/list");
    ws_client_expect_text(&f->clients[1],
                          "[System] Active Rooms:\n  No active rooms right now.");
}

static void test_authentication_crowds_leave_nothing(void **state)
{
    run_crowd(*state, "server.io_threads=0");
}

static void test_authentication_crowds_leave_nothing_on_threads(void **state)
{
    run_crowd(*state, "server.io_threads=2");
}

static void test_authentication_is_off_by_default(void **state)
{
    fixture_t *f = *state;

    SERVER_START(&f->server, REEFD, NULL);
    ask(&f->server, &f->clients[0], "", "");
    expect_in(&f->server, &f->clients[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_authentication_by_jwt),
        TEST(test_authentication_by_jwt_on_threads),
        TEST(test_authentication_by_query_shows_no_token),
        TEST(test_authentication_log_shows_no_secret),
        TEST(test_authentication_crowds_leave_nothing),
        TEST(test_authentication_crowds_leave_nothing_on_threads),
        TEST(test_authentication_is_off_by_default),
    };

    return cmocka_run_group_tests_name("authentication", tests, NULL, NULL);
}
