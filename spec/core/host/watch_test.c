#include "core/host/watch.c"
#include "spec/core/test.h"
#include <sys/stat.h>
#include <unistd.h>

static uv_loop_t loop;
static char root[64], heard[256];
static struct watch *w;

static void on_heard(const char *what, void *arg)
{
    (void)arg;
    snprintf(heard, sizeof heard, "%s", what);
}

static void on_time(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void run_for(uint64_t ms)
{
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_time, ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

/* What the watch says within two seconds, "" when nothing. */
static const char *listen_to(void)
{
    heard[0] = '\0';
    for (int i = 0; i < 100 && heard[0] == '\0'; i++)
        run_for(20);
    return heard;
}

static void path_of(char *out, size_t n, const char *name)
{
    snprintf(out, n, "%s/%s", root, name);
}

static void save(const char *name, const char *text)
{
    char path[256];
    path_of(path, sizeof path, name);
    FILE *f = fopen(path, "w");
    CHECK(f != NULL);
    fputs(text, f);
    fclose(f);
}

static void make_dir(const char *name)
{
    char path[256];
    path_of(path, sizeof path, name);
    CHECK(mkdir(path, 0700) == 0);
}

static void start(void)
{
    static struct place place;
    snprintf(root, sizeof root, "/tmp/neap-watch-XXXXXX");
    CHECK(mkdtemp(root) != NULL);
    place.app_dir = root;
    make_dir("lua");
    save("lua/a.lua", "one");
    uv_loop_init(&loop);
    w = watch_open(&loop, &place, on_heard, NULL);
    run_for(50);
    heard[0] = '\0';
}

static void finish(void)
{
    char command[128];
    watch_close(w);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    snprintf(command, sizeof command, "rm -r %s", root);
    CHECK(system(command) == 0);
}

TEST("a saved file is told by its name")
{
    start();
    save("lua/a.lua", "two two");
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/a.lua changed");
    finish();
}

TEST("an editor that writes beside and renames is heard, and its other files are not")
{
    char from[256], to[256];
    start();
    save("lua/4913", "");
    save("lua/a.lua.swp", "");
    run_for(100);
    CHECK_STR(heard, strlen(heard), "");
    save("lua/a.lua.new", "two two");
    path_of(from, sizeof from, "lua/a.lua.new");
    path_of(to, sizeof to, "lua/a.lua");
    CHECK(rename(from, to) == 0);
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/a.lua changed");
    finish();
}

TEST("a file in a new folder is heard, and so is its next change")
{
    start();
    make_dir("lua/tasks");
    make_dir("lua/tasks/deep");
    save("lua/tasks/deep/b.lua", "one");
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/tasks/deep/b.lua added");
    run_for(100);
    save("lua/tasks/deep/b.lua", "two two");
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/tasks/deep/b.lua changed");
    finish();
}

TEST("a folder that is removed and made again is still watched")
{
    char command[256];
    start();
    make_dir("lua/x");
    save("lua/x/b.lua", "one");
    listen_to();
    run_for(100);
    snprintf(command, sizeof command, "rm -r %s/lua/x && mkdir %s/lua/x", root, root);
    CHECK(system(command) == 0);
    listen_to();
    run_for(100);
    save("lua/x/b.lua", "two");
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/x/b.lua added");
    run_for(100);
    save("lua/x/b.lua", "three three");
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/x/b.lua changed");
    finish();
}

TEST(".env and config.lua of the application are watched")
{
    start();
    save(".env", "A=1");
    listen_to();
    CHECK_STR(heard, strlen(heard), ".env added");
    save("config.lua", "return 1");
    listen_to();
    CHECK_STR(heard, strlen(heard), "config.lua added");
    finish();
}

TEST("where nothing can be watched the tree is compared every second")
{
    start();
    w->polling = true;
    struct list *l;
    while ((l = list_first(&w->dirs)) != NULL)
        close_dir(LIST_OF(l, struct watched, link));
    look(w);
    save("lua/a.lua", "three three");
    listen_to();
    CHECK_STR(heard, strlen(heard), "lua/a.lua changed");
    finish();
}
