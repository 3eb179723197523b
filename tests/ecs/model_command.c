/*
 * Commands: recorded in both, and applied.  The model reads them as the header says:
 * all on one entity together, in the place of the first, or of the first despawn.
 *
 * Where the header is silent: a component that is removed and added again was removed
 * and added; a relation that cannot be is as if it had not been recorded; what follows
 * a despawn of the same entity meets a dead one.
 */
#include "model.h"

#include <stdlib.h>

/* Recording ------------------------------------------------------------------------ */

static uint32_t recorder_of(const uint16_t *args)
{
    return args[0] % MODEL_RECORDERS;
}

model_command_t *
model_record(model_t *model, uint32_t recorder, model_kind_t kind, reef_entity_t entity)
{
    model_command_t *command =
        REEF_ARRAY_PUSH(reef_alloc_default(), &model->commands[recorder]);

    memset(command, 0, sizeof(*command));
    command->kind = kind;
    command->entity = entity;
    return command;
}

bool model_record_spawn(model_t *model, const uint16_t *args)
{
    uint32_t k = recorder_of(args);
    model_thing_t *thing = model_at(model, args[1]);
    reef_entity_range_t range = args[2] % 2;
    reef_entity_t id;

    if (thing->state != MODEL_EMPTY) {
        return false;
    }
    id = reef_commands_spawn(model->recorders[k], range);
    model_bind(model, args[1], id, range, MODEL_RESERVED);
    model_record(model, k, MODEL_OP_RECORD_SPAWN, id);
    return true;
}

bool model_record_bundle(model_t *model, const uint16_t *args)
{
    uint32_t k = recorder_of(args);
    model_bundle_t *bundle = &model->bundles[args[1] % MODEL_BUNDLES];
    model_thing_t *thing = model_at(model, args[2]);
    reef_entity_range_t range = args[4] % 2;
    _Alignas(64) uint8_t bytes[MODEL_TYPES * MODEL_MAX_SIZE];
    const void *pointers[MODEL_TYPES];
    uint64_t numbers[MODEL_TYPES] = {0};
    model_command_t *command;
    reef_entity_t id;

    if (thing->state != MODEL_EMPTY || bundle->bundle == NULL) {
        return false;
    }
    model_bundle_values(model, bundle, args[3], bytes, pointers, numbers);
    id = reef_commands_spawn_bundle(model->recorders[k], bundle->bundle, range,
                                    pointers);
    model_bind(model, args[2], id, range, MODEL_RESERVED);
    command = model_record(model, k, MODEL_OP_RECORD_BUNDLE, id);
    command->mask = bundle->mask;
    command->bundle = (uint8_t)(args[1] % MODEL_BUNDLES);
    memcpy(command->values, numbers, sizeof(numbers));
    bundle->recorded++;
    return true;
}

static void record_despawn(model_t *model, uint32_t recorder, reef_entity_t entity)
{
    reef_commands_despawn(model->recorders[recorder], entity);
    model_record(model, recorder, MODEL_OP_RECORD_DESPAWN, entity);
}

static void record_value(model_t *model,
                         const uint16_t *args,
                         model_kind_t kind,
                         reef_entity_t entity,
                         uint16_t value)
{
    uint32_t k = recorder_of(args);
    uint32_t type = args[2] % MODEL_TYPES;
    model_command_t *command = model_record(model, k, kind, entity);
    _Alignas(64) uint8_t bytes[MODEL_MAX_SIZE];
    const void *given = value != MODEL_INITIAL ? bytes : NULL;

    command->mask = (uint16_t)(1u << type);
    command->values[type] = model_value(model, type, value);
    model_encode(type, command->values[type], bytes);
    if (kind == MODEL_OP_RECORD_ADD) {
        reef_commands_add(model->recorders[k], entity, &model_types[type], given);
    } else {
        reef_commands_set(model->recorders[k], entity, &model_types[type], bytes);
    }
    if (kind == MODEL_OP_RECORD_SET && type == MODEL_EIGHT &&
        model->fault == MODEL_CRASHES) {
        abort();
    }
}

static void
record_remove(model_t *model, uint32_t k, uint32_t type, reef_entity_t entity)
{
    reef_commands_remove(model->recorders[k], entity, &model_types[type]);
    model_record(model, k, MODEL_OP_RECORD_REMOVE, entity)->mask =
        (uint16_t)(1u << type);
}

