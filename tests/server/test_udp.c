/* Sessions over datagrams: how they begin, what they hear, how they end. */
#include "udp_fixture.h"

#include <reef/components.h>

#include "app.h"

#include <poll.h>

static void test_udp_every_datagram_is_a_message(void **state)
{
    fixture_t *f = *state;
    char text[16];
    int client;

    UDP_START(f, "log.level=off");
    client = udp_client(f, 0);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        udp_say(client, text);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "m%d", i);
        udp_expect(f, client, text);
    }
    assert_int_equal(f->connected_count, 1);
    assert_int_equal(f->heard_count, 100);
    assert_int_equal(f->kind, REEF_PAYLOAD_BINARY);
}

static void test_udp_session_tells_both_addresses(void **state)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    char text[REEF__ADDRESS_TEXT_SIZE];
    const session_t *session;
    fixture_t *f = *state;
    int client;

    UDP_START(f, "log.level=off");
    client = udp_client(f, 0);
    session = REEF_FIND(reef_app_world(f->app), udp_enter(f, client), session);
    assert_non_null(session);
    assert_int_equal(session->transport, 5);
    assert_int_equal(getsockname(client, (struct sockaddr *)&address, &size), 0);
    reef__address_format(&address, text);
    assert_string_equal(session->peer, text);
    reef__address_format(&f->listeners[0], text);
    assert_string_equal(session->local, text);
}

static void test_udp_empty_datagrams_open_nothing_and_are_no_message(void **state)
{
    fixture_t *f = *state;
    int client;

    UDP_START(f, "log.level=off");
    client = udp_client(f, 0);
    udp_say(client, "");
    udp_await_dropped(f, REEF__UDP_DROP_EMPTY, 1);
    udp_enter(f, client);
    udp_say(client, "");
    udp_say(client, "last");
    udp_expect(f, client, "last");

    assert_string_equal(f->heard, "hello last");
    assert_int_equal(f->connected_count, 1);
    assert_int_equal(udp_dropped(f, REEF__UDP_DROP_EMPTY), 1);
}

static void test_udp_text_must_be_utf8(void **state)
{
    fixture_t *f = *state;
    int client;
    int other;

    UDP_START(f, "udp.payload=text");
    client = udp_client(f, 0);
    other = udp_client(f, 0);
    udp_say(other, "\xc3(");
    udp_await_dropped(f, REEF__UDP_DROP_NOT_TEXT, 1);
    udp_enter(f, client);
    udp_say(client, "caf\xc3\xa9\xff");
    udp_say(client, "caf\xc3\xa9");
    udp_expect(f, client, "caf\xc3\xa9");

    assert_string_equal(f->heard, "hello caf\xc3\xa9");
    assert_int_equal(f->kind, REEF_PAYLOAD_TEXT);
    assert_int_equal(f->connected_count, 1);
    assert_int_equal(udp_dropped(f, REEF__UDP_DROP_NOT_TEXT), 2);
}

static void test_udp_largest_datagram_comes_back(void **state)
{
    static char text[REEF__UDP_MAX_PAYLOAD + 1];
    fixture_t *f = *state;
    int client;

    memset(text, 'x', REEF__UDP_MAX_PAYLOAD);
    UDP_START(f, "log.level=off");
    client = udp_client(f, 0);
    udp_say(client, text);
    udp_expect(f, client, text);
}

static void test_udp_larger_than_allowed_is_dropped(void **state)
{
    fixture_t *f = *state;
    int client;

    UDP_START(f, "udp.max_datagram=5");
    client = udp_client(f, 0);
    udp_say(client, "hello!");
    udp_await_dropped(f, REEF__UDP_DROP_TOO_LARGE, 1);
    assert_int_equal(f->connected_count, 0);
    udp_enter(f, client);
    udp_say(client, "hello!");
    udp_say(client, "small");
    udp_expect(f, client, "small");
    assert_int_equal(udp_dropped(f, REEF__UDP_DROP_TOO_LARGE), 2);
}

