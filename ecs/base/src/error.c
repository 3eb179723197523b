#include <reef/error.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

const char *reef_error_text(reef_error_t error)
{
    switch (error) {
    case REEF_OK:
        return "ok";
#define X(name, value, text)                                                           \
    case REEF_E_##name:                                                                \
        return text;
        REEF_ERROR_MAP(X)
#undef X
    }
    return "unknown error";
}

reef_error_t
reef_fail(reef_failure_t *failure, reef_error_t error, const char *format, ...)
{
    va_list args;

    if (failure == NULL) {
        return error;
    }
    failure->error = error;
    va_start(args, format);
    vsnprintf(failure->text, sizeof(failure->text), format, args);
    va_end(args);
    return error;
}
