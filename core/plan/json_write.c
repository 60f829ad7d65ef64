#include "base/number.h"
#include "base/quote.h"
#include "plan/json.h"
#include <math.h>

void json_write_string(struct buf *out, struct slice s)
{
    quote_json(out, s);
}

void json_write_int(struct buf *out, int64_t v)
{
    char *p = buf_reserve(out, NUMBER_TEXT_MAX);
    out->n += number_write_i64(p, v);
}

int json_write_double(struct buf *out, double v)
{
    if (!isfinite(v))
        return -1;
    char *p = buf_reserve(out, NUMBER_TEXT_MAX);
    out->n += number_write_double(p, v);
    return 0;
}
