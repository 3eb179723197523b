#include "aborts.h"
#include "loopback.h"
#include "test.h"

#include <reef/gate.h>
#include <reef/router.h>
#include <reef/session.h>

enum {
    GATES = 2
};

/* A gate that writes down what it is shown. */
typedef struct gate {
    const char *stops; /* this text does not pass */
    char seen[128];    /* texts, a space behind each */
    reef_gate_message_t last;
} gate_t;

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer;
    gate_t gates[GATES];
    char routed[128]; /* texts that came to the router */
    uint32_t received, ended;
} fixture_t;

static void append(char *list, size_t capacity, reef_span_t text)
{
    size_t size = strlen(list);

    snprintf(list + size, capacity - size, "%.*s ", (int)text.size,
             (const char *)text.data);
}

static bool pass(reef_app_t *app, const reef_gate_message_t *message, void *context)
{
    gate_t *gate = context;
    reef_span_t text = reef_buffer_payload(message->payload);

    (void)app;
    append(gate->seen, sizeof(gate->seen), text);
    gate->last = *message;
    return gate->stops == NULL || !reef_span_equal(text, reef_span_text(gate->stops));
}

static bool hear(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    fixture_t *fixture = context;

    (void)run;
    append(fixture->routed, sizeof(fixture->routed), text->rest);
    return true;
}

static void count_events(reef_run_t *run)
{
    fixture_t *fixture = reef_run_context(run);

    while (REEF_NEXT(run, message_received) != NULL) {
        fixture->received++;
    }
    while (REEF_NEXT(run, user_disconnected) != NULL) {
        fixture->ended++;
    }
}

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    fixture->app = loopback_app_create(0, NULL);
    for (int i = 0; i < GATES; i++) {
        reef_app_add_gate(fixture->app, pass, &fixture->gates[i]);
    }
    assert_int_equal(reef_app_add_prefix(fixture->app, "", hear, fixture, NULL),
                     REEF_OK);
    reef_app_add_system(fixture->app, REEF_UPDATE,
                        &(reef_system_desc_t){.name = "count_events",
                                              .run = count_events,
                                              .context = fixture,
                                              .reads = {&message_received_event,
                                                        &user_disconnected_event}});
    loopback_app_start(fixture->app);
    loopback_connect(fixture->app, &fixture->peer);
    reef_app_step(fixture->app, 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

static void test_message_gate_lets_pass_in_order(void **state)
{
    fixture_t *fixture = *state;

    loopback_say(&fixture->peer, "one");
    loopback_say(&fixture->peer, "two");
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->gates[0].seen, "one two ");
    assert_string_equal(fixture->gates[1].seen, "one two ");
    assert_string_equal(fixture->routed, "one two ");
    assert_int_equal(fixture->received, 2);
}

static void
test_message_gate_holds_back_from_later_gates_router_and_systems(void **state)
{
    fixture_t *fixture = *state;

    fixture->gates[0].stops = "first";
    fixture->gates[1].stops = "second";
    loopback_say(&fixture->peer, "first");
    loopback_say(&fixture->peer, "second");
    loopback_say(&fixture->peer, "third");
    reef_app_step(fixture->app, 0);

    assert_string_equal(fixture->gates[0].seen, "first second third ");
    assert_string_equal(fixture->gates[1].seen, "second third ");
    assert_string_equal(fixture->routed, "third ");
    assert_int_equal(fixture->received, 1);
}

static void test_message_gate_is_told_who_speaks(void **state)
{
    fixture_t *fixture = *state;
    const reef_gate_message_t *last = &fixture->gates[0].last;
    loopback_peer_t other;
    uint32_t first_slot;

    loopback_say(&fixture->peer, "x");
    reef_app_step(fixture->app, 0);
    first_slot = last->slot;
    assert_int_equal(last->client_id, 1);
    assert_int_equal(last->entity, reef_session_find(fixture->app, 1));
    assert_int_equal(last->slot, reef_session_slot(fixture->app, last->entity));

    loopback_connect(fixture->app, &other);
    loopback_say(&other, "y"); /* its first message, in the frame of its entity */
    reef_app_step(fixture->app, 0);
    assert_int_equal(last->client_id, 2);
    assert_int_equal(last->entity, reef_session_find(fixture->app, 2));
    assert_int_not_equal(last->slot, first_slot);
}

static void test_message_gate_slot_is_small_and_used_again(void **state)
{
    fixture_t *fixture = *state;
    const reef_gate_message_t *last = &fixture->gates[0].last;
    loopback_peer_t other;

    for (int i = 0; i < 100; i++) {
        loopback_connect(fixture->app, &other);
        loopback_say(&other, "x");
        reef_app_step(fixture->app, 0);
        assert_in_range(last->slot, 0, 2);
        loopback_disconnect(&other);
        reef_app_tick_n(fixture->app, 2);
    }
    assert_int_equal(reef_session_slot(fixture->app, 0), REEF_NO_SLOT);
}

static bool
answer_and_close(reef_app_t *app, const reef_gate_message_t *message, void *context)
{
    (void)context;
    reef_world_send(reef_app_world(app),
                    &(send_message_t){.target = message->entity,
                                      .payload = reef_buffer_format("enough")});
    (void)reef_session_close(app, message->entity, 4000, "enough");
    return false;
}

/* What came behind it is not heard: also of that the gate has not heard. */
static void test_message_gate_may_answer_and_close(void **state)
{
    fixture_t *fixture = *state;

    reef_app_add_gate(fixture->app, answer_and_close, NULL);
    loopback_say(&fixture->peer, "one");
    loopback_say(&fixture->peer, "two");
    reef_app_tick_n(fixture->app, 2);

    assert_string_equal(fixture->gates[0].seen, "one ");
    assert_string_equal(fixture->peer.received, "enough\n");
    assert_true(fixture->peer.is_closed);
    assert_int_equal(fixture->peer.close_code, 4000);
}

static void test_message_gate_holds_no_end_back(void **state)
{
    fixture_t *fixture = *state;

    fixture->gates[0].stops = "bye";
    loopback_say(&fixture->peer, "bye");
    loopback_disconnect(&fixture->peer);
    reef_app_tick_n(fixture->app, 2);

    assert_int_equal(fixture->received, 0);
    assert_int_equal(fixture->ended, 1);
}

static void add_gates(void *context)
{
    for (int i = 0; i <= REEF_MAX_GATES; i++) {
        reef_app_add_gate(context, pass, NULL);
    }
}

static void test_message_gate_too_many_stop_the_program(void **state)
{
    reef_app_t *app = loopback_app_create(0, NULL);

    (void)state;
    assert_aborts(add_gates, app, "too many gates");
    reef_app_destroy(app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_message_gate_lets_pass_in_order),
        TEST(test_message_gate_holds_back_from_later_gates_router_and_systems),
        TEST(test_message_gate_is_told_who_speaks),
        TEST(test_message_gate_slot_is_small_and_used_again),
        TEST(test_message_gate_may_answer_and_close),
        TEST(test_message_gate_holds_no_end_back),
        TEST(test_message_gate_too_many_stop_the_program),
    };

    return cmocka_run_group_tests_name("message_gate", tests, NULL, NULL);
}
