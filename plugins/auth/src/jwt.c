/*
 *     header '.' claims '.' signature        each in base64url without padding
 *     └── what is signed ─┘
 *
 * In this order: the size, the three parts, the header, the signature over the text as
 * it came, and only then the claims.  The algorithm is not the token's to choose: the
 * header must name the only one there is (RFC 8725 sections 2.1 and 3.1).
 */
#include "jwt.h"

#include "jwt_object.h"

#include <reef/crypto.h>

#include <stdio.h>
#include <strings.h>

enum {
    MAX_DECODED = REEF__JWT_MAX_SIZE / 4 * 3
};

#define MAX_TIME_S 253402300799.0 /* 9999-12-31T23:59:59Z: RFC 3339 ends there */

typedef struct parts {
    reef_span_t header, payload, signature;
    reef_span_t signed_text; /* header and payload, with the dot between them */
} parts_t;

/* The text before the next dot, which is cut off; all of it when there is none. */
static reef_span_t cut_part(reef_span_t *text)
{
    const uint8_t *dot = text->size > 0 ? memchr(text->data, '.', text->size) : NULL;
    reef_span_t part = *text;

    if (dot == NULL) {
        *text = (reef_span_t){0};
    } else {
        part.size = (size_t)(dot - text->data);
        *text = reef_span_skip(*text, part.size + 1);
    }
    return part;
}

/* Exactly three parts, none of them empty. */
static bool split(reef_span_t token, parts_t *parts)
{
    reef_span_t rest = token;

    parts->header = cut_part(&rest);
    parts->payload = cut_part(&rest);
    parts->signature = rest;
    if (parts->header.size == 0 || parts->payload.size == 0 || rest.size == 0 ||
        memchr(rest.data, '.', rest.size) != NULL) {
        return false;
    }
    parts->signed_text =
        reef_span(token.data, parts->header.size + 1 + parts->payload.size);
    return true;
}

/* An object in base64url; NULL when it is none. */
static cJSON *decode_object(reef_span_t part)
{
    uint8_t text[MAX_DECODED];
    size_t size;

    return reef_crypto_base64url_decode(part, text, sizeof(text), &size) == REEF_OK
               ? reef__jwt_object_parse(reef_span(text, size))
               : NULL;
}

