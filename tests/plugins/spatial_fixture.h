/**
 * @file spatial_fixture.h
 * @brief An app with the plugin `spatial`, an update per tick, and some clients.
 */
#ifndef SPATIAL_FIXTURE_H
#define SPATIAL_FIXTURE_H

#include "loopback.h"
#include "test.h"

#include <reef/components.h>
#include <reef/list.h>
#include <reef/session.h>
#include <reef/spatial.h>

enum {
    PEERS = 4
};

typedef struct fixture {
    reef_app_t *app;
    loopback_peer_t peer[PEERS]; /* clients 1, 2, 3, 4 */
} fixture_t;

/* Not all tests use all of these. */

/** A fixture with these settings, as "--set", "spatial.mode=3d", …; nobody connected.
 */
REEF_UNUSED static fixture_t *start_with(const char *const *settings, int count)
{
    const char *argv[16] = {"test", "--set", "spatial.rate_hz=1000"};
    fixture_t *f = calloc(1, sizeof(*f));

    for (int i = 0; i < count; i++) {
        argv[3 + i] = settings[i];
    }
    f->app = loopback_app_create(3 + count, argv);
    assert_int_equal(reef_app_add_plugin(f->app, &reef_spatial_plugin, NULL, NULL),
                     REEF_OK);
    return f;
}

/** Start it and connect all peers; they have been greeted. */
REEF_UNUSED static void connect_all(fixture_t *f)
{
    loopback_app_start(f->app);
    for (int i = 0; i < PEERS; i++) {
        loopback_connect(f->app, &f->peer[i]);
        reef_app_step(f->app, 0);
    }
}

REEF_UNUSED static int teardown(void **state)
{
    fixture_t *f = *state;

    reef_app_destroy(f->app);
    free(f);
    return 0;
}

REEF_UNUSED static void forget_all(fixture_t *f)
{
    for (int i = 0; i < PEERS; i++) {
        loopback_forget(&f->peer[i]);
    }
}

/** One update; what everybody received before is gone. */
REEF_UNUSED static void tick(fixture_t *f)
{
    forget_all(f);
    reef_app_step(f->app, 1);
}

/** Client @p number says a text, and there is an update. */
REEF_UNUSED static void say(fixture_t *f, int number, const char *text)
{
    loopback_say(&f->peer[number - 1], text);
    tick(f);
}

REEF_UNUSED static const char *heard(const fixture_t *f, int number)
{
    return f->peer[number - 1].received;
}

/** An entity of the server's at (x, y) in 2d. */
REEF_UNUSED static reef_entity_t spawn_at(fixture_t *f, float x, float y)
{
    reef_world_t *world = reef_app_world(f->app);
    reef_entity_t entity = reef_world_spawn(world, REEF_RANGE_WORLD);

    REEF_ADD(world, entity, position_2d, .x = x, .y = y);
    REEF_ADD(world, entity, spatial, .id = 0);
    return entity;
}

#endif /* SPATIAL_FIXTURE_H */
