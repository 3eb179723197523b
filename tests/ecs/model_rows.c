/*
 * Entities that arrive with their components: rows, bundles, and what a snapshot puts
 * back.  A relation that cannot be is then there and points nowhere.
 */
#include "model.h"

enum {
    ROW_SIZE = MODEL_MAX_SIZE + 112 /* of all types */
};

/* Filling -------------------------------------------------------------------------- */

void model_fill(model_t *model,
                model_thing_t *thing,
                uint16_t mask,
                const uint64_t *numbers)
{
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        uint64_t value = numbers[type];

        if ((mask >> type & 1) == 0) {
            continue;
        }
        if (model_is_relation(type) && value != 0 &&
            !model_accepts(model, type, thing->id, value)) {
            model->stale++;
            value = 0;
        }
        model_attach(model, thing, type, value);
    }
}

/* The components in an order of their own. */
static uint32_t order_types(uint16_t mask, uint32_t from, uint8_t *order)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MODEL_TYPES; i++) {
        uint32_t type = (from * 5 + i * 7) % MODEL_TYPES; /* 7 and 12 are coprime */

        if (mask >> type & 1) {
            order[count++] = (uint8_t)type;
        }
    }
    return count;
}

static bool gives_nothing(uint16_t value)
{
    return value % 16 == 7;
}

/* One value in four is not given, sometimes none. */
static uint16_t arg_of(uint32_t type, uint16_t value, uint32_t row)
{
    if ((value + type) % 4 == 0 || gives_nothing(value)) {
        return MODEL_INITIAL;
    }
    if (model_is_relation(type)) {
        return (uint16_t)((value + row) % MODEL_REGISTERS);
    }
    return (uint16_t)((value + row) & 0xff);
}

static uint8_t *scratch(model_t *model, size_t size)
{
    REEF_ARRAY_RESERVE(reef_alloc_default(), &model->scratch, size + 64);
    return model->scratch.items + (64 - ((uintptr_t)model->scratch.items & 63));
}

/* Empty registers from `from` on, `count` at most, in a row. */
static uint32_t list_empty(model_t *model, uint32_t from, uint32_t count, uint16_t *out)
{
    uint32_t found = 0;

    for (uint32_t i = from; i < from + count && i < MODEL_REGISTERS; i++) {
        if (model_at(model, i)->state == MODEL_EMPTY) {
            out[found++] = (uint16_t)i;
        }
    }
    return found;
}

/* Columns for `count` rows; `numbers` receives [count][MODEL_TYPES]. */
static void make_columns(model_t *model,
                         const model_bundle_t *like,
                         uint32_t count,
                         uint16_t value,
                         const void **columns,
                         uint64_t (*numbers)[MODEL_TYPES])
{
    uint8_t *bytes =
        scratch(model, (size_t)count * ROW_SIZE + (size_t)MODEL_TYPES * 64);

    for (uint32_t i = 0; i < like->count; i++) {
        uint32_t type = like->order[i];
        uint32_t size = model_types[type].size;
        bool given = arg_of(type, value, 0) != MODEL_INITIAL;

        columns[i] = given && size > 0 ? bytes : NULL;
        for (uint32_t row = 0; row < count; row++) {
            numbers[row][type] = model_value(model, type, arg_of(type, value, row));
            model_encode(type, numbers[row][type], bytes + (size_t)row * size);
        }
        bytes += ((size_t)count * size + 63) & ~(size_t)63;
    }
}

