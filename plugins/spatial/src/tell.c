/*
 * A receiver gets one bundle per update:
 *
 *     gone …  its own position  the others' positions …
 *
 * Usually all of it, in the order of what it sees, copied from the encoder's bytes.
 * When that is more than the limit, or the receiver does not read, it gets a record
 * (interest.h) and is *behind*: in this update and the next ones what its record lacks
 * is sent, the nearest first, until there is nothing.  Every fourth update in a row
 * goes through what it sees in turn instead, so that those far away come to be sent,
 * too, however much is going on near by.  A receiver whose queue is full gets nothing;
 * what it then gets is the newest, as positions are never queued here.
 */
#include "state.h"

#include <reef/session.h>

#include <assert.h>

enum {
    MAX_ITEMS = 65535, /* of a message of reef.v1 */
    MAX_GONE_SIZE = 48,
    V1_DATAGRAM = 1200, /* payload bytes of a message where each is a datagram */
    ASK_PARTS = 4,      /* of max_queue_bytes, after which a queue is looked at again */
    TURNS = 4,          /* every so many updates in a row are fair, not near */
};

/* A bundle that is being made: of texts their frames, of reef.v1 the items. */
typedef struct bundle {
    reef__spatial_t *spatial;
    reef__resident_t *resident;
    uint8_t *start, *at; /* with room for one that is too much, and slack */
    size_t limit;
    uint32_t item_count;
    uint32_t payload_size;
} bundle_t;

/* Bundles -------------------------------------------------------------------------- */

static size_t head_size(const reef__spatial_t *spatial)
{
    return reef_opcode_head_size(spatial->update_opcode, &(spatial_update_t){0});
}

static bundle_t begin_bundle(reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];
    size_t limit = spatial->config.max_update_bytes;

    REEF_ARRAY_RESERVE(spatial->alloc, &spatial->bytes,
                       limit + REEF__MAX_BODY_SIZE + REEF__ENCODER_SLACK);
    reef__encoder_reserve(&spatial->encoder, resident->form,
                          spatial->interest.slot_count);
    return (bundle_t){.spatial = spatial,
                      .resident = resident,
                      .start = spatial->bytes.items,
                      .at = spatial->bytes.items,
                      .limit = limit};
}

static size_t bundle_size(const bundle_t *bundle)
{
    return (size_t)(bundle->at - bundle->start);
}

/* A body's bytes, from the encoder. */
static inline const reef__encoding_t *encoding_of(const bundle_t *bundle, uint32_t slot)
{
    reef__encoder_t *encoder = &bundle->spatial->encoder;
    reef__form_t form = bundle->resident->form;
    const reef__encoding_t *encoding = reef__encoder_find(encoder, form, slot);
    const reef__resident_t *body;

    if (REEF_LIKELY(encoding != NULL)) {
        return encoding;
    }
    body = &bundle->spatial->residents.items[slot];
    return reef__encoder_make(encoder, form, slot, body->id, body->place);
}

/* Append one that is known to have room. */
static inline void add(bundle_t *bundle, const reef__encoding_t *encoding)
{
    bundle->at = reef__encoder_copy(&bundle->spatial->encoder, encoding, bundle->at);
    bundle->payload_size += encoding->payload_size;
    bundle->item_count++;
}

/* Append a body if it fits. */
static bool add_body(bundle_t *bundle, uint32_t slot)
{
    const reef__encoding_t *encoding = encoding_of(bundle, slot);

    if (bundle_size(bundle) + encoding->size > bundle->limit) {
        return false;
    }
    add(bundle, encoding);
    return true;
}

/* Append the `gone` that fit; false when some do not. */
static bool add_gone(bundle_t *bundle, reef__resident_t *resident)
{
    while (resident->gone.count > 0) {
        uint32_t payload_size;
        uint8_t *end;

        if (bundle_size(bundle) + MAX_GONE_SIZE > bundle->limit) {
            return false;
        }
        end = reef__encoder_write_gone(&bundle->spatial->encoder, resident->form,
                                       resident->gone.items[--resident->gone.count],
                                       bundle->at, &payload_size);
        bundle->at = end;
        bundle->payload_size += payload_size;
        bundle->item_count++;
    }
    return true;
}

