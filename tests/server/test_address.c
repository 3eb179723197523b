#include "test.h"

#include "transport/address.h"

#include <dlfcn.h>
#include <netdb.h>

typedef int (*getaddrinfo_fn)(const char *,
                              const char *,
                              const struct addrinfo *,
                              struct addrinfo **);

static int name_lookups; /* that may have asked a name server */

/* Takes the place of libc's for this program. */
int getaddrinfo(const char *restrict name,
                const char *restrict service,
                const struct addrinfo *restrict req,
                struct addrinfo **restrict pai)
{
    getaddrinfo_fn numeric;

    if ((req->ai_flags & AI_NUMERICHOST) == 0) {
        name_lookups++;
        return EAI_NONAME;
    }
    *(void **)&numeric = dlsym(RTLD_NEXT, "getaddrinfo");
    return numeric(name, service, req, pai);
}

/* An address as it is printed again, or "" when it was refused. */
static const char *again(const char *text)
{
    static char out[REEF__ADDRESS_TEXT_SIZE];
    struct sockaddr_storage address;

    out[0] = '\0';
    if (reef__address_parse(reef_span_text(text), "test", &address, NULL) == REEF_OK) {
        reef__address_format(&address, out);
    }
    return out;
}

static void test_address_reads_both_families(void **state)
{
    (void)state;
    assert_string_equal(again("127.0.0.1:8080"), "127.0.0.1:8080");
    assert_string_equal(again("0.0.0.0:0"), "0.0.0.0:0");
    assert_string_equal(again("[::1]:65535"), "[::1]:65535");
}

static void test_address_reads_paths_of_unix_sockets(void **state)
{
    char longest[5 + 107 + 2] = "unix:";

    (void)state;
    memset(longest + 5, '/', 107);
    assert_string_equal(again("unix:/run/reef.sock"), "unix:/run/reef.sock");
    assert_string_equal(again(longest), longest);
    longest[5 + 107] = '/';
    assert_string_equal(again(longest), "");
    assert_string_equal(again("unix:relative"), "");
    assert_string_equal(again("unix:/"), "");
    assert_string_equal(again("unix:"), "");
}

/* Of a peer that has reset its connection. */
static void test_address_says_when_there_is_none(void **state)
{
    struct sockaddr_storage none = {0};
    char text[REEF__ADDRESS_TEXT_SIZE];

    (void)state;
    reef__address_format(&none, text);
    assert_string_equal(text, "unknown");
}

static void test_address_refuses_what_is_none(void **state)
{
    static const char *const bad[] = {
        "127.0.0.1:80800", "127.0.0.1", "127.0.0.1:", ":80",  "::1:80",
        "127.0.0.1:8x",    "[::1]",     "",           "[]:1", "127.0.0.1:-1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_string_equal(again(bad[i]), "");
    }
}

static void test_address_asks_for_names_and_never_for_numbers(void **state)
{
    static const char *const numbers[] = {"127.0.0.1:1", "256.0.0.1:1", "1.2.3.4.5:1",
                                          "[::1]:1",     "[::g]:1",     "...:1"};

    (void)state;
    name_lookups = 0;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        (void)again(numbers[i]);
    }
    assert_int_equal(name_lookups, 0);
    assert_string_equal(again("256.0.0.1:1"), "");
    assert_string_equal(again("[::g]:1"), "");
    (void)again("4.example:1");
    assert_int_equal(name_lookups, 1);
}

static void test_address_failure_names_setting_and_text(void **state)
{
    struct sockaddr_storage address;
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef__address_parse(reef_span_text("1.2.3.4:80800"),
                                         "websocket.listen", &address, &failure),
                     REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "websocket.listen: '1.2.3.4:80800'"));
}

static void test_address_list_skips_spaces_and_empty_items(void **state)
{
    reef_span_t list = reef_span_text(" a:1, ,b:2,");
    reef_span_t item;

    (void)state;
    assert_true(reef__address_next(&list, &item));
    assert_true(reef_span_equal(item, reef_span_text("a:1")));
    assert_true(reef__address_next(&list, &item));
    assert_true(reef_span_equal(item, reef_span_text("b:2")));
    assert_false(reef__address_next(&list, &item));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_reads_both_families),
        cmocka_unit_test(test_address_reads_paths_of_unix_sockets),
        cmocka_unit_test(test_address_says_when_there_is_none),
        cmocka_unit_test(test_address_refuses_what_is_none),
        cmocka_unit_test(test_address_asks_for_names_and_never_for_numbers),
        cmocka_unit_test(test_address_failure_names_setting_and_text),
        cmocka_unit_test(test_address_list_skips_spaces_and_empty_items),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
