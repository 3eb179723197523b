/*
 * Each request is parsed in one piece and byte by byte, from memory of exactly its size
 * that moves each time; both ways must agree.
 */
#include "test.h"

#include "codec/ws_upgrade.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define LINE       "GET /chat HTTP/1.1\r\n"
#define HOST       "Host: server.example.com\r\n"
#define UPGRADE    "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define KEY        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION    "Sec-WebSocket-Version: 13\r\n"
#define END        "\r\n"
#define HEADERS    HOST UPGRADE CONNECTION KEY VERSION

/* What a parse gave, in memory of its own. */
typedef struct result {
    reef__ws_upgrade_t upgrade;
    reef__ws_upgrade_status_t status;
    uint8_t *bytes; /* owned; what the spans borrow from */
    reef__ws_header_t headers[REEF__WS_MAX_HEADERS]; /* those asked for */
    size_t seen; /* bytes given when the status was there */
} result_t;

static void finish(result_t *result)
{
    free(result->bytes);
}

static result_t
parse(reef_span_t request, size_t step, const reef__ws_upgrade_limits_t *limits)
{
    result_t result = {0};
    uint8_t *bytes = NULL;

    result.upgrade.headers = result.headers;
    while (result.status == REEF__WS_UPGRADE_MORE && result.seen < request.size) {
        size_t rest = request.size - result.seen;

        result.seen += step < rest ? step : rest;
        free(bytes);
        bytes = malloc(result.seen);
        memcpy(bytes, request.data, result.seen);
        result.status =
            reef__ws_upgrade_parse(&result.upgrade, limits, bytes, result.seen);
    }
    result.bytes = bytes;
    return result;
}

/* Both ways; the result is that of the whole. */
static result_t parse_both(reef_span_t request, const reef__ws_upgrade_limits_t *limits)
{
    result_t whole = parse(request, request.size, limits);
    result_t bytewise = parse(request, 1, limits);

    assert_int_equal(whole.status, bytewise.status);
    assert_int_equal(whole.upgrade.http_status, bytewise.upgrade.http_status);
    assert_ptr_equal(whole.upgrade.reason, bytewise.upgrade.reason);
    assert_string_equal(whole.upgrade.accept, bytewise.upgrade.accept);
    assert_int_equal(whole.upgrade.consumed, bytewise.upgrade.consumed);
    assert_true(reef_span_equal(whole.upgrade.path, bytewise.upgrade.path));
    assert_true(reef_span_equal(whole.upgrade.query, bytewise.upgrade.query));
    assert_true(reef_span_equal(whole.upgrade.host, bytewise.upgrade.host));
    assert_true(reef_span_equal(whole.upgrade.origin, bytewise.upgrade.origin));
    assert_int_equal(whole.upgrade.protocol_count, bytewise.upgrade.protocol_count);
    assert_int_equal(whole.upgrade.header_count, bytewise.upgrade.header_count);
    finish(&bytewise);
    return whole;
}

static result_t parse_text(const char *request)
{
    return parse_both(reef_span_text(request), &(reef__ws_upgrade_limits_t){0});
}

static void assert_span(reef_span_t span, const char *expected)
{
    if (!reef_span_equal(span, reef_span_text(expected))) {
        fail_msg("'%.*s' is not '%s'", (int)span.size, (const char *)span.data,
                 expected);
    }
}

static void expect_done(const char *request)
{
    result_t result = parse_text(request);

    if (result.status != REEF__WS_UPGRADE_DONE) {
        fail_msg("%d %s:\n%s", result.upgrade.http_status,
                 result.upgrade.reason ? result.upgrade.reason : "", request);
    }
    finish(&result);
}

static void expect_refused(int status, const char *request)
{
    result_t result = parse_text(request);

    if (result.status != REEF__WS_UPGRADE_REFUSED ||
        result.upgrade.http_status != status) {
        fail_msg("%d instead of %d for:\n%s", result.upgrade.http_status, status,
                 request);
    }
    assert_non_null(result.upgrade.reason);
    finish(&result);
}

/* Accepted --------------------------------------------------------------------- */

