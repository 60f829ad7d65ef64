#ifndef HTTP_CORS_H
#define HTTP_CORS_H
/* Which pages of other origins may read our answers: the CORS protocol of the Fetch standard (3.2), with credentials. An
 * origin is compared byte by byte with those that were configured; there is no pattern and no wildcard, which browsers
 * refuse beside credentials anyway. */
#include "base/slice.h"

struct request;

enum { CORS_ORIGIN_MAX = 256, CORS_LINES_MAX = 512, CORS_PREFLIGHT_MAX = 1024 + 512 };

struct cors {
    char *text;            /* owned: the origins, a line each */
    struct slice *origins; /* owned, into text */
    size_t n;
};

/* Origins with a line break between them; one that is longer than CORS_ORIGIN_MAX is left out. */
void cors_init(struct cors *c, struct slice lines);
void cors_deinit(struct cors *c);
bool cors_has(const struct cors *c, struct slice origin);

/* The request's origin when it may read the answer, n 0 otherwise. Of a malformed head, too, if it got that far. */
struct slice cors_origin(const struct request *req);
/* Appends what an answer to that origin says (at most CORS_LINES_MAX bytes; nothing for n 0). */
char *cors_put(char *p, const struct request *req, struct slice origin);

/* Is it a question of the browser, from an origin that may ask? */
bool cors_is_preflight(const struct request *req);
/* The lines that answer it beside those of every answer. `allow` is the route table's mask of the path. */
struct slice cors_preflight(const struct request *req, unsigned allow, char out[static CORS_PREFLIGHT_MAX]);
#endif
