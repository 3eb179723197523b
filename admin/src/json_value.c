/*
 * JSON to reflected values: the tree of the library as a source of reef_type_read().
 */
#include "json_fields.h"

#include <reef/reflect_visit.h>

static reef_node_kind_t node_kind(const void *node)
{
    if (cJSON_IsObject(node)) {
        return REEF_NODE_OBJECT;
    }
    if (cJSON_IsArray(node)) {
        return REEF_NODE_ARRAY;
    }
    return cJSON_IsNull(node) ? REEF_NODE_NULL : REEF_NODE_SCALAR;
}

static const void *node_first(const void *node)
{
    return ((const cJSON *)node)->child;
}

static const void *node_next(const void *node)
{
    return ((const cJSON *)node)->next;
}

static reef_span_t node_name(const void *node)
{
    return reef_span_text(((const cJSON *)node)->string);
}

static reef_value_t node_scalar(const void *node)
{
    const cJSON *json = node;

    if (cJSON_IsString(json)) {
        return (reef_value_t){.tag = REEF_VALUE_TEXT,
                              .text = reef_span_text(json->valuestring)};
    }
    if (cJSON_IsNumber(json)) {
        return (reef_value_t){.tag = REEF_VALUE_FLOAT, .real = json->valuedouble};
    }
    return (reef_value_t){.tag = REEF_VALUE_BOOL, .boolean = cJSON_IsTrue(json)};
}

static void add_error(void *context, const char *pointer, const char *text)
{
    reef__field_errors_add(context, pointer, "%s", text);
}

bool reef__value_from_json(const reef_type_t *type,
                           const void *present,
                           const cJSON *json,
                           void *value,
                           const char *pointer,
                           reef__field_errors_t *errors)
{
    static const reef_source_t source = {.kind = node_kind,
                                         .first = node_first,
                                         .next = node_next,
                                         .name = node_name,
                                         .scalar = node_scalar};

    if (reef__type_is_read_only(type)) {
        reef__field_errors_add(errors, pointer, "%s: is read-only", type->name);
        return false;
    }
    return reef_type_read(type,
                          &(reef_read_desc_t){.source = &source,
                                              .node = json,
                                              .present = present,
                                              .pointer = pointer,
                                              .fail = add_error,
                                              .context = errors},
                          value);
}
