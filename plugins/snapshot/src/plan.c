/*
 * A plan is a list of steps, one per field that both layouts have; steps that copy
 * neighbouring bytes become one, so a struct of numbers that did not change is one
 * memcpy.  Values that a system wrote beyond `min` and `max` come back as they were:
 * only conversions are validated.
 */
#include "plan.h"

#include "memory.h"

#include <reef/array.h>

#include <stdio.h>

static uint32_t element_count(const reef_field_t *field)
{
    return field->array_count == 0 ? 1 : field->array_count;
}

/* Every named value of @p stored has the same number in @p known. */
static bool values_agree(const reef_field_t *stored, const reef_field_t *known)
{
    for (uint32_t i = 0; i < stored->value_count; i++) {
        bool found = false;

        for (uint32_t j = 0; j < known->value_count && !found; j++) {
            found = stored->values[i].value == known->values[j].value &&
                    strcmp(stored->values[i].name, known->values[j].name) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static reef__step_kind_t choose_kind(const reef_field_t *stored,
                                     const reef_field_t *known)
{
    if (stored->kind == REEF_KIND_STRING && known->kind == REEF_KIND_STRING) {
        return REEF__STEP_STRING;
    }
    if (stored->kind != known->kind) {
        return REEF__STEP_CONVERT;
    }
    if (stored->kind == REEF_KIND_BOOL) {
        return REEF__STEP_BOOL;
    }
    return values_agree(stored, known) ? REEF__STEP_COPY : REEF__STEP_CONVERT;
}

static void add_step(reef__plan_t *plan,
                     const reef_field_t *stored,
                     const reef_field_t *known,
                     reef_snapshot_restored_t *report)
{
    reef__step_t step = {.kind = choose_kind(stored, known),
                         .from = stored->offset,
                         .to = known->offset,
                         .count = element_count(stored),
                         .source = stored,
                         .target = known};
    reef__step_t *last =
        plan->steps.count > 0 ? &plan->steps.items[plan->steps.count - 1] : NULL;

    if (step.count > element_count(known)) {
        step.count = element_count(known);
        reef__report_warn(report, "component '%s': field '%s' has %u elements now",
                          plan->type->name, known->name, step.count);
    }
    step.size = step.count * known->size;
    if (step.kind == REEF__STEP_COPY && last != NULL && last->kind == step.kind &&
        last->from + last->size == step.from && last->to + last->size == step.to) {
        last->size += step.size;
        return;
    }
    *REEF_ARRAY_PUSH(reef_alloc_default(), &plan->steps) = step;
}

void reef__plan_init(reef__plan_t *plan,
                     const reef_type_t *type,
                     reef__layout_t *stored,
                     reef_snapshot_restored_t *report)
{
    *plan = (reef__plan_t){.type = type, .stored = *stored};
    *stored = (reef__layout_t){0};
    reef__layout_init(&plan->known, type);
    plan->initial = snapshot_alloc_zeroed(type->size);
    reef_type_init(type, plan->initial);
    for (size_t i = 0; i < plan->stored.leaves.count; i++) {
        const reef__leaf_t *from = &plan->stored.leaves.items[i];
        const reef__leaf_t *to = reef__layout_find(&plan->known, from->path);

        if (to == NULL) {
            reef__report_warn(report, "component '%s': field '%s' is gone: dropped",
                              type->name, from->path);
        } else {
            add_step(plan, &from->field, &to->field, report);
        }
    }
}

void reef__plan_finish(reef__plan_t *plan)
{
    reef__layout_finish(&plan->stored);
    reef__layout_finish(&plan->known);
    REEF_ARRAY_FINISH(reef_alloc_default(), &plan->steps);
    snapshot_free(plan->initial, plan->type->size);
}

/* Applying --------------------------------------------------------------------- */

/* Report the first value of a step that does not fit. */
static void
warn_once(reef__step_t *step, const char *what, reef_snapshot_restored_t *report)
{
    if (!step->warned) {
        step->warned = true;
        reef__report_warn(report, "%s", what);
    }
}

static void copy_string(const reef__plan_t *plan,
                        reef__step_t *step,
                        const uint8_t *from,
                        uint8_t *to,
                        reef_snapshot_restored_t *report)
{
    size_t length = strnlen((const char *)from, step->source->size);
    size_t room = step->target->size - 1;
    char text[REEF_SNAPSHOT_WARNING_SIZE];

    if (length > room) {
        length = room;
        /* Not within a character: 10xxxxxx continues one. */
        while (length > 0 && (from[length] & 0xc0) == 0x80) {
            length--;
        }
        snprintf(text, sizeof(text), "component '%.40s': texts in '%.60s' were cut",
                 plan->type->name, step->target->name);
        warn_once(step, text, report);
    }
    memcpy(to, from, length);
    memset(to + length, 0, step->target->size - length);
}

static void convert(const reef__plan_t *plan,
                    reef__step_t *step,
                    const uint8_t *from,
                    uint8_t *to,
                    reef_snapshot_restored_t *report)
{
    reef_failure_t failure;
    char text[REEF_SNAPSHOT_WARNING_SIZE];

    if (reef_field_set(step->target, to, reef_field_get(step->source, from),
                       &failure) != REEF_OK) {
        snprintf(text, sizeof(text), "component '%.40s': not converted: %.90s",
                 plan->type->name, failure.text);
        warn_once(step, text, report);
    }
}

static void apply_step(const reef__plan_t *plan,
                       reef__step_t *step,
                       const uint8_t *from,
                       uint8_t *to,
                       reef_snapshot_restored_t *report)
{
    from += step->from;
    to += step->to;
    if (step->kind == REEF__STEP_COPY) {
        memcpy(to, from, step->size);
        return;
    }
    for (uint32_t i = 0; i < step->count; i++) {
        if (step->kind == REEF__STEP_BOOL) {
            *to = *from != 0;
        } else if (step->kind == REEF__STEP_STRING) {
            copy_string(plan, step, from, to, report);
        } else {
            convert(plan, step, from, to, report);
        }
        from += step->source->size;
        to += step->target->size;
    }
}

void reef__plan_apply(reef__plan_t *plan,
                      const uint8_t *from,
                      uint8_t *to,
                      uint32_t count,
                      reef_snapshot_restored_t *report)
{
    uint32_t size = plan->type->size;

    for (uint32_t i = 0; size > 0 && i < count; i++) {
        memcpy(to, plan->initial, size);
        for (size_t j = 0; j < plan->steps.count; j++) {
            apply_step(plan, &plan->steps.items[j], from, to, report);
        }
        from += plan->stored.size;
        to += size;
    }
}
