/**
 * @file bucket.h
 * @brief A bucket of tokens, filled up anew when a window has passed.
 *
 * Plain data without a clock: the time is an argument, and never goes back.
 */
#ifndef REEF_PLUGIN_BUCKET_H
#define REEF_PLUGIN_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct reef__bucket_rules {
    uint64_t window_ns;    /* not 0 */
    uint32_t max_messages; /* in a window; 0 = any number */
    uint32_t max_bytes;    /* likewise */
} reef__bucket_rules_t;

typedef struct reef__bucket {
    uint64_t began_ns; /* of the present window */
    uint64_t bytes;    /* taken in it; more than there are is taken from the next */
    uint32_t messages;
} reef__bucket_t;

/** A full bucket. */
static inline reef__bucket_t reef__bucket_begin(uint64_t now_ns)
{
    return (reef__bucket_t){.began_ns = now_ns};
}

/** Fill up a bucket whose window has passed.  False when it has not. */
bool reef__bucket_refill(reef__bucket_t *bucket,
                         const reef__bucket_rules_t *rules,
                         uint64_t now_ns);

/** The same as one call, that costs a comparison mostly. */
static inline bool reef__bucket_look(reef__bucket_t *bucket,
                                     const reef__bucket_rules_t *rules,
                                     uint64_t now_ns)
{
    return now_ns - bucket->began_ns >= rules->window_ns &&
           reef__bucket_refill(bucket, rules, now_ns);
}

static inline bool reef__bucket_has_messages(const reef__bucket_t *bucket,
                                             const reef__bucket_rules_t *rules)
{
    return rules->max_messages == 0 || bucket->messages < rules->max_messages;
}

static inline bool reef__bucket_has_bytes(const reef__bucket_t *bucket,
                                          const reef__bucket_rules_t *rules)
{
    return rules->max_bytes == 0 || bucket->bytes < rules->max_bytes;
}

/** A message passes. */
static inline void reef__bucket_take(reef__bucket_t *bucket, size_t size)
{
    bucket->messages++;
    bucket->bytes += size;
}

/** Whether it would be full now. */
bool reef__bucket_is_full(const reef__bucket_t *bucket,
                          const reef__bucket_rules_t *rules,
                          uint64_t now_ns);

#endif /* REEF_PLUGIN_BUCKET_H */
