/* What a context is loaded from, and what is said of files that it cannot be. */
#include "transport/tls.h"

#include "test.h"
#include "tls_client.h"

#include <ftw.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const int64_t day_s = INT64_C(24) * 60 * 60;

typedef struct fixture {
    char directory[64];
    tls_files_t files;
    reef__tls_suites_t suites;
    reef__tls_context_t *context;
    reef_failure_t failure;
} fixture_t;

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

static int setup(void **state)
{
    fixture_t *f = calloc(1, sizeof(*f));

    snprintf(f->directory, sizeof(f->directory), "/tmp/reef-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    tls_files_make(&f->files, f->directory, "own", "10");
    f->suites = (reef__tls_suites_t){.order = {REEF__TLS_AES_128_GCM}, .count = 1};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__tls_context_unref(f->context);
    nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static reef_error_t
create(fixture_t *f, const char *cert, const char *key, int64_t when_s)
{
    reef__tls_context_unref(f->context);
    f->context = NULL;
    return reef__tls_context_create(
        &(reef__tls_context_desc_t){
            .alloc = reef_alloc_default(),
            .section = "wss",
            .cert_path = cert,
            .key_path = key,
            .suites = &f->suites,
            .now_s = when_s,
        },
        &f->context, &f->failure);
}

static void expect_refusal(fixture_t *f,
                           const char *cert,
                           const char *key,
                           const char *setting,
                           const char *cause)
{
    assert_int_not_equal(create(f, cert, key, now_s()), REEF_OK);
    assert_null(f->context);
    if (strncmp(f->failure.text, setting, strlen(setting)) != 0 ||
        strstr(f->failure.text, cause) == NULL ||
        strchr(f->failure.text, '\n') != NULL) {
        fail_msg("expected one line of %s with '%s', got: %s", setting, cause,
                 f->failure.text);
    }
}

static void path_of(const fixture_t *f, const char *name, char path[TLS_CLIENT_PATH])
{
    snprintf(path, TLS_CLIENT_PATH, "%s/%s", f->directory, name);
}

/* Append the content of one file to another. */
static void append(const char *from, const char *to)
{
    FILE *in = fopen(from, "re");
    FILE *out = fopen(to, "ae");
    int c;

    assert_non_null(in);
    assert_non_null(out);
    while ((c = getc(in)) != EOF) {
        putc(c, out);
    }
    fclose(in);
    fclose(out);
}

static void test_tls_context_tells_of_its_certificate(void **state)
{
    fixture_t *f = *state;
    const reef__tls_certificate_t *certificate;

    assert_int_equal(create(f, f->files.cert, f->files.key, now_s()), REEF_OK);
    certificate = reef__tls_context_certificate(f->context);
    assert_non_null(strstr(certificate->subject, "own"));
    assert_false(certificate->is_dev);
    assert_in_range(certificate->not_after_s - now_s(), 9 * day_s, 10 * day_s + 60);
}

static void test_tls_context_names_the_file_that_is_missing(void **state)
{
    fixture_t *f = *state;
    char path[TLS_CLIENT_PATH];

    path_of(f, "none.pem", path);
    expect_refusal(f, path, f->files.key, "wss.cert: ", "No such file");
    expect_refusal(f, f->files.cert, path, "wss.key: ", "No such file");
    expect_refusal(f, f->directory, f->files.key, "wss.cert: ", "Is a directory");
}

static void test_tls_context_says_what_a_file_is_instead(void **state)
{
    fixture_t *f = *state;
    char path[TLS_CLIENT_PATH];
    FILE *file;

    path_of(f, "garbage", path);
    file = fopen(path, "we");
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file);
    fclose(file);
    expect_refusal(f, path, f->files.key, "wss.cert: ", "cannot be read");
    expect_refusal(f, "/dev/null", f->files.key, "wss.cert: ", "no certificate in PEM");
    path_of(f, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(f, path, f->files.key, "wss.cert: ", "no certificate in PEM");
    expect_refusal(f, f->files.key, f->files.key, "wss.cert: ", "holds a key");
    expect_refusal(f, f->files.cert, f->files.cert, "wss.key: ", "no private key");
}

static void test_tls_context_refuses_the_key_of_another_certificate(void **state)
{
    fixture_t *f = *state;
    tls_files_t other;

    tls_files_make(&other, f->directory, "other", "10");
    expect_refusal(f, f->files.cert, other.key, "wss.key: ", "does not belong");
}

static void test_tls_context_refuses_a_key_with_a_password(void **state)
{
    fixture_t *f = *state;
    char path[TLS_CLIENT_PATH];

    path_of(f, "locked.key", path);
    OPENSSL_RUN(f->directory, "pkey", "-in", f->files.key, "-aes128", "-passout",
                "pass:secret", "-out", path);
    expect_refusal(f, f->files.cert, path, "wss.key: ", "password");
}

static void test_tls_context_refuses_what_is_not_valid_now(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(create(f, f->files.cert, f->files.key, now_s() + 9 * day_s),
                     REEF_OK);
    assert_int_equal(create(f, f->files.cert, f->files.key, now_s() + 11 * day_s),
                     REEF_E_INVALID);
    assert_non_null(strstr(f->failure.text, "expired on 2"));
    assert_int_equal(create(f, f->files.cert, f->files.key, now_s() - day_s),
                     REEF_E_INVALID);
    assert_non_null(strstr(f->failure.text, "valid only from 2"));
}

/* A root and a certificate that it has signed. */
static void make_chain(fixture_t *f, tls_files_t *root, tls_files_t *leaf)
{
    char request[TLS_CLIENT_PATH];

    tls_files_make(root, f->directory, "root", "10");
    tls_files_make(leaf, f->directory, "leaf", "10");
    path_of(f, "leaf.csr", request);
    OPENSSL_RUN(f->directory, "x509", "-req", "-in", request, "-CA", root->cert,
                "-CAkey", root->key, "-CAcreateserial", "-days", "10", "-out",
                leaf->cert);
}

static void test_tls_context_takes_a_chain_in_order_only(void **state)
{
    fixture_t *f = *state;
    tls_files_t root;
    tls_files_t leaf;
    char path[TLS_CLIENT_PATH];

    make_chain(f, &root, &leaf);
    path_of(f, "backwards.pem", path);
    append(root.cert, path);
    append(leaf.cert, path);
    expect_refusal(f, path, leaf.key, "wss.cert: ", "wrong order");
    append(root.cert, leaf.cert);
    assert_int_equal(create(f, leaf.cert, leaf.key, now_s()), REEF_OK);
}

/* Development ------------------------------------------------------------------ */

static void test_tls_dev_certificate_is_one_that_browsers_take(void **state)
{
    fixture_t *f = *state;
    reef__tls_dev_t dev;
    char path[TLS_CLIENT_PATH];
    FILE *file;

    assert_int_equal(reef__tls_dev_create(&dev, now_s(), &f->failure), REEF_OK);
    path_of(f, "dev.der", path);
    file = fopen(path, "we");
    assert_int_equal(fwrite(dev.certificate, 1, dev.certificate_size, file),
                     dev.certificate_size);
    fclose(file);
    path_of(f, "dev.pem", f->files.cert);
    OPENSSL_RUN(f->directory, "x509", "-inform", "DER", "-in", path, "-out",
                f->files.cert);
    OPENSSL_RUN(f->directory, "verify", "-CAfile", f->files.cert, "-verify_hostname",
                "localhost", f->files.cert);
    OPENSSL_RUN(f->directory, "verify", "-CAfile", f->files.cert, "-verify_ip",
                "127.0.0.1", f->files.cert);
    OPENSSL_RUN(f->directory, "verify", "-CAfile", f->files.cert, "-verify_ip", "::1",
                f->files.cert);
}

static void test_tls_dev_certificate_is_valid_for_less_than_14_days(void **state)
{
    /* The last is beyond the two digits of a UTCTime. */
    static const int64_t times[] = {1700000000, 1900000000, 2600000000};
    fixture_t *f = *state;

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        const reef__tls_certificate_t *certificate;
        reef__tls_dev_t dev;

        assert_int_equal(reef__tls_dev_create(&dev, times[i], &f->failure), REEF_OK);
        reef__tls_context_unref(f->context);
        assert_int_equal(reef__tls_context_create(
                             &(reef__tls_context_desc_t){.alloc = reef_alloc_default(),
                                                         .section = "wss",
                                                         .dev = &dev,
                                                         .suites = &f->suites},
                             &f->context, &f->failure),
                         REEF_OK);
        certificate = reef__tls_context_certificate(f->context);
        assert_true(certificate->is_dev);
        assert_int_equal(certificate->not_before_s, times[i] - 3600);
        assert_int_equal(certificate->not_after_s - certificate->not_before_s,
                         REEF__TLS_DEV_DAYS * day_s - 1);
    }
}

/* Suites ----------------------------------------------------------------------- */

static void test_tls_suites_are_measured_fastest_first(void **state)
{
    reef__tls_suites_t suites;
    uint32_t seen = 0;

    (void)state;
    reef__tls_suites_measure(&suites);
    assert_int_equal(suites.count, REEF__TLS_AEAD_COUNT);
    for (uint32_t i = 0; i < suites.count; i++) {
        seen |= 1U << suites.order[i];
        assert_true(suites.mb_per_s[i] > 0);
        assert_true(i == 0 || suites.mb_per_s[suites.order[i - 1]] >=
                                  suites.mb_per_s[suites.order[i]]);
    }
    assert_int_equal(seen, (1U << REEF__TLS_AEAD_COUNT) - 1);
}

static void test_tls_suites_are_read_in_the_order_given(void **state)
{
    reef__tls_suites_t suites;
    char text[REEF__TLS_SUITES_SIZE];
    reef_failure_t failure;

    (void)state;
    assert_int_equal(reef__tls_suites_parse(
                         &suites, reef_span_text("chacha20-poly1305, aes-128-gcm"),
                         "wss.ciphers", &failure),
                     REEF_OK);
    reef__tls_suites_format(&suites, text);
    assert_string_equal(text,
                        "TLS13-CHACHA20-POLY1305-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
                        "ECDHE-RSA-CHACHA20-POLY1305:TLS13-AES128-GCM-SHA256:"
                        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256");
}

static void test_tls_suites_refuse_what_is_not_secure(void **state)
{
    static const char *const wrong[] = {"rc4", "", "aes-128-gcm,aes-128-gcm",
                                        "AES128-SHA"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        reef__tls_suites_t suites;
        reef_failure_t failure;

        assert_int_equal(reef__tls_suites_parse(&suites, reef_span_text(wrong[i]),
                                                "wss.ciphers", &failure),
                         REEF_E_INVALID);
        assert_int_equal(strncmp(failure.text, "wss.ciphers: ", 13), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls_context_tells_of_its_certificate),
        TEST(test_tls_context_names_the_file_that_is_missing),
        TEST(test_tls_context_says_what_a_file_is_instead),
        TEST(test_tls_context_refuses_the_key_of_another_certificate),
        TEST(test_tls_context_refuses_a_key_with_a_password),
        TEST(test_tls_context_refuses_what_is_not_valid_now),
        TEST(test_tls_context_takes_a_chain_in_order_only),
        TEST(test_tls_dev_certificate_is_one_that_browsers_take),
        TEST(test_tls_dev_certificate_is_valid_for_less_than_14_days),
        TEST(test_tls_suites_are_measured_fastest_first),
        TEST(test_tls_suites_are_read_in_the_order_given),
        TEST(test_tls_suites_refuse_what_is_not_secure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
