/**
 * @file quota.h
 * @brief How many connections there may be: in all, and from one address.
 *
 * Shared by all loops of a transport; any thread.
 */
#ifndef REEF_SRC_TRANSPORT_QUOTA_H
#define REEF_SRC_TRANSPORT_QUOTA_H

#include <reef/app.h>

#include "transport/address_count.h"
#include "transport/ip.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct reef__quota {
    _Atomic uint32_t count; /* places taken */
    uint32_t limit;
    pthread_mutex_t lock; /* of the next */
    reef__address_count_t per_address;
} reef__quota_t;

/** @param limit      Connections in all.
 *  @param per_address From one IPv4 address or IPv6 /64; 0 = any number. */
void reef__quota_init(reef__quota_t *quota,
                      const reef_alloc_t *alloc,
                      uint32_t limit,
                      uint32_t per_address);

void reef__quota_finish(reef__quota_t *quota);

/** Take a place; false when all are taken. */
REEF_NODISCARD bool reef__quota_take(reef__quota_t *quota);
void reef__quota_give(reef__quota_t *quota);

/** Count a connection for its address, which @p counted receives.  False, with
 *  @p counted untouched, when the address has as many as it may. */
REEF_NODISCARD bool reef__quota_count(reef__quota_t *quota,
                                      const struct sockaddr_storage *address,
                                      reef__ip_t *counted);

/** The connection counts no longer.  Nothing happens when it did not. */
void reef__quota_uncount(reef__quota_t *quota, reef__ip_t *counted);

/** Whether the address is this machine's own, which nobody else can take. */
bool reef__quota_is_local(const struct sockaddr_storage *address);

/** What is left of @p wanted connections of the plugin called @p name when other files
 *  of the process have what they need; less is logged. */
uint32_t reef__quota_fit(reef_app_t *app, const char *name, uint32_t wanted);

#endif /* REEF_SRC_TRANSPORT_QUOTA_H */
