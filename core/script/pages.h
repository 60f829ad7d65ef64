#ifndef SCRIPT_PAGES_H
#define SCRIPT_PAGES_H
/* The files of /docs and /redoc, carried in the binary as gzip. Made by the build (cmake/pages.cmake). */
#include <stddef.h>

struct page_file {
    const char *name;
    const unsigned char *gzip;
    size_t n;       /* of gzip */
    size_t plain_n; /* of what it inflates to */
};

extern const struct page_file page_files[]; /* sorted by name */
extern const size_t page_count;
extern const char pages_version[]; /* changes when one of the files does */
extern const char pages_missing[]; /* why the bundles are not among them, in words; "" when they are */
#endif
