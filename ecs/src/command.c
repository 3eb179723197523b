/*
 * Recording.  Commands lie one behind the other in one block of bytes:
 *
 *     | header | … value … | header | header | … bundle, values … | header | …
 *
 * What they hold is theirs until it is applied, in command_apply.c.
 */
#include "command.h"

#include <sched.h>

reef_commands_t *reef_commands_create(reef_world_t *world)
{
    reef_commands_t *commands = reef_resize(world->alloc, NULL, 0, sizeof(*commands));

    *commands = (reef_commands_t){.world = world};
    return commands;
}

static void grow(reef_commands_t *commands, size_t size)
{
    const reef_alloc_t *alloc = commands->world->alloc;
    reef__command_bytes_t *bytes = &commands->bytes;
    size_t capacity = bytes->capacity > 0 ? bytes->capacity : 1024;
    uint8_t *items;

    assert(size <= UINT32_MAX);
    while (capacity < size) {
        capacity *= 2;
    }
    items = reef__block_create(alloc, capacity);
    if (bytes->size > 0) {
        memcpy(items, bytes->items, bytes->size);
    }
    reef__block_destroy(alloc, bytes->items, bytes->capacity);
    bytes->items = items;
    bytes->capacity = capacity;
}

/* Append a command with room for `size` bytes behind it. */
static inline reef__command_t *record(reef_commands_t *commands,
                                      reef__command_kind_t kind,
                                      reef_entity_t entity,
                                      const reef_type_t *type,
                                      size_t size,
                                      size_t alignment)
{
    size_t begin = commands->bytes.size;
    size_t value = reef__align_up(begin + sizeof(reef__command_t), alignment);
    size_t end = reef__align_up(value + size, _Alignof(reef__command_t));
    reef__command_t *command;

    if (REEF_UNLIKELY(end > commands->bytes.capacity)) {
        grow(commands, end);
    }
    if (begin == 0) {
        commands->bytes.imports = commands->world->imports;
    }
    commands->bytes.size = end;
    command = reef__command_at(&commands->bytes, begin);
    *command = (reef__command_t){.entity = entity,
                                 .type = type,
                                 .size = (uint32_t)(end - begin),
                                 .value = size > 0 ? (uint32_t)(value - begin) : 0,
                                 .kind = kind};
    return command;
}

/* Ids ------------------------------------------------------------------------------ */

/* Until all tasks before this one have ended. */
static void wait_for_turn(reef_commands_t *commands)
{
    uint32_t spins = 0;

    while (commands->passed < commands->task) {
        if (atomic_load_explicit(&commands->turns->done[commands->passed],
                                 memory_order_acquire)) {
            commands->passed++;
        } else if (++spins % 256 == 0) {
            sched_yield();
        } else {
            REEF_PAUSE();
        }
    }
}

static reef_entity_t take_leased(reef_commands_t *commands, reef_entity_range_t range)
{
    reef__lease_t *lease = &commands->leases[range];
    uint32_t slot;

    if (lease->used < lease->ids.count) {
        return lease->ids.items[lease->used++];
    }
    wait_for_turn(commands);
    slot = commands->turns->next[range]++;
    reef__entity_index_check_slot(slot);
    lease->fresh++;
    return reef__entity_index_id(&commands->world->entities[range], slot, 1);
}

static reef_entity_t take_id(reef_commands_t *commands, reef_entity_range_t range)
{
    reef__record_t *record;

    return REEF_UNLIKELY(commands->turns != NULL)
               ? take_leased(commands, range)
               : reef__entity_index_reserve(&commands->world->entities[range], &record);
}

static void begin_range(reef_commands_t *commands, reef_entity_range_t range)
{
    reef__entity_index_t *index = &commands->world->entities[range];
    reef__lease_t *lease = &commands->leases[range];

    lease->ids.count = 0;
    lease->used = 0;
    lease->fresh = 0;
    for (uint32_t i = 0; i < lease->wanted; i++) {
        reef__record_t *record;

        *REEF_ARRAY_PUSH(index->alloc, &lease->ids) =
            reef__entity_index_reserve(index, &record);
    }
}

void reef__commands_begin_lease(reef_commands_t *const *recorders,
                                uint32_t count,
                                reef__turns_t *turns)
{
    for (uint32_t i = 0; i < count; i++) {
        begin_range(recorders[i], REEF_RANGE_WORLD);
        begin_range(recorders[i], REEF_RANGE_SESSION);
        recorders[i]->turns = turns;
        recorders[i]->passed = 0;
    }
    for (uint32_t range = 0; range < 2; range++) {
        turns->next[range] = recorders[0]->world->entities[range].slot_count;
    }
}

/* Make the slots that were given out fresh known to the index. */
static void
settle_fresh(reef_world_t *world, const reef__turns_t *turns, uint32_t range)
{
    reef__entity_index_t *index = &world->entities[range];

    while (index->slot_count < turns->next[range]) {
        reef__entity_index_slot(index, reef__entity_index_add_slot(index))->row =
            REEF__SLOT_RESERVED;
    }
}

/* Take as many as were needed, and forget a peak slowly. */
static void end_range(reef_commands_t *commands, reef_entity_range_t range)
{
    reef__lease_t *lease = &commands->leases[range];
    uint32_t needed = lease->used + lease->fresh;

    while (lease->ids.count > lease->used) {
        reef__entity_index_return(&commands->world->entities[range],
                                  lease->ids.items[--lease->ids.count]);
    }
    lease->wanted -= lease->wanted / 8;
    lease->wanted = needed > lease->wanted ? needed : lease->wanted;
}

