/* A session against OpenSSL's client: its records come over a socket, are put together
 * and cut as the test wants, and what the session has to say goes back. */
#include "transport/tls.h"

#include "socket.h"
#include "test.h"
#include "tls_client.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BUFFER_SIZE = 65536,
    OUT_SIZE = BUFFER_SIZE + REEF__TLS_MAX_RECORD,
};

typedef struct fixture {
    reef__tls_context_t *context;
    reef__tls_t *session;
    tls_client_t client;
    int listener;
    uint16_t port;
    int peer; /* the client's connection */
    uint8_t in[BUFFER_SIZE];
    uint8_t out[OUT_SIZE];
} fixture_t;

static reef__tls_context_t *create_context(void)
{
    reef__tls_suites_t suites = {
        .order = {REEF__TLS_CHACHA20_POLY1305, REEF__TLS_AES_128_GCM}, .count = 2};
    reef__tls_context_t *context = NULL;
    reef_failure_t failure;
    reef__tls_dev_t dev;

    assert_int_equal(reef__tls_dev_create(&dev, (int64_t)time(NULL), &failure),
                     REEF_OK);
    assert_int_equal(reef__tls_context_create(
                         &(reef__tls_context_desc_t){.alloc = reef_alloc_default(),
                                                     .section = "wss",
                                                     .dev = &dev,
                                                     .suites = &suites,
                                                     .alpn = "http/1.1"},
                         &context, &failure),
                     REEF_OK);
    return context;
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    f->context = create_context();
    f->listener = socket_listen(&f->port);
    f->peer = -1;
    *state = f;
    return 0;
}

static void close_connection(fixture_t *f)
{
    if (f->peer >= 0) {
        close(f->peer);
        f->peer = -1;
    }
    tls_client_drop(&f->client);
    reef__tls_destroy(f->session);
    f->session = NULL;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    close_connection(f);
    close(f->listener);
    reef__tls_context_unref(f->context);
    free(f);
    return 0;
}

/* Write what is pending to the client. */
static void flush(fixture_t *f)
{
    reef_span_t pending = reef__tls_pending(f->session);

    socket_send(f->peer, pending.data, pending.size);
    reef__tls_pending_consume(f->session, pending.size);
}

static reef_span_t receive(fixture_t *f)
{
    return reef_span(f->in, socket_receive(f->peer, f->in, sizeof(f->in)));
}

/* Connect and do the handshake, @p step bytes at a time.  Returns how it ended. */
static reef__tls_status_t
connect_in_steps(fixture_t *f, size_t step, const char *const *words)
{
    reef__tls_status_t status = REEF__TLS_MORE;

    tls_client_start(&f->client, f->port, words);
    socket_await(f->listener);
    f->peer = accept(f->listener, NULL, NULL);
    f->session = reef__tls_create(f->context);
    while (status == REEF__TLS_MORE) {
        reef_span_t rest = receive(f);

        if (rest.size == 0) {
            fail_msg("the client gave up:\n%s", f->client.text);
        }
        while (status == REEF__TLS_MORE && rest.size > 0) {
            size_t size = rest.size < step ? rest.size : step;
            size_t consumed;

            status =
                reef__tls_handshake(f->session, reef_span(rest.data, size), &consumed);
            assert_true(consumed <= size);
            rest = reef_span_skip(rest, consumed);
        }
        flush(f);
    }
    return status;
}

#define CONNECT(f, ...)                                                                \
    connect_in_steps((f), BUFFER_SIZE, (const char *const[]){__VA_ARGS__, NULL})

/* Decrypt what has come next; returns the size of the plaintext in f->out. */
static reef__tls_status_t decrypt_next(fixture_t *f, size_t *size)
{
    return reef__tls_decrypt(f->session, receive(f), f->out, sizeof(f->out), size);
}

static void expect_said(fixture_t *f, const char *text)
{
    size_t size = 0;

    tls_client_say(&f->client, text);
    while (size == 0) {
        assert_int_equal(decrypt_next(f, &size), REEF__TLS_MORE);
        flush(f);
    }
    assert_int_equal(size, strlen(text));
    assert_memory_equal(f->out, text, size);
}

static void answer(fixture_t *f, const char *text)
{
    size_t size =
        reef__tls_encrypt(f->session, reef_span_text(text), f->out, sizeof(f->out));

    assert_true(size > strlen(text));
    assert_true(size <= reef__tls_sealed_size(strlen(text)));
    assert_true(socket_send(f->peer, f->out, size));
}

