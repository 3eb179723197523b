/* Authenticators, and what becomes of those they are shown; peers in memory. */
#include "loopback.h"
#include "test.h"

#include <reef/authenticate.h>
#include <reef/components.h>
#include <reef/session.h>

enum {
    NOTES = 512
};

REEF_COMPONENT(pass, 0, REEF_U32(level), REEF_TEXT(words, 64));
REEF_TAG(guest, 0);

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer;
    char notes[NOTES];     /* authenticators asked, and clients seen */
    const char *refuses;   /* name of the authenticator that does */
    const char *hides;     /* parameter that the first hides */
    char found[64];        /* what the second finds of it */
    uint16_t status;       /* 0 = does not say why */
    bool gives;            /* components */
    bool refuses_and_lies; /* says why, and true */
} fixture_t;

typedef struct asked {
    fixture_t *fixture;
    const char *name;
} asked_t;

static asked_t first, second;

static void note(fixture_t *f, const char *word)
{
    size_t size = strlen(f->notes);

    snprintf(f->notes + size, sizeof(f->notes) - size, "%s%s", size > 0 ? " " : "",
             word);
}

static void give(const fixture_t *f, reef_admission_t *admission, const char *name)
{
    pass_t pass = {.level = name == first.name ? 1 : 2};

    if (f->gives) {
        assert_true(reef_text_set(&pass.words, reef_span_text(name)));
        reef_admission_set(admission, &pass_type, &pass);
        reef_admission_set(admission, &guest_type, NULL);
    }
}

static bool authenticate(reef_admission_t *admission, void *context)
{
    const asked_t *asked = context;
    fixture_t *f = asked->fixture;

    note(f, asked->name);
    give(f, admission, asked->name);
    if (f->hides != NULL && asked == &first) {
        reef_admission_hide_query(admission, f->hides);
    }
    if (f->hides != NULL && asked == &second &&
        !reef_admission_query(admission, f->hides, f->found, sizeof(f->found))) {
        snprintf(f->found, sizeof(f->found), "none");
    }
    if (f->refuses == asked->name) {
        return f->status != 0
                   ? reef_admission_refuse(admission, f->status, "go\r\naway")
                   : false;
    }
    if (f->refuses_and_lies) {
        reef_admission_refuse(admission, 429, "no");
    }
    return true;
}

/* What a client has at the moment when the world hears of it. */
static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const user_connected_t *connected;
    char text[64];

    while ((connected = REEF_NEXT(run, user_connected)) != NULL) {
        reef_world_t *world = reef_run_world(run);
        const pass_t *pass = REEF_FIND(world, connected->entity, pass);
        bool is_guest = reef_world_has(world, connected->entity,
                                       reef_world_component(world, &guest_type));

        snprintf(text, sizeof(text), "in:%u:%s:%s", pass ? pass->level : 0,
                 pass && pass->words.data ? pass->words.data : "",
                 is_guest ? "guest" : "");
        note(f, text);
    }
    while (REEF_NEXT(run, user_disconnected) != NULL) {
        note(f, "out");
    }
}

static int setup_app(void **state, bool asks)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    static const char *const headers[] = {"X-One", NULL};
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(3, argv);
    first = (asked_t){f, "first"};
    second = (asked_t){f, "second"};
    for (int i = 0; asks && i < 2; i++) {
        reef_app_add_authenticator(f->app,
                                   &(reef_authenticator_desc_t){
                                       .name = i == 0 ? first.name : second.name,
                                       .authenticate = authenticate,
                                       .context = i == 0 ? &first : &second,
                                       .headers = headers,
                                   });
    }
    reef_world_component(reef_app_world(f->app), &pass_type);
    reef_app_add_system(f->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "watch",
                                              .run = watch,
                                              .context = f,
                                              .exclusive = true,
                                              .reads = {&user_connected_event,
                                                        &user_disconnected_event}});
    loopback_app_start(f->app);
    *state = f;
    return 0;
}

static int setup(void **state)
{
    return setup_app(state, true);
}

