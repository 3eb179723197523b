/* UDP as strangers to this code use it: a client in Python, socat, and floods. */
#include "admin_client.h"

#include "socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum {
    MESSAGES = 500,
    SOURCES = 4000, /* addresses of a flood */
    SESSIONS = 200, /* that it gets */
    ROUND = 50,     /* datagrams of it per message of somebody else */
    FORGED = 400,   /* addresses that send without being asked for a cookie */
    FORGED_SIZE = 40,
};

static const size_t flood_memory = (size_t)16 << 20;

/* Helpers -------------------------------------------------------------------------- */

static uint16_t udp_port(server_t *server, const char *address)
{
    char text[96];
    char port[64];

    snprintf(text, sizeof(text), "msg=listening transport=udp addr=%s:", address);
    process_await(&server->process, text, port, sizeof(port));
    return (uint16_t)strtoul(port, NULL, 10);
}

/* A program that is found by its name, run to its end; false when it is not there. */
static bool run(process_t *process, const server_t *server, const char *const *words)
{
    const char *arguments[16] = {"/usr/bin/env"};
    int code;

    for (size_t i = 0; words[i] != NULL; i++) {
        arguments[i + 1] = words[i];
    }
    process_start(process, &(process_desc_t){.arguments = arguments,
                                             .directory = server->directory});
    code = process_wait(process);
    if (code != 0 && code != 127) {
        fail_msg("%s ended with %d: %s", words[0], code, process->errors.text);
    }
    return code == 0;
}

#define RUN(process, server, ...)                                                      \
    run((process), (server), (const char *const[]){__VA_ARGS__, NULL})

static bool has_python(const server_t *server)
{
    process_t process = {0};
    bool is_there = RUN(&process, server, "python3", "-c", "pass");

    process_kill(&process);
    if (!is_there) {
        print_message("there is no python3\n");
    }
    return is_there;
}

/* Values of the metrics whose names begin like this, added up. */
static double metric(const server_t *server, const char *name)
{
    int descriptor = admin_begin(server, "GET", "/metrics", NULL);
    static char reply[262144];
    double sum = 0;

    socket_receive_all(descriptor, reply, sizeof(reply));
    close(descriptor);
    for (char *line = strstr(reply, name); line != NULL; line = strstr(line, name)) {
        bool is_value = line[-1] == '\n';

        line += strlen(name);
        if (is_value) {
            sum += strtod(strpbrk(line, " \n"), NULL);
        }
    }
    return sum;
}

static double client_count(const server_t *server)
{
    return admin_total(server, "/api/v1/clients");
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static struct sockaddr_in local_address(uint32_t host, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(host);
    return address;
}

/* A socket at any address of this machine, connected to the server. */
static int source(uint32_t host, uint16_t port)
{
    struct sockaddr_in own = local_address(host, 0);
    struct sockaddr_in server = local_address(INADDR_LOOPBACK, port);
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&server, sizeof(server)),
                     0);
    return descriptor;
}

static uint32_t random_host(void)
{
    static uint64_t state = 1;

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return UINT32_C(0x7f000000) | ((uint32_t)(state >> 33) % 0xfffffdu + 1);
}

static bool is_readable(int descriptor, int timeout_ms)
{
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};

    return poll(&waiting, 1, timeout_ms) == 1;
}

/* Send until it is answered: a datagram may be lost beside a flood. */
static void echo_once(int client, const char *text)
{
    char answer[64];

    for (int left = 100; left > 0; left--) {
        assert_int_equal(send(client, text, strlen(text), 0), strlen(text));
        if (is_readable(client, SOCKET_DEADLINE_MS / 100)) {
            assert_int_equal(recv(client, answer, sizeof(answer), 0), strlen(text));
            assert_memory_equal(answer, text, strlen(text));
            return;
        }
    }
    fail_msg("no answer to %s", text);
}

/* Clients -------------------------------------------------------------------------- */

