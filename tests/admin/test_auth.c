#include "auth.h"

#include "admin_request.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

static int setup(void **state)
{
    reef__auth_t *auth = reef__auth_create();

    reef__auth_set_token(auth, "a-token", REEF__ROLE_OPERATOR);
    *state = auth;
    return 0;
}

static int teardown(void **state)
{
    reef__auth_destroy(*state);
    return 0;
}

static reef__auth_result_t identify(reef__auth_t *auth,
                                    const char *name,
                                    const char *value,
                                    uint64_t now_ns,
                                    reef__identity_t *identity)
{
    test_request_t test;

    request_init(&test, "GET", "/");
    test.request.now_ns = now_ns;
    request_add(&test, name, value);
    return reef__auth_identify(auth, &test.request, identity);
}

static reef__auth_result_t login(
    reef__auth_t *auth, const char *code, const char *token, uint64_t now_ns, char *key)
{
    test_request_t test;
    reef__identity_t identity;

    request_init(&test, "POST", "/");
    test.request.now_ns = now_ns;
    return reef__auth_login(auth, &test.request,
                            &(reef__login_t){.code = code, .token = token}, &identity,
                            key);
}

static void test_auth_accepts_the_token_with_its_role(void **state)
{
    reef__identity_t identity = {0};

    assert_int_equal(
        identify(*state, "Authorization", "Bearer a-token", SECOND_NS, &identity),
        REEF__AUTH_OK);
    assert_int_equal(identity.role, REEF__ROLE_OPERATOR);
    assert_false(identity.by_cookie);
}

static void test_auth_refuses_other_credentials(void **state)
{
    static const char *const wrong[] = {"Bearer a-toke",   "Bearer a-token ", "Bearer ",
                                        "Basic a-token",   "a-token",         "",
                                        "Bearer  a-token", "Bearer a-token2"};
    reef__identity_t identity;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(
            identify(*state, "Authorization", wrong[i], SECOND_NS, &identity),
            REEF__AUTH_REFUSED);
    }
    assert_int_equal(identify(*state, "Cookie", "reef_session=", 1, &identity),
                     REEF__AUTH_REFUSED);
    assert_int_equal(identify(*state, "Cookie", "a=b", 1, &identity),
                     REEF__AUTH_REFUSED);
}

static void test_auth_code_is_good_once(void **state)
{
    char code[REEF__SECRET_SIZE], key[REEF__SECRET_SIZE];

    reef__auth_make_code(*state, SECOND_NS, code);
    assert_int_equal(login(*state, "wrong", NULL, 2 * SECOND_NS, key),
                     REEF__AUTH_REFUSED);
    assert_int_equal(login(*state, code, NULL, 2 * SECOND_NS, key), REEF__AUTH_OK);
    assert_int_equal(login(*state, code, NULL, 2 * SECOND_NS, key), REEF__AUTH_REFUSED);
}

static void test_auth_code_ends_after_ten_minutes(void **state)
{
    char code[REEF__SECRET_SIZE], key[REEF__SECRET_SIZE];

    reef__auth_make_code(*state, 0, code);
    assert_int_equal(login(*state, code, NULL, 600 * SECOND_NS, key),
                     REEF__AUTH_REFUSED);
    assert_int_equal(login(*state, code, NULL, 599 * SECOND_NS, key), REEF__AUTH_OK);
}

static void test_auth_session_lives_until_logout(void **state)
{
    reef__identity_t identity = {0};
    char key[REEF__SECRET_SIZE], cookie[2 * REEF__SECRET_SIZE];

    assert_int_equal(login(*state, NULL, "a-token", SECOND_NS, key), REEF__AUTH_OK);
    snprintf(cookie, sizeof(cookie), "a=b; reef_session=%s; c=d", key);
    assert_int_equal(identify(*state, "Cookie", cookie, 2 * SECOND_NS, &identity),
                     REEF__AUTH_OK);
    assert_true(identity.by_cookie);
    assert_int_equal(identity.role, REEF__ROLE_OPERATOR);
    assert_true(reef__auth_is_current(*state, &identity, 2 * SECOND_NS));
    reef__auth_logout(*state, &identity);
    assert_false(reef__auth_is_current(*state, &identity, 2 * SECOND_NS));
    assert_int_equal(identify(*state, "Cookie", cookie, 2 * SECOND_NS, &identity),
                     REEF__AUTH_REFUSED);
}

static void test_auth_session_ends_after_twelve_hours(void **state)
{
    reef__identity_t identity = {0};
    char key[REEF__SECRET_SIZE], cookie[2 * REEF__SECRET_SIZE];

    assert_int_equal(login(*state, NULL, "a-token", 0, key), REEF__AUTH_OK);
    snprintf(cookie, sizeof(cookie), "reef_session=%s", key);
    assert_int_equal(identify(*state, "Cookie", cookie, 43199 * SECOND_NS, &identity),
                     REEF__AUTH_OK);
    assert_int_equal(identify(*state, "Cookie", cookie, 43200 * SECOND_NS, &identity),
                     REEF__AUTH_REFUSED);
    assert_false(reef__auth_is_current(*state, &identity, 43200 * SECOND_NS));
}

static void test_auth_writes_by_cookie_need_the_csrf_token(void **state)
{
    test_request_t test;

    (void)state;
    request_init(&test, "POST", "/");
    assert_true(reef__auth_has_csrf(&test.request));
    test.request.identity = (reef__identity_t){.by_cookie = true, .csrf = "0123"};
    assert_false(reef__auth_has_csrf(&test.request));
    request_add(&test, "x-reef-csrf", "0124");
    assert_false(reef__auth_has_csrf(&test.request));
    test.headers[0].value = "0123";
    assert_true(reef__auth_has_csrf(&test.request));
}

