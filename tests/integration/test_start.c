/* Starts that must fail, each with one clear line, and where settings come from. */
#include "admin_client.h"

#include <reef/database.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_WORDS = 16
};

/* Run reefd with @p words to its end.  Returns its exit code. */
static int
run(fixture_t *fixture, const char *const *words, const char *const *environment)
{
    const char *arguments[MAX_WORDS + 6] = {REEFD};
    size_t count = 1;

    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(i < MAX_WORDS);
        arguments[count++] = words[i];
    }
    process_start(&fixture->server.process,
                  &(process_desc_t){.arguments = arguments,
                                    .environment = environment,
                                    .directory = fixture->server.directory});
    return process_wait(&fixture->server.process);
}

#define RUN(fixture, ...) run((fixture), (const char *const[]){__VA_ARGS__, NULL}, NULL)

/* The one line on stderr that is not mere information; empty when it is not one. */
static void find_complaint(const char *all, char *complaint, size_t capacity)
{
    size_t found = 0;

    for (const char *line = all; *line != '\0';) {
        size_t size = strcspn(line, "\n");

        if (memmem(line, size, " level=info ", 12) == NULL) {
            snprintf(complaint, capacity, "%.*s", (int)size, line);
            found++;
        }
        line += line[size] == '\n' ? size + 1 : size;
    }
    if (found != 1) {
        complaint[0] = '\0';
    }
}

static void expect_one_line(const fixture_t *fixture, const char *text)
{
    const char *all = fixture->server.process.errors.text;
    char complaint[1024];

    find_complaint(all, complaint, sizeof(complaint));
    if (strstr(complaint, text) == NULL) {
        fail_msg("expected one line with '%s', got:\n%s", text, all);
    }
}

#define FREE_PORTS                                                                     \
    "--set", "websocket.listen=127.0.0.1:0", "--set", "admin.listen=127.0.0.1:0"

static void write_file(const fixture_t *fixture, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    server_path(&fixture->server, name, path, sizeof(path));
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

/* Addresses -------------------------------------------------------------------- */

static void expect_port_in_use(fixture_t *fixture, const char *setting)
{
    uint16_t port;
    int listener = socket_listen(&port);
    char assignment[64];
    char address[32];
    int code;

    snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    snprintf(assignment, sizeof(assignment), "%s=%s", setting, address);
    code = RUN(fixture, FREE_PORTS, "--set", assignment);
    close(listener);
    assert_int_equal(code, 1);
    expect_one_line(fixture, setting);
    expect_one_line(fixture, address);
    expect_one_line(fixture, "in use");
}

static void test_start_fails_when_the_websocket_port_is_in_use(void **state)
{
    expect_port_in_use(*state, "websocket.listen");
}

static void test_start_fails_when_the_admin_port_is_in_use(void **state)
{
    expect_port_in_use(*state, "admin.listen");
}

static void test_start_fails_when_the_http_port_is_in_use(void **state)
{
    expect_port_in_use(*state, "http.listen");
}

static void test_start_fails_for_a_bad_address(void **state)
{
    static const char *const settings[] = {
        "websocket.listen=127.0.0.1:80800", "websocket.listen=127.0.0.1",
        "websocket.listen=:x", "admin.listen=127.0.0.1:80800",
        "http.listen=localhost:1"};
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char name[32];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(settings[i], "="),
                 settings[i]);
        assert_int_equal(RUN(fixture, FREE_PORTS, "--set", settings[i]), 1);
        expect_one_line(fixture, name);
        expect_one_line(fixture, strchr(settings[i], '=') + 1);
    }
}

/* Database --------------------------------------------------------------------- */

static void test_start_fails_when_the_database_is_a_directory(void **state)
{
    fixture_t *fixture = *state;
    char path[128];

    server_path(&fixture->server, "folder.db", path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "snapshot.path=folder.db"), 1);
    expect_one_line(fixture, "folder.db");
}

static void test_start_fails_when_the_file_is_no_database(void **state)
{
    fixture_t *fixture = *state;
    char text[4096];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    write_file(fixture, "letter.db", text);
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "snapshot.path=letter.db"), 1);
    expect_one_line(fixture, "letter.db");
}

