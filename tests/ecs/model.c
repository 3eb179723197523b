/*
 * What the model holds, and what becomes of it.  All of this is as plain as can be:
 * whoever points to an entity is found by looking at everybody.
 */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void model_fail(const model_t *model,
                const char *where,
                const char *condition,
                const char *format,
                ...)
{
    char line[256] = "";
    va_list list;

    if (model->op != NULL) {
        model_print_op(model->op, line, sizeof(line));
    }
    fprintf(stderr, "%s: operation %llu, %s: %s: ", where,
            (unsigned long long)model->report->at, line, condition);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    abort();
}

/* An allocator that knows the size of everything --------------------------------- */

static void *resize(void *context, void *ptr, size_t old_size, size_t new_size)
{
    model_t *model = context;
    size_t known = 0;
    uint8_t *block = NULL;

    if (ptr != NULL) {
        block = (uint8_t *)ptr - _Alignof(max_align_t);
        memcpy(&known, block, sizeof(known));
    }
    MODEL_CHECK(model, known == old_size, "a block of %zu bytes is said to have %zu",
                known, old_size);
    model->allocated += new_size - old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, new_size + _Alignof(max_align_t));
    MODEL_CHECK(model, block != NULL, "no memory");
    memcpy(block, &new_size, sizeof(new_size));
    return block + _Alignof(max_align_t);
}

/* Begin and end -------------------------------------------------------------------- */

void model_begin(model_t *model, model_fault_t fault, model_report_t *report)
{
    *model = (model_t){.fault = fault, .report = report};
    model_reset_tokens();
    model->alloc = (reef_alloc_t){.resize = resize, .ctx = model};
    model->things = calloc(MODEL_REGISTERS, sizeof(*model->things));
    for (uint32_t i = 0; i < 2; i++) {
        model->by_index[i] = calloc(MODEL_INDICES, sizeof(*model->by_index[i]));
        model->generations[i] = calloc(MODEL_INDICES, sizeof(*model->generations[i]));
    }
    model->world = reef_world_create(&(reef_world_desc_t){.alloc = &model->alloc});
    for (uint32_t i = 0; i < MODEL_TYPES; i++) {
        model->ids[i] = reef_world_component(model->world, &model_types[i]);
        model->type_of[model->ids[i]] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < MODEL_RECORDERS; i++) {
        model->recorders[i] = reef_commands_create(model->world);
    }
}

static void finish_lists(model_t *model)
{
    const reef_alloc_t *alloc = reef_alloc_default();

    for (uint32_t i = 0; i < MODEL_RECORDERS; i++) {
        REEF_ARRAY_FINISH(alloc, &model->commands[i]);
    }
    for (size_t i = 0; i < model->tables.count; i++) {
        REEF_ARRAY_FINISH(alloc, &model->tables.items[i]);
    }
    REEF_ARRAY_FINISH(alloc, &model->tables);
    REEF_ARRAY_FINISH(alloc, &model->expected);
    REEF_ARRAY_FINISH(alloc, &model->actual);
    REEF_ARRAY_FINISH(alloc, &model->scratch);
    REEF_ARRAY_FINISH(alloc, &model->doomed);
    for (uint32_t i = 0; i < 2; i++) {
        free(model->by_index[i]);
        free(model->generations[i]);
    }
    free(model->things);
}

void model_end(model_t *model)
{
    for (uint32_t i = 0; i < MODEL_QUERIES; i++) {
        reef_query_destroy(model->queries[i].query);
    }
    for (uint32_t i = 0; i < MODEL_RECORDERS; i++) {
        reef_commands_destroy(model->recorders[i]);
    }
    for (uint32_t i = 0; i < MODEL_BUNDLES; i++) {
        reef_bundle_destroy(model->bundles[i].bundle);
    }
    reef_world_destroy(model->world);
    MODEL_CHECK(model, model_live_tokens() == 0, "%llu values were never dropped",
                (unsigned long long)model_live_tokens());
    MODEL_CHECK(model, model->allocated == 0, "%zu bytes leak", model->allocated);
    finish_lists(model);
}

/* Who is who ----------------------------------------------------------------------- */

