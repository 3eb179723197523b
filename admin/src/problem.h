/**
 * @file problem.h
 * @brief Errors as `application/problem+json` (RFC 9457).
 *
 * A problem that is about fields carries `errors`, each with a JSON pointer
 * (RFC 6901) into the body that was sent.
 */
#ifndef REEF_ADMIN_PROBLEM_H
#define REEF_ADMIN_PROBLEM_H

#include "exchange.h"

enum {
    REEF__MAX_FIELD_ERRORS = 16,
    REEF__POINTER_SIZE = 256,
};

typedef struct reef__field_errors {
    size_t count;
    struct {
        char pointer[REEF__POINTER_SIZE];
        char detail[REEF_FAILURE_TEXT_SIZE];
    } items[REEF__MAX_FIELD_ERRORS];
} reef__field_errors_t;

/** Note that what @p pointer names is wrong; more than fit are left out. */
REEF_PRINTF(3, 4)
void reef__field_errors_add(reef__field_errors_t *errors,
                            const char *pointer,
                            const char *format,
                            ...);

/** Append `/segment`, escaped, to a pointer; what does not fit is cut. */
void reef__pointer_append(char pointer[REEF__POINTER_SIZE], const char *segment);

/** The usual phrase of an HTTP status. */
const char *reef__status_text(int status);

/** Answer with a problem. */
REEF_PRINTF(3, 4)
void reef__problem(reef__reply_t *reply, int status, const char *format, ...);

/** Answer 422 with @p errors. */
void reef__problem_fields(reef__reply_t *reply, const reef__field_errors_t *errors);

/** Answer 412 with the present @p value (taken over; NULL = there is none). */
void reef__problem_stale(reef__reply_t *reply, cJSON *value);

#endif /* REEF_ADMIN_PROBLEM_H */
