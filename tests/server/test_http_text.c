#include "http_text.h"
#include "test.h"

/* Decoded, or NULL when it is refused; borrowed until the next call. */
static const char *path(const char *text)
{
    static char out[256];

    return reef__http_decode_path(reef_span_text(text), out) ? out : NULL;
}

static const char *form(const char *text)
{
    static char out[256];

    return reef__http_decode_form(reef_span_text(text), out) ? out : NULL;
}

static const char *quote(const char *text)
{
    static char out[256];
    size_t size = reef__http_quote(reef_span_text(text), out);

    assert_int_equal(size, strlen(out));
    return out;
}

static void test_http_text_decodes_paths(void **state)
{
    (void)state;
    assert_string_equal(path("/"), "/");
    assert_string_equal(path("/a/b/"), "/a/b/");
    assert_string_equal(path("/a%20b/%C3%A4%e2%82%ac"), "/a b/ä€");
    assert_string_equal(path("/a+b"), "/a+b");
    assert_string_equal(path("/..."), "/...");
    assert_string_equal(path("/%25"), "/%");
}

static void test_http_text_refuses_paths_that_others_may_read_otherwise(void **state)
{
    static const char *const bad[] = {
        "",        "a",    "*",         "//",         "/a//b",  "/.",         "/..",
        "/a/../b", "/%2e", "/a/%2E%2e", "/.%2e/b",    "/a%2fb", "/a%2Fb",     "/%00",
        "/%",      "/%1",  "/%g1",      "/%1g",       "/%0a",   "/a\tb",      "/%7f",
        "/%ff",    "/%C3", "/%C3/%A4",  "/%ed%a0%80", "/\xff",  "http://a/b", "/%-1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (path(bad[i]) != NULL) {
            fail_msg("'%s' was taken as '%s'", bad[i], path(bad[i]));
        }
    }
}

static void test_http_text_decodes_forms(void **state)
{
    static const char *const bad[] = {"%", "%1", "%x1", "%00", "%ff", "a%"};

    (void)state;
    assert_string_equal(form(""), "");
    assert_string_equal(form("a+b%2Bc%2fd%0A"), "a b+c/d\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(form(bad[i]));
    }
}

static void test_http_text_encodes_what_a_segment_cannot_hold(void **state)
{
    char out[64];

    (void)state;
    reef__http_encode(reef_span_text("aZ9-._~ /%ä"), out);
    assert_string_equal(out, "aZ9-._~%20%2F%25%C3%A4");
}

static void test_http_text_quotes_whatever_it_is_given(void **state)
{
    (void)state;
    assert_string_equal(quote(""), "\"\"");
    assert_string_equal(quote("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
    assert_string_equal(quote("ä€😀"), "\"ä€😀\"");
    assert_string_equal(quote("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_string_equal(quote("\xed\xa0\x80"),
                        "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_text_decodes_paths),
        cmocka_unit_test(test_http_text_refuses_paths_that_others_may_read_otherwise),
        cmocka_unit_test(test_http_text_decodes_forms),
        cmocka_unit_test(test_http_text_encodes_what_a_segment_cannot_hold),
        cmocka_unit_test(test_http_text_quotes_whatever_it_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
