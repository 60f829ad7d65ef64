#ifndef SCRIPT_SANDBOX_EMBED_H
#define SCRIPT_SANDBOX_EMBED_H
/* The framework's Lua files, carried in the binary. Made by the build. */
#include <stddef.h>

struct embed_file {
    const char *name;       /* of the module: "neap.cli.routes"; lua/neap/x/init.lua is "neap.x" */
    const char *chunk_name; /* "@lua/neap/x/init.lua" */
    const unsigned char *data;
    size_t n;
};

extern const struct embed_file embed_files[]; /* sorted by name */
extern const size_t embed_count;
#endif
