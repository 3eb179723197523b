/*
 * All plugins at once in one world, and a crowd that does everything that clients do.
 * After every tick the world must make sense, whatever was said; at the end, when all
 * have gone, nothing of them may be left.  Run under ASan it also tells of leaks.
 */
#include "crowd.h"
#include "loopback.h"
#include "plugin_list.h"
#include "test.h"

#include <reef/list.h>
#include <reef/map.h>
#include <reef/room.h>
#include <reef/session.h>
#include <reef/tcp.h>
#include <reef/udp.h>
#include <reef/websocket.h>

#include <dirent.h>
#include <inttypes.h>

enum {
    TICK_NS = 16666667,
    TICKS = SOAK_SECONDS * 60,
    GOING = 2,
    END_TICKS = 60 * 120, /* in which the last session must time out */
};

typedef struct fixture {
    reef_app_t *app;
    crowd_t *crowd;
    uint64_t now_ns;
    uint64_t seed;
    reef_entity_t going[GOING]; /* despawned in the last ticks */
    uint64_t rows_seen;         /* of lists, so that a test of nothing is seen */
} fixture_t;

static int setup(void **state)
{
    *state = calloc(1, sizeof(fixture_t));
    return *state != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    crowd_destroy(fixture->crowd);
    reef_app_destroy(fixture->app);
    free(fixture);
    return 0;
}

/* Set up ----------------------------------------------------------------------- */

static void add(fixture_t *fixture, const reef_plugin_t *plugin, const void *config)
{
    reef_failure_t failure = {0};

    if (reef_app_add_plugin(fixture->app, plugin, config, &failure) != REEF_OK) {
        fail_msg("%s", failure.text);
    }
}

static uint16_t port_of(fixture_t *fixture, const char *transport)
{
    size_t count;
    const reef_listener_t *listeners = reef_app_listeners(fixture->app, &count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(listeners[i].transport, transport) == 0) {
            return (uint16_t)strtoul(strrchr(listeners[i].address, ':') + 1, NULL, 10);
        }
    }
    fail_msg("nobody listens for %s", transport);
    return 0;
}

static void start(fixture_t *fixture)
{
    static const char *const argv[] = {"test", "--set", "log.level=off"};

    fixture->app = loopback_app_create(3, argv);
    fixture->now_ns = UINT64_C(1000000000);
    for (const reef_plugin_t *const *plugin = all_plugins; *plugin != NULL; plugin++) {
        add(fixture, *plugin, NULL);
    }
    add(fixture, &reef_websocket_plugin,
        &(websocket_config_t){.listen = "127.0.0.1:0"});
    add(fixture, &reef_tcp_plugin,
        &(tcp_config_t){.listen = "127.0.0.1:0", .payload = REEF_TCP_TEXT});
    add(fixture, &reef_udp_plugin,
        &(udp_config_t){.listen = "127.0.0.1:0", .payload = REEF_UDP_TEXT});
    loopback_app_start(fixture->app);
    fixture->crowd = crowd_create(&(crowd_desc_t){
        .count = SOAK_CLIENTS,
        .seed = 42,
        .ws_port = port_of(fixture, "websocket"),
        .tcp_port = port_of(fixture, "tcp"),
        .udp_port = port_of(fixture, "udp"),
    });
    fixture->seed = 7;
}

static void tick(fixture_t *fixture)
{
    fixture->now_ns += TICK_NS;
    loopback_set_time_ns(fixture->now_ns);
    reef_app_step(fixture->app, 1);
}

/* What must always hold -------------------------------------------------------- */

/* Despawned by an operator, a client is let go of in the frame after. */
static bool is_going(const fixture_t *fixture, reef_entity_t entity)
{
    for (size_t i = 0; i < GOING; i++) {
        if (fixture->going[i] == entity) {
            return true;
        }
    }
    return false;
}

/* A member is there; and in one row of a list only. */
static void check_members(fixture_t *fixture,
                          const reef_list_desc_t *list,
                          uint32_t row,
                          reef_map_t *seen)
{
    uint32_t count = 0;
    const reef_entity_t *members = list->members(list->context, row, &count);

    for (uint32_t i = 0; i < count; i++) {
        if (!reef_world_is_alive(reef_app_world(fixture->app), members[i]) &&
            !is_going(fixture, members[i])) {
            fail_msg("list %s, row %u: a ghost among the members", list->name, row);
        }
        if (reef_map_find(seen, REEF_KEY(members[i]), NULL)) {
            fail_msg("list %s, row %u: a member of two rows", list->name, row);
        }
        reef_map_set(seen, REEF_KEY(members[i]), row);
    }
}

static void check_list(fixture_t *fixture, const reef_list_desc_t *list)
{
    uint32_t count = list->count(list->context);
    size_t size = list->row->size;
    uint8_t *row = malloc(size);
    reef_map_t *keys = reef_map_create(reef_alloc_default());
    reef_map_t *members = reef_map_create(reef_alloc_default());

    assert_non_null(row);
    for (uint32_t i = 0; i < count; i++) {
        const reef_field_t *key = &list->row->fields[0];

        memset(row, 0, size);
        list->get(list->context, i, row);
        if (reef_map_find(keys, reef_span(row + key->offset, key->size), NULL)) {
            fail_msg("list %s: two rows of one key", list->name);
        }
        reef_map_set(keys, reef_span(row + key->offset, key->size), i);
        if (list->members != NULL) {
            check_members(fixture, list, i, members);
        }
    }
    fixture->rows_seen += count;
    reef_map_destroy(members);
    reef_map_destroy(keys);
    free(row);
}

