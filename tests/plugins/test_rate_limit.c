/* What passes the gate; over a transport in memory, whose time is the test's. */
#include "loopback.h"
#include "test.h"

#include <reef/components.h>
#include <reef/list.h>
#include <reef/metrics.h>
#include <reef/rate_limit.h>
#include <reef/session.h>

#define MS           UINT64_C(1000000)
#define THROTTLED    "[RateLimit] Too many messages. You are temporarily throttled.\n"
#define DISCONNECTED "[RateLimit] Disconnected due to rate limit violation.\n"

enum {
    PEERS = 4,
    MAX_ARGS = 16
};

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS]; /* clients 1 to 4 */
    uint64_t begin_ns;
    uint32_t received[PEERS + 1]; /* by client id: messages that systems saw */
    uint32_t events;
    rate_limit_exceeded_t last;
    reef_disconnect_t reason;
} fixture_t;

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;
    const rate_limit_exceeded_t *exceeded;
    const user_disconnected_t *gone;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        f->received[message->client_id]++;
    }
    while ((exceeded = REEF_NEXT(run, rate_limit_exceeded)) != NULL) {
        f->last = *exceeded;
        f->events++;
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        f->reason = gone->reason;
    }
}

static void start_with(fixture_t *f, const char *const *settings)
{
    const char *argv[MAX_ARGS] = {"test", "--set", "server.inbox_messages=65536"};
    int argc = 3;

    for (; *settings != NULL; settings++) {
        argv[argc++] = "--set";
        argv[argc++] = *settings;
    }
    f->app = loopback_app_create(argc, argv);
    assert_int_equal(reef_app_add_plugin(f->app, &reef_rate_limit_plugin, NULL, NULL),
                     REEF_OK);
    reef_app_add_system(
        f->app, REEF_UPDATE,
        &(reef_system_desc_t){
            .name = "watch",
            .run = watch,
            .context = f,
            .reads = {&message_received_event, &rate_limit_exceeded_event,
                      &user_disconnected_event},
        });
    loopback_app_start(f->app);
    reef_app_step(f->app, 0);
    f->begin_ns = reef_app_now_ns(f->app);
}

#define START(f, ...) start_with((f), (const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
    *state = calloc(1, sizeof(fixture_t));
    return *state == NULL;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static void enter(fixture_t *f, int number, const char *address)
{
    loopback_request(f->app, &f->peer[number - 1],
                     &(reef_link_desc_t){.peer = reef_span_text(address)});
    reef_app_step(f->app, 0);
}

static void leave(fixture_t *f, int number)
{
    loopback_disconnect(&f->peer[number - 1]);
    reef_app_step(f->app, 0);
    reef_app_step(f->app, 0);
}

/* A client sends that many messages at that time after the start, in one frame.
 * Returns how many of them systems saw. */
static uint32_t send_at(fixture_t *f, uint64_t ms, int number, uint32_t count)
{
    uint32_t before = f->received[number];

    loopback_set_time_ns(f->begin_ns + ms * MS);
    for (uint32_t i = 0; i < count; i++) {
        loopback_say(&f->peer[number - 1], "0123456789");
    }
    do {
        reef_app_step(f->app, 0);
    } while (reef_event_held(reef_world_events(reef_app_world(f->app),
                                               &message_received_event)) > 0);
    return f->received[number] - before;
}

static bool send_large_at(fixture_t *f, uint64_t ms, size_t size)
{
    uint32_t before = f->received[1];
    char *text = malloc(size);

    memset(text, 'x', size);
    loopback_set_time_ns(f->begin_ns + ms * MS);
    reef_link_receive(f->app, f->peer[0].link, REEF_PAYLOAD_TEXT,
                      reef_span(text, size));
    free(text);
    reef_app_step(f->app, 0);
    return f->received[1] > before;
}

