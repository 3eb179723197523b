/*
 * Six bytes of parameters and a seed, then either what a client calls compressed, or
 * what we are to compress.
 *
 * The former is inflated whole, in pieces and byte by byte: what comes out and how it
 * ends must be the same.  Only when the window is smaller than DEFLATE's largest may a
 * longer piece still have seen what a shorter one no longer reaches: then the end may
 * come earlier.  The latter must come back from inflating, in order, within the bound.
 */
#include "codec/ws_deflate.h"

#include <reef/hash.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD_SIZE = 6,
    MAX_OUTPUT = 1 << 16, /* enough of a bomb */
    ROUND_TRIP = 0x80,    /* in the first byte */
};

typedef struct memory {
    reef_alloc_t alloc;
    size_t live;
} memory_t;

/* One connection's codec and what came out of it. */
typedef struct run {
    reef__ws_deflate_t *deflate;
    uint64_t output; /* hash */
    size_t size;     /* bytes of it */
    size_t messages;
    bool ended; /* broken, or too much came out */
} run_t;

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void *count_resize(void *context, void *ptr, size_t old_size, size_t new_size)
{
    memory_t *memory = context;

    check((ptr == NULL) == (old_size == 0) && old_size <= memory->live);
    memory->live = memory->live - old_size + new_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static uint32_t next(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 16;
}

/* Windows of all sizes, the largest as often as not. */
static reef__ws_deflate_params_t read_params(const uint8_t head[HEAD_SIZE])
{
    return (reef__ws_deflate_params_t){
        .server_no_context_takeover = (head[0] & 1) != 0,
        .client_no_context_takeover = (head[0] & 2) != 0,
        .server_max_window_bits = (uint8_t)(9 + head[1] % 7),
        .client_max_window_bits = (uint8_t)(head[2] < 128 ? 15 : 8 + head[2] % 8),
        .memory_level = (uint8_t)(1 + head[3] % 8),
    };
}

/* A byte at a time, so that it does not matter how it was cut. */
static void record(run_t *run, reef_span_t out)
{
    for (size_t i = 0; i < out.size && run->size < MAX_OUTPUT; i++) {
        run->output = (run->output ^ out.data[i]) * UINT64_C(0x100000001b3);
        run->size++;
    }
    run->ended |= run->size == MAX_OUTPUT;
}

static void feed(run_t *run, reef_span_t piece, bool last)
{
    uint8_t *copy = malloc(piece.size > 0 ? piece.size : 1); /* its end is guarded */
    reef_span_t in = reef_span(copy, piece.size);
    reef__ws_inflate_status_t status;

    if (piece.size > 0) {
        memcpy(copy, piece.data, piece.size);
    }
    do {
        reef_span_t out;
        size_t before = in.size;

        status = reef__ws_deflate_inflate(run->deflate, &in, last, &out);
        check(in.size <= before && in.data == copy + (piece.size - in.size));
        record(run, out);
    } while (status == REEF__WS_INFLATE_MORE && !run->ended);
    if (status == REEF__WS_INFLATE_BROKEN) {
        run->ended = true;
    } else if (!run->ended) {
        check(in.size == 0);
        run->messages += last;
        run->output += last;
    }
    free(copy);
}

/* The input as messages, each behind a byte with its size, in pieces of up to @p step
 * bytes. */
static void read_all(run_t *run, const uint8_t *data, size_t size, size_t step)
{
    for (size_t i = 0; i < size && !run->ended;) {
        size_t left = data[i++];

        left = left < size - i ? left : size - i;
        do {
            size_t part = left < step ? left : step;

            left -= part;
            feed(run, reef_span(data + i, part), left == 0);
            i += part;
        } while (left > 0 && !run->ended);
    }
}

static void check_pieces(reef__ws_deflate_shared_t *shared,
                         const reef__ws_deflate_params_t *params,
                         const uint8_t *data,
                         size_t size,
                         uint32_t seed)
{
    const size_t steps[] = {1, 2 + seed % 61, SIZE_MAX};
    run_t runs[3];

    for (size_t i = 0; i < 3; i++) {
        runs[i] = (run_t){.deflate = reef__ws_deflate_create(shared, params)};
        read_all(&runs[i], data, size, steps[i]);
        reef__ws_deflate_destroy(runs[i].deflate);
    }
    for (size_t i = 1; i < 3; i++) {
        if (params->client_max_window_bits == 15) {
            check(runs[i].size == runs[0].size && runs[i].output == runs[0].output);
            check(runs[i].ended == runs[0].ended);
            check(runs[i].messages == runs[0].messages);
        } else { /* bytewise sees the least */
            check(runs[i].size >= runs[0].size);
            check(runs[i].messages >= runs[0].messages);
        }
    }
}

/* What goes out compressed comes back. */
static void check_message(reef__ws_deflate_t *from,
                          reef__ws_deflate_t *to,
                          reef_span_t payload,
                          bool may_be_plain)
{
    size_t bound = reef__ws_deflate_bound(payload.size);
    uint8_t *packed = malloc(bound); /* its end is guarded */
    size_t size = reef__ws_deflate_compress(from, payload, packed);
    reef_span_t in = reef_span(packed, size);
    reef__ws_inflate_status_t status = REEF__WS_INFLATE_MORE;
    size_t seen = 0;

    check(size <= bound && (size > 0 || may_be_plain));
    check(size < payload.size || !may_be_plain || payload.size == 0);
    while (size > 0 && status == REEF__WS_INFLATE_MORE) {
        reef_span_t out;

        status = reef__ws_deflate_inflate(to, &in, true, &out);
        check(out.size <= payload.size - seen);
        check(out.size == 0 || memcmp(out.data, payload.data + seen, out.size) == 0);
        seen += out.size;
    }
    check(size == 0 || (status == REEF__WS_INFLATE_DONE && seen == payload.size));
    free(packed);
}

static void check_round_trip(reef__ws_deflate_shared_t *shared,
                             reef__ws_deflate_params_t params,
                             const uint8_t *data,
                             size_t size,
                             uint32_t seed)
{
    reef__ws_deflate_t *from = reef__ws_deflate_create(shared, &params);
    reef__ws_deflate_t *to;

    /* The other end is a codec with the roles exchanged. */
    params.client_max_window_bits = params.server_max_window_bits;
    params.client_no_context_takeover = params.server_no_context_takeover;
    to = reef__ws_deflate_create(shared, &params);
    for (size_t i = 0; i < size;) {
        size_t part = next(&seed) % 1024;

        part = part < size - i ? part : size - i;
        check_message(from, to, reef_span(data + i, part),
                      params.server_no_context_takeover);
        i += part > 0 ? part : 1;
    }
    reef__ws_deflate_destroy(from);
    reef__ws_deflate_destroy(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_t memory = {.alloc = {count_resize, &memory}};
    reef__ws_deflate_shared_t *shared;
    reef__ws_deflate_params_t params;
    reef__ws_deflate_config_t config = {.enabled = true};
    uint32_t seed;

    if (size < HEAD_SIZE) {
        return 0;
    }
    params = read_params(data);
    config.level = data[4] % 10;
    seed = data[5];
    shared = reef__ws_deflate_shared_create(&memory.alloc, &config);
    if ((data[0] & ROUND_TRIP) != 0) {
        check_round_trip(shared, params, data + HEAD_SIZE, size - HEAD_SIZE, seed);
    } else {
        check_pieces(shared, &params, data + HEAD_SIZE, size - HEAD_SIZE, seed);
    }
    reef__ws_deflate_shared_destroy(shared);
    check(memory.live == 0);
    return 0;
}
