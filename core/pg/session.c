#include "pg/session.h"

struct words {
    const char *p, *end;
    struct slice word; /* the last one that was read; n 0: there is no other */
    char before;       /* the last character before it that is no blank; ';' at the start */
};

static bool is_word_char(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' ||
           (unsigned char)ch >= 0x80;
}

static bool is_blank(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static void skip_comment(struct words *w)
{
    if (w->p[1] == '-') {
        while (w->p < w->end && *w->p != '\n')
            w->p++;
        return;
    }
    w->p += 2;
    while (w->p + 1 < w->end && !(w->p[0] == '*' && w->p[1] == '/'))
        w->p++;
    w->p = w->p + 2 < w->end ? w->p + 2 : w->end;
}

static bool at_comment(const struct words *w)
{
    return w->p + 1 < w->end && ((w->p[0] == '-' && w->p[1] == '-') || (w->p[0] == '/' && w->p[1] == '*'));
}

/* Strings are not told from code: what a DO block or an EXECUTE holds in one counts as well. */
static bool next(struct words *w)
{
    while (w->p < w->end && !is_word_char(*w->p)) {
        if (at_comment(w)) {
            skip_comment(w);
            continue;
        }
        if (!is_blank(*w->p))
            w->before = *w->p;
        w->p++;
    }
    const char *start = w->p;
    while (w->p < w->end && is_word_char(*w->p))
        w->p++;
    w->word = slice_of(start, (size_t)(w->p - start));
    return w->word.n > 0;
}

static bool is(struct slice word, const char *lower)
{
    return slice_eq_nocase(word, slice_str(lower));
}

static bool is_one_of(struct slice word, const char *const *list)
{
    while (*list && !is(word, *list))
        list++;
    return *list != NULL;
}

/* set_config('name', value, true) ends with its transaction: the last argument decides. */
static bool ends_in_true(struct words w)
{
    struct slice last = {0}; /* the word that follows a comma, and nothing else since */
    bool after_comma = false;
    int depth = 0;

    for (; w.p < w.end; w.p++) {
        depth += *w.p == '(' ? 1 : *w.p == ')' ? -1 : 0;
        if (depth == 0 && *w.p == ')')
            return is(last, "true");
        if (is_blank(*w.p))
            continue;
        if (after_comma && is_word_char(*w.p))
            last = slice_of(w.p, 1);
        else if (last.p && is_word_char(*w.p) && w.p == last.p + last.n)
            last.n++;
        else
            last = (struct slice){0};
        after_comma = *w.p == ',';
    }
    return false;
}

/* The word stands at the beginning of a statement. */
static bool begins_a_touch(struct words *w)
{
    static const char *const commands[] = {"reset", "listen", "load", "prepare", "declare", "do", "call", "discard", NULL};
    static const char *const of_transaction[] = {"local", "transaction", "constraints", NULL};

    if (!is(w->word, "set"))
        return is_one_of(w->word, commands);
    w->before = ' ';
    return !(next(w) && is_one_of(w->word, of_transaction));
}

static bool is_touch(const struct words *w)
{
    static const char *const anywhere[] = {
        "temp",
        "temporary",
        "pg_temp",
        "pg_advisory_lock",
        "pg_advisory_lock_shared",
        "pg_try_advisory_lock",
        "pg_try_advisory_lock_shared",
        NULL,
    };

    return is_one_of(w->word, anywhere) || (is(w->word, "set_config") && !ends_in_true(*w));
}

bool session_is_touched_by(struct slice sql)
{
    struct words w = {.p = sql.p, .end = sql.p + sql.n, .before = ';'};

    while (next(&w)) {
        bool first = w.before == ';';
        w.before = ' ';
        if (first ? begins_a_touch(&w) || is_touch(&w) : is_touch(&w))
            return true;
    }
    return false;
}

bool session_lends_columns(struct slice sql)
{
    static const char *const lenders[] = {"fetch", "execute", NULL};
    struct words w = {.p = sql.p, .end = sql.p + sql.n};

    return next(&w) && is_one_of(w.word, lenders);
}
