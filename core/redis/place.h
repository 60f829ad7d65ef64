#ifndef REDIS_PLACE_H
#define REDIS_PLACE_H
/* Where a Redis is: redis://[user:password@]host[:port][/db], redis://:password@host, unix:///path[?db=n]. */
#include "base/slice.h"

enum { REDIS_TEXT_MAX = 256, REDIS_PORT = 6379 };

struct redis_place {
    char host[REDIS_TEXT_MAX]; /* of a Unix socket the path */
    bool is_path;
    unsigned port, db;
    char user[REDIS_TEXT_MAX], password[REDIS_TEXT_MAX]; /* "": none */
};

bool redis_place_parse(struct slice url, struct redis_place *out); /* false: it is none of these */
#endif
