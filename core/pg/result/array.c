#include "pg/result/result.h"

/* Array text by the Postgres manual, 8.15.6: braces, commas, elements in double quotes with backslash escapes where
 * needed, NULL without quotes; bounds other than 1 come first as "[0:2]=". */
enum state { AT_ELEMENT, AT_END };

bool pg_array_begin(struct pg_array_reader *r, struct slice text)
{
    *r = (struct pg_array_reader){.p = text.p, .end = text.p + text.n, .state = AT_END};
    if (r->p < r->end && *r->p == '[') {
        const char *equals = memchr(r->p, '=', text.n);
        if (equals == NULL)
            return false;
        r->p = equals + 1;
    }
    if (r->end - r->p < 2 || *r->p != '{' || r->end[-1] != '}')
        return false;
    r->p++;
    r->end--;
    r->state = r->p < r->end ? AT_ELEMENT : AT_END;
    return true;
}

static void skip_comma(struct pg_array_reader *r)
{
    if (r->p < r->end)
        r->p++;
    else
        r->state = AT_END;
}

static struct slice read_quoted(struct pg_array_reader *r)
{
    buf_clear(&r->scratch);
    for (r->p++; r->p < r->end && *r->p != '"'; r->p++) {
        if (*r->p == '\\' && r->p + 1 < r->end)
            r->p++;
        buf_char(&r->scratch, *r->p);
    }
    if (r->p < r->end)
        r->p++;
    return buf_view(&r->scratch);
}

/* From a brace to its partner; braces inside quotes do not count. */
static struct slice read_nested(struct pg_array_reader *r)
{
    const char *start = r->p;
    int depth = 0;
    bool quoted = false;

    for (; r->p < r->end; r->p++) {
        if (quoted && *r->p == '\\' && r->p + 1 < r->end)
            r->p++;
        else if (*r->p == '"')
            quoted = !quoted;
        else if (!quoted && *r->p == '{')
            depth++;
        else if (!quoted && *r->p == '}' && --depth == 0) {
            r->p++;
            break;
        }
    }
    return slice_of(start, (size_t)(r->p - start));
}

static struct slice read_plain(struct pg_array_reader *r)
{
    const char *start = r->p;
    const char *comma = memchr(r->p, ',', (size_t)(r->end - r->p));

    r->p = comma ? comma : r->end;
    return slice_of(start, (size_t)(r->p - start));
}

bool pg_array_next(struct pg_array_reader *r, struct slice *element, bool *is_null, bool *is_array)
{
    *is_null = *is_array = false;
    if (r->state == AT_END)
        return false;
    if (r->p < r->end && *r->p == '"') {
        *element = read_quoted(r);
    } else if (r->p < r->end && *r->p == '{') {
        *is_array = true;
        *element = read_nested(r);
    } else {
        *element = read_plain(r);
        *is_null = slice_eq_nocase(*element, SLICE_LIT("NULL"));
    }
    skip_comma(r);
    return true;
}

void pg_array_end(struct pg_array_reader *r)
{
    buf_free(&r->scratch);
}
