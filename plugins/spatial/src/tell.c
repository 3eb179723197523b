/*
 * A receiver gets one bundle per update:
 *
 *     gone …  its own position  the others' positions …
 *
 * Usually all of it, in the order of what it sees, copied from the encoder's bytes.
 * When that is more than the limit, or the receiver does not read, it gets a record
 * (interest.h) and is *behind*: in this update and the next ones what its record lacks
 * is sent, the nearest first, until there is nothing.  Every fourth update in a row
 * goes through what it sees in turn instead, so that those far away come to be sent,
 * too, however much is going on near by.  A receiver whose queue is full gets nothing;
 * what it then gets is the newest, as positions are never queued here.
 */
#include "bundle.h"

#include <reef/session.h>

#include <assert.h>

enum {
    ASK_PARTS = 4, /* of max_queue_bytes, after which a queue is looked at again */
    TURNS = 4,     /* every so many updates in a row are fair, not near */
};

/* Receivers that are behind ----------------------------------------------------------
 */

/* Asked only when the receiver was sent so much since that it could be. */
static bool is_blocked(const reef__spatial_t *spatial, reef__resident_t *resident)
{
    if (resident->unasked_bytes < spatial->config.max_queue_bytes / ASK_PARTS) {
        return false;
    }
    if (reef_session_queue_bytes(spatial->app, resident->entity) >
        spatial->config.max_queue_bytes) {
        return true;
    }
    resident->unasked_bytes = 0;
    return false;
}

static void fall_behind(reef__spatial_t *spatial, uint32_t slot, const reef__due_t *due)
{
    reef__resident_t *resident = &spatial->residents.items[slot];

    reef__interest_begin_record(&spatial->interest, slot, due);
    resident->is_behind = true;
    *REEF_ARRAY_PUSH(spatial->alloc, &spatial->behind) =
        (reef__laggard_t){.slot = slot};
}

/* Find what the record lacks. */
static void find_lacking(reef__spatial_t *spatial, uint32_t slot)
{
    const reef__interest_t *interest = &spatial->interest;
    const reef__sight_t *sight = &interest->sights[slot];

    spatial->candidates.count = 0;
    for (uint32_t i = 0; i < sight->count; i++) {
        const reef__body_t *body = &interest->bodies[sight->seen[i]];

        if (sight->record[i] != body->moved) {
            *REEF_ARRAY_PUSH(spatial->alloc,
                             &spatial->candidates) = (struct reef__candidate){
                .distance = reef__distance_squared(interest->bodies[slot].at, body->at),
                .index = i,
            };
        }
    }
}

/* Restore the order of a heap with the nearest on top, from @p at downwards. */
static void sift(struct reef__candidate *heap, size_t count, size_t at)
{
    struct reef__candidate moving = heap[at];
    size_t child;

    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && heap[child + 1].distance < heap[child].distance) {
            child++;
        }
        if (moving.distance <= heap[child].distance) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* Append one of the candidates; false when it does not fit. */
static bool add_candidate(reef__bundle_t *bundle, uint32_t slot, uint32_t index)
{
    const reef__interest_t *interest = &bundle->spatial->interest;
    const reef__sight_t *sight = &interest->sights[slot];

    if (!reef__bundle_add_body(bundle, sight->seen[index])) {
        return false;
    }
    sight->record[index] = interest->bodies[sight->seen[index]].moved;
    return true;
}

/* Returns how many did not fit. */
static size_t add_nearest(reef__bundle_t *bundle, uint32_t slot)
{
    struct reef__candidate *heap = bundle->spatial->candidates.items;
    size_t count = bundle->spatial->candidates.count;

    for (size_t i = count / 2; i > 0; i--) {
        sift(heap, count, i - 1);
    }
    while (count > 0 && add_candidate(bundle, slot, heap[0].index)) {
        heap[0] = heap[--count];
        sift(heap, count, 0);
    }
    return count;
}