static void expect_echo(fixture_t *fixture, const char *listen, const char *host)
{
    server_t *server = &fixture->server;
    server_base_line_t before;
    process_t client = {0};
    char setting[64];
    char port[8];
    char count[16];

    if (!has_python(server)) {
        skip();
    }
    snprintf(setting, sizeof(setting), "udp.listen=%s:0", listen);
    SERVER_START(server, ECHO_EXAMPLE, setting, "udp.idle_timeout_s=1");
    snprintf(port, sizeof(port), "%u", udp_port(server, listen));
    snprintf(count, sizeof(count), "%d", MESSAGES);
    before = server_base_line(server);
    assert_true(RUN(&client, server, "python3", UDP_CLIENT, "echo", host, port, count));
    assert_string_equal(client.output.text, "done\n");
    process_kill(&client);

    assert_true(metric(server, "reef_messages_received_total") == MESSAGES);
    assert_true(metric(server, "reef_messages_sent_total") == MESSAGES);
    assert_true(metric(server, "reef_udp_dropped_total") == 0);
    server_await_base_line(server, before); /* silence has ended the session */
    assert_true(client_count(server) == 0);
}

static void test_udp_clients_messages_of_all_sizes_come_back(void **state)
{
    expect_echo(*state, "127.0.0.1", "127.0.0.1");
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int descriptor = socket(AF_INET6, SOCK_DGRAM, 0);
    bool is_there =
        descriptor >= 0 &&
        bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0;

    close(descriptor);
    return is_there;
}

static void test_udp_clients_messages_come_back_over_ipv6(void **state)
{
    if (!has_ipv6()) {
        print_message("there is no IPv6\n");
        skip();
    }
    expect_echo(*state, "[::1]", "::1");
}

static void test_udp_clients_socat_sends_text(void **state)
{
    fixture_t *fixture = *state;
    process_t client = {0};
    char command[128];

    SERVER_START(&fixture->server, ECHO_EXAMPLE, "udp.listen=127.0.0.1:0",
                 "udp.payload=text");
    snprintf(command, sizeof(command),
             "command -v socat >/dev/null || exit 127; "
             "printf 'caf\303\251' | socat -t 2 - UDP4:127.0.0.1:%u",
             udp_port(&fixture->server, "127.0.0.1"));
    if (!RUN(&client, &fixture->server, "sh", "-c", command)) {
        process_kill(&client);
        print_message("there is no socat\n");
        skip();
    }
    assert_string_equal(client.output.text, "caf\303\251");
    process_kill(&client);
}

static void test_udp_clients_cookie_is_as_documented(void **state)
{
    fixture_t *fixture = *state;
    process_t client = {0};
    char port[8];

    if (!has_python(&fixture->server)) {
        skip();
    }
    SERVER_START(&fixture->server, ECHO_EXAMPLE, "udp.listen=127.0.0.1:0",
                 "udp.cookie=true");
    snprintf(port, sizeof(port), "%u", udp_port(&fixture->server, "127.0.0.1"));
    assert_true(RUN(&client, &fixture->server, "python3", UDP_CLIENT, "cookie",
                    "127.0.0.1", port));
    assert_string_equal(client.output.text, "done\n");
    process_kill(&client);
    assert_true(client_count(&fixture->server) == 1);
}

/* Floods --------------------------------------------------------------------------- */

static size_t count_lines(const char *text, const char *with)
{
    size_t count = 0;

    for (const char *at = strstr(text, with); at != NULL; at = strstr(at + 1, with)) {
        count++;
    }
    return count;
}

/* Datagrams from everywhere; after each few a WebSocket client and one who was here
 * before get their answers. */
static void flood(fixture_t *fixture, uint16_t port, int neighbour)
{
    char text[16];

    for (int i = 0; i < SOURCES; i++) {
        int descriptor = source(random_host(), port);

        for (int j = 0; j < 3; j++) {
            (void)!send(descriptor, "flood", 5, 0);
        }
        close(descriptor);
        if (i % ROUND == 0) {
            snprintf(text, sizeof(text), "still here %d", i);
            ws_client_say(&fixture->clients[0], text);
            ws_client_expect_text(&fixture->clients[0], text);
            echo_once(neighbour, "me too");
        }
    }
}

