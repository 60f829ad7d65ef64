#include "core/plan/pattern.c"
#include "spec/core/test.h"
#include <unistd.h>

static enum pattern_status try_n(const char *pattern, const char *text, size_t n)
{
    struct arena a = {0};
    char err[ERR_MAX];
    struct plan_pattern *p = pattern_new(&a, slice_str(pattern), err);
    CHECK(p != NULL);
    enum pattern_status rc = pattern_match(p, slice_of(text, n), &(struct pattern_budget){0, 0});
    arena_free(&a);
    return rc;
}

static bool matches(const char *pattern, const char *text)
{
    enum pattern_status rc = try_n(pattern, text, strlen(text));
    CHECK(rc != PATTERN_RAN_OUT);
    return rc == PATTERN_MATCHES;
}

static void check_wrong(const char *pattern, const char *want)
{
    struct arena a = {0};
    char err[ERR_MAX];
    CHECK(pattern_new(&a, slice_str(pattern), err) == NULL);
    CHECK_STR(err, strlen(err), want);
    arena_free(&a);
}

TEST("a pattern is looked for anywhere in the text")
{
    CHECK(matches("b+", "aabbc") && !matches("b+", "aacc") && matches("^a", "ab") && !matches("^b", "ab"));
    CHECK(matches("", "") && matches("", "x") && matches("^$", "") && !matches("^$", "x"));
    CHECK(matches("^(a|b|)$", "") && matches("a|b$", "xb") && matches("^a|b", "xb"));
}

TEST("a pattern means what it means in JavaScript")
{
    CHECK(!matches("^a$", "a\n") && !matches("^.$", "\n") && !matches("^.$", "\r"));
    CHECK(matches("^\\u00e9$", "\xc3\xa9") && matches("^\\x41$", "A") && matches("^\\u{1f600}$", "\xf0\x9f\x98\x80"));
    CHECK(!matches("[]", "a") && matches("^[^]$", "\n"));
    CHECK(matches("^\\d$", "7") && !matches("^\\d$", "\xd9\xa3") && !matches("^\\w$", "\xc3\xa9"));
    CHECK(matches("^\\s\\S$", "\xc2\xa0x") && matches("^[\\s]{3}$", "\xef\xbb\xbf\xe2\x80\xa9\xe3\x80\x80"));
    CHECK(!matches("^\\S$", "\xc2\xa0") && matches("^[\\s\\S]$", "\xc2\xa0") && matches("^\\\\s$", "\\s"));
    CHECK(matches("^(?:(a)|b)\\1$", "b"));
    CHECK(matches("^(?<year>\\d{4})-\\k<year>$", "2026-2026") && matches("(?<=a)b", "ab"));
}

TEST("a pattern sees characters, not bytes")
{
    CHECK(matches("^.$", "\xf0\x9f\x98\x80") && matches("^\xc3\xa9{2}$", "\xc3\xa9\xc3\xa9"));
    CHECK(matches("^\\p{Lu}\\p{Ll}$", "\xc3\x89\xc3\xa9") && !matches("^\\p{Lu}$", "a"));
    CHECK(matches("^\\p{Letter}\\p{digit}$", "\xc3\xa9\xd9\xa3") && matches("^\\P{Letter}$", "1"));
    CHECK(matches("^[\\p{Uppercase_Letter}_]+$", "\xc3\x89_") && matches("^\\p{gc=Letter}\\p{Script=Greek}$", "a\xce\xb1"));
    CHECK(!matches("^\\p{Script=Greek}$", "a") && matches("^\\p{LC}$", "a"));
    CHECK(matches("^\\p{L}$", "\xe4\xb8\xad"));
    CHECK(try_n("a",
                "\xff"
                "a",
                2) != PATTERN_MATCHES);
}

TEST("a pattern that is wrong says where")
{
    check_wrong("a(b", "the pattern a(b is wrong at byte 3: missing closing parenthesis");
    check_wrong("a)(b", "the pattern a)(b is wrong at byte 1: unmatched closing parenthesis");
    check_wrong("[a", "the pattern [a is wrong at byte 2: missing terminating ] for character class");
    check_wrong("*", "the pattern * is wrong at byte 0: quantifier does not follow a repeatable item");
    check_wrong("\\C", "the pattern \\C is wrong at byte 2: using \\C is disabled by the application");
    check_wrong("(?C1)(*UTF)a", "the pattern (?C1)(*UTF)a is wrong at byte 10: (*VERB) not recognized or malformed");
    check_wrong("\\s(", "the pattern \\s( is wrong: missing closing parenthesis");
    check_wrong("\\p{Lettre}", "the pattern \\p{Lettre} is wrong at byte 10: unknown property after \\P or \\p");
    check_wrong("\\p{", "the pattern \\p{ is wrong at byte 3: malformed \\P or \\p sequence");
    check_wrong("a\\", "the pattern a\\ is wrong at byte 2: \\ at end of pattern");
    char err[ERR_MAX];
    struct arena a = {0};
    CHECK(pattern_new(&a, SLICE_LIT("\xff"), err) == NULL);
    arena_free(&a);
}