static double metric(const fixture_t *f, const char *name, reef_metric_kind_t kind)
{
    return reef_metric_value(reef_metrics_ensure(
        reef_app_metrics(f->app),
        &(reef_metric_desc_t){.name = name, .help = "known", .kind = kind}));
}

/* Buckets ---------------------------------------------------------------------- */

static void test_rate_limit_30_at_once_pass_and_the_31st_does_not(void **state)
{
    fixture_t *f = *state;

    START(f, NULL);
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 0, 1, 30), 30);
    assert_int_equal(send_at(f, 0, 1, 1), 0);
    assert_int_equal(send_at(f, 999, 1, 100), 0);
    assert_int_equal(send_at(f, 1000, 1, 31), 30);
    assert_int_equal(send_at(f, 1999, 1, 1), 0);
    assert_true(metric(f, "reef_rate_limit_dropped_total", REEF_METRIC_COUNTER) == 103);
}

/* It begins with the first message that is counted, not with the second of a clock. */
static void test_rate_limit_window_begins_with_its_first_message(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_messages=2");
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 1700, 1, 1), 1);
    assert_int_equal(send_at(f, 2600, 1, 2), 1);
    assert_int_equal(send_at(f, 2699, 1, 1), 0);
    assert_int_equal(send_at(f, 2700, 1, 1), 1);
}

static void test_rate_limit_of_one_client_is_not_that_of_another(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_messages=5");
    enter(f, 1, "10.0.0.1:1");
    enter(f, 2, "10.0.0.1:2");
    assert_int_equal(send_at(f, 0, 1, 50), 5);
    assert_int_equal(send_at(f, 0, 2, 5), 5);
}

static void test_rate_limit_window_may_be_of_any_length(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_messages=1", "rate_limit.window_s=0.05");
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 0, 1, 2), 1);
    assert_int_equal(send_at(f, 49, 1, 1), 0);
    assert_int_equal(send_at(f, 50, 1, 2), 1);
}

static void test_rate_limit_bytes_are_counted_too(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_bytes=100");
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 0, 1, 11), 10);
    assert_int_equal(f->last.cause, REEF_RATE_LIMIT_BYTES);
    assert_int_equal(send_at(f, 1000, 1, 1), 1);
}

/* Any message passes that the transport takes; what it has too many is owed. */
static void test_rate_limit_large_message_is_paid_for_by_the_windows_after(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_bytes=100");
    enter(f, 1, "memory");
    assert_true(send_large_at(f, 0, 950));
    assert_false(send_large_at(f, 500, 1));
    assert_false(send_large_at(f, 8500, 1));
    assert_true(send_large_at(f, 9000, 1)); /* 950 - 9 * 100: 50 are left */
    assert_true(send_large_at(f, 9000, 49));
    assert_false(send_large_at(f, 9999, 1));
    assert_true(send_large_at(f, 10000, 1));
}

static void test_rate_limit_of_bytes_may_be_off(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_bytes=0");
    enter(f, 1, "memory");
    assert_true(send_large_at(f, 0, 500000));
    assert_true(send_large_at(f, 0, 500000));
}

/* Actions ---------------------------------------------------------------------- */

static void test_rate_limit_drop_says_nothing_and_emits_once_a_window(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_messages=2");
    enter(f, 1, "memory");
    send_at(f, 0, 1, 2);
    assert_int_equal(f->events, 0);
    send_at(f, 10, 1, 500);
    send_at(f, 900, 1, 500);
    assert_int_equal(f->events, 1);
    assert_int_equal(f->last.entity, reef_session_find(f->app, 1));
    assert_int_equal(f->last.client_id, 1);
    assert_int_equal(f->last.action, REEF_RATE_LIMIT_DROP);
    assert_int_equal(f->last.cause, REEF_RATE_LIMIT_MESSAGES);
    assert_int_equal(f->last.dropped, 1);
    send_at(f, 1000, 1, 3);
    assert_int_equal(f->events, 2);
    assert_int_equal(f->last.dropped, 1001);
    assert_string_equal(f->peer[0].received, "");
    assert_false(f->peer[0].is_closed);
}