static void test_udp_silence_ends_a_session(void **state)
{
    fixture_t *f = *state;
    int client;

    UDP_START(f, "udp.idle_timeout_s=1");
    client = udp_client(f, 0);
    udp_enter(f, client);
    udp_await(f, &f->ended_count, 1, "an end");
    assert_int_equal(f->reason, REEF_DISCONNECT_TIMEOUT);
    assert_int_equal(reef_session_count(f->app), 0);
    udp_enter(f, client);
    assert_int_equal(f->connected_count, 2);
    assert_int_equal(f->ended_count, 1);
}

/* Of the only one there is; looked for on every loop. */
static const reef__udp_peer_t *only_peer(const fixture_t *f)
{
    const reef__udp_server_t *server = udp_server(f);
    void *found = NULL;

    for (uint32_t i = 0; i < server->loop_count; i++) {
        const reef__udp_table_t *peers = &server->loops[i].listeners[0].peers;

        if (peers->count > 0) {
            assert_true(found == NULL && peers->count == 1);
            reef__udp_table_copy_values(peers, &found);
        }
    }
    assert_non_null(found);
    return found;
}

/* The process stood still, the poll was interrupted, and its time is over now. */
static void oversleep(fixture_t *f)
{
    reef__udp_listener_t *listener = &udp_server(f)->loops[0].listeners[0];
    reef__io_t *io = listener->loop->io;
    void *peers[1];
    reef__udp_peer_t *peer;

    assert_int_equal(listener->peers.count, 1);
    reef__udp_table_copy_values(&listener->peers, peers);
    peer = peers[0];
    peer->heard_ms -= 60000;
    io->now_ms -= 60000;
    reef__peer_set_deadline(&peer->peer, peer->heard_ms + 30000);
    reef__ios_pass(f->app->ios);
}

static void test_udp_silence_of_our_own_ends_nothing(void **state)
{
    fixture_t *f = *state;
    int client;

    UDP_START(f, "udp.idle_timeout_s=30");
    client = udp_client(f, 0);
    udp_enter(f, client);
    udp_say(client, "still here");
    oversleep(f);
    udp_expect(f, client, "still here");
    assert_int_equal(f->connected_count, 1);

    oversleep(f); /* and this time it had said nothing */
    oversleep(f); /* a loop that is always late puts off nothing for ever */
    assert_int_equal(atomic_load(&udp_server(f)->session_count), 0);
    udp_await(f, &f->ended_count, 1, "an end");
    assert_int_equal(f->reason, REEF_DISCONNECT_TIMEOUT);
}

static void test_udp_empty_datagrams_are_signs_of_life(void **state)
{
    fixture_t *f = *state;
    const reef__udp_peer_t *peer;
    uint64_t before;
    int client;

    UDP_START(f, "log.level=off");
    client = udp_client(f, 0);
    udp_enter(f, client);
    peer = only_peer(f);
    before = peer->heard_ms;
    for (int left = 10000; peer->heard_ms == before && left > 0; left--) {
        udp_say(client, "");
        reef_app_step(f->app, 0);
    }
    assert_true(peer->heard_ms > before);
}

static void test_udp_sessions_have_a_cap(void **state)
{
    fixture_t *f = *state;
    reef_entity_t first;
    int clients[3];

    UDP_START(f, "udp.max_sessions=2", "udp.quarantine_s=0");
    for (int i = 0; i < 3; i++) {
        clients[i] = udp_client(f, 0);
    }
    first = udp_enter(f, clients[0]);
    udp_enter(f, clients[1]);
    udp_say(clients[2], "hello");
    udp_await_dropped(f, REEF__UDP_DROP_SESSIONS, 1);
    assert_int_equal(f->connected_count, 2);

    reef_session_close(f->app, first, 1008, "make room");
    udp_await_places(f, 1);
    udp_enter(f, clients[2]);
    assert_int_equal(reef_session_count(f->app), 2);
}

/* The end ----------------------------------------------------------------------------
 */

