/*
 * Contents of chunks: hashed, compressed, and back with every check.
 */
#ifndef REEF_SNAPSHOT_BLOB_H
#define REEF_SNAPSHOT_BLOB_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/hash.h>
#include <reef/span.h>

enum {
    REEF__BLOB_MAX_SIZE = 64 << 20, /* bytes of one content */
    REEF__BLOB_HASH_SIZE = 16,
};

/* The key of a content in the store. */
typedef struct reef__blob_hash {
    uint8_t bytes[REEF__BLOB_HASH_SIZE];
} reef__blob_hash_t;

reef__blob_hash_t reef__blob_hash(const void *data, size_t size);

/* Compress at most REEF__BLOB_MAX_SIZE bytes into a block of *capacity bytes at *out,
 * size in *size: snapshot_free(). */
void reef__blob_pack(
    const void *data, size_t data_size, void **out, size_t *capacity, size_t *size);

/*
 * Decompress and verify.  @p size is what the store says of the content.
 * @return REEF_OK with *out, @p size bytes, owned by the caller: snapshot_free(); or
 *         REEF_E_CORRUPT.
 */
REEF_NODISCARD reef_error_t reef__blob_unpack(reef_span_t packed,
                                              int64_t size,
                                              reef_span_t hash,
                                              void **out,
                                              reef_failure_t *failure);

#endif /* REEF_SNAPSHOT_BLOB_H */
