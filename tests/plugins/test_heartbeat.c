/* Who is asked, and when; over a transport in memory, whose time is the test's. */
#include "loopback.h"
#include "test.h"

#include <reef/chat.h>
#include <reef/components.h>
#include <reef/heartbeat.h>
#include <reef/list.h>
#include <reef/metrics.h>
#include <reef/session.h>

#define MS UINT64_C(1000000)

enum {
    PEERS = 3,
    STEP_MS = 500 /* no sleep to the plugin */
};

#define INTERVAL_MS UINT64_C(10000)
#define TIMEOUT_MS  UINT64_C(30000)

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS]; /* clients 1, 2, 3 */
    uint64_t now_ms;
    uint64_t begin_ns;
    uint64_t timed_out; /* the last who was, and for how long */
    uint64_t silent_ms;
    uint32_t timeouts;
    reef_disconnect_t reason; /* of the last that ended */
    uint32_t ends;
} fixture_t;

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const client_timed_out_t *event;
    const user_disconnected_t *gone;

    while ((event = REEF_NEXT(run, client_timed_out)) != NULL) {
        f->timed_out = event->client_id;
        f->silent_ms = event->silent_ms;
        f->timeouts++;
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        f->reason = gone->reason;
        f->ends++;
    }
}

static void start(fixture_t *f, const char *setting)
{
    const char *const argv[] = {"test", "--set", "log.level=off", "--set", setting};

    f->app = loopback_app_create(setting ? 5 : 3, argv);
    assert_int_equal(reef_app_add_plugin(f->app, &reef_heartbeat_plugin, NULL, NULL),
                     REEF_OK);
    assert_int_equal(reef_app_add_plugin(f->app, &reef_chat_plugin, NULL, NULL),
                     REEF_OK);
    reef_app_add_system(
        f->app, REEF_FRAME,
        &(reef_system_desc_t){
            .name = "watch",
            .run = watch,
            .context = f,
            .after = {"heartbeat"},
            .reads = {&client_timed_out_event, &user_disconnected_event},
        });
    loopback_app_start(f->app);
    reef_app_step(f->app, 0);
    f->begin_ns = reef_app_now_ns(f->app);
}

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

typedef enum kind {
    PINGED, /* by the protocol */
    TEXT,
    BINARY,
} kind_t;

static void enter(fixture_t *f, int number, kind_t kind)
{
    loopback_request(f->app, &f->peer[number - 1],
                     &(reef_link_desc_t){
                         .transport = kind == PINGED   ? &loopback_ping_transport
                                      : kind == BINARY ? &loopback_binary_transport
                                                       : NULL,
                     });
    reef_app_step(f->app, 0);
}

/* Frames as often as ticks would cause them. */
static void pass_to(fixture_t *f, uint64_t ms)
{
    while (f->now_ms < ms) {
        f->now_ms = f->now_ms + STEP_MS < ms ? f->now_ms + STEP_MS : ms;
        loopback_set_time_ns(f->begin_ns + f->now_ms * MS);
        reef_app_step(f->app, 1);
    }
}

static void say(fixture_t *f, int number, const char *text)
{
    loopback_forget(&f->peer[number - 1]);
    loopback_say(&f->peer[number - 1], text);
    reef_app_step(f->app, 0);
}

static double metric(const fixture_t *f, const char *name)
{
    return reef_metric_value(
        reef_metrics_ensure(reef_app_metrics(f->app),
                            &(reef_metric_desc_t){.name = name, .help = "known"}));
}

static const session_t *component(const fixture_t *f, uint64_t client_id)
{
    return REEF_FIND(reef_app_world(f->app), reef_session_find(f->app, client_id),
                     session);
}

/* Asking ----------------------------------------------------------------------- */

