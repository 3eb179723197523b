/*
 * Signs of life.  When a peer was heard last is kept where its bytes arrive, by the
 * loop; the world looks when it wants to know, so a read costs one store and no report.
 */
#include "session_table.h"

#include "app.h"

#include <assert.h>

/* The link of a connected client that nobody has given up, or NULL. */
static reef__link_t *connected(const reef_app_t *app, reef_entity_t entity)
{
    uint32_t slot = reef__sessions_slot_of(app->sessions, entity);
    reef__link_t *link =
        slot == REEF__NO_SLOT ? NULL : reef__link_at(app->sessions, slot);

    return link != NULL && link->connection != NULL && !link->close_wanted ? link
                                                                           : NULL;
}

uint64_t reef_session_heard_ns(const reef_app_t *app, reef_entity_t entity)
{
    const reef__link_t *link = connected(app, entity);
    uint64_t heard_ns;

    if (link == NULL) {
        return 0;
    }
    if (link->is_paused) {
        return app->now_ns;
    }
    heard_ns = link->transport->heard_ns != NULL
                   ? link->transport->heard_ns(link->connection)
                   : 0;
    return heard_ns > link->heard_ns ? heard_ns : link->heard_ns;
}

bool reef_session_can_ping(const reef_app_t *app, reef_entity_t entity)
{
    const reef__link_t *link = connected(app, entity);

    return link != NULL && link->transport->ping != NULL;
}

bool reef_session_ping(reef_app_t *app, reef_entity_t entity, reef_buffer_t *payload)
{
    const reef__link_t *link = connected(app, entity);

    assert(payload == NULL || reef_buffer_payload(payload).size <= REEF_MAX_PING);
    if (link == NULL || link->transport->ping == NULL) {
        return false;
    }
    link->transport->ping(link->connection, payload);
    return true;
}

bool reef_session_is_text(const reef_app_t *app, reef_entity_t entity)
{
    const reef__link_t *link = connected(app, entity);

    return link != NULL && link->profile != REEF_PROFILE_BINARY;
}

void reef_session_note_rtt(reef_app_t *app, reef_entity_t entity, int64_t rtt_us)
{
    if (connected(app, entity) != NULL) {
        reef__link_note_rtt(app->sessions,
                            reef__sessions_slot_of(app->sessions, entity), rtt_us);
    }
}

/* The interarrival jitter of RFC 3550, section 6.4.1 and appendix A.8, of round trips
 * instead of transit times.  It begins with the first difference: there are few. */
static int64_t next_jitter(int64_t jitter_16ths, int64_t difference_us)
{
    if (jitter_16ths < 0) {
        return difference_us * 16;
    }
    return jitter_16ths + difference_us - (jitter_16ths + 8) / 16;
}

void reef__link_note_rtt(reef__sessions_t *sessions, uint32_t slot, int64_t rtt_us)
{
    reef__link_t *link = reef__link_at(sessions, slot);
    int64_t difference_us = rtt_us - link->rtt_us;

    if (link->rtt_us >= 0) {
        link->jitter_16ths = next_jitter(
            link->jitter_16ths, difference_us < 0 ? -difference_us : difference_us);
    }
    link->rtt_us = rtt_us;
    reef__link_mark_dirty(sessions, slot);
}
