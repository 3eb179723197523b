/**
 * @file jwt_sign.h
 * @brief Tokens for tests: any header and any claims, signed with any secret.
 */
#ifndef JWT_SIGN_H
#define JWT_SIGN_H

#include <reef/crypto.h>

#include <stdlib.h>

#define JWT_SECRET "0123456789abcdef0123456789abcdef"
#define JWT_HS256  "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* Append base64url of @p data and a NUL at @p text.  Returns the characters written. */
static inline size_t jwt_encode(reef_span_t data, char *text)
{
    size_t size = reef_crypto_base64_encode(data, text);

    while (size > 0 && text[size - 1] == '=') {
        text[--size] = '\0';
    }
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    }
    return size;
}

/* A token of any content, signed with @p secret.  The caller frees it. */
static inline char *jwt_sign(reef_span_t header, reef_span_t claims, const char *secret)
{
    char *text = malloc(REEF_BASE64_SIZE(header.size) + REEF_BASE64_SIZE(claims.size) +
                        REEF_BASE64_SIZE((size_t)REEF_SHA256_SIZE) + 3);
    uint8_t digest[REEF_SHA256_SIZE];
    size_t size = jwt_encode(header, text);

    text[size++] = '.';
    size += jwt_encode(claims, text + size);
    reef_crypto_hmac_sha256(reef_span_text(secret), reef_span(text, size), digest);
    text[size++] = '.';
    jwt_encode(reef_span(digest, sizeof(digest)), text + size);
    return text;
}

/* The same with the usual header and the usual secret. */
static inline char *jwt_sign_claims(const char *claims)
{
    return jwt_sign(reef_span_text(JWT_HS256), reef_span_text(claims), JWT_SECRET);
}

#endif /* JWT_SIGN_H */
