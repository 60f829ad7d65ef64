#ifndef SCRIPT_REQUEST_INTAKE_H
#define SCRIPT_REQUEST_INTAKE_H
/* What comes in, held against the plans of its route before any Lua runs for it. */
#include "plan/json.h"

struct operation;
struct request;
struct script_env;

enum intake_part { INTAKE_PARAMS, INTAKE_QUERY, INTAKE_HEADERS, INTAKE_COOKIES, INTAKE_BODY, INTAKE_PARTS };

/* Fills docs (n 0: nothing is declared, or there is no body) with checked documents that live as long as the request. False
 * when the request has been answered: 400 for a body that is no JSON, 415 for a form of another kind, 422 with every field
 * error. */
bool intake_read(const struct script_env *env, const struct operation *op, struct request *req,
                 struct json_doc docs[static INTAKE_PARTS]);
#endif
