/* Lists of addresses, Unix sockets among them. */
#include "loopback.h"
#include "test.h"

#include "app.h"
#include "transport/address.h"
#include "transport/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct fixture {
    reef_app_t *app;
    reef__listeners_t listeners;
    int accepted; /* the last one's descriptor */
    char folder[32];
    char path[64];
    char unix_address[80];
} fixture_t;

static int setup(void **state)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};
    fixture_t *f = calloc(1, sizeof(*f));

    f->app = loopback_app_create(3, argv);
    f->accepted = -1;
    snprintf(f->folder, sizeof(f->folder), "/tmp/reef-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
    snprintf(f->unix_address, sizeof(f->unix_address), "unix:%s", f->path);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void on_accepted(void *context, reef__io_t *io, int descriptor)
{
    (void)io;
    ((fixture_t *)context)->accepted = descriptor;
}

static reef_error_t listen_on(fixture_t *f, const char *list, reef_failure_t *failure)
{
    reef_error_t error = reef__listeners_init(&f->listeners, f->app, "tcp",
                                              reef_span_text(list), failure);

    assert_int_equal(error, REEF_OK);
    return reef__listeners_open(
        &f->listeners,
        &(reef__listeners_desc_t){
            .backlog = 4, .scheme = "tcp", .accepted = on_accepted, .context = f},
        failure);
}

static void end(fixture_t *f)
{
    reef__listeners_close(&f->listeners);
    reef__listeners_close(&f->listeners); /* may be said twice */
    reef__ios_run_down(f->app->ios);
    reef__listeners_finish(&f->listeners);
}

/* A client connects to an address that was told; its server's end is f->accepted. */
static int connect_to(fixture_t *f, const char *text)
{
    struct sockaddr_storage address;
    int client;

    assert_int_equal(reef__address_parse(reef_span_text(text), "test", &address, NULL),
                     REEF_OK);
    client = socket(address.ss_family, SOCK_STREAM, 0);
    assert_int_equal(
        connect(client, (struct sockaddr *)&address, reef__address_size(&address)), 0);
    while (f->accepted < 0) {
        reef__loop_poll(f->app->loop, 100);
    }
    return client;
}

static void test_listeners_listen_on_each_address(void **state)
{
    fixture_t *f = *state;
    char list[160];
    const reef_listener_t *told;
    size_t count;

    snprintf(list, sizeof(list), "127.0.0.1:0, [::1]:0,%s", f->unix_address);
    assert_int_equal(listen_on(f, list, NULL), REEF_OK);
    told = reef_app_listeners(f->app, &count);
    assert_int_equal(count, 3);
    assert_string_equal(told[2].address, f->unix_address);
    for (size_t i = 0; i < count; i++) {
        char local[REEF__ADDRESS_TEXT_SIZE];
        int client;

        assert_string_equal(told[i].transport, "tcp");
        client = connect_to(f, told[i].address);
        reef__address_of_socket(f->accepted, local);
        assert_string_equal(local, told[i].address);
        close(client);
        close(f->accepted);
        f->accepted = -1;
    }
    end(f);
}

/* A port that is free for both families. */
static unsigned free_port(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    socklen_t size = sizeof(address);
    int probe = socket(AF_INET6, SOCK_STREAM, 0);

    assert_int_equal(bind(probe, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &size), 0);
    close(probe);
    return ntohs(address.sin6_port);
}

static void must_listen_on(fixture_t *f, const char *list)
{
    reef_failure_t failure = {0};

    if (listen_on(f, list, &failure) != REEF_OK) {
        end(f);
        fail_msg("%s", failure.text);
    }
}

static void test_listeners_take_one_port_of_both_families(void **state)
{
    static const char *const lists[][2] = {{"0.0.0.0", "[::]"}, {"[::]", "127.0.0.1"}};
    static const char *const clients[] = {"127.0.0.1", "[::1]"};
    fixture_t *f = *state;
    char text[64];

    for (size_t i = 0; i < 2; i++) {
        unsigned port = free_port();

        snprintf(text, sizeof(text), "%s:%u,%s:%u", lists[i][0], port, lists[i][1],
                 port);
        must_listen_on(f, text);
        for (size_t k = 0; k < 2; k++) {
            snprintf(text, sizeof(text), "%s:%u", clients[k], port);
            close(connect_to(f, text));
            close(f->accepted);
            f->accepted = -1;
        }
        end(f);
    }
}

/* Where there is no other, [::] is for both. */
static void test_listeners_of_ipv6_alone_take_ipv4_too(void **state)
{
    fixture_t *f = *state;
    unsigned port = free_port();
    char text[64];

    snprintf(text, sizeof(text), "[::]:%u", port);
    must_listen_on(f, text);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    close(connect_to(f, text));
    close(f->accepted);
    end(f);
}

static void test_listeners_know_who_is_behind_a_unix_socket(void **state)
{
    fixture_t *f = *state;
    char wanted[64];
    char peer[REEF__ADDRESS_TEXT_SIZE];
    int client;

    assert_int_equal(listen_on(f, f->unix_address, NULL), REEF_OK);
    client = connect_to(f, f->unix_address);
    snprintf(wanted, sizeof(wanted), "unix:pid=%d,uid=%u", (int)getpid(), getuid());
    reef__address_of_peer(f->accepted, peer);
    assert_string_equal(peer, wanted);
    close(client);
    close(f->accepted);
    end(f);
}

static void test_listeners_remove_the_file_of_a_unix_socket(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(listen_on(f, f->unix_address, NULL), REEF_OK);
    assert_int_equal(access(f->path, F_OK), 0);
    end(f);
    assert_int_equal(access(f->path, F_OK), -1);
}

static void test_listeners_say_when_a_file_is_no_socket(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure = {0};
    FILE *file = fopen(f->path, "w");

    fclose(file);
    assert_int_equal(listen_on(f, f->unix_address, &failure), REEF_E_IO);
    assert_non_null(strstr(failure.text, f->path));
    assert_non_null(strstr(failure.text, "there is a file that is no socket"));
    assert_int_equal(access(f->path, F_OK), 0);
    end(f);
}

/* A socket's file outlives a server that was killed. */
static void test_listeners_replace_a_stale_file(void **state)
{
    fixture_t *f = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->path);
    assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
    close(stale);
    assert_int_equal(listen_on(f, f->unix_address, NULL), REEF_OK);
    close(connect_to(f, f->unix_address));
    close(f->accepted);
    end(f);
}

