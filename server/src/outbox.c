/*
 * A ring of references.  Three classes share it in emit order:
 *   reliable   is refused when it does not fit: the caller closes the peer;
 *   latest     takes the place of the queued one with its key;
 *   droppable  lets the oldest droppable ones go until it fits, or is given up itself.
 * A given-up entry stays in the ring as a hole (buffer NULL) until it is passed.
 */
#include "outbox.h"

#include "buffer.h"

#include <assert.h>

enum {
    ENTRY_COST = 64, /* bytes beside the frame: the entry, the buffer's head, malloc */
    KEPT_CAPACITY = 64, /* entries of an empty ring that are kept */
};

static reef__outbox_entry_t *entry_at(const reef__outbox_t *outbox, uint32_t index)
{
    return &outbox->entries[(outbox->first + index) & (outbox->capacity - 1)];
}

static uint64_t frame_size(const reef_buffer_t *buffer)
{
    return reef__buffer_websocket_frame(buffer).size;
}

void reef__outbox_init(reef__outbox_t *outbox, uint64_t limit)
{
    *outbox = (reef__outbox_t){.limit = limit};
}

void reef__outbox_finish(reef__outbox_t *outbox)
{
    for (uint32_t i = 0; i < outbox->count; i++) {
        reef_buffer_unref(entry_at(outbox, i)->buffer);
    }
    reef_resize(reef_alloc_default(), outbox->entries,
                outbox->capacity * sizeof(*outbox->entries), 0);
    reef__outbox_init(outbox, outbox->limit);
}

static void grow(reef__outbox_t *outbox)
{
    uint32_t capacity = outbox->capacity ? outbox->capacity * 2 : 8;
    reef__outbox_entry_t *entries =
        reef_resize(reef_alloc_default(), NULL, 0, capacity * sizeof(*entries));

    for (uint32_t i = 0; i < outbox->count; i++) {
        entries[i] = *entry_at(outbox, i);
    }
    reef_resize(reef_alloc_default(), outbox->entries,
                outbox->capacity * sizeof(*entries), 0);
    outbox->entries = entries;
    outbox->capacity = capacity;
    outbox->first = 0;
}

/* A reader that stalls while droppable messages come and go would leave holes behind
 * without end: move together what is left. */
static void close_holes(reef__outbox_t *outbox)
{
    uint32_t kept = 0;

    if (outbox->holes == 0) {
        return;
    }
    for (uint32_t i = 0; i < outbox->count; i++) {
        reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer == NULL) {
            outbox->holes--;
            continue;
        }
        *entry_at(outbox, kept++) = *entry;
        if (entry->message_class == REEF__OUTBOX_PONG) {
            outbox->pong = outbox->passed + kept;
        }
    }
    outbox->count = kept;
}

/* Whether some of entry `index` is sent already. */
static bool is_begun(const reef__outbox_t *outbox, uint32_t index)
{
    return index == 0 && outbox->first_offset > 0;
}

static void replace(reef__outbox_t *outbox, uint32_t index, reef_buffer_t *buffer)
{
    reef__outbox_entry_t *entry = entry_at(outbox, index);

    outbox->bytes += frame_size(buffer) - frame_size(entry->buffer);
    reef_buffer_unref(entry->buffer);
    entry->buffer = buffer;
    outbox->dropped++;
}

/* Newest first: what is replaced often is found soon. */
static bool replace_latest(reef__outbox_t *outbox, reef_buffer_t *buffer, uint64_t key)
{
    for (uint32_t i = outbox->count; i-- > 0 && !is_begun(outbox, i);) {
        const reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer != NULL && entry->message_class == REEF_LATEST &&
            entry->key == key) {
            replace(outbox, i, buffer);
            return true;
        }
    }
    return false;
}

/* A peer can ask for as many pongs as it likes: the one that waits is found at once. */
static bool replace_pong(reef__outbox_t *outbox, reef_buffer_t *buffer)
{
    uint64_t index = outbox->pong - 1 - outbox->passed;

    if (outbox->pong <= outbox->passed || is_begun(outbox, (uint32_t)index)) {
        return false;
    }
    replace(outbox, (uint32_t)index, buffer);
    return true;
}

/* What the outbox holds in memory, and would with `size` bytes in one entry more. */
static bool has_room(const reef__outbox_t *outbox, uint64_t size)
{
    uint64_t entries = outbox->count - outbox->holes + UINT64_C(1);

    return outbox->bytes + size + entries * ENTRY_COST <= outbox->limit;
}