static void test_rate_limit_throttle_tells_once_and_lets_nothing_pass(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.action=throttle", "rate_limit.throttle_s=3");
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 100, 1, 200), 30);
    assert_string_equal(f->peer[0].received, THROTTLED);
    for (uint64_t ms = 1100; ms < 3100; ms += 500) {
        assert_int_equal(send_at(f, ms, 1, 10), 0);
    }
    assert_int_equal(send_at(f, 3099, 1, 1), 0);
    assert_string_equal(f->peer[0].received, THROTTLED);
    assert_int_equal(f->events, 1);
    assert_int_equal(send_at(f, 3100, 1, 31), 30);
    assert_string_equal(f->peer[0].received, THROTTLED THROTTLED);
    assert_int_equal(f->events, 2);
    assert_true(metric(f, "reef_rate_limit_throttled_total", REEF_METRIC_COUNTER) == 2);
}

static void answer(reef_run_t *run)
{
    const message_received_t *message;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        reef_send_text(run, message->entity, "answer");
    }
}

static void test_rate_limit_notice_follows_the_answers_to_what_has_passed(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.max_messages=2", "rate_limit.action=disconnect");
    reef_app_add_system(f->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "answer",
                                              .run = answer,
                                              .reads = {&message_received_event},
                                              .emits = {&send_message_event}});
    enter(f, 1, "memory");
    send_at(f, 0, 1, 9);
    assert_string_equal(f->peer[0].received, "answer\nanswer\n" DISCONNECTED);
}

static void test_rate_limit_disconnect_tells_once_and_closes(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.action=disconnect");
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 0, 1, 300), 30);
    assert_string_equal(f->peer[0].received, DISCONNECTED);
    assert_true(f->peer[0].is_closed);
    assert_int_equal(f->peer[0].close_code, 1008);
    assert_string_equal(f->peer[0].close_reason, "rate limit violation");
    reef_app_step(f->app, 0);
    assert_int_equal(f->reason, REEF_DISCONNECT_KICKED);
    assert_int_equal(f->events, 1);
    assert_int_equal(f->last.action, REEF_RATE_LIMIT_DISCONNECT);
    assert_true(metric(f, "reef_rate_limit_disconnected_total", REEF_METRIC_COUNTER) ==
                1);
}

/* What it left behind is too much, but there is nobody to tell and to close. */
static void test_rate_limit_disconnects_nobody_who_has_gone(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.action=disconnect", "rate_limit.max_messages=2",
          "server.max_frame_messages=16");
    enter(f, 1, "memory");
    for (int i = 0; i < 40; i++) {
        loopback_say(&f->peer[0], "0123456789");
    }
    loopback_disconnect(&f->peer[0]);
    for (int i = 0; i < 10; i++) {
        reef_app_step(f->app, 0);
    }
    assert_int_equal(f->received[1], 2);
    assert_int_equal(f->events, 1);
    assert_int_equal(f->reason, REEF_DISCONNECT_PEER);
    assert_true(metric(f, "reef_rate_limit_disconnected_total", REEF_METRIC_COUNTER) ==
                0);
    assert_true(metric(f, "reef_messages_send_failed_total", REEF_METRIC_COUNTER) == 0);
}

/* A place is used again, and what its last client did is not held against the next. */
static void test_rate_limit_new_client_begins_with_a_full_bucket(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.action=throttle");
    enter(f, 1, "memory");
    assert_int_equal(send_at(f, 0, 1, 31), 30);
    leave(f, 1);
    enter(f, 2, "memory");
    assert_int_equal(send_at(f, 0, 2, 30), 30);
    assert_string_equal(f->peer[1].received, "");
}

/* Prefixes --------------------------------------------------------------------- */

