/*
 * What observers are told, and what they should be told: equal per entity and
 * component, in order.  In which order an operation comes to its entities and
 * components is not promised.
 */
#include "model.h"

#include <stdlib.h>

static model_event_t *push(model_events_t *events, model_event_t event)
{
    event.sequence = (uint32_t)events->count;
    *REEF_ARRAY_PUSH(reef_alloc_default(), events) = event;
    return &events->items[event.sequence];
}

/* Everything is still there, except relations whose target went first. */
static void check_despawn(const model_t *model, reef_entity_t entity)
{
    const model_thing_t *thing = model_find(model, entity);
    uint32_t kind = model->op->kind;

    if (thing == NULL || (kind != MODEL_OP_DESPAWN && kind != MODEL_OP_RESTORE)) {
        return;
    }
    for (uint32_t type = 0; type < MODEL_TYPES; type++) {
        if ((thing->has >> type & 1) && !model_is_relation(type)) {
            MODEL_CHECK(model, reef_world_has(model->world, entity, model->ids[type]),
                        "%s is gone too early", model_types[type].name);
        }
    }
}

/* What pointed to a target that goes has left it. */
static void check_remove(const model_t *model, reef_entity_t entity, uint32_t type)
{
    if (model->op->kind != MODEL_OP_DESPAWN || model_is_relation(type)) {
        return;
    }
    for (uint32_t relation = MODEL_PARENT; relation <= MODEL_MEMBER; relation++) {
        uint32_t count;

        (void)reef_world_sources(model->world, entity, &model_types[relation], &count);
        MODEL_CHECK(model, count == 0, "%s: %u sources are left",
                    model_types[relation].name, count);
    }
}

static void
on_event(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    const model_observer_t *observer = context;
    model_t *model = observer->model;
    uint32_t type = observer->type;
    const void *found = reef_world_find(world, entity, model->ids[type]);
    uint64_t number;

    MODEL_CHECK(model, reef_world_is_alive(world, entity), "observed a dead one");
    MODEL_CHECK(model, value != NULL && found != NULL, "%s is not readable",
                model_types[type].name);
    MODEL_CHECK(model, found == value || model_types[type].size == 0, "%s is elsewhere",
                model_types[type].name);
    number = model_decode(type, value);
    MODEL_CHECK(model, model_holds(type, value, number), "%s is damaged",
                model_types[type].name);
    if (observer->kind == REEF_OBSERVE_DESPAWN) {
        check_despawn(model, entity);
    } else if (observer->kind == REEF_OBSERVE_REMOVE) {
        check_remove(model, entity, type);
    }
    push(&model->actual, (model_event_t){.entity = entity,
                                         .value = number,
                                         .kind = observer->kind,
                                         .type = (uint8_t)type,
                                         .observer = observer->number});
}

bool model_observe(model_t *model, const uint16_t *args)
{
    uint32_t kind = args[0] % 4;
    uint32_t type = args[1] % MODEL_TYPES;
    uint8_t number = model->observers[kind][type];
    model_observer_t *context;

    if (number == MODEL_OBSERVERS) {
        return false;
    }
    context = &model->contexts[kind][type][number];
    *context = (model_observer_t){model, kind, (uint8_t)type, number};
    model->observers[kind][type]++;
    reef_world_observe(model->world, kind, &model_types[type], on_event, context);
    return true;
}

/* Commands of an observer: whoever gets `one` shall have `flag`. */
static void
react(reef_world_t *world, reef_entity_t entity, const void *value, void *context)
{
    model_t *model = context;

    (void)world;
    (void)value;
    if (model->reacting) {
        reef_commands_add(model->recorders[MODEL_REACTOR], entity,
                          &model_types[MODEL_FLAG], NULL);
    }
}

bool model_react(model_t *model, const uint16_t *args)
{
    if (!model->has_reactor) {
        reef_world_observe(model->world, REEF_OBSERVE_ADD, &model_types[MODEL_ONE],
                           react, model);
        model->has_reactor = true;
    }
    model->reacting = args[0] & 1;
    return true;
}

void model_expect(model_t *model,
                  reef_observe_t kind,
                  const model_thing_t *thing,
                  uint32_t type,
                  bool optional)
{
    for (uint8_t i = 0; i < model->observers[kind][type]; i++) {
        push(&model->expected, (model_event_t){.entity = thing->id,
                                               .value = thing->values[type],
                                               .kind = kind,
                                               .type = (uint8_t)type,
                                               .observer = i,
                                               .optional = optional});
    }
    if (kind == REEF_OBSERVE_ADD && type == MODEL_ONE && model->reacting) {
        model_record(model, MODEL_REACTOR, MODEL_OP_RECORD_ADD, thing->id)->mask =
            1 << MODEL_FLAG;
    }
}

/* Comparing ------------------------------------------------------------------------ */

static int compare_subjects(const model_event_t *a, const model_event_t *b)
{
    if (a->entity != b->entity) {
        return a->entity < b->entity ? -1 : 1;
    }
    return (int)a->type - (int)b->type;
}

static int compare_events(const void *a, const void *b)
{
    const model_event_t *left = a, *right = b;
    int order = compare_subjects(left, right);

    return order != 0 ? order : (left->sequence < right->sequence ? -1 : 1);
}

static void sort(model_events_t *events)
{
    if (events->count > 1) {
        qsort(events->items, events->count, sizeof(events->items[0]), compare_events);
    }
}

static const char *kind_name(reef_observe_t kind)
{
    static const char *const names[] = {"add", "set", "remove", "despawn"};

    return names[kind];
}

static bool is_same(const model_event_t *a, const model_event_t *b)
{
    return compare_subjects(a, b) == 0 && a->kind == b->kind &&
           a->observer == b->observer && a->value == b->value;
}

/* DESPAWN comes before the removes of an entity. */
static void check_order(const model_t *model)
{
    for (size_t i = 0; i < model->actual.count && model->actual.count < 64; i++) {
        const model_event_t *event = &model->actual.items[i];

        for (size_t k = 0; k < i && event->kind == REEF_OBSERVE_DESPAWN; k++) {
            const model_event_t *before = &model->actual.items[k];

            MODEL_CHECK(model,
                        before->entity != event->entity ||
                            before->kind != REEF_OBSERVE_REMOVE ||
                            model_is_relation(before->type),
                        "remove of %s before despawn with %s",
                        model_types[before->type].name, model_types[event->type].name);
        }
    }
}

static void miss(const model_t *model, const model_event_t *event, const char *what)
{
    model_fail(model, "observers", what, "%s of %s on %#llx with %llu, observer %u",
               kind_name(event->kind), model_types[event->type].name,
               (unsigned long long)event->entity, (unsigned long long)event->value,
               event->observer);
}

void model_check_events(model_t *model)
{
    size_t seen = 0;

    if (model->op->kind == MODEL_OP_DESPAWN) {
        check_order(model);
    }
    sort(&model->expected);
    sort(&model->actual);
    for (size_t i = 0; i < model->expected.count; i++) {
        const model_event_t *event = &model->expected.items[i];

        if (seen < model->actual.count && is_same(event, &model->actual.items[seen])) {
            seen++;
        } else if (!event->optional) {
            miss(model, event, "not observed, or late");
        }
    }
    if (seen < model->actual.count) {
        miss(model, &model->actual.items[seen], "observed without cause");
    }
}
