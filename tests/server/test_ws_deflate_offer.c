/*
 * What is answered to a client's Sec-WebSocket-Extensions: RFC 6455 section 9.1 for the
 * grammar, RFC 7692 sections 5 and 7.1 for the parameters.
 */
#include "test.h"

#include "codec/ws_deflate.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define EXTENSIONS   "Sec-WebSocket-Extensions: "
#define DEFLATE      "permessage-deflate"
#define END          "\r\n"
#define SERVER_ALONE "; server_no_context_takeover"
#define CLIENT_ALONE "; client_no_context_takeover"

static const reef__ws_deflate_config_t plain = {
    .enabled = true,
    .context_takeover = true,
};

static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/* What the answer to header lines was. */
typedef struct answer {
    int http_status; /* 0 = accepted */
    bool negotiated;
    reef__ws_deflate_params_t params;
    uint32_t offers;
    char line[REEF__WS_DEFLATE_RESPONSE_SIZE]; /* empty when not negotiated */
} answer_t;

static answer_t ask(const char *headers, const reef__ws_deflate_config_t *config)
{
    reef__ws_upgrade_t upgrade = {0};
    answer_t answer = {0};
    char request[8192];
    int size =
        snprintf(request, sizeof(request), "%s%s\r\n", head, headers); /* whole */

    assert_true(size > 0 && (size_t)size < sizeof(request));
    if (reef__ws_upgrade_parse(&upgrade, &(reef__ws_upgrade_limits_t){0},
                               (const uint8_t *)request,
                               (size_t)size) != REEF__WS_UPGRADE_DONE) {
        answer.http_status = upgrade.http_status;
        return answer;
    }
    answer.offers = upgrade.deflate_offer_count;
    answer.negotiated = reef__ws_deflate_negotiate(&upgrade, config, &answer.params);
    if (answer.negotiated) {
        size_t written = reef__ws_deflate_write_response(&answer.params, answer.line);

        assert_int_equal(written, strlen(answer.line));
    }
    return answer;
}

/* A row: what a client offers in one header, what is answered; NULL = declined. */
typedef struct row {
    const char *offer;
    const char *response;
} row_t;

static void
expect_rows(const row_t *rows, size_t count, const reef__ws_deflate_config_t *config)
{
    for (size_t i = 0; i < count; i++) {
        char headers[512];
        char expected[512] = "";
        answer_t answer;

        snprintf(headers, sizeof(headers), EXTENSIONS "%s" END, rows[i].offer);
        if (rows[i].response != NULL) {
            snprintf(expected, sizeof(expected), EXTENSIONS DEFLATE "%s" END,
                     rows[i].response);
        }
        answer = ask(headers, config);
        if (answer.http_status != 0 || strcmp(answer.line, expected) != 0) {
            fail_msg("%s: status %d, '%s' instead of '%s'", rows[i].offer,
                     answer.http_status, answer.line, expected);
        }
    }
}

/* The extension's parameters --------------------------------------------------- */

/* RFC 7692 section 7.1: the published offers, and each parameter alone */
static void test_ws_deflate_offer_answers_every_parameter(void **state)
{
    static const row_t rows[] = {
        {DEFLATE, ""},
        {DEFLATE "; server_no_context_takeover", SERVER_ALONE},
        {DEFLATE "; client_no_context_takeover", CLIENT_ALONE},
        {DEFLATE "; server_max_window_bits=10", "; server_max_window_bits=10"},
        {DEFLATE "; server_max_window_bits=15", "; server_max_window_bits=15"},
        {DEFLATE "; server_max_window_bits=9", "; server_max_window_bits=9"},
        {DEFLATE "; client_max_window_bits", ""},
        {DEFLATE "; client_max_window_bits=15", ""},
        {DEFLATE "; client_max_window_bits=12", "; client_max_window_bits=12"},
        {DEFLATE "; client_max_window_bits=8", "; client_max_window_bits=8"},
        {DEFLATE "; client_max_window_bits; server_max_window_bits=10, " DEFLATE
                 "; client_max_window_bits",
         "; server_max_window_bits=10"},
        {DEFLATE "; server_max_window_bits=11; client_max_window_bits=10"
                 "; client_no_context_takeover; server_no_context_takeover",
         SERVER_ALONE CLIENT_ALONE
         "; server_max_window_bits=11; client_max_window_bits=10"},
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows), &plain);
}

