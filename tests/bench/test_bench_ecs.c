/* The program's words and numbers, not its times. */
#include "process.h"
#include "test.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

enum {
    DEADLINE_S = 200
};

/* Some of each file of rows, in the order of the table. */
static const char *const chosen[] = {
    "destroy",          "get_random",       "set_random",       "iterate_2_10k",
    "iterate_5_10k",    "fragmented_26x20", "fragmented_256x4", "deferred_despawn",
    "deferred_add",     "observed_remove",  "changed_0p1_1m",   "systems_empty_100",
    "systems_8_10k_2t", "bytes_per_entity", "events",           "spawn_5_adds",
};

static const char *const promised[] = {
    "create",
    "create_bulk",
    "destroy",
    "destroy_random_1m",
    "add",
    "remove",
    "toggle",
    "get_random",
    "get_random_1m",
    "set_random",
    "iterate_1_10k",
    "iterate_2_10k",
    "iterate_5_10k",
    "iterate_1_1m",
    "iterate_2_1m",
    "iterate_5_1m",
    "fragmented_26x20",
    "fragmented_256x4",
    "fragmented_256x40",
    "deferred_spawn",
    "deferred_despawn",
    "deferred_add",
    "observed_add",
    "observed_remove",
    "changed_none_1m",
    "changed_0p1_1m",
    "systems_empty_100",
    "systems_8_1m_1t",
    "systems_8_1m_2t",
    "systems_8_10k_1t",
    "systems_8_10k_2t",
    "bytes_per_entity",
    "systems_empty_100_timed",
    "events",
    "spawn_5_adds",
};

enum {
    CHOSEN = sizeof(chosen) / sizeof(chosen[0]),
    PROMISED = sizeof(promised) / sizeof(promised[0])
};

static int setup(void **state)
{
    process_watchdog(DEADLINE_S);
    *state = calloc(1, sizeof(process_t));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    process_kill(*state);
    free(*state);
    return 0;
}

/* Exit code of the program with up to four arguments. */
static int run(process_t *process, const char *const *arguments)
{
    const char *all[6] = {BENCH_ECS};

    for (uint32_t i = 0; i < 4 && arguments[i] != NULL; i++) {
        all[i + 1] = arguments[i];
    }
    process_start(process, &(process_desc_t){.arguments = all, .directory = "."});
    return process_wait(process);
}

#define RUN(process, ...)                                                              \
    run((process), (const char *const[]){__VA_ARGS__, NULL, NULL, NULL, NULL})

static void join(char *out, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < CHOSEN; i++) {
        length += (size_t)snprintf(out + length, size - length, "%s%s",
                                   i > 0 ? "," : "", chosen[i]);
        assert_true(length < size);
    }
}

static void check_number_or_null(const cJSON *result, const char *key, bool required)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(result, key);

    assert_non_null(value);
    assert_true(cJSON_IsNumber(value) || (!required && cJSON_IsNull(value)));
    if (cJSON_IsNumber(value)) {
        assert_true(value->valuedouble > 0);
    }
}

static void test_bench_ecs_prints_the_chosen_rows_as_json(void **state)
{
    process_t *process = *state;
    char rows[512];
    cJSON *root;
    const cJSON *results;

    join(rows, sizeof(rows));
    assert_int_equal(RUN(process, "--quick", "--json", "--only", rows), 0);

    root = cJSON_ParseWithOpts(process->output.text, NULL, true);
    assert_non_null(root);
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "bench")), "ecs");
    results = cJSON_GetObjectItemCaseSensitive(root, "results");
    assert_int_equal(cJSON_GetArraySize(results), CHOSEN);
    for (int i = 0; i < CHOSEN; i++) {
        const cJSON *result = cJSON_GetArrayItem(results, i);

        assert_string_equal(
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "name")),
            chosen[i]);
        assert_non_null(
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "unit")));
        check_number_or_null(result, "value", true);
        check_number_or_null(result, "floor", false);
        check_number_or_null(result, "ratio", false);
        check_number_or_null(result, "budget", false);
        assert_true(cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(result, "ok")));
    }
    cJSON_Delete(root);
}

static void test_bench_ecs_has_the_promised_rows_in_order(void **state)
{
    process_t *process = *state;
    const char *at;

    assert_int_equal(RUN(process, "--help"), 0);

    at = strstr(process->output.text, "Rows:\n");
    assert_non_null(at);
    at += strlen("Rows:\n");
    for (size_t i = 0; i < PROMISED; i++) {
        char line[64];

        snprintf(line, sizeof(line), "  %s\n", promised[i]);
        assert_memory_equal(at, line, strlen(line));
        at += strlen(line);
    }
    assert_string_equal(at, "");
}

static void test_bench_ecs_prints_a_table(void **state)
{
    process_t *process = *state;

    assert_int_equal(RUN(process, "--quick", "--only", "fragmented_26x20"), 0);

    assert_non_null(strstr(process->output.text, "row "));
    assert_non_null(strstr(process->output.text, "\nfragmented_26x20 "));
}

static void test_bench_ecs_names_the_nearest_row(void **state)
{
    process_t *process = *state;

    assert_int_equal(RUN(process, "--only", "add,frgmented_26x20"), 2);

    assert_string_equal(process->errors.text,
                        "bench_ecs: unknown row: frgmented_26x20; "
                        "did you mean fragmented_26x20?\n");
    assert_string_equal(process->output.text, "");
}

static void test_bench_ecs_names_the_nearest_option(void **state)
{
    process_t *process = *state;

    assert_int_equal(RUN(process, "--jsn"), 2);

    assert_string_equal(process->errors.text,
                        "bench_ecs: unknown option: --jsn; did you mean --json?\n");
}

static void test_bench_ecs_only_needs_rows(void **state)
{
    process_t *process = *state;

    assert_int_equal(RUN(process, "--only"), 2);

    assert_non_null(strstr(process->errors.text, "--only"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bench_ecs_prints_the_chosen_rows_as_json),
        TEST(test_bench_ecs_has_the_promised_rows_in_order),
        TEST(test_bench_ecs_prints_a_table),
        TEST(test_bench_ecs_names_the_nearest_row),
        TEST(test_bench_ecs_names_the_nearest_option),
        TEST(test_bench_ecs_only_needs_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
