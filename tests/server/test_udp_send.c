/* Datagrams that go, and those that cannot: the system in these tests takes as many as
 * it is told to. */
#include "udp_fixture.h"

#include <reef/message_bundle.h>

#include <errno.h>
#include <stdatomic.h>

/** Datagrams that the system takes; then its buffer is full. */
static _Atomic int room;

/** Of the next ones, how many it refuses, and why. */
static _Atomic int refusals;
static _Atomic int cause;

static int fake_send(int descriptor, struct mmsghdr *headers, unsigned count, int flags)
{
    int left = atomic_load(&room);
    int sent;

    if (atomic_load(&refusals) > 0) {
        atomic_fetch_sub(&refusals, 1);
        errno = atomic_load(&cause);
        return -1;
    }
    if (left == 0) {
        errno = EAGAIN;
        return -1;
    }
    sent = sendmmsg(descriptor, headers, (int)count < left ? count : (unsigned)left,
                    flags);
    if (sent > 0) {
        atomic_fetch_sub(&room, sent);
    }
    return sent;
}

enum {
    PLENTY = 1000000
};

/* Clients in the world, and a system that takes nothing any more. */
static void block_all(fixture_t *f, int *clients, reef_entity_t *entities, int count)
{
    for (int i = 0; i < count; i++) {
        clients[i] = udp_client(f, 0);
        entities[i] = udp_enter(f, clients[i]);
    }
    f->echoes = false;
    atomic_store(&room, 0);
}

static reef_entity_t block(fixture_t *f, int *client)
{
    reef_entity_t entity;

    block_all(f, client, &entity, 1);
    return entity;
}

static void start(fixture_t *f, const char *setting)
{
    atomic_store(&room, PLENTY);
    atomic_store(&refusals, 0);
    f->send = fake_send;
    UDP_START(f, setting, "udp.quarantine_s=0");
}

static void step_for(fixture_t *f, const char *text, int client)
{
    udp_say(client, text); /* what the world hears now, it hears behind the sends */
    udp_await(f, &f->heard_count, f->heard_count + 1, text);
}

static void test_udp_send_waits_while_the_system_is_full(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    char text[16];
    int client;

    start(f, "log.level=off");
    entity = block(f, &client);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        udp_send(f, entity, text, REEF_RELIABLE, 0);
    }
    step_for(f, "x", client);
    udp_expect_nothing(client);
    assert_true(reef_session_queue_bytes(f->app, entity) > 0);

    atomic_store(&room, PLENTY);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        udp_expect(f, client, text);
    }
    step_for(f, "x", client);
    assert_int_equal(reef_session_queue_bytes(f->app, entity), 0);
    assert_int_equal(f->failed[REEF_SEND_QUEUE_FULL], 0);
}

static void test_udp_send_classes_share_a_full_queue(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    char *large = calloc(1, 801);
    int client;

    memset(large, 'l', 800);
    start(f, "udp.max_queue=1024");
    entity = block(f, &client);
    udp_send(f, entity, "reliable", REEF_RELIABLE, 0);
    udp_send(f, entity, "latest 1", REEF_LATEST, 7);
    udp_send(f, entity, "droppable", REEF_DROPPABLE, 0);
    udp_send(f, entity, "latest 2", REEF_LATEST, 7);
    udp_send(f, entity, "latest of another", REEF_LATEST, 8);
    step_for(f, "x", client);
    udp_send(f, entity, large, REEF_RELIABLE, 0); /* does not fit, nor without it */
    udp_send(f, entity, "more", REEF_RELIABLE, 0);
    udp_await(f, &f->failed[REEF_SEND_QUEUE_FULL], 1, "a refusal");
    step_for(f, "x", client);

    atomic_store(&room, PLENTY);
    udp_expect(f, client, "reliable");
    udp_expect(f, client, "latest 2");
    udp_expect(f, client, "latest of another");
    udp_expect(f, client, "more");
    assert_int_equal(f->failed[REEF_SEND_QUEUE_FULL], 1);
    assert_int_equal(f->ended_count, 0); /* it has lost a message, and lives */
    free(large);
}

