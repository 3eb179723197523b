#include "bucket.h"

/* What is owed after a number of windows. */
static uint64_t
owed_after(uint64_t bytes, const reef__bucket_rules_t *rules, uint64_t windows)
{
    if (rules->max_bytes == 0 || windows > bytes / rules->max_bytes) {
        return 0;
    }
    return bytes - windows * rules->max_bytes;
}

/* Whoever owes nothing begins anew; who does goes on from where its windows end, or a
 * part of each would be lost to it. */
bool reef__bucket_refill(reef__bucket_t *bucket,
                         const reef__bucket_rules_t *rules,
                         uint64_t now_ns)
{
    uint64_t windows = (now_ns - bucket->began_ns) / rules->window_ns;

    if (windows == 0) {
        return false;
    }
    bucket->messages = 0;
    bucket->bytes = owed_after(bucket->bytes, rules, windows);
    bucket->began_ns =
        bucket->bytes == 0 ? now_ns : bucket->began_ns + windows * rules->window_ns;
    return true;
}

bool reef__bucket_is_full(const reef__bucket_t *bucket,
                          const reef__bucket_rules_t *rules,
                          uint64_t now_ns)
{
    reef__bucket_t later = *bucket;

    reef__bucket_look(&later, rules, now_ns);
    return later.messages == 0 && later.bytes == 0;
}
