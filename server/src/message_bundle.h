/**
 * @file message_bundle.h
 * @brief Bundles as transports and the session table see them.
 */
#ifndef REEF_SRC_MESSAGE_BUNDLE_H
#define REEF_SRC_MESSAGE_BUNDLE_H

#include <reef/message_bundle.h>

#include "framing.h"

/** The number by which others know a framing. */
static inline reef_framing_t reef__framing_number(reef__framing_t framing)
{
    return framing == REEF__FRAMING_NONE ? (reef_framing_t)REEF_FRAMING_PARTS
                                         : (reef_framing_t)(framing + 1);
}

/** The framing with a number. */
static inline reef__framing_t reef__framing_of(reef_framing_t number)
{
    return number == REEF_FRAMING_PARTS ? REEF__FRAMING_NONE
                                        : (reef__framing_t)(number - 1);
}

/** One message of a bundle of REEF_FRAMING_PARTS. */
typedef struct reef__part {
    reef_payload_kind_t kind;
    reef_span_t payload; /* borrowed from the bundle */
} reef__part_t;

/** Take the first message off @p frames; false when there is none. */
bool reef__part_next(reef_span_t *frames, reef__part_t *part);

#endif /* REEF_SRC_MESSAGE_BUNDLE_H */
