#include "test.h"

#include "jwt.h"
#include "jwt_object.h"
#include "jwt_sign.h"

#include <time.h>

#define NOW_S 1700000000u

static reef__jwt_rules_t rules(void)
{
    return (reef__jwt_rules_t){.secret = reef_span_text(JWT_SECRET),
                               .now_ms = NOW_S * UINT64_C(1000),
                               .leeway_ms = 30000};
}

static reef__jwt_status_t verify_text(const char *token, claims_t *claims)
{
    reef__jwt_rules_t usual = rules();

    return reef__jwt_verify(reef_span_text(token), &usual, claims);
}

/* Sign and verify, claims thrown away; they must be untouched unless all is good. */
static reef__jwt_status_t
status_of(const char *header, const char *payload, const reef__jwt_rules_t *applied)
{
    claims_t claims = {.subject = "untouched"};
    char *token = jwt_sign(reef_span_text(header), reef_span_text(payload), JWT_SECRET);
    reef__jwt_status_t status =
        reef__jwt_verify(reef_span_text(token), applied, &claims);

    assert_true((status == REEF__JWT_OK) != (strcmp(claims.subject, "untouched") == 0));
    free(token);
    return status;
}

static void expect_claims(const char *payload, reef__jwt_status_t expected)
{
    reef__jwt_rules_t usual = rules();

    if (status_of(JWT_HS256, payload, &usual) != expected) {
        fail_msg("%s: not \"%s\"", payload, reef__jwt_status_text(expected));
    }
}

static void expect_header(const char *header, reef__jwt_status_t expected)
{
    reef__jwt_rules_t usual = rules();

    if (status_of(header, "{}", &usual) != expected) {
        fail_msg("%s: not \"%s\"", header, reef__jwt_status_text(expected));
    }
}

/* RFC 7515 appendix A.1: issuer joe, good until 2011-03-22. */
static void test_jwt_verifies_the_published_example(void **state)
{
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    uint8_t key[64];
    size_t size;
    reef__jwt_rules_t then = {.now_ms = 1300819379999};
    claims_t claims;

    (void)state;
    assert_int_equal(
        reef_crypto_base64url_decode(
            reef_span_text("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN"
                           "3Yj0iPS4hcgUuTwjAzZr1Z9CAow"),
            key, sizeof(key), &size),
        REEF_OK);
    then.secret = reef_span(key, size);
    assert_int_equal(reef__jwt_verify(reef_span_text(token), &then, &claims),
                     REEF__JWT_OK);
    assert_string_equal(claims.issuer, "joe");
    assert_string_equal(claims.subject, "");
    assert_true(claims.expires_at_ms == 1300819380000);
    then.now_ms++;
    assert_int_equal(reef__jwt_verify(reef_span_text(token), &then, &claims),
                     REEF__JWT_EXPIRED);
}

/* What Python's hmac signs, by the clock of now. */
static void test_jwt_verifies_what_another_signer_made(void **state)
{
    static const char script[] =
        "import base64,hashlib,hmac,json,time\n"
        "e=lambda b:base64.urlsafe_b64encode(b).rstrip(b'=')\n"
        "for i in range(20):\n"
        " c={'sub':'é%d'%i,'iss':'me','scope':'a b','exp':time.time()+600,'n':'x'*i}\n"
        " s=e(json.dumps({'alg':'HS256'}).encode())+b'.'+"
        "e(json.dumps(c,ensure_ascii=i%2).encode())\n"
        " print((s+b'.'+e(hmac.new(b'" JWT_SECRET "',s,hashlib.sha256).digest()))"
        ".decode())\n";
    char command[2048], line[1024], subject[32];
    FILE *python;
    int count = 0;

    (void)state;
    if (PYTHON3[0] == '\0') {
        skip();
    }
    snprintf(command, sizeof(command), "%s -X utf8 -c \"%s\"", PYTHON3, script);
    python = popen(command, "r");
    assert_non_null(python);
    for (; fgets(line, sizeof(line), python) != NULL; count++) {
        reef__jwt_rules_t now = {.secret = reef_span_text(JWT_SECRET),
                                 .now_ms = (uint64_t)time(NULL) * 1000};
        claims_t claims;

        line[strcspn(line, "\n")] = '\0';
        assert_int_equal(reef__jwt_verify(reef_span_text(line), &now, &claims),
                         REEF__JWT_OK);
        snprintf(subject, sizeof(subject), "é%d", count);
        assert_string_equal(claims.subject, subject);
        assert_string_equal(claims.scope, "a b");
        assert_true(claims.expires_at_ms > now.now_ms);
    }
    assert_int_equal(pclose(python), 0);
    assert_int_equal(count, 20);
}

