/*
 * One server at a time on a database file: two would number their snapshots alike and
 * each lose what the other stored.
 */
#ifndef REEF_SNAPSHOT_LOCK_H
#define REEF_SNAPSHOT_LOCK_H

#include <reef/attrs.h>
#include <reef/error.h>

enum {
    REEF__LOCK_NONE = -1
};

/*
 * Make the file when it is not there, and lock it, without waiting.  To be called
 * before SQLite opens the file, and released after SQLite has closed it: to close any
 * descriptor of a file drops the locks that SQLite holds on it.
 *
 * Returns REEF_OK, or REEF_E_IO when it is in use or cannot be opened.  *lock is the
 * caller's: reef__lock_release().
 */
REEF_NODISCARD reef_error_t reef__lock_acquire(const char *path,
                                               int *lock,
                                               reef_failure_t *failure);

/* Accepts REEF__LOCK_NONE. */
void reef__lock_release(int lock);

#endif /* REEF_SNAPSHOT_LOCK_H */
