/* The outbox against a list that does the same the slow way, and what it costs. */
#include "test.h"

#include "buffer.h"
#include "outbox.h"

enum {
    ENTRY_COST = 64, /* memory of an entry beside its frame, as outbox.c counts it */
    MAX_ENTRIES = 2048,
    OPERATIONS = 40000,
    KEYS = 100000, /* of the tests of cost */
};

typedef struct model_entry {
    reef_buffer_t *buffer; /* one reference */
    uint64_t key;
    uint8_t message_class;
} model_entry_t;

typedef struct fixture {
    reef__outbox_t outbox;
    model_entry_t entries[MAX_ENTRIES]; /* the model: no holes, oldest first */
    uint32_t count;
    uint32_t offset; /* bytes of the first that are sent */
    uint64_t bytes;
    uint64_t dropped;
    uint64_t random;
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    reef__outbox_init(&f->outbox, UINT64_MAX);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__outbox_finish(&f->outbox);
    for (uint32_t i = 0; i < f->count; i++) {
        reef_buffer_unref(f->entries[i].buffer);
    }
    free(f);
    return 0;
}

static uint32_t random_below(fixture_t *f, uint32_t limit)
{
    f->random = f->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)((f->random >> 33) % limit);
}

static uint64_t size_of(const reef_buffer_t *buffer)
{
    return reef__buffer_frame(buffer).size;
}

/* The model --------------------------------------------------------------------- */

static void
model_append(fixture_t *f, reef_buffer_t *buffer, uint8_t class, uint64_t key)
{
    assert_true(f->count < MAX_ENTRIES);
    f->entries[f->count++] = (model_entry_t){reef_buffer_ref(buffer), key, class};
    f->bytes += size_of(buffer);
}

static void model_remove(fixture_t *f, uint32_t index)
{
    reef_buffer_unref(f->entries[index].buffer);
    f->count--;
    memmove(&f->entries[index], &f->entries[index + 1],
            (f->count - index) * sizeof(f->entries[0]));
}

static bool model_fits(const fixture_t *f, uint64_t size)
{
    return f->bytes + size + (f->count + UINT64_C(1)) * ENTRY_COST <= f->outbox.limit;
}

/* Whether `size` more bytes fit, at the cost of droppable messages. */
static bool model_make_room(fixture_t *f, uint64_t size)
{
    for (uint32_t i = f->offset > 0; i < f->count && !model_fits(f, size);) {
        if (f->entries[i].message_class == REEF_DROPPABLE) {
            f->bytes -= size_of(f->entries[i].buffer);
            f->dropped++;
            model_remove(f, i);
        } else {
            i++;
        }
    }
    return model_fits(f, size);
}

static void model_replace_at(fixture_t *f, model_entry_t *entry, reef_buffer_t *buffer)
{
    f->bytes += size_of(buffer) - size_of(entry->buffer);
    reef_buffer_unref(entry->buffer);
    entry->buffer = reef_buffer_ref(buffer);
}

/* Of one that grows, whether the growth fits; the entry itself is no droppable one. */
static bool
model_may_grow(fixture_t *f, const reef_buffer_t *old, const reef_buffer_t *new)
{
    return size_of(new) <= size_of(old) ||
           model_make_room(f, size_of(new) - size_of(old));
}

static uint32_t model_find(const fixture_t *f, const reef_buffer_t *buffer)
{
    uint32_t i = 0;

    while (f->entries[i].buffer != buffer) {
        i++;
    }
    return i;
}

static bool
model_replace(fixture_t *f, reef_buffer_t *buffer, uint8_t class, uint64_t key)
{
    if (class != REEF_LATEST && class != REEF__OUTBOX_PONG) {
        return false;
    }
    for (uint32_t i = f->offset > 0; i < f->count; i++) {
        reef_buffer_t *old = f->entries[i].buffer;

        if (f->entries[i].message_class != class ||
            (f->entries[i].key != key && class != REEF__OUTBOX_PONG)) {
            continue;
        }
        if (class == REEF__OUTBOX_PONG || model_may_grow(f, old, buffer)) {
            model_replace_at(f, &f->entries[model_find(f, old)], buffer);
        }
        f->dropped++;
        return true;
    }
    return false;
}

