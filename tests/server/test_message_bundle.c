/* Bundles: their frames, and what clients of each transport make of them.  The app is
 * stepped by the test. */
#include "test.h"
#include "ws_app.h"

#include <reef/components.h>
#include <reef/message_bundle.h>
#include <reef/metrics.h>
#include <reef/session.h>
#include <reef/tcp.h>
#include <reef/websocket.h>

#include "app.h"
#include "buffer.h"
#include "message_bundle.h"

#include <unistd.h>

enum {
    ROOM = 1 << 18,
    LARGE = 70000, /* bytes: the longest header of WebSocket */
};

typedef struct fixture {
    reef_app_t *app;
    uint8_t frames[ROOM];
    reef_message_bundle_t bundle; /* of those */
    ws_client_t client;
    int tcp; /* a client's socket, or -1 */
} fixture_t;

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(3, argv);
    f->tcp = -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    ws_client_drop(&f->client);
    if (f->tcp >= 0) {
        close(f->tcp);
    }
    reef_app_destroy(f->app);
    free(f);
    return 0;
}

static void begin_bundle(fixture_t *f, reef_framing_t framing)
{
    f->bundle =
        (reef_message_bundle_t){.framing = framing, .frames = reef_span(f->frames, 0)};
}

static void add(fixture_t *f, reef_payload_kind_t kind, reef_span_t payload)
{
    uint8_t *at = f->frames + f->bundle.frames.size;
    uint8_t *end = reef_frame_write(f->bundle.framing, kind, payload, at);

    assert_int_equal(end - at, reef_frame_size(f->bundle.framing, payload.size));
    assert_true(end <= f->frames + sizeof(f->frames));
    f->bundle.frames.size = (size_t)(end - f->frames);
    f->bundle.message_count++;
    f->bundle.payload_size += (uint32_t)payload.size;
}

static void add_text(fixture_t *f, const char *text)
{
    add(f, REEF_PAYLOAD_TEXT, reef_span_text(text));
}

static void send_bundle(fixture_t *f, reef_entity_t target)
{
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){
                        .target = target,
                        .payload = reef_message_bundle_create(&f->bundle),
                        .message_class = f->bundle.message_class,
                        .key = f->bundle.key,
                    });
}

static uint16_t port_of(const reef_app_t *app)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(app, &count);

    return (uint16_t)strtoul(strrchr(listeners[0].address, ':') + 1, NULL, 10);
}

static void test_message_bundle_frames_are_those_of_single_messages(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 128, 16384, LARGE};
    static uint8_t payload[LARGE];
    static uint8_t expected[LARGE + 16];
    fixture_t *f = *state;

    memset(payload, 'x', sizeof(payload));
    for (int framing = 0; framing < REEF__FRAMING_COUNT; framing++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            reef_span_t bytes = reef_span(payload, sizes[i]);
            reef_buffer_t *single = reef_buffer_create(REEF_PAYLOAD_TEXT, bytes);
            size_t size = (size_t)(reef__buffer_write_frame(
                                       single, (reef__framing_t)framing, expected) -
                                   expected);

            begin_bundle(f, reef__framing_number((reef__framing_t)framing));
            add(f, REEF_PAYLOAD_TEXT, bytes);
            assert_int_equal(f->bundle.frames.size, size);
            assert_memory_equal(f->frames, expected, size);
            reef_buffer_unref(single);
        }
    }
}

static void test_message_bundle_parts_come_back_as_they_were(void **state)
{
    fixture_t *f = *state;
    reef__part_t part;
    reef_span_t left;

    begin_bundle(f, REEF_FRAMING_PARTS);
    add_text(f, "text");
    add(f, REEF_PAYLOAD_BINARY, reef_span("", 0));
    add(f, REEF_PAYLOAD_BINARY, reef_span("\x01\x02", 2));
    left = f->bundle.frames;
    assert_true(reef__part_next(&left, &part));
    assert_int_equal(part.kind, REEF_PAYLOAD_TEXT);
    assert_true(reef_span_equal(part.payload, reef_span_text("text")));
    assert_true(reef__part_next(&left, &part));
    assert_int_equal(part.kind, REEF_PAYLOAD_BINARY);
    assert_int_equal(part.payload.size, 0);
    assert_true(reef__part_next(&left, &part));
    assert_true(reef_span_equal(part.payload, reef_span("\x01\x02", 2)));
    assert_false(reef__part_next(&left, &part));
}

