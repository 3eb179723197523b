/**
 * @file json_fields.h
 * @brief Reflected values as JSON, and back after validation.
 *
 * Structs are objects, arrays arrays, a tag is `true`; 64-bit integers and entities
 * are decimal strings (no entity is null), enums their name, masks arrays of names,
 * non-finite numbers "NaN", "Infinity", "-Infinity"; secrets show as "***".
 * Pure functions: any thread.
 */
#ifndef REEF_ADMIN_JSON_FIELDS_H
#define REEF_ADMIN_JSON_FIELDS_H

#include "problem.h"

#include <reef/reflect.h>

/** The value as JSON, fields in their order: the canonical form that ETags hash. */
cJSON *reef__value_to_json(const reef_type_t *type, const void *value);

/** The type for people and editors: name, size, flags, fields. */
cJSON *reef__type_to_json(const reef_type_t *type);

/** Whether operators may not write values of this type: it says so, or it owns what
 * only its drop hook knows. */
bool reef__type_is_read_only(const reef_type_t *type);

/**
 * Make the value that @p json describes: fields that are left out get their initial
 * value, those that operators may not change keep the present one and may only be
 * given with that.
 *
 * @param present The value to be replaced; NULL when there is none yet.
 * @param value   Receives type->size bytes, owned by the caller: reef_type_drop();
 *                untouched when errors were added.
 * @param pointer JSON pointer of @p json in the body, for the errors.
 * @return Whether it was accepted; otherwise @p errors has grown.
 */
REEF_NODISCARD bool reef__value_from_json(const reef_type_t *type,
                                          const void *present,
                                          const cJSON *json,
                                          void *value,
                                          const char *pointer,
                                          reef__field_errors_t *errors);

#endif /* REEF_ADMIN_JSON_FIELDS_H */
