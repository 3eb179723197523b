/* The rings between world and loops, with a transport that has no sockets: its peers
 * say what a test tells them to, on their loop's thread, and note every call.  Every
 * test runs with one loop on the world's thread and with two on threads. */
#include "test.h"
#include "ws_app.h"

#include <reef/components.h>
#include <reef/group.h>
#include <reef/session.h>

#include "app.h"
#include "buffer.h"
#include "transport/io.h"

#include <poll.h>
#include <pthread.h>

enum {
    PEERS = 4,
    NOTES = 4096,
    INBOX = 4, /* messages */
    MANY = 20000,
};

#define FRAME_SENDS "server.max_frame_sends=300"

enum {
    MOST_BEHIND = 300 + 256 /* it is looked at every so often */
};

typedef struct fixture fixture_t;

typedef struct fake {
    reef__peer_t peer; /* first */
    fixture_t *fixture;
    char notes[NOTES]; /* calls, as words */
    uint32_t sent;     /* messages that it was sent */
    uint32_t wanted;   /* to be said by say_many() */
    bool in_order;     /* those sent were numbers that grow by one */
    bool is_released;
    reef_disconnect_t reason;
    reef_error_t error;
} fake_t;

struct fixture {
    reef_app_t *app;
    fake_t peers[PEERS];
    pthread_mutex_t mutex; /* of what peers note */
    /* The world's. */
    char heard[NOTES]; /* messages, as words */
    uint32_t heard_count;
    reef_disconnect_t reason; /* of the last that ended */
    uint32_t ended_count;
    bool echoes;
};

/* The transport: the loop's thread ---------------------------------------------- */

static void append(char *notes, const char *word, reef_span_t text)
{
    size_t size = strlen(notes);

    snprintf(notes + size, NOTES - size, "%s%s%.*s", size > 0 ? " " : "", word,
             (int)text.size, text.size > 0 ? (const char *)text.data : "");
}

static void note(reef__peer_t *peer, const char *word, reef_span_t text)
{
    fake_t *fake = (fake_t *)peer;

    pthread_mutex_lock(&fake->fixture->mutex);
    append(fake->notes, word, text);
    if (fake->is_released) {
        append(fake->notes, "LATE", (reef_span_t){0});
    }
    pthread_mutex_unlock(&fake->fixture->mutex);
}

static void note_sent(reef__peer_t *peer, const reef__fan_message_t *message)
{
    fake_t *fake = (fake_t *)peer;
    reef_span_t text = reef_buffer_payload(message->payload);

    if (fake->wanted == 0) {
        note(peer, message->message_class == REEF_LATEST ? "latest:" : "", text);
        return;
    }
    pthread_mutex_lock(&fake->fixture->mutex);
    fake->in_order =
        fake->in_order && strtoul((const char *)text.data, NULL, 10) == fake->sent;
    fake->sent++;
    pthread_mutex_unlock(&fake->fixture->mutex);
}

static void fake_send(reef__peer_t *peer, const reef__fan_message_t *message)
{
    note_sent(peer, message);
    reef_buffer_unref(message->payload);
}

static bool refuse_frames(reef__peer_t *peer, reef_buffer_t *frames)
{
    (void)peer;
    (void)frames;
    return false;
}

static void fake_close(reef__peer_t *peer, uint16_t code, reef_span_t reason)
{
    char word[32];

    snprintf(word, sizeof(word), "close:%u:", code);
    note(peer, word, reason);
    reef__peer_closed(peer, REEF_DISCONNECT_PEER);
}

static void fake_pause(reef__peer_t *peer)
{
    note(peer, "pause", (reef_span_t){0});
}

static void fake_resume(reef__peer_t *peer)
{
    note(peer, "resume", (reef_span_t){0});
}

static void fake_release(reef__peer_t *peer)
{
    note(peer, "release", (reef_span_t){0});
    ((fake_t *)peer)->is_released = true;
    reef__peer_finish(peer);
    reef__io_count_out(peer->io);
}

static void stop_accepting(void *self)
{
    (void)self;
}

static uint32_t connection_count(const void *self)
{
    (void)self;
    return 0;
}

static const reef_transport_t fake_transport = {
    .name = "fake",
    REEF__PEER_TRANSPORT,
    .stop_accepting = stop_accepting,
    .connection_count = connection_count,
};

static const reef__peer_type_t fake_type = {
    .transport = &fake_transport,
    .send = fake_send,
    .send_frames = refuse_frames,
    .close = fake_close,
    .pause = fake_pause,
    .resume = fake_resume,
    .release = fake_release,
};