static void test_udp_kick_comes_behind_what_was_sent(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    UDP_START(f, "udp.quarantine_s=0");
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    udp_send(f, entity, "you go", REEF_RELIABLE, 0);
    reef_session_close(f->app, entity, 1008, "go");
    udp_await(f, &f->ended_count, 1, "an end");
    assert_int_equal(f->reason, REEF_DISCONNECT_KICKED);
    udp_expect(f, client, "you go");

    udp_await_places(f, 0);
    udp_enter(f, client);
    assert_int_equal(f->connected_count, 2);
    assert_int_equal(f->ended_count, 1);
}

static void test_udp_kicked_address_is_not_heard_for_a_while(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    int client;

    UDP_START(f, "udp.quarantine_s=1", "udp.max_sessions=1");
    client = udp_client(f, 0);
    entity = udp_enter(f, client);
    reef_session_close(f->app, entity, 1008, "go");
    udp_await_sessions(f, 0);
    udp_say(client, "me again");
    udp_await_dropped(f, REEF__UDP_DROP_QUARANTINE, 1);
    assert_int_equal(f->connected_count, 1);

    udp_await_places(f, 0); /* time is up */
    udp_enter(f, client);
    assert_string_equal(f->heard, "hello hello");
}

static void test_udp_end_of_the_server_ends_sessions(void **state)
{
    fixture_t *f = *state;
    int clients[UDP_CLIENTS];

    UDP_START(f, "udp.quarantine_s=60");
    for (int i = 0; i < UDP_CLIENTS; i++) {
        clients[i] = udp_client(f, 0);
        udp_enter(f, clients[i]);
    }
    reef_session_close(f->app, f->last, 1008, "in quarantine"); /* one of them */
    udp_await_sessions(f, UDP_CLIENTS - 1);
    reef_app_destroy(f->app); /* asserts that nothing is left */
    f->app = NULL;
}

static void test_udp_nobody_comes_in_while_it_stops(void **state)
{
    fixture_t *f = *state;
    int client;
    int other;

    UDP_START(f, "log.level=off");
    client = udp_client(f, 0);
    other = udp_client(f, 0);
    udp_enter(f, client);
    reef__udp_transport.stop_accepting(udp_server(f));
    udp_say(other, "hello");
    udp_await_dropped(f, REEF__UDP_DROP_STOPPING, 1);
    udp_say(client, "still here");
    udp_expect(f, client, "still here");
    assert_int_equal(f->connected_count, 1);
}

/* Floods -----------------------------------------------------------------------------
 */

/* What the world has not read yet is bounded; on one thread it is known how far. */
static void test_udp_beyond_a_full_inbox_is_dropped(void **state)
{
    fixture_t *f = *state;
    int client;
    int other;

    UDP_START(f, "server.inbox_messages=4");
    client = udp_client(f, 0);
    other = udp_client(f, 0);
    udp_enter(f, client);
    udp_enter(f, other);
    for (int i = 0; i < 10; i++) {
        udp_say(client, "x");
    }
    udp_say(other, "me too");
    udp_expect(f, other, "me too");
    udp_await_dropped(f, REEF__UDP_DROP_INBOX_FULL, 6);
    udp_await(f, &f->heard_count, 2 + 4 + 1, "what was not dropped");
    udp_say(client, "y");
    for (int i = 0; i < 4; i++) {
        udp_expect(f, client, "x");
    }
    udp_expect(f, client, "y");
    assert_int_equal(udp_dropped(f, REEF__UDP_DROP_INBOX_FULL), 6);
}

/* Beyond what a frame takes in, the world keeps some, and then wants no more. */
static void test_udp_beyond_a_full_inbox_of_the_world_is_dropped(void **state)
{
    fixture_t *f = *state;
    int client;

    f->echoes = false;
    UDP_START(f, "server.inbox_messages=4", "server.max_frame_messages=1");
    client = udp_client(f, 0);
    udp_enter(f, client);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 4; j++) {
            udp_say(client, "x");
        }
        reef_app_step(f->app, 0);
    }
    assert_int_equal(udp_dropped(f, REEF__UDP_DROP_INBOX_FULL), 4);
    udp_await(f, &f->heard_count, 1 + 8, "what was not dropped");
    udp_say(client, "last");
    udp_await(f, &f->heard_count, 1 + 8 + 1, "the last one");
}

