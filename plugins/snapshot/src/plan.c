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

static bool is_text(const reef_field_t *field)
{
    return field->kind == REEF_KIND_STRING || field->kind == REEF_KIND_TEXT;
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
    if (is_text(stored) && is_text(known)) {
        return REEF__STEP_TEXT;
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
                         .count = reef_field_count(stored),
                         .source = stored,
                         .target = known};
    reef__step_t *last =
        plan->steps.count > 0 ? &plan->steps.items[plan->steps.count - 1] : NULL;

    if (step.count > reef_field_count(known)) {
        step.count = reef_field_count(known);
        reef__report_warn(report, "component '%s': field '%s' has %u elements now",
                          plan->type->name, known->name, step.count);
    }
    step.size = step.count * known->size;
    if (step.kind == REEF__STEP_COPY && last != NULL && last->kind == step.kind &&
        last->from + last->size == step.from && last->to + last->size == step.to) {
        last->size += step.size;
        return;
    }
    REEF_ARRAY_RESERVE(reef_alloc_default(), &plan->steps, plan->steps.count + 1);
    plan->steps.items[plan->steps.count++] = step;
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
    reef_type_drop_texts(plan->type, plan->initial);
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

/* The text at @p from, a string or a stored text. */
static reef_span_t
source_text(const reef_field_t *source, const uint8_t *from, reef_span_t heap)
{
    return source->kind == REEF_KIND_TEXT
               ? reef__texts_get(from, heap)
               : reef_span(from, strnlen((const char *)from, source->size));
}

/* Strings that systems wrote come back as they were; texts are always UTF-8. */
static bool put_text(const reef__step_t *step, uint8_t *to, reef_span_t text)
{
    reef_text_t owned;

    if (step->target->kind == REEF_KIND_TEXT) {
        memcpy(&owned, to, sizeof(owned));
        if (!reef_text_set(&owned, text)) {
            return false;
        }
        memcpy(to, &owned, sizeof(owned));
        return true;
    }
    if (step->source->kind == REEF_KIND_TEXT && !reef_text_is_valid(text)) {
        return false;
    }
    if (text.size > 0) {
        memcpy(to, text.data, text.size);
    }
    memset(to + text.size, 0, step->target->size - text.size);
    return true;
}

static void copy_text(const reef__plan_t *plan,
                      reef__step_t *step,
                      reef_span_t text,
                      uint8_t *to,
                      reef_snapshot_restored_t *report)
{
    size_t room = step->target->kind == REEF_KIND_TEXT ? step->target->max_size
                                                       : step->target->size - 1;
    reef_span_t part = reef_text_cut(text, room);
    char warning[REEF_SNAPSHOT_WARNING_SIZE];

    if (!put_text(step, to, part)) {
        snprintf(warning, sizeof(warning),
                 "component '%.40s': not converted: %.60s: is no UTF-8 without NUL",
                 plan->type->name, step->target->name);
        warn_once(step, warning, report);
    } else if (part.size < text.size) {
        snprintf(warning, sizeof(warning),
                 "component '%.40s': texts in '%.60s' were cut", plan->type->name,
                 step->target->name);
        warn_once(step, warning, report);
    }
}

static void convert(const reef__plan_t *plan,
                    reef__step_t *step,
                    reef_value_t value,
                    uint8_t *to,
                    reef_snapshot_restored_t *report)
{
    reef_failure_t failure;
    char text[REEF_SNAPSHOT_WARNING_SIZE];

    if (reef_field_set(step->target, to, value, &failure) != REEF_OK) {
        snprintf(text, sizeof(text), "component '%.40s': not converted: %.90s",
                 plan->type->name, failure.text);
        warn_once(step, text, report);
    }
}

static void apply_element(const reef__plan_t *plan,
                          reef__step_t *step,
                          const uint8_t *from,
                          reef_span_t heap,
                          uint8_t *to,
                          reef_snapshot_restored_t *report)
{
    reef_value_t value = {.tag = REEF_VALUE_TEXT};

    if (step->kind == REEF__STEP_BOOL) {
        *to = *from != 0;
        return;
    }
    if (step->kind == REEF__STEP_TEXT) {
        copy_text(plan, step, source_text(step->source, from, heap), to, report);
        return;
    }
    if (step->source->kind == REEF_KIND_TEXT) {
        value.text = reef__texts_get(from, heap); /* what is there is no pointer */
    } else {
        value = reef_field_get(step->source, from);
    }
    convert(plan, step, value, to, report);
}

static void apply_step(const reef__plan_t *plan,
                       reef__step_t *step,
                       const uint8_t *from,
                       reef_span_t heap,
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
        apply_element(plan, step, from, heap, to, report);
        from += step->source->size;
        to += step->target->size;
    }
}

void reef__plan_apply(reef__plan_t *plan,
                      const reef__stored_column_t *from,
                      uint8_t *to,
                      uint32_t count,
                      reef_snapshot_restored_t *report)
{
    uint32_t size = plan->type->size;
    const uint8_t *value = from->values;

    for (uint32_t i = 0; size > 0 && i < count; i++) {
        memcpy(to, plan->initial, size);
        if (plan->known.has_texts) {
            (void)reef_type_own_texts(plan->type, to);
        }
        for (size_t j = 0; j < plan->steps.count; j++) {
            apply_step(plan, &plan->steps.items[j], value, from->heap, to, report);
        }
        value += plan->stored.size;
        to += size;
    }
}
