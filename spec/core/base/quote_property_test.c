#include "core/base/quote.c"
#include "spec/core/base/quote_property.h"

TEST("any text is quoted as a writer does that takes one byte after the other")
{
    quote_check_many();
}

TEST("the plain bytes at the front are copied, and as many are told")
{
    copy_check_many();
}