static void emit(const bundle_t *bundle, reef_buffer_t *payload)
{
    reef_world_send(
        reef_app_world(bundle->spatial->app),
        &(send_message_t){.target = bundle->resident->entity, .payload = payload});
}

/* Items as messages of reef.v1: one, but where a message must fit into a datagram. */
static void send_items(const bundle_t *bundle)
{
    reef__spatial_t *spatial = bundle->spatial;
    spatial_update_t value = {.tick = spatial->tick};
    size_t item_size = bundle_size(bundle) / bundle->item_count;
    bool is_datagram = reef_session_framing(spatial->app, bundle->resident->entity) ==
                       REEF_FRAMING_PARTS;
    uint32_t most = is_datagram
                        ? (uint32_t)((V1_DATAGRAM - head_size(spatial)) / item_size)
                        : MAX_ITEMS;

    for (uint32_t sent = 0; sent < bundle->item_count;) {
        uint32_t left = bundle->item_count - sent;
        uint32_t count = left < most ? left : most;
        size_t size = head_size(spatial) + count * item_size;
        uint8_t *end;

        REEF_ARRAY_RESERVE(spatial->alloc, &spatial->message, size);
        end = reef_opcode_write_head(spatial->update_opcode, &value, count,
                                     spatial->message.items);
        memcpy(end, bundle->start + sent * item_size, count * item_size);
        emit(bundle, reef_buffer_create(REEF_PAYLOAD_BINARY,
                                        reef_span(spatial->message.items, size)));
        sent += count;
    }
}

static void count_sent(const bundle_t *bundle, size_t size)
{
    bundle->spatial->counts.items += bundle->item_count;
    bundle->spatial->counts.bytes += size;
    bundle->resident->unasked_bytes += (uint32_t)size;
}

static void send_bundle(const bundle_t *bundle)
{
    if (bundle->item_count == 0) {
        return;
    }
    count_sent(bundle, bundle_size(bundle));
    if (bundle->resident->form == REEF__FORM_V1) {
        send_items(bundle);
        return;
    }
    emit(bundle, reef_message_bundle_create(&(reef_message_bundle_t){
                     .frames = reef_span(bundle->start, bundle_size(bundle)),
                     .message_count = bundle->item_count,
                     .payload_size = bundle->payload_size,
                     .framing = bundle->resident->form,
                 }));
}

/* Receivers that are behind ----------------------------------------------------------
 */

/* Asked only when the receiver was sent so much since that it could be. */
static bool is_blocked(const reef__spatial_t *spatial, reef__resident_t *resident)
{
    if (resident->unasked_bytes < spatial->config.max_queue_bytes / ASK_PARTS) {
        return false;
    }
    if (reef_session_queue_bytes(spatial->app, resident->entity) >
        spatial->config.max_queue_bytes) {
        return true;
    }
    resident->unasked_bytes = 0;
    return false;
}

static void fall_behind(reef__spatial_t *spatial, uint32_t slot, const reef__due_t *due)
{
    reef__resident_t *resident = &spatial->residents.items[slot];

    reef__interest_begin_record(&spatial->interest, slot, due);
    resident->is_behind = true;
    *REEF_ARRAY_PUSH(spatial->alloc, &spatial->behind) =
        (reef__laggard_t){.slot = slot};
}

/* Find what the record lacks. */
static void find_lacking(reef__spatial_t *spatial, uint32_t slot)
{
    const reef__interest_t *interest = &spatial->interest;
    const reef__sight_t *sight = &interest->sights[slot];

    spatial->candidates.count = 0;
    for (uint32_t i = 0; i < sight->count; i++) {
        const reef__body_t *body = &interest->bodies[sight->seen[i]];

        if (sight->record[i] != body->moved) {
            *REEF_ARRAY_PUSH(spatial->alloc,
                             &spatial->candidates) = (struct reef__candidate){
                .distance = reef__distance_squared(interest->bodies[slot].at, body->at),
                .index = i,
            };
        }
    }
}

