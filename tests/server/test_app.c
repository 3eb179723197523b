#include "loopback.h"
#include "test.h"

#include <reef/components.h>
#include <reef/mailbox.h>

#include <signal.h>

REEF_COMPONENT(probe_config,
               0,
               REEF_U32(level, .initial = "3", .max = 9),
               REEF_STRING(label, 16, .initial = "none"));

/* What the probe plugin lived through, one letter each. */
static char lived[32];

static void live(char letter)
{
    size_t size = strlen(lived);

    lived[size] = letter;
    lived[size + 1] = '\0';
}

static reef_error_t
probe_build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    const probe_config_t *probe = config;

    (void)app;
    live('b');
    *state = lived;
    return probe->level == 7 ? reef_fail(failure, REEF_E_INVALID, "seven") : REEF_OK;
}

static reef_error_t probe_ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    (void)app;
    (void)failure;
    assert_ptr_equal(state, lived);
    live('r');
    return REEF_OK;
}

static void probe_cleanup(reef_app_t *app, void *state)
{
    (void)app;
    assert_ptr_equal(state, lived);
    live('c');
}

static const reef_plugin_t probe = {
    .api = REEF_PLUGIN_API,
    .name = "probe",
    .config_type = &probe_config_type,
    .build = probe_build,
    .ready = probe_ready,
    .cleanup = probe_cleanup,
};

static void count_run(reef_run_t *run)
{
    ++*(int *)reef_run_context(run);
}

static void add_counter(reef_app_t *app, const char *schedule, int *count)
{
    reef_app_add_system(
        app, schedule,
        &(reef_system_desc_t){.name = "count", .run = count_run, .context = count});
}

static int setup(void **state)
{
    lived[0] = '\0';
    *state = loopback_app_create(0, NULL);
    return 0;
}

static int teardown(void **state)
{
    reef_app_destroy(*state);
    return 0;
}

static void test_app_plugin_lives_build_ready_cleanup(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &probe, NULL, NULL), REEF_OK);
    assert_string_equal(lived, "b");
    loopback_app_start(app);
    assert_string_equal(lived, "br");
    assert_ptr_equal(reef_app_plugin_state(app, "probe"), lived);
    reef_app_destroy(app);
    assert_string_equal(lived, "brc");
}

static void test_app_failed_build_is_not_cleaned_up(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(
        reef_app_add_plugin(app, &probe, &(probe_config_t){.level = 7}, &failure),
        REEF_E_INVALID);
    assert_string_equal(failure.text, "seven");
    reef_app_destroy(app);
    assert_string_equal(lived, "b");
}

/* A copy of a plugin with settings; what is given with the call goes before them. */
static void test_app_plugin_brings_its_config_along(void **state)
{
    static reef_plugin_t copy; /* the app's until its end */
    reef_app_t *app = loopback_app_create(0, NULL);
    reef_failure_t failure = {0};

    copy = probe;
    copy.config = &(probe_config_t){.level = 7};
    assert_int_equal(reef_app_add_plugin(app, &copy, NULL, &failure), REEF_E_INVALID);
    assert_string_equal(failure.text, "seven");
    reef_app_destroy(app);
    assert_int_equal(
        reef_app_add_plugin(*state, &copy, &(probe_config_t){.level = 8}, &failure),
        REEF_OK);
}

static void test_app_refuses_a_plugin_twice_or_too_late(void **state)
{
    const reef_plugin_t late = {REEF_PLUGIN_API, "late", .build = probe_build};
    reef_failure_t failure = {0};

    assert_int_equal(reef_app_add_plugin(*state, &probe, NULL, &failure), REEF_OK);
    assert_int_equal(reef_app_add_plugin(*state, &probe, NULL, &failure),
                     REEF_E_EXISTS);
    assert_string_equal(failure.text, "plugin probe: added twice");
    loopback_app_start(*state);
    assert_int_equal(reef_app_add_plugin(*state, &late, NULL, &failure),
                     REEF_E_INVALID);
}

static void test_app_refuses_a_plugin_whose_need_is_missing(void **state)
{
    static const char *const needs[] = {"rooms", NULL};
    const reef_plugin_t needy = {REEF_PLUGIN_API, "needy", .needs = needs,
                                 .build = probe_build};
    reef_failure_t failure = {0};

    assert_int_equal(reef_app_add_plugin(*state, &needy, NULL, &failure),
                     REEF_E_NOT_FOUND);
    assert_non_null(strstr(failure.text, "rooms"));
}

