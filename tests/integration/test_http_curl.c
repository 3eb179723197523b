/* The routes of an example, asked by a client that knows nothing of us: curl. */
#include "server_fixture.h"
#include "socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_WORDS = 16,
    CROWD = 100,
    BIG = 3 << 20,
};

/* The port of the nth listener on @p host. */
static uint16_t port_on(server_t *server, const char *host, int nth)
{
    char text[96], rest[64];
    const char *found;

    snprintf(text, sizeof(text), "msg=listening transport=http addr=%s:", host);
    process_await(&server->process, text, rest, sizeof(rest));
    found = strstr(server->process.errors.text, text);
    while (nth-- > 0) {
        found = strstr(found + 1, text);
        assert_non_null(found);
    }
    return (uint16_t)strtoul(found + strlen(text), NULL, 10);
}

static uint16_t http_port(server_t *server, int nth)
{
    return port_on(server, "127.0.0.1", nth);
}

static void
start_curl(process_t *curl, const server_t *server, const char *const *words)
{
    const char *arguments[MAX_WORDS + 6] = {CURL, "--silent", "--max-time", "60"};
    size_t count = 4;

    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(i < MAX_WORDS);
        arguments[count++] = words[i];
    }
    process_start(curl, &(process_desc_t){.arguments = arguments,
                                          .directory = server->directory});
}

/* What curl prints to its end; the caller frees it. */
static char *curl(const server_t *server, const char *const *words)
{
    process_t *process = calloc(1, sizeof(*process));
    char *text;
    int code;

    assert_non_null(process);
    start_curl(process, server, words);
    code = process_wait(process);
    if (code != 0) {
        fail_msg("curl ended with %d: %s", code, process->errors.text);
    }
    text = strdup(process->output.text);
    process_kill(process);
    free(process);
    return text;
}

static void
expect_curl(const server_t *server, const char *wanted, const char *const *words)
{
    char *text = curl(server, words);

    assert_string_equal(text, wanted);
    free(text);
}

#define EXPECT(server, wanted, ...)                                                    \
    expect_curl((server), (wanted), (const char *const[]){__VA_ARGS__, NULL})

#define STATUS "--write-out", " %{http_code}"

typedef struct urls {
    char clients[64], ids[64], first[64], second[64], none[64], dots[64];
} urls_t;

static void start(fixture_t *fixture, urls_t *urls)
{
    uint16_t port;

    SERVER_START(&fixture->server, LAB_EXAMPLE, "http.listen=127.0.0.1:0",
                 "http.max_body=65536", "http.deadline_ms=20000");
    port = http_port(&fixture->server, 0);
    snprintf(urls->clients, 64, "http://127.0.0.1:%u/clients", port);
    snprintf(urls->ids, 64, "http://127.0.0.1:%u/clients/ids", port);
    snprintf(urls->first, 64, "http://127.0.0.1:%u/clients/1", port);
    snprintf(urls->second, 64, "http://127.0.0.1:%u/clients/2", port);
    snprintf(urls->none, 64, "http://127.0.0.1:%u/none", port);
    snprintf(urls->dots, 64, "http://127.0.0.1:%u/a/../clients", port);
}

static void test_http_curl_gets_and_posts(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    const server_t *server = &fixture->server;
    urls_t urls;

    start(fixture, &urls);
    EXPECT(server, "{\"count\":0} 200", STATUS, urls.clients);
    ws_client_open(client, server->port);
    ws_client_say(client, "there?"); /* its echo: the world has it */
    ws_client_expect_text(client, "there?");
    EXPECT(server, "{\"count\":1} 200", STATUS, urls.clients);
    EXPECT(server, "{\"count\":1,\"ids\":[1]} 200", STATUS, urls.ids);
    EXPECT(server, "on its way\n 202", STATUS, "--data", "good morning", urls.first);
    ws_client_expect_text(client, "\"good morning\"");
    EXPECT(server, " 404", STATUS, "--output", "/dev/null", "--data", "?", urls.second);
}

static void test_http_curl_is_told_what_is_wrong(void **state)
{
    fixture_t *fixture = *state;
    const server_t *server = &fixture->server;
    urls_t urls;
    char *text;

    start(fixture, &urls);
    text = curl(server, (const char *const[]){"--head", urls.clients, NULL});
    assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(text, "Content-Length: 11"));
    free(text);
    text = curl(server, (const char *const[]){"--include", "--request", "DELETE",
                                              urls.first, NULL});
    assert_non_null(strstr(text, "HTTP/1.1 405 "));
    assert_non_null(strstr(text, "Allow: POST, OPTIONS"));
    free(text);
    EXPECT(server, " 404", STATUS, "--output", "/dev/null", urls.none);
    EXPECT(server, " 400", STATUS, "--output", "/dev/null", "--path-as-is", urls.dots);
    EXPECT(server, " 204", STATUS, "--request", "OPTIONS", urls.first);
}

static void test_http_curl_keeps_its_connection(void **state)
{
    fixture_t *fixture = *state;
    urls_t urls;

    start(fixture, &urls);
    EXPECT(&fixture->server, "{\"count\":0}1,{\"count\":0}0,{\"count\":0}0,",
           "--write-out", "%{num_connects},", urls.clients, urls.clients, urls.clients);
}

