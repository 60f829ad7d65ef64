#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "core/base/log.c"
#include "spec/core/test.h"
#include <fcntl.h>
#include <unistd.h>

static int fds[2];
static char got[200000];

static void open_pipe(enum log_level level)
{
    CHECK(pipe(fds) == 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    log_set_pretty(false, false);
    log_open(fds[1], level);
}

static size_t drain(void)
{
    size_t n = 0;
    ssize_t r;
    while ((r = read(fds[0], got + n, sizeof got - 1 - n)) > 0)
        n += (size_t)r;
    got[n] = '\0';
    return n;
}

static void close_pipe(void)
{
    log_flush();
    close(fds[0]);
    close(fds[1]);
}

TEST("a line is one JSON object with its pairs in order")
{
    struct log_line l;
    open_pipe(LOG_DEBUG);
    CHECK(log_begin(&l, LOG_WARN, "pool", "say \"hi\"\n"));
    log_str(&l, "host", "h\xff");
    log_str(&l, "absent", NULL);
    log_int(&l, "n", -5);
    log_double(&l, "d", 0.25);
    log_double(&l, "nan", NAN);
    log_raw(&l, SLICE_LIT("r"), SLICE_LIT("[1]"));
    log_end(&l);
    CHECK_INT(drain(), 0); /* gathered, not written */
    log_flush();
    drain();
    CHECK(strncmp(got, "{\"timestamp\":\"20", 16) == 0);
    static const char rest[] = "Z\",\"level\":\"warn\",\"message\":\"say \\\"hi\\\"\\n\",\"module\":\"pool\","
                               "\"host\":\"h\xef\xbf\xbd\",\"n\":-5,"
                               "\"d\":0.25,\"nan\":null,\"r\":[1]}\n";
    CHECK(strlen(got) > 40);
    CHECK_STR(got + 40, strlen(got + 40), rest);
    close_pipe();
}

TEST("a level below the threshold is not begun")
{
    struct log_line l;
    open_pipe(LOG_WARN);
    CHECK(!log_begin(&l, LOG_INFO, "m", "x"));
    CHECK(!log_begin(&l, LOG_OFF, "m", "x"));
    log_note(LOG_DEBUG, "m", "x", NULL, NULL);
    log_flush();
    CHECK_INT(drain(), 0);
    close_pipe();
}

TEST("an error and a full buffer are written at once")
{
    open_pipe(LOG_INFO);
    log_note(LOG_INFO, "m", "first", NULL, NULL);
    log_note(LOG_ERROR, "m", "second", "key", "value");
    drain();
    CHECK(strstr(got, "first") < strstr(got, "second") && strstr(got, "\"key\":\"value\"}\n"));

    static char big[8000];
    memset(big, 'x', sizeof big - 1);
    CHECK(fcntl(fds[1], F_SETPIPE_SZ, 1 << 17) >= 1 << 17);
    for (int i = 0; i < 8; i++)
        log_note(LOG_INFO, "m", "big", "big", big);
    CHECK_INT(drain(), 0);
    for (int i = 0; i < 16 && log_state.lines.n > 0; i++)
        log_note(LOG_INFO, "m", "big", "big", "y");
    CHECK_INT(log_state.lines.n, 0);
    CHECK(drain() > LINES_BYTES_MAX);
    close_pipe();
}

TEST("a reader that stops costs lines and one second, and is told when it reads again")
{
    open_pipe(LOG_INFO);
    uint64_t before = log_dropped(), start = clock_monotonic_us();
    for (int i = 0; i < 3000; i++)
        log_note(LOG_INFO, "m", "a line of about one hundred and twenty bytes goes here", "key", "value");
    log_flush();
    uint64_t took_ms = (clock_monotonic_us() - start) / 1000;
    CHECK(took_ms >= 900 && took_ms < 3000);
    CHECK(log_dropped() > before);

    start = clock_monotonic_us();
    log_note(LOG_INFO, "m", "still clogged", NULL, NULL);
    log_flush();
    CHECK((clock_monotonic_us() - start) / 1000 < 200);

    CHECK(drain() > 0);
    log_note(LOG_INFO, "m", "works", NULL, NULL);
    log_flush(); /* works, and notes what was lost */
    log_flush();
    drain();
    CHECK(strstr(got, "works") && strstr(got, "lines were dropped"));
    close_pipe();
}

TEST("no line is ever cut in two")
{
    static char all[1 << 20];
    size_t n = 0;
    open_pipe(LOG_INFO);
    for (int i = 0; i < 2000; i++) {
        log_note(LOG_INFO, "m", "line", "key", "some value that makes it longer");
        if (i % 400 == 399) {
            log_flush();
            size_t r = drain();
            memcpy(all + n, got, r);
            n += r;
        }
    }
    log_flush();
    size_t r = drain();
    memcpy(all + n, got, r);
    n += r;
    for (char *p = all; p < all + n;) {
        char *end = memchr(p, '\n', (size_t)(all + n - p));
        CHECK(end != NULL && *p == '{' && end[-1] == '}' && memchr(p, '}', (size_t)(end - p)) == end - 1);
        p = end + 1;
    }
    close_pipe();
}

TEST("the shell's descriptor stays blocking")
{
    open_pipe(LOG_INFO);
    log_note(LOG_ERROR, "m", "x", NULL, NULL);
    CHECK((fcntl(fds[1], F_GETFL) & O_NONBLOCK) == 0);
    close_pipe();
}

TEST("members that were gathered elsewhere are written as they are, and told apart in the pretty form")
{
    static const char members[] = ",\"db_ms\":1.5,\"list\":[1,{\"a\":2}],\"text\":\"a,\\\":b\"";
    struct log_line l;
    open_pipe(LOG_INFO);
    CHECK(log_begin(&l, LOG_INFO, "m", "hello"));
    log_members(&l, slice_str(members));
    log_end(&l);
    log_set_pretty(true, false);
    CHECK(log_begin(&l, LOG_INFO, "m", "hello"));
    log_members(&l, slice_str(members));
    log_members(&l, slice_of(NULL, 0));
    log_end(&l);
    log_set_pretty(false, false);
    log_flush();
    drain();
    CHECK(strstr(got, "\"module\":\"m\",\"db_ms\":1.5,\"list\":[1,{\"a\":2}],\"text\":\"a,\\\":b\"}\n") != NULL);
    CHECK(strstr(got, "m  hello  db_ms=1.5  list=[1,{\"a\":2}]  text=\"a,\\\":b\"\n") != NULL);
    close_pipe();
}

TEST("the pretty form has no control bytes of the value, and indents further lines")
{
    struct log_line l;
    open_pipe(LOG_INFO);
    log_set_pretty(true, false);
    CHECK(log_begin(&l, LOG_ERROR, "app", "failed"));
    log_str(&l, "header", "a\033[2Jb");
    log_str(&l, "trace", "one\ntwo \"q\" \\");
    log_end(&l);
    drain();
    CHECK(strlen(got) > 13);
    CHECK_STR(got + 12, strlen(got + 12), " error app  failed  header=a\\u001b[2Jb  trace=one\n    two \"q\" \\\n");
    log_set_pretty(false, false);
    close_pipe();
}

TEST("level names are read in any case")
{
    enum log_level level = LOG_OFF;
    CHECK(log_level_parse(SLICE_LIT("Debug"), &level) == 0 && level == LOG_DEBUG);
    CHECK(log_level_parse(SLICE_LIT("WARNING"), &level) == 0 && level == LOG_WARN);
    CHECK(log_level_parse(SLICE_LIT("loud"), &level) == -1 && level == LOG_WARN);
}

TEST("lines that are held are written by nothing, and forgotten when holding begins or ends")
{
    open_pipe(LOG_INFO);
    log_note(LOG_INFO, "m", "before", NULL, NULL);
    log_hold(true);
    CHECK(drain() > 0);
    CHECK(strstr(got, "before") != NULL);
    log_note(LOG_ERROR, "m", "first", NULL, NULL);
    log_flush();
    CHECK_INT(drain(), 0);
    CHECK(memmem(log_held().p, log_held().n, "first", 5) != NULL);
    log_hold(true);
    CHECK_INT(log_held().n, 0);
    log_note(LOG_WARN, "m", "second", NULL, NULL);
    log_hold(false);
    log_note(LOG_WARN, "m", "after", NULL, NULL);
    CHECK_INT(log_held().n, 0);
    log_flush();
    drain();
    CHECK(strstr(got, "second") == NULL && strstr(got, "after") != NULL);
    close_pipe();
}

TEST("of many lines that are held the newest are left, whole")
{
    char text[32];
    open_pipe(LOG_INFO);
    log_hold(true);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "line %d.", i);
        log_note(LOG_ERROR, "m", text, NULL, NULL);
    }
    struct slice held = log_held();
    CHECK(held.n <= LINES_BYTES_MAX && held.n >= LINES_BYTES_MAX / 4);
    CHECK(held.p[0] == '{' && held.p[held.n - 1] == '\n');
    CHECK(memmem(held.p, held.n, "line 4999.", 10) != NULL && memmem(held.p, held.n, "line 0.", 7) == NULL);
    log_hold(false);
    CHECK_INT(drain(), 0);
    close_pipe();
}
