/*
 * Who owns zlib's states:
 *
 *     with context takeover   the connection, from its first compressed message on
 *     without, compressing    shared->compressors, one for each window size
 *     without, inflating      the connection from the first to the last byte of a
 *                             message, which may take many reads; then a pool
 *
 * A message is compressed in one call, so nobody waits for another.
 *
 * A compressor without context takes the smallest window that holds the message: its
 * hash table has to be cleared for each, and that costs more than a short message does.
 *
 * Everything is inflated into one scratch area, because most messages fit in it and are
 * delivered from there; the reader keeps what has to wait.
 *
 * A peer that reaches back farther than the window it agreed to is refused at the
 * latest when those bytes are gone; zlib still finds them if they came in the same
 * read.
 */
#define ZLIB_CONST

#include "codec/ws_deflate.h"

#include <assert.h>
#include <zlib.h>

enum {
    SCRATCH_SIZE = 16384,
    POOLED_INFLATERS = 8,
    MIN_BITS = 9,
    MAX_BITS = 15,
    MAX_LEVEL = 8,
    TAIL_SIZE = 4,
    LOOK_AHEAD = 262,      /* bytes of zlib's window that cannot be reached back to */
    DATA_TYPE_BLOCK = 128, /* z_stream.data_type: between two blocks and two bytes */
    /* What zlib wants besides windows and tables, and what we add to its blocks. */
    COMPRESSOR_OVERHEAD = 6656,
    INFLATER_OVERHEAD = 7680,
};

/* Section 7.2.1: the end of each message that is not sent. */
static const uint8_t tail[TAIL_SIZE] = {0x00, 0x00, 0xff, 0xff};

typedef struct compressor {
    z_stream stream;
} compressor_t;

typedef struct inflater {
    z_stream stream;
    struct inflater *next; /* in the pool */
    bool fresh;            /* nothing read since the message or a final block */
    uint8_t tail_used;     /* bytes of the tail given after the message */
} inflater_t;

struct reef__ws_deflate_shared {
    const reef_alloc_t *alloc;
    uint32_t min_size;
    int level;
    compressor_t *compressors[MAX_BITS + 1]; /* by window bits; NULL until needed */
    inflater_t *pool;
    uint32_t pooled;
    uint8_t scratch[SCRATCH_SIZE];
};

struct reef__ws_deflate {
    reef__ws_deflate_shared_t *shared;
    compressor_t *compressor; /* with context takeover; NULL until needed */
    inflater_t *inflater;     /* NULL until needed, and after it was given back */
    reef__ws_deflate_params_t params;
};

/* Memory ----------------------------------------------------------------------- */

/* zlib does not say the size when it frees: it is kept before the block. */
typedef union block {
    size_t size; /* of all */
    max_align_t align;
} block_t;

static voidpf allocate_block(voidpf opaque, uInt count, uInt size)
{
    const reef__ws_deflate_shared_t *shared = opaque;
    size_t total = sizeof(block_t) + (size_t)count * size;
    block_t *block = reef_resize(shared->alloc, NULL, 0, total);

    block->size = total;
    return block + 1;
}

static void free_block(voidpf opaque, voidpf memory)
{
    const reef__ws_deflate_shared_t *shared = opaque;
    block_t *block = (block_t *)memory - 1;

    reef_resize(shared->alloc, block, block->size, 0);
}

static z_stream empty_stream(reef__ws_deflate_shared_t *shared)
{
    return (z_stream){
        .zalloc = allocate_block,
        .zfree = free_block,
        .opaque = shared,
    };
}

uint32_t reef__ws_deflate_compressor_size(unsigned window_bits, unsigned memory_level)
{
    return (1U << (window_bits + 2)) + (1U << (memory_level + 9)) + COMPRESSOR_OVERHEAD;
}

/* Never less than our own compressor's least, though a peer may promise 8 bits: zlib's
 * compressor has used 9 for 8. */
static unsigned inflater_bits(unsigned window_bits)
{
    return window_bits < MIN_BITS ? MIN_BITS : window_bits;
}

uint32_t reef__ws_deflate_inflater_size(unsigned window_bits)
{
    return (1U << inflater_bits(window_bits)) + INFLATER_OVERHEAD;
}

/* Compressors ------------------------------------------------------------------ */

static compressor_t *
compressor_create(reef__ws_deflate_shared_t *shared, int bits, int memory_level)
{
    compressor_t *compressor = reef_resize(shared->alloc, NULL, 0, sizeof(*compressor));
    int code;

    compressor->stream = empty_stream(shared);
    code = deflateInit2(&compressor->stream, shared->level, Z_DEFLATED, -bits,
                        memory_level, Z_DEFAULT_STRATEGY);
    assert(code == Z_OK);
    return compressor;
}

static void compressor_destroy(compressor_t *compressor, const reef_alloc_t *alloc)
{
    if (compressor != NULL) {
        deflateEnd(&compressor->stream);
        reef_resize(alloc, compressor, sizeof(*compressor), 0);
    }
}

