/**
 * @file buffer_cache.h
 * @brief Memory of buffers that a thread has released, kept for its next ones.
 *
 * A server makes and releases a buffer per message, which costs malloc(3) more than the
 * rest of the message's way through a frame.  Each thread that handles messages owns a
 * cache and uses it; on other threads, and beyond what a cache keeps, it is malloc.
 */
#ifndef REEF_SRC_BUFFER_CACHE_H
#define REEF_SRC_BUFFER_CACHE_H

#include <stddef.h>
#include <stdint.h>

typedef struct reef__buffer_cache reef__buffer_cache_t;

/** @p shared_size: bytes that it keeps beside a little of each size.  Owned by the
 *  caller: reef__buffer_cache_destroy(). */
reef__buffer_cache_t *reef__buffer_cache_create(size_t shared_size);

/** Release the memory kept; the cache is no longer used by this thread.  NULL is fine.
 */
void reef__buffer_cache_destroy(reef__buffer_cache_t *cache);

/** From now on this thread uses @p cache, in the place of any other. */
void reef__buffer_cache_use(reef__buffer_cache_t *cache);

/** Bytes of memory that it keeps now. */
size_t reef__buffer_cache_size(const reef__buffer_cache_t *cache);

/** Memory for @p size bytes, and the class to release it with. */
void *reef__buffer_memory_take(size_t size, uint8_t *size_class);

/** Give memory back that any thread took. */
void reef__buffer_memory_give(void *memory, size_t size, uint8_t size_class);

#endif /* REEF_SRC_BUFFER_CACHE_H */
