/**
 * @file udp_table.h
 * @brief Who is behind an address and port: the sessions of one UDP socket.
 *
 * A lookup is one hash and, mostly, one cache line, and costs the same whatever
 * addresses peers choose.  Memory follows the entries that are present.  Used by one
 * thread at a time.
 */
#ifndef REEF_SRC_TRANSPORT_UDP_TABLE_H
#define REEF_SRC_TRANSPORT_UDP_TABLE_H

#include <reef/alloc.h>

#include <stdint.h>
#include <sys/socket.h>

/** An address and port in one form; compared and hashed as bytes. */
typedef struct reef__udp_key {
    uint8_t ip[16];  /* as reef__ip_t: IPv4 in IPv6 is IPv4 */
    uint32_t scope;  /* of a link-local IPv6 address: the interface */
    uint16_t port;   /* host order */
    uint8_t bits;    /* of the address: tells the families apart; 0 = no IP address */
    uint8_t padding; /* 0 */
} reef__udp_key_t;

reef__udp_key_t reef__udp_key_of(const struct sockaddr_storage *address);

typedef struct reef__udp_table {
    const reef_alloc_t *alloc;
    struct reef__udp_slot {
        reef__udp_key_t key;
        void *value; /* NULL = nothing here */
    } * slots;       /* [capacity], a power of two or 0 */
    uint32_t capacity;
    uint32_t count;
    uint64_t seed;
} reef__udp_table_t;

/** Prepare an empty table: no memory is taken until something is added. */
void reef__udp_table_init(reef__udp_table_t *table, const reef_alloc_t *alloc);

/** Release the table, whatever is in it. */
void reef__udp_table_finish(reef__udp_table_t *table);

/** The value of @p key, or NULL. */
void *reef__udp_table_find(const reef__udp_table_t *table, const reef__udp_key_t *key);

/** Add a key that is not there; @p value is not NULL. */
void reef__udp_table_add(reef__udp_table_t *table,
                         const reef__udp_key_t *key,
                         void *value);

/** Remove a key that is there. */
void reef__udp_table_remove(reef__udp_table_t *table, const reef__udp_key_t *key);

/** Copy all values to @p values, which has room for table->count of them. */
void reef__udp_table_copy_values(const reef__udp_table_t *table, void **values);

#endif /* REEF_SRC_TRANSPORT_UDP_TABLE_H */