static void write_big(const server_t *server)
{
    char path[128];
    char *bytes = calloc(1, BIG);
    FILE *file;

    assert_non_null(bytes);
    server_path(server, "big", path, sizeof(path));
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, BIG, file), BIG);
    fclose(file);
    free(bytes);
}

static void test_http_curl_bodies_are_bounded(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];
    const server_t *server = &fixture->server;
    urls_t urls;

    start(fixture, &urls);
    ws_client_open(client, server->port);
    ws_client_say(client, "there?"); /* its echo: the world has it */
    ws_client_expect_text(client, "there?");
    write_big(server);
    /* Announced, and told before it is sent: curl waits for 100 Continue. */
    EXPECT(server, " 413", STATUS, "--output", "/dev/null", "--data-binary", "@big",
           "--header", "Expect: 100-continue", urls.first);
    EXPECT(server, " 202", STATUS, "--output", "/dev/null", "--header",
           "Transfer-Encoding: chunked", "--data", "in chunks", urls.first);
    ws_client_expect_text(client, "\"in chunks\"");
}

static void test_http_curl_in_crowds_is_answered(void **state)
{
    fixture_t *fixture = *state;
    process_t *crowd = calloc(CROWD, sizeof(*crowd));
    urls_t urls;

    assert_non_null(crowd);
    start(fixture, &urls);
    for (size_t i = 0; i < CROWD; i++) {
        start_curl(&crowd[i], &fixture->server,
                   (const char *const[]){STATUS, urls.clients, NULL});
    }
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(process_wait(&crowd[i]), 0);
        assert_string_equal(crowd[i].output.text, "{\"count\":0} 200");
        process_kill(&crowd[i]);
    }
    free(crowd);
}

static void test_http_curl_reaches_every_listener(void **state)
{
    fixture_t *fixture = *state;
    char url[64];

    SERVER_START(&fixture->server, LAB_EXAMPLE, "http.listen=127.0.0.1:0, 127.0.0.1:0");
    for (int i = 0; i < 2; i++) {
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/clients",
                 http_port(&fixture->server, i));
        EXPECT(&fixture->server, "{\"count\":0} 200", STATUS, url);
    }
}

static void test_http_curl_asks_by_ipv6(void **state)
{
    fixture_t *fixture = *state;
    server_t *server = &fixture->server;
    char clients[64], first[64];
    uint16_t port;

    if (!socket_has_ipv6()) {
        skip();
    }
    SERVER_START(server, LAB_EXAMPLE, "http.listen=127.0.0.1:0, [::1]:0",
                 "http.max_body=65536");
    port = port_on(server, "[::1]", 0);
    snprintf(clients, sizeof(clients), "http://[::1]:%u/clients", port);
    snprintf(first, sizeof(first), "http://[::1]:%u/clients/1", port);
    EXPECT(server, "{\"count\":0} 200 ::1", "-6", "--write-out",
           " %{http_code} %{remote_ip}", clients);
    EXPECT(server, "{\"count\":0}1,{\"count\":0}0,", "-6", "--write-out",
           "%{num_connects},", clients, clients);
    ws_client_open(&fixture->clients[0], server->port);
    ws_client_say(&fixture->clients[0], "there?"); /* its echo: the world has it */
    ws_client_expect_text(&fixture->clients[0], "there?");
    EXPECT(server, "on its way\n 202", STATUS, "--data", "good morning", first);
    ws_client_expect_text(&fixture->clients[0], "\"good morning\"");
    write_big(server);
    EXPECT(server, " 413", STATUS, "--output", "/dev/null", "--data-binary", "@big",
           "--header", "Expect:", first);
}

static void test_http_curl_without_a_listener_the_log_says_how(void **state)
{
    fixture_t *fixture = *state;
    char rest[256];

    SERVER_START(&fixture->server, LAB_EXAMPLE, "http.listen=");
    process_await(&fixture->server.process, "routes are not served", rest,
                  sizeof(rest));
    assert_non_null(strstr(rest, "set http.listen"));
    assert_null(strstr(fixture->server.process.errors.text, "transport=http"));
}

static void test_http_curl_without_a_route_the_log_warns(void **state)
{
    fixture_t *fixture = *state;
    char rest[256];

    SERVER_START(&fixture->server, REEFD, "http.listen=127.0.0.1:0");
    process_await(&fixture->server.process, "level=warn module=http", rest,
                  sizeof(rest));
    assert_non_null(strstr(rest, "no plugin has registered a route"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_curl_gets_and_posts),
        TEST(test_http_curl_is_told_what_is_wrong),
        TEST(test_http_curl_keeps_its_connection),
        TEST(test_http_curl_bodies_are_bounded),
        TEST(test_http_curl_in_crowds_is_answered),
        TEST(test_http_curl_reaches_every_listener),
        TEST(test_http_curl_asks_by_ipv6),
        TEST(test_http_curl_without_a_listener_the_log_says_how),
        TEST(test_http_curl_without_a_route_the_log_warns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
