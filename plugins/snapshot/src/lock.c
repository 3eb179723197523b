/*
 * flock() on the database file itself: it is independent of the locks by which SQLite
 * lets its connections take turns, it is given up by the kernel when the process ends,
 * however it ends, and it holds for every name that the file has.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static reef_error_t fail(const char *path, int cause, reef_failure_t *failure)
{
    char reason[100];
    char *whole = realpath(path, NULL);
    const char *shown = whole != NULL ? whole : path;

    if (cause == EWOULDBLOCK) {
        (void)!reef_fail(failure, REEF_E_IO,
                         "snapshot.path: %.200s is in use by another process", shown);
    } else {
        (void)!reef_fail(failure, REEF_E_IO, "snapshot.path: %.200s: %s", shown,
                         strerror_r(cause, reason, sizeof(reason)));
    }
    free(whole);
    return REEF_E_IO;
}

reef_error_t reef__lock_acquire(const char *path, int *lock, reef_failure_t *failure)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    if (descriptor < 0) {
        return fail(path, errno, failure);
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        reef_error_t error = fail(path, errno, failure);

        close(descriptor);
        return error;
    }
    *lock = descriptor;
    return REEF_OK;
}

void reef__lock_release(int lock)
{
    if (lock != REEF__LOCK_NONE) {
        close(lock);
    }
}
