/*
 * Texts are appended as frames, so a bundle of them is what is sent.  Of reef.v1 the
 * items are appended, and put into messages when the bundle is sent.  Where all that is
 * due fits, texts are copied straight into the buffer that is sent: they are the most
 * by far.
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

reef__bundle_t reef__bundle_begin(reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];
    size_t limit = spatial->config.max_update_bytes;

    REEF_ARRAY_RESERVE(spatial->alloc, &spatial->bytes,
                       limit + REEF__MAX_BODY_SIZE + REEF__ENCODER_SLACK);
    reef__encoder_reserve(&spatial->encoder, resident->form,
                          spatial->interest.slot_count);
    return (reef__bundle_t){.spatial = spatial,
                            .resident = resident,
                            .start = spatial->bytes.items,
                            .at = spatial->bytes.items,
                            .limit = limit};
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

static void emit(const reef__bundle_t *bundle, reef_buffer_t *payload)
{
    reef_world_send(
        reef_app_world(bundle->spatial->app),
        &(send_message_t){.target = bundle->resident->entity, .payload = payload});
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

size_t reef__bundle_size_of(const reef__bundle_t *bundle,
                            const reef__due_t *due,
                            uint32_t *payload_size)
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

void reef__bundle_send_texts(reef__bundle_t *bundle,
                             const reef__due_t *due,
                             size_t due_size)
{
    reef__spatial_t *spatial = bundle->spatial;
    size_t urgent_size = reef__bundle_size(bundle);
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
