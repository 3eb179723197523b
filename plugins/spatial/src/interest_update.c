/*
 * Each body has the list of those that it sees.  Of one that moved, the list is looked
 * through first: who is too far now has left.  Then the grid is searched within the
 * enter radius: who is not in the list has come.
 *
 * In most updates nobody comes or goes, so both begin with counting, in loops without a
 * branch; lists are changed only where the counts say so.
 *
 * Both ends of a pair must agree.  A body that moved works on its own list alone, and
 * on those of bodies that stayed; another that moved comes to the same result on its
 * own turn, as all positions are final before and the distance is the same both ways.
 */
#include "interest_parts.h"

#include <reef/attrs.h>

#include <string.h>

enum {
    FETCH_AHEAD = 3,
    FETCH_SEEN = 128, /* elements of a list, 16 to a cache line */
};

/* What looking at those that a mover sees gave. */
typedef struct outcome {
    uint32_t left;      /* are too far now */
    reef__tally_t near; /* within the enter radius */
    uint32_t idle;      /* did not move themselves */
} outcome_t;

/* Where a mover is and how far it sees, in squares. */
typedef struct reach {
    reef__point_t center;
    float enter, leave;
    uint32_t now;
} reach_t;

/* The same in the plane, when everybody moved: less to read.  Wider vectors do not make
 * it faster, as they are filled one by one. */
static void look_in_plane(const reef__body_t *bodies,
                          const uint32_t *seen,
                          uint32_t count,
                          const reach_t *reach,
                          outcome_t *outcome)
{
    uint32_t left = 0, near = 0, near_sum = 0;

    for (uint32_t i = 0; i < count; i++) {
        const reef__body_t *other = &bodies[seen[i]];
        float du = reach->center.u - other->at.u, dv = reach->center.v - other->at.v;
        float distance = du * du + dv * dv;

        left += distance > reach->leave;
        near += distance <= reach->enter;
        near_sum += distance <= reach->enter ? seen[i] : 0;
    }
    outcome->left = left;
    outcome->near.count = near;
    outcome->near.sum = near_sum;
    outcome->idle = 0;
}

/* What became of those that a mover sees. */
REEF_TARGET_CLONES static void look(const reef__body_t *bodies,
                                    const uint32_t *seen,
                                    uint32_t count,
                                    const reach_t *reach,
                                    outcome_t *outcome)
{
    uint32_t left = 0, near = 0, near_sum = 0, idle = 0;

    for (uint32_t i = 0; i < count; i++) {
        const reef__body_t *other = &bodies[seen[i]];
        float distance = reef__distance_squared(reach->center, other->at);

        left += distance > reach->leave;
        near += distance <= reach->enter;
        near_sum += distance <= reach->enter ? seen[i] : 0;
        idle += other->moved != reach->now;
    }
    outcome->left = left;
    outcome->near.count = near;
    outcome->near.sum = near_sum;
    outcome->idle = idle;
}

/* Take those out of a mover's list whom it sees no longer. */
static void part(reef__interest_t *interest, uint32_t mover, const reach_t *reach)
{
    reef__sight_t *sight = &interest->sights[mover];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < sight->count; i++) {
        uint32_t other = sight->seen[i];
        const reef__body_t *body = &interest->bodies[other];

        if (reef__distance_squared(reach->center, body->at) <= reach->leave) {
            if (sight->record != NULL) {
                sight->record[kept] = sight->record[i];
            }
            sight->seen[kept++] = other;
            continue;
        }
        interest->pairs--;
        interest->hooks->left(interest->context, mover, other,
                              sight->record == NULL ||
                                  sight->record[i] != REEF__NEVER_TOLD);
        if (body->moved != interest->now) {
            reef__interest_lose(interest, other, mover);
        }
    }
    sight->count = kept;
}

/* Somebody has come near a mover. */
static void meet(reef__interest_t *interest, uint32_t mover, uint32_t other)
{
    reef__interest_see(interest, mover, other);
    if (interest->bodies[other].moved != interest->now) {
        reef__interest_see(interest, other, mover);
        reef__interest_make_due(interest, other, mover | REEF__DUE_IS_NEW);
    }
}

/* Several have come: all hits but those that are seen already. */
static void find_new(reef__interest_t *interest, uint32_t mover, uint32_t *hits)
{
    const reef__sight_t *sight = &interest->sights[mover];
    uint16_t stamp = reef__interest_next_stamp(interest);
    uint32_t count;

    interest->marks[mover] = stamp;
    for (uint32_t i = 0; i < sight->count; i++) {
        interest->marks[sight->seen[i]] = stamp;
    }
    count = reef__grid_find(&interest->grid, interest->bodies[mover].at,
                            interest->enter, hits);
    for (uint32_t i = 0; i < count; i++) {
        if (interest->marks[hits[i]] != stamp) {
            meet(interest, mover, hits[i]);
        }
    }
}

/* Who is within the enter radius and was not seen before.  @p near are those that were
 * and still are.  Mostly nobody has come, which their number tells, or one, who is then
 * what is missing in the sum of their slots. */
static void look_for_new(reef__interest_t *interest,
                         uint32_t mover,
                         const reef__tally_t *near,
                         uint32_t *hits)
{
    reef__tally_t all;
    uint32_t came;

    reef__grid_count(&interest->grid, interest->bodies[mover].at, interest->enter,
                     &all);
    came = all.count - near->count - 1; /* it finds itself */
    if (came == 1) {
        meet(interest, mover, all.sum - near->sum - mover);
    } else if (came > 1) {
        find_new(interest, mover, hits);
    }
}

/* Tell those who stayed of the mover.  What the mover is to be told of are the others
 * of the first @p known that it sees, and all behind them, which came. */
