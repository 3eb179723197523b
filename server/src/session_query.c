/*
 * What plugins may ask about clients, or ask for.  A client is found by its entity
 * through an array of slots, and by its id in a list in order of the ids.
 */
#include "session_table.h"

#include "app.h"

uint32_t reef__sessions_slot_of(const reef__sessions_t *sessions, reef_entity_t entity)
{
    size_t index = reef_entity_index(entity) - (size_t)REEF_SESSION_INDEX_BASE;
    uint32_t slot;

    if (reef_entity_range(entity) != REEF_RANGE_SESSION ||
        index >= sessions->by_entity.count || sessions->by_entity.items[index] == 0) {
        return REEF__NO_SLOT;
    }
    slot = sessions->by_entity.items[index] - 1;
    return reef__link_at(sessions, slot)->entity == entity ? slot : REEF__NO_SLOT;
}

bool reef_session_close_as(reef_app_t *app,
                           reef_entity_t entity,
                           uint16_t code,
                           const char *reason,
                           reef_disconnect_t cause)
{
    uint32_t slot = reef__sessions_slot_of(app->sessions, entity);

    if (slot == REEF__NO_SLOT ||
        reef__link_at(app->sessions, slot)->connection == NULL) {
        return false;
    }
    reef__link_want_close(app->sessions, slot, code ? code : 1008, reason, cause);
    return true;
}

bool reef_session_close(reef_app_t *app,
                        reef_entity_t entity,
                        uint16_t code,
                        const char *reason)
{
    return reef_session_close_as(app, entity, code, reason, REEF_DISCONNECT_KICKED);
}

size_t reef__client_position(const reef__sessions_t *sessions, uint64_t client_id)
{
    size_t low = 0;
    size_t high = sessions->clients.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sessions->clients.items[middle].client_id < client_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The entity of the client in a slot: connected, not being closed, and not despawned
 * since; 0 otherwise. */
static reef_entity_t client_entity(const reef__sessions_t *sessions, uint32_t slot)
{
    const reef__link_t *link;

    if (slot == REEF__NO_SLOT) {
        return 0;
    }
    link = reef__link_at(sessions, slot);
    return link->state == REEF__LINK_OPEN && !link->close_wanted &&
                   reef_world_is_alive(sessions->app->world, link->entity)
               ? link->entity
               : 0;
}

reef_entity_t reef_session_next(const reef_app_t *app, uint64_t client_id)
{
    const reef__sessions_t *sessions = app->sessions;

    if (client_id == UINT64_MAX) {
        return 0;
    }
    for (size_t i = reef__client_position(sessions, client_id + 1);
         i < sessions->clients.count; i++) {
        reef_entity_t entity = client_entity(sessions, sessions->clients.items[i].slot);

        if (entity != 0) {
            return entity;
        }
    }
    return 0;
}

reef_entity_t reef_session_find(const reef_app_t *app, uint64_t client_id)
{
    const reef__sessions_t *sessions = app->sessions;
    size_t position = reef__client_position(sessions, client_id);

    if (position == sessions->clients.count ||
        sessions->clients.items[position].client_id != client_id) {
        return 0;
    }
    return client_entity(sessions, sessions->clients.items[position].slot);
}

uint32_t reef_session_count(const reef_app_t *app)
{
    return app->sessions->open_count;
}

uint64_t reef_session_queue_bytes(const reef_app_t *app, reef_entity_t entity)
{
    uint32_t slot = reef__sessions_slot_of(app->sessions, entity);
    const reef__link_t *link =
        slot == REEF__NO_SLOT ? NULL : reef__link_at(app->sessions, slot);

    return link != NULL && link->connection != NULL
               ? link->transport->queue_bytes(link->connection)
               : 0;
}

reef_framing_t reef_session_framing(const reef_app_t *app, reef_entity_t client)
{
    uint32_t slot = reef__sessions_slot_of(app->sessions, client);

    return slot == REEF__NO_SLOT ? (reef_framing_t)REEF_FRAMING_PARTS
                                 : reef__link_at(app->sessions, slot)->framing;
}

reef_profile_t reef_session_profile(const reef_app_t *app, reef_entity_t entity)
{
    uint32_t slot = reef__sessions_slot_of(app->sessions, entity);

    return slot == REEF__NO_SLOT
               ? REEF_PROFILE_TEXT
               : (reef_profile_t)reef__link_at(app->sessions, slot)->profile;
}

uint32_t reef_session_slot(const reef_app_t *app, reef_entity_t entity)
{
    return reef__sessions_slot_of(app->sessions, entity);
}
