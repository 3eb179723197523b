/**
 * @file forwarded.h
 * @brief Who a peer is when it came through proxies: `X-Forwarded-For`, read as far as
 *        those who wrote it are trusted.
 *
 * Each proxy appends the address that it saw, so only the end of the header is worth
 * anything: what a client wrote itself lies before it.
 */
#ifndef REEF_SRC_TRANSPORT_FORWARDED_H
#define REEF_SRC_TRANSPORT_FORWARDED_H

#include "transport/ip.h"

#include <reef/alloc.h>
#include <reef/error.h>

/** Addresses and prefixes of proxies.  All zero: nobody is trusted. */
typedef struct reef__proxies {
    const reef_alloc_t *alloc;
    struct reef__ip_range {
        reef__ip_t ip;
        uint8_t bits; /* first bits of ip that count */
    } * items;
    size_t count;
} reef__proxies_t;

/**
 * Read a comma list of addresses and prefixes: `10.0.0.0/8, ::1, 192.168.1.7`.  An
 * empty list trusts nobody.
 *
 * @param proxies Filled on success only; released with reef__proxies_finish().
 * @param setting Named in the text of a failure.
 * @return REEF_OK, or REEF_E_INVALID.
 */
REEF_NODISCARD reef_error_t reef__proxies_parse(reef__proxies_t *proxies,
                                                const reef_alloc_t *alloc,
                                                reef_span_t text,
                                                const char *setting,
                                                reef_failure_t *failure);

/** Release the list; it is empty afterwards. */
void reef__proxies_finish(reef__proxies_t *proxies);

/** Whether an address is one of the proxies. */
bool reef__proxies_contain(const reef__proxies_t *proxies,
                           const struct sockaddr_storage *address);

/**
 * Find the client.  From the right, the first address that is no trusted proxy is it;
 * where all are trusted, or where the header cannot be read on, the last one found.  A
 * peer that is no trusted proxy is itself the client, whatever its header says.
 *
 * @param peer Address of the connection.
 * @param values The header's values, in the order in which they came.
 * @param client Receives the address: @p peer as it is, or one with the port of the
 *        header, or 0.  May be @p peer.
 */
void reef__forwarded_client(const reef__proxies_t *proxies,
                            const struct sockaddr_storage *peer,
                            const reef_span_t *values,
                            size_t count,
                            struct sockaddr_storage *client);

#endif /* REEF_SRC_TRANSPORT_FORWARDED_H */