static void test_message_bundle_in_memory_is_single_messages(void **state)
{
    fixture_t *f = *state;
    loopback_peer_t peer;
    const session_t *session;
    reef_entity_t entity;

    loopback_app_start(f->app);
    loopback_connect(f->app, &peer);
    reef_app_step(f->app, 0);
    entity = reef_session_next(f->app, 0);
    assert_int_equal(reef_session_framing(f->app, entity), REEF_FRAMING_PARTS);
    begin_bundle(f, REEF_FRAMING_PARTS);
    add_text(f, "one");
    add_text(f, "two");
    add_text(f, "three");
    send_bundle(f, entity);
    reef_app_step(f->app, 1);
    assert_string_equal(peer.received, "one\ntwo\nthree\n");

    reef_app_step(f->app, 1);
    session = REEF_FIND(reef_app_world(f->app), entity, session);
    assert_int_equal(session->messages_out, 3);
    assert_int_equal(session->bytes_out, 11);
}

/* With a text before it and one behind: the order is that of sending. */
static void test_message_bundle_over_websocket(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;
    reef_buffer_t *text = reef_buffer_create(REEF_PAYLOAD_TEXT, reef_span_text("x"));

    ws_app_listen(f->app);
    loopback_app_start(f->app);
    entity = ws_app_open(f->app, &f->client);
    begin_bundle(f, reef_session_framing(f->app, entity));
    add_text(f, "one");
    add(f, REEF_PAYLOAD_BINARY, reef_span("\xf8\x01\x00", 3));
    add_text(f, "three");
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){.target = entity, .payload = text});
    send_bundle(f, entity);
    reef_world_send(
        reef_app_world(f->app),
        &(send_message_t){.target = entity, .payload = reef_buffer_ref(text)});
    ws_app_expect_text(f->app, &f->client, "x");
    ws_app_expect_text(f->app, &f->client, "one");
    ws_client_expect(&f->client, WS_BINARY, "\xf8\x01\x00", 3);
    ws_app_expect_text(f->app, &f->client, "three");
    ws_app_expect_text(f->app, &f->client, "x");
    assert_true(reef_metric_value(reef_metrics_ensure(
                    reef_app_metrics(f->app),
                    &(reef_metric_desc_t){.name = "reef_messages_sent_total",
                                          .help = "Registered already."})) == 5.0);
}

static void say(const fixture_t *f, reef_entity_t target, const char *text)
{
    reef_world_send(reef_app_world(f->app),
                    &(send_message_t){.target = target,
                                      .payload = reef_buffer_create(
                                          REEF_PAYLOAD_TEXT, reef_span_text(text))});
}

static void expect_frame(fixture_t *f, bool compressed, const char *text)
{
    ws_frame_t frame;

    ws_app_await(f->app, &f->client);
    ws_client_receive(&f->client, &frame);
    assert_int_equal(frame.compressed, compressed);
    if (!compressed) {
        assert_int_equal(frame.size, strlen(text));
        assert_memory_equal(frame.data, text, frame.size);
    }
}

/* Bundles go out as they are, between messages that are compressed. */
static void test_message_bundle_is_not_compressed(void **state)
{
    static const char offer[] =
        WS_HANDSHAKE "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    fixture_t *f = *state;
    reef_entity_t entity;

    assert_int_equal(
        reef_app_add_plugin(f->app, &reef_websocket_plugin,
                            &(websocket_config_t){.listen = "127.0.0.1:0",
                                                  .permessage_deflate = true,
                                                  .deflate_min_size = 1},
                            NULL),
        REEF_OK);
    loopback_app_start(f->app);
    f->client.takes_compressed = true;
    ws_client_connect(&f->client, ws_app_port(f->app));
    ws_client_send_raw(&f->client, offer, sizeof(offer) - 1);
    ws_app_await(f->app, &f->client);
    assert_int_equal(ws_client_receive_status(&f->client), 101);
    reef_app_step(f->app, 0);
    entity = reef_session_next(f->app, 0);

    begin_bundle(f, reef_session_framing(f->app, entity));
    add_text(f, "aaaaaaaaaaaaaaaaaaaaaaaa");
    add_text(f, "bbbbbbbbbbbbbbbbbbbbbbbb");
    say(f, entity, "cccccccccccccccccccccccc");
    send_bundle(f, entity);
    say(f, entity, "cccccccccccccccccccccccc");
    expect_frame(f, true, NULL);
    expect_frame(f, false, "aaaaaaaaaaaaaaaaaaaaaaaa");
    expect_frame(f, false, "bbbbbbbbbbbbbbbbbbbbbbbb");
    expect_frame(f, true, NULL);
}

