/**
 * @file name.h
 * @brief Names that clients choose: what they may not be.
 *
 * Texts of clients are valid UTF-8 already; but a name that is shown to others must not
 * move their cursor, look like a notice of the server, or be of any length.
 */
#ifndef REEF_NAME_H
#define REEF_NAME_H

#include <reef/attrs.h>
#include <reef/error.h>
#include <reef/span.h>

typedef struct reef_name_rules {
    const char *what; /* in the complaint: "A nickname" */
    size_t max_size;  /* bytes */
    bool is_one_word; /* no white space */
} reef_name_rules_t;

/**
 * Check a name: 1 to max_size bytes, UTF-8, no control characters (C0, DEL, C1), no
 * invisible ones that reorder or hide text (U+200B to U+200F, U+2028 to U+202E, U+2060
 * to U+2069, U+FEFF), not beginning with `[` as notices do.
 *
 * @return REEF_OK; REEF_E_RANGE (its size) or REEF_E_INVALID, with a sentence for the
 *         client in @p failure: "A nickname has at most 32 bytes."
 */
REEF_NODISCARD reef_error_t reef_name_check(const reef_name_rules_t *rules,
                                            reef_span_t name,
                                            reef_failure_t *failure);

#endif /* REEF_NAME_H */
