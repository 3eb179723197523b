/**
 * @file hash.h
 * @brief Fast non-cryptographic hashes of bytes (XXH3).
 */
#ifndef REEF_HASH_H
#define REEF_HASH_H

#include <stddef.h>
#include <stdint.h>

/** 64-bit XXH3 of @p size bytes. */
uint64_t reef_hash64(const void *data, size_t size, uint64_t seed);

typedef struct reef_hash128 {
    uint64_t low, high;
} reef_hash128_t;

/** 128-bit XXH3, wide enough to tell contents apart by hash alone. */
reef_hash128_t reef_hash128(const void *data, size_t size);

#endif /* REEF_HASH_H */
