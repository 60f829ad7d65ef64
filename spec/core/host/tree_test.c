#include "core/host/tree.c"
#include "spec/core/test.h"
#include <unistd.h>

static char root[64];

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

static void make_dir(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    CHECK(mkdir(path, 0700) == 0);
}

static void start(void)
{
    snprintf(root, sizeof root, "/tmp/neap-tree-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
}

static void finish(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    CHECK(system(command) == 0);
}

static struct tree scan_root(void)
{
    struct tree t = {0};
    tree_scan(&t, root, true, true);
    tree_sort(&t);
    return t;
}

static bool has(const struct tree *t, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return tree_find(&t->files, path) != NULL;
}

TEST("Lua files and .env are found, editors' and other files are not")
{
    start();
    make_dir("app");
    make_dir(".git");
    write_file("config.lua", "");
    write_file(".env", "");
    write_file("app/init.lua", "");
    write_file("app/.#init.lua", "");
    write_file("app/init.lua~", "");
    write_file("app/.env", "");
    write_file("app/4913", "");
    write_file(".git/hook.lua", "");
    struct tree t = scan_root();
    CHECK(has(&t, "config.lua") && has(&t, ".env") && has(&t, "app/init.lua"));
    CHECK_INT(t.files.n, 3);
    CHECK_INT(t.dirs.n, 2);
    tree_free(&t);
    finish();
}

TEST("the difference names what was changed, added and removed")
{
    struct buf out = BUF_INIT;
    start();
    write_file("a.lua", "one");
    write_file("b.lua", "one");
    write_file("d.lua", "one");
    struct tree before = scan_root();
    write_file("a.lua", "two!");
    write_file("c.lua", "new");
    char path[128];
    snprintf(path, sizeof path, "%s/d.lua", root);
    unlink(path);
    struct tree after = scan_root();
    CHECK_INT(tree_diff(&before, &after, root, &out), 3);
    CHECK_STR(out.p, out.n, "a.lua changed, c.lua added, d.lua removed");
    buf_free(&out);
    CHECK_INT(tree_diff(&after, &after, root, &out), 0);
    tree_free(&before);
    tree_free(&after);
    finish();
}

TEST("a file that was written beside and renamed over the old one has changed")
{
    struct buf out = BUF_INIT;
    char from[128], to[128];
    start();
    write_file("a.lua", "same");
    struct tree before = scan_root();
    write_file("a.lua.tmp", "same");
    snprintf(from, sizeof from, "%s/a.lua.tmp", root);
    snprintf(to, sizeof to, "%s/a.lua", root);
    CHECK(rename(from, to) == 0);
    struct tree after = scan_root();
    CHECK_INT(tree_diff(&before, &after, root, &out), 1);
    CHECK_STR(out.p, out.n, "a.lua changed");
    buf_free(&out);
    tree_free(&before);
    tree_free(&after);
    finish();
}

TEST("many differences are counted, three are named")
{
    struct buf out = BUF_INIT;
    start();
    struct tree before = scan_root();
    for (char name[] = "a.lua"; name[0] < 'a' + 5; name[0]++)
        write_file(name, "");
    struct tree after = scan_root();
    CHECK_INT(tree_diff(&before, &after, root, &out), 5);
    CHECK_STR(out.p, out.n, "a.lua added, b.lua added, c.lua added and 2 more");
    buf_free(&out);
    tree_free(&before);
    tree_free(&after);
    finish();
}

TEST("a link that leads in a circle ends")
{
    char link[128];
    start();
    write_file("a.lua", "");
    snprintf(link, sizeof link, "%s/loop", root);
    CHECK(symlink(root, link) == 0);
    struct tree t = scan_root();
    CHECK_INT(t.dirs.n, TREE_DEPTH_MAX);
    tree_free(&t);
    finish();
}
