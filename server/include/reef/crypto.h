/**
 * @file crypto.h
 * @brief Digests, random bytes, base64, hex and comparison in constant time.
 *
 * Everything here is stateless and may be called from any thread.
 */
#ifndef REEF_CRYPTO_H
#define REEF_CRYPTO_H

#include <reef/error.h>
#include <reef/span.h>

enum {
    REEF_SHA1_SIZE = 20,
    REEF_SHA256_SIZE = 32,
    REEF_SIPHASH_KEY_SIZE = 16,
    REEF_SIPHASH_SIZE = 8
};

/** Characters of the padded base64 text of @p size bytes, without the NUL. */
#define REEF_BASE64_SIZE(size) (((size) + 2) / 3 * 4)

/** SHA-1 of @p data: for protocols that demand it, never for secrets (FIPS 180-4). */
void reef_crypto_sha1(reef_span_t data, uint8_t digest[REEF_SHA1_SIZE]);

/** SHA-256 of @p data (FIPS 180-4). */
void reef_crypto_sha256(reef_span_t data, uint8_t digest[REEF_SHA256_SIZE]);

/** HMAC-SHA-256 of @p data (RFC 2104). */
void reef_crypto_hmac_sha256(reef_span_t key,
                             reef_span_t data,
                             uint8_t digest[REEF_SHA256_SIZE]);

/** SipHash-2-4 of @p data, at most 1 GiB: a fast keyed hash, which nobody without the
 *  key can forge; for short-lived tags (Aumasson, Bernstein: SipHash, 2012). */
void reef_crypto_siphash(const uint8_t key[REEF_SIPHASH_KEY_SIZE],
                         reef_span_t data,
                         uint8_t tag[REEF_SIPHASH_SIZE]);

/** Fill @p out with @p size unpredictable bytes, fit for keys and tokens. */
void reef_crypto_random(void *out, size_t size);

/**
 * Encode with the standard alphabet and padding (RFC 4648 section 4).
 *
 * @param text Receives REEF_BASE64_SIZE(data.size) characters and a NUL.
 * @return Characters written, without the NUL.
 */
size_t reef_crypto_base64_encode(reef_span_t data, char *text);

/**
 * Decode standard base64, strictly: padding is required, and neither white space
 * nor set bits behind the last byte are accepted (RFC 4648 section 3.5).
 *
 * @param out Receives at most @p capacity bytes; its content is undefined on failure.
 * @param size Receives the bytes written; untouched on failure.
 * @return REEF_E_INVALID when it is not base64, REEF_E_LIMIT when it does not fit.
 */
REEF_NODISCARD reef_error_t reef_crypto_base64_decode(reef_span_t text,
                                                      uint8_t *out,
                                                      size_t capacity,
                                                      size_t *size);

/**
 * The same for the alphabet that is safe in URLs, without padding: as in JSON Web
 * Tokens (RFC 4648 section 5, RFC 7515 appendix C).
 */
REEF_NODISCARD reef_error_t reef_crypto_base64url_decode(reef_span_t text,
                                                         uint8_t *out,
                                                         size_t capacity,
                                                         size_t *size);

/** Write 2 * data.size lower-case digits and a NUL to @p text. */
void reef_crypto_hex_encode(reef_span_t data, char *text);

/**
 * Decode exactly @p size bytes from 2 * size digits of either case.
 *
 * @param out Its content is undefined on failure.
 * @return REEF_E_INVALID on another length or another character.
 */
REEF_NODISCARD reef_error_t reef_crypto_hex_decode(reef_span_t text,
                                                   uint8_t *out,
                                                   size_t size);

/** Compare secrets: the time depends on the sizes only, not on the bytes. */
bool reef_crypto_equal(reef_span_t a, reef_span_t b);

#endif /* REEF_CRYPTO_H */
