/* The header has no standard; nginx, HAProxy and cloud balancers write addresses with
 * and without ports, so all of these forms are read. */
#include "transport/forwarded.h"

#include "transport/address.h"

#include <stdio.h>

typedef struct reef__ip_range range_t;

/* A decimal number without sign or leading zeros, at most `max`. */
static bool parse_number(reef_span_t text, unsigned max, unsigned *number)
{
    unsigned value = 0;

    if (text.size == 0 || text.size > 5 || (text.size > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    *number = value;
    return value <= max;
}

/* Bits of a prefix of `ip`, as the text of its address counts them. */
static bool parse_bits(reef_span_t host, reef_span_t text, range_t *range)
{
    bool is_mapped =
        range->ip.bits == REEF__IPV4_BITS && memchr(host.data, ':', host.size) != NULL;
    unsigned skipped = is_mapped ? REEF__IPV6_BITS - REEF__IPV4_BITS : 0;
    unsigned bits;

    if (!parse_number(text, range->ip.bits + skipped, &bits) || bits < skipped) {
        return false;
    }
    range->bits = (uint8_t)(bits - skipped);
    return true;
}

static reef_error_t parse_range(reef_span_t item,
                                const char *setting,
                                range_t *range,
                                reef_failure_t *failure)
{
    const uint8_t *slash = memchr(item.data, '/', item.size);
    size_t size = slash ? (size_t)(slash - item.data) : item.size;
    reef_span_t host = reef_span(item.data, size);
    reef__ip_t prefix;

    if (!reef__ip_parse(host, &range->ip)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s: '%.*s' is no address or prefix, like 10.0.0.0/8 or ::1",
                         setting, (int)item.size, (const char *)item.data);
    }
    range->bits = range->ip.bits;
    if (slash != NULL && !parse_bits(host, reef_span_skip(item, size + 1), range)) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s: '%.*s' has no prefix length that its address could have",
                         setting, (int)item.size, (const char *)item.data);
    }
    prefix = reef__ip_prefix(&range->ip, range->bits);
    if (memcmp(prefix.bytes, range->ip.bytes, sizeof(prefix.bytes)) != 0) {
        return reef_fail(failure, REEF_E_INVALID,
                         "%s: '%.*s' has bits set behind its prefix", setting,
                         (int)item.size, (const char *)item.data);
    }
    return REEF_OK;
}

static void append(reef__proxies_t *proxies, const range_t *range)
{
    size_t size = proxies->count * sizeof(*range);

    proxies->items =
        reef_resize(proxies->alloc, proxies->items, size, size + sizeof(*range));
    proxies->items[proxies->count++] = *range;
}

reef_error_t reef__proxies_parse(reef__proxies_t *proxies,
                                 const reef_alloc_t *alloc,
                                 reef_span_t text,
                                 const char *setting,
                                 reef_failure_t *failure)
{
    reef__proxies_t parsed = {.alloc = alloc};
    reef_span_t item;

    while (reef__address_next(&text, &item)) {
        range_t range;
        reef_error_t error = parse_range(item, setting, &range, failure);

        if (error != REEF_OK) {
            reef__proxies_finish(&parsed);
            return error;
        }
        append(&parsed, &range);
    }
    *proxies = parsed;
    return REEF_OK;
}

void reef__proxies_finish(reef__proxies_t *proxies)
{
    if (proxies->items != NULL) {
        reef_resize(proxies->alloc, proxies->items,
                    proxies->count * sizeof(*proxies->items), 0);
    }
    *proxies = (reef__proxies_t){.count = 0};
}

static bool is_trusted(const reef__proxies_t *proxies, const reef__ip_t *ip)
{
    for (size_t i = 0; i < proxies->count; i++) {
        const range_t *range = &proxies->items[i];

        if (reef__ip_has_prefix(ip, &range->ip, range->bits)) {
            return true;
        }
    }
    return false;
}

bool reef__proxies_contain(const reef__proxies_t *proxies,
                           const struct sockaddr_storage *address)
{
    reef__ip_t ip = reef__ip_of(address);

    return is_trusted(proxies, &ip);
}

/* `1.2.3.4`, `1.2.3.4:567`, `::1`, `[::1]` or `[::1]:567`. */
static bool parse_entry(reef_span_t entry, reef__ip_t *ip, unsigned *port)
{
    reef_span_t host = entry;
    reef_span_t behind = reef_span(NULL, 0);

    if (entry.data[0] == '[') {
        const uint8_t *end = memchr(entry.data, ']', entry.size);

        if (end == NULL) {
            return false;
        }
        host = reef_span(entry.data + 1, (size_t)(end - entry.data) - 1);
        behind = reef_span_skip(entry, host.size + 2);
        if (memchr(host.data, ':', host.size) == NULL) {
            return false;
        }
    } else if (memchr(entry.data, '.', entry.size) != NULL) {
        const uint8_t *first = memchr(entry.data, ':', entry.size);
        const uint8_t *last = memrchr(entry.data, ':', entry.size);

        if (first != NULL && first == last) { /* more: `::ffff:1.2.3.4` */
            host = reef_span(entry.data, (size_t)(first - entry.data));
            behind = reef_span_skip(entry, host.size);
        }
    }
    *port = 0;
    return reef__ip_parse(host, ip) &&
           (behind.size == 0 ||
            (behind.data[0] == ':' &&
             parse_number(reef_span_skip(behind, 1), UINT16_MAX, port)));
}

/* Cut the last item off a comma list: trimmed, never empty; false when none is left. */
static bool take_last(reef_span_t *list, reef_span_t *item)
{
    while (list->size > 0) {
        const uint8_t *comma = memrchr(list->data, ',', list->size);
        size_t begin = comma ? (size_t)(comma - list->data) + 1 : 0;

        *item = reef_span_trim(reef_span_skip(*list, begin));
        list->size = comma ? begin - 1 : 0;
        if (item->size > 0) {
            return true;
        }
    }
    return false;
}

void reef__forwarded_client(const reef__proxies_t *proxies,
                            const struct sockaddr_storage *peer,
                            const reef_span_t *values,
                            size_t count,
                            struct sockaddr_storage *client)
{
    bool goes_on = reef__proxies_contain(proxies, peer);

    *client = *peer;
    while (goes_on && count-- > 0) {
        reef_span_t list = values[count];
        reef_span_t entry;

        while (goes_on && take_last(&list, &entry)) {
            reef__ip_t ip;
            unsigned port;

            if (!parse_entry(entry, &ip, &port)) {
                return;
            }
            reef__ip_to_address(&ip, (uint16_t)port, client);
            goes_on = is_trusted(proxies, &ip);
        }
    }
}
