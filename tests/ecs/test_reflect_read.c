/* The tree is written down as C: objects and arrays end with a node without a kind. */
#include <reef/reflect_visit.h>

#include "reflect_fixture.h"

#include "test.h"

typedef struct node {
    const char *name;
    enum {
        END,
        EMPTY,
        TRUTH,
        NUMBER,
        NATURAL,
        WORD,
        LIST,
        TREE
    } kind;
    double number;
    uint64_t natural;
    const char *word;
    const struct node *children;
} node_t;

#define NOTHING(name_)                                                                 \
    {                                                                                  \
        .name = (name_), .kind = EMPTY                                                 \
    }
#define TRUE(name_)                                                                    \
    {                                                                                  \
        .name = (name_), .kind = TRUTH                                                 \
    }
#define NUM(name_, x)                                                                  \
    {                                                                                  \
        .name = (name_), .kind = NUMBER, .number = (x)                                 \
    }
#define NAT(name_, x)                                                                  \
    {                                                                                  \
        .name = (name_), .kind = NATURAL, .natural = (x)                               \
    }
#define STR(name_, x)                                                                  \
    {                                                                                  \
        .name = (name_), .kind = WORD, .word = (x)                                     \
    }
#define ARR(name_, ...)                                                                \
    {                                                                                  \
        .name = (name_), .kind = LIST, .children = NODES(__VA_ARGS__)                  \
    }
#define OBJ(name_, ...)                                                                \
    {                                                                                  \
        .name = (name_), .kind = TREE, .children = NODES(__VA_ARGS__)                  \
    }
#define NODES(...) ((const node_t[]){__VA_ARGS__, {.kind = END}})
#define ROOT(...)  (&(const node_t)OBJ("", __VA_ARGS__))

REEF_TAG(mark, 0);
REEF_COMPONENT(sealed, 0, REEF_ARRAY(codes, U8, 2, .read_only = true));

typedef struct errors {
    int count;
    char pointer[REEF_MAX_POINTER]; /* of the first */
    char text[REEF_FAILURE_TEXT_SIZE];
} errors_t;

static reef_node_kind_t node_kind(const void *node)
{
    switch (((const node_t *)node)->kind) {
    case EMPTY:
        return REEF_NODE_NULL;
    case LIST:
        return REEF_NODE_ARRAY;
    case TREE:
        return REEF_NODE_OBJECT;
    default:
        return REEF_NODE_SCALAR;
    }
}

static const void *unless_end(const node_t *node)
{
    return node->kind == END ? NULL : node;
}

static const void *node_first(const void *node)
{
    return unless_end(((const node_t *)node)->children);
}

static const void *node_next(const void *node)
{
    return unless_end((const node_t *)node + 1);
}

static reef_span_t node_name(const void *node)
{
    return reef_span_text(((const node_t *)node)->name);
}

static reef_value_t node_scalar(const void *context)
{
    const node_t *node = context;

    switch (node->kind) {
    case NUMBER:
        return (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = node->number};
    case NATURAL:
        return of_uint(node->natural);
    case WORD:
        return of_text(node->word);
    default:
        return (reef_value_t){.tag = REEF_VALUE_BOOL, .boolean = true};
    }
}

static const reef_source_t source = {.kind = node_kind,
                                     .first = node_first,
                                     .next = node_next,
                                     .name = node_name,
                                     .scalar = node_scalar};

static void on_fail(void *context, const char *pointer, const char *text)
{
    errors_t *errors = context;

    if (errors->count++ == 0) {
        snprintf(errors->pointer, sizeof(errors->pointer), "%s", pointer);
        snprintf(errors->text, sizeof(errors->text), "%s", text);
    }
}

static bool read(const reef_type_t *type,
                 const void *present,
                 const node_t *node,
                 void *value,
                 errors_t *errors)
{
    bool accepted;

    *errors = (errors_t){0};
    accepted = reef_type_read(type,
                              &(reef_read_desc_t){.source = &source,
                                                  .node = node,
                                                  .present = present,
                                                  .fail = on_fail,
                                                  .context = errors},
                              value);
    assert_int_equal(accepted, errors->count == 0);
    return accepted;
}

/* Refuse @p node for its only fault, and give the pointer to that. */
static const char *refused(void **state, const node_t *node)
{
    static errors_t errors;
    all_t untouched;

    memset(&untouched, 0x5a, sizeof(untouched));
    assert_false(read(&all_type, *state, node, &untouched, &errors));
    assert_int_equal(errors.count, 1);
    for (size_t i = 0; i < sizeof(untouched); i++) {
        assert_int_equal(((const uint8_t *)&untouched)[i], 0x5a);
    }
    return errors.pointer;
}

