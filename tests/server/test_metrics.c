#include <reef/metrics.h>

#include "test.h"

#include <pthread.h>
#include <stdio.h>

enum {
    THREADS = 4,
    ADDS_EACH = 10000,
};

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

static reef_metric_t *
ensure(reef_metrics_t *metrics, const char *name, const char *labels)
{
    return reef_metrics_ensure(
        metrics,
        &(reef_metric_desc_t){.name = name, .help = "Help.", .labels = labels});
}

static void test_metrics_start_at_zero_and_add_up(void **state)
{
    reef_metric_t *metric = ensure(*state, "a_total", NULL);

    assert_true(reef_metric_value(metric) == 0);
    reef_metric_add(metric, 1);
    reef_metric_add(metric, 2.5);
    assert_true(reef_metric_value(metric) == 3.5);
}

static void test_metrics_gauge_is_set_and_may_fall(void **state)
{
    reef_metric_t *metric = reef_metrics_ensure(
        *state,
        &(reef_metric_desc_t){.name = "a", .help = "Help.", .kind = REEF_METRIC_GAUGE});

    reef_metric_set(metric, -3);
    reef_metric_add(metric, -1.5);
    assert_true(reef_metric_value(metric) == -4.5);
}

static void test_metrics_ensure_finds_same_name_and_labels(void **state)
{
    reef_metric_t *plain = ensure(*state, "a_total", NULL);
    reef_metric_t *labelled = ensure(*state, "a_total", "x=\"1\"");

    assert_ptr_equal(ensure(*state, "a_total", NULL), plain);
    assert_ptr_equal(ensure(*state, "a_total", "x=\"1\""), labelled);
    assert_ptr_not_equal(plain, labelled);
    assert_ptr_not_equal(ensure(*state, "a_total", "x=\"2\""), labelled);
}

static void test_metrics_copy_labels(void **state)
{
    char labels[] = "x=\"1\"";
    reef_metric_t *metric = ensure(*state, "a_total", labels);

    labels[3] = '2';
    assert_string_equal(reef_metric_desc(metric)->labels, "x=\"1\"");
    assert_string_equal(reef_metric_desc(metric)->name, "a_total");
}

enum {
    NAMES_SIZE = 64
};

static void append_name(const reef_metric_t *metric, void *context)
{
    const reef_metric_desc_t *desc = reef_metric_desc(metric);
    char *names = context;
    size_t used = strlen(names);

    snprintf(names + used, NAMES_SIZE - used, "%s%s", desc->name,
             desc->labels == NULL ? " " : desc->labels);
}

static void test_metrics_each_groups_by_name_in_order(void **state)
{
    char names[NAMES_SIZE] = "";

    ensure(*state, "b", "1 ");
    ensure(*state, "a", NULL);
    ensure(*state, "b", "2 ");
    ensure(*state, "c", NULL);
    ensure(*state, "b", NULL);
    reef_metrics_each(*state, append_name, names);
    assert_string_equal(names, "b1 b2 b a c ");
}

static void test_metrics_addresses_are_stable(void **state)
{
    reef_metric_t *first = ensure(*state, "first", NULL);
    char labels[16];

    for (int i = 0; i < 200; i++) {
        snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        reef_metric_add(ensure(*state, "many", labels), 1);
    }
    reef_metric_add(first, 1);
    assert_ptr_equal(ensure(*state, "first", NULL), first);
    assert_true(reef_metric_value(first) == 1);
}

static void *add_many(void *argument)
{
    for (int i = 0; i < ADDS_EACH; i++) {
        reef_metric_add(ensure(argument, i % 2 ? "odd" : "even", NULL), 1);
    }
    return NULL;
}

static void sum(const reef_metric_t *metric, void *context)
{
    *(double *)context += reef_metric_value(metric);
}

static void test_metrics_lose_no_addition_of_threads(void **state)
{
    pthread_t threads[THREADS];
    double total = 0;

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, *state), 0);
    }
    reef_metrics_each(*state, sum, &total); /* while they are written */
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    total = 0;
    reef_metrics_each(*state, sum, &total);
    assert_true(total == THREADS * ADDS_EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_metrics_start_at_zero_and_add_up),
        TEST(test_metrics_gauge_is_set_and_may_fall),
        TEST(test_metrics_ensure_finds_same_name_and_labels),
        TEST(test_metrics_copy_labels),
        TEST(test_metrics_each_groups_by_name_in_order),
        TEST(test_metrics_addresses_are_stable),
        TEST(test_metrics_lose_no_addition_of_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
