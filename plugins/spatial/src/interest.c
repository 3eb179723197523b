/*
 * Each body has the list of those that it sees.  Of one that moved, the list is walked
 * first: who is too far now has left, all others are marked.  Then the grid is searched
 * within the enter radius: who is not marked has come.
 *
 * Both ends of a pair must agree.  A body that moved works on its own list alone, and
 * on those of bodies that stayed; another that moved comes to the same result on its
 * own turn, as all positions are final before and the distance is the same both ways.
 *
 * The loops over the list and over hits write everything and let a count move on or
 * not: which way it goes is as good as random, so a branch would be mispredicted.
 */
#include "interest.h"

#include <reef/attrs.h>

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    FIRST_SLOTS = 64,
    FIRST_SEEN = 8,
    SCRATCH_ARRAYS = 3,
    SEARCH_BLOCK = 16,
    BUCKETS_PER_MOVER = 4, /* so many may be visited to find one */
    FETCH_AHEAD = 3,
    FETCH_SEEN = 128, /* elements of a list, 16 to a cache line */
};

/* Beside a slot that is due to one that stayed: came now. */
#define IS_NEW (UINT32_C(1) << 31)

/* The scratch arrays. */
typedef struct scratch {
    uint32_t *hits, *due, *stayed;
} scratch_t;

/* What looking at those that a mover sees gave. */
typedef struct outcome {
    uint32_t left; /* are too far now */
    uint32_t near; /* within the enter radius */
    uint32_t idle; /* did not move themselves */
} outcome_t;

/* Where a mover is and how far it sees, in squares. */
typedef struct reach {
    reef__point_t center;
    float enter, leave;
    uint32_t now;
} reach_t;

static scratch_t scratch_of(const reef__interest_t *interest)
{
    size_t length = (size_t)interest->slot_capacity + REEF__GRID_HITS_SLACK;
    uint32_t *at = interest->scratch;

    return (scratch_t){
        .hits = at,
        .due = at + length,
        .stayed = at + 2 * length,
    };
}

static size_t scratch_size(uint32_t slot_capacity)
{
    return slot_capacity > 0 ? ((size_t)slot_capacity + REEF__GRID_HITS_SLACK) *
                                   SCRATCH_ARRAYS * sizeof(uint32_t)
                             : 0;
}

void reef__interest_init(reef__interest_t *interest, const reef__interest_desc_t *desc)
{
    assert(desc->enter > 0 && desc->leave >= desc->enter);
    *interest = (reef__interest_t){
        .alloc = desc->alloc,
        .hooks = desc->hooks,
        .context = desc->context,
        .enter = (float)desc->enter,
        .leave = (float)desc->leave,
        .now = 1,
    };
    reef__grid_init(&interest->grid, &(reef__grid_desc_t){
                                         .alloc = desc->alloc,
                                         .cell_size = desc->cell_size,
                                         .is_deep = desc->is_deep,
                                     });
}

/* Memory ----------------------------------------------------------------------- */

static void resize_slots(reef__interest_t *interest, uint32_t capacity)
{
    const reef_alloc_t *alloc = interest->alloc;
    uint32_t old = interest->slot_capacity;

    interest->bodies =
        reef_resize(alloc, interest->bodies, old * sizeof(*interest->bodies),
                    capacity * sizeof(*interest->bodies));
    interest->sights =
        reef_resize(alloc, interest->sights, old * sizeof(*interest->sights),
                    capacity * sizeof(*interest->sights));
    interest->marks =
        reef_resize(alloc, interest->marks, old * sizeof(*interest->marks),
                    capacity * sizeof(*interest->marks));
    interest->scratch = reef_resize(alloc, interest->scratch, scratch_size(old),
                                    scratch_size(capacity));
    interest->slot_capacity = capacity;
}

static void
resize_seen(const reef__interest_t *interest, reef__sight_t *sight, uint32_t capacity)
{
    sight->seen =
        reef_resize(interest->alloc, sight->seen, sight->capacity * sizeof(uint32_t),
                    capacity * sizeof(uint32_t));
    if (sight->record != NULL) {
        sight->record = reef_resize(interest->alloc, sight->record,
                                    sight->capacity * sizeof(uint32_t),
                                    capacity * sizeof(uint32_t));
    }
    sight->capacity = capacity;
}

