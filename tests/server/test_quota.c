#include "test.h"

#include "transport/quota.h"

#include <arpa/inet.h>
#include <sys/un.h>

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage address = {0};
    reef__ip_t ip;

    assert_true(reef__ip_parse(reef_span_text(text), &ip));
    reef__ip_to_address(&ip, 1, &address);
    return address;
}

static void test_quota_has_places_for_as_many_as_it_says(void **state)
{
    reef__quota_t quota;

    (void)state;
    reef__quota_init(&quota, reef_alloc_default(), 2, 0);
    assert_true(reef__quota_take(&quota));
    assert_true(reef__quota_take(&quota));
    assert_false(reef__quota_take(&quota));
    assert_false(reef__quota_take(&quota)); /* being refused takes nothing */
    reef__quota_give(&quota);
    assert_true(reef__quota_take(&quota));
    assert_false(reef__quota_take(&quota));
    reef__quota_finish(&quota);
}

static void test_quota_counts_each_address_for_itself(void **state)
{
    struct sockaddr_storage one = address_of("10.0.0.1");
    struct sockaddr_storage two = address_of("10.0.0.2");
    reef__ip_t counted[3] = {{.bits = 0}};
    reef__quota_t quota;

    (void)state;
    reef__quota_init(&quota, reef_alloc_default(), 9, 1);
    assert_true(reef__quota_count(&quota, &one, &counted[0]));
    assert_false(reef__quota_count(&quota, &one, &counted[1]));
    assert_int_equal(counted[1].bits, 0);
    assert_true(reef__quota_count(&quota, &two, &counted[2]));
    reef__quota_uncount(&quota, &counted[1]); /* was not counted */
    assert_false(reef__quota_count(&quota, &one, &counted[1]));
    reef__quota_uncount(&quota, &counted[0]);
    reef__quota_uncount(&quota, &counted[0]); /* a second time: nothing */
    assert_true(reef__quota_count(&quota, &one, &counted[1]));
    assert_false(reef__quota_count(&quota, &one, &counted[0]));
    reef__quota_finish(&quota);
}

static void test_quota_knows_this_machine(void **state)
{
    static const struct {
        const char *text;
        bool is_local;
    } rows[] = {
        {"127.0.0.1", true},  {"127.9.9.9", true},        {"::1", true},
        {"128.0.0.1", false}, {"::ffff:127.0.0.1", true}, {"::2", false},
    };
    struct sockaddr_storage unix_address = {.ss_family = AF_UNIX};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_storage address = address_of(rows[i].text);

        assert_int_equal(reef__quota_is_local(&address), rows[i].is_local);
    }
    assert_true(reef__quota_is_local(&unix_address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quota_has_places_for_as_many_as_it_says),
        cmocka_unit_test(test_quota_counts_each_address_for_itself),
        cmocka_unit_test(test_quota_knows_this_machine),
    };

    return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
