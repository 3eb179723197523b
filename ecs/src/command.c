/*
 * Commands lie one behind the other in one block of bytes:
 *
 *     | header | header | … value … | header | …
 *
 * a header at the next multiple of 8, the value of an `add` right behind it at the
 * next multiple of its type's alignment.  A command that is applied gives its value to
 * the world; one that is skipped or discarded runs the type's drop hook.
 *
 * Commands recorded while others are applied (by an observer) are applied with them.
 */
#include <reef/command.h>

#include "block.h"
#include "world.h"

typedef enum command_kind {
    COMMAND_SPAWN,
    COMMAND_DESPAWN,
    COMMAND_ADD,     /* a value follows */
    COMMAND_INITIAL, /* add the initial value */
    COMMAND_REMOVE,
} command_kind_t;

typedef struct command {
    reef_entity_t entity;
    uint16_t kind;
    reef_component_t component;
    uint32_t next; /* bytes from this header to the next one */
} command_t;

struct reef_commands {
    reef_world_t *world;
    uint8_t *bytes;
    size_t size, capacity;
};

reef_commands_t *reef_commands_create(reef_world_t *world)
{
    reef_commands_t *commands = reef_resize(world->alloc, NULL, 0, sizeof(*commands));

    *commands = (reef_commands_t){.world = world};
    return commands;
}

static void reserve(reef_commands_t *commands, size_t size)
{
    const reef_alloc_t *alloc = commands->world->alloc;
    size_t capacity = commands->capacity > 0 ? commands->capacity : 1024;
    uint8_t *bytes;

    if (size <= commands->capacity) {
        return;
    }
    while (capacity < size) {
        capacity *= 2;
    }
    bytes = reef__block_create(alloc, capacity);
    if (commands->size > 0) {
        memcpy(bytes, commands->bytes, commands->size);
    }
    reef__block_destroy(alloc, commands->bytes, commands->capacity);
    commands->bytes = bytes;
    commands->capacity = capacity;
}

static size_t value_offset(size_t offset, uint32_t alignment)
{
    return reef__align_up(offset + sizeof(command_t), alignment);
}

/* Append a command; gives the place for the value of `type`, if it has one. */
static uint8_t *
record(reef_commands_t *commands, command_t command, const reef_type_t *type)
{
    size_t begin = commands->size;
    size_t value = begin + sizeof(command);
    size_t end = value;

    if (type != NULL) {
        value = value_offset(begin, type->alignment);
        end = value + type->size;
    }
    end = reef__align_up(end, _Alignof(command_t));
    assert(end - begin <= UINT32_MAX);
    reserve(commands, end);
    command.next = (uint32_t)(end - begin);
    memcpy(commands->bytes + begin, &command, sizeof(command));
    commands->size = end;
    return commands->bytes + value;
}

reef_entity_t reef_commands_spawn(reef_commands_t *commands, reef_entity_range_t range)
{
    reef__record_t *slot;
    reef_entity_t entity =
        reef__entity_index_reserve(&commands->world->entities[range], &slot);

    record(commands, (command_t){.entity = entity, .kind = COMMAND_SPAWN}, NULL);
    return entity;
}

void reef_commands_despawn(reef_commands_t *commands, reef_entity_t entity)
{
    record(commands, (command_t){.entity = entity, .kind = COMMAND_DESPAWN}, NULL);
}

void reef_commands_add(reef_commands_t *commands,
                       reef_entity_t entity,
                       const reef_type_t *type,
                       const void *value)
{
    command_t command = {.entity = entity,
                         .kind = COMMAND_INITIAL,
                         .component = reef_world_component(commands->world, type)};
    uint8_t *to;

    if (value == NULL || type->size == 0) {
        record(commands, command, NULL);
        return;
    }
    command.kind = COMMAND_ADD;
    to = record(commands, command, type);
    memcpy(to, value, type->size);
}

void reef_commands_remove(reef_commands_t *commands,
                          reef_entity_t entity,
                          const reef_type_t *type)
{
    command_t command = {.entity = entity,
                         .kind = COMMAND_REMOVE,
                         .component = reef_world_component(commands->world, type)};

    record(commands, command, NULL);
}

/* The command at `offset`, and where its value lies, if it has one. */
static command_t read_command(reef_commands_t *commands, size_t offset, void **value)
{
    command_t command;

    memcpy(&command, commands->bytes + offset, sizeof(command));
    *value = NULL;
    if (command.kind == COMMAND_ADD) {
        const reef_type_t *type =
            reef_world_component_type(commands->world, command.component);

        *value = commands->bytes + value_offset(offset, type->alignment);
    }
    return command;
}

static void drop_value(reef_commands_t *commands, const command_t *command, void *value)
{
    const reef_type_t *type;

    if (value != NULL) {
        type = reef_world_component_type(commands->world, command->component);
        if (type->drop != NULL) {
            type->drop(value);
        }
    }
}

static void apply_command(reef_commands_t *commands, size_t offset, command_t *command)
{
    reef_world_t *world = commands->world;
    void *value;

    *command = read_command(commands, offset, &value);
    switch ((command_kind_t)command->kind) {
    case COMMAND_SPAWN:
        reef__world_activate(world, command->entity);
        break;
    case COMMAND_DESPAWN:
        reef_world_despawn(world, command->entity);
        break;
    case COMMAND_ADD:
    case COMMAND_INITIAL:
        if (!reef_world_add(world, command->entity, command->component, value)) {
            drop_value(commands, command, value);
        }
        break;
    case COMMAND_REMOVE:
        reef_world_remove(world, command->entity, command->component);
        break;
    }
}

void reef_commands_apply(reef_commands_t *commands)
{
    command_t command;

    assert(commands->world->observing == 0);
    for (size_t offset = 0; offset < commands->size; offset += command.next) {
        apply_command(commands, offset, &command);
    }
    commands->size = 0;
}

static void
discard_command(reef_commands_t *commands, size_t offset, command_t *command)
{
    reef__entity_index_t *index;
    void *value;

    *command = read_command(commands, offset, &value);
    drop_value(commands, command, value);
    if (command->kind == COMMAND_SPAWN) {
        index = &commands->world->entities[reef_entity_range(command->entity)];
        if (reef__entity_index_find_reserved(index, command->entity) != NULL) {
            reef__entity_index_cancel(index, command->entity);
        }
    }
}

void reef_commands_destroy(reef_commands_t *commands)
{
    const reef_alloc_t *alloc;
    command_t command;

    if (commands == NULL) {
        return;
    }
    for (size_t offset = 0; offset < commands->size; offset += command.next) {
        discard_command(commands, offset, &command);
    }
    alloc = commands->world->alloc;
    reef__block_destroy(alloc, commands->bytes, commands->capacity);
    reef_resize(alloc, commands, sizeof(*commands), 0);
}
