/**
 * @file address_count.h
 * @brief How many connections each address has, under a cap.
 *
 * Counted per IPv4 address and per IPv6 /64, which is what one customer gets; IPv4 in
 * IPv6 counts as IPv4.  Memory follows the addresses that are present, and peers cannot
 * choose addresses that collide.  Used by one thread at a time.
 */
#ifndef REEF_SRC_TRANSPORT_ADDRESS_COUNT_H
#define REEF_SRC_TRANSPORT_ADDRESS_COUNT_H

#include <reef/alloc.h>
#include <reef/attrs.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct reef__address_count {
    const reef_alloc_t *alloc;
    struct reef__address_entry {
        uint64_t prefix; /* first 8 bytes of the address */
        uint32_t bits;   /* of the address: tells the families apart */
        uint32_t count;  /* 0 = nothing here */
    } * entries;         /* [capacity], a power of two or 0 */
    uint32_t capacity;
    uint32_t count; /* entries in use */
    uint32_t limit; /* connections per address; 0 = any number */
    uint64_t seed;
} reef__address_count_t;

/** Prepare an empty table: no memory is taken until an address is added. */
void reef__address_count_init(reef__address_count_t *table,
                              const reef_alloc_t *alloc,
                              uint32_t limit);

/** Release the table, whatever is in it. */
void reef__address_count_finish(reef__address_count_t *table);

/** Count a connection.  False, and nothing counted, when its address has as many as it
 *  may.  Addresses that are not IP are let through uncounted. */
REEF_NODISCARD bool reef__address_count_add(reef__address_count_t *table,
                                            const struct sockaddr_storage *address);

/** A connection that was added is over. */
void reef__address_count_remove(reef__address_count_t *table,
                                const struct sockaddr_storage *address);

/** Connections counted for that address. */
uint32_t reef__address_count_get(const reef__address_count_t *table,
                                 const struct sockaddr_storage *address);

#endif /* REEF_SRC_TRANSPORT_ADDRESS_COUNT_H */
