#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>

int fail(char err[static ERR_MAX], const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err, ERR_MAX, fmt, ap);
    va_end(ap);
    return -1;
}
