/* Any datagram from a stranger: it opens a session only with a cookie of this address
 * and of this minute or the last one, and is only answered when it is long enough. What
 * is cut off is the cookie, and nothing else is read or changed.
 *
 *     input = age of the cookie to begin with, or none | port | minute | datagram */
#include "transport/udp_cookie.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 4,
    NO_COOKIE = 4, /* an age from here on: the datagram is left as it is */
};

static const reef__udp_secret_t secret = {{1, 2, 3}};

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_cookie_of(const uint8_t *bytes, const reef__udp_key_t *from, uint64_t now_ms)
{
    uint8_t cookie[REEF__UDP_COOKIE_SIZE];

    reef__udp_cookie_make(&secret, from, now_ms, cookie);
    return memcmp(bytes, cookie, sizeof(cookie)) == 0;
}

static reef__udp_verdict_t
expected_for(reef_span_t datagram, const reef__udp_key_t *from, uint64_t now_ms)
{
    if (datagram.size < REEF__UDP_COOKIE_SIZE) {
        return REEF__UDP_IGNORE;
    }
    if (is_cookie_of(datagram.data, from, now_ms) ||
        is_cookie_of(datagram.data, from, now_ms - REEF__UDP_COOKIE_PERIOD_MS)) {
        return REEF__UDP_OPEN;
    }
    return datagram.size == REEF__UDP_COOKIE_SIZE &&
                   memcmp(datagram.data, "\xffRC1", 4) == 0
               ? REEF__UDP_IGNORE
               : REEF__UDP_CHALLENGE;
}

static void check(reef_span_t datagram, const reef__udp_key_t *from, uint64_t now_ms)
{
    reef_span_t left = datagram;
    reef_span_t cut = datagram;
    reef__udp_verdict_t expected = expected_for(datagram, from, now_ms);
    bool is_open = expected == REEF__UDP_OPEN;
    size_t gone = is_open ? REEF__UDP_COOKIE_SIZE : 0;

    assert(reef__udp_cookie_check(&secret, from, now_ms, &left) == expected);
    assert(left.data == datagram.data + gone && left.size == datagram.size - gone);
    assert(reef__udp_cookie_cut(&cut) || !is_open);
    assert(cut.size == datagram.size ||
           cut.size == datagram.size - REEF__UDP_COOKIE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reef__udp_key_t from = {.ip = {127, 0, 0, 1}, .bits = 32};
    uint8_t *datagram;
    uint64_t now_ms;
    uint8_t age;

    if (size < HEAD) {
        return 0;
    }
    age = data[0] % (NO_COOKIE * 2);
    from.port = (uint16_t)(data[1] << 8 | data[2]);
    now_ms = (UINT64_C(1000) + data[3]) * REEF__UDP_COOKIE_PERIOD_MS;
    size -= HEAD;
    datagram = malloc(size); /* of its size, so that a look behind it is seen */
    if (size > 0) {
        memcpy(datagram, data + HEAD, size);
    }
    if (age < NO_COOKIE && size >= REEF__UDP_COOKIE_SIZE) {
        reef__udp_cookie_make(&secret, &from,
                              now_ms - (uint64_t)age * REEF__UDP_COOKIE_PERIOD_MS,
                              datagram);
    }
    check(reef_span(datagram, size), &from, now_ms);
    free(datagram);
    return 0;
}