static void test_start_fails_when_the_database_is_newer_than_the_program(void **state)
{
    fixture_t *fixture = *state;
    reef_database_t *database = NULL;
    reef_failure_t failure = {0};
    char path[128];

    server_path(&fixture->server, "newer.db", path, sizeof(path));
    assert_int_equal(reef_database_open(path, false, &database, &failure), REEF_OK);
    assert_int_equal(reef_database_run(database, "PRAGMA user_version = 999", &failure),
                     REEF_OK);
    reef_database_close(database);
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "snapshot.path=newer.db"), 1);
    expect_one_line(fixture, "newer.db");
    expect_one_line(fixture, "999");
}

/* Settings --------------------------------------------------------------------- */

static void test_start_fails_for_an_unknown_setting_and_suggests_one(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "websocket.listne=x"), 1);
    expect_one_line(fixture, "did you mean websocket.listen?");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "demmo.entities=3"), 1);
    expect_one_line(fixture, "did you mean");
}

static void test_start_fails_for_a_value_out_of_range(void **state)
{
    static const char *const settings[] = {
        "server.tick_rate=0", "server.tick_rate=-1", "server.tick_rate=nan",
        "demo.entities=-5",   "demo.entities=many",  "log.level=loud"};
    fixture_t *fixture = *state;

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char name[32];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(settings[i], "="),
                 settings[i]);
        assert_int_equal(RUN(fixture, FREE_PORTS, "--set", settings[i]), 1);
        expect_one_line(fixture, name);
    }
}

static void test_start_names_file_and_line_of_a_bad_setting(void **state)
{
    fixture_t *fixture = *state;

    write_file(fixture, "bad.ini", "[demo]\nentities = 3\n[websocket]\nbacklog = 0\n");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--config", "bad.ini"), 1);
    expect_one_line(fixture, "bad.ini:4: ");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--config", "missing.ini"), 1);
    expect_one_line(fixture, "missing.ini");
}

static void test_start_exits_with_2_for_a_usage_error(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, "--bogus"), 2);
    expect_one_line(fixture, "--bogus");
    assert_int_equal(RUN(fixture, "--set"), 2);
    expect_one_line(fixture, "--set");
    assert_int_equal(RUN(fixture, "--set", "no equals sign"), 2);
    expect_one_line(fixture, "section.key=value");
    assert_int_equal(RUN(fixture, "stray"), 2);
    expect_one_line(fixture, "stray");
}

static void test_start_help_names_the_options_and_every_plugins_settings(void **state)
{
    static const char *const words[] = {
        "--config",         "--set",          "--check-config",      "--version",
        "websocket.listen", "chat.max_rooms", "snapshot.interval_s", "demo.entities",
        "admin.listen",     "log.format",     "server.tick_rate"};
    fixture_t *fixture = *state;
    char path[128];

    assert_int_equal(RUN(fixture, "--help"), 0);
    assert_string_equal(fixture->server.process.errors.text, "");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(fixture->server.process.output.text, words[i]) == NULL) {
            fail_msg("--help does not say %s", words[i]);
        }
    }
    server_path(&fixture->server, "reef.db", path, sizeof(path));
    assert_int_not_equal(access(path, F_OK), 0); /* asking has made nothing */
}

