/**
 * @file ip.h
 * @brief An address without its port, in one form per address.
 *
 * IPv4 in IPv6 (`::ffff:1.2.3.4`) becomes IPv4, so that a peer is the same whichever
 * socket it came through.
 */
#ifndef REEF_SRC_TRANSPORT_IP_H
#define REEF_SRC_TRANSPORT_IP_H

#include <reef/span.h>

#include <sys/socket.h>

enum {
    REEF__IPV4_BITS = 32,
    REEF__IPV6_BITS = 128,
};

typedef struct reef__ip {
    uint8_t bytes[16]; /* network order; zero behind `bits` */
    uint8_t bits;      /* REEF__IPV4_BITS or REEF__IPV6_BITS; 0 = of another family */
} reef__ip_t;

/** The IP address of a socket address. */
reef__ip_t reef__ip_of(const struct sockaddr_storage *address);

/** Make a socket address of it; @p port in host order. */
void reef__ip_to_address(const reef__ip_t *ip,
                         uint16_t port,
                         struct sockaddr_storage *address);

/** Read `1.2.3.4` or `::1`, nothing around it; false when it is neither. */
bool reef__ip_parse(reef_span_t text, reef__ip_t *ip);

/** Whether the first @p bits of both are the same, and the family is. */
bool reef__ip_has_prefix(const reef__ip_t *ip, const reef__ip_t *prefix, unsigned bits);

/** The address with only its first @p bits, which are at most its own. */
reef__ip_t reef__ip_prefix(const reef__ip_t *ip, unsigned bits);

#endif /* REEF_SRC_TRANSPORT_IP_H */