/* Section 1.3: the published key and its answer; 4.2.1: all that is learned */
static void test_ws_upgrade_reads_the_request_of_the_rfc(void **state)
{
    result_t result = parse_text("GET /chat?room=1&b=?%20 HTTP/1.1\r\n" HEADERS
                                 "Origin: http://example.com\r\n"
                                 "Sec-WebSocket-Protocol: chat, superchat\r\n" END);

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    assert_string_equal(result.upgrade.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_span(result.upgrade.path, "/chat");
    assert_span(result.upgrade.query, "room=1&b=?%20");
    assert_span(result.upgrade.host, "server.example.com");
    assert_span(result.upgrade.origin, "http://example.com");
    assert_int_equal(result.upgrade.protocol_count, 2);
    assert_span(result.upgrade.protocols[0], "chat");
    assert_span(result.upgrade.protocols[1], "superchat");
    finish(&result);
}

static const char *const wanted[] = {"cookie", "Host", "X-None"};

/* Whatever they mean to the handshake, and in their order. */
static void test_ws_upgrade_hands_out_headers_that_are_asked_for(void **state)
{
    result_t result =
        parse_both(reef_span_text(LINE "COOKIE:  a=1 \r\n" HEADERS
                                       "X-Other: x\r\nCookie:\r\n" END),
                   &(reef__ws_upgrade_limits_t){.wanted = wanted, .wanted_count = 3});

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    assert_int_equal(result.upgrade.header_count, 3);
    assert_int_equal(result.headers[0].wanted, 0);
    assert_span(result.headers[0].value, "a=1");
    assert_int_equal(result.headers[1].wanted, 1);
    assert_span(result.headers[1].value, "server.example.com");
    assert_int_equal(result.headers[2].wanted, 0);
    assert_span(result.headers[2].value, "");
    finish(&result);
    result = parse_text(LINE HEADERS "Cookie: a=1\r\n" END);
    assert_int_equal(result.upgrade.header_count, 0);
    finish(&result);
}

static void test_ws_upgrade_bounds_headers_that_are_asked_for(void **state)
{
    reef__ws_upgrade_limits_t limits = {.wanted = wanted, .wanted_count = 1};
    char request[2048];
    size_t size = (size_t)snprintf(request, sizeof(request), "%s", LINE HEADERS);
    result_t result;

    (void)state;
    for (int i = 0; i < REEF__WS_MAX_HEADERS; i++) {
        size +=
            (size_t)snprintf(request + size, sizeof(request) - size, "Cookie: a\r\n");
    }
    snprintf(request + size, sizeof(request) - size, END);
    result = parse_both(reef_span_text(request), &limits);
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    assert_int_equal(result.upgrade.header_count, REEF__WS_MAX_HEADERS);
    finish(&result);
    snprintf(request + size, sizeof(request) - size, "Cookie: a\r\n" END);
    result = parse_both(reef_span_text(request), &limits);
    assert_int_equal(result.status, REEF__WS_UPGRADE_REFUSED);
    assert_int_equal(result.upgrade.http_status, 431);
    finish(&result);
}

/* Section 4.2.1: no Origin, no subprotocols, no query */
static void test_ws_upgrade_leaves_absent_things_empty(void **state)
{
    result_t result = parse_text(LINE HEADERS END);

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    assert_null(result.upgrade.origin.data);
    assert_int_equal(result.upgrade.query.size, 0);
    assert_int_equal(result.upgrade.protocol_count, 0);
    finish(&result);
    result = parse_text(LINE HEADERS "Origin:\r\n" END);
    assert_non_null(result.upgrade.origin.data); /* sent, though empty */
    finish(&result);
}

/* Frames may follow the head in the same packet. */
static void test_ws_upgrade_consumes_the_head_only(void **state)
{
    static const char request[] = LINE HEADERS END "\x81\x80\r\n\r\n";
    result_t result = parse_text(request);

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    assert_int_equal(result.upgrade.consumed, sizeof(LINE HEADERS END) - 1);
    finish(&result);
}

static void test_ws_upgrade_wants_more_until_the_empty_line(void **state)
{
    static const char request[] = LINE HEADERS END;

    (void)state;
    for (size_t size = 1; size < sizeof(request) - 1; size++) {
        result_t result =
            parse_both(reef_span(request, size), &(reef__ws_upgrade_limits_t){0});

        assert_int_equal(result.status, REEF__WS_UPGRADE_MORE);
        finish(&result);
    }
}

/* Section 4.2.1 items 3 and 4, RFC 9110 sections 5.1, 5.5, 5.6.1 */
static void test_ws_upgrade_knows_headers_in_any_dress(void **state)
{
    (void)state;
    expect_done(LINE "hOST:server.example.com\r\nUPGRADE:\t WebSocket \t\r\n"
                     "connection: keep-alive, , UPGRADE,\r\n"
                     "sec-websocket-key:dGhlIHNhbXBsZSBub25jZQ==  \r\n"
                     "SEC-WEBSOCKET-VERSION:   13\r\n" END);
    expect_done(LINE HOST "Upgrade: h2c, websocket\r\nConnection: keep-alive\r\n"
                          "Connection: Upgrade\r\n" KEY VERSION END);
    expect_done(LINE HEADERS "Content-Length: 0\r\nCookie: a=\xff\r\nX-Empty:\r\n" END);
    expect_done(LINE HEADERS "Sec-WebSocket-Extensions: permessage-deflate\r\n" END);
}

/* Section 4.2.1 item 1, RFC 9112 section 3.2.2: the target's authority wins */
static void test_ws_upgrade_takes_the_host_of_an_absolute_target(void **state)
{
    result_t result =
        parse_text("GET HTTP://a.example:81/b?c HTTP/1.1\r\n" HEADERS END);

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    assert_span(result.upgrade.host, "a.example:81");
    assert_span(result.upgrade.path, "/b");
    assert_span(result.upgrade.query, "c");
    finish(&result);
    expect_done("GET https://[::1]/ HTTP/1.1\r\n" HEADERS END);
}

/* Refused ---------------------------------------------------------------------- */

typedef struct refusal {
    int status;
    const char *request;
} refusal_t;

static void expect_all_refused(const refusal_t *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect_refused(cases[i].status, cases[i].request);
    }
}

