/* The plugin as a client meets it; peers in memory, tokens signed by the test. */
#include "loopback.h"
#include "test.h"

#include <reef/auth.h>

#include <reef/components.h>
#include <reef/session.h>

#include "jwt_sign.h"

#include <time.h>

#define SHARED "a shared token, long enough"
#define FUTURE "4000000000" /* 2096 */

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer;
    char *token; /* owned */
} fixture_t;

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    free(f->token);
    free(f);
    return 0;
}

static fixture_t *start(void **state, const auth_config_t *config)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    fixture_t *f = calloc(1, sizeof(*f));
    reef_failure_t failure = {0};

    *state = f;
    f->app = loopback_app_create(3, argv);
    if (reef_app_add_plugin(f->app, &reef_auth_plugin, config, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    loopback_app_start(f->app);
    return f;
}

static fixture_t *start_jwt(void **state)
{
    return start(state, &(auth_config_t){.jwt_secret = JWT_SECRET});
}

/* The status of a refusal, or 0; a peer that was there before goes first. */
static int try_with(fixture_t *f, const char *authorization, const char *query)
{
    reef_header_t header = {.name = "authorization",
                            .value = reef_span_text(authorization)};

    if (f->peer.link != 0) {
        loopback_disconnect(&f->peer);
    }
    loopback_request(f->app, &f->peer,
                     &(reef_link_desc_t){
                         .query = reef_span_text(query),
                         .headers = &header,
                         .header_count = authorization[0] != '\0',
                     });
    reef_app_step(f->app, 1);
    return f->peer.close_code;
}

static int try_claims(fixture_t *f, const char *claims)
{
    char header[1024];

    free(f->token);
    f->token = jwt_sign_claims(claims);
    snprintf(header, sizeof(header), "Bearer %s", f->token);
    return try_with(f, header, "");
}

static const claims_t *claims_of(fixture_t *f)
{
    return REEF_FIND(reef_app_world(f->app), reef_session_next(f->app, 0), claims);
}

static void test_auth_is_off_without_a_secret(void **state)
{
    fixture_t *f = start(state, NULL);

    assert_int_equal(try_with(f, "", "access_token=visible"), 0);
    assert_int_equal(try_with(f, "Bearer whatever", ""), 0);
}

static void test_auth_shared_token_lets_in(void **state)
{
    fixture_t *f = start(state, &(auth_config_t){.token = SHARED});

    assert_int_equal(try_with(f, "Bearer " SHARED, ""), 0);
    assert_null(claims_of(f));
    assert_int_equal(try_with(f, "bearer  " SHARED " ", ""), 0);
    assert_int_equal(try_with(f, "", ""), 401);
    assert_string_equal(f->peer.close_reason, "a token is needed");
    assert_int_equal(try_with(f, "Bearer ", ""), 401);
    assert_int_equal(try_with(f, "Bearer", ""), 401);
    assert_int_equal(try_with(f, "Basic " SHARED, ""), 401);
    assert_int_equal(try_with(f, "Bearer " SHARED "x", ""), 401);
    assert_string_equal(f->peer.close_reason, "the token is wrong");
    assert_int_equal(try_with(f, "Bearer a shared token, long enougH", ""), 401);
    assert_int_equal(try_with(f, SHARED, ""), 401);
    assert_int_equal(try_with(f, "Bearer " SHARED ", Bearer " SHARED, ""), 401);
}

static void test_auth_query_may_hold_the_token(void **state)
{
    fixture_t *f = start(state, &(auth_config_t){.token = "0123456789+/=abcdef"});
    reef_world_t *world = reef_app_world(f->app);

    assert_int_equal(try_with(f, "", "x=1&access_token=0123456789+/=abcdef"), 0);
    assert_string_equal(REEF_FIND(world, reef_session_next(f->app, 0), session)->query,
                        "x=1&access_token=***");
    assert_int_equal(try_with(f, "", "access_token=0123456789%2B%2F%3Dabcdef"), 0);
    assert_int_equal(try_with(f, "Basic x", "access_token=0123456789%2B%2f%3Dabcdef"),
                     0);
    assert_int_equal(try_with(f, "", "access_token=0123456789"), 401);
    assert_int_equal(try_with(f, "", "access_token="), 401);
    assert_int_equal(try_with(f, "", "token=0123456789+/=abcdef"), 401);
    /* the header counts */
    assert_int_equal(try_with(f, "Bearer x", "access_token=0123456789+/=abcdef"), 401);
}

static void test_auth_jwt_lets_in_with_claims(void **state)
{
    fixture_t *f = start_jwt(state);
    const claims_t *claims;

    assert_int_equal(try_claims(f, "{\"sub\":\"me\",\"iss\":\"you\",\"scope\":\"a b\","
                                   "\"exp\":" FUTURE "}"),
                     0);
    claims = claims_of(f);
    assert_non_null(claims);
    assert_string_equal(claims->subject, "me");
    assert_string_equal(claims->issuer, "you");
    assert_string_equal(claims->scope, "a b");
    assert_true(claims->expires_at_ms == UINT64_C(4000000000000));
    assert_int_equal(try_claims(f, "{}"), 0);
    assert_true(claims_of(f)->expires_at_ms == 0);
}

static void test_auth_jwt_says_what_is_wrong(void **state)
{
    fixture_t *f = start_jwt(state);

    assert_int_equal(try_claims(f, "{\"exp\":1}"), 401);
    assert_string_equal(f->peer.close_reason, "the token has expired");
    assert_int_equal(try_claims(f, "{\"nbf\":" FUTURE "}"), 401);
    assert_string_equal(f->peer.close_reason, "the token is not valid yet");
    assert_int_equal(try_with(f, "Bearer abc", ""), 401);
    assert_string_equal(f->peer.close_reason, "the token is malformed");
}

static void test_auth_shared_token_and_jwt_may_both_be_set(void **state)
{
    fixture_t *f =
        start(state, &(auth_config_t){.token = SHARED, .jwt_secret = JWT_SECRET});

    assert_int_equal(try_with(f, "Bearer " SHARED, ""), 0);
    assert_int_equal(try_claims(f, "{}"), 0);
    assert_int_equal(try_with(f, "Bearer " JWT_SECRET, ""), 401);
}

static void test_auth_scope_is_a_whole_word(void **state)
{
    fixture_t *f =
        start(state, &(auth_config_t){.jwt_secret = JWT_SECRET, .jwt_scope = "play"});

    assert_int_equal(try_claims(f, "{\"scope\":\"play\"}"), 0);
    assert_int_equal(try_claims(f, "{\"scope\":\"watch  play\"}"), 0);
    assert_int_equal(try_claims(f, "{\"scope\":\"player display\"}"), 403);
    assert_string_equal(f->peer.close_reason, "the token lacks the scope");
    assert_int_equal(try_claims(f, "{\"scope\":\"\"}"), 403);
    assert_int_equal(try_claims(f, "{}"), 403);
    assert_int_equal(try_claims(f, "{\"scope\":\"play\",\"exp\":1}"), 401);
}

static void test_auth_issuer_and_audience_are_checked(void **state)
{
    fixture_t *f = start(state, &(auth_config_t){.jwt_secret = JWT_SECRET,
                                                 .jwt_issuer = "us",
                                                 .jwt_audience = "reef"});

    assert_int_equal(try_claims(f, "{\"iss\":\"us\",\"aud\":\"reef\"}"), 0);
    assert_int_equal(try_claims(f, "{\"iss\":\"them\",\"aud\":\"reef\"}"), 401);
    assert_int_equal(try_claims(f, "{\"iss\":\"us\",\"aud\":\"else\"}"), 401);
}

static void test_auth_exempt_transports_need_no_token(void **state)
{
    fixture_t *f =
        start(state, &(auth_config_t){.token = SHARED, .exempt = " udp, loopback ,"});

    assert_int_equal(try_with(f, "", "access_token=hidden+all+the+same"), 0);
    assert_string_equal(
        REEF_FIND(reef_app_world(f->app), reef_session_next(f->app, 0), session)->query,
        "access_token=***");
}

/* Twice a second more than is needed, whatever the first check's time was. */
static void pass_time(const fixture_t *f)
{
    loopback_set_time_ns(reef_app_now_ns(f->app) + UINT64_C(2000000000));
    reef_app_tick_n(f->app, 2);
}

static void expire(fixture_t *f)
{
    reef_world_t *world = reef_app_world(f->app);

    REEF_FIND_MUT(world, reef_session_next(f->app, 0), claims)->expires_at_ms = 1;
}

static void test_auth_session_ends_with_its_token(void **state)
{
    fixture_t *f = start_jwt(state);

    assert_int_equal(try_claims(f, "{\"exp\":" FUTURE "}"), 0);
    pass_time(f);
    assert_false(f->peer.is_closed);
    expire(f);
    pass_time(f);
    assert_true(f->peer.is_closed);
    assert_int_equal(f->peer.close_code, REEF_AUTH_EXPIRED_CODE);
    assert_string_equal(f->peer.close_reason, "the token has expired");
    f->peer.link = 0;
    assert_int_equal(try_claims(f, "{}"), 0); /* never expires */
    pass_time(f);
    assert_false(f->peer.is_closed);
}

static void test_auth_session_has_the_leeway_of_its_token(void **state)
{
    fixture_t *f =
        start(state, &(auth_config_t){.jwt_secret = JWT_SECRET, .leeway_s = 3600});
    reef_world_t *world = reef_app_world(f->app);
    uint64_t minute_ago_ms = ((uint64_t)time(NULL) - 60) * 1000;

    assert_int_equal(try_claims(f, "{\"exp\":" FUTURE "}"), 0);
    pass_time(f);
    REEF_FIND_MUT(world, reef_session_next(f->app, 0), claims)->expires_at_ms =
        minute_ago_ms;
    pass_time(f);
    assert_false(f->peer.is_closed);
}

static void test_auth_session_may_outlive_its_token(void **state)
{
    fixture_t *f =
        start(state, &(auth_config_t){.jwt_secret = JWT_SECRET, .keep_expired = true});

    assert_int_equal(try_claims(f, "{\"exp\":" FUTURE "}"), 0);
    expire(f);
    pass_time(f);
    assert_false(f->peer.is_closed);
}

static void expect_failure(const auth_config_t *config, const char *text)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    reef_app_t *app = loopback_app_create(3, argv);
    reef_failure_t failure = {0};

    assert_int_equal(reef_app_add_plugin(app, &reef_auth_plugin, config, &failure),
                     REEF_E_INVALID);
    if (strstr(failure.text, text) == NULL) {
        fail_msg("%s", failure.text);
    }
    assert_null(strstr(failure.text, "short"));
    reef_app_destroy(app);
}

