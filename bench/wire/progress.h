/**
 * @file progress.h
 * @brief One line on a terminal that says how far the run is.
 */
#ifndef WIRE_PROGRESS_H
#define WIRE_PROGRESS_H

#include <reef/attrs.h>

#include <stdbool.h>
#include <stdint.h>

/** True once in a tenth of a second, if there is a terminal to show something on. */
bool progress_is_due(uint64_t *shown_ns, uint64_t now_ns);

/** Put this line in place of the last one; nothing when stderr is no terminal. */
void progress_show(const char *format, ...) REEF_PRINTF(1, 2);

/** Take the line away. */
void progress_clear(void);

#endif /* WIRE_PROGRESS_H */
