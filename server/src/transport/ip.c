/* inet_pton() is strict: no leading zeros, no numbers of fewer than four parts. */
#include "transport/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum {
    IPV4_SIZE = REEF__IPV4_BITS / 8,
    IPV6_SIZE = REEF__IPV6_BITS / 8,
    MAPPED_SIZE = IPV6_SIZE - IPV4_SIZE, /* of the prefix ::ffff:0:0/96 */
};

static reef__ip_t from_ipv4(const void *bytes)
{
    reef__ip_t ip = {.bits = REEF__IPV4_BITS};

    memcpy(ip.bytes, bytes, IPV4_SIZE);
    return ip;
}

static reef__ip_t from_ipv6(const uint8_t *bytes)
{
    static const uint8_t mapped[MAPPED_SIZE] = {[10] = 0xff, [11] = 0xff};
    reef__ip_t ip = {.bits = REEF__IPV6_BITS};

    if (memcmp(bytes, mapped, MAPPED_SIZE) == 0) {
        return from_ipv4(bytes + MAPPED_SIZE);
    }
    memcpy(ip.bytes, bytes, IPV6_SIZE);
    return ip;
}

reef__ip_t reef__ip_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        return from_ipv4(&((const struct sockaddr_in *)address)->sin_addr);
    }
    if (address->ss_family == AF_INET6) {
        return from_ipv6(((const struct sockaddr_in6 *)address)->sin6_addr.s6_addr);
    }
    return (reef__ip_t){.bits = 0};
}

void reef__ip_to_address(const reef__ip_t *ip,
                         uint16_t port,
                         struct sockaddr_storage *address)
{
    memset(address, 0, sizeof(*address));
    if (ip->bits == REEF__IPV4_BITS) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;

        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, ip->bytes, IPV4_SIZE);
    } else if (ip->bits == REEF__IPV6_BITS) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, ip->bytes, IPV6_SIZE);
    }
}

bool reef__ip_parse(reef_span_t text, reef__ip_t *ip)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t bytes[IPV6_SIZE];

    if (text.size == 0 || text.size >= sizeof(copy) ||
        memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1) {
        *ip = from_ipv4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, copy, bytes) == 1) {
        *ip = from_ipv6(bytes);
        return true;
    }
    return false;
}

reef__ip_t reef__ip_prefix(const reef__ip_t *ip, unsigned bits)
{
    reef__ip_t prefix = {.bits = ip->bits};

    memcpy(prefix.bytes, ip->bytes, bits / 8);
    if (bits % 8 != 0) {
        prefix.bytes[bits / 8] = (uint8_t)(ip->bytes[bits / 8] & 0xff00 >> bits % 8);
    }
    return prefix;
}

bool reef__ip_has_prefix(const reef__ip_t *ip, const reef__ip_t *prefix, unsigned bits)
{
    reef__ip_t mine;
    reef__ip_t theirs;

    if (ip->bits != prefix->bits) {
        return false;
    }
    mine = reef__ip_prefix(ip, bits);
    theirs = reef__ip_prefix(prefix, bits);
    return memcmp(mine.bytes, theirs.bytes, sizeof(mine.bytes)) == 0;
}