static void test_auth_refuses_settings_that_protect_nothing(void **state)
{
    (void)state;
    expect_failure(&(auth_config_t){.token = "short"}, "auth.token: must have");
    expect_failure(&(auth_config_t){.jwt_secret = "short"},
                   "auth.jwt_secret: must have");
    expect_failure(&(auth_config_t){.jwt_issuer = "x"}, "auth.jwt_secret: must be set");
    expect_failure(&(auth_config_t){.token = SHARED, .jwt_audience = "x"},
                   "auth.jwt_secret: must be set");
    expect_failure(&(auth_config_t){.jwt_scope = "x"}, "auth.jwt_secret: must be set");
    expect_failure(&(auth_config_t){.exempt = "tcp,quic"}, "auth.exempt: 'quic'");
}

#define APP_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        APP_TEST(test_auth_is_off_without_a_secret),
        APP_TEST(test_auth_shared_token_lets_in),
        APP_TEST(test_auth_query_may_hold_the_token),
        APP_TEST(test_auth_jwt_lets_in_with_claims),
        APP_TEST(test_auth_jwt_says_what_is_wrong),
        APP_TEST(test_auth_shared_token_and_jwt_may_both_be_set),
        APP_TEST(test_auth_scope_is_a_whole_word),
        APP_TEST(test_auth_issuer_and_audience_are_checked),
        APP_TEST(test_auth_exempt_transports_need_no_token),
        APP_TEST(test_auth_session_ends_with_its_token),
        APP_TEST(test_auth_session_has_the_leeway_of_its_token),
        APP_TEST(test_auth_session_may_outlive_its_token),
        cmocka_unit_test(test_auth_refuses_settings_that_protect_nothing),
    };

    return cmocka_run_group_tests_name("auth_plugin", tests, NULL, NULL);
}