/* The rows that were spawned: into the registers, then filled in order. */
static void take_rows(model_t *model,
                      const model_bundle_t *like,
                      const uint16_t *at,
                      uint32_t count,
                      const reef_entity_t *ids,
                      uint64_t (*numbers)[MODEL_TYPES])
{
    for (uint32_t i = 0; i < count; i++) {
        model_bind(model, at[i], ids[i], reef_entity_range(ids[i]), MODEL_ALIVE);
    }
    for (uint32_t i = 0; i < count; i++) {
        model_fill(model, &model->things[at[i]], like->mask, numbers[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < like->count; k++) {
            model_expect(model, REEF_OBSERVE_ADD, &model->things[at[i]], like->order[k],
                         false);
        }
    }
}

/* Operations ----------------------------------------------------------------------- */

static void spawn_rows(model_t *model,
                       const model_bundle_t *like,
                       const uint16_t *at,
                       uint32_t count,
                       uint16_t value,
                       reef_entity_range_t range)
{
    static reef_entity_t ids[MODEL_REGISTERS];
    static uint64_t numbers[MODEL_REGISTERS][MODEL_TYPES];
    const void *columns[MODEL_TYPES] = {0};
    reef_component_t components[MODEL_TYPES];

    make_columns(model, like, count, value, columns, numbers);
    if (like->bundle != NULL) {
        reef_bundle_spawn_rows(like->bundle, range, count,
                               gives_nothing(value) ? NULL : columns, ids);
    } else {
        for (uint32_t i = 0; i < like->count; i++) {
            components[i] = model->ids[like->order[i]];
        }
        reef_world_spawn_rows(
            model->world,
            &(reef_rows_desc_t){.range = range,
                                .count = count,
                                .components = components,
                                .component_count = like->count,
                                .columns = gives_nothing(value) ? NULL : columns},
            ids);
    }
    take_rows(model, like, at, count, ids, numbers);
}

bool model_spawn_rows(model_t *model, const uint16_t *args)
{
    static uint16_t at[MODEL_REGISTERS];
    uint32_t count = list_empty(model, args[0], args[1], at);
    model_bundle_t like = {.mask = args[2] & ((1u << MODEL_TYPES) - 1)};

    if (count == 0) {
        return false;
    }
    like.count = order_types(like.mask, args[3], like.order);
    spawn_rows(model, &like, at, count, args[3], args[4] % 2);
    return true;
}

bool model_bundle_create(model_t *model, const uint16_t *args)
{
    model_bundle_t *bundle = &model->bundles[args[0] % MODEL_BUNDLES];
    const reef_type_t *types[MODEL_TYPES];

    if (bundle->bundle != NULL) {
        return false;
    }
    bundle->mask = args[1] & ((1u << MODEL_TYPES) - 1);
    bundle->count = order_types(bundle->mask, args[1], bundle->order);
    for (uint32_t i = 0; i < bundle->count; i++) {
        types[i] = &model_types[bundle->order[i]];
    }
    bundle->bundle = reef_bundle_create(model->world, types, bundle->count);
    return true;
}

bool model_bundle_destroy(model_t *model, const uint16_t *args)
{
    model_bundle_t *bundle = &model->bundles[args[0] % MODEL_BUNDLES];

    if (bundle->bundle == NULL || bundle->recorded > 0) {
        return false;
    }
    reef_bundle_destroy(bundle->bundle);
    *bundle = (model_bundle_t){0};
    return true;
}

void model_bundle_values(model_t *model,
                         const model_bundle_t *bundle,
                         uint16_t arg,
                         uint8_t *bytes,
                         const void **pointers,
                         uint64_t *out)
{
    for (uint32_t i = 0; i < bundle->count; i++) {
        uint32_t type = bundle->order[i];
        uint16_t given = arg_of(type, arg, 0);

        out[type] = model_value(model, type, given);
        model_encode(type, out[type], bytes + (size_t)i * MODEL_MAX_SIZE);
        pointers[i] =
            given != MODEL_INITIAL ? bytes + (size_t)i * MODEL_MAX_SIZE : NULL;
    }
}

bool model_bundle_spawn(model_t *model, const uint16_t *args)
{
    const model_bundle_t *bundle = &model->bundles[args[0] % MODEL_BUNDLES];
    _Alignas(64) uint8_t bytes[MODEL_TYPES * MODEL_MAX_SIZE];
    const void *pointers[MODEL_TYPES];
    uint64_t numbers[1][MODEL_TYPES] = {0};
    reef_entity_range_t range = args[3] % 2;
    reef_entity_t id;

    if (bundle->bundle == NULL || model_at(model, args[1])->state != MODEL_EMPTY) {
        return false;
    }
    model_bundle_values(model, bundle, args[2], bytes, pointers, numbers[0]);
    id = reef_bundle_spawn(bundle->bundle, range, pointers);
    MODEL_CHECK(model, reef_entity_range(id) == range, "id %#llx",
                (unsigned long long)id);
    take_rows(model, bundle, &args[1], 1, &id, numbers);
    return true;
}

bool model_bundle_rows(model_t *model, const uint16_t *args)
{
    static uint16_t at[MODEL_REGISTERS];
    const model_bundle_t *bundle = &model->bundles[args[0] % MODEL_BUNDLES];
    uint32_t count = list_empty(model, args[1], args[2], at);

    if (bundle->bundle == NULL || count == 0) {
        return false;
    }
    spawn_rows(model, bundle, at, count, args[3], args[4] % 2);
    return true;
}

/* Restoring ------------------------------------------------------------------------ */

/* One that is put back, with what it had. */
typedef struct kept {
    model_thing_t *thing;
    reef_entity_t id;
    uint16_t has;
    bool omitted;
    uint64_t values[MODEL_TYPES];
} kept_t;

typedef struct kept_list {
    kept_t *items;
    size_t count, capacity;
} kept_list_t;

static bool is_kept(uint32_t type, uint32_t how)
{
    return (how & 1) == 0 || (model_types[type].flags & REEF_PERSISTENT) != 0;
}

static void keep_all(model_t *model, uint32_t how, kept_list_t *list)
{
    uint32_t every = how >> 1 & 7;

    for (uint32_t i = 0; i < model->used; i++) {
        model_thing_t *thing = &model->things[i];
        kept_t *kept;

        if (thing->state != MODEL_ALIVE ||
            reef_entity_range(thing->id) == REEF_RANGE_SESSION) {
            continue;
        }
        kept = REEF_ARRAY_PUSH(reef_alloc_default(), list);
        *kept = (kept_t){.thing = thing, .id = thing->id};
        kept->omitted = every > 0 && list->count % every == 0;
        for (uint32_t type = 0; type < MODEL_TYPES; type++) {
            if ((thing->has >> type & 1) && is_kept(type, how)) {
                kept->has |= (uint16_t)(1u << type);
                kept->values[type] = thing->values[type];
            }
        }
    }
}

/* The model, after everything of the range was despawned and its ids came back. */
static void forget_world(model_t *model, const kept_list_t *list)
{
    for (size_t i = 0; i < list->count; i++) {
        list->items[i].thing->dying = true;
        *REEF_ARRAY_PUSH(reef_alloc_default(), &model->doomed) = list->items[i].thing;
    }
    model_despawn_doomed(model);
    for (size_t i = 0; i < list->count; i++) {
        uint32_t index = reef_entity_index(list->items[i].id);
        model_thing_t *thing = list->items[i].thing;
        reef_entity_t old = thing->old;

        model->generations[REEF_RANGE_WORLD][index]--;
        model_bind(model, (uint32_t)(thing - model->things), list->items[i].id,
                   REEF_RANGE_WORLD, MODEL_RESERVED);
        thing->old = old != thing->id ? old : 0;
    }
}

/* Owners come back as other values: the ones before were dropped. */
static void renew_tokens(model_t *model, kept_t *kept)
{
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if ((kept->has >> type & 1) && model_is_owner(type)) {
            kept->values[type] = model_value(model, type, 0);
        }
    }
}

