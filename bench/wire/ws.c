/*
 * Payload is handed out where it lies, so a message may come in several pieces; only
 * heads and control frames, which are short, are collected.
 */
#include "ws.h"

#include <string.h>

enum {
    FINAL = 0x80,
    RESERVED = 0x70,
    OPCODE = 0x0f,
    IS_CONTROL = 0x08,
    MASKED = 0x80,
    SIZE_16 = 126,
    SIZE_64 = 127
};

static uint8_t *write_big_endian(uint8_t *out, uint64_t value, unsigned bytes)
{
    while (bytes-- > 0) {
        *out++ = (uint8_t)(value >> 8 * bytes);
    }
    return out;
}

size_t ws_write_head(uint8_t *out, uint8_t opcode, uint64_t size, const uint8_t mask[4])
{
    uint8_t *at = out;

    *at++ = (uint8_t)(FINAL | opcode);
    if (size < SIZE_16) {
        *at++ = (uint8_t)(MASKED | size);
    } else if (size <= UINT16_MAX) {
        *at++ = MASKED | SIZE_16;
        at = write_big_endian(at, size, 2);
    } else {
        *at++ = MASKED | SIZE_64;
        at = write_big_endian(at, size, 8);
    }
    memcpy(at, mask, 4);
    return (size_t)(at + 4 - out);
}

void ws_mask(uint8_t *out, const uint8_t *data, size_t size, const uint8_t mask[4])
{
    uint8_t both[8];
    uint64_t wide, word;
    size_t i = 0;

    memcpy(both, mask, 4);
    memcpy(both + 4, mask, 4);
    memcpy(&wide, both, 8);
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, data + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < size; i++) {
        out[i] = data[i] ^ mask[i % 4];
    }
}

/* Size of the whole head, as far as its first bytes tell. */
static size_t head_size(const ws_decoder_t *decoder)
{
    unsigned size;

    if (decoder->head_size < 2) {
        return 2;
    }
    size = decoder->head[1] & 0x7fu;
    return size == SIZE_16 ? 4 : size == SIZE_64 ? 10 : 2;
}

static const char *check_head(const ws_decoder_t *decoder)
{
    uint8_t opcode = decoder->head[0] & OPCODE;

    if ((decoder->head[0] & RESERVED) != 0) {
        return "a reserved bit is set";
    }
    if ((decoder->head[1] & MASKED) != 0) {
        return "a frame is masked";
    }
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE)) {
        return "an opcode is unknown";
    }
    if ((opcode & IS_CONTROL) != 0) {
        return (decoder->head[0] & FINAL) == 0     ? "a control frame is fragmented"
               : decoder->head[1] > WS_MAX_CONTROL ? "a control frame is too long"
                                                   : NULL;
    }
    if (opcode == WS_CONTINUATION && decoder->opcode == 0) {
        return "a continuation has no beginning";
    }
    if (opcode != WS_CONTINUATION && decoder->opcode != 0) {
        return "a message begins within another";
    }
    return NULL;
}

static void begin_payload(ws_decoder_t *decoder)
{
    size_t bytes = decoder->head_size - 2u;

    decoder->left = bytes == 0 ? decoder->head[1] : 0;
    for (size_t i = 0; i < bytes; i++) {
        decoder->left = decoder->left << 8 | decoder->head[2 + i];
    }
    decoder->is_in_payload = true;
    decoder->is_final = (decoder->head[0] & FINAL) != 0;
    decoder->frame_opcode = decoder->head[0] & OPCODE;
    decoder->control_size = 0;
    if (decoder->frame_opcode == WS_TEXT || decoder->frame_opcode == WS_BINARY) {
        decoder->opcode = decoder->frame_opcode;
        decoder->is_first = true;
    }
}

static void end_frame(ws_decoder_t *decoder)
{
    decoder->head_size = 0;
    decoder->is_in_payload = false;
}

/* Up to @p size bytes of payload; the frame ends when none is left. */
static size_t
take_payload(ws_decoder_t *decoder, const uint8_t *data, size_t size, ws_piece_t *piece)
{
    size_t part = decoder->left < size ? (size_t)decoder->left : size;

    decoder->left -= part;
    if ((decoder->frame_opcode & IS_CONTROL) != 0) {
        memcpy(decoder->control + decoder->control_size, data, part);
        decoder->control_size = (uint8_t)(decoder->control_size + part);
        if (decoder->left == 0) {
            *piece = (ws_piece_t){.kind = WS_PIECE_CONTROL,
                                  .opcode = decoder->frame_opcode,
                                  .data = decoder->control,
                                  .size = decoder->control_size};
            end_frame(decoder);
        }
        return part;
    }
    *piece = (ws_piece_t){.kind = WS_PIECE_DATA,
                          .opcode = decoder->opcode,
                          .is_first = decoder->is_first,
                          .is_last = decoder->is_final && decoder->left == 0,
                          .data = data,
                          .size = part};
    decoder->is_first = false;
    if (decoder->left == 0) {
        decoder->opcode = decoder->is_final ? 0 : decoder->opcode;
        end_frame(decoder);
    }
    return part;
}

size_t
ws_decode(ws_decoder_t *decoder, const uint8_t *data, size_t size, ws_piece_t *piece)
{
    size_t taken = 0;

    *piece = (ws_piece_t){.kind = WS_PIECE_NONE};
    while (!decoder->is_in_payload && taken < size) {
        decoder->head[decoder->head_size++] = data[taken++];
        if (decoder->head_size == 2 && (piece->error = check_head(decoder)) != NULL) {
            piece->kind = WS_PIECE_BROKEN;
            return taken;
        }
        if (decoder->head_size >= 2 && decoder->head_size == head_size(decoder)) {
            begin_payload(decoder);
        }
    }
    if (decoder->is_in_payload && (taken < size || decoder->left == 0)) {
        taken += take_payload(decoder, data + taken, size - taken, piece);
    }
    return taken;
}
