#include "number.h"
#include "test.h"

#include <locale.h>
#include <math.h>

static reef__number_t parse(const char *text, float *value)
{
    return reef__number_parse(reef_span_text(text), value);
}

static void test_number_parse_takes_decimals(void **state)
{
    static const struct {
        const char *text;
        float value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"12", 12},
        {"-12.5", -12.5f},
        {"+.5", .5f},
        {"5.", 5},
        {"1e3", 1000},
        {"1.5E-2", .015f},
        {"16777217", 16777216.0f},
        {"0.1", .1f},
        {"000001", 1},
        {"123456789012345678901234567890", 123456789012345678901234567890.0f},
        {"0.000000000000000000000000000000000000001", 1e-39f},
        {"1e-999", 0},
        {"3.4028235e38", 3.4028235e38f},
    };
    float value;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(parse(good[i].text, &value), REEF__NUMBER_OK);
        assert_true(value == good[i].value);
    }
}

static void test_number_parse_refuses_all_else(void **state)
{
    static const char *const none[] = {"",    "-",    "+",   ".",   "e5",   "1e",
                                       "1e+", "1 ",   " 1",  "--1", "0x10", "1f",
                                       "1,5", "1..2", "1_0", "٣",   "1e5.", "nano"};
    static const char *const infinite[] = {
        "nan", "-NaN", "inf", "Infinity", "1e39", "-1e400", "1e99999999999999999999"};
    float value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_int_equal(parse(none[i], &value), REEF__NUMBER_NONE);
    }
    for (size_t i = 0; i < sizeof(infinite) / sizeof(infinite[0]); i++) {
        assert_int_equal(parse(infinite[i], &value), REEF__NUMBER_INFINITE);
    }
    assert_true(value == 7);
}

static const char *print(float value)
{
    static char text[REEF__NUMBER_SIZE + 1];

    *reef__number_print(value, text) = '\0';
    return text;
}

static void test_number_print_is_short(void **state)
{
    (void)state;
    assert_string_equal(print(0), "0");
    assert_string_equal(print(-0.0f), "0");
    assert_string_equal(print(1), "1");
    assert_string_equal(print(-12.5f), "-12.5");
    assert_string_equal(print(0.1f), "0.1");
    assert_string_equal(print(0.05f), "0.05");
    assert_string_equal(print(99999.99f), "99999.99");
    assert_string_equal(print(100000), "100000");
    assert_string_equal(print(16777216), "16777216");
}

/* A float of any kind: any bits, few decimals, or of a usual world. */
static float make_float(uint64_t number)
{
    uint64_t z = number * 0x9e3779b97f4a7c15u;
    uint32_t bits = (uint32_t)((z ^ (z >> 29)) * 0xbf58476d1ce4e5b9u >> 32);
    float value;

    switch (number % 3) {
    case 0:
        return (float)((int32_t)(bits % 4000000) - 2000000) / 1000.0f;
    case 1:
        return (float)bits / 4294967296.0f * 5000 - 2500;
    default:
        memcpy(&value, &bits, sizeof(value));
        return isfinite(value) ? value : 0;
    }
}

static void test_number_print_reads_back_in_any_locale(void **state)
{
    (void)state;
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is one */
    for (uint64_t i = 0; i < 300000; i++) {
        float value = make_float(i), back = 1;

        assert_int_equal(parse(print(value), &back), REEF__NUMBER_OK);
        assert_true(back == value);
    }
    setlocale(LC_ALL, "C");
    for (uint64_t i = 0; i < 300000; i++) {
        assert_true(strtof(print(make_float(i)), NULL) == make_float(i));
    }
}

/* No text with fewer digits would do. */
static void test_number_print_is_shortest_in_a_usual_world(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 60000; i++) {
        float value = make_float(i * 3 + i % 2);
        char text[64];
        int precision = 0;

        do {
            snprintf(text, sizeof(text), "%.*g", ++precision, (double)value);
        } while (strtof(text, NULL) != value);
        assert_true(strlen(print(value)) <= strlen(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_parse_takes_decimals),
        cmocka_unit_test(test_number_parse_refuses_all_else),
        cmocka_unit_test(test_number_print_is_short),
        cmocka_unit_test(test_number_print_reads_back_in_any_locale),
        cmocka_unit_test(test_number_print_is_shortest_in_a_usual_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
