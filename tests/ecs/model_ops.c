/*
 * Carrying out operations, and those on one entity.
 */
#include "model.h"

/* On one entity -------------------------------------------------------------------- */

static bool spawn(model_t *model, const uint16_t *args)
{
    reef_entity_range_t range = args[1] % 2;

    if (model_at(model, args[0])->state != MODEL_EMPTY) {
        return false;
    }
    model_bind(model, args[0], reef_world_spawn(model->world, range), range,
               MODEL_ALIVE);
    return true;
}

static bool despawn(model_t *model, const uint16_t *args)
{
    model_thing_t *thing = model_at(model, args[0]);

    if (thing->state == MODEL_EMPTY) {
        return false;
    }
    MODEL_CHECK(model,
                reef_world_despawn(model->world, thing->id) ==
                    (thing->state == MODEL_ALIVE),
                "despawn of %#llx", (unsigned long long)thing->id);
    if (thing->state == MODEL_ALIVE) {
        model_despawn(model, thing);
    } else {
        model->stale++;
    }
    return true;
}

/* A value arrives by add, set or copy. */
static void arrive(model_t *model, model_thing_t *thing, uint32_t type, uint64_t value)
{
    if (thing->has >> type & 1) {
        model_write(model, thing, type, value);
        model_expect(model, REEF_OBSERVE_SET, thing, type, false);
    } else {
        model_attach(model, thing, type, value);
        model_expect(model, REEF_OBSERVE_ADD, thing, type, false);
    }
    model_check_version(model, thing, type);
}

/* Whether add (or else set) will do it; a dead one and a refused relation count. */
static bool
will_take(model_t *model, const model_thing_t *thing, uint32_t type, uint64_t value)
{
    if (thing->state != MODEL_ALIVE ||
        (model_is_relation(type) && !model_accepts(model, type, thing->id, value))) {
        model->stale++;
        return false;
    }
    return true;
}

static bool add(model_t *model, const uint16_t *args)
{
    model_thing_t *thing = model_at(model, args[0]);
    uint32_t type = args[1] % MODEL_TYPES;
    _Alignas(64) uint8_t bytes[MODEL_MAX_SIZE];
    uint64_t value;
    bool taken;

    if (thing->state == MODEL_EMPTY) {
        return false;
    }
    value = model_value(model, type, args[2]);
    model_encode(type, value, bytes);
    taken = will_take(model, thing, type, value);
    MODEL_CHECK(model,
                reef_world_add(model->world, thing->id, model->ids[type],
                               args[2] != MODEL_INITIAL ? bytes : NULL) == taken,
                "add of %s", model_types[type].name);
    if (taken) {
        arrive(model, thing, type, value);
    } else {
        model_release(type, value);
        model_forget_token(model, type, value);
    }
    return true;
}

static bool set(model_t *model, const uint16_t *args)
{
    model_thing_t *thing = model_at(model, args[0]);
    uint32_t type = args[1] % MODEL_TYPES;
    _Alignas(64) uint8_t bytes[MODEL_MAX_SIZE];
    uint64_t value;
    bool taken;

    if (thing->state == MODEL_EMPTY) {
        return false;
    }
    value = model_value(model, type, args[2] & 0xfff);
    model_encode(type, value, bytes);
    taken = (thing->state != MODEL_ALIVE || (thing->has >> type & 1)) &&
            will_take(model, thing, type, value);
    MODEL_CHECK(model,
                reef_world_set(model->world, thing->id, model->ids[type], bytes) ==
                    taken,
                "set of %s", model_types[type].name);
    if (taken) {
        arrive(model, thing, type, value);
    } else {
        model_release(type, value);
        model_forget_token(model, type, value);
    }
    return true;
}

static bool remove_one(model_t *model, const uint16_t *args)
{
    model_thing_t *thing = model_at(model, args[0]);
    uint32_t type = args[1] % MODEL_TYPES;
    bool there = thing->state == MODEL_ALIVE && (thing->has >> type & 1);

    if (thing->state == MODEL_EMPTY) {
        return false;
    }
    MODEL_CHECK(model,
                reef_world_remove(model->world, thing->id, model->ids[type]) == there,
                "remove of %s", model_types[type].name);
    model->stale += thing->state != MODEL_ALIVE;
    if (there && (type != MODEL_WIDE || model->fault != MODEL_KEEPS_REMOVED)) {
        model_expect(model, REEF_OBSERVE_REMOVE, thing, type, false);
        model_take(model, thing, type);
    }
    return true;
}

