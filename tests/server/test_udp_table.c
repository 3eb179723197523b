#include "test.h"

#include "transport/ip.h"
#include "transport/udp_table.h"

#include <netinet/in.h>

enum {
    PEERS = 3000,
    STEPS = 100000,
};

typedef struct fixture {
    reef__udp_table_t table;
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
    reef__udp_table_init(&f->table, &f->alloc);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;
    size_t bytes;

    reef__udp_table_finish(&f->table);
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

static reef__udp_key_t key(const char *text, uint16_t port)
{
    struct sockaddr_storage from = address(text, port);

    return reef__udp_key_of(&from);
}

static void *find(const fixture_t *f, const char *text, uint16_t port)
{
    reef__udp_key_t wanted = key(text, port);

    return reef__udp_table_find(&f->table, &wanted);
}

static void add(fixture_t *f, const char *text, uint16_t port, void *value)
{
    reef__udp_key_t wanted = key(text, port);

    reef__udp_table_add(&f->table, &wanted, value);
}

static void test_udp_table_tells_ports_and_families_apart(void **state)
{
    fixture_t *f = *state;
    int values[3];

    add(f, "192.0.2.1", 7, &values[0]);
    add(f, "192.0.2.1", 8, &values[1]);
    add(f, "::", 7, &values[2]);

    assert_ptr_equal(find(f, "192.0.2.1", 7), &values[0]);
    assert_ptr_equal(find(f, "192.0.2.1", 8), &values[1]);
    assert_ptr_equal(find(f, "::", 7), &values[2]);
    assert_null(find(f, "0.0.0.0", 7));
    assert_null(find(f, "192.0.2.2", 7));
}

static void test_udp_table_takes_mapped_ipv4_for_ipv4(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    struct sockaddr_storage from = {0};
    fixture_t *f = *state;
    reef__udp_key_t wanted;
    int value;

    memcpy(&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
    memcpy(&from, &mapped, sizeof(mapped));
    wanted = reef__udp_key_of(&from);
    add(f, "192.0.2.1", 7, &value);

    assert_ptr_equal(reef__udp_table_find(&f->table, &wanted), &value);
}

static void test_udp_table_tells_links_apart(void **state)
{
    struct sockaddr_storage from = address("fe80::1", 7);
    fixture_t *f = *state;
    reef__udp_key_t first;
    reef__udp_key_t second;
    int value;

    ((struct sockaddr_in6 *)&from)->sin6_scope_id = 1;
    first = reef__udp_key_of(&from);
    ((struct sockaddr_in6 *)&from)->sin6_scope_id = 2;
    second = reef__udp_key_of(&from);
    reef__udp_table_add(&f->table, &first, &value);

    assert_ptr_equal(reef__udp_table_find(&f->table, &first), &value);
    assert_null(reef__udp_table_find(&f->table, &second));
}

static void test_udp_table_keeps_no_memory_of_who_left(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(f->bytes, 0);
    for (uint16_t i = 0; i < (uint16_t)PEERS; i++) {
        add(f, "192.0.2.1", i, f);
    }
    assert_in_range(f->bytes, PEERS * 64, PEERS * 64 * 2);
    for (uint16_t i = PEERS; i-- > 10;) {
        reef__udp_key_t gone = key("192.0.2.1", i);

        reef__udp_table_remove(&f->table, &gone);
    }
    assert_in_range(f->bytes, 10, 10 * 32 * 16);
    for (uint16_t i = 0; i < 10; i++) {
        reef__udp_key_t gone = key("192.0.2.1", i);

        assert_ptr_equal(find(f, "192.0.2.1", i), f);
        reef__udp_table_remove(&f->table, &gone);
    }
    assert_int_equal(f->bytes, 0);
}

static void test_udp_table_places_depend_on_a_seed_of_its_own(void **state)
{
    fixture_t *f = *state;
    reef__udp_table_t other;

    reef__udp_table_init(&other, &f->alloc);
    assert_true(other.seed != f->table.seed);
    for (uint16_t i = 0; i < UINT16_C(1000); i++) {
        reef__udp_key_t same = key("192.0.2.1", i);

        reef__udp_table_add(&f->table, &same, f);
        reef__udp_table_add(&other, &same, f);
    }
    assert_int_equal(other.capacity, f->table.capacity);
    assert_memory_not_equal(other.slots, f->table.slots,
                            other.capacity * sizeof(*other.slots));
    reef__udp_table_finish(&other);
}

static void test_udp_table_finds_like_an_array(void **state)
{
    static bool expected[PEERS];
    static int values[PEERS];
    fixture_t *f = *state;
    uint64_t random = 1;

    for (int step = 0; step < STEPS; step++) {
        const char *host;
        uint16_t i;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        /* few peers for a while, then many: it grows and shrinks */
        i = (uint16_t)((random >> 33) % (step / 10000 % 2 == 0 ? PEERS : 20));
        host = i % 2 ? "10.0.0.1" : "fd00::1";
        assert_ptr_equal(find(f, host, i), expected[i] ? &values[i] : NULL);
        if (expected[i]) {
            reef__udp_key_t gone = key(host, i);

            reef__udp_table_remove(&f->table, &gone);
        } else {
            add(f, host, i, &values[i]);
        }
        expected[i] = !expected[i];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udp_table_tells_ports_and_families_apart),
        TEST(test_udp_table_takes_mapped_ipv4_for_ipv4),
        TEST(test_udp_table_tells_links_apart),
        TEST(test_udp_table_keeps_no_memory_of_who_left),
        TEST(test_udp_table_places_depend_on_a_seed_of_its_own),
        TEST(test_udp_table_finds_like_an_array),
    };

    return cmocka_run_group_tests_name("udp_table", tests, NULL, NULL);
}