/* Section 4.2.1 item 1, RFC 9112 section 3 */
static void test_ws_upgrade_refuses_other_request_lines(void **state)
{
    static const refusal_t cases[] = {
        {405, "POST / HTTP/1.1\r\n" HEADERS END},
        {405, "get / HTTP/1.1\r\n" HEADERS END},
        {505, "GET / HTTP/1.0\r\n" HEADERS END},
        {505, "GET / HTTP/2.0\r\n" HEADERS END},
        {505, "PRI * HTTP/2.0\r\n\r\n"},
        {400, "GET / http/1.1\r\n" HEADERS END},
        {400, "GET / HTTP/1.10\r\n" HEADERS END},
        {400, "GET /\r\n" HEADERS END},
        {400, "GET\r\n" HEADERS END},
        {400, "GET  / HTTP/1.1\r\n" HEADERS END},
        {400, "GET / HTTP/1.1 \r\n" HEADERS END},
        {400, "GET /a b HTTP/1.1\r\n" HEADERS END},
        {400, " GET / HTTP/1.1\r\n" HEADERS END},
        {400, "G@T / HTTP/1.1\r\n" HEADERS END},
        {400, "\r\n" LINE HEADERS END},
        {400, "\r\n\r\n"},
    };

    (void)state;
    expect_all_refused(cases, COUNT_OF(cases));
}

/* Section 3: no fragment; RFC 3986 section 2.1 */
static void test_ws_upgrade_refuses_malformed_targets(void **state)
{
    static const refusal_t cases[] = {
        {400, "GET chat HTTP/1.1\r\n" HEADERS END},
        {400, "GET * HTTP/1.1\r\n" HEADERS END},
        {400, "GET /a#b HTTP/1.1\r\n" HEADERS END},
        {400, "GET /\t HTTP/1.1\r\n" HEADERS END},
        {400, "GET /\xc3\xa9 HTTP/1.1\r\n" HEADERS END},
        {400, "GET /%2 HTTP/1.1\r\n" HEADERS END},
        {400, "GET /% HTTP/1.1\r\n" HEADERS END},
        {400, "GET /%2g HTTP/1.1\r\n" HEADERS END},
        {400, "GET /?%zz HTTP/1.1\r\n" HEADERS END},
        {400, "GET ftp://a/b HTTP/1.1\r\n" HEADERS END},
        {400, "GET http:///b HTTP/1.1\r\n" HEADERS END},
        {400, "GET http:// HTTP/1.1\r\n" HEADERS END},
        {400, "GET http://a HTTP/1.1\r\n" HEADERS END},
        {400, "GET http://user@a/ HTTP/1.1\r\n" HEADERS END},
        {400, "GET http://a?b/ HTTP/1.1\r\n" HEADERS END},
    };

    (void)state;
    expect_all_refused(cases, COUNT_OF(cases));
}

