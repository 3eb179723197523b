/* Values of all kinds as bytes, and bytes that are no values. */
#include "test.h"

#include "codec/reef_v1.h"
#include "reef_v1_fixture.h"

#include <math.h>

/* What every kind looks like on the wire; values that are no numbers say what they
 * are. */
static const uint8_t all_bytes[] = {
    1,                                              /* flag */
    0xff,                                           /* i8 -1 */
    0xfe, 0xff,                                     /* i16 -2 */
    0x9c, 0xff, 0xff, 0xff,                         /* i32 -100 */
    0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* i64 -4 */
    0xab,                                           /* u8 */
    0x34, 0x12,                                     /* u16 */
    0x78, 0x56, 0x34, 0x12,                         /* u32 */
    8,    7,    6,    5,    4,    3,    2,    1,    /* u64 */
    0,    0,    0xc0, 0x3f,                         /* f32 1.5 */
    0,    0,    0,    0,    0,    0,    0x04, 0xc0, /* f64 -2.5 */
    5,                                              /* mood angry */
    0xfe, 0xff, 0xff, 0xff,                         /* depth low */
    0x2c, 0x01,                                     /* wide last */
    3,                                              /* sides left|right */
    0,    0,    0x10, 0,                            /* flags far */
    3,    0,    'b',  'o',  'b',                    /* name */
    4,    0,    0,    0,    'o',  'n',  0xc3, 0xa9, /* story, u32: up to 100000 */
    2,    0,    0,    0,    1,    0,    0,    0,    /* target */
    0,    0,    0x80, 0x3f, 0,    0,    0,    0x40, 0,
    0,    0x40, 0x40,                                  /* weights 1 2 3 */
    3,    0,    's',  'i',  'r',  0,    0,             /* titles "sir", "" */
    1,    5,                                           /* moods calm, angry */
    0,    0,    0x20, 0x41, 0,    0,    0xa0, 0x40, 7, /* pose 10 5 7 */
    1,    0,    'x',  9,    0,    0,    0,             /* members[0]: name, age */
    0,    0,    0x80, 0xbf, 0,    0,    0,    0,    1, /* poses[0] -1 0 1 */
    0,    0,    0,    0,    0,    0,    0,    0,    2, /* poses[1] 0 0 2 */
    0,    0,    8,    0,    0,    0,                   /* members[1] */
    0,    0,    0,    0,    0,    0,    0,    0,    3, /**/
    0,    0,    0,    0,    0,    0,    0,    0,    4, /**/
};

typedef struct fixture {
    reef__v1_plan_t *plan;
    v1_all_t value;
    v1_all_t result;
    uint8_t bytes[512];
} fixture_t;

