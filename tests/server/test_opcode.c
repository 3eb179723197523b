/* Typed messages from the registry to their handlers, over peers in memory. */
#include "loopback.h"
#include "test.h"

#include <reef/metrics.h>
#include <reef/opcode.h>
#include <reef/router.h>
#include <reef/session.h>

REEF_COMPONENT(dot, 0, REEF_F32(x, .min = -1, .max = 1), REEF_U8(color));
REEF_COMPONENT(note, 0, REEF_TEXT(text, 64));

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer;
    reef_failure_t failure;
    char log[1024];
    bool refuses;
} fixture_t;

REEF_PRINTF(2, 3) static void note(fixture_t *f, const char *format, ...)
{
    size_t size = strlen(f->log);
    va_list args;

    va_start(args, format);
    vsnprintf(f->log + size, sizeof(f->log) - size, format, args);
    va_end(args);
}

static bool on_dot(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    fixture_t *f = context;
    const dot_t *dot = command->value;

    (void)run;
    note(f, "dot %g %u;", (double)dot->x, (unsigned)dot->color);
    return !f->refuses;
}

static bool
on_notes(reef_run_t *run, const reef_command_binary_t *command, void *context)
{
    const note_t *notes = command->items;

    note(context, "notes");
    for (uint32_t i = 0; i < command->item_count; i++) {
        note(context, " %s", notes[i].text.data ? notes[i].text.data : "-");
    }
    note(context, ";");
    reef_send_opcode(run, command->entity, command->opcode, NULL, notes,
                     command->item_count);
    return true;
}

static bool on_text(reef_run_t *run, const reef_command_text_t *text, void *context)
{
    (void)run;
    note(context, "text %.*s;", (int)text->rest.size, (const char *)text->rest.data);
    return true;
}

static reef_error_t add(fixture_t *f, const reef_opcode_desc_t *desc)
{
    return reef_app_add_opcode(f->app, desc, &f->failure);
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(0, NULL);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    free(f);
    return 0;
}

/* dot = 16, notes = 17, say = 18, which only the server does. */
static void start(fixture_t *f, const char *subprotocol)
{
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "dot",
                                                  .type = &dot_type,
                                                  .handle = on_dot,
                                                  .context = f}),
                     REEF_OK);
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "a_1.notes",
                                                  .item = &note_type,
                                                  .max_items = 3,
                                                  .handle = on_notes,
                                                  .context = f}),
                     REEF_OK);
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "say", .type = &dot_type}),
                     REEF_OK);
    assert_int_equal(reef_app_add_prefix(f->app, "", on_text, f, NULL), REEF_OK);
    loopback_app_start(f->app);
    loopback_request(f->app, &f->peer,
                     &(reef_link_desc_t){.subprotocol = reef_span_text(subprotocol)});
    reef_app_step(f->app, 0);
}

static void start_v1(fixture_t *f)
{
    start(f, "reef.v1");
    loopback_forget(&f->peer);
}

#define SEND(f, bytes) loopback_send(&(f)->peer, reef_span((bytes), sizeof(bytes) - 1))

static void step(fixture_t *f)
{
    f->log[0] = '\0';
    loopback_forget(&f->peer);
    reef_app_step(f->app, 0);
}

/* The peer has got exactly this one message. */
static void expect(const fixture_t *f, const void *bytes, size_t size)
{
    assert_int_equal(f->peer.received_size, size + 1);
    assert_memory_equal(f->peer.received, bytes, size);
}

#define EXPECT(f, bytes) expect((f), (bytes), sizeof(bytes) - 1)

static void expect_error(fixture_t *f, uint8_t code, uint16_t opcode, const char *text)
{
    uint8_t bytes[256] = {0xf8, 1, 0, code, (uint8_t)opcode, (uint8_t)(opcode >> 8)};
    size_t size = strlen(text);

    bytes[6] = (uint8_t)size;
    snprintf((char *)bytes + 8, sizeof(bytes) - 8, "%s", text);
    step(f);
    expect(f, bytes, 8 + size);
    assert_string_equal(f->log, "");
}

static double metric(const fixture_t *f, const char *name)
{
    return reef_metric_value(reef_metrics_ensure(
        reef_app_metrics(f->app),
        &(reef_metric_desc_t){.name = name, .help = "Registered already."}));
}

