/*
 * Routes over real sockets.  The app lives on a thread of its own, which is its world
 * thread; it also serves WebSocket clients and the admin.  The tests are its clients.
 */
#include "auth.h"
#include "http_client.h"
#include "socket.h"
#include "state.h"
#include "test.h"
#include "ws_client.h"

#include <reef/admin.h>
#include <reef/components.h>
#include <reef/http_plugin.h>
#include <reef/reef.h>

#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_SETTINGS = 8,
    BIG = 8 << 20, /* more than sockets buffer */
    SMALL_BODY = 16,
};

typedef struct server {
    pthread_t thread;
    sem_t started, stopped;  /* reef_app_stop() has returned */
    sem_t entered, released; /* of the handler that waits */
    const char *settings[MAX_SETTINGS + 1];
    reef_app_t *app;
    uint16_t websocket_port, http_port, second_port, admin_port;
    http_reply_t reply;
} server_t;

/* The application -------------------------------------------------------------- */

REEF_COMPONENT(fish, 0, REEF_TEXT(name, 32));

static uint32_t count_fish(reef_world_t *world)
{
    reef_query_t *query = reef_query_create(
        world, &(reef_query_desc_t){{{REEF_ACCESS_WITH, &fish_type}}});
    uint32_t count = (uint32_t)reef_query_count(query);

    reef_query_destroy(query);
    return count;
}

static void get_fish(reef_http_request_t *request, void *context)
{
    (void)context;
    reef_http_reply_json(request, 0, "{\"fish\":%u}", count_fish(request->world));
}

/* Spawns one and tells all WebSocket clients. */
static void post_fish(reef_http_request_t *request, void *context)
{
    reef_entity_t entity = reef_world_spawn(request->world, REEF_RANGE_WORLD);
    const char *name = reef_http_parameter(request, "name");
    char location[128];

    (void)context;
    REEF_ADD(request->world, entity, fish);
    reef_world_send(request->world,
                    &(send_message_t){.group = reef_group_everyone(request->app),
                                      .payload = reef_buffer_format("new: %s", name)});
    snprintf(location, sizeof(location), "/fish/%s",
             reef_http_encode(request, reef_span_text(name)));
    assert_true(reef_http_add_header(request, "Location", location));
    reef_http_reply_json(request, 201, "{\"name\":%s}",
                         reef_http_quote(request, reef_span_text(name)));
}

static void post_echo(reef_http_request_t *request, void *context)
{
    (void)context;
    reef_http_reply(request, 200, "text/plain", request->body);
}

static void get_cookie(reef_http_request_t *request, void *context)
{
    const char *cookie = reef_http_header(request, "Cookie");

    (void)context;
    reef_http_reply_text(request, 200, "[%s]", cookie != NULL ? cookie : "none");
}

static void get_big(reef_http_request_t *request, void *context)
{
    char *body = calloc(1, BIG);

    (void)context;
    assert_non_null(body);
    reef_http_reply(request, 200, NULL, reef_span(body, BIG));
    free(body);
}

static void get_slow(reef_http_request_t *request, void *context)
{
    server_t *server = context;

    sem_post(&server->entered);
    sem_wait(&server->released);
    reef_http_reply_text(request, 200, "at last");
}

/* Says by itself what the server says otherwise. */
static void delete_echo(reef_http_request_t *request, void *context)
{
    const char *allow = reef_http_query(request, "allow");

    (void)context;
    assert_true(reef_http_add_header(request, "X-Was", "Cache-Control: public"));
    if (allow != NULL) {
        assert_true(reef_http_add_header(request, "Allow", allow));
        reef_http_reply_problem(request, 405, "not now");
    } else {
        reef_http_reply(request, 204, NULL, reef_span(NULL, 0));
    }
}

static void get_nothing(reef_http_request_t *request, void *context)
{
    (void)request, (void)context;
}

/* Frames without a tick, up to now. */
static void get_frames(reef_http_request_t *request, void *context)
{
    uint64_t frames = REEF_RESOURCE(request->world, frame_time)->frame;
    uint64_t ticks = REEF_RESOURCE(request->world, simulation_time)->tick;

    (void)context;
    reef_http_reply_text(request, 200, "%s", frames > ticks + 1 ? "some" : "none");
}

static server_t *building;