static void test_start_version_is_one_line(void **state)
{
    fixture_t *fixture = *state;
    const char *text = fixture->server.process.output.text;

    assert_int_equal(RUN(fixture, "--version"), 0);
    assert_string_equal(fixture->server.process.errors.text, "");
    assert_int_equal(strncmp(text, "reef ", 5), 0);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_start_check_config_accepts_or_names_what_is_wrong(void **state)
{
    fixture_t *fixture = *state;
    char path[128];

    write_file(fixture, "good.ini", "[demo]\nentities = 3\n");
    assert_int_equal(RUN(fixture, "--config", "good.ini", "--check-config"), 0);
    assert_string_equal(fixture->server.process.errors.text, "");
    write_file(fixture, "bad.ini", "[demo]\nentitise = 3\n");
    assert_int_equal(RUN(fixture, "--check-config", "--config", "bad.ini"), 1);
    expect_one_line(fixture, "did you mean");
    server_path(&fixture->server, "reef.db", path, sizeof(path));
    assert_int_not_equal(access(path, F_OK), 0);
}

/* The database that is made shows which of the three sources counted. */
static void expect_source(fixture_t *fixture, const char *assignment, const char *made)
{
    static const char *const environment[] = {
        "REEF_SNAPSHOT_PATH=environment.db", "REEF_WEBSOCKET_LISTEN=127.0.0.1:0", NULL};
    const char *words[] = {"--config", "reef.ini", assignment ? "--set" : NULL,
                           assignment, NULL};
    const char *arguments[8] = {REEFD};
    process_t *process = &fixture->server.process;
    char rest[64];
    char path[128];

    memcpy(arguments + 1, words, sizeof(words));
    process_start(process, &(process_desc_t){.arguments = arguments,
                                             .environment = environment,
                                             .directory = fixture->server.directory});
    process_await(process, "msg=listening transport=admin", rest, sizeof(rest));
    server_path(&fixture->server, made, path, sizeof(path));
    assert_int_equal(access(path, F_OK), 0);
    process_kill(process);
}

static void test_start_prefers_set_to_environment_to_file(void **state)
{
    fixture_t *fixture = *state;

    write_file(fixture, "reef.ini",
               "[admin]\nlisten = 127.0.0.1:0\n"
               "[snapshot]\npath = file.db\n"
               "[websocket]\nlisten = 127.0.0.1:80800\n"); /* never looked at */
    expect_source(fixture, NULL, "environment.db");
    expect_source(fixture, "snapshot.path=assigned.db", "assigned.db");
}

static void test_start_check_config_names_an_unknown_section(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, "--check-config", "--set", "chatt.max_rooms=3"), 1);
    expect_one_line(fixture, "chatt");
}

static void test_start_help_is_given_whatever_the_settings_are(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, "--config", "missing.ini", "--help"), 0);
    assert_int_equal(RUN(fixture, "--set", "server.tick_rate=0", "--version"), 0);
}

static void test_start_fails_for_more_addresses_than_there_is_room_for(void **state)
{
    fixture_t *fixture = *state;
    char setting[512] = "websocket.listen=127.0.0.1:0";
    size_t used = strlen(setting);

    for (int i = 1; i < 17; i++) {
        used +=
            (size_t)snprintf(setting + used, sizeof(setting) - used, ",127.0.0.1:0");
    }
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", setting), 1);
    expect_one_line(fixture, "websocket.listen: at most 16 addresses");
}

/* Start @p command with reefd's path and settings behind it. */
static void start_by_shell(fixture_t *fixture, const char *command)
{
    const char *const arguments[] = {"/bin/sh", "-c", command, REEFD, FREE_PORTS, NULL};

    process_start(&fixture->server.process,
                  &(process_desc_t){.arguments = arguments,
                                    .directory = fixture->server.directory});
}

static void test_start_leaves_descriptors_to_others_than_clients(void **state)
{
    fixture_t *fixture = *state;
    char rest[128];

    start_by_shell(fixture, "ulimit -n 100; exec \"$0\" \"$@\"");
    process_await(&fixture->server.process, "max_sessions lowered", rest, sizeof(rest));
    assert_non_null(strstr(rest, " max_sessions=36 open_files=100"));
    process_await(&fixture->server.process, "msg=listening transport=admin", rest,
                  sizeof(rest));
    server_stop(&fixture->server);
}

static void test_start_leaves_descriptors_to_loops(void **state)
{
    fixture_t *fixture = *state;
    char rest[128];

    start_by_shell(fixture,
                   "ulimit -n 200; exec \"$0\" \"$@\" --set server.io_threads=8");
    process_await(&fixture->server.process, "max_sessions lowered", rest, sizeof(rest));
    assert_non_null(strstr(rest, " max_sessions=72 open_files=200"));
    process_await(&fixture->server.process, "msg=listening transport=admin", rest,
                  sizeof(rest));
    server_stop(&fixture->server);
}

static void test_start_can_be_stopped_in_good_order_as_soon_as_it_listens(void **state)
{
    fixture_t *fixture = *state;
    char rest[128];

    start_by_shell(fixture, "exec \"$0\" \"$@\"");
    process_await(&fixture->server.process, "msg=listening", rest, sizeof(rest));
    server_stop(&fixture->server);
}

/* Plugins ---------------------------------------------------------------------- */

