#ifndef SCRIPT_DB_LISTEN_H
#define SCRIPT_DB_LISTEN_H
/* db.listen: what an engine hears of Postgres' channels. */
#include <lua.h>

struct engine;

void db_listen_open(lua_State *L);
int db_listen(lua_State *L);
void db_listeners_end(struct engine *e); /* nothing more is heard; what is being worked on goes to its end */
#endif
