#include "test.h"

#include <reef/attrs.h>

#include "buffer_cache.h"

static int setup(void **state)
{
    reef__buffer_cache_t *cache = reef__buffer_cache_create(1 << 20);

    reef__buffer_cache_use(cache);
    *state = cache;
    return 0;
}

static int teardown(void **state)
{
    reef__buffer_cache_destroy(*state);
    return 0;
}

/* Every size has room, to its last byte: a sanitizer would tell. */
static void test_buffer_cache_memory_holds_what_was_asked_for(void **state)
{
    (void)state;
    for (size_t size = 1; size < 90000; size += size < 1000 ? 1 : 97) {
        uint8_t size_class;
        uint8_t *memory = reef__buffer_memory_take(size, &size_class);

        memory[0] = 1;
        memory[size - 1] = 2;
        reef__buffer_memory_give(memory, size, size_class);
    }
}

static void test_buffer_cache_gives_out_again_what_was_released(void **state)
{
    uint8_t first_class;
    uint8_t second_class;
    void *first = reef__buffer_memory_take(130, &first_class);
    void *second;

    (void)state;
    reef__buffer_memory_give(first, 130, first_class);
    second = reef__buffer_memory_take(150, &second_class);
    assert_int_equal(first_class, second_class); /* both have room for 160 */
    if (!REEF_SANITIZED) {
        assert_ptr_equal(first, second);
    }
    reef__buffer_memory_give(second, 150, second_class);
}

static void test_buffer_cache_neighbours_of_a_class_border_differ(void **state)
{
    uint8_t below;
    uint8_t above;
    void *small = reef__buffer_memory_take(160, &below);
    void *large = reef__buffer_memory_take(161, &above);

    (void)state;
    assert_int_equal(below + 1, above);
    reef__buffer_memory_give(small, 160, below);
    reef__buffer_memory_give(large, 161, above);
}

/* What another thread's cache took, or none, may be given to this one's. */
static void test_buffer_cache_takes_memory_from_elsewhere(void **state)
{
    uint8_t size_class;
    void *memory;

    reef__buffer_cache_use(NULL);
    memory = reef__buffer_memory_take(1000, &size_class);
    reef__buffer_cache_use(*state);
    reef__buffer_memory_give(memory, 1000, size_class);
    memory = reef__buffer_memory_take(1000, &size_class);
    reef__buffer_cache_use(NULL);
    reef__buffer_memory_give(memory, 1000, size_class);
}

/* Of one size it keeps its share and all that is shared, then of another its share. */
static void test_buffer_cache_keeps_no_more_than_it_may(void **state)
{
    enum {
        BLOCKS = 2000,
        SHARED = 1 << 20,
        SHARE = 1 << 18
    };
    static void *memory[2][BLOCKS];
    static const size_t sizes[2] = {1024, 2048};
    size_t most;

    for (int round = 0; round < 2; round++) { /* twice: what is taken counts no more */
        uint8_t size_class[2];

        for (size_t kind = 0; kind < 2; kind++) {
            for (int i = 0; i < BLOCKS; i++) {
                memory[kind][i] =
                    reef__buffer_memory_take(sizes[kind], &size_class[kind]);
            }
        }
        assert_int_equal(reef__buffer_cache_size(*state), 0);
        most = SHARED;
        for (size_t kind = 0; kind < 2; kind++) {
            for (int i = 0; i < BLOCKS; i++) {
                reef__buffer_memory_give(memory[kind][i], sizes[kind],
                                         size_class[kind]);
            }
            most += SHARE;
            assert_int_equal(reef__buffer_cache_size(*state),
                             REEF_SANITIZED ? 0 : most);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_buffer_cache_memory_holds_what_was_asked_for),
        TEST(test_buffer_cache_gives_out_again_what_was_released),
        TEST(test_buffer_cache_neighbours_of_a_class_border_differ),
        TEST(test_buffer_cache_takes_memory_from_elsewhere),
        TEST(test_buffer_cache_keeps_no_more_than_it_may),
    };

    return cmocka_run_group_tests_name("buffer_cache", tests, NULL, NULL);
}
