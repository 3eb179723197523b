/* Places are an atomic counter; addresses need a table, and that a lock. */
#include "transport/quota.h"

#include "app.h"
#include "transport/io.h"

#include <sys/resource.h>

enum {
    SPARE_DESCRIPTORS = 64, /* what is no connection, and those turned away */
    LOOP_DESCRIPTORS = 8,   /* of a loop with a thread */
};

void reef__quota_init(reef__quota_t *quota,
                      const reef_alloc_t *alloc,
                      uint32_t limit,
                      uint32_t per_address)
{
    atomic_init(&quota->count, 0);
    quota->limit = limit;
    pthread_mutex_init(&quota->lock, NULL);
    reef__address_count_init(&quota->per_address, alloc, per_address);
}

void reef__quota_finish(reef__quota_t *quota)
{
    reef__address_count_finish(&quota->per_address);
    pthread_mutex_destroy(&quota->lock);
}

bool reef__quota_take(reef__quota_t *quota)
{
    if (atomic_fetch_add(&quota->count, 1) >= quota->limit) {
        atomic_fetch_sub(&quota->count, 1);
        return false;
    }
    return true;
}

void reef__quota_give(reef__quota_t *quota)
{
    atomic_fetch_sub(&quota->count, 1);
}

bool reef__quota_count(reef__quota_t *quota,
                       const struct sockaddr_storage *address,
                       reef__ip_t *counted)
{
    bool may;

    pthread_mutex_lock(&quota->lock);
    may = reef__address_count_add(&quota->per_address, address);
    pthread_mutex_unlock(&quota->lock);
    if (may) {
        *counted = reef__ip_of(address);
    }
    return may;
}

void reef__quota_uncount(reef__quota_t *quota, reef__ip_t *counted)
{
    struct sockaddr_storage address;

    if (counted->bits == 0) {
        return;
    }
    reef__ip_to_address(counted, 0, &address);
    pthread_mutex_lock(&quota->lock);
    reef__address_count_remove(&quota->per_address, &address);
    pthread_mutex_unlock(&quota->lock);
    counted->bits = 0;
}

bool reef__quota_is_local(const struct sockaddr_storage *address)
{
    static const reef__ip_t ipv4 = {.bytes = {127}, .bits = REEF__IPV4_BITS};
    static const reef__ip_t ipv6 = {.bytes = {[15] = 1}, .bits = REEF__IPV6_BITS};
    reef__ip_t ip = reef__ip_of(address);

    return address->ss_family == AF_UNIX || reef__ip_has_prefix(&ip, &ipv4, 8) ||
           reef__ip_has_prefix(&ip, &ipv6, REEF__IPV6_BITS);
}

uint32_t reef__quota_fit(reef_app_t *app, const char *name, uint32_t wanted)
{
    const reef__ios_t *ios = app->ios;
    rlim_t spare =
        SPARE_DESCRIPTORS + (ios->is_threaded ? ios->count * LOOP_DESCRIPTORS : 0);
    struct rlimit limit;
    uint32_t fits;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= wanted + spare) {
        return wanted;
    }
    fits = limit.rlim_cur > spare ? (uint32_t)(limit.rlim_cur - spare) : 1;
    reef_log(app->log, REEF_LOG_WARN, name,
             "max_sessions lowered: the process may not open more files",
             REEF_LOG_INT("max_sessions", fits),
             REEF_LOG_INT("open_files", limit.rlim_cur));
    return fits;
}