static void test_tls_session_speaks_both_versions(void **state)
{
    static const struct {
        const char *option, *version;
    } cases[] = {{"-tls1_2", "TLSv1.2"}, {"-tls1_3", "TLSv1.3"}};
    fixture_t *f = *state;

    for (size_t i = 0; i < 2; i++) {
        reef__tls_facts_t facts;

        assert_int_equal(CONNECT(f, cases[i].option, "-alpn", "http/1.1"),
                         REEF__TLS_OPEN);
        facts = reef__tls_facts(f->session);
        assert_string_equal(facts.version, cases[i].version);
        assert_non_null(strstr(facts.cipher, "CHACHA20"));
        assert_string_equal(facts.alpn, "http/1.1");
        assert_false(facts.is_resumed);
        expect_said(f, "hello\n");
        answer(f, "[welcome]");
        assert_true(tls_client_await(&f->client, "[welcome]"));
        close_connection(f);
    }
}

static void test_tls_session_takes_bytes_one_by_one(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(connect_in_steps(f, 1, (const char *const[]){"-tls1_3", NULL}),
                     REEF__TLS_OPEN);
    expect_said(f, "hello\n");
    close_connection(f);
    assert_int_equal(connect_in_steps(f, 1, (const char *const[]){"-tls1_2", NULL}),
                     REEF__TLS_OPEN);
    expect_said(f, "hello\n");
}