/* RFC 7692 section 7.1: unknown, invalid, doubled: the offer is declined */
static void test_ws_deflate_offer_declines_what_it_must(void **state)
{
    static const row_t rows[] = {
        {DEFLATE "; unknown", NULL},
        {DEFLATE "; Server_no_context_takeover", NULL},
        {DEFLATE "; server_no_context_takeover=1", NULL},
        {DEFLATE "; client_no_context_takeover=true", NULL},
        {DEFLATE SERVER_ALONE SERVER_ALONE, NULL},
        {DEFLATE CLIENT_ALONE CLIENT_ALONE, NULL},
        {DEFLATE "; server_max_window_bits", NULL},
        {DEFLATE "; server_max_window_bits=7", NULL},
        {DEFLATE "; server_max_window_bits=8", NULL}, /* zlib cannot */
        {DEFLATE "; server_max_window_bits=16", NULL},
        {DEFLATE "; server_max_window_bits=010", NULL},
        {DEFLATE "; server_max_window_bits=0", NULL},
        {DEFLATE "; server_max_window_bits=1e1", NULL},
        {DEFLATE "; server_max_window_bits=-9", NULL},
        {DEFLATE "; server_max_window_bits=4294967305", NULL},
        {DEFLATE "; server_max_window_bits=10; server_max_window_bits=10", NULL},
        {DEFLATE "; client_max_window_bits=7", NULL},
        {DEFLATE "; client_max_window_bits=16", NULL},
        {DEFLATE "; client_max_window_bits=09", NULL},
        {DEFLATE "; client_max_window_bits; client_max_window_bits", NULL},
        {DEFLATE "; client_max_window_bits=10; client_max_window_bits", NULL},
        {"permessage-deflate2", NULL},
        {"x-webkit-deflate-frame", NULL},
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows), &plain);
}

/* RFC 7692 section 5: the client's offers are in order of preference */
static void test_ws_deflate_offer_takes_the_first_that_it_can(void **state)
{
    static const row_t rows[] = {
        {DEFLATE "; server_max_window_bits=8, " DEFLATE SERVER_ALONE ", " DEFLATE,
         SERVER_ALONE},
        {"foo; bar=\"baz\", " DEFLATE "; nonsense, " DEFLATE, ""},
        {DEFLATE "," DEFLATE SERVER_ALONE, ""},
    };
    answer_t answer;

    (void)state;
    expect_rows(rows, COUNT_OF(rows), &plain);
    answer = ask(EXTENSIONS "foo" END EXTENSIONS DEFLATE
                            "; bad, bar" END EXTENSIONS DEFLATE CLIENT_ALONE END,
                 &plain);
    assert_string_equal(answer.line, EXTENSIONS DEFLATE CLIENT_ALONE END);
    assert_int_equal(answer.offers, 2);
}

static void test_ws_deflate_offer_counts_are_bounded(void **state)
{
    char headers[2048];
    answer_t answer;
    int size = snprintf(headers, sizeof(headers), EXTENSIONS);

    (void)state;
    for (int i = 0; i < REEF__WS_MAX_DEFLATE_OFFERS; i++) {
        size +=
            snprintf(headers + size, sizeof(headers) - (size_t)size, DEFLATE "; bad, ");
    }
    snprintf(headers + size, sizeof(headers) - (size_t)size, DEFLATE END);
    answer = ask(headers, &plain);
    assert_int_equal(answer.http_status, 0);
    assert_int_equal(answer.offers, REEF__WS_MAX_DEFLATE_OFFERS);
    assert_false(answer.negotiated);
}

/* Grammar ---------------------------------------------------------------------- */

/* RFC 6455 section 9.1: quoted values, white space, empty elements of a list */
static void test_ws_deflate_offer_reads_any_dress(void **state)
{
    static const row_t rows[] = {
        {" ,\t, " DEFLATE " ,", ""},
        {DEFLATE ";server_max_window_bits=\"10\"", "; server_max_window_bits=10"},
        {DEFLATE ";server_max_window_bits=\"1\\0\"", "; server_max_window_bits=10"},
        {DEFLATE "\t;\tserver_max_window_bits = 10 ", "; server_max_window_bits=10"},
        {"a;b=\"\\c\\d\";e, " DEFLATE, ""},
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows), &plain);
}