static void test_auth_limits_failures_per_address(void **state)
{
    reef__identity_t identity;
    test_request_t other;

    for (int i = 0; i < 20; i++) {
        assert_int_equal(
            identify(*state, "Authorization", "Bearer wrong", SECOND_NS, &identity),
            REEF__AUTH_REFUSED);
    }
    assert_int_equal(
        identify(*state, "Authorization", "Bearer a-token", SECOND_NS, &identity),
        REEF__AUTH_LIMITED);
    request_init(&other, "GET", "/");
    other.request.peer = "127.0.0.2";
    request_add(&other, "Authorization", "Bearer a-token");
    assert_int_equal(reef__auth_identify(*state, &other.request, &identity),
                     REEF__AUTH_OK);
    assert_int_equal(
        identify(*state, "Authorization", "Bearer a-token", 3 * SECOND_NS, &identity),
        REEF__AUTH_OK);
}

static void fail_from(reef__auth_t *auth, const char *peer, reef__auth_result_t wanted)
{
    reef__identity_t identity;
    test_request_t test;

    request_init(&test, "GET", "/");
    test.request.peer = peer;
    test.request.now_ns = SECOND_NS;
    request_add(&test, "Authorization", "Bearer wrong");
    assert_int_equal(reef__auth_identify(auth, &test.request, &identity), wanted);
}

/* Who has one address of IPv6 has 2^64 of them. */
static void test_auth_limits_failures_per_ipv6_network(void **state)
{
    char peer[64];

    for (int i = 0; i < 20; i++) {
        snprintf(peer, sizeof(peer), "fd00:1:2:3::%x%s", i, i % 2 == 0 ? "" : "%eth0");
        fail_from(*state, peer, REEF__AUTH_REFUSED);
    }
    fail_from(*state, "fd00:1:2:3:4:5:6:7", REEF__AUTH_LIMITED);
    fail_from(*state, "fd00:1:2:4::1", REEF__AUTH_REFUSED);
    fail_from(*state, "::1", REEF__AUTH_REFUSED);
}

static void test_auth_token_file_keeps_only_a_digest(void **state)
{
    char folder[] = "/tmp/reef-auth-XXXXXX", path[64], made[REEF__SECRET_SIZE];
    char again[REEF__SECRET_SIZE], text[128] = {0}, header[128];
    reef__identity_t identity = {0};
    struct stat info;
    FILE *file;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/token", folder);
    assert_int_equal(reef__auth_load_token(*state, path, made, NULL), REEF_OK);
    assert_int_equal(strlen(made), 64);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(text, 1, sizeof(text) - 1, file), 65);
    fclose(file);
    assert_null(strstr(text, made));
    assert_int_equal(reef__auth_load_token(*state, path, again, NULL), REEF_OK);
    assert_string_equal(again, "");
    snprintf(header, sizeof(header), "Bearer %s", made);
    assert_int_equal(identify(*state, "Authorization", header, SECOND_NS, &identity),
                     REEF__AUTH_OK);
    assert_int_equal(identity.role, REEF__ROLE_ADMIN);
    unlink(path);
    rmdir(folder);
}

static void test_auth_refuses_a_token_file_that_is_none(void **state)
{
    char path[] = "/tmp/reef-auth-XXXXXX", made[REEF__SECRET_SIZE];
    int file = mkstemp(path);
    reef_failure_t failure = {0};

    assert_true(file >= 0);
    assert_int_equal(write(file, "password", 8), 8);
    close(file);
    assert_int_equal(reef__auth_load_token(*state, path, made, &failure),
                     REEF_E_INVALID);
    assert_non_null(strstr(failure.text, path));
    unlink(path);
}

static void test_auth_refuses_a_token_file_that_others_may_write(void **state)
{
    char folder[] = "/tmp/reef-auth-XXXXXX", path[64], made[REEF__SECRET_SIZE];
    reef_failure_t failure = {0};

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/token", folder);
    assert_int_equal(reef__auth_load_token(*state, path, made, NULL), REEF_OK);
    assert_int_equal(chmod(path, 0622), 0);
    assert_int_equal(reef__auth_load_token(*state, path, made, &failure),
                     REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "by others"));
    unlink(path);
    rmdir(folder);
}

static void test_auth_does_not_wait_for_a_token_file_that_is_a_pipe(void **state)
{
    char folder[] = "/tmp/reef-auth-XXXXXX", path[64], made[REEF__SECRET_SIZE];

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/token", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(reef__auth_load_token(*state, path, made, NULL), REEF_E_INVALID);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_auth_accepts_the_token_with_its_role),
        TEST(test_auth_refuses_other_credentials),
        TEST(test_auth_code_is_good_once),
        TEST(test_auth_code_ends_after_ten_minutes),
        TEST(test_auth_session_lives_until_logout),
        TEST(test_auth_session_ends_after_twelve_hours),
        TEST(test_auth_writes_by_cookie_need_the_csrf_token),
        TEST(test_auth_limits_failures_per_address),
        TEST(test_auth_limits_failures_per_ipv6_network),
        TEST(test_auth_token_file_keeps_only_a_digest),
        TEST(test_auth_refuses_a_token_file_that_is_none),
        TEST(test_auth_refuses_a_token_file_that_others_may_write),
        TEST(test_auth_does_not_wait_for_a_token_file_that_is_a_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
