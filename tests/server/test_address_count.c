#include "test.h"

#include "transport/address_count.h"
#include "transport/ip.h"

#include <netinet/in.h>

enum {
    LIMIT = 3,
    ADDRESSES = 3000,
    STEPS = 100000,
};

typedef struct fixture {
    reef__address_count_t table;
    reef_alloc_t alloc;
    size_t bytes; /* allocated and not released */
} fixture_t;

static void *resize(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    fixture_t *f = ctx;

    f->bytes += new_size - old_size;
    return reef_resize(reef_alloc_default(), ptr, old_size, new_size);
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->alloc = (reef_alloc_t){.resize = resize, .ctx = f};
    reef__address_count_init(&f->table, &f->alloc, LIMIT);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    size_t bytes;

    reef__address_count_finish(&f->table);
    bytes = f->bytes;
    free(f);
    return bytes == 0 ? 0 : -1;
}

static struct sockaddr_storage address(const char *text, uint16_t port)
{
    struct sockaddr_storage out;
    reef__ip_t ip;

    assert_true(reef__ip_parse(reef_span_text(text), &ip));
    reef__ip_to_address(&ip, port, &out);
    return out;
}

static bool add(fixture_t *f, const char *text)
{
    static uint16_t port;
    struct sockaddr_storage from = address(text, ++port);

    return reef__address_count_add(&f->table, &from);
}

static void take(fixture_t *f, const char *text)
{
    struct sockaddr_storage from = address(text, 1);

    reef__address_count_remove(&f->table, &from);
}

static void test_address_count_refuses_beyond_the_limit(void **state)
{
    fixture_t *f = *state;

    for (int i = 0; i < LIMIT; i++) {
        assert_true(add(f, "192.0.2.1"));
    }
    assert_false(add(f, "192.0.2.1"));
    assert_true(add(f, "192.0.2.2"));
    take(f, "192.0.2.1");
    assert_true(add(f, "192.0.2.1"));
    assert_false(add(f, "192.0.2.1"));
}

static void test_address_count_counts_ipv6_by_64_bits(void **state)
{
    fixture_t *f = *state;

    assert_true(add(f, "2001:db8:0:1::1"));
    assert_true(add(f, "2001:db8:0:1:ffff::"));
    assert_true(add(f, "2001:db8:0:1:0:1:2:3"));
    assert_false(add(f, "2001:db8:0:1::4"));
    assert_true(add(f, "2001:db8:0:2::1"));
}

static void test_address_count_takes_mapped_ipv4_for_ipv4(void **state)
{
    struct sockaddr_storage mapped = {.ss_family = AF_INET6};
    fixture_t *f = *state;

    /* as an IPv6 socket names an IPv4 peer */
    memcpy((char *)&mapped + 8, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    assert_true(reef__address_count_add(&f->table, &mapped));
    assert_true(add(f, "192.0.2.1"));
    assert_true(add(f, "192.0.2.1"));
    assert_false(reef__address_count_add(&f->table, &mapped));
    assert_true(add(f, "192.0.2.2"));
    reef__address_count_remove(&f->table, &mapped);
    assert_true(add(f, "192.0.2.1"));
}

static void test_address_count_tells_families_apart(void **state)
{
    fixture_t *f = *state;

    for (int i = 0; i < LIMIT; i++) {
        assert_true(add(f, "0.0.0.0"));
    }
    assert_true(add(f, "::1"));
}

static void test_address_count_lets_other_families_through(void **state)
{
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    fixture_t *f = *state;

    for (int i = 0; i < 2 * LIMIT; i++) {
        assert_true(reef__address_count_add(&f->table, &local));
    }
    reef__address_count_remove(&f->table, &local);
    assert_int_equal(f->bytes, 0);
}

static void test_address_count_without_a_limit_only_counts(void **state)
{
    struct sockaddr_storage from = address("192.0.2.1", 0);
    fixture_t *f = *state;

    f->table.limit = 0;
    for (int i = 0; i < 100; i++) {
        assert_true(add(f, "192.0.2.1"));
    }
    assert_int_equal(reef__address_count_get(&f->table, &from), 100);
}

static void test_address_count_keeps_no_memory_of_who_left(void **state)
{
    fixture_t *f = *state;
    char text[32];

    for (int i = 0; i < ADDRESSES; i++) {
        snprintf(text, sizeof(text), "10.1.%d.%d", i / 256, i % 256);
        assert_true(add(f, text));
    }
    assert_in_range(f->bytes, ADDRESSES * 16, ADDRESSES * 16 * 4);
    for (int i = ADDRESSES; i-- > 10;) {
        snprintf(text, sizeof(text), "10.1.%d.%d", i / 256, i % 256);
        take(f, text);
    }
    assert_in_range(f->bytes, 10, 10 * 16 * 16);
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof(text), "10.1.0.%d", i);
        take(f, text);
    }
    assert_int_equal(f->bytes, 0);
}

static void test_address_count_seed_is_another_each_time(void **state)
{
    fixture_t *f = *state;
    reef__address_count_t other;

    reef__address_count_init(&other, &f->alloc, 1);
    assert_true(other.seed != f->table.seed);
}

static void test_address_count_places_depend_on_the_seed(void **state)
{
    fixture_t *f = *state;
    reef__address_count_t other;

    reef__address_count_init(&other, &f->alloc, 1);
    f->table.seed = 1;
    other.seed = 2;
    for (int i = 0; i < 6; i++) {
        struct sockaddr_storage from = address("10.0.0.1", 0);

        ((struct sockaddr_in *)&from)->sin_addr.s_addr += (uint32_t)i << 24;
        assert_true(reef__address_count_add(&f->table, &from));
        assert_true(reef__address_count_add(&other, &from));
    }
    assert_int_equal(other.capacity, f->table.capacity);
    assert_memory_not_equal(other.entries, f->table.entries,
                            other.capacity * sizeof(*other.entries));
    reef__address_count_finish(&other);
}

static void test_address_count_counts_like_an_array(void **state)
{
    static uint32_t expected[ADDRESSES];
    fixture_t *f = *state;
    uint64_t random = 1;
    char text[32];

    for (int step = 0; step < STEPS; step++) {
        struct sockaddr_storage from;
        size_t i;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        /* few addresses for a while, then many: it grows and shrinks */
        i = (random >> 33) % (step / 10000 % 2 == 0 ? ADDRESSES : 20);
        snprintf(text, sizeof(text), i % 2 ? "10.0.%zu.%zu" : "fd00:%zu:%zu::1",
                 i / 256, i % 256);
        from = address(text, 1);
        assert_int_equal(reef__address_count_get(&f->table, &from), expected[i]);
        if (random >> 63 != 0) {
            bool is_added = reef__address_count_add(&f->table, &from);

            assert_int_equal(is_added, expected[i] < LIMIT);
            expected[i] += is_added;
        } else if (expected[i] > 0) {
            reef__address_count_remove(&f->table, &from);
            expected[i]--;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_address_count_refuses_beyond_the_limit),
        TEST(test_address_count_counts_ipv6_by_64_bits),
        TEST(test_address_count_takes_mapped_ipv4_for_ipv4),
        TEST(test_address_count_tells_families_apart),
        TEST(test_address_count_lets_other_families_through),
        TEST(test_address_count_without_a_limit_only_counts),
        TEST(test_address_count_keeps_no_memory_of_who_left),
        TEST(test_address_count_seed_is_another_each_time),
        TEST(test_address_count_places_depend_on_the_seed),
        TEST(test_address_count_counts_like_an_array),
    };

    return cmocka_run_group_tests_name("address_count", tests, NULL, NULL);
}