/* Restore the order of a heap with the nearest on top, from @p at downwards. */
static void sift(struct reef__candidate *heap, size_t count, size_t at)
{
    struct reef__candidate moving = heap[at];
    size_t child;

    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && heap[child + 1].distance < heap[child].distance) {
            child++;
        }
        if (moving.distance <= heap[child].distance) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* Append one of the candidates; false when it does not fit. */
static bool add_candidate(bundle_t *bundle, uint32_t slot, uint32_t index)
{
    const reef__interest_t *interest = &bundle->spatial->interest;
    const reef__sight_t *sight = &interest->sights[slot];

    if (!add_body(bundle, sight->seen[index])) {
        return false;
    }
    sight->record[index] = interest->bodies[sight->seen[index]].moved;
    return true;
}

/* Returns how many did not fit. */
static size_t add_nearest(bundle_t *bundle, uint32_t slot)
{
    struct reef__candidate *heap = bundle->spatial->candidates.items;
    size_t count = bundle->spatial->candidates.count;

    for (size_t i = count / 2; i > 0; i--) {
        sift(heap, count, i - 1);
    }
    while (count > 0 && add_candidate(bundle, slot, heap[0].index)) {
        heap[0] = heap[--count];
        sift(heap, count, 0);
    }
    return count;
}

/* From where the last round stopped.  Candidates are in the order of their index. */
static size_t add_in_turn(bundle_t *bundle, uint32_t slot, uint32_t *cursor)
{
    const struct reef__candidate *items = bundle->spatial->candidates.items;
    size_t count = bundle->spatial->candidates.count, first = 0;

    while (first < count && items[first].index < *cursor) {
        first++;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t index = items[(first + i) % count].index;

        if (!add_candidate(bundle, slot, index)) {
            *cursor = index;
            return count - i;
        }
    }
    return 0;
}

/* Append what the record lacks, behind all that is more urgent. */
static void add_lacking(bundle_t *bundle, reef__laggard_t *laggard)
{
    reef__spatial_t *spatial = bundle->spatial;
    size_t left;

    find_lacking(spatial, laggard->slot);
    left = ++laggard->turn % TURNS == 0
               ? add_in_turn(bundle, laggard->slot, &laggard->cursor)
               : add_nearest(bundle, laggard->slot);
    spatial->counts.deferred += left;
    if (left == 0) {
        bundle->resident->is_behind = false;
        reef__interest_end_record(&spatial->interest, laggard->slot);
    }
}

/* Append what comes before the others; false when that was not all. */
static bool add_urgent(bundle_t *bundle, uint32_t slot)
{
    reef__resident_t *resident = &bundle->spatial->residents.items[slot];

    if (!add_gone(bundle, resident) ||
        (resident->owes_self && !add_body(bundle, slot))) {
        return false;
    }
    resident->owes_self = false;
    return true;
}

/* One update of a receiver with a record. */
static void catch_up(reef__spatial_t *spatial, reef__laggard_t *laggard)
{
    reef__resident_t *resident = &spatial->residents.items[laggard->slot];
    bundle_t bundle;

    if (is_blocked(spatial, resident)) {
        spatial->counts.deferred++;
        return;
    }
    bundle = begin_bundle(spatial, laggard->slot);
    if (add_urgent(&bundle, laggard->slot)) {
        add_lacking(&bundle, laggard);
    } else {
        spatial->counts.deferred++;
    }
    send_bundle(&bundle);
}

/* Receivers that are not -------------------------------------------------------------
 */