static uint64_t spent_ms(const char *pattern, char *text, size_t n, enum pattern_status want)
{
    uint64_t start = clock_monotonic_us();
    CHECK_INT(try_n(pattern, text, n), want);
    return (clock_monotonic_us() - start) / 1000;
}

TEST("no pattern takes long on any text")
{
    static char text[PATTERN_TEXT_BYTES_MAX + 1];
    memset(text, 'a', sizeof text);
    log_open(1, LOG_OFF);
    CHECK(spent_ms("^(a+)+$", text, 30, PATTERN_MATCHES) < 2000);
    text[40] = '!';
    CHECK(spent_ms("^(a+)+$", text, 41, PATTERN_RAN_OUT) < 2000);
    text[40] = 'a';
    CHECK(spent_ms("(a*)*b", text, 5000, PATTERN_DIFFERS) < 2000);
    CHECK(spent_ms("(a|aa)+$[^a]", text, 5000, PATTERN_RAN_OUT) < 2000);
    CHECK(spent_ms("(x+x+)+y", text, PATTERN_TEXT_BYTES_MAX, PATTERN_DIFFERS) < 2000);
    CHECK(spent_ms("^(?:\\w*z|.)*$", text, PATTERN_TEXT_BYTES_MAX, PATTERN_RAN_OUT) < 2000);
    CHECK(spent_ms("a", text, PATTERN_TEXT_BYTES_MAX + 1, PATTERN_RAN_OUT) < 100);
    log_open(1, LOG_INFO);
}

TEST("an honest pattern gets through the longest text")
{
    static char text[PATTERN_TEXT_BYTES_MAX];
    memset(text, 'a', sizeof text);
    CHECK_INT(try_n("^(?:[a-z]|[0-9])*$", text, sizeof text), PATTERN_MATCHES);
    CHECK_INT(try_n("^([a-z]|[0-9])*$", text, sizeof text), PATTERN_MATCHES);
    text[sizeof text - 1] = '!';
    CHECK_INT(try_n("^(?:[a-z]|[0-9])*$", text, sizeof text), PATTERN_DIFFERS);
    text[0] = 'z';
    CHECK_INT(try_n("[a-y]z", text, sizeof text), PATTERN_DIFFERS); /* from thousands of places */
}

/* Each place costs less than the limit of steps, all together far more than anybody wants to wait. */
TEST("the places of a text share one limit of time")
{
    static char text[PATTERN_TEXT_BYTES_MAX];
    memset(text, 'a', sizeof text);
    log_open(1, LOG_OFF);
    uint64_t ms = spent_ms("(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)(?:a|a)[^a]", text,
                           sizeof text, PATTERN_RAN_OUT);
    CHECK(ms < 1500);
    log_open(1, LOG_INFO);
}

/* Fifteen bytes that match in the end, after half of the steps. */
TEST("the texts of a document share one limit of time")
{
    struct arena a = {0};
    char err[ERR_MAX];
    struct plan_pattern *p = pattern_new(&a, SLICE_LIT("^(?:(?:a|a)*b|a*)$"), err);
    struct pattern_budget budget = {0, 0};
    unsigned matched = 0;
    uint64_t start = clock_monotonic_us();

    CHECK(p != NULL);
    log_open(1, LOG_OFF);
    while (matched < 1000 * 1000 && pattern_match(p, SLICE_LIT("aaaaaaaaaaaaa"), &budget) == PATTERN_MATCHES)
        matched++;
    log_open(1, LOG_INFO);
    CHECK(matched >= 16 && matched < 1000 * 1000);
    CHECK(clock_monotonic_us() - start < 1000 * 1000);
    arena_free(&a);
}

TEST("a pattern that runs out is logged once")
{
    struct arena a = {0};
    struct pattern_budget budget = {0, 0};
    char err[ERR_MAX], text[60];
    int ends[2];
    memset(text, 'a', sizeof text);
    text[59] = '!';
    struct plan_pattern *p = pattern_new(&a, SLICE_LIT("^(a+)+$"), err);
    CHECK(p != NULL && pipe(ends) == 0);
    log_open(ends[1], LOG_INFO);
    CHECK_INT(pattern_match(p, slice_of(text, 60), &budget), PATTERN_RAN_OUT);
    CHECK_INT(pattern_match(p, slice_of(text, 60), &budget), PATTERN_RAN_OUT);
    CHECK_INT(pattern_match(p, SLICE_LIT("aaa"), &budget), PATTERN_MATCHES);
    log_flush();
    log_open(1, LOG_INFO);
    char line[1024];
    ssize_t n = read(ends[0], line, sizeof line - 1);
    CHECK(n > 0);
    line[n] = '\0';
    CHECK(strstr(line, "\"message\":\"a pattern took too long and was given up\"") != NULL);
    CHECK(strstr(line, "\"pattern\":\"^(a+)+$\"") != NULL);
    CHECK(strchr(line, '\n') == line + n - 1);
    close(ends[0]);
    close(ends[1]);
    arena_free(&a);
}
