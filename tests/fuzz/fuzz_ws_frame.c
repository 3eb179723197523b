/*
 * Four bytes of limits and of a seed, whose highest bits say whether compression was
 * negotiated and whether it has context, then what a client sends.  It is read whole,
 * in pieces of random sizes, and byte by byte: the events, the end and what is held in
 * between must be the same, within the limits, whatever the pieces are.
 */
#include "codec/ws_deflate.h"
#include "codec/ws_frame.h"

#include <reef/hash.h>

#include <stdlib.h>
#include <string.h>

enum {
    HEAD_SIZE = 4,
    NEGOTIATED = 0x80,
    WITHOUT_CONTEXT = 0x40,
};

/* One reader and what it gave. */
typedef struct run {
    reef__ws_reader_t reader;
    reef__ws_limits_t limits;
    reef_alloc_t alloc;
    size_t live;                       /* bytes held */
    size_t received;                   /* bytes given to the reader */
    reef__ws_deflate_shared_t *shared; /* NULL when not negotiated */
    uint64_t events;                   /* hash of all of them in order */
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
    check(run->live <= 2 * run->received || run->shared != NULL);
    check(run->live <= (size_t)run->limits.max_message + REEF__WS_MAX_CONTROL);
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, new_size);
}

static void init(run_t *run, const uint8_t head[HEAD_SIZE])
{
    *run = (run_t){0};
    run->alloc = (reef_alloc_t){count_resize, run};
    run->limits = (reef__ws_limits_t){
        .alloc = &run->alloc,
        .max_message = head[0] * 4U,
        .max_frame = head[1],
        .max_fragments = head[2],
    };
    reef__ws_limits_resolve(&run->limits);
    if ((head[3] & NEGOTIATED) != 0) {
        run->shared = reef__ws_deflate_shared_create(reef_alloc_default(),
                                                     &(reef__ws_deflate_config_t){0});
        run->reader.deflate = reef__ws_deflate_create(
            run->shared,
            &(reef__ws_deflate_params_t){
                .client_no_context_takeover = (head[3] & WITHOUT_CONTEXT) != 0,
                .client_max_window_bits = 15,
            });
    }
}

static void check_event(const run_t *run, const reef__ws_event_t *event)
{
    check(!run->ended);
    switch (event->kind) {
    case REEF__WS_TEXT:
        check(reef__utf8_is_valid(event->data));
        check(event->data.size <= run->limits.max_message);
        break;
    case REEF__WS_BINARY:
        check(event->data.size <= run->limits.max_message);
        break;
    case REEF__WS_PING:
    case REEF__WS_PONG:
        check(event->data.size <= REEF__WS_MAX_CONTROL);
        break;
    case REEF__WS_CLOSE:
        check(event->data.size <= REEF__WS_MAX_CONTROL - 2);
        check(reef__utf8_is_valid(event->data));
        check(reef__ws_code_is_valid(event->code) ||
              (event->code == REEF__WS_CODE_NONE && event->data.size == 0));
        break;
    case REEF__WS_ERROR: /* what is sent back must be a good close frame */
        check(reef__ws_code_is_valid(event->code));
        check(event->data.size > 0 && event->data.size <= REEF__WS_MAX_CONTROL - 2);
        break;
    }
}

static void feed(run_t *run, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1); /* its end is guarded */
    reef__ws_input_t input = {copy, size};
    reef__ws_event_t event;

    memcpy(copy, data, size);
    run->received += size;
    while (reef__ws_frame_next(&run->reader, &run->limits, &input, &event)) {
        uint64_t numbers[] = {run->events, event.kind, event.code};

        check_event(run, &event);
        run->events = reef_hash64(event.data.data, event.data.size,
                                  reef_hash64(numbers, sizeof(numbers), 0));
        run->ended = event.kind == REEF__WS_CLOSE || event.kind == REEF__WS_ERROR;
        check(input.size <= size && input.data == copy + (size - input.size));
        check(input.size == 0 ||
              memcmp(input.data, data + (size - input.size), input.size) == 0);
    }
    check(input.size == 0 && input.data == copy + size);
    check(run->reader.fragments <= run->limits.max_fragments);
    check(run->reader.message_size <= run->limits.max_message);
    check(run->live == run->reader.capacity);
    check(!run->ended || run->live == 0);
    free(copy);
}

/* Both are at the same place of the stream and know the same. */
static void check_same(const run_t *a, const run_t *b)
{
    const reef__ws_reader_t *x = &a->reader;
    const reef__ws_reader_t *y = &b->reader;
    size_t held = (size_t)x->message_size + x->control_size;

    check(a->events == b->events && a->ended == b->ended && x->ended == y->ended);
    if (a->ended) {
        return;
    }
    check(x->message_size == y->message_size && x->control_size == y->control_size);
    check(held == 0 || memcmp(x->buffer, y->buffer, held) == 0);
    check((a->live == 0) == (b->live == 0));
    check(x->fragments == y->fragments && x->message_opcode == y->message_opcode);
    check(x->message_opcode == 0 || x->compressed == y->compressed);
    check(x->head_size == y->head_size && memcmp(x->head, y->head, x->head_size) == 0);
    check(x->in_frame == y->in_frame && x->utf8.left == y->utf8.left);
    if (x->in_frame) {
        check(x->frame_left == y->frame_left && x->final == y->final);
        check(x->frame_opcode == y->frame_opcode);
        check(memcmp(x->mask, y->mask, sizeof(x->mask)) == 0);
    }
}

static void finish(run_t *run)
{
    reef__ws_deflate_t *deflate = run->reader.deflate;

    reef__ws_reader_finish(&run->reader, &run->limits);
    reef__ws_deflate_destroy(deflate);
    reef__ws_deflate_shared_destroy(run->shared);
    check(run->live == 0);
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
    init(&whole, data);
    init(&pieces, data);
    init(&bytewise, data);
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