/* RFC 6455 section 9.1: what does not conform fails the connection, also when the
 * extension is unknown or compression is off */
static void test_ws_deflate_offer_refuses_malformed_headers(void **state)
{
    static const char *const values[] = {
        "",
        " ",
        ",",
        ", ,",
        ";",
        "a;",
        "a;;b",
        "a b",
        "a=b",
        "a; =b",
        "a; b=",
        "a; b=,c",
        "a; b=\"",
        "a; b=\"\"",
        "a; b=\"c",
        "a; b=\"c d\"",
        "a; b=\"c\\",
        "a; b=\"c\\\"\"",
        "a; b=\"c\"d",
        "a; b=c d",
        "a; b c",
        "(a)",
        "a, b;",
        "a/b",
        "a; b=\xc3\xa9",
        (DEFLATE "; server_max_window_bits=\"1 0\""),
        (DEFLATE "; client_max_window_bits="),
    };
    const reef__ws_deflate_config_t off = {0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char headers[256];

        snprintf(headers, sizeof(headers), EXTENSIONS "%s" END, values[i]);
        if (ask(headers, &plain).http_status != 400 ||
            ask(headers, &off).http_status != 400) {
            fail_msg("taken: %s", values[i]);
        }
    }
}

/* Our choices ------------------------------------------------------------------ */

static void test_ws_deflate_offer_is_declined_when_off_or_absent(void **state)
{
    const reef__ws_deflate_config_t off = {.context_takeover = true};

    (void)state;
    assert_false(ask(EXTENSIONS DEFLATE END, &off).negotiated);
    assert_false(ask("", &plain).negotiated);
    assert_false(ask(EXTENSIONS "foo" END, &plain).negotiated);
}

/* RFC 7692 sections 7.1.1.1 and 7.1.1.2: a server may ask for it uncalled */
static void test_ws_deflate_offer_without_context_is_asked_for(void **state)
{
    static const row_t rows[] = {
        {DEFLATE, SERVER_ALONE CLIENT_ALONE},
        {DEFLATE SERVER_ALONE, SERVER_ALONE CLIENT_ALONE},
        {DEFLATE "; client_max_window_bits=10; server_max_window_bits=12",
         SERVER_ALONE CLIENT_ALONE
         "; server_max_window_bits=12; client_max_window_bits=10"},
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows), &(reef__ws_deflate_config_t){.enabled = true});
}

static uint32_t held(const reef__ws_deflate_params_t *params)
{
    uint32_t size = reef__ws_deflate_inflater_size(params->client_max_window_bits);

    if (!params->server_no_context_takeover) {
        size += reef__ws_deflate_compressor_size(params->server_max_window_bits,
                                                 params->memory_level);
    }
    return size;
}

/* Whatever the bound: it is kept, windows shrink no more than the offer allows, and
 * only what cannot fit is declined. */
static void test_ws_deflate_offer_fits_the_memory(void **state)
{
    static const struct {
        const char *headers;
        uint32_t least; /* that is accepted */
    } cases[] = {
        {EXTENSIONS DEFLATE "; client_max_window_bits" END, (1 << 9) + 7680},
        {EXTENSIONS DEFLATE "; client_max_window_bits=8" END, (1 << 9) + 7680},
        {EXTENSIONS DEFLATE END, (1 << 15) + 7680},
    };
    uint32_t most =
        reef__ws_deflate_compressor_size(15, 8) + reef__ws_deflate_inflater_size(15);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (uint32_t memory = 4096; memory < most + 8192; memory += 1024) {
            reef__ws_deflate_config_t config = plain;
            answer_t answer;

            config.memory = memory;
            answer = ask(cases[i].headers, &config);
            assert_int_equal(answer.negotiated, memory >= cases[i].least);
            if (!answer.negotiated) {
                continue;
            }
            assert_true(held(&answer.params) <= memory);
            assert_in_range(answer.params.server_max_window_bits, 9, 15);
            assert_in_range(answer.params.memory_level, 1, 8);
        }
    }
}

