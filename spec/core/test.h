#ifndef SPEC_TEST_H
#define SPEC_TEST_H
/* The harness of the C tests. A file includes the .c that it tests, then this, and is nothing but tests:
 *
 *     #include "core/base/buf.c"
 *     #include "spec/core/test.h"
 *
 *     TEST("an empty append leaves the buffer unallocated")
 *     {
 *         struct buf b = BUF_INIT;
 *         buf_append(&b, "", 0);
 *         CHECK(b.p == NULL);
 *     }
 *
 * Tests run in the order of the file; with arguments, only those whose name contains one of them. A failed CHECK ends its
 * test. The last line is "N passed, N failed", the exit code 1 when any failed. */
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

static struct test *test_first, **test_last = &test_first;
static jmp_buf test_failed;

static void test_add(struct test *t)
{
    *test_last = t;
    test_last = &t->next;
}

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)
#define TEST(sentence) TEST_AT(sentence, __COUNTER__)
#define TEST_AT(sentence, id)                                                         \
    static void TEST_JOIN(test_run_, id)(void);                                       \
    static __attribute__((constructor)) void TEST_JOIN(test_add_, id)(void)           \
    {                                                                                 \
        static struct test t = {.name = (sentence), .run = TEST_JOIN(test_run_, id)}; \
        test_add(&t);                                                                 \
    }                                                                                 \
    static void TEST_JOIN(test_run_, id)(void)

#define CHECK(cond)                               \
    do {                                          \
        if (!(cond))                              \
            test_fail(__FILE__, __LINE__, #cond); \
    } while (0)
/* Both compare, and show both values when they differ. CHECK_STR takes a NUL-terminated expectation and n bytes. */
#define CHECK_INT(got, want) test_check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_STR(p, n, want) test_check_str(__FILE__, __LINE__, #p, (p), (n), (want), strlen(want))

static __attribute__((noreturn, unused)) void test_fail(const char *file, int line, const char *what)
{
    printf("  %s:%d: %s\n", file, line, what);
    longjmp(test_failed, 1);
}

static __attribute__((unused)) void test_check_int(const char *file, int line, const char *what, long long got,
                                                   long long want)
{
    if (got == want)
        return;
    printf("  %s:%d: %s is %lld, not %lld\n", file, line, what, got, want);
    longjmp(test_failed, 1);
}

static __attribute__((unused)) void test_check_str(const char *file, int line, const char *what, const char *got, size_t n,
                                                   const char *want, size_t want_n)
{
    if (n == want_n && (n == 0 || memcmp(got, want, n) == 0))
        return;
    printf("  %s:%d: %s is\n    \"%.*s\", not\n    \"%.*s\"\n", file, line, what, (int)n, n ? got : "", (int)want_n, want);
    longjmp(test_failed, 1);
}

static bool test_is_wanted(const struct test *t, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(t->name, argv[i]) != NULL)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    volatile int passed = 0, failed = 0; /* they live across longjmp */

    for (struct test *volatile t = test_first; t != NULL; t = t->next) {
        if (!test_is_wanted(t, argc, argv))
            continue;
        if (setjmp(test_failed) == 0) {
            t->run();
            passed++;
        } else {
            printf("FAILED: %s\n", t->name);
            failed++;
        }
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}
#endif