static bool find_mut(model_t *model, const uint16_t *args)
{
    model_thing_t *thing = model_at(model, args[0]);
    uint32_t type = args[1] % MODEL_TYPES;
    bool there = thing->state == MODEL_ALIVE && (thing->has >> type & 1);
    void *at;

    if (thing->state == MODEL_EMPTY || model_is_relation(type)) {
        return false;
    }
    at = reef_world_find_mut(model->world, thing->id, model->ids[type]);
    MODEL_CHECK(model, (at != NULL) == there, "find_mut of %s", model_types[type].name);
    if (!there) {
        return true;
    }
    if (!model_is_owner(type)) {
        thing->values[type] = model_value(model, type, args[2] & 0xff);
        model_encode(type, thing->values[type], at);
    }
    model_mark(model, thing, type);
    model_check_version(model, thing, type);
    return true;
}

/* The value given lies in the world itself. */
static bool copy(model_t *model, const uint16_t *args)
{
    model_thing_t *thing = model_at(model, args[0]);
    uint32_t type = args[1] % MODEL_TYPES;
    model_thing_t *from = model_at(model, args[2]);

    if (thing->state != MODEL_ALIVE || from->state != MODEL_ALIVE ||
        (from->has >> type & 1) == 0 || model_is_owner(type) ||
        model_is_relation(type)) {
        return false;
    }
    MODEL_CHECK(
        model,
        reef_world_add(model->world, thing->id, model->ids[type],
                       reef_world_find(model->world, from->id, model->ids[type])),
        "copy of %s", model_types[type].name);
    arrive(model, thing, type, from->values[type]);
    return true;
}

/* Something with an id that is dead. */
static bool stale(model_t *model, const uint16_t *args)
{
    reef_entity_t old = model_at(model, args[0])->old;
    uint32_t type = args[2] % MODEL_TYPES;
    reef_component_t id = model->ids[type];
    _Alignas(64) uint8_t bytes[MODEL_MAX_SIZE];
    bool done = false;

    if (old == 0) {
        return false;
    }
    model_encode(type, 0, bytes);
    switch (args[1] % 6) {
    case 0:
        done = reef_world_despawn(model->world, old);
        break;
    case 1:
        done = reef_world_add(model->world, old, id, bytes);
        break;
    case 2:
        done = reef_world_set(model->world, old, id, bytes);
        break;
    case 3:
        done = reef_world_remove(model->world, old, id);
        break;
    case 4:
        done = reef_world_find_mut(model->world, old, id) != NULL;
        break;
    default:
        done = reef_world_has(model->world, old, id) ||
               reef_world_find(model->world, old, id) != NULL;
        break;
    }
    MODEL_CHECK(model, !done, "done to a dead one");
    model->stale += args[1] % 6 < 4;
    return true;
}

/* On the world --------------------------------------------------------------------- */

static bool is_pinned(const model_t *model, uint16_t mask)
{
    for (uint32_t i = 0; i < MODEL_BUNDLES; i++) {
        if (model->bundles[i].bundle != NULL && model->bundles[i].mask == mask) {
            return true;
        }
    }
    return mask == 0;
}

static bool trim(model_t *model, const uint16_t *args)
{
    (void)args;
    reef_world_trim(model->world);
    for (uint32_t i = 0; i < reef_world_table_count(model->world); i++) {
        const reef_table_t *table = reef_world_table(model->world, i);
        uint16_t mask = 0;
        uint32_t count;
        const reef_component_t *ids;

        if (table == NULL) {
            continue;
        }
        ids = reef_table_components(table, &count);
        for (uint32_t k = 0; k < count; k++) {
            mask |= (uint16_t)(1u << model->type_of[ids[k]]);
        }
        MODEL_CHECK(model, reef_table_row_count(table) > 0 || is_pinned(model, mask),
                    "the table of %#x is empty, and still there", mask);
    }
    return true;
}