/* Window bits for a message that is compressed on its own. */
static unsigned bits_for(const reef__ws_deflate_t *deflate, size_t size)
{
    unsigned bits = MIN_BITS;

    while (bits < deflate->params.server_max_window_bits &&
           ((size_t)1 << bits) < size + LOOK_AHEAD) {
        bits++;
    }
    return bits;
}

/* The compressor for a message of @p size bytes, ready for it. */
static compressor_t *ensure_compressor(reef__ws_deflate_t *deflate, size_t size)
{
    reef__ws_deflate_shared_t *shared = deflate->shared;
    unsigned bits = bits_for(deflate, size);
    compressor_t **place = &shared->compressors[bits];

    if (!deflate->params.server_no_context_takeover) {
        if (deflate->compressor == NULL) {
            deflate->compressor =
                compressor_create(shared, deflate->params.server_max_window_bits,
                                  deflate->params.memory_level);
        }
        return deflate->compressor;
    }
    if (*place == NULL) {
        /* The table in proportion to the window, as zlib's defaults have it. */
        *place =
            compressor_create(shared, (int)bits, (int)bits - (MAX_BITS - MAX_LEVEL));
    } else {
        deflateReset(&(*place)->stream);
    }
    return *place;
}

/* Inflaters -------------------------------------------------------------------- */

static void inflater_destroy(inflater_t *inflater, const reef_alloc_t *alloc)
{
    inflateEnd(&inflater->stream);
    reef_resize(alloc, inflater, sizeof(*inflater), 0);
}

static void give_back(reef__ws_deflate_t *deflate)
{
    reef__ws_deflate_shared_t *shared = deflate->shared;
    inflater_t *inflater = deflate->inflater;

    deflate->inflater = NULL;
    if (inflater == NULL) {
        return;
    }
    if (shared->pooled == POOLED_INFLATERS) {
        inflater_destroy(inflater, shared->alloc);
        return;
    }
    inflater->next = shared->pool;
    shared->pool = inflater;
    shared->pooled++;
}

static inflater_t *ensure_inflater(reef__ws_deflate_t *deflate)
{
    reef__ws_deflate_shared_t *shared = deflate->shared;
    int bits = (int)inflater_bits(deflate->params.client_max_window_bits);
    inflater_t *inflater = deflate->inflater;
    int code;

    if (inflater != NULL) {
        return inflater;
    }
    if (shared->pool != NULL) {
        inflater = shared->pool;
        shared->pool = inflater->next;
        shared->pooled--;
        code = inflateReset2(&inflater->stream, -bits);
    } else {
        inflater = reef_resize(shared->alloc, NULL, 0, sizeof(*inflater));
        inflater->stream = empty_stream(shared);
        code = inflateInit2(&inflater->stream, -bits);
    }
    assert(code == Z_OK);
    inflater->next = NULL;
    inflater->fresh = true;
    inflater->tail_used = 0;
    deflate->inflater = inflater;
    return inflater;
}

/* Life ------------------------------------------------------------------------- */

reef__ws_deflate_shared_t *
reef__ws_deflate_shared_create(const reef_alloc_t *alloc,
                               const reef__ws_deflate_config_t *config)
{
    reef__ws_deflate_shared_t *shared = reef_resize(alloc, NULL, 0, sizeof(*shared));

    assert(config->level <= Z_BEST_COMPRESSION);
    *shared = (reef__ws_deflate_shared_t){
        .alloc = alloc,
        .min_size = config->min_size,
        .level = config->level > 0 ? config->level : 6,
    };
    return shared;
}

void reef__ws_deflate_shared_destroy(reef__ws_deflate_shared_t *shared)
{
    if (shared == NULL) {
        return;
    }
    for (size_t i = 0; i <= MAX_BITS; i++) {
        compressor_destroy(shared->compressors[i], shared->alloc);
    }
    while (shared->pool != NULL) {
        inflater_t *inflater = shared->pool;

        shared->pool = inflater->next;
        inflater_destroy(inflater, shared->alloc);
    }
    reef_resize(shared->alloc, shared, sizeof(*shared), 0);
}

reef__ws_deflate_t *reef__ws_deflate_create(reef__ws_deflate_shared_t *shared,
                                            const reef__ws_deflate_params_t *params)
{
    reef__ws_deflate_t *deflate = reef_resize(shared->alloc, NULL, 0, sizeof(*deflate));

    *deflate = (reef__ws_deflate_t){.shared = shared, .params = *params};
    return deflate;
}

void reef__ws_deflate_destroy(reef__ws_deflate_t *deflate)
{
    if (deflate == NULL) {
        return;
    }
    give_back(deflate);
    compressor_destroy(deflate->compressor, deflate->shared->alloc);
    reef_resize(deflate->shared->alloc, deflate, sizeof(*deflate), 0);
}

/* Sending ---------------------------------------------------------------------- */

bool reef__ws_deflate_wants(const reef__ws_deflate_t *deflate, size_t size)
{
    return size >= deflate->shared->min_size;
}

