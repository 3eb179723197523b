/*
 * Records lie in one array that never moves.  A slot's generation counts up by one
 * when it comes to life and by one when it dies, so it is odd while alive:
 *
 *     free (even) -- reserve --> reserved (even) -- activate --> alive (odd)
 *      ^  ^                          |                               |
 *      |  +-------- cancel, + 2 -----+                               |
 *      +--------------------------- release, + 1 --------------------+
 *
 * The id of a reserved slot already has the odd generation, so that it is found not
 * alive without a further test.  Free slots are a stack.  A slot whose generation
 * comes round to 0 is retired instead of freed: its ids would repeat.
 */
#include "entity_index.h"

#include "region.h"

#include <reef/array.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION_SIZE ((size_t)REEF__MAX_SLOTS * sizeof(reef__record_t))

/* Let twice as many records be used. */
static void commit(reef__entity_index_t *index)
{
    size_t size =
        index->committed > 0 ? 2 * index->committed : (size_t)REEF__REGION_UNIT;

    reef__region_commit(index->records, index->committed, size);
    index->committed = size;
}

void reef__entity_index_check_slot(uint32_t slot)
{
    if (REEF_UNLIKELY(slot >= REEF__MAX_SLOTS)) {
        fprintf(stderr, "a world holds at most %d entities of one range\n",
                REEF__MAX_SLOTS - 1);
        abort();
    }
}

uint32_t reef__entity_index_add_slot(reef__entity_index_t *index)
{
    uint32_t slot = index->slot_count;

    reef__entity_index_check_slot(slot);
    if ((size_t)slot * sizeof(reef__record_t) == index->committed) {
        commit(index);
    }
    index->slot_count++;
    *reef__entity_index_slot(index, slot) = (reef__record_t){0};
    return slot;
}

void reef__entity_index_init(reef__entity_index_t *index,
                             const reef_alloc_t *alloc,
                             reef_entity_range_t range)
{
    *index = (reef__entity_index_t){.alloc = alloc,
                                    .records = reef__region_create(REGION_SIZE)};
    if (range == REEF_RANGE_SESSION) {
        index->base = REEF_SESSION_INDEX_BASE;
    } else {
        reef__entity_index_add_slot(index);
    }
}

void reef__entity_index_finish(reef__entity_index_t *index)
{
    reef__region_destroy(index->records, REGION_SIZE);
    REEF_ARRAY_FINISH(index->alloc, &index->free);
    index->slot_count = 0;
    index->alive_count = 0;
}

reef__record_t *reef__entity_index_find_reserved(const reef__entity_index_t *index,
                                                 reef_entity_t entity)
{
    reef__record_t *record;

    if (reef__entity_slot(entity) >= index->slot_count) {
        return NULL;
    }
    record = reef__entity_index_slot(index, reef__entity_slot(entity));
    if ((record->generation & 1) || record->row != REEF__SLOT_RESERVED ||
        record->generation + 1 != reef_entity_generation(entity)) {
        return NULL;
    }
    return record;
}

/* The slot's record has its new, even generation. */
static void free_slot(reef__entity_index_t *index, uint32_t slot)
{
    reef__record_t *record = reef__entity_index_slot(index, slot);

    record->row = REEF__SLOT_FREE;
    if (record->generation != 0) {
        *REEF_ARRAY_PUSH(index->alloc, &index->free) = slot;
    }
}

void reef__entity_index_cancel(reef__entity_index_t *index, reef_entity_t entity)
{
    reef__record_t *record = reef__entity_index_find_reserved(index, entity);

    assert(record != NULL);
    record->generation += 2;
    record->pending = 0;
    record->is_target = 0;
    record->is_doomed = 0;
    free_slot(index, reef__entity_slot(entity));
}

void reef__entity_index_return(reef__entity_index_t *index, reef_entity_t entity)
{
    reef__record_t *record = reef__entity_index_find_reserved(index, entity);

    assert(record != NULL);
    record->row = REEF__SLOT_FREE;
    *REEF_ARRAY_PUSH(index->alloc, &index->free) = reef__entity_slot(entity);
}

reef_entity_t reef__entity_index_next(const reef__entity_index_t *index, uint32_t slot)
{
    for (; slot < index->slot_count; slot++) {
        uint32_t generation = reef__entity_index_slot(index, slot)->generation;

        if (generation & 1) {
            return reef__entity_index_id(index, slot, generation);
        }
    }
    return 0;
}

