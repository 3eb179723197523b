/*
 * The digests are wolfSSL's; base64 and hex are written here because the strict
 * rules matter (wolfSSL's decoder skips white space).  Random bytes come straight
 * from the kernel: unlike a generator seeded from a device file, getrandom() needs
 * no descriptor, so it also works when the process has none left, and it has no
 * state that a fork could duplicate.
 */
#include <reef/crypto.h>

#include <assert.h>
#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/siphash.h>

/* wolfSSL counts in 32 bits. */
static const size_t max_update = (size_t)1 << 30;

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The digits of the values 62 and 63. */
static const char base64_ends[] = "+/";
static const char base64url_ends[] = "-_";

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void reef_crypto_sha1(reef_span_t data, uint8_t digest[REEF_SHA1_SIZE])
{
    wc_Sha sha;
    int failed = wc_InitSha(&sha);

    while (data.size > 0) {
        size_t count = smaller(data.size, max_update);

        failed |= wc_ShaUpdate(&sha, data.data, (word32)count);
        data = reef_span_skip(data, count);
    }
    failed |= wc_ShaFinal(&sha, digest);
    wc_ShaFree(&sha);
    assert(failed == 0);
}

void reef_crypto_sha256(reef_span_t data, uint8_t digest[REEF_SHA256_SIZE])
{
    wc_Sha256 sha;
    int failed = wc_InitSha256(&sha);

    while (data.size > 0) {
        size_t count = smaller(data.size, max_update);

        failed |= wc_Sha256Update(&sha, data.data, (word32)count);
        data = reef_span_skip(data, count);
    }
    failed |= wc_Sha256Final(&sha, digest);
    wc_Sha256Free(&sha);
    assert(failed == 0);
}

void reef_crypto_hmac_sha256(reef_span_t key,
                             reef_span_t data,
                             uint8_t digest[REEF_SHA256_SIZE])
{
    Hmac hmac;
    int failed = wc_HmacInit(&hmac, NULL, INVALID_DEVID);

    assert(key.size <= max_update);
    failed |= wc_HmacSetKey(&hmac, WC_SHA256, key.size > 0 ? key.data : (byte[]){0},
                            (word32)key.size);
    while (data.size > 0) {
        size_t count = smaller(data.size, max_update);

        failed |= wc_HmacUpdate(&hmac, data.data, (word32)count);
        data = reef_span_skip(data, count);
    }
    failed |= wc_HmacFinal(&hmac, digest);
    wc_HmacFree(&hmac);
    assert(failed == 0);
}

void reef_crypto_siphash(const uint8_t key[REEF_SIPHASH_KEY_SIZE],
                         reef_span_t data,
                         uint8_t tag[REEF_SIPHASH_SIZE])
{
    int failed;

    assert(data.size <= max_update);
    failed = wc_SipHash(key, data.data, (word32)data.size, tag, REEF_SIPHASH_SIZE);
    assert(failed == 0);
}

void reef_crypto_random(void *out, size_t size)
{
    uint8_t *next = out;

    while (size > 0) {
        ssize_t got = getrandom(next, size, 0);

        assert(got > 0 || errno == EINTR); /* nothing else can go wrong */
        if (got > 0) {
            next += got;
            size -= (size_t)got;
        }
    }
}

size_t reef_crypto_base64_encode(reef_span_t data, char *text)
{
    char *next = text;

    for (size_t i = 0; i < data.size; i += 3) {
        size_t count = smaller(data.size - i, 3);
        uint32_t group = (uint32_t)data.data[i] << 16;

        group |= count > 1 ? (uint32_t)data.data[i + 1] << 8 : 0;
        group |= count > 2 ? data.data[i + 2] : 0;
        *next++ = base64_digits[group >> 18];
        *next++ = base64_digits[group >> 12 & 63];
        *next++ = (char)(count > 1 ? base64_digits[group >> 6 & 63] : '=');
        *next++ = (char)(count > 2 ? base64_digits[group & 63] : '=');
    }
    *next = '\0';
    return (size_t)(next - text);
}

/* Value of a base64 digit, or 64 for any other character. */
static uint32_t base64_value(uint8_t c, const char ends[2])
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a' + 26);
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0' + 52);
    }
    return c == (uint8_t)ends[0] ? 62 : c == (uint8_t)ends[1] ? 63 : 64;
}

/* All of @p digits, which have no padding any more. */
static reef_error_t decode_digits(
    reef_span_t digits, const char ends[2], uint8_t *out, size_t capacity, size_t *size)
{
    size_t written = 0;
    uint32_t bits = 0; /* the undelivered ones are the lowest bit_count */
    unsigned bit_count = 0;

    for (size_t i = 0; i < digits.size; i++) {
        uint32_t value = base64_value(digits.data[i], ends);

        if (value > 63) {
            return REEF_E_INVALID;
        }
        bits = (bits << 6 | value) & 0xfff;
        bit_count += 6;
        if (bit_count >= 8) {
            if (written == capacity) {
                return REEF_E_LIMIT;
            }
            bit_count -= 8;
            out[written++] = (uint8_t)(bits >> bit_count);
        }
    }
    if (bit_count == 6 || (bits & ((1U << bit_count) - 1)) != 0) {
        return REEF_E_INVALID; /* a digit that makes no byte, or a bit behind the last
                                */
    }
    *size = written;
    return REEF_OK;
}

reef_error_t
reef_crypto_base64_decode(reef_span_t text, uint8_t *out, size_t capacity, size_t *size)
{
    reef_span_t digits = text;

    if (text.size % 4 != 0) {
        return REEF_E_INVALID;
    }
    while (digits.size > 0 && text.size - digits.size < 2 &&
           text.data[digits.size - 1] == '=') {
        digits.size--;
    }
    return decode_digits(digits, base64_ends, out, capacity, size);
}

reef_error_t reef_crypto_base64url_decode(reef_span_t text,
                                          uint8_t *out,
                                          size_t capacity,
                                          size_t *size)
{
    return decode_digits(text, base64url_ends, out, capacity, size);
}

void reef_crypto_hex_encode(reef_span_t data, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < data.size; i++) {
        *text++ = digits[data.data[i] >> 4];
        *text++ = digits[data.data[i] & 15];
    }
    *text = '\0';
}

/* Value of a hexadecimal digit, or 16 for any other character. */
static unsigned hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

reef_error_t reef_crypto_hex_decode(reef_span_t text, uint8_t *out, size_t size)
{
    if (text.size / 2 != size || text.size % 2 != 0) {
        return REEF_E_INVALID;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned high = hex_value(text.data[2 * i]);
        unsigned low = hex_value(text.data[2 * i + 1]);

        if (high > 15 || low > 15) {
            return REEF_E_INVALID;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return REEF_OK;
}

bool reef_crypto_equal(reef_span_t a, reef_span_t b)
{
    volatile uint8_t difference = 0;

    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        difference |= (uint8_t)(a.data[i] ^ b.data[i]);
    }
    return difference == 0;
}
