/* Clients of reef.v1 and others on real sockets, all in one app: a WebSocket, TCP with
 * lengths, and UDP.  The app is stepped by the test. */
#include "test.h"
#include "ws_app.h"

#include <reef/opcode.h>
#include <reef/router.h>
#include <reef/session.h>
#include <reef/tcp.h>
#include <reef/udp.h>
#include <reef/websocket.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

REEF_COMPONENT(dot, 0, REEF_F32(x), REEF_U8(color));

#define HELLO "\xf8\0\0REEF\1\0"
#define DOT   "\xf8\x10\0\0\0\0\x3f\x07"

typedef struct fixture {
    reef_app_t *app;
    ws_client_t ws;
    int client;               /* TCP or UDP; -1 = none */
    reef_payload_kind_t kind; /* of the last message that nobody owned */
    uint32_t unowned;         /* such messages */
    uint32_t agreed;          /* events that a client speaks reef.v1 */
    bool is_stream;
} fixture_t;

static bool on_dot(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    (void)context;
    reef_send_opcode(run, command->entity, command->opcode, command->value, NULL, 0);
    return true;
}

static bool on_text(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)context;
    reef_send_text(run, text->entity, "<%.*s>", (int)text->rest.size,
                   (const char *)text->rest.data);
    return true;
}

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;
    const v1_agreed_t *agreed;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        if (message->owner == 0) {
            f->kind = reef_buffer_kind(message->payload);
            f->unowned++;
        }
    }
    while ((agreed = REEF_NEXT(run, v1_agreed)) != NULL) {
        assert_int_equal(reef_session_profile(f->app, agreed->entity), REEF_PROFILE_V1);
        assert_int_equal(reef_session_find(f->app, agreed->client_id), agreed->entity);
        f->agreed++;
    }
}

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(3, argv);
    f->client = -1;
    reef_app_add_system(
        f->app, REEF_UPDATE,
        &(reef_system_desc_t){.name = "watch",
                              .run = watch,
                              .context = f,
                              .reads = {&message_received_event, &v1_agreed_event}});
    assert_int_equal(reef_app_add_prefix(f->app, "", on_text, NULL, NULL), REEF_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    ws_client_drop(&f->ws);
    if (f->client >= 0) {
        close(f->client);
    }
    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static void add_dot(fixture_t *f)
{
    assert_int_equal(
        reef_app_add_opcode(
            f->app,
            &(reef_opcode_desc_t){.name = "dot", .type = &dot_type, .handle = on_dot},
            NULL),
        REEF_OK);
}

static uint16_t port_of(const reef_app_t *app)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    assert_int_equal(count, 1);
    return (uint16_t)strtoul(strrchr(listeners[0].address, ':') + 1, NULL, 10);
}

static bool is_readable(void *context)
{
    struct pollfd waiting = {.fd = *(const int *)context, .events = POLLIN};

    return poll(&waiting, 1, 0) == 1;
}

static reef_profile_t profile(const fixture_t *f)
{
    return reef_session_profile(f->app, reef_session_next(f->app, 0));
}

/* WebSocket -------------------------------------------------------------------- */

/* Step the app until the handshake is answered; the subprotocol agreed on, or "". */
static void open_ws(fixture_t *f, const char *headers, char protocol[static 64])
{
    char head[1024];

    ws_client_connect(&f->ws, ws_app_port(f->app));
    ws_client_send_raw(&f->ws, WS_HANDSHAKE, strlen(WS_HANDSHAKE));
    ws_client_send_raw(&f->ws, headers, strlen(headers));
    ws_client_send_raw(&f->ws, "\r\n", 2);
    ws_app_await(f->app, &f->ws);
    assert_int_equal(ws_client_receive_head(&f->ws, head, sizeof(head)), 101);
    if (!ws_client_head_value(head, "Sec-WebSocket-Protocol", protocol, 64)) {
        protocol[0] = '\0';
    }
}

#define OFFER "Sec-WebSocket-Protocol: chat, reef.v1\r\n"