static reef_error_t put_back(model_t *model, const kept_t *kept, bool twice)
{
    static _Alignas(64) uint8_t bytes[MODEL_TYPES][2 * MODEL_MAX_SIZE];
    reef_component_t components[MODEL_TYPES];
    const void *columns[MODEL_TYPES];
    reef_entity_t ids[] = {kept->id, kept->id};
    uint32_t count = 0;

    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if (kept->has >> type & 1) {
            model_encode(type, kept->values[type], bytes[type]);
            model_encode(type, kept->values[type],
                         bytes[type] + model_types[type].size);
            components[count] = model->ids[type];
            columns[count++] = bytes[type];
        }
    }
    return reef_world_restore_rows(model->world,
                                   &(reef_rows_desc_t){.count = twice ? 2 : 1,
                                                       .components = components,
                                                       .component_count = count,
                                                       .columns = columns},
                                   ids);
}

static void restore_one(model_t *model, kept_t *kept)
{
    renew_tokens(model, kept);
    MODEL_CHECK(model, put_back(model, kept, true) == REEF_E_CORRUPT, "an id twice");
    MODEL_CHECK(model, put_back(model, kept, false) == REEF_OK, "not restored");
    MODEL_CHECK(model, put_back(model, kept, false) == REEF_E_CORRUPT, "in use");
    kept->thing->state = MODEL_ALIVE;
    model->alive++;
    model_fill(model, kept->thing, kept->has, kept->values);
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if (kept->has >> type & 1) {
            model_expect(model, REEF_OBSERVE_ADD, kept->thing, type, false);
        }
    }
}

/* Slots that contradict themselves change nothing. */
static void import_corrupt(model_t *model, reef_slots_t slots)
{
    uint32_t wrong = 0;

    if (slots.free_count == 0) {
        return;
    }
    for (uint32_t i = 1; i < slots.slot_count; i++) {
        wrong = slots.generations[i] & 1 ? i : wrong;
    }
    if (wrong == 0) {
        wrong = slots.slot_count;
    }
    wrong ^= slots.free_list[0]; /* swapped, for a moment */
    slots.free_list[0] ^= wrong;
    MODEL_CHECK(model, reef_world_import_slots(model->world, &slots) == REEF_E_CORRUPT,
                "free and alive");
    slots.free_list[0] ^= wrong;
}

static bool is_quiet(const model_t *model)
{
    for (uint32_t i = 0; i < MODEL_RECORDERS; i++) {
        if (model->commands[i].count > 0) {
            return false;
        }
    }
    return true;
}

/* `how`: bit 0: only what is persistent; from bit 1 on: every so-manieth is left out.
 */
bool model_restore(model_t *model, const uint16_t *args)
{
    kept_list_t list = {0};
    reef_slots_t slots;
    uint32_t omitted = 0;

    if (!is_quiet(model)) {
        return false;
    }
    keep_all(model, args[0], &list);
    reef_world_export_slots(model->world, &slots);
    import_corrupt(model, slots);
    MODEL_CHECK(model, reef_world_import_slots(model->world, &slots) == REEF_OK,
                "own slots are refused");
    reef_slots_finish(&slots);
    forget_world(model, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (!list.items[i].omitted) {
            restore_one(model, &list.items[i]);
        }
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].omitted) {
            omitted++;
            list.items[i].thing->dying = true;
            *REEF_ARRAY_PUSH(reef_alloc_default(), &model->doomed) =
                list.items[i].thing;
        }
    }
    model_despawn_doomed(model);
    MODEL_CHECK(model, reef_world_restore_end(model->world) == omitted,
                "%u were left out", omitted);
    REEF_ARRAY_FINISH(reef_alloc_default(), &list);
    return true;
}
