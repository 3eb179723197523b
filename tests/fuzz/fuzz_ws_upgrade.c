/*
 * Three bytes of limits and of a step, then what a client sends.  Given whole, in steps
 * and byte by byte it must come to the same; what is answered must stay in its buffer
 * and be one response, whatever the client wrote.
 */
#include "codec/ws_deflate.h"
#include "codec/ws_upgrade.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_SIZE = 3
};

/* A parse and the memory that its spans borrow from. */
typedef struct run {
    reef__ws_upgrade_t upgrade;
    reef__ws_upgrade_status_t status;
    uint8_t *bytes;
    reef__ws_header_t headers[REEF__WS_MAX_HEADERS];
} run_t;

static const char *const wanted[] = {"Origin", "cookie"};

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void parse(run_t *run,
                  const reef__ws_upgrade_limits_t *limits,
                  reef_span_t request,
                  size_t step)
{
    uint8_t *bytes = NULL;

    *run = (run_t){0};
    run->upgrade.headers = run->headers;
    for (size_t seen = 0;
         seen < request.size && run->status == REEF__WS_UPGRADE_MORE;) {
        size_t rest = request.size - seen;

        seen += step < rest ? step : rest;
        free(bytes);
        bytes = malloc(seen); /* elsewhere each time, its end guarded */
        memcpy(bytes, request.data, seen);
        run->status = reef__ws_upgrade_parse(&run->upgrade, limits, bytes, seen);
    }
    run->bytes = bytes;
}

static void check_same(const run_t *a, const run_t *b)
{
    const reef__ws_upgrade_t *x = &a->upgrade;
    const reef__ws_upgrade_t *y = &b->upgrade;

    check(a->status == b->status);
    check(x->http_status == y->http_status && x->reason == y->reason);
    if (a->status != REEF__WS_UPGRADE_DONE) {
        return;
    }
    check(x->consumed == y->consumed && strcmp(x->accept, y->accept) == 0);
    check(reef_span_equal(x->path, y->path) && reef_span_equal(x->query, y->query));
    check(reef_span_equal(x->host, y->host));
    check((x->origin.data == NULL) == (y->origin.data == NULL));
    check(x->origin.data == NULL || reef_span_equal(x->origin, y->origin));
    check(x->protocol_count == y->protocol_count);
    for (size_t i = 0; i < x->protocol_count; i++) {
        check(reef_span_equal(x->protocols[i], y->protocols[i]));
    }
    check(x->header_count == y->header_count);
    for (uint32_t i = 0; i < x->header_count; i++) {
        check(x->headers[i].wanted == y->headers[i].wanted);
        check(reef_span_equal(x->headers[i].value, y->headers[i].value));
    }
    check(x->deflate_offer_count == y->deflate_offer_count);
    for (uint32_t i = 0; i < x->deflate_offer_count; i++) {
        check(reef_span_equal(x->deflate_offers[i], y->deflate_offers[i]));
    }
}

/* One head: its empty line is the first there is, and @p body bytes follow. */
static void check_response(const char *text, size_t size, size_t body)
{
    size_t i = 0;

    check(size > 4 && size < REEF__WS_RESPONSE_SIZE);
    while (i + 4 < size && memcmp(text + i, "\r\n\r\n", 4) != 0) {
        check((uint8_t)text[i] < 0x7f);
        i++;
    }
    check(i + 4 + body == size);
}

static bool lies_in(reef_span_t part, const run_t *run)
{
    return part.size == 0 ||
           (part.data > run->bytes &&
            part.data + part.size < run->bytes + run->upgrade.consumed);
}

/* Whatever was offered: what we agree to is possible, fits, and is told. */
static void check_deflate(const run_t *run, reef__ws_deflate_config_t config)
{
    const reef__ws_upgrade_t *upgrade = &run->upgrade;
    char *out = malloc(REEF__WS_RESPONSE_SIZE);
    reef__ws_deflate_params_t params;
    uint32_t held;

    check(upgrade->deflate_offer_count <= REEF__WS_MAX_DEFLATE_OFFERS);
    for (uint32_t i = 0; i < upgrade->deflate_offer_count; i++) {
        check(lies_in(upgrade->deflate_offers[i], run));
    }
    if (reef__ws_deflate_negotiate(upgrade, &config, &params)) {
        check(upgrade->deflate_offer_count > 0);
        check(params.server_max_window_bits >= 9 &&
              params.server_max_window_bits <= 15);
        check(params.client_max_window_bits >= 8 &&
              params.client_max_window_bits <= 15);
        check(params.memory_level >= 1 && params.memory_level <= 9);
        check(config.context_takeover ||
              (params.server_no_context_takeover && params.client_no_context_takeover));
        held = reef__ws_deflate_inflater_size(params.client_max_window_bits);
        if (!params.server_no_context_takeover) {
            held += reef__ws_deflate_compressor_size(params.server_max_window_bits,
                                                     params.memory_level);
        }
        check(config.memory == 0 || held <= config.memory);
        check_response(
            out,
            reef__ws_upgrade_write_accept(upgrade, reef_span(NULL, 0), &params, out),
            0);
    }
    free(out);
}

