#include "http/upload.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void close_file(struct upload *u)
{
    if (u->fd >= 0)
        close(u->fd);
    u->fd = -1;
}

static void upload_free(void *arg)
{
    struct upload *u = arg;
    close_file(u);
    for (unsigned i = 0; i < u->n; i++) {
        buf_free(&u->parts[i].data);
        if (u->parts[i].path != NULL)
            unlink(u->parts[i].path); /* fails when the handler has moved it away, which is its right */
    }
    free(u);
}

static bool stop(struct upload *u, enum upload_status status, const char *why)
{
    u->status = status;
    u->why = why;
    return false;
}

static struct slice keep(struct upload *u, struct slice s)
{
    return slice_of(arena_dup(u->arena, s.p, s.n), s.n);
}

static bool on_part(void *arg, const struct multipart_part *part)
{
    struct upload *u = arg;
    close_file(u);
    if (u->n == UPLOAD_PARTS_MAX)
        return stop(u, UPLOAD_TOO_LARGE, "the form has too many parts");
    u->parts[u->n++] = (struct upload_part){
        .name = keep(u, part->name),
        .filename = keep(u, part->filename),
        .content_type = keep(u, part->content_type),
        .is_file = part->is_file,
    };
    return true;
}

static bool open_file(struct upload *u, struct upload_part *part)
{
    static const char name[] = "/neap-upload-XXXXXX";
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || *folder != '/')
        folder = "/tmp";
    size_t n = strlen(folder);
    char *path = arena_alloc(u->arena, n + sizeof name);
    memcpy(path, folder, n);
    memcpy(path + n, name, sizeof name);
    u->fd = mkstemp(path);
    if (u->fd < 0)
        return stop(u, UPLOAD_FAILED, "a temporary file cannot be made");
    fcntl(u->fd, F_SETFD, FD_CLOEXEC);
    part->path = path;
    return true;
}

/* On the loop's thread: the page cache takes what one read of a socket brings in some microseconds, and the kernel writes
 * it out later. */
static bool write_file(struct upload *u, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(u->fd, p, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return stop(u, UPLOAD_FAILED, "a temporary file cannot be written");
        p += written;
        n -= (size_t)written;
    }
    return true;
}

/* What is in memory of the part goes first. */
static bool spill(struct upload *u, struct upload_part *part)
{
    if (!open_file(u, part) || !write_file(u, part->data.p, part->data.n))
        return false;
    u->memory -= part->data.n;
    buf_free(&part->data);
    return true;
}

static bool on_data(void *arg, const char *p, size_t n)
{
    struct upload *u = arg;
    struct upload_part *part = &u->parts[u->n - 1];
    part->n += n;
    bool fits = part->n <= UPLOAD_KEPT_BYTES_MAX && u->memory + n <= UPLOAD_MEMORY_BYTES_MAX;
    if (part->path == NULL && fits) {
        buf_append(&part->data, p, n);
        u->memory += n;
        return true;
    }
    if (!part->is_file)
        return stop(u, UPLOAD_TOO_LARGE, "a text of the form is too large");
    return (part->path != NULL || spill(u, part)) && write_file(u, p, n);
}

struct upload *upload_new(struct arena *a, struct slice boundary)
{
    struct upload *u = mem_alloc(sizeof *u);
    u->n = 0;
    u->why = NULL;
    u->arena = a;
    u->status = UPLOAD_OK;
    u->memory = 0;
    u->fd = -1;
    multipart_init(&u->parser, boundary, &(struct multipart_sink){.part = on_part, .data = on_data, .arg = u});
    arena_defer(a, upload_free, u);
    return u;
}

enum upload_status upload_read(struct upload *u, struct slice bytes, bool last)
{
    enum multipart_status status = multipart_read(&u->parser, bytes.p, bytes.n);
    if (u->status == UPLOAD_OK && status == MULTIPART_BAD)
        stop(u, UPLOAD_BAD, u->parser.why);
    else if (u->status == UPLOAD_OK && last && status != MULTIPART_DONE)
        stop(u, UPLOAD_BAD, "the form ends before its last delimiter");
    if (last)
        close_file(u);
    return u->status;
}