static all_t accepted(void **state, const node_t *node)
{
    all_t value;
    errors_t errors;

    if (!read(&all_type, *state, node, &value, &errors)) {
        fail_msg("%s: %s", errors.pointer, errors.text);
    }
    return value;
}

static void test_reflect_read_takes_every_kind(void **state)
{
    all_t value = accepted(
        state,
        ROOT(TRUE("flag"), STR("u64", "18446744073709551615"), STR("f64", "-Infinity"),
             STR("story", "upon"), ARR("weights", NUM("", 1), NAT("", 2), NUM("", 3)),
             ARR("targets", NOTHING(""), STR("", "7")),
             ARR("moods", STR("", "calm"), NUM("", 5)),
             ARR("sides", ARR("", STR("", "right")), ARR("", {.kind = END})),
             ARR("titles", STR("", "a"), STR("", ""), STR("", "c")),
             ARR("lines", STR("", "x"), STR("", ""), STR("", "z"))));

    assert_true(value.flag && value.u64 == UINT64_MAX && value.f64 < -1e308);
    assert_string_equal(value.story.data, "upon");
    assert_true(value.weights[1] == 2);
    assert_int_equal(value.targets[1], 7);
    assert_int_equal(value.moods[0], 1);
    assert_int_equal(value.sides[0], 2);
    assert_int_equal(value.sides[1], 0);
    assert_string_equal(value.titles[2], "c");
    assert_string_equal(value.lines[2].data, "z");
    assert_null(value.lines[1].data);
    reef_type_drop(&all_type, &value);
}

static void test_reflect_read_gives_initial_values_to_what_is_left_out(void **state)
{
    all_t *present = *state, value;

    assert_true(reef_text_set(&present->story, reef_span_text("changed")));
    value = accepted(state, ROOT(OBJ("pose", NUM("turn", 2))));
    assert_string_equal(value.story.data, "once");
    assert_int_equal(value.pose.turn, 2);
    reef_type_drop(&all_type, &value);
}

static void test_reflect_read_refuses_with_a_pointer_and_changes_nothing(void **state)
{
    assert_string_equal(refused(state, ROOT(STR("lost", "x"))), "/lost");
    assert_string_equal(refused(state, ROOT(STR("a/b~c", "x"))), "/a~1b~0c");
    assert_string_equal(refused(state, ROOT(NUM("story", 1))), "/story");
    assert_string_equal(refused(state, ROOT(NUM("u64", 0x1p54))), "/u64");
    assert_string_equal(refused(state, ROOT(STR("u64", "+1"))), "/u64");
    assert_string_equal(refused(state, ROOT(STR("u64", "99999999999999999999"))),
                        "/u64");
    assert_string_equal(refused(state, ROOT(STR("f64", "inf"))), "/f64");
    assert_string_equal(refused(state, ROOT(OBJ("pose", OBJ("origin", TRUE("x"))))),
                        "/pose/origin/x");
    assert_string_equal(refused(state, ROOT(ARR("lines", STR("", "a"),
                                                STR("", "123456789"), STR("", "c")))),
                        "/lines/1");
    assert_string_equal(refused(state, ROOT(ARR("lines", STR("", "a")))), "/lines");
    assert_string_equal(refused(state, ROOT(STR("lines", "a"))), "/lines");
    assert_string_equal(refused(state, ROOT(ARR("pose", NUM("", 1)))), "/pose");
    assert_string_equal(refused(state, &(const node_t)STR("", "x")), "");
}

static void test_reflect_read_array_must_be_whole(void **state)
{
    assert_string_equal(
        refused(state, ROOT(ARR("bools", TRUE(""), TRUE(""), TRUE("")))), "/bools");
    assert_string_equal(refused(state, ROOT(ARR("bools", {.kind = END}))), "/bools");
}

static void test_reflect_read_reports_everything_that_is_wrong(void **state)
{
    errors_t errors;
    all_t value;

    assert_false(read(&all_type, *state,
                      ROOT(NUM("flag", 1), STR("story", "fine"), STR("lost", "x"),
                           ARR("titles", NUM("", 1), STR("", "too long"), STR("", ""))),
                      &value, &errors));
    assert_int_equal(errors.count, 4);
    assert_string_equal(errors.text, "flag: true or false is wanted");
}

