/* What routes and browsers are answered, over real sockets. */
#include "auth.h"
#include "http_app.h"
#include "state.h"
#include "test.h"
#include "ws_client.h"

/* Requests --------------------------------------------------------------------- */

static void test_http_plugin_reads_and_changes_the_world(void **state)
{
    server_t *server = *state;
    ws_client_t client = {0};

    START_PLAIN(server);
    ws_client_open(&client, server->websocket_port);
    ws_client_expect_silence(&client); /* the world has it */
    assert_int_equal(get(server, "/fish"), 200);
    assert_string_equal(server->reply.body, "{\"fish\":0}");
    assert_int_equal(
        ask(server, (http_request_t){.method = "POST", .path = "/fish/a%22b%20%C3%A4"}),
        201);
    assert_string_equal(server->reply.body, "{\"name\":\"a\\\"b ä\"}");
    expect_header(server, "Location", "/fish/a%22b%20%C3%A4");
    ws_client_expect_text(&client, "new: a\"b ä");
    assert_int_equal(get(server, "/fish"), 200);
    assert_string_equal(server->reply.body, "{\"fish\":1}");
    ws_client_drop(&client);
}

static void test_http_plugin_leaves_headers_to_the_handler(void **state)
{
    server_t *server = *state;

    START_PLAIN(server);
    assert_int_equal(
        ask(server, (http_request_t){.method = "DELETE", .path = "/echo/1?allow=GET"}),
        405);
    assert_int_equal(count_of(server->reply.text, "\r\nAllow: "), 1);
    expect_header(server, "Allow", "GET");
    expect_header(server, "Cache-Control", "no-store");
    assert_int_equal(
        ask(server, (http_request_t){.method = "DELETE", .path = "/echo/1"}), 204);
    assert_int_equal(count_of(server->reply.text, "\r\nAllow: "), 0);
}

static void test_http_plugin_refuses_what_no_route_answers(void **state)
{
    server_t *server = *state;

    START_PLAIN(server);
    assert_int_equal(get(server, "/"), 404);
    expect_header(server, "Content-Type", "application/problem+json");
    expect_header(server, "X-Content-Type-Options", "nosniff");
    assert_int_equal(ask(server, (http_request_t){.method = "DELETE", .path = "/echo"}),
                     405);
    expect_header(server, "Allow", "POST, PUT, OPTIONS");
    assert_int_equal(
        ask(server, (http_request_t){.method = "OPTIONS", .path = "/fish"}), 204);
    expect_header(server, "Allow", "GET, HEAD, OPTIONS");
    assert_int_equal(
        ask(server, (http_request_t){.method = "PROPFIND", .path = "/fish"}), 501);
    assert_int_equal(ask(server, (http_request_t){.method = "BREW", .path = "/fish"}),
                     400);
    assert_int_equal(get(server, "/nothing"), 500);
    assert_int_equal(get(server, "/api/v1/whoami"), 404);
    assert_int_equal(get(server, "/livez"), 404);
}

static void test_http_plugin_listens_on_all_of_its_addresses(void **state)
{
    server_t *server = *state;

    START_PLAIN(server);
    assert_int_not_equal(server->http_port, server->second_port);
    assert_int_equal(get(server, "/fish"), 200);
    assert_int_equal(
        ask(server, (http_request_t){.port = server->second_port, .path = "/fish"}),
        200);
}

static void test_http_plugin_answers_the_hosts_of_its_setting_only(void **state)
{
    START(*state, "http.hosts=game.example, game.example:81");
    assert_int_equal(get(*state, "/fish"), 421);
    assert_int_equal(
        ask(*state, (http_request_t){.path = "/fish", .host = "GAME.example"}), 200);
    assert_int_equal(
        ask(*state, (http_request_t){.path = "/fish", .host = "game.example:81"}), 200);
    assert_int_equal(
        ask(*state, (http_request_t){.path = "/fish", .host = "game.example:82"}), 421);
}

/* The admin's cookie ----------------------------------------------------------- */

/* A session of the admin; its cookie as a header line. */
static void log_in(server_t *server, char cookie[160])
{
    reef__admin_t *admin = reef_app_plugin_state(server->app, "admin");
    char code[REEF__SECRET_SIZE], body[128], value[256];

    reef__auth_make_code(admin->auth, reef__now_ns(), code);
    snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
    assert_int_equal(ask(server, (http_request_t){.port = server->admin_port,
                                                  .method = "POST",
                                                  .path = "/api/v1/session",
                                                  .body = body}),
                     200);
    assert_true(http_header(&server->reply, "Set-Cookie", value, sizeof(value)));
    snprintf(cookie, 160, "Cookie: a=1; %.*s; b=2\r\n", (int)strcspn(value, ";"),
             value);
}

