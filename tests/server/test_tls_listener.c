/* The life of a certificate that is in use: made, rolled over, read again. */
#include "transport/tls_listener.h"

#include "app.h"
#include "loopback.h"
#include "test.h"
#include "tls_client.h"
#include "transport/io.h"

#include <ftw.h>
#include <time.h>
#include <unistd.h>

static const int64_t day_s = INT64_C(24) * 60 * 60;

typedef struct fixture {
    char directory[64];
    reef_app_t *app;
    reef__tls_listener_t listener;
} fixture_t;

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place;
    return remove(path);
}

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    fixture_t *f = calloc(1, sizeof(*f));

    snprintf(f->directory, sizeof(f->directory), "/tmp/reef-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->app = loopback_app_create(3, argv);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef__tls_listener_close(&f->listener);
    reef__ios_run_down(f->app->ios);
    reef__tls_listener_finish(&f->listener);
    reef_app_destroy(f->app);
    nftw(f->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static void refuse(void *context, reef__io_t *io, int descriptor)
{
    (void)context, (void)io;
    close(descriptor);
}

static void open_listener(fixture_t *f, reef__tls_listener_desc_t desc)
{
    reef_failure_t failure = {0};

    desc.name = "wss";
    desc.listen = "127.0.0.1:0";
    desc.ciphers = "aes-128-gcm";
    desc.listeners =
        (reef__listeners_desc_t){.backlog = 8, .scheme = "wss", .accepted = refuse};
    if (reef__tls_listener_init(&f->listener, f->app, &desc, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
    loopback_app_start(f->app);
    if (reef__tls_listener_open(&f->listener, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
}

static reef_certificate_t listed(const fixture_t *f)
{
    reef_certificate_t certificate = {0};

    assert_int_equal(reef_app_certificates(f->app, &certificate, 1), 1);
    return certificate;
}

static bool is_same(reef_certificate_t a, reef_certificate_t b)
{
    return memcmp(a.sha256, b.sha256, sizeof(a.sha256)) == 0;
}

static void
test_tls_listener_rolls_the_dev_certificate_over_before_its_end(void **state)
{
    fixture_t *f = *state;
    reef__tls_context_t *old;
    reef_certificate_t first;
    int64_t end_s;

    open_listener(f, (reef__tls_listener_desc_t){.cert = "", .key = "", .dev = true});
    first = listed(f);
    end_s = first.not_after_s;
    assert_in_range(end_s - time(NULL), 12 * day_s, 13 * day_s);
    reef__tls_listener_roll(&f->listener, end_s - 2 * day_s - 1);
    assert_true(is_same(listed(f), first));

    old = reef__tls_listener_context(&f->listener);
    reef__tls_listener_roll(&f->listener, end_s - 2 * day_s + 1);
    assert_false(is_same(listed(f), first));
    assert_true(listed(f).not_after_s > end_s + 10 * day_s);
    /* Who has the old one keeps it. */
    assert_memory_equal(reef__tls_context_certificate(old)->sha256, first.sha256, 32);
    reef__tls_context_unref(old);
}

static void test_tls_listener_reload_takes_new_files_and_only_good_ones(void **state)
{
    fixture_t *f = *state;
    tls_files_t files;
    tls_files_t others;
    reef_certificate_t first;

    tls_files_make(&files, f->directory, "first", "10");
    tls_files_make(&others, f->directory, "second", "10");
    open_listener(f, (reef__tls_listener_desc_t){.cert = files.cert, .key = files.key});
    first = listed(f);
    assert_string_equal(first.transport, "wss");
    assert_false(first.is_dev);
    reef_app_reload(f->app);
    assert_true(is_same(listed(f), first));

    assert_int_equal(rename(others.cert, files.cert), 0);
    reef_app_reload(f->app); /* its key is not there yet */
    assert_true(is_same(listed(f), first));

    assert_int_equal(rename(others.key, files.key), 0);
    reef_app_reload(f->app);
    assert_false(is_same(listed(f), first));
    assert_non_null(strstr(listed(f).subject, "second"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tls_listener_rolls_the_dev_certificate_over_before_its_end),
        TEST(test_tls_listener_reload_takes_new_files_and_only_good_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
