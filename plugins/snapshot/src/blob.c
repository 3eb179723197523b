/*
 * One zstd frame per content.  The frame states its content's size, which must be
 * what the store says and within the limit before anything is allocated; afterwards
 * the hash must be the one the content was found under.
 */
#include "blob.h"

#include "memory.h"

#include <zstd.h>

#include <assert.h>
#include <inttypes.h>

#define ZSTD_LEVEL 1 /* the writer shares the machine with the world */

reef__blob_hash_t reef__blob_hash(const void *data, size_t size)
{
    reef_hash128_t hash = reef_hash128(data, size);
    reef__blob_hash_t key;

    for (int i = 0; i < 8; i++) {
        key.bytes[i] = (uint8_t)(hash.low >> (8 * i));
        key.bytes[8 + i] = (uint8_t)(hash.high >> (8 * i));
    }
    return key;
}

void reef__blob_pack(
    const void *data, size_t data_size, void **out, size_t *capacity, size_t *size)
{
    assert(data_size <= REEF__BLOB_MAX_SIZE);
    *capacity = ZSTD_compressBound(data_size);
    *out = snapshot_alloc(*capacity);
    *size = ZSTD_compress(*out, *capacity, data, data_size, ZSTD_LEVEL);
    assert(!ZSTD_isError(*size)); /* the bound is enough, and memory never runs out */
}

reef_error_t reef__blob_unpack(reef_span_t packed,
                               int64_t size,
                               reef_span_t hash,
                               void **out,
                               reef_failure_t *failure)
{
    reef__blob_hash_t found;
    uint8_t *data;

    if (size <= 0 || size > REEF__BLOB_MAX_SIZE || packed.size == 0 ||
        ZSTD_getFrameContentSize(packed.data, packed.size) !=
            (unsigned long long)size) {
        return reef_fail(failure, REEF_E_CORRUPT, "a chunk has a wrong size");
    }
    data = snapshot_alloc((size_t)size);
    if (ZSTD_decompress(data, (size_t)size, packed.data, packed.size) != (size_t)size) {
        snapshot_free(data, (size_t)size);
        return reef_fail(failure, REEF_E_CORRUPT, "a chunk cannot be decompressed");
    }
    found = reef__blob_hash(data, (size_t)size);
    if (!reef_span_equal(hash, reef_span(found.bytes, sizeof(found.bytes)))) {
        snapshot_free(data, (size_t)size);
        return reef_fail(failure, REEF_E_CORRUPT, "a chunk does not match its hash");
    }
    *out = data;
    return REEF_OK;
}