model_thing_t *model_find_known(const model_t *model, reef_entity_t id)
{
    uint32_t index = reef_entity_index(id) & (REEF_SESSION_INDEX_BASE - 1);
    uint16_t at = 0;

    if (index < MODEL_INDICES) {
        at = model->by_index[reef_entity_range(id)][index];
    }
    return at != 0 && model->things[at - 1].id == id ? &model->things[at - 1] : NULL;
}

model_thing_t *model_find(const model_t *model, reef_entity_t id)
{
    model_thing_t *thing = model_find_known(model, id);

    return thing != NULL && thing->state == MODEL_ALIVE ? thing : NULL;
}

void model_bind(model_t *model,
                uint32_t at,
                reef_entity_t id,
                reef_entity_range_t range,
                model_state_t state)
{
    uint32_t index = reef_entity_index(id) & (REEF_SESSION_INDEX_BASE - 1);
    uint32_t *generation = &model->generations[range][index % MODEL_INDICES];
    model_thing_t *thing = model_at(model, at);

    MODEL_CHECK(model, thing->state == MODEL_EMPTY, "register %u", at);
    MODEL_CHECK(model, reef_entity_range(id) == range, "id %#llx",
                (unsigned long long)id);
    if (++model->bound[range] > model->peak[range]) {
        model->peak[range] = model->bound[range];
    }
    MODEL_CHECK(model, index < model->peak[range] + (range == REEF_RANGE_WORLD),
                "index %u, but never more than %u ids at once", index,
                model->peak[range]);
    MODEL_CHECK(model, id != 0 && index + range > 0, "index 0");
    MODEL_CHECK(model, reef_entity_generation(id) & 1, "generation is even");
    MODEL_CHECK(model, reef_entity_generation(id) > *generation, "id %#llx was used",
                (unsigned long long)id);
    MODEL_CHECK(model, model->by_index[range][index] == 0, "index %u is in use", index);
    *generation = reef_entity_generation(id);
    model->by_index[range][index] = (uint16_t)(at + 1);
    thing->id = id;
    thing->state = state;
    thing->has = 0;
    thing->marks = 0;
    model->alive += state == MODEL_ALIVE;
    if (model->alive > model->report->max_alive) {
        model->report->max_alive = model->alive;
    }
    model->report->digest = model->report->digest * UINT64_C(0x100000001b3) ^ id;
}

/* Its id is dead from now on. */
static void unbind(model_t *model, model_thing_t *thing)
{
    reef_entity_range_t range = reef_entity_range(thing->id);

    model->by_index[range]
                   [reef_entity_index(thing->id) & (REEF_SESSION_INDEX_BASE - 1)] = 0;
    model->bound[range]--;
    model->alive -= thing->state == MODEL_ALIVE;
    thing->old = thing->id;
    thing->id = 0;
    thing->state = MODEL_EMPTY;
    thing->dying = false;
}

/* Components ----------------------------------------------------------------------- */

static void count_source(const model_t *model, uint32_t type, uint64_t target, int step)
{
    model_thing_t *thing;

    if (model_is_relation(type) && target != 0) {
        thing = model_find_known(model, target);
        MODEL_CHECK(model, thing != NULL, "the model points to a dead one");
        thing->sources[type] += (uint32_t)step;
    }
}

static uint64_t marks_of(const model_t *model, uint32_t type)
{
    return model->changed[type] | model->added[type];
}

static void put(model_t *model, model_thing_t *thing, uint32_t type, uint64_t value)
{
    thing->values[type] = value;
    thing->written[type] = reef_world_version(model->world);
    count_source(model, type, value, 1);
}

void model_attach(model_t *model, model_thing_t *thing, uint32_t type, uint64_t value)
{
    thing->has |= (uint16_t)(1u << type);
    thing->marks |= marks_of(model, type);
    put(model, thing, type, value);
    model->anchored |= type == MODEL_ANCHOR;
}

void model_mark(model_t *model, model_thing_t *thing, uint32_t type)
{
    thing->marks |= model->changed[type];
    thing->written[type] = reef_world_version(model->world);
}

void model_write(model_t *model, model_thing_t *thing, uint32_t type, uint64_t value)
{
    count_source(model, type, thing->values[type], -1);
    model_forget_token(model, type, thing->values[type]);
    model_mark(model, thing, type);
    put(model, thing, type, value);
}

