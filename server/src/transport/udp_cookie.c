/* SipHash is made for this: a short input, a secret key, and floods to keep up with. */
#include "transport/udp_cookie.h"

#include <assert.h>
#include <string.h>

enum {
    MAGIC_SIZE = 4,
    TAG_SIZE = REEF_SIPHASH_SIZE,
};

/* No text begins like this: 0xff is nowhere in UTF-8. */
static const uint8_t magic[MAGIC_SIZE] = {0xff, 'R', 'C', '1'};

typedef struct tagged {
    reef__udp_key_t from;
    uint64_t period;
} tagged_t;

static_assert(MAGIC_SIZE + TAG_SIZE == REEF__UDP_COOKIE_SIZE, "nothing else in it");
static_assert(sizeof(tagged_t) == sizeof(reef__udp_key_t) + sizeof(uint64_t),
              "no bytes but its members are hashed");

void reef__udp_secret_init(reef__udp_secret_t *secret)
{
    reef_crypto_random(secret->key, sizeof(secret->key));
}

static void make(const reef__udp_secret_t *secret,
                 const reef__udp_key_t *from,
                 uint64_t period,
                 uint8_t cookie[REEF__UDP_COOKIE_SIZE])
{
    tagged_t tagged = {.from = *from, .period = period};

    memcpy(cookie, magic, MAGIC_SIZE);
    reef_crypto_siphash(secret->key, reef_span(&tagged, sizeof(tagged)),
                        cookie + MAGIC_SIZE);
}

void reef__udp_cookie_make(const reef__udp_secret_t *secret,
                           const reef__udp_key_t *from,
                           uint64_t now_ms,
                           uint8_t cookie[REEF__UDP_COOKIE_SIZE])
{
    make(secret, from, now_ms / REEF__UDP_COOKIE_PERIOD_MS, cookie);
}

static bool has_cookie(reef_span_t datagram)
{
    return datagram.size >= REEF__UDP_COOKIE_SIZE &&
           memcmp(datagram.data, magic, MAGIC_SIZE) == 0;
}

bool reef__udp_cookie_cut(reef_span_t *datagram)
{
    bool is_there = has_cookie(*datagram);

    if (is_there) {
        *datagram = reef_span_skip(*datagram, REEF__UDP_COOKIE_SIZE);
    }
    return is_there;
}

/* Both periods are always looked at. */
static bool is_right(const reef__udp_secret_t *secret,
                     const reef__udp_key_t *from,
                     uint64_t now_ms,
                     reef_span_t shown)
{
    uint64_t period = now_ms / REEF__UDP_COOKIE_PERIOD_MS;
    uint8_t present[REEF__UDP_COOKIE_SIZE];
    uint8_t previous[REEF__UDP_COOKIE_SIZE];
    bool is_present;
    bool is_previous;

    make(secret, from, period, present);
    make(secret, from, period - 1, previous);
    is_present = reef_crypto_equal(shown, reef_span(present, sizeof(present)));
    is_previous = reef_crypto_equal(shown, reef_span(previous, sizeof(previous)));
    return is_present || is_previous;
}

reef__udp_verdict_t reef__udp_cookie_check(const reef__udp_secret_t *secret,
                                           const reef__udp_key_t *from,
                                           uint64_t now_ms,
                                           reef_span_t *datagram)
{
    if (datagram->size < REEF__UDP_COOKIE_SIZE) {
        return REEF__UDP_IGNORE;
    }
    if (!has_cookie(*datagram)) {
        return REEF__UDP_CHALLENGE;
    }
    if (is_right(secret, from, now_ms,
                 reef_span(datagram->data, REEF__UDP_COOKIE_SIZE))) {
        *datagram = reef_span_skip(*datagram, REEF__UDP_COOKIE_SIZE);
        return REEF__UDP_OPEN;
    }
    return datagram->size == REEF__UDP_COOKIE_SIZE ? REEF__UDP_IGNORE
                                                   : REEF__UDP_CHALLENGE;
}