static void test_app_step_runs_exactly_the_ticks_asked_for(void **state)
{
    int updates = 0;
    int ticks = 0;

    add_counter(*state, REEF_UPDATE, &updates);
    add_counter(*state, REEF_FIXED_UPDATE, &ticks);
    loopback_app_start(*state);
    reef_app_step(*state, 0);
    reef_app_step(*state, 3);
    reef_app_tick_n(*state, 2);

    assert_int_equal(updates, 4);
    assert_int_equal(ticks, 5);
    assert_int_equal(REEF_RESOURCE(reef_app_world(*state), simulation_time)->tick, 5);
}

static void test_app_startup_runs_once(void **state)
{
    int startups = 0;

    add_counter(*state, REEF_STARTUP, &startups);
    loopback_app_start(*state);
    reef_app_tick_n(*state, 3);

    assert_int_equal(startups, 1);
}

static void test_app_same_inputs_give_the_same_world(void **state)
{
    uint64_t hash[2];

    (void)state;
    for (int round = 0; round < 2; round++) {
        reef_app_t *app = loopback_app_create(0, NULL);
        loopback_peer_t peer;

        loopback_app_start(app);
        loopback_connect(app, &peer);
        reef_app_tick_n(app, 10);
        REEF_FIND_MUT(reef_app_world(app), 0x180000000u, session)->connected_at_ms = 0;
        REEF_RESOURCE(reef_app_world(app), frame_time)->frame_us = 0;
        hash[round] = reef_world_state_hash(reef_app_world(app));
        reef_app_destroy(app);
    }

    assert_int_equal(hash[0], hash[1]);
}

static void test_app_services_are_found_by_name(void **state)
{
    static const int service = 5;

    assert_null(reef_app_service(*state, "weather"));
    reef_app_provide(*state, "weather", &service);
    assert_ptr_equal(reef_app_service(*state, "weather"), &service);
    reef_app_provide(*state, "weather", NULL);
    assert_null(reef_app_service(*state, "weather"));
}

static void test_app_refuses_a_tick_rate_out_of_range(void **state)
{
    const char *const argv[] = {"test", "--set", "server.tick_rate=0"};
    reef_failure_t failure = {0};
    reef_app_t *app = NULL;

    (void)state;
    assert_int_equal(
        reef_app_create(
            &(reef_app_desc_t){.argc = 3, .argv = argv, .ignore_environment = true},
            &app, &failure),
        REEF_E_RANGE);
    assert_non_null(strstr(failure.text, "server.tick_rate"));
    assert_null(app);
}

static void test_app_frame_steps_run_in_the_order_of_the_design(void **state)
{
    static const char *const steps[] = {"ingress", "admin",        "admission",
                                        "update",  "fixed_update", "replicate",
                                        "egress",  "lifetimes"};
    reef_schedule_t *frame = reef_app_find_schedule(*state, REEF_FRAME);

    loopback_app_start(*state);
    assert_int_equal(reef_schedule_count(frame), sizeof(steps) / sizeof(steps[0]));
    for (uint32_t i = 0; i < reef_schedule_count(frame); i++) {
        assert_string_equal(reef_system_desc(reef_schedule_system(frame, i))->name,
                            steps[i]);
    }
}

static void test_app_unknown_section_is_refused_at_the_start(void **state)
{
    const char *const argv[] = {"test", "--set", "chatt.max_rooms=3"};
    reef_app_t *app = loopback_app_create(3, argv);
    reef_failure_t failure = {0};

    (void)state;
    assert_int_equal(reef_app_start(app, &failure), REEF_E_NOT_FOUND);
    assert_non_null(strstr(failure.text, "chatt"));
    reef_app_destroy(app);
}

static reef_error_t
other_build(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config;
    (void)state;
    (void)failure;
    live('B');
    add_counter(app, REEF_UPDATE, NULL);
    return REEF_OK;
}

static void no_request(void *argument)
{
    (void)argument;
}

static void other_cleanup(reef_app_t *app, void *state)
{
    (void)state;
    live('C');
    assert_int_equal(reef_mailbox_call(reef_app_mailbox(app), no_request, NULL, 1),
                     REEF_E_CLOSED); /* nobody would answer any more */
}

