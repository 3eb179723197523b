/*
 * Given a line of header and then claims, a token is signed with the right secret: what
 * is verified of it must stand in the rules, and a token with any one bit flipped must
 * not be verified.  The same bytes as a token of their own: nobody can sign by chance.
 */
#include "jwt.h"
#include "jwt_sign.h"

#include <reef/text.h>

#include <stdlib.h>
#include <string.h>

#define NOW_MS UINT64_C(1700000000000)

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static reef__jwt_status_t verify(const char *token, size_t size, claims_t *claims)
{
    static const reef__jwt_rules_t base = {.now_ms = NOW_MS, .leeway_ms = 1000};
    reef__jwt_rules_t rules = base;
    uint8_t *copy = malloc(size); /* its end guarded */
    reef__jwt_status_t status;

    if (size > 0) {
        memcpy(copy, token, size);
    }
    rules.secret = reef_span_text(JWT_SECRET);
    status = reef__jwt_verify(reef_span(copy, size), &rules, claims);
    free(copy);
    return status;
}

static void check_text(const char *text, size_t capacity)
{
    check(memchr(text, '\0', capacity) != NULL);
    check(reef_text_is_valid(reef_span_text(text)));
}

static void check_good(char *token, size_t size, const claims_t *claims, unsigned seed)
{
    check_text(claims->subject, sizeof(claims->subject));
    check_text(claims->issuer, sizeof(claims->issuer));
    check_text(claims->scope, sizeof(claims->scope));
    check(claims->expires_at_ms == 0 || claims->expires_at_ms + 1000 > NOW_MS);
    for (size_t i = 0; i < 16; i++) {
        size_t bit = (seed + i * 7919) % (8 * size);
        claims_t untouched = {.subject = "untouched"};

        token[bit / 8] = (char)(token[bit / 8] ^ 1 << bit % 8);
        check(verify(token, size, &untouched) != REEF__JWT_OK);
        check(strcmp(untouched.subject, "untouched") == 0);
        token[bit / 8] = (char)(token[bit / 8] ^ 1 << bit % 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line_end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t header_size = line_end ? (size_t)(line_end - data) : size;
    size_t rest = line_end ? size - header_size - 1 : 0;
    claims_t claims = {0};
    char *token;

    check(*reef__jwt_status_text(verify((const char *)data, size, &claims)) != '\0');
    token = jwt_sign(reef_span(data, header_size),
                     reef_span(line_end ? line_end + 1 : data, rest), JWT_SECRET);
    if (verify(token, strlen(token), &claims) == REEF__JWT_OK) {
        check_good(token, strlen(token), &claims, size > 1 ? data[size - 2] * 251U : 0);
    }
    free(token);
    return 0;
}