/* The cookie -------------------------------------------------------------------------
 */

static size_t receive(fixture_t *f, int client, uint8_t *out, size_t capacity)
{
    ssize_t size = -1;

    for (int left = SOCKET_DEADLINE_MS; size < 0 && left > 0; left--) {
        reef_app_step(f->app, 0);
        size = recv(client, out, capacity, MSG_DONTWAIT);
        poll(NULL, 0, size < 0);
    }
    assert_true(size >= 0);
    return (size_t)size;
}

static void test_udp_cookie_goes_before_a_session(void **state)
{
    uint8_t datagram[64];
    fixture_t *f = *state;
    int client;

    UDP_START(f, "udp.cookie=true");
    client = udp_client(f, 0);
    udp_say(client, "hello, may I?");
    assert_int_equal(receive(f, client, datagram, sizeof(datagram)),
                     REEF__UDP_COOKIE_SIZE);
    assert_int_equal(f->connected_count, 0);
    assert_int_equal(atomic_load(&udp_server(f)->session_count), 0);
    assert_int_equal(udp_dropped(f, REEF__UDP_DROP_NO_COOKIE), 1);

    snprintf((char *)datagram + REEF__UDP_COOKIE_SIZE, 4, "now");
    assert_int_equal(send(client, datagram, REEF__UDP_COOKIE_SIZE + 3, 0),
                     REEF__UDP_COOKIE_SIZE + 3);
    udp_expect(f, client, "now");
    udp_say(client, "without");
    udp_expect(f, client, "without");
    assert_int_equal(send(client, datagram, REEF__UDP_COOKIE_SIZE + 3, 0),
                     REEF__UDP_COOKIE_SIZE + 3);
    udp_expect(f, client, "now");
    assert_string_equal(f->heard, "now without now");
}

static void test_udp_cookie_alone_opens_a_session(void **state)
{
    uint8_t cookie[REEF__UDP_COOKIE_SIZE] = {0};
    fixture_t *f = *state;
    int client;

    UDP_START(f, "udp.cookie=true");
    client = udp_client(f, 0);
    assert_int_equal(send(client, cookie, sizeof(cookie), 0), sizeof(cookie));
    receive(f, client, cookie, sizeof(cookie));
    assert_int_equal(send(client, cookie, sizeof(cookie), 0), sizeof(cookie));
    udp_await(f, &f->connected_count, 1, "a session");
    udp_say(client, "x");
    udp_expect(f, client, "x");
    assert_string_equal(f->heard, "x");
}

/* Whoever forges addresses makes the server send no more bytes than he did. */
static void test_udp_cookie_never_answers_with_more_bytes(void **state)
{
    uint8_t datagram[64] = {0};
    fixture_t *f = *state;
    int client;

    UDP_START(f, "udp.cookie=true");
    client = udp_client(f, 0);
    for (size_t size = 1; size <= sizeof(datagram); size++) {
        assert_int_equal(send(client, datagram, size, 0), size);
        udp_await_dropped(f, REEF__UDP_DROP_NO_COOKIE, (uint32_t)size);
        if (size < REEF__UDP_COOKIE_SIZE) {
            udp_expect_nothing(client);
        } else {
            uint8_t answer[64];

            assert_int_equal(receive(f, client, answer, sizeof(answer)),
                             REEF__UDP_COOKIE_SIZE);
            udp_expect_nothing(client);
        }
    }
    assert_int_equal(f->connected_count, 0);
    assert_int_equal(atomic_load(&udp_server(f)->quota.count), 0);
}

/* Who is let in ----------------------------------------------------------------------
 */

static void test_udp_first_message_waits_until_its_sender_is_in(void **state)
{
    fixture_t *f = *state;
    int client;

    f->asks = true;
    UDP_START(f, "udp.payload=text");
    client = udp_client(f, 0);
    udp_enter(f, client);
    udp_say(client, "and on");
    udp_expect(f, client, "and on");
    assert_string_equal(f->heard, "hello and on");
    assert_int_equal(f->asked_count, 1);
}

