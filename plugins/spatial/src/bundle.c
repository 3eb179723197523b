/*
 * Texts are appended as frames, so a bundle of them is what is sent.  Of reef.v1 the
 * items are appended, and put into messages when the bundle is sent.  Where all that is
 * due fits for sure, texts are copied straight into the buffer that is sent, whose size
 * is guessed first and known at the end: they are the most by far.
 */
#include "bundle.h"

#include <reef/session.h>

#include <assert.h>

enum {
    MAX_ITEMS = 65535, /* of a message of reef.v1 */
    MAX_GONE_SIZE = 48,
    V1_DATAGRAM = 1200, /* payload bytes of a message where each is a datagram */
};

static size_t head_size(const reef__spatial_t *spatial)
{
    return reef_opcode_head_size(spatial->update_opcode, &(spatial_update_t){0});
}

void reef__bundle_begin(reef__bundle_t *bundle, reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];
    size_t limit = spatial->config.max_update_bytes;

    REEF_ARRAY_RESERVE(spatial->alloc, &spatial->bytes,
                       limit + REEF__MAX_BODY_SIZE + REEF__ENCODER_SLACK);
    reef__encoder_reserve(&spatial->encoder, resident->form,
                          spatial->interest.slot_count);
    bundle->spatial = spatial;
    bundle->resident = resident;
    bundle->start = bundle->at = spatial->bytes.items;
    bundle->limit = limit;
    bundle->item_count = 0;
    bundle->payload_size = 0;
}

/* A body's bytes, from the encoder. */
static inline const reef__encoding_t *encoding_of(const reef__bundle_t *bundle,
                                                  uint32_t slot)
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
static inline void add(reef__bundle_t *bundle, const reef__encoding_t *encoding)
{
    bundle->at = reef__encoder_copy(&bundle->spatial->encoder, encoding, bundle->at);
    bundle->payload_size += encoding->payload_size;
    bundle->item_count++;
}

bool reef__bundle_add_body(reef__bundle_t *bundle, uint32_t slot)
{
    const reef__encoding_t *encoding = encoding_of(bundle, slot);

    if (reef__bundle_size(bundle) + encoding->size > bundle->limit) {
        return false;
    }
    add(bundle, encoding);
    return true;
}

bool reef__bundle_add_gone(reef__bundle_t *bundle, reef__resident_t *resident)
{
    while (resident->gone.count > 0) {
        uint32_t payload_size;
        uint8_t *end;

        if (reef__bundle_size(bundle) + MAX_GONE_SIZE > bundle->limit) {
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

/* Written where it stays: a copy would have to wait until all that was written before,
 * which is the bundle, has left the processor's store buffer. */
static void emit(const reef__bundle_t *bundle, reef_buffer_t *payload)
{
    reef_event_queue_t *sends = bundle->spatial->sends;
    send_message_t *message = reef_event_add(sends);

    if (REEF_UNLIKELY(message == NULL)) {
        (void)reef_event_emit(
            sends,
            &(send_message_t){.target = bundle->resident->entity, .payload = payload});
        return;
    }
    *message = (send_message_t){.target = bundle->resident->entity, .payload = payload};
}

/* Items as messages of reef.v1: one, but where a message must fit into a datagram. */
static void send_items(const reef__bundle_t *bundle)
{
    reef__spatial_t *spatial = bundle->spatial;
    spatial_update_t value = {.tick = spatial->tick};
    size_t item_size = reef__bundle_size(bundle) / bundle->item_count;
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

static void count_sent(const reef__bundle_t *bundle, size_t size)
{
    bundle->spatial->counts.items += bundle->item_count;
    bundle->spatial->counts.bytes += size;
    bundle->resident->unasked_bytes += (uint32_t)size;
}

void reef__bundle_send(const reef__bundle_t *bundle)
{
    if (bundle->item_count == 0) {
        return;
    }
    count_sent(bundle, reef__bundle_size(bundle));
    if (bundle->resident->form == REEF__FORM_V1) {
        send_items(bundle);
        return;
    }
    emit(bundle, reef_message_bundle_create(&(reef_message_bundle_t){
                     .frames = reef_span(bundle->start, reef__bundle_size(bundle)),
                     .message_count = bundle->item_count,
                     .payload_size = bundle->payload_size,
                     .framing = bundle->resident->form,
                 }));
}

size_t reef__bundle_size_of(const reef__bundle_t *bundle, const reef__due_t *due)
{
    size_t size = 0;

    for (uint32_t i = 0; i < due->count; i++) {
        size += encoding_of(bundle, due->slots[i])->size;
    }
    return size;
}

/* Copy texts that are due to @p at.  Returns their end, or NULL when there is not room
 * up to @p end for a long one behind each. */
static uint8_t *copy_due(reef__bundle_t *bundle,
                         const reef__due_t *due,
                         uint8_t *at,
                         const uint8_t *end)
{
    const reef__encoder_t *encoder = &bundle->spatial->encoder;
    const reef__encoding_t *encodings = encoder->encodings[bundle->resident->form];
    const uint8_t *last = end - REEF__MAX_BODY_SIZE;
    uint32_t update = encoder->update, payload_size = 0;

    for (uint32_t i = 0; i < due->count; i++) {
        const reef__encoding_t *encoding = &encodings[due->slots[i]];

        if (REEF_UNLIKELY(encoding->update != update)) {
            (void)encoding_of(bundle, due->slots[i]);
        }
        if (REEF_UNLIKELY(at > last)) {
            return NULL;
        }
        at = reef__encoder_copy(encoder, encoding, at);
        payload_size += encoding->payload_size;
    }
    bundle->payload_size += payload_size;
    return at;
}

bool reef__bundle_send_texts(reef__bundle_t *bundle,
                             uint32_t slot,
                             const reef__due_t *due)
{
    reef__spatial_t *spatial = bundle->spatial;
    reef__resident_t *resident = bundle->resident;
    const reef__due_t self = {.slots = &slot, .count = resident->owes_self};
    size_t urgent_size = reef__bundle_size(bundle);
    size_t room =
        urgent_size + REEF__MAX_BODY_SIZE +
        (size_t)(due->count + self.count) * spatial->encoder.longest[resident->form];
    uint32_t payload_size = bundle->payload_size;
    reef_buffer_t *buffer;
    uint8_t *frames, *at;

    if (room > bundle->limit) {
        return false;
    }
    buffer = reef_message_bundle_blank(resident->form, room, &frames);
    at = frames + urgent_size;
    if (urgent_size > 0) {
        memcpy(frames, bundle->start, urgent_size);
    }
    at = copy_due(bundle, &self, at, frames + room);
    at = at != NULL ? copy_due(bundle, due, at, frames + room) : NULL;
    if (at == NULL) {
        reef_buffer_unref(buffer);
        bundle->payload_size = payload_size;
        return false;
    }
    resident->owes_self = false;
    bundle->item_count += due->count + self.count;
    count_sent(bundle, (size_t)(at - frames));
    reef_message_bundle_end(buffer, (size_t)(at - frames), bundle->item_count,
                            bundle->payload_size);
    emit(bundle, buffer);
    return true;
}