uint32_t reef__ws_deflate_share_key(const reef__ws_deflate_t *deflate, size_t size)
{
    return deflate->params.server_no_context_takeover ? bits_for(deflate, size) : 0;
}

/* zlib uses no form of a block that is longer than the one with fixed codes: 9 bits a
 * byte and 10 more for each block, which has 127 symbols or more; then the empty block
 * of the flush, and what is left of bytes at both ends. */
size_t reef__ws_deflate_bound(size_t size)
{
    return size + size / 8 + size / 64 + 32;
}

/* Bytes written, less the tail. */
static size_t
compress_into(z_stream *stream, reef_span_t payload, uint8_t *out, size_t bound)
{
    size_t size;
    int code;

    stream->next_in = payload.data;
    stream->avail_in = (uInt)payload.size;
    stream->next_out = out;
    stream->avail_out = (uInt)bound;
    code = deflate(stream, Z_SYNC_FLUSH);
    assert(code == Z_OK && stream->avail_in == 0 && stream->avail_out > 0);
    size = bound - stream->avail_out;
    assert(size > TAIL_SIZE && memcmp(out + size - TAIL_SIZE, tail, TAIL_SIZE) == 0);
    return size - TAIL_SIZE;
}

size_t reef__ws_deflate_compress(reef__ws_deflate_t *deflate,
                                 reef_span_t payload,
                                 uint8_t *out)
{
    compressor_t *compressor;
    size_t size;

    assert(payload.size < UINT32_MAX / 2);
    if (payload.size == 0) {
        out[0] = 0x00; /* section 7.2.3.6; zlib would flush nothing */
        return 1;
    }
    compressor = ensure_compressor(deflate, payload.size);
    size = compress_into(&compressor->stream, payload, out,
                         reef__ws_deflate_bound(payload.size));
    if (size >= payload.size && deflate->params.server_no_context_takeover) {
        return 0;
    }
    return size;
}

/* Receiving -------------------------------------------------------------------- */

/* Give zlib what is left of @p in, once.  False when it is not DEFLATE. */
static bool inflate_some(inflater_t *inflater, reef_span_t *in)
{
    z_stream *stream = &inflater->stream;
    int code;

    stream->next_in = in->data;
    stream->avail_in = (uInt)in->size;
    code = inflate(stream, Z_SYNC_FLUSH);
    if (stream->avail_in < in->size) {
        inflater->fresh = false;
        *in = reef_span_skip(*in, in->size - stream->avail_in);
    }
    if (code == Z_STREAM_END) {
        /* A final block ends the DEFLATE data but not the message (section 7.2.3.4);
         * what comes is read anew, though with the window as it is. */
        inflateResetKeep(stream);
        inflater->fresh = true;
        return true;
    }
    return code == Z_OK || code == Z_BUF_ERROR;
}

/* A message of no bytes, or one that ends with a final block and without the octet that
 * section 7.2.3.4 wants then, needs no tail: it is complete, and some send it. */
static bool needs_tail(const inflater_t *inflater)
{
    return inflater->tail_used < TAIL_SIZE &&
           (inflater->tail_used > 0 || !inflater->fresh);
}

reef__ws_inflate_status_t reef__ws_deflate_inflate(reef__ws_deflate_t *deflate,
                                                   reef_span_t *in,
                                                   bool last,
                                                   reef_span_t *out)
{
    uint8_t *scratch = deflate->shared->scratch;
    inflater_t *inflater = ensure_inflater(deflate);
    z_stream *stream = &inflater->stream;
    bool good = true;
    bool more = true;

    assert(in->size < UINT32_MAX);
    stream->next_out = scratch;
    stream->avail_out = SCRATCH_SIZE;
    while (good && more && stream->avail_out > 0) {
        if (in->size > 0 || !last || !needs_tail(inflater)) {
            good = inflate_some(inflater, in);
        } else {
            reef_span_t rest =
                reef_span(tail + inflater->tail_used, TAIL_SIZE - inflater->tail_used);

            good = inflate_some(inflater, &rest);
            inflater->tail_used = (uint8_t)(TAIL_SIZE - rest.size);
        }
        more = in->size > 0 || (last && needs_tail(inflater));
    }
    *out = reef_span(scratch, SCRATCH_SIZE - stream->avail_out);
    if (!good) {
        return REEF__WS_INFLATE_BROKEN;
    }
    if (stream->avail_out == 0) {
        return REEF__WS_INFLATE_MORE;
    }
    if (!last) {
        return REEF__WS_INFLATE_DONE;
    }
    if (!inflater->fresh && stream->data_type != DATA_TYPE_BLOCK) {
        return REEF__WS_INFLATE_BROKEN; /* it was cut within a block */
    }
    inflater->fresh = true;
    inflater->tail_used = 0;
    if (deflate->params.client_no_context_takeover) {
        give_back(deflate);
    }
    return REEF__WS_INFLATE_DONE;
}