static reef_error_t
build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    const reef_http_route_desc_t routes[] = {
        {REEF_HTTP_GET, "/fish", get_fish},
        {REEF_HTTP_POST, "/fish/{name}", post_fish},
        {REEF_HTTP_POST, "/echo", post_echo, .max_body = SMALL_BODY},
        {REEF_HTTP_PUT, "/echo", post_echo},
        {REEF_HTTP_DELETE, "/echo/{what}", delete_echo},
        {REEF_HTTP_GET, "/cookie", get_cookie},
        {REEF_HTTP_GET, "/api/v1/server", get_cookie},
        {REEF_HTTP_GET, "/big", get_big},
        {REEF_HTTP_GET, "/slow", get_slow, .context = building},
        {REEF_HTTP_GET, "/nothing", get_nothing},
        {REEF_HTTP_GET, "/frames", get_frames},
    };

    (void)config, (void)state, (void)failure;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        reef_http_route(app, &routes[i]);
    }
    return REEF_OK;
}

static const reef_plugin_t test_plugin = {REEF_PLUGIN_API, "test", .build = build};

/* The server ------------------------------------------------------------------- */

static uint16_t find_port(const reef_app_t *app, const char *transport, size_t nth)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(listeners[i].transport, transport) == 0 && nth-- == 0) {
            return (uint16_t)strtoul(strrchr(listeners[i].address, ':') + 1, NULL, 10);
        }
    }
    return 0;
}

