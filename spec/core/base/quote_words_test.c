/* Where there is no SSE2: by words of eight bytes. */
#undef __SSE2__
#include "core/base/quote.c"
#include "spec/core/base/quote_property.h"

TEST("any text is quoted by words as a writer does that takes one byte after the other")
{
    quote_check_many();
}

TEST("the plain bytes at the front are copied by words, and as many are told")
{
    copy_check_many();
}