static void test_udp_send_is_bounded_over_all_sessions(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entities[3];
    int clients[3];

    start(f, "udp.max_queue_all=1024");
    block_all(f, clients, entities, 3);
    for (int i = 0; i < 30; i++) {
        udp_send(f, entities[i % 3], "0123456789", REEF_RELIABLE, 0);
    }
    udp_await(f, &f->failed[REEF_SEND_QUEUE_FULL], 1, "a refusal");
    step_for(f, "x", clients[0]);
    /* 30 would take 30 * 76; how they lie on loops is the system's choice */
    assert_in_range(f->failed[REEF_SEND_QUEUE_FULL], 3, 30 - 13);
    assert_int_equal(f->ended_count, 0);
}

static void test_udp_send_of_one_message_is_always_possible(void **state)
{
    char text[2049] = {0};
    fixture_t *f = *state;
    int client;

    memset(text, 'x', sizeof(text) - 1);
    start(f, "udp.max_queue_all=1024");
    client = udp_client(f, 0);
    udp_enter(f, client);
    udp_say(client, text);
    udp_expect(f, client, text);
}

/* One client with a long queue does not hold up another. */
static void test_udp_send_takes_turns(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entities[2];
    int clients[2];

    start(f, "log.level=off");
    block_all(f, clients, entities, 2);
    for (int i = 0; i < 1000; i++) {
        udp_send(f, entities[0], "many", REEF_RELIABLE, 0);
    }
    udp_send(f, entities[1], "one", REEF_RELIABLE, 0);
    step_for(f, "x", clients[0]);
    atomic_store(&room, 100);
    udp_expect(f, clients[1], "one");
}

static bool is_room_used_up(void *context)
{
    (void)context;
    return atomic_load(&room) == 0;
}

/* Nor do those who are first in line, when the system takes less than their share. */
static void test_udp_send_takes_turns_when_little_is_taken(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entities[3];
    int clients[3];

    start(f, "log.level=off");
    block_all(f, clients, entities, 3);
    for (int i = 0; i < 600; i++) {
        udp_send(f, entities[i % 3], "many", REEF_RELIABLE, 0);
    }
    step_for(f, "x", clients[0]);
    for (int i = 0; i < 3; i++) {
        atomic_store(&room, 50);
        ws_app_step_until(f->app, is_room_used_up, NULL, "50 datagrams to be taken");
    }
    for (int i = 0; i < 3; i++) {
        udp_expect(f, clients[i], "many");
    }
}

/* A bundle of messages "<name>0", "<name>1" … */
static void send_bundle(fixture_t *f,
                        reef_entity_t entity,
                        const char *name,
                        uint32_t count,
                        reef_message_class_t message_class)
{
    uint8_t *frames = calloc(count, 16);
    uint8_t *at = frames;
    char text[16];

    for (uint32_t i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%.5s%u", name, (unsigned)i);
        at = reef_frame_write(reef_session_framing(f->app, entity), REEF_PAYLOAD_TEXT,
                              reef_span_text(text), at);
    }
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){
                        .target = entity,
                        .payload = reef_message_bundle_create(&(reef_message_bundle_t){
                            .framing = reef_session_framing(f->app, entity),
                            .frames = reef_span(frames, (size_t)(at - frames)),
                            .message_count = count}),
                        .message_class = message_class,
                        .key = 7});
    free(frames);
}

static void
expect_bundle(fixture_t *f, int client, const char *name, uint32_t first, uint32_t end)
{
    char text[16];

    for (uint32_t i = first; i < end; i++) {
        snprintf(text, sizeof(text), "%.5s%u", name, (unsigned)i);
        udp_expect(f, client, text);
    }
}

