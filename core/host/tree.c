#include "host/tree.h"
#include "base/mem.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { TOLD_MAX = 3 };

static void add(struct tree_list *l, const char *path, const struct stat *st)
{
    if (l->n == TREE_FILES_MAX)
        return;
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->items = mem_realloc(l->items, l->cap * sizeof *l->items);
    }
    l->items[l->n++] = (struct tree_entry){
        .path = mem_dup(path, strlen(path)),
        .inode = st->st_ino,
        .bytes = st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

/* What neap.static serves is read when the application loads, so it counts as a source too. */
static bool is_source(const char *name, bool env)
{
    static const char *const endings[] = {".lua", ".html", ".css", ".js", ".svg", ".json", ".txt"};
    const char *dot = strrchr(name, '.');

    if (dot == NULL || dot == name)
        return env && strcmp(name, ".env") == 0;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static void scan(struct tree *t, const char *dir, bool deep, bool env, int depth)
{
    struct stat st;
    struct dirent *d;
    struct buf path = BUF_INIT;
    DIR *open_dir = depth < TREE_DEPTH_MAX ? opendir(dir) : NULL;

    if (open_dir == NULL)
        return;
    if (fstat(dirfd(open_dir), &st) == 0)
        add(&t->dirs, dir, &st);
    while ((d = readdir(open_dir)) != NULL) {
        bool source = is_source(d->d_name, env);
        if (d->d_name[0] == '.' && !(source && env && strcmp(d->d_name, ".env") == 0))
            continue;
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, d->d_name);
        buf_char(&path, '\0');
        if (stat(path.p, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && deep)
            scan(t, path.p, true, false, depth + 1);
        else if (S_ISREG(st.st_mode) && source)
            add(&t->files, path.p, &st);
    }
    closedir(open_dir);
    buf_free(&path);
}

void tree_scan(struct tree *t, const char *dir, bool deep, bool env)
{
    scan(t, dir, deep, env, 0);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct tree_entry *)a)->path, ((const struct tree_entry *)b)->path);
}

static void sort(struct tree_list *l)
{
    if (l->n > 0)
        qsort(l->items, l->n, sizeof *l->items, by_path);
}

void tree_sort(struct tree *t)
{
    sort(&t->files);
    sort(&t->dirs);
}

static void free_list(struct tree_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i].path);
    free(l->items);
    *l = (struct tree_list){0};
}

void tree_free(struct tree *t)
{
    free_list(&t->files);
    free_list(&t->dirs);
}

const struct tree_entry *tree_find(const struct tree_list *l, const char *path)
{
    struct tree_entry key = {.path = (char *)path};
    return l->n == 0 ? NULL : bsearch(&key, l->items, l->n, sizeof *l->items, by_path);
}

static void tell(struct buf *out, size_t told, const char *path, const char *root, const char *what)
{
    size_t n = strlen(root);
    if (told >= TOLD_MAX)
        return;
    if (strncmp(path, root, n) == 0 && path[n] == '/')
        path += n + 1;
    buf_printf(out, "%s%s %s", told > 0 ? ", " : "", path, what);
}

static bool is_same(const struct tree_entry *a, const struct tree_entry *b)
{
    return a->inode == b->inode && a->bytes == b->bytes && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

size_t tree_diff(const struct tree *before, const struct tree *after, const char *root, struct buf *out)
{
    const struct tree_list *a = &before->files, *b = &after->files;
    size_t i = 0, j = 0, n = 0;
    while (i < a->n || j < b->n) {
        int order = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->items[i].path, b->items[j].path);
        if (order < 0)
            tell(out, n++, a->items[i++].path, root, "removed");
        else if (order > 0)
            tell(out, n++, b->items[j++].path, root, "added");
        else if (!is_same(&a->items[i++], &b->items[j++]))
            tell(out, n++, b->items[j - 1].path, root, "changed");
    }
    if (n > TOLD_MAX)
        buf_printf(out, " and %zu more", n - TOLD_MAX);
    return n;
}