static void test_reflect_read_keeps_read_only_fields(void **state)
{
    all_t *present = *state, value;

    assert_true(reef_text_set(&present->fixed, reef_span_text("stone")));
    assert_string_equal(refused(state, ROOT(STR("fixed", "sand"))), "/fixed");
    assert_string_equal(refused(state, ROOT(OBJ("pose", OBJ("origin", NUM("y", 1))))),
                        "/pose/origin/y");
    value = accepted(state, ROOT(STR("fixed", "stone")));
    assert_string_equal(value.fixed.data, "stone");
    assert_ptr_not_equal(value.fixed.data, present->fixed.data);
    reef_type_drop(&all_type, &value);
    value = accepted(state, ROOT(STR("story", "x")));
    assert_string_equal(value.fixed.data, "stone");
    reef_type_drop(&all_type, &value);
}

static void test_reflect_read_reports_a_bad_read_only_value_once(void **state)
{
    errors_t errors;
    sealed_t value;

    assert_string_equal(refused(state, ROOT(NUM("fixed", 3))), "/fixed");
    assert_false(read(&sealed_type, NULL, ROOT(ARR("codes", NUM("", 1), STR("", "x"))),
                      &value, &errors));
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.pointer, "/codes/1");
}

static void test_reflect_read_keeps_masked_secrets(void **state)
{
    all_t *present = *state, value;

    present->vault.pin = 42;
    assert_true(reef_text_set(&present->password, reef_span_text("qwerty")));
    value =
        accepted(state, ROOT(STR("password", "***"), OBJ("vault", STR("pin", "***"))));
    assert_string_equal(value.password.data, "qwerty");
    assert_ptr_not_equal(value.password.data, present->password.data);
    assert_int_equal(value.vault.pin, 42);
    reef_type_drop(&all_type, &value);
    value = accepted(state, ROOT(STR("password", "new"), STR("story", "***")));
    assert_string_equal(value.password.data, "new");
    assert_string_equal(value.story.data, "***");
    reef_type_drop(&all_type, &value);
}

static void test_reflect_read_begins_at_the_given_pointer(void **state)
{
    const node_t *node = ROOT(STR("lost", "x"));
    errors_t errors = {0};
    all_t value;

    (void)state;
    assert_false(reef_type_read(&all_type,
                                &(reef_read_desc_t){.source = &source,
                                                    .node = node,
                                                    .pointer = "/components/all",
                                                    .fail = on_fail,
                                                    .context = &errors},
                                &value));
    assert_string_equal(errors.pointer, "/components/all/lost");
}

static void test_reflect_read_cuts_a_long_pointer_between_characters(void **state)
{
    char name[2 * REEF_MAX_POINTER + 1] = "";
    const char *pointer;

    for (size_t i = 0; i + 2 < sizeof(name); i += 2) {
        memcpy(name + i, "\xc3\xa4", 3);
    }
    pointer = refused(state, ROOT(STR(name, "x")));
    assert_int_equal(strlen(pointer), 255);
    assert_true(reef_text_is_valid(reef_span_text(pointer)));
}

static void test_reflect_read_tag_is_true_or_empty(void **state)
{
    errors_t errors;

    (void)state;
    assert_true(read(&mark_type, NULL, &(const node_t)TRUE(""), NULL, &errors));
    assert_true(read(&mark_type, NULL, ROOT({.kind = END}), NULL, &errors));
    assert_false(read(&mark_type, NULL, ROOT(TRUE("x")), NULL, &errors));
    assert_false(read(&mark_type, NULL, &(const node_t)NUM("", 1), NULL, &errors));
}

static void ignore_drop(void *value)
{
    (void)value;
}

static void test_reflect_read_refuses_types_with_a_hook(void **state)
{
    reef_type_t hooked = point_type;
    errors_t errors;
    point_t value;

    (void)state;
    hooked.drop = ignore_drop;
    assert_false(read(&hooked, NULL, ROOT(NUM("x", 1)), &value, &errors));
    assert_string_equal(errors.text, "point: its values cannot be made from their "
                                     "fields");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reflect_read_takes_every_kind),
        TEST(test_reflect_read_gives_initial_values_to_what_is_left_out),
        TEST(test_reflect_read_refuses_with_a_pointer_and_changes_nothing),
        TEST(test_reflect_read_array_must_be_whole),
        TEST(test_reflect_read_reports_everything_that_is_wrong),
        TEST(test_reflect_read_keeps_read_only_fields),
        TEST(test_reflect_read_reports_a_bad_read_only_value_once),
        TEST(test_reflect_read_keeps_masked_secrets),
        TEST(test_reflect_read_begins_at_the_given_pointer),
        TEST(test_reflect_read_cuts_a_long_pointer_between_characters),
        TEST(test_reflect_read_tag_is_true_or_empty),
        TEST(test_reflect_read_refuses_types_with_a_hook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