static void
test_heartbeat_pings_after_an_interval_of_silence_and_not_before(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    pass_to(f, INTERVAL_MS - 1);
    assert_int_equal(f->peer[0].ping_count, 0);
    pass_to(f, INTERVAL_MS);
    assert_int_equal(f->peer[0].ping_count, 1);
    assert_string_equal(f->peer[0].last_ping, "ping");
    pass_to(f, 2 * INTERVAL_MS - 1);
    assert_int_equal(f->peer[0].ping_count, 1);
    pass_to(f, 2 * INTERVAL_MS);
    assert_int_equal(f->peer[0].ping_count, 2);
    assert_string_equal(f->peer[0].received, "");
}

static void test_heartbeat_does_not_ping_an_active_client(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    for (uint64_t i = 1; i <= 8; i++) {
        pass_to(f, i * (INTERVAL_MS - 1));
        loopback_say(&f->peer[0], "/list");
    }
    pass_to(f, 9 * (INTERVAL_MS - 1));
    assert_int_equal(f->peer[0].ping_count, 0);
    pass_to(f, 8 * (INTERVAL_MS - 1) + INTERVAL_MS);
    assert_int_equal(f->peer[0].ping_count, 1);
}

static void test_heartbeat_asks_a_text_client_by_text(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, TEXT);
    pass_to(f, INTERVAL_MS);
    assert_string_equal(f->peer[0].received, "ping\n");
    pass_to(f, 2 * INTERVAL_MS);
    assert_string_equal(f->peer[0].received, "ping\nping\n");
    assert_true(metric(f, "reef_heartbeat_pings_total") == 2);
}

static void test_heartbeat_sends_the_payload_of_the_setting(void **state)
{
    fixture_t *f = *state;

    start(f, "heartbeat.ping_payload=are you there?");
    enter(f, 1, PINGED);
    enter(f, 2, TEXT);
    pass_to(f, INTERVAL_MS);
    assert_string_equal(f->peer[0].last_ping, "are you there?");
    assert_string_equal(f->peer[1].received, "are you there?\n");
}

/* Timeouts --------------------------------------------------------------------- */

static void test_heartbeat_closes_a_silent_client_after_the_timeout(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    pass_to(f, TIMEOUT_MS - 1);
    assert_false(f->peer[0].is_closed);
    pass_to(f, TIMEOUT_MS);
    assert_true(f->peer[0].is_closed);
    assert_int_equal(f->peer[0].close_code, 1001);
    assert_string_equal(f->peer[0].close_reason, "heartbeat timeout");
    assert_int_equal(f->timeouts, 1);
    assert_int_equal(f->timed_out, 1);
    assert_int_equal(f->silent_ms, TIMEOUT_MS);
    pass_to(f, 4 * TIMEOUT_MS);
    assert_int_equal(f->ends, 1);
    assert_int_equal(f->reason, REEF_DISCONNECT_TIMEOUT);
    assert_int_equal(f->timeouts, 1);
    assert_int_equal(reef_session_count(f->app), 0);
    assert_true(metric(f, "reef_heartbeat_timeouts_total") == 1);
}

static void test_heartbeat_any_sign_of_life_begins_the_time_anew(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    pass_to(f, TIMEOUT_MS - 1);
    reef_link_heard(f->app, f->peer[0].link, -1); /* a byte of something */
    pass_to(f, 2 * TIMEOUT_MS - 2);
    assert_int_equal(f->timeouts, 0);
    pass_to(f, 2 * TIMEOUT_MS - 1);
    assert_int_equal(f->timeouts, 1);
}

static void test_heartbeat_pong_keeps_a_text_client_and_measures(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, TEXT);
    for (uint64_t i = 1; i <= 10; i++) {
        pass_to(f, i * (INTERVAL_MS + 200) - 200);
        pass_to(f, i * (INTERVAL_MS + 200));
        say(f, 1, "pong");
        assert_string_equal(f->peer[0].received, "");
    }
    reef_app_step(f->app, 1);
    assert_int_equal(f->timeouts, 0);
    assert_int_equal(component(f, 1)->rtt_us, 200000);
    assert_int_equal(component(f, 1)->jitter_us, 0);
}

