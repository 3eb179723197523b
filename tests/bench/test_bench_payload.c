#include "payload.h"
#include "test.h"

enum {
    SIZE = 4096
};

static int setup(void **state)
{
    payload_t *payload = calloc(1, sizeof(*payload));

    payload_init(payload, SIZE, false);
    *state = payload;
    return 0;
}

static int teardown(void **state)
{
    payload_finish(*state);
    free(*state);
    return 0;
}

static void
write_message(const payload_t *payload, uint8_t *out, uint32_t sender, uint64_t number)
{
    payload_mark(out, sender, number);
    memcpy(out + PAYLOAD_MARK, payload_body(payload, sender, number),
           SIZE - PAYLOAD_MARK);
}

static void test_payload_is_right_as_it_was_written_in_any_pieces(void **state)
{
    static uint8_t message[SIZE];

    write_message(*state, message, 77, 123456789);
    for (size_t at = 0, part = 1; at < SIZE; at += part, part++) {
        part = SIZE - at < part ? SIZE - at : part;
        assert_int_equal(payload_compare(*state, 77, 123456789, at, message + at, part),
                         part);
    }
    for (size_t at = 0; at < SIZE; at++) {
        assert_int_equal(payload_byte(*state, 77, 123456789, at), message[at]);
    }
}

static void test_payload_compare_finds_every_byte_that_differs(void **state)
{
    static uint8_t message[SIZE];

    write_message(*state, message, 3, 4);
    for (size_t at = 0; at < SIZE; at++) {
        message[at] ^= 1;
        assert_int_equal(payload_compare(*state, 3, 4, 0, message, SIZE), at);
        message[at] ^= 1;
    }
}

static void test_payload_differs_by_sender_and_number(void **state)
{
    static uint8_t message[SIZE];

    write_message(*state, message, 3, 4);
    for (uint32_t i = 0; i < 2000; i++) {
        const uint8_t *body = payload_body(*state, 3, 5 + i);

        assert_memory_not_equal(body, message + PAYLOAD_MARK, 16);
        body = payload_body(*state, 4 + i, 4);
        assert_memory_not_equal(body, message + PAYLOAD_MARK, 16);
    }
}

static void test_payload_mark_is_read_back(void **state)
{
    uint8_t mark[PAYLOAD_MARK];
    uint32_t sender;
    uint64_t number;

    (void)state;
    payload_mark(mark, 3999999, 98765432100);
    assert_true(payload_read_mark(mark, &sender, &number));
    assert_int_equal(sender, 3999999);
    assert_int_equal(number, 98765432100);
    mark[6] = '!';
    assert_false(payload_read_mark(mark, &sender, &number));
}

static void test_payload_text_is_printable(void **state)
{
    const payload_t *payload = *state;

    for (uint64_t number = 0; number < 5000; number += 7) {
        const uint8_t *body = payload_body(payload, 0, number);

        for (size_t i = 0; i < SIZE - PAYLOAD_MARK; i += 101) {
            assert_in_range(body[i], ' ', '~');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_payload_is_right_as_it_was_written_in_any_pieces),
        TEST(test_payload_compare_finds_every_byte_that_differs),
        TEST(test_payload_differs_by_sender_and_number),
        TEST(test_payload_mark_is_read_back),
        TEST(test_payload_text_is_printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