static void clear_sight(reef__interest_t *interest, reef__sight_t *sight)
{
    interest->pairs -= sight->count;
    resize_seen(interest, sight, 0);
    REEF_ARRAY_FINISH(interest->alloc, &sight->due);
    *sight = (reef__sight_t){0};
}

/* Memory for a crowd that is gone is given back. */
static void trim_seen(const reef__interest_t *interest, reef__sight_t *sight)
{
    if (sight->capacity > FIRST_SEEN * 8 && sight->count < sight->capacity / 8) {
        resize_seen(interest, sight, sight->capacity / 4);
    }
}

void reef__interest_finish(reef__interest_t *interest)
{
    for (uint32_t i = 0; i < interest->slot_count; i++) {
        clear_sight(interest, &interest->sights[i]);
    }
    resize_slots(interest, 0);
    reef__grid_finish(&interest->grid);
    REEF_ARRAY_FINISH(interest->alloc, &interest->movers);
    REEF_ARRAY_FINISH(interest->alloc, &interest->touched);
    REEF_ARRAY_FINISH(interest->alloc, &interest->left_slots);
    REEF_ARRAY_FINISH(interest->alloc, &interest->free_slots);
}

static uint32_t take_slot(reef__interest_t *interest)
{
    if (interest->free_slots.count > 0) {
        return interest->free_slots.items[--interest->free_slots.count];
    }
    if (interest->slot_count == interest->slot_capacity) {
        resize_slots(interest, interest->slot_capacity > 0 ? interest->slot_capacity * 2
                                                           : FIRST_SLOTS);
    }
    interest->marks[interest->slot_count] = 0;
    return interest->slot_count++;
}

/* Lists ------------------------------------------------------------------------ */

static void see(reef__interest_t *interest, uint32_t observer, uint32_t other)
{
    reef__sight_t *sight = &interest->sights[observer];

    if (sight->count == sight->capacity) {
        resize_seen(interest, sight,
                    sight->capacity > 0 ? sight->capacity * 2 : FIRST_SEEN);
    }
    sight->seen[sight->count] = other;
    if (sight->record != NULL) {
        sight->record[sight->count] = REEF__NEVER_TOLD;
    }
    sight->count++;
    interest->pairs++;
    interest->hooks->entered(interest->context, observer, other);
}

static uint32_t position_of(const reef__sight_t *sight, uint32_t slot)
{
    uint32_t i = 0;

    for (; i + SEARCH_BLOCK <= sight->count; i += SEARCH_BLOCK) {
        uint32_t found = 0;

        for (uint32_t k = 0; k < SEARCH_BLOCK; k++) {
            found |= sight->seen[i + k] == slot;
        }
        if (found) {
            break;
        }
    }
    while (i < sight->count && sight->seen[i] != slot) {
        i++;
    }
    assert(i < sight->count && "pairs are symmetric");
    return i;
}

/* A body that stayed sees another no longer. */
static void lose(reef__interest_t *interest, uint32_t observer, uint32_t other)
{
    reef__sight_t *sight = &interest->sights[observer];
    uint32_t i = position_of(sight, other);
    uint32_t last = --sight->count;
    bool was_told = true;

    sight->seen[i] = sight->seen[last];
    if (sight->record != NULL) {
        was_told = sight->record[i] != REEF__NEVER_TOLD;
        sight->record[i] = sight->record[last];
    }
    interest->pairs--;
    trim_seen(interest, sight);
    interest->hooks->left(interest->context, observer, other, was_told);
}

/* A body that stayed is to be told of another. */
static void make_due(reef__interest_t *interest, uint32_t receiver, uint32_t entry)
{
    reef__sight_t *sight = &interest->sights[receiver];

    if (!sight->is_receiver || sight->record != NULL) {
        return; /* with a record all that it sees is looked at anyway */
    }
    if (sight->due.count == 0) {
        *REEF_ARRAY_PUSH(interest->alloc, &interest->touched) = receiver;
    }
    *REEF_ARRAY_PUSH(interest->alloc, &sight->due) = entry;
}