/* Let droppable entries go, oldest first, until `needed` more bytes fit. */
static void make_room(reef__outbox_t *outbox, uint64_t needed)
{
    for (uint32_t i = 0;
         i < outbox->count && outbox->droppable > 0 && !has_room(outbox, needed); i++) {
        reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer == NULL || entry->message_class != REEF_DROPPABLE ||
            (i == 0 && outbox->first_offset > 0)) {
            continue;
        }
        outbox->bytes -= frame_size(entry->buffer);
        reef_buffer_unref(entry->buffer);
        entry->buffer = NULL;
        outbox->holes++;
        outbox->droppable--;
        outbox->dropped++;
    }
}

static void append(reef__outbox_t *outbox,
                   reef_buffer_t *buffer,
                   uint8_t message_class,
                   uint64_t key)
{
    if (outbox->count == outbox->capacity) {
        close_holes(outbox);
        if (outbox->count * UINT64_C(2) >= outbox->capacity) {
            grow(outbox);
        }
    }
    *entry_at(outbox, outbox->count++) = (reef__outbox_entry_t){
        .buffer = buffer, .key = key, .message_class = message_class};
    outbox->bytes += frame_size(buffer);
    outbox->droppable += message_class == REEF_DROPPABLE;
}

reef_error_t reef__outbox_push(reef__outbox_t *outbox,
                               reef_buffer_t *buffer,
                               uint8_t message_class,
                               uint64_t key)
{
    uint64_t size = frame_size(buffer);

    if ((message_class == REEF_LATEST && replace_latest(outbox, buffer, key)) ||
        (message_class == REEF__OUTBOX_PONG && replace_pong(outbox, buffer))) {
        return REEF_OK;
    }
    if (!has_room(outbox, size)) {
        make_room(outbox, size);
    }
    if (!has_room(outbox, size)) {
        reef_buffer_unref(buffer);
        if (message_class == REEF_RELIABLE) {
            return REEF_E_LIMIT;
        }
        outbox->dropped++;
        return REEF_OK;
    }
    append(outbox, buffer, message_class, key);
    if (message_class == REEF__OUTBOX_PONG) {
        outbox->pong = outbox->passed + outbox->count;
    }
    return REEF_OK;
}

void reef__outbox_push_last(reef__outbox_t *outbox, reef_buffer_t *buffer)
{
    append(outbox, buffer, REEF_RELIABLE, 0);
}

static void pop_first(reef__outbox_t *outbox)
{
    const reef__outbox_entry_t *entry = entry_at(outbox, 0);

    outbox->holes -= entry->buffer == NULL;
    outbox->droppable -=
        entry->buffer != NULL && entry->message_class == REEF_DROPPABLE;
    reef_buffer_unref(entry->buffer);
    outbox->first = (outbox->first + 1) & (outbox->capacity - 1);
    outbox->count--;
    outbox->passed++;
    outbox->first_offset = 0;
}

void reef__outbox_push_begun(reef__outbox_t *outbox,
                             reef_buffer_t *buffer,
                             uint32_t offset)
{
    assert(outbox->bytes == 0);
    while (outbox->count > 0) { /* holes */
        pop_first(outbox);
    }
    append(outbox, buffer, REEF_RELIABLE, 0);
    outbox->first_offset = offset;
    outbox->bytes -= offset;
}

uint32_t reef__outbox_gather(reef__outbox_t *outbox, reef_span_t *frames, uint32_t max)
{
    uint32_t count = 0;
    uint32_t i = 0;

    for (; i < outbox->count && count < max; i++) {
        const reef__outbox_entry_t *entry = entry_at(outbox, i);
        reef_span_t frame;

        if (entry->buffer == NULL) {
            continue;
        }
        frame = reef__buffer_websocket_frame(entry->buffer);
        frames[count++] = i == 0 ? reef_span_skip(frame, outbox->first_offset) : frame;
    }
    return count;
}

/* A peer that was slow once does not keep a large ring for ever. */
static void release_ring(reef__outbox_t *outbox)
{
    if (outbox->count == 0 && outbox->capacity > KEPT_CAPACITY) {
        reef_resize(reef_alloc_default(), outbox->entries,
                    outbox->capacity * sizeof(*outbox->entries), 0);
        outbox->entries = NULL;
        outbox->capacity = 0;
        outbox->first = 0;
    }
}

void reef__outbox_consume(reef__outbox_t *outbox, uint64_t bytes)
{
    assert(bytes <= outbox->bytes);
    outbox->bytes -= bytes;
    while (outbox->count > 0) {
        reef_buffer_t *buffer = entry_at(outbox, 0)->buffer;
        uint64_t left = buffer ? frame_size(buffer) - outbox->first_offset : 0;

        if (buffer != NULL && bytes < left) {
            outbox->first_offset += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        pop_first(outbox);
    }
    release_ring(outbox);
}
