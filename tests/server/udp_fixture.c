/* The plugin is set up by settings, for a 0 in them is meant. */
#include "udp_fixture.h"

#include <reef/authenticate.h>

#include <poll.h>
#include <unistd.h>

enum {
    MAX_ARGUMENTS = 64
};

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;
    const message_send_failed_t *failed;
    const user_connected_t *came;
    const user_disconnected_t *gone;

    while ((came = REEF_NEXT(run, user_connected)) != NULL) {
        f->last = came->entity;
        f->connected_count++;
    }
    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_span_t text = reef_buffer_payload(message->payload);
        size_t size = strlen(f->heard);

        snprintf(f->heard + size, UDP_NOTES - size, "%s%.*s", size > 0 ? " " : "",
                 (int)text.size, (const char *)text.data);
        f->heard_count++;
        f->kind = reef_buffer_kind(message->payload);
        if (f->echoes) {
            reef_send(run, message->entity, message->payload);
        }
    }
    while ((failed = REEF_NEXT(run, message_send_failed)) != NULL) {
        f->failed[failed->reason]++;
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        f->reason = gone->reason;
        f->ended_count++;
    }
}

static bool authenticate(reef_admission_t *admission, void *context)
{
    fixture_t *f = context;

    assert_int_equal(reef_admission_peer(admission)->kind, reef__udp_transport.kind);
    f->asked_count++;
    return !f->refuses || reef_admission_refuse(admission, 403, "not you");
}

static int setup_with(void **state, const char *threads)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->threads = threads;
    f->echoes = true;
    *state = f;
    return 0;
}

int setup_world(void **state)
{
    return setup_with(state, "server.io_threads=0");
}

int setup_threads(void **state)
{
    return setup_with(state, "server.io_threads=2");
}

int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    for (size_t i = 0; i < f->client_count; i++) {
        close(f->clients[i]);
    }
    free(f);
    return 0;
}

static void find_listeners(fixture_t *f)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(f->app, &count);
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(listeners[i].transport, "udp") == 0) {
            assert_true(found < UDP_LISTENERS);
            assert_int_equal(reef__address_parse(reef_span_text(listeners[i].address),
                                                 "", &f->listeners[found++], NULL),
                             REEF_OK);
        }
    }
}

void udp_start(fixture_t *f, const char *const *settings)
{
    /* One engine less to be opened: datagrams go without. */
    const char *argv[MAX_ARGUMENTS] = {"test",
                                       "--set",
                                       "log.level=off",
                                       "--set",
                                       f->threads,
                                       "--set",
                                       "server.egress=uv",
                                       "--set",
                                       "udp.listen=127.0.0.1:0"};
    int argc = 9;
    reef_failure_t failure = {0};

    for (; *settings != NULL; settings++) {
        argv[argc++] = "--set";
        argv[argc++] = *settings;
    }
    f->app = loopback_app_create(argc, argv);
    if (reef_app_add_plugin(f->app, &reef_udp_plugin, NULL, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    udp_server(f)->send = f->send;
    reef_app_add_system(
        f->app, REEF_UPDATE,
        &(reef_system_desc_t){
            .name = "watch",
            .run = watch,
            .context = f,
            .reads = {&message_received_event, &message_send_failed_event,
                      &user_connected_event, &user_disconnected_event},
            .emits = {&send_message_event},
        });
    if (f->asks) {
        reef_app_add_authenticator(
            f->app, &(reef_authenticator_desc_t){
                        .name = "test", .authenticate = authenticate, .context = f});
    }
    loopback_app_start(f->app);
    find_listeners(f);
}

reef__udp_server_t *udp_server(const fixture_t *f)
{
    return reef_app_plugin_state(f->app, "udp");
}

int udp_client(fixture_t *f, size_t listener)
{
    const struct sockaddr_storage *address = &f->listeners[listener];
    int client = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0 && f->client_count < UDP_CLIENTS);
    f->clients[f->client_count++] = client;
    assert_int_equal(
        connect(client, (const struct sockaddr *)address, reef__address_size(address)),
        0);
    return client;
}

void udp_say(int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), 0), strlen(text));
}

static bool is_readable(void *client)
{
    struct pollfd waiting = {.fd = *(const int *)client, .events = POLLIN};

    return poll(&waiting, 1, 0) == 1;
}

void udp_expect(fixture_t *f, int client, const char *text)
{
    char received[REEF__UDP_MAX_PAYLOAD + 1];
    ssize_t size;

    ws_app_step_until(f->app, is_readable, &client, text);
    size = recv(client, received, REEF__UDP_MAX_PAYLOAD, 0);
    assert_true(size >= 0);
    received[size] = '\0';
    assert_string_equal(received, text);
}

void udp_expect_nothing(int client)
{
    assert_false(is_readable(&client));
}

typedef struct aim {
    const uint32_t *counter;
    uint32_t least;
} aim_t;

static bool is_reached(void *context)
{
    const aim_t *aim = context;

    return *aim->counter >= aim->least;
}

void udp_await(fixture_t *f, const uint32_t *counter, uint32_t least, const char *what)
{
    ws_app_step_until(f->app, is_reached, &(aim_t){.counter = counter, .least = least},
                      what);
}

reef_entity_t udp_enter(fixture_t *f, int client)
{
    uint32_t before = f->connected_count;

    udp_say(client, "hello");
    udp_await(f, &f->connected_count, before + 1, "a session");
    if (f->echoes) {
        udp_expect(f, client, "hello");
    }
    return f->last;
}

uint32_t udp_dropped(const fixture_t *f, reef__udp_drop_t why)
{
    return (uint32_t)reef_metric_value(udp_server(f)->drops[why].metric);
}

typedef struct drop_aim {
    const fixture_t *fixture;
    reef__udp_drop_t why;
    uint32_t least;
} drop_aim_t;

static bool is_dropped(void *context)
{
    const drop_aim_t *aim = context;

    return udp_dropped(aim->fixture, aim->why) >= aim->least;
}

void udp_await_dropped(fixture_t *f, reef__udp_drop_t why, uint32_t least)
{
    ws_app_step_until(f->app, is_dropped,
                      &(drop_aim_t){.fixture = f, .why = why, .least = least},
                      udp_server(f)->drops[why].reason);
}

typedef struct most {
    _Atomic uint32_t *counter;
    uint32_t most;
} most_t;

static bool is_low(void *context)
{
    const most_t *aim = context;

    return atomic_load(aim->counter) <= aim->most;
}

void udp_await_sessions(fixture_t *f, uint32_t most)
{
    ws_app_step_until(f->app, is_low,
                      &(most_t){.counter = &udp_server(f)->session_count, .most = most},
                      "fewer sessions");
}

void udp_await_places(fixture_t *f, uint32_t most)
{
    ws_app_step_until(f->app, is_low,
                      &(most_t){.counter = &udp_server(f)->quota.count, .most = most},
                      "free places");
}

void udp_send(fixture_t *f,
              reef_entity_t target,
              const char *text,
              reef_message_class_t message_class,
              uint64_t key)
{
    reef_world_send(
        reef_app_world(f->app),
        &(send_message_t){
            .target = target,
            .payload = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text)),
            .message_class = message_class,
            .key = key,
        });
}
