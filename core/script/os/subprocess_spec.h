#ifndef SCRIPT_OS_SUBPROCESS_SPEC_H
#define SCRIPT_OS_SUBPROCESS_SPEC_H
/* The table that os.spawn and os.exec take, as C. */
#include "script/os/subprocess.h"

/* Reads the table at index; raises on what is not understood. Everything that the spec points at lies in values that are
 * pushed and must stay on the stack until the spec is used. */
void subprocess_spec_read(lua_State *L, int index, struct subprocess_spec *spec);
#endif
