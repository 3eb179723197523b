/**
 * @file fail.h
 * @brief How a run ends that cannot go on: one clear line, exit status 1.
 */
#ifndef WIRE_FAIL_H
#define WIRE_FAIL_H

#include <reef/attrs.h>

#include <stddef.h>

/** Print "reef-bench: …" as a line of its own and exit with 1. */
REEF_NORETURN void fail(const char *format, ...) REEF_PRINTF(1, 2);

/** @p count zeroed objects; owned by the caller: free().  fail() without memory. */
void *need_memory(size_t count, size_t size);

#endif /* WIRE_FAIL_H */