static void test_jwt_takes_one_algorithm_only(void **state)
{
    (void)state;
    expect_header("{\"alg\":\"HS256\"}", REEF__JWT_OK);
    expect_header("{\"typ\":\"jwt\",\"kid\":\"1\",\"alg\":\"HS256\"}", REEF__JWT_OK);
    expect_header("{\"typ\":\"at+jwt\",\"alg\":\"HS256\"}", REEF__JWT_OK);
    expect_header("{\"alg\":\"none\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"None\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"hs256\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"ALG\":\"HS256\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"HS512\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"RS256\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":[\"HS256\"]}", REEF__JWT_UNSUPPORTED);
    expect_header("{}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"HS256\",\"typ\":1}", REEF__JWT_UNSUPPORTED);
    expect_header("{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
                  REEF__JWT_UNSUPPORTED);
}

static void test_jwt_refuses_objects_that_are_not_plain(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "1",
        "null",
        "{",
        "{\"alg\":\"HS256\"",
        "{\"alg\":\"HS256\"}}",
        "{\"alg\":\"HS256\"} x",
        "{\"alg\":\"none\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}",
        "{\"alg\":\"HS256\\u0000\"}",
        "{\"alg\":\"HS256\",\"x\":\"\x01\"}",
        "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
        "{\"alg\":\"HS256\",\"x\":\"\\ud800\"}",
        "{\"alg\":\"HS256\",\"x\":1e999}",
        "{\"alg\":\"HS256\",\"x\":[[[[[[[[1]]]]]]]]}",
        "{\"alg\":\"HS256\",\"x\":{\"y\":1,\"y\":1}}",
        "{\"alg\":\"HS256\",\x02\"x\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        reef__jwt_rules_t usual = rules();

        expect_header(bad[i], REEF__JWT_MALFORMED);
        /* the same as claims */
        if (status_of(JWT_HS256, bad[i], &usual) != REEF__JWT_MALFORMED) {
            fail_msg("claims %s", bad[i]);
        }
    }
    expect_claims("{\"x\":[[[[[[[1]]]]]]]}", REEF__JWT_OK);
    expect_claims(" {\"Exp\":1,\"exp\":9999999999}\n", REEF__JWT_OK);
}

static void test_jwt_bounds_the_number_of_values(void **state)
{
    char payload[4 * REEF__JWT_MAX_VALUES];
    size_t size = (size_t)snprintf(payload, sizeof(payload), "{\"x\":[1");

    (void)state;
    for (int i = 0; i < REEF__JWT_MAX_VALUES - 4; i++) {
        size += (size_t)snprintf(payload + size, sizeof(payload) - size, ",1");
    }
    snprintf(payload + size, sizeof(payload) - size, "]}");
    expect_claims(payload, REEF__JWT_OK);
    snprintf(payload + size, sizeof(payload) - size, ",1,1]}");
    expect_claims(payload, REEF__JWT_MALFORMED);
}