static int setup_open(void **state)
{
    return setup_app(state, false);
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static const session_t *session_of(const fixture_t *f)
{
    reef_world_t *world = reef_app_world(f->app);

    return REEF_FIND(world, reef_session_next(f->app, 0), session);
}

static bool request(fixture_t *f, const char *query)
{
    return loopback_request(f->app, &f->peer,
                            &(reef_link_desc_t){.query = reef_span_text(query)});
}

static void test_authenticate_none_lets_everybody_in(void **state)
{
    fixture_t *f = *state;

    loopback_connect(f->app, &f->peer);
    reef_app_step(f->app, 1);
    assert_string_equal(f->notes, "in:0::");
}

static void test_authenticate_all_are_asked_in_order(void **state)
{
    fixture_t *f = *state;

    assert_true(request(f, ""));
    assert_string_equal(f->notes, "first second");
    reef_app_step(f->app, 1);
    assert_string_equal(f->notes, "first second in:0::");
}

static void test_authenticate_the_first_refusal_counts(void **state)
{
    fixture_t *f = *state;

    f->refuses = first.name;
    f->status = 403;
    assert_false(request(f, ""));
    assert_string_equal(f->notes, "first");
    assert_int_equal(f->peer.close_code, 403);
    reef_app_step(f->app, 1);
    assert_string_equal(f->notes, "first");
    assert_int_equal(reef_session_count(f->app), 0);
    assert_true(reef_world_entity_count(reef_app_world(f->app)) == 0);
}

static void test_authenticate_the_last_may_refuse_too(void **state)
{
    fixture_t *f = *state;

    f->refuses = second.name;
    f->gives = true;
    assert_false(request(f, "x=1"));
    assert_string_equal(f->notes, "first second");
    assert_int_equal(f->peer.close_code, 401); /* it did not say why */
    reef_app_step(f->app, 1);
    assert_string_equal(f->notes, "first second");
}

static void test_authenticate_a_reason_cannot_break_a_response(void **state)
{
    fixture_t *f = *state;

    f->refuses = first.name;
    f->status = 503;
    assert_false(request(f, ""));
    assert_string_equal(f->peer.close_reason, "go??away");
}

/* Whoever says why has refused, whatever it returns. */
static void test_authenticate_a_reason_is_a_refusal(void **state)
{
    fixture_t *f = *state;

    f->refuses_and_lies = true;
    assert_false(request(f, ""));
    assert_int_equal(f->peer.close_code, 429);
    assert_string_equal(f->notes, "first");
}

static void test_authenticate_components_are_there_when_the_client_is(void **state)
{
    fixture_t *f = *state;

    f->gives = true;
    assert_true(request(f, ""));
    reef_app_step(f->app, 1);
    assert_string_equal(f->notes, "first second in:2:second:guest");
}

/* They own memory: a leak or a double release is seen by the sanitizers. */
static void test_authenticate_components_of_a_peer_that_goes_are_released(void **state)
{
    fixture_t *f = *state;

    f->gives = true;
    assert_true(request(f, ""));
    loopback_disconnect(&f->peer);
    reef_app_step(f->app, 1);
    assert_string_equal(f->notes, "first second in:2:second:guest out");
    assert_true(request(f, "")); /* the app ends before it is spawned */
}

static void test_authenticate_a_hidden_parameter_is_not_in_the_session(void **state)
{
    fixture_t *f = *state;

    f->hides = "token";
    assert_true(request(f, "a=1&token=se%63ret&b=&%74oken=x&tokens=2&token=&token"));
    assert_string_equal(f->found, "secret");
    reef_app_step(f->app, 1);
    assert_string_equal(session_of(f)->query,
                        "a=1&token=***&b=&%74oken=*&tokens=2&token=&token");
}

static void test_authenticate_a_hidden_parameter_may_be_all_there_is(void **state)
{
    fixture_t *f = *state;

    f->hides = "token";
    assert_true(request(f, "token=secret"));
    reef_app_step(f->app, 1);
    assert_string_equal(session_of(f)->query, "token=***");
}

/* What is hidden is hidden before it is cut to the component's size. */
static void test_authenticate_a_long_parameter_is_hidden_whole(void **state)
{
    fixture_t *f = *state;
    char query[1024];

    f->hides = "token";
    snprintf(query, sizeof(query), "token=%0*d&b=1", 1000, 7);
    assert_true(request(f, query));
    assert_string_equal(f->found, "none"); /* does not fit */
    reef_app_step(f->app, 1);
    assert_string_equal(session_of(f)->query, "token=***&b=1");
}

static void test_authenticate_parameters_are_decoded_strictly(void **state)
{
    static const struct {
        const char *query, *found;
    } rows[] = {
        {"token=", ""},       {"token", ""},          {"x=token=1", "none"},
        {"token=a+b", "a+b"}, {"token=%41%2B", "A+"}, {"token=%4", "none"},
        {"token=%", "none"},  {"token=%zz", "none"},  {"token=%00", "none"},
        {"&&token=1&", "1"},  {"Token=1", "none"},    {"token=1&token=2", "1"},
        {"%74oken=1", "1"},   {"%7token=1", "none"},  {"token%00=1", "none"},
        {"tok=1", "none"},    {"=1", "none"},
    };
    fixture_t *f = *state;

    f->hides = "token";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(request(f, rows[i].query));
        assert_string_equal(f->found, rows[i].found);
        loopback_disconnect(&f->peer);
        reef_app_step(f->app, 1);
    }
}

static void test_authenticate_refusals_are_counted(void **state)
{
    fixture_t *f = *state;
    const reef_metric_t *refused = reef_metrics_ensure(
        reef_app_metrics(f->app),
        &(reef_metric_desc_t){.name = "reef_peers_refused_total", .help = ""});

    f->refuses = second.name;
    for (int i = 0; i < 3; i++) {
        assert_false(request(f, ""));
    }
    assert_true(reef_metric_value(refused) == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_authenticate_none_lets_everybody_in,
                                        setup_open, teardown),
        TEST(test_authenticate_all_are_asked_in_order),
        TEST(test_authenticate_the_first_refusal_counts),
        TEST(test_authenticate_the_last_may_refuse_too),
        TEST(test_authenticate_a_reason_cannot_break_a_response),
        TEST(test_authenticate_a_reason_is_a_refusal),
        TEST(test_authenticate_components_are_there_when_the_client_is),
        TEST(test_authenticate_components_of_a_peer_that_goes_are_released),
        TEST(test_authenticate_a_hidden_parameter_is_not_in_the_session),
        TEST(test_authenticate_a_hidden_parameter_may_be_all_there_is),
        TEST(test_authenticate_a_long_parameter_is_hidden_whole),
        TEST(test_authenticate_parameters_are_decoded_strictly),
        TEST(test_authenticate_refusals_are_counted),
    };

    return cmocka_run_group_tests_name("authenticate", tests, NULL, NULL);
}
