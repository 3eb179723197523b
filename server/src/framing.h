/**
 * @file framing.h
 * @brief The ways to tell where a message ends on a stream.
 */
#ifndef REEF_SRC_FRAMING_H
#define REEF_SRC_FRAMING_H

/** A buffer carries the frame of one of them; a peer speaks one of them. */
typedef enum reef__framing {
    REEF__FRAMING_WEBSOCKET, /* RFC 6455 section 5.2, from the server */
    REEF__FRAMING_RAW,       /* nothing: bytes as they are */
    REEF__FRAMING_VARINT,    /* length, 7 bits a byte, lowest first, then the body */
    REEF__FRAMING_U32,       /* length, 4 bytes, highest first, then the body */
    REEF__FRAMING_LINES,     /* the body, then a line feed */
    REEF__FRAMING_COUNT,
    REEF__FRAMING_NONE = REEF__FRAMING_COUNT, /* of peers: no stream, so no frames */
} reef__framing_t;

#endif /* REEF_SRC_FRAMING_H */