/* From where the last round stopped.  Candidates are in the order of their index. */
static size_t add_in_turn(reef__bundle_t *bundle, uint32_t slot, uint32_t *cursor)
{
    const struct reef__candidate *items = bundle->spatial->candidates.items;
    size_t count = bundle->spatial->candidates.count, first = 0;

    while (first < count && items[first].index < *cursor) {
        first++;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t index = items[(first + i) % count].index;

        if (!add_candidate(bundle, slot, index)) {
            *cursor = index;
            return count - i;
        }
    }
    return 0;
}

/* Append what the record lacks, behind all that is more urgent. */
static void add_lacking(reef__bundle_t *bundle, reef__laggard_t *laggard)
{
    reef__spatial_t *spatial = bundle->spatial;
    size_t left;

    find_lacking(spatial, laggard->slot);
    left = ++laggard->turn % TURNS == 0
               ? add_in_turn(bundle, laggard->slot, &laggard->cursor)
               : add_nearest(bundle, laggard->slot);
    spatial->counts.deferred += left;
    if (left == 0) {
        bundle->resident->is_behind = false;
        reef__interest_end_record(&spatial->interest, laggard->slot);
    }
}

/* Append what comes before the others; false when that was not all. */
static bool add_urgent(reef__bundle_t *bundle, uint32_t slot)
{
    reef__resident_t *resident = &bundle->spatial->residents.items[slot];

    if (!reef__bundle_add_gone(bundle, resident) ||
        (resident->owes_self && !reef__bundle_add_body(bundle, slot))) {
        return false;
    }
    resident->owes_self = false;
    return true;
}

/* One update of a receiver with a record. */
static void catch_up(reef__spatial_t *spatial, reef__laggard_t *laggard)
{
    reef__resident_t *resident = &spatial->residents.items[laggard->slot];
    reef__bundle_t bundle;

    if (is_blocked(spatial, resident)) {
        spatial->counts.deferred++;
        return;
    }
    reef__bundle_begin(&bundle, spatial, laggard->slot);
    if (add_urgent(&bundle, laggard->slot)) {
        add_lacking(&bundle, laggard);
    } else {
        spatial->counts.deferred++;
    }
    reef__bundle_send(&bundle);
}

/* Receivers that are not -------------------------------------------------------------
 */

static void tell(reef__spatial_t *spatial, uint32_t slot, const reef__due_t *due)
{
    reef__resident_t *resident = &spatial->residents.items[slot];
    reef__bundle_t bundle;
    size_t size;

    if (is_blocked(spatial, resident)) {
        fall_behind(spatial, slot, due);
        return; /* reef__tell_rest() counts it */
    }
    reef__bundle_begin(&bundle, spatial, slot);
    if (reef__bundle_add_gone(&bundle, resident) && resident->form != REEF__FORM_V1 &&
        due->count > 0 && reef__bundle_send_texts(&bundle, slot, due)) {
        return;
    }
    if (!add_urgent(&bundle, slot)) {
        fall_behind(spatial, slot, due);
        resident->served = spatial->encoder.update;
        reef__bundle_send(&bundle);
        return;
    }
    size = reef__bundle_size_of(&bundle, due);
    if (reef__bundle_size(&bundle) + size > bundle.limit) {
        fall_behind(spatial, slot, due);
        resident->served = spatial->encoder.update;
        add_lacking(&bundle, &spatial->behind.items[spatial->behind.count - 1]);
        reef__bundle_send(&bundle);
        return;
    }
    for (uint32_t i = 0; i < due->count; i++) {
        (void)reef__bundle_add_body(&bundle, due->slots[i]);
    }
    reef__bundle_send(&bundle);
}

static void on_deliver(void *context, uint32_t slot, const reef__due_t *due)
{
    reef__spatial_t *spatial = context;
    reef__resident_t *resident = &spatial->residents.items[slot];

    REEF_PREFETCH(&spatial->residents.items[due->next]);
    REEF_PREFETCH((const uint8_t *)(&spatial->residents.items[due->next] + 1) - 1);
    if (spatial->interest.bodies[slot].moved == spatial->interest.now) {
        resident->owes_self = true;
    }
    if (!resident->is_behind) {
        tell(spatial, slot, due);
    } /* else its turn comes with reef__tell_rest() */
}