/* What a peer says; called on its loop's thread. */

static void open_peer(void *context)
{
    fake_t *fake = context;
    char path[] = "/path";

    assert_true(reef__peer_opened(&fake->peer, &(reef_link_desc_t){
                                                   .peer = reef_span_text("nowhere"),
                                                   .path = reef_span_text(path),
                                               }));
    memset(path, 'x', sizeof(path)); /* it is copied */
}

static void say(fake_t *fake, uint32_t number)
{
    char text[16];

    snprintf(text, sizeof(text), "%u ", number);
    reef__peer_received(&fake->peer,
                        reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text)));
}

static void say_three(void *context)
{
    for (uint32_t i = 1; i <= 3; i++) {
        say(context, i);
    }
}

static void say_many(void *context)
{
    fake_t *fake = context;

    for (uint32_t i = 0; i < fake->wanted; i++) {
        say(fake, i);
    }
}

static void say_too_much(void *context)
{
    for (uint32_t i = 1; i <= INBOX + 1; i++) {
        say(context, i);
    }
}

static void say_long(void *context)
{
    static const char text[1500];

    reef__peer_received(
        &((fake_t *)context)->peer,
        reef_buffer_create(REEF_PAYLOAD_BINARY, reef_span(text, sizeof(text))));
}

static void tell_rtt(void *context)
{
    reef__peer_heard(&((fake_t *)context)->peer, 1234);
}

static void tell_failed(void *context)
{
    reef__peer_failed(&((fake_t *)context)->peer, REEF_E_LIMIT);
}

static void say_and_leave(void *context)
{
    say(context, 1);
    reef__peer_leaving(&((fake_t *)context)->peer, REEF_DISCONNECT_PROTOCOL);
}

static void say_leave_and_break(void *context)
{
    say_and_leave(context);
    reef__peer_closed(&((fake_t *)context)->peer, REEF_DISCONNECT_LOST);
}

static void say_and_break(void *context)
{
    say(context, 1);
    reef__peer_closed(&((fake_t *)context)->peer, REEF_DISCONNECT_LOST);
}

/* The world --------------------------------------------------------------------- */

static void watch(reef_run_t *run)
{
    fixture_t *f = reef_run_context(run);
    const message_received_t *message;
    const user_disconnected_t *gone;

    while ((message = REEF_NEXT(run, message_received)) != NULL) {
        if (f->heard_count++ < 100) {
            append(f->heard, "", reef_buffer_payload(message->payload));
        }
        if (f->echoes) {
            reef_send(run, message->entity, message->payload);
        }
    }
    while ((gone = REEF_NEXT(run, user_disconnected)) != NULL) {
        f->reason = gone->reason;
        f->ended_count++;
    }
}

static int setup_with(void **state, const char *threads)
{
    const char *const argv[] = {"test",
                                "--set",
                                "log.level=off",
                                "--set",
                                threads,
                                "--set",
                                "server.inbox_messages=4",
                                "--set",
                                FRAME_SENDS,
                                "--set",
                                "server.max_frame_bytes=4096"};
    fixture_t *f = calloc(1, sizeof(*f));

    pthread_mutex_init(&f->mutex, NULL);
    f->app = loopback_app_create(sizeof(argv) / sizeof(argv[0]), argv);
    reef_app_add_transport(f->app, &fake_transport, NULL);
    reef_app_add_system(
        f->app, REEF_UPDATE,
        &(reef_system_desc_t){
            .name = "watch",
            .run = watch,
            .context = f,
            .reads = {&message_received_event, &user_disconnected_event},
            .emits = {&send_message_event},
        });
    loopback_app_start(f->app);
    *state = f;
    return 0;
}

static int setup_world(void **state)
{
    return setup_with(state, "server.io_threads=0");
}

static int setup_threads(void **state)
{
    return setup_with(state, "server.io_threads=2");
}

static void call(fake_t *fake, void (*what)(void *context))
{
    reef__io_call(fake->peer.io, what, fake);
    reef__ios_submit(fake->fixture->app->ios);
}

static void break_peer(void *context)
{
    reef__peer_closed(&((fake_t *)context)->peer, REEF_DISCONNECT_SHUTDOWN);
}

/* Whatever a test leaves open, nothing leaks. */
static int teardown(void **state)
{
    fixture_t *f = *state;

    for (int i = 0; i < PEERS; i++) {
        if (f->peers[i].peer.link != 0) {
            call(&f->peers[i], break_peer);
        }
    }
    reef__ios_run_down(f->app->ios);
    reef_app_destroy(f->app);
    pthread_mutex_destroy(&f->mutex);
    free(f);
    return 0;
}