static void test_opcode_is_told_by_hello(void **state)
{
    static const char hello[] = "\xf8\0\0\1\0\1\0\0\0\0\0\0\0\3\0\3\0"
                                "\x10\0\1\3\0dot\x0e\0x f32,color u8\0\0"
                                "\x11\0\1\x9\0a_1.notes\0\0\xd\0text text<64>"
                                "\x12\0\0\3\0say\x0e\0x f32,color u8\0\0";
    fixture_t *f = *state;

    start(f, "reef.v1");
    EXPECT(f, hello);
    assert_int_equal(reef_session_profile(f->app, reef_session_next(f->app, 0)),
                     REEF_PROFILE_V1);
}

static void test_opcode_of_others_is_nothing(void **state)
{
    fixture_t *f = *state;

    start(f, "other");
    assert_int_equal(reef_session_profile(f->app, reef_session_next(f->app, 0)),
                     REEF_PROFILE_TEXT);
    assert_int_equal(f->peer.received_size, 0);
    SEND(f, "\xf8\x10\0\0\0\0\0\0");
    SEND(f, "text");
    step(f);
    assert_int_equal(f->peer.received_size, 0);
    assert_string_equal(f->log, "");
}

static void test_opcode_handlers_are_called_in_order_with_texts(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    SEND(f, "\xf8\x10\0\0\0\0\x3f\x07");
    loopback_say(&f->peer, "one");
    SEND(f, "two"); /* a text on a transport that knows bytes only */
    SEND(f, "\xf8\x10\0\0\0\x80\xbf\x08");
    SEND(f, "\xf8\x11\0\2\0\2\0hi\0\0");
    loopback_say(&f->peer, "three");
    step(f);
    assert_string_equal(f->log,
                        "dot 0.5 7;text one;text two;dot -1 8;notes hi -;text three;");
    EXPECT(f, "\xf8\x11\0\2\0\2\0hi\0\0");
    assert_true(metric(f, "reef_v1_messages_total") == 3.0);
}

static void test_opcode_refuses_what_is_no_message(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    SEND(f, "\xf8");
    expect_error(f, REEF_V1_LENGTH, 0, "no opcode");
    SEND(f, "\xf9\x10\0\0\0\0\0\0");
    expect_error(f, REEF_V1_UNKNOWN, 16, "unknown flags");
    SEND(f, "\xff\xff\xff");
    expect_error(f, REEF_V1_UNKNOWN, 65535, "unknown flags");
    SEND(f, "\xf8\x13\0");
    expect_error(f, REEF_V1_UNKNOWN, 19, "unknown opcode 19");
    SEND(f, "\xf8\x12\0\0\0\0\0\0");
    expect_error(f, REEF_V1_UNKNOWN, 18, "unknown opcode 18");
    SEND(f, "\xf8\1\0");
    expect_error(f, REEF_V1_UNKNOWN, 1, "unknown opcode 1");
    SEND(f, "a\xf8");
    expect_error(f, REEF_V1_ENCODING, 65535, "neither UTF-8 nor a typed message");
    assert_true(metric(f, "reef_v1_errors_total") == 7.0);
}

static void test_opcode_refuses_bad_fields(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    SEND(f, "\xf8\x10\0\0\0\0\0");
    expect_error(f, REEF_V1_LENGTH, 16, "dot.color: cut short");
    SEND(f, "\xf8\x10\0\0\0\0\0\0\0");
    expect_error(f, REEF_V1_LENGTH, 16, "dot: bytes behind the end");
    SEND(f, "\xf8\x10\0\0\0\xc0\x7f\0");
    expect_error(f, REEF_V1_VALUE, 16, "dot.x: not finite");
    SEND(f, "\xf8\x10\0\0\0\0\x40\0");
    expect_error(f, REEF_V1_VALUE, 16, "dot.x: out of range");
}