static void test_udp_clients_flood_is_bounded_and_hurts_nobody(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    server_base_line_t before;
    uint64_t began_ms;
    size_t memory;
    size_t lines;
    uint16_t port;
    int neighbour;

    SERVER_START(server, ECHO_EXAMPLE, "udp.listen=127.0.0.1:0", "udp.max_sessions=200",
                 "udp.idle_timeout_s=3");
    port = udp_port(server, "127.0.0.1");
    ws_client_open(&fixture->clients[0], server->port);
    before = server_base_line(server);
    neighbour = source(INADDR_LOOPBACK, port);
    echo_once(neighbour, "first");
    memory = process_memory_bytes(&server->process);
    began_ms = now_ms();
    flood(fixture, port, neighbour);

    assert_true(client_count(server) <= 1 + SESSIONS);
    server_expect_memory(server, memory, flood_memory);
    assert_true(metric(server, "reef_udp_dropped_total{reason=\"max_sessions\"}") > 0);
    server_await_base_line(server, before); /* all of them are silent by now */
    server_stop(server);
    lines = count_lines(server->process.errors.text, "reason=max_sessions");
    assert_in_range(lines, 1, (now_ms() - began_ms) / 1000 + 1);
    close(neighbour);
}

/* Addresses that did not ask: nothing is kept for them, and no more comes back to them
 * than was sent in their name. */
static void test_udp_clients_forged_addresses_cost_nothing(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    static int sources[FORGED];
    size_t answered = 0;
    server_base_line_t before;
    uint16_t port;

    SERVER_START(server, ECHO_EXAMPLE, "udp.listen=127.0.0.1:0", "udp.cookie=true");
    port = udp_port(server, "127.0.0.1");
    before = server_base_line(server);
    for (int i = 0; i < FORGED; i++) {
        char bytes[FORGED_SIZE] = {0};

        sources[i] = source(random_host(), port);
        assert_int_equal(send(sources[i], bytes, (size_t)(i % FORGED_SIZE), 0),
                         i % FORGED_SIZE);
        while ((i + 1) % ROUND == 0 && /* the kernel drops none of so few */
               metric(server, "reef_udp_dropped_total") < i + 1) {
        }
    }
    for (int i = 0; i < FORGED; i++) {
        char bytes[FORGED_SIZE + 1];
        ssize_t size = recv(sources[i], bytes, sizeof(bytes), MSG_DONTWAIT);

        answered += size > 0;
        assert_true(size <= i % FORGED_SIZE);
        assert_true(recv(sources[i], bytes, sizeof(bytes), MSG_DONTWAIT) < 0);
        close(sources[i]);
    }
    assert_int_equal(answered, FORGED / FORGED_SIZE * (FORGED_SIZE - 12));
    assert_true(client_count(server) == 0);
    server_await_base_line(server, before);
}

/* Kick, shutdown ------------------------------------------------------------------- */

static void test_udp_clients_are_kicked_by_an_operator(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    int client;
    int status;

    SERVER_START(server, ECHO_EXAMPLE, "udp.listen=127.0.0.1:0", "udp.quarantine_s=60");
    client = source(INADDR_LOOPBACK, udp_port(server, "127.0.0.1"));
    echo_once(client, "hello");
    cJSON_Delete(
        admin_request(server, "POST", "/api/v1/clients/1:kick", NULL, &status));
    assert_int_equal(status, 200);
    while (client_count(server) > 0) {
    }
    do { /* the loop may learn of it a little later than the world */
        assert_int_equal(send(client, "again", 5, 0), 5);
    } while (metric(server, "reef_udp_dropped_total{reason=\"quarantine\"}") < 1);
    assert_true(client_count(server) == 0);
    close(client);
}

static void test_udp_clients_do_not_hold_up_the_end(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    uint16_t port;

    SERVER_START(server, ECHO_EXAMPLE, "udp.listen=127.0.0.1:0",
                 "server.shutdown_ms=60000");
    port = udp_port(server, "127.0.0.1");
    for (int i = 0; i < 20; i++) {
        int client = source(random_host(), port);

        echo_once(client, "hello");
        close(client);
    }
    server_stop(server); /* before the watchdog */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udp_clients_messages_of_all_sizes_come_back),
        TEST(test_udp_clients_messages_come_back_over_ipv6),
        TEST(test_udp_clients_socat_sends_text),
        TEST(test_udp_clients_cookie_is_as_documented),
        TEST(test_udp_clients_flood_is_bounded_and_hurts_nobody),
        TEST(test_udp_clients_forged_addresses_cost_nothing),
        TEST(test_udp_clients_are_kicked_by_an_operator),
        TEST(test_udp_clients_do_not_hold_up_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
