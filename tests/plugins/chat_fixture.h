/**
 * @file chat_fixture.h
 * @brief An app with the chat and three clients in memory, as a cmocka fixture.
 */
#ifndef CHAT_FIXTURE_H
#define CHAT_FIXTURE_H

#include "loopback.h"
#include "test.h"

#include <reef/chat.h>
#include <reef/room.h>
#include <reef/session.h>

#include <stdlib.h>

enum {
    PEERS = 3
};

typedef struct fixture {
    reef_app_t *app;
    reef_world_t *world;
    loopback_peer_t peer[PEERS]; /* clients 1, 2, 3 */
} fixture_t;

/* With @p setting, as of --set. */
static inline fixture_t *chat_start(const char *setting)
{
    const char *const argv[] = {"test", "--set", setting};
    fixture_t *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->app = loopback_app_create(3, argv);
    fixture->world = reef_app_world(fixture->app);
    assert_int_equal(reef_app_add_plugin(fixture->app, &reef_chat_plugin, NULL, NULL),
                     REEF_OK);
    loopback_app_start(fixture->app);
    for (int i = 0; i < PEERS; i++) {
        loopback_connect(fixture->app, &fixture->peer[i]);
    }
    reef_app_step(fixture->app, 0);
    return fixture;
}

static inline int setup(void **state)
{
    *state = chat_start("chat.max_rooms=2");
    return 0;
}

static inline void chat_stop(fixture_t *fixture)
{
    reef_app_destroy(fixture->app);
    free(fixture);
}

static inline int teardown(void **state)
{
    chat_stop(*state);
    return 0;
}

static inline void forget_all(fixture_t *fixture)
{
    for (int i = 0; i < PEERS; i++) {
        loopback_forget(&fixture->peer[i]);
    }
}

/* A frame; what everybody received before is gone. */
static inline void step(fixture_t *fixture)
{
    forget_all(fixture);
    reef_app_step(fixture->app, 1);
}

/* Client `number` says a text, in a frame of its own. */
static inline void say(fixture_t *fixture, int number, const char *text)
{
    forget_all(fixture);
    loopback_say(&fixture->peer[number - 1], text);
    reef_app_step(fixture->app, 0);
}

static inline const char *heard(const fixture_t *fixture, int number)
{
    return fixture->peer[number - 1].received;
}

static inline reef_entity_t client(const fixture_t *fixture, int number)
{
    return reef_session_find(fixture->app, (uint64_t)number);
}

/* What the component says. */
static inline const char *room_of(const fixture_t *fixture, int number)
{
    const room_t *room = REEF_FIND(fixture->world, client(fixture, number), room);

    return room ? room->value : "";
}

/* The entity of the room that a client is in, or 0. */
static inline reef_entity_t place_of(const fixture_t *fixture, int number)
{
    return REEF_TARGET(fixture->world, client(fixture, number), in_room);
}

#define RELATE(fixture, number, room)                                                  \
    REEF_RELATE((fixture)->world, client((fixture), (number)), in_room, (room))
#define REMOVE(fixture, entity, name)                                                  \
    reef_world_remove((fixture)->world, (entity),                                      \
                      reef_world_component((fixture)->world, &name##_type))

#endif /* CHAT_FIXTURE_H */