static uint32_t check_room(fixture_t *fixture, reef_entity_t room)
{
    reef_world_t *world = reef_app_world(fixture->app);
    const room_channel_t *channel = REEF_FIND(world, room, room_channel);
    uint32_t count = 0;
    const reef_entity_t *members = REEF_SOURCES(world, room, in_room, &count);

    for (uint32_t i = 0; i < count; i++) {
        const room_t *label = REEF_FIND(world, members[i], room);

        assert_non_null(label);
        assert_string_equal(label->value, channel->name);
        /* The one whose connection has just ended is in no group any more. */
        if (reef_group_has(fixture->app, channel->group, members[i]) !=
            (reef_session_slot(fixture->app, members[i]) != REEF_NO_SLOT &&
             reef_session_find(fixture->app,
                               REEF_FIND(world, members[i], client_id)->value) ==
                 members[i])) {
            fail_msg("room %s: relation and group differ", channel->name);
        }
    }
    return count;
}

static void check_world(fixture_t *fixture)
{
    reef_world_t *world = reef_app_world(fixture->app);
    uint32_t in_rooms = 0;
    uint32_t labels = 0;
    uint32_t sessions = 0;

    for (reef_entity_t entity = reef_world_next_entity(world, 0); entity != 0;
         entity = reef_world_next_entity(world, reef_entity_index(entity))) {
        if (REEF_FIND(world, entity, room_channel) != NULL) {
            uint32_t count = check_room(fixture, entity);

            assert_true(count > 0); /* an empty room is removed */
            in_rooms += count;
        }
        labels += REEF_FIND(world, entity, room) != NULL;
        sessions += REEF_FIND(world, entity, session) != NULL;
    }
    assert_int_equal(labels, in_rooms);
    assert_true(sessions >= reef_session_count(fixture->app));
    for (uint32_t i = 0; i < reef_app_list_count(fixture->app); i++) {
        check_list(fixture, reef_app_list(fixture->app, i));
    }
}

/* Operators -------------------------------------------------------------------- */

static uint32_t choose(fixture_t *fixture, uint32_t count)
{
    fixture->seed =
        fixture->seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)((fixture->seed >> 33) % count);
}

static reef_entity_t some_client(fixture_t *fixture)
{
    uint64_t connects = crowd_counts(fixture->crowd).connects;

    return reef_session_next(fixture->app, choose(fixture, (uint32_t)connects + 1));
}

/* What an operator may do through the admin, at any time. */
static void meddle(fixture_t *fixture)
{
    reef_world_t *world = reef_app_world(fixture->app);
    reef_entity_t client = some_client(fixture);
    reef_entity_t room = client != 0 ? REEF_TARGET(world, client, in_room) : 0;

    memmove(fixture->going + 1, fixture->going,
            (GOING - 1) * sizeof(fixture->going[0]));
    fixture->going[0] = 0;

    switch (choose(fixture, 12)) {
    case 0:
        (void)reef_session_close(fixture->app, client, 0, "soak");
        break;
    case 1:
        fixture->going[0] = client;
        reef_world_despawn(world, client);
        break;
    case 2:
        if (room != 0) {
            reef_world_despawn(world, room);
        }
        break;
    case 3:
        reef_world_remove(world, client, reef_world_component(world, &in_room_type));
        break;
    case 4:
        reef_world_remove(world, client, reef_world_component(world, &room_type));
        break;
    case 5:
        reef_world_remove(world, client, reef_world_component(world, &username_type));
        break;
    default:
        break;
    }
}

/* The test --------------------------------------------------------------------- */

static size_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static void expect_empty(fixture_t *fixture, size_t descriptors)
{
    reef_world_t *world = reef_app_world(fixture->app);

    crowd_drop_all(fixture->crowd);
    for (int left = END_TICKS; left > 0 && reef_session_count(fixture->app) > 0;
         left--) {
        tick(fixture);
    }
    tick(fixture);
    assert_int_equal(reef_session_count(fixture->app), 0);
    for (reef_entity_t entity = reef_world_next_entity(world, 0); entity != 0;
         entity = reef_world_next_entity(world, reef_entity_index(entity))) {
        assert_null(REEF_FIND(world, entity, session));
        assert_null(REEF_FIND(world, entity, room_channel));
    }
    for (uint32_t i = 0; i < reef_app_list_count(fixture->app); i++) {
        const reef_list_desc_t *list = reef_app_list(fixture->app, i);

        if (list->count(list->context) != 0) {
            fail_msg("list %s: rows are left when all have gone", list->name);
        }
    }
    assert_int_equal(count_descriptors(), descriptors);
}

static void print_counts(const fixture_t *fixture)
{
    crowd_counts_t counts = crowd_counts(fixture->crowd);

    print_message("%u ticks: %" PRIu64 " connects, %" PRIu64 " messages, %" PRIu64
                  " bytes received, %" PRIu64 " rude ends, %" PRIu64 " rows of lists\n",
                  TICKS, counts.connects, counts.messages, counts.bytes_received,
                  counts.rude_ends, fixture->rows_seen);
}

static void test_soak_all_plugins_hold_their_invariants(void **state)
{
    fixture_t *fixture = *state;
    size_t descriptors;

    start(fixture);
    tick(fixture);
    descriptors = count_descriptors();
    for (uint32_t i = 0; i < TICKS; i++) {
        crowd_step(fixture->crowd);
        meddle(fixture);
        tick(fixture);
        check_world(fixture);
    }
    print_counts(fixture);
    assert_true(crowd_counts(fixture->crowd).messages > TICKS);
    assert_true(fixture->rows_seen > TICKS);
    expect_empty(fixture, descriptors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_soak_all_plugins_hold_their_invariants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
