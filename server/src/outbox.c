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

static bool replace_queued(reef__outbox_t *outbox,
                           reef_buffer_t *buffer,
                           uint8_t message_class,
                           uint64_t key)
{
    for (uint32_t i = outbox->in_flight; i < outbox->count; i++) {
        reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer == NULL || entry->message_class != message_class ||
            entry->key != key || (i == 0 && outbox->first_offset > 0)) {
            continue;
        }
        outbox->bytes += frame_size(buffer) - frame_size(entry->buffer);
        reef_buffer_unref(entry->buffer);
        entry->buffer = reef_buffer_ref(buffer);
        outbox->dropped++;
        return true;
    }
    return false;
}

/* Let droppable entries go, oldest first, until `needed` more bytes fit. */
static void make_room(reef__outbox_t *outbox, uint64_t needed)
{
    for (uint32_t i = outbox->in_flight;
         i < outbox->count && outbox->bytes + needed > outbox->limit; i++) {
        reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer == NULL || entry->message_class != REEF_DROPPABLE ||
            (i == 0 && outbox->first_offset > 0)) {
            continue;
        }
        outbox->bytes -= frame_size(entry->buffer);
        reef_buffer_unref(entry->buffer);
        entry->buffer = NULL;
        outbox->dropped++;
    }
}

static void append(reef__outbox_t *outbox,
                   reef_buffer_t *buffer,
                   uint8_t message_class,
                   uint64_t key)
{
    if (outbox->count == outbox->capacity) {
        grow(outbox);
    }
    *entry_at(outbox, outbox->count++) = (reef__outbox_entry_t){
        .buffer = reef_buffer_ref(buffer), .key = key, .message_class = message_class};
    outbox->bytes += frame_size(buffer);
}

reef_error_t reef__outbox_push(reef__outbox_t *outbox,
                               reef_buffer_t *buffer,
                               uint8_t message_class,
                               uint64_t key)
{
    uint64_t size = frame_size(buffer);
    bool replaces = message_class == REEF_LATEST || message_class == REEF__OUTBOX_PONG;

    if (replaces && replace_queued(outbox, buffer, message_class, key)) {
        return REEF_OK;
    }
    if (outbox->bytes + size > outbox->limit) {
        make_room(outbox, size);
    }
    if (outbox->bytes + size > outbox->limit) {
        if (message_class == REEF_RELIABLE) {
            return REEF_E_LIMIT;
        }
        outbox->dropped++;
        return REEF_OK;
    }
    append(outbox, buffer, message_class, key);
    return REEF_OK;
}

void reef__outbox_push_last(reef__outbox_t *outbox, reef_buffer_t *buffer)
{
    append(outbox, buffer, REEF_RELIABLE, 0);
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
    outbox->gathered = i;
    return count;
}

void reef__outbox_hold(reef__outbox_t *outbox)
{
    outbox->in_flight = outbox->gathered;
}

uint64_t reef__outbox_held_bytes(const reef__outbox_t *outbox)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < outbox->in_flight; i++) {
        const reef_buffer_t *buffer = entry_at(outbox, i)->buffer;

        bytes += buffer ? frame_size(buffer) : 0;
    }
    return bytes - (outbox->in_flight > 0 ? outbox->first_offset : 0);
}

static void pop_first(reef__outbox_t *outbox)
{
    reef_buffer_unref(entry_at(outbox, 0)->buffer);
    outbox->first = (outbox->first + 1) & (outbox->capacity - 1);
    outbox->count--;
    outbox->in_flight -= outbox->in_flight > 0;
    outbox->first_offset = 0;
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
}
