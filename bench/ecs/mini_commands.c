/*
 * One buffer of records, each a header and the values behind it, padded to 8 bytes.
 * Applying walks it once from the front.
 */
#include "harness.h"
#include "mini.h"
#include "mini_store.h"

#include <stdlib.h>

typedef enum command_kind {
    COMMAND_SPAWN,
    COMMAND_DESPAWN,
    COMMAND_ADD
} command_kind_t;

typedef struct command {
    mini_entity_t entity;
    mini_table_t *table; /* of a spawn */
    uint32_t kind;
    uint32_t component; /* of an add */
} command_t;

enum {
    VALUE_MAX = 64 /* bytes of one value */
};

struct mini_commands {
    mini_store_t *store;
    uint8_t *bytes;
    size_t size, capacity;
};

mini_commands_t *mini_commands_create(mini_store_t *store)
{
    mini_commands_t *commands = bench_resize(NULL, sizeof(*commands));

    *commands = (mini_commands_t){.store = store};
    return commands;
}

void mini_commands_destroy(mini_commands_t *commands)
{
    free(commands->bytes);
    free(commands);
}

static size_t padded(uint32_t size)
{
    return ((size_t)size + 7) / 8 * 8;
}

/* Room for one record: of an 8-byte multiple, so every one is aligned. */
static inline void *reserve(mini_commands_t *commands, size_t size)
{
    if (commands->size + size > commands->capacity) {
        commands->capacity = commands->capacity * 2 + size + 4096;
        commands->bytes = bench_resize(commands->bytes, commands->capacity);
    }
    return commands->bytes + commands->size;
}

mini_entity_t mini_commands_spawn(mini_commands_t *commands,
                                  mini_table_t *table,
                                  const void *const *values)
{
    mini_entity_t entity = mini__reserve(commands->store);
    command_t *command =
        reserve(commands, sizeof(command_t) + (size_t)MINI_MAX_COMPONENTS * VALUE_MAX);
    uint8_t *at = (uint8_t *)(command + 1);

    command->entity = entity;
    command->table = table;
    command->kind = COMMAND_SPAWN;
    for (uint32_t i = 0; i < table->value_count; i++) {
        mini__copy(at, values[i], table->values[i].size);
        at += padded(table->values[i].size);
    }
    commands->size = (size_t)(at - commands->bytes);
    return entity;
}

void mini_commands_despawn(mini_commands_t *commands, mini_entity_t entity)
{
    command_t *command = reserve(commands, sizeof(command_t));

    command->entity = entity;
    command->kind = COMMAND_DESPAWN;
    commands->size += sizeof(command_t);
}

void mini_commands_add(mini_commands_t *commands,
                       mini_entity_t entity,
                       uint32_t component,
                       const void *value)
{
    uint32_t size = commands->store->sizes[component];
    command_t *command = reserve(commands, sizeof(command_t) + padded(size));

    command->entity = entity;
    command->kind = COMMAND_ADD;
    command->component = component;
    mini__copy(command + 1, value, size);
    commands->size += sizeof(command_t) + padded(size);
}

static const uint8_t *
apply_spawn(mini_store_t *store, const command_t *command, const uint8_t *values)
{
    mini_table_t *table = command->table;
    uint32_t row = mini__append(store, table, command->entity);

    for (uint32_t i = 0; i < table->value_count; i++) {
        uint32_t size = table->values[i].size;

        mini__copy(table->columns[table->values[i].component] + (size_t)row * size,
                   values, size);
        values += padded(size);
    }
    return values;
}

void mini_commands_apply(mini_commands_t *commands)
{
    mini_store_t *store = commands->store;
    const uint8_t *at = commands->bytes, *end = at + commands->size;

    while (at != end) {
        const command_t *command = (const void *)at;

        at += sizeof(*command);
        if (command->kind == COMMAND_SPAWN) {
            at = apply_spawn(store, command, at);
        } else if (command->kind == COMMAND_DESPAWN) {
            mini_despawn(store, command->entity);
        } else {
            mini_add(store, command->entity, command->component, at);
            at += padded(store->sizes[command->component]);
        }
    }
    commands->size = 0;
}
