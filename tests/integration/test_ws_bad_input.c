/*
 * Peers that are slow, greedy, deaf or broken, many at a time.  Others are served
 * meanwhile, the server's memory stays bounded, and nothing of them is left behind.
 *
 * What a single wrong frame or handshake is answered with is in test_ws_protocol.c and
 * test_ws_conformance.c.
 */
#include "admin_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define KI ((size_t)1024)
#define MI (KI * KI)

enum {
    CROWD = 500,
    BLOCKED_MS = 100
};

static void expect_service(ws_client_t *client)
{
    ws_client_say(client, "still here?");
    ws_client_expect_text(client, "still here?");
}

/* Send copies of @p data, up to @p total bytes, until the peer closes or takes no more.
 * Returns the bytes sent. */
static size_t flood(int descriptor, const void *data, size_t size, size_t total)
{
    struct pollfd waiting = {.fd = descriptor, .events = POLLOUT};
    size_t sent = 0;

    while (sent < total && poll(&waiting, 1, BLOCKED_MS) == 1) {
        size_t at = sent % size;
        ssize_t count = send(descriptor, (const uint8_t *)data + at, size - at,
                             MSG_NOSIGNAL | MSG_DONTWAIT);

        if (count <= 0) {
            break;
        }
        sent += (size_t)count;
    }
    return sent;
}

/* Slow -------------------------------------------------------------------------------
 */

/* Handshakes of which a byte comes now and then are cut off, whatever they still send.
 */
static void test_ws_bad_input_dripping_handshakes_are_cut_off(void **state)
{
    static const char head[] = WS_HANDSHAKE;
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t crowd[CROWD] = {0};
    server_base_line_t before;
    size_t memory;

    SERVER_START(server, ECHO_EXAMPLE, "websocket.handshake_timeout_ms=1000");
    before = server_base_line(server);
    ws_client_open(&fixture->clients[0], server->port);
    memory = process_memory_bytes(&server->process);
    for (size_t i = 0; i < CROWD; i++) {
        ws_client_connect(&crowd[i], server->port);
    }
    for (size_t at = 0; at < 20; at++) {
        for (size_t i = 0; i < CROWD; i++) {
            (void)socket_send(crowd[i].descriptor, head + at, 1);
        }
        expect_service(&fixture->clients[0]);
    }
    server_expect_memory(server, memory, 16 * KI * CROWD + 4 * MI);
    for (size_t i = 0; i < CROWD; i++) {
        ws_client_expect_end(&crowd[i]);
        ws_client_drop(&crowd[i]);
    }
    expect_service(&fixture->clients[0]);
    ws_client_drop(&fixture->clients[0]);
    server_await_base_line(server, before);
}

/* A header promises a MiB; memory is taken for what comes, not for what is promised. */
static void test_ws_bad_input_dripping_frames_take_no_memory(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t crowd[CROWD] = {0};
    static uint8_t frame[MI + WS_MAX_HEAD];
    static const uint8_t payload[MI];
    server_base_line_t before;
    size_t memory;

    (void)ws_client_write_frame(frame, WS_FIN | WS_BINARY, payload, MI);
    SERVER_START(server, ECHO_EXAMPLE, NULL);
    before = server_base_line(server);
    ws_client_open(&fixture->clients[0], server->port);
    memory = process_memory_bytes(&server->process);
    for (size_t i = 0; i < CROWD; i++) {
        ws_client_open(&crowd[i], server->port);
    }
    for (size_t at = 0; at < 30; at++) {
        for (size_t i = 0; i < CROWD; i++) {
            ws_client_send_raw(&crowd[i], frame + at, 1);
        }
        expect_service(&fixture->clients[0]);
    }
    server_expect_memory(server, memory, 16 * KI * CROWD + 4 * MI);
    for (size_t i = 0; i < CROWD; i++) {
        ws_client_drop(&crowd[i]);
    }
    expect_service(&fixture->clients[0]);
    ws_client_drop(&fixture->clients[0]);
    server_await_base_line(server, before);
}

/* Too much ---------------------------------------------------------------------------
 */

