#include "core/http/body.c"
#include "spec/core/test.h"

#include <stdlib.h>

static struct body_reader reader;
static struct buf got;
static size_t taken;

/* In pieces of `step` bytes, each in memory of its own length. */
static enum body_status read_in_steps(const char *p, size_t n, size_t step)
{
    enum body_status status = BODY_OK;
    taken = 0;
    while (taken < n && status == BODY_OK) {
        size_t piece = n - taken < step ? n - taken : step, used;
        char *copy = malloc(piece);
        memcpy(copy, p + taken, piece);
        status = body_read(&reader, copy, piece, &used);
        free(copy);
        taken += used;
        if (used < piece)
            break;
    }
    return status;
}

static enum body_status read_chunks(const char *p, size_t n, size_t step, size_t bytes_max)
{
    buf_clear(&got);
    body_begin_chunked(&reader, bytes_max, &got);
    return read_in_steps(p, n, step);
}

static void expect(const char *p, size_t n, enum body_status want)
{
    for (size_t step = 1; step <= n + 1; step++) {
        enum body_status status = read_chunks(p, n, step, 100);
        if (status != want)
            printf("  in steps of %zu: %.*s\n", step, (int)n, p);
        CHECK_INT(status, want);
        CHECK((reader.why != NULL) == (want == BODY_BAD || want == BODY_TOO_LARGE));
    }
    buf_free(&got);
}
#define EXPECT(lit, want) expect((lit), sizeof(lit) - 1, (want))

TEST("a sized body ends at its length and leaves the rest")
{
    for (size_t step = 1; step < 12; step++) {
        buf_clear(&got);
        body_begin_sized(&reader, 5, 100, &got);
        CHECK_INT(read_in_steps("helloGET /", 10, step), BODY_DONE);
        CHECK_STR(got.p, got.n, "hello");
        CHECK_INT(taken, 5);
    }
    buf_free(&got);
}

TEST("a sized body over the limit is refused")
{
    body_begin_sized(&reader, 6, 5, &got);
    CHECK_INT(read_in_steps("hello!", 6, 3), BODY_TOO_LARGE);
    buf_free(&got);
}

TEST("chunks are joined, extensions and trailers dropped, and the next request is left")
{
    static const char text[] =
        "5\r\nhello\r\n6;a=b\r\n world\r\n0;c=\"d;\"\r\nX: y\r\nHost: z\r\nContent-Length: 3\r\n\r\nGET ";
    for (size_t step = 1; step < sizeof text; step++) {
        CHECK_INT(read_chunks(text, sizeof text - 1, step, 11), BODY_DONE);
        CHECK_STR(got.p, got.n, "hello world");
        CHECK_INT(taken, sizeof text - 1 - 4);
    }
    buf_free(&got);
}

TEST("an empty chunked body is a body")
{
    EXPECT("0\r\n\r\n", BODY_DONE);
    EXPECT("000\r\n\r\n", BODY_DONE);
    EXPECT("A\r\n0123456789\r\n0\r\n\r\n", BODY_DONE);
    EXPECT("a\r\n0123456789\r\n0\r\n", BODY_OK);
}

TEST("a line of a chunked body ends in CRLF and nothing else")
{
    EXPECT("5\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("5\r\nhello\n0\r\n\r\n", BODY_BAD);
    EXPECT("5\r\nhello\r\n0\n\r\n", BODY_BAD);
    EXPECT("5\r\nhello\r\n0\r\n\n", BODY_BAD);
    EXPECT("5\r\nhello\r\n0\r\nA: b\n\r\n", BODY_BAD);
    EXPECT("5\r\nhello\r\n0\r\nA: b\r\n\n", BODY_BAD);
    EXPECT("5\rhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("5\r\nhello0\r\n\r\n", BODY_BAD);
    EXPECT("5\r\nhello\r0\r\n\r\n", BODY_BAD);
    EXPECT("5;a\nb\r\nhello\r\n0\r\n\r\n", BODY_BAD);
}

TEST("a chunk size is hex digits and nothing else")
{
    EXPECT("\r\n5\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("5 \r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT(" 5\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("+5\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("-5\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("0x5\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("5h\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("g\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT(";a\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("5\0\r\nhello\r\n0\r\n\r\n", BODY_BAD);
    EXPECT("10000000000000005\r\nhello\r\n0\r\n\r\n", BODY_BAD);
}

TEST("a chunk that promises more than the limit is refused before it comes")
{
    EXPECT("65\r\n", BODY_TOO_LARGE);
    EXPECT("64\r\n", BODY_OK);
    EXPECT("ffffffffffffffff\r\n", BODY_TOO_LARGE);
    EXPECT("7fffffffffffffff\r\n", BODY_TOO_LARGE);
    EXPECT("32\r\n01234567890123456789012345678901234567890123456789\r\n33\r\n", BODY_TOO_LARGE);
}

TEST("trailers are header lines")
{
    EXPECT("0\r\nA : b\r\n\r\n", BODY_BAD);
    EXPECT("0\r\n: b\r\n\r\n", BODY_BAD);
    EXPECT("0\r\nA: b\r\n c\r\n\r\n", BODY_BAD);
    EXPECT("0\r\n A: b\r\n\r\n", BODY_BAD);
    EXPECT("0\r\nA: b\0\r\n\r\n", BODY_BAD);
    EXPECT("0\r\nA: b\x01\r\n\r\n", BODY_BAD);
    EXPECT("0\r\nTransfer-Encoding: x\r\n\r\n", BODY_BAD);
    EXPECT("0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", BODY_DONE);
}

/* `unit` again and again, until the reader has had enough. */
static size_t bytes_until_refused(const char *start, const char *unit)
{
    size_t used, total = 0;
    buf_clear(&got);
    body_begin_chunked(&reader, 1 << 20, &got);
    if (body_read(&reader, start, strlen(start), &used) != BODY_OK)
        return 0;
    for (int i = 0; i < 100000; i++, total += strlen(unit))
        if (body_read(&reader, unit, strlen(unit), &used) == BODY_BAD)
            break;
    buf_free(&got);
    return total;
}

TEST("what nobody reads is limited: one extension, all extensions, trailers, zeros")
{
    CHECK(bytes_until_refused("5;a=", "b") <= CHUNK_LINE_BYTES_MAX);
    CHECK(bytes_until_refused("0", "0") <= CHUNK_LINE_BYTES_MAX);
    CHECK(bytes_until_refused("", "1;abcdefghijklmnop\r\nx\r\n") <= 2 * EXTRA_BYTES_MAX);
    CHECK(bytes_until_refused("0\r\n", "A: b\r\n") <= EXTRA_BYTES_MAX);
    CHECK(bytes_until_refused("0\r\nA: ", "b") <= EXTRA_BYTES_MAX);
    CHECK(bytes_until_refused("", "1\r\nx\r\n") == 600000);
}