static reef__v1_plan_t *plan_of(const reef_type_t *type)
{
    reef_failure_t failure = {0};
    reef__v1_plan_t *plan = NULL;

    if (reef__v1_plan_create(type, reef_alloc_default(), &plan, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    return plan;
}

static void set_text(reef_text_t *text, const char *content)
{
    assert_true(reef_text_set(text, reef_span_text(content)));
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->plan = plan_of(&v1_all_type);
    f->value = (v1_all_t){
        .flag = true,
        .i8 = -1,
        .i16 = -2,
        .i32 = -100,
        .i64 = -4,
        .u8 = 0xab,
        .u16 = 0x1234,
        .u32 = 0x12345678,
        .u64 = UINT64_C(0x0102030405060708),
        .f32 = 1.5F,
        .f64 = -2.5,
        .mood = 5,
        .depth = -2,
        .wide = 300,
        .sides = 3,
        .flags = 1 << 20,
        .name = "bob",
        .target = UINT64_C(0x100000002),
        .weights = {1, 2, 3},
        .titles = {"sir"},
        .moods = {1, 5},
        .pose = {.origin = {.x = 10, .y = 5}, .turn = 7},
        .members = {{.age = 9,
                     .poses = {{.origin = {.x = -1}, .turn = 1}, {.turn = 2}}},
                    {.age = 8, .poses = {{.turn = 3}, {.turn = 4}}}},
    };
    set_text(&f->value.story, "on\xc3\xa9");
    set_text(&f->value.members[0].name, "x");
    memcpy(f->bytes, all_bytes, sizeof(all_bytes));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__v1_plan_destroy(f->plan);
    reef_type_drop(&v1_all_type, &f->value);
    reef_type_drop(&v1_all_type, &f->result);
    free(f);
    return 0;
}

/* Read the bytes into `result`; the code of what is wrong with them. */
static reef__v1_fault_t read_bytes(fixture_t *f, size_t size)
{
    /* Of exactly that size, so that a sanitizer sees what is read behind the end. */
    uint8_t *exact = calloc(1, size > 0 ? size : 1);
    reef_span_t input = reef_span(exact, size);
    reef__v1_fault_t fault;

    memcpy(exact, f->bytes, size);
    reef_type_drop(&v1_all_type, &f->result);
    fault = reef__v1_read(f->plan, &input, &f->result);
    if (fault.code == 0) {
        assert_true(input.size == size - sizeof(all_bytes));
    }
    free(exact);
    return fault;
}

static void test_reef_v1_writes_every_kind(void **state)
{
    fixture_t *f = *state;
    uint8_t out[sizeof(all_bytes)];

    assert_int_equal(reef__v1_size(f->plan, &f->value), sizeof(all_bytes));
    assert_ptr_equal(reef__v1_write(f->plan, &f->value, out), out + sizeof(out));
    assert_memory_equal(out, all_bytes, sizeof(out));
}

static void test_reef_v1_reads_every_kind(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(read_bytes(f, sizeof(all_bytes)).code, 0);
    assert_true(reef_type_equal(&v1_all_type, &f->value, &f->result));
}

static void test_reef_v1_leaves_what_comes_behind(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(read_bytes(f, sizeof(all_bytes) + 5).code, 0);
}

/* Cut at any byte it is cut short, and nothing of it is lost or leaks. */
static void test_reef_v1_refuses_every_cut(void **state)
{
    fixture_t *f = *state;

    for (size_t size = 0; size < sizeof(all_bytes); size++) {
        assert_int_equal(read_bytes(f, size).code, REEF_V1_LENGTH);
    }
}

/* Where a field is in all_bytes. */
enum {
    AT_FLAG = 0,
    AT_I32 = 4,
    AT_F32 = 31,
    AT_F64 = 35,
    AT_MOOD = 43,
    AT_DEPTH = 44,
    AT_SIDES = 50,
    AT_FLAGS = 51,
    AT_NAME = 55,
    AT_STORY = 60,
    AT_WEIGHTS = 76,
    AT_POSE = 97,
    AT_TURN = 105,
};

static void assert_refused(fixture_t *f,
                           size_t at,
                           const void *bytes,
                           size_t size,
                           reef_v1_code_t code,
                           const char *field)
{
    reef__v1_fault_t fault;

    memcpy(f->bytes, all_bytes, sizeof(all_bytes));
    memcpy(f->bytes + at, bytes, size);
    fault = read_bytes(f, sizeof(all_bytes));
    assert_int_equal(fault.code, code);
    assert_string_equal(fault.field->name, field);
    memcpy(f->bytes, all_bytes, sizeof(all_bytes));
}

static void test_reef_v1_refuses_values_out_of_their_description(void **state)
{
    static const int32_t below = -101;
    static const int32_t above = 101;
    static const int32_t unknown = -3;
    static const float far = 10.5F;
    fixture_t *f = *state;

    assert_refused(f, AT_FLAG, "\x02", 1, REEF_V1_VALUE, "flag");
    assert_refused(f, AT_I32, &below, 4, REEF_V1_VALUE, "i32");
    assert_refused(f, AT_I32, &above, 4, REEF_V1_VALUE, "i32");
    assert_refused(f, AT_MOOD, "\x02", 1, REEF_V1_VALUE, "mood");
    assert_refused(f, AT_DEPTH, &unknown, 4, REEF_V1_VALUE, "depth");
    assert_refused(f, AT_SIDES, "\x04", 1, REEF_V1_VALUE, "sides");
    assert_refused(f, AT_FLAGS, "\x02", 1, REEF_V1_VALUE, "flags");
    assert_refused(f, AT_POSE, &far, 4, REEF_V1_VALUE, "x");
    assert_refused(f, AT_TURN, "\x08", 1, REEF_V1_VALUE, "turn");
}

/* Of fields with a range and of those without. */
static void test_reef_v1_refuses_what_is_not_finite(void **state)
{
    static const float floats[] = {NAN, INFINITY, -INFINITY};
    static const double doubles[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    fixture_t *f = *state;

    for (int i = 0; i < 3; i++) {
        assert_refused(f, AT_F32, &floats[i], 4, REEF_V1_VALUE, "f32");
        assert_refused(f, AT_F64, &doubles[i], 8, REEF_V1_VALUE, "f64");
        assert_refused(f, AT_WEIGHTS + 8, &floats[i], 4, REEF_V1_VALUE, "weights");
        assert_refused(f, AT_POSE, &floats[i], 4, REEF_V1_VALUE, "x");
    }
}

static void test_reef_v1_refuses_bad_texts(void **state)
{
    fixture_t *f = *state;

    assert_refused(f, AT_NAME + 2, "\xff", 1, REEF_V1_ENCODING, "name");
    assert_refused(f, AT_NAME + 2, "\0", 1, REEF_V1_ENCODING, "name");
    assert_refused(f, AT_NAME + 4, "\xc3", 1, REEF_V1_ENCODING, "name");
    assert_refused(f, AT_STORY + 7, "\x20", 1, REEF_V1_ENCODING, "story");
    assert_refused(f, AT_NAME, "\x08", 1, REEF_V1_LENGTH, "name");
    assert_refused(f, AT_NAME, "\xff\xff", 2, REEF_V1_LENGTH, "name");
    assert_refused(f, AT_STORY, "\xff\xff\xff\xff", 4, REEF_V1_LENGTH, "story");
    assert_refused(f, AT_STORY, "\xa0\x86\x01\x00", 4, REEF_V1_LENGTH, "story");
}

/* A string of its full size has its NUL still. */
static void test_reef_v1_string_of_full_size(void **state)
{
    REEF_COMPONENT(word, 0, REEF_STRING(text, 4));
    reef__v1_plan_t *plan = plan_of(&word_type);
    reef_span_t input = reef_span("\x03\x00xyz", 5);
    word_t value;

    (void)state;
    memset(&value, 'q', sizeof(value));
    assert_int_equal(reef__v1_read(plan, &input, &value).code, 0);
    assert_string_equal(value.text, "xyz");
    reef__v1_plan_destroy(plan);
}

static void test_reef_v1_sizes_of_types(void **state)
{
    fixture_t *f = *state;
    reef__v1_plan_t *point = plan_of(&v1_point_type);
    reef__v1_plan_t *none = plan_of(NULL);
    bool is_fixed;

    assert_int_equal(reef__v1_least_size(point, &is_fixed), 8);
    assert_true(is_fixed);
    assert_int_equal(reef__v1_least_size(none, &is_fixed), 0);
    assert_true(is_fixed);
    assert_int_equal(reef__v1_least_size(f->plan, &is_fixed),
                     sizeof(all_bytes) - strlen("bob") - strlen("on__") -
                         strlen("sir") - strlen("x"));
    assert_false(is_fixed);
    reef__v1_plan_destroy(point);
    reef__v1_plan_destroy(none);
}

/* Fields with padding between them are not copied with it. */
static void test_reef_v1_writes_no_padding(void **state)
{
    REEF_COMPONENT(loose, 0, REEF_U8(a), REEF_U32(b), REEF_U8(c), REEF_U16(d));
    reef__v1_plan_t *plan = plan_of(&loose_type);
    uint8_t out[8];
    loose_t value;

    (void)state;
    memset(&value, 0xee, sizeof(value));
    value.a = 1;
    value.b = 2;
    value.c = 3;
    value.d = 4;
    assert_int_equal(reef__v1_write(plan, &value, out) - out, 8);
    assert_memory_equal(out, "\1\2\0\0\0\3\4\0", 8);
    reef__v1_plan_destroy(plan);
}

static void drop_nothing(void *value)
{
    (void)value;
}

static void test_reef_v1_refuses_types(void **state)
{
    REEF_COMPONENT(hidden, 0, REEF_U8(pin, .secret = true));
    REEF_COMPONENT(outer, 0, REEF_U8(a), REEF_STRUCT_ARRAY(inner, hidden, 2));
    REEF_COMPONENT(large, 0, REEF_STRING(name, 70000));
    reef_type_t hooked = v1_point_type;
    const reef_type_t *types[] = {&hidden_type, &outer_type, &large_type, &hooked};

    (void)state;
    hooked.drop = drop_nothing;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        reef__v1_plan_t *plan = NULL;

        assert_int_equal(
            reef__v1_plan_create(types[i], reef_alloc_default(), &plan, NULL),
            REEF_E_INVALID);
        assert_null(plan);
    }
}

static void test_reef_v1_describes_types(void **state)
{
    char text[1024];

    (void)state;
    assert_true(reef__v1_describe(&v1_all_type, text, sizeof(text)) > 0);
    assert_string_equal(
        text,
        "flag bool,i8 i8,i16 i16,i32 i32,i64 i64,u8 u8,u16 u16,u32 u32,u64 u64,"
        "f32 f32,f64 f64,mood enum:u8{calm=1 angry=5},depth enum:i32{low=-2 high=300},"
        "wide enum:u16{first=0 last=300},sides mask:u8{left=1 right=2},"
        "flags mask:u32{one=1 far=1048576},name string<7>,story text<100000>,"
        "target entity,weights f32[3],titles string<5>[2],"
        "moods enum:u8{calm=1 angry=5}[2],"
        "pose {origin {x f32,y f32},turn u8},"
        "members {name text<16>,age u32,poses {origin {x f32,y f32},turn u8}[2]}[2]");
    assert_int_equal(reef__v1_describe(&v1_all_type, text, 100), 0);
    assert_int_equal(reef__v1_describe(NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "");
}

/* Any bytes at all: what is accepted is written again as the same bytes. */
static void test_reef_v1_accepts_only_what_it_would_write(void **state)
{
    fixture_t *f = *state;
    uint32_t random = 1;
    uint32_t accepted = 0;

    for (int i = 0; i < 20000; i++) {
        uint8_t out[sizeof(f->bytes)];

        memcpy(f->bytes, all_bytes, sizeof(all_bytes));
        random = random * 1664525 + 1013904223;
        f->bytes[(random >> 8) % sizeof(all_bytes)] = (uint8_t)(random >> 24);
        if (read_bytes(f, sizeof(all_bytes)).code == 0) {
            accepted++;
            assert_int_equal(reef__v1_write(f->plan, &f->result, out) - out,
                             sizeof(all_bytes));
            assert_memory_equal(out, f->bytes, sizeof(all_bytes));
        }
    }
    assert_in_range(accepted, 1000, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reef_v1_writes_every_kind),
        TEST(test_reef_v1_reads_every_kind),
        TEST(test_reef_v1_leaves_what_comes_behind),
        TEST(test_reef_v1_refuses_every_cut),
        TEST(test_reef_v1_refuses_values_out_of_their_description),
        TEST(test_reef_v1_refuses_what_is_not_finite),
        TEST(test_reef_v1_refuses_bad_texts),
        TEST(test_reef_v1_string_of_full_size),
        TEST(test_reef_v1_sizes_of_types),
        TEST(test_reef_v1_writes_no_padding),
        TEST(test_reef_v1_refuses_types),
        TEST(test_reef_v1_describes_types),
        TEST(test_reef_v1_accepts_only_what_it_would_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