/* Bodies ----------------------------------------------------------------------- */

uint32_t
reef__interest_add(reef__interest_t *interest, reef__point_t at, bool is_receiver)
{
    uint32_t slot = take_slot(interest);

    interest->bodies[slot] = (reef__body_t){.at = at, .moved = interest->now};
    interest->sights[slot] =
        (reef__sight_t){.is_here = true, .is_receiver = is_receiver};
    reef__grid_insert(&interest->grid, slot, at);
    *REEF_ARRAY_PUSH(interest->alloc, &interest->movers) = slot;
    interest->count++;
    return slot;
}

void reef__interest_move(reef__interest_t *interest,
                         uint32_t slot,
                         reef__point_t at,
                         reef__cell_t cell)
{
    reef__body_t *body = &interest->bodies[slot];

    assert(interest->sights[slot].is_here);
    reef__grid_move(&interest->grid, slot, at, cell);
    body->at = at;
    if (body->moved != interest->now) {
        body->moved = interest->now;
        *REEF_ARRAY_PUSH(interest->alloc, &interest->movers) = slot;
    }
}

void reef__interest_remove(reef__interest_t *interest, uint32_t slot)
{
    reef__sight_t *sight = &interest->sights[slot];

    assert(sight->is_here);
    for (uint32_t i = 0; i < sight->count; i++) {
        lose(interest, sight->seen[i], slot);
        if (sight->is_receiver) {
            interest->hooks->left(interest->context, slot, sight->seen[i],
                                  sight->record == NULL ||
                                      sight->record[i] != REEF__NEVER_TOLD);
        }
    }
    clear_sight(interest, sight);
    reef__grid_remove(&interest->grid, slot);
    *REEF_ARRAY_PUSH(interest->alloc, &interest->left_slots) = slot;
    interest->count--;
}

/* The update ------------------------------------------------------------------- */

static uint16_t next_stamp(reef__interest_t *interest)
{
    if (++interest->stamp == 0) {
        memset(interest->marks, 0, interest->slot_count * sizeof(*interest->marks));
        interest->stamp = 1;
    }
    return interest->stamp;
}

/* What became of those that a mover sees. */
REEF_TARGET_CLONES static outcome_t look(const reef__body_t *bodies,
                                         const uint32_t *seen,
                                         uint32_t count,
                                         const reach_t *reach)
{
    uint32_t left = 0, near = 0, idle = 0;

    for (uint32_t i = 0; i < count; i++) {
        const reef__body_t *other = &bodies[seen[i]];
        float distance = reef__distance_squared(reach->center, other->at);

        left += distance > reach->leave;
        near += distance <= reach->enter;
        idle += other->moved != reach->now;
    }
    return (outcome_t){.left = left, .near = near, .idle = idle};
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
            lose(interest, other, mover);
        }
    }
    sight->count = kept;
}

/* Who is within the enter radius and was not seen before.  @p near is how many were
 * and still are; and the mover finds itself. */
static void
find_new(reef__interest_t *interest, uint32_t mover, uint32_t near, uint32_t *hits)
{
    reef__point_t at = interest->bodies[mover].at;
    const reef__sight_t *sight = &interest->sights[mover];
    uint32_t count = reef__grid_count(&interest->grid, at, interest->enter);
    uint16_t stamp;

    if (count == near + 1) {
        return;
    }
    stamp = next_stamp(interest);
    interest->marks[mover] = stamp;
    for (uint32_t i = 0; i < sight->count; i++) {
        interest->marks[sight->seen[i]] = stamp;
    }
    count = reef__grid_find(&interest->grid, at, interest->enter, hits);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = hits[i];

        if (interest->marks[other] == stamp) {
            continue;
        }
        see(interest, mover, other);
        if (interest->bodies[other].moved != interest->now) {
            see(interest, other, mover);
            make_due(interest, other, mover | IS_NEW);
        }
    }
}

/* Tell those who stayed of the mover.  What the mover is to be told of are the others
 * of the first @p known that it sees, and all behind them, which came. */
