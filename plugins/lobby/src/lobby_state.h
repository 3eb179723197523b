/**
 * @file lobby_state.h
 * @brief What the parts of the lobby plugin share.
 */
#ifndef REEF_LOBBY_STATE_H
#define REEF_LOBBY_STATE_H

#include <reef/lobby.h>
#include <reef/router.h>

#include "lobby_set.h"

typedef struct reef__lobby_state {
    reef_app_t *app;
    lobby_config_t config;
    reef__lobby_set_t *set;
    reef_buffer_t *listing; /* the answer to /lobby list; NULL = something changed */

    /* Entities of lobbies that have ended or another owner: what the world has to
     * learn of it, which observers may not tell it. */
    struct {
        reef_entity_t *items;
        size_t count, capacity;
    } touched;

    reef_metric_t *created, *refused, *lobbies, *members;
} reef__lobby_state_t;

/** The handler of `/lobby`; its context is the state. */
bool reef__lobby_command(reef_run_t *run,
                         const reef_command_text_t *command,
                         void *context);

/** Make a lobby whose only member is @p owner, who is in none. */
void reef__lobby_found(reef__lobby_state_t *state,
                       reef_entity_t owner,
                       const reef__lobby_t *model);

/** The client id of a member; 0 when it is no client. */
uint64_t reef__lobby_client_id(reef_world_t *world, reef_entity_t member);

/** Bring the entities of lobbies up to what the set says.  From exclusive systems. */
void reef__lobby_settle(reef__lobby_state_t *state);

#endif /* REEF_LOBBY_STATE_H */
