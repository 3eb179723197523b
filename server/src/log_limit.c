/* Of several threads whose lines are due, the one that moves the time on may log. */
#include "log_limit.h"

enum {
    PAUSE_MS = 1000
};

bool reef__log_limit_pass(reef__log_limit_t *limit, uint64_t now_ms, uint64_t *skipped)
{
    uint64_t due = atomic_load_explicit(&limit->due_ms, memory_order_relaxed);

    if (now_ms < due ||
        !atomic_compare_exchange_strong(&limit->due_ms, &due, now_ms + PAUSE_MS)) {
        atomic_fetch_add_explicit(&limit->skipped, 1, memory_order_relaxed);
        return false;
    }
    *skipped = atomic_exchange_explicit(&limit->skipped, 0, memory_order_relaxed);
    return true;
}
