/*
 * A tag hashes what a reader was shown, so it says whether that is still true, and
 * neither a neighbouring component nor hidden bytes can spoil it.
 */
#include "etag.h"

#include <reef/hash.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void reef__etag_make(const char *canonical, char etag[REEF__ETAG_SIZE])
{
    snprintf(etag, REEF__ETAG_SIZE, "\"%016" PRIx64 "\"",
             reef_hash64(canonical, strlen(canonical), 0));
}

static bool matches(const char *list, const char *etag, bool weakly)
{
    size_t size = strlen(etag);

    list += strspn(list, " \t");
    if (list[0] == '*') {
        return list[1 + strspn(list + 1, " \t")] == '\0';
    }
    while (*list != '\0') {
        size_t entry, end;

        if (weakly && strncmp(list, "W/", 2) == 0) {
            list += 2;
        }
        entry = strcspn(list, ",");
        end = entry;

        while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t')) {
            end--;
        }
        if (end == size && memcmp(list, etag, size) == 0) {
            return true;
        }
        list += entry;
        list += strspn(list, ", \t");
    }
    return false;
}

bool reef__etag_matches(const char *list, const char *etag)
{
    return matches(list, etag, false);
}

bool reef__etag_is_known(const char *list, const char *etag)
{
    return matches(list, etag, true);
}
