/* Signs of life, over a transport in memory. */
#include "session_fixture.h"

#define MS UINT64_C(1000000)

static reef_entity_t enter(fixture_t *fixture, const reef_transport_t *transport)
{
    loopback_request(fixture->app, &fixture->peer[0],
                     &(reef_link_desc_t){.transport = transport});
    reef_app_step(fixture->app, 0);
    return reef_session_find(fixture->app, 1);
}

static const session_t *component(const fixture_t *fixture, reef_entity_t entity)
{
    reef_app_step(fixture->app, 1);
    return REEF_FIND(reef_app_world(fixture->app), entity, session);
}

static void test_session_is_heard_when_it_connects_and_by_each_message(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, NULL);
    uint64_t begin_ns = reef_app_now_ns(fixture->app);

    assert_int_equal(reef_session_heard_ns(fixture->app, entity), begin_ns);
    loopback_set_time_ns(begin_ns + 5 * MS);
    reef_app_step(fixture->app, 0);
    assert_int_equal(reef_session_heard_ns(fixture->app, entity), begin_ns);
    loopback_say(&fixture->peer[0], "x");
    assert_int_equal(reef_session_heard_ns(fixture->app, entity), begin_ns + 5 * MS);
    loopback_set_time_ns(begin_ns + 7 * MS);
    reef_link_heard(fixture->app, fixture->peer[0].link, -1);
    assert_int_equal(reef_session_heard_ns(fixture->app, entity), begin_ns + 7 * MS);
}

/* Four messages fill the inbox, and two of them are beyond a frame's half. */
static void test_session_that_is_not_listened_to_counts_as_heard(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, NULL);
    uint64_t begin_ns = reef_app_now_ns(fixture->app);

    while (loopback_say(&fixture->peer[0], "x")) {
    }
    loopback_set_time_ns(begin_ns + 5 * MS);
    assert_int_equal(reef_session_heard_ns(fixture->app, entity),
                     reef_app_now_ns(fixture->app));
    reef_app_step(fixture->app, 0);
    reef_app_step(fixture->app, 0);
    assert_int_equal(reef_session_heard_ns(fixture->app, entity), begin_ns);
}

static void test_session_that_is_none_was_never_heard(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, &loopback_ping_transport);

    assert_true(reef_session_can_ping(fixture->app, entity));
    reef_session_close(fixture->app, entity, 0, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reef_session_heard_ns(fixture->app, entity), 0);
        assert_false(reef_session_ping(fixture->app, entity, NULL));
        assert_false(reef_session_can_ping(fixture->app, entity));
        assert_false(reef_session_is_text(fixture->app, entity));
        reef_session_note_rtt(fixture->app, entity, 1);
        reef_app_step(fixture->app, 0);
    }
    assert_int_equal(fixture->peer[0].ping_count, 0);
}

static void test_session_is_pinged_where_the_protocol_has_a_ping(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, &loopback_ping_transport);
    reef_buffer_t *payload =
        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text("are you there"));

    assert_true(reef_session_ping(fixture->app, entity, payload));
    reef_buffer_unref(payload);
    assert_int_equal(fixture->peer[0].ping_count, 1);
    assert_string_equal(fixture->peer[0].last_ping, "are you there");
}

static void test_session_without_a_ping_says_so(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, NULL);

    assert_false(reef_session_can_ping(fixture->app, entity));
    assert_false(reef_session_ping(fixture->app, entity, NULL));
    assert_true(reef_session_is_text(fixture->app, entity));
}

/* 40 ms after 20 ms: 20 ms; then 20 + (0 - 20) / 16, and so on. */
static void test_session_jitter_is_the_smoothed_difference_of_round_trips(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, NULL);

    assert_int_equal(component(fixture, entity)->jitter_us, -1);
    reef_session_note_rtt(fixture->app, entity, 20000);
    assert_int_equal(component(fixture, entity)->jitter_us, -1);
    assert_int_equal(component(fixture, entity)->rtt_us, 20000);
    reef_session_note_rtt(fixture->app, entity, 40000);
    assert_int_equal(component(fixture, entity)->jitter_us, 20000);
    reef_session_note_rtt(fixture->app, entity, 40000);
    assert_int_equal(component(fixture, entity)->jitter_us, 18750);
    reef_link_heard(fixture->app, fixture->peer[0].link, 30000);
    assert_int_equal(component(fixture, entity)->jitter_us, 18203);
    assert_int_equal(component(fixture, entity)->rtt_us, 30000);
    for (int i = 0; i < 500; i++) {
        reef_session_note_rtt(fixture->app, entity, 30000);
    }
    assert_int_equal(component(fixture, entity)->jitter_us, 0);
}

static void test_session_closes_as_its_cause_says(void **state)
{
    fixture_t *fixture = *state;
    reef_entity_t entity = enter(fixture, NULL);

    assert_true(reef_session_close_as(fixture->app, entity, 1001, "silent",
                                      REEF_DISCONNECT_TIMEOUT));
    reef_app_step(fixture->app, 0);
    reef_app_step(fixture->app, 0);
    assert_int_equal(fixture->peer[0].close_code, 1001);
    assert_string_equal(fixture->peer[0].close_reason, "silent");
    assert_int_equal(fixture->reason, REEF_DISCONNECT_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_session_is_heard_when_it_connects_and_by_each_message),
        TEST(test_session_that_is_not_listened_to_counts_as_heard),
        TEST(test_session_that_is_none_was_never_heard),
        TEST(test_session_is_pinged_where_the_protocol_has_a_ping),
        TEST(test_session_without_a_ping_says_so),
        TEST(test_session_jitter_is_the_smoothed_difference_of_round_trips),
        TEST(test_session_closes_as_its_cause_says),
    };

    return cmocka_run_group_tests_name("session_life", tests, NULL, NULL);
}
