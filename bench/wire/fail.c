/* Everything is the process's: it is left to the system. */
#include "fail.h"

#include "progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void fail(const char *format, ...)
{
    va_list arguments;

    progress_clear();
    fputs("reef-bench: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *need_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        fail("no memory for %zu times %zu bytes", count, size);
    }
    return memory;
}