void reef__entity_index_export(const reef__entity_index_t *index, reef_slots_t *slots)
{
    const reef_alloc_t *alloc = reef_alloc_default();
    size_t free_size = index->free.count * sizeof(uint32_t);

    *slots = (reef_slots_t){.slot_count = index->slot_count,
                            .free_count = (uint32_t)index->free.count};
    slots->generations =
        reef_resize(alloc, NULL, 0, index->slot_count * sizeof(uint32_t));
    for (uint32_t i = 0; i < index->slot_count; i++) {
        slots->generations[i] = reef__entity_index_slot(index, i)->generation;
    }
    if (free_size > 0) {
        slots->free_list = reef_resize(alloc, NULL, 0, free_size);
        memcpy(slots->free_list, index->free.items, free_size);
    }
}

void reef_slots_finish(reef_slots_t *slots)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    reef_resize(alloc, slots->generations, slots->slot_count * sizeof(uint32_t), 0);
    reef_resize(alloc, slots->free_list, slots->free_count * sizeof(uint32_t), 0);
    *slots = (reef_slots_t){0};
}

static bool listed_is_free(const reef_slots_t *slots, uint32_t slot, uint8_t *seen)
{
    uint8_t bit = (uint8_t)(1u << (slot % 8));

    if (slot == 0 || slot >= slots->slot_count || (slots->generations[slot] & 1) ||
        (seen[slot / 8] & bit)) {
        return false;
    }
    seen[slot / 8] |= bit;
    return true;
}

reef_error_t reef__entity_index_check(const reef__entity_index_t *index,
                                      const reef_slots_t *slots)
{
    size_t seen_size = slots->slot_count / 8 + 1;
    uint8_t *seen;
    bool ok = true;

    if (slots->slot_count > REEF__MAX_SLOTS || slots->free_count > slots->slot_count ||
        (slots->slot_count > 0 && slots->generations[0] != 0)) {
        return REEF_E_CORRUPT;
    }
    seen = reef_resize(index->alloc, NULL, 0, seen_size);
    memset(seen, 0, seen_size);
    for (uint32_t i = 0; i < slots->free_count && ok; i++) {
        ok = listed_is_free(slots, slots->free_list[i], seen);
    }
    reef_resize(index->alloc, seen, seen_size, 0);
    return ok ? REEF_OK : REEF_E_CORRUPT;
}

void reef__entity_index_import(reef__entity_index_t *index, const reef_slots_t *slots)
{
    assert(index->alive_count == 0);
    reef__entity_index_finish(index);
    reef__entity_index_init(index, index->alloc, REEF_RANGE_WORLD);
    for (uint32_t i = 1; i < slots->slot_count; i++) {
        uint32_t generation = slots->generations[i];
        reef__record_t *record =
            reef__entity_index_slot(index, reef__entity_index_add_slot(index));

        record->generation = generation & ~1u;
        record->row = generation & 1 ? REEF__SLOT_RESERVED : REEF__SLOT_FREE;
    }
    if (slots->free_count > 0) {
        REEF_ARRAY_RESERVE(index->alloc, &index->free, slots->free_count);
        memcpy(index->free.items, slots->free_list,
               slots->free_count * sizeof(uint32_t));
        index->free.count = slots->free_count;
    }
}

reef_error_t reef__entity_index_claim(reef__entity_index_t *index,
                                      const reef_entity_t *entities,
                                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        reef__record_t *record = NULL;

        if ((reef_entity_index(entities[i]) & REEF_SESSION_INDEX_BASE) == index->base) {
            record = reef__entity_index_find_reserved(index, entities[i]);
        }
        if (record == NULL) {
            while (i-- > 0) {
                reef__entity_index_slot(index, reef__entity_slot(entities[i]))->row =
                    REEF__SLOT_RESERVED;
            }
            return REEF_E_CORRUPT;
        }
        record->row = REEF__SLOT_CLAIMED;
    }
    return REEF_OK;
}

uint32_t reef__entity_index_cancel_all(reef__entity_index_t *index)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < index->slot_count; i++) {
        reef__record_t *record = reef__entity_index_slot(index, i);

        if ((record->generation & 1) == 0 && record->row == REEF__SLOT_RESERVED) {
            record->generation += 2;
            free_slot(index, i);
            count++;
        }
    }
    return count;
}
