/*
 * Small cases by hand, then long runs of random operations beside a plain array, in
 * which a deadline is found by looking at all of them.
 */
#include "test.h"

#include "wheel.h"

enum {
    START_MS = 1000000,
    NODES = 200,
    STEPS = 60000,
};

typedef struct fixture {
    reef__wheel_t wheel;
    reef__wheel_node_t nodes[NODES];
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    reef__wheel_init(&f->wheel, START_MS);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__wheel_finish(&f->wheel);
    free(f);
    return 0;
}

static void test_wheel_is_empty_at_first(void **state)
{
    fixture_t *f = *state;

    assert_null(reef__wheel_take_due(&f->wheel, START_MS));
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 1000));
    assert_true(reef__wheel_next_ms(&f->wheel, START_MS) == UINT64_MAX);
}

static void test_wheel_hands_out_at_the_very_millisecond(void **state)
{
    static const uint64_t delays_ms[] = {
        1, 7, 63, 64, 65, 4095, 4096, 60000, 3600000, UINT64_C(1) << 40,
    };
    fixture_t *f = *state;
    reef__wheel_node_t *node = &f->nodes[0];
    uint64_t now_ms = START_MS;

    for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
        uint64_t due_ms = now_ms + delays_ms[i];

        reef__wheel_set(&f->wheel, node, due_ms);
        assert_null(reef__wheel_take_due(&f->wheel, due_ms - 1));
        assert_int_equal(reef__wheel_next_ms(&f->wheel, due_ms - 1), 1);
        assert_ptr_equal(reef__wheel_take_due(&f->wheel, due_ms), node);
        assert_false(reef__wheel_has(node));
        assert_null(reef__wheel_take_due(&f->wheel, due_ms));
        now_ms = due_ms;
    }
}

static void test_wheel_moves_a_node_that_is_set_again(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *node = &f->nodes[0];

    reef__wheel_set(&f->wheel, node, START_MS + 10);
    reef__wheel_set(&f->wheel, node, START_MS + 5000);
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 4999));
    reef__wheel_set(&f->wheel, node, START_MS + 5500);
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 5499));
    assert_ptr_equal(reef__wheel_take_due(&f->wheel, START_MS + 5500), node);
}

static void test_wheel_remove_twice_is_harmless(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *node = &f->nodes[0];

    reef__wheel_remove(&f->wheel, node);
    reef__wheel_set(&f->wheel, node, START_MS + 10);
    assert_true(reef__wheel_has(node));
    reef__wheel_remove(&f->wheel, node);
    reef__wheel_remove(&f->wheel, node);
    assert_false(reef__wheel_has(node));
    assert_true(reef__wheel_next_ms(&f->wheel, START_MS) == UINT64_MAX);
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 20));
}

static void test_wheel_finish_lets_nodes_go(void **state)
{
    fixture_t *f = *state;

    reef__wheel_set(&f->wheel, &f->nodes[0], START_MS - 1);
    reef__wheel_set(&f->wheel, &f->nodes[1], START_MS + 100000);
    reef__wheel_set(&f->wheel, &f->nodes[2], UINT64_MAX);
    reef__wheel_finish(&f->wheel);
    for (int i = 0; i < 3; i++) {
        assert_false(reef__wheel_has(&f->nodes[i]));
        reef__wheel_remove(&f->wheel, &f->nodes[i]);
    }
}

static void test_wheel_finish_in_a_round_lets_late_nodes_go_too(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *node = &f->nodes[0];

    reef__wheel_set(&f->wheel, node, START_MS);
    assert_ptr_equal(reef__wheel_take_due(&f->wheel, UINT64_MAX), node);
    reef__wheel_set(&f->wheel, node, START_MS);
    reef__wheel_finish(&f->wheel);
    assert_false(reef__wheel_has(node));
}

