/**
 * @file router.h
 * @brief The app's side of the router: owners at admission, dispatch in `update`.
 */
#ifndef REEF_SRC_ROUTER_H
#define REEF_SRC_ROUTER_H

#include <reef/buffer.h>
#include <reef/router.h>

typedef struct reef__router reef__router_t;

/** Own it: reef__router_destroy(). */
reef__router_t *reef__router_create(const reef_alloc_t *alloc);
void reef__router_destroy(reef__router_t *router);

/** Owner of a message: 0 = none, otherwise the prefix's position + 1. */
uint32_t reef__router_owner(const reef__router_t *router, const reef_buffer_t *payload);

/** Whether anybody has registered a prefix or an opcode: else there is nothing to do.
 * For run_if; context = the app. */
bool reef__router_has_owners(const reef_world_t *world, void *context);

/** System: call the handlers of `message_received`; context = the app.  When they have
 *  sent server.max_frame_sends messages the rest waits for the next frame; what is left
 *  of clients that have gone by then is not heard. */
void reef__router_dispatch(reef_run_t *run);

#endif /* REEF_SRC_ROUTER_H */