static void test_udp_what_follows_the_first_message_does_not_wait(void **state)
{
    fixture_t *f = *state;
    int client;

    f->asks = true;
    UDP_START(f, "udp.payload=text");
    client = udp_client(f, 0);
    for (int i = 0; i < 3; i++) {
        udp_say(client, "hello"); /* before a frame can let it in */
    }
    udp_await_dropped(f, REEF__UDP_DROP_NOT_ADMITTED, 2);
    udp_expect(f, client, "hello");
    assert_string_equal(f->heard, "hello");
}

static void test_udp_who_is_refused_is_not_asked_for_again_at_once(void **state)
{
    fixture_t *f = *state;
    int client;

    f->asks = true;
    f->refuses = true;
    UDP_START(f, "udp.quarantine_s=60");
    client = udp_client(f, 0);
    udp_say(client, "hello");
    udp_await(f, &f->asked_count, 1, "the question");
    udp_await_sessions(f, 0);
    for (uint32_t i = 1; i <= 10; i++) {
        udp_say(client, "hello");
        udp_await_dropped(f, REEF__UDP_DROP_QUARANTINE, i);
    }
    assert_int_equal(f->asked_count, 1);
    assert_int_equal(f->connected_count, 0);
    assert_int_equal(f->ended_count, 0);
}

static void test_udp_who_is_over_is_not_refused_any_more(void **state)
{
    fixture_t *f = *state;

    f->asks = true;
    f->refuses = true;
    UDP_START(f, "udp.idle_timeout_s=30");
    udp_say(udp_client(f, 0), "hello");
    while (udp_server(f)->loops[0].listeners[0].peers.count == 0) {
        reef__loop_poll(f->app->loop, 1);
    }
    oversleep(f);
    reef__ios_pass(f->app->ios); /* its time is over, and the world was not asked yet */
    assert_int_equal(atomic_load(&udp_server(f)->session_count), 0);
    udp_await(f, &f->asked_count, 1, "the question");
    reef_app_step(f->app, 0);
    assert_int_equal(f->connected_count, 0);
    assert_int_equal(atomic_load(&udp_server(f)->quota.count), 0);
}

static void test_udp_who_is_refused_leaves_its_place(void **state)
{
    fixture_t *f = *state;
    int client;

    f->asks = true;
    f->refuses = true;
    UDP_START(f, "udp.quarantine_s=0", "udp.max_sessions=1");
    client = udp_client(f, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        udp_say(client, "hello");
        udp_await(f, &f->asked_count, i, "the question");
        udp_await_places(f, 0);
    }
    f->refuses = false;
    udp_enter(f, client);
    assert_int_equal(f->connected_count, 1);
}

/* Listeners --------------------------------------------------------------------------
 */