/* Bytes of all that is due, and of the payloads; what was not yet is encoded. */
static size_t
size_of_due(const bundle_t *bundle, const reef__due_t *due, uint32_t *payload_size)
{
    reef__form_t form = bundle->resident->form;
    const reef__encoding_t *encodings = bundle->spatial->encoder.encodings[form];
    const uint32_t *slots = due->slots;
    uint32_t update = bundle->spatial->encoder.update, count = due->count;
    uint32_t size = 0, payload = 0;

    for (uint32_t i = 0; i < count; i++) {
        const reef__encoding_t *encoding = &encodings[slots[i]];

        if (REEF_UNLIKELY(encoding->update != update)) {
            encoding = encoding_of(bundle, slots[i]);
        }
        size += encoding->size;
        payload += encoding->payload_size;
    }
    *payload_size = payload;
    return size;
}

/* Copy all that is due to what is left of a buffer.  Most are copied by a fixed size,
 * which goes beyond their end. */
static void copy_due(const reef__encoder_t *encoder,
                     reef__form_t form,
                     const reef__due_t *due,
                     uint8_t *restrict at,
                     const uint8_t *end)
{
    const reef__encoding_t *encodings = encoder->encodings[form];
    const uint8_t *arena = encoder->arena.items;
    const uint32_t *slots = due->slots;
    const uint32_t *last = slots + due->count;

    for (; slots < last && end - at >= REEF__ENCODER_SLACK; slots++) {
        const uint8_t *from = arena + encodings[*slots].offset;
        size_t size = encodings[*slots].size;

        memcpy(at, from, REEF__ENCODER_SLACK);
        if (REEF_UNLIKELY(size > REEF__ENCODER_SLACK)) {
            memcpy(at, from, size);
        }
        at += size;
    }
    for (; slots < last; slots++) {
        memcpy(at, arena + encodings[*slots].offset, encodings[*slots].size);
        at += encodings[*slots].size;
    }
    assert(at == end);
}

/* Texts go straight into the buffer that is sent: they are the most by far. */
static void send_texts(bundle_t *bundle, const reef__due_t *due, size_t due_size)
{
    reef__spatial_t *spatial = bundle->spatial;
    size_t urgent_size = bundle_size(bundle);
    size_t size = urgent_size + due_size;
    reef_buffer_t *buffer;
    uint8_t *frames;

    bundle->item_count += due->count;
    count_sent(bundle, size);
    buffer = reef_message_bundle_blank(
        &(reef_message_bundle_t){
            .frames = {.size = size},
            .message_count = bundle->item_count,
            .payload_size = bundle->payload_size,
            .framing = bundle->resident->form,
        },
        &frames);
    memcpy(frames, bundle->start, urgent_size);
    copy_due(&spatial->encoder, bundle->resident->form, due, frames + urgent_size,
             frames + size);
    emit(bundle, buffer);
}

static void tell(reef__spatial_t *spatial, uint32_t slot, const reef__due_t *due)
{
    reef__resident_t *resident = &spatial->residents.items[slot];
    uint32_t payload_size = 0;
    bundle_t bundle;
    size_t size;

    if (is_blocked(spatial, resident)) {
        fall_behind(spatial, slot, due);
        return; /* reef__tell_rest() counts it */
    }
    bundle = begin_bundle(spatial, slot);
    if (!add_urgent(&bundle, slot)) {
        fall_behind(spatial, slot, due);
        resident->served = spatial->encoder.update;
        send_bundle(&bundle);
        return;
    }
    size = size_of_due(&bundle, due, &payload_size);
    if (bundle_size(&bundle) + size > bundle.limit) {
        fall_behind(spatial, slot, due);
        resident->served = spatial->encoder.update;
        add_lacking(&bundle, &spatial->behind.items[spatial->behind.count - 1]);
        send_bundle(&bundle);
        return;
    }
    bundle.payload_size += payload_size;
    if (resident->form != REEF__FORM_V1 && due->count > 0) {
        send_texts(&bundle, due, size);
        return;
    }
    for (uint32_t i = 0; i < due->count; i++) {
        add(&bundle, encoding_of(&bundle, due->slots[i]));
    }
    send_bundle(&bundle);
}