/* Also of one that is only reserved. */
bool model_record_despawn(model_t *model, const uint16_t *args)
{
    const model_thing_t *thing = model_at(model, args[1]);

    if (thing->state != MODEL_EMPTY) {
        record_despawn(model, recorder_of(args), thing->id);
    }
    return thing->state != MODEL_EMPTY;
}

bool model_record_add(model_t *model, const uint16_t *args)
{
    const model_thing_t *thing = model_at(model, args[1]);

    if (thing->state != MODEL_EMPTY) {
        record_value(model, args, MODEL_OP_RECORD_ADD, thing->id, args[3]);
    }
    return thing->state != MODEL_EMPTY;
}

bool model_record_set(model_t *model, const uint16_t *args)
{
    const model_thing_t *thing = model_at(model, args[1]);

    if (thing->state != MODEL_EMPTY) {
        record_value(model, args, MODEL_OP_RECORD_SET, thing->id, args[3] & 0xfff);
    }
    return thing->state != MODEL_EMPTY;
}

bool model_record_remove(model_t *model, const uint16_t *args)
{
    const model_thing_t *thing = model_at(model, args[1]);

    if (thing->state != MODEL_EMPTY) {
        record_remove(model, recorder_of(args), args[2] % MODEL_TYPES, thing->id);
    }
    return thing->state != MODEL_EMPTY;
}

bool model_record_stale(model_t *model, const uint16_t *args)
{
    reef_entity_t old = model_at(model, args[1])->old;
    uint16_t inner[] = {args[0], args[1], args[3]};

    if (old == 0) {
        return false;
    }
    switch (args[2] % 4) {
    case 0:
        record_despawn(model, recorder_of(args), old);
        break;
    case 1:
        record_value(model, inner, MODEL_OP_RECORD_ADD, old, args[4]);
        break;
    case 2:
        record_value(model, inner, MODEL_OP_RECORD_SET, old, args[4] & 0xfff);
        break;
    default:
        record_remove(model, recorder_of(args), args[3] % MODEL_TYPES, old);
        break;
    }
    return true;
}

/* Applying ------------------------------------------------------------------------- */

/* What becomes of an entity. */
typedef struct fold {
    model_t *model;
    model_thing_t *thing;
    uint16_t has, gone, written; /* in the end; removed meanwhile; given a value */
    bool spawned, dead;
    uint64_t values[MODEL_TYPES];
} fold_t;

static void drop_values(model_t *model, uint16_t mask, const uint64_t *values)
{
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if (mask >> type & 1) {
            model_forget_token(model, type, values[type]);
        }
    }
}

static void forget_written(fold_t *fold, uint16_t mask)
{
    drop_values(fold->model, fold->written & mask, fold->values);
    fold->written &= (uint16_t)~mask;
}

static void fold_write(fold_t *fold, const model_command_t *command)
{
    forget_written(fold, command->mask);
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if (command->mask >> type & 1) {
            fold->values[type] = command->values[type];
        }
    }
    fold->has |= command->mask;
    fold->written |= command->mask;
}

static void fold_command(fold_t *fold, const model_command_t *command)
{
    if (fold->dead) {
        fold->model->stale++;
        drop_values(fold->model, command->mask, command->values);
        return;
    }
    switch (command->kind) {
    case MODEL_OP_RECORD_SPAWN:
        fold->spawned = true;
        break;
    case MODEL_OP_RECORD_BUNDLE:
        fold->spawned = true;
        fold_write(fold, command);
        break;
    case MODEL_OP_RECORD_ADD:
        fold_write(fold, command);
        break;
    case MODEL_OP_RECORD_SET:
        if (fold->has & command->mask) {
            fold_write(fold, command);
        } else {
            drop_values(fold->model, command->mask, command->values);
        }
        break;
    case MODEL_OP_RECORD_REMOVE:
        forget_written(fold, command->mask);
        fold->gone |= fold->thing->has & command->mask;
        fold->has &= (uint16_t)~command->mask;
        break;
    default:
        fold->dead = true;
        break;
    }
}

static void refuse_relations(fold_t *fold)
{
    for (uint32_t type = MODEL_PARENT; type <= MODEL_MEMBER; type++) {
        uint16_t bit = (uint16_t)(1u << type);

        if ((fold->written & bit) &&
            !model_accepts(fold->model, type, fold->thing->id, fold->values[type])) {
            fold->model->stale++;
            fold->written &= (uint16_t)~bit;
            fold->has &= (uint16_t)~bit;
            fold->has |= fold->thing->has & bit & (uint16_t)~fold->gone;
        }
    }
}