static void test_udp_listens_on_several_addresses(void **state)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof(own);
    fixture_t *f = *state;
    int client;
    int second;

    UDP_START(f, "udp.listen=127.0.0.1:0,[::1]:0,127.0.0.1:0");
    client = udp_client(f, 0);
    udp_enter(f, client);
    udp_enter(f, udp_client(f, 1));

    /* One address at two listeners: two sessions, each answered from its own. */
    assert_int_equal(getsockname(client, (struct sockaddr *)&own, &size), 0);
    second = f->clients[f->client_count++] = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(
        setsockopt(client, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(
        setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(bind(second, (struct sockaddr *)&own, size), 0);
    assert_int_equal(connect(second, (struct sockaddr *)&f->listeners[2],
                             sizeof(struct sockaddr_in)),
                     0);
    udp_enter(f, second);
    udp_say(client, "one");
    udp_expect(f, client, "one");
    assert_int_equal(reef_session_count(f->app), 3);
}

static void expect_no_start(fixture_t *f, const char *listen, const char *text)
{
    const char *const argv[] = {"test",     "--set", "log.level=off", "--set",
                                f->threads, "--set", listen};
    reef_app_t *app = loopback_app_create(7, argv);
    reef_failure_t failure = {0};
    reef_error_t error = reef_app_add_plugin(app, &reef_udp_plugin, NULL, &failure);

    if (error == REEF_OK) {
        error = reef_app_start(app, &failure);
    }
    assert_int_not_equal(error, REEF_OK);
    if (strstr(failure.text, text) == NULL) {
        fail_msg("'%s' does not say '%s'", failure.text, text);
    }
    reef_app_destroy(app);
}

static void test_udp_bad_addresses_fail_the_start(void **state)
{
    fixture_t *f = *state;
    char text[REEF__ADDRESS_TEXT_SIZE];
    char setting[REEF__ADDRESS_TEXT_SIZE + 32];

    UDP_START(f, "log.level=off");
    reef__address_format(&f->listeners[0], text);
    snprintf(setting, sizeof(setting), "udp.listen=127.0.0.1:0,%s", text);
    expect_no_start(f, setting, "address already in use");
    expect_no_start(f, "udp.listen=unix:/tmp/reef.sock", "not on Unix sockets");
    expect_no_start(f, "udp.listen=127.0.0.1:80800", "udp.listen");
}

static void test_udp_without_an_address_is_nothing(void **state)
{
    fixture_t *f = *state;

    UDP_START(f, "udp.listen=");
    reef_app_step(f->app, 1);
    assert_int_equal(udp_server(f)->loop_count, 0);
}

/* Others -----------------------------------------------------------------------------
 */

static void test_udp_sessions_are_in_groups(void **state)
{
    fixture_t *f = *state;
    reef_group_t group;
    int clients[2];

    f->echoes = false;
    UDP_START(f, "log.level=off");
    group = reef_group_create(f->app);
    for (int i = 0; i < 2; i++) {
        clients[i] = udp_client(f, 0);
        assert_true(reef_group_add(f->app, group, udp_enter(f, clients[i])));
    }
    for (int i = 0; i < 3; i++) {
        reef_world_send(reef_app_world(f->app),
                        &(send_message_t){.group = group,
                                          .payload = reef_buffer_format("all %d", i)});
    }
    for (int i = 0; i < 2; i++) {
        udp_expect(f, clients[i], "all 0");
        udp_expect(f, clients[i], "all 1");
        udp_expect(f, clients[i], "all 2");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_udp_every_datagram_is_a_message),
        BOTH(test_udp_session_tells_both_addresses),
        BOTH(test_udp_empty_datagrams_open_nothing_and_are_no_message),
        BOTH(test_udp_text_must_be_utf8),
        BOTH(test_udp_largest_datagram_comes_back),
        BOTH(test_udp_larger_than_allowed_is_dropped),
        BOTH(test_udp_silence_ends_a_session),
        WORLD(test_udp_silence_of_our_own_ends_nothing),
        WORLD(test_udp_empty_datagrams_are_signs_of_life),
        BOTH(test_udp_sessions_have_a_cap),
        BOTH(test_udp_kick_comes_behind_what_was_sent),
        BOTH(test_udp_kicked_address_is_not_heard_for_a_while),
        BOTH(test_udp_end_of_the_server_ends_sessions),
        BOTH(test_udp_nobody_comes_in_while_it_stops),
        WORLD(test_udp_beyond_a_full_inbox_is_dropped),
        WORLD(test_udp_beyond_a_full_inbox_of_the_world_is_dropped),
        BOTH(test_udp_cookie_goes_before_a_session),
        BOTH(test_udp_cookie_alone_opens_a_session),
        BOTH(test_udp_cookie_never_answers_with_more_bytes),
        BOTH(test_udp_first_message_waits_until_its_sender_is_in),
        WORLD(test_udp_what_follows_the_first_message_does_not_wait),
        BOTH(test_udp_who_is_refused_is_not_asked_for_again_at_once),
        WORLD(test_udp_who_is_over_is_not_refused_any_more),
        BOTH(test_udp_who_is_refused_leaves_its_place),
        BOTH(test_udp_listens_on_several_addresses),
        BOTH(test_udp_bad_addresses_fail_the_start),
        BOTH(test_udp_without_an_address_is_nothing),
        BOTH(test_udp_sessions_are_in_groups),
    };

    return cmocka_run_group_tests_name("udp", tests, NULL, NULL);
}