static void test_ws_bad_input_oversized_heads_take_no_memory(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    static char request[256 * KI] = "GET / HTTP/1.1\r\nHost: a\r\nName: ";
    size_t used = strlen(request);
    size_t memory;

    memset(request + used, 'x', sizeof(request) - used);
    SERVER_START(server, ECHO_EXAMPLE, NULL);
    memory = process_memory_bytes(&server->process);
    for (int i = 0; i < 200; i++) {
        ws_client_t client = {0};

        ws_client_connect(&client, server->port);
        (void)flood(client.descriptor, request, sizeof(request), sizeof(request));
        assert_int_equal(ws_client_receive_status(&client), 431);
        ws_client_drop(&client);
    }
    server_expect_memory(server, memory, 8 * MI);
}

static void test_ws_bad_input_oversized_frames_take_no_memory(void **state)
{
    static const char head[] = "\x82\xff\0\0\0\x01\0\0\0\0\1\2\3\4"; /* 4 GiB */
    static const char payload[256 * KI];
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    size_t memory;

    SERVER_START(server, ECHO_EXAMPLE, NULL);
    memory = process_memory_bytes(&server->process);
    for (int i = 0; i < 200; i++) {
        ws_client_t client = {0};

        ws_client_open(&client, server->port);
        ws_client_send_raw(&client, head, sizeof(head) - 1);
        (void)flood(client.descriptor, payload, sizeof(payload), sizeof(payload));
        ws_client_expect_close(&client, 1009, NULL);
        ws_client_drop(&client);
    }
    server_expect_memory(server, memory, 8 * MI);
}

/* What comes after a close, or after an error, is not kept. */
static void test_ws_bad_input_data_after_the_end_take_no_memory(void **state)
{
    static const char *const ends[] = {"\x88\x82\0\0\0\0\x03\xe8",
                                       "\x83\x82\0\0\0\0\x03\xe8"};
    static const uint16_t codes[] = {1000, 1002};
    static uint8_t frame[64 * KI + WS_MAX_HEAD];
    static const uint8_t payload[64 * KI];
    size_t size =
        ws_client_write_frame(frame, WS_FIN | WS_BINARY, payload, sizeof(payload));
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    server_base_line_t before;
    size_t memory;

    SERVER_START(server, ECHO_EXAMPLE, NULL);
    before = server_base_line(server);
    memory = process_memory_bytes(&server->process);
    for (size_t i = 0; i < 2; i++) {
        ws_client_t client = {0};

        ws_client_open(&client, server->port);
        ws_client_send_raw(&client, ends[i], 8);
        (void)flood(client.descriptor, frame, size, 32 * MI);
        ws_client_expect_close(&client, codes[i], NULL);
        ws_client_expect_end(&client);
        ws_client_drop(&client);
    }
    server_expect_memory(server, memory, 4 * MI);
    server_await_base_line(server, before);
}

/* Many fragments ---------------------------------------------------------------------
 */

/* A text of @p count fragments with a byte each, or empty; unfinished unless @p ends.
 */
static void
send_fragments(ws_client_t *client, size_t count, size_t fragment, bool ends)
{
    uint8_t *frames = malloc(count * (1 + WS_MAX_HEAD));
    size_t size = 0;

    assert_non_null(frames);
    for (size_t i = 0; i < count; i++) {
        uint8_t first = i == 0 ? WS_TEXT : 0;

        first |= ends && i == count - 1 ? WS_FIN : 0;
        size += ws_client_write_frame(frames + size, first, "x", fragment);
    }
    (void)socket_send(client->descriptor, frames, size);
    free(frames);
}

static void test_ws_bad_input_100000_fragments_make_a_message(void **state)
{
    enum {
        COUNT = 100000
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];
    static char whole[COUNT];
    size_t memory;

    memset(whole, 'x', sizeof(whole));
    SERVER_START(server, ECHO_EXAMPLE, NULL);
    memory = process_memory_bytes(&server->process);
    ws_client_open(client, server->port);
    for (int i = 0; i < 3; i++) {
        send_fragments(client, COUNT, 1, true);
        ws_client_expect(client, WS_TEXT, whole, COUNT);
    }
    server_expect_memory(server, memory, 4 * MI);
}

static void test_ws_bad_input_fragments_beyond_the_limit_get_1008(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    static char whole[1000];

    memset(whole, 'x', sizeof(whole));
    SERVER_START(server, ECHO_EXAMPLE, "websocket.max_fragments=1000");
    for (size_t fragment = 0; fragment <= 1; fragment++) {
        ws_client_t client = {0};

        ws_client_open(&client, server->port);
        send_fragments(&client, 1000, fragment, true);
        ws_client_expect(&client, WS_TEXT, whole, 1000 * fragment);
        send_fragments(&client, 1001, fragment, false);
        ws_client_expect_close(&client, 1008, NULL);
        ws_client_expect_end(&client);
        ws_client_drop(&client);
    }
}

