/* Runs a fuzz target once for each file in the folders that are given. A folder that is not there has no files. */
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include <dirent.h>
#include <stdio.h>

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf all = BUF_INIT;

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    for (size_t n = 1; n > 0; all.n += n)
        n = fread(buf_reserve(&all, 4096), 1, 4096, f);
    fclose(f);
    /* Of exactly that size, so that a sanitizer sees any look past the end. */
    uint8_t *copy = mem_alloc(all.n > 0 ? all.n : 1);
    memcpy(copy, all.p, all.n);
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(copy, all.n);
    free(copy);
    buf_free(&all);
}

int main(int argc, char **argv)
{
    unsigned files = 0;

    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        struct dirent *e;
        while (dir != NULL && (e = readdir(dir)) != NULL) {
            char path[4096];
            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            run_file(path);
            files++;
        }
        if (dir != NULL)
            closedir(dir);
    }
    printf("%u inputs\n", files);
    return files == 0; /* the corpus is never empty: then the folder is wrong */
}
