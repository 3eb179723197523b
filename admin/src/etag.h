/**
 * @file etag.h
 * @brief Entity tags of component values (RFC 9110 section 8.8.3).
 */
#ifndef REEF_ADMIN_ETAG_H
#define REEF_ADMIN_ETAG_H

#include <stdbool.h>

enum {
    REEF__ETAG_SIZE = 16 + 2 + 1
};

/** The tag of a value printed as canonical JSON, quotes included. */
void reef__etag_make(const char *canonical, char etag[REEF__ETAG_SIZE]);

/** Whether a list as of If-Match holds @p etag, or is `*`; weak tags match nothing. */
bool reef__etag_matches(const char *list, const char *etag);

/** Whether a list as of If-None-Match holds @p etag, weak or not, or is `*`. */
bool reef__etag_is_known(const char *list, const char *etag);

#endif /* REEF_ADMIN_ETAG_H */