typedef struct wait {
    fake_t *fake;
    const char *notes;
    uint32_t count;
} wait_t;

static bool has_noted(void *context)
{
    const wait_t *wait = context;
    bool is_so;

    pthread_mutex_lock(&wait->fake->fixture->mutex);
    is_so = strcmp(wait->fake->notes, wait->notes) == 0;
    pthread_mutex_unlock(&wait->fake->fixture->mutex);
    return is_so;
}

/* The loop and the world both stop a peer; the last word counts. */
static bool was_paused_and_resumed(void *context)
{
    fake_t *fake = context;
    size_t size;
    bool is_so;

    if (reef__ios_backlog(fake->fixture->app->ios) > 0) {
        return false; /* it may be stopped once more */
    }
    pthread_mutex_lock(&fake->fixture->mutex);
    size = strlen(fake->notes);
    is_so = size > 6 && strcmp(fake->notes + size - 6, "resume") == 0 &&
            strncmp(fake->notes, "pause", 5) == 0;
    pthread_mutex_unlock(&fake->fixture->mutex);
    return is_so;
}

static bool was_sent(void *context)
{
    const wait_t *wait = context;
    bool is_so;

    pthread_mutex_lock(&wait->fake->fixture->mutex);
    is_so = wait->fake->sent == wait->count;
    pthread_mutex_unlock(&wait->fake->fixture->mutex);
    return is_so;
}

static bool has_heard(void *context)
{
    const wait_t *wait = context;

    return wait->fake->fixture->heard_count == wait->count;
}

static bool has_sessions(void *context)
{
    const wait_t *wait = context;

    return reef_session_count(wait->fake->fixture->app) == wait->count &&
           reef_session_next(wait->fake->fixture->app, wait->count - 1) != 0;
}

/* Step until the peer has noted these calls and no others. */
static void expect_notes(fake_t *fake, const char *notes)
{
    wait_t wait = {.fake = fake, .notes = notes};

    ws_app_step_until(fake->fixture->app, has_noted, &wait, notes);
}

static void expect_heard(fixture_t *f, uint32_t count, const char *words)
{
    wait_t wait = {.fake = &f->peers[0], .count = count};

    ws_app_step_until(f->app, has_heard, &wait, words);
    assert_string_equal(f->heard, words);
}

static void forget_notes(fake_t *fake)
{
    pthread_mutex_lock(&fake->fixture->mutex);
    fake->notes[0] = '\0';
    pthread_mutex_unlock(&fake->fixture->mutex);
}

/* Peers go to one loop and the other by turns.  Returns the entity. */
static reef_entity_t connect_peer(fixture_t *f, uint32_t index)
{
    reef__ios_t *ios = f->app->ios;
    fake_t *fake = &f->peers[index];
    wait_t wait = {.fake = fake, .count = index + 1};

    fake->fixture = f;
    fake->in_order = true;
    reef__peer_init(&fake->peer, ios->items[index % ios->count], &fake_type);
    call(fake, open_peer);
    ws_app_step_until(f->app, has_sessions, &wait, "a session");
    return reef_session_next(f->app, index);
}

static void send_text(fixture_t *f, const send_message_t *message, const char *text)
{
    send_message_t whole = *message;

    whole.payload = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text(text));
    reef_world_send(reef_app_world(f->app), &whole);
}

/* Reports ----------------------------------------------------------------------- */

static void test_io_peer_that_opens_is_a_client(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = connect_peer(f, 0);
    const session_t *session = REEF_FIND(reef_app_world(f->app), entity, session);

    assert_string_equal(session->peer, "nowhere");
    assert_string_equal(session->path, "/path");
    assert_string_equal(session->query, "");
}

static void test_io_messages_arrive_in_order(void **state)
{
    fixture_t *f = *state;

    connect_peer(f, 0);
    call(&f->peers[0], say_three);

    expect_heard(f, 3, "1  2  3 ");
}

static void test_io_round_trip_time_is_shown(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = connect_peer(f, 0);

    call(&f->peers[0], tell_rtt);
    call(&f->peers[0], say_three); /* behind it */
    expect_heard(f, 3, "1  2  3 ");
    reef_app_step(f->app, 1);

    assert_int_equal(REEF_FIND(reef_app_world(f->app), entity, session)->rtt_us, 1234);
}