static void test_opcode_clients_over_websocket(void **state)
{
    fixture_t *f = *state;
    char protocol[64];
    ws_frame_t frame;

    ws_app_listen(f->app);
    add_dot(f);
    loopback_app_start(f->app);
    open_ws(f, OFFER, protocol);
    assert_string_equal(protocol, "reef.v1");
    ws_app_await(f->app, &f->ws);
    ws_client_receive(&f->ws, &frame);
    assert_int_equal(frame.opcode, WS_BINARY);
    assert_memory_equal(frame.data, "\xf8\0\0\1\0", 5);
    assert_int_equal(profile(f), REEF_PROFILE_V1);
    assert_int_equal(f->agreed, 1);

    ws_client_say(&f->ws, "one");
    ws_client_send(&f->ws, WS_FIN | WS_BINARY, DOT, sizeof(DOT) - 1);
    ws_client_send(&f->ws, WS_FIN | WS_BINARY, "two", 3);
    ws_client_send(&f->ws, WS_FIN | WS_BINARY, "\xf8\xff\x7f", 3);
    ws_client_say(&f->ws, "three");
    ws_app_expect_text(f->app, &f->ws, "<one>");
    ws_app_await(f->app, &f->ws);
    ws_client_expect(&f->ws, WS_BINARY, DOT, sizeof(DOT) - 1);
    ws_app_expect_text(f->app, &f->ws, "<two>");
    ws_app_await(f->app, &f->ws);
    ws_client_receive(&f->ws, &frame);
    assert_memory_equal(frame.data, "\xf8\1\0\1\xff\x7f", 6);
    ws_app_expect_text(f->app, &f->ws, "<three>");
    assert_int_equal(f->unowned, 0);
}

static void test_opcode_clients_without_the_offer_get_none(void **state)
{
    fixture_t *f = *state;
    char protocol[64];

    ws_app_listen(f->app);
    add_dot(f);
    loopback_app_start(f->app);
    open_ws(f, "", protocol);
    assert_string_equal(protocol, "");
    ws_client_send(&f->ws, WS_FIN | WS_BINARY, HELLO, sizeof(HELLO) - 1);
    ws_client_say(&f->ws, "one");
    ws_app_expect_text(f->app, &f->ws, "<one>");
    assert_int_equal(profile(f), REEF_PROFILE_TEXT);
    assert_int_equal(f->agreed, 0);
    assert_int_equal(f->unowned, 1);
    assert_int_equal(f->kind, REEF_PAYLOAD_BINARY);
}

/* An app without typed messages does not speak it. */
static void test_opcode_clients_of_another_app_get_none(void **state)
{
    fixture_t *f = *state;
    char protocol[64];

    ws_app_listen(f->app);
    loopback_app_start(f->app);
    open_ws(f, OFFER, protocol);
    assert_string_equal(protocol, "");
}

/* The setting says what is spoken, where there is one. */
static void test_opcode_clients_get_what_is_set(void **state)
{
    fixture_t *f = *state;
    char protocol[64];

    assert_int_equal(reef_app_add_plugin(f->app, &reef_websocket_plugin,
                                         &(websocket_config_t){.listen = "127.0.0.1:0",
                                                               .subprotocols = "chat"},
                                         NULL),
                     REEF_OK);
    add_dot(f);
    loopback_app_start(f->app);
    open_ws(f, OFFER, protocol);
    assert_string_equal(protocol, "chat");
    ws_client_say(&f->ws, "one");
    ws_app_expect_text(f->app, &f->ws, "<one>");
    assert_int_equal(profile(f), REEF_PROFILE_TEXT);
}

/* TCP and UDP ------------------------------------------------------------------ */

static void listen_tcp(fixture_t *f, int32_t framing)
{
    assert_int_equal(reef_app_add_plugin(
                         f->app, &reef_tcp_plugin,
                         &(tcp_config_t){.listen = "127.0.0.1:0", .framing = framing},
                         NULL),
                     REEF_OK);
    loopback_app_start(f->app);
    f->client = socket_connect(port_of(f->app));
    f->is_stream = true;
}

static void listen_udp(fixture_t *f)
{
    struct sockaddr_in to = {.sin_family = AF_INET};

    assert_int_equal(reef_app_add_plugin(f->app, &reef_udp_plugin,
                                         &(udp_config_t){.listen = "127.0.0.1:0"},
                                         NULL),
                     REEF_OK);
    loopback_app_start(f->app);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port_of(f->app));
    f->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(f->client, (struct sockaddr *)&to, sizeof(to)), 0);
}

/* Send one message of less than 128 bytes. */
static void say(const fixture_t *f, const void *bytes, size_t size)
{
    uint8_t message[128] = {(uint8_t)size};

    memcpy(message + 1, bytes, size);
    assert_true(f->is_stream ? socket_send(f->client, message, size + 1)
                             : socket_send(f->client, bytes, size));
}

#define SAY(f, bytes) say((f), (bytes), sizeof(bytes) - 1)