static reef_error_t
model_push(fixture_t *f, reef_buffer_t *buffer, uint8_t class, uint64_t key)
{
    if (model_replace(f, buffer, class, key)) {
        return REEF_OK;
    }
    if (model_make_room(f, size_of(buffer))) {
        model_append(f, buffer, class, key);
        return REEF_OK;
    }
    f->dropped += class != REEF_RELIABLE;
    return class == REEF_RELIABLE ? REEF_E_LIMIT : REEF_OK;
}

static void model_consume(fixture_t *f, uint64_t bytes)
{
    f->bytes -= bytes;
    while (bytes > 0) {
        uint64_t left = size_of(f->entries[0].buffer) - f->offset;

        if (bytes < left) {
            f->offset += (uint32_t)bytes;
            return;
        }
        bytes -= left;
        f->offset = 0;
        model_remove(f, 0);
    }
}

static void check_same(fixture_t *f)
{
    static reef_span_t frames[MAX_ENTRIES];
    uint32_t count = reef__outbox_gather(&f->outbox, frames, MAX_ENTRIES);

    assert_int_equal(count, f->count);
    assert_int_equal(f->outbox.bytes, f->bytes);
    assert_int_equal(f->outbox.dropped, f->dropped);
    for (uint32_t i = 0; i < count; i++) {
        reef_span_t frame = reef_span_skip(reef__buffer_frame(f->entries[i].buffer),
                                           i == 0 ? f->offset : 0);

        assert_ptr_equal(frames[i].data, frame.data);
        assert_int_equal(frames[i].size, frame.size);
    }
}

/* Random operations ------------------------------------------------------------- */

static reef_buffer_t *random_buffer(fixture_t *f)
{
    static const uint8_t zeros[400];
    uint32_t most = random_below(f, 8) == 0 ? (uint32_t)sizeof(zeros) : 30;

    return reef_buffer_create(REEF_PAYLOAD_TEXT,
                              reef_span(zeros, random_below(f, most)));
}

static void push_random(fixture_t *f, uint32_t keys)
{
    reef_buffer_t *buffer = random_buffer(f);
    uint8_t class = (uint8_t)random_below(f, REEF__OUTBOX_PONG + 1);
    uint64_t key = random_below(f, keys);
    reef_error_t wanted = model_push(f, buffer, class, key);

    assert_int_equal(reef__outbox_push(&f->outbox, buffer, class, key), wanted);
}

static void push_last_random(fixture_t *f)
{
    reef_buffer_t *buffer = random_buffer(f);

    model_append(f, buffer, REEF_RELIABLE, 0);
    reef__outbox_push_last(&f->outbox, buffer);
}

static void push_begun_random(fixture_t *f)
{
    reef_buffer_t *buffer = random_buffer(f);
    uint32_t offset = random_below(f, (uint32_t)size_of(buffer));

    model_append(f, buffer, REEF_RELIABLE, 0);
    f->offset = offset;
    f->bytes -= offset;
    reef__outbox_push_begun(&f->outbox, buffer, offset);
}

/* Mostly a little, now and then everything. */
static void consume_random(fixture_t *f)
{
    uint64_t bytes = f->bytes;

    if (bytes > 0 && random_below(f, 50) != 0) {
        bytes = random_below(f, (uint32_t)(bytes < 200 ? bytes : 200) + 1);
    }
    model_consume(f, bytes);
    reef__outbox_consume(&f->outbox, bytes);
}

static void operate(fixture_t *f, uint32_t keys, uint32_t pushes)
{
    uint32_t choice = random_below(f, 100);

    if (choice < pushes) {
        push_random(f, keys);
    } else if (choice < 99) {
        consume_random(f);
    } else if (f->bytes == 0) {
        push_begun_random(f);
    } else {
        push_last_random(f);
    }
}

static void run(fixture_t *f, uint64_t seed, uint64_t limit, uint32_t keys)
{
    f->random = seed;
    f->outbox.limit = limit;
    for (int i = 0; i < OPERATIONS; i++) {
        /* Long stretches in which it fills, and others in which it drains. */
        operate(f, keys, i / 2000 % 3 == 2 ? 40 : 96);
        check_same(f);
    }
}

