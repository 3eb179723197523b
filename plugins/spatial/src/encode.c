/* The arena holds what was made in this update and is long, one after the other. */
#include "encode.h"

#include "number.h"

#include <reef/array.h>

#include <string.h>

enum {
    FIRST_SLOTS = 64
};

void reef__encoder_init(reef__encoder_t *encoder,
                        const reef_alloc_t *alloc,
                        reef_spatial_mode_t mode,
                        const reef_opcode_t *opcode)
{
    *encoder =
        (reef__encoder_t){.alloc = alloc, .mode = mode, .opcode = opcode, .update = 1};
}

void reef__encoder_finish(reef__encoder_t *encoder)
{
    for (int form = 0; form < REEF__FORM_COUNT; form++) {
        reef_resize(encoder->alloc, encoder->encodings[form],
                    encoder->capacities[form] * sizeof(reef__encoding_t), 0);
    }
    REEF_ARRAY_FINISH(encoder->alloc, &encoder->arena);
}

void reef__encoder_begin(reef__encoder_t *encoder)
{
    encoder->arena.count = 0;
    memset(encoder->longest, 0, sizeof(encoder->longest));
    encoder->update += encoder->update == UINT32_MAX ? 2 : 1;
}

void reef__encoder_reserve(reef__encoder_t *encoder,
                           reef__form_t form,
                           uint32_t slot_count)
{
    uint32_t old = encoder->capacities[form];
    uint32_t capacity = old > 0 ? old : FIRST_SLOTS;

    if (slot_count <= old) {
        return;
    }
    while (capacity < slot_count) {
        capacity *= 2;
    }
    encoder->encodings[form] = reef_resize(encoder->alloc, encoder->encodings[form],
                                           old * sizeof(reef__encoding_t),
                                           capacity * sizeof(reef__encoding_t));
    memset(encoder->encodings[form] + old, 0,
           (capacity - old) * sizeof(reef__encoding_t));
    encoder->capacities[form] = capacity;
}

static size_t print_position(const reef__encoder_t *encoder,
                             uint64_t id,
                             reef__place_t place,
                             char *text)
{
    const float axes[] = {place.x, place.y, place.z};
    char *at = text + sizeof("pos ") - 1;

    memcpy(text, "pos ", sizeof("pos "));
    at = reef__number_print_whole(id, at);
    for (uint32_t i = 0; i < reef__mode_axes(encoder->mode); i++) {
        *at++ = ' ';
        at = reef__number_print(axes[i], at);
    }
    return (size_t)(at - text);
}

static uint8_t *write_item(const reef__encoder_t *encoder,
                           uint64_t id,
                           bool is_gone,
                           reef__place_t place,
                           uint8_t *out)
{
    spatial_item_2d_t flat = {.id = id, .gone = is_gone, .x = place.x, .y = place.y};
    spatial_item_3d_t deep = {
        .id = id, .gone = is_gone, .x = place.x, .y = place.y, .z = place.z};

    return reef_opcode_write_item(
        encoder->opcode,
        encoder->mode == REEF_SPATIAL_2D ? (const void *)&flat : (const void *)&deep,
        out);
}

const reef__encoding_t *reef__encoder_make(reef__encoder_t *encoder,
                                           reef__form_t form,
                                           uint32_t slot,
                                           uint64_t id,
                                           reef__place_t place)
{
    reef__encoding_t *encoding = &encoder->encodings[form][slot];
    char text[REEF__MAX_BODY_SIZE];
    uint8_t bytes[REEF__MAX_BODY_SIZE];
    size_t size, payload_size = 0;

    if (form == REEF__FORM_V1) {
        size = (size_t)(write_item(encoder, id, false, place, bytes) - bytes);
    } else {
        payload_size = print_position(encoder, id, place, text);
        size = (size_t)(reef_frame_write(form, REEF_PAYLOAD_TEXT,
                                         reef_span(text, payload_size), bytes) -
                        bytes);
    }
    encoding->update = encoder->update;
    encoding->size = (uint8_t)size;
    encoding->payload_size = (uint8_t)payload_size;
    memcpy(encoding->bytes, bytes, REEF__INLINE_BODY_SIZE);
    if (size > REEF__INLINE_BODY_SIZE) {
        encoding->offset = (uint32_t)encoder->arena.count;
        REEF_ARRAY_RESERVE(encoder->alloc, &encoder->arena,
                           encoder->arena.count + size);
        memcpy(encoder->arena.items + encoder->arena.count, bytes, size);
        encoder->arena.count += size;
    }
    if (size > encoder->longest[form]) {
        encoder->longest[form] = (uint32_t)size;
    }
    return encoding;
}

uint8_t *reef__encoder_write_gone(const reef__encoder_t *encoder,
                                  reef__form_t form,
                                  uint64_t id,
                                  uint8_t *out,
                                  uint32_t *payload_size)
{
    char text[REEF__NUMBER_SIZE + 8] = "gone ";
    size_t size;

    if (form == REEF__FORM_V1) {
        *payload_size = 0;
        return write_item(encoder, id, true, (reef__place_t){0}, out);
    }
    size = (size_t)(reef__number_print_whole(id, text + 5) - text);
    *payload_size = (uint32_t)size;
    return reef_frame_write(form, REEF_PAYLOAD_TEXT, reef_span(text, size), out);
}
