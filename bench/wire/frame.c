/*
 *     varint   length, 7 bits a byte from the lowest, the high bit: more follow │
 * message u32      length, 4 bytes, the highest first                               │
 * message lines                                                             message │
 * '\n' raw      no frames: messages are as long as those that were sent
 */
#include "frame.h"

#include <assert.h>
#include <string.h>

enum {
    VARINT_MORE = 0x80,
    U32_SIZE = 4
};

size_t frame_write_head(framing_t framing, uint8_t *out, size_t size)
{
    size_t count = 0;

    assert(size <= UINT32_MAX);
    if (framing == FRAMING_U32) {
        for (unsigned shift = 32; shift > 0;) {
            shift -= 8;
            out[count++] = (uint8_t)(size >> shift);
        }
    } else if (framing == FRAMING_VARINT) {
        for (; size >= VARINT_MORE; size >>= 7) {
            out[count++] = (uint8_t)(size | VARINT_MORE);
        }
        out[count++] = (uint8_t)size;
    }
    return count;
}

size_t frame_write_tail(framing_t framing, uint8_t *out)
{
    if (framing != FRAMING_LINES) {
        return 0;
    }
    out[0] = '\n';
    return 1;
}

/* One byte of a length; returns what is wrong with it. */
static const char *take_head(frame_decoder_t *decoder, framing_t framing, uint8_t byte)
{
    unsigned place = decoder->head_size++;

    if (framing == FRAMING_U32) {
        decoder->left = decoder->left << 8 | byte;
        decoder->is_in_message = decoder->head_size == U32_SIZE;
        return NULL;
    }
    decoder->left |= (uint64_t)(byte & ~VARINT_MORE) << 7 * place;
    decoder->is_in_message = (byte & VARINT_MORE) == 0;
    if (decoder->left > UINT32_MAX ||
        (!decoder->is_in_message && decoder->head_size == FRAME_MAX_HEAD)) {
        return "a length has more than 32 bits";
    }
    return NULL;
}

/* @p end of the message lies @p part bytes ahead, or nothing of it is known yet. */
static void hand_out(frame_decoder_t *decoder,
                     bool is_last,
                     const uint8_t *data,
                     size_t part,
                     ws_piece_t *piece)
{
    *piece = (ws_piece_t){.kind = WS_PIECE_DATA,
                          .is_first = !decoder->has_begun,
                          .is_last = is_last,
                          .data = data,
                          .size = part};
    decoder->has_begun = true;
    if (is_last) {
        *decoder = (frame_decoder_t){0};
    }
}

static size_t
take_line(frame_decoder_t *decoder, const uint8_t *data, size_t size, ws_piece_t *piece)
{
    const uint8_t *end = memchr(data, '\n', size);
    size_t part = end != NULL ? (size_t)(end - data) : size;

    hand_out(decoder, end != NULL, data, part, piece);
    return part + (end != NULL);
}

size_t frame_decode(frame_decoder_t *decoder,
                    framing_t framing,
                    size_t raw_size,
                    const uint8_t *data,
                    size_t size,
                    ws_piece_t *piece)
{
    size_t taken = 0, part;

    *piece = (ws_piece_t){.kind = WS_PIECE_NONE};
    if (framing == FRAMING_LINES) {
        return take_line(decoder, data, size, piece);
    }
    if (framing == FRAMING_RAW && !decoder->is_in_message) {
        decoder->left = raw_size;
        decoder->is_in_message = true;
    }
    while (!decoder->is_in_message && taken < size) {
        piece->error = take_head(decoder, framing, data[taken++]);
        if (piece->error != NULL) {
            piece->kind = WS_PIECE_BROKEN;
            return taken;
        }
    }
    if (decoder->is_in_message && (taken < size || decoder->left == 0)) {
        part = decoder->left < size - taken ? (size_t)decoder->left : size - taken;
        decoder->left -= part;
        hand_out(decoder, decoder->left == 0, data + taken, part, piece);
        taken += part;
    }
    return taken;
}