static reef__due_t sort_seen(reef__interest_t *interest,
                             const reef__sight_t *sight,
                             uint32_t known,
                             uint32_t mover,
                             scratch_t scratch)
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
        make_due(interest, scratch.stayed[i], mover);
    }
    if (came > 0) {
        memcpy(scratch.due + due, sight->seen + known, came * sizeof(*scratch.due));
    }
    return (reef__due_t){.slots = scratch.due, .count = due + came, .known = due};
}

static void update_mover(reef__interest_t *interest,
                         uint32_t mover,
                         uint32_t next,
                         scratch_t scratch)
{
    reef__sight_t *sight = &interest->sights[mover];
    reach_t reach = {
        .center = interest->bodies[mover].at,
        .enter = interest->enter * interest->enter,
        .leave = interest->leave * interest->leave,
        .now = interest->now,
    };
    outcome_t outcome = look(interest->bodies, sight->seen, sight->count, &reach);
    reef__due_t due;

    if (outcome.left > 0) {
        part(interest, mover, &reach);
        trim_seen(interest, sight);
    }
    due.known = sight->count;
    find_new(interest, mover, outcome.near, scratch.hits);
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

        if ((entry & IS_NEW) == 0) {
            slots[i] = slots[known];
            slots[known++] = entry;
        }
    }
    for (uint32_t i = known; i < count; i++) {
        slots[i] &= ~IS_NEW;
    }
    interest->hooks->deliver(
        interest->context, receiver,
        &(reef__due_t){
            .slots = slots, .count = count, .known = known, .next = receiver});
    interest->sights[receiver].due.count = 0;
}

/* When many moved, cell by cell: neighbours look at the same memory. */
static void sort_movers(reef__interest_t *interest)
{
    const reef__grid_t *grid = &interest->grid;
    uint32_t buckets = reef__grid_buckets(grid);
    uint32_t *movers = interest->movers.items;

    if (interest->movers.count < buckets / BUCKETS_PER_MOVER) {
        return;
    }
    interest->movers.count = 0; /* there are no more of them than before */
    for (uint32_t i = 0; i < buckets; i++) {
        const uint32_t *slots = reef__bucket_slots(grid, &grid->buckets[i]);

        for (uint32_t k = 0; k < grid->buckets[i].count; k++) {
            movers[interest->movers.count] = slots[k];
            interest->movers.count += interest->bodies[slots[k]].moved == interest->now;
        }
    }
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
    scratch_t scratch = scratch_of(interest);
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

/* Records ---------------------------------------------------------------------- */

void reef__interest_begin_record(reef__interest_t *interest,
                                 uint32_t receiver,
                                 const reef__due_t *due)
{
    reef__sight_t *sight = &interest->sights[receiver];
    uint16_t stamp = next_stamp(interest);
    uint32_t *is_known = scratch_of(interest).hits; /* by slot */

    assert(sight->record == NULL);
    for (uint32_t i = 0; i < due->count; i++) {
        interest->marks[due->slots[i]] = stamp;
        is_known[due->slots[i]] = i < due->known;
    }
    if (sight->capacity == 0) {
        resize_seen(interest, sight, FIRST_SEEN); /* so that there is a record */
    }
    sight->record =
        reef_resize(interest->alloc, NULL, 0, sight->capacity * sizeof(uint32_t));
    for (uint32_t i = 0; i < sight->count; i++) {
        uint32_t slot = sight->seen[i];
        uint32_t moved = interest->bodies[slot].moved;

        if (interest->marks[slot] != stamp) {
            sight->record[i] = moved;
        } else if (!is_known[slot]) {
            sight->record[i] = REEF__NEVER_TOLD;
        } else {
            sight->record[i] = moved == 1 ? UINT32_MAX : moved - 1;
        }
    }
}

void reef__interest_end_record(reef__interest_t *interest, uint32_t receiver)
{
    reef__sight_t *sight = &interest->sights[receiver];

    if (sight->record != NULL) {
        reef_resize(interest->alloc, sight->record, sight->capacity * sizeof(uint32_t),
                    0);
        sight->record = NULL;
    }
}
