/*
 * A ring of references.  Three classes share it in emit order:
 *   reliable   is refused when it does not fit: the caller closes the peer;
 *   latest     takes the place of the queued one with its key;
 *   droppable  lets the oldest droppable ones go until it fits, or is given up itself.
 * A given-up entry stays in the ring as a hole (buffer NULL) until it is passed.
 *
 * Entries have numbers, 1 for the first that ever was in the ring:
 *
 *     passed = 7        #8   #9   #10  #11          number = passed + index + 1
 *                     [ pos | hole | pos | chat ]   only closing holes changes them
 *
 * No push looks at the whole ring, however long it has become: the latest message of a
 * key is found through a map once there are more than a few entries, and where a
 * droppable one may be found is remembered (`kept_until`).
 */
#include "outbox.h"

#include "buffer.h"

#include <assert.h>

enum {
    ENTRY_COST = 64, /* bytes beside the frame: the entry, the buffer's head, malloc */
    KEPT_CAPACITY = 64, /* entries of an empty ring that are kept */
    FEW = 32,           /* entries that are searched without a map */
    FIRST_CAPACITY = 2, /* most never hold more than the answer to a handshake */
};

static reef__outbox_entry_t *entry_at(const reef__outbox_t *outbox, uint32_t index)
{
    return &outbox->entries[(outbox->first + index) & (outbox->capacity - 1)];
}

static uint64_t frame_size(const reef_buffer_t *buffer)
{
    return reef__buffer_frame(buffer).size;
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
    reef_map_destroy(outbox->by_key);
    reef__outbox_init(outbox, outbox->limit);
}

