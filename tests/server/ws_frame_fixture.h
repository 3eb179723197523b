/**
 * @file ws_frame_fixture.h
 * @brief Streams of client frames, read in every way.
 *
 * Each stream of bytes is read in one piece, in two pieces cut at every byte, and byte
 * by byte.  Every way must give the same events, and leave no memory behind.  Events
 * are compared as text: `text(Hello) ping() close(1000,bye)`.  The pieces are copied
 * to memory of exactly their size, so that AddressSanitizer sees one byte too many.
 */
#ifndef WS_FRAME_FIXTURE_H
#define WS_FRAME_FIXTURE_H

#include "test.h"

#include "codec/ws_deflate.h"
#include "codec/ws_frame.h"

#include <reef/hash.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Memory ----------------------------------------------------------------------- */

typedef struct counter {
    size_t live; /* bytes */
    size_t peak;
    size_t calls;
} counter_t;

static inline void *
count_resize(void *context, void *ptr, size_t old_size, size_t new_size)
{
    counter_t *counter = context;

    counter->calls++;
    counter->live = counter->live - old_size + new_size;
    counter->peak = counter->live > counter->peak ? counter->live : counter->peak;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

/* Streams ---------------------------------------------------------------------- */

enum {
    STREAM_SIZE = 1 << 18
};

REEF_UNUSED static const uint8_t default_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

/* What the client sends. */
typedef struct stream {
    uint8_t *bytes;
    size_t size;
    reef__ws_limits_t limits;
    counter_t counter;
    reef_alloc_t alloc;
    reef__ws_deflate_shared_t *shared; /* NULL = no compression */
    reef__ws_deflate_params_t params;
} stream_t;

static inline int setup(void **state)
{
    stream_t *stream = calloc(1, sizeof(*stream));

    stream->bytes = malloc(STREAM_SIZE);
    stream->alloc = (reef_alloc_t){count_resize, &stream->counter};
    stream->limits.alloc = &stream->alloc;
    *state = stream;
    return 0;
}

static inline int teardown(void **state)
{
    stream_t *stream = *state;
    size_t live = stream->counter.live;

    reef__ws_deflate_shared_destroy(stream->shared);
    free(stream->bytes);
    free(stream);
    return live == 0 ? 0 : -1;
}

static inline void put(stream_t *stream, const void *bytes, size_t size)
{
    assert_true(stream->size + size <= STREAM_SIZE);
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
}

/* A header with the length in a form of @p extra more bytes: 0, 2 or 8. */
static inline void
put_head(stream_t *stream, unsigned first, uint64_t size, size_t extra)
{
    uint8_t head[10] = {(uint8_t)first};

    head[1] = (uint8_t)(0x80 | (extra == 0 ? size : extra == 2 ? 126 : 127));
    for (size_t i = 0; i < extra; i++) {
        head[2 + i] = (uint8_t)(size >> 8 * (extra - 1 - i));
    }
    put(stream, head, 2 + extra);
    put(stream, default_mask, sizeof(default_mask));
}

static inline void put_masked(stream_t *stream, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        uint8_t masked = bytes[i] ^ default_mask[i % 4];

        put(stream, &masked, 1);
    }
}

/* A frame as a client should send it; @p first has FIN and the opcode. */
static inline void
put_frame(stream_t *stream, unsigned first, const void *data, size_t size)
{
    put_head(stream, first, size, size < 126 ? 0 : size < 65536 ? 2 : 8);
    put_masked(stream, data, size);
}

static inline void put_text(stream_t *stream, unsigned first, const char *text)
{
    put_frame(stream, first, text, strlen(text));
}

/* Events ----------------------------------------------------------------------- */

typedef struct record {
    char text[4096];
    size_t size;
    int last_code; /* of the close or the error; 0 when there was none */
    size_t events;
} record_t;