static void test_start_fails_for_an_unknown_plugin_and_suggests_one(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(
        RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=snapshot, chatt"), 1);
    expect_one_line(fixture, "plugins.enabled: there is no plugin 'chatt'");
    expect_one_line(fixture, "did you mean 'chat'?");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=whatever"), 1);
    expect_one_line(fixture, "there is no plugin 'whatever'");
}

static void test_start_fails_for_plugins_that_do_not_go_together(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=chat_rooms"),
                     1);
    expect_one_line(fixture, "plugin chat_rooms: needs plugin chat_core");
    assert_int_equal(
        RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=chat,chat_core"), 1);
    expect_one_line(fixture,
                    "plugin chat_core: the prefix '/nick' belongs to plugin chat");
}

static void test_start_fails_for_a_list_of_plugins_that_says_nothing(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=none, chat"),
                     1);
    expect_one_line(fixture, "plugins.enabled: 'none' is not listed with others");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled= , "), 1);
    expect_one_line(fixture, "names no plugin; for no plugins it is 'none'");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=,chat,,chat ,",
                         "--check-config"),
                     0);
}

static void test_start_checks_settings_of_plugins_that_do_not_run(void **state)
{
    fixture_t *fixture = *state;

    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=none", "--set",
                         "chat.max_rooms=0"),
                     1);
    expect_one_line(fixture, "chat.max_rooms: 0 is out of range");
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=none", "--set",
                         "chat.max_rooms=5", "--check-config"),
                     0);
    assert_int_equal(RUN(fixture, FREE_PORTS, "--set", "plugins.enabled=none", "--set",
                         "chat.max_roomz=5"),
                     1);
    expect_one_line(fixture, "did you mean chat.max_rooms?");
}

static void test_start_without_plugins_answers_nothing(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, "plugins.enabled=none");
    ws_client_open(client, fixture->server.port);
    ws_client_say(client, "/join a");
    ws_client_say(client, "hello");
    while (admin_metric(&fixture->server, "reef_messages_received_total") < 2) {
    }
    for (int i = 0; i < 2; i++) { /* two frames: whatever answers has done so */
        (void)admin_total(&fixture->server, "/api/v1/clients");
    }
    ws_client_expect_silence(client);
}

static void test_start_runs_the_plugins_that_are_enabled(void **state)
{
    fixture_t *fixture = *state;
    ws_client_t *client = &fixture->clients[0];

    SERVER_START(&fixture->server, REEFD, "plugins.enabled= chat ,demo");
    ws_client_open(client, fixture->server.port);
    ws_client_say(client, "/status away");
    ws_client_expect_text(client, "[Error] Unknown command: /status");
    ws_client_say(client, "/lobby list");
    ws_client_expect_text(client, "[Error] Unknown command: /lobby");
    ws_client_say(client, "/join a");
    ws_client_expect_text(client, "[System] Joined room: a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start_fails_when_the_websocket_port_is_in_use),
        TEST(test_start_fails_when_the_admin_port_is_in_use),
        TEST(test_start_fails_when_the_http_port_is_in_use),
        TEST(test_start_fails_for_a_bad_address),
        TEST(test_start_fails_when_the_database_is_a_directory),
        TEST(test_start_fails_when_the_file_is_no_database),
        TEST(test_start_fails_when_the_database_is_newer_than_the_program),
        TEST(test_start_fails_for_an_unknown_setting_and_suggests_one),
        TEST(test_start_fails_for_a_value_out_of_range),
        TEST(test_start_names_file_and_line_of_a_bad_setting),
        TEST(test_start_exits_with_2_for_a_usage_error),
        TEST(test_start_help_names_the_options_and_every_plugins_settings),
        TEST(test_start_version_is_one_line),
        TEST(test_start_check_config_accepts_or_names_what_is_wrong),
        TEST(test_start_prefers_set_to_environment_to_file),
        TEST(test_start_check_config_names_an_unknown_section),
        TEST(test_start_help_is_given_whatever_the_settings_are),
        TEST(test_start_fails_for_more_addresses_than_there_is_room_for),
        TEST(test_start_leaves_descriptors_to_others_than_clients),
        TEST(test_start_leaves_descriptors_to_loops),
        TEST(test_start_can_be_stopped_in_good_order_as_soon_as_it_listens),
        TEST(test_start_fails_for_an_unknown_plugin_and_suggests_one),
        TEST(test_start_fails_for_plugins_that_do_not_go_together),
        TEST(test_start_fails_for_a_list_of_plugins_that_says_nothing),
        TEST(test_start_checks_settings_of_plugins_that_do_not_run),
        TEST(test_start_without_plugins_answers_nothing),
        TEST(test_start_runs_the_plugins_that_are_enabled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
