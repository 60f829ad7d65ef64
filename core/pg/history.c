#include "pg/history.h"
#include "pg/session.h"

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

/* The next word, wherever it stands: in a string, a name or a comment as well, which errs to the safe side. */
static struct slice next_word(struct slice *rest)
{
    size_t i = 0, from;

    while (i < rest->n && !is_word_byte(rest->p[i]))
        i++;
    from = i;
    while (i < rest->n && is_word_byte(rest->p[i]))
        i++;
    struct slice word = slice_of(rest->p + from, i - from);
    *rest = slice_of(rest->p + i, rest->n - i);
    return word;
}

static bool is_one_of(struct slice word, const struct slice *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq_nocase(word, words[i]))
            return true;
    return false;
}

#define IS_ONE_OF(word, words) is_one_of(word, words, sizeof(words) / sizeof *(words))

static bool starts_with(struct slice word, struct slice with)
{
    return word.n >= with.n && slice_eq_nocase(slice_of(word.p, with.n), with);
}

/* What waits on purpose, ends its session, or outlives the statement in it: what session.h does not know because it can be
 * left there for the next. */
static bool is_for_own(struct slice word)
{
    static const struct slice words[] = {SLICE_LIT("set_config"), SLICE_LIT("pg_terminate_backend"),
                                         SLICE_LIT("pg_sleep"),   SLICE_LIT("setseed"),
                                         SLICE_LIT("currval"),    SLICE_LIT("lastval")};

    return starts_with(word, SLICE_LIT("pg_advisory")) || starts_with(word, SLICE_LIT("pg_try_advisory")) ||
           starts_with(word, SLICE_LIT("dblink")) || IS_ONE_OF(word, words);
}

enum text_does text_look(struct slice sql)
{
    static const struct slice reads[] = {SLICE_LIT("select"), SLICE_LIT("with"), SLICE_LIT("values"), SLICE_LIT("table"),
                                         SLICE_LIT("show")};
    static const struct slice writes[] = {SLICE_LIT("insert"), SLICE_LIT("update"), SLICE_LIT("delete"), SLICE_LIT("merge")};
    static const struct slice inside[] = {SLICE_LIT("share"), SLICE_LIT("nextval"), SLICE_LIT("setval"),
                                          SLICE_LIT("pg_notify")};
    size_t i = 0;

    while (i < sql.n && (sql.p[i] == ' ' || sql.p[i] == '\n' || sql.p[i] == '\t' || sql.p[i] == '\r'))
        i++;
    if (i == sql.n || !is_word_byte(sql.p[i]))
        return TEXT_OWN;
    struct slice rest = slice_of(sql.p + i, sql.n - i), word = next_word(&rest);
    bool wrote = IS_ONE_OF(word, writes), is_insert = wrote;
    if ((!wrote && !IS_ONE_OF(word, reads)) || session_is_touched_by(sql))
        return TEXT_OWN;
    while ((word = next_word(&rest)).n > 0) {
        if (is_for_own(word) || (!is_insert && slice_eq_nocase(word, SLICE_LIT("into"))))
            return TEXT_OWN;
        is_insert |= IS_ONE_OF(word, writes);
        wrote |= is_insert || IS_ONE_OF(word, inside);
    }
    return wrote ? TEXT_WRITES : TEXT_READS;
}

static struct text_past *place(struct history *h, uint64_t hash)
{
    return &h->past[hash % HISTORY_PLACES];
}

struct text_past *history_find(struct history *h, struct slice sql, uint64_t hash)
{
    struct text_past *past = place(h, hash);

    if (past->hash != hash)
        *past = (struct text_past){.hash = hash, .does = (unsigned char)text_look(sql)};
    return past;
}

static void lower_floor(struct history *h, uint32_t us)
{
    if (h->floor_us == 0 || us < h->floor_us)
        h->floor_us = us > 0 ? us : 1;
    else
        h->floor_us += (us - h->floor_us) / 1024;
}

static uint32_t bounded(uint64_t v)
{
    return v < UINT32_MAX / 2 ? (uint32_t)v : UINT32_MAX / 2;
}

static uint32_t moved(uint32_t average, uint32_t by)
{
    return (uint32_t)(((uint64_t)average * 7 + by) / 8);
}

void history_add(struct history *h, uint64_t hash, uint64_t us, size_t bytes, bool failed)
{
    struct text_past *past = place(h, hash);
    uint32_t run = bounded(us + (failed ? HISTORY_FAILED_US : 0)), brought = bounded(bytes);

    if (past->hash != hash)
        return;
    past->average_us = past->ran ? moved(past->average_us, run) : run;
    past->average_bytes = past->ran ? moved(past->average_bytes, brought) : brought;
    past->ran = true;
    if (us > 0)
        lower_floor(h, bounded(us));
}

void history_wrote(struct history *h, uint64_t hash)
{
    struct text_past *past = place(h, hash);

    if (past->hash == hash)
        past->wrote = true;
}

bool history_is_quick(const struct history *h, const struct text_past *past)
{
    return past->ran && past->average_us < h->floor_us + HISTORY_QUICK_US && past->average_bytes < HISTORY_LITTLE_BYTES;
}
