/*
 * Warnings of a restore: what of a snapshot does not fit this program.
 */
#ifndef REEF_SNAPSHOT_REPORT_H
#define REEF_SNAPSHOT_REPORT_H

#include <reef/attrs.h>
#include <reef/snapshot_service.h>

/* Add a warning; what exceeds the report's room is summed up in its last line. */
REEF_PRINTF(2, 3)
void reef__report_warn(reef_snapshot_restored_t *report, const char *format, ...);

#endif /* REEF_SNAPSHOT_REPORT_H */
