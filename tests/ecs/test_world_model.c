/*
 * Millions of random operations on a world and its model (model.h).
 *
 *     test_world_model                            what ctest runs; REEF_MODEL_OPS=N
 *     test_world_model --seed N [--ops M]         one sequence; shrinks when it fails
 *     test_world_model --seed N --ops M --keep 3,17,29
 *     test_world_model --replay FILE              lines as they are printed; - = stdin
 *     test_world_model … --here                   in this process, for a debugger
 */
#include "model_shrink.h"
#include "test.h"

#include <inttypes.h>

enum {
    OPS_PER_SEED = 20000,
    SHRINK_S = 25,        /* in a test, which has a minute */
    SHRINK_LONG_S = 1200, /* by hand */
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TOTAL_OPS UINT64_C(2000000)
#else
#define TOTAL_OPS UINT64_C(10000000)
#endif

static void print_failure(const model_ops_t *ops, const model_outcome_t *outcome)
{
    char line[256];

    for (size_t i = 0; i < ops->count; i++) {
        model_print_op(&ops->items[i], line, sizeof(line));
        fprintf(stderr, "    %s\n", line);
    }
    fprintf(stderr, "%s\n", outcome->text);
}

static void
shrink_and_print(model_ops_t *ops, uint32_t limit_s, model_outcome_t *outcome)
{
    uint32_t runs;

    fprintf(stderr, "fails at %" PRIu64 ": %s", outcome->report.at, outcome->text);
    runs = model_shrink(ops, MODEL_SOUND, limit_s, outcome);
    fprintf(stderr, "the same in %zu operations, found in %u runs; for --replay:\n",
            ops->count, runs);
    print_failure(ops, outcome);
}

/* Tests ---------------------------------------------------------------------------- */

static uint64_t total_ops(void)
{
    const char *wanted = getenv("REEF_MODEL_OPS");

    return wanted != NULL ? strtoull(wanted, NULL, 10) : TOTAL_OPS;
}

/* One seed; what it did is added up. */
static void run_seed(uint64_t seed, model_report_t *sum)
{
    model_ops_t ops = {0};
    model_outcome_t outcome;

    model_generate(&ops, seed, OPS_PER_SEED);
    model_run_child(&ops, MODEL_SOUND, &outcome);
    if (outcome.failed) {
        fprintf(stderr, "--seed %" PRIu64 " --ops %d ", seed, OPS_PER_SEED);
        shrink_and_print(&ops, SHRINK_S, &outcome);
        fail();
    }
    sum->executed += outcome.report.executed;
    sum->visited += outcome.report.visited;
    for (uint32_t i = 0; i < MODEL_KINDS; i++) {
        sum->kinds[i] += outcome.report.kinds[i];
    }
    if (sum->max_chunks < outcome.report.max_chunks) {
        sum->max_chunks = outcome.report.max_chunks;
    }
    if (sum->max_alive < outcome.report.max_alive) {
        sum->max_alive = outcome.report.max_alive;
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &ops);
}

static void test_world_model_agrees_over_random_operations(void **state)
{
    model_report_t sum = {0};
    uint64_t seed = 0;

    (void)state;
    while (sum.executed < total_ops()) {
        run_seed(++seed, &sum);
    }
    for (uint32_t i = 0; i < MODEL_KINDS; i++) {
        if (sum.kinds[i] == 0) {
            fail_msg("%s was never done", model_op_names[i]);
        }
    }
    assert_true(sum.visited > 1000);
    assert_true(sum.max_chunks > 3);
    assert_true(sum.max_alive > 1000);
    print_message("%" PRIu64 " operations, seeds 1 to %" PRIu64
                  ", up to %u entities and %u chunks\n",
                  sum.executed, seed, sum.max_alive, sum.max_chunks);
}

static void test_world_model_is_deterministic(void **state)
{
    model_ops_t ops = {0};
    model_outcome_t first, second;

    (void)state;
    for (uint64_t seed = 900; seed < 910; seed++) {
        model_generate(&ops, seed, OPS_PER_SEED / 4);
        model_run_child(&ops, MODEL_SOUND, &first);
        model_run_child(&ops, MODEL_SOUND, &second);
        assert_false(first.failed);
        assert_int_equal(first.report.digest, second.report.digest);
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &ops);
}

static void test_world_model_reads_what_it_prints(void **state)
{
    model_ops_t ops = {0};
    model_op_t again;
    char line[256];

    (void)state;
    model_generate(&ops, 4, OPS_PER_SEED);
    for (size_t i = 0; i < ops.count; i++) {
        model_print_op(&ops.items[i], line, sizeof(line));
        assert_true(model_parse_op(line, &again));
        assert_memory_equal(&again, &ops.items[i], sizeof(again));
    }
    assert_false(model_parse_op("spawn(1)", &again));
    assert_false(model_parse_op("spawn(9999, 0)", &again));
    assert_false(model_parse_op("fly(1)", &again));
    REEF_ARRAY_FINISH(reef_alloc_default(), &ops);
}

/* The shrinker: what a wrong model finds becomes short, and is about the fault. */

static void check_shrinks(model_fault_t fault, size_t most, const char *cause)
{
    model_ops_t ops = {0};
    model_outcome_t outcome = {0};
    bool has_cause = false;

    for (uint64_t seed = 1; !outcome.failed; seed++) {
        assert_true(seed < 100);
        model_generate(&ops, seed, OPS_PER_SEED / 4);
        model_run_child(&ops, fault, &outcome);
    }
    (void)model_shrink(&ops, fault, SHRINK_S, &outcome);
    for (size_t i = 0; i < ops.count; i++) {
        has_cause |= strstr(model_op_names[ops.items[i].kind], cause) != NULL;
    }
    if (!outcome.failed || ops.count > most || !has_cause) {
        print_failure(&ops, &outcome);
        fail_msg("%zu operations", ops.count);
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &ops);
}

static void test_world_model_shrinks_a_lost_remove(void **state)
{
    (void)state; /* spawn, add, remove */
    check_shrinks(MODEL_KEEPS_REMOVED, 4, "remove");
}

static void test_world_model_shrinks_a_lost_change(void **state)
{
    (void)state; /* an entity, two queries, a visit, a write, a visit */
    check_shrinks(MODEL_MISSES_VALUE, 8, "iterate");
}

static void test_world_model_shrinks_a_lost_cascade(void **state)
{
    (void)state; /* two entities, related, one despawned */
    check_shrinks(MODEL_SPARES_SOURCE, 6, "despawn");
}

static void test_world_model_shrinks_a_crash(void **state)
{
    (void)state; /* an entity, a set that is recorded */
    check_shrinks(MODEL_CRASHES, 2, "record_set");
}

/* By hand -------------------------------------------------------------------------- */

typedef struct options {
    uint64_t seed;
    uint32_t ops;
    const char *keep;
    const char *replay;
    bool here;
} options_t;

/* Only the operations whose numbers are in the list. */
static void keep_only(model_ops_t *ops, const char *list)
{
    size_t kept = 0;
    char *end;

    for (; *list != '\0'; list = *end == ',' ? end + 1 : end) {
        size_t at = strtoul(list, &end, 10);

        if (end == list || at >= ops->count || at < kept) {
            fprintf(stderr, "--keep: ascending numbers below %zu\n", ops->count);
            exit(2);
        }
        ops->items[kept++] = ops->items[at];
    }
    ops->count = kept;
}

static void read_ops(model_ops_t *ops, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char line[256];
    model_op_t op;

    if (file == NULL) {
        perror(path);
        exit(2);
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (model_parse_op(line, &op)) {
            *REEF_ARRAY_PUSH(reef_alloc_default(), ops) = op;
        } else if (strspn(line, " \t\n") != strlen(line)) {
            fprintf(stderr, "not an operation: %s", line);
            exit(2);
        }
    }
    if (file != stdin) {
        fclose(file);
    }
}

static int run_by_hand(const options_t *options)
{
    model_ops_t ops = {0};
    model_outcome_t outcome = {0};

    if (options->replay != NULL) {
        read_ops(&ops, options->replay);
    } else {
        model_generate(&ops, options->seed, options->ops);
    }
    if (options->keep != NULL) {
        keep_only(&ops, options->keep);
    }
    if (options->here) {
        model_run(&ops, MODEL_SOUND, &outcome.report);
    } else {
        model_run_child(&ops, MODEL_SOUND, &outcome);
    }
    if (outcome.failed) {
        shrink_and_print(&ops, SHRINK_LONG_S, &outcome);
    } else {
        printf("%" PRIu64 " operations, up to %u entities and %u chunks\n",
               outcome.report.executed, outcome.report.max_alive,
               outcome.report.max_chunks);
    }
    REEF_ARRAY_FINISH(reef_alloc_default(), &ops);
    return outcome.failed;
}

static int parse_and_run(int argc, char **argv)
{
    options_t options = {.ops = OPS_PER_SEED};

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--here") == 0) {
            options.here = true;
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            options.seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--ops") == 0) {
            options.ops = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(argv[i], "--keep") == 0) {
            options.keep = value;
        } else if (strcmp(argv[i], "--replay") == 0) {
            options.replay = value;
        } else {
            fprintf(stderr, "%s: see the top of test_world_model.c\n", argv[i]);
            return 2;
        }
        i++;
    }
    return run_by_hand(&options);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_model_reads_what_it_prints),
        cmocka_unit_test(test_world_model_shrinks_a_lost_remove),
        cmocka_unit_test(test_world_model_shrinks_a_lost_change),
        cmocka_unit_test(test_world_model_shrinks_a_lost_cascade),
        cmocka_unit_test(test_world_model_shrinks_a_crash),
        cmocka_unit_test(test_world_model_is_deterministic),
        cmocka_unit_test(test_world_model_agrees_over_random_operations),
    };

    return argc > 1 ? parse_and_run(argc, argv)
                    : cmocka_run_group_tests(tests, NULL, NULL);
}
