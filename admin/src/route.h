/**
 * @file route.h
 * @brief The one table of what can be asked for, and by whom.
 *
 * A pattern is a path below the site's root; `{}` stands for one segment, or the part
 * of it before `:`.  What is not in the table is denied.
 */
#ifndef REEF_ADMIN_ROUTE_H
#define REEF_ADMIN_ROUTE_H

#include "state.h"

typedef struct reef__route {
    const char *method; /* GET also answers HEAD */
    const char *pattern;
    reef__role_t role; /* at least; REEF__ROLE_NONE = open to all */
    reef__handler_fn handle;
} reef__route_t;

extern const reef__route_t reef__routes[];
extern const size_t reef__route_count;

/**
 * Match @p path with a pattern.
 *
 * @param parameters Receives the decoded {} parts, when it matches.
 */
bool reef__pattern_matches(const char *pattern,
                           const char *path,
                           char parameters[REEF__MAX_PARAMETERS][REEF__PARAMETER_SIZE]);

typedef struct reef__route_match {
    const reef__route_t *route; /* NULL when none has this method */
    bool path_known;
    char allow[64]; /* methods of the path, for a 405 */
} reef__route_match_t;

/** Find the route of @p request and fill its parameters. */
reef__route_match_t reef__route_find(reef__request_t *request);

#endif /* REEF_ADMIN_ROUTE_H */