static void test_opcode_refuses_bad_items(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    SEND(f, "\xf8\x11\0\1");
    expect_error(f, REEF_V1_LENGTH, 17, "a_1.notes: cut short");
    SEND(f, "\xf8\x11\0\3\0\0\0\0\0");
    expect_error(f, REEF_V1_LENGTH, 17, "a_1.notes: cut short");
    SEND(f, "\xf8\x11\0\4\0\0\0\0\0\0\0\0\0");
    expect_error(f, REEF_V1_LENGTH, 17, "a_1.notes: too many items");
    SEND(f, "\xf8\x11\0\2\0\2\0hi\x41\0");
    expect_error(f, REEF_V1_LENGTH, 17, "a_1.notes.text: too long");
    SEND(f, "\xf8\x11\0\2\0\2\0hi\1\0\xff");
    expect_error(f, REEF_V1_ENCODING, 17, "a_1.notes.text: not UTF-8 without NUL");
}

static void test_opcode_handler_may_refuse(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    f->refuses = true;
    SEND(f, "\xf8\x10\0\0\0\0\0\0");
    step(f);
    assert_string_equal(f->log, "dot 0 0;");
    EXPECT(f, "\xf8\1\0\5\x10\0\x0c\0dot: refused");
}

static void test_opcode_errors_are_told_a_few_times_a_second(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    for (int second = 2; second < 5; second++) {
        loopback_set_time_ns((uint64_t)second * 1000000000);
        reef_app_step(f->app, 0);
        loopback_forget(&f->peer);
        for (int i = 0; i < 20; i++) {
            SEND(f, "\xf8");
        }
        step(f);
        assert_int_equal(f->peer.received_size, 8 * (8 + strlen("no opcode") + 1));
    }
    assert_true(metric(f, "reef_v1_errors_total") == 60.0);
}

static void test_opcode_hello_is_answered_a_few_times(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    for (int i = 0; i < 20; i++) {
        loopback_forget(&f->peer);
        SEND(f, "\xf8\0\0REEF\1\0");
        reef_app_step(f->app, 0);
        assert_int_equal(f->peer.received_size > 0, i < 7); /* the first is unasked */
    }
    SEND(f, "\xf8\0\0REEF\2\0");
    expect_error(f, REEF_V1_WRONG_VERSION, 0, "this server speaks version 1");
    SEND(f, "\xf8\0\0REEF\1\0\0");
    expect_error(f, REEF_V1_LENGTH, 0, "hello: not understood");
}

/* The client is gone when its message is looked at. */
static void test_opcode_of_who_has_gone_is_dropped(void **state)
{
    fixture_t *f = *state;

    start_v1(f);
    SEND(f, "\xf8\x10\0\0\0\0\0\0");
    SEND(f, "\xf8");
    loopback_disconnect(&f->peer);
    step(f);
    assert_string_equal(f->log, "dot 0 0;"); /* it was said before the end */
    assert_int_equal(f->peer.received_size, 0);
}

static void test_opcode_conflicts_name_both(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "dot"}), REEF_OK);
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "dot"}), REEF_E_EXISTS);
    assert_string_equal(
        f->failure.text,
        "plugin application: the message 'dot' belongs to plugin application");
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "hello"}), REEF_E_EXISTS);
    assert_string_equal(
        f->failure.text,
        "plugin application: the message 'hello' belongs to plugin core");
}

static reef_error_t
build_one(reef_app_t *app, const void *config, void **state, reef_failure_t *failure)
{
    (void)config;
    (void)state;
    return reef_app_add_opcode(app, &(reef_opcode_desc_t){.name = "dot"}, failure);
}

static void test_opcode_of_two_plugins_stops_the_second(void **state)
{
    static const reef_plugin_t one = {
        .api = REEF_PLUGIN_API, .name = "one", .build = build_one};
    static const reef_plugin_t two = {
        .api = REEF_PLUGIN_API, .name = "two", .build = build_one};
    fixture_t *f = *state;

    assert_int_equal(reef_app_add_plugin(f->app, &one, NULL, &f->failure), REEF_OK);
    assert_int_equal(reef_app_add_plugin(f->app, &two, NULL, &f->failure),
                     REEF_E_EXISTS);
    assert_non_null(strstr(f->failure.text, "plugin two"));
    assert_non_null(strstr(f->failure.text, "belongs to plugin one"));
}

