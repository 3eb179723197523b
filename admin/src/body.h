/**
 * @file body.h
 * @brief Reading the body of a request, of which neither size nor pace is trusted.
 */
#ifndef REEF_ADMIN_BODY_H
#define REEF_ADMIN_BODY_H

#include "exchange.h"

/** Whether the head announces a body. */
bool reef__body_is_announced(const reef__request_t *request);

/**
 * Read the whole body, if there is one.
 *
 * @param max  Bytes; what is announced to be longer is refused unread.
 * @param body Receives what the caller frees, also on failure; starts NULL.
 * @return false with the reply filled: 400, 408, 413.
 */
REEF_NODISCARD bool reef__body_read(reef__request_t *request,
                                    uint32_t max,
                                    char **body,
                                    reef__reply_t *reply);

#endif /* REEF_ADMIN_BODY_H */