void reef__commands_end_lease(reef_commands_t *const *recorders, uint32_t count)
{
    settle_fresh(recorders[0]->world, recorders[0]->turns, REEF_RANGE_WORLD);
    settle_fresh(recorders[0]->world, recorders[0]->turns, REEF_RANGE_SESSION);
    for (uint32_t i = count; i-- > 0;) {
        end_range(recorders[i], REEF_RANGE_WORLD);
        end_range(recorders[i], REEF_RANGE_SESSION);
        recorders[i]->turns = NULL;
    }
}

/* Commands ------------------------------------------------------------------------- */

reef_entity_t reef_commands_spawn(reef_commands_t *commands, reef_entity_range_t range)
{
    reef_entity_t entity = take_id(commands, range);

    record(commands, REEF__COMMAND_SPAWN, entity, NULL, 0, 1);
    return entity;
}

reef_entity_t reef_commands_spawn_bundle(reef_commands_t *commands,
                                         reef_bundle_t *bundle,
                                         reef_entity_range_t range,
                                         const void *const *values)
{
    reef_entity_t entity = take_id(commands, range);
    size_t alignment = bundle->packed_alignment > _Alignof(reef__packed_t)
                           ? bundle->packed_alignment
                           : _Alignof(reef__packed_t);
    size_t head = reef__align_up(sizeof(reef__packed_t), alignment);
    reef__packed_t *packed =
        reef__command_value(record(commands, REEF__COMMAND_SPAWN_BUNDLE, entity, NULL,
                                   head + bundle->packed_size, alignment));

    assert(bundle->world == commands->world);
    packed->bundle = bundle;
    packed->values = (uint32_t)head;
    packed->given = reef__bundle_pack(bundle, values, reef__packed_values(packed));
    return entity;
}

void reef_commands_despawn(reef_commands_t *commands, reef_entity_t entity)
{
    record(commands, REEF__COMMAND_DESPAWN, entity, NULL, 0, 1);
}

static void record_value(reef_commands_t *commands,
                         reef__command_kind_t kind,
                         reef_entity_t entity,
                         const reef_type_t *type,
                         const void *value)
{
    reef__command_t *command =
        record(commands, kind, entity, type, type->size, type->alignment);

    if (type->size > 0) {
        reef__copy_value(reef__command_value(command), value, type->size);
    }
}

void reef_commands_add(reef_commands_t *commands,
                       reef_entity_t entity,
                       const reef_type_t *type,
                       const void *value)
{
    if (value != NULL && type->size > 0) {
        record_value(commands, REEF__COMMAND_ADD, entity, type, value);
    } else {
        record(commands, REEF__COMMAND_INITIAL, entity, type, 0, 1);
    }
}

void reef_commands_set(reef_commands_t *commands,
                       reef_entity_t entity,
                       const reef_type_t *type,
                       const void *value)
{
    assert(value != NULL || type->size == 0);
    record_value(commands, REEF__COMMAND_SET, entity, type, value);
}

void reef_commands_remove(reef_commands_t *commands,
                          reef_entity_t entity,
                          const reef_type_t *type)
{
    record(commands, REEF__COMMAND_REMOVE, entity, type, 0, 1);
}

/* Discarding ----------------------------------------------------------------------- */

static void drop_packed(reef__packed_t *packed)
{
    const reef_bundle_t *bundle = packed->bundle;
    const reef_table_t *table = bundle->table;

    for (uint32_t i = 0; i < table->component_count; i++) {
        if (table->owners[i] != NULL && (packed->given >> i & 1)) {
            reef_type_drop(table->owners[i],
                           reef__packed_values(packed) + bundle->offsets[i]);
        }
    }
}

void reef__command_drop(reef__command_t *command)
{
    if (command->kind == REEF__COMMAND_SPAWN_BUNDLE) {
        drop_packed(reef__command_value(command));
    } else if (command->value > 0) {
        reef_type_drop(command->type, reef__command_value(command));
    }
}

/* An id that was reserved will never be alive; what hangs on it goes.  One of before a
 * restore may be another's by now. */
static void cancel(reef_world_t *world, reef_entity_t entity)
{
    reef__entity_index_t *index = &world->entities[reef_entity_range(entity)];
    const reef__record_t *record = reef__entity_index_find_reserved(index, entity);

    if (record == NULL) {
        return;
    }
    if (record->is_target) {
        reef__relation_despawn_tree(world, entity);
    } else {
        reef__entity_index_cancel(index, entity);
    }
}

static void discard(reef_commands_t *commands, reef__command_t *command)
{
    reef__command_drop(command);
    if (reef__command_is_spawn(command) &&
        !reef__command_is_outdated(commands->world, &commands->bytes, command)) {
        cancel(commands->world, command->entity);
    }
}

void reef_commands_destroy(reef_commands_t *commands)
{
    const reef_alloc_t *alloc;
    reef__command_t *command;

    if (commands == NULL) {
        return;
    }
    for (size_t offset = 0; offset < commands->bytes.size; offset += command->size) {
        command = reef__command_at(&commands->bytes, offset);
        discard(commands, command);
    }
    alloc = commands->world->alloc;
    reef__block_destroy(alloc, commands->bytes.items, commands->bytes.capacity);
    REEF_ARRAY_FINISH(alloc, &commands->groups);
    for (uint32_t i = 0; i < 2; i++) {
        REEF_ARRAY_FINISH(alloc, &commands->leases[i].ids);
    }
    reef_resize(alloc, commands, sizeof(*commands), 0);
}
