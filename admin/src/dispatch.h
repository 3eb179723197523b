/**
 * @file dispatch.h
 * @brief From a request to its reply: gate, route, identity, body, handler.
 */
#ifndef REEF_ADMIN_DISPATCH_H
#define REEF_ADMIN_DISPATCH_H

#include "state.h"

/** Answer @p request; any thread but the world's.  @p reply starts empty. */
void reef__dispatch(reef__admin_t *admin,
                    reef__request_t *request,
                    reef__reply_t *reply);

/** Headers that every reply carries, as lines. */
extern const char reef__common_headers[];

#endif /* REEF_ADMIN_DISPATCH_H */