static void test_http_plugin_never_shows_the_cookie_of_the_admin(void **state)
{
    static const char *const headers[][2] = {
        {"", "[none]"},
        {"Cookie: reef_session=secret\r\n", "[none]"},
        {"Cookie: a=1;reef_session=secret;b=2\r\n", "[a=1; b=2]"},
        {"Cookie:  Reef_Session =secret; x\r\n", "[x]"},
        {"Cookie: reef_session=\"secret\"; reef_sessions=1\r\n", "[reef_sessions=1]"},
        {"cOOKIE: a=1\r\nCookie: reef_session=secret\r\n", "[a=1]"},
    };
    server_t *server = *state;
    char cookie[160];

    START_PLAIN(server);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        assert_int_equal(
            ask(server, (http_request_t){.path = "/cookie", .headers = headers[i][0]}),
            200);
        assert_string_equal(server->reply.body, headers[i][1]);
    }
    log_in(server, cookie);
    assert_int_equal(ask(server, (http_request_t){.port = server->admin_port,
                                                  .path = "/api/v1/server",
                                                  .headers = cookie}),
                     200);
    assert_int_equal(
        ask(server, (http_request_t){.path = "/api/v1/server", .headers = cookie}),
        200);
    assert_string_equal(server->reply.body, "[a=1; b=2]");
    assert_int_equal(
        ask(server, (http_request_t){.path = "/api/v1/whoami", .headers = cookie}),
        404);
}

static void test_http_plugin_is_not_on_the_origin_of_the_admin(void **state)
{
    server_t *server = *state;

    START_PLAIN(server);
    assert_int_equal(
        ask(server, (http_request_t){.port = server->admin_port,
                                     .path = "/cookie",
                                     .headers = "Authorization: Bearer a-token\r\n"}),
        404);
}

/* Pages of other origins ------------------------------------------------------- */

#define ORIGIN    "Origin: https://game.example\r\n"
#define PREFLIGHT ORIGIN "Access-Control-Request-Method: PUT\r\n"

static void test_http_plugin_has_no_cors_unless_it_is_told(void **state)
{
    server_t *server = *state;
    char value[128];

    START_PLAIN(server);
    assert_int_equal(ask(server, (http_request_t){.path = "/fish", .headers = ORIGIN}),
                     200);
    assert_false(http_header(&server->reply, "Access-Control-Allow-Origin", value,
                             sizeof(value)));
}

static void test_http_plugin_lets_the_origins_of_its_setting_read(void **state)
{
    server_t *server = *state;
    char value[128];

    START(server, "http.origins=http://a.example,https://game.example");
    assert_int_equal(ask(server, (http_request_t){.path = "/fish", .headers = ORIGIN}),
                     200);
    expect_header(server, "Access-Control-Allow-Origin", "https://game.example");
    expect_header(server, "Vary", "Origin");
    assert_int_equal(ask(server, (http_request_t){.method = "OPTIONS",
                                                  .path = "/echo",
                                                  .headers = PREFLIGHT
                                                  "Access-Control-Request-Headers: "
                                                  "content-type,x-y\r\n"}),
                     204);
    expect_header(server, "Access-Control-Allow-Methods", "POST, PUT, OPTIONS");
    expect_header(server, "Access-Control-Allow-Headers", "content-type,x-y");
    assert_int_equal(
        ask(server, (http_request_t){.path = "/fish", .headers = "Origin: null\r\n"}),
        200);
    assert_false(http_header(&server->reply, "Access-Control-Allow-Origin", value,
                             sizeof(value)));
}

static void test_http_plugin_counts_requests(void **state)
{
    server_t *server = *state;

    START_PLAIN(server);
    get(server, "/fish");
    get(server, "/fish");
    get(server, "/none");
    get(server, "/nothing");
    get(server, "/%2f");
    talk(server, "NONSENSE\r\n\r\n", 12);
    assert_true(metric(server, "reef_http_requests_total{status=\"2xx\"} ") == 2);
    assert_true(metric(server, "reef_http_requests_total{status=\"4xx\"} ") == 3);
    assert_true(metric(server, "reef_http_requests_total{status=\"5xx\"} ") == 1);
    assert_true(metric(server, "\nreef_http_refused_total ") == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_http_plugin_reads_and_changes_the_world),
        BOTH(test_http_plugin_leaves_headers_to_the_handler),
        BOTH(test_http_plugin_refuses_what_no_route_answers),
        BOTH(test_http_plugin_listens_on_all_of_its_addresses),
        BOTH(test_http_plugin_answers_the_hosts_of_its_setting_only),
        BOTH(test_http_plugin_never_shows_the_cookie_of_the_admin),
        BOTH(test_http_plugin_is_not_on_the_origin_of_the_admin),
        BOTH(test_http_plugin_has_no_cors_unless_it_is_told),
        BOTH(test_http_plugin_lets_the_origins_of_its_setting_read),
        BOTH(test_http_plugin_counts_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
