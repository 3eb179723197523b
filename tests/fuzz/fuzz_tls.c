/*
 * A byte of a step, then what a client sends to a fresh session.  Given whole, in steps
 * and byte by byte it must come to the same end; what is answered stays bounded.  That
 * what was looked at beforehand holds for any beginning of it, too, is checked beside.
 *
 * What comes after a handshake nobody can write down beforehand: test_tls_session.c has
 * a client for that.
 */
#include "transport/tls.h"

#include <stdlib.h>
#include <string.h>

enum {
    NOW_S = 1700000000,
    MAX_TRIES = 4
};

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static reef__tls_context_t *create_context(void)
{
    reef__tls_suites_t suites;
    reef__tls_context_t *context = NULL;
    reef__tls_dev_t dev;
    reef_failure_t failure;

    check(reef__tls_suites_parse(&suites,
                                 reef_span_text("chacha20-poly1305,aes-128-gcm"),
                                 "wss.ciphers", &failure) == REEF_OK);
    check(reef__tls_dev_create(&dev, NOW_S, &failure) == REEF_OK);
    check(reef__tls_context_create(
              &(reef__tls_context_desc_t){.alloc = reef_alloc_default(),
                                          .section = "wss",
                                          .dev = &dev,
                                          .suites = &suites,
                                          .alpn = "http/1.1"},
              &context, &failure) == REEF_OK);
    return context;
}

typedef struct end {
    reef__tls_status_t status;
    size_t consumed;
    bool has_answer;
} end_t;

static end_t feed(reef__tls_context_t *context, reef_span_t input, size_t step)
{
    reef__tls_t *session = reef__tls_create(context);
    end_t end = {.status = REEF__TLS_MORE};

    check(session != NULL);
    while (end.status == REEF__TLS_MORE && input.size > 0) {
        size_t size = input.size < step ? input.size : step;
        uint8_t *bytes = malloc(size); /* elsewhere each time, its end guarded */
        size_t consumed;

        memcpy(bytes, input.data, size);
        end.status = reef__tls_handshake(session, reef_span(bytes, size), &consumed);
        free(bytes);
        check(consumed <= size);
        check(end.status != REEF__TLS_MORE || consumed == size);
        check(reef__tls_pending(session).size <= REEF__TLS_MAX_FLIGHT);
        end.consumed += consumed;
        input = reef_span_skip(input, size);
    }
    end.has_answer = reef__tls_pending(session).size > 0;
    check(end.status != REEF__TLS_FAILED || *reef__tls_cause(session) != '\0');
    check(end.status != REEF__TLS_CLOSED);
    reef__tls_destroy(session);
    return end;
}

/* What a beginning is taken for, the rest does not change. */
static void check_look(reef_span_t input)
{
    size_t whole;
    reef__tls_opening_t all = reef__tls_look(input, &whole);

    check(whole <= input.size);
    check(all != REEF__TLS_OPENING_PARTIAL || whole == 0);
    for (size_t size = 0; size < input.size; size++) {
        size_t part;
        reef__tls_opening_t beginning =
            reef__tls_look(reef_span(input.data, size), &part);

        check(part <= size);
        if (beginning == REEF__TLS_OPENING_GARBAGE) {
            check(all == REEF__TLS_OPENING_GARBAGE || all == REEF__TLS_OPENING_HTTP);
        }
        if (beginning == REEF__TLS_OPENING_CLEAR) {
            check(all != REEF__TLS_OPENING_SEALED && all != REEF__TLS_OPENING_PARTIAL);
            check(all != REEF__TLS_OPENING_CLEAR || part <= whole);
        }
    }
}

static bool is_same(end_t a, end_t b)
{
    return a.status == b.status && a.has_answer == b.has_answer &&
           (a.status == REEF__TLS_FAILED || a.consumed == b.consumed);
}

/* wolfSSL keeps tables for points that come again, and then may refuse one that is not
 * on its curve and was good enough before: so the whole is given again, too. */
static void check_step(reef__tls_context_t *context, reef_span_t input, size_t step)
{
    end_t part = feed(context, input, step);
    bool holds = false;

    for (int tries = 0; tries < MAX_TRIES && !holds; tries++) {
        holds = is_same(feed(context, input, input.size), part);
    }
    check(holds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static reef__tls_context_t *context;
    reef_span_t input;

    if (size < 1) {
        return 0;
    }
    if (context == NULL) {
        context = create_context();
    }
    input = reef_span(data + 1, size - 1);
    check_look(input);
    check_step(context, input, data[0] + 2U);
    check_step(context, input, 1);
    return 0;
}
