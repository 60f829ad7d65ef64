#include "http/multipart.h"

#include <assert.h>

enum state {
    STATE_PREAMBLE,  /* before the first delimiter: not looked at */
    STATE_DELIMITED, /* behind a delimiter: "--", or blanks and CRLF */
    STATE_DASH,      /* behind its first "-" */
    STATE_PADDED,    /* RFC 2046 5.1.1: blanks may follow it */
    STATE_CR,        /* behind the CR of its line */
    STATE_HEAD,
    STATE_DATA,
    STATE_DONE,
    STATE_BAD,
    STATE_STOPPED,
};

/* RFC 2046 5.1.1: bchars, of which the last is no blank. */
static bool is_boundary(struct slice s)
{
    static const char marks[] = "'()+_,-./:=? ";
    if (s.n == 0 || s.n > MULTIPART_BOUNDARY_MAX || s.p[s.n - 1] == ' ')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain && (c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return true;
}

bool multipart_is_form(struct slice content_type, struct slice *boundary)
{
    static const struct slice type = SLICE_LIT("multipart/form-data");
    static _Thread_local char room[MULTIPART_BOUNDARY_MAX];
    *boundary = slice_of(NULL, 0);
    if (content_type.n < type.n || !slice_eq_nocase(slice_of(content_type.p, type.n), type))
        return false;
    struct slice rest = slice_of(content_type.p + type.n, content_type.n - type.n);
    if (rest.n > 0 && *rest.p != ';' && *rest.p != ' ' && *rest.p != '\t')
        return false;
    struct slice found;
    if (multipart_param(rest, SLICE_LIT("boundary"), room, sizeof room, &found) == 1 && is_boundary(found))
        *boundary = found;
    return true;
}

void multipart_init(struct multipart *m, struct slice boundary, const struct multipart_sink *sink)
{
    assert(is_boundary(boundary));
    m->sink = *sink;
    m->why = NULL;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.p, boundary.n);
    m->delimiter_n = 4 + (unsigned)boundary.n;
    m->matched = 2; /* the first delimiter may stand at the very beginning, without a line before it */
    m->state = STATE_PREAMBLE;
    m->head_n = 0;
}

static void fail(struct multipart *m, const char *why)
{
    m->state = STATE_BAD;
    m->why = why;
}

static void emit(struct multipart *m, const char *p, size_t n)
{
    if (m->state == STATE_DATA && n > 0 && !m->sink.data(m->sink.arg, p, n))
        m->state = STATE_STOPPED;
}

/* Up to the end of a delimiter, or of the input. A CR is nowhere in a delimiter but at its start, so what was held back is
 * data as soon as one byte does not fit, and the search begins again with that byte. */
static size_t take_data(struct multipart *m, const char *p, size_t n)
{
    size_t at = 0;
    while (at < n && m->state != STATE_STOPPED) {
        if (m->matched == 0) {
            const char *cr = memchr(p + at, '\r', n - at);
            size_t run = cr ? (size_t)(cr - p) - at : n - at;
            emit(m, p + at, run);
            at += run;
            if (at == n)
                break;
        }
        if (p[at] == m->delimiter[m->matched]) {
            at++;
            if (++m->matched == m->delimiter_n) {
                m->matched = 0;
                m->state = STATE_DELIMITED;
                return at;
            }
        } else {
            emit(m, m->delimiter, m->matched);
            m->matched = 0;
        }
    }
    return at;
}

static void begin_part(struct multipart *m)
{
    struct multipart_part part;
    const char *why = multipart_head_read(m->head, m->head_n, &part);
    m->head_n = 0;
    if (why != NULL)
        fail(m, why);
    else if (m->sink.part(m->sink.arg, &part))
        m->state = STATE_DATA;
    else
        m->state = STATE_STOPPED;
}

/* Collects the header lines; the empty one ends them. */
static void take_head(struct multipart *m, char c)
{
    if (m->head_n == sizeof m->head) {
        fail(m, "the headers of a part are too large");
        return;
    }
    bool after_cr = m->head_n > 0 && m->head[m->head_n - 1] == '\r';
    if ((c == '\n') != after_cr) {
        fail(m, "a CR or LF alone in the headers of a part");
        return;
    }
    m->head[m->head_n++] = c;
    bool empty_line = m->head_n == 2 || (m->head_n >= 4 && memcmp(m->head + m->head_n - 4, "\r\n\r\n", 4) == 0);
    if (c == '\n' && empty_line) {
        m->head_n -= 2;
        begin_part(m);
    }
}

static void take_byte(struct multipart *m, char c)
{
    switch ((enum state)m->state) {
    case STATE_DELIMITED:
        if (c == '-') {
            m->state = STATE_DASH;
            return;
        }
        m->state = STATE_PADDED;
        __attribute__((fallthrough));
    case STATE_PADDED:
        if (c == '\r')
            m->state = STATE_CR;
        else if (c != ' ' && c != '\t')
            fail(m, "a delimiter is not alone on its line");
        return;
    case STATE_DASH:
        m->state = STATE_DONE;
        if (c != '-')
            fail(m, "a delimiter is not alone on its line");
        return;
    case STATE_CR:
        m->state = STATE_HEAD;
        if (c != '\n')
            fail(m, "a CR without LF behind a delimiter");
        return;
    default:
        take_head(m, c);
    }
}

enum multipart_status multipart_read(struct multipart *m, const char *p, size_t n)
{
    size_t at = 0;
    while (at < n && m->state < STATE_DONE) {
        if (m->state == STATE_DATA || m->state == STATE_PREAMBLE)
            at += take_data(m, p + at, n - at);
        else
            take_byte(m, p[at++]);
    }
    switch ((enum state)m->state) {
    case STATE_DONE:
        return MULTIPART_DONE;
    case STATE_BAD:
        return MULTIPART_BAD;
    case STATE_STOPPED:
        return MULTIPART_STOPPED;
    default:
        return MULTIPART_OK;
    }
}