static void test_rate_limit_address_has_a_limit_for_all_its_clients(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.prefix_messages=40");
    enter(f, 1, "192.0.2.1:1000");
    enter(f, 2, "192.0.2.1:1001");
    enter(f, 3, "192.0.2.2:1000");
    assert_int_equal(send_at(f, 0, 1, 30), 30);
    assert_int_equal(send_at(f, 0, 2, 30), 10);
    assert_int_equal(f->last.client_id, 2);
    assert_int_equal(f->last.cause, REEF_RATE_LIMIT_PREFIX_MESSAGES);
    assert_int_equal(send_at(f, 0, 3, 30), 30);
    assert_int_equal(send_at(f, 1000, 2, 30), 30);
    assert_true(metric(f, "reef_rate_limit_prefixes", REEF_METRIC_GAUGE) == 2);
}

static void test_rate_limit_ipv6_is_counted_by_its_first_half(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.prefix_bytes=100");
    enter(f, 1, "[2001:db8::1]:1000");
    enter(f, 2, "[2001:db8::2:1]:7");
    enter(f, 3, "[2001:db8:0:1::1]:1000");
    assert_int_equal(send_at(f, 0, 1, 10), 10);
    assert_int_equal(send_at(f, 0, 2, 1), 0);
    assert_int_equal(f->last.cause, REEF_RATE_LIMIT_PREFIX_BYTES);
    assert_int_equal(send_at(f, 0, 3, 10), 10);
}

static void test_rate_limit_of_an_address_outlives_a_connection(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.prefix_messages=20");
    enter(f, 1, "192.0.2.1:1000");
    assert_int_equal(send_at(f, 0, 1, 20), 20);
    leave(f, 1);
    enter(f, 2, "192.0.2.1:1001");
    assert_int_equal(send_at(f, 999, 2, 20), 0);
    assert_int_equal(send_at(f, 1000, 2, 20), 20);
}

static void test_rate_limit_without_addresses_knows_none(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.prefix_messages=20");
    enter(f, 1, "unix:pid=1,uid=2");
    enter(f, 2, "memory");
    assert_int_equal(send_at(f, 0, 1, 30), 30);
    assert_int_equal(send_at(f, 0, 2, 30), 30);
    assert_true(metric(f, "reef_rate_limit_prefixes", REEF_METRIC_GAUGE) == 0);
}

static void test_rate_limit_has_room_for_some_addresses(void **state)
{
    fixture_t *f = *state;

    START(f, "rate_limit.prefix_messages=20", "rate_limit.max_prefixes=2");
    enter(f, 1, "192.0.2.1:1");
    enter(f, 2, "192.0.2.2:1");
    enter(f, 3, "192.0.2.3:1");
    assert_int_equal(send_at(f, 0, 1, 30), 20);
    assert_int_equal(send_at(f, 0, 2, 30), 20);
    assert_int_equal(send_at(f, 0, 3, 30), 30);
    assert_true(
        metric(f, "reef_rate_limit_prefixes_refused_total", REEF_METRIC_COUNTER) == 1);
    leave(f, 1);
    enter(f, 4, "192.0.2.4:1");
    assert_int_equal(send_at(f, 0, 4, 30), 20);
    assert_true(metric(f, "reef_rate_limit_prefixes", REEF_METRIC_GAUGE) == 2);
}

/* List and settings ------------------------------------------------------------ */

static const char *field_text(const reef_list_desc_t *list, void *row, uint32_t index)
{
    static char text[64];
    const reef_field_t *field = &list->row->fields[index];

    reef_field_format(field, reef_field_at(field, row, 0), text, sizeof(text));
    return text;
}