static void test_ws_deflate_offer_chooses_windows_for_the_memory(void **state)
{
    static const struct {
        uint32_t memory;
        const char *response;
    } cases[] = {
        {0, ""},
        {400000, ""},
        {200000, "; server_max_window_bits=14"},
        {65536, "; server_max_window_bits=12; client_max_window_bits=14"},
        {32768, "; server_max_window_bits=10; client_max_window_bits=13"},
        {20000, "; server_max_window_bits=9; client_max_window_bits=11"},
        {12000, SERVER_ALONE "; client_max_window_bits=12"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        reef__ws_deflate_config_t config = plain;
        char expected[256];
        answer_t answer;

        config.memory = cases[i].memory;
        snprintf(expected, sizeof(expected), EXTENSIONS DEFLATE "%s" END,
                 cases[i].response);
        answer = ask(EXTENSIONS DEFLATE "; client_max_window_bits" END, &config);
        assert_string_equal(answer.line, expected);
    }
}

/* RFC 7692 section 7.1.2.2: a client that did not offer it cannot be told */
static void test_ws_deflate_offer_tells_no_client_that_did_not_ask(void **state)
{
    reef__ws_deflate_config_t config = plain;
    answer_t answer;

    (void)state;
    config.memory = 65536;
    answer = ask(EXTENSIONS DEFLATE END, &config);
    assert_true(answer.negotiated);
    assert_int_equal(answer.params.client_max_window_bits, 15);
    assert_null(strstr(answer.line, "client_max_window_bits"));
}

/* The longest response that can be */
static void test_ws_deflate_offer_response_is_in_the_accept(void **state)
{
    static const char request[] =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\n" EXTENSIONS DEFLATE
        "; client_max_window_bits=14; server_max_window_bits=15" SERVER_ALONE
            CLIENT_ALONE END END;
    static const char line[] =
        "\r\n" EXTENSIONS DEFLATE SERVER_ALONE CLIENT_ALONE
        "; server_max_window_bits=15; client_max_window_bits=14\r\n\r\n";
    char protocol[REEF__WS_MAX_PROTOCOL];
    char out[REEF__WS_RESPONSE_SIZE];
    reef__ws_upgrade_t upgrade = {0};
    reef__ws_deflate_params_t params;
    size_t size;

    (void)state;
    assert_int_equal(reef__ws_upgrade_parse(&upgrade, &(reef__ws_upgrade_limits_t){0},
                                            (const uint8_t *)request,
                                            sizeof(request) - 1),
                     REEF__WS_UPGRADE_DONE);
    assert_true(reef__ws_deflate_negotiate(&upgrade, &plain, &params));
    memset(protocol, 'p', sizeof(protocol));
    size = reef__ws_upgrade_write_accept(
        &upgrade, reef_span(protocol, sizeof(protocol)), &params, out);
    assert_true(size > sizeof(line));
    assert_memory_equal(out + size - (sizeof(line) - 1), line, sizeof(line) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ws_deflate_offer_answers_every_parameter),
        cmocka_unit_test(test_ws_deflate_offer_declines_what_it_must),
        cmocka_unit_test(test_ws_deflate_offer_takes_the_first_that_it_can),
        cmocka_unit_test(test_ws_deflate_offer_counts_are_bounded),
        cmocka_unit_test(test_ws_deflate_offer_reads_any_dress),
        cmocka_unit_test(test_ws_deflate_offer_refuses_malformed_headers),
        cmocka_unit_test(test_ws_deflate_offer_is_declined_when_off_or_absent),
        cmocka_unit_test(test_ws_deflate_offer_without_context_is_asked_for),
        cmocka_unit_test(test_ws_deflate_offer_fits_the_memory),
        cmocka_unit_test(test_ws_deflate_offer_chooses_windows_for_the_memory),
        cmocka_unit_test(test_ws_deflate_offer_tells_no_client_that_did_not_ask),
        cmocka_unit_test(test_ws_deflate_offer_response_is_in_the_accept),
    };

    return cmocka_run_group_tests_name("ws_deflate_offer", tests, NULL, NULL);
}
