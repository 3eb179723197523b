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

    /** Not the names that are given to those without one: "User" refuses `User 7`, in
     *  whatever case and with any white space between.  NULL = no such names. */
    const char *reserved;
    char separator; /* what ends the name where it is shown, as in `NAME: text`, and so
                       is not in it; 0 = any character may */
} reef_name_rules_t;

/**
 * Check a name: 1 to max_size bytes, UTF-8, no control characters (C0, DEL, C1), no
 * invisible ones that hide, reorder or only fill (zero-width, bidirectional and tag
 * characters, fillers, byte order marks), no white space at its ends, not beginning
 * with `[` as notices do.
 *
 * @return REEF_OK; REEF_E_RANGE (its size) or REEF_E_INVALID, with a sentence for the
 *         client in @p failure: "A nickname has at most 32 bytes."
 */
REEF_NODISCARD reef_error_t reef_name_check(const reef_name_rules_t *rules,
                                            reef_span_t name,
                                            reef_failure_t *failure);

#endif /* REEF_NAME_H */