static void test_tls_session_takes_the_client_s_word_for_no_other_version(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(CONNECT(f, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
                     REEF__TLS_FAILED);
    assert_int_not_equal(strlen(reef__tls_cause(f->session)), 0);
}

static void test_tls_session_refuses_another_protocol(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(CONNECT(f, "-alpn", "h2", "-msg"), REEF__TLS_FAILED);
    assert_true(tls_client_await(&f->client, "\n    02 78\n")); /* fatal, 120 */
}

static void test_tls_session_prefers_its_own_order_of_ciphers(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(CONNECT(f, "-tls1_3", "-ciphersuites",
                             "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"),
                     REEF__TLS_OPEN);
    assert_non_null(strstr(reef__tls_facts(f->session).cipher, "CHACHA20"));
    close_connection(f);
    assert_int_equal(CONNECT(f, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"),
                     REEF__TLS_OPEN);
    assert_non_null(strstr(reef__tls_facts(f->session).cipher, "AES"));
    close_connection(f);
    assert_int_equal(CONNECT(f, "-tls1_2", "-cipher", "AES128-GCM-SHA256"),
                     REEF__TLS_FAILED); /* no ephemeral key exchange */
}

static void test_tls_session_knows_the_end_from_a_cut(void **state)
{
    fixture_t *f = *state;
    size_t size;

    assert_int_equal(CONNECT(f, "-tls1_3"), REEF__TLS_OPEN);
    assert_true(tls_client_await(&f->client, "New, TLSv1.3"));
    shutdown(f->client.descriptor, SHUT_WR); /* s_client says good-bye */
    assert_int_equal(decrypt_next(f, &size), REEF__TLS_CLOSED);
    assert_int_equal(size, 0);
    reef__tls_shut_down(f->session);
    assert_true(reef__tls_pending(f->session).size > 0);
}

static void test_tls_session_detects_a_record_that_was_changed(void **state)
{
    fixture_t *f = *state;
    reef_span_t record;
    size_t size;

    assert_int_equal(CONNECT(f, "-tls1_3"), REEF__TLS_OPEN);
    tls_client_say(&f->client, "hello\n");
    record = receive(f);
    f->in[record.size - 1] ^= 1;
    assert_int_equal(
        reef__tls_decrypt(f->session, record, f->out, sizeof(f->out), &size),
        REEF__TLS_FAILED);
    assert_int_equal(size, 0);
}

/* One key update; its output is left pending where @p flushes is not set. */
static reef__tls_status_t update_key(fixture_t *f, const char *command, bool flushes)
{
    size_t size = 0;
    reef__tls_status_t status;

    tls_client_say(&f->client, command);
    status = decrypt_next(f, &size);
    if (status == REEF__TLS_MORE && flushes) {
        flush(f);
    }
    return status;
}

static void test_tls_session_follows_new_keys(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(CONNECT(f, "-tls1_3"), REEF__TLS_OPEN);
    assert_int_equal(update_key(f, "K\n", true), REEF__TLS_MORE);
    expect_said(f, "hello\n");
    answer(f, "[welcome]");
    assert_true(tls_client_await(&f->client, "[welcome]"));
    assert_int_equal(update_key(f, "k\n", true), REEF__TLS_MORE);
    expect_said(f, "again\n");
}

static void test_tls_session_cuts_off_who_only_changes_keys(void **state)
{
    fixture_t *f = *state;
    int count = 0;

    assert_int_equal(CONNECT(f, "-tls1_3"), REEF__TLS_OPEN);
    while (update_key(f, "k\n", true) == REEF__TLS_MORE) {
        assert_true(++count <= REEF__TLS_MAX_SILENCE);
    }
    assert_int_equal(count, REEF__TLS_MAX_SILENCE);
    assert_string_equal(reef__tls_cause(f->session), "too many records without data");
}

static void test_tls_session_cuts_off_who_asks_and_does_not_read(void **state)
{
    fixture_t *f = *state;
    reef__tls_status_t status = REEF__TLS_MORE;
    int count = 0;

    assert_int_equal(CONNECT(f, "-tls1_3"), REEF__TLS_OPEN);
    while (status == REEF__TLS_MORE) {
        size_t size = 0;

        status = update_key(f, "K\n", false);
        if (status == REEF__TLS_MORE) {
            tls_client_say(&f->client, "data\n"); /* so that it is not silent */
            status = decrypt_next(f, &size);
        }
        assert_true(reef__tls_pending(f->session).size <= REEF__TLS_MAX_ANSWERS);
        assert_true(++count < 200);
    }
    assert_string_equal(reef__tls_cause(f->session), "too much to answer");
}

static void test_tls_session_refuses_a_second_handshake(void **state)
{
    fixture_t *f = *state;
    size_t size;

    assert_int_equal(CONNECT(f, "-tls1_2"), REEF__TLS_OPEN);
    tls_client_say(&f->client, "R\n");
    assert_int_equal(decrypt_next(f, &size), REEF__TLS_FAILED);
}

static void test_tls_session_keeps_what_a_socket_did_not_take(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(CONNECT(f, "-tls1_3"), REEF__TLS_OPEN);
    reef__tls_pend(f->session, reef_span_text("abc"));
    reef__tls_pend(f->session, reef_span_text("def"));
    reef__tls_pending_consume(f->session, 2);
    reef__tls_pend(f->session, reef_span_text("g"));
    assert_true(
        reef_span_equal(reef__tls_pending(f->session), reef_span_text("cdefg")));
    reef__tls_pending_consume(f->session, 5);
    assert_int_equal(reef__tls_pending(f->session).size, 0);
}

/* Looking ---------------------------------------------------------------------- */

static void
expect_look(const char *bytes, size_t size, reef__tls_opening_t opening, size_t whole)
{
    size_t found;

    assert_int_equal(reef__tls_look(reef_span(bytes, size), &found), opening);
    assert_int_equal(found, whole);
}

static void test_tls_look_tells_records_from_the_rest(void **state)
{
    (void)state;
    expect_look("", 0, REEF__TLS_OPENING_PARTIAL, 0);
    expect_look("\x16", 1, REEF__TLS_OPENING_PARTIAL, 0);
    expect_look("\x16\x03\x01\x00\x02"
                "a",
                6, REEF__TLS_OPENING_PARTIAL, 0);
    expect_look("\x16\x03\x01\x00\x02"
                "ab",
                7, REEF__TLS_OPENING_CLEAR, 7);
    expect_look("\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x01"
                "a",
                12, REEF__TLS_OPENING_SEALED, 12);
    expect_look("\x14\x03\x03\x00\x01\x01\x16\x03", 8, REEF__TLS_OPENING_SEALED, 6);
    expect_look("\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x01"
                "a",
                12, REEF__TLS_OPENING_CLEAR, 12);
    expect_look("GE", 2, REEF__TLS_OPENING_HTTP, 0);
    expect_look("GET / HTTP/1.1", 14, REEF__TLS_OPENING_HTTP, 0);
    expect_look("SSH-2.0", 7, REEF__TLS_OPENING_GARBAGE, 0);
    expect_look("\x16\x02", 2, REEF__TLS_OPENING_GARBAGE, 0);
    expect_look("\x16\x03\x01\x41\x01", 5, REEF__TLS_OPENING_GARBAGE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls_session_speaks_both_versions),
        TEST(test_tls_session_takes_bytes_one_by_one),
        TEST(test_tls_session_takes_the_client_s_word_for_no_other_version),
        TEST(test_tls_session_refuses_another_protocol),
        TEST(test_tls_session_prefers_its_own_order_of_ciphers),
        TEST(test_tls_session_knows_the_end_from_a_cut),
        TEST(test_tls_session_detects_a_record_that_was_changed),
        TEST(test_tls_session_follows_new_keys),
        TEST(test_tls_session_cuts_off_who_only_changes_keys),
        TEST(test_tls_session_cuts_off_who_asks_and_does_not_read),
        TEST(test_tls_session_refuses_a_second_handshake),
        TEST(test_tls_session_keeps_what_a_socket_did_not_take),
        TEST(test_tls_look_tells_records_from_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
