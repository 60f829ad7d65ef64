#include "core/base/error.c"
#include "spec/core/test.h"

TEST("a failure is formatted and returned as -1")
{
    char err[ERR_MAX];
    CHECK_INT(fail(err, "port %d: %s", 80, "in use"), -1);
    CHECK_STR(err, strlen(err), "port 80: in use");
}

TEST("a message that is too long is cut and ends in NUL")
{
    static char err[ERR_MAX];
    CHECK_INT(fail(err, "%*d", ERR_MAX * 2, 7), -1);
    CHECK_INT(strlen(err), ERR_MAX - 1);
}
