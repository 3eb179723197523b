/**
 * @file error.h
 * @brief One error type for the whole project.
 *
 * Fallible functions return reef_error_t: REEF_OK (0) or a negative code.  Where
 * a person has to mend something they also fill a reef_failure_t with a sentence
 * that names what was wrong.
 */
#ifndef REEF_ERROR_H
#define REEF_ERROR_H

#include <reef/attrs.h>

#define REEF_ERROR_MAP(X)                                                              \
    X(INVALID, -1, "invalid argument")                                                 \
    X(LIMIT, -2, "configured limit reached")                                           \
    X(CLOSED, -3, "peer or object already closed")                                     \
    X(NOT_FOUND, -4, "not found")                                                      \
    X(EXISTS, -5, "already exists")                                                    \
    X(RANGE, -6, "value out of range")                                                 \
    X(READ_ONLY, -7, "value is read-only")                                             \
    X(TIMEOUT, -8, "no answer within the deadline")                                    \
    X(IO, -9, "input or output failed")                                                \
    X(CORRUPT, -10, "stored data is damaged")                                          \
    X(TOO_NEW, -11, "stored data is newer than this program")                          \
    X(USAGE, -12, "wrong usage of the command line")

typedef enum reef_error {
    REEF_OK = 0,
#define X(name, value, text) REEF_E_##name = (value),
    REEF_ERROR_MAP(X)
#undef X
} reef_error_t;

enum {
    REEF_FAILURE_TEXT_SIZE = 320
};

/** What went wrong, in words for the person who can mend it. */
typedef struct reef_failure {
    reef_error_t error;
    char text[REEF_FAILURE_TEXT_SIZE]; /* one line, no trailing full stop */
} reef_failure_t;

/** Static text for @p error; never NULL, not to be freed. */
const char *reef_error_text(reef_error_t error);

/**
 * Describe a failure and return its code, so that a caller can write
 * `return reef_fail(failure, REEF_E_RANGE, "%s: …", key);`.
 *
 * @param failure Receives code and text (cut to fit); may be NULL.
 */
REEF_PRINTF(3, 4)
reef_error_t
reef_fail(reef_failure_t *failure, reef_error_t error, const char *format, ...);

#endif /* REEF_ERROR_H */
