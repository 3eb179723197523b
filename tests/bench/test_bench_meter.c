/* Times are given, and the server is not looked at, so nothing depends on a clock. */
#include "meter.h"
#include "pacer.h"
#include "test.h"

static int setup(void **state)
{
    *state = calloc(1, sizeof(meter_t));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void add(meter_t *meter, uint64_t count, uint64_t latency_ns)
{
    for (uint64_t i = 0; i < count; i++) {
        meter_add(meter, latency_ns);
    }
}

static void test_meter_leaves_the_warm_up_out(void **state)
{
    const options_t options = {.repeat = 2, .warmup_messages = 10, .messages = 100};
    meter_t *meter = *state;

    meter_begin(meter, &options);
    add(meter, 9, 5000);
    assert_false(meter_is_over(meter, meter->begin_ns));
    add(meter, 1, 5000);
    assert_false(meter_is_over(meter, meter->begin_ns));
    add(meter, 150, 7);
    assert_false(meter_is_over(meter, meter->begin_ns));
    add(meter, 100, 9);
    assert_true(meter_is_over(meter, meter->begin_ns));
    assert_int_equal(meter_round(meter, 0).count, 150);
    assert_int_equal(meter_round(meter, 1).count, 100);
    assert_int_equal(meter->latency.count, 250);
    assert_int_equal(meter->latency.max, 9);
}

static void test_meter_ends_a_round_by_time_but_not_without_a_message(void **state)
{
    const options_t options = {.repeat = 1, .round_ns = 1000000};
    meter_t *meter = *state;
    uint64_t late_ns;

    meter_begin(meter, &options);
    assert_false(meter_is_over(meter, meter->begin_ns)); /* warm-up of nothing */
    late_ns = meter->point[0].ns + options.round_ns;
    assert_false(meter_is_over(meter, late_ns));
    meter_add(meter, 1);
    assert_false(meter_is_over(meter, late_ns - 1));
    assert_true(meter_is_over(meter, late_ns));
}

static void test_meter_reports_the_median_of_the_rounds(void **state)
{
    const options_t options = {.repeat = 3};
    meter_t *meter = *state;

    *meter = (meter_t){.options = &options,
                       .point = {{.ns = 0, .count = 0, .server_cpu_ns = 0},
                                 {.ns = 1000, .count = 1, .server_cpu_ns = 9000},
                                 {.ns = 2000, .count = 2, .server_cpu_ns = 10000},
                                 {.ns = 3000, .count = 3, .server_cpu_ns = 12000}}};
    assert_true(meter_server_us(meter) > 1.999 && meter_server_us(meter) < 2.001);
}

static void test_pacer_is_exact_at_any_rate(void **state)
{
    const pacer_t thrice = {.begin_ns = 5, .per_second = 3};
    const pacer_t often = {.begin_ns = 0, .per_second = 1000000};

    (void)state;
    assert_int_equal(pacer_due_ns(&thrice, 0), 5);
    assert_int_equal(pacer_due_ns(&thrice, 1), 5 + 333333333);
    assert_int_equal(pacer_due_ns(&thrice, 3), 5 + 1000000000);
    assert_int_equal(pacer_due_ns(&thrice, 3000000001), 5 + 1000000000333333333);
    assert_int_equal(pacer_due_ns(&often, 86400000000), 86400000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_meter_leaves_the_warm_up_out),
        TEST(test_meter_ends_a_round_by_time_but_not_without_a_message),
        TEST(test_meter_reports_the_median_of_the_rounds),
        TEST(test_pacer_is_exact_at_any_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
