#ifndef SCRIPT_OS_SOCKET_H
#define SCRIPT_OS_SOCKET_H
/* The userdata around a connected channel: what os.tcp, os.unix and listener:accept give. */
#include "script/os/channel.h"

struct socket {
    struct channel *ch; /* owned; NULL: not connected yet, or closed */
    double timeout;     /* seconds that one read or write may wait */
};

struct socket *socket_push(lua_State *L); /* an empty one, to be filled when the connection stands */
#endif
