/* Addresses in their forms, and the table against one that forgets nothing. */
#include "test.h"

#include "prefix.h"

#define SECOND_NS UINT64_C(1000000000)

enum {
    LIMIT = 16,
    ADDRESSES = 40,
    STEPS = 20000
};

static bool is_same(const char *a, const char *b)
{
    reef__prefix_key_t x = reef__prefix_of(a);
    reef__prefix_key_t y = reef__prefix_of(b);

    assert_true(x.bits != 0 && y.bits != 0);
    return x.network == y.network && x.bits == y.bits;
}

static void test_prefix_of_ipv4_is_the_address(void **state)
{
    (void)state;
    assert_true(is_same("192.0.2.1:80", "192.0.2.1:81"));
    assert_true(is_same("192.0.2.1:80", "192.0.2.1"));
    assert_true(is_same("192.0.2.1:80", "[::ffff:192.0.2.1]:80"));
    assert_false(is_same("192.0.2.1:80", "192.0.2.2:80"));
}

static void test_prefix_of_ipv6_is_its_first_half(void **state)
{
    (void)state;
    assert_true(is_same("[2001:db8::1]:80", "[2001:db8::ffff:2]:81"));
    assert_true(is_same("[2001:db8::1]:80", "2001:db8::2"));
    assert_true(is_same("[fe80::1%eth0]:80", "fe80::2%eth1"));
    assert_false(is_same("[2001:db8::1]:80", "[2001:db8:0:1::1]:80"));
    assert_false(is_same("[c000:201::]:80", "192.0.2.1:80"));
}

static void test_prefix_of_anything_else_is_none(void **state)
{
    static const char *const others[] = {
        "",
        "memory",
        "unix:pid=1,uid=2",
        "unknown",
        ":80",
        "[",
        "[]:1",
        "1.2.3",
        "1.2.3.4.5:6",
        "longer than an address of any family could ever be, with a port:80"};

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        reef__prefix_key_t key = reef__prefix_of(others[i]);

        if (key.bits != 0) {
            fail_msg("'%s' is taken for an address", others[i]);
        }
    }
}

typedef struct fixture {
    reef__prefixes_t prefixes;
    uint32_t entered[ADDRESSES]; /* clients with a bucket */
    uint32_t number[ADDRESSES];
    uint64_t seed;
} fixture_t;

static const reef__bucket_rules_t rules = {.window_ns = SECOND_NS, .max_messages = 10};

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    reef__prefixes_init(&f->prefixes, reef_alloc_default(), &rules, LIMIT);
    f->seed = 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__prefixes_finish(&f->prefixes);
    free(f);
    return 0;
}

static uint32_t random_below(fixture_t *f, uint32_t limit)
{
    f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(f->seed >> 33) % limit;
}

static reef__prefix_key_t key_of(uint32_t address)
{
    return (reef__prefix_key_t){.network = address, .bits = 32};
}

static uint32_t used(const fixture_t *f)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ADDRESSES; i++) {
        count += f->entered[i] > 0;
    }
    return count;
}

static void enter(fixture_t *f, uint32_t address, uint64_t now_ns)
{
    bool must_fit = f->entered[address] > 0 || used(f) < LIMIT;
    uint32_t number = reef__prefixes_enter(&f->prefixes, key_of(address), now_ns);

    assert_int_equal(number != REEF__NO_PREFIX, must_fit);
    if (number == REEF__NO_PREFIX) {
        return;
    }
    if (f->entered[address]++ > 0) {
        assert_int_equal(number, f->number[address]);
    }
    f->number[address] = number;
    assert_int_equal(f->prefixes.list.items[number].key.network, address);
}

static void leave(fixture_t *f, uint32_t address)
{
    if (f->entered[address] > 0) {
        f->entered[address]--;
        reef__prefixes_leave(&f->prefixes, f->number[address]);
    }
}

static void test_prefixes_keep_their_cap_and_those_in_use(void **state)
{
    fixture_t *f = *state;
    uint64_t now_ns = 0;

    for (int i = 0; i < STEPS; i++) {
        uint32_t address = random_below(f, ADDRESSES);

        now_ns += random_below(f, SECOND_NS / 8);
        if (random_below(f, 2) == 0) {
            enter(f, address, now_ns);
        } else {
            leave(f, address);
        }
        if (f->entered[address] > 0) {
            reef__bucket_take(reef__prefixes_bucket(&f->prefixes, f->number[address]),
                              1);
        }
        assert_in_range(f->prefixes.count, used(f), LIMIT);
        assert_int_equal(reef_map_count(f->prefixes.places), f->prefixes.count);
        assert_true(f->prefixes.list.count <= LIMIT);
    }
}

static void test_prefixes_with_nothing_to_remember_are_swept_away(void **state)
{
    fixture_t *f = *state;

    for (uint32_t i = 0; i < LIMIT; i++) {
        enter(f, i, 0);
        reef__bucket_take(reef__prefixes_bucket(&f->prefixes, f->number[i]), 1);
    }
    for (uint32_t i = 0; i < LIMIT; i++) {
        leave(f, i);
    }
    enter(f, LIMIT, SECOND_NS - 1); /* in the place of the oldest */
    assert_int_equal(f->prefixes.count, LIMIT);
    for (uint32_t i = 1; i <= LIMIT / 2; i++) {
        enter(f, LIMIT + i, SECOND_NS);
    }
    assert_int_equal(f->prefixes.count, 1 + LIMIT / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_of_ipv4_is_the_address),
        cmocka_unit_test(test_prefix_of_ipv6_is_its_first_half),
        cmocka_unit_test(test_prefix_of_anything_else_is_none),
        TEST(test_prefixes_keep_their_cap_and_those_in_use),
        TEST(test_prefixes_with_nothing_to_remember_are_swept_away),
    };

    return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
