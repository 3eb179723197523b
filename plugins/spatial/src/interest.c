/*
 * Slots, and the lists of who sees whom.  A list is in no order: who goes is replaced
 * by the last.  A record, where there is one, is an array beside it and moves along.
 */
#include "interest_parts.h"

#include <assert.h>
#include <string.h>

enum {
    FIRST_SLOTS = 64,
    FIRST_SEEN = 8,
    SCRATCH_ARRAYS = 3,
    PACK_FACTOR = 20,
    SEARCH_BLOCK = 16, /* compared without a branch in between */
};

reef__scratch_t reef__interest_scratch(const reef__interest_t *interest)
{
    size_t length = (size_t)interest->slot_capacity + REEF__GRID_HITS_SLACK;
    uint32_t *at = interest->scratch;

    return (reef__scratch_t){
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
        .pack_factor = PACK_FACTOR,
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

void reef__interest_trim(const reef__interest_t *interest, reef__sight_t *sight)
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

void reef__interest_see(reef__interest_t *interest, uint32_t observer, uint32_t other)
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

void reef__interest_lose(reef__interest_t *interest, uint32_t observer, uint32_t other)
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
    reef__interest_trim(interest, sight);
    interest->hooks->left(interest->context, observer, other, was_told);
}

void reef__interest_make_due(reef__interest_t *interest,
                             uint32_t receiver,
                             uint32_t entry)
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
                         const reef__cell_t *cell)
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
        reef__interest_lose(interest, sight->seen[i], slot);
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

uint16_t reef__interest_next_stamp(reef__interest_t *interest)
{
    if (++interest->stamp == 0) {
        memset(interest->marks, 0, interest->slot_count * sizeof(*interest->marks));
        interest->stamp = 1;
    }
    return interest->stamp;
}

/* Records ---------------------------------------------------------------------- */

void reef__interest_begin_record(reef__interest_t *interest,
                                 uint32_t receiver,
                                 const reef__due_t *due)
{
    reef__sight_t *sight = &interest->sights[receiver];
    uint16_t stamp = reef__interest_next_stamp(interest);
    uint32_t *is_known = reef__interest_scratch(interest).hits; /* by slot */

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
