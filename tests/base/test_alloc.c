#include <reef/alloc.h>

#include "aborts.h"

static void *refuse(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    (void)ctx;
    (void)ptr;
    (void)old_size;
    (void)new_size;
    return NULL;
}

static void test_alloc_resize_keeps_the_content(void **state)
{
    char *text = reef_resize(reef_alloc_default(), NULL, 0, 6);

    (void)state;
    memcpy(text, "hello", 6);
    text = reef_resize(reef_alloc_default(), text, 6, 100000);

    assert_string_equal(text, "hello");
    assert_null(reef_resize(reef_alloc_default(), text, 100000, 0));
}

static void *note(void *ctx, void *ptr, size_t old_size, size_t new_size)
{
    size_t *sizes = ctx;

    (void)ptr;
    sizes[0] = old_size;
    sizes[1] = new_size;
    return sizes;
}

static void test_alloc_passes_sizes_to_the_injected_allocator(void **state)
{
    size_t sizes[2] = {0};
    reef_alloc_t noting = {.resize = note, .ctx = sizes};

    (void)state;
    assert_ptr_equal(reef_resize(&noting, NULL, 12, 34), sizes);
    assert_int_equal(sizes[0], 12);
    assert_int_equal(sizes[1], 34);
}

static void resize_refused(void *context)
{
    reef_resize(context, NULL, 0, 1);
}

static void test_alloc_aborts_when_memory_runs_out(void **state)
{
    reef_alloc_t refusing = {.resize = refuse};

    (void)state;
    assert_aborts(resize_refused, &refusing, "memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_resize_keeps_the_content),
        cmocka_unit_test(test_alloc_passes_sizes_to_the_injected_allocator),
        cmocka_unit_test(test_alloc_aborts_when_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