/* The library's own look-up takes names of another case too. */
static const cJSON *find(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* Tokens of other purposes may be signed with the same secret, and say so
 * (RFC 8725 section 3.11). */
static bool is_type_good(const cJSON *type)
{
    static const char *const names[] = {"JWT", "at+jwt", "application/at+jwt"};

    if (type == NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (cJSON_IsString(type) && strcasecmp(type->valuestring, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 7515 section 4.1: `crit` names extensions that must be understood; none is. */
static reef__jwt_status_t check_header(reef_span_t part)
{
    cJSON *header = decode_object(part);
    const cJSON *algorithm;
    reef__jwt_status_t status = REEF__JWT_OK;

    if (header == NULL) {
        return REEF__JWT_MALFORMED;
    }
    algorithm = find(header, "alg");
    if (!cJSON_IsString(algorithm) || strcmp(algorithm->valuestring, "HS256") != 0 ||
        find(header, "crit") != NULL || !is_type_good(find(header, "typ"))) {
        status = REEF__JWT_UNSUPPORTED;
    }
    cJSON_Delete(header);
    return status;
}

static reef__jwt_status_t check_signature(const parts_t *parts, reef_span_t secret)
{
    uint8_t given[REEF_SHA256_SIZE], computed[REEF_SHA256_SIZE];
    size_t size;

    if (reef_crypto_base64url_decode(parts->signature, given, sizeof(given), &size) !=
        REEF_OK) {
        return REEF__JWT_MALFORMED;
    }
    reef_crypto_hmac_sha256(secret, parts->signed_text, computed);
    return reef_crypto_equal(reef_span(given, size),
                             reef_span(computed, sizeof(computed)))
               ? REEF__JWT_OK
               : REEF__JWT_FORGED;
}

/* A time in seconds since 1970, fractions allowed; @p time_ms is 0 without one. */
static bool read_time(const cJSON *claims, const char *name, double *time_ms)
{
    const cJSON *item = find(claims, name);

    *time_ms = 0;
    if (item == NULL) {
        return true;
    }
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 ||
        item->valuedouble > MAX_TIME_S) {
        return false;
    }
    *time_ms = item->valuedouble * 1000;
    return true;
}

/* A text that fits: one that is cut could mean somebody else. */
static bool read_text(const cJSON *claims, const char *name, char *out, size_t capacity)
{
    const cJSON *item = find(claims, name);

    if (item == NULL) {
        return true;
    }
    if (!cJSON_IsString(item) || strlen(item->valuestring) >= capacity) {
        return false;
    }
    snprintf(out, capacity, "%s", item->valuestring);
    return true;
}

static reef__jwt_status_t check_times(const cJSON *claims,
                                      const reef__jwt_rules_t *rules,
                                      uint64_t *expires_at_ms)
{
    double now = (double)rules->now_ms, leeway = (double)rules->leeway_ms;
    double expires, not_before, issued;

    if (!read_time(claims, "exp", &expires) || !read_time(claims, "nbf", &not_before) ||
        !read_time(claims, "iat", &issued)) {
        return REEF__JWT_BAD_CLAIM;
    }
    if (find(claims, "exp") != NULL && expires + leeway <= now) {
        return REEF__JWT_EXPIRED;
    }
    if (not_before > now + leeway || issued > now + leeway) {
        return REEF__JWT_TOO_EARLY;
    }
    *expires_at_ms = (uint64_t)expires;
    return REEF__JWT_OK;
}

static bool is_text(const cJSON *item, reef_span_t expected)
{
    return cJSON_IsString(item) &&
           reef_span_equal(reef_span_text(item->valuestring), expected);
}

/* RFC 7519 section 4.1.3: whoever is not among those that it names must refuse it. */
static bool is_audience_good(const cJSON *audience, reef_span_t expected)
{
    const cJSON *item;

    if (audience == NULL || expected.size == 0) {
        return audience == NULL && expected.size == 0;
    }
    if (cJSON_IsString(audience)) {
        return is_text(audience, expected);
    }
    if (cJSON_IsArray(audience)) {
        cJSON_ArrayForEach(item, audience)
        {
            if (is_text(item, expected)) {
                return true;
            }
        }
    }
    return false;
}

static reef__jwt_status_t
check_claims(const cJSON *json, const reef__jwt_rules_t *rules, claims_t *claims)
{
    claims_t read = {0};
    reef__jwt_status_t status = check_times(json, rules, &read.expires_at_ms);

    if (status != REEF__JWT_OK) {
        return status;
    }
    if (rules->issuer.size > 0 && !is_text(find(json, "iss"), rules->issuer)) {
        return REEF__JWT_WRONG_ISSUER;
    }
    if (!is_audience_good(find(json, "aud"), rules->audience)) {
        return REEF__JWT_WRONG_AUDIENCE;
    }
    if (!read_text(json, "sub", read.subject, sizeof(read.subject)) ||
        !read_text(json, "iss", read.issuer, sizeof(read.issuer)) ||
        !read_text(json, "scope", read.scope, sizeof(read.scope))) {
        return REEF__JWT_BAD_CLAIM;
    }
    *claims = read;
    return REEF__JWT_OK;
}

reef__jwt_status_t
reef__jwt_verify(reef_span_t token, const reef__jwt_rules_t *rules, claims_t *claims)
{
    reef__jwt_status_t status;
    parts_t parts;
    cJSON *json;

    if (token.size > REEF__JWT_MAX_SIZE) {
        return REEF__JWT_TOO_LARGE;
    }
    if (!split(token, &parts)) {
        return REEF__JWT_MALFORMED;
    }
    status = check_header(parts.header);
    if (status == REEF__JWT_OK) {
        status = check_signature(&parts, rules->secret);
    }
    if (status != REEF__JWT_OK) {
        return status;
    }
    json = decode_object(parts.payload);
    if (json == NULL) {
        return REEF__JWT_MALFORMED;
    }
    status = check_claims(json, rules, claims);
    cJSON_Delete(json);
    return status;
}

const char *reef__jwt_status_text(reef__jwt_status_t status)
{
    switch (status) {
    case REEF__JWT_OK:
        return "the token is good";
    case REEF__JWT_TOO_LARGE:
        return "the token is too large";
    case REEF__JWT_MALFORMED:
        return "the token is malformed";
    case REEF__JWT_UNSUPPORTED:
        return "the token is not of a supported kind";
    case REEF__JWT_FORGED:
        return "the token's signature is wrong";
    case REEF__JWT_BAD_CLAIM:
        return "a claim of the token has a wrong type or size";
    case REEF__JWT_EXPIRED:
        return "the token has expired";
    case REEF__JWT_TOO_EARLY:
        return "the token is not valid yet";
    case REEF__JWT_WRONG_ISSUER:
        return "the token is of another issuer";
    case REEF__JWT_WRONG_AUDIENCE:
        return "the token is for another audience";
    }
    return "the token is refused";
}
