/*
 * Three bytes of limits and of a seed, then what a client sends.  It is read whole, in
 * pieces of random sizes, and byte by byte: the messages, the end and what is held in
 * between must be the same, within the limits, whatever the pieces are.  Of raw, where
 * the pieces are the messages, the bytes must be the same.
 */
#include "codec/tcp_frame.h"
#include "codec/utf8.h"

#include <reef/hash.h>

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_SIZE = 3,
};

/* One reader and what it gave. */
typedef struct run {
    reef__tcp_reader_t reader;
    reef__tcp_limits_t limits;
    reef_alloc_t alloc;
    size_t live;     /* bytes held */
    size_t received; /* bytes given to the reader */
    size_t given;    /* bytes of messages */
    uint64_t events; /* hash of all of them in order */
    uint8_t *bytes;  /* of messages, one after the other */
    bool ended;
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
    run_t *run = context;

    check((ptr == NULL) == (old_size == 0) && old_size <= run->live);
    run->live = run->live - old_size + new_size;
    check(run->live <= 2 * run->received);
    check(run->live <= (size_t)run->limits.max_message + 2);
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static void init(run_t *run, const uint8_t head[HEAD_SIZE], size_t size)
{
    *run = (run_t){0};
    run->alloc = (reef_alloc_t){count_resize, run};
    run->bytes = malloc(size + 1);
    run->limits = (reef__tcp_limits_t){
        .alloc = &run->alloc,
        .max_message = head[0] + REEF__TCP_LEAST_MAX_MESSAGE,
        .framing = (reef__framing_t)(REEF__FRAMING_RAW + head[1] % 4),
        .is_text = (head[1] & 0x80) != 0,
    };
    if (head[0] == 255) {
        run->limits.max_message = 0;
    }
    reef__tcp_limits_resolve(&run->limits);
}

/* What the writer makes of a message is what the reader makes the message of. */
static void check_round_trip(const run_t *run, reef_span_t message)
{
    uint8_t head[REEF__TCP_MAX_HEAD];
    reef__tcp_reader_t reader = {0};
    reef__tcp_event_t event;
    size_t size =
        reef__tcp_frame_header(head, run->limits.framing, (uint32_t)message.size);
    uint8_t *frame = malloc(size + message.size + 1);
    reef_span_t input = {frame, size + message.size};

    memcpy(frame, head, size);
    memcpy(frame + size, message.data, message.size);
    if (run->limits.framing == REEF__FRAMING_LINES) {
        frame[input.size++] = '\n';
    }
    check(reef__tcp_frame_next(&reader, &run->limits, &input, &event));
    check(event.kind == REEF__TCP_MESSAGE && input.size == 0);
    check(reef_span_equal(event.data, message));
    free(frame);
}

static void check_message(run_t *run, reef_span_t message)
{
    check(message.size > 0 && message.size <= run->limits.max_message);
    check(!run->limits.is_text || reef__utf8_is_valid(message));
    check(run->given + message.size <= run->received);
    memcpy(run->bytes + run->given, message.data, message.size);
    run->given += message.size;
    if (run->limits.framing == REEF__FRAMING_LINES) {
        check(memchr(message.data, '\n', message.size) == NULL);
    }
    if (message.data[message.size - 1] != '\r') { /* of a line, it would be cut */
        check_round_trip(run, message);
    }
}

static void feed(run_t *run, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1); /* its end is guarded */
    reef_span_t input = {copy, size};
    reef__tcp_event_t event;

    memcpy(copy, data, size);
    run->received += size;
    while (reef__tcp_frame_next(&run->reader, &run->limits, &input, &event)) {
        uint64_t numbers[] = {run->events, event.kind};

        check(!run->ended);
        check(input.size <= size && input.data == copy + (size - input.size));
        run->events = reef_hash64(event.data.data, event.data.size,
                                  reef_hash64(numbers, sizeof(numbers), 0));
        run->ended = event.kind == REEF__TCP_ERROR;
        if (!run->ended) {
            check_message(run, event.data);
        }
    }
    check(input.size == 0 && input.data == copy + size);
    check(run->live == run->reader.capacity && run->reader.size <= run->live);
    check(!run->ended || run->live == 0);
    check(run->live == 0 || reef__tcp_reader_is_busy(&run->reader));
    free(copy);
}

/* Both are at the same place of the stream and know the same. */
static void check_same(const run_t *a, const run_t *b)
{
    const reef__tcp_reader_t *x = &a->reader;
    const reef__tcp_reader_t *y = &b->reader;
    size_t both = a->given < b->given ? a->given : b->given;

    check(a->ended == b->ended && x->ended == y->ended);
    check(memcmp(a->bytes, b->bytes, both) == 0);
    check(a->ended || a->given == b->given);
    check(a->limits.framing == REEF__FRAMING_RAW || a->events == b->events);
    if (a->ended) {
        return;
    }
    check(x->length == y->length && x->size == y->size);
    check(x->size == 0 || memcmp(x->buffer, y->buffer, x->size) == 0);
    check(x->head_size == y->head_size && memcmp(x->head, y->head, x->head_size) == 0);
    check(reef__tcp_reader_is_busy(x) == reef__tcp_reader_is_busy(y));
}

static void finish(run_t *run)
{
    reef__tcp_reader_finish(&run->reader, &run->limits);
    check(run->live == 0);
    free(run->bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run_t whole;
    run_t pieces;
    run_t bytewise;
    uint32_t random;

    if (size < HEAD_SIZE) {
        return 0;
    }
    init(&whole, data, size);
    init(&pieces, data, size);
    init(&bytewise, data, size);
    random = data[HEAD_SIZE - 1];
    data += HEAD_SIZE;
    size -= HEAD_SIZE;
    feed(&whole, data, size);
    for (size_t i = 0, count; i < size; i += count) {
        random = random * 1664525 + 1013904223;
        count = (random >> 16) % 24; /* 0 as well: a read of nothing */
        count = count < size - i ? count : size - i;
        feed(&pieces, data + i, count);
    }
    for (size_t i = 0; i < size; i++) {
        feed(&bytewise, data + i, 1);
    }
    check_same(&whole, &pieces);
    check_same(&whole, &bytewise);
    finish(&whole);
    finish(&pieces);
    finish(&bytewise);
    return 0;
}
