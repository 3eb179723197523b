/**
 * @file entity_index.h
 * @brief The ids of one range: where each live entity's row is, which ids are free.
 */
#ifndef REEF_ECS_ENTITY_INDEX_H
#define REEF_ECS_ENTITY_INDEX_H

#include <reef/alloc.h>
#include <reef/array.h>
#include <reef/attrs.h>
#include <reef/entity.h>
#include <reef/error.h>
#include <reef/table.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REEF__MAX_SLOTS =
        1 << 28 /* of one range: their records reserve 4 GiB of addresses */
};

/** What `row` says in the record of an entity that is not alive. */
enum {
    REEF__SLOT_FREE,     /* in the free list, or retired */
    REEF__SLOT_RESERVED, /* its next id was given out, but is not alive yet */
    REEF__SLOT_CLAIMED,  /* reserved, and named in the rows being checked */
};

typedef struct reef__record {
    uint32_t table; /* index in the world; while not alive that of the empty table */
    uint32_t row;
    uint32_t generation;    /* odd while alive */
    uint32_t pending : 30;  /* number of the group of commands on it; 0 = none */
    uint32_t is_target : 1; /* some relation points, or pointed, to it */
    uint32_t is_doomed : 1; /* is being despawned */
} reef__record_t;

typedef struct reef__entity_index {
    const reef_alloc_t *alloc;
    reef__record_t *records; /* [slot_count], in a region */
    uint32_t slot_count;     /* slots ever used, the one never used included */
    uint32_t alive_count;
    uint32_t base;    /* 0 or REEF_SESSION_INDEX_BASE */
    size_t committed; /* bytes of the region */
    struct {
        uint32_t *items; /* without the base; the last is reused first */
        size_t count, capacity;
    } free;
} reef__entity_index_t;

/** An empty index.  Slot 0 of REEF_RANGE_WORLD is never used. */
void reef__entity_index_init(reef__entity_index_t *index,
                             const reef_alloc_t *alloc,
                             reef_entity_range_t range);
void reef__entity_index_finish(reef__entity_index_t *index);

/** Slot of an id, without the range's base. */
static inline uint32_t reef__entity_slot(reef_entity_t entity)
{
    return reef_entity_index(entity) & (REEF_SESSION_INDEX_BASE - 1);
}

/** Record of slot @p slot, which is below slot_count. */
static inline reef__record_t *reef__entity_index_slot(const reef__entity_index_t *index,
                                                      uint32_t slot)
{
    return &index->records[slot];
}

/** Record of a live entity, or NULL. */
static inline reef__record_t *reef__entity_index_find(const reef__entity_index_t *index,
                                                      reef_entity_t entity)
{
    uint32_t slot = reef__entity_slot(entity);
    uint32_t generation = reef_entity_generation(entity);
    reef__record_t *record;

    if (REEF_UNLIKELY(slot >= index->slot_count || (generation & 1) == 0)) {
        return NULL;
    }
    record = reef__entity_index_slot(index, slot);
    return REEF_LIKELY(record->generation == generation) ? record : NULL;
}

/** Stop the program when a range has no more slots. */
void reef__entity_index_check_slot(uint32_t slot);

/** Use one more slot: slot_count, which is returned, grows. */
uint32_t reef__entity_index_add_slot(reef__entity_index_t *index);

/** The id that a slot which is not alive will have next. */
static inline reef_entity_t reef__entity_index_id(const reef__entity_index_t *index,
                                                  uint32_t slot,
                                                  uint32_t generation)
{
    return (uint64_t)generation << 32 | (index->base | slot);
}

/** Record of an entity that is alive, or of one that has no components; or NULL. */
static inline const reef__record_t *
reef__entity_index_find_any(const reef__entity_index_t *index, reef_entity_t entity)
{
    uint32_t slot = reef__entity_slot(entity);
    const reef__record_t *record = &index->records[slot];

    return REEF_LIKELY(slot < index->slot_count &&
                       record->generation == reef_entity_generation(entity))
               ? record
               : NULL;
}

/** Take a free slot.  The id returned is not alive before
 *  reef__entity_index_activate(); @p record receives its record. */
static inline reef_entity_t reef__entity_index_reserve(reef__entity_index_t *index,
                                                       reef__record_t **record)
{
    uint32_t slot = REEF_LIKELY(index->free.count > 0)
                        ? index->free.items[--index->free.count]
                        : reef__entity_index_add_slot(index);

    *record = reef__entity_index_slot(index, slot);
    (*record)->row = REEF__SLOT_RESERVED;
    return reef__entity_index_id(index, slot, (*record)->generation + 1);
}

/** Record of a reserved id, or NULL when it is not reserved (any more). */
reef__record_t *reef__entity_index_find_reserved(const reef__entity_index_t *index,
                                                 reef_entity_t entity);

/** Make a reserved id alive; the caller then fills in table and row. */
static inline void reef__entity_index_activate(reef__entity_index_t *index,
                                               reef__record_t *record)
{
    record->generation |= 1;
    index->alive_count++;
}

/** Give back a reserved id, which will never be alive. */
void reef__entity_index_cancel(reef__entity_index_t *index, reef_entity_t entity);

/** End the life of the entity in @p slot, whose record this is. */
static inline void reef__entity_index_release(reef__entity_index_t *index,
                                              reef__record_t *record,
                                              uint32_t slot)
{
    record->table = 0;
    record->row = REEF__SLOT_FREE;
    record->generation++;
    record->pending = 0;
    record->is_target = 0;
    record->is_doomed = 0;
    index->alive_count--;
    if (REEF_LIKELY(record->generation != 0)) {
        *REEF_ARRAY_PUSH(index->alloc, &index->free) = slot;
    }
}

/** Return a reserved id that nobody has seen: it will be given out again. */
void reef__entity_index_return(reef__entity_index_t *index, reef_entity_t entity);

/** Live entity with the lowest slot not below @p slot, or 0. */
reef_entity_t reef__entity_index_next(const reef__entity_index_t *index, uint32_t slot);

/** Copy the state; see reef_world_export_slots(). */
void reef__entity_index_export(const reef__entity_index_t *index, reef_slots_t *slots);

/** Whether reef__entity_index_import() can take this. */
REEF_NODISCARD reef_error_t reef__entity_index_check(const reef__entity_index_t *index,
                                                     const reef_slots_t *slots);

/** Take over checked slots; those called alive become reserved.  Nothing in the index
 *  may be alive. */
void reef__entity_index_import(reef__entity_index_t *index, const reef_slots_t *slots);

/** Mark @p count distinct reserved ids as claimed; REEF_E_CORRUPT, nothing marked,
 *  when one is not reserved or is there twice. */
REEF_NODISCARD reef_error_t reef__entity_index_claim(reef__entity_index_t *index,
                                                     const reef_entity_t *entities,
                                                     uint32_t count);

/** Free all reserved slots; returns how many. */
uint32_t reef__entity_index_cancel_all(reef__entity_index_t *index);

#endif /* REEF_ECS_ENTITY_INDEX_H */