static void check_done(const run_t *run, const reef__ws_upgrade_limits_t *limits)
{
    const reef__ws_upgrade_t *upgrade = &run->upgrade;
    char *out = malloc(REEF__WS_RESPONSE_SIZE);
    reef_span_t protocol =
        reef__ws_upgrade_choose_protocol(upgrade, reef_span_text("chat, superchat"));

    check(upgrade->consumed <= (limits->max_head > 0 ? limits->max_head : 8192));
    check(upgrade->path.size > 0 && upgrade->path.data[0] == '/');
    check(upgrade->host.size > 0 && strlen(upgrade->accept) == REEF__WS_ACCEPT_SIZE);
    check(lies_in(upgrade->path, run) && lies_in(upgrade->query, run));
    check(lies_in(upgrade->host, run) && lies_in(upgrade->origin, run));
    check(upgrade->protocol_count <= REEF__WS_MAX_PROTOCOLS);
    check(upgrade->header_count <= REEF__WS_MAX_HEADERS);
    for (uint32_t i = 0; i < upgrade->header_count; i++) {
        check(upgrade->headers[i].wanted < limits->wanted_count);
        check(lies_in(upgrade->headers[i].value, run));
    }
    check(protocol.size == 0 || protocol.size == 4 || protocol.size == 9);
    check_response(out, reef__ws_upgrade_write_accept(upgrade, protocol, NULL, out), 0);
    for (size_t i = 0; i < upgrade->protocol_count; i++) {
        check(lies_in(upgrade->protocols[i], run));
        if (upgrade->protocols[i].size <= REEF__WS_MAX_PROTOCOL) {
            check_response(out,
                           reef__ws_upgrade_write_accept(upgrade, upgrade->protocols[i],
                                                         NULL, out),
                           0);
        }
    }
    check_deflate(run, (reef__ws_deflate_config_t){.enabled = true});
    check_deflate(run,
                  (reef__ws_deflate_config_t){.enabled = true,
                                              .context_takeover = true,
                                              .memory = 8192U << run->bytes[4] % 7});
    check(upgrade->origin.data == NULL ||
          !reef__ws_origin_is_allowed(reef_span(NULL, 0), upgrade->origin));
    free(out);
}

static void check_refused(const reef__ws_upgrade_t *upgrade)
{
    char *out = malloc(REEF__WS_RESPONSE_SIZE);

    check(upgrade->http_status >= 400 && upgrade->http_status < 600);
    check_response(out, reef__ws_upgrade_write_refusal(upgrade, out),
                   strlen(upgrade->reason) + 1);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reef__ws_upgrade_limits_t limits;
    reef_span_t request;
    run_t whole;
    run_t others[2];

    if (size < HEAD_SIZE) {
        return 0;
    }
    limits = (reef__ws_upgrade_limits_t){.max_head = data[0] * 8U,
                                         .max_headers = data[1],
                                         .wanted = wanted,
                                         .wanted_count = data[2] % 3U};
    request = reef_span(data + HEAD_SIZE, size - HEAD_SIZE);
    parse(&whole, &limits, request, request.size);
    parse(&others[0], &limits, request, data[2] + 2U);
    parse(&others[1], &limits, request, 1);
    check_same(&whole, &others[0]);
    check_same(&whole, &others[1]);
    if (whole.status == REEF__WS_UPGRADE_DONE) {
        check_done(&whole, &limits);
    } else if (whole.status == REEF__WS_UPGRADE_REFUSED) {
        check_refused(&whole.upgrade);
    }
    free(whole.bytes);
    free(others[0].bytes);
    free(others[1].bytes);
    return 0;
}
