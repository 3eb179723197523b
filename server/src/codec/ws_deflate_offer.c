/*
 * An offer with a parameter that is unknown, doubled or of a wrong value is declined,
 * and the next one is looked at (RFC 7692 section 7.1).  A window of 8 bits is declined
 * too: zlib's compressor cannot make one.
 *
 * Fitting the memory: both windows begin as large as the offer lets them be, and the
 * largest part that may shrink is halved until the sum fits.  If nothing may shrink any
 * more, our compressor gives up its context, which is ours to decide (section 7.1.1.1).
 */
#include "codec/ws_deflate.h"

#include "codec/ws_extension.h"

#include <assert.h>
#include <stdio.h>

enum {
    MIN_BITS = 8,     /* that can be offered */
    MIN_OWN_BITS = 9, /* that our compressor can have, and that we ask for */
    MAX_BITS = 15,
    MIN_LEVEL = 1,
    MAX_LEVEL = 8, /* zlib's default */
};

typedef struct offer {
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    uint8_t server_max_window_bits; /* 0 = not offered */
    uint8_t client_max_window_bits; /* 0 = not offered, so not to be answered */
} offer_t;

/* Section 7.1.2: 8 to 15 in decimal without leading zeroes; 0 for anything else. */
static uint8_t read_bits(reef_span_t value)
{
    unsigned bits = 0;

    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];

        if (c == '\\') {
            continue; /* of a quoted string */
        }
        if (c < '0' || c > '9' || (c == '0' && bits == 0) || bits > MAX_BITS) {
            return 0;
        }
        bits = bits * 10 + (c - '0');
    }
    return bits >= MIN_BITS && bits <= MAX_BITS ? (uint8_t)bits : 0;
}

static bool take_flag(bool *flag, reef_span_t value)
{
    bool good = !*flag && value.data == NULL;

    *flag = true;
    return good;
}

static bool take_bits(uint8_t *bits, reef_span_t value)
{
    bool twice = *bits != 0;

    *bits = read_bits(value);
    return !twice && *bits != 0;
}

static bool read_param(offer_t *offer, const reef__ws_extension_param_t *param)
{
    if (reef_span_equal(param->name, reef_span_text("server_no_context_takeover"))) {
        return take_flag(&offer->server_no_context_takeover, param->value);
    }
    if (reef_span_equal(param->name, reef_span_text("client_no_context_takeover"))) {
        return take_flag(&offer->client_no_context_takeover, param->value);
    }
    if (reef_span_equal(param->name, reef_span_text("server_max_window_bits"))) {
        return take_bits(&offer->server_max_window_bits, param->value) &&
               offer->server_max_window_bits >= MIN_OWN_BITS;
    }
    if (reef_span_equal(param->name, reef_span_text("client_max_window_bits"))) {
        return take_bits(&offer->client_max_window_bits, param->value.data == NULL
                                                             ? reef_span_text("15")
                                                             : param->value);
    }
    return false;
}

static bool read_offer(reef_span_t text, offer_t *offer)
{
    reef__ws_extension_param_t param;

    *offer = (offer_t){0};
    while (reef__ws_extension_next_param(&text, &param)) {
        if (!read_param(offer, &param)) {
            return false;
        }
    }
    return true;
}

static uint32_t compressor_size(const reef__ws_deflate_params_t *params)
{
    return params->server_no_context_takeover
               ? 0
               : reef__ws_deflate_compressor_size(params->server_max_window_bits,
                                                  params->memory_level);
}

/* Halve the larger part of the compressor that can be halved. */
static bool shrink_compressor(reef__ws_deflate_params_t *params)
{
    uint8_t *bits = &params->server_max_window_bits;
    uint8_t *level = &params->memory_level;
    bool bits_may = *bits > MIN_OWN_BITS;
    bool level_may = *level > MIN_LEVEL;

    if (params->server_no_context_takeover || (!bits_may && !level_may)) {
        return false;
    }
    /* Of equal levels, 2^(bits + 2) and 2^(level + 9) bytes are the same. */
    if (bits_may && (!level_may || *bits + 2 >= *level + 9)) {
        (*bits)--;
    } else {
        (*level)--;
    }
    return true;
}