static void test_wheel_round_ends_though_nodes_are_due_again_at_once(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *node;

    reef__wheel_set(&f->wheel, &f->nodes[0], START_MS);
    reef__wheel_set(&f->wheel, &f->nodes[1], START_MS + 3);
    for (int round = 0; round < 3; round++) {
        int taken = 0;

        assert_int_equal(reef__wheel_next_ms(&f->wheel, START_MS + 3), 0);
        while ((node = reef__wheel_take_due(&f->wheel, START_MS + 3)) != NULL) {
            assert_in_range(++taken, 1, 2);
            reef__wheel_set(&f->wheel, node, START_MS);
        }
        assert_int_equal(taken, 2);
    }
}

static void test_wheel_round_may_remove_what_is_still_to_come(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *first;

    for (int i = 0; i < 3; i++) {
        reef__wheel_set(&f->wheel, &f->nodes[i], START_MS + 5);
    }
    first = reef__wheel_take_due(&f->wheel, START_MS + 5);
    assert_non_null(first);
    for (int i = 0; i < 3; i++) {
        reef__wheel_remove(&f->wheel, &f->nodes[i]);
    }
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 5));
    assert_true(reef__wheel_next_ms(&f->wheel, START_MS + 5) == UINT64_MAX);
}

static void test_wheel_round_left_early_goes_on(void **state)
{
    fixture_t *f = *state;

    reef__wheel_set(&f->wheel, &f->nodes[0], START_MS + 1);
    reef__wheel_set(&f->wheel, &f->nodes[1], START_MS + 2);
    reef__wheel_set(&f->wheel, &f->nodes[2], START_MS + 90);
    assert_ptr_equal(reef__wheel_take_due(&f->wheel, START_MS + 2), &f->nodes[0]);
    assert_int_equal(reef__wheel_next_ms(&f->wheel, START_MS + 2), 0);
    assert_ptr_equal(reef__wheel_take_due(&f->wheel, START_MS + 100), &f->nodes[1]);
    assert_ptr_equal(reef__wheel_take_due(&f->wheel, START_MS + 100), &f->nodes[2]);
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 100));
}

static void test_wheel_time_that_goes_back_changes_nothing(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *node = &f->nodes[0];

    reef__wheel_set(&f->wheel, node, START_MS + 10);
    assert_null(reef__wheel_take_due(&f->wheel, START_MS + 9));
    assert_null(reef__wheel_take_due(&f->wheel, START_MS - 500));
    assert_ptr_equal(reef__wheel_take_due(&f->wheel, START_MS + 10), node);
}

/* Asleep until the wheel says so, the loop wakes a few times, not all the time. */
static void test_wheel_wakes_seldom_for_a_far_deadline(void **state)
{
    fixture_t *f = *state;
    reef__wheel_node_t *node = &f->nodes[0];
    uint64_t now_ms = START_MS;
    int wakes = 0;

    reef__wheel_set(&f->wheel, node, START_MS + UINT64_C(86400000));
    while (reef__wheel_take_due(&f->wheel, now_ms) == NULL) {
        now_ms += reef__wheel_next_ms(&f->wheel, now_ms);
        assert_in_range(++wakes, 1, 6);
    }
    assert_int_equal(now_ms, START_MS + UINT64_C(86400000));
}

/* The same operations on the wheel and on an array of deadlines. */
typedef struct model {
    reef__wheel_t *wheel;
    reef__wheel_node_t *nodes;
    struct {
        bool is_set;
        uint64_t due_ms;
    } expected[NODES];
    uint64_t now_ms;
    uint64_t random;
} model_t;