/* A bundle is as many datagrams as it has messages, more than one batch takes. */
static void test_udp_send_of_a_bundle(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    start(f, "log.level=off");
    f->echoes = false;
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    send_bundle(f, entity, "a", 200, REEF_RELIABLE);
    udp_send(f, entity, "behind", REEF_RELIABLE, 0);
    send_bundle(f, entity, "b", 2, REEF_RELIABLE);
    expect_bundle(f, client, "a", 0, 200);
    udp_expect(f, client, "behind");
    expect_bundle(f, client, "b", 0, 2);
    step_for(f, "x", client);
    assert_int_equal(reef_session_queue_bytes(f->app, entity), 0);
}

/* Of one that is begun nothing is replaced; of one that is not, everything. */
static void test_udp_send_of_a_bundle_in_two_parts(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    start(f, "log.level=off");
    entity = block(f, &client);
    atomic_store(&room, 5);
    send_bundle(f, entity, "a", 8, REEF_LATEST);
    expect_bundle(f, client, "a", 0, 5);
    send_bundle(f, entity, "b", 3, REEF_LATEST);
    send_bundle(f, entity, "c", 3, REEF_LATEST);
    step_for(f, "x", client);
    udp_expect_nothing(client);
    atomic_store(&room, PLENTY);
    expect_bundle(f, client, "a", 5, 8);
    expect_bundle(f, client, "c", 0, 3);
    step_for(f, "x", client);
    udp_expect_nothing(client);
    assert_int_equal(reef_session_queue_bytes(f->app, entity), 0);
}

static void test_udp_send_of_too_large_a_bundle_fails_alone(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    f->echoes = false;
    start(f, "udp.max_datagram=5");
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    send_bundle(f, entity, "fives", 2, REEF_RELIABLE);
    send_bundle(f, entity, "four", 2, REEF_RELIABLE);
    udp_await(f, &f->failed[REEF_SEND_TOO_LARGE], 1, "a refusal");
    expect_bundle(f, client, "four", 0, 2);
    assert_int_equal(f->ended_count, 0);
}

static void test_udp_send_of_too_large_a_message_fails_alone(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    f->echoes = false;
    start(f, "udp.max_datagram=10");
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    udp_send(f, entity, "before", REEF_RELIABLE, 0);
    udp_send(f, entity, "0123456789a", REEF_RELIABLE, 0);
    udp_send(f, entity, "behind", REEF_RELIABLE, 0);
    udp_await(f, &f->failed[REEF_SEND_TOO_LARGE], 1, "a refusal");
    udp_expect(f, client, "before");
    udp_expect(f, client, "behind");
    assert_int_equal(f->ended_count, 0);
}

static void fail_with(fixture_t *f, int error, int times, reef_send_failure_t reason)
{
    reef_entity_t entity;
    int client;

    f->echoes = false;
    start(f, "log.level=off");
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    atomic_store(&cause, error);
    atomic_store(&refusals, times);
    udp_send(f, entity, "lost", REEF_RELIABLE, 0);
    udp_send(f, entity, "sent", REEF_RELIABLE, 0);
    udp_await(f, &f->failed[reason], 1, "a refusal");
    udp_expect(f, client, "sent");
    assert_int_equal(f->failed[reason], 1);
    assert_int_equal(f->ended_count, 0);
    assert_true(reef_metric_value(udp_server(f)->metric_errors) >= 1);
}

static void test_udp_send_larger_than_the_path_takes_is_told(void **state)
{
    fail_with(*state, EMSGSIZE, 1, REEF_SEND_TOO_LARGE);
}

static void test_udp_send_to_nowhere_is_told(void **state)
{
    fail_with(*state, ENETUNREACH, 1, REEF_SEND_DISCONNECTED);
}

static void test_udp_send_without_memory_is_told(void **state)
{
    fail_with(*state, ENOBUFS, 1, REEF_SEND_QUEUE_FULL);
}