/* Who comes and goes ------------------------------------------------------------------
 */

static void on_entered(void *context, uint32_t observer, uint32_t other)
{
    reef__spatial_t *spatial = context;
    const reef__resident_t *who = &spatial->residents.items[observer];
    const reef__resident_t *what = &spatial->residents.items[other];

    (void)reef_event_emit(spatial->entered, &(aoi_entered_t){.observer = who->entity,
                                                             .entity = what->entity,
                                                             .observer_id = who->id,
                                                             .id = what->id});
}

static void on_left(void *context, uint32_t observer, uint32_t other, bool was_told)
{
    reef__spatial_t *spatial = context;
    reef__resident_t *who = &spatial->residents.items[observer];
    const reef__resident_t *what = &spatial->residents.items[other];

    if (spatial->interest.sights[observer].is_receiver && was_told) {
        *REEF_ARRAY_PUSH(spatial->alloc, &who->gone) = what->id;
        reef__tell_visit(spatial, observer);
    }
    (void)reef_event_emit(spatial->left, &(aoi_left_t){.observer = who->entity,
                                                       .entity = what->entity,
                                                       .observer_id = who->id,
                                                       .id = what->id});
}

const reef__interest_hooks_t reef__tell_hooks = {
    .entered = on_entered,
    .left = on_left,
    .deliver = on_deliver,
};

void reef__tell_prepare(reef__spatial_t *spatial)
{
    const reef__interest_t *interest = &spatial->interest;

    for (size_t i = 0; i < interest->movers.count; i++) {
        uint32_t slot = interest->movers.items[i];
        const reef__resident_t *resident = &spatial->residents.items[slot];

        if (interest->sights[slot].is_here && interest->sights[slot].is_receiver) {
            reef__encoder_reserve(&spatial->encoder, resident->form,
                                  interest->slot_count);
            (void)reef__encoder_make(&spatial->encoder, resident->form, slot,
                                     resident->id, resident->place);
        }
    }
}

void reef__tell_visit(reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];

    if (!resident->is_listed) {
        resident->is_listed = true;
        *REEF_ARRAY_PUSH(spatial->alloc, &spatial->visits) = slot;
    }
}

void reef__tell_farewell(reef__spatial_t *spatial, uint32_t slot)
{
    reef__resident_t *resident = &spatial->residents.items[slot];

    if (resident->gone.count == 0 ||
        reef_session_find(spatial->app, resident->id) != resident->entity) {
        return;
    }
    while (resident->gone.count > 0) {
        reef__bundle_t bundle;

        reef__bundle_begin(&bundle, spatial, slot);
        (void)reef__bundle_add_gone(&bundle, resident);
        reef__bundle_send(&bundle);
    }
}

void reef__tell_rest(reef__spatial_t *spatial)
{
    const reef__sight_t *sights = spatial->interest.sights;
    size_t kept = 0;

    for (size_t i = 0; i < spatial->visits.count; i++) {
        uint32_t slot = spatial->visits.items[i];
        reef__resident_t *resident = &spatial->residents.items[slot];

        resident->is_listed = false;
        if (sights[slot].is_here && !resident->is_behind &&
            (resident->gone.count > 0 || resident->owes_self)) {
            tell(spatial, slot, &(reef__due_t){.count = 0});
        }
    }
    spatial->visits.count = 0;
    for (size_t i = 0; i < spatial->behind.count; i++) {
        reef__laggard_t laggard = spatial->behind.items[i];
        const reef__resident_t *resident = &spatial->residents.items[laggard.slot];

        if (sights[laggard.slot].is_here && resident->is_behind &&
            resident->served != spatial->encoder.update) {
            catch_up(spatial, &laggard);
        }
        spatial->behind.items[kept] = laggard;
        kept += sights[laggard.slot].is_here && resident->is_behind;
    }
    spatial->behind.count = kept;
}