static reef_error_t other_ready(reef_app_t *app, void *state, reef_failure_t *failure)
{
    (void)state;
    (void)failure;
    REEF_RESOURCE(reef_app_world(app), simulation_time)->dt = 9; /* as restored */
    return REEF_OK;
}

static const reef_plugin_t other = {
    .api = REEF_PLUGIN_API,
    .name = "other",
    .build = other_build,
    .ready = other_ready,
    .cleanup = other_cleanup,
};

static void test_app_cleans_plugins_up_in_reverse_with_the_mailbox_closed(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);

    (void)state;
    assert_int_equal(reef_app_add_plugin(app, &probe, NULL, NULL), REEF_OK);
    assert_int_equal(reef_app_add_plugin(app, &other, NULL, NULL), REEF_OK);
    reef_app_destroy(app);

    assert_string_equal(lived, "bBCc");
}

static void test_app_refuses_a_plugin_of_another_api(void **state)
{
    const reef_plugin_t old = {REEF_PLUGIN_API + 1, "old", .build = other_build};
    reef_failure_t failure = {0};

    assert_int_equal(reef_app_add_plugin(*state, &old, NULL, &failure), REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "plugin api"));
    assert_string_equal(lived, "");
}

static void test_app_length_of_a_tick_is_the_settings_and_not_the_worlds(void **state)
{
    assert_int_equal(reef_app_add_plugin(*state, &other, NULL, NULL), REEF_OK);
    loopback_app_start(*state);

    assert_true(REEF_RESOURCE(reef_app_world(*state), simulation_time)->dt == 1.0 / 60);
}

static void test_app_system_belongs_to_the_plugin_that_is_built(void **state)
{
    reef_schedule_t *update = reef_app_find_schedule(*state, REEF_UPDATE);
    uint32_t count = reef_schedule_count(update);
    uint32_t found = 0;

    assert_int_equal(reef_app_add_plugin(*state, &other, NULL, NULL), REEF_OK);
    assert_int_equal(reef_schedule_count(update), count + 1);
    for (uint32_t i = 0; i <= count; i++) {
        const reef_system_desc_t *desc =
            reef_system_desc(reef_schedule_system(update, i));

        found += desc->plugin != NULL && strcmp(desc->plugin, "other") == 0 &&
                 strcmp(desc->name, "count") == 0;
    }
    assert_int_equal(found, 1);
}

static void test_app_shutdown_runs_once_and_no_tick_after_it(void **state)
{
    int shutdowns = 0;
    int ticks = 0;

    add_counter(*state, REEF_SHUTDOWN, &shutdowns);
    add_counter(*state, REEF_FIXED_UPDATE, &ticks);
    loopback_app_start(*state);
    reef_app_stop(*state);
    loopback_set_time_ns(UINT64_C(5000000000));
    reef_app_run(*state);

    assert_int_equal(shutdowns, 1);
    assert_int_equal(ticks, 0);
}

static void test_app_ignores_sigpipe_once_started(void **state)
{
    struct sigaction now;

    signal(SIGPIPE, SIG_DFL);
    loopback_app_start(*state);

    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_IGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_app_plugin_lives_build_ready_cleanup),
        TEST(test_app_failed_build_is_not_cleaned_up),
        TEST(test_app_plugin_brings_its_config_along),
        TEST(test_app_refuses_a_plugin_twice_or_too_late),
        TEST(test_app_refuses_a_plugin_whose_need_is_missing),
        TEST(test_app_step_runs_exactly_the_ticks_asked_for),
        TEST(test_app_startup_runs_once),
        TEST(test_app_same_inputs_give_the_same_world),
        TEST(test_app_services_are_found_by_name),
        TEST(test_app_refuses_a_tick_rate_out_of_range),
        TEST(test_app_frame_steps_run_in_the_order_of_the_design),
        TEST(test_app_unknown_section_is_refused_at_the_start),
        TEST(test_app_cleans_plugins_up_in_reverse_with_the_mailbox_closed),
        TEST(test_app_refuses_a_plugin_of_another_api),
        TEST(test_app_length_of_a_tick_is_the_settings_and_not_the_worlds),
        TEST(test_app_system_belongs_to_the_plugin_that_is_built),
        TEST(test_app_shutdown_runs_once_and_no_tick_after_it),
        TEST(test_app_ignores_sigpipe_once_started),
    };

    return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
