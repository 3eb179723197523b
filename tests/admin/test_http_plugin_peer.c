/* Peers that send what they should not, much of it, or take their time. */
#include "http_app.h"
#include "socket.h"
#include "test.h"

#include <unistd.h>

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
    descriptor = connect_http(server);
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
        int descriptor = connect_http(server);

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
        slow[i] = connect_http(server);
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
    descriptor = connect_http(server);
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
    descriptor = connect_http(server);
    assert_true(socket_send(
        descriptor, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 49));
    while ((got = socket_receive(descriptor, server->reply.text, 65536)) > 0) {
        total += got;
    }
    close(descriptor);
    assert_in_range(total, BIG, BIG + 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_http_plugin_refuses_heads_that_can_be_read_twice),
        BOTH(test_http_plugin_refuses_lines_that_are_no_headers),
        BOTH(test_http_plugin_bounds_heads),
        BOTH(test_http_plugin_bounds_bodies_by_route_and_setting),
        BOTH(test_http_plugin_reads_chunked_bodies),
        BOTH(test_http_plugin_says_continue_only_to_a_body_it_wants),
        BOTH(test_http_plugin_answers_pipelined_requests_in_order),
        BOTH(test_http_plugin_closes_after_a_body_it_did_not_read),
        BOTH(test_http_plugin_cuts_off_who_sends_a_byte_now_and_then),
        BOTH(test_http_plugin_others_are_served_beside_those_who_wait),
        BOTH(test_http_plugin_gives_up_who_does_not_read),
        BOTH(test_http_plugin_sends_large_replies_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
