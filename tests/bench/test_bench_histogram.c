#include "histogram.h"
#include "test.h"

static int setup(void **state)
{
    *state = calloc(1, sizeof(histogram_t));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_histogram_empty_has_no_percentiles(void **state)
{
    assert_int_equal(histogram_percentile(*state, 50), 0);
    assert_int_equal(histogram_percentile(*state, 100), 0);
}

static void test_histogram_small_values_are_exact(void **state)
{
    histogram_t *histogram = *state;

    for (uint64_t value = 1; value <= 100; value++) {
        histogram_record(histogram, value);
    }
    assert_int_equal(histogram->count, 100);
    assert_int_equal(histogram_percentile(histogram, 50), 50);
    assert_int_equal(histogram_percentile(histogram, 99), 99);
    assert_int_equal(histogram_percentile(histogram, 99.9), 100);
    assert_int_equal(histogram_percentile(histogram, 0), 1);
}

static void test_histogram_percentiles_are_within_a_percent(void **state)
{
    histogram_t *histogram = *state;
    const uint64_t step = 1237;

    for (uint64_t i = 1; i <= 1000; i++) {
        histogram_record(histogram, i * step);
    }
    for (uint64_t percent = 1; percent <= 100; percent++) {
        uint64_t exact = percent * 10 * step;
        uint64_t told = histogram_percentile(histogram, (double)percent);

        assert_in_range(told, exact - exact / 100, exact + exact / 100);
    }
}

static void test_histogram_least_and_largest_are_exact(void **state)
{
    histogram_t *histogram = *state;

    histogram_record(histogram, 1000003);
    histogram_record(histogram, 999983);
    assert_int_equal(histogram->min, 999983);
    assert_int_equal(histogram->max, 1000003);
    assert_int_equal(histogram_percentile(histogram, 100), 1000003);
}

static void test_histogram_takes_any_value(void **state)
{
    histogram_t *histogram = *state;

    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t value = (uint64_t)1 << bit;

        *histogram = (histogram_t){0};
        histogram_record(histogram, 0);
        histogram_record(histogram, value - 1);
        histogram_record(histogram, value);
        histogram_record(histogram, UINT64_MAX);
        assert_in_range(histogram_percentile(histogram, 75), value - value / 100,
                        value + value / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_histogram_empty_has_no_percentiles),
        TEST(test_histogram_small_values_are_exact),
        TEST(test_histogram_percentiles_are_within_a_percent),
        TEST(test_histogram_least_and_largest_are_exact),
        TEST(test_histogram_takes_any_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
