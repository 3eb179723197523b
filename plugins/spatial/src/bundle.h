/**
 * @file bundle.h
 * @brief What one receiver is sent in an update.
 */
#ifndef REEF_SPATIAL_BUNDLE_H
#define REEF_SPATIAL_BUNDLE_H

#include "state.h"

/** One that is being made.  There is one at a time: its bytes are the plugin's. */
typedef struct reef__bundle {
    reef__spatial_t *spatial;
    reef__resident_t *resident; /* the receiver */
    uint8_t *start, *at;        /* with room for one that is too much, and slack */
    size_t limit;
    uint32_t item_count;
    uint32_t payload_size;
} reef__bundle_t;

/** Begin that of a receiver. */
void reef__bundle_begin(reef__bundle_t *bundle,
                        reef__spatial_t *spatial,
                        uint32_t slot);

static inline size_t reef__bundle_size(const reef__bundle_t *bundle)
{
    return (size_t)(bundle->at - bundle->start);
}

/** Append a body; false when it does not fit. */
bool reef__bundle_add_body(reef__bundle_t *bundle, uint32_t slot);

/** Append the `gone` that are owed; false when some do not fit. */
bool reef__bundle_add_gone(reef__bundle_t *bundle, reef__resident_t *resident);

/** Bytes of all that is due. */
size_t reef__bundle_size_of(const reef__bundle_t *bundle, const reef__due_t *due);

/** Send it, if there is anything in it. */
void reef__bundle_send(const reef__bundle_t *bundle);

/** Send it, the position of the receiver's own body if that is owed, and all that is
 *  due, at once; texts only, and not none.  False, and nothing happened, when it is not
 *  certain to fit. */
bool reef__bundle_send_texts(reef__bundle_t *bundle,
                             uint32_t slot,
                             const reef__due_t *due);

#endif /* REEF_SPATIAL_BUNDLE_H */
