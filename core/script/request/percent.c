#include "script/request/percent.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_is_encoded(struct slice s, bool plus)
{
    return s.n > 0 && (memchr(s.p, '%', s.n) != NULL || (plus && memchr(s.p, '+', s.n) != NULL));
}

size_t percent_decode(char *out, struct slice s, bool plus)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int hi, lo;
        if (s.p[i] == '%' && i + 2 < s.n && (hi = hex(s.p[i + 1])) >= 0 && (lo = hex(s.p[i + 2])) >= 0) {
            out[n++] = (char)(hi * 16 + lo);
            i += 2;
        } else {
            out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return n;
}

bool percent_next_pair(struct slice *rest, struct slice *name, struct slice *value)
{
    while (rest->n > 0) {
        const char *end = rest->p + rest->n, *amp = memchr(rest->p, '&', rest->n);
        const char *stop = amp ? amp : end, *eq = memchr(rest->p, '=', (size_t)(stop - rest->p));
        *name = slice_of(rest->p, (size_t)((eq ? eq : stop) - rest->p));
        *value = eq ? slice_of(eq + 1, (size_t)(stop - eq - 1)) : (struct slice){"", 0};
        *rest = amp ? slice_of(amp + 1, (size_t)(end - amp - 1)) : slice_of(end, 0);
        if (eq || name->n > 0)
            return true;
    }
    return false;
}