static void test_ws_bad_input_endless_empty_fragments_get_1008(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    size_t memory;

    SERVER_START(server, ECHO_EXAMPLE, NULL);
    memory = process_memory_bytes(&server->process);
    ws_client_open(&fixture->clients[0], server->port);
    send_fragments(&fixture->clients[0], 140000, 0, false);
    ws_client_expect_close(&fixture->clients[0], 1008, NULL);
    server_expect_memory(server, memory, 4 * MI);
}

/* Deaf -------------------------------------------------------------------------------
 */

/* Pings are sent and no pong is read: some may be left out then, but none doubled and
 * none before its time. */
static void test_ws_bad_input_ping_flood_without_reading_is_bounded(void **state)
{
    enum {
        COUNT = 200000,
        SIZE = 125
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    ws_client_t *client = &fixture->clients[0];
    uint8_t *pings = malloc((size_t)COUNT * (SIZE + WS_MAX_HEAD));
    char payload[SIZE + 1];
    long last = -1;
    size_t size = 0;
    size_t memory;
    ws_frame_t frame;

    assert_non_null(pings);
    for (int i = 0; i < COUNT; i++) {
        snprintf(payload, sizeof(payload), "%0*d", SIZE, i);
        size += ws_client_write_frame(pings + size, WS_FIN | WS_PING, payload, SIZE);
    }
    SERVER_START(server, ECHO_EXAMPLE, NULL);
    ws_client_open(&fixture->clients[1], server->port);
    ws_client_open(client, server->port);
    memory = process_memory_bytes(&server->process);
    (void)flood(client->descriptor, pings, size, size);
    expect_service(&fixture->clients[1]);
    server_expect_memory(server, memory, 12 * MI);
    free(pings);
    do { /* what was kept is in order */
        ws_client_receive(client, &frame);
        if (frame.opcode == WS_PONG) {
            memcpy(payload, frame.data, SIZE);
            payload[SIZE] = '\0';
            assert_true(strtol(payload, NULL, 10) > last);
            last = strtol(payload, NULL, 10);
        }
    } while (frame.opcode == WS_PONG && last < 1000);
    assert_true(last >= 0);
}

/* Broken -----------------------------------------------------------------------------
 */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void fill_random(uint8_t *data, size_t size, uint32_t *random)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)next_random(random);
    }
}

/* Whatever comes is answered by frames that are well-formed, and ends. */
static void test_ws_bad_input_noise_for_frames_is_survived(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    server_base_line_t before;
    uint32_t random = 1;

    SERVER_START(server, ECHO_EXAMPLE, NULL);
    before = server_base_line(server);
    for (int i = 0; i < 1000; i++) {
        ws_client_t client = {0};
        uint8_t noise[256];

        fill_random(noise, sizeof(noise), &random);
        noise[0] = (uint8_t)(0x80 | (noise[0] & 0x8f)); /* get past the first checks */
        noise[1] |= 0x80;
        ws_client_open(&client, server->port);
        ws_client_send_raw(&client, noise, 1 + next_random(&random) % sizeof(noise));
        shutdown(client.descriptor, SHUT_WR);
        while (!ws_client_is_at_end(&client)) {
            ws_frame_t frame;

            ws_client_receive(&client, &frame);
        }
        ws_client_drop(&client);
    }
    server_await_base_line(server, before);
}

static void test_ws_bad_input_noise_for_handshakes_is_survived(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    static const char head[] = WS_HANDSHAKE "\r\n";
    server_base_line_t before;
    uint32_t random = 2;

    SERVER_START(server, ECHO_EXAMPLE, NULL);
    before = server_base_line(server);
    for (int i = 0; i < 1000; i++) {
        char request[sizeof(head)];
        char reply[4096];
        ws_client_t client = {0};

        memcpy(request, head, sizeof(head));
        for (int k = 0; k < 3; k++) { /* some may be changed to what is valid as well */
            request[next_random(&random) % (sizeof(head) - 1)] =
                (char)next_random(&random);
        }
        ws_client_connect(&client, server->port);
        ws_client_send_raw(&client, request, sizeof(head) - 1);
        shutdown(client.descriptor, SHUT_WR);
        if (socket_receive_all(client.descriptor, reply, sizeof(reply)) > 0) {
            assert_true(socket_http_status(reply) != 0);
        }
        ws_client_drop(&client);
    }
    server_await_base_line(server, before);
}

