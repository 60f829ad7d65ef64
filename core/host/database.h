#ifndef HOST_DATABASE_H
#define HOST_DATABASE_H
/* The pool that the settings describe. Who opens it adds what is its own: url, min, max and application_name, and a
 * statement deadline where it has another. */
#include "pg/pool.h"
#include "script/settings.h"

struct pool_opts database_opts(const struct settings *s, const struct limits *limits, uv_loop_t *loop, struct wheel *wheel);
#endif
