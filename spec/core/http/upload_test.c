#include "core/http/upload.c"
#include "spec/core/test.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct arena arena;

static struct slice head(const char *lines)
{
    static char text[256];
    int n = snprintf(text, sizeof text, "--b\r\nContent-Disposition: form-data; name=a%s\r\n\r\n", lines);
    return slice_of(text, (size_t)n);
}

/* Sends n bytes as data, in pieces as a socket gives them. */
static enum upload_status send(struct upload *u, size_t n)
{
    static char piece[65536];
    enum upload_status status = UPLOAD_OK;
    memset(piece, 'x', sizeof piece);
    while (n > 0 && status == UPLOAD_OK) {
        size_t now = n < sizeof piece ? n : sizeof piece;
        status = upload_read(u, slice_of(piece, now), false);
        n -= now;
    }
    return status;
}

static struct upload *begin(const char *lines)
{
    struct upload *u = upload_new(&arena, SLICE_LIT("b"));
    CHECK_INT(upload_read(u, head(lines), false), UPLOAD_OK);
    return u;
}

#define NEXT(u) CHECK_INT(upload_read((u), SLICE_LIT("\r\n"), false), UPLOAD_OK)
#define FINISH(u) CHECK_INT(upload_read((u), SLICE_LIT("\r\n--b--"), true), UPLOAD_OK)

static bool is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

TEST("a small file stays in memory")
{
    struct upload *u = begin("; filename=f");
    CHECK_INT(send(u, UPLOAD_KEPT_BYTES_MAX), UPLOAD_OK);
    FINISH(u);
    CHECK_INT(u->n, 1);
    CHECK_INT(u->parts[0].n, UPLOAD_KEPT_BYTES_MAX);
    CHECK_INT(u->parts[0].data.n, UPLOAD_KEPT_BYTES_MAX);
    CHECK(u->parts[0].path == NULL && u->parts[0].is_file);
    arena_free(&arena);
}

TEST("a file of one byte more is on the disk, for its owner only, until the arena ends")
{
    char path[256];
    struct stat st;
    struct upload *u = begin("; filename=f");
    CHECK_INT(send(u, UPLOAD_KEPT_BYTES_MAX + 1), UPLOAD_OK);
    FINISH(u);
    CHECK(u->parts[0].path != NULL && u->parts[0].data.n == 0 && u->memory == 0 && u->fd == -1);
    snprintf(path, sizeof path, "%s", u->parts[0].path);
    CHECK(stat(path, &st) == 0);
    CHECK_INT(st.st_size, UPLOAD_KEPT_BYTES_MAX + 1);
    CHECK_INT(st.st_mode & 0777, 0600);
    arena_free(&arena);
    CHECK(!is_there(path));
}

TEST("a file that its handler moved away stays where it is")
{
    char path[256], moved[300];
    struct upload *u = begin("; filename=f");
    CHECK_INT(send(u, UPLOAD_KEPT_BYTES_MAX + 1), UPLOAD_OK);
    FINISH(u);
    snprintf(path, sizeof path, "%s", u->parts[0].path);
    snprintf(moved, sizeof moved, "%s.kept", path);
    CHECK(rename(path, moved) == 0);
    arena_free(&arena);
    CHECK(is_there(moved));
    unlink(moved);
}

TEST("a form that is given up half-way leaves no file and no descriptor")
{
    char path[256];
    struct upload *u = begin("; filename=f");
    CHECK_INT(send(u, 3 * UPLOAD_KEPT_BYTES_MAX), UPLOAD_OK);
    int fd = u->fd;
    CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    snprintf(path, sizeof path, "%s", u->parts[0].path);
    arena_free(&arena);
    CHECK(!is_there(path) && fcntl(fd, F_GETFD) == -1);
}

TEST("a text may not be larger than what is kept in memory")
{
    struct upload *u = begin("");
    CHECK_INT(send(u, UPLOAD_KEPT_BYTES_MAX + 1), UPLOAD_TOO_LARGE);
    CHECK(u->why != NULL);
    CHECK_INT(upload_read(u, SLICE_LIT("\r\n--b--"), true), UPLOAD_TOO_LARGE);
    arena_free(&arena);
}

TEST("many small files together go to the disk")
{
    struct upload *u = begin("; filename=f");
    for (int i = 0; i < 10; i++) {
        CHECK_INT(send(u, UPLOAD_KEPT_BYTES_MAX - 1), UPLOAD_OK);
        NEXT(u);
        CHECK_INT(upload_read(u, head("; filename=f"), false), UPLOAD_OK);
        CHECK(u->memory <= UPLOAD_MEMORY_BYTES_MAX);
    }
    FINISH(u);
    CHECK_INT(u->n, 11);
    CHECK(u->parts[0].path == NULL && u->parts[9].path != NULL);
    CHECK_INT(u->parts[9].n, UPLOAD_KEPT_BYTES_MAX - 1);
    arena_free(&arena);
}

TEST("more parts than there may be are too many")
{
    struct upload *u = begin("");
    for (int i = 1; i < UPLOAD_PARTS_MAX; i++) {
        NEXT(u);
        CHECK_INT(upload_read(u, head(""), false), UPLOAD_OK);
    }
    NEXT(u);
    CHECK_INT(upload_read(u, head(""), false), UPLOAD_TOO_LARGE);
    arena_free(&arena);
}

TEST("a form that ends before its last delimiter is refused, and so is one that is malformed")
{
    struct upload *u = begin("");
    CHECK_INT(upload_read(u, SLICE_LIT("x"), true), UPLOAD_BAD);
    CHECK(u->why != NULL);
    u = begin("");
    CHECK_INT(upload_read(u, SLICE_LIT("\r\n--bad"), false), UPLOAD_BAD);
    CHECK(u->why != NULL);
    arena_free(&arena);
}

TEST("a disk that takes nothing is told")
{
    char *before = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
    setenv("TMPDIR", "/nowhere", 1);
    struct upload *u = begin("; filename=f");
    enum upload_status status = send(u, UPLOAD_KEPT_BYTES_MAX + 1);
    before ? setenv("TMPDIR", before, 1) : unsetenv("TMPDIR");
    free(before);
    CHECK_INT(status, UPLOAD_FAILED);
    arena_free(&arena);
}