static void add_plugin(server_t *server, const reef_plugin_t *plugin)
{
    reef_failure_t failure = {0};

    if (reef_app_add_plugin(server->app, plugin, NULL, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
}

static void start_app(server_t *server)
{
    const char *words[2 * (MAX_SETTINGS + 6)] = {"test"};
    const char *own[] = {"websocket.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0",
                         "admin.token=a-token", "log.level=off",
                         "http.listen=127.0.0.1:0,127.0.0.1:0"};
    reef_failure_t failure = {0};
    int count = 1;

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        words[count++] = "--set";
        words[count++] = own[i];
    }
    for (const char **setting = server->settings; *setting != NULL; setting++) {
        words[count++] = "--set";
        words[count++] = *setting;
    }
    if (reef_app_create(&(reef_app_desc_t){.argc = count,
                                           .argv = words,
                                           .ignore_environment = true},
                        &server->app, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    building = server;
    add_plugin(server, &reef_websocket_plugin);
    add_plugin(server, &reef_http_plugin);
    add_plugin(server, &reef_admin_plugin);
    add_plugin(server, &test_plugin);
    if (reef_app_start(server->app, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
}

static void *run(void *context)
{
    server_t *server = context;

    start_app(server);
    server->websocket_port = find_port(server->app, "websocket", 0);
    server->http_port = find_port(server->app, "http", 0);
    server->second_port = find_port(server->app, "http", 1);
    server->admin_port = find_port(server->app, "admin", 0);
    sem_post(&server->started);
    reef_app_run(server->app);
    sem_wait(&server->stopped);
    reef_app_destroy(server->app);
    return NULL;
}

static int setup(void **state)
{
    server_t *server = calloc(1, sizeof(*server));

    assert_non_null(server);
    sem_init(&server->started, 0, 0);
    sem_init(&server->stopped, 0, 0);
    sem_init(&server->entered, 0, 0);
    sem_init(&server->released, 0, 0);
    *state = server;
    return 0;
}

static void start_with(server_t *server, const char *const *settings)
{
    for (size_t i = 0; settings[i] != NULL; i++) {
        assert_true(i < MAX_SETTINGS);
        server->settings[i] = settings[i];
    }
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    sem_wait(&server->started);
}

/* Settings beyond those that every test has: START(server, "http.threads=1"). */
#define START(server, ...)                                                             \
    start_with((server), (const char *const[]){__VA_ARGS__, NULL})
#define START_PLAIN(server) start_with((server), (const char *const[]){NULL})

static void stop(server_t *server)
{
    reef_app_stop(server->app);
    sem_post(&server->stopped);
    sem_post(&server->released);
    pthread_join(server->thread, NULL);
    server->app = NULL;
}

static int teardown(void **state)
{
    server_t *server = *state;

    if (server->app != NULL) {
        stop(server);
    }
    sem_destroy(&server->started);
    sem_destroy(&server->stopped);
    sem_destroy(&server->entered);
    sem_destroy(&server->released);
    free(server);
    return 0;
}

static int ask(server_t *server, http_request_t request)
{
    request.port = request.port != 0 ? request.port : server->http_port;
    http_send(&request, &server->reply);
    return server->reply.status;
}

static int get(server_t *server, const char *path)
{
    return ask(server, (http_request_t){.path = path});
}

static void expect_header(server_t *server, const char *name, const char *wanted)
{
    char value[256];

    if (!http_header(&server->reply, name, value, sizeof(value))) {
        fail_msg("no header %s in %s", name, server->reply.text);
    }
    assert_string_equal(value, wanted);
}

/* Send @p text as it is; what comes until the end of the connection. */
static const char *talk(server_t *server, const char *text, size_t size)
{
    int descriptor = socket_connect(server->http_port);

    assert_true(socket_send(descriptor, text, size));
    socket_receive_all(descriptor, server->reply.text, sizeof(server->reply.text));
    close(descriptor);
    return server->reply.text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (; (text = strstr(text, what)) != NULL; text++) {
        count++;
    }
    return count;
}

static double metric(server_t *server, const char *line)
{
    const char *found;

    assert_int_equal(
        ask(server, (http_request_t){.port = server->admin_port,
                                     .path = "/metrics",
                                     .headers = "Authorization: Bearer a-token\r\n"}),
        200);
    found = strstr(server->reply.body, line);
    return found != NULL ? strtod(found + strlen(line), NULL) : -1;
}

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

static void test_http_plugin_refuses_heads_that_can_be_read_twice(void **state)
{
    static const char *const paths[] = {"/echo%2f", "/echo/../fish", "/%00", "/%",
                                        "/%zz",     "//fish",        "/%ff", "/echo%5c",
                                        "fish",     "/fish?a=%0"};
    server_t *server = *state;

    START_PLAIN(server);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (get(server, paths[i]) != 400) {
            fail_msg("%s: %d", paths[i], server->reply.status);
        }
    }
    assert_int_equal(
        ask(server, (http_request_t){.method = "PUT",
                                     .path = "/echo",
                                     .headers = "Transfer-Encoding: chunked\r\n",
                                     .body = "x"}),
        400);
    assert_int_equal(ask(server, (http_request_t){.path = "/fish",
                                                  .headers = "Content-Length: 0\r\n"
                                                             "Content-Length: 0\r\n"}),
                     400);
    assert_int_equal(
        ask(server, (http_request_t){.path = "/fish", .headers = "Host: two\r\n"}),
        400);
    assert_non_null(strstr(talk(server, "GET /fish HTTP/1.1\r\n\r\n", 22), " 400 "));
    assert_non_null(
        strstr(talk(server, "NONSENSE\r\n\r\n", 12), "application/problem+json"));
}

/* The library lets these through, and overlooks what comes after some of them. */
static void test_http_plugin_refuses_lines_that_are_no_headers(void **state)
{
    static const char *const lines[] = {"X: a\r\n Y: b\r\n", " X: a\r\n", ": a\r\n",
                                        "\xc3\xa4: a\r\n",   "X : a\r\n", "X :\r\n",
                                        "X: a\nY: b\r\n"};
    server_t *server = *state;
    char text[256];

    START_PLAIN(server);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int size = snprintf(text, sizeof(text),
                            "PUT /echo HTTP/1.1\r\nHost: a\r\n%sContent-Length: 3\r\n"
                            "Connection: close\r\n\r\nabc",
                            lines[i]);

        if (socket_http_status(talk(server, text, (size_t)size)) != 400 ||
            count_of(server->reply.text, "HTTP/1.1 ") != 1) {
            fail_msg("%s: %s", lines[i], server->reply.text);
        }
    }
    assert_int_equal(
        ask(server,
            (http_request_t){.path = "/fish", .headers = "X:\r\nY:a\r\nZ:  a \r\n"}),
        200);
}

/* A header line of @p size bytes, or @p count small ones. */
static int ask_with_headers(server_t *server, size_t size, size_t count)
{
    size_t room = size + 6 * count + 1;
    char *headers = calloc(1, room);
    size_t used = 0;
    int status;

    assert_non_null(headers);
    if (size > 0) {
        used = (size_t)snprintf(headers, room, "X: %0*d\r\n", (int)size - 5, 1);
    }
    for (; count > 0; count--) {
        used += (size_t)snprintf(headers + used, room - used, "A: b\r\n");
    }
    status = ask(server, (http_request_t){.path = "/fish", .headers = headers});
    free(headers);
    return status;
}

static void test_http_plugin_bounds_heads(void **state)
{
    server_t *server = *state;
    char path[12000];

    START_PLAIN(server);
    snprintf(path, sizeof(path), "/%02100d", 1);
    assert_int_equal(get(server, path), 414);
    snprintf(path, sizeof(path), "/fish?%010000d", 1);
    assert_int_equal(get(server, path), 414);
    assert_int_equal(ask_with_headers(server, 16000, 0), 200);
    assert_int_equal(ask_with_headers(server, 18000, 0), 431);
    assert_int_equal(ask_with_headers(server, 60000, 0), 400);
    assert_int_equal(ask_with_headers(server, 0, 60), 200);
    assert_int_equal(ask_with_headers(server, 0, 70), 431);
    assert_int_equal(get(server, "/fish"), 200);
}

/* Bodies ----------------------------------------------------------------------- */

static void test_http_plugin_bounds_bodies_by_route_and_setting(void **state)
{
    server_t *server = *state;
    char body[1026];

    START(server, "http.max_body=1024");
    memset(body, 'b', sizeof(body));
    body[SMALL_BODY] = '\0';
    assert_int_equal(
        ask(server, (http_request_t){.method = "POST", .path = "/echo", .body = body}),
        200);
    assert_string_equal(server->reply.body, body);
    body[SMALL_BODY] = 'b';
    body[SMALL_BODY + 1] = '\0';
    assert_int_equal(
        ask(server, (http_request_t){.method = "POST", .path = "/echo", .body = body}),
        413);
    body[SMALL_BODY + 1] = 'b';
    body[1024] = '\0';
    assert_int_equal(
        ask(server, (http_request_t){.method = "PUT", .path = "/echo", .body = body}),
        200);
    assert_string_equal(server->reply.body, body);
    body[1024] = 'b';
    body[1025] = '\0';
    assert_int_equal(
        ask(server, (http_request_t){.method = "PUT", .path = "/echo", .body = body}),
        413);
}

#define CHUNKED                                                                        \
    "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"                          \
    "Transfer-Encoding: chunked\r\n\r\n"

static void test_http_plugin_reads_chunked_bodies(void **state)
{
    static const char good[] = CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    static const char large[] = CHUNKED "9\r\nabcdefghi\r\n9\r\nabcdefghi\r\n0\r\n\r\n";
    static const char bad[] = CHUNKED "zz\r\nabc\r\n0\r\n\r\n";
    const char *text;

    START_PLAIN(*state);
    text = talk(*state, good, sizeof(good) - 1);
    assert_non_null(strstr(text, " 200 "));
    assert_non_null(strstr(text, "\r\n\r\nabcde"));
    assert_non_null(strstr(talk(*state, large, sizeof(large) - 1), " 413 "));
    assert_non_null(strstr(talk(*state, bad, sizeof(bad) - 1), " 400 "));
}

static void test_http_plugin_says_continue_only_to_a_body_it_wants(void **state)
{
    static const char wanted[] =
        "PUT /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    static const char refused[] = "PUT /none HTTP/1.1\r\nHost: a\r\n"
                                  "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    static const char old[] = "PUT /echo HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n"
                              "Expect: 100-continue\r\n\r\nok";
    server_t *server = *state;
    int descriptor;
    char text[512];

    START_PLAIN(server);
    descriptor = socket_connect(server->http_port);
    assert_true(socket_send(descriptor, wanted, sizeof(wanted) - 1));
    assert_int_equal(socket_receive(descriptor, text, sizeof(text)), 25);
    assert_memory_equal(text, "HTTP/1.1 100 ", 13);
    assert_true(socket_send(descriptor, "ok", 2));
    socket_receive_all(descriptor, text, sizeof(text));
    close(descriptor);
    assert_non_null(strstr(text, "\r\n\r\nok"));
    assert_null(strstr(text, " 100 "));
    assert_null(strstr(talk(server, refused, sizeof(refused) - 1), " 100 "));
    assert_non_null(strstr(server->reply.text, " 404 "));
    assert_null(strstr(talk(server, old, sizeof(old) - 1), " 100 "));
    assert_non_null(strstr(server->reply.text, "\r\n\r\nok"));
}

/* Connections ------------------------------------------------------------------ */

#define GET_FISH "GET /fish HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST_GET "GET /fish HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define PUT_ECHO "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"

static void test_http_plugin_answers_pipelined_requests_in_order(void **state)
{
    static const char text[] = GET_FISH PUT_ECHO
        "HEAD /fish HTTP/1.1\r\nHost: a\r\n\r\n" GET_FISH LAST_GET GET_FISH;
    const char *replies;

    START_PLAIN(*state);
    replies = talk(*state, text, sizeof(text) - 1);
    assert_int_equal(count_of(replies, "HTTP/1.1 200"), 5);
    assert_int_equal(count_of(replies, "{\"fish\":0}"), 3);
    assert_int_equal(count_of(replies, "Content-Length: 10\r\n"), 4);
    assert_true(strstr(replies, "{\"fish\":0}") < strstr(replies, "\r\n\r\nbody"));
    assert_string_equal(strrchr(replies, '\n'), "\n{\"fish\":0}");
}

static void test_http_plugin_closes_after_a_body_it_did_not_read(void **state)
{
    static const char text[] = "PUT /none HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n"
                               "\r\n" GET_FISH;

    START_PLAIN(*state);
    assert_int_equal(count_of(talk(*state, text, sizeof(text) - 1), "HTTP/1.1"), 1);
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

/* Peers that take their time --------------------------------------------------- */

/* Send byte by byte, forever; true when the server has had enough. */
static bool is_cut_off(int descriptor, const char *head)
{
    char text[1024];

    assert_true(socket_send(descriptor, head, strlen(head)));
    for (int i = 0; i < SOCKET_DEADLINE_MS / 20; i++) {
        if (!socket_send(descriptor, "x", 1)) {
            return true;
        }
        usleep(20000); /* the pace of this peer, not a wait for the server */
    }
    (void)text;
    return false;
}

static void test_http_plugin_cuts_off_who_sends_a_byte_now_and_then(void **state)
{
    static const char *const heads[] = {
        "GET /fish HTTP/1.1\r\nX: ",
        "PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
        "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n",
    };
    server_t *server = *state;

    START(server, "http.request_timeout_ms=200", "http.threads=1");
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        int descriptor = socket_connect(server->http_port);

        assert_true(is_cut_off(descriptor, heads[i]));
        close(descriptor);
        assert_int_equal(get(server, "/fish"), 200); /* the only thread is free */
    }
}

static void test_http_plugin_others_are_served_beside_those_who_wait(void **state)
{
    server_t *server = *state;
    int slow[4];

    START(server, "http.threads=5", "http.request_timeout_ms=60000");
    for (size_t i = 0; i < 4; i++) {
        slow[i] = socket_connect(server->http_port);
        assert_true(socket_send(slow[i], "GET /fish HTTP/1.1\r\n", 20));
    }
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(get(server, "/fish"), 200);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(socket_send(slow[i], "Host: a\r\n\r\n", 11));
        assert_int_equal(socket_receive(slow[i], server->reply.text, 12), 12);
        assert_memory_equal(server->reply.text, "HTTP/1.1 200", 12);
        close(slow[i]);
    }
}

static void test_http_plugin_gives_up_who_does_not_read(void **state)
{
    server_t *server = *state;
    int descriptor;

    START(server, "http.request_timeout_ms=200", "http.threads=1");
    descriptor = socket_connect(server->http_port);
    assert_true(socket_send(descriptor, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 30));
    assert_int_equal(get(server, "/fish"), 200);
    close(descriptor);
}

static void test_http_plugin_sends_large_replies_whole(void **state)
{
    server_t *server = *state;
    int descriptor;
    size_t total = 0, got;

    START_PLAIN(server);
    descriptor = socket_connect(server->http_port);
    assert_true(socket_send(
        descriptor, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 49));
    while ((got = socket_receive(descriptor, server->reply.text, 65536)) > 0) {
        total += got;
    }
    close(descriptor);
    assert_in_range(total, BIG, BIG + 512);
}

/* The world's side ------------------------------------------------------------- */

static void test_http_plugin_answers_503_when_the_world_is_busy(void **state)
{
    server_t *server = *state;
    int waiting;

    START(server, "http.deadline_ms=50");
    waiting = http_open(&(http_request_t){.port = server->http_port, .path = "/slow"});
    sem_wait(&server->entered);
    assert_int_equal(get(server, "/fish"), 503);
    expect_header(server, "Retry-After", "1");
    sem_post(&server->released);
    socket_receive_all(waiting, server->reply.text, sizeof(server->reply.text));
    close(waiting);
    assert_non_null(strstr(server->reply.text, "at last"));
}

/* Its requests and those of routes wait in one place. */
static void test_http_plugin_leaves_room_for_the_admin(void **state)
{
    enum {
        CROWD = 300
    };
    server_t *server = *state;
    reef_mailbox_t *mailbox;
    int waiting[CROWD + 1], admin;

    START(server, "http.threads=400", "http.deadline_ms=60000",
          "admin.deadline_ms=60000");
    mailbox = reef_app_mailbox(server->app);
    waiting[0] =
        http_open(&(http_request_t){.port = server->http_port, .path = "/slow"});
    sem_wait(&server->entered);
    for (int i = 1; i <= CROWD; i++) {
        waiting[i] =
            http_open(&(http_request_t){.port = server->http_port, .path = "/fish"});
    }
    while (reef_mailbox_count(mailbox) < 256) {
        usleep(1000); /* they are on their way */
    }
    admin =
        http_open(&(http_request_t){.port = server->admin_port,
                                    .path = "/api/v1/entities",
                                    .headers = "Authorization: Bearer a-token\r\n"});
    while (reef_mailbox_count(mailbox) < CROWD + 1 &&
           recv(admin, server->reply.text, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
        usleep(1000);
    }
    sem_post(&server->released);
    socket_receive_all(admin, server->reply.text, sizeof(server->reply.text));
    close(admin);
    for (int i = 0; i <= CROWD; i++) {
        close(waiting[i]);
    }
    assert_int_equal(socket_http_status(server->reply.text), 200);
}

static void test_http_plugin_answers_before_the_next_tick(void **state)
{
    START(*state, "server.tick_rate=1");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(*state, "/frames"), 200);
    }
    assert_string_equal(((server_t *)*state)->reply.body, "some");
}

static void test_http_plugin_stops_while_requests_wait(void **state)
{
    server_t *server = *state;
    int waiting[5];

    START(server, "http.deadline_ms=60000", "server.shutdown_ms=0");
    waiting[0] =
        http_open(&(http_request_t){.port = server->http_port, .path = "/slow"});
    sem_wait(&server->entered);
    for (size_t i = 1; i < 5; i++) {
        waiting[i] =
            http_open(&(http_request_t){.port = server->http_port, .path = "/fish"});
    }
    stop(server);
    for (size_t i = 0; i < 5; i++) {
        socket_receive_all(waiting[i], server->reply.text, sizeof(server->reply.text));
        close(waiting[i]);
        /* Answered, refused, or turned away; never left hanging. */
        assert_true(server->reply.text[0] == '\0' ||
                    strstr(server->reply.text, "HTTP/1.1 ") == server->reply.text);
        assert_true(i > 0 || strstr(server->reply.text, "at last") != NULL);
    }
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
        TEST(test_http_plugin_reads_and_changes_the_world),
        TEST(test_http_plugin_leaves_headers_to_the_handler),
        TEST(test_http_plugin_refuses_what_no_route_answers),
        TEST(test_http_plugin_refuses_heads_that_can_be_read_twice),
        TEST(test_http_plugin_refuses_lines_that_are_no_headers),
        TEST(test_http_plugin_bounds_heads),
        TEST(test_http_plugin_bounds_bodies_by_route_and_setting),
        TEST(test_http_plugin_reads_chunked_bodies),
        TEST(test_http_plugin_says_continue_only_to_a_body_it_wants),
        TEST(test_http_plugin_answers_pipelined_requests_in_order),
        TEST(test_http_plugin_closes_after_a_body_it_did_not_read),
        TEST(test_http_plugin_listens_on_all_of_its_addresses),
        TEST(test_http_plugin_answers_the_hosts_of_its_setting_only),
        TEST(test_http_plugin_never_shows_the_cookie_of_the_admin),
        TEST(test_http_plugin_is_not_on_the_origin_of_the_admin),
        TEST(test_http_plugin_has_no_cors_unless_it_is_told),
        TEST(test_http_plugin_lets_the_origins_of_its_setting_read),
        TEST(test_http_plugin_cuts_off_who_sends_a_byte_now_and_then),
        TEST(test_http_plugin_others_are_served_beside_those_who_wait),
        TEST(test_http_plugin_gives_up_who_does_not_read),
        TEST(test_http_plugin_sends_large_replies_whole),
        TEST(test_http_plugin_answers_503_when_the_world_is_busy),
        TEST(test_http_plugin_leaves_room_for_the_admin),
        TEST(test_http_plugin_answers_before_the_next_tick),
        TEST(test_http_plugin_stops_while_requests_wait),
        TEST(test_http_plugin_counts_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