static uint64_t next_random(model_t *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

/* Of every magnitude below 2^bits. */
static uint64_t random_span(model_t *m, unsigned bits)
{
    return next_random(m) & ((UINT64_C(1) << (next_random(m) % bits)) - 1);
}

static void model_set(model_t *m, size_t i)
{
    uint64_t kind = next_random(m) % 100;
    uint64_t due_ms = m->now_ms + random_span(m, 25);

    if (kind < 2) {
        due_ms = UINT64_MAX - random_span(m, 40);
    } else if (kind < 10) {
        due_ms = m->now_ms - random_span(m, 12);
    }
    reef__wheel_set(m->wheel, &m->nodes[i], due_ms);
    m->expected[i].is_set = true;
    m->expected[i].due_ms = due_ms;
}

static void model_remove(model_t *m, size_t i)
{
    reef__wheel_remove(m->wheel, &m->nodes[i]);
    m->expected[i].is_set = false;
}

static uint64_t model_first_due_ms(const model_t *m)
{
    uint64_t first_ms = UINT64_MAX;

    for (size_t i = 0; i < NODES; i++) {
        if (m->expected[i].is_set && m->expected[i].due_ms < first_ms) {
            first_ms = m->expected[i].due_ms;
        }
    }
    return first_ms;
}

/* Take all that is due, with operations in between that make nothing due at once. */
static void model_take(model_t *m)
{
    reef__wheel_node_t *node;

    while ((node = reef__wheel_take_due(m->wheel, m->now_ms)) != NULL) {
        size_t i = (size_t)(node - m->nodes);

        assert_true(m->expected[i].is_set);
        assert_true(m->expected[i].due_ms == node->due_ms);
        assert_true(node->due_ms <= m->now_ms);
        m->expected[i].is_set = false;
        if (next_random(m) % 4 == 0) {
            model_remove(m, next_random(m) % NODES);
            reef__wheel_set(m->wheel, node, m->now_ms + 1 + random_span(m, 20));
            m->expected[i].is_set = true;
            m->expected[i].due_ms = node->due_ms;
        }
    }
}

static void model_check(const model_t *m)
{
    uint64_t first_ms = model_first_due_ms(m);
    uint64_t next_ms = reef__wheel_next_ms(m->wheel, m->now_ms);
    bool is_empty = true;

    for (size_t i = 0; i < NODES; i++) {
        assert_int_equal(reef__wheel_has(&m->nodes[i]), m->expected[i].is_set);
        is_empty = is_empty && !m->expected[i].is_set;
    }
    if (is_empty) {
        assert_true(next_ms == UINT64_MAX);
    } else {
        assert_true(first_ms > m->now_ms);            /* all that was due is out */
        assert_true(next_ms > 0);                     /* the loop does not spin */
        assert_true(next_ms <= first_ms - m->now_ms); /* nor oversleep */
    }
}

static void run_model(fixture_t *f, uint64_t seed, unsigned jump_bits)
{
    model_t *m = calloc(1, sizeof(*m));

    m->wheel = &f->wheel;
    m->nodes = f->nodes;
    m->now_ms = START_MS;
    m->random = seed;
    for (int step = 0; step < STEPS; step++) {
        uint64_t kind = next_random(m) % 10;

        if (kind < 6) {
            model_set(m, next_random(m) % NODES);
        } else if (kind < 8) {
            model_remove(m, next_random(m) % NODES);
        } else {
            m->now_ms +=
                next_random(m) % 2 == 0
                    ? random_span(m, jump_bits)
                    : reef__wheel_next_ms(m->wheel, m->now_ms) % (UINT64_C(1) << 30);
            model_take(m);
            model_check(m);
        }
    }
    reef__wheel_finish(m->wheel);
    for (size_t i = 0; i < NODES; i++) {
        assert_false(reef__wheel_has(&m->nodes[i]));
    }
    free(m);
}

static void test_wheel_does_what_a_list_does_in_small_steps(void **state)
{
    run_model(*state, 1, 8);
}

static void test_wheel_does_what_a_list_does_in_jumps(void **state)
{
    run_model(*state, 2, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wheel_is_empty_at_first),
        TEST(test_wheel_hands_out_at_the_very_millisecond),
        TEST(test_wheel_moves_a_node_that_is_set_again),
        TEST(test_wheel_remove_twice_is_harmless),
        TEST(test_wheel_finish_lets_nodes_go),
        TEST(test_wheel_finish_in_a_round_lets_late_nodes_go_too),
        TEST(test_wheel_round_ends_though_nodes_are_due_again_at_once),
        TEST(test_wheel_round_may_remove_what_is_still_to_come),
        TEST(test_wheel_round_left_early_goes_on),
        TEST(test_wheel_time_that_goes_back_changes_nothing),
        TEST(test_wheel_wakes_seldom_for_a_far_deadline),
        TEST(test_wheel_does_what_a_list_does_in_small_steps),
        TEST(test_wheel_does_what_a_list_does_in_jumps),
    };

    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
