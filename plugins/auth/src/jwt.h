/**
 * @file jwt.h
 * @brief JSON Web Tokens in compact form, signed with HMAC-SHA-256
 * (RFC 7519 over RFC 7515, `alg` HS256 of RFC 7518 section 3.2).
 *
 * No I/O and no clock.  May be called from any thread.
 */
#ifndef REEF_AUTH_JWT_H
#define REEF_AUTH_JWT_H

#include <reef/auth.h>

#include <reef/span.h>

enum {
    REEF__JWT_MAX_SIZE = 4096, /* bytes of a token */
    REEF__JWT_MIN_SECRET = 32, /* RFC 7518 section 3.2: as long as the digest */
};

/** What a token must agree with. */
typedef struct reef__jwt_rules {
    reef_span_t secret;   /* at least REEF__JWT_MIN_SECRET bytes */
    reef_span_t issuer;   /* `iss` must be this; empty = any, or none */
    reef_span_t audience; /* `aud` must be or hold this; empty = there must be none */
    uint64_t now_ms;      /* since 1970 */
    uint64_t leeway_ms;   /* that clocks may be apart */
} reef__jwt_rules_t;

typedef enum reef__jwt_status {
    REEF__JWT_OK,
    REEF__JWT_TOO_LARGE,
    REEF__JWT_MALFORMED,
    REEF__JWT_UNSUPPORTED, /* another algorithm, or an extension that must be known */
    REEF__JWT_FORGED,      /* not signed with the secret */
    REEF__JWT_BAD_CLAIM,   /* signed, but a claim has a wrong type or size */
    REEF__JWT_EXPIRED,
    REEF__JWT_TOO_EARLY, /* `nbf` or `iat` is in the future */
    REEF__JWT_WRONG_ISSUER,
    REEF__JWT_WRONG_AUDIENCE,
} reef__jwt_status_t;

/**
 * Verify a token.  Nothing of its claims is looked at before its signature is good.
 *
 * @param claims Filled on REEF__JWT_OK, else untouched.
 */
REEF_NODISCARD reef__jwt_status_t reef__jwt_verify(reef_span_t token,
                                                   const reef__jwt_rules_t *rules,
                                                   claims_t *claims);

/** What is wrong, for the peer; static. */
const char *reef__jwt_status_text(reef__jwt_status_t status);

#endif /* REEF_AUTH_JWT_H */
