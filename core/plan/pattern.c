#include "plan/pattern.h"
#include "base/clock.h"
#include "base/log.h"
#include "plan/pattern_ecma.h"
#include <stdio.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct plan_pattern {
    struct slice text;             /* in the arena */
    pcre2_code *code;              /* owned */
    pcre2_match_data *data;        /* owned; used again for each match: a plan belongs to one thread */
    pcre2_match_context *context;  /* owned */
    struct pattern_budget *budget; /* borrowed while a match runs */
    bool was_logged;
};

enum { PLACES_PER_LOOK = 16 }; /* at the clock: at most 16 times PATTERN_STEPS_MAX lie between two looks */

static void free_parts(void *arg)
{
    struct plan_pattern *p = arg;
    pcre2_match_context_free(p->context);
    pcre2_match_data_free(p->data);
    pcre2_code_free(p->code);
}

/* PCRE2 counts its steps anew from each place of the text where a match could begin, so a text of a thousand bytes could
 * take a thousand times the limit, and a body holds thousands of texts. The callout that is put in front of each pattern is
 * called at each place. */
static int on_place(pcre2_callout_block *block, void *arg)
{
    struct pattern_budget *budget = ((struct plan_pattern *)arg)->budget;
    (void)block;
    if (++budget->places % PLACES_PER_LOOK != 0)
        return 0;
    uint64_t now = clock_monotonic_us();
    if (budget->deadline_us == 0)
        budget->deadline_us = now + PATTERN_US_MAX;
    return now > budget->deadline_us ? PCRE2_ERROR_MATCHLIMIT : 0;
}

/* What ECMAScript means and Perl does not: $ is the end and not also the place before a last line break, \u and \x are as in
 * JavaScript, [] is an empty class, a group that took no part matches as empty. */
static pcre2_code *compile_as(struct slice text, int *error, size_t *at)
{
    const uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                             PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);

    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, options, error, at, context);
    pcre2_compile_context_free(context);
    return code;
}

static pcre2_code *compile(struct slice text, char err[static ERR_MAX])
{
    struct buf whole = BUF_INIT;
    int error = 0;
    size_t at = 0;

    /* Alone first: "a)(b" is no pattern, though it is one between brackets. */
    pattern_ecma_write(&whole, text);
    pcre2_code *code = compile_as(buf_view(&whole), &error, &at);
    bool is_same = slice_eq(buf_view(&whole), text);
    if (code != NULL) {
        pcre2_code_free(code);
        buf_clear(&whole);
        buf_lit(&whole, "(?C1)(?:");
        pattern_ecma_write(&whole, text);
        buf_char(&whole, ')');
        code = compile_as(buf_view(&whole), &error, &at);
        is_same = false;
    }
    buf_free(&whole);
    if (code == NULL) {
        PCRE2_UCHAR why[128];
        char where[32] = "";
        pcre2_get_error_message(error, why, sizeof why);
        if (is_same)
            snprintf(where, sizeof where, " at byte %zu", at);
        fail(err, "the pattern %.*s is wrong%s: %s", (int)(text.n < 200 ? text.n : 200), text.p, where, (const char *)why);
    }
    return code;
}

struct plan_pattern *pattern_new(struct arena *a, struct slice text, char err[static ERR_MAX])
{
    pcre2_code *code = compile(text, err);
    if (code == NULL)
        return NULL;
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where there is no JIT it is interpreted */
    struct plan_pattern *p = arena_alloc(a, sizeof *p);
    *p = (struct plan_pattern){
        .text = slice_of(arena_dup(a, text.p, text.n), text.n),
        .code = code,
        .data = pcre2_match_data_create(1, NULL),
        .context = pcre2_match_context_create(NULL),
    };
    arena_defer(a, free_parts, p);
    pcre2_set_match_limit(p->context, PATTERN_STEPS_MAX);
    pcre2_set_heap_limit(p->context, PATTERN_HEAP_KIB_MAX);
    pcre2_set_callout(p->context, on_place, p);
    return p;
}

static void log_ran_out(struct plan_pattern *p, struct slice text, int code)
{
    struct log_line l;

    if (p->was_logged || !log_begin(&l, LOG_WARN, "plan", "a pattern took too long and was given up"))
        return;
    p->was_logged = true;
    log_slice(&l, "pattern", p->text);
    log_int(&l, "text_bytes", (int64_t)text.n);
    log_int(&l, "pcre2_error", code);
    log_end(&l);
}

static int match(struct plan_pattern *p, struct slice text, uint32_t options)
{
    return pcre2_match(p->code, (PCRE2_SPTR)(text.n > 0 ? text.p : ""), text.n, 0, options, p->data, p->context);
}

/* The JIT has 32 KiB of stack to remember where it can go back to, the interpreter has the heap. It would keep what it took
 * for the next match, but that comes once in a thousand. */
static int match_on_heap(struct plan_pattern *p, struct slice text)
{
    int rc = match(p, text, PCRE2_NO_JIT);
    pcre2_match_data_free(p->data);
    p->data = pcre2_match_data_create(1, NULL);
    return rc;
}

enum pattern_status pattern_match(struct plan_pattern *p, struct slice text, struct pattern_budget *budget)
{
    int rc = PCRE2_ERROR_MATCHLIMIT;

    p->budget = budget;
    if (text.n <= PATTERN_TEXT_BYTES_MAX) {
        rc = match(p, text, 0);
        if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
            rc = match_on_heap(p, text);
    }
    if (rc >= 0)
        return PATTERN_MATCHES;
    if (rc == PCRE2_ERROR_NOMATCH || (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21))
        return PATTERN_DIFFERS;
    log_ran_out(p, text, rc);
    return PATTERN_RAN_OUT;
}
