#include <reef/hash.h>

#include <xxhash.h>

uint64_t reef_hash64(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

reef_hash128_t reef_hash128(const void *data, size_t size)
{
    XXH128_hash_t hash = XXH3_128bits(data, size);

    return (reef_hash128_t){.low = hash.low64, .high = hash.high64};
}
