#include "http_app.h"

#include "socket.h"
#include "test.h"

#include <reef/admin.h>
#include <reef/components.h>
#include <reef/http_plugin.h>
#include <reef/reef.h>

#include <unistd.h>

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

static void get_peer(reef_http_request_t *request, void *context)
{
    (void)context;
    reef_http_reply_text(request, 200, "%s", request->peer);
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
        {REEF_HTTP_GET, "/peer", get_peer},
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

const char *find_address(const reef_app_t *app, const char *transport, size_t nth)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(listeners[i].transport, transport) == 0 && nth-- == 0) {
            return listeners[i].address;
        }
    }
    return NULL;
}

uint16_t find_port(const reef_app_t *app, const char *transport, size_t nth)
{
    const char *address = find_address(app, transport, nth);

    return address != NULL ? (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10) : 0;
}

static void add_plugin(server_t *server, const reef_plugin_t *plugin)
{
    reef_failure_t failure = {0};

    if (reef_app_add_plugin(server->app, plugin, NULL, &failure) != REEF_OK) {
        fprintf(stderr, "%s\n", failure.text);
        abort();
    }
}

static bool start_app(server_t *server)
{
    const char *words[2 * (MAX_SETTINGS + 6)] = {"test"};
    const char *own[] = {"websocket.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0",
                         "admin.token=a-token", "log.level=off",
                         server->is_ipv6 ? "http.listen=[::1]:0,[::1]:0"
                                         : "http.listen=127.0.0.1:0,127.0.0.1:0"};
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
    if (reef_app_start(server->app, &server->failure) != REEF_OK) {
        reef_app_destroy(server->app);
        server->app = NULL;
        return false;
    }
    return true;
}

static void *run(void *context)
{
    server_t *server = context;

    if (!start_app(server)) {
        sem_post(&server->started);
        return NULL;
    }
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

int setup(void **state)
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

int setup_ipv6(void **state)
{
    setup(state);
    ((server_t *)*state)->is_ipv6 = true;
    return 0;
}

bool try_start(server_t *server, const char *const *settings)
{
    if (server->is_ipv6 && !socket_has_ipv6()) {
        print_message("there is no [::1]\n");
        skip();
    }
    for (size_t i = 0; settings[i] != NULL; i++) {
        assert_true(i < MAX_SETTINGS);
        server->settings[i] = settings[i];
    }
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    sem_wait(&server->started);
    if (server->app == NULL) {
        pthread_join(server->thread, NULL);
    }
    return server->app != NULL;
}

void start_with(server_t *server, const char *const *settings)
{
    if (!try_start(server, settings)) {
        fail_msg("%s", server->failure.text);
    }
}

void stop(server_t *server)
{
    reef_app_stop(server->app);
    sem_post(&server->stopped);
    sem_post(&server->released);
    pthread_join(server->thread, NULL);
    server->app = NULL;
}

int teardown(void **state)
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

int connect_http(const server_t *server)
{
    return server->is_ipv6 ? socket_connect_ipv6(server->http_port)
                           : socket_connect(server->http_port);
}

int open_http(const server_t *server, http_request_t request)
{
    request.port = server->http_port;
    request.is_ipv6 = server->is_ipv6;
    return http_open(&request);
}

int ask(server_t *server, http_request_t request)
{
    request.port = request.port != 0 ? request.port : server->http_port;
    request.is_ipv6 = server->is_ipv6 && request.port != server->admin_port;
    http_send(&request, &server->reply);
    return server->reply.status;
}

int get(server_t *server, const char *path)
{
    return ask(server, (http_request_t){.path = path});
}

void expect_header(server_t *server, const char *name, const char *wanted)
{
    char value[256];

    if (!http_header(&server->reply, name, value, sizeof(value))) {
        fail_msg("no header %s in %s", name, server->reply.text);
    }
    assert_string_equal(value, wanted);
}

const char *talk(server_t *server, const char *text, size_t size)
{
    int descriptor = connect_http(server);

    assert_true(socket_send(descriptor, text, size));
    socket_receive_all(descriptor, server->reply.text, sizeof(server->reply.text));
    close(descriptor);
    return server->reply.text;
}

size_t count_of(const char *text, const char *what)
{
    size_t count = 0;

    for (; (text = strstr(text, what)) != NULL; text++) {
        count++;
    }
    return count;
}

double metric(server_t *server, const char *line)
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