/* RFC 9112 sections 2.2, 5.1, 5.2 and 6: what has let requests be smuggled */
static void test_ws_upgrade_refuses_malformed_headers(void **state)
{
    static const refusal_t cases[] = {
        {400, LINE "Host : a\r\n" UPGRADE CONNECTION KEY VERSION END},
        {400, LINE HEADERS "Name\r\n" END},
        {400, LINE HEADERS ": value\r\n" END},
        {400, LINE HEADERS "Na me: value\r\n" END},
        {400, LINE HEADERS "X: a\r\n continued\r\n" END},
        {400, LINE HEADERS "X: a\r\n\tcontinued\r\n" END},
        {400, LINE " " HEADERS END},
        {400, LINE HEADERS "X: a\n" END},
        {400, LINE HEADERS "X: a\rb\r\n" END},
        {400, LINE HEADERS "X: a\r\r\n" END},
        {400, LINE HEADERS "X: a\x01\r\n" END},
        {400, LINE HEADERS "X: a\x7f\r\n" END},
        {400, LINE HEADERS "Content-Length: 1\r\n" END "x"},
        {400, LINE HEADERS "Content-Length: 00\r\n" END},
        {400, LINE HEADERS "Transfer-Encoding: chunked\r\n" END},
    };
    static const char nul[] = LINE HEADERS "X: a\0b\r\n" END;
    result_t result;

    (void)state;
    expect_all_refused(cases, COUNT_OF(cases));
    result =
        parse_both(reef_span(nul, sizeof(nul) - 1), &(reef__ws_upgrade_limits_t){0});
    assert_int_equal(result.upgrade.http_status, 400);
    finish(&result);
}