/* Nobody knows which of two was answered. */
static void test_heartbeat_does_not_measure_after_two_pings(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, TEXT);
    pass_to(f, 2 * INTERVAL_MS + 7);
    say(f, 1, "pong");
    say(f, 1, "pong");
    pass_to(f, 2 * INTERVAL_MS + 8);
    assert_int_equal(component(f, 1)->rtt_us, -1);
    pass_to(f, 3 * INTERVAL_MS + 7);
    pass_to(f, 3 * INTERVAL_MS + 57);
    say(f, 1, "pong");
    pass_to(f, 3 * INTERVAL_MS + 58);
    assert_int_equal(component(f, 1)->rtt_us, 50000);
}

/* It was silent, said something else, and was silent again. */
static void test_heartbeat_measures_after_a_ping_that_was_not_answered(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, TEXT);
    pass_to(f, INTERVAL_MS + 100);
    say(f, 1, "busy");
    pass_to(f, 2 * INTERVAL_MS + 100);
    pass_to(f, 2 * INTERVAL_MS + 130);
    say(f, 1, "pong");
    reef_app_step(f->app, 1);
    assert_int_equal(component(f, 1)->rtt_us, 30000);
}

static void test_heartbeat_lets_binary_clients_alone(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, BINARY);
    pass_to(f, 5 * TIMEOUT_MS);
    assert_int_equal(f->timeouts, 0);
    assert_string_equal(f->peer[0].received, "");
    assert_true(metric(f, "reef_heartbeat_pings_total") == 0);
}

static void test_heartbeat_times_of_clients_are_their_own(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    for (int i = 1; i <= PEERS; i++) {
        enter(f, i, PINGED);
        pass_to(f, (uint64_t)i * 3000);
    }
    pass_to(f, TIMEOUT_MS);
    assert_int_equal(f->timed_out, 1);
    pass_to(f, TIMEOUT_MS + 2999);
    assert_int_equal(f->timeouts, 1);
    pass_to(f, TIMEOUT_MS + 3000);
    assert_int_equal(f->timed_out, 2);
    pass_to(f, TIMEOUT_MS + 6000);
    assert_int_equal(f->timed_out, 3);
}

static void test_heartbeat_follows_a_slot_that_is_used_again(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    pass_to(f, 5000);
    loopback_disconnect(&f->peer[0]);
    reef_app_step(f->app, 0);
    reef_app_step(f->app, 0);
    enter(f, 2, PINGED);
    pass_to(f, 5000 + TIMEOUT_MS - 1);
    assert_int_equal(f->timeouts, 0);
    pass_to(f, 5000 + TIMEOUT_MS);
    assert_int_equal(f->timed_out, 2);
    assert_int_equal(f->timeouts, 1);
}

/* `update` and `fixed_update` stand still then; the steps of the frame do not. */
static void test_heartbeat_goes_on_while_the_world_is_paused(void **state)
{
    static const char *const paused[] = {"update", "fixed_update"};
    fixture_t *f = *state;
    const reef_schedule_t *frame;

    start(f, NULL);
    enter(f, 1, PINGED);
    frame = reef_app_find_schedule(f->app, REEF_FRAME);
    for (uint32_t i = 0; i < reef_schedule_count(frame); i++) {
        reef_system_t *system = reef_schedule_system(frame, i);

        for (int k = 0; k < 2; k++) {
            if (strcmp(reef_system_desc(system)->name, paused[k]) == 0) {
                reef_system_set_enabled(system, false);
            }
        }
    }
    pass_to(f, INTERVAL_MS);
    assert_int_equal(f->peer[0].ping_count, 1);
    pass_to(f, TIMEOUT_MS);
    assert_true(f->peer[0].is_closed);
}