static bool shrink_inflater(reef__ws_deflate_params_t *params, const offer_t *offer)
{
    if (offer->client_max_window_bits == 0 ||
        params->client_max_window_bits <= MIN_OWN_BITS) {
        return false;
    }
    params->client_max_window_bits--;
    return true;
}

/* As large as the offer lets them be. */
static void widen(reef__ws_deflate_params_t *params, const offer_t *offer)
{
    params->server_max_window_bits =
        offer->server_max_window_bits > 0 ? offer->server_max_window_bits : MAX_BITS;
    params->client_max_window_bits =
        offer->client_max_window_bits > 0 ? offer->client_max_window_bits : MAX_BITS;
    params->memory_level = MAX_LEVEL;
}

static bool
fit(reef__ws_deflate_params_t *params, const offer_t *offer, uint32_t memory)
{
    for (;;) {
        uint32_t compressor = compressor_size(params);
        uint32_t inflater =
            reef__ws_deflate_inflater_size(params->client_max_window_bits);

        if (memory == 0 || compressor + inflater <= memory) {
            return true;
        }
        if (inflater > compressor && shrink_inflater(params, offer)) {
            continue;
        }
        if (!shrink_compressor(params) && !shrink_inflater(params, offer)) {
            if (params->server_no_context_takeover) {
                return false;
            }
            params->server_no_context_takeover = true;
            widen(params, offer);
        }
    }
}

static bool accept_offer(const offer_t *offer,
                         const reef__ws_deflate_config_t *config,
                         reef__ws_deflate_params_t *params)
{
    *params = (reef__ws_deflate_params_t){
        .server_no_context_takeover =
            offer->server_no_context_takeover || !config->context_takeover,
        .client_no_context_takeover =
            offer->client_no_context_takeover || !config->context_takeover,
    };
    widen(params, offer);
    if (!fit(params, offer, config->memory)) {
        return false;
    }
    params->tells_server_max_window_bits =
        offer->server_max_window_bits > 0 || params->server_max_window_bits < MAX_BITS;
    params->tells_client_max_window_bits = params->client_max_window_bits < MAX_BITS;
    return true;
}

bool reef__ws_deflate_negotiate(const reef__ws_upgrade_t *upgrade,
                                const reef__ws_deflate_config_t *config,
                                reef__ws_deflate_params_t *params)
{
    if (!config->enabled) {
        return false;
    }
    for (uint32_t i = 0; i < upgrade->deflate_offer_count; i++) {
        offer_t offer;

        if (read_offer(upgrade->deflate_offers[i], &offer) &&
            accept_offer(&offer, config, params)) {
            return true;
        }
    }
    return false;
}

size_t reef__ws_deflate_write_response(const reef__ws_deflate_params_t *params,
                                       char out[REEF__WS_DEFLATE_RESPONSE_SIZE])
{
    char server_bits[32] = "";
    char client_bits[32] = "";
    int size;

    if (params->tells_server_max_window_bits) {
        snprintf(server_bits, sizeof(server_bits), "; server_max_window_bits=%d",
                 params->server_max_window_bits);
    }
    if (params->tells_client_max_window_bits) {
        snprintf(client_bits, sizeof(client_bits), "; client_max_window_bits=%d",
                 params->client_max_window_bits);
    }
    size = snprintf(
        out, REEF__WS_DEFLATE_RESPONSE_SIZE,
        "Sec-WebSocket-Extensions: permessage-deflate%s%s%s%s\r\n",
        params->server_no_context_takeover ? "; server_no_context_takeover" : "",
        params->client_no_context_takeover ? "; client_no_context_takeover" : "",
        server_bits, client_bits);
    assert(size > 0 && size < REEF__WS_DEFLATE_RESPONSE_SIZE);
    return (size_t)size;
}