static void on_deliver(void *context, uint32_t slot, const reef__due_t *due)
{
    reef__spatial_t *spatial = context;
    reef__resident_t *resident = &spatial->residents.items[slot];

    REEF_PREFETCH(&spatial->residents.items[due->next]);
    REEF_PREFETCH((const uint8_t *)(&spatial->residents.items[due->next] + 1) - 1);
    if (spatial->interest.bodies[slot].moved == spatial->interest.now) {
        resident->owes_self = true;
    }
    if (!resident->is_behind) {
        tell(spatial, slot, due);
    } /* else its turn comes with reef__tell_rest() */
}

/* Who comes and goes ------------------------------------------------------------------
 */

static void on_entered(void *context, uint32_t observer, uint32_t other)
{
    reef__spatial_t *spatial = context;
    const reef__resident_t *who = &spatial->residents.items[observer];
    const reef__resident_t *what = &spatial->residents.items[other];

    (void)reef_event_emit(spatial->entered, &(aoi_entered_t){.observer = who->entity,
                                                             .entity = what->entity,
                                                             .observer_id = who->id,
                                                             .id = what->id});
}

static void on_left(void *context, uint32_t observer, uint32_t other, bool was_told)
{
    reef__spatial_t *spatial = context;
    reef__resident_t *who = &spatial->residents.items[observer];
    const reef__resident_t *what = &spatial->residents.items[other];

    if (spatial->interest.sights[observer].is_receiver && was_told) {
        *REEF_ARRAY_PUSH(spatial->alloc, &who->gone) = what->id;
        reef__tell_visit(spatial, observer);
    }
    (void)reef_event_emit(spatial->left, &(aoi_left_t){.observer = who->entity,
                                                       .entity = what->entity,
                                                       .observer_id = who->id,
                                                       .id = what->id});
}

const reef__interest_hooks_t reef__tell_hooks = {
    .entered = on_entered,
    .left = on_left,
    .deliver = on_deliver,
};

void reef__tell_prepare(reef__spatial_t *spatial)
{
    const reef__interest_t *interest = &spatial->interest;

    for (size_t i = 0; i < interest->movers.count; i++) {
        uint32_t slot = interest->movers.items[i];
        const reef__resident_t *resident = &spatial->residents.items[slot];

        if (interest->sights[slot].is_here && interest->sights[slot].is_receiver) {
            reef__encoder_reserve(&spatial->encoder, resident->form,
                                  interest->slot_count);
            (void)reef__encoder_make(&spatial->encoder, resident->form, slot,
                                     resident->id, resident->place);
        }
    }
}

void reef__tell_visit(reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];

    if (!resident->is_listed) {
        resident->is_listed = true;
        *REEF_ARRAY_PUSH(spatial->alloc, &spatial->visits) = slot;
    }
}

void reef__tell_farewell(reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];

    if (resident->gone.count == 0 ||
        reef_session_find(spatial->app, resident->id) != resident->entity) {
        return;
    }
    while (resident->gone.count > 0) {
        bundle_t bundle = begin_bundle(spatial, slot);

        (void)add_gone(&bundle, resident);
        send_bundle(&bundle);
    }
}

void reef__tell_rest(reef__spatial_t *spatial)
{
    const reef__sight_t *sights = spatial->interest.sights;
    size_t kept = 0;

    for (size_t i = 0; i < spatial->visits.count; i++) {
        uint32_t slot = spatial->visits.items[i];
        reef__resident_t *resident = &spatial->residents.items[slot];

        resident->is_listed = false;
        if (sights[slot].is_here && !resident->is_behind &&
            (resident->gone.count > 0 || resident->owes_self)) {
            tell(spatial, slot, &(reef__due_t){.count = 0});
        }
    }
    spatial->visits.count = 0;
    for (size_t i = 0; i < spatial->behind.count; i++) {
        reef__laggard_t laggard = spatial->behind.items[i];
        const reef__resident_t *resident = &spatial->residents.items[laggard.slot];

        if (sights[laggard.slot].is_here && resident->is_behind &&
            resident->served != spatial->encoder.update) {
            catch_up(spatial, &laggard);
        }
        spatial->behind.items[kept] = laggard;
        kept += sights[laggard.slot].is_here && resident->is_behind;
    }
    spatial->behind.count = kept;
}