/* Read exactly one message of less than 128 bytes. */
static size_t receive(fixture_t *f, uint8_t out[static 128])
{
    size_t size = 0;

    ws_app_step_until(f->app, is_readable, &f->client, "a message");
    if (!f->is_stream) {
        return socket_receive(f->client, out, 128);
    }
    assert_int_equal(recv(f->client, out, 1, MSG_WAITALL), 1);
    size = out[0];
    assert_int_equal(recv(f->client, out, size, MSG_WAITALL), size);
    return size;
}

static void expect(fixture_t *f, const void *bytes, size_t size)
{
    uint8_t message[128];

    assert_int_equal(receive(f, message), size);
    assert_memory_equal(message, bytes, size);
}

#define EXPECT(f, bytes) expect((f), (bytes), sizeof(bytes) - 1)

static void converse(fixture_t *f)
{
    uint8_t again[128];

    SAY(f, HELLO);
    EXPECT(f, "\xf8\0\0\1\0\1\0\0\0\0\0\0\0\1\0\1\0"
              "\x10\0\1\3\0dot\x0e\0x f32,color u8\0\0");
    assert_int_equal(profile(f), REEF_PROFILE_V1);
    assert_int_equal(f->agreed, 1);
    SAY(f, HELLO); /* once more: the answer may have been lost */
    (void)receive(f, again);
    assert_int_equal(f->agreed, 1);
    SAY(f, "one");
    SAY(f, DOT);
    SAY(f, "\xc3");
    SAY(f, "two");
    EXPECT(f, "<one>");
    EXPECT(f, DOT);
    EXPECT(f, "\xf8\1\0\4\xff\xff\x21\0neither UTF-8 nor a typed message");
    EXPECT(f, "<two>");
    assert_int_equal(f->unowned, 0);
}

static void test_opcode_clients_over_tcp(void **state)
{
    fixture_t *f = *state;

    add_dot(f);
    listen_tcp(f, REEF_TCP_VARINT);
    converse(f);
}

static void test_opcode_clients_over_udp(void **state)
{
    fixture_t *f = *state;

    add_dot(f);
    listen_udp(f);
    converse(f);
}

/* A version that the server does not speak; then one that it does. */
static void test_opcode_clients_may_try_another_version(void **state)
{
    fixture_t *f = *state;

    add_dot(f);
    listen_tcp(f, REEF_TCP_VARINT);
    SAY(f, "\xf8\0\0REEF\2\0");
    EXPECT(f, "\xf8\1\0\6\0\0\x1c\0this server speaks version 1");
    converse(f);
}

static bool has_unowned(void *context)
{
    return ((const fixture_t *)context)->unowned == 2;
}

/* Who says anything else first has bytes of his own. */
static void test_opcode_clients_say_hello_first_or_never(void **state)
{
    fixture_t *f = *state;

    add_dot(f);
    listen_tcp(f, REEF_TCP_VARINT);
    SAY(f, DOT);
    SAY(f, HELLO);
    ws_app_step_until(f->app, has_unowned, f, "two messages");
    assert_int_equal(f->kind, REEF_PAYLOAD_BINARY);
    assert_int_equal(profile(f), REEF_PROFILE_BINARY);
}

static void test_opcode_clients_of_another_app_have_bytes(void **state)
{
    fixture_t *f = *state;

    listen_tcp(f, REEF_TCP_VARINT);
    SAY(f, HELLO);
    SAY(f, DOT);
    ws_app_step_until(f->app, has_unowned, f, "two messages");
    assert_int_equal(profile(f), REEF_PROFILE_BINARY);
}

/* Where messages have no lengths, bytes would be taken for their ends. */
static void test_opcode_clients_need_lengths(void **state)
{
    fixture_t *f = *state;

    add_dot(f);
    listen_tcp(f, REEF_TCP_LINES);
    assert_true(socket_send(f->client, HELLO "\n" DOT "\n", 19));
    ws_app_step_until(f->app, has_unowned, f, "two messages");
    assert_int_equal(profile(f), REEF_PROFILE_BINARY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_opcode_clients_over_websocket),
        TEST(test_opcode_clients_without_the_offer_get_none),
        TEST(test_opcode_clients_of_another_app_get_none),
        TEST(test_opcode_clients_get_what_is_set),
        TEST(test_opcode_clients_over_tcp),
        TEST(test_opcode_clients_over_udp),
        TEST(test_opcode_clients_may_try_another_version),
        TEST(test_opcode_clients_say_hello_first_or_never),
        TEST(test_opcode_clients_of_another_app_have_bytes),
        TEST(test_opcode_clients_need_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