static void test_io_lost_message_closes_the_client(void **state)
{
    fixture_t *f = *state;

    connect_peer(f, 0);
    call(&f->peers[0], tell_failed);
    expect_notes(&f->peers[0], "close:1008:too slow to read release");

    assert_int_equal(f->reason, REEF_DISCONNECT_SLOW);
    assert_int_equal(f->ended_count, 1);
}

static void test_io_leaving_peer_is_answered_and_then_closed(void **state)
{
    fixture_t *f = *state;

    f->echoes = true;
    connect_peer(f, 0);
    call(&f->peers[0], say_and_leave);
    expect_notes(&f->peers[0], "1  close:0: release");

    assert_string_equal(f->heard, "1 ");
    assert_int_equal(f->reason, REEF_DISCONNECT_PROTOCOL);
    assert_int_equal(f->ended_count, 1);
}

/* A browser that says good-bye and is gone has not been lost. */
static void test_io_peer_that_leaves_and_breaks_has_left(void **state)
{
    fixture_t *f = *state;

    connect_peer(f, 0);
    call(&f->peers[0], say_leave_and_break);
    expect_notes(&f->peers[0], "release");
    expect_heard(f, 1, "1 ");

    assert_int_equal(f->reason, REEF_DISCONNECT_PROTOCOL);
    assert_int_equal(f->ended_count, 1);
}

static void test_io_broken_peer_is_heard_to_the_end_and_released(void **state)
{
    fixture_t *f = *state;

    connect_peer(f, 0);
    call(&f->peers[0], say_and_break);
    expect_notes(&f->peers[0], "release");
    expect_heard(f, 1, "1 ");

    assert_int_equal(f->reason, REEF_DISCONNECT_LOST);
    assert_int_equal(reef_session_count(f->app), 0);
}

static void test_io_peer_that_says_too_much_must_wait(void **state)
{
    fixture_t *f = *state;

    connect_peer(f, 0);
    call(&f->peers[0], say_too_much);
    expect_heard(f, INBOX + 1, "1  2  3  4  5 ");
    ws_app_step_until(f->app, was_paused_and_resumed, &f->peers[0], "resume");

    forget_notes(&f->peers[0]);
    call(&f->peers[0], say_three); /* fewer do not matter */
    expect_heard(f, INBOX + 4, "1  2  3  4  5  1  2  3 ");
    expect_notes(&f->peers[0], "");
}

static void test_io_peer_is_stopped_while_the_world_is_busy(void **state)
{
    fixture_t *f = *state;
    wait_t wait = {.fake = &f->peers[0], .notes = "pause"};

    connect_peer(f, 0);
    call(&f->peers[0], say_too_much);
    for (int left = SOCKET_DEADLINE_MS; !has_noted(&wait); left--) {
        assert_true(left > 0);
        poll(NULL, 0, 1); /* no step meanwhile */
    }

    assert_int_equal(f->heard_count, 0);
}

static void test_io_frame_takes_in_no_more_bytes_than_it_may(void **state)
{
    fixture_t *f = *state;
    wait_t all = {.fake = &f->peers[0], .count = PEERS};

    for (uint32_t i = 0; i < PEERS; i++) {
        connect_peer(f, i);
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        call(&f->peers[i], say_long);
    }
    while (reef__ios_backlog(f->app->ios) > 0) {
        poll(NULL, 0, 1);
    }
    reef_app_step(f->app, 0);
    assert_in_range(f->heard_count, 0, 3); /* 4096 bytes, and what is begun */
    ws_app_step_until(f->app, has_heard, &all, "the others");
}

static void test_io_many_messages_are_echoed_in_order(void **state)
{
    fixture_t *f = *state;
    fake_t *fake = &f->peers[0];

    f->echoes = true;
    connect_peer(f, 0);
    connect_peer(f, 1);
    for (int i = 0; i < 2; i++) {
        f->peers[i].wanted = MANY;
        call(&f->peers[i], say_many);
    }
    for (int i = 0; i < 2; i++) {
        wait_t wait = {.fake = &f->peers[i], .count = MANY};

        ws_app_step_until(f->app, was_sent, &wait, "all echoes");
        assert_true(f->peers[i].in_order);
    }
    assert_int_equal(f->heard_count, 2 * MANY);
    assert_int_equal(fake->sent, MANY);
}

/* Orders ------------------------------------------------------------------------ */

static void test_io_messages_leave_in_order(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = connect_peer(f, 0);

    send_text(f, &(send_message_t){.target = entity}, "a");
    send_text(f, &(send_message_t){.target = entity, .message_class = REEF_LATEST},
              "b");
    reef_app_step(f->app, 0);
    send_text(f, &(send_message_t){.target = entity}, "c");

    expect_notes(&f->peers[0], "a latest:b c");
}

