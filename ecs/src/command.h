/**
 * @file command.h
 * @brief How commands lie in memory, and where recorders get ids from.
 */
#ifndef REEF_ECS_COMMAND_H
#define REEF_ECS_COMMAND_H

#include "block.h"
#include "rows.h"

#include <reef/command.h>

#include <stdatomic.h>

typedef enum reef__command_kind {
    REEF__COMMAND_SPAWN,
    REEF__COMMAND_SPAWN_BUNDLE, /* a bundle, bits and its packed values follow */
    REEF__COMMAND_DESPAWN,
    REEF__COMMAND_ADD,     /* a value follows */
    REEF__COMMAND_INITIAL, /* add the initial value */
    REEF__COMMAND_SET,     /* a value follows; of a tag none */
    REEF__COMMAND_REMOVE,
} reef__command_kind_t;

/** Begins at a multiple of 8.  What follows is at the next multiple of its alignment.
 */
typedef struct reef__command {
    reef_entity_t entity;
    const reef_type_t *type; /* of a component; registered when it is applied */
    uint32_t size;           /* bytes to the next one */
    uint32_t chain;          /* offset of the next one on the same entity; 0 = none */
    uint32_t value;          /* offset from here of what follows; 0 = nothing */
    reef__command_kind_t kind;
} reef__command_t;

/** What follows a SPAWN_BUNDLE. */
typedef struct reef__packed {
    const reef_bundle_t *bundle;
    uint64_t given;  /* bit i: column i has a value */
    uint32_t values; /* offset from here of the packed values */
} reef__packed_t;

typedef struct reef__command_bytes {
    uint8_t *items; /* 64-byte aligned */
    size_t size, capacity;
    uint64_t imports; /* of the world, when the first of them was recorded */
} reef__command_bytes_t;

/** Ids that a recorder may give out while others do the same at the same time. */
typedef struct reef__lease {
    struct {
        reef_entity_t *items;
        size_t count, capacity;
    } ids;
    uint32_t used;   /* of ids */
    uint32_t wanted; /* ids to take next time: as many as were needed lately */
    uint32_t fresh;  /* slots nobody has used before, when the ids were used up */
} reef__lease_t;

/**
 * Slots that nobody has used before are given out in turn: whoever needs one waits
 * until every task before its own has ended.  So they depend on the order of the tasks
 * alone. Tasks start in that order, so the first of those that run never waits.
 */
typedef struct reef__turns {
    atomic_uchar *done; /* [capacity] by task: it has ended */
    uint32_t capacity;
    uint32_t next[2]; /* slot by range; only of who has waited for all before */
} reef__turns_t;

/** How the entities of one recorder's commands go together. */
typedef struct reef__command_group {
    reef__record_t *record; /* of the entity; its `pending` says whether it still is */
    uint32_t first, last;   /* offsets of commands */
    bool despawns;          /* one of them does */
} reef__command_group_t;

enum {
    REEF__MEMO_COMPONENTS = 16
};

/** The last change of several components: the next one is mostly alike. */
typedef struct reef__transition {
    uint64_t released; /* tables released by then; one more, and it is void */
    const reef_table_t *from;
    reef_table_t *to; /* NULL = nothing is known */
    uint32_t count;
    uint32_t move_count;
    reef_component_t flipped[REEF__MEMO_COMPONENTS]; /* come or go, as recorded */
    reef__move_t moves[REEF_MAX_TABLE_COMPONENTS];
} reef__transition_t;

struct reef_commands {
    reef_world_t *world;
    reef__command_bytes_t bytes;
    struct {
        reef__command_group_t *items;
        size_t count, capacity;
    } groups;
    reef__transition_t memo;
    reef__turns_t *turns;    /* set: ids come from the leases, not from the world */
    uint32_t task;           /* of the stage, in which it is used */
    uint32_t passed;         /* tasks that are known to have ended */
    reef__lease_t leases[2]; /* by reef_entity_range_t */
};

static inline reef__command_t *reef__command_at(const reef__command_bytes_t *bytes,
                                                size_t offset)
{
    return (void *)(bytes->items + offset);
}

/** The value of a command, or NULL. */
static inline void *reef__command_value(reef__command_t *command)
{
    return command->value > 0 ? (uint8_t *)command + command->value : NULL;
}

/** The packed values of a bundle. */
static inline uint8_t *reef__packed_values(reef__packed_t *packed)
{
    return (uint8_t *)packed + packed->values;
}

/** Release what the values of a command own: it is not applied. */
void reef__command_drop(reef__command_t *command);

/** Apply the chain of commands that begins at @p offset to its entity, which is alive
 * or spawned by the first of them. */
void reef__commands_apply_chain(reef_commands_t *commands,
                                const reef__command_bytes_t *bytes,
                                size_t offset,
                                reef__record_t *record);

static inline bool reef__command_is_spawn(const reef__command_t *command)
{
    return command->kind == REEF__COMMAND_SPAWN ||
           command->kind == REEF__COMMAND_SPAWN_BUNDLE;
}

/** Whether the ids of its range became others since it was recorded. */
static inline bool reef__command_is_outdated(const reef_world_t *world,
                                             const reef__command_bytes_t *bytes,
                                             const reef__command_t *command)
{
    return bytes->imports != world->imports &&
           reef_entity_range(command->entity) == REEF_RANGE_WORLD;
}

/** Drop a command, and count it as one that came too late. */
static inline void reef__command_skip(reef_world_t *world, reef__command_t *command)
{
    world->stale_count++;
    reef__command_drop(command);
}

/**
 * Several recorders are about to be used at the same time: give each ids of its own,
 * and turns for more.  Which one gets which depends on nothing but their order and
 * tasks, and on what each needed before.
 */
void reef__commands_begin_lease(reef_commands_t *const *recorders,
                                uint32_t count,
                                reef__turns_t *turns);

/** They are done: what was not given out goes back. */
void reef__commands_end_lease(reef_commands_t *const *recorders, uint32_t count);

#endif /* REEF_ECS_COMMAND_H */
