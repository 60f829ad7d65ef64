#ifndef PG_SESSION_H
#define PG_SESSION_H
/* Which statements leave something in the session that the next user of the connection must not meet: settings, a role,
 * temporary tables, advisory locks, cursors, LISTEN.
 *
 * Told by the text alone and on the safe side: a false alarm costs one DISCARD ALL when the connection is given back. What
 * a function does inside, `select my_function()`, no text shows; docs/postgres.md says so. */
#include "base/slice.h"

bool session_is_touched_by(struct slice sql);
/* Its rows are those of a cursor, or of a statement that the session itself has prepared. */
bool session_lends_columns(struct slice sql);
#endif