static void test_opcode_refuses_bad_descriptions(void **state)
{
    REEF_TAG(nothing, 0);
    REEF_COMPONENT(pin, 0, REEF_U8(pin, .secret = true));
    static const char *const names[] = {"", "Dot", ".a", "a.", "a..b", "a b", "a-b"};
    fixture_t *f = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(add(f, &(reef_opcode_desc_t){.name = names[i]}),
                         REEF_E_INVALID);
    }
    assert_int_equal(
        add(f, &(reef_opcode_desc_t){.name = "none", .item = &nothing_type}),
        REEF_E_INVALID);
    assert_string_equal(f->failure.text,
                        "plugin application: message 'none': an item has no fields");
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "pin", .type = &pin_type}),
                     REEF_E_INVALID);
    assert_null(reef_opcode_find(f->app, "none"));
    loopback_app_start(f->app);
    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "late"}), REEF_E_INVALID);
}

static void test_opcode_in_pieces_is_the_whole(void **state)
{
    fixture_t *f = *state;
    REEF_COMPONENT(mark, 0, REEF_U64(id), REEF_STRING(name, 8));
    mark_t marks[] = {{1, "a"}, {2, ""}, {3, "ccc"}};
    dot_t dot = {0.5F, 9};
    const reef_opcode_t *opcode;
    reef_buffer_t *whole;
    uint8_t bytes[128];
    uint8_t *at;

    assert_int_equal(add(f, &(reef_opcode_desc_t){.name = "marks",
                                                  .type = &dot_type,
                                                  .item = &mark_type}),
                     REEF_OK);
    opcode = reef_opcode_find(f->app, "marks");
    whole = reef_opcode_encode(opcode, &dot, marks, 3);
    at = reef_opcode_write_head(opcode, &dot, 3, bytes);
    assert_int_equal(at - bytes, reef_opcode_head_size(opcode, &dot));
    for (int i = 0; i < 3; i++) {
        uint8_t *end = reef_opcode_write_item(opcode, &marks[i], at);

        assert_int_equal(end - at, reef_opcode_item_size(opcode, &marks[i]));
        at = end;
    }
    assert_true(reef_span_equal(reef_buffer_payload(whole),
                                reef_span(bytes, (size_t)(at - bytes))));
    assert_int_equal(reef_opcode_number(opcode), 16);
    assert_string_equal(reef_opcode_desc(opcode)->name, "marks");
    reef_buffer_unref(whole);
}

/* A hello of many opcodes comes in pieces that fit datagrams. */
static void test_opcode_hello_comes_in_pieces(void **state)
{
    static char names[200][16];
    fixture_t *f = *state;
    uint32_t pieces = 0;

    for (int i = 0; i < 100; i++) {
        snprintf(names[i], sizeof(names[i]), "message_%d", i);
        assert_int_equal(add(f, &(reef_opcode_desc_t){.name = names[i]}), REEF_OK);
    }
    loopback_app_start(f->app);
    loopback_request(f->app, &f->peer,
                     &(reef_link_desc_t){.subprotocol = reef_span_text("reef.v1")});
    reef_app_step(f->app, 0);
    for (size_t i = 0; i + 17 < f->peer.received_size;) {
        size_t start = i;
        uint32_t left;

        assert_memory_equal(f->peer.received + i, "\xf8\0\0\1\0\1\0\0\0\0\0\0\0\x64\0",
                            15);
        left = (uint8_t)f->peer.received[i + 15];
        for (i += 17; left > 0; left--) {
            i += 9U + (uint8_t)f->peer.received[i + 3];
        }
        assert_int_equal(f->peer.received[i], '\n');
        assert_true(i - start <= 1200);
        i++;
        pieces++;
    }
    assert_in_range(pieces, 2, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_opcode_is_told_by_hello),
        TEST(test_opcode_of_others_is_nothing),
        TEST(test_opcode_handlers_are_called_in_order_with_texts),
        TEST(test_opcode_refuses_what_is_no_message),
        TEST(test_opcode_refuses_bad_fields),
        TEST(test_opcode_refuses_bad_items),
        TEST(test_opcode_handler_may_refuse),
        TEST(test_opcode_errors_are_told_a_few_times_a_second),
        TEST(test_opcode_hello_is_answered_a_few_times),
        TEST(test_opcode_of_who_has_gone_is_dropped),
        TEST(test_opcode_conflicts_name_both),
        TEST(test_opcode_of_two_plugins_stops_the_second),
        TEST(test_opcode_refuses_bad_descriptions),
        TEST(test_opcode_in_pieces_is_the_whole),
        TEST(test_opcode_hello_comes_in_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
