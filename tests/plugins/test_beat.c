/* The queue against a list that is looked through. */
#include "test.h"

#include "beat.h"

enum {
    SLOTS = 300,
    STEPS = 20000
};

typedef struct fixture {
    reef__beats_t beats;
    uint64_t due_ns[SLOTS]; /* 0 = not in it */
    uint32_t count;
    uint64_t seed;
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    reef__beats_init(&f->beats, reef_alloc_default());
    f->seed = 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__beats_finish(&f->beats);
    free(f);
    return 0;
}

static uint32_t random_below(fixture_t *f, uint32_t limit)
{
    f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(f->seed >> 33) % limit;
}

static void add(fixture_t *f, uint32_t slot, uint64_t due_ns)
{
    reef__beats_add(&f->beats, &(reef__beat_t){.slot = slot, .due_ns = due_ns});
    f->count += f->due_ns[slot] == 0;
    f->due_ns[slot] = due_ns;
}

static void remove_slot(fixture_t *f, uint32_t slot)
{
    reef__beats_remove(&f->beats, slot);
    f->count -= f->due_ns[slot] != 0;
    f->due_ns[slot] = 0;
}

static void delay(fixture_t *f, uint32_t ns)
{
    const reef__beat_t *first = reef__beats_first(&f->beats);

    if (first != NULL) {
        uint32_t slot = first->slot;

        f->due_ns[slot] += ns;
        reef__beats_delay_first(&f->beats, f->due_ns[slot]);
    }
}

static void expect_same(const fixture_t *f)
{
    const reef__beat_t *first = reef__beats_first(&f->beats);
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; i < SLOTS; i++) {
        const reef__beat_t *beat = reef__beats_find(&f->beats, i);

        assert_int_equal(beat ? beat->due_ns : 0, f->due_ns[i]);
        if (f->due_ns[i] != 0 && f->due_ns[i] < least) {
            least = f->due_ns[i];
        }
    }
    assert_int_equal(f->beats.heap.count, f->count);
    assert_int_equal(first ? first->due_ns : UINT64_MAX, least);
}

static void test_beats_give_the_earliest_whatever_is_done(void **state)
{
    fixture_t *f = *state;

    for (int i = 0; i < STEPS; i++) {
        uint32_t slot = random_below(f, SLOTS);

        switch (random_below(f, 4)) {
        case 0:
        case 1:
            add(f, slot, 1 + random_below(f, 1000));
            break;
        case 2:
            remove_slot(f, slot);
            break;
        default:
            delay(f, random_below(f, 500));
        }
        expect_same(f);
    }
}

static void test_beats_of_nobody_are_none(void **state)
{
    fixture_t *f = *state;

    assert_null(reef__beats_first(&f->beats));
    assert_null(reef__beats_find(&f->beats, 7));
    reef__beats_remove(&f->beats, 7);
    add(f, 7, 1);
    assert_null(reef__beats_find(&f->beats, UINT32_MAX));
    remove_slot(f, 7);
    remove_slot(f, 7);
    expect_same(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_beats_give_the_earliest_whatever_is_done),
        TEST(test_beats_of_nobody_are_none),
    };

    return cmocka_run_group_tests_name("beat", tests, NULL, NULL);
}