static void test_outbox_model_without_keys_in_common(void **state)
{
    run(*state, 1, 30000, 1000);
}

static void test_outbox_model_with_few_keys(void **state)
{
    run(*state, 2, 30000, 20);
}

static void test_outbox_model_with_little_room(void **state)
{
    run(*state, 3, 1000, 10);
}

static void test_outbox_model_with_room_for_many(void **state)
{
    run(*state, 4, 90000, 300);
}

/* Cost -------------------------------------------------------------------------- */

static void push_small(fixture_t *f, uint8_t class, uint64_t key)
{
    reef_buffer_t *buffer = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text("x"));

    assert_int_equal(reef__outbox_push(&f->outbox, buffer, class, key), REEF_OK);
}

static void test_outbox_model_many_keys_cost_a_step_each(void **state)
{
    fixture_t *f = *state;

    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t key = 0; key < KEYS; key++) {
            push_small(f, REEF_LATEST, key);
        }
    }

    assert_int_equal(f->outbox.count, KEYS);
    assert_int_equal(f->outbox.dropped, KEYS); /* the second round's replaced them */
    assert_true(f->outbox.steps <= UINT64_C(2) * KEYS + 1000);
}

static void test_outbox_model_droppable_make_room_in_a_step_each(void **state)
{
    fixture_t *f = *state;

    f->outbox.limit = UINT64_C(5000) * (ENTRY_COST + 3);
    for (int i = 0; i < 2500; i++) {
        push_small(f, REEF_RELIABLE, 0);
    }
    for (int i = 0; i < KEYS; i++) {
        push_small(f, REEF_DROPPABLE, 0);
    }

    assert_int_equal(f->outbox.dropped, KEYS - 2500);
    assert_true(f->outbox.steps <= UINT64_C(2) * KEYS);
}

static void test_outbox_model_begun_droppable_is_not_looked_for_again(void **state)
{
    fixture_t *f = *state;

    f->outbox.limit = UINT64_C(5000) * (ENTRY_COST + 3);
    push_small(f, REEF_DROPPABLE, 0);
    reef__outbox_consume(&f->outbox, 1);
    for (uint64_t key = 0; key < KEYS; key++) {
        push_small(f, REEF_LATEST, key);
    }

    assert_int_equal(f->outbox.count, 5000);
    assert_true(f->outbox.steps <= UINT64_C(2) * KEYS);
}

static void test_outbox_model_empty_again_gives_the_map_back(void **state)
{
    fixture_t *f = *state;

    for (uint64_t key = 0; key < 1000; key++) {
        push_small(f, REEF_LATEST, key);
    }
    assert_non_null(f->outbox.by_key);
    reef__outbox_consume(&f->outbox, f->outbox.bytes);

    assert_null(f->outbox.by_key);
}

static void test_outbox_model_map_is_no_larger_than_the_ring(void **state)
{
    fixture_t *f = *state;

    for (uint64_t key = 0; key < 10000; key++) {
        push_small(f, REEF_LATEST, key);
        if (key >= 100) {
            reef__outbox_consume(&f->outbox, 3); /* slow, but never empty */
        }
    }

    assert_int_equal(f->outbox.count, 100);
    assert_int_equal(reef_map_count(f->outbox.by_key), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_outbox_model_without_keys_in_common),
        TEST(test_outbox_model_with_few_keys),
        TEST(test_outbox_model_with_little_room),
        TEST(test_outbox_model_with_room_for_many),
        TEST(test_outbox_model_many_keys_cost_a_step_each),
        TEST(test_outbox_model_droppable_make_room_in_a_step_each),
        TEST(test_outbox_model_begun_droppable_is_not_looked_for_again),
        TEST(test_outbox_model_empty_again_gives_the_map_back),
        TEST(test_outbox_model_map_is_no_larger_than_the_ring),
    };

    return cmocka_run_group_tests_name("outbox_model", tests, NULL, NULL);
}