/* Coming and going -------------------------------------------------------------------
 */

typedef enum visit {
    VISIT_NOTHING,        /* not a byte */
    VISIT_HALF_HANDSHAKE, /* gone before its end */
    VISIT_REFUSED,
    VISIT_DROP, /* gone without a close */
    VISIT_CLOSE,
    VISIT_CLOSE_AND_RUN, /* gone before the answer */
    VISIT_HALF_MESSAGE,
    VISIT_RESET,
    VISIT_ERROR,
    VISIT_COUNT
} visit_t;

static void pay_visit(ws_client_t *client, uint16_t port, visit_t visit)
{
    static const struct linger reset = {.l_onoff = 1};

    ws_client_connect(client, port);
    if (visit == VISIT_HALF_HANDSHAKE) {
        ws_client_send_raw(client, WS_HANDSHAKE, strlen(WS_HANDSHAKE));
    } else if (visit == VISIT_REFUSED) {
        ws_client_send_raw(client, "?\r\n\r\n", 5);
        assert_int_equal(ws_client_receive_status(client), 400);
    } else if (visit != VISIT_NOTHING) {
        ws_client_send_raw(client, WS_HANDSHAKE "\r\n", strlen(WS_HANDSHAKE "\r\n"));
        assert_int_equal(ws_client_receive_status(client), 101);
    }
    if (visit == VISIT_CLOSE || visit == VISIT_CLOSE_AND_RUN) {
        ws_client_send(client, WS_FIN | WS_CLOSE, "\x03\xe8", 2);
    }
    if (visit == VISIT_CLOSE) {
        ws_client_expect_close(client, 1000, NULL);
        ws_client_expect_end(client);
    } else if (visit == VISIT_HALF_MESSAGE) {
        ws_client_send(client, WS_TEXT, "and then", 8);
    } else if (visit == VISIT_RESET) {
        ws_client_say(client, "an echo that nobody waits for");
        setsockopt(client->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    } else if (visit == VISIT_ERROR) {
        ws_client_send(client, WS_FIN | 3, "", 0);
    }
    ws_client_drop(client);
}

/* REEF_TEST_CONNECTS says how many. */
static void test_ws_bad_input_connects_and_closes_leave_nothing_behind(void **state)
{
    enum {
        USUALLY = 5000,
        WARM_UP = 1000,
        PER_SECOND = 200 /* at least, or the watchdog comes */
    };
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    const char *wanted = getenv("REEF_TEST_CONNECTS");
    long count = wanted ? strtol(wanted, NULL, 10) : USUALLY;
    server_base_line_t before;
    size_t memory = 0;

    assert_true(count > WARM_UP);
    process_watchdog(60 + (unsigned)count / PER_SECOND);
    SERVER_START(server, ECHO_EXAMPLE, NULL);
    before = server_base_line(server);
    for (long i = 0; i < count; i++) {
        ws_client_t client = {0};

        pay_visit(&client, server->port, (visit_t)(i % VISIT_COUNT));
        if (i == WARM_UP) {
            server_await_base_line(server, before);
            memory = process_memory_bytes(&server->process);
        }
    }
    server_await_base_line(server, before);
    server_expect_memory(server, memory, 2 * MI);
    ws_client_open(&fixture->clients[0], server->port);
    expect_service(&fixture->clients[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ws_bad_input_dripping_handshakes_are_cut_off),
        TEST(test_ws_bad_input_dripping_frames_take_no_memory),
        TEST(test_ws_bad_input_oversized_heads_take_no_memory),
        TEST(test_ws_bad_input_oversized_frames_take_no_memory),
        TEST(test_ws_bad_input_data_after_the_end_take_no_memory),
        TEST(test_ws_bad_input_100000_fragments_make_a_message),
        TEST(test_ws_bad_input_fragments_beyond_the_limit_get_1008),
        TEST(test_ws_bad_input_endless_empty_fragments_get_1008),
        TEST(test_ws_bad_input_ping_flood_without_reading_is_bounded),
        TEST(test_ws_bad_input_noise_for_frames_is_survived),
        TEST(test_ws_bad_input_noise_for_handshakes_is_survived),
        TEST(test_ws_bad_input_connects_and_closes_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