void model_take(model_t *model, model_thing_t *thing, uint32_t type)
{
    count_source(model, type, thing->values[type], -1);
    model_forget_token(model, type, thing->values[type]);
    thing->has &= (uint16_t) ~(1u << type);
    thing->marks &= ~marks_of(model, type);
}

bool model_accepts(const model_t *model,
                   uint32_t type,
                   reef_entity_t source,
                   reef_entity_t target)
{
    const model_thing_t *at = model_find_known(model, target);

    if (at == NULL || target == source) {
        return false;
    }
    while ((unsigned)MODEL_CASCADES >> type & at->has >> type & 1) {
        if (at->values[type] == source) {
            return false;
        }
        at = model_find_known(model, at->values[type]);
        if (at == NULL) {
            break;
        }
    }
    return true;
}

/* Despawning ----------------------------------------------------------------------- */

static bool is_target(const model_thing_t *thing)
{
    return (thing->sources[MODEL_PARENT] | thing->sources[MODEL_ANCHOR] |
            thing->sources[MODEL_MEMBER]) != 0;
}

static void doom(model_t *model, model_thing_t *thing)
{
    if (!thing->dying) {
        thing->dying = true;
        *REEF_ARRAY_PUSH(reef_alloc_default(), &model->doomed) = thing;
    }
}

static bool points(const model_thing_t *source, uint32_t type, reef_entity_t target)
{
    return source->state == MODEL_ALIVE && (source->has >> type & 1) &&
           source->values[type] == target;
}

/* Who hangs on the thing follows it. */
static void doom_sources(model_t *model, const model_thing_t *target)
{
    for (uint32_t i = 0; is_target(target) && i < model->used; i++) {
        if ((points(&model->things[i], MODEL_PARENT, target->id) &&
             model->fault != MODEL_SPARES_SOURCE) ||
            points(&model->things[i], MODEL_ANCHOR, target->id)) {
            doom(model, &model->things[i]);
        }
    }
}

/* Who only points to the thing, and stays, loses the component. */
static void detach_sources(model_t *model, const model_thing_t *target)
{
    for (uint32_t i = 0; is_target(target) && i < model->used; i++) {
        model_thing_t *source = &model->things[i];

        for (uint32_t type = MODEL_PARENT; type <= MODEL_MEMBER && !source->dying;
             type++) {
            if (points(source, type, target->id)) {
                model_expect(model, REEF_OBSERVE_REMOVE, source, type, false);
                model_take(model, source, type);
            }
        }
    }
}

/* When its target dies too, the relation may have been taken from it just before. */
static bool target_dies(const model_t *model, const model_thing_t *thing, uint32_t type)
{
    const model_thing_t *target;

    if (!model_is_relation(type) || thing->values[type] == 0) {
        return false;
    }
    target = model_find_known(model, thing->values[type]);
    return target != NULL && target->dying;
}

static void expect_death(model_t *model, const model_thing_t *thing)
{
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if (thing->has >> type & 1) {
            model_expect(model, REEF_OBSERVE_DESPAWN, thing, type,
                         target_dies(model, thing, type));
            model_expect(model, REEF_OBSERVE_REMOVE, thing, type, false);
        }
    }
}

void model_despawn_doomed(model_t *model)
{
    for (size_t i = 0; i < model->doomed.count; i++) {
        doom_sources(model, model->doomed.items[i]);
    }
    for (size_t i = 0; i < model->doomed.count; i++) {
        expect_death(model, model->doomed.items[i]);
        detach_sources(model, model->doomed.items[i]);
    }
    for (size_t i = 0; i < model->doomed.count; i++) {
        for (uint32_t type = 0; type < MODEL_TYPES; type++) {
            if (model->doomed.items[i]->has >> type & 1) {
                model_take(model, model->doomed.items[i], type);
            }
        }
    }
    for (size_t i = 0; i < model->doomed.count; i++) {
        unbind(model, model->doomed.items[i]);
    }
    model->doomed.count = 0;
}

void model_despawn(model_t *model, model_thing_t *thing)
{
    doom(model, thing);
    model_despawn_doomed(model);
}
