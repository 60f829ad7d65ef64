#ifndef HOST_TREE_H
#define HOST_TREE_H
/* The files of an application that matter when one is saved, as they are now, and what differs between then and now. */
#include "base/buf.h"
#include <stdint.h>
#include <sys/types.h>

enum { TREE_DEPTH_MAX = 16, TREE_FILES_MAX = 20000 };

struct tree_entry {
    char *path; /* owned, absolute */
    ino_t inode;
    off_t bytes;
    int64_t mtime_ns, ctime_ns;
};

struct tree_list {            /* sorted by path once the scan is over */
    struct tree_entry *items; /* owned */
    size_t n, cap;
};

struct tree {
    struct tree_list files, dirs;
};

/* Adds what lies in dir: Lua files, with `env` also .env; and what lies below it when `deep`. A folder that is not there
 * adds nothing. Hidden names and links that lead in circles are passed over. */
void tree_scan(struct tree *t, const char *dir, bool deep, bool env);
void tree_sort(struct tree *t);
void tree_free(struct tree *t);
const struct tree_entry *tree_find(const struct tree_list *l, const char *path);

/* Writes "a.lua changed, b.lua added, c.lua removed and 4 more", paths below `root` without it. Returns how many differ. */
size_t tree_diff(const struct tree *before, const struct tree *after, const char *root, struct buf *out);
#endif