/* The loops must get to most of it before the world may order more. */
static void test_io_more_than_a_frame_may_send_leaves_in_order(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = connect_peer(f, 0);
    wait_t wait = {.fake = &f->peers[0], .count = MANY};
    char text[16];

    f->peers[0].wanted = MANY;
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text), "%u ", i);
        send_text(f, &(send_message_t){.target = entity}, text);
    }
    reef_app_step(f->app, 0);
    assert_true(reef__ios_backlog(f->app->ios) <= MOST_BEHIND);
    ws_app_step_until(f->app, was_sent, &wait, "all messages");
    assert_true(f->peers[0].in_order);
}

static void test_io_group_has_members_on_every_loop(void **state)
{
    fixture_t *f = *state;
    reef_group_t group = reef_group_create(f->app);
    reef_entity_t entities[PEERS];

    for (uint32_t i = 0; i < PEERS; i++) {
        entities[i] = connect_peer(f, i);
        assert_true(reef_group_add(f->app, group, entities[i]));
    }
    send_text(f, &(send_message_t){.group = group}, "a");
    send_text(f, &(send_message_t){.target = entities[1]}, "b");
    assert_true(reef_group_remove(f->app, group, entities[2]));
    send_text(f, &(send_message_t){.group = group}, "c");
    reef_group_destroy(f->app, group);

    expect_notes(&f->peers[0], "a c");
    expect_notes(&f->peers[1], "a b c");
    expect_notes(&f->peers[2], "a");
    expect_notes(&f->peers[3], "a c");
}

static void test_io_kick_comes_behind_what_was_sent(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = connect_peer(f, 0);

    send_text(f, &(send_message_t){.target = entity}, "last");
    assert_true(reef_session_close(f->app, entity, 4001, "go away"));
    expect_notes(&f->peers[0], "last close:4001:go away release");

    assert_int_equal(f->reason, REEF_DISCONNECT_KICKED);
}

static void test_io_nothing_follows_the_release(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity = connect_peer(f, 0);

    call(&f->peers[0], break_peer);
    for (int i = 0; i < 3; i++) {
        send_text(f, &(send_message_t){.target = entity}, "x");
        send_text(f, &(send_message_t){.group = reef_group_everyone(f->app)}, "y");
    }
    reef_app_step(f->app, 0);
    reef__ios_run_down(f->app->ios);

    assert_null(strstr(f->peers[0].notes, "LATE"));
    assert_true(f->peers[0].is_released);
}

static void test_io_run_down_waits_for_the_last(void **state)
{
    fixture_t *f = *state;

    for (uint32_t i = 0; i < PEERS; i++) {
        connect_peer(f, i);
    }
    for (uint32_t i = 0; i < PEERS; i++) {
        call(&f->peers[i], i % 2 == 0 ? say_and_break : break_peer);
    }
    reef__ios_run_down(f->app->ios);

    for (uint32_t i = 0; i < PEERS; i++) {
        assert_true(f->peers[i].is_released);
    }
    assert_int_equal(atomic_load(&f->app->ios->open_count), 0);
    assert_int_equal(reef__ios_backlog(f->app->ios), 0);
}

#define BOTH(name)                                                                     \
    {#name " (world)", name, setup_world, teardown, NULL},                             \
    {                                                                                  \
#name " (threads)", name, setup_threads, teardown, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_io_peer_that_opens_is_a_client),
        BOTH(test_io_messages_arrive_in_order),
        BOTH(test_io_round_trip_time_is_shown),
        BOTH(test_io_lost_message_closes_the_client),
        BOTH(test_io_leaving_peer_is_answered_and_then_closed),
        BOTH(test_io_peer_that_leaves_and_breaks_has_left),
        BOTH(test_io_broken_peer_is_heard_to_the_end_and_released),
        BOTH(test_io_peer_that_says_too_much_must_wait),
        BOTH(test_io_peer_is_stopped_while_the_world_is_busy),
        BOTH(test_io_frame_takes_in_no_more_bytes_than_it_may),
        BOTH(test_io_many_messages_are_echoed_in_order),
        BOTH(test_io_messages_leave_in_order),
        BOTH(test_io_more_than_a_frame_may_send_leaves_in_order),
        BOTH(test_io_group_has_members_on_every_loop),
        BOTH(test_io_kick_comes_behind_what_was_sent),
        BOTH(test_io_nothing_follows_the_release),
        BOTH(test_io_run_down_waits_for_the_last),
    };

    return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
