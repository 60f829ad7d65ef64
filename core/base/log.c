#include "base/log.h"
#include "base/clock.h"
#include "base/log_sink.h"
#include "base/number.h"
#include "base/quote.h"
#include <assert.h>
#include <math.h>

enum { LINES_BYTES_MAX = 64 * 1024 };

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static struct {
    struct buf lines;
    enum log_level level;
    bool pretty, colour;
    bool open; /* a line was begun and not ended */
    bool held; /* lines are not written, see log_hold() */
} log_state = {.level = LOG_INFO};

void log_open(int fd, enum log_level level)
{
    log_flush();
    log_sink_open(fd);
    log_state.level = level;
}

void log_set_pretty(bool on, bool colour)
{
    log_state.pretty = on;
    log_state.colour = on && colour;
}

enum log_level log_level(void)
{
    return log_state.level;
}

int log_level_parse(struct slice name, enum log_level *out)
{
    for (unsigned i = 0; i <= LOG_OFF; i++) {
        if (slice_eq_nocase(name, slice_str(level_names[i]))) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    if (slice_eq_nocase(name, SLICE_LIT("warning"))) {
        *out = LOG_WARN;
        return 0;
    }
    return -1;
}

/* ---- values ---- */

/* A terminal gets the text as it is, but no control bytes: a client's header must not move the cursor. Lines after the
 * first (a traceback) are indented. */
static void put_plain(struct buf *out, struct slice s)
{
    struct buf quoted = BUF_INIT;

    quote_json(&quoted, s);
    for (size_t i = 1; i + 1 < quoted.n; i++) {
        char c = quoted.p[i], next = quoted.p[i + 1];
        if (c != '\\') {
            buf_char(out, c);
            continue;
        }
        i++;
        if (next == 'n')
            buf_lit(out, "\n    ");
        else if (next == 't')
            buf_char(out, '\t');
        else if (next == '"' || next == '\\')
            buf_char(out, next);
        else {
            buf_char(out, '\\');
            buf_char(out, next);
        }
    }
    buf_free(&quoted);
}

static void put_paint(struct buf *out, const char *code)
{
    if (log_state.colour)
        buf_printf(out, "\033[%sm", code);
}

static void put_key(struct buf *out, struct slice key)
{
    if (!log_state.pretty) {
        buf_char(out, ',');
        quote_json(out, key);
        buf_char(out, ':');
        return;
    }
    buf_lit(out, "  ");
    put_paint(out, "2");
    put_plain(out, key);
    buf_char(out, '=');
    put_paint(out, "0");
}

static void put_value(struct buf *out, struct slice s)
{
    if (log_state.pretty)
        put_plain(out, s);
    else
        quote_json(out, s);
}

/* ---- lines ---- */

static void begin_json(struct buf *out, enum log_level level, struct slice module, struct slice message)
{
    buf_lit(out, "{\"timestamp\":\"");
    clock_write_rfc3339(buf_reserve(out, CLOCK_RFC3339_BYTES), clock_wall_us());
    out->n += CLOCK_RFC3339_BYTES;
    buf_lit(out, "\",\"level\":\"");
    buf_str(out, level_names[level]);
    buf_lit(out, "\",\"message\":");
    quote_json(out, message);
    buf_lit(out, ",\"module\":");
    quote_json(out, module);
}

static void begin_pretty(struct buf *out, enum log_level level, struct slice module, struct slice message)
{
    static const char *const labels[] = {"debug", "info ", "warn ", "error"};
    static const char *const paints[] = {"2", "32", "33", "31;1"};
    char time[CLOCK_RFC3339_BYTES];

    clock_write_rfc3339(time, clock_wall_us());
    put_paint(out, "2");
    buf_append(out, time + sizeof "2026-11-20", sizeof "18:36:00.123" - 1);
    put_paint(out, "0");
    buf_char(out, ' ');
    put_paint(out, paints[level]);
    buf_str(out, labels[level]);
    put_paint(out, "0");
    buf_char(out, ' ');
    put_plain(out, module);
    buf_lit(out, "  ");
    put_plain(out, message);
}

bool log_begin_n(struct log_line *l, enum log_level level, struct slice module, struct slice message)
{
    if (level < log_state.level || level >= LOG_OFF)
        return false;
    assert(!log_state.open);
    log_state.open = true;
    *l = (struct log_line){&log_state.lines, log_state.lines.n, level};
    if (log_state.pretty)
        begin_pretty(l->out, level, module, message);
    else
        begin_json(l->out, level, module, message);
    return true;
}

bool log_begin(struct log_line *l, enum log_level level, const char *module, const char *message)
{
    return log_begin_n(l, level, slice_str(module), slice_str(message));
}

void log_slice(struct log_line *l, const char *key, struct slice value)
{
    put_key(l->out, slice_str(key));
    put_value(l->out, value);
}

void log_str(struct log_line *l, const char *key, const char *value)
{
    if (value != NULL)
        log_slice(l, key, slice_str(value));
}

void log_int(struct log_line *l, const char *key, int64_t value)
{
    put_key(l->out, slice_str(key));
    char *p = buf_reserve(l->out, NUMBER_TEXT_MAX);
    l->out->n += number_write_i64(p, value);
}

void log_double(struct log_line *l, const char *key, double value)
{
    put_key(l->out, slice_str(key));
    if (!isfinite(value)) {
        buf_lit(l->out, "null");
        return;
    }
    char *p = buf_reserve(l->out, NUMBER_TEXT_MAX);
    l->out->n += number_write_double(p, value);
}

void log_raw(struct log_line *l, struct slice key, struct slice json)
{
    put_key(l->out, key);
    buf_slice(l->out, json);
}

/* The end of one JSON value, or of a member's key: the first `stop` outside strings and brackets. */
static const char *find_stop(const char *p, const char *end, char stop)
{
    int depth = 0;
    for (; p < end; p++) {
        if (depth == 0 && *p == stop)
            break;
        if (*p == '"')
            for (p++; p < end && *p != '"'; p++)
                p += *p == '\\';
        else
            depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
    }
    return p < end ? p : end;
}

void log_members(struct log_line *l, struct slice members)
{
    if (!log_state.pretty || members.n == 0) {
        buf_slice(l->out, members);
        return;
    }
    const char *p = members.p, *end = p + members.n;
    while (end - p > 2) { /* ,"key":value */
        const char *colon = find_stop(p + 1, end, ':'), *next = find_stop(colon, end, ',');
        put_key(l->out, slice_of(p + 2, colon > p + 3 ? (size_t)(colon - p) - 3 : 0));
        if (colon < end)
            buf_append(l->out, colon + 1, (size_t)(next - colon) - 1);
        p = next;
    }
}

/* Whole lines go, and half of the room is free then: this is not to be done again for each line. */
static void forget_oldest(struct buf *lines)
{
    size_t n = lines->n - LINES_BYTES_MAX / 2;
    const char *end = memchr(lines->p + n, '\n', lines->n - n);
    buf_consume(lines, (size_t)(end - lines->p) + 1);
}

void log_end(struct log_line *l)
{
    if (!log_state.pretty)
        buf_char(l->out, '}');
    buf_char(l->out, '\n');
    assert(log_state.open);
    log_state.open = false;
    if (log_state.held && l->out->n > LINES_BYTES_MAX)
        forget_oldest(l->out);
    if (l->level >= LOG_ERROR || l->out->n >= LINES_BYTES_MAX)
        log_flush();
}

static void note_dropped(uint64_t lines)
{
    struct log_line l;
    if (log_begin(&l, LOG_WARN, "log", "lines were dropped because nobody read the log")) {
        log_int(&l, "lines", (int64_t)lines);
        log_end(&l);
    }
}

void log_flush(void)
{
    if (log_state.lines.n == 0 || log_state.open || log_state.held)
        return;
    uint64_t lost = log_sink_write(&log_state.lines);
    if (lost > 0)
        note_dropped(lost);
}

void log_hold(bool on)
{
    if (log_state.held)
        buf_clear(&log_state.lines);
    log_flush();
    log_state.held = on;
}

struct slice log_held(void)
{
    return log_state.held ? buf_view(&log_state.lines) : slice_of(NULL, 0);
}

void log_note(enum log_level level, const char *module, const char *message, const char *key, const char *value)
{
    struct log_line l;
    if (!log_begin(&l, level, module, message))
        return;
    if (key != NULL)
        log_str(&l, key, value);
    log_end(&l);
}