static bool advance(model_t *model, const uint16_t *args)
{
    uint64_t before = reef_world_version(model->world);

    (void)args;
    MODEL_CHECK(model, reef_world_advance_version(model->world) > before, "version");
    return true;
}

/* Dispatch ------------------------------------------------------------------------- */

typedef bool (*op_fn)(model_t *model, const uint16_t *args);

static const op_fn functions[MODEL_KINDS] = {
    [MODEL_OP_SPAWN] = spawn,
    [MODEL_OP_SPAWN_ROWS] = model_spawn_rows,
    [MODEL_OP_BUNDLE_CREATE] = model_bundle_create,
    [MODEL_OP_BUNDLE_DESTROY] = model_bundle_destroy,
    [MODEL_OP_BUNDLE_SPAWN] = model_bundle_spawn,
    [MODEL_OP_BUNDLE_ROWS] = model_bundle_rows,
    [MODEL_OP_DESPAWN] = despawn,
    [MODEL_OP_ADD] = add,
    [MODEL_OP_SET] = set,
    [MODEL_OP_REMOVE] = remove_one,
    [MODEL_OP_FIND_MUT] = find_mut,
    [MODEL_OP_COPY] = copy,
    [MODEL_OP_STALE] = stale,
    [MODEL_OP_QUERY_CREATE] = model_query_create,
    [MODEL_OP_QUERY_DESTROY] = model_query_destroy,
    [MODEL_OP_ITERATE] = model_iterate,
    [MODEL_OP_NESTED] = model_nested,
    [MODEL_OP_SKIP_CHANGES] = model_skip_changes,
    [MODEL_OP_TRIM] = trim,
    [MODEL_OP_OBSERVE] = model_observe,
    [MODEL_OP_REACT] = model_react,
    [MODEL_OP_ADVANCE] = advance,
    [MODEL_OP_RECORD_SPAWN] = model_record_spawn,
    [MODEL_OP_RECORD_BUNDLE] = model_record_bundle,
    [MODEL_OP_RECORD_DESPAWN] = model_record_despawn,
    [MODEL_OP_RECORD_ADD] = model_record_add,
    [MODEL_OP_RECORD_SET] = model_record_set,
    [MODEL_OP_RECORD_REMOVE] = model_record_remove,
    [MODEL_OP_RECORD_STALE] = model_record_stale,
    [MODEL_OP_APPLY] = model_apply,
    [MODEL_OP_DISCARD] = model_discard,
    [MODEL_OP_RESTORE] = model_restore,
    [MODEL_OP_COMPARE] = model_compare,
};

/* The register that an operation is about, or NULL. */
static const model_thing_t *subject(model_t *model, const model_op_t *op)
{
    const char *letter = strchr(model_op_letters[op->kind], 'r');

    return letter == NULL
               ? NULL
               : model_at(model, op->args[letter - model_op_letters[op->kind]]);
}

static void run_op(model_t *model, const model_op_t *op)
{
    model_report_t *report = model->report;

    model->op = op;
    model->expected.count = 0;
    model->actual.count = 0;
    if (functions[op->kind](model, op->args)) {
        report->executed++;
        report->kinds[op->kind]++;
        model_check_cheap(model, subject(model, op));
    }
    report->at++;
}

void model_run(const model_ops_t *ops, model_fault_t fault, model_report_t *report)
{
    static const model_op_t last[] = {
        {MODEL_OP_APPLY, {0}}, {MODEL_OP_APPLY, {1}},   {MODEL_OP_APPLY, {2}},
        {MODEL_OP_APPLY, {3}}, {MODEL_OP_COMPARE, {0}},
    };
    static model_t model;

    model_begin(&model, fault, report);
    for (size_t i = 0; i < ops->count; i++) {
        run_op(&model, &ops->items[i]);
    }
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        run_op(&model, &last[i]);
    }
    model_check_replica(&model);
    report->digest ^= reef_world_state_hash(model.world);
    model_end(&model);
}
