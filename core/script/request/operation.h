#ifndef SCRIPT_REQUEST_OPERATION_H
#define SCRIPT_REQUEST_OPERATION_H
/* What a route means to the scripting ring: its handler, and the plans that its request and its answers are held
 * against. Made while the application loads; routes know their operation by its number. */
#include "plan/plan.h"
#include "script/request/limit.h"
#include <lua.h>

enum { OPERATION_ANSWERS_MAX = 16 };

struct operation_answer {
    int status; /* 0: every status that has no plan of its own */
    const struct plan *plan;
};

struct operation {
    int handler;                                                  /* registry reference of the function */
    bool takes_request;                                           /* false: it has no parameter that could hold one */
    const struct plan *params, *query, *headers, *cookies, *body; /* NULL: not declared. The registry keeps them alive */
    bool form;                                                    /* the body is a form, not JSON */
    bool runs_on;                                                 /* the client's leaving does not cancel it */
    struct limit_rules limits;
    unsigned answer_count;
    struct operation_answer answers[OPERATION_ANSWERS_MAX];
};

struct operations {         /* of one engine */
    struct operation *list; /* owned */
    int n, cap;
};

/* Reads handler and plans of the declaration (a table at index); the operation's number. Raises on what is wrong.
 * safe: its method is (RFC 9110 9.2.1), so that unless on_disconnect says otherwise it ends when the client leaves. */
int operation_add(lua_State *L, struct operations *all, int index, bool safe);
const struct operation *operation_at(const struct operations *all, int number);
void operations_free(struct operations *all);
const struct plan *operation_answer(const struct operation *op, int status); /* NULL: none */
#endif
