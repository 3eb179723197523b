#include "stream_topics.h"

#include "test.h"

#include <stdlib.h>

static bool parse(reef__topics_t *topics, const char *text)
{
    static reef__admin_t admin;
    char wrong[64];

    *topics = (reef__topics_t){.admin = &admin};
    return reef__topics_parse(topics, text, wrong);
}

static void test_stream_topics_reads_each_kind(void **state)
{
    static reef__topics_t topics;

    (void)state;
    assert_true(parse(&topics, "frames,metrics,systems,clients,snapshots,entity:12"));
    assert_int_equal(topics.count, 6);
    assert_int_equal(topics.items[5].kind, REEF__TOPIC_ENTITY);
    assert_int_equal(topics.items[5].entity, 12);
}

static void test_stream_topics_query_holds_commas(void **state)
{
    static reef__topics_t topics;

    (void)state;
    assert_true(parse(&topics, "frames,query:a,b@77,query:,entity:3"));
    assert_int_equal(topics.count, 4);
    assert_string_equal(topics.items[1].name, "query:a,b@77");
    assert_int_equal(topics.items[1].page.query.count, 2);
    assert_string_equal(topics.items[1].page.query.names[1], "b");
    assert_int_equal(topics.items[1].after, 77);
    assert_int_equal(topics.items[2].page.query.count, 0);
    assert_int_equal(topics.items[3].kind, REEF__TOPIC_ENTITY);
}

static void test_stream_topics_refuses_what_it_does_not_know(void **state)
{
    static const char *const bad[] = {
        "",           "what", "entity:", "entity:x", "query:a@b", "frames,,metrics",
        "query:a@-1", "frame"};
    static reef__topics_t topics;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(parse(&topics, bad[i]));
    }
}

static void test_stream_topics_are_bounded(void **state)
{
    static reef__topics_t topics;

    (void)state;
    assert_true(parse(&topics, "entity:1,entity:2,entity:3,entity:4,entity:5,entity:6,"
                               "entity:7,entity:8"));
    assert_false(parse(&topics, "entity:1,entity:2,entity:3,entity:4,entity:5,entity:6,"
                                "entity:7,entity:8,entity:9"));
}

static void expect_printed(reef__topics_t *topics, const char *text)
{
    char *printed = reef__topic_print(topics, &topics->items[0]);

    assert_string_equal(printed, text);
    free(printed);
}

static void test_stream_topics_query_says_where_the_next_page_begins(void **state)
{
    static reef__topics_t topics;

    (void)state;
    assert_true(parse(&topics, "query:"));
    topics.items[0].page.after = 9;
    expect_printed(&topics, "{\"items\":[],\"total\":0,\"next_cursor\":null}");
    topics.items[0].page.more = true;
    expect_printed(&topics, "{\"items\":[],\"total\":0,\"next_cursor\":\"9\"}");
}

static void test_stream_topics_are_due_at_their_pace(void **state)
{
    static reef__topics_t topics;

    (void)state;
    assert_true(parse(&topics, "frames,metrics"));
    assert_true(reef__topics_mark(&topics, 5));
    assert_true(topics.items[0].is_due && topics.items[1].is_due);
    assert_false(reef__topics_mark(&topics, 99000000));
    assert_true(reef__topics_mark(&topics, 100000005));
    assert_true(topics.items[0].is_due);
    assert_false(topics.items[1].is_due);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_topics_reads_each_kind),
        cmocka_unit_test(test_stream_topics_query_holds_commas),
        cmocka_unit_test(test_stream_topics_refuses_what_it_does_not_know),
        cmocka_unit_test(test_stream_topics_are_bounded),
        cmocka_unit_test(test_stream_topics_query_says_where_the_next_page_begins),
        cmocka_unit_test(test_stream_topics_are_due_at_their_pace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
