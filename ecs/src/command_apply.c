/*
 * Applying.  First all commands are read once: those on one entity are chained, in the
 * order recorded, and the entity's record remembers its chain.  Then each chain is
 * applied, in the order of its first command, or of the one that despawns: one of a
 * single command is the same as the operation itself, a longer one is folded
 * (command_fold.c).
 *
 * What observers record meanwhile is applied by another round.
 */
#include "command.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_ROUNDS = 10000
};

/* Chaining ------------------------------------------------------------------------- */

static reef__record_t *find_record(const reef_world_t *world, reef_entity_t entity)
{
    reef__record_t *record = reef__world_record(world, entity);

    return REEF_LIKELY(record != NULL)
               ? record
               : reef__entity_index_find_reserved(
                     &world->entities[reef_entity_range(entity)], entity);
}

/* A group of its own for a command, the last one. */
static void begin_group(reef_commands_t *commands,
                        reef__record_t *record,
                        uint32_t first,
                        uint32_t last,
                        bool despawns)
{
    *REEF_ARRAY_PUSH(commands->world->alloc, &commands->groups) =
        (reef__command_group_t){record, first, last, despawns};
    record->pending = commands->groups.count & UINT32_C(0x3fffffff);
}

/* Add a command to the group of its entity. */
static void continue_group(reef_commands_t *commands,
                           const reef__command_bytes_t *bytes,
                           reef__record_t *record,
                           uint32_t offset)
{
    reef__command_group_t *group = &commands->groups.items[record->pending - 1];
    uint32_t first = group->first;

    reef__command_at(bytes, group->last)->chain = offset;
    group->last = offset;
    if (reef__command_at(bytes, offset)->kind == REEF__COMMAND_DESPAWN &&
        !group->despawns) {
        /* It ends here: what was made to hang on it before goes with it. */
        group->record = NULL;
        begin_group(commands, record, first, offset, true);
    }
}

static void chain_all(reef_commands_t *commands, const reef__command_bytes_t *bytes)
{
    reef__command_t *command;

    commands->groups.count = 0;
    for (size_t offset = 0; offset < bytes->size; offset += command->size) {
        reef__record_t *record;

        command = reef__command_at(bytes, offset);
        record = reef__command_is_outdated(commands->world, bytes, command)
                     ? NULL
                     : find_record(commands->world, command->entity);
        if (REEF_UNLIKELY(record == NULL)) {
            reef__command_skip(commands->world, command);
        } else if (record->pending == 0) {
            begin_group(commands, record, (uint32_t)offset, (uint32_t)offset,
                        command->kind == REEF__COMMAND_DESPAWN);
        } else {
            continue_group(commands, bytes, record, (uint32_t)offset);
        }
    }
}

/* One command ---------------------------------------------------------------------- */

static void apply_value(reef_world_t *world, reef__command_t *command)
{
    reef_component_t component = reef_world_component(world, command->type);
    void *value = reef__command_value(command);
    bool done;

    if (command->kind == REEF__COMMAND_SET) {
        done = reef_world_set(world, command->entity, component, value);
    } else {
        done = reef_world_add(world, command->entity, component, value);
    }
    if (!done) {
        reef__command_drop(command);
    }
}

static void
apply_one(reef_world_t *world, reef__command_t *command, reef__record_t *record)
{
    reef__packed_t *packed;

    switch (command->kind) {
    case REEF__COMMAND_SPAWN:
        reef__world_begin_change(world);
        reef__entity_index_activate(
            &world->entities[reef_entity_range(command->entity)], record);
        reef__world_place(world, world->empty, record, command->entity);
        break;
    case REEF__COMMAND_SPAWN_BUNDLE:
        packed = reef__command_value(command);
        reef__bundle_place(packed->bundle, record, command->entity,
                           reef__packed_values(packed), packed->given);
        break;
    case REEF__COMMAND_DESPAWN:
        if (record->generation & 1) {
            reef__world_despawn(world, record, command->entity);
        } else {
            world->stale_count++; /* reserved elsewhere, not alive yet */
        }
        break;
    case REEF__COMMAND_REMOVE:
        (void)reef_world_remove(world, command->entity,
                                reef_world_component(world, command->type));
        break;
    case REEF__COMMAND_ADD:
    case REEF__COMMAND_INITIAL:
    case REEF__COMMAND_SET:
        apply_value(world, command);
        break;
    }
}

/* The entity died since its commands were chained. */
static void
skip_chain(reef_world_t *world, const reef__command_bytes_t *bytes, size_t offset)
{
    uint32_t next;

    do {
        reef__command_t *command = reef__command_at(bytes, offset);

        next = command->chain;
        offset = next;
        reef__command_skip(world, command);
    } while (next != 0);
}

/* A bundle with relations is folded, so that one that cannot be is left out. */
static bool has_relations(reef__command_t *command)
{
    return command->kind == REEF__COMMAND_SPAWN_BUNDLE &&
           ((const reef__packed_t *)reef__command_value(command))
               ->bundle->table->related;
}

static void apply_round(reef_commands_t *commands, const reef__command_bytes_t *bytes)
{
    reef_world_t *world = commands->world;

    chain_all(commands, bytes);
    for (size_t i = 0; i < commands->groups.count; i++) {
        uint32_t offset = commands->groups.items[i].first;
        reef__record_t *record = commands->groups.items[i].record;
        reef__command_t *command = reef__command_at(bytes, offset);

        if (REEF_UNLIKELY(record == NULL)) {
            continue; /* comes later */
        }
        if (REEF_UNLIKELY(record->pending != i + 1)) {
            skip_chain(world, bytes, offset);
            continue;
        }
        record->pending = 0;
        if (command->chain == 0 && !has_relations(command)) {
            apply_one(world, command, record);
        } else if ((record->generation & 1) == 0 && !reef__command_is_spawn(command)) {
            skip_chain(world, bytes, offset); /* another recorder's, not applied yet */
        } else {
            reef__commands_apply_chain(commands, bytes, offset, record);
        }
    }
}

/* Observers answer each other's commands for ever: a bug in the program. */
REEF_NORETURN static void fail_endless(const reef__command_t *command)
{
    fprintf(stderr,
            "observers keep recording commands, the last one about component '%s'\n",
            command->type != NULL ? command->type->name : "none");
    abort();
}

void reef_commands_apply(reef_commands_t *commands)
{
    const reef_alloc_t *alloc = commands->world->alloc;

    assert(commands->world->observing == 0);
    for (uint32_t round = 0; commands->bytes.size > 0; round++) {
        reef__command_bytes_t bytes = commands->bytes;

        if (round == MAX_ROUNDS) {
            fail_endless(reef__command_at(&bytes, 0));
        }

        commands->bytes = (reef__command_bytes_t){0};
        apply_round(commands, &bytes);
        if (commands->bytes.capacity == 0) {
            commands->bytes = bytes; /* keep the memory */
            commands->bytes.size = 0;
        } else {
            reef__block_destroy(alloc, bytes.items, bytes.capacity);
        }
    }
}