/* A bundle waits as one: the newest of its key takes the place of the one before. */
static void test_message_bundle_is_replaced_as_one(void **state)
{
    fixture_t *f = *state;
    reef_entity_t entity;

    ws_app_listen(f->app);
    loopback_app_start(f->app);
    entity = ws_app_open(f->app, &f->client);
    for (int i = 0; i < 3; i++) {
        begin_bundle(f, reef_session_framing(f->app, entity));
        f->bundle.message_class = REEF_LATEST;
        f->bundle.key = 7;
        add_text(f, i == 2 ? "new" : "old");
        add_text(f, i == 2 ? "newer" : "older");
        send_bundle(f, entity);
    }
    ws_app_expect_text(f->app, &f->client, "new");
    ws_app_expect_text(f->app, &f->client, "newer");
    assert_false(ws_client_has_data(&f->client));
}

static bool has_client(void *context)
{
    return reef_session_count(context) == 1;
}

static void test_message_bundle_over_tcp(void **state)
{
    static const char expected[] = "\x03one\x05three";
    char received[sizeof(expected)] = "";
    fixture_t *f = *state;
    reef_failure_t failure = {0};
    reef_entity_t entity;
    size_t size = 0;

    assert_int_equal(reef_app_add_plugin(f->app, &reef_tcp_plugin,
                                         &(tcp_config_t){.listen = "127.0.0.1:0",
                                                         .framing = REEF_TCP_VARINT},
                                         &failure),
                     REEF_OK);
    loopback_app_start(f->app);
    f->tcp = socket_connect(port_of(f->app));
    ws_app_step_until(f->app, has_client, f->app, "a client");
    entity = reef_session_next(f->app, 0);
    begin_bundle(f, reef_session_framing(f->app, entity));
    add_text(f, "one");
    add_text(f, "three");
    send_bundle(f, entity);
    while (size < sizeof(expected) - 1) {
        ssize_t count;

        reef_app_step(f->app, 0);
        count = read(f->tcp, received + size, sizeof(received) - 1 - size);
        assert_true(count > 0);
        size += (size_t)count;
    }
    assert_string_equal(received, expected);
}

static void test_message_bundle_to_nobody_fails_once(void **state)
{
    fixture_t *f = *state;

    loopback_app_start(f->app);
    begin_bundle(f, REEF_FRAMING_PARTS);
    add_text(f, "one");
    add_text(f, "two");
    send_bundle(f, 12345);
    reef_app_step(f->app, 0);
    assert_true(reef_metric_value(reef_metrics_ensure(
                    reef_app_metrics(f->app),
                    &(reef_metric_desc_t){.name = "reef_messages_send_failed_total",
                                          .help = "Registered already."})) == 1.0);
}

static void test_message_bundle_blank_is_what_was_written(void **state)
{
    enum {
        FRAMING = 1
    };
    uint8_t *frames, *at;
    uint32_t count, payload_size;
    reef_buffer_t *buffer = reef_message_bundle_blank(FRAMING, 1000, &frames);

    (void)state;
    at = reef_frame_write(FRAMING, REEF_PAYLOAD_TEXT, reef_span_text("one"), frames);
    at = reef_frame_write(FRAMING, REEF_PAYLOAD_TEXT, reef_span_text("three"), at);
    reef_message_bundle_end(buffer, (size_t)(at - frames), 2, 8);
    assert_int_equal(reef_buffer_payload(buffer).size, at - frames);
    assert_ptr_equal(reef_buffer_payload(buffer).data, frames);
    assert_true(reef__buffer_is_bundle(buffer));
    reef__buffer_count(buffer, &count, &payload_size);
    assert_int_equal(count, 2);
    assert_int_equal(payload_size, 8);
    reef_buffer_unref(buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_message_bundle_blank_is_what_was_written),
        TEST(test_message_bundle_frames_are_those_of_single_messages),
        TEST(test_message_bundle_parts_come_back_as_they_were),
        TEST(test_message_bundle_in_memory_is_single_messages),
        TEST(test_message_bundle_over_websocket),
        TEST(test_message_bundle_is_not_compressed),
        TEST(test_message_bundle_is_replaced_as_one),
        TEST(test_message_bundle_over_tcp),
        TEST(test_message_bundle_to_nobody_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
