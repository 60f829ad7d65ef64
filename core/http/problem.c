#include "http/problem.h"

#include "base/number.h"
#include "base/quote.h"
#include "http/response.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && is_blank(*s.p))
        s.p++, s.n--;
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* What stands before the next of these, and takes both off. */
static struct slice take_until(struct slice *rest, char mark)
{
    const char *at = memchr(rest->p, mark, rest->n);
    struct slice part = slice_of(rest->p, at ? (size_t)(at - rest->p) : rest->n);
    size_t used = part.n + (at != NULL);
    *rest = slice_of(rest->p + used, rest->n - used);
    return trim(part);
}

/* RFC 9110 12.4.2: 0, 0.0, 0.00 and 0.000 all say no. */
static bool is_no(struct slice parameter)
{
    if (parameter.n < 3 || !slice_eq_nocase(slice_of(parameter.p, 2), SLICE_LIT("q=")))
        return false;
    for (size_t i = 2; i < parameter.n; i++)
        if (parameter.p[i] != '0' && parameter.p[i] != '.')
            return false;
    return true;
}

static bool is_acceptable(struct slice parameters)
{
    while (parameters.n > 0)
        if (is_no(take_until(&parameters, ';')))
            return false;
    return true;
}

bool problem_is_wanted(struct slice accept)
{
    while (accept.n > 0) {
        struct slice range = take_until(&accept, ',');
        if (range.n > 0 && slice_eq_nocase(take_until(&range, ';'), SLICE_LIT("application/problem+json")))
            return is_acceptable(range);
    }
    return false;
}

/* RFC 9457 4.2.1: without a type it is about:blank, and the title is the reason of the status. */
void problem_write(struct buf *out, int status, struct slice code, struct slice message, struct slice details)
{
    char digits[NUMBER_TEXT_MAX];
    buf_lit(out, "{\"title\":");
    quote_json(out, slice_str(response_reason(status)));
    buf_lit(out, ",\"status\":");
    buf_append(out, digits, number_write_u64(digits, (uint64_t)status));
    buf_lit(out, ",\"detail\":");
    quote_json(out, message);
    buf_lit(out, ",\"code\":");
    quote_json(out, code);
    if (details.n > 0) {
        buf_lit(out, ",\"details\":");
        buf_slice(out, details);
    }
    buf_lit(out, "}");
}