static reef__due_t sort_seen(reef__interest_t *interest,
                             const reef__sight_t *sight,
                             uint32_t known,
                             uint32_t mover,
                             reef__scratch_t scratch)
{
    uint32_t due = 0, stayed = 0, came = sight->count - known;

    for (uint32_t i = 0; i < known; i++) {
        uint32_t other = sight->seen[i];
        uint32_t moved = interest->bodies[other].moved == interest->now;

        scratch.due[due] = other;
        due += moved;
        scratch.stayed[stayed] = other;
        stayed += moved ^ 1;
    }
    for (uint32_t i = 0; i < stayed; i++) {
        reef__interest_make_due(interest, scratch.stayed[i], mover);
    }
    if (came > 0) {
        memcpy(scratch.due + due, sight->seen + known, came * sizeof(*scratch.due));
    }
    return (reef__due_t){.slots = scratch.due, .count = due + came, .known = due};
}

static void update_mover(reef__interest_t *interest,
                         uint32_t mover,
                         uint32_t next,
                         reef__scratch_t scratch)
{
    reef__sight_t *sight = &interest->sights[mover];
    reach_t reach = {
        .center = interest->bodies[mover].at,
        .enter = interest->enter * interest->enter,
        .leave = interest->leave * interest->leave,
        .now = interest->now,
    };
    outcome_t outcome;
    reef__due_t due;

    (interest->all_moved && !interest->grid.is_deep ? look_in_plane : look)(
        interest->bodies, sight->seen, sight->count, &reach, &outcome);
    if (outcome.left > 0) {
        part(interest, mover, &reach);
        reef__interest_trim(interest, sight);
    }
    due.known = sight->count;
    look_for_new(interest, mover, &outcome.near, scratch.hits);
    if (outcome.idle > 0) {
        due = sort_seen(interest, sight, due.known, mover, scratch);
    } else { /* everybody moved: all is due */
        due.slots = sight->seen;
        due.count = sight->count;
    }
    if (sight->is_receiver) {
        due.next = next;
        interest->hooks->deliver(interest->context, mover, &due);
    }
}

/* Hand a receiver that stayed what is due to it, what it knows first. */
static void deliver_due(reef__interest_t *interest, uint32_t receiver)
{
    uint32_t *slots = interest->sights[receiver].due.items;
    uint32_t count = (uint32_t)interest->sights[receiver].due.count;
    uint32_t known = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = slots[i];

        if ((entry & REEF__DUE_IS_NEW) == 0) {
            slots[i] = slots[known];
            slots[known++] = entry;
        }
    }
    for (uint32_t i = known; i < count; i++) {
        slots[i] &= ~REEF__DUE_IS_NEW;
    }
    interest->hooks->deliver(
        interest->context, receiver,
        &(reef__due_t){
            .slots = slots, .count = count, .known = known, .next = receiver});
    interest->sights[receiver].due.count = 0;
}

/* When enough moved to pay for it, pack the grid and take them cell by cell: neighbours
 * look at the same memory. */
static void sort_movers(reef__interest_t *interest)
{
    reef__grid_t *grid = &interest->grid;
    const uint32_t *slots;
    uint32_t *movers = interest->movers.items;
    size_t count = 0;

    interest->all_moved = false;
    if (interest->movers.count * interest->pack_factor < reef__grid_buckets(grid)) {
        return;
    }
    reef__grid_pack(grid);
    slots = grid->packed.slots;
    for (size_t i = 0; i < grid->count; i++) { /* no more of them than before */
        uint32_t slot = slots[i];

        if (interest->bodies[slot].moved == interest->now) {
            movers[count++] = slot;
        }
    }
    interest->movers.count = count;
    interest->all_moved = count == grid->count;
}

/* The lists of bodies lie anywhere: have the next ones come near in time. */
static void fetch_ahead(const reef__interest_t *interest, size_t i)
{
    const uint32_t *movers = interest->movers.items;

    if (i + 2 * (size_t)FETCH_AHEAD < interest->movers.count) {
        const reef__sight_t *later =
            &interest->sights[movers[i + 2 * (size_t)FETCH_AHEAD]];
        const reef__sight_t *sight = &interest->sights[movers[i + (size_t)FETCH_AHEAD]];
        uint32_t count = sight->count < FETCH_SEEN ? sight->count : FETCH_SEEN;

        REEF_PREFETCH(later);
        REEF_PREFETCH((const uint8_t *)(later + 1) - 1);
        for (uint32_t k = 0; k < count; k += 16) {
            REEF_PREFETCH(sight->seen + k);
        }
        REEF_PREFETCH(sight->seen + count);
    }
}

static void update_movers(reef__interest_t *interest)
{
    reef__scratch_t scratch = reef__interest_scratch(interest);
    const uint32_t *movers = interest->movers.items;

    sort_movers(interest);
    for (size_t i = 0; i < interest->movers.count; i++) {
        size_t next = i + 1 < interest->movers.count ? i + 1 : i;

        fetch_ahead(interest, i);
        if (interest->sights[movers[i]].is_here) {
            update_mover(interest, movers[i], movers[next], scratch);
        }
    }
}

void reef__interest_update(reef__interest_t *interest)
{
    update_movers(interest);
    for (size_t i = 0; i < interest->touched.count; i++) {
        deliver_due(interest, interest->touched.items[i]);
    }
    for (size_t i = 0; i < interest->left_slots.count; i++) {
        *REEF_ARRAY_PUSH(interest->alloc, &interest->free_slots) =
            interest->left_slots.items[i];
    }
    interest->movers.count = 0;
    interest->touched.count = 0;
    interest->left_slots.count = 0;
    interest->now += interest->now == UINT32_MAX ? 2 : 1;
}