static inline void record_event(record_t *record, const reef__ws_event_t *event)
{
    static const char *const names[] = {
        [REEF__WS_TEXT] = "text",   [REEF__WS_BINARY] = "binary",
        [REEF__WS_PING] = "ping",   [REEF__WS_PONG] = "pong",
        [REEF__WS_CLOSE] = "close", [REEF__WS_ERROR] = "error"};
    char *out = record->text + record->size;
    size_t room = sizeof(record->text) - record->size;
    int size =
        snprintf(out, room, "%s%s(", record->size > 0 ? " " : "", names[event->kind]);

    if (event->code != 0) {
        size += snprintf(out + size, room - (size_t)size, "%d,", event->code);
        record->last_code = event->code;
    }
    if (event->data.size <= 60) {
        size += snprintf(out + size, room - (size_t)size, "%.*s)",
                         (int)event->data.size, (const char *)event->data.data);
    } else {
        size += snprintf(
            out + size, room - (size_t)size, "%zu bytes, %016llx)", event->data.size,
            (unsigned long long)reef_hash64(event->data.data, event->data.size, 0));
    }
    record->size += (size_t)size;
    record->events++;
    assert_true(record->size < sizeof(record->text) - 128);
}

/* A reader at the start of the connection. */
static inline reef__ws_reader_t begin_reader(const stream_t *stream)
{
    reef__ws_reader_t reader = {0};

    if (stream->shared != NULL) {
        reader.deflate = reef__ws_deflate_create(stream->shared, &stream->params);
    }
    return reader;
}

static inline void finish_reader(const stream_t *stream, reef__ws_reader_t *reader)
{
    reef__ws_deflate_t *deflate = reader->deflate;

    reef__ws_reader_finish(reader, &stream->limits);
    reef__ws_deflate_destroy(deflate);
}

static inline void feed(reef__ws_reader_t *reader,
                        const reef__ws_limits_t *limits,
                        reef_span_t piece,
                        record_t *record)
{
    uint8_t *copy = malloc(piece.size > 0 ? piece.size : 1);
    reef__ws_input_t input = {copy, piece.size};
    reef__ws_event_t event;

    memcpy(copy, piece.data, piece.size);
    while (reef__ws_frame_next(reader, limits, &input, &event)) {
        record_event(record, &event);
    }
    assert_ptr_equal(input.data, copy + piece.size);
    assert_int_equal(input.size, 0);
    free(copy);
}

static inline void read_cut(const stream_t *stream, size_t cut, record_t *record)
{
    reef__ws_reader_t reader = begin_reader(stream);

    record->size = 0;
    record->text[0] = '\0';
    feed(&reader, &stream->limits, reef_span(stream->bytes, cut), record);
    feed(&reader, &stream->limits, reef_span(stream->bytes + cut, stream->size - cut),
         record);
    finish_reader(stream, &reader);
    assert_int_equal(stream->counter.live, 0);
}

static inline void read_bytewise(const stream_t *stream, record_t *record)
{
    reef__ws_reader_t reader = begin_reader(stream);

    record->size = 0;
    record->text[0] = '\0';
    for (size_t i = 0; i < stream->size; i++) {
        feed(&reader, &stream->limits, reef_span(stream->bytes + i, 1), record);
    }
    finish_reader(stream, &reader);
    assert_int_equal(stream->counter.live, 0);
}

/* Read the stream in all ways; it must give @p expected, and is empty afterwards. */
static inline void expect(stream_t *stream, const char *expected)
{
    static record_t record;
    size_t step = stream->size < 4096 ? 1 : stream->size / 50;

    record = (record_t){0};
    reef__ws_limits_resolve(&stream->limits);
    for (size_t cut = 0; cut <= stream->size; cut += step) {
        read_cut(stream, cut, &record);
        assert_string_equal(record.text, expected);
    }
    read_bytewise(stream, &record);
    assert_string_equal(record.text, expected);
    stream->size = 0;
}

/* Like expect(), for streams that end with an error of any text. */
static inline void expect_error(stream_t *stream, int code)
{
    static record_t record;
    char expected[sizeof(record.text)];

    record = (record_t){0};
    reef__ws_limits_resolve(&stream->limits);
    read_cut(stream, stream->size, &record);
    assert_int_equal(record.last_code, code);
    assert_non_null(strstr(record.text, "error("));
    memcpy(expected, record.text, sizeof(expected));
    expect(stream, expected);
}

#endif /* WS_FRAME_FIXTURE_H */
