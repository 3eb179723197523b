/*
 * Listening on IPv6, alone and beside IPv4, also where the HTTP library has none.  That
 * what is sent by IPv6 is answered as by IPv4 is shown by the other tests of the
 * plugin, which run by both.
 */
#include "http_app.h"
#include "socket.h"
#include "test.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MAX_DESCRIPTORS = 1024,
    BURST = 20, /* failures of one address that the admin bears */
};

static int get_at(server_t *server, uint16_t port, bool is_ipv6, const char *path)
{
    http_send(&(http_request_t){.port = port, .is_ipv6 = is_ipv6, .path = path},
              &server->reply);
    return server->reply.status;
}

static int ask_admin(server_t *server, const char *host, const char *token)
{
    char headers[128];

    snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", token);
    http_send(&(http_request_t){.port = server->admin_port,
                                .is_ipv6 = true,
                                .path = "/api/v1/server",
                                .host = host,
                                .headers = headers},
              &server->reply);
    return server->reply.status;
}

static void expect_address(const server_t *server, size_t nth, const char *host)
{
    const char *address = find_address(server->app, "http", nth);

    assert_non_null(address);
    assert_int_equal(strncmp(address, host, strlen(host)), 0);
    assert_int_not_equal(find_port(server->app, "http", nth), 0);
}

static void test_http_plugin_ipv6_shows_handlers_the_peer(void **state)
{
    server_t *server = *state;

    START(server, "http.listen=127.0.0.1:0,[::1]:0");
    assert_int_equal(get_at(server, server->second_port, true, "/peer"), 200);
    assert_string_equal(server->reply.body, "::1");
    assert_int_equal(get_at(server, server->http_port, false, "/peer"), 200);
    assert_string_equal(server->reply.body, "127.0.0.1");
}

static void test_http_plugin_ipv6_and_ipv4_are_listed_as_they_were_set(void **state)
{
    server_t *server = *state;

    START(server, "http.listen=[::1]:0, 127.0.0.1:0, [0:0::0:1]:0, 127.0.0.1:0");
    expect_address(server, 0, "[::1]:");
    expect_address(server, 1, "127.0.0.1:");
    expect_address(server, 2, "[::1]:");
    expect_address(server, 3, "127.0.0.1:");
    for (size_t i = 0; i < 4; i++) {
        uint16_t port = find_port(server->app, "http", i);

        assert_int_equal(get_at(server, port, i % 2 == 0, "/fish"), 200);
    }
}

/* Of all addresses, both families. */
static uint16_t free_port(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t size = sizeof(address);
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(probe, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &size), 0);
    close(probe);
    return ntohs(address.sin6_port);
}

static void test_http_plugin_ipv6_shares_a_port_with_ipv4(void **state)
{
    static const char *const hosts[][2] = {{"[::]", "0.0.0.0"}, {"0.0.0.0", "[::]"}};
    server_t *server = *state;
    char setting[64];

    if (!socket_has_ipv6()) {
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        uint16_t port = free_port();

        snprintf(setting, sizeof(setting), "http.listen=%s:%u,%s:%u", hosts[i][0], port,
                 hosts[i][1], port);
        START(server, setting);
        assert_int_equal(get_at(server, port, false, "/peer"), 200);
        assert_string_equal(server->reply.body, "127.0.0.1");
        assert_int_equal(get_at(server, port, true, "/peer"), 200);
        assert_string_equal(server->reply.body, "::1");
        stop(server);
    }
}

/* Where there is no other, [::] is for both, and a peer keeps its name. */
static void test_http_plugin_ipv6_alone_takes_ipv4_too(void **state)
{
    server_t *server = *state;

    START(server, "http.listen=[::]:0", "admin.listen=[::]:0");
    expect_address(server, 0, "[::]:");
    assert_int_equal(get_at(server, server->http_port, false, "/peer"), 200);
    assert_string_equal(server->reply.body, "127.0.0.1");
    assert_int_equal(get_at(server, server->http_port, true, "/peer"), 200);
    assert_string_equal(server->reply.body, "::1");
    assert_int_equal(get_at(server, server->admin_port, false, "/livez"), 200);
    assert_int_equal(get_at(server, server->admin_port, true, "/livez"), 200);
}

