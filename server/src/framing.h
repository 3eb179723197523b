/**
 * @file framing.h
 * @brief The ways in which messages are told apart on a wire.
 */
#ifndef REEF_SRC_FRAMING_H
#define REEF_SRC_FRAMING_H

typedef enum reef__framing {
    REEF__FRAMING_WEBSOCKET = 0,
    REEF__FRAMING_RAW,
    REEF__FRAMING_VARINT,
    REEF__FRAMING_U32,
    REEF__FRAMING_LINES,
    REEF__FRAMING_COUNT,
} reef__framing_t;

#endif /* REEF_SRC_FRAMING_H */
