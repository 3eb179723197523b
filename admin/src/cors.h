/**
 * @file cors.h
 * @brief Which pages may read replies, told in the headers that browsers ask for.
 *
 * Fetch standard, section 3.3.  Never with credentials: a page of another origin gets
 * what anybody gets.
 */
#ifndef REEF_ADMIN_CORS_H
#define REEF_ADMIN_CORS_H

#include "exchange.h"

/**
 * Add what @p origins, a list by commas, `*` or empty, says about @p request.
 *
 * @param allow Methods of the path, for a preflight.
 */
void reef__cors_add(const char *origins,
                    const reef__request_t *request,
                    const char *allow,
                    reef__reply_t *reply);

#endif /* REEF_ADMIN_CORS_H */