static void test_http_plugin_ipv6_port_in_use_stops_the_start(void **state)
{
    server_t *server = *state;
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof(address);
    char setting[64], wanted[64];
    int taken;

    if (!socket_has_ipv6()) {
        skip();
    }
    taken = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    snprintf(setting, sizeof(setting), "http.listen=127.0.0.1:0,[::1]:%u",
             ntohs(address.sin6_port));
    snprintf(wanted, sizeof(wanted), "http.listen: [::1]:%u: address in use",
             ntohs(address.sin6_port));
    assert_false(try_start(server, (const char *const[]){setting, NULL}));
    assert_string_equal(server->failure.text, wanted);
    close(taken);
}

/* The port of a socket that listens on 127.0.0.1, other than what is announced. */
static uint16_t find_internal_port(const server_t *server)
{
    for (int i = 0; i < MAX_DESCRIPTORS; i++) {
        struct sockaddr_in address = {0};
        socklen_t size = sizeof(address), flag_size = sizeof(int);
        int listens = 0;

        if (getsockname(i, (struct sockaddr *)&address, &size) == 0 &&
            getsockopt(i, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size) == 0 &&
            listens != 0 && address.sin_family == AF_INET &&
            ntohs(address.sin_port) != server->websocket_port &&
            ntohs(address.sin_port) != server->admin_port) {
            return ntohs(address.sin_port);
        }
    }
    return 0;
}

static void test_http_plugin_ipv6_opens_no_other_way_in(void **state)
{
    server_t *server = *state;
    uint16_t port;

    START_PLAIN(server);
    assert_int_equal(get(server, "/fish"), 200);
    port = find_internal_port(server);
    if (port == 0) {
        print_message("the HTTP library has IPv6\n");
        return;
    }
    assert_int_equal(get_at(server, port, false, "/fish"), 403);
    assert_int_equal(metric(server, "\nreef_http_refused_total "), 1);
}

static void test_http_plugin_ipv6_serves_the_admin_by_its_names(void **state)
{
    server_t *server = *state;
    char host[64];

    START(server, "admin.listen=[0::1]:0");
    snprintf(host, sizeof(host), "localhost:%u", server->admin_port);
    assert_int_equal(ask_admin(server, NULL, "a-token"), 200);
    assert_int_equal(ask_admin(server, host, "a-token"), 200);
    assert_int_equal(ask_admin(server, "[::1]", "a-token"), 421);
    assert_int_equal(ask_admin(server, "evil.example", "a-token"), 421);
    assert_string_equal(find_address(server->app, "admin", 1) != NULL ? "two" : "one",
                        "one");
}

static void test_http_plugin_ipv6_limits_failures_by_the_peer(void **state)
{
    server_t *server = *state;
    int failures = 0;
    uint16_t ipv4;

    START(server, "admin.listen=[::1]:0,127.0.0.1:0");
    ipv4 = find_port(server->app, "admin", 1);
    while (ask_admin(server, NULL, "wrong") == 401) {
        failures++; /* one is forgotten each second */
    }
    assert_int_equal(server->reply.status, 429);
    assert_true(failures >= BURST);
    assert_int_equal(get_at(server, ipv4, false, "/api/v1/server"), 401);
}

/* The relay's call ends with the peer: what writes on and on must get to know it. */
static void test_http_plugin_ipv6_streams_end_when_the_peer_leaves(void **state)
{
    server_t *server = *state;
    char text[16];
    int stream;

    START(server, "admin.listen=127.0.0.1:0,[::1]:0");
    stream =
        http_open(&(http_request_t){.port = find_port(server->app, "admin", 1),
                                    .is_ipv6 = true,
                                    .path = "/api/v1/stream?topics=frames",
                                    .headers = "Authorization: Bearer a-token\r\n"});
    assert_true(socket_receive(stream, text, sizeof(text)) > 0);
    assert_int_equal(metric(server, "\nreef_admin_streams "), 1);
    close(stream);
    while (metric(server, "\nreef_admin_streams ") != 0) {
        usleep(1000); /* it is noticed with the next that is written */
    }
}

#define IPV6(test) TEST_OF(test, _ipv6)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IPV6(test_http_plugin_ipv6_shows_handlers_the_peer),
        IPV6(test_http_plugin_ipv6_and_ipv4_are_listed_as_they_were_set),
        IPV6(test_http_plugin_ipv6_shares_a_port_with_ipv4),
        IPV6(test_http_plugin_ipv6_alone_takes_ipv4_too),
        IPV6(test_http_plugin_ipv6_port_in_use_stops_the_start),
        IPV6(test_http_plugin_ipv6_opens_no_other_way_in),
        IPV6(test_http_plugin_ipv6_serves_the_admin_by_its_names),
        IPV6(test_http_plugin_ipv6_limits_failures_by_the_peer),
        IPV6(test_http_plugin_ipv6_streams_end_when_the_peer_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