static void test_jwt_has_three_parts(void **state)
{
    char *token = jwt_sign_claims("{}");
    char *dot = strrchr(token, '.');
    char other[512];
    claims_t claims;

    (void)state;
    assert_int_equal(verify_text(token, &claims), REEF__JWT_OK);
    assert_int_equal(verify_text("", &claims), REEF__JWT_MALFORMED);
    assert_int_equal(verify_text(".", &claims), REEF__JWT_MALFORMED);
    assert_int_equal(verify_text("..", &claims), REEF__JWT_MALFORMED);
    assert_int_equal(verify_text("a.b", &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), "%s.", token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), "%s.e30", token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), ".%s", token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), "%s=", token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), " %s", token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), "%.*s", (int)(dot - token), token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), "%.*s.", (int)(dot - token), token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_MALFORMED);
    snprintf(other, sizeof(other), "%.*s.AAAA", (int)(dot - token), token);
    assert_int_equal(verify_text(other, &claims), REEF__JWT_FORGED);
    free(token);
}

static void test_jwt_refuses_every_flipped_bit(void **state)
{
    char *token = jwt_sign_claims("{\"sub\":\"me\",\"exp\":1700000100}");
    size_t size = strlen(token);
    claims_t claims;

    (void)state;
    assert_int_equal(verify_text(token, &claims), REEF__JWT_OK);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        token[bit / 8] = (char)(token[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(verify_text(token, &claims), REEF__JWT_OK);
        token[bit / 8] = (char)(token[bit / 8] ^ 1 << bit % 8);
    }
    free(token);
}

static void test_jwt_refuses_another_secret(void **state)
{
    char *token = jwt_sign(reef_span_text(JWT_HS256), reef_span_text("{}"),
                           "0123456789abcdef0123456789abcdeg");
    claims_t claims;

    (void)state;
    assert_int_equal(verify_text(token, &claims), REEF__JWT_FORGED);
    free(token);
}

/* Whoever cannot sign learns nothing of what is asked of the claims. */
static void test_jwt_looks_at_claims_behind_a_good_signature_only(void **state)
{
    static const char *const payloads[] = {"{\"exp\":1}", "{", "{\"exp\":\"x\"}"};
    claims_t claims;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char *token = jwt_sign(reef_span_text(JWT_HS256), reef_span_text(payloads[i]),
                               "another secret, of thirty-two bytes");

        assert_int_equal(verify_text(token, &claims), REEF__JWT_FORGED);
        free(token);
    }
}

static void test_jwt_bounds_the_size(void **state)
{
    char text[REEF__JWT_MAX_SIZE + 1];
    reef__jwt_rules_t usual = rules();
    claims_t claims;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(reef__jwt_verify(reef_span(text, sizeof(text)), &usual, &claims),
                     REEF__JWT_TOO_LARGE);
    assert_int_equal(
        reef__jwt_verify(reef_span(text, sizeof(text) - 1), &usual, &claims),
        REEF__JWT_MALFORMED);
}

static void test_jwt_times_hold_within_the_leeway(void **state)
{
    (void)state;
    expect_claims("{\"exp\":1699999971}", REEF__JWT_OK); /* 29 s ago */
    expect_claims("{\"exp\":1699999970.001}", REEF__JWT_OK);
    expect_claims("{\"exp\":1699999970}", REEF__JWT_EXPIRED);
    expect_claims("{\"exp\":0}", REEF__JWT_EXPIRED);
    expect_claims("{\"nbf\":1700000030}", REEF__JWT_OK);
    expect_claims("{\"nbf\":1700000031}", REEF__JWT_TOO_EARLY);
    expect_claims("{\"iat\":1700000030}", REEF__JWT_OK);
    expect_claims("{\"iat\":1700000031}", REEF__JWT_TOO_EARLY);
    expect_claims("{\"iat\":1,\"nbf\":2,\"exp\":253402300799}", REEF__JWT_OK);
    expect_claims("{\"exp\":253402300800}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"exp\":1e300}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"exp\":-1}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"exp\":\"1800000000\"}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"exp\":null}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"nbf\":true}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"iat\":[]}", REEF__JWT_BAD_CLAIM);
}

