#include "test.h"

#include "transport/address.h"
#include "transport/forwarded.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int setup(void **state)
{
    *state = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

static reef__proxies_t parse(const char *text)
{
    reef__proxies_t proxies;
    reef_failure_t failure;

    if (reef__proxies_parse(&proxies, reef_alloc_default(), reef_span_text(text),
                            "test", &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    return proxies;
}

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage out;

    assert_int_equal(reef__address_parse(reef_span_text(text), "test", &out, NULL),
                     REEF_OK);
    return out;
}

static void test_proxies_contain_addresses_and_prefixes(void **state)
{
    static const struct {
        const char *list;
        const char *address;
        bool is_in;
    } cases[] = {
        {"", "127.0.0.1:1", false},
        {" , ,", "127.0.0.1:1", false},
        {"127.0.0.1", "127.0.0.1:1", true},
        {"127.0.0.1", "127.0.0.2:1", false},
        {"10.0.0.0/8, ::1, 192.168.1.7", "10.255.1.2:1", true},
        {"10.0.0.0/8, ::1, 192.168.1.7", "11.0.0.0:1", false},
        {"10.0.0.0/8, ::1, 192.168.1.7", "[::1]:1", true},
        {"10.0.0.0/8, ::1, 192.168.1.7", "[::2]:1", false},
        {"10.0.0.0/8, ::1, 192.168.1.7", "192.168.1.7:1", true},
        {"192.168.4.0/22", "192.168.7.255:1", true},
        {"192.168.4.0/22", "192.168.8.0:1", false},
        {"192.168.4.0/22", "192.168.3.255:1", false},
        {"0.0.0.0/0", "255.1.2.3:1", true},
        {"0.0.0.0/0", "[::1]:1", false},
        {"::/0", "[fe80::1]:1", true},
        {"::/0", "1.2.3.4:1", false},
        {"::/0", "[::ffff:1.2.3.4]:1", false},
        {"2001:db8::/33", "[2001:db8:7fff::1]:1", true},
        {"2001:db8::/33", "[2001:db8:8000::1]:1", false},
        {"10.0.0.0/8", "[::ffff:10.1.2.3]:1", true},
        {"::ffff:10.1.2.3", "10.1.2.3:1", true},
        {"::ffff:10.0.0.0/104", "10.1.2.3:1", true},
        {"::ffff:10.0.0.0/104", "11.1.2.3:1", false},
        {"1.2.3.4/32", "1.2.3.4:1", true},
        {"1.2.3.4/32", "1.2.3.5:1", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        reef__proxies_t proxies = parse(cases[i].list);
        struct sockaddr_storage from = address(cases[i].address);

        if (reef__proxies_contain(&proxies, &from) != cases[i].is_in) {
            fail_msg("'%s' and %s", cases[i].list, cases[i].address);
        }
        reef__proxies_finish(&proxies);
    }
}

static void test_proxies_refuse_what_is_no_address(void **state)
{
    static const struct {
        const char *list;
        const char *text; /* of the failure */
    } cases[] = {
        {"localhost", "web.proxies: 'localhost' is no address or prefix"},
        {"::1, 10.0.0", "web.proxies: '10.0.0' is no address or prefix"},
        {"010.0.0.1", "'010.0.0.1' is no address"},
        {"256.0.0.1", "'256.0.0.1' is no address"},
        {"1.2.3.4:80", "'1.2.3.4:80' is no address"},
        {"[::1]", "'[::1]' is no address"},
        {"::1 ::2", "'::1 ::2' is no address"},
        {"/8", "'/8' is no address"},
        {"fe80::1%lo", "'fe80::1%lo' is no address"},
        {"10.0.0.0/", "'10.0.0.0/' has no prefix length"},
        {"10.0.0.0/33", "'10.0.0.0/33' has no prefix length"},
        {"10.0.0.0/08", "'10.0.0.0/08' has no prefix length"},
        {"10.0.0.0/-1", "'10.0.0.0/-1' has no prefix length"},
        {"10.0.0.0/8/8", "'10.0.0.0/8/8' has no prefix length"},
        {"10.0.0.0/4294967304", "has no prefix length"},
        {"10.0.0.0/255.0.0.0", "has no prefix length"},
        {"::/129", "'::/129' has no prefix length"},
        {"::ffff:10.0.0.0/95", "'::ffff:10.0.0.0/95' has no prefix length"},
        {"10.0.0.1/8", "web.proxies: '10.0.0.1/8' has bits set behind its prefix"},
        {"2001:db8::1/64", "'2001:db8::1/64' has bits set behind its prefix"},
        {"128.0.0.0/0", "'128.0.0.0/0' has bits set behind its prefix"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        reef__proxies_t proxies = {.count = 77};
        reef_failure_t failure = {.text = ""};

        assert_int_equal(reef__proxies_parse(&proxies, reef_alloc_default(),
                                             reef_span_text(cases[i].list),
                                             "web.proxies", &failure),
                         REEF_E_INVALID);
        if (strstr(failure.text, cases[i].text) == NULL) {
            fail_msg("'%s' is not in '%s'", cases[i].text, failure.text);
        }
        assert_int_equal(proxies.count, 77);
    }
}

/* The proxies of the cases below are 10.0.0.0/8 and fd00::/8.  Values are separated by
 * '|'. */
typedef struct forwarded_case {
    const char *peer;
    const char *values;
    const char *client;
} forwarded_case_t;

static void check(const forwarded_case_t *c)
{
    reef__proxies_t proxies = parse("10.0.0.0/8, fd00::/8");
    struct sockaddr_storage found = address(c->peer);
    const char *rest = c->values;
    reef_span_t values[8];
    size_t count = 0;
    char text[REEF__ADDRESS_TEXT_SIZE];

    while (rest != NULL) {
        const char *bar = strchr(rest, '|');

        values[count++] = reef_span(rest, bar ? (size_t)(bar - rest) : strlen(rest));
        rest = bar ? bar + 1 : NULL;
    }
    reef__forwarded_client(&proxies, &found, values, count, &found);
    reef__address_format(&found, text);
    if (strcmp(text, c->client) != 0) {
        fail_msg("%s through '%s' is %s, not %s", c->peer, c->values, text, c->client);
    }
    reef__proxies_finish(&proxies);
}

static void test_forwarded_finds_the_first_who_is_not_trusted(void **state)
{
    static const forwarded_case_t cases[] = {
        {"1.2.3.4:5", NULL, "1.2.3.4:5"},
        {"1.2.3.4:5", "9.9.9.9", "1.2.3.4:5"}, /* it may say what it likes */
        {"10.0.0.1:5", NULL, "10.0.0.1:5"},
        {"10.0.0.1:5", "9.9.9.9", "9.9.9.9:0"},
        {"[::ffff:10.0.0.1]:5", "9.9.9.9", "9.9.9.9:0"},
        {"10.0.0.1:5", "6.6.6.6, 9.9.9.9", "9.9.9.9:0"}, /* 6.6.6.6 by the client */
        {"10.0.0.1:5", "6.6.6.6, 9.9.9.9, 10.0.0.2", "9.9.9.9:0"},
        {"10.0.0.1:5", "6.6.6.6,9.9.9.9|10.0.0.3,10.0.0.2", "9.9.9.9:0"},
        {"10.0.0.1:5", "6.6.6.6|9.9.9.9", "9.9.9.9:0"},
        {"10.0.0.1:5", "10.0.0.3, 10.0.0.2", "10.0.0.3:0"}, /* a client inside */
        {"[fd00::1]:5", "2001:db8::7, fd00::2", "[2001:db8::7]:0"},
        {"[fe80::1]:5", "9.9.9.9", "[fe80::1]:5"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(&cases[i]);
    }
}

static void test_forwarded_reads_ports_brackets_and_spaces(void **state)
{
    static const forwarded_case_t cases[] = {
        {"10.0.0.1:5", "9.9.9.9:567", "9.9.9.9:567"},
        {"10.0.0.1:5", "9.9.9.9:65535", "9.9.9.9:65535"},
        {"10.0.0.1:5", "9.9.9.9:0", "9.9.9.9:0"},
        {"10.0.0.1:5", "[::1]:5", "[::1]:5"},
        {"10.0.0.1:5", "[::1]", "[::1]:0"},
        {"10.0.0.1:5", "::1", "[::1]:0"},
        {"10.0.0.1:5", "::ffff:9.9.9.9", "9.9.9.9:0"},
        {"10.0.0.1:5", "[::ffff:9.9.9.9]:8", "9.9.9.9:8"},
        {"10.0.0.1:5", "::ffff:10.0.0.2, ::1", "[::1]:0"},
        {"10.0.0.1:5", " \t9.9.9.9 ", "9.9.9.9:0"},
        {"10.0.0.1:5", "9.9.9.9\t,  10.0.0.2:80 ", "9.9.9.9:0"},
        {"10.0.0.1:5", "9.9.9.9, , ,", "9.9.9.9:0"}, /* nothing is no entry */
        {"10.0.0.1:5", "9.9.9.9||", "9.9.9.9:0"},
        {"10.0.0.1:5", "9.9.9.9|,|", "9.9.9.9:0"},
        {"10.0.0.1:5", " , ", "10.0.0.1:5"},
        {"10.0.0.1:5", "", "10.0.0.1:5"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check(&cases[i]);
    }
}

static void test_forwarded_stops_at_what_is_no_address(void **state)
{
    static const char *const bad[] = {
        "unknown",
        "_hidden",
        "9.9.9",
        "9.9.9.9:",
        "9.9.9.9:65536",
        "9.9.9.9:x",
        "9.9.9.9:-1",
        "9.9.9.9:0080",
        "9.9.9.9 8.8.8.8",
        "9.9.9.9:1:2",
        "[9.9.9.9]:1",
        "[::1",
        "::1]",
        "[]",
        "[::1]5",
        "[::1]x5",
        "[::1]:",
        "[::1]:x",
        "[[::1]]",
        "\"9.9.9.9\"",
        "fe80::1%lo",
        "for=9.9.9.9",
        ":",
        ":5",
        "[",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee",
    };
    char values[128];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        check(&(forwarded_case_t){"10.0.0.1:5", bad[i], "10.0.0.1:5"});
        snprintf(values, sizeof(values), "8.8.8.8, %s, 10.0.0.2:7", bad[i]);
        check(&(forwarded_case_t){"10.0.0.1:5", values, "10.0.0.2:7"});
        snprintf(values, sizeof(values), "8.8.8.8|%s|10.0.0.2:7", bad[i]);
        check(&(forwarded_case_t){"10.0.0.1:5", values, "10.0.0.2:7"});
    }
}

static void test_forwarded_stops_at_a_zero_byte(void **state)
{
    reef__proxies_t proxies = parse("10.0.0.0/8");
    reef_span_t value = reef_span("9.9.9.9\0:1", 10);
    struct sockaddr_storage client = address("10.0.0.1:5");
    char text[REEF__ADDRESS_TEXT_SIZE];

    (void)state;
    reef__forwarded_client(&proxies, &client, &value, 1, &client);
    reef__address_format(&client, text);
    assert_string_equal(text, "10.0.0.1:5");
    value.size = 8;
    reef__forwarded_client(&proxies, &client, &value, 1, &client);
    reef__address_format(&client, text);
    assert_string_equal(text, "10.0.0.1:5");
    reef__proxies_finish(&proxies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_proxies_contain_addresses_and_prefixes),
        TEST(test_proxies_refuse_what_is_no_address),
        TEST(test_forwarded_finds_the_first_who_is_not_trusted),
        TEST(test_forwarded_reads_ports_brackets_and_spaces),
        TEST(test_forwarded_stops_at_what_is_no_address),
        TEST(test_forwarded_stops_at_a_zero_byte),
    };

    return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
