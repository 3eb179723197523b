/* Peers of a TLS port that are broken, slow or hostile: cut off, counted, logged now
 * and then, and nobody else notices. */
#include "admin_client.h"
#include "wss_client.h"

#include <sys/socket.h>
#include <unistd.h>

#define MI ((size_t)1024 * 1024)

enum {
    CROWD = 200
};

static wss_client_t witness;

static int start(void **state)
{
    memset(&witness, 0, sizeof(witness));
    return setup(state);
}

static int stop(void **state)
{
    wss_client_drop(&witness);
    return teardown(state);
}

#define SECURE_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void expect_service(void)
{
    ws_client_say(&witness.ws, "still here?");
    ws_client_expect_text(&witness.ws, "still here?");
}

static double failures(const server_t *server)
{
    return admin_metric(server, "reef_tls_handshake_failures_total");
}

static void await_failures(const server_t *server, double count)
{
    while (failures(server) < count) {
    }
    assert_int_equal(failures(server), count);
}

/* Send @p data to a new connection, which must come to its end. */
static void expect_cut_off(uint16_t port, const void *data, size_t size, bool ends)
{
    char answer[4096];
    int descriptor = socket_connect(port);

    socket_send(descriptor, data, size);
    if (ends) {
        shutdown(descriptor, SHUT_WR);
    }
    while (socket_receive(descriptor, answer, sizeof(answer)) > 0) {
    }
    close(descriptor);
}

static void test_wss_bad_input_is_cut_off_and_counted(void **state)
{
    static const char *const garbage[] = {
        "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-x\r\n", "\x80\x2e\x01\x03\x01", /* SSL 2 */
        "\x16\x03\x01\xff\xff", /* too long a record */
        "\x17\x03\x03\x01\x01\x61"};
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);
    size_t count = sizeof(garbage) / sizeof(garbage[0]);
    char rest[256];

    WSS_CLIENT_OPEN(&witness, port, NULL);
    for (size_t i = 0; i < count; i++) {
        expect_cut_off(port, garbage[i], strlen(garbage[i]), i + 1 == count);
        expect_service();
    }
    await_failures(server, (double)count);
    process_await(&server->process, "msg=\"TLS failed\" peer=127.0.0.1:", rest,
                  sizeof(rest));
    assert_non_null(strstr(rest, "cause=\"plain HTTP on a port for TLS\""));
}

/* The first bytes that OpenSSL's client says, as they are on the wire. */
static size_t record_hello(uint8_t *hello, size_t capacity)
{
    tls_client_t client = {0};
    uint16_t port;
    int listener = socket_listen(&port);
    int peer;
    size_t size;

    TLS_CLIENT_START(&client, port, NULL);
    socket_await(listener);
    peer = accept(listener, NULL, NULL);
    size = socket_receive(peer, hello, capacity);
    close(peer);
    close(listener);
    tls_client_drop(&client);
    return size;
}

static void test_wss_bad_input_of_cut_hellos_ends_with_them(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);
    uint8_t hello[4096];
    size_t size = record_hello(hello, sizeof(hello));

    WSS_CLIENT_OPEN(&witness, port, NULL);
    assert_true(size > 100);
    expect_cut_off(port, hello, 3, true);
    expect_cut_off(port, hello, size / 2, true);
    expect_cut_off(port, hello, size, true); /* and hears the answer no more */
    hello[20] ^= 0xff;
    hello[size - 1] ^= 0xff;
    hello[5] = 2; /* a ServerHello */
    expect_cut_off(port, hello, size, false);
    expect_service();
    await_failures(server, 4);
}

static void test_wss_bad_input_handshakes_that_never_end_are_cut_off(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port =
        WSS_START(server, ECHO_EXAMPLE, &files, "wss.handshake_timeout_ms=1000");
    uint8_t hello[4096];
    size_t size = record_hello(hello, sizeof(hello));
    int crowd[CROWD];
    char answer[4096];
    size_t memory;

    WSS_CLIENT_OPEN(&witness, port, NULL);
    memory = process_memory_bytes(&server->process);
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = socket_connect(port);
        /* Nothing; a part; all, but no more when the answer comes. */
        socket_send(crowd[i], hello, i % 3 == 0 ? 0 : i % 3 == 1 ? size / 2 : size);
    }
    expect_service();
    for (int i = 0; i < CROWD; i++) {
        while (socket_receive(crowd[i], answer, sizeof(answer)) > 0) {
        }
        close(crowd[i]);
    }
    expect_service();
    await_failures(server, CROWD);
    server_expect_memory(server, memory, 24 * MI);
}

static void test_wss_bad_input_is_logged_now_and_then_only(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);
    char rest[256];
    size_t lines = 0;

    for (int i = 0; i < CROWD; i++) {
        expect_cut_off(port, "garbage", 7, false);
    }
    await_failures(server, CROWD);
    server_stop(server);
    process_await(&server->process, "msg=\"TLS failed\"", rest, sizeof(rest));
    for (const char *at = server->process.errors.text;
         (at = strstr(at, "TLS failed")) != NULL; at++) {
        lines++;
    }
    assert_true(lines < CROWD / 4);
}

/* The server ends while handshakes wait for a thread, and one has it. */
static void test_wss_bad_input_handshakes_do_not_hold_up_the_end(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, NULL);
    uint8_t hello[4096];
    size_t size = record_hello(hello, sizeof(hello));
    int crowd[CROWD];

    for (int i = 0; i < CROWD; i++) {
        crowd[i] = socket_connect(port);
    }
    for (int i = 0; i < CROWD; i++) {
        socket_send(crowd[i], hello, size);
    }
    server_stop(server);
    for (int i = 0; i < CROWD; i++) {
        close(crowd[i]);
    }
}

/* Whoever is one too many is not worth a handshake. */
static void test_wss_bad_input_beyond_the_cap_is_closed_at_once(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    tls_files_t files;
    uint16_t port = WSS_START(server, ECHO_EXAMPLE, &files, "websocket.max_sessions=2");
    uint8_t hello[4096];
    size_t size = record_hello(hello, sizeof(hello));
    int idle;

    server_await_base_line(server, server_base_line(server));
    WSS_CLIENT_OPEN(&witness, port, NULL);
    idle = socket_connect(port); /* counts while its handshake lasts */
    while (admin_metric(server, "reef_websocket_refused_total") < 1) {
        expect_cut_off(port, hello, size, true);
    }
    expect_service();
    close(idle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SECURE_TEST(test_wss_bad_input_is_cut_off_and_counted),
        SECURE_TEST(test_wss_bad_input_of_cut_hellos_ends_with_them),
        SECURE_TEST(test_wss_bad_input_handshakes_that_never_end_are_cut_off),
        SECURE_TEST(test_wss_bad_input_is_logged_now_and_then_only),
        SECURE_TEST(test_wss_bad_input_handshakes_do_not_hold_up_the_end),
        SECURE_TEST(test_wss_bad_input_beyond_the_cap_is_closed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
