#include "views.h"

#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int setup(void **state)
{
    *state = reef_metrics_create(NULL);
    return 0;
}

static int teardown(void **state)
{
    reef_metrics_destroy(*state);
    return 0;
}

static reef_metric_t *add(reef_metrics_t *metrics,
                          const char *name,
                          const char *labels,
                          reef_metric_kind_t kind)
{
    return reef_metrics_ensure(
        metrics, &(reef_metric_desc_t){
                     .name = name, .help = "a\\b\nc", .labels = labels, .kind = kind});
}

static void test_metrics_view_prints_the_text_exposition(void **state)
{
    char *text;

    reef_metric_add(add(*state, "reef_a_total", "t=\"x\"", REEF_METRIC_COUNTER), 2);
    reef_metric_add(add(*state, "reef_a_total", "t=\"y\"", REEF_METRIC_COUNTER), 0.5);
    reef_metric_set(add(*state, "reef_b", NULL, REEF_METRIC_GAUGE), -1e300);
    text = reef__metrics_exposition(*state);
    assert_string_equal(text, "# HELP reef_a_total a\\\\b\\nc\n"
                              "# TYPE reef_a_total counter\n"
                              "reef_a_total{t=\"x\"} 2\n"
                              "reef_a_total{t=\"y\"} 0.5\n"
                              "# HELP reef_b a\\\\b\\nc\n"
                              "# TYPE reef_b gauge\n"
                              "reef_b -1.0000000000000001e+300\n");
    free(text);
}

static void test_metrics_view_spells_what_is_not_finite(void **state)
{
    char *text;

    reef_metric_set(add(*state, "reef_a", NULL, REEF_METRIC_GAUGE), (double)INFINITY);
    reef_metric_set(add(*state, "reef_b", NULL, REEF_METRIC_GAUGE), -(double)INFINITY);
    reef_metric_set(add(*state, "reef_c", NULL, REEF_METRIC_GAUGE), (double)NAN);
    text = reef__metrics_exposition(*state);
    assert_non_null(strstr(text, "reef_a +Inf\n"));
    assert_non_null(strstr(text, "reef_b -Inf\n"));
    assert_non_null(strstr(text, "reef_c NaN\n"));
    free(text);
}

static void test_metrics_view_of_nothing_is_empty(void **state)
{
    char *text = reef__metrics_exposition(*state);

    assert_string_equal(text, "");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_metrics_view_prints_the_text_exposition),
        TEST(test_metrics_view_spells_what_is_not_finite),
        TEST(test_metrics_view_of_nothing_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