static void test_rate_limit_list_shows_offenders_while_they_are_there(void **state)
{
    fixture_t *f = *state;
    const reef_list_desc_t *list;
    uint64_t row[16] = {0};
    uint32_t count;

    START(f, "rate_limit.action=throttle", "rate_limit.throttle_s=2");
    list = reef_app_find_list(f->app, reef_span_text("rate_limit"));
    enter(f, 1, "192.0.2.1:1");
    enter(f, 2, "192.0.2.2:1");
    enter(f, 3, "192.0.2.3:1");
    send_at(f, 0, 1, 30);
    assert_int_equal(list->count(list->context), 0);
    send_at(f, 0, 2, 35);
    send_at(f, 500, 3, 31);
    assert_int_equal(list->count(list->context), 2);
    assert_true(list->row->size <= sizeof(row));
    list->get(list->context, 0, row);
    assert_string_equal(field_text(list, row, 0), "2");
    assert_string_equal(field_text(list, row, 1), "192.0.2.2:1");
    assert_string_equal(field_text(list, row, 2), "5");
    assert_string_equal(field_text(list, row, 3), "1500");
    assert_int_equal(*list->members(list->context, 0, &count),
                     reef_session_find(f->app, 2));
    assert_int_equal(count, 1);
    send_at(f, 500, 1, 1);
    assert_int_equal(list->count(list->context), 3);
    leave(f, 2);
    leave(f, 1);
    assert_int_equal(list->count(list->context), 1);
    list->get(list->context, 0, row);
    assert_string_equal(field_text(list, row, 0), "3");
    leave(f, 3);
    assert_int_equal(list->count(list->context), 0);
}

static void test_rate_limit_refuses_settings_that_make_no_sense(void **state)
{
    static const char *const settings[] = {
        "rate_limit.max_messages=0", "rate_limit.max_messages=-1",
        "rate_limit.window_s=0",     "rate_limit.window_s=nan",
        "rate_limit.window_s=-1",    "rate_limit.window_s=inf",
        "rate_limit.throttle_s=0",   "rate_limit.action=forgive",
        "rate_limit.max_bytes=-1",   "rate_limit.max_prefixes=0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const char *const argv[] = {"test", "--set", settings[i]};
        reef_app_t *app = loopback_app_create(3, argv);
        reef_failure_t failure = {0};
        char name[64];

        assert_int_not_equal(
            reef_app_add_plugin(app, &reef_rate_limit_plugin, NULL, &failure), REEF_OK);
        snprintf(name, sizeof(name), "%.*s: ", (int)strcspn(settings[i], "="),
                 settings[i]);
        if (strstr(failure.text, name) == NULL) {
            fail_msg("%s: %s", settings[i], failure.text);
        }
        reef_app_destroy(app);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rate_limit_30_at_once_pass_and_the_31st_does_not),
        TEST(test_rate_limit_window_begins_with_its_first_message),
        TEST(test_rate_limit_of_one_client_is_not_that_of_another),
        TEST(test_rate_limit_window_may_be_of_any_length),
        TEST(test_rate_limit_bytes_are_counted_too),
        TEST(test_rate_limit_large_message_is_paid_for_by_the_windows_after),
        TEST(test_rate_limit_of_bytes_may_be_off),
        TEST(test_rate_limit_drop_says_nothing_and_emits_once_a_window),
        TEST(test_rate_limit_throttle_tells_once_and_lets_nothing_pass),
        TEST(test_rate_limit_notice_follows_the_answers_to_what_has_passed),
        TEST(test_rate_limit_disconnect_tells_once_and_closes),
        TEST(test_rate_limit_disconnects_nobody_who_has_gone),
        TEST(test_rate_limit_new_client_begins_with_a_full_bucket),
        TEST(test_rate_limit_address_has_a_limit_for_all_its_clients),
        TEST(test_rate_limit_ipv6_is_counted_by_its_first_half),
        TEST(test_rate_limit_of_an_address_outlives_a_connection),
        TEST(test_rate_limit_without_addresses_knows_none),
        TEST(test_rate_limit_has_room_for_some_addresses),
        TEST(test_rate_limit_list_shows_offenders_while_they_are_there),
        cmocka_unit_test(test_rate_limit_refuses_settings_that_make_no_sense),
    };

    return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