static void grow(reef__outbox_t *outbox)
{
    uint32_t capacity = outbox->capacity ? outbox->capacity * 2 : FIRST_CAPACITY;
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

static uint64_t number_of(const reef__outbox_t *outbox, uint32_t index)
{
    return outbox->passed + index + 1;
}

/* Entry `index` is where it is now.  Of several with one key the newest counts, and
 * that is the last one noted; the others are begun, so there is one at most. */
static void note_number(reef__outbox_t *outbox, uint32_t index)
{
    const reef__outbox_entry_t *entry = entry_at(outbox, index);

    if (entry->message_class == REEF__OUTBOX_PONG) {
        outbox->pong = number_of(outbox, index);
    } else if (entry->message_class == REEF_LATEST && outbox->by_key != NULL) {
        reef_map_set(outbox->by_key, REEF_KEY(entry->key), number_of(outbox, index));
    }
}

/* A reader that stalls while droppable messages come and go would leave holes behind
 * without end: move together what is left. */
static void close_holes(reef__outbox_t *outbox)
{
    uint64_t kept_until = outbox->kept_until;
    uint32_t kept = 0;

    if (outbox->holes == 0) {
        return;
    }
    outbox->holes = 0;
    for (uint32_t i = 0; i < outbox->count; i++) {
        const reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer != NULL) {
            *entry_at(outbox, kept) = *entry;
            note_number(outbox, kept++);
        }
        if (number_of(outbox, i) == kept_until) {
            outbox->kept_until = outbox->passed + kept;
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

static void make_map(reef__outbox_t *outbox)
{
    outbox->by_key = reef_map_create(reef_alloc_default());
    for (uint32_t i = 0; i < outbox->count; i++) {
        note_number(outbox, i);
    }
}

/* The queued message of a key, newest first: what is replaced often is found soon. */
static bool search_latest(reef__outbox_t *outbox, uint64_t key, uint32_t *index)
{
    for (uint32_t i = outbox->count; i-- > 0;) {
        const reef__outbox_entry_t *entry = entry_at(outbox, i);

        outbox->steps++;
        if (entry->buffer != NULL && entry->message_class == REEF_LATEST &&
            entry->key == key) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool find_latest(reef__outbox_t *outbox, uint64_t key, uint32_t *index)
{
    uint64_t number;

    if (outbox->by_key == NULL && outbox->count > FEW) {
        make_map(outbox);
    }
    if (outbox->by_key == NULL) {
        return search_latest(outbox, key, index);
    }
    outbox->steps++;
    if (!reef_map_find(outbox->by_key, REEF_KEY(key), &number)) {
        return false;
    }
    *index = (uint32_t)(number - outbox->passed - 1);
    return true;
}

/* What the outbox holds in memory, and would with `size` bytes in one entry more.  One
 * message always fits: else those that may be received could not be returned. */
static bool has_room(const reef__outbox_t *outbox, uint64_t size)
{
    uint64_t entries = outbox->count - outbox->holes + UINT64_C(1);

    return outbox->bytes == 0 ||
           outbox->bytes + size + entries * ENTRY_COST <= outbox->limit;
}

/* What cannot be given up now never can be: one that is begun only leaves by being
 * sent. */
static bool may_drop(const reef__outbox_t *outbox, uint32_t index)
{
    const reef__outbox_entry_t *entry = entry_at(outbox, index);

    return entry->buffer != NULL && entry->message_class == REEF_DROPPABLE &&
           !is_begun(outbox, index);
}

static void drop(reef__outbox_t *outbox, uint32_t index)
{
    reef__outbox_entry_t *entry = entry_at(outbox, index);

    assert(entry->buffer != NULL);
    outbox->bytes -= frame_size(entry->buffer);
    reef_buffer_unref(entry->buffer);
    entry->buffer = NULL;
    outbox->holes++;
    outbox->droppable--;
    outbox->dropped++;
}

/* Let droppable entries go, oldest first, until `needed` more bytes fit, if they can.
 */
static bool make_room(reef__outbox_t *outbox, uint64_t needed)
{
    uint64_t end = outbox->passed + outbox->count;

    if (outbox->kept_until < outbox->passed) {
        outbox->kept_until = outbox->passed;
    }
    while (outbox->kept_until < end && outbox->droppable > 0 &&
           !has_room(outbox, needed)) {
        uint32_t index = (uint32_t)(outbox->kept_until++ - outbox->passed);

        outbox->steps++;
        if (may_drop(outbox, index)) {
            drop(outbox, index);
        }
    }
    return has_room(outbox, needed);
}

/* Grown, it must fit as a new one must: else the new one is given up, as that would
 * be. */
static bool replace_latest(reef__outbox_t *outbox, reef_buffer_t *buffer, uint64_t key)
{
    uint64_t before;
    uint64_t size = frame_size(buffer);
    uint32_t index;

    if (!find_latest(outbox, key, &index) || is_begun(outbox, index)) {
        return false;
    }
    before = frame_size(entry_at(outbox, index)->buffer);
    if (size > before && !make_room(outbox, size - before)) {
        reef_buffer_unref(buffer);
        outbox->dropped++;
    } else {
        replace(outbox, index, buffer);
    }
    return true;
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

/* The ring is full. */
REEF_NOINLINE static void make_place(reef__outbox_t *outbox)
{
    close_holes(outbox);
    if (outbox->count * UINT64_C(2) >= outbox->capacity) {
        grow(outbox);
    }
}

static void append(reef__outbox_t *outbox,
                   reef_buffer_t *buffer,
                   uint8_t message_class,
                   uint64_t key)
{
    if (outbox->count == outbox->capacity) {
        make_place(outbox);
    }
    *entry_at(outbox, outbox->count++) = (reef__outbox_entry_t){
        .buffer = buffer, .key = key, .message_class = message_class};
    outbox->bytes += frame_size(buffer);
    if (message_class != REEF_RELIABLE) {
        outbox->droppable += message_class == REEF_DROPPABLE;
        note_number(outbox, outbox->count - 1);
    }
}

/* By the rules of the classes, or for a message that does not fit. */
REEF_NOINLINE static reef_error_t push_by_class(reef__outbox_t *outbox,
                                                reef_buffer_t *buffer,
                                                uint8_t message_class,
                                                uint64_t key)
{
    if ((message_class == REEF_LATEST && replace_latest(outbox, buffer, key)) ||
        (message_class == REEF__OUTBOX_PONG && replace_pong(outbox, buffer))) {
        return REEF_OK;
    }
    if (!make_room(outbox, frame_size(buffer))) {
        reef_buffer_unref(buffer);
        if (message_class == REEF_RELIABLE) {
            return REEF_E_LIMIT;
        }
        outbox->dropped++;
        return REEF_OK;
    }
    append(outbox, buffer, message_class, key);
    return REEF_OK;
}

reef_error_t reef__outbox_push(reef__outbox_t *outbox,
                               reef_buffer_t *buffer,
                               uint8_t message_class,
                               uint64_t key)
{
    if (message_class != REEF_RELIABLE || !has_room(outbox, frame_size(buffer))) {
        return push_by_class(outbox, buffer, message_class, key);
    }
    append(outbox, buffer, message_class, key);
    return REEF_OK;
}

void reef__outbox_push_last(reef__outbox_t *outbox, reef_buffer_t *buffer)
{
    append(outbox, buffer, REEF_RELIABLE, 0);
}

/* The first entry leaves; a newer one of its key stays known. */
static void forget_key(reef__outbox_t *outbox, const reef__outbox_entry_t *entry)
{
    uint64_t number;

    if (outbox->by_key != NULL && entry->message_class == REEF_LATEST &&
        reef_map_find(outbox->by_key, REEF_KEY(entry->key), &number) &&
        number == number_of(outbox, 0)) {
        reef_map_remove(outbox->by_key, REEF_KEY(entry->key));
    }
}

static void pop_first(reef__outbox_t *outbox)
{
    const reef__outbox_entry_t *entry = entry_at(outbox, 0);

    forget_key(outbox, entry);
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
        frame = reef__buffer_frame(entry->buffer);
        frames[count++] = i == 0 ? reef_span_skip(frame, outbox->first_offset) : frame;
    }
    return count;
}

/* A peer that was slow once does not keep a map or a large ring for ever. */
static void release_memory(reef__outbox_t *outbox)
{
    reef_map_destroy(outbox->by_key);
    outbox->by_key = NULL;
    if (outbox->capacity > KEPT_CAPACITY) {
        reef_resize(reef_alloc_default(), outbox->entries,
                    outbox->capacity * sizeof(*outbox->entries), 0);
        outbox->entries = NULL;
        outbox->capacity = 0;
        outbox->first = 0;
    }
}

uint32_t reef__outbox_gather_whole(const reef__outbox_t *outbox,
                                   reef_buffer_t **messages,
                                   uint32_t max)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < outbox->count && count < max; i++) {
        const reef__outbox_entry_t *entry = entry_at(outbox, i);

        if (entry->buffer != NULL) {
            messages[count++] = entry->buffer;
        }
    }
    return count;
}

static bool has_hole_first(const reef__outbox_t *outbox)
{
    return outbox->count > 0 && entry_at(outbox, 0)->buffer == NULL;
}

void reef__outbox_pop(reef__outbox_t *outbox)
{
    while (has_hole_first(outbox)) {
        pop_first(outbox);
    }
    assert(outbox->count > 0 && outbox->first_offset == 0);
    outbox->bytes -= frame_size(entry_at(outbox, 0)->buffer);
    pop_first(outbox);
    while (has_hole_first(outbox)) {
        pop_first(outbox);
    }
    if (outbox->count == 0) {
        release_memory(outbox);
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
    release_memory(outbox);
}
