#include <reef/reflect_visit.h>

#include <assert.h>

/* What does not change on the way. */
typedef struct walk {
    const reef_visitor_t *visitor;
    void *context;
} walk_t;

/* A struct, or an element that is one. */
typedef struct part {
    const reef_field_t *field; /* NULL = the outermost */
    const reef_type_t *type;
    const void *value;
    bool secret;
    unsigned depth;
} part_t;

static void visit_struct(const walk_t *walk, const part_t *part);

static void visit_element(const walk_t *walk,
                          const part_t *part,
                          const reef_field_t *field,
                          const void *element)
{
    bool secret = part->secret || field->secret;

    if (field->kind == REEF_KIND_STRUCT) {
        visit_struct(walk, &(part_t){.field = field,
                                     .type = field->type,
                                     .value = element,
                                     .secret = secret,
                                     .depth = part->depth + 1});
    } else if (secret) {
        walk->visitor->secret(walk->context, field);
    } else {
        walk->visitor->value(walk->context, field, reef_field_get(field, element));
    }
}

static void visit_struct(const walk_t *walk, const part_t *part)
{
    const reef_visitor_t *visitor = walk->visitor;

    assert(part->depth <= REEF_MAX_NESTING);
    visitor->begin_struct(walk->context, part->field, part->type);
    for (uint32_t i = 0; i < part->type->field_count; i++) {
        const reef_field_t *field = &part->type->fields[i];

        if (field->array_count > 0) {
            visitor->begin_array(walk->context, field);
        }
        for (uint32_t j = 0; j < reef_field_count(field); j++) {
            visit_element(walk, part, field,
                          reef_field_at_const(field, part->value, j));
        }
        if (field->array_count > 0) {
            visitor->end_array(walk->context);
        }
    }
    visitor->end_struct(walk->context);
}

void reef_type_visit(const reef_type_t *type,
                     const void *value,
                     const reef_visitor_t *visitor,
                     void *context)
{
    visit_struct(&(walk_t){.visitor = visitor, .context = context},
                 &(part_t){.type = type, .value = value});
}

const char *reef_field_mask_name(const reef_field_t *field, uint64_t bits, uint32_t *at)
{
    while (*at < field->value_count) {
        const reef_enum_value_t *named = &field->values[(*at)++];
        uint64_t value = (uint64_t)named->value;

        if (value != 0 && (bits & value) == value) {
            return named->name;
        }
    }
    return NULL;
}