static void test_listeners_leave_a_living_socket_alone(void **state)
{
    fixture_t *f = *state;
    reef__listeners_t first;
    reef_failure_t failure = {0};

    assert_int_equal(listen_on(f, f->unix_address, NULL), REEF_OK);
    first = f->listeners;
    assert_int_equal(listen_on(f, f->unix_address, &failure), REEF_E_IO);
    assert_non_null(strstr(failure.text, "tcp.listen: unix:"));
    assert_non_null(strstr(failure.text, "address already in use"));
    reef__listeners_finish(&f->listeners);
    f->listeners = first;
    close(connect_to(f, f->unix_address));
    close(f->accepted);
    end(f);
}

static void test_listeners_leave_other_files_alone(void **state)
{
    fixture_t *f = *state;
    FILE *file = fopen(f->path, "w");

    assert_non_null(file);
    fputs("precious", file);
    fclose(file);
    assert_int_equal(listen_on(f, f->unix_address, NULL), REEF_E_IO);
    assert_int_equal(access(f->path, F_OK), 0);
    end(f);
    assert_int_equal(access(f->path, F_OK), 0);
}

static void test_listeners_name_a_wrong_address(void **state)
{
    fixture_t *f = *state;
    reef_failure_t failure = {0};

    assert_int_equal(reef__listeners_init(&f->listeners, f->app, "tcp",
                                          reef_span_text("127.0.0.1:0,nonsense"),
                                          &failure),
                     REEF_E_INVALID);
    assert_non_null(strstr(failure.text, "tcp.listen: 'nonsense'"));
}

static void test_listeners_are_none_for_an_empty_list(void **state)
{
    fixture_t *f = *state;
    size_t count;

    assert_int_equal(listen_on(f, "", NULL), REEF_OK);
    reef_app_listeners(f->app, &count);
    assert_int_equal(count, 0);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listeners_listen_on_each_address),
        TEST(test_listeners_take_one_port_of_both_families),
        TEST(test_listeners_of_ipv6_alone_take_ipv4_too),
        TEST(test_listeners_know_who_is_behind_a_unix_socket),
        TEST(test_listeners_remove_the_file_of_a_unix_socket),
        TEST(test_listeners_say_when_a_file_is_no_socket),
        TEST(test_listeners_replace_a_stale_file),
        TEST(test_listeners_leave_a_living_socket_alone),
        TEST(test_listeners_leave_other_files_alone),
        TEST(test_listeners_name_a_wrong_address),
        TEST(test_listeners_are_none_for_an_empty_list),
    };

    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