static void test_jwt_issuer_must_match_when_set(void **state)
{
    reef__jwt_rules_t applied = rules();

    (void)state;
    applied.issuer = reef_span_text("me");
    assert_int_equal(status_of(JWT_HS256, "{\"iss\":\"me\"}", &applied), REEF__JWT_OK);
    assert_int_equal(status_of(JWT_HS256, "{\"iss\":\"mee\"}", &applied),
                     REEF__JWT_WRONG_ISSUER);
    assert_int_equal(status_of(JWT_HS256, "{\"iss\":[\"me\"]}", &applied),
                     REEF__JWT_WRONG_ISSUER);
    assert_int_equal(status_of(JWT_HS256, "{}", &applied), REEF__JWT_WRONG_ISSUER);
    expect_claims("{\"iss\":\"anybody\"}", REEF__JWT_OK);
}

static void test_jwt_audience_must_name_us(void **state)
{
    reef__jwt_rules_t applied = rules();

    (void)state;
    expect_claims("{\"aud\":\"reef\"}", REEF__JWT_WRONG_AUDIENCE); /* not set: not us */
    applied.audience = reef_span_text("reef");
    assert_int_equal(status_of(JWT_HS256, "{\"aud\":\"reef\"}", &applied),
                     REEF__JWT_OK);
    assert_int_equal(status_of(JWT_HS256, "{\"aud\":[\"x\",\"reef\"]}", &applied),
                     REEF__JWT_OK);
    assert_int_equal(status_of(JWT_HS256, "{\"aud\":\"Reef\"}", &applied),
                     REEF__JWT_WRONG_AUDIENCE);
    assert_int_equal(status_of(JWT_HS256, "{\"aud\":[]}", &applied),
                     REEF__JWT_WRONG_AUDIENCE);
    assert_int_equal(status_of(JWT_HS256, "{\"aud\":{\"x\":\"reef\"}}", &applied),
                     REEF__JWT_WRONG_AUDIENCE);
    assert_int_equal(status_of(JWT_HS256, "{}", &applied), REEF__JWT_WRONG_AUDIENCE);
}

static void test_jwt_texts_are_never_cut(void **state)
{
    char payload[1024];
    claims_t claims;
    size_t longest = sizeof(claims.subject) - 1;
    char *token;

    (void)state;
    snprintf(payload, sizeof(payload), "{\"sub\":\"%0*d\"}", (int)longest, 7);
    token = jwt_sign_claims(payload);
    assert_int_equal(verify_text(token, &claims), REEF__JWT_OK);
    assert_int_equal(strlen(claims.subject), longest);
    free(token);
    snprintf(payload, sizeof(payload), "{\"sub\":\"%0*d\"}", (int)longest + 1, 7);
    expect_claims(payload, REEF__JWT_BAD_CLAIM);
    expect_claims("{\"sub\":7}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"scope\":[\"a\"]}", REEF__JWT_BAD_CLAIM);
    expect_claims("{\"iss\":{}}", REEF__JWT_BAD_CLAIM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jwt_verifies_the_published_example),
        cmocka_unit_test(test_jwt_verifies_what_another_signer_made),
        cmocka_unit_test(test_jwt_takes_one_algorithm_only),
        cmocka_unit_test(test_jwt_refuses_objects_that_are_not_plain),
        cmocka_unit_test(test_jwt_bounds_the_number_of_values),
        cmocka_unit_test(test_jwt_has_three_parts),
        cmocka_unit_test(test_jwt_refuses_every_flipped_bit),
        cmocka_unit_test(test_jwt_refuses_another_secret),
        cmocka_unit_test(test_jwt_looks_at_claims_behind_a_good_signature_only),
        cmocka_unit_test(test_jwt_bounds_the_size),
        cmocka_unit_test(test_jwt_times_hold_within_the_leeway),
        cmocka_unit_test(test_jwt_issuer_must_match_when_set),
        cmocka_unit_test(test_jwt_audience_must_name_us),
        cmocka_unit_test(test_jwt_texts_are_never_cut),
    };

    return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