static void carry_out_type(const fold_t *fold, uint32_t type)
{
    model_t *model = fold->model;
    model_thing_t *thing = fold->thing;

    if (fold->gone >> type & 1) {
        model_expect(model, REEF_OBSERVE_REMOVE, thing, type, false);
        model_take(model, thing, type);
    }
    if ((fold->written >> type & 1) == 0) {
        return;
    }
    if (thing->has >> type & 1) {
        model_write(model, thing, type, fold->values[type]);
        model_expect(model, REEF_OBSERVE_SET, thing, type, false);
    } else {
        model_attach(model, thing, type, fold->values[type]);
        model_expect(model, REEF_OBSERVE_ADD, thing, type, false);
    }
}

static void carry_out(fold_t *fold)
{
    if (fold->dead) {
        forget_written(fold, fold->written);
        model_despawn(fold->model, fold->thing);
        return;
    }
    if (fold->spawned) {
        fold->thing->state = MODEL_ALIVE;
        fold->model->alive++;
    }
    refuse_relations(fold);
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        carry_out_type(fold, type);
    }
}

static void release_bundle(model_t *model, const model_command_t *command)
{
    if (command->kind == MODEL_OP_RECORD_BUNDLE) {
        model->bundles[command->bundle].recorded--;
    }
}

/* The commands on the entity of command `first`. */
static void apply_group(model_t *model, model_list_t *list, size_t first)
{
    reef_entity_t entity = list->items[first].entity;
    model_kind_t kind = list->items[first].kind;
    bool spawns = kind == MODEL_OP_RECORD_SPAWN || kind == MODEL_OP_RECORD_BUNDLE;
    fold_t fold = {.model = model};

    fold.thing = spawns ? model_find_known(model, entity) : model_find(model, entity);
    fold.dead = fold.thing == NULL;
    fold.has = fold.dead ? 0 : fold.thing->has;
    for (size_t i = first; i < list->count; i++) {
        model_command_t *command = &list->items[i];

        if (command->entity == entity) {
            command->done = true;
            fold_command(&fold, command);
            release_bundle(model, command);
        }
    }
    if (fold.thing != NULL) {
        carry_out(&fold);
    }
}

/* Where the commands on the entity of command @p i begin to be applied: at the first of
 * them, or when one despawns it at that one.  False when that is not here. */
static bool begins_at(const model_list_t *list, size_t i, size_t *first)
{
    reef_entity_t entity = list->items[i].entity;
    size_t despawn = 0;

    for (*first = 0; list->items[*first].entity != entity; ++*first) {
    }
    for (despawn = *first; despawn < list->count; despawn++) {
        if (list->items[despawn].entity == entity &&
            list->items[despawn].kind == MODEL_OP_RECORD_DESPAWN) {
            return i == despawn;
        }
    }
    return i == *first;
}

bool model_apply(model_t *model, const uint16_t *args)
{
    model_list_t *list = &model->commands[recorder_of(args)];

    reef_commands_apply(model->recorders[recorder_of(args)]);
    while (list->count > 0) {
        model_list_t taken = *list;

        *list = (model_list_t){0};
        for (size_t i = 0; i < taken.count; i++) {
            size_t first;

            if (!taken.items[i].done && begins_at(&taken, i, &first)) {
                apply_group(model, &taken, first);
            }
        }
        REEF_ARRAY_FINISH(reef_alloc_default(), &taken);
    }
    return true;
}

bool model_discard(model_t *model, const uint16_t *args)
{
    uint32_t k = recorder_of(args);
    model_list_t *list = &model->commands[k];

    reef_commands_destroy(model->recorders[k]);
    model->recorders[k] = reef_commands_create(model->world);
    for (size_t i = 0; i < list->count; i++) {
        const model_command_t *command = &list->items[i];

        release_bundle(model, command);
        drop_values(model, command->mask, command->values);
        if (command->kind == MODEL_OP_RECORD_SPAWN ||
            command->kind == MODEL_OP_RECORD_BUNDLE) {
            model_despawn(model, model_find_known(model, command->entity));
        }
    }
    list->count = 0;
    return true;
}