/* What a port that is closed sends back is of an earlier datagram: this one is sent. */
static void test_udp_send_goes_on_after_a_refusal_of_the_network(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    f->echoes = false;
    start(f, "log.level=off");
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    atomic_store(&cause, ECONNREFUSED);
    atomic_store(&refusals, 1);
    udp_send(f, entity, "sent", REEF_RELIABLE, 0);
    udp_expect(f, client, "sent");
    assert_int_equal((int)reef_metric_value(udp_server(f)->metric_errors), 1);
}

static void test_udp_send_before_a_kick_lingers(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    start(f, "log.level=off");
    entity = block(f, &client);
    udp_send(f, entity, "you go", REEF_RELIABLE, 0);
    reef_session_close(f->app, entity, 1008, "go");
    udp_await(f, &f->ended_count, 1, "an end");
    assert_int_equal(atomic_load(&udp_server(f)->session_count), 1);
    atomic_store(&room, PLENTY);
    udp_expect(f, client, "you go");
    assert_int_equal(atomic_load(&udp_server(f)->session_count), 0); /* at once */
}

/* The world may have sent it before it heard of the end. */
static void test_udp_send_to_who_is_over_is_nothing(void **state)
{
    fixture_t *f = *state;
    reef__udp_listener_t *listener;
    void *peers[1];
    int client;

    start(f, "log.level=off");
    block(f, &client);
    listener = &udp_server(f)->loops[0].listeners[0];
    assert_int_equal(listener->peers.count, 1);
    reef__udp_table_copy_values(&listener->peers, peers);
    reef__udp_peers_abort(listener->loop);
    reef__udp_send(peers[0], &(reef__fan_message_t){
                                 .payload = reef_buffer_format("too late"),
                             });
    assert_null(listener->dirty);
    assert_int_equal(listener->loop->queued, 0);
}

static void test_udp_send_after_a_kick_does_not_linger_for_ever(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    start(f, "log.level=off");
    entity = block(f, &client);
    udp_send(f, entity, "you go", REEF_RELIABLE, 0);
    reef_session_close(f->app, entity, 1008, "go");
    udp_await_places(f, 0);
    udp_expect_nothing(client);
}

static void test_udp_send_is_given_up_at_the_end(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    start(f, "log.level=off");
    entity = block(f, &client);
    udp_send(f, entity, "never", REEF_RELIABLE, 0);
    step_for(f, "x", client);
    reef_app_destroy(f->app);
    f->app = NULL;
    udp_expect_nothing(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_udp_send_waits_while_the_system_is_full),
        BOTH(test_udp_send_classes_share_a_full_queue),
        BOTH(test_udp_send_is_bounded_over_all_sessions),
        BOTH(test_udp_send_of_one_message_is_always_possible),
        WORLD(test_udp_send_takes_turns),
        WORLD(test_udp_send_takes_turns_when_little_is_taken),
        BOTH(test_udp_send_of_a_bundle),
        BOTH(test_udp_send_of_a_bundle_in_two_parts),
        BOTH(test_udp_send_of_too_large_a_bundle_fails_alone),
        BOTH(test_udp_send_of_too_large_a_message_fails_alone),
        BOTH(test_udp_send_larger_than_the_path_takes_is_told),
        BOTH(test_udp_send_to_nowhere_is_told),
        BOTH(test_udp_send_without_memory_is_told),
        BOTH(test_udp_send_goes_on_after_a_refusal_of_the_network),
        WORLD(test_udp_send_before_a_kick_lingers),
        WORLD(test_udp_send_to_who_is_over_is_nothing),
        BOTH(test_udp_send_after_a_kick_does_not_linger_for_ever),
        BOTH(test_udp_send_is_given_up_at_the_end),
    };

    return cmocka_run_group_tests_name("udp_send", tests, NULL, NULL);
}
