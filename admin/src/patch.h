/**
 * @file patch.h
 * @brief Changing a JSON value by another: merge patch (RFC 7396) and the operations
 * `test`, `add`, `replace`, `remove` of JSON Patch (RFC 6902).  Pure functions.
 */
#ifndef REEF_ADMIN_PATCH_H
#define REEF_ADMIN_PATCH_H

#include "problem.h"

enum {
    REEF__MAX_PATCH_OPERATIONS = 256
};

typedef enum reef__patch_result {
    REEF__PATCH_DONE,
    REEF__PATCH_REFUSED,     /* malformed, or it names what is not there */
    REEF__PATCH_TEST_FAILED, /* the value is not what `test` says */
} reef__patch_result_t;

/** Merge @p patch into @p target, which is taken over; returns the result. */
cJSON *reef__patch_merge(cJSON *target, const cJSON *patch);

/**
 * Apply a list of operations in order.
 *
 * @param target Taken over and replaced, also when the patch fails half way.
 * @param errors Grows unless the result is REEF__PATCH_DONE; pointers are into
 *               @p patch.
 */
reef__patch_result_t
reef__patch_apply(cJSON **target, const cJSON *patch, reef__field_errors_t *errors);

#endif /* REEF_ADMIN_PATCH_H */
