/**
 * @file presence_state.h
 * @brief What the parts of the presence plugin share.
 */
#ifndef REEF_PRESENCE_STATE_H
#define REEF_PRESENCE_STATE_H

#include <reef/app.h>
#include <reef/presence.h>

#include "roster.h"

/** A client that has to be told of the others in a room; 0 = of those in none. */
typedef struct reef__learner {
    reef_entity_t room;
    reef_entity_t entity;
} reef__learner_t;

typedef struct reef__learners {
    reef__learner_t *items;
    size_t count, capacity;
} reef__learners_t;

typedef struct reef__presence_state {
    reef_app_t *app;
    presence_config_t config;
    reef__roster_t *roster;
    struct {
        reef_entity_t *items;
        size_t count, capacity;
    } changed; /* whose places are to be looked at */
    reef__learners_t learners;
    uint64_t round;    /* of telling */
    uint64_t epoch_ms; /* since 1970, when the app's clock was 0 */
    bool is_arriving;  /* `presence` is added because a client has connected */
    reef_metric_t *news, *lines;
} reef__presence_state_t;

/** What a status is called in messages. */
const char *reef__presence_name(reef_presence_status_t status);

/** Milliseconds since 1970, by the app's clock. */
uint64_t reef__presence_now_ms(const reef__presence_state_t *state);

/** The place of a client, or NULL when it is offline, or no client. */
reef__place_t *reef__presence_place(const reef__presence_state_t *state,
                                    reef_entity_t entity);

/** Have a place looked at in the next round; accepts NULL. */
void reef__presence_note(reef__presence_state_t *state, reef__place_t *place);

/** Have a client told of the others in @p room. */
void reef__presence_teach(reef__presence_state_t *state,
                          reef_entity_t entity,
                          reef_entity_t room);

/** Tell at once that a client is offline, and let its place go.  While its room can
 *  still be read. */
void reef__presence_say_offline(reef__presence_state_t *state, reef_entity_t entity);

/** One round: tell all that was noted. */
void reef__presence_tell(reef__presence_state_t *state);

#endif /* REEF_PRESENCE_STATE_H */
