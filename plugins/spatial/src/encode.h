/**
 * @file encode.h
 * @brief A body as bytes, made once per update and form, however many hear of it.
 *
 * A *form* is a framing of texts, or reef.v1, in which a body is an item of the message
 * `spatial.update`.
 */
#ifndef REEF_SPATIAL_ENCODE_H
#define REEF_SPATIAL_ENCODE_H

#include "place.h"

#include <reef/message_bundle.h>
#include <reef/opcode.h>

#include <assert.h>
#include <string.h>

enum {
    REEF__FORM_V1 = REEF_FRAMING_COUNT, /* below it: texts of that framing */
    REEF__FORM_COUNT,

    REEF__ENCODER_SLACK = 64,  /* bytes that copying may write beyond an end */
    REEF__MAX_BODY_SIZE = 160, /* bytes of a body in any form */
    REEF__USUAL_BODY_SIZE = 32,
    REEF__INLINE_BODY_SIZE = 54,
};

typedef uint8_t reef__form_t;

/** The message `spatial.update` of reef.v1. */
REEF_COMPONENT(spatial_update, 0, REEF_U64(tick, .doc = "of the server"));

/** What it repeats, one for each body; without z in 2d. */
REEF_COMPONENT(spatial_item_2d,
               0,
               REEF_U64(id),
               REEF_BOOL(gone, .doc = "out of range; x and y are 0"),
               REEF_F32(x),
               REEF_F32(y));
REEF_COMPONENT(spatial_item_3d,
               0,
               REEF_U64(id),
               REEF_BOOL(gone, .doc = "out of range; x, y and z are 0"),
               REEF_F32(x),
               REEF_F32(y),
               REEF_F32(z));

/** The bytes of a body: usually all that copying them reads is a cache line. */
typedef struct reef__encoding {
    uint32_t update; /* of which update */
    uint32_t offset; /* in the arena, of those that are longer than what is here */
    uint8_t size;
    uint8_t payload_size; /* of the message, without its frame */
    uint8_t bytes[REEF__INLINE_BODY_SIZE];
} reef__encoding_t;

static_assert(sizeof(reef__encoding_t) == 64, "a cache line");

typedef struct reef__encoder {
    const reef_alloc_t *alloc;
    reef_spatial_mode_t mode;
    const reef_opcode_t *opcode; /* spatial.update */
    uint32_t update;             /* number of the present one, never 0 */
    reef__encoding_t *encodings[REEF__FORM_COUNT]; /* by slot, or NULL */
    uint32_t capacities[REEF__FORM_COUNT];
    uint32_t longest[REEF__FORM_COUNT]; /* bytes of those made in this update */
    struct {
        uint8_t *items;
        size_t count, capacity;
    } arena;
} reef__encoder_t;

void reef__encoder_init(reef__encoder_t *encoder,
                        const reef_alloc_t *alloc,
                        reef_spatial_mode_t mode,
                        const reef_opcode_t *opcode);
void reef__encoder_finish(reef__encoder_t *encoder);

/** Forget all bytes: a new update begins. */
void reef__encoder_begin(reef__encoder_t *encoder);

/** Have room for the slots below @p slot_count in a form. */
void reef__encoder_reserve(reef__encoder_t *encoder,
                           reef__form_t form,
                           uint32_t slot_count);

/** Private: make them. */
const reef__encoding_t *reef__encoder_make(reef__encoder_t *encoder,
                                           reef__form_t form,
                                           uint32_t slot,
                                           uint64_t id,
                                           reef__place_t place);

/** The bytes of @p slot if they were made in this update, or NULL; there must be room
 *  for the slot. */
static inline const reef__encoding_t *
reef__encoder_find(const reef__encoder_t *encoder, reef__form_t form, uint32_t slot)
{
    const reef__encoding_t *encoding = &encoder->encodings[form][slot];

    return encoding->update == encoder->update ? encoding : NULL;
}

/** Copy them to @p out, where REEF__ENCODER_SLACK more may be written; returns the end.
 */
static inline uint8_t *reef__encoder_copy(const reef__encoder_t *encoder,
                                          const reef__encoding_t *encoding,
                                          uint8_t *out)
{
    memcpy(out, encoding->bytes, REEF__USUAL_BODY_SIZE); /* most are no longer */
    if (REEF_UNLIKELY(encoding->size > REEF__USUAL_BODY_SIZE)) {
        if (encoding->size <= REEF__INLINE_BODY_SIZE) {
            memcpy(out, encoding->bytes, REEF__INLINE_BODY_SIZE);
        } else {
            memcpy(out, encoder->arena.items + encoding->offset, encoding->size);
        }
    }
    return out + encoding->size;
}

/** Write the `gone` of an id; returns the end.  @p payload_size receives that of the
 *  message without its frame. */
uint8_t *reef__encoder_write_gone(const reef__encoder_t *encoder,
                                  reef__form_t form,
                                  uint64_t id,
                                  uint8_t *out,
                                  uint32_t *payload_size);

#endif /* REEF_SPATIAL_ENCODE_H */
