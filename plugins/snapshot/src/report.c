#include "report.h"

#include <stdarg.h>
#include <stdio.h>

void reef__report_warn(reef_snapshot_restored_t *report, const char *format, ...)
{
    char *line;
    va_list arguments;

    if (report->warning_count == REEF_SNAPSHOT_MAX_WARNINGS) {
        line = report->warnings[REEF_SNAPSHOT_MAX_WARNINGS - 1];
        snprintf(line, REEF_SNAPSHOT_WARNING_SIZE, "and further warnings");
        return;
    }
    line = report->warnings[report->warning_count++];
    va_start(arguments, format);
    vsnprintf(line, REEF_SNAPSHOT_WARNING_SIZE, format, arguments);
    va_end(arguments);
}
