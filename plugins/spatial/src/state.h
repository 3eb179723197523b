/**
 * @file state.h
 * @brief What the files of the plugin share.
 *
 *     move.c       what clients ask for → positions
 *     track.c      positions → bodies of interest.h; ids; events
 *     bundle.c     what a receiver is sent at once
 *     tell.c       what interest.h finds → messages, within limits
 *     encode.c     a body → bytes, once per update and form
 *     occupancy.c  the list for people
 *     spatial.c    settings, systems
 */
#ifndef REEF_SPATIAL_STATE_H
#define REEF_SPATIAL_STATE_H

#include "encode.h"
#include "interest.h"
#include "place.h"

#include <reef/app.h>
#include <reef/components.h>
#include <reef/opcode.h>
#include <reef/query.h>

/** A body's slot in no space. */
#define REEF__NOT_HERE UINT32_MAX

/** What is known of a body, by its slot.  All that an update looks at: one cache line.
 */
typedef struct reef__resident {
    reef_entity_t entity;
    uint64_t id;
    reef__place_t place;

    /* Of receivers. */
    reef__form_t form;
    bool owes_self : 1; /* its own position is to be sent */
    bool is_behind : 1; /* in the list of those with a record */
    bool
        is_listed : 1; /* in the list of those to be visited at the end of the update */
    uint32_t unasked_bytes; /* sent since its queue was looked at */
    uint32_t served; /* number of the update in which it got what fits; encode.h */
    struct {
        uint64_t *items; /* ids whose `gone` is to be sent */
        size_t count, capacity;
    } gone;
} reef__resident_t;

/** A receiver with a record. */
typedef struct reef__laggard {
    uint32_t slot;
    uint32_t turn;   /* updates in a row that it was behind */
    uint32_t cursor; /* into what it sees: where a round stopped */
} reef__laggard_t;

/** How fast a client was lately, by slot of its session. */
typedef struct reef__pace {
    uint64_t client_id; /* whom this is about */
    uint64_t moved_ns;  /* its last accepted move */
    double spare_s;     /* time that this move did not need */
} reef__pace_t;

typedef struct reef__numbers {
    uint32_t *items;
    size_t count, capacity;
} reef__numbers_t;

typedef struct reef__spatial {
    reef_app_t *app;
    const reef_alloc_t *alloc;
    spatial_config_t config;
    reef__interest_t interest;
    reef__encoder_t encoder;
    const reef_opcode_t *update_opcode;
    reef_query_t *changed; /* positions and `spatial` */
    const reef_type_t *position_type;
    reef_component_t position, spatial;

    struct {
        reef__resident_t *items; /* by slot of interest */
        size_t count, capacity;
    } residents;
    reef__numbers_t slots[2]; /* by entity index; of the world and of sessions */
    struct {
        reef__pace_t *items;
        size_t count, capacity;
    } paces;
    struct {
        reef__laggard_t *items;
        size_t count, capacity;
    } behind;
    reef__numbers_t visits; /* those that may have something to send yet */
    struct {
        reef_entity_t *items; /* members of the row that was asked for last */
        size_t count, capacity;
    } members;
    struct {
        struct reef__candidate {
            float distance; /* squared */
            uint32_t index; /* in what the receiver sees */
        } * items;
        size_t count, capacity;
    } candidates; /* scratch of tell.c, as the following */
    struct {
        uint8_t *items;
        size_t count, capacity;
    } bytes, message;

    uint64_t tick;      /* of the last update */
    uint64_t tick_step; /* ticks between two */

    reef_event_queue_t *moved, *zone_changed, *entered, *left, *sends;
    struct {
        uint64_t moves, refused, deferred, items, bytes;
    } counts; /* since the last update */
    struct {
        reef_metric_t *entities, *pairs, *behind, *moves, *refused, *deferred, *items,
            *bytes, *misplaced;
    } metrics;
} reef__spatial_t;

/* track.c ---------------------------------------------------------------------- */

/** Slot of an entity's body, or REEF__NOT_HERE. */
uint32_t reef__track_slot(const reef__spatial_t *spatial, reef_entity_t entity);

/** The cell of a body. */
reef__cell_t reef__track_cell(const reef__spatial_t *spatial, uint32_t slot);

/** An entity is at a place: its body appears there or moves.  @p id is what clients
 *  call it.  False when there is no room for one more. */
bool reef__track_put(reef__spatial_t *spatial,
                     reef_entity_t entity,
                     uint64_t id,
                     reef__place_t place);

/** An entity's body, if it has one, is gone. */
void reef__track_remove(reef__spatial_t *spatial, reef_entity_t entity);

/** Take over what others than clients wrote since the last update. */
void reef__track_changes(reef__spatial_t *spatial);

/** Observe what goes; or no longer. */
void reef__track_observe(reef__spatial_t *spatial, bool on);

void reef__track_finish(reef__spatial_t *spatial);

/** Place of an entity by its component; false when it has none. */
bool reef__track_place(const reef__spatial_t *spatial,
                       reef_entity_t entity,
                       reef__place_t *place);

/* move.c ----------------------------------------------------------------------- */

/** Register the prefix and the opcodes. */
REEF_NODISCARD reef_error_t reef__move_register(reef__spatial_t *spatial,
                                                reef_failure_t *failure);

/* tell.c ----------------------------------------------------------------------- */

extern const reef__interest_hooks_t reef__tell_hooks;

/** Encode those that moved and certainly hear of it, each in its own form, in the order
 *  in which they lie in memory.  Before reef__interest_update(). */
void reef__tell_prepare(reef__spatial_t *spatial);

/** Send what is left to send in this update. */
void reef__tell_rest(reef__spatial_t *spatial);

/** Send a receiver whose body goes the `gone` of all that it saw. */
void reef__tell_farewell(reef__spatial_t *spatial, uint32_t slot);

/** Have a receiver visited at the end of the update. */
void reef__tell_visit(reef__spatial_t *spatial, uint32_t slot);

/* occupancy.c ------------------------------------------------------------------ */

void reef__occupancy_register(reef__spatial_t *spatial);

#endif /* REEF_SPATIAL_STATE_H */
