#include "test.h"

#include "transport/udp_cookie.h"

#define PERIOD ((uint64_t)REEF__UDP_COOKIE_PERIOD_MS)
#define NOW    (1000 * PERIOD + 17)

typedef struct fixture {
    reef__udp_secret_t secret;
    reef__udp_key_t from;
    uint8_t datagram[64]; /* a cookie and room for a message */
} fixture_t;

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    reef__udp_secret_init(&f->secret);
    f->from = (reef__udp_key_t){.ip = {192, 0, 2, 1}, .port = 4000, .bits = 32};
    reef__udp_cookie_make(&f->secret, &f->from, NOW, f->datagram);
    snprintf((char *)f->datagram + REEF__UDP_COOKIE_SIZE, 6, "hello");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static reef__udp_verdict_t check_at(const fixture_t *f, uint64_t now_ms)
{
    reef_span_t datagram = reef_span(f->datagram, REEF__UDP_COOKIE_SIZE + 5);

    return reef__udp_cookie_check(&f->secret, &f->from, now_ms, &datagram);
}

static void test_udp_cookie_opens_and_is_cut_off(void **state)
{
    fixture_t *f = *state;
    reef_span_t datagram = reef_span(f->datagram, REEF__UDP_COOKIE_SIZE + 5);

    assert_int_equal(reef__udp_cookie_check(&f->secret, &f->from, NOW, &datagram),
                     REEF__UDP_OPEN);
    assert_true(reef_span_equal(datagram, reef_span_text("hello")));
}

static void test_udp_cookie_opens_without_a_message(void **state)
{
    fixture_t *f = *state;
    reef_span_t datagram = reef_span(f->datagram, REEF__UDP_COOKIE_SIZE);

    assert_int_equal(reef__udp_cookie_check(&f->secret, &f->from, NOW, &datagram),
                     REEF__UDP_OPEN);
    assert_int_equal(datagram.size, 0);
}

static void test_udp_cookie_is_valid_in_its_minute_and_the_next(void **state)
{
    fixture_t *f = *state;
    uint64_t start = NOW / PERIOD * PERIOD;

    assert_int_equal(check_at(f, start - 1), REEF__UDP_CHALLENGE);
    assert_int_equal(check_at(f, start), REEF__UDP_OPEN);
    assert_int_equal(check_at(f, start + 2 * PERIOD - 1), REEF__UDP_OPEN);
    assert_int_equal(check_at(f, start + 2 * PERIOD), REEF__UDP_CHALLENGE);
}

static void test_udp_cookie_is_of_one_address_and_port(void **state)
{
    fixture_t *f = *state;

    f->from.port++;
    assert_int_equal(check_at(f, NOW), REEF__UDP_CHALLENGE);
    f->from.port--;
    f->from.ip[3]++;
    assert_int_equal(check_at(f, NOW), REEF__UDP_CHALLENGE);
    f->from.ip[3]--;
    f->from.bits = 128;
    assert_int_equal(check_at(f, NOW), REEF__UDP_CHALLENGE);
}

static void test_udp_cookie_every_bit_of_it_counts(void **state)
{
    fixture_t *f = *state;

    for (size_t i = 0; i < (size_t)8 * REEF__UDP_COOKIE_SIZE; i++) {
        f->datagram[i / 8] ^= (uint8_t)(1U << i % 8);
        assert_int_equal(check_at(f, NOW), REEF__UDP_CHALLENGE);
        f->datagram[i / 8] ^= (uint8_t)(1U << i % 8);
    }
    assert_int_equal(check_at(f, NOW), REEF__UDP_OPEN);
}

static void test_udp_cookie_of_another_secret_is_none(void **state)
{
    fixture_t *f = *state;

    reef__udp_secret_init(&f->secret);
    assert_int_equal(check_at(f, NOW), REEF__UDP_CHALLENGE);
}

/* Whoever forges an address must not have it sent more than was sent. */
static void test_udp_cookie_answers_nothing_that_is_shorter(void **state)
{
    fixture_t *f = *state;

    for (size_t size = 0; size <= REEF__UDP_COOKIE_SIZE; size++) {
        static const uint8_t zeros[REEF__UDP_COOKIE_SIZE];
        reef_span_t datagram = reef_span(zeros, size);
        bool is_long = size == REEF__UDP_COOKIE_SIZE;

        assert_int_equal(reef__udp_cookie_check(&f->secret, &f->from, NOW, &datagram),
                         is_long ? REEF__UDP_CHALLENGE : REEF__UDP_IGNORE);
        assert_int_equal(datagram.size, size);
    }
}

/* Two servers that somebody has introduced would not come to an end. */
static void test_udp_cookie_does_not_answer_a_challenge(void **state)
{
    fixture_t *f = *state;
    reef_span_t challenge = reef_span(f->datagram, REEF__UDP_COOKIE_SIZE);

    reef__udp_secret_init(&f->secret); /* now it is the challenge of another */
    assert_int_equal(reef__udp_cookie_check(&f->secret, &f->from, NOW, &challenge),
                     REEF__UDP_IGNORE);
    assert_int_equal(challenge.size, REEF__UDP_COOKIE_SIZE);
}

static void test_udp_cookie_is_cut_from_messages_of_a_session(void **state)
{
    fixture_t *f = *state;
    reef_span_t datagram = reef_span(f->datagram, REEF__UDP_COOKIE_SIZE + 5);

    f->datagram[REEF__UDP_COOKIE_SIZE - 1]++; /* from an earlier minute, say */
    assert_true(reef__udp_cookie_cut(&datagram));
    assert_true(reef_span_equal(datagram, reef_span_text("hello")));
    assert_false(reef__udp_cookie_cut(&datagram));
    assert_int_equal(datagram.size, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_udp_cookie_opens_and_is_cut_off),
        TEST(test_udp_cookie_opens_without_a_message),
        TEST(test_udp_cookie_is_valid_in_its_minute_and_the_next),
        TEST(test_udp_cookie_is_of_one_address_and_port),
        TEST(test_udp_cookie_every_bit_of_it_counts),
        TEST(test_udp_cookie_of_another_secret_is_none),
        TEST(test_udp_cookie_answers_nothing_that_is_shorter),
        TEST(test_udp_cookie_does_not_answer_a_challenge),
        TEST(test_udp_cookie_is_cut_from_messages_of_a_session),
    };

    return cmocka_run_group_tests_name("udp_cookie", tests, NULL, NULL);
}