/* The process was stopped for an hour: what was sent meanwhile is not read yet. */
static void test_heartbeat_asks_first_when_no_frame_has_run_for_long(void **state)
{
    fixture_t *f = *state;
    uint64_t hour_ms = UINT64_C(3600) * 1000;

    start(f, NULL);
    enter(f, 1, PINGED);
    enter(f, 2, PINGED);
    pass_to(f, 1000);
    f->now_ms += hour_ms - STEP_MS;
    pass_to(f, 1000 + hour_ms);
    assert_int_equal(f->timeouts, 0);
    assert_int_equal(f->peer[0].ping_count, 1);
    reef_link_heard(f->app, f->peer[0].link, 100);
    pass_to(f, 1000 + hour_ms + TIMEOUT_MS - INTERVAL_MS - 1);
    assert_int_equal(f->timeouts, 0);
    pass_to(f, 1000 + hour_ms + TIMEOUT_MS - INTERVAL_MS);
    assert_int_equal(f->timed_out, 2);
    assert_int_equal(f->timeouts, 1);
}

/* Frames that take three seconds each are no reason to close nobody. */
static void test_heartbeat_closes_the_silent_on_a_slow_server(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    for (int i = 0; i < 30 && f->timeouts == 0; i++) {
        f->now_ms += 3000 - STEP_MS;
        pass_to(f, f->now_ms + STEP_MS);
    }
    assert_int_equal(f->timeouts, 1);
    assert_in_range(f->now_ms, TIMEOUT_MS, 2 * TIMEOUT_MS);
}

/* Chat ------------------------------------------------------------------------- */

static void test_heartbeat_timeout_leaves_no_ghost_in_a_room(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    enter(f, 2, PINGED);
    say(f, 1, "/join the reef");
    say(f, 2, "/join the reef");
    loopback_forget(&f->peer[1]);
    pass_to(f, INTERVAL_MS);
    reef_link_heard(f->app, f->peer[1].link, 100);
    pass_to(f, TIMEOUT_MS + 1);
    assert_int_equal(f->timed_out, 1);
    assert_string_equal(f->peer[1].received, "[System] User 1 has left.\n");
    say(f, 2, "/list");
    assert_string_equal(f->peer[1].received,
                        "[System] Active Rooms:\n  - the reef (1 users)\n");
}

static void test_heartbeat_pong_reaches_no_room(void **state)
{
    static const kind_t kinds[] = {PINGED, TEXT, BINARY};
    fixture_t *f = *state;

    start(f, NULL);
    for (int i = 1; i <= PEERS; i++) {
        enter(f, i, kinds[i - 1]);
        say(f, i, "pong");
        say(f, i, "  pong\n");
        assert_string_equal(f->peer[i - 1].received, "");
    }
    say(f, 1, "pong?");
    assert_string_equal(f->peer[0].received, "User 1: pong?\n");
}

static void test_heartbeat_answers_the_ping_of_a_text_client(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, TEXT);
    enter(f, 2, PINGED);
    say(f, 1, " ping ");
    assert_string_equal(f->peer[0].received, "pong\n");
    assert_string_equal(f->peer[1].received, "");
}

/* It has a ping of its own; that text is said as any other. */
static void test_heartbeat_ping_of_who_has_a_better_one_is_chat(void **state)
{
    fixture_t *f = *state;

    start(f, NULL);
    enter(f, 1, PINGED);
    say(f, 1, "ping");
    assert_string_equal(f->peer[0].received, "User 1: ping\n");
}

static void test_heartbeat_payload_may_be_a_command(void **state)
{
    fixture_t *f = *state;

    start(f, "heartbeat.pong_payload=/alive");
    enter(f, 1, TEXT);
    say(f, 1, "/alive");
    assert_string_equal(f->peer[0].received, "");
    say(f, 1, "/alive and well");
    assert_string_equal(f->peer[0].received, "[Error] Unknown command: /alive\n");
    say(f, 1, "ping");
    assert_string_equal(f->peer[0].received, "/alive\n");
}

/* List and settings ------------------------------------------------------------ */

