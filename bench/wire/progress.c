/* The line is erased to its end by an escape sequence that every terminal knows. */
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const uint64_t pause_ns = 100000000;

bool progress_is_due(uint64_t *shown_ns, uint64_t now_ns)
{
    if (now_ns - *shown_ns < pause_ns || isatty(STDERR_FILENO) != 1) {
        return false;
    }
    *shown_ns = now_ns;
    return true;
}

void progress_show(const char *format, ...)
{
    va_list arguments;

    if (isatty(STDERR_FILENO) != 1) {
        return;
    }
    fputs("\r", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\x1b[K", stderr);
}

void progress_clear(void)
{
    progress_show("%s", "");
}