/* Section 4.2.1 items 2 to 6: each must be there, and be right */
static void test_ws_upgrade_refuses_without_what_the_rfc_demands(void **state)
{
    static const refusal_t cases[] = {
        {400, LINE UPGRADE CONNECTION KEY VERSION END},
        {400, LINE "Host:\r\n" UPGRADE CONNECTION KEY VERSION END},
        {400, LINE "Host: a/b\r\n" UPGRADE CONNECTION KEY VERSION END},
        {426, LINE HOST CONNECTION KEY VERSION END},
        {426, LINE HOST "Upgrade: websockets\r\n" CONNECTION KEY VERSION END},
        {426, LINE HOST "Upgrade:\r\n" CONNECTION KEY VERSION END},
        {400, LINE HOST UPGRADE KEY VERSION END},
        {400, LINE HOST UPGRADE "Connection: close\r\n" KEY VERSION END},
        {400, LINE HOST UPGRADE CONNECTION VERSION END},
        {426, LINE HOST UPGRADE CONNECTION KEY END},
        {426, LINE HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 8\r\n" END},
        {426, LINE HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 013\r\n" END},
        {426, LINE HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 13, 8\r\n" END},
    };

    (void)state;
    expect_all_refused(cases, COUNT_OF(cases));
}

/* Section 4.1 item 7: 16 bytes in base64 */
static void test_ws_upgrade_refuses_other_keys(void **state)
{
    static const char *const keys[] = {
        "",
        "c2hvcnQ=",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZTE=",
        "dGhlIHNhbXBsZSBub25jZTEy",
        "dGhlIHNhbXBsZSBub25jZTEyMw==",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBs-SBub25jZQ==",
        "dGhl IHNhbXBsZSBub25jZQ=",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        char request[512];

        snprintf(request, sizeof(request), "%sSec-WebSocket-Key: %s\r\n\r\n",
                 LINE HOST UPGRADE CONNECTION VERSION, keys[i]);
        expect_refused(400, request);
    }
}

/* RFC 9112 section 3.2, RFC 6455 sections 11.3.1, 11.3.5, 4.1 item 10 */
static void test_ws_upgrade_refuses_twice_what_must_be_single(void **state)
{
    static const char *const headers[] = {
        HOST,
        KEY,
        VERSION,
        "Origin: http://a\r\nOrigin: http://a\r\n",
        "Host:\r\n",
        "Sec-WebSocket-Key:\r\n",
        "Sec-WebSocket-Protocol: a, b, a\r\n",
        "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b,a\r\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        char request[1024];

        snprintf(request, sizeof(request), "%s%s\r\n", LINE HEADERS, headers[i]);
        expect_refused(400, request);
    }
}

/* Subprotocols ----------------------------------------------------------------- */

/* Section 4.1 item 10 */
static void test_ws_upgrade_refuses_malformed_subprotocols(void **state)
{
    static const refusal_t cases[] = {
        {400, LINE HEADERS "Sec-WebSocket-Protocol:\r\n" END},
        {400, LINE HEADERS "Sec-WebSocket-Protocol: ,\r\n" END},
        {400, LINE HEADERS "Sec-WebSocket-Protocol: a b\r\n" END},
        {400, LINE HEADERS "Sec-WebSocket-Protocol: a, \"b\"\r\n" END},
        {400, LINE HEADERS "Sec-WebSocket-Protocol: 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f,g"
                           "\r\n" END},
    };

    (void)state;
    expect_all_refused(cases, COUNT_OF(cases));
    expect_done(LINE HEADERS "Sec-WebSocket-Protocol: 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e\r\n"
                             "Sec-WebSocket-Protocol: f\r\n" END);
}

/* Section 4.2.2 item 5.5: one of the client's, by its preference, or none */
static void test_ws_upgrade_chooses_the_first_protocol_that_both_know(void **state)
{
    result_t result =
        parse_text(LINE HEADERS "Sec-WebSocket-Protocol: x, chat, echo\r\n" END);

    (void)state;
    assert_span(reef__ws_upgrade_choose_protocol(&result.upgrade,
                                                 reef_span_text(" echo ,, chat ")),
                "chat");
    assert_span(
        reef__ws_upgrade_choose_protocol(&result.upgrade, reef_span_text("echo")),
        "echo");
    assert_span(
        reef__ws_upgrade_choose_protocol(&result.upgrade, reef_span_text("Chat, cha")),
        "");
    assert_span(reef__ws_upgrade_choose_protocol(&result.upgrade, reef_span(NULL, 0)),
                "");
    finish(&result);
}

/* Origin ----------------------------------------------------------------------- */

/* Section 10.2 */
static void test_ws_upgrade_origin_must_be_in_the_list(void **state)
{
    const reef_span_t list =
        reef_span_text("https://example.org, http://localhost:8080 ,null");
    const reef_span_t none = reef_span(NULL, 0);

    (void)state;
    assert_true(
        reef__ws_origin_is_allowed(list, reef_span_text("https://example.org")));
    assert_true(
        reef__ws_origin_is_allowed(list, reef_span_text("HTTPS://Example.ORG")));
    assert_true(
        reef__ws_origin_is_allowed(list, reef_span_text("http://localhost:8080")));
    assert_true(reef__ws_origin_is_allowed(list, reef_span_text("null")));
    assert_false(
        reef__ws_origin_is_allowed(list, reef_span_text("http://example.org")));
    assert_false(
        reef__ws_origin_is_allowed(list, reef_span_text("https://example.or")));
    assert_false(
        reef__ws_origin_is_allowed(list, reef_span_text("https://example.org.evil")));
    assert_false(reef__ws_origin_is_allowed(list, reef_span_text("")));
    assert_true(reef__ws_origin_is_allowed(list, none));
    assert_true(reef__ws_origin_is_allowed(none, none));
    assert_false(reef__ws_origin_is_allowed(none, reef_span_text("null")));
    assert_true(
        reef__ws_origin_is_allowed(reef_span_text(" * "), reef_span_text("any")));
    assert_false(
        reef__ws_origin_is_allowed(reef_span_text("*, x"), reef_span_text("any")));
}

/* Limits ----------------------------------------------------------------------- */

static void test_ws_upgrade_max_head_is_exact(void **state)
{
    static const char request[] = LINE HEADERS END;
    const uint32_t size = sizeof(request) - 1;
    result_t result = parse_both(reef_span(request, size),
                                 &(reef__ws_upgrade_limits_t){.max_head = size});

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    finish(&result);
    result = parse_both(reef_span(request, size),
                        &(reef__ws_upgrade_limits_t){.max_head = size - 1});
    assert_int_equal(result.status, REEF__WS_UPGRADE_REFUSED);
    assert_int_equal(result.upgrade.http_status, 431);
    assert_int_equal(result.seen, size);
    finish(&result);
}

static void test_ws_upgrade_max_headers_is_exact(void **state)
{
    static const char request[] = LINE HEADERS END; /* five */
    result_t result = parse_both(reef_span_text(request),
                                 &(reef__ws_upgrade_limits_t){.max_headers = 5});

    (void)state;
    assert_int_equal(result.status, REEF__WS_UPGRADE_DONE);
    finish(&result);
    result = parse_both(reef_span_text(request),
                        &(reef__ws_upgrade_limits_t){.max_headers = 4});
    assert_int_equal(result.upgrade.http_status, 431);
    finish(&result);
}

static void test_ws_upgrade_limits_have_defaults(void **state)
{
    char request[9000] = LINE HEADERS "X: ";
    size_t size = strlen(request);
    result_t result;

    (void)state;
    memset(request + size, 'x', sizeof(request) - size);
    result = parse_both(reef_span(request, 8192), &(reef__ws_upgrade_limits_t){0});
    assert_int_equal(result.status, REEF__WS_UPGRADE_MORE);
    finish(&result);
    result = parse_both(reef_span(request, 8193), &(reef__ws_upgrade_limits_t){0});
    assert_int_equal(result.upgrade.http_status, 431);
    finish(&result);
    size = strlen(LINE);
    for (int i = 0; i < 65; i++) {
        size += (size_t)snprintf(request + size, sizeof(request) - size, "X:\r\n");
    }
    result = parse_both(reef_span(request, size - 4), &(reef__ws_upgrade_limits_t){0});
    assert_int_equal(result.status, REEF__WS_UPGRADE_MORE);
    finish(&result);
    result = parse_both(reef_span(request, size), &(reef__ws_upgrade_limits_t){0});
    assert_int_equal(result.upgrade.http_status, 431);
    finish(&result);
}

/* A wrong first byte is not waited upon for a whole head. */
static void test_ws_upgrade_refuses_other_protocols_at_once(void **state)
{
    result_t result = parse(reef_span_text("\x16\x03\x01 a TLS hello"), 1,
                            &(reef__ws_upgrade_limits_t){0});

    (void)state;
    assert_int_equal(result.upgrade.http_status, 400);
    assert_int_equal(result.seen, 1);
    finish(&result);
}

/* Responses -------------------------------------------------------------------- */

/* Section 4.2.2 item 5 */
static void test_ws_upgrade_accepts_with_the_answer_to_the_key(void **state)
{
    result_t result = parse_text(LINE HEADERS END);
    char out[REEF__WS_RESPONSE_SIZE];
    size_t size =
        reef__ws_upgrade_write_accept(&result.upgrade, reef_span(NULL, 0), NULL, out);

    (void)state;
    assert_span(reef_span(out, size),
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    size = reef__ws_upgrade_write_accept(&result.upgrade, reef_span("chat!", 4), NULL,
                                         out);
    assert_span(reef_span(out, size),
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\n"
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                "Sec-WebSocket-Protocol: chat\r\n\r\n");
    finish(&result);
}

static void test_ws_upgrade_accept_holds_the_longest_protocol(void **state)
{
    result_t result = parse_text(LINE HEADERS END);
    char protocol[REEF__WS_MAX_PROTOCOL];
    char out[REEF__WS_RESPONSE_SIZE];
    size_t size;

    (void)state;
    memset(protocol, 'p', sizeof(protocol));
    size = reef__ws_upgrade_write_accept(
        &result.upgrade, reef_span(protocol, sizeof(protocol)), NULL, out);
    assert_in_range(size, sizeof(protocol) + 100, sizeof(out) - 1);
    assert_memory_equal(out + size - 8, "pppp\r\n\r\n", 8);
    finish(&result);
}

/* Section 4.4 and RFC 9110 sections 15.5.6, 15.5.22: what an error must tell */
static void test_ws_upgrade_refusal_is_a_whole_response(void **state)
{
    static const struct {
        int status;
        const char *line;
        const char *header;
    } cases[] = {
        {400, "HTTP/1.1 400 Bad Request\r\n", "Connection: close\r\n"},
        {401, "HTTP/1.1 401 Unauthorized\r\n", "WWW-Authenticate: Bearer\r\n"},
        {403, "HTTP/1.1 403 Forbidden\r\n", "Content-Type: text/plain"},
        {404, "HTTP/1.1 404 Not Found\r\n", "Content-Length: 4\r\n"},
        {405, "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET\r\n"},
        {408, "HTTP/1.1 408 Request Timeout\r\n", "Connection: close\r\n"},
        {426, "HTTP/1.1 426 Upgrade Required\r\n", "Sec-WebSocket-Version: 13\r\n"},
        {426, "HTTP/1.1 426 Upgrade Required\r\n", "Upgrade: websocket\r\n"},
        {426, "HTTP/1.1 426 Upgrade Required\r\n", "Connection: Upgrade, close\r\n"},
        {429, "HTTP/1.1 429 Too Many Requests\r\n", ""},
        {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n", ""},
        {503, "HTTP/1.1 503 Service Unavailable\r\n", ""},
        {505, "HTTP/1.1 505 HTTP Version Not Supported\r\n", ""},
        {599, "HTTP/1.1 599 Error\r\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        reef__ws_upgrade_t upgrade = {0};
        char out[REEF__WS_RESPONSE_SIZE];
        size_t size;

        assert_int_equal(reef__ws_upgrade_refuse(&upgrade, cases[i].status, "why"),
                         REEF__WS_UPGRADE_REFUSED);
        size = reef__ws_upgrade_write_refusal(&upgrade, out);
        assert_int_equal(size, strlen(out));
        assert_ptr_equal(strstr(out, cases[i].line), out);
        assert_non_null(strstr(out, cases[i].header));
        assert_non_null(strstr(out, "\r\nContent-Length: 4\r\n"));
        assert_string_equal(out + size - 8, "\r\n\r\nwhy\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ws_upgrade_reads_the_request_of_the_rfc),
        cmocka_unit_test(test_ws_upgrade_hands_out_headers_that_are_asked_for),
        cmocka_unit_test(test_ws_upgrade_bounds_headers_that_are_asked_for),
        cmocka_unit_test(test_ws_upgrade_leaves_absent_things_empty),
        cmocka_unit_test(test_ws_upgrade_consumes_the_head_only),
        cmocka_unit_test(test_ws_upgrade_wants_more_until_the_empty_line),
        cmocka_unit_test(test_ws_upgrade_knows_headers_in_any_dress),
        cmocka_unit_test(test_ws_upgrade_takes_the_host_of_an_absolute_target),
        cmocka_unit_test(test_ws_upgrade_refuses_other_request_lines),
        cmocka_unit_test(test_ws_upgrade_refuses_malformed_targets),
        cmocka_unit_test(test_ws_upgrade_refuses_malformed_headers),
        cmocka_unit_test(test_ws_upgrade_refuses_without_what_the_rfc_demands),
        cmocka_unit_test(test_ws_upgrade_refuses_other_keys),
        cmocka_unit_test(test_ws_upgrade_refuses_twice_what_must_be_single),
        cmocka_unit_test(test_ws_upgrade_refuses_malformed_subprotocols),
        cmocka_unit_test(test_ws_upgrade_chooses_the_first_protocol_that_both_know),
        cmocka_unit_test(test_ws_upgrade_origin_must_be_in_the_list),
        cmocka_unit_test(test_ws_upgrade_max_head_is_exact),
        cmocka_unit_test(test_ws_upgrade_max_headers_is_exact),
        cmocka_unit_test(test_ws_upgrade_limits_have_defaults),
        cmocka_unit_test(test_ws_upgrade_refuses_other_protocols_at_once),
        cmocka_unit_test(test_ws_upgrade_accepts_with_the_answer_to_the_key),
        cmocka_unit_test(test_ws_upgrade_accept_holds_the_longest_protocol),
        cmocka_unit_test(test_ws_upgrade_refusal_is_a_whole_response),
    };

    return cmocka_run_group_tests_name("ws_upgrade", tests, NULL, NULL);
}
