/* Start and end of the loops: what fails leaves nothing behind, and open connections
 * are no obstacle. */
#include "test.h"
#include "ws_app.h"

#include <reef/session.h>
#include <reef/tcp.h>
#include <reef/udp.h>
#include <reef/websocket.h>

#include "app.h"
#include "transport/io.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    CLIENTS = 6,
    MAX_ARGS = 16,
};

typedef struct fixture {
    reef_app_t *app;
    const char *argv[MAX_ARGS];
    int argc;
    ws_client_t clients[CLIENTS];
    size_t threads; /* before there was an app */
    size_t descriptors;
} fixture_t;

static size_t count_entries(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static void set(fixture_t *f, const char *assignment)
{
    f->argv[f->argc++] = "--set";
    f->argv[f->argc++] = assignment;
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->argv[f->argc++] = "test";
    set(f, "log.level=off");
    f->threads = count_entries("/proc/self/task");
    f->descriptors = count_entries("/proc/self/fd");
    *state = f;
    return 0;
}

static void destroy(fixture_t *f)
{
    reef_app_destroy(f->app);
    f->app = NULL;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    destroy(f);
    for (int i = 0; i < CLIENTS; i++) {
        ws_client_drop(&f->clients[i]);
    }
    free(f);
    return 0;
}

/* An app with the WebSocket plugin as the settings have it. */
static void create(fixture_t *f)
{
    f->app = loopback_app_create(f->argc, f->argv);
    assert_int_equal(reef_app_add_plugin(f->app, &reef_websocket_plugin,
                                         &(websocket_config_t){.listen = "127.0.0.1:0"},
                                         NULL),
                     REEF_OK);
}

static void expect_nothing_left(const fixture_t *f)
{
    assert_int_equal(count_entries("/proc/self/task"), f->threads);
    assert_int_equal(count_entries("/proc/self/fd"), f->descriptors);
}

/* The start ---------------------------------------------------------------------- */

static void expect_failure(fixture_t *f, reef_error_t error, const char *text)
{
    reef_failure_t failure = {0};
    size_t threads = count_entries("/proc/self/task"); /* its workers among them */

    assert_int_equal(reef_app_start(f->app, &failure), error);
    if (strstr(failure.text, text) == NULL) {
        fail_msg("'%s' does not say '%s'", failure.text, text);
    }
    assert_int_equal(count_entries("/proc/self/task"), threads);
}

static void fail_at_an_address(fixture_t *f)
{
    uint16_t port;
    int taken = socket_listen(&port);
    char setting[64];

    /* The first address of the list is free: it has to be given back. */
    snprintf(setting, sizeof(setting), "websocket.listen=127.0.0.1:0,127.0.0.1:%u",
             port);
    set(f, setting);
    create(f);
    expect_failure(f, REEF_E_IO, "address already in use");
    destroy(f);
    close(taken);

    expect_nothing_left(f);
}

static void test_io_life_address_in_use_leaves_nothing(void **state)
{
    fail_at_an_address(*state);
}

static void test_io_life_address_in_use_leaves_no_threads(void **state)
{
    set(*state, "server.io_threads=2");
    fail_at_an_address(*state);
}

static void test_io_life_unknown_engine_is_refused(void **state)
{
    fixture_t *f = *state;

    set(f, "server.egress=wrong");
    set(f, "server.io_threads=2");
    create(f);
    expect_failure(f, REEF_E_INVALID,
                   "server.egress: 'wrong' is none of auto, uv, uring");
    destroy(f);

    expect_nothing_left(f);
}

/* Start while no descriptor can be had any more, a ring's included. */
static reef_error_t start_without_descriptors(fixture_t *f, reef_failure_t *failure)
{
    struct rlimit before;
    struct rlimit none;
    reef_error_t error;
    int next = dup(STDIN_FILENO);

    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    error = reef_app_start(f->app, failure);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    return error;
}

static void test_io_life_uring_that_cannot_be_had_is_said(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure = {0};

    set(f, "server.egress=uring");
    f->app = loopback_app_create(f->argc, f->argv);
    assert_int_equal(start_without_descriptors(f, &failure), REEF_E_INVALID);
    assert_non_null(
        strstr(failure.text, "server.egress: io_uring cannot be used here: "));
    destroy(f);

    expect_nothing_left(f);
}

static void test_io_life_auto_does_without_uring(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure = {0};

    f->app = loopback_app_create(f->argc, f->argv);
    assert_int_equal(start_without_descriptors(f, &failure), REEF_OK);

    assert_false(f->app->ios->uses_uring);
    assert_string_equal(f->app->ios->items[0]->egress->engine->name, "uv");
}

/* The end ------------------------------------------------------------------------ */

static void expect_end(ws_client_t *client)
{
    ws_client_expect_end(client);
    ws_client_drop(client);
}

static void destroy_with_connections(fixture_t *f)
{
    create(f);
    loopback_app_start(f->app);
    for (int i = 0; i < CLIENTS - 1; i++) {
        ws_app_open(f->app, &f->clients[i]);
        ws_client_say(&f->clients[i], "nobody will read this");
    }
    /* And one that has not got that far. */
    ws_client_connect(&f->clients[CLIENTS - 1], ws_app_port(f->app));
    ws_client_send_raw(&f->clients[CLIENTS - 1], "GET /", 5);
    reef_app_step(f->app, 0);
    destroy(f);

    for (int i = 0; i < CLIENTS; i++) {
        expect_end(&f->clients[i]);
    }
    expect_nothing_left(f);
}

static void test_io_life_destroy_ends_open_connections(void **state)
{
    destroy_with_connections(*state);
}

static void test_io_life_destroy_ends_connections_on_threads(void **state)
{
    set(*state, "server.io_threads=3");
    destroy_with_connections(*state);
}

static void add(fixture_t *f, const reef_plugin_t *plugin, const void *config)
{
    assert_int_equal(reef_app_add_plugin(f->app, plugin, config, NULL), REEF_OK);
}

/* They share the loops, and none may wait for what another closes later. */
static void destroy_transports_in_any_order(fixture_t *f)
{
    for (int order = 0; order < 2; order++) {
        create(f);
        if (order == 0) {
            add(f, &reef_udp_plugin, &(udp_config_t){.listen = "127.0.0.1:0"});
            add(f, &reef_tcp_plugin, &(tcp_config_t){.listen = "127.0.0.1:0"});
        } else {
            add(f, &reef_tcp_plugin, &(tcp_config_t){.listen = "127.0.0.1:0"});
            add(f, &reef_udp_plugin, &(udp_config_t){.listen = "127.0.0.1:0"});
        }
        assert_int_equal(reef_app_start(f->app, NULL), REEF_OK);
        destroy(f);
        expect_nothing_left(f);
    }
}

static void test_io_life_transports_end_in_any_order(void **state)
{
    destroy_transports_in_any_order(*state);
}

static void test_io_life_transports_on_threads_end_in_any_order(void **state)
{
    set(*state, "server.io_threads=2");
    destroy_transports_in_any_order(*state);
}

/* An app with a real clock, on a thread of its own. */
typedef struct server {
    fixture_t *fixture;
    int started[2]; /* a pipe: its port */
    reef_app_t *app;
} server_t;

static void *serve(void *context)
{
    server_t *server = context;
    fixture_t *f = server->fixture;
    uint16_t port = 0;
    reef_error_t error = reef_app_create(&(reef_app_desc_t){.name = "test",
                                                            .argc = f->argc,
                                                            .argv = f->argv,
                                                            .ignore_environment = true},
                                         &server->app, NULL);

    if (error == REEF_OK) {
        error =
            reef_app_add_plugin(server->app, &reef_websocket_plugin,
                                &(websocket_config_t){.listen = "127.0.0.1:0"}, NULL);
    }
    if (error == REEF_OK && reef_app_start(server->app, NULL) == REEF_OK) {
        port = ws_app_port(server->app);
    }
    if (write(server->started[1], &port, sizeof(port)) == sizeof(port) && port != 0) {
        reef_app_run(server->app);
    }
    reef_app_destroy(server->app);
    return NULL;
}

static void run_and_stop(fixture_t *f)
{
    server_t server = {.fixture = f};
    pthread_t thread;
    uint16_t port = 0;

    /* Nobody has to be waited for: longer than a client waits. */
    set(f, "server.shutdown_ms=60000");
    set(f, "websocket.close_timeout_ms=60000");
    assert_int_equal(pipe(server.started), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
    assert_int_equal(read(server.started[0], &port, sizeof(port)), sizeof(port));
    assert_true(port != 0);
    for (int i = 0; i < CLIENTS; i++) {
        ws_client_open(&f->clients[i], port);
        ws_client_expect_silence(&f->clients[i]);
    }
    reef_app_stop(server.app);
    for (int i = 0; i < CLIENTS; i++) {
        ws_client_expect_close(&f->clients[i], 1001, "server shutdown");
        ws_client_send(&f->clients[i], WS_FIN | WS_CLOSE, "\x03\xe9", 2);
        expect_end(&f->clients[i]);
    }
    pthread_join(thread, NULL);
    close(server.started[0]);
    close(server.started[1]);

    expect_nothing_left(f);
}

/* The handshake is done, and no frame has been run since. */
static void stop_before_the_world_knows(fixture_t *f)
{
    ws_client_t *client = &f->clients[0];

    set(f, "websocket.close_timeout_ms=10");
    set(f, "websocket.idle_timeout_s=1"); /* or it would never end if it were wrong */
    create(f);
    loopback_app_start(f->app);
    ws_client_connect(client, ws_app_port(f->app));
    ws_client_send_raw(client, WS_HANDSHAKE "\r\n", strlen(WS_HANDSHAKE "\r\n"));
    while (!ws_client_has_data(client)) {
        reef__loop_poll(f->app->loop, 1);
        reef__ios_pass(f->app->ios);
    }
    reef_app_stop(f->app);
    reef_app_run(f->app);
    assert_int_equal(ws_client_receive_status(client), 101);
    ws_client_expect_close(client, 1001, "server shutdown");
    destroy(f);
}

static void test_io_life_stop_reaches_those_who_have_just_come(void **state)
{
    stop_before_the_world_knows(*state);
}

static void test_io_life_stop_reaches_those_who_have_just_come_on_threads(void **state)
{
    set(*state, "server.io_threads=2");
    stop_before_the_world_knows(*state);
}

static void test_io_life_stop_says_good_bye(void **state)
{
    run_and_stop(*state);
}

static void test_io_life_stop_says_good_bye_on_threads(void **state)
{
    set(*state, "server.io_threads=2");
    run_and_stop(*state);
}

static void test_io_life_stop_says_good_bye_without_uring(void **state)
{
    set(*state, "server.io_threads=2");
    set(*state, "server.egress=uv");
    run_and_stop(*state);
}

static bool is_empty(void *context)
{
    return reef_session_count(context) == 0;
}

static void test_io_life_client_that_takes_nothing_is_closed(void **state)
{
    fixture_t *f = *state;
    static const uint8_t zeros[1 << 20];
    reef_entity_t entity;

    set(f, "websocket.write_timeout_s=1");
    set(f, "websocket.idle_timeout_s=0"); /* no other deadline looks after it */
    set(f, "websocket.handshake_timeout_ms=600000");
    set(f, "websocket.max_queue=67108864");
    create(f);
    loopback_app_start(f->app);
    entity = ws_app_open(f->app, &f->clients[0]);
    for (int i = 0; i < 32; i++) {
        reef_world_send(reef_app_world(f->app),
                        &(send_message_t){
                            .target = entity,
                            .payload = reef_buffer_create(
                                REEF_PAYLOAD_BINARY, reef_span(zeros, sizeof(zeros)))});
    }

    ws_app_step_until(f->app, is_empty, f->app, "the write timeout");
}

/* More loops than connections, and none at all. */
static void test_io_life_idle_threads_end(void **state)
{
    fixture_t *f = *state;

    set(f, "server.io_threads=16");
    create(f);
    loopback_app_start(f->app);
    assert_int_equal(count_entries("/proc/self/task") >= f->threads + 16, 1);
    destroy(f);

    expect_nothing_left(f);
}

/* libuv opens a pipe of its own with the first loop, and keeps it. */
static int warm_up(void **state)
{
    (void)state;
    reef_app_destroy(loopback_app_create(0, NULL));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_io_life_address_in_use_leaves_nothing),
        TEST(test_io_life_address_in_use_leaves_no_threads),
        TEST(test_io_life_unknown_engine_is_refused),
        TEST(test_io_life_uring_that_cannot_be_had_is_said),
        TEST(test_io_life_auto_does_without_uring),
        TEST(test_io_life_destroy_ends_open_connections),
        TEST(test_io_life_destroy_ends_connections_on_threads),
        TEST(test_io_life_transports_end_in_any_order),
        TEST(test_io_life_transports_on_threads_end_in_any_order),
        TEST(test_io_life_stop_says_good_bye),
        TEST(test_io_life_stop_reaches_those_who_have_just_come),
        TEST(test_io_life_stop_reaches_those_who_have_just_come_on_threads),
        TEST(test_io_life_stop_says_good_bye_on_threads),
        TEST(test_io_life_stop_says_good_bye_without_uring),
        TEST(test_io_life_client_that_takes_nothing_is_closed),
        TEST(test_io_life_idle_threads_end),
    };

    return cmocka_run_group_tests_name("io_life", tests, warm_up, NULL);
}
