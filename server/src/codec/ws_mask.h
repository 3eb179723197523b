/**
 * @file ws_mask.h
 * @brief Undo the masking of client frames (RFC 6455 section 5.3).
 */
#ifndef REEF_CODEC_WS_MASK_H
#define REEF_CODEC_WS_MASK_H

#include <stddef.h>
#include <stdint.h>

enum {
    REEF__WS_MASK_SIZE = 4
};

/** Unmask in place; @p mask[0] is for data[0]. */
void reef__ws_unmask(uint8_t *data,
                     size_t size,
                     const uint8_t mask[REEF__WS_MASK_SIZE]);

/** Turn @p mask so that it fits the byte that is @p count behind. */
void reef__ws_mask_turn(uint8_t mask[REEF__WS_MASK_SIZE], size_t count);

#endif /* REEF_CODEC_WS_MASK_H */