static void test_heartbeat_list_shows_who_is_silent(void **state)
{
    fixture_t *f = *state;
    const reef_list_desc_t *list;
    uint64_t row[8] = {0};
    char text[64];
    uint32_t count;

    start(f, NULL);
    list = reef_app_find_list(f->app, reef_span_text("heartbeat"));
    assert_int_equal(list->count(list->context), 0);
    enter(f, 1, PINGED);
    pass_to(f, INTERVAL_MS + 500);
    assert_int_equal(list->count(list->context), 1);
    assert_true(list->row->size <= sizeof(row));
    list->get(list->context, 0, row);
    reef_field_format(&list->row->fields[1],
                      (uint8_t *)row + list->row->fields[1].offset, text, sizeof(text));
    assert_string_equal(text, "10500");
    reef_field_format(&list->row->fields[2],
                      (uint8_t *)row + list->row->fields[2].offset, text, sizeof(text));
    assert_string_equal(text, "1");
    assert_int_equal(*list->members(list->context, 0, &count),
                     reef_session_find(f->app, 1));
    assert_int_equal(count, 1);
    loopback_disconnect(&f->peer[0]);
    reef_app_step(f->app, 0);
    assert_int_equal(list->count(list->context), 0);
}

static void refuse(const char *setting, const char *complaint)
{
    const char *const argv[] = {"test", "--set", setting};
    reef_app_t *app = loopback_app_create(3, argv);
    reef_failure_t failure = {0};

    assert_int_not_equal(
        reef_app_add_plugin(app, &reef_heartbeat_plugin, NULL, &failure), REEF_OK);
    if (strstr(failure.text, complaint) == NULL) {
        fail_msg("%s: %s", setting, failure.text);
    }
    reef_app_destroy(app);
}

static void test_heartbeat_refuses_settings_that_make_no_sense(void **state)
{
    (void)state;
    refuse("heartbeat.timeout_s=10", "heartbeat.timeout_s: 10 is not more than "
                                     "heartbeat.interval_s, 10");
    refuse("heartbeat.interval_s=31", "is not more than");
    refuse("heartbeat.interval_s=0", "heartbeat.interval_s");
    refuse("heartbeat.interval_s=-1", "heartbeat.interval_s");
    refuse("heartbeat.interval_s=nan", "heartbeat.interval_s");
    refuse("heartbeat.timeout_s=inf", "heartbeat.timeout_s");
    refuse("heartbeat.ping_payload=", "heartbeat.ping_payload");
    refuse("heartbeat.ping_payload=a\nb", "heartbeat.ping_payload");
    refuse("heartbeat.pong_payload=/a b", "heartbeat.pong_payload");
    refuse("heartbeat.pong_payload=ping", "heartbeat.pong_payload");
}

#define SINGLE(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_heartbeat_pings_after_an_interval_of_silence_and_not_before),
        TEST(test_heartbeat_does_not_ping_an_active_client),
        TEST(test_heartbeat_asks_a_text_client_by_text),
        TEST(test_heartbeat_sends_the_payload_of_the_setting),
        TEST(test_heartbeat_closes_a_silent_client_after_the_timeout),
        TEST(test_heartbeat_any_sign_of_life_begins_the_time_anew),
        TEST(test_heartbeat_pong_keeps_a_text_client_and_measures),
        TEST(test_heartbeat_does_not_measure_after_two_pings),
        TEST(test_heartbeat_measures_after_a_ping_that_was_not_answered),
        TEST(test_heartbeat_lets_binary_clients_alone),
        TEST(test_heartbeat_times_of_clients_are_their_own),
        TEST(test_heartbeat_follows_a_slot_that_is_used_again),
        TEST(test_heartbeat_goes_on_while_the_world_is_paused),
        TEST(test_heartbeat_asks_first_when_no_frame_has_run_for_long),
        TEST(test_heartbeat_closes_the_silent_on_a_slow_server),
        TEST(test_heartbeat_timeout_leaves_no_ghost_in_a_room),
        TEST(test_heartbeat_pong_reaches_no_room),
        TEST(test_heartbeat_answers_the_ping_of_a_text_client),
        TEST(test_heartbeat_ping_of_who_has_a_better_one_is_chat),
        TEST(test_heartbeat_payload_may_be_a_command),
        TEST(test_heartbeat_list_shows_who_is_silent),
        SINGLE(test_heartbeat_refuses_settings_that_make_no_sense),
    };

    return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
